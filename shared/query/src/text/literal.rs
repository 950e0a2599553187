//! The escapes of a Spark string.

/// The value of a string as written between its quotes: a doubled quote is one quote, `\n` a line break, `\u263A`
/// and octal `\101` a character; `\%` and `\_` keep their backslash, for LIKE; any other backslash only quotes.
pub(super) fn unescape(written: &str, quote: char) -> String {
    let chars: Vec<char> = written.chars().collect();
    let mut value = String::with_capacity(written.len());
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        at += 1;
        if c == quote && chars.get(at) == Some(&quote) {
            value.push(quote);
            at += 1;
        } else if c == '\\' {
            at += escape(&chars, at, &mut value);
        } else {
            value.push(c);
        }
    }
    value
}

/// Resolves what follows a backslash; answers how many characters that took.
fn escape(chars: &[char], at: usize, value: &mut String) -> usize {
    let Some(&c) = chars.get(at) else {
        value.push('\\');
        return 0;
    };
    for (mark, digits) in [('u', 4), ('U', 8)] {
        if c == mark
            && let Some(decoded) = number(chars, at + 1, digits, 16).and_then(char::from_u32)
        {
            value.push(decoded);
            return digits + 1;
        }
    }
    if matches!(c, '0' | '1')
        && let Some(decoded) = number(chars, at, 3, 8).and_then(char::from_u32)
    {
        value.push(decoded);
        return 3;
    }
    match c {
        '0' => value.push('\0'),
        'b' => value.push('\u{8}'),
        'n' => value.push('\n'),
        'r' => value.push('\r'),
        't' => value.push('\t'),
        'Z' => value.push('\u{1a}'),
        '%' => value.push_str("\\%"),
        '_' => value.push_str("\\_"),
        other => value.push(other),
    }
    1
}

fn number(chars: &[char], at: usize, digits: usize, radix: u32) -> Option<u32> {
    let written: String = chars.get(at..at + digits)?.iter().collect();
    if !written.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    u32::from_str_radix(&written, radix).ok()
}

#[cfg(test)]
mod tests {
    use super::unescape;

    #[test]
    fn escapes_are_sparks() {
        assert_eq!(unescape(r"a\'b\\c\n\%\_\q\u0041\101", '\''), "a'b\\c\n\\%\\_qAA");
        assert_eq!(unescape("it''s", '\''), "it's");
        assert_eq!(unescape(r"a\", '\''), "a\\");
    }
}
