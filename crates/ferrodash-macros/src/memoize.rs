//! `#[memoize]`: the function behind a look-up in the current cache.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::{Error, FnArg, Ident, ItemFn, Pat, Result, ReturnType, Signature, Type, parse_quote};

use crate::args::{DurationArg, check_function, keys, once, value, version};

/// The arguments of the attribute.
pub(crate) struct Arguments {
    timeout: DurationArg,
}

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut timeout = None;
        keys(input, "timeout", |key, input| {
            if key != "timeout" {
                return Ok(false);
            }
            once(&timeout, key)?;
            timeout = Some(value(input)?);
            Ok(true)
        })?;
        let missing = || Error::new(input.span(), "memoize needs a timeout: #[memoize(timeout = \"5m\")]");
        Ok(Self { timeout: timeout.ok_or_else(missing)? })
    }
}

/// One parameter: its name, and whether it is a reference, which is made owned for the task that computes.
struct Parameter {
    name: Ident,
    is_reference: bool,
}

/// A function of the same signature, and a type of its name with what else there is to do with its calls.
pub(crate) fn expand(arguments: Arguments, function: ItemFn) -> Result<TokenStream> {
    check_function(&function, "memoize")?;
    let parameters = parameters(&function)?;
    let Arguments { timeout } = arguments;
    let ItemFn { attrs, vis, .. } = &function;
    let sig = without_mut(&function.sig);
    let name = &sig.ident;
    let result: Type = match &sig.output {
        ReturnType::Default => parse_quote!(()),
        ReturnType::Type(_, ty) => (**ty).clone(),
    };
    let names: Vec<&Ident> = parameters.iter().map(|parameter| &parameter.name).collect();
    let owned = parameters.iter().map(|Parameter { name, is_reference }| match is_reference {
        true => quote!(let #name = ::std::borrow::ToOwned::to_owned(#name);),
        false => quote!(let #name = #name;),
    });
    let passed = parameters.iter().map(|Parameter { name, is_reference }| match is_reference {
        true => quote!(&#name),
        false => quote!(#name),
    });
    let handles = handles(&function, &sig, &names);
    // Names of their own, which no parameter of the function can have.
    let [policy, arguments] = ["policy", "arguments"].map(|name| Ident::new(name, Span::mixed_site()));
    Ok(quote! {
        #(#attrs)*
        #vis #sig {
            use ::ferrodash::memo::{ProbeFallible as _, ProbePlain as _};
            let #policy = ::ferrodash::Policy::new(#timeout);
            #(#owned)*
            let #arguments = ::ferrodash::memo::Arguments::of(&#name::FUNCTION, &(#(&#names,)*));
            (&::ferrodash::memo::Probe::<#result>::new())
                .kind()
                .run(#name::FUNCTION, #arguments, &#policy, move || async move { #name::uncached(#(#passed),*).await })
                .await
        }

        #handles
    })
}

/// The type of the function's name: the key of a call, forgetting one, and the function as it was written.
fn handles(function: &ItemFn, sig: &Signature, names: &[&Ident]) -> TokenStream {
    let ItemFn { vis, block, .. } = function;
    let (name, text, version) = (&sig.ident, sig.ident.to_string(), version(function));
    let Signature { generics, inputs, .. } = sig;
    let bounds = &generics.where_clause;
    let mut uncached = function.sig.clone();
    uncached.ident = Ident::new("uncached", sig.ident.span());
    let doc = format!("What can be done with calls of [`{text}`](fn@{text}) beside making them.");
    quote! {
        #[doc = #doc]
        #[allow(non_camel_case_types, clippy::allow_attributes)]
        #vis struct #name {}

        #[allow(dead_code, clippy::allow_attributes)]
        impl #name {
            const FUNCTION: ::ferrodash::memo::Function = ::ferrodash::memo::Function {
                name: ::core::concat!(::core::module_path!(), "::", #text),
                version: #version,
            };

            /// The key of a call.
            #vis fn key #generics (#inputs) -> ::ferrodash::cache::Key #bounds {
                Self::FUNCTION.key(&(#(&#names,)*))
            }

            /// Forgets the kept value of a call in the current cache; one that is being computed is not kept. `false` if
            /// a tier could not be reached and may still have it.
            #vis async fn forget #generics (#inputs) -> bool #bounds {
                let key = Self::FUNCTION.key(&(#(&#names,)*));
                ::ferrodash::Cache::current().remove(&key).await
            }

            /// Calls the function without looking for a kept value, and without keeping its own.
            #vis #uncached #block
        }
    }
}

/// The signature for callers, to whom `mut` says nothing.
fn without_mut(signature: &Signature) -> Signature {
    let mut signature = signature.clone();
    for argument in &mut signature.inputs {
        if let FnArg::Typed(argument) = argument
            && let Pat::Ident(pattern) = &mut *argument.pat
        {
            pattern.mutability = None;
        }
    }
    signature
}

fn parameters(function: &ItemFn) -> Result<Vec<Parameter>> {
    let mut parameters = Vec::new();
    for argument in &function.sig.inputs {
        let FnArg::Typed(argument) = argument else { continue };
        let Pat::Ident(pattern) = &*argument.pat else {
            let message = "#[memoize] needs a plain name here, as the argument is part of the key";
            return Err(Error::new(argument.pat.span(), message));
        };
        if matches!(&*argument.ty, Type::Reference(reference) if reference.mutability.is_some()) {
            let message = "#[memoize] cannot take a mutable reference: a kept value would not write to it";
            return Err(Error::new(argument.ty.span(), message));
        }
        let is_reference = matches!(&*argument.ty, Type::Reference(_));
        parameters.push(Parameter { name: pattern.ident.clone(), is_reference });
    }
    Ok(parameters)
}
