//! All conditions of a request.

use crate::check::{CheckedCondition, check};
use crate::error::QueryError;
use crate::fields::Fields;
use crate::predicate::Predicate;
use crate::text::{Source, parse, split};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use job::{FieldPath, Need};
use std::collections::{BTreeMap, BTreeSet};

/// The conditions of a request: an alert is kept if all of them are true for it.
#[derive(Clone, Debug, Default)]
pub struct Conditions {
    list: Vec<Condition>,
}

/// One condition, checked.
#[derive(Clone, Debug)]
pub struct Condition {
    text: String,
    pub(crate) expr: datafusion_expr::Expr,
    pub(crate) fields: BTreeMap<FieldPath, DataType>,
    leaves: BTreeSet<FieldPath>,
    needs: Vec<Need>,
}

impl Condition {
    /// The user's text, trimmed and without comments.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The fields that this condition reads, as in [`Conditions::fields`].
    pub fn fields(&self) -> BTreeSet<FieldPath> {
        self.leaves.clone()
    }

    /// What single fields must hold for this condition to be true, as far as that is plain: `objectId = '…'`, `IN`,
    /// comparisons of a field with a literal, joined by AND. All of them have to hold; derived columns may be among them.
    pub fn needs(&self) -> &[Need] {
        &self.needs
    }
}

impl Conditions {
    /// Parses and checks conditions (CONTRACT §3): separated by `;`, `--` comments and line breaks allowed, `;` and
    /// `--` between quotes are text. An empty text holds no conditions.
    ///
    /// `schema` is that of the whole job: the archive's columns, nested structs as Arrow structs, and the derived
    /// columns finkclass, tnsclass (Utf8), year, month, day (Int32).
    ///
    /// # Errors
    /// [`QueryError::Conditions`] with every wrong condition; a text that cannot be cut into conditions, or is over a
    /// limit, is one problem. Limits: 16 KiB, 64 conditions, 64 levels, 1,000 parts.
    pub fn parse(text: &str, schema: &Schema) -> Result<Self, QueryError> {
        let source = Source::new(text);
        let whole = || text.trim().chars().take(200).collect::<String>();
        let raw = split(&source, text)
            .map_err(|problem| QueryError::Conditions(vec![source.problem(problem, &whole())]))?;
        let fields = Fields::new(schema);
        let mut nodes = 0;
        let mut list = Vec::with_capacity(raw.len());
        let mut problems = Vec::new();
        for condition in raw {
            match parse(&condition, &mut nodes).and_then(|ast| check(&ast, &fields, &source)) {
                Ok(CheckedCondition { expr, fields, leaves, needs }) => {
                    list.push(Condition { text: condition.text, expr, fields, leaves, needs });
                }
                Err(problem) => problems.push(source.problem(problem, &condition.text)),
            }
        }
        if problems.is_empty() { Ok(Self { list }) } else { Err(QueryError::Conditions(problems)) }
    }

    /// Whether there is no condition, so that every alert is kept.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The conditions, in the user's order.
    pub fn list(&self) -> &[Condition] {
        &self.list
    }

    /// The fields that must be read: `candidate.magpsf`, `cdsxmatch`; a map or list column as a whole, but of a list of
    /// structs only what is looked at (`prv_candidates.magpsf`), and some one of its fields where that is nothing; a
    /// struct column of which only is asked whether it is NULL by its own path.
    pub fn fields(&self) -> BTreeSet<FieldPath> {
        self.list.iter().flat_map(|condition| condition.leaves.iter().cloned()).collect()
    }

    /// Binds the conditions to the schema of the batches that a scan delivers: the same types, structs pruned to the
    /// leaves in use, columns in any order, no others needed. Strings and binaries may be views.
    ///
    /// # Errors
    /// [`QueryError::Binding`] if a field is missing or of another type.
    pub fn bind(&self, schema: &SchemaRef) -> Result<Predicate, QueryError> {
        Predicate::bind(&self.list, schema)
    }
}
