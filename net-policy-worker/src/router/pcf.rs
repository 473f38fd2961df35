//! The standard door's paths. `{apiRoot}` may end in `/network`, as the site's does.

use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri, header};
use serde_json::{Value, json};

use super::{Failure, Link, Reply, Router, bearer, json as answer, response, unexpected};
use crate::pcf::{Ask, Door, Name, ProblemDetails, Told, am, gx, sm};
use crate::service::{Answer, Request};
use crate::store::Store;
use crate::subscriber::Tag;

/// A problem of theirs, or one of ours.
enum Trouble {
    Theirs(ProblemDetails),
    Ours(Failure),
}

impl From<ProblemDetails> for Trouble {
    fn from(problem: ProblemDetails) -> Self {
        Self::Theirs(problem)
    }
}

impl<S: Store, L: Link> Router<S, L> {
    /// The answer, if the path is one of the standard door's.
    pub(super) async fn pcf(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Option<Reply> {
        let path = uri.path().strip_prefix("/network").unwrap_or_else(|| uri.path());
        let segments: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
        let (door, rest) = match segments.as_slice() {
            ["npcf-am-policy-control", "v1", "policies", rest @ ..] => (Door::Am, rest),
            ["npcf-smpolicycontrol", "v1", "sm-policies", rest @ ..] => (Door::Sm, rest),
            ["gx", "ccr"] if uri.path().starts_with("/network/") => (Door::Gx, &[][..]),
            _ => return None,
        };
        let answered = match self.admitted(headers) {
            Ok(()) => self.answer(door, method, uri, rest, body).await,
            Err(problem) => Err(problem.into()),
        };
        Some(match answered {
            Ok(response) => Ok(response),
            Err(Trouble::Theirs(problem)) => Ok(shown(&problem)),
            Err(Trouble::Ours(failure)) => Err(failure),
        })
    }

    /// Lets core networks in and nobody else.
    fn admitted(&self, headers: &HeaderMap) -> Result<(), ProblemDetails> {
        match &self.tokens.pcf {
            None => {
                Err(ProblemDetails::new(403, "MODIFICATION_NOT_ALLOWED", "no core network is served here"))
            }
            Some(token) if bearer(token, headers) => Ok(()),
            Some(_) => {
                Err(ProblemDetails::new(401, "UNSPECIFIED_MSG_FAILURE", "the core network's token is needed"))
            }
        }
    }

    async fn answer(
        &self,
        door: Door,
        method: &Method,
        uri: &Uri,
        rest: &[&str],
        body: &[u8],
    ) -> Result<Response<Vec<u8>>, Trouble> {
        match (door, rest, method) {
            (Door::Gx, [], &Method::POST) => {
                let read = gx::request(body)?;
                let told = self.tell(Tag::of(&read.imsi), read.ask.clone()).await?;
                Ok(answer(StatusCode::OK, &gx::answer(&read, &told)))
            }
            (Door::Am | Door::Sm, [], &Method::POST) => {
                let (imsi, context) = match door {
                    Door::Am => am::request(body)?,
                    _ => sm::request(body)?,
                };
                let below = uri.to_string();
                let resource = below.trim_end_matches('/').to_owned();
                let ask = Ask::Create { door, imsi: imsi.to_string(), context, resource: resource.clone() };
                match self.tell(Tag::of(&imsi), ask).await? {
                    Told::Association { id, request, told, .. } => {
                        let value = match door {
                            Door::Am => am::association(&request, told),
                            _ => Value::Object(told),
                        };
                        let mut response = answer(StatusCode::CREATED, &value);
                        let location = format!("{resource}/{id}");
                        if let Ok(location) = HeaderValue::from_str(&location) {
                            response.headers_mut().insert(header::LOCATION, location);
                        }
                        Ok(response)
                    }
                    told => Err(denied(&told)),
                }
            }
            (_, [id], &Method::GET) => {
                let ask = Ask::Read { door, name: Name::Own((*id).to_owned()) };
                match self.tell(tag(id)?, ask).await? {
                    Told::Association { request, told, .. } => Ok(answer(
                        StatusCode::OK,
                        &match door {
                            Door::Am => am::association(&request, told),
                            _ => json!({ "policy": told, "context": request }),
                        },
                    )),
                    told => Err(denied(&told)),
                }
            }
            (Door::Am, [id], &Method::DELETE) => self.delete(door, id, 0).await,
            (Door::Sm, [id, "delete"], &Method::POST) => self.delete(door, id, sm::deletion(body)?).await,
            (_, [id, "update"], &Method::POST) => {
                let (change, asked) = match door {
                    Door::Am => am::update(body).map(|(change, asked)| (change, Some(asked)))?,
                    _ => (sm::update(body)?, None),
                };
                let ask = Ask::Update { door, name: Name::Own((*id).to_owned()), change };
                match self.tell(tag(id)?, ask).await? {
                    Told::Association { apn, told, .. } => {
                        let whole = uri.to_string();
                        let resource = whole.trim_end_matches("/update");
                        Ok(answer(
                            StatusCode::OK,
                            &match &asked {
                                Some(asked) => am::policy_update(asked, resource, &apn, told),
                                None => sm::update_of(told),
                            },
                        ))
                    }
                    told => Err(denied(&told)),
                }
            }
            (_, [] | [_] | [_, "update" | "delete"], _) => {
                Err(ProblemDetails::new(405, "UNSPECIFIED_MSG_FAILURE", "this resource has no such method")
                    .into())
            }
            _ => {
                Err(ProblemDetails::new(404, "RESOURCE_URI_STRUCTURE_NOT_FOUND", "there is no such path")
                    .into())
            }
        }
    }

    async fn delete(&self, door: Door, id: &str, used: u64) -> Result<Response<Vec<u8>>, Trouble> {
        let ask = Ask::Delete { door, name: Name::Own(id.to_owned()), used };
        match self.tell(tag(id)?, ask).await? {
            Told::Deleted => Ok(super::empty()),
            told => Err(denied(&told)),
        }
    }

    async fn tell(&self, tag: Tag, ask: Ask) -> Result<Told, Trouble> {
        match self.ask(tag, Request::Control(ask)).await.map_err(Trouble::Ours)? {
            Answer::Control(told) => Ok(told),
            _ => Err(Trouble::Ours(unexpected())),
        }
    }
}

fn tag(id: &str) -> Result<Tag, Trouble> {
    Tag::of_id(id).ok_or_else(|| ProblemDetails::of(&crate::pcf::Denied::NotFound).into())
}

fn denied(told: &Told) -> Trouble {
    match told {
        Told::Denied(denied) => ProblemDetails::of(denied).into(),
        Told::Association { .. } | Told::Deleted => Trouble::Ours(unexpected()),
    }
}

fn shown(problem: &ProblemDetails) -> Response<Vec<u8>> {
    let body = serde_json::to_vec(problem).unwrap_or_default();
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = response(status, "application/problem+json", body);
    if problem.status == 401 {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}
