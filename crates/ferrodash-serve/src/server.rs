//! The server: it listens, limits connections, and stops when the process is asked to.
//!
//! `connection.rs` serves one connection, `stop.rs` follows the signals of the process,
//! `settings.rs` holds the settings. The server knows a router, and nothing of apps.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::connection::serve_connection;
use crate::error::{Error, Result};
use crate::settings::Server;
use crate::stop::{Phase, Phases};
use crate::{log, memory};

/// The shortest time between two lines in the log about a lack of connections or file handles.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// The time that the server waits for file handles to be closed before it accepts again.
const OUT_OF_HANDLES: Duration = Duration::from_millis(200);

impl Server {
    /// Serves a router, such as one that an app is part of, on `address`, such as `0.0.0.0:8050`,
    /// until the process is asked to stop (SIGINT or SIGTERM).
    ///
    /// HTTP/1 and HTTP/2 without TLS are served. When the server is ready, it prints its address on
    /// standard output. Asked to stop, it goes on for [`drain`](Self::drain), then takes no new
    /// connections and waits at most [`stop_within`](Self::stop_within) for open requests. A second
    /// signal ends it at once. If the returned future is dropped, all connections are closed.
    ///
    /// A request whose client has closed its connection is cancelled: its future is dropped.
    ///
    /// If the program has set no `tracing` subscriber, events are written to standard error: those
    /// from the level `info` on, or those that `RUST_LOG` names.
    ///
    /// With the allocator of glibc, blocks of 128 KiB and more are returned to the system as soon
    /// as they are free from here on (`mallopt`), unless the environment tunes the allocator.
    ///
    /// # Errors
    /// [`Error::Listen`] if the address cannot be listened on.
    ///
    /// # Panics
    /// Panics outside of a Tokio runtime.
    pub async fn serve(self, router: Router, address: &str) -> Result<()> {
        self.serve_and_announce(router, address, announce).await
    }

    /// Like [`serve`](Self::serve), with a function in place of the line on standard output. It is
    /// called with the address when the server is ready.
    ///
    /// # Errors
    /// [`Error::Listen`] if the address cannot be listened on.
    ///
    /// # Panics
    /// Panics outside of a Tokio runtime.
    pub async fn serve_and_announce(
        self,
        router: Router,
        address: &str,
        announce: impl FnOnce(SocketAddr),
    ) -> Result<()> {
        log::install();
        memory::return_large_blocks();
        let cannot_listen = |source| Error::Listen {
            address: address.to_owned(),
            source,
        };
        let listener = TcpListener::bind(address).await.map_err(cannot_listen)?;
        let local = listener.local_addr().map_err(cannot_listen)?;
        let phases = Phases::follow_signals(self.drain).map_err(|source| Error::Signals {
            address: local,
            source,
        })?;
        // Signals are followed before the line is printed: a script that waits for the line may
        // send one at once.
        announce(local);
        let mut connections = Connections::new(self, router, phases.clone());
        connections.accept(&listener).await;
        // Clients that have connected already are answered; later ones are refused.
        connections.accept_waiting(listener).await;
        connections.finish().await;
        Ok(())
    }
}

/// Serves a router with the settings of [`Server::new`]; see [`Server::serve`].
///
/// # Errors
/// [`Error::Listen`] if the address cannot be listened on.
pub async fn serve(router: Router, address: &str) -> Result<()> {
    Server::new().serve(router, address).await
}

/// The connections of a server, each in a task of its own.
struct Connections {
    settings: Arc<Server>,
    router: Router,
    /// The phase of the server's life; each connection has a clone.
    phases: Phases,
    /// A task for each open connection. Dropping the set aborts them.
    open: JoinSet<()>,
    /// A permit for each connection that may be open.
    room: Arc<Semaphore>,
    /// The time of the last line about connections in the log.
    logged: Option<Instant>,
}

impl Connections {
    /// Prepares for connections, of which none is open yet.
    fn new(settings: Server, router: Router, phases: Phases) -> Self {
        let room = Arc::new(Semaphore::new(
            settings.max_connections.min(Semaphore::MAX_PERMITS),
        ));
        Self {
            settings: Arc::new(settings),
            router,
            phases,
            open: JoinSet::new(),
            room,
            logged: None,
        }
    }

    /// Accepts connections until the server is to take no more.
    async fn accept(&mut self, listener: &TcpListener) {
        let mut phases = self.phases.clone();
        loop {
            if self.room.available_permits() == 0 {
                let most = self.settings.max_connections;
                self.log(&format!(
                    "{most} connections are open, \
                     as many as Server::max_connections allows; others wait"
                ));
            }
            // All three branches may be dropped at any time: a connection that was accepted is
            // never lost.
            tokio::select! {
                () = phases.reached(Phase::Closing) => return,
                // Without this, tasks that have ended would stay in the set.
                Some(_) = self.open.join_next() => {}
                (room, accepted) = next(self.room.clone(), listener) => {
                    self.take(room, accepted).await;
                }
            }
        }
    }

    /// Accepts the connections that wait in the system's queue, and ends the listening.
    ///
    /// The system is asked itself: the runtime learns of a connection a moment later, and closing
    /// resets all that are in the queue.
    async fn accept_waiting(&mut self, listener: TcpListener) {
        let Ok(listener) = listener.into_std() else {
            return;
        };
        loop {
            let accepted = match listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
                // Nobody waits any more.
                Err(_) => return,
            };
            let Ok(room) = self.room.clone().try_acquire_owned() else {
                return;
            };
            let stream = accepted
                .set_nonblocking(true)
                .and_then(|()| TcpStream::from_std(accepted));
            self.take(room, stream).await;
        }
    }

    /// Serves an accepted connection in a task of its own, or deals with the error of accepting.
    async fn take(&mut self, room: OwnedSemaphorePermit, accepted: io::Result<TcpStream>) {
        match accepted {
            Ok(stream) => {
                let (router, settings, phases) = (
                    self.router.clone(),
                    self.settings.clone(),
                    self.phases.clone(),
                );
                self.open.spawn(async move {
                    let _room = room;
                    serve_connection(stream, router, &settings, phases).await;
                });
            }
            Err(error) if is_lack_of_handles(&error) => {
                let open = self.open.len();
                self.log(&format!(
                    "a connection cannot be accepted: {error}; {open} are open; raise \
                     the limit of open files (ulimit -n) or lower Server::max_connections"
                ));
                sleep(OUT_OF_HANDLES).await;
            }
            // The client has gone already.
            Err(error) => tracing::debug!(%error, "a connection broke off before it was accepted"),
        }
    }

    /// Writes a warning, but not more often than every [`LINE_EVERY`]: a full server would
    /// otherwise write one for each connection.
    fn log(&mut self, text: &str) {
        if self.logged.is_none_or(|last| last.elapsed() >= LINE_EVERY) {
            self.logged = Some(Instant::now());
            tracing::warn!("{text}");
        }
    }

    /// Waits for open requests, at most as long as they may take. Dropping the set then ends the
    /// rest.
    async fn finish(mut self) {
        let mut phases = self.phases.clone();
        let all = async { while self.open.join_next().await.is_some() {} };
        tokio::select! {
            ended = timeout(self.settings.stop_within, all) => {
                if ended.is_err() {
                    let waited = self.settings.stop_within;
                    tracing::warn!("requests were still open after {waited:?} and are cancelled");
                }
            }
            () = phases.reached(Phase::Now) => {
                tracing::warn!("asked to stop twice; open requests are cancelled");
            }
        }
    }
}

/// Returns the next connection, and its permit.
///
/// The permit is taken first: a connection that is not accepted yet waits in the system's queue,
/// and not in this process.
async fn next(
    room: Arc<Semaphore>,
    listener: &TcpListener,
) -> (OwnedSemaphorePermit, io::Result<TcpStream>) {
    let permit = room
        .acquire_owned()
        .await
        .expect("the semaphore is never closed");
    let accepted = listener.accept().await;
    (permit, accepted.map(|(stream, _)| stream))
}

/// Returns whether the process (EMFILE) or the system (ENFILE) has no file handles left.
fn is_lack_of_handles(error: &io::Error) -> bool {
    cfg!(unix) && matches!(error.raw_os_error(), Some(23 | 24))
}

/// Prints the address, for the person or the script that started the program.
#[expect(
    clippy::print_stdout,
    reason = "the caller of the program waits for this line"
)]
fn announce(address: SocketAddr) {
    println!("Listening on http://{address}");
}
