//! The slots of a cluster: the slot of a name, and the ranges of slots that nodes have.
//!
//! The rules are those of the Redis cluster specification.

use redis::{FromRedisValue, ParsingError, Value};

/// The number of slots of a cluster.
pub(super) const SLOTS: u16 = 16_384;

/// The polynomial of CRC-16/XMODEM, by which a cluster distributes names.
const POLYNOMIAL: u16 = 0x1021;

static TABLE: [u16; 256] = table();

/// Returns the slot of a name: the checksum of the part in its braces, or of all of it.
pub(super) fn slot(name: &str) -> u16 {
    let tag = name
        .split_once('{')
        .and_then(|(_, rest)| rest.split_once('}'))
        .map(|(tag, _)| tag);
    let tag = tag.filter(|tag| !tag.is_empty()).unwrap_or(name);
    let step = |crc: u16, byte: &u8| crc << 8 ^ TABLE[usize::from((crc >> 8) as u8 ^ byte)];
    tag.as_bytes().iter().fold(0, step) % SLOTS
}

/// Computes the table of the checksum, one entry for each value of a byte.
const fn table() -> [u16; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let (mut crc, mut bit) = ((byte as u16) << 8, 0);
        while bit < 8 {
            crc = if crc & 0x8000 == 0 {
                crc << 1
            } else {
                crc << 1 ^ POLYNOMIAL
            };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
}

/// A host and a port. The host is empty if it is that of the node that answered.
pub(super) type Address = (String, u16);

/// A range of slots, with the nodes that have it: the master first, then its replicas.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) first: u16,
    pub(super) last: u16,
    pub(super) nodes: Vec<Address>,
}

impl FromRedisValue for Range {
    /// Reads a line of the answer to `CLUSTER SLOTS`.
    fn from_redis_value(value: Value) -> Result<Self, ParsingError> {
        let unexpected = || ParsingError::from("no range of slots");
        let Value::Array(fields) = value else {
            return Err(unexpected());
        };
        let mut fields = fields.into_iter();
        let mut number = || {
            fields
                .next()
                .ok_or_else(unexpected)
                .and_then(u16::from_redis_value)
        };
        let (first, last) = (number()?, number()?);
        let nodes = fields.map(|node| {
            let Value::Array(node) = node else {
                return Err(unexpected());
            };
            let mut node = node.into_iter();
            let host = node
                .next()
                .map(Option::<String>::from_redis_value)
                .transpose()?
                .flatten();
            // A question mark means that the node does not know its name.
            let host = host.filter(|host| host != "?").unwrap_or_default();
            Ok((
                host,
                node.next()
                    .ok_or_else(unexpected)
                    .and_then(u16::from_redis_value)?,
            ))
        });
        let nodes = nodes.collect::<Result<Vec<_>, _>>()?;
        (first <= last && last < SLOTS && !nodes.is_empty())
            .then_some(())
            .ok_or_else(unexpected)?;
        Ok(Self { first, last, nodes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_the_slots_in_which_the_servers_look_for_them() {
        // What CLUSTER KEYSLOT says.
        for (name, expected) in [
            ("", 0),
            ("123456789", 12_739),
            ("{123456789}:v", 12_739),
            ("a{123456789}{b}", 12_739),
            ("{}a", 10_875),
        ] {
            assert_eq!(slot(name), expected, "{name}");
        }
    }

    #[test]
    fn ranges_are_read_with_hosts_that_are_missing() {
        let node = |host, port| {
            Value::Array(vec![
                host,
                Value::Int(port),
                Value::BulkString(b"id".to_vec()),
            ])
        };
        let named = node(Value::BulkString(b"one".to_vec()), 7000);
        let answer = Value::Array(vec![
            Value::Int(0),
            Value::Int(9),
            named,
            node(Value::Nil, 7001),
        ]);
        let nodes = vec![("one".to_owned(), 7000), (String::new(), 7001)];
        assert_eq!(
            Range::from_redis_value(answer).unwrap(),
            Range {
                first: 0,
                last: 9,
                nodes
            }
        );
        for answer in [
            vec![],
            vec![Value::Int(5)],
            vec![Value::Int(5), Value::Int(4)],
            vec![Value::Int(0); 3],
        ] {
            assert!(Range::from_redis_value(Value::Array(answer)).is_err());
        }
    }
}
