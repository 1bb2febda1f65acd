//! The attributes `#[callback]`, `#[memoize]` and `#[invalidates]`: sugar over
//! `ferrodash::Callback`, `ferrodash::memo` and `Cache::invalidate`.
//!
//! Each attribute is read into a model (a file of its name), which then writes what a person could
//! write with the public builder. Values of options are parsed in `args.rs`.

mod args;
mod borrowed;
mod callback;
mod handler;
mod invalidates;
mod memoize;
mod place;
mod policy;

use proc_macro::TokenStream;
use syn::parse_macro_input;

/// Makes a callback of an async function.
///
/// The function stays what it is and can be called and tested; beside it comes a type of the same
/// name with `fn callback() -> Callback`, which [`callbacks!`] collects.
///
/// | key | meaning |
/// |---|---|
/// | `output(id, property)` | what the function's value is written to; several outputs take a tuple, none `()` |
/// | `allow_duplicate` in an output | other callbacks write it too |
/// | `input(id, property)` | an argument that also triggers the callback |
/// | `state(id, property)` | an argument that does not |
/// | `debounce = "500ms"` in an input | the callback waits until the property has been still for that long |
/// | `default = expr` in an input or state | what an unset property counts as |
/// | `optional` in an input or state | its component may be missing |
/// | `args(name = input(…), name = state(…), name = args(…))` | one argument that is a struct with these fields |
/// | `cache(timeout = "5m")` | keeps the encoded answer on the server; the options of a `Policy` can follow, as for [`macro@memoize`] |
/// | `cache(client, timeout = "5m")` | keeps it in the browser as well |
/// | `cache(…, vary = "user")` | what the answer depends on beside its arguments: `user`, `roles`, `session`, `locale`, `cookie:NAME`, `header:NAME`, `path`, `trigger`, or a list |
/// | `cache(…, refresh)` | a request with `Cache-Control: no-cache` has the answer computed anew |
/// | `cache(…, negative_timeout = "5s")` | keeps errors for that long |
/// | `running(id, property, on, off)` | sets a property while the callback runs |
/// | `prevent_initial_call` | no call when the page is loaded; `= false` in an app that prevents them all |
/// | `prevent_initial_call = "initial_duplicate"` | a call although others write its outputs too |
/// | `on_error = handler` | a function of `&Failure` and `&Context` that answers when this one fails |
/// | `optional` | its components may be missing |
/// | `hidden` | not in the callback graph of Dash's developer tools |
/// | `api_endpoint = "/api/x"` | an address for other programs, with the function's arguments by name |
/// | `timeout = "10m"` | how long the function may take; see `App::call_timeout` |
/// | `dynamic_callbacks` | the function may add callbacks |
/// | `batch` | its calls may travel with others although it takes a `Context`; it then sets no cookies and headers |
///
/// An id is text or a pattern, `id!{type: "row", index: MATCH}`. Arguments are the inputs (and
/// structs) and then the states, in order; a last argument of type `Context` takes the request.
/// Types are whatever serde reads; a property that may be unset takes an `Option`.
#[proc_macro_attribute]
pub fn callback(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let arguments = parse_macro_input!(attribute as callback::Arguments);
    let function = parse_macro_input!(item as syn::ItemFn);
    callback::expand(arguments, function)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// Remembers what a function returned for its arguments.
///
/// `#[memoize(timeout = "5m")]`: equal arguments get the kept value for five minutes; calls at the
/// same time share one run. The value is kept in the current cache (the app's, inside a callback).
/// Errors are not kept. Arguments need `Serialize`, the value `Serialize` and `DeserializeOwned`,
/// the error of a `Result` needs `Clone`, as everyone who waited gets it. For a method with
/// `&self`, the type needs `Clone` and is part of the key, so `Serialize` too, unless the key is
/// given.
///
/// | key | meaning |
/// |---|---|
/// | `timeout = "5m"` | how long a value is fresh; must be given |
/// | `stale_while_revalidate = "1h"` | for so long past the timeout, the old value is given back while one run refreshes it |
/// | `stale_if_error = "1d"` | for so long past the timeout, the old value stands in when the function fails |
/// | `soft_timeout = "2s"` | how long a caller waits for the function while an old value can stand in |
/// | `hard_timeout = "5m"` | how long the function may run |
/// | `jitter = 0.1` | timeouts are shortened at random by up to this share |
/// | `early = 1.0` | refreshes before the end, by XFetch with this β |
/// | `slower_than = "10ms"` | keeps only what took at least so long |
/// | `lease = "10s"` | how long a process that died while computing is waited for |
/// | `tags = ["orders", "order:{id}"]` | what the value can be invalidated by; `{…}` names arguments |
/// | `negative_timeout = "10s"` | keeps errors for so long; they need `Serialize` and `DeserializeOwned` |
/// | `negative = function` | the same for some errors: `fn(&E) -> Option<Duration>` |
/// | `ignore = [connection]` | arguments that are no part of the key |
/// | `key = expression` | what the key is made of, in the place of all arguments |
/// | `blocking` | the function is not async and blocks; it runs on a thread for that |
///
/// Beside a function come, under its name, functions that take the same arguments:
/// `rows::forget(…)` drops the kept value of a call, `rows::refresh(…)` computes it anew,
/// `rows::uncached(…)` calls the function itself, `rows::key(…)` is the key of a call,
/// `rows::prime(…, value)` keeps a value; `rows::forget_all()` drops all. Beside a method they are
/// called `rows_forget`, `rows_refresh` and so on.
#[proc_macro_attribute]
pub fn memoize(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let arguments = parse_macro_input!(attribute as memoize::Arguments);
    let function = parse_macro_input!(item as syn::ItemFn);
    // With the function itself beside the mistake, nobody misses it.
    let mistake = |error: syn::Error, function: &syn::ItemFn| {
        let error = error.into_compile_error();
        quote::quote!(#error #function)
    };
    memoize::expand(arguments, function.clone())
        .unwrap_or_else(|error| mistake(error, &function))
        .into()
}

/// Invalidates tags in the current cache after an async function has succeeded.
///
/// `#[invalidates("orders", "order:{id}")]`: values with one of these tags are forgotten, also
/// those that are being computed; `{…}` names arguments. The function returns a `Result`, whose
/// error can be made of `ferrodash::cache::Unreached`: an invalidation that fails is an error, as
/// others may still see the old values.
#[proc_macro_attribute]
pub fn invalidates(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let arguments = parse_macro_input!(attribute as invalidates::Arguments);
    let function = parse_macro_input!(item as syn::ItemFn);
    invalidates::expand(arguments, function)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// A list of callbacks from the names of functions with `#[callback]`:
/// `callbacks![render_page, update_table]`.
#[proc_macro]
pub fn callbacks(input: TokenStream) -> TokenStream {
    let names = parse_macro_input!(input with syn::punctuated::Punctuated::<syn::Path, syn::Token![,]>::parse_terminated);
    let names = names.iter();
    quote::quote!([#(#names::callback()),*]).into()
}
