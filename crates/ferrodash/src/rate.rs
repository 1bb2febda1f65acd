//! The number of calls that a session may make in a time.
//!
//! A session that has been quiet may make all its calls at once; after that, they come back evenly.
//! This is the generic cell rate algorithm (ITU-T I.371, annex A): a session is one moment, at
//! which it would have made all its calls if it had made them evenly. It knows neither routes nor
//! answers.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;
use std::time::Duration;

use ferrodash_serve::sync::lock;
use tokio::time::Instant;

/// The least number of sessions at which those are forgotten that have been quiet.
const MANY: usize = 10_000;

/// The number of sessions that have a limit of their own. Others share one limit.
const MOST: usize = 100_000;

/// The longest time in which calls are counted.
const LONGEST: Duration = Duration::from_secs(86_400);

/// The session of a call: the address of the client, and a hash of its session cookie.
pub(crate) type Session = (Option<IpAddr>, u64);

/// The refusal of a call, with the time after which one is possible again.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooMany(pub(crate) Duration);

/// The limit, and the sessions that have made calls not long ago.
pub(crate) struct RateLimit {
    /// The time after which one more call is possible.
    step: Duration,
    /// How far a session may be ahead of an even rate.
    ahead: Duration,
    /// The moment of each session. Locked for one look-up.
    moments: Mutex<Moments>,
}

#[derive(Default)]
struct Moments {
    by_session: HashMap<Session, Instant>,
    /// The number of sessions at which those are forgotten that have been quiet.
    many: usize,
}

impl Moments {
    /// Makes room for one more session. The next time is at twice as many, so that this costs
    /// little for each call.
    fn make_room(&mut self, now: Instant) {
        if self.by_session.len() >= self.many.max(MANY) {
            self.by_session.retain(|_, moment| *moment > now);
            self.many = 2 * self.by_session.len();
        }
    }
}

impl RateLimit {
    /// Creates a limit of `calls` in each `time`. Zero calls count as one.
    pub(crate) fn new(calls: u32, time: Duration) -> Self {
        let time = time.min(LONGEST);
        let step = time / calls.max(1);
        Self {
            step,
            ahead: time.saturating_sub(step),
            moments: Mutex::default(),
        }
    }

    /// Counts a call.
    ///
    /// # Errors
    /// [`TooMany`] if the session has made too many; it is not counted then.
    pub(crate) fn count(&self, session: Session) -> Result<(), TooMany> {
        let now = Instant::now();
        let mut moments = lock(&self.moments);
        moments.make_room(now);
        let sessions = &mut moments.by_session;
        let is_known = sessions.len() < MOST || sessions.contains_key(&session);
        let session = if is_known { session } else { (None, 0) };
        let moment = sessions.entry(session).or_insert(now);
        let reached = (*moment).max(now);
        if reached > now + self.ahead {
            return Err(TooMany(reached - (now + self.ahead)));
        }
        *moment = reached + self.step;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: Session = (None, 1);

    #[tokio::test(start_paused = true)]
    async fn calls_are_possible_at_once_and_come_back_evenly() {
        let limit = RateLimit::new(10, Duration::from_secs(1));
        for _ in 0..10 {
            assert_eq!(limit.count(ALICE), Ok(()));
        }
        assert_eq!(limit.count(ALICE), Err(TooMany(Duration::from_millis(100))));
        assert_eq!(limit.count((None, 2)), Ok(()), "others have their own");
        tokio::time::advance(Duration::from_millis(100)).await;
        assert_eq!(limit.count(ALICE), Ok(()));
        assert!(
            limit.count(ALICE).is_err(),
            "what was refused is not counted"
        );
        tokio::time::advance(Duration::from_secs(60)).await;
        for _ in 0..10 {
            assert_eq!(limit.count(ALICE), Ok(()));
        }
        assert!(limit.count(ALICE).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn sessions_that_are_quiet_are_forgotten_and_their_number_is_bounded() {
        let limit = RateLimit::new(1, Duration::from_secs(1));
        for session in 0..MANY as u64 {
            limit.count((None, session)).unwrap();
        }
        tokio::time::advance(Duration::from_secs(2)).await;
        limit.count(ALICE).unwrap();
        assert_eq!(lock(&limit.moments).by_session.len(), 1);
    }
}
