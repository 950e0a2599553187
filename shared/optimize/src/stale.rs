//! Which nights have to be rewritten.

use crate::{OptimizeError, Watch, mark::Mark};
use archive::{Archive, ArchiveError, ArchiveFile};
use futures::{StreamExt, TryStreamExt};
use job::Night;
use std::collections::{BTreeMap, BTreeSet};

/// Nights that are looked at at once.
const LOOKS: usize = 16;

type Files = Vec<ArchiveFile>;

/// The files of a night in the archive that is read, and in the one that is written.
struct Listed {
    files: Files,
    there: Files,
}

/// A night as both archives have it.
pub(crate) struct Looked {
    pub(crate) night: Night,
    /// Its files in the archive that is read.
    pub(crate) files: Files,
    /// Whether it was made of these files, and is there as it was made.
    pub(crate) is_done: bool,
}

/// Looks at `nights`, or at the whole archive; in order of time.
pub(crate) async fn look(
    source: &Archive,
    target: &Archive,
    nights: Option<&BTreeSet<Night>>,
    watch: &Watch,
) -> Result<Vec<Looked>, OptimizeError> {
    let mut wanted: Vec<(Night, Option<Listed>)> = Vec::new();
    match nights {
        Some(nights) => wanted.extend(nights.iter().map(|night| (*night, None))),
        // Of a whole archive all is listed at once: night by night it would take many times the requests.
        None => {
            let mut there = all_or_none(target).await?;
            for (night, files) in source.all_files().await? {
                let there = there.remove(&night).unwrap_or_default();
                wanted.push((night, Some(Listed { files, there })));
            }
        }
    }
    let looks = wanted.into_iter().map(|(night, listed)| look_at(source, target, night, listed, watch));
    futures::stream::iter(looks).buffered(LOOKS).try_collect().await
}

async fn look_at(
    source: &Archive,
    target: &Archive,
    night: Night,
    listed: Option<Listed>,
    watch: &Watch,
) -> Result<Looked, OptimizeError> {
    watch.check()?;
    same_place(source, target, night)?;
    let Listed { files, there } = match listed {
        Some(listed) => listed,
        None => Listed { files: source.files(night).await?, there: target.files(night).await? },
    };
    // Where nothing is, no mark is looked for.
    let is_done = !there.is_empty()
        && Mark::read(target, night).await?.is_some_and(|mark| mark.tells_of(&files, &there));
    Ok(Looked { night, files, is_done })
}

async fn all_or_none(target: &Archive) -> Result<BTreeMap<Night, Files>, OptimizeError> {
    match target.all_files().await {
        Err(ArchiveError::Empty { .. }) => Ok(BTreeMap::new()),
        files => Ok(files?),
    }
}

/// Nothing is ever rewritten in place.
fn same_place(source: &Archive, target: &Archive, night: Night) -> Result<(), OptimizeError> {
    let same = source.store().to_string() == target.store().to_string()
        && source.folder(night) == target.folder(night);
    if same { Err(OptimizeError::SamePlace) } else { Ok(()) }
}
