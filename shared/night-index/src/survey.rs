//! The narrow pass over a night: who is there, in which class, and who is drawn for the sample.

use crate::{
    IndexError,
    entry::Stratum,
    mark::rank,
    sample::{allocate, slice_of},
};
use archive::RowFilter;
use arrow::{
    array::{Array, AsArray, BooleanArray, Float64Array, Int64Array, RecordBatch},
    compute::cast,
    datatypes::{DataType, Float64Type, Int64Type, Schema},
};
use job::FieldPath;
use packet::{TnsCatalogue, column, finkclass, finkclass_inputs, tnsclass};
use std::{
    collections::{BTreeMap, BinaryHeap},
    sync::Arc,
};

/// Where an alert is: file, row group, row.
pub(crate) type Place = (u32, u32, u32);

/// A night has some two hundred pairs of classes.
const MAX_CLASSES: usize = 2_000;
/// No class that could be chosen has a longer name.
const MAX_LABEL: usize = 512;
/// ZTF has three.
const MAX_BANDS: usize = 64;

/// The leaves that the pass reads.
pub(crate) fn narrow_fields(schema: &Schema) -> Vec<FieldPath> {
    let own =
        ["candid", "candidate.candid", "candidate.fid", "candidate.jd", "candidate.ra", "candidate.dec"];
    finkclass_inputs(schema).into_iter().chain(own.map(FieldPath::from)).collect()
}

/// What was seen of a night, or of a part of it.
#[derive(Default)]
pub(crate) struct Survey {
    pub alerts: u64,
    classes: BTreeMap<(String, String), Kind>,
    pub bands: BTreeMap<i64, u64>,
    pub jd: Option<(f64, f64)>,
}

/// The rank of an alert by its number, and where numbers repeat by its place; and that place.
type Drawn = (u64, u64, Place);

/// The alerts of one kind, and those of them with the lowest ranks.
#[derive(Default)]
struct Kind {
    alerts: u64,
    lowest: BinaryHeap<Drawn>,
}

impl Kind {
    fn offer(&mut self, drawn: Drawn, most: usize) {
        if self.lowest.len() < most {
            self.lowest.push(drawn);
        } else if let Some(mut highest) = self.lowest.peek_mut()
            && drawn < *highest
        {
            *highest = drawn;
        }
    }
}

/// Which alerts of a night are the sample.
pub(crate) struct Chosen {
    /// The kinds, in order of their classes; `bytes` are not known yet.
    pub strata: Vec<Stratum>,
    /// The chosen alerts with the number of their kind, and their slice.
    pub places: BTreeMap<Place, (i32, usize)>,
}

impl Survey {
    /// This and what was seen of another part.
    pub(crate) fn add(&mut self, other: Self, most: usize) {
        self.alerts += other.alerts;
        for (class, kind) in other.classes {
            let mine = self.classes.entry(class).or_default();
            mine.alerts += kind.alerts;
            for drawn in kind.lowest {
                mine.offer(drawn, most);
            }
        }
        for (band, count) in other.bands {
            *self.bands.entry(band).or_default() += count;
        }
        self.see_jd(other.jd);
    }

    /// A class that was not met before.
    fn see(&mut self, class: &(String, String)) -> Result<(), IndexError> {
        if class.0.len() > MAX_LABEL || class.1.len() > MAX_LABEL {
            return Err(unfit(format!("an alert's class has over {MAX_LABEL} bytes")));
        }
        self.classes.insert(class.clone(), Kind::default());
        self.check()
    }

    /// Whether it is what a night can be.
    pub(crate) fn check(&self) -> Result<(), IndexError> {
        match self.classes.len() > MAX_CLASSES {
            true => Err(unfit(format!("its alerts are of more than {MAX_CLASSES} classes"))),
            false => Ok(()),
        }
    }

    fn see_jd(&mut self, seen: Option<(f64, f64)>) {
        self.jd = match (self.jd, seen) {
            (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
            (mine, other) => mine.or(other),
        };
    }

    /// Draws the sample: of each kind those with the lowest ranks.
    pub(crate) fn choose(self, rows: usize) -> Chosen {
        let totals: Vec<u64> = self.classes.values().map(|kind| kind.alerts).collect();
        let mut chosen = Chosen { strata: Vec::new(), places: BTreeMap::new() };
        for (((finkclass, tnsclass), kind), share) in self.classes.into_iter().zip(allocate(&totals, rows)) {
            let number = i32::try_from(chosen.strata.len()).unwrap_or(i32::MAX);
            let drawn = kind.lowest.into_sorted_vec();
            let drawn = drawn.into_iter().take(share as usize);
            let before = chosen.places.len();
            let drawn = (0..).zip(drawn);
            chosen.places.extend(drawn.map(|(rank, (_, _, place))| (place, (number, slice_of(rank)))));
            let sampled = (chosen.places.len() - before) as u64;
            chosen.strata.push(Stratum {
                finkclass,
                tnsclass,
                alerts: kind.alerts,
                sampled,
                ..Stratum::default()
            });
        }
        chosen
    }
}

/// Looks at a row group and keeps none of it.
pub(crate) struct Surveyor {
    pub tns: Arc<TnsCatalogue>,
    pub file: u32,
    pub row_group: u32,
    /// The size of the sample: no kind has more in it.
    pub most: usize,
    row: u32,
    pub seen: Survey,
}

impl Surveyor {
    pub(crate) fn new(tns: Arc<TnsCatalogue>, file: u32, row_group: u32, most: usize) -> Self {
        Self { tns, file, row_group, most, row: 0, seen: Survey::default() }
    }
}

impl RowFilter for Surveyor {
    fn keep(
        &mut self,
        batch: &RecordBatch,
    ) -> Result<BooleanArray, Box<dyn std::error::Error + Send + Sync>> {
        let rows = batch.num_rows();
        let (fink, tns) = (finkclass(batch), tnsclass(batch, &self.tns));
        let candid = whole(batch, "candid").or_else(|| whole(batch, "candidate.candid"));
        let (band, jd) = (whole(batch, "candidate.fid"), real(batch, "candidate.jd"));
        let mut key = (String::new(), String::new());
        for row in 0..rows {
            let place = (self.file, self.row_group, self.row);
            self.row += 1;
            let number =
                candid.as_ref().filter(|column| column.is_valid(row)).map(|column| column.value(row));
            let by_place = (i64::from(place.0) << 48) ^ (i64::from(place.1) << 32) ^ i64::from(place.2);
            key.0.clear();
            key.0.push_str(fink.value(row));
            key.1.clear();
            key.1.push_str(tns.value(row));
            if !self.seen.classes.contains_key(&key) {
                self.seen.see(&key)?;
            }
            if let Some(kind) = self.seen.classes.get_mut(&key) {
                kind.alerts += 1;
                kind.offer((rank(number.unwrap_or(by_place)), rank(by_place), place), self.most);
            }
            if let Some(band) = band.as_ref().filter(|column| column.is_valid(row)) {
                *self.seen.bands.entry(band.value(row)).or_default() += 1;
                if self.seen.bands.len() > MAX_BANDS {
                    return Err(unfit(format!("its alerts are of more than {MAX_BANDS} bands")).into());
                }
            }
        }
        let finite = jd.iter().flatten().flatten().filter(|jd| jd.is_finite());
        let range = finite.fold(None, |range: Option<(f64, f64)>, jd| match range {
            Some((low, high)) => Some((low.min(jd), high.max(jd))),
            None => Some((jd, jd)),
        });
        self.seen.see_jd(range);
        self.seen.alerts += rows as u64;
        Ok(BooleanArray::from(vec![false; rows]))
    }
}

fn unfit(reason: String) -> IndexError {
    IndexError::Unfit(reason)
}

/// Keeps the alerts of the sample.
pub(crate) struct Collector {
    /// The rows to keep of the row group, in order.
    pub rows: std::vec::IntoIter<u32>,
    next: Option<u32>,
    row: u32,
}

impl Collector {
    pub(crate) fn new(rows: Vec<u32>) -> Self {
        let mut rows = rows.into_iter();
        let next = rows.next();
        Self { rows, next, row: 0 }
    }
}

impl RowFilter for Collector {
    fn keep(
        &mut self,
        batch: &RecordBatch,
    ) -> Result<BooleanArray, Box<dyn std::error::Error + Send + Sync>> {
        let keep = (0..batch.num_rows()).map(|_| {
            let wanted = self.next == Some(self.row);
            if wanted {
                self.next = self.rows.next();
            }
            self.row += 1;
            wanted
        });
        Ok(BooleanArray::from(keep.collect::<Vec<bool>>()))
    }
}

fn whole(batch: &RecordBatch, field: &str) -> Option<Int64Array> {
    let array = column(batch, field).filter(|array| array.data_type().is_numeric())?;
    cast(&array, &DataType::Int64).ok().map(|array| array.as_primitive::<Int64Type>().clone())
}

fn real(batch: &RecordBatch, field: &str) -> Option<Float64Array> {
    let array = column(batch, field).filter(|array| array.data_type().is_numeric())?;
    cast(&array, &DataType::Float64).ok().map(|array| array.as_primitive::<Float64Type>().clone())
}
