//! The states of jobs and tasks, and which may follow which.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What becomes of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// Accepted; not yet split into tasks.
    Queued,
    /// Tasks exist and some are not ended.
    Running,
    /// Every night is in the topic.
    Done,
    /// Some nights are in the topic, others failed: those can be retried.
    Partial,
    /// Nothing could be done.
    Failed,
    /// Stopped by the user; the topic holds what was sent until then.
    Cancelled,
}

impl JobState {
    /// Whether the job has ended, and only a retry changes it.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }

    /// The state of a job whose tasks are in the given states; `None` while some are not ended.
    ///
    /// ```
    /// use job::{JobState, TaskState};
    /// assert_eq!(JobState::of_tasks([TaskState::Done, TaskState::Failed]), Some(JobState::Partial));
    /// assert_eq!(JobState::of_tasks([TaskState::Done, TaskState::Running]), None);
    /// ```
    pub fn of_tasks(tasks: impl IntoIterator<Item = TaskState>) -> Option<Self> {
        let (mut done, mut failed, mut cancelled) = (0, 0, 0);
        for task in tasks {
            match task {
                TaskState::Queued | TaskState::Running => return None,
                TaskState::Done => done += 1,
                TaskState::Failed => failed += 1,
                TaskState::Cancelled => cancelled += 1,
            }
        }
        Some(match (done, failed, cancelled) {
            (_, _, 1..) => Self::Cancelled,
            (_, 0, _) => Self::Done,
            (0, _, _) => Self::Failed,
            _ => Self::Partial,
        })
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Partial => "partial",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        })
    }
}

/// What becomes of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum TaskState {
    /// Waiting for a worker.
    Queued,
    /// A worker has it.
    Running,
    /// All its alerts are in the topic.
    Done,
    /// It ended with an error.
    Failed,
    /// Its job was cancelled before it ended.
    Cancelled,
}

impl TaskState {
    /// Whether the task has ended.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_what_its_tasks_are() {
        use TaskState::*;
        assert_eq!(JobState::of_tasks([]), Some(JobState::Done));
        assert_eq!(JobState::of_tasks([Failed, Failed]), Some(JobState::Failed));
        assert_eq!(JobState::of_tasks([Done, Cancelled, Failed]), Some(JobState::Cancelled));
        assert_eq!(JobState::of_tasks([Done, Queued]), None);
    }
}
