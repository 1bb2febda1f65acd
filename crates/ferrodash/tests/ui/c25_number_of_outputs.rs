use ferrodash::prelude::*;

#[callback(output("x", "children"), output("y", "children"), input("a", "value"))]
async fn too_many(_a: Option<String>) -> (u32, u32, u32) {
    (1, 2, 3)
}

#[callback(output("x", "children"), input("a", "value"))]
async fn too_many_in_a_result(_a: Option<String>) -> Result<(u32, u32), CallbackError> {
    Ok((1, 2))
}

#[callback(output("x", "children"), output("y", "children"), input("a", "value"))]
async fn too_few(_a: Option<String>) -> String {
    String::new()
}

type Pair = (u32, u32);

#[callback(output("x", "children"), output("y", "children"), output("z", "children"), input("a", "value"))]
async fn too_few_in_an_alias(_a: Option<String>) -> Result<Pair, CallbackError> {
    Ok((1, 2))
}

#[callback(output("x", "children"), input("a", "value"))]
async fn too_many_in_an_alias(_a: Option<String>) -> Pair {
    (1, 2)
}

fn main() {}
