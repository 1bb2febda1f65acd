use ferrodash::prelude::*;

#[callback(input("a", "value"))]
async fn no_output(a: Option<String>) -> String {
    a.unwrap_or_default()
}

#[callback(output("out"), input("a", "value"))]
async fn no_property(a: Option<String>) -> String {
    a.unwrap_or_default()
}

#[callback(output("out", "children"), input("a", "value"), cache(client))]
async fn no_timeout(a: Option<String>) -> String {
    a.unwrap_or_default()
}

#[memoize]
async fn no_lifetime() -> u32 {
    1
}

fn main() {}
