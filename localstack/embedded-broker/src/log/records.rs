//! Looking into a batch for the record with a time stamp: the one place where records are decompressed, as a stream, so
//! that a batch which inflates without end costs no memory and a bounded time.

use std::io::{self, BufReader, Read};

use super::batch::{BatchHeader, HEADER_BYTES};

/// What is read of one batch at most; then its first record stands for the one sought.
const INFLATED_BYTES: u64 = 256 << 20;
/// The largest block of Snappy that is inflated, for a block is inflated as a whole.
const SNAPPY_BLOCK_BYTES: usize = 64 << 20;
/// How the framing of Snappy that Java clients write begins.
const SNAPPY_FRAMING: [u8; 8] = *b"\x82SNAPPY\0";

/// Offset and time stamp of the first record of a batch that is not before `offset` nor earlier than `timestamp`.
pub(super) fn first_record_at(
    header: &BatchHeader,
    batch: &[u8],
    offset: i64,
    timestamp: i64,
) -> io::Result<Option<(i64, i64)>> {
    let body = batch.get(HEADER_BYTES..).unwrap_or_default();
    let mut records = BufReader::new(inflate(header.codec(), body)?.take(INFLATED_BYTES));
    for _ in 0..header.records {
        let (timestamp_delta, offset_delta) = next_record(&mut records)?;
        let record_timestamp = header.base_timestamp.saturating_add(timestamp_delta);
        let record_offset = header.base_offset.saturating_add(offset_delta);
        if record_timestamp >= timestamp && record_offset >= offset {
            return Ok(Some((record_offset, record_timestamp)));
        }
    }
    Ok(None)
}

fn inflate<'a>(codec: i16, body: &'a [u8]) -> io::Result<Box<dyn Read + 'a>> {
    Ok(match codec {
        0 => Box::new(body),
        1 => Box::new(flate2::read::MultiGzDecoder::new(body)),
        2 => match body.strip_prefix(&SNAPPY_FRAMING) {
            // Version and compatible version, four bytes each, follow.
            Some(framed) => {
                Box::new(SnappyBlocks { left: framed.get(8..).unwrap_or_default(), block: Vec::new(), at: 0 })
            }
            None => Box::new(io::Cursor::new(snappy_block(body)?)),
        },
        3 => Box::new(lz4::Decoder::new(body)?),
        4 => Box::new(zstd::stream::read::Decoder::new(body)?),
        _ => return Err(invalid("unknown codec")),
    })
}

/// Reads one record, keeping its two deltas.
fn next_record(records: &mut impl Read) -> io::Result<(i64, i64)> {
    let length = u64::try_from(varint(records)?).map_err(|_| invalid("a record of negative length"))?;
    let mut record = records.take(length);
    let mut attributes = [0];
    record.read_exact(&mut attributes)?;
    let deltas = (varint(&mut record)?, varint(&mut record)?);
    io::copy(&mut record, &mut io::sink())?;
    if record.limit() > 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(deltas)
}

/// A signed number of variable length, as Kafka's records hold them.
fn varint(bytes: &mut impl Read) -> io::Result<i64> {
    let mut value = 0_u64;
    for shift in (0..70).step_by(7) {
        let mut byte = [0];
        bytes.read_exact(&mut byte)?;
        let [byte] = byte;
        value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        if byte < 0x80 {
            return Ok((value >> 1) as i64 ^ -((value & 1) as i64));
        }
    }
    Err(invalid("a number longer than ten bytes"))
}

struct SnappyBlocks<'a> {
    left: &'a [u8],
    block: Vec<u8>,
    at: usize,
}

impl Read for SnappyBlocks<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.at >= self.block.len() {
            let Some((length, rest)) = self.left.split_first_chunk() else { return Ok(0) };
            let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
            let block = rest.get(..length).ok_or(invalid("a block of Snappy is cut off"))?;
            self.left = rest.get(length..).unwrap_or_default();
            (self.block, self.at) = (snappy_block(block)?, 0);
        }
        let read = self.block.get(self.at..).unwrap_or_default().read(into)?;
        self.at += read;
        Ok(read)
    }
}

fn snappy_block(block: &[u8]) -> io::Result<Vec<u8>> {
    if snap::raw::decompress_len(block)? > SNAPPY_BLOCK_BYTES {
        return Err(invalid("a block of Snappy is too large"));
    }
    Ok(snap::raw::Decoder::new().decompress_vec(block)?)
}

fn invalid(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn zigzag(value: i64, into: &mut Vec<u8>) {
        let mut value = ((value << 1) ^ (value >> 63)) as u64;
        while value >= 0x80 {
            into.push(value as u8 | 0x80);
            value >>= 7;
        }
        into.push(value as u8);
    }

    /// Ten records, ten milliseconds apart.
    fn records() -> Vec<u8> {
        let mut all = Vec::new();
        for at in 0..10 {
            let mut record = vec![0];
            zigzag(at * 10, &mut record);
            zigzag(at, &mut record);
            record.extend_from_slice(&[1, 200, 1]);
            record.extend_from_slice(&[b'v'; 100]);
            record.push(0);
            zigzag(record.len() as i64, &mut all);
            all.extend_from_slice(&record);
        }
        all
    }

    fn find(codec: i16, body: &[u8], offset: i64, timestamp: i64) -> io::Result<Option<(i64, i64)>> {
        let header = BatchHeader {
            base_offset: 100,
            bytes: 0,
            checksum: 0,
            attributes: codec,
            last_offset_delta: 9,
            base_timestamp: 1_000,
            max_timestamp: 1_090,
            producer_id: -1,
            producer_epoch: -1,
            base_sequence: -1,
            records: 10,
        };
        first_record_at(&header, &[&[0; HEADER_BYTES], body].concat(), offset, timestamp)
    }

    fn compressed() -> Vec<(i16, Vec<u8>)> {
        let records = records();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&records).unwrap();
        let mut lz4 = lz4::EncoderBuilder::new().build(Vec::new()).unwrap();
        lz4.write_all(&records).unwrap();
        let raw = snap::raw::Encoder::new().compress_vec(&records).unwrap();
        let mut framed = [&SNAPPY_FRAMING[..], &[0, 0, 0, 1, 0, 0, 0, 1]].concat();
        for part in records.chunks(400) {
            let block = snap::raw::Encoder::new().compress_vec(part).unwrap();
            framed.extend_from_slice(&(block.len() as u32).to_be_bytes());
            framed.extend_from_slice(&block);
        }
        let zstd = zstd::encode_all(&records[..], 1).unwrap();
        vec![
            (0, records.clone()),
            (1, gzip.finish().unwrap()),
            (2, raw),
            (2, framed),
            (3, lz4.finish().0),
            (4, zstd),
        ]
    }

    #[test]
    fn the_first_record_not_earlier_is_found_in_every_codec() {
        for (codec, body) in compressed() {
            assert_eq!(find(codec, &body, 0, 0).unwrap(), Some((100, 1_000)), "codec {codec}");
            assert_eq!(find(codec, &body, 0, 1_031).unwrap(), Some((104, 1_040)), "codec {codec}");
            assert_eq!(find(codec, &body, 107, 1_031).unwrap(), Some((107, 1_070)), "codec {codec}");
            assert_eq!(find(codec, &body, 0, 1_091).unwrap(), None, "codec {codec}");
        }
    }

    #[test]
    fn records_that_are_none_are_an_error() {
        for (codec, body) in compressed() {
            assert!(find(codec, &body[..body.len() / 2], 0, 1_090).is_err(), "codec {codec}");
        }
        assert!(find(0, &[0xff; 40], 0, 0).is_err());
        assert!(find(2, &[0xff, 0xff, 0xff, 0xff, 0x0f, 1], 0, 0).is_err(), "4 GB in one block");
        assert!(find(7, &[], 0, 0).is_err());
    }
}
