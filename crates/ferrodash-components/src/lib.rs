//! Dash's components for Rust: typed builders for [`html`], [`dcc`] and [`dash_table`], and the
//! bundles that draw them.
//!
//! Every component of the suites has a builder. What a component needs is an argument of `new`,
//! everything else a setter with the documentation of the suite; a name or a type that does not
//! exist is a compile error.
//!
//! ```
//! use ferrodash_components::{Component, ComponentExt, dcc, html, html::HtmlProps};
//!
//! let page: Component = html::Div::new((
//!     html::H1::new("Flights").class_name("title"),
//!     dcc::Input::new().id("search").placeholder("Carrier or tail number"),
//!     (1..=3).map(html::Li::new).collect::<Vec<_>>(),
//! ))
//! .style([("maxWidth", "60rem")])
//! .into();
//! assert!(serde_json::to_string(&page).unwrap().starts_with(r#"{"props":{"children":[{"props""#));
//! ```
//!
//! All builders make one type, [`Component`], which serializes to Dash's JSON. [`Children`] is the
//! content of a component, [`Prop`] the value of any property. [`Id`] is text or a dictionary, with
//! wildcards in callbacks. The crate knows neither servers nor callbacks.
//!
//! A suite of one's own is a crate that depends on this one and on `ferrodash-build`; see
//! [`Suite`].

// Generated code names this crate as a suite crate does.
extern crate self as ferrodash_components;

mod children;
mod component;
mod download;
mod flatten;
mod id;
mod into_prop;
mod style;
mod suite;
pub mod value;

pub use children::{Child, Children, IntoChildren};
pub use component::{Component, ComponentExt, Prop};
pub use id::{ALL, ALLSMALLER, Float, Id, IdValue, MATCH, Wildcard};
pub use into_prop::{IntoProp, Json};
pub use style::Style;
pub use suite::{Bundle, ComponentInfo, Suite};

pub mod dash_table;
pub mod dcc;
pub mod html;

/// The names that generated code needs beside the public items. No part of the public interface.
#[doc(hidden)]
pub mod __private {
    pub use serde;
}

/// React and the renderer itself. Every page needs it; it has no components.
pub mod renderer {
    include!(concat!(env!("OUT_DIR"), "/renderer.rs"));
}

/// plotly.js, which `dcc::Graph` loads when it is first drawn.
#[cfg(feature = "graphs")]
pub mod plotly_js {
    include!(concat!(env!("OUT_DIR"), "/plotly_js.rs"));
}
