//! Avro files: the same layout and the same record, the messages as they came.

use crate::cluster::{Alert, Cluster, Kind, SCHEMA, files, folders, impatient};
use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use download::avro::{Container, Decoder};
use download::{DownloadError, Format, Layout, Limits, Options};
use job::ErrorKind;
use std::path::Path;

fn options(cluster: &Cluster, layout: Layout) -> Options {
    Options { format: Format::Avro, ..cluster.options(layout) }
}

/// The ids in all files, sorted.
pub fn ids(outdir: &Path) -> Vec<i64> {
    let mut ids = Vec::new();
    for file in files(outdir) {
        let mut container = Container::open(&file).unwrap();
        let mut decoder = Decoder::new(container.schema());
        while let Some((alerts, block)) = container.next_block().unwrap() {
            let mut rest = block.as_slice();
            (0..alerts).for_each(|_| decoder.add_first(&mut rest).unwrap());
            assert!(rest.is_empty());
        }
        ids.extend(decoder.take().unwrap()["id"].as_primitive::<Int64Type>().values());
    }
    ids.sort_unstable();
    ids
}

fn the_layouts_are_those_of_parquet_and_the_files_hold_all_columns(kind: Kind) {
    for (layout, first) in [
        (Layout::Time, "year=2026/month=03/day=22"),
        (Layout::Finkclass, "finkclass=SN%20candidate"),
        (Layout::Tnsclass, "tnsclass=%28TNS%29%20SN%20Ia"),
        (Layout::Flat, ""),
    ] {
        let cluster = Cluster::with_schema(kind, SCHEMA, 3);
        cluster.send_alerts(0..100, 3);
        let summary = download::run(&options(&cluster, layout), &|_| {}).unwrap();
        let found = files(cluster.outdir.path());
        assert_eq!((summary.alerts, summary.files), (100, found.len() as u64));
        assert_eq!(folders(cluster.outdir.path())[0], first);
        assert!(ids(cluster.outdir.path()).into_iter().eq(0..100));
        for file in found {
            assert_eq!(file.extension().unwrap(), "avro");
            let names: Vec<_> = Container::open(&file)
                .unwrap()
                .schema()
                .to_arrow()
                .fields()
                .iter()
                .map(|f| f.name().clone())
                .collect();
            assert_eq!(
                names,
                ["id", "jd", "finkclass", "tnsclass", "year", "month", "day", "empty", "stamp"]
            );
        }
    }
}

fn a_second_run_goes_on_and_another_format_is_refused(kind: Kind) {
    let cluster = Cluster::with_schema(kind, SCHEMA, 2);
    cluster.send_alerts(0..5_000, 2);
    let limits = Limits { commit_bytes: 50_000, ..impatient() };
    download::run_within(&options(&cluster, Layout::Finkclass), &limits, &|_| {}).unwrap();
    cluster.send_alerts(5_000..6_000, 2);
    let summary = download::run(&options(&cluster, Layout::Finkclass), &|_| {}).unwrap();
    assert_eq!((summary.alerts, summary.new_alerts), (6_000, 1_000));
    assert!(ids(cluster.outdir.path()).into_iter().eq(0..6_000));

    let error = cluster.download(Layout::Finkclass).unwrap_err();
    assert!(matches!(error, DownloadError::OtherFormat { .. }) && error.kind() == ErrorKind::Invalid);
    std::fs::remove_file(cluster.outdir.path().join(format!(".nightferry-{}.json", cluster.topic))).unwrap();
    for again in [cluster.options(Layout::Finkclass), options(&cluster, Layout::Finkclass)] {
        assert!(matches!(download::run(&again, &|_| {}), Err(DownloadError::NoRecord { .. })));
    }
}

fn a_damaged_message_is_an_error_though_it_would_be_copied_as_it_is(kind: Kind) {
    let cluster = Cluster::with_schema(kind, SCHEMA, 1);
    let mut damaged = Alert::new(1).encode();
    damaged.pop();
    cluster.send(&cluster.topic, &[(0, None, Alert::new(0).encode()), (0, None, damaged)]);
    let error = download::run(&options(&cluster, Layout::Flat), &|_| {}).unwrap_err();
    assert!(matches!(error, DownloadError::Message { offset: 1, .. }), "{error}");
}

crate::cluster::on_every_cluster! {
    the_layouts_are_those_of_parquet_and_the_files_hold_all_columns,
    a_second_run_goes_on_and_another_format_is_refused,
    a_damaged_message_is_an_error_though_it_would_be_copied_as_it_is,
}
