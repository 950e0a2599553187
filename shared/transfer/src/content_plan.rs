//! A request, checked against a schema: what to read, what to keep, what to send.

use crate::TransferError;
use archive::{ArchiveError, JobSchema, LeafSet, ScanPlan};
use arrow::datatypes::{DataType, Field, Schema};
use job::{Content, FieldPath, JobRequest, Need, Packet, RequestError};
use packet::{Layout, finkclass_inputs, queryable_schema};
use query::{ClassSelection, Conditions};
use std::{collections::BTreeSet, sync::Arc};

/// A request over one schema.
pub(crate) struct ContentPlan {
    pub conditions: Conditions,
    pub classes: ClassSelection,
    pub layout: Layout,
    pub scan: ScanPlan,
    /// Every column that the job reads.
    pub columns: Arc<Schema>,
    /// The conditions look at finkclass, or classes do.
    pub filters_by_finkclass: bool,
    /// The conditions look at tnsclass, or classes do.
    pub filters_by_tnsclass: bool,
}

impl ContentPlan {
    /// Checks conditions, classes and content; nothing is read.
    pub(crate) fn new(request: &JobRequest, archive: &Schema) -> Result<Self, TransferError> {
        let conditions = Conditions::parse(&request.conditions, &queryable_schema(archive))?;
        let classes = ClassSelection::parse(&request.classes)?;
        let layout = Layout::new(&request.content, archive)?;
        packet::avro_schema(&layout)?;

        let asked = conditions.fields();
        let asks_for = |name: &str| asked.iter().any(|field| field.root() == name);
        let filters_by_finkclass = classes.needs_finkclass() || asks_for("finkclass");
        let filters_by_tnsclass = classes.needs_tnsclass() || asks_for("tnsclass");
        let mut narrow: BTreeSet<FieldPath> =
            asked.iter().filter(|field| is_stored(field)).cloned().collect();
        if filters_by_finkclass {
            narrow.extend(finkclass_inputs(archive));
        }
        if filters_by_tnsclass {
            narrow.extend(position());
        }
        let narrow = LeafSet::new(archive, narrow);
        let output = LeafSet::new(archive, layout.reads(archive));
        let columns = narrow.union(&output, archive).schema().clone();
        let filters = !conditions.is_empty() || !classes.is_all();
        let needs = needs_of(&conditions, &classes);
        let scan = ScanPlan::new(archive, narrow, output, filters).needing(needs);
        // Of heavier rows there are too few in a batch for that to pay.
        let is_light = matches!(request.content, Content::Packet(Packet::Light));
        let scan = if is_light { scan.with_views() } else { scan };
        Ok(Self { conditions, classes, layout, scan, columns, filters_by_finkclass, filters_by_tnsclass })
    }

    /// The same, refusing columns that the chosen nights hold in irreconcilable types.
    pub(crate) fn over_nights(request: &JobRequest, nights: &JobSchema) -> Result<Self, TransferError> {
        let plan = Self::new(request, &nights.schema)?;
        let touched = |column: &str| has(&plan.columns, &FieldPath::from(column));
        if let Some(conflict) = nights.conflicts.iter().find(|conflict| touched(&conflict.column)) {
            return Err(ArchiveError::from(conflict).into());
        }
        // A plan that cannot be read back would fail every task.
        let described = archive::from_description(&archive::describe(&plan.columns));
        described.map_err(|error| RequestError::new("conditions or content", error.to_string()))?;
        Ok(plan)
    }

    /// The columns of the message that a night's schema lacks: they are null there, and the user is told.
    pub(crate) fn lacking(&self, night: &Schema) -> Vec<String> {
        self.layout
            .archive_fields()
            .into_iter()
            .filter(|path| !has(night, path))
            .map(ToString::to_string)
            .collect()
    }

    /// What conditions see: the narrow columns, the night, and the classes as far as they are asked for.
    pub(crate) fn condition_schema(&self) -> Arc<Schema> {
        let mut fields: Vec<_> = self.scan.narrow.schema().fields().iter().cloned().collect();
        for name in packet::NIGHT_COLUMNS {
            fields.push(Arc::new(Field::new(name, DataType::Int32, true)));
        }
        if self.filters_by_finkclass {
            fields.push(Arc::new(Field::new("finkclass", DataType::Utf8, true)));
        }
        if self.filters_by_tnsclass {
            fields.push(Arc::new(Field::new("tnsclass", DataType::Utf8, true)));
        }
        Arc::new(Schema::new(fields))
    }
}

/// What the first condition needs of stored columns. Only the first: what a later one drops, an earlier one may have
/// dropped before, and so may the classes.
fn needs_of(conditions: &Conditions, classes: &ClassSelection) -> Vec<Need> {
    if !classes.is_all() {
        return Vec::new();
    }
    let first = conditions.list().first().map(|condition| condition.needs()).unwrap_or_default();
    first.iter().filter(|need| is_stored(&need.field)).cloned().collect()
}

fn position() -> [FieldPath; 2] {
    [FieldPath::new(["candidate", "ra"]), FieldPath::new(["candidate", "dec"])]
}

fn is_stored(field: &FieldPath) -> bool {
    !packet::NIGHT_COLUMNS.contains(&field.root()) && !packet::DERIVED_COLUMNS.contains(&field.root())
}

fn has(schema: &Schema, path: &FieldPath) -> bool {
    !LeafSet::new(schema, [path.clone()]).schema().fields().is_empty()
}
