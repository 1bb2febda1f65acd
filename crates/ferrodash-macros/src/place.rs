//! Finds the `impl` around a function. An attribute sees only the function, so its source file is
//! read.
//!
//! `#[memoize]` uses this to report a function in an `impl` where its code would not compile. The
//! result serves better messages only: the generated code never depends on it, because the source
//! cannot always be read.

use std::fs;

use quote::ToTokens;
use syn::{ImplItem, Item, ItemFn, Stmt};

/// The kind of an `impl` around a function. It decides whether an attribute can write further
/// functions beside that function, and an item such as a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// `impl Type`. It can contain further functions, but no types.
    Impl,
    /// `impl Trait for Type`. It can contain only what the trait declares.
    TraitImpl,
}

/// Returns the kind of the `impl` in which a function with an attribute is. Returns `None` if it is
/// in none, or if that cannot be found out: a macro may have written the function, or the source
/// file cannot be read or parsed.
///
/// The function is recognized by its source, not by its line. If functions with the same source are
/// in both kinds of `impl`, the result is `None`, because a check that is left out is better than
/// an error for a function that is right.
pub(crate) fn place(function: &ItemFn, attribute: &str) -> Option<Place> {
    let span = function.sig.ident.span().unwrap();
    let text = fs::read_to_string(span.local_file()?).ok()?;
    // A line without indentation is in no `impl`, so no file is parsed for it.
    if !text
        .lines()
        .nth(span.line().checked_sub(1)?)?
        .starts_with(char::is_whitespace)
    {
        return None;
    }
    let file = syn::parse_file(&text).ok()?;
    let mut search = Search {
        attribute,
        wanted: source(&function.sig, &function.block),
        found: Vec::new(),
    };
    file.items.iter().for_each(|item| search.item(item));
    match search.found[..] {
        [first, ..] if search.found.iter().all(|other| *other == first) => Some(first),
        _ => None,
    }
}

/// A search for a function with the same source. Several functions can have it, so all of them are
/// collected.
struct Search<'a> {
    /// The last segment of the attribute's path, such as `memoize`. An attribute that was imported
    /// under another name, or is in a `cfg_attr`, is not found.
    attribute: &'a str,
    /// The source of the function, as [`source`] returns it.
    wanted: String,
    /// The kind of `impl` of each function that was found.
    found: Vec<Place>,
}

impl Search<'_> {
    /// Searches an item, and the items in it, for the function. Modules in other files have sources
    /// of their own and are not read.
    fn item(&mut self, item: &Item) {
        match item {
            Item::Mod(module) => module
                .content
                .iter()
                .flat_map(|(_, items)| items)
                .for_each(|item| self.item(item)),
            Item::Fn(function) => self.block(&function.block),
            Item::Impl(block) => {
                let place = if block.trait_.is_some() {
                    Place::TraitImpl
                } else {
                    Place::Impl
                };
                for item in &block.items {
                    let ImplItem::Fn(function) = item else {
                        continue;
                    };
                    let named = |attribute: &syn::Attribute| {
                        attribute
                            .path()
                            .segments
                            .last()
                            .is_some_and(|last| last.ident == self.attribute)
                    };
                    if function.attrs.iter().any(named)
                        && source(&function.sig, &function.block) == self.wanted
                    {
                        self.found.push(place);
                    }
                    self.block(&function.block);
                }
            }
            _ => {}
        }
    }

    /// Searches the items in the body of a function. Items in nested blocks and in closures are not
    /// searched.
    fn block(&mut self, block: &syn::Block) {
        for statement in &block.stmts {
            if let Stmt::Item(item) = statement {
                self.item(item);
            }
        }
    }
}

/// Returns the text of a function without spaces, which depend on how it was printed. Attributes
/// and visibility are left out: the file contains the attribute that is being expanded, and the
/// function that the attribute gets does not.
fn source(signature: &syn::Signature, block: &syn::Block) -> String {
    let text = format!("{}{}", signature.to_token_stream(), block.to_token_stream());
    text.split_whitespace().collect()
}
