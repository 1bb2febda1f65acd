use ferrodash::prelude::*;

#[callback(output("out", "children"), input("a", "value"))]
async fn text(a: &str) -> String {
    a.to_owned()
}

#[callback(output("out", "children"), input("a", "value"))]
async fn list(a: Vec<&str>) -> String {
    a.concat()
}

#[callback(output("out", "children"), input("a", "value"))]
async fn context(_a: String, context: &Context) -> String {
    context.path().to_owned()
}

#[callback(output("out", "children"), input("a", "value"))]
async fn context_first(_context: Context, a: String) -> String {
    a
}

#[callback(output("out", "children"), input("a", "value"))]
async fn any(a: impl Into<String>) -> String {
    a.into()
}

fn main() {}
