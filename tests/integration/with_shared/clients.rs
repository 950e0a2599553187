//! The field's clients on every content of real nights.

use crate::harness::{Python, Stack, number, shared, text};

const ALL_NIGHTS: &str = "2020-01-01..2026-12-31";

#[test]
fn both_clients_download_every_content_of_all_real_nights() {
    let folder = tempfile::tempdir().unwrap();
    let stack = Stack::start(&shared("archive/ztf"), &folder.path().join("data"), &[]);
    for (content, by) in [
        ("Light packet", "time"),
        ("Light packet", "finkclass"),
        ("Medium packet", "finkclass"),
        ("Cutouts", "time"),
        ("Full packet", "time"),
        ("objectId,candidate.magpsf,candid", "tnsclass"),
    ] {
        let job = stack.ferry_well(&["--nights", ALL_NIGHTS, "--content", content, "--partitions", "1"]);
        assert_eq!(number(&job, "/status/counts/sent"), 336);
        let topic = text(&job, "/status/topic");
        std::thread::scope(|scope| {
            for client in ["12", "11"] {
                let outdir = folder.path().join(format!("{client}-{topic}"));
                let bootstrap = &stack.bootstrap;
                scope.spawn(move || {
                    let download =
                        Python::ready().download(client, bootstrap, topic, &outdir, &["--partitionby", by]);
                    let told = format!("client {client}, {content} by {by}: {download:#}");
                    assert_eq!(download["timed_out"], false, "{told}");
                    assert_eq!(number(&download, "/rows"), 336, "{told}");
                });
            }
        });
    }
}
