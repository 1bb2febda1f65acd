//! Checks whether a database file can be trusted.
//!
//! LMDB trusts the content of its file and crashes if it is wrong. So before the first process
//! opens a file, every page that can be reached is checked: that it exists, is of its kind and is
//! used once, and that its items are within it. The content of values is not checked; they have
//! checksums of their own.
//!
//! The file follows the format of LMDB's data version 1. It does not use LMDB.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use super::store::MAP_SIZE;

/// The error is the reason in words.
type Result<T> = std::result::Result<T, String>;

/// The length of the header of a page: its number, padding, flags, and the bounds of its free
/// space.
const PAGE_HEADER: usize = 16;
/// The length of the header of an item: the length of its data or the page below, flags, and the
/// length of its key.
const NODE_HEADER: usize = 8;
/// The number at the beginning of an LMDB file.
const MAGIC: u32 = 0xBEEF_C0DE;
const DATA_VERSION: u32 = 1;
/// The root of an empty tree.
const NONE: u64 = u64::MAX;
/// The number of pages at the beginning that say where the trees are.
const METAS: u64 = 2;
/// The depth to which LMDB walks trees.
const DEEPEST: u16 = 32;
/// The longest key that LMDB accepts.
const LONGEST_KEY: usize = 511;
/// The flags of the tree of free pages. The other trees have none.
const NUMBERS_AS_KEYS: u16 = 8;

/// The flags of a page, which say its kind.
mod kind {
    pub(super) const BRANCH: u16 = 1;
    pub(super) const LEAF: u16 = 2;
    pub(super) const OVERFLOW: u16 = 4;
    pub(super) const META: u16 = 8;
}

/// The flags of an item in a leaf.
mod flag {
    pub(super) const BIG: u16 = 1;
    pub(super) const TREE: u16 = 2;
}

/// Checks a whole file. A file that does not exist or is empty is in order, as LMDB begins it.
pub(super) fn database(path: &Path) -> Result<()> {
    // LMDB stores numbers in the width of the machine, and this check knows the 64-bit form only.
    if cfg!(not(target_pointer_width = "64")) {
        return Ok(());
    }
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other.map_err(|error| error.to_string())?,
    };
    let length = file.metadata().map_err(|error| error.to_string())?.len();
    if length == 0 {
        return Ok(());
    }
    let mut pages = Pages {
        file,
        length,
        size: 4096,
        last: 0,
        used: Vec::new(),
    };
    let meta = pages.newest_meta()?;
    pages.last = u64_at(&meta, PAGE_HEADER + 120)?;
    // The file itself may be shorter, if the last pages are free.
    if pages.last >= (MAP_SIZE / pages.size) as u64 {
        return Err("it is too large".into());
    }
    pages.used = vec![0; usize::try_from(pages.last / 64 + 1).expect("less than the map")];
    pages.tree(&Tree::decode(&meta, PAGE_HEADER + 24)?, Role::Free)?;
    pages.tree(&Tree::decode(&meta, PAGE_HEADER + 72)?, Role::Main)
}

/// The pages of a file, and those that were seen.
struct Pages {
    file: File,
    length: u64,
    size: usize,
    /// The number of the last page in use.
    last: u64,
    /// A bit for each page that was seen, used or free.
    used: Vec<u64>,
}

/// The content of a tree.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// The numbers of pages that can be used again.
    Free,
    /// The roots of the tables, by name.
    Main,
    /// The keys and values of a table.
    Table,
}

/// The root of a tree, as a page or an item of the main tree has it.
#[derive(Debug)]
struct Tree {
    flags: u16,
    depth: u16,
    root: u64,
}

impl Tree {
    /// Reads the record of a tree.
    fn decode(bytes: &[u8], offset: usize) -> Result<Self> {
        let (flags, depth) = (u16_at(bytes, offset + 4)?, u16_at(bytes, offset + 6)?);
        Ok(Self {
            flags,
            depth,
            root: u64_at(bytes, offset + 40)?,
        })
    }
}

impl Pages {
    /// Returns the meta page of the last committed transaction, and learns the size of a page.
    fn newest_meta(&mut self) -> Result<Vec<u8>> {
        let first = self.read_at(0, self.size)?;
        self.size = u32_at(&first, PAGE_HEADER + 24)? as usize;
        if !self.size.is_power_of_two() || !(512..=65_536).contains(&self.size) {
            return Err("it is not a database".into());
        }
        let metas = [
            self.read_at(0, self.size)?,
            self.read_at(self.size as u64, self.size)?,
        ];
        for meta in &metas {
            if u16_at(meta, 10)? & kind::META == 0 || u32_at(meta, PAGE_HEADER)? != MAGIC {
                return Err("it is not a database".into());
            }
            if u32_at(meta, PAGE_HEADER + 4)? != DATA_VERSION {
                return Err("it is of another version".into());
            }
        }
        let transaction = |meta: &Vec<u8>| u64_at(meta, PAGE_HEADER + 128).unwrap_or(0);
        Ok(metas
            .into_iter()
            .max_by_key(transaction)
            .expect("there are two"))
    }

    /// Checks all pages of a tree. A tree with a loop is found because one of its pages is used
    /// twice.
    fn tree(&mut self, tree: &Tree, role: Role) -> Result<()> {
        if tree.root == NONE {
            return Ok(());
        }
        let flags = if role == Role::Free {
            NUMBERS_AS_KEYS
        } else {
            0
        };
        if tree.depth > DEEPEST || tree.flags != flags {
            return Err("a table is not one of a cache".into());
        }
        let mut open = vec![(tree.root, 1)];
        while let Some((number, level)) = open.pop() {
            self.take(number, 1)?;
            let page = self.read_at(number * self.size as u64, self.size)?;
            let expected = if level == tree.depth {
                kind::LEAF
            } else {
                kind::BRANCH
            };
            if u64_at(&page, 0)? != number || u16_at(&page, 10)? != expected {
                return Err(format!("page {number} is damaged"));
            }
            let nodes = nodes(&page, expected, role)
                .map_err(|reason| format!("page {number}: {reason}"))?;
            for node in nodes {
                if expected == kind::BRANCH {
                    open.push((node.page, level + 1));
                } else {
                    self.leaf(&page, &node, role)
                        .map_err(|reason| format!("page {number}: {reason}"))?;
                }
            }
        }
        Ok(())
    }

    /// Checks an item of a leaf: the tree of a table, a list of free pages, or a value.
    fn leaf(&mut self, page: &[u8], node: &Node, role: Role) -> Result<()> {
        let data = match node.flags {
            flag::BIG => self.overflow(u64_at(page, node.data)?, node.length, role)?,
            _ => page
                .get(node.data..node.data + node.length)
                .ok_or("a value is cut off")?
                .to_vec(),
        };
        match (role, node.flags) {
            (Role::Main, flag::TREE) => self.tree(&Tree::decode(&data, 0)?, Role::Table),
            (Role::Main, _) | (_, flag::TREE) => Err("a table is not one of a cache".into()),
            (Role::Free, _) => {
                let count = usize::try_from(u64_at(&data, 0)?).unwrap_or(usize::MAX);
                // The count may be wrong, so it is compared with the size of the list before the
                // list is read.
                if count >= data.len().div_ceil(8) {
                    return Err("the list of free pages is damaged".into());
                }
                (1..=count).try_for_each(|index| self.take(u64_at(&data, index * 8)?, 1))
            }
            (Role::Table, _) => Ok(()),
        }
    }

    /// Checks a value in pages of its own. Reads only lists of free pages.
    fn overflow(&mut self, number: u64, length: usize, role: Role) -> Result<Vec<u8>> {
        let start = number
            .checked_mul(self.size as u64)
            .ok_or("a value is damaged")?;
        let header = self.read_at(start, PAGE_HEADER)?;
        let pages = u64::from(u32_at(&header, 12)?);
        let needed = (PAGE_HEADER + length).div_ceil(self.size) as u64;
        let is_there = start + (PAGE_HEADER + length) as u64 <= self.length;
        if u64_at(&header, 0)? != number || u16_at(&header, 10)? != kind::OVERFLOW {
            return Err("a value is damaged".into());
        }
        if pages < needed || !is_there {
            return Err("a value is cut off".into());
        }
        self.take(number, pages)?;
        if role == Role::Free {
            self.read_at(start + PAGE_HEADER as u64, length)
        } else {
            Ok(Vec::new())
        }
    }

    /// Marks pages as seen. Fails if one of them does not exist or was seen before.
    fn take(&mut self, first: u64, count: u64) -> Result<()> {
        if first < METAS
            || first
                .checked_add(count)
                .is_none_or(|end| end > self.last + 1)
        {
            return Err(format!("there is no page {first}"));
        }
        for number in first..first + count {
            let index = usize::try_from(number / 64).expect("as many as were allocated");
            let bit = 1 << (number % 64);
            if self.used[index] & bit != 0 {
                return Err(format!("page {number} is used twice"));
            }
            self.used[index] |= bit;
        }
        Ok(())
    }

    /// Reads a part of the file, which must exist completely.
    fn read_at(&mut self, offset: u64, length: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        let read = self
            .file
            .seek(SeekFrom::Start(offset))
            .and_then(|_| self.file.read_exact(&mut bytes));
        read.map_err(|error| format!("reading at {offset}: {error}"))
            .map(|()| bytes)
    }
}

/// An item of a page.
struct Node {
    /// The number of the page below, in a branch.
    page: u64,
    flags: u16,
    /// The offset of the item, the length of its key, and the offset and the length of its data.
    start: usize,
    key: usize,
    data: usize,
    length: usize,
}

impl Node {
    /// Reads the header of an item. Its data may be outside of the page; `nodes` checks that.
    fn decode(page: &[u8], start: usize) -> Result<Self> {
        let (low, flags, key) = (
            u32_at(page, start)?,
            u16_at(page, start + 4)?,
            u16_at(page, start + 6)?.into(),
        );
        let (number, data) = (
            u64::from(low) | u64::from(flags) << 32,
            start + NODE_HEADER + key,
        );
        Ok(Self {
            page: number,
            flags,
            start,
            key,
            data,
            length: low as usize,
        })
    }

    /// Returns the offset of the next item.
    fn end(&self, kind: u16) -> usize {
        let data = match (kind, self.flags) {
            (kind::BRANCH, _) => 0,
            (_, flag::BIG) => size_of::<u64>(),
            _ => self.length,
        };
        (self.data + data).next_multiple_of(2)
    }

    fn key<'a>(&self, page: &'a [u8]) -> &'a [u8] {
        &page[self.data - self.key..self.data]
    }
}

/// Reads the items of a page. Together they must fill it from `upper` to its end, and their keys
/// must ascend.
fn nodes(page: &[u8], kind: u16, role: Role) -> Result<Vec<Node>> {
    let (lower, upper) = (
        usize::from(u16_at(page, 12)?),
        usize::from(u16_at(page, 14)?),
    );
    if lower <= PAGE_HEADER || lower % 2 != 0 || upper < lower || upper > page.len() {
        return Err("its header is damaged".into());
    }
    let starts = (PAGE_HEADER..lower)
        .step_by(2)
        .map(|at| Node::decode(page, u16_at(page, at)?.into()));
    let nodes = starts.collect::<Result<Vec<_>>>()?;
    let mut places: Vec<_> = nodes
        .iter()
        .map(|node| (node.start, node.end(kind)))
        .collect();
    places.sort_unstable();
    let end = places
        .into_iter()
        .try_fold(upper, |end, (start, next)| (start == end).then_some(next));
    if end != Some(page.len()) {
        return Err("its items overlap".into());
    }
    let lengths = if role == Role::Free {
        8..=8
    } else {
        1..=LONGEST_KEY
    };
    // The first key of a branch represents everything before the second one, and may be empty.
    let keyed = &nodes[usize::from(kind == kind::BRANCH)..];
    let known = [0, flag::BIG, flag::TREE];
    if kind == kind::LEAF && !nodes.iter().all(|node| known.contains(&node.flags))
        || !keyed.iter().all(|node| lengths.contains(&node.key))
        || !keyed.is_sorted_by(|a, b| before(a.key(page), b.key(page), role))
        || keyed.is_empty() && role != Role::Free
    {
        return Err("its keys are damaged".into());
    }
    Ok(nodes)
}

/// Returns `true` if a key comes before another.
fn before(a: &[u8], b: &[u8], role: Role) -> bool {
    match role {
        Role::Free => u64_at(a, 0) < u64_at(b, 0),
        Role::Main | Role::Table => a < b,
    }
}

fn array_at<const N: usize>(bytes: &[u8], offset: usize) -> Result<[u8; N]> {
    let array = bytes
        .get(offset..)
        .and_then(|bytes| bytes.first_chunk().copied());
    array.ok_or_else(|| "it is cut off".to_owned())
}

fn u16_at(bytes: &[u8], offset: usize) -> Result<u16> {
    array_at(bytes, offset).map(u16::from_ne_bytes)
}

fn u32_at(bytes: &[u8], offset: usize) -> Result<u32> {
    array_at(bytes, offset).map(u32::from_ne_bytes)
}

fn u64_at(bytes: &[u8], offset: usize) -> Result<u64> {
    array_at(bytes, offset).map(u64::from_ne_bytes)
}
