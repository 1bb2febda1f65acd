//! Mistakes in the description of an app: all of them, each with its place.

use std::time::Duration;

use ferrodash::IdValue;
use ferrodash::prelude::*;

fn layout() -> html::Div {
    html::Div::new((
        dcc::Input::new().id("text"),
        html::Div::new(()).id("out"),
        dcc::Graph::new().id("graph"),
    ))
}

/// The mistakes of an app, as they are shown.
fn mistakes(app: App) -> Vec<String> {
    let errors = app.build().expect_err("the app has mistakes");
    let shown = errors.to_string();
    let all: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert!(all.iter().all(|mistake| shown.contains(mistake)), "{shown}");
    all
}

fn one(app: App) -> String {
    let all = mistakes(app);
    assert_eq!(all.len(), 1, "{all:#?}");
    all.into_iter().next().unwrap()
}

fn to(id: &'static str, property: &'static str) -> Callback {
    Callback::builder()
        .output(Output::new(id, property))
        .input(("text", "value"))
        .handler(async |_: Option<u8>| "")
}

#[test]
fn all_mistakes_are_reported_together_with_their_places() {
    let app = App::new(layout())
        .callback(to("out", "children"))
        .callback(to("out", "children"))
        .callback(to("ot", "children"))
        .callback(to("graph", "figur"))
        .routes_pathname_prefix("reports");
    let all = mistakes(app);
    assert_eq!(all.len(), 4, "{all:#?}");
    assert!(
        all.iter()
            .all(|mistake| mistake.starts_with("crates/ferrodash/tests/main/build.rs:")),
        "{all:#?}"
    );
    let has = |parts: &[&str]| {
        all.iter()
            .any(|mistake| parts.iter().all(|part| mistake.contains(part)))
    };
    assert!(
        has(&["out.children is written by", "too; only one callback can"]),
        "{all:#?}"
    );
    assert!(
        has(&["no component in the layout has the id \"ot\"; did you mean \"out\"?"]),
        "{all:#?}"
    );
    assert!(
        has(&["\"graph\" is a Graph, which has no property \"figur\"; did you mean \"figure\"?"]),
        "{all:#?}"
    );
    assert!(
        has(&["routes_pathname_prefix is \"reports\"; it must begin and end with a slash"]),
        "{all:#?}"
    );
}

#[test]
fn the_same_output_twice_in_one_callback() {
    let callback = Callback::builder()
        .output(Output::new("out", "children"))
        .output(Output::new("out", "children"))
        .input(("text", "value"))
        .handler(async |_: Option<u8>| ("", ""));
    assert!(one(App::new(layout()).callback(callback)).contains("out.children is written by"));
}

#[test]
fn a_function_with_another_number_of_arguments() {
    let callback = Callback::builder()
        .name("app::sum", "")
        .output(Output::new("out", "children"))
        .input(("text", "value"))
        .handler(async |_: u8, _: u8| "");
    let mistake = one(App::new(layout()).callback(callback));
    assert!(
        mistake.ends_with("callback app::sum: its function takes 2 argument(s), but it has 1 input(s) and state(s)"),
        "{mistake}"
    );
}

#[test]
fn a_cached_callback_with_context_must_say_what_it_varies_by() {
    let callback = |options: CacheOptions| {
        Callback::builder()
            .output(Output::new("out", "children"))
            .input(("text", "value"))
            .cache(options)
            .handler(async |_: Option<u8>, _: Context| "")
    };
    let minute = || CacheOptions::new(Duration::from_secs(60));
    assert!(
        one(App::new(layout()).callback(callback(minute())))
            .contains("must declare what its answer varies by")
    );
    let unknown = one(App::new(layout()).callback(callback(minute().vary("moon"))));
    assert!(
        unknown.contains("\"moon\" is nothing to vary by; there are \"user\""),
        "{unknown}"
    );
    let nobody = one(App::new(layout()).callback(callback(minute().vary("user"))));
    assert!(
        nobody.contains("nothing says who makes a request; give the app App::identity"),
        "{nobody}"
    );
    let client = one(App::new(layout()).callback(callback(minute().client().vary("path"))));
    assert!(
        client.contains("varies by path, which a page cannot know"),
        "{client}"
    );
    assert!(
        App::new(layout())
            .callback(callback(minute().vary("cookie:session")))
            .build()
            .is_ok()
    );
    assert!(
        App::new(layout())
            .callback(callback(minute().client().vary("trigger")))
            .build()
            .is_ok()
    );
}

#[test]
fn options_that_make_no_sense() {
    let base = || Callback::builder().output(Output::new("out", "children"));
    let handler = async |_: Option<u8>| "";
    let zero = base()
        .input(("text", "value"))
        .cache(CacheOptions::new(Duration::ZERO))
        .handler(handler);
    assert!(one(App::new(layout()).callback(zero)).contains("a timeout of zero keeps nothing"));
    let debounce = base()
        .input(Input::new("text", "value").debounce(Duration::ZERO))
        .handler(handler);
    assert!(
        one(App::new(layout()).callback(debounce))
            .contains("input text.value: a debounce or throttle of zero waits for nothing")
    );
    let never = base().prevent_initial_call().handler(async || "");
    assert!(one(App::new(layout()).callback(never)).contains("would never run"));
}

#[test]
fn patterns_and_duplicates_that_make_no_sense() {
    let row = |index: IdValue| id! {type: "row", index: index};
    let mistake = |output: Id, input: Id| {
        let callback = Callback::builder()
            .output(Output::new(output, "children"))
            .input((input, "value"));
        one(App::new(layout()).callback(callback.handler(async |_: serde_json::Value| "")))
    };
    let other = || Id::from("text");
    assert!(mistake(row(ALLSMALLER), other()).contains("ALLSMALLER is not allowed in an output"));
    assert!(
        mistake(row(MATCH), id! {kind: MATCH})
            .contains("has MATCH for \"kind\", which the outputs have not")
    );
    assert!(
        mistake(row(ALL), id! {type: "in", index: ALLSMALLER})
            .contains("the outputs have no MATCH")
    );
    let to = |output: Output| Callback::builder().output(output).input(("text", "value"));
    let mixed = to(Output::new(row(MATCH), "children")).output(Output::new("out", "children"));
    let mixed = mixed.handler(async |_: serde_json::Value| ("", ""));
    assert!(
        one(App::new(layout()).callback(mixed))
            .contains("all outputs must have MATCH for the same keys")
    );
    let writes = |output: Output| {
        to(output)
            .prevent_initial_call()
            .handler(async |_: serde_json::Value| "")
    };
    let twice = [
        writes(Output::new(row(ALL), "title")),
        writes(Output::new(row(3.into()), "title")),
    ];
    assert!(
        one(App::new(layout())
            .suppress_callback_exceptions(true)
            .callbacks(twice))
        .contains("is written by")
    );
    let out = || Output::new("out", "children").allow_duplicate();
    assert!(
        App::new(layout())
            .callbacks([writes(out()), writes(out())])
            .build()
            .is_ok()
    );
    let initial = to(out()).handler(async |_: serde_json::Value| "");
    assert!(one(App::new(layout()).callback(initial)).contains("say prevent_initial_call"));
    let any_order = to(out())
        .initial_duplicate()
        .handler(async |_: serde_json::Value| "");
    assert!(App::new(layout()).callback(any_order).build().is_ok());
    assert!(
        one(App::new(html::P::new("").id(row(MATCH)))).contains("wildcards are allowed only in")
    );
}

#[test]
fn features_that_are_not_there_yet_say_so() {
    let to = || {
        Callback::builder()
            .output(Output::new("out", "children"))
            .input(("text", "value"))
    };
    let handler = async |_: serde_json::Value| "";
    let background = to().background().handler(handler);
    assert!(
        one(App::new(layout()).callback(background))
            .contains("background callbacks are not supported yet")
    );
    let websocket = to().websocket().handler(handler);
    assert!(
        one(App::new(layout()).callback(websocket))
            .contains("websocket callbacks are not supported yet")
    );
    let cached = to()
        .cache(CacheOptions::new(Duration::from_secs(1)))
        .clientside("x => x");
    assert!(one(App::new(layout()).callback(cached)).contains("its function runs in the page"));
    let api = to().api_endpoint("api/x", ["a", "b"]).handler(handler);
    let mistakes = App::new(layout())
        .callback(api)
        .build()
        .expect_err("two mistakes")
        .to_string();
    assert!(
        mistakes.contains("names 2 argument(s), but its function takes 1")
            && mistakes.contains("begins with a slash")
    );
}

#[test]
fn layouts_templates_and_patterns() {
    let twice = App::new(html::Div::new((
        html::P::new("").id("p"),
        html::P::new("").id("p"),
    )));
    assert!(one(twice).contains("the id \"p\" is in the layout twice"));
    assert!(one(App::new(html::P::new("").id("a.b"))).contains("an id must not contain a dot"));
    assert!(
        one(App::new(layout()).index_string("{%app_entry%}{%config%}"))
            .contains("index_string lacks {%scripts%}")
    );
    for app in [
        App::new(layout()).assets_ignore("("),
        App::new(layout()).assets_path_ignore(["a", "("]),
    ] {
        let text = one(app);
        assert!(
            text.contains("\"(\" is no regular expression")
                && text.contains("tests/main/build.rs:"),
            "{text}"
        );
    }
    let broken =
        App::new(html::P::new("").prop("data-x", std::collections::HashMap::from([((1, 2), 3)])));
    assert!(one(broken).contains("the layout cannot be written as JSON: property \"data-x\" of P"));
}

#[test]
fn components_that_only_answers_bring_are_allowed_when_said() {
    assert!(
        App::new(layout())
            .callback(to("later", "children"))
            .suppress_callback_exceptions(true)
            .build()
            .is_ok()
    );
}

#[test]
fn data_attributes_are_properties_of_every_element() {
    assert!(
        App::new(layout())
            .callback(to("out", "data-state"))
            .build()
            .is_ok()
    );
}

#[test]
fn a_cached_closure_that_captures_needs_a_name() {
    let callback = |named: bool| {
        let tenant = String::from("acme");
        let builder = Callback::builder()
            .output(Output::new("out", "children"))
            .input(("text", "value"));
        let builder = builder.cache(CacheOptions::new(Duration::from_secs(60)));
        let builder = if named {
            builder.name("app::greeting of acme", "1")
        } else {
            builder
        };
        builder.handler(move |_: Option<u8>| std::future::ready(tenant.clone()))
    };
    assert!(
        one(App::new(layout()).callback(callback(false))).contains("its function captures values")
    );
    assert!(App::new(layout()).callback(callback(true)).build().is_ok());
}

#[test]
fn callbacks_that_never_come_to_rest() {
    let from_to = |input: Input, output: (&'static str, &'static str)| {
        let builder = Callback::builder()
            .output(Output::new(output.0, output.1))
            .input(input);
        builder.handler(async |_: Option<String>| "")
    };
    let text = || Input::new("text", "value");
    let circle = App::new(layout())
        .callback(from_to(text(), ("out", "title")))
        .callback(from_to(Input::new("out", "title"), ("text", "value")));
    assert!(one(circle).contains("it triggers itself again"));
    let gated = App::new(layout()).callback(from_to(
        text().debounce(Duration::from_millis(500)),
        ("text", "value"),
    ));
    assert!(one(gated).contains("it triggers itself again"));
    // The renderer knows how to end this one.
    assert!(
        App::new(layout())
            .callback(from_to(text(), ("text", "value")))
            .build()
            .is_ok()
    );
}

#[test]
fn paths_that_the_router_could_not_serve() {
    assert!(one(App::new(layout()).assets_url_path("/")).contains("assets_url_path is \"\""));
    assert!(
        one(App::new(layout()).health_endpoint("_dash-layout"))
            .contains("health_endpoint is \"_dash-layout\"")
    );
    for url in ["cdn.example.com/", "//cdn.example.com/"] {
        assert!(
            one(App::new(layout()).assets_external_path(url))
                .contains("it must begin with https://")
        );
    }
    assert!(
        one(App::new(layout()).routes_pathname_prefix("/{x}/")).contains("it must be a plain path")
    );
}

#[test]
fn e32_components_inside_data_are_part_of_the_layout() {
    use ferrodash::IntoProp as _;
    let button = |id: &'static str| html::Button::new("More").id(id);
    // In JSON, below a component that is inside JSON, in JSON that is text already, and in a list.
    let data = serde_json::json!([{"cell": button("cell")}, {"row": html::Div::new(button("below"))}, "text"]);
    let mut grid = Component::new("suite_of_a_test", "Grid");
    grid.set("cells", Json([button("raw")]).into_prop());
    grid.set("list", vec![button("listed")].into_prop());
    let layout = || {
        html::Div::new((
            dcc::Store::new("store").data(data.clone()),
            grid.clone(),
            dcc::Input::new().id("text"),
        ))
    };
    let reads = |id: &'static str, property: &'static str| {
        let output = Output::new("text", "value").allow_duplicate();
        Callback::builder()
            .output(output)
            .input((id, property))
            .prevent_initial_call()
            .handler(async |_: Option<u8>| "")
    };
    let app = App::new(layout());
    let ids = ["cell", "below", "raw", "listed"];
    let built = ids
        .iter()
        .fold(app, |app, id| app.callback(reads(id, "n_clicks")))
        .build();
    assert!(
        built.is_ok(),
        "{}",
        built
            .err()
            .map(|errors| errors.to_string())
            .unwrap_or_default()
    );
    // Their properties are checked as those of all others.
    let mistake = one(App::new(layout()).callback(reads("cell", "n_click")));
    assert!(
        mistake.contains("\"cell\" is a Button, which has no property \"n_click\""),
        "{mistake}"
    );
    // The same id may be in data twice, as a store can hold what is drawn elsewhere.
    let twice = html::Div::new((
        button("cell"),
        dcc::Store::new("one").data(data.clone()),
        dcc::Store::new("two").data(data.clone()),
    ));
    assert!(App::new(twice).build().is_ok());
}

#[test]
fn d18_a_wait_of_the_component_and_one_of_the_callback_are_warned_of() {
    let build = |component: dcc::Input, input: Input| {
        let layout = html::Div::new((component.id("text"), html::Div::new(()).id("out")));
        let callback = Callback::builder()
            .output(Output::new("out", "children"))
            .input(input)
            .handler(async |_: Option<String>| "");
        let (log, _guard) = crate::stale::Log::listen(tracing::Level::WARN);
        App::new(layout)
            .callback(callback)
            .build()
            .expect("it is allowed");
        log.text()
    };
    let waits = || Input::new("text", "value").debounce(Duration::from_millis(500));
    let plain = || Input::new("text", "value");
    let both = build(dcc::Input::new().debounce(0.5), waits());
    let expected = "the input text.value waits twice: the component has debounce = 0.5";
    assert!(both.contains(expected), "{both}");
    assert_eq!(build(dcc::Input::new().debounce(false), waits()), "");
    assert_eq!(build(dcc::Input::new(), waits()), "");
    assert_eq!(build(dcc::Input::new().debounce(0.5), plain()), "");
}
