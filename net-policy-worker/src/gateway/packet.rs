//! A packet on its way from the door to the object of its subscriber.
//!
//! What is judged of it is read at the door, where it came in, and nothing else of its headers goes any further: that
//! is its head, which travels as JSON beside the body. How long the body is, is seen where it is read.

use http::{HeaderMap, HeaderName, HeaderValue, Request};
use serde::{Deserialize, Serialize};

use super::{Attempt, REQUEST_HEADERS};

/// Longest part of an address that is carried on, in characters: far more than any that is let through.
const MAX_NAME: usize = 1024;

/// A terminal's packet: what is judged of it, and what the SM is sent if it may pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// The session's id.
    pub id: String,
    /// What is judged.
    pub attempt: Attempt,
    /// Of its headers those that an SM may see, every line of them.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

/// All of it but the body.
#[derive(Serialize, Deserialize)]
struct Head {
    id: String,
    attempt: Attempt,
    headers: Vec<(String, String)>,
}

impl Packet {
    /// The packet that a request to `sessions/{id}/http/{rest}` is; the request as it was, if it is to
    /// another path.
    ///
    /// # Errors
    /// The request: it is none.
    #[expect(clippy::result_large_err, reason = "what is no packet goes on as the request it is")]
    pub fn read(request: Request<Vec<u8>>) -> Result<Self, Request<Vec<u8>>> {
        let path = request.uri().path().strip_prefix("/network/sessions/");
        let Some((id, rest)) =
            path.and_then(|path| path.split_once("/http/")).filter(|(id, _)| !id.contains('/'))
        else {
            return Err(request);
        };
        let (id, query, length) = (id.to_owned(), request.uri().query(), request.body().len());
        let attempt = Attempt::of(request.method(), rest, query, request.headers(), length);
        let (mut parts, body) = request.into_parts();
        let mut headers = HeaderMap::new();
        for name in REQUEST_HEADERS {
            if let http::header::Entry::Occupied(entry) = parts.headers.entry(&name) {
                for value in entry.remove_entry_mult().1 {
                    headers.append(name.clone(), value);
                }
            }
        }
        Ok(Self { id, attempt, headers, body })
    }

    /// All of it but the body, as JSON in ASCII; `None` where a header is none that JSON can hold, which no runtime
    /// hands over.
    #[must_use]
    pub fn head(&self) -> Option<String> {
        let text = |(name, value): (&HeaderName, &HeaderValue)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        };
        // What is refused whatever it says need not be carried around.
        let bounded = |text: &str| text.chars().take(MAX_NAME).collect();
        let headers = match self.attempt.suspicion {
            Some(_) => vec![],
            None => self.headers.iter().map(text).collect::<Option<_>>()?,
        };
        let attempt = Attempt {
            authority: bounded(&self.attempt.authority),
            target: bounded(&self.attempt.target),
            declared: self.attempt.declared.as_deref().map(bounded),
            ..self.attempt.clone()
        };
        let head = Head { id: bounded(&self.id), attempt, headers };
        serde_json::to_string(&head).ok().filter(|head| head.is_ascii())
    }

    /// The packet of a [`Packet::head`], without a body.
    #[must_use]
    pub fn of(head: &str) -> Option<Self> {
        let Head { id, attempt, headers: lines } = serde_json::from_str(head).ok()?;
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let name = HeaderName::try_from(name).ok().filter(|name| REQUEST_HEADERS.contains(name))?;
            headers.append(name, HeaderValue::try_from(value).ok()?);
        }
        Some(Self { id, attempt: Attempt { length: 0, ..attempt }, headers, body: vec![] })
    }

    /// How long its body is said to be.
    #[must_use]
    pub fn said(&self) -> Option<usize> {
        self.attempt.declared.as_ref()?.parse().ok()
    }

    /// The packet with its body: it is judged by how long that is.
    #[must_use]
    pub fn with_body(self, body: Vec<u8>) -> Self {
        Self { attempt: Attempt { length: body.len(), ..self.attempt }, body, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::{Examined, SmAddresses, examine};

    const ADDRESS: &str =
        "https://network.example/network/sessions/5e55/http/sm.example/gsma/rsp2/es9plus/a?b=c";

    fn request(address: &str) -> Request<Vec<u8>> {
        Request::post(address)
            .header("content-type", "application/json")
            .header("content-length", "3")
            .header("cookie", "session=1")
            .header("signature", "sig1=:AA==:")
            .header("signature", "sig2=:AA==:")
            .header("x-http-method-override", "DELETE")
            .body(vec![0, 0xFF, 10])
            .unwrap()
    }

    #[test]
    fn what_is_judged_is_what_came_in_and_of_the_rest_only_what_an_sm_may_see_goes_on() {
        let packet = Packet::read(request(ADDRESS)).unwrap();
        assert_eq!((packet.id.as_str(), packet.attempt.authority.as_str()), ("5e55", "sm.example"));
        assert_eq!(packet.attempt.target, "/gsma/rsp2/es9plus/a?b=c");
        assert_eq!((packet.attempt.declared.as_deref(), packet.attempt.length), (Some("3"), 3));
        assert_eq!(packet.attempt.suspicion, Some(crate::gateway::Suspicion::Override));
        let lines: Vec<_> =
            packet.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        assert_eq!(
            lines,
            [
                ("content-type", &b"application/json"[..]),
                ("signature", b"sig1=:AA==:"),
                ("signature", b"sig2=:AA==:")
            ]
        );
        // A suspicious one is refused, and its headers have nowhere to go.
        let judged = Packet::of(&packet.head().unwrap()).unwrap().with_body(packet.body.clone());
        assert_eq!((&judged.attempt, judged.headers.len()), (&packet.attempt, 0));
        let mut request = request(ADDRESS);
        request.headers_mut().remove("x-http-method-override");
        let packet = Packet::read(request).unwrap();
        let carried = Packet::of(&packet.head().unwrap()).unwrap().with_body(packet.body.clone());
        assert_eq!((carried.said(), &carried), (Some(3), &packet));
    }

    #[test]
    fn only_a_request_through_a_session_is_a_packet() {
        for path in [
            "sessions/5e55",
            "sessions/5e55/http",
            "sessions/5e55/dns",
            "sessions/a/b/http/sm.example/",
            "http/x",
        ] {
            let address = format!("https://network.example/network/{path}");
            assert_eq!(Packet::read(request(&address)).unwrap_err().uri(), address.as_str());
        }
        let authority_only =
            Packet::read(request("https://n.example/network/sessions/5e55/http/sm.example")).unwrap();
        assert_eq!(
            (authority_only.attempt.authority.as_str(), authority_only.attempt.target.as_str()),
            ("sm.example", "")
        );
    }

    #[test]
    fn a_head_is_judged_as_long_as_the_body_that_comes_with_it() {
        let mut request = request(ADDRESS);
        request.headers_mut().remove("x-http-method-override");
        let head = Packet::read(request).unwrap().head().unwrap();
        let packet = Packet::of(&head).unwrap().with_body(vec![0; 7]);
        assert_eq!((packet.attempt.declared.as_deref(), packet.attempt.length), (Some("3"), 7));
        for other in ["", "{}", "null", &head[1..], &head.replace("content-type", "cookie")] {
            assert_eq!(Packet::of(other), None, "{other}");
        }
    }

    #[test]
    fn an_address_that_is_too_long_stays_one_and_its_head_does_not_grow() {
        let allowed = SmAddresses::parse("sm.example").unwrap();
        let long = "a".repeat(60_000);
        for rest in [
            format!("sm.example/gsma/rsp2/es9plus/{long}"),
            format!("sm.example{long}/gsma/rsp2/es9plus/a"),
            format!("sm.example:{}/gsma/rsp2/es9plus/a", "4".repeat(60_000)),
            format!("sm.example/gsma/rsp2/es9plus/a?{long}"),
        ] {
            let address = format!("https://n.example/network/sessions/5e55/http/{rest}");
            let request = Request::post(address).header("content-length", "0").body(vec![]).unwrap();
            let packet = Packet::read(request).unwrap();
            let head = packet.head().unwrap();
            assert!(head.len() < 4096, "{}", head.len());
            let carried = Packet::of(&head).unwrap();
            assert!(matches!(examine(&packet.attempt, &allowed), Examined::Refused(_)));
            assert!(matches!(examine(&carried.attempt, &allowed), Examined::Refused(_)));
        }
    }
}
