//! One call to the app, which can be made again.

use std::net::IpAddr;
use std::sync::Arc;

use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use bytes::Bytes;
use ferrodash_cache::{Cache, Selector};
use tokio::time::Instant;

use crate::call::Call;
use crate::config::Part;
use crate::counters::{Answered, Counters, Visitor};
use crate::dash::Callback;
use crate::reply::Reply;
use crate::upstream::{Busy, Upstreams, make_anonymous, prepare};

/// The header that only answers of the gateway itself have.
const OWN: &str = "x-ferrodash-gateway";

/// One call to the app.
pub(crate) struct Ask {
    pub(crate) upstreams: Arc<Upstreams>,
    pub(crate) cache: Cache,
    pub(crate) counters: Arc<Counters>,
    pub(crate) callback: Arc<Callback>,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) peer: Option<IpAddr>,
    pub(crate) is_shared: bool,
    /// When the call came.
    pub(crate) arrived: Instant,
}

impl Ask {
    /// Returns whether an answer may be served to others who ask the same.
    pub(crate) fn may_be_shared(&self, reply: &Reply) -> bool {
        let call = Call::read(&self.body);
        let outputs = call.as_ref().and_then(Call::outputs);
        reply.may_be_shared(outputs, self.vary())
    }

    /// Returns the declared parts of the request on which the answer depends.
    fn vary(&self) -> &[Part] {
        let kept = self.callback.kept.as_ref();
        kept.map_or(&[], |kept| &kept.vary)
    }

    /// Calls the app when it is this call's turn. A call that is not answered gets an answer of the
    /// gateway.
    pub(crate) async fn send(&self) -> Reply {
        self.send_as(!self.is_shared).await
    }

    /// Calls the app as the visitor, for an answer that is for the visitor only.
    pub(crate) async fn send_as_visitor(&self) -> Reply {
        self.send_as(true).await
    }

    async fn send_as(&self, is_visitor: bool) -> Reply {
        let turn = match self.upstreams.limits.turn().await {
            Ok(turn) => turn,
            Err(Busy) => return busy(),
        };
        let mut headers = self.headers.clone();
        // The call may have been an address, which has other headers.
        for name in [header::IF_NONE_MATCH, header::RANGE, header::CACHE_CONTROL] {
            headers.remove(name);
        }
        let json = HeaderValue::from_static("application/json");
        headers.insert(header::CONTENT_TYPE, json);
        prepare(&mut headers, self.peer);
        if !is_visitor {
            make_anonymous(&mut headers, self.vary());
        }
        let start = Instant::now();
        let reply = self
            .upstreams
            .ask_prepared(Method::POST, self.uri.clone(), headers, self.body.clone())
            .await;
        drop(turn);
        match reply {
            Ok(reply) => {
                self.counters.count(&Answered {
                    callback: &self.callback,
                    body: &self.body,
                    visitor: Visitor::of(&self.headers, self.peer),
                    reply: &reply,
                    arrived: self.arrived,
                    took: start.elapsed(),
                });
                self.after(reply).await
            }
            Err(reason) => {
                tracing::warn!(callback = self.callback.output, %reason, "a call is not answered");
                own(reason.status(), reason.text())
            }
        }
    }

    /// Returns whether an answer is one of the app.
    pub(crate) fn is_answered(&self, reply: &Reply) -> bool {
        !reply.headers.contains_key(OWN)
    }

    /// Invalidates what the call has changed, before anybody learns that it has.
    async fn after(&self, reply: Reply) -> Reply {
        if self.callback.invalidates.is_empty() || !reply.is_success() {
            return reply;
        }
        let tags: Vec<Selector> = self
            .callback
            .invalidates
            .iter()
            .map(|tag| Selector::tag(tag))
            .collect();
        if let Err(error) = self.cache.invalidate(&tags).await {
            // The app has done its part, so the visitor gets the answer.
            tracing::error!(%error, "answers that a call has made wrong may still be served");
        }
        reply
    }
}

/// The answer to a call that is one too many.
pub(crate) fn busy() -> Reply {
    let text = "the app has as many calls as it can answer; try again\n".to_owned();
    let mut reply = own(StatusCode::SERVICE_UNAVAILABLE, text);
    let seconds = HeaderValue::from_static("1");
    reply.headers.insert(header::RETRY_AFTER, seconds);
    reply
}

/// Makes an answer of the gateway.
pub(crate) fn own(status: StatusCode, text: String) -> Reply {
    let mut reply = Reply::text(status, text);
    reply.headers.insert(OWN, HeaderValue::from_static("1"));
    reply
}
