//! Values that stay on the server: any process finds them, a handle stands for them, and a forged
//! one is refused.

use axum::http::StatusCode;
use ferrodash::StoredError;
use ferrodash::prelude::*;
use serde_json::{Value, json};

use crate::sharing::layout;
use crate::{Client, caches, output};

/// Puts numbers on the server; the sum of what a handle stands for; what became of it otherwise.
fn stored() -> [Callback; 2] {
    let put = Callback::builder()
        .name("test::put", "1")
        .output(Output::new("c", "data"))
        .input(("a", "value"))
        .prevent_initial_call()
        .handler(async |count: u64| {
            Ok::<_, CallbackError>(Stored::put("numbers", &(0..count).collect::<Vec<u64>>()).await?)
        });
    let load = Callback::builder()
        .name("test::load", "1")
        .output(Output::new("out", "children"))
        .input(("c", "data"));
    let load = load.handler(
        async |numbers: Stored<Vec<u64>>| match numbers.load().await {
            Ok(numbers) => numbers.iter().sum::<u64>().to_string(),
            Err(StoredError::Gone) => "gone, computed again".into(),
            Err(error) => error.to_string(),
        },
    );
    [put, load]
}

#[tokio::test]
async fn s19_a_value_stays_on_the_server_and_the_app_is_told_when_it_is_gone() {
    for (cache, _server) in caches().await {
        let app = || {
            App::new(layout())
                .cache(cache.clone())
                .secret("of all processes")
                .callbacks(stored())
        };
        let (one, two) = (Client::new(app()), Client::new(app()));
        let put = async |client: &Client, page: &str, count: u64| {
            let input = json!({"id": "a", "property": "value", "value": count});
            let put = json!({"output": "c.data", "inputs": [input], "changedPropIds": ["a.value"]});
            let answer = client.post_with(&put, &[("x-ferrodash-page", page)]).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
            answer.json()["response"]["c"]["data"].clone()
        };
        let load = async |client: &Client, handle: &Value| {
            let input = json!({"id": "c", "property": "data", "value": handle});
            let load =
                json!({"output": "out.children", "inputs": [input], "changedPropIds": ["c.data"]});
            output(&client.post(&load).await)
        };
        let first = put(&one, "page 1", 10_000).await;
        assert!(first.to_string().len() < 200, "{first}");
        assert_eq!(load(&two, &first).await, "49995000", "any process has it");
        // The same page replaces its value, another page has its own.
        let second = put(&two, "page 1", 10).await;
        let other = put(&one, "page 2", 3).await;
        assert_eq!(load(&one, &second).await, "45");
        assert_eq!(load(&one, &other).await, "3");
        assert_eq!(
            load(&one, &first).await,
            "gone, computed again",
            "freed by the one that replaced it"
        );
        cache.clear().await.unwrap();
        assert_eq!(load(&one, &second).await, "gone, computed again");
    }
}

#[tokio::test]
async fn a_forged_handle_is_refused() {
    let client = Client::new(App::new(layout()).callbacks(stored()));
    let input = json!({"id": "a", "property": "value", "value": 5});
    let put = json!({"output": "c.data", "inputs": [input], "changedPropIds": ["a.value"]});
    let handle = client.post(&put).await.json()["response"]["c"]["data"]["_ferrodash_stored"]
        .as_str()
        .unwrap()
        .to_owned();
    let load = async |handle: &str| {
        let data = json!({"_ferrodash_stored": handle});
        let input = json!({"id": "c", "property": "data", "value": data});
        client
            .post(
                &json!({"output": "out.children", "inputs": [input], "changedPropIds": ["c.data"]}),
            )
            .await
    };
    assert_eq!(output(&load(&handle).await), "10");
    for index in 0..handle.len() {
        let mut forged = handle.clone().into_bytes();
        forged[index] = if forged[index] == b'0' { b'1' } else { b'0' };
        let answer = output(&load(&String::from_utf8(forged).unwrap()).await);
        assert_eq!(
            answer, "the handle of the stored value is not one of this app's",
            "byte {index}"
        );
    }
    for other in ["", "x", &"ä".repeat(60)] {
        assert_eq!(
            output(&load(other).await),
            "the handle of the stored value is not one of this app's"
        );
    }
}
