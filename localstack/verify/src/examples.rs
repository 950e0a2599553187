//! The alerts that a report names: what they are called is looked up where they are.

use crate::compare::Pick;
use crate::folder::{Folder, batches};
use crate::identity::Identity;
use crate::topic::indices;
use crate::{Example, Options, VerifyError};
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use download::avro::{Decoder, Schema};
use download::topic;
use rdkafka::consumer::BaseConsumer;
use rdkafka::message::Message;
use std::time::{Duration, Instant};

/// Names the alerts.
pub(crate) fn resolve(
    picks: Vec<Pick>,
    options: &Options,
    folder: Option<&Folder>,
    identity: Identity,
) -> Result<Vec<Example>, VerifyError> {
    let mut examples: Vec<Example> = picks
        .iter()
        .map(|pick| Example {
            kind: pick.kind,
            candid: identity.candid(pick.mark),
            object_id: None,
            night: pick.night,
            partition: pick.sent.map(|sent| i32::from(sent.partition)),
            offset: pick.sent.map(|sent| i64::from(sent.offset)),
            file: pick
                .kept
                .zip(folder)
                .and_then(|(kept, folder)| folder.names.get(kept.file as usize).cloned()),
        })
        .collect();
    let mut opened = None;
    for (pick, example) in picks.iter().zip(&mut examples) {
        example.object_id = match (pick.kept, folder, &options.topic) {
            (Some(kept), Some(folder), _) => {
                folder.paths.get(kept.file as usize).and_then(|path| in_file(path, pick.mark, identity))
            }
            (None, _, Some(source)) => {
                if opened.is_none() {
                    let consumer = topic::consumer(&source.bootstrap)?;
                    let text =
                        topic::schema_text(&consumer, &source.topic, &source.bootstrap, options.patience)?;
                    opened = Some((consumer, topic::schema_of(&text, &source.topic)?));
                }
                let place = example.partition.zip(example.offset);
                match (&opened, place) {
                    (Some((consumer, schema)), Some((partition, offset))) => {
                        in_topic(consumer, schema, source.topic.as_str(), partition, offset)?
                    }
                    _ => None,
                }
            }
            _ => None,
        };
    }
    Ok(examples)
}

/// The object of an alert in a file.
fn in_file(path: &std::path::Path, mark: u64, identity: Identity) -> Option<String> {
    let mut names = identity.columns().to_vec();
    names.push("objectId");
    let mut found = None;
    // The file has been read before; one that has gone since only costs the name.
    let _ = batches(path, &names, &mut |batch| {
        if let Ok(Some(marks)) = identity.marks(batch)
            && let Some(row) = marks.iter().position(|other| *other == mark)
        {
            found = object(batch, row);
            return Err(String::new());
        }
        Ok(())
    });
    found
}

/// The object of an alert in the topic.
fn in_topic(
    consumer: &BaseConsumer,
    schema: &Schema,
    topic: &str,
    partition: i32,
    offset: i64,
) -> Result<Option<String>, VerifyError> {
    topic::assign(consumer, topic, std::iter::once((partition, offset)))?;
    let deadline = Instant::now() + Duration::from_secs(5);
    while Instant::now() < deadline {
        let Some(Ok(message)) = consumer.poll(Duration::from_millis(100)) else { continue };
        if (message.partition(), message.offset()) == (partition, offset) {
            let mut decoder = Decoder::of_columns(schema, &indices(schema, &["objectId"]));
            if decoder.add(message.payload().unwrap_or_default()).is_err() {
                return Ok(None);
            }
            return Ok(object(&decoder.take()?, 0));
        }
    }
    Ok(None)
}

fn object(batch: &RecordBatch, row: usize) -> Option<String> {
    let objects = cast(batch.column_by_name("objectId")?, &DataType::Utf8).ok()?;
    let objects = objects.as_string_opt::<i32>()?;
    (row < objects.len() && objects.is_valid(row)).then(|| objects.value(row).to_owned())
}
