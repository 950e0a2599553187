//! The innermost parts of a condition: literals, names, parentheses, calls, CASE and CAST.

use super::cursor::syntax;
use super::lexer::Token;
use super::parser::Parser;
use super::{Ast, Ident, Literal, Node, Problem, Span};
use crate::error::ProblemKind;

type Parsed<T = Ast> = Result<T, Problem>;

/// Words that cannot begin a value: a field of such a name is written between backticks.
const NOT_A_VALUE: [&str; 16] = [
    "AND", "OR", "IS", "IN", "LIKE", "ILIKE", "RLIKE", "REGEXP", "BETWEEN", "THEN", "WHEN", "ELSE", "END",
    "ESCAPE", "DIV", "FROM",
];

impl Parser<'_> {
    pub(super) fn primary(&mut self) -> Parsed {
        let at = self.here();
        match self.peek() {
            Some(Token::Number(number)) => {
                let literal = Literal::Number(number.clone());
                self.advance();
                self.node(Node::Literal(literal), at)
            }
            Some(Token::Text(..)) => {
                let (value, at) = self.text("a string")?;
                self.node(Node::Literal(Literal::Text(value)), at)
            }
            Some(Token::Quoted(name)) => {
                let name = Ident { name: name.clone(), at };
                self.advance();
                if self.sees("(") { self.call(name) } else { self.node(Node::Name(name.name), at) }
            }
            Some(Token::Word(word)) => {
                let word = word.clone();
                self.word(word, at)
            }
            Some(Token::Symbol("(")) => self.parentheses(),
            _ => Err(self.unexpected("a field, a number, a string or a function")),
        }
    }

    fn parentheses(&mut self) -> Parsed {
        let open = self.here();
        self.advance();
        self.refuse_query()?;
        let mut inner = self.expression()?;
        if self.sees(",") {
            return Err(syntax("a list in parentheses belongs after IN", self.here()));
        }
        self.expect(")")?;
        inner.at = open.to(self.last());
        Ok(inner)
    }

    fn word(&mut self, word: String, at: Span) -> Parsed {
        let upper = word.to_ascii_uppercase();
        if NOT_A_VALUE.contains(&upper.as_str()) {
            return Err(self.unexpected("a field, a number, a string or a function"));
        }
        self.refuse_query()?;
        self.advance();
        let literal = match upper.as_str() {
            "NULL" => Some(Literal::Null),
            "TRUE" => Some(Literal::Boolean(true)),
            "FALSE" => Some(Literal::Boolean(false)),
            _ => None,
        };
        if let Some(literal) = literal {
            return self.node(Node::Literal(literal), at);
        }
        if upper == "CASE" {
            return self.deeper(|parser| parser.case(at));
        }
        if matches!(self.peek(), Some(Token::Text(..))) {
            return self.typed_text(&upper, at);
        }
        if !self.sees("(") {
            return self.node(Node::Name(word), at);
        }
        match upper.as_str() {
            "CAST" | "TRY_CAST" => self.deeper(|parser| parser.cast(at)),
            "EXTRACT" => self.deeper(|parser| parser.extract(at)),
            "POSITION" => self.deeper(|parser| parser.position(at)),
            "TRIM" => self.deeper(|parser| parser.trim(at)),
            _ => self.call(Ident { name: word, at }),
        }
    }

    fn typed_text(&mut self, kind: &str, at: Span) -> Parsed {
        let (text, place) = self.text("a string")?;
        let at = at.to(place);
        match kind {
            "DATE" => self.node(Node::Literal(Literal::Date(text)), at),
            "TIMESTAMP" => self.node(Node::Literal(Literal::Timestamp(text)), at),
            "R" => Err(syntax("raw strings are not known: double the backslashes of a plain string", at)),
            _ => Err(syntax(&format!("`{kind}` cannot stand before a string"), at)),
        }
    }

    fn case(&mut self, start: Span) -> Parsed {
        let operand = if self.sees_word("WHEN") { None } else { Some(Box::new(self.expression()?)) };
        let mut arms = Vec::new();
        while self.take_word("WHEN") {
            let when = self.expression()?;
            self.expect_word("THEN")?;
            arms.push((when, self.expression()?));
        }
        if arms.is_empty() {
            return Err(self.unexpected("`WHEN`"));
        }
        let otherwise = if self.take_word("ELSE") { Some(Box::new(self.expression()?)) } else { None };
        self.expect_word("END")?;
        let at = start.to(self.last());
        self.node(Node::Case { operand, arms, otherwise }, at)
    }

    fn cast(&mut self, start: Span) -> Parsed {
        self.expect("(")?;
        let value = Box::new(self.expression()?);
        self.expect_word("AS")?;
        let to = self.type_name()?;
        self.expect(")")?;
        let at = start.to(self.last());
        self.node(Node::Cast { value, to }, at)
    }

    /// EXTRACT(YEAR FROM x), which is year(x).
    fn extract(&mut self, start: Span) -> Parsed {
        self.expect("(")?;
        let part = self.ident("a part such as YEAR")?;
        self.expect_word("FROM")?;
        let value = self.value()?;
        self.expect(")")?;
        let at = start.to(self.last());
        self.node(Node::Call { name: part, args: vec![value] }, at)
    }

    /// POSITION(part IN text), which is locate(part, text), or the plain call.
    fn position(&mut self, start: Span) -> Parsed {
        self.expect("(")?;
        let part = self.value()?;
        let mut args = vec![part];
        if self.take_word("IN") {
            args.push(self.value()?);
            self.expect(")")?;
        } else if self.take(",") {
            args.extend(self.list(")")?);
        } else {
            return Err(self.unexpected("`IN` or `,`"));
        }
        let at = start.to(self.last());
        self.node(Node::Call { name: Ident { name: "locate".to_owned(), at: start }, args }, at)
    }

    /// `TRIM([BOTH | LEADING | TRAILING] [what] FROM text)`, or the plain call.
    fn trim(&mut self, start: Span) -> Parsed {
        self.expect("(")?;
        let name = if self.take_word("LEADING") {
            "ltrim"
        } else if self.take_word("TRAILING") {
            "rtrim"
        } else {
            self.take_word("BOTH");
            "trim"
        };
        let name = Ident { name: name.to_owned(), at: start };
        let mut args = Vec::new();
        if self.take_word("FROM") {
            args.push(self.value()?);
        } else {
            args.push(self.expression()?);
            if self.take_word("FROM") || self.take(",") {
                args.push(self.expression()?);
            }
        }
        self.expect(")")?;
        let at = start.to(self.last());
        self.node(Node::Call { name, args }, at)
    }

    fn call(&mut self, name: Ident) -> Parsed {
        self.expect("(")?;
        if self.sees_word("DISTINCT") {
            return Err(Problem::new(ProblemKind::Refused, "DISTINCT belongs to aggregates", self.here()));
        }
        if self.sees("*") {
            return Err(Problem::new(ProblemKind::Refused, "`*` belongs to aggregates", self.here()));
        }
        let substring = ["substr", "substring"].iter().any(|known| name.name.eq_ignore_ascii_case(known));
        let args = self.deeper(|parser| if substring { parser.substring() } else { parser.list(")") })?;
        let at = name.at.to(self.last());
        if self.sees_word("OVER") || self.sees_word("FILTER") {
            let what = "a condition looks at one alert at a time: no windows, no aggregates";
            return Err(Problem::new(ProblemKind::Refused, what, self.here()));
        }
        self.node(Node::Call { name, args }, at)
    }

    /// The arguments of SUBSTRING(text FROM first FOR length), or the plain ones.
    fn substring(&mut self) -> Parsed<Vec<Ast>> {
        if self.sees(")") {
            return self.list(")");
        }
        let mut args = vec![self.expression()?];
        if self.take_word("FROM") {
            args.push(self.value()?);
            if self.take_word("FOR") {
                args.push(self.value()?);
            }
            self.expect(")")?;
        } else if self.take(",") {
            args.extend(self.list(")")?);
        } else {
            self.expect(")")?;
        }
        Ok(args)
    }
}
