//! The value of each leaf, by its name.

use crate::{
    alert::{Alert, Detection},
    kind::Kind,
    spreads,
};

/// A value.
pub enum Value {
    /// Null.
    Null,
    /// A number that must not pass through a double.
    Whole(i64),
    /// Any other number.
    Number(f64),
    /// Text.
    Text(String),
}

use Value::{Null, Number, Text, Whole};

/// Labels of SIMBAD that may have a transient in them.
const HOSTS: [&str; 3] = ["Unknown", "Galaxy", "Unknown"];

/// A root column.
pub fn root(name: &str, alert: &Alert) -> Value {
    let draw = alert.chance.of(name);
    let above_half = || Number(draw.between(0.52, 0.99));
    let supernova = matches!(alert.kind, Kind::Supernova | Kind::EarlySupernovaIa);
    match name {
        "candid" => Whole(alert.candid),
        "objectId" => Text(alert.object_id.clone()),
        "schemavsn" => Text("4.02".into()),
        "publisher" => Text("Fink".into()),
        "fink_broker_version" => Text("4.1".into()),
        "fink_science_version" => Text("8.41.0".into()),
        "cdsxmatch" => Text(
            match alert.kind {
                Kind::Simbad(label) => label,
                _ => alert.object.of(name).one_of(&HOSTS).copied().unwrap_or("Unknown"),
            }
            .into(),
        ),
        "roid" => Whole(match alert.kind {
            Kind::KnownAsteroid => 3,
            Kind::AsteroidCandidate | Kind::Ambiguous => 2,
            _ => i64::from(draw.unit() < 0.05),
        }),
        "mulens" => match alert.kind {
            Kind::Microlensing | Kind::Ambiguous => Number(draw.between(0.3, 1.0)),
            _ => Number(0.0),
        },
        "snn_snia_vs_nonia" | "snn_sn_vs_all" if supernova => above_half(),
        "snn_snia_vs_nonia" | "snn_sn_vs_all" => Number(0.5 * draw.unit().powi(3)),
        "rf_snia_vs_nonia" if alert.kind == Kind::EarlySupernovaIa => above_half(),
        "rf_snia_vs_nonia" => {
            Number(if draw.unit() < 0.97 { 0.0 } else { draw.of("score").between(0.0, 0.48) })
        }
        "rf_kn_vs_nonkn" if alert.kind == Kind::Kilonova => above_half(),
        "rf_kn_vs_nonkn" => Number(if draw.unit() < 0.95 { 0.0 } else { draw.of("score").between(0.0, 0.4) }),
        "tracklet" if alert.kind == Kind::Tracklet => Text(format!("TRCK_{:08}_00", alert.pid / 1_000_000)),
        "tracklet" => Null,
        "nalerthist" => {
            Whole(alert.history.iter().flatten().filter(|visit| visit.magnitude.is_some()).count() as i64 + 1)
        }
        "DR3Name" if is_star(alert.kind) => {
            Text(format!("Gaia DR3 {}", 1_000_000_000_000_000_000 + (alert.object.bits() >> 2)))
        }
        "Plx" if is_star(alert.kind) => Number(0.8 * alert.object.of(name).normal().abs()),
        "e_Plx" if is_star(alert.kind) => Number(alert.object.of(name).between(0.02, 0.4)),
        "Plx" | "e_Plx" => Number(f64::NAN),
        "DR3Name" | "gaiaClass" | "vsx" => Text("nan".into()),
        "tns" => Text(String::new()),
        "spicy_class" | "gcvs" | "x3hsp" | "x4lac" => Text("Unknown".into()),
        "spicy_id" => Whole(-1),
        "gaiaVarFlag" => Whole(i64::from(is_star(alert.kind) && draw.unit() < 0.3)),
        "jd_first_real_det" => Number(alert.now.jd - alert.age),
        "jdstarthist_dt" => Number(alert.age),
        "from_upper" | "is_transient" => Whole(i64::from(draw.unit() < 0.2)),
        "slsn_score" => Number(-1.0),
        _ => spreads::of_alert(name).map_or(Null, |spread| spread.draw(name, alert.chance)),
    }
}

/// A leaf of `candidate`.
pub fn candidate(name: &str, alert: &Alert) -> Value {
    let draw = alert.chance.of(name);
    match name {
        "candid" => Whole(alert.candid),
        "ndethist" => Whole(alert.detections),
        "ncovhist" => Whole(alert.detections * 3 + draw.below(200) as i64),
        "jdstarthist" => Number(alert.now.jd - alert.age),
        "jdendhist" => Number(alert.now.jd),
        "drb" => Number(if draw.unit() < 0.93 || alert.kind.is_transient() {
            draw.between(0.55, 1.0)
        } else {
            draw.between(0.0, 0.5)
        }),
        "classtar" => {
            let least = if alert.kind.is_transient() { 0.45 } else { 0.0 };
            // SExtractor's, of three decimals.
            Number((draw.between(least, 1.0) * 1000.0).round() / 1000.0)
        }
        "ssnamenr" => Text(match alert.kind {
            Kind::KnownAsteroid => format!("{}", 1000 + alert.object.below(600_000)),
            _ => "null".into(),
        }),
        "ssdistnr" | "ssmagnr" if alert.kind == Kind::KnownAsteroid => Number(draw.between(0.0, 5.0)),
        "ssdistnr" | "ssmagnr" => Number(-999.0),
        _ => visit(name, alert, &alert.now),
    }
}

/// A leaf of a visit, now or in the history.
pub fn visit(name: &str, alert: &Alert, visit: &Detection) -> Value {
    let draw = visit.chance.of(name);
    match name {
        "jd" => return Number(visit.jd),
        "fid" => return Whole(visit.band),
        "pid" => return Whole(alert.pid - ((alert.now.jd - visit.jd) * 1e9) as i64),
        "diffmaglim" => return Number(visit.limit),
        "pdiffimfilename" => return Text(format!("ztf_{:.6}_000434_c04_o_q3_scimrefdiffimg.fits", visit.jd)),
        "programpi" => return Text("Kulkarni".into()),
        "nid" => return Whole(visit.jd as i64 - 2_457_755),
        "rcid" | "field" => {
            return Whole(alert.object.of(name).below(if name == "rcid" { 64 } else { 800 }) as i64);
        }
        // What a visit without a detection has as well.
        "programid" | "magzpsci" | "magzpsciunc" | "magzpscirms" | "clrcoeff" | "clrcounc" | "rbversion" => {
            return measured(name, alert, visit);
        }
        _ => {}
    }
    let Some(magnitude) = visit.magnitude else { return Null };
    match name {
        "candid" => Whole(alert.candid - ((alert.now.jd - visit.jd) * 1e12) as i64),
        "isdiffpos" => Text(if draw.unit() < 0.8 { "t" } else { "f" }.into()),
        "magpsf" => Number(magnitude),
        "sigmapsf" => Number(error_of(magnitude)),
        "magap" | "magapbig" => Number(magnitude + 0.1 * draw.normal()),
        "sigmagap" | "sigmagapbig" => Number(1.5 * error_of(magnitude)),
        "ra" | "ranr" => Number(alert.ra + 3e-5 * draw.normal()),
        "dec" | "decnr" => Number(alert.dec + 3e-5 * draw.normal()),
        "ssnamenr" => Text("null".into()),
        _ => measured(name, alert, visit),
    }
}

/// What was measured in a visit, or is known of what lies at its place.
fn measured(name: &str, alert: &Alert, visit: &Detection) -> Value {
    match spreads::of_candidate(name) {
        Some(spread) => spread.draw(name, if spread.object { alert.object } else { visit.chance }),
        None => Null,
    }
}

fn error_of(magnitude: f64) -> f64 {
    (0.02 + 0.16 * 10_f64.powf(0.4 * (magnitude - 20.0))).min(0.4)
}

fn is_star(kind: Kind) -> bool {
    matches!(kind, Kind::Simbad(label) if !["QSO", "AGN", "Blazar", "Supernova"].contains(&label))
}
