//! Two Certificate Issuers on two curves: a session is on the curve of its own,
//! whatever else the chip can do.

use rsp::DataObject as _;
use rsp::auth::{AuthenticateServerResponse, EuiccInfo1, EuiccInfo2};
use rsp::cancel::CancelSessionRequest;
use rsp::codes::{AuthenticateErrorCode, CancelSessionReason, DownloadErrorCode};
use rsp::download::PrepareDownloadResponse;
use rsp::notification::{FinalResult, PendingNotification, decode_retrieve_response};
use rsp_crypto::software::{OneTimeKey, SigningKey};
use rsp_crypto::{Certificate, Curve, signature, software};
use wasm_euicc::factory::Identity;
use wasm_euicc::nvm::{Medium as _, MemoryMedium};
use wasm_euicc::{Factory, FactoryError};

use crate::card::{Card, factory, hex, result};
use crate::server::*;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// One chip of two CIs.
struct Both {
    nist: Lab,
    brainpool: Lab,
    factory: Factory,
}

impl Both {
    fn new() -> Self {
        let (nist, brainpool) = (Lab::on(Curve::P256), Lab::on(Curve::BrainpoolP256r1));
        let mut made = factory(&nist);
        let other = factory(&brainpool);
        made.identities.extend(other.identities);
        made.ci_certificates.extend(other.ci_certificates);
        Self { nist, brainpool, factory: made }
    }

    fn labs(&self) -> [(&Lab, &Lab); 2] {
        [(&self.nist, &self.brainpool), (&self.brainpool, &self.nist)]
    }
}

#[test]
fn both_are_told_in_the_order_of_preference() {
    let both = Both::new();
    let ids = both.labs().map(|(lab, _)| lab.pki.ci_key().unwrap().id().clone());
    let mut card = Card::made_by(&both.factory);
    let info1 = EuiccInfo1::decode(&card.es10(&[0xBF, 0x20, 0x00])).unwrap();
    assert_eq!(
        (&info1.ci_pk_ids_for_verification[..], &info1.ci_pk_ids_for_signing[..]),
        (&ids[..], &ids[..])
    );
    let info2 = EuiccInfo2::decode(&card.es10(&[0xBF, 0x22, 0x00])).unwrap();
    assert_eq!(info2.ci_pk_ids_for_verification, ids);
    assert_eq!(info2.ci_pk_ids_for_signing, ids);
}

#[test]
fn a_download_on_either_curve() {
    let both = Both::new();
    let mut card = Card::made_by(&both.factory);
    for (number, (lab, _)) in (1..).zip(both.labs()) {
        let dialogue = session(&mut card, lab, number);
        let euicc = lab.pki.euicc.certificate();
        let ok = dialogue.euicc.as_ref().unwrap();
        assert_eq!(
            (ok.euicc_certificate.der(), ok.eum_certificate.der()),
            (euicc.der(), lab.pki.eum.certificate().der())
        );
        let signed = signature::euicc_signature1(ok.euicc_signed1.bytes());
        assert!(software::verify(euicc.public_key().unwrap(), &signed, &ok.euicc_signature1));
        let mut order = Order::new(&dialogue, &metadata(number), &package(number));
        order.ppk = true;
        let answer = load(&mut card, &order.bind(lab, &dialogue).encode());
        let data = result(&answer, euicc);
        assert!(matches!(data.final_result, FinalResult::Success { .. }), "{:?}", card.trace());
    }
    card.forget_notifications();
    // What is told of a profile later is under the CI that it came under.
    for (number, (lab, _)) in (1..).zip(both.labs()) {
        let enable = format!("BF3111A00C5A0A{}810100", hex(iccid(number).as_bytes()));
        assert_eq!(card.es10_hex(&enable), "BF3103800100");
        let waiting = decode_retrieve_response(&card.es10(&[0xBF, 0x2B, 0x00])).unwrap().unwrap();
        let own = iccid(number);
        let told: Vec<_> = waiting
            .iter()
            .filter_map(|pending| match &**pending {
                PendingNotification::Other(other) if other.tbs.iccid == Some(own) => Some(other),
                _ => None,
            })
            .collect();
        assert!(!told.is_empty());
        for other in told {
            assert_eq!(other.euicc_certificate.der(), lab.pki.euicc.certificate().der());
            let signed = signature::euicc_notification_signature(other.tbs.bytes());
            let key = lab.pki.euicc.certificate().public_key().unwrap();
            assert!(software::verify(key, &signed, &other.signature));
        }
    }
}

#[test]
fn one_time_keys_of_both_curves_are_kept_over_a_loss_of_power() {
    let both = Both::new();
    let mut card = Card::made_by(&both.factory);
    let later = both.labs().map(|(lab, _)| {
        let dialogue = session(&mut card, lab, 4);
        let reason = CancelSessionReason::POSTPONED;
        card.es10(&CancelSessionRequest { transaction_id: tid(4), reason }.encode());
        dialogue.otpk
    });
    let mut card = card.power_cycle(&both.factory);
    for (lab, _) in both.labs() {
        // Asked for by the server under the other CI it is not that server's key.
        for (asked, own) in later.iter().zip([Curve::P256, Curve::BrainpoolP256r1]) {
            let mut again = authenticate(&mut card, lab, &tid(5));
            prepare(&mut card, lab, &mut again, Some(*asked));
            assert_eq!(again.otpk == *asked, own == lab.curve());
        }
    }
}

#[test]
fn what_is_of_the_other_curve_is_refused() {
    let both = Both::new();
    for (lab, other) in both.labs() {
        let mut card = Card::made_by(&both.factory);
        let authenticate_code = |card: &mut Card<_>, request: &rsp::auth::AuthenticateServerRequest| {
            match AuthenticateServerResponse::decode(&card.es10(&request.encode())).unwrap() {
                AuthenticateServerResponse::Ok(_) => None,
                AuthenticateServerResponse::Error { code, .. } => Some(code),
            }
        };
        // CERT.DPauth of the other CI, and one whose key alone is of the other curve.
        let now = challenge(&mut card);
        let mut request = authenticate_request(lab, &other.pki.dp_auth, &tid(1), now);
        assert_eq!(authenticate_code(&mut card, &request), Some(AuthenticateErrorCode::UNSUPPORTED_CURVE));
        assert!(card.trace().iter().any(|line| line.contains("unsupported curve")), "{:?}", card.trace());
        let mixed = mixed_certificate(lab, other);
        let now = challenge(&mut card);
        request = authenticate_request(lab, &other.pki.dp_auth, &tid(1), now);
        request.server_certificate = rsp::auth::Certificate::from_der(mixed.der()).unwrap();
        assert_eq!(authenticate_code(&mut card, &request), Some(AuthenticateErrorCode::UNSUPPORTED_CURVE));
        // A signature by a key of the other curve, even with the same number.
        let scalar = lab.pki.dp_auth.expose_key().expose_scalar();
        for key in
            [Some(other.pki.dp_auth.expose_key().clone()), SigningKey::from_scalar(other.curve(), &scalar)]
        {
            // The number may be out of range on the other curve.
            let Some(key) = key else { continue };
            let now = challenge(&mut card);
            request = authenticate_request(lab, &lab.pki.dp_auth, &tid(1), now);
            request.server_signature1 = key.sign(request.server_signed1.bytes());
            assert_eq!(
                authenticate_code(&mut card, &request),
                Some(AuthenticateErrorCode::INVALID_SIGNATURE)
            );
        }

        // CERT.DPpb of the other CI, its signature alone.
        let prepare_code = |card: &mut Card<_>, request: &rsp::download::PrepareDownloadRequest| {
            match PrepareDownloadResponse::decode(&card.es10(&request.encode())).unwrap() {
                PrepareDownloadResponse::Ok { .. } => None,
                PrepareDownloadResponse::Error { code, .. } => Some(code),
            }
        };
        let dialogue = authenticate(&mut card, lab, &tid(1));
        let foreign = prepare_request(other, &dialogue, false, None);
        assert_eq!(prepare_code(&mut card, &foreign), Some(DownloadErrorCode::UNSUPPORTED_CURVE));
        let mut request = prepare_request(lab, &dialogue, false, None);
        request.smdp_signature2 = foreign.smdp_signature2;
        assert_eq!(prepare_code(&mut card, &request), Some(DownloadErrorCode::INVALID_SIGNATURE));
        assert_eq!(prepare_code(&mut card, &prepare_request(lab, &dialogue, false, None)), None);

        // otPK.DP of the other curve.
        let dialogue = session(&mut card, lab, 2);
        let mut order = Order::new(&dialogue, &metadata(1), &package(1));
        let otpk = OneTimeKey::from_scalar(other.curve(), &[0x22; 32]).unwrap().public_key();
        order.smdp_otpk = Some(*otpk.as_bytes());
        let answer = load(&mut card, &order.bind(lab, &dialogue).encode());
        match result(&answer, lab.pki.euicc.certificate()).final_result {
            FinalResult::Error { bpp_command_id, error_reason, .. } => {
                assert_eq!((bpp_command_id.0, error_reason.0), (0, 1), "incorrectInputValues");
            }
            FinalResult::Success { .. } => panic!("installed"),
        }
    }
}

/// CERT.DPauth by the CI of `lab` for the key of `other`'s.
fn mixed_certificate(lab: &Lab, other: &Lab) -> Certificate {
    use rsp_crypto::issue::{Attribute, Shape, Template, Validity};
    let template = Template {
        serial: vec![7],
        subject: vec![Attribute::CommonName("TEST SM-DP+".into())],
        validity: Validity { not_before: 1_700_000_000, not_after: 2_000_000_000 },
        role: rsp_crypto::Role::DpAuth,
        shape: Shape::Server,
        registered_id: "2.999.10".parse().ok(),
        revocation_lists: Vec::new(),
    };
    template.issue(other.pki.dp_auth.certificate().public_key().unwrap(), &lab.pki.ci).unwrap()
}

/// CERT.CI, CERT.DPauth and CERT.DPpb of SGP.26 on brainpoolP256r1. No eUICC of that
/// CI is published: the chip has one whose CERT.EUM only names it.
#[test]
fn the_servers_of_sgp26_on_brainpool() {
    let file = |path: &str| vectors::read(&format!("data/sgp26-certs/{path}"));
    let identity = |certificate: &str, key: &str| {
        let certificate = Certificate::from_der(&file(certificate)?).unwrap();
        let key = SigningKey::from_pem(&String::from_utf8(file(key)?).unwrap()).unwrap();
        Some(rsp_crypto::issue::Identity::new(certificate, key).unwrap())
    };
    let mut lab = Lab::on(Curve::BrainpoolP256r1);
    let Some(ci) = file("CertificateIssuer/CERT_CI_ECDSA_BRP.der") else { return };
    let certificate = Certificate::from_der(&ci).unwrap();
    let mut made = factory(&lab);
    replace(
        &mut made.identities[0].eum_certificate,
        lab.pki.ci_key().unwrap().id().as_bytes(),
        certificate.subject_key_identifier().unwrap().as_bytes(),
    );
    made.ci_certificates = vec![ci];
    let Some(dp_auth) =
        identity("DPauth/CERT_S_SM_DPauth_ECDSA_BRP.der", "DPauth/SK_S_SM_DPauth_ECDSA_BRP.pem")
    else {
        return;
    };
    lab.pki.dp_auth = dp_auth;
    lab.pki.dp_pb = identity("DPpb/CERT_S_SM_DPpb_ECDSA_BRP.der", "DPpb/SK_S_SM_DPpb_ECDSA_BRP.pem").unwrap();
    lab.ci_id = Some("C0BC70BA36929D43B467FF57570530E57AB8FCD8".parse().unwrap());
    let mut card = Card::made_by(&made);
    install(&mut card, &lab, &metadata(1), &package(1));

    // The second SM-DP+ of SGP.26 may not bind for the first.
    let dialogue = authenticate(&mut card, &lab, &tid(3));
    lab.pki.dp_pb =
        identity("DPpb/CERT_S_SM_DP2pb_ECDSA_BRP.der", "DPpb/SK_S_SM_DP2pb_ECDSA_BRP.pem").unwrap();
    let request = prepare_request(&lab, &dialogue, false, None);
    let answer = PrepareDownloadResponse::decode(&card.es10(&request.encode())).unwrap();
    let PrepareDownloadResponse::Error { code, .. } = answer else { panic!() };
    assert_eq!(code, DownloadErrorCode::INVALID_CERTIFICATE);
}

fn replace(bytes: &mut [u8], from: &[u8], to: &[u8]) {
    let at = bytes.windows(from.len()).position(|window| window == from).unwrap();
    bytes[at..at + to.len()].copy_from_slice(to);
}

#[test]
fn a_chip_of_sgp26() {
    let read = |path: &str| vectors::read(&format!("data/sgp26-certs/{path}"));
    if read("README.md").is_none() {
        return;
    }
    let made = Factory::sgp26(read).unwrap();
    let mut card = Card::made_by(&made);
    assert_eq!(card.es10_hex("BF3E035C015A"), "BF3E125A1089049032123451234512345678901235");
    // Of brainpool there is no eUICC in the folder.
    let info = EuiccInfo1::decode(&card.es10(&[0xBF, 0x20, 0x00])).unwrap();
    let nist = ["F54172BDF98A95D65CBEB88A38A1C11D800A85C3".parse().unwrap()];
    assert_eq!(
        (&info.ci_pk_ids_for_verification[..], &info.ci_pk_ids_for_signing[..]),
        (&nist[..], &nist[..])
    );
    // Where somebody put one, it is the second.
    let both = Both::new();
    let read = |path: &str| {
        let (_, lab) = [("NIST", &both.nist), ("BRP", &both.brainpool)]
            .into_iter()
            .find(|(curve, _)| path.contains(curve))
            .unwrap();
        let pki = &lab.pki;
        Some(match path.rsplit_once('/').unwrap().1.split('_').collect::<Vec<_>>()[..2] {
            ["CERT", "CI"] => pki.ci.certificate().der().to_vec(),
            ["CERT", "EUM"] => pki.eum.certificate().der().to_vec(),
            ["CERT", "EUICC"] => pki.euicc.certificate().der().to_vec(),
            _ => pki.euicc.expose_key().expose_pkcs8_pem().unwrap().as_bytes().to_vec(),
        })
    };
    let made = Factory::sgp26(read).unwrap();
    assert_eq!(made.identities.len(), 2);
    let mut card = Card::made_by(&made);
    for (lab, _) in both.labs() {
        authenticate(&mut card, lab, &tid(1));
    }
    let without =
        |missing: &str| Factory::sgp26(|path| if path.contains(missing) { None } else { read(path) });
    assert_eq!(without("EUM_ECDSA_BRP").unwrap().identities.len(), 1);
    assert_eq!(without("EUM_ECDSA_NIST").unwrap().identities[0].key.curve(), Curve::BrainpoolP256r1);
    assert!(matches!(without("EUM"), Err(FactoryError::Part { part: "identities", .. })));
}

#[test]
fn identities_are_read_from_json() {
    use base64::Engine as _;
    let both = Both::new();
    let b64 = |bytes: &[u8]| base64::prelude::BASE64_STANDARD.encode(bytes);
    let identity = |lab: &Lab, key: &[u8]| {
        serde_json::json!({
            "euiccPrivateKey": b64(key),
            "euiccCertificate": b64(lab.pki.euicc.certificate().der()),
            "eumCertificate": b64(lab.pki.eum.certificate().der()),
        })
    };
    let scalar = |lab: &Lab| lab.pki.euicc.expose_key().expose_scalar().to_vec();
    let pkcs8 = |lab: &Lab| lab.pki.euicc.expose_key().expose_pkcs8_der().unwrap().to_vec();
    let cis = both.labs().map(|(lab, _)| b64(lab.pki.ci.certificate().der()));
    let eid = both.nist.eid.to_string();
    let lists = |json: &serde_json::Value| {
        let made = Factory::from_json(json.to_string().as_bytes())?;
        let mut card = Card::on(&made, MemoryMedium::new());
        for (lab, _) in both.labs() {
            authenticate(&mut card, lab, &tid(1));
        }
        let info = EuiccInfo1::decode(&card.es10(&[0xBF, 0x20, 0x00])).unwrap();
        Ok::<_, FactoryError>(info.ci_pk_ids_for_signing)
    };
    let [nist, brainpool] = both.labs().map(|(lab, _)| lab.pki.ci_key().unwrap().id().clone());
    for key in [scalar, pkcs8] {
        let own = [&both.brainpool, &both.nist].map(|lab| identity(lab, &key(lab)));
        let listed = serde_json::json!({ "eid": eid, "ciCertificates": cis, "identities": own });
        assert_eq!(lists(&listed).unwrap(), [brainpool.clone(), nist.clone()]);
        // One beside the EID is the first.
        let mut beside = identity(&both.nist, &key(&both.nist));
        beside["eid"] = eid.clone().into();
        beside["ciCertificates"] = serde_json::json!(cis);
        beside["identities"] = serde_json::json!([own[0]]);
        assert_eq!(lists(&beside).unwrap(), [nist.clone(), brainpool.clone()]);
        // Half of one is none.
        beside.as_object_mut().unwrap().remove("eumCertificate");
        assert!(lists(&beside).is_err());
    }
    // A key of the other curve; the same CI twice.
    let wrong = identity(&both.brainpool, &pkcs8(&both.nist));
    let json = serde_json::json!({ "eid": eid, "ciCertificates": cis, "identities": [wrong] });
    let made = |json: &serde_json::Value| {
        let made = Factory::from_json(json.to_string().as_bytes())?;
        made.manufacture(crate::card::env(MemoryMedium::new())).map(drop)
    };
    assert!(matches!(made(&json), Err(FactoryError::Part { part: "euiccPrivateKey", .. })));
    let own = identity(&both.nist, &pkcs8(&both.nist));
    let json = serde_json::json!({ "eid": eid, "ciCertificates": cis, "identities": [own, own] });
    assert!(matches!(made(&json), Err(FactoryError::Part { part: "identities", .. })));
    let json = serde_json::json!({ "eid": eid, "ciCertificates": cis });
    assert!(matches!(made(&json), Err(FactoryError::Part { part: "identities", .. })));
}

/// An identity whose curve is not that of the CI it names.
#[test]
fn an_identity_is_on_the_curve_of_its_ci() {
    let both = Both::new();
    let mut eum = both.nist.pki.eum.certificate().der().to_vec();
    let [nist, brainpool] = both.labs().map(|(lab, _)| lab.pki.ci_key().unwrap().id().clone());
    replace(&mut eum, nist.as_bytes(), brainpool.as_bytes());
    let identity = Identity {
        key: both.nist.pki.euicc.expose_key().clone(),
        euicc_certificate: both.nist.pki.euicc.certificate().der().to_vec(),
        eum_certificate: eum,
    };
    let made = Factory::new(both.nist.eid, identity, both.factory.ci_certificates);
    let refused = made.manufacture(crate::card::env(MemoryMedium::new()));
    assert!(matches!(refused, Err(FactoryError::Part { part: "identities", .. })));
}

/// The whole memory of a chip of `Lab::new()` that was made by the version of this
/// project before there were two curves, after a session that was postponed.
const BEFORE: &str =
    "65554943432D4E5600014A52000005C8770868D0000000000000000106020100000000000000118904903212345123451234
     5678901235060202000000000000005E8003020202810302030182030100008400BF4319A017301580020560A10B30098003
     EEEEEE81008200820207808501008603010000870E4E4F542D414343524544495445448804000800008910A0000005591010
     FFFFFFFF890000010006020300000000000004C88014485A14B048F7507888E0B7E8DB63BE9436491A1981204CBC1CE53AB1
     8D4AB47069118D7E0CEE854A0FCF07D87A3708C05A51A07877DB30820205308201AAA003020102021068BC8EC579421D27C0
     1654E606D65622300A06082A8648CE3D0403023037310B300906035504061302455331153013060355040A0C0C5253502054
     6573742045554D3111300F06035504030C0845554D2054657374301E170D3233313131343232313332305A170D3333303531
     383033333332305A3064310B300906035504061302455331153013060355040A0C0C52535020546573742045554D31293027
     0603550405132038393034393033323132333435313233343531323334353637383930313233353113301106035504030C0A
     546573742065554943433059301306072A8648CE3D020106082A8648CE3D0301070342000428E9BD92407D3B980E2D7C6D53
     573DBCB37F22DB12BB16101CE2F5B8E719FE27C95989F92A49D49B7CB8DD375EB9A53EF699CF6722AB2D1C257A5E5DD73C48
     61A36B3069301F0603551D23041830168014F004DEEA8EA4DB0065DC8736EE37A8F45EB49DCF301D0603551D0E041604145A
     BFBC2E5D8F0EDF4EE03A2223917357F47C05B3300E0603551D0F0101FF04040302078030170603551D200101FF040D300B30
     09060767811201020101300A06082A8648CE3D0403020349003046022100E6A552EF8CF0318895A019F4C0544E0D2CCF05FF
     87F748F1F855BFCCE5289C68022100A0B259E12C061E733E1A6D8BCD688900421E6DE22012AE08BD55E21995132A35308202
     8230820229A003020102021073270965749A9D7871BD1E0FC361CA2F300A06082A8648CE3D04030230443110300E06035504
     030C07546573742043493111300F060355040B0C0854455354434552543110300E060355040A0C0752535054455354310B30
     09060355040613024954301E170D3233313131343232313332305A170D3333303531383033333332305A3037310B30090603
     5504061302455331153013060355040A0C0C52535020546573742045554D3111300F06035504030C0845554D205465737430
     59301306072A8648CE3D020106082A8648CE3D03010703420004B17ED1E7E92A48412FBE5FC1988CD1C0CC6439F11700ABB5
     8FFFDAF33D48D6BFA326741F593979F8364AD88ACAD53855F9A3927E3F02ACE427FD59497611CDFFA382010830820104301F
     0603551D23041830168014485A14B048F7507888E0B7E8DB63BE9436491A19301D0603551D0E04160414F004DEEA8EA4DB00
     65DC8736EE37A8F45EB49DCF300E0603551D0F0101FF04040302020430170603551D200101FF040D300B3009060767811201
     020102300E0603551D1104073005880388370530120603551D130101FF040830060101FF02010030350603551D1F042E302C
     302AA028A0268624687474703A2F2F63692E746573742E6578616D706C652E636F6D2F43524C2D322E63726C303E0603551D
     1E0101FF04343032A030302EA42C302A31153013060355040A0C0C52535020546573742045554D3111300F06035504051308
     3839303439303332300A06082A8648CE3D040302034700304402205743705BDCDCFB76338EEF81C59205DE88678351CB5FAC
     35347E5955BFB690CA0220210DF6013A2A18065E40339A24B60E8A2525E2D88460C04B4EAC048C7844001A06020400000000
     0000005A8014485A14B048F7507888E0B7E8DB63BE9436491A198141048FC4E9037D2FDD09A935B415A80312197C13459D42
     E4F5079DE45E1B31B786780E1344F021F3D9129634C1CFCA82E5349923B25D13D7D4D13017B7AF9AF74D6106020600000000
     00000005000000004A52000000794BAF2CE10000000000000002040300000100000001080300000200003F00000000097800
     2F0601000100080300000200012F060000000F42002F06010A00010000000A0600080300000200012F080000000F41002F06
     01000002000000050800060300000300010000000B800101900080015A970006030000030002000000063C000000004A5200
     00003280A0950E000000000000000306020B0000000000000028800388370A812031952445B9704BB4E33A3E09B6B70BBA88
     DB37125F1CEC9926FE99CFA34DFF5B";
const BEFORE_OTPK: &str =
    "045BD711ED1DBDB457A6A0661330BA3794388A7143C6320208393A44591F785D830400420B779F108B7DE43D923CE1C6DB5E
     537CE4B6A789782E475C44FDE8E524";

#[test]
fn a_chip_that_was_made_before_there_were_two_curves() {
    let lab = Lab::new();
    let mut medium = MemoryMedium::new();
    medium.replace(&vectors::bytes(BEFORE)).unwrap();
    // What this factory would make does not matter: a chip lives there.
    let mut card = Card::on(&Both::new().factory, medium);
    let info = EuiccInfo1::decode(&card.es10(&[0xBF, 0x20, 0x00])).unwrap();
    let nist = [lab.pki.ci_key().unwrap().id().clone()];
    assert_eq!(
        (&info.ci_pk_ids_for_verification[..], &info.ci_pk_ids_for_signing[..]),
        (&nist[..], &nist[..])
    );
    let kept: [u8; 65] = vectors::bytes(BEFORE_OTPK).try_into().unwrap();
    let mut dialogue = authenticate(&mut card, &lab, &tid(5));
    prepare(&mut card, &lab, &mut dialogue, Some(kept));
    assert_eq!(dialogue.otpk, kept);
    let bound = Order::new(&dialogue, &metadata(1), &package(1)).bind(&lab, &dialogue);
    let data = result(&load(&mut card, &bound.encode()), lab.pki.euicc.certificate());
    assert!(matches!(data.final_result, FinalResult::Success { .. }), "{:?}", card.trace());
}
