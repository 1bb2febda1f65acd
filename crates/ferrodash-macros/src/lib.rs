//! The attributes `#[callback]`, `#[memoize]` and `#[invalidates]`. They write calls of
//! `ferrodash::Callback`, `ferrodash_cache::memo` and `Cache::invalidate`.
//!
//! Each attribute is parsed into a model in a file of its name. The model then writes what a person
//! could write with the public builder. Values of options are parsed in `args.rs`. `root.rs` finds
//! the crate to which the generated code refers; this crate depends on neither of them.

mod args;
mod borrowed;
mod callback;
mod handler;
mod invalidates;
mod memoize;
mod overlap;
mod place;
mod policy;
mod property;
mod root;

use proc_macro::TokenStream;
use syn::parse_macro_input;

/// Makes a callback of an async function.
///
/// The function stays as it is and can be called and tested. The attribute adds a type of the same
/// name with `fn callback() -> Callback`, which [`callbacks!`] collects.
///
/// | key | meaning |
/// |---|---|
/// | `output(id, property)` | the target of the function's value; several outputs take a tuple, none `()` |
/// | `allow_duplicate` in an output | other callbacks write it too |
/// | `input(id, property)` | an argument that also triggers the callback |
/// | `trigger(id, property)` | no argument: an input whose change triggers the callback, and whose value nobody reads |
/// | `state(id, property)` | an argument that does not |
/// | `debounce = "500ms"` in an input | the callback waits until the property has been still for that long |
/// | `throttle = "200ms"` in an input | the callback is called at most once in that time |
/// | `max_wait = "1s"`, `leading = true`, `trailing = false`, `flush(blur, enter, submit, hide, unmount)`, `hold_callbacks = true` in an input | options of a debounce or a throttle |
/// | `default = expr` in an input or state | the value of an unset property |
/// | `optional` in an input, trigger or state | its component may be missing |
/// | `args(name = input(…), name = state(…), name = args(…))` | one argument that is a struct with these fields |
/// | `cache(timeout = "5m")` | stores the encoded answer on the server; the options of a `Policy` can follow, as for [`macro@memoize`] |
/// | `cache(client, timeout = "5m")` | stores it in the browser as well |
/// | `cache(…, vary = "user")` | what the answer depends on besides its arguments: `user`, `roles`, `session`, `locale`, `cookie:NAME`, `header:NAME`, `path`, `trigger`, or a list |
/// | `cache(…, refresh)` | a request with `Cache-Control: no-cache` recomputes the answer |
/// | `cache(…, negative_timeout = "5s")` | stores errors for that long |
/// | `running(id, property, on, off)` | sets a property while the callback runs |
/// | `prevent_initial_call` | no call when the page is loaded; `= false` in an app that prevents them all |
/// | `prevent_initial_call = "initial_duplicate"` | a call although others write its outputs too |
/// | `on_error = handler` | a function of `&Failure` and `&Context` that answers when this one fails |
/// | `optional` | its components may be missing |
/// | `hidden` | not in the callback graph of Dash's developer tools |
/// | `api_endpoint = "/api/x"` | an address for other programs, with the function's arguments by name |
/// | `timeout = "10m"` | the longest time that the function may take; see `App::call_timeout` |
/// | `dynamic_callbacks` | the function may add callbacks |
/// | `overlap = "latest"` | what happens to calls that overlap: `"latest"`, `"skip"`, `"queue(5)"` or `"parallel"` |
/// | `batch` | its calls may travel with others although it takes a `Context`; it then sets no cookies and headers |
///
/// An id is text or a pattern, `id!{type: "row", index: MATCH}`. Arguments are the inputs (and
/// structs) and then the states, in order; a last argument of type `Context` takes the request.
/// An argument can have any type that serde reads; a property that may be unset takes an `Option`.
#[proc_macro_attribute]
pub fn callback(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let arguments = parse_macro_input!(attribute as callback::Arguments);
    let function = parse_macro_input!(item as syn::ItemFn);
    callback::expand(arguments, function)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// Caches the values of a function by its arguments.
///
/// With `#[memoize(timeout = "5m")]`, calls with equal arguments get the stored value for five
/// minutes. Equal calls at the same time share one run. The value is stored in the current cache;
/// inside a callback that is the cache of the app. Errors are not stored.
///
/// Arguments must implement `Serialize`, and the value `Serialize` and `DeserializeOwned`. The
/// error of a `Result` must implement `Clone`, as each caller that waited gets it. For a method
/// with `&self`, the type must implement `Clone`; it is part of the key, so it must also implement
/// `Serialize`, unless the key is given.
///
/// The run takes place in a task of its own. A caller that is cancelled does not stop it while
/// others wait, and a panic in the function reaches each of them. A run that takes longer than
/// `hard_timeout` is stopped, and its callers panic, unless a stale value can be served.
///
/// The generated code refers to the crate `ferrodash`, or to `ferrodash-cache` if the package does
/// not depend on `ferrodash`, by the name that its manifest gives to the crate.
///
/// | key | meaning |
/// |---|---|
/// | `timeout = "5m"` | the time for which a value is fresh; must be given |
/// | `stale_while_revalidate = "1h"` | the time past the timeout for which the stale value is served while one run refreshes it |
/// | `stale_if_error = "1d"` | the time past the timeout for which the stale value is served when the function fails |
/// | `soft_timeout = "2s"` | the time that a caller waits for the function if a stale value can be served |
/// | `hard_timeout = "5m"` | the longest time that the function may run |
/// | `jitter = 0.1` | timeouts are shortened at random by up to this share |
/// | `early = 1.0` | refreshes before the end, by XFetch with this β |
/// | `slower_than = "10ms"` | stores only values that took at least this long to compute |
/// | `lease = "10s"` | the time that others wait for a process that died while computing |
/// | `tags = ["orders", "order:{id}"]` | the tags by which the value can be invalidated; `{…}` names arguments |
/// | `negative_timeout = "10s"` | stores errors for this time; they must implement `Serialize` and `DeserializeOwned` |
/// | `negative = function` | the same for some errors: `fn(&E) -> Option<Duration>` |
/// | `ignore = [connection]` | arguments that are not part of the key |
/// | `key = expression` | the key, instead of all arguments |
/// | `blocking` | the function is not async and blocks; it runs on a thread for blocking work |
///
/// For a function `rows`, the attribute adds functions that take the same arguments:
/// `rows::forget(…)` removes the stored value of a call, `rows::refresh(…)` recomputes it,
/// `rows::uncached(…)` calls the function itself, `rows::key(…)` returns the key of a call, and
/// `rows::prime(…, value)` stores a value. `rows::forget_all()` invalidates the values of all
/// calls. For a method they are called `rows_forget`, `rows_refresh` and so on.
#[proc_macro_attribute]
pub fn memoize(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let arguments = parse_macro_input!(attribute as memoize::Arguments);
    let function = parse_macro_input!(item as syn::ItemFn);
    // The function is written out beside the error, so that the compiler does not also report each
    // call of it as unknown.
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
/// With `#[invalidates("orders", "order:{id}")]`, values with one of these tags are invalidated,
/// and results that are being computed are not stored; `{…}` names arguments. If the caller is
/// cancelled after the function has begun, or if the function panics, the tags are invalidated as
/// well, because it may have written already. If the function returns an error, nothing is
/// invalidated.
///
/// The function returns a `Result` whose error implements `From<Unreached>`: an invalidation that
/// fails is an error, as others may still read the old values.
#[proc_macro_attribute]
pub fn invalidates(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let arguments = parse_macro_input!(attribute as invalidates::Arguments);
    let function = parse_macro_input!(item as syn::ItemFn);
    invalidates::expand(arguments, function)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// Makes a list of callbacks from the names of functions with `#[callback]`:
/// `callbacks![render_page, update_table]`.
///
/// The result is an array of `Callback`, in the order of the names, for `App::callbacks`. A name
/// can be a path, such as `pages::render`. A function without the attribute is a compile error.
#[proc_macro]
pub fn callbacks(input: TokenStream) -> TokenStream {
    type Names = syn::punctuated::Punctuated<syn::Path, syn::Token![,]>;
    let names = parse_macro_input!(input with Names::parse_terminated);
    let names = names.iter();
    quote::quote!([#(#names::callback()),*]).into()
}
