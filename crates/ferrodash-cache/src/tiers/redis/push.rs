//! Messages that the server sends by itself, and their listeners.
//!
//! A connection with tracking gets one message when a name that it has read changes. A change of an
//! entry or of the marks goes to the listener, which is the cache. A change of a lease wakes the
//! callers that wait for it.

use std::sync::{Arc, OnceLock};

use redis::aio::{AsyncPushSender, SendError};
use redis::{PushInfo, PushKind, Value};
use tokio::sync::futures::Notified;
use tokio::sync::{Notify, oneshot};

use super::names::{Named, Names};
use crate::{Change, Key, Listener};

/// The number of bells, which waiters share. A bell that rings for another key costs a waiter one
/// look at its lease.
const BELLS: usize = 256;

/// The listener for changes, and the bells of callers that wait for leases.
pub(crate) struct Pushes {
    names: Arc<Names>,
    listener: OnceLock<Listener>,
    bells: Box<[Notify]>,
}

impl Pushes {
    pub(crate) fn new(names: Arc<Names>) -> Self {
        Self {
            names,
            listener: OnceLock::new(),
            bells: (0..BELLS).map(|_| Notify::new()).collect(),
        }
    }

    /// Sets the listener. Returns `false` if there is one already.
    pub(super) fn listen(&self, listener: Listener) -> bool {
        self.listener.set(listener).is_ok()
    }

    /// Returns a future that ends when the lease of a key may have changed since this call.
    pub(super) fn waiter(&self, key: &Key) -> Notified<'_> {
        self.bell(key).notified()
    }

    /// Wakes the callers that wait for the lease of a key.
    pub(super) fn wake(&self, key: &Key) {
        self.bell(key).notify_waiters();
    }

    /// Reports that changes may have been missed.
    pub(super) fn unknown(&self) {
        self.tell(Change::Unknown);
        self.bells.iter().for_each(Notify::notify_waiters);
    }

    /// Reports the changes in a message of the server, which contains names or lists of names.
    pub(crate) fn invalidated(&self, names: &[Value]) {
        for name in names {
            match name {
                Value::Array(names) | Value::Set(names) => self.invalidated(names),
                Value::BulkString(name) => match self.names.parse(name) {
                    Some(Named::Value(key)) => self.tell(Change::Entry(key)),
                    Some(Named::Lease(key)) => self.wake(&key),
                    Some(Named::Marks(_)) => self.tell(Change::Marks),
                    None => {}
                },
                // The server was flushed, or the message has an unknown form.
                _ => self.unknown(),
            }
        }
    }

    /// Calls the listener, if there is one.
    pub(super) fn tell(&self, change: Change) {
        if let Some(listener) = self.listener.get() {
            listener(change);
        }
    }

    fn bell(&self, key: &Key) -> &Notify {
        // A key is a hash, so its first byte is as good as random.
        &self.bells[usize::from(key.as_bytes()[0]) % BELLS]
    }
}

/// Receives the messages of one connection. It is dropped with the connection, whatever ended it,
/// which closes `_open`.
pub(super) struct Ear {
    pub(super) pushes: Arc<Pushes>,
    pub(super) _open: oneshot::Sender<()>,
}

impl AsyncPushSender for Ear {
    /// Handles a message. The connection calls it before it hands out the answers that follow the
    /// message, so a reader never stores a copy that it should have dropped.
    fn send(&self, push: PushInfo) -> Result<(), SendError> {
        if push.kind == PushKind::Invalidate {
            self.pushes.invalidated(&push.data);
        }
        Ok(())
    }
}
