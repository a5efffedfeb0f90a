//! Mistakes under the macros do not compile, and the message says what to do.

#[test]
fn mistakes_are_explained() {
    trybuild::TestCases::new().compile_fail("tests/macros/ui/*.rs");
}
