//! Power fails at any write: the chip stands before or after the command.

use wasm_euicc::nvm::{Medium, MediumError, MemoryMedium};

use crate::card::{Card, env, factory};
use crate::management::{change, delete, enabled};
use crate::server::*;
use rsp::profiles::StateChange;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// From write `write` on nothing works; of that write `bytes` survive. A
/// `replace` survives whole or not at all.
pub(crate) struct Torn {
    pub(crate) inner: MemoryMedium,
    pub(crate) write: usize,
    pub(crate) bytes: usize,
    pub(crate) count: usize,
}

impl Torn {
    fn strike(&mut self) -> Result<bool, MediumError> {
        let now = self.count;
        self.count += 1;
        if now > self.write { Err(MediumError) } else { Ok(now == self.write) }
    }
}

impl Medium for Torn {
    fn load(&mut self) -> Result<Vec<u8>, MediumError> {
        self.inner.load()
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), MediumError> {
        if self.strike()? {
            self.inner.append(&bytes[..self.bytes.min(bytes.len())])?;
            return Err(MediumError);
        }
        self.inner.append(bytes)
    }

    fn replace(&mut self, bytes: &[u8]) -> Result<(), MediumError> {
        if self.strike()? {
            if self.bytes >= bytes.len() {
                self.inner.replace(bytes)?;
            }
            return Err(MediumError);
        }
        self.inner.replace(bytes)
    }
}

/// Runs `act` with the power failing at every write, then looks at the chip.
pub(crate) fn at_every_write(
    lab: &Lab,
    start: &MemoryMedium,
    act: impl Fn(&mut Card<Torn>),
    look: impl Fn(&mut Card<MemoryMedium>),
) {
    let made = factory(lab);
    for write in 0.. {
        for bytes in [0, 1, 20, 300, usize::MAX] {
            let torn = Torn { inner: start.clone(), write, bytes, count: 0 };
            let mut card = Card { chip: made.manufacture(env(torn)).unwrap(), block: 255, log: Vec::new() };
            card.open();
            act(&mut card);
            let torn = card.chip.into_env().medium;
            if torn.count <= write {
                assert!(write > 0, "nothing was ever written");
                return;
            }
            look(&mut Card::on(&made, torn.inner));
        }
    }
}

fn prepared(lab: &Lab, act: impl FnOnce(&mut Card<MemoryMedium>)) -> MemoryMedium {
    let mut card = Card::new(lab);
    act(&mut card);
    card.chip.into_env().medium
}

#[test]
fn during_a_load() {
    let lab = Lab::new();
    let made = factory(&lab);
    let start = prepared(&lab, |_| {});
    let package = package(1);
    let empty = Card::on(&made, start.clone()).free();
    let whole = prepared(&lab, |card| install(card, &lab, &metadata(1), &package));
    let mut whole = Card::on(&made, whole);
    whole.forget_notifications();
    let full = whole.free();
    at_every_write(
        &lab,
        &start,
        |card| {
            let mut dialogue = authenticate(card, &lab, &tid(1));
            let request = rsp::DataObject::encode(&prepare_request(&lab, &dialogue, false, None));
            let answer = card.store_data(&request).0;
            let Ok(rsp::download::PrepareDownloadResponse::Ok { euicc_signed2, .. }) =
                rsp::DataObject::decode(&answer)
            else {
                return;
            };
            dialogue.otpk = euicc_signed2.euicc_otpk;
            let bound = Order::new(&dialogue, &metadata(1), &package).bind(&lab, &dialogue);
            let bound = rsp::DataObject::encode(&bound);
            for segment in rsp::bpp::segments(&bound).unwrap() {
                let (data, sw) = card.store_data(&bound[segment.bytes]);
                if sw != 0x9000 || !data.is_empty() {
                    return;
                }
            }
        },
        |card| {
            let there = card.profiles().len();
            let told = card.notifications();
            assert!(told.len() <= 1);
            // A success is told of if and only if it is one.
            let answer = card.es10(&[0xBF, 0x2B, 0x00]);
            let success = answer.windows(9).any(|window| window == vectors::bytes("3007A0053003800100"));
            assert_eq!(success, there == 1, "{told:?}");
            card.forget_notifications();
            let expected = if there == 1 { full } else { empty };
            assert!(expected - card.free() < 96, "{} {expected} {told:?}", card.free());
            // And it works on.
            if there == 0 {
                install(card, &lab, &metadata(1), &package);
            }
        },
    );
}

#[test]
fn during_a_change_of_the_enabled_profile() {
    let lab = Lab::new();
    let start = prepared(&lab, |card| {
        install(card, &lab, &metadata(1), &package(1));
        install(card, &lab, &metadata(2), &package(2));
        assert_eq!(change(card, StateChange::Enable, 1, false), 0);
        card.forget_notifications();
    });
    for refresh in [false, true] {
        at_every_write(
            &lab,
            &start,
            |card| {
                let request = format!(
                    "BF3111A00C5A0A{}8101{}",
                    crate::card::hex(iccid(2).as_bytes()),
                    if refresh { "FF" } else { "00" }
                );
                card.store_data(&vectors::bytes(&request));
                card.chip.reset();
            },
            |card| {
                let events: Vec<_> = card.notifications().into_iter().map(|(_, event, _)| event).collect();
                match enabled(card) {
                    Some(1) => assert!(events.is_empty()),
                    Some(2) => assert_eq!(events, ["disable", "disable", "enable", "enable"]),
                    other => panic!("{other:?}"),
                }
            },
        );
    }
}

#[test]
fn during_a_deletion() {
    let lab = Lab::new();
    let made = factory(&lab);
    let start = prepared(&lab, |card| {
        install(card, &lab, &metadata(1), &package(1));
        card.forget_notifications();
    });
    let before = Card::on(&made, start.clone()).free();
    let after = prepared(&lab, |_| {});
    let mut after = Card::on(&made, after);
    let after = after.free();
    at_every_write(
        &lab,
        &start,
        |card| {
            let request =
                rsp::profiles::DeleteProfileRequest(rsp::profiles::ProfileIdentifier::Iccid(iccid(1)));
            card.store_data(&rsp::DataObject::encode(&request));
        },
        |card| match (card.profiles().len(), card.notifications().len()) {
            (1, 0) => {
                assert_eq!(card.free(), before);
                assert_eq!(delete(card, 1), 0);
            }
            (0, 1) => {
                card.forget_notifications();
                assert_eq!(card.free(), after);
            }
            other => panic!("{other:?}"),
        },
    );
}

#[test]
fn during_manufacture() {
    let lab = Lab::new();
    let mut made = factory(&lab);
    made.preloaded.push(crate::card::preloaded(&metadata(1), &package(1), true));
    for write in 0..4 {
        for bytes in [0, 5, 12, 2000, usize::MAX] {
            let torn = Torn { inner: MemoryMedium::new(), write, bytes, count: 0 };
            // Whatever it comes to, the medium is what is looked at afterwards.
            let mut shared = Shared(std::rc::Rc::new(std::cell::RefCell::new(torn)));
            drop(made.manufacture(env(shared.clone())));
            let inner = MemoryMedium::holding(shared.load().unwrap());
            assert_eq!(enabled(&mut Card::on(&made, inner)), Some(1), "{write} {bytes}");
        }
    }
}

/// A medium that is looked at after the chip is gone.
#[derive(Clone)]
struct Shared(std::rc::Rc<std::cell::RefCell<Torn>>);

impl Medium for Shared {
    fn load(&mut self) -> Result<Vec<u8>, MediumError> {
        self.0.borrow_mut().load()
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), MediumError> {
        self.0.borrow_mut().append(bytes)
    }

    fn replace(&mut self, bytes: &[u8]) -> Result<(), MediumError> {
        self.0.borrow_mut().replace(bytes)
    }
}

#[test]
fn during_a_load_of_a_revocation_list() {
    use crate::revocation::{list, request};
    let lab = Lab::new();
    let first = request(&list(1, &[&lab.pki.ds_auth]), &lab.pki.ci);
    let start = prepared(&lab, |card| assert_eq!(card.es10_hex(&hex::encode(&first)), "BF3502A000"));
    let second = request(&list(2, &[&lab.pki.dp_auth]), &lab.pki.ci);
    at_every_write(
        &lab,
        &start,
        |card| _ = card.store_data(&second),
        |card| {
            let believed = |card: &mut Card<MemoryMedium>, server| {
                let now = challenge(card);
                let request = authenticate_request(&lab, server, &tid(1), now);
                // A0: authenticateResponseOk.
                card.es10(&rsp::DataObject::encode(&request)).iter().skip(2).any(|byte| *byte == 0xA0)
            };
            let dp_auth = believed(card, &lab.pki.dp_auth);
            let ds_auth = believed(card, &lab.pki.ds_auth);
            assert_ne!(dp_auth, ds_auth, "the list before, or the one after");
            assert_eq!(card.es10_hex(&hex::encode(&second)), "BF3502A000");
            assert!(!believed(card, &lab.pki.dp_auth) && believed(card, &lab.pki.ds_auth));
        },
    );
}
