//! Kills, suspends and doubles the processes of a job until the numbers are convincing, then counts the alerts.
//!
//! ```text
//! chaos ── ledger (store and queue, over HTTP) ── worker processes ── broker process ── audit (Python, the field's libraries)
//!   └── kills and suspends workers and the broker at random, and delivers tasks twice
//! ```
//!
//! `cargo run --release -p tests --bin chaos -- --kills 200 --broker embedded`, or `--broker kafka` for Apache Kafka.

// A failed run is told by a panic, as in any test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod audit;
mod havoc;
mod ledger;
mod parts;
mod processes;
mod remote;

use clap::{Parser, Subcommand};
use havoc::{Havoc, Tally};
use job::{JobRequest, JobState, Night};
use ledger::Ledger;
use processes::{BrokerKind, BrokerProcess, Workers};
use serde_json::json;
use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

/// Kills, suspends and doubles the processes of jobs, and counts what arrived.
#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    role: Option<Role>,
    #[command(flatten)]
    run: Run,
}

#[derive(Parser, Clone)]
struct Run {
    /// Jobs are run one after the other until so many processes were killed.
    #[arg(long, default_value_t = 200)]
    kills: u64,
    /// The broker: `embedded` or `kafka`.
    #[arg(long, value_enum, default_value = "embedded")]
    broker: BrokerKind,
    /// Alerts in each night.
    #[arg(long, default_value_t = 4000)]
    alerts: u64,
    /// Nights of each job.
    #[arg(long, default_value_t = 12)]
    nights: u32,
    /// Alerts a second of a job: what keeps it under way for long enough to be killed.
    #[arg(long, default_value_t = 24_000)]
    rate: u64,
    /// The same seed makes the same choices; the moments differ.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// A job that has not ended after so many seconds hangs.
    #[arg(long, default_value_t = 600)]
    patience: u64,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What the processes of a run are.
#[derive(Subcommand)]
enum Role {
    /// A worker.
    #[command(hide = true)]
    Worker(parts::WorkerArgs),
    /// The embedded broker.
    #[command(hide = true)]
    Broker { folder: PathBuf, listen: SocketAddr },
}

fn main() {
    let args = Args::parse();
    telemetry::init(telemetry::Format::Text, "error");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    match args.role {
        Some(Role::Worker(worker)) => runtime.block_on(parts::work(worker)),
        Some(Role::Broker { folder, listen }) => processes::serve_broker(folder, listen),
        None => runtime.block_on(run(args.run)),
    }
}

async fn run(args: Run) {
    let folder = tempfile::tempdir().unwrap();
    let nights: Vec<Night> = (1..=args.nights).filter_map(|day| Night::from_ymd(2026, 3, day)).collect();
    assert_eq!(nights.len(), args.nights as usize, "a month has no more nights");
    let archive = folder.path().join("archive");
    let simulation = simulate::Simulation {
        nights: nights.clone(),
        alerts_per_night: args.alerts,
        seed: args.seed,
        cutouts: false,
    };
    simulation.write(&archive, &|_| {}).unwrap();
    let ledger = Arc::new(Ledger::default());
    let url = ledger::serve(ledger.clone()).await;
    let broker = BrokerProcess::start(args.broker, &folder.path().join("kafka"));
    let place = parts::WorkerArgs {
        ledger: url,
        archive: archive.to_str().unwrap().to_owned(),
        bucket: folder.path().join("bucket"),
        bootstrap: broker.bootstrap(),
    };
    let service = parts::service(&place).await;
    let mut havoc = Havoc::new(args.seed, broker, Workers::start(6, &place), ledger.clone());
    let begun = Instant::now();
    let (mut alerts, mut jobs, mut attempts, mut wrong) = (0, 0, 0, Vec::new());
    while havoc.tally.kills() < args.kills {
        let request = JobRequest::parse(&format!(
            "nights: {}..{}\ncontent: Light packet\npace: {{alerts_per_second: {}, nights_at_once: 12}}",
            nights[0],
            nights[nights.len() - 1],
            args.rate
        ));
        let job = service.submit(request.unwrap(), &job::Caller::default()).await.unwrap();
        let deadline = Instant::now() + Duration::from_secs(args.patience);
        let document = loop {
            match havoc.tally.kills() < args.kills {
                true => havoc.strike().await,
                false => {
                    havoc.calm().await;
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
            let document = service.document(job.id).await.unwrap();
            if document.status.state.is_final() {
                break document;
            }
            assert!(Instant::now() < deadline, "the job hangs: {document:#?}");
        };
        havoc.calm().await;
        assert_eq!(document.status.state, JobState::Done, "{document:#?}");
        let receipt = service.receipt(job.id).await.unwrap();
        let topic = document.status.topic.unwrap();
        let found = audit::audit(&archive, &havoc.bootstrap(), &topic, &nights);
        assert_eq!(receipt.total.sent, found["expected"].as_u64().unwrap(), "the receipt: {receipt:#?}");
        alerts += found["expected"].as_u64().unwrap();
        jobs += 1;
        if found
            .get("examples")
            .and_then(|examples| examples.as_object())
            .is_some_and(|wrong| !wrong.is_empty())
        {
            wrong.push(found.clone());
        }
        let tried: u32 = document.status.nights.iter().map(|night| night.attempts).sum();
        attempts += u64::from(tried);
        if !args.json {
            println!("job {jobs}: {tried} attempts at {} tasks; so far {}", nights.len(), havoc.tally);
        }
    }
    report(&args, &havoc.tally, [jobs, attempts, alerts], &wrong, begun.elapsed());
    assert!(wrong.is_empty());
}

fn report(
    args: &Run,
    tally: &Tally,
    [jobs, attempts, alerts]: [u64; 3],
    wrong: &[serde_json::Value],
    elapsed: Duration,
) {
    let count = |name: &str| wrong.iter().filter_map(|found| found[name].as_u64()).sum::<u64>();
    let told = json!({
        "broker": args.broker.name(),
        "seconds": elapsed.as_secs(),
        "jobs": jobs,
        "attempts": attempts,
        "alerts": alerts,
        "kills": tally.kills(),
        "workers_killed": tally.workers_killed,
        "broker_killed": tally.broker_killed,
        "workers_suspended": tally.workers_suspended,
        "broker_suspended": tally.broker_suspended,
        "tasks_delivered_twice": tally.doubled,
        "lost": count("lost"),
        "doubled": count("doubled"),
        "foreign": count("foreign"),
        "gaps": count("gaps"),
        "out_of_order": count("disorder"),
        "wrong": wrong,
    });
    match args.json {
        true => println!("{told}"),
        false => {
            println!("{tally}");
            println!("{jobs} jobs, {attempts} attempts, {alerts} alerts in {} s", elapsed.as_secs());
            for name in ["lost", "doubled", "foreign", "gaps", "out_of_order"] {
                println!("  {name:<14}{}", told[name]);
            }
        }
    }
}
