//! The schema of a problem, which is written by hand as its JSON is.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::response::Problem;

impl JsonSchema for Problem {
    fn schema_name() -> Cow<'static, str> {
        "Problem".into()
    }

    fn schema_id() -> Cow<'static, str> {
        "hyperlane::Problem".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let field = json_schema!({
            "type": "object",
            "required": ["in", "field", "detail"],
            "properties": {
                "in": {
                    "description": "where in the request it stands",
                    "enum": ["path", "query", "header", "cookie", "body", "form"],
                },
                "field": { "type": "string", "description": "its name, as in `user.tags[1]`" },
                "pointer": { "type": "string", "description": "where in a json body it stands (RFC 6901)" },
                "detail": { "type": "string", "description": "what is wrong with it" },
            },
        });
        json_schema!({
            "type": "object",
            "description": "What went wrong (RFC 9457).",
            "required": ["type", "title", "status"],
            "properties": {
                "type": { "type": "string", "format": "uri-reference", "description": "the kind of problem" },
                "title": { "type": "string", "description": "the kind of problem, for people" },
                "status": { "type": "integer", "minimum": 100, "maximum": 599, "description": "the status" },
                "detail": { "type": "string", "description": "what went wrong this time" },
                "instance": { "type": "string", "format": "uri-reference", "description": "this one occurrence" },
                "code": { "type": "string", "description": "the kind of rejection, for programs" },
                "errors": { "type": "array", "items": field, "description": "the fields that are wrong" },
            },
        })
    }
}
