//! The programs that the cases run: our binary, and Python with the field's clients.

use serde_json::Value;
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
};

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The `nightferry` binary of this build; built if need be.
pub fn nightferry() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        // <target>/<profile>/deps/integration-…
        let profile = std::env::current_exe().unwrap().ancestors().nth(2).unwrap().to_owned();
        let mut build = Command::new(env!("CARGO"));
        build.current_dir(workspace()).args(["build", "--quiet", "--package", "nightferry", "--target-dir"]);
        build.arg(profile.parent().unwrap());
        if profile.ends_with("release") {
            build.arg("--release");
        }
        // What Cargo tells the tests of themselves is not for that build: with it, build scripts that look at these
        // variables run again, and minutes of what stands on them are compiled anew, at every run of the tests.
        for (name, _) in std::env::vars() {
            if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
                build.env_remove(name);
            }
        }
        assert!(build.status().unwrap().success(), "nightferry does not build");
        profile.join("nightferry")
    })
}

/// A file of `../shared`; the case fails where it is missing.
pub fn shared(path: &str) -> PathBuf {
    let root =
        std::env::var("NIGHTFERRY_SHARED").map_or_else(|_| workspace().join("../shared"), PathBuf::from);
    let found = root.join(path);
    assert!(
        found.exists(),
        "{} is missing: these cases need the shared folder beside the project, or NIGHTFERRY_SHARED; \
         leave them out with `-- --skip with_shared`",
        found.display()
    );
    found
}

/// The scripts of `tests/clients`, run with the Python that has the field's clients.
pub struct Python {
    venvs: PathBuf,
}

/// A topic as the real client reads it.
pub struct Dump {
    /// What `read_topic.py` tells of it.
    pub told: Value,
    /// The alerts, decoded.
    pub alerts: Vec<Value>,
}

impl Python {
    /// Installs both clients (once, then they are kept).
    pub fn ready() -> &'static Self {
        static PYTHON: OnceLock<Python> = OnceLock::new();
        PYTHON.get_or_init(|| {
            let home = std::env::var("HOME").unwrap_or_else(|_| ".".into());
            let venvs = std::env::var("NIGHTFERRY_CLIENTS")
                .map_or_else(|_| Path::new(&home).join(".cache/nightferry/clients"), PathBuf::from);
            let script = workspace().join("tests/clients/install.sh");
            let output = Command::new("bash").arg(script).arg(&venvs).output().unwrap();
            assert!(
                output.status.success(),
                "the clients do not install: {}",
                String::from_utf8_lossy(&output.stderr)
            );
            Self { venvs }
        })
    }

    /// Runs a script; returns what it printed.
    pub fn script(&self, name: &str, args: &[&str]) -> Output {
        let script = workspace().join("tests/clients").join(name);
        let python = self.venvs.join("fink-12/bin/python");
        Command::new(python).arg(script).args(args).output().unwrap()
    }

    /// Runs a script that prints one JSON object.
    pub fn json(&self, name: &str, args: &[&str]) -> Value {
        let output = self.script(name, args);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
            panic!(
                "{name}: {error}\n{}\n{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            )
        })
    }

    /// Downloads a topic with one of the field's clients.
    pub fn download(
        &self,
        client: &str,
        bootstrap: &str,
        topic: &str,
        folder: &Path,
        more: &[&str],
    ) -> Value {
        let venvs = self.venvs.to_str().unwrap();
        let outdir = folder.to_str().unwrap();
        let home = folder.parent().unwrap().join(format!("home-{client}-{topic}"));
        let mut args = vec!["--client", client, "--venvs", venvs, "--bootstrap", bootstrap, "--topic", topic];
        args.extend([
            "--outdir",
            outdir,
            "--home",
            home.to_str().unwrap(),
            "--maxtimeout",
            "2",
            "--deadline",
            "90",
        ]);
        args.extend(more);
        self.json("download.py", &args)
    }

    /// Reads a whole topic with the field's Kafka and Avro libraries.
    pub fn topic(&self, bootstrap: &str, topic: &str) -> Dump {
        let file = tempfile::NamedTempFile::new().unwrap();
        self.topic_into(file.path(), bootstrap, topic)
    }

    /// The same, and keeps the alerts in a file, exactly as Python has them.
    pub fn topic_into(&self, file: &Path, bootstrap: &str, topic: &str) -> Dump {
        let dump = file.to_str().unwrap();
        let told = self.json("read_topic.py", &["--bootstrap", bootstrap, "--topic", topic, "--dump", dump]);
        let lines = std::fs::read_to_string(file).unwrap();
        Dump { told, alerts: lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect() }
    }
}

impl Dump {
    /// Whether every partition's offsets run from 0 without a gap, and every message is one whole alert.
    pub fn is_dense(&self) -> bool {
        let partitions = self.told["partitions"].as_object().unwrap();
        self.told["undecoded"] == serde_json::json!([])
            && partitions.values().all(|partition| partition["dense"] == true)
    }

    /// The names of the fields in their order.
    pub fn fields(&self) -> Vec<&str> {
        self.told["schema"]["fields"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect()
    }

    /// Copies of the schema in its topic; all must be the same.
    pub fn schema_copies(&self) -> u64 {
        assert_eq!(self.told["schema"]["distinct"], 1);
        self.told["schema"]["copies"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum()
    }

    /// How often each candid is there.
    pub fn candids(&self) -> HashMap<i64, usize> {
        let mut counts = HashMap::new();
        for alert in &self.alerts {
            let candid =
                alert["candid"].as_i64().unwrap_or_else(|| panic!("an alert without candid: {alert}"));
            *counts.entry(candid).or_default() += 1;
        }
        counts
    }
}
