//! A directory of the disk tier that several processes share, also when they are killed.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ferrodash_cache::tiers::Disk;
use ferrodash_cache::{LeaseOutcome, Marks, Selector, Stamp, Tier};
use tokio::time::Instant;

use crate::MINUTE;
use crate::disk::{bytes, entry, key, noise, now, open, request, shared, used};

/// Names the part that a child process plays, and the directory.
const ROLE: &str = "DISK_TEST_ROLE";
const DIRECTORY: &str = "DISK_TEST_DIRECTORY";

/// Tells the process that started this one.
fn say(text: &str) {
    use std::io::Write;
    let mut output = std::io::stdout();
    output
        .write_all(text.as_bytes())
        .and_then(|()| output.flush())
        .expect("somebody listens");
}

fn spawn(role: &str, directory: &Path) -> Child {
    let this = std::env::current_exe().expect("it has a name");
    Command::new(this)
        .args([
            "--exact",
            "disk_processes::child",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(ROLE, role)
        .env(DIRECTORY, directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .expect("it starts")
}

/// Waits until a child says that it is ready.
fn ready(child: &mut Child) {
    let lines = BufReader::new(child.stdout.as_mut().expect("it is piped")).lines();
    assert!(
        lines
            .map_while(Result::ok)
            .any(|line| line.ends_with("ready")),
        "the child ended early"
    );
}

fn kill(mut child: Child) {
    child.kill().expect("it lives");
    child.wait().expect("it ends");
}

/// The part of another process; by itself, that of one that opens a directory first.
#[tokio::test]
async fn child() {
    let role = std::env::var(ROLE).unwrap_or_else(|_| "first".into());
    // A child is killed, so a folder of its own would stay.
    let own;
    let directory = match std::env::var_os(DIRECTORY) {
        Some(directory) => directory,
        None => {
            own = tempfile::tempdir().expect("a temporary directory");
            own.path().into()
        }
    };
    let disk = open(Path::new(&directory));
    match role.as_str() {
        "share" => {
            assert_eq!(
                bytes(&disk, &key(1)).await.as_deref(),
                Some(&b"from the parent"[..])
            );
            disk.set(&key(2), &entry("from the child"))
                .await
                .expect("it is kept");
            disk.set(&key(3), &entry(noise(3, 200_000)))
                .await
                .expect("it is kept");
            shared(&disk)
                .invalidate(&[Selector::tag("orders")])
                .await
                .expect("it is marked");
        }
        "hold" => {
            let request = request(7, now(&disk).await);
            assert!(matches!(
                shared(&disk).acquire(&key(1), &request).await,
                Ok(LeaseOutcome::Won)
            ));
            say("\nready\n");
            std::future::pending::<()>().await;
        }
        "first" => {
            let number = u64::from(std::process::id());
            assert_eq!(disk.set(&key(number), &entry("value")).await, Ok(true));
            assert!(bytes(&disk, &key(number)).await.is_some());
        }
        "storm" => {
            say("\nready\n");
            storm(
                &disk,
                u64::from(std::process::id()),
                Instant::now() + MINUTE,
            )
            .await;
        }
        other => panic!("there is no part {other:?}"),
    }
}

/// Writes and reads values of many sizes until a moment; the number of good reads.
async fn storm(disk: &Disk, seed: u64, until: Instant) -> u64 {
    let (mut good, mut round) = (0, seed);
    while Instant::now() < until {
        round = round
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let number = (round >> 33) % 500;
        let length = [10, 900, 5_000, 30_000, 100_000][(round >> 45) as usize % 5];
        let mut value = round.to_le_bytes().to_vec();
        value.extend(noise(round, length));
        if round.is_multiple_of(4) {
            disk.set(&key(number), &entry(value))
                .await
                .expect("it is written");
        } else if let Some(found) = bytes(disk, &key(number)).await {
            let (seed, rest) = found.split_first_chunk().expect("it has a seed");
            assert!(
                rest == noise(u64::from_le_bytes(*seed), rest.len()),
                "a bad value was read"
            );
            good += 1;
        }
    }
    good
}

#[tokio::test]
async fn another_process_sees_values_and_marks() {
    let directory = tempfile::tempdir().expect("there is room");
    let disk = open(directory.path());
    disk.set(&key(1), &entry("from the parent"))
        .await
        .expect("it is kept");
    let before = now(&disk).await;
    let output = spawn("share", directory.path())
        .wait_with_output()
        .expect("it ends");
    assert!(output.status.success());
    assert_eq!(
        bytes(&disk, &key(2)).await.as_deref(),
        Some(&b"from the child"[..])
    );
    assert_eq!(bytes(&disk, &key(3)).await, Some(noise(3, 200_000)));
    let orders = shared(&disk)
        .read(&key(2), &[Selector::tag("orders")])
        .await
        .expect("it answers");
    assert_eq!(
        orders.marks,
        Marks {
            now: Stamp {
                sequence: before.sequence + 1,
                ..before
            },
            newest: before.sequence + 1,
            history: 0
        }
    );
    assert!(orders.entry.is_some() && !orders.marks.allow(before));
    assert_eq!(
        shared(&disk)
            .marks(&[Selector::tag("others")])
            .await
            .expect("it answers")
            .newest,
        0
    );
}

#[tokio::test]
async fn a_lease_ends_with_its_holder() {
    let directory = tempfile::tempdir().expect("there is room");
    let disk = open(directory.path());
    let (shared, born) = (shared(&disk), now(&disk).await);
    let mut holder = spawn("hold", directory.path());
    ready(&mut holder);
    assert!(matches!(
        shared.acquire(&key(1), &request(1, born)).await,
        Ok(LeaseOutcome::Held(_))
    ));
    holder.kill().expect("it lives");
    // Not waited for yet: one that has ended is gone even if its parent did not look.
    let start = Instant::now();
    shared.changed(&key(1), MINUTE).await;
    assert!(start.elapsed() < Duration::from_secs(1));
    assert!(matches!(
        shared.acquire(&key(1), &request(1, born)).await,
        Ok(LeaseOutcome::Won)
    ));
    holder.wait().expect("it ends");
}

#[tokio::test]
async fn processes_that_open_a_new_directory_at_once_share_it() {
    for _ in 0..5 {
        let directory = tempfile::tempdir().expect("there is room");
        let children: Vec<_> = (0..4).map(|_| spawn("first", directory.path())).collect();
        let mut ids = Vec::new();
        for child in children {
            ids.push(child.id());
            assert!(child.wait_with_output().expect("it ends").status.success());
        }
        let disk = open(directory.path());
        for id in ids {
            assert!(bytes(&disk, &key(id.into())).await.is_some());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_processes_leave_nothing_bad_behind() {
    let directory = tempfile::tempdir().expect("there is room");
    let until = Instant::now() + Duration::from_secs(5);
    let disk = open(directory.path());
    let path = directory.path().to_owned();
    let killer = tokio::task::spawn_blocking(move || {
        let mut children: Vec<_> = (0..3).map(|_| spawn("storm", &path)).collect();
        let mut kills = 0_u64;
        while Instant::now() < until {
            let mut child = children.remove(0);
            ready(&mut child);
            std::thread::sleep(Duration::from_millis(20 + noise(kills, 8)[0] as u64));
            kill(child);
            kills += 1;
            children.push(spawn("storm", &path));
        }
        children.into_iter().for_each(kill);
        kills
    });
    let good = storm(&disk, 1, until).await;
    let kills = killer.await.expect("it ends");
    let more = storm(&disk, 2, Instant::now() + Duration::from_millis(300)).await;
    assert!(kills >= 5 && good > 100 && more > 10);
    drop(disk);
    let disk = open(directory.path());
    assert!(storm(&disk, 3, Instant::now() + Duration::from_millis(300)).await > 10);
    assert!(
        !directory.path().join("data.mdb.unusable").exists(),
        "nothing was damaged"
    );
    // All that is left of the killed is gone.
    let refers = disk.stored_bytes().expect("it answers");
    assert!(used(&directory.path().join("values")) <= refers);
}
