//! What a server process takes of memory: this test program starts itself again, as the server.
//!
//! `cargo test -p ferrodash --test main memory:: -- --nocapture` prints the figures that
//! `bench/README.md` has.

#![expect(
    clippy::print_stdout,
    reason = "the figures are for whoever runs these tests by hand"
)]

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ferrodash::prelude::*;
use ferrodash_testing::free_port;
use futures_util::StreamExt;
use futures_util::stream;
use reqwest::{Client, Response};
use serde_json::{Value, json};

const ROLE: &str = "FERRODASH_MEMORY_SERVER";
const MIB: u64 = 1 << 20;

/// The server as a process of its own, ended with this value.
struct Server {
    child: Child,
    url: String,
    http: Client,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// A server whose cache has a budget in MiB.
    async fn start(budget: u64) -> Self {
        let port = free_port();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "memory::the_server"])
            .env(ROLE, format!("{port} {budget}"));
        let child = command.stdout(Stdio::null()).spawn().unwrap();
        let server = Self {
            child,
            url: format!("http://127.0.0.1:{port}"),
            http: Client::new(),
        };
        while server.http.get(server.path("health")).send().await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        server
    }

    fn path(&self, path: &str) -> String {
        format!("{}/{path}", self.url)
    }

    async fn post(&self, path: &str, body: String) -> Response {
        let request = self
            .http
            .post(self.path(path))
            .header("content-type", "application/json");
        request
            .header("accept-encoding", "gzip, br")
            .body(body)
            .send()
            .await
            .unwrap()
    }

    /// Calls the callback of an output; how many bytes it answered.
    async fn call(&self, output: &str, value: Value) -> usize {
        let (id, property) = output.split_once('.').unwrap();
        let call = json!({
            "output": output,
            "outputs": {"id": id, "property": property},
            "inputs": [{"id": "a", "property": "value", "value": value}],
            "changedPropIds": ["a.value"],
        });
        let answer = self.post("_dash-update-component", call.to_string()).await;
        assert_eq!(answer.status(), 200, "{output}");
        answer.bytes().await.unwrap().len()
    }

    /// A line of the process's status, in bytes.
    fn memory(&self, line: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status
            .lines()
            .find_map(|text| text.strip_prefix(line))
            .unwrap();
        1024 * line
            .trim_matches([':', ' ', '\t', 'k', 'B'])
            .parse::<u64>()
            .unwrap()
    }

    fn resident(&self) -> u64 {
        self.memory("VmRSS")
    }

    /// The bytes that the cache says it keeps in memory.
    async fn kept(&self) -> u64 {
        let metrics = self
            .http
            .get(self.path("metrics"))
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        let line = metrics
            .lines()
            .find(|line| line.starts_with("ferrodash_cache_memory_bytes"))
            .expect(&metrics);
        line.rsplit(' ').next().unwrap().parse().unwrap()
    }

    /// Waits until what is kept no longer changes: compressed forms come later than answers.
    async fn settled(&self) -> u64 {
        let mut last = self.kept().await;
        let mut same = 0;
        while same < 5 {
            tokio::time::sleep(Duration::from_millis(200)).await;
            let now = self.kept().await;
            same = if now == last { same + 1 } else { 0 };
            last = now;
        }
        last
    }
}

/// A text of `length` bytes that compresses about as well as rows of a table.
fn text(seed: u64, length: usize) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut text = String::with_capacity(length + 20);
    while text.len() < length {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        text.push_str(&format!("row {} of {}; ", state >> 52, seed));
    }
    text.truncate(length);
    text
}

/// The numbers of a figure, about 5.6 MB of JSON in an optimized build.
fn numbers(seed: u64) -> Vec<f64> {
    let mut state = seed | 1;
    let next = |_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / 7.0
    };
    (0..325_000 / SCALE).map(next).collect()
}

fn app(budget: u64) -> App {
    let outputs = ["page", "row", "plain", "many"]
        .map(|id| html::Div::new(()).id(id))
        .to_vec();
    let layout = html::Div::new((
        dcc::Input::new().id("a"),
        dcc::Graph::new().id("figure"),
        outputs,
    ));
    let to = |id: &'static str| {
        Callback::builder()
            .output(Output::new(id, "children"))
            .input(("a", "value"))
    };
    let cached = || CacheOptions::new(Duration::from_secs(300));
    let figure = Callback::builder()
        .output(Output::new("figure", "figure"))
        .input(("a", "value"))
        .cache(cached());
    let many = Callback::builder()
        .output(Output::new("many", "children"))
        .input(Input::new(id! {type: "row", index: ALL}, "value"));
    App::new(layout)
        .suppress_callback_exceptions(true)
        .cache(Cache::memory(budget * MIB))
        .health_endpoint("health")
        .metrics_endpoint("metrics")
        .callback(
            to("page")
                .cache(cached())
                .handler(async |n: u64| text(n, 48_000)),
        )
        .callback(
            to("row")
                .cache(cached())
                .handler(async |n: u64| text(n, 1000)),
        )
        .callback(to("plain").handler(async |n: u64| n))
        .callback(figure.handler(async |n: u64| Json(json!({"data": [{"y": numbers(n)}]}))))
        .callback(many.handler(async |rows: Vec<Option<u8>>| rows.len() as u64))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server() {
    let Ok(role) = std::env::var(ROLE) else {
        return;
    };
    let (port, budget) = role.split_once(' ').unwrap();
    app(budget.parse().unwrap())
        .run(&format!("127.0.0.1:{port}"))
        .await
        .unwrap();
}

/// A body of so many bytes with a value in the place of the inputs.
fn body(size: usize, inputs: impl Fn(usize) -> String) -> String {
    format!(
        r#"{{"output":"plain.children","outputs":{{"id":"plain","property":"children"}},"inputs":{}}}"#,
        inputs(size)
    )
}

fn nested(size: usize, depth: usize) -> String {
    let item = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    format!("[{}]", vec![item; size / (2 * depth + 1)].join(","))
}

#[tokio::test(flavor = "multi_thread")]
async fn a1_a_request_takes_at_most_three_times_its_size() {
    let item = r#"{"id":{"type":"row","index":1},"property":"value"}"#;
    let rows = |size: usize| format!("[[{}]]", vec![item; size / (item.len() + 1)].join(","));
    let many = |size| {
        let outputs = r#"{"id":"many","property":"children"}"#;
        format!(
            r#"{{"output":"many.children","outputs":{outputs},"inputs":{}}}"#,
            rows(size)
        )
    };
    let size = 4 << 20;
    let changed = |size: usize| {
        let names = vec![r#""a.value""#; size / 10].join(",");
        let input = r#"[{"id":"a","property":"value","value":1}]"#;
        format!(r#"{{"output":"plain.children","inputs":{input},"changedPropIds":[{names}]}}"#)
    };
    let quoted = |size: usize| format!("\"{}\"", "\u{200b}".repeat(size / 3));
    let long_id = |size: usize| {
        let outputs = r#"{"id":"many","property":"children"}"#;
        let id = vec![r#"\"a\":1"#; size / 8].join(",");
        format!(
            r#"{{"output":"many.children","outputs":{outputs},"inputs":[[{item}]],"changedPropIds":["{{{id}}}.value"]}}"#
        )
    };
    let deep_id = |size| format!(r#"[{{"id":{},"property":"value"}}]"#, nested(size, 2));
    let keys = |size: usize| {
        format!(
            r#"[{{"id":{{{}}},"property":"value"}}]"#,
            vec![r#""a":1"#; size / 6].join(",")
        )
    };
    let outputs = |size| {
        let input = r#"[{"id":"a","property":"value","value":1}]"#;
        format!(
            r#"{{"output":"plain.children","inputs":{input},"outputs":{}}}"#,
            nested(size, 3)
        )
    };
    for (name, path, body, status) in [
        (
            "brackets of depth 120",
            "_dash-update-component",
            body(size, |size| nested(size, 120)),
            422,
        ),
        (
            "brackets of depth 2",
            "_dash-update-component",
            body(size, |size| nested(size, 2)),
            422,
        ),
        (
            "31 MiB of brackets",
            "_dash-update-component",
            body(31 << 20, |size| nested(size, 1)),
            422,
        ),
        (
            "brackets as outputs",
            "_dash-update-component",
            outputs(size),
            422,
        ),
        (
            "brackets as an id",
            "_dash-update-component",
            body(size, deep_id),
            422,
        ),
        (
            "an id of many keys",
            "_dash-update-component",
            body(size, keys),
            422,
        ),
        (
            "a name a hundred thousand times",
            "_dash-update-component",
            changed(size),
            200,
        ),
        (
            "too many components",
            "_dash-update-component",
            many(size),
            422,
        ),
        (
            "a long text as inputs",
            "_dash-update-component",
            body(size, quoted),
            422,
        ),
        ("a long text", "_dash-update-component", quoted(size), 422),
        (
            "a long id among what has changed",
            "_dash-update-component",
            long_id(size),
            200,
        ),
        (
            "a batch of brackets",
            "_ferrodash/batch",
            format!("[{}]", body(size - 200, |size| nested(size, 2))),
            200,
        ),
        (
            "a batch of a batch",
            "_ferrodash/batch",
            nested(size - 200, 2),
            422,
        ),
    ] {
        let server = Server::start(1).await;
        server.call("plain.children", json!(1)).await;
        let (before, length) = (server.resident(), body.len() as u64);
        let answer = server.post(path, body).await;
        assert_eq!(answer.status().as_u16(), status, "{name}");
        answer.bytes().await.unwrap();
        let took = server.memory("VmHWM") - before;
        println!(
            "A1 {name}: {:.1} MiB for a body of {:.1} MiB",
            took as f64 / 1048576.0,
            length as f64 / 1048576.0
        );
        assert!(
            took <= 3 * length,
            "{name}: {took} bytes for a body of {length}"
        );
        server.call("plain.children", json!(2)).await;
    }
}

/// Calls a cached callback with distinct arguments, on 16 connections.
async fn load(server: &Server, output: &str, count: u64) {
    let calls = (0..count).map(|n| async move { server.call(output, json!(n)).await });
    stream::iter(calls)
        .buffer_unordered(16)
        .for_each(async |_| {})
        .await;
}

/// Fills the cache, and compares what the process takes with what is kept.
async fn stays_within(name: &str, budget: u64, output: &str, count: u64) {
    let server = Server::start(budget).await;
    load(&server, output, count).await;
    let kept = server.settled().await;
    let resident = server.resident();
    let limit = (kept.min(budget * MIB) as f64 * 1.3) as u64 + 40 * MIB;
    let mib = |bytes: u64| bytes as f64 / MIB as f64;
    println!(
        "A2 {name}: {:.0} MiB resident, {:.1} MiB kept, at most {:.0} MiB",
        mib(resident),
        mib(kept),
        mib(limit)
    );
    assert!(
        resident <= limit,
        "{name}: {resident} bytes are resident, {kept} are kept"
    );
}

/// In an unoptimized build Brotli takes seconds for a figure, so there the sizes are a fifth.
const SCALE: u64 = if cfg!(debug_assertions) { 5 } else { 1 };

#[tokio::test(flavor = "multi_thread")]
async fn a2_many_small_answers_stay_within_the_budget() {
    stays_within("answers of 1 kB, 32 MiB", 32, "row.children", 40_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a2_large_figures_stay_within_the_budget() {
    stays_within("41 figures", 128 / SCALE, "figure.figure", 41).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a2_a_few_pages_take_what_they_are() {
    stays_within("50 pages of 48 kB, 128 MiB", 128, "page.children", 50).await;
}
