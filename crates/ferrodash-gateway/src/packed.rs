//! Answers as the cache has them: their headers and their body.
//!
//! Entries come back from stores that others can write to, so what is read is checked.

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use bytes::{BufMut, Bytes, BytesMut};
use ferrodash_wire::Body;

use crate::reply::Reply;

/// Headers that are written for each answer, or that were about the connection to the app.
const OWN: [HeaderName; 10] = [
    header::AGE,
    header::CACHE_CONTROL,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::DATE,
    header::ETAG,
    header::LAST_MODIFIED,
    header::SERVER,
    header::X_CONTENT_TYPE_OPTIONS,
];

/// Packs an answer: the length of its headers, the headers as JSON, the body.
pub(crate) fn pack(headers: &HeaderMap, body: &Body) -> Bytes {
    let headers = headers
        .iter()
        .filter(|(name, _)| !OWN.contains(name))
        .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let headers: Vec<(&str, &str)> = headers.collect();
    let headers = serde_json::to_vec(&headers).expect("texts are JSON");
    let body = body.pack();
    let mut packed = BytesMut::with_capacity(4 + headers.len() + body.len());
    packed.put_u32(u32::try_from(headers.len()).unwrap_or(u32::MAX));
    packed.extend_from_slice(&headers);
    packed.extend_from_slice(&body);
    packed.freeze()
}

/// Reads an answer. `None` if it is not one.
pub(crate) fn unpack(packed: &Bytes) -> Option<(HeaderMap, Body)> {
    let length: [u8; 4] = packed.get(..4)?.try_into().ok()?;
    let end = usize::try_from(u32::from_be_bytes(length))
        .ok()?
        .checked_add(4)?;
    let texts: Vec<(String, String)> = serde_json::from_slice(packed.get(4..end)?).ok()?;
    let mut headers = HeaderMap::new();
    for (name, value) in texts {
        let name = HeaderName::try_from(name).ok()?;
        headers.append(name, HeaderValue::try_from(value).ok()?);
    }
    Some((headers, Body::unpack(&packed.slice(end..))?))
}

/// Packs the answer of a failure: status, content type, text.
pub(crate) fn pack_failure(reply: &Reply) -> Vec<u8> {
    let content_type = reply.headers.get(header::CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok());
    let head = (reply.status.as_u16(), content_type.unwrap_or("text/plain"));
    let mut packed = serde_json::to_vec(&head).expect("numbers and texts are JSON");
    packed.push(b'\n');
    packed.extend_from_slice(&reply.body);
    packed
}

/// Reads the answer of a failure.
pub(crate) fn failure(packed: &Bytes) -> Reply {
    let end = packed.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let head: Option<(u16, String)> = serde_json::from_slice(&packed[..end]).ok();
    let (status, content_type) = head.unwrap_or((500, "text/plain".to_owned()));
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut reply = Reply::text(status, String::new());
    reply.body = packed.slice((end + 1).min(packed.len())..);
    if let Ok(content_type) = content_type.parse() {
        reply.headers.insert(header::CONTENT_TYPE, content_type);
    }
    reply
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_as_it_was_packed() {
        let mut headers = HeaderMap::new();
        for (name, value) in [("x-many", "one"), ("x-many", "two"), ("date", "today")] {
            headers.append(name, HeaderValue::from_static(value));
        }
        let body = Body::plain(Bytes::from_static(b"{}"));
        let packed = pack(&headers, &body);
        let (read, body) = unpack(&packed).unwrap();
        headers.remove("date");
        assert_eq!(read, headers);
        assert_eq!(body.identity(), "{}");
        for cut in 0..packed.len() {
            assert!(unpack(&packed.slice(..cut)).is_none(), "{cut}");
        }
        assert!(unpack(&Bytes::from_static(b"-")).is_none());
    }

    #[test]
    fn a_failure_is_read_as_it_was_packed() {
        let reply = Reply::text(StatusCode::BAD_GATEWAY, "first\nsecond".to_owned());
        let read = failure(&pack_failure(&reply).into());
        assert_eq!((read.status, read.body), (reply.status, reply.body));
        assert_eq!(read.headers["content-type"], reply.headers["content-type"]);
    }
}
