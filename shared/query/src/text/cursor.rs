//! The parser's place among the tokens.

use super::lexer::Token;
use super::literal::unescape;
use super::parser::Parser;
use super::{Ident, Problem, Span};
use crate::error::ProblemKind;

type Parsed<T> = Result<T, Problem>;

impl Parser<'_> {
    pub(super) fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|placed| &placed.token)
    }

    pub(super) fn here(&self) -> Span {
        self.tokens.get(self.at).map_or(self.end, |placed| placed.at)
    }

    pub(super) fn last(&self) -> Span {
        self.tokens.get(self.at.saturating_sub(1)).map_or(self.end, |placed| placed.at)
    }

    pub(super) fn advance(&mut self) {
        self.at += 1;
    }

    pub(super) fn sees(&self, symbol: &str) -> bool {
        matches!(self.peek(), Some(Token::Symbol(seen)) if *seen == symbol)
    }

    pub(super) fn sees_symbol_after(&self, symbol: &str) -> bool {
        matches!(self.tokens.get(self.at + 1).map(|placed| &placed.token),
            Some(Token::Symbol(seen)) if *seen == symbol)
    }

    pub(super) fn sees_word(&self, word: &str) -> bool {
        matches!(self.peek(), Some(Token::Word(seen)) if seen.eq_ignore_ascii_case(word))
    }

    pub(super) fn take(&mut self, symbol: &str) -> bool {
        let seen = self.sees(symbol);
        self.at += usize::from(seen);
        seen
    }

    pub(super) fn take_word(&mut self, word: &str) -> bool {
        let seen = self.sees_word(word);
        self.at += usize::from(seen);
        seen
    }

    pub(super) fn expect(&mut self, symbol: &str) -> Parsed<()> {
        if self.take(symbol) { Ok(()) } else { Err(self.unexpected(&format!("`{symbol}`"))) }
    }

    pub(super) fn expect_word(&mut self, word: &str) -> Parsed<()> {
        if self.take_word(word) { Ok(()) } else { Err(self.unexpected(&format!("`{word}`"))) }
    }

    pub(super) fn ident(&mut self, wanted: &str) -> Parsed<Ident> {
        let at = self.here();
        let name = match self.peek() {
            Some(Token::Word(name) | Token::Quoted(name)) => name.clone(),
            _ => return Err(self.unexpected(wanted)),
        };
        self.at += 1;
        Ok(Ident { name, at })
    }

    /// A string; strings side by side are one.
    pub(super) fn text(&mut self, wanted: &str) -> Parsed<(String, Span)> {
        let mut at = self.here();
        let mut value = None;
        while let Some(Token::Text(written, quote)) = self.peek() {
            let part = unescape(written, *quote);
            at = at.to(self.here());
            value.get_or_insert_with(String::new).push_str(&part);
            self.at += 1;
        }
        match value {
            Some(value) => Ok((value, at)),
            None => Err(self.unexpected(wanted)),
        }
    }

    pub(super) fn unexpected(&self, wanted: &str) -> Problem {
        let found = match self.peek() {
            None => "the condition ends".to_owned(),
            Some(Token::Word(word) | Token::Number(word) | Token::Other(word)) => format!("`{word}` stands"),
            Some(Token::Quoted(name)) => format!("`{name}` stands"),
            Some(Token::Text(..)) => "a string stands".to_owned(),
            Some(Token::Symbol(symbol)) => format!("`{symbol}` stands"),
        };
        syntax(&format!("{found} where {wanted} should be"), self.here())
    }
}

pub(super) fn syntax(what: &str, at: Span) -> Problem {
    Problem::new(ProblemKind::Syntax, what, at)
}
