//! What the fuzzers share: seeds, and values that can be arguments.

mod value;

use std::fs;
use std::path::Path;

pub use value::{Meaning, Value};

/// Writes the inputs with which a target begins into its corpus.
///
/// # Panics
/// When they cannot be written.
pub fn seed<T: AsRef<[u8]>>(target: &str, seeds: impl IntoIterator<Item = T>) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target);
    fs::create_dir_all(&corpus).expect("the corpus can be made");
    for (number, seed) in seeds.into_iter().enumerate() {
        fs::write(corpus.join(format!("seed-{number}")), seed).expect("the corpus can be written");
    }
}

/// Seeds for targets that make structured values of bytes: as good as random, and the same each
/// time.
pub fn noise() -> impl Iterator<Item = Vec<u8>> {
    let mut state = 1_u64;
    let mut byte = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    (4..=10).map(move |power| (0..1 << power).map(|_| byte()).collect())
}
