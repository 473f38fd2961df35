//! What the page asks the network by itself. The page asks, not the phone: it is no message
//! between the parties, and stands in no trace.

use serde::de::DeserializeOwned;

use crate::network::NetworkError;
use crate::terminal::answered;
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
    answered(&answer)
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
    answered(&answer)
}
