//! Checks of the components of a fixed layout and of fixed pages: their ids, and the place for
//! pages.
//!
//! [`components_by_id`] also makes the index of components that the checks of callbacks use.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::panic::Location;

use ferrodash_components::{Children, Component};

use crate::error::Mistake;
use crate::layout::Layout;
use crate::pages::PageRegistry;
use crate::pages::routing::{CONTENT, DUMMY, LOCATION, STORE};

/// Components by their ids. Pages are shown one at a time, so several can have the same id.
pub(super) type Components<'a> = HashMap<String, Vec<Cow<'a, Component>>>;

/// Returns the components of the layout and of all pages by their ids, and adds a mistake for each
/// id that is invalid or is on one page twice.
///
/// Components inside data, such as JSON that a callback's store holds, are in the index too, as
/// callbacks may name them; they are not checked.
pub(super) fn components_by_id<'a>(
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
    // A page is shown inside the layout, so it must not repeat ids of that; two pages are never
    // shown together.
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

/// Calls `mistake` if the app has pages and its fixed layout has no place for them.
pub(super) fn check_container(
    pages: &PageRegistry,
    layout: &Layout,
    mistake: &mut dyn FnMut(String),
) {
    if pages.is_empty() || !layout.is_fixed() {
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
            "the layout has no place for the pages ({missing}); \
             put page_container() into it"
        ));
    }
}
