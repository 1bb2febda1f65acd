//! The way of a request: ours, one that the gateway knows, or one that is passed on.
//!
//! Apps have any prefix, and several can be on one server. So the kind of a request is read from
//! the end of its path.

mod access;
mod admin;
mod batch;
mod calls;
mod forward;
mod lists;
mod own;
mod pages;
mod request;
mod suites;

use std::sync::Arc;

use axum::extract::{Request, State as Shared};
use axum::http::Method;
use axum::response::Response;

pub(crate) use pages::{look, warm};

use crate::state::State;

/// What a path is.
#[derive(Debug, PartialEq, Eq)]
enum Route<'a> {
    /// `_dash-update-component`, below a prefix.
    Update(&'a str),
    /// `_dash-dependencies`.
    Dependencies(&'a str),
    /// `_dash-layout`.
    Layout(&'a str),
    /// A file of `_dash-component-suites`.
    Suite(&'a str),
    /// Something of the gateway below the prefix of an app, without `_ferrodash/`.
    Own(&'a str, &'a str),
    /// Everything else.
    Other,
}

impl<'a> Route<'a> {
    fn of(path: &'a str) -> Self {
        if let Some((prefix, rest)) = path.split_once("_ferrodash/")
            && prefix.ends_with('/')
        {
            return Self::Own(prefix, rest);
        }
        if let Some((prefix, _)) = path.split_once("_dash-component-suites/")
            && prefix.ends_with('/')
        {
            return Self::Suite(prefix);
        }
        let (prefix, name) = path.split_at(path.rfind('/').map_or(0, |slash| slash + 1));
        match name {
            "_dash-update-component" => Self::Update(prefix),
            "_dash-dependencies" => Self::Dependencies(prefix),
            "_dash-layout" => Self::Layout(prefix),
            _ => Self::Other,
        }
    }
}

/// Answers a request.
pub(crate) async fn serve(Shared(state): Shared<Arc<State>>, mut request: Request) -> Response {
    request::name_host(&mut request);
    let is_admin = admin::take_password(&state, &mut request);
    let path = request.uri().path().to_owned();
    if state.config.metrics.as_ref() == Some(&path) {
        return own::metrics(&state);
    }
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let line = access::Line::of(&state, &request);
    let response = answer(&state, &path, is_read, is_admin, request).await;
    line.write(&response);
    response
}

/// Chooses the route.
async fn answer(
    state: &Arc<State>,
    path: &str,
    is_read: bool,
    is_admin: bool,
    request: Request,
) -> Response {
    match Route::of(path) {
        Route::Update(prefix) if request.method() == Method::POST => {
            calls::serve(state, prefix, request).await
        }
        Route::Dependencies(prefix) if request.method() == Method::GET => {
            lists::dependencies(state, prefix, request).await
        }
        Route::Layout(_) if request.method() == Method::GET => lists::layout(state, request).await,
        Route::Suite(_) if request.method() == Method::GET => suites::serve(state, request).await,
        Route::Own(prefix, rest) => own::serve(state, prefix, rest, is_admin, request).await,
        _ if is_read && pages::may_be_page(&request) => pages::serve(state, request).await,
        _ => forward::serve(state, request).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_read_from_its_end() {
        for (path, route) in [
            ("/_dash-update-component", Route::Update("/")),
            ("/a/b/_dash-update-component", Route::Update("/a/b/")),
            ("/a/_dash-layout", Route::Layout("/a/")),
            ("/_dash-dependencies", Route::Dependencies("/")),
            ("/a/_dash-component-suites/dash/x.js", Route::Suite("/a/")),
            ("/_ferrodash/batch", Route::Own("/", "batch")),
            ("/a/_ferrodash/call/1", Route::Own("/a/", "call/1")),
            ("/", Route::Other),
            ("/x_dash-layout", Route::Other),
            ("/_dash-layout/x", Route::Other),
            ("/my_ferrodash/x", Route::Other),
            ("*", Route::Other),
        ] {
            assert_eq!(Route::of(path), route, "{path}");
        }
    }
}
