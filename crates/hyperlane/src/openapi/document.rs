//! The document: all routes of a server, put together.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use http::Method;
use serde_json::{Map, Value, json};

use super::RouteDescription;
use super::api::OpenApi;
use super::components::{Components, Names, bound_integers};
use super::operation::Operation;
use super::path::Template;
use super::responses::Status;
use super::schemas::Schemas;
use crate::routing::{Registered, RoutingTable};

/// The methods that a document knows; a route of any method has all of them.
const METHODS: [Method; 8] = [
    Method::GET,
    Method::PUT,
    Method::POST,
    Method::DELETE,
    Method::OPTIONS,
    Method::HEAD,
    Method::PATCH,
    Method::TRACE,
];

/// Where a path keeps the operations of other methods.
const ADDITIONAL: &str = "x-additional-operations";

/// A description of an API in the form of OpenAPI 3.1.
///
/// Its schemas are those of JSON Schema 2020-12. Routes of methods that OpenAPI does not know stand in
/// `x-additional-operations` of their path.
#[derive(Clone, Debug, PartialEq)]
pub struct Document(Value);

/// A path while its operations are collected.
struct Path {
    text: String,
    names: Vec<String>,
    host: Option<String>,
    operations: BTreeMap<String, (Operation, Option<String>)>,
}

impl Document {
    pub(super) fn of(api: &OpenApi, table: &RoutingTable) -> Self {
        let schemas = Schemas::new();
        let mut paths: Vec<(String, Path)> = Vec::new();
        // Those of any method stand in for the methods that have no route of their own.
        let (single, any): (Vec<_>, Vec<_>) = table.registered().partition(|route| route.method.is_some());
        for route in single {
            add(api, &schemas, &mut paths, &route, true);
        }
        for route in any {
            add(api, &schemas, &mut paths, &route, false);
        }
        let mut ids = BTreeSet::new();
        // A name that somebody gave goes before one that is made up.
        for (_, path) in &mut paths {
            for id in path.operations.values_mut().filter_map(|(_, id)| id.as_mut()) {
                *id = unique(id, &mut ids);
            }
        }
        let mut values = Map::new();
        for (_, path) in &paths {
            values.insert(path.text.clone(), path.to_value(&mut ids));
        }
        Self(assemble(api, &schemas, values))
    }

    /// The document, to be looked at.
    pub fn as_value(&self) -> &Value {
        &self.0
    }

    /// The document as JSON.
    pub fn to_json(&self) -> String {
        self.0.to_string()
    }

    pub(super) fn as_value_mut(&mut self) -> &mut Value {
        &mut self.0
    }
}

impl fmt::Display for Document {
    /// JSON; with `{:#}` it is indented.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn add(api: &OpenApi, schemas: &Schemas, paths: &mut Vec<(String, Path)>, route: &Registered<'_>, merge: bool) {
    let description = &route.options.description;
    let operation = match description {
        RouteDescription::Hidden => return,
        RouteDescription::Unknown => {
            Operation::new(schemas).answers(|responses| responses.add(Status::Open, |open| open))
        }
        RouteDescription::Typed(describe) => describe(Operation::new(schemas)),
    };
    let template = Template::of(route.pattern);
    let names = template.parameters.names().to_vec();
    let operation = complete(api, operation, template.parameters, route);
    let position = paths.iter().position(|(shape, _)| *shape == template.shape);
    let position = position.unwrap_or_else(|| {
        let path = Path {
            text: template.text,
            names,
            host: route.host.clone(),
            operations: BTreeMap::new(),
        };
        paths.push((template.shape, path));
        paths.len() - 1
    });
    let path = &mut paths[position].1;
    if path.host != route.host {
        tracing::warn!(pattern = %route.pattern, "path is served on two hosts: the api's document has that of the first");
        return;
    }
    let name = route.options.name.as_deref();
    let methods = route.method.map_or(METHODS.to_vec(), |method| vec![method.clone()]);
    let several = methods.len() > 1;
    for method in methods {
        let key = method.as_str().to_owned();
        let id = operation.id_or(name).map(|id| match several {
            true => format!("{id}_{}", key.to_lowercase()),
            false => id,
        });
        let new = (operation.clone(), id);
        match path.operations.remove(&key) {
            Some((before, id)) if merge => path.operations.insert(key, (before.or(new.0), id)),
            Some(before) => path.operations.insert(key, before),
            None => path.operations.insert(key, new),
        };
    }
}

/// Adds what the route's place says, and the middleware around it.
fn complete(
    api: &OpenApi,
    mut operation: Operation,
    pattern: super::path::PathParameters,
    route: &Registered<'_>,
) -> Operation {
    operation.path.join(pattern);
    if !operation.path.is_empty() && !operation.responses.has(Status::Code(400)) {
        operation = operation.problem(400, "the path can't be decoded");
    }
    for (name, security) in &api.security {
        if route
            .middleware
            .iter()
            .any(|middleware| security.is_checked_by(middleware))
        {
            operation = security.describe(name, operation);
        }
    }
    operation
}

impl Path {
    fn to_value(&self, ids: &mut BTreeSet<String>) -> Value {
        let mut value = Map::new();
        let mut additional = Map::new();
        for (method, (operation, id)) in &self.operations {
            let id = id.clone();
            let id = id.unwrap_or_else(|| unique(&default_id(method, &self.text), ids));
            let mut operation = operation.clone();
            if operation.path.constrained {
                operation.responses = operation.responses.add(404, |response| response);
            }
            let operation = operation.to_value(&id, &self.names);
            if METHODS.iter().any(|known| known.as_str() == method) {
                value.insert(method.to_lowercase(), operation);
            } else {
                additional.insert(method.clone(), operation);
            }
        }
        if !additional.is_empty() {
            value.insert(ADDITIONAL.into(), Value::Object(additional));
        }
        match &self.host {
            Some(host) if host.starts_with('*') => {
                value.insert("description".into(), json!(format!("On hosts that match `{host}`.")));
            }
            Some(host) => {
                value.insert("servers".into(), json!([{ "url": format!("//{host}") }]));
            }
            None => {}
        }
        Value::Object(value)
    }
}

fn assemble(api: &OpenApi, schemas: &Schemas, mut paths: Map<String, Value>) -> Value {
    let Components { schemas, input, output } = schemas.finish();
    for path in paths.values_mut() {
        each_operation(path, &mut |operation| rename(operation, &input, &output));
    }
    let mut document = json!({ "openapi": "3.1.0", "info": api.info, "paths": paths });
    let mut components = Map::new();
    if !schemas.is_empty() {
        components.insert("schemas".into(), Value::Object(schemas));
    }
    if !api.security.is_empty() {
        let schemes = api.security.iter();
        let schemes: Map<_, _> = schemes
            .map(|(name, security)| (name.clone(), security.to_value().clone()))
            .collect();
        components.insert("securitySchemes".into(), Value::Object(schemes));
    }
    if !components.is_empty() {
        document["components"] = Value::Object(components);
    }
    if !api.servers.is_empty() {
        document["servers"] = json!(api.servers);
    }
    if !api.tags.is_empty() {
        document["tags"] = json!(api.tags);
    }
    bound_integers(&mut document);
    document
}

fn each_operation(path: &mut Value, visit: &mut impl FnMut(&mut Map<String, Value>)) {
    for (key, value) in path.as_object_mut().into_iter().flatten() {
        match value {
            Value::Object(_) if key == ADDITIONAL => each_operation(value, visit),
            Value::Object(operation) => visit(operation),
            _ => {}
        }
    }
}

/// Has an operation refer to schemas by the names that they have in the document.
fn rename(operation: &mut Map<String, Value>, input: &Names, output: &Names) {
    for (key, value) in operation {
        let names = if key == "responses" { output } else { input };
        if key == "responses" || key == "requestBody" || key == "parameters" {
            names.apply(value);
        }
    }
}

/// `GET /users/{id}` as `get_users_id`.
fn default_id(method: &str, path: &str) -> String {
    let words = path
        .split(|character: char| !character.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty());
    words.fold(method.to_lowercase(), |id, word| format!("{id}_{word}"))
}

fn unique(id: &str, ids: &mut BTreeSet<String>) -> String {
    let mut number = 1;
    let mut candidate = id.to_owned();
    while !ids.insert(candidate.clone()) {
        number += 1;
        candidate = format!("{id}_{number}");
    }
    candidate
}
