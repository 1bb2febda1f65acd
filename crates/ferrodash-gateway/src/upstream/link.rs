//! Connections to the servers of the app, over TCP and over unix sockets.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::http::Uri;
use futures_util::future::BoxFuture;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;
use tower::Service;

use crate::config::Upstream;

/// The time for a connection. The servers are near.
const CONNECT: Duration = Duration::from_secs(5);

/// Connects to one server, whatever address is requested.
#[derive(Debug, Clone)]
pub(super) struct Connector(pub(super) Upstream);

impl Service<Uri> for Connector {
    type Response = Link;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Link>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let server = self.0.clone();
        Box::pin(async move {
            match timeout(CONNECT, connect(&server)).await {
                Ok(link) => link,
                Err(_) => Err(io::ErrorKind::TimedOut.into()),
            }
        })
    }
}

async fn connect(server: &Upstream) -> io::Result<Link> {
    match server {
        Upstream::Tcp(address) => {
            let stream = TcpStream::connect(address).await?;
            // A request is written at once and whole, so there is nothing to gather.
            let _ = stream.set_nodelay(true);
            Ok(Link(Box::pin(TokioIo::new(stream))))
        }
        Upstream::Unix(path) => {
            let stream = UnixStream::connect(path).await?;
            Ok(Link(Box::pin(TokioIo::new(stream))))
        }
    }
}

/// A connection of either kind.
pub(super) struct Link(Pin<Box<dyn Both>>);

/// What can be read and written.
trait Both: Read + Write + Send {}

impl<T: Read + Write + Send> Both for T {}

impl Connection for Link {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for Link {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        self.0.as_mut().poll_read(context, buffer)
    }
}

impl Write for Link {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.as_mut().poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.as_mut().poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.as_mut().poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.0.as_mut().poll_write_vectored(context, parts)
    }
}
