//! Certificates and chains of SGP.26, and certificates with one fault each.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests, and what they share")]

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rsp::status::StatusCode;
use rsp_crypto::cert::InvalidCertificate;
use rsp_crypto::chain::{
    CiKey, EuiccChainError, Flaw, ServerChainError, VerifiedEuicc, VerifiedServer, verify_euicc_chain,
    verify_profile_binding, verify_server_chain,
};
use rsp_crypto::issue::{Attribute, Identity, Pki, Settings, Shape, Template, Validity};
use rsp_crypto::software::SigningKey;
use rsp_crypto::{Certificate, Curve, KeyIdentifier, PublicKey, Role, Software, ready, software};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

/// 2026-11-22.
const NOW: u64 = 1_795_305_600;
const CI: &str = "sgp26-certs/CertificateIssuer/CERT_CI_ECDSA_NIST.der";
const EUM: &str = "sgp26-certs/EUM/CERT_EUM_2024_NIST.der";
const EUICC: &str = "sgp26-certs/eUICC/CERT_EUICC_ECDSA_NIST.der";
const DP_AUTH: &str = "sgp26-certs/DPauth/CERT_S_SM_DPauth_ECDSA_NIST.der";
const DP_PB: &str = "sgp26-certs/DPpb/CERT_S_SM_DPpb_ECDSA_NIST.der";
const DS_AUTH: &str = "sgp26-certs/DSauth/CERT_S_SM_DSauth_ECDSA_NIST.der";

fn provider() -> Software<ChaCha8Rng> {
    Software::new(ChaCha8Rng::seed_from_u64(26))
}

fn read(file: &str) -> Option<Certificate> {
    Some(Certificate::from_der(&vectors::read(&format!("data/{file}"))?).unwrap())
}

fn ci() -> Option<CiKey> {
    Some(CiKey::from_certificate(&read(CI)?).unwrap())
}

fn brainpool_ci() -> Option<CiKey> {
    CiKey::from_certificate(&read("sgp26-certs/CertificateIssuer/CERT_CI_ECDSA_BRP.der")?)
}

fn authenticate(
    ci: &CiKey,
    certificate: &Certificate,
    now: Option<u64>,
) -> Result<VerifiedServer, ServerChainError> {
    ready(verify_server_chain(&provider(), ci, certificate, &[Role::DpAuth, Role::DsAuth], now))
}

fn euicc(eum: &str, euicc: &str, now: u64) -> Option<Result<VerifiedEuicc, EuiccChainError>> {
    Some(ready(verify_euicc_chain(&provider(), &ci()?, &read(eum)?, &read(euicc)?, now)))
}

/// What OpenSSL 3.0.19 (`x509 -text`, `asn1parse`) says of the certificates: file,
/// end of tbsCertificate (it begins at byte 4 of each), notBefore, notAfter, subject
/// key identifier, issuer's, role, curve, registeredID, EID, host, organisation.
/// Every role but CI and EUM has digitalSignature alone; these two sign certificates
/// and are CAs; the one of SM-DP+ TLS authenticates servers.
const FACTS: &str = "
sgp26-certs/CertificateIssuer/CERT_CI_2017_NIST 515 1485963582 2590414782 F54172BDF98A95D65CBEB88A38A1C11D800A85C3 - 0 P256 2.999.1 - - RSPTEST
sgp26-certs/CertificateIssuer/CERT_CI_ECDSA_BRP 512 1585729671 2690180871 C0BC70BA36929D43B467FF57570530E57AB8FCD8 - 0 BrainpoolP256r1 2.999.1 - - RSPTEST
sgp26-certs/CertificateIssuer/CERT_CI_ECDSA_NIST 511 1585729671 2690180871 F54172BDF98A95D65CBEB88A38A1C11D800A85C3 - 0 P256 2.999.1 - - RSPTEST
sgp26-certs/DPauth/CERT_S_SM_DP2auth_ECDSA_BRP 489 1585729890 1901089890 D70EFD057BAC1F7C55EA5D8C26BE160292845BAF BRP 4 BrainpoolP256r1 2.999.12 - - ACME
sgp26-certs/DPauth/CERT_S_SM_DP2auth_ECDSA_NIST 488 1585729890 1901089890 959EF7E650C1BE216A391974276D26B8A9356171 NIST 4 P256 2.999.12 - - ACME
sgp26-certs/DPauth/CERT_S_SM_DPauth_ECDSA_BRP 488 1585729890 1901089890 79A4BD4D78FF4734BC6045CF9196244A1FB84BEB BRP 4 BrainpoolP256r1 2.999.10 - - ACME
sgp26-certs/DPauth/CERT_S_SM_DPauth_ECDSA_NIST 487 1585729890 1901089890 BD5A82CC1A96602118BA7560A1FF83A78B210BE5 NIST 4 P256 2.999.10 - - ACME
sgp26-certs/DPpb/CERT_S_SM_DP2pb_ECDSA_BRP 489 1585730086 1901090086 31038A55B6BECF6CEA59DE2FDA14F4327FB8B6A9 BRP 5 BrainpoolP256r1 2.999.12 - - ACME
sgp26-certs/DPpb/CERT_S_SM_DP2pb_ECDSA_NIST 488 1585730086 1901090086 20A3A830E92EE7A468C5EB27BA8DF18459ADFDD7 NIST 5 P256 2.999.12 - - ACME
sgp26-certs/DPpb/CERT_S_SM_DPpb_ECDSA_BRP 488 1585730086 1901090086 A8C68DF449EB71EC723EAC132E40E4B6F54644FE BRP 5 BrainpoolP256r1 2.999.10 - - ACME
sgp26-certs/DPpb/CERT_S_SM_DPpb_ECDSA_NIST 487 1585730085 1901090085 E6EAF71EE0FB9430ECCD1EBB421F881437C13263 NIST 5 P256 2.999.10 - - ACME
sgp26-certs/DPtls/CERT_S_SM_DP2_TLS 561 1751289278 1785676478 9F5F6B0CE70032252DCE10D349A655181B853ECE NIST 3 P256 2.999.12 - testsmdpplus2.example.com ACME
sgp26-certs/DPtls/CERT_S_SM_DP4_TLS 561 1751289279 1785676479 130F3D7BB3B065AD3C587876BCBB6B84FD497AAB NIST 3 P256 2.999.14 - testsmdpplus4.example.com ACME
sgp26-certs/DPtls/CERT_S_SM_DP8_TLS 561 1751289279 1785676479 B87E0A73F244D5994C2861E6EA6E3070D6342A53 NIST 3 P256 2.999.18 - testsmdpplus8.example.com ACME
sgp26-certs/DPtls/CERT_S_SM_DP_TLS_BRP 561 1751289278 1785676478 3D330983F39FCC5BD2E4AD68A619A74748AE8B9D BRP 3 BrainpoolP256r1 2.999.10 - testsmdpplus1.example.com ACME
sgp26-certs/DPtls/CERT_S_SM_DP_TLS_NIST 560 1751289278 1785676478 27FEF1F229187EC783EDF6E02964A4518D57D4A9 NIST 3 P256 2.999.10 - testsmdpplus1.example.com ACME
sgp26-certs/DSauth/CERT_S_SM_DSauth_ECDSA_NIST 403 1767225600 2398377600 542A2BEC5DF5286002ECC535AFC92056B022DC6B NIST 7 P256 2.999.15 - - ACME
sgp26-certs/EUM/CERT_EUM_2017_NIST 553 1484849430 2557764630 DD3DA24D350C1CC5D0AF0965F40EC34C5EE409F1 NIST 2 P256 2.999.5 - - RSP Test EUM
sgp26-certs/EUM/CERT_EUM_2024_NIST 549 1721123645 2793347645 DD3DA24D350C1CC5D0AF0965F40EC34C5EE409F1 NIST 2 P256 2.999.5 - - RSP Test EUM
sgp26-certs/EUM/CERT_EUM_ECDSA_NIST 551 1585733317 2657957317 DD3DA24D350C1CC5D0AF0965F40EC34C5EE409F1 NIST 2 P256 2.999.5 - - RSP Test EUM
sgp26-certs/eUICC/CERT_EUICC_ECDSA_NIST 437 1721123698 174521123698 A52476AF5D50AA376437CCB1DA2172EF45F484F0 EUM 1 P256 - 89049032123451234512345678901235 - RSP Test EUM
negative-certs/DPauth_bad_signature 404 1767225600 2398377600 BD5A82CC1A96602118BA7560A1FF83A78B210BE5 NIST 4 P256 2.999.10 - - ACME
negative-certs/DPauth_curve_P384 433 1767225600 2398377600 95453E70C31BE5D1A065F146C92C9955195EE98B NIST 4 Other 2.999.10 - - ACME
negative-certs/DPauth_expired 404 1546300800 1577836800 BD5A82CC1A96602118BA7560A1FF83A78B210BE5 NIST 4 P256 2.999.10 - - ACME
negative-certs/DPauth_policy_is_DPpb 404 1767225600 2398377600 BD5A82CC1A96602118BA7560A1FF83A78B210BE5 NIST 5 P256 2.999.10 - - ACME
negative-certs/DPpb_bad_signature 404 1767225600 2398377600 E6EAF71EE0FB9430ECCD1EBB421F881437C13263 NIST 5 P256 2.999.10 - - ACME
negative-certs/DPpb_other_OID_2.999.99 404 1767225600 2398377600 E6EAF71EE0FB9430ECCD1EBB421F881437C13263 NIST 5 P256 2.999.99 - - ACME
negative-certs/EUICC_bad_signature 428 1767225600 2398377600 A52476AF5D50AA376437CCB1DA2172EF45F484F0 EUM 1 P256 - 89049032123451234512345678901235 - RSP Test EUM
negative-certs/EUICC_eid_outside_name_constraint 428 1767225600 2398377600 A52476AF5D50AA376437CCB1DA2172EF45F484F0 EUM 1 P256 - 89044045118427484800000000011000 - RSP Test EUM
negative-certs/EUICC_issued_by_CI_directly 441 1767225600 2398377600 A52476AF5D50AA376437CCB1DA2172EF45F484F0 NIST 1 P256 - 89049032123451234512345678901235 - RSP Test EUM
negative-certs/EUICC_policy_is_EUM 428 1767225600 2398377600 A52476AF5D50AA376437CCB1DA2172EF45F484F0 EUM 2 P256 - 89049032123451234512345678901235 - RSP Test EUM
";

#[test]
fn certificates_read_as_openssl_reads_them() {
    for line in FACTS.trim().lines() {
        let facts: Vec<&str> = line.splitn(12, ' ').collect();
        let [file, end, first, last, key, issuer, role, curve, oid, eid, host, organization] = facts[..]
        else {
            panic!("{line}")
        };
        let Some(certificate) = read(&format!("{file}.der")) else { return };
        let end: usize = end.parse().unwrap();
        assert_eq!(certificate.tbs(), &certificate.der()[4..end], "{file}");
        assert_eq!(certificate.validity(), (first.parse().unwrap(), last.parse().unwrap()), "{file}");
        let identifier = |id: &KeyIdentifier| format!("{id:?}");
        assert_eq!(certificate.subject_key_identifier().map(identifier).as_deref(), Some(key), "{file}");
        let issuer = match issuer {
            "NIST" => Some("F54172BDF98A95D65CBEB88A38A1C11D800A85C3"),
            "BRP" => Some("C0BC70BA36929D43B467FF57570530E57AB8FCD8"),
            "EUM" => Some("DD3DA24D350C1CC5D0AF0965F40EC34C5EE409F1"),
            _ => None,
        };
        assert_eq!(certificate.authority_key_identifier().map(identifier).as_deref(), issuer, "{file}");
        let policy = certificate.role().unwrap().policy().unwrap().to_string();
        assert_eq!(policy, format!("2.23.146.1.2.1.{role}"), "{file}");
        let found = certificate.public_key().map(PublicKey::curve);
        assert_eq!(found.map_or_else(|| "Other".into(), |curve| format!("{curve:?}")), curve, "{file}");
        // The key identifier is the hash of the key, so the key is the one meant.
        assert!(
            certificate
                .public_key()
                .is_none_or(|key| { Some(&KeyIdentifier::of(key)) == certificate.subject_key_identifier() })
        );
        let issues = matches!(certificate.role(), Some(Role::Ci | Role::Eum)) && !file.contains("policy_is");
        assert_eq!((certificate.is_ca(), certificate.signs_certificates()), (issues, issues), "{file}");
        assert_eq!(certificate.signs_data(), !issues, "{file}");
        assert_eq!(certificate.authenticates_tls_servers(), role == "3", "{file}");
        assert_eq!(
            certificate.registered_id().map(ToString::to_string).as_deref().unwrap_or("-"),
            oid,
            "{file}"
        );
        assert_eq!(certificate.eid().map(|eid| eid.to_string()).as_deref().unwrap_or("-"), eid, "{file}");
        assert_eq!(certificate.dns_names().first().map_or("-", String::as_str), host, "{file}");
        assert_eq!(certificate.organization(), Some(organization), "{file}");
        assert!(!certificate.has_unknown_critical_extension(), "{file}");
    }
}

#[test]
fn certificate_issuers_of_sgp26() {
    for (file, id) in [
        (CI, "F54172BDF98A95D65CBEB88A38A1C11D800A85C3"),
        ("sgp26-certs/CertificateIssuer/CERT_CI_2017_NIST.der", "F54172BDF98A95D65CBEB88A38A1C11D800A85C3"),
        ("sgp26-certs/CertificateIssuer/CERT_CI_ECDSA_BRP.der", "C0BC70BA36929D43B467FF57570530E57AB8FCD8"),
    ] {
        let Some(certificate) = read(file) else { return };
        assert_eq!(certificate.role(), Some(&Role::Ci), "{file}");
        assert!(certificate.signs_certificates() && !certificate.has_unknown_critical_extension());
        assert_eq!(certificate.registered_id(), Some(&"2.999.1".parse().unwrap()));
        assert_eq!(format!("{:?}", certificate.subject_key_identifier().unwrap()), id);
        let key = certificate.public_key().unwrap();
        assert!(software::verify(key, certificate.tbs(), certificate.signature().unwrap()));
        assert_eq!(Some(&KeyIdentifier::of(key)), certificate.subject_key_identifier());
        assert_eq!(CiKey::from_certificate(&certificate).unwrap().id().to_string(), id);
    }
}

#[test]
fn servers_of_sgp26() {
    let (Some(nist), Some(brainpool)) = (ci(), brainpool_ci()) else { return };
    for (file, role, oid) in [
        (DP_AUTH, Role::DpAuth, "2.999.10"),
        ("sgp26-certs/DPauth/CERT_S_SM_DPauth_ECDSA_BRP.der", Role::DpAuth, "2.999.10"),
        ("sgp26-certs/DPauth/CERT_S_SM_DP2auth_ECDSA_BRP.der", Role::DpAuth, "2.999.12"),
        ("sgp26-certs/DPpb/CERT_S_SM_DPpb_ECDSA_BRP.der", Role::DpPb, "2.999.10"),
        ("sgp26-certs/DPpb/CERT_S_SM_DP2pb_ECDSA_BRP.der", Role::DpPb, "2.999.12"),
        ("sgp26-certs/DPtls/CERT_S_SM_DP_TLS_BRP.der", Role::DpTls, "2.999.10"),
        ("sgp26-certs/DPauth/CERT_S_SM_DP2auth_ECDSA_NIST.der", Role::DpAuth, "2.999.12"),
        (DS_AUTH, Role::DsAuth, "2.999.15"),
        (DP_PB, Role::DpPb, "2.999.10"),
        ("sgp26-certs/DPpb/CERT_S_SM_DP2pb_ECDSA_NIST.der", Role::DpPb, "2.999.12"),
        ("sgp26-certs/DPtls/CERT_S_SM_DP_TLS_NIST.der", Role::DpTls, "2.999.10"),
        ("sgp26-certs/DPtls/CERT_S_SM_DP2_TLS.der", Role::DpTls, "2.999.12"),
        ("sgp26-certs/DPtls/CERT_S_SM_DP4_TLS.der", Role::DpTls, "2.999.14"),
        ("sgp26-certs/DPtls/CERT_S_SM_DP8_TLS.der", Role::DpTls, "2.999.18"),
    ] {
        let Some(certificate) = read(file) else { return };
        let (ci, other) = if file.contains("BRP") { (&brainpool, &nist) } else { (&nist, &brainpool) };
        let verify = |role: &Role, now| {
            ready(verify_server_chain(&provider(), ci, &certificate, std::slice::from_ref(role), now))
        };
        let verified = verify(&role, None).unwrap();
        assert_eq!((verified.role(), verified.oid().to_string().as_str()), (&role, oid), "{file}");
        assert_eq!((verified.ci(), Some(verified.public_key())), (ci.id(), certificate.public_key()));
        // The TLS certificates ended on 2026-08-02.
        let expired = Err(ServerChainError::Certificate(Flaw::Expired));
        assert_eq!(
            verify(&role, Some(NOW)),
            if role == Role::DpTls { expired.clone() } else { Ok(verified) }
        );
        assert_eq!(verify(&role, Some(certificate.validity().0 - 1)), expired);
        assert_eq!(verify(&Role::Euicc, None), Err(ServerChainError::Certificate(Flaw::Role)));
        let under_other = ready(verify_server_chain(&provider(), other, &certificate, &[role], None));
        assert_eq!(under_other, Err(ServerChainError::Certificate(Flaw::UnsupportedCurve)));
    }
}

#[test]
fn hosts_of_a_tls_certificate() {
    let Some(certificate) = read("sgp26-certs/DPtls/CERT_S_SM_DP_TLS_NIST.der") else { return };
    assert_eq!(certificate.dns_names(), ["testsmdpplus1.example.com"]);
    assert_eq!(certificate.organization(), Some("ACME"));
}

#[test]
fn profile_binding_belongs_to_the_authenticated_server() {
    let Some(ci) = ci() else { return };
    let (Some(auth), Some(auth2), Some(ds_auth)) =
        (read(DP_AUTH), read("sgp26-certs/DPauth/CERT_S_SM_DP2auth_ECDSA_NIST.der"), read(DS_AUTH))
    else {
        return;
    };
    let bind = |authenticated: &Certificate, file: &str| {
        let authenticated = authenticate(&ci, authenticated, None).unwrap();
        let binding = read(file).unwrap();
        ready(verify_profile_binding(&provider(), &ci, &authenticated, &binding, None))
    };
    assert_eq!(bind(&auth, DP_PB).unwrap().role(), &Role::DpPb);
    let flaw = |flaw| Err(ServerChainError::Certificate(flaw));
    assert_eq!(bind(&auth2, DP_PB), flaw(Flaw::OtherServer));
    assert_eq!(bind(&ds_auth, DP_PB), flaw(Flaw::OtherServer));
    assert_eq!(bind(&auth, DP_AUTH), flaw(Flaw::Role));
    assert_eq!(bind(&auth, "sgp26-certs/DPpb/CERT_S_SM_DPpb_ECDSA_BRP.der"), flaw(Flaw::UnsupportedCurve));
    assert_eq!(bind(&auth, "negative-certs/DPpb_bad_signature.der"), flaw(Flaw::Signature));
    let other = bind(&auth, "negative-certs/DPpb_other_OID_2.999.99.der");
    assert_eq!(other, flaw(Flaw::OtherServer));
    assert_eq!(other.unwrap_err().download_error_code().0, 1);
}

#[test]
fn euicc_of_sgp26() {
    for eum in [EUM, "sgp26-certs/EUM/CERT_EUM_ECDSA_NIST.der"] {
        let Some(verified) = euicc(eum, EUICC, NOW) else { return };
        let verified = verified.unwrap();
        assert_eq!(verified.eid().to_string(), "89049032123451234512345678901235");
        assert_eq!(Some(verified.public_key()), read(EUICC).unwrap().public_key());
    }
    // notAfter is a GeneralizedTime, 7500-05-10 09:54:58.
    assert_eq!(read(EUICC).unwrap().validity().1, 174_521_123_698);
}

/// RFC 5280 §6.1.3 (a)(4): the key is not all, CERT.EUICC names its issuer. SGP.26's EUM of 2017
/// has the key of the later ones and is of another country.
#[test]
fn an_euicc_names_its_manufacturer() {
    let Some(result) = euicc("sgp26-certs/EUM/CERT_EUM_2017_NIST.der", EUICC, NOW) else { return };
    let error = result.unwrap_err();
    assert_eq!(error, EuiccChainError::Euicc(Flaw::Issuer));
    assert_eq!(error.status_code(), Some(StatusCode::EUICC_CERTIFICATE_INVALID));
}

/// What OpenSSL prints as issuer and subject, certificate by certificate: who names whom.
#[test]
fn published_certificates_name_their_issuers() {
    let nist_2020 = read(CI);
    let nist_2017 = read("sgp26-certs/CertificateIssuer/CERT_CI_2017_NIST.der");
    let brainpool = read("sgp26-certs/CertificateIssuer/CERT_CI_ECDSA_BRP.der");
    let eum = read(EUM);
    let (Some(nist_2020), Some(nist_2017), Some(brainpool), Some(eum)) =
        (nist_2020, nist_2017, brainpool, eum)
    else {
        return;
    };
    for line in FACTS.lines().filter(|line| !line.is_empty()) {
        let name = line.split(' ').next().unwrap();
        let certificate = read(&format!("{name}.der")).unwrap();
        let names = |other| certificate.names_as_issuer(other);
        let is_2017 = name.contains("2017");
        let is_euicc = name.contains("EUICC") && !name.contains("directly");
        assert_eq!(names(&eum), is_euicc, "{name}");
        assert_eq!(names(&nist_2017), is_2017, "{name}");
        // Both issuers of 2020 have one name.
        assert_eq!(names(&nist_2020), !is_2017 && !is_euicc, "{name}");
        assert_eq!(names(&brainpool), !is_2017 && !is_euicc, "{name}");
    }
}

#[test]
fn servers_with_one_fault() {
    let Some(ci) = ci() else { return };
    for (file, flaw, code) in [
        ("DPauth_bad_signature", Flaw::Signature, 1),
        ("DPauth_policy_is_DPpb", Flaw::Role, 5),
        ("DPauth_curve_P384", Flaw::UnsupportedCurve, 3),
    ] {
        let Some(certificate) = read(&format!("negative-certs/{file}.der")) else { return };
        let error = authenticate(&ci, &certificate, None).unwrap_err();
        assert_eq!(error, ServerChainError::Certificate(flaw), "{file}");
        assert_eq!(error.authenticate_error_code().0, code, "{file}");
    }
    let expired = read("negative-certs/DPauth_expired.der").unwrap();
    assert!(authenticate(&ci, &expired, None).is_ok(), "an eUICC has no clock");
    let expected = Err(ServerChainError::Certificate(Flaw::Expired));
    assert_eq!(authenticate(&ci, &expired, Some(NOW)), expected);
}

#[test]
fn servers_of_another_ci() {
    let Some(ci) = ci() else { return };
    let brainpool = read("sgp26-certs/DPauth/CERT_S_SM_DPauth_ECDSA_BRP.der").unwrap();
    let error = authenticate(&ci, &brainpool, None).unwrap_err();
    assert_eq!(error, ServerChainError::Certificate(Flaw::UnsupportedCurve));
    let other_id = CiKey::new("C0BC70BA36929D43B467FF57570530E57AB8FCD8".parse().unwrap(), *ci.public_key());
    let error = authenticate(&other_id, &read(DP_AUTH).unwrap(), None).unwrap_err();
    assert_eq!(error, ServerChainError::Certificate(Flaw::Issuer));
    let other_key = CiKey::new(ci.id().clone(), *read(DP_PB).unwrap().public_key().unwrap());
    let error = authenticate(&other_key, &read(DP_AUTH).unwrap(), None).unwrap_err();
    assert_eq!(error, ServerChainError::Certificate(Flaw::Signature));
}

#[test]
fn euiccs_with_one_fault() {
    for (file, flaw) in [
        ("EUICC_bad_signature", Flaw::Signature),
        ("EUICC_eid_outside_name_constraint", Flaw::NameConstraint),
        ("EUICC_policy_is_EUM", Flaw::Role),
        ("EUICC_issued_by_CI_directly", Flaw::Issuer),
    ] {
        let Some(result) = euicc(EUM, &format!("negative-certs/{file}.der"), NOW) else { return };
        let error = result.unwrap_err();
        assert_eq!(error, EuiccChainError::Euicc(flaw), "{file}");
        assert_eq!(error.status_code(), Some(StatusCode::EUICC_CERTIFICATE_INVALID));
    }
}

#[test]
fn manufacturers_with_one_fault() {
    // An eUICC as its own manufacturer, and a server as one.
    assert_eq!(
        euicc(EUICC, EUICC, NOW).map(Result::unwrap_err),
        read(CI).map(|_| EuiccChainError::UnknownCi)
    );
    let Some(result) = euicc(DP_AUTH, EUICC, NOW) else { return };
    let error = result.unwrap_err();
    assert_eq!(error, EuiccChainError::Eum(Flaw::Role));
    assert_eq!(error.status_code(), Some(StatusCode::EUM_CERTIFICATE_INVALID));
    let early = euicc(EUM, EUICC, read(EUM).unwrap().validity().0 - 1).unwrap().unwrap_err();
    assert_eq!(early, EuiccChainError::Eum(Flaw::Expired));
    assert_eq!(early.status_code(), Some(StatusCode::EUM_CERTIFICATE_EXPIRED));
}

/// CERT.DPauth with some bytes replaced by others of the same number.
fn changed(from: &[u8], to: &[u8]) -> Option<Result<Certificate, InvalidCertificate>> {
    changed_in(DP_AUTH, from, to)
}

fn changed_in(file: &str, from: &[u8], to: &[u8]) -> Option<Result<Certificate, InvalidCertificate>> {
    let der = vectors::read(&format!("data/{file}"))?;
    let at = der.windows(from.len()).position(|window| window == from).unwrap();
    let changed = [&der[..at], to, &der[at + from.len()..]].concat();
    assert_eq!((from.len(), changed.len()), (to.len(), der.len()));
    Some(Certificate::from_der(&changed))
}

#[test]
fn malformed_certificates_name_the_part() {
    let version_1 = [0xA0, 3, 2, 1, 0];
    let rsa = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01];
    for (from, to, part) in [
        (&[0xA0, 3, 2, 1, 2][..], &version_1[..], "version"),
        (&[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02], &rsa, "signature algorithm"),
        // subjectKeyIdentifier becomes a second authorityKeyIdentifier.
        (&[0x55, 0x1D, 14], &[0x55, 0x1D, 35], "extension that stands twice"),
        (b"200401083130Z", b"201301083130Z", "validity"),
        (b"200401083130Z", b"200230083130Z", "validity"),
        (b"200401083130Z", b"200400083130Z", "validity"),
        (b"200401083130Z", b"200401243130Z", "validity"),
        (b"200401083130Z", b"20040108+130Z", "validity"),
        (b"200401083130Z", b"2004010831300", "validity"),
        // A compressed point, and one with unused bits.
        (&[0x03, 0x42, 0x00, 0x04], &[0x03, 0x42, 0x00, 0x02], "public key"),
        (&[0x03, 0x42, 0x00, 0x04], &[0x03, 0x42, 0x01, 0x04], "public key"),
        (&[0x88, 0x03, 0x88, 0x37, 0x0A], &[0x88, 0x03, 0x88, 0x37, 0x8A], "subjectAltName"),
        // digitalSignature, with a bit set behind the last, with zeros behind it, and
        // with an unused bit in nothing (X.690 §8.6.2.3, §11.2.1, §11.2.2).
        (&[0x03, 0x02, 0x07, 0x80], &[0x03, 0x02, 0x07, 0x81], "keyUsage"),
        (&[0x03, 0x02, 0x07, 0x80], &[0x03, 0x02, 0x06, 0x80], "keyUsage"),
        (&[0x03, 0x02, 0x07, 0x80], &[0x03, 0x02, 0x00, 0x80], "keyUsage"),
        (&[0x03, 0x02, 0x07, 0x80], &[0x03, 0x02, 0x07, 0x00], "keyUsage"),
        (&[0x03, 0x02, 0x07, 0x80], &[0x03, 0x02, 0x08, 0x80], "keyUsage"),
        (&[0x03, 0x02, 0x07, 0x80], &[0x04, 0x02, 0x07, 0x80], "keyUsage"),
        // The signature.
        (&[0x03, 0x47, 0x00, 0x30], &[0x03, 0x47, 0x01, 0x30], "signature"),
    ] {
        let Some(result) = changed(from, to) else { return };
        assert_eq!(result, Err(InvalidCertificate { part }), "{to:02X?}");
    }
}

#[test]
fn unknown_extensions_matter_when_they_are_critical() {
    // certificatePolicies, critical, becomes 2.5.29.127.
    let Some(certificate) = changed(&[0x55, 0x1D, 32], &[0x55, 0x1D, 127]) else { return };
    let certificate = certificate.unwrap();
    assert!(certificate.has_unknown_critical_extension() && certificate.role().is_none());
    // subjectAltName is not critical.
    let certificate = changed(&[0x55, 0x1D, 17], &[0x55, 0x1D, 127]).unwrap().unwrap();
    assert!(!certificate.has_unknown_critical_extension() && certificate.registered_id().is_none());
}

/// Identifiers under 2.999, which the X.509 library does not hold, are as good
/// as others in every list.
#[test]
fn identifiers_of_any_arcs() {
    // certificatePolicies, critical, becomes 2.999.32; subjectAltName, not critical, 2.999.17.
    let Some(certificate) = changed(&[0x55, 0x1D, 32], &[0x88, 0x37, 32]) else { return };
    let certificate = certificate.unwrap();
    assert!(certificate.has_unknown_critical_extension() && certificate.role().is_none());
    let certificate = changed(&[0x55, 0x1D, 17], &[0x88, 0x37, 17]).unwrap().unwrap();
    assert!(!certificate.has_unknown_critical_extension() && certificate.registered_id().is_none());
    assert_eq!(certificate.role(), Some(&Role::DpAuth));
    // subjectKeyIdentifier and authorityKeyIdentifier become the same one.
    let der = changed(&[0x55, 0x1D, 14], &[0x88, 0x37, 14]).unwrap().unwrap().der().to_vec();
    let at = der.windows(3).position(|window| window == [0x55, 0x1D, 35]).unwrap();
    let twice = [&der[..at], &[0x88, 0x37, 14], &der[at + 3..]].concat();
    let error = InvalidCertificate { part: "extension that stands twice" };
    assert_eq!(Certificate::from_der(&twice), Err(error));
    let policy = [0x67, 0x81, 0x12, 0x01, 0x02, 0x01, 0x04];
    let other = changed(&policy, &[0x88, 0x37, 0x12, 0x01, 0x02, 0x01, 0x04]).unwrap().unwrap();
    assert_eq!(other.role(), Some(&Role::Other("2.999.18.1.2.1.4".parse().unwrap())));
    // id-kp-clientAuth stands beside id-kp-serverAuth.
    let purpose = [0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02];
    let unknown = [0x88, 0x37, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02];
    let tls = changed_in("sgp26-certs/DPtls/CERT_S_SM_DP_TLS_NIST.der", &purpose, &unknown).unwrap().unwrap();
    assert!(tls.authenticates_tls_servers());
}

/// Chains whose links are on several curves, each well signed by the one above.
#[test]
fn a_chain_is_on_one_curve() {
    let settings = |curve| Settings {
        curve,
        eid: "89049032000000000000000000000123".parse().unwrap(),
        smdp_address: "smdp.example.com".into(),
        smdp_oid: "2.999.10".parse().unwrap(),
        smds_oid: "2.999.15".parse().unwrap(),
        validity: Validity { not_before: NOW - 1, not_after: NOW + 1 },
    };
    for curve in Curve::ALL {
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        let pki = Pki::generate(&mut rng, &settings(curve)).unwrap();
        let ci = pki.ci_key().unwrap();
        assert_eq!(ci.public_key().curve(), curve);
        let verified = authenticate(&ci, pki.dp_auth.certificate(), Some(NOW)).unwrap();
        let binding = pki.dp_pb.certificate();
        ready(verify_profile_binding(&provider(), &ci, &verified, binding, Some(NOW))).unwrap();
        let euicc = |eum: &Certificate, euicc: &Certificate| {
            ready(verify_euicc_chain(&provider(), &ci, eum, euicc, NOW))
        };
        euicc(pki.eum.certificate(), pki.euicc.certificate()).unwrap();

        let other = if curve == Curve::P256 { Curve::BrainpoolP256r1 } else { Curve::P256 };
        let key = SigningKey::generate(other, &mut rng);
        let template = |role, shape, subject| Template {
            serial: vec![1],
            subject,
            validity: Validity { not_before: NOW - 1, not_after: NOW + 1 },
            role,
            shape,
            registered_id: "2.999.10".parse().ok(),
            revocation_lists: Vec::new(),
        };
        let server = template(Role::DpAuth, Shape::Server, vec![]).issue(&key.public_key(), &pki.ci).unwrap();
        let error = authenticate(&ci, &server, None).unwrap_err();
        assert_eq!(error, ServerChainError::Certificate(Flaw::UnsupportedCurve));
        assert_eq!((error.authenticate_error_code().0, error.download_error_code().0), (3, 3));

        let leaf = template(Role::Euicc, Shape::Euicc, vec![]).issue(&key.public_key(), &pki.eum).unwrap();
        let error = euicc(pki.eum.certificate(), &leaf).unwrap_err();
        assert_eq!(error, EuiccChainError::Euicc(Flaw::UnsupportedCurve));
        let shape =
            Shape::Manufacturer { organization: "RSP Test EUM".into(), eid_prefix: "89049032".into() };
        let eum = template(Role::Eum, shape, vec![]).issue(&key.public_key(), &pki.ci).unwrap();
        let error = euicc(&eum, pki.euicc.certificate()).unwrap_err();
        assert_eq!(error, EuiccChainError::Eum(Flaw::UnsupportedCurve));
        assert_eq!(error.status_code(), Some(StatusCode::EUM_CERTIFICATE_INVALID));
    }
}

/// An eUICC's certificate, and manufacturers of the same key under other names
/// (RFC 5280 §7.1).
#[test]
fn names_are_compared_as_rfc_5280_has_it() {
    use Attribute::{CommonName, Country, Organization};
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let settings = Settings {
        curve: Curve::P256,
        eid: "89049032000000000000000000000123".parse().unwrap(),
        smdp_address: "smdp.example.com".into(),
        smdp_oid: "2.999.10".parse().unwrap(),
        smds_oid: "2.999.15".parse().unwrap(),
        validity: Validity { not_before: NOW - 1, not_after: NOW + 1 },
    };
    let pki = Pki::generate(&mut rng, &settings).unwrap();
    let ci = pki.ci_key().unwrap();
    let template = |role, shape, subject: &[Attribute]| Template {
        serial: vec![1],
        subject: subject.to_vec(),
        validity: settings.validity,
        role,
        shape,
        registered_id: "2.999.5".parse().ok(),
        revocation_lists: Vec::new(),
    };
    let own = [Country("ES".into()), Organization("RSP Test EUM".into()), CommonName("EUM Test".into())];
    let eum = |subject: &[Attribute]| {
        let shape =
            Shape::Manufacturer { organization: "RSP Test EUM".into(), eid_prefix: "89049032".into() };
        let key = pki.eum.expose_key();
        let certificate = template(Role::Eum, shape, subject).issue(&key.public_key(), &pki.ci).unwrap();
        Identity::new(certificate, key.clone()).unwrap()
    };
    let subject = [Organization("RSP Test EUM".into()), Attribute::Eid(settings.eid)];
    let key = SigningKey::generate(Curve::P256, &mut rng).public_key();
    let leaf = template(Role::Euicc, Shape::Euicc, &subject).issue(&key, &eum(&own)).unwrap();
    let verify = |subject: &[Attribute]| {
        let eum = eum(subject);
        let verified = ready(verify_euicc_chain(&provider(), &ci, eum.certificate(), &leaf, NOW));
        verified.map(|verified| *verified.eid())
    };
    assert_eq!(verify(&own), Ok(settings.eid));
    let respelt =
        [Country("es".into()), Organization(" RSP  TEST Eum ".into()), CommonName("eum test".into())];
    assert_eq!(verify(&respelt), Ok(settings.eid));
    let [country, organization, name] = own.clone();
    for other in [
        vec![],
        vec![country.clone(), organization.clone()],
        vec![country.clone(), organization.clone(), name.clone(), name.clone()],
        vec![organization.clone(), country.clone(), name.clone()],
        vec![Country("DE".into()), organization.clone(), name],
        vec![country.clone(), organization.clone(), CommonName("EUMTest".into())],
        vec![country, organization, Attribute::OrganizationalUnit("EUM Test".into())],
    ] {
        assert_eq!(verify(&other), Err(EuiccChainError::Euicc(Flaw::Issuer)), "{other:?}");
    }
    // Another string type: UTF8String and PrintableString. T61String is of other characters.
    let eum = eum(&own);
    let typed = |tag: u8| {
        let mut der = leaf.der().to_vec();
        let at = der.windows(8).position(|window| window == b"EUM Test").unwrap();
        assert_eq!(der[at - 2..at], [0x0C, 8]);
        der[at - 2] = tag;
        Certificate::from_der(&der).unwrap().names_as_issuer(eum.certificate())
    };
    assert!(typed(0x0C) && typed(0x13) && !typed(0x14));
}

/// No changed byte makes another certificate that is believed, and none panics.
#[test]
fn every_byte_of_a_certificate_is_protected() {
    let Some(ci) = ci() else { return };
    for file in [DP_AUTH, EUM] {
        let good = read(file).unwrap();
        let mut parsed = 0;
        for index in 0..good.der().len() {
            for change in [0x01, 0x20, 0x7F, 0x80, 0xFF] {
                let mut bad = good.der().to_vec();
                bad[index] ^= change;
                let Ok(certificate) = Certificate::from_der(&bad) else { continue };
                parsed += 1;
                let _ = (
                    certificate.eid(),
                    certificate.permits_subject_of(&good),
                    good.permits_subject_of(&certificate),
                );
                if let Some(signature) = certificate.signature() {
                    assert!(!software::verify(ci.public_key(), certificate.tbs(), signature), "byte {index}");
                }
                assert!(authenticate(&ci, &certificate, None).is_err(), "byte {index}");
            }
        }
        assert!(parsed > 500, "most changes are inside names and numbers");
        for length in 0..good.der().len() {
            assert!(Certificate::from_der(&good.der()[..length]).is_err());
        }
    }
}
