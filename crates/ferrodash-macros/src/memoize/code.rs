//! The code that `#[memoize]` writes: the function behind the cache, and the functions beside it.
//!
//! Generated code refers to the crate through `Root` only, and gives its own names the hygiene of
//! the macro, so that they hide none of the user's.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::ext::IdentExt;
use syn::punctuated::Punctuated;
use syn::{FnArg, Ident, ItemFn, Pat, Signature, Token, Type, parse_quote};

use super::arguments::{Arguments, Parameter};
use crate::args::version;
use crate::root::Root;

/// The parts of which the code is made. They have been checked; what is written from them can still
/// fail to compile where a type lacks a trait.
pub(super) struct Model {
    pub(super) root: Root,
    pub(super) arguments: Arguments,
    /// The function as the user wrote it. Its body goes into `uncached`.
    pub(super) function: ItemFn,
    /// The signature of the function that replaces it, as [`signature`] returns it.
    pub(super) signature: Signature,
    /// The parameters without the receiver, in their order.
    pub(super) parameters: Vec<Parameter>,
    /// The tuple of references of which the key is made. Its names are those of the parameters, so
    /// it can be written into each function that has them.
    pub(super) key: TokenStream,
    /// The type that the function returns, `()` if it names none.
    pub(super) result: Type,
    /// `true` if the function takes `&self`. The generated functions are then its siblings in the
    /// `impl`, and otherwise functions of a type with the function's name.
    pub(super) is_method: bool,
}

/// Returns the signature of the cached function: async, and without `mut`, which has no meaning for
/// callers.
pub(super) fn signature(original: &Signature) -> Signature {
    let mut signature = original.clone();
    signature.asyncness = Some(parse_quote!(async));
    for argument in &mut signature.inputs {
        if let FnArg::Typed(argument) = argument
            && let Pat::Ident(pattern) = &mut *argument.pat
        {
            // The body, to which these belong, is in `uncached`. The cached function only passes
            // the arguments.
            pattern.mutability = None;
            pattern.by_ref = None;
            pattern.subpat = None;
        }
    }
    signature
}

/// Returns the parameters with names that hide none of the user's, and these names in order. A
/// parameter may have the name of the function, which `refresh` could otherwise not call.
fn hygienic(inputs: &Punctuated<FnArg, Token![,]>) -> (Punctuated<FnArg, Token![,]>, Vec<Ident>) {
    let (mut inputs, mut names) = (inputs.clone(), Vec::new());
    for argument in &mut inputs {
        if let FnArg::Typed(argument) = argument
            && let Pat::Ident(pattern) = &mut *argument.pat
        {
            let span = pattern.ident.span().resolved_at(Span::mixed_site());
            pattern.ident.set_span(span);
            names.push(pattern.ident.clone());
        }
    }
    (inputs, names)
}

impl Model {
    /// Writes everything that replaces the function. For a function that is not a method, that
    /// includes a type of the same name: functions and types have separate namespaces, so `rows(…)`
    /// and `rows::forget(…)` both work. The type is a struct with braces, because a unit struct
    /// would also be a value of that name.
    pub(super) fn code(&self) -> TokenStream {
        let (cached, handles) = (self.cached(), self.handles());
        if self.is_method {
            return quote!(#cached #handles);
        }
        let (vis, name) = (&self.function.vis, &self.function.sig.ident);
        let doc =
            format!("What can be done with calls of [`{name}`](fn@{name}) beside making them.");
        quote! {
            #cached

            #[doc = #doc]
            #[allow(non_camel_case_types, clippy::allow_attributes)]
            #vis struct #name {}

            #[allow(dead_code, clippy::allow_attributes)]
            impl #name {
                #handles
            }
        }
    }

    /// Returns the path of a function beside the memoized one, for use in the memoized one itself.
    /// The code of the functions beside it uses `Self::` instead.
    fn path(&self, what: &str) -> TokenStream {
        let (name, what) = (&self.function.sig.ident, self.handle(what));
        if self.is_method {
            quote!(Self::#what)
        } else {
            quote!(#name::#what)
        }
    }

    /// Returns the name of that function. In an `impl`, the name of the memoized one is part of it,
    /// because several methods of the type can be memoized.
    fn handle(&self, what: &str) -> Ident {
        let name = &self.function.sig.ident;
        match (self.is_method, what) {
            // Users do not call these, and may have methods with such names.
            (true, "function" | "policy") => format_ident!("__{name}_{what}"),
            (true, _) => format_ident!("{name}_{what}"),
            (false, _) => Ident::new(what, name.span()),
        }
    }

    /// Writes the function behind the cache. It makes the key, and gives it to `Probe` with the
    /// policy and a closure that computes the value.
    ///
    /// `Probe` finds out by the resolved type whether the function returns a `Result`, whose errors
    /// are stored only on request. The macro sees only how the type is written, which may be an
    /// alias.
    fn cached(&self) -> TokenStream {
        let ItemFn { attrs, vis, .. } = &self.function;
        let (private, sig) = (&self.root.private, &self.signature);
        let (key, result) = (&self.key, &self.result);
        let [identity, policy] = ["function", "policy"].map(|what| self.path(what));
        let (run, computation) = (self.run(), self.computation());
        // A name of its own, which no parameter of the function can have.
        let arguments = Ident::new("arguments", Span::mixed_site());
        let negative = self.negative();
        quote! {
            #(#attrs)*
            #vis #sig {
                use #private::{ProbeFallible as _, ProbePlain as _};
                let #arguments = #private::Arguments::of(&#identity(), &#key);
                (&#private::Probe::<#result>::new())
                    .kind()
                    .#run(#identity(), #arguments, #policy(), #negative #computation)
                    .await
            }
        }
    }

    /// Returns the name of the method that looks the value up or computes it.
    fn run(&self) -> Ident {
        if self.arguments.negative_timeout.is_some() || self.arguments.negative.is_some() {
            format_ident!("run_with_negative")
        } else {
            format_ident!("run")
        }
    }

    /// Writes the argument of that method that says how long an error is stored, with a comma after
    /// it, or nothing if errors are not stored.
    fn negative(&self) -> TokenStream {
        match (&self.arguments.negative_timeout, &self.arguments.negative) {
            (Some(time), _) => quote!(|_| ::core::option::Option::Some(#time),),
            (None, Some(choice)) => quote!(#choice,),
            (None, None) => TokenStream::new(),
        }
    }

    /// Writes a closure that makes its own copies of the arguments and returns the future of the
    /// call. The copies are made only when a run starts.
    ///
    /// The future owns everything, as it runs in a task that can outlive the caller. It adds the
    /// tags that are templates to the run, and then calls `uncached`; for `blocking`, both happen
    /// on a thread for blocking work. The tags come before the call, which may move the arguments.
    fn computation(&self) -> TokenStream {
        let me = Ident::new("me", Span::mixed_site());
        let own_self = self
            .is_method
            .then(|| quote!(let #me = ::core::clone::Clone::clone(self);));
        let mut owned = Vec::new();
        let mut passed: Vec<_> = self.is_method.then(|| quote!(&#me)).into_iter().collect();
        for Parameter { name, borrowed } in &self.parameters {
            let (owned_form, again) = match borrowed {
                Some((owned, again)) => (owned.clone(), again.clone()),
                None => (quote!(#name), quote!(#name)),
            };
            owned.push(quote!(let #name = #owned_form;));
            passed.push(again);
        }
        let (private, uncached) = (&self.root.private, self.path("uncached"));
        let tags = self.arguments.policy.templates();
        let tags = quote!(#(#private::Run::current().tag(&::std::format!(#tags));)*);
        let call = if self.arguments.blocking.is_some() {
            quote!(#private::blocking(move || { #tags #uncached(#(#passed),*) }).await)
        } else {
            quote!({ #tags #uncached(#(#passed),*).await })
        };
        quote! {
            || {
                #own_self
                #(#owned)*
                async move { #call }
            }
        }
    }

    /// Writes the functions beside the memoized one. All of them are written in an `impl`: that of
    /// the method, or that of the added type.
    fn handles(&self) -> TokenStream {
        let invalidation = self.invalidation();
        let (refresh, prime) = (self.refresh(), self.prime());
        let (key_of, uncached) = (self.key_of(), self.uncached());
        let (identity, policy) = (self.identity(), self.policy());
        quote! {
            #invalidation
            #refresh
            #prime
            #key_of
            #uncached
            #identity
            #policy
        }
    }

    /// Writes an expression that makes the key of a call from its arguments, for the functions
    /// beside the memoized one.
    fn call_arguments(&self) -> TokenStream {
        let (private, key) = (&self.root.private, &self.key);
        let identity = self.handle("function");
        quote!(#private::Arguments::of(&Self::#identity(), &#key))
    }

    /// Writes `forget`, which removes the value of one call, and `forget_all`, which invalidates
    /// those of all calls. `forget` takes the same arguments as the function, although an ignored
    /// one is then unused.
    fn invalidation(&self) -> TokenStream {
        let (private, vis) = (&self.root.private, &self.function.vis);
        let Signature {
            generics, inputs, ..
        } = &self.signature;
        let bounds = &generics.where_clause;
        let arguments = self.call_arguments();
        let [forget, forget_all, identity] =
            ["forget", "forget_all", "function"].map(|what| self.handle(what));
        quote! {
            /// Removes the stored value of a call from the current cache; a result that is being
            /// computed is not stored.
            ///
            /// # Errors
            /// When a tier could not be reached and may still contain the value.
            #[allow(dead_code, unused_variables, clippy::allow_attributes)]
            #vis async fn #forget #generics (#inputs) -> ::core::result::Result<(), #private::Unreached> #bounds {
                #private::forget(#arguments).await
            }

            /// Invalidates the stored values of all calls in the current cache; results that are
            /// being computed are not stored.
            ///
            /// # Errors
            /// When the tier that keeps the marks could not be reached.
            #[allow(dead_code, clippy::allow_attributes)]
            #vis async fn #forget_all() -> ::core::result::Result<(), #private::Unreached> {
                Self::#identity().forget_all().await
            }
        }
    }

    /// Writes `refresh`, which computes a value whatever is stored. It calls the memoized function
    /// in another mode, so that equal refreshes at the same time share one run.
    fn refresh(&self) -> TokenStream {
        let (private, result, vis) = (&self.root.private, &self.result, &self.function.vis);
        let (name, refresh) = (&self.function.sig.ident, self.handle("refresh"));
        let Signature {
            generics, inputs, ..
        } = &self.signature;
        let bounds = &generics.where_clause;
        let (inputs, names) = hygienic(inputs);
        let call = if self.is_method {
            quote!(self.#name(#(#names),*))
        } else {
            quote!(#name(#(#names),*))
        };
        quote! {
            /// Calls the function even if its value is stored, and stores what it returns.
            #[allow(dead_code, clippy::allow_attributes)]
            #vis async fn #refresh #generics (#inputs) -> #result #bounds {
                #private::Mode::Refresh.scope(#call).await
            }
        }
    }

    /// Writes `prime`, which stores a value without a run of the function. Without a run, tags that
    /// are templates are added to a copy of the policy.
    fn prime(&self) -> TokenStream {
        let (private, result, vis) = (&self.root.private, &self.result, &self.function.vis);
        let [prime, identity, policy] =
            ["prime", "function", "policy"].map(|what| self.handle(what));
        let Signature {
            generics, inputs, ..
        } = &self.signature;
        let bounds = &generics.where_clause;
        let arguments = self.call_arguments();
        let templates: Vec<_> = self.arguments.policy.templates().collect();
        let policy = if templates.is_empty() {
            quote!(Self::#policy())
        } else {
            quote!(&::core::clone::Clone::clone(Self::#policy())#(.tag(&::std::format!(#templates)))*)
        };
        let value = Ident::new("value", Span::mixed_site());
        let mut inputs = inputs.clone();
        inputs.push(parse_quote!(#value: #result));
        quote! {
            /// Stores a value as if the function had just returned it; `false` for an error, or if
            /// no tier took it.
            #[allow(dead_code, unused_variables, clippy::allow_attributes)]
            #vis async fn #prime #generics (#inputs) -> bool #bounds {
                use #private::{ProbeFallible as _, ProbePlain as _};
                (&#private::Probe::<#result>::new())
                    .kind()
                    .prime(Self::#identity(), #arguments, #policy, #value)
                    .await
            }
        }
    }

    /// Writes `key`, which returns the key of a call. It is not async and touches no cache.
    fn key_of(&self) -> TokenStream {
        let (private, key, vis) = (&self.root.private, &self.key, &self.function.vis);
        let [key_of, identity] = ["key", "function"].map(|what| self.handle(what));
        let Signature {
            generics, inputs, ..
        } = &self.signature;
        let bounds = &generics.where_clause;
        quote! {
            /// Returns the key of a call.
            #[allow(dead_code, unused_variables, clippy::allow_attributes)]
            #vis fn #key_of #generics (#inputs) -> #private::Key #bounds {
                Self::#identity().key(&#key)
            }
        }
    }

    /// Writes `uncached`: the function as it was, under another name. It keeps `mut` and other
    /// patterns in its parameters, and is not async if the function blocks.
    fn uncached(&self) -> TokenStream {
        let ItemFn { vis, block, .. } = &self.function;
        let mut sig = self.function.sig.clone();
        sig.ident = self.handle("uncached");
        quote! {
            /// Calls the function itself; nothing is looked up or stored.
            #[allow(dead_code, clippy::allow_attributes)]
            #vis #sig #block
        }
    }

    /// Writes the hidden function that returns the identity of the memoized one, for its keys: its
    /// path, a digest of its source, and for a method the name of its type, since two types in a
    /// module can have methods of one name.
    fn identity(&self) -> TokenStream {
        let (private, identity) = (&self.root.private, self.handle("function"));
        let ItemFn { vis, sig, .. } = &self.function;
        let (text, version) = (sig.ident.unraw().to_string(), version(&self.function));
        let owner = if self.is_method {
            quote!(::core::option::Option::Some(
                ::core::any::type_name::<Self>()
            ))
        } else {
            quote!(::core::option::Option::None)
        };
        quote! {
            #[doc(hidden)]
            #vis fn #identity() -> #private::Function {
                #private::Function {
                    name: ::core::concat!(::core::module_path!(), "::", #text),
                    version: #version,
                    owner: #owner,
                }
            }
        }
    }

    /// Writes the hidden function that returns the policy of the values. The policy is made once
    /// and kept in a static, because its options are the same for all calls.
    fn policy(&self) -> TokenStream {
        let (private, vis) = (&self.root.private, &self.function.vis);
        let make = Ident::new("make", Span::mixed_site());
        let policy = self.handle("policy");
        let options = self.arguments.policy.calls();
        let timeout = &self.arguments.policy.timeout;
        quote! {
            #[doc(hidden)]
            #vis fn #policy() -> &'static #private::Policy {
                let #make = || #private::Policy::new(#timeout) #options;
                // In a block of its own: an option may name a static of the user's.
                {
                    static POLICY: ::std::sync::OnceLock<#private::Policy> =
                        ::std::sync::OnceLock::new();
                    POLICY.get_or_init(#make)
                }
            }
        }
    }
}
