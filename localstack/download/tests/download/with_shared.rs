//! Real alerts of a real transfer, against the archive's own files of the same night.

use crate::cluster::{Cluster, Kind, files, read, write_long};
use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int64Type};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use download::Layout;
use std::collections::BTreeMap;
use std::path::PathBuf;

fn shared() -> PathBuf {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared");
    let folder = std::env::var_os("NIGHTFERRY_SHARED").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    assert!(
        folder.join("golden").is_dir(),
        "the real alerts are not in {}: set NIGHTFERRY_SHARED to the folder that holds golden/ and archive/",
        folder.display()
    );
    folder
}

/// Schema and messages of the container: the header's map, a mark of 16 bytes, blocks of count, size, bytes, mark.
fn golden() -> (String, Vec<u8>, i64) {
    let bytes = std::fs::read(shared().join("golden/part-3-305711.avro")).unwrap();
    let mut rest = bytes.strip_prefix(b"Obj\x01").unwrap();
    let mut schema = String::new();
    loop {
        let count = long(&mut rest);
        for _ in 0..count {
            let (key, value) = (text(&mut rest), text(&mut rest));
            if key == b"avro.schema" {
                schema = String::from_utf8(value).unwrap();
            }
        }
        if count == 0 {
            break;
        }
    }
    rest = &rest[16..];
    let (mut alerts, mut count) = (Vec::new(), 0);
    while !rest.is_empty() {
        count += long(&mut rest);
        alerts.extend(text(&mut rest));
        rest = &rest[16..];
    }
    (schema, alerts, count)
}

fn long(rest: &mut &[u8]) -> i64 {
    let (mut value, mut shift) = (0u64, 0);
    loop {
        let byte = rest[0];
        *rest = &rest[1..];
        value |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte < 0x80 {
            return (value >> 1) as i64 ^ -((value & 1) as i64);
        }
    }
}

fn text(rest: &mut &[u8]) -> Vec<u8> {
    let length = long(rest) as usize;
    let text = rest[..length].to_vec();
    *rest = &rest[length..];
    text
}

/// A container does not say where an alert ends, but each begins with a candid and a schemavsn that the archive tells.
fn messages(alerts: &[u8], archive: &RecordBatch) -> Vec<Vec<u8>> {
    let (candids, versions) =
        (archive["candid"].as_primitive::<Int64Type>(), archive["schemavsn"].as_string::<i32>());
    let find = |(candid, version): (&i64, Option<&str>)| {
        let mut start = vec![0];
        write_long(*candid, &mut start);
        start.push(0);
        write_long(version.unwrap().len() as i64, &mut start);
        start.extend(version.unwrap().bytes());
        (0..alerts.len()).find(|at| alerts[*at..].starts_with(&start)).unwrap()
    };
    let mut starts: Vec<usize> = candids.values().iter().zip(versions.iter()).map(find).collect();
    starts.sort_unstable();
    assert_eq!(starts[0], 0);
    starts.push(alerts.len());
    starts.windows(2).map(|pair| alerts[pair[0]..pair[1]].to_vec()).collect()
}

fn archive() -> RecordBatch {
    let file = files(&shared().join("archive/ztf/science/year=2026/month=03/day=22")).remove(0);
    read(&file).remove(0)
}

/// A column as text, by candid. Times as a transfer writes them.
fn texts(batch: &RecordBatch, column: &ArrayRef) -> BTreeMap<i64, String> {
    let is_time = matches!(column.data_type(), DataType::Timestamp(_, _));
    let options =
        FormatOptions::default().with_null("null").with_timestamp_format(Some("%Y-%m-%d %H:%M:%S%.6f"));
    let formatter = ArrayFormatter::try_new(column, &options).unwrap();
    let candids = batch["candid"].as_primitive::<Int64Type>().values();
    let text = |row| {
        let text = formatter.value(row).to_string();
        if is_time { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
    };
    candids.iter().enumerate().map(|(row, candid)| (*candid, text(row))).collect()
}

fn real_alerts_arrive_as_the_archive_holds_them(kind: Kind) {
    let ((schema, alerts, count), archive) = (golden(), archive());
    let messages = messages(&alerts, &archive);
    assert_eq!(messages.len() as i64, count);
    let cluster = Cluster::with_schema(kind, &schema, 3);
    let sent: Vec<_> =
        messages.into_iter().enumerate().map(|(row, alert)| (row as i32 % 3, None, alert)).collect();
    cluster.send(&cluster.topic, &sent);
    assert_eq!(cluster.download(Layout::Flat).unwrap().alerts, 31);

    let batches: Vec<_> = files(cluster.outdir.path()).iter().flat_map(|file| read(file)).collect();
    let downloaded = arrow::compute::concat_batches(&batches[0].schema(), &batches).unwrap();
    assert_eq!((downloaded.num_rows(), downloaded.num_columns()), (31, 63));
    let mut compared = 0;
    for (field, column) in archive.schema().fields().iter().zip(archive.columns()) {
        let Some(other) = downloaded.column_by_name(field.name()) else { continue };
        assert_eq!(texts(&downloaded, other), texts(&archive, column), "{}", field.name());
        compared += 1;
    }
    assert_eq!(compared, 58);
}

crate::cluster::on_every_cluster! {
    real_alerts_arrive_as_the_archive_holds_them,
}
