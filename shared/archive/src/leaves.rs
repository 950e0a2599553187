//! Which leaves of the archive's columns a step needs.

use crate::schema::views;
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef};
use job::FieldPath;
use parquet::{
    arrow::ProjectionMask,
    basic::{ConvertedType, LogicalType},
    schema::types::{SchemaDescriptor, Type as ParquetType},
};
use std::{collections::BTreeSet, sync::Arc};

/// A set of fields, and the job's schema cut down to them: structs, and structs in lists, hold
/// only the leaves that are in the set.
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

    /// The same set, delivered with texts as views.
    pub(crate) fn with_views(self) -> Self {
        let fields = self.schema.fields().iter();
        let viewed = fields.map(|field| field.as_ref().clone().with_data_type(views(field.data_type())));
        Self { schema: Arc::new(Schema::new(viewed.collect::<Vec<_>>())), ..self }
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
        let columns = columns(parquet);
        let mut indices = BTreeSet::new();
        for field in &self.fields {
            let segments = field.segments();
            let named = columns.iter().enumerate().filter(|(_, column)| column.is_below(segments));
            let before = indices.len();
            indices.extend(named.map(|(index, _)| index));
            if indices.len() == before {
                // Of a list without the wanted leaf it still has to be known how many items there are.
                let of_list = columns.iter().position(|column| column.is_item_of(segments));
                indices.extend(of_list);
            }
        }
        ProjectionMask::leaves(parquet, indices)
    }
}

/// The place of a leaf in a file, as Arrow sees it: without the levels that Parquet puts into lists.
struct Leaf<'a> {
    path: Vec<&'a str>,
    /// How much of it leads to the outermost list around the leaf, if there is one.
    list: Option<usize>,
}

impl Leaf<'_> {
    fn is_below(&self, segments: &[String]) -> bool {
        self.path.len() >= segments.len()
            && self.path.iter().zip(segments).all(|(part, segment)| part == segment)
    }

    /// Whether the leaf lies in a list that the segments lead through.
    fn is_item_of(&self, segments: &[String]) -> bool {
        let list = self.list.filter(|list| *list < segments.len());
        list.is_some_and(|list| {
            self.path.iter().zip(segments).take(list).all(|(part, segment)| part == segment)
        })
    }
}

/// All leaves of a file, in order.
fn columns(parquet: &SchemaDescriptor) -> Vec<Leaf<'_>> {
    let mut found = Vec::with_capacity(parquet.num_columns());
    for field in parquet.root_schema().get_fields() {
        collect(field, &mut vec![field.name()], None, &mut found);
    }
    found
}

fn collect<'a>(
    node: &'a ParquetType,
    path: &mut Vec<&'a str>,
    list: Option<usize>,
    found: &mut Vec<Leaf<'a>>,
) {
    if node.is_primitive() {
        return found.push(Leaf { path: path.clone(), list });
    }
    if let Some(item) = item_of(node) {
        return collect(item, path, list.or(Some(path.len())), found);
    }
    for field in node.get_fields() {
        path.push(field.name());
        collect(field, path, list, found);
        path.pop();
    }
}

/// The item of a list, by the rules of Parquet's format (LogicalTypes.md, "Lists").
pub(crate) fn item_of(node: &ParquetType) -> Option<&ParquetType> {
    let info = node.get_basic_info();
    let is_list = info.converted_type() == ConvertedType::LIST
        || matches!(info.logical_type_ref(), Some(LogicalType::List));
    let [repeated] = node.get_fields() else { return None };
    if !is_list || !repeated.get_basic_info().has_repetition() {
        return None;
    }
    match repeated.is_group().then(|| repeated.get_fields()) {
        Some([only]) if repeated.name() != "array" && repeated.name() != format!("{}_tuple", node.name()) => {
            Some(only)
        }
        _ => Some(repeated),
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
            DataType::List(item)
                if item.data_type().is_nested() && below.iter().all(|rest| !rest.is_empty()) =>
            {
                let named = Fields::from(vec![item.clone()]);
                let within: Vec<Vec<String>> =
                    below.iter().map(|rest| [&[item.name().clone()], *rest].concat()).collect();
                let within: Vec<&[String]> = within.iter().map(Vec::as_slice).collect();
                kept.extend(
                    prune(&named, &within)
                        .pop()
                        .map(|item| Arc::new(field.as_ref().clone().with_data_type(DataType::List(item)))),
                );
            }
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

    /// Lists as Spark, Hive and old Avro writers lay them out.
    const FILE: &str = "message spark_schema {
        optional binary objectId (STRING);
        optional group history (LIST) { repeated group list { optional group element {
            optional double jd; optional float magpsf; optional group rb (LIST) { repeated group list { optional float element; } }
        } } }
        optional group old (LIST) { repeated group bag { optional group array_element { optional float x; optional float y; } } }
        optional group older (LIST) { repeated group array { optional float x; optional float y; } }
        optional group map (MAP) { repeated group key_value { required binary key (STRING); optional binary value (STRING); } }
    }";

    #[test]
    fn structs_in_lists_are_cut_down_too() {
        let file = parquet::schema::parser::parse_message_type(FILE).unwrap();
        let file = SchemaDescriptor::new(Arc::new(file));
        let schema = parquet::arrow::parquet_to_arrow_schema(&file, None).unwrap();
        let read = |fields: &[&str]| {
            let set = LeafSet::new(&schema, fields.iter().map(|text| FieldPath::from(*text)));
            let mask = set.mask(&file);
            let leaves = (0..file.num_columns()).filter(|leaf| mask.leaf_included(*leaf));
            let leaves: Vec<String> = leaves.map(|leaf| file.column(leaf).path().string()).collect();
            // What is planned is what Parquet delivers; whether items may be null it tells otherwise of the oldest way.
            let delivered = parquet::arrow::parquet_to_arrow_schema_by_columns(&file, mask, None).unwrap();
            let written = |schema: &Schema| format!("{:?}", schema.fields()).replace(", nullable: true", "");
            assert_eq!(written(&delivered), written(set.schema()), "{fields:?}");
            leaves
        };
        assert_eq!(read(&["history.magpsf"]), ["history.list.element.magpsf"]);
        assert_eq!(read(&["history.rb"]), ["history.list.element.rb.list.element"]);
        assert_eq!(read(&["history.jd", "history"]).len(), 3);
        assert_eq!(read(&["old.y"]), ["old.bag.array_element.y"]);
        assert_eq!(read(&["older.y", "objectId"]), ["objectId", "older.array.y"]);
        assert_eq!(read(&["map"]).len(), 2);
    }

    #[test]
    fn a_list_without_the_wanted_leaf_still_tells_how_long_it_is() {
        let file = parquet::schema::parser::parse_message_type(FILE).unwrap();
        let file = SchemaDescriptor::new(Arc::new(file));
        let item = DataType::Struct(vec![Field::new("added_later", DataType::Float32, true)].into());
        let job = Schema::new(vec![Field::new_list("history", Field::new_list_field(item, true), true)]);
        let mask = LeafSet::new(&job, ["history.added_later".into()]).mask(&file);
        let leaves: Vec<usize> = (0..file.num_columns()).filter(|leaf| mask.leaf_included(*leaf)).collect();
        assert_eq!(leaves.len(), 1);
        assert_eq!(file.column(leaves[0]).path().string(), "history.list.element.jd");
    }
}
