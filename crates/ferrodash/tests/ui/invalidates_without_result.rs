use ferrodash::prelude::*;

#[invalidates("orders")]
async fn write() {}

#[invalidates]
async fn nothing() -> Result<(), String> {
    Ok(())
}

fn main() {}
