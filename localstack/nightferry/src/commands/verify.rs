//! `nightferry verify`: receipt, topic and folder, compared alert by alert.

use super::source;
use crate::{
    args::Verify,
    client::Client,
    exit::{self, CommandError},
    show::{self, DownloadBar},
};
use download::DownloadError;
use job::{RequestError, TaskState, TopicName};
use std::{num::NonZeroUsize, path::Path, time::Duration};
use transfer::Receipt;
use verify::{Options, ReceiptTask, Report, Source, VerifyError};

pub async fn run(args: &Verify) -> Result<u8, CommandError> {
    let (topic, receipt) = match &args.receipt {
        Some(path) => {
            let receipt = read_receipt(path)?;
            let topic: TopicName = receipt.topic.parse()?;
            if args.topic != topic.as_str() && args.topic != receipt.id.to_string() {
                let wrong =
                    format!("{} is the receipt of topic {topic}, not of {}", path.display(), args.topic);
                return Err(RequestError::new("receipt", wrong).into());
            }
            (topic, Some(receipt))
        }
        None => ask(args).await?,
    };
    if args.no_topic && receipt.is_none() {
        let wrong = "without the topic and without a receipt there is nothing to compare the folder with";
        return Err(RequestError::new("receipt", wrong)
            .instead("name the receipt's file with --receipt")
            .into());
    }
    let options = Options {
        receipt: receipt.as_ref().map(promised),
        topic: (!args.no_topic).then(|| Source { bootstrap: args.bootstrap.clone(), topic: topic.clone() }),
        outdir: args.outdir.clone(),
        examples: args.examples,
        threads: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
        patience: Duration::from_secs(30),
    };
    let bar = DownloadBar::new(args.api.json);
    let shown = bar.clone();
    let compare = move || verify::run(&options, &|progress| shown.show(progress));
    let report = tokio::task::spawn_blocking(compare).await.map_err(CommandError::stack)?;
    bar.clear();
    let report = report.inspect_err(|error| {
        if matches!(error, VerifyError::Topic(DownloadError::NoTopic { .. })) && args.outdir.is_some() {
            show::remark("--no-topic compares the folder with the receipt alone");
        }
    })?;
    tell(args, &topic, &report);
    Ok(if report.agrees { exit::OK } else { exit::DIFFERS })
}

/// The topic and its job's receipt, as the API knows them.
async fn ask(args: &Verify) -> Result<(TopicName, Option<Receipt>), CommandError> {
    let without = "comparing without its receipt";
    let Some(job) = source::find(&args.api, &args.topic, without).await? else {
        return Ok((args.topic.parse()?, None));
    };
    let state = job.status.state;
    let Some(topic) = job.status.topic.filter(|_| state.is_final()) else {
        let wrong =
            format!("the job {} is {state}: there is a receipt to compare with when it has ended", job.id);
        return Err(RequestError::new("job", wrong).into());
    };
    let receipt = source::receipt(&Client::new(&args.api), job.id).await?;
    Ok((topic.parse()?, receipt))
}

fn read_receipt(path: &Path) -> Result<Receipt, CommandError> {
    let failed = |source| CommandError::File { path: path.display().to_string(), source };
    let text = std::fs::read(path).map_err(failed)?;
    serde_json::from_slice(&text).map_err(|error| {
        RequestError::new("receipt", format!("{} is no receipt: {error}", path.display()))
            .instead("`nightferry receipt JOB --json` writes one")
            .into()
    })
}

fn promised(receipt: &Receipt) -> verify::Receipt {
    let tasks = receipt.nights.iter().map(|night| ReceiptTask {
        night: night.night,
        sent: night.counts.sent,
        // Those of newer receipts are counted in the topic itself, also where a night was not finished.
        is_done: night.state == TaskState::Done || !night.messages.is_empty(),
    });
    verify::Receipt { tasks: tasks.collect(), partitions: receipt.partitions.clone() }
}

fn tell(args: &Verify, topic: &TopicName, report: &Report) {
    if args.api.json {
        return show::json(report);
    }
    show::line(&format!("topic {topic}"));
    show::line(&show::verify_tables(report));
    for note in &report.notes {
        show::remark(note);
    }
    for difference in &report.differences {
        show::complain(difference);
    }
    if report.agrees {
        let sides = [("receipt", report.receipt), ("topic", report.topic), ("folder", report.folder)];
        let sides: Vec<_> =
            sides.iter().filter(|(_, count)| count.is_some()).map(|(side, _)| *side).collect();
        let alerts = show::count(report.folder.or(report.topic).unwrap_or_default());
        show::line(&match sides.as_slice() {
            [alone] => format!("well: the {alone} is in order in itself, with {alerts} alerts"),
            sides => format!("well: {} agree on {alerts} alerts", sides.join(", ")),
        });
    }
}
