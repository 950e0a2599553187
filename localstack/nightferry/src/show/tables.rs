//! Tables.

use super::figures;
use comfy_table::{Cell, CellAlignment, Color, ContentArrangement, Table, presets::UTF8_FULL_CONDENSED};
use job::{JobState, TaskState};
use transfer::{JobDocument, JobSummary, Receipt};
use verify::{Counted, Report};

pub(super) fn table(headings: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(headings.iter().map(|heading| Cell::new(heading).fg(Color::Cyan)));
    table
}

pub(super) fn number(value: u64) -> Cell {
    Cell::new(figures::count(value)).set_alignment(CellAlignment::Right)
}

fn job_state(state: JobState) -> Cell {
    let colour = match state {
        JobState::Done => Color::Green,
        JobState::Partial | JobState::Cancelled => Color::Yellow,
        JobState::Failed => Color::Red,
        JobState::Queued | JobState::Running => Color::Cyan,
    };
    Cell::new(state).fg(colour)
}

fn task_state(state: TaskState) -> Cell {
    let (text, colour) = match state {
        TaskState::Queued => ("queued", Color::DarkGrey),
        TaskState::Running => ("running", Color::Cyan),
        TaskState::Done => ("done", Color::Green),
        TaskState::Failed => ("failed", Color::Red),
        TaskState::Cancelled => ("cancelled", Color::Yellow),
    };
    Cell::new(text).fg(colour)
}

/// A job: its figures, then its nights.
pub fn job_table(job: &JobDocument) -> String {
    let status = &job.status;
    let mut text = format!("job {}  {}\n", job.id, status.state);
    text += &format!("topic {}\n", status.topic.as_deref().unwrap_or("(not ready yet)"));
    let expiry = if status.expired { "expired" } else { "expires" };
    let date = status.expires.format("%Y-%m-%d %H:%M UTC");
    text += &format!("content {}, {expiry} {date}\n", job.request.content);
    let mut nights = table(&[
        "night", "state", "alerts", "read", "kept", "sent", "bytes", "fetched", "requests", "reason",
    ]);
    for night in &status.nights {
        let name = if night.part == 0 {
            night.night.to_string()
        } else {
            format!("{} part {}", night.night, night.part + 1)
        };
        let counts = &night.counts;
        nights.add_row(vec![
            Cell::new(name),
            task_state(night.state),
            number(night.alerts),
            number(counts.read),
            number(counts.kept),
            number(counts.sent),
            Cell::new(figures::bytes(counts.bytes_sent)).set_alignment(CellAlignment::Right),
            Cell::new(figures::bytes(counts.bytes_read)).set_alignment(CellAlignment::Right),
            number(counts.requests),
            Cell::new(night.failure.as_ref().map_or("", |failure| &failure.reason)),
        ]);
    }
    text += &nights.to_string();
    if let Some(failure) = &status.failure {
        text += &format!("\nfailed: {}", failure.reason);
    }
    for note in &status.notes {
        text += &format!("\nnote: {note}");
    }
    text
}

/// Jobs, newest first.
pub fn job_list(jobs: &[JobSummary]) -> String {
    let mut list = table(&["job", "name", "state", "topic", "content", "sent", "expires"]);
    for job in jobs {
        list.add_row(vec![
            Cell::new(job.id),
            Cell::new(job.name.as_deref().unwrap_or("")),
            job_state(job.state),
            Cell::new(job.topic.as_deref().unwrap_or("")),
            Cell::new(&job.content),
            number(job.sent),
            match job.expired {
                true => Cell::new("expired").fg(Color::DarkGrey),
                false => Cell::new(job.expires.format("%Y-%m-%d %H:%M")),
            },
        ]);
    }
    list.to_string()
}

/// What a job read, dropped, kept and sent, night by night.
pub fn receipt_table(receipt: &Receipt) -> String {
    let conditions = receipt.total.dropped_by_condition.len();
    let by_condition: Vec<String> = match conditions {
        0 | 1 => vec!["by condition".into()],
        many => (1..=many).map(|number| format!("by condition {number}")).collect(),
    };
    let mut headings = vec!["night", "state", "read", "by class"];
    headings.extend(by_condition.iter().map(String::as_str));
    headings.extend(["over limit", "kept", "sent", "bytes"]);
    let mut nights = table(&headings);
    let total = ("total".to_owned(), None, &receipt.total);
    let rows = receipt.nights.iter().map(|night| (night.night.to_string(), Some(night.state), &night.counts));
    for (name, state, counts) in rows.chain([total]) {
        let mut row = vec![
            Cell::new(name),
            state.map_or_else(|| job_state(receipt.state), task_state),
            number(counts.read),
            number(counts.dropped_by_class),
        ];
        let dropped = (0..conditions.max(1)).map(|index| counts.dropped_by_condition.get(index));
        row.extend(dropped.map(|count| number(count.copied().unwrap_or(0))));
        row.extend([number(counts.over_limit), number(counts.kept), number(counts.sent)]);
        row.push(Cell::new(figures::bytes(counts.bytes_sent)).set_alignment(CellAlignment::Right));
        nights.add_row(row);
    }
    let mut partitions = table(&["partition", "first offset", "end offset", "alerts"]);
    for span in &receipt.partitions {
        partitions.add_row(vec![
            Cell::new(span.partition),
            Cell::new(span.start),
            Cell::new(span.end),
            number(span.count),
        ]);
    }
    let schema = receipt.schema_fingerprint.as_deref().unwrap_or("(none)");
    let mut text = format!("topic {}, schema {schema}\n{nights}\n{partitions}", receipt.topic);
    for night in receipt.nights.iter().filter(|night| night.unfinished > 0) {
        text += &format!(
            "\n{}: {} of the alerts sent are of a row group that was not finished",
            night.night,
            figures::count(night.unfinished)
        );
    }
    if let Some(failure) = &receipt.failure {
        text += &format!("\nfailed: {}", failure.reason);
    }
    text
}

/// Alerts that arrived, per night and per class, with a bar for each class.
pub fn arrivals(job: &JobDocument) -> String {
    const WIDTH: u64 = 30;
    let status = &job.status;
    let mut nights = table(&["night", "in the archive", "arrived", "bytes"]);
    for night in &status.nights {
        nights.add_row(vec![
            Cell::new(night.night),
            number(night.alerts),
            number(night.counts.sent),
            Cell::new(figures::bytes(night.counts.bytes_sent)).set_alignment(CellAlignment::Right),
        ]);
    }
    let mut classes: Vec<(&String, &u64)> = status.counts.classes.iter().collect();
    classes.sort_by_key(|(class, count)| (std::cmp::Reverse(**count), (*class).clone()));
    let largest = classes.first().map_or(1, |(_, count)| **count).max(1);
    let mut by_class = table(&["class", "arrived", ""]);
    for (class, arrived) in classes {
        let bar = "█".repeat(usize::try_from((arrived * WIDTH).div_ceil(largest)).unwrap_or_default());
        by_class.add_row(vec![Cell::new(class), number(*arrived), Cell::new(bar).fg(Color::Cyan)]);
    }
    format!("{nights}\n{by_class}")
}

/// What a comparison found: by night, by partition, and the alerts concerned.
pub fn verify_tables(report: &Report) -> String {
    const SIDES: [&str; 7] = ["receipt", "topic", "folder", "missing", "doubled", "foreign", "repeated"];
    let cells = |sides: [Option<u64>; 3], counted: &Counted| {
        let sides = sides.map(|side| side.map_or_else(|| Cell::new(""), number));
        let Counted { missing, doubled, foreign, repeated } = *counted;
        let wrong = [missing, doubled, foreign, repeated].map(|count| match count {
            0 => Cell::new(""),
            count => number(count).fg(Color::Red),
        });
        sides.into_iter().chain(wrong)
    };
    let headings = |first| [&[first][..], &SIDES[..]].concat();
    let mut nights = table(&headings("night"));
    for row in &report.nights {
        let night = row.night.map_or("unknown".to_owned(), |night| night.to_string());
        let sides = [row.receipt, row.topic, row.folder];
        nights.add_row(std::iter::once(Cell::new(night)).chain(cells(sides, &row.counted)));
    }
    let sides = [report.receipt, report.topic, report.folder];
    nights.add_row(std::iter::once(Cell::new("total")).chain(cells(sides, &report.total)));
    let mut text = nights.to_string();
    if !report.partitions.is_empty() {
        let mut partitions = table(&headings("partition"));
        for row in &report.partitions {
            let partition = row.partition.map_or("none".to_owned(), |partition| partition.to_string());
            let sides = [row.receipt, row.topic, row.folder];
            partitions.add_row(std::iter::once(Cell::new(partition)).chain(cells(sides, &row.counted)));
        }
        text += &format!("\n{partitions}");
    }
    if !report.examples.is_empty() {
        let mut examples = table(&["", "candid", "objectId", "night", "partition", "offset", "file"]);
        for example in &report.examples {
            let text = |value: Option<String>| Cell::new(value.unwrap_or_default());
            examples.add_row(vec![
                Cell::new(format!("{:?}", example.kind).to_lowercase()).fg(Color::Red),
                text(example.candid.map(|candid| candid.to_string())),
                text(example.object_id.clone()),
                text(example.night.map(|night| night.to_string())),
                text(example.partition.map(|partition| partition.to_string())),
                text(example.offset.map(|offset| offset.to_string())),
                text(example.file.clone()),
            ]);
        }
        text += &format!("\n{examples}");
    }
    text
}
