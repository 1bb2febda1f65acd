//! Limits of requests: how many in a time, and how many at a time.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::sync::{Mutex, Semaphore, SemaphorePermit};

/// The shortest and the longest time between two requests that can be counted.
const SHORTEST: Duration = Duration::from_nanos(1);
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// How many requests there can be in a time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rate(Quota);

impl Rate {
    /// # Panics
    /// If one of both is zero.
    pub(super) fn new(requests: u32, time: Duration) -> Self {
        let requests = NonZeroU32::new(requests).filter(|_| !time.is_zero());
        let requests = requests.expect("a rate limit must allow one request, in a time above zero");
        let period = (time / requests.get()).clamp(SHORTEST, LONGEST);
        let quota = Quota::with_period(period).expect("the period is not zero");
        Self(quota.allow_burst(requests))
    }
}

/// The turns of the requests of one API.
#[derive(Debug)]
pub(super) struct Turns {
    rate: Option<DefaultDirectRateLimiter>,
    /// Held by the request that waits for the rate, so that those who wait keep their order.
    next: Mutex<()>,
    places: Option<Semaphore>,
}

impl Turns {
    pub(super) fn new(rate: Option<Rate>, most: Option<usize>) -> Self {
        Self {
            rate: rate.map(|Rate(quota)| RateLimiter::direct(quota)),
            next: Mutex::new(()),
            places: most.map(|most| Semaphore::new(most.min(Semaphore::MAX_PERMITS))),
        }
    }

    /// Waits until a request can be sent. It counts as in progress until the result is dropped.
    pub(super) async fn take(&self) -> Option<SemaphorePermit<'_>> {
        let place = match &self.places {
            // Nobody closes the semaphore.
            Some(places) => places.acquire().await.ok(),
            None => None,
        };
        if let Some(rate) = &self.rate {
            let _next = self.next.lock().await;
            while let Err(too_soon) = rate.check() {
                let pause = too_soon.wait_time_from(DefaultClock::default().now());
                tokio::time::sleep(pause).await;
            }
        }
        place
    }
}
