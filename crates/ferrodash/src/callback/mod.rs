//! A callback: what it writes, what it reads, its options, and the function that answers it.

pub(crate) mod answer;
mod arguments;
mod builder;
mod call;
mod check;
mod context;
mod debounce;
mod dependency;
mod effects;
mod failure;
pub(crate) mod handler;
mod identity;
pub(crate) mod key;
mod options;
pub(crate) mod outcome;
mod parts;
mod patch;
mod registered;
mod registry;
mod spec;

pub use arguments::Args;
pub use builder::CallbackBuilder;
pub use call::{Argument, Grouping, Trigger};
pub use context::{Context, HeaderError};
pub use dependency::{Input, Output, State};
pub use failure::Failure;
pub use handler::{CallbackArgument, CallbackArguments, Handler, LastArgument};
pub use identity::Identity;
pub use options::CacheOptions;
pub use outcome::{
    CallbackError, Each, IntoAnswer, IntoCallbackError, IntoOutput, NoUpdate, OutputValue, Outputs,
    PreventUpdate, Update, no_update,
};
pub use patch::{Patch, PatchKey, PatchValue};
pub use registered::Callback;

pub(crate) use arguments::Parameter;
pub(crate) use call::{Call, CallIds, Ids};
pub(crate) use debounce::{Gate, Shape, Slot, Source};
pub(crate) use dependency::{Names, Property, callback_id};
pub(crate) use effects::{Effects, Header, SideUpdate, Timing};
pub(crate) use handler::{
    Arguments, ErasedHandler, ErrorHandler, FailureListener, error_handler, shortened,
};
pub(crate) use identity::Identify;
pub(crate) use options::Vary;
pub(crate) use outcome::{Answer, CallError};
pub(crate) use parts::RequestParts;
pub(crate) use registered::{CallbackNumber, Defaults, Function, LONGEST_ID, Registered};
pub(crate) use registry::Registry;
pub(crate) use spec::{ApiEndpoint, Clientside, InitialCall, Running, Spec, TimeLimit};
