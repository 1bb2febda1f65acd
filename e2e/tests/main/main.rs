//! What a user sees, in Chromium with the official front end. Names of tests begin with the
//! scenario they show.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails where something is not as it should be"
)]

mod answers;
mod back;
mod batch;
mod cache;
mod callbacks;
mod client_cache;
mod conformance;
mod connection;
mod debounce;
mod examples;
mod front_end;
mod kept;
mod multipage;
mod overlap;
mod patterns;
mod push;
mod render;
mod security;
mod storage;
mod suites;
mod throttle;
mod typing;
mod users;
mod waits;
