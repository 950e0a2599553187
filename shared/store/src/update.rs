//! Read, decide, replace; and again when somebody was faster.

use crate::{Store, StoreError, Versioned};
use job::{Job, JobId, Task, TaskId, Usage, UsageId};

/// How often a row is looked at anew. More twins than this at once do not happen; an endless loop must not.
const ATTEMPTS: usize = 100;

/// Applies `change` to the latest version of a job. `change` may run several times; when it says `false`, nothing is
/// written. Returns the job as it is then.
pub async fn update_job(
    store: &dyn Store,
    id: JobId,
    mut change: impl FnMut(&mut Job) -> bool + Send,
) -> Result<Versioned<Job>, StoreError> {
    for _ in 0..ATTEMPTS {
        let mut seen = store.job(id).await?.ok_or_else(|| StoreError::Missing(format!("job {id}")))?;
        if !change(&mut seen.value) {
            return Ok(seen);
        }
        match store.replace_job(seen).await {
            Err(StoreError::Changed(_)) => tokio::task::yield_now().await,
            other => return other,
        }
    }
    Err(StoreError::Changed(format!("job {id}")))
}

/// The same for a task.
pub async fn update_task(
    store: &dyn Store,
    id: TaskId,
    change: impl FnMut(&mut Task) -> bool + Send,
) -> Result<Versioned<Task>, StoreError> {
    update_seen_task(store, task(store, id).await?, change).await
}

/// The same for a task as it was seen last: it is read only if somebody has changed it since. Where `change` says `false`
/// of what was seen, nobody looks whether it still is so.
pub async fn update_seen_task(
    store: &dyn Store,
    mut seen: Versioned<Task>,
    mut change: impl FnMut(&mut Task) -> bool + Send,
) -> Result<Versioned<Task>, StoreError> {
    let id = seen.value.id;
    for _ in 0..ATTEMPTS {
        if !change(&mut seen.value) {
            return Ok(seen);
        }
        match store.replace_task(seen).await {
            Err(StoreError::Changed(_)) => tokio::task::yield_now().await,
            other => return other,
        }
        seen = task(store, id).await?;
    }
    Err(StoreError::Changed(format!("task {id}")))
}

async fn task(store: &dyn Store, id: TaskId) -> Result<Versioned<Task>, StoreError> {
    store.task(id).await?.ok_or_else(|| StoreError::Missing(format!("task {id}")))
}

/// The same for what a user has asked for in a day.
pub async fn update_usage(
    store: &dyn Store,
    id: &UsageId,
    mut change: impl FnMut(&mut Usage) -> bool + Send,
) -> Result<Versioned<Usage>, StoreError> {
    for _ in 0..ATTEMPTS {
        let mut seen = store.usage(id).await?;
        if !change(&mut seen.value) {
            return Ok(seen);
        }
        match store.replace_usage(id, seen).await {
            Err(StoreError::Changed(_)) => tokio::task::yield_now().await,
            other => return other,
        }
    }
    Err(StoreError::Changed(format!("usage {id}")))
}
