//! A job, up to where a worker comes in.

use crate::place::Place;
use job::{Caller, JobRequest};
use serde_json::json;
use std::path::PathBuf;
use transfer::Plan;

/// What is asked for, and where.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    place: Place,
    /// The request, as `nightferry submit` takes it.
    #[arg(long)]
    request: PathBuf,
}

/// Submits and fans out; prints the job, its topic and the schema.
pub async fn prepare(args: Args) {
    let service = args.place.service(|_| {});
    let request = JobRequest::parse(&std::fs::read_to_string(&args.request).unwrap()).unwrap();
    let job = service.submit(request, &Caller::default()).await.unwrap();
    service.fan_out(job.id).await.unwrap();
    let job = service.job(job.id).await.unwrap().value;
    assert!(job.tasks > 0 && job.ready, "{job:#?}");
    let path = format!("jobs/{}/plan.json", job.id).into();
    let plan = service.bucket.get_opts(&path, object_store::GetOptions::default()).await.unwrap();
    let plan: Plan = serde_json::from_slice(&plan.bytes().await.unwrap()).unwrap();
    println!(
        "{}",
        json!({
            "job": job.id,
            "tasks": job.tasks,
            "topic": job.topic,
            "partitions": job.request.topic_partitions(),
            "schema": plan.avro_schema,
        })
    );
}
