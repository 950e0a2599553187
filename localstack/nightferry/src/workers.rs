//! Workers of the one-process stack: each takes the next piece of work and sees it through.

use std::{sync::Arc, time::Duration};
use store::{InProcessQueue, Queue, Work};
use tokio::task::JoinHandle;
use transfer::{Outcome, Service, TransferError};

/// How long work waits that met a passing fault.
const PAUSE: Duration = Duration::from_secs(2);

/// Starts `count` workers for tasks, and one that splits new jobs and ends old ones.
pub fn start(service: &Service, queue: &Arc<InProcessQueue>, count: usize) -> Vec<JoinHandle<()>> {
    service.warm_up();
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
            let piece = queue.next_job().await;
            work(&service, &queue, piece).await;
        }
    }));
    workers
}

async fn work(service: &Service, queue: &Arc<InProcessQueue>, piece: Work) {
    let seeing_through = {
        let service = service.clone();
        tokio::spawn(async move { service.work(piece, None).await })
    };
    let again = match seeing_through.await {
        Ok(Ok(Outcome::Ended)) => None,
        Ok(Ok(Outcome::Again { wait } | Outcome::Busy { wait })) => Some(wait),
        Ok(Err(error)) => {
            tracing::warn!(job = %piece.job(), %error, "tried again later");
            Some(PAUSE)
        }
        Err(panic) => {
            let error = TransferError::Worker(panic.to_string());
            tracing::error!(job = %piece.job(), %error, "the job cannot go on");
            service.fail_job(piece.job(), &error).await.err().map(|_| PAUSE)
        }
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
