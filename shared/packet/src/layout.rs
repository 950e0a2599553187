//! Which columns a content has, under which names, and where they come from (CONTRACT §4).

use crate::{PacketError, derived::finkclass_inputs};
use arrow::datatypes::{DataType, Field, Schema};
use job::{Content, FieldPath, Packet};
use std::{collections::BTreeSet, sync::Arc};

/// The classes that every content carries after the night.
pub const DERIVED_COLUMNS: [&str; 2] = ["finkclass", "tnsclass"];
/// The night that every content carries, as three ints.
pub const NIGHT_COLUMNS: [&str; 3] = ["year", "month", "day"];

/// What a light packet lifts out of `candidate`.
const LIGHT_CANDIDATE: [&str; 7] = ["magpsf", "sigmapsf", "fid", "jd", "ra", "dec", "ssnamenr"];
/// What a cutouts packet lifts out of `candidate`.
const CUTOUTS_CANDIDATE: [&str; 5] = ["candid", "magpsf", "ra", "dec", "jd"];
/// The three images.
const CUTOUTS: [&str; 3] = ["cutoutScience", "cutoutTemplate", "cutoutDifference"];

/// Where a column of a message comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A field of the archive.
    Archive(FieldPath),
    /// Derived from others, or from the night.
    Derived,
}

/// A column of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name in the message.
    pub name: String,
    /// Its type, in Arrow's words.
    pub data_type: DataType,
    /// Where it comes from.
    pub source: Source,
}

/// A content, resolved against a job's schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    columns: Vec<Column>,
}

/// The schema that conditions and field lists are checked against: the archive's columns, then year, month, day,
/// finkclass, tnsclass. A stored column of such a name gives way to ours.
pub fn queryable_schema(job_schema: &Schema) -> Schema {
    let own = |name: &str| NIGHT_COLUMNS.contains(&name) || DERIVED_COLUMNS.contains(&name);
    let mut fields: Vec<Arc<Field>> =
        job_schema.fields().iter().filter(|field| !own(field.name())).cloned().collect();
    fields.extend(NIGHT_COLUMNS.map(|name| Arc::new(Field::new(name, DataType::Int32, true))));
    fields.extend(DERIVED_COLUMNS.map(|name| Arc::new(Field::new(name, DataType::Utf8, true))));
    Schema::new(fields)
}

impl Layout {
    /// The columns of `content` over the archive's columns. Fields are matched as Spark matches them, without regard
    /// to case.
    pub fn new(content: &Content, job_schema: &Schema) -> Result<Self, PacketError> {
        let mut layout = Self { columns: Vec::new() };
        match content {
            Content::Packet(Packet::Light) => {
                layout.lift(job_schema, &LIGHT_CANDIDATE);
                layout.roots(job_schema, |name| {
                    !name.starts_with("cutout") && name != "candidate" && name != "prv_candidates"
                });
            }
            Content::Packet(Packet::Cutouts) => {
                layout.roots(job_schema, |name| name == "objectId");
                layout.lift(job_schema, &CUTOUTS_CANDIDATE);
                layout.roots(job_schema, |name| CUTOUTS.contains(&name));
            }
            Content::Packet(Packet::Medium) => layout.roots(job_schema, |name| !name.starts_with("cutout")),
            Content::Packet(Packet::Full) => layout.roots(job_schema, |_| true),
            Content::Fields(fields) => layout.chosen(job_schema, fields)?,
        }
        layout.close();
        Ok(layout)
    }

    /// The columns in the order of the message.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The archive's fields that are in the message.
    pub fn archive_fields(&self) -> Vec<&FieldPath> {
        let sources = self.columns.iter().map(|column| &column.source);
        sources
            .filter_map(|source| match source {
                Source::Archive(path) => Some(path),
                Source::Derived => None,
            })
            .collect()
    }

    /// What must be read from the archive to build a message, inputs of the derived columns included.
    pub fn reads(&self, job_schema: &Schema) -> BTreeSet<FieldPath> {
        let from_archive = self.archive_fields().into_iter().cloned();
        from_archive.chain(finkclass_inputs(job_schema)).chain(routing_inputs()).collect()
    }

    fn lift(&mut self, job_schema: &Schema, leaves: &[&str]) {
        for leaf in leaves {
            let path = FieldPath::new(["candidate", leaf]);
            if let Some(data_type) = type_of(job_schema, &path) {
                self.add(leaf, data_type, path);
            }
        }
    }

    fn roots(&mut self, job_schema: &Schema, wanted: impl Fn(&str) -> bool) {
        for field in job_schema.fields().iter().filter(|field| wanted(field.name())) {
            self.add(field.name(), field.data_type().clone(), FieldPath::new([field.name()]));
        }
    }

    fn chosen(&mut self, job_schema: &Schema, fields: &[String]) -> Result<(), PacketError> {
        // `candidate.jd` is always added: clients partition by it.
        let always = "candidate.jd".to_owned();
        for text in fields.iter().chain([&always]) {
            if NIGHT_COLUMNS.iter().chain(&DERIVED_COLUMNS).any(|name| text.eq_ignore_ascii_case(name)) {
                continue;
            }
            let Some((path, data_type)) = find(job_schema, text) else {
                return Err(PacketError::UnknownField {
                    field: text.clone(),
                    nearest: nearest(job_schema, text),
                });
            };
            let name = if path.root() == "candidate" {
                path.leaf().to_owned()
            } else {
                path.to_string().replace('.', "_")
            };
            match self.columns.iter().find(|column| column.name == name) {
                Some(column) if column.source == Source::Archive(path.clone()) => {}
                Some(column) => {
                    let Source::Archive(first) = &column.source else { continue };
                    return Err(PacketError::SameName {
                        name,
                        first: first.to_string(),
                        second: path.to_string(),
                    });
                }
                None => self.add(&name, data_type, path),
            }
        }
        Ok(())
    }

    fn add(&mut self, name: &str, data_type: DataType, path: FieldPath) {
        let own = NIGHT_COLUMNS.contains(&name) || DERIVED_COLUMNS.contains(&name);
        if !own && self.columns.iter().all(|column| column.name != name) {
            self.columns.push(Column { name: name.to_owned(), data_type, source: Source::Archive(path) });
        }
    }

    fn close(&mut self) {
        let derived =
            |name: &str, data_type| Column { name: name.to_owned(), data_type, source: Source::Derived };
        self.columns.extend(NIGHT_COLUMNS.map(|name| derived(name, DataType::Int32)));
        self.columns.extend(DERIVED_COLUMNS.map(|name| derived(name, DataType::Utf8)));
    }
}

/// What every job reads: the object fixes the partition, the position finds the TNS source.
fn routing_inputs() -> [FieldPath; 3] {
    [FieldPath::new(["objectId"]), FieldPath::new(["candidate", "ra"]), FieldPath::new(["candidate", "dec"])]
}

/// The type of an exactly spelled field.
pub fn type_of(schema: &Schema, path: &FieldPath) -> Option<DataType> {
    let (root, rest) = path.segments().split_first()?;
    let mut data_type = schema.field_with_name(root).ok()?.data_type();
    for segment in rest {
        let DataType::Struct(fields) = data_type else { return None };
        data_type = fields.iter().find(|field| field.name() == segment)?.data_type();
    }
    Some(data_type.clone())
}

/// A field by the user's spelling: an exact match first, then one without regard to case.
fn find(schema: &Schema, text: &str) -> Option<(FieldPath, DataType)> {
    let exact = FieldPath::from(text);
    if let Some(data_type) = type_of(schema, &exact) {
        return Some((exact, data_type));
    }
    let mut fields = schema.fields();
    let mut found: Vec<&str> = Vec::new();
    let mut data_type = None;
    for segment in text.split('.') {
        let field = fields.iter().find(|field| field.name().eq_ignore_ascii_case(segment))?;
        found.push(field.name());
        data_type = Some(field.data_type());
        fields = match field.data_type() {
            DataType::Struct(inner) => inner,
            _ => arrow_empty(),
        };
    }
    Some((FieldPath::new(found), data_type?.clone()))
}

fn arrow_empty() -> &'static arrow::datatypes::Fields {
    static EMPTY: std::sync::OnceLock<arrow::datatypes::Fields> = std::sync::OnceLock::new();
    EMPTY.get_or_init(arrow::datatypes::Fields::empty)
}

/// The name that the user may have meant: the same leaf elsewhere, or the nearest spelling.
fn nearest(schema: &Schema, text: &str) -> Option<String> {
    let mut names = Vec::new();
    for field in schema.fields() {
        names.push(field.name().clone());
        if let DataType::Struct(inner) = field.data_type() {
            names.extend(inner.iter().map(|leaf| format!("{}.{}", field.name(), leaf.name())));
        }
    }
    let wanted = text.to_ascii_lowercase();
    let same_leaf = names.iter().find(|name| name.to_ascii_lowercase().rsplit('.').next() == Some(&wanted));
    let near = || {
        let scored =
            names.iter().map(|name| (strsim::jaro_winkler(&name.to_ascii_lowercase(), &wanted), name));
        let best = scored.max_by(|a, b| a.0.total_cmp(&b.0))?;
        (best.0 > 0.75).then_some(best.1)
    };
    same_leaf.or_else(near).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> Schema {
        let leaf = |name: &str| Field::new(name, DataType::Float64, true);
        let candidate = DataType::Struct(
            ["jd", "fid", "candid", "ra", "dec", "magpsf", "sigmapsf", "ssnamenr", "distnr"]
                .map(leaf)
                .to_vec()
                .into(),
        );
        Schema::new(vec![
            Field::new("candid", DataType::Int64, true),
            Field::new("objectId", DataType::Utf8, true),
            Field::new("candidate", candidate, true),
            Field::new("prv_candidates", DataType::Utf8, true),
            Field::new("cutoutScience", DataType::BinaryView, true),
            Field::new("cdsxmatch", DataType::Utf8, true),
            Field::new("finkclass", DataType::Utf8, true),
        ])
    }

    fn names(content: &[&str]) -> Vec<String> {
        let layout = Layout::new(&Content::parse(content).unwrap(), &schema()).unwrap();
        layout.columns().iter().map(|column| column.name.clone()).collect()
    }

    const TAIL: [&str; 5] = ["year", "month", "day", "finkclass", "tnsclass"];

    #[test]
    fn each_content_has_the_columns_of_the_contract() {
        fn with_tail<'a>(names: &[&'a str]) -> Vec<&'a str> {
            [names, &TAIL[..]].concat()
        }
        assert_eq!(
            names(&["Light packet"]),
            with_tail(&[
                "magpsf",
                "sigmapsf",
                "fid",
                "jd",
                "ra",
                "dec",
                "ssnamenr",
                "candid",
                "objectId",
                "cdsxmatch"
            ])
        );
        assert_eq!(
            names(&["Cutouts"]),
            with_tail(&["objectId", "candid", "magpsf", "ra", "dec", "jd", "cutoutScience"])
        );
        assert_eq!(
            names(&["Medium packet"]),
            with_tail(&["candid", "objectId", "candidate", "prv_candidates", "cdsxmatch"])
        );
        assert_eq!(names(&["Full packet"]).len(), 6 + TAIL.len());
        assert_eq!(
            names(&["OBJECTID", "candidate.magpsf", "candidate.jd", "finkclass"]),
            with_tail(&["objectId", "magpsf", "jd"])
        );
        assert_eq!(names(&["objectId"]), with_tail(&["objectId", "jd"]));
    }

    #[test]
    fn unknown_fields_are_refused_with_the_nearest_name() {
        let refuse = |fields: &[&str]| {
            Layout::new(&Content::parse(fields).unwrap(), &schema()).unwrap_err().to_string()
        };
        assert_eq!(refuse(&["magpsf"]), "unknown field `magpsf`; did you mean `candidate.magpsf`?");
        assert_eq!(refuse(&["cdsxmach"]), "unknown field `cdsxmach`; did you mean `cdsxmatch`?");
        assert!(refuse(&["candid", "candidate.candid"]).contains("both be called `candid`"));
    }
}
