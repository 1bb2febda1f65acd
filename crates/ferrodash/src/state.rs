//! What all requests share: read-only once the app is built, everything that can be rendered once
//! is.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::panic::Location;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use axum::extract::ConnectInfo;
use axum::http::Extensions;
use axum::http::request::Parts;
use bytes::Bytes;
use ferrodash_cache::Cache;
use ferrodash_components::{Children, Component, ComponentInfo};

use crate::app::App;
use crate::body::Body;
use crate::callback::{Callback, Property, Registry, RequestParts, Spec, Vary};
use crate::config::Config;
use crate::error::Mistake;
use crate::first_values::check_first_values;
use crate::http::{Assets, Index, Limits, Suites, csrf_problem, render_dependencies, render_index};
use crate::layout::{Layout, LayoutRequest};
use crate::pages::PageRegistry;
use crate::paths;
use crate::stored::Vault;

/// An app, built.
pub(crate) struct AppState {
    pub(crate) config: Config,
    pub(crate) registry: Arc<Registry>,
    pub(crate) cache: Cache,
    pub(crate) layout: Layout,
    /// The rendered layout, if it is fixed.
    pub(crate) fixed_layout: Option<Body>,
    pub(crate) dependencies: Body,
    pub(crate) index: Index,
    pub(crate) pages: Arc<PageRegistry>,
    pub(crate) suites: Suites,
    /// Tells a page whether it is of this build.
    pub(crate) build_id: String,
    /// Whether the warm-up has ended.
    pub(crate) ready: AtomicBool,
    pub(crate) vault: Arc<Vault>,
    /// The calls in progress.
    pub(crate) limits: Limits,
    /// The registry and the pages, for callbacks.
    pub(crate) services: Arc<Extensions>,
}

impl AppState {
    /// Checks the app and renders what does not change; every mistake is added to `mistakes`.
    pub(crate) fn new(app: App, ready: bool, mistakes: &mut Vec<Mistake>) -> Self {
        let App {
            layout,
            mut callbacks,
            cache,
            config,
            pages,
            location,
            ..
        } = app;
        let (pages, routing) = pages.register(&config, mistakes);
        let (layout, pages) = (
            layout.with_pages(&pages).changed_by(&config.plugins),
            Arc::new(pages),
        );
        callbacks.extend(routing);
        let build_id = config
            .build_id
            .clone()
            .unwrap_or_else(|| build_id(&callbacks));
        let registry = Registry::new(callbacks, config.callback_defaults(&build_id), mistakes);
        let mut mistake = |text: String| mistakes.push(Mistake::at(location, text));
        check_paths(&config, &mut mistake);
        csrf_problem(&config.csrf)
            .into_iter()
            .for_each(&mut mistake);
        check_identity(&registry, &config, mistakes);
        let mut mistake = |text: String| mistakes.push(Mistake::at(location, text));
        pages.check_container(&layout, &mut mistake);
        let components = components_by_id(&layout, &pages, location, mistakes);
        if layout.is_fixed() && pages.is_fixed() && !config.suppress_callback_exceptions {
            check_properties(&registry, &components, &config, mistakes);
            check_first_values(&registry, &components, mistakes);
        }
        let mut mistake = |text: String| mistakes.push(Mistake::at(location, text));
        let fixed_layout =
            layout
                .is_fixed()
                .then(|| match layout.render(&LayoutRequest::default()) {
                    Ok(json) => Body::encode_now(json.into()),
                    Err(reason) => {
                        mistake(format!("the layout cannot be written as JSON: {reason}"));
                        Body::encode_now(Bytes::new())
                    }
                });
        let suites = Suites::new(&config.suites);
        let assets = Assets::scan(&config);
        let dependencies = render_dependencies(&registry);
        let build_id = page_build(&build_id, &dependencies);
        let dependencies = Body::encode_now(dependencies.into());
        let index = render_index(&config, &registry, &suites, &assets, &pages, &build_id);
        let index = index.unwrap_or_else(|problem| {
            mistake(problem);
            Index::Fixed(Body::encode_now(Bytes::new()))
        });
        let (ready, vault) = (
            AtomicBool::new(ready),
            Arc::new(Vault::new(config.secret.as_deref())),
        );
        let (registry, limits) = (Arc::new(registry), Limits::new(&config.limits));
        let mut services = Extensions::new();
        services.insert(registry.clone());
        services.insert(pages.clone());
        Self {
            config,
            registry,
            cache,
            layout,
            fixed_layout,
            dependencies,
            index,
            pages,
            suites,
            build_id,
            ready,
            vault,
            limits,
            services: Arc::new(services),
        }
    }

    /// What callbacks may know of a request.
    pub(crate) fn request(&self, parts: Parts) -> RequestParts {
        RequestParts {
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            remote: parts
                .extensions
                .get::<ConnectInfo<SocketAddr>>()
                .map(|info| info.0),
            headers: parts.headers,
            extensions: parts.extensions,
            identify: self.config.identify.clone(),
            who: OnceLock::new(),
            vault: Some(self.vault.clone()),
            services: self.services.clone(),
        }
    }
}

/// A digest of the program's file: another build is another program. Only asked for when answers
/// are cached.
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
        tracing::warn!(%error, "the program's file cannot be read, so builds are told apart by their functions only");
        for Spec { name, version, .. } in callbacks.iter().map(|callback| &callback.spec) {
            hasher.update(name.as_bytes()).update(version.as_bytes());
        }
    }
    hasher.finalize().to_hex()[..16].to_owned()
}

/// What a page says its build is: also another one when nothing is cached, but callbacks come, go
/// or change their inputs.
fn page_build(build_id: &str, dependencies: &[u8]) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher
        .update(build_id.as_bytes())
        .update(b"\0")
        .update(dependencies);
    hasher.finalize().to_hex()[..16].to_owned()
}

/// Answers for users need somebody who says who they are.
fn check_identity(registry: &Registry, config: &Config, mistakes: &mut Vec<Mistake>) {
    let by_user = |by: &&Vary| matches!(by, Vary::User | Vary::Roles);
    for registered in registry.iter().filter(|_| config.identify.user.is_none()) {
        if let Some(by) = registered.vary.iter().find(by_user) {
            let text = format!(
                "it varies by {by}, but nothing says who makes a request; give the app App::identity"
            );
            mistakes.push(registered.callback.mistake(text));
        }
    }
}

/// Paths that no browser sends as they are written, or that the router could not serve.
fn check_paths(config: &Config, mistake: &mut dyn FnMut(String)) {
    let prefixes = [
        ("requests_pathname_prefix", &config.requests_prefix),
        ("routes_pathname_prefix", &config.routes_prefix),
    ];
    for (name, prefix) in prefixes {
        if !prefix.starts_with('/') || !prefix.ends_with('/') {
            mistake(format!(
                "{name} is {prefix:?}; it must begin and end with a slash"
            ));
        }
        if let Some(problem) = paths::problem(prefix) {
            mistake(format!(
                "{name} is {prefix:?}; it must be a plain path: {problem}"
            ));
        }
    }
    if let Some(url) = &config.assets.external
        && !["https://", "http://", "/"]
            .iter()
            .any(|start| url.starts_with(start) && !url.starts_with("//"))
    {
        mistake(format!(
            "assets_external_path is {url:?}; it must begin with https://, http:// or a slash"
        ));
    }
    let endpoints = [
        ("health_endpoint", &config.health_endpoint),
        ("ready_endpoint", &config.ready_endpoint),
        ("metrics_endpoint", &config.metrics_endpoint),
    ];
    let endpoints = endpoints
        .into_iter()
        .filter_map(|(name, path)| Some((name, path.as_ref()?)));
    for (name, path) in endpoints.chain([("assets_url_path", &config.assets.url_path)]) {
        let path = path.trim_matches('/');
        if path.is_empty() || path.starts_with('_') {
            mistake(format!(
                "{name} is {path:?}; it must be a plain path that does not begin with an underscore"
            ));
        } else if let Some(problem) = paths::problem(path) {
            mistake(format!(
                "{name} is {path:?}; it must be a plain path: {problem}"
            ));
        }
    }
}

/// Components by their ids. Pages are shown one at a time, so several can have the same id.
pub(crate) type Components<'a> = HashMap<String, Vec<Cow<'a, Component>>>;

fn components_by_id<'a>(
    layout: &'a Layout,
    pages: &'a PageRegistry,
    location: &'static Location<'static>,
    mistakes: &mut Vec<Mistake>,
) -> Components<'a> {
    let mut components = Components::new();
    let mut add = |component: Cow<'a, Component>, known: &mut HashSet<String>, location| {
        let Some(id) = component.id() else { return };
        let text = id.to_string();
        // Data can have components that are not drawn, such as those in a store, so only what is
        // there is noted.
        let is_data = matches!(component, Cow::Owned(_));
        if let Some(problem) = id.problem().filter(|_| !is_data) {
            mistakes.push(Mistake::at(
                location,
                format!("{id:?} in the layout: {problem}"),
            ));
        }
        if !is_data && !known.insert(text.clone()) {
            mistakes.push(Mistake::at(
                location,
                format!("the id {text:?} is in the layout twice"),
            ));
        }
        components.entry(text).or_default().push(component);
    };
    let mut known = HashSet::new();
    layout.walk(&mut |component| add(component, &mut known, location));
    for page in pages {
        let mut known = known.clone();
        let shown = page
            .layout
            .fixed()
            .into_iter()
            .flat_map(Children::components);
        shown.for_each(|component| {
            component.walk(&mut |component| add(component, &mut known, page.location))
        });
    }
    components
}

/// Every property that a callback reads or writes must be one of a component in the layout.
fn check_properties(
    registry: &Registry,
    components: &Components<'_>,
    config: &Config,
    mistakes: &mut Vec<Mistake>,
) {
    for registered in registry.iter() {
        let spec = &registered.callback.spec;
        let optional = spec
            .inputs
            .iter()
            .filter(|input| input.optional)
            .map(|input| &input.property);
        let optional = optional.chain(
            spec.states
                .iter()
                .filter(|state| state.optional)
                .map(|state| &state.property),
        );
        let optional: Vec<&Property> = optional.collect();
        for property in spec
            .properties()
            .chain(spec.running.iter().map(|running| &running.property))
        {
            let is_optional =
                spec.optional || property.is_pattern() || optional.contains(&property);
            if let Some(problem) = problem_of(property, is_optional, components, config) {
                mistakes.push(registered.callback.mistake(problem));
            }
        }
    }
}

/// What is wrong with a property that a callback names. Those that components with matching ids
/// bring later are not known yet.
fn problem_of(
    property: &Property,
    is_optional: bool,
    components: &Components<'_>,
    config: &Config,
) -> Option<String> {
    let id = property.id.to_string();
    if property.is_pattern() {
        let mut matching = components
            .values()
            .flatten()
            .filter(|it| it.id().is_some_and(|id| property.id.matches(id)));
        return matching.find_map(|component| problem_of_name(property, component, config));
    }
    match components.get(&id) {
        // Of several pages with the id, one that has the property is enough.
        Some(candidates) => {
            let problems = candidates
                .iter()
                .map(|component| problem_of_name(property, component, config));
            problems.collect::<Option<Vec<_>>>()?.into_iter().next()
        }
        None if is_optional => None,
        None => {
            let nearest = nearest(&id, components.keys().map(String::as_str));
            let hint = nearest.map_or_else(String::new, |nearest| {
                format!("; did you mean {nearest:?}?")
            });
            Some(format!(
                "no component in the layout has the id {id:?}{hint} (a component that only answers bring needs \
                 suppress_callback_exceptions)"
            ))
        }
    }
}

fn problem_of_name(property: &Property, component: &Component, config: &Config) -> Option<String> {
    let info = info_of(component, config)?;
    if info.has_prop(&property.name) {
        return None;
    }
    let nearest = nearest(&property.name, info.props.iter().copied());
    let hint = nearest.map_or_else(String::new, |nearest| {
        format!("; did you mean {nearest:?}?")
    });
    let id = component.id().map(ToString::to_string).unwrap_or_default();
    Some(format!(
        "{id:?} is a {}, which has no property {:?}{hint}",
        info.name, property.name
    ))
}

fn info_of(component: &Component, config: &Config) -> Option<&'static ComponentInfo> {
    let suite = config
        .suites
        .iter()
        .find(|suite| suite.namespace == component.namespace())?;
    suite.component(component.name())
}

/// The known name that is spelled most alike, if one is close.
fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let limit = name.len().div_ceil(3);
    known
        .map(|other| (distance(name, other), other))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, o)| o)
}

/// Levenshtein's distance, case ignored.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().map(|c| c.to_ascii_lowercase()).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let substitution = diagonal + usize::from(x.to_ascii_lowercase() != *y);
            diagonal = row[j + 1];
            row[j + 1] = substitution.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
