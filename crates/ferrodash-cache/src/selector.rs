//! What can be invalidated together, and how an entry knows that it was.
//!
//! A store that several processes share counts invalidations. Each one raises the store's sequence
//! number and writes it down as the *mark* of what it invalidates: a function, a tag, or
//! everything. A computation reads the number first and stores it with the value. An entry counts
//! as long as no mark of its selectors is newer. The number was read before the function ran, so an
//! invalidation also reaches computations in progress, and tags that only the function itself
//! knows. A store that lost its marks begins another era, and entries of the old one count as
//! absent.

use std::fmt;

use xxhash_rust::xxh3::xxh3_128_with_seed;

/// Something that entries can be invalidated by: a function, a tag, or everything in a namespace.
///
/// ```
/// use ferrodash_cache::Selector;
/// assert_ne!(Selector::tag("orders"), Selector::function("orders"));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Selector([u8; Selector::LENGTH]);

impl Selector {
    /// Bytes of a selector.
    pub const LENGTH: usize = 16;

    /// Every entry.
    pub const ALL: Self = Self([0; Self::LENGTH]);

    /// The entries of a function, by the name that its keys were made with.
    pub fn function(name: &str) -> Self {
        Self::hash(name, 1)
    }

    /// The entries with a tag.
    pub fn tag(name: &str) -> Self {
        Self::hash(name, 2)
    }

    /// 128 bits do not collide by accident. Who can choose the names of tags can invalidate any of
    /// them anyway, so nothing is gained by forging one.
    fn hash(name: &str, kind: u64) -> Self {
        Self(xxh3_128_with_seed(name.as_bytes(), kind).to_be_bytes())
    }

    /// The selector with these bytes.
    pub const fn from_bytes(bytes: [u8; Self::LENGTH]) -> Self {
        Self(bytes)
    }

    /// The bytes of the selector.
    pub const fn as_bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }
}

impl fmt::Display for Selector {
    /// Lower-case hex.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Selector({self})")
    }
}

/// A moment in a store's history of invalidations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Stamp {
    /// Which history: a random number, another one after the store lost its marks.
    pub era: u64,
    /// How many invalidations there had been.
    pub sequence: u64,
}

/// What a store knows of some selectors, read at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Marks {
    /// The moment.
    pub now: Stamp,
    /// The newest mark among the selectors: the sequence number of their last invalidation.
    pub newest: u64,
    /// Which history of the store it is, if the store has several, each with all marks; else 0.
    pub history: usize,
}

impl Marks {
    /// Whether what was begun at `born` still counts. What was begun later than now belongs to a
    /// history that the store has lost the end of.
    pub fn allow(&self, born: Stamp) -> bool {
        born.era == self.now.era
            && self.newest <= born.sequence
            && born.sequence <= self.now.sequence
    }
}
