//! dash-bootstrap-components 2.0.4 for Ferrodash.

include!(concat!(env!("OUT_DIR"), "/dash_bootstrap_components.rs"));
