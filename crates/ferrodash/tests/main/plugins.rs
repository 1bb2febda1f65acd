//! What is around an app: plugins, layers of the router, other apps in the same process.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::routing::get;
use ferrodash::Plugin;
use ferrodash::prelude::*;
use serde_json::{Value, json};

use crate::effects::{layout, to_out};
use crate::{Client, output};

#[tokio::test]
async fn several_apps_live_in_one_process() {
    let named = |name: &'static str, prefix: &str| {
        let callback = to_out().handler(move |_: Value| std::future::ready(name));
        App::new(layout())
            .title(name)
            .url_base_pathname(prefix)
            .callback(callback)
            .build()
            .unwrap()
            .into_router()
    };
    let router = Router::new()
        .merge(named("root", "/"))
        .merge(named("one", "/one/"))
        .merge(named("two", "/two/"));
    let client = Client(router);
    for (name, prefix) in [("root", "/"), ("one", "/one/"), ("two", "/two/")] {
        assert!(
            client
                .get(&format!("{prefix}some/page"))
                .await
                .text()
                .contains(&format!("<title>{name}</title>"))
        );
        let call = json!({"output": "out.children", "inputs": [{"id": "a", "property": "value", "value": 1}]});
        let request = Request::post(format!("{prefix}_dash-update-component"));
        let request = request
            .header("content-type", "application/json")
            .body(Body::from(call.to_string()))
            .unwrap();
        assert_eq!(output(&client.send(request).await), name);
    }
}

#[tokio::test]
async fn a_plugin_changes_layout_page_and_callbacks_and_hears_of_failures() {
    #[derive(Clone, Default)]
    struct Frame(Arc<Mutex<Vec<String>>>);
    impl Plugin for Frame {
        fn setup(&self, app: App) -> App {
            let callback = Callback::builder()
                .output(Output::new("frame", "title"))
                .input(("a", "value"));
            app.callback(callback.handler(async |_: Value| "from the plugin"))
                .external_script("/frame.js")
        }
        fn layout(&self, layout: Children) -> Children {
            html::Main::new(layout).id("frame").into_children()
        }
        fn index(&self, template: String) -> String {
            template.replace("<body>", "<body class=\"framed\">")
        }
        fn routes(&self) -> Router {
            Router::new().route("/frame/ping", get(async || "pong"))
        }
        fn on_error(&self, failure: &Failure, _: &Context) {
            self.0.lock().unwrap().push(failure.to_string());
        }
    }
    let heard = Frame::default();
    for prefix in ["/", "/app/"] {
        let callback = to_out().handler(async |_: Value| Err::<u32, _>("no data".to_owned()));
        let app = App::new(layout())
            .url_base_pathname(prefix)
            .callback(callback)
            .plugin(heard.clone());
        let client = Client::new(app);
        let shown = client.get(&format!("{prefix}_dash-layout")).await.json();
        assert_eq!(
            (&shown["type"], &shown["props"]["id"]),
            (&json!("Main"), &json!("frame"))
        );
        let page = client.get(prefix).await.text();
        assert!(
            page.contains("<body class=\"framed\">") && page.contains("src=\"/frame.js\""),
            "{page}"
        );
        assert_eq!(
            client.get(&format!("{prefix}frame/ping")).await.text(),
            "pong"
        );
        let call = json!({"output": "out.children", "inputs": [{"id": "a", "property": "value", "value": 1}]});
        let request = Request::post(format!("{prefix}_dash-update-component"));
        let request = request
            .header("content-type", "application/json")
            .body(Body::from(call.to_string()))
            .unwrap();
        assert_eq!(
            client.send(request).await.status,
            StatusCode::INTERNAL_SERVER_ERROR
        );
    }
    assert_eq!(*heard.0.lock().unwrap(), ["no data", "no data"]);
}

#[tokio::test]
async fn a_layer_around_the_app_hands_values_to_callbacks() {
    #[derive(Clone)]
    struct Tenant(&'static str);
    let callback = to_out().handler(async |_: Value, context: Context| {
        context
            .extension::<Tenant>()
            .map_or("nobody", |tenant| tenant.0)
    });
    let router = App::new(layout())
        .callback(callback)
        .build()
        .unwrap()
        .into_router();
    let client = Client(router.layer(axum::Extension(Tenant("acme"))));
    assert_eq!(output(&client.call(&[json!(1)]).await), "acme");
}
