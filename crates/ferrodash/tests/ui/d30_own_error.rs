use ferrodash::prelude::*;

struct Broken;

#[callback(output("out", "children"), input("a", "value"))]
async fn show(_a: Option<String>) -> Result<String, Broken> {
    Err(Broken)
}

fn main() {}
