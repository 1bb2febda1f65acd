//! What sends the requests of an API, and how an answer is read.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use reqwest::{Client, Method, Request, Url};
use tower::retry::budget::{Budget, TpsBudget};

use super::address::Address;
use super::error::HttpError;
use super::turns::Turns;

/// What all requests to one API share.
pub(super) struct Sender {
    pub(super) client: Client,
    pub(super) turns: Turns,
    /// The repeats that the host has left.
    pub(super) budget: Arc<TpsBudget>,
    pub(super) url: Address,
    /// The largest answer, in bytes.
    pub(super) max_answer: usize,
}

/// A response that was read to its end. The body of one that is not a success is not read.
pub(super) struct Response {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// Whether it came from another address.
    pub(super) was_redirected: bool,
}

impl Sender {
    /// Sends a request when it is its turn. One that is no repeat counts for the budget.
    pub(super) async fn send(
        &self,
        request: Request,
        is_repeat: bool,
    ) -> Result<Response, HttpError> {
        let _turn = self.turns.take().await;
        if !is_repeat {
            self.budget.deposit();
        }
        let asked: Url = request.url().clone();
        let is_post = request.method() == Method::POST;
        let response = self.client.execute(request).await;
        let mut response = response.map_err(|source| self.no_answer(source))?;
        let status = response.status();
        let was_redirected = *response.url() != asked;
        if is_post && was_redirected && status.is_success() {
            let url = self.url.to_string();
            return Err(HttpError::Redirected { url });
        }
        let mut body = BytesMut::new();
        while status.is_success() {
            let chunk = response.chunk().await;
            let Some(chunk) = chunk.map_err(|source| self.no_answer(source))? else {
                break;
            };
            if body.len() + chunk.len() > self.max_answer {
                return Err(HttpError::TooLarge {
                    url: self.url.to_string(),
                    limit: self.max_answer,
                });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Response {
            status,
            headers: std::mem::take(response.headers_mut()),
            body: body.freeze(),
            was_redirected,
        })
    }

    /// Takes a repeat out of the budget. Returns whether there was one.
    pub(super) fn may_repeat(&self) -> bool {
        self.budget.withdraw()
    }

    pub(super) fn no_answer(&self, source: reqwest::Error) -> HttpError {
        HttpError::NoAnswer {
            url: self.url.to_string(),
            // Its text would contain the whole address.
            source: source.without_url(),
        }
    }
}
