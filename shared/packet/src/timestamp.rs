//! Timestamps as the field writes them: `YYYY-MM-DD HH:MM:SS.ffffff`, trailing zeros trimmed (CONTRACT §5).

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// Appends the text of a moment, given in microseconds since 1970 (UTC).
pub(crate) fn write_timestamp(micros: i64, out: &mut Vec<u8>) {
    let days = micros.div_euclid(MICROS_PER_DAY);
    let of_day = micros.rem_euclid(MICROS_PER_DAY);
    let (year, month, day) = civil(days);
    if (0..10_000).contains(&year) {
        digits(year.unsigned_abs(), 4, out);
    } else {
        out.extend_from_slice(year.to_string().as_bytes());
    }
    let seconds = of_day / 1_000_000;
    for (separator, value) in
        [(b'-', month), (b'-', day), (b' ', seconds / 3600), (b':', seconds / 60 % 60), (b':', seconds % 60)]
    {
        out.push(separator);
        digits(value.unsigned_abs(), 2, out);
    }
    let fraction = of_day % 1_000_000;
    if fraction > 0 {
        out.push(b'.');
        digits(fraction.unsigned_abs(), 6, out);
        while out.last() == Some(&b'0') {
            out.pop();
        }
    }
}

fn digits(value: u64, width: u32, out: &mut Vec<u8>) {
    for place in (0..width).rev() {
        out.push(b'0' + (value / 10_u64.pow(place) % 10) as u8);
    }
}

/// The civil date of a day number since 1970, in the proleptic Gregorian calendar: the year is taken to begin in March,
/// so that the leap day is its last (400 years have 146,097 days).
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(micros: i64) -> String {
        let mut out = Vec::new();
        write_timestamp(micros, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn moments_read_as_spark_writes_them() {
        // Expected values: date -u -d @seconds.
        assert_eq!(text(0), "1970-01-01 00:00:00");
        assert_eq!(text(1_774_185_781_082_696), "2026-03-22 13:23:01.082696");
        assert_eq!(text(951_782_400_500_000), "2000-02-29 00:00:00.5");
        assert_eq!(text(-1_000), "1969-12-31 23:59:59.999");
        assert_eq!(text(1_709_251_199_000_010), "2024-02-29 23:59:59.00001");
    }
}
