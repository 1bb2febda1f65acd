//! Answers that are kept as long as their headers allow (RFC 9111).

use std::time::SystemTime;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use http_cache_semantics::{AfterResponse, BeforeRequest, CacheOptions, CachePolicy, ResponseLike};
use reqwest::{Client, Request};

use super::turns::Turns;

/// About how much memory an entry takes beside its address and its body, in bytes.
const OVERHEAD: usize = 1024;

/// A response that was read to its end.
pub(super) struct Response {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl ResponseLike for Response {
    fn status(&self) -> StatusCode {
        self.status
    }

    fn headers(&self) -> &HeaderMap {
        &self.headers
    }
}

/// Sends a request and reads all of its response.
pub(super) async fn send(client: &Client, request: Request) -> reqwest::Result<Response> {
    let mut response = client.execute(request).await?;
    Ok(Response {
        status: response.status(),
        headers: std::mem::take(response.headers_mut()),
        body: response.bytes().await?,
    })
}

/// The answers of one API, by their addresses. The least useful ones go when there are too many.
pub(super) struct Cache(moka::sync::Cache<String, Entry>);

#[derive(Clone)]
struct Entry {
    policy: CachePolicy,
    body: Bytes,
}

impl Cache {
    /// Creates a cache for this many bytes.
    pub(super) fn new(bytes: u64) -> Self {
        let size = |url: &String, entry: &Entry| {
            let size = url.len() + entry.body.len() + OVERHEAD;
            u32::try_from(size).unwrap_or(u32::MAX)
        };
        let entries = moka::sync::Cache::builder()
            .max_capacity(bytes)
            .weigher(size);
        Self(entries.build())
    }

    /// Answers a request from what is kept, or sends it.
    pub(super) async fn answer(
        &self,
        client: &Client,
        turns: &Turns,
        mut request: Request,
    ) -> reqwest::Result<Response> {
        let url = request.url().to_string();
        let asked = parts_of(&request);
        let known = self.0.get(&url);
        if let (Some(known), Some(asked)) = (&known, &asked) {
            match known.policy.before_request(asked, SystemTime::now()) {
                BeforeRequest::Fresh(parts) => {
                    return Ok(Response {
                        status: parts.status,
                        headers: parts.headers,
                        body: known.body.clone(),
                    });
                }
                // With the headers that ask whether it has changed.
                BeforeRequest::Stale { request: parts, .. } => {
                    *request.headers_mut() = parts.headers;
                }
            }
        }
        let turn = turns.take().await;
        let response = send(client, request).await?;
        drop(turn);
        Ok(match asked {
            Some(asked) => self.keep(url, &asked, known, response),
            None => response,
        })
    }

    /// Keeps a response if it may be kept, and returns what answers the request.
    fn keep(
        &self,
        url: String,
        asked: &Parts,
        known: Option<Entry>,
        response: Response,
    ) -> Response {
        let now = SystemTime::now();
        // The app is one client, also if it has several users: `private` answers are for it.
        let options = CacheOptions {
            shared: false,
            ..CacheOptions::default()
        };
        let (policy, response) = match known {
            None => {
                let policy = CachePolicy::new_options(asked, &response, now, options);
                (policy, response)
            }
            Some(known) => match known.policy.after_response(asked, &response, now) {
                AfterResponse::NotModified(policy, parts) => {
                    let response = Response {
                        status: parts.status,
                        headers: parts.headers,
                        body: known.body,
                    };
                    (policy, response)
                }
                AfterResponse::Modified(policy, _) => (policy, response),
            },
        };
        if !response.status.is_success() {
            return response;
        }
        if policy.is_storable() {
            let body = response.body.clone();
            self.0.insert(url, Entry { policy, body });
        } else {
            self.0.invalidate(&url);
        }
        response
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
