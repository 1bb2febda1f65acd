//! The names under which things lie in Redis.

use crate::Key;

/// The names of one namespace. The braces put what belongs to one key into one slot of a cluster.
pub(crate) struct Names {
    /// What stands before the hash of a key.
    prefix: String,
    /// One hash with all marks: `era`, `seq`, and a field for each scope with the sequence number of its last
    /// invalidation.
    pub(crate) marks: String,
}

/// What a name stands for.
pub(crate) enum Named {
    Value(Key),
    Lease(Key),
    Marks,
}

impl Names {
    pub(crate) fn new(namespace: &str) -> Result<Self, String> {
        if namespace.contains(['{', '}']) {
            return Err(format!("the namespace {namespace:?} has braces, which would split its keys over a cluster"));
        }
        Ok(Self { prefix: format!("{{{namespace}:"), marks: format!("{{{namespace}}}:marks") })
    }

    /// The stored form of an entry.
    pub(crate) fn value(&self, key: &Key) -> String {
        format!("{}{key}}}:v", self.prefix)
    }

    /// Who computes an entry, as `token:era:sequence`.
    pub(crate) fn lease(&self, key: &Key) -> String {
        format!("{}{key}}}:l", self.prefix)
    }

    /// What a name stands for; `None` if it is not one of ours.
    pub(crate) fn parse(&self, name: &[u8]) -> Option<Named> {
        if name == self.marks.as_bytes() {
            return Some(Named::Marks);
        }
        let (hash, kind) = name.strip_prefix(self.prefix.as_bytes())?.split_at_checked(2 * blake3::OUT_LEN)?;
        let key = Key::from_bytes(*blake3::Hash::from_hex(hash).ok()?.as_bytes());
        match kind {
            b"}:v" => Some(Named::Value(key)),
            b"}:l" => Some(Named::Lease(key)),
            _ => None,
        }
    }
}
