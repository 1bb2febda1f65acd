//! Values that stay on the server between callbacks; the browser holds a short handle.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use ferrodash_cache::{Cache, Entry, Key, Unreached};
use ferrodash_components::{IntoProp, Prop};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::debug_as_display;

/// How long a value is kept after it was put there.
const KEPT: Duration = Duration::from_secs(3600);

/// Bytes of a handle's signature.
const SIGNATURE: usize = 16;

/// A value that is kept in the app's cache while the browser holds a handle of it, under 200 bytes:
/// as the data of a `dcc::Store`, say, which the next callback takes as an input.
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
/// A value is kept for an hour, and until the same page puts another one under its name: that frees
/// it. The handle is signed; who has it can read the value through the app's callbacks, so it is as
/// private as the page.
pub struct Stored<T> {
    handle: String,
    value: PhantomData<fn() -> T>,
}

/// Why a stored value cannot be had.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoredError {
    /// Its time is over, it was replaced, or the store lost it. Compute it again.
    #[error("the stored value is gone; compute it again")]
    Gone,
    /// The handle was not made by this app, or was changed.
    #[error("the handle of the stored value is not one of this app's")]
    Forged,
    /// No tier of the cache took the value.
    #[error(
        "the value cannot be stored: no tier of the cache took it; it may be too large, or the store is down"
    )]
    Refused,
    /// The value cannot be written.
    #[error("the value cannot be stored: {0}")]
    Serialize(String),
    /// The caller is not inside a callback of an app.
    #[error("values are stored inside callbacks that are not cached, on their own task")]
    Outside,
}

debug_as_display!(StoredError);

/// Makes and checks handles.
pub(crate) struct Vault {
    secret: [u8; blake3::KEY_LEN],
}

/// What a callback that runs needs for stored values.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) vault: Arc<Vault>,
    /// The page that made the call.
    pub(crate) page: Option<String>,
    /// Whether values can be put.
    pub(crate) takes: bool,
}

tokio::task_local! {
    static DESK: Desk;
}

impl Desk {
    pub(crate) fn scope<F: Future>(self, future: F) -> impl Future<Output = F::Output> + use<F> {
        DESK.scope(self, future)
    }
}

impl Vault {
    pub(crate) fn new(secret: Option<&str>) -> Self {
        let secret = match secret {
            Some(secret) => blake3::derive_key("ferrodash stored values 1", secret.as_bytes()),
            None => random(),
        };
        Self { secret }
    }

    /// A slot and the version in it, signed.
    fn handle(&self, slot: &[u8; 32], version: u64) -> String {
        let text = format!("{}{version:016x}", blake3::Hash::from_bytes(*slot).to_hex());
        let signature = self.sign(&text);
        text + &signature
    }

    /// The slot and the version of a handle that this app made.
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

    fn sign(&self, text: &str) -> String {
        blake3::keyed_hash(&self.secret, text.as_bytes()).to_hex()[..2 * SIGNATURE].to_owned()
    }
}

impl<T> Stored<T> {
    /// Keeps a value in the app's cache, in the place of what the same page has kept under this
    /// name.
    ///
    /// # Errors
    /// When no tier took it, when it cannot be written, or outside a callback.
    pub async fn put(name: &str, value: &T) -> Result<Self, StoredError>
    where
        T: Serialize,
    {
        let desk = DESK
            .try_with(Clone::clone)
            .map_err(|_| StoredError::Outside)?;
        if !desk.takes {
            return Err(StoredError::Outside);
        }
        let version = u64::from_le_bytes(*random().first_chunk().expect("32 bytes"));
        // A page without a number, such as one of another client, has a place of its own for each
        // value.
        let page = desk
            .page
            .unwrap_or_else(|| blake3::Hash::from_bytes(random()).to_hex().to_string());
        let slot = Key::of("ferrodash stored value", &(page, name));
        let bytes = rmp_serde::to_vec_named(&(version, value))
            .map_err(|error| StoredError::Serialize(error.to_string()))?;
        if !Cache::current().set(&slot, bytes.into(), KEPT).await {
            return Err(StoredError::Refused);
        }
        Ok(Self {
            handle: desk.vault.handle(slot.as_bytes(), version),
            value: PhantomData,
        })
    }

    /// The value.
    ///
    /// # Errors
    /// [`StoredError::Gone`] when it is no longer there, [`StoredError::Forged`] when the handle is
    /// not one of this app's.
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

    /// Frees the value before its time.
    ///
    /// # Errors
    /// When a tier could not be reached and may still have it.
    pub async fn free(self) -> Result<(), Unreached> {
        match self.slot() {
            Ok((slot, _)) => Cache::current().remove(&slot).await,
            Err(_) => Ok(()),
        }
    }

    fn slot(&self) -> Result<(Key, u64), StoredError> {
        let desk = DESK
            .try_with(Clone::clone)
            .map_err(|_| StoredError::Outside)?;
        desk.vault.open(&self.handle).ok_or(StoredError::Forged)
    }
}

/// The form in which the browser holds it.
#[derive(Serialize, Deserialize)]
struct Wire<'a> {
    #[serde(rename = "_ferrodash_stored", borrow)]
    handle: std::borrow::Cow<'a, str>,
}

impl<T> Serialize for Stored<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Wire {
            handle: self.handle.as_str().into(),
        }
        .serialize(serializer)
    }
}

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

impl<T> IntoProp for Stored<T> {
    fn into_prop(self) -> Prop {
        ferrodash_components::Json(self).into_prop()
    }
}

impl<T> std::fmt::Debug for Stored<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stored").finish_non_exhaustive()
    }
}

/// Random bytes that cannot be guessed.
pub(crate) fn random() -> [u8; 32] {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).expect("the system gives random bytes");
    bytes
}
