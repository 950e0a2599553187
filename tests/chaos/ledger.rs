//! The store and the queue of a run, kept in this process and reached by the workers over HTTP: conditional writes, and a
//! queue that hands work out again when nobody says in time that it is done.

use axum::{Json, Router, extract::State, routing::post};
use job::{Job, JobId, Task, TaskId, TopicName, Usage, UsageId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{
    ops::Range,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use store::{Embedded, Store, StoreError, Versioned, Work};
use tokio::net::TcpListener;

/// Work that nobody has finished after this is handed out again, though its worker may only be slow.
const VISIBILITY: Duration = Duration::from_millis(6500);

/// A call of a worker.
#[derive(Debug, Serialize, Deserialize)]
pub enum Call {
    InsertJob(Box<Job>),
    Job(JobId),
    JobOfTopic(TopicName),
    Jobs(usize),
    ReplaceJob(Box<Versioned<Job>>),
    InsertTasks(Vec<Task>),
    Task(TaskId),
    Tasks(JobId),
    TasksIn(JobId, Range<u32>),
    ReplaceTask(Box<Versioned<Task>>),
    Usage(String, chrono::NaiveDate),
    ReplaceUsage(String, chrono::NaiveDate, Versioned<Usage>),
    Send(Vec<Work>),
    /// Asks for work.
    Take,
    /// The work is done, or is to be handed out again after so many milliseconds.
    Settle(u64, Option<u64>),
}

/// Why a call failed.
#[derive(Debug, Serialize, Deserialize)]
pub enum Fault {
    Exists(String),
    Changed(String),
    Missing(String),
    Other(String),
}

/// Work handed out, under the number by which it is settled.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Handed {
    pub receipt: u64,
    pub work: Work,
}

/// The store and the queue.
pub struct Ledger {
    store: Embedded,
    queue: Mutex<Vec<Waiting>>,
}

struct Waiting {
    receipt: u64,
    work: Work,
    visible: Instant,
}

impl Default for Ledger {
    fn default() -> Self {
        Self { store: Embedded::in_memory().unwrap(), queue: Mutex::default() }
    }
}

impl Ledger {
    fn send(&self, work: &[Work]) {
        let mut queue = self.queue.lock().unwrap();
        for piece in work {
            let receipt = rand_receipt();
            queue.push(Waiting { receipt, work: *piece, visible: Instant::now() });
        }
    }

    fn take(&self) -> Option<Handed> {
        let (mut queue, now) = (self.queue.lock().unwrap(), Instant::now());
        let place = queue.iter().position(|waiting| waiting.visible <= now)?;
        let mut waiting = queue.remove(place);
        waiting.visible = now + VISIBILITY;
        let handed = Handed { receipt: waiting.receipt, work: waiting.work };
        queue.push(waiting);
        Some(handed)
    }

    fn settle(&self, receipt: u64, again: Option<u64>) {
        let mut queue = self.queue.lock().unwrap();
        match again {
            None => queue.retain(|waiting| waiting.receipt != receipt),
            Some(milliseconds) => {
                if let Some(waiting) = queue.iter_mut().find(|waiting| waiting.receipt == receipt) {
                    waiting.visible = Instant::now() + Duration::from_millis(milliseconds);
                }
            }
        }
    }

    /// Makes a piece of work that is under way visible again at once: a second worker takes it too.
    pub fn deliver_twice(&self, choice: usize) -> bool {
        let mut queue = self.queue.lock().unwrap();
        let now = Instant::now();
        let mut under_way: Vec<&mut Waiting> =
            queue.iter_mut().filter(|waiting| waiting.visible > now).collect();
        if under_way.is_empty() {
            return false;
        }
        let count = under_way.len();
        under_way[choice % count].visible = now;
        true
    }

    async fn answer(&self, call: Call) -> Result<Value, StoreError> {
        let store = &self.store;
        let usage = |user, day| UsageId { user, day };
        let value = match call {
            Call::InsertJob(job) => serde_json::to_value(store.insert_job(&job).await?),
            Call::Job(id) => serde_json::to_value(store.job(id).await?),
            Call::JobOfTopic(topic) => serde_json::to_value(store.job_of_topic(&topic).await?),
            Call::Jobs(most) => serde_json::to_value(store.jobs(most).await?),
            Call::ReplaceJob(job) => serde_json::to_value(store.replace_job(*job).await?),
            Call::InsertTasks(tasks) => serde_json::to_value(store.insert_tasks(&tasks).await?),
            Call::Task(id) => serde_json::to_value(store.task(id).await?),
            Call::Tasks(job) => serde_json::to_value(store.tasks(job).await?),
            Call::TasksIn(job, numbers) => serde_json::to_value(store.tasks_in(job, numbers).await?),
            Call::ReplaceTask(task) => serde_json::to_value(store.replace_task(*task).await?),
            Call::Usage(user, day) => serde_json::to_value(store.usage(&usage(user, day)).await?),
            Call::ReplaceUsage(user, day, used) => {
                serde_json::to_value(store.replace_usage(&usage(user, day), used).await?)
            }
            Call::Send(work) => {
                self.send(&work);
                Ok(Value::Null)
            }
            Call::Take => serde_json::to_value(self.take()),
            Call::Settle(receipt, again) => {
                self.settle(receipt, again);
                Ok(Value::Null)
            }
        };
        Ok(value?)
    }
}

fn rand_receipt() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Serves the ledger; returns its address.
pub async fn serve(ledger: Arc<Ledger>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/", post(handle)).with_state(ledger);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    format!("http://{address}/")
}

async fn handle(State(ledger): State<Arc<Ledger>>, Json(call): Json<Call>) -> Json<Result<Value, Fault>> {
    Json(ledger.answer(call).await.map_err(|error| match error {
        StoreError::Exists(what) => Fault::Exists(what),
        StoreError::Changed(what) => Fault::Changed(what),
        StoreError::Missing(what) => Fault::Missing(what),
        other => Fault::Other(other.to_string()),
    }))
}
