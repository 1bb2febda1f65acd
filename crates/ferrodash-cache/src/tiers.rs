//! The stores of entries, one file or folder each. A [`CacheBuilder`](crate::CacheBuilder) makes
//! them from addresses.
//!
//! Each store implements [`Tier`](crate::Tier), and those that several processes can use implement
//! [`Shared`](crate::Shared). They know nothing of each other, and nothing of policies and calls.

#[cfg(feature = "disk")]
mod disk;
#[cfg(feature = "memcached")]
mod memcached;
mod memory;
#[cfg(feature = "redis")]
mod redis;

#[cfg(feature = "disk")]
pub use disk::{Disk, DiskConfig};
#[cfg(feature = "memcached")]
pub use memcached::{Memcached, MemcachedConfig};
pub(crate) use memory::MEMORY;
pub use memory::Memory;
#[cfg(feature = "redis")]
pub use redis::{Redis, RedisConfig};

/// Decodes arbitrary bytes as each record that a store contains beside entries. Nothing may panic,
/// and a record that a decoder accepts must be encoded to the same bytes again.
#[cfg(fuzzing)]
pub fn fuzz_replies(stored: &[u8]) {
    fuzz_memcached(stored);
    fuzz_redis(stored);
    fuzz_disk(stored);
}

#[cfg(fuzzing)]
fn fuzz_memcached(stored: &[u8]) {
    use memcached::{lease::Lease, pieces::Manifest, reply::Reply};
    let reply = |value| Reply {
        applied: true,
        value: Some(value),
        cas: None,
        left: std::time::Duration::ZERO,
    };
    let value = bytes::Bytes::copy_from_slice(stored);
    if let Some(manifest) = Manifest::parse(&value) {
        assert_eq!(manifest.to_bytes(), value);
    }
    let reply_with_it = reply(value);
    let _ = reply_with_it.number();
    if let Some(lease) = Lease::parse(&reply_with_it) {
        // Numbers may have zeros or a plus before them.
        let again = Lease::parse(&reply(lease.to_string().into())).expect("it is a lease");
        assert_eq!(again.to_string(), lease.to_string());
    }
}

#[cfg(fuzzing)]
fn fuzz_redis(stored: &[u8]) {
    use ::redis::Value;
    use redis::names::{Named, Names};
    use redis::push::Pushes;
    let names = Names::new("ns", 1).expect("it has no braces");
    let written = names.parse(stored).map(|named| match named {
        Named::Value(key) => names.value(&key),
        Named::Lease(key) => names.lease(&key),
        Named::Marks(history) => names.marks[history].clone(),
    });
    assert!(written.is_none_or(|name| name.as_bytes().eq_ignore_ascii_case(stored)));
    let told = stored
        .split(|byte| *byte == b'\n')
        .map(|name| Value::BulkString(name.to_vec()));
    Pushes::new(names.into()).invalidated(&[Value::Array(told.collect()), Value::Nil]);
}

#[cfg(fuzzing)]
fn fuzz_disk(stored: &[u8]) {
    use disk::{files, lease::Lease, record::Slot};
    if let Some(lease) = Lease::decode(stored) {
        assert_eq!(lease.encode(), stored);
    }
    if let Some(slot) = Slot::decode(stored) {
        assert_eq!(Slot::decode(&slot.encode()), Some(slot));
    }
    let _ = std::str::from_utf8(stored).ok().and_then(files::parse);
}
