//! Many calls in one request: `POST _ferrodash/batch`.
//!
//! Each call is answered as if it had come alone. An answer that has more headers than a line can
//! have, such as a cookie, is parked: the page gets it with a request of its own.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::Response;
use bytes::Bytes;
use ferrodash_serve::body::{self, Reading, is_json};
use ferrodash_serve::lines::{Calls, line, lines};
use ferrodash_serve::send::accepts;
use ferrodash_wire::{Accepts, Batch, KEEP};
use tokio::task::JoinSet;

use super::calls::{Incoming, answer};
use super::forward::unanswered;
use super::request::{is_cross_site, peer};
use crate::parked::PARKED;
use crate::reply::Reply;
use crate::state::State;

/// The calls of one request that run at a time. How many the app gets is limited elsewhere.
const RUNNING: usize = 64;

/// The longest request, in bytes. Our page sends a third of it at most.
const LONGEST: usize = 4 << 20;

/// The header by which a page learns that an answer is parked.
const TOKEN: HeaderName = HeaderName::from_static("x-ferrodash-parked");

/// The headers of an answer that a page looks at.
const TOLD: [&str; 5] = [
    "content-type",
    "cache-status",
    "server-timing",
    KEEP,
    "x-ferrodash-parked",
];

/// Headers that do something in a browser, which a line does not.
const EFFECTS: [HeaderName; 6] = [
    header::SET_COOKIE,
    header::LOCATION,
    header::WWW_AUTHENTICATE,
    HeaderName::from_static("clear-site-data"),
    HeaderName::from_static("refresh"),
    HeaderName::from_static("x-ferrodash-cookies"),
];

/// Answers many calls.
pub(super) async fn serve(state: &Arc<State>, prefix: &str, request: Request) -> Response {
    let peer = peer(&request);
    let (parts, sent) = request.into_parts();
    if is_cross_site(&parts.headers) {
        let text = "another site may not call callbacks\n".to_owned();
        return Reply::text(StatusCode::FORBIDDEN, text).into_response();
    }
    if !is_json(&parts.headers) {
        let text = "a call is JSON\n".to_owned();
        return Reply::text(StatusCode::UNSUPPORTED_MEDIA_TYPE, text).into_response();
    }
    let read = body::read(&parts.headers, sent, LONGEST).await;
    let read = read.and_then(|sent| body::hold(&sent).map(|held| (sent, held)));
    let Ok((sent, held)) = read else {
        // Whatever the reason, the page then sends them one by one.
        let text = "the calls are too long, broke off, or are too much at the moment\n".to_owned();
        return Reply::text(StatusCode::PAYLOAD_TOO_LARGE, text).into_response();
    };
    let calls: Vec<Bytes> = match serde_json::from_slice::<Batch<'_>>(&sent) {
        Ok(batch) => batch
            .0
            .iter()
            .map(|call| sent.slice_ref(call.get().as_bytes()))
            .collect(),
        Err(error) => {
            let text = format!("the calls are not understood: {error}\n");
            return Reply::text(StatusCode::UNPROCESSABLE_ENTITY, text).into_response();
        }
    };
    let query = parts.uri.query().map(|query| format!("?{query}"));
    let path = format!(
        "{prefix}_dash-update-component{}",
        query.unwrap_or_default()
    );
    let Ok(uri) = path.parse() else {
        let text = "the address is not understood\n".to_owned();
        return Reply::text(StatusCode::UNPROCESSABLE_ENTITY, text).into_response();
    };
    let encoding = accepts(&parts.headers).of_stream();
    let waiting: Vec<(usize, Bytes)> = calls.into_iter().enumerate().rev().collect();
    let calls = Waits {
        state: state.clone(),
        prefix: prefix.to_owned(),
        uri,
        headers: parts.headers,
        peer,
        waiting,
        _held: held,
    };
    lines(encoding, calls)
}

/// The calls of a request that are not answered yet, the next one last.
struct Waits {
    state: Arc<State>,
    prefix: String,
    uri: Uri,
    headers: HeaderMap,
    peer: Option<IpAddr>,
    waiting: Vec<(usize, Bytes)>,
    /// Counts the text of all calls until they are answered.
    _held: Reading,
}

impl Calls for Waits {
    fn start(&mut self, running: &mut JoinSet<Vec<u8>>) {
        while running.len() < RUNNING
            && let Some((place, body)) = self.waiting.pop()
        {
            let state = self.state.clone();
            let call = Incoming {
                prefix: self.prefix.clone(),
                uri: self.uri.clone(),
                headers: self.headers.clone(),
                body,
                peer: self.peer,
            };
            running.spawn(async move {
                let headers = call.headers.clone();
                // The lines are compressed together.
                let response = answer(&state, call, Accepts::NOTHING).await;
                // All of it: a parked answer must not hold a connection to the app.
                let mut response = match state.upstreams.read(response).await {
                    Ok(reply) => reply.into_response(),
                    Err(reason) => unanswered(&reason),
                };
                if !is_plain(response.headers()) {
                    response = parked(&state, response, &headers);
                }
                line(place, response, &TOLD).await
            });
        }
    }
}

/// Returns whether a line can have all that an answer does.
fn is_plain(headers: &HeaderMap) -> bool {
    EFFECTS.iter().all(|name| !headers.contains_key(name))
}

/// Parks an answer. What is in the line then says only that.
fn parked(state: &Arc<State>, mut response: Response, headers: &HeaderMap) -> Response {
    let Some(token) = state.parked.park(&mut response, headers) else {
        return response;
    };
    let (later, name) = (state.clone(), token.clone());
    tokio::spawn(async move {
        tokio::time::sleep(PARKED).await;
        later.parked.discard(&name);
    });
    let mut response = Reply::text(StatusCode::OK, String::new()).into_response();
    let token = HeaderValue::try_from(token).expect("it is hex");
    response.headers_mut().insert(TOKEN, token);
    response
}
