//! An LMDB file in a directory, shared by the processes of one host.

use std::convert::Infallible;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt, ready};
use heed::types::Bytes as Raw;
use heed::{CommitOrAbort, Database, Env, EnvFlags, EnvOpenOptions, MdbError, WithoutTls};

use crate::error::Error;
use crate::{Entry, Key, Tier, TierResult, entry};

/// The size of the file at most. All processes must agree, so it is not an option.
const MAP_SIZE: usize = 1 << 30;

/// Slots for readers; killed processes leak theirs until [`Env::clear_stale_readers`].
const READERS: u32 = 1024;

/// Before the stored form stands the time of expiry, in milliseconds since 1970: it must outlive the process, and only
/// processes of this host compare it.
const EXPIRY: usize = size_of::<u64>();

#[derive(Clone)]
pub(crate) struct Disk {
    env: Env<WithoutTls>,
    entries: Database<'static, Raw, Raw>,
}

impl Disk {
    pub(crate) fn open(directory: &str) -> Result<Self, Error> {
        let unusable =
            |reason: String| Error::Directory { path: directory.to_owned(), reason: format!("{reason}; name another") };
        if directory.is_empty() {
            return Err(Error::Address { url: "disk:".into(), reason: "it names no directory".into() });
        }
        std::fs::create_dir_all(directory).map_err(|error| unusable(error.to_string()))?;
        let env = open_env(Path::new(directory)).map_err(|error| unusable(error.to_string()))?;
        env.clear_stale_readers().map_err(|error| unusable(error.to_string()))?;
        let entries = open_entries(&env).map_err(|error| unusable(error.to_string()))?;
        Ok(Self { env, entries })
    }

    fn read(&self, key: &Key) -> Result<Option<Entry>, heed::Error> {
        let txn = self.env.read_txn()?;
        let Some(stored) = self.entries.get(&txn, key.as_bytes())? else { return Ok(None) };
        let Some((expiry, sealed)) = stored.split_first_chunk::<EXPIRY>() else { return Ok(None) };
        let left = u64::from_be_bytes(*expiry).saturating_sub(unix_millis());
        if left == 0 {
            return Ok(None);
        }
        // Copied out, as a long read transaction keeps the file from reusing pages.
        let body = entry::open(&Bytes::copy_from_slice(sealed));
        Ok(body.map(|body| Entry::new(body, Duration::from_millis(left))))
    }

    fn write(&self, key: &Key, bytes: &Bytes, timeout: Duration) -> Result<(), heed::Error> {
        let expiry = unix_millis().saturating_add(u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX));
        let mut stored = expiry.to_be_bytes().to_vec();
        stored.extend_from_slice(&entry::seal(bytes));
        match self.put(key, &stored) {
            Err(heed::Error::Mdb(MdbError::MapFull)) => {
                self.make_room()?;
                self.put(key, &stored)
            }
            other => other,
        }
    }

    fn put(&self, key: &Key, stored: &[u8]) -> Result<(), heed::Error> {
        let mut txn = self.env.write_txn()?;
        self.entries.put(&mut txn, key.as_bytes(), stored)?;
        txn.commit()
    }

    /// A full file is emptied: everything in it can be computed again.
    fn make_room(&self) -> Result<(), heed::Error> {
        tracing::info!("the disk cache is full and is emptied");
        let mut txn = self.env.write_txn()?;
        self.entries.clear(&mut txn)?;
        txn.commit()
    }

    fn delete(&self, key: &Key) -> Result<(), heed::Error> {
        let mut txn = self.env.write_txn()?;
        self.entries.delete(&mut txn, key.as_bytes())?;
        txn.commit()
    }

    /// Runs a write off the async threads: it waits for the writers of other processes.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, heed::Error> + Send + 'static,
    ) -> TierResult<T> {
        let disk = self.clone();
        match tokio::task::spawn_blocking(move || work(&disk)).await {
            Ok(result) => result.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        }
    }
}

fn open_entries(env: &Env<WithoutTls>) -> Result<Database<'static, Raw, Raw>, heed::Error> {
    let opened = env.create_databases_and_commit(env.write_txn()?, |opener, txn| {
        opener.create_database::<Raw, Raw>(txn, None).map(CommitOrAbort::<_, Infallible>::Commit)
    })?;
    match opened {
        CommitOrAbort::Commit(entries) => Ok(entries),
        CommitOrAbort::Abort(never) => match never {},
    }
}

#[expect(unsafe_code, reason = "LMDB maps a file into memory; see the comment")]
fn open_env(directory: &Path) -> Result<Env<WithoutTls>, heed::Error> {
    let mut options = EnvOpenOptions::new().read_txn_without_tls();
    options.map_size(MAP_SIZE).max_readers(READERS);
    // SAFETY: the file is only changed through LMDB, whose locks order all processes. Without NO_SYNC each commit waits
    // for the disk; with it a loss of power can damage the file, and the checksum of each entry finds that out.
    unsafe {
        options.flags(EnvFlags::NO_SYNC);
        options.open(directory)
    }
}

impl Tier for Disk {
    fn name(&self) -> &'static str {
        "disk"
    }

    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, TierResult<Option<Entry>>> {
        ready(self.read(key).map_err(|error| error.to_string())).boxed()
    }

    fn set<'a>(&'a self, key: &'a Key, bytes: &'a Bytes, timeout: Duration) -> BoxFuture<'a, TierResult<bool>> {
        let (key, bytes) = (*key, bytes.clone());
        async move { self.blocking(move |disk| disk.write(&key, &bytes, timeout)).await.map(|()| true) }.boxed()
    }

    fn remove<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, TierResult<()>> {
        let key = *key;
        async move { self.blocking(move |disk| disk.delete(&key)).await }.boxed()
    }
}

fn unix_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
