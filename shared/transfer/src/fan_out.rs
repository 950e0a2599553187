//! Fan-out: nights become tasks, the job gets its one schema, and the topic its copies of it.

use crate::{
    Ledger, Manifest, Plan, Service, TransferError, content_plan::ContentPlan, footers::Seen, pace::window,
    service::now,
};
use archive::{LeafSet, NightSchema, unify};
use arrow::datatypes::SchemaRef;
use broker::Existing;
use job::{Failure, FieldPath, Job, JobId, JobState, Night, Task, TaskFile, TaskId, TaskState};
use std::{collections::BTreeSet, sync::Arc};
use store::Work;
use tracing::Instrument;

/// A log line or note names no more fields than this.
const NAMED_FIELDS: usize = 8;

impl Service {
    /// Splits a job into tasks. Running it twice is harmless: tasks that exist are left as they are.
    pub async fn fan_out(&self, id: JobId) -> Result<(), TransferError> {
        let job = self.job(id).await?.value;
        let span = tracing::info_span!("fan-out", job = %id, trace = %job.trace);
        self.split(job).instrument(span).await
    }

    async fn split(&self, job: Job) -> Result<(), TransferError> {
        let id = job.id;
        if job.state.is_final() {
            return Ok(());
        }
        if job.ready {
            self.send_tasks(id).await?;
            return self.finish_if_complete(id).await;
        }
        match self.fan_out_or_fail(&job).await {
            Ok(()) => Ok(()),
            Err(error) if error.kind().is_worth_retrying() => Err(error),
            // A twin may have come through meanwhile.
            Err(error) if self.job(id).await?.value.ready => {
                tracing::warn!(%error, "a second fan-out failed");
                Ok(())
            }
            Err(error) => self.fail_job(id, &error).await,
        }
    }

    async fn fan_out_or_fail(&self, job: &Job) -> Result<(), TransferError> {
        let manifest: Manifest = self.read_json(job.id, "manifest.json").await?;
        manifest.check(job)?;
        let nights = self.look_at_all(&manifest.nights).await?;
        let schemas = archive::distinct(nights.iter().flat_map(|seen| seen.schemas.iter().cloned()));
        if schemas.is_empty() {
            let reasons = nights.iter().find_map(|seen| seen.files.as_ref().err().map(ToString::to_string));
            let hint = reasons.unwrap_or_else(|| "their folders hold no Parquet file".into());
            return Err(TransferError::NoNights { hint });
        }
        let content = ContentPlan::over_nights(&manifest.request, &unify(&schemas))?;
        let avro_schema = packet::avro_schema(&content.layout)?;
        let fingerprint = packet::fingerprint(&avro_schema);
        let columns = archive::describe(&content.columns);
        let plan = Plan { columns, fingerprint, avro_schema, tns: self.tns.fingerprint() };
        let plan = self.write_json_once(job.id, "plan.json", plan).await?;
        self.kafka.create_topics(&manifest.topic, manifest.partitions, Existing::Accept).await?;
        self.kafka.publish_schema(&manifest.topic, &plan.avro_schema).await?;

        // Fixed before the first is kept: who goes on after a fan-out that was broken off, with some tasks kept and the
        // archive perhaps another, finds all of them here.
        let tasks = self.write_json_once(job.id, "tasks.json", self.tasks_of(job.id, &nights)).await?;
        check_numbers(job.id, &tasks)?;
        self.store.insert_tasks(&tasks).await?;
        for unreadable in tasks.iter().filter(|task| task.state == TaskState::Failed) {
            self.bury(unreadable).await;
        }
        let notes = lacking_fields(&content, &schemas);
        let with_tasks: BTreeSet<Night> = tasks.iter().map(|task| task.night).collect();
        let is_hollow = |night: &Night| !with_tasks.contains(night);
        let hollow: Vec<Night> = manifest.nights.iter().copied().filter(is_hollow).collect();
        let (count, alerts) =
            (tasks.len(), tasks.iter().flat_map(|task| &task.files).map(|file| file.rows).sum::<u64>());
        self.change_job(job.id, |job| {
            if job.state.is_final() || job.ready {
                return false;
            }
            job.state = JobState::Running;
            job.ready = true;
            job.tasks = u32::try_from(count).unwrap_or(u32::MAX);
            job.notes.extend(notes.iter().cloned());
            if !hollow.is_empty() {
                job.notes.push(format!(
                    "{} of the chosen nights have a folder without any Parquet file",
                    hollow.len()
                ));
                job.empty_nights.extend(&hollow);
            }
            job.note(now(), format!("{count} tasks over {alerts} alerts"));
            true
        })
        .await?;
        tracing::info!(tasks = count, alerts, "fanned out");
        self.send_tasks(job.id).await?;
        self.finish_if_complete(job.id).await
    }

    /// One task a night in order of time, several for a night over the size limit.
    fn tasks_of(&self, job: JobId, nights: &[Seen]) -> Vec<Task> {
        let mut tasks = Vec::new();
        let mut add = |night: Night, part: u32, files: Vec<TaskFile>, failure: Option<Failure>| {
            let index = u32::try_from(tasks.len()).unwrap_or(u32::MAX);
            let mut task = Task::new(TaskId { job, index }, night, part, files);
            if failure.is_some() {
                task.state = TaskState::Failed;
                task.ended = Some(now());
                task.failure = failure;
            }
            tasks.push(task);
        };
        for seen in nights {
            match &seen.files {
                Err(error) => {
                    add(seen.night, 0, Vec::new(), Some(Failure::new(error.kind(), error.to_string())))
                }
                Ok(files) => {
                    for (part, files) in self.parts(files).into_iter().enumerate() {
                        add(seen.night, u32::try_from(part).unwrap_or(u32::MAX), files, None);
                    }
                }
            }
        }
        tasks
    }

    fn parts(&self, files: &[TaskFile]) -> Vec<Vec<TaskFile>> {
        let mut parts: Vec<Vec<TaskFile>> = Vec::new();
        let mut bytes = u64::MAX;
        for file in files {
            let size = file.size;
            if bytes.saturating_add(size) > self.settings.task_bytes || parts.is_empty() {
                parts.push(Vec::new());
                bytes = 0;
            }
            bytes += size;
            if let Some(part) = parts.last_mut() {
                part.push(file.clone());
            }
        }
        parts
    }
}

impl Ledger {
    /// Queues what may run now: all open tasks, or the first of them where the job goes in order.
    pub(crate) async fn send_tasks(&self, id: JobId) -> Result<(), TransferError> {
        let job = self.job(id).await?.value;
        let tasks = self.store.tasks(id).await?;
        let open = window(&job.request, tasks.iter().map(|task| &task.value));
        let work: Vec<Work> = open.map(|task| Work::Task(task.id)).collect();
        self.queue.send(&work).await?;
        Ok(())
    }
}

/// Tasks are numbered from 0, each once: a gap would be a night that is missed in silence.
fn check_numbers(job: JobId, tasks: &[Task]) -> Result<(), TransferError> {
    let numbered = (0..).zip(tasks).all(|(index, task)| task.id == TaskId { job, index });
    let path = format!("jobs/{job}/tasks.json");
    let reason = "its tasks are not those of the job, numbered from 0".into();
    if numbered { Ok(()) } else { Err(TransferError::Damaged { path, reason }) }
}

/// For each night that lacks fields of the content, a note; neighbours that lack the same share one.
fn lacking_fields(content: &ContentPlan, schemas: &[NightSchema]) -> Vec<String> {
    let mut groups: Vec<(Vec<String>, Vec<Night>)> = Vec::new();
    // Of thousands of nights with a few schemas between them.
    let mut known: Vec<(&SchemaRef, Vec<String>)> = Vec::new();
    for night in schemas {
        let found = known.iter().find(|(schema, _)| Arc::ptr_eq(schema, &night.schema));
        let lacking = match found {
            Some((_, lacking)) => lacking.clone(),
            None => {
                let lacking = content.lacking(&night.schema);
                known.push((&night.schema, lacking.clone()));
                lacking
            }
        };
        match groups.iter_mut().find(|(fields, _)| *fields == lacking) {
            _ if lacking.is_empty() => {}
            Some((_, nights)) if nights.contains(&night.night) => {}
            Some((_, nights)) => nights.push(night.night),
            None => groups.push((lacking, vec![night.night])),
        }
    }
    let note = |(fields, nights): (Vec<String>, Vec<Night>)| {
        let named = fields.iter().take(NAMED_FIELDS).cloned().collect::<Vec<_>>().join(", ");
        let more = match fields.len().saturating_sub(NAMED_FIELDS) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let nights = match (nights.first(), nights.last()) {
            (Some(first), Some(last)) if first != last => {
                format!("{} nights from {first} to {last}", nights.len())
            }
            (Some(only), _) => format!("the night {only}"),
            _ => String::new(),
        };
        format!("{named}{more}: null in {nights}, which lack them")
    };
    groups.into_iter().map(note).collect()
}

/// The columns of a plan as a schema and the leaves in it.
pub(crate) fn planned_columns(plan: &Plan) -> Result<LeafSet, TransferError> {
    let schema = archive::from_description(&plan.columns)?;
    let roots: Vec<FieldPath> = schema.fields().iter().map(|field| FieldPath::new([field.name()])).collect();
    Ok(LeafSet::new(&schema, roots))
}
