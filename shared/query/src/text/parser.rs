//! Spark's expression grammar, by recursive descent with Spark's precedences.
//!
//! Not `sqlparser`'s own parser: it binds `!` and `||` otherwise than Spark, it parses a failing call or CAST a second
//! time at every level of nesting (so 64 levels do not end), and its tree lacks the place of many parts.

use super::cursor::syntax;
use super::lexer::{Placed, RawCondition, Token};
use super::{
    Ast, BinaryOp, Ident, IsWhat, Literal, MAX_DEPTH, MAX_NODES, Node, Problem, Span, TypeName, UnaryOp,
};
use crate::error::ProblemKind;

type Parsed<T = Ast> = Result<T, Problem>;

/// Parses one condition to its end. `nodes` counts the parts of all conditions of a text.
pub(crate) fn parse(condition: &RawCondition, nodes: &mut usize) -> Parsed {
    let mut parser = Parser { tokens: &condition.tokens, end: condition.end, at: 0, depth: 0, nodes };
    let ast = parser.expression()?;
    match parser.tokens.get(parser.at) {
        None => Ok(ast),
        Some(_) => Err(parser.unexpected("the end of the condition, `AND` or `OR`")),
    }
}

pub(super) struct Parser<'a> {
    pub(super) tokens: &'a [Placed],
    pub(super) end: Span,
    pub(super) at: usize,
    depth: usize,
    nodes: &'a mut usize,
}

/// The operators of one level, all of which associate to the left; the first level binds least.
const LEVELS: [&[(&str, BinaryOp)]; 7] = [
    &[
        ("=", BinaryOp::Equal),
        ("!=", BinaryOp::NotEqual),
        ("<", BinaryOp::Less),
        ("<=", BinaryOp::LessEqual),
        (">", BinaryOp::Greater),
        (">=", BinaryOp::GreaterEqual),
        ("<=>", BinaryOp::NullSafeEqual),
    ],
    &[("|", BinaryOp::BitOr)],
    &[("^", BinaryOp::BitXor)],
    &[("&", BinaryOp::BitAnd)],
    &[("<<", BinaryOp::ShiftLeft), (">>", BinaryOp::ShiftRight), (">>>", BinaryOp::ShiftRightUnsigned)],
    &[("+", BinaryOp::Add), ("-", BinaryOp::Subtract), ("||", BinaryOp::Concat)],
    &[
        ("*", BinaryOp::Multiply),
        ("/", BinaryOp::Divide),
        ("%", BinaryOp::Remainder),
        ("DIV", BinaryOp::IntegerDivide),
    ],
];

impl Parser<'_> {
    /// An expression with OR, AND, NOT and comparisons.
    pub(super) fn expression(&mut self) -> Parsed {
        self.deeper(|parser| {
            parser.chain("OR", Node::Any, |parser| parser.chain("AND", Node::All, Self::negation))
        })
    }

    /// Operands joined by `word`, as one node however many there are.
    fn chain(
        &mut self,
        word: &str,
        node: fn(Vec<Ast>) -> Node,
        mut operand: impl FnMut(&mut Self) -> Parsed,
    ) -> Parsed {
        let first = operand(self)?;
        if !self.sees_word(word) {
            return Ok(first);
        }
        let mut at = first.at;
        let mut operands = vec![first];
        while self.take_word(word) {
            let next = operand(self)?;
            at = at.to(next.at);
            operands.push(next);
        }
        self.node(node(operands), at)
    }

    fn negation(&mut self) -> Parsed {
        let start = self.here();
        if self.take_word("NOT") || self.take("!") {
            let operand = self.deeper(Self::negation)?;
            let at = start.to(operand.at);
            return self.node(Node::Not(Box::new(operand)), at);
        }
        self.predicate()
    }

    /// A value, and at most one of BETWEEN, IN, LIKE, RLIKE, IS after it.
    fn predicate(&mut self) -> Parsed {
        let value = self.value()?;
        let start = self.at;
        let negated = self.take_word("NOT");
        let found = ["BETWEEN", "IN", "LIKE", "ILIKE", "RLIKE", "REGEXP"]
            .into_iter()
            .find(|word| self.sees_word(word));
        let Some(word) = found else {
            self.at = start;
            return if self.take_word("IS") { self.is(value) } else { Ok(value) };
        };
        self.at += 1;
        match word {
            "BETWEEN" => self.between(value, negated),
            "IN" => self.in_list(value, negated),
            "LIKE" | "ILIKE" => self.like(value, word == "ILIKE", negated),
            _ => {
                let pattern = self.value()?;
                let at = value.at.to(pattern.at);
                self.node(Node::Rlike { value: Box::new(value), pattern: Box::new(pattern), negated }, at)
            }
        }
    }

    fn between(&mut self, value: Ast, negated: bool) -> Parsed {
        let low = self.value()?;
        self.expect_word("AND")?;
        let high = self.value()?;
        let at = value.at.to(high.at);
        let (value, low, high) = (Box::new(value), Box::new(low), Box::new(high));
        self.node(Node::Between { value, low, high, negated }, at)
    }

    fn in_list(&mut self, value: Ast, negated: bool) -> Parsed {
        self.expect("(")?;
        let list = self.list(")")?;
        if list.is_empty() {
            self.at = self.at.saturating_sub(1);
            return Err(self.unexpected("a value"));
        }
        let at = value.at.to(self.last());
        self.node(Node::In { value: Box::new(value), list, negated }, at)
    }

    fn like(&mut self, value: Ast, any_case: bool, negated: bool) -> Parsed {
        for (word, node) in
            [("ANY", Node::Any as fn(Vec<Ast>) -> Node), ("SOME", Node::Any), ("ALL", Node::All)]
        {
            if self.sees_word(word) && self.sees_symbol_after("(") {
                self.at += 2;
                let at = value.at;
                let patterns = self.list(")")?;
                let likes: Vec<Ast> = patterns
                    .into_iter()
                    .map(|pattern| {
                        let (value, pattern) = (Box::new(value.clone()), Box::new(pattern));
                        self.node(Node::Like { value, pattern, escape: None, any_case, negated }, at)
                    })
                    .collect::<Parsed<_>>()?;
                return self.node(node(likes), at.to(self.last()));
            }
        }
        let pattern = self.value()?;
        let mut at = value.at.to(pattern.at);
        let mut escape = None;
        if self.take_word("ESCAPE") {
            let (text, place) = self.text("one character between quotes")?;
            at = at.to(place);
            let mut chars = text.chars();
            match (chars.next(), chars.next()) {
                (Some(c), None) => escape = Some(c),
                _ => return Err(syntax("ESCAPE takes one character between quotes", place)),
            }
        }
        let (value, pattern) = (Box::new(value), Box::new(pattern));
        self.node(Node::Like { value, pattern, escape, any_case, negated }, at)
    }

    fn is(&mut self, value: Ast) -> Parsed {
        let negated = self.take_word("NOT");
        let what = if self.take_word("NULL") || self.take_word("UNKNOWN") {
            IsWhat::Null
        } else if self.take_word("TRUE") {
            IsWhat::True
        } else if self.take_word("FALSE") {
            IsWhat::False
        } else if self.take_word("DISTINCT") {
            self.expect_word("FROM")?;
            IsWhat::DistinctFrom(Box::new(self.value()?))
        } else {
            return Err(self.unexpected("NULL, TRUE, FALSE or DISTINCT FROM"));
        };
        let at = value.at.to(self.last());
        self.node(Node::Is { value: Box::new(value), what, negated }, at)
    }

    /// Comparisons, arithmetic and everything below.
    pub(super) fn value(&mut self) -> Parsed {
        self.level(0)
    }

    fn level(&mut self, level: usize) -> Parsed {
        let Some(operators) = LEVELS.get(level) else {
            return self.unary();
        };
        let mut left = self.level(level + 1)?;
        while let Some(op) = self.operator(operators) {
            let right = self.level(level + 1)?;
            let at = left.at.to(right.at);
            left = self.node(Node::Binary(op, Box::new(left), Box::new(right)), at)?;
        }
        Ok(left)
    }

    fn operator(&mut self, operators: &[(&str, BinaryOp)]) -> Option<BinaryOp> {
        // `>>>` comes as `>>` and `>`.
        let unsigned = self.sees(">>") && self.sees_symbol_after(">");
        for (written, op) in operators {
            let seen = match *written {
                ">>>" => unsigned,
                ">>" => self.sees(">>") && !unsigned,
                "DIV" => self.sees_word("DIV"),
                symbol => self.sees(symbol),
            };
            if seen {
                self.at += if *written == ">>>" { 2 } else { 1 };
                return Some(*op);
            }
        }
        None
    }

    fn unary(&mut self) -> Parsed {
        let start = self.here();
        let op = if self.take("-") {
            UnaryOp::Minus
        } else if self.take("+") {
            UnaryOp::Plus
        } else if self.take("~") {
            UnaryOp::BitNot
        } else {
            return self.postfix();
        };
        // A minus sign belongs to the number after it: -2147483648 is an INT.
        if let (UnaryOp::Minus, Some(Token::Number(number))) = (op, self.peek()) {
            let (number, at) = (format!("-{number}"), start.to(self.here()));
            self.at += 1;
            let literal = self.node(Node::Literal(Literal::Number(number)), at)?;
            return self.suffixes(literal);
        }
        let operand = self.deeper(Self::unary)?;
        let at = start.to(operand.at);
        self.node(Node::Unary(op, Box::new(operand)), at)
    }

    fn postfix(&mut self) -> Parsed {
        let primary = self.primary()?;
        self.suffixes(primary)
    }

    /// `.field`, `[index]` and `::type`, as many as there are.
    fn suffixes(&mut self, mut value: Ast) -> Parsed {
        loop {
            if self.take(".") {
                let field = self.ident("the name of a field")?;
                let at = value.at.to(field.at);
                value = self.node(Node::Field(Box::new(value), field), at)?;
            } else if self.take("[") {
                let index = self.deeper(Self::value)?;
                self.expect("]")?;
                let at = value.at.to(self.last());
                value = self.node(Node::Index(Box::new(value), Box::new(index)), at)?;
            } else if self.take("::") {
                let to = self.type_name()?;
                let at = value.at.to(to.at);
                value = self.node(Node::Cast { value: Box::new(value), to }, at)?;
            } else {
                return Ok(value);
            }
        }
    }

    pub(super) fn type_name(&mut self) -> Parsed<TypeName> {
        let Ident { name, mut at } = self.ident("a type, such as DOUBLE")?;
        let mut parameters = Vec::new();
        if self.take("(") {
            for parameter in self.list(")")? {
                match parameter.node {
                    Node::Literal(Literal::Number(number)) => match number.parse() {
                        Ok(number) => parameters.push(number),
                        Err(_) => return Err(syntax("a type takes whole numbers", parameter.at)),
                    },
                    _ => return Err(syntax("a type takes whole numbers", parameter.at)),
                }
            }
            at = at.to(self.last());
        }
        Ok(TypeName { name, parameters, at })
    }

    /// Expressions between commas up to `close`, which is consumed.
    pub(super) fn list(&mut self, close: &str) -> Parsed<Vec<Ast>> {
        let mut list = Vec::new();
        if self.take(close) {
            return Ok(list);
        }
        loop {
            self.refuse_query()?;
            list.push(self.expression()?);
            if self.take(close) {
                return Ok(list);
            }
            if !self.take(",") {
                return Err(self.unexpected(&format!("`,` or `{close}`")));
            }
        }
    }

    pub(super) fn refuse_query(&self) -> Parsed<()> {
        match ["SELECT", "WITH", "VALUES", "TABLE"].iter().find(|word| self.sees_word(word)) {
            Some(word) if !self.sees_symbol_after(",") && !self.sees_symbol_after(")") => {
                let what = format!(
                    "a condition cannot hold a query (`{word}`): it reads the alert's own fields only"
                );
                Err(Problem::new(ProblemKind::Refused, what, self.here()))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn node(&mut self, node: Node, at: Span) -> Parsed {
        *self.nodes += 1;
        if *self.nodes > MAX_NODES {
            let what = format!("the conditions have more than {MAX_NODES} parts");
            return Err(Problem::new(ProblemKind::Limit, what, at));
        }
        let depth = node.inner_depth() + 1;
        if depth > MAX_DEPTH {
            return Err(Problem { at, ..self.too_deep() });
        }
        Ok(Ast { node, at, depth })
    }

    pub(super) fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= MAX_DEPTH {
            return Err(self.too_deep());
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    fn too_deep(&self) -> Problem {
        let what = format!("more than {MAX_DEPTH} operators, calls or parentheses within one another");
        Problem::new(ProblemKind::Limit, what, self.here())
    }
}
