//! The browser script of Ferrodash and its settings, and changes to Dash's renderer.
//!
//! The script runs between Dash's renderer and the network: it debounces inputs, sends calls of one
//! moment in one request, stores answers in the page, and notices pages of another build. A page
//! that loads it has an element `_ferrodash-config`, whose text is a [`ScriptConfig`] as JSON.
//!
//! The script is written as plain JavaScript modules in `browser/`, with types in JSDoc; the build
//! script joins them. This crate knows neither apps nor servers.
//!
//! ```
//! use ferrodash_browser::{ScriptConfig, digest, script};
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
//!     ticks: false,
//!     reload: false,
//!     most: 8 << 20,
//!     cloud: false,
//! };
//! let json = serde_json::to_string(&config)?;
//! assert!(json.starts_with(r#"{"prefix":"/","build":"1a2b3c4d","#));
//!
//! assert!(script().starts_with("\"use strict\";"));
//! assert_eq!(digest().len(), 8);
//! # Ok::<(), serde_json::Error>(())
//! ```

#[cfg(test)]
mod join;
mod renderer;
mod settings;

use std::sync::LazyLock;

use sha2::{Digest, Sha256};

pub use renderer::repair_renderer;
pub use settings::{ClientCallback, ScriptBatch, ScriptConfig, ScriptGate, ScriptOverlap};

/// The script, as the build script has joined it.
const SCRIPT: &str = include_str!(concat!(env!("OUT_DIR"), "/ferrodash.js"));

/// Returns the script, which a page loads after the renderer and the components.
pub fn script() -> &'static str {
    SCRIPT
}

/// Returns eight hexadecimal digits that change with the script, for its address.
pub fn digest() -> &'static str {
    static DIGEST: LazyLock<String> = LazyLock::new(|| renderer::hex(&Sha256::digest(SCRIPT)[..4]));
    &DIGEST
}
