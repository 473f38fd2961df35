//! Revocation lists: those of OpenSSL, those made here, and ones with one fault each.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests, and what they share")]

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rsp_crypto::crl::{Crl, InvalidCrl, Part};
use rsp_crypto::issue::{Pki, RevocationList, Revoked, Settings, Validity};
use rsp_crypto::{Certificate, CiKey, Curve, Software, ready};
use vectors::bytes;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

// Made by OpenSSL 3.0.19: a CI certificate by `openssl req -x509` on each curve, and by
// `openssl ca -gencrl -crlexts …` its lists number 5 (or 6) of the serial numbers 07,
// B874F3ABFA6C44D3 and 4000000000000000000000000000000A, number 7 with an issuing
// distribution point, and number 8 as the changes since number 4.
const CI_P256: &str =
    "308201a330820148a003020102020101300a06082a8648ce3d04030230243110300e06035504030c07546573742043493110
     300e060355040a0c0752535054455354301e170d3236313132373037323833325a170d3336313132343037323833325a3024
     3110300e06035504030c07546573742043493110300e060355040a0c07525350544553543059301306072a8648ce3d020106
     082a8648ce3d030107034200040a5f44229df232fdaaa1b2ce5ec7039efb7026b60495e0cf3b99c45f6ce2986de0b2301847
     9badf73282b4d529077d6d7ed467c1087c868317a7f9b985906530a36b3069301d0603551d0e04160414293ff896dca8cf1f
     3b865a851a5dd0d9239c0861300f0603551d130101ff040530030101ff30170603551d200101ff040d300b30090607678112
     01020100300e0603551d0f0101ff040403020106300e0603551d11040730058803883701300a06082a8648ce3d0403020349
     003046022100d3df158b9a6ea7390c0a1274f7a9d7712bc19388b57e17581d1df48276f3bc2b02210087c1d8b73412114eed
     69fd75b249c79d341c4d26758bcded20c8d169a2752beb";
const CRL_P256: &str =
    "3082014e3081f5020101300a06082a8648ce3d04030230243110300e06035504030c07546573742043493110300e06035504
     0a0c0752535054455354170d3236313132373037323833325a170d3236313232373037323833325a306f3020020107170d32
     36303130333030303030305a300c300a0603551d1504030a0105301a020900b874f3abfa6c44d3170d323630313032303030
     3030305a302f02104000000000000000000000000000000a170d3236303130313030303030305a300c300a0603551d150403
     0a0101a02f302d301f0603551d23041830168014293ff896dca8cf1f3b865a851a5dd0d9239c0861300a0603551d14040302
     0105300a06082a8648ce3d0403020348003045022055cfcfe8277098f8602bbbac9bfe560816851d4843836d92cde15f49a2
     72fc78022100b7b7e82b3f2a7b21afd3f010401fd2c33f3b87936ebdc33271bee18bb28a0350";
const CI_BRAINPOOL: &str =
    "308201a330820149a003020102020101300a06082a8648ce3d04030230243110300e06035504030c07546573742043493110
     300e060355040a0c0752535054455354301e170d3236313132373037323833325a170d3336313132343037323833325a3024
     3110300e06035504030c07546573742043493110300e060355040a0c0752535054455354305a301406072a8648ce3d020106
     092b240303020801010703420004867cec814a4c97cda38b4bd83d56218663216563c7c5b56a36180102d7a3b48a8583f1a3
     5cd640f896c5ac38fa9881281d71da1129014e0a3be056cacafb24d5a36b3069301d0603551d0e041604145ea37b301db0a2
     a525f047a066517eeb934c52ae300f0603551d130101ff040530030101ff30170603551d200101ff040d300b300906076781
     1201020100300e0603551d0f0101ff040403020106300e0603551d11040730058803883701300a06082a8648ce3d04030203
     48003045022100a257d2d22b601fa9e26ee4107df72fd2baff7c462902128db164723a88d59ec302204bb21637b738722d37
     b46e7bea2a8a75d2f7b26245e3fc521a93ed4aea7aa057";
const CRL_BRAINPOOL: &str =
    "3082014e3081f5020101300a06082a8648ce3d04030230243110300e06035504030c07546573742043493110300e06035504
     0a0c0752535054455354170d3236313132373037323833325a170d3236313232373037323833325a306f3020020107170d32
     36303130333030303030305a300c300a0603551d1504030a0105301a020900b874f3abfa6c44d3170d323630313032303030
     3030305a302f02104000000000000000000000000000000a170d3236303130313030303030305a300c300a0603551d150403
     0a0101a02f302d301f0603551d230418301680145ea37b301db0a2a525f047a066517eeb934c52ae300a0603551d14040302
     0106300a06082a8648ce3d0403020348003045022100a217e2897b10ae685cb7f84b21d603aa08e4f0292560315c7142406a
     891ac64c022043632c94cf830303d3c6d11718ec5b1f0f150792f7ed9707ef36dd03681f59e9";
const CRL_OF_USERS: &str =
    "3082018930820130020101300a06082a8648ce3d04030230243110300e06035504030c07546573742043493110300e060355
     040a0c0752535054455354170d3236313132373037323833325a170d3236313232373037323833325a306f3020020107170d
     3236303130333030303030305a300c300a0603551d1504030a0105301a020900b874f3abfa6c44d3170d3236303130323030
     303030305a302f02104000000000000000000000000000000a170d3236303130313030303030305a300c300a0603551d1504
     030a0101a06a3068301f0603551d23041830168014293ff896dca8cf1f3b865a851a5dd0d9239c086130390603551d1c0101
     ff042f302da028a0268624687474703a2f2f63692e746573742e6578616d706c652e636f6d2f43524c2d412e63726c8101ff
     300a0603551d140403020107300a06082a8648ce3d040302034700304402205abdda52c6db127cc743b4486e54cf5834e58c
     efe7f692cc468b80d073a461ef02207223de5623f62543fac44bc3bf8cb59fcad243e52574fde6438ce0c018d894a9";
const CRL_OF_CHANGES: &str =
    "3082015e30820104020101300a06082a8648ce3d04030230243110300e06035504030c07546573742043493110300e060355
     040a0c0752535054455354170d3236313132373037323833325a170d3236313232373037323833325a306f3020020107170d
     3236303130333030303030305a300c300a0603551d1504030a0105301a020900b874f3abfa6c44d3170d3236303130323030
     303030305a302f02104000000000000000000000000000000a170d3236303130313030303030305a300c300a0603551d1504
     030a0101a03e303c301f0603551d23041830168014293ff896dca8cf1f3b865a851a5dd0d9239c0861300d0603551d1b0101
     ff0403020104300a0603551d140403020108300a06082a8648ce3d0403020348003045022028e5cacd4e1de656586ebf9716
     4782fc0fb55f26cb2f7359c681147458ef0db7022100cd8edfcc27504e245895e9e7a141db4aa2a9304c20bbba6f0b02bd11
     707eb9d1";

fn provider() -> Software<ChaCha8Rng> {
    Software::new(ChaCha8Rng::seed_from_u64(5))
}

fn ci(hex: &str) -> CiKey {
    CiKey::from_certificate(&Certificate::from_der(&bytes(hex)).unwrap()).unwrap()
}

fn is_by(crl: &Crl, ci: &CiKey) -> bool {
    ready(crl.is_by(&provider(), ci)).unwrap()
}

/// The number as the rest of the world reads it.
fn number(number: u32) -> [u8; 20] {
    let mut bytes = [0; 20];
    bytes[16..].copy_from_slice(&number.to_be_bytes());
    bytes
}

#[test]
fn lists_of_openssl() {
    let serials = ["07", "00B874F3ABFA6C44D3", "4000000000000000000000000000000A"].map(bytes);
    for (issuer, other, list, listed) in
        [(CI_P256, CI_BRAINPOOL, CRL_P256, 5), (CI_BRAINPOOL, CI_P256, CRL_BRAINPOOL, 6)]
    {
        let crl = Crl::from_der(&bytes(list)).unwrap();
        assert!(is_by(&crl, &ci(issuer)));
        assert!(!is_by(&crl, &ci(other)));
        assert_eq!(crl.issuer(), ci(issuer).id().as_bytes());
        assert_eq!(crl.number().as_bytes(), &number(listed));
        assert_eq!((crl.base(), crl.part(), crl.scope()), (None, None, None));
        // 2026-11-27 07:28:32, and 30 days later.
        assert_eq!(
            (crl.this_update(), crl.next_update()),
            (1_795_764_512, Some(1_795_764_512 + 30 * 86_400))
        );
        let found: Vec<_> = crl.entries().iter().map(|entry| entry.serial_number.clone()).collect();
        assert_eq!(found, serials);
        assert!(crl.entries().iter().all(|entry| !entry.removed));
    }
    let users = Crl::from_der(&bytes(CRL_OF_USERS)).unwrap();
    assert!(is_by(&users, &ci(CI_P256)));
    assert_eq!(users.number().as_bytes(), &number(7));
    // onlyContainsUserCerts, at the end.
    assert!(users.scope().unwrap().ends_with(&bytes("8101FF")));
    let changes = Crl::from_der(&bytes(CRL_OF_CHANGES)).unwrap();
    assert!(is_by(&changes, &ci(CI_P256)));
    assert_eq!(changes.base().unwrap().as_bytes(), &number(4));
    assert_eq!(changes.number().as_bytes(), &number(8));
}

/// No changed byte makes another list that is believed, and none panics.
#[test]
fn every_byte_of_a_list_is_protected() {
    let ci = ci(CI_P256);
    let good = bytes(CRL_P256);
    let mut parsed = 0;
    for index in 0..good.len() {
        for change in [0x01, 0x20, 0x7F, 0x80, 0xFF] {
            let mut bad = good.clone();
            bad[index] ^= change;
            let Ok(crl) = Crl::from_der(&bad) else { continue };
            parsed += 1;
            assert!(!is_by(&crl, &ci), "byte {index}");
        }
    }
    assert!(parsed > 200, "most changes are inside names, numbers and the signature");
    for length in 0..good.len() {
        assert!(Crl::from_der(&good[..length]).is_err());
    }
}

#[test]
fn malformed_lists_name_the_part() {
    let changed = |from: &str, to: &str| {
        let (good, from, to) = (bytes(CRL_OF_USERS), bytes(from), bytes(to));
        let at = good.windows(from.len()).position(|window| window == from).unwrap();
        Crl::from_der(&[&good[..at], &to, &good[at + to.len()..]].concat())
    };
    for (from, to, part) in [
        // v2 becomes v1, v3, and a negative number.
        ("020101 300A", "020100 300A", "version"),
        ("020101 300A", "020102 300A", "version"),
        ("020101 300A", "0201FF 300A", "version"),
        ("2A8648CE3D040302", "2A8648CE3D040303", "signature algorithm"),
        ("551D23", "551D7F", "authorityKeyIdentifier"),
        ("551D14", "551D7F", "cRLNumber"),
        ("551D14", "551D23", "extension that stands twice"),
        // The critical issuing distribution point becomes 2.5.29.127.
        ("551D1C", "551D7F", "unknown critical extension"),
        // onlyContainsUserCerts becomes indirectCRL, onlyContainsAttributeCerts.
        ("8101FF", "8401FF", "issuingDistributionPoint"),
        ("8101FF", "8501FF", "issuingDistributionPoint"),
        // … becomes onlySomeReasons, which is a BIT STRING and not this one.
        ("8101FF", "8301FF", "issuingDistributionPoint"),
        // A number below zero; the reason of an entry, to removeFromCRL and to two octets.
        ("0403020107", "0403020187", "cRLNumber"),
        ("0A0105", "0A0108", "reasonCode"),
        ("0A0105", "020105", "reasonCode"),
    ] {
        assert_eq!(changed(from, to), Err(InvalidCrl { part }), "{from} {to}");
    }
    assert!(changed("8101FF", "8201FF").is_ok(), "onlyContainsCACerts");
    assert!(changed("8101FF", "830100").is_ok(), "onlySomeReasons, none of them");
    assert_eq!(Crl::from_der(&[]), Err(InvalidCrl { part: "structure" }));
    assert_eq!(Crl::from_der(&bytes(CI_P256)), Err(InvalidCrl { part: "version" }));
}

fn pki(curve: Curve) -> Pki {
    let settings = Settings {
        curve,
        eid: "89049032000000000000000000000123".parse().unwrap(),
        smdp_address: "smdp.example.com".into(),
        smdp_oid: "2.999.10".parse().unwrap(),
        smds_oid: "2.999.15".parse().unwrap(),
        validity: Validity { not_before: 1_700_000_000, not_after: 2_000_000_000 },
    };
    Pki::generate(&mut ChaCha8Rng::seed_from_u64(3), &settings).unwrap()
}

fn list(pki: &Pki) -> RevocationList {
    RevocationList {
        number: 300,
        this_update: 1_795_305_600,
        next_update: Some(1_795_305_600 + 86_400),
        revoked: vec![
            Revoked::of(pki.dp_auth.certificate(), 1_795_000_000),
            Revoked {
                reason: Some(1),
                expires: Some(2_000_000_000),
                ..Revoked::of(pki.dp_pb.certificate(), 5)
            },
        ],
        ..RevocationList::default()
    }
}

#[test]
fn what_is_issued_is_read() {
    for curve in Curve::ALL {
        let pki = pki(curve);
        let ci = pki.ci_key().unwrap();
        let read = |list: &RevocationList| Crl::from_der(&list.sign(&pki.ci).unwrap());
        let crl = read(&list(&pki)).unwrap();
        assert!(is_by(&crl, &ci));
        assert_eq!(crl.number().as_bytes(), &number(300));
        assert_eq!((crl.this_update(), crl.next_update()), (1_795_305_600, Some(1_795_392_000)));
        let serials: Vec<_> = crl.entries().iter().map(|entry| &entry.serial_number[..]).collect();
        assert_eq!(
            serials,
            [&pki.dp_auth, &pki.dp_pb].map(|identity| identity.certificate().serial_number())
        );
        // By another issuer, which has the same name.
        let other = list(&pki).sign(&pki.eum).unwrap();
        assert!(!is_by(&Crl::from_der(&other).unwrap(), &ci));

        let crl = read(&RevocationList { revoked: vec![], next_update: None, ..list(&pki) }).unwrap();
        assert_eq!((crl.entries().len(), crl.next_update()), (0, None));
        let part = Some(Part { number: 2, total: 3 });
        assert_eq!(read(&RevocationList { part, ..list(&pki) }).unwrap().part(), part);
        for (number, total) in [(0, 3), (4, 3), (1, 0)] {
            let error =
                read(&RevocationList { part: Some(Part { number, total }), ..list(&pki) }).unwrap_err();
            assert_eq!(error.part, "partialCrlNumber");
        }
        let base = read(&RevocationList { base: Some(299), ..list(&pki) }).unwrap().base().unwrap();
        assert_eq!(base.as_bytes(), &number(299));
        let error = read(&RevocationList { base: Some(300), ..list(&pki) }).unwrap_err();
        assert_eq!(error.part, "deltaCRLIndicator");
        // removeFromCRL is for changes.
        let mut removed = RevocationList { base: Some(1), ..list(&pki) };
        removed.revoked[0].reason = Some(8);
        assert!(read(&removed).unwrap().entries()[0].removed);
        let error = read(&RevocationList { base: None, ..removed }).unwrap_err();
        assert_eq!(error.part, "reasonCode");
    }
}

#[cfg_attr(target_arch = "wasm32", ignore = "no programs run in a browser")]
#[test]
fn openssl_believes_the_lists() {
    use std::process::Command;
    if Command::new("openssl").arg("version").output().is_err() {
        eprintln!("skipped: not present: openssl");
        return;
    }
    for curve in Curve::ALL {
        let pki = pki(curve);
        let folder = std::env::temp_dir().join(format!("rsp-crypto-crl-{curve}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (ci, crl) = (folder.join("ci.pem"), folder.join("list.crl"));
        std::fs::write(&ci, pki.ci.certificate_pem().unwrap()).unwrap();
        std::fs::write(&crl, list(&pki).sign(&pki.ci).unwrap()).unwrap();
        let mut command = Command::new("openssl");
        command.args(["crl", "-inform", "DER", "-noout", "-text", "-in"]).arg(&crl);
        let output = command.arg("-CAfile").arg(&ci).output().unwrap();
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(text.contains("verify OK"), "{text}");
        assert!(text.contains("Key Compromise"), "{text}");
        let serial = hex::encode_upper(pki.dp_pb.certificate().serial_number());
        assert!(text.contains(&format!("Serial Number: {serial}")), "{text}");
    }
}
