//! What a user sees, in Chromium with the official front end. Names of tests begin with the scenario they show.

mod client_cache;
mod debounce;
mod examples;
mod render;
