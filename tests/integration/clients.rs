//! The field's own clients, unmodified, on topics of sample nights.

use crate::harness::{Python, Stack, number, sample_archive, text};
use serde_json::Value;
use std::{collections::BTreeSet, path::Path};

fn rows(download: &Value) -> u64 {
    assert_eq!(download["timed_out"], false, "{download:#}");
    assert_eq!(number(download, "/duplicates"), 0, "{download:#}");
    number(download, "/rows")
}

fn candids(folder: &Path) -> BTreeSet<i64> {
    let dataset = Python::ready().json("read_dataset.py", &[folder.to_str().unwrap(), "--candids"]);
    dataset["candids"].as_array().unwrap().iter().map(|candid| candid.as_i64().unwrap()).collect()
}

#[test]
fn both_clients_read_every_partition_of_a_topic() {
    let folder = tempfile::tempdir().unwrap();
    let archive = sample_archive(&folder.path().join("archive"), &["2026-03-21..2026-03-22"], 300, false);
    let stack = Stack::start(&archive, &folder.path().join("data"), &[]);
    let job = stack.ferry_well(&["--nights", "2026-03-21..2026-03-22"]);
    assert_eq!(number(&job, "/status/partitions"), 10);
    let topic = text(&job, "/status/topic");
    // One after the other: each is ten processes, which give up where the machine is too busy for them.
    for client in ["12", "11"] {
        let outdir = folder.path().join(client);
        let more = ["--nconsumers", "10", "--partitionby", "finkclass"];
        let download = Python::ready().download(client, &stack.bootstrap, topic, &outdir, &more);
        assert_eq!(rows(&download), 600, "{download:#}");
    }
}

#[test]
fn both_clients_resume_into_a_second_folder_and_restart_from_the_beginning() {
    let folder = tempfile::tempdir().unwrap();
    let archive = sample_archive(&folder.path().join("archive"), &["2026-03-22"], 400, false);
    let stack = Stack::start(&archive, &folder.path().join("data"), &[]);
    let job = stack.ferry_well(&["--nights", "2026-03-22", "--partitions", "2"]);
    let topic = text(&job, "/status/topic");
    std::thread::scope(|scope| {
        for client in ["12", "11"] {
            let (root, bootstrap) = (folder.path().join(client), &stack.bootstrap);
            scope.spawn(move || {
                let python = Python::ready();
                let read = |folder: &str, more: &[&str]| {
                    let outdir = root.join(folder);
                    std::fs::create_dir_all(&root).unwrap();
                    (rows(&python.download(client, bootstrap, topic, &outdir, more)), outdir)
                };
                let (interrupted, first) =
                    read("first", &["--limit", "100", "--nconsumers", "1", "--batchsize", "100"]);
                assert_eq!(interrupted, 100);
                let (rest, second) = read("second", &[]);
                assert_eq!(rest, 300, "client {client}");
                let (first, second) = (candids(&first), candids(&second));
                assert!(first.is_disjoint(&second));
                assert_eq!(first.len() + second.len(), 400);
                let (all, _) = read("again", &["--restart-from-beginning"]);
                assert_eq!(all, 400, "client {client}");
            });
        }
    });
}
