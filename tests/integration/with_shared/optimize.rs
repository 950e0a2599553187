//! Real nights, of every schema that there was, rewritten.

use crate::harness::{alerts_of, night_files, shared};
use archive::Archive;
use optimize::{Settings, Watch, optimize};

#[tokio::test(flavor = "multi_thread")]
async fn real_nights_hold_the_same_alerts_when_they_are_optimised() {
    let folder = tempfile::tempdir().unwrap();
    let plain = shared("archive/ztf");
    let source = Archive::open(plain.to_str().unwrap()).unwrap();
    let target = Archive::open(folder.path().to_str().unwrap()).unwrap();
    let done = optimize(&source, &target, None, &Settings::default(), &Watch::default()).await.unwrap();
    assert!(done.failed.is_empty(), "{:?}", done.failed);
    let nights = source.nights().await.unwrap();
    assert_eq!(done.optimized.len(), nights.len());
    assert_eq!(target.nights().await.unwrap(), nights);
    for night in nights {
        let night = night.to_string();
        let (before, after) = (night_files(&plain, &night), night_files(folder.path(), &night));
        // Files of one night may have several schemas: each is compared with those of its own.
        assert!(after.len() <= before.len(), "{night}");
        if after.len() == 1 {
            assert_eq!(alerts_of(&before), alerts_of(&after), "{night}");
        }
    }
}
