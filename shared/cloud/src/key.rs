//! Where a row is: its partition and its place in there.

use aws_sdk_dynamodb::types::AttributeValue;
use job::{Job, JobId, TaskId, TopicName, UsageId};
use std::collections::HashMap;

/// What begins the sort key of each task.
pub(crate) const TASKS: &str = "task#";
/// The partition of the months that have jobs.
pub(crate) const MONTHS: &str = "months";

/// A row's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub pk: String,
    pub sk: String,
}

impl Key {
    pub fn job(id: JobId) -> Self {
        Self { pk: partition_of(id), sk: "job".into() }
    }

    pub fn task(id: TaskId) -> Self {
        Self { pk: partition_of(id.job), sk: format!("{TASKS}{:010}", id.index) }
    }

    pub fn topic(name: &TopicName) -> Self {
        Self { pk: format!("topic#{name}"), sk: "topic".into() }
    }

    /// A job's place in the list of its month.
    pub fn listed(job: &Job) -> Self {
        let moment = job.created.format("%Y-%m-%dT%H:%M:%S%.6fZ");
        Self { pk: month_partition(&month_of(job)), sk: format!("{moment}#{}", job.id) }
    }

    /// The row that says that a month has jobs.
    pub fn month(job: &Job) -> Self {
        Self { pk: MONTHS.into(), sk: month_of(job) }
    }

    pub fn usage(id: &UsageId) -> Self {
        Self { pk: format!("usage#{}", id.user), sk: id.day.format("%Y-%m-%d").to_string() }
    }

    pub fn attributes(self) -> HashMap<String, AttributeValue> {
        HashMap::from([
            ("pk".to_owned(), AttributeValue::S(self.pk)),
            ("sk".to_owned(), AttributeValue::S(self.sk)),
        ])
    }
}

/// The partition of a job and its tasks.
pub(crate) fn partition_of(id: JobId) -> String {
    format!("job#{id}")
}

/// The partition that lists the jobs of a month.
pub(crate) fn month_partition(month: &str) -> String {
    format!("jobs#{month}")
}

fn month_of(job: &Job) -> String {
    job.created.format("%Y-%m").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_sort_by_number_and_jobs_by_moment() {
        let job = JobId::random();
        let keys: Vec<String> =
            [0, 9, 10, 2_500, u32::MAX].map(|index| Key::task(TaskId { job, index }).sk).into();
        assert!(keys.is_sorted(), "{keys:?}");
        let mut early = store::conformance::sample_job();
        let mut late = early.clone();
        early.created = "2026-03-09T23:59:59.999999Z".parse().unwrap();
        late.created = "2026-03-10T00:00:00Z".parse().unwrap();
        assert!(Key::listed(&early).sk < Key::listed(&late).sk);
        assert_eq!(Key::listed(&late).pk, "jobs#2026-03");
    }
}
