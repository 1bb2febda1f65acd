//! dash-mantine-components 2.8.1 for Ferrodash.

include!(concat!(env!("OUT_DIR"), "/dash_mantine_components.rs"));
