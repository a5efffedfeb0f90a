//! An operation: what one method of one path takes and answers.

use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use super::parameter::{Location, Parameter};
use super::path::PathParameters;
use super::responses::{ResponseDescription, Responses, Status, either, media_type_value};
use super::schemas::Schemas;

/// Names that `Form` and `Query` read: `a`, `a[b]`, `a[b][]`; also none, which is no field.
const TEXT_NAMES: &str = r"^(?:[^\[]+(?:\[[^\]]+\])*(?:\[\])?)?$";

/// What an operation takes and answers, while it is described: first by the types of its handler, then by hand.
///
/// [`Route::openapi`](crate::Route::openapi) hands one out, and [`Describe`](super::Describe) adds to it.
#[derive(Clone, Debug)]
pub struct Operation {
    pub(super) schemas: Schemas,
    pub(super) path: PathParameters,
    id: Option<String>,
    summary: Option<String>,
    description: Option<String>,
    tags: Vec<String>,
    deprecated: bool,
    parameters: Vec<Parameter>,
    body: Option<RequestBody>,
    pub(super) responses: Responses,
    security: Vec<String>,
    /// Whether what is described now may be missing.
    optional: bool,
    /// Whether by hand it was said what the open response is.
    closed: bool,
}

#[derive(Clone, Debug)]
struct RequestBody {
    content: Vec<(String, Value, Option<Schema>)>,
    required: bool,
}

impl Operation {
    pub(super) fn new(schemas: &Schemas) -> Self {
        Self {
            schemas: schemas.clone(),
            path: PathParameters::default(),
            id: None,
            summary: None,
            description: None,
            tags: Vec::new(),
            deprecated: false,
            parameters: Vec::new(),
            body: None,
            responses: Responses::new(schemas),
            security: Vec::new(),
            optional: false,
            closed: false,
        }
    }

    /// What it does, in a few words.
    #[must_use]
    pub fn summary(mut self, text: impl Into<String>) -> Self {
        self.summary = Some(text.into());
        self
    }

    /// What it does, at length, in CommonMark.
    #[must_use]
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = Some(text.into());
        self
    }

    /// Its name for programs, unique in the document: what generated clients call their function. Default: the name of
    /// the route, or else method and path.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Puts it into a group of the viewer.
    #[must_use]
    pub fn tag(mut self, name: impl Into<String>) -> Self {
        let name = name.into();
        if !self.tags.contains(&name) {
            self.tags.push(name);
        }
        self
    }

    /// Nobody shall begin to use it.
    #[must_use]
    pub fn deprecated(mut self) -> Self {
        self.deprecated = true;
        self
    }

    /// It needs what this security scheme of the document grants; without, it answers 401. See
    /// [`OpenApi::security`](super::OpenApi::security).
    #[must_use]
    pub fn secured_by(mut self, scheme: impl Into<String>) -> Self {
        let scheme = scheme.into();
        if !self.security.contains(&scheme) {
            self.security.push(scheme);
        }
        self.problem(401, "who asks is not known")
    }

    /// It reads the parameters of the path as a `T`: a single value, a tuple, or a struct by their names.
    #[must_use]
    pub fn path<T: JsonSchema>(mut self) -> Self {
        self.path.describe(&self.schemas.text::<T>());
        self
    }

    /// It reads the query as a `T`: a parameter for each field.
    #[must_use]
    pub fn query<T: JsonSchema>(mut self) -> Self {
        let schema = self.schemas.text::<T>();
        let required = !self.optional;
        let Some(fields) = Schemas::fields(&schema) else {
            let mut schema = schema;
            limit_names(&mut schema);
            let parameter = Parameter::new(Location::Query, "query", false, schema.to_value());
            return self.parameter(parameter.free_form());
        };
        for (name, property) in &fields.properties {
            let deep = self.schemas.is_object(property);
            let required = required && fields.is_required(name);
            let parameter = Parameter::new(Location::Query, name, required, property.clone()).may_be_empty();
            self = self.parameter(if deep { parameter.deep() } else { parameter });
        }
        self
    }

    /// It reads one parameter of the query as a `T`, as [`Context::query`](crate::Context::query) does.
    ///
    /// ```
    /// use hyperlane::*;
    ///
    /// async fn stars(ctx: Context) -> String {
    ///     let count = ctx.query("count").and_then(|text| text.parse().ok()).unwrap_or(1);
    ///     "*".repeat(usize::from(u8::min(count, 80)))
    /// }
    ///
    /// let route = Route::new(stars)
    ///     .openapi(|operation| operation.optional(|operation| operation.query_parameter::<u8>("count")));
    /// # Server::new().get("/stars", route);
    /// ```
    #[must_use]
    pub fn query_parameter<T: JsonSchema>(self, name: &str) -> Self {
        self.plain::<T>(Location::Query, name)
    }

    /// It reads a header as a `T`. The headers that describe body and identity (`Content-Type`, `Accept`,
    /// `Authorization`) are described elsewhere in a document, and left out.
    #[must_use]
    pub fn header<T: JsonSchema>(self, name: &str) -> Self {
        let elsewhere = ["accept", "authorization", "content-type"];
        if elsewhere.iter().any(|other| name.eq_ignore_ascii_case(other)) {
            return self;
        }
        self.plain::<T>(Location::Header, name)
    }

    /// It reads a cookie as a `T`.
    #[must_use]
    pub fn cookie<T: JsonSchema>(self, name: &str) -> Self {
        self.plain::<T>(Location::Cookie, name)
    }

    /// It takes a body of this media type, whose content is not told further.
    #[must_use]
    pub fn body(self, media_type: &str) -> Self {
        self.add_body(media_type, json!({}), None)
    }

    /// It takes a body of this media type that is a `T`.
    #[must_use]
    pub fn body_of<T: JsonSchema>(self, media_type: &str) -> Self {
        let schema = self.schemas.input::<T>();
        self.add_body(media_type, json!({}), Some(schema))
    }

    /// It takes a body of this media type that is a form whose fields are those of `T`.
    #[must_use]
    pub fn form_of<T: JsonSchema>(self, media_type: &str) -> Self {
        let mut schema = self.schemas.text::<T>();
        limit_names(&mut schema);
        let fields = Schemas::fields(&schema);
        let nested = fields.iter().flat_map(|fields| &fields.properties);
        let encoding: Map<_, _> = nested
            .filter(|(_, property)| self.schemas.is_object(property))
            .map(|(name, _)| (name.clone(), json!({ "style": "deepObject", "explode": true })))
            .collect();
        self.add_body(media_type, Value::Object(encoding), Some(schema))
    }

    /// What `describe` adds need not be sent.
    #[must_use]
    pub fn optional(mut self, describe: impl FnOnce(Self) -> Self) -> Self {
        let before = std::mem::replace(&mut self.optional, true);
        let mut described = describe(self);
        described.optional = before;
        described
    }

    /// What `describe` adds is not answered with an error by itself: the handler gets the rejection.
    #[must_use]
    pub fn without_rejection(self, describe: impl FnOnce(Self) -> Self) -> Self {
        let before = self.responses.clone();
        let mut described = describe(self);
        described.responses = before;
        described
    }

    /// It may answer with this status; the response is described further in `describe`.
    ///
    /// Where the handler's type leaves the status open, as `(StatusCode, Json<T>)` does, that response is what is
    /// described here.
    #[must_use]
    pub fn response(
        mut self,
        status: impl Into<Status>,
        describe: impl FnOnce(ResponseDescription) -> ResponseDescription,
    ) -> Self {
        self.responses.refine(status.into(), describe);
        self.closed = true;
        self
    }

    /// It may answer with this error, told as a [`Problem`](crate::Problem).
    #[must_use]
    pub fn problem(mut self, status: impl Into<Status>, description: &str) -> Self {
        self.responses = self.responses.problem(status, description);
        self
    }

    /// What the handler's type says that it answers.
    #[must_use]
    pub(super) fn answers(mut self, describe: impl FnOnce(Responses) -> Responses) -> Self {
        self.responses = self.responses.within(describe);
        self
    }

    /// Both, where two routes of one method can't be told apart in a document.
    #[must_use]
    pub(super) fn or(mut self, other: Self) -> Self {
        for mut parameter in other.parameters {
            if !self.parameters.iter().any(|own| own.is(&parameter)) {
                parameter.required = false;
                self.parameters.push(parameter);
            }
        }
        self.path.merge(other.path);
        match (&mut self.body, other.body) {
            (Some(own), Some(other)) => {
                own.required &= other.required;
                for content in other.content {
                    add_content(&mut own.content, content);
                }
            }
            (Some(only), None) => only.required = false,
            (own @ None, Some(mut only)) => {
                only.required = false;
                *own = Some(only);
            }
            (None, None) => {}
        }
        self.responses.merge(other.responses);
        self.summary = self.summary.or(other.summary);
        self.description = self.description.or(other.description);
        self.id = self.id.or(other.id);
        for tag in other.tags {
            self = self.tag(tag);
        }
        self
    }

    /// The operation with the name that it has if it was not given one.
    pub(super) fn id_or(&self, name: Option<&str>) -> Option<String> {
        self.id.clone().or_else(|| name.map(str::to_owned))
    }

    /// The operation as it stands in a document, where its path's parameters have these names.
    pub(super) fn to_value(&self, id: &str, names: &[String]) -> Value {
        let mut value = json!({ "operationId": id });
        for (key, text) in [("summary", &self.summary), ("description", &self.description)] {
            if let Some(text) = text {
                value[key] = json!(text);
            }
        }
        if !self.tags.is_empty() {
            value["tags"] = json!(self.tags);
        }
        if self.deprecated {
            value["deprecated"] = json!(true);
        }
        let path = self.path.to_values(names);
        let parameters: Vec<_> = path
            .into_iter()
            .chain(self.parameters.iter().map(Parameter::to_value))
            .collect();
        if !parameters.is_empty() {
            value["parameters"] = Value::Array(parameters);
        }
        if let Some(body) = &self.body {
            value["requestBody"] = body.to_value();
        }
        let mut responses = self.responses.clone();
        if self.closed {
            responses.close();
        }
        value["responses"] = responses.to_value();
        if !self.security.is_empty() {
            let mut all = Map::new();
            for scheme in &self.security {
                all.insert(scheme.clone(), json!([]));
            }
            value["security"] = json!([all]);
        }
        value
    }

    fn plain<T: JsonSchema>(self, location: Location, name: &str) -> Self {
        let schema = self.schemas.text::<T>();
        let parameter = Parameter::new(location, name, !self.optional, schema.to_value());
        self.parameter(parameter)
    }

    fn parameter(mut self, parameter: Parameter) -> Self {
        self.parameters.retain(|other| !other.is(&parameter));
        self.parameters.push(parameter);
        self
    }

    fn add_body(mut self, media_type: &str, encoding: Value, schema: Option<Schema>) -> Self {
        let required = !self.optional;
        let body = self.body.get_or_insert(RequestBody {
            content: Vec::new(),
            required: false,
        });
        body.required |= required;
        add_content(&mut body.content, (media_type.to_owned(), encoding, schema));
        self
    }
}

impl RequestBody {
    fn to_value(&self) -> Value {
        let content: Map<_, _> = self
            .content
            .iter()
            .map(|(media_type, encoding, schema)| {
                let mut value = media_type_value(schema.as_ref());
                if encoding.as_object().is_some_and(|encoding| !encoding.is_empty()) {
                    value["encoding"] = encoding.clone();
                }
                (media_type.clone(), value)
            })
            .collect();
        json!({ "content": content, "required": self.required })
    }
}

/// Says which names text may give to fields that are not described: brackets nest, so that they must be paired.
fn limit_names(schema: &mut Schema) {
    let closed = schema.get("additionalProperties").is_some_and(|more| more == false);
    let is_object = schema.get("type").is_some_and(|kind| kind == "object");
    if is_object && !closed {
        schema.insert("propertyNames".into(), json!({ "pattern": TEXT_NAMES }));
    }
}

fn add_content(content: &mut Vec<(String, Value, Option<Schema>)>, new: (String, Value, Option<Schema>)) {
    match content.iter_mut().find(|(media_type, ..)| *media_type == new.0) {
        Some((_, _, schema)) => *schema = either(schema.take(), new.2),
        None => content.push(new),
    }
}
