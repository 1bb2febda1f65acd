//! Apps of several pages: links, back and forward, deep links, titles, what is not found.

use e2e::{Browser, IDLE, Site};
use ferrodash::prelude::*;

mod home {
    use ferrodash::prelude::*;

    pub(super) fn page() -> Page {
        Page::new(html::Div::new((
            html::H1::new("Welcome").id("heading"),
            html::Button::new("Count").id("count").n_clicks(0),
            html::P::new(()).id("counted"),
        )))
        .path("/")
    }
}

mod asset {
    use ferrodash::NotFound;
    use ferrodash::prelude::*;

    pub(super) fn page() -> Page {
        Page::new(layout)
            .path_template("/asset/<asset_id>")
            .title(|variables: &Variables| {
                format!("Asset {}", variables.get("asset_id").unwrap_or("?"))
            })
    }

    async fn layout(request: PageRequest) -> Result<html::Div, NotFound> {
        let id: Option<u32> = request
            .path_variable("asset_id")
            .and_then(|id| id.parse().ok());
        let id = id.ok_or(NotFound)?;
        let tags = request.query_all("tag").join(", ");
        let tagged = format!("{}?tag=new", request.pathname());
        Ok(html::Div::new((
            html::H1::new(format!("Asset {id}")).id("heading"),
            html::P::new(tags).id("tags"),
            html::Span::new(dcc::Link::new("Tag it", tagged)).id("tag"),
        )))
    }
}

mod weekly_report {
    use ferrodash::prelude::*;

    pub(super) fn page() -> Page {
        Page::new(html::H1::new("This week").id("heading")).redirect_from("/week")
    }
}

#[callback(output("counted", "children"), input("count", "n_clicks"))]
async fn counted(clicks: u32) -> String {
    format!("{clicks} clicks")
}

fn app(prefix: &str) -> App {
    let layout = |pages: &PageRegistry| {
        let to = |id: &'static str, text: &'static str, path: &str| {
            html::Span::new(dcc::Link::new(text, pages.paths().get_relative_path(path))).id(id)
        };
        html::Div::new((
            html::Nav::new(pages.iter().map(RegisteredPage::link)).id("nav"),
            to("to-asset", "Asset 12", "/asset/12"),
            to("to-nowhere", "Nowhere", "/nowhere"),
            to("to-nonsense", "No number", "/asset/twelve"),
            page_container(),
        ))
    };
    App::new(layout)
        .pages(pages![home, asset, weekly_report])
        .title("Plant")
        .callbacks(callbacks![counted])
        .url_base_pathname(prefix)
}

/// Waits until a page is shown under a path, with its title.
async fn shows(browser: &Browser, heading: &str, path: &str, title: &str) {
    let heading =
        format!("document.querySelector('#_pages_content h1')?.textContent === '{heading}'");
    browser
        .wait_until(&format!(
            "{heading} && location.pathname + location.search === '{path}'"
        ))
        .await;
    browser.wait_until(IDLE).await;
    browser
        .wait_until(&format!("document.title === '{title}'"))
        .await;
}

async fn click(browser: &Browser, selector: &str) {
    browser
        .js(&format!("document.querySelector('{selector}').click()"))
        .await;
}

async fn visit_all(prefix: &str) {
    let site = Site::start(app(prefix)).await;
    let browser = Browser::start().await;
    let at = |path: &str| format!("{prefix}{path}");
    browser.open(&site.url(prefix)).await;
    shows(&browser, "Welcome", prefix, "Plant").await;
    let links = "return [...document.querySelectorAll('#nav a')].map(a => a.textContent + ' ' + a.getAttribute('href'))";
    let expected = [
        ("Home", ""),
        ("Asset", "asset/none"),
        ("Weekly report", "weekly-report"),
    ];
    let expected: Vec<String> = expected
        .iter()
        .map(|(name, path)| format!("{name} {}", at(path)))
        .collect();
    assert_eq!(browser.js(links).await, serde_json::json!(expected));
    // A callback of the page's own components, which are there only now.
    browser.element("count").await.click().await.unwrap();
    browser
        .wait_until("document.getElementById('counted').textContent === '1 clicks'")
        .await;

    // Links change the page without loading it anew.
    browser.js("window.stays = true").await;
    click(&browser, "#to-asset a").await;
    shows(&browser, "Asset 12", &at("asset/12"), "Asset 12").await;
    click(&browser, "#tag a").await;
    shows(&browser, "Asset 12", &at("asset/12?tag=new"), "Asset 12").await;
    browser
        .wait_until("document.getElementById('tags').textContent === 'new'")
        .await;
    click(&browser, "#nav a:last-child").await;
    shows(&browser, "This week", &at("weekly-report"), "Plant").await;

    browser.driver.back().await.unwrap();
    shows(&browser, "Asset 12", &at("asset/12?tag=new"), "Asset 12").await;
    browser.driver.back().await.unwrap();
    browser.driver.back().await.unwrap();
    shows(&browser, "Welcome", prefix, "Plant").await;
    browser.driver.forward().await.unwrap();
    shows(&browser, "Asset 12", &at("asset/12"), "Asset 12").await;

    for (link, path) in [
        ("#to-nowhere a", "nowhere"),
        ("#to-nonsense a", "asset/twelve"),
    ] {
        click(&browser, link).await;
        shows(&browser, "404 - Page not found", &at(path), "Plant").await;
    }
    assert_eq!(
        browser.js("return window.stays").await,
        true,
        "the browser never loaded the app anew"
    );

    // Into the middle of the app, and over an old path.
    browser.open(&site.url(&at("asset/7?tag=a&tag=b"))).await;
    shows(&browser, "Asset 7", &at("asset/7?tag=a&tag=b"), "Asset 7").await;
    browser
        .wait_until("document.getElementById('tags').textContent === 'a, b'")
        .await;
    let meta = "return document.querySelector('meta[property=\"og:title\"]').content";
    assert_eq!(browser.js(meta).await, "Asset 7");
    browser.open(&site.url(&at("week"))).await;
    shows(&browser, "This week", &at("weekly-report"), "Plant").await;
    assert_eq!(browser.console().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_come_and_go() {
    visit_all("/").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_come_and_go_under_a_prefix() {
    visit_all("/plant/").await;
}

/// A page that depends on a component of the layout is made anew when that changes.
#[tokio::test(flavor = "multi_thread")]
async fn pages_follow_inputs_of_the_app() {
    let greeting = async |request: PageRequest| {
        let name: Option<String> = request.input("name")?;
        Ok::<_, CallbackError>(html::H1::new(format!("Hello {}", name.unwrap_or_default())))
    };
    let app = App::new(html::Div::new((
        dcc::Input::new().id("name").value("Ada"),
        page_container(),
    )))
    .pages([Page::new(greeting).path("/").title("Greeting")])
    .routing_callback_input("name", Input::new("name", "value"));
    let site = Site::start(app).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    shows(&browser, "Hello Ada", "/", "Greeting").await;
    browser.element("name").await.click().await.unwrap();
    browser
        .type_text("!", std::time::Duration::ZERO)
        .await
        .unwrap();
    shows(&browser, "Hello Ada!", "/", "Greeting").await;
    assert_eq!(browser.console().await, Vec::<String>::new());
}
