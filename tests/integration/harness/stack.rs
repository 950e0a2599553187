//! A running `nightferry up`.

use super::{nightferry, number, text, wait_for};
use serde_json::Value;
use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

/// A stack over an archive and a data folder, ended with the case.
pub struct Stack {
    child: Child,
    /// `http://127.0.0.1:…`
    pub api: String,
    /// `127.0.0.1:…`
    pub bootstrap: String,
    archive: PathBuf,
    data: PathBuf,
    more: Vec<String>,
}

impl Stack {
    /// Starts a stack on free ports.
    pub fn start(archive: &Path, data: &Path, more: &[&str]) -> Self {
        let more: Vec<String> = more.iter().map(ToString::to_string).collect();
        Self::launch(archive.to_owned(), data.to_owned(), more)
    }

    fn launch(archive: PathBuf, data: PathBuf, more: Vec<String>) -> Self {
        std::fs::create_dir_all(&data).unwrap();
        let log = std::fs::File::options().create(true).append(true).open(data.join("stack.log")).unwrap();
        let mut command = Command::new(nightferry());
        command.arg("up").arg("--archive").arg(&archive).arg("--data").arg(&data);
        command.args(["--http", "127.0.0.1:0", "--kafka", "127.0.0.1:0"]).args(&more);
        command.env_remove("KAFKA_BOOTSTRAP").stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().unwrap();
        let (mut api, mut bootstrap) = (String::new(), String::new());
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        loop {
            let Some(Ok(line)) = lines.next() else {
                let _ = child.kill();
                panic!(
                    "the stack did not start: {}",
                    std::fs::read_to_string(data.join("stack.log")).unwrap()
                );
            };
            let mut words = line.split_whitespace();
            match (words.next(), words.next()) {
                (Some("API"), Some(address)) => api = address.to_owned(),
                (Some("broker"), Some(address)) => bootstrap = address.to_owned(),
                (Some("ready;"), _) => break,
                _ => {}
            }
        }
        // Nobody reads on, but nobody closes the pipe either.
        std::mem::forget(lines);
        Self { child, api, bootstrap, archive, data, more }
    }

    /// Ends it at once, as a crash would, and starts it again over the same data.
    pub fn crash_and_restart(mut self) -> Self {
        self.kill();
        Self::launch(self.archive.clone(), self.data.clone(), self.more.clone())
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Runs a command of ours against it.
    pub fn run(&self, args: &[&str]) -> Output {
        Command::new(nightferry()).args(args).args(["--api", &self.api]).output().unwrap()
    }

    /// The same with `--json`; the command may end in any way that prints a document.
    pub fn json(&self, args: &[&str]) -> Value {
        let output = self.run(&[args, &["--json"]].concat());
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{args:?}: {error}\n{}", String::from_utf8_lossy(&output.stderr)))
    }

    /// Submits a job and waits for its end.
    pub fn ferry(&self, args: &[&str]) -> Value {
        self.json(&[&["submit", "--watch"], args].concat())
    }

    /// The same, for a job that must end well: everything kept is sent.
    pub fn ferry_well(&self, args: &[&str]) -> Value {
        let job = self.ferry(args);
        assert_eq!(text(&job, "/status/state"), "done", "{job:#}");
        assert_eq!(number(&job, "/status/counts/kept"), number(&job, "/status/counts/sent"));
        job
    }

    /// A job as it stands.
    pub fn job(&self, id: &str) -> Value {
        self.json(&["status", id])
    }

    /// Waits until a job is in a state.
    pub fn await_state(&self, id: &str, state: &str, seconds: u64) -> Value {
        wait_for(&format!("job {id} {state}"), seconds, || {
            let job = self.job(id);
            (text(&job, "/status/state") == state).then_some(job)
        })
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
