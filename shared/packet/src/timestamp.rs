//! Timestamps as the field writes them: `YYYY-MM-DD HH:MM:SS.ffffff`, trailing zeros trimmed (CONTRACT §5).

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// The text of the longest year, and what follows it.
const MOST: usize = 32;
/// The text of a time of day without a fraction.
const WHOLE_SECONDS: usize = 8;

/// The text of a moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    text: [u8; MOST],
    length: u8,
}

impl Moment {
    /// The texts of moments, given in microseconds since 1970 (UTC). Moments of one day, as those of a night mostly
    /// are, share the text of it.
    pub(crate) fn all(micros: &[i64]) -> Vec<Self> {
        let mut day = i64::MIN;
        let mut date = Self { text: [0; MOST], length: 0 };
        let moment = |micros: &i64| {
            let days = micros.div_euclid(MICROS_PER_DAY);
            if days != day {
                (day, date) = (days, Self::midnight(days));
            }
            date.at(micros.rem_euclid(MICROS_PER_DAY))
        };
        micros.iter().map(moment).collect()
    }

    /// ASCII.
    pub(crate) fn text(&self) -> &[u8] {
        self.text.get(..usize::from(self.length)).unwrap_or_default()
    }

    /// The date and a blank.
    fn midnight(days: i64) -> Self {
        let mut date = Self { text: [0; MOST], length: 0 };
        let (year, month, day) = civil(days);
        if (0..10_000).contains(&year) {
            date.pair(year / 100);
            date.pair(year % 100);
        } else {
            year.to_string().bytes().for_each(|byte| date.push(byte));
        }
        for part in [month, day] {
            date.push(b'-');
            date.pair(part);
        }
        date.push(b' ');
        date
    }

    /// The time of day behind the date.
    fn at(mut self, of_day: i64) -> Self {
        // A day has fewer than 2³² seconds, and a second fewer microseconds: divisions of these are quick.
        let (seconds, fraction) = ((of_day / 1_000_000) as u32, (of_day % 1_000_000) as u32);
        let [hour, minute, second] = [seconds / 3600, seconds / 60 % 60, seconds % 60].map(digits);
        let [high, middle, low] = [fraction / 10_000, fraction / 100 % 100, fraction % 100].map(digits);
        let text = [
            hour[0], hour[1], b':', minute[0], minute[1], b':', second[0], second[1], b'.', high[0], high[1],
            middle[0], middle[1], low[0], low[1],
        ];
        let shown = match fraction {
            0 => WHOLE_SECONDS,
            _ => text.len() - text.iter().rev().take_while(|byte| **byte == b'0').count(),
        };
        let from = usize::from(self.length);
        if let Some(place) = self.text.get_mut(from..from + text.len()) {
            place.copy_from_slice(&text);
            self.length += shown as u8;
        }
        self
    }

    fn pair(&mut self, value: i64) {
        digits(value as u32).into_iter().for_each(|digit| self.push(digit));
    }

    fn push(&mut self, byte: u8) {
        if let Some(place) = self.text.get_mut(usize::from(self.length)) {
            *place = byte;
            self.length += 1;
        }
    }
}

/// Two digits.
fn digits(value: u32) -> [u8; 2] {
    [b'0' + (value / 10) as u8, b'0' + (value % 10) as u8]
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
        // Between others, of another day and of the same.
        let moments = Moment::all(&[0, micros, micros]);
        assert_eq!(moments[1].text(), moments[2].text());
        String::from_utf8(moments[1].text().to_vec()).unwrap()
    }

    #[test]
    fn moments_read_as_spark_writes_them() {
        // Expected values: date -u -d @seconds.
        assert_eq!(text(0), "1970-01-01 00:00:00");
        assert_eq!(text(1_774_185_781_082_696), "2026-03-22 13:23:01.082696");
        assert_eq!(text(951_782_400_500_000), "2000-02-29 00:00:00.5");
        assert_eq!(text(-1_000), "1969-12-31 23:59:59.999");
        assert_eq!(text(1_709_251_199_000_010), "2024-02-29 23:59:59.00001");
        assert_eq!(text(i64::MAX), "294247-01-10 04:00:54.775807");
        assert_eq!(text(i64::MIN), "-290308-12-21 19:59:05.224192");
    }
}
