//! Records of a disk tier: whatever its tables hold, calls are answered, none goes on for ever, and
//! what is set is there.

#![no_main]

use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arbitrary::Arbitrary;
use ferrodash_cache::tiers::{Disk, DiskConfig};
use ferrodash_cache::{Entry, Key, LeaseRequest, Parts, Sealer, Selector, Shared, Stamp, Tier};
use heed::EnvOpenOptions;
use heed::types::Bytes;
use libfuzzer_sys::fuzz_target;
use tokio::runtime::{Builder, Runtime};

const MINUTE: Duration = Duration::from_secs(60);

/// Small, so that entries are evicted.
const BUDGET: u64 = 1 << 20;

/// Long enough for a busy machine, and shorter than the fuzzer's patience.
const DEADLINE: Duration = Duration::from_secs(10);

static DIRECTORY: LazyLock<PathBuf> =
    LazyLock::new(|| std::env::temp_dir().join("ferrodash-fuzz-records"));

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("it starts")
});

#[derive(Debug, Arbitrary)]
struct Input {
    records: Vec<Record>,
    calls: Vec<(Call, Which)>,
}

/// What is put into the tables before the tier is opened.
#[derive(Debug, Arbitrary)]
enum Record {
    /// All records of an entry, as they should be. Others may replace some of them.
    Entry {
        key: Which,
        used: Time,
        expiry: Time,
        cost: u64,
    },
    Value {
        key: Which,
        expiry: Time,
        id: u64,
        in_file: bool,
        /// Nothing stands for an entry that opens.
        body: Option<Vec<u8>>,
    },
    Slot {
        key: Which,
        used: Time,
        expiry: Time,
        cost: u64,
        file: u64,
        in_file: u8,
    },
    Recent {
        used: Time,
        key: Which,
    },
    Expiring {
        expiry: Time,
        key: Which,
    },
    Lease {
        key: Which,
        token: u64,
        process: (u32, u64),
        deadline: Time,
        era: u64,
        sequence: u64,
    },
    Mark {
        selector: Which,
        sequence: u64,
    },
    History {
        era: u64,
        sequence: u64,
    },
    Bytes(u64),
    Raw {
        table: Table,
        key: Vec<u8>,
        record: Vec<u8>,
    },
}

#[derive(Debug, Clone, Copy, Arbitrary)]
enum Table {
    Values,
    Slots,
    Recent,
    Expiring,
    Leases,
    Marks,
    State,
}

/// A key or a selector; they are few, so that records meet.
#[derive(Debug, Clone, Copy, Arbitrary)]
enum Which {
    A,
    B,
    C,
}

#[derive(Debug, Clone, Copy, Arbitrary)]
enum Time {
    Past,
    Soon,
    Later,
    Other(u64),
}

#[derive(Debug, Arbitrary)]
enum Call {
    Get,
    Read,
    Acquire,
    Fill,
    Set,
    SetLarge,
    Remove,
    Invalidate,
}

fuzz_target!(init: init(), |input: Input| {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis() as u64);
    write(&DIRECTORY, input.records.iter().flat_map(|record| record.rows(now))).expect("it can be written");
    let disk = open();
    RUNTIME.block_on(async {
        for (call, which) in input.calls.iter().take(16) {
            make(&disk, call, *which).await.expect("it is answered");
        }
        for which in [Which::A, Which::B, Which::C] {
            make(&disk, &Call::Remove, which).await.expect("it is answered");
            make(&disk, &Call::Set, which).await.expect("it is answered");
        }
        disk.stored_bytes().expect("it is answered");
    });
});

/// Makes the tables.
fn init() {
    ferrodash_fuzz::seed("records", ferrodash_fuzz::noise());
    drop(open());
}

fn open() -> Disk {
    let config = DiskConfig {
        max_bytes: BUDGET,
        deadline: DEADLINE,
        ..DiskConfig::new(&*DIRECTORY)
    };
    Disk::open(config, Sealer::default()).expect("it opens")
}

/// Replaces all that the tables hold.
#[expect(unsafe_code, reason = "LMDB maps a file into memory; see the comment")]
fn write(directory: &Path, rows: impl Iterator<Item = Row>) -> heed::Result<()> {
    if let Some(closing) = heed::env_closing_event(directory) {
        closing.wait();
    }
    let mut options = EnvOpenOptions::new().read_txn_without_tls();
    options.map_size(1 << 30).max_dbs(7);
    // SAFETY: only this program uses the directory, and it is not a disk that must outlive a loss
    // of power.
    let env = unsafe { options.flags(heed::EnvFlags::NO_SYNC).open(directory)? };
    let tables = [
        Table::Values,
        Table::Slots,
        Table::Recent,
        Table::Expiring,
        Table::Leases,
        Table::Marks,
        Table::State,
    ];
    let opened = env.create_databases_and_commit(env.write_txn()?, |opener, txn| {
        let [a, b, c, d, e, f, g] =
            tables.map(|table| opener.create_database::<Bytes, Bytes>(txn, Some(table.name())));
        heed::Result::Ok(heed::CommitOrAbort::<_, ()>::Commit([
            a?, b?, c?, d?, e?, f?, g?,
        ]))
    })?;
    let heed::CommitOrAbort::Commit(opened) = opened else {
        unreachable!("it is never given up")
    };
    let mut txn = env.write_txn()?;
    opened.iter().try_for_each(|table| table.clear(&mut txn))?;
    for (table, key, record) in rows.filter(|(_, key, _)| (1..=511).contains(&key.len())) {
        opened[table as usize].put(&mut txn, &key, &record)?;
    }
    txn.commit()?;
    env.prepare_for_closing().wait();
    Ok(())
}

/// Makes a call, and looks whether what it says is so.
async fn make(disk: &Disk, call: &Call, which: Which) -> Result<(), String> {
    let (key, selectors) = (
        Key::from_bytes(which.bytes()),
        [Selector::ALL, Selector::from_bytes(which.bytes())],
    );
    match call {
        Call::Get => drop(disk.get(&key).await?),
        Call::Read => drop(disk.read(&key, &selectors).await?),
        Call::Acquire | Call::Fill => {
            let marks = disk.marks(&selectors).await?;
            let request = LeaseRequest {
                token: 1,
                observed: None,
                lease: MINUTE,
                born: marks.now,
                newest: marks.newest,
            };
            disk.acquire(&key, &request).await?;
            if matches!(call, Call::Fill) {
                disk.renew(&key, request.token, MINUTE).await?;
                disk.fill(&key, request.token, &entry(100)).await?;
                disk.release(&key, request.token).await?;
            }
        }
        Call::Set | Call::SetLarge => {
            let entry = entry(if matches!(call, Call::Set) {
                1000
            } else {
                70_000
            });
            assert!(disk.set(&key, &entry).await?, "it is taken");
            let found = disk.get(&key).await?;
            assert_eq!(
                found.map(|found| found.id()),
                Some(entry.id()),
                "it is there"
            );
        }
        Call::Remove => {
            disk.remove(&key).await?;
            assert!(disk.get(&key).await?.is_none(), "it is gone");
        }
        Call::Invalidate => {
            let stamp: Stamp = disk.invalidate(&selectors).await?;
            let marks = disk.marks(&selectors).await?;
            assert_eq!(
                (marks.now, marks.newest),
                (stamp, stamp.sequence),
                "it is marked"
            );
        }
    }
    Ok(())
}

fn entry(length: usize) -> Entry {
    // A compressed one would not need a file.
    Entry::new(Parts {
        compressed: true,
        ..Parts::new(vec![7; length].into(), MINUTE)
    })
}

/// A row of a table: its key and its record.
type Row = (Table, Vec<u8>, Vec<u8>);

impl Record {
    /// The rows of the tables that this is.
    fn rows(&self, now: u64) -> Vec<Row> {
        // Not signed, so it opens under each key.
        let sealed = Sealer::default().seal(&Key::from_bytes([0; 32]), &entry(100));
        let Self::Entry {
            key,
            used,
            expiry,
            cost,
        } = *self
        else {
            return vec![self.row(now, &sealed)];
        };
        let [used_at, expires_at] = [used.millis(now), expiry.millis(now)];
        let value = [&numbers(&[expires_at, 1])[..], &[0], &sealed].concat();
        let slot = [numbers(&[used_at, expires_at, cost, 0]), vec![0]].concat();
        vec![
            (Table::Values, key.key(), value),
            (Table::Slots, key.key(), slot),
            (Table::Recent, timed(used_at, key), Vec::new()),
            (Table::Expiring, timed(expires_at, key), Vec::new()),
        ]
    }

    /// The row of a record that has one.
    fn row(&self, now: u64, sealed: &[u8]) -> Row {
        match *self {
            Self::Entry { .. } => unreachable!("it has several rows"),
            Self::Value {
                key,
                expiry,
                id,
                in_file,
                ref body,
            } => {
                let header = numbers(&[expiry.millis(now), id]);
                let body = body.as_deref().unwrap_or(sealed);
                let value = [&header[..], &[in_file.into()], body].concat();
                (Table::Values, key.key(), value)
            }
            Self::Slot {
                key,
                used,
                expiry,
                cost,
                file,
                in_file,
            } => {
                let header = numbers(&[used.millis(now), expiry.millis(now), cost, file]);
                (Table::Slots, key.key(), [header, vec![in_file]].concat())
            }
            Self::Recent { used, key } => (Table::Recent, timed(used.millis(now), key), Vec::new()),
            Self::Expiring { expiry, key } => {
                (Table::Expiring, timed(expiry.millis(now), key), Vec::new())
            }
            Self::Lease {
                key,
                token,
                process: (id, started),
                deadline,
                era,
                sequence,
            } => {
                let rest = numbers(&[started, deadline.millis(now), era, sequence]);
                let lease = [numbers(&[token]), id.to_be_bytes().to_vec(), rest].concat();
                (Table::Leases, key.key(), lease)
            }
            Self::Mark { selector, sequence } => {
                let selector = selector.bytes::<16>().to_vec();
                (Table::Marks, selector, numbers(&[sequence]))
            }
            Self::History { era, sequence } => {
                (Table::State, b"history".to_vec(), numbers(&[era, sequence]))
            }
            Self::Bytes(bytes) => (Table::State, b"bytes".to_vec(), numbers(&[bytes])),
            Self::Raw {
                table,
                ref key,
                ref record,
            } => (table, key.clone(), record.clone()),
        }
    }
}

fn numbers(numbers: &[u64]) -> Vec<u8> {
    numbers
        .iter()
        .flat_map(|number| number.to_be_bytes())
        .collect()
}

/// A time and a key, which sort by time.
fn timed(time: u64, which: Which) -> Vec<u8> {
    [&time.to_be_bytes()[..], &which.bytes::<32>()].concat()
}

impl Table {
    fn name(self) -> &'static str {
        match self {
            Self::Values => "values",
            Self::Slots => "slots",
            Self::Recent => "recent",
            Self::Expiring => "expiring",
            Self::Leases => "leases",
            Self::Marks => "marks",
            Self::State => "state",
        }
    }
}

impl Which {
    fn key(self) -> Vec<u8> {
        self.bytes::<32>().to_vec()
    }

    fn bytes<const N: usize>(self) -> [u8; N] {
        [self as u8 + 1; N]
    }
}

impl Time {
    fn millis(self, now: u64) -> u64 {
        match self {
            Self::Past => now - 1000,
            Self::Soon => now + 1,
            Self::Later => now + 60_000,
            Self::Other(millis) => millis,
        }
    }
}
