//! What the document of the operator's interface (`openapi.json`) promises of answers, held
//! against answers.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

use std::sync::LazyLock;

use http::Response;
use openapi_check::{Document, Operation};

static DOCUMENT: LazyLock<Document> =
    LazyLock::new(|| Document::parse(include_str!("../../openapi.json")).unwrap());

/// The operation that a request is for, by method and path of the document.
pub(crate) fn operation(method: &str, path: &str) -> Option<String> {
    DOCUMENT.operation(method, path).map(|operation| operation.name())
}

/// All operations there are.
pub(crate) fn operations() -> Vec<String> {
    DOCUMENT.operations().map(|operation: Operation<'_>| operation.name()).collect()
}

/// Panics when an answer is not as the document says.
#[track_caller]
pub(crate) fn check(method: &str, path: &str, answer: &Response<Vec<u8>>) {
    if operation(method, path).is_none() {
        return;
    }
    let kind = answer.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let held = DOCUMENT.answer(method, path, answer.status().as_u16(), kind, answer.body());
    held.unwrap_or_else(|why| panic!("{why}"));
}
