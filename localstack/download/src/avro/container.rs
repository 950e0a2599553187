//! Avro object container files: a header with the schema, then blocks of alerts, each block as the codec packs it.
//!
//! What is written: `deflate`, which every reader has to know, or `null` where the alerts hold cutouts, which are gzip
//! already. What is read: these two, `snappy` and `zstandard`.

use super::schema::{Schema, SchemaProblem};
use flate2::Compression;
use flate2::read::{DeflateDecoder, DeflateEncoder};
use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;

const MAGIC: &[u8; 4] = b"Obj\x01";

/// Alerts are packed together up to so many bytes: what a reader holds at a time.
const BLOCK_BYTES: usize = 128 << 10;

/// The most bytes of a block, packed or not.
const MAX_BLOCK_BYTES: u64 = 1 << 30;

/// The most bytes of an entry of the header.
const MAX_HEADER_BYTES: u64 = 32 << 20;

/// Why a container cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ContainerError {
    /// The disk.
    #[error("{0}")]
    Disk(#[from] io::Error),
    /// It is no container, or ends early, or is damaged.
    #[error("{0}")]
    Damaged(String),
    /// It is packed in a way that is not known here.
    #[error("its codec `{0}` is not known; null, deflate, snappy and zstandard are")]
    Codec(String),
    /// Its schema is not one of those a transfer makes.
    #[error("its schema cannot be used: {} {}", .0.place, .0.problem)]
    Schema(SchemaProblem),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Codec {
    Null,
    Deflate,
    Snappy,
    Zstandard,
}

/// Writes a container.
pub(crate) struct Writer {
    file: File,
    codec: Codec,
    sync: [u8; 16],
    /// The alerts of the next block, and how many they are.
    block: Vec<u8>,
    alerts: u64,
}

impl Writer {
    /// Begins a file with the topic's own schema. `sync` marks the ends of its blocks.
    pub(crate) fn new(mut file: File, text: &str, schema: &Schema, sync: [u8; 16]) -> io::Result<Self> {
        let (codec, name) = match schema.has_bytes() {
            true => (Codec::Null, "null"),
            false => (Codec::Deflate, "deflate"),
        };
        let mut header = MAGIC.to_vec();
        write_long(2, &mut header);
        for (key, value) in [("avro.schema", text), ("avro.codec", name)] {
            for text in [key, value] {
                write_long(text.len() as u64, &mut header);
                header.extend(text.bytes());
            }
        }
        write_long(0, &mut header);
        header.extend(sync);
        file.write_all(&header)?;
        Ok(Self { file, codec, sync, block: Vec::new(), alerts: 0 })
    }

    /// Adds an alert.
    pub(crate) fn add(&mut self, message: &[u8]) -> io::Result<()> {
        self.block.extend(message);
        self.alerts += 1;
        if self.block.len() >= BLOCK_BYTES { self.write_block() } else { Ok(()) }
    }

    /// Completes the file.
    pub(crate) fn finish(mut self) -> io::Result<File> {
        self.write_block()?;
        Ok(self.file)
    }

    fn write_block(&mut self) -> io::Result<()> {
        if self.alerts == 0 {
            return Ok(());
        }
        let mut packed = Vec::new();
        let block: &[u8] = match self.codec {
            Codec::Deflate => {
                DeflateEncoder::new(self.block.as_slice(), Compression::fast()).read_to_end(&mut packed)?;
                &packed
            }
            _ => &self.block,
        };
        let mut bytes = Vec::with_capacity(block.len() + 36);
        write_long(self.alerts, &mut bytes);
        write_long(block.len() as u64, &mut bytes);
        bytes.extend(block);
        bytes.extend(self.sync);
        self.file.write_all(&bytes)?;
        self.block.clear();
        self.alerts = 0;
        Ok(())
    }
}

/// Zig-zag of a number that is not negative, seven bits a byte, lowest first.
fn write_long(value: u64, out: &mut Vec<u8>) {
    let mut rest = value << 1;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

/// Reads a container, block by block.
pub struct Container {
    file: BufReader<File>,
    codec: Codec,
    sync: [u8; 16],
    schema: Schema,
}

impl Container {
    /// Opens a file and reads its header.
    pub fn open(path: &Path) -> Result<Self, ContainerError> {
        let mut file = BufReader::with_capacity(1 << 20, File::open(path)?);
        if read_array::<4>(&mut file)? != *MAGIC {
            return Err(damaged("it is not an Avro file"));
        }
        let (mut text, mut codec) = (None, Codec::Null);
        loop {
            let count = read_long(&mut file)?;
            if count == 0 {
                break;
            }
            if count < 0 {
                read_long(&mut file)?;
            }
            for _ in 0..count.unsigned_abs() {
                let (key, value) = (read_entry(&mut file)?, read_entry(&mut file)?);
                match key.as_slice() {
                    b"avro.schema" => text = Some(String::from_utf8_lossy(&value).into_owned()),
                    b"avro.codec" => codec = codec_of(&value)?,
                    _ => {}
                }
            }
        }
        let sync = read_array(&mut file)?;
        let text = text.ok_or_else(|| damaged("its header has no schema"))?;
        let schema = Schema::parse(&text).map_err(ContainerError::Schema)?;
        Ok(Self { file, codec, sync, schema })
    }

    /// The schema of its alerts.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// How many alerts the next block holds, and their bytes, one alert after the other; `None` at the end.
    pub fn next_block(&mut self) -> Result<Option<(u64, Vec<u8>)>, ContainerError> {
        if io::BufRead::fill_buf(&mut self.file)?.is_empty() {
            return Ok(None);
        }
        let alerts = u64::try_from(read_long(&mut self.file)?).map_err(|_| damaged("a negative count"))?;
        let packed = read_sized(&mut self.file, MAX_BLOCK_BYTES)?;
        if read_array::<16>(&mut self.file)? != self.sync {
            return Err(damaged("a block does not end where it says"));
        }
        Ok(Some((alerts, unpack(self.codec, packed)?)))
    }
}

fn codec_of(name: &[u8]) -> Result<Codec, ContainerError> {
    Ok(match name {
        b"null" | b"" => Codec::Null,
        b"deflate" => Codec::Deflate,
        b"snappy" => Codec::Snappy,
        b"zstandard" => Codec::Zstandard,
        other => return Err(ContainerError::Codec(String::from_utf8_lossy(other).into_owned())),
    })
}

fn unpack(codec: Codec, packed: Vec<u8>) -> Result<Vec<u8>, ContainerError> {
    let cannot = |error: &dyn std::fmt::Display| damaged(&format!("a block cannot be unpacked: {error}"));
    let bounded = |reader: &mut dyn Read| {
        let mut block = Vec::new();
        match reader.take(MAX_BLOCK_BYTES + 1).read_to_end(&mut block) {
            Ok(_) if block.len() as u64 <= MAX_BLOCK_BYTES => Ok(block),
            Ok(_) => Err(damaged("a block is larger than any that a transfer makes")),
            Err(error) => Err(cannot(&error)),
        }
    };
    match codec {
        Codec::Null => Ok(packed),
        Codec::Deflate => bounded(&mut DeflateDecoder::new(packed.as_slice())),
        Codec::Zstandard => {
            bounded(&mut zstd::Decoder::new(packed.as_slice()).map_err(|error| cannot(&error))?)
        }
        Codec::Snappy => {
            // The last four bytes are a checksum; the alerts are checked anyway, as they are decoded.
            let bytes = packed.get(..packed.len().saturating_sub(4)).unwrap_or_default();
            let length = snap::raw::decompress_len(bytes).map_err(|error| cannot(&error))?;
            if length as u64 > MAX_BLOCK_BYTES {
                return Err(damaged("a block is larger than any that a transfer makes"));
            }
            snap::raw::Decoder::new().decompress_vec(bytes).map_err(|error| cannot(&error))
        }
    }
}

fn damaged(problem: &str) -> ContainerError {
    ContainerError::Damaged(problem.to_owned())
}

fn early(error: io::Error) -> ContainerError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => damaged("it ends early"),
        _ => ContainerError::Disk(error),
    }
}

fn read_array<const N: usize>(file: &mut impl Read) -> Result<[u8; N], ContainerError> {
    let mut bytes = [0; N];
    file.read_exact(&mut bytes).map_err(early)?;
    Ok(bytes)
}

fn read_entry(file: &mut impl Read) -> Result<Vec<u8>, ContainerError> {
    read_sized(file, MAX_HEADER_BYTES)
}

/// A length and as many bytes; memory grows with the bytes that are there, not with those that are announced.
fn read_sized(file: &mut impl Read, most: u64) -> Result<Vec<u8>, ContainerError> {
    let length = read_long(file)?;
    let length = u64::try_from(length).ok().filter(|length| *length <= most);
    let length = length.ok_or_else(|| damaged("a length that cannot be"))?;
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == length { Ok(bytes) } else { Err(damaged("it ends early")) }
}

fn read_long(file: &mut impl Read) -> Result<i64, ContainerError> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let [byte] = read_array::<1>(file)?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok((value >> 1) as i64 ^ -((value & 1) as i64));
        }
    }
    Err(damaged("a number of more than 64 bits"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::avro::Decoder;
    use arrow::array::AsArray;
    use arrow::datatypes::Int64Type;

    fn written(text: &str, messages: &[Vec<u8>]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        let schema = Schema::parse(text).unwrap();
        let mut writer = Writer::new(file.reopen().unwrap(), text, &schema, [7; 16]).unwrap();
        messages.iter().for_each(|message| writer.add(message).unwrap());
        writer.finish().unwrap();
        file
    }

    fn numbers(path: &Path) -> Result<Vec<i64>, String> {
        let mut container = Container::open(path).map_err(|error| error.to_string())?;
        let mut decoder = Decoder::of_columns(container.schema(), &[0]);
        while let Some((alerts, block)) = container.next_block().map_err(|error| error.to_string())? {
            let mut rest = block.as_slice();
            for _ in 0..alerts {
                decoder.add_first(&mut rest)?;
            }
            assert!(rest.is_empty());
        }
        Ok(decoder.take().unwrap().column(0).as_primitive::<Int64Type>().values().to_vec())
    }

    const LONGS: &str = r#"{"type":"record","name":"r","fields":[{"name":"n","type":"long"},{"name":"t","type":["string","null"]}]}"#;

    fn long(value: i64) -> Vec<u8> {
        let mut message = Vec::new();
        write_long(value as u64, &mut message);
        message.push(2);
        message
    }

    #[test]
    fn what_was_written_comes_back_in_many_blocks_and_packed() {
        let messages: Vec<_> = (0..100_000).map(long).collect();
        let file = written(LONGS, &messages);
        assert!(numbers(file.path()).unwrap().into_iter().eq(0..100_000));
        let raw: usize = messages.iter().map(Vec::len).sum();
        assert!(file.as_file().metadata().unwrap().len() < raw as u64);
    }

    #[test]
    fn a_file_of_no_alerts_is_a_file() {
        assert_eq!(numbers(written(LONGS, &[]).path()).unwrap(), Vec::<i64>::new());
    }

    #[test]
    fn a_file_cut_anywhere_is_an_error_or_ends_with_a_whole_block() {
        let file = written(LONGS, &[long(1), long(2)]);
        let bytes = std::fs::read(file.path()).unwrap();
        let header = written(LONGS, &[]).as_file().metadata().unwrap().len() as usize;
        let cut = tempfile::NamedTempFile::new().unwrap();
        for end in 0..bytes.len() {
            std::fs::write(cut.path(), &bytes[..end]).unwrap();
            assert_eq!(numbers(cut.path()).is_ok(), end == header, "cut at {end}");
        }
    }
}
