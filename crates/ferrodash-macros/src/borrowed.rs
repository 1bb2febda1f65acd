//! References in types: where they are, and how `#[memoize]` makes an owned copy of a borrowed
//! argument and borrows it again.
//!
//! A computation runs in a task of its own, which can outlive its caller. So it takes owned copies,
//! and lends them to the function. The file sees types as they are written; it cannot resolve
//! aliases.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::spanned::Spanned;
use syn::{
    Error, GenericArgument, Ident, Lifetime, Path, PathArguments, Result, Type, TypeReference,
    parse_quote,
};

/// Returns the first reference in a type, at any depth of the types that [`parts`] knows. `'static`
/// references count too.
pub(crate) fn first_reference(ty: &Type) -> Option<&TypeReference> {
    if let Type::Reference(reference) = ty {
        return Some(reference);
    }
    parts(ty).into_iter().find_map(first_reference)
}

/// Returns `true` if values of a type may borrow from the caller: it contains a reference or a
/// lifetime that is not `'static`, or a `Cow` without a lifetime. A lifetime that the user left out
/// of another type cannot be seen, so such a type counts as owned, and the compiler reports it.
pub(crate) fn is_borrowed(ty: &Type) -> bool {
    match ty {
        Type::Reference(reference) => {
            !is_static(reference.lifetime.as_ref()) || is_borrowed(&reference.elem)
        }
        Type::Path(path) => {
            lifetime_of(&path.path).is_some() || parts(ty).into_iter().any(is_borrowed)
        }
        ty => parts(ty).into_iter().any(is_borrowed),
    }
}

/// Returns the first `impl Trait` in a type, at any depth. Unlike [`first_reference`], it also
/// looks behind references.
pub(crate) fn first_impl_trait(ty: &Type) -> Option<&Type> {
    match ty {
        Type::ImplTrait(_) => Some(ty),
        Type::Reference(reference) => first_impl_trait(&reference.elem),
        ty => parts(ty).into_iter().find_map(first_impl_trait),
    }
}

/// Returns the types of which a type consists: the items of collections, and the types in angle
/// brackets. Types in `Fn(&str)` and `fn(&str)` do not count, because they are borrowed only during
/// a call. The type behind a reference does not count either; callers look at references
/// themselves.
fn parts(ty: &Type) -> Vec<&Type> {
    match ty {
        Type::Array(array) => vec![&*array.elem],
        Type::Group(group) => vec![&*group.elem],
        Type::Paren(paren) => vec![&*paren.elem],
        Type::Slice(slice) => vec![&*slice.elem],
        Type::Tuple(tuple) => tuple.elems.iter().collect(),
        Type::Path(path) => path
            .path
            .segments
            .iter()
            .flat_map(|segment| generic_types(&segment.arguments))
            .collect(),
        _ => Vec::new(),
    }
}

/// Returns the types in angle brackets, without lifetimes, constants and associated types such as
/// `Item = T`.
fn generic_types(arguments: &PathArguments) -> Vec<&Type> {
    let PathArguments::AngleBracketed(arguments) = arguments else {
        return Vec::new();
    };
    let types = arguments.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    types.collect()
}

/// Returns `true` for `'static`, and `false` for another lifetime or none.
fn is_static(lifetime: Option<&Lifetime>) -> bool {
    lifetime.is_some_and(|lifetime| lifetime.ident == "static")
}

/// Returns the place of the lifetime for which a path's type borrows, if it does: the first one
/// that is written in any segment, or the one that `Cow<str>` leaves out.
fn lifetime_of(path: &Path) -> Option<Span> {
    let last = path.segments.last()?;
    let mut lifetimes = path
        .segments
        .iter()
        .flat_map(|segment| match &segment.arguments {
            PathArguments::AngleBracketed(arguments) => arguments.args.iter().collect(),
            _ => Vec::new(),
        });
    let mut lifetimes = lifetimes.by_ref().filter_map(|argument| match argument {
        GenericArgument::Lifetime(lifetime) => Some(lifetime),
        _ => None,
    });
    match lifetimes.next() {
        Some(lifetime) if is_static(Some(lifetime)) => None,
        Some(lifetime) => Some(lifetime.span()),
        // Only `Cow` is known to borrow without a written lifetime. `Cow` without types is left to
        // the compiler, since it is an alias or another type.
        None => (last.ident == "Cow" && !last.arguments.is_empty()).then(|| last.span()),
    }
}

/// The form of a type, which decides how an owned copy is made, and how it is borrowed again. All
/// forms except [`Form::Owned`] contain something borrowed.
enum Form<'a> {
    /// The type owns its data, or borrows for `'static`. The copy is a clone.
    Owned,
    /// A reference to an owned type. The copy is made by `ToOwned`, so that `&str` becomes `String`
    /// and `&[T]` becomes `Vec<T>`.
    Reference(&'a Type),
    /// A reference to a type that borrows itself, such as `&Option<&str>`.
    Deep(&'a Type),
    /// A reference to a list of a type that borrows itself, such as `&[&str]`. The copy is a `Vec`
    /// of copies.
    Slice(&'a Type),
    Option(&'a Type),
    /// A list or set, with its path without the type of its items. The copy is of the same
    /// collection, whose item type differs.
    List(Path, &'a Type),
    /// A map, with its path without the types of its keys and values.
    Map(Path, &'a Type, &'a Type),
    Array(&'a Type),
    Tuple(Vec<&'a Type>),
    /// A `Cow` of an owned type. The copy is the owned type itself.
    Cow(&'a Type),
}

impl<'a> Form<'a> {
    /// Returns the form of a type, or an error if no owned copy can be made of it, as for a struct
    /// of the user with a lifetime.
    fn of(ty: &'a Type) -> Result<Self> {
        if !is_borrowed(ty) {
            return Ok(Self::Owned);
        }
        match ty {
            Type::Group(inner) => Self::of(&inner.elem),
            Type::Paren(inner) => Self::of(&inner.elem),
            Type::Reference(reference) => Ok(match &*reference.elem {
                elem if !is_borrowed(elem) => Self::Reference(elem),
                Type::Slice(slice) => Self::Slice(&slice.elem),
                elem => Self::Deep(elem),
            }),
            Type::Array(array) => Ok(Self::Array(&array.elem)),
            Type::Tuple(tuple) => Ok(Self::Tuple(tuple.elems.iter().collect())),
            Type::Path(path) => Self::of_path(&path.path).ok_or_else(|| unknown(ty)),
            ty => Err(unknown(ty)),
        }
    }

    /// Returns the form of a known collection, or `None` for other types that borrow. A collection
    /// is recognized by its name and the number of its types, so one with a hasher of its own is
    /// unknown.
    fn of_path(path: &'a Path) -> Option<Self> {
        let last = path.segments.last()?;
        let types = generic_types(&last.arguments);
        let name = last.ident.to_string();
        match (name.as_str(), &types[..]) {
            ("Option", [inner]) => Some(Self::Option(inner)),
            ("Vec" | "VecDeque" | "LinkedList" | "HashSet" | "BTreeSet", [inner]) => {
                Some(Self::List(inferred(path), inner))
            }
            ("HashMap" | "BTreeMap", [key, value]) => Some(Self::Map(inferred(path), key, value)),
            ("Cow", [inner]) if !is_borrowed(inner) => Some(Self::Cow(inner)),
            _ => None,
        }
    }
}

/// Returns a path whose generic types are inferred, such as `Vec<_>`. The owned copy has other
/// types of items than the argument, and the compiler derives them.
fn inferred(path: &Path) -> Path {
    let mut path = path.clone();
    if let Some(last) = path.segments.last_mut() {
        let count = generic_types(&last.arguments).len();
        let placeholders = std::iter::repeat_n(quote!(_), count);
        last.arguments = PathArguments::AngleBracketed(parse_quote!(<#(#placeholders),*>));
    }
    path
}

/// Makes the error for a type of which no owned copy can be made. It shows the type, and names the
/// types that can be taken.
fn unknown(ty: &Type) -> Error {
    let ty_text = ty.to_token_stream().to_string().replace(' ', "");
    let message = format!(
        "#[memoize] computes in a task of its own and cannot make an owned copy of \
         `{ty_text}`; take an owned type, a reference to one, or an Option, Vec, slice, \
         array, tuple or map of these"
    );
    Error::new_spanned(ty, message)
}

/// Writes an expression that makes an owned copy of the value behind `reference`, which is an
/// expression too. The expression follows the type into its items, and refuses a type that
/// [`Form::of`] does not know.
pub(crate) fn owned(ty: &Type, reference: &TokenStream) -> Result<TokenStream> {
    let item = name("item", 0);
    Ok(match Form::of(ty)? {
        Form::Owned => quote!(::core::clone::Clone::clone(#reference)),
        Form::Reference(_) => quote!(::std::borrow::ToOwned::to_owned(*#reference)),
        Form::Deep(elem) => owned(elem, &quote!((*#reference)))?,
        Form::Slice(elem) => {
            let elem = owned(elem, &quote!(#item))?;
            quote!((*#reference).iter().map(|#item| #elem).collect::<::std::vec::Vec<_>>())
        }
        Form::Option(elem) => {
            let elem = owned(elem, &quote!(#item))?;
            quote!((#reference).as_ref().map(|#item| #elem))
        }
        Form::List(path, elem) => {
            let elem = owned(elem, &quote!(#item))?;
            quote!((#reference).iter().map(|#item| #elem).collect::<#path>())
        }
        Form::Map(path, key, value) => {
            let (first, second) = (name("item", 0), name("item", 1));
            let (key, value) = (
                owned(key, &quote!(#first))?,
                owned(value, &quote!(#second))?,
            );
            quote!((#reference).iter().map(|(#first, #second)| (#key, #value)).collect::<#path>())
        }
        Form::Array(elem) => {
            let elem = owned(elem, &quote!(#item))?;
            quote!((#reference).each_ref().map(|#item| #elem))
        }
        Form::Tuple(elems) => {
            let items = names(elems.len());
            let elems = elems
                .iter()
                .zip(&items)
                .map(|(elem, item)| owned(elem, &quote!(#item)));
            let elems = elems.collect::<Result<Vec<_>>>()?;
            quote!({ let (#(#items,)*) = #reference; (#(#elems,)*) })
        }
        Form::Cow(_) => {
            let copy = quote!(::core::clone::Clone::clone(#reference));
            quote!(::std::borrow::Cow::into_owned(#copy))
        }
    })
}

/// Writes an expression of the type that borrows from the owned copy behind `reference`. It is the
/// argument of the call, so a temporary list in it lives until the call has returned.
///
/// With `nested`, the expression is in a closure or block that ends before the call. It cannot
/// refer to a list that is made in it then, because the list would be dropped too early; a type
/// that needs one is an error.
pub(crate) fn borrowed(ty: &Type, reference: &TokenStream, nested: bool) -> Result<TokenStream> {
    let item = name("item", 0);
    Ok(match Form::of(ty)? {
        Form::Owned => quote!(::core::clone::Clone::clone(#reference)),
        // `Borrow` leads from the owned copy back to the type: from `String` to `str`, from
        // `Vec<T>` to `[T]`, and from `T` to itself.
        Form::Reference(elem) => quote!(<_ as ::std::borrow::Borrow<#elem>>::borrow(#reference)),
        // A reference to a temporary, which would end with the closure in which it is made.
        Form::Deep(_) | Form::Slice(_) if nested => return Err(unknown(ty)),
        Form::Deep(elem) => {
            let elem = borrowed(elem, reference, nested)?;
            quote!(&#elem)
        }
        Form::Slice(elem) => {
            let elem = borrowed(elem, &quote!(#item), true)?;
            quote!(&*(#reference).iter().map(|#item| #elem).collect::<::std::vec::Vec<_>>())
        }
        Form::Option(elem) => {
            let elem = borrowed(elem, &quote!(#item), true)?;
            quote!((#reference).as_ref().map(|#item| #elem))
        }
        Form::List(path, elem) => {
            let elem = borrowed(elem, &quote!(#item), true)?;
            quote!((#reference).iter().map(|#item| #elem).collect::<#path>())
        }
        Form::Map(path, key, value) => {
            let (first, second) = (name("item", 0), name("item", 1));
            let (key, value) = (
                borrowed(key, &quote!(#first), true)?,
                borrowed(value, &quote!(#second), true)?,
            );
            quote!((#reference).iter().map(|(#first, #second)| (#key, #value)).collect::<#path>())
        }
        Form::Array(elem) => {
            let elem = borrowed(elem, &quote!(#item), true)?;
            quote!((#reference).each_ref().map(|#item| #elem))
        }
        Form::Tuple(elems) => {
            let items = names(elems.len());
            let elems = elems
                .iter()
                .zip(&items)
                .map(|(elem, item)| borrowed(elem, &quote!(#item), true));
            let elems = elems.collect::<Result<Vec<_>>>()?;
            quote!({ let (#(#items,)*) = #reference; (#(#elems,)*) })
        }
        Form::Cow(elem) => {
            let inner = quote!(<_ as ::std::borrow::Borrow<#elem>>::borrow(#reference));
            quote!(::std::borrow::Cow::Borrowed(#inner))
        }
    })
}

/// Makes names for the parts of a tuple.
fn names(count: usize) -> Vec<Ident> {
    (0..count).map(|index| name("part", index)).collect()
}

/// Makes a name that cannot hide one of the user's. Nested expressions use the same names again;
/// each refers to the innermost closure or block.
fn name(text: &str, index: usize) -> Ident {
    format_ident!("{text}_{index}", span = Span::mixed_site())
}
