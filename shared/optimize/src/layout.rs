//! How an optimised file is laid out: row groups and pages small enough to be passed over, each column in the encoding
//! and by the compression that pay for it.

use crate::OptimizeError;
use archive::OpenFile;
use parquet::{
    basic::{Compression, LogicalType, TimeUnit, Type as PhysicalType, ZstdLevel},
    file::{
        metadata::{ColumnChunkMetaData, KeyValue},
        properties::{BloomFilterPosition, EnabledStatistics, WriterProperties},
        statistics::Statistics,
    },
    schema::types::{SchemaDescriptor, Type, TypePtr},
};
use std::sync::Arc;

/// Grows when nights have to be rewritten because they would be laid out otherwise.
pub(crate) const VERSION: u32 = 2;
/// Alerts of a row group that have images: what is not wanted of those is passed over by row groups and pages.
const ROW_GROUP_ROWS: u64 = 4096;
/// And of one whose alerts have none: most jobs read most of it, and its dictionaries, requests and pages have their price.
const LIGHT_ROW_GROUP_ROWS: u64 = 16_384;
/// A row group of very heavy alerts has fewer of them: it is held in memory.
const ROW_GROUP_BYTES: u64 = 256 * 1024 * 1024;
/// Bytes of a page.
const PAGE_BYTES: usize = 128 * 1024;
/// Pages of a row group, at least: those of narrow columns would else be as long as row groups.
const PAGES: usize = 4;
/// Values that are written between two looks at how long the page is, of a page's.
const WRITES_OF_A_PAGE: usize = 4;
/// A column that its writer could not make smaller than this part of itself is not compressed: images are gzip already.
const WORTH_COMPRESSING: f64 = 0.95;
/// Values of more bytes than this, on average, are not looked for in a dictionary.
const LONG_VALUE: u64 = 256;
/// A dictionary pays where a column with one was smaller than this part of its plain values.
const WORTH_A_DICTIONARY: f64 = 0.95;
/// By which alerts are looked up.
const LOOKED_UP: [&str; 2] = ["objectId", "candid"];
/// How often a Bloom filter says yes though it should say no.
const FALSE_POSITIVES: f64 = 0.01;
const ZSTD_LEVEL: i32 = 3;
/// The Arrow schema that some writers add: what it says of moments would be wrong.
const ARROW_SCHEMA: &str = "ARROW:schema";

/// What files of one schema have in common, and how they are written.
pub(crate) struct Layout {
    /// The schema of the file that is written.
    pub(crate) parquet: SchemaDescriptor,
    /// Alerts of a row group.
    pub(crate) row_group_rows: u64,
    /// Bytes of an alert once decoded, on average.
    pub(crate) row_bytes: u64,
    /// About as many bytes the file will have.
    pub(crate) written_bytes: u64,
    /// Everything else.
    pub(crate) properties: WriterProperties,
}

/// What the footers say of a leaf.
#[derive(Clone, Copy, Default)]
struct Leaf {
    values: u64,
    nulls: u64,
    compressed: u64,
    uncompressed: u64,
    /// Decoded, as far as that can be told.
    plain: u64,
    dictionary: bool,
}

impl Leaf {
    fn add(&mut self, chunk: &ColumnChunkMetaData) {
        let width = width(chunk.column_type());
        let nulls = chunk.statistics().and_then(Statistics::null_count_opt).unwrap_or_default();
        let values = chunk.num_values().unsigned_abs();
        self.values += values;
        self.nulls += nulls.min(values);
        self.compressed += chunk.compressed_size().unsigned_abs();
        self.uncompressed += chunk.uncompressed_size().unsigned_abs();
        self.plain += match width {
            Some(width) => values.saturating_sub(nulls) * width,
            None => {
                let told = chunk.unencoded_byte_array_data_bytes().map(i64::unsigned_abs);
                told.unwrap_or(chunk.uncompressed_size().unsigned_abs()) + 4 * values
            }
        };
        self.dictionary |= chunk.dictionary_page_offset().is_some();
    }

    fn is_worth_compressing(&self) -> bool {
        (self.compressed as f64) < self.uncompressed as f64 * WORTH_COMPRESSING
    }

    fn is_long(&self) -> bool {
        self.plain / (self.values - self.nulls).max(1) > LONG_VALUE
    }

    /// About as many bytes it will have: what is neither compressed nor in a dictionary any more, as many as it is decoded.
    fn written(&self) -> u64 {
        match self.is_worth_compressing() || self.is_worth_a_dictionary() {
            true => self.compressed,
            false => self.plain.max(self.uncompressed),
        }
    }

    fn is_worth_a_dictionary(&self) -> bool {
        self.dictionary
            && !self.is_long()
            && (self.uncompressed as f64) < self.plain as f64 * WORTH_A_DICTIONARY
    }
}

/// Bytes of a value, where all have the same.
fn width(kind: PhysicalType) -> Option<u64> {
    match kind {
        PhysicalType::BOOLEAN => Some(1),
        PhysicalType::INT32 | PhysicalType::FLOAT => Some(4),
        PhysicalType::INT64 | PhysicalType::DOUBLE | PhysicalType::INT96 => Some(8),
        PhysicalType::BYTE_ARRAY | PhysicalType::FIXED_LEN_BYTE_ARRAY => None,
    }
}

impl Layout {
    /// The layout for files of one schema.
    ///
    /// # Errors
    /// A schema that Parquet does not take, which a file cannot have.
    pub(crate) fn of(files: &[OpenFile]) -> Result<Self, OptimizeError> {
        let schemas = files.first().map(|file| file.footer().file_metadata().schema_descr());
        let schema = schemas.ok_or_else(|| OptimizeError::Worker("a night without files".into()))?;
        let mut leaves = vec![Leaf::default(); schema.num_columns()];
        for group in files.iter().flat_map(|file| file.footer().row_groups()) {
            leaves.iter_mut().zip(group.columns()).for_each(|(leaf, chunk)| leaf.add(chunk));
        }
        let rows: u64 = files.iter().map(OpenFile::rows).sum();
        let plain: u64 = leaves.iter().map(|leaf| leaf.plain.max(leaf.uncompressed)).sum();
        let row_bytes = (plain / rows.max(1)).max(1);
        let written_bytes = leaves.iter().map(Leaf::written).sum();
        let row_group_rows = rows_of_a_group(&leaves, row_bytes);
        let root = without_int96(&schema.root_schema_ptr())?;
        let parquet = SchemaDescriptor::new(root);
        let kept = files.iter().find_map(|file| file.footer().file_metadata().key_value_metadata());
        let kept = kept.map(|kept| kept.iter().filter(|entry| entry.key != ARROW_SCHEMA).cloned().collect());
        let properties = properties(&parquet, &leaves, row_group_rows, kept)?;
        Ok(Self { parquet, row_group_rows, row_bytes, written_bytes, properties })
    }
}

/// Alerts of a row group: fewer where most of their bytes are images.
fn rows_of_a_group(leaves: &[Leaf], row_bytes: u64) -> u64 {
    let plain = |leaf: &Leaf| leaf.plain;
    let images: u64 = leaves.iter().filter(|leaf| leaf.is_long()).map(plain).sum();
    let have_images = images > leaves.iter().map(plain).sum::<u64>() / 2;
    let most = if have_images { ROW_GROUP_ROWS } else { LIGHT_ROW_GROUP_ROWS };
    (ROW_GROUP_BYTES / row_bytes.max(1)).clamp(16, most)
}

fn properties(
    parquet: &SchemaDescriptor,
    leaves: &[Leaf],
    row_group_rows: u64,
    kept: Option<Vec<KeyValue>>,
) -> Result<WriterProperties, OptimizeError> {
    let rows = usize::try_from(row_group_rows).unwrap_or(usize::MAX);
    let page_rows = (rows / PAGES).max(1);
    let mut properties = WriterProperties::builder()
        .set_created_by(concat!("nightferry optimize ", env!("CARGO_PKG_VERSION")).into())
        .set_key_value_metadata(kept)
        .set_max_row_group_row_count(Some(rows))
        .set_data_page_size_limit(PAGE_BYTES)
        .set_data_page_row_count_limit(page_rows)
        .set_write_batch_size((page_rows / WRITES_OF_A_PAGE).max(1))
        .set_bloom_filter_position(BloomFilterPosition::End)
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?))
        .set_statistics_enabled(EnabledStatistics::Page);
    for (column, leaf) in parquet.columns().iter().zip(leaves) {
        let path = column.path().clone();
        if LOOKED_UP.contains(&path.string().as_str()) {
            properties = properties
                .set_column_bloom_filter_fpp(path.clone(), FALSE_POSITIVES)
                .set_column_bloom_filter_max_ndv(path.clone(), row_group_rows)
                .set_column_bloom_filter_enabled(path.clone(), true);
        }
        if !leaf.is_worth_compressing() {
            properties = properties.set_column_compression(path.clone(), Compression::UNCOMPRESSED);
        }
        if !leaf.is_worth_a_dictionary() {
            properties = properties.set_column_dictionary_enabled(path.clone(), false);
        }
        // Nobody looks for a list's items, or an image, by bounds: they would only make the footer larger.
        let statistics = match (leaf.is_long(), column.max_rep_level()) {
            (true, _) => EnabledStatistics::None,
            (false, 0) => EnabledStatistics::Page,
            (false, _) => EnabledStatistics::Chunk,
        };
        properties = properties.set_column_statistics_enabled(path, statistics);
    }
    Ok(properties.build())
}

/// The same schema with moments as 64-bit microseconds in UTC in the place of INT96, which nobody should write any more.
fn without_int96(node: &TypePtr) -> Result<TypePtr, OptimizeError> {
    let info = node.get_basic_info();
    let id = info.has_id().then(|| info.id());
    if node.is_primitive() {
        if node.get_physical_type() != PhysicalType::INT96 {
            return Ok(node.clone());
        }
        let moment = LogicalType::timestamp(true, TimeUnit::MICROS);
        let moment = Type::primitive_type_builder(info.name(), PhysicalType::INT64)
            .with_repetition(info.repetition())
            .with_logical_type(Some(moment))
            .with_id(id);
        return Ok(Arc::new(moment.build()?));
    }
    let fields = node.get_fields().iter().map(without_int96).collect::<Result<Vec<_>, _>>()?;
    let group = Type::group_type_builder(info.name())
        .with_fields(fields)
        .with_converted_type(info.converted_type())
        .with_logical_type(info.logical_type_ref().cloned())
        .with_id(id);
    let repetition = info.has_repetition().then(|| info.repetition());
    let group = match repetition {
        Some(repetition) => group.with_repetition(repetition),
        None => group,
    };
    Ok(Arc::new(group.build()?))
}

/// Whether files of these schemas hold the same columns, however they call the whole.
pub(crate) fn same_columns(a: &SchemaDescriptor, b: &SchemaDescriptor) -> bool {
    a.root_schema().get_fields() == b.root_schema().get_fields()
}

#[cfg(test)]
mod tests {
    use super::*;
    use parquet::schema::parser::parse_message_type;

    #[test]
    fn moments_change_their_kind_and_nothing_else_does() {
        let with = |moment: &str, of: &str| {
            let text = format!(
                "message spark_schema {{
                    optional binary objectId (STRING);
                    required group candidate {{ optional {moment} jdtime{of}; optional double jd; }}
                    optional group history (LIST) {{ repeated group list {{ optional group element {{ optional {moment} at{of}; }} }} }}
                    optional group scores (MAP) {{ repeated group key_value {{ required binary key (STRING); optional double value; }} }}
                }}"
            );
            Arc::new(parse_message_type(&text).unwrap())
        };
        let changed = without_int96(&with("int96", "")).unwrap();
        assert_eq!(changed, with("int64", " (TIMESTAMP(MICROS,true))"));
        let unchanged = with("int64", " (TIMESTAMP(MILLIS,false))");
        assert_eq!(without_int96(&unchanged).unwrap(), unchanged);
    }

    #[test]
    fn a_row_group_has_fewer_alerts_with_images_and_of_heavy_ones() {
        let image = Leaf { values: 100, plain: 1_300_400, ..Leaf::default() };
        let text = Leaf { values: 100, plain: 30_000, ..Leaf::default() };
        let numbers = Leaf { values: 2_700, plain: 21_600, ..Leaf::default() };
        assert!(image.is_long() && text.is_long() && !numbers.is_long());
        assert_eq!(rows_of_a_group(&[image, numbers], 13_000), 4096);
        assert_eq!(rows_of_a_group(&[numbers; 2], 432), 16_384);
        assert_eq!(rows_of_a_group(&[text, numbers, numbers], 732), 16_384);
        assert_eq!(rows_of_a_group(&[image], 1024 * 1024), 256);
        assert_eq!(rows_of_a_group(&[image], u64::MAX), 16);
    }

    #[test]
    fn a_column_gets_what_pays() {
        let image = Leaf {
            values: 100,
            compressed: 1_300_000,
            uncompressed: 1_300_100,
            plain: 1_300_400,
            ..Leaf::default()
        };
        assert!(image.is_long() && !image.is_worth_compressing() && !image.is_worth_a_dictionary());
        let band = Leaf {
            values: 1000,
            compressed: 150,
            uncompressed: 300,
            plain: 4000,
            dictionary: true,
            ..Leaf::default()
        };
        assert!(!band.is_long() && band.is_worth_compressing() && band.is_worth_a_dictionary());
        let number = Leaf {
            dictionary: true,
            values: 1000,
            compressed: 8000,
            uncompressed: 9900,
            plain: 8000,
            ..Leaf::default()
        };
        assert!(number.is_worth_compressing() && !number.is_worth_a_dictionary());
        // Few images, again and again: their dictionary was small, and is given up.
        let same = Leaf { compressed: 13_000, uncompressed: 13_100, dictionary: true, ..image };
        assert_eq!([image, band, number, same].map(|leaf| leaf.written()), [1_300_400, 150, 8000, 1_300_400]);
    }
}
