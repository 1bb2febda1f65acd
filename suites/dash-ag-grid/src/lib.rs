//! dash-ag-grid 35.3.0 for Ferrodash.

include!(concat!(env!("OUT_DIR"), "/dash_ag_grid.rs"));
