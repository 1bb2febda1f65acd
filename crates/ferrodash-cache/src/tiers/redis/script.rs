//! The scripts: what must happen at once in the server.
//!
//! The keys of each are the value and the lease of one key, or the hash of marks. A script that writes a name reads it
//! at its end, as otherwise the connection would not be told of the next change: its own write ended the tracking.

use std::sync::LazyLock;

use redis::aio::ConnectionLike;
use redis::{Cmd, ErrorKind, FromRedisValue, RedisResult, ServerErrorKind};

use crate::entry::ID_OFFSET;

/// Arguments: token, length of the lease, era, sequence, newest mark, id of the entry that was seen or nothing. Gives
/// what is left of another's lease, or what is left of another entry and that entry, or nothing when the lease is won.
pub(super) static ACQUIRE: LazyLock<Script> = LazyLock::new(|| {
    let (first, last) = (ID_OFFSET, ID_OFFSET + size_of::<u64>() - 1);
    Script::new(format!(
        "local id = redis.call('GETRANGE', KEYS[1], {first}, {last})
         if #id > 0 and id ~= ARGV[6] then
           return {{redis.call('PTTL', KEYS[1]), redis.call('GET', KEYS[1])}}
         end
         local lease = redis.call('GET', KEYS[2])
         if lease then
           local era, sequence = string.match(lease, '^%d+:(%d+):(%d+)$')
           local left = redis.call('PTTL', KEYS[2])
           if left > 0 and era == ARGV[3] and tonumber(sequence) >= tonumber(ARGV[5]) then return left end
         end
         redis.call('SET', KEYS[2], ARGV[1] .. ':' .. ARGV[3] .. ':' .. ARGV[4], 'PX', ARGV[2])
         return false"
    ))
});

/// Arguments: token, stored form, what is left of its lifetime. Gives whether the token held the lease.
pub(super) static FILL: LazyLock<Script> = LazyLock::new(|| {
    Script::new(format!(
        "{HELD}
         redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
         redis.call('DEL', KEYS[2])
         redis.call('PTTL', KEYS[1])
         return 1"
    ))
});

/// Arguments: token, length of the lease. Gives whether the token held the lease.
pub(super) static RENEW: LazyLock<Script> =
    LazyLock::new(|| Script::new(format!("{HELD} return redis.call('PEXPIRE', KEYS[2], ARGV[2])")));

/// Argument: token. Gives whether the token held the lease.
pub(super) static RELEASE: LazyLock<Script> =
    LazyLock::new(|| Script::new(format!("{HELD} return redis.call('DEL', KEYS[2])")));

/// Arguments: stored form, what is left of its lifetime.
pub(super) static SET: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
         redis.call('DEL', KEYS[2])
         redis.call('PTTL', KEYS[1])
         return 1"
            .to_owned(),
    )
});

/// Arguments: an era in case that one begins, the scopes. Gives era and sequence. Scopes are never removed one by one,
/// so when there are too many of them, a new era begins.
pub(super) static INVALIDATE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(format!(
        "if redis.call('HLEN', KEYS[1]) > {MOST_FIELDS} then redis.call('DEL', KEYS[1]) end
         redis.call('HSETNX', KEYS[1], 'era', ARGV[1])
         local sequence = redis.call('HINCRBY', KEYS[1], 'seq', 1)
         for scope = 2, #ARGV do redis.call('HSET', KEYS[1], ARGV[scope], sequence) end
         return redis.call('HMGET', KEYS[1], 'era', 'seq')"
    ))
});

/// Goes on only if the token holds the lease.
const HELD: &str = "local lease = redis.call('GET', KEYS[2])
    if not lease or lease:sub(1, #ARGV[1] + 1) ~= ARGV[1] .. ':' then return 0 end";

/// So many fields the hash of marks may have.
const MOST_FIELDS: usize = 100_000;

/// A script and the hash by which the server knows it.
pub(super) struct Script {
    code: String,
    hash: String,
}

impl Script {
    fn new(code: String) -> Self {
        let hash = redis::Script::new(&code).get_hash().to_owned();
        Self { code, hash }
    }

    /// Runs the script; only a server that does not know it yet is sent its text.
    pub(super) async fn run<T: FromRedisValue>(
        &self,
        connection: &mut impl ConnectionLike,
        keys: &[&str],
        arguments: &[&[u8]],
    ) -> RedisResult<T> {
        let command = |name: &str, script: &str| {
            let size = script.len() + arguments.iter().map(|argument| argument.len()).sum::<usize>();
            let mut command = Cmd::with_capacity(3 + keys.len() + arguments.len(), size + 256);
            command.arg(name).arg(script).arg(keys.len()).arg(keys).arg(arguments);
            command
        };
        match command("EVALSHA", &self.hash).query_async(connection).await {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                command("EVAL", &self.code).query_async(connection).await
            }
            result => result,
        }
    }
}
