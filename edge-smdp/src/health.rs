//! What the server says of itself to whoever asks: nothing that is secret, and what will
//! soon be wrong.

use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode as Http};
use rsp_crypto::{Certificate, Provider};
use serde::Serialize;

use crate::Server;

/// Days before its end in which a certificate is warned of.
const WARNING: i64 = 30;

const DAY: i64 = 24 * 3600;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Health<'a> {
    /// `ok`, or what keeps every session from beginning.
    status: &'static str,
    oid: String,
    addresses: &'a [String],
    /// Whether anybody can be the operator.
    operator: bool,
    /// Whether the network is told of subscribers.
    feeds: bool,
    /// Which LPAs are served: `open` or `certificate`.
    admission: &'static str,
    credentials: Vec<CredentialHealth>,
    /// All of ours, and those that LPAs' are issued under.
    certificates: Vec<CertificateHealth>,
    revocation_lists: Vec<ListHealth>,
    /// In words, what somebody has to do something about.
    warnings: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CredentialHealth {
    ci_pk_id: String,
    dp_auth_not_after: u64,
    dp_pb_not_after: u64,
    valid: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CertificateHealth {
    name: String,
    /// Seconds since 1970.
    not_before: u64,
    not_after: u64,
    /// Whole days until then; negative when they have gone.
    days_left: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ListHealth {
    issuer: String,
    /// Seconds since 1970.
    this_update: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_update: Option<u64>,
    revoked: usize,
}

impl CertificateHealth {
    fn new(name: String, (not_before, not_after): (u64, u64), now: u64) -> Self {
        let seconds = |time: u64| i64::try_from(time).unwrap_or(i64::MAX);
        let days_left = (seconds(not_after) - seconds(now)).div_euclid(DAY);
        Self { name, not_before, not_after, days_left }
    }

    fn warning(&self, now: u64) -> Option<String> {
        let Self { name, not_before, not_after, days_left } = self;
        if now > *not_after {
            Some(format!("{name} has expired"))
        } else if now < *not_before {
            Some(format!("{name} is not valid yet"))
        } else if *days_left < WARNING {
            Some(format!("{name} expires in {days_left} days"))
        } else {
            None
        }
    }
}

/// `GET /operator/health`: 200, or 503 when there is no CI under which sessions can begin.
pub(crate) fn health<P: Provider>(server: &Server<P>, now: u64) -> Response<Vec<u8>> {
    let mut credentials = Vec::new();
    let mut certificates = Vec::new();
    for set in &server.credentials {
        let ci = set.ci.id();
        credentials.push(CredentialHealth {
            ci_pk_id: ci.to_string(),
            dp_auth_not_after: set.dp_auth.certificate.validity().1,
            dp_pb_not_after: set.dp_pb.certificate.validity().1,
            valid: set.is_valid_at(now),
        });
        let parts = [
            ("CERT.CI", set.ci_validity),
            ("CERT.DPauth", set.dp_auth.certificate.validity()),
            ("CERT.DPpb", set.dp_pb.certificate.validity()),
        ];
        let parts = parts
            .map(|(name, validity)| CertificateHealth::new(format!("{name} under CI {ci}"), validity, now));
        certificates.extend(parts);
    }
    for (index, authority) in server.admission.authorities().iter().enumerate() {
        let name = format!("LPA CA {}", index + 1);
        certificates.push(CertificateHealth::new(name, Certificate::validity(authority), now));
    }
    let mut warnings: Vec<String> =
        certificates.iter().filter_map(|certificate| certificate.warning(now)).collect();
    warnings.extend(server.warnings());
    for set in &server.credentials {
        let ours =
            [("CERT.DPauth", &set.dp_auth.certificate), ("CERT.DPpb", &set.dp_pb.certificate)].into_iter();
        let revoked = ours.filter(|(_, certificate)| server.revocation.is_revoked(certificate));
        warnings.extend(revoked.map(|(name, _)| format!("{name} under CI {} is revoked", set.ci.id())));
    }
    let mut revocation_lists = Vec::new();
    for standing in server.revocation.standing(now) {
        warnings.extend(standing.warning);
        revocation_lists.push(ListHealth {
            issuer: standing.name.to_owned(),
            this_update: standing.this_update,
            next_update: standing.next_update,
            revoked: standing.revoked,
        });
    }
    let healthy = credentials.iter().any(|credential| credential.valid);
    let health = Health {
        status: if healthy { "ok" } else { "no valid certificates" },
        oid: server.oid.to_string(),
        addresses: &server.addresses,
        operator: server.has_operator(),
        feeds: server.feeder_token.is_some(),
        admission: server.admission.name(),
        credentials,
        certificates,
        revocation_lists,
        warnings,
    };
    let mut response = Response::new(serde_json::to_vec(&health).unwrap_or_default());
    if !healthy {
        *response.status_mut() = Http::SERVICE_UNAVAILABLE;
    }
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json;charset=UTF-8"));
    headers.insert("cache-control", HeaderValue::from_static("no-store"));
    response
}
