//! The store: single rows by conditional writes.

use crate::{
    failure::{failed, reasons, refused},
    key::{Key, TASKS, partition_of},
    row::{Attributes, Kept, number, read, text, written},
};
use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_dynamodb::{
    Client,
    error::SdkError,
    operation::{put_item::PutItemError, update_item::UpdateItemError},
    types::{
        AttributeValue, CancellationReason, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
    },
};
use chrono::{DateTime, TimeDelta, Utc};
use futures::{StreamExt, TryStreamExt};
use job::{Job, JobId, Task, TaskId, TopicName, Usage, UsageId};
use std::{
    collections::{BTreeMap, HashSet},
    ops::Range,
    time::Duration,
};
use store::{Store, StoreError, Versioned};

/// Writes under way at once when tasks are kept.
const WRITES: usize = 32;
/// How often a transaction is tried that another one was in the way of.
const TRANSACTIONS: u32 = 8;
const NOT_THERE: &str = "attribute_not_exists(pk)";

/// Jobs, tasks and usage in a table of DynamoDB; the crate's documentation describes it.
#[derive(Clone, Debug)]
pub struct DynamoStore {
    pub(crate) client: Client,
    pub(crate) table: String,
    kept: TimeDelta,
}

impl DynamoStore {
    /// A store in this table. Rows are deleted when a job's topic has expired `kept` ago.
    pub fn new(config: &SdkConfig, table: impl Into<String>, kept: Duration) -> Self {
        let kept = TimeDelta::from_std(kept).unwrap_or(TimeDelta::days(36_500));
        Self { client: Client::new(config), table: table.into(), kept }
    }

    /// When a row may go that is of use until `moment`.
    pub(crate) fn expiry(&self, moment: DateTime<Utc>) -> DateTime<Utc> {
        moment.checked_add_signed(self.kept).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    async fn get(&self, key: Key) -> Result<Option<Attributes>, StoreError> {
        let call = self.client.get_item().table_name(&self.table).set_key(Some(key.attributes()));
        let answer = call.consistent_read(true).send().await;
        Ok(answer.map_err(|error| failed("read a row", &error))?.item)
    }

    async fn kept<T: Kept>(&self, key: Key) -> Result<Option<Versioned<T>>, StoreError> {
        self.get(key).await?.as_ref().map(read).transpose()
    }

    /// Writes a row over the version that was seen. Version 0 of a row that `begins` is one that is not there yet.
    async fn replace<T: Kept>(
        &self,
        key: Key,
        seen: Versioned<T>,
        begins: Option<DateTime<Utc>>,
        name: impl Fn() -> String,
    ) -> Result<Versioned<T>, StoreError> {
        let body = written(&name, &key, &seen.value)?;
        let next = Versioned { value: seen.value, version: seen.version + 1 };
        let writer = mark();
        let mut assigned =
            "SET version = :next, writer = :writer, #body = :body, expires_at = if_not_exists(expires_at, :expires)"
                .to_owned();
        let expires = begins.unwrap_or_else(|| self.expiry(Utc::now()));
        let mut call = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key.clone().attributes()))
            .expression_attribute_names("#body", body.body.0)
            .expression_attribute_names("#absent", body.absent)
            .expression_attribute_values(":body", body.body.1)
            .expression_attribute_values(":next", number(next.version))
            .expression_attribute_values(":writer", AttributeValue::S(writer.clone()))
            .expression_attribute_values(":expires", number(expires.timestamp()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        for (attribute, value) in body.told {
            assigned.push_str(&format!(", #{attribute} = :{attribute}"));
            call = call
                .expression_attribute_names(format!("#{attribute}"), attribute)
                .expression_attribute_values(format!(":{attribute}"), AttributeValue::S(value));
        }
        call = call.update_expression(format!("{assigned} REMOVE #absent"));
        call = match (seen.version, begins) {
            (0, Some(_)) => call.condition_expression(NOT_THERE),
            (version, _) => call
                .condition_expression("version = :seen")
                .expression_attribute_values(":seen", number(version)),
        };
        let error = match call.send().await {
            Ok(_) => return Ok(next),
            Err(error) => error,
        };
        let Some(UpdateItemError::ConditionalCheckFailedException(found)) = error.as_service_error() else {
            return Err(failed("replace a row", &error));
        };
        match found.item() {
            // The first of two tries went through, and its answer was lost.
            Some(row) if text(row, "writer") == Some(&writer) => Ok(next),
            Some(_) => Err(StoreError::Changed(name())),
            None if begins.is_some() => Err(StoreError::Changed(name())),
            None => Err(StoreError::Missing(name())),
        }
    }

    /// Keeps a row where there is none; whether there was one is of no interest.
    async fn put_new(&self, row: Attributes) -> Result<(), StoreError> {
        let call = self.client.put_item().table_name(&self.table).set_item(Some(row));
        match call.condition_expression(NOT_THERE).send().await {
            Ok(_) => Ok(()),
            Err(error) if is_there(&error) => Ok(()),
            Err(error) => Err(failed("keep a row", &error)),
        }
    }

    /// The numbers of a job's tasks that are kept.
    async fn task_numbers(&self, job: JobId) -> Result<HashSet<String>, StoreError> {
        let mut pages = self.task_query(job).projection_expression("sk").into_paginator().items().send();
        let mut numbers = HashSet::new();
        while let Some(row) = pages.next().await {
            let row = row.map_err(|error| failed("list the tasks of a job", &error))?;
            numbers.extend(text(&row, "sk").map(str::to_owned));
        }
        Ok(numbers)
    }

    fn task_query(&self, job: JobId) -> aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder {
        self.client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND begins_with(sk, :tasks)")
            .expression_attribute_values(":pk", AttributeValue::S(partition_of(job)))
            .expression_attribute_values(":tasks", AttributeValue::S(TASKS.into()))
            .consistent_read(true)
    }

    /// Writes a job, its topic and its place in the list, all or none.
    async fn transact(&self, job: &Job, row: Attributes, writer: &str) -> Result<(), StoreError> {
        let expires = number(self.expiry(job.expires).timestamp());
        let pointer = |key: Key| {
            let mut row = key.attributes();
            row.insert("job".into(), AttributeValue::S(job.id.to_string()));
            row.insert("expires_at".into(), expires.clone());
            put(&self.table, row, None)
        };
        let writes = [
            put(&self.table, row, Some(NOT_THERE))?,
            pointer(Key::listed(job))?,
            pointer(Key::topic(&job.topic))?,
        ];
        let mut tried = 0;
        loop {
            tried += 1;
            let call = self.client.transact_write_items().set_transact_items(Some(writes.to_vec()));
            let Err(error) = call.send().await else { return Ok(()) };
            let Some(reasons) = reasons(&error) else { return Err(failed("keep a job", &error)) };
            match given_up(reasons, writer) {
                GivenUp::Mine => return Ok(()),
                GivenUp::Exists => return Err(StoreError::Exists(format!("job {}", job.id))),
                GivenUp::Fault(error) if error.kind().is_worth_retrying() && tried < TRANSACTIONS => {
                    tokio::time::sleep(wait(tried)).await;
                }
                GivenUp::Fault(error) => return Err(error),
            }
        }
    }
}

#[async_trait]
impl Store for DynamoStore {
    async fn insert_job(&self, job: &Job) -> Result<Versioned<Job>, StoreError> {
        let (key, writer) = (Key::job(job.id), mark());
        let body = written(|| format!("job {}", job.id), &key, job)?;
        let row = body.into_new_row(key, &writer, self.expiry(job.expires));
        // First: a job must not be in a month that nobody looks at.
        self.keep_month(job).await?;
        self.transact(job, row, &writer).await?;
        Ok(Versioned { value: job.clone(), version: 1 })
    }

    async fn job(&self, id: JobId) -> Result<Option<Versioned<Job>>, StoreError> {
        self.kept(Key::job(id)).await
    }

    async fn job_of_topic(&self, topic: &TopicName) -> Result<Option<Versioned<Job>>, StoreError> {
        let Some(row) = self.get(Key::topic(topic)).await? else { return Ok(None) };
        let id = text(&row, "job").and_then(|id| id.parse().ok());
        self.job(id.ok_or_else(|| StoreError::Refused(format!("the row of {topic} names no job")))?).await
    }

    async fn jobs(&self, at_most: usize) -> Result<Vec<Versioned<Job>>, StoreError> {
        self.newest_jobs(at_most).await
    }

    async fn replace_job(&self, job: Versioned<Job>) -> Result<Versioned<Job>, StoreError> {
        let id = job.value.id;
        self.replace(Key::job(id), job, None, || format!("job {id}")).await
    }

    async fn insert_tasks(&self, tasks: &[Task]) -> Result<(), StoreError> {
        let mut jobs: BTreeMap<JobId, Vec<&Task>> = BTreeMap::new();
        for task in tasks {
            jobs.entry(task.id.job).or_default().push(task);
        }
        let mut rows = Vec::new();
        for (job, tasks) in jobs {
            let of_use_until = self.job(job).await?.map_or_else(Utc::now, |job| job.value.expires);
            // A refused write is paid like any other: what is there already is not written again.
            let kept = self.task_numbers(job).await?;
            for task in tasks {
                let key = Key::task(task.id);
                let body = written(|| format!("task {}", task.id), &key, task)?;
                if !kept.contains(&key.sk) {
                    rows.push(body.into_new_row(key, &mark(), self.expiry(of_use_until)));
                }
            }
        }
        let writes = futures::stream::iter(rows).map(|row| self.put_new(row)).buffer_unordered(WRITES);
        writes.try_collect().await
    }

    async fn task(&self, id: TaskId) -> Result<Option<Versioned<Task>>, StoreError> {
        self.kept(Key::task(id)).await
    }

    async fn tasks(&self, job: JobId) -> Result<Vec<Versioned<Task>>, StoreError> {
        let mut pages = self.task_query(job).into_paginator().items().send();
        let mut tasks = Vec::new();
        while let Some(row) = pages.next().await {
            tasks.push(read(&row.map_err(|error| failed("read the tasks of a job", &error))?)?);
        }
        Ok(tasks)
    }

    async fn tasks_in(&self, job: JobId, numbers: Range<u32>) -> Result<Vec<Versioned<Task>>, StoreError> {
        let Some(last) = numbers.end.checked_sub(1).filter(|last| *last >= numbers.start) else {
            return Ok(Vec::new());
        };
        let place = |index| AttributeValue::S(Key::task(TaskId { job, index }).sk);
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND sk BETWEEN :first AND :last")
            .expression_attribute_values(":pk", AttributeValue::S(partition_of(job)))
            .expression_attribute_values(":first", place(numbers.start))
            .expression_attribute_values(":last", place(last))
            .consistent_read(true);
        let mut pages = query.into_paginator().items().send();
        let mut tasks = Vec::new();
        while let Some(row) = pages.next().await {
            tasks.push(read(&row.map_err(|error| failed("read some tasks of a job", &error))?)?);
        }
        Ok(tasks)
    }

    async fn replace_task(&self, task: Versioned<Task>) -> Result<Versioned<Task>, StoreError> {
        let id = task.value.id;
        self.replace(Key::task(id), task, None, || format!("task {id}")).await
    }

    async fn usage(&self, id: &UsageId) -> Result<Versioned<Usage>, StoreError> {
        let nothing = Versioned { value: Usage::default(), version: 0 };
        Ok(self.kept(Key::usage(id)).await?.unwrap_or(nothing))
    }

    async fn replace_usage(
        &self,
        id: &UsageId,
        usage: Versioned<Usage>,
    ) -> Result<Versioned<Usage>, StoreError> {
        let day = id.day.and_time(chrono::NaiveTime::MIN).and_utc();
        let expires = self.expiry(day + TimeDelta::days(1));
        self.replace(Key::usage(id), usage, Some(expires), || format!("usage {id}")).await
    }
}

/// Why a transaction came to nothing.
enum GivenUp {
    /// An earlier try went through, and its answer was lost.
    Mine,
    /// The job is there.
    Exists,
    Fault(StoreError),
}

fn given_up(reasons: &[CancellationReason], writer: &str) -> GivenUp {
    let failed = |reason: &&CancellationReason| reason.code().is_some_and(|code| code != "None");
    let is_condition = |reason: &CancellationReason| reason.code() == Some("ConditionalCheckFailed");
    // Only the job's own row has a condition.
    if let Some(found) = reasons.first().filter(|reason| is_condition(reason)) {
        let mine = found.item().and_then(|row| text(row, "writer")) == Some(writer);
        return if mine { GivenUp::Mine } else { GivenUp::Exists };
    }
    let (code, message) = match reasons.iter().find(failed) {
        Some(reason) => (reason.code().unwrap_or_default(), reason.message()),
        None => ("TransactionConflict", None),
    };
    GivenUp::Fault(refused("keep a job", code, message, false))
}

fn put(table: &str, row: Attributes, condition: Option<&str>) -> Result<TransactWriteItem, StoreError> {
    let put = Put::builder()
        .table_name(table)
        .set_item(Some(row))
        .set_condition_expression(condition.map(str::to_owned))
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .build()
        .map_err(|error| StoreError::Refused(error.to_string()))?;
    Ok(TransactWriteItem::builder().put(put).build())
}

/// Whether a put was refused because its condition does not hold.
pub(crate) fn is_there<R>(error: &SdkError<PutItemError, R>) -> bool {
    matches!(error.as_service_error(), Some(PutItemError::ConditionalCheckFailedException(_)))
}

/// The mark of a write: by it a repeated one knows its own first try.
fn mark() -> String {
    format!("{:016x}", fastrand::u64(..))
}

/// The wait after so many tries: up to 50 ms, doubling, up to 3 s, of random length so that twins part.
pub(crate) fn wait(tried: u32) -> Duration {
    let longest = 50_u64.saturating_mul(1 << tried.saturating_sub(1).min(6)).min(3_000);
    Duration::from_millis(fastrand::u64(longest / 2..=longest))
}
