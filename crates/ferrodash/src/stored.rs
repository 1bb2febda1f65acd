//! Values that stay on the server between callbacks; the browser holds a short handle.
//!
//! A value is in the app's cache under a slot, which follows from the page and the name, together
//! with a random version. A handle is the slot and the version, signed. So a page that puts a new
//! value frees the old one, and an old handle finds nothing.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use ferrodash_cache::{Cache, Entry, Key, Unreached};
use ferrodash_components::{IntoProp, Prop};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::debug_as_display;

/// The time for which a value is kept after it was put there.
const KEPT: Duration = Duration::from_secs(3600);

/// The length of a handle's signature, in bytes.
const SIGNATURE: usize = 16;

/// A value that is kept in the app's cache while the browser holds a handle of it, of less than 200
/// bytes: for example as the data of a `dcc::Store`, which the next callback takes as an input.
///
/// ```
/// use ferrodash::prelude::*;
///
/// #[callback(output("rows", "data"), input("load", "n_clicks"), prevent_initial_call)]
/// async fn load(_clicks: Option<u32>) -> Result<Stored<Vec<u64>>, CallbackError> {
///     Ok(Stored::put("rows", &(0..1_000_000).collect()).await?)
/// }
///
/// #[callback(output("sum", "children"), input("rows", "data"), prevent_initial_call)]
/// async fn sum(rows: Option<Stored<Vec<u64>>>) -> Result<String, CallbackError> {
///     let rows = rows.ok_or(PreventUpdate)?.load().await?;
///     Ok(rows.iter().sum::<u64>().to_string())
/// }
/// ```
///
/// A value is kept for an hour, or until the same page puts another one under its name, which frees
/// it. The memory tier may discard it earlier for lack of room, so an app must be able to compute
/// it again ([`StoredError::Gone`]). Several processes need a cache that they share, and one
/// [`App::secret`](crate::App::secret).
///
/// The handle is signed. Anyone who has it can read the value through the app's callbacks, so it is
/// as private as the page.
pub struct Stored<T> {
    /// The slot and the version in hex, then the signature.
    handle: String,
    value: PhantomData<fn() -> T>,
}

/// The reason why a value cannot be stored or loaded.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoredError {
    /// Its time is over, it was replaced, or the store lost it. Compute it again. A call that fails
    /// with it is answered with 410.
    #[error("the stored value is gone; compute it again")]
    Gone,
    /// The handle was not made by this app, or was changed. A call that fails with it is answered
    /// with 422.
    #[error("the handle of the stored value is not one of this app's")]
    Forged,
    /// No tier of the cache took the value.
    #[error(
        "the value cannot be stored: no tier of the cache took it; it may be too large, \
         or the store is down"
    )]
    Refused,
    /// The value cannot be written.
    #[error("the value cannot be stored: {0}")]
    Serialize(String),
    /// The caller is not inside a callback of an app, or is in a task that the callback spawned, or
    /// in a cached callback.
    #[error("values are stored inside callbacks that are not cached, on their own task")]
    Outside,
}

debug_as_display!(StoredError);

/// Signs and checks handles, with the secret of the app.
pub(crate) struct HandleSigner {
    secret: [u8; blake3::KEY_LEN],
}

/// The access of a running callback to stored values.
#[derive(Clone)]
pub(crate) struct StoredContext {
    pub(crate) signer: Arc<HandleSigner>,
    /// The page that made the call.
    pub(crate) page: Option<String>,
    /// True if values can be put: not in cached callbacks.
    pub(crate) takes: bool,
}

tokio::task_local! {
    /// The access of the function that runs on this task.
    static CONTEXT: StoredContext;
}

impl StoredContext {
    /// Runs a function's future with this access. Tasks that it spawns do not have it.
    pub(crate) fn scope<F: Future>(self, future: F) -> impl Future<Output = F::Output> + use<F> {
        CONTEXT.scope(self, future)
    }
}

impl HandleSigner {
    /// Creates a signer with the app's secret, or with a random one. The key is derived for this
    /// purpose only.
    pub(crate) fn new(secret: Option<&str>) -> Self {
        let secret = match secret {
            Some(secret) => blake3::derive_key("ferrodash stored values 1", secret.as_bytes()),
            None => random(),
        };
        Self { secret }
    }

    /// Returns the handle of a slot and the version in it: both in hex, then the signature.
    fn handle(&self, slot: &[u8; 32], version: u64) -> String {
        let text = format!("{}{version:016x}", blake3::Hash::from_bytes(*slot).to_hex());
        let signature = self.sign(&text);
        text + &signature
    }

    /// Returns the slot and the version of a handle, if this app made it.
    fn open(&self, handle: &str) -> Option<(Key, u64)> {
        let (text, signature) = handle.split_at_checked(64 + 16)?;
        // Compared in constant time: as hashes.
        let same = blake3::hash(self.sign(text).as_bytes()) == blake3::hash(signature.as_bytes());
        let (slot, version) = text.split_at_checked(64)?;
        let version = u64::from_str_radix(version, 16).ok()?;
        same.then(|| slot.parse().ok())
            .flatten()
            .map(|slot| (slot, version))
    }

    /// The signature of a text, in hex.
    fn sign(&self, text: &str) -> String {
        blake3::keyed_hash(&self.secret, text.as_bytes()).to_hex()[..2 * SIGNATURE].to_owned()
    }
}

impl<T> Stored<T> {
    /// Stores a value in the app's cache, in the place of the value that the same page has stored
    /// under this name.
    ///
    /// It waits until the cache has stored the value. For clients that are not our page, and send
    /// no number of theirs, each value gets a new place.
    ///
    /// # Errors
    /// [`StoredError::Refused`] if the cache did not store it, [`StoredError::Serialize`] if it
    /// cannot be written, [`StoredError::Outside`] outside of a callback and in a cached one.
    pub async fn put(name: &str, value: &T) -> Result<Self, StoredError>
    where
        T: Serialize,
    {
        let context = CONTEXT
            .try_with(Clone::clone)
            .map_err(|_| StoredError::Outside)?;
        if !context.takes {
            return Err(StoredError::Outside);
        }
        // A random version tells this value from the one that was in the slot before, also across
        // processes.
        let version = u64::from_le_bytes(*random().first_chunk().expect("32 bytes"));
        // A page without a number, such as one of another client, has a place of its own for each
        // value.
        let page = context
            .page
            .unwrap_or_else(|| blake3::Hash::from_bytes(random()).to_hex().to_string());
        let slot = Key::of("ferrodash stored value", &(page, name));
        let bytes = rmp_serde::to_vec_named(&(version, value))
            .map_err(|error| StoredError::Serialize(error.to_string()))?;
        if !Cache::current().set(&slot, bytes.into(), KEPT).await {
            return Err(StoredError::Refused);
        }
        Ok(Self {
            handle: context.signer.handle(slot.as_bytes(), version),
            value: PhantomData,
        })
    }

    /// Loads the value.
    ///
    /// # Errors
    /// [`StoredError::Gone`] if it is no longer there, [`StoredError::Forged`] if the handle is not
    /// one of this app's, [`StoredError::Outside`] outside of a callback.
    pub async fn load(&self) -> Result<T, StoredError>
    where
        T: DeserializeOwned,
    {
        let slot = self.slot()?;
        let cache = Cache::current();
        let read = |entry: Option<Entry>| {
            let (version, value) = rmp_serde::from_slice::<(u64, T)>(entry?.bytes()).ok()?;
            (version == slot.1).then_some(value)
        };
        // The copy in this process's memory may be of the value before, if another process has just
        // put this one.
        match read(cache.get(&slot.0).await) {
            Some(value) => Ok(value),
            None => read(cache.get_anew(&slot.0).await).ok_or(StoredError::Gone),
        }
    }

    /// Removes the value before its time. A handle that this app did not make removes nothing.
    ///
    /// # Errors
    /// [`Unreached`] if a tier could not be reached and may still have it.
    pub async fn free(self) -> Result<(), Unreached> {
        match self.slot() {
            Ok((slot, _)) => Cache::current().remove(&slot).await,
            Err(_) => Ok(()),
        }
    }

    /// Checks the handle and returns its slot and version.
    fn slot(&self) -> Result<(Key, u64), StoredError> {
        let context = CONTEXT
            .try_with(Clone::clone)
            .map_err(|_| StoredError::Outside)?;
        context.signer.open(&self.handle).ok_or(StoredError::Forged)
    }
}

/// The form in which the browser holds a handle.
#[derive(Serialize, Deserialize)]
struct Wire<'a> {
    #[serde(rename = "_ferrodash_stored", borrow)]
    handle: std::borrow::Cow<'a, str>,
}

/// Writes the handle, not the value.
impl<T> Serialize for Stored<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Wire {
            handle: self.handle.as_str().into(),
        }
        .serialize(serializer)
    }
}

/// Reads a handle. Whether it is one of this app's is checked when the value is loaded.
impl<'de, T> Deserialize<'de> for Stored<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Wire { handle } = Wire::deserialize(deserializer).map_err(|error| {
            D::Error::custom(format!("this is no handle of a stored value: {error}"))
        })?;
        Ok(Self {
            handle: handle.into_owned(),
            value: PhantomData,
        })
    }
}

/// Makes the handle the value of an output.
impl<T> IntoProp for Stored<T> {
    fn into_prop(self) -> Prop {
        ferrodash_components::Json(self).into_prop()
    }
}

/// Does not show the handle, which gives access to the value.
impl<T> std::fmt::Debug for Stored<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stored").finish_non_exhaustive()
    }
}

/// Returns random bytes that cannot be guessed.
pub(crate) fn random() -> [u8; 32] {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).expect("the system gives random bytes");
    bytes
}
