//! A file of a night: listed, opened, indexed, planned, scanned in one pass and in two, encoded.

use super::{Verdict, night::Folder, refused};
use archive::{ArchiveError, LeafSet, NightSchema, OpenFile, RowFilter, ScanPlan};
use arrow::{
    array::{BooleanArray, RecordBatch, StringArray},
    datatypes::Schema,
};
use job::{Content, Night, Packet};
use night_index::Index;
use object_store::memory::InMemory;
use packet::{Encoder, Layout, Messages};
use query::{Conditions, Predicate};
use std::{error::Error, sync::Arc};

/// The archive that holds the file.
pub struct Target {
    folder: Folder,
    night: Night,
}

impl Target {
    pub fn new() -> Result<Self, String> {
        let night = "2026-03-22".parse().map_err(|error: job::RequestError| error.to_string())?;
        Ok(Self { folder: Folder::new()?, night })
    }

    /// Whatever the file is, its night gets an entry: one that is not there would be tried again for ever.
    fn index(&self) -> Result<(), String> {
        let index = Index::new(Arc::new(InMemory::new()), "index");
        let no_tns = Arc::default();
        let update = index.update(&self.folder.archive, None, &no_tns, None, &|_| {});
        let updated =
            self.folder.runtime.block_on(update).map_err(|error| format!("stops the index: {error}"))?;
        match updated.indexed.contains_key(&self.night) {
            true => Ok(()),
            false => Err(format!("is not indexed: {updated:?}")),
        }
    }

    fn try_plan(
        &self,
        file: &OpenFile,
        schema: &Schema,
        content: Packet,
        filters: bool,
    ) -> Result<(), Box<dyn Error>> {
        let queryable = packet::queryable_schema(schema);
        // What every alert has, else whatever the file has.
        let conditions = match schema.fields().first().filter(|_| filters) {
            Some(first) => Conditions::parse("candid IS NOT NULL; candidate.magpsf < 99", &queryable)
                .or_else(|_| Conditions::parse(&format!("`{}` IS NOT NULL", first.name()), &queryable))?,
            None => Conditions::default(),
        };
        // As the worker reads it.
        let has_views = matches!(content, Packet::Light);
        let layout = Layout::new(&Content::Packet(content), schema)?;
        packet::avro_schema(&layout)?;
        let narrow = LeafSet::new(schema, conditions.fields());
        let output = LeafSet::new(schema, layout.reads(schema));
        let predicate = conditions.bind(narrow.schema())?;
        let plan = ScanPlan::new(schema, narrow, output, !conditions.is_empty());
        let plan = if has_views { plan.with_views() } else { plan };
        let encoder = Encoder::new(layout);
        let mut messages = Messages::default();
        let mut receive = |batch: RecordBatch| {
            messages.clear();
            let tns = StringArray::from(vec!["Unknown"; batch.num_rows()]);
            let fink = packet::finkclass(&batch);
            encoder
                .encode(&batch, self.night, &fink, &tns, &mut messages)
                .map_err(|error| ArchiveError::Consumer(Box::new(error)))
        };
        self.folder.scan(file, &plan, &mut Filter(predicate), &mut receive)
    }
}

impl super::Target for Target {
    fn try_one(&mut self, input: &[u8]) -> Result<Verdict, String> {
        let file = match self.folder.open(input) {
            Ok(file) => file,
            Err(error) => return Ok(refused(&error)),
        };
        self.index()?;
        let nights = [NightSchema { night: self.night, schema: file.schema().clone() }];
        let schema = archive::unify(&nights).schema;
        let described = archive::describe(&schema);
        let _ = archive::from_description(&described);
        let mut plans = [(Packet::Full, false), (Packet::Full, true), (Packet::Light, true)];
        // A file that is refused is refused once: another plan is first for another file.
        plans.rotate_left(input.len() % 3);
        for (content, filters) in plans {
            if let Err(error) = self.try_plan(&file, &schema, content, filters) {
                return Ok(refused(&error));
            }
        }
        Ok(Verdict::Accepted)
    }
}

struct Filter(Predicate);

impl RowFilter for Filter {
    fn keep(&mut self, batch: &RecordBatch) -> Result<BooleanArray, Box<dyn Error + Send + Sync>> {
        Ok(self.0.evaluate(batch)?.keep)
    }
}
