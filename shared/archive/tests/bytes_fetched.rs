//! What is fetched of a file is what is needed of it, by the file's own page index.

#![allow(clippy::unwrap_used, clippy::panic)]

use archive::{Archive, ArchiveError, LeafSet, RowFilter, RowGroupScan, ScanPlan, ScanStats};
use arrow::{
    array::{Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Int64Array, RecordBatch},
    datatypes::Int64Type,
};
use job::FieldPath;
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, Encoding, ZstdLevel},
    file::{
        metadata::{PageIndexPolicy, ParquetMetaDataReader},
        properties::{EnabledStatistics, WriterProperties, WriterVersion},
    },
};
use std::{collections::BTreeSet, fs::File, path::Path, sync::Arc};

const ROWS: i64 = 9_000;
const HEAVY: [&str; 3] = ["first", "second", "third"];
const VALUE_BYTES: usize = 4_096;

/// Keeps the rows of some numbers.
struct Chosen(BTreeSet<i64>);

impl RowFilter for Chosen {
    fn keep(
        &mut self,
        batch: &RecordBatch,
    ) -> Result<BooleanArray, Box<dyn std::error::Error + Send + Sync>> {
        let numbers = batch["number"].as_primitive::<Int64Type>();
        Ok(numbers.values().iter().map(|number| Some(self.0.contains(number))).collect())
    }
}

/// Bytes that do not shrink, and tell their row and column.
fn value(row: i64, column: usize) -> Vec<u8> {
    let mut state = (row as u64 + 1) * 3 + column as u64;
    let step = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as u8
    };
    std::iter::repeat_with(step).take(VALUE_BYTES).collect()
}

/// A night of one file with a row group of 110 MB.
fn write_night(folder: &Path, compression: Compression, version: WriterVersion) {
    let night = folder.join("science/year=2026/month=03/day=22");
    std::fs::create_dir_all(&night).unwrap();
    let heavy = HEAVY.iter().enumerate().map(|(column, name)| {
        let values: Vec<Vec<u8>> = (0..ROWS).map(|row| value(row, column)).collect();
        (*name, Arc::new(BinaryArray::from_iter_values(values)) as ArrayRef)
    });
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..ROWS));
    let batch = RecordBatch::try_from_iter(heavy.chain([("number", numbers)])).unwrap();
    let properties = WriterProperties::builder()
        .set_data_page_size_limit(128 * 1024)
        .set_write_batch_size(16)
        .set_dictionary_enabled(false)
        .set_encoding(Encoding::PLAIN)
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_compression(compression)
        .set_writer_version(version)
        .build();
    let file = File::create(night.join("part.parquet")).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

/// What has to be read for these rows: the conditions' column, and of the others the pages that hold one of them.
fn needed(folder: &Path, chosen: &BTreeSet<i64>) -> u64 {
    let file = File::open(folder.join("science/year=2026/month=03/day=22/part.parquet")).unwrap();
    let reader = ParquetMetaDataReader::new().with_offset_index_policy(PageIndexPolicy::Required);
    let metadata = reader.parse_and_finish(&file).unwrap();
    assert_eq!(metadata.num_row_groups(), 1);
    let mut bytes = 0;
    for (column, index) in metadata.row_group(0).columns().iter().zip(&metadata.offset_index().unwrap()[0]) {
        let pages = index.page_locations();
        assert!(pages.len() > 1 || column.column_path().string() == "number");
        for (number, page) in pages.iter().enumerate() {
            let end = pages.get(number + 1).map_or(ROWS, |next| next.first_row_index);
            let is_wanted = chosen.range(page.first_row_index..end).next().is_some();
            if is_wanted || column.column_path().string() == "number" {
                bytes += page.compressed_page_size as u64;
            }
        }
    }
    bytes
}

/// Scans the night for these rows, and looks whether they are what was written.
fn scan(folder: &Path, chosen: &BTreeSet<i64>) -> ScanStats {
    let archive = Archive::open(folder.to_str().unwrap()).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let _inside = runtime.enter();
    let file = runtime.block_on(async {
        let files = archive.files("2026-03-22".parse().unwrap()).await.unwrap();
        archive.open_file(&files[0]).await.unwrap()
    });
    let leaves =
        |names: &[&str]| LeafSet::new(file.schema(), names.iter().map(|name| FieldPath::new([*name])));
    let output = leaves(&["number", HEAVY[0], HEAVY[1], HEAVY[2]]);
    let filters = chosen.len() < ROWS as usize;
    let plan = ScanPlan::new(file.schema(), leaves(&["number"]), output, filters);
    let scan = runtime.block_on(RowGroupScan::prepare(&file, 0, &plan)).unwrap();
    let mut found = BTreeSet::new();
    let mut receive = |batch: RecordBatch| {
        let numbers = batch["number"].as_primitive::<Int64Type>().clone();
        for (column, name) in HEAVY.iter().enumerate() {
            let values = arrow::compute::cast(&batch[*name], &arrow::datatypes::DataType::Binary).unwrap();
            let values = values.as_binary::<i32>();
            for row in 0..values.len() {
                assert_eq!(
                    values.value(row),
                    value(numbers.value(row), column),
                    "{name} of {}",
                    numbers.value(row)
                );
            }
        }
        found.extend(numbers.values());
        Ok(())
    };
    let stats = scan.run(&mut Chosen(chosen.clone()), &mut receive).unwrap();
    assert_eq!(found, *chosen);
    stats
}

/// Looks at what is fetched for these rows, and whether they come as they were written.
fn check(folder: &Path, chosen: &BTreeSet<i64>) {
    let (needed, stats) = (needed(folder, chosen), scan(folder, chosen));
    let (fetched, rows) = (stats.bytes_fetched, chosen.len());
    assert!(needed <= fetched && fetched * 100 <= needed * 115, "{rows} rows: {fetched} of {needed}");
    assert!(stats.requests < 300, "{}", stats.requests);
}

#[test]
fn pages_of_chosen_rows_are_fetched_and_hardly_any_others() {
    let folder = tempfile::tempdir().unwrap();
    write_night(folder.path(), Compression::UNCOMPRESSED, WriterVersion::PARQUET_1_0);
    // Few rows; so many that their pages are not held at once; rows side by side; all rows but some.
    check(folder.path(), &(0..ROWS).filter(|row| row * 7919 % 300 == 0).collect());
    check(folder.path(), &(0..ROWS).filter(|row| row * 7919 % 40 == 0).collect());
    check(folder.path(), &(2_000..8_000).collect());
    check(folder.path(), &(0..ROWS).filter(|row| row % 1_000 > 0).collect());
}

#[test]
fn pages_of_every_compression_and_version_come_as_they_were_written() {
    let zstd = Compression::ZSTD(ZstdLevel::default());
    for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
        for compression in [Compression::SNAPPY, zstd, Compression::LZ4_RAW] {
            let folder = tempfile::tempdir().unwrap();
            write_night(folder.path(), compression, version);
            check(folder.path(), &(0..ROWS).filter(|row| row * 7919 % 40 == 0).collect());
            if compression == Compression::SNAPPY {
                check(folder.path(), &(0..ROWS).collect());
            }
        }
    }
}

#[test]
fn a_store_that_fails_while_a_file_is_read_is_no_damage_to_it() {
    let folder = tempfile::tempdir().unwrap();
    write_night(folder.path(), Compression::SNAPPY, WriterVersion::PARQUET_1_0);
    let archive = Archive::open(folder.path().to_str().unwrap()).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let _inside = runtime.enter();
    let file = runtime.block_on(async {
        let files = archive.files("2026-03-22".parse().unwrap()).await.unwrap();
        archive.open_file(&files[0]).await.unwrap()
    });
    let all = LeafSet::new(file.schema(), HEAVY.map(|name| FieldPath::new([name])));
    let plan = ScanPlan::new(file.schema(), all.clone(), all, false);
    // Its columns are too large to be fetched ahead.
    let scan = runtime.block_on(RowGroupScan::prepare(&file, 0, &plan)).unwrap();
    std::fs::remove_file(folder.path().join("science/year=2026/month=03/day=22/part.parquet")).unwrap();
    let error = scan.run(&mut Chosen(BTreeSet::new()), &mut |_| Ok(())).unwrap_err();
    assert!(matches!(error, ArchiveError::Store { .. }), "{error}");
    assert_eq!(error.kind(), job::ErrorKind::NotFound);
}
