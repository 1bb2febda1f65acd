//! HTML elements. Shared attributes are in [`HtmlProps`].

include!(concat!(env!("OUT_DIR"), "/html.rs"));
