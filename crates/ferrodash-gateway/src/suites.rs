//! The bundles of components that are kept in memory.
//!
//! A bundle has an address and a text. Many addresses can have one text, which is kept and
//! compressed once: Dash serves a file with any fingerprint.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use axum::http::HeaderValue;
use bytes::Bytes;
use ferrodash_serve::sync::{lock, read, write};
use ferrodash_wire::Body;
use tokio::sync::{OnceCell, Semaphore};
use tokio::time::Instant;

/// The bytes of texts that are kept. Those of an app have a few megabytes.
const MOST_BYTES: usize = 64 << 20;

/// The addresses that are remembered.
const MOST: usize = 2000;

/// How long a bundle without a fingerprint is not asked for again.
const CHECKED: Duration = Duration::from_secs(60);

/// The size up to which a bundle is compressed as far as it goes. Beyond it that takes too long, and
/// too much memory.
const SMALLEST_UP_TO: usize = 512 << 10;

/// One bundle at a time is compressed in the background.
static TURN: Semaphore = Semaphore::const_new(1);

/// The bundles of the apps.
#[derive(Default)]
pub(crate) struct Suites {
    places: RwLock<HashMap<String, Arc<Place>>>,
    texts: Mutex<HashMap<blake3::Hash, Arc<Text>>>,
    /// The version of Dash that a page has named.
    version: RwLock<Option<String>>,
}

/// The place of a bundle: empty until the app was asked, and nothing if it is not one that is kept.
pub(crate) type Place = OnceCell<Option<Bundle>>;

/// A bundle at an address.
pub(crate) struct Bundle {
    pub(crate) content_type: HeaderValue,
    /// Whether the address has a fingerprint, so that it never has another text.
    pub(crate) is_immutable: bool,
    asked: Instant,
    text: Arc<Text>,
}

/// A text with its compressed forms.
struct Text {
    /// Its forms are made quickly for the first visitors. Smaller ones take their place.
    body: RwLock<Body>,
}

impl Text {
    fn body(&self) -> Body {
        read(&self.body).clone()
    }
}

impl Bundle {
    pub(crate) fn body(&self) -> Body {
        self.text.body()
    }

    /// Returns whether the app has to be asked again.
    pub(crate) fn is_old(&self) -> bool {
        !self.is_immutable && self.asked.elapsed() >= CHECKED
    }
}

impl Suites {
    /// Returns the version of Dash that a page has named.
    pub(crate) fn version(&self) -> Option<String> {
        read(&self.version).clone()
    }

    pub(crate) fn set_version(&self, version: Option<&str>) {
        if version.is_some() {
            *write(&self.version) = version.map(ToOwned::to_owned);
        }
    }

    /// Returns the place of a bundle, by its address.
    pub(crate) fn place(&self, address: &str) -> Arc<Place> {
        let is_old = |place: &Arc<Place>| {
            let bundle = place.get().and_then(Option::as_ref);
            bundle.is_some_and(Bundle::is_old)
        };
        if let Some(place) = read(&self.places).get(address)
            && !is_old(place)
        {
            return place.clone();
        }
        let mut places = write(&self.places);
        if places.get(address).is_some_and(is_old) {
            places.remove(address);
        }
        if places.len() >= MOST {
            // Texts stay, so that nothing is compressed again.
            places.clear();
        }
        places.entry(address.to_owned()).or_default().clone()
    }

    /// Forgets a place: the app did not answer.
    pub(crate) fn forget(&self, address: &str) {
        write(&self.places).remove(address);
    }

    /// Makes a bundle that can be sent at once, and has its text compressed further in the
    /// background if it is not too long for that. `None` if too many texts are kept.
    pub(crate) async fn bundle(
        &self,
        text: Bytes,
        content_type: HeaderValue,
        is_immutable: bool,
    ) -> Option<Bundle> {
        let digest = blake3::hash(&text);
        let known = lock(&self.texts).get(&digest).cloned();
        let text = match known {
            Some(text) => text,
            None => {
                let encode = tokio::task::spawn_blocking(move || Body::encode_now(text));
                self.add(digest, encode.await.ok()?)?
            }
        };
        Some(Bundle {
            content_type,
            is_immutable,
            asked: Instant::now(),
            text,
        })
    }

    fn add(&self, digest: blake3::Hash, first: Body) -> Option<Arc<Text>> {
        let mut texts = lock(&self.texts);
        if let Some(text) = texts.get(&digest) {
            return Some(text.clone());
        }
        let lengths = texts.values().map(|text| text.body().identity().len());
        let bytes: usize = lengths.sum();
        if bytes + first.identity().len() > MOST_BYTES {
            return None;
        }
        let is_long = first.identity().len() > SMALLEST_UP_TO;
        let body = RwLock::new(first);
        let text = Arc::new(Text { body });
        texts.insert(digest, text.clone());
        if !is_long {
            tokio::spawn(compress(text.clone()));
        }
        Some(text)
    }
}

/// Makes the smaller forms of a text, when it is its turn.
async fn compress(text: Arc<Text>) {
    // Nobody closes it.
    let _turn = TURN.acquire().await;
    let compress = move || {
        let small = Body::encode_small(text.body().identity().clone());
        *write(&text.body) = small;
    };
    // It fails if the runtime ends.
    let _ = tokio::task::spawn_blocking(compress).await;
}
