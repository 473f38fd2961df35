//! ES10a, ES10c: addresses, lists, states, deletion, memory reset.

use rsp::DataObject as _;
use rsp::metadata::{OperatorId, PprIds, ProfileClass, StoreMetadata};
use rsp::profiles::{
    DeleteProfileRequest, MemoryResetRequest, ProfileIdentifier, ProfileState, SetNicknameRequest,
    StateChange, StateChangeRequest,
};
use wasm_euicc::nvm::{Medium, MemoryMedium};

use crate::card::{Card, factory, hex, preloaded};
use crate::server::*;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

type Chip = Card<MemoryMedium>;

pub(crate) fn change<M: Medium>(card: &mut Card<M>, change: StateChange, number: u8, refresh: bool) -> u8 {
    let profile = ProfileIdentifier::Iccid(iccid(number));
    let answer = card.es10(&StateChangeRequest { change, profile, refresh }.encode());
    rsp::profiles::decode_result(&answer, change.tag()).unwrap()
}

pub(crate) fn enable<M: Medium>(card: &mut Card<M>, number: u8) -> u8 {
    change(card, StateChange::Enable, number, false)
}

pub(crate) fn disable<M: Medium>(card: &mut Card<M>, number: u8) -> u8 {
    change(card, StateChange::Disable, number, false)
}

pub(crate) fn delete<M: Medium>(card: &mut Card<M>, number: u8) -> u8 {
    let request = DeleteProfileRequest(ProfileIdentifier::Iccid(iccid(number)));
    rsp::profiles::decode_result(&card.es10(&request.encode()), DeleteProfileRequest::TAG).unwrap()
}

fn reset_memory(card: &mut Chip, options: u32) -> u8 {
    let answer = card.es10(&MemoryResetRequest(options).encode());
    rsp::profiles::decode_result(&answer, MemoryResetRequest::TAG).unwrap()
}

/// The number of the enabled profile.
pub(crate) fn enabled<M: Medium>(card: &mut Card<M>) -> Option<u8> {
    let list = card.profiles();
    let mut enabled = list.iter().filter(|info| info.state == Some(ProfileState::Enabled));
    let iccid_of = enabled.next()?.iccid;
    assert!(enabled.next().is_none(), "more than one is enabled");
    (0..=255).find(|&number| iccid_of == Some(iccid(number)))
}

fn of_class(number: u8, class: ProfileClass, rules: PprIds) -> StoreMetadata {
    let mut metadata = metadata(number);
    metadata.profile_class = class;
    metadata.profile_policy_rules = rules;
    metadata.profile_owner = Some(OperatorId { mcc_mnc: [0x00, 0xF1, 0x10], gid1: None, gid2: None });
    metadata
}

/// A chip with these profiles from the field, all disabled.
fn with(profiles: &[(u8, ProfileClass, PprIds)]) -> (Lab, Chip) {
    let lab = Lab::new();
    let mut card = Card::new(&lab);
    for &(number, class, rules) in profiles {
        let package = package_with(number, [0; 16]);
        install(&mut card, &lab, &of_class(number, class, rules), &package);
    }
    card.forget_notifications();
    (lab, card)
}

const NONE: PprIds = PprIds(0);
use ProfileClass::{Operational, Provisioning, Test};

#[test]
fn functions_that_are_not_there_and_requests_that_are_none() {
    let (_, mut card) = with(&[]);
    for (request, sw) in [
        ("BF5600", 0x6A88),
        ("BF4200", 0x6A88),
        ("BF3500", 0x6A80),
        ("5A00", 0x6A88),
        ("BF2E", 0x6A80),
        ("BF2E01", 0x6A80),
        ("BF2E0000", 0x6A80),
        ("BF3803300000", 0x6A80),
        ("BF2100", 0x6A80),
        ("BF3003800180", 0x6A80),
        ("BF3E035C0150", 0x6A80),
        ("BF3E00", 0x6A80),
        ("BF4100", 0x6A80),
        ("BF3100", 0x6A80),
        ("BF33025A00", 0x6A80),
        ("BF340101", 0x6A80),
        ("8600", 0x6985),
        ("BF3600", 0x6985),
    ] {
        let (data, found) = card.store_data(&vectors::bytes(request));
        assert_eq!((data.len(), found), (0, sw), "{request}: {found:04X}");
        let told = card.trace().last().unwrap();
        assert!(told.starts_with(&format!("STORE DATA: {sw:04X}: ")), "{request}: {told}");
    }
}

#[test]
fn addresses_are_set_and_removed() {
    let lab = Lab::new();
    let mut made = factory(&lab);
    made.root_ds_address = "ds.example.com".into();
    let mut card = Card::made_by(&made);
    let root = "810E64732E6578616D706C652E636F6D";
    assert_eq!(card.es10_hex("BF3C00"), format!("BF3C10{root}"));
    assert_eq!(card.es10_hex("BF3F04 80023A3A"), "BF3F03800100");
    assert_eq!(card.es10_hex("BF3C00"), format!("BF3C1480023A3A{root}"));
    let long = tlv::encode(tlv::Tag(0xBF3F), &tlv::encode(tlv::Tag(0x80), &[b'a'; 255]));
    assert_eq!(hex(&card.es10(&long)), "BF3F03800100");
    let mut card = card.power_cycle(&made);
    assert!(card.es10_hex("BF3C00").contains(&"61".repeat(255)));
    assert_eq!(card.es10_hex("BF3F02 8000"), "BF3F03800100");
    assert_eq!(card.es10_hex("BF3C00"), format!("BF3C10{root}"));
    // A memory reset goes back to what the chip was made with.
    made.default_dp_address = Some("dp".into());
    let mut card = Card::made_by(&made);
    assert_eq!(reset_memory(&mut card, MemoryResetRequest::DEFAULT_SMDP_ADDRESS), 1);
    assert_eq!(card.es10_hex("BF3F02 8000"), "BF3F03800100");
    assert_eq!(reset_memory(&mut card, MemoryResetRequest::DEFAULT_SMDP_ADDRESS), 0);
    assert_eq!(card.es10_hex("BF3C00"), format!("BF3C1480026470{root}"));
}

#[test]
fn profiles_are_found_and_told_of_as_asked() {
    let (_, mut card) = with(&[(1, Operational, NONE), (2, Test, NONE), (3, Provisioning, NONE)]);
    let number = |card: &mut Chip, request: &str| {
        let answer = card.es10(&vectors::bytes(request));
        match rsp::profiles::ProfileInfoListResponse::decode(&answer).unwrap() {
            rsp::profiles::ProfileInfoListResponse::Ok(list) => list.len(),
            rsp::profiles::ProfileInfoListResponse::Error(code) => 100 + usize::from(code),
        }
    };
    assert_eq!(number(&mut card, "BF2D00"), 3);
    assert_eq!(number(&mut card, &format!("BF2D0EA00C5A0A{}", hex(iccid(2).as_bytes()))), 1);
    assert_eq!(number(&mut card, "BF2D14A0124F10A0000005591010FFFFFFFF8900001200"), 1);
    assert_eq!(number(&mut card, "BF2D14A0124F10A0000005591010FFFFFFFF8900001300"), 0);
    for class in 0..=2 {
        assert_eq!(number(&mut card, &format!("BF2D05A00395010{class}")), 1);
    }
    // No such class; no such criterion.
    assert_eq!(number(&mut card, "BF2D05A003950107"), 101);
    assert_eq!(number(&mut card, "BF2D05A003960101"), 101);
    // Only what is asked for, and unknown tags are ignored.
    let iccid2 = hex(iccid(2).as_bytes());
    assert_eq!(
        card.es10_hex(&format!("BF2D15 A00C5A0A{iccid2} 5C05 5A 9F70 DF7F")),
        format!("BF2D14A012E3105A0A{iccid2}9F700100")
    );
    assert_eq!(card.es10_hex(&format!("BF2D11 A00C5A0A{iccid2} 5C01 90")), "BF2D04A002E300");
    // Everything else there is.
    let all = card.es10_hex(&format!("BF2D13 A00C5A0A{iccid2} 5C03 B6 B7 99"));
    assert!(all.contains("B7058003 00F110".replace(' ', "").as_str()) && all.contains("B6"), "{all}");
}

#[test]
fn enable_and_disable_by_the_table() {
    let (_, mut card) = with(&[(1, Operational, NONE), (2, Operational, NONE)]);
    assert_eq!(enable(&mut card, 9), 1);
    assert_eq!(disable(&mut card, 9), 1);
    assert_eq!(disable(&mut card, 1), 2);
    assert_eq!(enable(&mut card, 1), 0);
    assert_eq!(enabled(&mut card), Some(1));
    assert_eq!(enable(&mut card, 1), 2);
    assert_eq!(delete(&mut card, 1), 2);
    // The other one takes its place.
    assert_eq!(enable(&mut card, 2), 0);
    assert_eq!(enabled(&mut card), Some(2));
    assert_eq!(delete(&mut card, 1), 0);
    assert_eq!(delete(&mut card, 1), 1);
    assert_eq!(disable(&mut card, 2), 0);
    assert_eq!(enabled(&mut card), None);
    // By AID; disabling the last one is allowed.
    let aid = "A0124F10A0000005591010FFFFFFFF8900001100";
    assert_eq!(card.es10_hex(&format!("BF3117{aid}810100")), "BF3103800100");
    assert_eq!(card.es10_hex(&format!("BF3217{aid}8101FF")), "BF3203800100");
}

#[test]
fn policy_rules_hold() {
    // PPR1: may not be disabled, nor displaced by an operational profile.
    let (_, mut card) = with(&[
        (1, Operational, PprIds::PPR1),
        (2, Operational, NONE),
        (3, Test, NONE),
        (4, Provisioning, NONE),
    ]);
    assert_eq!(enable(&mut card, 1), 0);
    assert_eq!(disable(&mut card, 1), 3);
    assert!(card.trace().last().unwrap().ends_with("PPR1 of the Enabled Profile"), "{:?}", card.trace());
    assert_eq!(enable(&mut card, 2), 3);
    assert_eq!(enable(&mut card, 3), 0);
    assert_eq!(disable(&mut card, 3), 0);
    // It came back by itself.
    assert_eq!(enabled(&mut card), Some(1));
    assert_eq!(enable(&mut card, 4), 0);
    assert_eq!(enabled(&mut card), Some(4));
    // PPR2: may not be deleted, but the memory may be reset.
    let (_, mut card) = with(&[(1, Operational, PprIds::PPR2)]);
    assert_eq!(delete(&mut card, 1), 3);
    assert!(card.trace().last().unwrap().contains("PPR2 of the profile"), "{:?}", card.trace());
    assert_eq!(enable(&mut card, 1), 0);
    assert_eq!(disable(&mut card, 1), 0);
    assert_eq!(reset_memory(&mut card, MemoryResetRequest::OPERATIONAL_PROFILES), 0);
    assert!(card.profiles().is_empty());
}

#[test]
fn a_provisioning_profile_is_no_way_around_ppr1() {
    let (_, mut card) = with(&[
        (1, Operational, PprIds::PPR1),
        (2, Operational, NONE),
        (3, Test, NONE),
        (4, Provisioning, NONE),
    ]);
    assert_eq!(enable(&mut card, 1), 0);
    assert_eq!(enable(&mut card, 4), 0);
    card.reset();
    assert_eq!(enable(&mut card, 2), 3);
    assert_eq!(delete(&mut card, 1), 3);
    assert_eq!(disable(&mut card, 4), 0);
    assert_eq!(enabled(&mut card), Some(1));
    // Nor are both kinds together, in any order.
    for way in [&[4, 3][..], &[3], &[4]] {
        for &number in way {
            assert_eq!(enable(&mut card, number), 0);
        }
        assert_ne!(enable(&mut card, 2), 0, "{way:?}");
        assert_eq!(delete(&mut card, 1), 3, "{way:?}");
        assert_eq!(disable(&mut card, way[way.len() - 1]), 0);
        assert_eq!(enabled(&mut card), Some(1), "{way:?}");
    }
    // Nor is it to reset the memory of test profiles.
    assert_eq!(enable(&mut card, 3), 0);
    assert_eq!(reset_memory(&mut card, MemoryResetRequest::FIELD_LOADED_TEST_PROFILES), 0);
    card.open();
    assert_eq!(enabled(&mut card), Some(1));
    assert_eq!(enable(&mut card, 2), 3);
    // By itself it comes back, and by hand.
    assert_eq!(enable(&mut card, 4), 0);
    assert_eq!(enable(&mut card, 1), 0);
    assert_eq!(disable(&mut card, 1), 3);
    // A profile without the rule is displaced for good.
    assert_eq!(reset_memory(&mut card, MemoryResetRequest::OPERATIONAL_PROFILES), 0);
    let (_, mut card) = with(&[(2, Operational, NONE), (4, Provisioning, NONE)]);
    assert_eq!(enable(&mut card, 2), 0);
    assert_eq!(enable(&mut card, 4), 0);
    assert_eq!(delete(&mut card, 2), 0);
    assert_eq!(disable(&mut card, 4), 0);
    assert_eq!(enabled(&mut card), None);
}

#[test]
fn from_a_test_profile_the_way_leads_back() {
    let (_, mut card) =
        with(&[(1, Operational, NONE), (2, Operational, NONE), (3, Test, NONE), (4, Test, NONE)]);
    assert_eq!(enable(&mut card, 1), 0);
    assert_eq!(enable(&mut card, 3), 0);
    assert_eq!(enable(&mut card, 2), 4);
    assert_eq!(enable(&mut card, 4), 0);
    assert_eq!(enable(&mut card, 2), 4);
    assert_eq!(enable(&mut card, 1), 0);
    // Nothing was displaced: nothing comes back.
    assert_eq!(disable(&mut card, 1), 0);
    assert_eq!(enable(&mut card, 3), 0);
    assert_eq!(disable(&mut card, 3), 0);
    assert_eq!(enabled(&mut card), None);
    // What was displaced and then deleted stays gone.
    assert_eq!(enable(&mut card, 2), 0);
    assert_eq!(enable(&mut card, 3), 0);
    assert_eq!(delete(&mut card, 2), 0);
    assert_eq!(disable(&mut card, 3), 0);
    assert_eq!(enabled(&mut card), None);
}

const TERMINAL_PROFILE: [u8; 7] = [0x80, 0x10, 0x00, 0x00, 0x02, 0xFF, 0xFF];

fn basic(card: &mut Chip, command: &str) -> String {
    hex(&card.chip.transmit(&vectors::bytes(command)))
}

#[test]
fn a_change_with_refresh_waits_for_the_terminal() {
    for (answer, expected) in [("00", Some(1)), ("01", Some(1)), ("20", None), ("30", None)] {
        let (_, mut card) = with(&[(1, Operational, NONE), (2, Operational, NONE)]);
        card.chip.transmit(&TERMINAL_PROFILE);
        let request = vectors::bytes(&format!("BF3111A00C5A0A{}8101FF", hex(iccid(1).as_bytes())));
        let (data, sw) = card.store_data(&request);
        assert_eq!((hex(&data).as_str(), sw), ("BF3103800100", 0x910B));
        // Not yet; and the terminal is busy.
        assert_eq!(enabled(&mut card), None);
        assert_eq!(enable(&mut card, 2), 5);
        assert_eq!(reset_memory(&mut card, MemoryResetRequest::OPERATIONAL_PROFILES), 5);
        assert!(card.notifications().is_empty());
        assert_eq!(basic(&mut card, "801200000B"), "D0098103010104820281829000");
        assert_eq!(enable(&mut card, 2), 5);
        assert_eq!(basic(&mut card, &format!("801400000C 810301010482028281 8301{answer}")), "9000");
        card.open();
        assert_eq!(enabled(&mut card), expected, "{answer}");
        assert_eq!(card.notifications().len(), if expected.is_some() { 2 } else { 0 });
        // A temporary problem waits for the reset, a permanent one ends it.
        card.reset();
        assert_eq!(enabled(&mut card), if answer == "30" { None } else { Some(1) }, "{answer}");
    }
}

#[test]
fn a_terminal_that_knows_the_mode_is_told_of_a_profile_state_change() {
    // TERMINAL PROFILE byte 34, bit 6 (ETSI TS 102 223 §5.2); the bits beside it do not say it.
    for (byte, mode) in [("20", "09"), ("DF", "04")] {
        let (_, mut card) = with(&[(1, Operational, NONE)]);
        let profile = format!("80100000 22 {} {byte}", "FF".repeat(33));
        assert_eq!(basic(&mut card, &profile), "9000");
        assert_eq!(change(&mut card, StateChange::Enable, 1, true), 0);
        let fetched = format!("D00981030101{mode}820281829000");
        assert_eq!(basic(&mut card, "801200000B"), fetched);
        assert_eq!(basic(&mut card, &format!("801400000C 810301 01{mode} 82028281 830100")), "9000");
        card.open();
        assert_eq!(enabled(&mut card), Some(1));
    }
}

#[test]
fn the_provisioning_profile_takes_over_where_the_chip_was_made_so() {
    for fallback in [false, true] {
        let lab = Lab::new();
        let mut made = factory(&lab);
        made.fallback = fallback;
        let bootstrap = of_class(4, Provisioning, NONE);
        made.preloaded.push(preloaded(&bootstrap, &package(4), true));
        let mut card = Card::made_by(&made);
        for number in [1, 2] {
            install(&mut card, &lab, &metadata(number), &package(number));
        }
        install(&mut card, &lab, &of_class(3, Test, NONE), &package_with(3, [0; 16]));
        card.forget_notifications();
        let none_else = fallback.then_some(4);
        assert_eq!(enable(&mut card, 1), 0);
        assert_eq!(enable(&mut card, 2), 0);
        assert_eq!(disable(&mut card, 2), 0);
        assert_eq!(enabled(&mut card), none_else);
        // What a test profile displaced comes first.
        assert_eq!(enable(&mut card, 1), 0);
        assert_eq!(enable(&mut card, 3), 0);
        assert_eq!(disable(&mut card, 3), 0);
        assert_eq!(enabled(&mut card), Some(1));
        // The same at a memory reset, and with a REFRESH that waits.
        assert_eq!(change(&mut card, StateChange::Disable, 1, true), 0);
        assert_eq!(enabled(&mut card), Some(1));
        card.reset();
        assert_eq!(enabled(&mut card), none_else);
        assert_eq!(enable(&mut card, 2), 0);
        assert_eq!(reset_memory(&mut card, MemoryResetRequest::OPERATIONAL_PROFILES), 0);
        assert_eq!(enabled(&mut card), none_else);
        // Whoever disables the provisioning profile itself wants none.
        if fallback {
            assert_eq!(disable(&mut card, 4), 0);
        }
        assert_eq!(enabled(&mut card), None);
        let mut card = card.power_cycle(&made);
        assert_eq!(enabled(&mut card), None);
    }
}

#[test]
fn a_change_with_refresh_takes_place_at_reset() {
    let (lab, mut card) = with(&[(1, Operational, NONE), (2, Operational, NONE)]);
    // No toolkit at all: the change waits for the reset, and may be replaced.
    assert_eq!(change(&mut card, StateChange::Enable, 1, true), 0);
    assert_eq!(enabled(&mut card), None);
    assert_eq!(change(&mut card, StateChange::Enable, 2, true), 0);
    card.reset();
    assert_eq!(enabled(&mut card), Some(2));
    // Loss of power is a reset too.
    assert_eq!(change(&mut card, StateChange::Disable, 2, true), 0);
    let mut card = card.power_cycle(&factory(&lab));
    assert_eq!(enabled(&mut card), None);
    // Without refresh afterwards: at once, and nothing is left to wait.
    assert_eq!(change(&mut card, StateChange::Enable, 1, true), 0);
    assert_eq!(enable(&mut card, 2), 0);
    assert_eq!(hex(&card.chip.transmit(&TERMINAL_PROFILE)), "9000");
    card.reset();
    assert_eq!(enabled(&mut card), Some(2));
    // The profile that was to be enabled is deleted meanwhile.
    assert_eq!(change(&mut card, StateChange::Enable, 1, true), 0);
    assert_eq!(delete(&mut card, 1), 0);
    card.reset();
    assert_eq!(enabled(&mut card), Some(2));
}

#[test]
fn the_files_of_the_enabled_profile_are_seen() {
    let (_, mut card) = with(&[(1, Operational, NONE), (2, Operational, NONE)]);
    let iccid_file = |card: &mut Chip| {
        card.chip.transmit(&vectors::bytes("00A4000C023F00"));
        card.chip.transmit(&vectors::bytes("00A4000C022FE2"));
        hex(&card.chip.transmit(&vectors::bytes("00B000000A")))
    };
    assert!(!iccid_file(&mut card).ends_with("9000"));
    for number in [1, 2] {
        assert_eq!(enable(&mut card, number), 0);
        assert_eq!(iccid_file(&mut card), format!("{}9000", hex(iccid(number).as_bytes())));
        // The ISD-R is still there on its channel.
        assert_eq!(card.profiles().len(), 2);
    }
}

#[test]
fn the_trace_names_the_rule_that_closes_a_file() {
    let (_, mut card) = with(&[(1, Operational, NONE)]);
    assert_eq!(enable(&mut card, 1), 0);
    for (command, answer) in
        [("00A4000C023F00", "9000"), ("00A4000C022FE2", "9000"), ("00D600000100", "6982")]
    {
        assert_eq!(hex(&card.chip.transmit(&vectors::bytes(command))), answer);
    }
    let told = card.trace().last().unwrap();
    assert_eq!(told, "INS D6 on EF 2FE2: record 11 of EF.ARR 2F06 does not allow it now");
}

#[test]
fn nicknames() {
    let (_, mut card) = with(&[(1, Operational, NONE)]);
    let mut set = |number, nickname: &str| {
        let request = SetNicknameRequest { iccid: iccid(number), nickname: nickname.into() };
        let (data, sw) = card.store_data(&request.encode());
        let code = rsp::profiles::decode_result(&data, SetNicknameRequest::TAG).ok();
        (sw, code, card.profiles()[0].nickname.clone())
    };
    let long = "ü".repeat(32);
    assert_eq!(set(1, "Mine"), (0x9000, Some(0), Some("Mine".into())));
    assert_eq!(set(1, &long), (0x9000, Some(0), Some(long.clone())));
    assert_eq!(set(1, &"x".repeat(65)), (0x6A80, None, Some(long.clone())));
    assert_eq!(set(2, "Nobody"), (0x9000, Some(1), Some(long)));
    assert_eq!(set(1, ""), (0x9000, Some(0), None));
}

#[test]
fn memory_is_reset_by_the_options() {
    let lab = Lab::new();
    let mut made = factory(&lab);
    let factory_test = of_class(5, Test, NONE);
    let provisioning = of_class(6, Provisioning, NONE);
    made.preloaded.push(preloaded(&factory_test, &package_with(5, [0; 16]), false));
    made.preloaded.push(preloaded(&provisioning, &package_with(6, [0; 16]), true));
    let numbers = |card: &mut Chip| -> Vec<u8> {
        let list = card.profiles();
        (0..20).filter(|&number| list.iter().any(|info| info.iccid == Some(iccid(number)))).collect()
    };
    let fill = || {
        let mut card = Card::made_by(&made);
        assert_eq!(enabled(&mut card), Some(6));
        for (number, class) in [(1, Operational), (2, Operational), (3, Test)] {
            install(&mut card, &lab, &of_class(number, class, NONE), &package_with(number, [0; 16]));
        }
        card.forget_notifications();
        card
    };
    let mut card = fill();
    assert_eq!(reset_memory(&mut card, 0), 1);
    assert_eq!(reset_memory(&mut card, MemoryResetRequest::FIELD_LOADED_TEST_PROFILES), 0);
    assert_eq!(numbers(&mut card), [1, 2, 5, 6]);
    assert_eq!(reset_memory(&mut card, MemoryResetRequest::FIELD_LOADED_TEST_PROFILES), 1);
    assert!(card.notifications().is_empty());
    assert_eq!(enable(&mut card, 1), 0);
    card.forget_notifications();
    assert_eq!(reset_memory(&mut card, MemoryResetRequest::OPERATIONAL_PROFILES), 0);
    assert_eq!((numbers(&mut card), enabled(&mut card)), (vec![5, 6], None));
    let events: Vec<_> = card.notifications().into_iter().map(|(_, event, _)| event).collect();
    assert_eq!(events, ["delete", "delete"]);
    // All at once, the provisioning profile enabled: it stays so.
    let mut card = fill();
    assert_eq!(reset_memory(&mut card, 0xE000_0000), 0);
    assert_eq!((numbers(&mut card), enabled(&mut card)), (vec![5, 6], Some(6)));
}

#[test]
fn a_chip_is_made_once() {
    let lab = Lab::new();
    let mut made = factory(&lab);
    made.memory = 100_000;
    let mut card = Card::made_by(&made);
    let (eid, free) = (card.es10_hex("BF3E035C015A"), card.free());
    let mut other = factory(&lab);
    other.eid = "89049032000000000000000000000051".parse().unwrap();
    other.memory = 200_000;
    let mut card = card.power_cycle(&other);
    assert_eq!((card.es10_hex("BF3E035C015A"), card.free()), (eid, free));
    // Parts that do not belong together make no chip, and write nothing.
    let refused = other.manufacture(crate::card::env(MemoryMedium::new()));
    assert!(matches!(refused, Err(wasm_euicc::FactoryError::Part { part: "euiccCertificate", .. })));
}

#[test]
fn a_factory_is_read_from_json() {
    use base64::Engine as _;
    let lab = Lab::new();
    let b64 = |bytes: &[u8]| base64::prelude::BASE64_STANDARD.encode(bytes);
    let key = lab.pki.euicc.expose_key();
    let scalar = key.expose_scalar();
    let sec1 = [&[0x30, 0x25, 0x02, 0x01, 0x01, 0x04, 0x20], &scalar[..]].concat();
    for key in [key.expose_pkcs8_der().unwrap().to_vec(), sec1, scalar.to_vec()] {
        let json = serde_json::json!({
            "eid": lab.eid.to_string(),
            "euiccPrivateKey": b64(&key),
            "euiccCertificate": b64(lab.pki.euicc.certificate().der()),
            "eumCertificate": b64(lab.pki.eum.certificate().der()),
            "ciCertificates": [b64(lab.pki.ci.certificate().der())],
            "memory": 300_000,
            "defaultDpAddress": ADDRESS,
            "rootDsAddress": "ds",
            "isdRAid": "A0000005591010FFFFFFFF8900000100",
            "sgp22Version": "2.1.0",
            "profileVersion": "2.1.0",
            "firmwareVersion": "7.8.9",
            // One line: PPR1 for 001/01 without a group, no consent.
            "rulesAuthorisationTable": b64(&vectors::bytes("BF4314A0123010 80020640 A107 3005 800300F110 820100")),
            "forbiddenProfilePolicyRules": ["ppr2"],
            "announced": {
                "uiccCapability": "40000000",
                "rspCapability": "80000000",
                "ts102241Version": "9.2.0",
                "globalplatformVersion": "2.3.0",
                "category": "mediumEuicc",
                "ppVersion": "4.5.6",
                "sasAcreditationNumber": "GI-BA-UP-0419",
            },
            "preloaded": [{
                "metadata": b64(&of_class(1, Provisioning, NONE).encode()),
                "package": b64(&package_with(1, [0; 16])),
                "enabled": true,
            }],
        });
        let made = wasm_euicc::Factory::from_json(json.to_string().as_bytes()).unwrap();
        let mut card = Card::made_by(&made);
        assert_eq!(enabled(&mut card), Some(1));
        assert!(card.free() < 300_000);
        let info = rsp::auth::EuiccInfo2::decode(&card.es10(&[0xBF, 0x22, 0x00])).unwrap();
        let version = rsp::Version;
        assert_eq!(
            (info.svn, info.profile_version, info.firmware_version, info.pp_version),
            (version([2, 1, 0]), version([2, 1, 0]), version([7, 8, 9]), version([4, 5, 6]))
        );
        assert_eq!((info.uicc_capability, info.rsp_capability), (0x4000_0000, 0x8000_0000));
        assert_eq!(info.ts102241_version, Some(version([9, 2, 0])));
        assert_eq!(info.globalplatform_version, Some(version([2, 3, 0])));
        assert_eq!((info.category, info.forbidden_profile_policy_rules), (Some(2), PprIds::PPR2));
        assert_eq!(info.sas_accreditation_number, "GI-BA-UP-0419");
        assert_eq!(card.es10_hex("BF4300"), "BF4314A012301080020640A1073005800300F110820100");
        // The FCI tells the version too.
        let select = card.chip.transmit(&vectors::bytes("00A4040010A0000005591010FFFFFFFF890000010000"));
        assert!(hex(&select).contains("8203020100"));
        install(&mut card, &lab, &metadata(2), &package(2));
    }
    for (name, value) in [("sgp22Version", "2.2"), ("rulesAuthorisationTable", "AAAA"), ("isdRAid", "A0")] {
        let mut json = serde_json::json!({
            "eid": lab.eid.to_string(),
            "euiccPrivateKey": b64(&scalar[..]),
            "euiccCertificate": b64(lab.pki.euicc.certificate().der()),
            "eumCertificate": b64(lab.pki.eum.certificate().der()),
            "ciCertificates": [],
        });
        json[name] = value.into();
        let refused = wasm_euicc::Factory::from_json(json.to_string().as_bytes()).err();
        assert!(
            matches!(refused, Some(wasm_euicc::FactoryError::Part { part, .. }) if part == name),
            "{name}: {refused:?}"
        );
    }
    assert!(wasm_euicc::Factory::from_json(b"{}").is_err());
}

#[test]
fn the_chip_tells_what_it_is() {
    let lab = Lab::new();
    let mut made = factory(&lab);
    made.forbidden_rules = PprIds::PPR2;
    let mut card = Card::made_by(&made);
    // Any operator may bring PPR1 and PPR2 when the user consents.
    assert_eq!(
        card.es10_hex("BF4300"),
        "BF4319A0173015800205 60A10B30098003EEEEEE8100820082020780".replace(' ', "")
    );
    let info = rsp::auth::EuiccInfo2::decode(&card.es10(&[0xBF, 0x22, 0x00])).unwrap();
    assert_eq!((info.svn.0, info.profile_version.0), ([2, 2, 2], [2, 3, 1]));
    // additionalProfile, crlSupport, testProfileSupport, deviceInfoExtensibilitySupport.
    assert_eq!(info.rsp_capability, 0xD800_0000);
    // No Java Card; usim, isim, milenage, tuak128, tuak256, usimTestAlgorithm.
    assert_eq!(info.ts102241_version, None);
    assert_eq!(info.uicc_capability & 0x0002_0000, 0);
    assert_eq!(info.uicc_capability & 0x6B80_0000, 0x6B80_0000);
    assert_eq!(info.forbidden_profile_policy_rules, PprIds::PPR2);
    assert_eq!(info.ext_card_resource.installed_applications, 0);
    assert_eq!(info.ext_card_resource.free_non_volatile_memory as usize, card.chip.free_memory());
    install(&mut card, &lab, &metadata(1), &package(1));
    let info = rsp::auth::EuiccInfo2::decode(&card.es10(&[0xBF, 0x22, 0x00])).unwrap();
    assert_eq!(info.ext_card_resource.installed_applications, 1);
}

#[test]
fn the_lowest_free_aid_is_given() {
    let (lab, mut card) = with(&[(1, Operational, NONE), (2, Operational, NONE)]);
    assert_eq!(delete(&mut card, 1), 0);
    install(&mut card, &lab, &metadata(3), &package(3));
    let list = card.profiles();
    let numbers: Vec<_> = list
        .iter()
        .map(|info| (info.iccid, hex(&info.isdp_aid.as_ref().unwrap().as_bytes()[13..15])))
        .collect();
    assert_eq!(numbers, [(Some(iccid(3)), "0010".to_owned()), (Some(iccid(2)), "0011".to_owned())]);
}
