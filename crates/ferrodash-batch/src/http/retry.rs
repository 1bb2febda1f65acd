//! Repeats of requests that failed: when, and how many.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use tower::retry::budget::TpsBudget;

/// The shortest and the longest pause before a repeat, without its random part.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// The longest `Retry-After` that is waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The budget of a host: a fifth of its requests of the last ten seconds, and two a second.
const BUDGET: (Duration, u32, f32) = (Duration::from_secs(10), 2, 0.2);

/// What is repeated.
#[derive(Debug, Clone)]
pub(super) struct Retries {
    /// How often a request is repeated.
    pub(super) times: usize,
    pub(super) post_is_safe: bool,
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            times: 2,
            post_is_safe: false,
        }
    }
}

impl Retries {
    /// Returns the pauses before the repeats of a request.
    pub(super) fn pauses(&self, is_get: bool) -> Pauses {
        let times = if is_get || self.post_is_safe {
            self.times
        } else {
            0
        };
        let backoff = ExponentialBuilder::new()
            .with_min_delay(PAUSES.0)
            .with_max_delay(PAUSES.1)
            .with_max_times(times)
            .with_jitter();
        Pauses(backoff.build())
    }
}

/// The pauses before the repeats of a request.
#[derive(Debug)]
pub(super) struct Pauses(ExponentialBackoff);

impl Pauses {
    /// Returns the next pause; `None` if the request is not repeated any more. `asked` is the time
    /// that the server asked for.
    pub(super) fn next(&mut self, asked: Option<Duration>) -> Option<Duration> {
        let pause = self.0.next()?;
        match asked {
            Some(asked) if asked > LONGEST_WAIT => None,
            Some(asked) => Some(pause.max(asked)),
            None => Some(pause),
        }
    }
}

/// Returns the time that a server asks to wait, in seconds or as a date (RFC 9110, section 10.2.3).
pub(super) fn asked_time(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() {
        // More than fits is as good as never.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let date = httpdate::parse_http_date(text).ok()?;
    // A date that has passed asks for no time.
    Some(date.duration_since(SystemTime::now()).unwrap_or_default())
}

/// Returns the budget of a host, which all batchers of the process share. A request deposits in it,
/// and a repeat withdraws.
pub(super) fn budget_of(host: String) -> Arc<TpsBudget> {
    static BUDGETS: LazyLock<Mutex<HashMap<String, Arc<TpsBudget>>>> =
        LazyLock::new(Mutex::default);
    let mut budgets = BUDGETS.lock().unwrap_or_else(PoisonError::into_inner);
    let (time, a_second, part) = BUDGET;
    budgets
        .entry(host)
        .or_insert_with(|| Arc::new(TpsBudget::new(time, a_second, part)))
        .clone()
}
