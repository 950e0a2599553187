//! One LocalStack for all tests of this process, on 127.0.0.1; or the server that `AWS_ENDPOINT_URL` names.

use aws_config::{BehaviorVersion, Region, SdkConfig, timeout::TimeoutConfig};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use std::{
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
    time::{Duration, Instant},
};

/// The server ends when this process's end of the pipe is gone, however the process ended.
const UNTIL_THE_PIPE_CLOSES: &str =
    r#""$@" </dev/null & server=$!; cat >/dev/null; kill "$server"; wait "$server"; rm -rf "$DATA""#;
/// It may have to be installed first.
const LONGEST_START: Duration = Duration::from_secs(600);

struct Server {
    endpoint: String,
    _shell: Child,
}

/// The address of the server, which is started if it is not there.
pub fn endpoint() -> &'static str {
    static GIVEN: OnceLock<Option<String>> = OnceLock::new();
    static SERVER: OnceLock<Server> = OnceLock::new();
    if let Some(given) = GIVEN.get_or_init(|| std::env::var("AWS_ENDPOINT_URL").ok()) {
        return given.trim_end_matches('/');
    }
    &SERVER.get_or_init(start).endpoint
}

/// A client's settings for the server.
pub async fn config() -> SdkConfig {
    // LocalStack works off one request after the other: the last of many waits for all, longer than AWS would ever take.
    let patient = TimeoutConfig::builder().operation_attempt_timeout(Duration::from_secs(60)).build();
    config_at(endpoint()).await.into_builder().timeout_config(patient).build()
}

/// The same for another address.
pub async fn config_at(endpoint: &str) -> SdkConfig {
    let credentials = Credentials::new("test", "test", None, None, "tests");
    let loader = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new("eu-west-3"))
        .endpoint_url(endpoint)
        .credentials_provider(SharedCredentialsProvider::new(credentials));
    cloud::configured(loader).await
}

/// A name that no earlier run has used on the same server.
pub fn new_name(name: &str) -> String {
    format!("{name}-{:08x}", fastrand::u32(..))
}

/// The project's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

fn start() -> Server {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let data = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("aws-{}", std::process::id()));
    std::fs::create_dir_all(&data).unwrap();
    let log = data.join("server.log");
    let output = std::fs::File::create(&log).unwrap();
    let mut shell = Command::new("sh")
        .args(["-c", UNTIL_THE_PIPE_CLOSES, "sh"])
        .arg(root().join("localstack/native/run"))
        .args(["--port", &port.to_string(), "--data"])
        .arg(&data)
        .env("DATA", &data)
        .stdin(Stdio::piped())
        .stdout(output.try_clone().unwrap())
        .stderr(output)
        .spawn()
        .unwrap();
    let since = Instant::now();
    loop {
        let said = std::fs::read_to_string(&log).unwrap();
        if said.contains("Ready.") {
            return Server { endpoint: format!("http://127.0.0.1:{port}"), _shell: shell };
        }
        let ended =
            shell.try_wait().unwrap().is_some() || said.contains("Traceback") || said.contains("/install:");
        assert!(!ended && since.elapsed() < LONGEST_START, "LocalStack does not start: {said}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
