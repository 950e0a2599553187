//! Apache Kafka for tests in Rust, as `run` beside this starts it.
//!
//! A broker lives as long as its [`ApacheKafka`], and no longer than the process, whatever ends that. What is missing
//! (Java, Maven) fails the test, in the words of `run` and `install`.

// In tests a panic is how a case fails, also in what the cases call.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::missing_panics_doc)]

use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    types::RDKafkaErrorCode,
};
use std::{
    fs::File,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// How long a start may take, an installation included.
const START: Duration = Duration::from_secs(180);

/// Places of the listeners among the ports: for anyone, and the same encrypted; for users by SCRAM, and the same
/// encrypted; for users by tokens.
const ANYONE: usize = 0;
const TLS: usize = 1;
const SCRAM: usize = 2;
const SCRAM_TLS: usize = 3;
const TOKENS: usize = 4;
const OPEN: &[usize] = &[ANYONE, TLS];
const ALL: &[usize] = &[ANYONE, TLS, SCRAM, SCRAM_TLS, TOKENS];

/// Who may do what.
#[derive(Clone, Copy, Debug)]
pub enum Access {
    /// Anyone may do anything.
    Open,
    /// Users of these names and passwords, by SCRAM or by tokens, may make and fill topics; anyone may read.
    Users(&'static [(&'static str, &'static str)]),
}

/// A running broker over a folder, which is left behind.
pub struct ApacheKafka {
    folder: PathBuf,
    ports: [u16; 5],
    end: Option<mpsc::Sender<()>>,
    keeper: Option<JoinHandle<()>>,
}

impl ApacheKafka {
    /// Starts one over the folder, once it can be used.
    pub fn start(folder: &Path, access: Access) -> Self {
        // All are taken before one is given back: else they might be the same.
        let taken = [0; 5].map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
        let ports = taken.each_ref().map(|listener| listener.local_addr().unwrap().port());
        drop(taken);
        let command = command(folder, ports, access);
        let (end, ended) = mpsc::channel();
        let keeper = std::thread::spawn(move || keep(command, ended));
        let broker = Self { folder: folder.to_owned(), ports, end: Some(end), keeper: Some(keeper) };
        broker.await_answer(if matches!(access, Access::Open) { OPEN } else { ALL });
        if let Access::Users([user, ..]) = access {
            let client = broker.client_of(*user);
            std::thread::spawn(|| await_rules(client))
                .join()
                .expect("the access rules do not come into force");
        }
        broker
    }

    /// Starts one in a folder of its own among the given ones, for a `static`: that is never dropped, so what the
    /// processes of earlier tests left there is removed now.
    pub fn start_among(folders: &Path, access: Access) -> Self {
        for left in std::fs::read_dir(folders).unwrap().filter_map(Result::ok) {
            let name = left.file_name();
            let process =
                name.to_str().and_then(|name| name.strip_prefix("kafka-")?.split(['-', '.']).next());
            if process.is_some_and(|process| !Path::new("/proc").join(process).exists()) {
                let _ = std::fs::remove_dir_all(left.path()).or_else(|_| std::fs::remove_file(left.path()));
            }
        }
        let kind = if matches!(access, Access::Open) { "open" } else { "users" };
        Self::start(&folders.join(format!("kafka-{}-{kind}", std::process::id())), access)
    }

    /// Where anyone may come.
    pub fn bootstrap(&self) -> String {
        self.address(ANYONE)
    }

    /// Where anyone may come: SSL.
    pub fn bootstrap_for_tls(&self) -> String {
        self.address(TLS)
    }

    /// Where users come with their passwords: SASL_PLAINTEXT, SCRAM-SHA-512.
    pub fn bootstrap_for_scram(&self) -> String {
        self.address(SCRAM)
    }

    /// The same encrypted: SASL_SSL, SCRAM-SHA-512.
    pub fn bootstrap_for_scram_and_tls(&self) -> String {
        self.address(SCRAM_TLS)
    }

    /// Where users come with tokens, which need not be signed: SASL_PLAINTEXT, OAUTHBEARER.
    pub fn bootstrap_for_tokens(&self) -> String {
        self.address(TOKENS)
    }

    /// The certificate of the authority that vouches for this broker, and for no other.
    pub fn authority(&self) -> PathBuf {
        self.folder.join("tls/ca.pem")
    }

    /// What it keeps.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn client_of(&self, (name, password): (&str, &str)) -> ClientConfig {
        let mut client = ClientConfig::new();
        client.set("bootstrap.servers", self.bootstrap_for_scram());
        client.set("security.protocol", "sasl_plaintext").set("sasl.mechanism", "SCRAM-SHA-512");
        client.set("sasl.username", name).set("sasl.password", password);
        client
    }

    fn address(&self, listener: usize) -> String {
        format!("127.0.0.1:{}", self.ports[listener])
    }

    fn await_answer(&self, listeners: &[usize]) {
        let deadline = Instant::now() + START;
        for listener in listeners {
            while TcpStream::connect(self.address(*listener)).is_err() {
                let ended = self.keeper.as_ref().is_none_or(JoinHandle::is_finished);
                assert!(!ended && Instant::now() < deadline, "Apache Kafka does not start: {}", self.log());
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.with_extension("log")).unwrap_or_default()
    }
}

impl Drop for ApacheKafka {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(keeper) = self.keeper.take() {
            let _ = keeper.join();
        }
    }
}

fn command(folder: &Path, ports: [u16; 5], access: Access) -> Command {
    // Ends with the thread that starts it, and so with the process.
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]).arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("run"));
    let port = |listener: usize| ports[listener].to_string();
    command.arg("--data").arg(folder).args(["--port", &port(ANYONE), "--tls", &port(TLS)]);
    if let Access::Users(users) = access {
        let lines: Vec<String> = users.iter().map(|(name, password)| format!("{name}:{password}")).collect();
        command.args(["--scram", "--scram-port", &port(SCRAM), "--scram-tls", &port(SCRAM_TLS)]);
        command.args(["--tokens", &port(TOKENS)]);
        command.env("KAFKA_USERS", lines.join("\n"));
    }
    let log = File::options().create(true).append(true).open(folder.with_extension("log")).unwrap();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    command
}

/// Waits until a user may make a topic. Kafka accepts connections before its controller has read the access rules. In a
/// thread of its own, as the caller's may belong to a runtime.
fn await_rules(client: ClientConfig) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let admin: AdminClient<_> = client.create().expect("users need librdkafka with ssl");
    let topic = NewTopic::new("ready", 1, TopicReplication::Fixed(1));
    let deadline = Instant::now() + START;
    loop {
        let made = runtime.block_on(admin.create_topics([&topic], &AdminOptions::new()));
        match made.map(|mut made| made.pop()) {
            Ok(Some(Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)))) => return,
            other => assert!(Instant::now() < deadline, "a user may make no topic: {other:?}"),
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Keeps the broker until nobody needs it, or it ends by itself.
fn keep(mut command: Command, ended: mpsc::Receiver<()>) {
    let mut child: Child = command.spawn().expect("setpriv is missing: it is part of util-linux");
    while ended.recv_timeout(Duration::from_millis(50)) == Err(mpsc::RecvTimeoutError::Timeout) {
        if child.try_wait().unwrap().is_some() {
            return;
        }
    }
    let _ = child.kill();
    let _ = child.wait();
}
