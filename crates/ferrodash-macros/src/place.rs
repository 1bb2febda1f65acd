//! Finds the `impl` around a function. An attribute sees only the function, so its file is read.

use std::fs;

use quote::ToTokens;
use syn::{ImplItem, Item, ItemFn, Stmt};

/// Around a function that is in an `impl`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// `impl Type`.
    Impl,
    /// `impl Trait for Type`.
    TraitImpl,
}

/// The `impl` that a function with an attribute is in. `None` if it is in none, or if that cannot
/// be found out: a macro may have written the function.
pub(crate) fn place(function: &ItemFn, attribute: &str) -> Option<Place> {
    let span = function.sig.ident.span().unwrap();
    let text = fs::read_to_string(span.local_file()?).ok()?;
    // What is not indented is in nothing, and no file is parsed for it.
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

struct Search<'a> {
    attribute: &'a str,
    wanted: String,
    found: Vec<Place>,
}

impl Search<'_> {
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

    fn block(&mut self, block: &syn::Block) {
        for statement in &block.stmts {
            if let Stmt::Item(item) = statement {
                self.item(item);
            }
        }
    }
}

/// The text of a function without spaces, as they depend on who wrote it out.
fn source(signature: &syn::Signature, block: &syn::Block) -> String {
    let text = format!("{}{}", signature.to_token_stream(), block.to_token_stream());
    text.split_whitespace().collect()
}
