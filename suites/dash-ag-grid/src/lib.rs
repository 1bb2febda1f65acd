//! [dash-ag-grid](https://dash.plotly.com/dash-ag-grid) 35.3.0 for Ferrodash: a typed builder for
//! the grid, and the scripts that draw it.
//!
//! ```
//! use ferrodash::prelude::*;
//! use ferrodash_ag_grid as dag;
//! use serde_json::{Value, json};
//!
//! #[callback(output("chosen", "children"), input("grid", "selectedRows"))]
//! async fn chosen(rows: Option<Vec<Value>>) -> String {
//!     format!("{} rows", rows.unwrap_or_default().len())
//! }
//!
//! let grid = dag::AgGrid::new()
//!     .id("grid")
//!     .column_defs(json!([{"field": "carrier"}, {"field": "flights", "filter": "agNumberColumnFilter"}]))
//!     .row_data(json!([{"carrier": "UA", "flights": 58665}, {"carrier": "B6", "flights": 54635}]))
//!     .dash_grid_options(json!({"rowSelection": {"mode": "multiRow"}}));
//! let app = App::new(html::Div::new((grid, html::P::new(()).id("chosen")))).suite(&dag::SUITE);
//! # app.callbacks(callbacks![chosen]).build().unwrap();
//! ```
//!
//! The grid's own themes are in its script. Functions in options are names in
//! `window.dashAgGridFunctions`, which a script of the assets folder fills, as in Dash. The modules
//! of AG Grid Enterprise (`enable_enterprise_modules`) are embedded and loaded only where they are
//! asked for; they need a licence of AG Grid Ltd.

include!(concat!(env!("OUT_DIR"), "/dash_ag_grid.rs"));
