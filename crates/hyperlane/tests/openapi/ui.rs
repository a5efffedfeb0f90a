//! What the compiler says of a type that has no description.

#[test]
fn missing_descriptions_are_explained() {
    trybuild::TestCases::new().compile_fail("tests/openapi/ui/*.rs");
}
