//! The visit of a page, as its layout sees it.

use std::collections::HashMap;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::variables::{VariableError, Variables};
use crate::callback::Context;

/// A visit of a page: the path with its variables, the query, and the request of the callback that
/// shows pages.
///
/// Paths are as the browser has them, percent-encoded; values of the query are decoded. Cloning it
/// copies the path and shares the request.
#[derive(Debug, Clone)]
pub struct PageRequest {
    pathname: String,
    path: Variables,
    query: Variables,
    /// The values of the app's own inputs, by name.
    inputs: HashMap<String, Value>,
    context: Context,
}

impl PageRequest {
    /// Makes the visit of a path. `search` is the query with its question mark.
    pub(super) fn new(
        pathname: String,
        path: Variables,
        search: &str,
        inputs: HashMap<String, Value>,
        context: Context,
    ) -> Self {
        Self {
            pathname,
            path,
            query: Variables::of_query(search),
            inputs,
            context,
        }
    }

    /// Returns the path in the browser, with the app's prefix.
    pub fn pathname(&self) -> &str {
        &self.pathname
    }

    /// Returns a variable of the path, by its name in the page's template.
    pub fn path_variable(&self, name: &str) -> Option<&str> {
        self.path.get(name)
    }

    /// Returns all variables of the path.
    pub fn path_variables(&self) -> &Variables {
        &self.path
    }

    /// Reads the variables of the path as a struct with their names as fields.
    ///
    /// # Errors
    /// [`VariableError`] that names the variable which does not fit; with `?` it can become
    /// [`NotFound`](crate::NotFound).
    pub fn path_as<T: DeserializeOwned>(&self) -> Result<T, VariableError> {
        self.path.read()
    }

    /// Returns a value of the query; the first one if the name is there several times.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.get(name)
    }

    /// Returns all values that the query has for a name, in their order.
    pub fn query_all(&self, name: &str) -> Vec<&str> {
        self.query.get_all(name).collect()
    }

    /// Returns the whole query.
    pub fn query_variables(&self) -> &Variables {
        &self.query
    }

    /// Reads the query as a struct with its names as fields. A field that is a list takes all
    /// values of its name; names without a field are ignored.
    ///
    /// # Errors
    /// [`VariableError`] that names the value which does not fit.
    pub fn query_as<T: DeserializeOwned>(&self) -> Result<T, VariableError> {
        self.query.read()
    }

    /// Reads the value of an input that the app added with
    /// [`App::routing_callback_input`](crate::App::routing_callback_input) or
    /// [`App::routing_callback_state`](crate::App::routing_callback_state).
    ///
    /// # Errors
    /// [`VariableError`] if there is no such input, or if its value is not a `T`.
    pub fn input<T: DeserializeOwned>(&self, name: &str) -> Result<T, VariableError> {
        let value = self.inputs.get(name).ok_or_else(|| {
            VariableError::new(format!(
                "{name:?} is no input of the pages; App::routing_callback_input adds one"
            ))
        })?;
        T::deserialize(value)
            .map_err(|error| VariableError::new(format!("{name:?} is {value}: {error}")))
    }

    /// Returns the context of the call that shows the page: cookies, headers, who makes the
    /// request.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Returns the same visit for another page, which has no variables.
    pub(super) fn without_variables(mut self) -> Self {
        self.path = Variables::default();
        self
    }
}
