//! Which columns of a row group are decoded here, and how.

use super::{
    ColumnReader, Lists,
    leaf::{Leaf, Levels},
    values::Values,
};
use crate::{bytes_source::BytesSource, leaves::item_of};
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use parquet::{
    arrow::{
        ProjectionMask,
        arrow_reader::{ArrowReaderMetadata, RowSelection},
    },
    basic::{Encoding, Repetition},
    errors::ParquetError,
    file::{metadata::ColumnChunkMetaData, serialized_reader::SerializedPageReader},
    schema::types::Type as ParquetType,
};
use std::sync::Arc;

/// Encodings of values that are read here.
const ENCODINGS: [Encoding; 4] =
    [Encoding::PLAIN, Encoding::RLE, Encoding::PLAIN_DICTIONARY, Encoding::RLE_DICTIONARY];

/// What the leaves of a column make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Value,
    Struct,
    List,
    /// A list of pairs.
    Map,
}

impl Shape {
    /// Whether a row has as many items as it likes.
    pub(super) fn repeats(self) -> bool {
        matches!(self, Self::List | Self::Map)
    }
}

/// A column that can be read here: which leaves of the file it has, and what they are to become.
pub(crate) struct ColumnPlan {
    name: String,
    shape: Shape,
    /// Of a list or a map.
    item_name: String,
    levels: Levels,
    /// Number of each leaf that is wanted, and its field.
    leaves: Vec<(usize, FieldRef)>,
}

impl ColumnPlan {
    /// The columns with wanted leaves in a row group that can be read here, with texts as `views` or in one piece.
    pub fn all(
        file: &ArrowReaderMetadata,
        row_group: usize,
        mask: &ProjectionMask,
        views: bool,
    ) -> Vec<Self> {
        let Some(group) = file.metadata().row_groups().get(row_group) else { return Vec::new() };
        let mut first = 0;
        let mut plans = Vec::new();
        for column in file.parquet_schema().root_schema().get_fields() {
            let next = first + leaf_count(column);
            if (first..next).any(|leaf| mask.leaf_included(leaf)) {
                let field = file.schema().fields().iter().find(|field| field.name() == column.name());
                let chunks = group.columns().get(first..next).unwrap_or_default();
                plans.extend(field.and_then(|field| Self::of(column, field, first, chunks, mask, views)));
            }
            first = next;
        }
        plans
    }

    fn of(
        column: &ParquetType,
        field: &FieldRef,
        first: usize,
        chunks: &[ColumnChunkMetaData],
        mask: &ProjectionMask,
        views: bool,
    ) -> Option<Self> {
        let outer = u8::from(is_optional(column));
        let alone = [Arc::new(column.clone())];
        let (shape, inner, levels, fields) = match field.data_type() {
            DataType::Struct(fields) if column.is_group() => (
                Shape::Struct,
                column.get_fields(),
                Levels { list: 0, item: 0, whole_item: outer },
                fields.clone(),
            ),
            DataType::List(item_field) if column.is_group() => {
                let DataType::Struct(fields) = item_field.data_type() else { return None };
                let repeated = column.get_fields().first()?;
                let item = item_of(column).filter(|item| item.is_group())?;
                // In the oldest way of writing lists the repeated group is the item itself.
                let item_is_optional = !std::ptr::eq(item, repeated.as_ref()) && is_optional(item);
                let whole_item = outer + 1 + u8::from(item_is_optional);
                (
                    Shape::List,
                    item.get_fields(),
                    Levels { list: outer, item: outer + 1, whole_item },
                    fields.clone(),
                )
            }
            DataType::Map(pair, false) if column.is_group() => {
                let DataType::Struct(fields) = pair.data_type() else { return None };
                let pair = column.get_fields().first().filter(|pair| pair.is_group())?;
                // Of a key alone, or one that may be missing, Arrow makes no map.
                let is_whole = (first..first + fields.len()).all(|leaf| mask.leaf_included(leaf));
                if !is_whole
                    || fields.len() != 2
                    || pair.get_fields().first().is_none_or(|key| is_optional(key))
                {
                    return None;
                }
                let levels = Levels { list: outer, item: outer + 1, whole_item: outer + 1 };
                (Shape::Map, pair.get_fields(), levels, fields.clone())
            }
            _ if column.is_primitive() => (
                Shape::Value,
                &alone[..],
                Levels { list: 0, item: 0, whole_item: 0 },
                Fields::from(vec![field.clone()]),
            ),
            _ => return None,
        };
        if inner.len() != fields.len() || inner.len() != chunks.len() {
            return None;
        }
        let mut leaves = Vec::new();
        for (number, ((node, field), chunk)) in inner.iter().zip(&fields).zip(chunks).enumerate() {
            if !mask.leaf_included(first + number) {
                continue;
            }
            let whole = levels.whole_item + u8::from(is_optional(node));
            let descriptor = chunk.column_descr();
            // Where there are no levels, some writers say that they pack none.
            let is_known = |encoding: Encoding| {
                ENCODINGS.contains(&encoding) || (!shape.repeats() && is_level_encoding(encoding))
            };
            let is_plain = node.is_primitive()
                && node.name() == field.name()
                && descriptor.max_rep_level() == i16::from(shape.repeats())
                && descriptor.max_def_level() == i16::from(whole)
                && chunk.encodings().all(is_known);
            // Of a file all come as views.
            let wanted = match field.data_type() {
                DataType::Utf8View if !views => &DataType::Utf8,
                other => other,
            };
            let values = Values::of(chunk.column_type(), wanted).filter(|_| is_plain)?;
            let field = Field::new(field.name(), values.data_type(), is_optional(node));
            leaves.push((first + number, Arc::new(field)));
        }
        let item_name = match field.data_type() {
            DataType::List(item) | DataType::Map(item, _) => item.name().clone(),
            _ => String::new(),
        };
        (!leaves.is_empty()).then(|| Self { name: field.name().clone(), shape, item_name, levels, leaves })
    }

    /// The part with the leaves that are known of beforehand, and the rest. What repeats stays in one piece.
    pub fn split(self, first: &ProjectionMask) -> (Option<Self>, Option<Self>) {
        let is_first = |(leaf, _): &(usize, FieldRef)| first.leaf_included(*leaf);
        if !self.leaves.iter().any(is_first) {
            return (None, Some(self));
        }
        if self.shape.repeats() {
            return (Some(self), None);
        }
        let (leaves, rest): (Vec<_>, Vec<_>) = self.leaves.into_iter().partition(is_first);
        let part = |leaves: Vec<_>| {
            let (name, item_name) = (self.name.clone(), self.item_name.clone());
            (!leaves.is_empty()).then_some(Self { name, item_name, leaves, ..self })
        };
        (part(leaves), part(rest))
    }

    /// The leaves that it reads of which pages may come as they lie in the file, though Snappy has been over them.
    pub fn images(&self) -> impl Iterator<Item = usize> {
        let images = self.leaves.iter().filter(|(_, field)| *field.data_type() == DataType::BinaryView);
        images.map(|(leaf, _)| *leaf)
    }

    /// The leaves that it reads.
    pub fn leaves(&self) -> impl Iterator<Item = usize> {
        self.leaves.iter().map(|(leaf, _)| *leaf)
    }

    /// Begins to read the chosen rows of a row group. Pages of the leaves in `packed` come as Snappy has left them.
    pub fn reader(
        self,
        source: &BytesSource,
        file: &ArrowReaderMetadata,
        row_group: usize,
        packed: &[usize],
        selection: Option<&RowSelection>,
    ) -> Result<ColumnReader, ParquetError> {
        let group = file.metadata().row_group(row_group);
        let index = file.metadata().offset_index().and_then(|index| index.get(row_group));
        let rows = usize::try_from(group.num_rows()).unwrap_or_default();
        let source = Arc::new(source.clone());
        let leaves = self.leaves.iter().map(|(number, field)| {
            let chunk = group.column(*number);
            let pages =
                index.and_then(|index| index.get(*number)).map(|pages| pages.page_locations().clone());
            let pages = pages.filter(|pages| !pages.is_empty());
            let indexed = pages.is_some();
            let pages = Box::new(SerializedPageReader::new(source.clone(), chunk, rows, pages)?);
            let gone = || ParquetError::General("its type changed".into());
            let values = Values::of(chunk.column_type(), field.data_type()).ok_or_else(gone)?;
            let whole = self.levels.whole_item + u8::from(field.is_nullable());
            let leaf = match self.shape.repeats() {
                true => Leaf::in_list(pages, indexed, self.levels, whole, values),
                false => Leaf::alone(pages, self.levels, whole, values),
            };
            let leaf = if packed.contains(number) { leaf.packed(source.buffers()) } else { leaf };
            Ok((chunk.column_path().string(), leaf))
        });
        let leaves = leaves.collect::<Result<Vec<_>, ParquetError>>()?;
        Ok(ColumnReader {
            field: self.field(),
            fields: self.leaves.iter().map(|(_, field)| field.clone()).collect(),
            shape: self.shape,
            levels: self.levels,
            leaves,
            chosen: selection.map(|selection| selection.iter().copied().collect()),
            left: rows,
            lists: Lists::default(),
        })
    }

    fn field(&self) -> FieldRef {
        let Levels { list, item, whole_item } = self.levels;
        let fields = || DataType::Struct(self.leaves.iter().map(|(_, field)| field.clone()).collect());
        match (self.shape, self.leaves.as_slice()) {
            (Shape::Value, [(_, field), ..]) => field.clone(),
            (Shape::List, _) => {
                let item = Field::new(&self.item_name, fields(), whole_item > item);
                Arc::new(Field::new(&self.name, DataType::List(Arc::new(item)), list > 0))
            }
            (Shape::Map, _) => {
                let pair = Field::new(&self.item_name, fields(), false);
                Arc::new(Field::new(&self.name, DataType::Map(Arc::new(pair), false), list > 0))
            }
            _ => Arc::new(Field::new(&self.name, fields(), whole_item > 0)),
        }
    }
}

fn is_optional(node: &ParquetType) -> bool {
    node.get_basic_info().repetition() == Repetition::OPTIONAL
}

/// The oldest encoding of levels.
#[allow(deprecated)]
fn is_level_encoding(encoding: Encoding) -> bool {
    encoding == Encoding::BIT_PACKED
}

fn leaf_count(node: &ParquetType) -> usize {
    match node.is_primitive() {
        true => 1,
        false => node.get_fields().iter().map(|field| leaf_count(field)).sum(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parquet::{
        arrow::arrow_reader::ArrowReaderOptions, file::metadata::RowGroupMetaData,
        schema::types::SchemaDescriptor,
    };

    const FILE: &str = "message spark_schema {
        required int64 candid;
        optional binary objectId (STRING);
        optional int32 small (INTEGER(8, true));
        optional group candidate { optional double jd; optional float magpsf; }
        optional group cutout { optional binary stampData; }
        optional group history (LIST) { repeated group list { optional group element { optional double jd; required int32 fid; } } }
        optional group old (LIST) { repeated group array { optional float x; } }
        optional group numbers (LIST) { repeated group list { optional float element; } }
        optional group deep { optional group deeper { optional float x; } }
        optional group pairs (MAP) { repeated group key_value { required binary key (STRING); optional double value; } }
        optional group gaps (MAP) { repeated group key_value { optional binary key (STRING); optional double value; } }
        optional int64 moment (TIMESTAMP(MICROS, true));
        optional int64 coarse (TIMESTAMP(MILLIS, true));
        optional int96 old_moment;
        repeated int64 loose;
    }";

    /// The columns that are decoded here of a file in which column `odd` is encoded as streams of bytes.
    fn decoded(wanted: impl Fn(&str) -> bool, odd: &str) -> Vec<String> {
        let columns = Arc::new(parquet::schema::parser::parse_message_type(FILE).unwrap());
        let schema = Arc::new(SchemaDescriptor::new(columns));
        let chunks = schema.columns().iter().map(|column| {
            let encoding = if column.path().string() == odd {
                Encoding::BYTE_STREAM_SPLIT
            } else {
                Encoding::RLE_DICTIONARY
            };
            ColumnChunkMetaData::builder(column.clone())
                .set_encodings(vec![Encoding::RLE, encoding])
                .build()
                .unwrap()
        });
        let group =
            RowGroupMetaData::builder(schema.clone()).set_column_metadata(chunks.collect()).build().unwrap();
        let file = parquet::file::metadata::FileMetaData::new(2, 0, None, None, schema.clone(), None);
        let metadata =
            parquet::file::metadata::ParquetMetaDataBuilder::new(file).add_row_group(group).build();
        let options = || ArrowReaderOptions::new();
        let plain = ArrowReaderMetadata::try_new(Arc::new(metadata), options()).unwrap();
        // As a file of the archive is opened.
        let columns = schema.root_schema().get_fields();
        let hinted = plain.schema().fields().iter().zip(columns);
        let hinted: Fields = hinted.map(|(field, column)| crate::footer::hint(field, column)).collect();
        let options = options().with_schema(Arc::new(arrow::datatypes::Schema::new(hinted)));
        let file = ArrowReaderMetadata::try_new(plain.metadata().clone(), options).unwrap();
        let leaves = (0..schema.num_columns()).filter(|leaf| wanted(&schema.column(*leaf).path().string()));
        let mask = ProjectionMask::leaves(&schema, leaves.collect::<Vec<_>>());
        let told = |plan: &ColumnPlan| {
            let leaves: Vec<String> = plan.leaves.iter().map(|(_, field)| field.name().clone()).collect();
            format!("{} {}", plan.name, leaves.join(","))
        };
        ColumnPlan::all(&file, 0, &mask, false).iter().map(told).collect()
    }

    #[test]
    fn what_is_known_is_decoded_here_and_the_rest_is_left() {
        let known = [
            "candid candid",
            "objectId objectId",
            "candidate jd,magpsf",
            "cutout stampData",
            "history jd,fid",
            "old x",
            "pairs key,value",
            "moment moment",
            "old_moment old_moment",
        ];
        assert_eq!(decoded(|_| true, ""), known);
        assert_eq!(decoded(|path| path.contains("jd"), ""), ["candidate jd", "history jd"]);
        assert_eq!(decoded(|path| path.contains("jd"), "candidate.jd"), ["history jd"]);
        // Of a column with a leaf that is not known, nothing is.
        assert_eq!(decoded(|_| true, "history.list.element.jd").len(), known.len() - 1);
        assert!(decoded(|path| path.starts_with("deep") || path == "small", "").is_empty());
        // A map without its values is none.
        assert!(decoded(|path| path.ends_with("key"), "").is_empty());
    }
}
