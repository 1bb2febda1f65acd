//! `#[memoize]`: the function behind a look-up in the current cache.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::{Error, FnArg, Ident, ItemFn, Pat, Result, ReturnType, Type, parse_quote};

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

/// A function of the same signature. The one that was written stands inside it.
pub(crate) fn expand(arguments: Arguments, function: ItemFn) -> Result<TokenStream> {
    check_function(&function, "memoize")?;
    let parameters = parameters(&function)?;
    let Arguments { timeout } = arguments;
    let ItemFn { attrs, vis, sig, .. } = &function;
    let name = &sig.ident;
    let text = name.to_string();
    let version = version(&function);
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
    let mut inner = function.clone();
    inner.attrs.clear();
    inner.vis = syn::Visibility::Inherited;
    // Names of their own, which no parameter of the function can have.
    let [function, policy, arguments] =
        ["function", "policy", "arguments"].map(|name| Ident::new(name, Span::mixed_site()));
    Ok(quote! {
        #(#attrs)*
        #vis #sig {
            #inner

            use ::ferrodash::memo::{ProbeFallible as _, ProbePlain as _};
            let #function = ::ferrodash::memo::Function {
                name: ::core::concat!(::core::module_path!(), "::", #text),
                version: #version,
            };
            let #policy = ::ferrodash::Policy::new(#timeout);
            #(#owned)*
            let #arguments = ::ferrodash::memo::Arguments::of(&#function, &(#(&#names,)*));
            (&::ferrodash::memo::Probe::<#result>::new())
                .kind()
                .run(#function, #arguments, &#policy, move || async move { #name(#(#passed),*).await })
                .await
        }
    })
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
