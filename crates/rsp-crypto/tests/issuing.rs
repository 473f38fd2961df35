//! Issuing: SGP.26's own certificates made again, and the project's test PKI
//! under the same chain rules, and under those of OpenSSL.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests, and what they share")]

use std::path::{Path, PathBuf};
use std::process::Command;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rsp::Eid;
use rsp_crypto::chain::{
    CiKey, EuiccChainError, Flaw, ServerChainError, verify_euicc_chain, verify_profile_binding,
    verify_server_chain,
};
use rsp_crypto::issue::{Attribute, Identity, LpaPki, Pki, PkiError, Settings, Shape, Template, Validity};
use rsp_crypto::software::SigningKey;
use rsp_crypto::{Certificate, Curve, Role, Software, ready, software};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

/// 2026-11-22.
const NOW: u64 = 1_795_305_600;
const YEARS: Validity = Validity { not_before: NOW - 86_400, not_after: NOW + 30 * 365 * 86_400 };

fn provider() -> Software<ChaCha8Rng> {
    Software::new(ChaCha8Rng::seed_from_u64(1))
}

fn eid(text: &str) -> Eid {
    text.parse().unwrap()
}

fn pki(seed: u64) -> Pki {
    pki_on(Curve::P256, seed)
}

fn pki_on(curve: Curve, seed: u64) -> Pki {
    let settings = Settings {
        curve,
        eid: eid("89049032000000000000000000000123"),
        smdp_address: "smdp.example.com".into(),
        smdp_oid: "2.999.10".parse().unwrap(),
        smds_oid: "2.999.15".parse().unwrap(),
        validity: YEARS,
    };
    Pki::generate(&mut ChaCha8Rng::seed_from_u64(seed), &settings).unwrap()
}

fn published(folder: &str, certificate: &str) -> Option<Certificate> {
    let file = format!("data/sgp26-certs/{folder}/{certificate}");
    Some(Certificate::from_der(&vectors::read(&file)?).unwrap())
}

/// The keys of SGP.26 are those of its certificates, on either curve.
#[test]
fn keys_of_sgp26() {
    for (folder, name) in [("DPauth", "DPauth"), ("DPauth", "DP2auth"), ("DPpb", "DPpb"), ("DPpb", "DP2pb")] {
        for (curve, suffix) in [(Curve::P256, "NIST"), (Curve::BrainpoolP256r1, "BRP")] {
            let certificate = format!("CERT_S_SM_{name}_ECDSA_{suffix}.der");
            let key = format!("SK_S_SM_{name}_ECDSA_{suffix}.pem");
            let Some(identity) = issuer(folder, &certificate, &key) else { return };
            assert_eq!(identity.expose_key().curve(), curve, "{key}");
        }
    }
}

fn issuer(folder: &str, certificate: &str, key: &str) -> Option<Identity> {
    let pem = String::from_utf8(vectors::read(&format!("data/sgp26-certs/{folder}/{key}"))?).unwrap();
    Some(Identity::new(published(folder, certificate)?, SigningKey::from_pem(&pem).unwrap()).unwrap())
}

/// `tbsCertificate` of every published certificate comes out byte for byte.
#[test]
fn certificates_of_sgp26_are_made_again() {
    let Some(ci) = issuer("CertificateIssuer", "CERT_CI_ECDSA_NIST.der", "SK_CI_ECDSA_NIST.pem") else {
        return;
    };
    let Some(eum) = issuer("EUM", "CERT_EUM_2024_NIST.der", "SK_EUM_ECDSA_NIST.pem") else { return };
    let country = |text: &str| Attribute::Country(text.into());
    let organization = |text: &str| Attribute::Organization(text.into());
    let name = |text: &str| Attribute::CommonName(text.into());
    let lists = |suffixes: &[&str]| {
        suffixes
            .iter()
            .map(|suffix| format!("http://ci.test.example.com/CRL-{suffix}.crl"))
            .collect::<Vec<_>>()
    };
    let template =
        |certificate: &Certificate, serial: &str, role, shape, subject, rid: &str, crl: &[&str]| Template {
            serial: vectors::bytes(serial),
            subject,
            validity: Validity { not_before: certificate.validity().0, not_after: certificate.validity().1 },
            role,
            shape,
            registered_id: rid.parse().ok(),
            revocation_lists: lists(crl),
        };

    let published_ci = ci.certificate();
    let subject = vec![
        name("Test CI"),
        Attribute::OrganizationalUnit("TESTCERT".into()),
        organization("RSPTEST"),
        country("IT"),
    ];
    let again =
        template(published_ci, "B874F3ABFA6C44D3", Role::Ci, Shape::Issuer, subject, "2.999.1", &["A", "B"]);
    assert_eq!(again.self_sign(ci.expose_key()).unwrap().tbs(), published_ci.tbs());

    let manufacturer =
        Shape::Manufacturer { organization: "RSP Test EUM".into(), eid_prefix: "89049032".into() };
    let eum_subject = vec![country("ES"), organization("RSP Test EUM"), name("EUM Test")];
    let euicc_subject = vec![
        country("ES"),
        organization("RSP Test EUM"),
        Attribute::Eid(eid("89049032123451234512345678901235")),
        name("Test eUICC"),
    ];
    let host = "testsmdpplus1.example.com";
    let server_subject = |common_name| vec![organization("ACME"), name(common_name)];
    let euicc_serial = "0089049032123451234512345678901235";
    let tls_serial = serial_of(&published("DPtls", "CERT_S_SM_DP_TLS_NIST.der").unwrap());
    let server = Shape::Server;
    let tls = Shape::Tls { host: host.into() };
    let (file, crl): (_, &[&str]) = ("CERT_S_SM_DPauth_ECDSA_NIST.der", &["A", "B"]);
    for (issuer, folder, file, serial, role, shape, subject, rid, crl) in [
        (
            &ci,
            "EUM",
            "CERT_EUM_2024_NIST.der",
            "0101",
            Role::Eum,
            manufacturer,
            eum_subject,
            "2.999.5",
            &["2"][..],
        ),
        (
            &eum,
            "eUICC",
            "CERT_EUICC_ECDSA_NIST.der",
            euicc_serial,
            Role::Euicc,
            Shape::Euicc,
            euicc_subject,
            "",
            &[],
        ),
        (
            &ci,
            "DPauth",
            file,
            "0100",
            Role::DpAuth,
            server.clone(),
            server_subject("TEST SM-DP+"),
            "2.999.10",
            crl,
        ),
        (
            &ci,
            "DPpb",
            "CERT_S_SM_DPpb_ECDSA_NIST.der",
            "0101",
            Role::DpPb,
            server,
            server_subject("TEST SM-DP+"),
            "2.999.10",
            crl,
        ),
        (
            &ci,
            "DPtls",
            "CERT_S_SM_DP_TLS_NIST.der",
            tls_serial.as_str(),
            Role::DpTls,
            tls,
            server_subject(host),
            "2.999.10",
            crl,
        ),
    ] {
        let certificate = published(folder, file).unwrap();
        let again = template(&certificate, serial, role, shape, subject, rid, crl)
            .issue(certificate.public_key().unwrap(), issuer)
            .unwrap();
        assert_eq!(hex::encode(again.tbs()), hex::encode(certificate.tbs()), "{file}");
        let issuer_key = issuer.certificate().public_key().unwrap();
        assert!(software::verify(issuer_key, again.tbs(), again.signature().unwrap()));
    }
}

fn serial_of(certificate: &Certificate) -> String {
    let tbs = tlv::Tlv::single(certificate.tbs()).unwrap();
    hex::encode(tbs.fields().required(tlv::Tag::INTEGER).unwrap().value)
}

#[test]
fn the_test_pki_keeps_the_chain_rules() {
    let pki = pki(1);
    let ci = pki.ci_key().unwrap();
    let euicc = |identity: &Identity, now| {
        ready(verify_euicc_chain(&provider(), &ci, pki.eum.certificate(), identity.certificate(), now))
    };
    let verified = euicc(&pki.euicc, NOW).unwrap();
    assert_eq!(verified.eid().to_string(), "89049032000000000000000000000123");
    let expired = EuiccChainError::Eum(Flaw::Expired);
    assert_eq!(euicc(&pki.euicc, YEARS.not_after + 1).unwrap_err(), expired);

    let server = |identity: &Identity, role| {
        ready(verify_server_chain(&provider(), &ci, identity.certificate(), &[role], Some(NOW)))
    };
    let authenticated = server(&pki.dp_auth, Role::DpAuth).unwrap();
    assert_eq!(authenticated.oid().to_string(), "2.999.10");
    let pb = pki.dp_pb.certificate();
    ready(verify_profile_binding(&provider(), &ci, &authenticated, pb, Some(NOW))).unwrap();
    assert_eq!(server(&pki.ds_auth, Role::DsAuth).unwrap().oid().to_string(), "2.999.15");
    server(&pki.dp_tls, Role::DpTls).unwrap();
    assert_eq!(pki.dp_tls.certificate().dns_names(), ["smdp.example.com"]);

    // What any of them signs, its verified key verifies.
    let message = b"euiccSigned1";
    let signature = pki.euicc.expose_key().sign(message);
    assert!(ready(verified.signed(&provider(), message, &signature)).unwrap());
    assert!(!ready(authenticated.signed(&provider(), message, &signature)).unwrap());
}

#[test]
fn more_euiccs_and_what_the_manufacturer_may_not() {
    let pki = pki(1);
    let ci = pki.ci_key().unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let mut verify = |text: &str, validity| {
        let other = pki.issue_euicc(&mut rng, eid(text), validity).unwrap();
        ready(verify_euicc_chain(&provider(), &ci, pki.eum.certificate(), other.certificate(), NOW))
    };
    assert_eq!(verify("89049032999999999999999999999999", YEARS).unwrap().eid().as_bytes()[4], 0x99);
    let foreign = verify("89044045118427484800000000011000", YEARS);
    assert_eq!(foreign.unwrap_err(), EuiccChainError::Euicc(Flaw::NameConstraint));
    let past = Validity { not_before: 0, not_after: NOW - 1 };
    let expired = verify("89049032999999999999999999999999", past);
    assert_eq!(expired.unwrap_err(), EuiccChainError::Euicc(Flaw::Expired));
    let beyond = Validity { not_before: 0, not_after: u64::MAX };
    assert!(pki.issue_euicc(&mut rng, eid("89049032999999999999999999999999"), beyond).is_err());
}

#[test]
fn certificates_with_chosen_faults() {
    let (pki, stranger) = (pki(1), pki(2));
    let ci = pki.ci_key().unwrap();
    let good = Template {
        serial: vec![1],
        subject: vec![Attribute::CommonName("TEST SM-DP+".into())],
        validity: YEARS,
        role: Role::DpAuth,
        shape: Shape::Server,
        registered_id: "2.999.10".parse().ok(),
        revocation_lists: Vec::new(),
    };
    let manufacturer = Shape::Manufacturer { organization: "ACME".into(), eid_prefix: "89".into() };
    let past = Validity { not_before: 0, not_after: NOW - 1 };
    let unknown_role = Role::Other("2.23.146.1.2.1.0.0.1.1".parse().unwrap());
    for (flaw, template, issuer) in [
        (None, good.clone(), &pki.ci),
        (Some(Flaw::Role), Template { role: Role::DpPb, ..good.clone() }, &pki.ci),
        (Some(Flaw::Role), Template { role: unknown_role, ..good.clone() }, &pki.ci),
        (Some(Flaw::Extension), Template { registered_id: None, ..good.clone() }, &pki.ci),
        (Some(Flaw::Extension), Template { shape: manufacturer, ..good.clone() }, &pki.ci),
        (Some(Flaw::KeyUsage), Template { shape: Shape::Server, role: Role::DpTls, ..good.clone() }, &pki.ci),
        (Some(Flaw::Expired), Template { validity: past, ..good.clone() }, &pki.ci),
        (Some(Flaw::Issuer), good.clone(), &stranger.ci),
        (Some(Flaw::Issuer), good, &pki.eum),
    ] {
        let roles = [Role::DpAuth, Role::DpTls];
        let key = pki.dp_auth.certificate().public_key().unwrap();
        let certificate = template.issue(key, issuer).unwrap();
        let result = ready(verify_server_chain(&provider(), &ci, &certificate, &roles, Some(NOW)));
        assert_eq!(result.err(), flaw.map(ServerChainError::Certificate));
    }
}

/// Times come out of a certificate as they were put in: each end of a month in
/// leap years and others, around the change from two digits of the year to four.
#[test]
fn times_are_kept() {
    let pki = pki(1);
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let mut check = |not_before, not_after| {
        let validity = Validity { not_before, not_after };
        let euicc = pki.issue_euicc(&mut rng, eid("89049032999999999999999999999999"), validity).unwrap();
        assert_eq!(euicc.certificate().validity(), (not_before, not_after));
    };
    for month in 0..12 * 140 {
        // About the ends of months, from 1970 to 2110: 2000 is a leap year, 2100 is none.
        let second = month * 2_629_746;
        check(second, second + 86_399);
    }
    check(951_782_400, 951_868_799); // 2000-02-29
    check(2_524_607_999, 2_524_608_000); // 2049-12-31 23:59:59, 2050-01-01
    check(0, 253_402_300_799); // 9999-12-31 23:59:59
}

#[test]
fn the_same_seed_makes_the_same_files_and_they_are_read_again() {
    let files = pki(7).expose_files().unwrap();
    let same = pki(7).expose_files().unwrap();
    let other = pki(8).expose_files().unwrap();
    assert_eq!(files.len(), 14);
    for ((file, same), other) in files.iter().zip(&same).zip(&other) {
        assert_eq!((&file.name, &*file.contents), (&same.name, &*same.contents));
        assert_ne!(*file.contents, *other.contents);
        assert_eq!(file.is_secret, file.name.starts_with("SK_"));
    }
    let read = |name: &str| Some(files.iter().find(|file| file.name == name)?.contents.to_vec());
    let again = Pki::from_files(read).unwrap();
    assert_eq!(again.dp_tls.certificate(), pki(7).dp_tls.certificate());
    let missing = Pki::from_files(|name| if name == "SK_DPpb.pem" { None } else { read(name) });
    assert_eq!(missing.err(), Some(PkiError::Missing("SK_DPpb.pem".into())));
    let swapped = Pki::from_files(|name| read(if name == "SK_DPpb.pem" { "SK_DPauth.pem" } else { name }));
    assert!(matches!(swapped.err(), Some(PkiError::Mismatch(_))));
    for curve in Curve::ALL {
        let files = pki_on(curve, 7).expose_files().unwrap();
        let read = |name: &str| Some(files.iter().find(|file| file.name == name)?.contents.to_vec());
        let key = Pki::from_files(read).unwrap().dp_pb.expose_key().clone();
        assert_eq!(
            (key.curve(), key.public_key()),
            (curve, pki_on(curve, 7).dp_pb.expose_key().public_key())
        );
        let der = key.expose_pkcs8_der().unwrap();
        assert_eq!(SigningKey::from_pkcs8_der(&der).unwrap().public_key(), key.public_key());
        assert_eq!(
            SigningKey::from_scalar(key.curve(), &key.expose_scalar()).unwrap().public_key(),
            key.public_key()
        );
    }
}

#[test]
fn keys_that_are_none() {
    for text in [
        "",
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN EC PRIVATE KEY-----\nAA==\n-----END EC PRIVATE KEY-----",
    ] {
        assert!(SigningKey::from_pem(text).is_none());
    }
    for curve in Curve::ALL {
        assert!(SigningKey::from_scalar(curve, &[0; 32]).is_none());
        assert!(SigningKey::from_scalar(curve, &[0xFF; 32]).is_none());
    }
    let Some(pem) = vectors::read("data/negative-certs/SK_DPauth_P384.pem") else { return };
    assert!(SigningKey::from_pem(std::str::from_utf8(&pem).unwrap()).is_none());
    assert!(CiKey::from_certificate(pki(1).eum.certificate()).is_none());
}

/// A folder of its own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("rsp-crypto-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, identity: &Identity) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, identity.certificate_pem().unwrap()).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg_attr(target_arch = "wasm32", ignore = "no programs run in a browser")]
#[test]
fn openssl_believes_the_test_pki() {
    if Command::new("openssl").arg("version").output().is_err() {
        eprintln!("skipped: not present: openssl");
        return;
    }
    for curve in Curve::ALL {
        openssl_believes(&pki_on(curve, 3));
    }
}

/// An LPA under its CA is a TLS client to OpenSSL, and nothing else.
#[cfg_attr(target_arch = "wasm32", ignore = "no programs run in a browser")]
#[test]
fn openssl_believes_a_certified_lpa() {
    if Command::new("openssl").arg("version").output().is_err() {
        eprintln!("skipped: not present: openssl");
        return;
    }
    for curve in Curve::ALL {
        let lpas = |seed| LpaPki::generate(&mut ChaCha8Rng::seed_from_u64(seed), curve, YEARS).unwrap();
        let (own, other) = (lpas(4), lpas(5));
        let folder = Folder::new("openssl-lpa");
        let (ca, stranger) = (folder.write("ca.pem", &own.ca), folder.write("other.pem", &other.ca));
        let lpa = folder.write("lpa.pem", &own.lpa);
        let believed = |purpose: &str, ca: &Path| {
            let mut command = Command::new("openssl");
            command.args(["verify", "-x509_strict", "-purpose", purpose, "-attime"]).arg(NOW.to_string());
            command.arg("-CAfile").arg(ca).arg(&lpa).output().unwrap().status.success()
        };
        assert!(believed("sslclient", &ca) && !believed("sslserver", &ca));
        assert!(!believed("sslclient", &stranger));
        assert!(own.ca.certificate().signs_certificates() && own.ca.certificate().role().is_none());
        assert!(own.lpa.certificate().signs_data() && own.lpa.certificate().role().is_none());
        let names: Vec<_> = own.expose_files().unwrap().into_iter().map(|file| file.name).collect();
        assert_eq!(names, ["CERT_LPA_CA.der", "SK_LPA_CA.pem", "CERT_LPA.der", "SK_LPA.pem"]);
    }
}

fn openssl_believes(pki: &Pki) {
    let folder = Folder::new("openssl");
    let ci = folder.write("ci.pem", &pki.ci);
    let eum = folder.write("eum.pem", &pki.eum);
    let verify = |purpose: &str, untrusted: Option<&Path>, certificate: &Path| {
        let mut command = Command::new("openssl");
        command.args(["verify", "-x509_strict", "-purpose", purpose, "-attime"]).arg(NOW.to_string());
        command.arg("-CAfile").arg(&ci);
        if let Some(untrusted) = untrusted {
            command.arg("-untrusted").arg(untrusted);
        }
        let output = command.arg(certificate).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&text).into_owned())
    };
    let tls = folder.write("tls.pem", &pki.dp_tls);
    for path in
        [&ci, &eum, &folder.write("auth.pem", &pki.dp_auth), &folder.write("pb.pem", &pki.dp_pb), &tls]
    {
        let (believed, text) = verify("any", None, path);
        assert!(believed, "{text}");
    }
    let (believed, text) = verify("sslserver", None, &tls);
    assert!(believed, "{text}");
    // OpenSSL applies the prefix rule of RFC 5280 to the constraint of the EUM,
    // which SGP.22 does not mean: that, and nothing else, is what it may find.
    let (believed, text) = verify("any", Some(&eum), &folder.write("euicc.pem", &pki.euicc));
    assert!(!believed && text.contains("permitted subtree violation"), "{text}");
}
