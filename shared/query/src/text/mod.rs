//! From the user's text to a tree: characters, tokens, conditions, expressions. Knows Spark's grammar, no types.

mod ast;
mod cursor;
mod lexer;
mod literal;
mod parser;
mod primary;
mod source;

pub(crate) use ast::{Ast, BinaryOp, Ident, IsWhat, Literal, Node, TypeName, UnaryOp};
pub(crate) use lexer::split;
pub(crate) use parser::parse;
pub(crate) use source::{Problem, Source, Span};

/// Bytes of the whole text.
pub(crate) const MAX_TEXT_BYTES: usize = 16 * 1024;
/// Conditions in one text.
pub(crate) const MAX_CONDITIONS: usize = 64;
/// Parentheses, calls and operators within one another.
pub(crate) const MAX_DEPTH: usize = 64;
/// Fields, literals, operators and calls in one text.
pub(crate) const MAX_NODES: usize = 1_000;
