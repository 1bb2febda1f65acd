use ferrodash::prelude::*;

#[derive(Clone, serde::Serialize)]
struct Store;

trait Load {
    async fn load(&self, id: u32) -> u32;
}

impl Load for Store {
    #[memoize(timeout = "5m")]
    async fn load(&self, id: u32) -> u32 {
        id
    }
}

impl Store {
    #[memoize(timeout = "5m")]
    async fn without_self(id: u32) -> u32 {
        id
    }
}

fn main() {}
