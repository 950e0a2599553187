//! What a footer may claim, seen before anything is allocated for it.

use crate::thrift::{FOOTER, Met, Trouble, look_over};

/// Fields of a schema, groups and all. ZTF has 350, LSST 700.
const MAX_FIELDS: usize = 10_000;
/// Levels of a schema: a list of structs takes three.
const MAX_LEVELS: usize = 32;
/// Bytes of a value of fixed length.
const MAX_FIXED_BYTES: i64 = 64 * 1024;
/// Row groups of a file. The format's own numbers end here.
const MAX_ROW_GROUPS: usize = 32_767;
/// Columns of all row groups: each costs some hundred bytes of memory.
const MAX_CHUNKS: usize = 500_000;

const SCHEMA: i16 = 2;
const ROW_GROUPS: i16 = 4;
const TYPE_LENGTH: i16 = 2;
const CHILDREN: i16 = 5;
const COLUMNS: i16 = 1;

/// Checks the bytes of a footer; an error says which claim cannot be.
pub(crate) fn check_footer(footer: &[u8]) -> Result<(), String> {
    let mut tree = Tree::default();
    let mut chunks = 0;
    let mut listener = |path: &[i16], met: Met| match (path, met) {
        ([SCHEMA], Met::List(fields)) => tree.begin(fields),
        ([SCHEMA, CHILDREN], Met::Number(children)) => tree.children(children),
        ([SCHEMA, TYPE_LENGTH], Met::Number(length)) if length > MAX_FIXED_BYTES => {
            Err(format!("a column has values of {length} bytes, more than {MAX_FIXED_BYTES}"))
        }
        ([SCHEMA], Met::End) => tree.end(),
        ([ROW_GROUPS], Met::List(groups)) if groups > MAX_ROW_GROUPS => {
            Err(format!("it claims {groups} row groups, more than {MAX_ROW_GROUPS}"))
        }
        ([ROW_GROUPS, COLUMNS], Met::List(columns)) => {
            chunks += columns;
            match chunks > MAX_CHUNKS {
                true => Err(format!("its row groups have more than {MAX_CHUNKS} columns together")),
                false => Ok(()),
            }
        }
        _ => Ok(()),
    };
    match look_over(footer, FOOTER, &mut listener) {
        Ok(_) => Ok(()),
        Err(Trouble::Short) => Err("its footer breaks off".into()),
        Err(Trouble::Nonsense(reason)) => Err(format!("its footer is nonsense: {reason}")),
    }
}

/// A schema as it comes: a group, then its fields.
#[derive(Default)]
struct Tree {
    /// Fields that are still to come.
    left: usize,
    /// Fields that each open group still waits for.
    open: Vec<usize>,
    children: usize,
}

impl Tree {
    fn begin(&mut self, fields: usize) -> Result<(), String> {
        if fields > MAX_FIELDS {
            return Err(format!("its schema has {fields} fields, more than {MAX_FIELDS}"));
        }
        *self = Self { left: fields, ..Self::default() };
        Ok(())
    }

    fn children(&mut self, children: i64) -> Result<(), String> {
        self.children = usize::try_from(children).unwrap_or(usize::MAX);
        match self.children >= self.left.max(1) {
            true => Err(format!("a group of its schema claims {children} fields, more than there are")),
            false => Ok(()),
        }
    }

    fn end(&mut self) -> Result<(), String> {
        self.left = self.left.saturating_sub(1);
        if let Some(waiting) = self.open.last_mut() {
            *waiting -= 1;
        }
        match std::mem::take(&mut self.children) {
            0 => {}
            children => self.open.push(children),
        }
        if self.open.len() > MAX_LEVELS {
            return Err(format!("its schema nests more than {MAX_LEVELS} levels"));
        }
        while self.open.last() == Some(&0) {
            self.open.pop();
        }
        Ok(())
    }
}
