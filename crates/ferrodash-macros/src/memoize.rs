//! `#[memoize]`: the function behind a look-up in the current cache.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{
    Block, Error, Expr, FnArg, Ident, ItemFn, Pat, Result, ReturnType, Signature, Token, Type,
    parse_quote,
};

use crate::args::{DurationArg, check_memoizable, keys, once, value, version};
use crate::borrowed::{borrowed, first_impl_trait, first_reference, is_borrowed, owned};
use crate::handler::parts_of_result;
use crate::place::{Place, place};
use crate::policy::{self, PolicyArgs};

/// The arguments of the attribute.
#[derive(Default)]
pub(crate) struct Arguments {
    policy: PolicyArgs,
    key: Option<Expr>,
    ignore: Option<Vec<Ident>>,
    negative_timeout: Option<DurationArg>,
    negative: Option<Expr>,
    blocking: Option<()>,
}

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut arguments = Self::default();
        let known = format!(
            "{}, key, ignore, negative_timeout, negative and blocking",
            policy::KEYS
        );
        keys(input, &known, |key, input| arguments.take(key, input))?;
        if arguments.policy.timeout.is_none() {
            return Err(Error::new(
                input.span(),
                "memoize needs a timeout: #[memoize(timeout = \"5m\")]",
            ));
        }
        if let (Some(_), Some(negative)) = (&arguments.negative_timeout, &arguments.negative) {
            return Err(Error::new(
                negative.span(),
                "give negative_timeout for all errors, or negative for some",
            ));
        }
        Ok(arguments)
    }
}

impl Arguments {
    fn take(&mut self, key: &Ident, input: ParseStream<'_>) -> Result<bool> {
        match key.to_string().as_str() {
            "key" => {
                once(&self.key, key)?;
                self.key = Some(value(input)?);
            }
            "ignore" => {
                once(&self.ignore, key)?;
                self.ignore = Some(names(value(input)?)?);
            }
            "negative_timeout" => {
                once(&self.negative_timeout, key)?;
                self.negative_timeout = Some(value(input)?);
            }
            "negative" => {
                once(&self.negative, key)?;
                self.negative = Some(value(input)?);
            }
            "blocking" => {
                once(&self.blocking, key)?;
                self.blocking = Some(());
            }
            _ => return self.policy.take(key, input),
        }
        Ok(true)
    }
}

/// `name` or `[name, name]`.
fn names(list: Expr) -> Result<Vec<Ident>> {
    let name = |expr: &Expr| match expr {
        Expr::Path(path) => path.path.require_ident().cloned(),
        other => Err(Error::new(
            other.span(),
            "expected names of arguments, such as [connection]",
        )),
    };
    match list {
        Expr::Array(list) => list.elems.iter().map(name).collect(),
        single => Ok(vec![name(&single)?]),
    }
}

/// One parameter.
struct Parameter {
    name: Ident,
    /// The owned form and the value made of it again, if it borrows: the task that computes may
    /// outlive the caller.
    borrowed: Option<(TokenStream, TokenStream)>,
}

/// What the written code is made of.
struct Model {
    arguments: Arguments,
    function: ItemFn,
    parameters: Vec<Parameter>,
    /// What the key is made of: a tuple of references.
    key: TokenStream,
    result: Type,
    is_method: bool,
}

/// The function, now cached, and beside it what else there is to do with its calls.
pub(crate) fn expand(arguments: Arguments, function: ItemFn) -> Result<TokenStream> {
    check_memoizable(&function, arguments.blocking.is_some())?;
    check_place(&function)?;
    let parameters = parameters(&function)?;
    let is_method = function.sig.receiver().is_some();
    let key = key(&arguments, &parameters, is_method)?;
    let result = match &function.sig.output {
        ReturnType::Default => parse_quote!(()),
        ReturnType::Type(_, ty)
            if first_reference(parts_of_result(ty).0).is_some() || is_borrowed(ty) =>
        {
            let message =
                "#[memoize] keeps what the function returns; return a type that owns its data";
            return Err(Error::new_spanned(ty, message));
        }
        ReturnType::Type(_, ty) if first_impl_trait(ty).is_some() => {
            let message = "#[memoize] keeps what the function returns; name the type in the place of `impl Trait`";
            return Err(Error::new_spanned(ty, message));
        }
        ReturnType::Type(_, ty) => (**ty).clone(),
    };
    let model = Model {
        arguments,
        function,
        parameters,
        key,
        result,
        is_method,
    };
    let (cached, handles) = (model.cached(), model.handles());
    let (vis, name) = (&model.function.vis, &model.function.sig.ident);
    if is_method {
        return Ok(quote!(#cached #handles));
    }
    let doc = format!("What can be done with calls of [`{name}`](fn@{name}) beside making them.");
    Ok(quote! {
        #cached

        #[doc = #doc]
        #[allow(non_camel_case_types, clippy::allow_attributes)]
        #vis struct #name {}

        #[allow(dead_code, clippy::allow_attributes)]
        impl #name {
            #handles
        }
    })
}

impl Model {
    /// The path of a function beside the memoized one.
    fn path(&self, what: &str) -> TokenStream {
        let (name, what) = (&self.function.sig.ident, self.handle(what));
        if self.is_method {
            quote!(Self::#what)
        } else {
            quote!(#name::#what)
        }
    }

    /// What that function is called: in an impl, all stand side by side.
    fn handle(&self, what: &str) -> Ident {
        let name = &self.function.sig.ident;
        match (self.is_method, what) {
            // These are not for users, who may have methods of such names.
            (true, "function" | "policy") => format_ident!("__{name}_{what}"),
            (true, _) => format_ident!("{name}_{what}"),
            (false, _) => Ident::new(what, name.span()),
        }
    }

    /// The signature of what replaces the function: async, and without `mut`, which says nothing to
    /// callers.
    fn signature(&self) -> Signature {
        let mut signature = self.function.sig.clone();
        signature.asyncness = Some(parse_quote!(async));
        for argument in &mut signature.inputs {
            if let FnArg::Typed(argument) = argument
                && let Pat::Ident(pattern) = &mut *argument.pat
            {
                pattern.mutability = None;
                pattern.by_ref = None;
                pattern.subpat = None;
            }
        }
        signature
    }

    /// The parameters with names that hide none of the user's: a parameter may be called as the
    /// function is.
    fn hygienic(
        inputs: &Punctuated<FnArg, Token![,]>,
    ) -> (Punctuated<FnArg, Token![,]>, Vec<Ident>) {
        let (mut inputs, mut names) = (inputs.clone(), Vec::new());
        for argument in &mut inputs {
            if let FnArg::Typed(argument) = argument
                && let Pat::Ident(pattern) = &mut *argument.pat
            {
                pattern
                    .ident
                    .set_span(pattern.ident.span().resolved_at(Span::mixed_site()));
                names.push(pattern.ident.clone());
            }
        }
        (inputs, names)
    }

    /// The function behind the cache.
    fn cached(&self) -> TokenStream {
        let Self {
            function: ItemFn { attrs, vis, .. },
            result,
            key,
            ..
        } = self;
        let sig = self.signature();
        let [identity, policy, uncached] =
            ["function", "policy", "uncached"].map(|what| self.path(what));
        // A name of its own, which no parameter of the function can have.
        let arguments = Ident::new("arguments", Span::mixed_site());
        let me = Ident::new("me", Span::mixed_site());
        let own_self = self
            .is_method
            .then(|| quote!(let #me = ::core::clone::Clone::clone(self);));
        let owned = self
            .parameters
            .iter()
            .map(|Parameter { name, borrowed }| match borrowed {
                Some((owned, _)) => quote!(let #name = #owned;),
                None => quote!(let #name = #name;),
            });
        let mut passed: Vec<TokenStream> =
            self.is_method.then(|| quote!(&#me)).into_iter().collect();
        passed.extend(
            self.parameters
                .iter()
                .map(|Parameter { name, borrowed }| match borrowed {
                    Some((_, again)) => again.clone(),
                    None => quote!(#name),
                }),
        );
        let tags = self.arguments.policy.templates();
        let tags = quote!(#(::ferrodash::cache::Run::current().tag(&::std::format!(#tags));)*);
        let call = match self.arguments.blocking {
            Some(()) => {
                quote!(::ferrodash::memo::blocking(move || { #tags #uncached(#(#passed),*) }).await)
            }
            None => quote!({ #tags #uncached(#(#passed),*).await }),
        };
        let (run, negative) = match (&self.arguments.negative_timeout, &self.arguments.negative) {
            (Some(time), _) => (
                quote!(run_with_negative),
                quote!(|_| ::core::option::Option::Some(#time),),
            ),
            (None, Some(choice)) => (quote!(run_with_negative), quote!(#choice,)),
            (None, None) => (quote!(run), quote!()),
        };
        quote! {
            #(#attrs)*
            #vis #sig {
                use ::ferrodash::memo::{ProbeFallible as _, ProbePlain as _};
                let #arguments = ::ferrodash::memo::Arguments::of(&#identity(), &#key);
                (&::ferrodash::memo::Probe::<#result>::new())
                    .kind()
                    .#run(#identity(), #arguments, #policy(), #negative || {
                        #own_self
                        #(#owned)*
                        async move { #call }
                    })
                    .await
            }
        }
    }

    /// What else there is to do with calls of the function.
    fn handles(&self) -> TokenStream {
        let Self {
            function,
            key,
            result,
            ..
        } = self;
        let ItemFn {
            vis, block, sig, ..
        } = function;
        let name = &sig.ident;
        let [
            forget,
            forget_all,
            refresh,
            prime,
            uncached,
            key_of,
            identity,
            policy,
        ] = [
            "forget",
            "forget_all",
            "refresh",
            "prime",
            "uncached",
            "key",
            "function",
            "policy",
        ]
        .map(|what| self.handle(what));
        let (own_identity, own_policy) = (quote!(Self::#identity), quote!(Self::#policy));
        let Signature {
            generics, inputs, ..
        } = self.signature();
        let (refreshed, names) = Self::hygienic(&inputs);
        let bounds = &generics.where_clause;
        let call = match self.is_method {
            true => quote!(self.#name(#(#names),*)),
            false => quote!(#name(#(#names),*)),
        };
        let uncached = self.uncached(&uncached, block);
        let hidden = self.hidden();
        let arguments = quote!(::ferrodash::memo::Arguments::of(&#own_identity(), &#key));
        let value = Ident::new("value", Span::mixed_site());
        let templates: Vec<_> = self.arguments.policy.templates().collect();
        let primed_policy = match templates.is_empty() {
            true => quote!(#own_policy()),
            false => {
                quote!(&::core::clone::Clone::clone(#own_policy())#(.tag(&::std::format!(#templates)))*)
            }
        };
        let mut with_value = inputs.clone();
        with_value.push(parse_quote!(#value: #result));
        quote! {
            /// Forgets the kept value of a call in the current cache; one that is being computed is
            /// not kept.
            ///
            /// # Errors
            /// When a tier could not be reached and may still have it.
            #[allow(dead_code, unused_variables, clippy::allow_attributes)]
            #vis async fn #forget #generics (#inputs) -> ::core::result::Result<(), ::ferrodash::cache::Unreached> #bounds {
                ::ferrodash::memo::forget(#arguments).await
            }

            /// Forgets the kept values of all calls in the current cache; those that are being
            /// computed are not kept.
            ///
            /// # Errors
            /// When the tier that keeps the marks could not be reached.
            #[allow(dead_code, clippy::allow_attributes)]
            #vis async fn #forget_all() -> ::core::result::Result<(), ::ferrodash::cache::Unreached> {
                #own_identity().forget_all().await
            }

            /// Calls the function, whatever is kept, and keeps what it returns.
            #[allow(dead_code, clippy::allow_attributes)]
            #vis async fn #refresh #generics (#refreshed) -> #result #bounds {
                ::ferrodash::cache::Mode::Refresh.scope(#call).await
            }

            /// Keeps a value as if the function had just returned it; `false` for an error, or if
            /// no tier took it.
            #[allow(dead_code, unused_variables, clippy::allow_attributes)]
            #vis async fn #prime #generics (#with_value) -> bool #bounds {
                use ::ferrodash::memo::{ProbeFallible as _, ProbePlain as _};
                (&::ferrodash::memo::Probe::<#result>::new())
                    .kind()
                    .prime(#own_identity(), #arguments, #primed_policy, #value)
                    .await
            }

            /// The key of a call.
            #[allow(dead_code, unused_variables, clippy::allow_attributes)]
            #vis fn #key_of #generics (#inputs) -> ::ferrodash::cache::Key #bounds {
                #own_identity().key(&#key)
            }

            #uncached

            #hidden
        }
    }

    /// What the others are made with: who the function is, and how its values are kept.
    fn hidden(&self) -> TokenStream {
        let Self {
            function: ItemFn { vis, sig, .. },
            result,
            ..
        } = self;
        let (text, version) = (sig.ident.unraw().to_string(), version(&self.function));
        let make = Ident::new("make", Span::mixed_site());
        let (identity, policy) = (self.handle("function"), self.handle("policy"));
        let (timeout, options) = (
            &self.arguments.policy.timeout,
            self.arguments.policy.calls(),
        );
        let owner = match self.is_method {
            true => quote!(::core::option::Option::Some(
                ::core::any::type_name::<Self>()
            )),
            false => quote!(::core::option::Option::None),
        };
        quote! {
            #[doc(hidden)]
            #vis fn #identity() -> ::ferrodash::memo::Function {
                ::ferrodash::memo::Function {
                    name: ::core::concat!(::core::module_path!(), "::", #text),
                    version: #version,
                    owner: #owner,
                }
            }

            #[doc(hidden)]
            #vis fn #policy() -> &'static ::ferrodash::Policy {
                let #make = || Self::#identity().policy::<#result>(#timeout) #options;
                // In a block of its own: an option may name a static of the user's.
                {
                    static POLICY: ::std::sync::OnceLock<::ferrodash::Policy> = ::std::sync::OnceLock::new();
                    POLICY.get_or_init(#make)
                }
            }
        }
    }

    /// The function as it was written.
    fn uncached(&self, name: &Ident, block: &Block) -> TokenStream {
        let vis = &self.function.vis;
        let mut sig = self.function.sig.clone();
        sig.ident = name.clone();
        quote! {
            /// Calls the function itself; nothing is looked up or kept.
            #[allow(dead_code, clippy::allow_attributes)]
            #vis #sig #block
        }
    }
}

/// Functions come beside the memoized one, and for a function that is no method a type: an impl of
/// a trait takes neither.
fn check_place(function: &ItemFn) -> Result<()> {
    let name = &function.sig.ident;
    let message = match (place(function, "memoize"), function.sig.receiver()) {
        (Some(Place::TraitImpl), _) => format!(
            "#[memoize] cannot be on a function of a trait's impl: it writes others beside it, such as `{name}_forget`, which \
             the trait does not have; memoize a function, or a method of an `impl` without a trait, and call it here"
        ),
        (Some(Place::Impl), None) => {
            format!(
                "#[memoize] in an impl needs a method with `&self`; move `{name}` out of the impl"
            )
        }
        _ => return Ok(()),
    };
    Err(Error::new(name.span(), message))
}

/// A tuple of what the key is made of.
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

fn parameters(function: &ItemFn) -> Result<Vec<Parameter>> {
    let mut parameters = Vec::new();
    for argument in &function.sig.inputs {
        let FnArg::Typed(argument) = argument else {
            continue;
        };
        let Pat::Ident(pattern) = &*argument.pat else {
            let message = "#[memoize] needs a plain name here, as the argument is part of the key";
            return Err(Error::new(argument.pat.span(), message));
        };
        if matches!(&*argument.ty, Type::Reference(reference) if reference.mutability.is_some()) {
            let message =
                "#[memoize] cannot take a mutable reference: a kept value would not write to it";
            return Err(Error::new(argument.ty.span(), message));
        }
        if let Some(named) = first_impl_trait(&argument.ty) {
            let message = "#[memoize] needs a type here, as the argument is part of the key and is kept for a task";
            return Err(Error::new_spanned(named, message));
        }
        let name = pattern.ident.clone();
        let reference = quote!(&#name);
        let borrowed = match is_borrowed(&argument.ty) {
            true => Some((
                owned(&argument.ty, &reference)?,
                borrowed(&argument.ty, &reference, false)?,
            )),
            false => None,
        };
        parameters.push(Parameter { name, borrowed });
    }
    Ok(parameters)
}
