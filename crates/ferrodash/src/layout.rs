//! The layout of an app: fixed, made of its pages, or made for each request.
//!
//! A fixed layout can be checked and rendered once; one that is made for each request can be
//! neither.

use std::borrow::Cow;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::http::HeaderMap;
use ferrodash_components::{Children, Component, IntoChildren};

use crate::hooks::Plugins;
use crate::pages::PageRegistry;

/// The content that an app shows before any callback ran. [`App::new`](crate::App::new) makes it of
/// components or of a function.
#[derive(Clone)]
pub struct Layout(pub(crate) Kind);

/// The way in which a layout is made.
#[derive(Clone)]
pub(crate) enum Kind {
    /// The same components for all requests.
    Fixed(Children),
    /// Made once, when the app is built.
    OfPages(Arc<dyn Fn(&PageRegistry) -> Children + Send + Sync>),
    /// Made for each request that loads the page.
    PerRequest(Arc<dyn Fn(&LayoutRequest) -> Children + Send + Sync>),
}

/// The request that a layout is made for.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct LayoutRequest {
    /// The headers of the request for the layout.
    pub headers: HeaderMap,
    pub(crate) pages: Arc<PageRegistry>,
}

impl LayoutRequest {
    /// Returns the pages of the app, in their order.
    pub fn page_registry(&self) -> &PageRegistry {
        &self.pages
    }
}

/// A type that can be a layout: components, or a function that makes them.
///
/// A function of a [`PageRegistry`] is called once, when the app is built. A function of a
/// [`LayoutRequest`] is called for each request, on the thread of the request. `M` tells the
/// implementations apart and is inferred.
pub trait IntoLayout<M> {
    /// Turns the value into a layout.
    fn into_layout(self) -> Layout;
}

/// Marks components.
#[doc(hidden)]
pub struct Fixed;

/// Marks a function of the pages.
#[doc(hidden)]
pub struct OfPages<T>(std::marker::PhantomData<T>);

/// Marks a function of the request.
#[doc(hidden)]
pub struct PerRequest<T>(std::marker::PhantomData<T>);

impl<T: IntoChildren> IntoLayout<Fixed> for T {
    fn into_layout(self) -> Layout {
        Layout(Kind::Fixed(self.into_children()))
    }
}

impl<F, T> IntoLayout<OfPages<T>> for F
where
    F: Fn(&PageRegistry) -> T + Send + Sync + 'static,
    T: IntoChildren,
{
    fn into_layout(self) -> Layout {
        Layout(Kind::OfPages(Arc::new(move |pages| {
            self(pages).into_children()
        })))
    }
}

impl<F, T> IntoLayout<PerRequest<T>> for F
where
    F: Fn(&LayoutRequest) -> T + Send + Sync + 'static,
    T: IntoChildren,
{
    fn into_layout(self) -> Layout {
        Layout(Kind::PerRequest(Arc::new(move |request| {
            self(request).into_children()
        })))
    }
}

impl Layout {
    /// Returns the layout of an app with these pages: a function of them is called now.
    pub(crate) fn with_pages(self, pages: &PageRegistry) -> Self {
        match self.0 {
            Kind::OfPages(make) => Self(Kind::Fixed(make(pages))),
            kind => Self(kind),
        }
    }

    /// Returns the layout as plugins change it, in their order: a fixed one now, another one each
    /// time it is made.
    pub(crate) fn changed_by(self, plugins: &Plugins) -> Self {
        if plugins.is_empty() {
            return self;
        }
        let plugins = plugins.clone();
        let change = move |layout| {
            plugins
                .iter()
                .fold(layout, |layout, plugin| plugin.layout(layout))
        };
        Self(match self.0 {
            Kind::Fixed(layout) => Kind::Fixed(change(layout)),
            Kind::OfPages(make) => Kind::OfPages(Arc::new(move |pages| change(make(pages)))),
            Kind::PerRequest(make) => {
                Kind::PerRequest(Arc::new(move |request| change(make(request))))
            }
        })
    }

    /// Calls `visit` for every component of a fixed layout, and not at all for others.
    pub(crate) fn walk<'a>(&'a self, visit: &mut dyn FnMut(Cow<'a, Component>)) {
        if let Kind::Fixed(children) = &self.0 {
            children
                .components()
                .for_each(|component| component.walk(visit));
        }
    }

    /// Returns whether the layout is the same for all requests, so that it can be checked and
    /// rendered once.
    pub(crate) fn is_fixed(&self) -> bool {
        matches!(self.0, Kind::Fixed(_))
    }

    /// Writes the layout as JSON. A panic of the app's function is an error.
    ///
    /// # Errors
    /// The reason, if the function panicked or a value cannot be written.
    pub(crate) fn render(&self, request: &LayoutRequest) -> Result<Vec<u8>, String> {
        let children = match &self.0 {
            Kind::Fixed(children) => return json(children),
            Kind::OfPages(make) => {
                std::panic::catch_unwind(AssertUnwindSafe(|| make(&request.pages)))
            }
            Kind::PerRequest(make) => std::panic::catch_unwind(AssertUnwindSafe(|| make(request))),
        };
        json(&children.map_err(|_| "the layout's function panicked".to_owned())?)
    }
}

fn json(children: &Children) -> Result<Vec<u8>, String> {
    serde_json::to_vec(children).map_err(|error| error.to_string())
}
