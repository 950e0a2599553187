//! Which leaves of the archive's columns a step needs.

use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef};
use job::FieldPath;
use parquet::{arrow::ProjectionMask, schema::types::SchemaDescriptor};
use std::{collections::BTreeSet, sync::Arc};

/// A set of fields, and the job's schema cut down to them: structs hold only the leaves that are in the set.
#[derive(Clone, Debug)]
pub struct LeafSet {
    fields: BTreeSet<FieldPath>,
    schema: SchemaRef,
}

impl LeafSet {
    /// The fields of `job_schema` that are named; names that it lacks are passed over.
    pub fn new(job_schema: &Schema, fields: impl IntoIterator<Item = FieldPath>) -> Self {
        let fields: BTreeSet<FieldPath> = fields.into_iter().collect();
        let wanted: Vec<&[String]> = fields.iter().map(FieldPath::segments).collect();
        let kept = prune(job_schema.fields(), &wanted);
        Self { schema: Arc::new(Schema::new(kept)), fields }
    }

    /// This set and another.
    pub fn union(&self, other: &Self, job_schema: &Schema) -> Self {
        Self::new(job_schema, self.fields.iter().chain(&other.fields).cloned())
    }

    /// The schema of the batches that a scan of this set delivers.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The root columns and leaves in the set.
    pub fn fields(&self) -> &BTreeSet<FieldPath> {
        &self.fields
    }

    /// The leaves to read from a file with the given Parquet schema.
    pub(crate) fn mask(&self, parquet: &SchemaDescriptor) -> ProjectionMask {
        let wanted = |parts: &[String]| {
            self.fields.iter().any(|field| {
                let segments = field.segments();
                parts.len() >= segments.len()
                    && parts.iter().zip(segments).all(|(part, segment)| part == segment)
            })
        };
        let leaves = parquet.columns().iter().enumerate();
        let indices = leaves.filter(|(_, column)| wanted(column.path().parts())).map(|(index, _)| index);
        ProjectionMask::leaves(parquet, indices)
    }
}

/// `fields` cut down to the wanted paths. A path that ends at a struct takes all of it.
fn prune(fields: &Fields, wanted: &[&[String]]) -> Vec<FieldRef> {
    let mut kept = Vec::new();
    for field in fields {
        let below: Vec<&[String]> = wanted
            .iter()
            .filter_map(|path| path.split_first())
            .filter(|(first, _)| *first == field.name())
            .map(|(_, rest)| rest)
            .collect();
        if below.is_empty() {
            continue;
        }
        match field.data_type() {
            DataType::Struct(inner) if below.iter().all(|rest| !rest.is_empty()) => {
                let inner = prune(inner, &below);
                if !inner.is_empty() {
                    kept.push(Arc::new(Field::new(field.name(), DataType::Struct(inner.into()), true)));
                }
            }
            _ => kept.push(field.clone()),
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structs_are_cut_down_to_the_leaves_in_use() {
        let candidate = DataType::Struct(
            vec![
                Field::new("jd", DataType::Float64, true),
                Field::new("ra", DataType::Float64, true),
                Field::new("magpsf", DataType::Float32, true),
            ]
            .into(),
        );
        let schema = Schema::new(vec![
            Field::new("objectId", DataType::Utf8, true),
            Field::new("candidate", candidate.clone(), true),
        ]);
        let names = |fields: &[&str]| {
            let set = LeafSet::new(&schema, fields.iter().map(|text| FieldPath::from(*text)));
            match set.schema().field(set.schema().fields().len() - 1).data_type() {
                DataType::Struct(inner) => inner.iter().map(|field| field.name().clone()).collect(),
                _ => vec![],
            }
        };
        assert_eq!(names(&["candidate.magpsf", "candidate.jd"]), ["jd", "magpsf"]);
        assert_eq!(names(&["candidate.magpsf", "candidate"]), ["jd", "ra", "magpsf"]);
        assert_eq!(LeafSet::new(&schema, ["nothing".into()]).schema().fields().len(), 0);
    }
}
