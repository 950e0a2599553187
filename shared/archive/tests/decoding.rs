//! Columns come as they were written, alone, in structs and in lists, whatever the layout of the file and whichever rows are chosen.

#![allow(clippy::unwrap_used, clippy::panic)]

use archive::{Archive, LeafSet, RowFilter, RowGroupScan, ScanPlan};
use arrow::{
    array::{
        Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Float32Array, Float32Builder, Float64Array,
        Int32Array, Int64Array, ListArray, MapArray, MapBuilder, RecordBatch, StringArray, StringBuilder,
        StructArray, TimestampMicrosecondArray,
    },
    buffer::{NullBuffer, OffsetBuffer},
    compute::{concat_batches, filter_record_batch},
    datatypes::{DataType, Field, Fields, Int64Type, Schema, TimestampMicrosecondType},
};
use job::FieldPath;
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, Encoding, ZstdLevel},
    data_type::{Int96, Int96Type},
    file::{
        properties::{WriterProperties, WriterPropertiesBuilder, WriterVersion},
        writer::SerializedFileWriter,
    },
    schema::{parser::parse_message_type, types::ColumnPath},
};
use std::{fs::File, path::Path, sync::Arc};

const ROWS: usize = 2_000;

/// Columns of which a row has thousands of bytes.
const HEAVY: [&str; 3] = ["history", "candidate", "own_stamp"];

/// Numbers without any pattern, the same every time.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % limit
    }

    /// As what is compressed already.
    fn noise(&mut self, longest: u64) -> Vec<u8> {
        (0..self.below(longest)).map(|_| self.below(256) as u8).collect()
    }

    fn maybe<T>(&mut self, percent: u64, value: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.below(100) < percent).then(|| value(self))
    }
}

/// What is left out of some of the lists.
#[derive(Clone, Copy, Debug)]
struct Gaps {
    lists: bool,
    items: bool,
    values: u64,
}

/// Leaves of every type, of so many items.
fn leaves(random: &mut Random, items: usize, gaps: Gaps) -> StructArray {
    let present = 100 - gaps.values;
    macro_rules! leaf {
        ($array:ty, $value:expr) => {{
            let mut values = Vec::with_capacity(items);
            // Whole stretches without a value, as upper limits are, and single ones.
            let mut stretch = 0;
            for _ in 0..items {
                stretch = if stretch == 0 && random.below(100) < gaps.values {
                    random.below(30)
                } else {
                    stretch.saturating_sub(1)
                };
                let value = random.maybe(present, $value);
                values.push(value.filter(|_| stretch == 0));
            }
            Arc::new(values.into_iter().collect::<$array>()) as ArrayRef
        }};
    }
    // Long enough to lie in pages of their own where there are few.
    let longest = if items == ROWS { 4_000 } else { 40 };
    let whole: Int64Array = (0..items as i64).map(|number| Some(number * 1_000_003)).collect();
    let columns: Vec<(&str, bool, ArrayRef)> = vec![
        ("jd", true, leaf!(Float64Array, |random| 2_460_000.5 + random.below(1 << 30) as f64)),
        ("fid", true, leaf!(Int32Array, |random| random.below(3) as i32 + 1)),
        ("candid", true, leaf!(Int64Array, |random| random.below(1 << 31) as i64 * 7919)),
        ("magpsf", true, leaf!(Float32Array, |random| random.below(2_000) as f32 / 100.0)),
        (
            "isdiffpos",
            true,
            leaf!(StringArray, |random| ["t", "f", "", "ἄστρον", "a longer word than fits"]
                [random.below(5) as usize]),
        ),
        ("name", true, leaf!(StringArray, |random| format!("ztf_{}", random.below(1 << 40)))),
        ("stamp", true, leaf!(BinaryArray, |random| random.noise(longest))),
        (
            "note",
            true,
            leaf!(BinaryArray, |random| [&b"the same "[..], b"", b"again"][random.below(3) as usize]
                .repeat(3)),
        ),
        ("ssnear", true, leaf!(BooleanArray, |random| random.below(2) == 0)),
        ("nothing", true, Arc::new(Float32Array::new_null(items))),
        ("number", false, Arc::new(whole)),
    ];
    let fields: Fields = columns
        .iter()
        .map(|(name, null, array)| Field::new(*name, array.data_type().clone(), *null))
        .collect();
    let arrays = columns.into_iter().map(|(.., array)| array).collect();
    let there = gaps.items.then(|| (0..items).map(|_| random.below(9) > 0).collect::<Vec<_>>());
    StructArray::new(fields, arrays, there.map(NullBuffer::from))
}

fn list(random: &mut Random, gaps: Gaps) -> (Field, ArrayRef) {
    let mut lengths = Vec::new();
    let mut lists = Vec::new();
    for _ in 0..ROWS {
        let is_null = gaps.lists && random.below(10) == 0;
        lists.push(!is_null);
        lengths.push(match random.below(12) {
            _ if is_null => 0,
            0 if gaps.lists => 0,
            // Rows longer than many a page.
            1 => 200 + random.below(100) as usize,
            _ => 1 + random.below(40) as usize,
        });
    }
    let structs = leaves(random, lengths.iter().sum(), gaps);
    let item = Arc::new(Field::new("element", structs.data_type().clone(), gaps.items));
    let nulls = gaps.lists.then(|| NullBuffer::from(lists));
    let list = ListArray::new(item, OffsetBuffer::from_lengths(lengths), Arc::new(structs), nulls);
    (Field::new("history", list.data_type().clone(), gaps.lists), Arc::new(list))
}

fn map(random: &mut Random, gaps: Gaps) -> MapArray {
    let strings = (StringBuilder::new(), Float32Builder::new());
    let mut map = MapBuilder::new(None, strings.0, strings.1);
    for _ in 0..ROWS {
        let is_there = !gaps.lists || random.below(4) > 0;
        for pair in 0..if is_there { random.below(4) } else { 0 } {
            map.keys().append_value(format!("key{pair}"));
            map.values().append_option(random.maybe(100 - gaps.values, |random| random.below(90) as f32));
        }
        map.append(is_there).unwrap();
    }
    map.finish()
}

fn moments(random: &mut Random, gaps: Gaps) -> TimestampMicrosecondArray {
    let moment = |random: &mut Random| 1_774_000_000_000_000 + random.below(1 << 31) as i64 * 40;
    (0..ROWS).map(|_| random.maybe(100 - gaps.values, moment)).collect()
}

fn night(random: &mut Random, gaps: Gaps) -> RecordBatch {
    let (field, list) = list(random, gaps);
    let candid: ArrayRef = Arc::new(Int64Array::from_iter_values(0..ROWS as i64));
    let candidate = leaves(random, ROWS, gaps);
    // Columns of their own, too.
    let alone = leaves(random, ROWS, Gaps { items: false, ..gaps });
    let pairs = map(random, gaps);
    let moments = moments(random, gaps);
    let utc = Arc::new(moments.clone().with_timezone("UTC")) as ArrayRef;
    let mut fields = vec![
        Field::new("candid", DataType::Int64, false),
        field,
        Field::new("candidate", candidate.data_type().clone(), gaps.items),
        Field::new("pairs", pairs.data_type().clone(), gaps.lists),
        Field::new("moment", moments.data_type().clone(), true),
        Field::new("utc", utc.data_type().clone(), true),
    ];
    let mut columns = vec![candid, list, Arc::new(candidate), Arc::new(pairs), Arc::new(moments), utc];
    for (field, column) in alone.fields().iter().zip(alone.columns()) {
        fields.push(field.as_ref().clone().with_name(format!("own_{}", field.name())));
        columns.push(column.clone());
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

fn write(folder: &Path, night: &RecordBatch, properties: WriterProperties) {
    let folder = folder.join("science/year=2026/month=03/day=22");
    std::fs::create_dir_all(&folder).unwrap();
    let file = File::create(folder.join("part.parquet")).unwrap();
    let mut writer = ArrowWriter::try_new(file, night.schema(), Some(properties)).unwrap();
    // In parts, so that pages end where they will.
    for part in 0..4 {
        writer.write(&night.slice(part * ROWS / 4, ROWS / 4)).unwrap();
    }
    writer.close().unwrap();
}

/// Which rows are chosen, by their numbers.
type Choice<'a> = &'a dyn Fn(usize) -> bool;

/// Keeps the alerts of some numbers.
struct Chosen<'a>(Choice<'a>);

impl RowFilter for Chosen<'_> {
    fn keep(
        &mut self,
        batch: &RecordBatch,
    ) -> Result<BooleanArray, Box<dyn std::error::Error + Send + Sync>> {
        let numbers = batch["candid"].as_primitive::<Int64Type>();
        Ok(numbers.values().iter().map(|number| Some(self.0(*number as usize))).collect())
    }
}

/// What a scan hands out of the wanted leaves.
fn scan(folder: &Path, looked_at: &[&str], wanted: &[&str], chosen: Option<Choice<'_>>) -> Vec<RecordBatch> {
    scan_as(folder, looked_at, wanted, chosen, |plan| plan)
}

fn scan_as(
    folder: &Path,
    looked_at: &[&str],
    wanted: &[&str],
    chosen: Option<Choice<'_>>,
    how: impl Fn(ScanPlan) -> ScanPlan,
) -> Vec<RecordBatch> {
    let archive = Archive::open(folder.to_str().unwrap()).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let _inside = runtime.enter();
    let file = runtime.block_on(async {
        let files = archive.files("2026-03-22".parse().unwrap()).await.unwrap();
        archive.open_file(&files[0]).await.unwrap()
    });
    let leaves =
        |names: &[&str]| LeafSet::new(file.schema(), names.iter().map(|name| FieldPath::from(*name)));
    let plan = how(ScanPlan::new(file.schema(), leaves(looked_at), leaves(wanted), chosen.is_some()));
    let mut batches = Vec::new();
    for row_group in 0..file.row_groups() {
        let scan = runtime.block_on(RowGroupScan::prepare(&file, row_group, &plan)).unwrap();
        let mut receive = |batch: RecordBatch| {
            batches.push(batch);
            Ok(())
        };
        scan.run(&mut Chosen(chosen.unwrap_or(&|_| true)), &mut receive).unwrap();
    }
    batches
}

/// As what is handed out tells of nulls, and of a struct the leaves that were wanted.
fn as_handed_out(night: &RecordBatch, schema: &Schema) -> RecordBatch {
    let columns =
        schema.fields().iter().map(|field| arrow::compute::cast(&night[field.name()], field.data_type()));
    RecordBatch::try_new(Arc::new(schema.clone()), columns.map(Result::unwrap).collect()).unwrap()
}

fn layouts() -> Vec<(&'static str, WriterPropertiesBuilder)> {
    let new = || WriterProperties::builder().set_write_batch_size(64);
    let small = || new().set_data_page_row_count_limit(150).set_data_page_size_limit(4_000);
    vec![
        ("as it comes", new()),
        ("small pages", small().set_compression(Compression::SNAPPY)),
        ("small pages without an index", small().set_offset_index_disabled(true)),
        ("no dictionaries", small().set_dictionary_enabled(false).set_encoding(Encoding::PLAIN)),
        ("dictionaries that end early", small().set_dictionary_page_size_limit(900)),
        (
            "version 2",
            small()
                .set_writer_version(WriterVersion::PARQUET_2_0)
                .set_encoding(Encoding::PLAIN)
                .set_compression(Compression::ZSTD(ZstdLevel::default())),
        ),
        (
            "version 2, not compressed, plain and without an index",
            small()
                .set_writer_version(WriterVersion::PARQUET_2_0)
                .set_dictionary_enabled(false)
                .set_encoding(Encoding::PLAIN)
                .set_offset_index_disabled(true),
        ),
        (
            "pages as Spark has them",
            new().set_compression(Compression::SNAPPY).set_dictionary_page_size_limit(100_000),
        ),
        (
            "version 2 by Snappy",
            small()
                .set_writer_version(WriterVersion::PARQUET_2_0)
                .set_encoding(Encoding::PLAIN)
                .set_compression(Compression::SNAPPY),
        ),
        (
            "by Snappy without an index",
            small().set_compression(Compression::SNAPPY).set_offset_index_disabled(true),
        ),
        (
            "truths as runs",
            small()
                .set_column_encoding(ColumnPath::from("history.list.element.ssnear"), Encoding::RLE)
                .set_column_encoding(ColumnPath::from("own_ssnear"), Encoding::RLE),
        ),
        ("small row groups", new().set_max_row_group_row_count(Some(700))),
        // With one leaf that is not known here, it is the crate's decoder that reads the column.
        (
            "byte streams",
            new()
                .set_column_dictionary_enabled(ColumnPath::from("history.list.element.jd"), false)
                .set_column_encoding(
                    ColumnPath::from("history.list.element.jd"),
                    Encoding::BYTE_STREAM_SPLIT,
                ),
        ),
    ]
}

#[test]
fn columns_come_as_they_were_written() {
    let all_gaps = [
        Gaps { lists: true, items: true, values: 20 },
        Gaps { lists: false, items: false, values: 0 },
        Gaps { lists: true, items: false, values: 3 },
        Gaps { lists: false, items: true, values: 60 },
    ];
    let choices: [(&str, Option<Choice<'_>>); 7] = [
        ("all", None),
        ("few", Some(&|row| row % 287 == 3)),
        ("one in five", Some(&|row| row.wrapping_mul(2_654_435_761) >> 7 & 15 < 3)),
        ("all that are looked at", Some(&|_| true)),
        ("most", Some(&|row| row % 11 != 3)),
        ("stretches", Some(&|row| (row / 130) % 3 == 1)),
        ("the last", Some(&|row| row == ROWS - 1)),
    ];
    for (turn, gaps) in all_gaps.into_iter().enumerate() {
        let night = night(&mut Random(turn as u64 + 1), gaps);
        let schema = night.schema();
        let all: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        for (layout, properties) in layouts() {
            let folder = tempfile::tempdir().unwrap();
            write(folder.path(), &night, properties.build());
            // The last two are light enough to be read in one pass.
            let light: Vec<&str> = all.iter().copied().filter(|name| !HEAVY.contains(name)).collect();
            let few = &["history.magpsf", "history.number", "candidate.name", "own_fid"][..];
            for wanted in [&all[..], few, &light] {
                for (number, (choice, chosen)) in choices.into_iter().enumerate() {
                    let told = format!("{gaps:?}, {layout}, {choice} of {wanted:?}");
                    // By turns, as either takes a minute.
                    match (turn + number) % 2 {
                        0 => check(folder.path(), &night, wanted, chosen, |plan| plan, &told),
                        _ => check(folder.path(), &night, wanted, chosen, ScanPlan::with_views, &told),
                    }
                }
            }
        }
    }
}

/// What is handed out of these columns of a night is what was written, with the types that were asked for.
fn check(
    folder: &Path,
    night: &RecordBatch,
    wanted: &[&str],
    chosen: Option<Choice<'_>>,
    how: impl Fn(ScanPlan) -> ScanPlan,
    told: &str,
) {
    // Of a struct, one leaf is looked at and another only handed out.
    let batches = scan_as(folder, &["candid", "candidate.fid"], wanted, chosen, how);
    let schema = batches[0].schema();
    let is_there = |name: &&str| schema.index_of(name.split('.').next().unwrap_or_default()).is_ok();
    assert!(wanted.iter().all(is_there), "{wanted:?}");
    let keep: BooleanArray = (0..ROWS).map(|row| Some(chosen.is_none_or(|chosen| chosen(row)))).collect();
    let came = concat_batches(&schema, &batches).unwrap();
    let expected = filter_record_batch(&pruned(night, &schema), &keep).unwrap();
    assert_eq!(came.num_rows(), expected.num_rows(), "{told}");
    assert!(came == as_handed_out(&expected, &schema), "{told}");
}

/// The columns and leaves of `schema`.
fn pruned(night: &RecordBatch, schema: &Schema) -> RecordBatch {
    let cut = |structs: &StructArray, fields: &Fields| {
        let arrays: Vec<ArrayRef> =
            fields.iter().map(|field| structs.column_by_name(field.name()).unwrap().clone()).collect();
        let had = fields.iter().zip(&arrays);
        let had = had.map(|(field, array)| Field::new(field.name(), array.data_type().clone(), true));
        StructArray::new(had.collect(), arrays, structs.nulls().cloned())
    };
    let columns = schema.fields().iter().map(|field| {
        let column = &night[field.name()];
        let array = match field.data_type() {
            DataType::Struct(fields) => Arc::new(cut(column.as_struct(), fields)) as ArrayRef,
            DataType::List(item) => {
                let DataType::Struct(fields) = item.data_type() else { panic!("no list of structs") };
                let list = column.as_list::<i32>();
                let kept = cut(list.values().as_struct(), fields);
                let item = Arc::new(Field::new(item.name(), kept.data_type().clone(), true));
                Arc::new(ListArray::new(item, list.offsets().clone(), Arc::new(kept), list.nulls().cloned()))
            }
            _ => column.clone(),
        };
        (field.name(), array)
    });
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap()
}

#[test]
fn moments_of_the_old_kind_become_microseconds() {
    let columns = "message spark_schema { required int64 candid; optional int96 moment; }";
    let columns = Arc::new(parse_message_type(columns).unwrap());
    let mut random = Random(5);
    // Nanoseconds of a day, and the Julian day: 2,440,588 is 1970-01-01.
    let moments: Vec<Option<(u64, u32)>> = (0..ROWS)
        .map(|_| {
            random.maybe(80, |random| {
                (random.below(86_400_000) * 1_000_000 + 999, 2_440_588 + random.below(30_000) as u32)
            })
        })
        .collect();
    for with_dictionary in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let night = folder.path().join("science/year=2026/month=03/day=22");
        std::fs::create_dir_all(&night).unwrap();
        let properties = WriterProperties::builder()
            .set_dictionary_enabled(with_dictionary)
            .set_write_batch_size(64)
            .set_data_page_row_count_limit(150)
            .set_compression(Compression::SNAPPY);
        let file = File::create(night.join("part.parquet")).unwrap();
        let mut writer =
            SerializedFileWriter::new(file, columns.clone(), Arc::new(properties.build())).unwrap();
        let mut group = writer.next_row_group().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        let numbers: Vec<i64> = (0..ROWS as i64).collect();
        column.typed::<parquet::data_type::Int64Type>().write_batch(&numbers, None, None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        let raw = moments
            .iter()
            .flatten()
            .map(|(nanos, day)| Int96::from(vec![*nanos as u32, (nanos >> 32) as u32, *day]));
        let levels: Vec<i16> = moments.iter().map(|moment| i16::from(moment.is_some())).collect();
        column.typed::<Int96Type>().write_batch(&raw.collect::<Vec<_>>(), Some(&levels), None).unwrap();
        column.close().unwrap();
        group.close().unwrap();
        writer.close().unwrap();
        for divisor in [1, 3, 700] {
            let chosen = |row: usize| row.is_multiple_of(divisor);
            let batches = scan(folder.path(), &["candid"], &["moment"], Some(&chosen));
            let came = concat_batches(&batches[0].schema(), &batches).unwrap();
            let came: Vec<Option<i64>> =
                came["moment"].as_primitive::<TimestampMicrosecondType>().iter().collect();
            let expected = moments.iter().step_by(divisor).map(|moment| {
                moment.map(|(nanos, day)| i64::from(day - 2_440_588) * 86_400_000_000 + nanos as i64 / 1_000)
            });
            assert_eq!(came, expected.collect::<Vec<_>>(), "{divisor}");
        }
    }
}
