//! `nightferry up`: the stack, until it is told to end.

use crate::{args::Up, exit, exit::CommandError, show, stack::Stack};
use tokio::signal::unix::{SignalKind, signal};

pub async fn run(up: &Up) -> Result<u8, CommandError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(CommandError::stack)?;
    let stack = Stack::start(up).await?;
    show::line(&format!("archive    {}", up.archive));
    let unbuilt = if page::is_built() { "" } else { " (not built into this program; it says how)" };
    show::line(&format!("page       {}/{unbuilt}", stack.api()));
    show::line(&format!("API        {}", stack.api()));
    show::line(&format!("broker     {}", stack.bootstrap));
    show::line(&format!("data       {}", up.data.display()));
    if stack.recovered > 0 {
        show::line(&format!("going on   with {} pieces of work", stack.recovered));
    }
    show::line("ready; end with Ctrl-C");
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
    stack.stop().await;
    Ok(exit::OK)
}
