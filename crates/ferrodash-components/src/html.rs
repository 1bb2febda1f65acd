//! HTML elements. Attributes that all elements share are in the trait [`HtmlProps`]. The builders
//! are generated from Dash's own package.

include!(concat!(env!("OUT_DIR"), "/html.rs"));
