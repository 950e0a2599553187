//! Workers of the one-process stack: each takes the next piece of work and sees it through.

use std::{sync::Arc, time::Duration};
use store::{InProcessQueue, Queue, Work};
use tokio::task::JoinHandle;
use transfer::{Outcome, Service, TransferError};

/// How long work waits that met a passing fault.
const PAUSE: Duration = Duration::from_secs(2);

/// Starts `count` workers for tasks, and one that splits new jobs.
pub fn start(service: &Service, queue: &Arc<InProcessQueue>, count: usize) -> Vec<JoinHandle<()>> {
    let mut workers = Vec::with_capacity(count + 1);
    for _ in 0..count {
        let (service, queue) = (service.clone(), queue.clone());
        workers.push(tokio::spawn(async move {
            loop {
                let piece = queue.next_task().await;
                work(&service, &queue, piece).await;
            }
        }));
    }
    let (service, queue) = (service.clone(), queue.clone());
    workers.push(tokio::spawn(async move {
        loop {
            let piece = queue.next_fan_out().await;
            work(&service, &queue, piece).await;
        }
    }));
    workers
}

async fn work(service: &Service, queue: &Arc<InProcessQueue>, piece: Work) {
    let attempt = tokio::spawn(see_through(service.clone(), piece));
    let again = match attempt.await {
        Ok(Ok(Outcome::Ended)) => None,
        Ok(Ok(Outcome::Again { wait } | Outcome::Busy { wait })) => Some(wait),
        Ok(Err(error)) => after(service, piece, &error).await,
        Err(panic) => after(service, piece, &TransferError::Worker(panic.to_string())).await,
    };
    if let Some(wait) = again {
        let queue = queue.clone();
        tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            // A closed queue means that the process ends; the store remembers the work.
            let _ = queue.send(&[piece]).await;
        });
    }
}

async fn see_through(service: Service, piece: Work) -> Result<Outcome, TransferError> {
    match piece {
        Work::FanOut(job) => service.fan_out(job).await.map(|()| Outcome::Ended),
        Work::Task(task) => service.run_task(task).await,
    }
}

/// Passing faults are waited out; any other ends the job, with its reason.
async fn after(service: &Service, piece: Work, error: &TransferError) -> Option<Duration> {
    let job = match piece {
        Work::FanOut(job) => job,
        Work::Task(task) => task.job,
    };
    if error.kind().is_worth_retrying() {
        tracing::warn!(%job, %error, "tried again later");
        return Some(PAUSE);
    }
    tracing::error!(%job, %error, "the job cannot go on");
    match service.fail_job(job, error).await {
        Ok(()) => None,
        Err(_) => Some(PAUSE),
    }
}
