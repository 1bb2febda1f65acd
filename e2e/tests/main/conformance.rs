//! The page with every kind of callback sends and shows what Python's page does, by the recording.

use conformance::{apps, page};
use e2e::Site;

#[tokio::test(flavor = "multi_thread")]
async fn the_page_sends_what_python_s_page_sends() {
    let site = Site::start(apps::app("page").unwrap()).await;
    let differences = page::compare(&page::recorded(), &page::visit(&site.url("/")).await);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
