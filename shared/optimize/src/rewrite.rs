//! One night, from its files to optimised ones in a folder of this machine, compared with what was read.

use crate::{
    OptimizeError, Settings, Watch,
    checksum::Checksum,
    clock::Burden,
    layout::{Layout, same_columns},
    order::Keys,
    reading::{Receiver, read},
    spill::{Bucket, Plan, Spill},
};
use archive::{Archive, ArchiveFile, LeafSet, OpenFile, ScanPlan};
use arrow::{array::RecordBatch, datatypes::SchemaRef};
use job::FieldPath;
use object_store::local::LocalFileSystem;
use parquet::arrow::{ArrowWriter, arrow_writer::ArrowWriterOptions};
use std::{
    fs::File,
    io::BufWriter,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The writer gets so many bytes at once.
const SLICE_BYTES: u64 = 8 * 1024 * 1024;

/// A file that was written, and what it was compared with.
pub(crate) struct Rewritten {
    /// The file.
    pub(crate) path: PathBuf,
    /// Its alerts, as they were read from the source and from it.
    pub(crate) checksum: Checksum,
    /// Its row groups.
    pub(crate) row_groups: u64,
}

/// A night that is about to be rewritten: its files, opened, those of one schema together.
pub(crate) struct Opened<'a>(Vec<Group<'a>>);

/// Opens a night that is to be rewritten below `folder`.
pub(crate) async fn open<'a>(
    source: &Archive,
    files: &[ArchiveFile],
    folder: &'a Path,
    settings: &Settings,
    watch: &Watch,
) -> Result<Opened<'a>, OptimizeError> {
    let mut groups: Vec<Vec<OpenFile>> = Vec::new();
    for file in files {
        watch.check()?;
        let opened = source.open_unchanged(file).await?;
        let alike = |group: &&mut Vec<OpenFile>| {
            group.first().is_some_and(|first| same_columns(columns_of(first), columns_of(&opened)))
        };
        match groups.iter_mut().find(alike) {
            Some(group) => group.push(opened),
            None => groups.push(vec![opened]),
        }
    }
    let groups = groups.into_iter().enumerate();
    groups
        .map(|(number, files)| Group::new(files, folder, number, settings))
        .collect::<Result<_, _>>()
        .map(Opened)
}

impl Opened<'_> {
    /// What it takes to rewrite it.
    pub(crate) fn burden(&self) -> Burden {
        let mut burden = Burden::default();
        self.0.iter().for_each(|group| burden.add(group.burden()));
        burden
    }

    /// About as many bytes its finished files will have.
    pub(crate) fn written_bytes(&self) -> u64 {
        self.0.iter().map(|group| group.layout.written_bytes).sum()
    }

    /// Rewrites it into one file, or one for each schema that its files have.
    pub(crate) async fn rewrite(self, watch: &Watch) -> Result<Vec<Rewritten>, OptimizeError> {
        let mut rewritten = Vec::new();
        for group in self.0 {
            rewritten.push(group.rewrite(watch).await?);
        }
        Ok(rewritten)
    }
}

fn columns_of(file: &OpenFile) -> &parquet::schema::types::SchemaDescriptor {
    file.footer().file_metadata().schema_descr()
}

/// Files of one schema.
struct Group<'a> {
    files: Vec<OpenFile>,
    folder: &'a Path,
    path: PathBuf,
    layout: Layout,
    rows: u64,
    /// Alerts that are sorted at once.
    bucket_rows: u64,
    buckets: u64,
    /// Buckets that are laid aside at once: the files are read as often as it takes.
    buckets_a_pass: u64,
}

impl<'a> Group<'a> {
    fn new(
        files: Vec<OpenFile>,
        folder: &'a Path,
        number: usize,
        settings: &Settings,
    ) -> Result<Self, OptimizeError> {
        let layout = Layout::of(&files)?;
        let rows: u64 = files.iter().map(OpenFile::rows).sum();
        let bucket_rows = layout.row_group_rows
            * (settings.memory_bytes / (layout.row_group_rows * layout.row_bytes).max(1)).max(1);
        let buckets = rows.div_ceil(bucket_rows);
        let buckets_a_pass = (settings.scratch_bytes / (bucket_rows * layout.row_bytes).max(1)).max(1);
        let path = folder.join(format!("{number}.parquet"));
        Ok(Self { files, folder, path, layout, rows, bucket_rows, buckets, buckets_a_pass })
    }

    fn burden(&self) -> Burden {
        let bytes: u64 = self.files.iter().map(|file| file.file().size).sum();
        let passes = self.buckets.div_ceil(self.buckets_a_pass);
        Burden {
            moved: bytes.saturating_mul(passes.saturating_add(1)),
            decoded: self.rows.saturating_mul(self.layout.row_bytes),
        }
    }

    async fn rewrite(self, watch: &Watch) -> Result<Rewritten, OptimizeError> {
        let places = Arc::new(self.order(watch).await?);
        let Self { bucket_rows, buckets, buckets_a_pass, .. } = self;
        let stored: Vec<OpenFile> = self.files.iter().map(OpenFile::as_stored).collect();
        let first = stored.first().ok_or_else(|| OptimizeError::Worker("a night without files".into()))?;
        let (schema, scan) = (first.schema().clone(), first.whole_plan());
        let mut writer = self.writer(&schema)?;
        let slice =
            usize::try_from(SLICE_BYTES / self.layout.row_bytes).unwrap_or(usize::MAX).clamp(16, 1024);
        let mut read_checksum = Checksum::default();
        for pass in (0..buckets.max(1)).step_by(usize::try_from(buckets_a_pass).unwrap_or(usize::MAX)) {
            let of_pass = pass..(pass + buckets_a_pass).min(buckets);
            let plan = Plan { places: places.clone(), bucket_rows, buckets: of_pass };
            let spill = Spill::new(plan, schema.clone(), self.folder, pass == 0, watch.clone());
            let spill = read(&stored, &scan, spill, watch).await?;
            let (filled, checksum) = in_background(move || spill.finish()).await?;
            read_checksum = checksum.unwrap_or(read_checksum);
            let watch = watch.clone();
            writer = in_background(move || write(writer, filled, slice, &watch)).await?;
        }
        let row_groups = in_background(move || Ok(writer.close()?.num_row_groups() as u64)).await?;
        let written = self.read_back(&schema, watch).await?;
        if written != read_checksum {
            return Err(OptimizeError::Differs(format!("{written:?}, {read_checksum:?}")));
        }
        Ok(Rewritten { path: self.path, checksum: written, row_groups })
    }

    /// The place of each alert, by a pass over the columns behind it.
    async fn order(&self, watch: &Watch) -> Result<Vec<u32>, OptimizeError> {
        if u32::try_from(self.rows).is_err() {
            return Err(OptimizeError::Worker(format!("a night of {} alerts is too large", self.rows)));
        }
        let Some(first) = self.files.first() else { return Ok(Vec::new()) };
        let schema = first.schema();
        let mut fields = packet::finkclass_inputs(schema);
        fields.extend(["candidate.ra", "candidate.dec"].map(FieldPath::from));
        // Some column has to be read, or the number of alerts would not be known.
        let mut leaves = LeafSet::new(schema, fields.clone());
        if leaves.schema().fields().is_empty() {
            leaves = LeafSet::new(
                schema,
                schema.fields().first().map(|field| FieldPath::new([field.name().clone()])),
            );
        }
        let plan = ScanPlan::new(schema, LeafSet::new(schema, []), leaves, false);
        Ok(read(&self.files, &plan, Keys::default(), watch).await?.places())
    }

    fn writer(&self, schema: &SchemaRef) -> Result<ArrowWriter<BufWriter<File>>, OptimizeError> {
        let file = File::create(&self.path).map_err(OptimizeError::scratch(&self.path))?;
        let options = ArrowWriterOptions::new()
            .with_properties(self.layout.properties.clone())
            .with_parquet_schema(self.layout.parquet.clone())
            .with_skip_arrow_metadata(true);
        Ok(ArrowWriter::try_new_with_options(BufWriter::new(file), schema.clone(), options)?)
    }

    /// What the file that was written holds, read as any file of an archive.
    async fn read_back(&self, schema: &SchemaRef, watch: &Watch) -> Result<Checksum, OptimizeError> {
        let location = self.folder.display().to_string();
        let store = LocalFileSystem::new_with_prefix(self.folder)
            .map_err(|source| OptimizeError::Store { path: location.clone(), source })?;
        let archive = Archive::of_store(Arc::new(store), &location);
        let size = std::fs::metadata(&self.path).map_err(OptimizeError::scratch(&self.path))?.len();
        let name = self.path.file_name().map(|name| name.to_string_lossy().into_owned());
        let file = ArchiveFile { path: name.unwrap_or_default(), size, etag: None };
        let opened = archive.open_file(&file).await?;
        let canonical = self.files.first().map(OpenFile::schema);
        if canonical.is_some_and(|canonical| canonical != opened.schema())
            || opened.as_stored().schema() != schema
        {
            return Err(OptimizeError::Differs("its schema".into()));
        }
        let stored = opened.as_stored();
        let plan = stored.whole_plan();
        read(&[stored], &plan, Sum(Checksum::default()), watch).await.map(|sum| sum.0)
    }
}

impl Receiver for Keys {
    fn take(&mut self, _: u64, batch: RecordBatch) -> Result<(), OptimizeError> {
        self.add(&batch);
        Ok(())
    }
}

/// Sums up what is read.
struct Sum(Checksum);

impl Receiver for Sum {
    fn take(&mut self, _: u64, batch: RecordBatch) -> Result<(), OptimizeError> {
        self.0.add(&batch)
    }
}

fn write(
    mut writer: ArrowWriter<BufWriter<File>>,
    buckets: Vec<Bucket>,
    slice: usize,
    watch: &Watch,
) -> Result<ArrowWriter<BufWriter<File>>, OptimizeError> {
    for bucket in buckets {
        bucket.sorted(slice, &mut |batch| {
            watch.check()?;
            writer.write(&batch)?;
            watch.went_on(batch.num_rows() as u64);
            Ok(())
        })?;
    }
    Ok(writer)
}

async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, OptimizeError> + Send + 'static,
) -> Result<T, OptimizeError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| OptimizeError::Worker(error.to_string()))?
}
