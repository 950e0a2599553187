//! What each field of an alert means, and in which unit: `fields.tsv`, one field a line.

use std::{collections::HashMap, sync::OnceLock};

const NOTES: &str = include_str!("fields.tsv");

/// What a field means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldNote {
    /// The unit, as astronomers write it; empty for what has none.
    pub unit: &'static str,
    /// The meaning, in one line.
    pub description: &'static str,
}

/// What a field means, by its whole name (`candidate.magpsf`); none for a field that is not known here.
pub fn field_note(field: &str) -> Option<FieldNote> {
    static KNOWN: OnceLock<HashMap<&str, FieldNote>> = OnceLock::new();
    KNOWN.get_or_init(|| notes().collect()).get(field).copied()
}

fn notes() -> impl Iterator<Item = (&'static str, FieldNote)> {
    NOTES.lines().skip(1).filter_map(|line| {
        let (field, rest) = line.split_once('\t')?;
        let (unit, description) = rest.split_once('\t')?;
        Some((field, FieldNote { unit, description }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_line_is_one_field_that_is_told_once() {
        let lines = NOTES.lines().skip(1).count();
        let names: HashSet<&str> = notes().map(|(name, _)| name).collect();
        assert_eq!(names.len(), lines);
        assert!(lines > 250 && notes().all(|(_, note)| !note.description.is_empty()));
        assert_eq!(field_note("candidate.magpsf").map(|note| note.unit), Some("mag"));
        assert_eq!(field_note("magpsf"), None);
    }
}
