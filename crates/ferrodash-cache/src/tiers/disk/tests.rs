//! Tests that need the inside of the tier: slots of readers that were killed, a writer that hangs,
//! and damaged records.

use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use super::record::{BYTES, HISTORY};
use super::{Disk, DiskConfig, homes};
use crate::{Entry, Key, Parts, Sealer, Selector, Shared, Tier};

/// Names the directory, in the process that is to die.
const DIRECTORY: &str = "DISK_TEST_LEAK";

/// Takes all slots of readers, and is killed with them. It is not a test of its own: another test
/// runs it in a process with the variable set.
#[test]
fn child() {
    let Some(directory) = std::env::var_os(DIRECTORY) else {
        return;
    };
    let home = homes::open(Path::new(&directory), u64::MAX).expect("it opens");
    let store = home.store().expect("it is whole");
    while let Ok(txn) = store.env.read_txn() {
        std::mem::forget(txn);
    }
    std::process::abort();
}

#[test]
fn slots_of_killed_readers_are_used_again() {
    let directory = tempfile::tempdir().expect("there is room");
    let home = homes::open(directory.path(), u64::MAX).expect("it opens");
    let store = home.store().expect("it is whole");
    let this = std::env::current_exe().expect("it has a name");
    for _ in 0..3 {
        let mut child = Command::new(&this);
        child
            .args(["--exact", "tiers::disk::tests::child"])
            .env(DIRECTORY, directory.path());
        assert!(!child.output().expect("it starts").status.success());
        assert!(store.env.info().number_of_readers >= 1024, "all are taken");
        assert!(store.read(|txn| store.history(txn)).is_ok());
    }
}

#[tokio::test]
async fn a_writer_that_hangs_blocks_no_reader_and_nobody_for_ever() {
    let directory = tempfile::tempdir().expect("there is room");
    let deadline = Duration::from_millis(50);
    let config = DiskConfig {
        deadline,
        ..DiskConfig::new(directory.path())
    };
    let disk = Disk::open(config, Sealer::default()).expect("it opens");
    let key = Key::of("f", &1);
    let entry = |text: &'static str| Entry::new(Parts::new(text.into(), Duration::from_secs(60)));
    let value = async || {
        disk.get(&key)
            .await
            .map(|found| found.map(|entry| entry.bytes().clone()))
    };
    assert_eq!(disk.set(&key, &entry("old")).await, Ok(true));
    let (hung, has_hung) = mpsc::channel();
    let (go_on, told) = mpsc::channel::<()>();
    let store = disk.inner.home.store().expect("it is whole");
    let writer = std::thread::spawn(move || {
        let txn = store.env.write_txn().expect("it begins");
        hung.send(()).expect("it is waited for");
        let _ = told.recv();
        drop(txn);
    });
    has_hung.recv().expect("it begins");
    for _ in 0..20 {
        assert!(
            disk.set(&key, &entry("never"))
                .await
                .is_err_and(|error| error.contains("50 ms"))
        );
        assert_eq!(value().await, Ok(Some("old".into())));
    }
    drop(go_on);
    writer.join().expect("it ends");
    // A change whose caller got an error does not happen later.
    assert_eq!(disk.set(&Key::of("f", &2), &entry("other")).await, Ok(true));
    assert_eq!(value().await, Ok(Some("old".into())));
}

#[tokio::test]
async fn records_that_are_damaged_keep_nothing_and_stop_nobody() {
    let directory = tempfile::tempdir().expect("there is room");
    let disk = Disk::open(DiskConfig::new(directory.path()), Sealer::default()).expect("it opens");
    let entry = || Entry::new(Parts::new("value".into(), Duration::from_secs(60)));
    let (removed, kept) = (Key::of("f", &1), Key::of("f", &2));
    assert_eq!(disk.set(&removed, &entry()).await, Ok(true));
    let damage = disk.inner.write(&|| true, |write| {
        let tables = write.store.tables;
        tables
            .slots
            .put(&mut write.txn, removed.as_bytes(), b"short")?;
        tables.recent.put(&mut write.txn, &[1; 40], &[])?;
        tables.expiring.put(&mut write.txn, &[0; 40], &[])?;
        tables.expiring.put(&mut write.txn, b"short", &[])?;
        tables.state.put(&mut write.txn, HISTORY, &[u8::MAX; 16])?;
        tables.state.put(&mut write.txn, BYTES, &[u8::MAX; 8])
    });
    assert!(damage.is_ok());
    assert_eq!(disk.remove(&removed).await, Ok(()));
    assert!(
        matches!(disk.get(&removed).await, Ok(None)),
        "it was removed"
    );
    // Evicts, as more seems to be there than the budget allows.
    assert_eq!(disk.set(&kept, &entry()).await, Ok(true));
    assert!(matches!(disk.get(&kept).await, Ok(Some(_))), "it was set");
    assert!(
        matches!(
            disk.inner.home.store().expect("it is whole").has_expired(),
            Ok(false)
        ),
        "a sweep ends"
    );
    let stamp = disk
        .invalidate(&[Selector::ALL])
        .await
        .expect("it is answered");
    assert!(
        stamp.era != u64::MAX && stamp.sequence == 1,
        "another history begins"
    );
}
