//! [dash-bootstrap-components](https://www.dash-bootstrap-components.com) 2.0.4 for Ferrodash: a
//! typed builder for each of its components, and the script that draws them.
//!
//! ```
//! use ferrodash::prelude::*;
//! use ferrodash_bootstrap_components as dbc;
//!
//! #[callback(output("message", "is_open"), input("save", "n_clicks"))]
//! async fn saved(clicks: Option<u32>) -> bool {
//!     clicks.is_some()
//! }
//!
//! let layout = dbc::Container::new((
//!     dbc::Button::new("Save").id("save").color("primary").class_name("me-2"),
//!     dbc::Alert::new("Saved").id("message").color("success").is_open(false),
//! ));
//! let app = App::new(layout).suite(&dbc::SUITE).external_stylesheet("/assets/bootstrap.min.css");
//! # app.callbacks(callbacks![saved]).build().unwrap();
//! ```
//!
//! # Themes
//!
//! The package has no style sheets. Dash's `dbc.themes.BOOTSTRAP` and its sisters are addresses of
//! a public server, and so are the icons; give the address of a theme to
//! `App::external_stylesheet`, or put its file into the assets folder, which needs no other server.
//! It must be a theme of Bootstrap 5.

include!(concat!(env!("OUT_DIR"), "/dash_bootstrap_components.rs"));

/// The sample of the guide, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/guide/suites.md")]
struct Guide;
