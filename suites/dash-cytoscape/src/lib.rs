//! [dash-cytoscape](https://dash.plotly.com/cytoscape) 1.0.2 for Ferrodash: a typed builder for the
//! graph, and the script that draws it.
//!
//! ```
//! use ferrodash::prelude::*;
//! use ferrodash_cytoscape as cyto;
//! use serde_json::{Value, json};
//!
//! #[callback(output("clicked", "children"), input("routes", "tapNodeData"))]
//! async fn clicked(node: Option<Value>) -> String {
//!     node.map_or("Click an airport".into(), |node| format!("{} was clicked", node["label"]))
//! }
//!
//! let graph = cyto::Cytoscape::new()
//!     .id("routes")
//!     .layout(json!({"name": "circle"}))
//!     .elements(json!([
//!         {"data": {"id": "JFK", "label": "New York"}},
//!         {"data": {"id": "LAX", "label": "Los Angeles"}},
//!         {"data": {"source": "JFK", "target": "LAX"}},
//!     ]));
//! let app = App::new(html::Div::new((graph, html::P::new(()).id("clicked")))).suite(&cyto::SUITE);
//! # app.callbacks(callbacks![clicked]).build().unwrap();
//! ```
//!
//! Where Dash calls `cyto.load_extra_layouts()`, the app adds [`extra_layouts::SUITE`] in the place
//! of [`SUITE`].

include!(concat!(env!("OUT_DIR"), "/dash_cytoscape.rs"));

/// The same component, drawn by a larger script that knows the layouts `cola`, `cose-bilkent`,
/// `dagre`, `euler`, `klay` and `spread` too.
///
/// ```
/// use ferrodash::prelude::*;
/// use ferrodash_cytoscape::{Cytoscape, extra_layouts};
/// use serde_json::json;
///
/// let graph = Cytoscape::new().id("tree").layout(json!({"name": "dagre"})).elements(json!([{"data": {"id": "root"}}]));
/// App::new(graph).suite(&extra_layouts::SUITE).build().unwrap();
/// ```
pub mod extra_layouts {
    include!(concat!(env!("OUT_DIR"), "/extra_layouts.rs"));
}
