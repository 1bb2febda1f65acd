//! CSRF tokens, hashes for CSP, what cannot break out of the page, and refusals that say what to
//! do.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ferrodash::prelude::*;
use ferrodash::{Algorithm, StoredError};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{Answer, Client, output};

fn layout() -> html::Div {
    html::Div::new((
        dcc::Input::new().id("a"),
        dcc::Input::new().id("b"),
        html::Div::new(()).id("out"),
    ))
}

fn app() -> App {
    let callback = Callback::builder()
        .name("app::echo", "")
        .output(Output::new("out", "children"));
    App::new(layout()).callback(
        callback
            .input(("a", "value"))
            .handler(async |value: Value| value.to_string()),
    )
}

fn call() -> Value {
    let input = json!({"id": "a", "property": "value", "value": 1});
    json!({"output": "out.children", "inputs": [input], "changedPropIds": ["a.value"]})
}

/// The data block of the page with this id, as the browser reads it: the element ends at the first
/// `</script`.
fn data_block(page: &str, id: &str) -> Value {
    let start = format!("<script id=\"{id}\" type=\"application/json\">");
    let text = page
        .split(&start)
        .nth(1)
        .unwrap()
        .split("</script")
        .next()
        .unwrap();
    assert!(
        !text.contains("<!--") && !text.contains("<script"),
        "{text}"
    );
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[tokio::test]
async fn with_csrf_a_call_needs_the_cookie_of_the_page_in_a_header() {
    let client = Client::new(app().csrf(true));
    let page = client.get("/any/page").await;
    assert_eq!(page.header("cache-control"), "private, no-cache");
    let cookie = page.header("set-cookie").to_owned();
    let (pair, attributes) = cookie.split_once("; ").unwrap();
    assert_eq!(
        attributes, "Path=/; SameSite=Strict",
        "the page's script reads it, so it is not HttpOnly"
    );
    let token = pair.strip_prefix("_csrf_token=").unwrap();
    assert!(
        token.len() == 32 && token.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{token}"
    );
    let other = client.get("/").await.header("set-cookie")[12..44].to_owned();
    assert_ne!(token, other, "each page has its own");

    let good = [("cookie", pair), ("x-csrftoken", token)];
    assert_eq!(output(&client.post_with(&call(), &good).await), "1");
    let both = format!("theme=dark; _csrf_token={other}; {pair}");
    assert_eq!(
        output(
            &client
                .post_with(&call(), &[("cookie", &both), ("x-csrftoken", token)])
                .await
        ),
        "1"
    );
    let empty = [("cookie", "_csrf_token="), ("x-csrftoken", "")];
    let short = [("cookie", "_csrf_token=abc"), ("x-csrftoken", "abc")];
    let wrong = [("cookie", pair), ("x-csrftoken", other.as_str())];
    let bad: [&[(&str, &str)]; 6] = [&[], &good[..1], &good[1..], &wrong, &empty, &short];
    for headers in bad {
        let answer = client.post_with(&call(), headers).await;
        assert_eq!(
            (answer.status, answer.header("cache-control")),
            (StatusCode::FORBIDDEN, "no-store"),
            "{headers:?}"
        );
        for part in ["X-CSRFToken", "_csrf_token", "reload the page"] {
            assert!(answer.text().contains(part), "{}", answer.text());
        }
    }
    // Who has a token keeps it, so that tabs share one; also where the page itself has not changed.
    assert_eq!(
        client
            .get_with("/", &[("cookie", pair)])
            .await
            .header("set-cookie"),
        ""
    );
    let known = client
        .get_with("/", &[("if-none-match", page.header("etag"))])
        .await;
    assert_eq!(known.status, StatusCode::NOT_MODIFIED);
    assert!(known.header("set-cookie").starts_with("_csrf_token="));
}

#[tokio::test]
async fn the_admin_page_of_an_app_with_csrf_asks_for_tokens_too() {
    let client = Client::new(app().csrf(true).cache_admin("/_cache/", |_| true));
    let cookie = client.get("/_cache/").await.header("set-cookie").to_owned();
    assert!(cookie.contains("; Path=/_cache/; "), "{cookie}");
    let request =
        Request::post("/_cache/_dash-update-component").header("content-type", "application/json");
    let answer = client
        .send(request.body(Body::from(call().to_string())).unwrap())
        .await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_cookie_has_the_apps_names_and_path_and_is_secure_where_the_browser_came_by_https() {
    let app = app()
        .url_base_pathname("/reports/")
        .csrf(true)
        .csrf_token_name("token")
        .csrf_header_name("X-Token");
    let client = Client::new(app);
    for header in [
        ("x-forwarded-proto", "https"),
        ("forwarded", "for=192.0.2.1;proto=\"https\""),
    ] {
        let page = client.get_with("/reports/", &[header]).await;
        assert!(
            page.header("set-cookie").starts_with("token="),
            "{}",
            page.header("set-cookie")
        );
        assert!(
            page.header("set-cookie")
                .ends_with("; Path=/reports/; SameSite=Strict; Secure"),
            "{header:?}"
        );
        let config = data_block(&page.text(), "_dash-config");
        assert_eq!(
            (&config["csrf_token_name"], &config["csrf_header_name"]),
            (&json!("token"), &json!("X-Token"))
        );
    }
    let plain = client
        .get_with("/reports/", &[("x-forwarded-proto", "http")])
        .await;
    assert!(!plain.header("set-cookie").contains("Secure"));
}

#[tokio::test]
async fn without_csrf_there_is_no_cookie_and_wrong_names_are_mistakes() {
    assert_eq!(Client::new(app()).get("/").await.header("set-cookie"), "");
    for app in [
        app().csrf_token_name("a b"),
        app().csrf_header_name(""),
        app().csrf_token_name("a;b"),
    ] {
        let mistakes = app.build().unwrap_err().to_string();
        assert!(
            mistakes.contains("csrf_") && mistakes.contains("it must be letters"),
            "{mistakes}"
        );
    }
}

#[tokio::test]
async fn hashes_are_those_of_the_inline_scripts() {
    let app = app().build().unwrap();
    // Made with OpenSSL from the text of the renderer's script.
    assert_eq!(
        app.csp_hashes(Algorithm::Sha256),
        ["'sha256-jZlsGVOhUAIcH+4PVs7QuGZkthRMgvT2n0ilH6/zTM0='"]
    );
    assert_eq!(
        app.csp_hashes(Algorithm::Sha384),
        ["'sha384-Dqak5KqF0NBspBlGU3vFieLAdSsGjb9aLIaZPC3u4Ka94Hb1zjB5ChPS06q8oEaw'"]
    );
    assert_eq!(
        app.csp_hashes(Algorithm::Sha512),
        [
            "'sha512-nFiZ1IvbbacaRP5m6AwZI7UKf6RNge7kdGhTZpRpkp/tCylaQeSbQm/EDjvO1zB58yImeXQNBnz+qEbEXxTYUg=='"
        ]
    );
    assert_eq!(
        inline_scripts(&Client(app.into_router()).get("/").await.text()),
        ["var renderer = new DashRenderer();"]
    );

    // Functions of the page are scripts in it too.
    let source = "function (value) { return '</SCRIPT><!-- ' + value; }";
    let callback = Callback::builder()
        .output(Output::new("out", "children"))
        .input(("a", "value"))
        .clientside(source);
    let app = App::new(layout()).callback(callback).build().unwrap();
    let hashes = app.csp_hashes(Algorithm::Sha256);
    let inline = inline_scripts(&Client(app.into_router()).get("/").await.text());
    assert!(
        inline[0].contains(r"return '<\/SCRIPT><\!-- ' + value"),
        "{inline:?}"
    );
    let hash = |script: &String| {
        format!(
            "'sha256-{}'",
            BASE64_STANDARD.encode(Sha256::digest(script))
        )
    };
    assert_eq!(hashes, inline.iter().map(hash).collect::<Vec<_>>());
    assert_eq!(hashes.len(), 2);
}

/// The texts of the scripts that a browser would run from the page itself.
fn inline_scripts(page: &str) -> Vec<String> {
    let elements = page
        .split("<script")
        .skip(1)
        .filter_map(|rest| rest.split_once('>'));
    let inline = elements
        .filter(|(tag, _)| !tag.contains("src=") && !tag.contains("type=\"application/json\""));
    inline
        .map(|(_, rest)| rest.split("</script>").next().unwrap().to_owned())
        .collect()
}

/// What tries to end whatever it stands in.
const ESCAPE: &str =
    "</title></script><script>alert(1)</script><!-- --> \"'` & \u{2028}\u{2029} {%scripts%}";

#[tokio::test]
async fn nothing_that_is_put_into_the_page_breaks_out_of_its_place() {
    let plain = Client::new(app()).get("/").await.text();
    let callback = Callback::builder()
        .output(Output::new(ESCAPE.replace(['{', '}', '.'], ""), "children"))
        .input(Input::new("a", "value").debounce(std::time::Duration::from_millis(100)))
        .cache(CacheOptions::new(std::time::Duration::from_secs(60)).client())
        .handler(async |_: Option<String>| "");
    let id = ESCAPE.replace(['{', '}', '.'], "");
    let app = App::new(html::Div::new((
        dcc::Input::new().id("a"),
        html::Div::new(()).id(id.clone()),
    )))
    .callback(callback)
    .title(ESCAPE)
    .update_title(Some(ESCAPE))
    .meta_tag([("name", "description"), ("content", ESCAPE)])
    .external_script_tag([("src", "/a.js"), ("data-note", ESCAPE)])
    .external_stylesheet_tag([("rel", "stylesheet"), ("href", ESCAPE)])
    .csrf_token_name("x");
    let client = Client::new(app);
    let page = client.get("/").await.text();
    let count = |page: &str, what: &str| page.matches(what).count();
    assert_eq!(
        count(&page, "<script"),
        count(&plain, "<script") + 1,
        "the one external script"
    );
    assert_eq!(count(&page, "</script"), count(&plain, "</script") + 1);
    assert_eq!(
        (
            count(&page, "<!--"),
            count(&page, "</title>"),
            count(&page, "alert(1)</script>")
        ),
        (0, 1, 0)
    );
    let escaped = "&lt;/title&gt;&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;&lt;!-- --&gt; &quot;'` &amp; ";
    for place in [
        "<title>",
        "content=\"",
        "data-note=\"",
        "rel=\"stylesheet\" href=\"",
    ] {
        assert!(page.contains(&format!("{place}{escaped}")), "{place}");
    }
    // The browser reads what was put in. The line separators of JavaScript are plain characters of
    // JSON.
    assert_eq!(data_block(&page, "_dash-config")["update_title"], ESCAPE);
    let config = data_block(&page, "_ferrodash-config");
    assert!(
        config["client"][format!("{id}.children")].is_object(),
        "{config}"
    );
    // A layout is no page, whatever it says.
    let layout = client.get("/_dash-layout").await;
    assert_eq!(
        (
            layout.header("content-type"),
            layout.header("x-content-type-options")
        ),
        ("application/json", "nosniff")
    );
}

#[tokio::test]
async fn prefixes_and_names_of_attributes_that_would_break_out_are_mistakes() {
    for (app, part) in [
        (
            app().external_script_tag([("src=x onerror=alert(1) x", "y")]),
            "is not the name of an attribute",
        ),
        (
            app().meta_tag([("a><script>", "y")]),
            "is not the name of an attribute",
        ),
        (
            app().external_stylesheet_tag([("", "y")]),
            "is not the name of an attribute",
        ),
        (
            app().url_base_pathname("/a\r\nSet-Cookie: b/"),
            "must be a plain path",
        ),
        (
            app().requests_pathname_prefix("/a; Domain=b/"),
            "must be a plain path",
        ),
        (
            app().requests_pathname_prefix("/\"><script>/"),
            "must be a plain path",
        ),
        (
            app().requests_pathname_prefix("//other.example"),
            "must begin and end with a slash",
        ),
    ] {
        let mistakes = app.build().map(|_| ()).unwrap_err().to_string();
        assert!(mistakes.contains(part), "{mistakes}");
    }
    let prefix = "/a&'b/";
    let page = Client::new(app().requests_pathname_prefix(prefix))
        .get("/")
        .await
        .text();
    assert!(page.contains("src=\"/a&amp;'b/_dash-component-suites/"));
    assert_eq!(
        data_block(&page, "_dash-config")["requests_pathname_prefix"],
        prefix
    );
}

/// Sends a text as a call.
async fn send(client: &Client, body: &str) -> Answer {
    let request =
        Request::post("/_dash-update-component").header("content-type", "application/json");
    client
        .send(request.body(Body::from(body.to_owned())).unwrap())
        .await
}

#[tokio::test]
async fn what_no_page_sends_is_refused_with_a_status_and_what_was_wrong_where_and_what_to_do() {
    let client = Client::new(app().max_body(2000));
    let input = |id: &str, property: &str| json!({"id": id, "property": property, "value": 1});
    let call =
        |output: &str, inputs: &[Value]| json!({"output": output, "inputs": inputs}).to_string();
    let unprocessable = StatusCode::UNPROCESSABLE_ENTITY;
    let not_a_call = [
        "the request is not a callback's",
        "send the JSON that Dash's front end sends",
    ];
    let mismatch = [
        "the call of app::echo does not have the declared inputs",
        "reload it",
    ];
    for (body, status, parts) in [
        (
            "{\"output\": ".into(),
            unprocessable,
            [not_a_call[0], "at line 1 column 11"],
        ),
        ("".into(), unprocessable, not_a_call),
        ("[1, 2]".into(), unprocessable, not_a_call),
        (
            "{\"output\": \"out.children\", \"inputs\": [{}]}".into(),
            unprocessable,
            ["missing field `id`", mismatch[0]],
        ),
        (
            "{\"output\": 5, \"inputs\": []}".into(),
            unprocessable,
            not_a_call,
        ),
        ("{\"output\": \"\u{0}\"}".into(), unprocessable, not_a_call),
        (
            call("other.children", &[]),
            StatusCode::NOT_FOUND,
            ["no callback writes other.children", "reload it"],
        ),
        (call("out.children", &[]), unprocessable, mismatch),
        (
            call("out.children", &[input("a", "value"), input("b", "value")]),
            unprocessable,
            mismatch,
        ),
        (
            call("out.children", &[input("b", "value")]),
            unprocessable,
            mismatch,
        ),
        (
            call("out.children", &[input("a", "style")]),
            unprocessable,
            mismatch,
        ),
        (
            call(
                "out.children",
                &[json!({"id": {"type": "x"}, "property": "value"})],
            ),
            unprocessable,
            mismatch,
        ),
        (
            call(&"x".repeat(3000), &[]),
            StatusCode::PAYLOAD_TOO_LARGE,
            ["larger than the 2000 bytes", "App::max_body"],
        ),
    ] {
        let answer = send(&client, &body).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
        assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
        assert_eq!(
            answer.header("x-content-type-options"),
            "nosniff",
            "as it repeats what was sent"
        );
        for part in parts {
            assert!(
                answer.text().contains(part),
                "{part:?} is not in {:?}",
                answer.text()
            );
        }
    }
    let request = Request::post("/_dash-update-component").header("content-type", "text/plain");
    let answer = client.send(request.body(Body::from("{}")).unwrap()).await;
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert!(answer.text().contains("Content-Type"), "{}", answer.text());
    let bytes = Request::post("/_dash-update-component").header("content-type", "application/json");
    let answer = client
        .send(bytes.body(Body::from(vec![b'"', 0xff, b'"'])).unwrap())
        .await;
    assert_eq!(answer.status, unprocessable);
}

#[tokio::test]
async fn values_without_a_bottom_are_refused_and_exhaust_no_stack() {
    for cached in [false, true] {
        let callback = Callback::builder()
            .name("app::deep", "1")
            .output(Output::new("out", "children"));
        let callback = callback.input(("a", "value"));
        let callback = if cached {
            callback.cache(CacheOptions::new(std::time::Duration::from_secs(9)))
        } else {
            callback
        };
        let callback = callback.handler(async |value: Value| value.to_string().len() as u64);
        let client = Client::new(App::new(layout()).callback(callback).debug(false));
        let nested = |open: &str, close: &str, depth: usize| {
            let value = format!("{}{}", open.repeat(depth), close.repeat(depth));
            format!(
                r#"{{"output":"out.children","inputs":[{{"id":"a","property":"value","value":{value}}}]}}"#
            )
        };
        assert_eq!(output(&send(&client, &nested("[", "]", 127)).await), 254);
        for (open, close, depth) in [
            ("[", "]", 128),
            ("[", "]", 1_000_000),
            ("{\"a\":[", "]}", 100_000),
        ] {
            let answer = send(&client, &nested(open, close, depth)).await;
            assert_eq!(
                answer.status,
                StatusCode::UNPROCESSABLE_ENTITY,
                "{depth} of {open}: {}",
                answer.text()
            );
            for part in [
                "app::deep",
                "a.value",
                "recursion limit exceeded",
                "127 levels",
            ] {
                assert!(answer.text().contains(part), "{}", answer.text());
            }
        }
    }
    // Where values are not looked at, depth alone is no reason.
    let client = Client::new(app());
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    for body in [
        format!(r#"{{"output":"out.children","inputs":[{{"id":{deep},"property":"value"}}]}}"#),
        format!(r#"{{"output":"out.children","inputs":{deep}}}"#),
        "[".repeat(1_000_000),
    ] {
        assert_eq!(
            send(&client, &body).await.status,
            StatusCode::UNPROCESSABLE_ENTITY
        );
    }
}

#[tokio::test]
async fn a_handle_that_the_app_does_not_know_is_no_failure_of_the_app() {
    let layout = html::Div::new((dcc::Store::new("c"), html::Div::new(()).id("out")));
    let load = Callback::builder()
        .name("app::load", "")
        .output(Output::new("out", "children"))
        .input(("c", "data"));
    let load = load
        .handler(async |rows: Stored<u8>| Ok::<_, CallbackError>(rows.load().await?.to_string()));
    let client = Client::new(App::new(layout).callback(load).debug(false));
    let load = async |data: Value| {
        let input = json!({"id": "c", "property": "data", "value": data});
        client
            .post(&json!({"output": "out.children", "inputs": [input]}))
            .await
    };
    let answer = load(json!({"_ferrodash_stored": "0".repeat(112)})).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let text = format!(
        "callback app::load: {}; reload the page, which stores it again",
        StoredError::Forged
    );
    assert_eq!(answer.text(), text);
}
