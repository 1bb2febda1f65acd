//! The answer to a request of many calls: a line for each, as soon as it is done.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use axum::body::Body as HttpBody;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;
use ferrodash_wire::{Encoding, LineBody, Stream};
use futures_util::stream;
use http_body_util::BodyExt;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

use crate::send::{PRIVATE_NO_CACHE, with_body};

/// The time within which answers that are done are sent, and drawn, together. It is too short to be
/// seen.
const TOGETHER: Duration = Duration::from_millis(20);

/// The time after which a blank line is sent while no call is done. Proxies close connections on
/// which nothing comes: nginx after a minute by default.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// A line without an answer. It also follows each piece of the answer, as some versions of Safari
/// keep a piece back until the next one comes.
const BLANK: &[u8] = b"\n";

/// The number of bytes that are sent without waiting for more answers.
const ENOUGH: usize = 64 * 1024;

/// The content type of the answer: a line is a value.
const LINES: HeaderValue = HeaderValue::from_static("application/x-ndjson");

/// The calls of a request, which wait until they are started.
pub trait Calls: Send + 'static {
    /// Starts calls, each as a task that returns its line, until as many run as may. It is called
    /// again when one has ended.
    fn start(&mut self, running: &mut JoinSet<Vec<u8>>);
}

/// Makes the answer to a request of many calls.
///
/// When the answer is dropped, as when the page leaves, the calls that run are aborted and those
/// that wait are discarded.
pub fn lines(encoding: Encoding, calls: impl Calls) -> Response {
    let lines = Lines {
        calls,
        running: JoinSet::new(),
        stream: Stream::new(encoding),
    };
    let body = HttpBody::from_stream(stream::unfold(lines, |mut lines| async {
        let bytes = lines.next().await?;
        Some((bytes, lines))
    }));
    let mut response = with_body(Bytes::new(), encoding, LINES);
    *response.body_mut() = body;
    let headers = response.headers_mut();
    // No cache may answer with it: it has no validator, and answers a POST without a lifetime (RFC
    // 9111, section 4). With `no-store`, Chromium 148 cancels the request when the page has read
    // the answer to the end, and shows it as failed
    // (https://github.com/microsoft/playwright/issues/42742).
    headers.insert(header::CACHE_CONTROL, PRIVATE_NO_CACHE);
    // nginx would otherwise gather the answers and pass them on at the end.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// The calls of a request, while they are answered.
struct Lines<C> {
    calls: C,
    /// The calls that run; each task returns its line.
    running: JoinSet<Vec<u8>>,
    /// The encoder of the answer.
    stream: Stream,
}

impl<C: Calls> Lines<C> {
    /// Returns the next bytes of the answer; `None` after the last ones.
    ///
    /// Calls that end meanwhile wait until the page has taken these bytes, and no more are started
    /// until then: a page that reads slowly does not fill the memory of the server.
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        self.calls.start(&mut self.running);
        let first = match timeout(KEEP_ALIVE, self.running.join_next()).await {
            Ok(Some(first)) => first,
            Ok(None) => return self.stream.end(),
            Err(_) => return Some(self.stream.write(BLANK.to_vec()).await),
        };
        // A task that panicked leaves its call without an answer, which the page takes as a broken
        // connection. The panic hook has reported it.
        let mut lines = first.unwrap_or_default();
        let until = Instant::now() + TOGETHER;
        while lines.len() < ENOUGH && Instant::now() < until {
            self.calls.start(&mut self.running);
            let Ok(Some(line)) = timeout_at(until, self.running.join_next()).await else {
                break;
            };
            lines.extend(line.unwrap_or_default());
        }
        self.calls.start(&mut self.running);
        lines.extend(BLANK);
        Some(self.stream.write(lines).await)
    }
}

/// Writes the line of an answer.
///
/// `told` are the headers that the page looks at.
pub async fn line(place: usize, response: Response, told: &[&str]) -> Vec<u8> {
    let (parts, body) = response.into_parts();
    let body = body
        .collect()
        .await
        .map(|body| body.to_bytes())
        .unwrap_or_default();
    let told = told
        .iter()
        .map(|name| (*name, joined(&parts.headers, name)));
    let told: BTreeMap<&str, String> = told.filter(|(_, value)| !value.is_empty()).collect();
    let body = if is_json(&parts.headers) {
        LineBody::Json(&body)
    } else {
        LineBody::Text(&body)
    };
    ferrodash_wire::line(place, parts.status.as_u16(), &told, body)
}

/// Returns a header that may be there several times, as one (RFC 9110, section 5.3).
fn joined(headers: &HeaderMap, name: &str) -> String {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect::<Vec<_>>()
        .join(", ")
}

/// Returns whether a body is JSON, so that it can be part of a line as it is.
fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes() == b"application/json")
}
