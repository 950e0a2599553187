//! Which files are where.

use crate::cluster::{Alert, Cluster, Kind, SCHEMA, files, folders, ids, read};
use arrow::array::Array;
use arrow::datatypes::DataType;
use download::{DownloadError, Layout};
use job::ErrorKind;

fn downloaded(kind: Kind, layout: Layout) -> Cluster {
    let cluster = Cluster::with_schema(kind, SCHEMA, 3);
    cluster.send_alerts(0..100, 3);
    let summary = cluster.download(layout).unwrap();
    assert_eq!((summary.alerts, summary.new_alerts, summary.expired), (100, 100, 0));
    assert_eq!(summary.files, files(cluster.outdir.path()).len() as u64);
    assert_eq!(ids(cluster.outdir.path()), (0..100).collect::<Vec<_>>());
    cluster
}

fn columns(cluster: &Cluster) -> Vec<String> {
    let file = files(cluster.outdir.path()).remove(0);
    read(&file)[0].schema().fields().iter().map(|field| field.name().clone()).collect()
}

fn by_time_the_folders_are_utc_dates_and_the_files_have_no_date(kind: Kind) {
    let cluster = downloaded(kind, Layout::Time);
    // JD 2461122.25 is 2026-03-22 18:00 UTC, a quarter of a day later it is the 23rd.
    assert_eq!(folders(cluster.outdir.path()), ["year=2026/month=03/day=22", "year=2026/month=03/day=23"]);
    assert_eq!(columns(&cluster), ["id", "jd", "finkclass", "tnsclass", "empty", "stamp"]);
}

fn by_class_the_values_are_escaped_and_the_files_have_no_class(kind: Kind) {
    let cluster = downloaded(kind, Layout::Finkclass);
    let expected = ["finkclass=SN%20candidate", "finkclass=Unknown", "finkclass=a%2Fb%20%28c%29"];
    assert_eq!(folders(cluster.outdir.path()), expected);
    assert_eq!(columns(&cluster), ["id", "jd", "tnsclass", "year", "month", "day", "empty", "stamp"]);

    let cluster = downloaded(kind, Layout::Tnsclass);
    assert_eq!(folders(cluster.outdir.path()), ["tnsclass=%28TNS%29%20SN%20Ia"]);
}

fn flat_files_hold_all_columns_in_their_own_types(kind: Kind) {
    let cluster = downloaded(kind, Layout::Flat);
    assert_eq!(folders(cluster.outdir.path()), [""]);
    let batch = read(&files(cluster.outdir.path())[0]).remove(0);
    let types: Vec<_> = batch.schema().fields().iter().map(|field| field.data_type().clone()).collect();
    use DataType::{Binary, Float32, Float64, Int32, Int64, Utf8};
    assert_eq!(types, [Int64, Float64, Utf8, Utf8, Int32, Int32, Int32, Float32, Binary]);
    assert_eq!(batch["empty"].null_count(), batch.num_rows());
}

fn nulls_go_where_the_fields_client_puts_them(kind: Kind) {
    let cluster = Cluster::with_schema(kind, SCHEMA, 1);
    let alert = Alert { id: 7, jd: None, finkclass: None, tnsclass: None };
    cluster.send(&cluster.topic, &[(0, None, alert.encode())]);
    cluster.download(Layout::Time).unwrap();
    let null = "__HIVE_DEFAULT_PARTITION__";
    assert_eq!(folders(cluster.outdir.path()), [format!("year={null}/month={null}/day={null}")]);
}

fn many_alerts_make_few_files(kind: Kind) {
    let cluster = Cluster::with_schema(kind, SCHEMA, 10);
    cluster.send_alerts(0..30_000, 10);
    let summary = cluster.download(Layout::Flat).unwrap();
    assert_eq!((summary.alerts, summary.files), (30_000, 2));
}

fn a_layout_by_a_column_that_is_not_there_is_refused(kind: Kind) {
    let schema = r#"{"type":"record","name":"r","fields":[{"name":"id","type":["long","null"]}]}"#;
    let cluster = Cluster::with_schema(kind, schema, 1);
    for (layout, column) in [(Layout::Finkclass, "finkclass"), (Layout::Time, "jd or candidate.jd")] {
        let error = cluster.download(layout).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(
            matches!(error, DownloadError::NoColumn { column: ref missing, .. } if missing == column),
            "{error}"
        );
    }
}

crate::cluster::on_every_cluster! {
    by_time_the_folders_are_utc_dates_and_the_files_have_no_date,
    by_class_the_values_are_escaped_and_the_files_have_no_class,
    flat_files_hold_all_columns_in_their_own_types,
    nulls_go_where_the_fields_client_puts_them,
    many_alerts_make_few_files,
    a_layout_by_a_column_that_is_not_there_is_refused,
}
