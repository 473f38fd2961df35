//! The server with the SGP.26 certificates against the SGP.26 eUICC: chains, keys
//! and names that nobody here made.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

mod common;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use common::*;
use edge_smdp::{Configuration, Limits, Protection, Server, SmDp};
use rsp_crypto::software::SigningKey;
use rsp_crypto::{Software, ready};
use serde_json::json;

fn file(name: &str) -> Option<Vec<u8>> {
    vectors::read(&format!("data/sgp26-certs/{name}"))
}

fn key(name: &str) -> Option<SigningKey> {
    SigningKey::from_pem(&String::from_utf8(file(name)?).unwrap())
}

fn credential(certificate: &str, private_key: &str) -> Option<serde_json::Value> {
    let pkcs8 = key(private_key)?.expose_pkcs8_der().unwrap();
    Some(json!({ "certificate": b64(&file(certificate)?), "privateKey": b64(&pkcs8) }))
}

/// A time in which all of SGP.26's certificates that are used here are valid.
const IN_TIME: u64 = 1_795_000_000;

fn world() -> Option<World> {
    let set = json!({
        "ciCertificate": b64(&file("CertificateIssuer/CERT_CI_ECDSA_NIST.der")?),
        "dpAuth": credential("DPauth/CERT_S_SM_DPauth_ECDSA_NIST.der", "DPauth/SK_S_SM_DPauth_ECDSA_NIST.pem")?,
        "dpPb": credential("DPpb/CERT_S_SM_DPpb_ECDSA_NIST.der", "DPpb/SK_S_SM_DPpb_ECDSA_NIST.pem")?,
    });
    let credentials = json!({ "oid": "2.999.10", "sets": [set] }).to_string();
    let mut world = World::new();
    world.clock = Rc::new(Cell::new(IN_TIME));
    let server = server(&credentials, Protection::SessionKeys, Limits::default());
    world.smdp = SmDp::new(Rc::new(server), TestStore::new(), Rc::clone(&world.clock), RefCell::new(rng(3)))
        .with_courier(Rc::clone(&world.post));
    Some(world)
}

fn euicc(world: &World) -> Option<Euicc> {
    let ci = rsp_crypto::Certificate::from_der(&file("CertificateIssuer/CERT_CI_ECDSA_NIST.der")?).unwrap();
    let mut euicc = world.euicc();
    euicc.certificate = file("eUICC/CERT_EUICC_ECDSA_NIST.der")?;
    euicc.key = key("eUICC/SK_EUICC_ECDSA_NIST.pem")?;
    euicc.eum = file("EUM/CERT_EUM_ECDSA_NIST.der")?;
    euicc.eid = "89049032123451234512345678901235".parse().unwrap();
    euicc.ci = vec!["F54172BDF98A95D65CBEB88A38A1C11D800A85C3".parse().unwrap()];
    euicc.ci_key = *ci.public_key().unwrap();
    Some(euicc)
}

#[test]
fn the_sgp_26_euicc_downloads_a_ts_48_profile() {
    let Some(world) = world() else { return };
    let Some(mut euicc) = euicc(&world) else { return };
    let Some(package) = vectors::read("data/ts48-v7/TS48v7_eSIM_GTP_SAIP2.3_NoBERTLV.der") else { return };
    assert_eq!(world.add(&json!({ "metadata": metadata(), "package": b64(&package) })).0, 201);
    let iccid = "89000123456789012341";
    let matching_id = world.release(iccid, json!({ "eid": euicc.eid.to_string() }));
    assert_eq!(euicc.download(&world, Some(&matching_id), None).unwrap().1, package);
    // The manufacturer's certificate of another year, with the same key.
    euicc.eum = file("EUM/CERT_EUM_2024_NIST.der").unwrap();
    let (open, elements) = euicc.download(&world, Some(&matching_id), None).unwrap();
    assert_eq!(elements, package);
    assert_eq!(world.notify(&euicc.installation_result(&open, Some(iccid), None)).0, 204);
    assert_eq!(world.state(iccid), "Installed");
}

#[test]
fn wrong_certificates_are_refused() {
    let Some(world) = world() else { return };
    let Some(mut euicc) = euicc(&world) else { return };
    for name in [
        "EUICC_bad_signature",
        "EUICC_eid_outside_name_constraint",
        "EUICC_policy_is_EUM",
        "EUICC_issued_by_CI_directly",
    ] {
        let Some(certificate) = vectors::read(&format!("data/negative-certs/{name}.der")) else { return };
        euicc.certificate = certificate;
        assert_eq!(euicc.authenticate(&world, None).err().unwrap(), "8.1.3/6.1", "{name}");
    }
}

/// Certificates of the server's own with one fault each: refused at the start, or told of.
#[test]
fn wrong_certificates_of_our_own_are_refused() {
    let negative = |name: &str| vectors::read(&format!("data/negative-certs/{name}"));
    let pair = |certificate: Vec<u8>, key: &SigningKey| json!({ "certificate": b64(&certificate), "privateKey": b64(&key.expose_pkcs8_der().unwrap()) });
    let (Some(ci), Some(auth_key), Some(pb_key)) = (
        file("CertificateIssuer/CERT_CI_ECDSA_NIST.der"),
        key("DPauth/SK_S_SM_DPauth_ECDSA_NIST.pem"),
        key("DPpb/SK_S_SM_DPpb_ECDSA_NIST.pem"),
    ) else {
        return;
    };
    let auth = || pair(file("DPauth/CERT_S_SM_DPauth_ECDSA_NIST.der").unwrap(), &auth_key);
    let pb = || pair(file("DPpb/CERT_S_SM_DPpb_ECDSA_NIST.der").unwrap(), &pb_key);
    let start = |dp_auth, dp_pb| {
        let set = json!({ "ciCertificate": b64(&ci), "dpAuth": dp_auth, "dpPb": dp_pb });
        let credentials = json!({ "sets": [set] }).to_string();
        let configuration = Configuration {
            credentials: &credentials,
            secret: "000102030405060708090a0b0c0d0e0f",
            operator_token: Some(TOKEN),
            addresses: "smdp.example",
            ..Configuration::default()
        };
        ready(Server::new(Software::new(rng(2)), &configuration)).map_err(|error| error.0)
    };
    assert!(start(auth(), pb()).is_ok());
    for (name, because) in [
        ("DPauth_bad_signature", "dpAuth.certificate: server certificate: wrong signature"),
        ("DPauth_policy_is_DPpb", "dpAuth.certificate: server certificate: another role"),
        ("DPauth_curve_P384", "dpAuth.certificate: server certificate: unsupported curve"),
    ] {
        let Some(certificate) = negative(&format!("{name}.der")) else { return };
        let error = start(pair(certificate, &auth_key), pb()).err().unwrap();
        assert!(error.contains(because), "{name}: {error}");
    }
    for (name, because) in [
        ("DPpb_bad_signature", "dpPb.certificate: server certificate: wrong signature"),
        ("DPpb_other_OID_2.999.99", "dpPb.certificate: server certificate: of another server"),
    ] {
        let Some(certificate) = negative(&format!("{name}.der")) else { return };
        let error = start(auth(), pair(certificate, &pb_key)).err().unwrap();
        assert!(error.contains(because), "{name}: {error}");
    }
    // The certificate of one server and the key of another.
    let mixed = pair(file("DPauth/CERT_S_SM_DPauth_ECDSA_NIST.der").unwrap(), &pb_key);
    assert!(start(mixed, pb()).err().unwrap().contains("dpAuth.privateKey: not the certificate's"));
    // One that has ended starts, so that health can say so, and begins no session.
    let server = start(pair(negative("DPauth_expired.der").unwrap(), &auth_key), pb()).ok().unwrap();
    let mut world = World::new();
    world.clock = Rc::new(Cell::new(IN_TIME));
    world.smdp = SmDp::new(Rc::new(server), TestStore::new(), Rc::clone(&world.clock), RefCell::new(rng(3)))
        .with_courier(Rc::clone(&world.post));
    let health = world.request("GET", "/operator/health", None, b"");
    assert_eq!(health.status(), 503);
    assert!(String::from_utf8_lossy(health.body()).contains("CERT.DPauth under CI"));
    let euicc = euicc(&world).unwrap();
    let (status, answer) = world.es9("initiateAuthentication", &euicc.initiate_request());
    assert_eq!(status, 200);
    assert_ne!(code_of(&answer), "");
}

#[test]
fn recorded_messages_of_another_server_are_unknown_here() {
    let Some(world) = world() else { return };
    let Some(recorded) = vectors::read("data/rsp-session/AuthenticateServerResponse.der") else { return };
    let Some(euicc) = euicc(&world) else { return };
    // Well formed and well signed, but for a session that this server did not begin.
    let (id, _) = euicc.initiate(&world);
    let request = json!({ "transactionId": id, "authenticateServerResponse": b64(&recorded) });
    let (status, answer) = world.es9("authenticateClient", &request);
    assert_eq!(status, 200, "{answer}");
    assert_eq!(code_of(&answer), "8.10.1/3.9");
    let Some(result) = vectors::read("data/rsp-session/ProfileInstallationResult_ok.der") else { return };
    assert_eq!(world.notify(&result).0, 204);
    let Some(other) = vectors::read("data/rsp-session/OtherSignedNotification.der") else { return };
    assert_eq!(world.notify(&other).0, 204);
    assert!(world.operator("notifications")["notifications"].as_array().unwrap().is_empty());
}
