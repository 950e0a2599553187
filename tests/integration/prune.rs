//! What a footer rules out, no condition would have kept: random files and random conditions, by the condition itself.

use archive::{Archive, LeafSet, ScanPlan};
use arrow::{
    array::{
        ArrayRef, Float32Array, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray, StructArray,
    },
    datatypes::{DataType, Field, Fields, Schema},
};
use parquet::{
    arrow::ArrowWriter,
    file::properties::{EnabledStatistics, WriterProperties},
};
use query::Conditions;
use std::{path::Path, sync::Arc};

const ROWS: usize = 240;
const GROUP: usize = 12;
const FILES: usize = 12;
const CONDITIONS: usize = 400;

fn fields() -> Fields {
    let inner: Fields = vec![
        Field::new("magpsf", DataType::Float32, true),
        Field::new("ra", DataType::Float64, true),
        Field::new("fid", DataType::Int32, true),
    ]
    .into();
    vec![
        Field::new("objectId", DataType::Utf8, true),
        Field::new("candid", DataType::Int64, true),
        Field::new("candidate", DataType::Struct(inner), true),
    ]
    .into()
}

const TEXTS: [&str; 8] = [
    "",
    "ZTF1",
    "ZTF10",
    "ZTF2",
    "zTf1",
    "é",
    "\u{10ffff}\u{10ffff}",
    "a long name that statistics cut short",
];
const REALS: [&str; 11] = [
    "0.0D",
    "-0.0D",
    "1.5",
    "2",
    "-3.25D",
    "1e30",
    "-1e30",
    "float('NaN')",
    "double('Infinity')",
    "17.3",
    "16777217",
];
const WHOLE: [&str; 7] = ["0", "-1", "1", "5", "9223372036854775807", "-9223372036854775808", "2147483648"];

/// Values near one another, as in a sorted file, with what is odd in between.
fn night(random: &mut fastrand::Rng) -> RecordBatch {
    let near = |row: usize, random: &mut fastrand::Rng| row / 40 + random.usize(0..2);
    let text = |random: &mut fastrand::Rng, row| {
        (random.u8(0..9) > 0).then(|| TEXTS[near(row, random) % TEXTS.len()])
    };
    let real = |random: &mut fastrand::Rng, row: usize| match random.u8(0..14) {
        0 => None,
        1 if row > ROWS / 2 => Some(f64::NAN),
        2 => Some(-0.0),
        3 => Some(0.0),
        _ => Some(near(row, random) as f64 * 1.5 - 3.25),
    };
    let whole = |random: &mut fastrand::Rng, row: usize| match random.u8(0..10) {
        0 => None,
        1 if row < 40 => Some(i64::MAX),
        _ => Some(near(row, random) as i64 - 1),
    };
    let texts = StringArray::from_iter((0..ROWS).map(|row| text(random, row)));
    let candids = Int64Array::from_iter((0..ROWS).map(|row| whole(random, row)));
    let magnitudes = Float32Array::from_iter((0..ROWS).map(|row| real(random, row).map(|x| x as f32)));
    let ra = Float64Array::from_iter((0..ROWS).map(|row| real(random, row)));
    let bands =
        Int32Array::from_iter((0..ROWS).map(|row| whole(random, row).and_then(|x| i32::try_from(x).ok())));
    let inner: Vec<ArrayRef> = vec![Arc::new(magnitudes), Arc::new(ra), Arc::new(bands)];
    let DataType::Struct(inner_fields) = fields()[2].data_type().clone() else { unreachable!() };
    let there: Vec<bool> = (0..ROWS).map(|row| row / GROUP != 3 && random.u8(0..8) > 0).collect();
    let candidate = StructArray::new(inner_fields, inner, Some(there.into()));
    RecordBatch::try_new(
        Arc::new(Schema::new(fields())),
        vec![Arc::new(texts), Arc::new(candids), Arc::new(candidate)],
    )
    .unwrap()
}

fn comparison(random: &mut fastrand::Rng) -> String {
    let (field, literals): (&str, &[&str]) = match random.u8(0..5) {
        0 => ("objectId", &TEXTS),
        1 => ("CANDID", &WHOLE),
        2 => ("candidate.fid", &WHOLE),
        3 => ("candidate.magpsf", &REALS),
        _ => ("candidate.ra", &REALS),
    };
    let quote = if field == "objectId" { "'" } else { "" };
    let literal = |random: &mut fastrand::Rng| format!("{quote}{}{quote}", random.choice(literals).unwrap());
    let first = literal(random);
    match random.u8(0..9) {
        0 | 1 => format!("{field} = {first}"),
        2 => format!("{field} < {first}"),
        3 => format!("{field} >= {first}"),
        4 => format!("{first} <= {field}"),
        5 => format!("{field} BETWEEN {first} AND {}", literal(random)),
        6 => format!("{field} <=> {first}"),
        7 => format!("{first} > {field}"),
        _ => format!("{field} IN ({first}, {}, {})", literal(random), literal(random)),
    }
}

fn condition(random: &mut fastrand::Rng) -> String {
    let parts: Vec<String> = (0..random.usize(1..4)).map(|_| comparison(random)).collect();
    match random.u8(0..8) {
        0 => parts.join(" OR "),
        1 => format!("NOT ({})", parts.join(" AND ")),
        2 => format!("({}) AND size(array(candid)) = 1", parts.join(" AND ")),
        _ => parts.join(" AND "),
    }
}

fn write(path: &Path, batch: &RecordBatch, blooms: bool) {
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(GROUP))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_statistics_truncate_length(Some(6))
        .set_bloom_filter_enabled(blooms)
        .set_bloom_filter_max_ndv(GROUP as u64)
        .build();
    let mut writer =
        ArrowWriter::try_new(std::fs::File::create(path).unwrap(), batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_ruled_out_would_have_been_kept() {
    let folder = tempfile::tempdir().unwrap();
    let night_folder = folder.path().join("science/year=2026/month=03/day=22");
    std::fs::create_dir_all(&night_folder).unwrap();
    let mut random = fastrand::Rng::with_seed(2026);
    let (mut ruled_out, mut looked_at, mut kept) = (0, 0, 0);
    for number in 0..FILES {
        let batch = night(&mut random);
        let path = night_folder.join("part.parquet");
        write(&path, &batch, number % 2 == 0);
        let archive = Archive::open(folder.path().to_str().unwrap()).unwrap();
        let opened =
            archive.open_file(&archive.files("2026-03-22".parse().unwrap()).await.unwrap()[0]).await.unwrap();
        assert_eq!(opened.row_groups(), ROWS / GROUP);
        for _ in 0..CONDITIONS {
            let text = condition(&mut random);
            let Ok(conditions) = Conditions::parse(&text, &batch.schema()) else { continue };
            let needs = conditions.list()[0].needs().to_vec();
            let leaves = LeafSet::new(&batch.schema(), conditions.fields());
            let plan = ScanPlan::new(&batch.schema(), leaves.clone(), leaves, true).needing(needs.clone());
            let ruled = opened.ruled_out(&plan).await.unwrap();
            let verdict = conditions.bind(&batch.schema()).unwrap().evaluate(&batch).unwrap();
            kept += verdict.keep.true_count();
            for group in 0..opened.row_groups() {
                let passed = verdict.keep.slice(group * GROUP, GROUP).true_count();
                looked_at += 1;
                if ruled.contains(group) {
                    ruled_out += 1;
                    assert_eq!(passed, 0, "`{text}` needs {needs:?}: row group {group} of file {number}");
                }
            }
        }
    }
    // Else it would show nothing.
    assert!(ruled_out > looked_at / 10, "{ruled_out} of {looked_at}");
    assert!(kept > 10_000, "{kept}");
}
