//! One alert: what is true of it, before it is written into columns.

use crate::{chance::Chance, kind::Kind};
use job::Night;

/// The Julian date of 1970-01-01, 0 h.
const JD_OF_1970: f64 = 2_440_587.5;

/// What is true of an alert.
#[derive(Clone, Debug)]
pub struct Alert {
    /// Chance of its own.
    pub chance: Chance,
    /// Chance of its object.
    pub object: Chance,
    /// What the object is.
    pub kind: Kind,
    /// `ZTF25abcdefg`
    pub object_id: String,
    /// The candidate's number.
    pub candid: i64,
    /// The observation's number.
    pub pid: i64,
    /// Now, and the history before it, newest last.
    pub now: Detection,
    /// Null for some alerts.
    pub history: Option<Vec<Detection>>,
    /// Right ascension in degrees.
    pub ra: f64,
    /// Declination in degrees.
    pub dec: f64,
    /// Detections so far.
    pub detections: i64,
    /// Days since the first detection.
    pub age: f64,
}

/// A visit: a detection, or only a limit.
#[derive(Clone, Copy, Debug)]
pub struct Detection {
    /// Chance of its own.
    pub chance: Chance,
    /// Julian date.
    pub jd: f64,
    /// 1 = g, 2 = r.
    pub band: i64,
    /// Magnitude; none where only the limit is known.
    pub magnitude: Option<f64>,
    /// How faint the visit reached.
    pub limit: f64,
}

impl Alert {
    /// Alert number `row` of a night.
    pub fn draw(seed: Chance, night: Night, row: u64, alerts_per_night: u64) -> Self {
        let chance = seed.at(day_number(night) as u64).at(row);
        // Three times as many objects as a night has alerts: some come back, most do not.
        let number = chance.of("object").below(alerts_per_night.max(1) * 3);
        let object = seed.of("objects").at(number);
        let kind = Kind::draw(object.of("kind"));
        let jd = JD_OF_1970 + day_number(night) as f64 + 0.12 + 0.4 * chance.of("time").unit();
        let age = match kind {
            Kind::Kilonova => object.of("age").between(0.2, 4.5),
            Kind::EarlySupernovaIa => object.of("age").between(1.0, 12.0),
            kind if kind.is_transient() => object.of("age").between(3.0, 80.0),
            kind if kind.is_moving() => 0.0,
            _ => object.of("age").between(30.0, 2500.0),
        };
        let band = 1 + i64::from(chance.of("band").unit() > 0.45);
        let light = Light { object, kind, jd };
        let now = Detection {
            chance,
            jd,
            band,
            magnitude: Some(light.magnitude(jd, band, chance)),
            limit: limit(chance),
        };
        let history = (chance.of("history").unit() > 0.03).then(|| light.history(age, chance));
        let seen = history.iter().flatten().filter(|visit| visit.magnitude.is_some()).count() as i64;
        let detections = match kind {
            kind if kind.is_moving() => 1,
            kind if kind.is_transient() => seen.clamp(2, 18),
            _ => seen + 1 + (age / 8.0) as i64,
        };
        let visit = (jd.fract() * 1e7) as i64;
        let pid = (jd as i64 - 2_457_755) * 1_000_000_000 + visit * 100;
        Self {
            object_id: object_name(object, night, age),
            candid: pid * 1000 + 1_500_000_000_000_000 + (row % 1_000_000) as i64,
            pid,
            now,
            history,
            ra: object.of("ra").between(0.0, 360.0),
            // Evenly over the northern sky down to -30 degrees.
            dec: object.of("dec").between(-0.5, 1.0).asin().to_degrees(),
            detections,
            age,
            chance,
            object,
            kind,
        }
    }
}

/// How an object shines.
struct Light {
    object: Chance,
    kind: Kind,
    jd: f64,
}

impl Light {
    fn magnitude(&self, jd: f64, band: i64, chance: Chance) -> f64 {
        let mean = 20.4 - 4.2 * self.object.of("mean").unit().powi(2);
        let colour = if band == 1 { 0.3 } else { 0.0 };
        let change = if self.kind.is_transient() {
            // Rises in two weeks, fades in two months; today is somewhere on the way.
            let phase = self.object.of("phase").between(-12.0, 40.0) + (jd - self.jd);
            if phase < 0.0 { (phase / 9.0).powi(2) } else { phase / 30.0 }
        } else {
            let period = self.object.of("period").between(0.3, 400.0);
            let amplitude = 0.8 * self.object.of("amplitude").unit().powi(2);
            amplitude * (std::f64::consts::TAU * jd / period).sin()
        };
        (mean + colour + change + 0.08 * chance.of("noise").normal()).clamp(12.5, 21.3)
    }

    /// Visits of the last thirty days, oldest first: about as many as in real nights, where an alert has 27, of which 10
    /// are detections.
    fn history(&self, age: f64, chance: Chance) -> Vec<Detection> {
        let count = if self.kind.is_moving() {
            chance.of("count").below(8)
        } else {
            5 + chance.of("count").below(48)
        };
        // Most objects vary too little to be detected each time.
        let seen = if self.kind.is_transient() { 1.0 } else { self.object.of("seen").between(0.15, 1.0) };
        let mut visits: Vec<Detection> = (0..count)
            .map(|visit| {
                let chance = chance.of("visit").at(visit);
                let ago = 30.0 * (visit as f64 + chance.of("ago").unit()) / count as f64 + 0.01;
                let (jd, band) = (self.jd - ago, 1 + i64::from(chance.of("band").unit() > 0.5));
                let limit = limit(chance);
                let magnitude = self.magnitude(jd, band, chance);
                let bright = magnitude < limit && chance.of("seen").unit() < seen;
                let detected = bright && ago <= age && !self.kind.is_moving();
                Detection { chance, jd, band, magnitude: detected.then_some(magnitude), limit }
            })
            .collect();
        visits.reverse();
        visits
    }
}

fn limit(chance: Chance) -> f64 {
    20.5 + 0.4 * chance.of("limit").normal().clamp(-3.0, 2.0)
}

/// Days since 1970.
pub fn day_number(night: Night) -> i64 {
    let (year, month, day) = (i64::from(night.year()), i64::from(night.month()), i64::from(night.day()));
    let (year, month) = if month < 3 { (year - 1, month + 9) } else { (year, month - 3) };
    365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719_468
}

fn object_name(object: Chance, night: Night, age: f64) -> String {
    let year = (night.year() - (age / 365.0) as i32).max(2018) % 100;
    let letters = (0..7).map(|place| char::from(b'a' + object.of("name").at(place).below(26) as u8));
    format!("ZTF{year}{}", letters.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_as_calendars_do() {
        // Expected values: date -u -d DATE +%s, divided by 86,400.
        for (night, days) in [("1990-01-01", 7305), ("2000-02-29", 11016), ("2026-03-22", 20534)] {
            assert_eq!(day_number(night.parse().unwrap()), days);
        }
    }
}
