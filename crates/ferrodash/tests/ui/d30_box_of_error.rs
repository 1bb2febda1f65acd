use ferrodash::prelude::*;

#[callback(output("out", "children"), input("a", "value"))]
async fn show(_a: Option<String>) -> Result<String, Box<dyn std::error::Error>> {
    Ok(String::new())
}

fn main() {}
