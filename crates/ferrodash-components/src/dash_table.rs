//! The data table.

include!(concat!(env!("OUT_DIR"), "/dash_table.rs"));
