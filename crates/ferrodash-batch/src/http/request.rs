//! Requests for some ids.

use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};

use super::answer::canonical;
use super::settings::{Form, Settings};

impl Settings {
    /// Returns whether the requests are GET, which can be repeated and kept.
    pub(super) fn is_get(&self) -> bool {
        !matches!(self.form, Form::Json { .. })
    }

    /// Returns what is wrong with an id, if it cannot be sent.
    pub(super) fn reason_against(&self, id: &str) -> Option<String> {
        match &self.form {
            // Also if its end and the separator together look like the separator.
            Form::Joined(separator)
                if format!("{id}{separator}").find(separator.as_str()) != Some(id.len()) =>
            {
                Some(format!("{separator:?} separates ids"))
            }
            Form::Json {
                with_numbers: true, ..
            } if number(id).is_none() => {
                Some("it is not a number that JSON can hold exactly".to_owned())
            }
            _ => None,
        }
    }

    /// Makes the request for some ids.
    pub(super) fn request(&self, client: &Client, ids: &[&str]) -> RequestBuilder {
        let (url, param) = (&self.url.full, &self.param);
        let request = match &self.form {
            Form::Joined(separator) => client.get(url).query(&[(param, ids.join(separator))]),
            Form::Repeated => {
                let pairs: Vec<_> = ids.iter().map(|id| (param, id)).collect();
                client.get(url).query(&pairs)
            }
            Form::Json {
                field,
                with_numbers,
            } => {
                let id = |id: &&str| match number(id) {
                    Some(number) if *with_numbers => number,
                    _ => json!(id),
                };
                let list: Value = ids.iter().map(id).collect();
                let body = if field.is_empty() {
                    list
                } else {
                    json!({ field: list })
                };
                client.post(url).json(&body)
            }
        };
        match self.time_limit() {
            Some(limit) => request.timeout(limit),
            None => request,
        }
    }

    /// Divides ids into groups, each of which fits into an address. An id that is too long by
    /// itself is a group of its own.
    pub(super) fn parts(&self, ids: &[&str]) -> Vec<std::ops::Range<usize>> {
        let param = encoded_length(&self.param);
        // What is before the first id: the question mark, or the `&` after a query in the address
        // itself, and the equals sign. And what is between two ids.
        let (before, between) = match &self.form {
            Form::Joined(separator) => (param + 2, encoded_length(separator)),
            Form::Repeated => (param + 2, param + 2),
            Form::Json { .. } => return std::iter::once(0..ids.len()).collect(),
        };
        let room = self.max_url.saturating_sub(self.url.length + before);
        let (mut parts, mut start, mut length) = (Vec::new(), 0, 0);
        for (index, id) in ids.iter().enumerate() {
            let own = encoded_length(id);
            if index > start && length + between + own > room {
                parts.push(start..index);
                (start, length) = (index, own);
            } else {
                length += own + if index == start { 0 } else { between };
            }
        }
        if start < ids.len() {
            parts.push(start..ids.len());
        }
        parts
    }
}

/// Reads an id that is written as JSON writes numbers. A number that would lose digits is none.
fn number(id: &str) -> Option<Value> {
    let number: serde_json::Number = serde_json::from_str(id).ok()?;
    canonical(id).map(|_| Value::Number(number))
}

/// Returns the length of a text in a query.
fn encoded_length(text: &str) -> usize {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"*-._ ".contains(byte);
    text.bytes()
        .map(|byte| if plain(&byte) { 1 } else { 3 })
        .sum()
}
