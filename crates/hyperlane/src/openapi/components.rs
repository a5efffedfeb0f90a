//! The schemas with names, which stand at one place of a document, and the references to them.

use std::collections::BTreeSet;

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

/// Where references point to.
const COMPONENTS: &str = "#/components/schemas/";

/// The schemas with names, under the names that they have in the document.
pub(super) struct Components {
    pub(super) schemas: Map<String, Value>,
    /// For what refers to schemas of what is read.
    pub(super) input: Names,
    /// For what refers to schemas of what is written.
    pub(super) output: Names,
}

/// Which schemas have other names in the document than their types have.
#[derive(Default)]
pub(super) struct Names(Vec<(String, String)>);

impl Components {
    /// Puts together the schemas of what is read and of what is written. Where the two of a name differ, that of what is
    /// written has `Output` behind its name. A character that a component's name must not have (OpenAPI 3.1 §4.8.7.1)
    /// becomes an underscore.
    pub(super) fn join(input: Map<String, Value>, output: Map<String, Value>) -> Self {
        let differ = differing(&input, &output);
        let stands_for = |name: &String| {
            if differ.contains(name) {
                format!("{name}Output")
            } else {
                name.clone()
            }
        };
        let is_new = |name: &&String| differ.contains(*name) || !input.contains_key(*name);
        // A name that can stay as it is goes before one that is made up.
        let all = input.keys().chain(output.keys());
        let mut taken: BTreeSet<String> = all.filter(|name| is_valid(name)).cloned().collect();
        let input_names = Names::choose(input.keys().map(|name| (name, name.clone())), &mut taken);
        let new = output.keys().filter(is_new).map(|name| (name, stands_for(name)));
        let mut output_names = Names::choose(new, &mut taken);
        let shared = input_names
            .0
            .iter()
            .filter(|(old, _)| output.contains_key(old) && !differ.contains(old));
        output_names.0.extend(shared.cloned());

        let mut schemas = Map::new();
        for (all, names) in [(input, &input_names), (output, &output_names)] {
            for (name, mut schema) in all {
                names.apply(&mut schema);
                schemas.insert(names.of(&name).to_owned(), schema);
            }
        }
        Self {
            schemas,
            input: input_names,
            output: output_names,
        }
    }
}

impl Names {
    /// Chooses names that are valid and not taken, as near as can be to those that are wished for.
    fn choose<'a>(wishes: impl Iterator<Item = (&'a String, String)>, taken: &mut BTreeSet<String>) -> Self {
        let mut names = Vec::new();
        for (name, wish) in wishes {
            if *name == wish && is_valid(name) {
                continue;
            }
            let mut new = wish.replace(|character| !is_valid_character(character), "_");
            while !taken.insert(new.clone()) {
                new.push('_');
            }
            names.push((name.clone(), new));
        }
        Self(names)
    }

    fn of<'n>(&'n self, name: &'n str) -> &'n str {
        let found = self.0.iter().find(|(old, _)| old == name);
        found.map_or(name, |(_, new)| new)
    }

    /// Has all references to components point to the names that these have.
    pub(super) fn apply(&self, value: &mut Value) {
        if self.0.is_empty() {
            return;
        }
        each_schema(value, &mut |schema| {
            let Some(name) = target(schema) else { return };
            let new = self.of(&name);
            if new != name {
                schema.insert("$ref".into(), json!(format!("{COMPONENTS}{new}")));
            }
        });
    }
}

/// The name of the component that this refers to.
pub(super) fn target(schema: &Map<String, Value>) -> Option<String> {
    let pointer = schema.get("$ref")?.as_str()?.strip_prefix(COMPONENTS)?;
    let name = percent_decode_str(pointer).decode_utf8().ok()?;
    Some(name.replace("~1", "/").replace("~0", "~"))
}

/// Visits every object that may be a schema, and none that is a value of the user's.
pub(super) fn each_schema(value: &mut Value, visit: &mut impl FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| each_schema(item, visit)),
        Value::Object(object) => {
            visit(object);
            for (key, inner) in object.iter_mut() {
                match key.as_str() {
                    "const" | "default" | "enum" | "example" | "examples" => {}
                    // The keys in these are names, which may be those above.
                    "$defs" | "content" | "dependentSchemas" | "encoding" | "headers" | "paths"
                    | "patternProperties" | "properties" | "responses" | "schemas" => {
                        let named = inner.as_object_mut().into_iter().flat_map(Map::values_mut);
                        named.for_each(|schema| each_schema(schema, visit));
                    }
                    _ => each_schema(inner, visit),
                }
            }
        }
        _ => {}
    }
}

/// Says the range of numbers that their format names: many programs do not know formats.
pub(super) fn bound_integers(value: &mut Value) {
    each_schema(value, &mut |object| {
        let (min, max) = match object.get("format").and_then(Value::as_str) {
            Some("uint32") => (json!(0), json!(u32::MAX)),
            Some("uint64" | "uint") => (json!(0), json!(u64::MAX)),
            Some("int32") => (json!(i32::MIN), json!(i32::MAX)),
            Some("int64" | "int") => (json!(i64::MIN), json!(i64::MAX)),
            _ => return,
        };
        let whole = |kind: &Value| kind == "integer";
        let integer = object.get("type").is_some_and(|kind| match kind {
            Value::Array(kinds) => kinds.iter().any(whole),
            one => whole(one),
        });
        if integer {
            object.entry("minimum").or_insert(min);
            object.entry("maximum").or_insert(max);
        }
    });
}

/// The names under which something else is written than read: a schema that is another one, or refers to such a one.
fn differing(input: &Map<String, Value>, output: &Map<String, Value>) -> BTreeSet<String> {
    let mut differ: BTreeSet<String> = output
        .iter()
        .filter(|(name, schema)| input.get(*name).is_some_and(|other| other != *schema))
        .map(|(name, _)| name.clone())
        .collect();
    while let Some(name) = output.iter().find_map(|(name, schema)| {
        let new = !differ.contains(name) && input.contains_key(name) && refers_to(schema, &differ);
        new.then(|| name.clone())
    }) {
        differ.insert(name);
    }
    differ
}

fn refers_to(schema: &Value, names: &BTreeSet<String>) -> bool {
    match schema {
        Value::Array(items) => items.iter().any(|item| refers_to(item, names)),
        Value::Object(object) => {
            target(object).is_some_and(|name| names.contains(&name))
                || object.values().any(|inner| refers_to(inner, names))
        }
        _ => false,
    }
}

fn is_valid(name: &str) -> bool {
    !name.is_empty() && name.chars().all(is_valid_character)
}

/// OpenAPI 3.1 §4.8.7.1.
pub(super) fn is_valid_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '.' | '-' | '_')
}
