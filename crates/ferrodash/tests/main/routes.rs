//! Paths: prefixes, what two parts of an app cannot share, the assets' order and links.

use axum::Router;
use axum::http::{Method, Request, StatusCode};
use axum::routing::{get, post};
use ferrodash::prelude::*;
use ferrodash::{Paths, Plugin};

use crate::Client;

fn app() -> App {
    App::new(html::Div::new("hello").id("root"))
}

/// The mistakes of an app, as one text; empty if there are none.
fn mistakes(app: App) -> String {
    app.build()
        .map(drop)
        .err()
        .map(|errors| errors.to_string())
        .unwrap_or_default()
}

#[tokio::test]
async fn c16_the_prefix_without_its_last_slash_leads_to_the_app() {
    let client = Client::new(app().url_base_pathname("/reports/eu/"));
    for (path, target) in [
        ("/reports/eu", "/reports/eu/"),
        (
            "/reports/eu?from=1&to=%C3%BC",
            "/reports/eu/?from=1&to=%C3%BC",
        ),
        ("/reports/eu?", "/reports/eu/?"),
        (
            "/reports/eu?next=//other.example",
            "/reports/eu/?next=//other.example",
        ),
    ] {
        for method in [Method::GET, Method::HEAD] {
            let request = Request::builder()
                .method(method)
                .uri(path)
                .body(axum::body::Body::empty())
                .unwrap();
            let answer = client.send(request).await;
            assert_eq!(
                (answer.status, answer.header("location")),
                (StatusCode::PERMANENT_REDIRECT, target),
                "{path}"
            );
        }
    }
    assert_eq!(client.get("/reports").await.status, StatusCode::NOT_FOUND);
    assert_eq!(client.get("/reports/eu/").await.status, StatusCode::OK);
    let post = Request::post("/reports/eu")
        .body(axum::body::Body::empty())
        .unwrap();
    assert_eq!(
        client.send(post).await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
    // Behind a proxy that changes paths, the browser is sent to where it finds the app.
    let proxied = Client::new(
        app()
            .routes_pathname_prefix("/inner/")
            .requests_pathname_prefix("/outer/"),
    );
    assert_eq!(
        proxied.get("/inner?a=b").await.header("location"),
        "/outer/?a=b"
    );
    // An app at the root has no such path.
    assert_eq!(Client::new(app()).get("/").await.status, StatusCode::OK);
}

#[test]
fn c16_prefixes_that_no_browser_sends_are_mistakes() {
    for (prefix, part) in [
        ("/a b/", "write it as \"/a%20b/\""),
        ("/größe/", "write it as \"/gr%C3%B6%C3%9Fe/\""),
        ("//x/", "two slashes in a row"),
        ("/a//b/", "two slashes in a row"),
        ("/a/*/", "'*'"),
        ("/:a/", "must not begin with ':'"),
        ("/../", "\"..\""),
        ("/a/./b/", "\".\""),
        ("/a%2/", "'%'"),
        ("/a\\b/", "'\\\\'"),
        ("/a|b/", "'|'"),
        ("/a?b/", "'?'"),
        ("/a", "must begin and end with a slash"),
        ("a/", "must begin and end with a slash"),
        ("", "must begin and end with a slash"),
    ] {
        for (name, app) in [
            (
                "routes_pathname_prefix",
                app().routes_pathname_prefix(prefix),
            ),
            (
                "requests_pathname_prefix",
                app().requests_pathname_prefix(prefix),
            ),
        ] {
            let mistakes = mistakes(app);
            assert!(
                mistakes.contains(&format!("{name} is {prefix:?}")) && mistakes.contains(part),
                "{mistakes}"
            );
        }
    }
    for prefix in [
        "/",
        "/a/",
        "/a-b_c.d~e/",
        "/%C3%BC/",
        "/a+b/@c/",
        "/a:b/",
        "/...a/",
    ] {
        assert_eq!(mistakes(app().url_base_pathname(prefix)), "", "{prefix}");
    }
}

#[test]
fn c16_the_other_paths_of_an_app_are_checked_alike() {
    for (name, app) in [
        ("cache_admin", app().cache_admin("/a b/", |_| true)),
        ("health_endpoint", app().health_endpoint("ü")),
        ("ready_endpoint", app().ready_endpoint("a//b")),
        ("metrics_endpoint", app().metrics_endpoint(":m")),
        ("assets_url_path", app().assets_url_path("a/*")),
        ("api_endpoint", app().callback(api("/a b"))),
        ("api_endpoint", app().callback(api("/a/:b"))),
    ] {
        let mistakes = mistakes(app);
        assert!(
            mistakes.contains(&format!("{name} is ")) && mistakes.contains("1 mistake:"),
            "{mistakes}"
        );
    }
}

/// A plugin with one route.
struct Route(&'static str);

impl Plugin for Route {
    fn routes(&self) -> Router {
        Router::new().route(self.0, get(async || "of the plugin"))
    }
}

fn api(path: &'static str) -> Callback {
    let callback = Callback::builder()
        .output(Output::new("root", "title"))
        .input(("root", "n_clicks"));
    callback
        .api_endpoint(path, ["clicks"])
        .handler(async |_: Option<u32>| "")
}

#[test]
fn c17_every_path_of_an_app_is_compared_with_every_other() {
    let admin = |app: App, path: &str| app.cache_admin(path, |_| true);
    let page = |path: &str| Page::new(html::P::new("")).path(path);
    for (name, app, first, second) in [
        (
            "health, ready",
            app().health_endpoint("up").ready_endpoint("/up"),
            "ready_endpoint",
            "health_endpoint",
        ),
        (
            "ready, metrics",
            app().ready_endpoint("m").metrics_endpoint("m"),
            "metrics_endpoint",
            "ready_endpoint",
        ),
        (
            "assets, health",
            app().health_endpoint("files").assets_url_path("files"),
            "assets_url_path",
            "health",
        ),
        (
            "in assets",
            app().metrics_endpoint("assets/m"),
            "assets_url_path",
            "metrics_endpoint",
        ),
        (
            "admin, assets",
            admin(app(), "/assets/"),
            "cache_admin",
            "assets_url_path",
        ),
        (
            "in admin",
            admin(
                app().health_endpoint("_c/up").health_endpoint("cache/up"),
                "cache",
            ),
            "cache_admin",
            "health",
        ),
        (
            "admin, app",
            admin(app().url_base_pathname("/a/"), "/a/"),
            "cache_admin",
            "the page of the app",
        ),
        (
            "admin, suites",
            admin(app(), "/_dash-component-suites/"),
            "cache_admin",
            "component suites",
        ),
        (
            "prefix, admin",
            admin(app().url_base_pathname("/a/"), "/"),
            "",
            "",
        ),
        (
            "admin beside",
            admin(app().url_base_pathname("/a/"), "/b/"),
            "",
            "",
        ),
        ("admin in the app", admin(app(), "/_cache/"), "", ""),
        (
            "api, health",
            app().health_endpoint("up").callback(api("/up")),
            "api_endpoint",
            "health_endpoint",
        ),
        (
            "api, assets",
            app().callback(api("/assets/x")),
            "api_endpoint",
            "assets",
        ),
        (
            "api, prefix",
            app().url_base_pathname("/a/").callback(api("/a")),
            "api_endpoint",
            "the page of the app",
        ),
        (
            "api, admin",
            admin(app().callback(api("/c/run")), "/c/"),
            "api_endpoint",
            "cache_admin",
        ),
        (
            "page, health",
            app()
                .health_endpoint("up")
                .suppress_callback_exceptions(true)
                .pages([page("/up")]),
            "page",
            "health",
        ),
        (
            "page, assets",
            app()
                .suppress_callback_exceptions(true)
                .pages([page("/assets/x")]),
            "page",
            "assets_url_path",
        ),
        (
            "page, layout",
            app()
                .suppress_callback_exceptions(true)
                .pages([page("/_dash-layout")]),
            "page",
            "layout",
        ),
        (
            "redirect, ready",
            app()
                .ready_endpoint("old")
                .suppress_callback_exceptions(true)
                .pages([page("/x").redirect_from("/old")]),
            "redirect_from",
            "ready_endpoint",
        ),
    ] {
        let mistakes = mistakes(app);
        let pages = "the layout has no place for the pages";
        let other: String = mistakes
            .lines()
            .filter(|line| !line.contains(pages))
            .skip(1)
            .collect();
        match first {
            "" => assert_eq!(other, "", "{name}"),
            _ => assert!(
                other.contains(first) && other.contains(second),
                "{name}: {mistakes:?}"
            ),
        }
    }
}

#[tokio::test]
async fn c17_the_routes_of_plugins_are_compared_too() {
    for (name, app, part) in [
        (
            "health",
            app().health_endpoint("up").plugin(Route("/up")),
            "/up",
        ),
        (
            "layout",
            app().plugin(Route("/_dash-layout")),
            "_dash-layout",
        ),
        (
            "another plugin",
            app().plugin(Route("/x")).plugin(Route("/x")),
            "/x",
        ),
        (
            "the page",
            app().url_base_pathname("/p/").plugin(Route("/")),
            "/",
        ),
        (
            "the assets",
            app().plugin(Route("/assets/{*path}")),
            "assets",
        ),
        (
            "admin",
            app().plugin(Route("/c/")).cache_admin("/c/", |_| true),
            "/c/",
        ),
    ] {
        let mistakes = mistakes(app);
        assert!(
            mistakes.contains("routes::Route") && mistakes.contains(part),
            "{name}: {mistakes:?}"
        );
    }
    for prefix in ["/", "/p/"] {
        let pages = ["/", "/x", "/y"].map(|path| Page::new(html::P::new("")).path(path));
        let pages = App::with_pages(pages).url_base_pathname(prefix);
        let mistakes = mistakes(pages.plugin(Route("/x")));
        assert!(
            mistakes.contains("routes::Route hide the page at \"/x\""),
            "{mistakes:?}"
        );
    }
    let old = App::with_pages([Page::new(html::P::new(""))
        .path("/:y")
        .redirect_from("/old")]);
    assert!(mistakes(old.plugin(Route("/old"))).contains("hide the page at \"/old\""));
    let client = Client::new(
        app()
            .url_base_pathname("/p/")
            .plugin(Route("/x"))
            .plugin(Route("/y/{z}")),
    );
    for path in ["/p/x", "/p/y/1"] {
        assert_eq!(client.get(path).await.text(), "of the plugin", "{path}");
    }
}

/// A plugin that takes other methods of a path that the app has.
struct Poster;

impl Plugin for Poster {
    fn routes(&self) -> Router {
        Router::new().route("/up", post(async || "posted"))
    }
}

#[test]
fn c17_another_method_of_a_path_is_another_route() {
    assert_eq!(mistakes(app().health_endpoint("up").plugin(Poster)), "");
}

#[test]
fn c18_a_path_with_variables_is_a_template() {
    let with = |page: Page| mistakes(App::with_pages([page]));
    let page = || Page::new(html::P::new(""));
    for (path, part) in [
        ("/asset/<id>", "path_template(\"/asset/<id>\")"),
        ("/<a>/<b>", "path_template(\"/<a>/<b>\")"),
        ("/a\"b", "percent-encoded"),
        ("/a`b", "percent-encoded"),
        ("/a{b}", "percent-encoded"),
        ("/a^b", "percent-encoded"),
        ("/a\\b", "percent-encoded"),
        ("/a>b", "percent-encoded"),
    ] {
        let mistakes = with(page().path(path));
        assert!(
            mistakes.contains(&format!("path is {path:?}")) && mistakes.contains(part),
            "{mistakes}"
        );
    }
    let old = with(page().path("/x").redirect_from("/old/<x>"));
    assert!(
        old.contains("redirect_from is \"/old/<x>\"") && old.contains("path_template"),
        "{old}"
    );
    let template = with(page().path_template("/a b/<x>"));
    assert!(
        template.contains("path_template is \"/a b/<x>\"") && template.contains("percent-encoded"),
        "{template}"
    );
    for path in ["/a|b", "/a%20b", "/a+b", "/a'(b)!*,;:@&=$~._-"] {
        assert_eq!(with(page().path(path)), "", "{path}");
    }
    assert_eq!(with(page().path_template("/asset/<id>/<x>")), "");
}

/// A folder of assets with these files.
fn assets(files: &[&str]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for file in files {
        let path = root.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, format!("/* {file} */")).unwrap();
    }
    root
}

/// The addresses of scripts and style sheets of the assets in the page, without the times.
async fn links(client: &Client) -> Vec<String> {
    let text = client.get("/").await.text();
    let attributes = text
        .split("=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next());
    attributes
        .filter_map(|link| link.strip_prefix("/assets/")?.split_once("?m="))
        .map(|(path, _)| path.into())
        .collect()
}

/// The orders are those of Dash 4.4.1 for the same folders.
#[tokio::test]
async fn c19_folders_are_sorted_by_their_whole_paths() {
    for (files, expected) in [
        (
            &["z.js", "sub/deep/3.js", "sub-x/2.js", "sub/1.js", "a.js"][..],
            &["a.js", "z.js", "sub/1.js", "sub-x/2.js", "sub/deep/3.js"][..],
        ),
        (
            &[
                "b/b/1.js", "b!/1.js", "b.d/1.js", "b0/1.js", "b/a.js", "B/1.js",
            ],
            &[
                "B/1.js", "b/a.js", "b!/1.js", "b.d/1.js", "b/b/1.js", "b0/1.js",
            ],
        ),
    ] {
        let root = assets(files);
        assert_eq!(
            links(&Client::new(app().assets_folder(root.path()))).await,
            expected
        );
    }
}

#[tokio::test]
async fn c19_names_are_linked_as_browsers_send_them() {
    let names = [
        "c#1.js",
        "d?x.js",
        "e f.js",
        "g%20h.js",
        "ü/ö;.js",
        "100%.js",
        "i\"j.js",
        "k&l<m>.js",
        "n'o.mjs",
    ];
    let root = assets(&names);
    let client = Client::new(app().assets_folder(root.path()));
    let links = links(&client).await;
    assert_eq!(links.len(), names.len(), "{links:?}");
    for name in names {
        let comment = format!("/* {name} */");
        let mut found = false;
        for link in &links {
            let link = link.replace("&amp;", "&");
            let answer = client.get(&format!("/assets/{link}?m=1")).await;
            assert_eq!(answer.status, StatusCode::OK, "{link}");
            found |= answer.text() == comment;
        }
        assert!(found, "no link of {links:?} leads to {name}");
    }
    assert!(
        client
            .get("/")
            .await
            .text()
            .contains("<script type=\"module\" src=\"/assets/n'o.mjs?m="),
        "a module"
    );
    // A path that a caller gives is theirs to encode, as in Dash.
    assert_eq!(
        Paths::new("/").get_asset_url("a.png?v=2"),
        "/assets/a.png?v=2"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a9_a_fifo_or_a_device_among_the_assets_is_no_file() {
    let root = assets(&["real.js"]);
    for name in ["pipe.js", "picture.png", "favicon.ico"] {
        let made = std::process::Command::new("mkfifo")
            .arg(root.path().join(name))
            .status()
            .unwrap();
        assert!(made.success());
    }
    let socket = std::os::unix::net::UnixListener::bind(root.path().join("socket.css")).unwrap();
    let client = Client::new(app().assets_folder(root.path()));
    assert_eq!(links(&client).await, ["real.js"]);
    for name in ["pipe.js", "picture.png", "favicon.ico", "socket.css"] {
        let path = format!("/assets/{name}");
        let answer =
            tokio::time::timeout(std::time::Duration::from_secs(20), client.get(&path)).await;
        assert_eq!(
            answer.expect("a pipe is not waited for").status,
            StatusCode::NOT_FOUND,
            "{name}"
        );
    }
    drop(socket);
    assert_eq!(client.get("/assets/real.js").await.status, StatusCode::OK);
}
