//! How an LPA proves that it holds a certified key, on ES9+: a signature over what is
//! called and with which body, made with the key of the certificate in `Client-Cert`.
//!
//! The certificate itself is covered: a signature is good with this one only. So is the
//! authority: what was signed for one server is no use at another.

use crate::{Digest, Draft, Message, Parameters, Target, Unusable};

/// Request field of the certificate (RFC 9440 §2).
pub const CLIENT_CERT: &str = "client-cert";
/// Request field of the body's digest (RFC 9530).
pub const CONTENT_DIGEST: &str = "content-digest";
/// Request field of what is covered (RFC 9421 §4.1).
pub const SIGNATURE_INPUT: &str = "signature-input";
/// Request field of the signature (RFC 9421 §4.2).
pub const SIGNATURE: &str = "signature";

/// The fields that such a request has, apart from those of ES9+.
pub const FIELDS: [&str; 4] = [CLIENT_CERT, CONTENT_DIGEST, SIGNATURE_INPUT, SIGNATURE];

/// What must be covered; `@target-uri` may stand for `@path` and `@authority`.
pub const COVERED: [&str; 5] = ["@method", "@authority", "@path", CONTENT_DIGEST, CLIENT_CERT];

/// How far `created` may be from the verifier's clock, in seconds.
pub const WINDOW: u64 = 300;

/// The label of the signature, where there is no reason for another.
pub const LABEL: &str = "lpa";

/// The registered algorithm (RFC 9421 §6.2.2). A key on brainpoolP256r1 has none: it is
/// used without the parameter.
pub const ALGORITHM: &str = "ecdsa-p256-sha256";

/// What a server that asks for such a signature says in `Accept-Signature`
/// (RFC 9421 §5.1).
#[must_use]
pub fn accept_signature() -> String {
    let components: Vec<String> = COVERED.iter().map(|name| format!("\"{name}\"")).collect();
    format!("{LABEL}=({});created;alg=\"{ALGORITHM}\"", components.join(" "))
}

/// A request to be signed.
#[derive(Clone, Debug)]
pub struct Request {
    content_digest: String,
    client_cert: String,
    draft: Draft,
}

impl Request {
    /// The POST of `body` to `https://authority/path` by who holds the key of
    /// `certificate` (DER), at `created` (seconds since 1970).
    ///
    /// # Errors
    /// [`Unusable`] when authority or path are not printable ASCII, or the time is out of
    /// range.
    pub fn new(
        authority: &str,
        path: &str,
        body: &[u8],
        certificate: &[u8],
        created: u64,
    ) -> Result<Self, Unusable> {
        let content_digest = Digest::Sha256.field(body);
        let client_cert = crate::byte_sequence(certificate);
        let target = Target { method: "POST", scheme: "https", authority, path, query: None };
        let fields = [(CONTENT_DIGEST, content_digest.as_str()), (CLIENT_CERT, client_cert.as_str())];
        let created = i64::try_from(created).map_err(|_| Unusable("created is out of range".into()))?;
        let parameters = Parameters { created: Some(created), ..Parameters::default() };
        let draft = Draft::new(LABEL, &Message::request(target, &fields), &COVERED, &parameters)?;
        Ok(Self { content_digest, client_cert, draft })
    }

    /// What is to be signed: by ECDSA with SHA-256, as `r ‖ s`.
    #[must_use]
    pub const fn base(&self) -> &[u8] {
        self.draft.base()
    }

    /// With the signature, 64 bytes: the fields that are added to the request.
    #[must_use]
    pub fn finish(self, signature: &[u8; 64]) -> [(&'static str, String); 4] {
        let made = self.draft.finish(signature);
        [
            (CLIENT_CERT, self.client_cert),
            (CONTENT_DIGEST, self.content_digest),
            (SIGNATURE_INPUT, made.signature_input),
            (SIGNATURE, made.signature),
        ]
    }
}
