//! The connection: made when it is first needed, looked after, and made again when it is lost.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster_async::ClusterConnection;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ErrorKind, Pipeline, ProtocolVersion, RedisError, RedisFuture, RedisResult,
    ServerErrorKind, Value, cmd,
};
use tokio::sync::{Notify, oneshot, watch};
use tokio::time::{sleep, timeout, timeout_at};

use super::config::Target;
use super::push::{Ear, Pushes};
use crate::TierResult;
use crate::address::Secrets;
use crate::clock::now;

/// How long it may take to connect. It is longer than a call may take, as it can need many round trips; a caller does
/// not wait longer for it than for anything else.
pub(super) const CONNECT_WITHIN: Duration = Duration::from_millis(1000);

/// A connection that says nothing for so long is asked whether it still works.
const BEAT: Duration = Duration::from_secs(2);

/// Pauses between attempts to connect.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// Calls may queue up to this number before they wait for each other.
const QUEUE: usize = 1024;

/// The connection and the task that keeps it.
pub(super) struct Links {
    keeper: Arc<Keeper>,
    state: Mutex<watch::Receiver<State>>,
}

/// A connection that works, as far as is known.
#[derive(Clone)]
pub(super) struct Link {
    pub(super) connection: Connection,
    /// Whether the server tells of changes to what this connection reads.
    pub(super) tracked: bool,
    signals: Arc<Signals>,
}

/// A connection to one server or to a cluster.
#[derive(Clone)]
pub(super) enum Connection {
    Server(MultiplexedConnection),
    Cluster(ClusterConnection),
}

#[derive(Clone)]
enum State {
    Connecting,
    Up(Link),
    Down(Arc<str>),
}

/// What callers tell the keeper.
#[derive(Default)]
struct Signals {
    /// An answer did not come.
    doubt: Notify,
    /// The server is no longer the one to talk to.
    useless: Notify,
}

impl Links {
    pub(super) fn new(
        target: Target,
        deadline: Duration,
        probe: String,
        pushes: Arc<Pushes>,
        secrets: Secrets,
    ) -> Self {
        let keeper = Arc::new(Keeper { target, deadline, probe, pushes, secrets });
        // Nobody sends on this channel, so the first call starts the task.
        Self { keeper, state: Mutex::new(watch::channel(State::Connecting).1) }
    }

    /// Makes a call within the deadline, connecting included.
    pub(super) async fn call<T, F>(&self, call: impl FnOnce(Link) -> F) -> TierResult<T>
    where
        F: Future<Output = RedisResult<T>>,
    {
        let deadline = self.keeper.deadline;
        let until = now() + deadline;
        let late = || format!("no answer within {} ms", deadline.as_millis());
        let link = timeout_at(until, self.link()).await.map_err(|_| late())??;
        let signals = link.signals.clone();
        match timeout_at(until, call(link)).await {
            Ok(Err(error)) => {
                // After a failover the old master is a replica; its connection still works.
                if error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly) {
                    signals.useless.notify_one();
                }
                Err(self.keeper.words(&error))
            }
            Ok(Ok(answer)) => Ok(answer),
            Err(_) => {
                signals.doubt.notify_one();
                Err(late())
            }
        }
    }

    /// Whether changes can be told: unless there is a connection, nothing speaks against it.
    pub(super) fn tells(&self) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let untracked = matches!(&*state.borrow(), State::Up(link) if !link.tracked);
        !untracked && !matches!(self.keeper.target, Target::Cluster(_))
    }

    async fn link(&self) -> TierResult<Link> {
        let mut state = self.state();
        let state = state.wait_for(|state| !matches!(state, State::Connecting)).await;
        match &*state.map_err(|_| "the runtime ended".to_owned())? {
            State::Up(link) => Ok(link.clone()),
            State::Down(reason) => Err(reason.to_string()),
            State::Connecting => unreachable!("waited for another state"),
        }
    }

    /// The state, and a task that looks after it: the first one, or another if the runtime of the last one ended.
    fn state(&self) -> watch::Receiver<State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.has_changed().is_err() {
            let (sender, receiver) = watch::channel(State::Connecting);
            *state = receiver;
            tokio::spawn(self.keeper.clone().run(sender));
        }
        state.clone()
    }
}

/// What the task that keeps the connection knows.
struct Keeper {
    target: Target,
    deadline: Duration,
    /// A name to ask for.
    probe: String,
    pushes: Arc<Pushes>,
    secrets: Secrets,
}

impl Keeper {
    /// An error as it may be shown: some servers repeat what they were sent, the password too.
    fn words(&self, error: &RedisError) -> String {
        self.secrets.hide(&error.to_string())
    }

    /// Keeps a connection until nobody looks at the state any more.
    async fn run(self: Arc<Self>, state: watch::Sender<State>) {
        tokio::select! {
            () = state.closed() => {}
            () = self.keep(&state) => {}
        }
    }

    async fn keep(&self, state: &watch::Sender<State>) {
        let mut pause = SHORTEST_PAUSE;
        loop {
            let connected = timeout(CONNECT_WITHIN, self.connect()).await;
            match connected.unwrap_or_else(|_| Err((ErrorKind::Io, "it cannot be connected to in time").into())) {
                Ok((link, closed)) => {
                    tracing::info!(tracked = link.tracked, "connected to Redis");
                    // What was kept while there was no connection is not tracked.
                    self.pushes.unknown();
                    state.send_replace(State::Up(link.clone()));
                    let since = now();
                    let reason = self.watch(&link, closed).await;
                    tracing::warn!(reason, "lost the connection to Redis");
                    // New calls go elsewhere before anyone is told, so that what they read is tracked.
                    state.send_replace(State::Connecting);
                    self.pushes.unknown();
                    if now() - since > BEAT {
                        pause = SHORTEST_PAUSE;
                        continue;
                    }
                }
                Err(error) => {
                    let error: Arc<str> = self.words(&error).into();
                    if !matches!(&*state.borrow(), State::Down(last) if *last == error) {
                        tracing::warn!(%error, "cannot connect to Redis");
                    }
                    state.send_replace(State::Down(error));
                }
            }
            sleep(pause).await;
            pause = (2 * pause).min(LONGEST_PAUSE);
        }
    }

    /// Waits until a connection is lost, and says why it is.
    async fn watch(&self, link: &Link, closed: Option<oneshot::Receiver<()>>) -> String {
        let closed = async {
            match closed {
                Some(closed) => drop(closed.await),
                None => std::future::pending().await,
            }
        };
        tokio::pin!(closed);
        loop {
            tokio::select! {
                () = &mut closed => return "it was closed".to_owned(),
                () = link.signals.useless.notified() => return "the server is read-only".to_owned(),
                () = link.signals.doubt.notified() => {}
                () = sleep(BEAT) => {}
            }
            let mut connection = link.connection.clone();
            let mut probe = cmd("EXISTS");
            probe.arg(&self.probe);
            match timeout(self.deadline, probe.query_async::<Value>(&mut connection)).await {
                Ok(Err(error)) if error.is_unrecoverable_error() => return self.words(&error),
                Ok(_) => {}
                Err(_) => return "it does not answer".to_owned(),
            }
            // Without tracking, copies are right only for as long as a beat.
            if !link.tracked {
                self.pushes.unknown();
            }
        }
    }

    /// A connection, and what ends when it does, if anything.
    async fn connect(&self) -> RedisResult<(Link, Option<oneshot::Receiver<()>>)> {
        let link = |connection, tracked| Link { connection, tracked, signals: Arc::default() };
        match &self.target {
            Target::Server(client) => self.listen(client).await,
            Target::Sentinels(sentinels) => self.listen(&sentinels.client()?.async_get_client().await?).await,
            // It connects to its nodes again by itself, and then they track nothing.
            Target::Cluster(client) => {
                Ok((link(Connection::Cluster(client.get_async_connection().await?), false), None))
            }
        }
    }

    /// A connection to one server that tells of changes, if it can.
    async fn listen(&self, client: &Client) -> RedisResult<(Link, Option<oneshot::Receiver<()>>)> {
        let link =
            |connection, tracked| Link { connection: Connection::Server(connection), tracked, signals: Arc::default() };
        let config = || {
            let config = AsyncConnectionConfig::new().set_pipeline_buffer_size(QUEUE);
            config.set_connection_timeout(None).set_response_timeout(None)
        };
        let (open, closed) = oneshot::channel();
        let hears = config().set_push_sender(Ear { pushes: self.pushes.clone(), _open: open });
        let mut connection = match client.get_multiplexed_async_connection_with_config(&hears).await {
            Err(error) if speaks_only_resp2(&error) => {
                tracing::warn!(error = self.words(&error), "this Redis cannot tell of changes");
                let info = client.get_connection_info().clone();
                let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP2);
                let client = Client::open(info.set_redis_settings(settings))?;
                let connection = client.get_multiplexed_async_connection_with_config(&config()).await?;
                return Ok((link(connection, false), None));
            }
            connection => connection?,
        };
        let mut tracking = cmd("CLIENT");
        tracking.arg("TRACKING").arg("ON").arg("NOLOOP");
        let tracked = match tracking.query_async::<()>(&mut connection).await {
            Err(error) if error.is_unrecoverable_error() => return Err(error),
            Err(error) => {
                tracing::warn!(error = self.words(&error), "this Redis does not tell of changes");
                false
            }
            Ok(()) => true,
        };
        Ok((link(connection, tracked), Some(closed)))
    }
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Server(connection) => connection.req_packed_command(command),
            Self::Cluster(connection) => connection.req_packed_command(command),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::Server(connection) => connection.req_packed_commands(pipeline, offset, count),
            Self::Cluster(connection) => connection.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Server(connection) => connection.get_db(),
            Self::Cluster(connection) => connection.get_db(),
        }
    }
}

/// Servers before version 6, and some proxies, do not know the command that asks for RESP3.
fn speaks_only_resp2(error: &RedisError) -> bool {
    error.kind() == ErrorKind::RESP3NotSupported || error.to_string().to_ascii_uppercase().contains("'HELLO'")
}
