//! The attributes `#[callback]` and `#[memoize]`: sugar over `ferrodash::Callback` and `ferrodash::memo`.
//!
//! Each attribute is read into a model (`callback.rs`, `memoize.rs`), which then writes what a person could write with
//! the public builder. Values of options are parsed in `args.rs`.

mod args;
mod callback;
mod memoize;

use proc_macro::TokenStream;
use syn::parse_macro_input;

/// Makes a callback of an async function.
///
/// The function stays what it is and can be called and tested; beside it comes a type of the same name with
/// `fn callback() -> Callback`, which [`callbacks!`] collects.
///
/// | key | meaning |
/// |---|---|
/// | `output(id, property)` | what the function's value is written to; several outputs take a tuple |
/// | `input(id, property)` | an argument that also triggers the callback |
/// | `state(id, property)` | an argument that does not |
/// | `debounce = "500ms"` in an input | the callback waits until the property has been still for that long |
/// | `default = expr` in an input or state | what an unset property counts as |
/// | `cache(timeout = "5m")` | keeps the encoded answer on the server |
/// | `cache(client, timeout = "5m")` | keeps it in the browser as well |
/// | `cache(…, vary = "cookie:name")` | what the answer depends on beside its arguments; also `header:name`, `path`, `trigger`, or a list |
/// | `running(id, property, on, off)` | sets a property while the callback runs |
/// | `prevent_initial_call` | no call when the page is loaded |
///
/// Arguments are the inputs and then the states, in order; a last argument of type `Context` takes the request. Types
/// are whatever serde reads; a property that may be unset takes an `Option`.
#[proc_macro_attribute]
pub fn callback(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let arguments = parse_macro_input!(attribute as callback::Arguments);
    let function = parse_macro_input!(item as syn::ItemFn);
    callback::expand(arguments, function).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Remembers what an async function returned for its arguments.
///
/// `#[memoize(timeout = "5m")]`: equal arguments get the kept value for five minutes; calls at the same time share one
/// run. The value is kept in the current cache (the app's, inside a callback). Errors are not kept. Arguments need
/// `Serialize`, the value `Serialize` and `DeserializeOwned`, the error of a `Result` needs `Clone`, as everyone who
/// waited gets it.
///
/// Beside the function comes a type of its name with three more, which take the same arguments: `rows::forget(…)` drops
/// the kept value of a call, `rows::uncached(…)` calls the function itself, `rows::key(…)` is the key of a call.
#[proc_macro_attribute]
pub fn memoize(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let arguments = parse_macro_input!(attribute as memoize::Arguments);
    let function = parse_macro_input!(item as syn::ItemFn);
    memoize::expand(arguments, function).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// A list of callbacks from the names of functions with `#[callback]`: `callbacks![render_page, update_table]`.
#[proc_macro]
pub fn callbacks(input: TokenStream) -> TokenStream {
    let names =
        parse_macro_input!(input with syn::punctuated::Punctuated::<syn::Path, syn::Token![,]>::parse_terminated);
    let names = names.iter();
    quote::quote!([#(#names::callback()),*]).into()
}
