//! LoadCRL, and what a revoked server may not do any more.

use rsp::DataObject as _;
use rsp::auth::AuthenticateServerResponse;
use rsp::codes::{AuthenticateErrorCode, DownloadErrorCode, LoadCrlError};
use rsp::crl::{LoadCrlRequest, LoadCrlResponse};
use rsp::download::PrepareDownloadResponse;
use rsp_crypto::Curve;
use rsp_crypto::crl::Part;
use rsp_crypto::issue::{Identity, RevocationList, Revoked};
use wasm_euicc::nvm::MemoryMedium;

use crate::card::{Card, factory, hex};
use crate::server::*;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// A list of these servers.
pub(crate) fn list(number: u32, revoked: &[&Identity]) -> RevocationList {
    RevocationList {
        number,
        this_update: 1_795_000_000,
        next_update: Some(1_796_000_000),
        revoked: revoked.iter().map(|server| Revoked::of(server.certificate(), 1_794_000_000)).collect(),
        ..RevocationList::default()
    }
}

pub(crate) fn request(list: &RevocationList, issuer: &Identity) -> Vec<u8> {
    LoadCrlRequest { crl: list.sign(issuer).unwrap() }.encode()
}

fn part(number: u32, total: u32, list: RevocationList) -> RevocationList {
    RevocationList { part: Some(Part { number, total }), ..list }
}

type Chip = Card<MemoryMedium>;

/// The parts that are missing then.
fn load_by(card: &mut Chip, list: &RevocationList, issuer: &Identity) -> Result<Vec<u32>, LoadCrlError> {
    match LoadCrlResponse::decode(&card.es10(&request(list, issuer))).unwrap() {
        LoadCrlResponse::Ok { missing_parts } => Ok(missing_parts),
        LoadCrlResponse::Error(code) => Err(code),
    }
}

/// AuthenticateServer's answer to this server: `None` when it is believed.
fn authentication(card: &mut Chip, lab: &Lab, server: &Identity) -> Option<AuthenticateErrorCode> {
    let now = challenge(card);
    let request = authenticate_request(lab, server, &tid(1), now);
    match AuthenticateServerResponse::decode(&card.es10(&request.encode())).unwrap() {
        AuthenticateServerResponse::Ok(_) => None,
        AuthenticateServerResponse::Error { code, .. } => Some(code),
    }
}

fn is_revoked(card: &mut Chip, lab: &Lab, server: &Identity) -> bool {
    match authentication(card, lab, server) {
        None => false,
        Some(AuthenticateErrorCode::INVALID_CERTIFICATE) => true,
        Some(other) => panic!("{other}: {:?}", card.trace()),
    }
}

#[test]
fn a_revoked_server_is_believed_no_more() {
    for curve in Curve::ALL {
        let lab = Lab::on(curve);
        let pki = &lab.pki;
        let mut card = Card::new(&lab);
        // SM-DP+ binding: the session goes on with another certificate.
        assert_eq!(load_by(&mut card, &list(1, &[&pki.dp_pb]), &pki.ci), Ok(vec![]));
        let dialogue = authenticate(&mut card, &lab, &tid(1));
        let answer = card.es10(&prepare_request(&lab, &dialogue, false, None).encode());
        let PrepareDownloadResponse::Error { code, .. } = PrepareDownloadResponse::decode(&answer).unwrap()
        else {
            panic!("believed")
        };
        assert_eq!(code, DownloadErrorCode::INVALID_CERTIFICATE);
        assert!(card.trace().iter().any(|line| line.contains("smdpCertificate: revoked")));

        // Authentication of SM-DP+ and SM-DS, over a loss of power.
        assert!(!is_revoked(&mut card, &lab, &pki.dp_auth) && !is_revoked(&mut card, &lab, &pki.ds_auth));
        assert_eq!(load_by(&mut card, &list(2, &[&pki.dp_auth, &pki.ds_auth]), &pki.ci), Ok(vec![]));
        let mut card = card.power_cycle(&factory(&lab));
        assert!(is_revoked(&mut card, &lab, &pki.dp_auth) && is_revoked(&mut card, &lab, &pki.ds_auth));
        assert!(card.trace().iter().any(|line| line.contains("serverCertificate: revoked")));

        // A fresher list lets them in again: the CI has the last word.
        assert_eq!(load_by(&mut card, &list(3, &[]), &pki.ci), Ok(vec![]));
        assert!(!is_revoked(&mut card, &lab, &pki.dp_auth));
        install(&mut card, &lab, &metadata(1), &package(1));
    }
}

#[test]
fn load_crl_checks() {
    let lab = Lab::new();
    let pki = &lab.pki;
    let mut card = Card::new(&lab);
    let good = list(5, &[&pki.dp_auth]);
    let code = |card: &mut Chip, request: &[u8]| hex(&card.es10(request));
    // Not a list; a list of another issuer; signed by somebody else; changed on the way.
    let certificate = LoadCrlRequest { crl: pki.ci.certificate().der().to_vec() };
    assert_eq!(code(&mut card, &certificate.encode()), "BF3503810102");
    assert_eq!(code(&mut card, &vectors::bytes("BF3502A000")), "BF3503810102");
    assert_eq!(load_by(&mut card, &good, &pki.eum), Err(LoadCrlError::VERIFICATION_KEY_NOT_FOUND));
    let mut changed = request(&good, &pki.ci);
    let last = changed.len() - 1;
    changed[last] ^= 1;
    assert_eq!(code(&mut card, &changed), "BF3503810101");
    let indirect = RevocationList { scope: Some(vectors::bytes("30038401FF")), ..good.clone() };
    assert_eq!(load_by(&mut card, &indirect, &pki.ci), Err(LoadCrlError::INVALID_CRL_FORMAT));
    assert!(!is_revoked(&mut card, &lab, &pki.dp_auth), "nothing of that was loaded");
    // As the module tags it, and as it is.
    let plain = tlv::encode(LoadCrlRequest::TAG, &good.sign(&pki.ci).unwrap());
    assert_eq!(code(&mut card, &plain), "BF3502A000");
    assert!(is_revoked(&mut card, &lab, &pki.dp_auth));
    // Once more does no harm; an older one is refused, and changes nothing.
    let free = card.free();
    assert_eq!(code(&mut card, &request(&good, &pki.ci)), "BF3502A000");
    assert_eq!(code(&mut card, &request(&list(4, &[]), &pki.ci)), "BF3503810105");
    assert_eq!(card.free(), free);
    assert!(is_revoked(&mut card, &lab, &pki.dp_auth));
    // A CI of the other curve that the chip does not know.
    let other = Lab::on(Curve::BrainpoolP256r1);
    assert_eq!(load_by(&mut card, &good, &other.pki.ci), Err(LoadCrlError::VERIFICATION_KEY_NOT_FOUND));
}

#[test]
fn a_list_is_of_its_issuer() {
    let (nist, brainpool) = (Lab::on(Curve::P256), Lab::on(Curve::BrainpoolP256r1));
    let mut made = factory(&nist);
    let other = factory(&brainpool);
    made.identities.extend(other.identities);
    made.ci_certificates.extend(other.ci_certificates);
    let mut card = Card::made_by(&made);
    // The same number is another certificate under the other CI.
    let (ours, theirs) = (&nist.pki.dp_auth, &brainpool.pki.dp_auth);
    assert_eq!(ours.certificate().serial_number(), theirs.certificate().serial_number());
    assert_eq!(load_by(&mut card, &list(1, &[ours]), &brainpool.pki.ci), Ok(vec![]));
    assert!(!is_revoked(&mut card, &nist, ours) && is_revoked(&mut card, &brainpool, theirs));
    assert_eq!(load_by(&mut card, &list(1, &[ours]), &nist.pki.ci), Ok(vec![]));
    assert_eq!(load_by(&mut card, &list(2, &[]), &brainpool.pki.ci), Ok(vec![]));
    assert!(is_revoked(&mut card, &nist, ours) && !is_revoked(&mut card, &brainpool, theirs));
}

#[test]
fn changes_need_the_list_that_they_change() {
    let lab = Lab::new();
    let pki = &lab.pki;
    let mut card = Card::new(&lab);
    let changes =
        |number, base, revoked: &[&Identity]| RevocationList { base: Some(base), ..list(number, revoked) };
    let missing = Err(LoadCrlError::BASE_CRL_MISSING);
    assert_eq!(load_by(&mut card, &changes(6, 5, &[&pki.ds_auth]), &pki.ci), missing);
    assert_eq!(load_by(&mut card, &list(4, &[&pki.dp_auth]), &pki.ci), Ok(vec![]));
    assert_eq!(load_by(&mut card, &changes(6, 5, &[&pki.ds_auth]), &pki.ci), missing);
    assert!(!is_revoked(&mut card, &lab, &pki.ds_auth));
    // Since number 3: what is there already may be told again.
    assert_eq!(load_by(&mut card, &changes(6, 3, &[&pki.ds_auth, &pki.dp_auth]), &pki.ci), Ok(vec![]));
    assert!(is_revoked(&mut card, &lab, &pki.dp_auth) && is_revoked(&mut card, &lab, &pki.ds_auth));
    // One is taken off, the other stays.
    let mut removal = changes(7, 6, &[&pki.dp_auth]);
    removal.revoked[0].reason = Some(8);
    assert_eq!(load_by(&mut card, &removal, &pki.ci), Ok(vec![]));
    assert!(!is_revoked(&mut card, &lab, &pki.dp_auth) && is_revoked(&mut card, &lab, &pki.ds_auth));
    let old = load_by(&mut card, &changes(6, 3, &[&pki.dp_auth]), &pki.ci);
    assert_eq!(old, Err(LoadCrlError::FRESHER_CRL_ALREADY_LOADED));
    let cut = part(1, 2, changes(8, 7, &[]));
    assert_eq!(load_by(&mut card, &cut, &pki.ci), Err(LoadCrlError::UNDEFINED_ERROR));
}

#[test]
fn a_list_comes_in_parts() {
    let lab = Lab::new();
    let pki = &lab.pki;
    let mut card = Card::new(&lab);
    assert_eq!(load_by(&mut card, &list(1, &[&pki.ds_auth]), &pki.ci), Ok(vec![]));
    let three = |number: u32, revoked: &[&Identity]| part(number, 3, list(5, revoked));
    assert_eq!(hex(&card.es10(&request(&three(2, &[&pki.dp_auth]), &pki.ci))), "BF350AA008A006020101020103");
    // A part counts from the moment it is there, and so does the list before it.
    assert!(is_revoked(&mut card, &lab, &pki.dp_auth) && is_revoked(&mut card, &lab, &pki.ds_auth));
    assert_eq!(load_by(&mut card, &three(2, &[&pki.dp_auth]), &pki.ci), Ok(vec![1, 3]));
    let mut card = card.power_cycle(&factory(&lab));
    assert_eq!(load_by(&mut card, &three(3, &[]), &pki.ci), Ok(vec![1]));
    // An older part; one of another cut.
    let older = part(1, 3, list(4, &[]));
    assert_eq!(load_by(&mut card, &older, &pki.ci), Err(LoadCrlError::FRESHER_CRL_ALREADY_LOADED));
    let other = part(1, 4, list(5, &[]));
    assert_eq!(load_by(&mut card, &other, &pki.ci), Err(LoadCrlError::INVALID_CRL_FORMAT));
    assert!(is_revoked(&mut card, &lab, &pki.ds_auth));
    // The last one: now the old list is gone.
    assert_eq!(load_by(&mut card, &three(1, &[]), &pki.ci), Ok(vec![]));
    assert!(is_revoked(&mut card, &lab, &pki.dp_auth) && !is_revoked(&mut card, &lab, &pki.ds_auth));
    assert_eq!(load_by(&mut card, &three(2, &[&pki.ds_auth]), &pki.ci), Ok(vec![]), "it is whole already");
    assert!(!is_revoked(&mut card, &lab, &pki.ds_auth));
    // A fresher list overtakes parts that are still missing some.
    assert_eq!(load_by(&mut card, &part(1, 2, list(6, &[&pki.ds_auth])), &pki.ci), Ok(vec![2]));
    assert_eq!(load_by(&mut card, &list(7, &[]), &pki.ci), Ok(vec![]));
    assert!(!is_revoked(&mut card, &lab, &pki.dp_auth) && !is_revoked(&mut card, &lab, &pki.ds_auth));
    let late = load_by(&mut card, &part(2, 2, list(6, &[])), &pki.ci);
    assert_eq!(late, Err(LoadCrlError::FRESHER_CRL_ALREADY_LOADED));
}

/// Lists for some certificates only stand beside each other, each with its numbers.
#[test]
fn scopes_stand_beside_each_other() {
    let lab = Lab::new();
    let pki = &lab.pki;
    let mut card = Card::new(&lab);
    // onlyContainsUserCerts, onlyContainsCACerts.
    let [users, issuers] = ["30038101FF", "30038201FF"].map(|scope| Some(vectors::bytes(scope)));
    let of_users = RevocationList { scope: users, ..list(9, &[&pki.dp_auth]) };
    assert_eq!(load_by(&mut card, &of_users, &pki.ci), Ok(vec![]));
    let of_issuers = RevocationList { scope: issuers, ..list(3, &[&pki.eum]) };
    assert_eq!(load_by(&mut card, &of_issuers, &pki.ci), Ok(vec![]));
    assert_eq!(load_by(&mut card, &list(2, &[]), &pki.ci), Ok(vec![]));
    assert!(is_revoked(&mut card, &lab, &pki.dp_auth));
    let fresher = RevocationList { number: 10, revoked: vec![], ..of_users.clone() };
    assert_eq!(load_by(&mut card, &fresher, &pki.ci), Ok(vec![]));
    assert!(!is_revoked(&mut card, &lab, &pki.dp_auth));
    assert_eq!(load_by(&mut card, &of_users, &pki.ci), Err(LoadCrlError::FRESHER_CRL_ALREADY_LOADED));
    // As many as a chip has places for: fullName [0] { URI }.
    let mut answers = (0..8u8).map(|number| {
        let uri = vec![b'a' + number; 5];
        let name = tlv::encode(tlv::Tag(0xA0), &tlv::encode(tlv::Tag(0x86), &uri));
        let point = tlv::encode(tlv::Tag::SEQUENCE, &tlv::encode(tlv::Tag(0xA0), &name));
        load_by(&mut card, &RevocationList { scope: Some(point), ..list(1, &[]) }, &pki.ci)
    });
    assert!(answers.by_ref().take(5).all(|answer| answer == Ok(vec![])));
    assert!(answers.all(|answer| answer == Err(LoadCrlError::NOT_ENOUGH_MEMORY_SPACE)));
}

/// As many numbers as fit one LoadCRL.
fn long(number: u32, first: u32) -> RevocationList {
    let revoked = (first..first + 1_700).map(|serial| Revoked {
        serial_number: [&[0x40; 12][..], &serial.to_be_bytes()].concat(),
        at: 1_794_000_000,
        reason: None,
        expires: None,
    });
    RevocationList { revoked: revoked.collect(), ..list(number, &[]) }
}

#[test]
fn the_room_for_lists_is_bounded() {
    let lab = Lab::new();
    let pki = &lab.pki;
    let mut made = factory(&lab);
    let mut card = Card::made_by(&made);
    let empty = card.free();
    assert_eq!(load_by(&mut card, &list(1, &[&pki.dp_auth]), &pki.ci), Ok(vec![]));
    // Two lists in three parts are more than a chip keeps of one.
    for (number, missing) in [(1, vec![2, 3, 4]), (2, vec![3, 4])] {
        let long = part(number, 4, long(2, number * 2_000));
        assert_eq!(load_by(&mut card, &long, &pki.ci), Ok(missing));
    }
    let free = card.free();
    let third = part(3, 4, long(2, 6_000));
    assert_eq!(load_by(&mut card, &third, &pki.ci), Err(LoadCrlError::NOT_ENOUGH_MEMORY_SPACE));
    assert_eq!((card.free(), free < empty - 50_000), (free, true));
    assert!(is_revoked(&mut card, &lab, &pki.dp_auth));
    let cut = part(1, 65, list(3, &[]));
    assert_eq!(load_by(&mut card, &cut, &pki.ci), Err(LoadCrlError::NOT_ENOUGH_MEMORY_SPACE));
    // A short list gives the room back.
    assert_eq!(load_by(&mut card, &list(3, &[]), &pki.ci), Ok(vec![]));
    assert!(empty - card.free() < 200);

    // A chip that has less room than that.
    made.memory = 30_000;
    let mut card = Card::made_by(&made);
    assert_eq!(load_by(&mut card, &list(1, &[&pki.dp_auth]), &pki.ci), Ok(vec![]));
    let free = card.free();
    assert_eq!(load_by(&mut card, &long(2, 0), &pki.ci), Err(LoadCrlError::NOT_ENOUGH_MEMORY_SPACE));
    assert_eq!(card.free(), free);
    assert!(is_revoked(&mut card, &lab, &pki.dp_auth));
}
