//! The effects of a call beside its outputs: side updates, cookies, headers, timings.
//!
//! A [`Context`](crate::Context) gathers them while the function runs; `answer.rs` puts side
//! updates into the body, and the routes add the rest to the response.

use std::borrow::Cow;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue};
use ferrodash_components::{Id, Prop};
use ferrodash_serve::sync::lock;

use crate::callback::run::outcome::OutputValue;

/// The effects of one call, gathered while its function runs. Clones share them, so tasks of the
/// function can add some.
#[derive(Debug, Clone, Default)]
pub(crate) struct Effects(Arc<Mutex<Gathered>>);

/// The effects that were gathered until now.
#[derive(Debug, Default)]
struct Gathered {
    side_updates: Vec<SideUpdate>,
    headers: Vec<Header>,
    timings: Vec<Timing>,
}

/// A property that a callback sets without having it as an output.
#[derive(Debug)]
pub(crate) struct SideUpdate {
    pub(crate) id: Id,
    pub(crate) property: Cow<'static, str>,
    pub(crate) value: Prop,
}

/// A header of the answer.
#[derive(Debug)]
pub(crate) struct Header {
    pub(crate) name: HeaderName,
    pub(crate) value: HeaderValue,
    /// True if it is added to others of its name, false if it replaces them.
    pub(crate) append: bool,
}

/// A time that a callback measured, for `Server-Timing`.
#[derive(Debug)]
pub(crate) struct Timing {
    pub(crate) name: String,
    pub(crate) duration: Duration,
    pub(crate) description: String,
}

impl Effects {
    /// Runs `change` under the lock. No user code runs in it.
    fn with<R>(&self, change: impl FnOnce(&mut Gathered) -> R) -> R {
        change(&mut lock(&self.0))
    }

    /// Sets a property; the last value of a property wins. A value that means no update is ignored.
    pub(crate) fn set(&self, id: Id, property: Cow<'static, str>, value: OutputValue) {
        let (OutputValue::To(value) | OutputValue::Patch(value)) = value.fit(&property) else {
            return;
        };
        self.with(|all| {
            let updates = &mut all.side_updates;
            updates.retain(|update| update.id != id || update.property != property);
            updates.push(SideUpdate {
                id,
                property,
                value,
            });
        });
    }

    pub(crate) fn header(&self, header: Header) {
        self.with(|all| all.headers.push(header));
    }

    pub(crate) fn timing(&self, timing: Timing) {
        self.with(|all| all.timings.push(timing));
    }

    /// Takes the side updates, when the body is written.
    pub(crate) fn take_side_updates(&self) -> Vec<SideUpdate> {
        self.with(|all| std::mem::take(&mut all.side_updates))
    }

    /// Returns the name of the first header that was set.
    pub(crate) fn first_header(&self) -> Option<HeaderName> {
        self.with(|all| all.headers.first().map(|header| header.name.clone()))
    }

    /// Takes the headers, when the response is made.
    pub(crate) fn take_headers(&self) -> Vec<Header> {
        self.with(|all| std::mem::take(&mut all.headers))
    }

    /// Takes the timings, when the response is made.
    pub(crate) fn take_timings(&self) -> Vec<Timing> {
        self.with(|all| std::mem::take(&mut all.timings))
    }
}
