//! The app of `scripts/bench-restart`: an uncached callback that notes each of its runs in a file.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use ferrodash::prelude::*;
use ferrodash::{Result, Server};

/// A line for each run, written in one piece.
fn note(mut runs: &File, value: &str) {
    runs.write_all(format!("{value}\n").as_bytes())
        .expect("the file of runs can be written");
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [port, cache, runs, drain] = &arguments[..] else {
        panic!("arguments: PORT CACHE RUNS DRAIN_MS")
    };
    let runs = Arc::new(
        OpenOptions::new()
            .append(true)
            .create(true)
            .open(runs)
            .expect("the file of runs can be opened"),
    );
    let count = Callback::builder()
        .output(Output::new("out", "children"))
        .input(("a", "value"));
    let count = count.handler(move |value: String| {
        let runs = runs.clone();
        async move {
            note(&runs, &value);
            // As long as a query takes: some calls are always in progress.
            tokio::time::sleep(Duration::from_millis(5)).await;
            value
        }
    });
    let drain = Duration::from_millis(drain.parse().expect("a number of milliseconds"));
    App::new(html::Div::new((
        dcc::Input::new().id("a").value(""),
        html::Div::new(()).id("out"),
    )))
    .cache(Cache::from_url(cache).await?)
    .callback(count)
    .ready_endpoint("ready")
    .request_id_header("X-Request-ID")
    .server(
        Server::new()
            .drain(drain)
            .stop_within(Duration::from_secs(60)),
    )
    .run(&format!("127.0.0.1:{port}"))
    .await
}
