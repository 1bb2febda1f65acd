//! The twins of `python/pages.py`.

use std::collections::BTreeMap;

use ferrodash::Variables;
use ferrodash::prelude::*;

pub(super) fn app(name: &str) -> Option<App> {
    Some(match name {
        "pages" => App::new(html::Div::new(("top", page_container()))).pages(pages()),
        "pages_custom" => custom(),
        "pages_alone" => App::with_pages([
            Page::new(html::H1::new("home")).module("home").path("/"),
            Page::new(async |request: PageRequest| {
                html::P::new(request.path_variable("name").map(str::to_owned))
            })
            .module("item")
            .path_template("/item/<name>"),
            Page::new(html::P::new("new"))
                .module("new")
                .redirect_from("/old"),
        ])
        .url_base_pathname("/pre/"),
        _ => return None,
    })
}

/// What a page was given, by name.
fn told(request: &PageRequest) -> String {
    let query = request.query_variables();
    let values = |name: &str| query.get_all(name).collect::<Vec<_>>().join(",");
    let mut all: BTreeMap<String, String> = query
        .names()
        .map(|name| (name.to_owned(), values(name)))
        .collect();
    for name in ["lang", "mode"] {
        all.extend(
            request
                .input(name)
                .ok()
                .map(|value| (name.to_owned(), value)),
        );
    }
    all.iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect::<Vec<_>>()
        .join("&")
}

fn pages() -> [Page; 4] {
    let variable =
        |variables: &Variables, name: &str| variables.get(name).unwrap_or("None").to_owned();
    [
        Page::new(html::H1::new("home")).module("home").path("/"),
        Page::new(async |request: PageRequest| html::P::new(format!("weekly {}", told(&request))))
            .module("weekly_analytics")
            .redirect_from("/weekly")
            .redirect_from("/old/week"),
        Page::new(async |request: PageRequest| {
            let path = |name| request.path_variable(name).map(str::to_owned);
            html::Div::new((path("asset_id"), path("dept"), told(&request)))
        })
        .module("asset")
        .path_template("/asset/<asset_id>/<dept>")
        .title(move |variables: &Variables| {
            format!(
                "Asset {} of {}",
                variable(variables, "asset_id"),
                variable(variables, "dept")
            )
        }),
        Page::new(html::P::new(("titled",)))
            .module("titled")
            .path("/titled/deep")
            .title("A <title>")
            .order(3),
    ]
}

fn custom() -> App {
    let extra = async |request: PageRequest| {
        Ok::<_, CallbackError>(html::P::new((
            request.input::<String>("lang")?,
            request.input::<String>("mode")?,
        )))
    };
    let not_found =
        async |request: PageRequest| html::P::new(format!("nothing here {}", told(&request)));
    let layout = html::Div::new((
        dcc::Input::new().id("lang"),
        dcc::Input::new().id("mode"),
        page_container(),
    ));
    App::new(layout)
        .title("Own")
        .pages(pages())
        .pages([
            Page::new(not_found).module("not_found_404"),
            Page::new(extra).module("extra").path("/extra"),
        ])
        .routing_callback_state("lang", State::new("lang", "value"))
        .routing_callback_input("mode", Input::new("mode", "value"))
}
