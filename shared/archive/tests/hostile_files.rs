//! Files that lie are refused with the file, the place and the claim; none is believed first.

#![allow(clippy::unwrap_used, clippy::panic)]

use archive::{Archive, ArchiveError, LeafSet, RowFilter, RowGroupScan, ScanPlan};
use arrow::array::{BooleanArray, RecordBatch};
use job::{ErrorKind, FieldPath};
use std::path::Path;

struct Everything;

impl RowFilter for Everything {
    fn keep(
        &mut self,
        batch: &RecordBatch,
    ) -> Result<BooleanArray, Box<dyn std::error::Error + Send + Sync>> {
        Ok(BooleanArray::from(vec![true; batch.num_rows()]))
    }
}

/// Reads all of a file of the corpus of `tests/fuzz`, its texts in one piece and as views.
fn read(name: &str) -> Result<usize, ArchiveError> {
    let whole = read_as(name, |plan| plan);
    let views = read_as(name, ScanPlan::with_views);
    assert_eq!(told(&whole), told(&views), "{name}");
    whole
}

fn told(read: &Result<usize, ArchiveError>) -> Result<usize, String> {
    read.as_ref().copied().map_err(|error| error.to_string().split("/part.parquet").skip(1).collect())
}

fn read_as(name: &str, how: impl Fn(ScanPlan) -> ScanPlan) -> Result<usize, ArchiveError> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz/corpus/parquet");
    let folder = tempfile::tempdir().unwrap();
    let night = folder.path().join("science/year=2026/month=03/day=22");
    std::fs::create_dir_all(&night).unwrap();
    std::fs::copy(corpus.join(name), night.join("part.parquet")).unwrap();
    let archive = Archive::open(folder.path().to_str().unwrap()).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let _inside = runtime.enter();
    let file = runtime.block_on(async {
        let files = archive.files("2026-03-22".parse().unwrap()).await.unwrap();
        archive.open_file(&files[0]).await
    })?;
    let schema = file.schema().clone();
    let all = LeafSet::new(&schema, schema.fields().iter().map(|field| FieldPath::new([field.name()])));
    let plan = how(ScanPlan::new(&schema, all.clone(), all, false));
    let mut rows = 0;
    for row_group in 0..file.row_groups() {
        let scan = runtime.block_on(RowGroupScan::prepare(&file, row_group, &plan))?;
        scan.run(&mut Everything, &mut |batch| {
            rows += batch.num_rows();
            Ok(())
        })?;
    }
    Ok(rows)
}

#[test]
fn a_lie_is_named_with_the_file_and_the_place() {
    for (name, expected) in [
        ("page-claims-2gb.parquet", "row group 0: column candid: a page claims 2147483647 bytes, more than"),
        (
            "page-claims-2gb-lz4.parquet",
            "row group 0: column candid: a page claims 2147483647 bytes, more than",
        ),
        ("bomb-zstd-half-gb.parquet", "row group 0: column candid: a page claims 536870920 bytes, more than"),
        ("list-of-2e9.parquet", "column prv_candidates.list.element: the pages of one batch of rows come to"),
        ("bomb-list-of-2e9-in-pages.parquet", "column prv_candidates.list.element: the pages of one batch"),
        ("bomb-long-text-repeated.parquet", "row group 0: the texts of 2048 rows come to more than"),
        ("long-fixed-repeated.parquet", "a column has values of 8388608 bytes"),
        ("rows-of-nothing.parquet", "it claims 1000000000 rows in"),
        ("no-columns.parquet", "it claims 3000000000 rows in"),
        (
            "rows-fewer-than-claimed.parquet",
            "row group 0: column candid: it has fewer rows than its footer says",
        ),
        ("nested-2000.parquet", "its schema nests more than 32 levels"),
        ("children-2e9.parquet", "a group of its schema claims 2147483647 fields"),
        ("children-negative.parquet", "a group of its schema claims -1 fields"),
        ("skipped-lists.parquet", "a list claims 2147483647 members in"),
        ("overlapping.parquet", "the columns c0 and c1 lie in the same place"),
        ("footer-claims-4gb.parquet", "its footer claims 4294967295 bytes"),
        ("gzip.parquet", "column objectId is compressed by GZIP; write it with snappy, zstd or lz4"),
        ("delta-texts.parquet", "column objectId: it is encoded as DELTA_BYTE_ARRAY, whose lengths"),
        ("delta-lengths-2e9.parquet", "column objectId: it is encoded as DELTA_LENGTH_BYTE_ARRAY"),
        ("delta-prefixes-2e9.parquet", "column objectId: it is encoded as DELTA_BYTE_ARRAY"),
        (
            "dictionary-claims-2e9.parquet",
            "column candid: its dictionary claims 2147483647 values in 40 bytes",
        ),
        ("no-texts.parquet", "row group 0: column objectId: a text is not UTF-8"),
        ("no-texts-in-dictionary.parquet", "row group 0: column objectId: a text is not UTF-8"),
        ("cut.parquet", "is it complete?"),
        ("empty.parquet", "it has 0 bytes"),
    ] {
        let error = read(name).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(expected) && text.contains("part.parquet"), "{name}: {text}");
        assert_eq!(error.kind(), ErrorKind::Permanent, "{name}");
    }
}

#[test]
fn sound_files_of_every_kind_are_read() {
    for name in [
        "sample.parquet",
        "snappy-v1.parquet",
        "zstd-v2.parquet",
        "lz4-small-pages.parquet",
        "none-page-index.parquet",
        "zstd-page-index-dictionary.parquet",
        "delta.parquet",
        "int96.parquet",
        "odd-types.parquet",
        "odd-names.parquet",
        "wide-1000.parquet",
        "two-passes.parquet",
        "long-metadata.parquet",
    ] {
        assert!(read(name).is_ok(), "{name}: {:?}", read(name));
    }
}
