//! The page, layout, dependencies, suites, assets, health.

use std::time::Duration;

use axum::http::StatusCode;
use ferrodash::prelude::*;
use serde_json::json;

use crate::Client;

fn app() -> App {
    App::new(html::Div::new("hello").id("root"))
}

#[tokio::test]
async fn every_path_is_the_page_and_it_has_what_the_renderer_needs() {
    let client = Client::new(
        app()
            .title("A & B </title>")
            .meta_tag([("name", "author"), ("content", "\"me\"")]),
    );
    let page = client.get("/").await;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    let text = page.text();
    for part in [
        "<title>A &amp; B &lt;/title&gt;</title>",
        "<meta name=\"author\" content=\"&quot;me&quot;\">",
        "<meta charset=\"UTF-8\">",
        "id=\"react-entry-point\"",
        "<script id=\"_dash-config\" type=\"application/json\">{\"requests_pathname_prefix\":\"/\"",
        "id=\"_dash-renderer\"",
        "href=\"/_favicon.ico\"",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    let order = [
        "react@18",
        "react-dom@18",
        "prop-types",
        "dash_renderer",
        "dcc/dash_core",
        "/_ferrodash/",
    ];
    let places: Vec<_> = order
        .iter()
        .map(|part| text.find(part).unwrap_or_else(|| panic!("{part}")))
        .collect();
    assert!(places.is_sorted(), "{order:?} stand at {places:?}");
    assert_eq!(client.get("/some/page").await.text(), text);
    let again = client
        .get_with("/", &[("if-none-match", page.header("etag"))])
        .await;
    assert_eq!(again.status, StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn all_scripts_of_the_page_are_served_for_ever_in_three_forms() {
    let client = Client::new(app());
    let text = client.get("/").await.text();
    let scripts: Vec<&str> = text
        .split("src=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    assert!(scripts.len() >= 9, "{scripts:?}");
    for script in scripts {
        let plain = client.get(script).await;
        assert_eq!(plain.status, StatusCode::OK, "{script}");
        assert_eq!(
            plain.header("content-type"),
            "text/javascript; charset=utf-8",
            "{script}"
        );
        assert_eq!(
            plain.header("cache-control"),
            "public, max-age=31536000, immutable",
            "{script}"
        );
        for encoding in ["gzip", "br"] {
            let packed = client
                .get_with(script, &[("accept-encoding", encoding)])
                .await;
            assert_eq!(packed.header("content-encoding"), encoding, "{script}");
            assert!(packed.bytes.len() < plain.bytes.len(), "{script}");
            let known = [
                ("accept-encoding", encoding),
                ("if-none-match", packed.header("etag")),
            ];
            assert_eq!(
                client.get_with(script, &known).await.status,
                StatusCode::NOT_MODIFIED,
                "{script}"
            );
        }
    }
}

#[tokio::test]
async fn files_on_demand_licences_and_unknown_files() {
    let client = Client::new(app());
    let at = |path: &str| format!("/_dash-component-suites/{path}");
    for path in [
        "dash/dcc/async-graph.js",
        "plotly/package_data/plotly.min.js",
        "dash/dash_table/async-table.js",
    ] {
        let answer = client.get(&at(path)).await;
        assert_eq!(
            (answer.status, answer.header("cache-control")),
            (StatusCode::OK, "no-cache"),
            "{path}"
        );
    }
    // Bundles ask for their parts with fingerprints of their own build.
    let other = client
        .get(&at("dash/dcc/async-graph.v0_0_1m1634839366.js"))
        .await;
    assert_eq!(
        (other.status, other.header("cache-control")),
        (StatusCode::OK, "no-cache")
    );
    let script = client.get("/_ferrodash/00000000/ferrodash.js").await;
    assert_eq!(
        (script.status, script.header("cache-control")),
        (StatusCode::OK, "no-cache"),
        "of another build"
    );
    for licence in [
        "dash/LICENSE",
        "plotly/LICENSE.txt",
        "dash/dcc/async-slider.js.LICENSE.txt",
    ] {
        let answer = client.get(&at(licence)).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (StatusCode::OK, "text/plain; charset=utf-8")
        );
    }
    assert!(
        client
            .get(&at("dash/LICENSE"))
            .await
            .text()
            .contains("MIT License")
    );
    assert_eq!(
        client.get(&at("dash/dash.py")).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        client.get("/_favicon.ico").await.header("content-type"),
        "image/x-icon"
    );
}

#[tokio::test]
async fn e35_parts_on_demand_carry_the_digest_of_their_suite() {
    let client = Client::new(
        app()
            .requests_pathname_prefix("/outside/")
            .routes_pathname_prefix("/"),
    );
    let page = client.get("/").await.text();
    let script = page
        .split("src=\"")
        .find(|rest| rest.contains("/dcc/dash_core_components."))
        .unwrap();
    let folder = script
        .split("dash/dcc/")
        .next()
        .unwrap()
        .strip_prefix("/outside")
        .unwrap();
    assert!(folder.starts_with("/_dash-component-suites/@"), "{folder}");
    let kept = "public, max-age=31536000, immutable";
    // What webpack makes of the script's address, with and without a fingerprint of its own;
    // licences and maps too.
    for part in [
        "async-graph.js",
        "async-graph.v9_9_9m1634839366.js",
        "async-slider.js.LICENSE.txt",
    ] {
        let answer = client.get(&format!("{folder}dash/dcc/{part}")).await;
        assert_eq!(
            (answer.status, answer.header("cache-control")),
            (StatusCode::OK, kept),
            "{part}"
        );
    }
    // Another digest is that of another build: answered, and not kept. A suite's digest is not that
    // of another suite.
    for other in [
        "/_dash-component-suites/@00000000/dash/dcc/async-graph.js",
        &format!("{folder}dash/favicon.ico"),
    ] {
        let answer = client.get(other).await;
        assert_eq!(
            (answer.status, answer.header("cache-control")),
            (StatusCode::OK, "no-cache"),
            "{other}"
        );
    }
    assert_eq!(
        client
            .get(&format!("{folder}dash/dcc/async-none.js"))
            .await
            .status,
        StatusCode::NOT_FOUND
    );
    // The renderer learns where plotly.js is.
    let plotly = page
        .split("\"plotlyjs_url\":\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .unwrap();
    assert!(
        plotly.starts_with("/outside/_dash-component-suites/plotly/package_data/plotly.v7_1_0m"),
        "{plotly}"
    );
    let answer = client.get(plotly.strip_prefix("/outside").unwrap()).await;
    assert_eq!(
        (answer.status, answer.header("cache-control")),
        (StatusCode::OK, kept)
    );
}

#[tokio::test]
async fn a_fixed_layout_is_validated_and_one_per_request_is_made_anew() {
    let client = Client::new(app());
    let layout = client.get("/_dash-layout").await;
    let expected = json!({"props": {"children": "hello", "id": "root"}, "type": "Div", "namespace": "dash_html_components"});
    assert_eq!(
        (layout.header("content-type"), layout.json()),
        ("application/json", expected)
    );
    let known = [("if-none-match", layout.header("etag"))];
    assert_eq!(
        client.get_with("/_dash-layout", &known).await.status,
        StatusCode::NOT_MODIFIED
    );

    let greeting = |request: &ferrodash::LayoutRequest| {
        let name = request
            .headers
            .get("x-name")
            .and_then(|name| name.to_str().ok())
            .unwrap_or("nobody");
        assert_ne!(name, "panic");
        html::Div::new(format!("hello {name}"))
    };
    let client = Client::new(App::new(greeting));
    for name in ["ada", "alan"] {
        let layout = client.get_with("/_dash-layout", &[("x-name", name)]).await;
        assert_eq!(layout.json()["props"]["children"], format!("hello {name}"));
    }
    let failed = client
        .get_with("/_dash-layout", &[("x-name", "panic")])
        .await;
    assert_eq!(failed.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(client.get("/_dash-layout").await.status, StatusCode::OK);
}

#[tokio::test]
async fn dependencies_are_those_of_dash_with_gates_for_debounced_inputs() {
    let layout = html::Div::new((
        dcc::Input::new().id("a"),
        html::Div::new(()).id("out"),
        html::Button::new("x").id("b"),
    ));
    let callback = Callback::builder()
        .output(Output::new("out", "children"))
        .input(Input::new("a", "value").debounce(Duration::from_millis(500)))
        .running("b", "disabled", true, false)
        .prevent_initial_call()
        .handler(async |_: Option<String>| "");
    let client = Client::new(App::new(layout).callback(callback));
    let plain = json!({"clientside_function": null, "prevent_initial_call": true, "background": null, "dynamic_creator": null,
        "no_output": false, "optional": false, "hidden": false, "websocket": false, "persistent": false});
    let with = |extra: serde_json::Value| {
        let mut all = plain.clone();
        all.as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        all
    };
    let expected = json!([
        with(json!({
            "output": "out.children",
            "inputs": [{"id": "a", "property": "data-fd-value-500"}],
            "state": [{"id": "a", "property": "value"}],
            "running": {"running": {"b.disabled": true}, "runningOff": {"b.disabled": false}},
        })),
        with(json!({
            "output": "gate_0",
            "inputs": [{"id": "a", "property": "value"}],
            "state": [],
            "clientside_function": {"namespace": "ferrodash", "function_name": "gate_0"},
            "no_output": true, "hidden": true, "persistent": true,
        })),
    ]);
    assert_eq!(client.get("/_dash-dependencies").await.json(), expected);
}

#[tokio::test]
async fn assets_are_in_the_page_by_dashs_rules_and_served() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("b.css", "b {}");
    write("a.css", "a {}");
    write("deep/c.js", "1");
    write("module.mjs", "2");
    write("ignored.js", "3");
    write("favicon.ico", "icon");
    write("picture.svg", "<svg/>");
    write("drafts/old/d.js", "4");
    let configured = || {
        app()
            .assets_folder(folder.path())
            .assets_ignore("^ignored")
            .assets_path_ignore(["^drafts$"])
    };
    let client = Client::new(configured());
    let text = client.get("/").await.text();
    let place = |part: &str| {
        text.find(part)
            .unwrap_or_else(|| panic!("{part} is not in {text}"))
    };
    assert!(place("href=\"/assets/a.css?m=") < place("href=\"/assets/b.css?m="));
    assert!(place("src=\"/assets/deep/c.js?m=") < place("dash_renderer"));
    place("<script type=\"module\" src=\"/assets/module.mjs?m=");
    place("href=\"/assets/favicon.ico?m=");
    assert!(
        !text.contains("ignored.js") && !text.contains("picture.svg") && !text.contains("d.js")
    );
    assert_eq!(client.get("/assets/drafts/old/d.js").await.text(), "4");
    let elsewhere = Client::new(
        configured()
            .assets_external_path("https://cdn.example.com/x/")
            .assets_url_path("files"),
    );
    let page = elsewhere.get("/").await.text();
    for part in [
        "href=\"https://cdn.example.com/x/files/a.css?m=",
        "src=\"https://cdn.example.com/x/files/deep/c.js?m=",
        "href=\"https://cdn.example.com/x/files/favicon.ico?m=",
    ] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
    let css = client.get("/assets/a.css?m=1").await;
    assert_eq!(
        (css.text().as_str(), css.header("cache-control")),
        ("a {}", "no-cache")
    );
    assert!(!css.header("etag").is_empty() && !css.header("last-modified").is_empty());
    let known = [("if-none-match", css.header("etag"))];
    assert_eq!(
        client.get_with("/assets/a.css", &known).await.status,
        StatusCode::NOT_MODIFIED
    );
    assert_eq!(client.get("/assets/ignored.js").await.text(), "3");
    for path in [
        "/assets/missing.css",
        "/assets/../Cargo.toml",
        "/assets/%2e%2e/Cargo.toml",
        "/assets/deep",
    ] {
        assert_eq!(
            client.get(path).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
}

#[tokio::test]
async fn an_app_lives_below_its_prefix() {
    let client = Client::new(
        app()
            .url_base_pathname("/reports/")
            .health_endpoint("health"),
    );
    let text = client.get("/reports/").await.text();
    assert!(text.contains("{\"requests_pathname_prefix\":\"/reports/\""));
    assert!(text.contains("src=\"/reports/_dash-component-suites/dash/"));
    for path in [
        "/reports/_dash-layout",
        "/reports/_dash-dependencies",
        "/reports/any/page",
        "/reports/health",
    ] {
        assert_eq!(client.get(path).await.status, StatusCode::OK, "{path}");
    }
    assert_eq!(
        client.get("/_dash-layout").await.status,
        StatusCode::NOT_FOUND
    );
    let proxied = Client::new(app().requests_pathname_prefix("/outside/"));
    assert!(
        proxied
            .get("/")
            .await
            .text()
            .contains("src=\"/outside/_dash-component-suites/")
    );
    assert_eq!(proxied.get("/_dash-layout").await.status, StatusCode::OK);
}

#[tokio::test]
async fn health_is_there_when_asked_for() {
    assert_eq!(
        Client::new(app().health_endpoint("health"))
            .get("/health")
            .await
            .text(),
        "OK"
    );
}

#[tokio::test]
async fn external_scripts_styles_and_a_template_of_ones_own() {
    let template = "<html><head>{%metas%}{%css%}<title>{%title%}</title></head><body class=\"mine\">{%app_entry%}{%config%}\
        {%scripts%}{%renderer%}</body></html>";
    let client = Client::new(
        app()
            .external_script("/lib.js")
            .external_script_tag([("src", "/safe.js"), ("integrity", "sha384-x")])
            .external_stylesheet("/theme.css")
            .title("{%scripts%}")
            .index_string(template),
    );
    let text = client.get("/").await.text();
    assert!(text.contains("<body class=\"mine\">"));
    assert!(text.contains("<script src=\"/lib.js\"></script>"));
    assert!(text.contains("<script src=\"/safe.js\" integrity=\"sha384-x\"></script>"));
    assert!(text.contains("<link rel=\"stylesheet\" href=\"/theme.css\">"));
    assert!(
        text.contains("<title>{%scripts%}</title>"),
        "what is filled in is not searched for markers"
    );
}
