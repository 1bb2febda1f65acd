//! The data table of Dash, [`DataTable`]. The builder is generated from Dash's own package.

include!(concat!(env!("OUT_DIR"), "/dash_table.rs"));
