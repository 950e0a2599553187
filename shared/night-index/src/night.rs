//! One night is indexed: footers, the narrow pass, and the sample.

use crate::{
    IndexError,
    entry::{EntryFile, NightEntry, Object, Sizes},
    mark,
    sample::{SAMPLE_COLUMN, SAMPLE_ROWS, SLICES, sample_column, sample_field},
    sizes::{self, Alerts},
    survey::{Chosen, Collector, Survey, Surveyor, narrow_fields},
};
use archive::{
    Archive, ArchiveError, ArchiveFile, ColumnFootprint, LeafSet, NightSchema, OpenFile, RowGroupScan,
    ScanPlan, describe, unify,
};
use arrow::{
    array::{RecordBatch, UInt32Array},
    compute::{concat_batches, take_record_batch},
    datatypes::{FieldRef, Schema, SchemaRef},
};
use futures::{StreamExt, TryStreamExt};
use job::{FieldPath, Night};
use packet::{TnsCatalogue, finkclass, tnsclass};
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, ZstdLevel},
    file::properties::{EnabledStatistics, WriterProperties},
};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

/// Row groups of a night that are looked at side by side.
const ROW_GROUPS: usize = 2;
/// Bytes of a sample in memory. That of a real night takes some 80 MB.
const MAX_SAMPLE: usize = 512 * 1024 * 1024;

/// A night, indexed; nothing is written yet.
pub(crate) struct Indexed {
    pub entry: NightEntry,
    /// The sample's file.
    pub sample: Vec<u8>,
}

/// A night under way.
struct Work {
    night: Night,
    files: Vec<OpenFile>,
    schema: SchemaRef,
    tns: Arc<TnsCatalogue>,
}

/// Indexes a night from its files. A night that is damaged, or holds what cannot be sampled, gets an entry that says so and
/// nothing that could be wrong.
pub(crate) async fn index_night(
    archive: &Archive,
    night: Night,
    listed: &[ArchiveFile],
    tns: &Arc<TnsCatalogue>,
) -> Result<Indexed, IndexError> {
    let (mut files, mut unreadable) = (Vec::new(), BTreeMap::new());
    for file in listed {
        match archive.open_file(file).await {
            Ok(opened) => files.push(opened),
            Err(ArchiveError::Damaged { path, reason }) => drop(unreadable.insert(path, reason)),
            Err(error) => return Err(error.into()),
        }
    }
    let schemas: Vec<NightSchema> =
        files.iter().map(|file| NightSchema { night, schema: file.schema().clone() }).collect();
    let unified = unify(&schemas);
    let (kept, others): (Vec<FieldRef>, Vec<FieldRef>) =
        unified.schema.fields().iter().cloned().partition(is_usable);
    let work = Work { night, files, schema: Arc::new(Schema::new(kept)), tns: tns.clone() };
    let fit = match (unified.conflicts.first(), others.first(), unreadable.is_empty()) {
        (_, _, false) => Err(IndexError::Unfit(format!("{} files cannot be read", unreadable.len()))),
        (Some(conflict), _, _) => Err(IndexError::Unfit(format!(
            "its files hold the column {} in types without a common type",
            conflict.column
        ))),
        (_, Some(other), _) => Err(IndexError::Unfit(format!(
            "the column {} is of a type that no message can hold",
            other.name()
        ))),
        _ => work.run().await,
    };
    let (mut entry, sample) = match fit {
        Ok(indexed) => indexed,
        Err(error) if error.is_of_the_night() => {
            if let IndexError::Archive(ArchiveError::Damaged { path, reason }) = &error {
                unreadable.insert(path.clone(), reason.clone());
            }
            (work.without_sample(&error), Vec::new())
        }
        Err(error) => return Err(error),
    };
    entry.mark = mark::of_files(listed);
    entry.schema = describe(&work.schema);
    entry.files = listed.iter().map(|file| known(file, &work.files)).collect();
    entry.unreadable = unreadable;
    Ok(Indexed { entry, sample })
}

/// Whether a column can be described, encoded, and told from the index's own.
fn is_usable(field: &FieldRef) -> bool {
    let described = describe(&Schema::new(vec![field.clone()]));
    field.name() != SAMPLE_COLUMN && archive::from_description(&described).is_ok()
}

fn known(file: &ArchiveFile, readable: &[OpenFile]) -> EntryFile {
    let opened = readable.iter().find(|opened| opened.file().path == file.path);
    EntryFile {
        path: file.path.clone(),
        size: file.size,
        etag: file.etag.clone(),
        alerts: opened.map_or(0, OpenFile::rows),
    }
}

impl Work {
    async fn run(&self) -> Result<(NightEntry, Vec<u8>), IndexError> {
        let survey = self.survey().await?;
        let (alerts, bands, jd) = (survey.alerts, survey.bands.clone(), survey.jd);
        let mut chosen = survey.choose(SAMPLE_ROWS);
        let batch = self.collect(&chosen).await?;
        let columns = self.columns();
        let (batch, numbers, mut sizes) = self.weigh(batch, &mut chosen)?;
        sizes::add_images(&mut sizes, &columns, alerts);
        let slices: Vec<usize> = chosen.places.values().map(|(_, slice)| *slice).collect();
        let (sample, slices) = write_slices(&batch, &slices)?;
        let mut name = mark::Mark::new();
        name.add(&mark::of_files(&self.files.iter().map(|file| file.file().clone()).collect::<Vec<_>>()));
        name.add(&self.tns.fingerprint());
        let entry = NightEntry {
            alerts,
            columns,
            strata: chosen.strata,
            bands,
            jd,
            sizes,
            sample: Object {
                path: format!("samples/{}-{}.parquet", self.night, name.finish()),
                size: sample.len() as u64,
                rows: numbers.len() as u64,
                slices,
            },
            ..self.blank()
        };
        Ok((entry, sample))
    }

    /// What the footers tell, and why that is all.
    fn without_sample(&self, reason: &IndexError) -> NightEntry {
        NightEntry {
            alerts: self.files.iter().map(OpenFile::rows).sum(),
            columns: self.columns(),
            trouble: Some(reason.to_string()),
            ..self.blank()
        }
    }

    fn blank(&self) -> NightEntry {
        NightEntry {
            night: self.night,
            mark: String::new(),
            files: Vec::new(),
            unreadable: BTreeMap::new(),
            alerts: 0,
            schema: serde_json::Value::Null,
            trouble: None,
            columns: Vec::new(),
            strata: Vec::new(),
            bands: BTreeMap::new(),
            jd: None,
            sizes: Sizes::default(),
            tns: self.tns.fingerprint(),
            sample: Object { path: String::new(), size: 0, rows: 0, slices: Vec::new() },
        }
    }

    /// The narrow pass over all row groups.
    async fn survey(&self) -> Result<Survey, IndexError> {
        let narrow = LeafSet::new(&self.schema, narrow_fields(&self.schema));
        let nothing = LeafSet::new(&self.schema, []);
        let plan = &ScanPlan::new(&self.schema, narrow, nothing, true);
        let mut all = Survey::default();
        let mut parts =
            futures::stream::iter(self.row_groups().into_iter().map(|(file, row_group)| async move {
                let opened = self.file(file)?;
                let scan = RowGroupScan::prepare(opened, row_group as usize, plan).await?;
                let mut surveyor = Surveyor::new(self.tns.clone(), file, row_group, SAMPLE_ROWS);
                let run = move || scan.run(&mut surveyor, &mut |_| Ok(())).map(|_| surveyor.seen);
                Ok::<_, IndexError>(tokio::task::spawn_blocking(run).await.map_err(broken_off)??)
            }))
            .buffer_unordered(ROW_GROUPS);
        while let Some(part) = parts.try_next().await? {
            all.add(part, SAMPLE_ROWS);
            all.check()?;
        }
        Ok(all)
    }

    /// The alerts of the sample, all their columns but the images, in the order of their places.
    async fn collect(&self, chosen: &Chosen) -> Result<RecordBatch, IndexError> {
        let mut rows: BTreeMap<(u32, u32), Vec<u32>> = BTreeMap::new();
        for (file, row_group, row) in chosen.places.keys() {
            rows.entry((*file, *row_group)).or_default().push(*row);
        }
        let output: Vec<FieldPath> = self
            .schema
            .fields()
            .iter()
            .filter(|field| !is_image(field.name()))
            .map(|field| FieldPath::new([field.name()]))
            .collect();
        let output = LeafSet::new(&self.schema, output);
        let narrow = LeafSet::new(&self.schema, self.counted_by());
        let schema = output.schema().clone();
        let plan = &ScanPlan::new(&self.schema, narrow, output, true);
        let held = Arc::new(AtomicUsize::new(0));
        let parts: Vec<Vec<RecordBatch>> =
            futures::stream::iter(rows.into_iter().map(|((file, row_group), rows)| {
                let (schema, held) = (schema.clone(), held.clone());
                async move {
                    let opened = self.file(file)?;
                    let scan = RowGroupScan::prepare(opened, row_group as usize, plan).await?;
                    let run = move || {
                        let (mut collector, mut batches) = (Collector::new(rows), Vec::new());
                        scan.run(&mut collector, &mut |batch| {
                            let batch = without_others(&batch, &schema)?;
                            let bytes = batch.get_array_memory_size();
                            if held.fetch_add(bytes, Ordering::Relaxed) + bytes > MAX_SAMPLE {
                                let reason =
                                    IndexError::Unfit(format!("its sample takes over {MAX_SAMPLE} bytes"));
                                return Err(ArchiveError::Consumer(Box::new(reason)));
                            }
                            batches.push(batch);
                            Ok(())
                        })?;
                        Ok::<_, ArchiveError>(batches)
                    };
                    Ok::<_, IndexError>(tokio::task::spawn_blocking(run).await.map_err(broken_off)??)
                }
            }))
            .buffered(ROW_GROUPS)
            .try_collect()
            .await?;
        Ok(concat_batches(&schema, parts.iter().flatten())?)
    }

    /// Adds the column of the index, and what alerts weigh.
    fn weigh(
        &self,
        batch: RecordBatch,
        chosen: &mut Chosen,
    ) -> Result<(RecordBatch, Vec<i32>, Sizes), IndexError> {
        let numbers: Vec<i32> = chosen.places.values().map(|(number, _)| *number).collect();
        let (fink, tns) = (finkclass(&batch), tnsclass(&batch, &self.tns));
        let alerts = Alerts { night: self.night, batch: &batch, finkclass: &fink, tnsclass: &tns };
        let (packets, fields) = (alerts.packets()?, alerts.fields()?);
        let means = sizes::means(&numbers, &packets, chosen.strata.len());
        for (stratum, mean) in chosen.strata.iter_mut().zip(means) {
            stratum.bytes = mean;
        }
        let mut columns = batch.columns().to_vec();
        let mut names: Vec<FieldRef> = batch.schema_ref().fields().iter().cloned().collect();
        columns.push(sample_column(self.night, numbers.clone(), packets));
        names.push(sample_field());
        let batch = RecordBatch::try_new(Arc::new(Schema::new(names)), columns)?;
        Ok((batch, numbers, fields))
    }

    fn columns(&self) -> Vec<ColumnFootprint> {
        let mut all: Vec<ColumnFootprint> = Vec::new();
        let mut places: BTreeMap<FieldPath, usize> = BTreeMap::new();
        for column in self.files.iter().flat_map(OpenFile::columns) {
            match places.get(&column.field).and_then(|place| all.get_mut(*place)) {
                Some(known) => known.add(&column),
                None => {
                    places.insert(column.field.clone(), all.len());
                    all.push(column);
                }
            }
        }
        all
    }

    fn row_groups(&self) -> Vec<(u32, u32)> {
        let of_file = |(file, opened): (usize, &OpenFile)| {
            (0..opened.row_groups() as u32).map(move |row_group| (file as u32, row_group))
        };
        self.files.iter().enumerate().flat_map(of_file).collect()
    }

    fn file(&self, number: u32) -> Result<&OpenFile, IndexError> {
        let missing = || IndexError::Worker(format!("there is no file {number}"));
        self.files.get(number as usize).ok_or_else(missing)
    }

    /// A light column by which rows are counted.
    fn counted_by(&self) -> Vec<FieldPath> {
        let light = ["candid", "candidate.candid", "objectId"].map(FieldPath::from);
        let found = light
            .into_iter()
            .find(|field| !LeafSet::new(&self.schema, [field.clone()]).schema().fields().is_empty());
        let first = || self.schema.fields().first().map(|field| FieldPath::new([field.name()]));
        found.or_else(first).into_iter().collect()
    }
}

fn broken_off(error: tokio::task::JoinError) -> IndexError {
    IndexError::Worker(error.to_string())
}

/// Whether a root column is one of the images, which are left out of samples.
pub fn is_image(root: &str) -> bool {
    root.starts_with("cutout")
}

/// A scan in one pass hands out what it filtered by as well.
fn without_others(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArchiveError> {
    if batch.schema_ref() == schema {
        return Ok(batch.clone());
    }
    let wrong = |error: arrow::error::ArrowError| ArchiveError::Consumer(Box::new(error));
    let indices = schema.fields().iter().map(|field| batch.schema_ref().index_of(field.name()));
    let indices = indices.collect::<Result<Vec<_>, _>>().map_err(wrong)?;
    batch.project(&indices).map_err(wrong)
}

/// How samples and bundles are written: small, and without what nobody looks up in them.
pub(crate) fn properties(row_group_rows: usize) -> Result<WriterProperties, IndexError> {
    Ok(WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_statistics_enabled(EnabledStatistics::None)
        .set_offset_index_disabled(true)
        .set_max_row_group_row_count(Some(row_group_rows))
        .build())
}

/// The file, and the row groups of each slice.
fn write_slices(batch: &RecordBatch, slices: &[usize]) -> Result<(Vec<u8>, Vec<usize>), IndexError> {
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties(SAMPLE_ROWS * 2)?))?;
    let mut row_groups = Vec::with_capacity(SLICES);
    for slice in 0..SLICES {
        let rows = (0_u32..).zip(slices).filter(|(_, of)| **of == slice).map(|(row, _)| row);
        let rows = UInt32Array::from_iter_values(rows);
        let before = writer.flushed_row_groups().len();
        writer.write(&take_record_batch(batch, &rows)?)?;
        writer.flush()?;
        row_groups.push(writer.flushed_row_groups().len() - before);
    }
    Ok((writer.into_inner()?, row_groups))
}
