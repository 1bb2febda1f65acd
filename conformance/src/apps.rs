//! The Rust twins of the apps in `python/`: same ids, same answers.

mod arguments;
mod dependencies;
mod failures;
mod layout;
mod page;
mod pages;
mod patterns;
mod updates;
mod values;

use ferrodash::App;
use ferrodash::prelude::*;

/// The app of a name.
pub fn app(name: &str) -> Option<App> {
    let areas = [
        arguments::app,
        dependencies::app,
        failures::app,
        layout::app,
        page::app,
        pages::app,
        patterns::app,
        updates::app,
        values::app,
    ];
    areas.iter().find_map(|area| area(name))
}

/// An app whose layout has an empty Div for each id. Properties are not checked: Divs stand for any
/// component.
fn app_of(ids: impl IntoIterator<Item = &'static str>) -> App {
    let layout = html::Div::new(
        ids.into_iter()
            .map(|id| html::Div::new(()).id(id))
            .collect::<Vec<_>>(),
    );
    App::new(layout).suppress_callback_exceptions(true)
}
