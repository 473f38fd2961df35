//! Which LPAs get past the door of ES9+.
//!
//! By configuration everybody, or only who proves possession of a key that the operator's
//! LPA CA has certified. There are two proofs:
//!
//! - **Mutual TLS**, where the platform ends it: it tells what it saw by a way of its own
//!   ([`TlsClient`], put among the request's extensions by the worker), never by a field of
//!   the request, which anybody can send.
//! - **A signature of the request** (RFC 9421) with the key of the certificate in
//!   `Client-Cert` (RFC 9440), see [`httpsig::lpa`]. It is bound to method, path, body,
//!   certificate and one of the server's own addresses, and is good for [`WINDOW`] seconds.
//!   Within them a copy of a request is that request again, which ES9+ answers as it answers
//!   any repeat; nothing is remembered of it.
//!
//! This is an addition to SGP.22, whose LPAs are anonymous: an eUICC still authenticates
//! itself as ever.

use core::cell::RefCell;
use std::collections::VecDeque;

use http::header::{HOST, HeaderValue};
use http::{HeaderMap, Request, Response, StatusCode as Http};
use httpsig::lpa::{self, WINDOW};
use httpsig::{Message, Signed, Target, Unusable};
use rsp_crypto::{Certificate, Provider, Role, Signature};

use crate::Server;
use crate::config::InvalidConfiguration;
use crate::encoded::ders;
use crate::error::Fault;
use crate::wire::problem::problem;

/// Certificates of the LPA CA that are taken at most.
const MAX_AUTHORITIES: usize = 8;
/// Signatures of one request that are looked at.
const MAX_SIGNATURES: usize = 4;
/// Certificates that are remembered as rightly signed.
const MAX_BELIEVED: usize = 256;
/// The longest field that is read, in bytes.
const MAX_FIELD: usize = 8 * 1024;

/// The configuration as text.
#[derive(Clone, Copy, Default)]
pub struct AdmissionText<'a> {
    /// `LPA_ADMISSION`: `open` (also when empty) or `certificate`.
    pub mode: &'a str,
    /// `LPA_CA`: certificates of the LPA CA, PEM, or DER in base64 separated by commas.
    pub ca: &'a str,
    /// `LPA_MTLS_ISSUER`: the issuer's distinguished name (RFC 2253) that a client
    /// certificate of TLS must have, as the platform writes it.
    pub mtls_issuer: &'a str,
    /// `LPA_MTLS_FINGERPRINTS`: SHA-256 of client certificates of TLS, hexadecimal,
    /// separated by commas. With an issuer too, both must fit.
    pub mtls_fingerprints: &'a str,
}

/// Who is admitted.
#[derive(Debug, Default)]
pub enum Admission {
    /// Everybody, as SGP.22 has it.
    #[default]
    Open,
    /// Who holds a certified key.
    Certificate(Certified),
}

/// What certifies a key.
#[derive(Debug)]
pub struct Certified {
    authorities: Vec<Certificate>,
    /// SHA-256 of certificates whose issuer's signature was right, and which of the
    /// authorities that is: an LPA calls five times in a download.
    believed: RefCell<VecDeque<([u8; 32], usize)>>,
    mtls_issuer: Option<String>,
    mtls_fingerprints: Vec<[u8; 32]>,
}

/// What the platform says of the client's certificate in TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsClient {
    /// The platform verified it up to a CA that it was told to trust.
    pub verified: bool,
    /// It is revoked, or the platform does not say that it is not.
    pub revoked: bool,
    /// Its issuer's distinguished name (RFC 2253).
    pub issuer: String,
    /// SHA-256 of it, hexadecimal.
    pub fingerprint: String,
}

impl Admission {
    /// Reads the configuration.
    ///
    /// # Errors
    /// [`InvalidConfiguration`] names the variable.
    pub fn new(text: &AdmissionText<'_>) -> Result<Self, InvalidConfiguration> {
        let wrong = |what: &str| Err(InvalidConfiguration(what.to_owned()));
        match text.mode.trim() {
            "" | "open" => return Ok(Self::Open),
            "certificate" => {}
            _ => return wrong("LPA_ADMISSION: open, certificate"),
        }
        let authorities =
            authorities(text.ca).map_err(|what| InvalidConfiguration(format!("LPA_CA: {what}")))?;
        let mut mtls_fingerprints = Vec::new();
        for word in text.mtls_fingerprints.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            match fingerprint(word) {
                Some(fingerprint) => mtls_fingerprints.push(fingerprint),
                None => return wrong("LPA_MTLS_FINGERPRINTS: 64 hexadecimal digits each, comma separated"),
            }
        }
        let mtls_issuer = Some(text.mtls_issuer.trim()).filter(|name| !name.is_empty()).map(str::to_owned);
        let believed = RefCell::default();
        let certified = Certified { authorities, believed, mtls_issuer, mtls_fingerprints };
        if certified.authorities.is_empty() && !certified.takes_tls() {
            return wrong(
                "LPA_ADMISSION is certificate: LPA_CA, LPA_MTLS_ISSUER or LPA_MTLS_FINGERPRINTS says whose",
            );
        }
        Ok(Self::Certificate(certified))
    }

    /// Fields that a request needs beside those of ES9+, for the answer to a browser's
    /// question before it.
    pub(crate) fn fields(&self) -> &'static [&'static str] {
        match self {
            Self::Certificate(certified) if !certified.authorities.is_empty() => &lpa::FIELDS,
            _ => &[],
        }
    }

    /// The certificates that LPAs' are issued under.
    pub(crate) fn authorities(&self) -> &[Certificate] {
        match self {
            Self::Open => &[],
            Self::Certificate(certified) => &certified.authorities,
        }
    }

    /// Its name in the configuration.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Certificate(_) => "certificate",
        }
    }
}

fn authorities(text: &str) -> Result<Vec<Certificate>, String> {
    let mut read = Vec::new();
    for (index, der) in ders(text)?.iter().enumerate() {
        let at = index + 1;
        if read.len() == MAX_AUTHORITIES {
            return Err(format!("at most {MAX_AUTHORITIES} certificates"));
        }
        let certificate = Certificate::from_der(der).map_err(|error| format!("number {at}: {error}"))?;
        if certificate.public_key().is_none() {
            return Err(format!("number {at}: its key is on no supported curve"));
        }
        if !certificate.signs_certificates() || certificate.has_unknown_critical_extension() {
            return Err(format!("number {at}: not a CA's certificate that can be relied on"));
        }
        read.push(certificate);
    }
    Ok(read)
}

/// 32 bytes, with or without colons.
fn fingerprint(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text.replace(':', ""), &mut bytes).ok()?;
    Some(bytes)
}

impl Certified {
    const fn takes_tls(&self) -> bool {
        self.mtls_issuer.is_some() || !self.mtls_fingerprints.is_empty()
    }

    /// Whether a certificate of TLS admits its owner, or why not.
    fn tls(&self, client: &TlsClient) -> Result<(), &'static str> {
        if !self.takes_tls() {
            return Err("client certificates of TLS are not taken here");
        }
        if !client.verified {
            return Err("the client certificate of TLS was not verified by the platform");
        }
        if client.revoked {
            return Err("the client certificate of TLS is revoked, or not said to be good");
        }
        if self.mtls_issuer.as_ref().is_some_and(|issuer| *issuer != client.issuer.trim()) {
            return Err("the client certificate of TLS is of another issuer");
        }
        let listed =
            || fingerprint(&client.fingerprint).is_some_and(|it| self.mtls_fingerprints.contains(&it));
        if !self.mtls_fingerprints.is_empty() && !listed() {
            return Err("the client certificate of TLS is not among those that are listed");
        }
        Ok(())
    }
}

impl Certified {
    /// The authority that has signed this certificate.
    async fn issuer_of<P: Provider>(
        &self,
        server: &Server<P>,
        certificate: &Certificate,
        signature: &Signature,
    ) -> Result<Option<&Certificate>, rsp_crypto::Fault> {
        let digest = server.provider.sha256(certificate.der()).await?;
        let believed = self.believed.borrow().iter().find(|(known, _)| *known == digest).copied();
        if let Some((_, index)) = believed {
            return Ok(self.authorities.get(index));
        }
        for (index, authority) in self.authorities.iter().enumerate() {
            let (Some(key), named) = (authority.public_key(), authority.subject_key_identifier()) else {
                continue;
            };
            // Without identifiers every authority is tried.
            if named.zip(certificate.authority_key_identifier()).is_some_and(|(own, other)| own != other) {
                continue;
            }
            if server.provider.verify(key, certificate.tbs(), signature).await? {
                let mut believed = self.believed.borrow_mut();
                if believed.len() >= MAX_BELIEVED {
                    believed.pop_front();
                }
                believed.push_back((digest, index));
                return Ok(Some(authority));
            }
        }
        Ok(None)
    }
}

/// Why a request is not let in.
enum Turned {
    /// The LPA is to blame; in words for its engineer.
    Away(String),
    /// We are.
    Broken(Fault),
}

impl From<String> for Turned {
    fn from(because: String) -> Self {
        Self::Away(because)
    }
}

impl From<&str> for Turned {
    fn from(because: &str) -> Self {
        Self::Away(because.into())
    }
}

impl From<Unusable> for Turned {
    fn from(error: Unusable) -> Self {
        Self::Away(error.0)
    }
}

impl From<rsp_crypto::Fault> for Turned {
    fn from(fault: rsp_crypto::Fault) -> Self {
        Self::Broken(fault.into())
    }
}

/// The answer to a request of ES9+ that is not let in; `None` lets it in. Touches no state.
pub(crate) async fn refuse<P: Provider>(
    server: &Server<P>,
    request: &Request<Vec<u8>>,
    now: u64,
) -> Option<Response<Vec<u8>>> {
    let Admission::Certificate(certified) = &server.admission else {
        return None;
    };
    match admit(server, certified, request, now).await {
        Ok(()) => None,
        Err(Turned::Away(because)) => Some(unauthorized(certified, &because)),
        Err(Turned::Broken(fault)) => {
            let mut response = problem(Http::SERVICE_UNAVAILABLE, "");
            response.headers_mut().insert("retry-after", HeaderValue::from_static("5"));
            response.extensions_mut().insert(fault);
            Some(response)
        }
    }
}

/// 401: why, and what would be right (RFC 9110 §15.5.2, RFC 9421 §5.1).
fn unauthorized(certified: &Certified, because: &str) -> Response<Vec<u8>> {
    let mut ways = Vec::new();
    if certified.takes_tls() {
        ways.push("a client certificate in TLS");
    }
    if !certified.authorities.is_empty() {
        ways.push("a signature of the request (RFC 9421, see Accept-Signature) with the certificate in Client-Cert (RFC 9440) and Content-Digest (RFC 9530)");
    }
    let detail = format!("Only certified LPAs are served here, by {}: {because}.", ways.join(" or "));
    let mut response = problem(Http::UNAUTHORIZED, &detail);
    let headers = response.headers_mut();
    headers.insert("www-authenticate", HeaderValue::from_static("Signature realm=\"ES9+\""));
    if !certified.authorities.is_empty()
        && let Ok(wanted) = HeaderValue::from_str(&lpa::accept_signature())
    {
        headers.insert("accept-signature", wanted);
    }
    response
}

async fn admit<P: Provider>(
    server: &Server<P>,
    certified: &Certified,
    request: &Request<Vec<u8>>,
    now: u64,
) -> Result<(), Turned> {
    let by_tls = match request.extensions().get::<TlsClient>() {
        Some(client) => certified.tls(client),
        None => Err("there was no client certificate in TLS"),
    };
    let Err(not_by_tls) = by_tls else { return Ok(()) };
    if certified.authorities.is_empty() {
        return Err(not_by_tls.into());
    }
    let fields = Fields::read(request.headers())?;
    let proofs = fields.proofs()?;
    let (Some((input, signature)), true) = (proofs, fields.get(lpa::CLIENT_CERT).is_some()) else {
        let missing: Vec<_> = lpa::FIELDS.into_iter().filter(|name| fields.get(name).is_none()).collect();
        let because = format!("the request has no {}", missing.join(", "));
        let tls = if certified.takes_tls() { format!("{not_by_tls}, and ") } else { String::new() };
        return Err(format!("{tls}{because}").into());
    };
    let signed = httpsig::signatures(&input, &signature)?;
    if signed.len() > MAX_SIGNATURES {
        return Err(format!("at most {MAX_SIGNATURES} signatures are looked at").into());
    }

    // What costs little first: nobody gets a verification for nothing.
    let mut usable = Vec::new();
    let mut because = "there is no signature".to_owned();
    for signed in &signed {
        match is_usable(signed, now) {
            Ok(signature) => usable.push((signed, signature)),
            Err(why) => because = format!("{}: {why}", signed.label()),
        }
    }
    if usable.is_empty() {
        return Err(because.into());
    }
    let target = target(server, request)?;
    let digest = fields.get(lpa::CONTENT_DIGEST).unwrap_or_default();
    httpsig::content_digest(&digest, request.body()).map_err(|error| format!("Content-Digest: {error}"))?;
    let certificate = fields.get(lpa::CLIENT_CERT).unwrap_or_default();
    let certificate =
        httpsig::expect_byte_sequence(&certificate).map_err(|error| format!("Client-Cert: {error}"))?;
    let certificate = Certificate::from_der(&certificate).map_err(|error| format!("Client-Cert: {error}"))?;
    is_certified(server, certified, &certificate, now).await?;
    let key = certificate.public_key().ok_or("Client-Cert: its key is on no supported curve")?;
    let message = Message::request(target, &fields.0);
    for (signed, signature) in usable {
        let label = signed.label();
        let base = signed.base(&message).map_err(|error| format!("{label}: {error}"))?;
        if server.provider.verify(key, base.as_bytes(), &signature).await? {
            return Ok(());
        }
        because = format!("{label}: the signature is not that of the certificate's key over this request");
    }
    Err(because.into())
}

/// The request's fields, by their names in lower case.
struct Fields<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Fields<'a> {
    fn read(headers: &'a HeaderMap) -> Result<Self, Turned> {
        let mut fields = Vec::new();
        for (name, value) in headers {
            if value.len() > MAX_FIELD {
                return Err(format!("{name} is longer than {MAX_FIELD} bytes").into());
            }
            // One that is not ASCII cannot be covered; it is then not there.
            if let Ok(value) = value.to_str() {
                fields.push((name.as_str(), value));
            }
        }
        Ok(Self(fields))
    }

    /// All values of one field, put together (RFC 9110 §5.2).
    fn get(&self, name: &str) -> Option<String> {
        let values = self.0.iter().filter(|(found, _)| *found == name).map(|(_, value)| *value);
        let values: Vec<_> = values.collect();
        (!values.is_empty()).then(|| values.join(", "))
    }

    /// `Signature-Input` and `Signature`, where both are there.
    fn proofs(&self) -> Result<Option<(String, String)>, Turned> {
        let proofs = self.get(lpa::SIGNATURE_INPUT).zip(self.get(lpa::SIGNATURE));
        match &proofs {
            Some((input, signature)) if input.len() > MAX_FIELD || signature.len() > MAX_FIELD => {
                Err(format!("Signature-Input or Signature is longer than {MAX_FIELD} bytes").into())
            }
            _ => Ok(proofs),
        }
    }
}

/// Whether a signature is of the kind that is asked for, and of now.
fn is_usable(signed: &Signed, now: u64) -> Result<Signature, String> {
    let covers = |name: &str| signed.components().iter().any(|covered| covered == name);
    for name in lpa::COVERED {
        let by_uri = matches!(name, "@authority" | "@path") && covers("@target-uri");
        if !covers(name) && !by_uri {
            return Err(format!("\"{name}\" is not covered"));
        }
    }
    let parameters = signed.parameters();
    if parameters.alg.as_ref().is_some_and(|alg| alg != lpa::ALGORITHM) {
        return Err(format!("alg is not {}", lpa::ALGORITHM));
    }
    let created = parameters.created.ok_or("the parameter created is missing")?;
    let now = i64::try_from(now).unwrap_or(i64::MAX);
    let window = i64::try_from(WINDOW).unwrap_or(i64::MAX);
    if created.saturating_sub(now).saturating_abs() > window {
        return Err(format!("created is {created}, which is not within {WINDOW} s of {now}, the time here"));
    }
    if let Some(expires) = parameters.expires
        && expires < now
    {
        return Err(format!("expires is {expires}, which is before {now}, the time here"));
    }
    let signature = signed.signature().try_into().map(Signature);
    signature.map_err(|_| "the signature is not 64 bytes, r and s of ECDSA".to_owned())
}

/// What the request is for. The authority must be ours: a signature that was made for
/// another server is not passed on to us by it.
fn target<'a, P: Provider>(server: &Server<P>, request: &'a Request<Vec<u8>>) -> Result<Target<'a>, Turned> {
    let uri = request.uri();
    let host = || request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let authority = uri.authority().map(http::uri::Authority::as_str).or_else(host);
    let authority = authority.ok_or("the request does not say which host it is for")?;
    if !server.is_addressed_as(authority) {
        return Err(
            format!("{authority} is not an address of this SM-DP+, so no signature for it is taken").into()
        );
    }
    Ok(Target {
        method: request.method().as_str(),
        scheme: uri.scheme_str().unwrap_or("https"),
        authority,
        path: uri.path(),
        query: uri.query(),
    })
}

/// Whether the LPA CA says of this certificate that its key is an LPA's.
async fn is_certified<P: Provider>(
    server: &Server<P>,
    certified: &Certified,
    certificate: &Certificate,
    now: u64,
) -> Result<(), Turned> {
    let wrong = |what: &str| Err(Turned::Away(format!("Client-Cert: {what}")));
    if certificate.is_ca() {
        return wrong("it is a CA's, not an LPA's");
    }
    // Where the LPA CA is a Certificate Issuer of RSP too.
    if certificate.role().is_some_and(|role| !matches!(role, Role::Other(_))) {
        return wrong("its policy makes it another party of RSP than an LPA");
    }
    if !certificate.signs_data() {
        return wrong("its key may not sign (keyUsage digitalSignature)");
    }
    if certificate.has_unknown_critical_extension() {
        return wrong("it has a critical extension that is not known here");
    }
    let (not_before, not_after) = certificate.validity();
    if !(not_before..=not_after).contains(&now) {
        return wrong(&format!("it is valid from {not_before} to {not_after}, and it is {now} here"));
    }
    let Some(signature) = certificate.signature() else {
        return wrong("its signature is none of a supported curve");
    };
    let Some(authority) = certified.issuer_of(server, certificate, signature).await? else {
        return wrong("it was not issued by the LPA CA");
    };
    let (not_before, not_after) = authority.validity();
    if !(not_before..=not_after).contains(&now) {
        return wrong(&format!("its CA is valid from {not_before} to {not_after}, and it is {now} here"));
    }
    let issuer = authority.subject_key_identifier();
    if issuer.is_some_and(|issuer| server.revocation.is_revoked_by(issuer.as_bytes(), certificate)) {
        return wrong("it is revoked");
    }
    if !authority.permits_subject_of(certificate) {
        return wrong("its subject is outside the name constraints of its CA");
    }
    Ok(())
}

/// `access-control-allow-headers` for pages of other origins.
pub(crate) fn allowed_fields(admission: &Admission) -> HeaderValue {
    let all: Vec<&str> =
        ["content-type", "x-admin-protocol"].into_iter().chain(admission.fields().iter().copied()).collect();
    HeaderValue::from_str(&all.join(", ")).unwrap_or_else(|_| HeaderValue::from_static("content-type"))
}

/// Fields of an answer that pages of other origins may read.
pub(crate) const EXPOSED: HeaderValue =
    HeaderValue::from_static("x-admin-protocol, www-authenticate, accept-signature");
