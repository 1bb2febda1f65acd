//! What a handler has not read of a request's body is read and discarded.
//!
//! A browser reads the answer only after it has sent all of the body. A server that answers early
//! and closes the connection shows in the browser as a broken connection, not as the answer (RFC
//! 9112, section 9.6).

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use http_body_util::BodyExt;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::runtime::Handle;
use tokio::time::timeout;
use tower::util::MapRequestLayer;

/// How long the rest of a body is read. nginx calls this `lingering_time`, with the same default.
const LINGER: Duration = Duration::from_secs(30);

/// Discards what the routes leave of the bodies of their requests.
pub fn discard(router: Router) -> Router {
    router.layer(MapRequestLayer::new(|request: Request| {
        request.map(watched)
    }))
}

fn watched(body: Body) -> Body {
    // Most requests have no body.
    if body.is_end_stream() {
        body
    } else {
        Body::new(Watched(Some(body)))
    }
}

/// A body that is read to its end when it is dropped; empty when it has ended.
struct Watched(Option<Body>);

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Some(body) = &mut self.0 else {
            return Poll::Ready(None);
        };
        let frame = Pin::new(body).poll_frame(context);
        if let Poll::Ready(None | Some(Err(_))) = frame {
            self.0 = None;
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.0
            .as_ref()
            .map(HttpBody::size_hint)
            .unwrap_or_else(|| SizeHint::with_exact(0))
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let rest = self.0.take().filter(|body| !body.is_end_stream());
        // Without a runtime nobody serves the connection any more.
        if let (Some(body), Ok(runtime)) = (rest, Handle::try_current()) {
            runtime.spawn(read_to_end(body));
        }
    }
}

/// The connection is closed when the body is dropped before its end.
async fn read_to_end(mut body: Body) {
    let all = async { while body.frame().await.is_some_and(|frame| frame.is_ok()) {} };
    // What takes longer is given up.
    let _ = timeout(LINGER, all).await;
}
