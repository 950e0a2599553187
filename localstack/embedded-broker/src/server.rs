//! The broker's life: start, accept, upkeep, stop.

use std::fs::{File, TryLockError};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::{Semaphore, oneshot};

use crate::broker::Broker;
use crate::buffers::Buffers;
use crate::catalog::Catalog;
use crate::config::BrokerConfig;
use crate::connection;
use crate::error::BrokerError;
use crate::group::Coordinator;
use crate::log::OpenFiles;

/// How often consumer groups are looked at.
const GROUP_INTERVAL: Duration = Duration::from_millis(50);
/// How long requests under way may take at shutdown.
const PATIENCE: Duration = Duration::from_secs(5);
/// Threads that may wait for the disk besides the two that serve.
const DISK_THREADS: usize = 6;

/// A running broker. Dropping it stops it as [`EmbeddedBroker::shutdown`] does.
///
/// It has threads of its own, so it may be started and stopped from inside or outside of any async runtime.
#[derive(Debug)]
pub struct EmbeddedBroker {
    address: SocketAddr,
    bootstrap: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl EmbeddedBroker {
    /// Opens the data folder, listens, and serves on threads of its own until it is dropped or shut down.
    ///
    /// # Errors
    /// If another broker uses the folder, the address is taken, or what is in the folder cannot be read.
    pub fn start(config: BrokerConfig) -> Result<Self, BrokerError> {
        let folder = &config.folder;
        std::fs::create_dir_all(folder).map_err(BrokerError::io(folder))?;
        let lock = lock(folder)?;
        let not_listening = |source| BrokerError::Listen { address: config.listen, source };
        let listener = TcpListener::bind(config.listen).map_err(not_listening)?;
        listener.set_nonblocking(true).map_err(not_listening)?;
        let address = listener.local_addr().map_err(not_listening)?;
        let broker = Arc::new(open(&config, address)?);
        let (host, port) = &broker.advertised;
        let bootstrap =
            if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .max_blocking_threads(DISK_THREADS)
            .thread_name("broker")
            .enable_all()
            .build()
            .map_err(BrokerError::io(folder))?;
        let (stop, stopped) = oneshot::channel();
        let clean = folder.join("clean");
        let run = move || {
            run(runtime, &broker, listener, stopped);
            // A request that outlasted our patience holds the broker still, and may write yet.
            let alone = Arc::strong_count(&broker) == 1;
            if broker.sync() && alone {
                mark_clean(&clean);
            }
            drop(lock);
        };
        let thread = std::thread::Builder::new().name("broker".to_owned()).spawn(run);
        let thread = thread.map_err(BrokerError::io(&config.folder))?;
        tracing::info!(%address, folder = %config.folder.display(), "broker started");
        Ok(Self { address, bootstrap, stop: Some(stop), thread: Some(thread) })
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What clients are to have as `bootstrap.servers`.
    pub fn bootstrap(&self) -> String {
        self.bootstrap.clone()
    }

    /// Stops serving and lets the disk have everything; the folder may be used again when this returns.
    pub fn shutdown(mut self) {
        self.stop();
    }

    fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the broker's thread panicked");
        }
    }
}

impl Drop for EmbeddedBroker {
    fn drop(&mut self) {
        self.stop();
    }
}

fn lock(folder: &Path) -> Result<File, BrokerError> {
    let path = folder.join("lock");
    let file = File::create(&path).map_err(BrokerError::io(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(BrokerError::FolderInUse { folder: folder.to_owned() }),
        Err(TryLockError::Error(source)) => Err(BrokerError::Io { path, source }),
    }
}

fn open(config: &BrokerConfig, address: SocketAddr) -> Result<Broker, BrokerError> {
    let folder = &config.folder;
    let clean = folder.join("clean");
    let verify = !clean.try_exists().map_err(BrokerError::io(&clean))?;
    let files = Arc::new(OpenFiles::new(config.max_open_files));
    let catalog = Catalog::open(folder, files, verify)?;
    let known = |topic: &str| catalog.topic(topic).is_some();
    let coordinator =
        Coordinator::open(folder, config.group_formation_delay, known).map_err(BrokerError::io(folder))?;
    if !verify {
        // Not before all is open: a log found damaged is to be found damaged again, not cut off.
        std::fs::remove_file(&clean).map_err(BrokerError::io(&clean))?;
    }
    let host = match &config.advertised_host {
        Some(host) => host.clone(),
        None if address.ip().is_unspecified() => "127.0.0.1".to_owned(),
        None => address.ip().to_string(),
    };
    Ok(Broker {
        advertised: (host, address.port()),
        max_request_bytes: config.max_request_bytes,
        max_connections: config.max_connections,
        upkeep_interval: config.upkeep_interval,
        buffers: Buffers::default(),
        catalog,
        coordinator,
        appended: tokio::sync::Notify::new(),
    })
}

/// Serves until told to stop; when this returns, nothing writes any more.
fn run(runtime: Runtime, broker: &Arc<Broker>, listener: TcpListener, stopped: oneshot::Receiver<()>) {
    runtime.block_on(async {
        tokio::spawn(look_after_groups(broker.clone()));
        tokio::spawn(keep_up(broker.clone()));
        tokio::select! {
            ended = accept(broker.clone(), listener) => {
                if let Err(error) = ended {
                    tracing::error!(%error, "the broker no longer accepts connections");
                }
            }
            // An error means that the handle is gone: that stops the broker as well.
            _ = stopped => {}
        }
    });
    runtime.shutdown_timeout(PATIENCE);
}

async fn accept(broker: Arc<Broker>, listener: TcpListener) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let places = Arc::new(Semaphore::new(broker.max_connections));
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file handles, or a client that went at once: others may fare better.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(GROUP_INTERVAL).await;
                continue;
            }
        };
        let Ok(place) = places.clone().try_acquire_owned() else {
            tracing::warn!(%peer, limit = broker.max_connections, "too many connections: one was closed");
            continue;
        };
        let broker = broker.clone();
        tokio::spawn(async move {
            if let Err(error) = connection::serve(broker, stream, peer).await {
                tracing::warn!(%peer, %error, "a connection was closed");
            }
            drop(place);
        });
    }
}

async fn look_after_groups(broker: Arc<Broker>) {
    let mut interval = tokio::time::interval(GROUP_INTERVAL);
    loop {
        interval.tick().await;
        broker.coordinator.tick();
    }
}

async fn keep_up(broker: Arc<Broker>) {
    loop {
        tokio::time::sleep(broker.upkeep_interval).await;
        let broker = broker.clone();
        let upkeep = tokio::task::spawn_blocking(move || {
            broker.apply_retention();
            broker.sync();
        });
        if upkeep.await.is_err() {
            tracing::error!("upkeep panicked");
        }
    }
}

/// Tells the next start that nothing is torn.
fn mark_clean(path: &Path) {
    if let Err(error) = File::create(path).and_then(|file| file.sync_all()) {
        tracing::warn!(%error, "the next start will verify the logs");
    }
}
