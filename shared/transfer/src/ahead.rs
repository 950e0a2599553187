//! The row groups of a task, fetched ahead of the one that is worked on.

use archive::{Archive, ArchiveError, ArchiveFile, Opening, PlannedScan, RowGroupScan, ScanPlan};
use job::TaskFile;
use std::sync::Arc;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot},
    task::{AbortHandle, JoinSet},
};

/// Row groups that wait, fetched or being so, while one is worked on. One alone would come too late where a request takes
/// longer than the work.
const WAITING: usize = 4;
/// What they hold together, in KB; one alone may hold more.
const WAITING_KB: u32 = 30 * 1024;

/// A row group, fetched.
pub(crate) struct Opened {
    pub scan: RowGroupScan,
    /// What opening its file took, if it is the first to be read of it.
    pub opening: Opening,
}

/// Row groups in order. One task has charge of all requests: with it they end.
pub(crate) struct Ahead {
    coming: mpsc::Receiver<Coming>,
    /// The next one, if it was looked at before its turn.
    next: Option<Coming>,
    /// It is here, and has begun.
    begun: Option<Result<Opened, ArchiveError>>,
    fetching: AbortHandle,
}

/// A row group on its way, or why it is not; and the room that it takes until it is here.
struct Coming {
    opened: oneshot::Receiver<Result<Opened, ArchiveError>>,
    _room: Option<OwnedSemaphorePermit>,
}

impl Ahead {
    /// Begins to fetch the row groups of a task, from `first` on.
    pub fn of(archive: Archive, files: Vec<TaskFile>, plan: ScanPlan, first: u32) -> Self {
        let (sender, coming) = mpsc::channel(WAITING);
        let fetching = tokio::spawn(async move {
            let mut requests = JoinSet::new();
            if let Err(error) = fetch(archive, files, plan, first, &sender, &mut requests).await {
                let (told, opened) = oneshot::channel();
                drop(told.send(Err(error)));
                drop(sender.send(Coming { opened, _room: None }).await);
            }
            while requests.join_next().await.is_some() {}
        });
        Self { coming, next: None, begun: None, fetching: fetching.abort_handle() }
    }

    /// Ends all fetching, and with it the wait of whoever asks for the next row group.
    pub fn fetching(&self) -> AbortHandle {
        self.fetching.clone()
    }

    /// The next row group, or why it cannot be read; none after the last. Waits, on a thread that may.
    pub fn next(&mut self) -> Option<Result<Opened, ArchiveError>> {
        let next = self.next.take();
        if let Some(begun) = self.begun.take() {
            return Some(begun);
        }
        let Coming { opened, _room } = next.or_else(|| self.coming.blocking_recv())?;
        opened.blocking_recv().ok()
    }

    /// It is soon the turn of the next row group: has the first of its pages fetched, if it comes page by page.
    pub fn begin_next(&mut self) {
        if self.begun.is_some() {
            return;
        }
        if self.next.is_none() {
            self.next = self.coming.try_recv().ok();
        }
        let Some(next) = &mut self.next else { return };
        self.begun = next.opened.try_recv().ok();
        if let Some(Ok(opened)) = &self.begun {
            opened.scan.begin();
        }
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.fetching.abort();
    }
}

/// Opens the files one after the other and has their row groups fetched; ends early when nobody listens any more.
async fn fetch(
    archive: Archive,
    files: Vec<TaskFile>,
    plan: ScanPlan,
    first: u32,
    sender: &mpsc::Sender<Coming>,
    requests: &mut JoinSet<()>,
) -> Result<(), ArchiveError> {
    let room = Arc::new(Semaphore::new(WAITING_KB as usize));
    let mut number = 0;
    for file in files {
        if number + file.row_groups <= first {
            number += file.row_groups;
            continue;
        }
        // As it was at fan-out.
        let as_planned = ArchiveFile { path: file.path, size: file.size, etag: file.etag };
        let opened = archive.open_unchanged(&as_planned).await?;
        let mut opening = opened.opening();
        let mut ruled_out = opened.ruled_out(&plan).await?;
        for row_group in 0..opened.row_groups() {
            number += 1;
            if number <= first {
                continue;
            }
            let Ok(place) = sender.reserve().await else { return Ok(()) };
            let planned = match ruled_out.contains(row_group) {
                true => PlannedScan::ruled_out(&opened, row_group, &plan),
                false => PlannedScan::of(&opened, row_group, &plan),
            };
            let planned = planned.after(ruled_out.take_cost());
            let held = u32::try_from(planned.held_bytes() / 1024).unwrap_or(WAITING_KB).min(WAITING_KB);
            let room = room.clone().acquire_many_owned(held).await.ok();
            let opening = std::mem::take(&mut opening);
            let (told, answer) = oneshot::channel();
            while requests.try_join_next().is_some() {}
            requests.spawn(async move {
                let scan = planned.fetch().await;
                drop(told.send(scan.map(|scan| Opened { scan, opening })));
            });
            place.send(Coming { opened: answer, _room: room });
        }
    }
    Ok(())
}
