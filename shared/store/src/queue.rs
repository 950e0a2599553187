//! Work that waits for a worker.

use crate::StoreError;
use async_trait::async_trait;
use job::{JobId, Night, TaskId};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use tokio::sync::{Mutex, Notify};

/// A piece of work. It may be handed out twice, late, or at once to two: whoever gets it must cope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Work {
    /// Split a job into tasks.
    FanOut(JobId),
    /// Run a task.
    Task(TaskId),
    /// End a job whose tasks have ended.
    Finish(JobId),
}

impl Work {
    /// The job that it is for.
    pub fn job(&self) -> JobId {
        match self {
            Self::FanOut(job) | Self::Finish(job) => *job,
            Self::Task(task) => task.job,
        }
    }
}

/// A task that ended in failure, as it is told to those who look after the service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// The job.
    pub job: JobId,
    /// The task's number in it.
    pub task: u32,
    /// The night.
    pub night: Night,
    /// Which part of it.
    pub part: u32,
    /// How often it was begun.
    pub attempts: u32,
    /// The last error.
    pub error: String,
}

/// Where work is put.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Hands out the work sooner or later, at least once.
    async fn send(&self, work: &[Work]) -> Result<(), StoreError>;

    /// Tells of tasks that ended in failure, where there is somebody to tell; the job says so in any case.
    async fn bury(&self, letters: &[DeadLetter]) -> Result<(), StoreError> {
        let _ = letters;
        Ok(())
    }

    /// Whether nothing waits and nothing is being worked on, as far as the queue knows.
    async fn is_idle(&self) -> Result<bool, StoreError>;
}

/// The queue of someone who only submits, where the manifest in the bucket calls whoever splits the job.
#[derive(Clone, Copy, Debug)]
pub struct ManifestStarts;

#[async_trait]
impl Queue for ManifestStarts {
    async fn send(&self, work: &[Work]) -> Result<(), StoreError> {
        match work.iter().find(|piece| !matches!(piece, Work::FanOut(_))) {
            None => Ok(()),
            Some(piece) => Err(StoreError::Refused(format!("{piece:?} is not for who submits"))),
        }
    }

    async fn is_idle(&self) -> Result<bool, StoreError> {
        Ok(false)
    }
}

/// The queue of a single process. Jobs take turns, so that a small one does not wait for all nights of a large one. It
/// keeps nothing: what was under way when the process ended is found in the store.
#[derive(Default)]
pub struct InProcessQueue {
    turns: Mutex<Turns>,
    arrived: Notify,
}

/// Work that waits, for each job that has some; the job at the front is next.
#[derive(Default)]
struct Turns {
    jobs_themselves: VecDeque<Work>,
    jobs: VecDeque<(JobId, VecDeque<TaskId>)>,
}

impl Turns {
    fn add(&mut self, work: Work) {
        match work {
            Work::FanOut(_) | Work::Finish(_) => self.jobs_themselves.push_back(work),
            Work::Task(task) => match self.jobs.iter_mut().find(|(job, _)| *job == task.job) {
                Some((_, tasks)) => tasks.push_back(task),
                None => self.jobs.push_back((task.job, VecDeque::from([task]))),
            },
        }
    }

    fn next_task(&mut self) -> Option<TaskId> {
        let (job, mut tasks) = self.jobs.pop_front()?;
        let next = tasks.pop_front();
        if !tasks.is_empty() {
            self.jobs.push_back((job, tasks));
        }
        next
    }
}

impl InProcessQueue {
    /// The next task; waits for one.
    pub async fn next_task(&self) -> Work {
        Work::Task(self.next(Turns::next_task).await)
    }

    /// The next job to split or to end; waits for one. Apart from the tasks, so that a new job begins while others run.
    pub async fn next_job(&self) -> Work {
        self.next(|turns| turns.jobs_themselves.pop_front()).await
    }

    async fn next<T>(&self, take: impl Fn(&mut Turns) -> Option<T>) -> T {
        loop {
            // Registered before looking: what is sent in between is not missed.
            let arrived = self.arrived.notified();
            tokio::pin!(arrived);
            arrived.as_mut().enable();
            if let Some(found) = take(&mut *self.turns.lock().await) {
                return found;
            }
            arrived.await;
        }
    }
}

#[async_trait]
impl Queue for InProcessQueue {
    async fn send(&self, work: &[Work]) -> Result<(), StoreError> {
        let mut turns = self.turns.lock().await;
        work.iter().for_each(|piece| turns.add(*piece));
        self.arrived.notify_waiters();
        Ok(())
    }

    /// What is being worked on is not known here, and never lost while the process lives.
    async fn is_idle(&self) -> Result<bool, StoreError> {
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn jobs_take_turns_and_fan_out_waits_for_no_task() {
        let queue = InProcessQueue::default();
        let (large, small, new) = (JobId::random(), JobId::random(), JobId::random());
        let task = |job, index| Work::Task(TaskId { job, index });
        queue.send(&[task(large, 0), task(large, 1), task(large, 2), task(small, 0)]).await.unwrap();
        queue.send(&[Work::FanOut(new)]).await.unwrap();
        assert_eq!(queue.next_job().await, Work::FanOut(new));
        let mut order = Vec::new();
        for _ in 0..4 {
            order.push(queue.next_task().await);
        }
        assert_eq!(order, [task(large, 0), task(small, 0), task(large, 1), task(large, 2)]);
    }

    #[tokio::test]
    async fn whoever_waits_is_woken() {
        let queue = std::sync::Arc::new(InProcessQueue::default());
        let waiting: Vec<_> = (0..3)
            .map(|_| {
                let queue = queue.clone();
                tokio::spawn(async move { queue.next_task().await })
            })
            .collect();
        tokio::task::yield_now().await;
        let job = JobId::random();
        let tasks: Vec<Work> = (0..3).map(|index| Work::Task(TaskId { job, index })).collect();
        queue.send(&tasks).await.unwrap();
        let mut got = std::collections::HashSet::new();
        for waiter in waiting {
            got.insert(waiter.await.unwrap());
        }
        assert_eq!(got, tasks.into_iter().collect());
    }
}
