//! Answers that wait for the page which they are for: those of a batch that have headers of their
//! own.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use axum::body::HttpBody;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use ferrodash_serve::sync::lock;

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
    /// Whether the page's request had cookies. If it had, the request that fetches the answer must
    /// have a cookie too.
    had_cookies: bool,
}

impl Parked {
    /// Keeps an answer, and returns the name under which the page gets it. An answer that is one
    /// too many stays where it is.
    pub(crate) fn park(&self, response: &mut Response, headers: &HeaderMap) -> Option<String> {
        let mut parked = lock(&self.0);
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
            had_cookies: headers.contains_key(header::COOKIE),
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
        // Other answers of the same request may have changed them meanwhile, so they are not
        // compared.
        if waiting.had_cookies && !headers.contains_key(header::COOKIE) {
            return None;
        }
        parked.remove(token).map(|waiting| waiting.response)
    }
}

/// Returns 128 bits that nobody can guess, in hex.
fn random() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the system has random numbers");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
