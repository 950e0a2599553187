//! `embedded-broker <folder> <host:port>`: serves until it is told to stop.

use std::net::SocketAddr;
use std::process::ExitCode;

use embedded_broker::{BrokerConfig, EmbeddedBroker};
use tokio::signal::unix::{SignalKind, signal};

const USAGE: &str = "usage: embedded-broker <folder> <host:port>, e.g. embedded-broker data 127.0.0.1:9092";

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(folder), Some(listen), None) = (arguments.next(), arguments.next(), arguments.next()) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let Some(listen) = listen.to_str().and_then(|listen| listen.parse::<SocketAddr>().ok()) else {
        eprintln!("{} is no address\n{USAGE}", listen.display());
        return ExitCode::from(2);
    };
    match serve(BrokerConfig::new(folder).listen(listen)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("embedded-broker: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(config: BrokerConfig) -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let broker = EmbeddedBroker::start(config)?;
    announce(&broker.bootstrap());
    runtime.block_on(async {
        let mut terminated = signal(SignalKind::terminate())?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted,
            _ = terminated.recv() => Ok(()),
        }
    })?;
    broker.shutdown();
    Ok(())
}

/// The address is what the program is asked for, so it goes to standard output, alone on its line.
#[expect(clippy::print_stdout, reason = "the program's output")]
fn announce(bootstrap: &str) {
    println!("{bootstrap}");
}
