//! The commonest mistakes in a handler's signature give an error that says what to do.

#[test]
fn mistakes_in_a_handler_are_explained() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
