//! Which columns a night has: Fink's grew over the years.

use archive::{ArchiveError, from_description};
use arrow::datatypes::SchemaRef;
use job::Night;

/// Schemas of real nights, each with the first year that has it.
const ERAS: [(i32, &str); 4] = [
    (0, include_str!("../schemas/ztf-2020.json")),
    (2021, include_str!("../schemas/ztf-2021.json")),
    (2025, include_str!("../schemas/ztf-2025.json")),
    (2026, include_str!("../schemas/ztf-2026.json")),
];

/// The columns of a night.
pub fn schema_of(night: Night) -> Result<SchemaRef, ArchiveError> {
    let era = ERAS.iter().rev().find(|(first, _)| *first <= night.year());
    let text = era.map_or("[]", |(_, text)| text);
    let description = serde_json::from_str(text)
        .map_err(|error| ArchiveError::Damaged { path: "schemas".into(), reason: error.to_string() })?;
    from_description(&description)
}
