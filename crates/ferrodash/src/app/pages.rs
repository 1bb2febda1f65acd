//! The pages of an app: [`Page`] and what `App` says about all of them.

use super::{App, BuiltApp};
use crate::callback::{Input, State};
use crate::pages::routing::RoutingInput;
use crate::pages::{Page, PageRegistry, page_container};

impl App {
    /// An app that shows nothing but pages: its layout is
    /// [`page_container`](crate::page_container).
    #[track_caller]
    pub fn with_pages(pages: impl IntoIterator<Item = Page>) -> Self {
        Self::new(page_container()).pages(pages)
    }

    /// Adds pages, usually those of [`pages!`](crate::pages). Their place is
    /// [`page_container`](crate::page_container) in the layout.
    pub fn pages(mut self, pages: impl IntoIterator<Item = Page>) -> Self {
        self.pages.pages.extend(pages);
        self
    }

    /// An input that the layouts of all pages get, see
    /// [`PageRequest::input`](crate::PageRequest::input). Pages are made again when it changes. Its
    /// component is in the app's layout.
    ///
    /// ```
    /// use ferrodash::prelude::*;
    ///
    /// async fn home(request: PageRequest) -> Result<html::H1, CallbackError> {
    ///     let language: Option<String> = request.input("language")?;
    ///     Ok(html::H1::new(if language.as_deref() == Some("de") { "Willkommen" } else { "Welcome" }))
    /// }
    ///
    /// let layout = html::Div::new((dcc::Dropdown::new().id("language").options(["en", "de"]), page_container()));
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

    /// The same for a state: its change does not make the page again.
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

    /// What the app is about, for pages without a description of their own.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.pages.description = Some(description.into());
        self
    }

    /// Whether the page that the browser loads has the title of its path's page and tags about it;
    /// by default it has. Without them it is the same for every path, and is compressed once.
    pub fn include_pages_meta(mut self, include: bool) -> Self {
        self.pages.has_metas = include;
        self
    }
}

impl BuiltApp {
    /// The pages, in their order.
    pub fn page_registry(&self) -> &PageRegistry {
        &self.state.pages
    }
}
