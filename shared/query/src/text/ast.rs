//! The tree of a condition, each part with its place in the text.

use super::Span;

/// A part of a condition.
#[derive(Clone, Debug)]
pub(crate) struct Ast {
    pub node: Node,
    pub at: Span,
    /// Parts within one another, this one included.
    pub depth: usize,
}

/// A name as the user spelled it.
#[derive(Clone, Debug)]
pub(crate) struct Ident {
    pub name: String,
    pub at: Span,
}

#[derive(Clone, Debug)]
pub(crate) enum Node {
    Literal(Literal),
    Name(String),
    Field(Box<Ast>, Ident),
    Index(Box<Ast>, Box<Ast>),
    Unary(UnaryOp, Box<Ast>),
    Binary(BinaryOp, Box<Ast>, Box<Ast>),
    /// All of them hold: a chain of AND is one node, so that it may be long without being deep.
    All(Vec<Ast>),
    /// One of them holds.
    Any(Vec<Ast>),
    Not(Box<Ast>),
    Between {
        value: Box<Ast>,
        low: Box<Ast>,
        high: Box<Ast>,
        negated: bool,
    },
    In {
        value: Box<Ast>,
        list: Vec<Ast>,
        negated: bool,
    },
    Like {
        value: Box<Ast>,
        pattern: Box<Ast>,
        escape: Option<char>,
        any_case: bool,
        negated: bool,
    },
    Rlike {
        value: Box<Ast>,
        pattern: Box<Ast>,
        negated: bool,
    },
    Is {
        value: Box<Ast>,
        what: IsWhat,
        negated: bool,
    },
    Case {
        operand: Option<Box<Ast>>,
        arms: Vec<(Ast, Ast)>,
        otherwise: Option<Box<Ast>>,
    },
    Cast {
        value: Box<Ast>,
        to: TypeName,
    },
    Call {
        name: Ident,
        args: Vec<Ast>,
    },
}

impl Node {
    /// The depth of the deepest part of this node.
    pub(super) fn inner_depth(&self) -> usize {
        let of = |parts: &[&Ast]| parts.iter().map(|part| part.depth).max().unwrap_or(0);
        let of_all = |parts: &[Ast]| parts.iter().map(|part| part.depth).max().unwrap_or(0);
        match self {
            Self::Literal(_) | Self::Name(_) => 0,
            Self::Field(value, _) | Self::Unary(_, value) | Self::Not(value) | Self::Cast { value, .. } => {
                value.depth
            }
            Self::Index(left, right) | Self::Binary(_, left, right) => of(&[left, right]),
            Self::All(parts) | Self::Any(parts) | Self::Call { args: parts, .. } => of_all(parts),
            Self::Between { value, low, high, .. } => of(&[value, low, high]),
            Self::In { value, list, .. } => value.depth.max(of_all(list)),
            Self::Like { value, pattern, .. } | Self::Rlike { value, pattern, .. } => of(&[value, pattern]),
            Self::Is { value, what: IsWhat::DistinctFrom(other), .. } => of(&[value, other]),
            Self::Is { value, .. } => value.depth,
            Self::Case { operand, arms, otherwise } => {
                let arms = arms.iter().map(|(when, then)| of(&[when, then])).max().unwrap_or(0);
                let ends = [operand, otherwise].into_iter().flatten().map(|part| part.depth).max();
                arms.max(ends.unwrap_or(0))
            }
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) enum IsWhat {
    Null,
    True,
    False,
    DistinctFrom(Box<Ast>),
}

#[derive(Clone, Debug)]
pub(crate) enum Literal {
    Null,
    Boolean(bool),
    /// A number as written, suffix and minus sign included: its type depends on the spelling.
    Number(String),
    Text(String),
    Date(String),
    Timestamp(String),
}

/// A type as written: `decimal(5, 2)` is `decimal` with two parameters.
#[derive(Clone, Debug)]
pub(crate) struct TypeName {
    pub name: String,
    pub parameters: Vec<u64>,
    pub at: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnaryOp {
    Minus,
    Plus,
    BitNot,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BinaryOp {
    Add,
    Subtract,
    Multiply,
    Divide,
    IntegerDivide,
    Remainder,
    Concat,
    BitAnd,
    BitOr,
    BitXor,
    ShiftLeft,
    ShiftRight,
    ShiftRightUnsigned,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    NullSafeEqual,
}

impl BinaryOp {
    /// How the operator is written.
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::IntegerDivide => "div",
            Self::Remainder => "%",
            Self::Concat => "||",
            Self::BitAnd => "&",
            Self::BitOr => "|",
            Self::BitXor => "^",
            Self::ShiftLeft => "<<",
            Self::ShiftRight => ">>",
            Self::ShiftRightUnsigned => ">>>",
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::NullSafeEqual => "<=>",
        }
    }
}
