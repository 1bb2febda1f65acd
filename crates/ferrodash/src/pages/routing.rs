//! The two callbacks that show pages: one answers with the page of a path, one sets the title.
//!
//! They and their ids are those of Dash, so that tools and style sheets for Dash's pages work. They
//! are ordinary callbacks; nothing else in the crate treats them in a special way.

use std::collections::HashMap;
use std::error::Error;

use ferrodash_components::html::HtmlProps as _;
use ferrodash_components::{Children, ComponentExt as _, IntoChildren as _, Json, dcc, html};
use serde_json::{Value, json};

use super::layout::NotFound;
use super::registry::{PageRegistry, RegisteredPage};
use super::request::PageRequest;
use super::variables::Variables;
use crate::callback::{Args, Callback, Context, Input, Output, State};

/// Ids of the components in [`page_container`], as in Dash.
pub(crate) const LOCATION: &str = "_pages_location";
pub(crate) const CONTENT: &str = "_pages_content";
pub(crate) const STORE: &str = "_pages_store";
pub(crate) const DUMMY: &str = "_pages_dummy";

/// Names of the callback's own arguments, which inputs of the app cannot have.
pub(crate) const PATHNAME: &str = "pathname_";
pub(crate) const SEARCH: &str = "search_";

/// The script that sets the title. Dash's function is called before there is data, too, and then
/// throws.
const SET_TITLE: &str = "function(data) { if (data) document.title = data.title; }";

/// Returns the place where pages are shown.
///
/// It is put once into the layout of an app with pages; an app without a layout of its own has
/// nothing else, see [`App::with_pages`](crate::App::with_pages).
pub fn page_container() -> html::Div {
    html::Div::new((
        dcc::Location::new(LOCATION).refresh("callback-nav"),
        html::Div::new(()).id(CONTENT).disable_n_clicks(true),
        dcc::Store::new(STORE),
        html::Div::new(()).id(DUMMY).disable_n_clicks(true),
    ))
}

/// An input or state that every page gets.
#[derive(Clone)]
pub(crate) enum RoutingInput {
    Input(Input),
    State(State),
}

/// Returns the callbacks, in the form that Dash has them, with the inputs of the app.
pub(super) fn callbacks(inputs: Vec<(String, RoutingInput)>) -> [Callback; 2] {
    let args = Args::new()
        .input(PATHNAME, Input::new(LOCATION, "pathname"))
        .input(SEARCH, Input::new(LOCATION, "search"));
    let args = inputs
        .into_iter()
        .fold(args, |args, (name, input)| match input {
            RoutingInput::Input(input) => args.input(name, input),
            RoutingInput::State(state) => args.state(name, state),
        });
    let show = Callback::builder()
        .name("ferrodash::pages", "")
        .output(Output::new(CONTENT, "children"))
        .output(Output::new(STORE, "data"))
        .args(args)
        // The location sets its properties once it is drawn, which calls it.
        .prevent_initial_call()
        .hidden()
        .handler(show);
    let title = Callback::builder()
        .name("ferrodash::pages::title", "")
        .output(Output::new(DUMMY, "children"))
        .input(Input::new(STORE, "data"))
        .hidden()
        .clientside(SET_TITLE);
    [show, title]
}

/// The values for content and title.
type Shown = Result<(Children, Json<Value>), Box<dyn Error + Send + Sync>>;

/// Returns the page of a path, and its title.
///
/// The result goes to the store whose change sets the title, so content and title always belong
/// together.
async fn show(mut arguments: HashMap<String, Value>, context: Context) -> Shown {
    let mut text = |name: &str| match arguments.remove(name) {
        Some(Value::String(text)) => text,
        _ => String::new(),
    };
    let (pathname, search) = (text(PATHNAME), text(SEARCH));
    let pages = context.page_registry();
    let found = pages
        .paths()
        .strip_relative_path(&pathname)
        .and_then(|path| pages.find(path));
    let (page, variables) = found.map_or((None, Variables::default()), |(page, found)| {
        (Some(page), found)
    });
    let request = PageRequest::new(pathname, variables, &search, arguments, context.clone());
    let Some(page) = page else {
        return not_found(pages, request).await;
    };
    match page.layout.make(request.clone()).await {
        Ok(content) => Ok(shown(content, page, request.path_variables())),
        Err(error) if error.is::<NotFound>() => not_found(pages, request).await,
        Err(error) => Err(error),
    }
}

/// Returns the app's page for paths that are not found, or Dash's. The app's page can itself fail
/// with [`NotFound`].
async fn not_found(pages: &PageRegistry, request: PageRequest) -> Shown {
    if let Some(page) = pages.not_found() {
        match page.layout.make(request.without_variables()).await {
            Ok(content) => return Ok(shown(content, page, &Variables::default())),
            Err(error) if error.is::<NotFound>() => {}
            Err(error) => return Err(error),
        }
    }
    let content = html::H1::new("404 - Page not found").into_children();
    Ok((content, Json(json!({"title": pages.title}))))
}

/// Returns the content with the title that belongs to it.
fn shown(
    content: Children,
    page: &RegisteredPage,
    variables: &Variables,
) -> (Children, Json<Value>) {
    (content, Json(json!({"title": page.title.of(variables)})))
}
