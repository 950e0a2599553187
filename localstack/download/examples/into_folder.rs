//! Downloads a topic and tells how fast that was.
//!
//! `cargo run --release -p download --example into_folder BOOTSTRAP TOPIC FOLDER [time|finkclass|tnsclass|none] [avro]`
#![expect(clippy::print_stdout, reason = "the program's output")]

use download::{Format, Layout, Options};
use std::error::Error;
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [bootstrap, topic, outdir, more @ ..] = arguments.as_slice() else {
        return Err("usage: into_folder BOOTSTRAP TOPIC FOLDER [time|finkclass|tnsclass|none] [avro]".into());
    };
    let layout = match more.first().map_or("time", String::as_str) {
        "time" => Layout::Time,
        "finkclass" => Layout::Finkclass,
        "tnsclass" => Layout::Tnsclass,
        "none" => Layout::Flat,
        other => return Err(format!("there is no layout {other}").into()),
    };
    let format = match more.get(1).map_or("parquet", String::as_str) {
        "parquet" => Format::Parquet,
        "avro" => Format::Avro,
        other => return Err(format!("there is no format {other}").into()),
    };
    let options = Options {
        bootstrap: bootstrap.clone(),
        topic: topic.parse()?,
        outdir: outdir.into(),
        layout,
        format,
    };
    let begun = Instant::now();
    let summary = download::run(&options, &|_| {})?;
    let seconds = begun.elapsed().as_secs_f64();
    let rate = summary.new_alerts as f64 / seconds;
    println!("{} in {seconds:.2} s, {rate:.0} alerts/s", serde_json::to_string(&summary)?);
    Ok(())
}
