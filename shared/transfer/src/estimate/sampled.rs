//! Nights of the index with conditions: tried on their samples.

use super::{
    Kind, Known, Seen,
    counted::{Choice, is_current},
    weight::Weigher,
};
use crate::{Scout, TransferError, content_plan::ContentPlan};
use archive::{ArchiveError, LeafSet, OpenFile, RowFilter, RowGroupScan, ScanPlan};
use arrow::{
    array::{ArrayRef, AsArray, BooleanArray, Int32Array, RecordBatch, StringArray, UInt32Array},
    compute::{filter_record_batch, take_record_batch},
    datatypes::{DataType, Field, Int32Type, Schema, SchemaRef},
    error::ArrowError,
};
use futures::{StreamExt, TryStreamExt};
use job::{FieldPath, Night};
use night_index::{
    CataloguedNight, Object, SAMPLE_COLUMN, SLICES, SLICES_WITH_LISTS, Tried, is_light, night_number,
    sample_field, sampled_in,
};
use packet::{DERIVED_COLUMNS, NIGHT_COLUMNS, TnsCatalogue, tnsclass};
use query::{ClassSelection, Predicate};
use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
    sync::Arc,
};

/// Row groups of samples that are under way at once.
const ROW_GROUPS: usize = 8;
/// Footers that are read at once.
const OPENED: usize = 32;
/// Of up to so many nights light curves are looked up in the nights' own samples; bundles have those of a part only.
const BY_ITSELF: usize = 24;
/// What a value of a list costs, next to one of its own.
const OF_LISTS: u64 = 2;
/// Values that are looked at for an answer, some tenth of a second of two cores: those of the columns in use.
const VALUES: u64 = 8_000_000;

/// What is looked for in samples, and where what is found is counted.
struct Search {
    scan: ScanPlan,
    predicate: Option<Predicate>,
    condition_schema: SchemaRef,
    classes: ClassSelection,
    /// tnsclass is told by today's table rather than taken from the index.
    tns: Option<Arc<TnsCatalogue>>,
    /// For each night's number the place of its first stratum.
    nights: HashMap<i32, usize>,
    strata: Vec<Slot>,
}

/// A stratum of one of the nights.
struct Slot {
    /// Some of its alerts may pass.
    possible: bool,
    finkclass: Arc<str>,
    tnsclass: Arc<str>,
}

/// What was found in a stratum: alerts that pass, and their bytes as light, medium and cutouts packets.
#[derive(Clone, Copy, Default)]
struct Found {
    passed: u64,
    bytes: [f64; 3],
}

impl Scout {
    /// Tries the conditions on the samples of `nights`.
    pub(super) async fn count_in_samples(
        &self,
        plan: &ContentPlan,
        known: &Known,
        nights: &[(Night, &CataloguedNight)],
        weigher: &Weigher,
    ) -> Result<Vec<Seen>, TransferError> {
        let (search, wanted) = search(plan, &known.schema.schema, nights, &self.tns)?;
        let search = Arc::new(search);
        let light = wanted.iter().all(|field| {
            let column = known.schema.schema.field_with_name(field.root());
            column.is_ok_and(|column| is_light(column.data_type()))
        });
        // Of few nights all of the sample is looked at, whatever is asked of it.
        let bundled = light || nights.len() > BY_ITSELF;
        let most = if bundled && !light { SLICES_WITH_LISTS } else { SLICES };
        let objects = objects(known, nights, bundled);
        let opened: Vec<Opened> = futures::stream::iter(objects)
            .map(|(object, slots)| async move {
                let file = self.index.open(&object).await?;
                Ok::<_, TransferError>(Opened { object, file, slots })
            })
            .buffer_unordered(OPENED)
            .try_collect()
            .await?;
        let slices = affordable(&opened, &search.scan.narrow, most, if light { 1 } else { OF_LISTS });
        let mut row_groups = Vec::new();
        for Opened { object, file, slots } in opened {
            let of_file = object.row_groups(0..slices, &file);
            row_groups.extend(of_file.map(|row_group| (file.clone(), row_group, slots.clone())));
        }
        let mut parts = futures::stream::iter(row_groups)
            .map(|(file, row_group, slots)| {
                let search = search.clone();
                async move {
                    let scan = RowGroupScan::prepare(&file, row_group, &search.scan).await?;
                    let first = slots.start;
                    let found = vec![Found::default(); slots.len()];
                    let mut seeker = Seeker { search, first, found, night: (0, None) };
                    let run = move || scan.run(&mut seeker, &mut |_| Ok(())).map(|_| seeker.found);
                    let found = tokio::task::spawn_blocking(run).await;
                    let found = found.map_err(|error| TransferError::Worker(error.to_string()))?;
                    Ok::<_, TransferError>((first, found.map_err(TransferError::from_scan)?))
                }
            })
            .buffer_unordered(ROW_GROUPS);
        let mut found = vec![Found::default(); search.strata.len()];
        while let Some((first, part)) = parts.try_next().await? {
            for (all, part) in found.iter_mut().skip(first).zip(part) {
                all.passed += part.passed;
                for (all, part) in all.bytes.iter_mut().zip(part.bytes) {
                    *all += part;
                }
            }
        }
        Ok(seen(nights, &search, &found, slices, &self.tns, weigher))
    }
}

/// A sample or a bundle, and the places of the strata of its chosen nights.
struct Opened {
    object: Object,
    file: OpenFile,
    slots: Range<usize>,
}

/// The files that have the samples of `nights`: bundles where they do, and the nights' own.
fn objects(
    known: &Known,
    nights: &[(Night, &CataloguedNight)],
    bundled: bool,
) -> Vec<(Object, Range<usize>)> {
    let mut objects: BTreeMap<&str, (&Object, Range<usize>)> = BTreeMap::new();
    let mut place = 0;
    for (night, known_night) in nights {
        let slots = place..place + known_night.strata.len();
        place = slots.end;
        let bundle = known.catalogue.bundle_of(*night).filter(|_| bundled);
        let object = bundle.map_or(&known_night.sample, |bundle| &bundle.object);
        if object.rows > 0 {
            let (_, all) = objects.entry(&object.path).or_insert((object, slots.clone()));
            *all = all.start.min(slots.start)..all.end.max(slots.end);
        }
    }
    objects.into_values().map(|(object, slots)| (object.clone(), slots)).collect()
}

/// How many slices of each sample can be looked at within the budget; the first at least.
fn affordable(opened: &[Opened], leaves: &LeafSet, most: usize, cost: u64) -> usize {
    let values_in = |slices: usize| -> u64 {
        let of_file = |opened: &Opened| {
            let row_groups = opened.object.row_groups(0..slices, &opened.file);
            row_groups.map(|row_group| opened.file.row_group_values(row_group, leaves)).sum::<u64>()
        };
        opened.iter().map(of_file).sum()
    };
    (2..=most).take_while(|slices| values_in(*slices).saturating_mul(cost) <= VALUES).last().unwrap_or(1)
}

fn search(
    plan: &ContentPlan,
    schema: &Schema,
    nights: &[(Night, &CataloguedNight)],
    tns: &Arc<TnsCatalogue>,
) -> Result<(Search, Vec<FieldPath>), TransferError> {
    let asked = plan.conditions.fields();
    let asks_for = |name: &str| asked.iter().any(|field| field.root() == name);
    let told_anew = plan.filters_by_tnsclass && !is_current(nights, tns);
    let own =
        |field: &FieldPath| NIGHT_COLUMNS.contains(&field.root()) || DERIVED_COLUMNS.contains(&field.root());
    let mut wanted: Vec<FieldPath> = asked.iter().filter(|field| !own(field)).cloned().collect();
    if told_anew {
        wanted.extend(["candidate.ra", "candidate.dec"].map(FieldPath::from));
    }
    let columns = schema.fields().iter().cloned().chain([sample_field()]);
    let with_sample = Schema::new(columns.collect::<Vec<_>>());
    let read = wanted.iter().cloned().chain([FieldPath::new([SAMPLE_COLUMN])]);
    let leaves = LeafSet::new(&with_sample, read);
    let nothing = LeafSet::new(&with_sample, []);
    let stored = leaves.schema().fields().iter().filter(|field| field.name() != SAMPLE_COLUMN).cloned();
    let mut condition_fields: Vec<_> = stored.collect();
    let nights_asked = NIGHT_COLUMNS.into_iter().filter(|name| asks_for(name));
    condition_fields.extend(nights_asked.map(|name| Arc::new(Field::new(name, DataType::Int32, true))));
    let classes_asked = DERIVED_COLUMNS.into_iter().filter(|name| asks_for(name));
    condition_fields.extend(classes_asked.map(|name| Arc::new(Field::new(name, DataType::Utf8, true))));
    let condition_schema = Arc::new(Schema::new(condition_fields));
    let predicate = match plan.conditions.is_empty() {
        true => None,
        false => Some(plan.conditions.bind(&condition_schema)?),
    };
    let by_row = told_anew && plan.classes.needs_tnsclass();
    let mut search = Search {
        scan: ScanPlan::new(&with_sample, leaves, nothing, true),
        predicate,
        condition_schema,
        classes: plan.classes.clone(),
        tns: told_anew.then(|| tns.clone()),
        nights: HashMap::new(),
        strata: Vec::new(),
    };
    let mut choice = Choice::new(&plan.classes);
    for (night, known) in nights {
        search.nights.insert(night_number(*night), search.strata.len());
        for stratum in &known.strata {
            let (possible, finkclass, tnsclass) = choice.of(stratum);
            let possible = by_row || possible;
            search.strata.push(Slot { possible, finkclass, tnsclass });
        }
    }
    Ok((search, wanted))
}

fn seen(
    nights: &[(Night, &CataloguedNight)],
    search: &Search,
    found: &[Found],
    slices: usize,
    tns: &TnsCatalogue,
    weigher: &Weigher,
) -> Vec<Seen> {
    let table = tns.fingerprint();
    let mut places = search.strata.iter().zip(found);
    nights
        .iter()
        .map(|(night, known)| {
            let mut passed = Vec::with_capacity(known.strata.len());
            let mut kinds = Vec::with_capacity(known.strata.len());
            for (stratum, (slot, found)) in known.strata.iter().zip(&mut places) {
                let sampled = sampled_in(stratum.sampled, slices);
                let tried = if slot.possible { sampled } else { stratum.alerts };
                let each = stratum.alerts as f64 / sampled.max(1) as f64;
                passed.push((found.passed as f64 * each, found.bytes.map(|bytes| bytes * each)));
                kinds.push(Kind {
                    classes: Some((
                        slot.finkclass.clone(),
                        (known.tns == table).then(|| slot.tnsclass.clone()),
                    )),
                    tried: Tried { alerts: stratum.alerts, tried, passed: found.passed, clumping: 1.0 },
                    looked_at: if slot.possible { sampled } else { 0 },
                });
            }
            Seen::of_index(*night, known, kinds, weigher.weigh(known, &passed))
        })
        .collect()
}

/// Counts what passes in a row group of samples, and keeps none of it.
struct Seeker {
    search: Arc<Search>,
    /// The place of the first stratum that is counted here.
    first: usize,
    found: Vec<Found>,
    /// The night of the row before, and where its strata begin: rows of a night lie together.
    night: (i32, Option<usize>),
}

impl RowFilter for Seeker {
    fn keep(
        &mut self,
        batch: &RecordBatch,
    ) -> Result<BooleanArray, Box<dyn std::error::Error + Send + Sync>> {
        self.count(batch)?;
        Ok(BooleanArray::from(vec![false; batch.num_rows()]))
    }
}

impl Seeker {
    fn count(&mut self, batch: &RecordBatch) -> Result<(), TransferError> {
        let marks = Marks::of(batch)?;
        // The rows of the chosen nights whose class may pass, and their strata.
        let (mut rows, mut slots) = (Vec::new(), Vec::new());
        for row in 0..batch.num_rows() {
            let (night, stratum) = (marks.night.value(row), marks.stratum.value(row));
            if self.night.0 != night {
                self.night = (night, self.search.nights.get(&night).copied());
            }
            let slot =
                self.night.1.zip(usize::try_from(stratum).ok()).map(|(first, stratum)| first + stratum);
            let possible = |slot: &usize| self.search.strata.get(*slot).is_some_and(|slot| slot.possible);
            if let Some(slot) = slot.filter(possible) {
                rows.push(row as u32);
                slots.push(slot);
            }
        }
        if rows.is_empty() {
            return Ok(());
        }
        let mut chosen = match rows.len() == batch.num_rows() {
            true => batch.clone(),
            false => take_record_batch(batch, &UInt32Array::from(rows)).map_err(misfit)?,
        };
        let mut tns = self.search.tns.as_ref().map(|table| tnsclass(&chosen, table));
        if tns.is_some() && self.search.classes.needs_tnsclass() {
            let fink = self.classes(&slots, |slot| &slot.finkclass);
            let keep = self.search.classes.keep(Some(&fink), tns.as_ref(), slots.len());
            chosen = filter_record_batch(&chosen, &keep).map_err(misfit)?;
            let mut kept = keep.values().iter();
            slots.retain(|_| kept.next().unwrap_or(false));
            tns = tns.map(|tns| {
                tns.iter().zip(keep.values()).filter(|(_, keep)| *keep).map(|(tns, _)| tns).collect()
            });
        }
        let keep = match &self.search.predicate {
            None => BooleanArray::from(vec![true; slots.len()]),
            Some(predicate) => {
                let columns = self.condition_columns(&chosen, &slots, tns)?;
                predicate.evaluate(&columns)?.keep
            }
        };
        let marks = Marks::of(&chosen)?;
        for row in keep.values().set_indices() {
            let place = slots.get(row).and_then(|slot| slot.checked_sub(self.first));
            if let Some(found) = place.and_then(|place| self.found.get_mut(place)) {
                found.passed += 1;
                for (sum, bytes) in found.bytes.iter_mut().zip(&marks.bytes) {
                    *sum += f64::from(bytes.value(row));
                }
            }
        }
        Ok(())
    }

    /// In the order of the condition schema: stored columns, the night, then the classes that are asked for.
    fn condition_columns(
        &self,
        batch: &RecordBatch,
        slots: &[usize],
        tns: Option<StringArray>,
    ) -> Result<RecordBatch, TransferError> {
        let night = Marks::of(batch)?.night;
        let part = |part: fn(i32) -> i32| -> ArrayRef {
            Arc::new(night.iter().map(|night| night.map(part)).collect::<Int32Array>())
        };
        let column = |field: &Arc<Field>| -> Result<ArrayRef, TransferError> {
            Ok(match field.name().as_str() {
                "year" => part(|night| night / 10_000),
                "month" => part(|night| night / 100 % 100),
                "day" => part(|night| night % 100),
                "finkclass" => Arc::new(self.classes(slots, |slot| &slot.finkclass)),
                "tnsclass" => match &tns {
                    Some(tns) => Arc::new(tns.clone()),
                    None => Arc::new(self.classes(slots, |slot| &slot.tnsclass)),
                },
                name => batch
                    .column_by_name(name)
                    .cloned()
                    .ok_or_else(|| misfit(ArrowError::SchemaError(format!("a sample lacks {name}"))))?,
            })
        };
        let schema = &self.search.condition_schema;
        let columns = schema.fields().iter().map(column).collect::<Result<Vec<_>, _>>()?;
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(slots.len()));
        RecordBatch::try_new_with_options(schema.clone(), columns, &options).map_err(misfit)
    }

    fn classes(&self, slots: &[usize], class: impl Fn(&Slot) -> &str) -> StringArray {
        slots.iter().map(|slot| self.search.strata.get(*slot).map(&class)).collect()
    }
}

/// The column that the index adds.
struct Marks {
    night: Int32Array,
    stratum: Int32Array,
    bytes: [Int32Array; 3],
}

impl Marks {
    fn of(batch: &RecordBatch) -> Result<Self, TransferError> {
        let lacking =
            |name: &str| misfit(ArrowError::SchemaError(format!("a sample lacks {SAMPLE_COLUMN}.{name}")));
        let marks = batch.column_by_name(SAMPLE_COLUMN).and_then(|column| column.as_struct_opt());
        let marks = marks.ok_or_else(|| lacking("night"))?;
        let part = |name: &str| {
            let column = marks.column_by_name(name).and_then(|column| column.as_primitive_opt::<Int32Type>());
            column.cloned().ok_or_else(|| lacking(name))
        };
        Ok(Self {
            night: part("night")?,
            stratum: part("stratum")?,
            bytes: [part("light")?, part("medium")?, part("cutouts")?],
        })
    }
}

fn misfit(error: ArrowError) -> TransferError {
    TransferError::Archive(ArchiveError::Consumer(Box::new(error)))
}
