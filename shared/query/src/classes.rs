//! The classes of a request.

use crate::error::QueryError;
use crate::suggest::nearest;
use arrow::array::{Array, BooleanArray, StringArray};
use std::collections::{BTreeSet, HashSet};

/// Classes of one selection.
const MAX_CLASSES: usize = 200;
/// Characters of one class.
const MAX_CLASS_CHARS: usize = 128;

const TNS: &str = "(TNS) ";
const SIMBAD: &str = "(SIMBAD) ";

/// Which classes of alerts are kept (CONTRACT §3).
///
/// `(TNS) X` selects on tnsclass, whose values carry the prefix; `(SIMBAD) X` and plain `X` on finkclass. The groups
/// are ORed. A leading `!` or `not ` excludes: first the included classes are chosen (all, if only exclusions are
/// given), then the excluded ones are taken away.
///
/// ```
/// use arrow::array::StringArray;
/// use query::ClassSelection;
///
/// let classes = ClassSelection::parse(&["SN candidate", "(TNS) SN Ia", "!(TNS) AGN"])?;
/// let fink = StringArray::from(vec!["SN candidate", "Unknown", "Unknown", "SN candidate"]);
/// let tns = StringArray::from(vec!["Unknown", "(TNS) SN Ia", "Unknown", "(TNS) AGN"]);
/// assert_eq!(classes.keep(Some(&fink), Some(&tns), 4), vec![true, true, false, false].into());
/// # Ok::<(), query::QueryError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClassSelection {
    included: Group,
    excluded: Group,
    /// Whether the included classes are all.
    all: bool,
}

/// Classes by the column that they select on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Group {
    fink: HashSet<String>,
    tns: HashSet<String>,
}

impl Group {
    fn is_empty(&self) -> bool {
        self.fink.is_empty() && self.tns.is_empty()
    }

    fn add(&mut self, class: &str) {
        match class.strip_prefix(TNS) {
            Some(_) => self.tns.insert(class.to_owned()),
            None => self.fink.insert(class.strip_prefix(SIMBAD).unwrap_or(class).trim().to_owned()),
        };
    }

    fn holds(&self, fink: Option<&str>, tns: Option<&str>) -> bool {
        fink.is_some_and(|class| self.fink.contains(class))
            || tns.is_some_and(|class| self.tns.contains(class))
    }
}

impl ClassSelection {
    /// Reads a list of classes; none, or `allclasses` among them, means all.
    ///
    /// # Errors
    /// [`QueryError::Class`]: a class is empty or longer than 128 characters, or there are more than 200.
    pub fn parse<S: AsRef<str>>(classes: &[S]) -> Result<Self, QueryError> {
        if classes.len() > MAX_CLASSES {
            let extra = classes.get(MAX_CLASSES).map_or("", AsRef::as_ref);
            return Err(refused(
                extra,
                &format!("is one more than the {MAX_CLASSES} that a request may name"),
            ));
        }
        let mut selection = Self::default();
        for class in classes {
            let class = class.as_ref().trim();
            if class.chars().count() > MAX_CLASS_CHARS {
                return Err(refused(class, &format!("is longer than {MAX_CLASS_CHARS} characters")));
            }
            let (name, excluded) = without_not(class);
            if name.is_empty() {
                return Err(refused(class, "names nothing"));
            }
            match (name.eq_ignore_ascii_case("allclasses"), excluded) {
                (true, false) => selection.all = true,
                (true, true) => return Err(refused(class, "leaves no alert")),
                (false, true) => selection.excluded.add(name),
                (false, false) => selection.included.add(name),
            }
        }
        selection.all |= selection.included.is_empty();
        Ok(selection)
    }

    /// Whether every alert is kept.
    pub fn is_all(&self) -> bool {
        self.all && self.excluded.is_empty()
    }

    /// Whether [`keep`](Self::keep) needs the column tnsclass.
    pub fn needs_tnsclass(&self) -> bool {
        !self.excluded.tns.is_empty() || (!self.all && !self.included.tns.is_empty())
    }

    /// Whether [`keep`](Self::keep) needs the column finkclass.
    pub fn needs_finkclass(&self) -> bool {
        !self.excluded.fink.is_empty() || (!self.all && !self.included.fink.is_empty())
    }

    /// The rows that are kept, never NULL; a column that is not needed may be left out. A missing class is in no group.
    pub fn keep(
        &self,
        finkclass: Option<&StringArray>,
        tnsclass: Option<&StringArray>,
        rows: usize,
    ) -> BooleanArray {
        if self.is_all() {
            return BooleanArray::from(vec![true; rows]);
        }
        let class = |column: Option<&StringArray>, row: usize| {
            column
                .filter(|column| row < column.len() && column.is_valid(row))
                .map(|column| column.value(row).to_owned())
        };
        let keep = (0..rows).map(|row| {
            let (fink, tns) = (class(finkclass, row), class(tnsclass, row));
            let (fink, tns) = (fink.as_deref(), tns.as_deref());
            (self.all || self.included.holds(fink, tns)) && !self.excluded.holds(fink, tns)
        });
        BooleanArray::from(keep.collect::<Vec<bool>>())
    }

    /// The plain classes that are neither among [`known_classes`] nor among `labels` that the archive is known to have,
    /// with the nearest one of those: a warning, no error, for SIMBAD has hundreds of labels of its own.
    pub fn unknown_classes(&self, labels: &BTreeSet<&str>) -> Vec<(String, Option<String>)> {
        let known = || known_classes().iter().chain(labels).copied();
        let mut unknown: Vec<(String, Option<String>)> = self
            .included
            .fink
            .iter()
            .chain(&self.excluded.fink)
            .filter(|class| known().all(|known| known != class.as_str()))
            .map(|class| (class.clone(), nearest(class, known()).map(str::to_owned)))
            .collect();
        unknown.sort();
        unknown
    }
}

fn without_not(class: &str) -> (&str, bool) {
    if let Some(name) = class.strip_prefix('!') {
        return (name.trim(), true);
    }
    match class.get(..4) {
        Some(word) if word.eq_ignore_ascii_case("not ") => (class.get(4..).unwrap_or_default().trim(), true),
        _ => (class, false),
    }
}

fn refused(class: &str, reason: &str) -> QueryError {
    QueryError::Class { class: class.chars().take(40).collect(), reason: reason.to_owned() }
}

/// The labels of finkclass that CONTRACT §2 names: those that the broker gives, and the extragalactic ones of SIMBAD.
pub fn known_classes() -> &'static [&'static str] {
    &[
        "Unknown",
        "Microlensing candidate",
        "SN candidate",
        "Early SN Ia candidate",
        "Kilonova candidate",
        "Solar System candidate",
        "Tracklet",
        "Solar System MPC",
        "Ambiguous",
        "Candidate_SN*",
        "SN*_Candidate",
        "SN",
        "Transient",
        "Fail",
        "Fail 504",
        "galaxy",
        "Galaxy",
        "EmG",
        "Seyfert",
        "Seyfert_1",
        "Seyfert_2",
        "BlueCompG",
        "StarburstG",
        "LSB_G",
        "HII_G",
        "High_z_G",
        "GinPair",
        "GinGroup",
        "BClG",
        "GinCl",
        "PartofG",
        "Compact_Gr_G",
        "IG",
        "PairG",
        "GroupG",
        "ClG",
        "SuperClG",
        "Void",
        "LINER",
        "Possible_ClG",
        "Possible_SClG",
        "GravLens_Candidate",
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(classes: &[&str], fink: &[&str], tns: &[&str]) -> Vec<bool> {
        let selection = ClassSelection::parse(classes).unwrap();
        let (fink, tns) = (StringArray::from(fink.to_vec()), StringArray::from(tns.to_vec()));
        let keep = selection.keep(Some(&fink), Some(&tns), fink.len());
        assert_eq!(keep.null_count(), 0);
        keep.iter().flatten().collect()
    }

    const FINK: [&str; 4] = ["SN candidate", "Unknown", "Star", "Unknown"];
    const TNS_CLASS: [&str; 4] = ["Unknown", "(TNS) SN Ia", "Unknown", "(TNS) AGN"];

    #[test]
    fn none_and_allclasses_mean_all() {
        assert!(ClassSelection::parse::<&str>(&[]).unwrap().is_all());
        assert!(ClassSelection::parse(&["Allclasses", "SN candidate"]).unwrap().is_all());
        assert_eq!(kept(&[], &FINK, &TNS_CLASS), [true; 4]);
    }

    #[test]
    fn groups_are_ored_and_prefixes_choose_the_column() {
        assert_eq!(kept(&["(SIMBAD) Star", "(TNS) SN Ia"], &FINK, &TNS_CLASS), [false, true, true, false]);
        assert_eq!(kept(&["SN candidate"], &FINK, &TNS_CLASS), [true, false, false, false]);
        let selection = ClassSelection::parse(&["(TNS) SN Ia"]).unwrap();
        assert!(selection.needs_tnsclass() && !selection.needs_finkclass());
    }

    #[test]
    fn exclusions_are_taken_away_last() {
        assert_eq!(kept(&["!Unknown"], &FINK, &TNS_CLASS), [true, false, true, false]);
        assert_eq!(kept(&["NOT (TNS) AGN"], &FINK, &TNS_CLASS), [true, true, true, false]);
        assert_eq!(kept(&["Unknown", "! (TNS) AGN"], &FINK, &TNS_CLASS), [false, true, false, false]);
        assert_eq!(kept(&["allclasses", "!Star"], &FINK, &TNS_CLASS), [true, true, false, true]);
        assert!(!ClassSelection::parse(&["!Unknown"]).unwrap().needs_tnsclass());
    }

    #[test]
    fn a_missing_class_is_in_no_group() {
        let fink = StringArray::from(vec![None, Some("Star")]);
        let only = ClassSelection::parse(&["Star"]).unwrap();
        assert_eq!(only.keep(Some(&fink), None, 2), vec![false, true].into());
        let but = ClassSelection::parse(&["!Star"]).unwrap();
        assert_eq!(but.keep(Some(&fink), None, 2), vec![true, false].into());
    }

    #[test]
    fn bounds_are_kept() {
        assert!(ClassSelection::parse(&vec!["a"; 201]).is_err());
        let error = ClassSelection::parse(&["x".repeat(129)]).unwrap_err();
        assert!(error.to_string().contains("longer than 128 characters"), "{error}");
        assert!(ClassSelection::parse(&["!"]).is_err());
        assert!(ClassSelection::parse(&["!allclasses"]).is_err());
        assert!(ClassSelection::parse(&["é¡"]).is_ok());
    }

    #[test]
    fn a_misspelled_class_is_a_warning_with_the_nearest_name() {
        let selection =
            ClassSelection::parse(&["SN candidat", "!Solar Sistem MPC", "(TNS) whatever", "Unknown"])
                .unwrap();
        let unknown = selection.unknown_classes(&BTreeSet::from(["RRLyr"]));
        assert_eq!(
            unknown,
            [
                ("SN candidat".to_owned(), Some("SN candidate".to_owned())),
                ("Solar Sistem MPC".to_owned(), Some("Solar System MPC".to_owned())),
            ]
        );
    }
}
