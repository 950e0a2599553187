//! Tokens by `sqlparser`'s tokenizer with Spark's lexical rules, cut at `;` into conditions.

use super::{MAX_CONDITIONS, MAX_TEXT_BYTES, Problem, Source, Span};
use crate::error::ProblemKind;
use sqlparser::dialect::Dialect;
use sqlparser::tokenizer::{Token as SqlToken, TokenWithSpan, Tokenizer};

/// Spark's lexical rules: backticks delimit names, both quotes delimit strings, backslash escapes, a name may
/// begin with a digit.
#[derive(Debug)]
struct SparkLexical;

impl Dialect for SparkLexical {
    fn is_identifier_start(&self, ch: char) -> bool {
        ch.is_ascii_alphabetic() || ch == '_'
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        ch.is_ascii_alphanumeric() || ch == '_'
    }

    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        ch == '`'
    }

    fn supports_string_literal_backslash_escape(&self) -> bool {
        true
    }

    fn supports_numeric_prefix(&self) -> bool {
        true
    }

    fn supports_nested_comments(&self) -> bool {
        true
    }

    fn supports_bitwise_shift_operators(&self) -> bool {
        true
    }
}

/// A token of a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// A bare word: a keyword or a name.
    Word(String),
    /// A name between backticks.
    Quoted(String),
    /// A number with its suffix.
    Number(String),
    /// A string between single or double quotes, escapes not yet resolved, with its quote.
    Text(String, char),
    /// An operator or a bracket.
    Symbol(&'static str),
    /// Something that no condition holds.
    Other(String),
}

/// A token and its place.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub token: Token,
    pub at: Span,
}

/// One condition of the text, not yet parsed.
pub(crate) struct RawCondition {
    /// As written, without comments, trimmed.
    pub text: String,
    pub tokens: Vec<Placed>,
    /// Just after the last token: where something is missing.
    pub end: Span,
}

/// Cuts the text into its conditions; what is between two `;` and holds no token is no condition.
pub(crate) fn split(source: &Source, text: &str) -> Result<Vec<RawCondition>, Problem> {
    let whole = Span { start: 0, end: 1 };
    if text.len() > MAX_TEXT_BYTES {
        let what = format!("the conditions are longer than {MAX_TEXT_BYTES} bytes");
        return Err(Problem::new(ProblemKind::Limit, what, whole));
    }
    let mut tokens = Vec::new();
    let outcome =
        Tokenizer::new(&SparkLexical, text).with_unescape(false).tokenize_with_location_into_buf(&mut tokens);
    if let Err(error) = outcome {
        let start = source.offset(error.location.line, error.location.column);
        let what = match error.message.as_str() {
            "Unterminated string literal" => "this string has no closing quote".to_owned(),
            message if message.contains("close delimiter") => "this name has no closing backtick".to_owned(),
            message if message.contains("multi-line comment") => {
                "this comment has no closing `*/`".to_owned()
            }
            message => format!("cannot read this: {message}"),
        };
        return Err(Problem::new(ProblemKind::Syntax, what, Span { start, end: start + 1 }));
    }
    let mut conditions = vec![Vec::new()];
    for token in tokens {
        if token.token == SqlToken::SemiColon {
            conditions.push(Vec::new());
        } else if let Some(condition) = conditions.last_mut() {
            condition.push(token);
        }
    }
    let conditions: Vec<RawCondition> =
        conditions.into_iter().filter_map(|tokens| condition(source, tokens)).collect();
    match conditions.get(MAX_CONDITIONS) {
        Some(extra) => {
            let what = format!("more than {MAX_CONDITIONS} conditions");
            let at = extra.tokens.first().map_or(whole, |token| token.at);
            Err(Problem::new(ProblemKind::Limit, what, at))
        }
        None => Ok(conditions),
    }
}

fn condition(source: &Source, tokens: Vec<TokenWithSpan>) -> Option<RawCondition> {
    let mut text = String::new();
    let mut placed: Vec<Placed> = Vec::new();
    for TokenWithSpan { token, span } in tokens {
        let at = Span {
            start: source.offset(span.start.line, span.start.column),
            end: source.offset(span.end.line, span.end.column),
        };
        let written = source.slice(at);
        if let SqlToken::Whitespace(space) = &token {
            use sqlparser::tokenizer::Whitespace;
            match space {
                Whitespace::SingleLineComment { .. } if written.ends_with('\n') => text.push('\n'),
                Whitespace::SingleLineComment { .. } => {}
                Whitespace::MultiLineComment(_) => text.push(' '),
                Whitespace::Space | Whitespace::Newline | Whitespace::Tab => text.push_str(&written),
            }
            continue;
        }
        text.push_str(&written);
        let token = translate(token, written);
        if let (Some(last), Token::Word(suffix)) = (placed.last_mut(), &token)
            && let Token::Number(number) = &mut last.token
            && last.at.end == at.start
        {
            number.push_str(suffix);
            last.at.end = at.end;
            continue;
        }
        placed.push(Placed { token, at });
    }
    let end = placed.last()?.at.end;
    let lines: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    Some(RawCondition {
        text: lines.join("\n").trim().to_owned(),
        tokens: placed,
        end: Span { start: end, end: end + 1 },
    })
}

fn translate(token: SqlToken, written: String) -> Token {
    let symbol = match token {
        SqlToken::Word(word) if word.quote_style.is_some() => {
            return Token::Quoted(word.value.replace("``", "`"));
        }
        SqlToken::Word(_) if written.starts_with(|c: char| c.is_ascii_digit() || c == '.') => {
            return if is_number(&written) { Token::Number(written) } else { Token::Word(written) };
        }
        SqlToken::Word(_) => return Token::Word(written),
        SqlToken::Number(..) => return Token::Number(written),
        SqlToken::SingleQuotedString(text) => return Token::Text(text, '\''),
        SqlToken::DoubleQuotedString(text) => return Token::Text(text, '"'),
        SqlToken::LParen => "(",
        SqlToken::RParen => ")",
        SqlToken::LBracket => "[",
        SqlToken::RBracket => "]",
        SqlToken::Comma => ",",
        SqlToken::Period => ".",
        SqlToken::Plus => "+",
        SqlToken::Minus => "-",
        SqlToken::Mul => "*",
        SqlToken::Div => "/",
        SqlToken::Mod => "%",
        SqlToken::StringConcat => "||",
        SqlToken::Eq | SqlToken::DoubleEq => "=",
        SqlToken::Neq => "!=",
        SqlToken::Lt => "<",
        SqlToken::LtEq => "<=",
        SqlToken::Gt => ">",
        SqlToken::GtEq => ">=",
        SqlToken::Spaceship => "<=>",
        SqlToken::ExclamationMark => "!",
        SqlToken::Tilde => "~",
        SqlToken::Ampersand => "&",
        SqlToken::Pipe => "|",
        SqlToken::Caret => "^",
        SqlToken::ShiftLeft => "<<",
        SqlToken::ShiftRight => ">>",
        SqlToken::DoubleColon => "::",
        _ => return Token::Other(written),
    };
    Token::Symbol(symbol)
}

/// Whether a word that begins like a number is one: `19.5D`, `5L`; but `2mass` is a name.
fn is_number(word: &str) -> bool {
    let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let suffix = word.get(digits.len()..).unwrap_or_default();
    let plain = digits.chars().all(|c| c.is_ascii_digit() || c == '.');
    let known = ["L", "S", "Y", "D", "F", "BD"].iter().any(|known| suffix.eq_ignore_ascii_case(known));
    plain && known
}
