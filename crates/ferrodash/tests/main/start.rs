//! What an app writes into the log when it starts.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use ferrodash::prelude::*;
use ferrodash_testing::free_port;

/// Tells a child process to be the app, and where its Redis would be.
const ROLE: &str = "START_TEST_REDIS";

/// The part of the child; by itself, nothing.
#[tokio::test(flavor = "multi_thread")]
async fn child() {
    let Ok(url) = std::env::var(ROLE) else { return };
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    let cache = Cache::builder()
        .namespace("app")
        .memory(64 << 20)
        .url(&url)
        .await
        .unwrap()
        .build();
    App::new(html::Div::new(()))
        .cache(cache)
        .run("127.0.0.1:0")
        .await
        .unwrap();
}

#[test]
fn d28_each_tier_has_a_line_when_the_app_starts_and_a_redis_that_is_gone_is_named() {
    let (this, port) = (std::env::current_exe().unwrap(), free_port());
    let mut child = Command::new(this)
        .args(["--exact", "start::child", "--nocapture", "--test-threads=1"])
        .env(ROLE, format!("redis://app:hunter2@127.0.0.1:{port}/1"))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap())
        .lines()
        .map_while(Result::ok);
    let mut said = Vec::new();
    for line in lines {
        let is_last = line.contains("cache: redis");
        said.push(line);
        if is_last {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let line = |part: &str| {
        said.iter()
            .find(|line| line.contains(part))
            .unwrap_or_else(|| panic!("{part}: {said:#?}"))
    };
    assert!(line("cache: memory (at most 64 MiB)").contains("INFO"));
    let redis = line(&format!(
        "cache: redis (redis://***@127.0.0.1:{port}/1) does not answer"
    ));
    assert!(
        redis.contains("WARN") && redis.contains("each process computes for itself"),
        "{redis}"
    );
    assert!(!said.concat().contains("hunter2"));
}
