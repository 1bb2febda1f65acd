//! Checks of pages: their paths, their variables, their redirects, and the names of their inputs.
//!
//! Whether a page is hidden by another part of the app is checked in `claims.rs`.

use std::collections::{HashMap, HashSet};

use crate::error::Mistake;
use crate::pages::path::{has_variables, is_identifier, is_plain, text_of_template};
use crate::pages::routing::{PATHNAME, SEARCH};
use crate::pages::{PageRegistry, RegisteredPage};

/// Adds every mistake of the pages themselves, and of the names of their inputs.
pub(super) fn check(pages: &PageRegistry, inputs: &[String], mistakes: &mut Vec<Mistake>) {
    let mut paths: HashMap<&str, &RegisteredPage> = HashMap::new();
    for page in pages {
        let mut mistake = |text: String| mistakes.push(Mistake::at(page.location, text));
        check_page(page, &mut mistake);
        if let Some(other) = paths.insert(page.path().trim_matches('/'), page) {
            let (path, other) = (page.path(), other.location);
            mistake(format!(
                "the path {path:?} is that of the page at {other} too"
            ));
        }
    }
    check_redirects(pages, &paths, mistakes);
    // The routing callback has two inputs of its own, whose names are taken.
    let mut names = HashSet::from([PATHNAME, SEARCH]);
    for name in inputs.iter().filter(|name| !names.insert(name)) {
        let text = format!("the pages have an input {name:?} already; give this one another name");
        let first = pages.iter().next();
        mistakes.extend(first.map(|page| Mistake::at(page.location, text)));
    }
}

/// Adds a mistake for each old path that is the path of a page, or that redirects already.
fn check_redirects(
    pages: &PageRegistry,
    paths: &HashMap<&str, &RegisteredPage>,
    mistakes: &mut Vec<Mistake>,
) {
    let mut redirected = HashSet::new();
    for page in pages {
        let mut mistake = |text: String| mistakes.push(Mistake::at(page.location, text));
        for from in page.redirect_from() {
            let path = from.trim_matches('/');
            if let Some(other) = paths.get(path) {
                mistake(format!(
                    "redirect_from {from:?} hides the page at {} of that path",
                    other.location
                ));
            }
            if !redirected.insert(path) {
                mistake(format!("redirect_from {from:?} is there twice"));
            }
        }
    }
}

/// Calls `mistake` for everything that is wrong with one page.
fn check_page(page: &RegisteredPage, mistake: &mut dyn FnMut(String)) {
    // Nothing else about such a page can be said: path and name would follow from the module.
    if page.module().is_empty() {
        mistake("a page needs a module, a path or a path_template".into());
        return;
    }
    check_path("path", page.path(), mistake);
    if let Some(template) = page.path_template() {
        check_path("path_template", template, mistake);
    }
    for path in page.redirect_from() {
        check_path("redirect_from", path, mistake);
    }
    check_variables(page, mistake);
    let unreadable = page.unreadable.iter();
    unreadable.for_each(|text| mistake(text.clone()));
    if let Some(Err(error)) = page.layout.fixed().map(serde_json::to_vec) {
        mistake(format!("the layout cannot be written as JSON: {error}"));
    }
}

/// Calls `mistake` if a path, template or old path is not one that a browser sends. `what` is the
/// name of the setting.
///
/// Only the text of a template around its variables is compared with what browsers send.
fn check_path(what: &str, path: &str, mistake: &mut dyn FnMut(String)) {
    let text = if what == "path_template" {
        text_of_template(path)
    } else {
        path.to_owned()
    };
    if !path.starts_with('/') {
        mistake(format!("{what} is {path:?}; it must begin with a slash"));
    } else if what == "path" && has_variables(path) {
        mistake(format!(
            "path is {path:?}; only templates have variables: use path_template({path:?})"
        ));
    } else if has_variables(&text) {
        mistake(format!(
            "{what} is {path:?}; only a path_template has variables: name each old path, \
             or give the page that template"
        ));
    } else if !is_plain(&text) {
        mistake(format!(
            "{what} is {path:?}; it must be a path as browsers send it, without ? and #, \
             and percent-encoded where it is not ASCII"
        ));
    }
}

/// Calls `mistake` for each variable of the template that has no valid name or is there twice.
fn check_variables(page: &RegisteredPage, mistake: &mut dyn FnMut(String)) {
    let template = page.path_template().unwrap_or_default();
    let names = page.template.as_ref().map(|template| &template.names[..]);
    let names = names.unwrap_or_default();
    for (index, name) in names.iter().enumerate() {
        if !is_identifier(name) {
            mistake(format!(
                "<{name}> in path_template {template:?} is no name of a variable"
            ));
        } else if names[..index].contains(name) {
            mistake(format!("<{name}> is in path_template {template:?} twice"));
        }
    }
}
