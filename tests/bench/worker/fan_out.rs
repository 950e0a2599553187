//! A job of many nights: how long fan-out takes, and how long its status.

use crate::{place::Place, usage::Usage};
use job::{Caller, JobId, JobRequest};
use serde_json::{Value, json};
use std::{
    path::PathBuf,
    time::{Duration, Instant},
};
use tokio::net::TcpListener;
use transfer::Service;

/// What is asked for, and where.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    place: Place,
    /// The request, as `nightferry submit` takes it.
    #[arg(long)]
    request: PathBuf,
    /// How often the status is asked for.
    #[arg(long, default_value_t = 30)]
    times: usize,
}

/// Submits, fans out, and asks for the status over HTTP; prints the seconds of each.
pub async fn fan_out(args: Args) {
    let service = args.place.service(|_| {});
    let request = JobRequest::parse(&std::fs::read_to_string(&args.request).unwrap()).unwrap();
    let begun = Instant::now();
    let job = service.submit(request, &Caller::default()).await.unwrap().id;
    let submitted = begun.elapsed();
    let (begun, before) = (Instant::now(), Usage::now());
    service.fan_out(job).await.unwrap();
    let fanned_out = begun.elapsed();
    let cpu_seconds = Usage::now().cpu_seconds - before.cpu_seconds;
    let tasks = service.job(job).await.unwrap().value.tasks;
    println!(
        "{}",
        json!({
            "job": job,
            "tasks": tasks,
            "submit_seconds": submitted.as_secs_f64(),
            "fan_out_seconds": fanned_out.as_secs_f64(),
            "fan_out_cpu_seconds": cpu_seconds,
            "status": status(service, job, args.times).await,
        })
    );
}

/// The seconds of each answer, and the bytes of the last.
async fn status(service: Service, job: JobId, times: usize) -> Value {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/jobs/{job}", listener.local_addr().unwrap());
    let router = api::router(service, &api::Origins::default());
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let client = reqwest::Client::new();
    let (mut seconds, mut bytes) = (Vec::new(), 0);
    for _ in 0..times {
        let begun = Instant::now();
        let answer = client.get(&url).timeout(Duration::from_secs(60)).send().await.unwrap();
        assert!(answer.status().is_success(), "{answer:?}");
        bytes = answer.bytes().await.unwrap().len();
        seconds.push(begun.elapsed().as_secs_f64());
    }
    server.abort();
    json!({ "seconds": seconds, "bytes": bytes })
}
