//! The disk tier: what it keeps, what it lets go, and what it does when files are damaged.

use std::fs;
use std::path::Path;
use std::time::Duration;

use ferrodash_cache::tiers::{Disk, DiskConfig};
use ferrodash_cache::{Entry, Key, LeaseRequest, Parts, Sealer, Selector, Shared, Stamp, Tier};

use crate::MINUTE;

pub(crate) fn open(directory: &Path) -> Disk {
    budget(directory, 1 << 30)
}

fn budget(directory: &Path, max_bytes: u64) -> Disk {
    Disk::open(
        DiskConfig {
            max_bytes,
            ..DiskConfig::new(directory)
        },
        Sealer::default(),
    )
    .expect("it opens")
}

pub(crate) fn key(number: u64) -> Key {
    Key::of("f", &number)
}

pub(crate) fn entry(bytes: impl Into<Vec<u8>>) -> Entry {
    Entry::new(Parts::new(bytes.into().into(), MINUTE))
}

/// Bytes that do not compress, and that tell from what seed they are.
pub(crate) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed | 1;
    let mut bytes = vec![0; length];
    for chunk in bytes.chunks_mut(8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        chunk.copy_from_slice(&state.to_le_bytes()[..chunk.len()]);
    }
    bytes
}

pub(crate) fn shared(disk: &Disk) -> &dyn Shared {
    disk.shared().expect("it is shared")
}

pub(crate) async fn bytes(disk: &Disk, key: &Key) -> Option<Vec<u8>> {
    disk.get(key)
        .await
        .expect("it answers")
        .map(|entry| entry.bytes().to_vec())
}

pub(crate) fn request(token: u64, disk_now: Stamp) -> LeaseRequest {
    LeaseRequest {
        token,
        observed: None,
        lease: MINUTE,
        born: disk_now,
        newest: 0,
    }
}

pub(crate) async fn now(disk: &Disk) -> Stamp {
    shared(disk).marks(&[]).await.expect("it answers").now
}

/// What the directory takes on the disk, without the holes of files.
pub(crate) fn used(directory: &Path) -> u64 {
    let files = fs::read_dir(directory)
        .expect("it is there")
        .filter_map(Result::ok);
    let size = |file: fs::DirEntry| match file.metadata() {
        Ok(data) if data.is_dir() => used(&file.path()),
        Ok(data) => data.len(),
        Err(_) => 0,
    };
    files.map(size).sum()
}

pub(crate) fn files(directory: &Path) -> usize {
    fs::read_dir(directory.join("values"))
        .expect("it is there")
        .count()
}

#[tokio::test]
async fn what_is_kept_is_found_until_it_is_removed() {
    let directory = tempfile::tempdir().expect("there is room");
    let disk = open(directory.path());
    assert_eq!(disk.name(), "disk");
    let parts = Parts {
        lifetime: 2 * MINUTE,
        selectors: [Selector::ALL, Selector::tag("orders")].into(),
        validator: Some("\"etag\"".into()),
        ..Parts::new("value".into(), MINUTE)
    };
    let kept = Entry::new(parts);
    assert_eq!(disk.set(&key(1), &kept).await, Ok(true));
    let found = disk
        .get(&key(1))
        .await
        .expect("it answers")
        .expect("it is there");
    assert_eq!(
        (found.bytes(), found.id(), &found.parts().selectors),
        (kept.bytes(), kept.id(), &kept.parts().selectors)
    );
    assert!(
        found
            .remaining()
            .is_some_and(|left| left > MINUTE - Duration::from_secs(5))
    );
    assert_eq!(bytes(&disk, &key(2)).await, None);
    disk.remove(&key(1)).await.expect("it is removed");
    assert_eq!(bytes(&disk, &key(1)).await, None);
    assert_eq!(disk.stored_bytes(), Ok(0));
    // And over a restart.
    disk.set(&key(1), &kept).await.expect("it is kept");
    drop(disk);
    assert_eq!(
        bytes(&open(directory.path()), &key(1)).await.as_deref(),
        Some(&b"value"[..])
    );
}

#[tokio::test]
async fn large_values_are_files_that_come_and_go_with_their_entries() {
    let directory = tempfile::tempdir().expect("there is room");
    let disk = open(directory.path());
    let value = noise(1, 1 << 20);
    assert_eq!(disk.set(&key(1), &entry(value.clone())).await, Ok(true));
    assert_eq!(bytes(&disk, &key(1)).await, Some(value));
    assert_eq!(files(directory.path()), 1);
    let value = noise(2, 1 << 20);
    disk.set(&key(1), &entry(value.clone()))
        .await
        .expect("it is kept");
    assert_eq!(
        (bytes(&disk, &key(1)).await, files(directory.path())),
        (Some(value), 1)
    );
    disk.remove(&key(1)).await.expect("it is removed");
    assert_eq!(files(directory.path()), 0);
    // A damaged, a cut off and a missing file are misses.
    for (number, damage) in [(1, "garbage"), (2, ""), (3, "gone")] {
        disk.set(&key(number), &entry(noise(3, 1 << 17)))
            .await
            .expect("it is kept");
        let file = fs::read_dir(directory.path().join("values"))
            .expect("it is there")
            .next()
            .expect("one")
            .expect("one");
        if damage == "gone" {
            fs::remove_file(file.path())
        } else {
            fs::write(file.path(), damage)
        }
        .expect("it is ours");
        assert_eq!(bytes(&disk, &key(number)).await, None, "{damage}");
        disk.set(&key(number), &entry("new"))
            .await
            .expect("it is kept");
        assert_eq!(
            bytes(&disk, &key(number)).await.as_deref(),
            Some(&b"new"[..])
        );
    }
}

#[tokio::test]
async fn files_that_nothing_refers_to_go_when_the_store_is_opened() {
    let directory = tempfile::tempdir().expect("there is room");
    let disk = open(directory.path());
    disk.set(&key(1), &entry(noise(1, 1 << 17)))
        .await
        .expect("it is kept");
    drop(disk);
    let name = format!("{}-00000000000000ff", key(1));
    fs::write(directory.path().join("values").join(name), "left over").expect("it is ours");
    fs::write(directory.path().join("values").join("other"), "left over").expect("it is ours");
    let disk = open(directory.path());
    assert_eq!(
        (
            files(directory.path()),
            bytes(&disk, &key(1)).await.is_some()
        ),
        (1, true)
    );
}

#[tokio::test]
async fn entries_end_with_their_lifetime_and_are_swept_unread() {
    let directory = tempfile::tempdir().expect("there is room");
    let disk = open(directory.path());
    let short = Duration::from_millis(300);
    for (number, length) in [(1, 10), (2, 1 << 18)] {
        disk.set(
            &key(number),
            &Entry::new(Parts::new(noise(1, length).into(), short)),
        )
        .await
        .expect("it is kept");
        assert!(bytes(&disk, &key(number)).await.is_some());
    }
    tokio::time::sleep(short).await;
    assert_eq!(
        (bytes(&disk, &key(1)).await, bytes(&disk, &key(2)).await),
        (None, None)
    );
    assert!(disk.stored_bytes().is_ok_and(|bytes| bytes > 0));
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!((disk.stored_bytes(), files(directory.path())), (Ok(0), 0));
}

#[tokio::test]
async fn s19_the_budget_holds_under_constant_writes() {
    let directory = tempfile::tempdir().expect("there is room");
    const BUDGET: u64 = 8 << 20;
    let disk = budget(directory.path(), BUDGET);
    let largest = 100_000;
    let mut most = 0;
    for number in 0..6_000 {
        let length = [100, 1_500, 3_000, 8_000, 60_000, largest][number as usize % 6];
        assert_eq!(
            disk.set(&key(number), &entry(noise(number, length))).await,
            Ok(true)
        );
        assert!(disk.stored_bytes().expect("it answers") <= BUDGET);
        if number.is_multiple_of(100) {
            most = most.max(used(directory.path()));
        }
    }
    assert!(most <= BUDGET + BUDGET / 4 + largest as u64, "{most}");
    assert!(bytes(&disk, &key(5_999)).await.is_some() && bytes(&disk, &key(0)).await.is_none());
    assert_eq!(
        disk.set(&key(1), &entry(noise(1, BUDGET as usize / 4)))
            .await,
        Ok(false),
        "it is too large"
    );
    let bytes_before = disk.stored_bytes();
    drop(disk);
    assert_eq!(
        budget(directory.path(), BUDGET).stored_bytes(),
        bytes_before
    );
    assert!(
        !directory.path().join("data.mdb.unusable").exists(),
        "nothing was damaged"
    );
}

#[tokio::test]
async fn s19_what_is_read_survives_what_is_not() {
    let directory = tempfile::tempdir().expect("there is room");
    let disk = budget(directory.path(), 1 << 20);
    disk.set(&key(0), &entry("read")).await.expect("it is kept");
    disk.set(&key(1), &entry("not read"))
        .await
        .expect("it is kept");
    for number in 2..2_000 {
        disk.set(&key(number), &entry(noise(number, 3_000)))
            .await
            .expect("it is kept");
        if number.is_multiple_of(10) {
            assert!(
                bytes(&disk, &key(0)).await.is_some(),
                "after {number} writes"
            );
        }
    }
    assert!(bytes(&disk, &key(1)).await.is_none());
}

#[tokio::test]
async fn a_value_that_is_not_taken_replaces_the_old_one_by_nothing() {
    let directory = tempfile::tempdir().expect("there is room");
    let disk = budget(directory.path(), 1 << 20);
    disk.set(&key(1), &entry("old")).await.expect("it is kept");
    assert_eq!(
        disk.set(&key(1), &entry(noise(1, 1 << 19))).await,
        Ok(false)
    );
    assert_eq!(
        (bytes(&disk, &key(1)).await, files(directory.path())),
        (None, 0)
    );
}

#[tokio::test]
async fn s20_damaged_cut_off_and_foreign_databases_are_begun_anew() {
    let directory = tempfile::tempdir().expect("there is room");
    let database = directory.path().join("data.mdb");
    type Damage = fn(&[u8]) -> Vec<u8>;
    let damages: [(&str, Damage); 6] = [
        ("garbage", |_| noise(1, 100_000)),
        ("text", |_| b"not a database".to_vec()),
        ("cut off", |whole| whole[..whole.len() / 2].to_vec()),
        ("cut off in the first page", |whole| whole[..1_000].to_vec()),
        ("empty", |_| Vec::new()),
        ("pages overwritten", |whole| {
            [&whole[..8_192], &noise(1, whole.len() - 8_192)[..]].concat()
        }),
    ];
    for (damage, apply) in damages {
        let disk = open(directory.path());
        for number in 0..200 {
            disk.set(&key(number), &entry(noise(number, 2_500)))
                .await
                .expect("it is kept");
        }
        drop(disk);
        let whole = fs::read(&database).expect("it is there");
        fs::write(&database, apply(&whole)).expect("it is ours");
        let disk = open(directory.path());
        assert_eq!(bytes(&disk, &key(1)).await, None, "{damage}");
        assert_eq!(disk.set(&key(1), &entry("new")).await, Ok(true), "{damage}");
        assert_eq!(
            bytes(&disk, &key(1)).await.as_deref(),
            Some(&b"new"[..]),
            "{damage}"
        );
    }
}

/// Byte by byte, in the middle of pages: whatever is damaged, nothing crashes and no wrong value is
/// read.
#[tokio::test]
async fn s20_damage_anywhere_is_no_crash() {
    let directory = tempfile::tempdir().expect("there is room");
    let database = directory.path().join("data.mdb");
    let fill = async || {
        let disk = open(directory.path());
        for number in 0..60 {
            disk.set(
                &key(number),
                &entry(noise(number, 300 + 100 * number as usize)),
            )
            .await
            .expect("it is kept");
        }
    };
    fill().await;
    let whole = fs::read(&database).expect("it is there");
    for round in 0..300_u64 {
        let mut damaged = whole.clone();
        let place = noise(round, 16);
        let start = u64::from_le_bytes(place[..8].try_into().expect("8")) as usize % damaged.len();
        let length = 1 + place[9] as usize % 64;
        for (byte, noise) in damaged[start..]
            .iter_mut()
            .take(length)
            .zip(noise(round + 1_000, length))
        {
            *byte = noise;
        }
        fs::write(&database, damaged).expect("it is ours");
        let disk = open(directory.path());
        for number in 0..60 {
            if let Ok(Some(found)) = disk.get(&key(number)).await {
                assert_eq!(found.bytes(), &noise(number, 300 + 100 * number as usize));
            }
            // A write may be refused, but answers.
            let _ = disk
                .set(
                    &key(number),
                    &entry(noise(number, 300 + 100 * number as usize)),
                )
                .await;
        }
    }
}

#[tokio::test]
async fn another_boot_begins_anew() {
    let directory = tempfile::tempdir().expect("there is room");
    let disk = open(directory.path());
    disk.set(&key(1), &entry("value"))
        .await
        .expect("it is kept");
    disk.set(&key(2), &entry(noise(2, 1 << 17)))
        .await
        .expect("it is kept");
    let era = now(&disk).await.era;
    drop(disk);
    let disk = open(directory.path());
    assert!(bytes(&disk, &key(1)).await.is_some() && now(&disk).await.era == era);
    drop(disk);
    let origin = directory.path().join("origin");
    let text = fs::read_to_string(&origin).expect("it is there");
    let boot = text.lines().nth(1).expect("it has lines");
    fs::write(&origin, text.replace(boot, "another-boot")).expect("it is ours");
    let disk = open(directory.path());
    assert_eq!(
        (
            bytes(&disk, &key(1)).await,
            bytes(&disk, &key(2)).await,
            files(directory.path())
        ),
        (None, None, 0)
    );
    assert_ne!(now(&disk).await.era, era);
}

#[tokio::test]
async fn directories_that_cannot_be_used_say_why() {
    let directory = tempfile::tempdir().expect("there is room");
    let file = directory.path().join("file");
    fs::write(&file, "a file").expect("it is ours");
    let inside = file.join("cache");
    for path in [&file, &inside, Path::new("/proc/cache")] {
        let error = Disk::open(DiskConfig::new(path), Sealer::default())
            .err()
            .expect("it cannot be")
            .to_string();
        assert!(
            error.starts_with(&format!(
                "the cache directory {} cannot be used: ",
                path.display()
            )),
            "{error}"
        );
        assert!(error.ends_with("; name another"), "{error}");
    }
}
