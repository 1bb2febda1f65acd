//! A cluster of Redis: how reads spread, and that copies, marks and slots that move cost no wrong
//! answer.

use std::collections::HashSet;
use std::convert::Infallible;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ferrodash_cache::tiers::{Redis, RedisConfig};
use ferrodash_cache::{Cache, Computed, Key, Policy, Sealer, Selector, Shared, Status};
use ferrodash_testing::{Program, free_port};
use futures_util::future::join_all;
use redis::aio::MultiplexedConnection;
use tempfile::TempDir;

use crate::{MINUTE, eventually, within};

pub(crate) const MASTERS: usize = 3;
pub(crate) const PAGES: u32 = 300;

/// The time in which the nodes agree on their cluster. They gossip once a second, and a node that
/// has seen the cluster incomplete waits for up to 5 s before it takes part.
const FORMATION: Duration = Duration::from_secs(60);

/// A node of a cluster, whose files outlive it.
#[derive(Debug)]
pub(crate) struct Node {
    port: u16,
    bus: u16,
    /// How long it waits for others before they count as gone.
    timeout: Duration,
    directory: TempDir,
    program: Option<Program>,
}

/// Three masters, with a replica for each or with none.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) nodes: Vec<Node>,
}

impl Node {
    fn start(timeout: Duration) -> Self {
        let (port, bus, directory) = (free_port(), free_port(), TempDir::new().unwrap());
        let mut node = Self {
            port,
            bus,
            timeout,
            directory,
            program: None,
        };
        node.resume();
        node
    }

    pub(crate) fn resume(&mut self) {
        let mut command = Command::new("redis-server");
        command.args([
            "--bind",
            "127.0.0.1",
            "--save",
            "3600 1",
            "--appendonly",
            "no",
        ]);
        command.args([
            "--port",
            &self.port.to_string(),
            "--cluster-port",
            &self.bus.to_string(),
        ]);
        command.args([
            "--cluster-enabled",
            "yes",
            "--cluster-node-timeout",
            &self.timeout.as_millis().to_string(),
        ]);
        command.args([
            "--cluster-require-full-coverage",
            "no",
            "--repl-diskless-sync-delay",
            "0",
        ]);
        self.program = Some(Program::listening(
            command.current_dir(self.directory.path()),
            self.port,
        ));
    }

    pub(crate) fn kill(&mut self) {
        self.program = None;
    }

    async fn connection(&self) -> redis::RedisResult<MultiplexedConnection> {
        redis::Client::open(format!("redis://127.0.0.1:{}", self.port))?
            .get_multiplexed_async_connection()
            .await
    }

    pub(crate) async fn tell<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        let mut answer = None;
        eventually(async || {
            let Ok(mut connection) = self.connection().await else {
                return false;
            };
            answer = redis::cmd(words[0])
                .arg(&words[1..])
                .query_async(&mut connection)
                .await
                .ok();
            answer.is_some()
        })
        .await;
        answer.unwrap()
    }

    pub(crate) async fn says(&self, words: &[&str], what: &str) {
        let has_said = async || self.tell::<String>(words).await.contains(what);
        within(FORMATION, has_said).await;
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.program.as_ref().unwrap().id().to_string();
        assert!(
            Command::new("kill")
                .args([name, &id])
                .status()
                .unwrap()
                .success()
        );
    }

    /// The commands that it has carried out.
    async fn operations(&self) -> u64 {
        let info: String = self.tell(&["INFO", "stats"]).await;
        let line = info
            .lines()
            .find_map(|line| line.strip_prefix("total_commands_processed:"));
        line.unwrap().parse().unwrap()
    }
}

impl Cluster {
    /// A cluster whose masters stay.
    pub(crate) async fn start() -> Self {
        Self::with_replicas(0, Duration::from_secs(30)).await
    }

    pub(crate) async fn with_replicas(replicas: usize, timeout: Duration) -> Self {
        let nodes: Vec<_> = (0..MASTERS * (1 + replicas))
            .map(|_| Node::start(timeout))
            .collect();
        for (index, node) in nodes.iter().enumerate() {
            let () = node
                .tell(&["CLUSTER", "SET-CONFIG-EPOCH", &(index + 1).to_string()])
                .await;
        }
        for (node, (from, to)) in
            nodes
                .iter()
                .zip([("0", "5460"), ("5461", "10922"), ("10923", "16383")])
        {
            let () = node.tell(&["CLUSTER", "ADDSLOTSRANGE", from, to]).await;
        }
        for node in &nodes[1..] {
            let (port, bus) = (node.port.to_string(), node.bus.to_string());
            let () = nodes[0]
                .tell(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus])
                .await;
        }
        let known = format!("cluster_known_nodes:{}", nodes.len());
        for node in &nodes {
            node.says(&["CLUSTER", "INFO"], &known).await;
            // The whole mesh, so that a vote finds everybody.
            let is_meshed = async || {
                let nodes = node.tell::<String>(&["CLUSTER", "NODES"]).await;
                !nodes.contains("handshake")
            };
            within(FORMATION, is_meshed).await;
        }
        for (master, replica) in nodes.iter().zip(&nodes[MASTERS..]) {
            let id: String = master.tell(&["CLUSTER", "MYID"]).await;
            let () = replica.tell(&["CLUSTER", "REPLICATE", &id]).await;
            replica
                .says(&["INFO", "replication"], "master_link_status:up")
                .await;
        }
        for node in &nodes {
            node.says(&["CLUSTER", "INFO"], "cluster_state:ok").await;
            node.says(&["CLUSTER", "INFO"], "cluster_slots_ok:16384")
                .await;
        }
        Self { nodes }
    }

    pub(crate) fn url(&self) -> String {
        let nodes: Vec<_> = self
            .nodes
            .iter()
            .map(|node| format!("127.0.0.1:{}", node.port))
            .collect();
        format!("redis+cluster://{}", nodes.join(","))
    }

    pub(crate) async fn cache(&self, options: &str) -> Cache {
        crate::cache_at(&format!("{}?{options}", self.url()))
            .await
            .unwrap()
    }

    pub(crate) async fn caches(&self, options: &str) -> Vec<Cache> {
        let mut caches = Vec::new();
        for _ in 0..4 {
            caches.push(self.cache(options).await);
        }
        caches
    }
}

/// Pages with a number each, and a tag each.
#[derive(Clone)]
pub(crate) struct Pages(Arc<Vec<AtomicU32>>);

impl Pages {
    pub(crate) fn new() -> Self {
        Self(Arc::new((0..PAGES).map(|_| AtomicU32::new(0)).collect()))
    }

    pub(crate) fn write(&self, page: u32) -> u32 {
        self.0[page as usize].fetch_add(1, Ordering::SeqCst) + 1
    }

    pub(crate) fn now(&self, page: u32) -> u32 {
        self.0[page as usize].load(Ordering::SeqCst)
    }

    /// What a cache returns for a page, and whether it is a hit.
    pub(crate) async fn read(&self, cache: &Cache, page: u32) -> (u32, bool) {
        let pages = self.clone();
        let compute =
            || async move { Ok::<_, Infallible>(Computed::keep(pages.now(page).to_string())) };
        let policy = Policy::new(MINUTE).tag(&format!("page:{page}"));
        let answer = cache
            .get_or_compute(Key::of("pages", &page), &policy, compute)
            .await;
        let value = std::str::from_utf8(answer.result.unwrap().bytes())
            .unwrap()
            .parse()
            .unwrap();
        (value, matches!(answer.status, Status::Hit { .. }))
    }

    /// Reads all pages through a cache; how many were hits.
    pub(crate) async fn read_all(&self, cache: &Cache) -> u32 {
        let reads = join_all((0..PAGES).map(|page| self.read(cache, page))).await;
        for (page, (value, _)) in (0..PAGES).zip(&reads) {
            assert_eq!(*value, self.now(page), "page {page}");
        }
        u32::try_from(reads.iter().filter(|(_, hit)| *hit).count()).unwrap()
    }

    /// Reads until all are hits.
    pub(crate) async fn are_kept(&self, cache: &Cache) {
        eventually(async || self.read_all(cache).await == PAGES).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b12_reads_spread_evenly_over_the_masters_of_a_cluster() {
    const ROUNDS: u32 = 10;
    let cluster = Cluster::start().await;
    let (caches, pages) = (cluster.caches("deadline=2s").await, Pages::new());
    for cache in &caches {
        pages.are_kept(cache).await;
    }
    let operations = async || join_all(cluster.nodes.iter().map(Node::operations)).await;
    let before = operations().await;
    for _ in 0..ROUNDS {
        for cache in &caches {
            assert_eq!(pages.read_all(cache).await, PAGES);
        }
    }
    let spent: Vec<_> = operations()
        .await
        .iter()
        .zip(before)
        .map(|(after, before)| after - before)
        .collect();
    let (most, all) = (*spent.iter().max().unwrap(), spent.iter().sum::<u64>());
    // At most 1.3 times the mean, in whole numbers.
    assert!(most * 10 * MASTERS as u64 <= all * 13, "{spent:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn b12_copies_in_memory_follow_a_cluster() {
    let cluster = Cluster::start().await;
    let url = format!("{}?deadline=2s", cluster.url());
    let near = async || {
        crate::builder()
            .memory(1 << 20)
            .url(&url)
            .await
            .unwrap()
            .build()
    };
    let (one, other, pages) = (near().await, near().await, Pages::new());
    for round in 0..20 {
        pages.are_kept(&one).await;
        pages.are_kept(&other).await;
        let page = round * 13 % PAGES;
        let written = pages.write(page);
        one.invalidate_tag(&format!("page:{page}")).await.unwrap();
        assert_eq!(pages.read(&one, page).await.0, written);
        let start = tokio::time::Instant::now();
        while pages.read(&other, page).await.0 != written {
            assert!(
                start.elapsed() < Duration::from_secs(1),
                "round {round}: the copy does not follow"
            );
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b12_slots_that_move_cost_no_wrong_answer() {
    let cluster = Cluster::start().await;
    let (caches, pages) = (cluster.caches("deadline=2s").await, Pages::new());
    for cache in &caches {
        pages.are_kept(cache).await;
    }
    let [from, to] = [&cluster.nodes[0], &cluster.nodes[1]];
    let ids = [
        from.tell::<String>(&["CLUSTER", "MYID"]).await,
        to.tell(&["CLUSTER", "MYID"]).await,
    ];
    let mut used = HashSet::new();
    for slot in 0..600u32 {
        let number = slot.to_string();
        let () = to
            .tell(&["CLUSTER", "SETSLOT", &number, "IMPORTING", &ids[0]])
            .await;
        let () = from
            .tell(&["CLUSTER", "SETSLOT", &number, "MIGRATING", &ids[1]])
            .await;
        let keys: Vec<String> = from
            .tell(&["CLUSTER", "GETKEYSINSLOT", &number, "100"])
            .await;
        for key in keys {
            used.insert(number.clone());
            let page = slot % PAGES;
            let written = pages.write(page);
            // In the middle of a move calls may fail, and answers are right all the same.
            let invalidated = caches[0].invalidate_tag(&format!("page:{page}")).await;
            let (value, _) = pages.read(&caches[1], page).await;
            assert!(
                value == written || invalidated.is_err(),
                "page {page}: {value}, {written} was written"
            );
            let port = to.port.to_string();
            let () = from
                .tell(&["MIGRATE", "127.0.0.1", &port, &key, "0", "5000"])
                .await;
            assert_eq!(
                pages.read(&caches[2], page).await.0 == written,
                invalidated.is_ok()
            );
            eventually(async || {
                caches[0]
                    .invalidate_tag(&format!("page:{page}"))
                    .await
                    .is_ok()
            })
            .await;
        }
        for node in &cluster.nodes {
            let () = node
                .tell(&["CLUSTER", "SETSLOT", &number, "NODE", &ids[1]])
                .await;
        }
    }
    assert!(!used.is_empty(), "some of the slots have something to move");
    for cache in &caches {
        pages.are_kept(cache).await;
    }
}

#[tokio::test]
async fn b12_each_value_is_held_against_the_marks_on_its_own_node() {
    let cluster = Cluster::start().await;
    let config = RedisConfig::parse(&format!("{}?deadline=2s", cluster.url())).unwrap();
    let tier = Redis::new(config, "own".into(), Sealer::default());
    let tier = tier.unwrap();
    let (tag, another) = (Selector::tag("tag"), Selector::tag("another"));
    let keys: Vec<_> = (0..100u32).map(|index| Key::of("own", &index)).collect();
    let mut before = Vec::new();
    for key in &keys {
        before.push(tier.read(key, &[tag]).await.unwrap().marks);
    }
    tier.invalidate(&[tag]).await.unwrap();
    for (key, before) in keys.iter().zip(before) {
        let after = tier.read(key, &[tag]).await.unwrap().marks;
        assert!(
            after.now.era == before.now.era && !after.allow(before.now),
            "{after:?}"
        );
        assert!(
            tier.read(key, &[another])
                .await
                .unwrap()
                .marks
                .allow(before.now)
        );
    }
}

#[tokio::test]
async fn b12_an_acl_user_of_a_cluster_needs_no_more_than_it_uses() {
    let cluster = Cluster::start().await;
    let may = "resetkeys ~{ferrodash:* ~{ferrodash}:marks +get +pttl +del +exists +hmget +evalsha +eval +getrange +set \
               +pexpire +hlen +hincrby +hset +info +client|tracking +cluster|slots +cluster|info +asking";
    let rule = ["ACL", "SETUSER", "app", "on", ">secret"]
        .into_iter()
        .chain(may.split_whitespace());
    let rule: Vec<_> = rule.collect();
    for node in &cluster.nodes {
        let () = node.tell(&rule).await;
    }
    let url = cluster.url().replace("://", "://app:secret@");
    let (cache, pages) = (
        crate::cache_at(&format!("{url}?deadline=2s"))
            .await
            .unwrap(),
        Pages::new(),
    );
    pages.are_kept(&cache).await;
    let written = pages.write(1);
    cache.invalidate_tag("page:1").await.unwrap();
    assert_eq!(pages.read(&cache, 1).await, (written, false));
    cache.remove(&Key::of("pages", &2u32)).await.unwrap();
    assert!(!pages.read(&cache, 2).await.1);
}

/// A process that invalidates and never reads knows the histories only by what it was answered.
#[tokio::test(flavor = "multi_thread")]
async fn b12_who_only_invalidates_is_never_refused_and_costs_no_other_value() {
    let cluster = Cluster::start().await;
    let reader = cluster.cache("deadline=2s").await;
    let writer = cluster.cache("deadline=2s").await;
    let keys: Vec<Key> = (0..30).map(|n| Key::of("kept", &n)).collect();
    for key in &keys {
        assert!(reader.set(key, "value".into(), MINUTE).await);
    }
    for round in 0..20 {
        writer
            .invalidate_tag(&format!("tag {round}"))
            .await
            .expect("every history is marked");
        for key in &keys {
            assert!(
                reader.get(key).await.is_some(),
                "{key} after {round} invalidations of something else"
            );
        }
    }
}
