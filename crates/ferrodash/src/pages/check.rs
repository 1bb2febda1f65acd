//! Mistakes in the description of pages.

use std::collections::{HashMap, HashSet};

use super::path::{has_variables, is_identifier, is_plain, text_of_template};
use super::registry::{PageRegistry, RegisteredPage};
use super::routing::{CONTENT, DUMMY, LOCATION, PATHNAME, SEARCH, STORE};
use crate::error::Mistake;
use crate::layout::Layout;

impl PageRegistry {
    /// Adds every mistake of the pages themselves to `mistakes`.
    pub(super) fn check(&self, inputs: &[&str], mistakes: &mut Vec<Mistake>) {
        let mut paths: HashMap<&str, &RegisteredPage> = HashMap::new();
        for page in self {
            let mut mistake = |text: String| mistakes.push(Mistake::at(page.location, text));
            page.check(&mut mistake);
            if let Some(other) = paths.insert(page.path().trim_matches('/'), page) {
                let text = format!(
                    "the path {:?} is that of the page at {} too",
                    page.path(),
                    other.location
                );
                mistake(text);
            }
        }
        let mut redirected = HashSet::new();
        for (page, from) in self
            .iter()
            .flat_map(|page| page.redirect_from().iter().map(move |from| (page, from)))
        {
            let path = from.trim_matches('/');
            if let Some(other) = paths.get(path) {
                let text = format!(
                    "redirect_from {from:?} hides the page at {} of that path",
                    other.location
                );
                mistakes.push(Mistake::at(page.location, text));
            }
            if !redirected.insert(path) {
                mistakes.push(Mistake::at(
                    page.location,
                    format!("redirect_from {from:?} is there twice"),
                ));
            }
        }
        let mut names = HashSet::from([PATHNAME, SEARCH]);
        for name in inputs.iter().filter(|name| !names.insert(name)) {
            let text =
                format!("the pages have an input {name:?} already; give this one another name");
            mistakes.extend(
                self.iter()
                    .next()
                    .map(|page| Mistake::at(page.location, text)),
            );
        }
    }

    /// Whether a fixed layout has a place for the pages.
    pub(crate) fn check_container(&self, layout: &Layout, mistake: &mut dyn FnMut(String)) {
        if self.is_empty() || !layout.is_fixed() {
            return;
        }
        let mut missing: Vec<&str> = vec![LOCATION, CONTENT, STORE, DUMMY];
        layout.walk(&mut |component| {
            let id = component.id().map(ToString::to_string);
            missing.retain(|wanted| Some(*wanted) != id.as_deref());
        });
        if !missing.is_empty() {
            let missing = missing.join(", ");
            mistake(format!(
                "the layout has no place for the pages ({missing}); put page_container() into it"
            ));
        }
    }
}

impl RegisteredPage {
    fn check(&self, mistake: &mut dyn FnMut(String)) {
        if self.module().is_empty() {
            mistake("a page needs a module, a path or a path_template".into());
            return;
        }
        let redirects = self
            .redirect_from()
            .iter()
            .map(|path| ("redirect_from", path.as_str()));
        let template = self
            .path_template()
            .map(|template| ("path_template", template));
        for (what, path) in [("path", self.path())]
            .into_iter()
            .chain(template)
            .chain(redirects)
        {
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
                    "{what} is {path:?}; only a path_template has variables: name each old path, or give the page that \
                     template"
                ));
            } else if !is_plain(&text) {
                mistake(format!(
                    "{what} is {path:?}; it must be a path as browsers send it, without ? and #, and percent-encoded \
                     where it is not ASCII"
                ));
            }
        }
        let names = self
            .template
            .as_ref()
            .map_or(&[][..], |template| &template.names);
        for (index, name) in names.iter().enumerate() {
            let template = self.path_template().unwrap_or_default();
            if !is_identifier(name) {
                mistake(format!(
                    "<{name}> in path_template {template:?} is no name of a variable"
                ));
            } else if names[..index].contains(name) {
                mistake(format!("<{name}> is in path_template {template:?} twice"));
            }
        }
        self.unreadable
            .iter()
            .for_each(|text| mistake(text.clone()));
        if let Some(Err(error)) = self.layout.fixed().map(serde_json::to_vec) {
            mistake(format!("the layout cannot be written as JSON: {error}"));
        }
    }
}
