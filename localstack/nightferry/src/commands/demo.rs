//! The demonstration: a sample archive, the stack, a job, and what arrived.

use super::jobs::{code_of, watch};
use crate::{
    args::{Demo, LimitArgs, Up},
    client::Client,
    commands::simulate::write_with_bar,
    exit::{self, CommandError},
    show,
    stack::Stack,
};
use api::Origins;
use job::{JobRequest, JobState, NightSelection};
use simulate::Simulation;
use std::{
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use transfer::JobDocument;

/// Nights of four kinds: their columns differ as those of the real archive do.
const SAMPLE_NIGHTS: [&str; 4] = ["2020-08-02", "2021-11-22", "2025-09-01..2025-09-03", "2026-03-22"];

pub async fn run(demo: &Demo) -> Result<u8, CommandError> {
    let quiet = demo.json;
    let step = |number, text: &str| {
        if !quiet {
            show::step(number, text);
        }
    };
    let say = |text: &str| {
        if !quiet {
            show::line(&format!("  {text}"));
        }
    };

    let archive = match &demo.archive {
        Some(archive) => archive.clone(),
        None => {
            step(1, "A sample archive");
            sample_archive(demo, &say).await?.display().to_string()
        }
    };
    step(2, "The stack");
    let stack = Stack::start(&up_args(demo, &archive)).await?;
    say(&format!("API     {}", stack.api()));
    say(&format!("broker  {}", stack.bootstrap));

    step(3, "A job");
    let client = Client::at(&stack.api());
    let request = demonstration_job(&client).await?;
    for line in yaml(&request).lines() {
        say(line);
    }
    let begun = Instant::now();
    let job = client.submit(&request).await?;
    let job = watch(&client, job, quiet).await?;
    let elapsed = begun.elapsed();

    if quiet {
        show::json(&job);
    } else {
        step(4, "What arrived");
        show::line(&show::arrivals(&job));
        for line in ending(&job, elapsed) {
            say(&line);
        }
        step(5, "Go on");
        for command in next_commands(demo, &archive, &job) {
            say(&command);
        }
    }
    stack.stop().await;
    Ok(match job.status.state {
        JobState::Done => exit::OK,
        other => code_of(other),
    })
}

async fn sample_archive(demo: &Demo, say: &dyn Fn(&str)) -> Result<PathBuf, CommandError> {
    let folder = demo.data.join("archive");
    let complete = folder.join(format!("complete-{}", demo.alerts));
    if complete.exists() {
        say(&format!("{} (made earlier)", folder.display()));
        return Ok(folder);
    }
    // One left unfinished, or of another size, is made anew.
    let _ = std::fs::remove_dir_all(&folder);
    let nights = NightSelection::parse(&SAMPLE_NIGHTS)?.iter().collect();
    let simulation = Simulation { nights, alerts_per_night: demo.alerts, seed: 1, cutouts: true };
    let written = write_with_bar(&simulation, &folder, demo.json).await?;
    say(&format!(
        "{} nights, {} alerts, {} in {}",
        simulation.nights.len(),
        show::count(written.alerts),
        show::bytes(written.bytes),
        folder.display()
    ));
    std::fs::write(&complete, b"").map_err(|source| file_error(&complete, source))?;
    Ok(folder)
}

fn up_args(demo: &Demo, archive: &str) -> Up {
    Up {
        archive: archive.to_owned(),
        data: demo.data.clone(),
        http: free(demo.http),
        kafka: free(demo.kafka),
        bootstrap: None,
        tns: None,
        workers: None,
        retention: std::time::Duration::from_secs(7 * 24 * 3600),
        index_every: std::time::Duration::from_secs(600),
        task_mib: 12 * 1024,
        delivery_timeout: 300,
        patience: std::time::Duration::from_secs(3600),
        allowed_origins: Origins::Any,
        limits: LimitArgs::default(),
    }
}

/// The address, or any free port if it is taken.
fn free(address: SocketAddr) -> SocketAddr {
    match TcpListener::bind(address) {
        Ok(_) => address,
        Err(_) => SocketAddr::new(address.ip(), 0),
    }
}

/// A question that an astronomer might ask: everything of a known class brighter than 19.5, asteroids left out.
async fn demonstration_job(client: &Client) -> Result<JobRequest, CommandError> {
    let nights: Vec<String> = client.nights(&[]).await?.iter().map(|night| night.night.to_string()).collect();
    let mut request = JobRequest::new(NightSelection::parse(&nights)?);
    request.name = Some("demonstration".into());
    request.classes = vec!["!Unknown".into(), "!Solar System MPC".into()];
    request.conditions = "candidate.magpsf < 19.5;\ncandidate.drb > 0.5 OR candidate.rb > 0.5".into();
    Ok(request)
}

fn yaml(request: &JobRequest) -> String {
    let nights = request.nights.entries();
    let named = match nights {
        [first, .., last] if nights.len() > 4 => format!("{first}, … {last} ({} nights)", nights.len()),
        _ => nights.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    };
    let conditions = request.conditions.replace('\n', " ");
    format!(
        "nights:     [{named}]\nclasses:    {:?}\nconditions: {conditions}\ncontent:    {}",
        request.classes, request.content
    )
}

fn ending(job: &JobDocument, elapsed: Duration) -> Vec<String> {
    let counts = &job.status.counts;
    let mut lines = vec![format!(
        "{} of {} alerts arrived, {}, in {} ({} read)",
        show::count(counts.sent),
        show::count(counts.read),
        show::bytes(counts.bytes_sent),
        show::duration(elapsed),
        show::rate(counts.read, elapsed)
    )];
    lines.extend(job.status.notes.iter().map(|note| format!("note: {note}")));
    lines.extend(job.status.failure.iter().map(|failure| format!("failed: {}", failure.reason)));
    lines
}

fn next_commands(demo: &Demo, archive: &str, job: &JobDocument) -> [String; 3] {
    let program = std::env::current_exe().map_or_else(|_| "nightferry".to_owned(), |path| shortened(&path));
    let topic = job.status.topic.as_deref().unwrap_or("TOPIC");
    [
        format!("{program} up --archive {archive} --data {}", demo.data.display()),
        format!(
            "{program} submit --nights 2026-03-22 --class 'SN candidate' --content 'Full packet' --watch"
        ),
        format!("{program} download {topic} --outdir alerts --partitionby finkclass"),
    ]
}

fn shortened(path: &Path) -> String {
    let here = std::env::current_dir().ok();
    let relative = here.as_ref().and_then(|here| path.strip_prefix(here).ok());
    relative.unwrap_or(path).display().to_string()
}

fn file_error(path: &Path, source: std::io::Error) -> CommandError {
    CommandError::File { path: path.display().to_string(), source }
}
