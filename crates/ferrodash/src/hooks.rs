//! The part of a plugin that an app needs after its set-up, and that does not know the app's
//! builder.
//!
//! Lower floors call plugins through [`Hooks`]; `crate::app` implements it for every plugin.

use std::sync::Arc;

use axum::Router;
use ferrodash_components::Children;

use crate::callback::{Context, Failure};

/// The hooks of one plugin. Every [`Plugin`](crate::Plugin) has them, and documents when each is
/// called.
pub(crate) trait Hooks: Send + Sync {
    fn name(&self) -> &str;
    fn layout(&self, layout: Children) -> Children;
    fn index(&self, template: String) -> String;
    fn routes(&self) -> Router;
    fn on_error(&self, failure: &Failure, context: &Context);
}

/// The plugins of an app, in their order.
pub(crate) type Plugins = Arc<[Arc<dyn Hooks>]>;
