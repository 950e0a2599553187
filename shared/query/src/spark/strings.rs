//! Functions of strings. Positions count characters from 1.

use super::call::{Typed, build, build_booleans, build_texts, call};
use super::cast::cast;
use super::types;
use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Int32Type};
use datafusion_common::{ScalarValue, internal_err};
use std::borrow::Cow;

/// A value as the string that a function of strings takes.
pub(crate) fn as_text(value: Typed) -> Option<Typed> {
    types::is_implicit(&value.ty, &DataType::Utf8).then(|| cast(value, &DataType::Utf8))
}

fn as_int(value: Typed) -> Option<Typed> {
    types::is_implicit(&value.ty, &DataType::Int32).then(|| cast(value, &DataType::Int32))
}

/// A text from a text.
pub(super) fn map(name: &str, text: Typed, f: fn(&str) -> Cow<'_, str>) -> Option<Typed> {
    Some(call(name, DataType::Utf8, vec![as_text(text)?], move |args| match args {
        [text] => {
            let texts = text.texts()?;
            build_texts(text.array.len(), |row| texts.get(row).map(f))
        }
        _ => internal_err!("a function of one text"),
    }))
}

/// The number of characters, or of bytes of a binary value.
pub(super) fn length(value: Typed) -> Option<Typed> {
    if value.ty == DataType::Binary {
        return Some(call("length", DataType::Int32, vec![value], |args| match args.first() {
            Some(arg) => match arg.array.as_binary_opt::<i32>() {
                Some(bytes) => build::<Int32Type>(bytes.len(), |row| {
                    bytes.is_valid(row).then(|| i32::try_from(bytes.value(row).len()).unwrap_or(i32::MAX))
                }),
                None => internal_err!("length met {}", arg.array.data_type()),
            },
            None => internal_err!("length takes one value"),
        }));
    }
    Some(call("length", DataType::Int32, vec![as_text(value)?], |args| match args {
        [text] => {
            let texts = text.texts()?;
            build::<Int32Type>(text.array.len(), |row| count(texts.get(row)?))
        }
        _ => internal_err!("length takes one value"),
    }))
}

fn count(text: &str) -> Option<i32> {
    i32::try_from(text.chars().count()).ok()
}

/// Whether one text begins with, ends with or contains another.
pub(super) fn test(name: &str, text: Typed, part: Typed, f: fn(&str, &str) -> bool) -> Option<Typed> {
    let args = vec![as_text(text)?, as_text(part)?];
    Some(call(name, DataType::Boolean, args, move |args| match args {
        [text, part] => {
            let (texts, parts) = (text.texts()?, part.texts()?);
            build_booleans(super::rows(args), |row| Some(f(texts.get(row)?, parts.get(row)?)))
        }
        _ => internal_err!("a test of two texts"),
    }))
}

/// The characters from `first` on: 1 and 0 are the first, negative ones count from the end.
fn slice(text: &str, first: i32, length: i32) -> &str {
    let count = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    let (first, length) = (i64::from(first), i64::from(length));
    let start = match first {
        1.. => first - 1,
        0 => 0,
        _ => count + first,
    };
    let end = (start + length).clamp(i64::from(i32::MIN), i64::from(i32::MAX));
    if end <= start || end <= 0 {
        return "";
    }
    let byte = |position: i64| {
        let position = usize::try_from(position.max(0)).unwrap_or(usize::MAX);
        text.char_indices().nth(position).map_or(text.len(), |(at, _)| at)
    };
    text.get(byte(start)..byte(end)).unwrap_or("")
}

/// `substring(text, first, length)`.
pub(super) fn substring(text: Typed, first: Typed, length: Option<Typed>) -> Option<Typed> {
    let length = length.unwrap_or_else(|| Typed::value(ScalarValue::Int32(Some(i32::MAX))));
    let args = vec![as_text(text)?, as_int(first)?, as_int(length)?];
    Some(call("substring", DataType::Utf8, args, |args| match args {
        [text, first, length] => {
            let texts = text.texts()?;
            let (firsts, lengths) = (first.primitives::<Int32Type>()?, length.primitives::<Int32Type>()?);
            build_texts(super::rows(args), |row| {
                let (text, first, length) = (texts.get(row)?, firsts.get(row)?, lengths.get(row)?);
                Some(slice(text, first, length))
            })
        }
        _ => internal_err!("substring takes three values"),
    }))
}

/// The first (or last) characters: `left` and `right`.
pub(super) fn end_of(right: bool, text: Typed, length: Typed) -> Option<Typed> {
    let name = if right { "right" } else { "left" };
    let args = vec![as_text(text)?, as_int(length)?];
    Some(call(name, DataType::Utf8, args, move |args| match args {
        [text, length] => {
            let (texts, lengths) = (text.texts()?, length.primitives::<Int32Type>()?);
            build_texts(super::rows(args), |row| {
                let (text, length) = (texts.get(row)?, lengths.get(row)?);
                Some(match (length, right) {
                    (..=0, _) => "",
                    (_, false) => slice(text, 1, length),
                    (_, true) => slice(text, length.wrapping_neg(), i32::MAX),
                })
            })
        }
        _ => internal_err!("left and right take two values"),
    }))
}

/// The position of `part` in `text` from position `from` on; 0 if it is not there.
pub(super) fn locate(part: Typed, text: Typed, from: Option<Typed>) -> Option<Typed> {
    let from = from.unwrap_or_else(|| Typed::value(ScalarValue::Int32(Some(1))));
    let args = vec![as_text(part)?, as_text(text)?, as_int(from)?];
    Some(call("locate", DataType::Int32, args, |args| match args {
        [part, text, from] => {
            let (parts, texts) = (part.texts()?, text.texts()?);
            let froms = from.primitives::<Int32Type>()?;
            build::<Int32Type>(super::rows(args), |row| {
                let Some(from) = froms.get(row) else { return Some(0) };
                let (part, text) = (parts.get(row)?, texts.get(row)?);
                if from < 1 || part.is_empty() {
                    return Some(i32::from(from >= 1));
                }
                let rest = slice(text, from, i32::MAX);
                match rest.find(part) {
                    Some(at) => count(rest.get(..at)?)?.checked_add(from),
                    None => Some(0),
                }
            })
        }
        _ => internal_err!("locate takes three values"),
    }))
}

/// `text` with every `search` replaced.
pub(super) fn replace(text: Typed, search: Typed, by: Option<Typed>) -> Option<Typed> {
    let by = by.unwrap_or_else(|| Typed::value(ScalarValue::from("")));
    let args = vec![as_text(text)?, as_text(search)?, as_text(by)?];
    Some(call("replace", DataType::Utf8, args, |args| match args {
        [text, search, by] => {
            let (texts, searches, bys) = (text.texts()?, search.texts()?, by.texts()?);
            let mut fault = None;
            let replaced = build_texts(super::rows(args), |row| {
                let (text, search, by) = (texts.get(row)?, searches.get(row)?, bys.get(row)?);
                if search.is_empty() {
                    return Some(Cow::Borrowed(text));
                }
                // Known before it is made: a short text can become a huge one.
                let length = text.len() + text.matches(search).count().saturating_mul(by.len());
                if length > 1 << 21 {
                    fault = Some(length);
                    return None;
                }
                Some(Cow::Owned(text.replace(search, by)))
            })?;
            match fault {
                None => Ok(replaced),
                Some(length) => Err(datafusion_common::DataFusionError::ResourcesExhausted(format!(
                    "`replace` makes a text of {length} bytes"
                ))),
            }
        }
        _ => internal_err!("replace takes three values"),
    }))
}

/// The ends that are trimmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ends {
    Both,
    Leading,
    Trailing,
}

/// `text` without the characters of `what` (a blank if not given) at its ends.
pub(super) fn trim(name: &str, ends: Ends, what: Option<Typed>, text: Typed) -> Option<Typed> {
    let what = what.unwrap_or_else(|| Typed::value(ScalarValue::from(" ")));
    let args = vec![as_text(what)?, as_text(text)?];
    Some(call(name, DataType::Utf8, args, move |args| match args {
        [what, text] => {
            let (whats, texts) = (what.texts()?, text.texts()?);
            build_texts(super::rows(args), |row| {
                let (what, text) = (whats.get(row)?, texts.get(row)?);
                let unwanted = |c: char| what.contains(c);
                Some(match ends {
                    Ends::Both => text.trim_matches(unwanted),
                    Ends::Leading => text.trim_start_matches(unwanted),
                    Ends::Trailing => text.trim_end_matches(unwanted),
                })
            })
        }
        _ => internal_err!("trim takes two values"),
    }))
}

/// The texts one after another; NULL if one is NULL.
pub(crate) fn concat(args: Vec<Typed>) -> Option<Typed> {
    let args = args.into_iter().map(as_text).collect::<Option<Vec<_>>>()?;
    if args.is_empty() {
        return Some(Typed::value(ScalarValue::from("")));
    }
    Some(call("concat", DataType::Utf8, args, |args| {
        let texts = args.iter().map(super::Arg::texts).collect::<datafusion_common::Result<Vec<_>>>()?;
        build_texts(super::rows(args), |row| {
            let mut whole = String::new();
            for text in &texts {
                whole.push_str(text.get(row)?);
            }
            Some(whole)
        })
    }))
}

#[cfg(test)]
mod tests {
    use super::slice;

    #[test]
    fn substrings_are_sparks() {
        assert_eq!(slice("abcdef", 0, 2), "ab");
        assert_eq!(slice("abcdef", 2, i32::MAX), "bcdef");
        assert_eq!(slice("abcdef", -3, 2), "de");
        assert_eq!(slice("abcdef", -10, 6), "ab");
        assert_eq!(slice("abcdef", -10, 2), "");
        assert_eq!(slice("aé€", 2, 1), "é");
        assert_eq!(slice("abc", 9, 2), "");
        assert_eq!(slice("abc", 1, -1), "");
    }
}
