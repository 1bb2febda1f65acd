use ferrodash::prelude::*;

struct Query<'a>(&'a str);

#[memoize(timeout = "5m")]
async fn own_type(query: Query<'_>) -> usize {
    query.0.len()
}

#[memoize(timeout = "5m")]
async fn any(name: impl Into<String>) -> usize {
    name.into().len()
}

#[memoize(timeout = "5m")]
async fn returned(name: &'static str) -> &'static str {
    name
}

#[memoize(timeout = "5m")]
async fn returned_borrow(name: &str) -> Option<&str> {
    Some(name)
}

fn main() {}
