//! The walk of crate `ef` over the published profiles of TS.48: every file that the package
//! asks for is found where the standard has it, with the content of the package, and the
//! chip is as it was before. What is expected is what `read_back` reads from the package.

use std::collections::BTreeMap;

use apdu::StatusWord;
use ef::{
    Condition, Ending, File, Operation, Options, Pin, PinTries, Place, Step, Unread, Verification, Walk,
};
use serde_json::Value;
use words::Language::English;

use crate::card::{Card, factory, hex, preloaded};
use crate::read_back::{At, Expected, Files, PROFILES, files};
use crate::server::*;
use wasm_euicc::nvm::MemoryMedium;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

type Chip = Card<MemoryMedium>;

struct Seen {
    files: BTreeMap<At, File>,
    pins: Vec<PinTries>,
    commands: Vec<Vec<u8>>,
}

impl Seen {
    /// All values with a name in a file, in English.
    fn say(&self, at: &[u16], adf: Option<&str>, name: &str) -> String {
        let found = self
            .files
            .iter()
            .find(|((aid, path), _)| path[..] == *at && aid.as_deref().map(|aid| &aid[..14]) == adf);
        let (_, file) = found.unwrap_or_else(|| panic!("{at:04X?} {adf:?}"));
        let nodes = file.decoded().concat();
        let node = nodes.iter().find_map(|node| node.find(name));
        node.unwrap_or_else(|| panic!("{name} in {nodes:#?}")).value.say(English)
    }
}

const USIM: &str = "A0000000871002";
const ISIM: &str = "A0000000871004";

fn at(place: &Place) -> At {
    (place.aid.as_deref().map(hex), place.path.clone())
}

fn walk(card: &mut Chip, options: Options) -> Seen {
    let mut walk = Walk::new(options);
    let mut seen = Seen { files: BTreeMap::new(), pins: Vec::new(), commands: Vec::new() };
    let mut response = None;
    loop {
        match walk.next(response.take().as_deref()) {
            Step::Send(command) => {
                response = Some(card.chip.transmit(&command));
                seen.commands.push(command);
            }
            Step::Found(file) => {
                let above = file.place.parent();
                assert!(above.is_none_or(|above| seen.files.contains_key(&at(&above))), "{}", file.name());
                assert!(seen.files.insert(at(&file.place), *file).is_none(), "found once");
            }
            Step::Pin(pin) => seen.pins.push(pin),
            Step::Done(ending) => {
                assert_eq!(ending, Ending::Complete);
                assert!((walk.progress() - 1.0).abs() < f32::EPSILON);
                return seen;
            }
        }
    }
}

/// A chip with a published profile, enabled.
fn chip(package: &[u8], expected: &Files) -> Chip {
    let iccid = expected.iter().find(|((aid, path), _)| aid.is_none() && path[..] == [0x2FE2]);
    let iccid = iccid.and_then(|(_, file)| file.as_ref()).unwrap().body.clone();
    let lab = Lab::new();
    let mut metadata = metadata(1);
    metadata.iccid = rsp::Iccid::from_bytes(iccid.try_into().unwrap());
    let mut made = factory(&lab);
    made.preloaded.push(preloaded(&metadata, package, true));
    Card::made_by(&made)
}

/// Whether the walk finds it without looking everywhere: its place has a name.
fn is_known((aid, path): &At) -> bool {
    let application =
        aid.as_deref().map_or(ef::Application::Uicc, |aid| ef::Application::of(&vectors::bytes(aid)));
    let Some((own, above)) = path.split_last() else { return true };
    ef::entries().any(|(app, parent, entry)| {
        app == application && parent == above && entry.fid == *own && entry.fid == entry.last
    })
}

fn structure(file: &File) -> u8 {
    match file.fcp.as_ref().unwrap().structure {
        ef::Structure::Directory => 0x78,
        ef::Structure::Transparent => 0x41,
        ef::Structure::LinearFixed { .. } => 0x42,
        ef::Structure::Cyclic { .. } => 0x46,
        ef::Structure::BerTlv => 0x79,
    }
}

/// How many files there are, how many with their content.
fn compare(name: &str, expected: &Files, seen: &Seen, all: bool) -> (usize, usize) {
    let (mut found, mut read) = (0, 0);
    for (place, wanted) in expected {
        let what = format!("{name}: {place:04X?}");
        let file = seen.files.get(place);
        let Some(wanted) = wanted else {
            assert!(file.is_none(), "{what}: is not to be there");
            continue;
        };
        if !all && !is_known(place) && file.is_none() {
            continue;
        }
        let file = file.unwrap_or_else(|| panic!("{what}: not found"));
        found += 1;
        let Expected { kind, sfi, body, link, .. } = wanted;
        assert_eq!(structure(file), *kind, "{what}");
        if *kind != 0x78 {
            assert_eq!(
                file.fcp.as_ref().unwrap().sfi,
                sfi.map(|sfi| sfi >> 3).filter(|sfi| *sfi > 0),
                "{what}"
            );
        }
        match &file.body {
            None => assert_eq!(*kind, 0x78, "{what}"),
            Some(Ok(own)) => {
                let own: Vec<u8> =
                    (0..own.count()).flat_map(|index| own.expose_bytes(index).unwrap().to_vec()).collect();
                let service_table = place.0.is_some()
                    && (place.1[..] == [0x6F38] || (place.1[..] == [0x6F07] && body.len() > 9));
                if service_table {
                    assert!(own.iter().zip(body).all(|(own, given)| own & !given == 0), "{what}");
                } else if !link {
                    assert_eq!(hex(&own), hex(body), "{what}");
                }
                read += 1;
            }
            Some(Err(Unread::Refused { sw: StatusWord::SECURITY_STATUS, needs })) => {
                // It says what it needs, and that is nothing that was given.
                let needs = needs.as_ref().unwrap_or_else(|| panic!("{what}: no rule"));
                assert!(!matches!(needs, Condition::Always | Condition::Key(0x01)), "{what}: {needs:?}");
            }
            // What the chip does not do: RETRIEVE DATA.
            Some(Err(why)) => assert!(*kind == 0x79, "{what}: {why:?}"),
        }
        for (unit, shown) in file.decoded().iter().zip(file.shown_bytes()) {
            assert!(unit.len() <= 1024 && !shown.is_empty(), "{what}");
        }
    }
    (found, read)
}

#[test]
fn every_published_profile_is_walked() {
    let Some(templates) = vectors::read("saip-templates.json") else { return };
    let templates: Value = serde_json::from_slice(&templates).unwrap();
    for name in PROFILES {
        let Some(package) = vectors::read(&format!("data/{name}.der")) else { return };
        let expected = files(&package, &templates);
        let mut card = chip(&package, &expected);
        let seen = walk(&mut card, Options::default());
        let (found, read) = compare(name, &expected, &seen, false);
        println!("{name}: {found} files, {read} read, {} commands", seen.commands.len());
        assert!(found > 150 && read > 120, "{name}: {found} {read}");
        let seen = walk(&mut card, Options { thorough: true, ..Options::default() });
        let (found, read) = compare(name, &expected, &seen, true);
        println!("{name}: {found} files, {read} read, {} commands, everywhere", seen.commands.len());
        assert!(found > 160 && read > 130, "{name}: {found} {read}");
    }
}

#[test]
fn what_stands_in_a_profile_is_told() {
    let Some(templates) = vectors::read("saip-templates.json") else { return };
    let templates: Value = serde_json::from_slice(&templates).unwrap();
    let name = "data/ts48-v7/TS48v7_eSIM_GTP_SAIP2.3_NoBERTLV.der";
    let Some(package) = vectors::read(name) else { return };
    let mut card = chip(&package, &files(&package, &templates));
    let seen = walk(&mut card, Options::default());
    // The data sheet of the profile: header, EF.IMSI, EF.ACC, EF.ECC, EF.IMPI.
    assert_eq!(seen.say(&[0x2FE2], None, "ICCID"), "89000123456789012341");
    assert_eq!(seen.say(&[0x6F07], Some(USIM), "IMSI"), "001010123456789");
    assert_eq!(seen.say(&[0x6F07], Some(USIM), "MNC"), "01");
    assert_eq!(seen.say(&[0x6F07], Some(USIM), "MSIN"), "0123456789");
    assert_eq!(seen.say(&[0x6F78], Some(USIM), "Access classes"), "0");
    assert_eq!(seen.say(&[0x6FAD], Some(USIM), "Operation mode"), "type approval");
    assert_eq!(seen.say(&[0x6FB7], Some(USIM), "Number"), "112");
    assert_eq!(seen.say(&[0x6FB7], Some(USIM), "Name"), "Euro Emer");
    assert_eq!(seen.say(&[0x6F02], Some(ISIM), "Address"), "001010123456789@test.3gpp.com");
    assert_eq!(seen.say(&[0x5FC0, 0x4F07], Some(USIM), "Scheme 1"), "");
    // Keys are there and are not shown.
    let keys = seen.files.iter().find(|((_, path), _)| path[..] == [0x6F08]).unwrap().1;
    assert!(keys.entry.unwrap().secret);
    let rules = keys.rules.as_ref().unwrap();
    assert_eq!(rules.of(Operation::Update).words().en, "PIN1");
}

#[test]
fn a_walk_leaves_the_chip_as_it_was() {
    let Some(templates) = vectors::read("saip-templates.json") else { return };
    let templates: Value = serde_json::from_slice(&templates).unwrap();
    let Some(package) = vectors::read(&format!("data/{}.der", PROFILES[4])) else { return };
    let mut card = chip(&package, &files(&package, &templates));
    // The phone stands in the USIM on the basic channel, at EF.IMSI.
    let aid = vectors::bytes("A0000000871002FF49FF0589");
    let select = [&[0x00, 0xA4, 0x04, 0x0C, aid.len() as u8][..], &aid].concat();
    assert_eq!(card.chip.transmit(&select), [0x90, 0x00]);
    assert_eq!(card.chip.transmit(&[0x00, 0xA4, 0x00, 0x0C, 0x02, 0x6F, 0x07]), [0x90, 0x00]);
    let before = card.chip.transmit(&[0x00, 0xB0, 0x00, 0x00, 0x09]);
    assert_eq!(before.len(), 11);
    let seen = walk(&mut card, Options::default());
    assert_eq!(card.chip.transmit(&[0x00, 0xB0, 0x00, 0x00, 0x09]), before);
    // Nothing but MANAGE CHANNEL, SELECT, reading, and the question for tries.
    for command in &seen.commands {
        let reads = matches!(command[1], 0x70 | 0xA4 | 0xB0 | 0xB2 | 0xC0 | 0xCB);
        assert!(reads || (command[1] == 0x20 && command.len() == 4), "{command:02X?}");
    }
    // Its channel is closed: the next one that is opened has the same number.
    let own = seen.commands[1][0] & 0x0F;
    assert_eq!(card.chip.transmit(&[0x00, 0x70, 0x00, 0x00, 0x01]), [own, 0x90, 0x00]);
}

#[test]
fn a_pin_is_presented_once_and_never_as_the_last_try() {
    let Some(templates) = vectors::read("saip-templates.json") else { return };
    let templates: Value = serde_json::from_slice(&templates).unwrap();
    let Some(package) = vectors::read(&format!("data/{}.der", PROFILES[4])) else { return };
    let mut card = chip(&package, &files(&package, &templates));
    // PIN1 of the profile is 0000 and not asked for; here it is.
    let enable = [&[0x00, 0x28, 0x00, 0x01, 0x08][..], b"0000\xFF\xFF\xFF\xFF"].concat();
    assert_eq!(card.chip.transmit(&enable), [0x90, 0x00]);
    card.reset();
    let told = |seen: &Seen| {
        let pin = seen.pins.iter().find(|pin| pin.reference == 0x01).unwrap();
        assert!(pin.enabled);
        (pin.left, pin.verification)
    };
    let imsi = |seen: &Seen| {
        let file =
            seen.files.iter().find(|((aid, path), _)| aid.is_some() && path[..] == [0x6F07]).unwrap().1;
        match file.body.as_ref().unwrap() {
            Ok(_) => None,
            Err(why) => Some(why.words().en),
        }
    };
    let with = |digits: &str| Options { pins: vec![(0x01, Pin::new(digits).unwrap())], ..Options::default() };
    let seen = walk(&mut card, Options::default());
    assert_eq!(told(&seen), (Some(3), None));
    assert_eq!(imsi(&seen).as_deref(), Some("needs PIN1"));
    // Asking loses no try; a wrong PIN loses one, and only one.
    let seen = walk(&mut card, with("1111"));
    assert_eq!(told(&seen), (Some(2), Some(Verification::Wrong)));
    let seen = walk(&mut card, with("2222"));
    assert_eq!(told(&seen), (Some(1), Some(Verification::Wrong)));
    let seen = walk(&mut card, with("0000"));
    assert_eq!(told(&seen), (Some(1), Some(Verification::NotTried)));
    assert_eq!(imsi(&seen).as_deref(), Some("needs PIN1"));
    let seen = walk(&mut card, Options { last_try: true, ..with("0000") });
    assert_eq!(told(&seen).1, Some(Verification::Verified));
    assert_eq!(imsi(&seen), None);
}
