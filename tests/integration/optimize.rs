//! Nights rewritten for speed: nothing lost, whatever happens meanwhile, and jobs over them send the same messages.

use crate::harness::{
    Stack, alerts_of, night_files, nightferry, number, payloads, sample_archive, text, texts,
};
use archive::Archive;
use arrow::{
    array::{
        Array, ArrayRef, BooleanArray, Date32Array, Float32Array, Int8Array, Int64Array, ListBuilder,
        MapBuilder, RecordBatch, StringArray, StringBuilder, StructArray, TimestampMillisecondArray,
    },
    datatypes::{DataType, Field, Fields},
};
use optimize::{OptimizeError, Optimized, Settings, Watch, optimize};
use parquet::{
    arrow::ArrowWriter,
    file::reader::{FileReader, SerializedFileReader},
};
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

fn open(folder: &Path) -> Archive {
    std::fs::create_dir_all(folder).unwrap();
    Archive::open(folder.to_str().unwrap()).unwrap()
}

async fn rewrite(plain: &Path, fast: &Path, settings: &Settings) -> Optimized {
    optimize(&open(plain), &open(fast), None, settings, &Watch::default()).await.unwrap()
}

/// All files of a night's folder, whatever they are called.
fn all_in(archive: &Path, night: &str) -> Vec<String> {
    let [year, month, day] = night.split('-').collect::<Vec<_>>()[..] else { panic!("{night}") };
    let folder = archive.join(format!("science/year={year}/month={month}/day={day}"));
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn an_optimised_night_holds_the_same_alerts_in_small_sorted_row_groups() {
    let folder = tempfile::tempdir().unwrap();
    let plain = sample_archive(&folder.path().join("plain"), &["2020-08-02", "2026-03-22"], 400, true);
    sample_archive(&plain, &["2026-03-21"], 36_000, false);
    let fast = folder.path().join("fast");
    // So little memory that a night is sorted in parts, and so little room that it is read more than once.
    let settings = Settings { memory_bytes: 1, scratch_bytes: 1, ..Settings::default() };
    let done = rewrite(&plain, &fast, &settings).await;
    assert!(done.failed.is_empty() && done.left.is_empty(), "{done:?}");
    for (night, alerts) in [("2020-08-02", 400), ("2026-03-21", 36_000), ("2026-03-22", 400)] {
        let files = night_files(&fast, night);
        assert_eq!(files.len(), 1);
        // With images fewer than without.
        let most = if alerts == 400 { 4096 } else { 16_384 };
        let (before, after) = (alerts_of(&night_files(&plain, night)), alerts_of(&files));
        assert_eq!(after.num_rows(), alerts);
        assert_eq!(before, after, "{night}");
        let report = done.optimized[&night.parse().unwrap()];
        assert_eq!(report.alerts as usize, alerts);
        assert_eq!(report.bytes_after, std::fs::metadata(&files[0]).unwrap().len());
        let footer = SerializedFileReader::new(std::fs::File::open(&files[0]).unwrap()).unwrap();
        let groups = footer.metadata().row_groups();
        assert_eq!(groups.len(), alerts.div_ceil(most));
        assert!(groups.iter().all(|group| group.num_rows() <= most as i64));
        let names: Vec<String> =
            groups[0].columns().iter().map(|chunk| chunk.column_path().string()).collect();
        let object = names.iter().position(|name| name == "objectId").unwrap();
        assert!(groups.iter().all(|group| group.column(object).bloom_filter_offset().is_some()));
        assert!(groups.iter().all(|group| group.column(object).offset_index_offset().is_some()));
    }
    // The crossmatch's labels that are classes of their own come together: each is one stretch of the night.
    let file = std::fs::File::open(&night_files(&fast, "2026-03-21")[0]).unwrap();
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let batches: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
    let labels: Vec<String> = batches.iter().flat_map(|batch| texts(batch, "cdsxmatch")).collect();
    let stars: Vec<usize> = (0..labels.len()).filter(|row| labels[*row] == "RRLyr").collect();
    assert!(stars.len() > 100);
    assert_eq!(stars.last().unwrap() - stars[0] + 1, stars.len(), "scattered");
}

/// A night of every kind of value that a column of alerts may have.
fn odd_night(folder: &Path) -> PathBuf {
    const ROWS: i64 = 300;
    let of = |kind: &dyn Fn(i64) -> Option<f32>| Float32Array::from_iter((0..ROWS).map(kind));
    let nan = f32::from_bits(0x7fc0_1234);
    let magnitudes =
        of(&|row| [Some(0.0), Some(-0.0), None, Some(nan), Some(f32::INFINITY)][row as usize % 5]);
    let fields: Fields = vec![Field::new("magpsf", DataType::Float32, true)].into();
    let there: Vec<bool> = (0..ROWS).map(|row| row % 7 != 0).collect();
    let candidate = StructArray::new(fields, vec![Arc::new(magnitudes)], Some(there.into()));
    let mut history = ListBuilder::new(ListBuilder::new(StringBuilder::new()));
    let mut scores = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    for row in 0..ROWS {
        for item in 0..row % 4 {
            match item {
                0 => history.values().append_null(),
                _ => {
                    history.values().append_value([Some("x"), None, Some("")].into_iter().take(item as usize))
                }
            }
        }
        history.append(row % 5 != 0);
        (0..row % 3).for_each(|key| {
            scores.keys().append_value(format!("k{key}"));
            scores.values().append_option((key > 0).then_some("v"));
        });
        scores.append(row % 6 != 0).unwrap();
    }
    let texts = (0..ROWS).map(|row| [None, Some(""), Some("é"), Some("Star")][row as usize % 4]);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("candid", Arc::new(Int64Array::from_iter_values((0..ROWS).map(|row| i64::MAX - row * 5 % 301)))),
        ("objectId", Arc::new(StringArray::from_iter_values((0..ROWS).map(|row| format!("ZTF{row}"))))),
        ("cdsxmatch", Arc::new(texts.collect::<StringArray>())),
        ("candidate", Arc::new(candidate)),
        ("history", Arc::new(history.finish())),
        ("scores", Arc::new(scores.finish())),
        (
            "flag",
            Arc::new(BooleanArray::from_iter(
                (0..ROWS).map(|row| [Some(true), None, Some(false)][row as usize % 3]),
            )),
        ),
        ("small", Arc::new(Int8Array::from_iter((0..ROWS).map(|row| (row % 9 != 0).then_some(row as i8))))),
        (
            "date",
            Arc::new(Date32Array::from_iter((0..ROWS).map(|row| (row % 2 == 0).then_some(-row as i32)))),
        ),
        (
            "at",
            Arc::new(TimestampMillisecondArray::from_iter(
                (0..ROWS).map(|row| (row % 8 != 0).then_some(row * 1_000_003)),
            )),
        ),
        ("day", Arc::new(Int64Array::from_iter_values((0..ROWS).map(|_| 22)))),
    ];
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, column)| (name, column, true)),
    )
    .unwrap();
    let night = folder.join("science/year=2026/month=3/day=22");
    std::fs::create_dir_all(&night).unwrap();
    for (number, part) in [batch.slice(0, 120), batch.slice(120, 180)].iter().enumerate() {
        let file = std::fs::File::create(night.join(format!("part-{number}.parquet"))).unwrap();
        let mut writer = ArrowWriter::try_new(file, part.schema(), None).unwrap();
        writer.write(part).unwrap();
        writer.close().unwrap();
    }
    folder.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_value_and_null_stays_what_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, fast) = (odd_night(&folder.path().join("plain")), folder.path().join("fast"));
    let done = rewrite(&plain, &fast, &Settings::default()).await;
    assert!(done.failed.is_empty(), "{done:?}");
    let before: Vec<PathBuf> = ["part-0.parquet", "part-1.parquet"]
        .map(|name| plain.join("science/year=2026/month=3/day=22").join(name))
        .to_vec();
    let (before, after) = (alerts_of(&before), alerts_of(&night_files(&fast, "2026-03-22")));
    assert_eq!(before.schema(), after.schema());
    for (field, (before, after)) in
        before.schema().fields().iter().zip(before.columns().iter().zip(after.columns()))
    {
        assert_eq!(before, after, "{}", field.name());
    }
    // Arrow's equality of floats is one of bits; here it is what the test stands on.
    let magnitudes = |batch: &RecordBatch| {
        let candidate = batch.column_by_name("candidate").unwrap();
        let values = arrow::array::AsArray::as_struct(candidate).column(0).clone();
        let values = arrow::array::AsArray::as_primitive::<arrow::datatypes::Float32Type>(&values).clone();
        (0..values.len())
            .map(|row| values.is_valid(row).then(|| values.value(row).to_bits()))
            .collect::<Vec<_>>()
    };
    assert_eq!(magnitudes(&before), magnitudes(&after));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_run_does_only_what_changed_and_leaves_others_files_alone() {
    let folder = tempfile::tempdir().unwrap();
    let nights = ["2026-03-19", "2026-03-20", "2026-03-21", "2026-03-22"];
    let plain = sample_archive(&folder.path().join("plain"), &nights, 60, false);
    let fast = folder.path().join("fast");
    // A file of somebody else lies in one night, and another night is damaged.
    let foreign = fast.join("science/year=2026/month=03/day=19");
    std::fs::create_dir_all(&foreign).unwrap();
    std::fs::write(foreign.join("mine.parquet"), b"mine").unwrap();
    let damaged = &night_files(&plain, nights[1])[0];
    let whole = std::fs::read(damaged).unwrap();
    let mut broken = whole.clone();
    broken[4..3000].fill(0xff);
    std::fs::write(damaged, &broken).unwrap();
    let first = rewrite(&plain, &fast, &Settings::default()).await;
    let names =
        |nights: &mut dyn Iterator<Item = &job::Night>| nights.map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(names(&mut first.optimized.keys()), nights[2..]);
    assert_eq!(names(&mut first.failed.keys()), nights[..2]);
    assert!(first.failed[&nights[0].parse().unwrap()].contains("mine.parquet"), "{first:?}");
    assert!(first.failed[&nights[1].parse().unwrap()].contains("damaged"), "{first:?}");
    assert_eq!(all_in(&fast, nights[0]), ["mine.parquet"]);
    assert_eq!(std::fs::read(foreign.join("mine.parquet")).unwrap(), b"mine");
    assert!(all_in(&fast, nights[1]).is_empty());
    assert_eq!(all_in(&fast, nights[2]), ["_optimized.json", "optimized-0.zstd.parquet"]);

    // The damage is mended, a night gets other alerts, and what was written of another is lost.
    std::fs::write(damaged, &whole).unwrap();
    let other = sample_archive(&folder.path().join("other"), &["2026-03-18"], 45, false);
    std::fs::copy(&night_files(&other, "2026-03-18")[0], &night_files(&plain, nights[2])[0]).unwrap();
    std::fs::remove_file(&night_files(&fast, nights[3])[0]).unwrap();
    let second = rewrite(&plain, &fast, &Settings::default()).await;
    assert_eq!(names(&mut second.optimized.keys()), nights[1..]);
    assert_eq!((second.unchanged, second.failed.len()), (0, 1));
    for (night, alerts) in [(nights[1], 60), (nights[2], 45), (nights[3], 60)] {
        let (before, after) = (alerts_of(&night_files(&plain, night)), alerts_of(&night_files(&fast, night)));
        assert_eq!((after.num_rows(), &before), (alerts, &after), "{night}");
    }
    let third = rewrite(&plain, &fast, &Settings::default()).await;
    assert_eq!((third.optimized.len(), third.unchanged, third.failed.len()), (0, 3, 1));

    let same = optimize(&open(&fast), &open(&fast), None, &Settings::default(), &Watch::default()).await;
    assert!(matches!(same, Err(OptimizeError::SamePlace)), "{same:?}");
}

#[test]
fn a_killed_run_leaves_whole_nights_only_and_the_next_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let nights: Vec<String> = (11..=16).map(|day| format!("2026-03-{day}")).collect();
    let names: Vec<&str> = nights.iter().map(String::as_str).collect();
    let plain = sample_archive(&folder.path().join("plain"), &names, 1_000, false);
    let (fast, scratch) = (folder.path().join("fast"), folder.path().join("scratch"));
    std::fs::create_dir_all(&scratch).unwrap();
    let start = || {
        let mut command = Command::new(nightferry());
        command
            .arg("optimize")
            .arg("--archive")
            .arg(&plain)
            .arg("--to")
            .arg(&fast)
            .arg("--scratch")
            .arg(&scratch);
        command.arg("--json").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
    };
    // Ever later, until a kill has met a run that had done some nights but not all.
    let (mut wait, mut kills) = (Duration::from_millis(100), 0);
    loop {
        let mut child = start();
        std::thread::sleep(wait);
        let killed = child.try_wait().unwrap().is_none();
        child.kill().unwrap();
        child.wait().unwrap();
        kills += usize::from(killed);
        let mut there = 0;
        for night in &nights {
            let files = night_files(&fast, night);
            there += files.len();
            if !files.is_empty() {
                assert_eq!(alerts_of(&files).num_rows(), 1_000, "{night} is there in part");
            }
        }
        if there > 0 {
            break;
        }
        wait = wait * 5 / 4;
    }
    assert!(kills > 0, "no kill met a run");
    let output = start().wait_with_output().unwrap();
    assert!(output.status.success());
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let done = told["optimized"].as_object().unwrap().len() as u64;
    assert_eq!(done + number(&told, "/unchanged"), 6, "{told:#}");
    for night in &nights {
        assert_eq!(alerts_of(&night_files(&plain, night)), alerts_of(&night_files(&fast, night)), "{night}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn twins_do_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let nights = ["2026-03-20", "2026-03-21", "2026-03-22"];
    let plain = sample_archive(&folder.path().join("plain"), &nights, 500, false);
    let fast = folder.path().join("fast");
    let settings = Settings::default();
    let (first, second) = tokio::join!(rewrite(&plain, &fast, &settings), rewrite(&plain, &fast, &settings));
    assert!(first.failed.is_empty() && second.failed.is_empty(), "{first:?} {second:?}");
    // The mark may be the one's and the file the other's: then it is done once more.
    rewrite(&plain, &fast, &settings).await;
    let settled = rewrite(&plain, &fast, &settings).await;
    assert_eq!((settled.optimized.len(), settled.unchanged), (0, 3));
    for night in nights {
        assert_eq!(all_in(&fast, night), ["_optimized.json", "optimized-0.zstd.parquet"]);
        assert_eq!(alerts_of(&night_files(&plain, night)), alerts_of(&night_files(&fast, night)), "{night}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_stopped_leaves_nothing_of_its_night() {
    let folder = tempfile::tempdir().unwrap();
    let plain = sample_archive(&folder.path().join("plain"), &["2026-03-22"], 500, false);
    let (fast, scratch) = (folder.path().join("fast"), folder.path().join("scratch"));
    std::fs::create_dir_all(&scratch).unwrap();
    let watch = Watch::default();
    watch.stop();
    let settings = Settings { scratch: scratch.clone(), ..Settings::default() };
    let stopped = optimize(&open(&plain), &open(&fast), None, &settings, &watch).await;
    assert!(matches!(stopped, Err(OptimizeError::Stopped)), "{stopped:?}");
    assert!(all_in(&fast, "2026-03-22").is_empty());
    assert_eq!(std::fs::read_dir(scratch).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_night_for_which_there_is_no_room_or_no_time_is_told_and_not_begun() {
    let folder = tempfile::tempdir().unwrap();
    let (large, small) = ("2026-03-21", "2026-03-22");
    let plain = sample_archive(&folder.path().join("plain"), &[large], 4_000, false);
    sample_archive(&plain, &[small], 60, false);
    let fast = folder.path().join("fast");
    let bytes = std::fs::metadata(&night_files(&plain, large)[0]).unwrap().len();
    let roomy = Settings { night_bytes: Some(10 * bytes), ..Settings::default() };
    let cramped = Settings { night_bytes: Some(bytes - 1), ..Settings::default() };
    let done = rewrite(&plain, &fast, &cramped).await;
    assert!(done.optimized.contains_key(&small.parse().unwrap()) && done.failed.is_empty(), "{done:?}");
    assert!(done.too_large[&large.parse().unwrap()].contains("there is room for"), "{done:?}");
    // A second for what is reckoned to take longer.
    let hurried = Settings { until: Some(Instant::now() + Duration::from_secs(1)), ..roomy.clone() };
    let done = rewrite(&plain, &fast, &hurried).await;
    assert!(done.too_large[&large.parse().unwrap()].contains("might take"), "{done:?}");
    assert_eq!((done.optimized.len(), done.unchanged, done.left.len()), (0, 1, 0));
    assert!(all_in(&fast, large).is_empty());
    let patient = Settings { until: Some(Instant::now() + Duration::from_secs(600)), ..roomy };
    let done = rewrite(&plain, &fast, &patient).await;
    assert_eq!((done.optimized.len(), done.unchanged, done.too_large.len()), (1, 1, 0), "{done:?}");
    assert_eq!(alerts_of(&night_files(&plain, large)), alerts_of(&night_files(&fast, large)));
}

#[test]
fn jobs_over_an_optimised_archive_send_the_same_messages_and_keep_the_same_books() {
    let folder = tempfile::tempdir().unwrap();
    let plain = sample_archive(&folder.path().join("plain"), &["2026-03-22"], 10_000, false);
    sample_archive(&plain, &["2026-03-21"], 300, true);
    let fast = folder.path().join("fast");
    let optimised = Command::new(nightferry())
        .arg("optimize")
        .arg("--archive")
        .arg(&plain)
        .arg("--to")
        .arg(&fast)
        .output();
    assert!(optimised.unwrap().status.success());
    let all = alerts_of(&night_files(&plain, "2026-03-22"));
    let names = texts(&all, "objectId");
    let some: Vec<String> = names.iter().step_by(1_111).map(|name| format!("'{name}'")).collect();
    let several = format!("objectId IN ({}, 'ZTF00nobody')", some.join(", "));
    let single = format!("objectId = '{}' AND candidate.magpsf > 0", names[77]);
    let jobs: Vec<Vec<&str>> = vec![
        vec![
            "--nights",
            "2026-03-21..2026-03-22",
            "--content",
            "Full packet",
            "--where",
            "candidate.magpsf < 17",
        ],
        vec!["--nights", "2026-03-22", "--where", &several],
        vec![
            "--nights",
            "2026-03-22",
            "--where",
            &single,
            "--where",
            "candidate.fid > 0",
            "--content",
            "Medium packet",
        ],
        vec!["--nights", "2026-03-22", "--where", "objectId = 'ZTF00nobody'"],
        vec!["--nights", "2026-03-22", "--where", "candidate.ra BETWEEN 100 AND 140 AND candidate.dec < 0"],
        vec!["--nights", "2026-03-22", "--where", "candidate.magpsf > 17", "--where", &several],
        vec!["--nights", "2026-03-22", "--class", "RRLyr", "--where", &several],
    ];
    let stacks = [&plain, &fast].map(|archive| {
        let data = folder.path().join(archive.file_name().unwrap()).join("data");
        Stack::start(archive, &data, &[])
    });
    let mut kept_any = 0;
    for job in jobs {
        let done = stacks.each_ref().map(|stack| {
            let done = stack.ferry_well(&job);
            let sent = number(&done, "/status/counts/sent");
            let payloads = payloads(&stack.bootstrap, text(&done, "/status/topic"), sent);
            let mut counts = done["status"]["counts"].clone();
            // How much is read of the files to know all that is what differs.
            for cost in ["bytes_read", "requests", "footer_requests"] {
                counts.as_object_mut().unwrap().remove(cost);
            }
            (counts, payloads)
        });
        let [plain, fast] = done;
        assert_eq!(plain.0, fast.0, "{job:?}");
        assert!(plain.1 == fast.1, "{job:?}");
        kept_any += usize::from(!plain.1.is_empty());
    }
    assert!(kept_any >= 5, "{kept_any}");
}
