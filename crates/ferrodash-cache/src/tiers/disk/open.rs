//! Opens a directory, which other processes may be opening at the same time.
//!
//! Two locks order them. `open.lock` is held while a process opens the directory, so that one
//! process at a time checks whether the store can be used and starts an empty one if not.
//! `use.lock` is shared by all processes that have the store open. A process that can lock it
//! exclusively is alone, so that nobody is affected when it replaces files.

use std::convert::Infallible;
use std::fs::{self, File, TryLockError};
use std::path::Path;
use std::time::Duration;

use heed::types::Bytes as Raw;
use heed::{CommitOrAbort, Env, EnvFlags, EnvOpenOptions, MdbError, WithoutTls};

use super::files::Files;
use super::identity::{DATABASE, Guarded, Identity, LOCK};
use super::recent_reads::RecentReads;
use super::room::Room;
use super::store::{MAP_SIZE, Store, Tables};
use super::write::Writer;
use super::{check, processes};

/// The number of slots for readers. Killed processes leak theirs until
/// [`Env::clear_stale_readers`].
const READERS: u32 = 1024;

/// The first line of the file `origin`, with the version of the tables.
const VERSION: &str = "ferrodash-cache disk 3";

/// The file that says from which boot and which container the store is.
const ORIGIN: &str = "origin";

/// The lock of all processes that have the store open. It contains the identity of their files.
const IN_USE: &str = "use.lock";

/// The size of the file with the readers' slots, which need a little less. LMDB would allocate the
/// file on the disk only when a slot is first used, which kills the process if the disk is full.
const LOCK_BYTES: u64 = 128 << 10;

/// The time that another process may take to open the store.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// The time for which a lock may remain with a process that has just ended or closed the store. Its
/// newest child has the lock too, until it runs its own program.
const BRIEFLY: Duration = Duration::from_millis(10);

/// The interval at which locks are tried.
const POLL: Duration = Duration::from_millis(2);

/// Opens the store in a directory, which is created if it does not exist. Files with the identity
/// `damaged` are not used.
///
/// A process that is alone checks the files, and replaces them if they cannot be used. Otherwise
/// the process must agree with those that use the store: on their files, their version and their
/// numbering of processes.
pub(super) fn open_store(
    directory: &Path,
    room: &Room,
    damaged: Option<Identity>,
) -> Result<Store, String> {
    create_directory(directory)?;
    // Released when this function ends.
    let _opening = lock(directory)?;
    let mut in_use = lock_file(&directory.join(IN_USE))?;
    let mut alone = try_lock(&in_use, BRIEFLY)?;
    if !alone && !is_of_those_who_use_it(directory, &in_use, damaged.as_ref()) {
        // The processes with the old files open notice the change by themselves. They must not
        // share files with those that open the new ones.
        retire(directory)?;
        in_use = lock_file(&directory.join(IN_USE))?;
        alone = try_lock(&in_use, BRIEFLY)?;
    }
    let origin = Origin::here();
    if alone {
        prepare(directory, &origin)?;
    } else {
        origin.must_agree(&fs::read_to_string(directory.join(ORIGIN)).unwrap_or_default())?;
    }
    let sync = origin.boot.is_none();
    let (env, tables) = match open_database(directory, sync) {
        Err(error) if alone && is_damage(&error) => {
            put_aside(directory, &error.to_string())?;
            allocate_lock(directory)?;
            open_database(directory, sync)
        }
        other => other,
    }
    .map_err(words)?;
    let page: u64 = env.unnamed_database_stat().page_size.into();
    let files = Files::open(directory).map_err(words)?;
    let guarded = Guarded::open(directory, page).map_err(words)?;
    let store = Store {
        _in_use: in_use,
        env,
        tables,
        files,
        page,
        guarded,
    };
    begin(&store, room, alone).map_err(words)?;
    if alone {
        store
            .guarded
            .identity()
            .write(&store._in_use)
            .map_err(words)?;
        // No other process can take the lock in between, because `open.lock` is held.
        store._in_use.unlock().map_err(words)?;
    }
    store._in_use.lock_shared().map_err(words)?;
    Ok(store)
}

/// Returns `true` if the files in a directory are those that other processes have open, and are not
/// damaged.
fn is_of_those_who_use_it(directory: &Path, in_use: &File, damaged: Option<&Identity>) -> bool {
    let Ok(there) = Identity::at(directory) else {
        return false;
    };
    damaged != Some(&there) && there.is_in(in_use).unwrap_or(false)
}

/// Removes the files that other processes have open from the directory. Those processes continue
/// with them until they notice.
fn retire(directory: &Path) -> Result<(), String> {
    if directory.join(DATABASE).exists() {
        put_aside(directory, "it was replaced or cut off by another program")?;
    } else {
        discard(directory)?;
    }
    fs::remove_file(directory.join(IN_USE)).map_err(|error| format!("{IN_USE}: {error}"))
}

/// Creates the file with the readers' slots, all of it on the disk. Only for a process that is
/// alone.
fn allocate_lock(directory: &Path) -> Result<(), String> {
    let path = directory.join(LOCK);
    if fs::metadata(&path).is_ok_and(|file| file.len() >= LOCK_BYTES) {
        return Ok(());
    }
    fs::write(
        path,
        vec![0; usize::try_from(LOCK_BYTES).expect("it is small")],
    )
    .map_err(words)
}

/// Makes sure that the directory has a store that can be used, or none. Only for a process that is
/// alone.
fn prepare(directory: &Path, origin: &Origin) -> Result<(), String> {
    let path = directory.join(ORIGIN);
    let found = fs::read_to_string(&path).ok();
    let database = directory.join(DATABASE);
    match &found {
        Some(found) if origin.is_of_this_boot(found) => {
            if let Err(reason) = check::database(&database) {
                put_aside(directory, &reason)?;
            }
        }
        // Commits do not wait for the disk, so after a loss of power some pages are lost, and the
        // others need not fit together.
        Some(found) if found.starts_with("ferrodash-cache disk ") => {
            tracing::info!(
                directory = %directory.display(),
                "the disk cache is from another boot; starting with an empty one"
            );
            discard(directory)?;
        }
        _ if database.exists() => put_aside(directory, "it is not a cache's")?,
        _ => {}
    }
    // Written after the old store was removed, so that the old store is never taken for a new one.
    if found.as_deref() != Some(origin.to_string().as_str()) {
        fs::write(&path, origin.to_string()).map_err(words)?;
    }
    allocate_lock(directory)
}

/// The origin of a store, as its file says.
struct Origin {
    boot: Option<String>,
    /// The numbering of the processes that use the store.
    numbering: String,
}

impl Origin {
    /// Returns the origin of a store that this process creates.
    fn here() -> Self {
        Self {
            boot: processes::boot(),
            numbering: processes::numbering(),
        }
    }

    fn is_of_this_boot(&self, found: &str) -> bool {
        let mut lines = found.lines();
        lines.next() == Some(VERSION)
            && lines.next() == Some(self.boot.as_deref().unwrap_or_default())
    }

    /// Checks that this process can share the store with those that have it open.
    fn must_agree(&self, found: &str) -> Result<(), String> {
        if found == self.to_string() {
            return Ok(());
        }
        // LMDB and leases identify processes by their numbers. Two containers use the same numbers
        // for different processes.
        Err("it is in use by another version or by processes of another container".into())
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(
            f,
            "{VERSION}\n{}\n{}",
            self.boot.as_deref().unwrap_or_default(),
            self.numbering
        )
    }
}

/// Begins the history, and releases and removes what killed processes left behind.
fn begin(store: &Store, room: &Room, alone: bool) -> heed::Result<()> {
    store.env.clear_stale_readers()?;
    let writer = Writer {
        budget: u64::MAX,
        recent_reads: &RecentReads::default(),
        room,
        wanted: &|| true,
    };
    store.write(writer, |write| write.begin_history())?;
    Ok(store.remove_left_over_files(alone)?)
}

/// Opens the database and its tables. With `sync`, each commit waits for the disk.
fn open_database(directory: &Path, sync: bool) -> heed::Result<(Env<WithoutTls>, Tables)> {
    let env = open_env(directory, sync)?;
    let tables = open_tables(&env)?;
    Ok((env, tables))
}

/// Maps the database. The `SAFETY` comment says why that is sound.
#[expect(unsafe_code, reason = "LMDB maps a file into memory; see the comment")]
fn open_env(directory: &Path, sync: bool) -> heed::Result<Env<WithoutTls>> {
    let mut options = EnvOpenOptions::new().read_txn_without_tls();
    options
        .map_size(MAP_SIZE)
        .max_readers(READERS)
        .max_dbs(Tables::COUNT);
    // SAFETY: the file is only changed through LMDB, whose locks order all processes, and it was
    // checked. Without NO_SYNC each commit waits for the disk; with it a loss of power can damage
    // the file, which is therefore not used after another boot. Where boots cannot be
    // distinguished, commits wait. A forked child must not use the database; that cannot be had by
    // accident, as a runtime with threads does not survive a fork either.
    unsafe {
        if !sync {
            options.flags(EnvFlags::NO_SYNC);
        }
        options.open(directory)
    }
}

/// Opens the tables, which are created in one transaction if they do not exist.
fn open_tables(env: &Env<WithoutTls>) -> heed::Result<Tables> {
    let names = [
        "values", "slots", "recent", "expiring", "leases", "marks", "state",
    ];
    let opened = env.create_databases_and_commit(env.write_txn()?, |opener, txn| {
        let mut open = |index: usize| opener.create_database::<Raw, Raw>(txn, Some(names[index]));
        let tables = [
            open(0)?,
            open(1)?,
            open(2)?,
            open(3)?,
            open(4)?,
            open(5)?,
            open(6)?,
        ];
        heed::Result::Ok(CommitOrAbort::<_, Infallible>::Commit(tables))
    })?;
    let CommitOrAbort::Commit([values, slots, recent, expiring, leases, marks, state]) = opened;
    Ok(Tables {
        values,
        slots,
        recent,
        expiring,
        leases,
        marks,
        state,
    })
}

/// Returns `true` if an error means that the file can never be used.
pub(super) fn is_damage(error: &heed::Error) -> bool {
    use MdbError::{Corrupted, Incompatible, Invalid, PageNotFound, Panic, VersionMismatch};
    matches!(
        error,
        heed::Error::Mdb(
            Corrupted | Incompatible | Invalid | PageNotFound | Panic | VersionMismatch
        )
    )
}

/// Renames a file that cannot be used, as it may belong to another program. Only the last one is
/// kept.
fn put_aside(directory: &Path, reason: &str) -> Result<(), String> {
    tracing::warn!(
        directory = %directory.display(),
        reason,
        "the disk cache cannot be used; starting with an empty one"
    );
    fs::rename(
        directory.join(DATABASE),
        directory.join("data.mdb.unusable"),
    )
    .map_err(|error| format!("{DATABASE} cannot be used ({reason}) nor put aside ({error})"))?;
    discard(directory)
}

/// Removes the store.
fn discard(directory: &Path) -> Result<(), String> {
    for name in [DATABASE, LOCK] {
        match fs::remove_file(directory.join(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(format!("{name}: {error}"));
            }
            _ => {}
        }
    }
    Files::discard(directory).map_err(words)
}

/// Waits until no other process opens the store, and locks it. The lock is released when the file
/// is dropped.
fn lock(directory: &Path) -> Result<File, String> {
    let file = lock_file(&directory.join("open.lock"))?;
    let locked = try_lock(&file, PATIENCE)?;
    locked
        .then_some(file)
        .ok_or_else(|| "another process has been opening it for too long".into())
}

/// Locks a file. Returns `false` if another process has held the lock for as long as `patience`.
fn try_lock(file: &File, patience: Duration) -> Result<bool, String> {
    for _ in 0..patience.as_millis() / POLL.as_millis() {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) => std::thread::sleep(POLL),
            Err(TryLockError::Error(error)) => return Err(words(error)),
        }
    }
    Ok(false)
}

/// Opens a file for locking, and creates it if it does not exist. It is not locked yet.
fn lock_file(path: &Path) -> Result<File, String> {
    File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(words)
}

/// Creates a directory with its parents, which only the user of this process can read.
pub(super) fn create_directory(directory: &Path) -> Result<(), String> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    // Cached values can be confidential.
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory).map_err(words)
}

fn words(error: impl std::fmt::Display) -> String {
    error.to_string()
}
