//! Finds mistakes of a manifest that would show only in the browser: a blank page, or a part that
//! is not found.
//!
//! It compares a suite as `package.rs` has resolved it with the content of its scripts. It changes
//! nothing.

use std::path::Path;

use crate::archive::Archive;
use crate::package::{Suite, join, names};
use crate::{ComponentMeta, Error, Result};

/// Compares a suite with its scripts and its package. What may be meant as it is becomes a
/// warning.
///
/// Of plain scripts, whose namespace is empty, only the features are checked: they have no components
/// that could be missing. The first mistake that is found is the error, so a later one shows in the
/// next build.
///
/// # Errors
/// [`Error::Suite`] with the mistake and what to do.
pub(crate) fn check(
    archive: &mut Archive,
    suite: &Suite,
    components: &[ComponentMeta],
    manifest: &Path,
    warnings: &mut Vec<String>,
) -> Result<()> {
    let has_components = !suite.namespace.is_empty();
    let mut mistake = wrong_feature(suite);
    if mistake.is_none() && has_components {
        mistake = without_parts(archive, suite, components);
    }
    if mistake.is_none() && has_components {
        mistake = wrong_namespace(archive, suite)?;
    }
    if let Some(detail) = mistake {
        return Err(Error::Suite {
            manifest: manifest.to_owned(),
            suite: suite.module.clone(),
            detail,
        });
    }
    if has_components {
        warnings.extend(forgotten_parts(archive, suite, manifest)?);
    }
    Ok(())
}

/// Finds a file with a feature that is not loaded on demand. A page loads the other files at once,
/// so a program without one of them would have a blank page.
fn wrong_feature(suite: &Suite) -> Option<String> {
    let mut files = suite.features.keys();
    let file = files.find(|file| !suite.on_demand.contains(file))?;
    let possible = if suite.on_demand.is_empty() {
        "no file of this suite is".to_owned()
    } else {
        format!("it can name {}", suite.on_demand.join(", "))
    };
    Some(format!(
        "`features` names {file:?}, which is not loaded on demand; {possible}"
    ))
}

/// Finds a suite without components, or without a script that draws them.
///
/// Returns the text of the mistake, or `None`. A suite whose manifest says that it is described
/// nowhere may have no components, but needs a script. The message lists the scripts in the suite's
/// directory, for a choice among them.
fn without_parts(archive: &Archive, suite: &Suite, components: &[ComponentMeta]) -> Option<String> {
    if components.is_empty() && !suite.is_undescribed {
        return Some(format!(
            "{:?} has neither a metadata.json nor generated classes, so it has no \
             components; if it ships plain scripts, \
             write `namespace = \"\"` and list its `scripts`",
            suite.root
        ));
    }
    if !suite.scripts.is_empty() {
        return None;
    }
    let mut scripts = suite.files(archive);
    scripts.retain(|path| path.ends_with(".js"));
    Some(format!(
        "it has {} components and no script that draws them; list the main script in \
         `scripts` (scripts in {:?}: {})",
        components.len(),
        suite.root,
        if scripts.is_empty() {
            "none".into()
        } else {
            scripts.join(", ")
        },
    ))
}

/// Finds a namespace that is not that of the package's classes, or that no script defines. The
/// renderer looks components up in `window[namespace]`, so the page would stay blank.
///
/// A script counts as defining the namespace if it has its name as a word. Scripts are not parsed,
/// so a script that only mentions the name passes.
fn wrong_namespace(archive: &mut Archive, suite: &Suite) -> Result<Option<String>> {
    let namespace = &suite.namespace;
    if let Some(own) = suite.own_namespace.as_ref().filter(|own| *own != namespace) {
        return Ok(Some(format!(
            "the manifest says the namespace {namespace:?}, and the package's classes \
             say {own:?}; with another namespace the page stays blank, \
             so leave `namespace` out"
        )));
    }
    let mut is_defined = false;
    for script in &suite.scripts {
        is_defined |= names(&archive.text(&join(&suite.root, script))?, namespace);
    }
    Ok((!is_defined).then(|| {
        format!(
            "none of its scripts ({}) defines the namespace {namespace:?}, so the page \
             would stay blank; correct `namespace` or `scripts`",
            suite.scripts.join(", ")
        )
    }))
}

/// Returns a warning if scripts load parts that the manifest does not list. It is no error, as a
/// page may never need them.
///
/// Returns `None` if the manifest leaves `on_demand` out, because the rules then ship every part
/// that they find.
fn forgotten_parts(
    archive: &mut Archive,
    suite: &Suite,
    manifest: &Path,
) -> Result<Option<String>> {
    if !suite.lists_on_demand {
        return Ok(None);
    }
    let mut missing = suite.parts(archive)?;
    missing.retain(|part| !suite.on_demand.contains(part));
    Ok((!missing.is_empty()).then(|| {
        format!(
            "{}: suite {:?}: its scripts load {}, which `on_demand` does not list, so \
             the page gets a 404 when it needs them; add them, or leave `on_demand` out, \
             which ships them all",
            manifest.display(),
            suite.module,
            missing.join(", ")
        )
    }))
}
