//! `nightferry optimize`: an archive, rewritten so that jobs over it are fast.

use crate::{
    args::Optimize,
    exit::{self, CommandError},
    show::{self, OptimizeBar},
};
use ::archive::Archive;
use job::{Night, NightSelection};
use optimize::{Settings, Watch};
use std::{collections::BTreeSet, path::Path, time::Duration};

/// How often the bar moves on.
const LOOK: Duration = Duration::from_millis(200);

/// Rewrites what is new or replaced.
pub async fn run(args: &Optimize) -> Result<u8, CommandError> {
    let source = Archive::open(&args.archive).map_err(CommandError::stack)?;
    if !args.to.contains("://") {
        let failed = |source| CommandError::File { path: args.to.clone(), source };
        std::fs::create_dir_all(Path::new(&args.to)).map_err(failed)?;
    }
    let target = Archive::open(&args.to).map_err(CommandError::stack)?;
    let nights: Option<BTreeSet<Night>> = match args.nights.is_empty() {
        true => None,
        false => {
            let today = chrono::Utc::now().date_naive();
            Some(NightSelection::parse(&args.nights)?.on(today)?.iter().collect())
        }
    };
    let mut settings = Settings { scratch_bytes: args.scratch_mib * 1024 * 1024, ..Settings::default() };
    if let Some(scratch) = &args.scratch {
        settings.scratch.clone_from(scratch);
    }
    let (bar, watch) = (OptimizeBar::new(args.json), Watch::default());
    let work = optimize::optimize(&source, &target, nights.as_ref(), &settings, &watch);
    let mut work = std::pin::pin!(work);
    let mut look = tokio::time::interval(LOOK);
    let done = loop {
        tokio::select! {
            done = &mut work => break done,
            // The night that is worked on leaves nothing behind: the work ends by itself, and soon.
            _ = tokio::signal::ctrl_c() => watch.stop(),
            _ = look.tick() => bar.show(watch.progress()),
        }
    };
    bar.clear();
    let done = match done {
        Err(optimize::OptimizeError::Stopped) => {
            show::complain("stopped; the same command goes on with what is left");
            return Ok(exit::INCOMPLETE);
        }
        done => done.map_err(CommandError::stack)?,
    };
    if args.json {
        show::json(&done);
    } else {
        if !done.optimized.is_empty() {
            show::line(&show::optimized_table(&done));
        }
        show::line(&format!("{} nights optimised, {} as they were", done.optimized.len(), done.unchanged));
    }
    for (night, reason) in &done.failed {
        show::complain(&format!("{night} cannot be optimised: {reason}"));
    }
    Ok(if done.failed.is_empty() { exit::OK } else { exit::INCOMPLETE })
}
