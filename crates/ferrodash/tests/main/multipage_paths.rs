//! Which page of an app of several a path shows: the first that fits, the one for paths that no
//! page has, errors of layouts, redirects. What is expected is what Dash 4.4.1 answers.

use axum::http::StatusCode;
use ferrodash::prelude::*;
use serde_json::{Value, json};

use crate::Client;
use crate::multipage::{asset, call, home, post, reports};

mod not_found_404 {
    use ferrodash::prelude::*;

    pub(super) fn page() -> Page {
        Page::new(async |request: PageRequest| {
            html::H1::new(format!("Nothing at {}", request.pathname()))
        })
        .title("Nothing")
    }
}

/// What is shown under a path below `/`.
async fn shown(client: &Client, pathname: &str) -> Value {
    let answer = post(client, "/", &call(pathname, "")).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()["response"].clone()
}

#[tokio::test]
async fn the_recorded_exchange_under_a_prefix() {
    let client = Client::new(App::with_pages(pages![home, asset]).url_base_pathname("/pre/"));
    let answer = post(&client, "/pre/", &call("/pre/asset/12/hr", "?x=1&y=2&y=3")).await;
    let heading =
        json!({"props": {"children": "12 hr"}, "type": "H2", "namespace": "dash_html_components"});
    let content = json!({"props": {"children": [heading, "x=1 y=2+3"]}, "type": "Div", "namespace": "dash_html_components"});
    let expected = json!({"multi": true, "response": {
        "_pages_content": {"children": content},
        "_pages_store": {"data": {"title": "T 12"}},
    }});
    assert_eq!(answer.json(), expected);
    for root in ["/pre/", "/pre", "/pre//"] {
        let answer = post(&client, "/pre/", &call(root, "")).await;
        assert_eq!(
            answer.json()["response"]["_pages_content"]["children"]["props"]["id"],
            "home",
            "{root}"
        );
    }
    let elsewhere = post(&client, "/pre/", &call("/prefix/asset/1/hr", "")).await;
    assert_eq!(
        elsewhere.json()["response"]["_pages_content"]["children"]["props"]["children"],
        "404 - Page not found"
    );
}

#[tokio::test]
async fn the_first_page_that_fits_is_shown() {
    let says = |text: &'static str| Page::new(html::Div::new(text));
    let client = Client::new(App::with_pages([
        says("asset")
            .path_template("/a/<id>")
            .title(|v: &Variables| v.get("id").unwrap_or("none").to_owned())
            .order(1),
        says("special").path("/a/special").order(2),
        says("b").path("/b/").order(3),
    ]));
    for (path, text, title) in [
        ("/a/special", "asset", "special"),
        ("/a/1/2/", "asset", "1/2"),
        ("/a/%41", "asset", "%41"),
        ("/b", "b", "B"),
        ("/b//", "b", "B"),
        ("/a", "404 - Page not found", "Ferrodash"),
        ("/A/1", "404 - Page not found", "Ferrodash"),
        ("/", "404 - Page not found", "Ferrodash"),
    ] {
        let shown = shown(&client, path).await;
        assert_eq!(
            shown["_pages_content"]["children"]["props"]["children"], text,
            "{path}"
        );
        assert_eq!(shown["_pages_store"]["data"]["title"], title, "{path}");
    }
}

#[tokio::test]
async fn what_is_not_found_has_a_page() {
    let client = Client::new(App::with_pages(pages![home, asset, not_found_404]));
    for path in ["/nowhere", "/asset/twelve/hr"] {
        let shown = shown(&client, path).await;
        assert_eq!(
            shown["_pages_content"]["children"]["props"]["children"],
            format!("Nothing at {path}")
        );
        assert_eq!(shown["_pages_store"]["data"]["title"], "Nothing");
    }
    let own = shown(&client, "/not-found-404").await;
    assert_eq!(own["_pages_store"]["data"]["title"], "Nothing");
    let without = Client::new(App::with_pages(pages![home, asset]).title("My app"));
    let shown = shown(&without, "/asset/twelve/hr").await;
    let heading = json!({"props": {"children": "404 - Page not found"}, "type": "H1", "namespace": "dash_html_components"});
    assert_eq!(
        shown,
        json!({"_pages_content": {"children": heading}, "_pages_store": {"data": {"title": "My app"}}})
    );
    let unset = json!({"output": ".._pages_content.children..._pages_store.data..", "inputs": [
        {"id": "_pages_location", "property": "pathname"}, {"id": "_pages_location", "property": "search", "value": null},
    ], "changedPropIds": []});
    assert_eq!(post(&without, "/", &unset).await.status, StatusCode::OK);
}

#[tokio::test]
async fn errors_of_layouts_are_those_of_callbacks() {
    #[derive(serde::Deserialize)]
    struct Range {
        from: u32,
    }
    let range = async |request: PageRequest| {
        let Range { from } = request.query_as()?;
        Ok::<_, CallbackError>(html::Div::new(from))
    };
    let still = async || Err::<html::Div, _>(PreventUpdate);
    let broken = async || -> html::Div { panic!("no rows") };
    let pages = [
        Page::new(range).path("/range"),
        Page::new(still).path("/still"),
        Page::new(broken).path("/broken"),
    ];
    let client = Client::new(App::with_pages(pages).debug(true));
    let good = post(&client, "/", &call("/range", "?from=3")).await;
    assert_eq!(
        good.json()["response"]["_pages_content"]["children"]["props"]["children"],
        3
    );
    let wrong = post(&client, "/", &call("/range", "?from=x")).await;
    assert_eq!(wrong.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(
        wrong.text().contains("\"from\" is \"x\""),
        "{}",
        wrong.text()
    );
    assert_eq!(
        post(&client, "/", &call("/still", "")).await.status,
        StatusCode::NO_CONTENT
    );
    let broken = post(&client, "/", &call("/broken", "")).await;
    assert_eq!(broken.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(broken.text().contains("no rows"), "{}", broken.text());
}

#[tokio::test]
async fn old_paths_lead_to_the_page() {
    for prefix in ["/", "/pre/"] {
        let app =
            App::with_pages(pages![home, reports::weekly_analytics]).url_base_pathname(prefix);
        let client = Client::new(app);
        for old in ["weeks", "old/weeks", "old/weeks/"] {
            let answer = client.get(&format!("{prefix}{old}")).await;
            let target = format!("{prefix}reports/weekly-analytics");
            assert_eq!(
                (answer.status, answer.header("location")),
                (StatusCode::MOVED_PERMANENTLY, target.as_str())
            );
        }
        assert_eq!(
            client.get(&format!("{prefix}old")).await.status,
            StatusCode::OK
        );
    }
}
