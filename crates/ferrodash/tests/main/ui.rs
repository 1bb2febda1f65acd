//! What the compiler says when the attributes are used wrongly.

#[test]
fn misuse_of_the_attributes_is_explained() {
    // No `pass` beside it: with only such cases trybuild checks all crates instead of building them
    // once more.
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
