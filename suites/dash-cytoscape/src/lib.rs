//! dash-cytoscape 1.0.2 for Ferrodash.

include!(concat!(env!("OUT_DIR"), "/dash_cytoscape.rs"));
