//! A mock broker in a process of its own.

use crate::mock::cluster;
use serde_json::json;

/// The topic to serve.
#[derive(clap::Args)]
pub struct Args {
    /// The topic.
    #[arg(long)]
    topic: String,
    /// Its partitions.
    #[arg(long)]
    partitions: i32,
}

/// Serves until standard input ends.
pub fn serve(args: &Args) {
    let cluster = cluster(&args.topic, args.partitions);
    println!("{}", json!({ "bootstrap": cluster.bootstrap_servers() }));
    let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
}
