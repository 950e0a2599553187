//! Holds a topic against the archive, with the field's own libraries: `audit.py`.

use job::Night;
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// The Python that has the field's clients; installed once.
fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let home = std::env::var("HOME").unwrap_or_else(|_| ".".into());
        let venvs = std::env::var("NIGHTFERRY_CLIENTS")
            .map_or_else(|_| Path::new(&home).join(".cache/nightferry/clients"), PathBuf::from);
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/install.sh");
        let output = Command::new("bash").arg(script).arg(&venvs).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        venvs.join("fink-12/bin/python")
    })
}

/// What is lost, doubled, foreign, out of order, and where offsets are missing.
pub fn audit(archive: &Path, bootstrap: &str, topic: &str, nights: &[Night]) -> Value {
    let nights = nights.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let mut command = Command::new(python());
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("chaos/audit.py"));
    command.arg("--archive").arg(archive).args(["--bootstrap", bootstrap, "--topic", topic]);
    let output = command.args(["--nights", &nights]).output().unwrap();
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}\n{}", String::from_utf8_lossy(&output.stderr)))
}
