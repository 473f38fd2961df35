//! What the operator of the server decides: keys, addresses, limits.

use core::fmt;
use std::collections::BTreeMap;

use rsp::es9::Base64;
use rsp::{CiPkId, Oid};
use rsp_crypto::chain::{verify_profile_binding, verify_server_chain};
use rsp_crypto::software::SigningKey;
use rsp_crypto::{Certificate, CiKey, Provider, Role, Software};
use serde::Deserialize;
use zeroize::{Zeroize, Zeroizing};

use crate::access::Access;
#[cfg(doc)]
use crate::access::AccessPolicy;
use crate::admission::{Admission, AdmissionText};
use crate::revocation::Revocation;
use crate::seal::ServerSecret;
use crate::transport_key::TransportKeys;

/// The configuration as text, as it stands in variables and secrets.
#[derive(Clone, Copy, Default)]
pub struct Configuration<'a> {
    /// `SMDP_CREDENTIALS`: JSON
    /// `{"oid":"2.999.10"?, "sets":[{"ciCertificate":b64, "dpAuth":{"certificate":b64,
    /// "privateKey":b64 of PKCS#8}, "dpPb":{…}}]}`; several of them, one after the other,
    /// are as one with all their sets.
    pub credentials: &'a str,
    /// `SMDP_SECRET`: hexadecimal, at least [`crate::seal::MIN_SECRET`] bytes; several,
    /// comma separated, the present one first, while a new one takes over.
    pub secret: &'a str,
    /// `OPERATOR_TOKEN`; without one nobody is the operator.
    pub operator_token: Option<&'a str>,
    /// `SMDP_ADDRESSES`: own addresses, comma separated; the first is announced.
    pub addresses: &'a str,
    /// How packages are protected.
    pub protection: Protection,
    /// How often and how long.
    pub limits: Limits,
    /// Which LPAs are served.
    pub admission: AdmissionText<'a>,
    /// `SMDP_CRLS`: revocation lists, and EUM certificates for lists that EUMs issue: PEM,
    /// or DER in base64 separated by commas or white space.
    pub revocation_lists: &'a str,
    /// `SMDP_TRANSPORT_KEYS`, see [`TransportKeys::parse`].
    pub transport_keys: &'a str,
    /// `OPERATOR_CALLBACK`: where the operator is told of downloads: `https://…`, or
    /// `http://…` on the loopback; the paths of ES2+ follow. Without one nobody is told.
    pub operator_callback: Option<&'a str>,
    /// `OPERATOR_CALLBACK_TOKEN`: a bearer token for it.
    pub operator_callback_token: Option<&'a str>,
    /// `OPERATOR_ACCESS`, see [`AccessPolicy`]. What can't be understood lets nobody in and
    /// is told by [`Server::warnings`] and the health endpoint.
    pub operator_access: Option<&'a str>,
    /// `OPERATOR_REQUESTERS`: JSON, the OIDs that may call ES2+, each with the profile
    /// types that it may use, or `null` for all: `{"2.999.2": null, "2.999.3": ["plan"]}`.
    /// Without it whoever has the token may, under any identifier.
    pub operator_requesters: Option<&'a str>,
    /// `SMDS_ROOT`: host\[:port\] of the root SM-DS, for orders with an empty SM-DS
    /// address.
    pub smds_root: Option<&'a str>,
    /// Whether a network is bound to this server (`NETWORK`). Without one no subscriber is fed.
    pub network: bool,
    /// `FEEDER_TOKEN`: the network's bearer token for whoever feeds it. Without it as without a
    /// network.
    pub feeder_token: Option<&'a str>,
}

/// The two forms of the bound profile package (SGP.22 §2.5.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protection {
    /// Profile elements under the session keys.
    #[default]
    SessionKeys,
    /// Profile elements under keys of their own, handed over by
    /// ReplaceSessionKeys.
    ProfileProtectionKeys,
}

/// How often and how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Seconds from InitiateAuthentication to the last call of a session.
    pub session: u64,
    /// Seconds from DownloadOrder to the last download.
    pub order: u64,
    /// Authentications per order.
    pub download_attempts: u32,
    /// Wrong confirmation codes per order.
    pub confirmation_failures: u32,
    /// Seconds that used transaction ids and calls are remembered; not less than
    /// `session`.
    pub memory: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            session: 15 * 60,
            order: 90 * 24 * 3600,
            download_attempts: 10,
            confirmation_failures: 4,
            memory: 7 * 24 * 3600,
        }
    }
}

/// The limits that can be configured, as they stand in JSON.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct LimitsJson {
    session_seconds: Option<u64>,
    order_seconds: Option<u64>,
    download_attempts: Option<u32>,
    confirmation_failures: Option<u32>,
}

impl Limits {
    /// From `SMDP_LIMITS`: JSON with any of `sessionSeconds` (60 to 86,400),
    /// `orderSeconds` (60 to ten years), `downloadAttempts` (1 to 32) and
    /// `confirmationFailures` (1 to 100).
    ///
    /// # Errors
    /// [`InvalidConfiguration`] names the value that is out of its bounds.
    pub fn from_json(text: &str) -> Result<Self, InvalidConfiguration> {
        let json: LimitsJson =
            serde_json::from_str(text).map_err(|error| invalid(format!("SMDP_LIMITS: {error}")))?;
        let default = Self::default();
        let within = |name: &str, value: Option<u64>, default: u64, least: u64, most: u64| {
            let value = value.unwrap_or(default);
            if (least..=most).contains(&value) {
                Ok(value)
            } else {
                Err(invalid(format!("SMDP_LIMITS: {name}: {least} to {most}")))
            }
        };
        let count = |name: &str, value: Option<u32>, default: u32, most: u32| {
            let value = within(name, value.map(u64::from), u64::from(default), 1, u64::from(most))?;
            Ok::<u32, InvalidConfiguration>(value as u32)
        };
        let session = within("sessionSeconds", json.session_seconds, default.session, 60, 86_400)?;
        Ok(Self {
            session,
            order: within("orderSeconds", json.order_seconds, default.order, 60, 3650 * 86_400)?,
            download_attempts: count(
                "downloadAttempts",
                json.download_attempts,
                default.download_attempts,
                // As many deliveries as an order remembers.
                crate::profile::MAX_DELIVERED as u32,
            )?,
            confirmation_failures: count(
                "confirmationFailures",
                json.confirmation_failures,
                default.confirmation_failures,
                100,
            )?,
            memory: default.memory.max(session),
        })
    }
}

/// A provider whose keys come as PKCS#8.
#[expect(async_fn_in_trait, reason = "single-threaded platforms; no caller needs `Send` futures")]
pub trait ImportKey: Provider {
    /// A key of a supported curve that signs; `None` when it is none.
    ///
    /// # Errors
    /// The provider's fault.
    async fn import_key(&self, pkcs8: &[u8]) -> Result<Option<Self::SigningKey>, rsp_crypto::Fault>;
}

impl<R: rand_core::CryptoRng> ImportKey for Software<R> {
    async fn import_key(&self, pkcs8: &[u8]) -> Result<Option<SigningKey>, rsp_crypto::Fault> {
        Ok(SigningKey::from_pkcs8_der(pkcs8))
    }
}

/// The server: who it is and what it may do. Holds private keys, hence no `Debug`.
pub struct Server<P: Provider> {
    pub(crate) provider: P,
    pub(crate) credentials: Vec<CredentialSet<P::SigningKey>>,
    pub(crate) oid: Oid,
    pub(crate) addresses: Vec<String>,
    pub(crate) secret: ServerSecret,
    pub(crate) operator_token: Option<Zeroizing<String>>,
    /// Whether an access proxy in front lets operators in.
    pub(crate) access: Access,
    pub(crate) limits: Limits,
    pub(crate) protection: Protection,
    pub(crate) admission: Admission,
    pub(crate) revocation: Revocation,
    pub(crate) transport_keys: TransportKeys,
    pub(crate) operator_callback: Option<Callback>,
    /// Who may call ES2+, and which profile types they may use; `None`: everybody, all.
    pub(crate) requesters: Option<BTreeMap<String, Option<Vec<String>>>>,
    pub(crate) smds_root: Option<String>,
    /// The token by which the network is fed; `None`: it is not.
    pub(crate) feeder_token: Option<Zeroizing<String>>,
    /// Why it is not, where somebody seems to have wanted it.
    pub(crate) not_fed: Option<&'static str>,
}

/// Where the operator is told of downloads.
pub(crate) struct Callback {
    /// Without a slash at its end.
    pub(crate) base: String,
    pub(crate) token: Option<Zeroizing<String>>,
}

/// Certificates and keys under one CI.
pub(crate) struct CredentialSet<K> {
    pub(crate) ci: CiKey,
    /// When CERT.CI may be used, in seconds since 1970. Its key is trusted all the same.
    pub(crate) ci_validity: (u64, u64),
    pub(crate) dp_auth: Credential<K>,
    pub(crate) dp_pb: Credential<K>,
}

/// A certificate and its private key.
pub(crate) struct Credential<K> {
    pub(crate) certificate: Certificate,
    pub(crate) key: K,
}

/// What is wrong with the configuration; never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidConfiguration(
    /// In words, for the one who configures.
    pub String,
);

impl fmt::Display for InvalidConfiguration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for InvalidConfiguration {}

fn invalid(what: impl Into<String>) -> InvalidConfiguration {
    InvalidConfiguration(what.into())
}

#[derive(Deserialize)]
struct CredentialsJson {
    oid: Option<String>,
    sets: Vec<SetJson>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SetJson {
    ci_certificate: Base64,
    dp_auth: CredentialJson,
    dp_pb: CredentialJson,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CredentialJson {
    certificate: Base64,
    private_key: Base64,
}

impl Drop for CredentialJson {
    fn drop(&mut self) {
        self.private_key.0.zeroize();
    }
}

impl<P: ImportKey> Server<P> {
    /// Reads the configuration and checks that certificates and keys belong
    /// together.
    ///
    /// # Errors
    /// [`InvalidConfiguration`] names the part that is wrong.
    pub async fn new(provider: P, configuration: &Configuration<'_>) -> Result<Self, InvalidConfiguration> {
        let addresses = configuration.addresses.split(',').map(str::trim).filter(|a| !a.is_empty());
        let addresses: Vec<String> = addresses.map(str::to_owned).collect();
        if addresses.is_empty() || !addresses.iter().all(|a| rsp::activation_code::is_address(a)) {
            return Err(invalid("SMDP_ADDRESSES: host[:port], comma separated"));
        }
        let secrets =
            configuration.secret.split(',').map(|text| hex::decode(text.trim()).map(Zeroizing::new));
        let secret = secrets.collect::<Result<Vec<_>, _>>().ok().and_then(|secrets| {
            let secrets = secrets.iter().map(|secret| &secret[..]);
            ServerSecret::new(secrets)
        });
        let secret = secret
            .ok_or_else(|| invalid("SMDP_SECRET: at least 32 hexadecimal digits, several comma separated"))?;
        let documents = serde_json::Deserializer::from_str(configuration.credentials);
        let documents: Result<Vec<CredentialsJson>, _> = documents.into_iter().collect();
        let documents = documents
            // Line and column only: the message could quote a key.
            .map_err(|e| invalid(format!("SMDP_CREDENTIALS: line {} column {}", e.line(), e.column())))?;
        let mut credentials = Vec::new();
        for (index, set) in documents.iter().flat_map(|document| &document.sets).enumerate() {
            let set = credential_set(&provider, set).await;
            credentials.push(set.map_err(|e| invalid(format!("SMDP_CREDENTIALS: set {index}: {e}")))?);
        }
        let oid = credentials.first().and_then(|set| set.dp_auth.certificate.registered_id());
        let oid = oid.cloned().ok_or_else(|| invalid("SMDP_CREDENTIALS: no set"))?;
        if credentials.iter().any(|set| set.dp_auth.certificate.registered_id() != Some(&oid)) {
            return Err(invalid("SMDP_CREDENTIALS: certificates of several SM-DP+ OIDs"));
        }
        let mut stated = documents.iter().filter_map(|document| document.oid.as_ref());
        if stated.any(|stated| *stated != oid.to_string()) {
            return Err(invalid("SMDP_CREDENTIALS: oid is not the one in the certificates"));
        }
        let admission = Admission::new(&configuration.admission)?;
        let cis: Vec<&CiKey> = credentials.iter().map(|set| &set.ci).collect();
        let lists = configuration.revocation_lists;
        let revocation = Revocation::new(&provider, lists, &cis, admission.authorities()).await?;
        let present = |text: Option<&'_ str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
        let operator_callback = present(configuration.operator_callback)
            .map(|base| {
                let token = present(configuration.operator_callback_token).map(Zeroizing::new);
                let base = base.trim_end_matches('/').to_owned();
                if is_callback(&base) { Ok(Callback { base, token }) } else { Err(()) }
            })
            .transpose()
            .map_err(|()| invalid("OPERATOR_CALLBACK: https://…, or http://… on the loopback"))?;
        let requesters = present(configuration.operator_requesters)
            .map(|text| serde_json::from_str(&text))
            .transpose()
            .map_err(|error| invalid(format!("OPERATOR_REQUESTERS: {error}")))?;
        let smds_root = present(configuration.smds_root);
        if smds_root.as_ref().is_some_and(|root| !rsp::activation_code::is_address(root)) {
            return Err(invalid("SMDS_ROOT: host[:port]"));
        }
        let feeder_token = present(configuration.feeder_token).map(Zeroizing::new);
        let not_fed = match (configuration.network, &feeder_token) {
            (true, None) => Some("FEEDER_TOKEN is not configured: the network is not fed"),
            (false, Some(_)) => Some("no network is bound (NETWORK): it is not fed"),
            _ => None,
        };
        let token = configuration.operator_token.filter(|token| !token.is_empty());
        Ok(Self {
            provider,
            credentials,
            oid,
            addresses,
            secret,
            access: Access::of(configuration.operator_access),
            operator_token: token.map(|token| Zeroizing::new(token.to_owned())),
            limits: configuration.limits,
            protection: configuration.protection,
            admission,
            revocation,
            transport_keys: TransportKeys::parse(configuration.transport_keys)?,
            operator_callback,
            requesters,
            smds_root,
            feeder_token: feeder_token.filter(|_| configuration.network),
            not_fed,
        })
    }
}

/// A place that JSON may be sent to: by TLS, or to this very machine.
fn is_callback(base: &str) -> bool {
    let Ok(uri) = base.parse::<http::Uri>() else { return false };
    let authority = uri.authority().map_or("", http::uri::Authority::as_str);
    let plain = !authority.is_empty() && !authority.contains('@') && uri.query().is_none();
    let by_tls = uri.scheme_str() == Some("https");
    let here = uri.scheme_str() == Some("http") && uri.host().is_some_and(is_loopback);
    plain && (by_tls || here)
}

/// Whether a host is this very machine.
fn is_loopback(host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

/// The URL of a server by its address: by TLS, unless it is this very machine.
pub(crate) fn url_of(address: &str, path: &str) -> String {
    let host = address.split(':').next().unwrap_or_default();
    let scheme = if is_loopback(host) { "http" } else { "https" };
    format!("{scheme}://{address}{path}")
}

async fn credential_set<P: ImportKey>(
    provider: &P,
    set: &SetJson,
) -> Result<CredentialSet<P::SigningKey>, String> {
    let read = |json: &Base64, what: &str| Certificate::from_der(&json.0).map_err(|e| format!("{what}: {e}"));
    let ci_certificate = read(&set.ci_certificate, "ciCertificate")?;
    let ci = CiKey::from_certificate(&ci_certificate)
        .ok_or("ciCertificate: not a CI certificate with a key of a supported curve")?;
    let auth = read(&set.dp_auth.certificate, "dpAuth.certificate")?;
    let pb = read(&set.dp_pb.certificate, "dpPb.certificate")?;
    // Whether they are in their time is asked when they are used.
    let verified = verify_server_chain(provider, &ci, &auth, &[Role::DpAuth], None).await;
    let verified = verified.map_err(|e| format!("dpAuth.certificate: {e}"))?;
    let binding = verify_profile_binding(provider, &ci, &verified, &pb, None).await;
    binding.map_err(|e| format!("dpPb.certificate: {e}"))?;
    let dp_auth = credential(provider, auth, &set.dp_auth.private_key.0, "dpAuth.privateKey").await?;
    let dp_pb = credential(provider, pb, &set.dp_pb.private_key.0, "dpPb.privateKey").await?;
    Ok(CredentialSet { ci, ci_validity: ci_certificate.validity(), dp_auth, dp_pb })
}

async fn credential<P: ImportKey>(
    provider: &P,
    certificate: Certificate,
    pkcs8: &[u8],
    what: &str,
) -> Result<Credential<P::SigningKey>, String> {
    let probe = b"does the key belong to the certificate?";
    let key = provider.import_key(pkcs8).await.map_err(|e| e.to_string())?;
    let key = key.ok_or_else(|| format!("{what}: not a key of a supported curve as PKCS#8"))?;
    let signature = provider.sign(&key, probe).await.map_err(|e| e.to_string())?;
    let public = certificate
        .public_key()
        .ok_or_else(|| format!("{what}: certificate without a key of a supported curve"))?;
    let belongs = provider.verify(public, probe, &signature).await.map_err(|e| e.to_string())?;
    if belongs { Ok(Credential { certificate, key }) } else { Err(format!("{what}: not the certificate's")) }
}

impl<P: Provider> Server<P> {
    /// Whether anybody can be the operator at all.
    #[must_use]
    pub const fn has_operator(&self) -> bool {
        self.operator_token.is_some() || self.access.policy().is_some()
    }

    /// The console as a requester of ES2+: a name that nobody else can say.
    pub(crate) fn console(&self) -> String {
        let name = self.secret.session_mac(0, &[b"console"]);
        format!("console-{}", hex::encode(&name[..8]))
    }

    /// What of the configuration could not be understood and is left out: for the log at
    /// start. Nothing is open because of it.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        self.access.warning().into_iter().chain(self.not_fed.map(str::to_owned)).collect()
    }

    /// The SM-DP+ OID.
    #[must_use]
    pub const fn oid(&self) -> &Oid {
        &self.oid
    }

    /// The address for activation codes and notifications.
    #[must_use]
    pub fn address(&self) -> &str {
        self.addresses.first().map_or("", String::as_str)
    }

    /// Whether an LPA that says this address means this server. Host names are
    /// compared without case. A name without a port is one of port 443; who leaves the port
    /// away may mean any that is configured.
    pub(crate) fn is_addressed_as(&self, address: &str) -> bool {
        let split = |a: &str| match a.split_once(':') {
            Some((host, port)) => (host.to_ascii_lowercase(), Some(port.to_owned())),
            None => (a.to_ascii_lowercase(), None),
        };
        // It is signed as it was said: nothing that is no address.
        if !rsp::activation_code::is_address(address) {
            return false;
        }
        let (host, port) = split(address);
        self.addresses.iter().any(|own| {
            let (own_host, own_port) = split(own);
            let own_port = own_port.as_deref().unwrap_or("443");
            host == own_host && port.as_deref().is_none_or(|port| port == own_port)
        })
    }

    /// The keys that operators wrap subscribers' secrets under.
    #[must_use]
    pub const fn transport_keys(&self) -> &TransportKeys {
        &self.transport_keys
    }

    pub(crate) fn credentials_under(&self, ci: &CiPkId) -> Option<&CredentialSet<P::SigningKey>> {
        self.credentials.iter().find(|set| set.ci.id() == ci)
    }
}

impl<K> CredentialSet<K> {
    /// Whether both certificates are in their time.
    pub(crate) fn is_valid_at(&self, now: u64) -> bool {
        [&self.dp_auth, &self.dp_pb].iter().all(|credential| {
            let (from, to) = credential.certificate.validity();
            (from..=to).contains(&now)
        })
    }
}
