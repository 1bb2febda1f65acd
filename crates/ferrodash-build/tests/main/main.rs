//! The generator on small metadata, and every way in which a wheel cannot be had.

#![expect(clippy::unwrap_used, reason = "a test fails where something is not as it should be")]

mod classes;
mod generate;
mod sdists;
mod wheels;
