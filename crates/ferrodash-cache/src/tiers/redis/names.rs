//! The names of keys in Redis: how they are made, and what a name in a message of the server means.
//!
//! The names are part of the stored format, which all processes must agree on.

use super::slots::{SLOTS, slot};
use crate::Key;

/// The names of one namespace. The braces put everything that belongs to one key into one slot of a
/// cluster.
pub(crate) struct Names {
    /// The part before the hash of a key.
    prefix: String,
    /// A hash for each history, with all marks: `run`, `era`, `seq`, and a field for each selector
    /// with the sequence number of its last invalidation.
    pub(crate) marks: Vec<String>,
}

/// The meaning of a name.
pub(crate) enum Named {
    Value(Key),
    Lease(Key),
    /// The marks of the history with this index.
    Marks(
        #[cfg_attr(
            not(any(fuzzing, test)),
            expect(dead_code, reason = "fuzzers and tests compare it")
        )]
        usize,
    ),
}

impl Names {
    /// Creates the names for a number of histories. Several histories are spread evenly over the
    /// slots of a cluster, in their order.
    pub(crate) fn new(namespace: &str, histories: u16) -> Result<Self, String> {
        if namespace.contains(['{', '}']) {
            return Err(format!(
                "the namespace {namespace:?} has braces, \
                 which would split its keys over a cluster"
            ));
        }
        let marks = match histories {
            1 => vec![format!("{{{namespace}}}:marks")],
            _ => spread(namespace, histories),
        };
        Ok(Self {
            prefix: format!("{{{namespace}:"),
            marks,
        })
    }

    /// Returns the name of the stored form of an entry.
    pub(crate) fn value(&self, key: &Key) -> String {
        format!("{}{key}}}:v", self.prefix)
    }

    /// Returns the name of the lease of an entry, whose value is `token:era:sequence`.
    pub(crate) fn lease(&self, key: &Key) -> String {
        format!("{}{key}}}:l", self.prefix)
    }

    /// Returns the meaning of a name, or `None` if it is not one of ours.
    pub(crate) fn parse(&self, name: &[u8]) -> Option<Named> {
        if name.ends_with(b"}:marks") {
            return self
                .marks
                .iter()
                .position(|marks| marks.as_bytes() == name)
                .map(Named::Marks);
        }
        let (hash, kind) = name
            .strip_prefix(self.prefix.as_bytes())?
            .split_at_checked(2 * blake3::OUT_LEN)?;
        let key = Key::from_bytes(*blake3::Hash::from_hex(hash).ok()?.as_bytes());
        match kind {
            b"}:v" => Some(Named::Value(key)),
            b"}:l" => Some(Named::Lease(key)),
            _ => None,
        }
    }
}

/// Divides the slots into equal shares and returns, for each share, the first name whose slot is in
/// it.
fn spread(namespace: &str, histories: u16) -> Vec<String> {
    let mut names = vec![None; usize::from(histories)];
    for number in 0u32.. {
        let name = format!("{{{namespace}:{number}}}:marks");
        let share = usize::from(slot(&name) / (SLOTS / histories));
        names[share].get_or_insert(name);
        if names.iter().all(Option::is_some) {
            break;
        }
    }
    names.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn histories_are_spread_over_all_slots() {
        for namespace in ["", "ferrodash", "a longer name:with colons"] {
            let names = Names::new(namespace, 32).unwrap();
            for (index, name) in names.marks.iter().enumerate() {
                assert_eq!(usize::from(slot(name)) / 512, index, "{name}");
                assert!(
                    matches!(names.parse(name.as_bytes()), Some(Named::Marks(found)) if found == index)
                );
            }
            assert_eq!(names.marks.len(), 32);
        }
    }
}
