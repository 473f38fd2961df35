//! ES9+ calls and their answers.

use rsp::es9::{Es9Function, HeaderOnly};
use rsp::status::FunctionExecutionStatus;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::failure::{Cause, Failure, Stage, printable};
use crate::machine::{HttpAnswer, Interface, Io, ServerCall};

/// A server, and how it is spoken to.
#[derive(Clone, Copy)]
pub(crate) struct Server<'a> {
    pub(crate) address: &'a str,
    pub(crate) interface: Interface,
}

impl<'a> Server<'a> {
    pub(crate) const fn smdp(address: &'a str) -> Self {
        Self { address, interface: Interface::Es9Plus }
    }
}

/// Calls a function that answers with JSON.
pub(crate) async fn call<T: DeserializeOwned>(
    io: &Io,
    stage: Stage,
    server: Server<'_>,
    function: Es9Function,
    request: &impl Serialize,
) -> Result<T, Failure> {
    let answer = send(io, stage, server, function, request).await?;
    let header: HeaderOnly = json(stage, &answer)?;
    if !header.header.is_success() {
        return Err(refusal(stage, header));
    }
    json(stage, &answer)
}

/// Delivers a notification. Only 204 says that the server has it (SGP.22 §6.3): another
/// success may be of something that stands between.
pub(crate) async fn notify(
    io: &Io,
    address: &str,
    request: &rsp::es9::HandleNotificationRequest,
) -> Result<(), Failure> {
    let stage = Stage::Notify;
    let answer = send(io, stage, Server::smdp(address), Es9Function::HandleNotification, request).await?;
    match serde_json::from_slice::<HeaderOnly>(&answer.body) {
        _ if answer.status == 204 => Ok(()),
        Ok(answer) if !answer.header.is_success() => Err(refusal(stage, answer)),
        _ => Err(Failure::new(stage, Cause::Unconfirmed { status: answer.status })),
    }
}

fn refusal(stage: Stage, answer: HeaderOnly) -> Failure {
    let FunctionExecutionStatus { status, status_code_data } = answer.header.function_execution_status;
    Failure::new(
        stage,
        match status_code_data {
            Some(data) if status != "Expired" => Cause::ServerRefused(data),
            code => Cause::Unfinished { status, code: code.map(Box::new) },
        },
    )
}

async fn send(
    io: &Io,
    stage: Stage,
    server: Server<'_>,
    function: Es9Function,
    request: &impl Serialize,
) -> Result<HttpAnswer, Failure> {
    let body = serde_json::to_vec(request)
        .map_err(|error| Failure::new(stage, Cause::ServerData(format!("the request: {error}"))))?;
    let Server { address, interface } = server;
    let answer =
        io.server(stage, ServerCall { address: address.to_owned(), interface, function, body }).await?;
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
    Some(printable(text))
}
