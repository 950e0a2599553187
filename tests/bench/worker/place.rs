//! The service, over a folder that outlives the process.

use crate::{
    counted::{Calls, Counted},
    slow::Slow,
};
use archive::Archive;
use broker::{Kafka, KafkaConfig};
use object_store::local::LocalFileSystem;
use packet::TnsCatalogue;
use std::{path::PathBuf, sync::Arc, time::Duration};
use store::{Embedded, InProcessQueue, Store};
use transfer::{AttemptFigures, Service, ServiceParts, Settings};

/// As on AWS.
const DELIVERY: Duration = Duration::from_secs(60);

/// Where everything is.
#[derive(clap::Args)]
pub struct Place {
    /// The archive.
    #[arg(long)]
    archive: String,
    /// The folder of rows and plans.
    #[arg(long)]
    folder: PathBuf,
    /// The broker.
    #[arg(long)]
    bootstrap: String,
}

impl Place {
    /// The real service; `meter` is told what an attempt did.
    pub fn service(&self, meter: fn(&AttemptFigures)) -> Service {
        self.service_over(self.archive(), Arc::new(self.store()), meter)
    }

    /// The same, where each request to the archive takes so much longer. Only what is known already can be read there.
    pub fn slow_service(&self, latency: Duration, meter: fn(&AttemptFigures)) -> Service {
        let folder = LocalFileSystem::new();
        let archive = Archive::of_store(Arc::new(Slow { folder, latency }), &self.archive);
        self.service_over(archive, Arc::new(self.store()), meter)
    }

    /// The same, with what its store's calls come to.
    pub fn counted_service(&self, meter: fn(&AttemptFigures)) -> (Service, Arc<Calls>) {
        let calls = Arc::new(Calls::default());
        let store = Counted { store: self.store(), calls: calls.clone() };
        (self.service_over(self.archive(), Arc::new(store), meter), calls)
    }

    fn archive(&self) -> Archive {
        Archive::open(&self.archive).unwrap()
    }

    fn store(&self) -> Embedded {
        std::fs::create_dir_all(&self.folder).unwrap();
        Embedded::open(&self.folder.join("jobs.redb")).unwrap()
    }

    fn service_over(&self, archive: Archive, store: Arc<dyn Store>, meter: fn(&AttemptFigures)) -> Service {
        let bucket = self.folder.join("bucket");
        std::fs::create_dir_all(&bucket).unwrap();
        let kafka = KafkaConfig { delivery_timeout: DELIVERY, ..KafkaConfig::plaintext(&self.bootstrap) };
        Service::new(ServiceParts {
            store,
            queue: Arc::new(InProcessQueue::default()),
            archive,
            kafka: Kafka::new(kafka).unwrap(),
            bucket: Arc::new(LocalFileSystem::new_with_prefix(&bucket).unwrap()),
            tns: Arc::new(TnsCatalogue::default()),
            settings: Settings { meter, ..Settings::with_delivery_timeout(DELIVERY) },
        })
    }
}
