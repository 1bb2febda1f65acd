//! Listening, and stopping when asked to.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::error::{Error, Result};
use crate::log;

/// How long open requests may take once the server is asked to stop.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// Serves a router, such as one that an app is part of, until the process is asked to stop (SIGINT or SIGTERM).
///
/// When ready, the address is printed on standard output. Asked to stop, it takes no new connections and waits at most
/// ten seconds for open requests. If the program has set no `tracing` subscriber, events are written to standard error, see
/// [`App::run`](crate::App::run).
///
/// # Errors
/// [`Error::Listen`] when the address is not free.
pub async fn serve(router: Router, address: &str) -> Result<()> {
    log::install();
    let cannot_listen = |source| Error::Listen { address: address.to_owned(), source };
    let listener = TcpListener::bind(address).await.map_err(cannot_listen)?;
    let local = listener.local_addr().map_err(cannot_listen)?;
    let stop = stop_signal().map_err(cannot_listen)?;
    announce(&local.to_string());
    let (stopping, mut stopped) = watch::channel(false);
    let signal = async move {
        stop.await;
        tracing::info!("stopping");
        stopping.send_replace(true);
    };
    // With the address of the other end, for `Context::remote`.
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, service).with_graceful_shutdown(signal).into_future();
    let deadline = async move {
        // An error means that the server ended by itself, which the other branch reports.
        let _ = stopped.wait_for(|stopping| *stopping).await;
        tokio::time::sleep(STOP_WITHIN).await;
    };
    tokio::select! {
        result = server => result.map_err(|source| Error::Serve { address: local, source }),
        () = deadline => {
            tracing::warn!("requests were still open after {STOP_WITHIN:?}");
            Ok(())
        }
    }
}

#[expect(clippy::print_stdout, reason = "whoever started the program waits for this line")]
fn announce(address: &str) {
    println!("Listening on http://{address}");
}

#[cfg(unix)]
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    })
}
