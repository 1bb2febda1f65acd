//! The scripts, for operations that must be atomic in the server.
//!
//! The keys of each script are the value and the lease of one key, or the hash of marks. A script
//! that writes a name reads it at its end. Otherwise the connection would not be notified of the
//! next change, because its own write ended the tracking.

use std::sync::LazyLock;

use redis::{Cmd, ErrorKind, FromRedisValue, RedisResult, ServerErrorKind};

use super::link::Link;
use crate::envelope::ID_OFFSET;

/// Requests a lease. Arguments: token, duration of the lease, era, sequence, newest mark, and the
/// id of the entry that was seen, or nothing. Returns the time that another's lease has left, or
/// another entry with the time that it has left, or nothing if the lease is won.
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

/// Stores an entry and releases the lease. Arguments: token, stored form, rest of its lifetime.
/// Returns whether the token held the lease.
pub(super) static FILL: LazyLock<Script> = LazyLock::new(|| {
    Script::new(format!(
        "{HELD}
         redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
         redis.call('DEL', KEYS[2])
         redis.call('PTTL', KEYS[1])
         return 1"
    ))
});

/// Extends a lease. Arguments: token, duration of the lease. Returns whether the token held the
/// lease.
pub(super) static RENEW: LazyLock<Script> = LazyLock::new(|| {
    Script::new(format!(
        "{HELD} return redis.call('PEXPIRE', KEYS[2], ARGV[2])"
    ))
});

/// Releases a lease. Argument: token. Returns whether the token held the lease.
pub(super) static RELEASE: LazyLock<Script> =
    LazyLock::new(|| Script::new(format!("{HELD} return redis.call('DEL', KEYS[2])")));

/// Stores an entry and ends the lease of any holder. Arguments: stored form, rest of its lifetime.
pub(super) static SET: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
         redis.call('DEL', KEYS[2])
         redis.call('PTTL', KEYS[1])
         return 1"
            .to_owned(),
    )
});

/// Raises the counter and marks selectors with it. Arguments: run, an era in case that one begins,
/// the era and the sequence that are known, the limit of fields, the selectors. Returns run, era
/// and sequence. Selectors are never removed one by one, so if there are too many, a new era
/// begins.
pub(super) static INVALIDATE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(format!(
        "{ERA}
         if redis.call('HLEN', KEYS[1]) > tonumber(ARGV[5]) then begin() end
         local sequence = redis.call('HINCRBY', KEYS[1], 'seq', 1)
         for selector = 6, #ARGV do redis.call('HSET', KEYS[1], ARGV[selector], sequence) end
         {LOG}
         return redis.call('HMGET', KEYS[1], 'run', 'era', 'seq')"
    ))
});

/// Begins an era if necessary. Arguments as for [`INVALIDATE`], without selectors. Returns run, era
/// and sequence.
pub(super) static BEGIN: LazyLock<Script> = LazyLock::new(|| {
    Script::new(format!(
        "{ERA} return redis.call('HMGET', KEYS[1], 'run', 'era', 'seq')"
    ))
});

/// Begins an era if the marks were written by another run of the server, if they are gone, or if
/// their counter went back.
const ERA: &str = "local function begin()
      redis.call('DEL', KEYS[1])
      redis.call('HSET', KEYS[1], 'run', ARGV[1], 'era', ARGV[2])
    end
    local run, era, sequence = unpack(redis.call('HMGET', KEYS[1], 'run', 'era', 'seq'))
    sequence = tonumber(sequence or '0') or 0
    if run ~= ARGV[1] or not era or (era == ARGV[3] and sequence < tonumber(ARGV[4])) then begin() end";

/// Writes down what the invalidation marked: a line with its number and the selectors, or with the
/// selector of everything in place of many. The log has at most 8 KiB.
const LOG: &str = "local line = sequence .. ' ' .. string.rep('0', 32)
    if #ARGV < 40 then line = sequence .. ' ' .. table.concat(ARGV, ' ', 6) end
    local log = (redis.call('HMGET', KEYS[1], 'log')[1] or '') .. line .. '\\n'
    if #log > 8192 then log = log:sub(log:find('\\n', #log - 8192, true) + 1) end
    redis.call('HSET', KEYS[1], 'log', log)";

/// Continues only if the token holds the lease.
const HELD: &str = "local lease = redis.call('GET', KEYS[2])
    if not lease or lease:sub(1, #ARGV[1] + 1) ~= ARGV[1] .. ':' then return 0 end";

/// A script with the hash by which the server knows it.
pub(super) struct Script {
    code: String,
    hash: String,
}

impl Script {
    fn new(code: String) -> Self {
        let hash = redis::Script::new(&code).get_hash().to_owned();
        Self { code, hash }
    }

    /// Runs the script. Its text is sent only to a server that does not know it yet.
    pub(super) async fn run<T: FromRedisValue>(
        &self,
        link: &mut Link,
        keys: &[&str],
        arguments: &[&[u8]],
    ) -> RedisResult<T> {
        self.run_each(link, &[(keys, arguments)])
            .await
            .map(|(answer,)| answer)
    }

    /// Runs the script for several keys with their arguments, one after the other. If one of the
    /// calls finds the script unknown, all of them are sent again, so the script must be safe to
    /// run twice.
    pub(super) async fn run_each<T: FromRedisValue, A: AsRef<[u8]>>(
        &self,
        link: &mut Link,
        calls: &[(&[&str], &[A])],
    ) -> RedisResult<T> {
        match link
            .ask(
                calls
                    .iter()
                    .map(|call| command("EVALSHA", &self.hash, call)),
            )
            .await
        {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                link.ask(calls.iter().map(|call| command("EVAL", &self.code, call)))
                    .await
            }
            result => result,
        }
    }
}

/// Returns the command that runs a script, by its hash or by its text.
fn command<A: AsRef<[u8]>>(name: &str, script: &str, (keys, arguments): &(&[&str], &[A])) -> Cmd {
    let size = script.len()
        + arguments
            .iter()
            .map(|argument| argument.as_ref().len())
            .sum::<usize>();
    let mut command = Cmd::with_capacity(3 + keys.len() + arguments.len(), size + 256);
    command.arg(name).arg(script).arg(keys.len()).arg(*keys);
    for argument in *arguments {
        command.arg(argument.as_ref());
    }
    command
}
