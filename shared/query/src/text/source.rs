//! The user's text, and places in it.

use crate::error::{ConditionProblem, Place, ProblemKind};

/// Characters `start..end` of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub start: usize,
    pub end: usize,
}

impl Span {
    pub(crate) fn to(self, other: Span) -> Span {
        Span { start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

/// Something wrong at a span; [`Source::problem`] makes it fit for users.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    pub kind: ProblemKind,
    pub what: String,
    pub at: Span,
    pub suggestion: Option<String>,
}

impl Problem {
    pub(crate) fn new(kind: ProblemKind, what: impl Into<String>, at: Span) -> Self {
        Self { kind, what: what.into(), at, suggestion: None }
    }

    pub(crate) fn instead(mut self, suggestion: Option<String>) -> Self {
        self.suggestion = suggestion;
        self
    }
}

/// The text as characters, with the starts of its lines.
pub(crate) struct Source {
    chars: Vec<char>,
    line_starts: Vec<usize>,
}

impl Source {
    pub(crate) fn new(text: &str) -> Self {
        let chars: Vec<char> = text.chars().collect();
        let after_breaks = chars.iter().enumerate().filter(|(_, c)| **c == '\n').map(|(at, _)| at + 1);
        let line_starts = std::iter::once(0).chain(after_breaks).collect();
        Self { chars, line_starts }
    }

    /// The offset of a line and column, both from 1.
    pub(crate) fn offset(&self, line: u64, column: u64) -> usize {
        let line = usize::try_from(line.saturating_sub(1)).unwrap_or(usize::MAX);
        let start = self.line_starts.get(line).copied().unwrap_or(self.chars.len());
        let column = usize::try_from(column.saturating_sub(1)).unwrap_or(0);
        start.saturating_add(column).min(self.chars.len())
    }

    pub(crate) fn slice(&self, span: Span) -> String {
        self.chars.get(span.start..span.end.min(self.chars.len())).unwrap_or_default().iter().collect()
    }

    fn place(&self, at: Span) -> Place {
        let line = self.line_starts.partition_point(|start| *start <= at.start).max(1);
        let start = self.line_starts.get(line - 1).copied().unwrap_or(0);
        let line_text: String =
            self.chars.iter().skip(start).take_while(|c| **c != '\n').filter(|c| **c != '\r').collect();
        let length = at.end.saturating_sub(at.start).max(1);
        Place { line, column: at.start.saturating_sub(start) + 1, offset: at.start, length, line_text }
    }

    pub(crate) fn problem(&self, problem: Problem, condition: &str) -> ConditionProblem {
        ConditionProblem {
            kind: problem.kind,
            what: problem.what,
            place: self.place(problem.at),
            condition: condition.to_owned(),
            suggestion: problem.suggestion,
        }
    }
}
