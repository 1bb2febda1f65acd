//! A Dash back end in Rust: the official Dash front end, answered by async functions.
//!
//! ```no_run
//! use ferrodash::prelude::*;
//!
//! #[memoize(timeout = "5m")]
//! async fn rows(page: String) -> Vec<String> {
//!     (0..200).map(|i| format!("{page}-{i}")).collect()
//! }
//!
//! #[callback(
//!     output("content", "children"),
//!     input("url", "pathname"),
//!     cache(client, timeout = "5m")
//! )]
//! async fn render(pathname: String) -> html::Ul {
//!     html::Ul::new(rows(pathname).await.into_iter().map(html::Li::new))
//! }
//!
//! #[callback(output("echo", "children"), input("text", "value", debounce = "500ms"))]
//! async fn echo(value: Option<String>) -> String {
//!     value.unwrap_or_default().to_uppercase()
//! }
//!
//! #[tokio::main]
//! async fn main() -> ferrodash::Result<()> {
//!     let layout = html::Div::new((
//!         dcc::Location::new("url"),
//!         html::Div::new(()).id("content"),
//!         dcc::Input::new().id("text"),
//!         html::Div::new(()).id("echo"),
//!     ));
//!     App::new(layout).callbacks(callbacks![render, echo]).run("127.0.0.1:8050").await
//! }
//! ```
//!
//! # Where to find what
//!
//! - [`App`] describes an app, and builds or runs it. [`Server`] has the settings of its server.
//! - [`callback`](macro@callback) turns an async function into a [`Callback`];
//!   [`Callback::builder`] does the same without a macro. [`Context`] is what a function learns of
//!   its call, [`Outputs`], [`Update`], [`Patch`] and others are what it can return.
//! - [`html`], [`dcc`] and [`dash_table`] are the components. [`Id`] and [`id!`] make ids with
//!   wildcards.
//! - [`Page`] and [`PageRegistry`] are for apps of several pages.
//! - [`memoize`], [`CacheOptions`] and [`cache`](mod@cache) store results. [`Stored`] keeps values
//!   on the server between callbacks.
//! - [`Plugin`] extends apps, [`batch`](mod@batch) groups calls of other services.
//!
//! # Features
//!
//! | feature | brings | default |
//! |---|---|---|
//! | `disk` | the disk tier of the cache | no |
//! | `graphs` | the bundle of plotly.js, which `dcc::Graph` needs | yes |
//! | `http-batch` | batches over HTTP, `batch::http` | no |
//! | `log` | a log on standard error, unless the program has set up one | yes |
//! | `math` | the bundle of MathJax, for formulas in `dcc::Markdown` and `dcc::Graph` | yes |
//! | `memcached` | the Memcached tier of the cache | no |
//! | `plotly` | figures made with the `plotly` crate | no |
//! | `redis` | the Redis tier of the cache | no |
//! | `redis-tls` | TLS between the cache and Redis | no |

mod app;
mod build;
mod callback;
mod config;
mod error;
mod hooks;
mod http;
mod layout;
mod pages;
mod paths;
mod rate;
mod render;
mod state;
mod stored;
mod suite;

pub use app::{Algorithm, App, BuiltApp, Plugin, serve};
pub use callback::{
    Args, Argument, CacheOptions, Callback, CallbackArgument, CallbackArguments, CallbackBuilder,
    CallbackError, Context, Each, Failure, Grouping, Handler, HeaderError, Identity, Input,
    IntoAnswer, IntoCallbackError, IntoOutput, LastArgument, NoUpdate, Output, OutputValue,
    Outputs, Overlap, Patch, PatchKey, PatchValue, PreventUpdate, State, Trigger, Update,
    no_update,
};
pub use cookie;
pub use error::{BuildErrors, Error, Mistake, Result};
pub use ferrodash_batch as batch;
pub use ferrodash_cache as cache;
pub use ferrodash_cache::{Cache, Policy, memo};
pub use ferrodash_components::{
    ALL, ALLSMALLER, Child, Children, Component, ComponentExt, Id, IdValue, IntoChildren, IntoProp,
    Json, MATCH, Prop, Style, Suite, Wildcard, dash_table, dcc, html, id,
};
pub use ferrodash_macros::{callback, callbacks, invalidates, memoize};
pub use ferrodash_serve::{self as server, Server};
pub use ferrodash_wire::Flush;
pub use layout::{IntoLayout, Layout, LayoutRequest};
pub use pages::{
    IntoPageContent, IntoPageLayout, IntoPageText, NotFound, Page, PageLayout, PageOrder,
    PageRegistry, PageRequest, PageText, RegisteredPage, VariableError, Variables, page_container,
};
pub use paths::Paths;
pub use stored::{Stored, StoredError};

/// The names that an app usually needs: `use ferrodash::prelude::*`.
pub mod prelude {
    pub use crate::batch::{Batcher, LoadError};
    pub use crate::html::HtmlProps as _;
    pub use crate::{
        ALL, ALLSMALLER, App, Args, Cache, CacheOptions, Callback, CallbackError, Children,
        Component, ComponentExt as _, Context, Each, Failure, Id, Identity, Input, IntoChildren,
        Json, MATCH, NoUpdate, NotFound, Output, Outputs, Overlap, Page, PageRegistry, PageRequest,
        Patch, PreventUpdate, RegisteredPage, State, Stored, Style, Update, Variables, callback,
        callbacks, dash_table, dcc, html, id, invalidates, memo, memoize, no_update,
        page_container, pages,
    };
}

/// The names that macros need beside the public items. No part of the public interface.
#[doc(hidden)]
pub mod __private {
    pub use ferrodash_cache::__private as cache;
    pub use ferrodash_components;

    pub use crate::callback::run::handler::{
        Check, HandlerCall, HandlerError, HandlerFuture, Reader, Signature, reader, run,
    };
    pub use crate::callback::run::outcome::{AnswerResult, answers, single_answer};
}

/// The samples of the README and the guide, compiled as doctests.
#[cfg(doctest)]
mod guide {
    macro_rules! pages {
        ($($name:ident $path:literal;)*) => {$(
            #[doc = include_str!(concat!("../../../", $path))]
            struct $name;
        )*};
    }
    pages! {
        Batching "docs/guide/batching.md";
        Callbacks "docs/guide/callbacks.md";
        ClientCache "docs/guide/client-cache.md";
        Clientside "docs/guide/clientside.md";
        Components "docs/guide/components.md";
        Context "docs/guide/context.md";
        Debounce "docs/guide/debounce.md";
        Overlapping "docs/guide/overlap.md";
        Pages "docs/guide/pages.md";
        PartialUpdates "docs/guide/partial-updates.md";
        PatternMatching "docs/guide/pattern-matching.md";
        Plugins "docs/guide/plugins.md";
        Security "docs/guide/security.md";
        ServerCache "docs/guide/server-cache.md";
        Serving "docs/guide/serving.md";
        Tiers "docs/guide/tiers.md";
    }
}
