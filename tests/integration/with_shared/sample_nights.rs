//! Sample nights beside real ones: benchmarks over them tell of real nights only as far as their messages are alike.

use crate::harness::{Stack, number, payloads, sample_archive, shared, text};
use std::{collections::BTreeMap, path::Path};

/// Light packets of an archive's newer nights, one for each object.
fn light_packets(archive: &Path, data: &Path) -> Vec<Vec<u8>> {
    let stack = Stack::start(archive, data, &[]);
    let job = stack.ferry_well(&["--nights", "2025-09-01..2026-03-22", "--content", "Light packet"]);
    let sent = number(&job, "/status/counts/sent");
    let messages = payloads(&stack.bootstrap, text(&job, "/status/topic"), sent);
    let object = |message: &[u8]| {
        let name = message.windows(12).find(|bytes| bytes.starts_with(b"ZTF")).unwrap();
        name.to_vec()
    };
    messages
        .into_iter()
        .map(|message| (object(&message), message))
        .collect::<BTreeMap<_, _>>()
        .into_values()
        .collect()
}

/// How many times smaller Snappy makes so many messages.
fn ratio(messages: &[Vec<u8>]) -> f64 {
    let bytes = messages.concat();
    let packed = snap::raw::Encoder::new().compress_vec(&bytes).unwrap();
    bytes.len() as f64 / packed.len() as f64
}

#[test]
fn sample_messages_are_as_long_as_real_ones_and_as_hard_to_compress() {
    let folder = tempfile::tempdir().unwrap();
    let real = light_packets(&shared("archive/ztf"), &folder.path().join("real"));
    let archive = sample_archive(&folder.path().join("archive"), &["2026-03-22"], 300, false);
    let sample = light_packets(&archive, &folder.path().join("sample"));
    assert!(real.len() >= 40 && sample.len() >= 3 * real.len(), "{} and {}", real.len(), sample.len());
    let near = |found: f64, wanted: f64| (found / wanted - 1.0).abs() < 0.15;
    let length = |messages: &[Vec<u8>]| messages.concat().len() as f64 / messages.len() as f64;
    assert!(near(length(&sample), length(&real)), "{} and {} bytes", length(&sample), length(&real));
    // Parts of as many, from here and there: they are sorted by name, which begins with the year of the discovery.
    let parts = sample.len() / real.len();
    for first in 0..parts {
        let part: Vec<_> = sample.iter().skip(first).step_by(parts).take(real.len()).cloned().collect();
        let (found, wanted) = (ratio(&part), ratio(&real));
        assert!(near(found, wanted), "part {first}: {found:.2} times smaller, real ones {wanted:.2} times");
    }
}
