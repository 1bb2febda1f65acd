//! What servers and the disk keep beside entries: texts and records of other processes, or of
//! anybody.

#![no_main]

use ferrodash_cache::Key;
use ferrodash_cache::tiers::fuzz_replies;
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: ferrodash_fuzz::seed("replies", seeds()), |bytes: &[u8]| fuzz_replies(bytes));

fn seeds() -> Vec<Vec<u8>> {
    let key = Key::of("rows", &2024);
    let numbers = |count| (1..=count).flat_map(u64::to_be_bytes);
    let manifest = b"FDCM"
        .iter()
        .copied()
        .chain(numbers(1))
        .chain([0, 0, 0, 2])
        .chain(numbers(1))
        .collect();
    let texts = [
        // A number, and a lease of Memcached.
        "1700000000".to_owned(),
        "17:42:3".to_owned(),
        // Names in Redis.
        "{ns}:marks".to_owned(),
        format!("{{ns:{key}}}:v"),
        format!("{{ns:{key}}}:l"),
        format!("{{ns}}:marks\n{{ns:{key}}}:v\n{{other}}:marks"),
        // A file of a disk tier.
        format!("{key}-00000000000000ff"),
    ];
    let lease = numbers(5).chain([0; 4]).collect();
    let slots = [0, 1].map(|in_file| numbers(4).chain([in_file]).collect());
    texts
        .into_iter()
        .map(String::into_bytes)
        .chain([manifest, lease])
        .chain(slots)
        .collect()
}
