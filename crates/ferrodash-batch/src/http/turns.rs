//! Limits of requests: how many in a time, and how many at a time.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::sync::{Semaphore, SemaphorePermit};

/// How many requests there can be in a time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rate(Quota);

impl Rate {
    /// # Panics
    /// If one of both is zero.
    pub(super) fn new(requests: u32, time: Duration) -> Self {
        let requests = NonZeroU32::new(requests);
        let quota = requests.and_then(|requests| {
            let quota = Quota::with_period(time / requests.get())?;
            Some(quota.allow_burst(requests))
        });
        match quota {
            Some(quota) => Self(quota),
            None => panic!("a rate limit must allow one request, in a time that is not zero"),
        }
    }
}

/// The turns of the requests of one API.
#[derive(Debug)]
pub(super) struct Turns {
    rate: Option<DefaultDirectRateLimiter>,
    places: Option<Semaphore>,
}

impl Turns {
    pub(super) fn new(rate: Option<Rate>, most: Option<usize>) -> Self {
        Self {
            rate: rate.map(|Rate(quota)| RateLimiter::direct(quota)),
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
            while let Err(too_soon) = rate.check() {
                let pause = too_soon.wait_time_from(DefaultClock::default().now());
                tokio::time::sleep(pause).await;
            }
        }
        place
    }
}
