//! What a Dash page and its server send each other.
//!
//! The JSON shapes of the wire are defined here and nowhere else: a [`Call`] of a callback and its
//! [`Answer`], a [`Batch`] of calls and the [`line()`] of each answer, the [`Specification`] of a
//! callback, the [`RendererConfig`] of a page. [`Body`] is the encoded body of an answer with its
//! compressed forms. [`Keep`] and [`PageChanges`] are what a page that keeps answers learns. The
//! shapes are those of Dash 4.4.1; batches and carriers are Ferrodash's own.
//!
//! This crate knows neither apps nor HTTP servers.
//!
//! ```
//! use ferrodash_wire::{Answer, Call};
//!
//! let call: Call<'_> = serde_json::from_str(
//!     r#"{
//!         "output": "out.children",
//!         "outputs": {"id": "out", "property": "children"},
//!         "inputs": [{"id": "in", "property": "value", "value": 7}],
//!         "changedPropIds": ["in.value"]
//!     }"#,
//! )?;
//! assert_eq!(call.output.as_deref(), Some("out.children"));
//!
//! let answer = Answer::new([("out", "children", &"seven")]);
//! let body = answer.to_bytes()?;
//! assert_eq!(body, r#"{"multi":true,"response":{"out":{"children":"seven"}}}"#);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod answer;
mod batch;
mod body;
mod call;
mod carrier;
mod config;
mod dependencies;
mod fields;
mod keep;
mod wait;

pub use answer::{Answer, Unwritable};
pub use batch::{Batch, LineBody, MOST_CALLS, line};
pub use body::{Accepts, Body, Encoding, Stream, compress_once};
pub use call::Call;
pub use carrier::carrier;
pub use config::RendererConfig;
pub use dependencies::{ClientsideFunction, DeclaredProperty, Running, Specification};
pub use fields::Fields;
pub use keep::{KEEP, Keep, PageChanges};
pub use wait::{Flush, Wait, WaitTiming};
