//! Metrics in CloudWatch's embedded format: a line of the log from which CloudWatch makes metrics, so that no call is needed.

use serde_json::{Value, json};
use std::{
    io::Write,
    time::{SystemTime, UNIX_EPOCH},
};
use transfer::{AttemptEnd, AttemptFigures};

/// The namespace of the metrics.
const NAMESPACE: &str = "nightferry";

/// Writes what an attempt did to the function's log.
pub fn meter(figures: &AttemptFigures) {
    let moment = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
    let function = std::env::var("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_else(|_| "worker".into());
    let line = embedded(figures, &function, moment);
    // A log that cannot be written is no reason to stop.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

fn embedded(figures: &AttemptFigures, function: &str, moment: u64) -> Value {
    let ended = |end: AttemptEnd| u64::from(figures.end == end);
    let stages = &figures.stages;
    let metrics = [
        ("AlertsRead", "Count", json!(figures.read)),
        ("AlertsKept", "Count", json!(figures.kept)),
        ("AlertsSent", "Count", json!(figures.sent)),
        ("BytesRead", "Bytes", json!(figures.bytes_read)),
        ("ArchiveRequests", "Count", json!(figures.requests)),
        ("FooterRequests", "Count", json!(figures.footer_requests)),
        ("BytesSent", "Bytes", json!(figures.bytes_sent)),
        ("FetchSeconds", "Seconds", json!(stages.fetch.as_secs_f64())),
        ("ScanSeconds", "Seconds", json!(stages.scan.as_secs_f64())),
        ("EncodeSeconds", "Seconds", json!(stages.encode.as_secs_f64())),
        ("SendSeconds", "Seconds", json!(stages.send.as_secs_f64())),
        ("AttemptSeconds", "Seconds", json!(figures.took.as_secs_f64())),
        ("TasksDone", "Count", json!(ended(AttemptEnd::Done))),
        ("TasksFailed", "Count", json!(ended(AttemptEnd::Failed))),
        ("TasksHandedOver", "Count", json!(ended(AttemptEnd::HandedOver))),
    ];
    let described: Vec<Value> =
        metrics.iter().map(|(name, unit, _)| json!({"Name": name, "Unit": unit})).collect();
    let mut line = json!({
        "_aws": {
            "Timestamp": moment,
            "CloudWatchMetrics": [{"Namespace": NAMESPACE, "Dimensions": [["Function"]], "Metrics": described}],
        },
        "Function": function,
        "job": figures.task.job,
        "task": figures.task.index,
        "night": figures.night,
        "attempt": figures.attempt,
        "trace": figures.trace,
        "end": figures.end.name(),
    });
    for (name, _, value) in metrics {
        line[name] = value;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use job::{JobId, TaskId, TraceId};
    use std::time::Duration;
    use transfer::Stages;

    #[test]
    fn every_metric_that_is_described_has_a_number() {
        let figures = AttemptFigures {
            task: TaskId { job: JobId::random(), index: 3 },
            night: "2026-03-22".parse().unwrap(),
            attempt: 2,
            trace: TraceId::random(),
            end: AttemptEnd::HandedOver,
            read: 100,
            kept: 10,
            sent: 7,
            bytes_read: 4000,
            requests: 5,
            footer_requests: 2,
            bytes_sent: 700,
            stages: Stages { scan: Duration::from_millis(1500), ..Stages::default() },
            took: Duration::from_secs(2),
        };
        let line = embedded(&figures, "worker", 1_700_000_000_000);
        let described = line["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array().unwrap();
        assert!(described.iter().all(|metric| line[metric["Name"].as_str().unwrap()].is_number()));
        assert_eq!((&line["AlertsSent"], &line["ScanSeconds"]), (&json!(7), &json!(1.5)));
        assert_eq!((&line["ArchiveRequests"], &line["FooterRequests"]), (&json!(5), &json!(2)));
        assert_eq!((&line["TasksHandedOver"], &line["TasksDone"]), (&json!(1), &json!(0)));
        assert_eq!(line["night"], "2026-03-22");
    }
}
