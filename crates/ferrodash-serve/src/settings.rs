//! The settings of a server, with their defaults.

use std::time::Duration;

/// Settings of a server. They are about connections, not about calls.
///
/// [`serve`](Self::serve) runs a server with them.
///
/// ```no_run
/// use std::time::Duration;
/// use axum::Router;
/// use ferrodash_serve::Server;
///
/// # async fn start() -> ferrodash_serve::Result<()> {
/// // Behind a load balancer that asks the ready endpoint every five seconds.
/// let server = Server::new().drain(Duration::from_secs(10));
/// server.serve(Router::new(), "127.0.0.1:8050").await
/// # }
/// ```
///
/// # Stopping
///
/// | when | connections | ready endpoint |
/// |---|---|---|
/// | before a signal | are accepted | `OK` |
/// | after SIGINT or SIGTERM, for [`drain`](Self::drain) | are accepted for one more answer | 503 |
/// | then, for at most [`stop_within`](Self::stop_within) | are refused; open requests may end | |
/// | then, or after a second signal | are closed | |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// The time for the head of a request; also the time that a connection may be idle.
    pub(crate) header_timeout: Duration,
    /// The number of connections that may be open.
    pub(crate) max_connections: usize,
    /// The time after a signal in which connections are still accepted.
    pub(crate) drain: Duration,
    /// The time after that in which open requests may end.
    pub(crate) stop_within: Duration,
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
    /// Creates a server with the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how long a connection may take to send the head of its next request, including the time
    /// in which it is idle; by default 75 seconds. Then it is closed.
    ///
    /// Proxies keep idle connections for 60 seconds (nginx) and must not find them closed.
    #[must_use]
    pub fn header_timeout(mut self, time: Duration) -> Self {
        self.header_timeout = time;
        self
    }

    /// Sets how many connections may be open at a time; by default 10,000, and at least one.
    ///
    /// Further ones wait in the system's queue until one is closed. Each connection takes a file
    /// handle, so the process's limit (`ulimit -n`) must be higher.
    #[must_use]
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = connections.max(1);
        self
    }

    /// Sets for how long the server still accepts connections after it was asked to stop; by
    /// default not at all.
    ///
    /// Meanwhile the ready endpoint of an app answers 503, and each connection is closed after its
    /// next answer, so that a load balancer can turn to other servers before this one refuses
    /// anything.
    #[must_use]
    pub fn drain(mut self, time: Duration) -> Self {
        self.drain = time;
        self
    }

    /// Sets how long open requests may take after [`drain`](Self::drain) is over; by default ten
    /// seconds. Then they are cancelled.
    #[must_use]
    pub fn stop_within(mut self, time: Duration) -> Self {
        self.stop_within = time;
        self
    }
}
