//! The connection to one server: made when it is first needed, checked regularly, and made again
//! when it is lost.
//!
//! A task per server owns the connection and publishes it in a watch channel. Calls take a clone of
//! it, and signal the task if an answer does not come. The file knows neither entries nor marks.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ErrorKind, FromRedisValue, ProtocolVersion, RedisError,
    RedisResult, ServerErrorKind, cmd,
};
use tokio::sync::{Notify, oneshot, watch};
use tokio::time::{sleep, timeout, timeout_at};

use super::config::Sentinels;
use super::push::{Ear, Pushes};
use crate::address::Secrets;
use crate::clock::{Instant, now};

/// The time within which a connection must be made. It is longer than the deadline of a call, as
/// connecting can need many round trips. A caller does not wait longer than its deadline for it.
pub(super) const CONNECT_WITHIN: Duration = Duration::from_millis(1000);

/// The interval at which a connection is checked.
const BEAT: Duration = Duration::from_secs(2);

/// The first and the longest pause between attempts to connect.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// The number of calls that can be queued before they wait for each other.
const QUEUE: usize = 1024;

/// The connection to one server, and the task that maintains it.
pub(super) struct Links {
    keeper: Arc<Keeper>,
    /// The state that the task publishes. A receiver without a task means that the task has to be
    /// started.
    state: Mutex<watch::Receiver<State>>,
}

/// A connection that works, as far as is known. Clones share it.
#[derive(Clone)]
pub(super) struct Link {
    connection: MultiplexedConnection,
    /// `true` if the server reports changes of what this connection reads.
    pub(super) tracked: bool,
    /// The run of the server to which the connection leads; see [`run_of`].
    pub(super) run: Arc<str>,
    /// `true` if the server is asked for a slot that it is about to get from another one.
    pub(super) asking: bool,
    /// Signals to the task that maintains the connection.
    signals: Arc<Signals>,
}

/// The server to which a connection leads.
pub(super) enum Server {
    /// A server that is always the same.
    One(Client),
    /// The master that sentinels name at the time.
    Sentinels(Sentinels),
}

/// The reason why a call has no answer.
pub(super) enum Fault {
    /// Another node of the cluster has the slot.
    Moved,
    /// Another node of the cluster, at this address, is about to have the slot, and has the key
    /// already.
    Ask(String),
    /// Any other reason, as text without secrets.
    Other(String),
}

/// The state of the connection, as calls see it.
#[derive(Clone)]
enum State {
    /// A connection is being made, and calls wait for it.
    Connecting,
    /// The connection works, as far as is known.
    Up(Link),
    /// No connection could be made, for this reason. Calls fail at once until an attempt succeeds.
    Down(Arc<str>),
}

/// Signals from callers to the task.
#[derive(Default)]
struct Signals {
    /// An answer did not come, so the connection is checked.
    doubt: Notify,
    /// The server is no longer the right one, so the connection is made again.
    useless: Notify,
}

impl Links {
    /// Creates a connection, which is made at the first call.
    pub(super) fn new(
        server: Server,
        deadline: Duration,
        pushes: Arc<Pushes>,
        secrets: Arc<Secrets>,
    ) -> Self {
        let keeper = Arc::new(Keeper {
            server,
            deadline,
            pushes,
            secrets,
        });
        // Nobody sends on this channel, so the first call starts the task.
        Self {
            keeper,
            state: Mutex::new(watch::channel(State::Connecting).1),
        }
    }

    /// Makes a call until the moment `until`, including the time to connect. `asking` is for a slot
    /// that the server is about to get.
    pub(super) async fn call<T, F>(
        &self,
        until: Instant,
        asking: bool,
        call: impl FnOnce(Link) -> F,
    ) -> Result<T, Fault>
    where
        F: Future<Output = RedisResult<T>>,
    {
        let late = || {
            Fault::Other(format!(
                "no answer within {} ms",
                self.keeper.deadline.as_millis()
            ))
        };
        let link = timeout_at(until, self.link())
            .await
            .map_err(|_| late())?
            .map_err(Fault::Other)?;
        let signals = link.signals.clone();
        match timeout_at(until, call(Link { asking, ..link })).await {
            Ok(Err(error)) => {
                // After a failover the old master is a replica, and its connection still works.
                if is_read_only(&error) {
                    signals.useless.notify_one();
                }
                Err(Fault::of(error, &self.keeper.secrets))
            }
            Ok(Ok(answer)) => Ok(answer),
            Err(_) => {
                signals.doubt.notify_one();
                Err(late())
            }
        }
    }

    /// Returns `true` if the server reports changes, which is assumed while there is no connection.
    pub(super) fn tells(&self) -> bool {
        let state = self
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let untracked = matches!(&*state.borrow(), State::Up(link) if !link.tracked);
        !untracked
    }

    /// Returns the connection, and waits while it is being made. The error is the reason why it
    /// cannot be made.
    async fn link(&self) -> Result<Link, String> {
        let mut state = self.state();
        let state = state
            .wait_for(|state| !matches!(state, State::Connecting))
            .await;
        match &*state.map_err(|_| "the runtime ended".to_owned())? {
            State::Up(link) => Ok(link.clone()),
            State::Down(reason) => Err(reason.to_string()),
            State::Connecting => unreachable!("waited for another state"),
        }
    }

    /// Returns the state, and starts the task that updates it: the first one, or another if the
    /// runtime of the last one ended.
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

/// The state of the task that maintains the connection.
struct Keeper {
    server: Server,
    deadline: Duration,
    pushes: Arc<Pushes>,
    secrets: Arc<Secrets>,
}

impl Keeper {
    /// Returns an error as text that may be shown. Some servers repeat what they were sent,
    /// including the password.
    fn words(&self, error: &RedisError) -> String {
        self.secrets.hide(&error.to_string())
    }

    /// Maintains the connection until nobody receives its state any more.
    async fn run(self: Arc<Self>, state: watch::Sender<State>) {
        tokio::select! {
            () = state.closed() => {}
            () = self.keep(&state) => {}
        }
    }

    /// Connects, checks the connection until it is lost, and connects again.
    async fn keep(&self, state: &watch::Sender<State>) {
        let mut pause = SHORTEST_PAUSE;
        loop {
            let connected = timeout(CONNECT_WITHIN, self.connect()).await;
            match connected.unwrap_or_else(|_| {
                Err((ErrorKind::Io, "it cannot be connected to in time").into())
            }) {
                Ok((link, closed)) => {
                    tracing::info!(
                        tracked = link.tracked,
                        run = &*link.run,
                        "connected to Redis"
                    );
                    // Copies that were stored while there was no connection are not tracked.
                    self.pushes.unknown();
                    state.send_replace(State::Up(link.clone()));
                    let since = now();
                    let reason = self.watch(&link, closed).await;
                    tracing::warn!(reason, "lost the connection to Redis");
                    // New calls wait for the next connection before anyone is notified, so that
                    // what they read is tracked.
                    state.send_replace(State::Connecting);
                    self.pushes.unknown();
                    // A connection that lasted is made again without a pause.
                    if now() - since > BEAT {
                        pause = SHORTEST_PAUSE;
                        continue;
                    }
                }
                Err(error) => {
                    let error: Arc<str> = self.words(&error).into();
                    // The same error is logged once, although the attempts continue.
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

    /// Waits until a connection is lost, and returns the reason.
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
                () = link.signals.useless.notified() => {
                    return "the server is no longer the one to talk to".to_owned();
                }
                () = link.signals.doubt.notified() => {}
                () = sleep(BEAT) => {}
            }
            let mut connection = link.connection.clone();
            match timeout(self.deadline, run_of(&mut connection)).await {
                // The server was a replica meanwhile, and has lost the data that its master of that
                // time did not have.
                Ok(Ok(run)) if *run != *link.run => {
                    return "the server is another one than it was".to_owned();
                }
                Ok(Err(error)) if error.is_unrecoverable_error() || is_read_only(&error) => {
                    return self.words(&error);
                }
                Ok(_) => {}
                Err(_) => return "it does not answer".to_owned(),
            }
            // Without tracking, copies are right only for the time between two checks.
            if !link.tracked {
                self.pushes.unknown();
            }
        }
    }

    /// Makes a connection. The receiver ends when the connection does, if the server reports
    /// changes.
    async fn connect(&self) -> RedisResult<(Link, Option<oneshot::Receiver<()>>)> {
        match &self.server {
            Server::One(client) => self.listen(client).await,
            Server::Sentinels(sentinels) => {
                self.listen(&sentinels.client()?.async_get_client().await?)
                    .await
            }
        }
    }

    /// Connects to one server and turns tracking on, if the server can do that.
    async fn listen(&self, client: &Client) -> RedisResult<(Link, Option<oneshot::Receiver<()>>)> {
        let link = async |mut connection, tracked| {
            let run = run_of(&mut connection).await?;
            RedisResult::Ok(Link {
                connection,
                tracked,
                run,
                asking: false,
                signals: Arc::default(),
            })
        };
        let config = || {
            let config = AsyncConnectionConfig::new().set_pipeline_buffer_size(QUEUE);
            config
                .set_connection_timeout(None)
                .set_response_timeout(None)
        };
        let (open, closed) = oneshot::channel();
        let hears = config().set_push_sender(Ear {
            pushes: self.pushes.clone(),
            _open: open,
        });
        let mut connection = match client
            .get_multiplexed_async_connection_with_config(&hears)
            .await
        {
            Err(error) if speaks_only_resp2(&error) => {
                tracing::warn!(
                    error = self.words(&error),
                    "this Redis cannot tell of changes"
                );
                let info = client.get_connection_info().clone();
                let settings = info
                    .redis_settings()
                    .clone()
                    .set_protocol(ProtocolVersion::RESP2);
                let client = Client::open(info.set_redis_settings(settings))?;
                let connection = client
                    .get_multiplexed_async_connection_with_config(&config())
                    .await?;
                return Ok((link(connection, false).await?, None));
            }
            connection => connection?,
        };
        let mut tracking = cmd("CLIENT");
        tracking.arg("TRACKING").arg("ON").arg("NOLOOP");
        let tracked = match tracking.query_async::<()>(&mut connection).await {
            Err(error) if error.is_unrecoverable_error() => return Err(error),
            Err(error) => {
                tracing::warn!(
                    error = self.words(&error),
                    "this Redis does not tell of changes"
                );
                false
            }
            Ok(()) => true,
        };
        Ok((link(connection, tracked).await?, Some(closed)))
    }
}

impl Link {
    /// Checks that the connection still leads to the same run of the server. If not, the connection
    /// is given up and it is an error.
    pub(super) async fn is_same_run(&mut self) -> RedisResult<()> {
        let run = run_of(&mut self.connection).await?;
        if run != self.run {
            self.signals.useless.notify_one();
            return Err((
                ErrorKind::Io,
                "the server is another one than it was, and is connected to again",
            )
                .into());
        }
        Ok(())
    }

    /// Sends commands together and returns their answers.
    pub(super) async fn ask<T: FromRedisValue>(
        &mut self,
        commands: impl IntoIterator<Item = Cmd>,
    ) -> RedisResult<T> {
        let mut pipe = redis::pipe();
        for command in commands {
            if self.asking {
                pipe.cmd("ASKING").ignore();
            }
            pipe.add_command(command);
        }
        pipe.query_async(&mut self.connection).await
    }
}

impl Fault {
    /// Classifies an error of the server.
    fn of(error: RedisError, secrets: &Secrets) -> Self {
        match error.kind() {
            ErrorKind::Server(ServerErrorKind::Moved) => Self::Moved,
            ErrorKind::Server(ServerErrorKind::Ask) => {
                let text = secrets.hide(&error.to_string());
                let errors = error.into_server_errors();
                let details = errors
                    .iter()
                    .flat_map(|errors| errors.iter())
                    .find_map(|(_, error)| error.details());
                match details.and_then(|details| details.split_ascii_whitespace().nth(1)) {
                    Some(address) => Self::Ask(address.to_owned()),
                    None => Self::Other(text),
                }
            }
            _ => Self::Other(secrets.hide(&error.to_string())),
        }
    }

    /// Returns the reason as text, for a call that cannot be repeated any more.
    pub(super) fn into_words(self) -> String {
        match self {
            Self::Other(words) => words,
            Self::Moved | Self::Ask(_) => {
                "the slot moves between the nodes of the cluster".to_owned()
            }
        }
    }
}

/// Returns the run of the server to which a connection leads: `run_id`, which is another one after
/// each start, and `master_replid`, which is another one after each promotion.
///
/// A replica is refused, because its data may be older than those of its master.
async fn run_of(connection: &mut MultiplexedConnection) -> RedisResult<Arc<str>> {
    let mut pipe = redis::pipe();
    pipe.cmd("INFO")
        .arg("server")
        .cmd("INFO")
        .arg("replication");
    let parts: [String; 2] = match pipe.query_async(connection).await {
        Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoPerm) => {
            let what = "it cannot be known whether the server has lost data, as INFO is \
                        refused; let the user call it";
            return Err((error.kind(), what, error.to_string()).into());
        }
        answer => answer?,
    };
    let field = |name: &str| {
        let lines = parts.iter().flat_map(|part| part.lines());
        lines
            .filter_map(|line| line.split_once(':'))
            .find(|(found, _)| *found == name)
            .map(|(_, value)| value.trim())
    };
    if field("role") == Some("slave") {
        let what = "READONLY: it is a replica, which may be behind its master; \
                    give the address of the master";
        return Err((ErrorKind::Server(ServerErrorKind::ReadOnly), what).into());
    }
    match (field("run_id"), field("master_replid")) {
        (None, None) => Err((
            ErrorKind::UnexpectedReturnType,
            "it cannot be known whether the server has lost data, \
             as INFO has neither run_id nor master_replid",
        )
            .into()),
        (run, data) => {
            Ok(format!("{}:{}", run.unwrap_or_default(), data.unwrap_or_default()).into())
        }
    }
}

fn is_read_only(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly)
}

/// Returns `true` if the server does not know the command that requests RESP3, as servers before
/// version 6 and some proxies.
fn speaks_only_resp2(error: &RedisError) -> bool {
    error.kind() == ErrorKind::RESP3NotSupported
        || error.to_string().to_ascii_uppercase().contains("'HELLO'")
}
