//! Selectors, which name what can be invalidated together, and the marks that record invalidations.
//!
//! A store that several processes share counts invalidations. Each one raises the store's sequence
//! number and writes it down as the *mark* of what it invalidates: a function, a tag, or
//! everything. A computation reads the number first and stores it with the value. An entry counts
//! as long as no mark of its selectors is newer. The number was read before the function ran, so an
//! invalidation also reaches computations in progress, and tags that only the function itself
//! knows. A store that lost its marks begins another era, and entries of the old one count as
//! absent.
//!
//! The file contains only data and this one rule ([`Marks::allow`]). It knows neither entries nor
//! stores.

use std::fmt;
use std::str::FromStr;

use xxhash_rust::xxh3::xxh3_128_with_seed;

/// A name for a group of entries that can be invalidated together: a function, a tag, or everything
/// in a namespace.
///
/// It is a 128-bit hash of the name. Functions and tags have separate name spaces.
///
/// ```
/// use ferrodash_cache::Selector;
/// assert_ne!(Selector::tag("orders"), Selector::function("orders"));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Selector([u8; Selector::LENGTH]);

impl Selector {
    /// The length of a selector in bytes.
    pub const LENGTH: usize = 16;

    /// The selector of every entry.
    pub const ALL: Self = Self([0; Self::LENGTH]);

    /// Returns the selector of the entries of a function, by the name with which their keys were
    /// made.
    pub fn function(name: &str) -> Self {
        Self::hash(name, 1)
    }

    /// Returns the selector of the entries with a tag.
    pub fn tag(name: &str) -> Self {
        Self::hash(name, 2)
    }

    /// Hashes a name. 128 bits do not collide by accident. The hash is not cryptographic: someone
    /// who can choose the names of tags can invalidate any of them anyway, so nothing is gained by
    /// forging one.
    fn hash(name: &str, kind: u64) -> Self {
        Self(xxh3_128_with_seed(name.as_bytes(), kind).to_be_bytes())
    }

    /// Creates the selector with these bytes.
    pub const fn from_bytes(bytes: [u8; Self::LENGTH]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes of the selector.
    pub const fn as_bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }
}

impl fmt::Display for Selector {
    /// Writes the bytes in lower-case hex.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

/// Text that is not a selector in hex.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a selector has 32 hexadecimal digits")]
pub struct NotASelector;

impl FromStr for Selector {
    type Err = NotASelector;

    /// Reads what [`Display`](fmt::Display) writes.
    fn from_str(text: &str) -> Result<Self, NotASelector> {
        let number = u128::from_str_radix(text, 16).map_err(|_| NotASelector)?;
        if text.len() == 2 * Self::LENGTH {
            Ok(Self(number.to_be_bytes()))
        } else {
            Err(NotASelector)
        }
    }
}

impl fmt::Debug for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Selector({self})")
    }
}

/// A moment in a store's history of invalidations.
///
/// Stamps of one era are ordered by their sequence number. Stamps of different eras cannot be
/// compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Stamp {
    /// The number of the history: random, and another one after the store lost its marks.
    pub era: u64,
    /// The number of invalidations in this era before the moment.
    pub sequence: u64,
}

/// The marks that a store has for some selectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Marks {
    /// The moment at which the marks were read.
    pub now: Stamp,
    /// The newest mark among the selectors: the sequence number of their last invalidation. 0 if
    /// there was none.
    pub newest: u64,
    /// The number of the history, if the store has several, each with all marks. Otherwise 0.
    pub history: usize,
}

impl Marks {
    /// Returns `true` if a value whose computation began at `born` still counts.
    ///
    /// It does not if one of its selectors was invalidated since, if the era has ended, or if
    /// `born` is later than `now`: the store has then lost the end of its history.
    pub fn allow(&self, born: Stamp) -> bool {
        born.era == self.now.era
            && self.newest <= born.sequence
            && born.sequence <= self.now.sequence
    }
}
