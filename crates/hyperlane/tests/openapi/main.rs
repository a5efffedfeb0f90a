//! The document of an API says what its routes are and what their types say.

mod paths;
mod requests;
mod responses;
mod serving;
mod typed_path;

use hyperlane::Server;
use hyperlane::openapi::OpenApi;
use serde_json::Value;

/// The document of what `register` registers.
fn document(register: impl FnOnce(&Server)) -> Value {
    let server = Server::new();
    register(&server);
    let document = OpenApi::new("test", "1").document(&server).expect("all is well");
    document.as_value().clone()
}

/// The operation of this method and path.
fn operation<'d>(document: &'d Value, method: &str, path: &str) -> &'d Value {
    let operation = &document["paths"][path][method];
    assert!(operation.is_object(), "{method} {path} is in {document:#}");
    operation
}

/// The parameter of this name.
fn parameter<'d>(operation: &'d Value, name: &str) -> &'d Value {
    let mut parameters = operation["parameters"].as_array().into_iter().flatten();
    let found = parameters.find(|parameter| parameter["name"] == name);
    found.unwrap_or_else(|| panic!("`{name}` is in {operation:#}"))
}

/// The statuses of an operation, sorted.
fn statuses(operation: &Value) -> Vec<&str> {
    let responses = operation["responses"].as_object().expect("there are some");
    responses.keys().map(String::as_str).collect()
}
