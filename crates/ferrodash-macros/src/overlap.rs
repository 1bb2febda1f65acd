//! `overlap = "latest"`: what happens to calls of a callback that overlap.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::parse::{Parse, ParseStream};
use syn::{Error, LitStr, Result};

/// A variant of `Overlap`, which is a text in the attribute: `"latest"`, `"skip"`, `"queue(5)"` or
/// `"parallel"`.
pub(crate) struct OverlapArg(TokenStream);

impl Parse for OverlapArg {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let text: LitStr = input.parse()?;
        let value = text.value();
        let variant = match value.as_str() {
            "latest" => quote!(Latest),
            "skip" => quote!(Skip),
            "parallel" => quote!(Parallel),
            other => {
                let most = other
                    .strip_prefix("queue(")
                    .and_then(|rest| rest.strip_suffix(')'))
                    .and_then(|most| most.trim().parse::<u32>().ok())
                    .filter(|most| *most > 0);
                let Some(most) = most else {
                    return Err(Error::new(
                        text.span(),
                        "expected \"latest\", \"skip\", \"parallel\", or \"queue(5)\" with \
                         how many calls may wait",
                    ));
                };
                quote!(Queue(#most))
            }
        };
        Ok(Self(variant))
    }
}

impl ToTokens for OverlapArg {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let variant = &self.0;
        tokens.extend(quote!(::ferrodash::Overlap::#variant));
    }
}
