//! The twins of `python/layout.py`.

use ferrodash::prelude::*;
use serde_json::json;

pub(super) fn app(name: &str) -> Option<App> {
    Some(match name {
        "layout_texts" => App::new(html::Div::new([
            "plain",
            "<b>&amp;</b>",
            "Größe 雪 🦀",
            "",
            r#"a "quote" and a \"#,
        ])),
        "layout_numbers" => App::new(numbers()),
        "layout_nulls" => App::new(nulls()),
        "layout_nested" => App::new(nested()),
        "layout_single_child" => {
            App::new(html::Section::new(html::Article::new(html::P::new("one"))))
        }
        "layout_empty" => App::new(html::Div::new(())),
        "layout_wildcards" => App::new(wildcards()),
        "layout_ids" => App::new(ids()),
        "layout_attributes" => App::new(attributes()),
        "layout_inputs" => App::new(inputs()),
        "layout_options" => App::new(options()),
        "layout_components_as_props" => App::new(components_as_props()),
        "layout_tabs" => App::new(tabs()),
        "layout_store" => App::new(store()),
        "layout_browser_parts" => App::new(browser_parts()),
        "layout_markdown" => App::new(markdown()),
        "layout_graph" => App::new(graph()),
        "layout_table" => App::new(table()),
        "layout_list" => App::new((
            html::H1::new("title").id("h"),
            "text",
            dcc::Store::new("s"),
            html::Div::new(Vec::<String>::new()),
        )),
        "layout_function" => App::new(|_: &ferrodash::LayoutRequest| {
            html::Div::new(("made", html::B::new("each time").id("b")))
        }),
        "layout_function_list" => {
            App::new(|_: &ferrodash::LayoutRequest| (html::P::new("made"), "text"))
        }
        _ => return None,
    })
}

fn numbers() -> html::Div {
    html::Div::new((
        0,
        -1,
        1.5,
        9_007_199_254_740_991_i64,
        1e21,
        dcc::Slider::new()
            .min(0)
            .max(1.5)
            .step(0.25)
            .value(1.0)
            .id("s"),
    ))
}

fn nulls() -> html::Div {
    html::Div::new((
        html::Div::new(()),
        html::Div::new(()).prop("title", ()).id("t"),
        dcc::Input::new().id("i").prop("value", ()),
        "between",
        None::<String>,
    ))
}

fn nested() -> html::Main {
    let deep = html::Div::new(html::Div::new(html::Div::new((
        html::I::new("deep"),
        "text",
    ))));
    let items = (0..3).map(|number: i32| html::Li::new(number.to_string()));
    html::Main::new((
        html::Div::new((html::Span::new("a"), deep)).class_name("row"),
        html::Ul::new(items),
        html::Br::new(),
    ))
}

fn wildcards() -> html::Div {
    html::Div::new("w")
        .id("w")
        .data("text", "x")
        .data("number", 1.5)
        .data("list", (1, ()))
        .aria("label", "label")
        .aria("hidden", true)
}

fn ids() -> html::Div {
    let row = |index: ferrodash::IdValue| Id::from([("type", "row".into()), ("index", index)]);
    let ids = [
        Id::from("plain"),
        "with space".into(),
        "größe".into(),
        row(0.into()),
        row((-3).into()),
        row("0".into()),
        row(true.into()),
        row(false.into()),
        Id::from([("type", "rów".into()), ("index", "雪".into())]),
        Id::from([("index", "a.b".into()), ("type", "dots".into())]),
        Id::from([("z", 1.into()), ("a", "x".into()), ("m", true.into())]),
    ];
    html::Div::new(ids.map(|id| html::Div::new(()).id(id)))
}

fn attributes() -> html::Div {
    html::Div::new((
        html::Label::new("l")
            .html_for("in")
            .key("k")
            .class_name("a b")
            .hidden(true),
        html::A::new("a")
            .href("/x?a=1&b=2")
            .target("_blank")
            .tab_index(1)
            .n_clicks(0)
            .disable_n_clicks(true),
        html::Div::new(())
            .style(
                Style::from([("color", "red"), ("--own", "1px")])
                    .set("marginTop", 3)
                    .set("opacity", 0.5),
            )
            .lang("de")
            .dir("ltr"),
        html::Td::new(()).col_span(2).row_span("3"),
        html::Button::new("b")
            .disabled(false)
            .n_clicks_timestamp(-1),
        html::Details::new((html::Summary::new("s"), "text")).open(true),
        html::Video::new(()).controls(true).src("/v"),
    ))
}

fn inputs() -> html::Div {
    html::Div::new((
        dcc::Input::new()
            .id("text")
            .value("x")
            .r#type(dcc::InputType::Text)
            .debounce(true)
            .placeholder("p")
            .persistence(true),
        dcc::Input::new()
            .id("number")
            .value(1.5)
            .r#type(dcc::InputType::Number)
            .min(0)
            .max(10)
            .step("any")
            .debounce(0.5),
        dcc::Textarea::new()
            .id("area")
            .value("a\nb")
            .rows(3)
            .persistence("key")
            .persistence_type(dcc::TextareaPersistenceType::Session),
        dcc::RangeSlider::new()
            .min(0)
            .max(10)
            .id("range")
            .value([1, 5])
            .marks(json!({"0": "zero", "10": {"label": "ten"}})),
        dcc::DatePickerSingle::new()
            .id("date")
            .date("2026-01-31")
            .min_date_allowed("2026-01-01"),
        dcc::Upload::new("drop").id("upload").multiple(true),
    ))
}

fn options() -> html::Div {
    html::Div::new((
        dcc::Dropdown::new()
            .options(["a", "b"])
            .value("a")
            .id("short"),
        dcc::Dropdown::new()
            .options(json!({"1": "one", "2": "two"}))
            .value(["1"])
            .multi(true)
            .id("mapped"),
        dcc::Dropdown::new()
            .options(
                json!([{"label": "A", "value": 1, "disabled": true}, {"label": "B", "value": 2}]),
            )
            .id("long"),
        dcc::Checklist::new()
            .options([1, 2, 3])
            .value([1, 3])
            .inline(true)
            .id("check"),
        dcc::RadioItems::new()
            .options([true, false])
            .value(true)
            .id("radio"),
    ))
}

fn components_as_props() -> html::Div {
    let label = html::Span::new(("x", html::I::new("y"))).id("label");
    html::Div::new((
        dcc::Loading::new(html::Div::new(()).id("in"))
            .custom_spinner(html::B::new("wait").id("spinner"))
            .target_components(json!({"in": "*"})),
        dcc::Dropdown::new()
            .options([json!({"label": label, "value": 1})])
            .value(1)
            .id("drop"),
        dcc::Checklist::new()
            .options([json!({"label": html::B::new("c"), "value": "c"})])
            .id("check"),
    ))
}

fn tabs() -> dcc::Tabs {
    dcc::Tabs::new((
        dcc::Tab::new("first").label("1").value("one"),
        dcc::Tab::new((html::P::new("second"),))
            .label("2")
            .value("two")
            .disabled(true),
    ))
    .id("tabs")
    .value("one")
}

fn store() -> html::Div {
    let data = json!({"text": "x", "list": [1, 2.5, null, [true, {}]], "empty": {}, "none": null, "größe": "雪"});
    html::Div::new((
        dcc::Store::new("s")
            .data(data)
            .storage_type(dcc::StoreStorageType::Local),
        dcc::Store::new("null").data(()),
    ))
}

fn browser_parts() -> html::Div {
    html::Div::new((
        dcc::Location::new("url").refresh(false),
        dcc::Location::new("nav").refresh("callback-nav"),
        dcc::Interval::new()
            .id("i")
            .interval(1000)
            .n_intervals(0)
            .max_intervals(-1)
            .disabled(true),
        dcc::Link::new("go", "/x").title("t"),
        dcc::Download::new().id("d"),
        dcc::Clipboard::new(())
            .target_id("x")
            .style([("display", "inline")]),
        dcc::ConfirmDialog::new().id("c").message("sure?"),
    ))
}

fn markdown() -> dcc::Markdown {
    dcc::Markdown::new(("# a", "*b* $x$"))
        .mathjax(true)
        .dangerously_allow_html(true)
        .dedent(false)
        .id("m")
}

fn graph() -> dcc::Graph {
    let figure = json!({
        "data": [{"type": "scatter", "x": [1, 2, null], "y": [1.5, f64::NAN, 3], "name": "ø"}],
        "layout": {"title": {"text": "t"}, "showlegend": false},
    });
    dcc::Graph::new()
        .figure(figure)
        .id("g")
        .config(json!({"displayModeBar": false}))
        .responsive(true)
}

fn table() -> dash_table::DataTable {
    dash_table::DataTable::new()
        .data(json!([{"a": 1, "b": "x"}, {"a": null, "b": "y"}]))
        .columns(
            json!([{"name": "A", "id": "a", "type": "numeric"}, {"name": ["B", "b"], "id": "b"}]),
        )
        .id("t")
        .page_size(10)
        .sort_action(dash_table::DataTableSortAction::Native)
        .editable(true)
        .style_data_conditional(json!([{"if": {"row_index": "odd"}, "backgroundColor": "#eee"}]))
}
