//! Values written by the rules of the Avro specification come back as they were, and any other bytes are an error.

use super::{Decoder, Schema};
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int32Type, Int64Type};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use proptest::prelude::*;

fn schema(fields: &[(&str, &str)]) -> Schema {
    let fields: Vec<_> =
        fields.iter().map(|(name, kind)| format!(r#"{{"name":"{name}","type":{kind}}}"#)).collect();
    Schema::parse(&format!(r#"{{"type":"record","name":"r","fields":[{}]}}"#, fields.join(","))).unwrap()
}

fn decode(schema: &Schema, messages: &[&[u8]]) -> Result<RecordBatch, String> {
    let mut decoder = Decoder::new(schema);
    messages.iter().try_for_each(|message| decoder.add(message))?;
    Ok(decoder.take().unwrap())
}

fn shown(batch: &RecordBatch, column: usize) -> Vec<String> {
    let options = FormatOptions::default().with_null("null");
    let formatter = ArrayFormatter::try_new(batch.column(column), &options).unwrap();
    (0..batch.num_rows()).map(|row| formatter.value(row).to_string()).collect()
}

#[test]
fn every_type_is_read_in_both_orders_of_the_union() {
    let schema = schema(&[
        ("a", r#"["int","null"]"#),
        ("b", r#"["null","long"]"#),
        ("c", r#""float""#),
        ("d", r#""double""#),
        ("e", r#""boolean""#),
        ("f", r#""bytes""#),
        ("g", r#"["string","null"]"#),
        ("h", r#""null""#),
    ]);
    // By the specification: zig-zag numbers, IEEE little endian, lengths before bytes.
    let one = [
        &[0x00, 0x01, 0x02, 0x80, 0x01][..],
        &1.5f32.to_le_bytes(),
        &(-2.25f64).to_le_bytes(),
        &[0x01, 0x04, 0xff, 0x00, 0x00, 0x06, b'f', b'o', b'o'],
    ]
    .concat();
    let other = [&[0x02, 0x00][..], &[0; 4], &[0; 8], &[0x00, 0x00, 0x02]].concat();
    let batch = decode(&schema, &[&one, &other]).unwrap();
    assert_eq!(batch.column(0).as_primitive::<Int32Type>().iter().collect::<Vec<_>>(), [Some(-1), None]);
    assert_eq!(batch.column(1).as_primitive::<Int64Type>().iter().collect::<Vec<_>>(), [Some(64), None]);
    assert_eq!(batch.column(2).as_primitive::<Float32Type>().values().to_vec(), [1.5, 0.0]);
    assert_eq!(batch.column(3).as_primitive::<Float64Type>().values().to_vec(), [-2.25, 0.0]);
    assert_eq!(batch.column(4).as_boolean().iter().collect::<Vec<_>>(), [Some(true), Some(false)]);
    assert_eq!(
        batch.column(5).as_binary::<i32>().iter().collect::<Vec<_>>(),
        [Some(&[0xff, 0x00][..]), Some(&[][..])]
    );
    assert_eq!(batch.column(6).as_string::<i32>().iter().collect::<Vec<_>>(), [Some("foo"), None]);
    assert_eq!(batch.column(7).data_type(), &DataType::Null);
}

#[test]
fn lists_maps_and_records_nest_and_may_come_in_blocks() {
    let schema = schema(&[
        (
            "l",
            r#"[{"type":"array","items":[{"type":"record","name":"s","fields":[{"name":"x","type":["int","null"]}]},"null"]},"null"]"#,
        ),
        ("m", r#"{"type":"map","values":["long","null"]}"#),
    ]);
    let messages: [&[u8]; 3] = [
        // Two blocks, the second with its size in bytes (count −1): [{x: 1}, null], [{x: null}]; {a: 5}
        &[
            0x00, 0x04, 0x00, 0x00, 0x02, 0x02, 0x01, 0x04, 0x00, 0x02, 0x00, 0x02, 0x02, b'a', 0x00, 0x0a,
            0x00,
        ],
        &[0x02, 0x00],
        &[0x00, 0x00, 0x02, 0x02, b'b', 0x02, 0x00],
    ];
    let batch = decode(&schema, &messages).unwrap();
    assert_eq!(shown(&batch, 0), ["[{x: 1}, null, {x: null}]", "null", "[]"]);
    assert_eq!(shown(&batch, 1), ["{a: 5}", "{}", "{b: null}"]);
}

#[test]
fn a_column_without_values_keeps_its_type() {
    let batch = decode(&schema(&[("x", r#"["string","null"]"#)]), &[&[0x02], &[0x02]]).unwrap();
    assert_eq!(batch.column(0).data_type(), &DataType::Utf8);
    assert_eq!(batch.column(0).null_count(), 2);
}

#[test]
fn a_damaged_message_is_an_error_that_names_the_field() {
    let schema = schema(&[
        ("s", r#"{"type":"record","name":"s","fields":[{"name":"t","type":["string","null"]}]}"#),
        ("l", r#"{"type":"array","items":"boolean"}"#),
    ]);
    let cases: [(&[u8], &str); 8] = [
        (&[], "field s.t: the message ends early"),
        (&[0x04], "field s.t: branch 2 of a union of two"),
        (&[0x00, 0x08, b'a'], "field s.t: a length of 4 bytes where 1 are left"),
        (&[0x00, 0x02, 0xff, 0x00], "field s.t: a string that is not UTF-8"),
        (&[0x02, 0x02, 0x07, 0x00], "field l[]: byte 7 is not a boolean"),
        (
            &[0x02, 0xfe, 0xff, 0xff, 0xff, 0x0f, 0x00],
            "field l: 2147483647 items announced, more than the message can hold",
        ),
        (&[0x02, 0x02, 0x01], "field l: the message ends early"),
        (&[0x02, 0x00, 0x00], "1 bytes after the last field"),
    ];
    for (message, expected) in cases {
        assert_eq!(decode(&schema, &[message]).unwrap_err(), expected);
    }
}

#[test]
fn a_message_of_nulls_cannot_fill_the_memory() {
    let wide: Vec<_> =
        (0..500).map(|index| format!(r#"{{"name":"f{index}","type":["int","null"]}}"#)).collect();
    let record = format!(r#"{{"type":"record","name":"s","fields":[{}]}}"#, wide.join(","));
    let schema = schema(&[("l", &format!(r#"{{"type":"array","items":["null",{record}]}}"#))]);
    // 2^20 nulls, 501 cells each
    let message = [&[0x80, 0x80, 0x80, 0x01][..], &vec![0; 1 << 20], &[0]].concat();
    assert!(decode(&schema, &[&message]).unwrap_err().contains("values in one message"));
}

fn nested() -> Schema {
    let record = r#"{"type":"record","name":"s","fields":[{"name":"a","type":["null","string"]},{"name":"b","type":"double"}]}"#;
    schema(&[
        ("i", r#"["int","null"]"#),
        ("t", r#"["string","null"]"#),
        ("l", &format!(r#"[{{"type":"array","items":[{record},"null"]}},"null"]"#)),
        ("m", r#"[{"type":"map","values":["bytes","null"]},"null"]"#),
        ("r", &record.replace(r#""name":"s""#, r#""name":"q""#)),
    ])
}

proptest! {
    #[test]
    fn any_bytes_are_an_alert_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode(&nested(), &[&bytes]);
    }

    #[test]
    fn bytes_that_look_like_an_alert_are_one_or_an_error(
        bytes in prop::collection::vec(prop::sample::select(vec![0u8, 0, 0, 2, 2, 4, 1, 3, 0x80, 0xff, b'a']), 0..60)
    ) {
        if let Ok(batch) = decode(&nested(), &[&bytes]) {
            prop_assert_eq!(batch.num_rows(), 1);
            for column in batch.columns() {
                column.to_data().validate_full().unwrap();
            }
        }
    }

    #[test]
    fn numbers_and_texts_come_back(values in prop::collection::vec((any::<Option<i64>>(), any::<Option<String>>()), 0..50)) {
        let schema = schema(&[("n", r#"["long","null"]"#), ("t", r#"["null","string"]"#)]);
        let messages: Vec<Vec<u8>> = values.iter().map(|(number, text)| {
            let mut out = Vec::new();
            match number {
                Some(number) => { out.push(0); write_long(*number, &mut out); }
                None => out.push(2),
            }
            match text {
                Some(text) => {
                    out.push(2);
                    write_long(text.len() as i64, &mut out);
                    out.extend(text.bytes());
                }
                None => out.push(0),
            }
            out
        }).collect();
        let messages: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
        let batch = decode(&schema, &messages).unwrap();
        let numbers = batch.column(0).as_primitive::<Int64Type>();
        let texts = batch.column(1).as_string::<i32>();
        for (row, (number, text)) in values.iter().enumerate() {
            prop_assert_eq!(numbers.is_valid(row).then(|| numbers.value(row)), *number);
            prop_assert_eq!(texts.is_valid(row).then(|| texts.value(row)), text.as_deref());
        }
    }
}

/// By division, unlike the code under test.
fn write_long(value: i64, out: &mut Vec<u8>) {
    let mut rest = if value < 0 { -2 * i128::from(value) - 1 } else { 2 * i128::from(value) };
    while rest >= 128 {
        out.push((rest % 128 + 128) as u8);
        rest /= 128;
    }
    out.push(rest as u8);
}
