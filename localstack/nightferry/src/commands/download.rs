//! `nightferry download`: a topic becomes Parquet or Avro files.
//!
//! The job tells when its topic is complete. Where one is known, the download ends at the receipt's offsets: at once if
//! the job has ended, else it follows the job to its end.

use super::{jobs::code_of, source};
use crate::{
    args::{Download, FileFormat, PartitionBy},
    client::{Client, ClientError},
    exit::{self, CommandError},
    show::{self, DownloadBar},
};
use chrono::Utc;
use download::{DownloadError, Format, Horizon, Layout, Limits, Options, Summary};
use job::{JobId, JobState, TopicName};
use serde::Serialize;
use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};
use transfer::{JobDocument, Receipt};

/// How often a job that is followed is asked for.
const GLANCE: Duration = Duration::from_millis(200);

/// How long the API may be silent while its job is followed.
const PATIENCE: Duration = Duration::from_secs(60);

/// What programs get.
#[derive(Serialize)]
struct Outcome {
    topic: TopicName,
    outdir: PathBuf,
    #[serde(flatten)]
    summary: Summary,
    /// The job, if one is known.
    job: Option<JobId>,
    /// What had become of it.
    state: Option<JobState>,
    /// Whether all is on disk that the job's receipt tells of; null without a receipt.
    complete: Option<bool>,
}

/// What a job is known to have put into its topic.
enum Told {
    /// Nothing: no job is known.
    Nothing,
    /// It was still at it when the download began, and was not to be followed.
    Running(JobDocument),
    /// It has ended; rarely without a receipt.
    Ended(JobDocument, Option<Receipt>),
    /// It was followed until its API fell silent.
    Lost(JobDocument, ClientError),
}

pub async fn run(args: &Download) -> Result<u8, CommandError> {
    let (api, begun) = (&args.api, Instant::now());
    let job = source::find(api, &args.topic, "reading what the topic holds now").await?;
    let client = Client::new(api).with_patience(Duration::from_secs(10));
    let bar = DownloadBar::new(args.api.json);
    let job = match job {
        Some(job) => Some(until_ready(&client, job, &bar, args.no_follow).await?),
        None => None,
    };
    let topic = match &job {
        Some(job) => match &job.status.topic {
            Some(topic) => topic.parse()?,
            None => {
                bar.clear();
                return Ok(without_topic(job));
            }
        },
        None => args.topic.parse()?,
    };
    let (summary, told) = read(args, &topic, job, &client, &bar).await?;
    bar.clear();
    let outcome = outcome(args, topic, summary, &told);
    let code = code(&told, &outcome);
    if args.api.json {
        show::json(&outcome);
    } else {
        tell(&outcome, &told, begun.elapsed());
    }
    if let Told::Lost(_, error) = told {
        show::complain(&format!("{error}; what has come is on disk, run again to go on"));
    }
    Ok(code)
}

fn options(args: &Download, topic: &TopicName) -> Options {
    Options {
        bootstrap: args.bootstrap.clone(),
        topic: topic.clone(),
        outdir: args.outdir.clone(),
        layout: match args.partitionby {
            PartitionBy::Time => Layout::Time,
            PartitionBy::Finkclass => Layout::Finkclass,
            PartitionBy::Tnsclass => Layout::Tnsclass,
            PartitionBy::None => Layout::Flat,
        },
        format: match args.format {
            FileFormat::Parquet => Format::Parquet,
            FileFormat::Avro => Format::Avro,
        },
    }
}

/// Waits until the topic can be told, or the job has failed before.
async fn until_ready(
    client: &Client,
    mut job: JobDocument,
    bar: &DownloadBar,
    no_follow: bool,
) -> Result<JobDocument, CommandError> {
    let id = job.id.to_string();
    while job.status.topic.is_none() && !job.status.state.is_final() && !no_follow {
        bar.say("the job is being prepared");
        tokio::time::sleep(GLANCE).await;
        job = client.job(&id).await?;
    }
    Ok(job)
}

/// The job has no topic to read.
fn without_topic(job: &JobDocument) -> u8 {
    let state = job.status.state;
    let reason = job.status.failure.as_ref().map_or(String::new(), |failure| format!(": {}", failure.reason));
    show::complain(&format!("the job {} has no topic yet, it is {state}{reason}", job.id));
    if state.is_final() { code_of(state) } else { exit::REFUSED }
}

/// Reads to where the job says, and returns what the job was known to be then.
async fn read(
    args: &Download,
    topic: &TopicName,
    job: Option<JobDocument>,
    client: &Client,
    bar: &DownloadBar,
) -> Result<(Summary, Told), CommandError> {
    let expired = job.as_ref().map(|job| &job.status);
    let expired =
        expired.filter(|status| status.expired || status.expires < Utc::now()).map(|status| status.expires);
    let options = options(args, topic);
    let begin = |horizon: Arc<Horizon>| {
        let bar = bar.clone();
        tokio::task::spawn_blocking(move || {
            download::run_to(&options, &Limits::default(), &horizon, &|progress| bar.show(progress))
        })
    };
    let (summary, told) = match job {
        None => (begin(Arc::new(Horizon::now())).await, Told::Nothing),
        Some(job) if job.status.state.is_final() => {
            let receipt = source::receipt(client, job.id).await?;
            let horizon =
                receipt.as_ref().map_or_else(Horizon::now, |receipt| Horizon::at(source::ends(receipt)));
            (begin(Arc::new(horizon)).await, Told::Ended(job, receipt))
        }
        Some(job) if args.no_follow => (begin(Arc::new(Horizon::now())).await, Told::Running(job)),
        Some(job) => {
            let horizon = Arc::new(Horizon::open());
            let mut reader = begin(horizon.clone());
            tokio::select! {
                told = follow(client, job.clone(), &horizon, bar) => (reader.await, told),
                // Only an error ends it before the job does.
                summary = &mut reader => (summary, Told::Running(job)),
            }
        }
    };
    match summary.map_err(CommandError::stack)? {
        Ok(summary) => Ok((summary, told)),
        Err(error @ DownloadError::NoTopic { .. }) => Err(match expired {
            Some(expires) => CommandError::Expired { topic: topic.clone(), expires },
            None => error.into(),
        }),
        Err(error) => Err(error.into()),
    }
}

/// Watches a job to its end, and tells the reader where that is.
async fn follow(client: &Client, mut job: JobDocument, horizon: &Horizon, bar: &DownloadBar) -> Told {
    let (id, mut heard) = (job.id.to_string(), Instant::now());
    loop {
        bar.say(&format!("job {}", job.status.state));
        horizon.expect(expected(&job));
        let mut step = Ok(());
        if job.status.state.is_final() {
            match source::receipt(client, job.id).await {
                Ok(Some(receipt)) => {
                    horizon.close(source::ends(&receipt));
                    return Told::Ended(job, Some(receipt));
                }
                // Either it ended without one, or a retry came in between.
                Ok(None) => match client.job(&id).await {
                    Ok(again) if again.status.state.is_final() && again.status.ended == job.status.ended => {
                        horizon.close_now();
                        return Told::Ended(again, None);
                    }
                    Ok(_) => {}
                    Err(error) => step = Err(error),
                },
                Err(error) => step = Err(error),
            }
        }
        tokio::time::sleep(GLANCE).await;
        let newer = match step {
            Ok(()) => client.job(&id).await,
            Err(error) => Err(error),
        };
        match newer {
            Ok(newer) => (job, heard) = (newer, Instant::now()),
            Err(error) if heard.elapsed() > PATIENCE => {
                horizon.close_now();
                return Told::Lost(job, error);
            }
            Err(_) => {}
        }
    }
}

/// How many alerts the topic will hold, going by what passed so far.
fn expected(job: &JobDocument) -> u64 {
    let status = &job.status;
    let counts = &status.counts;
    let unread = status.alerts.saturating_sub(counts.read);
    let passing = if counts.read == 0 { 1.0 } else { counts.kept as f64 / counts.read as f64 };
    let expected = counts.kept + (unread as f64 * passing).round() as u64;
    job.request.alert_limit().map_or(expected, |limit| expected.min(limit))
}

fn outcome(args: &Download, topic: TopicName, summary: Summary, told: &Told) -> Outcome {
    let job = match told {
        Told::Nothing => None,
        Told::Running(job) | Told::Ended(job, _) | Told::Lost(job, _) => Some(job),
    };
    let complete = match told {
        Told::Ended(_, Some(receipt)) => {
            let told: u64 = receipt.partitions.iter().map(|span| span.end.unsigned_abs()).sum();
            Some(summary.alerts == told && summary.short == 0)
        }
        _ => None,
    };
    let (job, state) = (job.map(|job| job.id), job.map(|job| job.status.state));
    Outcome { topic, outdir: args.outdir.clone(), summary, job, state, complete }
}

fn code(told: &Told, outcome: &Outcome) -> u8 {
    match told {
        Told::Nothing | Told::Running(_) => exit::OK,
        Told::Lost(..) => exit::UNREACHABLE,
        Told::Ended(job, _) => match code_of(job.status.state) {
            exit::OK if outcome.complete == Some(false) => exit::INCOMPLETE,
            code => code,
        },
    }
}

fn tell(outcome: &Outcome, told: &Told, elapsed: Duration) {
    let Outcome { summary, outdir, .. } = outcome;
    show::line(&format!(
        "{} alerts ({} new) in {}, {} new files, in {} ({})",
        show::count(summary.alerts),
        show::count(summary.new_alerts),
        outdir.display(),
        show::count(summary.files),
        show::duration(elapsed),
        show::rate(summary.new_alerts, elapsed)
    ));
    if summary.expired > 0 {
        let kept = match told {
            Told::Running(job) | Told::Ended(job, _) | Told::Lost(job, _) => {
                format!("; the topic keeps alerts until {}", job.status.expires.format("%Y-%m-%d %H:%M UTC"))
            }
            Told::Nothing => String::new(),
        };
        let expired = show::count(summary.expired);
        show::remark(&format!("{expired} alerts had expired before they were read{kept}"));
    }
    if summary.short > 0 {
        let short = show::count(summary.short);
        show::complain(&format!("the topic lacks {short} alerts at its end that the receipt tells of"));
    }
    if summary.beyond > 0 {
        let beyond = show::count(summary.beyond);
        show::remark(&format!("the topic holds {beyond} messages more than the receipt: they were not read"));
    }
    match told {
        Told::Nothing | Told::Lost(..) => {}
        Told::Running(job) => {
            let sent = show::count(job.status.counts.sent);
            show::remark(&format!(
                "the job is {}, with {sent} alerts sent when this began; run again for the rest",
                job.status.state
            ));
        }
        Told::Ended(job, None) => {
            show::remark(&format!("the job is {} and has no receipt to compare with", job.status.state));
        }
        Told::Ended(job, Some(receipt)) => tell_ended(job, receipt, outcome),
    }
}

fn tell_ended(job: &JobDocument, receipt: &Receipt, outcome: &Outcome) {
    if outcome.complete != Some(true) {
        return;
    }
    let held: i64 = receipt.partitions.iter().map(|span| span.end).sum();
    let held = show::count(held.unsigned_abs());
    match job.status.state {
        JobState::Done => {
            show::line(&format!("complete: all {held} alerts of the job's receipt are on disk"));
        }
        state => show::remark(&format!(
            "the job is {state}: its topic ends at {held} alerts, and they are all on disk; \
             `nightferry retry {}` appends the rest, `nightferry download` then fetches just that",
            job.id
        )),
    }
}
