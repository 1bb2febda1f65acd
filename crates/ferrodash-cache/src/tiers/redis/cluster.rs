//! A cluster: the master of each slot, and a connection to each master.
//!
//! Each master is connected to like a single server, so everything that holds for one holds here:
//! it reports changes of what was read from it, its runs are distinguished, and a lost connection
//! is noticed. The map of slots is read from the masters whenever a call finds that it may be
//! wrong, and from time to time.
//!
//! A task per cluster owns the map and publishes it in a watch channel. Calls only read it, and
//! wake the task through `doubt`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{join_all, select_ok};
use redis::{AsyncConnectionConfig, RedisResult, cmd};
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout, timeout_at};

use super::config::Nodes;
use super::link::{CONNECT_WITHIN, Fault, Link, Links, Server};
use super::push::Pushes;
use super::slots::{Address, Range, SLOTS};
use crate::TierResult;
use crate::address::Secrets;
use crate::clock::{Instant, after};

/// The number of histories in a cluster. All processes must agree on it. More of them are spread
/// better over the nodes of a large cluster, and cost more writes for each invalidation.
pub(super) const HISTORIES: u16 = 32;

/// The number of slots for each history.
pub(super) const SHARE: u16 = SLOTS / HISTORIES;

/// The time within which a master must report the slots. If it does not, others can report them,
/// too.
const LOOK_WITHIN: Duration = Duration::from_millis(250);

/// The interval at which the slots are read without any doubt.
const BEAT: Duration = Duration::from_secs(5);

/// The first and the longest pause between looks while there is doubt.
const SHORTEST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// The number of attempts of a call whose slot moves.
const MOVES: u32 = 3;

/// The masters, and the task that keeps the map of them.
pub(super) struct Cluster {
    keeper: Arc<Keeper>,
    /// The state that the task publishes. A receiver without a task means that the task has to be
    /// started.
    state: Mutex<watch::Receiver<State>>,
}

/// A slot's history, with which its values are compared.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// The index of the history.
    pub(super) history: usize,
    /// `true` if the history is on the same node as the slot.
    pub(super) together: bool,
}

/// The map of the cluster, and the number of looks after which it was published.
#[derive(Clone)]
struct State {
    looks: u64,
    map: Result<Arc<Map>, Arc<str>>,
}

/// The master of each slot.
struct Map {
    /// The cluster's own counter of changes.
    epoch: u64,
    /// The index of the master of each slot.
    owners: Vec<Option<usize>>,
    /// The masters, each with its connection.
    masters: Vec<(Address, Arc<Links>)>,
    /// The replicas, which are asked if no master answers.
    replicas: Vec<Address>,
    /// The slots of the histories.
    histories: Arc<[u16]>,
}

/// The report of a node about the cluster.
struct Answer {
    epoch: u64,
    ranges: Vec<Range>,
}

/// The state of the task that keeps the map.
struct Keeper {
    nodes: Nodes,
    deadline: Duration,
    pushes: Arc<Pushes>,
    secrets: Arc<Secrets>,
    /// The slots of the histories.
    histories: Arc<[u16]>,
    // Locked for one look or change.
    links: Mutex<HashMap<Address, Arc<Links>>>,
    /// Wakes the task: a call found that a slot is not where the map has it.
    doubt: Notify,
}

impl Cluster {
    /// Creates a cluster with the slots of its histories. It connects at the first call.
    pub(super) fn new(
        nodes: Nodes,
        deadline: Duration,
        pushes: Arc<Pushes>,
        secrets: Arc<Secrets>,
        histories: Arc<[u16]>,
    ) -> Self {
        let (links, doubt) = (Mutex::default(), Notify::new());
        let keeper = Arc::new(Keeper {
            nodes,
            deadline,
            pushes,
            secrets,
            histories,
            links,
            doubt,
        });
        // Nobody sends on this channel, so the first call starts the task.
        Self {
            keeper,
            state: Mutex::new(watch::channel(State::first()).1),
        }
    }

    /// Makes a call to the master of a slot within the deadline.
    ///
    /// If the master answers `MOVED`, the call waits for a newer map and is repeated. If it answers
    /// `ASK`, the call is made once to the node that is about to have the slot.
    pub(super) async fn call<T, F>(
        &self,
        slot: u16,
        call: impl Fn(Link, Place) -> F,
    ) -> TierResult<T>
    where
        F: Future<Output = RedisResult<T>>,
    {
        let until = after(self.keeper.deadline);
        let mut seen = 0;
        for _ in 0..MOVES {
            let State { looks, map } = self.after(seen, until).await?;
            let map = map.map_err(|reason| reason.to_string())?;
            let Some(links) = map.master(slot) else {
                self.keeper.doubt.notify_one();
                if seen > 0 {
                    return Err(format!("no node of the cluster has slot {slot}"));
                }
                seen = looks;
                continue;
            };
            let place = map.place(slot);
            let mut answer = links.call(until, false, |link| call(link, place)).await;
            if let Err(Fault::Ask(address)) = &answer {
                let links = self
                    .keeper
                    .links(&map.address(slot, address))
                    .map_err(|error| error.to_string())?;
                answer = links.call(until, true, |link| call(link, place)).await;
            }
            match answer {
                Ok(answer) => return Ok(answer),
                // The next round waits for a map that is newer than the one that was wrong.
                Err(Fault::Moved) => seen = looks,
                Err(fault) => {
                    self.keeper.doubt.notify_one();
                    return Err(fault.into_words());
                }
            }
            self.keeper.doubt.notify_one();
        }
        Err(Fault::Moved.into_words())
    }

    /// Makes a call to each master that has some of these slots, with the indices of those. It
    /// fails if any of them does.
    pub(super) async fn call_each<T, F>(
        &self,
        slots: &[u16],
        call: impl Fn(Link, Vec<usize>) -> F,
    ) -> TierResult<Vec<T>>
    where
        F: Future<Output = RedisResult<T>>,
    {
        let until = after(self.keeper.deadline);
        let map = self
            .after(0, until)
            .await?
            .map
            .map_err(|reason| reason.to_string())?;
        let mut groups = HashMap::<_, Vec<usize>>::new();
        for (index, slot) in slots.iter().enumerate() {
            groups
                .entry(map.owners[usize::from(*slot)])
                .or_default()
                .push(index);
        }
        let (call, map) = (&call, &map);
        let calls = groups.into_iter().map(|(master, group)| async move {
            if let Some(master) = master {
                match map.masters[master]
                    .1
                    .call(until, false, |link| call(link, group.clone()))
                    .await
                {
                    Ok(answer) => return Ok(vec![answer]),
                    Err(Fault::Moved | Fault::Ask(_)) => {}
                    Err(Fault::Other(reason)) => {
                        self.keeper.doubt.notify_one();
                        return Err(reason);
                    }
                }
            }
            // Some of the slots move, so each of them is called on its own.
            let each = group
                .iter()
                .map(|index| self.call(slots[*index], |link, _| call(link, vec![*index])));
            join_all(each).await.into_iter().collect()
        });
        let answers = join_all(calls)
            .await
            .into_iter()
            .collect::<TierResult<Vec<_>>>()?;
        Ok(answers.into_iter().flatten().collect())
    }

    /// Returns the place of a slot.
    pub(super) async fn place(&self, slot: u16) -> TierResult<Place> {
        let state = self.after(0, after(self.keeper.deadline)).await?;
        state
            .map
            .map(|map| map.place(slot))
            .map_err(|reason| reason.to_string())
    }

    /// Returns `true` if changes are reported, that is, as long as no node is known not to do so.
    pub(super) fn tells(&self) -> bool {
        let state = self
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .borrow()
            .clone();
        state.map.map_or(true, |map| {
            map.masters.iter().all(|(_, links)| links.tells())
        })
    }

    /// Returns the state after more than this number of looks.
    async fn after(&self, looks: u64, until: Instant) -> TierResult<State> {
        let mut state = self.state();
        let state = timeout_at(until, state.wait_for(|state| state.looks > looks)).await;
        let late = |_| {
            format!(
                "no node of the cluster has said who has which slot within {:?}",
                self.keeper.deadline
            )
        };
        let state = state
            .map_err(late)?
            .map_err(|_| "the runtime ended")?
            .clone();
        if state.map.is_err() {
            self.keeper.doubt.notify_one();
        }
        Ok(state)
    }

    /// Returns the state, and starts the task that updates it: the first one, or another if the
    /// runtime of the last one ended.
    fn state(&self) -> watch::Receiver<State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.has_changed().is_err() {
            let (sender, receiver) = watch::channel(State::first());
            *state = receiver;
            tokio::spawn(self.keeper.clone().run(sender));
        }
        state.clone()
    }
}

impl State {
    fn first() -> Self {
        Self {
            looks: 0,
            map: Err("the slots of the cluster are not known yet".into()),
        }
    }
}

impl Keeper {
    /// Keeps the map until no cluster receives the state any more.
    async fn run(self: Arc<Self>, state: watch::Sender<State>) {
        tokio::select! {
            () = state.closed() => {}
            () = self.keep(&state) => {}
        }
    }

    /// Reads the slots again and again, and publishes the map after each look.
    async fn keep(&self, state: &watch::Sender<State>) {
        let mut pause = SHORTEST_PAUSE;
        loop {
            let State { looks, map } = state.borrow().clone();
            let before = map.ok();
            let found = self.look(before.as_deref()).await;
            let changed = match (&found, &before) {
                (Ok(found), Some(before)) => !found.is_like(before),
                (Ok(_), None) => true,
                (Err(_), _) => false,
            };
            let map = match (found, before) {
                (Err(reason), None) => Err(reason.into()),
                // The map may still be right although no node answers.
                (Err(_), Some(before)) => Ok(before),
                (Ok(found), _) => Ok(Arc::new(found)),
            };
            let known = map.as_ref().ok().cloned();
            // The new map is published before copies are dropped, so that what new calls read is
            // tracked.
            state.send_replace(State {
                looks: looks + 1,
                map,
            });
            if let (true, Some(map)) = (changed, &known) {
                tracing::info!(
                    masters = map.masters.len(),
                    epoch = map.epoch,
                    "the slots of the Redis cluster are known"
                );
                self.lock()
                    .retain(|address, _| map.masters.iter().any(|(master, _)| master == address));
                self.pushes.unknown();
                pause = SHORTEST_PAUSE;
            }
            match timeout(BEAT, self.doubt.notified()).await {
                Err(_) if known.is_some() => pause = SHORTEST_PAUSE,
                _ => {
                    sleep(pause).await;
                    pause = (2 * pause).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// Reads the slots from the masters, or else from any other node. The newest of several answers
    /// counts: a node that was away may not know yet that it has lost its slots.
    async fn look(&self, before: Option<&Map>) -> Result<Map, String> {
        let masters = before.map_or(&[][..], |map| &map.masters);
        let asked = join_all(
            masters
                .iter()
                .map(|(address, links)| self.ask_master(address, links)),
        )
        .await;
        let complete = asked.iter().all(Option::is_some);
        let newest = match asked
            .into_iter()
            .flatten()
            .max_by_key(|answer| answer.epoch)
        {
            Some(newest) => newest,
            None => {
                let replicas = before.map_or(&[][..], |map| &map.replicas);
                let others = self
                    .nodes
                    .seeds
                    .iter()
                    .chain(replicas)
                    .chain(masters.iter().map(|(address, _)| address));
                // The next look can read the masters, whose answer takes precedence.
                self.doubt.notify_one();
                select_ok(others.map(|address| self.ask(address).boxed()))
                    .await?
                    .0
            }
        };
        if !complete && before.is_some_and(|before| newest.epoch < before.epoch) {
            return Err("only nodes that were away answer".to_owned());
        }
        self.map(newest).map_err(|error| error.to_string())
    }

    /// Reads the slots from a master, over the connection that calls use.
    async fn ask_master(&self, address: &Address, links: &Links) -> Option<Answer> {
        let ask = |mut link: Link| async move { link.ask([cmd_of("SLOTS"), cmd_of("INFO")]).await };
        let until = after(self.deadline.min(LOOK_WITHIN));
        let answer = links
            .call::<(Vec<Range>, String), _>(until, false, ask)
            .await;
        Answer::new(address, answer.ok()?).ok()
    }

    /// Reads the slots from any node, over a connection for this alone.
    async fn ask(&self, address: &Address) -> Result<Answer, String> {
        let ask = async {
            let config = AsyncConnectionConfig::new()
                .set_connection_timeout(None)
                .set_response_timeout(None);
            let client = self.nodes.client(address)?;
            let mut connection = client
                .get_multiplexed_async_connection_with_config(&config)
                .await?;
            let mut pipe = redis::pipe();
            pipe.add_command(cmd_of("SLOTS"))
                .add_command(cmd_of("INFO"));
            pipe.query_async(&mut connection).await
        };
        let late = |_| format!("{} does not answer", address.0);
        let answer: RedisResult<_> = timeout(CONNECT_WITHIN, ask).await.map_err(late)?;
        Answer::new(
            address,
            answer.map_err(|error| self.secrets.hide(&error.to_string()))?,
        )
    }

    /// Makes a map of an answer, with the connections that exist already.
    fn map(&self, answer: Answer) -> RedisResult<Map> {
        let (mut owners, mut masters) = (
            vec![None; usize::from(SLOTS)],
            Vec::<(Address, Arc<Links>)>::new(),
        );
        let mut replicas = Vec::new();
        for Range {
            first,
            last,
            mut nodes,
        } in answer.ranges
        {
            let master = nodes.remove(0);
            let index = match masters.iter().position(|(address, _)| *address == master) {
                Some(index) => index,
                None => {
                    masters.push((master.clone(), self.links(&master)?));
                    masters.len() - 1
                }
            };
            owners[usize::from(first)..=usize::from(last)].fill(Some(index));
            replicas.extend(nodes);
        }
        replicas.sort_unstable();
        replicas.dedup();
        Ok(Map {
            epoch: answer.epoch,
            owners,
            masters,
            replicas,
            histories: self.histories.clone(),
        })
    }

    /// Returns the connection to a node, and creates it at the first call.
    fn links(&self, address: &Address) -> RedisResult<Arc<Links>> {
        let mut links = self.lock();
        if let Some(links) = links.get(address) {
            return Ok(links.clone());
        }
        let server = Server::One(self.nodes.client(address)?);
        let new = Arc::new(Links::new(
            server,
            self.deadline,
            self.pushes.clone(),
            self.secrets.clone(),
        ));
        links.insert(address.clone(), new.clone());
        Ok(new)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Address, Arc<Links>>> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Map {
    fn master(&self, slot: u16) -> Option<&Links> {
        self.owners[usize::from(slot)].map(|index| &*self.masters[index].1)
    }

    /// Returns the first history, counted from the slot's own share, that is on the slot's node.
    fn place(&self, slot: u16) -> Place {
        let (own, owner) = (usize::from(slot / SHARE), self.owners[usize::from(slot)]);
        let count = self.histories.len();
        let mut from_own = (0..count).map(|step| (own + step) % count);
        let together =
            from_own.find(|history| self.owners[usize::from(self.histories[*history])] == owner);
        Place {
            history: together.unwrap_or(own),
            together: together.is_some(),
        }
    }

    /// Reads the address in an `ASK` answer of the master of a slot. Without a host it is that of
    /// the master.
    fn address(&self, slot: u16, text: &str) -> Address {
        let (host, port) = text.rsplit_once(':').unwrap_or((text, ""));
        let own = self.owners[usize::from(slot)].map(|index| &self.masters[index].0.0);
        let host = if host.is_empty() {
            own.map_or("", |host| host)
        } else {
            host
        };
        (host.to_owned(), port.parse().unwrap_or_default())
    }

    /// Returns `true` if the two maps have the same masters for the same slots.
    fn is_like(&self, other: &Self) -> bool {
        let addresses = |map: &Self| {
            map.masters
                .iter()
                .map(|(address, _)| address.clone())
                .collect::<Vec<_>>()
        };
        self.owners == other.owners && addresses(self) == addresses(other)
    }
}

impl Answer {
    /// Makes an answer of what a node sent. Addresses without a host are those of the node itself.
    fn new(asked: &Address, (mut ranges, info): (Vec<Range>, String)) -> Result<Self, String> {
        let epoch = info
            .lines()
            .find_map(|line| line.strip_prefix("cluster_current_epoch:"));
        let epoch = epoch
            .and_then(|epoch| epoch.trim().parse().ok())
            .unwrap_or(0);
        for (host, _) in ranges.iter_mut().flat_map(|range| &mut range.nodes) {
            if host.is_empty() {
                host.clone_from(&asked.0);
            }
        }
        if ranges.is_empty() {
            Err("the cluster has no slots".to_owned())
        } else {
            Ok(Self { epoch, ranges })
        }
    }
}

/// Returns the command `CLUSTER` with a subcommand.
fn cmd_of(part: &str) -> redis::Cmd {
    let mut command = cmd("CLUSTER");
    command.arg(part);
    command
}
