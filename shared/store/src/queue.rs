//! Work that waits for a worker.

use crate::StoreError;
use async_trait::async_trait;
use job::{JobId, TaskId};
use tokio::sync::{Mutex, mpsc};

/// A piece of work. It may be handed out twice, late, or at once to two: whoever gets it must cope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Work {
    /// Split a job into tasks.
    FanOut(JobId),
    /// Run a task.
    Task(TaskId),
}

/// Where work is put.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Hands out the work sooner or later, at least once.
    async fn send(&self, work: &[Work]) -> Result<(), StoreError>;
}

/// The queue of a single process. It keeps nothing: what was under way when the process ended is found in the store.
pub struct InProcessQueue {
    sender: mpsc::UnboundedSender<Work>,
    receiver: Mutex<mpsc::UnboundedReceiver<Work>>,
}

impl Default for InProcessQueue {
    fn default() -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        Self { sender, receiver: Mutex::new(receiver) }
    }
}

impl InProcessQueue {
    /// The next piece of work; waits for it.
    pub async fn next(&self) -> Option<Work> {
        self.receiver.lock().await.recv().await
    }
}

#[async_trait]
impl Queue for InProcessQueue {
    async fn send(&self, work: &[Work]) -> Result<(), StoreError> {
        for piece in work {
            self.sender.send(*piece).map_err(|_| StoreError::Database("the queue is closed".into()))?;
        }
        Ok(())
    }
}
