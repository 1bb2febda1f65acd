//! The settings of a server, with their defaults.

use std::time::Duration;

/// Settings of the server that [`App::run`](crate::App::run) and [`serve`](crate::serve()) use.
///
/// They are about connections, not about calls, whose limits are those of
/// [`App::max_calls`](crate::App::max_calls) and others. [`serve`](Self::serve) runs a server with
/// them.
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
    pub(super) max_connections: usize,
    /// The time after a signal in which connections are still accepted.
    pub(super) drain: Duration,
    /// The time after that in which open requests may end.
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
    /// Meanwhile [`ready_endpoint`](crate::App::ready_endpoint) answers 503, and each connection is
    /// closed after its next answer, so that a load balancer can turn to other servers before this
    /// one refuses anything.
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
