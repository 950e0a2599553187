//! What a task begins with, made ready while the task is still being claimed: the claim waits for a store and a broker, this
//! for the bucket and the archive.

use crate::{
    Plan, Service, TransferError, ahead::Ahead, content_plan::ContentPlan, fan_out::planned_columns,
};
use job::{Job, Task, TaskFile};
use tokio::task::JoinHandle;

/// What was fixed for the tasks of a job, and what it asks for.
pub(crate) struct Planned {
    pub plan: Plan,
    pub content: ContentPlan,
}

/// A task's plan, and its row groups on their way.
pub(crate) struct Begun {
    pub planned: Planned,
    pub fetched: Fetched,
}

/// Row groups of these files from the first one on.
pub(crate) struct Fetched {
    files: Vec<TaskFile>,
    first: u32,
    ahead: Ahead,
}

/// A beginning under way. Dropping it ends that.
pub(crate) struct Early(JoinHandle<Result<Begun, TransferError>>);

impl Planned {
    pub async fn of(service: &Service, job: &Job) -> Result<Self, TransferError> {
        let plan: Plan = service.read_json(job.id, "plan.json").await?;
        let content = ContentPlan::new(&job.request, planned_columns(&plan)?.schema())?;
        Ok(Self { plan, content })
    }
}

impl Fetched {
    /// They, if these are the ones that are wanted.
    pub fn take(self, files: &[TaskFile], first: u32) -> Option<Ahead> {
        (self.files == files && self.first == first).then_some(self.ahead)
    }
}

impl Early {
    /// Begins where the task goes on by what its row says now.
    pub fn of(service: &Service, job: &Job, task: &Task) -> Option<Self> {
        if task.files.is_empty() {
            return None;
        }
        let first = task.checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.row_groups);
        let (service, job, files) = (service.clone(), job.clone(), task.files.clone());
        Some(Self(tokio::spawn(async move {
            let planned = Planned::of(&service, &job).await?;
            let scan = planned.content.scan.clone();
            let ahead = Ahead::of(service.archive.clone(), files.clone(), scan, first);
            Ok(Begun { planned, fetched: Fetched { files, first, ahead } })
        })))
    }

    /// What there is, or why there is nothing.
    pub async fn take(mut self) -> Option<Result<Begun, TransferError>> {
        (&mut self.0).await.ok()
    }
}

impl Drop for Early {
    fn drop(&mut self) {
        self.0.abort();
    }
}
