//! What the compiler says when the attributes are used wrongly.

#[test]
fn misuse_of_the_attributes_is_explained() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/pass/*.rs");
    cases.compile_fail("tests/ui/fail/*.rs");
}
