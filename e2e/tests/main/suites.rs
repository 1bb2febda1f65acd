//! Third-party suites: the page draws their components, and they take part in callbacks.

use e2e::{Browser, IDLE, Site};
use ferrodash::prelude::*;
use ferrodash_ag_grid as dag;
use ferrodash_bootstrap_components as dbc;
use ferrodash_cytoscape as cyto;
use ferrodash_mantine_components as dmc;
use serde_json::{Value, json};

ferrodash::suite!(dash_daq as daq);
ferrodash::suite!(test_sheet);

async fn open(app: App) -> (Site, Browser) {
    let site = Site::start(app).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    (site, browser)
}

/// The address that all files of a suite have below it, with the suite's digest.
async fn folder_of(browser: &Browser, site: &Site, package: &str) -> String {
    let scripts = browser
        .js("return [...document.scripts].map(script => script.src)")
        .await;
    let scripts: Vec<&str> = scripts
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let start = site.url("/_dash-component-suites/@");
    let script = scripts
        .iter()
        .find(|url| url.starts_with(&start) && url.contains(&format!("/{package}/")));
    let script = script.unwrap_or_else(|| panic!("{package} has no script in {scripts:?}"));
    script[..script.find(&format!("{package}/")).unwrap()].to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn bootstrap_buttons_change_alerts_and_tabs_answer() {
    let layout = dbc::Container::new((
        dbc::Button::new("Save")
            .id("save")
            .color("primary")
            .class_name("me-2")
            .n_clicks(0),
        dbc::Alert::new("Nothing saved").id("message").color("info"),
        dbc::Tabs::new((
            dbc::Tab::new(html::P::new("all of them"))
                .label("Flights")
                .tab_id("flights"),
            dbc::Tab::new(html::P::new("none yet"))
                .label("Carriers")
                .tab_id("carriers"),
        ))
        .id("tabs")
        .active_tab("flights"),
        html::P::new(()).id("tab"),
        dbc::Card::new((
            dbc::CardHeader::new("Card"),
            dbc::CardBody::new(dbc::Badge::new("7").color("danger")),
        )),
        dbc::Checklist::new()
            .id("list")
            .options(json!([{"label": html::B::new("JFK"), "value": "j"}]))
            .value(["j"]),
    ));
    let saved = Callback::builder()
        .output(Output::new("message", "children"))
        .input(("save", "n_clicks"))
        .handler(async |clicks: u32| {
            if clicks == 0 {
                "Nothing saved".into()
            } else {
                format!("Saved {clicks} times")
            }
        });
    let tab = Callback::builder()
        .output(Output::new("tab", "children"))
        .input(("tabs", "active_tab"))
        .handler(async |tab: String| format!("The tab is {tab}"));
    let app = App::new(layout)
        .suite(&dbc::SUITE)
        .callback(saved)
        .callback(tab);
    let (_site, browser) = open(app).await;
    assert_eq!(browser.text("message").await, "Nothing saved");
    assert_eq!(browser.text("tab").await, "The tab is flights");
    for count in 1..=2 {
        browser.element("save").await.click().await.unwrap();
        browser
            .wait_until(&format!(
                "document.getElementById('message').innerText === 'Saved {count} times'"
            ))
            .await;
    }
    let class = browser
        .element("message")
        .await
        .attr("class")
        .await
        .unwrap()
        .unwrap_or_default();
    assert!(
        class.contains("alert-info"),
        "the alert has Bootstrap's class: {class}"
    );
    browser
        .js("[...document.querySelectorAll('a.nav-link')].find(link => link.innerText === 'Carriers').click()")
        .await;
    browser
        .wait_until("document.getElementById('tab').innerText === 'The tab is carriers'")
        .await;
    let label = browser
        .js("return document.querySelector('#list label b').innerText")
        .await;
    assert_eq!(label, "JFK", "a component in an option is drawn");
    assert_eq!(browser.console().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grid_shows_rows_that_a_callback_gives_and_tells_which_are_chosen() {
    let layout = html::Div::new((
        html::Button::new("More").id("more").n_clicks(0),
        dag::AgGrid::new()
            .id("grid")
            .column_defs(json!([{"field": "carrier"}, {"field": "flights"}]))
            .row_data(json!([]))
            .column_size(dag::AgGridColumnSize::SizeToFit)
            .dash_grid_options(
                json!({"rowSelection": {"mode": "singleRow", "enableClickSelection": true}}),
            ),
        html::P::new("Nothing chosen").id("chosen"),
        html::P::new("No cell").id("cell"),
    ));
    let rows = Callback::builder()
        .output(Output::new("grid", "rowData"))
        .input(("more", "n_clicks"))
        .handler(async |clicks: u32| {
            let row =
                |index: u32| json!({"carrier": format!("Carrier {index}"), "flights": index * 100});
            Json((0..=clicks).map(row).collect::<Vec<_>>())
        });
    let chosen = Callback::builder()
        .output(Output::new("chosen", "children"))
        .input(("grid", "selectedRows"))
        .prevent_initial_call()
        .handler(async |rows: Option<Vec<Value>>| {
            let names = rows.unwrap_or_default();
            names
                .iter()
                .filter_map(|row| row["carrier"].as_str())
                .collect::<Vec<_>>()
                .join(", ")
        });
    let cell = Callback::builder()
        .output(Output::new("cell", "children"))
        .input(("grid", "cellClicked"))
        .prevent_initial_call()
        .handler(async |cell: Option<Value>| {
            cell.map_or("No cell".into(), |cell| cell["value"].to_string())
        });
    let app = App::new(layout)
        .suite(&dag::SUITE)
        .callback(rows)
        .callback(chosen)
        .callback(cell);
    let (site, browser) = open(app).await;
    let cells =
        "[...document.querySelectorAll('#grid .ag-center-cols-container [col-id=carrier]')]";
    browser
        .wait_until(&format!(
            "{cells}.map(cell => cell.innerText).join() === 'Carrier 0'"
        ))
        .await;
    browser.element("more").await.click().await.unwrap();
    browser
        .wait_until(&format!(
            "{cells}.map(cell => cell.innerText).sort().join() === 'Carrier 0,Carrier 1'"
        ))
        .await;
    let second = "#grid .ag-center-cols-container [row-index='1'] [col-id=flights]";
    browser
        .driver
        .find(thirtyfour::By::Css(second))
        .await
        .unwrap()
        .click()
        .await
        .unwrap();
    browser
        .wait_until("document.getElementById('chosen').innerText === 'Carrier 1'")
        .await;
    browser
        .wait_until("document.getElementById('cell').innerText === '100'")
        .await;
    let loaded = browser
        .js("return performance.getEntriesByType('resource').map(entry => entry.name).join()")
        .await;
    let loaded = loaded.as_str().unwrap();
    let part = format!(
        "{}dash_ag_grid/async-community.js",
        folder_of(&browser, &site, "dash_ag_grid").await
    );
    assert!(loaded.contains(&part), "{loaded}");
    assert!(
        !loaded.contains("enterprise"),
        "the modules that need a licence stay where they are: {loaded}"
    );
    assert_eq!(browser.console().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn mantine_inputs_answer_and_a_chart_is_loaded_when_it_is_drawn() {
    let layout = dmc::MantineProvider::new(
        dmc::Stack::new((
            dmc::TextInput::new()
                .id("name")
                .label("Name")
                .left_section(html::Span::new("@").id("at"))
                .w(300),
            dmc::Select::new()
                .id("airport")
                .label("Airport")
                .data(json!([{"value": "J", "label": "JFK"}, "LGA"])),
            dmc::Button::new("Greet")
                .id("greet")
                .color("teal")
                .n_clicks(0),
            dmc::Text::new(()).id("greeting").fw(700),
            dmc::Switch::new()
                .id("charts")
                .label("Chart")
                .checked(false),
            dmc::Box::new(()).id("chart").h(200),
        ))
        .p("md"),
    );
    let greeting = Callback::builder()
        .output(Output::new("greeting", "children"))
        .input(("greet", "n_clicks"))
        .input(("airport", "value"))
        .state(("name", "value"))
        .handler(
            async |clicks: u32, airport: Option<String>, name: Option<String>| {
                format!(
                    "{clicks}: {} at {}",
                    name.unwrap_or_default(),
                    airport.as_deref().unwrap_or("no airport")
                )
            },
        );
    let chart = Callback::builder()
        .output(Output::new("chart", "children"))
        .input(("charts", "checked"))
        .prevent_initial_call()
        .handler(async |_: bool| {
            let data = json!([{"month": "Jan", "flights": 27}, {"month": "Feb", "flights": 24}]);
            dmc::BarChart::new(
                (),
                data,
                "month",
                json!([{"name": "flights", "color": "teal"}]),
            )
            .h(200)
        });
    let (site, browser) = open(
        App::new(layout)
            .suite(&dmc::SUITE)
            .callback(greeting)
            .callback(chart),
    )
    .await;
    assert_eq!(browser.text("greeting").await, "0: at no airport");
    assert_eq!(
        browser.text("at").await,
        "@",
        "a component in a property is drawn"
    );
    browser
        .element("name")
        .await
        .send_keys("Ada")
        .await
        .unwrap();
    browser.element("greet").await.click().await.unwrap();
    browser
        .wait_until("document.getElementById('greeting').innerText === '1: Ada at no airport'")
        .await;
    browser.element("airport").await.click().await.unwrap();
    browser
        .wait_until("document.querySelectorAll('[role=option]').length === 2")
        .await;
    browser
        .driver
        .find(thirtyfour::By::Css("[role=option][value=LGA]"))
        .await
        .unwrap()
        .click()
        .await
        .unwrap();
    browser
        .wait_until("document.getElementById('greeting').innerText === '1: Ada at LGA'")
        .await;
    let loaded = "performance.getEntriesByType('resource').map(entry => entry.name).join()";
    let before = browser.js(&format!("return {loaded}")).await;
    assert!(
        !before.as_str().unwrap().contains("BarChart"),
        "a chart is not loaded before it is drawn: {before}"
    );
    browser
        .js("document.getElementById('charts').click()")
        .await;
    browser
        .wait_until("document.querySelectorAll('#chart .recharts-bar-rectangle').length === 2")
        .await;
    browser.wait_until(IDLE).await;
    let folder = folder_of(&browser, &site, "dash_mantine_components").await;
    let chunk = format!("{folder}dash_mantine_components/async-BarChart.js");
    browser
        .wait_until(&format!("{loaded}.includes('{chunk}')"))
        .await;
    assert_eq!(browser.console().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_graph_grows_by_a_callback_and_tells_which_node_was_tapped() {
    for suite in [&cyto::SUITE, &cyto::extra_layouts::SUITE] {
        let name = if suite.scripts[0].contains("extra") {
            "dagre"
        } else {
            "grid"
        };
        let layout = html::Div::new((
            html::Button::new("Grow").id("grow").n_clicks(0),
            cyto::Cytoscape::new()
                .id("graph")
                .layout(json!({"name": name}))
                .style([("width", "100%"), ("height", "400px")])
                .elements(json!([])),
            html::P::new(()).id("tapped"),
        ));
        let elements = Callback::builder()
            .output(Output::new("graph", "elements"))
            .input(("grow", "n_clicks"))
            .handler(async |clicks: u32| {
                let node = |index| json!({"data": {"id": format!("n{index}"), "label": format!("Airport {index}")}});
                let edge = |to| json!({"data": {"id": format!("e{to}"), "source": "n0", "target": format!("n{to}")}});
                Json((0..=clicks + 1).map(node).chain((1..=clicks + 1).map(edge)).collect::<Vec<_>>())
            });
        let tapped = Callback::builder()
            .output(Output::new("tapped", "children"))
            .input(("graph", "tapNodeData"))
            .handler(async |node: Option<Value>| {
                node.map_or("Nothing".to_owned(), |node| node["label"].to_string())
            });
        let (_site, browser) = open(
            App::new(layout)
                .suite(suite)
                .callback(elements)
                .callback(tapped),
        )
        .await;
        let graph = "document.getElementById('graph')._cyreg.cy";
        browser
            .wait_until(&format!(
                "{graph}.nodes().length === 2 && {graph}.edges().length === 1"
            ))
            .await;
        browser.element("grow").await.click().await.unwrap();
        browser
            .wait_until(&format!(
                "{graph}.nodes().length === 3 && {graph}.edges().length === 2"
            ))
            .await;
        browser.let_pass(300).await;
        let place = browser
            .js(&format!(
                "const at = {graph}.$('#n2').renderedPosition(); return [at.x, at.y]"
            ))
            .await;
        let place: Vec<i64> = place
            .as_array()
            .unwrap()
            .iter()
            .map(|at| at.as_f64().unwrap().round() as i64)
            .collect();
        let corner = browser.js("const box = document.getElementById('graph').getBoundingClientRect(); return [Math.round(box.x), Math.round(box.y)]").await;
        let at = |axis: usize| corner[axis].as_i64().unwrap() + place[axis];
        browser
            .driver
            .action_chain()
            .move_to(at(0), at(1))
            .click()
            .perform()
            .await
            .unwrap();
        browser
            .wait_until("document.getElementById('tapped').innerText === '\"Airport 2\"'")
            .await;
        assert_eq!(browser.console().await, Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn e36_a_suite_of_three_lines_works_and_its_parts_are_kept_by_the_browser() {
    let layout = html::Div::new((
        daq::ToggleSwitch::new()
            .id("switch")
            .label("Heating")
            .value(false),
        daq::Gauge::new()
            .id("gauge")
            .label("Degrees")
            .min(0)
            .max(40)
            .show_current_value(true)
            .value(18),
        daq::ColorPicker::new().id("colour").label("Light"),
        html::P::new(()).id("state"),
    ));
    let heat = Callback::builder()
        .output(Output::new("gauge", "value"))
        .output(Output::new("state", "children"))
        .input(("switch", "value"))
        .handler(async |on: bool| {
            if on {
                (24, "It gets warm")
            } else {
                (18, "It stays cool")
            }
        });
    let (site, browser) = open(App::new(layout).suite(&daq::SUITE).callback(heat)).await;
    browser
        .wait_until("document.getElementById('state').innerText === 'It stays cool'")
        .await;
    browser
        .js("document.querySelector('#switch button').click()")
        .await;
    browser
        .wait_until("document.getElementById('state').innerText === 'It gets warm'")
        .await;
    browser
        .wait_until("document.getElementById('gauge').innerText.includes('24')")
        .await;
    browser
        .wait_until("document.querySelector('#colour .saturation-white')")
        .await;
    // The bundle names its parts with the fingerprint of its own build; the folder before it is
    // that of the suite.
    let folder = folder_of(&browser, &site, "dash_daq").await;
    let loaded = browser
        .js("return performance.getEntriesByType('resource').map(entry => entry.name)")
        .await;
    let mut loaded = loaded.as_array().unwrap().iter().filter_map(Value::as_str);
    let part = loaded
        .find(|url| url.contains("async-colorpicker"))
        .expect("the picker is loaded on demand");
    assert!(
        part.starts_with(&format!("{folder}dash_daq/async-colorpicker.")),
        "{part}"
    );
    let answer = reqwest::get(part).await.unwrap();
    assert_eq!(
        answer.headers()["cache-control"],
        "public, max-age=31536000, immutable",
        "{part}"
    );
    assert_eq!(browser.console().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn e32_components_inside_data_are_drawn_and_take_part_in_callbacks() {
    fn row(index: u32) -> Value {
        let button = html::Button::new(format!("Take {index}"))
            .id(id! { kind: "take", row: index })
            .n_clicks(0);
        json!({"carrier": format!("Carrier {index}"), "flights": index * 100, "take": button})
    }
    let more = html::Button::new("More").id("more").n_clicks(0);
    let layout = html::Div::new((
        test_sheet::Sheet::new().id("sheet").data(
            json!([{"carrier": "All", "flights": html::B::new("none").id("sum"), "take": more}]),
        ),
        html::P::new("Nothing taken").id("taken"),
    ));
    let rows = Callback::builder()
        .output(Output::new("sheet", "data"))
        .input(("more", "n_clicks"))
        .prevent_initial_call()
        .handler(async |clicks: u32| {
            let button = html::Button::new("More").id("more").n_clicks(clicks);
            let first =
                json!({"carrier": "All", "flights": html::B::new(format!("{clicks} rows")).id("sum"), "take": button});
            Json(std::iter::once(first).chain((1..=clicks).map(row)).collect::<Vec<_>>())
        });
    let taken = Callback::builder()
        .output(Output::new("taken", "children"))
        .input(Input::new(id! { kind: "take", row: ALL }, "n_clicks"))
        .prevent_initial_call()
        .handler(async |clicks: Vec<Option<u32>>| {
            let clicks: Vec<String> = clicks
                .into_iter()
                .map(|clicks| clicks.unwrap_or(0).to_string())
                .collect();
            format!("Taken: {}", clicks.join(", "))
        });
    // Ids inside data are known when the app is built, so nothing has to be suppressed.
    let app = App::new(layout)
        .suite(&test_sheet::SUITE)
        .callback(rows)
        .callback(taken);
    let (_site, browser) = open(app).await;
    let cells = "[...document.querySelectorAll('#sheet td')].map(cell => cell.innerText).join()";
    browser
        .wait_until(&format!("{cells} === 'All,none,More'"))
        .await;
    browser.js("document.getElementById('more').click()").await;
    browser
        .wait_until(&format!(
            "{cells} === 'All,1 rows,More,Carrier 1,100,Take 1'"
        ))
        .await;
    browser.js("document.getElementById('more').click()").await;
    browser
        .wait_until(&format!("{cells}.endsWith('Carrier 2,200,Take 2')"))
        .await;
    browser
        .js("[...document.querySelectorAll('#sheet button')].find(button => button.innerText === 'Take 2').click()")
        .await;
    browser
        .wait_until("document.getElementById('taken').innerText === 'Taken: 0, 1'")
        .await;
    assert_eq!(browser.console().await, Vec::<String>::new());
}
