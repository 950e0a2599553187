//! Files of this machine are put into their place in the archive.

use crate::{OptimizeError, Watch, mark::Mark, rewrite::Rewritten};
use archive::{Archive, ArchiveFile};
use bytes::Bytes;
use job::Night;
use object_store::{ObjectStoreExt, buffered::BufWriter, path::Path};
use std::io::Read;
use tokio::io::AsyncWriteExt;

/// Bytes that are sent at once.
const PART_BYTES: usize = 16 * 1024 * 1024;
/// How our files are called: `optimized-0.zstd.parquet`.
const PREFIX: &str = "optimized-";
/// And end so.
const SUFFIX: &str = ".zstd.parquet";

/// Whether a file of the archive that is written to is one of ours.
fn is_ours(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.strip_prefix(PREFIX)
        .and_then(|rest| rest.strip_suffix(SUFFIX))
        .is_some_and(|number| number.parse::<u32>().is_ok())
}

/// Refuses a night in which somebody else's files lie.
pub(crate) fn refuse_foreign(folder: &Path, there: &[ArchiveFile]) -> Result<(), OptimizeError> {
    match there.iter().find(|file| !is_ours(&file.path)) {
        None => Ok(()),
        Some(file) => Err(OptimizeError::Foreign {
            folder: folder.to_string(),
            name: file.path.rsplit('/').next().unwrap_or_default().to_owned(),
        }),
    }
}

/// Puts the files into their place, whole or not at all, removes what was there of an earlier time, and marks the night.
pub(crate) async fn publish(
    target: &Archive,
    night: Night,
    source: &[ArchiveFile],
    rewritten: &[Rewritten],
    watch: &Watch,
) -> Result<Vec<ArchiveFile>, OptimizeError> {
    let folder = target.folder(night);
    Mark::remove(target, night).await?;
    let mut names = Vec::new();
    for (number, file) in rewritten.iter().enumerate() {
        let path = folder.clone().join(format!("{PREFIX}{number}{SUFFIX}"));
        put(target, &path, file, watch).await?;
        names.push(path.to_string());
    }
    let mut there = target.files(night).await?;
    refuse_foreign(&folder, &there)?;
    for file in there.iter().filter(|file| !names.contains(&file.path)) {
        let path = Path::parse(&file.path).unwrap_or_else(|_| Path::from(file.path.as_str()));
        match target.store().delete(&path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
            Err(source) => return Err(OptimizeError::store(&path, source)),
        }
    }
    there.retain(|file| names.contains(&file.path));
    let mut checksum = crate::Checksum::default();
    rewritten.iter().for_each(|file| checksum.join(&file.checksum));
    Mark::new(source, &there, checksum).write(target, night).await?;
    Ok(there)
}

/// One file: on S3 it appears when it is complete, in a folder under its name by a rename.
async fn put(target: &Archive, path: &Path, file: &Rewritten, watch: &Watch) -> Result<(), OptimizeError> {
    let mut reader = std::fs::File::open(&file.path).map_err(OptimizeError::scratch(&file.path))?;
    let mut writer = BufWriter::with_capacity(target.store().clone(), path.clone(), PART_BYTES);
    let failed = |source| OptimizeError::store(path, source);
    let mut sent = 0;
    let sending = async {
        loop {
            watch.check()?;
            let mut part = Vec::new();
            let count = Read::by_ref(&mut reader).take(PART_BYTES as u64).read_to_end(&mut part);
            sent += count.map_err(OptimizeError::scratch(&file.path))? as u64;
            if part.is_empty() {
                return Ok(());
            }
            writer.put(Bytes::from(part)).await.map_err(failed)?;
        }
    };
    if let Err(error) = sending.await {
        // What was sent so far is forgotten; where that fails too, the first error tells more.
        let _ = writer.abort().await;
        return Err(error);
    }
    let store = |source: std::io::Error| {
        failed(object_store::Error::Generic { store: "writer", source: Box::new(source) })
    };
    writer.shutdown().await.map_err(store)?;
    let there = target.store().head(path).await.map_err(failed)?;
    match there.size == sent {
        true => Ok(()),
        false => Err(OptimizeError::Differs(format!("{sent} bytes were sent, {} are there", there.size))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_files_are_known_by_their_names() {
        assert!(is_ours("ztf/science/year=2026/month=03/day=22/optimized-0.zstd.parquet"));
        for other in
            ["part-0.parquet", "optimized-a.zstd.parquet", "optimized-0.parquet", "x/optimized-.zstd.parquet"]
        {
            assert!(!is_ours(other), "{other}");
        }
    }
}
