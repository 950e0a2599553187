//! The processes that are killed.

use crate::parts::WorkerArgs;
use embedded_broker::{BrokerConfig, EmbeddedBroker};
use std::{
    fs::File,
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// Which broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum BrokerKind {
    /// Our own, in a process of its own.
    Embedded,
    /// Apache Kafka, as `localstack/kafka/run` starts it.
    Kafka,
}

impl BrokerKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded broker",
            Self::Kafka => "Apache Kafka",
        }
    }
}

/// Serves until killed.
pub fn serve_broker(folder: PathBuf, listen: SocketAddr) {
    let broker = EmbeddedBroker::start(BrokerConfig::new(folder).listen(listen)).unwrap();
    end_with_parent();
    drop(broker);
}

/// Returns when the process that started this one is gone: it holds the other end of standard input.
pub fn end_with_parent() {
    let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
}

/// The broker's process, over a folder that outlives it.
pub struct BrokerProcess {
    kind: BrokerKind,
    folder: PathBuf,
    address: SocketAddr,
    child: Child,
}

impl BrokerProcess {
    pub fn start(kind: BrokerKind, folder: &Path) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let child = spawn(kind, folder, address);
        let mut broker = Self { kind, folder: folder.to_owned(), address, child };
        broker.await_answer();
        broker
    }

    pub fn bootstrap(&self) -> String {
        self.address.to_string()
    }

    pub fn kill(&mut self) {
        end(&mut self.child);
    }

    /// Starts it again over what it left.
    pub fn restart(&mut self) {
        self.child = spawn(self.kind, &self.folder, self.address);
    }

    pub fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    /// Whether it accepts connections.
    pub fn answers(&self) -> bool {
        TcpStream::connect(self.address).is_ok()
    }

    pub fn await_answer(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(self.address).is_err() {
            assert!(Instant::now() < deadline, "the broker does not start");
            if self.child.try_wait().unwrap().is_some() {
                self.restart();
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for BrokerProcess {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

fn spawn(kind: BrokerKind, folder: &Path, address: SocketAddr) -> Child {
    let mut command = match kind {
        BrokerKind::Embedded => {
            let mut command = Command::new(std::env::current_exe().unwrap());
            command.arg("broker").arg(folder).arg(address.to_string());
            command
        }
        BrokerKind::Kafka => {
            let run = Path::new(env!("CARGO_MANIFEST_DIR")).join("../localstack/kafka/run");
            // Ends with this process, which may be stopped at any time.
            let mut command = Command::new("setpriv");
            command.args(["--pdeathsig", "KILL"]).arg(run);
            command.arg("--data").arg(folder).arg("--port").arg(address.port().to_string());
            command
        }
    };
    let log = folder.with_extension("log");
    let log = File::options().create(true).append(true).open(log).unwrap();
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(log).spawn().unwrap()
}

/// The workers' processes.
pub struct Workers {
    place: WorkerArgs,
    children: Vec<Child>,
}

impl Workers {
    pub fn start(count: usize, place: &WorkerArgs) -> Self {
        let children = (0..count).map(|_| spawn_worker(place)).collect();
        Self { place: place.clone(), children }
    }

    /// `kill -9` of one, which is replaced.
    pub fn kill(&mut self, choice: usize) {
        let count = self.children.len();
        let child = &mut self.children[choice % count];
        end(child);
        *child = spawn_worker(&self.place);
    }

    pub fn signal(&self, choice: usize, name: &str) {
        signal(&self.children[choice % self.children.len()], name);
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.children.iter_mut().for_each(end);
    }
}

fn spawn_worker(place: &WorkerArgs) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["worker", "--ledger", &place.ledger, "--archive", &place.archive]);
    command.arg("--bucket").arg(&place.bucket).args(["--bootstrap", &place.bootstrap]);
    command.stdin(Stdio::piped()).spawn().unwrap()
}

fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

fn signal(child: &Child, name: &str) {
    let _ = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status();
}
