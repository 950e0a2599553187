//! Single values, at their places.

/// Branch 0 of `[type, "null"]`.
pub(super) const VALUE: u8 = 0;
/// Branch 1 of `[type, "null"]`.
pub(super) const NULL: u8 = 2;

fn zig_zag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

/// Bytes of [`put_long`]: one for each seven bits.
#[inline]
pub(super) fn long_length(value: i64) -> usize {
    let bits = 64 - (zig_zag(value) | 1).leading_zeros() as usize;
    bits.div_ceil(7)
}

/// Zig-zag, then seven bits a byte, lowest first. Tells the place behind it.
#[inline]
pub(super) fn put_long(value: i64, mut place: usize, out: &mut [u8]) -> usize {
    let mut rest = zig_zag(value);
    while rest >= 0x80 {
        out[place] = rest as u8 | 0x80;
        rest >>= 7;
        place += 1;
    }
    out[place] = rest as u8;
    place + 1
}

/// The length and the bytes. Tells the place behind them.
#[inline]
pub(super) fn put_bytes(bytes: &[u8], place: usize, out: &mut [u8]) -> usize {
    let place = put_long(bytes.len() as i64, place, out);
    let end = place + bytes.len();
    let place = &mut out[place..end];
    // Most texts are short, and shorter than what it takes to call for a copy of a length that the compiler does not know.
    match bytes.len() {
        8..=16 => put_ends::<8>(bytes, place),
        4..8 => put_ends::<4>(bytes, place),
        0..4 => place.iter_mut().zip(bytes).for_each(|(place, byte)| *place = *byte),
        _ => place.copy_from_slice(bytes),
    }
    end
}

/// The same of at most twelve bytes, the first of them lowest.
#[inline]
pub(super) fn put_short(text: u128, length: usize, place: usize, out: &mut [u8]) -> usize {
    out[place] = 2 * length as u8;
    let (place, end) = (place + 1, place + 1 + length);
    // As for `put_bytes`: the first and the last of them, which may be the same in part.
    match length {
        8.. => {
            out[place..place + 8].copy_from_slice(&(text as u64).to_le_bytes());
            out[end - 8..end].copy_from_slice(&((text >> (8 * (length - 8))) as u64).to_le_bytes());
        }
        4..8 => {
            out[place..place + 4].copy_from_slice(&(text as u32).to_le_bytes());
            out[end - 4..end].copy_from_slice(&((text >> (8 * (length - 4))) as u32).to_le_bytes());
        }
        2..4 => {
            out[place..place + 2].copy_from_slice(&(text as u16).to_le_bytes());
            out[end - 1] = (text >> (8 * (length - 1))) as u8;
        }
        1 => out[place] = text as u8,
        0 => {}
    }
    end
}

/// Of bytes between one and two times `SIZE` the first and the last ones, which may be the same in part.
#[inline]
fn put_ends<const SIZE: usize>(bytes: &[u8], place: &mut [u8]) {
    if let (Some(from), Some(to)) = (bytes.first_chunk::<SIZE>(), place.first_chunk_mut()) {
        *to = *from;
    }
    if let (Some(from), Some(to)) = (bytes.last_chunk::<SIZE>(), place.last_chunk_mut()) {
        *to = *from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ints_are_written_as_avro_says() {
        // From the table in Avro's specification, and the ends of the range by hand.
        let known: [(i64, &[u8]); 9] = [
            (0, &[0x00]),
            (-1, &[0x01]),
            (1, &[0x02]),
            (-2, &[0x03]),
            (2, &[0x04]),
            (-64, &[0x7f]),
            (64, &[0x80, 0x01]),
            (i64::MAX, &[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]),
            (i64::MIN, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]),
        ];
        for (value, bytes) in known {
            let mut out = [0xaa; 12];
            assert_eq!(put_long(value, 1, &mut out), 1 + bytes.len());
            assert_eq!(&out[1..1 + bytes.len()], bytes);
            assert_eq!((out[0], out[1 + bytes.len()], long_length(value)), (0xaa, 0xaa, bytes.len()));
        }
    }

    #[test]
    fn short_texts_keep_to_their_place() {
        let text: [u8; 16] = std::array::from_fn(|place| place as u8 + 1);
        for length in 0..=12 {
            let mut out = [0xaa; 20];
            assert_eq!(put_short(u128::from_le_bytes(text), length, 3, &mut out), 4 + length);
            assert_eq!((out[..3].to_vec(), out[3]), (vec![0xaa; 3], 2 * length as u8));
            assert_eq!(&out[4..4 + length], &text[..length], "{length} bytes");
            assert!(out[4 + length..].iter().all(|byte| *byte == 0xaa), "{length} bytes");
        }
    }

    #[test]
    fn texts_of_any_length_keep_to_their_place() {
        let text: Vec<u8> = (1..=70).collect();
        for length in 0..=text.len() {
            let mut out = [0xaa; 80];
            let before = if length < 64 { 1 } else { 2 };
            assert_eq!(put_bytes(&text[..length], 3, &mut out), 3 + before + length);
            assert_eq!(out[..3], [0xaa; 3]);
            assert_eq!(&out[3 + before..3 + before + length], &text[..length], "{length} bytes");
            assert!(out[3 + before + length..].iter().all(|byte| *byte == 0xaa), "{length} bytes");
        }
    }
}
