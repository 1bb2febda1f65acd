//! Redis or Valkey: entries, the marks and the leases of all processes that share it.
//!
//! The server's clock is the only one that counts: an entry is given back with the time that the server keeps it for.
//! One connection does everything, and the server tracks what it reads, so copies in memory can follow (`push.rs`).

mod config;
mod link;
pub(super) mod names;
pub(super) mod push;
mod script;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt, try_join};
use redis::{Cmd, ErrorKind, RedisError, RedisResult, Value};
use tokio::time::timeout;

pub use config::RedisConfig;
use link::{Connection, Link, Links};
use names::Names;
use push::Pushes;
use script::Script;

use crate::entry::ID_OFFSET;
use crate::{
    Acquired, Bid, Entry, Filled, Key, Listener, Marks, Reading, Scope, Sealer, Shared, Stamp, Tier, TierResult,
};

/// Pauses between looks at a lease, where the server does not tell of changes.
const SHORTEST_LOOK: Duration = Duration::from_millis(25);
const LONGEST_LOOK: Duration = Duration::from_millis(500);

/// A tier in Redis or Valkey.
pub struct Redis {
    links: Links,
    pushes: Arc<Pushes>,
    names: Arc<Names>,
    sealer: Sealer,
    max_value: usize,
    place: String,
}

/// The fields of the hash of marks: era, sequence, and the marks of the scopes that were asked for.
type Fields = Vec<Option<u64>>;

impl Redis {
    /// A tier that connects when it is first used, and again whenever the connection is lost.
    ///
    /// # Errors
    /// When the namespace has braces.
    pub fn new(config: RedisConfig, namespace: String, sealer: Sealer) -> Result<Self, String> {
        let names = Arc::new(Names::new(&namespace)?);
        let pushes = Arc::new(Pushes::new(names.clone()));
        let links = Links::new(config.target, config.deadline, names.marks.clone(), pushes.clone(), config.secrets);
        let (sealer, place) = (sealer.within(&namespace), config.place);
        Ok(Self { links, pushes, names, sealer, max_value: config.max_value, place })
    }

    /// The entry in a stored form that is kept for `left` milliseconds; none of ours is kept for ever.
    fn open(&self, key: &Key, left: i64, stored: Option<Bytes>) -> Option<Entry> {
        let left = u64::try_from(left).ok().filter(|left| *left > 0)?;
        self.sealer.open(key, &stored?, Duration::from_millis(left))
    }

    /// The stored form of an entry and what is left of its lifetime in milliseconds; `None` if it is not to be kept.
    fn seal(&self, key: &Key, entry: &Entry) -> Option<(Bytes, String)> {
        let left = entry.lifetime_left()?;
        let sealed = self.sealer.seal(key, entry);
        (sealed.len() <= self.max_value).then(|| (sealed, left.as_millis().max(1).to_string()))
    }

    /// Runs a script on the value and the lease of a key.
    async fn run<T: redis::FromRedisValue>(&self, script: &Script, key: &Key, arguments: &[&[u8]]) -> TierResult<T> {
        let (value, lease) = (self.names.value(key), self.names.lease(key));
        let keys = [value.as_str(), lease.as_str()];
        self.links.call(|mut link| async move { script.run(&mut link.connection, &keys, arguments).await }).await
    }

    /// Asks for the value before the marks, and for the time left before the value: so if they change in between, an
    /// entry is given less time than it has, and is held against marks that are newer than it.
    async fn fetch(&self, link: &mut Link, key: &Key, scopes: &[Scope]) -> RedisResult<(Option<Entry>, Fields)> {
        let (mut pipe, value) = (redis::pipe(), self.names.value(key));
        pipe.cmd("PTTL").arg(&value).cmd("GET").arg(&value);
        let ((left, stored), fields) = match &mut link.connection {
            Connection::Server(server) => {
                pipe.add_command(self.fields(scopes));
                let (left, stored, fields) = pipe.query_async::<(i64, Option<Bytes>, Fields)>(server).await?;
                ((left, stored), fields)
            }
            // Value and marks lie on different nodes.
            Connection::Cluster(cluster) => {
                let (mut other, command) = (cluster.clone(), self.fields(scopes));
                try_join(pipe.query_async::<(i64, Option<Bytes>)>(cluster), command.query_async(&mut other)).await?
            }
        };
        Ok((self.open(key, left, stored), fields))
    }

    /// The marks in their fields; begins an era if there is none.
    async fn marks_in(&self, fields: Fields, link: &mut Link, scopes: &[Scope]) -> RedisResult<Marks> {
        if let Some(marks) = marks(&fields) {
            return Ok(marks);
        }
        let mut pipe = redis::pipe();
        pipe.cmd("HSETNX").arg(&self.names.marks).arg("era").arg(crate::random()).ignore();
        pipe.add_command(self.fields(scopes));
        let (fields,) = pipe.query_async::<(Fields,)>(&mut link.connection).await?;
        marks(&fields).ok_or_else(|| unexpected("the marks are gone at once"))
    }

    fn fields(&self, scopes: &[Scope]) -> Cmd {
        let mut command = redis::cmd("HMGET");
        command.arg(&self.names.marks).arg("era").arg("seq");
        for scope in scopes {
            command.arg(scope.to_string());
        }
        command
    }

    /// Whether a key has a lease, and whether its end will be told.
    async fn look(&self, lease: &str) -> TierResult<(bool, bool)> {
        let call = |mut link: Link| async move {
            let exists = redis::cmd("EXISTS").arg(lease).query_async(&mut link.connection).await?;
            Ok((exists, link.tracked))
        };
        self.links.call(call).await
    }

    /// Waits until a look shows that a lease has ended, or until the bell rings for it.
    async fn ended(&self, key: &Key) {
        let lease = self.names.lease(key);
        let mut pause = SHORTEST_LOOK;
        loop {
            // The bell is heard from before the look, so what happens after it is not missed. What happened before it,
            // since the caller asked for the lease, the look shows.
            let bell = self.pushes.waiter(key);
            match self.look(&lease).await {
                Ok((true, true)) => return bell.await,
                Ok((true, false)) => {
                    if timeout(pause, bell).await.is_ok() {
                        return;
                    }
                }
                _ => return,
            }
            pause = (2 * pause).min(LONGEST_LOOK);
        }
    }
}

impl Tier for Redis {
    fn name(&self) -> &'static str {
        "redis"
    }

    fn place(&self) -> String {
        self.place.clone()
    }

    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, TierResult<Option<Entry>>> {
        async move {
            let value = self.names.value(key);
            let mut pipe = redis::pipe();
            pipe.cmd("PTTL").arg(&value).cmd("GET").arg(&value);
            let call = |mut link: Link| async move { pipe.query_async(&mut link.connection).await };
            let (left, stored) = self.links.call(call).await?;
            Ok(self.open(key, left, stored))
        }
        .boxed()
    }

    fn set<'a>(&'a self, key: &'a Key, entry: &'a Entry) -> BoxFuture<'a, TierResult<bool>> {
        async move {
            let Some((sealed, left)) = self.seal(key, entry) else {
                // What lies there is older than what is not taken.
                return self.remove(key).await.map(|()| false);
            };
            self.run::<()>(&script::SET, key, &[&sealed, left.as_bytes()]).await?;
            self.pushes.wake(key);
            Ok(true)
        }
        .boxed()
    }

    fn remove<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, TierResult<()>> {
        async move {
            let mut command = redis::cmd("DEL");
            command.arg(self.names.value(key)).arg(self.names.lease(key));
            let call = |mut link: Link| async move { command.query_async::<()>(&mut link.connection).await };
            self.links.call(call).await?;
            self.pushes.wake(key);
            Ok(())
        }
        .boxed()
    }

    fn shared(&self) -> Option<&dyn Shared> {
        Some(self)
    }
}

impl Shared for Redis {
    fn read<'a>(&'a self, key: &'a Key, scopes: &'a [Scope]) -> BoxFuture<'a, TierResult<Reading>> {
        async move {
            let call = |mut link: Link| async move {
                let (entry, fields) = self.fetch(&mut link, key, scopes).await?;
                Ok(Reading { entry, marks: self.marks_in(fields, &mut link, scopes).await? })
            };
            self.links.call(call).await
        }
        .boxed()
    }

    fn marks<'a>(&'a self, scopes: &'a [Scope]) -> BoxFuture<'a, TierResult<Marks>> {
        let call = move |mut link: Link| async move {
            let fields = self.fields(scopes).query_async(&mut link.connection).await?;
            self.marks_in(fields, &mut link, scopes).await
        };
        self.links.call(call).boxed()
    }

    fn invalidate<'a>(&'a self, scopes: &'a [Scope]) -> BoxFuture<'a, TierResult<Stamp>> {
        let call = move |mut link: Link| async move {
            let fields = [crate::random().to_string()].into_iter().chain(scopes.iter().map(Scope::to_string));
            let fields = fields.collect::<Vec<_>>();
            let arguments = fields.iter().map(String::as_bytes).collect::<Vec<_>>();
            let keys = [self.names.marks.as_str()];
            let fields = script::INVALIDATE.run::<Fields>(&mut link.connection, &keys, &arguments).await?;
            marks(&fields).map(|marks| marks.now).ok_or_else(|| unexpected("an invalidation left no mark"))
        };
        self.links.call(call).boxed()
    }

    fn acquire<'a>(&'a self, key: &'a Key, bid: &'a Bid) -> BoxFuture<'a, TierResult<Acquired>> {
        let numbers = [bid.token, millis(bid.lease), bid.born.era, bid.born.sequence, bid.newest];
        let numbers = numbers.map(|number| number.to_string().into_bytes());
        let call = move |mut link: Link| async move {
            let [token, lease, era, sequence, newest] = &numbers;
            let (value_name, lease_name) = (self.names.value(key), self.names.lease(key));
            let mut observed = bid.observed.map(|id| Bytes::copy_from_slice(&id.to_be_bytes())).unwrap_or_default();
            // The second round is for an entry that does not open: it counts as absent.
            for _ in 0..2 {
                let (keys, arguments) =
                    ([&*value_name, &*lease_name], [token, lease, era, sequence, newest, &*observed]);
                let (left, stored) = match script::ACQUIRE.run(&mut link.connection, &keys, &arguments).await? {
                    Value::Nil => return Ok(Acquired::Won),
                    Value::Int(left) => return Ok(Acquired::Held(Duration::from_millis(left.unsigned_abs()))),
                    other => redis::from_redis_value::<(i64, Bytes)>(other)?,
                };
                observed = stored.slice(ID_OFFSET..stored.len().min(ID_OFFSET + size_of::<u64>()));
                if let Some(entry) = self.open(key, left, Some(stored)) {
                    return Ok(Acquired::Changed(entry));
                }
            }
            Err(unexpected("what lies under the key changes and does not open"))
        };
        self.links.call(call).boxed()
    }

    fn fill<'a>(&'a self, key: &'a Key, token: u64, entry: &'a Entry) -> BoxFuture<'a, TierResult<Filled>> {
        async move {
            let Some((sealed, left)) = self.seal(key, entry) else {
                let held: bool = self.run(&script::RELEASE, key, &[token.to_string().as_bytes()]).await?;
                self.pushes.wake(key);
                return Ok(if held { Filled::Refused } else { Filled::Lost });
            };
            let token = token.to_string();
            let held: bool = self.run(&script::FILL, key, &[token.as_bytes(), &sealed, left.as_bytes()]).await?;
            self.pushes.wake(key);
            Ok(if held { Filled::Stored } else { Filled::Lost })
        }
        .boxed()
    }

    fn renew<'a>(&'a self, key: &'a Key, token: u64, lease: Duration) -> BoxFuture<'a, TierResult<bool>> {
        async move {
            let [token, lease] = [token, millis(lease)].map(|number| number.to_string());
            self.run(&script::RENEW, key, &[token.as_bytes(), lease.as_bytes()]).await
        }
        .boxed()
    }

    fn release<'a>(&'a self, key: &'a Key, token: u64) -> BoxFuture<'a, TierResult<()>> {
        async move {
            self.run::<()>(&script::RELEASE, key, &[token.to_string().as_bytes()]).await?;
            self.pushes.wake(key);
            Ok(())
        }
        .boxed()
    }

    fn changed<'a>(&'a self, key: &'a Key, within: Duration) -> BoxFuture<'a, ()> {
        timeout(within, self.ended(key)).map(drop).boxed()
    }

    /// Without its marks, the store has no history: who reads them next begins one.
    fn begin_era(&self) -> BoxFuture<'_, TierResult<()>> {
        let call = move |mut link: Link| async move {
            redis::cmd("DEL").arg(&self.names.marks).query_async(&mut link.connection).await
        };
        self.links.call(call).boxed()
    }

    /// A cluster tells nothing, as its connections come and go unseen. Whether a server does shows when it is connected
    /// to; one that does not is made up for by saying every two seconds that changes may have been missed.
    fn listen(&self, listener: Listener) -> bool {
        self.links.tells() && self.pushes.listen(listener)
    }
}

fn marks(fields: &[Option<u64>]) -> Option<Marks> {
    let (&era, rest) = fields.split_first()?;
    let (sequence, marks) = rest.split_first()?;
    let newest = marks.iter().flatten().copied().max().unwrap_or(0);
    Some(Marks { now: Stamp { era: era?, sequence: sequence.unwrap_or(0) }, newest })
}

fn millis(time: Duration) -> u64 {
    // More than this is an overflow to the server.
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).clamp(1, u64::MAX >> 20)
}

fn unexpected(what: &'static str) -> RedisError {
    (ErrorKind::UnexpectedReturnType, what).into()
}
