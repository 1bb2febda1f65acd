//! Takes a picture of a page: `screenshot URL WIDTH HEIGHT FILE.png [EXPRESSION]`, once the page is
//! idle and the expression, if there is one, is true in it.

use std::path::Path;

use e2e::Browser;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, width, height, file, rest @ ..] = arguments.as_slice() else {
        panic!("usage: screenshot URL WIDTH HEIGHT FILE.png [EXPRESSION]");
    };
    let size = |text: &str| text.parse().expect("a number of pixels");
    let browser = Browser::sized(size(width), size(height)).await;
    browser.open(url).await;
    for expression in rest {
        browser.wait_until(expression).await;
    }
    browser.let_pass(500).await;
    let errors = browser.console().await;
    assert!(
        errors.is_empty(),
        "the console of {url} has errors: {errors:?}"
    );
    browser
        .driver
        .screenshot(Path::new(file))
        .await
        .expect("the picture can be written");
}
