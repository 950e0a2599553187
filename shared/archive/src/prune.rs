//! Rules out row groups in which no alert can have what is needed, by what the file itself tells of them: the least and
//! greatest value of a column, how many are null, and Bloom filters.
//!
//! A row group is ruled out only where that is sure. What counts as a value and how values are ordered follows from the
//! needs ([`job::Need`]): NULL and NaN are never enough. Footers leave NaN out of their bounds, which suits that; of a
//! text the bounds may be cut short, but never past the text itself.

use crate::{ArchiveError, OpenFile, ScanPlan, bytes_source::BytesSource};
use arrow::datatypes::{DataType, Fields};
use job::{FieldPath, NeededValues};
use parquet::{
    basic::{ColumnOrder, SortOrder},
    bloom_filter::Sbbf,
    file::{
        metadata::{ColumnChunkMetaData, RowGroupMetaData},
        reader::ChunkReader,
        statistics::Statistics,
    },
};
use std::{ops::Range, panic::AssertUnwindSafe};

/// No honest Bloom filter of a row group is larger.
const MAX_FILTER_BYTES: u64 = 4 * 1024 * 1024;
/// All that are looked at of one file.
const MAX_FILTERS_BYTES: u64 = 32 * 1024 * 1024;
/// Looking up more values than this asks for more than most Bloom filters could rule out.
const MAX_LOOKED_UP: usize = 10_000;

/// The row groups of a file in which nothing can be found.
#[derive(Clone, Debug, Default)]
pub struct RuledOut {
    groups: Vec<bool>,
    cost: (u64, u64),
}

impl RuledOut {
    /// Whether a row group is ruled out.
    pub fn contains(&self, row_group: usize) -> bool {
        self.groups.get(row_group).copied().unwrap_or_default()
    }

    /// Bytes and requests that it took to know that; nothing when it is asked again.
    pub fn take_cost(&mut self) -> (u64, u64) {
        std::mem::take(&mut self.cost)
    }
}

impl OpenFile {
    /// The row groups in which no alert has all that is needed ([`ScanPlan::needs`]).
    ///
    /// # Errors
    /// The file cannot be fetched from. A filter that makes no sense is passed over.
    pub async fn ruled_out(&self, plan: &ScanPlan) -> Result<RuledOut, ArchiveError> {
        let needs = plan.needs();
        if needs.is_empty() {
            return Ok(RuledOut::default());
        }
        let leaves: Vec<(usize, DataType, &NeededValues)> = needs
            .iter()
            .filter_map(|need| self.leaf(&need.field).map(|(leaf, kind)| (leaf, kind, &need.values)))
            .collect();
        let mut groups: Vec<bool> = (self.footer().row_groups().iter())
            .map(|group| {
                leaves.iter().any(|(leaf, kind, values)| {
                    group.columns().get(*leaf).is_some_and(|chunk| self.excludes(chunk, *leaf, kind, values))
                })
            })
            .collect();
        let source = self.source.fresh();
        for (leaf, kind, values) in &leaves {
            let Some(hashable) = Hashable::of(kind, values) else { continue };
            self.ask_filters(&source, *leaf, &hashable, &mut groups).await?;
        }
        Ok(RuledOut { groups, cost: source.cost() })
    }

    /// A leaf of structs, not of lists, by its path, and the type that the file has it in.
    fn leaf(&self, field: &FieldPath) -> Option<(usize, DataType)> {
        let mut fields: &Fields = self.schema.fields();
        let (last, parents) = field.segments().split_last()?;
        for parent in parents {
            let DataType::Struct(inner) = fields.find(parent)?.1.data_type() else { return None };
            fields = inner;
        }
        let kind = fields.find(last)?.1.data_type().clone();
        let columns = self.footer().file_metadata().schema_descr().columns().iter();
        let mut named = columns.enumerate().filter(|(_, column)| column.path().parts() == field.segments());
        match (named.next(), named.next()) {
            (Some((leaf, column)), None) if column.max_rep_level() == 0 => Some((leaf, kind)),
            _ => None,
        }
    }

    /// Whether no value of a chunk is among those needed, by its statistics.
    fn excludes(
        &self,
        chunk: &ColumnChunkMetaData,
        leaf: usize,
        kind: &DataType,
        values: &NeededValues,
    ) -> bool {
        let Some(statistics) = chunk.statistics() else { return false };
        if statistics.null_count_opt().is_some_and(|nulls| nulls == chunk.num_values().unsigned_abs()) {
            return true;
        }
        match values {
            NeededValues::Texts(texts) if *kind == DataType::Utf8 => {
                self.text_bounds(statistics, leaf).is_some_and(|(least, greatest)| {
                    texts.iter().all(|text| text.as_bytes() < least || text.as_bytes() > greatest)
                })
            }
            NeededValues::Whole(numbers) => whole_bounds(statistics, kind)
                .is_some_and(|(least, greatest)| numbers.range(least..=greatest.max(least)).next().is_none()),
            NeededValues::WholeWithin { least, greatest } => {
                whole_bounds(statistics, kind).is_some_and(|(from, to)| {
                    least.is_some_and(|least| to < least) || greatest.is_some_and(|greatest| from > greatest)
                })
            }
            NeededValues::RealWithin { least, greatest } => real_bounds(statistics, kind)
                .is_some_and(|(from, to)| least.is_some_and(|least| to < least) || from > *greatest),
            NeededValues::Texts(_) => false,
        }
    }

    /// Bounds of texts in the order of their bytes: old writers told them in the order of signed bytes.
    fn text_bounds<'a>(&self, statistics: &'a Statistics, leaf: usize) -> Option<(&'a [u8], &'a [u8])> {
        let order = self.footer().file_metadata().column_order(leaf);
        let Statistics::ByteArray(_) = statistics else { return None };
        if order != ColumnOrder::TYPE_DEFINED_ORDER(SortOrder::UNSIGNED) || statistics.is_min_max_deprecated()
        {
            return None;
        }
        statistics.min_bytes_opt().zip(statistics.max_bytes_opt())
    }

    /// Asks the filters of a column, fetched together, about the row groups that are not ruled out yet.
    async fn ask_filters(
        &self,
        source: &BytesSource,
        leaf: usize,
        values: &Hashable<'_>,
        groups: &mut [bool],
    ) -> Result<(), ArchiveError> {
        let place = |(group, ruled_out): (&RowGroupMetaData, &bool)| {
            if *ruled_out { None } else { filter_place(group.columns().get(leaf)?, self.file.size) }
        };
        let places: Vec<Option<Range<u64>>> =
            self.footer().row_groups().iter().zip(groups.iter()).map(place).collect();
        let bytes: u64 = places.iter().flatten().map(|place| place.end - place.start).sum();
        if bytes == 0 || bytes > MAX_FILTERS_BYTES {
            return Ok(());
        }
        source.fetch_ahead(places.iter().flatten().cloned().collect()).await?;
        for (ruled_out, place) in groups.iter_mut().zip(places) {
            let Some(place) = place else { continue };
            let length = usize::try_from(place.end - place.start).unwrap_or_default();
            let Ok(bytes) = source.get_bytes(place.start, length) else { continue };
            // The filter's header comes from outside as well.
            let filter = std::panic::catch_unwind(AssertUnwindSafe(|| Sbbf::from_bytes(&bytes).ok()));
            if let Ok(Some(filter)) = filter
                && filter.num_blocks() > 0
            {
                *ruled_out = !values.may_be_in(&filter);
            }
        }
        source.clear();
        Ok(())
    }
}

/// Where the filter of a chunk lies, if it has one of a sane size.
fn filter_place(chunk: &ColumnChunkMetaData, file_size: u64) -> Option<Range<u64>> {
    let start = u64::try_from(chunk.bloom_filter_offset()?).ok()?;
    let length = u64::try_from(chunk.bloom_filter_length()?).ok()?;
    let end = start.checked_add(length)?;
    (length > 0 && length <= MAX_FILTER_BYTES && end <= file_size).then_some(start..end)
}

/// Values as the file has them: filters are made of those bytes.
enum Hashable<'a> {
    Texts(Vec<&'a str>),
    Int32(Vec<i32>),
    Int64(Vec<i64>),
}

impl<'a> Hashable<'a> {
    fn of(kind: &DataType, values: &'a NeededValues) -> Option<Self> {
        match (values, kind) {
            (NeededValues::Texts(texts), DataType::Utf8) if texts.len() <= MAX_LOOKED_UP => {
                Some(Self::Texts(texts.iter().map(String::as_str).collect()))
            }
            (NeededValues::Whole(numbers), _) if numbers.len() > MAX_LOOKED_UP => None,
            // What does not fit the column's type is in no row.
            (NeededValues::Whole(numbers), DataType::Int32) => {
                Some(Self::Int32(numbers.iter().filter_map(|number| i32::try_from(*number).ok()).collect()))
            }
            (NeededValues::Whole(numbers), DataType::Int64) => {
                Some(Self::Int64(numbers.iter().copied().collect()))
            }
            _ => None,
        }
    }

    fn may_be_in(&self, filter: &Sbbf) -> bool {
        match self {
            Self::Texts(texts) => texts.iter().any(|text| filter.check(*text)),
            Self::Int32(numbers) => numbers.iter().any(|number| filter.check(number)),
            Self::Int64(numbers) => numbers.iter().any(|number| filter.check(number)),
        }
    }
}

fn whole_bounds(statistics: &Statistics, kind: &DataType) -> Option<(i64, i64)> {
    match (statistics, kind) {
        (Statistics::Int32(of), DataType::Int8 | DataType::Int16 | DataType::Int32) => {
            Some(((*of.min_opt()?).into(), (*of.max_opt()?).into()))
        }
        (Statistics::Int64(of), DataType::Int64) => Some((*of.min_opt()?, *of.max_opt()?)),
        _ => None,
    }
}

/// Bounds of NaN say nothing: so some old writers told where a NaN was.
fn real_bounds(statistics: &Statistics, kind: &DataType) -> Option<(f64, f64)> {
    let (least, greatest) = match (statistics, kind) {
        (Statistics::Float(of), DataType::Float32) => (f64::from(*of.min_opt()?), f64::from(*of.max_opt()?)),
        (Statistics::Double(of), DataType::Float64) => (*of.min_opt()?, *of.max_opt()?),
        (_, DataType::Int8 | DataType::Int16 | DataType::Int32) => {
            let (least, greatest) = whole_bounds(statistics, kind)?;
            // Exact: they have 32 bits.
            (least as f64, greatest as f64)
        }
        _ => return None,
    };
    (!least.is_nan() && !greatest.is_nan()).then_some((least, greatest))
}
