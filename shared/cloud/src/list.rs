//! The list of jobs, newest first: months, places in them, and the jobs they name.

use crate::{
    DynamoStore,
    dynamo::{is_there, wait},
    failure::failed,
    key::{Key, MONTHS, month_partition},
    row::{Attributes, number, read, text},
};
use aws_sdk_dynamodb::{
    operation::query::builders::QueryFluentBuilder,
    types::{AttributeValue, KeysAndAttributes},
};
use job::{Job, JobId};
use std::collections::HashMap;
use store::{StoreError, Versioned};

/// Rows that DynamoDB gives out in one batch.
const BATCH: usize = 100;
/// How often the rest of a batch is asked for without getting any of it.
const ATTEMPTS: u32 = 8;

impl DynamoStore {
    /// Says that a job's month has jobs, for as long as it has.
    pub(crate) async fn keep_month(&self, job: &Job) -> Result<(), StoreError> {
        let expires = number(self.expiry(job.expires).timestamp());
        let mut row = Key::month(job).attributes();
        row.insert("expires_at".into(), expires.clone());
        let call = self.client.put_item().table_name(&self.table).set_item(Some(row));
        let call = call
            .condition_expression("attribute_not_exists(pk) OR expires_at < :expires")
            .expression_attribute_values(":expires", expires);
        match call.send().await {
            Ok(_) => Ok(()),
            Err(error) if is_there(&error) => Ok(()),
            Err(error) => Err(failed("keep the month of a job", &error)),
        }
    }

    /// The newest jobs, newest first.
    pub(crate) async fn newest_jobs(&self, at_most: usize) -> Result<Vec<Versioned<Job>>, StoreError> {
        let mut jobs = Vec::new();
        let mut months = self.newest_first(MONTHS).into_paginator().items().send();
        while let Some(month) = months.next().await {
            if jobs.len() >= at_most {
                break;
            }
            let month = month.map_err(|error| failed("list the months of jobs", &error))?;
            if let Some(month) = text(&month, "sk") {
                self.add_month(month, at_most, &mut jobs).await?;
            }
        }
        Ok(jobs)
    }

    /// Adds the newest jobs of a month until there are enough.
    async fn add_month(
        &self,
        month: &str,
        at_most: usize,
        jobs: &mut Vec<Versioned<Job>>,
    ) -> Result<(), StoreError> {
        let mut after = None;
        while jobs.len() < at_most {
            let wanted = (at_most - jobs.len()).min(BATCH);
            let call = self.newest_first(&month_partition(month)).limit(wanted as i32);
            let page = call.set_exclusive_start_key(after.take()).send().await;
            let page = page.map_err(|error| failed("list the jobs of a month", &error))?;
            let named: Vec<JobId> =
                page.items().iter().filter_map(|row| text(row, "job")?.parse().ok()).collect();
            jobs.extend(self.jobs_named(&named).await?);
            after = page.last_evaluated_key;
            if after.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// The jobs of these names in that order, without those that have expired already. At most a batch.
    async fn jobs_named(&self, named: &[JobId]) -> Result<Vec<Versioned<Job>>, StoreError> {
        let mut found: HashMap<JobId, Versioned<Job>> = HashMap::new();
        let mut rest: Vec<Attributes> = named.iter().map(|id| Key::job(*id).attributes()).collect();
        let mut tried = 0;
        while !rest.is_empty() {
            let keys = KeysAndAttributes::builder().set_keys(Some(rest)).consistent_read(true).build();
            let keys = keys.map_err(|error| StoreError::Refused(error.to_string()))?;
            let answer = self.client.batch_get_item().request_items(&self.table, keys).send().await;
            let answer = answer.map_err(|error| failed("read jobs", &error))?;
            let rows = answer.responses.unwrap_or_default().remove(&self.table).unwrap_or_default();
            tried = if rows.is_empty() { tried + 1 } else { 0 };
            for row in rows {
                let job: Versioned<Job> = read(&row)?;
                found.insert(job.value.id, job);
            }
            let left = answer.unprocessed_keys.unwrap_or_default().remove(&self.table);
            rest = left.map(|left| left.keys).unwrap_or_default();
            if !rest.is_empty() {
                if tried >= ATTEMPTS {
                    return Err(StoreError::Throttled("read jobs: none of a batch is given out".into()));
                }
                tokio::time::sleep(wait(tried + 1)).await;
            }
        }
        Ok(named.iter().filter_map(|id| found.remove(id)).collect())
    }

    fn newest_first(&self, partition: &str) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", AttributeValue::S(partition.into()))
            .scan_index_forward(false)
            .consistent_read(true)
    }
}
