//! Messages that the server sends by itself, and their listeners.
//!
//! A connection with tracking gets one message when a name that it read changes. A change of an
//! entry or of the marks goes to the listener, a change of a lease wakes those who wait for it.

use std::sync::{Arc, OnceLock};

use redis::aio::{AsyncPushSender, SendError};
use redis::{PushInfo, PushKind, Value};
use tokio::sync::futures::Notified;
use tokio::sync::{Notify, oneshot};

use super::names::{Named, Names};
use crate::{Change, Key, Listener};

/// Waiters share so many bells. One that rings for another key costs a waiter one look at its
/// lease.
const BELLS: usize = 256;

/// The listeners for changes.
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

    /// Takes the listener; `false` if there is one already.
    pub(super) fn listen(&self, listener: Listener) -> bool {
        self.listener.set(listener).is_ok()
    }

    /// Ends when the lease of a key may have changed since this call.
    pub(super) fn waiter(&self, key: &Key) -> Notified<'_> {
        self.bell(key).notified()
    }

    /// The lease of a key has changed.
    pub(super) fn wake(&self, key: &Key) {
        self.bell(key).notify_waiters();
    }

    /// Changes may have been missed.
    pub(super) fn unknown(&self) {
        self.tell(Change::Unknown);
        self.bells.iter().for_each(Notify::notify_waiters);
    }

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
                // The server was flushed, or says something that we do not understand.
                _ => self.unknown(),
            }
        }
    }

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

/// The ear of one connection. It is dropped with the connection, whatever ended it, which ends
/// `_open`.
pub(super) struct Ear {
    pub(super) pushes: Arc<Pushes>,
    pub(super) _open: oneshot::Sender<()>,
}

impl AsyncPushSender for Ear {
    /// Called by the connection before it hands out the answers that follow the push.
    fn send(&self, push: PushInfo) -> Result<(), SendError> {
        if push.kind == PushKind::Invalidate {
            self.pushes.invalidated(&push.data);
        }
        Ok(())
    }
}
