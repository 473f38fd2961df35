//! Mutual authentication, PrepareDownload, LoadBoundProfilePackage: what goes
//! well and every way in which it does not.

use rsp::DataObject as _;
use rsp::auth::AuthenticateServerResponse;
use rsp::bpp::{BoundProfilePackage, segments};
use rsp::codes::{AuthenticateErrorCode, BppCommandId, CancelSessionReason, DownloadErrorCode, ErrorReason};
use rsp::download::PrepareDownloadResponse;
use rsp::metadata::{OperatorId, PprIds, ProfileClass};
use rsp::notification::FinalResult;
use rsp::profiles::ProfileState;
use rsp_crypto::software::OneTimeKey;
use rsp_crypto::{Certificate, signature, software};
use wasm_euicc::nvm::MemoryMedium;

use crate::card::{Card, factory, hex, result};
use crate::server::*;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

type Chip = Card<MemoryMedium>;

/// The command and the reason that a package is refused for.
fn refusal(card: &Chip, lab: &Lab, answer: &[u8]) -> (u8, u8) {
    match result(answer, lab.pki.euicc.certificate()).final_result {
        FinalResult::Error { bpp_command_id, error_reason, .. } => (bpp_command_id.0, error_reason.0),
        FinalResult::Success { .. } => panic!("installed: {:?}", card.trace()),
    }
}

#[test]
fn a_profile_is_installed_and_its_memory_comes_back() {
    let lab = Lab::new();
    let mut card = Card::new(&lab);
    let free = card.free();
    for (ppk, segment, block) in [(false, 1007, 255), (true, 1007, 120), (false, 16, 254), (true, 1, 255)] {
        card.block = block;
        let dialogue = session(&mut card, &lab, 1);
        let package = if segment == 1 { package(1)[..].to_vec() } else { package(1) };
        let mut order = Order::new(&dialogue, &metadata(1), &package);
        (order.ppk, order.segment) = (ppk, segment);
        let bound = order.bind(&lab, &dialogue).encode();
        let answer = load(&mut card, &bound);
        let data = result(&answer, lab.pki.euicc.certificate());
        let FinalResult::Success { aid, sima_response } = data.final_result else {
            panic!("{:?}", card.trace())
        };
        assert_eq!(hex(aid.as_bytes()), "A0000005591010FFFFFFFF8900001000");
        assert_eq!(hex(&sima_response), "3007A0053003800100");
        assert_eq!(data.transaction_id, dialogue.transaction_id);
        assert_eq!(data.smdp_oid.to_string(), "2.999.10");
        assert_eq!((data.notification.address.as_str(), data.notification.iccid), (ADDRESS, Some(iccid(1))));

        let list = card.profiles();
        assert_eq!(
            (list.len(), list[0].state, list[0].iccid),
            (1, Some(ProfileState::Disabled), Some(iccid(1)))
        );
        assert!(card.free() < free - package.len() as u32 / 2);
        // No session is left, and the package is not taken twice.
        assert_eq!(card.store_data(&bound[..200]).1, 0x6985);
        assert_eq!(card.es10_hex(&format!("BF330C5A0A{}", hex(iccid(1).as_bytes()))), "BF3303800100");
        card.forget_notifications();
        assert_eq!(card.free(), free);
    }
}

#[test]
fn any_cut_of_the_package_will_do() {
    let lab = Lab::new();
    let package = package(2);
    for cut in [1000, 255, 77, 5, 60_000] {
        let mut card = Card::new(&lab);
        let dialogue = session(&mut card, &lab, 1);
        let bound = Order::new(&dialogue, &metadata(2), &package).bind(&lab, &dialogue).encode();
        let mut answers: Vec<Vec<u8>> = bound.chunks(cut).map(|chain| card.es10(chain)).collect();
        let last = answers.pop().unwrap();
        assert!(answers.iter().all(Vec::is_empty));
        let data = result(&last, lab.pki.euicc.certificate());
        assert!(matches!(data.final_result, FinalResult::Success { .. }), "{cut}: {:?}", card.trace());
    }
}

fn authenticate_error(card: &mut Chip, request: &rsp::auth::AuthenticateServerRequest) -> u8 {
    match AuthenticateServerResponse::decode(&card.es10(&request.encode())).unwrap() {
        AuthenticateServerResponse::Ok(_) => 0,
        AuthenticateServerResponse::Error { transaction_id, code } => {
            assert_eq!(transaction_id, request.server_signed1.transaction_id);
            code.0
        }
    }
}

#[test]
fn authenticate_server_checks_in_order() {
    let lab = Lab::new();
    let mut card = Card::new(&lab);
    let good = |card: &mut Chip| {
        let challenge = challenge(card);
        authenticate_request(&lab, &lab.pki.dp_auth, &tid(9), challenge)
    };
    // Without a challenge.
    let request = authenticate_request(&lab, &lab.pki.dp_auth, &tid(9), [0; 16]);
    assert_eq!(authenticate_error(&mut card, &request), AuthenticateErrorCode::NO_SESSION_CONTEXT.0);
    // Another CI.
    let mut request = good(&mut card);
    request.ci_pk_id_to_be_used = rsp::CiPkId::from_bytes(&[1; 20]).unwrap();
    assert_eq!(authenticate_error(&mut card, &request), AuthenticateErrorCode::CI_PK_UNKNOWN.0);
    // A failed attempt uses the challenge up.
    let again = authenticate_request(&lab, &lab.pki.dp_auth, &tid(9), request.server_signed1.euicc_challenge);
    assert_eq!(authenticate_error(&mut card, &again), AuthenticateErrorCode::NO_SESSION_CONTEXT.0);
    // Certificates of other roles, a certificate that was not issued by the CI.
    for identity in [&lab.pki.dp_pb, &lab.pki.dp_tls] {
        let challenge = challenge(&mut card);
        let request = authenticate_request(&lab, identity, &tid(9), challenge);
        assert_eq!(authenticate_error(&mut card, &request), AuthenticateErrorCode::INVALID_OID.0);
    }
    let challenge_now = challenge(&mut card);
    let request = authenticate_request(&lab, &lab.pki.euicc, &tid(9), challenge_now);
    assert_eq!(authenticate_error(&mut card, &request), AuthenticateErrorCode::INVALID_CERTIFICATE.0);
    let mut request = good(&mut card);
    request.server_certificate = rsp::auth::Certificate::from_der(&[0x30, 0x00]).unwrap();
    assert_eq!(authenticate_error(&mut card, &request), AuthenticateErrorCode::INVALID_CERTIFICATE.0);
    // The signature.
    let mut request = good(&mut card);
    request.server_signature1.0[63] ^= 1;
    assert_eq!(authenticate_error(&mut card, &request), AuthenticateErrorCode::INVALID_SIGNATURE.0);
    // The challenge, well signed.
    challenge(&mut card);
    let request = authenticate_request(&lab, &lab.pki.dp_auth, &tid(9), [7; 16]);
    assert_eq!(authenticate_error(&mut card, &request), AuthenticateErrorCode::EUICC_CHALLENGE_MISMATCH.0);
    // A new challenge ends the session before.
    let old = good(&mut card);
    let new = good(&mut card);
    assert_ne!(old.server_signed1.euicc_challenge, new.server_signed1.euicc_challenge);
    assert_eq!(authenticate_error(&mut card, &old), AuthenticateErrorCode::EUICC_CHALLENGE_MISMATCH.0);
    // A good one, and the second call of a session.
    let request = good(&mut card);
    assert_eq!(authenticate_error(&mut card, &request), 0);
    assert_eq!(authenticate_error(&mut card, &request), AuthenticateErrorCode::NO_SESSION_CONTEXT.0);
}

#[test]
fn the_ci_must_be_known_in_both_directions() {
    let lab = Lab::new();
    let mut made = factory(&lab);
    // Another CI to verify with; the chip's own certificate is under the first.
    let mut other = Lab::new();
    other.pki = {
        use rand_chacha::rand_core::SeedableRng as _;
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(99);
        let settings = rsp_crypto::issue::Settings {
            curve: rsp_crypto::Curve::P256,
            eid: lab.eid,
            smdp_address: ADDRESS.into(),
            smdp_oid: "2.999.10".parse().unwrap(),
            smds_oid: "2.999.15".parse().unwrap(),
            validity: rsp_crypto::issue::Validity { not_before: 0, not_after: 4_000_000_000 },
        };
        rsp_crypto::issue::Pki::generate(&mut rng, &settings).unwrap()
    };
    made.ci_certificates.push(other.pki.ci.certificate().der().to_vec());
    let mut card = Card::made_by(&made);
    let challenge_now = challenge(&mut card);
    let request = authenticate_request(&other, &other.pki.dp_auth, &tid(1), challenge_now);
    assert_eq!(authenticate_error(&mut card, &request), AuthenticateErrorCode::CI_PK_UNKNOWN.0);
    let info = rsp::auth::EuiccInfo1::decode(&card.es10(&[0xBF, 0x20, 0x00])).unwrap();
    assert_eq!((info.ci_pk_ids_for_verification.len(), info.ci_pk_ids_for_signing.len()), (2, 1));
}

#[test]
fn what_the_euicc_signs_is_the_server_s_to_verify() {
    let lab = Lab::new();
    let mut card = Card::new(&lab);
    let dialogue = authenticate(&mut card, &lab, &tid(3));
    let ok = dialogue.euicc.as_ref().unwrap();
    let euicc = Certificate::from_der(ok.euicc_certificate.der()).unwrap();
    let signed = signature::euicc_signature1(ok.euicc_signed1.bytes());
    assert!(software::verify(euicc.public_key().unwrap(), &signed, &ok.euicc_signature1));
    assert_eq!(ok.euicc_signed1.server_challenge, [0x5C; 16]);
    let request = authenticate_request(&lab, &lab.pki.dp_auth, &tid(3), [0; 16]);
    assert_eq!(ok.euicc_signed1.ctx_params1.bytes(), request.ctx_params1.bytes());
    assert_eq!(
        ok.euicc_signed1.euicc_info2.ext_card_resource.free_non_volatile_memory,
        card.free(),
        "signed while nothing else was stored"
    );
}

fn prepare_error(card: &mut Chip, request: &rsp::download::PrepareDownloadRequest) -> u8 {
    match PrepareDownloadResponse::decode(&card.es10(&request.encode())).unwrap() {
        PrepareDownloadResponse::Ok { .. } => 0,
        PrepareDownloadResponse::Error { code, .. } => code.0,
    }
}

#[test]
fn prepare_download_checks_in_order() {
    let lab = Lab::new();
    let mut card = Card::new(&lab);
    let none = Dialogue { transaction_id: tid(1), euicc: None, otpk: [0; 65] };
    let request = prepare_request(&lab, &none, false, None);
    assert_eq!(prepare_error(&mut card, &request), DownloadErrorCode::NO_SESSION_CONTEXT.0);

    let mut dialogue = authenticate(&mut card, &lab, &tid(1));
    dialogue.transaction_id = tid(2);
    let request = prepare_request(&lab, &dialogue, false, None);
    assert_eq!(prepare_error(&mut card, &request), DownloadErrorCode::INVALID_TRANSACTION_ID.0);
    dialogue.transaction_id = tid(1);

    let mut request = prepare_request(&lab, &dialogue, false, None);
    let auth = rsp::auth::Certificate::from_der(lab.pki.dp_auth.certificate().der()).unwrap();
    request.smdp_certificate = auth;
    assert_eq!(prepare_error(&mut card, &request), DownloadErrorCode::INVALID_CERTIFICATE.0);
    let mut request = prepare_request(&lab, &dialogue, false, None);
    request.smdp_signature2.0[0] ^= 1;
    assert_eq!(prepare_error(&mut card, &request), DownloadErrorCode::INVALID_SIGNATURE.0);
    // A confirmation code that is demanded and not given; given; not demanded.
    let mut request = prepare_request(&lab, &dialogue, true, None);
    assert_eq!(prepare_error(&mut card, &request), DownloadErrorCode::UNDEFINED_ERROR.0);
    request.hash_cc = Some([0xCC; 32]);
    assert_eq!(prepare_error(&mut card, &request), 0);
    let mut request = prepare_request(&lab, &dialogue, false, None);
    request.hash_cc = Some([0xDD; 32]);
    match PrepareDownloadResponse::decode(&card.es10(&request.encode())).unwrap() {
        PrepareDownloadResponse::Ok { euicc_signed2, .. } => {
            assert_eq!(euicc_signed2.hash_cc, Some([0xDD; 32]));
        }
        PrepareDownloadResponse::Error { code, .. } => panic!("{code}"),
    }
    // With an SM-DS there is no download.
    let challenge_now = challenge(&mut card);
    let request = authenticate_request(&lab, &lab.pki.ds_auth, &tid(1), challenge_now);
    assert_eq!(authenticate_error(&mut card, &request), 0);
    let request = prepare_request(&lab, &dialogue, false, None);
    assert_eq!(prepare_error(&mut card, &request), DownloadErrorCode::NO_SESSION_CONTEXT.0);
}

#[test]
fn a_download_may_be_repeated_with_its_one_time_key() {
    let lab = Lab::new();
    let made = factory(&lab);
    let mut card = Card::new(&lab);
    let first = session(&mut card, &lab, 1);
    let bound = Order::new(&first, &metadata(1), &package(1)).bind(&lab, &first).encode();
    // The package was under way when the power went.
    for segment in segments(&bound).unwrap().iter().take(6) {
        assert!(card.es10(&bound[segment.bytes.clone()]).is_empty());
    }
    let mut card = card.power_cycle(&made);
    assert_eq!(card.notifications().len(), 1);
    let mut second = authenticate(&mut card, &lab, &tid(2));
    prepare(&mut card, &lab, &mut second, Some(first.otpk));
    assert_eq!(second.otpk, first.otpk);
    // The segments are the same; only BF23 is made anew.
    let bound = Order::new(&second, &metadata(1), &package(1)).bind(&lab, &second).encode();
    let answer = load(&mut card, &bound);
    let data = result(&answer, lab.pki.euicc.certificate());
    assert!(matches!(data.final_result, FinalResult::Success { .. }));
    // Used once is used up; unknown ones are not taken.
    for asked in [first.otpk, lab_key()] {
        let mut third = authenticate(&mut card, &lab, &tid(3));
        prepare(&mut card, &lab, &mut third, Some(asked));
        assert_ne!(third.otpk, asked);
    }
}

fn lab_key() -> [u8; 65] {
    let key = OneTimeKey::from_scalar(rsp_crypto::Curve::P256, &[5; 32]).unwrap();
    *key.public_key().as_bytes()
}

#[test]
fn a_session_is_cancelled_once() {
    let lab = Lab::new();
    for (reason, kept) in [
        (CancelSessionReason::END_USER_REJECTION, false),
        (CancelSessionReason::POSTPONED, true),
        (CancelSessionReason::TIMEOUT, true),
        (CancelSessionReason::METADATA_MISMATCH, false),
        (CancelSessionReason::UNDEFINED_REASON, false),
    ] {
        let mut card = Card::new(&lab);
        let dialogue = session(&mut card, &lab, 4);
        let wrong = rsp::cancel::CancelSessionRequest { transaction_id: tid(5), reason };
        assert_eq!(hex(&card.es10(&wrong.encode())), "BF4103810105");
        let request = rsp::cancel::CancelSessionRequest { transaction_id: tid(4), reason };
        let answer = card.es10(&request.encode());
        let rsp::cancel::CancelSessionResponse::Ok { signed, signature } =
            rsp::cancel::CancelSessionResponse::decode(&answer).unwrap()
        else {
            panic!()
        };
        let key = lab.pki.euicc.certificate().public_key().unwrap();
        assert!(software::verify(key, signed.bytes(), &signature));
        assert_eq!((signed.reason, signed.smdp_oid.to_string().as_str()), (reason, "2.999.10"));
        assert_eq!(hex(&card.es10(&request.encode())), "BF4103810105");
        let mut again = authenticate(&mut card, &lab, &tid(6));
        prepare(&mut card, &lab, &mut again, Some(dialogue.otpk));
        assert_eq!(again.otpk == dialogue.otpk, kept, "{reason}");
    }
}

/// Loads a changed package; what is refused leaves nothing behind.
fn refused(
    lab: &Lab,
    change: impl FnOnce(&mut Order),
    break_it: impl FnOnce(&mut BoundProfilePackage),
) -> (u8, u8) {
    let mut card = Card::new(lab);
    refused_by(&mut card, lab, change, break_it)
}

fn refused_by(
    card: &mut Chip,
    lab: &Lab,
    change: impl FnOnce(&mut Order),
    break_it: impl FnOnce(&mut BoundProfilePackage),
) -> (u8, u8) {
    let before = card.profiles();
    // A used notification counter, so that memory can be compared exactly.
    let dialogue = session(card, lab, 1);
    let mut order = Order::new(&dialogue, &metadata(1), &package(1));
    change(&mut order);
    let mut bound = order.bind(lab, &dialogue);
    break_it(&mut bound);
    let answer = load(card, &bound.encode());
    let codes = refusal(card, lab, &answer);
    assert_eq!(card.profiles(), before);
    // It was stored before it was told.
    let waiting = card.es10(&[0xBF, 0x2B, 0x00]);
    assert!(waiting.windows(answer.len()).any(|window| window == answer));
    // The session is over.
    assert_eq!(card.store_data(&vectors::bytes("A100")).1, 0x6985);
    codes
}

const INIT: u8 = BppCommandId::INITIALISE_SECURE_CHANNEL.0;
const CONFIGURE: u8 = BppCommandId::CONFIGURE_ISDP.0;
const METADATA: u8 = BppCommandId::STORE_METADATA.0;
const REPLACE: u8 = BppCommandId::REPLACE_SESSION_KEYS.0;
const ELEMENTS: u8 = BppCommandId::LOAD_PROFILE_ELEMENTS.0;

#[test]
fn initialise_secure_channel_is_checked() {
    let lab = Lab::new();
    let same = |_: &mut BoundProfilePackage| {};
    assert_eq!(refused(&lab, |order| order.remote_op_id = 2, same), (INIT, 5));
    assert_eq!(refused(&lab, |order| order.transaction_id = tid(8), same), (INIT, 3));
    assert_eq!(refused(&lab, |order| order.crt.key_type = 0x80, same), (INIT, 4));
    assert_eq!(refused(&lab, |order| order.crt.key_len = 0x20, same), (INIT, 4));
    assert_eq!(refused(&lab, |order| order.crt.host_id = vec![1; 17], same), (INIT, 1));
    // Points that are not on the curve.
    let mut point = [0; 65];
    point[0] = 4;
    assert_eq!(refused(&lab, |order| order.smdp_otpk = Some(point), same), (INIT, 1));
    point[64] = 1;
    assert_eq!(refused(&lab, |order| order.smdp_otpk = Some(point), same), (INIT, 1));
    let sign = |bound: &mut BoundProfilePackage| *bound.initialise_secure_channel.last_mut().unwrap() ^= 1;
    assert_eq!(refused(&lab, |_| {}, sign), (INIT, 2));
    // Bound to another one-time key of this eUICC.
    let mut card = Card::new(&lab);
    let old = session(&mut card, &lab, 1);
    let new = session(&mut card, &lab, 1);
    assert_ne!(old.otpk, new.otpk);
    let bound = Order::new(&old, &metadata(1), &package(1)).bind(&lab, &old).encode();
    let answer = load(&mut card, &bound);
    assert_eq!(refusal(&card, &lab, &answer), (INIT, 2));
}

#[test]
fn a_changed_segment_is_refused_wherever_it_is() {
    let lab = Lab::new();
    let security = ErrorReason::SCP03T_SECURITY_ERROR.0;
    let flip = |segment: &mut Vec<u8>, at: usize| {
        let at = at.min(segment.len() - 1);
        segment[at] ^= 1;
    };
    assert_eq!(refused(&lab, |_| {}, |bound| flip(&mut bound.configure_isdp[0], 5)), (CONFIGURE, security));
    assert_eq!(refused(&lab, |_| {}, |bound| flip(&mut bound.store_metadata[0], 9)), (METADATA, security));
    let replace = |bound: &mut BoundProfilePackage| flip(&mut bound.replace_session_keys[0], 9);
    assert_eq!(refused(&lab, |order| order.ppk = true, replace), (REPLACE, security));
    let count = package(1).len().div_ceil(1007);
    for number in [0, count / 2, count - 1] {
        let broken = |bound: &mut BoundProfilePackage| flip(&mut bound.profile_elements[number], usize::MAX);
        assert_eq!(refused(&lab, |_| {}, broken), (ELEMENTS, security));
    }
    // Two segments in each other's place, one left out.
    let swapped = |bound: &mut BoundProfilePackage| bound.profile_elements.swap(0, 1);
    assert_eq!(refused(&lab, |_| {}, swapped), (ELEMENTS, security));
    let missing = |bound: &mut BoundProfilePackage| drop(bound.profile_elements.remove(1));
    assert_eq!(refused(&lab, |_| {}, missing), (ELEMENTS, security));
}

/// A whole BF36 whose parts are not those of a bound profile package, in one
/// chain.
fn refused_parts(lab: &Lab, parts: impl FnOnce(&BoundProfilePackage) -> Vec<u8>) -> (u8, u8) {
    let mut card = Card::new(lab);
    let dialogue = session(&mut card, lab, 1);
    let bound = Order::new(&dialogue, &metadata(1), &package(1)).bind(lab, &dialogue);
    let answer = card.es10(&tlv::encode(tlv::Tag(0xBF36), &parts(&bound)));
    let codes = refusal(&card, lab, &answer);
    assert!(card.profiles().is_empty());
    codes
}

#[test]
fn order_tags_and_lengths_are_checked() {
    let lab = Lab::new();
    let structure = ErrorReason::SCP03T_STRUCTURE_ERROR.0;
    let seq = |tag: u32, parts: &[Vec<u8>]| tlv::encode(tlv::Tag(tag), &parts.concat());
    let head = |bound: &BoundProfilePackage| bound.initialise_secure_channel.clone();
    let configured = |bound: &BoundProfilePackage| [head(bound), seq(0xA0, &bound.configure_isdp)].concat();
    let metadata =
        |bound: &BoundProfilePackage| [configured(bound), seq(0xA1, &bound.store_metadata)].concat();
    // No BF23; the sequences in another order; one left out; one twice.
    assert_eq!(refused_parts(&lab, |bound| seq(0xA0, &bound.configure_isdp)), (INIT, 1));
    assert_eq!(
        refused_parts(&lab, |bound| [head(bound), seq(0xA1, &bound.store_metadata)].concat()),
        (CONFIGURE, structure)
    );
    assert_eq!(refused_parts(&lab, |bound| [head(bound), head(bound)].concat()), (CONFIGURE, structure));
    assert_eq!(
        refused_parts(&lab, |bound| [configured(bound), seq(0xA3, &bound.profile_elements)].concat()),
        (METADATA, structure)
    );
    assert_eq!(
        refused_parts(&lab, |bound| [metadata(bound), seq(0xA1, &bound.store_metadata)].concat()),
        (REPLACE, structure)
    );
    // A segment of another kind, an empty sequence.
    assert_eq!(
        refused_parts(&lab, |bound| [head(bound), seq(0xA0, &bound.store_metadata)].concat()),
        (CONFIGURE, structure)
    );
    assert_eq!(
        refused_parts(&lab, |bound| [head(bound), seq(0xA0, &[]), seq(0xA1, &bound.store_metadata)].concat()),
        (CONFIGURE, structure)
    );
    // BF36 ends before its parts, and after them.
    assert_eq!(refused_parts(&lab, configured), (CONFIGURE, structure));
    assert_eq!(refused_parts(&lab, metadata), (METADATA, structure));
    let surplus = |bound: &BoundProfilePackage| {
        [metadata(bound), seq(0xA3, &bound.profile_elements), vec![0x80, 0x00]].concat()
    };
    assert_eq!(refused_parts(&lab, surplus), (ELEMENTS, structure));
    // A segment that is longer than any may be, or than its sequence.
    let long = |bound: &BoundProfilePackage| {
        let segment = tlv::encode(tlv::Tag(0x86), &[0; 2000]);
        [metadata(bound), seq(0xA3, &[segment])].concat()
    };
    assert_eq!(refused_parts(&lab, long), (ELEMENTS, structure));
    let overrun = |bound: &BoundProfilePackage| [head(bound), vectors::bytes("A002 8718")].concat();
    assert_eq!(refused_parts(&lab, overrun), (CONFIGURE, structure));
}

#[test]
fn commands_inside_are_checked() {
    let lab = Lab::new();
    let same = |_: &mut BoundProfilePackage| {};
    // ConfigureISDP: another command; proprietary data of 128 and 129 bytes.
    assert_eq!(refused(&lab, |order| order.configure = vectors::bytes("BF2500"), same), (CONFIGURE, 7));
    let proprietary = |len: usize| {
        let mut inside = vectors::bytes("0603 883701");
        inside.extend(tlv::encode(tlv::Tag(0x80), &vec![0xAB; len - 9]));
        tlv::encode(tlv::Tag(0xBF24), &tlv::encode(tlv::Tag(0xB8), &inside))
    };
    let long = refused(&lab, |order| order.configure = proprietary(129), same);
    assert_eq!(long, (CONFIGURE, 1));
    let mut card = Card::new(&lab);
    let dialogue = session(&mut card, &lab, 1);
    let mut order = Order::new(&dialogue, &metadata(1), &package(1));
    order.configure = proprietary(128);
    let answer = load(&mut card, &order.bind(&lab, &dialogue).encode());
    let data = result(&answer, lab.pki.euicc.certificate());
    assert!(matches!(data.final_result, FinalResult::Success { .. }));
    assert!(card.es10_hex("BF2D035C01B8").contains(&hex(&order.configure[4..])));
    // StoreMetadata: names that are too long, an unknown class, no ICCID.
    let with = |change: fn(&mut rsp::metadata::StoreMetadata)| {
        let mut metadata = metadata(1);
        change(&mut metadata);
        refused(&lab, move |order| order.metadata = metadata.encode(), same)
    };
    assert_eq!(with(|metadata| metadata.service_provider_name = "x".repeat(33)), (METADATA, 1));
    assert_eq!(with(|metadata| metadata.profile_name = "x".repeat(65)), (METADATA, 1));
    let class = vectors::bytes("BF2515 5A0A98001010000000000010 910141 920142 950105");
    assert_eq!(refused(&lab, |order| order.metadata = class, same), (METADATA, 6));
    assert_eq!(refused(&lab, |order| order.metadata = vectors::bytes("BF2503910141"), same), (METADATA, 1));
    // ReplaceSessionKeys with a key of 15 bytes.
    let keys = |order: &mut Order| {
        order.ppk = true;
        order.replace = vectors::bytes(
            "BF2635 8010 33333333333333333333333333333333 8110 44444444444444444444444444444444
             820F 555555555555555555555555555555",
        );
    };
    assert_eq!(refused(&lab, keys, same), (REPLACE, 1));
    // Metadata and profile contradict each other.
    let other = |order: &mut Order| order.metadata = metadata(2).encode();
    assert_eq!(refused(&lab, other, same), (ELEMENTS, ErrorReason::DATA_MISMATCH.0));
    let owner = |metadata: &mut rsp::metadata::StoreMetadata| {
        metadata.profile_owner = Some(OperatorId { mcc_mnc: [0x62, 0xF2, 0x10], gid1: None, gid2: None });
    };
    assert_eq!(with(owner), (ELEMENTS, ErrorReason::DATA_MISMATCH.0));
    let group = |metadata: &mut rsp::metadata::StoreMetadata| {
        metadata.profile_owner =
            Some(OperatorId { mcc_mnc: [0x00, 0xF1, 0x10], gid1: Some(vec![0x0A]), gid2: None });
    };
    assert_eq!(with(group), (ELEMENTS, ErrorReason::DATA_MISMATCH.0));
    // A test profile with a key of its own.
    let test = with(|metadata| metadata.profile_class = ProfileClass::Test);
    assert_eq!(test, (ELEMENTS, ErrorReason::TEST_PROFILE_INVALID_NAA_KEY.0));
    // The package stops early; is no package.
    let short = |order: &mut Order| order.package.truncate(order.package.len() - 3);
    assert_eq!(refused(&lab, short, same), (ELEMENTS, ErrorReason::PE_PROCESSING_ERROR.0));
    let noise = |order: &mut Order| order.package = vec![0xA5; 300];
    assert_eq!(refused(&lab, noise, same), (ELEMENTS, ErrorReason::PE_PROCESSING_ERROR.0));
}

#[test]
fn names_may_be_as_long_as_the_standard_says() {
    let lab = Lab::new();
    let mut card = Card::new(&lab);
    let mut metadata = metadata(1);
    metadata.service_provider_name = "x".repeat(32);
    metadata.profile_name = "é".repeat(32);
    metadata.icon =
        Some(rsp::metadata::Icon { icon_type: rsp::metadata::IconType::Png, data: vec![0x89; 1024] });
    metadata.profile_owner = Some(OperatorId { mcc_mnc: [0x00, 0xF1, 0x10], gid1: None, gid2: None });
    install(&mut card, &lab, &metadata, &package(1));
    let info = card.profiles().remove(0);
    assert_eq!((info.icon, info.profile_name), (metadata.icon, Some(metadata.profile_name)));
}

#[test]
fn policy_rules_need_to_be_allowed() {
    let lab = Lab::new();
    let same = |_: &mut BoundProfilePackage| {};
    let ruled = |rules: u32, owner: bool| {
        let mut metadata = metadata(1);
        metadata.profile_policy_rules = PprIds(rules);
        metadata.profile_owner =
            owner.then_some(OperatorId { mcc_mnc: [0x00, 0xF1, 0x10], gid1: None, gid2: None });
        metadata
    };
    let ppr = (METADATA, ErrorReason::PPR_NOT_ALLOWED.0);
    for metadata in [ruled(PprIds::PPR1.0, false), ruled(0x1000_0000, true)] {
        assert_eq!(refused(&lab, |order| order.metadata = metadata.encode(), same), ppr);
    }
    let mut made = factory(&lab);
    made.forbidden_rules = PprIds::PPR2;
    let mut card = Card::made_by(&made);
    let forbidden = ruled(PprIds::PPR2.0, true).encode();
    assert_eq!(refused_by(&mut card, &lab, |order| order.metadata = forbidden, same), ppr);
    let mut made = factory(&lab);
    made.rules.0.clear();
    let mut card = Card::made_by(&made);
    let unruled = ruled(PprIds::PPR2.0, true).encode();
    assert_eq!(refused_by(&mut card, &lab, |order| order.metadata = unruled, same), ppr);
    // PPR1 is for the first operational profile only.
    let mut card = Card::new(&lab);
    install(&mut card, &lab, &metadata(2), &package(2));
    let second = ruled(PprIds::PPR1.0, true).encode();
    assert_eq!(refused_by(&mut card, &lab, |order| order.metadata = second, same), ppr);
    let mut card = Card::new(&lab);
    install(&mut card, &lab, &ruled(PprIds::PPR1.0, true), &package(1));
}

#[test]
fn an_iccid_is_taken_once() {
    let lab = Lab::new();
    let mut card = Card::new(&lab);
    install(&mut card, &lab, &metadata(1), &package(1));
    let twice = refused_by(&mut card, &lab, |_| {}, |_| {});
    assert_eq!(twice, (METADATA, ErrorReason::ICCID_ALREADY_EXISTS_ON_EUICC.0));
}

#[test]
fn a_full_chip_says_so_and_gives_all_memory_back() {
    let lab = Lab::new();
    // What one profile takes.
    let mut card = Card::new(&lab);
    let free = card.free();
    install(&mut card, &lab, &metadata(1), &package(1));
    let takes = free - card.free();
    for memory in [takes / 2, takes * 3 / 4, takes - 200] {
        let mut made = factory(&lab);
        made.memory = made.memory - free + memory;
        let mut card = Card::made_by(&made);
        let before = card.free();
        assert_eq!(before, memory);
        let dialogue = session(&mut card, &lab, 1);
        let bound = Order::new(&dialogue, &metadata(1), &package(1)).bind(&lab, &dialogue);
        let answer = load(&mut card, &bound.encode());
        let codes = refusal(&card, &lab, &answer);
        assert_eq!(codes, (ELEMENTS, ErrorReason::INSUFFICIENT_MEMORY_FOR_PROFILE.0), "{:?}", card.trace());
        card.forget_notifications();
        // The keys for another attempt are given up.
        let cancelled = session(&mut card, &lab, 2);
        let request = rsp::cancel::CancelSessionRequest {
            transaction_id: cancelled.transaction_id,
            reason: CancelSessionReason::END_USER_REJECTION,
        };
        card.es10(&request.encode());
        let kept = before - card.free();
        let key = one_time_key_of(&lab);
        assert!(kept == 0 || kept == key, "{kept} {key}");
    }
}

/// What a one-time key takes that waits for another attempt.
fn one_time_key_of(lab: &Lab) -> u32 {
    let mut card = Card::new(lab);
    let before = card.free();
    session(&mut card, lab, 1);
    before - card.free()
}

#[test]
fn a_chip_without_any_room_still_gives_a_result() {
    let lab = Lab::new();
    let mut card = Card::new(&lab);
    let free = card.free();
    for memory in [0, 50, 150, 250] {
        let mut made = factory(&lab);
        made.memory = made.memory - free + memory;
        card = Card::made_by(&made);
        assert_eq!(card.free(), memory);
        let dialogue = session(&mut card, &lab, 1);
        let bound = Order::new(&dialogue, &metadata(1), &package(1)).bind(&lab, &dialogue).encode();
        let answer = load(&mut card, &bound);
        assert_eq!(
            refusal(&card, &lab, &answer).1,
            ErrorReason::INSUFFICIENT_MEMORY_FOR_PROFILE.0,
            "{memory}"
        );
        card.reset();
        assert!(card.profiles().is_empty());
    }
}

#[test]
fn an_interrupted_load_is_told_at_the_next_power_up() {
    let lab = Lab::new();
    let made = factory(&lab);
    let card = Card::new(&lab);
    let fresh = card.chip.into_env().medium;
    for sent in 1..8 {
        for how in ["reset", "power", "challenge", "channel"] {
            let mut card = Card::on(&made, fresh.clone());
            let dialogue = session(&mut card, &lab, 1);
            let bound = Order::new(&dialogue, &metadata(1), &package(1)).bind(&lab, &dialogue).encode();
            for segment in segments(&bound).unwrap().iter().take(sent) {
                assert!(card.es10(&bound[segment.bytes.clone()]).is_empty());
            }
            match how {
                "reset" => card.reset(),
                "power" => card = card.power_cycle(&made),
                "challenge" => drop(challenge(&mut card)),
                _ => {
                    card.chip.transmit(&[0x00, 0x70, 0x80, 0x01]);
                    card.open();
                }
            }
            assert!(card.profiles().is_empty());
            // BF23 alone leaves no trace; from ConfigureISDP on it is told.
            let waiting = card.notifications();
            assert_eq!(waiting.len(), usize::from(sent > 1), "{sent} {how}");
            if sent > 1 {
                assert_eq!(waiting[0], (1, "install", ADDRESS.to_owned()));
                let answer = card.es10(&vectors::bytes("BF2B05A003800101"));
                let inside = tlv::Tlv::single(&answer).unwrap().fields().required(tlv::Tag(0xA0)).unwrap();
                let (command, reason) = refusal(&card, &lab, inside.value);
                assert_eq!(reason, ErrorReason::INTERRUPTION.0);
                assert_eq!(command, if sent < 4 { METADATA } else { ELEMENTS }, "{sent}");
            }
            // It goes on as if nothing had happened, and is told once.
            card.forget_notifications();
            card.reset();
            assert!(card.notifications().is_empty());
            install(&mut card, &lab, &metadata(1), &package(1));
        }
    }
}

#[test]
fn a_load_is_cancelled_like_a_session() {
    let lab = Lab::new();
    for (reason, kept) in [
        (CancelSessionReason::END_USER_REJECTION, false),
        (CancelSessionReason::POSTPONED, true),
        (CancelSessionReason::TIMEOUT, true),
        (CancelSessionReason::LOAD_BPP_EXECUTION_ERROR, false),
    ] {
        let mut card = Card::new(&lab);
        let dialogue = session(&mut card, &lab, 1);
        let bound = Order::new(&dialogue, &metadata(1), &package(1)).bind(&lab, &dialogue).encode();
        for segment in segments(&bound).unwrap().iter().take(5) {
            assert!(card.es10(&bound[segment.bytes.clone()]).is_empty());
        }
        let request =
            rsp::cancel::CancelSessionRequest { transaction_id: dialogue.transaction_id.clone(), reason };
        assert!(card.es10(&request.encode()).starts_with(&[0xBF, 0x41]));
        assert_eq!(card.notifications(), [(1, "install", ADDRESS.to_owned())]);
        let mut again = authenticate(&mut card, &lab, &tid(6));
        prepare(&mut card, &lab, &mut again, Some(dialogue.otpk));
        assert_eq!(again.otpk == dialogue.otpk, kept, "{reason}");
    }
}

/// A profile change closes the channel of a load: it is over, and told at once.
#[test]
fn a_load_on_a_channel_that_a_profile_change_closes_is_interrupted() {
    let lab = Lab::new();
    let mut card = Card::new(&lab);
    install(&mut card, &lab, &metadata(2), &package(2));
    card.forget_notifications();
    let dialogue = session(&mut card, &lab, 1);
    let bound = Order::new(&dialogue, &metadata(1), &package(1)).bind(&lab, &dialogue).encode();
    let list = segments(&bound).unwrap();
    for segment in &list[..5] {
        assert!(card.es10(&bound[segment.bytes.clone()]).is_empty());
    }
    // REFRESH is answered on the basic channel, which has the ISD-R not selected.
    card.chip.transmit(&vectors::bytes("8010000002FFFF"));
    let iccid = metadata(2).iccid;
    let enable = format!("BF3111A00C5A0A{}8101FF", hex(iccid.as_bytes()));
    assert_eq!(hex(&card.es10(&vectors::bytes(&enable))), "BF3103800100");
    card.chip.transmit(&vectors::bytes("801200000B"));
    let answered = card.chip.transmit(&vectors::bytes("801400000C810301010482028281830100"));
    assert_eq!(hex(&answered), "9000");
    card.open();
    let told = card.notifications();
    assert_eq!(told.iter().filter(|(_, event, _)| *event == "install").count(), 1, "{told:?}");
    let (_, sw) = card.store_data(&bound[list[5].bytes.clone()]);
    assert_eq!(sw, 0x6985);
}

#[test]
fn other_commands_may_come_between_segments() {
    let lab = Lab::new();
    let mut card = Card::new(&lab);
    let dialogue = session(&mut card, &lab, 1);
    let bound = Order::new(&dialogue, &metadata(1), &package(1)).bind(&lab, &dialogue).encode();
    let list = segments(&bound).unwrap();
    let (last, first) = list.split_last().unwrap();
    for segment in first {
        assert!(card.es10(&bound[segment.bytes.clone()]).is_empty());
        assert!(card.profiles().is_empty());
        assert_eq!(card.es10_hex("BF3E035C015A"), format!("BF3E125A10{}", lab.eid));
        // So may those of another version of the standard.
        assert_eq!(card.store_data(&vectors::bytes("BF5400")), (Vec::new(), 0x6A88));
    }
    let answer = card.es10(&bound[last.bytes.clone()]);
    let data = result(&answer, lab.pki.euicc.certificate());
    assert!(matches!(data.final_result, FinalResult::Success { .. }));
}
