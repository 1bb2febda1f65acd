//! The way to the servers: the names of keys, the server that has them, and calls with a deadline.
//!
//! The rest of the tier sees commands and [`Reply`]s only, and does not know which server answers.

use std::time::Duration;

use bytes::Bytes;
use memcache::exp::{AsyncMetaClient, Get, Meta, MutationStatus, Op, OpResult, Router};
use tokio::sync::OnceCell;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::config::MemcachedConfig;
use crate::clock::{Instant, after};
use crate::{Key, Selector, TierResult};

/// The number of connections to a server. More concurrent calls wait for one.
const CONNECTIONS: usize = 32;

/// The longest namespace. Keys have at most 250 bytes, and the longest ending of one has about half
/// of that.
const LONGEST_NAMESPACE: usize = 100;

/// The length of a key in hex.
const HEX: usize = 64;

/// The client with its servers.
pub(super) struct Link {
    config: MemcachedConfig,
    placement: Placement,
    /// Created when it is first used, because it resolves the servers' names, which may not be
    /// known before they are running.
    client: OnceCell<AsyncMetaClient>,
}

impl Link {
    pub(super) fn new(config: MemcachedConfig, names: &Names) -> Self {
        Self {
            config,
            placement: Placement {
                skip: names.namespace.len() + 1,
            },
            client: OnceCell::new(),
        }
    }

    /// Returns the servers, for the log.
    pub(super) fn place(&self) -> String {
        format!("memcached://{}", self.config.servers.join(","))
    }

    /// Begins a call, whose deadline starts now.
    pub(super) fn call(&self) -> Call<'_> {
        Call {
            link: self,
            until: after(self.config.deadline),
        }
    }

    /// Returns the client, and creates it at the first call. If that fails, the next call tries
    /// again.
    async fn client(&self) -> memcache::exp::Result<&AsyncMetaClient> {
        let connect = || {
            // Calls have a deadline of their own, which includes connecting.
            let client = AsyncMetaClient::builder()
                .connect_timeout(None)
                .io_timeout(None);
            let client = client
                .max_connections(Some(CONNECTIONS))
                .max_idle(CONNECTIONS)
                .router(self.placement);
            client.connect_multiple_async(self.config.servers.clone())
        };
        self.client.get_or_try_init(connect).await
    }
}

/// One call of the tier, which may take several round trips.
pub(super) struct Call<'a> {
    link: &'a Link,
    until: Instant,
}

impl Call<'_> {
    /// Sends commands and returns their replies. The commands for one server are one round trip,
    /// and the server carries them out in order.
    pub(super) async fn run<const N: usize>(&self, commands: [Op; N]) -> TierResult<[Reply; N]> {
        let replies = self.run_all(commands.into()).await?;
        Ok(replies.try_into().ok().expect("a reply for each command"))
    }

    /// Like [`run`](Self::run), for any number of commands.
    pub(super) async fn run_all(&self, commands: Vec<Op>) -> TierResult<Vec<Reply>> {
        let replies = async { self.link.client().await?.run_batch(commands).await };
        match tokio::time::timeout_at(self.until, replies).await {
            Ok(Ok(replies)) => replies
                .into_iter()
                .map(|reply| reply.map(Reply::from))
                .collect::<Result<_, _>>(),
            Ok(Err(error)) => Err(error),
            Err(_) => {
                return Err(format!(
                    "no answer within {} ms",
                    self.link.config.deadline.as_millis()
                ));
            }
        }
        .map_err(|error| error.to_string())
    }
}

/// Returns the command that reads a value, its CAS and its time to live.
pub(super) fn fetch(name: String) -> Op {
    Get::new(name).meta(Meta::default().cas().ttl()).into()
}

/// The answer of a server to one command.
pub(crate) struct Reply {
    pub(crate) applied: bool,
    pub(crate) value: Option<Bytes>,
    pub(crate) cas: Option<u64>,
    /// The time for which the item is still kept. Zero for one without an end.
    pub(crate) left: Duration,
}

impl Reply {
    /// Returns `true` if the command was applied.
    pub(super) fn done(&self) -> bool {
        self.applied
    }

    /// Returns the value as a number.
    pub(crate) fn number(&self) -> Option<u64> {
        std::str::from_utf8(self.value.as_ref()?)
            .ok()?
            .trim_ascii_end()
            .parse()
            .ok()
    }
}

impl From<OpResult> for Reply {
    fn from(result: OpResult) -> Self {
        let reply = |applied, value, cas, ttl: Option<i64>| {
            let left = ttl
                .and_then(|seconds| u64::try_from(seconds).ok())
                .unwrap_or(0);
            Self {
                applied,
                value,
                cas,
                left: Duration::from_secs(left),
            }
        };
        match result {
            OpResult::Get(got) => reply(
                got.hit(),
                got.value.map(Bytes::from),
                got.item.cas,
                got.item.ttl,
            ),
            OpResult::Mutation(made) => {
                reply(made.status == MutationStatus::Applied, None, made.cas, None)
            }
            OpResult::Arithmetic(counted) => reply(
                counted.applied(),
                counted.value.map(|value| value.to_string().into()),
                counted.item.cas,
                None,
            ),
            _ => reply(false, None, None, None),
        }
    }
}

/// The names of keys on the servers.
pub(super) struct Names {
    namespace: String,
}

impl Names {
    /// Checks the namespace, which must leave room for the rest of a key and have no spaces in it.
    pub(super) fn new(namespace: String) -> Result<Self, String> {
        match namespace.bytes().all(|byte| byte.is_ascii_graphic())
            && namespace.len() <= LONGEST_NAMESPACE
        {
            true => Ok(Self { namespace }),
            false => Err(format!(
                "the namespace {namespace:?} is not up to {LONGEST_NAMESPACE} visible \
                 ASCII characters"
            )),
        }
    }

    /// Returns the name of an entry.
    pub(super) fn value(&self, key: &Key) -> String {
        format!("{}:{key}:v", self.namespace)
    }

    /// Returns the name of a piece of the entry with an id.
    pub(super) fn piece(&self, key: &Key, id: u64, number: u32) -> String {
        format!("{}:{key}:c:{id}:{number}", self.namespace)
    }

    /// Returns the name of the lease of an entry.
    pub(super) fn lease(&self, key: &Key) -> String {
        format!("{}:{key}:l", self.namespace)
    }

    /// Returns the name of the present era.
    pub(super) fn era(&self) -> String {
        format!("{}:era", self.namespace)
    }

    /// Returns the name of the counter of an era.
    pub(super) fn sequence(&self, era: u64) -> String {
        format!("{}:seq:{era}", self.namespace)
    }

    /// Returns the name of the mark of a selector in an era.
    pub(super) fn mark(&self, era: u64, selector: Selector) -> String {
        format!("{}:m:{era}:{selector}", self.namespace)
    }
}

/// Chooses the server of a key: the one with the highest random weight, so that an additional
/// server takes only its share of the keys. The weights depend on neither the platform nor the
/// version of the compiler, because processes must agree.
#[derive(Clone, Copy)]
struct Placement {
    /// The length of the namespace and its colon.
    skip: usize,
}

impl Placement {
    /// Returns the part that keys on one server have in common: the hex of the cache's key, or
    /// nothing for the history.
    fn group<'a>(&self, name: &'a [u8]) -> &'a [u8] {
        let rest = name.get(self.skip..).unwrap_or_default();
        if rest.get(HEX) == Some(&b':') {
            &rest[..HEX]
        } else {
            b""
        }
    }
}

impl Router for Placement {
    fn route(&self, name: &[u8], servers: &[String]) -> usize {
        let group = xxh3_64(self.group(name));
        let weight = |index: &usize| xxh3_64_with_seed(servers[*index].as_bytes(), group);
        (0..servers.len()).max_by_key(weight).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn servers(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_belongs_together_lies_on_one_server() {
        let names = Names::new("ns".into()).unwrap();
        let placement = Placement { skip: 3 };
        let servers = servers(&["a:1", "b:1", "c:1", "d:1", "e:1"]);
        let place = |name: String| placement.route(name.as_bytes(), &servers);
        for number in 0..100 {
            let key = Key::of("f", &number);
            let all = [
                names.value(&key),
                names.lease(&key),
                names.piece(&key, u64::MAX, number),
            ]
            .map(place);
            assert!(all.iter().all(|server| *server == all[0]));
        }
        let marks = [
            names.mark(u64::MAX, Selector::ALL),
            names.mark(1, Selector::tag("tag")),
            names.sequence(u64::MAX),
        ];
        assert!(
            marks
                .map(place)
                .iter()
                .all(|server| *server == place(names.era()))
        );
    }

    #[test]
    fn another_server_takes_its_share_and_moves_nothing_else() {
        let names = Names::new("ns".into()).unwrap();
        let placement = Placement { skip: 3 };
        let (two, three) = (
            servers(&["10.0.0.1:11211", "10.0.0.2:11211"]),
            servers(&["10.0.0.1:11211", "10.0.0.2:11211", "10.0.0.3:11211"]),
        );
        let mut counts = [0; 3];
        for number in 0..3000 {
            let name = names.value(&Key::of("f", &number));
            let (before, after) = (
                placement.route(name.as_bytes(), &two),
                placement.route(name.as_bytes(), &three),
            );
            assert!(after == before || after == 2);
            counts[after] += 1;
        }
        assert!(
            counts.iter().all(|count| (850..1150).contains(count)),
            "{counts:?}"
        );
    }

    #[test]
    fn a_namespace_leaves_room_for_the_key() {
        let longest = Names::new("n".repeat(LONGEST_NAMESPACE)).unwrap();
        assert!(longest.piece(&Key::of("f", &1), u64::MAX, u32::MAX).len() <= 250);
        assert!(
            Names::new("n".repeat(LONGEST_NAMESPACE + 1)).is_err()
                && Names::new("a b".into()).is_err()
        );
    }
}
