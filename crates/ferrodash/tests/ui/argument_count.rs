use ferrodash::prelude::*;

#[callback(output("out", "children"), input("a", "value"), state("b", "value"))]
async fn show(a: Option<String>) -> String {
    a.unwrap_or_default()
}

fn main() {}
