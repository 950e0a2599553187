//! The inputs of a target: first what once failed, then the seeds as they are, then what is made of them.

use crate::{
    arguments::Arguments,
    mutate::{mutate, mutate_file},
    targets::{self, Which},
};
use std::path::Path;

/// The inputs of a target by number.
pub struct Inputs {
    which: Which,
    seed: u64,
    /// Tried as they are.
    kept: Vec<Vec<u8>>,
    /// Damaged.
    pub seeds: Vec<(String, Vec<u8>)>,
    made: u64,
}

impl Inputs {
    /// The corpus of a target, and so many inputs made of it.
    pub fn new(arguments: &Arguments, which: Which) -> Result<Self, String> {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
        let seeds = read(&corpus.join(which.name()), "")?;
        let found = read(&corpus.join("found"), &format!("{}-", which.name()))?;
        if seeds.is_empty() {
            return Err(format!("the corpus of {} is empty", which.name()));
        }
        let kept = match &arguments.file {
            Some(file) => vec![std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?],
            None => found.into_iter().chain(seeds.clone()).map(|(_, bytes)| bytes).collect(),
        };
        Ok(Self { which, seed: arguments.seed, kept, seeds, made: arguments.inputs_of(which) })
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.kept.len() as u64 + self.made
    }

    /// The input of that number; the same whenever it is asked for.
    pub fn get(&self, number: u64) -> Vec<u8> {
        if let Some(kept) = usize::try_from(number).ok().and_then(|number| self.kept.get(number)) {
            return kept.clone();
        }
        let mut chance = fastrand::Rng::with_seed(
            self.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ number.wrapping_mul(0xD1B5_4A32_D192_ED03),
        );
        let generated = if chance.u8(..5) < 3 { targets::generate(self.which, &mut chance) } else { None };
        match generated {
            Some(text) if chance.u8(..4) < 3 => text,
            Some(text) => self.damage(text, &mut chance),
            None => {
                let seed = self.seed(&mut chance).to_vec();
                self.damage(seed, &mut chance)
            }
        }
    }

    /// A seed; a bomb seldom, for it may take seconds until it is recognised.
    fn seed(&self, chance: &mut fastrand::Rng) -> &[u8] {
        loop {
            match self.seeds.get(chance.usize(..self.seeds.len())) {
                Some((name, _)) if name.starts_with("bomb-") && chance.u8(..16) > 0 => {}
                Some((_, bytes)) => return bytes,
                None => return &[],
            }
        }
    }

    fn damage(&self, input: Vec<u8>, chance: &mut fastrand::Rng) -> Vec<u8> {
        let other = self.seeds.get(chance.usize(..self.seeds.len()));
        let other = other.map_or(&[][..], |(_, bytes)| bytes);
        match self.which {
            Which::Parquet => mutate_file(input, other, chance),
            which => mutate(input, other, targets::words(which), chance),
        }
    }
}

/// The files of a folder in order of their names.
fn read(folder: &Path, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, String> {
    let told = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(told)? {
        let path = entry.map_err(told)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with(prefix) && !name.starts_with('.') {
            files.push((name, std::fs::read(&path).map_err(told)?));
        }
    }
    files.sort();
    Ok(files)
}
