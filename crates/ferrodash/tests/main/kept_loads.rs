//! Values that a batcher loads, one by one, and a cache keeps.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use ferrodash::prelude::*;
use ferrodash_testing::{Memcached, Redis};
use futures_util::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// The time that an answer takes on a connection that is slow.
const ON_ITS_WAY: Duration = Duration::from_millis(500);

/// The way to a server on which answers can take their time. It counts the round trips of each
/// connection: how often something was sent after an answer had come.
#[derive(Clone, Default)]
struct SlowWay {
    is_slow: Arc<AtomicBool>,
    connections: Arc<Mutex<Vec<Connection>>>,
}

/// What happened on a connection.
#[derive(Clone, Copy, Default)]
struct Connection {
    round_trips: usize,
    is_answered: bool,
}

impl SlowWay {
    /// Listens for clients, and returns the port.
    async fn to(&self, server: String) -> u16 {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let way = self.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (read, write) = client.into_split();
                let server = TcpStream::connect(&server).await.unwrap();
                let (answers, requests) = server.into_split();
                let number = way.connections.lock().unwrap().len();
                way.connections.lock().unwrap().push(Connection::default());
                tokio::spawn(way.clone().pass_requests(number, read, requests));
                tokio::spawn(way.clone().pass_answers(number, answers, write));
            }
        });
        port
    }

    async fn pass_requests(self, number: usize, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
        let mut bytes = vec![0; 1 << 16];
        while let Ok(length @ 1..) = from.read(&mut bytes).await {
            {
                let connection = &mut self.connections.lock().unwrap()[number];
                if std::mem::take(&mut connection.is_answered) {
                    connection.round_trips += 1;
                }
            }
            if to.write_all(&bytes[..length]).await.is_err() {
                return;
            }
        }
    }

    async fn pass_answers(self, number: usize, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
        let mut bytes = vec![0; 1 << 20];
        while let Ok(length @ 1..) = from.read(&mut bytes).await {
            if self.is_slow.load(Ordering::SeqCst) {
                tokio::time::sleep(ON_ITS_WAY).await;
            }
            self.connections.lock().unwrap()[number].is_answered = true;
            if to.write_all(&bytes[..length]).await.is_err() {
                return;
            }
        }
    }

    /// From now on, answers take their time and round trips are counted.
    fn slow_down(&self) {
        self.is_slow.store(true, Ordering::SeqCst);
        for connection in &mut *self.connections.lock().unwrap() {
            // The first request from now on begins a round trip, on old and new connections alike.
            *connection = Connection {
                round_trips: 0,
                is_answered: true,
            };
        }
    }

    /// Returns the round trips of the connection that had the most.
    fn round_trips(&self) -> usize {
        let connections = self.connections.lock().unwrap();
        let round_trips = connections.iter().map(|it| it.round_trips);
        round_trips.max().unwrap()
    }
}

/// How many rows were loaded with each request.
static LOADED: Mutex<Vec<usize>> = Mutex::new(Vec::new());

/// The tests count loads of one batcher, so they run one after the other.
static ONE_AT_A_TIME: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

static ROWS: LazyLock<Batcher<u32, String, String>> = LazyLock::new(|| {
    let rows = Batcher::new(async |ids: Vec<u32>| {
        LOADED.lock().unwrap().push(ids.len());
        let known = ids.into_iter().filter(|id| *id != 13);
        Ok(known.map(|id| (id, format!("row {id}"))).collect())
    });
    // Full batches do not wait for it.
    rows.window(Duration::from_secs(1))
});

#[memoize(timeout = "5m", negative_timeout = "5m", tags = ["rows"])]
async fn row(id: u32) -> Result<String, String> {
    ROWS.load(id).await.map_err(|error| error.to_string())
}

/// Loads rows at the same time, and returns how many requests that took, and for how many rows.
async fn load(cache: &Cache, ids: Range<u32>) -> (usize, usize) {
    let rows = cache.scope(join_all(ids.clone().map(row))).await;
    for (id, row) in ids.zip(rows) {
        match id {
            13 => assert_eq!(row.unwrap_err(), "not found"),
            id => assert_eq!(row.unwrap(), format!("row {id}")),
        }
    }
    let loaded = std::mem::take(&mut *LOADED.lock().unwrap());
    (loaded.len(), loaded.iter().sum())
}

/// Reads a thousand values, which another process has kept in a store, on a slow connection.
async fn read_a_thousand_kept_values(scheme: &str, server: &str) {
    let _turn = ONE_AT_A_TIME.lock().await;
    let connect = async |server: &str| {
        let url = format!("{scheme}://{server}?namespace=tests&deadline=10s");
        Cache::from_url(&url).await.unwrap()
    };
    let first = connect(server).await;
    assert_eq!(load(&first, 0..1000).await, (10, 1000));

    // Another process has the values from the store, also that of the id that is missing.
    let way = SlowWay::default();
    let port = way.to(server.to_owned()).await;
    let second = connect(&format!("127.0.0.1:{port}")).await;
    // It connects, and from then on it is slow.
    assert_eq!(load(&second, 2000..2001).await, (1, 1));
    way.slow_down();
    assert_eq!(load(&second, 0..1000).await, (0, 0));
    let round_trips = way.round_trips();
    assert!((1..=3).contains(&round_trips), "{round_trips} round trips");
    way.is_slow.store(false, Ordering::SeqCst);

    // Only the missing ones are loaded.
    assert_eq!(load(&first, 900..1100).await, (1, 100));
    // And all again once their tag was invalidated.
    second.invalidate_tag("rows").await.unwrap();
    assert_eq!(load(&second, 0..50).await, (1, 50));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_kept_values_are_read_from_redis_in_three_round_trips() {
    let redis = Redis::start();
    let server = redis.url().replace("redis://", "");
    read_a_thousand_kept_values("redis", &server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_kept_values_are_read_from_memcached_in_three_round_trips() {
    let memcached = Memcached::start();
    let server = memcached.url().replace("memcached://", "");
    read_a_thousand_kept_values("memcached", &server).await;
}
