//! Many calls in one request, and their answers, a line each.
//!
//! The request is a JSON array of [`Call`](crate::Call)s. The answer is text in lines, one for each
//! call, in the order in which the calls are done.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// The body of `POST _ferrodash/batch`: the texts of up to [`MOST_CALLS`] calls.
#[derive(Debug)]
pub struct Batch<'a>(pub Vec<&'a RawValue>);

/// The largest number of calls in a batch. The largest known page sends 500, one for each row.
pub const MOST_CALLS: usize = 1000;

impl<'de: 'a, 'a> Deserialize<'de> for Batch<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(BatchVisitor).map(Self)
    }
}

/// Stops before a short text has become a long list.
struct BatchVisitor;

impl<'de> Visitor<'de> for BatchVisitor {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of up to {MOST_CALLS} calls")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut calls = Vec::new();
        while let Some(call) = list.next_element()? {
            if calls.len() == MOST_CALLS {
                return Err(A::Error::invalid_length(MOST_CALLS + 1, &self));
            }
            calls.push(call);
        }
        Ok(calls)
    }
}

/// The body of an answer that becomes part of a [`line()`].
#[derive(Debug, Clone, Copy)]
pub enum LineBody<'a> {
    /// JSON, which is written as it is.
    Json(&'a [u8]),
    /// Any other text, which is written as a JSON string. Bytes that are not UTF-8 are replaced,
    /// and an empty text is `null`.
    Text(&'a [u8]),
}

/// Writes the line of an answer in a batch.
///
/// The line is a JSON array of the call's place in the request, the status and the headers of its
/// answer; a tab; the body; and a line feed. There is no other line feed in it: those in JSON,
/// where they are only space, become spaces.
///
/// ```
/// use std::collections::BTreeMap;
/// use ferrodash_wire::{LineBody, line};
///
/// let headers = BTreeMap::from([("content-type", "application/json".to_owned())]);
/// let line = line(3, 200, &headers, LineBody::Json(br#"{"multi":true,"response":{}}"#));
/// let expected = concat!(
///     r#"[3,200,{"content-type":"application/json"}]"#,
///     "\t",
///     r#"{"multi":true,"response":{}}"#,
///     "\n",
/// );
/// assert_eq!(line, expected.as_bytes());
/// ```
pub fn line(
    place: usize,
    status: u16,
    headers: &BTreeMap<&str, String>,
    body: LineBody<'_>,
) -> Vec<u8> {
    let head = (place, status, headers);
    let mut line = serde_json::to_vec(&head).expect("numbers and texts are JSON");
    line.push(b'\t');
    match body {
        LineBody::Json(json) => {
            let space = |byte: &u8| if *byte == b'\n' { b' ' } else { *byte };
            line.extend(json.iter().map(space));
        }
        // The page makes a response of it, and one with the status 204 must have no body at all.
        LineBody::Text([]) => line.extend(b"null"),
        LineBody::Text(text) => {
            let text = String::from_utf8_lossy(text);
            serde_json::to_writer(&mut line, &text).expect("a text is JSON");
        }
    }
    line.push(b'\n');
    line
}
