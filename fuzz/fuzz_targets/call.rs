//! Calls: whatever a request holds, alone or in a batch, it is answered, and never as a failure of
//! the app.

#![no_main]

use std::sync::LazyLock;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use ferrodash::prelude::*;
use libfuzzer_sys::fuzz_target;
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("it starts")
});

static APP: LazyLock<Router> = LazyLock::new(app);

fn app() -> Router {
    let one = Callback::builder()
        .output(Output::new("out", "children"))
        .input(Input::new("a", "value").debounce(std::time::Duration::from_millis(500)))
        .state(("b", "value"))
        .handler(async |a: serde_json::Value, _: Option<u8>| a.to_string());
    let rows = Callback::builder()
        .output(Output::new(id! {type: "out", row: MATCH}, "children"))
        .output(Output::new(
            id! {type: "list", row: MATCH, cell: ALL},
            "title",
        ))
        .input(Input::new(id! {type: "in", row: MATCH, cell: ALL}, "value"))
        .state(State::new(
            id! {type: "in", row: ALLSMALLER, cell: 1},
            "value",
        ))
        .handler(
            async |cells: Vec<serde_json::Value>, _: Vec<serde_json::Value>| {
                (
                    cells.len() as u64,
                    Each(
                        cells
                            .iter()
                            .map(|cell| cell.to_string())
                            .collect::<Vec<_>>(),
                    ),
                )
            },
        );
    let app = App::new(html::Div::new(()))
        .suppress_callback_exceptions(true)
        .callback(one)
        .callback(rows);
    app.build().expect("the app has no mistakes").into_router()
}

fuzz_target!(init: ferrodash_fuzz::seed("call", seeds()), |body: &[u8]| {
    for path in ["/_dash-update-component", "/_ferrodash/batch"] {
        let request = Request::post(path).header("content-type", "application/json");
        let request = request.body(Body::from(body.to_vec())).expect("a request");
        let answer = RUNTIME.block_on(async {
            let response = APP.clone().oneshot(request).await.expect("routers do not fail");
            let status = response.status();
            (status, axum::body::to_bytes(response.into_body(), usize::MAX).await.expect("a whole answer"))
        });
        assert!(!answer.0.is_server_error(), "{}: {}", answer.0, String::from_utf8_lossy(&answer.1));
    }
});

fn seeds() -> Vec<Vec<u8>> {
    let one = r#"{"output":"out.children","outputs":{"id":"out","property":"children"},"inputs":[{"id":"a","property":"data-fd-value-500","value":1}],"state":[{"id":"b","property":"value"},{"id":"a","property":"value","value":[1,{"x":null}]}],"changedPropIds":["a.data-fd-value-500"]}"#;
    let plain = r#"{"output":"out.children","inputs":[{"id":"a","property":"value","value":"x"}],"state":[{"id":"b","property":"value","value":2}]}"#;
    let rows = r#"{"output":"..{\"row\":[\"MATCH\"],\"type\":\"out\"}.children...{\"cell\":[\"ALL\"],\"row\":[\"MATCH\"],\"type\":\"list\"}.title..","outputs":[{"id":{"row":2,"type":"out"},"property":"children"},[{"id":{"cell":1,"row":2,"type":"list"},"property":"title"}]],"inputs":[[{"id":{"cell":1,"row":2,"type":"in"},"property":"value","value":3}]],"state":[[{"id":{"cell":1,"row":1,"type":"in"},"property":"value"}]],"changedPropIds":["{\"cell\":1,\"row\":2,\"type\":\"in\"}.value"]}"#;
    let batch = format!("[{one},{plain},{rows}]");
    [one, plain, rows, &batch, "[[[[]]]]"]
        .map(|text| text.as_bytes().to_vec())
        .into()
}
