//! The whole service in one process: embedded broker and store, workers, HTTP API.

use crate::{args::Up, exit::CommandError, workers};
use archive::Archive;
use broker::{Kafka, KafkaConfig};
use embedded_broker::{BrokerConfig, EmbeddedBroker};
use object_store::local::LocalFileSystem;
use packet::TnsCatalogue;
use std::future::IntoFuture;
use std::{net::SocketAddr, sync::Arc, time::Duration};
use store::{Embedded, InProcessQueue};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};
use transfer::{Scout, Service, ServiceParts, Settings};

/// A running stack.
pub struct Stack {
    /// Where the API listens.
    pub http: SocketAddr,
    /// Where the data can be polled.
    pub bootstrap: String,
    /// Work that an earlier process left and that goes on now.
    pub recovered: usize,
    broker: Option<EmbeddedBroker>,
    workers: Vec<JoinHandle<()>>,
    server: JoinHandle<std::io::Result<()>>,
    stop: oneshot::Sender<()>,
}

impl Stack {
    /// Starts everything, or says which part does not start and why.
    pub async fn start(up: &Up) -> Result<Self, CommandError> {
        let file =
            |path: &std::path::Path, source| CommandError::File { path: path.display().to_string(), source };
        let bucket = up.data.join("bucket");
        std::fs::create_dir_all(&bucket).map_err(|source| file(&bucket, source))?;
        let store = Embedded::open(&up.data.join("jobs.redb")).map_err(CommandError::stack)?;
        let archive = Archive::open(&up.archive).map_err(CommandError::stack)?;
        archive.nights().await.map_err(CommandError::stack)?;
        let tns = match &up.tns {
            Some(path) => transfer::read_tns_table(path).map_err(CommandError::stack)?,
            None => TnsCatalogue::default(),
        };
        let (broker, bootstrap) = match &up.bootstrap {
            Some(bootstrap) => (None, bootstrap.clone()),
            None => {
                let config = BrokerConfig::new(up.data.join("kafka")).listen(up.kafka);
                let broker = EmbeddedBroker::start(config).map_err(CommandError::stack)?;
                let bootstrap = broker.bootstrap();
                (Some(broker), bootstrap)
            }
        };
        let queue = Arc::new(InProcessQueue::default());
        let delivery_timeout = Duration::from_secs(up.delivery_timeout);
        let mut settings = Settings::with_delivery_timeout(delivery_timeout);
        settings.task_bytes = up.task_mib * 1024 * 1024;
        settings.limits = up.limits.limits();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        settings.workers = up.workers.unwrap_or(cores).max(1);
        let workers = settings.workers;
        // The embedded broker ends with the process that produces to it.
        settings.foreign_attempts = broker.is_none();
        settings.attempts.patience = chrono::TimeDelta::from_std(up.patience).map_err(CommandError::stack)?;
        let service = Service::new(ServiceParts {
            store: Arc::new(store),
            queue: queue.clone(),
            archive,
            kafka: Kafka::new(KafkaConfig {
                retention: up.retention,
                delivery_timeout,
                ..KafkaConfig::plaintext(&bootstrap)
            })
            .map_err(CommandError::stack)?,
            bucket: Arc::new(LocalFileSystem::new_with_prefix(&bucket).map_err(CommandError::stack)?),
            tns: Arc::new(tns),
            settings,
        });
        let listener = TcpListener::bind(up.http).await.map_err(|error| {
            CommandError::Stack(format!(
                "the API cannot listen on {}: {error}; choose another with --http",
                up.http
            ))
        })?;
        let http = listener.local_addr().map_err(CommandError::stack)?;
        // The embedded broker ended with the process that produced to it; another may still be reading from its socket.
        let grace = if broker.is_some() { Duration::ZERO } else { Duration::from_secs(5) };
        let recovered = service.recover(grace).await.map_err(CommandError::stack)?;
        let mut workers = workers::start(&service, &queue, workers);
        let (stop, stopped) = oneshot::channel();
        let expiring = tokio::spawn(expire(service.clone(), up.retention));
        let scout: Scout = (*service).clone();
        let router = api::router(service, &up.allowed_origins)
            .layer(axum::middleware::from_fn(api::believe_header))
            .merge(page::router());
        let server = axum::serve(listener, router).with_graceful_shutdown(async move {
            let _ = stopped.await;
        });
        workers.push(expiring);
        if !up.index_every.is_zero() {
            workers.push(tokio::spawn(keep_indexed(scout, up.index_every)));
        }
        let server = tokio::spawn(server.into_future());
        Ok(Self { http, bootstrap, recovered, broker, workers, server, stop })
    }

    /// The API's address as a URL.
    pub fn api(&self) -> String {
        format!("http://{}", self.http)
    }

    /// Ends the stack in order. Jobs under way go on at the next start.
    pub async fn stop(self) {
        for worker in &self.workers {
            worker.abort();
        }
        let _ = self.stop.send(());
        let _ = tokio::time::timeout(Duration::from_secs(2), self.server).await;
        if let Some(broker) = self.broker {
            let _ = tokio::task::spawn_blocking(move || broker.shutdown()).await;
        }
    }
}

/// Indexes nights that are new or replaced: at the start and from time to time.
async fn keep_indexed(scout: Scout, pause: Duration) {
    loop {
        match scout.update_index(None, None).await {
            Ok(updated) if updated.indexed.is_empty() => {}
            Ok(updated) => tracing::info!(nights = updated.indexed.len(), "the index is up to date"),
            Err(error) => tracing::warn!(%error, "the archive cannot be indexed for now"),
        }
        tokio::time::sleep(pause).await;
    }
}

/// Deletes topics that have expired: at the start and from time to time.
async fn expire(service: Service, retention: Duration) {
    let pause = (retention / 10).clamp(Duration::from_secs(1), Duration::from_secs(3600));
    loop {
        if let Err(error) = service.expire().await {
            tracing::warn!(%error, "expired topics could not be deleted");
        }
        tokio::time::sleep(pause).await;
    }
}
