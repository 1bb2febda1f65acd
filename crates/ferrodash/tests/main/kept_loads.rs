//! Values that a batcher loads, one by one, and a cache keeps.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use ferrodash::prelude::*;
use ferrodash_testing::Redis;
use futures_util::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// The time that an answer takes on a connection that is slow.
const ON_ITS_WAY: Duration = Duration::from_millis(500);

/// A connection to a server on which answers can take their time. It counts round trips: how often
/// something was sent after an answer had come.
#[derive(Clone, Default)]
struct SlowConnection {
    is_slow: Arc<AtomicBool>,
    round_trips: Arc<AtomicUsize>,
    answered: Arc<AtomicUsize>,
}

impl SlowConnection {
    /// Listens for a client, and returns the port.
    async fn to(&self, server: String) -> u16 {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let connection = self.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (read, write) = client.into_split();
                let server = TcpStream::connect(&server).await.unwrap();
                let (answers, requests) = server.into_split();
                tokio::spawn(connection.clone().pass_requests(read, requests));
                tokio::spawn(connection.clone().pass_answers(answers, write));
            }
        });
        port
    }

    async fn pass_requests(self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
        let mut bytes = vec![0; 1 << 16];
        while let Ok(length @ 1..) = from.read(&mut bytes).await {
            if self.answered.swap(0, Ordering::SeqCst) > 0 {
                self.round_trips.fetch_add(1, Ordering::SeqCst);
            }
            if to.write_all(&bytes[..length]).await.is_err() {
                return;
            }
        }
    }

    async fn pass_answers(self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
        let mut bytes = vec![0; 1 << 20];
        while let Ok(length @ 1..) = from.read(&mut bytes).await {
            if self.is_slow.load(Ordering::SeqCst) {
                tokio::time::sleep(ON_ITS_WAY).await;
            }
            self.answered.store(1, Ordering::SeqCst);
            if to.write_all(&bytes[..length]).await.is_err() {
                return;
            }
        }
    }
}

/// How many rows were loaded with each request.
static LOADED: Mutex<Vec<usize>> = Mutex::new(Vec::new());

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_kept_values_are_read_in_three_round_trips() {
    let redis = Redis::start();
    let options = "namespace=tests&deadline=10s";
    let connect = async |url: &str| Cache::from_url(&format!("{url}?{options}")).await.unwrap();
    let first = connect(&redis.url()).await;
    assert_eq!(load(&first, 0..1000).await, (10, 1000));

    // Another process has the values from Redis, also that of the id that is missing.
    let connection = SlowConnection::default();
    let server = redis.url().replace("redis://", "");
    let port = connection.to(server).await;
    let second = connect(&format!("redis://127.0.0.1:{port}")).await;
    // It connects, and from then on it is slow.
    assert_eq!(load(&second, 2000..2001).await, (1, 1));
    connection.is_slow.store(true, Ordering::SeqCst);
    connection.round_trips.store(0, Ordering::SeqCst);
    assert_eq!(load(&second, 0..1000).await, (0, 0));
    let round_trips = connection.round_trips.load(Ordering::SeqCst);
    assert!(round_trips <= 3, "{round_trips} round trips");

    connection.is_slow.store(false, Ordering::SeqCst);

    // Only the missing ones are loaded.
    assert_eq!(load(&first, 900..1100).await, (1, 100));
    // And all again once their tag was invalidated, by any process.
    second.invalidate_tag("rows").await.unwrap();
    assert_eq!(load(&first, 0..50).await, (1, 50));
}
