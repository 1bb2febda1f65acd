//! The layout of a page: components, or an async function that makes them.
//!
//! Traits describe which functions can be one; [`PageLayout`] hides their types.

use std::error::Error;
use std::sync::Arc;

use ferrodash_components::{Children, IntoChildren};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::request::PageRequest;
use super::variables::VariableError;
use crate::error::debug_as_display;

/// The layout of a page. [`Page::new`](crate::Page::new) makes it of components or of a function.
#[derive(Clone)]
pub struct PageLayout(pub(super) Kind);

/// The way in which a layout is made.
#[derive(Clone)]
pub(super) enum Kind {
    /// The same components for all visits.
    Fixed(Children),
    /// Made by the app's function for each visit.
    Made(Arc<Make>),
}

/// The result of a page's function.
type Made = Result<Children, Box<dyn Error + Send + Sync>>;
/// The app's function, with its types erased.
type Make = dyn Fn(PageRequest) -> BoxFuture<'static, Made> + Send + Sync;

/// The error of a page's layout that shows the page for paths that are not found: nothing exists
/// under this path after all.
///
/// A [`VariableError`] becomes one with `?`. The status of the answer stays 200, as the browser has
/// loaded the app already.
///
/// ```
/// use ferrodash::NotFound;
/// use ferrodash::prelude::*;
///
/// #[derive(serde::Deserialize)]
/// struct Asset {
///     asset_id: u32,
/// }
///
/// async fn layout(request: PageRequest) -> Result<html::H1, NotFound> {
///     let Asset { asset_id } = request.path_as()?;
///     if asset_id > 100 {
///         return Err(NotFound);
///     }
///     Ok(html::H1::new(format!("Asset {asset_id}")))
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no such page")]
pub struct NotFound;

debug_as_display!(NotFound);

impl From<VariableError> for NotFound {
    fn from(_: VariableError) -> Self {
        Self
    }
}

/// A type that can be the layout of a page: components, or an async function that makes them, of a
/// [`PageRequest`](crate::PageRequest) or of nothing.
///
/// The function is called each time the page is shown, and can return a `Result`. `M` tells the
/// implementations apart and is inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the layout of a page",
    note = "it is components, or an async function that takes a `PageRequest` or nothing \
            and returns components, or a `Result` of components"
)]
pub trait IntoPageLayout<M> {
    /// Turns the value into a layout.
    fn into_page_layout(self) -> PageLayout;
}

/// Marks components.
#[doc(hidden)]
pub struct FixedLayout;

/// Marks a function of the request.
#[doc(hidden)]
pub struct OfRequest<M>(std::marker::PhantomData<M>);

/// Marks a function without arguments.
#[doc(hidden)]
pub struct OfNothing<M>(std::marker::PhantomData<M>);

impl<T: IntoChildren> IntoPageLayout<FixedLayout> for T {
    fn into_page_layout(self) -> PageLayout {
        PageLayout(Kind::Fixed(self.into_children()))
    }
}

impl<F, Fut, M: 'static> IntoPageLayout<OfRequest<M>> for F
where
    F: Fn(PageRequest) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: IntoPageContent<M>> + Send + 'static,
{
    fn into_page_layout(self) -> PageLayout {
        let make = move |request| {
            self(request)
                .map(IntoPageContent::into_page_content)
                .boxed()
        };
        PageLayout(Kind::Made(Arc::new(make)))
    }
}

impl<F, Fut, M: 'static> IntoPageLayout<OfNothing<M>> for F
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output: IntoPageContent<M>> + Send + 'static,
{
    fn into_page_layout(self) -> PageLayout {
        let make = move |_| self().map(IntoPageContent::into_page_content).boxed();
        PageLayout(Kind::Made(Arc::new(make)))
    }
}

/// A type that a page's function can return: components, or a `Result` of these.
///
/// The error [`NotFound`] shows the page for paths that are not found; with another error, or a
/// panic, the call of the page fails like any callback.
#[diagnostic::on_unimplemented(
    message = "a page cannot show `{Self}`",
    note = "it shows components and text, or a `Result` of these whose error is a \
            `std::error::Error` or text"
)]
pub trait IntoPageContent<M> {
    #[doc(hidden)]
    fn into_page_content(self) -> Made;
}

/// Marks components.
#[doc(hidden)]
pub struct Plain;

/// Marks a `Result` of components.
#[doc(hidden)]
pub struct Fallible;

impl<T: IntoChildren> IntoPageContent<Plain> for T {
    fn into_page_content(self) -> Made {
        Ok(self.into_children())
    }
}

impl<T: IntoChildren, E: Into<Box<dyn Error + Send + Sync>>> IntoPageContent<Fallible>
    for Result<T, E>
{
    fn into_page_content(self) -> Made {
        self.map(IntoChildren::into_children).map_err(Into::into)
    }
}

impl PageLayout {
    /// Returns the components, if they are the same for all requests.
    pub(crate) fn fixed(&self) -> Option<&Children> {
        match &self.0 {
            Kind::Fixed(children) => Some(children),
            Kind::Made(_) => None,
        }
    }

    /// Returns the components for a visit.
    pub(super) async fn make(&self, request: PageRequest) -> Made {
        match &self.0 {
            Kind::Fixed(children) => Ok(children.clone()),
            Kind::Made(make) => make(request).await,
        }
    }
}
