//! A worker process, and the service that it and the run are made of.

use crate::remote::Remote;
use archive::Archive;
use broker::{Kafka, KafkaConfig};
use chrono::TimeDelta;
use clap::Args;
use object_store::local::LocalFileSystem;
use packet::TnsCatalogue;
use std::{path::PathBuf, sync::Arc, time::Duration};
use transfer::{Outcome, Service, ServiceParts, Settings};

/// The broker is given up after this without an acknowledgement.
const DELIVERY: Duration = Duration::from_secs(3);
/// A silent attempt is taken to be alive for this long.
const LEASE: TimeDelta = TimeDelta::seconds(6);
/// Tasks that a worker runs at once.
const AT_ONCE: usize = 1;

/// Where a worker finds everything.
#[derive(Args, Clone)]
pub struct WorkerArgs {
    #[arg(long)]
    pub ledger: String,
    #[arg(long)]
    pub archive: String,
    #[arg(long)]
    pub bucket: PathBuf,
    #[arg(long)]
    pub bootstrap: String,
}

/// The real service, over the ledger.
pub async fn service(place: &WorkerArgs) -> Service {
    let remote = Remote::new(&place.ledger);
    std::fs::create_dir_all(&place.bucket).unwrap();
    let mut settings = Settings::with_delivery_timeout(DELIVERY);
    settings.attempts.lease = LEASE;
    settings.attempts.retry_wait = TimeDelta::milliseconds(300);
    // Here it is not the tasks that kill their workers.
    settings.attempts.deaths = u32::MAX;
    settings.progress_interval = Duration::from_millis(200);
    Service::new(ServiceParts {
        store: Arc::new(remote.clone()),
        queue: Arc::new(remote),
        archive: Archive::open(&place.archive).unwrap(),
        kafka: Kafka::new(KafkaConfig {
            delivery_timeout: DELIVERY,
            ..KafkaConfig::plaintext(&place.bootstrap)
        })
        .unwrap(),
        bucket: Arc::new(LocalFileSystem::new_with_prefix(&place.bucket).unwrap()),
        tns: Arc::new(TnsCatalogue::default()),
        settings,
    })
}

/// Works until killed.
pub async fn work(place: WorkerArgs) {
    std::thread::spawn(|| {
        crate::processes::end_with_parent();
        std::process::exit(0);
    });
    let service = service(&place).await;
    let hands: Vec<_> =
        (0..AT_ONCE).map(|_| tokio::spawn(hand(service.clone(), Remote::new(&place.ledger)))).collect();
    for hand in hands {
        hand.await.unwrap();
    }
}

async fn hand(service: Service, queue: Remote) {
    loop {
        let Ok(Some(handed)) = queue.take().await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let again = match service.work(handed.work, None).await {
            Ok(Outcome::Ended) => None,
            Ok(Outcome::Again { wait } | Outcome::Busy { wait }) => Some(wait),
            Err(_) => Some(Duration::from_millis(500)),
        };
        let _ = queue.settle(handed.receipt, again).await;
    }
}
