//! `nightferry download`: a topic becomes Parquet files.

use crate::{
    args::{Download, PartitionBy},
    exit::{self, CommandError},
    show,
};
use download::{Layout, Options};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::Instant;

pub async fn run(args: &Download) -> Result<u8, CommandError> {
    let options = Options {
        bootstrap: args.bootstrap.clone(),
        topic: args.topic.parse()?,
        outdir: args.outdir.clone(),
        layout: match args.partitionby {
            PartitionBy::Time => Layout::Time,
            PartitionBy::Finkclass => Layout::Finkclass,
            PartitionBy::Tnsclass => Layout::Tnsclass,
            PartitionBy::None => Layout::Flat,
        },
    };
    let bar = ProgressBar::new(0);
    if args.json {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    if let Ok(style) = ProgressStyle::with_template(
        "  {spinner:.cyan} {bar:32.cyan/dim} {percent:>3} %  {human_pos} of {human_len} alerts · {per_sec} · {eta} left",
    ) {
        bar.set_style(style.progress_chars("━━─"));
    }
    let (begun, shown) = (Instant::now(), bar.clone());
    let run = move || {
        download::run(&options, &|progress| {
            shown.set_length(progress.total);
            shown.set_position(progress.alerts);
        })
    };
    let summary = tokio::task::spawn_blocking(run).await.map_err(CommandError::stack)??;
    bar.finish_and_clear();
    if args.json {
        show::json(&summary);
    } else {
        if summary.expired > 0 {
            show::remark(&format!(
                "{} alerts had expired before they were read",
                show::count(summary.expired)
            ));
        }
        show::line(&format!(
            "{} alerts ({} new) in {} files, {}, in {} ({})",
            show::count(summary.alerts),
            show::count(summary.new_alerts),
            show::count(summary.files),
            args.outdir.display(),
            show::duration(begun.elapsed()),
            show::rate(summary.new_alerts, begun.elapsed())
        ));
    }
    Ok(exit::OK)
}
