//! Nights of the index without conditions: the counts of their classes say all.

use super::{Kind, Seen, weight::Weigher};
use crate::content_plan::ContentPlan;
use arrow::array::StringArray;
use job::Night;
use night_index::{CataloguedNight, Stratum, Tried};
use packet::TnsCatalogue;
use query::ClassSelection;
use std::{collections::HashMap, sync::Arc};

/// Whether counts are enough: no condition, and classes as they were counted.
pub(super) fn suffices(plan: &ContentPlan, nights: &[(Night, &CataloguedNight)], tns: &TnsCatalogue) -> bool {
    plan.conditions.is_empty() && (!plan.classes.needs_tnsclass() || is_current(nights, tns))
}

/// Whether tnsclass was told by today's table.
pub(super) fn is_current(nights: &[(Night, &CataloguedNight)], tns: &TnsCatalogue) -> bool {
    let mark = tns.fingerprint();
    nights.iter().all(|(_, night)| night.tns == mark)
}

/// Whether a pair of classes is kept, and its two names.
type Judged = (bool, Arc<str>, Arc<str>);

/// Which strata a selection keeps. Nights have the same classes again and again: each pair is judged once.
pub(super) struct Choice<'a> {
    classes: &'a ClassSelection,
    judged: HashMap<(&'a str, &'a str), Judged>,
}

impl<'a> Choice<'a> {
    pub(super) fn new(classes: &'a ClassSelection) -> Self {
        Self { classes, judged: HashMap::new() }
    }

    /// Whether the alerts of a stratum are kept, and its two classes.
    pub(super) fn of(&mut self, stratum: &'a Stratum) -> Judged {
        let (fink, tns) = (stratum.finkclass.as_str(), stratum.tnsclass.as_str());
        let judge = || {
            let (finks, tnss) = (StringArray::from(vec![fink]), StringArray::from(vec![tns]));
            (self.classes.keep(Some(&finks), Some(&tnss), 1).value(0), fink.into(), tns.into())
        };
        self.judged.entry((fink, tns)).or_insert_with(judge).clone()
    }
}

pub(super) fn count(
    plan: &ContentPlan,
    nights: &[(Night, &CataloguedNight)],
    tns: &TnsCatalogue,
    weigher: &Weigher,
) -> Vec<Seen> {
    let table = tns.fingerprint();
    let mut choice = Choice::new(&plan.classes);
    nights
        .iter()
        .map(|(night, known)| {
            let mut passed = Vec::with_capacity(known.strata.len());
            let mut kinds = Vec::with_capacity(known.strata.len());
            for stratum in &known.strata {
                let (kept, finkclass, tnsclass) = choice.of(stratum);
                let count = if kept { stratum.alerts } else { 0 };
                let bytes = [stratum.bytes.light, stratum.bytes.medium, stratum.bytes.cutouts];
                passed.push((count as f64, bytes.map(|mean| count as f64 * f64::from(mean))));
                kinds.push(Kind {
                    classes: Some((finkclass, (known.tns == table).then_some(tnsclass))),
                    tried: Tried {
                        alerts: stratum.alerts,
                        tried: stratum.alerts,
                        passed: count,
                        clumping: 1.0,
                    },
                    looked_at: 0,
                });
            }
            Seen::of_index(*night, known, kinds, weigher.weigh(known, &passed))
        })
        .collect()
}
