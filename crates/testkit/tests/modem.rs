//! An LPA whose chip is behind a modem: every procedure over AT commands (crate `at`), with the
//! habits that modems have, comes to what it comes to with a reader.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says so by panicking")]

use std::cell::RefCell;
use std::rc::Rc;

use at::{Habits, Host, Ids, Modem, Way};
use lpa::{Answer, CardLost, Cause, Effect, Failure, Options, Outcome, Procedure, Question, Reply};
use rsp::ids::Iccid;
use rsp::profiles::ProfileState;
use testkit::{Order, World, device};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

type Shared = Rc<RefCell<World>>;

/// The chip in the modem.
struct Chip(Shared);

impl at::Card for Chip {
    fn transmit(&mut self, command: &[u8]) -> Vec<u8> {
        self.0.borrow_mut().transmit(command).unwrap()
    }
}

/// An LPA with a modem on a line.
struct Phone {
    world: Shared,
    host: Host,
    modem: Modem<Chip>,
    options: Options,
    /// Characters that went over the line.
    carried: usize,
}

impl Phone {
    fn new(seed: u64, habits: Habits, block: usize) -> (Self, Order) {
        let mut world = World::new(seed);
        world.attach(None).unwrap();
        let order = world.order(world.operational[0].iccid, None);
        let world = Rc::new(RefCell::new(world));
        let modem = Modem::new(Chip(Rc::clone(&world)), habits);
        let options = Options { block, ..Options::default() };
        let mut phone = Self { world, host: Host::new(at::Options::default()), modem, options, carried: 0 };
        phone.host.start().unwrap();
        phone.line().unwrap();
        (phone, order)
    }

    /// Carries what the one says to the other until the host is done.
    fn line(&mut self) -> Result<Vec<u8>, at::Failure> {
        loop {
            match self.host.step() {
                at::Step::Write(line) => {
                    let said = self.modem.write(&line);
                    self.carried += line.len() + said.len();
                    self.host.read(&said);
                }
                at::Step::Read(_) => self.host.time_out(),
                at::Step::Done(done) => return done,
                at::Step::Rest => panic!("nothing was asked"),
            }
        }
    }

    fn run(&mut self, mut procedure: Procedure) -> Result<Outcome, Failure> {
        let mut answer = Answer::Begin;
        loop {
            let effect = procedure.resume(answer);
            let refresh = matches!(effect, Effect::Refresh(_));
            let performed = if let Effect::Card(command) = effect {
                self.host.transmit(&command).unwrap();
                Ok(Answer::Card(self.line().map_err(|failure| CardLost::said(failure.to_string()))))
            } else {
                self.world.borrow_mut().perform(effect, |_: &Question| Reply::Accept)
            };
            if refresh {
                // The modem starts its card anew, and with it what it had open.
                self.modem.restart();
            }
            match performed {
                Ok(next) => answer = next,
                Err(result) => return *result,
            }
        }
    }

    fn profiles(&mut self) -> Vec<(Option<Iccid>, Option<ProfileState>)> {
        let Ok(Outcome::Profiles(list)) = self.run(lpa::list(self.options.clone())) else { panic!() };
        list.into_iter().map(|info| (info.iccid, info.state)).collect()
    }
}

/// Downloads a profile, enables it, sends the notifications.
fn story(phone: &mut Phone, order: &Order) {
    let iccid: Iccid = order.iccid.parse().unwrap();
    let Ok(Outcome::Chip(_)) = phone.run(lpa::chip_info(phone.options.clone())) else { panic!() };
    let done = phone.run(lpa::download(order.code.clone(), device(), phone.options.clone()));
    assert!(matches!(done, Ok(Outcome::Installed { .. })), "{done:?}");
    assert!(phone.profiles().contains(&(Some(iccid), Some(ProfileState::Disabled))));
    phone.run(lpa::enable(iccid, phone.options.clone())).unwrap();
    assert!(phone.profiles().contains(&(Some(iccid), Some(ProfileState::Enabled))));
    phone.run(lpa::notifications(phone.options.clone())).unwrap();
    assert_eq!(phone.host.open_channels().count(), 0);
    assert_eq!(phone.modem.sessions(), 0);
}

#[test]
fn a_profile_is_installed_and_enabled_with_every_habit() {
    let habits = [
        ("by the book", 255, Habits::default()),
        ("small blocks", 120, Habits { longest: 300, ..Habits::default() }),
        ("no AT+CSIM", 255, Habits { plain: false, ..Habits::default() }),
        ("no sessions", 255, Habits { sessions: false, ..Habits::default() }),
        ("does not tell", 255, Habits { tells: false, ..Habits::default() }),
        ("long names", 255, Habits { ids: Ids::Long, ..Habits::default() }),
        ("neither prefix nor quotes", 255, Habits { quotes: false, ..Habits::default() }),
        (
            "counts bytes, in short lines",
            255,
            Habits { counts_bytes: true, wraps: Some(64), ..Habits::default() },
        ),
        ("leaves the class", 255, Habits { puts_channel: false, ..Habits::default() }),
        ("fetches", 255, Habits { fetches: true, ..Habits::default() }),
        (
            "talks",
            255,
            Habits {
                prompts: true,
                says: vec!["RING".into(), "+CREG: 1,\"00AB\"".into()],
                ..Habits::default()
            },
        ),
    ];
    for (name, block, habits) in habits {
        let way = if habits.sessions { Way::Sessions } else { Way::Plain };
        let (mut phone, order) = Phone::new(7, habits, block);
        assert_eq!(phone.host.way(), Some(way), "{name}");
        story(&mut phone, &order);
        println!("{name}: {} characters", phone.carried);
    }
}

#[test]
fn a_modem_with_a_short_line_refuses_long_blocks_in_words() {
    let (mut phone, order) = Phone::new(7, Habits { longest: 300, ..Habits::default() }, 255);
    let failure = phone.run(lpa::download(order.code.clone(), device(), phone.options.clone())).unwrap_err();
    let Cause::CardLost(text) = &failure.cause else { panic!("{failure:?}") };
    assert_eq!(text.en, "the modem refuses: +CME ERROR: 50 (incorrect parameters)");
    // Nothing came of it, and with small blocks it goes.
    assert_eq!(phone.profiles().len(), 1);
    phone.options.block = 120;
    story(&mut phone, &order);
}
