//! The methods of an app that are about pages: which there are, and the settings that all of them
//! share.
//!
//! They only collect [`Page`]s and settings; `crate::pages` makes the registry and the callbacks of
//! them when the app is built.

use super::{App, BuiltApp};
use crate::callback::{Input, State};
use crate::pages::routing::RoutingInput;
use crate::pages::{Page, PageRegistry, page_container};

impl App {
    /// Creates an app that shows nothing but pages: its layout is
    /// [`page_container`](crate::page_container).
    #[track_caller]
    pub fn with_pages(pages: impl IntoIterator<Item = Page>) -> Self {
        Self::new(page_container()).pages(pages)
    }

    /// Adds pages, usually those of [`pages!`](crate::pages).
    ///
    /// They are shown where [`page_container`](crate::page_container) is in the layout; a fixed
    /// layout without it is a mistake.
    pub fn pages(mut self, pages: impl IntoIterator<Item = Page>) -> Self {
        self.pages.pages.extend(pages);
        self
    }

    /// Adds an input that the layouts of all pages get, see
    /// [`PageRequest::input`](crate::PageRequest::input).
    ///
    /// When it changes, the page that is shown is made again. Its component is in the app's layout.
    /// Two inputs of one name are a mistake.
    ///
    /// ```
    /// use ferrodash::prelude::*;
    ///
    /// async fn home(request: PageRequest) -> Result<html::H1, CallbackError> {
    ///     let language: Option<String> = request.input("language")?;
    ///     let is_german = language.as_deref() == Some("de");
    ///     Ok(html::H1::new(if is_german { "Willkommen" } else { "Welcome" }))
    /// }
    ///
    /// let language = dcc::Dropdown::new().id("language").options(["en", "de"]);
    /// let layout = html::Div::new((language, page_container()));
    /// let app = App::new(layout)
    ///     .pages([Page::new(home).path("/")])
    ///     .routing_callback_input("language", Input::new("language", "value"));
    /// # app.build().expect("it has no mistakes");
    /// ```
    pub fn routing_callback_input(
        mut self,
        name: impl Into<String>,
        input: impl Into<Input>,
    ) -> Self {
        self.pages
            .inputs
            .push((name.into(), RoutingInput::Input(input.into())));
        self
    }

    /// Adds a state that the layouts of all pages get, as
    /// [`routing_callback_input`](Self::routing_callback_input) does; a change of it does not make
    /// the page again.
    pub fn routing_callback_state(
        mut self,
        name: impl Into<String>,
        state: impl Into<State>,
    ) -> Self {
        self.pages
            .inputs
            .push((name.into(), RoutingInput::State(state.into())));
        self
    }

    /// Sets the description of pages that have none of their own, which search engines and social
    /// media show; by default it is empty.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.pages.description = Some(description.into());
        self
    }

    /// Sets whether the HTML that the browser loads has the title of its path's page and tags about
    /// it; by default it has.
    ///
    /// Without them the HTML is the same for every path, and is compressed only once.
    pub fn include_pages_meta(mut self, include: bool) -> Self {
        self.pages.has_metas = include;
        self
    }
}

impl BuiltApp {
    /// Returns the pages, in their order.
    pub fn page_registry(&self) -> &PageRegistry {
        &self.state.pages
    }
}
