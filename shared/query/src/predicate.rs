//! Conditions bound to batches.

use crate::conditions::Condition;
use crate::error::QueryError;
use crate::spark::collections::{normalised, presence};
use crate::spark::types;
use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, RecordBatchOptions};
use arrow::buffer::NullBuffer;
use arrow::compute::kernels::nullif::nullif;
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use datafusion_common::{DFSchema, DataFusionError, internal_err};
use datafusion_expr::execution_props::ExecutionProps;
use datafusion_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion_physical_expr::{PhysicalExpr, create_physical_expr};
use job::FieldPath;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Conditions bound to the schema of the batches that they are evaluated over.
///
/// The fields in use are taken out of their structs once a batch, so an expression sees flat columns.
#[derive(Clone, Debug)]
pub struct Predicate {
    inputs: Vec<Input>,
    flat: SchemaRef,
    conditions: Vec<Arc<dyn PhysicalExpr>>,
}

/// What came of a batch.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The rows for which every condition is true. Never NULL.
    pub keep: BooleanArray,
    /// For each condition, in the user's order, the rows that it dropped: false or NULL, and true for all conditions
    /// before it. `rows = kept + sum(dropped)`.
    pub dropped: Vec<u64>,
}

/// A field in use: which column of the batch, then which child of each struct.
#[derive(Clone, Debug)]
struct Input {
    column: usize,
    children: Vec<usize>,
    /// Only whether the struct is there.
    presence: bool,
}

impl Predicate {
    pub(crate) fn bind(list: &[Condition], schema: &SchemaRef) -> Result<Self, QueryError> {
        let used: BTreeMap<&FieldPath, &DataType> =
            list.iter().flat_map(|condition| &condition.fields).collect();
        let mut inputs = Vec::new();
        let mut columns = Vec::new();
        for (path, wanted) in used {
            let (input, ty) = locate(path, schema.fields()).ok_or_else(|| QueryError::Binding {
                field: path.clone(),
                reason: "is missing".to_owned(),
            })?;
            let presence = matches!(wanted, DataType::Struct(_));
            let found = types::normal(&ty).filter(|found| same_kind(wanted, found));
            let Some(found) = found else {
                let reason = format!("is {ty} where {} is expected", types::name(wanted));
                return Err(QueryError::Binding { field: path.clone(), reason });
            };
            let flat = match &ty {
                _ if presence => DataType::Boolean,
                DataType::List(_) | DataType::Map(..) => ty,
                _ => found,
            };
            inputs.push(Input { presence, ..input });
            columns.push(Field::new(path.to_string(), flat, true));
        }
        let flat = Arc::new(Schema::new(columns));
        let df_schema = DFSchema::try_from(flat.as_ref().clone())?;
        let (props, context) = (ExecutionProps::new(), PhysicalPlanningContext::default());
        let conditions = list
            .iter()
            .map(|condition| create_physical_expr(&condition.expr, &df_schema, &props, &context))
            .collect::<Result<_, DataFusionError>>()?;
        Ok(Self { inputs, flat, conditions })
    }

    /// Decides about every row of a batch of the bound schema.
    ///
    /// # Errors
    /// [`QueryError::Evaluation`]: a condition makes huge texts, or the batch is not of the bound schema.
    pub fn evaluate(&self, batch: &RecordBatch) -> Result<Verdict, QueryError> {
        let rows = batch.num_rows();
        let columns = self.inputs.iter().map(|input| input.take(batch)).collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let flat = RecordBatch::try_new_with_options(self.flat.clone(), columns, &options)
            .map_err(DataFusionError::from)?;
        let mut keep = BooleanArray::from(vec![true; rows]);
        let mut kept = rows;
        let mut dropped = Vec::with_capacity(self.conditions.len());
        for condition in &self.conditions {
            if kept == 0 {
                dropped.push(0);
                continue;
            }
            let array = condition.evaluate(&flat)?.into_array(rows)?;
            let Some(holds) = array.as_boolean_opt() else {
                return Err(not_boolean(&array).into());
            };
            let holds = match holds.nulls() {
                Some(valid) => holds.values() & valid.inner(),
                None => holds.values().clone(),
            };
            keep = BooleanArray::new(keep.values() & &holds, None);
            let still = keep.true_count();
            dropped.push(u64::try_from(kept - still).unwrap_or(u64::MAX));
            kept = still;
        }
        Ok(Verdict { keep, dropped })
    }
}

fn not_boolean(array: &ArrayRef) -> DataFusionError {
    DataFusionError::Internal(format!("a condition answered {}", array.data_type()))
}

/// Whether batches may hold `found` where the job's schema has `wanted`; pruned structs within lists are the scan's business.
fn same_kind(wanted: &DataType, found: &DataType) -> bool {
    match (wanted, found) {
        (DataType::Struct(_), DataType::Struct(_)) | (DataType::Map(..), DataType::Map(..)) => true,
        (DataType::List(wanted), DataType::List(found)) => same_kind(wanted.data_type(), found.data_type()),
        (wanted, found) => wanted == found,
    }
}

fn locate(path: &FieldPath, fields: &Fields) -> Option<(Input, DataType)> {
    let (root, inner) = path.segments().split_first()?;
    let (column, field) = fields.find(root)?;
    let mut children = Vec::new();
    let mut ty = field.data_type();
    for name in inner {
        let DataType::Struct(fields) = ty else { return None };
        let (child, field) = fields.find(name)?;
        children.push(child);
        ty = field.data_type();
    }
    Some((Input { column, children, presence: false }, ty.clone()))
}

impl Input {
    /// The values of the field: NULL where it, or a struct around it, is NULL.
    fn take(&self, batch: &RecordBatch) -> Result<ArrayRef, DataFusionError> {
        let Some(mut array) = batch.columns().get(self.column) else {
            return internal_err!("the batch lacks column {}", self.column);
        };
        let mut around: Option<NullBuffer> = None;
        for child in &self.children {
            let Some(structs) = array.as_struct_opt() else {
                return internal_err!("no struct: {}", array.data_type());
            };
            around = NullBuffer::union(around.as_ref(), structs.nulls());
            let Some(inner) = structs.columns().get(*child) else {
                return internal_err!("the struct lacks child {child}");
            };
            array = inner;
        }
        let values = match array.data_type() {
            _ if self.presence => presence(array),
            DataType::List(_) | DataType::Map(..) => array.clone(),
            _ => normalised(array)?,
        };
        match around {
            Some(around) if around.null_count() > 0 => {
                Ok(nullif(&values, &BooleanArray::new(!around.inner(), None))?)
            }
            _ => Ok(values),
        }
    }
}
