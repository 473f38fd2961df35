use base64::Engine as _;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;
use rsp_crypto::Curve;
use rsp_crypto::chain::CiKey;
use rsp_crypto::issue::{Pki, Settings, Validity};

use crate::chip::Other;
use crate::{EID, PkiWish, SMDP_OID, Subscription, Trust, TrustError, pki_files};

const SEED: [u8; 32] = [7; 32];
const NOW: u64 = 1_750_000_000;

#[test]
fn a_seed_makes_one_laboratory() {
    let provisioning = Subscription::provisioning(&SEED);
    let make = || {
        let trust = Trust::generate(SEED, "localhost:8787", NOW).unwrap();
        (trust.chip_identity(&provisioning), trust.smdp_credentials())
    };
    assert_eq!(make(), make());
    assert_eq!(make().0["eid"], EID);
    let other = Trust::generate([8; 32], "localhost:8787", NOW).unwrap();
    assert_ne!(other.smdp_credentials(), make().1);
}

#[test]
fn the_eid_checks_and_begins_as_the_manufacturer_s() {
    let eid: rsp::Eid = EID.parse().unwrap();
    assert!(eid.has_valid_check_digits());
    let pki = Trust::pki(SEED, "localhost", NOW).unwrap();
    assert!(pki.eum.certificate().permits_subject_of(pki.euicc.certificate()));
    assert!(CiKey::from_certificate(pki.ci.certificate()).is_some());
}

#[test]
fn every_subscription_makes_a_valid_profile() {
    let mut all = Subscription::operational(&SEED);
    all.push(Subscription::provisioning(&SEED));
    for subscription in &all {
        let package = saip::Package::decode(&subscription.package()).unwrap();
        assert_eq!(package.imsi().unwrap().as_str(), subscription.imsi);
        assert_eq!(subscription.network_record()["k"], subscription.operator_upload()["subscriber"]["k"]);
        let same =
            all.iter().filter(|other| other.imsi == subscription.imsi || other.iccid == subscription.iccid);
        assert_eq!(same.count(), 1);
    }
}

#[test]
fn the_published_test_pki_takes_its_place() {
    if vectors::read("data/sgp26-certs/README.md").is_none() {
        return;
    }
    let trust = Trust::sgp26(|name| vectors::read(&format!("data/sgp26-certs/{name}"))).unwrap();
    assert_eq!(trust.eid().to_string(), "89049032123451234512345678901235");
    assert!(Trust::sgp26(|_| None).is_err());
    // No eUICC of brainpool is published; servers are.
    let chip = trust.chip_identity(&Subscription::provisioning(&SEED));
    assert_eq!((chip["ciCertificates"].as_array().unwrap().len(), chip.get("identities")), (1, None));
    assert_eq!(trust.smdp_credentials()["sets"].as_array().unwrap().len(), 2);
}

/// A folder in which somebody has put an eUICC of brainpool beside that of NIST, as
/// a seed makes them: what is whole is taken, what is wrong is said.
#[test]
fn an_identity_of_either_curve_is_taken_where_it_is_whole() {
    let pki = [("NIST", Curve::P256), ("BRP", Curve::BrainpoolP256r1)].map(|(name, curve)| {
        let settings = Settings {
            curve,
            eid: EID.parse().unwrap(),
            smdp_address: "localhost".into(),
            smdp_oid: SMDP_OID.parse().unwrap(),
            smds_oid: "2.999.15".parse().unwrap(),
            validity: Validity { not_before: NOW, not_after: NOW + 1 },
        };
        (name, Pki::generate(&mut ChaCha20Rng::from_seed(SEED), &settings).unwrap())
    });
    let read = |path: &str| {
        let (_, pki) = pki.iter().find(|(name, _)| path.contains(name))?;
        let parts = [
            ("CI_", &pki.ci),
            ("EUM_", &pki.eum),
            ("EUICC_", &pki.euicc),
            ("DPauth_", &pki.dp_auth),
            ("DPpb_", &pki.dp_pb),
        ];
        let (_, identity) = parts.into_iter().find(|(part, _)| path.contains(part))?;
        Some(if path.ends_with(".pem") {
            identity.expose_key().expose_pkcs8_pem().unwrap().as_bytes().to_vec()
        } else {
            identity.certificate().der().to_vec()
        })
    };
    let provisioning = Subscription::provisioning(&SEED);
    let counts = |missing: &str| {
        let trust = Trust::sgp26(|path| if path == missing { None } else { read(path) })?;
        let chip = trust.chip_identity(&provisioning);
        let others = chip.get("identities").and_then(|others| Some(others.as_array()?.len())).unwrap_or(0);
        let cis = chip["ciCertificates"].as_array().unwrap().len();
        Ok::<_, TrustError>((cis, 1 + others, trust.smdp_credentials()["sets"].as_array().unwrap().len()))
    };
    assert_eq!(counts("").unwrap(), (2, 2, 2));
    assert_eq!(counts("eUICC/SK_EUICC_ECDSA_BRP.pem").unwrap(), (1, 1, 2));
    assert_eq!(counts("DPpb/CERT_S_SM_DPpb_ECDSA_BRP.der").unwrap(), (2, 2, 1));
    assert_eq!(counts("CertificateIssuer/CERT_CI_ECDSA_BRP.der").unwrap(), (1, 1, 1));
    let name = "EUM/CERT_EUM_ECDSA_NIST.der";
    assert!(matches!(counts(name), Err(TrustError::Missing(missing)) if missing == name));
    let wrong = |path: &str| read(if path.ends_with("EUICC_ECDSA_BRP.pem") { name } else { path });
    assert!(matches!(Trust::sgp26(wrong), Err(TrustError::File(_))));
}

#[test]
fn a_laboratory_of_two_curves() {
    let both = [Curve::BrainpoolP256r1, Curve::P256];
    let trust = Trust::generate_on(&both, SEED, "localhost", NOW).unwrap();
    let alone = Trust::generate(SEED, "localhost", NOW).unwrap();
    let sets = trust.smdp_credentials();
    assert_eq!(sets["sets"][1], alone.smdp_credentials()["sets"][0]);
    let chip = trust.chip_identity(&Subscription::provisioning(&SEED));
    let second = alone.chip_identity(&Subscription::provisioning(&SEED));
    assert_eq!(chip["identities"][0]["euiccCertificate"], second["euiccCertificate"]);
    assert_ne!(chip["euiccCertificate"], second["euiccCertificate"]);
    assert!(Trust::generate_on(&[], SEED, "localhost", NOW).is_err());
}

/// What `cargo xtask pki` writes is what `--sgp26` reads.
#[test]
fn a_pki_as_files_is_loaded_like_that_of_sgp_26() {
    let eid = "89049032000000000000000000000017";
    let wish = |curves: &[Curve]| PkiWish {
        curves: curves.to_vec(),
        eid: Some(eid.parse().unwrap()),
        smdp_address: "smdp.operator.example".into(),
        validity: Validity { not_before: NOW, not_after: NOW + 86_400 },
    };
    for curves in [&Curve::ALL[..], &[Curve::P256], &[Curve::BrainpoolP256r1]] {
        let files = pki_files(SEED, &wish(curves)).unwrap();
        let read =
            |name: &str| files.iter().find(|file| file.name == name).map(|file| file.contents.to_vec());
        let trust = Trust::sgp26(read).unwrap();
        assert_eq!(trust.eid().to_string(), eid);
        let credentials = trust.smdp_credentials();
        assert_eq!(credentials["sets"].as_array().unwrap().len(), curves.len());
        let chip = trust.chip_identity(&Subscription::provisioning(&SEED));
        assert_eq!(chip["ciCertificates"].as_array().unwrap().len(), curves.len());
        for (at, name) in ["SMDP_CREDENTIALS.json", "SMDP_CREDENTIALS_2.json"].iter().enumerate() {
            let Some(text) = read(name) else {
                assert_eq!(at, curves.len());
                break;
            };
            // What a secret of the platform holds.
            assert!(text.len() <= 5000, "{}", text.len());
            let written: serde_json::Value = serde_json::from_slice(&text).unwrap();
            assert_eq!(written["sets"][0], credentials["sets"][at]);
            assert_eq!(written["oid"], credentials["oid"]);
        }
        // Seven pairs for each curve, two of LPAs, and what the server is told.
        assert_eq!(files.len(), curves.len() * (14 + 1) + 4 + 1);
        for file in &files {
            let holds_key = file.name.contains("SK_") || file.name.ends_with(".json");
            assert_eq!(file.is_secret, holds_key, "{}", file.name);
        }
        let ca = rsp_crypto::Certificate::from_der(&read("LPA/CERT_LPA_CA.der").unwrap()).unwrap();
        let lpa = rsp_crypto::Certificate::from_der(&read("LPA/CERT_LPA.der").unwrap()).unwrap();
        assert!(ca.signs_certificates() && !lpa.is_ca() && lpa.signs_data());
        assert!(rsp_crypto::software::verify(ca.public_key().unwrap(), lpa.tbs(), lpa.signature().unwrap()));
    }
    assert!(pki_files(SEED, &wish(&[])).is_err());
    // The names are those of the published ones.
    for file in pki_files(SEED, &wish(&[Curve::P256])).unwrap() {
        let sgp26 = !file.name.starts_with("LPA") && file.name.contains('/');
        if sgp26 && vectors::read("data/sgp26-certs/README.md").is_some() {
            let published = vectors::read(&format!("data/sgp26-certs/{}", file.name));
            assert!(published.is_some(), "{}", file.name);
        }
    }
}

#[test]
fn the_watch_has_an_eid_of_its_own_from_the_same_manufacturer() {
    let eid: rsp::Eid = crate::chip::WATCH_EID.parse().unwrap();
    assert!(eid.has_valid_check_digits());
    let trust = Trust::generate(SEED, "localhost", NOW).unwrap();
    let own = trust.chip_identity(&Subscription::provisioning(&SEED));
    let watch = Other::Watch.identity(&trust, &SEED, NOW).unwrap();
    assert_eq!(watch["eid"], crate::chip::WATCH_EID);
    for same in ["eumCertificate", "ciCertificates"] {
        assert_eq!(watch[same], own[same]);
    }
    for other in ["euiccPrivateKey", "euiccCertificate"] {
        assert_ne!(watch[other], own[other]);
    }
    let certificate = |chip: &serde_json::Value, name: &str| {
        let der = base64::engine::general_purpose::STANDARD.decode(chip[name].as_str().unwrap()).unwrap();
        rsp_crypto::Certificate::from_der(&der).unwrap()
    };
    let euicc = certificate(&watch, "euiccCertificate");
    assert!(certificate(&watch, "eumCertificate").permits_subject_of(&euicc));
    assert_eq!(euicc.eid(), Some(eid));
    assert_eq!(watch["preloaded"].as_array().unwrap().len(), 0);
}

#[test]
fn every_other_chip_is_the_usual_one_but_for_what_its_name_says() {
    let trust = Trust::generate(SEED, "localhost", NOW).unwrap();
    let own = trust.chip_identity(&Subscription::provisioning(&SEED));
    for (other, changed) in [
        (Other::SmallMemory, &["memory"][..]),
        (Other::OtherCi, &["ciCertificates", "euiccCertificate", "euiccPrivateKey", "eumCertificate"]),
        (Other::Expired, &["euiccCertificate"]),
        (Other::NoBootstrap, &["preloaded"]),
        (Other::OddAid, &["isdRAid"]),
    ] {
        let chip = other.identity(&trust, &SEED, NOW).unwrap();
        let names = chip.as_object().unwrap().iter().filter(|(name, value)| own[*name] != **value);
        let names: Vec<_> = names.map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, changed, "{}", other.word());
        assert_eq!(chip, other.identity(&trust, &SEED, NOW).unwrap());
    }
}

#[test]
fn the_published_manufacturer_makes_a_second_chip_too() {
    if vectors::read("data/sgp26-certs/README.md").is_none() {
        return;
    }
    let trust = Trust::sgp26(|name| vectors::read(&format!("data/sgp26-certs/{name}"))).unwrap();
    let watch = Other::Watch.identity(&trust, &SEED, NOW).unwrap();
    assert_eq!(watch["eid"], crate::chip::WATCH_EID);
}
