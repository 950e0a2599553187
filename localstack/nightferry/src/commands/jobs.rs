//! Commands that talk to the API about jobs.

use crate::{
    args::{Api, Estimate, Job, List, Rerun, Status, Submit},
    client::Client,
    exit::{self, CommandError},
    request_args::RequestArgs,
    show::{self, JobBar},
};
use job::{JobRequest, JobState};
use std::{io::Read, path::Path, time::Duration};
use transfer::JobDocument;

/// How often a watched job is asked for.
const GLANCE: Duration = Duration::from_millis(200);

pub async fn submit(submit: &Submit) -> Result<u8, CommandError> {
    let request = request_of(submit.file.as_deref(), &submit.request)?;
    if submit.dry_run {
        show::json(&request);
        return Ok(exit::OK);
    }
    let client = Client::new(&submit.api);
    let job = client.submit(&request).await?;
    follow(&client, job, &submit.api, submit.watch).await
}

/// Sees a new job to its end, or until its topic can be told.
async fn follow(client: &Client, job: JobDocument, api: &Api, to_the_end: bool) -> Result<u8, CommandError> {
    let job = match to_the_end {
        true => watch(client, job, api.json).await?,
        false => until_ready(client, job).await?,
    };
    tell(&job, api.json, to_the_end);
    Ok(if to_the_end { code_of(job.status.state) } else { exit::OK })
}

pub async fn estimate(args: &Estimate) -> Result<u8, CommandError> {
    let request = request_of(args.file.as_deref(), &args.request)?;
    let estimate = Client::new(&args.api).estimate(&request).await?;
    if args.api.json {
        show::json(&estimate)
    } else {
        show::line(&show::estimate_table(&estimate))
    }
    Ok(exit::OK)
}

fn request_of(file: Option<&Path>, options: &RequestArgs) -> Result<JobRequest, CommandError> {
    match file {
        Some(path) => Ok(JobRequest::parse(&read_document(path)?)?),
        None => options.to_request(),
    }
}

pub async fn status(status: &Status) -> Result<u8, CommandError> {
    let client = Client::new(&status.api);
    let id = match &status.job {
        Some(id) => id.clone(),
        None => match client.jobs().await?.first() {
            Some(newest) => newest.id.to_string(),
            None => {
                show::remark("there are no jobs yet; `nightferry submit` makes one");
                return Ok(exit::OK);
            }
        },
    };
    let mut job = client.job(&id).await?;
    if status.watch {
        job = watch(&client, job, status.api.json).await?;
    }
    tell(&job, status.api.json, true);
    Ok(if status.watch { code_of(job.status.state) } else { exit::OK })
}

pub async fn list(list: &List) -> Result<u8, CommandError> {
    let jobs = Client::new(&list.api).jobs().await?;
    if list.api.json {
        show::json(&jobs)
    } else {
        show::line(&show::job_list(&jobs))
    }
    Ok(exit::OK)
}

pub async fn cancel(args: &Job) -> Result<u8, CommandError> {
    let job = Client::new(&args.api).cancel(&args.job).await?;
    tell(&job, args.api.json, true);
    Ok(exit::OK)
}

pub async fn retry(args: &Job) -> Result<u8, CommandError> {
    let job = Client::new(&args.api).retry(&args.job).await?;
    tell(&job, args.api.json, true);
    Ok(exit::OK)
}

pub async fn rerun(args: &Rerun) -> Result<u8, CommandError> {
    let client = Client::new(&args.api);
    let job = client.rerun(&args.job).await?;
    follow(&client, job, &args.api, args.watch).await
}

pub async fn receipt(args: &Job) -> Result<u8, CommandError> {
    let receipt = Client::new(&args.api).receipt(&args.job).await?;
    if args.api.json {
        show::json(&receipt)
    } else {
        show::line(&show::receipt_table(&receipt))
    }
    Ok(exit::OK)
}

/// Shows what happened to a job.
pub async fn log(args: &Job) -> Result<u8, CommandError> {
    let job = Client::new(&args.api).job(&args.job).await?;
    if args.api.json {
        show::json(&job.status.log);
        return Ok(exit::OK);
    }
    for line in &job.status.log {
        show::line(&format!("{}  {}", line.time.format("%Y-%m-%d %H:%M:%S"), line.text));
    }
    show::line(&format!("trace {}", job.status.trace));
    Ok(exit::OK)
}

/// Shows progress until the job has ended.
pub(super) async fn watch(
    client: &Client,
    mut job: JobDocument,
    silent: bool,
) -> Result<JobDocument, CommandError> {
    let bar = JobBar::new(silent);
    let id = job.id.to_string();
    while !job.status.state.is_final() {
        bar.show(&job);
        tokio::time::sleep(GLANCE).await;
        job = client.job(&id).await?;
    }
    bar.clear();
    Ok(job)
}

/// Waits, at most a minute, until the topic can be told (or the job has failed).
async fn until_ready(client: &Client, mut job: JobDocument) -> Result<JobDocument, CommandError> {
    let id = job.id.to_string();
    for _ in 0..300 {
        if job.status.topic.is_some() || job.status.state.is_final() {
            break;
        }
        tokio::time::sleep(GLANCE).await;
        job = client.job(&id).await?;
    }
    Ok(job)
}

fn tell(job: &JobDocument, json: bool, whole: bool) {
    if json {
        return show::json(job);
    }
    if whole {
        return show::line(&show::job_table(job));
    }
    show::line(&format!("job    {}", job.id));
    match &job.status.topic {
        Some(topic) => show::line(&format!("topic  {topic}")),
        None => show::line("topic  (not ready yet)"),
    }
    for note in &job.status.notes {
        show::remark(note);
    }
    if let Some(failure) = &job.status.failure {
        show::complain(&failure.reason);
    }
}

pub(super) fn code_of(state: JobState) -> u8 {
    match state {
        JobState::Failed => exit::FAILED,
        JobState::Partial | JobState::Cancelled => exit::INCOMPLETE,
        JobState::Done | JobState::Queued | JobState::Running => exit::OK,
    }
}

fn read_document(path: &Path) -> Result<String, CommandError> {
    let failed = |source| CommandError::File { path: path.display().to_string(), source };
    if path.as_os_str() == "-" {
        let mut text = String::new();
        let most = job::MAX_DOCUMENT_BYTES as u64 + 1;
        std::io::stdin().take(most).read_to_string(&mut text).map_err(failed)?;
        return Ok(text);
    }
    std::fs::read_to_string(path).map_err(failed)
}
