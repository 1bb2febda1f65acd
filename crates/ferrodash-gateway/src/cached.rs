//! A call whose answer may be kept: looked up, or asked for once by all who ask the same.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::{HeaderMap, StatusCode};
use bytes::Bytes;
use ferrodash_cache::{Answer, Cache, Computed, Entry, Failure, Key, Status};
use ferrodash_serve::sync::lock;
use ferrodash_wire::Body;
use tokio::time::Instant;

use crate::ask::Ask;
use crate::dash::KeptAnswers;
use crate::packed;
use crate::reply::Reply;

/// In the place of an answer that is not for others: what follows is no body.
const UNSHARED: &[u8] = b"-";

/// How long calls that ask the same do not wait for each other after an answer that was not for
/// others. Otherwise they would ask the app one after the other.
const APART: Duration = Duration::from_secs(10);

/// The number of such calls that are remembered.
const MOST_APART: usize = 4096;

/// What a caller gets.
pub(crate) enum Outcome {
    /// An answer that may be kept.
    Shared(SharedAnswer),
    /// An answer for this caller only.
    Own(Reply),
}

/// An answer that may be kept.
pub(crate) struct SharedAnswer {
    pub(crate) body: Body,
    /// The headers that the app has added.
    pub(crate) headers: HeaderMap,
    pub(crate) entry: Entry,
    pub(crate) status: Status,
}

/// An answer that says that the app has failed.
#[derive(Debug, Clone)]
struct Failed(Arc<Reply>);

/// The answers that are kept.
pub(crate) struct Answers {
    pub(crate) cache: Cache,
    /// The keys of answers that were not for others, and until when that is remembered.
    apart: Mutex<HashMap<[u8; 32], Instant>>,
}

/// How a caller wants the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    /// A kept one will do.
    Any,
    /// A kept one will do if it is not stale.
    Fresh,
}

impl Wish {
    /// Reads the wish of a page, which knows when it has an answer that is stale.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let wish = headers.get("cache-control");
        match wish.map(|value| value.as_bytes()) {
            Some(b"max-age=0") => Self::Fresh,
            _ => Self::Any,
        }
    }
}

impl Answers {
    pub(crate) fn new(cache: Cache) -> Self {
        Self {
            cache,
            apart: Mutex::default(),
        }
    }

    /// Returns the answer to a call: a kept one, or that of the app.
    ///
    /// If several callers ask the same, the app is asked once. If its answer turns out not to be
    /// for others, each of them asks for itself.
    pub(crate) async fn get(
        &self,
        kept: &KeptAnswers,
        key: Key,
        ask: &Arc<Ask>,
        wish: Wish,
    ) -> Outcome {
        let mut asked = None;
        if self.is_apart(&key) {
            let reply = ask.send().await;
            if !ask.may_be_shared(&reply) {
                return Outcome::Own(as_own(kept, reply, ask).await);
            }
            // From now on it is kept again.
            lock(&self.apart).remove(key.as_bytes());
            asked = Some(reply);
        }
        let (own, mut mine) = tokio::sync::oneshot::channel::<Reply>();
        let run = Run {
            cache: self.cache.clone(),
            key,
            negative: kept.negative,
            may_be_stale: kept.policy.stale_while_revalidate + kept.policy.stale_if_error
                > Duration::ZERO,
            ask: ask.clone(),
            asked,
        };
        let compute = move || run.run(own);
        let options = kept.options.clone().waits(wish == Wish::Fresh);
        let Answer { result, status } = self
            .cache
            .get_or_compute_with(key, &kept.policy, &options, compute)
            .await;
        let entry = match result {
            Ok(entry) => entry,
            Err(failure) => return self.failed(failure, status, ask).await,
        };
        if entry.parts().negative {
            return Outcome::Own(packed::failure(entry.bytes()));
        }
        if let Some((headers, body)) = packed::unpack(entry.bytes()) {
            return Outcome::Shared(SharedAnswer {
                body,
                headers,
                entry,
                status,
            });
        }
        self.set_apart(&key);
        match mine.try_recv() {
            Ok(reply) => Outcome::Own(as_own(kept, reply, ask).await),
            Err(_) => Outcome::Own(ask.send_as_visitor().await),
        }
    }

    /// Returns the answer of a caller whose call failed: its own, or that of another call that
    /// it asks for itself.
    async fn failed(&self, failure: Failure<Failed>, status: Status, ask: &Ask) -> Outcome {
        let is_own = matches!(status, Status::Miss { .. } | Status::Bypass);
        Outcome::Own(match failure {
            // Who waited for an answer that never came need not wait again.
            Failure::Error(Failed(reply)) if is_own || !ask.is_answered(&reply) => {
                Reply::clone(&reply)
            }
            Failure::Error(_) => ask.send_as_visitor().await,
            _ => Reply::text(
                StatusCode::BAD_GATEWAY,
                "the gateway could not ask the app; see its log\n".to_owned(),
            ),
        })
    }

    fn is_apart(&self, key: &Key) -> bool {
        let apart = lock(&self.apart);
        let until = apart.get(key.as_bytes());
        until.is_some_and(|until| Instant::now() < *until)
    }

    fn set_apart(&self, key: &Key) {
        let (mut apart, now) = (lock(&self.apart), Instant::now());
        if apart.len() >= MOST_APART {
            apart.retain(|_, until| now < *until);
        }
        if apart.len() < MOST_APART {
            apart.insert(*key.as_bytes(), now + APART);
        }
    }
}

/// Returns an answer for one caller. If the app answers only those who have signed in, a shared
/// call is made again as the visitor.
async fn as_own(kept: &KeptAnswers, reply: Reply, ask: &Ask) -> Reply {
    if kept.is_shared && wants_sign_in(&reply) {
        ask.send_as_visitor().await
    } else {
        reply
    }
}

/// Returns whether the app answers only those who have signed in, which a shared call has not.
fn wants_sign_in(reply: &Reply) -> bool {
    let status = reply.status;
    let is_refused = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&status);
    status.is_redirection() || is_refused
}

/// One question to the app, for all who ask the same.
struct Run {
    cache: Cache,
    key: Key,
    negative: Option<Duration>,
    may_be_stale: bool,
    ask: Arc<Ask>,
    /// The answer of the app, if the caller has it already.
    asked: Option<Reply>,
}

impl Run {
    /// Asks the app. An answer that is not for others goes to `own`, the caller that began.
    async fn run(self, own: tokio::sync::oneshot::Sender<Reply>) -> Result<Computed, Failed> {
        let reply = match self.asked {
            Some(reply) => reply,
            None => self.ask.send().await,
        };
        if reply.status.is_server_error() {
            let may_be_kept = self.ask.is_answered(&reply) && reply.has_no_effect();
            return match self.negative.filter(|_| may_be_kept) {
                Some(time) => Ok(Computed::negative(packed::pack_failure(&reply), time)),
                None => Err(Failed(Arc::new(reply))),
            };
        }
        if !self.ask.may_be_shared(&reply) {
            if self.may_be_stale {
                // What was kept before is not what the app answers now. If the store does not
                // answer, it ends by itself.
                let _ = self.cache.remove(&self.key).await;
            }
            // Nobody may wait for it any more.
            let _ = own.send(reply);
            return Ok(Computed::pass(UNSHARED));
        }
        let body = Body::first(reply.body).await;
        let computed = Computed::keep(packed::pack(&reply.headers, &body)).compressed();
        Ok(if body.is_complete() {
            computed
        } else {
            computed.improved_by(better)
        })
    }
}

/// Makes the compressed forms that the first caller did not wait for.
async fn better(bytes: Bytes) -> Option<Bytes> {
    let (headers, body) = packed::unpack(&bytes)?;
    let body = body.complete().await?;
    Some(packed::pack(&headers, &body))
}
