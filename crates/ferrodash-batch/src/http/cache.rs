//! Answers that are kept as long as their headers allow (RFC 9111).

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{AGE, CACHE_CONTROL, ETAG, LAST_MODIFIED};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use http_cache_semantics::{AfterResponse, BeforeRequest, CacheOptions, CachePolicy, ResponseLike};
use reqwest::Request;

use super::error::HttpError;
use super::sender::{Response, Sender};

/// About how much memory an entry takes beside its address, its headers and its body, in bytes.
const OVERHEAD: usize = 1024;

impl ResponseLike for Response {
    fn status(&self) -> StatusCode {
        self.status
    }

    fn headers(&self) -> &HeaderMap {
        &self.headers
    }
}

/// The answers of one API, by their addresses. The least useful ones go when there are too many.
pub(super) struct Cache(moka::sync::Cache<String, Entry>);

#[derive(Clone)]
struct Entry {
    policy: CachePolicy,
    body: Bytes,
    /// About how much memory it takes, in bytes.
    size: u32,
}

impl Cache {
    /// Creates a cache for this many bytes.
    pub(super) fn new(bytes: u64) -> Self {
        let entries = moka::sync::Cache::builder()
            .max_capacity(bytes)
            .weigher(|_: &String, entry: &Entry| entry.size);
        Self(entries.build())
    }

    /// Answers a request from what is kept, or sends it. A repeat is always sent.
    pub(super) async fn answer(
        &self,
        sender: &Sender,
        mut request: Request,
        is_repeat: bool,
    ) -> Result<Response, HttpError> {
        let url = request.url().to_string();
        let Some(asked) = parts_of(&request) else {
            return sender.send(request, is_repeat).await;
        };
        let known = self.0.get(&url).filter(|_| !is_repeat);
        let plain = request.try_clone();
        if let Some(known) = &known {
            match known.policy.before_request(&asked, SystemTime::now()) {
                BeforeRequest::Fresh(parts) => return Ok(known.respond(parts)),
                // With the headers that ask whether it has changed.
                BeforeRequest::Stale { request: parts, .. } => {
                    *request.headers_mut() = parts.headers;
                }
            }
        }
        let mut response = sender.send(request, is_repeat).await?;
        let mut policy = None;
        if let Some(known) = &known {
            let now = SystemTime::now();
            match known.policy.after_response(&asked, &response, now) {
                AfterResponse::NotModified(renewed, parts) => {
                    response = known.respond(parts);
                    policy = Some(renewed);
                }
                // It does not say which answer is not modified, so all of the answer is needed.
                AfterResponse::Modified(..) if response.status == StatusCode::NOT_MODIFIED => {
                    self.0.invalidate(&url);
                    if let Some(plain) = plain {
                        response = sender.send(plain, is_repeat).await?;
                    }
                }
                AfterResponse::Modified(..) => {}
            }
        }
        self.keep(url, &asked, policy, &mut response);
        Ok(response)
    }

    /// Keeps a response if it may be kept. `policy` is that of one that is not modified.
    fn keep(
        &self,
        url: String,
        asked: &Parts,
        policy: Option<CachePolicy>,
        response: &mut Response,
    ) {
        if !response.status.is_success() {
            return;
        }
        let now = SystemTime::now();
        let policy = policy.unwrap_or_else(|| {
            make_readable(&mut response.headers);
            let options = CacheOptions {
                // The app is one client, even if it has several users: `private` is for it.
                shared: false,
                // Nothing is kept that does not say for how long.
                cache_heuristic: 0.0,
                ..CacheOptions::default()
            };
            CachePolicy::new_options(asked, response, now, options)
        });
        let headers = &response.headers;
        let is_of_use = policy.time_to_live(now) > Duration::ZERO
            || headers.contains_key(ETAG)
            || headers.contains_key(LAST_MODIFIED);
        if !policy.is_storable() || !is_of_use || response.was_redirected {
            return self.0.invalidate(&url);
        }
        let headers: usize = headers
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len())
            .sum();
        let size = url.len() + headers + response.body.len() + OVERHEAD;
        let entry = Entry {
            policy,
            // A copy: the client's buffer can be much larger.
            body: Bytes::copy_from_slice(&response.body),
            size: u32::try_from(size).unwrap_or(u32::MAX),
        };
        self.0.insert(url, entry);
    }
}

impl Entry {
    fn respond(&self, parts: http::response::Parts) -> Response {
        Response {
            status: parts.status,
            headers: parts.headers,
            body: self.body.clone(),
            was_redirected: false,
        }
    }
}

/// Makes headers so that a policy reads them as they are meant: names of directives in small
/// letters, an age that can be added to, and values that are no part of the client's buffer.
fn make_readable(headers: &mut HeaderMap) {
    let age = headers.get(AGE).and_then(|age| age.to_str().ok());
    if age.is_some_and(|age| age.trim().parse::<u32>().is_err()) {
        headers.remove(AGE);
    }
    for (name, value) in headers.iter_mut() {
        let bytes = if name == CACHE_CONTROL {
            value.as_bytes().to_ascii_lowercase()
        } else {
            value.as_bytes().to_vec()
        };
        if let Ok(copy) = HeaderValue::from_bytes(&bytes) {
            *value = copy;
        }
    }
}

/// Returns the parts of a request that answers depend on.
fn parts_of(request: &Request) -> Option<Parts> {
    let copy = http::Request::builder()
        .method(request.method())
        .uri(request.url().as_str());
    let (mut parts, ()) = copy.body(()).ok()?.into_parts();
    parts.headers.clone_from(request.headers());
    Some(parts)
}
