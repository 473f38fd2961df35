//! Certificates with one fault each (`data/negative-certs`), sent by the SM-DP+
//! of SGP.26 to a chip of SGP.26.

use rsp::DataObject as _;
use rsp::auth::AuthenticateServerResponse;
use rsp::codes::{AuthenticateErrorCode, DownloadErrorCode};
use rsp::download::PrepareDownloadResponse;
use rsp_crypto::software::SigningKey;
use rsp_crypto::{Certificate, signature};
use wasm_euicc::Factory;
use wasm_euicc::factory::Identity;

use crate::card::Card;
use crate::server::*;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn file(path: &str) -> Option<Vec<u8>> {
    vectors::read(&format!("data/{path}"))
}

fn key(path: &str) -> Option<SigningKey> {
    SigningKey::from_pem(&String::from_utf8(file(path)?).unwrap())
}

struct Sgp26 {
    lab: Lab,
    factory: Factory,
}

fn sgp26() -> Option<Sgp26> {
    let identity = |certificate: &str, secret: &str| {
        let certificate = Certificate::from_der(&file(certificate)?).unwrap();
        Some(rsp_crypto::issue::Identity::new(certificate, key(secret)?).unwrap())
    };
    let mut lab = Lab::new();
    lab.pki.ci = identity(
        "sgp26-certs/CertificateIssuer/CERT_CI_ECDSA_NIST.der",
        "sgp26-certs/CertificateIssuer/SK_CI_ECDSA_NIST.pem",
    )?;
    lab.pki.dp_auth = identity(
        "sgp26-certs/DPauth/CERT_S_SM_DPauth_ECDSA_NIST.der",
        "sgp26-certs/DPauth/SK_S_SM_DPauth_ECDSA_NIST.pem",
    )?;
    lab.pki.dp_pb = identity(
        "sgp26-certs/DPpb/CERT_S_SM_DPpb_ECDSA_NIST.der",
        "sgp26-certs/DPpb/SK_S_SM_DPpb_ECDSA_NIST.pem",
    )?;
    let own = Identity {
        key: key("sgp26-certs/eUICC/SK_EUICC_ECDSA_NIST.pem")?,
        euicc_certificate: file("sgp26-certs/eUICC/CERT_EUICC_ECDSA_NIST.der")?,
        eum_certificate: file("sgp26-certs/EUM/CERT_EUM_2024_NIST.der")?,
    };
    let ci = lab.pki.ci.certificate().der().to_vec();
    Some(Sgp26 { factory: Factory::new(lab.eid, own, vec![ci]), lab })
}

#[test]
fn faulty_certificates_of_dp_auth() {
    let Some(Sgp26 { lab, factory }) = sgp26() else { return };
    for (name, expected) in [
        ("DPauth_bad_signature", Some(AuthenticateErrorCode::INVALID_CERTIFICATE)),
        ("DPauth_policy_is_DPpb", Some(AuthenticateErrorCode::INVALID_OID)),
        ("DPauth_curve_P384", Some(AuthenticateErrorCode::UNSUPPORTED_CURVE)),
        // A chip has no clock.
        ("DPauth_expired", None),
    ] {
        let Some(certificate) = file(&format!("negative-certs/{name}.der")) else { return };
        let mut card = Card::made_by(&factory);
        let now = challenge(&mut card);
        let mut request = authenticate_request(&lab, &lab.pki.dp_auth, &tid(1), now);
        request.server_certificate = rsp::auth::Certificate::from_der(&certificate).unwrap();
        let answer = AuthenticateServerResponse::decode(&card.es10(&request.encode())).unwrap();
        let found = match answer {
            AuthenticateServerResponse::Ok(_) => None,
            AuthenticateServerResponse::Error { code, .. } => Some(code),
        };
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn faulty_certificates_of_dp_pb() {
    let Some(Sgp26 { lab, factory }) = sgp26() else { return };
    for name in [
        "negative-certs/DPpb_bad_signature",
        "negative-certs/DPpb_other_OID_2.999.99",
        "sgp26-certs/DPpb/CERT_S_SM_DP2pb_ECDSA_NIST",
    ] {
        let Some(certificate) = file(&format!("{name}.der")) else { return };
        let mut card = Card::made_by(&factory);
        let dialogue = authenticate(&mut card, &lab, &tid(1));
        let mut request = prepare_request(&lab, &dialogue, false, None);
        request.smdp_certificate = rsp::auth::Certificate::from_der(&certificate).unwrap();
        let answer = PrepareDownloadResponse::decode(&card.es10(&request.encode())).unwrap();
        let PrepareDownloadResponse::Error { code, .. } = answer else { panic!("{name}") };
        assert_eq!(code, DownloadErrorCode::INVALID_CERTIFICATE, "{name}");
        // The session is still good for the right one.
        let request = prepare_request(&lab, &dialogue, false, None);
        let answer = PrepareDownloadResponse::decode(&card.es10(&request.encode())).unwrap();
        let PrepareDownloadResponse::Ok { euicc_signed2, euicc_signature2 } = answer else { panic!() };
        let signed = signature::euicc_signature2(euicc_signed2.bytes(), &request.smdp_signature2);
        let euicc = Certificate::from_der(&factory.identities[0].euicc_certificate).unwrap();
        assert!(rsp_crypto::software::verify(euicc.public_key().unwrap(), &signed, &euicc_signature2));
    }
}
