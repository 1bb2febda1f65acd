//! Checks an app as it was described. Every mistake is gathered with its place, so that the author
//! sees all of them at once.
//!
//! [`check`] takes a [`Description`] and returns [`Checked`], which is complete even if there were
//! mistakes, so that later steps can look for more. This floor knows nothing of what is rendered
//! and served. Rules for a single callback or path are where those are defined; here they are
//! compared with each other, the settings and the layout.

mod callbacks;
mod claims;
mod first_values;
mod layout;
mod pages;
mod settings;
mod waits;

use std::panic::Location;
use std::sync::Arc;

use crate::callback::{Callback, Registry, Spec};
use crate::config::Config;
use crate::error::Mistake;
use crate::layout::Layout;
use crate::pages::{PageRegistry, Settings};

pub(crate) use claims::check as check_claims;

/// An app as it was described.
pub(crate) struct Description {
    pub(crate) layout: Layout,
    pub(crate) callbacks: Vec<Callback>,
    pub(crate) config: Config,
    pub(crate) pages: Settings,
    /// The call of `App::new`, for mistakes that have no place of their own.
    pub(crate) location: &'static Location<'static>,
}

/// An app as it can be rendered, if no mistake was found.
pub(crate) struct Checked {
    pub(crate) layout: Layout,
    pub(crate) registry: Arc<Registry>,
    pub(crate) config: Config,
    pub(crate) pages: Arc<PageRegistry>,
    /// Tells builds of the program apart.
    pub(crate) build_id: String,
}

/// Puts the parts of an app together; every mistake is added to `mistakes`.
///
/// The function registers pages and callbacks and applies the plugins to the layout. If a callback
/// is cached and the app has no build id, it reads the program's file.
pub(crate) fn check(description: Description, mistakes: &mut Vec<Mistake>) -> Checked {
    let Description {
        layout,
        mut callbacks,
        config,
        pages,
        location,
    } = description;
    let inputs: Vec<String> = pages.inputs.iter().map(|(name, _)| name.clone()).collect();
    // Pages come first: they bring callbacks of their own, and a layout can be made of them.
    let (pages, routing) = pages.register(&config);
    pages::check(&pages, &inputs, mistakes);
    callbacks.extend(routing);
    let build_id = config
        .build_id
        .clone()
        .unwrap_or_else(|| build_id(&callbacks));
    let registry = Registry::new(callbacks, config.callback_defaults(&build_id), mistakes);
    let mut mistake = |text: String| mistakes.push(Mistake::at(location, text));
    settings::check(&config, &mut mistake);
    callbacks::check_identity(&registry, &config, mistakes);
    let layout = layout.with_pages(&pages).changed_by(&config.plugins);
    let checked = Checked {
        layout,
        registry: Arc::new(registry),
        config,
        pages: Arc::new(pages),
        build_id,
    };
    check_layout(&checked, location, mistakes);
    checked
}

/// Checks the layout by itself, and callbacks against it.
///
/// Callbacks are compared only with a layout and pages that are the same for all requests;
/// otherwise the components are not known yet.
fn check_layout(app: &Checked, location: &'static Location<'static>, mistakes: &mut Vec<Mistake>) {
    let mut mistake = |text: String| mistakes.push(Mistake::at(location, text));
    layout::check_container(&app.pages, &app.layout, &mut mistake);
    let components = layout::components_by_id(&app.layout, &app.pages, location, mistakes);
    let is_fixed = app.layout.is_fixed() && app.pages.is_fixed();
    waits::warn_of_two_waits(&app.registry, &components);
    if is_fixed && !app.config.suppress_callback_exceptions {
        callbacks::check_properties(&app.registry, &components, &app.config, mistakes);
        first_values::check(&app.registry, &components, mistakes);
    }
}

/// Returns a digest of the program's file: another build is another program.
///
/// The file is read only if answers are cached, as reading it takes a moment. If it cannot be read,
/// the names and versions of the callbacks stand for it.
fn build_id(callbacks: &[Callback]) -> String {
    if !callbacks
        .iter()
        .any(|callback| callback.spec.cache.is_some())
    {
        return String::new();
    }
    let mut hasher = blake3::Hasher::new();
    let file = std::env::current_exe().and_then(std::fs::File::open);
    if let Err(error) = file.and_then(|file| hasher.update_reader(file).map(drop)) {
        tracing::warn!(
            %error,
            "the program's file cannot be read; \
             builds are distinguished by their functions only"
        );
        for Spec { name, version, .. } in callbacks.iter().map(|callback| &callback.spec) {
            hasher.update(name.as_bytes()).update(version.as_bytes());
        }
    }
    hasher.finalize().to_hex()[..16].to_owned()
}
