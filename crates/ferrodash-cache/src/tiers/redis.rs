//! Redis or Valkey: entries, the marks and the leases of all processes that share it.
//!
//! Only the server's clock counts: an entry is returned with the time for which the server still
//! keeps it. One connection to each server carries everything, and the server tracks what it reads,
//! so that copies in memory can follow (`push.rs`). `history.rs` notices if a server has lost
//! invalidations.
//!
//! This file implements the two traits with commands and scripts. It does not know how many servers
//! there are; `nodes.rs` finds the right one.

mod cluster;
mod config;
mod history;
mod link;
pub(super) mod names;
mod nodes;
pub(super) mod push;
mod script;
mod slots;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::TryFutureExt;
use futures_util::future::{BoxFuture, FutureExt, ready};
use redis::{Cmd, RedisResult, Value};
use tokio::time::timeout;

use cluster::Cluster;
use cluster::Place;
pub use config::RedisConfig;
use config::Target;
use history::{Fields, Histories, unexpected};
use link::{Link, Links, Server};
use names::Names;
use nodes::Nodes;
use push::Pushes;
use script::Script;

use crate::envelope::ID_OFFSET;
use crate::{
    Entry, Filled, Key, LeaseOutcome, LeaseRequest, Listener, Marks, Reading, Recent, Sealer,
    Selector, Shared, Stamp, Tier, TierResult,
};

/// The first and the longest pause between looks at a lease, if the server does not report changes.
const SHORTEST_LOOK: Duration = Duration::from_millis(25);
const LONGEST_LOOK: Duration = Duration::from_millis(500);

/// A tier in Redis or Valkey: one server, a master named by sentinels, or a cluster.
///
/// Each call to a server ends within the deadline of the [`RedisConfig`], including the time to
/// connect. Operations can run concurrently, and they share one connection to each server. A
/// connection that was lost is made again in the background.
pub struct Redis {
    /// The servers, and the way to them.
    nodes: Nodes,
    /// The invalidations that were seen.
    histories: Histories,
    /// The listener for changes, and the callers that wait for leases.
    pushes: Arc<Pushes>,
    /// The names of keys.
    names: Arc<Names>,
    sealer: Sealer,
    /// The longest sealed entry that is sent.
    max_value: usize,
    /// The address without secrets, for the log.
    place: String,
}

impl Redis {
    /// Creates a tier, which connects when it is first used, and again whenever the connection is
    /// lost. All keys begin with `namespace`.
    ///
    /// # Errors
    /// If the namespace contains braces, which would split its keys over a cluster.
    pub fn new(config: RedisConfig, namespace: String, sealer: Sealer) -> Result<Self, String> {
        let histories = if matches!(config.target, Target::Cluster(_)) {
            cluster::HISTORIES
        } else {
            1
        };
        let names = Arc::new(Names::new(&namespace, histories)?);
        let pushes = Arc::new(Pushes::new(names.clone()));
        let (deadline, secrets) = (config.deadline, Arc::new(config.secrets));
        let one = |server| {
            let links = Links::new(server, deadline, pushes.clone(), secrets.clone());
            Nodes::One { links, deadline }
        };
        let nodes = match config.target {
            Target::Server(client) => one(Server::One(client)),
            Target::Sentinels(sentinels) => one(Server::Sentinels(sentinels)),
            Target::Cluster(nodes) => {
                let slots = names.marks.iter().map(|name| slots::slot(name)).collect();
                Nodes::Many(Cluster::new(
                    nodes,
                    deadline,
                    pushes.clone(),
                    secrets,
                    slots,
                ))
            }
        };
        let histories = Histories::new(names.clone(), pushes.clone());
        let (sealer, place) = (sealer.within(&namespace), config.place);
        Ok(Self {
            nodes,
            histories,
            pushes,
            names,
            sealer,
            max_value: config.max_value,
            place,
        })
    }

    /// Opens the stored form of an entry that the server keeps for another `left` milliseconds. A
    /// value without an end is not one of ours.
    fn open(&self, key: &Key, left: i64, stored: Option<Bytes>) -> Option<Entry> {
        let left = u64::try_from(left).ok().filter(|left| *left > 0)?;
        self.sealer.open(key, &stored?, Duration::from_millis(left))
    }

    /// Returns the stored form of an entry and the rest of its lifetime in milliseconds. Returns
    /// `None` if it has ended or is too large.
    fn seal(&self, key: &Key, entry: &Entry) -> Option<(Bytes, String)> {
        let left = entry.lifetime_left()?;
        let sealed = self.sealer.seal(key, entry);
        (sealed.len() <= self.max_value).then(|| (sealed, left.as_millis().max(1).to_string()))
    }

    /// Runs a script on the value and the lease of a key.
    async fn run<T: redis::FromRedisValue>(
        &self,
        script: &Script,
        key: &Key,
        arguments: &[&[u8]],
    ) -> TierResult<T> {
        let (value, lease) = (self.names.value(key), self.names.lease(key));
        let keys = [value.as_str(), lease.as_str()];
        let call = |mut link, _| async move { script.run(&mut link, &keys, arguments).await };
        self.nodes.call(self.nodes.slot(&value), call).await
    }

    /// Reads the time left, the value and the marks, in this order. So if they change in between,
    /// an entry gets less time than it has, and is compared with marks that are newer than it.
    /// Returns no marks if they are on another node or have to be created.
    async fn fetch(
        &self,
        mut link: Link,
        place: Place,
        (key, value): (&Key, &str),
        selectors: &[Selector],
    ) -> RedisResult<(Option<Entry>, Option<Marks>)> {
        let look = look_at(value);
        if link.asking || !place.together {
            let (left, stored) = link.ask(look).await?;
            return Ok((self.open(key, left, stored), None));
        }
        let known = self.histories.known(place.history);
        let commands = look
            .into_iter()
            .chain([self.histories.fields(place.history, selectors)]);
        let (left, stored, fields): (_, _, Fields) = link.ask(commands).await?;
        let entry = self.open(key, left, stored);
        let known = [known]
            .into_iter()
            .chain(entry.as_ref().map(|entry| entry.parts().born));
        let marks = self
            .histories
            .take(place.history, &link.run, known, &fields);
        Ok((entry, marks))
    }

    /// Makes a call to the node that has the marks of a history.
    async fn call_history<T, F>(&self, history: usize, call: impl Fn(Link) -> F) -> TierResult<T>
    where
        F: Future<Output = RedisResult<T>>,
    {
        let slot = self.nodes.slot(&self.names.marks[history]);
        self.nodes.call(slot, |link, _| call(link)).await
    }

    async fn marks_in(&self, history: usize, selectors: &[Selector]) -> TierResult<Marks> {
        let call =
            |mut link| async move { self.histories.marks(history, &mut link, selectors).await };
        self.call_history(history, call).await
    }

    /// Requests a lease. `numbers` are the arguments of the script except for the entry that was
    /// seen.
    async fn compete(
        &self,
        mut link: Link,
        (key, names): (&Key, &[String; 2]),
        numbers: &[Vec<u8>; 5],
        observed: Option<u64>,
    ) -> RedisResult<LeaseOutcome> {
        let mut observed = observed
            .map(|id| Bytes::copy_from_slice(&id.to_be_bytes()))
            .unwrap_or_default();
        let keys = names.each_ref().map(String::as_str);
        // The second round is for an entry that does not open and therefore counts as absent.
        for _ in 0..2 {
            let arguments: Vec<&[u8]> = numbers
                .iter()
                .map(Vec::as_slice)
                .chain([&*observed])
                .collect();
            let (left, stored) = match script::ACQUIRE.run(&mut link, &keys, &arguments).await? {
                Value::Nil => return Ok(LeaseOutcome::Won),
                Value::Int(left) => {
                    return Ok(LeaseOutcome::Held(Duration::from_millis(
                        left.unsigned_abs(),
                    )));
                }
                other => redis::from_redis_value::<(i64, Bytes)>(other)?,
            };
            observed = stored.slice(ID_OFFSET..stored.len().min(ID_OFFSET + size_of::<u64>()));
            if let Some(entry) = self.open(key, left, Some(stored)) {
                return Ok(LeaseOutcome::Changed(entry));
            }
        }
        Err(unexpected(
            "the value of the key changes and cannot be read",
        ))
    }

    /// Returns whether a key has a lease, and whether the server will report its end.
    async fn look(&self, lease: &str) -> TierResult<(bool, bool)> {
        let call = |mut link: Link, _| async move {
            let mut exists = redis::cmd("EXISTS");
            exists.arg(lease);
            let (exists,) = link.ask([exists]).await?;
            Ok((exists, link.tracked))
        };
        self.nodes.call(self.nodes.slot(lease), call).await
    }

    /// Waits until a look shows that a lease has ended, or until the bell rings for it.
    async fn ended(&self, key: &Key) {
        let lease = self.names.lease(key);
        let mut pause = SHORTEST_LOOK;
        loop {
            // The bell is registered before the look, so a change after the look is not missed. A
            // change before it is visible in the look.
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

    /// Reads the time left and the value in one round trip.
    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, TierResult<Option<Entry>>> {
        async move {
            let value = &*self.names.value(key);
            let call = |mut link: Link, _| async move { link.ask(look_at(value)).await };
            let (left, stored) = self.nodes.call(self.nodes.slot(value), call).await?;
            Ok(self.open(key, left, stored))
        }
        .boxed()
    }

    /// Stores the entry and ends the lease in one script. The notice of this change does not come
    /// back to the connection that made it, so waiting callers of this process are woken here.
    fn set<'a>(&'a self, key: &'a Key, entry: &'a Entry) -> BoxFuture<'a, TierResult<bool>> {
        async move {
            let Some((sealed, left)) = self.seal(key, entry) else {
                // The stored value is older than the one that is not accepted.
                return self.remove(key).await.map(|()| false);
            };
            self.run::<()>(&script::SET, key, &[&sealed, left.as_bytes()])
                .await?;
            self.pushes.wake(key);
            Ok(true)
        }
        .boxed()
    }

    fn remove<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, TierResult<()>> {
        async move {
            let (value, lease) = (&*self.names.value(key), &*self.names.lease(key));
            // The names are deleted one by one, as a node that gives a slot away refuses a command
            // for several names.
            let call = |mut link: Link, _| async move {
                let commands = [value, lease].map(|name| {
                    let mut command = redis::cmd("DEL");
                    command.arg(name);
                    command
                });
                link.ask::<()>(commands).await
            };
            self.nodes.call(self.nodes.slot(value), call).await?;
            self.pushes.wake(key);
            Ok(())
        }
        .boxed()
    }

    fn shared(&self) -> Option<&dyn Shared> {
        Some(self)
    }

    fn part(&self, key: Option<&Key>) -> usize {
        self.nodes.part(key.map(|key| || self.names.value(key)))
    }
}

impl Shared for Redis {
    /// Reads the entry, and the marks in the same round trip if they are on the same node.
    fn read<'a>(
        &'a self,
        key: &'a Key,
        selectors: &'a [Selector],
    ) -> BoxFuture<'a, TierResult<Reading>> {
        async move {
            let value = &*self.names.value(key);
            let call = |link, place| self.fetch(link, place, (key, value), selectors);
            let (entry, marks) = self.nodes.call(self.nodes.slot(value), call).await?;
            let marks = match marks {
                Some(marks) => marks,
                None => self.marks_of(key, selectors).await?,
            };
            Ok(Reading { entry, marks })
        }
        .boxed()
    }

    /// Reads the marks in the first history.
    fn marks<'a>(&'a self, selectors: &'a [Selector]) -> BoxFuture<'a, TierResult<Marks>> {
        self.marks_in(0, selectors).boxed()
    }

    /// Reads the marks in the history on the node of the key, or else in that of its share of the
    /// slots.
    fn marks_of<'a>(
        &'a self,
        key: &'a Key,
        selectors: &'a [Selector],
    ) -> BoxFuture<'a, TierResult<Marks>> {
        async move {
            let place = self
                .nodes
                .place(self.nodes.slot(&self.names.value(key)))
                .await?;
            self.marks_in(place.history, selectors).await
        }
        .boxed()
    }

    /// Returns the stamp of one of the histories, if there are several. Either all of them have the
    /// marks or the call fails.
    fn invalidate<'a>(&'a self, selectors: &'a [Selector]) -> BoxFuture<'a, TierResult<Stamp>> {
        let first = |marks: Vec<Marks>| marks.first().expect("there is at least one history").now;
        self.invalidate_each(selectors).map_ok(first).boxed()
    }

    /// Raises the counter of every history, with one call to each node. It fails if one node does,
    /// because entries of its histories could still be read.
    fn invalidate_each<'a>(
        &'a self,
        selectors: &'a [Selector],
    ) -> BoxFuture<'a, TierResult<Vec<Marks>>> {
        async move {
            let slots: Vec<_> = self
                .names
                .marks
                .iter()
                .map(|name| self.nodes.slot(name))
                .collect();
            let call = |mut link, histories: Vec<usize>| async move {
                self.histories
                    .invalidate(&histories, &mut link, selectors)
                    .await
            };
            let marks = self.nodes.call_each(&slots, call).await?;
            Ok(marks.into_iter().flatten().collect())
        }
        .boxed()
    }

    /// Reads the log that invalidations write.
    fn recent<'a>(&'a self, key: &'a Key, era: u64) -> BoxFuture<'a, TierResult<Recent>> {
        async move {
            let slot = self.nodes.slot(&self.names.value(key));
            let history = self.nodes.place(slot).await?.history;
            let call = |mut link: Link| async move {
                self.histories.recent(history, era, &mut link).await
            };
            self.call_history(history, call).await
        }
        .boxed()
    }

    fn acquire<'a>(
        &'a self,
        key: &'a Key,
        request: &'a LeaseRequest,
    ) -> BoxFuture<'a, TierResult<LeaseOutcome>> {
        let numbers = [
            request.token,
            millis(request.lease),
            request.born.era,
            request.born.sequence,
            request.newest,
        ];
        let numbers = numbers.map(|number| number.to_string().into_bytes());
        let names = [self.names.value(key), self.names.lease(key)];
        async move {
            let (numbers, names) = (&numbers, &names);
            let call = |link, _| self.compete(link, (key, names), numbers, request.observed);
            self.nodes.call(self.nodes.slot(&names[0]), call).await
        }
        .boxed()
    }

    fn fill<'a>(
        &'a self,
        key: &'a Key,
        token: u64,
        entry: &'a Entry,
    ) -> BoxFuture<'a, TierResult<Filled>> {
        async move {
            let Some((sealed, left)) = self.seal(key, entry) else {
                // The entry is not stored, but the lease must end all the same.
                let held: bool = self
                    .run(&script::RELEASE, key, &[token.to_string().as_bytes()])
                    .await?;
                self.pushes.wake(key);
                return Ok(if held { Filled::Refused } else { Filled::Lost });
            };
            let token = token.to_string();
            let held: bool = self
                .run(
                    &script::FILL,
                    key,
                    &[token.as_bytes(), &sealed, left.as_bytes()],
                )
                .await?;
            self.pushes.wake(key);
            Ok(if held { Filled::Stored } else { Filled::Lost })
        }
        .boxed()
    }

    fn renew<'a>(
        &'a self,
        key: &'a Key,
        token: u64,
        lease: Duration,
    ) -> BoxFuture<'a, TierResult<bool>> {
        async move {
            let [token, lease] = [token, millis(lease)].map(|number| number.to_string());
            self.run(&script::RENEW, key, &[token.as_bytes(), lease.as_bytes()])
                .await
        }
        .boxed()
    }

    fn release<'a>(&'a self, key: &'a Key, token: u64) -> BoxFuture<'a, TierResult<()>> {
        async move {
            self.run::<()>(&script::RELEASE, key, &[token.to_string().as_bytes()])
                .await?;
            self.pushes.wake(key);
            Ok(())
        }
        .boxed()
    }

    /// Waits for the notice of the server, or looks again and again if it sends none.
    fn changed<'a>(&'a self, key: &'a Key, within: Duration) -> BoxFuture<'a, ()> {
        timeout(within, self.ended(key)).map(drop).boxed()
    }

    /// Deletes the marks of a history. Without them it has no era, and the next reader begins one.
    fn begin_era(&self, history: usize) -> BoxFuture<'_, TierResult<()>> {
        let Some(name) = self.names.marks.get(history) else {
            return ready(Ok(())).boxed();
        };
        async move {
            let call = |mut link: Link| async move {
                let mut command = redis::cmd("DEL");
                command.arg(&**name);
                link.ask::<()>([command]).await
            };
            self.call_history(history, call).await
        }
        .boxed()
    }

    /// Registers the listener if the servers report changes, which is known once they are connected
    /// to. A server that turns out not to do so is compensated for: every two seconds the listener
    /// learns that changes may have been missed.
    fn listen(&self, listener: Listener) -> bool {
        self.nodes.tells() && self.pushes.listen(listener)
    }
}

/// Returns the commands that read the time that an entry has left, and the entry.
fn look_at(value: &str) -> [Cmd; 2] {
    ["PTTL", "GET"].map(|name| {
        let mut command = redis::cmd(name);
        command.arg(value);
        command
    })
}

fn millis(time: Duration) -> u64 {
    // The server would overflow with a larger number.
    u64::try_from(time.as_millis())
        .unwrap_or(u64::MAX)
        .clamp(1, u64::MAX >> 20)
}
