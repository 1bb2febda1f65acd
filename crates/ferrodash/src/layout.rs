//! The layout of an app: fixed, made of its pages, or made for each request.

use std::borrow::Cow;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::http::HeaderMap;
use ferrodash_components::{Children, Component, IntoChildren};

use crate::hooks::Plugins;
use crate::pages::PageRegistry;

/// What an app shows before any callback ran.
#[derive(Clone)]
pub struct Layout(pub(crate) Kind);

#[derive(Clone)]
pub(crate) enum Kind {
    Fixed(Children),
    /// Made once, when the app is built.
    OfPages(Arc<dyn Fn(&PageRegistry) -> Children + Send + Sync>),
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
    /// The pages of the app, in their order.
    pub fn page_registry(&self) -> &PageRegistry {
        &self.pages
    }
}

/// What can be a layout: components, or a function that makes them. One of a [`PageRegistry`] is
/// called once, when the app is built; one of a [`LayoutRequest`] for each request.
pub trait IntoLayout<M> {
    /// The layout.
    fn into_layout(self) -> Layout;
}

#[doc(hidden)]
pub struct Fixed;

#[doc(hidden)]
pub struct OfPages<T>(std::marker::PhantomData<T>);

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
    /// The layout of an app with these pages.
    pub(crate) fn with_pages(self, pages: &PageRegistry) -> Self {
        match self.0 {
            Kind::OfPages(make) => Self(Kind::Fixed(make(pages))),
            kind => Self(kind),
        }
    }

    /// The layout as plugins change it.
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

    /// Calls `visit` for every component of a fixed layout.
    pub(crate) fn walk<'a>(&'a self, visit: &mut dyn FnMut(Cow<'a, Component>)) {
        if let Kind::Fixed(children) = &self.0 {
            children
                .components()
                .for_each(|component| component.walk(visit));
        }
    }

    pub(crate) fn is_fixed(&self) -> bool {
        matches!(self.0, Kind::Fixed(_))
    }

    /// The layout as JSON, or why there is none.
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
