//! Chance that is the same everywhere: a value is a hash of where it stands, not of what was drawn before it.

/// A place to draw from.
#[derive(Clone, Copy, Debug)]
pub struct Chance(u64);

impl Chance {
    /// Chance from a seed.
    pub fn new(seed: u64) -> Self {
        Self(mix(seed))
    }

    /// Another place, named by a number.
    pub fn at(self, number: u64) -> Self {
        Self(mix(self.0 ^ mix(number.wrapping_add(0x9e37_79b9_7f4a_7c15))))
    }

    /// Another place, named by a word.
    pub fn of(self, word: &str) -> Self {
        word.bytes().fold(self, |chance, byte| Self(mix(chance.0 ^ u64::from(byte))))
    }

    /// 64 random bits.
    pub fn bits(self) -> u64 {
        self.0
    }

    /// From 0 to below 1.
    pub fn unit(self) -> f64 {
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Evenly from `low` to below `high`.
    pub fn between(self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// A whole number below `end`.
    pub fn below(self, end: u64) -> u64 {
        ((u128::from(self.0) * u128::from(end)) >> 64) as u64
    }

    /// About normal with deviation 1: the sum of twelve even draws.
    pub fn normal(self) -> f64 {
        (0..12).map(|draw| self.at(draw).unit()).sum::<f64>() - 6.0
    }

    /// One of several.
    pub fn one_of<T>(self, choices: &[T]) -> Option<&T> {
        choices.get(self.below(choices.len() as u64) as usize)
    }
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014).
fn mix(mut bits: u64) -> u64 {
    bits = bits.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}
