//! `nightferry simulate`: nights of sample alerts.

use crate::{
    args::Simulate,
    exit::{self, CommandError},
    show,
};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use job::NightSelection;
use simulate::{Simulation, Written};
use std::{path::Path, time::Instant};

pub async fn run(args: &Simulate) -> Result<u8, CommandError> {
    let simulation = Simulation {
        nights: NightSelection::parse(&args.nights)?.iter().collect(),
        alerts_per_night: args.alerts,
        seed: args.seed,
        cutouts: !args.no_cutouts,
    };
    let begun = Instant::now();
    let written = write_with_bar(&simulation, &args.archive, args.json).await?;
    if args.json {
        show::json(&serde_json::json!({
            "archive": args.archive,
            "nights": simulation.nights.len(),
            "alerts": written.alerts,
            "bytes": written.bytes,
        }));
    } else {
        show::line(&format!(
            "{} nights, {} alerts, {} in {} ({})",
            simulation.nights.len(),
            show::count(written.alerts),
            show::bytes(written.bytes),
            args.archive.display(),
            show::rate(written.alerts, begun.elapsed())
        ));
    }
    Ok(exit::OK)
}

/// Writes the nights and shows how far it is.
pub(super) async fn write_with_bar(
    simulation: &Simulation,
    folder: &Path,
    silent: bool,
) -> Result<Written, CommandError> {
    let bar = ProgressBar::new(simulation.alerts_per_night * simulation.nights.len() as u64);
    if silent {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    if let Ok(style) = ProgressStyle::with_template(
        "  {spinner:.cyan} {bar:32.cyan/dim} {percent:>3} %  {human_pos} alerts · {per_sec} · {eta} left",
    ) {
        bar.set_style(style.progress_chars("━━─"));
    }
    let (simulation, folder, shown) = (simulation.clone(), folder.to_owned(), bar.clone());
    let write = move || simulation.write(&folder, &|alerts| shown.set_position(alerts));
    let written = tokio::task::spawn_blocking(write).await.map_err(CommandError::stack)?;
    bar.finish_and_clear();
    written.map_err(CommandError::stack)
}
