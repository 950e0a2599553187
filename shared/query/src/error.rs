//! What can be wrong with conditions and classes, and where in the user's text.

use job::{ErrorKind, FieldPath};
use std::fmt;

/// Why conditions or classes cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// Conditions that are wrong: every wrong condition of the text, in its order.
    #[error("{}", Listed(.0))]
    Conditions(Vec<ConditionProblem>),
    /// A class that cannot be selected.
    #[error("class `{class}`: {reason}")]
    Class {
        /// The class as given, cut to a readable length.
        class: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The batches lack a field that a condition reads, or hold it in another type.
    #[error("field `{field}` {reason}")]
    Binding {
        /// The field that a condition reads.
        field: FieldPath,
        /// What is wrong with it in the batches.
        reason: String,
    },
    /// A condition could not be evaluated over a batch.
    #[error("a condition cannot be evaluated: {0}")]
    Evaluation(#[from] datafusion_common::DataFusionError),
}

impl QueryError {
    /// How the error is to be treated.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Conditions(_) | Self::Class { .. } => ErrorKind::Invalid,
            Self::Binding { .. } => ErrorKind::Bug,
            Self::Evaluation(error) if is_limit(error) => ErrorKind::Invalid,
            Self::Evaluation(_) => ErrorKind::Bug,
        }
    }

    /// The wrong conditions, if that is what the error is about.
    pub fn problems(&self) -> &[ConditionProblem] {
        match self {
            Self::Conditions(problems) => problems,
            _ => &[],
        }
    }

    /// For each wrong condition, the line of the text with a caret under the place. Empty for other errors.
    pub fn snippet(&self) -> String {
        self.problems().iter().map(ConditionProblem::snippet).collect::<Vec<_>>().join("\n")
    }
}

fn is_limit(error: &datafusion_common::DataFusionError) -> bool {
    matches!(error.find_root(), datafusion_common::DataFusionError::ResourcesExhausted(_))
}

struct Listed<'a>(&'a [ConditionProblem]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{problem}")?;
        }
        Ok(())
    }
}

/// What sort of thing is wrong with a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProblemKind {
    /// The text is not an expression.
    Syntax,
    /// A field that the archive lacks.
    UnknownField,
    /// A function outside the list.
    UnknownFunction,
    /// Operands or arguments of types that do not go together, or a condition that is not true or false.
    Type,
    /// Something of SQL that a condition may not use, such as a subquery.
    Refused,
    /// Too long, too many, too deep.
    Limit,
}

/// A place in the user's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line, from 1.
    pub line: usize,
    /// The column in that line, in characters, from 1.
    pub column: usize,
    /// Characters of the whole text before the place.
    pub offset: usize,
    /// Characters that the place covers, at least 1; it may run over the end of the line.
    pub length: usize,
    /// The whole line that the place is in, as written.
    pub line_text: String,
}

/// One condition that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConditionProblem {
    /// What sort of thing is wrong.
    pub kind: ProblemKind,
    /// What is wrong, such as ``unknown field `jd` ``.
    pub what: String,
    /// Where.
    pub place: Place,
    /// The condition that holds the place, trimmed and without comments.
    pub condition: String,
    /// What to write instead of what is at the place.
    pub suggestion: Option<String>,
}

impl ConditionProblem {
    /// The line of the text, and under it a caret for each character of the place.
    ///
    /// ```text
    /// jd > 2460000
    /// ^^
    /// ```
    pub fn snippet(&self) -> String {
        let before = self.place.column.saturating_sub(1);
        let pad: String =
            self.place.line_text.chars().take(before).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        let room = self.place.line_text.chars().count().saturating_sub(before);
        let carets = "^".repeat(self.place.length.min(room).max(1));
        format!("{}\n{pad}{carets}", self.place.line_text)
    }
}

impl fmt::Display for ConditionProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at line {}, column {}", self.what, self.place.line, self.place.column)?;
        match &self.suggestion {
            Some(instead) => write!(f, "; did you mean `{instead}`?"),
            None => Ok(()),
        }
    }
}
