//! The directories that this process has open. Several tiers with one directory share its store.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::file_system::network_kind;
use super::home::Home;
use super::open::{PATIENCE, create_directory};

/// The open directories. LMDB must not open one twice in a process.
static OPEN: Mutex<BTreeMap<PathBuf, Weak<Home>>> = Mutex::new(BTreeMap::new());

/// Opens a directory for a budget, or returns the one that is open already. The error is the reason
/// in words.
pub(super) fn open(directory: &Path, budget: u64) -> Result<Arc<Home>, String> {
    create_directory(directory)?;
    let directory = directory
        .canonicalize()
        .map_err(|error| error.to_string())?;
    if let Some(kind) = network_kind(&directory) {
        return Err(format!(
            "it is on a network file system ({kind}), where processes cannot share memory"
        ));
    }
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(home) = open.get(&directory).and_then(Weak::upgrade) {
        return Ok(home);
    }
    // The last user may be closing it at this moment.
    if let Some(closing) = heed::env_closing_event(&directory) {
        closing.wait_timeout(PATIENCE);
    }
    let home = Arc::new(Home::open(&directory, budget)?);
    open.retain(|_, home| home.strong_count() > 0);
    open.insert(directory, Arc::downgrade(&home));
    Ok(home)
}
