use ferrodash::prelude::*;

struct Rows;

#[callback(output("out", "children"), input("a", "value"))]
async fn show(_a: Option<String>) -> Rows {
    Rows
}

fn main() {}
