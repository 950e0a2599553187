use crate::{
    lossy::Lossy,
    server::{config, config_at},
    table::{self, KEPT},
};
use aws_sdk_dynamodb::{Client, types::AttributeValue};
use chrono::{DateTime, TimeDelta, Utc};
use cloud::DynamoStore;
use futures::future::join_all;
use job::{
    Amount, ErrorKind, Job, JobId, JobState, Survey, Task, TaskFile, TaskId, TopicName, Usage, UsageId,
};
use std::collections::HashMap;
use store::{Store, StoreError, Versioned, conformance, update_job, update_usage};

fn job_of(moment: DateTime<Utc>) -> Job {
    let mut job = conformance::sample_job();
    job.created = moment;
    job.topic = TopicName::new(Survey::Ztf, moment);
    job.expires = moment + TimeDelta::days(7);
    job
}

fn task_of(job: JobId, index: u32, files: usize) -> Task {
    let file = |number: usize| TaskFile {
        path: format!("science/year=2026/month=03/day=22/part-{number:05}-bd7894fb.c000.snappy.parquet"),
        size: fastrand::u64(..),
        etag: Some(format!("\"{:016x}{:016x}\"", fastrand::u64(..), fastrand::u64(..))),
        rows: fastrand::u64(..100_000),
        row_groups: 4,
    };
    let id = TaskId { job, index };
    Task::new(id, "2026-03-22".parse().unwrap(), 0, (0..files).map(file).collect())
}

async fn rows(table: &str) -> Vec<HashMap<String, AttributeValue>> {
    let client = Client::new(&config().await);
    client.scan().table_name(table).into_paginator().items().send().try_collect().await.unwrap()
}

#[tokio::test]
async fn dynamodb_keeps_what_every_store_promises() {
    conformance::check(&table::store("conformance").await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_twins_that_replace_one_row_exactly_one_wins() {
    let store = table::store("twins").await;
    let seen = store.insert_job(&conformance::sample_job()).await.unwrap();
    for round in 0..10 {
        let seen = store.job(seen.value.id).await.unwrap().unwrap();
        let twins = (0..8).map(|twin| {
            let (store, mut mine) = (store.clone(), seen.clone());
            mine.value.tasks = round * 100 + twin;
            tokio::spawn(async move { store.replace_job(mine).await })
        });
        let ended: Vec<_> = join_all(twins).await.into_iter().map(Result::unwrap).collect();
        let won: Vec<_> = ended.iter().filter_map(|ended| ended.as_ref().ok()).collect();
        let changed = ended.iter().filter(|ended| matches!(ended, Err(StoreError::Changed(_)))).count();
        assert_eq!((won.len(), changed), (1, 7), "{ended:?}");
        assert_eq!(store.job(seen.value.id).await.unwrap().as_ref(), Some(won[0]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_twins_that_insert_one_job_exactly_one_wins() {
    let store = table::store("births").await;
    let job = conformance::sample_job();
    let twins = (0..8).map(|_| {
        let (store, job) = (store.clone(), job.clone());
        tokio::spawn(async move { store.insert_job(&job).await })
    });
    let ended: Vec<_> = join_all(twins).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(ended.iter().filter(|ended| ended.is_ok()).count(), 1, "{ended:?}");
    let exist = ended.iter().filter(|ended| matches!(ended, Err(StoreError::Exists(_)))).count();
    assert_eq!(exist, 7, "{ended:?}");
    assert_eq!(store.jobs(10).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_twins_that_begin_a_day_none_is_forgotten() {
    let store = table::store("days").await;
    let id = UsageId { user: "ada".into(), day: "2026-03-22".parse().unwrap() };
    let amount = Amount { nights: 1, alerts: 20, bytes: 300 };
    let twins = (0..8).map(|_| {
        let (store, id) = (store.clone(), id.clone());
        tokio::spawn(async move {
            let change = |usage: &mut Usage| usage.jobs.insert(JobId::random(), amount).is_none();
            update_usage(&store, &id, change).await.map(|_| ())
        })
    });
    join_all(twins).await.into_iter().for_each(|ended| ended.unwrap().unwrap());
    assert_eq!(store.usage(&id).await.unwrap().value.total().nights, 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_tasks_are_kept_once_and_read_in_order() {
    let store = table::store("thousands").await;
    let job = JobId::random();
    let tasks: Vec<Task> = (0..2_500).map(|index| task_of(job, index, 4)).collect();
    // A fan-out that is broken off, with its twin; then two that go on from there.
    let some = &tasks[700..900];
    let (first, second) = tokio::join!(store.insert_tasks(some), store.insert_tasks(some));
    first.unwrap();
    second.unwrap();
    store.insert_tasks(&tasks).await.unwrap();
    store.insert_tasks(&tasks).await.unwrap();
    let kept = store.tasks(job).await.unwrap();
    assert!(kept.iter().all(|task| task.version == 1));
    let kept: Vec<Task> = kept.into_iter().map(|task| task.value).collect();
    assert!(serde_json::to_string(&kept).unwrap().len() > 2_000_000, "several pages of 1 MB");
    assert!(kept == tasks);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_jobs_come_first_over_days_months_and_pages() {
    let store = table::store("newest").await;
    let begin: DateTime<Utc> = "2025-11-01T12:00:00Z".parse().unwrap();
    let mut jobs: Vec<Job> = (0..240)
        .map(|number| {
            // Three busy months and a quiet one between them.
            let day = if number < 40 { number } else { number / 8 + 70 };
            job_of(begin + TimeDelta::days(day) + TimeDelta::microseconds(number))
        })
        .collect();
    fastrand::shuffle(&mut jobs);
    for some in jobs.chunks(16) {
        join_all(some.iter().map(|job| store.insert_job(job))).await.into_iter().for_each(|kept| {
            kept.unwrap();
        });
    }
    jobs.sort_by_key(|job| std::cmp::Reverse(job.created));
    let expected: Vec<JobId> = jobs.iter().map(|job| job.id).collect();
    for at_most in [0, 1, 99, 100, 101, 230, 240, usize::MAX] {
        let newest: Vec<JobId> =
            store.jobs(at_most).await.unwrap().into_iter().map(|job| job.value.id).collect();
        assert!(newest == expected[..at_most.min(240)], "{at_most}");
    }
}

#[tokio::test]
async fn every_row_expires_after_its_topic() {
    let table = table::new("expiry").await;
    let store = DynamoStore::new(&config().await, &table, KEPT);
    let job = job_of("2026-03-23T01:02:03.000004Z".parse().unwrap());
    store.insert_job(&job).await.unwrap();
    store.insert_tasks(&[task_of(job.id, 0, 1)]).await.unwrap();
    update_job(&store, job.id, |job| {
        job.state = JobState::Running;
        true
    })
    .await
    .unwrap();
    let id = UsageId { user: "ada".into(), day: "2026-03-30".parse().unwrap() };
    let nothing = store.usage(&id).await.unwrap();
    store.replace_usage(&id, nothing).await.unwrap();
    let rows = rows(&table).await;
    assert_eq!(rows.len(), 6, "job, task, topic, place in the list, month, usage");
    let after = (job.expires + TimeDelta::from_std(KEPT).unwrap()).timestamp();
    for row in rows {
        let expires: i64 = row["expires_at"].as_n().unwrap().parse().unwrap();
        assert!((after..after + 86_400).contains(&expires), "{row:?}");
    }
}

#[tokio::test]
async fn a_row_that_is_too_large_is_refused_before_anything_is_written() {
    let store = table::store("large").await;
    let job = JobId::random();
    let error = store.insert_tasks(&[task_of(job, 0, 1), task_of(job, 1, 30_000)]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Permanent);
    let text = error.to_string();
    assert!(text.starts_with(&format!("task {job}/1 takes ")), "{text}");
    assert!(text.ends_with("instead: a smaller size of tasks, so that each has fewer files"), "{text}");
    assert!(store.tasks(job).await.unwrap().is_empty());
    // What compresses below the bound is kept, and the database takes it.
    let large = task_of(job, 2, 6_000);
    store.insert_tasks(std::slice::from_ref(&large)).await.unwrap();
    let mut kept = store.task(large.id).await.unwrap().unwrap();
    assert_eq!(kept.value, large);
    // A row that has shrunk is legible again, and one that has grown is not read from what it was.
    kept.value.files.truncate(1);
    let kept = store.replace_task(kept).await.unwrap();
    assert_eq!(store.task(large.id).await.unwrap().unwrap(), kept);
    let grown = store.replace_task(Versioned { value: large, ..kept }).await.unwrap();
    assert_eq!(store.task(grown.value.id).await.unwrap().unwrap(), grown);
    let user = "u".repeat(3_000);
    let id = UsageId { user, day: "2026-03-30".parse().unwrap() };
    let nothing = Versioned { value: Usage::default(), version: 0 };
    let text = store.replace_usage(&id, nothing).await.unwrap_err().to_string();
    assert!(text.ends_with("instead: a shorter name of the user"), "{text}");
}

#[tokio::test]
async fn a_lost_answer_is_no_lost_race() {
    let job = job_of(Utc::now());
    let table = table::new("lost").await;
    let births = Lossy::new("TransactWriteItems").await;
    let store = DynamoStore::new(&config_at(&births.endpoint).await, &table, KEPT);
    births.lose(2);
    let born = store.insert_job(&job).await.unwrap();
    assert_eq!(births.left(), 0);
    assert!(matches!(store.insert_job(&job).await, Err(StoreError::Exists(_))));

    let changes = Lossy::new("UpdateItem").await;
    let store = DynamoStore::new(&config_at(&changes.endpoint).await, &table, KEPT);
    changes.lose(2);
    let next = store.replace_job(born.clone()).await.unwrap();
    assert_eq!((changes.left(), next.version), (0, 2));
    assert_eq!(store.job(job.id).await.unwrap().unwrap(), next);
    assert!(matches!(store.replace_job(born).await, Err(StoreError::Changed(_))));
    let id = UsageId { user: "ada".into(), day: "2026-03-30".parse().unwrap() };
    changes.lose(1);
    let nothing = store.usage(&id).await.unwrap();
    assert_eq!(store.replace_usage(&id, nothing).await.unwrap().version, 1);
}

#[tokio::test]
async fn what_is_missing_is_said() {
    let store = table::store("missing").await;
    let nobody = Versioned { value: conformance::sample_job(), version: 1 };
    assert!(matches!(store.replace_job(nobody).await, Err(StoreError::Missing(_))));
    let nothing = Versioned { value: task_of(JobId::random(), 0, 0), version: 1 };
    assert!(matches!(store.replace_task(nothing).await, Err(StoreError::Missing(_))));
    let elsewhere = DynamoStore::new(&config().await, "no-such-table", KEPT);
    let error = elsewhere.job(JobId::random()).await.unwrap_err();
    assert!(matches!(&error, StoreError::Refused(why) if why.contains("ResourceNotFound")), "{error}");
}
