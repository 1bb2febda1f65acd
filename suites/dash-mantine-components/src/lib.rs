//! [dash-mantine-components](https://www.dash-mantine-components.com) 2.8.1 for Ferrodash: a typed
//! builder for each of its components, and the scripts that draw them.
//!
//! ```
//! use ferrodash::prelude::*;
//! use ferrodash_mantine_components as dmc;
//!
//! #[callback(output("greeting", "children"), input("name", "value"))]
//! async fn greet(name: Option<String>) -> String {
//!     format!("Hello {}", name.unwrap_or_default())
//! }
//!
//! let layout = dmc::MantineProvider::new(dmc::Stack::new((
//!     dmc::TextInput::new().id("name").label("Name").w(300),
//!     dmc::Text::new(()).id("greeting").c("dimmed"),
//! )));
//! let app = App::new(layout).suite(&dmc::SUITE);
//! # app.callbacks(callbacks![greet]).build().unwrap();
//! ```
//!
//! Everything of Mantine stands inside one `MantineProvider`. Its style sheets are in the script,
//! so that a page needs no others. Charts, the code highlighter and the text editor are scripts of
//! their own, loaded when they are first drawn.
//!
//! Sizes and colours (`size`, `radius`, `m`, `c`, …) take what Dash takes: a key of the theme, a
//! CSS value, or `json!({"base": "sm", "lg": "xl"})` for a value per width of the window.

include!(concat!(env!("OUT_DIR"), "/dash_mantine_components.rs"));
