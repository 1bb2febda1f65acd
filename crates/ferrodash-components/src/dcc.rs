//! Dash Core Components: inputs, graphs, routing, stores.
//!
//! The builders are generated from Dash's own package; files for downloads and figures of the
//! `plotly` crate are added by hand.

pub use crate::download::{DownloadData, send_bytes, send_string};

include!(concat!(env!("OUT_DIR"), "/dcc.rs"));

#[cfg(feature = "plotly")]
impl Graph {
    /// Shows a figure made with the `plotly` crate: its traces and layout, and its configuration as
    /// `config`.
    ///
    /// An empty configuration leaves `config` as it is.
    pub fn plot(mut self, plot: &plotly::Plot) -> Self {
        let serde_json::Value::Object(mut figure) = serde_json::to_value(plot).unwrap_or_default()
        else {
            return self;
        };
        let config = figure.remove("config");
        self.0.set("figure", crate::Prop::Json(figure.into()));
        if let Some(config) =
            config.filter(|config| config.as_object().is_some_and(|config| !config.is_empty()))
        {
            self.0.set("config", crate::Prop::Json(config));
        }
        self
    }
}
