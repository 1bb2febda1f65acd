//! Answers that wait for the page which they are for: those of a batch that have headers of their
//! own.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use axum::body::HttpBody;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use ferrodash_serve::sync::lock;
use tokio::time::Instant;

/// How long a parked answer is there, and how many are.
pub(crate) const PARKED: Duration = Duration::from_secs(30);
const MOST_PARKED: usize = 1000;

/// The bytes of all parked answers.
const MOST_BYTES: u64 = 64 << 20;

/// Answers that wait for the page which they are for.
#[derive(Default)]
pub(crate) struct Parked(Mutex<HashMap<String, Waiting>>);

struct Waiting {
    response: Response,
    bytes: u64,
    /// What the request of the page must have too.
    cookies: Vec<u8>,
    until: Instant,
}

impl Parked {
    /// Keeps an answer, and returns the name under which the page gets it. An answer that is one
    /// too many stays where it is.
    pub(crate) fn park(&self, response: &mut Response, headers: &HeaderMap) -> Option<String> {
        let (mut parked, now) = (lock(&self.0), Instant::now());
        let bytes: u64 = parked.values().map(|waiting| waiting.bytes).sum();
        let length = response.body().size_hint().exact()?;
        if parked.len() >= MOST_PARKED || bytes + length > MOST_BYTES {
            return None;
        }
        let response = std::mem::take(response);
        let token = random();
        let waiting = Waiting {
            response,
            bytes: length,
            cookies: cookies(headers),
            until: now + PARKED,
        };
        parked.insert(token.clone(), waiting);
        Some(token)
    }

    /// Discards an answer that nobody has asked for.
    pub(crate) fn discard(&self, token: &str) {
        lock(&self.0).remove(token);
    }

    /// Returns an answer to the one whom it is for, once.
    pub(crate) fn take(&self, token: &str, headers: &HeaderMap) -> Option<Response> {
        let mut parked = lock(&self.0);
        let waiting = parked.get(token)?;
        // Cookies of another answer of the same request may have come meanwhile, so they are
        // compared only if there was none before.
        let is_own = waiting.cookies.is_empty() || !cookies(headers).is_empty();
        if !is_own || waiting.until <= Instant::now() {
            return None;
        }
        parked.remove(token).map(|waiting| waiting.response)
    }
}

fn cookies(headers: &HeaderMap) -> Vec<u8> {
    let lines = headers.get_all(header::COOKIE).iter();
    lines.flat_map(|line| line.as_bytes().to_vec()).collect()
}

/// Returns 128 bits that nobody can guess, in hex.
fn random() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the system has random numbers");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
