//! The paths that the parts of an app serve, each compared with every other, so that none hides
//! another.
//!
//! axum's router panics on two routes with one path, and silently prefers a fixed path to a
//! wildcard. The check here finds both cases before a router is made, and names the two parts.
//! Routes of plugins are compared in `crate::app::plugins`, as a router does not list its routes.

use std::panic::Location;

use crate::callback::Registry;
use crate::config::Config;
use crate::error::Mistake;
use crate::pages::PageRegistry;

/// A path that a part of the app serves, or a folder with everything below it.
struct Claim {
    /// Without a slash at its end.
    path: String,
    /// True if the part serves everything below the path, too.
    is_folder: bool,
    /// The part that serves it.
    what: String,
    /// The place in the app's source where the part is described.
    location: &'static Location<'static>,
}

impl Claim {
    /// Returns whether some request would be one for both: the paths are equal, or one is a folder
    /// that contains the other.
    fn meets(&self, other: &Self) -> bool {
        let below = |folder: &Self, path: &str| {
            let rest = path.strip_prefix(folder.path.as_str()).unwrap_or("-");
            folder.is_folder && rest.starts_with('/')
        };
        self.path == other.path || below(self, &other.path) || below(other, &self.path)
    }
}

/// Adds a mistake for each path that another part of the app serves already.
///
/// `admin` is the path of the admin page, if the app has one. The routes of plugins are compared
/// when they are joined to these. Mistakes have the place of the part that was added later.
pub(crate) fn check(
    config: &Config,
    admin: Option<&str>,
    registry: &Registry,
    pages: &PageRegistry,
    location: &'static Location<'static>,
    mistakes: &mut Vec<Mistake>,
) {
    let mut claims = Vec::new();
    for claim in of_app(config, admin, location) {
        add(&mut claims, claim, mistakes);
    }
    for registered in registry.iter() {
        let callback = &registered.callback;
        if let Some(api) = &callback.spec.api {
            let what = format!("the api_endpoint of callback {}", callback.spec.name);
            add(
                &mut claims,
                claim(&api.path, false, &what, callback.spec.location),
                mistakes,
            );
        }
    }
    // Pages have no routes of their own: any path that is not found is answered with the page of
    // the app, which shows the right page. A page must only not be hidden by another part.
    for page in pages {
        let paths = [("path", page.path())].into_iter();
        for (what, path) in paths.chain(
            page.redirect_from()
                .iter()
                .map(|path| ("redirect_from", path.as_str())),
        ) {
            let path = format!(
                "{}/{}",
                config.routes_prefix.trim_end_matches('/'),
                path.trim_start_matches('/')
            );
            let own = claim(
                &path,
                false,
                &format!("the {what} of the page {}", page.module()),
                page.location,
            );
            // The page at the prefix itself is the page of the app, which is among the claims.
            let is_hidden =
                |other: &&Claim| own.meets(other) && own.path != trimmed(&config.routes_prefix);
            if let Some(other) = claims.iter().find(is_hidden) {
                mistakes.push(collision(&own, other));
            }
        }
    }
}

/// Adds a claim, with a mistake if it meets an earlier one.
fn add(claims: &mut Vec<Claim>, claim: Claim, mistakes: &mut Vec<Mistake>) {
    if let Some(other) = claims.iter().find(|other| claim.meets(other)) {
        mistakes.push(collision(&claim, other));
    }
    claims.push(claim);
}

/// The mistake for a claim that meets another one; it is at the place of the later part.
fn collision(claim: &Claim, other: &Claim) -> Mistake {
    let shown = |claim: &Claim| match claim.path.as_str() {
        "" => "/".to_owned(),
        path if claim.is_folder => format!("{path}/"),
        path => path.to_owned(),
    };
    let text = format!(
        "{} is at {:?}, which {} serves already ({:?}); choose another path",
        claim.what,
        shown(claim),
        other.what,
        shown(other)
    );
    Mistake::at(claim.location, text)
}

/// The claims of the parts that every app has, of its settings, and of its admin page.
fn of_app(
    config: &Config,
    admin: Option<&str>,
    location: &'static Location<'static>,
) -> Vec<Claim> {
    let prefix = config.routes_prefix.as_str();
    let mut claims = built_in(prefix, "", location);
    let settings = [
        (
            "the assets folder (assets_url_path)",
            Some(&config.assets.url_path),
            true,
        ),
        ("health_endpoint", config.health_endpoint.as_ref(), false),
        ("ready_endpoint", config.ready_endpoint.as_ref(), false),
        ("metrics_endpoint", config.metrics_endpoint.as_ref(), false),
    ];
    // A path that cannot be served at all is reported by the check of the settings.
    let paths = settings
        .into_iter()
        .filter_map(|(name, path, is_folder)| Some((name, path?.trim_matches('/'), is_folder)));
    for (name, path, is_folder) in
        paths.filter(|(_, path, _)| !path.is_empty() && !path.starts_with('_'))
    {
        claims.push(claim(&format!("{prefix}{path}"), is_folder, name, location));
    }
    let Some(admin) = admin else { return claims };
    // Around the app, the admin page has its own parts only; elsewhere it has all that is below its
    // path.
    if prefix.starts_with(admin) {
        claims.extend(built_in(admin, "cache_admin: ", location));
    } else {
        claims.push(claim(admin, true, "cache_admin", location));
    }
    claims
}

/// The claims of the routes that every app has below a prefix; `of` comes before their names in
/// messages.
fn built_in(prefix: &str, of: &str, location: &'static Location<'static>) -> Vec<Claim> {
    [
        ("", false, "the page of the app"),
        ("_dash-layout", false, "the layout"),
        ("_dash-dependencies", false, "the list of callbacks"),
        (
            "_dash-update-component",
            false,
            "the callbacks' own address",
        ),
        ("_dash-component-suites", true, "the component suites"),
        ("_favicon.ico", false, "the icon"),
        ("_ferrodash", true, "the page's script"),
    ]
    .map(|(path, is_folder, what)| {
        claim(
            &format!("{prefix}{path}"),
            is_folder,
            &format!("{of}{what}"),
            location,
        )
    })
    .into()
}

fn claim(path: &str, is_folder: bool, what: &str, location: &'static Location<'static>) -> Claim {
    Claim {
        path: trimmed(path).to_owned(),
        is_folder,
        what: what.to_owned(),
        location,
    }
}

/// Removes slashes at the end: a path with and without them is one.
fn trimmed(path: &str) -> &str {
    path.trim_end_matches('/')
}
