//! `#[invalidates]`: runs the function, and then invalidates tags.
//!
//! The invalidation is created before the function runs, so that it also happens if the caller is
//! dropped in between. If the function fails, it is discarded.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Error, Ident, ItemFn, LitStr, Result, ReturnType, Token};

use crate::root::Root;

/// The arguments of the attribute: texts, or templates that name arguments of the function. All of
/// them are formatted, so that the compiler reports a template that names no argument.
pub(crate) struct Arguments {
    tags: Punctuated<LitStr, Token![,]>,
}

// Reads `text, text, …`. An empty list is an error, because the attribute would have no effect.
impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let tags = Punctuated::parse_terminated(input)?;
        if tags.is_empty() {
            return Err(Error::new(
                input.span(),
                "#[invalidates] needs a tag: #[invalidates(\"orders\", \"order:{id}\")]",
            ));
        }
        Ok(Self { tags })
    }
}

/// Writes the function with the invalidation around its body. Name, arguments and return type stay
/// as they are.
///
/// The tags are formatted before the body runs, since it may move the arguments. The body becomes
/// an `async` block, so that a `return` or `?` in it ends the block and not the function, and the
/// invalidation still follows. A function that is not async, or that has no return type, is an
/// error; the compiler checks that the type is a `Result` whose error implements `From<Unreached>`.
pub(crate) fn expand(arguments: Arguments, function: ItemFn) -> Result<TokenStream> {
    let ItemFn {
        attrs,
        vis,
        sig,
        block,
        ..
    } = function;
    if sig.asyncness.is_none() {
        return Err(Error::new(
            sig.fn_token.span,
            "#[invalidates] needs an `async fn`",
        ));
    }
    let Root { private, unreached } = Root::find();
    let ReturnType::Type(_, result) = &sig.output else {
        let message = format!(
            "#[invalidates] needs a function that returns a `Result` whose error can be \
             made of `{unreached}`: an invalidation can fail, and its caller must know"
        );
        return Err(Error::new(sig.ident.span(), message));
    };
    let tags = arguments.tags.iter();
    // Names with the hygiene of this macro, which no argument and no tag can have.
    let [owed, returned] = ["owed", "returned"].map(|name| Ident::new(name, Span::mixed_site()));
    Ok(quote! {
        #(#attrs)*
        #vis #sig {
            // Made before the arguments are moved into the function; owed from here on, also if the
            // caller goes away.
            let #owed = #private::pending_invalidation([#(::std::format!(#tags)),*]);
            let #returned: #result = (async move #block).await;
            match #returned {
                ::core::result::Result::Ok(value) => {
                    #owed.complete().await?;
                    ::core::result::Result::Ok(value)
                }
                ::core::result::Result::Err(error) => {
                    #owed.discard();
                    ::core::result::Result::Err(error)
                }
            }
        }
    })
}
