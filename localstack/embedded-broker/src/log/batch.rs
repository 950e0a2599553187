//! The 61 bytes at the head of a record batch (Kafka's format 2), and the checks a batch passes on its way in.

use bytes::{Buf, Bytes};
use kafka_protocol::ResponseError;

use super::Refusal;

/// Bytes of a batch header.
pub(crate) const HEADER_BYTES: usize = 61;
/// Bytes before what the batch length counts: base offset and the length itself.
const BEFORE_LENGTH: u64 = 12;
/// The checksum covers everything from here to the end of the batch.
const CHECKED_FROM: usize = 21;

const ATTRIBUTE_CODEC: i16 = 0x07;
const ATTRIBUTE_APPEND_TIME: i16 = 0x08;
const ATTRIBUTE_TRANSACTIONAL: i16 = 0x10;
const ATTRIBUTE_CONTROL: i16 = 0x20;

/// A batch header, read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BatchHeader {
    /// Offset of the first record.
    pub base_offset: i64,
    /// Bytes of the whole batch, header included.
    pub bytes: u64,
    /// Checksum (CRC-32C) of what follows it.
    pub checksum: u32,
    /// Codec, time stamp type and transaction marks.
    pub attributes: i16,
    /// Offset of the last record less the first one's.
    pub last_offset_delta: i32,
    /// Time stamp the records' deltas count from.
    pub base_timestamp: i64,
    /// The latest record's time stamp, or the append time.
    pub max_timestamp: i64,
    /// The idempotent producer, or -1.
    pub producer_id: i64,
    /// The producer's epoch, or -1.
    pub producer_epoch: i16,
    /// The producer's number of the first record, or -1.
    pub base_sequence: i32,
    /// Records in the batch.
    pub records: i32,
}

impl BatchHeader {
    /// Reads a header from the front of `bytes`; `None` if they are too few or are no batch of format 2.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut fields = bytes.get(..HEADER_BYTES)?;
        let base_offset = fields.get_i64();
        let length = u64::try_from(fields.get_i32()).ok()? + BEFORE_LENGTH;
        let _leader_epoch = fields.get_i32();
        let magic = fields.get_i8();
        if magic != 2 || length < HEADER_BYTES as u64 {
            return None;
        }
        Some(Self {
            base_offset,
            bytes: length,
            checksum: fields.get_u32(),
            attributes: fields.get_i16(),
            last_offset_delta: fields.get_i32(),
            base_timestamp: fields.get_i64(),
            max_timestamp: fields.get_i64(),
            producer_id: fields.get_i64(),
            producer_epoch: fields.get_i16(),
            base_sequence: fields.get_i32(),
            records: fields.get_i32(),
        })
    }

    /// Offset of the last record.
    pub(crate) fn last_offset(&self) -> i64 {
        self.base_offset.saturating_add(i64::from(self.last_offset_delta))
    }

    /// The producer's number of the last record; numbers wrap at 2³¹.
    pub(crate) fn last_sequence(&self) -> i32 {
        self.base_sequence.wrapping_add(self.last_offset_delta) & i32::MAX
    }

    /// Whether the time stamps are the broker's.
    pub(crate) fn is_append_time(&self) -> bool {
        self.attributes & ATTRIBUTE_APPEND_TIME != 0
    }

    /// Number of the codec: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd.
    pub(crate) fn codec(&self) -> i16 {
        self.attributes & ATTRIBUTE_CODEC
    }
}

/// Whether the checksum of a whole batch is right.
pub(crate) fn checksum_holds(header: &BatchHeader, batch: &[u8]) -> bool {
    batch.get(CHECKED_FROM..).is_some_and(|checked| crc32c::crc32c(checked) == header.checksum)
}

/// One batch of a producer that passed every check which needs no log.
pub(crate) struct IncomingBatch {
    pub(crate) header: BatchHeader,
    head: [u8; HEADER_BYTES],
    body: Bytes,
    body_checksum: u32,
}

impl IncomingBatch {
    /// Checks what a producer sent for one partition: exactly one batch of format 2, whole, its checksum right, its
    /// offsets without gaps, outside any transaction.
    pub(crate) fn check(records: &Bytes) -> Result<Self, Refusal> {
        let corrupt = |why| Refusal::Protocol(ResponseError::CorruptMessage, why);
        let invalid = |why| Refusal::Protocol(ResponseError::InvalidRecord, why);
        let header = BatchHeader::parse(records).ok_or(corrupt("not a record batch of format 2"))?;
        match header.bytes.cmp(&(records.len() as u64)) {
            std::cmp::Ordering::Greater => return Err(corrupt("the batch is shorter than it says")),
            std::cmp::Ordering::Less => return Err(invalid("one record batch a partition and request")),
            std::cmp::Ordering::Equal => {}
        }
        let mut head = [0; HEADER_BYTES];
        let mut body = records.clone();
        body.copy_to_slice(&mut head);
        let body_checksum = crc32c::crc32c(&body);
        let batch = Self { header, head, body, body_checksum };
        if batch.checksum() != header.checksum {
            return Err(corrupt("the checksum of the batch is wrong"));
        }
        if header.attributes & (ATTRIBUTE_TRANSACTIONAL | ATTRIBUTE_CONTROL) != 0 {
            return Err(Refusal::Protocol(ResponseError::InvalidTxnState, "transactions are not served"));
        }
        if header.codec() > 4 {
            return Err(Refusal::Protocol(ResponseError::UnsupportedCompressionType, "unknown codec"));
        }
        if header.records < 1 || header.last_offset_delta != header.records - 1 {
            return Err(invalid("the batch's offsets have gaps"));
        }
        if header.producer_id >= 0 && (header.base_sequence < 0 || header.producer_epoch < 0) {
            return Err(invalid("an idempotent batch without sequence"));
        }
        Ok(batch)
    }

    /// Gives the batch its place in the log, and its append time where the topic keeps that.
    pub(crate) fn place(&mut self, base_offset: i64, append_time: Option<i64>) {
        self.header.base_offset = base_offset;
        put(&mut self.head, 0, base_offset.to_be_bytes());
        put(&mut self.head, 12, 0_i32.to_be_bytes());
        match append_time {
            Some(now) => {
                self.header.attributes |= ATTRIBUTE_APPEND_TIME;
                self.header.max_timestamp = now;
            }
            None => self.header.attributes &= !ATTRIBUTE_APPEND_TIME,
        }
        put(&mut self.head, 21, self.header.attributes.to_be_bytes());
        put(&mut self.head, 35, self.header.max_timestamp.to_be_bytes());
        self.header.checksum = self.checksum();
        put(&mut self.head, 17, self.header.checksum.to_be_bytes());
    }

    /// The two parts to write, header and records.
    pub(crate) fn parts(&self) -> (&[u8], &[u8]) {
        (&self.head, &self.body)
    }

    /// The checksum over header and records, without a second pass over the records.
    fn checksum(&self) -> u32 {
        let head = crc32c::crc32c(self.head.get(CHECKED_FROM..).unwrap_or_default());
        crc32c::crc32c_combine(head, self.body_checksum, self.body.len())
    }
}

fn put<const N: usize>(head: &mut [u8; HEADER_BYTES], at: usize, value: [u8; N]) {
    if let Some(field) = head.get_mut(at..at + N) {
        field.copy_from_slice(&value);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use bytes::{BufMut, BytesMut};

    use super::*;

    /// A batch of `records` records holding `body` as their bytes.
    pub(crate) fn batch(records: i32, producer: (i64, i16, i32), timestamp: i64, body: &[u8]) -> Bytes {
        let mut bytes = BytesMut::new();
        bytes.put_i64(0);
        bytes.put_i32((HEADER_BYTES - 12 + body.len()) as i32);
        bytes.put_i32(-1);
        bytes.put_i8(2);
        bytes.put_u32(0);
        bytes.put_i16(0);
        bytes.put_i32(records - 1);
        bytes.put_i64(timestamp);
        bytes.put_i64(timestamp);
        bytes.put_i64(producer.0);
        bytes.put_i16(producer.1);
        bytes.put_i32(producer.2);
        bytes.put_i32(records);
        bytes.put_slice(body);
        seal(bytes)
    }

    /// Writes the right checksum.
    pub(crate) fn seal(mut bytes: BytesMut) -> Bytes {
        let checksum = crc32c::crc32c(&bytes[CHECKED_FROM..]);
        bytes[17..21].copy_from_slice(&checksum.to_be_bytes());
        bytes.freeze()
    }

    fn refusal(records: &Bytes) -> ResponseError {
        match IncomingBatch::check(records) {
            Err(Refusal::Protocol(error, _)) => error,
            Err(Refusal::Storage(error)) => panic!("{error}"),
            Ok(_) => panic!("accepted"),
        }
    }

    #[test]
    fn a_placed_batch_keeps_a_right_checksum() {
        for append_time in [None, Some(1_700_000_000_000)] {
            let mut incoming = IncomingBatch::check(&batch(3, (7, 0, 5), 12, b"records")).unwrap();
            incoming.place(41, append_time);
            let (head, body) = incoming.parts();
            let stored = [head, body].concat();
            let header = BatchHeader::parse(&stored).unwrap();
            assert!(checksum_holds(&header, &stored));
            assert_eq!((header.base_offset, header.last_offset()), (41, 43));
            assert_eq!(header.max_timestamp, append_time.unwrap_or(12));
            assert_eq!(header.is_append_time(), append_time.is_some());
            assert_eq!(header.base_timestamp, 12);
        }
    }

    #[test]
    fn what_is_no_sound_batch_is_refused() {
        let sound = batch(2, (-1, -1, -1), 0, b"xy");
        assert_eq!(refusal(&sound.slice(..40)), ResponseError::CorruptMessage);
        assert_eq!(refusal(&sound.slice(..62)), ResponseError::CorruptMessage);
        assert_eq!(refusal(&[sound.clone(), sound.clone()].concat().into()), ResponseError::InvalidRecord);
        let mut flipped = sound.to_vec();
        flipped[62] ^= 1;
        assert_eq!(refusal(&flipped.into()), ResponseError::CorruptMessage);
        let mut gapped = BytesMut::from(&sound[..]);
        gapped[26] = 9;
        assert_eq!(refusal(&seal(gapped)), ResponseError::InvalidRecord);
        let mut control = BytesMut::from(&sound[..]);
        control[22] = 0x30;
        assert_eq!(refusal(&seal(control)), ResponseError::InvalidTxnState);
        assert_eq!(refusal(&batch(1, (4, 0, -1), 0, b"")), ResponseError::InvalidRecord);
    }

    #[test]
    fn sequence_numbers_wrap() {
        let header = BatchHeader::parse(&batch(3, (1, 0, i32::MAX), 0, b"")).unwrap();
        assert_eq!(header.last_sequence(), 1);
    }
}
