//! The settings of a server.

use std::time::Duration;

/// Settings of the server that [`App::run`](crate::App::run) and [`serve`](crate::serve()) use.
///
/// ```
/// use std::time::Duration;
/// use ferrodash::{Server, prelude::*};
/// // Behind a load balancer that asks the ready endpoint every five seconds.
/// let app = App::new(html::H1::new("Hello"))
///     .ready_endpoint("ready")
///     .server(Server::new().drain(Duration::from_secs(10)));
/// # app.build().unwrap();
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    pub(crate) header_timeout: Duration,
    pub(super) max_connections: usize,
    pub(super) drain: Duration,
    pub(super) stop_within: Duration,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            header_timeout: Duration::from_secs(75),
            max_connections: 10_000,
            drain: Duration::ZERO,
            stop_within: Duration::from_secs(10),
        }
    }
}

impl Server {
    /// A server with the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// How long a connection may take to send the head of its next request, the time in which it is
    /// idle included. Then it is closed. By default 75 seconds: proxies keep idle connections for
    /// 60 (nginx) and must not find them closed.
    #[must_use]
    pub fn header_timeout(mut self, time: Duration) -> Self {
        self.header_timeout = time;
        self
    }

    /// How many connections may be open at a time; by default 10,000. Further ones wait in the
    /// system's queue. Each takes a file handle, so the process's limit (`ulimit -n`) must be
    /// higher.
    #[must_use]
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = connections.max(1);
        self
    }

    /// For how long the server still accepts connections once it is asked to stop; by default not
    /// at all. Meanwhile [`ready_endpoint`](crate::App::ready_endpoint) answers 503, and each
    /// connection is closed after its next answer, so that a load balancer can turn to other
    /// servers before this one refuses anything.
    #[must_use]
    pub fn drain(mut self, time: Duration) -> Self {
        self.drain = time;
        self
    }

    /// How long open requests may take after that; by default ten seconds.
    #[must_use]
    pub fn stop_within(mut self, time: Duration) -> Self {
        self.stop_within = time;
        self
    }
}
