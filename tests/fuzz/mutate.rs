//! Damage: flipped bits, cuts, repeats, pieces of other inputs, numbers at their ends.

use fastrand::Rng;

/// Inputs do not grow over this.
const LONGEST: usize = 256 * 1024;
/// Numbers at which things go wrong, as varints and as fixed numbers.
const NUMBERS: [u64; 14] = [
    0,
    1,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_fffe,
    0xffff_ffff,
    0x7fff_ffff_ffff_ffff,
    0xffff_ffff_ffff_fffe,
    0xffff_ffff_ffff_ffff,
];

/// An input with one to eight pieces of damage, mostly few.
pub fn mutate(mut input: Vec<u8>, other: &[u8], words: &[&str], chance: &mut Rng) -> Vec<u8> {
    let pieces = 1 + chance.usize(..8).min(chance.usize(..8));
    for _ in 0..pieces {
        damage(&mut input, other, words, chance);
        input.truncate(LONGEST);
    }
    input
}

/// The same for a file that ends with a footer and its length: the pages alone, or the footer alone with its length put
/// right, so that more than the first look is tried.
pub fn mutate_file(mut input: Vec<u8>, other: &[u8], chance: &mut Rng) -> Vec<u8> {
    let footer = input.len().checked_sub(8).and_then(|end| {
        let length = u32::from_le_bytes(input.get(end..end + 4)?.try_into().ok()?);
        end.checked_sub(length as usize)
    });
    let Some(start) = footer else { return mutate(input, other, &[], chance) };
    match chance.u8(..8) {
        0 => mutate(input, other, &[], chance),
        1..=4 => {
            let rest = input.split_off(start);
            let length = input.len();
            let mut pages = mutate(input, other, &[], chance);
            if chance.u8(..4) > 0 {
                // Places stay where the footer says.
                pages.resize(length, 0);
            }
            pages.extend(rest);
            pages
        }
        _ => {
            let mut footer = input.split_off(start);
            let magic = footer.split_off(footer.len() - 4);
            footer.truncate(footer.len() - 4);
            let footer = mutate(footer, other, &[], chance);
            let length = (footer.len() as u32).to_le_bytes();
            [input, footer, length.to_vec(), magic].concat()
        }
    }
}

fn damage(input: &mut Vec<u8>, other: &[u8], words: &[&str], chance: &mut Rng) {
    let at = place(input.len(), chance);
    let span = at..(at + 1 + few(64, chance)).min(input.len()).max(at);
    match chance.u8(..11) {
        0 => flip(input, at, chance),
        1 => set(input, at, chance.u8(..)),
        2 => input.truncate(at),
        3 => drop(input.drain(span)),
        4 => {
            let piece = input[span].to_vec();
            let times = 1 + few(64, chance);
            insert(input, at, &piece.repeat(times));
        }
        5 if !other.is_empty() => {
            let from = chance.usize(..other.len());
            let to = (from + 1 + chance.usize(..256)).min(other.len());
            insert(input, at, &other[from..to]);
        }
        6 if !other.is_empty() => {
            // The start of one and the end of another.
            input.truncate(at);
            input.extend_from_slice(&other[place(other.len(), chance)..]);
        }
        7 if !words.is_empty() => {
            let word = words[chance.usize(..words.len())];
            insert(input, at, word.as_bytes());
        }
        8 => {
            let number = NUMBERS[chance.usize(..NUMBERS.len())];
            let bytes = number.to_le_bytes();
            let width = [1, 2, 4, 8][chance.usize(..4)];
            for (offset, byte) in bytes[..width].iter().enumerate() {
                set(input, at + offset, *byte);
            }
        }
        9 => {
            let mut varint = Vec::new();
            let mut number = NUMBERS[chance.usize(..NUMBERS.len())];
            while number >= 0x80 {
                varint.push(number as u8 | 0x80);
                number >>= 7;
            }
            varint.push(number as u8);
            if chance.bool() && at < input.len() {
                input.remove(at);
            }
            insert(input, at, &varint);
        }
        _ => {
            for _ in 0..1 + chance.usize(..16) {
                let at = place(input.len(), chance);
                flip(input, at, chance);
            }
        }
    }
}

/// Somewhere, more often near the end: a Parquet file has its footer there.
fn place(length: usize, chance: &mut Rng) -> usize {
    match (length, chance.u8(..3)) {
        (0, _) => 0,
        (_, 0) => length - 1 - few(4096, chance).min(length - 1),
        _ => chance.usize(..length),
    }
}

/// Less than `most`, small numbers more often.
fn few(most: usize, chance: &mut Rng) -> usize {
    let most = 1 + chance.usize(..most);
    chance.usize(..most)
}

fn flip(input: &mut [u8], at: usize, chance: &mut Rng) {
    if let Some(byte) = input.get_mut(at) {
        *byte ^= 1 << chance.u8(..8);
    }
}

fn set(input: &mut [u8], at: usize, value: u8) {
    if let Some(byte) = input.get_mut(at) {
        *byte = value;
    }
}

fn insert(input: &mut Vec<u8>, at: usize, piece: &[u8]) {
    drop(input.splice(at..at, piece.iter().copied()));
}
