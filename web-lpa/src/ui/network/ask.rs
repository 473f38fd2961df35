//! What the page asks the network by itself. The page asks, not the phone: it is no message
//! between the parties, and stands in no trace.

use leptos::prelude::*;
use serde::de::DeserializeOwned;

use crate::model::{Model, Radio};
use crate::network::NetworkError;
use crate::terminal::refusal;
use crate::transport::http;

/// Asks for what is at `path`; with a body it is posted there. `token` is the operator's.
pub(super) async fn ask<T: DeserializeOwned>(
    path: &str,
    token: Option<&str>,
    body: Option<&[u8]>,
) -> Result<T, NetworkError> {
    let bearer = token.map(|token| format!("Bearer {token}"));
    let headers: Vec<_> = bearer.iter().map(|bearer| ("authorization", bearer.as_str())).collect();
    let method = if body.is_some() { "POST" } else { "GET" };
    let answer = http::send(method, path, &headers, body).await.map_err(NetworkError::Lost)?;
    if answer.status >= 400 {
        return Err(refusal(answer.status, &answer.body));
    }
    serde_json::from_slice(&answer.body).map_err(|error| NetworkError::Lost(error.to_string()))
}

/// The same of the phone's session. One that has ended elsewhere has ended here, too: the
/// phone is without service and says why.
pub(super) async fn ask_session<T: DeserializeOwned>(
    model: Model,
    rest: &str,
    body: Option<&[u8]>,
) -> Result<T, NetworkError> {
    let id = model.radio.with_untracked(|radio| radio.session().map(|session| session.session_id.clone()));
    let id = id.ok_or_else(|| NetworkError::Lost("the phone has no service".to_owned()))?;
    let answer = ask(&format!("/network/sessions/{id}{rest}"), None, body).await;
    if let Err(error) = &answer
        && error.is_session_gone()
        && model.task.with_untracked(Option::is_none)
        && model.radio.with_untracked(|radio| radio.session().is_some_and(|session| session.session_id == id))
    {
        model.radio.set(Radio::NoService(error.clone()));
    }
    answer
}

/// Makes another version of the policy, of the one that was `seen`.
pub(super) async fn put<T: DeserializeOwned>(
    method: &str,
    path: &str,
    token: &str,
    seen: u64,
    body: &[u8],
) -> Result<T, NetworkError> {
    let (bearer, tag) = (format!("Bearer {token}"), format!("\"{seen}\""));
    let headers = [("authorization", bearer.as_str()), ("if-match", tag.as_str())];
    let answer = http::send(method, path, &headers, Some(body)).await.map_err(NetworkError::Lost)?;
    if answer.status >= 400 {
        return Err(refusal(answer.status, &answer.body));
    }
    serde_json::from_slice(&answer.body).map_err(|error| NetworkError::Lost(error.to_string()))
}
