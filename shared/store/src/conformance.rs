//! What every store promises. Each backend's tests run [`check`].

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::missing_panics_doc)]

use crate::{Store, StoreError, update_job, update_task, update_usage};
use chrono::{DateTime, Utc};
use job::{
    Amount, Caller, Job, JobId, JobRequest, JobState, NightSelection, Survey, Task, TaskId, TaskState,
    TopicName, Usage, UsageId,
};

/// Runs the whole suite against an empty store.
pub async fn check(store: &dyn Store) {
    a_job_is_kept_once(store).await;
    a_topic_leads_to_its_job(store).await;
    the_newest_jobs_come_first(store).await;
    only_the_latest_version_may_be_replaced(store).await;
    fan_out_may_run_twice(store).await;
    no_update_is_lost_between_twins(store).await;
    usage_begins_with_nothing_and_loses_nothing(store).await;
}

/// A job as a submit makes it.
pub fn sample_job() -> Job {
    let created: DateTime<Utc> = "2026-03-23T01:02:03.000004Z".parse().unwrap();
    let request = JobRequest::new(NightSelection::parse(&["2026-03-22"]).unwrap());
    let (topic, expires) = (TopicName::new(Survey::Ztf, created), created + chrono::TimeDelta::days(7));
    Job::new(JobId::random(), request, &Caller::default(), topic, created, expires)
}

fn sample_task(job: JobId, index: u32) -> Task {
    Task::new(TaskId { job, index }, "2026-03-22".parse().unwrap(), index, vec![])
}

async fn a_job_is_kept_once(store: &dyn Store) {
    let job = sample_job();
    assert!(store.job(job.id).await.unwrap().is_none());
    store.insert_job(&job).await.unwrap();
    assert_eq!(store.job(job.id).await.unwrap().unwrap().value, job);
    assert!(matches!(store.insert_job(&job).await, Err(StoreError::Exists(_))));
}

async fn a_topic_leads_to_its_job(store: &dyn Store) {
    let mut job = sample_job();
    let moment: DateTime<Utc> = "2026-03-23T02:00:00.000009Z".parse().unwrap();
    job.topic = TopicName::new(Survey::Ztf, moment);
    assert!(store.job_of_topic(&job.topic).await.unwrap().is_none());
    let kept = store.insert_job(&job).await.unwrap();
    assert_eq!(store.job_of_topic(&job.topic).await.unwrap(), Some(kept));
}

async fn the_newest_jobs_come_first(store: &dyn Store) {
    let mut expected = Vec::new();
    for second in [50, 52, 51] {
        let mut job = sample_job();
        job.created =
            "2026-03-24T00:00:00Z".parse::<DateTime<Utc>>().unwrap() + chrono::TimeDelta::seconds(second);
        store.insert_job(&job).await.unwrap();
        expected.push((second, job.id));
    }
    expected.sort_by_key(|(second, _)| std::cmp::Reverse(*second));
    let newest: Vec<JobId> = store.jobs(3).await.unwrap().into_iter().map(|job| job.value.id).collect();
    assert_eq!(newest, expected.into_iter().map(|(_, id)| id).collect::<Vec<_>>());
}

async fn only_the_latest_version_may_be_replaced(store: &dyn Store) {
    let seen = store.insert_job(&sample_job()).await.unwrap();
    let mut mine = seen.clone();
    mine.value.state = JobState::Running;
    let replaced = store.replace_job(mine).await.unwrap();
    assert!(replaced.version > seen.version);
    assert!(matches!(store.replace_job(seen).await, Err(StoreError::Changed(_))));
    assert_eq!(store.job(replaced.value.id).await.unwrap().unwrap(), replaced);
}

async fn fan_out_may_run_twice(store: &dyn Store) {
    let job = JobId::random();
    let tasks: Vec<Task> = (0..3).map(|index| sample_task(job, index)).collect();
    store.insert_tasks(&tasks[..2]).await.unwrap();
    update_task(store, tasks[1].id, |task| {
        task.state = TaskState::Done;
        true
    })
    .await
    .unwrap();
    store.insert_tasks(&tasks).await.unwrap();
    let kept: Vec<Task> = store.tasks(job).await.unwrap().into_iter().map(|task| task.value).collect();
    assert_eq!(kept.iter().map(|task| task.id.index).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(kept[1].state, TaskState::Done, "a task that exists is left as it is");
    let numbers = async |range| -> Vec<u32> {
        store.tasks_in(job, range).await.unwrap().iter().map(|task| task.value.id.index).collect()
    };
    assert_eq!((numbers(1..3).await, numbers(0..1).await), (vec![1, 2], vec![0]));
    assert_eq!((numbers(2..9).await, numbers(3..9).await, numbers(2..2).await), (vec![2], vec![], vec![]));
    assert!(store.tasks(JobId::random()).await.unwrap().is_empty());
}

async fn no_update_is_lost_between_twins(store: &dyn Store) {
    let job = store.insert_job(&sample_job()).await.unwrap().value;
    let change = |_| async {
        update_job(store, job.id, |job| {
            job.tasks += 1;
            true
        })
        .await
        .unwrap();
    };
    let mut updates: Vec<_> = (0..20).map(change).map(Box::pin).collect();
    // All twenty run interleaved on one thread: each await is a place where another may come first.
    std::future::poll_fn(|context| {
        updates.retain_mut(|update| update.as_mut().poll(context).is_pending());
        if updates.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    assert_eq!(store.job(job.id).await.unwrap().unwrap().value.tasks, 20);
}

async fn usage_begins_with_nothing_and_loses_nothing(store: &dyn Store) {
    let id = |user: &str| UsageId { user: user.into(), day: "2026-03-22".parse().unwrap() };
    let nothing = store.usage(&id("ada")).await.unwrap();
    assert_eq!((nothing.version, nothing.value.total()), (0, Amount::default()));
    let amount = Amount { nights: 1, alerts: 20, bytes: 300 };
    let (first, second) = (JobId::random(), JobId::random());
    for job in [first, second, first] {
        let change = |usage: &mut Usage| usage.jobs.insert(job, amount) != Some(amount);
        update_usage(store, &id("ada"), change).await.unwrap();
    }
    assert_eq!(store.usage(&id("ada")).await.unwrap().value.total(), amount + amount);
    assert!(matches!(store.replace_usage(&id("ada"), nothing).await, Err(StoreError::Changed(_))));
    assert_eq!(store.usage(&id("grace")).await.unwrap().version, 0);
}
