//! The way to the servers: the names of keys, the server that has them, and calls with a deadline.
//!
//! The rest of the tier sees commands and [`Reply`]s only, and does not know which server answers.

use std::sync::Arc;

use memcache::exp::{AsyncMetaClient, Get, Meta, Op, Operation, Result as ClientResult, Router};
use tokio::sync::OnceCell;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::config::MemcachedConfig;
use super::lanes::{Lanes, Servers};
use super::reply::Reply;
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
    /// Created when they are first used, because the client resolves the servers' names, which may
    /// not be known before they are running.
    lanes: OnceCell<Arc<Lanes>>,
}

impl Link {
    pub(super) fn new(config: MemcachedConfig, names: &Names) -> Self {
        Self {
            config,
            placement: Placement {
                skip: names.namespace.len() + 1,
            },
            lanes: OnceCell::new(),
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

    /// Returns the lanes of the client, and creates both at the first call. If that fails, the next
    /// call tries again.
    async fn lanes(&self) -> ClientResult<&Arc<Lanes>> {
        let connect = async || {
            // Calls have a deadline of their own, which includes connecting.
            let client = AsyncMetaClient::builder()
                .connect_timeout(None)
                .io_timeout(None);
            let client = client
                .max_connections(Some(CONNECTIONS))
                .max_idle(CONNECTIONS)
                .router(self.placement);
            let servers = self.config.servers.clone();
            Ok(Lanes::new(client.connect_multiple_async(servers).await?))
        };
        self.lanes.get_or_try_init(connect).await
    }

    /// Returns the servers of commands.
    fn servers(&self, commands: &[Op]) -> Servers {
        let mut servers = Servers::default();
        for command in commands {
            servers.add(self.placement.route(command.key(), &self.config.servers));
        }
        servers
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
        let replies = async {
            let lanes = self.link.lanes().await;
            let lanes = lanes.map_err(|error| error.to_string())?;
            let servers = self.link.servers(&commands);
            lanes.send(servers, commands, self.until).await
        };
        match tokio::time::timeout_at(self.until, replies).await {
            Ok(replies) => replies,
            Err(_) => {
                let deadline = self.link.config.deadline.as_millis();
                Err(format!("no answer within {deadline} ms"))
            }
        }
    }
}

/// Returns the command that reads a value, its CAS and its time to live.
pub(super) fn fetch(name: String) -> Op {
    Get::new(name).meta(Meta::default().cas().ttl()).into()
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
