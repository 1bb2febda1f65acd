//! What a callback does beside writing its outputs: side updates, cookies, headers, timings.

use std::borrow::Cow;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue};
use ferrodash_components::{Id, Prop};

use crate::callback::run::outcome::OutputValue;
use crate::sync::lock;

/// The effects of one call, gathered while its function runs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Effects(Arc<Mutex<Gathered>>);

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
    /// Whether it is added to others of its name, or replaces them.
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
    fn with<R>(&self, change: impl FnOnce(&mut Gathered) -> R) -> R {
        change(&mut lock(&self.0))
    }

    /// Sets a property; the last value of a property wins.
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

    pub(crate) fn take_side_updates(&self) -> Vec<SideUpdate> {
        self.with(|all| std::mem::take(&mut all.side_updates))
    }

    /// The name of the first header that was set.
    pub(crate) fn first_header(&self) -> Option<HeaderName> {
        self.with(|all| all.headers.first().map(|header| header.name.clone()))
    }

    pub(crate) fn take_headers(&self) -> Vec<Header> {
        self.with(|all| std::mem::take(&mut all.headers))
    }

    pub(crate) fn take_timings(&self) -> Vec<Timing> {
        self.with(|all| std::mem::take(&mut all.timings))
    }
}
