//! I8 against a full observation: for every command that changes the chip, power fails
//! at every write and after some bytes of it; what is seen of the chip afterwards is what
//! was seen before the command or what is seen after it, and nothing between.
//!
//! The expected states come from the same commands with the power on: a copy of the
//! medium after each of them, looked at as after a loss of power.

use rsp::DataObject as _;
use rsp::cancel::CancelSessionRequest;
use rsp::codes::CancelSessionReason;
use wasm_euicc::Factory;
use wasm_euicc::nvm::{Medium, MediumError, MemoryMedium};

use crate::card::{Card, env, factory, hex};
use crate::management::{delete, disable, enable};
use crate::observe::{Observation, Place, observe, places};
use crate::power::Torn;
use crate::server::*;
use crate::subject::{install_rich, set1};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

type Chip = Card<MemoryMedium>;

const USIM: &str = "00A4040C10A0000000871002FFFFFFFF8900000100";
const PIN1: &str = "0020000108 31323334FFFFFFFF";
const ADM1: &str = "0020000A08 3939393939393939";

/// A reset, in a list of commands.
const RESET: &[u8] = &[];

/// The state that every case starts from, and what looking needs to know.
struct Start {
    lab: Lab,
    made: Factory,
    medium: MemoryMedium,
    places: Vec<Place>,
}

/// Two profiles of two operators' servers, the first enabled; notifications, an address,
/// a nickname; one try of PIN 1 and one of PIN 2 used up.
fn start() -> Start {
    let lab = Lab::new();
    let made = factory(&lab);
    let mut card = Card::made_by(&made);
    install_rich(&mut card, &lab, 1, |_| {});
    install_rich(&mut card, &lab, 2, |_| {});
    assert_eq!(enable(&mut card, 1), 0);
    card.es10(&vectors::bytes("BF3F0A 8008736D64702E6F7267"));
    card.es10(&vectors::bytes(&format!("BF2910 5A0A{} 90024142", hex(iccid(2).as_bytes()))));
    for command in [USIM, "002000010800000000FFFFFFFF", "002000810800000000FFFFFFFF"] {
        send(&mut card, command);
    }
    let medium = card.chip.into_env().medium;
    let places = places(&made, &medium);
    assert_eq!(places.len(), 54);
    Start { lab, made, medium, places }
}

fn send(card: &mut Chip, command: &str) -> String {
    hex(&card.transmit(&vectors::bytes(command)))
}

#[track_caller]
fn ok(card: &mut Chip, commands: &[&str]) {
    for command in commands {
        let answer = send(card, command);
        assert!(answer.ends_with("9000"), "{command}: {answer}");
    }
}

fn reset(card: &mut Chip) {
    card.log.push(RESET.to_vec());
    card.reset();
}

/// A medium that counts what is written to it.
struct Counted {
    inner: MemoryMedium,
    writes: usize,
}

impl Medium for Counted {
    fn load(&mut self) -> Result<Vec<u8>, MediumError> {
        self.inner.load()
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), MediumError> {
        self.writes += 1;
        self.inner.append(bytes)
    }

    fn replace(&mut self, bytes: &[u8]) -> Result<(), MediumError> {
        self.writes += 1;
        self.inner.replace(bytes)
    }
}

fn open<M: Medium>(made: &Factory, medium: M) -> Card<M> {
    let mut card = Card { chip: made.manufacture(env(medium)).unwrap(), block: 255, log: Vec::new() };
    card.open();
    card
}

fn perform<M: Medium>(card: &mut Card<M>, command: &[u8]) -> Vec<u8> {
    if command == RESET {
        card.chip.reset();
        // With the power gone nothing can be opened that was not.
        card.chip.transmit(&[0x00, 0x70, 0x00, 0x00, 0x01]);
        let select = [&[0x01, 0xA4, 0x04, 0x0C, 0x10][..], &rsp::ids::ISD_R].concat();
        return card.chip.transmit(&select);
    }
    card.chip.transmit(command)
}

/// Plays what `act` sends. Returns the number of writes.
fn at_every_write(start: &Start, what: &str, act: impl Fn(&mut Chip, &Lab)) -> usize {
    let mut card = open(&start.made, start.medium.clone());
    act(&mut card, &start.lab);
    let commands = core::mem::take(&mut card.log);

    // With the power on: where each command's writes end, and what is seen then.
    let medium = Counted { inner: start.medium.clone(), writes: 0 };
    let mut card = open(&start.made, medium);
    assert_eq!(card.chip.env().medium.writes, 0, "{what}: opening writes");
    let look = |medium: &MemoryMedium| observe(&start.made, medium, &start.places);
    let mut states: Vec<(usize, Observation)> = vec![(0, look(&start.medium))];
    for command in &commands {
        perform(&mut card, command);
        let medium = &card.chip.env().medium;
        if medium.writes != states[states.len() - 1].0 {
            states.push((medium.writes, look(&medium.inner)));
        }
    }
    let writes = states[states.len() - 1].0;
    assert!(writes > 0, "{what}: nothing was ever written");

    for write in 0..writes {
        for bytes in [0, 1, 20, 300, usize::MAX] {
            let torn = Torn { inner: start.medium.clone(), write, bytes, count: 0 };
            let mut card = open(&start.made, torn);
            for command in &commands {
                perform(&mut card, command);
                if card.chip.env().medium.count > write {
                    break;
                }
            }
            let seen = look(&card.chip.into_env().medium.inner);
            let after = states.iter().position(|(end, _)| *end > write).unwrap();
            let [(_, before), (end, after)] = &states[after - 1..=after] else { unreachable!() };
            let place = format!("{what}: write {write} after {bytes} bytes");
            if seen != *before && seen != *after {
                let differs = |other: &Observation| {
                    let lines = seen.iter().filter(|(name, value)| other.get(*name) != Some(value));
                    lines.map(|(name, value)| format!("  {name}: {value}\n")).collect::<String>()
                };
                panic!("{place}: between\nnot before:\n{}not after:\n{}", differs(before), differs(after));
            }
            // Nothing of it: nothing changed. All of its last write: all changed.
            if bytes == 0 && write == 0 {
                assert!(seen == *before, "{place}");
            }
            if bytes == usize::MAX && write + 1 == *end {
                assert!(seen == *after, "{place}");
            }
        }
    }
    writes
}

#[test]
fn of_es10() {
    let start = start();
    let iccid1 = hex(iccid(1).as_bytes());
    let es10 = |request: String| {
        move |card: &mut Chip, _: &Lab| {
            card.es10(&vectors::bytes(&request));
        }
    };
    let at = |what: &str, act: &dyn Fn(&mut Chip, &Lab)| at_every_write(&start, what, act);
    at("SetDefaultDpAddress", &es10("BF3F0580036E6577".into()));
    at("SetDefaultDpAddress, none", &es10("BF3F028000".into()));
    at("SetNickname", &es10(format!("BF2911 5A0A{iccid1} 9003C39C41")));
    at("SetNickname, none", &es10(format!("BF290E 5A0A{} 9000", hex(iccid(2).as_bytes()))));
    at("RemoveNotificationFromList", &es10("BF3003800102".into()));
    at("EnableProfile", &|card, _| assert_eq!(enable(card, 2), 0));
    at("DisableProfile", &|card, _| assert_eq!(disable(card, 1), 0));
    at("DeleteProfile", &|card, _| assert_eq!(delete(card, 2), 0));
    for options in ["0780", "0520", "05E0", "05A0"] {
        at("eUICCMemoryReset", &es10(format!("BF34048202{options}")));
    }
}

#[test]
fn of_a_change_with_refresh() {
    let start = start();
    let iccid2 = hex(iccid(2).as_bytes());
    let request = format!("BF3111 A00C5A0A{iccid2} 8101FF");
    at_every_write(&start, "EnableProfile and reset", |card, _| {
        card.es10(&vectors::bytes(&request));
        reset(card);
    });
    for (result, writes) in [("00", 2), ("20", 1), ("30", 2)] {
        let found =
            at_every_write(&start, &format!("EnableProfile and TERMINAL RESPONSE {result}"), |card, _| {
                send(card, "8010000002FFFF");
                card.es10(&vectors::bytes(&request));
                send(card, "801200000B");
                send(card, &format!("801400000C 810301010482028281 8301{result}"));
            });
        assert_eq!(found, writes, "{result}");
    }
}

#[test]
fn of_a_session() {
    let start = start();
    at_every_write(&start, "PrepareDownload", |card, lab| {
        session(card, lab, 1);
    });
    at_every_write(&start, "PrepareDownload twice", |card, lab| {
        let mut dialogue = authenticate(card, lab, &tid(1));
        prepare(card, lab, &mut dialogue, None);
        prepare(card, lab, &mut dialogue, None);
    });
    for reason in [CancelSessionReason::END_USER_REJECTION, CancelSessionReason::POSTPONED] {
        at_every_write(&start, &format!("CancelSession {reason}"), |card, lab| {
            let transaction_id = session(card, lab, 1).transaction_id;
            card.es10(&CancelSessionRequest { transaction_id, reason }.encode());
        });
    }
}

/// The writes of a load: the key, two markers, the end; what interrupts it.
#[test]
fn of_a_load() {
    let start = start();
    let bound = |card: &mut Chip, lab: &Lab, number| {
        let dialogue = session(card, lab, 1);
        Order::new(&dialogue, &metadata(number), &package(number)).bind(lab, &dialogue).encode()
    };
    let begun = |card: &mut Chip, lab: &Lab| {
        let bound = bound(card, lab, 3);
        for segment in rsp::bpp::segments(&bound).unwrap().iter().take(6) {
            assert!(card.es10(&bound[segment.bytes.clone()]).is_empty());
        }
    };
    let writes = at_every_write(&start, "LoadBoundProfilePackage", |card, lab| {
        let bound = bound(card, lab, 3);
        load(card, &bound);
    });
    assert_eq!(writes, 4);
    // Refused: the ICCID is there already.
    at_every_write(&start, "LoadBoundProfilePackage, refused", |card, lab| {
        let bound = bound(card, lab, 2);
        load(card, &bound);
    });
    at_every_write(&start, "a load that GetEUICCChallenge interrupts", |card, lab| {
        begun(card, lab);
        challenge(card);
    });
    at_every_write(&start, "a load that a reset interrupts", |card, lab| {
        begun(card, lab);
        reset(card);
    });
    at_every_write(&start, "a load that SELECT interrupts", |card, lab| {
        begun(card, lab);
        ok(card, &["01A4000C023F00"]);
    });
    at_every_write(&start, "a load that MANAGE CHANNEL interrupts", |card, lab| {
        begun(card, lab);
        ok(card, &["00708001"]);
    });
    at_every_write(&start, "a load that CancelSession interrupts", |card, lab| {
        begun(card, lab);
        let reason = CancelSessionReason::TIMEOUT;
        card.es10(&CancelSessionRequest { transaction_id: tid(1), reason }.encode());
    });
}

#[test]
fn of_files() {
    let start = start();
    let at = |what: &str, commands: &[&str]| {
        at_every_write(&start, what, |card, _| ok(card, &[&[USIM, PIN1, ADM1], commands].concat()));
    };
    at("UPDATE BINARY", &["00D68B000B 47D1264A62F21037211E00"]);
    at("UPDATE RECORD", &["00A4000C026F3C", &format!("00DC0204B0{}", "AA".repeat(176))]);
    at("UPDATE RECORD, cyclic", &["00A4000C023F00", "00A4000C022FF4", "00DC000303 010203"]);
    at("INCREASE", &["00A4000C023F00", "00A4000C022FF4", "8032000003 000005 00"]);
    at("SET DATA", &["00A4000C023F00", "00A4000C022FE6", "80DB008004 80021122", "80DB008003 800133"]);
    at("SET DATA, none", &["00A4000C023F00", "00A4000C022FE6", "80DB008004 80021122", "80DB008001 80"]);
    at("DEACTIVATE and ACTIVATE FILE", &["00A4000C023F00", "0004000002 2FE7", "0044000002 2FE7"]);
    let challenge = format!("0088008122 10{}10{} 00", set1::RAND, set1::AUTN);
    at("AUTHENTICATE", &[&challenge]);
}

#[test]
fn of_pins() {
    let start = start();
    for (what, command, sw) in [
        ("VERIFY PIN", "00200001 08 31323334FFFFFFFF", "9000"),
        ("VERIFY PIN, wrong", "00200001 08 30303030FFFFFFFF", "63C1"),
        ("VERIFY PIN 2, wrong", "00200081 08 30303030FFFFFFFF", "63C1"),
        ("CHANGE PIN", "00240001 10 31323334FFFFFFFF 31313131FFFFFFFF", "9000"),
        ("CHANGE PIN, wrong", "00240001 10 30303030FFFFFFFF 31313131FFFFFFFF", "63C1"),
        ("CHANGE PIN 2", "00240081 10 35363738FFFFFFFF 31313131FFFFFFFF", "9000"),
        ("DISABLE PIN", "00260001 08 31323334FFFFFFFF", "9000"),
        ("DISABLE PIN, wrong", "00260001 08 30303030FFFFFFFF", "63C1"),
        ("UNBLOCK PIN", "002C0001 10 3132333435363738 31313131FFFFFFFF", "9000"),
        ("UNBLOCK PIN, wrong", "002C0001 10 3030303030303030 31313131FFFFFFFF", "63C9"),
        ("UNBLOCK PIN 2", "002C0081 10 3837363534333231 31313131FFFFFFFF", "9000"),
    ] {
        at_every_write(&start, what, |card, _| {
            ok(card, &[USIM]);
            assert_eq!(send(card, command), sw, "{what}");
        });
    }
    for (what, command, sw) in [
        ("ENABLE PIN", "00280001 08 31323334FFFFFFFF", "9000"),
        ("ENABLE PIN, wrong", "00280001 08 30303030FFFFFFFF", "63C2"),
    ] {
        at_every_write(&start, what, |card, _| {
            ok(card, &[USIM, "00260001 08 31323334FFFFFFFF"]);
            assert_eq!(send(card, command), sw, "{what}");
        });
    }
    // A try used up before: then right.
    at_every_write(&start, "ENABLE PIN after a wrong try", |card, _| {
        ok(card, &[USIM, "00260001 08 31323334FFFFFFFF"]);
        assert_eq!(send(card, "00280001 08 30303030FFFFFFFF"), "63C2");
        ok(card, &["00280001 08 31323334FFFFFFFF"]);
    });
}
