//! Renders what does not change while an app runs: the page with its settings, the list of
//! callbacks, a fixed layout.
//!
//! It takes a checked app and returns bodies with their compressed forms. It knows nothing of
//! requests; `crate::http` sends what is rendered here.

mod assets;
mod dependencies;
mod html;
mod inline;
mod page;
mod settings;
mod suites;

use bytes::Bytes;
use ferrodash_wire::Body;

pub(crate) use assets::is_hidden;
pub(crate) use dependencies::render as render_dependencies;
pub(crate) use inline::{RENDERER_HOOKS, inline_scripts};
pub(crate) use page::{Index, assemble};
pub(crate) use suites::{Served, Suites};

use crate::build::Checked;
use crate::layout::LayoutRequest;
use assets::Assets;

/// The parts of an app that are served as they are.
pub(crate) struct Rendered {
    /// The layout, if it is fixed.
    pub(crate) layout: Option<Body>,
    /// The list of callbacks, for the renderer.
    pub(crate) dependencies: Body,
    /// The page that the browser loads.
    pub(crate) index: Index,
    /// The bundles of the component suites.
    pub(crate) suites: Suites,
    /// Tells a page whether it is of this build.
    pub(crate) build_id: String,
}

impl Rendered {
    /// Renders an app. Calls `mistake` for what cannot be rendered, and goes on with empty bodies.
    pub(crate) fn new(app: &Checked, mistake: &mut dyn FnMut(String)) -> Self {
        let layout = render_layout(app, mistake);
        let suites = Suites::new(&app.config.suites);
        let assets = Assets::scan(&app.config);
        let dependencies = render_dependencies(&app.registry);
        let build_id = page_build(&app.build_id, &dependencies);
        let index = page::render(app, &suites, &assets, &build_id);
        let index = index.unwrap_or_else(|problem| {
            mistake(problem);
            Index::Fixed(Body::encode_now(Bytes::new()))
        });
        Self {
            layout,
            dependencies: Body::encode_now(dependencies.into()),
            index,
            suites,
            build_id,
        }
    }
}

/// Renders the layout, if it is the same for all requests.
fn render_layout(app: &Checked, mistake: &mut dyn FnMut(String)) -> Option<Body> {
    if !app.layout.is_fixed() {
        return None;
    }
    let json = app.layout.render(&LayoutRequest::default());
    let json = json.unwrap_or_else(|reason| {
        mistake(format!("the layout cannot be written as JSON: {reason}"));
        Vec::new()
    });
    Some(Body::encode_now(json.into()))
}

/// Returns the build as pages know it.
///
/// It also changes when nothing is cached, but callbacks come, go or change their inputs: a page
/// with another list of callbacks would send calls that this build refuses.
fn page_build(build_id: &str, dependencies: &[u8]) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher
        .update(build_id.as_bytes())
        .update(b"\0")
        .update(dependencies);
    hasher.finalize().to_hex()[..16].to_owned()
}
