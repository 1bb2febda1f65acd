//! Separate processes over one store: this test program starts itself again, in the role of a node.

use std::convert::Infallible;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ferrodash_cache::{Computed, Key, Policy};
use futures_util::future::join_all;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::{MINUTE, Store, eventually, stores};

const SECOND: Duration = Duration::from_secs(1);

/// What a node does: so many callers ask for one key at the same time.
struct Role {
    url: String,
    callers: usize,
    takes: Duration,
    lease: Duration,
    /// Each run of the function is a line in here.
    runs: PathBuf,
}

impl Role {
    fn new(url: &str, directory: &TempDir) -> Self {
        let runs = directory.path().join("runs");
        Self {
            url: url.to_owned(),
            callers: 100,
            takes: 2 * SECOND,
            lease: 10 * SECOND,
            runs,
        }
    }

    /// Starts a process in this role.
    fn start(&self) -> Child {
        let Self {
            url,
            callers,
            takes,
            lease,
            runs,
        } = self;
        let role = format!(
            "{url} {callers} {} {} {}",
            takes.as_millis(),
            lease.as_millis(),
            runs.display()
        );
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "processes::a_node_answers_all_its_callers"])
            .env("FERRODASH_NODE", role);
        command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    fn of(text: &str) -> Self {
        let parts: Vec<&str> = text.splitn(5, ' ').collect();
        let millis = |text: &str| Duration::from_millis(text.parse().unwrap());
        Self {
            url: parts[0].to_owned(),
            callers: parts[1].parse().unwrap(),
            takes: millis(parts[2]),
            lease: millis(parts[3]),
            runs: parts[4].into(),
        }
    }

    async fn play(&self) {
        let cache = crate::cache_at(&self.url).await.unwrap();
        let policy = Policy::new(MINUTE).lease(self.lease);
        let callers = (0..self.callers).map(|_| {
            let (cache, policy, runs, takes) =
                (cache.clone(), policy.clone(), self.runs.clone(), self.takes);
            tokio::spawn(async move {
                let compute = || async move {
                    note(&runs);
                    sleep(takes).await;
                    Ok::<_, Infallible>(Computed::keep("value"))
                };
                cache
                    .get_or_compute(Key::of("node", &1), &policy, compute)
                    .await
                    .result
                    .unwrap()
            })
        });
        for entry in join_all(callers.collect::<Vec<_>>()).await {
            assert_eq!(entry.unwrap().bytes(), "value");
        }
    }
}

/// Notes a run, with the process that makes it.
fn note(runs: &Path) {
    let mut file = OpenOptions::new()
        .append(true)
        .create(true)
        .open(runs)
        .unwrap();
    file.write_all(format!("{}\n", std::process::id()).as_bytes())
        .unwrap();
}

/// The processes that have run the function.
fn noted(runs: &Path) -> Vec<u32> {
    let text = std::fs::read_to_string(runs).unwrap_or_default();
    text.lines().map(|line| line.parse().unwrap()).collect()
}

/// Plays the role that another process of this program was given; by itself, one on memory.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_answers_all_its_callers() {
    let directory = TempDir::new().unwrap();
    let alone = || Role {
        takes: SECOND / 10,
        ..Role::new("memory", &directory)
    };
    let given = std::env::var("FERRODASH_NODE").ok();
    let role = given.as_deref().map_or_else(alone, Role::of);
    role.play().await;
    assert!(
        given.is_some() || noted(&role.runs).len() == 1,
        "a hundred callers are one run"
    );
}

/// The address with a deadline for a machine on which four processes start at once.
fn patient(store: &Store) -> String {
    if store.name == "disk" {
        store.url.clone()
    } else {
        format!("{}?deadline=2s", store.url)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s2_four_processes_that_share_a_store_are_one_run() {
    for store in stores().await {
        let directory = TempDir::new().unwrap();
        let role = Role::new(&patient(&store), &directory);
        let nodes: Vec<Child> = (0..4).map(|_| role.start()).collect();
        for mut node in nodes {
            assert!(node.wait().unwrap().success(), "{}", store.name);
        }
        assert_eq!(noted(&role.runs).len(), 1, "{}", store.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_when_the_process_that_computes_is_killed_another_finishes_within_the_lease_and_two_seconds()
 {
    for store in stores().await {
        let directory = TempDir::new().unwrap();
        let mut role = Role::new(&patient(&store), &directory);
        (role.callers, role.lease, role.takes) = (1, 3 * SECOND, 100 * SECOND);
        let mut first = role.start();
        eventually(|| async { noted(&role.runs).len() == 1 }).await;
        role.takes = SECOND / 10;
        let mut second = role.start();
        // The second one waits for the first. A kill is not something that the first could notice.
        sleep(SECOND).await;
        assert_eq!(
            noted(&role.runs).len(),
            1,
            "{}: the second one waits",
            store.name
        );
        let killed = Instant::now();
        first.kill().unwrap();
        first.wait().unwrap();
        let finished = tokio::task::spawn_blocking(move || second.wait().unwrap().success())
            .await
            .unwrap();
        assert!(finished, "{}", store.name);
        assert!(
            killed.elapsed() < role.lease + 2 * SECOND,
            "{}: after {:?}",
            store.name,
            killed.elapsed()
        );
        assert_eq!(noted(&role.runs).len(), 2, "{}", store.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s9_without_the_store_each_process_computes_at_most_once() {
    let directory = TempDir::new().unwrap();
    for port_of in ["redis", "memcached"] {
        let role = Role {
            runs: directory.path().join(port_of),
            ..Role::new(
                &format!("{port_of}://127.0.0.1:{}", ferrodash_testing::free_port()),
                &directory,
            )
        };
        let nodes: Vec<Child> = (0..4).map(|_| role.start()).collect();
        for mut node in nodes {
            assert!(node.wait().unwrap().success(), "{port_of}");
        }
        let runs = noted(&role.runs);
        assert_eq!(runs.len(), 4, "{port_of}: {runs:?}");
    }
}
