//! What the archive holds, and what a request would come to.

use super::{
    figures,
    tables::{number, table},
};
use comfy_table::{Cell, CellAlignment, Color};
use std::time::Duration;
use transfer::{ArchiveClass, ArchiveNight, ArchiveSchema, Estimate};

/// Classes that are shown of an estimate.
const CLASSES: usize = 20;
/// The length of the longest bar.
const BAR: u64 = 24;

fn right(text: String) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

fn bar(value: u64, largest: u64) -> Cell {
    let length = (value * BAR).div_ceil(largest.max(1));
    Cell::new("█".repeat(usize::try_from(length).unwrap_or_default())).fg(Color::Cyan)
}

/// The archive's nights.
pub fn night_table(nights: &[ArchiveNight]) -> String {
    let mut rows = table(&["night", "alerts", "", "bytes", "files", "columns", "g", "r", "i", "index"]);
    let largest = nights.iter().filter_map(|night| night.alerts).max().unwrap_or(0);
    for night in nights {
        let optional = |value: Option<u64>| value.map_or_else(|| Cell::new(""), number);
        let band = |band: &str| optional(night.bands.get(band).copied());
        rows.add_row(vec![
            Cell::new(night.night),
            optional(night.alerts),
            night.alerts.map_or_else(|| Cell::new(""), |alerts| bar(alerts, largest)),
            right(night.bytes.map_or_else(String::new, figures::bytes)),
            optional(night.files),
            optional(night.columns),
            band("1"),
            band("2"),
            band("3"),
            match (night.indexed, &night.trouble) {
                (false, _) => Cell::new("not yet").fg(Color::Yellow),
                (true, Some(trouble)) => Cell::new(trouble).fg(Color::Red),
                (true, None) => Cell::new("indexed").fg(Color::Green),
            },
        ]);
    }
    let alerts: u64 = nights.iter().filter_map(|night| night.alerts).sum();
    let bytes: u64 = nights.iter().filter_map(|night| night.bytes).sum();
    let indexed = nights.iter().filter(|night| night.indexed).count();
    format!(
        "{rows}\n{} nights, {indexed} of them indexed with {} alerts in {}",
        nights.len(),
        figures::count(alerts),
        figures::bytes(bytes)
    )
}

/// The nights that were rewritten.
pub fn optimized_table(done: &optimize::Optimized) -> String {
    let mut rows = table(&["night", "alerts", "before", "now", "row groups", "time"]);
    for (night, report) in &done.optimized {
        rows.add_row(vec![
            Cell::new(night),
            number(report.alerts),
            right(figures::bytes(report.bytes_before)),
            right(figures::bytes(report.bytes_after)),
            number(report.row_groups),
            right(figures::duration(Duration::from_secs_f64(report.seconds))),
        ]);
    }
    rows.to_string()
}

/// The classes with their alerts.
pub fn class_table(classes: &[ArchiveClass]) -> String {
    let mut rows = table(&["class", "alerts", "", "nights"]);
    let largest = classes.iter().map(|class| class.alerts).max().unwrap_or(0);
    for class in classes.iter().filter(|class| class.alerts > 0) {
        rows.add_row(vec![
            Cell::new(&class.class),
            number(class.alerts),
            bar(class.alerts, largest),
            number(class.nights),
        ]);
    }
    let without: Vec<&str> =
        classes.iter().filter(|class| class.alerts == 0).map(|class| class.class.as_str()).collect();
    match without.is_empty() {
        true => rows.to_string(),
        false => format!("{rows}\nwithout alerts: {}", without.join(", ")),
    }
}

/// The fields with their meaning.
pub fn schema_table(schema: &ArchiveSchema) -> String {
    let bounded = schema.fields.iter().any(|field| field.least.is_some());
    let mut headings = vec!["field", "type", "unit", "meaning"];
    if bounded {
        headings.extend(["from", "to"]);
    }
    headings.push("lacking in");
    let mut rows = table(&headings);
    let bound = |bound: Option<archive::Bound>| match bound {
        Some(archive::Bound::Whole(value)) => right(value.to_string()),
        Some(archive::Bound::Real(value)) => right(figures::real(value)),
        None => Cell::new(""),
    };
    for field in &schema.fields {
        let mut row = vec![
            Cell::new(&field.field),
            Cell::new(&field.data_type),
            Cell::new(&field.unit),
            Cell::new(&field.description),
        ];
        if bounded {
            row.extend([bound(field.least), bound(field.greatest)]);
        }
        row.push(Cell::new(field.lacking.join(", ")));
        rows.add_row(row);
    }
    format!("{rows}\n{} fields of {} nights", schema.fields.len(), schema.nights)
}

/// What a request would come to, by night and by class.
pub fn estimate_table(estimate: &Estimate) -> String {
    let mut nights = table(&["night", "in the archive", "would pass", "95 %", ""]);
    let largest = estimate.nights.iter().map(|night| night.alerts).max().unwrap_or(0);
    for night in &estimate.nights {
        nights.add_row(vec![
            Cell::new(night.night),
            number(night.alerts_in_night),
            number(night.alerts),
            interval(night.exact, night.alerts_low, night.alerts_high),
            bar(night.alerts, largest),
        ]);
    }
    let mut text = nights.to_string();
    let passing: Vec<_> = estimate.classes.iter().filter(|class| class.alerts_high > 0).collect();
    if !passing.is_empty() {
        let mut classes = table(&["class", "in the archive", "would pass", "95 %", ""]);
        let largest = passing.iter().map(|class| class.alerts).max().unwrap_or(0);
        for class in passing.iter().take(CLASSES) {
            classes.add_row(vec![
                Cell::new(&class.class),
                number(class.alerts_in_nights),
                number(class.alerts),
                interval(class.exact, class.alerts_low, class.alerts_high),
                bar(class.alerts, largest),
            ]);
        }
        text += &format!("\n{classes}");
        if passing.len() > CLASSES {
            text += &format!("\nand {} classes more", passing.len() - CLASSES);
        }
    }
    text += &format!("\n{}", summary(estimate));
    if !estimate.contents.is_empty() {
        let contents = estimate.contents.iter().map(|content| {
            let (topic, disk) = (figures::bytes(content.bytes), figures::bytes(content.disk_bytes));
            format!("{} {topic} ({disk} on disk)", content.content)
        });
        text += &format!("\nas {}", contents.collect::<Vec<_>>().join(", "));
    }
    for unreadable in &estimate.unreadable {
        text += &format!("\nunreadable: {unreadable}");
    }
    text
}

fn interval(exact: bool, low: u64, high: u64) -> Cell {
    match exact {
        true => Cell::new("counted").fg(Color::DarkGrey),
        false => right(format!("{} to {}", figures::count(low), figures::count(high))),
    }
}

fn summary(estimate: &Estimate) -> String {
    let how = match estimate.exact {
        true => "counted".to_owned(),
        false => format!(
            "95 %: {} to {}; conditions tried on {} alerts",
            figures::count(estimate.alerts_low),
            figures::count(estimate.alerts_high),
            figures::count(estimate.alerts_tried)
        ),
    };
    let bytes = estimate.bytes.map_or("unknown size".to_owned(), figures::bytes);
    let disk =
        estimate.disk_bytes.map_or(String::new(), |disk| format!(", {} on disk", figures::bytes(disk)));
    let time = estimate.seconds.map_or(String::new(), |seconds| {
        format!(", about {}", figures::duration(Duration::from_secs_f64(seconds.clamp(0.0, 1e9))))
    });
    format!(
        "{} of {} alerts ({how})\n{bytes} in the topic{disk}{time}; the archive holds {} in these nights",
        figures::count(estimate.alerts),
        figures::count(estimate.alerts_in_nights),
        figures::bytes(estimate.bytes_in_nights),
    )
}
