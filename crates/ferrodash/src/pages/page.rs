//! A page as the app describes it.
//!
//! It only collects. Paths and names that were not given, and mistakes, are found when the app is
//! built (`registry.rs`, `crate::build`).

use std::collections::BTreeMap;
use std::panic::Location;
use std::sync::Arc;

use serde::Serialize;

use super::layout::{IntoPageLayout, PageLayout};
use super::path::module_name;
use super::variables::Variables;

/// A page of an app with several: its content, and the path under which it is shown.
///
/// By convention a page is a module with `pub fn page() -> Page`, and [`pages!`](crate::pages)
/// gives it the module's name, from which path and name follow where they are not given.
///
/// ```
/// use ferrodash::prelude::*;
///
/// mod home {
///     use ferrodash::prelude::*;
///     pub fn page() -> Page {
///         Page::new(html::H1::new("Welcome")).path("/")
///     }
/// }
///
/// mod weekly_analytics {
///     use ferrodash::prelude::*;
///     pub fn page() -> Page {
///         Page::new(layout).order(2)
///     }
///     async fn layout(request: PageRequest) -> html::H1 {
///         html::H1::new(format!("Week {}", request.query("week").unwrap_or("1")))
///     }
/// }
///
/// let app = App::with_pages(pages![home, weekly_analytics]).build().expect("it has no mistakes");
/// let paths: Vec<&str> = app.page_registry().iter().map(|page| page.path()).collect();
/// assert_eq!(paths, ["/weekly-analytics", "/"]);
/// ```
#[derive(Clone)]
#[must_use = "a page does nothing until an app has it"]
pub struct Page {
    pub(super) layout: PageLayout,
    pub(super) module: Option<String>,
    pub(super) path: Option<String>,
    pub(super) path_template: Option<String>,
    pub(super) name: Option<String>,
    pub(super) title: Option<PageText>,
    pub(super) description: Option<PageText>,
    pub(super) image: Option<String>,
    pub(super) image_url: Option<String>,
    pub(super) order: Option<PageOrder>,
    pub(super) redirect_from: Vec<String>,
    pub(super) data: BTreeMap<String, serde_json::Value>,
    /// Mistakes that the builder has noted.
    pub(super) unreadable: Vec<String>,
    pub(super) location: &'static Location<'static>,
}

impl Page {
    /// Creates a page with a layout: components, or an async function that makes them of a
    /// [`PageRequest`](crate::PageRequest) each time the page is shown.
    ///
    /// A page needs a module, a path or a template; without any of them it is a mistake.
    #[track_caller]
    pub fn new<M>(layout: impl IntoPageLayout<M>) -> Self {
        Self {
            layout: layout.into_page_layout(),
            module: None,
            path: None,
            path_template: None,
            name: None,
            title: None,
            description: None,
            image: None,
            image_url: None,
            order: None,
            redirect_from: Vec::new(),
            data: BTreeMap::new(),
            unreadable: Vec::new(),
            location: Location::caller(),
        }
    }

    /// Sets the name of its module, such as `reports::weekly`, from which path and name follow
    /// where they are not given.
    ///
    /// [`pages!`](crate::pages) sets it; by default it follows from the path. The page whose module
    /// is called `not_found_404` is shown for paths that no page has.
    pub fn module(mut self, module: &str) -> Self {
        self.module = Some(module_name(module));
        self
    }

    /// Sets the module, unless the page has one. For [`pages!`](crate::pages).
    #[doc(hidden)]
    pub fn in_module(self, module: &str) -> Self {
        if self.module.is_some() {
            self
        } else {
            self.module(module)
        }
    }

    /// Sets its path, such as `/` or `/sales`. By default it follows from the template or else from
    /// the module:
    ///
    /// | given | path |
    /// |---|---|
    /// | template `/asset/<asset_id>` | `/asset/none` |
    /// | module `weekly_analytics` | `/weekly-analytics` |
    /// | module `pages::reports::weekly` | `/reports/weekly` |
    ///
    /// It must begin with a slash and be written as browsers send it, percent-encoded where it is
    /// not ASCII. Two pages with one path are a mistake.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Sets a path with variables, such as `/asset/<asset_id>`, which the layout gets. A variable
    /// also takes slashes, and may be empty.
    ///
    /// If several pages fit a path, the first one in the order of the registry is shown.
    pub fn path_template(mut self, template: impl Into<String>) -> Self {
        self.path_template = Some(template.into());
        self
    }

    /// Sets the text of links to it. By default it is the last part of the module, in words.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets its title: text, or a function of the path's variables. By default it is that of the
    /// app, or the name if the app has none.
    ///
    /// ```
    /// use ferrodash::prelude::*;
    /// let page = Page::new(html::Div::new(()))
    ///     .path_template("/asset/<asset_id>")
    ///     .title(|variables: &Variables| {
    ///         format!("Asset {}", variables.get("asset_id").unwrap_or("?"))
    ///     });
    /// ```
    pub fn title<M>(mut self, title: impl IntoPageText<M>) -> Self {
        self.title = Some(title.into_page_text());
        self
    }

    /// Sets the text that search engines and social media show below the title: text, or a function
    /// of the path's variables. By default it is [`App::description`](crate::App::description).
    pub fn description<M>(mut self, description: impl IntoPageText<M>) -> Self {
        self.description = Some(description.into_page_text());
        self
    }

    /// Sets the picture that social media show: a file of the assets folder. By default it is the
    /// one that is called like the page's module, `app` or `logo`, with an ending such as `png`.
    pub fn image(mut self, file: impl Into<String>) -> Self {
        self.image = Some(file.into());
        self
    }

    /// Sets the picture that social media show, by its whole address. It wins over
    /// [`image`](Self::image).
    pub fn image_url(mut self, url: impl Into<String>) -> Self {
        self.image_url = Some(url.into());
        self
    }

    /// Sets its place among the pages: numbers first, then texts, then pages without order, each by
    /// its value and then by module. If no page has an order, `/` is the first.
    pub fn order(mut self, order: impl Into<PageOrder>) -> Self {
        self.order = Some(order.into());
        self
    }

    /// Adds another path that leads here, with a permanent redirect (301). A path that a page has
    /// already is a mistake.
    pub fn redirect_from(mut self, path: impl Into<String>) -> Self {
        self.redirect_from.push(path.into());
        self
    }

    /// Keeps a value of the app's own with the page, such as an icon for its link;
    /// [`RegisteredPage::data`](crate::RegisteredPage::data) returns it. A value that cannot be
    /// written as JSON is a mistake.
    pub fn data(mut self, name: impl Into<String>, value: impl Serialize) -> Self {
        let name = name.into();
        match serde_json::to_value(value) {
            Ok(value) => drop(self.data.insert(name, value)),
            Err(error) => self.unreadable.push(format!(
                "its data {name:?} cannot be written as JSON: {error}"
            )),
        }
        self
    }
}

/// The place of a page among others, see [`Page::order`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum PageOrder {
    /// Before texts.
    Number(f64),
    /// After numbers.
    Text(String),
}

macro_rules! order {
    ($($type:ty),*) => {$(
        impl From<$type> for PageOrder {
            fn from(number: $type) -> Self {
                Self::Number(number.into())
            }
        }
    )*};
}
order!(i8, i16, i32, u8, u16, u32, f32, f64);

impl From<&str> for PageOrder {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for PageOrder {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// A text about a page: fixed, or made of the path's variables.
#[derive(Clone)]
pub struct PageText(pub(super) TextKind);

/// The way in which a text is made.
#[derive(Clone)]
pub(super) enum TextKind {
    Fixed(String),
    Made(Arc<dyn Fn(&Variables) -> String + Send + Sync>),
}

impl PageText {
    pub(super) fn fixed(text: impl Into<String>) -> Self {
        Self(TextKind::Fixed(text.into()))
    }

    /// Returns the text, if it is the same for all variables.
    pub(super) fn as_fixed(&self) -> Option<&str> {
        match &self.0 {
            TextKind::Fixed(text) => Some(text),
            TextKind::Made(_) => None,
        }
    }

    /// Returns the text for these variables. The app's function may panic.
    pub(super) fn of(&self, variables: &Variables) -> String {
        match &self.0 {
            TextKind::Fixed(text) => text.clone(),
            TextKind::Made(make) => make(variables),
        }
    }
}

/// A type that can be a page's title or description: text, or a function from [`Variables`] to
/// text.
///
/// The function is called for each visit, on the thread of the request. If it panics, the text is
/// empty in the HTML that is loaded; a title's panic also fails the call that shows the page. `M`
/// tells the implementations apart and is inferred.
pub trait IntoPageText<M> {
    /// Turns the value into a text about a page.
    fn into_page_text(self) -> PageText;
}

/// Marks text.
#[doc(hidden)]
pub struct FixedText;

/// Marks a function of the variables.
#[doc(hidden)]
pub struct MadeText<T>(std::marker::PhantomData<T>);

impl<T: Into<String>> IntoPageText<FixedText> for T {
    fn into_page_text(self) -> PageText {
        PageText::fixed(self)
    }
}

impl<F, T> IntoPageText<MadeText<T>> for F
where
    F: Fn(&Variables) -> T + Send + Sync + 'static,
    T: Into<String>,
{
    fn into_page_text(self) -> PageText {
        PageText(TextKind::Made(Arc::new(move |variables| {
            self(variables).into()
        })))
    }
}

impl std::fmt::Debug for Page {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let path = self.path_template.as_ref().or(self.path.as_ref());
        f.debug_struct("Page")
            .field("module", &self.module)
            .field("path", &path)
            .finish_non_exhaustive()
    }
}
