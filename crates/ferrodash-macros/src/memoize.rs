//! `#[memoize]`: the function behind a look-up in the current cache.
//!
//! This file checks the function and makes a model of it. `arguments.rs` parses the attribute, and
//! `code.rs` writes the code of the model.

mod arguments;
mod code;

use proc_macro2::TokenStream;
use quote::quote;
use syn::spanned::Spanned;
use syn::{Error, FnArg, ItemFn, Pat, Result, ReturnType, Type, parse_quote};

pub(crate) use self::arguments::Arguments;
use self::arguments::Parameter;
use self::code::Model;
use crate::args::check_memoizable;
use crate::borrowed::{borrowed, first_impl_trait, first_reference, is_borrowed, owned};
use crate::handler::parts_of_result;
use crate::place::{Place, place};
use crate::root::Root;

/// Writes the cached function, and functions beside it for its calls.
///
/// It reports the first mistake that it finds, in this order: the kind of function, its place, its
/// parameters, the key, and the type of its value. Whether these types implement the traits of
/// serde is left to the compiler.
pub(crate) fn expand(arguments: Arguments, function: ItemFn) -> Result<TokenStream> {
    check_memoizable(&function, arguments.blocking.is_some())?;
    check_place(&function)?;
    let parameters = parameters(&function)?;
    let is_method = function.sig.receiver().is_some();
    let key = key(&arguments, &parameters, is_method)?;
    let result = result(&function.sig.output)?;
    let model = Model {
        root: Root::find(),
        signature: code::signature(&function.sig),
        arguments,
        function,
        parameters,
        key,
        result,
        is_method,
    };
    Ok(model.code())
}

/// Returns the type of the function's value, which must own its data, as it outlives the call in
/// the cache. For a `Result` that is the whole type. References are refused, even `'static` ones in
/// the value, which cannot be read from bytes again; so is `impl Trait`, because the generated code
/// has to name the type.
fn result(output: &ReturnType) -> Result<Type> {
    let ty = match output {
        ReturnType::Default => return Ok(parse_quote!(())),
        ReturnType::Type(_, ty) => ty,
    };
    if first_reference(parts_of_result(ty).0).is_some() || is_borrowed(ty) {
        let message = "#[memoize] keeps what the function returns; \
                       return a type that owns its data";
        return Err(Error::new_spanned(ty, message));
    }
    if first_impl_trait(ty).is_some() {
        let message = "#[memoize] keeps what the function returns; \
                       name the type instead of `impl Trait`";
        return Err(Error::new_spanned(ty, message));
    }
    Ok((**ty).clone())
}

/// Checks that the function is where the attribute can be. The attribute adds functions, and a type
/// for a function that is not a method; an impl of a trait can contain neither.
///
/// Without this check, the compiler would report the generated functions, which the user has not
/// written. If the place cannot be found out, the function is accepted.
fn check_place(function: &ItemFn) -> Result<()> {
    let name = &function.sig.ident;
    let message = match (place(function, "memoize"), function.sig.receiver()) {
        (Some(Place::TraitImpl), _) => format!(
            "#[memoize] cannot be on a function of a trait's impl: it writes others \
             beside it, such as `{name}_forget`, which the trait does not have; memoize \
             a function, or a method of an `impl` without a trait, and call it here"
        ),
        (Some(Place::Impl), None) => {
            format!(
                "#[memoize] in an impl needs a method with `&self`; \
                 move `{name}` out of the impl"
            )
        }
        _ => return Ok(()),
    };
    Err(Error::new(name.span(), message))
}

/// Writes the tuple of references of which the key is made: `self` and the arguments that are not
/// ignored, or the user's own expression. An ignored name that is no argument is an error, and so
/// are ignored names beside a key of its own, which would have no effect.
fn key(arguments: &Arguments, parameters: &[Parameter], is_method: bool) -> Result<TokenStream> {
    let ignored = arguments.ignore.as_deref().unwrap_or_default();
    for name in ignored {
        if !parameters.iter().any(|parameter| parameter.name == *name) {
            return Err(Error::new(
                name.span(),
                format!("there is no argument `{name}` to ignore"),
            ));
        }
    }
    if let Some(key) = &arguments.key {
        return match ignored.first() {
            Some(name) => Err(Error::new(
                name.span(),
                "with a `key` of its own, nothing else is part of the key",
            )),
            None => Ok(quote!((&(#key),))),
        };
    }
    let names = parameters
        .iter()
        .map(|parameter| &parameter.name)
        .filter(|name| !ignored.contains(name));
    let me = is_method.then(|| quote!(self,));
    Ok(quote!((#me #(&#names,)*)))
}

/// Returns the parameters, and refuses those that cannot be part of a key or be moved into a task:
/// patterns other than a name, mutable references, `impl Trait`, and types that borrow in a way of
/// which no owned copy can be made. Each error is at the argument.
fn parameters(function: &ItemFn) -> Result<Vec<Parameter>> {
    let mut parameters = Vec::new();
    for argument in &function.sig.inputs {
        let FnArg::Typed(argument) = argument else {
            continue;
        };
        let Pat::Ident(pattern) = &*argument.pat else {
            let message = "#[memoize] needs a plain name here, \
                           as the argument is part of the key";
            return Err(Error::new(argument.pat.span(), message));
        };
        if matches!(&*argument.ty, Type::Reference(reference) if reference.mutability.is_some()) {
            let message = "#[memoize] cannot take a mutable reference: \
                           a kept value would not write to it";
            return Err(Error::new(argument.ty.span(), message));
        }
        if let Some(named) = first_impl_trait(&argument.ty) {
            let message = "#[memoize] needs a type here, \
                           as the argument is part of the key and is kept for a task";
            return Err(Error::new_spanned(named, message));
        }
        let name = pattern.ident.clone();
        let reference = quote!(&#name);
        let borrowed = if is_borrowed(&argument.ty) {
            Some((
                owned(&argument.ty, &reference)?,
                borrowed(&argument.ty, &reference, false)?,
            ))
        } else {
            None
        };
        parameters.push(Parameter { name, borrowed });
    }
    Ok(parameters)
}
