//! librdkafka's mock broker, in a process of its own.

use rdkafka::mocking::MockCluster;
use serde_json::json;

/// The topic to serve: a mock broker cannot be asked to make one.
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
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic(&args.topic, args.partitions, 1).unwrap();
    println!("{}", json!({ "bootstrap": cluster.bootstrap_servers() }));
    let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
}
