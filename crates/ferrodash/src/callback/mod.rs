//! Callbacks: what one writes and reads, its options, the function that answers it, and a call of
//! it.
//!
//! `describe/` holds what is known when the app is built; `run/` holds what happens on a call.
//! Nothing here knows HTTP routes, pages or the app's builder: a request comes in as
//! `RequestParts`, and bytes go out.

mod describe;
pub(crate) mod run;

pub use describe::arguments::Args;
pub use describe::builder::CallbackBuilder;
pub use describe::dependency::{Input, Output, State};
pub use describe::options::CacheOptions;
pub use describe::overlap::Overlap;
pub use describe::registered::Callback;
pub use run::call::{Argument, Grouping, Trigger};
pub use run::context::{Context, HeaderError};
pub use run::failure::Failure;
pub use run::handler::{CallbackArgument, CallbackArguments, Handler, LastArgument};
pub use run::identity::Identity;
pub use run::outcome::{
    CallbackError, Each, IntoAnswer, IntoCallbackError, IntoOutput, NoUpdate, OutputValue, Outputs,
    PreventUpdate, Update, no_update,
};
pub use run::patch::{Patch, PatchKey, PatchValue};

pub(crate) use describe::arguments::Parameter;
pub(crate) use describe::debounce::{Gate, Shape, Slot, Source};
pub(crate) use describe::dependency::{Names, Property, callback_id, digest};
pub(crate) use describe::options::Vary;
pub(crate) use describe::registered::{CallbackNumber, Defaults, Function, LONGEST_ID, Registered};
pub(crate) use describe::registry::Registry;
pub(crate) use describe::spec::{ApiEndpoint, Clientside, InitialCall, Running, Spec, TimeLimit};
pub(crate) use run::call::{Call, CallIds, Ids};
pub(crate) use run::effects::{Effects, Header, SideUpdate, Timing};
pub(crate) use run::handler::{
    Arguments, ErasedHandler, ErrorHandler, FailureListener, error_handler, shortened,
};
pub(crate) use run::identity::Identify;
pub(crate) use run::outcome::{Answer, CallError};
pub(crate) use run::parts::RequestParts;
pub(crate) use run::scope::Scopes;
