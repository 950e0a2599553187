//! LIKE and RLIKE.

use super::call::{Typed, build_booleans, call};
use arrow::datatypes::DataType;
use datafusion_common::{DataFusionError, internal_err};
use regex::{Regex, RegexBuilder};

/// Bytes of one pattern.
const MAX_PATTERN_BYTES: usize = 1_024;
/// Bytes that a compiled pattern may take.
const MAX_COMPILED_BYTES: usize = 1 << 20;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Literal(char),
    One,
    Any,
}

/// A LIKE pattern taken apart.
#[derive(Clone, Debug)]
struct Like(Vec<Piece>);

impl Like {
    fn parse(pattern: &str, escape: char) -> Result<Self, String> {
        if pattern.len() > MAX_PATTERN_BYTES {
            return Err(format!("the pattern is longer than {MAX_PATTERN_BYTES} bytes"));
        }
        let mut pieces = Vec::new();
        let mut chars = pattern.chars();
        while let Some(c) = chars.next() {
            let piece = if c == escape {
                match chars.next() {
                    Some(next) if next == '_' || next == '%' || next == escape => Piece::Literal(next),
                    Some(next) => {
                        return Err(format!(
                            "in the pattern `{escape}` escapes `_`, `%` and itself, not `{next}`"
                        ));
                    }
                    None => return Err(format!("the pattern ends in its escape character `{escape}`")),
                }
            } else {
                match c {
                    '_' => Piece::One,
                    '%' => Piece::Any,
                    other => Piece::Literal(other),
                }
            };
            if piece != Piece::Any || pieces.last() != Some(&Piece::Any) {
                pieces.push(piece);
            }
        }
        Ok(Self(pieces))
    }

    /// Whether the whole text matches. On a mismatch the last `%` takes one character more.
    fn matches(&self, text: &str) -> bool {
        let mut rest = text.chars();
        let mut at = 0;
        let mut retry: Option<(usize, std::str::Chars<'_>)> = None;
        loop {
            match self.0.get(at) {
                Some(Piece::Any) => {
                    at += 1;
                    retry = Some((at, rest.clone()));
                    continue;
                }
                Some(piece) => {
                    let mut ahead = rest.clone();
                    match ahead.next() {
                        None => return false,
                        Some(c) if *piece == Piece::One || *piece == Piece::Literal(c) => {
                            rest = ahead;
                            at += 1;
                            continue;
                        }
                        Some(_) => {}
                    }
                }
                None if rest.as_str().is_empty() => return true,
                None => {}
            }
            let Some((piece, from)) = &mut retry else {
                return false;
            };
            if from.next().is_none() {
                return false;
            }
            (at, rest) = (*piece, from.clone());
        }
    }
}

/// `text LIKE pattern`, or ILIKE with `any_case`. Both are strings already.
///
/// # Errors
/// A literal pattern that Spark does not take either, or one that is too long.
pub(crate) fn like(text: Typed, pattern: Typed, escape: char, any_case: bool) -> Result<Typed, String> {
    let name = if any_case { "ilike" } else { "like" };
    let fold = move |text: &str| if any_case { text.to_lowercase() } else { text.to_owned() };
    if let Some(pattern) = pattern.literal_text() {
        let like = Like::parse(&fold(pattern), escape)?;
        return Ok(call(name, DataType::Boolean, vec![text], move |args| match args {
            [text] => {
                let texts = text.texts()?;
                build_booleans(text.array.len(), |row| {
                    let text = texts.get(row)?;
                    Some(if any_case { like.matches(&text.to_lowercase()) } else { like.matches(text) })
                })
            }
            _ => internal_err!("LIKE takes one text"),
        }));
    }
    Ok(call(name, DataType::Boolean, vec![text, pattern], move |args| {
        let [text, pattern] = args else { return internal_err!("LIKE takes two texts") };
        let (texts, patterns) = (text.texts()?, pattern.texts()?);
        let mut fault = None;
        let matched = build_booleans(super::rows(args), |row| {
            let (text, pattern) = (texts.get(row)?, patterns.get(row)?);
            match Like::parse(&fold(pattern), escape) {
                Ok(like) => Some(like.matches(&fold(text))),
                Err(reason) => {
                    fault = Some(reason);
                    None
                }
            }
        })?;
        match fault {
            Some(reason) => Err(DataFusionError::ResourcesExhausted(reason)),
            None => Ok(matched),
        }
    }))
}

/// `text RLIKE pattern`: whether the pattern is found anywhere in the text. Both are strings already.
///
/// # Errors
/// A pattern that is not a literal, that Java can read but `regex` cannot, or that is too large.
pub(crate) fn rlike(text: Typed, pattern: Typed) -> Result<Typed, String> {
    let pattern = match (pattern.literal_text(), pattern.literal()) {
        (Some(pattern), _) => pattern.to_owned(),
        (None, Some(_)) => return Ok(Typed::null(DataType::Boolean)),
        (None, None) => return Err("the pattern of RLIKE must be a string between quotes".to_owned()),
    };
    let regex = compile(&pattern)?;
    Ok(call("rlike", DataType::Boolean, vec![text], move |args| match args {
        [text] => {
            let texts = text.texts()?;
            build_booleans(text.array.len(), |row| Some(regex.is_match(texts.get(row)?)))
        }
        _ => internal_err!("RLIKE takes one text"),
    }))
}

fn compile(pattern: &str) -> Result<Regex, String> {
    if pattern.len() > MAX_PATTERN_BYTES {
        return Err(format!("the pattern is longer than {MAX_PATTERN_BYTES} bytes"));
    }
    RegexBuilder::new(&from_java(pattern)?)
        .size_limit(MAX_COMPILED_BYTES)
        .dfa_size_limit(MAX_COMPILED_BYTES)
        .nest_limit(64)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => "the pattern is too large: write fewer repetitions".to_owned(),
            error => {
                let reason = error.to_string();
                let reason =
                    reason.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                format!("the pattern cannot be used: {reason}")
            }
        })
}

/// A Java pattern as one of `regex`, for a search: classes such as `\d` mean ASCII, `$` also matches before a last
/// line break, `.` stops at every line break.
fn from_java(pattern: &str) -> Result<String, String> {
    let refuse = |what: &str| Err(format!("the pattern cannot be used: {what} is not known here"));
    let mut out = String::with_capacity(pattern.len() * 2);
    let mut chars = pattern.chars().peekable();
    let mut class_depth = 0usize;
    let mut quantified = false;
    while let Some(c) = chars.next() {
        let was_quantified = std::mem::take(&mut quantified);
        match c {
            '\\' => match chars.next() {
                None => return Err("the pattern ends in a backslash".to_owned()),
                Some('Q') => {
                    let mut quoted: String = chars.by_ref().collect();
                    if let Some(end) = quoted.find("\\E") {
                        let rest: String = quoted.get(end + 2..).unwrap_or_default().to_owned();
                        quoted.truncate(end);
                        out.push_str(&regex::escape(&quoted));
                        out.push_str(&from_java(&rest)?);
                    } else {
                        out.push_str(&regex::escape(&quoted));
                    }
                    return Ok(out);
                }
                Some(class @ ('d' | 'D' | 'w' | 'W' | 's' | 'S')) => out.push_str(ascii_class(class)),
                Some('Z') => out.push_str(LAST_LINE_END),
                Some('h') => out.push_str(
                    "[ \\t\\u{A0}\\u{1680}\\u{180e}\\u{2000}-\\u{200a}\\u{202f}\\u{205f}\\u{3000}]",
                ),
                Some(other @ ('G' | 'R' | 'X' | 'N' | 'c' | '0' | 'k' | 'v' | 'V' | 'H' | 'e')) => {
                    return refuse(&format!("`\\{other}`"));
                }
                Some(other @ ('p' | 'P')) => {
                    out.push('\\');
                    out.push(other);
                    posix_class(&mut chars, &mut out, other)?;
                }
                Some(other) if !other.is_ascii() => out.push(other),
                Some(other) => {
                    out.push('\\');
                    out.push(other);
                }
            },
            '[' => {
                class_depth += 1;
                out.push(c);
                if chars.peek() == Some(&'^') {
                    out.extend(chars.next());
                }
            }
            ']' if class_depth > 0 => {
                class_depth -= 1;
                out.push(c);
            }
            '-' | '~' if class_depth > 0 && chars.peek() == Some(&c) => {
                return refuse(&format!("`{c}{c}` between brackets"));
            }
            _ if class_depth > 0 => out.push(c),
            '.' => out.push_str("[^\\n\\r\\u{85}\\u{2028}\\u{2029}]"),
            '$' => out.push_str(LAST_LINE_END),
            '*' | '+' | '?' | '}' => {
                if c == '+' && was_quantified {
                    return refuse("a possessive quantifier such as `a++`");
                }
                quantified = true;
                out.push(c);
            }
            other => out.push(other),
        }
    }
    Ok(out)
}

/// What `$` is in Java for a search: the end, or just before a line break that ends the text.
const LAST_LINE_END: &str = "(?:\\r\\n|[\\n\\r\\u{85}\\u{2028}\\u{2029}])?\\z";

fn ascii_class(class: char) -> &'static str {
    match class {
        'd' => "[0-9]",
        'D' => "[^0-9]",
        'w' => "[a-zA-Z_0-9]",
        'W' => "[^a-zA-Z_0-9]",
        's' => "[ \\t\\n\\x0B\\f\\r]",
        _ => "[^ \\t\\n\\x0B\\f\\r]",
    }
}

/// Java's POSIX classes are ASCII ones; other properties keep their names.
fn posix_class(
    chars: &mut std::iter::Peekable<std::str::Chars<'_>>,
    out: &mut String,
    letter: char,
) -> Result<(), String> {
    if chars.next_if_eq(&'{').is_none() {
        return Ok(());
    }
    let name: String = chars.by_ref().take_while(|c| *c != '}').collect();
    let ascii = match name.as_str() {
        "Lower" | "Upper" | "Alpha" | "Digit" | "Alnum" | "Punct" | "Graph" | "Print" | "Blank" | "Cntrl"
        | "XDigit" | "Space" | "ASCII" => name.to_ascii_lowercase(),
        _ => {
            out.push_str(&format!("{{{name}}}"));
            return Ok(());
        }
    };
    out.truncate(out.len() - 2);
    let not = if letter == 'P' { "^" } else { "" };
    out.push_str(&format!("[[:{not}{ascii}:]]"));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        Like::parse(pattern, '\\').unwrap().matches(text)
    }

    #[test]
    fn like_is_sparks() {
        assert!(matches("SN%", "SN Ia"));
        assert!(matches("%a%b%", "xxaxxbxx"));
        assert!(!matches("%a%b", "xxaxxbxx"));
        assert!(matches("_b_", "abc"));
        assert!(matches("a\\%c", "a%c"));
        assert!(!matches("a\\%c", "abc"));
        assert!(matches("%", ""));
        assert!(!matches("", "a"));
        assert!(matches("%é_", "caféx"));
        assert!(Like::parse("a\\", '\\').is_err());
        assert!(Like::parse("a\\b", '\\').is_err());
    }

    #[test]
    fn a_pattern_full_of_wildcards_ends() {
        let pattern = "%a".repeat(500);
        assert!(!matches(&pattern, &"a".repeat(499)));
        assert!(matches(&pattern, &"a".repeat(501)));
    }

    #[test]
    fn rlike_reads_java_patterns() {
        let found = |pattern: &str, text: &str| compile(pattern).unwrap().is_match(text);
        assert!(found("^SN", "SN Ia"));
        assert!(found("Ia$", "SN Ia\n"));
        assert!(!found("^\\d+$", "١٢"));
        assert!(found("\\Qa.b\\E$", "xa.b"));
        assert!(!found("\\Qa.b\\E", "axb"));
        assert!(found("[\\w&&[^a]]", "b"));
        assert!(found("^\\p{Upper}{2}", "SN"));
        for refused in ["(?=a)", "(a)\\1", "a++", "(", "\\", "a{1000}{1000}"] {
            assert!(compile(refused).is_err(), "{refused}");
        }
    }
}
