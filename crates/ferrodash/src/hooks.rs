//! What an app asks of its plugins after their set-up: the part of a plugin that does not know the
//! app's builder.

use std::sync::Arc;

use axum::Router;
use ferrodash_components::Children;

use crate::callback::{Context, Failure};

/// The hooks of one plugin. Every [`Plugin`](crate::Plugin) has them.
pub(crate) trait Hooks: Send + Sync {
    fn name(&self) -> &str;
    fn layout(&self, layout: Children) -> Children;
    fn index(&self, template: String) -> String;
    fn routes(&self) -> Router;
    fn on_error(&self, failure: &Failure, context: &Context);
}

/// The plugins of an app, in their order.
pub(crate) type Plugins = Arc<[Arc<dyn Hooks>]>;
