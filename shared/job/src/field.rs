//! The name of a field of an alert, dots and all.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A field of an alert: a root column (`objectId`) or a leaf of a struct column (`candidate.magpsf`).
///
/// Segments keep the archive's own spelling; matching a user's spelling (case-insensitive, as in Spark) is the
/// business of whoever reads the user's text.
///
/// ```
/// use job::FieldPath;
/// let field = FieldPath::new(["candidate", "magpsf"]);
/// assert_eq!(field.to_string(), "candidate.magpsf");
/// assert_eq!(field.root(), "candidate");
/// assert_eq!(field.leaf(), "magpsf");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub struct FieldPath {
    segments: Vec<String>,
}

impl FieldPath {
    /// A path from its segments, outermost first.
    pub fn new<S: Into<String>>(segments: impl IntoIterator<Item = S>) -> Self {
        Self { segments: segments.into_iter().map(Into::into).collect() }
    }

    /// The segments, outermost first.
    pub fn segments(&self) -> &[String] {
        &self.segments
    }

    /// The root column that the field lives in.
    pub fn root(&self) -> &str {
        self.segments.first().map_or("", String::as_str)
    }

    /// The innermost name: what a flattened field is called (CONTRACT §4).
    pub fn leaf(&self) -> &str {
        self.segments.last().map_or("", String::as_str)
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.segments.join("."))
    }
}

impl From<FieldPath> for String {
    fn from(path: FieldPath) -> Self {
        path.to_string()
    }
}

impl From<String> for FieldPath {
    fn from(text: String) -> Self {
        Self::new(text.split('.'))
    }
}

impl From<&str> for FieldPath {
    fn from(text: &str) -> Self {
        Self::new(text.split('.'))
    }
}
