//! What each function of the list does: `functions.tsv`, one a line, under its first name.

use super::function_list::FUNCTIONS;

const NOTES: &str = include_str!("functions.tsv");

/// What a function does, for those who write conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FunctionNote {
    /// Its name and its other names, in lower case; they may be written in any case.
    pub names: &'static [&'static str],
    /// How it is written.
    pub usage: &'static str,
    /// What it is about: number, angle, choice, text, array, type or time.
    pub kind: &'static str,
    /// What it yields, in one line.
    pub description: &'static str,
}

/// All functions that a condition may call.
pub fn function_notes() -> impl Iterator<Item = FunctionNote> {
    NOTES.lines().skip(1).filter_map(|line| {
        let (name, rest) = line.split_once('\t')?;
        let (kind, description) = rest.split_once('\t')?;
        let function = FUNCTIONS.iter().find(|function| function.names.first() == Some(&name))?;
        Some(FunctionNote { names: function.names, usage: function.usage, kind, description })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_function_is_told_once() {
        let told: Vec<&str> = function_notes().map(|note| note.names[0]).collect();
        let known: BTreeSet<&str> = FUNCTIONS.iter().map(|function| function.names[0]).collect();
        assert_eq!(told.len(), NOTES.lines().skip(1).count());
        assert_eq!(told.len(), known.len());
        assert_eq!(told.into_iter().collect::<BTreeSet<_>>(), known);
    }
}
