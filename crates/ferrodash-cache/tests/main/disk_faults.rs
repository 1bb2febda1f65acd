//! A disk tier whose disk is full, or whose files others remove, replace or cut off.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ferrodash_cache::tiers::{Disk, DiskConfig};
use ferrodash_cache::{Cache, Entry, Key, Parts, Sealer, Selector, Tier};
use tokio::time::Instant;

use crate::{MINUTE, eventually};

/// Names the part that a child process plays, and the directory.
const ROLE: &str = "DISK_FAULTS_ROLE";
const DIRECTORY: &str = "DISK_FAULTS_DIRECTORY";

fn open(directory: &Path) -> Disk {
    Disk::open(DiskConfig::new(directory), Sealer::default()).expect("it opens")
}

fn key(number: u64) -> Key {
    Key::of("f", &number)
}

fn entry(bytes: impl Into<Vec<u8>>) -> Entry {
    Entry::new(Parts::new(bytes.into().into(), MINUTE))
}

/// Bytes that do not compress, and that tell from what seed they are.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let byte = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    };
    (0..length).map(byte).collect()
}

/// What a tier has, or nothing while it cannot say.
async fn bytes(disk: &Disk, key: &Key) -> Option<Vec<u8>> {
    disk.get(key)
        .await
        .ok()
        .flatten()
        .map(|entry| entry.bytes().to_vec())
}

fn this(role: &str, directory: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("it has a name"));
    command.args([
        "--exact",
        "disk_faults::child",
        "--nocapture",
        "--test-threads=1",
    ]);
    command
        .env(ROLE, role)
        .env(DIRECTORY, directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    command
}

fn say(text: &str) {
    let mut output = std::io::stdout();
    output
        .write_all(text.as_bytes())
        .and_then(|()| output.flush())
        .expect("somebody listens");
}

/// Waits until a child says something.
fn hear(child: &mut Child, text: &str) {
    let output = BufReader::new(child.stdout.as_mut().expect("it is piped"));
    assert!(
        output
            .lines()
            .map_while(Result::ok)
            .any(|line| line.ends_with(text)),
        "the child ended before {text:?}"
    );
}

/// Waits for the end of a child, which must not have been ended by a signal.
fn ended_well(child: Child, what: &str) {
    let output = child.wait_with_output().expect("it ends");
    assert!(
        output.status.success(),
        "{what}: {}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout)
    );
}

/// The part of another process; by itself, nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    let (Ok(role), Some(directory)) = (std::env::var(ROLE), std::env::var_os(DIRECTORY)) else {
        return;
    };
    let directory = PathBuf::from(directory);
    match role.split_once(' ').unwrap_or((&role, "")) {
        ("full", _) => full(&directory).await,
        ("begin again", _) | ("begin", _) => begin_again(&directory).await,
        ("damage", how) => damage(&directory, how).await,
        ("read", _) => read_on(&directory).await,
        (other, _) => panic!("there is no part {other:?}"),
    }
}

/// Counts the lines of the log, of the whole process.
#[derive(Clone, Copy)]
struct Lines;

static LINES: AtomicU32 = AtomicU32::new(0);

impl tracing::Subscriber for Lines {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        *metadata.level() <= tracing::Level::INFO
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, _: &tracing::Event<'_>) {
        LINES.fetch_add(1, Ordering::SeqCst);
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

/// Keeps pages of 10 to 60 kB, and some that are files; how many were kept.
async fn keep_pages(cache: &Cache, from: u64, count: u64) -> u64 {
    let mut kept = 0;
    for number in from..from + count {
        let length = if number.is_multiple_of(25) {
            120_000
        } else {
            10_000 + number as usize * 7_919 % 50_000
        };
        kept += u64::from(
            cache
                .set(&key(number), noise(number, length).into(), MINUTE)
                .await,
        );
    }
    kept
}

async fn full(mount: &Path) {
    tracing::subscriber::set_global_default(Lines).expect("it is the first");
    let cache = Cache::from_url(&format!("disk:{}", mount.join("cache").display()))
        .await
        .expect("it opens");
    let kept = keep_pages(&cache, 0, 1500).await;
    assert!(kept >= 1470, "{kept} of 1500 pages were kept");
    let lines = LINES.load(Ordering::SeqCst);
    assert!((1..=5).contains(&lines), "{lines} lines were written");
    assert_eq!(
        cache.failing_tiers(),
        ["disk"],
        "health says that it is degraded"
    );
    for number in 1490..1500 {
        assert!(
            cache.get(&key(number)).await.is_some(),
            "page {number} is there"
        );
    }
    // Other programs take what is left, and invalidations are made all the same.
    let mut filler = File::create(mount.join("filler")).expect("there is room for a name");
    while filler.write(&[1; 1 << 16]).is_ok_and(|written| written > 0) {}
    for _ in 0..50 {
        assert!(cache.invalidate_tag("orders").await.is_ok());
    }
    assert!(keep_pages(&cache, 1500, 100).await >= 90);
    // And now there is room.
    let options = ["-o", "remount,size=256m"];
    assert!(
        Command::new("mount")
            .args(options)
            .arg(mount)
            .status()
            .expect("mount is there")
            .success()
    );
    let back = Instant::now();
    while !cache.failing_tiers().is_empty() {
        assert!(back.elapsed() < 2 * MINUTE, "it recovers");
        tokio::time::sleep(Duration::from_millis(100)).await;
        keep_pages(&cache, 0, 1).await;
    }
    assert_eq!(keep_pages(&cache, 2000, 500).await, 500);
    let mut found = 0;
    for number in 2000..2500 {
        found += u32::from(cache.get(&key(number)).await.is_some());
    }
    assert_eq!(found, 500, "all that was kept is there");
}

#[test]
fn b13_a_full_disk_evicts_and_stores_and_recovers_when_space_returns() {
    let directory = tempfile::tempdir().expect("there is room");
    // A file system of its own, in a space of mounts of its own: it goes with the process.
    let script = "mount -t tmpfs -o size=8m tmpfs \"$DISK_FAULTS_DIRECTORY\" && exec \"$@\"";
    let child = this("full", directory.path());
    let mut command = Command::new("unshare");
    command.args(["--mount", "--map-root-user", "sh", "-c", script, "sh"]);
    command.arg(child.get_program()).args(child.get_args());
    command
        .env(ROLE, "full")
        .env(DIRECTORY, directory.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let output = command.spawn().and_then(Child::wait_with_output);
    let output = output.expect("unshare is missing; it is in the package util-linux");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{}; this test needs the right to mount a tmpfs (unshare --mount --map-root-user)\n{said}",
        output.status
    );
}

/// Removes the directory, makes it again, and waits to hear of an invalidation.
async fn begin_again(directory: &Path) {
    fs::remove_dir_all(directory).expect("it is there");
    let disk = open(directory);
    disk.set(&key(1), &entry("of the second"))
        .await
        .expect("it is kept");
    let orders = [Selector::tag("orders")];
    say("\nready\n");
    let shared = disk.shared().expect("it is shared");
    let born = shared.marks(&[]).await.expect("it answers").now;
    eventually(|| async {
        shared
            .marks(&orders)
            .await
            .is_ok_and(|marks| !marks.allow(born))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b13_a_directory_that_was_removed_and_made_again_is_used_by_all() {
    let parent = tempfile::tempdir().expect("there is room");
    let directory = parent.path().join("cache");
    // Two in one process share what they have open.
    let (disk, beside) = (open(&directory), open(&directory));
    disk.set(&key(1), &entry("of the first"))
        .await
        .expect("it is kept");
    disk.set(&key(2), &entry(noise(2, 100_000)))
        .await
        .expect("it is kept");
    let mut child = this("begin again", &directory).spawn().expect("it starts");
    hear(&mut child, "ready");
    eventually(|| async { bytes(&disk, &key(1)).await.as_deref() == Some(b"of the second") }).await;
    assert_eq!(
        bytes(&disk, &key(2)).await,
        None,
        "nothing of the first is left"
    );
    eventually(|| async { bytes(&beside, &key(1)).await.as_deref() == Some(b"of the second") })
        .await;
    disk.shared()
        .expect("it is shared")
        .invalidate(&[Selector::tag("orders")])
        .await
        .expect("it is made");
    ended_well(child, "the one that began again hears of it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b13_an_invalidation_right_after_the_directory_was_made_again_reaches_it() {
    let parent = tempfile::tempdir().expect("there is room");
    let directory = parent.path().join("cache");
    let disk = open(&directory);
    disk.set(&key(1), &entry("of the first"))
        .await
        .expect("it is kept");
    let mut child = this("begin again", &directory).spawn().expect("it starts");
    hear(&mut child, "ready");
    // Nothing is read before.
    disk.shared()
        .expect("it is shared")
        .invalidate(&[Selector::tag("orders")])
        .await
        .expect("it is made");
    ended_well(child, "the one that began again hears of it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b13_a_directory_that_is_gone_is_made_again() {
    let parent = tempfile::tempdir().expect("there is room");
    let directory = parent.path().join("cache");
    let disk = open(&directory);
    disk.set(&key(1), &entry("old")).await.expect("it is kept");
    fs::remove_dir_all(&directory).expect("it is there");
    eventually(|| async { disk.set(&key(2), &entry(noise(2, 100_000))).await == Ok(true) }).await;
    assert!(bytes(&disk, &key(1)).await.is_none() && bytes(&disk, &key(2)).await.is_some());
    assert!(directory.join("data.mdb").exists());
}

/// Cuts off, replaces or removes files of a store that is in use.
async fn damage(directory: &Path, how: &str) {
    let disk = open(directory);
    for number in 0..300 {
        disk.set(&key(number), &entry(noise(number, 3_000)))
            .await
            .expect("it is kept");
    }
    let cut = |name: &str, length: u64| {
        let file = File::options()
            .write(true)
            .open(directory.join(name))
            .expect("it is there");
        file.set_len(length).expect("it is ours");
    };
    match how {
        "nothing left" => cut("data.mdb", 0),
        "a page left" => cut("data.mdb", 4096),
        "half" => cut(
            "data.mdb",
            fs::metadata(directory.join("data.mdb"))
                .expect("it is there")
                .len()
                / 2,
        ),
        "the lock" => cut("lock.mdb", 0),
        "removed" => fs::remove_file(directory.join("data.mdb")).expect("it is there"),
        "replaced" => {
            fs::write(directory.join("other"), noise(1, 50_000)).expect("there is room");
            fs::rename(directory.join("other"), directory.join("data.mdb")).expect("it is ours");
        }
        other => panic!("there is no {other:?}"),
    }
    say("\ndamaged\n");
    for number in 0..300 {
        if let Some(found) = bytes(&disk, &key(number)).await {
            assert_eq!(found, noise(number, 3_000));
        }
    }
    eventually(|| async { disk.set(&key(1000), &entry("new")).await == Ok(true) }).await;
    eventually(|| async { bytes(&disk, &key(1000)).await.as_deref() == Some(b"new") }).await;
    // For the other one.
    disk.shared()
        .expect("it is shared")
        .invalidate(&[Selector::tag("end")])
        .await
        .expect("it is made");
}

/// Reads and writes until another process ends it.
///
/// It pauses while the files are damaged: a file that is cut off between the check of its length
/// and the read ends a process, and nothing can be done about that.
async fn read_on(directory: &Path) {
    let disk = open(directory);
    for number in 0..300 {
        let _ = bytes(&disk, &key(number)).await;
    }
    say("\nready\n");
    let mut word = String::new();
    std::io::stdin()
        .read_line(&mut word)
        .expect("somebody says when to go on");
    let end = [Selector::tag("end")];
    let shared = disk.shared().expect("it is shared");
    let until = Instant::now() + MINUTE;
    for round in 0_u64.. {
        let number = round % 300;
        if let Some(found) = bytes(&disk, &key(number)).await {
            assert_eq!(found, noise(number, 3_000));
        }
        if round.is_multiple_of(50) {
            let _ = disk.set(&key(number), &entry(noise(number, 3_000))).await;
        }
        if shared.marks(&end).await.is_ok_and(|marks| marks.newest > 0) {
            return;
        }
        assert!(Instant::now() < until, "it hears of the end");
    }
}

#[test]
fn b13_files_that_are_cut_off_replaced_or_removed_kill_nobody() {
    for how in [
        "nothing left",
        "a page left",
        "half",
        "the lock",
        "removed",
        "replaced",
    ] {
        let directory = tempfile::tempdir().expect("there is room");
        let mut reader = this("read", directory.path()).spawn().expect("it starts");
        hear(&mut reader, "ready");
        let mut child = this(&format!("damage {how}"), directory.path())
            .spawn()
            .expect("it starts");
        hear(&mut child, "damaged");
        let go = reader.stdin.as_mut().expect("it is piped");
        go.write_all(b"go on\n").expect("it listens");
        ended_well(child, how);
        ended_well(reader, &format!("beside: {how}"));
    }
}
