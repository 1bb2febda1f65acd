//! Apps of several pages: their defaults and order, inputs, what layouts and callbacks see, and
//! mistakes. What is expected is what Dash 4.4.1 answers.

use axum::body::Body;
use axum::http::Request;
use ferrodash::prelude::*;
use ferrodash::{BuiltApp, LayoutRequest, Paths};
use serde_json::{Value, json};

use crate::{Answer, Client};

pub(crate) mod home {
    use ferrodash::prelude::*;

    pub(crate) fn page() -> Page {
        Page::new(html::H1::new("Welcome").id("home")).path("/")
    }
}

pub(crate) mod asset {
    use ferrodash::NotFound;
    use ferrodash::prelude::*;

    #[derive(serde::Deserialize)]
    struct Asset {
        asset_id: u32,
        dept: String,
    }

    pub(crate) fn page() -> Page {
        Page::new(layout)
            .path_template("/asset/<asset_id>/<dept>")
            .title(|variables: &Variables| {
                format!("T {}", variables.get("asset_id").unwrap_or("?"))
            })
            .description(|variables: &Variables| {
                format!("Of \"{}\"", variables.get("dept").unwrap_or("?"))
            })
    }

    async fn layout(request: PageRequest) -> Result<html::Div, NotFound> {
        let Asset { asset_id, dept } = request.path_as()?;
        let y = request.query_all("y").join("+");
        Ok(html::Div::new((
            html::H2::new(format!("{asset_id} {dept}")),
            format!("x={} y={y}", request.query("x").unwrap_or("-")),
        )))
    }
}

pub(crate) mod reports {
    pub(crate) mod weekly_analytics {
        use ferrodash::prelude::*;

        pub(crate) fn page() -> Page {
            Page::new(html::Div::new("weeks"))
                .redirect_from("/weeks")
                .redirect_from("/old/weeks")
        }
    }
}

/// A call of the callback that shows pages, as the page sends it.
pub(crate) fn call(pathname: &str, search: &str) -> Value {
    json!({
        "output": ".._pages_content.children..._pages_store.data..",
        "outputs": [{"id": "_pages_content", "property": "children"}, {"id": "_pages_store", "property": "data"}],
        "inputs": [
            {"id": "_pages_location", "property": "pathname", "value": pathname},
            {"id": "_pages_location", "property": "search", "value": search},
        ],
        "changedPropIds": ["_pages_location.pathname", "_pages_location.search"],
        "parsedChangedPropsIds": ["_pages_location.pathname", "_pages_location.search"],
    })
}

pub(crate) async fn post(client: &Client, prefix: &str, call: &Value) -> Answer {
    let request = Request::post(format!("{prefix}_dash-update-component"))
        .header("content-type", "application/json");
    client
        .send(request.body(Body::from(call.to_string())).unwrap())
        .await
}

fn registered(app: &BuiltApp) -> Vec<(&str, &str, &str)> {
    app.page_registry()
        .iter()
        .map(|page| (page.module(), page.path(), page.name()))
        .collect()
}

fn built(app: App) -> BuiltApp {
    app.build().unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn mistakes(app: App) -> Vec<String> {
    app.build()
        .expect_err("the app has mistakes")
        .iter()
        .map(ToString::to_string)
        .collect()
}

fn one(app: App) -> String {
    let all = mistakes(app);
    assert_eq!(all.len(), 1, "{all:#?}");
    all.into_iter().next().unwrap()
}

fn page(path: &str) -> Page {
    Page::new(html::Div::new(())).path(path)
}

#[tokio::test]
async fn the_container_is_the_layout_and_dash_knows_its_callbacks() {
    let client = Client::new(App::with_pages(pages![home]));
    let div = |id: &str| json!({"props": {"id": id, "disable_n_clicks": true}, "type": "Div", "namespace": "dash_html_components"});
    let core = |name: &str, props: Value| json!({"props": props, "type": name, "namespace": "dash_core_components"});
    let expected = json!({"props": {"children": [
        core("Location", json!({"id": "_pages_location", "refresh": "callback-nav"})),
        div("_pages_content"),
        core("Store", json!({"id": "_pages_store"})),
        div("_pages_dummy"),
    ]}, "type": "Div", "namespace": "dash_html_components"});
    assert_eq!(client.get("/_dash-layout").await.json(), expected);

    let dependencies = client.get("/_dash-dependencies").await.json();
    let with = |own: Value| {
        let mut all = json!({"state": [], "background": null, "dynamic_creator": null, "no_output": false,
            "optional": false, "hidden": true, "websocket": false, "persistent": false});
        all.as_object_mut()
            .unwrap()
            .extend(own.as_object().unwrap().clone());
        all
    };
    let name = &dependencies[1]["clientside_function"]["function_name"];
    let expected = json!([
        with(json!({
            "output": ".._pages_content.children..._pages_store.data..",
            "inputs": [
                {"id": "_pages_location", "property": "pathname"},
                {"id": "_pages_location", "property": "search"},
            ],
            "clientside_function": null,
            "prevent_initial_call": true,
        })),
        with(json!({
            "output": "_pages_dummy.children",
            "inputs": [{"id": "_pages_store", "property": "data"}],
            "clientside_function": {"namespace": "_dashprivate_clientside_funcs", "function_name": name},
            "dynamic_creator": false,
            "prevent_initial_call": false,
        })),
    ]);
    assert_eq!(dependencies, expected);
    assert!(
        client
            .get("/")
            .await
            .text()
            .contains("document.title = data.title")
    );
}

#[tokio::test]
async fn pages_have_dashs_defaults_and_order() {
    let none = built(App::with_pages(pages![
        reports::weekly_analytics,
        asset,
        home
    ]));
    let expected = [
        ("home", "/", "Home"),
        ("asset", "/asset/none/none", "Asset"),
        (
            "reports.weekly_analytics",
            "/reports/weekly-analytics",
            "Weekly analytics",
        ),
    ];
    assert_eq!(
        registered(&none),
        expected,
        "/ is first when no page has an order"
    );
    let titles: Vec<_> = none
        .page_registry()
        .iter()
        .map(|page| page.title())
        .collect();
    assert_eq!(titles, [Some("Home"), None, Some("Weekly analytics")]);

    let at = |module: &str| page(&format!("/{module}")).module(module);
    let some = built(App::with_pages([
        at("zebra"),
        home::page().module("home"),
        at("text").order("a"),
        at("ten").order(10),
        at("two").order(2.5),
        at("also_two").order(2.5),
        at("alone"),
    ]));
    let modules: Vec<&str> = some
        .page_registry()
        .iter()
        .map(|page| page.module())
        .collect();
    assert_eq!(
        modules,
        ["also_two", "two", "ten", "text", "alone", "home", "zebra"]
    );

    let titled = built(
        App::with_pages([
            page("/sales-2024").data("icon", "chart"),
            page("/x").name("X").title("Own"),
        ])
        .title("My app")
        .description("About it"),
    );
    let sales = titled.page_registry().get("sales_2024").unwrap();
    assert_eq!(
        (sales.name(), sales.title(), sales.description()),
        ("Sales 2024", Some("My app"), Some("About it"))
    );
    assert_eq!(sales.data("icon"), Some(&json!("chart")));
    let x = titled.page_registry().get("x").unwrap();
    assert_eq!((x.name(), x.title()), ("X", Some("Own")));
}

#[tokio::test]
async fn pages_get_inputs_of_the_app_and_the_request() {
    let layout = html::Div::new((
        dcc::Input::new().id("lang"),
        dcc::Store::new("st"),
        page_container(),
    ));
    let show = async |request: PageRequest| {
        let language: Option<String> = request.input("lang")?;
        let state: Value = request.input("state")?;
        assert!(request.input::<u8>("other").is_err());
        let links = request
            .page_registry()
            .iter()
            .map(|page| page.relative_path().to_owned())
            .collect::<Vec<_>>();
        let agent = request.context().header("user-agent");
        Ok::<_, CallbackError>(html::Div::new(format!(
            "{language:?} {state} {links:?} {agent:?}"
        )))
    };
    let app = App::new(layout)
        .pages([Page::new(show).path("/")])
        .routing_callback_state("state", State::new("st", "data"))
        .routing_callback_input("lang", Input::new("lang", "value"));
    let client = Client::new(app);
    let dependencies = client.get("/_dash-dependencies").await.json();
    assert_eq!(
        dependencies[0]["inputs"][2],
        json!({"id": "lang", "property": "value"})
    );
    assert_eq!(
        dependencies[0]["state"],
        json!([{"id": "st", "property": "data"}])
    );
    let mut call = call("/", "");
    call["inputs"]
        .as_array_mut()
        .unwrap()
        .push(json!({"id": "lang", "property": "value", "value": "de"}));
    call["state"] = json!([{"id": "st", "property": "data", "value": [1]}]);
    let answer = client.post_with(&call, &[("user-agent", "test")]).await;
    let text = &answer.json()["response"]["_pages_content"]["children"]["props"]["children"];
    assert_eq!(text, r#"Some("de") [1] ["/"] Some("test")"#);
}

#[tokio::test]
async fn layouts_and_callbacks_see_the_pages() {
    let nav = |pages: &PageRegistry| {
        let logo = html::Img::new().src(pages.paths().get_asset_url("logo.png"));
        html::Div::new((
            logo,
            pages.iter().map(RegisteredPage::link),
            page_container(),
            html::P::new("").id("out"),
        ))
    };
    let count = Callback::builder()
        .output(Output::new("out", "children"))
        .input(Input::new("_pages_location", "pathname"))
        .handler(async |path: Option<String>, context: Context| {
            let below = path
                .as_deref()
                .and_then(|path| context.paths().strip_relative_path(path).map(str::to_owned));
            format!(
                "{} of {}",
                below.unwrap_or_default(),
                context.page_registry().len()
            )
        });
    let app = App::new(nav)
        .pages(pages![home, reports::weekly_analytics])
        .callback(count)
        .url_base_pathname("/pre/");
    let client = Client::new(app);
    let children = client.get("/pre/_dash-layout").await.json()["props"]["children"].clone();
    assert_eq!(children[0]["props"]["src"], "/pre/assets/logo.png");
    assert_eq!(
        children[2]["props"],
        json!({"children": "Weekly analytics", "href": "/pre/reports/weekly-analytics"})
    );
    let call = json!({
        "output": "out.children",
        "outputs": {"id": "out", "property": "children"},
        "inputs": [{"id": "_pages_location", "property": "pathname", "value": "/pre/a/"}],
        "changedPropIds": [],
    });
    assert_eq!(
        post(&client, "/pre/", &call).await.json()["response"]["out"]["children"],
        "a of 2"
    );

    let per_request =
        |request: &LayoutRequest| html::Div::new((request.page_registry().len(), page_container()));
    let client = Client::new(App::new(per_request).pages(pages![home]));
    assert_eq!(
        client.get("/_dash-layout").await.json()["props"]["children"][0],
        1
    );
    assert_eq!(Paths::default().get_relative_path("/a"), "/a");
}

#[test]
fn mistakes_in_pages_are_found_with_their_places() {
    let all = mistakes(App::with_pages([
        page("sales"),
        page("/größe"),
        page("/a?b"),
        page("/a").redirect_from("b"),
    ]));
    assert_eq!(all.len(), 4, "{all:#?}");
    assert!(
        all.iter()
            .all(|mistake| mistake.starts_with("crates/ferrodash/tests/main/multipage.rs:")),
        "{all:#?}"
    );
    let has = |text: &str| {
        assert!(
            all.iter().any(|mistake| mistake.contains(text)),
            "{text} is not in {all:#?}"
        )
    };
    has("path is \"sales\"; it must begin with a slash");
    has("path is \"/größe\"; it must be a path as browsers send it");
    has("path is \"/a?b\"");
    has("redirect_from is \"b\"; it must begin with a slash");

    assert!(
        one(App::with_pages([page("/a"), page("/a/")]))
            .contains("the path \"/a/\" is that of the page at crates/")
    );
    assert!(
        one(App::with_pages([Page::new("")])).contains("needs a module, a path or a path_template")
    );
    let template = |template: &str| one(App::with_pages([Page::new("").path_template(template)]));
    assert!(template("/a/<1st>").contains("<1st> in path_template"));
    assert!(template("/a/<>").contains("<> in path_template"));
    assert!(template("/<a>/<a>").contains("<a> is in path_template \"/<a>/<a>\" twice"));
    let hides = one(App::with_pages([
        page("/a"),
        page("/b").redirect_from("/a/"),
    ]));
    assert!(
        hides.contains("redirect_from \"/a/\" hides the page at"),
        "{hides}"
    );
    let twice = one(App::with_pages([
        page("/a").redirect_from("/c"),
        page("/b").redirect_from("/c"),
    ]));
    assert!(
        twice.contains("redirect_from \"/c\" is there twice"),
        "{twice}"
    );
    let input = App::with_pages([page("/a")]).suppress_callback_exceptions(true);
    let input =
        mistakes(input.routing_callback_input("search_", Input::new("x", "value"))).swap_remove(0);
    assert!(
        input.contains("the pages have an input \"search_\" already"),
        "{input}"
    );
}

#[test]
fn a_layout_without_a_place_for_pages_is_a_mistake() {
    let all = mistakes(App::new(html::Div::new(())).pages(pages![home]));
    let missing = "the layout has no place for the pages (_pages_location, _pages_content, _pages_store, _pages_dummy); \
                   put page_container() into it";
    assert!(
        all.iter().any(|mistake| mistake.contains(missing)),
        "{all:#?}"
    );
    assert!(
        built(App::new(|_: &LayoutRequest| page_container()).pages(pages![home]))
            .page_registry()
            .len()
            == 1
    );
}

#[test]
fn callbacks_are_checked_against_all_pages() {
    let to = |id: &'static str, property: &'static str| {
        let builder = Callback::builder()
            .output(Output::new(id, property))
            .input(Input::new("_pages_location", "hash"));
        builder.handler(async |_: Option<String>| "")
    };
    let input = |path: &str| Page::new(dcc::Input::new().id("field")).path(path);
    let area = |path: &str| Page::new(html::Div::new("").id("field")).path(path);
    let app = || App::with_pages([input("/a"), area("/b")]);
    assert!(
        app()
            .callback(to("field", "value"))
            .callback(to("field", "children"))
            .build()
            .is_ok()
    );
    assert!(one(app().callback(to("fild", "value"))).contains("did you mean \"field\"?"));
    assert!(
        one(app().callback(to("field", "valu")))
            .contains("has no property \"valu\"; did you mean \"value\"?")
    );
    let dynamic = Page::new(async || html::Div::new("")).path("/c");
    assert!(
        app()
            .pages([dynamic])
            .callback(to("later", "children"))
            .build()
            .is_ok(),
        "a function may bring it"
    );
    let twice = Page::new((html::P::new("").id("p"), html::P::new("").id("p"))).path("/p");
    assert!(one(App::with_pages([twice])).contains("the id \"p\" is in the layout twice"));
    let shared = Page::new(html::P::new("").id("_pages_content")).path("/p");
    assert!(
        one(App::with_pages([shared])).contains("the id \"_pages_content\" is in the layout twice")
    );
}
