//! A packet on its way from the door to the object of its subscriber.
//!
//! What is judged of it is read at the door, where it came in, and nothing else of its headers goes any further. As
//! bytes:
//!
//! ```text
//!  length of the JSON, 4 bytes, big endian │ JSON: session, attempt, headers │ the body, as it is
//! ```

use http::{HeaderMap, HeaderName, HeaderValue, Request};
use serde::{Deserialize, Serialize};

use super::{Attempt, REQUEST_HEADERS};

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

    /// The packet as bytes; `None` where a header is none that JSON can hold, which no runtime hands over.
    #[must_use]
    pub fn to_bytes(&self) -> Option<Vec<u8>> {
        let text = |(name, value): (&HeaderName, &HeaderValue)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        };
        let headers = self.headers.iter().map(text).collect::<Option<_>>()?;
        let head = Head { id: self.id.clone(), attempt: self.attempt.clone(), headers };
        let head = serde_json::to_vec(&head).ok()?;
        let length = u32::try_from(head.len()).ok()?;
        Some([&length.to_be_bytes()[..], &head, &self.body].concat())
    }

    /// Reads [`Packet::to_bytes`].
    #[must_use]
    pub fn from_bytes(mut bytes: Vec<u8>) -> Option<Self> {
        let length = u32::from_be_bytes(*bytes.first_chunk::<4>()?);
        let start = usize::try_from(length).ok()?.checked_add(4)?;
        let Head { id, attempt, headers: lines } = serde_json::from_slice(bytes.get(4..start)?).ok()?;
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let name = HeaderName::try_from(name).ok().filter(|name| REQUEST_HEADERS.contains(name))?;
            headers.append(name, HeaderValue::try_from(value).ok()?);
        }
        bytes.drain(..start);
        (bytes.len() == attempt.length).then_some(Self { id, attempt, headers, body: bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(Packet::from_bytes(packet.to_bytes().unwrap()), Some(packet));
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
    fn bytes_that_are_no_packet_are_none() {
        let bytes = Packet::read(request(ADDRESS)).unwrap().to_bytes().unwrap();
        for end in 0..bytes.len() {
            assert_eq!(Packet::from_bytes(bytes[..end].to_vec()), None, "{end}");
        }
        // One byte more than was judged.
        assert_eq!(Packet::from_bytes([&bytes[..], &[0]].concat()), None);
        assert_eq!(Packet::from_bytes(vec![0xFF; 16]), None);
        // A header that an SM is not to see.
        let other =
            String::from_utf8_lossy(&bytes[4..bytes.len() - 3]).replace("content-type", "x-other-head");
        let bytes = [&bytes[..4], other.as_bytes(), &bytes[bytes.len() - 3..]].concat();
        assert_eq!(Packet::from_bytes(bytes), None);
    }
}
