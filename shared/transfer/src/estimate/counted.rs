//! Nights of the index without conditions: the counts of their classes say all.

use super::{Kind, Seen, weight::Weigher};
use crate::content_plan::ContentPlan;
use arrow::array::StringArray;
use job::Night;
use night_index::{CataloguedNight, Stratum, Tried};
use packet::TnsCatalogue;
use query::ClassSelection;

/// Whether counts are enough: no condition, and classes as they were counted.
pub(super) fn suffices(plan: &ContentPlan, nights: &[(Night, &CataloguedNight)], tns: &TnsCatalogue) -> bool {
    plan.conditions.is_empty() && (!plan.classes.needs_tnsclass() || is_current(nights, tns))
}

/// Whether tnsclass was told by today's table.
pub(super) fn is_current(nights: &[(Night, &CataloguedNight)], tns: &TnsCatalogue) -> bool {
    let mark = tns.fingerprint();
    nights.iter().all(|(_, night)| night.tns == mark)
}

/// Whether a selection keeps the alerts of a stratum.
pub(super) fn keeps(classes: &ClassSelection, stratum: &Stratum) -> bool {
    let (fink, tns) = (
        StringArray::from(vec![stratum.finkclass.as_str()]),
        StringArray::from(vec![stratum.tnsclass.as_str()]),
    );
    classes.keep(Some(&fink), Some(&tns), 1).value(0)
}

pub(super) fn count(
    plan: &ContentPlan,
    nights: &[(Night, &CataloguedNight)],
    weigher: &Weigher,
) -> Vec<Seen> {
    let all = plan.classes.is_all();
    nights
        .iter()
        .map(|(night, known)| {
            let mut passed = Vec::with_capacity(known.strata.len());
            let mut kinds = Vec::with_capacity(known.strata.len());
            for stratum in &known.strata {
                let count = if all || keeps(&plan.classes, stratum) { stratum.alerts } else { 0 };
                let bytes = [stratum.bytes.light, stratum.bytes.medium, stratum.bytes.cutouts];
                passed.push((count as f64, bytes.map(|mean| count as f64 * f64::from(mean))));
                kinds.push(Kind {
                    classes: Some((stratum.finkclass.clone(), stratum.tnsclass.clone())),
                    tried: Tried {
                        alerts: stratum.alerts,
                        tried: stratum.alerts,
                        passed: count,
                        clumping: 1.0,
                    },
                    looked_at: 0,
                });
            }
            Seen {
                night: *night,
                alerts: known.alerts,
                archive_bytes: known.bytes,
                indexed: true,
                kinds,
                weight: weigher.weigh(known, &passed),
            }
        })
        .collect()
}
