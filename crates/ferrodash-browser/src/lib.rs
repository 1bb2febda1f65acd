//! The browser script of Ferrodash and its settings, and changes to Dash's renderer.
//!
//! The script runs between Dash's renderer and the network: it debounces inputs, sends calls of one
//! moment in one request, stores answers in the page, and notices pages of another build. A page
//! that loads it has an element `_ferrodash-config`, whose text is a [`ScriptConfig`] as JSON.
//!
//! The script is written as plain JavaScript modules in `browser/`, with types in JSDoc. A page
//! gets only the parts that it uses ([`Script`]). One part is for pages of Python Dash apps behind
//! a gateway ([`ScriptConfig::guest`]): calls that are not declared there work as without the
//! script. This crate knows neither apps nor servers.
//!
//! ```
//! use ferrodash_browser::{Script, ScriptConfig};
//!
//! let config = ScriptConfig {
//!     prefix: "/",
//!     build: "1a2b3c4d",
//!     client: Default::default(),
//!     gates: Vec::new(),
//!     namespaces: Vec::new(),
//!     overlap: Default::default(),
//!     pure: Vec::new(),
//!     batch: None,
//!     push: false,
//!     ticks: false,
//!     reload: false,
//!     guest: false,
//!     most: 8 << 20,
//!     cloud: false,
//! };
//! let json = serde_json::to_string(&config)?;
//! assert!(json.starts_with(r#"{"prefix":"/","build":"1a2b3c4d","#));
//!
//! let script = Script::of(&config);
//! assert_eq!(script, Script { waits: false, cache: false, guest: false });
//! assert!(script.text().contains("_ferrodash-config"));
//! # Ok::<(), serde_json::Error>(())
//! ```

mod renderer;
mod script;
mod settings;

pub use renderer::repair_renderer;
pub use script::Script;
pub use settings::{ClientCallback, ScriptBatch, ScriptConfig, ScriptGate, ScriptOverlap};
