//! For tests: what a server's OpenAPI document (3.1) promises, held against what it answers.
//!
//! A request is held against its schema as JSON Schema has it: what a server does not know may
//! be there. An answer is held more strictly: what the document does not name is not to be there,
//! unless it says `additionalProperties` or names nothing at all. So a document cannot fall behind
//! its server without a test that fails.
//!
//! Of JSON Schema that is known which the documents here use. A document that uses more is not
//! read ([`Document::parse`]), so no promise is passed over.
//!
//! ```
//! let document = openapi_check::Document::parse(r#"{ "paths": { "/things/{name}": { "get": {
//!     "responses": { "200": { "content": { "application/json": { "schema": {
//!         "type": "object", "properties": { "size": { "type": "integer" } }, "required": ["size"] } } } } }
//! } } } }"#).unwrap();
//! let answered = |body: &str| document.answer("GET", "/things/x", 200, "application/json", body.as_bytes());
//! assert_eq!(answered(r#"{"size":1}"#), Ok(()));
//! assert!(answered(r#"{"size":"1"}"#).unwrap_err().contains(".size"));
//! assert!(answered(r#"{"size":1,"more":2}"#).unwrap_err().contains("more"));
//! ```

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;
use serde_json::{Map, Value};

/// What does not hold, and where.
pub type Broken = String;

/// A path whose last parameter stands for all the segments that are left says so by this.
const TAKES_THE_REST: &str = "x-takes-the-rest";

/// A document that can be asked.
#[derive(Debug)]
pub struct Document {
    whole: Value,
    patterns: BTreeMap<String, Regex>,
}

/// An operation: what a method does at a path.
#[derive(Clone, Copy, Debug)]
pub struct Operation<'d> {
    /// The path as the document has it: `/things/{name}`.
    pub path: &'d str,
    /// The method in lower case.
    pub method: &'d str,
    /// What is said of it.
    pub described: &'d Value,
}

impl Operation<'_> {
    /// Its method and path: `GET /things/{name}`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} {}", self.method.to_uppercase(), self.path)
    }
}

impl Document {
    /// Reads a document.
    ///
    /// # Errors
    /// It is not JSON, refers to what is not there, or says something of a schema that is not
    /// known here.
    pub fn parse(text: &str) -> Result<Self, Broken> {
        let whole: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let mut document = Self { whole, patterns: BTreeMap::new() };
        let mut patterns = BTreeMap::new();
        document.look_for_schemas(&document.whole, &mut patterns)?;
        document.patterns = patterns;
        Ok(document)
    }

    /// The document itself.
    #[must_use]
    pub const fn json(&self) -> &Value {
        &self.whole
    }

    /// All operations.
    pub fn operations(&self) -> impl Iterator<Item = Operation<'_>> {
        const METHODS: [&str; 7] = ["get", "put", "post", "delete", "options", "head", "patch"];
        let of_path = |(path, item)| {
            let fields = fields(item).filter(|(name, _)| METHODS.contains(&name.as_str()));
            fields.map(move |(method, described)| Operation { path, method, described })
        };
        fields(&self.whole["paths"]).map(|(path, item)| (path.as_str(), item)).flat_map(of_path)
    }

    /// The operation that a request asks for, by its method and its path, with or without a query.
    #[must_use]
    pub fn operation(&self, method: &str, path: &str) -> Option<Operation<'_>> {
        let path = path.split('?').next().unwrap_or_default();
        let fitting = self.operations().filter(|operation| {
            let rest = self.whole["paths"][operation.path].get(TAKES_THE_REST).is_some();
            operation.method.eq_ignore_ascii_case(method) && fits(operation.path, path, rest)
        });
        // What is named goes before what is a parameter.
        fitting.min_by_key(|operation| operation.path.matches('{').count())
    }

    /// Holds a request with a JSON body, or without one, against its description.
    ///
    /// # Errors
    /// Where it is not as described.
    pub fn request(&self, method: &str, path: &str, body: Option<&Value>) -> Result<(), Broken> {
        let operation =
            self.operation(method, path).ok_or_else(|| format!("{method} {path} is not described"))?;
        let of = operation.name();
        match (operation.described.get("requestBody"), body) {
            (None, None) => Ok(()),
            (Some(described), None) if described["required"] != true => Ok(()),
            (None, Some(_)) => Err(format!("{of}: a body where none is described")),
            (Some(_), None) => Err(format!("{of}: no body where one is described")),
            (Some(described), Some(body)) => {
                let schema = described["content"]["application/json"].get("schema");
                let schema = schema.ok_or_else(|| format!("{of}: no JSON is described"))?;
                self.follows(body, schema, Reading::Open).map_err(|why| format!("{of}: request{why}"))
            }
        }
    }

    /// Holds what is sent unasked against the description of the callback `name` of `POST path`.
    ///
    /// # Errors
    /// Where it is not as described.
    pub fn callback(&self, path: &str, name: &str, body: &Value) -> Result<(), Broken> {
        let of = format!("POST {path}: {name}");
        let operation = self.operation("POST", path).ok_or_else(|| format!("{of} is not described"))?;
        let mut ways = fields(&operation.described["callbacks"][name]);
        let (_, described) = ways.next().ok_or_else(|| format!("{of} is not described"))?;
        let schema = &described["post"]["requestBody"]["content"]["application/json"]["schema"];
        self.follows(body, schema, Reading::Closed).map_err(|why| format!("{of}{why}\n{body:#}"))
    }

    /// Holds an answer against its description.
    ///
    /// # Errors
    /// Where it is not as described.
    pub fn answer(
        &self,
        method: &str,
        path: &str,
        status: u16,
        content_type: &str,
        body: &[u8],
    ) -> Result<(), Broken> {
        let operation =
            self.operation(method, path).ok_or_else(|| format!("{method} {path} is not described"))?;
        let of = format!("{}: {status}", operation.name());
        let responses = &operation.described["responses"];
        let described = responses.get(status.to_string()).or_else(|| responses.get("default"));
        let described = described.ok_or_else(|| format!("{of} is not described"))?;
        let Some(content) = self.resolved(described)?.get("content") else {
            return if body.is_empty() { Ok(()) } else { Err(format!("{of}: no body is described")) };
        };
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        let media = content.get(essence).or_else(|| content.get("*/*"));
        let media = media.ok_or_else(|| format!("{of}: {content_type:?} is not described"))?;
        let Some(schema) = media.get("schema").filter(|_| essence.ends_with("json")) else { return Ok(()) };
        let body: Value = serde_json::from_slice(body).map_err(|error| format!("{of}: {error}"))?;
        self.follows(&body, schema, Reading::Closed).map_err(|why| format!("{of}: answer{why}\n{body:#}"))
    }

    /// What a reference leads to, if it is one.
    fn resolved<'d>(&'d self, value: &'d Value) -> Result<&'d Value, Broken> {
        let Some(reference) = value.get("$ref") else { return Ok(value) };
        let reference = reference.as_str().unwrap_or_default();
        let found = reference.strip_prefix('#').and_then(|pointer| self.whole.pointer(pointer));
        found.ok_or_else(|| format!("{reference} leads nowhere"))
    }

    /// Whether a value is as its schema says, and where it is not.
    fn follows(&self, value: &Value, schema: &Value, reading: Reading) -> Result<(), Broken> {
        for (keyword, said) in fields(schema) {
            let holds = match keyword.as_str() {
                "$ref" => {
                    self.follows(value, self.resolved(schema)?, reading.of_part())?;
                    true
                }
                "allOf" => {
                    items(said).try_for_each(|part| self.follows(value, part, reading.of_part()))?;
                    true
                }
                "anyOf" => items(said).any(|part| self.follows(value, part, reading.of_part()).is_ok()),
                "oneOf" => {
                    let holding =
                        items(said).filter(|part| self.follows(value, part, reading.of_part()).is_ok());
                    holding.count() == 1
                }
                "items" => {
                    for (at, item) in items(value).enumerate() {
                        let whole = reading.of_whole();
                        self.follows(item, said, whole).map_err(|why| format!("[{at}]{why}"))?;
                    }
                    true
                }
                "properties" => {
                    for (name, field) in fields(value) {
                        if let Some(schema) = said.get(name) {
                            let whole = reading.of_whole();
                            self.follows(field, schema, whole).map_err(|why| format!(".{name}{why}"))?;
                        }
                    }
                    true
                }
                "additionalProperties" => {
                    let named = |name: &String| schema["properties"].get(name).is_some();
                    for (name, field) in fields(value).filter(|(name, _)| !named(name)) {
                        if *said == false {
                            return Err(format!(".{name} is not described"));
                        }
                        let whole = reading.of_whole();
                        self.follows(field, said, whole).map_err(|why| format!(".{name}{why}"))?;
                    }
                    true
                }
                "pattern" => {
                    let pattern = self.patterns.get(said.as_str().unwrap_or_default());
                    value.as_str().is_none_or(|text| pattern.is_some_and(|pattern| pattern.is_match(text)))
                }
                _ => simple(keyword, said, value).unwrap_or(true),
            };
            if !holds {
                return Err(format!(": {keyword} {said} does not hold for {value:.200}"));
            }
        }
        if reading == Reading::Closed && value.is_object() {
            let mut named = BTreeSet::new();
            if !self.names(value, schema, &mut named)?
                && let Some((name, _)) = fields(value).find(|(name, _)| !named.contains(name.as_str()))
            {
                return Err(format!(".{name} is not described"));
            }
        }
        Ok(())
    }

    /// Collects what a schema names of an object, all its parts together; whether others may be
    /// there as well.
    fn names<'d>(
        &'d self,
        value: &Value,
        schema: &'d Value,
        named: &mut BTreeSet<&'d str>,
    ) -> Result<bool, Broken> {
        fn walk<'d>(
            document: &'d Document,
            value: &Value,
            schema: &'d Value,
            named: &mut BTreeSet<&'d str>,
        ) -> Result<bool, Broken> {
            named.extend(fields(&schema["properties"]).map(|(name, _)| name.as_str()));
            let mut is_open = schema.get("additionalProperties").is_some_and(|said| *said != false);
            if schema.get("$ref").is_some() {
                is_open |= walk(document, value, document.resolved(schema)?, named)?;
            }
            for part in items(&schema["allOf"]) {
                is_open |= walk(document, value, part, named)?;
            }
            for part in items(&schema["anyOf"]).chain(items(&schema["oneOf"])) {
                if document.follows(value, part, Reading::Parts).is_ok() {
                    is_open |= walk(document, value, part, named)?;
                }
            }
            Ok(is_open)
        }
        let is_open = walk(self, value, schema, named)?;
        // Who names nothing promises nothing, unless it says that there is nothing.
        let says_none = schema.get("additionalProperties").is_some();
        Ok(is_open || (named.is_empty() && !says_none))
    }

    /// Finds the schemas of a part of the document.
    fn look_for_schemas(&self, part: &Value, patterns: &mut BTreeMap<String, Regex>) -> Result<(), Broken> {
        for (name, field) in fields(part) {
            match name.as_str() {
                "schema" => self.schema(field, patterns)?,
                "schemas" => fields(field).try_for_each(|(_, schema)| self.schema(schema, patterns))?,
                _ => self.look_for_schemas(field, patterns)?,
            }
        }
        items(part).try_for_each(|item| self.look_for_schemas(item, patterns))
    }

    /// Whether all that a schema says is known here.
    fn schema(&self, schema: &Value, patterns: &mut BTreeMap<String, Regex>) -> Result<(), Broken> {
        if schema.is_boolean() {
            return Ok(());
        }
        for (keyword, said) in fields(schema) {
            match keyword.as_str() {
                "$ref" => self.resolved(schema).map(|_| ())?,
                "items" | "additionalProperties" => self.schema(said, patterns)?,
                "allOf" | "anyOf" | "oneOf" => {
                    items(said).try_for_each(|part| self.schema(part, patterns))?;
                }
                "properties" => fields(said).try_for_each(|(_, field)| self.schema(field, patterns))?,
                "pattern" => {
                    let pattern = said.as_str().unwrap_or_default();
                    let regex = Regex::new(pattern).map_err(|error| format!("{pattern}: {error}"))?;
                    patterns.insert(pattern.to_owned(), regex);
                }
                "title" | "description" | "default" | "example" | "examples" | "deprecated" => {}
                _ if simple(keyword, said, &Value::Null).is_some() => {}
                other => return Err(format!("a schema says {other}, which is not known here")),
            }
        }
        Ok(())
    }
}

/// How an object is read that has more than is named.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// It may have; so may what is in it.
    Open,
    /// It must not have; nor must what is in it.
    Closed,
    /// It may have, since this is one part of what is said of it; what is in it must not.
    Parts,
}

impl Reading {
    const fn of_part(self) -> Self {
        match self {
            Self::Open => Self::Open,
            Self::Closed | Self::Parts => Self::Parts,
        }
    }

    const fn of_whole(self) -> Self {
        match self {
            Self::Open => Self::Open,
            Self::Closed | Self::Parts => Self::Closed,
        }
    }
}

/// Keywords that look at nothing but the value; `None` for one that is not known, or says
/// nothing that could hold.
fn simple(keyword: &str, said: &Value, value: &Value) -> Option<bool> {
    let number = || said.as_u64().and_then(|number| usize::try_from(number).ok());
    let length = |own: Option<usize>, holds: fn(&usize, &usize) -> bool| {
        let said = number()?;
        Some(own.is_none_or(|own| holds(&own, &said)))
    };
    let characters = value.as_str().map(|text| text.chars().count());
    let elements = value.as_array().map(Vec::len);
    let properties = value.as_object().map(Map::len);
    match keyword {
        "type" => {
            let known = ["object", "array", "string", "integer", "number", "boolean", "null"];
            let names: Vec<_> = said.as_array().map_or_else(|| vec![said], |names| names.iter().collect());
            let names: Vec<_> = names.into_iter().filter_map(Value::as_str).collect();
            let is = |name: &&str| match *name {
                "object" => value.is_object(),
                "array" => value.is_array(),
                "string" => value.is_string(),
                "integer" => value.is_u64() || value.is_i64(),
                "number" => value.is_number(),
                "boolean" => value.is_boolean(),
                _ => value.is_null(),
            };
            let all_known = !names.is_empty() && names.iter().all(|name| known.contains(name));
            all_known.then(|| names.iter().any(is))
        }
        "enum" => said.as_array().map(|values| values.contains(value)),
        "const" => Some(said == value),
        "minimum" => said.as_f64().map(|least| value.as_f64().is_none_or(|value| value >= least)),
        "maximum" => said.as_f64().map(|most| value.as_f64().is_none_or(|value| value <= most)),
        "minLength" => length(characters, usize::ge),
        "maxLength" => length(characters, usize::le),
        "minItems" => length(elements, usize::ge),
        "maxItems" => length(elements, usize::le),
        "minProperties" => length(properties, usize::ge),
        "maxProperties" => length(properties, usize::le),
        "required" => said.as_array().map(|names| {
            let has = |name: &Value| name.as_str().is_some_and(|name| value.get(name).is_some());
            !value.is_object() || names.iter().all(has)
        }),
        // Base64 (RFC 4648 §4); of others nothing is known but the word.
        "format" => said.as_str().map(|format| {
            let byte = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
            format != "byte" || value.as_str().is_none_or(|text| text.chars().all(byte))
        }),
        _ => None,
    }
}

/// Whether a path is one of a template's.
fn fits(template: &str, path: &str, takes_the_rest: bool) -> bool {
    let (template, path): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    let as_many = if takes_the_rest { path.len() >= template.len() } else { path.len() == template.len() };
    as_many && template.iter().zip(&path).all(|(own, given)| own.starts_with('{') || own == given)
}

fn fields(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document(schema: &Value) -> Result<Document, Broken> {
        let content = json!({ "application/json": { "schema": schema } });
        let whole = json!({
            "components": { "schemas": {
                "Name": { "type": "string", "pattern": "^[a-z]{1,4}$" },
                "Named": { "type": "object", "properties": { "name": { "$ref": "#/components/schemas/Name" } }, "required": ["name"] },
            } },
            "paths": {
                "/things": { "post": { "requestBody": { "required": true, "content": content }, "responses": {
                    "200": { "content": content }, "204": {}, "default": { "content": { "application/problem+json": {} } },
                } } },
                "/things/{name}": { "get": { "responses": { "200": { "content": { "*/*": {} } } } } },
                "/things/all": { "get": { "responses": { "204": {} } } },
                "/ways/{to}/{path}": { "x-takes-the-rest": true, "get": { "responses": { "204": {} } } },
            },
        });
        Document::parse(&whole.to_string())
    }

    fn answered(schema: &Value, body: &Value) -> Result<(), Broken> {
        document(schema)?.answer("POST", "/things", 200, "application/json", body.to_string().as_bytes())
    }

    fn requested(schema: &Value, body: &Value) -> Result<(), Broken> {
        document(schema)?.request("POST", "/things", Some(body))
    }

    /// Validation keywords of JSON Schema 2020-12, by what that says of them.
    #[test]
    fn values_follow_their_schema_or_not() {
        for (schema, right, wrong) in [
            (json!({ "type": "integer" }), json!(1), json!(1.5)),
            (json!({ "type": "number" }), json!(1.5), json!("1")),
            (json!({ "type": ["string", "null"] }), json!(null), json!(1)),
            (json!({ "enum": [1, "a"] }), json!("a"), json!("1")),
            (json!({ "const": true }), json!(true), json!(1)),
            (json!({ "minimum": 0, "maximum": 2 }), json!(2), json!(-1)),
            (json!({ "maximum": 2 }), json!("text"), json!(3)),
            (json!({ "minLength": 1, "maxLength": 2 }), json!("éé"), json!("eee")),
            (json!({ "minItems": 1 }), json!([1]), json!([])),
            (json!({ "maxItems": 1 }), json!([1]), json!([1, 2])),
            (json!({ "items": { "type": "string" } }), json!(["a"]), json!(["a", 1])),
            (json!({ "pattern": "^a+$" }), json!("aa"), json!("ab")),
            (json!({ "format": "byte" }), json!("AQ=="), json!("?")),
            (json!({ "anyOf": [{ "type": "string" }, { "type": "null" }] }), json!(null), json!(1)),
            (json!({ "oneOf": [{ "minimum": 1 }, { "minimum": 2 }] }), json!(1), json!(2)),
            (json!({ "allOf": [{ "minimum": 1 }, { "maximum": 2 }] }), json!(1), json!(3)),
            (
                json!({ "required": ["a"], "additionalProperties": true }),
                json!({ "a": 1 }),
                json!({ "b": 1 }),
            ),
            (json!({ "minProperties": 1, "additionalProperties": true }), json!({ "a": 1 }), json!({})),
            (
                json!({ "maxProperties": 1, "additionalProperties": true }),
                json!({ "a": 1 }),
                json!({ "a": 1, "b": 2 }),
            ),
            (
                json!({ "$ref": "#/components/schemas/Named" }),
                json!({ "name": "abc" }),
                json!({ "name": "ABC" }),
            ),
            (
                json!({ "properties": { "a": { "minimum": 1 } }, "additionalProperties": { "type": "string" } }),
                json!({ "a": 1, "b": "b" }),
                json!({ "a": 1, "b": 2 }),
            ),
        ] {
            assert_eq!((answered(&schema, &right), requested(&schema, &right)), (Ok(()), Ok(())), "{schema}");
            assert!(
                answered(&schema, &wrong).is_err() && requested(&schema, &wrong).is_err(),
                "{schema} {wrong}"
            );
        }
    }

    #[test]
    fn answers_have_nothing_that_is_not_named_and_requests_may() {
        let named = json!({ "$ref": "#/components/schemas/Named" });
        let both = json!({ "allOf": [named, { "properties": { "size": {}, "in": named } }] });
        let either =
            json!({ "anyOf": [{ "properties": { "a": { "type": "string" } }, "required": ["a"] }, named] });
        for (schema, right, more) in [
            (&named, json!({ "name": "a" }), json!({ "name": "a", "size": 1 })),
            (&both, json!({ "name": "a", "size": 1 }), json!({ "name": "a", "more": 1 })),
            (
                &both,
                json!({ "name": "a", "in": { "name": "b" } }),
                json!({ "name": "a", "in": { "name": "b", "more": 1 } }),
            ),
            (&either, json!({ "a": "b" }), json!({ "a": "b", "name": "A" })),
            (&either, json!({ "a": "b", "name": "c" }), json!({ "a": "b", "c": 1 })),
        ] {
            assert_eq!(answered(schema, &right), Ok(()));
            assert!(answered(schema, &more).unwrap_err().contains("is not described"), "{more}");
            assert_eq!(requested(schema, &more), Ok(()), "{more}");
        }
        // Nothing is said of it, or that there is more, or that there is nothing.
        assert_eq!(answered(&json!({ "type": "object" }), &json!({ "a": 1 })), Ok(()));
        let open = json!({ "properties": { "b": {} }, "additionalProperties": true });
        assert_eq!(answered(&open, &json!({ "a": 1 })), Ok(()));
        let shut = json!({ "type": "object", "additionalProperties": false });
        assert!(
            answered(&shut, &json!({ "a": 1 })).is_err() && requested(&shut, &json!({ "a": 1 })).is_err()
        );
    }

    #[test]
    fn a_document_that_says_more_is_not_read() {
        for schema in [
            json!({ "not": {} }),
            json!({ "properties": { "a": { "uniqueItems": true } } }),
            json!({ "type": "text" }),
            json!({ "pattern": "(" }),
            json!({ "$ref": "#/components/schemas/Nobody" }),
            json!({ "minLength": -1 }),
        ] {
            assert!(document(&schema).is_err(), "{schema}");
        }
        assert!(Document::parse("{").is_err());
    }

    #[test]
    fn operations_are_found_and_what_is_not_described_is_said() {
        let document = document(&json!({})).unwrap();
        let named = |method: &str, path: &str| document.operation(method, path).map(|found| found.name());
        assert_eq!(named("GET", "/things/one?x=/y").as_deref(), Some("GET /things/{name}"));
        assert_eq!(named("GET", "/things/all").as_deref(), Some("GET /things/all"));
        assert_eq!(named("GET", "/ways/a/b/c/d").as_deref(), Some("GET /ways/{to}/{path}"));
        assert_eq!(named("GET", "/ways/a"), None);
        assert_eq!(named("PUT", "/things"), None);
        assert_eq!(document.operations().count(), 4);
        let answer = |path: &str, status: u16, kind: &str, body: &str| {
            let method = if path == "/things" { "POST" } else { "GET" };
            document.answer(method, path, status, kind, body.as_bytes())
        };
        assert_eq!(answer("/things", 204, "", ""), Ok(()));
        assert!(answer("/things", 204, "application/json", "{}").is_err());
        assert_eq!(answer("/things", 200, "application/json; charset=utf-8", "{}"), Ok(()));
        assert!(answer("/things", 200, "text/html", "").is_err());
        assert!(answer("/things", 200, "application/json", "{").is_err());
        assert_eq!(answer("/things", 500, "application/problem+json", "{}"), Ok(()));
        assert_eq!(answer("/things/x", 200, "image/png", "anything"), Ok(()));
        assert!(answer("/things/x", 404, "image/png", "").is_err());
        assert!(document.request("POST", "/things", None).is_err());
        assert!(document.request("GET", "/things/x", Some(&json!({}))).is_err());
        assert!(document.request("GET", "/nothing", None).is_err());
    }
}
