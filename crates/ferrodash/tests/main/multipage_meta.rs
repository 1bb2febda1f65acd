//! The loaded page of an app of several: its title, description and pictures. What is expected is
//! what Dash 4.4.1 answers.

use axum::http::StatusCode;
use ferrodash::prelude::*;

use crate::Client;
use crate::multipage::{asset, home, reports};

/// The content of the tag with a name or property.
fn meta<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
    let tags = text
        .split("<meta ")
        .skip(1)
        .filter_map(|rest| rest.split_once('>'))
        .map(|(tag, _)| tag);
    let begins = ["name", "property"].map(|attribute| format!("{attribute}=\"{name}\" content=\""));
    tags.filter_map(|tag| {
        begins
            .iter()
            .find_map(|begin| tag.strip_prefix(begin.as_str())?.strip_suffix('"'))
    })
    .collect()
}

#[tokio::test]
async fn the_loaded_page_tells_of_the_page_of_its_path() {
    let folder = tempfile::tempdir().unwrap();
    for file in ["logo.PNG", "weekly-analytics.svg", "notes.txt"] {
        std::fs::write(folder.path().join(file), "").unwrap();
    }
    for prefix in ["/", "/pre/"] {
        let pages = pages![home, asset, reports::weekly_analytics];
        let app = App::with_pages(pages)
            .url_base_pathname(prefix)
            .description("A & B")
            .assets_folder(folder.path());
        let client = Client::new(app);
        let get = async |path: &str| {
            client
                .get_with(&format!("{prefix}{path}"), &[("host", "example.com:80")])
                .await
                .text()
        };
        let text = get("asset/12/h%22r?q=1").await;
        let origin = "http://example.com:80";
        for (name, content) in [
            ("description", "Of &quot;h%22r&quot;"),
            ("twitter:card", "summary_large_image"),
            (
                "twitter:url",
                &format!("{origin}{prefix}asset/12/h%22r?q=1"),
            ),
            ("twitter:title", "T 12"),
            ("twitter:description", "Of &quot;h%22r&quot;"),
            ("twitter:image", &format!("{origin}{prefix}assets/logo.PNG")),
            ("og:title", "T 12"),
            ("og:type", "website"),
            ("og:description", "Of &quot;h%22r&quot;"),
            ("og:image", &format!("{origin}{prefix}assets/logo.PNG")),
        ] {
            assert_eq!(meta(&text, name), [content], "{prefix} {name}");
        }
        assert!(text.contains("<title>T 12</title>"), "{text}");
        assert!(
            text.find("og:image") < text.find("charset"),
            "before the other tags, as in Dash"
        );
        let weeks = get("reports/weekly-analytics/").await;
        assert_eq!(meta(&weeks, "description"), ["A &amp; B"]);
        assert_eq!(
            meta(&weeks, "og:image"),
            [format!("{origin}{prefix}assets/weekly-analytics.svg")]
        );
        assert_eq!(
            meta(&weeks, "twitter:url"),
            [format!("{origin}{prefix}reports/weekly-analytics/")]
        );
        assert_eq!(
            meta(&get("").await, "twitter:url"),
            [format!("{origin}{prefix}")]
        );
        let nowhere = get("nowhere").await;
        assert_eq!(meta(&nowhere, "description"), [""]);
        assert_eq!(meta(&nowhere, "og:title"), ["Ferrodash"]);
        assert_eq!(meta(&nowhere, "og:image"), [""]);
    }
}

#[tokio::test]
async fn the_loaded_page_is_validated_compressed_and_known_to_be_secure() {
    let client = Client::new(App::with_pages(pages![home, asset]));
    let headers = [
        ("host", "example.com"),
        ("x-forwarded-proto", "https"),
        ("accept-encoding", "br"),
    ];
    let page = client.get_with("/asset/1/hr", &headers).await;
    assert_eq!(
        (page.header("content-encoding"), page.header("content-type")),
        ("br", "text/html; charset=utf-8")
    );
    let [host, secure, _] = headers;
    let plain = client.get_with("/asset/1/hr", &[host, secure]).await;
    assert_eq!(
        meta(&plain.text(), "twitter:url"),
        ["https://example.com/asset/1/hr"]
    );
    assert!(page.bytes.len() < plain.bytes.len());
    let known = [host, secure, ("if-none-match", plain.header("etag"))];
    assert_eq!(
        client.get_with("/asset/1/hr", &known).await.status,
        StatusCode::NOT_MODIFIED
    );
    assert_eq!(
        client.get_with("/asset/2/hr", &known).await.status,
        StatusCode::OK,
        "it is another page"
    );
}

#[tokio::test]
async fn without_tags_the_page_is_the_same_for_every_path() {
    let client = Client::new(App::with_pages(pages![home, asset]).include_pages_meta(false));
    let text = client.get("/").await.text();
    assert_eq!(client.get("/asset/12/hr").await.text(), text);
    assert!(
        meta(&text, "og:title").is_empty() && text.contains("<title>Ferrodash</title>"),
        "{text}"
    );
    let template = "{%app_entry%}{%config%}{%scripts%}{%renderer%}";
    let bare = Client::new(App::with_pages(pages![home]).index_string(template))
        .get("/")
        .await
        .text();
    assert!(meta(&bare, "og:title").is_empty() && bare.contains("react-entry-point"));
}

#[tokio::test]
async fn given_pictures_come_before_those_of_the_assets() {
    let page = |path: &str| Page::new(html::Div::new(())).path(path);
    let client = Client::new(App::with_pages([
        page("/a").image("a.png"),
        page("/b")
            .image("b.png")
            .image_url("https://cdn.example.com/b.png"),
    ]));
    let image = async |path: &str| {
        meta(
            &client.get_with(path, &[("host", "h")]).await.text(),
            "og:image",
        )
        .join(",")
    };
    assert_eq!(image("/a").await, "http://h/assets/a.png");
    assert_eq!(image("/b").await, "https://cdn.example.com/b.png");
}
