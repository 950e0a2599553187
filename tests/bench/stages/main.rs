//! The worker's stages one by one: scan, filter, derive, encode, publish.
//!
//! ```text
//! cargo bench --workspace --bench stages                  # all, some two minutes
//! cargo bench --workspace --bench stages -- encode/light  # those of this name
//! ```
//!
//! Over a small sample night in a temporary folder; messages go to librdkafka's mock broker in this process. Throughput is
//! in alerts a second.

// A failed run is told by a panic, as in any test.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

#[path = "../worker/mock.rs"]
mod mock;
mod night;
mod publish;

use criterion::{BenchmarkId, Criterion, Throughput};
use night::{CONTENTS, Night, content};
use packet::{Encoder, Messages, TnsCatalogue, finkclass, queryable_schema, tnsclass};
use query::Conditions;
use std::hint::black_box;

/// What the conditions of the bench keep and drop: narrow columns of three types, and a formula.
const CONDITIONS: &str = "candidate.magpsf < 19.5; candidate.isdiffpos = 't'; \
    (candidate.magnr - candidate.magpsf) < -4 * (LOG10(candidate.distnr) + 0.2)";

fn main() {
    let night = Night::simulated();
    let mut criterion = Criterion::default().sample_size(20).configure_from_args();
    scan(&mut criterion, &night);
    filter(&mut criterion, &night);
    derive(&mut criterion, &night);
    encode(&mut criterion, &night);
    publish::publish(&mut criterion, &night);
    criterion.final_summary();
}

/// Reading and decoding the columns of a content, all rows.
fn scan(criterion: &mut Criterion, night: &Night) {
    let mut group = criterion.benchmark_group("scan");
    group.throughput(Throughput::Elements(night.rows()));
    for name in CONTENTS {
        let plan = night.plan(&content(name));
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.iter(|| night.scan(&plan, &mut |batch| drop(black_box(batch))));
        });
    }
}

/// Three conditions over columns that have been read.
fn filter(criterion: &mut Criterion, night: &Night) {
    let mut group = criterion.benchmark_group("filter");
    let conditions = Conditions::parse(CONDITIONS, &queryable_schema(night.schema())).unwrap();
    let batches = night.batches(&night.plan_of(conditions.fields()));
    let predicate = conditions.bind(&batches[0].schema()).unwrap();
    group.throughput(Throughput::Elements(night.rows()));
    group.bench_function("three conditions", |bencher| {
        bencher.iter(|| {
            batches.iter().for_each(|batch| drop(black_box(predicate.evaluate(batch).unwrap())));
        });
    });
}

/// Both classes of each alert; without a table of transients, as most stacks are.
fn derive(criterion: &mut Criterion, night: &Night) {
    let mut group = criterion.benchmark_group("derive");
    let batches = night.batches(&night.plan(&content("Light packet")));
    let tns = TnsCatalogue::default();
    group.throughput(Throughput::Elements(night.rows()));
    group.bench_function("finkclass", |bencher| {
        bencher.iter(|| batches.iter().for_each(|batch| drop(black_box(finkclass(batch)))));
    });
    group.bench_function("tnsclass", |bencher| {
        bencher.iter(|| batches.iter().for_each(|batch| drop(black_box(tnsclass(batch, &tns)))));
    });
}

/// Arrow into Avro.
fn encode(criterion: &mut Criterion, night: &Night) {
    let mut group = criterion.benchmark_group("encode");
    group.throughput(Throughput::Elements(night.rows()));
    for name in CONTENTS {
        let batches = night.batches(&night.plan(&content(name)));
        let encoder = Encoder::new(night.layout(&content(name)));
        let classes: Vec<_> = batches
            .iter()
            .map(|batch| (finkclass(batch), tnsclass(batch, &TnsCatalogue::default())))
            .collect();
        let mut messages = Messages::default();
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.iter(|| {
                for (batch, (fink, tns)) in batches.iter().zip(&classes) {
                    messages.clear();
                    encoder.encode(batch, night.night, fink, tns, &mut messages).unwrap();
                    black_box(messages.buffer());
                }
            });
        });
    }
}
