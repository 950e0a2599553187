//! What the objects are, in about the mix of a ZTF night.

use crate::chance::Chance;

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing that Fink's rule names.
    Unknown,
    /// Known to SIMBAD, by its label there.
    Simbad(&'static str),
    /// A supernova.
    Supernova,
    /// A supernova of type Ia on its rise.
    EarlySupernovaIa,
    /// Fast, faint and extragalactic.
    Kilonova,
    /// A microlensing event.
    Microlensing,
    /// A known asteroid.
    KnownAsteroid,
    /// A moving object that may be one.
    AsteroidCandidate,
    /// A streak of a satellite.
    Tracklet,
    /// Claimed by more than one rule.
    Ambiguous,
}

/// Shares in a thousand.
const MIX: [(u64, Kind); 21] = [
    (350, Kind::Unknown),
    (120, Kind::KnownAsteroid),
    (95, Kind::Simbad("RRLyr")),
    (80, Kind::Simbad("EB*")),
    (80, Kind::Simbad("Star")),
    (60, Kind::Simbad("QSO")),
    (45, Kind::Simbad("LongPeriodV*_Candidate")),
    (35, Kind::Simbad("YSO_Candidate")),
    (20, Kind::Simbad("Mira")),
    (20, Kind::Simbad("AGN")),
    (10, Kind::Simbad("CataclyV*")),
    (10, Kind::Simbad("Cepheid")),
    (8, Kind::Simbad("Supernova")),
    (2, Kind::Simbad("Blazar")),
    (30, Kind::Supernova),
    (7, Kind::EarlySupernovaIa),
    (1, Kind::Kilonova),
    (12, Kind::Microlensing),
    (12, Kind::AsteroidCandidate),
    (1, Kind::Tracklet),
    (2, Kind::Ambiguous),
];

impl Kind {
    /// The kind of an object.
    pub fn draw(chance: Chance) -> Self {
        let total: u64 = MIX.iter().map(|(share, _)| share).sum();
        let mut left = chance.below(total);
        for (share, kind) in MIX {
            match left.checked_sub(share) {
                None => return kind,
                Some(rest) => left = rest,
            }
        }
        Self::Unknown
    }

    /// Whether it is one of those that fade within weeks.
    pub fn is_transient(self) -> bool {
        matches!(self, Self::Supernova | Self::EarlySupernovaIa | Self::Kilonova | Self::Simbad("Supernova"))
    }

    /// Whether it moves.
    pub fn is_moving(self) -> bool {
        matches!(self, Self::KnownAsteroid | Self::AsteroidCandidate | Self::Tracklet)
    }
}
