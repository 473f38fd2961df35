//! Who speaks: the certificate chains of SGP.22 §4.5.2.2.
//!
//! ```text
//!   CI ──► DPauth, DPpb, DSauth          what an eUICC verifies
//!   CI ──► EUM ──► eUICC                 what a server verifies
//! ```
//!
//! Issuers are found by key identifier. CERT.EUICC must also name the subject of
//! CERT.EUM as its issuer (RFC 5280 §6.1.3 (a)(4)). Of a Certificate Issuer no name
//! is checked: it may have several certificates of different names for one key, as
//! SGP.26's has, and an eUICC knows the key only (SGP.22 §4.5.2.2). Time is checked
//! where there is a clock; an eUICC has none.
//!
//! A chain is on one curve, that of its CI (SGP.22 §2.6.5): a certificate whose key
//! is on another one has an unsupported curve, be it a curve that other chains may
//! be on.

use core::fmt;

use rsp::codes::{AuthenticateErrorCode, DownloadErrorCode};
use rsp::status::StatusCode;
use rsp::{CiPkId, Eid, Oid};

use crate::{Certificate, Fault, KeyIdentifier, Provider, PublicKey, Role, Signature};

/// The public key of a Certificate Issuer that is trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CiKey {
    id: CiPkId,
    key: PublicKey,
}

impl CiKey {
    /// A trusted key and its identifier.
    #[must_use]
    pub const fn new(id: CiPkId, key: PublicKey) -> Self {
        Self { id, key }
    }

    /// The key of a CI certificate. It is trusted as it stands: its signature is
    /// its own. `None` when it is no CI certificate with a supported key.
    #[must_use]
    pub fn from_certificate(certificate: &Certificate) -> Option<Self> {
        if certificate.role() != Some(&Role::Ci) || !certificate.signs_certificates() {
            return None;
        }
        let id = CiPkId::from_bytes(certificate.subject_key_identifier()?.as_bytes()).ok()?;
        Some(Self { id, key: *certificate.public_key()? })
    }

    /// The identifier that `euiccCiPKIdToBeUsed` names.
    #[must_use]
    pub const fn id(&self) -> &CiPkId {
        &self.id
    }

    /// The key.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        &self.key
    }
}

/// What is wrong with a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Its key is on another curve than that of its CI.
    UnsupportedCurve,
    /// It was not issued by the key that it should have been issued by, or names
    /// another issuer.
    Issuer,
    /// The issuer's signature is wrong.
    Signature,
    /// Its policy gives it another role, or none.
    Role,
    /// Its key may not be used this way.
    KeyUsage,
    /// A mandatory extension is absent, or a critical one is unknown.
    Extension,
    /// It is not valid yet, or not any more.
    Expired,
    /// The EUM may not issue it: organisation or EID is out of its constraints.
    NameConstraint,
    /// It belongs to another server than the one that authenticated itself.
    OtherServer,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnsupportedCurve => "unsupported curve",
            Self::Issuer => "another issuer",
            Self::Signature => "wrong signature",
            Self::Role => "another role",
            Self::KeyUsage => "key usage",
            Self::Extension => "extension absent or unknown",
            Self::Expired => "out of its time",
            Self::NameConstraint => "outside the constraints of its EUM",
            Self::OtherServer => "of another server",
        })
    }
}

/// Why a server's certificate is not believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerChainError {
    /// The certificate is to blame.
    Certificate(Flaw),
    /// The provider failed.
    Fault(Fault),
}

impl ServerChainError {
    /// What an eUICC answers to AuthenticateServer (SGP.22 §5.7.13).
    #[must_use]
    pub const fn authenticate_error_code(&self) -> AuthenticateErrorCode {
        match self {
            Self::Certificate(Flaw::UnsupportedCurve) => AuthenticateErrorCode::UNSUPPORTED_CURVE,
            Self::Certificate(Flaw::Role) => AuthenticateErrorCode::INVALID_OID,
            Self::Certificate(_) => AuthenticateErrorCode::INVALID_CERTIFICATE,
            Self::Fault(_) => AuthenticateErrorCode::UNDEFINED_ERROR,
        }
    }

    /// What an eUICC answers to PrepareDownload (SGP.22 §5.7.5).
    #[must_use]
    pub const fn download_error_code(&self) -> DownloadErrorCode {
        match self {
            Self::Certificate(Flaw::UnsupportedCurve) => DownloadErrorCode::UNSUPPORTED_CURVE,
            Self::Certificate(_) => DownloadErrorCode::INVALID_CERTIFICATE,
            Self::Fault(_) => DownloadErrorCode::UNDEFINED_ERROR,
        }
    }
}

/// Why an eUICC's certificates are not believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EuiccChainError {
    /// CERT.EUM names another issuer than the CI that was chosen: 8.11.1 / 3.9.
    UnknownCi,
    /// CERT.EUM is to blame: 8.1.2 / 6.1, or 6.3 when out of its time.
    Eum(Flaw),
    /// CERT.EUICC is to blame: 8.1.3 / 6.1, or 6.3 when out of its time.
    Euicc(Flaw),
    /// The provider failed.
    Fault(Fault),
}

impl EuiccChainError {
    /// What a server answers on ES9+ (SGP.22 §5.6.3); `None` when the peer is not
    /// to blame.
    #[must_use]
    pub const fn status_code(&self) -> Option<StatusCode> {
        match self {
            Self::UnknownCi => Some(StatusCode::CI_PK_UNKNOWN),
            Self::Eum(Flaw::Expired) => Some(StatusCode::EUM_CERTIFICATE_EXPIRED),
            Self::Eum(_) => Some(StatusCode::EUM_CERTIFICATE_INVALID),
            Self::Euicc(Flaw::Expired) => Some(StatusCode::EUICC_CERTIFICATE_EXPIRED),
            Self::Euicc(_) => Some(StatusCode::EUICC_CERTIFICATE_INVALID),
            Self::Fault(_) => None,
        }
    }
}

impl fmt::Display for ServerChainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate(flaw) => write!(f, "server certificate: {flaw}"),
            Self::Fault(fault) => fault.fmt(f),
        }
    }
}

impl fmt::Display for EuiccChainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownCi => f.write_str("EUM certificate: of an unknown CI"),
            Self::Eum(flaw) => write!(f, "EUM certificate: {flaw}"),
            Self::Euicc(flaw) => write!(f, "eUICC certificate: {flaw}"),
            Self::Fault(fault) => fault.fmt(f),
        }
    }
}

impl core::error::Error for ServerChainError {}
impl core::error::Error for EuiccChainError {}

/// A server whose certificate was verified up to a trusted CI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedServer {
    public_key: PublicKey,
    oid: Oid,
    role: Role,
    ci: CiPkId,
}

impl VerifiedServer {
    /// The key that verifies what the server signs.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// The server's object identifier.
    #[must_use]
    pub const fn oid(&self) -> &Oid {
        &self.oid
    }

    /// The role of the certificate.
    #[must_use]
    pub const fn role(&self) -> &Role {
        &self.role
    }

    /// The CI at the root.
    #[must_use]
    pub const fn ci(&self) -> &CiPkId {
        &self.ci
    }

    /// Whether the server signed `message` (see [`crate::signature`]).
    ///
    /// # Errors
    /// [`Fault`] of the provider.
    pub async fn signed(
        &self,
        provider: &impl Provider,
        message: &[u8],
        signature: &Signature,
    ) -> Result<bool, Fault> {
        provider.verify(&self.public_key, message, signature).await
    }
}

/// An eUICC whose certificates were verified up to a trusted CI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedEuicc {
    public_key: PublicKey,
    eid: Eid,
    ci: CiPkId,
}

impl VerifiedEuicc {
    /// The key that verifies what the eUICC signs.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// The EID in its certificate.
    #[must_use]
    pub const fn eid(&self) -> &Eid {
        &self.eid
    }

    /// The CI at the root.
    #[must_use]
    pub const fn ci(&self) -> &CiPkId {
        &self.ci
    }

    /// Whether the eUICC signed `message` (see [`crate::signature`]).
    ///
    /// # Errors
    /// [`Fault`] of the provider.
    pub async fn signed(
        &self,
        provider: &impl Provider,
        message: &[u8],
        signature: &Signature,
    ) -> Result<bool, Fault> {
        provider.verify(&self.public_key, message, signature).await
    }
}

/// Verifies a server's certificate that must have one of `roles`.
///
/// `now`: seconds since 1970, where there is a clock.
///
/// # Errors
/// [`ServerChainError`] by blame.
pub async fn verify_server_chain(
    provider: &impl Provider,
    ci: &CiKey,
    certificate: &Certificate,
    roles: &[Role],
    now: Option<u64>,
) -> Result<VerifiedServer, ServerChainError> {
    let server = server(provider, ci, certificate, roles, now).await;
    server.map_err(|error| match error {
        Error::Flaw(flaw) => ServerChainError::Certificate(flaw),
        Error::Fault(fault) => ServerChainError::Fault(fault),
    })
}

/// Verifies CERT.DPpb of the SM-DP+ that authenticated itself as
/// `authenticated` (CERT.DPauth): same CI, same object identifier
/// (SGP.22 §5.7.5).
///
/// # Errors
/// [`ServerChainError`] by blame.
pub async fn verify_profile_binding(
    provider: &impl Provider,
    ci: &CiKey,
    authenticated: &VerifiedServer,
    certificate: &Certificate,
    now: Option<u64>,
) -> Result<VerifiedServer, ServerChainError> {
    let server = verify_server_chain(provider, ci, certificate, &[Role::DpPb], now).await?;
    if server.ci != authenticated.ci {
        return Err(ServerChainError::Certificate(Flaw::Issuer));
    }
    if authenticated.role != Role::DpAuth || server.oid != authenticated.oid {
        return Err(ServerChainError::Certificate(Flaw::OtherServer));
    }
    Ok(server)
}

/// Verifies the certificates of an eUICC.
///
/// `now`: seconds since 1970.
///
/// # Errors
/// [`EuiccChainError`] by blame.
pub async fn verify_euicc_chain(
    provider: &impl Provider,
    ci: &CiKey,
    eum: &Certificate,
    euicc: &Certificate,
    now: u64,
) -> Result<VerifiedEuicc, EuiccChainError> {
    if eum.authority_key_identifier().is_none_or(|id| id.as_bytes() != ci.id.as_bytes()) {
        return Err(EuiccChainError::UnknownCi);
    }
    let (eum_key, eum_id) = manufacturer(provider, ci, eum, now).await.map_err(|error| match error {
        Error::Flaw(flaw) => EuiccChainError::Eum(flaw),
        Error::Fault(fault) => EuiccChainError::Fault(fault),
    })?;
    let leaf = issued(provider, euicc, (eum_id.as_bytes(), eum_key), Some(now)).await;
    let verified = leaf.and_then(|key| {
        if !euicc.names_as_issuer(eum) {
            return Err(Flaw::Issuer.into());
        }
        end_entity(euicc, &[Role::Euicc])?;
        if !eum.permits_subject_of(euicc) {
            return Err(Flaw::NameConstraint.into());
        }
        let eid = euicc.eid().ok_or(Flaw::Extension)?;
        Ok(VerifiedEuicc { public_key: *key, eid, ci: ci.id.clone() })
    });
    verified.map_err(|error| match error {
        Error::Flaw(flaw) => EuiccChainError::Euicc(flaw),
        Error::Fault(fault) => EuiccChainError::Fault(fault),
    })
}

enum Error {
    Flaw(Flaw),
    Fault(Fault),
}

impl From<Flaw> for Error {
    fn from(flaw: Flaw) -> Self {
        Self::Flaw(flaw)
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

async fn server(
    provider: &impl Provider,
    ci: &CiKey,
    certificate: &Certificate,
    roles: &[Role],
    now: Option<u64>,
) -> Result<VerifiedServer, Error> {
    let key = issued(provider, certificate, (ci.id.as_bytes(), &ci.key), now).await?;
    let role = end_entity(certificate, roles)?;
    let oid = certificate.registered_id().ok_or(Flaw::Extension)?;
    Ok(VerifiedServer { public_key: *key, oid: oid.clone(), role: role.clone(), ci: ci.id.clone() })
}

/// CERT.EUM: its key and the identifier of it.
async fn manufacturer<'a>(
    provider: &impl Provider,
    ci: &CiKey,
    eum: &'a Certificate,
    now: u64,
) -> Result<(&'a PublicKey, &'a KeyIdentifier), Error> {
    let key = issued(provider, eum, (ci.id.as_bytes(), &ci.key), Some(now)).await?;
    if eum.role() != Some(&Role::Eum) {
        return Err(Flaw::Role.into());
    }
    // A path length of zero or more, or none, allows what comes: one end entity.
    if !eum.signs_certificates() {
        return Err(Flaw::KeyUsage.into());
    }
    if !eum.constrains_names() {
        return Err(Flaw::Extension.into());
    }
    Ok((key, eum.subject_key_identifier().ok_or(Flaw::Extension)?))
}

/// What holds for every certificate that another key issued.
async fn issued<'a>(
    provider: &impl Provider,
    certificate: &'a Certificate,
    (issuer_id, issuer_key): (&[u8], &PublicKey),
    now: Option<u64>,
) -> Result<&'a PublicKey, Error> {
    let key = certificate.public_key().filter(|key| key.curve() == issuer_key.curve());
    let key = key.ok_or(Flaw::UnsupportedCurve)?;
    if certificate.authority_key_identifier().is_none_or(|id| id.as_bytes() != issuer_id) {
        return Err(Flaw::Issuer.into());
    }
    let signature = certificate.signature().ok_or(Flaw::Signature)?;
    if !provider.verify(issuer_key, certificate.tbs(), signature).await? {
        return Err(Flaw::Signature.into());
    }
    if certificate.has_unknown_critical_extension() {
        return Err(Flaw::Extension.into());
    }
    let (not_before, not_after) = certificate.validity();
    if now.is_some_and(|now| now < not_before || now > not_after) {
        return Err(Flaw::Expired.into());
    }
    Ok(key)
}

/// What holds for every certificate at the end of a chain.
fn end_entity<'a>(certificate: &'a Certificate, roles: &[Role]) -> Result<&'a Role, Flaw> {
    let role = certificate.role().filter(|role| roles.contains(role)).ok_or(Flaw::Role)?;
    if certificate.is_ca() {
        return Err(Flaw::Extension);
    }
    // CERT.DP.TLS and CERT.DS.TLS must also say that the key is for TLS.
    let is_tls = matches!(role, Role::DpTls | Role::DsTls);
    if !certificate.signs_data() || (is_tls && !certificate.authenticates_tls_servers()) {
        return Err(Flaw::KeyUsage);
    }
    Ok(role)
}
