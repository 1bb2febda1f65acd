//! Asks the Rust apps, in process.

use std::collections::BTreeMap;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use tower::ServiceExt;

use crate::answer::Answer;
use crate::apps;
use crate::case::Case;

/// The answers to all cases, in their order.
///
/// # Panics
/// When an app is not there or has mistakes.
pub async fn answers(cases: &[Case]) -> Vec<Answer> {
    let mut routers: BTreeMap<&str, Router> = BTreeMap::new();
    let mut answers = Vec::new();
    for case in cases {
        let router = routers
            .entry(&case.app)
            .or_insert_with(|| router(&case.app))
            .clone();
        answers.push(ask(router, case).await);
    }
    answers
}

fn router(name: &str) -> Router {
    let app = apps::app(name).unwrap_or_else(|| panic!("conformance/src/apps has no app {name}"));
    app.build()
        .unwrap_or_else(|mistakes| panic!("{name}: {mistakes}"))
        .into_router()
}

async fn ask(router: Router, case: &Case) -> Answer {
    let (method, path) = case.line();
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in case.headers() {
        request = request.header(name, value);
    }
    let request = request
        .body(Body::from(case.bytes()))
        .expect("a case is a request");
    let response = router.oneshot(request).await.expect("a router answers");
    let (parts, body) = response.into_parts();
    let body = body
        .collect()
        .await
        .expect("an answer in process is complete")
        .to_bytes();
    let headers = |name: &str| {
        let values = parts.headers.get_all(name).iter();
        values
            .map(|value| value.to_str().expect("headers are text").to_owned())
            .collect()
    };
    Answer::new(case, parts.status.as_u16(), headers, &body)
}
