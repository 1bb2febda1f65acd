//! Answers that are shared: between users, builds and processes, and past their timeout.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use ferrodash::prelude::*;
use futures_util::StreamExt;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::{Answer, Client, caches, output};

pub(crate) const SECOND: Duration = Duration::from_secs(1);

pub(crate) fn layout() -> html::Div {
    html::Div::new((
        dcc::Input::new().id("a"),
        dcc::Store::new("c"),
        html::Div::new(()).id("out"),
    ))
}

pub(crate) fn call(value: Value) -> Value {
    let input = json!({"id": "a", "property": "value", "value": value});
    json!({"output": "out.children", "inputs": [input], "changedPropIds": ["a.value"]})
}

/// A cached callback that counts its runs and says what `say` says.
pub(crate) fn counted<S>(options: CacheOptions, say: S) -> (Callback, Arc<AtomicU32>)
where
    S: Fn(u32, &Context) -> Result<String, CallbackError> + Send + Sync + 'static,
{
    let runs = Arc::new(AtomicU32::new(0));
    let (counter, say) = (runs.clone(), Arc::new(say));
    let callback = Callback::builder()
        .name("test::counted", "1")
        .output(Output::new("out", "children"));
    let callback =
        callback
            .input(("a", "value"))
            .cache(options)
            .handler(move |_: Value, ctx: Context| {
                let (run, say) = (counter.fetch_add(1, Ordering::SeqCst) + 1, say.clone());
                async move { say(run, &ctx) }
            });
    (callback, runs)
}

/// As a proxy that authenticates would say it: `x-user: ada; admin, sales`.
fn identify(headers: &HeaderMap) -> Option<Identity> {
    let (user, roles) = headers.get("x-user")?.to_str().ok()?.split_once(';')?;
    let roles = roles
        .split(',')
        .map(str::trim)
        .filter(|role| !role.is_empty());
    Some(roles.fold(Identity::new(user), |who, role| who.role(role)))
}

#[tokio::test]
async fn s12_two_users_with_the_same_inputs_get_two_answers() {
    for (cache, _server) in caches().await {
        let options = CacheOptions::new(60 * SECOND).vary("user");
        let (callback, runs) = counted(options, |_, ctx| {
            Ok(ctx.identity().map_or("nobody".into(), |who| who.user))
        });
        let client = Client::new(
            App::new(layout())
                .cache(cache)
                .identity(identify)
                .callback(callback),
        );
        for _ in 0..3 {
            for (header, expected) in [("ada;", "ada"), ("alan;", "alan")] {
                let answer = client
                    .post_with(&call(json!(1)), &[("x-user", header)])
                    .await;
                assert_eq!(output(&answer), expected);
                assert_eq!(answer.header("cache-control"), "no-store");
            }
            assert_eq!(output(&client.post(&call(json!(1))).await), "nobody");
        }
        assert_eq!(runs.load(Ordering::SeqCst), 3);
    }
}

#[tokio::test]
async fn s12_reading_who_asks_without_declaring_it_is_an_error_and_nothing_is_shared() {
    let options = CacheOptions::new(60 * SECOND).vary("locale");
    let (callback, runs) = counted(options, |_, ctx| Ok(format!("{:?}", ctx.identity())));
    let client = Client::new(App::new(layout()).identity(identify).callback(callback));
    for user in ["ada;", "alan;"] {
        let answer = client.post_with(&call(json!(1)), &[("x-user", user)]).await;
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(
            answer.text().contains("read user without declaring it"),
            "{}",
            answer.text()
        );
    }
    assert_eq!(runs.load(Ordering::SeqCst), 2, "nothing was kept");
}

#[tokio::test]
async fn s13_what_was_made_under_a_role_is_not_given_back_once_the_role_is_revoked() {
    for by in ["user", "roles"] {
        let options = CacheOptions::new(60 * SECOND).vary(by);
        let (callback, runs) = counted(options, |_, ctx| Ok(format!("{:?}", ctx.roles())));
        let client = Client::new(App::new(layout()).identity(identify).callback(callback));
        let ask = async |user: &str| {
            output(&client.post_with(&call(json!(1)), &[("x-user", user)]).await)
        };
        assert_eq!(ask("ada; admin, sales").await, "[\"admin\", \"sales\"]");
        assert_eq!(
            ask("ada; sales, admin").await,
            "[\"admin\", \"sales\"]",
            "in any order"
        );
        assert_eq!(ask("ada; sales").await, "[\"sales\"]", "the role is gone");
        assert_eq!(runs.load(Ordering::SeqCst), 2);
        // Users of equal roles share an answer only where it was declared so.
        assert_eq!(ask("alan; sales").await, "[\"sales\"]");
        assert_eq!(
            runs.load(Ordering::SeqCst),
            if by == "user" { 3 } else { 2 }
        );
    }
}

#[tokio::test]
async fn session_and_locale_are_what_an_answer_can_vary_by() {
    let options = CacheOptions::new(60 * SECOND)
        .vary("session")
        .vary("locale");
    let (callback, runs) = counted(options, |_, ctx| {
        Ok(format!("{:?} {:?}", ctx.session(), ctx.locale()))
    });
    let client = Client::new(App::new(layout()).session_cookie("sid").callback(callback));
    let ask = async |cookie: &str, language: &str| {
        output(
            &client
                .post_with(
                    &call(json!(1)),
                    &[("cookie", cookie), ("accept-language", language)],
                )
                .await,
        )
    };
    for _ in 0..2 {
        assert_eq!(
            ask("sid=1", "de-AT,de;q=0.9").await,
            "Some(\"1\") Some(\"de-at\")"
        );
        assert_eq!(
            ask("sid=1; other=2", "en; q=0.8, de-AT; q=0.9").await,
            "Some(\"1\") Some(\"de-at\")"
        );
        assert_eq!(ask("sid=2", "*").await, "Some(\"2\") None");
    }
    assert_eq!(runs.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn s5_a_stale_answer_says_how_old_it_is_and_is_refreshed() {
    let options = CacheOptions::new(SECOND)
        .stale_while_revalidate(10 * SECOND)
        .vary("path");
    let (callback, runs) = counted(options, |run, _| Ok(format!("run {run}")));
    let client = Client::new(App::new(layout()).callback(callback));
    assert_eq!(output(&client.post(&call(json!(1))).await), "run 1");
    tokio::time::advance(5 * SECOND).await;
    let answer = client.post(&call(json!(1))).await;
    assert_eq!(output(&answer), "run 1");
    assert_eq!(
        answer.header("cache-status"),
        "ferrodash; hit; ttl=-4; detail=memory"
    );
    assert_eq!(answer.header("age"), "5");
    assert!(
        answer
            .header("server-timing")
            .starts_with("ferrodash;desc=\"stale\"")
    );
    while runs.load(Ordering::SeqCst) < 2 {
        tokio::time::sleep(SECOND / 100).await;
    }
    tokio::time::sleep(SECOND / 100).await;
    let answer = client.post(&call(json!(1))).await;
    assert_eq!(
        (output(&answer), answer.header("cache-status")),
        (json!("run 2"), "ferrodash; hit; detail=memory")
    );
}

#[tokio::test]
async fn c28_a_request_for_a_fresh_answer_passes_the_cache_of_this_callback_and_refills_it() {
    for (cache, _server) in caches().await {
        for (allowed, after) in [(true, "run 2"), (false, "run 1")] {
            let options = CacheOptions::new(60 * SECOND).vary("path");
            let options = if allowed { options.refresh() } else { options };
            let (callback, _) = counted(options, |run, _| Ok(format!("run {run}")));
            let client = Client::new(App::new(layout()).cache(cache.clone()).callback(callback));
            let (this, other) = (call(json!(allowed)), call(json!([allowed])));
            assert_eq!(output(&client.post(&this).await), "run 1");
            let asks = client
                .post_with(&this, &[("cache-control", "no-cache")])
                .await;
            assert_eq!(output(&asks), after);
            assert_eq!(
                output(&client.post(&this).await),
                after,
                "everyone gets what it brought"
            );
            assert_eq!(
                client.post(&other).await.header("cache-status"),
                "ferrodash; fwd=miss; stored"
            );
        }
    }
}

#[tokio::test]
async fn s27_a_callback_keeps_errors_only_if_asked() {
    for (cache, _server) in caches().await {
        for (options, runs_of_three) in [
            (CacheOptions::new(60 * SECOND).vary("path"), 3),
            (
                CacheOptions::new(60 * SECOND)
                    .vary("path")
                    .negative_timeout(30 * SECOND),
                1,
            ),
        ] {
            let (callback, runs) =
                counted(options, |_, _| Err(CallbackError::new("no such order")));
            let client = Client::new(
                App::new(layout())
                    .cache(cache.clone())
                    .debug(true)
                    .callback(callback),
            );
            for _ in 0..3 {
                let answer = client.post(&call(json!(runs_of_three))).await;
                assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
                assert!(answer.text().contains("no such order"), "{}", answer.text());
            }
            assert_eq!(runs.load(Ordering::SeqCst), runs_of_three);
        }
    }
}

/// An app of one build over a shared cache: its callback has no version of its own, so each build
/// has its own answers.
fn build(id: &'static str, cache: &Cache, version: &'static str) -> (Client, Arc<AtomicU32>) {
    let runs = Arc::new(AtomicU32::new(0));
    let counter = runs.clone();
    let callback = Callback::builder()
        .name("test::build", version)
        .output(Output::new("out", "children"));
    let callback = callback
        .input(("a", "value"))
        .cache(CacheOptions::new(60 * SECOND).client())
        .handler(move |number: Value| {
            counter.fetch_add(1, Ordering::SeqCst);
            async move { format!("{id} {number}") }
        });
    (
        Client::new(
            App::new(layout())
                .cache(cache.clone())
                .build_id(id)
                .callback(callback),
        ),
        runs,
    )
}

#[tokio::test]
async fn c10_behind_a_random_balancer_no_answer_is_kept_under_the_wrong_build() {
    let redis = ferrodash_testing::Redis::start();
    let cache = Cache::from_url(&format!("{}?namespace=tests&deadline=2s", redis.url()))
        .await
        .unwrap();
    let builds = [build("old", &cache, ""), build("new", &cache, "")];
    // A fixed sequence that looks like chance.
    let mut state = 12345u32;
    for _ in 0..1000 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let (which, number) = ((state >> 16) as usize % 2, (state >> 20) % 10);
        let answer = builds[which].0.call(&[json!(number)]).await;
        assert_eq!(
            output(&answer),
            format!("{} {number}", ["old", "new"][which])
        );
    }
    assert_eq!(
        builds
            .each_ref()
            .map(|(_, runs)| runs.load(Ordering::SeqCst)),
        [10, 10]
    );
    // Nor does a browser keep an answer of the one under an address of the other.
    for (client, _) in &builds {
        let page = client.get("/").await.text();
        let token = page
            .split("\"token\":\"")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap();
        let answer = client
            .get(&format!("/_ferrodash/call/{token}?b=another&in=%5B1%5D"))
            .await;
        assert_eq!(
            (answer.status, answer.header("cache-control")),
            (StatusCode::OK, "no-store")
        );
    }
}

#[tokio::test]
async fn s23_a_changed_function_does_not_find_what_its_old_form_left_and_an_unchanged_one_does() {
    for (cache, _server) in caches().await {
        let (before, _) = build("build 1", &cache, "source 1");
        assert_eq!(output(&before.call(&[json!(1)]).await), "build 1 1");
        let (unchanged, runs) = build("build 2", &cache, "source 1");
        assert_eq!(
            output(&unchanged.call(&[json!(1)]).await),
            "build 1 1",
            "the same source"
        );
        assert_eq!(runs.load(Ordering::SeqCst), 0);
        let (changed, runs) = build("build 2", &cache, "source 2");
        assert_eq!(output(&changed.call(&[json!(1)]).await), "build 2 1");
        assert_eq!(runs.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn c7_after_an_invalidation_a_browser_that_asks_gets_the_new_data_and_other_keys_stay() {
    for (cache, _server) in caches().await {
        let data = Arc::new(AtomicU32::new(1));
        let source = data.clone();
        let callback = Callback::builder()
            .name("test::tagged", "1")
            .output(Output::new("out", "children"));
        let callback = callback
            .input(("a", "value"))
            .prevent_initial_call()
            .cache(CacheOptions::new(60 * SECOND).client())
            .handler(move |name: String| {
                ferrodash::cache::Run::current().tag(&name);
                let value = source.load(Ordering::SeqCst);
                async move { format!("{name} {value} {}", "padding ".repeat(200)) }
            });
        let client = Client::new(
            App::new(layout())
                .cache(cache.clone())
                .build_id("1")
                .callback(callback),
        );
        let page = client.get("/").await.text();
        let [token, build] = ["token", "build"].map(|name| {
            page.split(&format!("\"{name}\":\""))
                .nth(1)
                .unwrap()
                .split('"')
                .next()
                .unwrap()
                .to_owned()
        });
        let ask = async |name: &str, etag: &str| -> Answer {
            let path = format!("/_ferrodash/call/{token}?b={build}&in=%5B%22{name}%22%5D");
            client.get_with(&path, &[("if-none-match", etag)]).await
        };
        let etags = [ask("orders", "").await, ask("users", "").await]
            .map(|answer| answer.header("etag").to_owned());
        data.store(2, Ordering::SeqCst);
        let same = ask("orders", &etags[0]).await;
        assert_eq!(
            same.status,
            StatusCode::NOT_MODIFIED,
            "nobody said that it changed: {same:?}"
        );
        cache.invalidate_tag("orders").await.unwrap();
        let orders = ask("orders", &etags[0]).await;
        assert!(output(&orders).as_str().unwrap().starts_with("orders 2"));
        let users = ask("users", &etags[1]).await;
        assert_eq!(users.status, StatusCode::NOT_MODIFIED);
        assert!(
            users.header("cache-status").starts_with("ferrodash; hit"),
            "{users:?}"
        );
    }
}

#[tokio::test]
async fn s22_fifty_readers_of_a_5_mb_answer_share_one_copy_of_its_bytes() {
    let value: String = (0..700_000)
        .map(|number| format!("{number:07} "))
        .take(640_000)
        .collect();
    assert!(value.len() > 5_000_000);
    let (callback, runs) = counted(CacheOptions::new(60 * SECOND).vary("path"), move |_, _| {
        Ok(value.clone())
    });
    let app = App::new(layout())
        .cache(Cache::memory(64 << 20))
        .callback(callback)
        .build()
        .unwrap()
        .into_router();
    for encoding in ["identity", "gzip", "br"] {
        let ask = || async {
            let request =
                Request::post("/_dash-update-component").header("content-type", "application/json");
            let request = request
                .header("accept-encoding", encoding)
                .body(Body::from(call(json!(1)).to_string()));
            let response = app.clone().oneshot(request.unwrap()).await.unwrap();
            let hit = response.headers()["cache-status"] == "ferrodash; hit; detail=memory";
            // The bytes themselves, before anything has copied them.
            (
                hit,
                response
                    .into_body()
                    .into_data_stream()
                    .next()
                    .await
                    .unwrap()
                    .unwrap(),
            )
        };
        ask().await;
        let answers = join_all((0..50).map(|_| ask())).await;
        let first = &answers[0].1;
        assert!(answers.iter().all(|(hit, bytes)| *hit
            && bytes.as_ptr() == first.as_ptr()
            && bytes.len() == first.len()));
    }
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}
