//! Which tasks of a job are open, without reading all of them each time one ends: a job may have thousands.
//!
//! A task that has ended stays so until its job is retried. So what is known of a job's first tasks is remembered under the
//! number of its retries; whoever remembers nothing reads once from the first.

use crate::{Ledger, TransferError, pace::at_once};
use job::{Job, JobId, Task, TaskId};
use std::{
    collections::HashMap,
    ops::Range,
    sync::{Mutex, PoisonError},
};
use store::Versioned;

/// Rows that are read at first; each later read has four times as many.
const FIRST_ROWS: u32 = 8;
const MOST_ROWS: u32 = 512;
/// Jobs that something is remembered of.
const JOBS: usize = 1_000;

/// The first tasks of a job, all of which have ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Ended {
    /// How often the job had been retried.
    retries: u32,
    /// How many they are.
    tasks: u32,
    /// Alerts they sent.
    sent: u64,
}

/// What is remembered of jobs.
#[derive(Debug, Default)]
pub(crate) struct EndedTasks(Mutex<HashMap<JobId, Ended>>);

impl EndedTasks {
    fn of(&self, job: &Job) -> Ended {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&job.id).copied();
        let none = Ended { retries: job.retries, ..Ended::default() };
        known.filter(|known| known.retries == job.retries).unwrap_or(none)
    }

    fn keep(&self, job: JobId, ended: Ended) {
        let mut jobs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if jobs.len() >= JOBS {
            jobs.clear();
        }
        jobs.insert(job, ended);
    }

    fn forget(&self, job: JobId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&job);
    }
}

impl Ledger {
    /// Whether a task of a job that was fanned out has not ended yet. Tasks are begun in order, so that open ones are
    /// looked for from the last on.
    pub(crate) async fn has_open_task(&self, job: &Job) -> Result<bool, TransferError> {
        let (mut end, mut rows) = (job.tasks, FIRST_ROWS);
        while end > 0 {
            let range = end.saturating_sub(rows)..end;
            let tasks = self.store.tasks_in(job.id, range.clone()).await?;
            // One that is not kept yet is open too.
            if tasks.len() < range.len() || tasks.iter().any(|task| !task.value.state.is_final()) {
                return Ok(true);
            }
            (end, rows) = (range.start, (rows * 4).min(MOST_ROWS));
        }
        Ok(false)
    }

    /// Whether a task of a job may run now: always, unless its tasks begin only as earlier ones end. One that has ended may
    /// too, so that whoever delivers it is told.
    pub(crate) async fn may_begin(&self, job: &Job, task: &Task) -> Result<bool, TransferError> {
        let id = task.id;
        if at_once(&job.request).is_none() || task.state.is_final() {
            return Ok(true);
        }
        if id.index < self.ended.of(job).tasks {
            // Opened again by a second retry that was late.
            self.ended.forget(job.id);
        }
        Ok(self.first_open(job).await?.iter().any(|task| task.id == id))
    }

    /// The tasks that may run now of a job whose tasks begin only as earlier ones end: the first open ones.
    pub(crate) async fn first_open(&self, job: &Job) -> Result<Vec<Task>, TransferError> {
        let most = at_once(&job.request).unwrap_or(usize::MAX);
        let (mut ended, mut open) = (self.ended.of(job), Vec::new());
        let (mut next, mut rows) = (ended.tasks, FIRST_ROWS);
        while next < job.tasks && open.len() < most {
            let range = next..next.saturating_add(rows).min(job.tasks);
            for Versioned { value: task, .. } in self.store.tasks_in(job.id, range.clone()).await? {
                if !task.state.is_final() {
                    open.push(task);
                } else if open.is_empty() && task.id.index == ended.tasks {
                    ended.tasks += 1;
                    ended.sent += task.counts.sent;
                }
            }
            (next, rows) = (range.end, (rows * 4).min(MOST_ROWS));
        }
        self.ended.keep(job.id, ended);
        open.truncate(most);
        Ok(open)
    }

    /// Alerts that the other tasks of a job have sent.
    pub(crate) async fn sent_by_others(&self, job: &Job, id: TaskId) -> Result<u64, TransferError> {
        let known = self.ended.of(job);
        // Those after it have not begun, unless a retry has left earlier ones behind.
        let end = if job.retries == 0 { id.index } else { job.tasks };
        if id.index < known.tasks {
            return self.sent_in(job.id, 0..job.tasks, id).await;
        }
        Ok(known.sent + self.sent_in(job.id, known.tasks..end.max(known.tasks), id).await?)
    }

    async fn sent_in(&self, job: JobId, range: Range<u32>, without: TaskId) -> Result<u64, TransferError> {
        let tasks = self.store.tasks_in(job, range).await?;
        let others = tasks.iter().filter(|task| task.value.id != without);
        Ok(others.map(|task| task.value.counts.sent).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Settings, ledger::LedgerParts};
    use job::{Caller, JobRequest, Survey, TaskState, TopicName};
    use std::{sync::Arc, time::Duration};
    use store::{Embedded, InProcessQueue, Store, update_task};

    /// A job of ten tasks, as a fan-out leaves it.
    async fn job(ledger: &Ledger, text: &str) -> Job {
        let request = JobRequest::parse(&format!("nights: [2026-03-22]\n{text}")).unwrap();
        let now = crate::service::now();
        let topic = TopicName::new(Survey::Ztf, now);
        let mut job = Job::new(JobId::random(), request, &Caller::default(), topic, now, now);
        (job.tasks, job.ready) = (10, true);
        ledger.store.insert_job(&job).await.unwrap();
        let night = "2026-03-22".parse().unwrap();
        let tasks: Vec<Task> =
            (0..10).map(|index| Task::new(TaskId { job: job.id, index }, night, index, vec![])).collect();
        ledger.store.insert_tasks(&tasks).await.unwrap();
        job
    }

    fn ledger() -> Ledger {
        Ledger::new(LedgerParts {
            store: Arc::new(Embedded::in_memory().unwrap()),
            queue: Arc::new(InProcessQueue::default()),
            bucket: Arc::new(object_store::memory::InMemory::new()),
            settings: Settings::with_delivery_timeout(Duration::from_secs(10)),
        })
    }

    async fn end(store: &dyn Store, job: &Job, index: u32, state: TaskState, sent: u64) {
        update_task(store, TaskId { job: job.id, index }, |task| {
            (task.state, task.counts.sent) = (state, sent);
            true
        })
        .await
        .unwrap();
    }

    async fn open(ledger: &Ledger, job: &Job) -> Vec<u32> {
        ledger.first_open(job).await.unwrap().iter().map(|task| task.id.index).collect()
    }

    async fn may_begin(ledger: &Ledger, job: &Job, index: u32) -> bool {
        let task = ledger.store.task(TaskId { job: job.id, index }).await.unwrap().unwrap();
        ledger.may_begin(job, &task.value).await.unwrap()
    }

    #[tokio::test]
    async fn a_job_has_open_tasks_until_its_last_has_ended_in_whatever_order() {
        let ledger = ledger();
        let job = job(&ledger, "").await;
        for index in [9, 8, 0, 7, 6, 5, 4, 3, 2] {
            end(&*ledger.store, &job, index, TaskState::Done, 1).await;
            assert!(ledger.has_open_task(&job).await.unwrap());
        }
        end(&*ledger.store, &job, 1, TaskState::Failed, 1).await;
        assert!(!ledger.has_open_task(&job).await.unwrap());
        // A row that a fan-out has yet to keep is one more to come.
        assert!(ledger.has_open_task(&Job { tasks: 11, ..job }).await.unwrap());
    }

    #[tokio::test]
    async fn the_window_moves_on_and_what_others_sent_adds_up() {
        let ledger = ledger();
        let job = job(&ledger, "pace: {nights_at_once: 2}").await;
        let id = |index| TaskId { job: job.id, index };
        assert_eq!(open(&ledger, &job).await, [0, 1]);
        end(&*ledger.store, &job, 1, TaskState::Done, 5).await;
        assert_eq!(open(&ledger, &job).await, [0, 2]);
        assert!(may_begin(&ledger, &job, 2).await);
        assert!(!may_begin(&ledger, &job, 3).await);
        end(&*ledger.store, &job, 0, TaskState::Failed, 7).await;
        assert_eq!(open(&ledger, &job).await, [2, 3]);
        assert_eq!(ledger.ended.of(&job), Ended { retries: 0, tasks: 2, sent: 12 });
        assert_eq!(ledger.sent_by_others(&job, id(2)).await.unwrap(), 12);
        end(&*ledger.store, &job, 2, TaskState::Running, 3).await;
        assert_eq!(ledger.sent_by_others(&job, id(3)).await.unwrap(), 15);
        assert_eq!(ledger.sent_by_others(&job, id(0)).await.unwrap(), 8);
    }

    #[tokio::test]
    async fn what_a_retry_opens_again_is_seen() {
        let ledger = ledger();
        let job = job(&ledger, "limit: 100").await;
        for index in 0..10 {
            end(&*ledger.store, &job, index, TaskState::Failed, 1).await;
        }
        assert_eq!(open(&ledger, &job).await, [0_u32; 0]);
        end(&*ledger.store, &job, 4, TaskState::Queued, 1).await;
        let again = Job { retries: 1, ..job.clone() };
        assert_eq!(open(&ledger, &again).await, [4]);
        assert_eq!(ledger.sent_by_others(&again, TaskId { job: job.id, index: 4 }).await.unwrap(), 9);
        // Even by one that was late: the number of retries has not grown.
        end(&*ledger.store, &job, 2, TaskState::Queued, 1).await;
        assert!(may_begin(&ledger, &again, 2).await);
    }
}
