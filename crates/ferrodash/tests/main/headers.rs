//! Headers: those that a callback cannot set, those that every answer has, and what reaches the
//! log.

use std::io::Write;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use ferrodash::Plugin;
use ferrodash::cookie::Cookie;
use ferrodash::prelude::*;
use serde_json::{Value, json};
use tracing_subscriber::fmt::MakeWriter;

use crate::Client;

fn layout() -> html::Div {
    html::Div::new((
        dcc::Input::new().id("a").value(""),
        html::Div::new(()).id("out"),
    ))
}

fn app(callback: Callback) -> App {
    App::new(layout()).callback(callback)
}

fn to_out() -> ferrodash::CallbackBuilder {
    Callback::builder()
        .output(Output::new("out", "children"))
        .input(("a", "value"))
}

#[tokio::test]
async fn a8_headers_of_the_server_cannot_be_set() {
    const REFUSED: [&str; 18] = [
        "Content-Length",
        "transfer-encoding",
        "CONNECTION",
        "Keep-Alive",
        "Proxy-Connection",
        "Proxy-Authenticate",
        "TE",
        "Trailer",
        "Upgrade",
        "Content-Encoding",
        "Content-Type",
        "Content-Range",
        "Date",
        "Age",
        "Cache-Status",
        "X-Ferrodash-Build",
        "HTTP2-Settings",
        "X-Content-Type-Options",
    ];
    let client = Client::new(app(to_out().handler(async |_: Value, context: Context| {
        for name in REFUSED {
            for result in [
                context.set_header(name, "1"),
                context.append_header(name, "1"),
            ] {
                let error = result.expect_err(name).to_string();
                assert!(
                    error.contains(&name.to_lowercase()) && error.contains("the server sets it"),
                    "{error}"
                );
            }
        }
        for (name, value) in [
            ("x-mine", "a\r\nb: c"),
            ("x-mine", "a\nb"),
            ("x\r\nb", "c"),
            ("x-mine", "a\0"),
        ] {
            context.set_header(name, value).expect_err(value);
        }
        context.set_header("X-Mine", "yes")?;
        context.set_header("Cache-Control", "private")?;
        Ok::<_, CallbackError>("done")
    })));
    let answer = client.call(&[json!(1)]).await;
    assert_eq!(
        (crate::output(&answer), answer.header("x-mine")),
        (json!("done"), "yes")
    );
    assert_eq!(
        (
            answer.header("content-type"),
            answer.header("cache-control")
        ),
        ("application/json", "private")
    );
    assert_eq!(answer.headers.get("x-ferrodash-build"), None);
}

#[tokio::test]
async fn a8_a_cookie_cannot_bring_lines_or_attributes_of_its_own() {
    let client = Client::new(app(to_out().handler(async |_: Value, context: Context| {
        context.set_cookie(Cookie::build(("a", "1\r\nX-Evil: 1; Domain=evil.example")));
        context.set_cookie(Cookie::build(("b\r\nX-Evil: 2", "1")));
        context.set_cookie(Cookie::build(("c", "1")).path("/\r\nX-Evil: 3"));
        context.set_cookie(Cookie::build(("d", "1")).path("/x; Domain=evil.example"));
        context.set_cookie(Cookie::build(("e", "1")).domain("a.example; Path=/"));
        context.set_cookie(Cookie::build(("f", "1")).domain("a.example\n"));
        context.set_cookie(Cookie::build(("g", "1")).path("/fine").domain("a.example"));
        "done"
    })));
    let answer = client.call(&[json!(1)]).await;
    assert_eq!(crate::output(&answer), "done");
    let cookies: Vec<_> = answer
        .headers
        .get_all("set-cookie")
        .iter()
        .map(|it| it.to_str().unwrap())
        .collect();
    assert_eq!(cookies.len(), 3, "{cookies:?}");
    assert!(
        cookies[0].starts_with("a=1%0D%0AX-Evil") && !cookies[0].contains(';'),
        "{cookies:?}"
    );
    assert!(cookies[1].starts_with("b%0D%0AX-Evil"), "{cookies:?}");
    assert_eq!(cookies[2], "g=1; Path=/fine; Domain=a.example");
    assert_eq!(answer.headers.get("x-evil"), None);
}

/// A plugin whose routes say of their bodies what is not so.
struct Liar;

impl Plugin for Liar {
    fn routes(&self) -> Router {
        let with = |name: &'static str, value: &'static str| {
            get(async move || ([(name, value)], "the whole body"))
        };
        Router::new()
            .route("/short", with("content-length", "5"))
            .route("/long", with("content-length", "500"))
            .route("/nonsense", with("content-length", "x"))
            .route("/chunked", with("transfer-encoding", "chunked"))
            .route("/right", with("content-length", "14"))
            .route("/own", with("referrer-policy", "no-referrer"))
    }
}

#[tokio::test]
async fn a8_what_a_plugin_says_of_a_body_does_not_break_the_connection() {
    let app = App::new(layout()).plugin(Liar);
    let port = ferrodash_testing::free_port();
    let router = app.build().unwrap().into_router();
    let server =
        tokio::spawn(async move { ferrodash::serve(router, &format!("127.0.0.1:{port}")).await });
    let client = reqwest::Client::new();
    let url = |path: &str| format!("http://127.0.0.1:{port}{path}");
    while client.get(url("/right")).send().await.is_err() {
        tokio::task::yield_now().await;
    }
    for path in [
        "/short",
        "/long",
        "/nonsense",
        "/chunked",
        "/right",
        "/short",
    ] {
        let answer = client.get(url(path)).send().await.unwrap();
        assert_eq!(answer.headers().get("transfer-encoding"), None, "{path}");
        assert_eq!(answer.headers()["content-length"], "14", "{path}");
        assert_eq!(answer.text().await.unwrap(), "the whole body", "{path}");
        let head = client.head(url(path)).send().await.unwrap();
        assert_eq!(head.headers().get("transfer-encoding"), None, "{path}");
    }
    server.abort();
}

#[tokio::test]
async fn a9_every_answer_has_nosniff_and_a_referrer_policy_and_can_be_framed() {
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("a.css"), "a {}").unwrap();
    let echo = || to_out().handler(async |value: Value| value.to_string());
    let configured = || {
        app(echo())
            .assets_folder(root.path())
            .health_endpoint("up")
            .plugin(Liar)
    };
    let client = Client::new(configured().cache_admin("/_cache/", |_| true));
    let paths = [
        "/",
        "/any",
        "/_dash-layout",
        "/_dash-dependencies",
        "/_favicon.ico",
        "/assets/a.css",
        "/assets/none",
    ];
    let paths = || {
        paths
            .into_iter()
            .chain(["/up", "/right", "/_cache/", "/_dash-component-suites/none"])
    };
    for path in paths() {
        let answer = client.get(path).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(
            answer.header("referrer-policy"),
            "strict-origin-when-cross-origin",
            "{path}"
        );
        assert_eq!(
            (
                answer.headers.get("x-frame-options"),
                answer.headers.get("content-security-policy")
            ),
            (None, None)
        );
    }
    let call = client.call(&[json!(1)]).await;
    assert_eq!(
        (call.status, call.header("referrer-policy")),
        (StatusCode::OK, "strict-origin-when-cross-origin")
    );
    assert_eq!(
        client.get("/own").await.header("referrer-policy"),
        "no-referrer",
        "what a route says itself stays"
    );
    let known = client.get_with("/", &[("if-none-match", "*")]).await;
    assert_eq!(
        (known.status, known.header("x-content-type-options")),
        (StatusCode::NOT_MODIFIED, "nosniff")
    );
    let client = Client::new(
        configured()
            .forbid_framing(true)
            .cache_admin("/_cache/", |_| true),
    );
    for path in paths() {
        let answer = client.get(path).await;
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(
            answer.header("content-security-policy"),
            "frame-ancestors 'none'",
            "{path}"
        );
    }
}

/// What the log would show.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn a9_a_value_cannot_begin_a_line_of_the_log() {
    const FORGED: &str = "2026-01-01T00:00:00Z ERROR forged";
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(log.clone())
        .with_ansi(false)
        .with_max_level(tracing::Level::TRACE);
    let _guard = tracing::subscriber::set_default(subscriber.finish());
    let fails = to_out()
        .handler(async |value: String| Err::<String, _>(CallbackError::new(format!("no {value}"))));
    let panics = Callback::builder()
        .output(Output::new("out", "title"))
        .input(("a", "value"));
    let panics = panics.handler(async |value: String| {
        if value.is_empty() {
            value
        } else {
            panic!("no {value}")
        }
    });
    let handled = Callback::builder()
        .output(Output::new("out", "lang"))
        .input(("a", "value"));
    let handled = handled.on_error(|_, _| NoUpdate);
    let handled = handled
        .handler(async |value: String| Err::<String, _>(CallbackError::new(format!("no {value}"))));
    let app = App::new(layout())
        .callback(fails)
        .callback(panics)
        .callback(handled);
    let client = Client::new(app.debug(true));
    for breaks in [
        "\n",
        "\r\n",
        "\r",
        "\u{85}",
        "\u{2028}",
        "\u{2029}",
        "\u{b}",
        "\u{c}",
        "\u{1b}[2K\n",
    ] {
        let forged = format!("x{breaks}{FORGED}");
        let call = |output: &str| json!({"output": output, "inputs": [{"id": "a", "property": "value", "value": forged}]});
        for output in ["out.children", "out.title", "out.lang", &forged] {
            client.post(&call(output)).await;
        }
        client
            .post(
                &json!({"output": "out.children", "inputs": [{"id": forged, "property": "value"}]}),
            )
            .await;
        client
            .post(&json!({"output": "out.children", &forged: 1, "inputs": {&forged: 1}}))
            .await;
        client
            .get(&format!(
                "/_dash-component-suites/{}",
                forged.replace(|c: char| !c.is_ascii_alphanumeric(), "%0A")
            ))
            .await;
    }
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.matches("forged").count() > 20, "{log}");
    let lines = log.split(|c: char| "\n\r\u{85}\u{2028}\u{2029}\u{b}\u{c}".contains(c));
    for line in lines {
        assert!(
            !line.trim_start_matches("\u{1b}[2K").starts_with(FORGED) && !line.contains('\u{1b}'),
            "{line:?}"
        );
    }
}
