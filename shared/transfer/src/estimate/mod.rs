//! Estimate: how many alerts would pass and how many bytes that is, conditions included.
//!
//! ```text
//! counted.rs   nights of the index without conditions: the counts of their classes say all
//! sampled.rs   nights of the index with conditions: tried on their samples
//! trial.rs     nights that are not indexed: tried on some row groups of the archive
//! weight.rs    from alerts to bytes, by content
//! duration.rs  from alerts and bytes to seconds
//! ```
//!
//! Each yields, for each night, how many alerts of each class there are, were looked at, and passed
//! ([`night_index::Tried`]); here they are added up.

mod counted;
mod duration;
mod sampled;
mod trial;
mod weight;

pub(crate) use duration::Costs;

use crate::{Scout, TransferError, content_plan::ContentPlan, service::now};
use archive::{JobSchema, NightSchema, distinct, unify};
use job::{FieldPath, JobRequest, Night, Packet};
use night_index::{Catalogue, CataloguedNight, Interval, Tried, interval, is_image};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use weight::{Weigher, Weight};

/// The archive's list of nights is believed for so long; a submit asks anew.
const LISTED_LATELY: Duration = Duration::from_secs(60);

/// What a request would come to.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Estimate {
    /// Alerts that would be sent.
    pub alerts: u64,
    /// With 95 % confidence at least this many.
    pub alerts_low: u64,
    /// With 95 % confidence at most this many.
    pub alerts_high: u64,
    /// Whether `alerts` was counted rather than scaled up.
    pub exact: bool,
    /// Bytes in the topic before compression; none where no alert that passes was met.
    pub bytes: Option<u64>,
    /// Bytes on disk, once downloaded: as the archive's own files hold these columns.
    #[serde(default)]
    pub disk_bytes: Option<u64>,
    /// Seconds from submit to the last alert in the topic, if nothing else runs.
    #[serde(default)]
    pub seconds: Option<f64>,
    /// The same alerts as each of the named contents; empty where some of the nights are not indexed.
    #[serde(default)]
    pub contents: Vec<ContentSize>,
    /// Alerts in the chosen nights.
    pub alerts_in_nights: u64,
    /// Bytes of the archive's files in the chosen nights.
    #[serde(default)]
    pub bytes_in_nights: u64,
    /// Alerts that were looked at to know this.
    pub alerts_tried: u64,
    /// Each night, before any limit.
    pub nights: Vec<NightEstimate>,
    /// Each class that the nights hold, before any limit, most alerts first: those of finkclass and, where tnsclass was
    /// told, those of TNS. Of indexed nights only.
    #[serde(default)]
    pub classes: Vec<ClassEstimate>,
    /// Chosen nights that the archive lacks.
    #[schema(value_type = Vec<String>)]
    pub empty_nights: Vec<Night>,
    /// Nights that cannot be read, with the reason.
    pub unreadable: Vec<String>,
}

/// What a night would come to, before any limit.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NightEstimate {
    /// The night.
    #[schema(value_type = String)]
    pub night: Night,
    /// Alerts in it.
    pub alerts_in_night: u64,
    /// Alerts that would pass.
    pub alerts: u64,
    /// With 95 % confidence at least this many.
    pub alerts_low: u64,
    /// With 95 % confidence at most this many.
    pub alerts_high: u64,
    /// Whether that was counted.
    pub exact: bool,
    /// Whether the index knows the night; else some of its files were looked at.
    pub indexed: bool,
}

/// What a class would come to, before any limit.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ClassEstimate {
    /// The class, as it may be chosen.
    pub class: String,
    /// Alerts of it in the chosen nights.
    pub alerts_in_nights: u64,
    /// Alerts that would pass.
    pub alerts: u64,
    /// With 95 % confidence at least this many.
    pub alerts_low: u64,
    /// With 95 % confidence at most this many.
    pub alerts_high: u64,
    /// Whether that was counted.
    pub exact: bool,
}

/// What the alerts would weigh as one of the named contents.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ContentSize {
    /// The content.
    pub content: String,
    /// Bytes in the topic before compression.
    pub bytes: u64,
    /// Bytes on disk, once downloaded.
    pub disk_bytes: u64,
}

/// What was seen of a night.
struct Seen {
    night: Night,
    alerts: u64,
    archive_bytes: u64,
    indexed: bool,
    kinds: Vec<Kind>,
    weight: Weight,
}

impl Seen {
    fn of_index(night: Night, known: &CataloguedNight, kinds: Vec<Kind>, weight: Weight) -> Self {
        Self { night, alerts: known.alerts, archive_bytes: known.bytes, indexed: true, kinds, weight }
    }
}

/// What was seen of the alerts of one class in a night.
struct Kind {
    /// finkclass, and tnsclass where today's table told it; none where classes were not looked at.
    classes: Option<(Arc<str>, Option<Arc<str>>)>,
    tried: Tried,
    /// How many were really looked at: a count of the index took none.
    looked_at: u64,
}

/// The nights of a request, those that the index knows and the others, and their common schema.
pub(crate) struct Known {
    pub catalogue: Arc<Catalogue>,
    pub indexed: Vec<Night>,
    pub others: Vec<Night>,
    pub schema: JobSchema,
}

impl Scout {
    /// Estimates a request. It is checked as a submit checks it; nothing is made.
    pub async fn estimate(&self, request: &JobRequest) -> Result<Estimate, TransferError> {
        let request = request.clone().on(now().date_naive())?;
        request.check()?;
        let catalogue = self.catalogue().await;
        let mut chosen: Vec<Night> = request.nights.iter().collect();
        let mut empty = Vec::new();
        if chosen.iter().any(|night| !catalogue.nights.contains_key(night)) {
            let listed = self.archive.nights_within(LISTED_LATELY).await?;
            let found =
                |night: &Night| catalogue.nights.contains_key(night) || listed.binary_search(night).is_ok();
            (chosen, empty) = chosen.into_iter().partition(found);
            if chosen.is_empty() {
                return Err(TransferError::no_nights(&listed));
            }
        }
        let known = self.known(catalogue, &chosen).await?;
        self.estimate_known(&request, &known, empty).await
    }

    /// What is known of nights that the archive has.
    pub(crate) async fn known(
        &self,
        catalogue: Arc<Catalogue>,
        nights: &[Night],
    ) -> Result<Known, TransferError> {
        // A night that could not be indexed as it is, or was indexed by an earlier version, is looked at in the archive.
        let is_whole = |known: &CataloguedNight| known.trouble.is_none() && known.sample.is_sliced();
        let whole = |night: &Night| catalogue.nights.get(night).is_some_and(is_whole);
        let (indexed, others): (Vec<Night>, Vec<Night>) = nights.iter().partition(|night| whole(night));
        let schemas = indexed.iter().filter_map(|night| {
            let known = catalogue.nights.get(night)?;
            Some(NightSchema { night: *night, schema: catalogue.schema_of(known)?.clone() })
        });
        let mut schemas = distinct(schemas);
        schemas.extend(self.first_schemas(&others).await?);
        let schema = unify(&distinct(schemas));
        Ok(Known { catalogue, indexed, others, schema })
    }

    pub(crate) async fn estimate_known(
        &self,
        request: &JobRequest,
        known: &Known,
        empty: Vec<Night>,
    ) -> Result<Estimate, TransferError> {
        let plan = ContentPlan::over_nights(request, &known.schema)?;
        // Samples are without images: conditions on those are tried in the archive.
        let sighted = plan.conditions.fields().iter().all(|field| !is_image(field.root()));
        let (mut seen, mut others) = (Vec::new(), known.others.clone());
        let looked_up = match sighted {
            true => self.look_up(request, &plan, known).await.map(Some),
            false => Ok(None),
        };
        match looked_up {
            Ok(Some(found)) => seen = found,
            Ok(None) => others.extend(&known.indexed),
            Err(error) => {
                tracing::warn!(%error, "going on without the index");
                others.extend(&known.indexed);
            }
        }
        others.sort_unstable();
        let (tried, unreadable) = self.try_nights(request, known, others).await?;
        seen.extend(tried);
        seen.sort_by_key(|seen| seen.night);
        let mut estimate = summed(&seen, request, empty, unreadable);
        estimate.seconds = self.seconds_of(request, &estimate).await;
        Ok(estimate)
    }

    /// What the index tells of a request.
    async fn look_up(
        &self,
        request: &JobRequest,
        plan: &ContentPlan,
        known: &Known,
    ) -> Result<Vec<Seen>, TransferError> {
        let nights: Vec<(Night, &CataloguedNight)> = known
            .indexed
            .iter()
            .filter_map(|night| known.catalogue.nights.get(night).map(|known| (*night, known)))
            .collect();
        let weigher = Weigher::new(request, &known.schema.schema, &known.catalogue, &nights)?;
        Ok(match counted::suffices(plan, &nights, &self.tns) {
            true => counted::count(plan, &nights, &self.tns, &weigher),
            false => self.count_in_samples(plan, known, &nights, &weigher).await?,
        })
    }
}

fn summed(
    seen: &[Seen],
    request: &JobRequest,
    empty_nights: Vec<Night>,
    unreadable: Vec<String>,
) -> Estimate {
    let all = interval(seen.iter().flat_map(|night| night.kinds.iter().map(|kind| &kind.tried)));
    let most = request.alert_limit().unwrap_or(u64::MAX);
    let alerts = (all.alerts.round() as u64).min(most);
    let part = if all.alerts > 0.0 { alerts as f64 / all.alerts } else { 0.0 };
    let mut weight = Weight::default();
    seen.iter().for_each(|night| weight.add(&night.weight));
    let bytes = |bytes: f64| (bytes * part).round() as u64;
    let contents = match seen.iter().all(|night| night.indexed) && alerts > 0 {
        true => Packet::ALL.iter().zip(weight.packets.iter().zip(&weight.packets_on_disk)),
        false => Packet::ALL[..0].iter().zip([].iter().zip(&[])),
    };
    Estimate {
        alerts,
        alerts_low: (all.low as u64).min(most),
        alerts_high: (all.high as u64).min(most),
        exact: all.exact && unreadable.is_empty(),
        bytes: (weight.weighed > 0.0).then(|| bytes(weight.chosen * all.alerts / weight.weighed)),
        disk_bytes: (alerts > 0).then(|| bytes(weight.chosen_on_disk)),
        seconds: None,
        contents: contents
            .map(|(packet, (topic, disk))| ContentSize {
                content: packet.name().to_owned(),
                bytes: bytes(*topic),
                disk_bytes: bytes(*disk),
            })
            .collect(),
        alerts_in_nights: seen.iter().map(|night| night.alerts).sum(),
        bytes_in_nights: seen.iter().map(|night| night.archive_bytes).sum(),
        alerts_tried: seen.iter().flat_map(|night| &night.kinds).map(|kind| kind.looked_at).sum(),
        nights: seen.iter().map(night_of).collect(),
        classes: classes_of(seen),
        empty_nights,
        unreadable,
    }
}

fn night_of(seen: &Seen) -> NightEstimate {
    let Interval { alerts, low, high, exact } = interval(seen.kinds.iter().map(|kind| &kind.tried));
    NightEstimate {
        night: seen.night,
        alerts_in_night: seen.alerts,
        alerts: alerts.round() as u64,
        alerts_low: low as u64,
        alerts_high: high as u64,
        exact,
        indexed: seen.indexed,
    }
}

fn classes_of(seen: &[Seen]) -> Vec<ClassEstimate> {
    let mut classes: BTreeMap<&str, Vec<&Tried>> = BTreeMap::new();
    for kind in seen.iter().flat_map(|night| &night.kinds) {
        let Some((fink, tns)) = &kind.classes else { continue };
        classes.entry(fink).or_default().push(&kind.tried);
        if let Some(tns) = tns.as_ref().filter(|tns| &***tns != "Unknown") {
            classes.entry(tns).or_default().push(&kind.tried);
        }
    }
    let told = |(class, kinds): (&str, Vec<&Tried>)| {
        let Interval { alerts, low, high, exact } = interval(kinds.iter().copied());
        ClassEstimate {
            class: class.to_owned(),
            alerts_in_nights: kinds.iter().map(|kind| kind.alerts).sum(),
            alerts: alerts.round() as u64,
            alerts_low: low as u64,
            alerts_high: high as u64,
            exact,
        }
    };
    let mut classes: Vec<ClassEstimate> = classes.into_iter().map(told).collect();
    classes.sort_by(|a, b| b.alerts.cmp(&a.alerts).then(b.alerts_in_nights.cmp(&a.alerts_in_nights)));
    classes
}

/// Whether a field is `path` or lies below it.
fn is_within(field: &FieldPath, path: &FieldPath) -> bool {
    field.segments().starts_with(path.segments())
}
