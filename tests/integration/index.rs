//! The index of nights: what it holds, that it follows the archive, and what estimates make of it.

use crate::harness::{Stack, number, sample_archive, text, wait_for};
use archive::Archive;
use futures::TryStreamExt;
use night_index::{Index, Updated};
use object_store::{ObjectStore, memory::InMemory};
use packet::TnsCatalogue;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

const NIGHTS: [&str; 4] = ["2020-08-02", "2025-09-01", "2025-09-02", "2026-03-22"];

/// An index in memory over an archive in a folder.
struct Shelf {
    archive: Archive,
    store: Arc<InMemory>,
    index: Index,
}

impl Shelf {
    fn over(archive: &Path) -> Self {
        let store = Arc::new(InMemory::new());
        let archive = Archive::open(archive.to_str().unwrap()).unwrap();
        Self { archive, store: store.clone(), index: Index::new(store, "index") }
    }

    async fn update(&self) -> Updated {
        self.index.update(&self.archive, None, &Arc::default(), None, &|_| {}).await.unwrap()
    }

    /// What lies in the store, by name, without the catalogue: its entries' versions differ from store to store.
    async fn objects(&self) -> BTreeMap<String, Vec<u8>> {
        let listed: Vec<_> = self.store.list(None).try_collect().await.unwrap();
        let mut objects = BTreeMap::new();
        for meta in listed.into_iter().filter(|meta| !meta.location.as_ref().contains("catalogue")) {
            let bytes = object_store::ObjectStoreExt::get(&*self.store, &meta.location).await.unwrap();
            objects.insert(meta.location.to_string(), bytes.bytes().await.unwrap().to_vec());
        }
        objects
    }
}

fn files_of(archive: &Path, night: &str) -> Vec<std::path::PathBuf> {
    let [year, month, day] = night.split('-').collect::<Vec<_>>()[..] else { panic!("{night}") };
    let folder = archive.join(format!("science/year={year}/month={month}/day={day}"));
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_follows_its_archive() {
    let folder = tempfile::tempdir().unwrap();
    let archive = sample_archive(folder.path(), &NIGHTS, 200, false);
    let shelf = Shelf::over(&archive);
    let first = shelf.update().await;
    assert_eq!((first.indexed.len(), first.indexed.values().sum::<u64>()), (4, 800));
    let again = shelf.update().await;
    assert_eq!((again.indexed.len(), again.unchanged), (0, 4), "nothing has changed");

    // A sample is lost.
    let sample = shelf.index.entry(NIGHTS[1].parse().unwrap()).await.unwrap().unwrap().sample;
    let path = object_store::path::Path::from(format!("index/{}", sample.path));
    object_store::ObjectStoreExt::delete(&*shelf.store, &path).await.unwrap();
    assert_eq!(shelf.update().await.indexed.len(), 1);

    // A file is replaced by another of other alerts, and a night vanishes.
    let other = sample_archive(&folder.path().join("other"), &NIGHTS[..1], 150, false);
    for file in files_of(&archive, NIGHTS[0]) {
        std::fs::remove_file(file).unwrap();
    }
    let new = &files_of(&other, NIGHTS[0])[0];
    std::fs::copy(new, archive.join("science/year=2020/month=08/day=02/new.parquet")).unwrap();
    std::fs::remove_dir_all(archive.join("science/year=2025/month=09/day=02")).unwrap();
    let then = shelf.update().await;
    assert_eq!(then.indexed, BTreeMap::from([(NIGHTS[0].parse().unwrap(), 150)]));
    assert_eq!((then.removed, then.unchanged), (vec![NIGHTS[2].parse().unwrap()], 2));
    let catalogue = shelf.index.catalogue().await.unwrap();
    let alerts: Vec<u64> = catalogue.nights.values().map(|night| night.alerts).collect();
    assert_eq!(alerts, [150, 200, 200]);
}

#[tokio::test(flavor = "multi_thread")]
async fn twins_write_the_same_index_and_lose_no_night() {
    let folder = tempfile::tempdir().unwrap();
    let archive = sample_archive(folder.path(), &NIGHTS, 100, false);
    let alone = Shelf::over(&archive);
    alone.update().await;
    let together = Shelf::over(&archive);
    let halves = [&NIGHTS[..3], &NIGHTS[1..]];
    let updates = halves.map(|nights| {
        let nights: BTreeSet<job::Night> = nights.iter().map(|night| night.parse().unwrap()).collect();
        // Each with its own view of the store, as two processes have.
        let index = Index::new(together.store.clone(), "index");
        let archive = together.archive.clone();
        async move { index.update(&archive, Some(&nights), &Arc::default(), None, &|_| {}).await.unwrap() }
    });
    let [first, second] = updates;
    tokio::join!(first, second);
    assert_eq!(together.index.catalogue().await.unwrap().nights.len(), 4);
    assert_eq!(alone.objects().await, together.objects().await);
}

/// Counts and bounds as the files themselves have them, read without our scan.
#[tokio::test(flavor = "multi_thread")]
async fn an_entry_tells_what_the_files_hold() {
    use arrow::array::{Array, AsArray};
    use arrow::datatypes::{Float32Type, Float64Type, Int32Type};
    let folder = tempfile::tempdir().unwrap();
    let archive = sample_archive(folder.path(), &NIGHTS[1..2], 5_000, false);
    let shelf = Shelf::over(&archive);
    shelf.update().await;
    let entry = shelf.index.entry(NIGHTS[1].parse().unwrap()).await.unwrap().unwrap();

    let (mut alerts, mut bands) = (0, BTreeMap::<i64, u64>::new());
    let (mut magnitudes, mut dates) = ((f32::MAX, f32::MIN), (f64::MAX, f64::MIN));
    for file in files_of(&archive, NIGHTS[1]) {
        let file = std::fs::File::open(file).unwrap();
        let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        for batch in reader.build().unwrap() {
            let batch = batch.unwrap();
            alerts += batch.num_rows() as u64;
            let candidate = batch.column_by_name("candidate").unwrap().as_struct();
            for fid in candidate.column_by_name("fid").unwrap().as_primitive::<Int32Type>().iter().flatten() {
                *bands.entry(fid.into()).or_default() += 1;
            }
            let magpsf = candidate.column_by_name("magpsf").unwrap().as_primitive::<Float32Type>();
            assert_eq!(magpsf.null_count(), 0);
            for magnitude in magpsf.values() {
                magnitudes = (magnitudes.0.min(*magnitude), magnitudes.1.max(*magnitude));
            }
            for jd in candidate.column_by_name("jd").unwrap().as_primitive::<Float64Type>().values() {
                dates = (dates.0.min(*jd), dates.1.max(*jd));
            }
        }
    }
    assert_eq!((entry.alerts, &entry.bands, entry.jd), (alerts, &bands, Some(dates)));
    let column = entry.columns.iter().find(|column| column.field.to_string() == "candidate.magpsf").unwrap();
    let (least, greatest) = (f64::from(magnitudes.0), f64::from(magnitudes.1));
    assert_eq!(column.least, Some(archive::Bound::Real(least)));
    assert_eq!(column.greatest, Some(archive::Bound::Real(greatest)));
    assert!(entry.columns.iter().any(|column| column.field.to_string() == "prv_candidates.jd"));

    assert_eq!(entry.strata.iter().map(|stratum| stratum.alerts).sum::<u64>(), 5_000);
    assert_eq!(entry.strata.iter().map(|stratum| stratum.sampled).sum::<u64>(), entry.sample.rows);
    assert!((3_900..=4_000).contains(&entry.sample.rows), "{}", entry.sample.rows);
    let sample = shelf.index.open(&entry.sample).await.unwrap();
    assert_eq!(sample.rows(), entry.sample.rows);
    let columns: Vec<&String> = sample.schema().fields().iter().map(|field| field.name()).collect();
    assert!(columns.iter().any(|name| *name == "prv_candidates"));
    assert!(!columns.iter().any(|name| name.starts_with("cutout")), "{columns:?}");
}

fn indexed(folder: &Path, nights: &[&str], alerts: u64, cutouts: bool, more: &[&str]) -> Stack {
    let archive = sample_archive(&folder.join("archive"), nights, alerts, cutouts);
    let stack = Stack::start(&archive, &folder.join("data"), more);
    wait_for("every night is indexed", 120, || {
        let nights = stack.json(&["nights"]);
        nights.as_array().unwrap().iter().all(|night| night["indexed"] == true).then_some(())
    });
    stack
}

/// Small nights are in their samples whole, so an estimate must be what a job then counts, to the alert; and its bytes
/// those that the job sends.
#[test]
fn estimates_of_small_nights_are_what_jobs_then_send() {
    let folder = tempfile::tempdir().unwrap();
    let stack = indexed(folder.path(), &NIGHTS, 300, true, &[]);
    let nights = "2020-08-02..2026-03-22";
    for (asked, tolerance) in [
        (vec!["--nights", nights], 0.0),
        (vec!["--nights", nights, "--content", "Cutouts", "--where", "candidate.magpsf < 19"], 0.01),
        (vec!["--nights", nights, "--content", "Medium packet", "--class", "!Unknown"], 0.01),
        (vec!["--nights", "2026-03-22", "--content", "Full packet", "--where", "finkclass = 'RRLyr'"], 0.01),
        (
            vec![
                "--nights",
                nights,
                "--content",
                "objectId,candidate.magpsf,rf_kn_vs_nonkn",
                "--where",
                "day = 22",
            ],
            0.01,
        ),
        // No sample has images.
        (vec!["--nights", nights, "--where", "cutoutScience.stampData IS NOT NULL"], 0.01),
        // Of few nights, light curves are looked up in the nights' own samples.
        (vec!["--nights", nights, "--where", "size(prv_candidates) > 3", "--class", "Unknown"], 0.01),
        (vec!["--nights", nights, "--where", "rf_kn_vs_nonkn >= 0 AND month < 10"], 0.01),
    ] {
        let estimate = stack.json(&[&["estimate"], &asked[..]].concat());
        let job = stack.ferry_well(&asked);
        assert_eq!(estimate["exact"], true, "{asked:?}");
        let sent = number(&job, "/status/counts/sent");
        assert!(sent > 0, "{asked:?} sends nothing: no trial");
        assert_eq!(number(&estimate, "/alerts"), sent, "{asked:?}");
        let (bytes, measured) = (number(&estimate, "/bytes"), number(&job, "/status/counts/bytes_sent"));
        let off = bytes.abs_diff(measured) as f64 / measured as f64;
        assert!(off <= tolerance, "{asked:?}: {bytes} estimated, {measured} sent");
        for (class, count) in job["status"]["counts"]["classes"].as_object().unwrap() {
            let told = estimate["classes"].as_array().unwrap().iter().find(|told| told["class"] == *class);
            assert_eq!(
                told.map(|told| &told["alerts"]),
                (!asked.concat().contains("cutout")).then_some(count)
            );
        }
        for night in estimate["nights"].as_array().unwrap() {
            let name = text(night, "/night");
            let of_job = job["status"]["nights"].as_array().unwrap().iter().find(|of| of["night"] == name);
            assert_eq!(
                number(night, "/alerts"),
                number(of_job.unwrap(), "/counts/sent"),
                "{name} of {asked:?}"
            );
            assert_eq!(night["indexed"], !asked.concat().contains("cutout"), "{asked:?}");
        }
    }
    let estimate = stack.json(&["estimate", "--nights", nights, "--limit", "7"]);
    assert_eq!((number(&estimate, "/alerts"), number(&estimate, "/alerts_in_nights")), (7, 1200));
}

#[test]
fn nights_larger_than_their_sample_have_an_interval() {
    let folder = tempfile::tempdir().unwrap();
    let stack = indexed(folder.path(), &NIGHTS[3..], 6_000, false, &[]);
    let asked = ["--nights", NIGHTS[3], "--where", "candidate.magpsf < 19"];
    let estimate = stack.json(&[&["estimate"], &asked[..]].concat());
    let sent = number(&stack.ferry_well(&asked), "/status/counts/sent");
    assert_eq!(estimate["exact"], false);
    let (low, high) = (number(&estimate, "/alerts_low"), number(&estimate, "/alerts_high"));
    assert!((low..=high).contains(&sent) && low < high && high < 2 * sent, "{sent} in {low}..{high}");
    // Without conditions the classes' counts say all.
    let class = stack.json(&["estimate", "--nights", NIGHTS[3], "--class", "RRLyr"]);
    let job = stack.ferry_well(&["--nights", NIGHTS[3], "--class", "RRLyr"]);
    assert_eq!(class["exact"], true);
    assert_eq!(
        (number(&class, "/alerts"), number(&class, "/alerts_tried")),
        (number(&job, "/status/counts/sent"), 0)
    );
}

/// Of many nights, light curves are looked up in bundles, which have those of a part.
#[test]
fn conditions_on_light_curves_of_many_nights_are_tried_on_a_part() {
    let folder = tempfile::tempdir().unwrap();
    let nights: Vec<String> = (1..=28).map(|day| format!("2026-02-{day:02}")).collect();
    let nights: Vec<&str> = nights.iter().map(String::as_str).collect();
    let stack = indexed(folder.path(), &nights, 100, false, &[]);
    for condition in [
        "size(prv_candidates) > 10",
        "array_min(prv_candidates.magpsf) < 18; candidate.fid = 1",
        "prv_candidates[0].jd > 0 OR prv_candidates IS NULL",
    ] {
        let asked = ["--nights", "2026-02-01..2026-02-28", "--where", condition];
        let estimate = wait_for("the nights lie side by side", 60, || {
            let estimate = stack.json(&[&["estimate"], &asked[..]].concat());
            (number(&estimate, "/alerts_tried") < 2800).then_some(estimate)
        });
        let tried = number(&estimate, "/alerts_tried");
        assert!((2800 / 16..2800 / 4).contains(&tried), "{tried}");
        let sent = number(&stack.ferry_well(&asked), "/status/counts/sent");
        assert!(sent > 0, "{condition}");
        let (low, high) = (number(&estimate, "/alerts_low"), number(&estimate, "/alerts_high"));
        assert!((low..=high).contains(&sent), "{condition}: {sent} in {low}..{high}");
    }
}

#[test]
fn what_the_archive_holds_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let stack = indexed(folder.path(), &NIGHTS, 300, false, &[]);
    let nights = stack.json(&["nights", "--nights", "2025-09-01..2025-09-30"]);
    assert_eq!(nights.as_array().unwrap().len(), 2);
    assert_eq!((number(&nights, "/0/alerts"), text(&nights, "/1/night")), (300, "2025-09-02"));
    let bands: u64 =
        nights[0]["bands"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(bands, 300);

    let job = stack.ferry_well(&["--nights", "2020-08-02..2026-03-22"]);
    let classes = stack.json(&["classes"]);
    let told = |class: &str| {
        let found = classes.as_array().unwrap().iter().find(|told| told["class"] == class);
        found.map_or(0, |found| found["alerts"].as_u64().unwrap())
    };
    for (class, count) in job["status"]["counts"]["classes"].as_object().unwrap() {
        assert_eq!(told(class), count.as_u64().unwrap(), "{class}");
    }
    assert_eq!(told("Kilonova candidate"), 0, "a class of Fink's own is listed though no alert is of it");

    let schema = stack.json(&["schema"]);
    let field = |schema: &Value, name: &str| {
        let fields = schema["fields"].as_array().unwrap();
        fields.iter().find(|field| field["field"] == name).unwrap_or_else(|| panic!("no {name}")).clone()
    };
    let magpsf = field(&schema, "candidate.magpsf");
    assert_eq!((text(&magpsf, "/unit"), text(&magpsf, "/type")), ("mag", "float"));
    assert!(!text(&magpsf, "/description").is_empty());
    assert_eq!(magpsf["lacking"], json!([]));
    assert!(magpsf["contents"].as_array().unwrap().contains(&json!("Light packet")));
    let newer = field(&schema, "slsn_score");
    assert_eq!(newer["lacking"], json!(["2020-08-02..2025-09-02"]));
    assert_eq!(field(&schema, "prv_candidates.jd")["can_be_named"], false);
    assert_eq!(field(&schema, "finkclass")["lacking"], json!([]));
    let of_night = stack.json(&["schema", "--night", "2020-08-02"]);
    assert!(of_night["fields"].as_array().unwrap().iter().all(|field| field["field"] != "slsn_score"));
    assert!(field(&of_night, "candidate.magpsf")["least"].as_f64().unwrap() > 10.0);
    let text_of = |args: &[&str]| String::from_utf8(stack.run(args).stdout).unwrap();
    assert!(text_of(&["schema", "magpsf"]).contains("mag"));
    assert!(text_of(&["nights"]).contains("4 of them indexed with 1,200 alerts"));
    assert!(text_of(&["classes", "--nights", "2026-03-22"]).contains("RRLyr"));
}

#[test]
fn an_empty_result_is_told_at_submit() {
    let folder = tempfile::tempdir().unwrap();
    let stack = indexed(folder.path(), &NIGHTS[3..], 6_000, false, &[]);
    let nothing = ["--nights", NIGHTS[3], "--where", "candidate.magpsf < 0"];
    let job = stack.ferry_well(&nothing);
    assert!(job["status"]["notes"].to_string().contains("the topic may stay empty"), "{job:#}");
    let absent = stack.ferry_well(&["--nights", NIGHTS[3], "--class", "RRLy"]);
    let notes = absent["status"]["notes"].to_string();
    assert!(notes.contains("the topic will stay empty") && notes.contains("did you mean `RRLyr`"), "{notes}");
}

/// The archive can be indexed beforehand, and again, by a command.
#[test]
fn the_command_indexes_what_is_new() {
    let folder = tempfile::tempdir().unwrap();
    let archive = sample_archive(&folder.path().join("archive"), &NIGHTS[..2], 100, false);
    let data = folder.path().join("data");
    let run = |nights: &[&str]| -> Value {
        let mut command = std::process::Command::new(crate::harness::nightferry());
        command.arg("index").arg("--archive").arg(&archive).arg("--data").arg(&data).arg("--json");
        if !nights.is_empty() {
            command.arg("--nights").args(nights);
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    assert_eq!(run(&["2020-08-02"])["indexed"], json!({"2020-08-02": 100}));
    let rest = run(&[]);
    assert_eq!((rest["indexed"].clone(), number(&rest, "/unchanged")), (json!({"2025-09-01": 100}), 1));
    let stack = Stack::start(&archive, &data, &["--index-every", "0s"]);
    let nights = stack.json(&["nights"]);
    assert!(nights.as_array().unwrap().iter().all(|night| night["indexed"] == true), "{nights:#}");
}

/// A TNS table that is newer than the index: its classes are told anew.
#[test]
fn a_newer_tns_table_counts() {
    use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
    let folder = tempfile::tempdir().unwrap();
    let stack = indexed(folder.path(), &NIGHTS[3..], 300, false, &[]);
    // Three of the archive's own positions become supernovae.
    let job = stack.ferry_well(&["--nights", NIGHTS[3], "--content", "objectId,candidate.ra,candidate.dec"]);
    let dump = crate::harness::Python::ready().topic(&stack.bootstrap, text(&job, "/status/topic"));
    let position = |alert: &Value| (alert["ra"].as_f64().unwrap(), alert["dec"].as_f64().unwrap());
    let mut objects: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for alert in &dump.alerts {
        objects.entry(text(alert, "/objectId")).or_insert_with(|| position(alert));
    }
    let (ra, dec): (Vec<f64>, Vec<f64>) = objects.values().take(3).copied().unzip();
    let columns: [(&str, ArrayRef); 3] = [
        ("ra", Arc::new(Float64Array::from(ra))),
        ("declination", Arc::new(Float64Array::from(dec))),
        ("type", Arc::new(StringArray::from(vec!["SN Ia"; 3]))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let table = folder.path().join("tns.parquet");
    let file = std::fs::File::create(&table).unwrap();
    let mut writer = parquet::arrow::ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    drop(stack);

    let archive = folder.path().join("archive");
    let more = ["--tns", table.to_str().unwrap()];
    let stack = Stack::start(&archive, &folder.path().join("data"), &more);
    for asked in [
        vec!["--nights", NIGHTS[3], "--class", "(TNS) SN Ia"],
        vec!["--nights", NIGHTS[3], "--class", "(TNS) SN Ia", "--where", "candidate.magpsf < 30"],
        vec!["--nights", NIGHTS[3], "--where", "tnsclass = '(TNS) SN Ia'"],
        vec!["--nights", NIGHTS[3], "--class", "!(TNS) SN Ia"],
    ] {
        let estimate = stack.json(&[&["estimate"], &asked[..]].concat());
        let sent = number(&stack.ferry_well(&asked), "/status/counts/sent");
        assert!((3..300).contains(&sent), "{asked:?}: {sent}");
        assert_eq!((number(&estimate, "/alerts"), &estimate["exact"]), (sent, &json!(true)), "{asked:?}");
    }
}

/// A night is delivered whole or not at all: one that is damaged has no counts that could be believed.
#[test]
fn a_damaged_night_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let archive = sample_archive(&folder.path().join("archive"), &NIGHTS[..2], 100, false);
    std::fs::write(archive.join("science/year=2020/month=08/day=02/zz.parquet"), b"PAR1 and no more")
        .unwrap();
    let stack = Stack::start(&archive, &folder.path().join("data"), &[]);
    let nights = wait_for("the nights are indexed", 60, || {
        let nights = stack.json(&["nights"]);
        nights.as_array().unwrap().iter().all(|night| night["indexed"] == true).then_some(nights)
    });
    let damaged = &nights[0];
    assert_eq!(
        (number(damaged, "/alerts"), number(damaged, "/files"), number(damaged, "/unreadable")),
        (100, 2, 1)
    );
    assert!(text(damaged, "/trouble").contains("1 files cannot be read"), "{damaged:#}");
    assert!(nights[1]["trouble"].is_null());
    let estimate = stack.json(&["estimate", "--nights", "2020-08-02..2025-09-01"]);
    assert_eq!((number(&estimate, "/alerts"), &estimate["exact"]), (100, &json!(false)));
    assert!(text(&estimate, "/unreadable/0").contains("2020-08-02"), "{estimate:#}");
}

/// A night that is replaced by one of other columns: what is asked for counts, not what was indexed.
#[test]
fn a_replaced_night_is_not_judged_by_its_old_columns() {
    let folder = tempfile::tempdir().unwrap();
    let stack = indexed(folder.path(), &NIGHTS[..1], 100, false, &["--index-every", "1h"]);
    let other = sample_archive(&folder.path().join("other"), &NIGHTS[3..], 80, false);
    let place = folder.path().join("archive/science/year=2020/month=08/day=02");
    std::fs::remove_dir_all(&place).unwrap();
    std::fs::create_dir_all(&place).unwrap();
    std::fs::copy(&files_of(&other, NIGHTS[3])[0], place.join("new.parquet")).unwrap();
    let job = stack.ferry_well(&["--nights", NIGHTS[0], "--where", "slsn_score IS NOT NULL OR true"]);
    assert_eq!(number(&job, "/status/counts/sent"), 80);
}

/// Nights for which there was no time are said to be left, and are indexed the next time.
#[tokio::test(flavor = "multi_thread")]
async fn an_update_ends_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let shelf = Shelf::over(&sample_archive(folder.path(), &NIGHTS[..2], 50, false));
    let past = Some(std::time::Instant::now());
    let tns = Arc::new(TnsCatalogue::default());
    let none = shelf.index.update(&shelf.archive, None, &tns, past, &|_| {}).await.unwrap();
    assert_eq!((none.indexed.len(), none.left.len()), (0, 2));
    assert_eq!(shelf.update().await.indexed.len(), 2);
}

/// An index that is damaged delays nobody: estimates go without, and it is made anew.
#[test]
fn a_damaged_catalogue_is_gone_on_without_and_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let stack = indexed(folder.path(), &NIGHTS[..2], 100, false, &[]);
    drop(stack);
    let catalogue = folder.path().join("data/bucket/index/catalogue.json.zst");
    std::fs::write(&catalogue, b"nonsense").unwrap();
    let archive = folder.path().join("archive");
    let stack = Stack::start(&archive, &folder.path().join("data"), &["--index-every", "0s"]);
    let estimate = stack.json(&["estimate", "--nights", NIGHTS[0]]);
    assert_eq!((number(&estimate, "/alerts"), &estimate["nights"][0]["indexed"]), (100, &json!(false)));
    drop(stack);
    let stack = Stack::start(&archive, &folder.path().join("data"), &[]);
    wait_for("the index is made anew", 60, || {
        (stack.json(&["estimate", "--nights", NIGHTS[0]])["nights"][0]["indexed"] == true).then_some(())
    });
}
