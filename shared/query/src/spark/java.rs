//! Numbers as Java writes and reads them.

/// A double as `Double.toString` writes it: `19.5`, `1.0E7`, `-0.0`, `NaN`.
pub(super) fn double_text(value: f64) -> String {
    float_text(value.is_nan(), value.is_infinite(), value.is_sign_negative(), &format!("{:e}", value.abs()))
}

/// A float as `Float.toString` writes it.
pub(super) fn float32_text(value: f32) -> String {
    float_text(value.is_nan(), value.is_infinite(), value.is_sign_negative(), &format!("{:e}", value.abs()))
}

fn float_text(nan: bool, infinite: bool, negative: bool, shortest: &str) -> String {
    if nan {
        return "NaN".to_owned();
    }
    let sign = if negative { "-" } else { "" };
    if infinite {
        return format!("{sign}Infinity");
    }
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((shortest, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    if digits == "0" {
        return format!("{sign}0.0");
    }
    if !(-3..7).contains(&exponent) {
        let (first, rest) = digits.split_at(1);
        return format!("{sign}{first}.{}E{exponent}", if rest.is_empty() { "0" } else { rest });
    }
    format!("{sign}{}", plain(&digits, exponent))
}

/// Digits with the point after digit `exponent` (from 0), at least one digit on both sides.
fn plain(digits: &str, exponent: i32) -> String {
    let Ok(point) = usize::try_from(exponent + 1) else {
        return format!("0.{}{digits}", "0".repeat(usize::try_from(-exponent - 1).unwrap_or(0)));
    };
    match point {
        0 => format!("0.{digits}"),
        point if point >= digits.len() => format!("{digits}{}.0", "0".repeat(point - digits.len())),
        point => {
            let (whole, fraction) = digits.split_at(point);
            format!("{whole}.{fraction}")
        }
    }
}

/// A decimal as `BigDecimal.toString` writes it: plain, unless it is smaller than 1E-6.
pub(super) fn decimal_text(value: i128, scale: i8) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let digits = value.unsigned_abs().to_string();
    let scale = usize::try_from(scale).unwrap_or(0);
    if scale == 0 {
        return format!("{sign}{digits}");
    }
    if scale + 1 > digits.len() + 6 {
        let (first, rest) = digits.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        return format!("{sign}{first}{point}{rest}E-{}", scale + 1 - digits.len());
    }
    let padded = format!("{}{digits}", "0".repeat((scale + 1).saturating_sub(digits.len())));
    let (whole, fraction) = padded.split_at(padded.len() - scale);
    format!("{sign}{whole}.{fraction}")
}

/// Without the blanks and control characters that Spark trims before a cast.
pub(super) fn trimmed(text: &str) -> &str {
    text.trim_matches(|c: char| c <= ' ' || ('\u{7f}'..='\u{9f}').contains(&c))
}

/// A string read as a double or float: Java's rules, and NaN and infinity in any case.
pub(super) fn parse_float<F: std::str::FromStr>(text: &str) -> Option<F> {
    let text = text.trim_matches(|c: char| c <= ' ');
    let lower = text.to_ascii_lowercase();
    if matches!(lower.as_str(), "nan" | "inf" | "+inf" | "-inf" | "infinity" | "+infinity" | "-infinity") {
        return lower.parse().ok();
    }
    let number = lower.strip_suffix(['d', 'f']).unwrap_or(&lower);
    let well_formed = number.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e'));
    if well_formed { number.parse().ok() } else { None }
}

/// A string read as an integer: what follows a decimal point is dropped.
pub(super) fn parse_integer(text: &str) -> Option<i64> {
    let text = trimmed(text);
    if text.is_empty() {
        return None;
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = whole.strip_prefix(['+', '-']).unwrap_or(whole);
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    if digits.is_empty() {
        // Spark reads `.5` and even `.` as 0, but not a lone sign.
        return (text.contains('.')).then_some(0);
    }
    whole.parse().ok()
}

/// A string read as a boolean.
pub(super) fn parse_boolean(text: &str) -> Option<bool> {
    match trimmed(text).to_ascii_lowercase().as_str() {
        "t" | "true" | "y" | "yes" | "1" => Some(true),
        "f" | "false" | "n" | "no" | "0" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_print_as_in_java() {
        for (value, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (19.5, "19.5"),
            (0.001, "0.001"),
            (0.0001, "1.0E-4"),
            (9_999_999.0, "9999999.0"),
            (1e7, "1.0E7"),
            (1.25e-10, "1.25E-10"),
            (f64::INFINITY, "Infinity"),
            (f64::NAN, "NaN"),
            (100.0, "100.0"),
        ] {
            assert_eq!(double_text(value), text);
        }
        assert_eq!(float32_text(19.1), "19.1");
    }

    #[test]
    fn decimals_print_as_in_java() {
        assert_eq!(decimal_text(150, 2), "1.50");
        assert_eq!(decimal_text(-5, 1), "-0.5");
        assert_eq!(decimal_text(1, 6), "0.000001");
        assert_eq!(decimal_text(1, 7), "1E-7");
        assert_eq!(decimal_text(12, 8), "1.2E-7");
        assert_eq!(decimal_text(0, 7), "0E-7");
        assert_eq!(decimal_text(7, 0), "7");
    }

    #[test]
    fn strings_are_read_as_in_java() {
        assert_eq!(parse_float::<f64>(" 1d "), Some(1.0));
        assert_eq!(parse_float::<f64>("1e3"), Some(1000.0));
        assert!(parse_float::<f64>(" NaN ").unwrap().is_nan());
        assert_eq!(parse_float::<f64>("t"), None);
        assert_eq!(parse_integer("19.5"), Some(19));
        assert_eq!(parse_integer("."), Some(0));
        assert_eq!(parse_integer("-"), None);
        assert_eq!(parse_integer("1e3"), None);
        assert_eq!(parse_boolean(" Yes "), Some(true));
    }
}
