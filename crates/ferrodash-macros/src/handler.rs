//! The function of `#[callback]`: checks of its signature, and the code that calls it.
//!
//! Each argument and each value is read or written at the place of its type, so that the compiler
//! shows that type if it does not fit. The file sees types as they are written; the rest is checked
//! by traits in `ferrodash`.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{
    Error, FnArg, GenericArgument, Ident, ItemFn, Pat, PatType, Path, PathArguments, Result,
    ReturnType, Type, TypeParamBound, TypePath, TypeTuple, parse_quote_spanned,
};

use crate::borrowed::first_reference;

/// The function of a callback. It is made only for a signature that has passed all checks that need
/// no types.
pub(crate) struct Handler<'a> {
    function: &'a ItemFn,
    /// The arguments that are read from the request, in their order.
    arguments: Vec<&'a PatType>,
    /// `true` if the last argument is a `Context`, which is not in `arguments`.
    takes_context: bool,
    /// The number of outputs in the attribute.
    outputs: usize,
}

impl<'a> Handler<'a> {
    /// Checks what can be seen in the function's signature: each argument owns its data, a
    /// `Context` is only at the end, and the returned type fits the number of outputs. Returns the
    /// first mistake.
    pub(crate) fn new(function: &'a ItemFn, outputs: usize) -> Result<Self> {
        let mut arguments: Vec<&PatType> = function.sig.inputs.iter().filter_map(typed).collect();
        let takes_context = arguments.last().is_some_and(|last| is_context(&last.ty));
        if takes_context {
            arguments.pop();
        }
        arguments
            .iter()
            .try_for_each(|argument| check_argument(&argument.ty))?;
        let handler = Self {
            function,
            arguments,
            takes_context,
            outputs,
        };
        match &function.sig.output {
            ReturnType::Type(_, ty) => handler.check_returned(ty)?,
            ReturnType::Default => {}
        }
        Ok(handler)
    }

    /// Returns the number of arguments, without the context.
    pub(crate) fn arguments(&self) -> usize {
        self.arguments.len()
    }

    /// Returns the names of the arguments, without underscores at their beginning, as the fields of
    /// a request to an API endpoint. A pattern without a name is an error.
    pub(crate) fn argument_names(&self) -> Result<Vec<String>> {
        let name = |argument: &&PatType| match &*argument.pat {
            Pat::Ident(pattern) => Ok(pattern
                .ident
                .unraw()
                .to_string()
                .trim_start_matches('_')
                .to_owned()),
            other => Err(Error::new(
                other.span(),
                "an api_endpoint needs a name for each argument",
            )),
        };
        self.arguments.iter().map(name).collect()
    }

    /// Checks that there are as many values as outputs, as far as it can be seen in the type. An
    /// alias is checked by the compiler. A boxed error that is not `Send` and `Sync` is an error
    /// too, with the type to write instead.
    fn check_returned(&self, ty: &Type) -> Result<()> {
        let (value, error) = parts_of_result(ty);
        if let Some(error) = error.filter(|error| is_box_of_local_error(error)) {
            let message = "this error cannot be sent to another thread; write `Box<dyn \
                           std::error::Error + Send + Sync>`, or `CallbackError`, \
                           which `?` makes of every error";
            return Err(Error::new_spanned(error, message));
        }
        if self.outputs == 0 {
            return if is_unit(value) {
                Ok(())
            } else {
                Err(Error::new_spanned(&self.function.sig.output, NO_OUTPUT))
            };
        }
        match plain(value) {
            Type::Tuple(TypeTuple { elems, .. })
                if !elems.is_empty() && elems.len() != self.outputs =>
            {
                let message = format!(
                    "{} returns {}, but there {} {}",
                    self.function.sig.ident,
                    counted(elems.len(), "value"),
                    if self.outputs == 1 { "is" } else { "are" },
                    counted(self.outputs, "output"),
                );
                Err(Error::new_spanned(value, message))
            }
            _ => Ok(()),
        }
    }

    /// Writes statements that make the readers of the arguments, and the call of the builder that
    /// uses them.
    ///
    /// The readers are made at the place of each type, outside of the handler. The handler reads
    /// all arguments before it calls the function, so an argument that cannot be read is an error
    /// without a run.
    pub(crate) fn code(&self) -> (TokenStream, TokenStream) {
        let readers: Vec<Ident> = self
            .arguments
            .iter()
            .enumerate()
            .map(|(i, it)| local("reader", i, &it.ty))
            .collect();
        let make = self
            .arguments
            .iter()
            .zip(&readers)
            .map(|(argument, reader)| {
                let ty = &argument.ty;
                quote_spanned!(ty.span()=> let #reader = ::ferrodash::__private::reader::<#ty>();)
            });
        let make = quote!(#(#make)*);
        let name = &self.function.sig.ident;
        let call = Ident::new("call", Span::mixed_site());
        let taken: Vec<Ident> = self
            .arguments
            .iter()
            .enumerate()
            .map(|(i, it)| local("argument", i, &it.ty))
            .collect();
        let indices = 0..taken.len();
        let context = self
            .takes_context
            .then(|| quote_spanned!(name.span()=> #call.into_context()));
        let takes_context = self.takes_context;
        let future = quote_spanned!(name.span()=> #name(#(#taken,)* #context));
        let unit: Type = parse_quote_spanned!(name.span()=> ());
        let returned = match &self.function.sig.output {
            ReturnType::Type(_, ty) => ty,
            ReturnType::Default => &unit,
        };
        let (value, answer) = (local_at("value", returned.span()), self.answer(returned));
        let handler = quote! {
            .generated_handler(
                ::ferrodash::__private::Signature {
                    checks: ::std::vec![#(#readers.check),*],
                    takes_context: #takes_context,
                    values: ::core::option::Option::None,
                },
                move |#call: ::ferrodash::__private::HandlerCall| {
                    #(let #taken = #call.argument(#indices, #readers)?;)*
                    ::core::result::Result::Ok(
                        ::ferrodash::__private::run(#future, move |#value| #answer)
                    )
                },
            )
        };
        (make, handler)
    }

    /// Writes an expression that makes the answer of `__value`, which the function returned. For a
    /// type that is written as a `Result`, it matches on the value; an alias with another name is
    /// left to a trait in `ferrodash`.
    fn answer(&self, ty: &Type) -> TokenStream {
        let (inner, error_type) = parts_of_result(ty);
        if std::ptr::eq(inner, ty) {
            return self.answer_of_value(ty);
        }
        let value = local_at("value", inner.span());
        let answer = self.answer_of_value(inner);
        let returned = local_at("value", ty.span());
        let span = error_type.unwrap_or(ty).span();
        let error = local_at("error", span);
        let failed = quote_spanned!(span=> ::ferrodash::__private::AnswerResult::failed(#error));
        quote! {
            match #returned {
                ::core::result::Result::Ok(#value) => #answer,
                ::core::result::Result::Err(#error) => #failed,
            }
        }
    }

    /// Writes the expression for a value that is not an error. The items of a tuple become one
    /// output each, at the places of their types; any other type goes to a trait in `ferrodash`,
    /// which knows whether it is one value or several.
    fn answer_of_value(&self, ty: &Type) -> TokenStream {
        let (span, value) = (ty.span(), local_at("value", ty.span()));
        match plain(ty) {
            Type::Tuple(TypeTuple { elems, .. }) if !elems.is_empty() => {
                let names: Vec<Ident> = elems
                    .iter()
                    .enumerate()
                    .map(|(index, ty)| local("value", index, ty))
                    .collect();
                let outputs = elems
                    .iter()
                    .zip(&names)
                    .map(|(ty, name)| {
                        quote_spanned!(ty.span()=> ::ferrodash::IntoOutput::into_output(#name))
                    });
                quote!({
                    let (#(#names,)*) = #value;
                    ::ferrodash::__private::AnswerResult::of([#(#outputs),*])
                })
            }
            _ => match self.outputs {
                1 => quote_spanned!(span=> ::ferrodash::__private::single_answer(#value)),
                outputs => {
                    quote_spanned!(span=> ::ferrodash::__private::answers::<#outputs, _, _>(#value))
                }
            },
        }
    }
}

/// The message for a value without an output. The value would be lost, so it is an error.
const NO_OUTPUT: &str = "without an output a callback returns nothing; add \
                         output(\"graph\", \"figure\"), or leave the type out";

/// Returns an argument with its type. There is no `self`; `check_callback` has refused it.
fn typed(argument: &FnArg) -> Option<&PatType> {
    match argument {
        FnArg::Typed(argument) => Some(argument),
        FnArg::Receiver(_) => None,
    }
}

/// Refuses types of arguments that cannot be read from JSON: references, `impl Trait`, and a
/// `Context` that is not the last argument. Each error says which type to take instead.
fn check_argument(ty: &Type) -> Result<()> {
    if is_context(ty) {
        return Err(Error::new_spanned(ty, "the `Context` is the last argument"));
    }
    if let Type::ImplTrait(_) = plain(ty) {
        let message = "an argument needs a type that is read from JSON, such as \
                       `String`, instead of `impl Trait`";
        return Err(Error::new_spanned(ty, message));
    }
    if let Some(reference) = first_reference(ty) {
        let message = if is_context(&reference.elem) {
            "take the `Context` itself, as the last argument"
        } else {
            "an argument of a callback owns its data; take `String` for `&str`, \
             and `Vec<T>` for `&[T]`"
        };
        return Err(Error::new_spanned(reference, message));
    }
    Ok(())
}

/// Makes a name for the value or argument with an index, at the place of its type. No code of the
/// user is where it can be seen.
fn local(name: &str, index: usize, ty: &Type) -> Ident {
    format_ident!("__{name}_{index}", span = ty.span())
}

/// Makes a name with the place of a type. With the hygiene of macros, the compiler would show the
/// attribute instead.
fn local_at(name: &str, span: Span) -> Ident {
    format_ident!("__{name}", span = span)
}

/// Returns the types of the value and the error, if a type is written as a `Result`. An alias may
/// have only one of them. For any other type, it returns the same reference and no error, so that
/// callers can compare the references.
pub(crate) fn parts_of_result(ty: &Type) -> (&Type, Option<&Type>) {
    let Type::Path(TypePath { path, .. }) = plain(ty) else {
        return (ty, None);
    };
    let Some(last) = path.segments.last().filter(|last| last.ident == "Result") else {
        return (ty, None);
    };
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return (ty, None);
    };
    let mut types = arguments.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    match types.next() {
        Some(value) => (value, types.next()),
        None => (ty, None),
    }
}

/// Returns a type without the parentheses around it, and without the groups that `macro_rules!`
/// adds around a type that it was given.
fn plain(ty: &Type) -> &Type {
    match ty {
        Type::Paren(inner) => plain(&inner.elem),
        Type::Group(inner) => plain(&inner.elem),
        ty => ty,
    }
}

/// Returns `true` if a type is `()`, `NoUpdate`, or an alias of a `Result` that may be one of `()`.
/// A callback without outputs can return these.
fn is_unit(ty: &Type) -> bool {
    match plain(ty) {
        Type::Tuple(tuple) => tuple.elems.is_empty(),
        Type::Path(TypePath { path, .. }) => path.segments.last().is_some_and(|last| {
            last.ident == "NoUpdate" || (last.ident == "Result" && last.arguments.is_empty())
        }),
        _ => false,
    }
}

/// Returns `true` if a type is `Box<dyn Error>` without both `Send` and `Sync`. The types are
/// recognized by their last names, so an alias is left to the compiler.
fn is_box_of_local_error(ty: &Type) -> bool {
    let Type::Path(TypePath { path, .. }) = plain(ty) else {
        return false;
    };
    let Some(last) = path.segments.last().filter(|last| last.ident == "Box") else {
        return false;
    };
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return false;
    };
    let Some(GenericArgument::Type(Type::TraitObject(object))) = arguments.args.first() else {
        return false;
    };
    let has = |name: &str| {
        object
            .bounds
            .iter()
            .any(|bound| matches!(bound, TypeParamBound::Trait(it) if is_named(&it.path, name)))
    };
    has("Error") && !(has("Send") && has("Sync"))
}

/// Returns a number with its noun, for messages.
pub(crate) fn counted(count: usize, what: &str) -> String {
    if count == 1 {
        format!("1 {what}")
    } else {
        format!("{count} {what}s")
    }
}

/// Returns `true` if a type is named `Context`, wherever it is from. A macro cannot resolve names;
/// if it is another type, the compiler reports it in the call of the function.
fn is_context(ty: &Type) -> bool {
    matches!(plain(ty), Type::Path(TypePath { path, .. }) if is_named(path, "Context"))
}

/// Returns `true` if the last part of a path is this name.
fn is_named(path: &Path, name: &str) -> bool {
    path.segments.last().is_some_and(|last| last.ident == name)
}
