//! ES9+ calls and their answers.

use rsp::es9::{Es9Function, HeaderOnly};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::failure::{Cause, Failure, Stage};
use crate::machine::{HttpAnswer, Io, ServerCall};

/// Calls a function that answers with JSON.
pub(crate) async fn call<T: DeserializeOwned>(
    io: &Io,
    stage: Stage,
    address: &str,
    function: Es9Function,
    request: &impl Serialize,
) -> Result<T, Failure> {
    let answer = send(io, stage, address, function, request).await?;
    let header: HeaderOnly = json(stage, &answer)?;
    if !header.header.is_success() {
        let status = header.header.function_execution_status;
        return Err(Failure::new(
            stage,
            match status.status_code_data {
                Some(data) => Cause::ServerRefused(data),
                None => Cause::ServerData(format!("status {} without a code", status.status)),
            },
        ));
    }
    json(stage, &answer)
}

/// Delivers a notification: done when the server answers with any 2xx.
pub(crate) async fn notify(
    io: &Io,
    address: &str,
    request: &rsp::es9::HandleNotificationRequest,
) -> Result<(), Failure> {
    send(io, Stage::Notify, address, Es9Function::HandleNotification, request).await.map(drop)
}

async fn send(
    io: &Io,
    stage: Stage,
    address: &str,
    function: Es9Function,
    request: &impl Serialize,
) -> Result<HttpAnswer, Failure> {
    let body = serde_json::to_vec(request)
        .map_err(|error| Failure::new(stage, Cause::ServerData(format!("the request: {error}"))))?;
    let answer = io.server(stage, ServerCall { address: address.to_owned(), function, body }).await?;
    if (200..300).contains(&answer.status) {
        Ok(answer)
    } else {
        Err(Failure::new(stage, Cause::Http { status: answer.status, because: words(&answer.body) }))
    }
}

fn json<T: DeserializeOwned>(stage: Stage, answer: &HttpAnswer) -> Result<T, Failure> {
    serde_json::from_slice(&answer.body)
        .map_err(|error| Failure::new(stage, Cause::ServerData(error.to_string())))
}

/// What a problem document (RFC 9457) says in words.
fn words(body: &[u8]) -> Option<String> {
    let problem: serde_json::Value = serde_json::from_slice(body).ok()?;
    let text = ["because", "detail", "title"].iter().find_map(|name| problem.get(name)?.as_str())?;
    Some(text.chars().filter(|c| !c.is_control()).take(300).collect())
}
