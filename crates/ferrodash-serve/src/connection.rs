//! One connection: its time limits, and the end of its requests when the client leaves.

use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderValue, Request, Response, Version, header};
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use hyper::body::{Body as HttpBody, Frame, Incoming};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::{Sleep, sleep, timeout};
use tower::ServiceExt;

use crate::settings::Server;
use crate::stop::{Phase, Phases};

/// How often it is looked whether the client of a request that takes longer than this has left.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How long a connection that has sent nothing may still do so when the server closes.
const LAST_LOOK: Duration = Duration::from_millis(500);

/// How long a client may take nothing of an answer before the connection is closed.
const STALLED: Duration = Duration::from_secs(60);

/// What HTTP/2 begins with (RFC 9113, section 3.4).
const HTTP2: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Put beside each request: whether the server is on its way to its end.
#[derive(Debug, Clone)]
pub struct Stopping(Phases);

impl Stopping {
    /// Returns whether the server was asked to stop.
    pub fn has_begun(&self) -> bool {
        self.0.is_stopping()
    }

    /// Waits until the server is asked to stop. Can be dropped at any time.
    pub async fn begun(&mut self) {
        self.0.reached(Phase::Draining).await;
    }
}

/// Serves a connection until it is closed by either side.
pub(crate) async fn serve_connection(
    stream: TcpStream,
    router: Router,
    settings: &Server,
    mut phases: Phases,
) {
    // An answer is written at once and whole, so there is nothing to gather.
    let _ = stream.set_nodelay(true);
    let Ok(remote) = stream.peer_addr() else {
        return;
    };
    let Some(is_http2) = begins(&stream, settings, phases.clone()).await else {
        return;
    };
    let (reader, writer) = stream.into_split();
    let writer = Arc::new(writer);
    let service = service_fn({
        let (writer, phases) = (writer.clone(), phases.clone());
        move |mut request: Request<Incoming>| {
            let (router, writer, phases) = (router.clone(), writer.clone(), phases.clone());
            request.extensions_mut().insert(ConnectInfo(remote));
            request.extensions_mut().insert(Stopping(phases.clone()));
            answer(router, request, writer, phases)
        }
    });
    let builder = builder(settings, is_http2);
    let mut connection = pin!(builder.serve_connection_with_upgrades(
        Socket {
            reader: TokioIo::new(reader),
            writer,
            stalled: None
        },
        service
    ));
    let result = tokio::select! {
        // What was sent already is read before the end of the server is looked at.
        biased;
        result = connection.as_mut() => result,
        () = phases.reached(Phase::Closing) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, %remote, "a connection ended early");
    }
}

fn builder(settings: &Server, is_http2: bool) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(settings.header_timeout);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(20));
    if is_http2 {
        builder.http2_only()
    } else {
        builder.http1_only()
    }
}

/// Waits for the first bytes of a connection, and says whether they are those of HTTP/2; `None` if
/// they do not come in time, or not before the server is to close.
async fn begins(stream: &TcpStream, settings: &Server, mut phases: Phases) -> Option<bool> {
    let first = timeout(settings.header_timeout, speaks_http2(stream));
    let mut first = pin!(first);
    let seen = tokio::select! {
        biased;
        seen = first.as_mut() => seen,
        // Browsers open connections that they may never use.
        () = phases.reached(Phase::Closing) => timeout(LAST_LOOK, first).await.ok()?,
    };
    seen.ok()?.ok()
}

/// Whether a connection begins as one of HTTP/2 does.
async fn speaks_http2(stream: &TcpStream) -> io::Result<bool> {
    let (mut start, mut pause) = ([0; HTTP2.len()], Duration::from_millis(10));
    loop {
        let length = stream.peek(&mut start).await?;
        if length == HTTP2.len() || length == 0 || start[..length] != HTTP2[..length] {
            return Ok(start == *HTTP2);
        }
        // Peeking again gives the same bytes at once.
        sleep(pause).await;
        pause = (2 * pause).min(Duration::from_secs(1));
    }
}

/// The answer of a request, for as long as its client is there.
async fn answer(
    router: Router,
    request: Request<Incoming>,
    socket: Arc<OwnedWriteHalf>,
    phases: Phases,
) -> Result<Response<Body>, io::Error> {
    let is_http1 = request.version() <= Version::HTTP_11;
    let mut response = tokio::select! {
        // An answer that is there at once costs no timer.
        biased;
        response = router.oneshot(request.map(Body::new)) => response.unwrap_or_else(|never| match never {}),
        () = left(&socket) => return Err(io::ErrorKind::ConnectionAborted.into()),
    };
    if is_http1 && phases.is_stopping() {
        response
            .headers_mut()
            .insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    // A body whose length is not known yet is made while it is sent.
    if response.body().size_hint().exact().is_some() {
        return Ok(response);
    }
    let left = async move { left(&socket).await }.boxed();
    Ok(response.map(|body| Body::new(Watched { body, left })))
}

/// A body that ends when its client leaves.
struct Watched {
    body: Body,
    left: BoxFuture<'static, ()>,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        ready!(self.left.poll_unpin(cx));
        Poll::Ready(Some(Err(
            io::Error::from(io::ErrorKind::ConnectionAborted).into()
        )))
    }
}

/// Waits until the client closes its side. hyper notices that only while nothing of the client's is
/// unread, so a second request on the connection would hide it.
async fn left(socket: &OwnedWriteHalf) {
    loop {
        sleep(LOOK_EVERY).await;
        let state = socket.ready(Interest::READABLE).now_or_never();
        if state.is_some_and(|state| state.is_ok_and(|state| state.is_read_closed())) {
            return;
        }
    }
}

/// A connection that hyper reads and writes while its state can be looked at.
struct Socket {
    reader: TokioIo<OwnedReadHalf>,
    /// Shared with the requests in progress, which look whether the client has left.
    writer: Arc<OwnedWriteHalf>,
    /// Ends the connection, while the client takes nothing of what is sent.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Read for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.reader).poll_read(cx, into)
    }
}

impl Write for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.try_when_ready(cx, |stream| stream.try_write(bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(socket2::SockRef::from(self.stream()).shutdown(std::net::Shutdown::Write))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.try_when_ready(cx, |stream| stream.try_write_vectored(parts))
    }
}

impl Socket {
    fn stream(&self) -> &TcpStream {
        (*self.writer).as_ref()
    }

    fn try_when_ready(
        &mut self,
        cx: &mut Context<'_>,
        write: impl Fn(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            if self.stream().poll_write_ready(cx)?.is_pending() {
                ready!(
                    self.stalled
                        .get_or_insert_with(|| Box::pin(sleep(STALLED)))
                        .as_mut()
                        .poll(cx)
                );
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            match write(self.stream()) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => {
                    self.stalled = None;
                    return Poll::Ready(result);
                }
            }
        }
    }
}
