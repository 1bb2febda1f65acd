//! The settings of the renderer.

use std::collections::BTreeMap;

use serde::Serialize;

/// The content of a page's `_dash-config`, with Dash's names.
#[derive(Debug, Serialize)]
#[expect(
    missing_docs,
    reason = "the fields are Dash's, and are documented there"
)]
pub struct RendererConfig<'a> {
    pub requests_pathname_prefix: &'a str,
    pub ui: bool,
    pub props_check: bool,
    pub disable_version_check: bool,
    pub show_undo_redo: bool,
    pub suppress_callback_exceptions: bool,
    pub update_title: Option<&'a str>,
    /// By namespace and type, the properties beside `children` that contain components.
    pub children_props: BTreeMap<&'a str, BTreeMap<&'a str, &'a [&'a str]>>,
    pub serve_locally: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plotlyjs_url: Option<String>,
    pub dash_version: &'a str,
    pub plotly_cloud_installed: bool,
    pub validate_callbacks: bool,
    pub csrf_token_name: &'a str,
    pub csrf_header_name: &'a str,
}
