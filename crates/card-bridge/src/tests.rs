//! The bridge without PC/SC: what comes in at the door, what a page may ask, what becomes of its
//! card. The readers are played; what is expected stands in `docs/card-bridge.md`, ISO/IEC 7816-3
//! §12.2 and the format of lpac.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;
use serde_json::{Value, json};

use crate::card::{Card, Readers, Trouble, wire};
use crate::door::{Door, Refusal, Refusals, is_loopback, is_origin};
use crate::line::Lines;
use crate::pairing::{LIFETIME, MAX_TOKENS, Pairing, TRIES};
use crate::protocol::{Hex, Protocol, Question, Reader, Secret, State, Tell, Why};
use crate::session::{Desk, MAX_FAILURES, Session, ToReader};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

const PAGE: &str = "http://127.0.0.1:8787";
const NOW: Duration = Duration::from_secs(1000);

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(7)
}

/// Readers that are played: what is in them, and what was done with it.
#[derive(Clone, Default)]
struct Desktop(Rc<RefCell<Inside>>);

#[derive(Default)]
struct Inside {
    readers: Vec<Reader>,
    sent: Vec<String>,
    released: usize,
    /// Taken out at the next command, or this trouble.
    next: Option<Why>,
    /// Instruction and P1 of commands that come to nothing, and why.
    troubles: Vec<([u8; 2], &'static str)>,
    /// Why there is no list.
    out: Option<Why>,
}

struct Played(Desktop);

impl Desktop {
    fn with(names: &[&str]) -> Self {
        let desktop = Self::default();
        desktop.0.borrow_mut().readers = names
            .iter()
            .map(|name| Reader { name: (*name).to_owned(), state: State::Card, atr: None })
            .collect();
        desktop
    }

    fn set(&self, reader: usize, state: State) {
        self.0.borrow_mut().readers[reader].state = state;
    }

    fn sent(&self) -> Vec<String> {
        std::mem::take(&mut self.0.borrow_mut().sent)
    }
}

impl Readers for Desktop {
    type Card = Played;

    fn list(&mut self) -> Result<Vec<Reader>, Trouble> {
        if let Some(why) = self.0.borrow().out {
            return Err(Trouble::new(why, "played"));
        }
        Ok(self.0.borrow().readers.clone())
    }

    fn connect(&mut self, reader: &str) -> Result<Played, Trouble> {
        match self.list()?.iter().find(|seen| seen.name == reader).map(|seen| seen.state) {
            Some(State::Card) => Ok(Played(self.clone())),
            Some(State::Empty) => Err(Trouble::new(Why::NoCard, "no card")),
            Some(_) => Err(Trouble::new(Why::Taken, "taken")),
            None => Err(Trouble::new(Why::NoReader, "no reader")),
        }
    }
}

impl Card for Played {
    fn atr(&self) -> &[u8] {
        &[0x3B, 0x00]
    }

    fn protocol(&self) -> Protocol {
        Protocol::T0
    }

    fn transmit(&mut self, wire: &[u8]) -> Result<Vec<u8>, Trouble> {
        let mut inside = self.0.0.borrow_mut();
        if let Some(why) = inside.next.take() {
            return Err(Trouble::new(why, "played"));
        }
        inside.sent.push(hex::encode_upper(wire));
        if let Some((_, text)) = inside.troubles.iter().find(|(ins, _)| *ins == wire[1..3]) {
            return Err(Trouble::new(Why::Failed, *text));
        }
        Ok(match wire {
            [0, 0x70, 0, ..] => vec![1, 0x90, 0],
            [0, 0x70, 0x80, ..] => vec![0x90, 0],
            [1, 0xA4, .., 0xEE] => vec![0x6A, 0x82],
            [1, 0xA4, ..] => vec![0x61, 0x20],
            _ => vec![0xAB, 0x90, 0],
        })
    }

    fn reset(&mut self) -> Result<(), Trouble> {
        Ok(())
    }
}

impl Drop for Played {
    fn drop(&mut self) {
        self.0.0.borrow_mut().released += 1;
    }
}

/// A page at the bridge.
struct Page {
    session: Session<Played>,
    desktop: Desktop,
    rng: ChaCha20Rng,
    closed: bool,
    /// What was last to be done with the virtual reader.
    reader: Vec<ToReader>,
}

impl Page {
    fn new(desk: &Desk, desktop: &Desktop) -> Self {
        let session = Session::new(desk, PAGE);
        Self { session, desktop: desktop.clone(), rng: rng(), closed: false, reader: Vec::new() }
    }

    fn paired(desk: &Desk, desktop: &Desktop) -> Self {
        let mut page = Self::new(desk, desktop);
        let code = desk.show(&mut rng(), NOW);
        let told = page.asks(&json!({ "id": 0, "ask": "pair", "code": code.expose_text() }));
        assert_eq!((&told[0]["tell"], &told[1]["tell"]), (&json!("paired"), &json!("readers")));
        page
    }

    fn says(&mut self, frame: &str) -> Vec<Value> {
        let reply = self.session.answer(frame, &mut self.desktop, &mut self.rng, NOW);
        self.closed = reply.close;
        self.reader = reply.reader;
        values(&reply.tell)
    }

    /// The virtual reader says this.
    fn heard(&mut self, bytes: &[u8]) -> Vec<Value> {
        let reply = self.session.heard(bytes);
        self.reader = reply.reader;
        values(&reply.tell)
    }

    fn asks(&mut self, question: &Value) -> Vec<Value> {
        self.says(&question.to_string())
    }

    /// A question with one answer, and its number.
    fn ask(&mut self, question: &Value) -> Value {
        let mut told = self.asks(question);
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0]["id"], question["id"]);
        told.remove(0)
    }

    fn why(&mut self, question: &Value) -> Value {
        let told = self.ask(question);
        assert_eq!(told["tell"], "refused", "{told}");
        assert!(!told["text"].as_str().unwrap().is_empty());
        told["why"].clone()
    }

    fn look(&mut self) -> Vec<Value> {
        let tell = self.session.look(&mut self.desktop);
        values(&tell)
    }
}

fn values(tell: &[Tell]) -> Vec<Value> {
    tell.iter().map(|tell| serde_json::from_str(&tell.to_json()).unwrap()).collect()
}

fn connect(reader: &str) -> Value {
    json!({ "id": 1, "ask": "connect", "reader": reader })
}

fn transmit(apdu: &str) -> Value {
    json!({ "id": 2, "ask": "transmit", "card": 1, "apdu": apdu })
}

// The door.

fn admitted(path: &str, headers: &[(&str, &str)]) -> Result<String, Refusal> {
    let door = Door::new(vec![PAGE.to_owned(), "https://lpa.example".to_owned()], 7816);
    let headers: Vec<(&str, &[u8])> = headers.iter().map(|&(name, value)| (name, value.as_bytes())).collect();
    door.admit(path, &headers)
}

#[test]
fn a_page_that_may_comes_in_by_any_name_of_this_machine() {
    for host in ["127.0.0.1:7816", "localhost:7816", "LOCALHOST:7816", "[::1]:7816"] {
        for origin in [PAGE, "https://lpa.example"] {
            let headers =
                [("Host", host), ("origin", origin), ("Sec-WebSocket-Protocol", "chat, card-bridge.v1")];
            assert_eq!(admitted("/", &headers).as_deref(), Ok(origin));
        }
    }
}

#[test]
fn a_door_knows_the_address_that_it_is_at() {
    for (address, ours, others) in [
        ("127.0.0.2:9000", &["127.0.0.2:9000", "localhost:9000"][..], &["127.0.0.3:9000", "127.0.0.2"][..]),
        // As a browser writes it, and as people do.
        (
            "[::ffff:127.0.0.2]:9000",
            &["[::ffff:7f00:2]:9000", "[::ffff:127.0.0.2]:9000"],
            &["[::ffff:7f00:3]:9000", "::ffff:127.0.0.2:9000", "[::2]:9000"],
        ),
        (
            "127.0.0.1:80",
            &["127.0.0.1", "127.0.0.1:80", "localhost", "[::1]"],
            &["evil.example", "evil.example:80", "127.0.0.1:81", "::1", "[127.0.0.1]", "", ":80", "127.1"],
        ),
    ] {
        let door = Door::at(vec![PAGE.to_owned()], address.parse().unwrap());
        let admitted = |host: &str| {
            let headers = [("host", host), ("origin", PAGE), ("sec-websocket-protocol", "card-bridge.v1")];
            door.admit("/", &headers.map(|(name, value)| (name, value.as_bytes())))
        };
        for host in ours {
            assert_eq!(admitted(host).as_deref(), Ok(PAGE), "{host} at {address}");
        }
        for host in others {
            assert_eq!(admitted(host), Err(Refusal::Host), "{host} at {address}");
        }
    }
}

#[test]
fn other_origins_hosts_and_protocols_stay_out() {
    let good = [("host", "127.0.0.1:7816"), ("origin", PAGE), ("sec-websocket-protocol", "card-bridge.v1")];
    assert!(admitted("/", &good).is_ok());
    assert_eq!(admitted("/readers", &good), Err(Refusal::Path));
    let with = |name: &str, value: Option<&'static str>| {
        let mut headers: Vec<(&str, &str)> =
            good.iter().copied().filter(|(known, _)| *known != name).collect();
        headers.extend(value.map(|value| (good.iter().find(|(known, _)| *known == name).unwrap().0, value)));
        admitted("/", &headers)
    };
    // A name of somebody's that points here, another port, none, user information.
    for host in [
        "evil.example:7816",
        "127.0.0.1",
        "127.0.0.1:80",
        "127.0.0.1.evil.example:7816",
        "a@127.0.0.1:7816",
        "",
    ] {
        assert_eq!(with("host", Some(host)), Err(Refusal::Host), "{host}");
    }
    assert_eq!(with("host", None), Err(Refusal::Host));
    for origin in [
        "http://127.0.0.1:8788",
        "https://127.0.0.1:8787",
        "http://127.0.0.1:8787/",
        "http://127.0.0.1:8787.evil.example",
        "https://lpa.example.evil.example",
        "https://evil.example#https://lpa.example",
        "HTTPS://lpa.example",
        "null",
        "",
    ] {
        assert_eq!(with("origin", Some(origin)), Err(Refusal::Origin), "{origin}");
    }
    assert_eq!(with("origin", None), Err(Refusal::Origin));
    assert_eq!(with("sec-websocket-protocol", None), Err(Refusal::Subprotocol));
    assert_eq!(with("sec-websocket-protocol", Some("card-bridge.v2")), Err(Refusal::Subprotocol));
    // Twice.
    for (name, refusal) in [("host", Refusal::Host), ("origin", Refusal::Origin)] {
        let mut twice = good.to_vec();
        twice.push(*good.iter().find(|(known, _)| *known == name).unwrap());
        assert_eq!(admitted("/", &twice), Err(refusal));
    }
}

#[test]
fn only_loopback_is_loopback_and_only_origins_are_origins() {
    for (address, loopback) in [
        ("127.0.0.1", true),
        ("127.8.9.10", true),
        ("::1", true),
        ("::ffff:127.0.0.1", true),
        ("0.0.0.0", false),
        ("::", false),
        ("192.168.1.1", false),
        ("fe80::1", false),
        ("::ffff:10.0.0.1", false),
    ] {
        assert_eq!(is_loopback(address.parse().unwrap()), loopback, "{address}");
    }
    for origin in [
        "https://lpa.example",
        "http://127.0.0.1:8787",
        "http://[::1]:8787",
        "isolated-app://aerugqztij5biqqu",
    ] {
        assert!(is_origin(origin), "{origin}");
    }
    for no in [
        "null",
        "*",
        "https://*",
        "lpa.example",
        "https://",
        "https://a/b",
        "https://a b",
        "https://A.example",
        "://a",
    ] {
        assert!(!is_origin(no), "{no}");
    }
}

#[test]
fn a_refusal_is_told_once_and_not_more_than_one_a_second() {
    let mut refusals = Refusals::default();
    let mut tell = |origin: &str, at: u64| refusals.tell(origin, Refusal::Origin, Duration::from_millis(at));
    let evil = tell("https://evil.example", 0).unwrap();
    assert!(evil.starts_with("https://evil.example (") && evil.ends_with("--origin)"), "{evil}");
    assert_eq!(tell("https://other.example", 999), None);
    assert_eq!(tell("https://evil.example", 5000), None);
    // What was not told for want of time is told when it comes again.
    assert!(tell("https://other.example", 5000).is_some());
    assert!(tell("", 6000).unwrap().starts_with("no origin ("));
    assert!(tell("\x1B[2J\n", 7000).unwrap().starts_with("\\u{1b}[2J\\n ("));
    assert!(tell(&"a".repeat(5000), 8000).unwrap().len() < 200);
    for origin in 0..1000 {
        assert!(tell(&origin.to_string(), 10_000 + 1000 * origin).is_some());
    }
    // It is not remembered for ever who was told of.
    assert!(tell("https://evil.example", 2_000_000).is_some());
}

// Pairing.

fn said(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

#[test]
fn a_code_is_good_once_and_the_token_for_its_origin() {
    let (mut pairing, mut rng) = (Pairing::default(), rng());
    assert!(matches!(pairing.pair(&said("12345678"), PAGE, &mut rng, NOW), Err(Why::NoCode)));
    let code = pairing.show(&mut rng, NOW);
    let digits: Vec<char> = code.expose_text().chars().collect();
    assert_eq!((digits.len(), digits[4]), (9, ' '));
    assert!(digits.iter().all(|c| c.is_ascii_digit() || *c == ' '));
    let token = pairing.pair(&said(&code.expose_text().replace(' ', "-")), PAGE, &mut rng, NOW).ok().unwrap();
    assert_eq!(token.expose_text().len(), 64);
    assert!(!pairing.is_shown(NOW));
    assert!(matches!(pairing.pair(&code, PAGE, &mut rng, NOW), Err(Why::NoCode)));
    assert_eq!(pairing.resume(&token, PAGE), Ok(()));
    assert_eq!(pairing.resume(&token, "https://lpa.example"), Err(Why::UnknownToken));
    for no in ["", "00", &"00".repeat(32), &"zz".repeat(32), &token.expose_text()[2..]] {
        assert_eq!(pairing.resume(&said(no), PAGE), Err(Why::UnknownToken));
    }
}

#[test]
fn wrong_codes_use_the_code_up_and_time_does() {
    let (mut pairing, mut rng) = (Pairing::default(), rng());
    let code = pairing.show(&mut rng, NOW);
    let right = code.expose_text().replace(' ', "");
    let mut wrong =
        vec![String::new(), right[1..].to_owned(), format!("{right}0"), format!("{right}{right}")];
    // Only the last digit.
    let last = if right.ends_with('0') { '1' } else { '0' };
    wrong.push(format!("{}{last}", &right[..7]));
    assert_eq!(wrong.len(), usize::from(TRIES));
    for (index, wrong) in wrong.iter().enumerate() {
        let why = pairing.pair(&said(wrong), PAGE, &mut rng, NOW).err().unwrap();
        let last = index + 1 == usize::from(TRIES);
        assert_eq!(why, if last { Why::NoCode } else { Why::WrongCode }, "{index}");
    }
    assert!(matches!(pairing.pair(&code, PAGE, &mut rng, NOW), Err(Why::NoCode)), "right, but too late");
    // Another one, left lying.
    let code = pairing.show(&mut rng, NOW);
    assert!(pairing.is_shown(NOW + LIFETIME - Duration::from_millis(1)));
    assert!(matches!(pairing.pair(&code, PAGE, &mut rng, NOW + LIFETIME), Err(Why::NoCode)));
    // A new code takes the place of the one before.
    let (old, new) = (pairing.show(&mut rng, NOW), pairing.show(&mut rng, NOW));
    assert_ne!(old.expose_text(), new.expose_text());
    assert!(matches!(pairing.pair(&old, PAGE, &mut rng, NOW), Err(Why::WrongCode)));
    assert!(pairing.pair(&new, PAGE, &mut rng, NOW).is_ok());
}

#[test]
fn only_so_many_pages_are_remembered() {
    let (mut pairing, mut rng) = (Pairing::default(), rng());
    let tokens: Vec<Secret> = (0..=MAX_TOKENS)
        .map(|_| {
            let code = pairing.show(&mut rng, NOW);
            pairing.pair(&code, PAGE, &mut rng, NOW).ok().unwrap()
        })
        .collect();
    assert_eq!(pairing.resume(&tokens[0], PAGE), Err(Why::UnknownToken));
    assert!(tokens[1..].iter().all(|token| pairing.resume(token, PAGE).is_ok()));
}

// A page.

#[test]
fn the_welcome_names_the_version() {
    let welcome: Value = serde_json::from_str(&Session::<Played>::welcome().to_json()).unwrap();
    assert_eq!((&welcome["tell"], &welcome["protocol"]), (&json!("welcome"), &json!(1)));
}

#[test]
fn nothing_is_answered_before_pairing() {
    let (desk, desktop) = (Desk::default(), Desktop::with(&["A"]));
    let mut page = Page::new(&desk, &desktop);
    let questions = [
        json!({ "id": 1, "ask": "readers" }),
        connect("A"),
        transmit("00A40000"),
        json!({ "id": 2, "ask": "reset", "card": 1 }),
        json!({ "id": 3, "ask": "disconnect", "card": 1 }),
    ];
    for question in &questions {
        assert_eq!(page.why(question), "not-paired");
    }
    assert_eq!(page.look(), Vec::<Value>::new());
    assert_eq!(page.why(&json!({ "id": 4, "ask": "pair", "code": "12345678" })), "no-code");
    assert_eq!(page.why(&json!({ "id": 5, "ask": "resume", "token": "00" })), "unknown-token");
    assert!(!page.closed);
    page.says("nonsense");
    assert!(page.closed, "after {MAX_FAILURES} failures");
    assert_eq!(desktop.sent(), Vec::<String>::new());
}

#[test]
fn one_page_alone_does_not_use_a_code_up() {
    let (desk, desktop) = (Desk::default(), Desktop::with(&["A"]));
    let pair = |code: &str| json!({ "id": 1, "ask": "pair", "code": code });
    let code = desk.show(&mut rng(), NOW);
    let mut first = Page::new(&desk, &desktop);
    for _ in 0..2 {
        assert_eq!(first.why(&pair("")), "wrong-code");
    }
    for code in ["", "", "", code.expose_text()] {
        assert_eq!(first.why(&pair(code)), "no-code");
    }
    assert!(desk.is_shown(NOW) && !first.closed);
    // Another one is right, and says more than it has to.
    let mut second = Page::new(&desk, &desktop);
    assert_eq!(second.why(&pair("")), "wrong-code");
    assert_eq!(second.asks(&pair(code.expose_text()))[0]["tell"], "paired");
    let code = desk.show(&mut rng(), NOW);
    for code in ["", "", "", "", "", code.expose_text()] {
        assert_eq!(second.why(&pair(code)), "malformed");
    }
    // With a new code the first one may try again.
    assert_eq!(first.why(&pair("")), "wrong-code");
    assert_eq!(first.asks(&pair(code.expose_text()))[0]["tell"], "paired");
}

#[test]
fn a_paired_page_comes_again_with_its_token() {
    let (desk, desktop) = (Desk::default(), Desktop::with(&["A"]));
    let mut page = Page::new(&desk, &desktop);
    let code = desk.show(&mut rng(), NOW);
    let told = page.asks(&json!({ "id": 9, "ask": "pair", "code": code.expose_text() }));
    assert_eq!(told[0]["id"], 9);
    assert_eq!(told[1], json!({ "tell": "readers", "readers": [{ "name": "A", "state": "card" }] }));
    drop(page);
    let mut page = Page::new(&desk, &desktop);
    let again = page.asks(&json!({ "id": 1, "ask": "resume", "token": told[0]["token"] }));
    assert_eq!((&again[0]["tell"], &again[0]["token"]), (&json!("paired"), &told[0]["token"]));
    // The code is used up.
    let mut other = Page::new(&desk, &desktop);
    assert_eq!(other.why(&json!({ "id": 1, "ask": "pair", "code": code.expose_text() })), "no-code");
}

#[test]
fn a_card_is_connected_spoken_with_reset_and_given_back() {
    let (desk, desktop) = (Desk::default(), Desktop::with(&["A", "B"]));
    let mut page = Page::paired(&desk, &desktop);
    let connected = page.ask(&connect("A"));
    assert_eq!(
        connected,
        json!({ "tell": "connected", "id": 1, "card": 1, "atr": "3B00", "protocol": "T=0" })
    );
    assert_eq!(
        page.ask(&transmit("80e2910001aa00")),
        json!({ "tell": "response", "id": 2, "apdu": "AB9000" })
    );
    assert_eq!(desktop.sent(), ["80E2910001AA"], "T=0: no Le after data");
    let list = page.ask(&json!({ "id": 3, "ask": "readers" }));
    assert_eq!(
        (&list["readers"][0]["state"], &list["readers"][1]["state"]),
        (&json!("yours"), &json!("card"))
    );
    assert_eq!(page.ask(&json!({ "id": 4, "ask": "reset", "card": 1 }))["atr"], "3B00");
    assert_eq!(desktop.0.borrow().released, 0);
    assert_eq!(page.ask(&json!({ "id": 5, "ask": "disconnect", "card": 1 }))["tell"], "disconnected");
    assert_eq!(desktop.0.borrow().released, 1);
    assert_eq!(page.why(&transmit("00A40000")), "unknown-card");
    // Its number does not come again.
    assert_eq!(page.ask(&connect("A"))["card"], 2);
}

#[test]
fn a_reader_is_one_pages_only_until_it_goes() {
    let (desk, desktop) = (Desk::default(), Desktop::with(&["A", "B"]));
    let (mut first, mut second) = (Page::paired(&desk, &desktop), Page::paired(&desk, &desktop));
    let before = desk.changes();
    assert_eq!(first.ask(&connect("A"))["card"], 1);
    assert_ne!(desk.changes(), before);
    assert_eq!(second.why(&connect("A")), "taken");
    assert_eq!(first.why(&connect("A")), "taken");
    assert_eq!(second.look()[0]["readers"][0]["state"], "taken");
    assert_eq!(second.ask(&connect("B"))["card"], 1);
    // The number is of the second page's card, not of the first's.
    assert_eq!(second.ask(&json!({ "id": 5, "ask": "disconnect", "card": 1 }))["tell"], "disconnected");
    // Gone in the middle of it.
    drop(first);
    assert_eq!(desktop.0.borrow().released, 2);
    assert_eq!(second.look()[0]["readers"][0]["state"], "card");
    assert_eq!(second.ask(&connect("A"))["card"], 2);
}

#[test]
fn a_card_that_is_pulled_out_is_told_of_once() {
    let (desk, desktop) = (Desk::default(), Desktop::with(&["A"]));
    let mut page = Page::paired(&desk, &desktop);
    page.ask(&connect("A"));
    // Between commands.
    desktop.set(0, State::Empty);
    assert_eq!(
        page.look(),
        [
            json!({ "tell": "removed", "card": 1 }),
            json!({ "tell": "readers", "readers": [{ "name": "A", "state": "empty" }] })
        ]
    );
    assert_eq!(page.look(), Vec::<Value>::new());
    assert_eq!(page.why(&transmit("00A40000")), "unknown-card");
    assert_eq!(page.why(&connect("A")), "no-card");
    // In the middle of one.
    desktop.set(0, State::Card);
    assert_eq!(page.ask(&connect("A"))["card"], 2);
    desktop.0.borrow_mut().next = Some(Why::Removed);
    let second = json!({ "id": 2, "ask": "transmit", "card": 2, "apdu": "00A40000" });
    assert_eq!(page.why(&second), "removed");
    assert_eq!(page.why(&second), "unknown-card");
    assert_eq!(desktop.0.borrow().released, 2);
    // A card that says nothing is still there.
    assert_eq!(page.ask(&connect("A"))["card"], 3);
    desktop.0.borrow_mut().next = Some(Why::Mute);
    let third = json!({ "id": 2, "ask": "transmit", "card": 3, "apdu": "00A40000" });
    assert_eq!(page.why(&third), "mute");
    assert_eq!(page.ask(&third)["apdu"], "AB9000");
    // PC/SC has trouble with a reader, whichever: that is nothing about this one.
    desktop.0.borrow_mut().out = Some(Why::Failed);
    assert_eq!(page.look(), Vec::<Value>::new());
    assert_eq!(page.ask(&third)["apdu"], "AB9000");
    desktop.0.borrow_mut().out = None;
    // The reader is unplugged.
    let readers = std::mem::take(&mut desktop.0.borrow_mut().readers);
    assert_eq!(page.look()[0], json!({ "tell": "removed", "card": 3 }));
    // PC/SC ends.
    desktop.0.borrow_mut().readers = readers;
    assert_eq!(page.ask(&connect("A"))["card"], 4);
    desktop.0.borrow_mut().out = Some(Why::NoService);
    assert_eq!(page.look()[0], json!({ "tell": "removed", "card": 4 }));
    assert_eq!(page.why(&json!({ "id": 1, "ask": "readers" })), "no-service");
    assert_eq!(page.why(&connect("A")), "no-service");
    // It has ended and begun again before anybody looks: whoever asks hears it, and that the cards
    // of before are gone.
    desktop.0.borrow_mut().out = None;
    assert_eq!(page.ask(&connect("A"))["card"], 5);
    desktop.0.borrow_mut().out = Some(Why::NoService);
    let told = page.asks(&json!({ "id": 1, "ask": "readers" }));
    assert_eq!(told[0]["why"], "no-service");
    assert!(told.contains(&json!({ "tell": "removed", "card": 5 })), "{told:?}");
    desktop.0.borrow_mut().out = None;
    assert_eq!(page.ask(&connect("A"))["card"], 6);
}

#[test]
fn only_so_many_cards_and_only_readers_that_are_there() {
    let names = ["A", "B", "C", "D", "E"];
    let (desk, desktop) = (Desk::default(), Desktop::with(&names));
    let mut page = Page::paired(&desk, &desktop);
    assert_eq!(page.why(&connect("F")), "no-reader");
    assert_eq!(page.why(&connect("\u{0}")), "no-reader");
    for (index, name) in names.iter().take(4).enumerate() {
        assert_eq!(page.ask(&connect(name))["card"], index + 1);
    }
    assert_eq!(page.why(&connect("E")), "too-many");
}

#[test]
fn what_is_no_command_for_the_card_is_not_sent() {
    let (desk, desktop) = (Desk::default(), Desktop::with(&["A"]));
    let mut page = Page::paired(&desk, &desktop);
    page.ask(&connect("A"));
    for command in [
        "",
        "00A400",
        "00A4040003A0",
        // To the reader: PC/SC's LOAD KEYS, ACR122U's direct transmit.
        "FF82000006FFFFFFFFFFFF",
        "FF00000002D402",
        // Extended lengths.
        "80E29100000001AA",
        "00B00000000000",
        &format!("80E2910000{}", "00".repeat(300)),
    ] {
        assert_eq!(page.why(&transmit(command)), "command", "{command}");
    }
    for frame in [
        "",
        "{}",
        "[]",
        "null",
        r#"{"id":1}"#,
        r#"{"id":1,"ask":"escape","card":1,"data":"00"}"#,
        r#"{"id":1,"ask":"transmit","card":1}"#,
        r#"{"id":1,"ask":"transmit","card":1,"apdu":"0"}"#,
        r#"{"id":1,"ask":"transmit","card":1,"apdu":"zz"}"#,
        r#"{"id":1,"ask":"transmit","card":-1,"apdu":""}"#,
        r#"{"id":-1,"ask":"readers"}"#,
        r#"{"id":99999999999,"ask":"readers"}"#,
        r#"{"id":1,"ask":"readers"} {"id":2,"ask":"readers"}"#,
        &"[".repeat(2000),
        &format!(r#"{{"id":1,"ask":"connect","reader":"{}"}}"#, "A".repeat(2048)),
    ] {
        let told = page.says(frame);
        assert_eq!((told.len(), &told[0]["why"]), (1, &json!("malformed")), "{frame}");
        assert!(!page.closed);
    }
    // The number comes back where it can be read.
    assert_eq!(page.says(r#"{"id":7,"ask":"escape"}"#)[0]["id"], 7);
    assert_eq!(desktop.sent(), Vec::<String>::new());
}

#[test]
fn a_command_goes_over_t0_as_a_tpdu_and_over_t1_as_it_is() {
    for (command, t0) in [
        // ISO/IEC 7816-3 §12.2.2 to 12.2.5: cases 1, 2, 3, 4.
        ("00440000", "0044000000"),
        ("00B0000010", "00B0000010"),
        ("00B0000000", "00B0000000"),
        ("00A40004023F00", "00A40004023F00"),
        ("00A40004023F0000", "00A40004023F00"),
        ("80E2910001AA05", "80E2910001AA"),
    ] {
        let bytes = hex::decode(command).unwrap();
        let sent = |protocol| hex::encode_upper(wire(&bytes, protocol).unwrap());
        assert_eq!(sent(Protocol::T0), t0);
        assert_eq!(sent(Protocol::T1), command);
    }
    // The longest: 255 bytes of data and Le.
    let longest = [&[0x80, 0xE2, 0x91, 0, 255][..], &[7; 255], &[0]].concat();
    assert_eq!(wire(&longest, Protocol::T0).unwrap(), longest[..260]);
    assert_eq!(wire(&longest, Protocol::T1).unwrap(), longest);
}

#[test]
fn both_ends_read_what_the_other_writes() {
    for frame in [
        r#"{"tell":"welcome","protocol":1,"program":"card-bridge 0.1.0"}"#,
        r#"{"tell":"paired","id":1,"token":"00ff"}"#,
        r#"{"tell":"readers","readers":[{"name":"A","state":"card","atr":"3B00"},{"name":"B","state":"empty"}]}"#,
        r#"{"tell":"readers","id":3,"readers":[{"name":"A","state":"mute"},{"name":"B","state":"yours"}]}"#,
        r#"{"tell":"connected","id":2,"card":1,"atr":"3B00","protocol":"T=1"}"#,
        r#"{"tell":"response","id":3,"apdu":"9000"}"#,
        r#"{"tell":"reset","id":4,"atr":"3B00"}"#,
        r#"{"tell":"disconnected","id":5}"#,
        r#"{"tell":"removed","card":1}"#,
        r#"{"tell":"refused","why":"unknown-card","text":"x"}"#,
    ] {
        assert_eq!(Tell::parse(frame).ok().unwrap().to_json(), frame);
    }
    for frame in [
        r#"{"id":1,"ask":"pair","code":"1234 5678"}"#,
        r#"{"id":1,"ask":"resume","token":"00"}"#,
        r#"{"id":1,"ask":"readers"}"#,
        r#"{"id":1,"ask":"connect","reader":"A"}"#,
        r#"{"id":1,"ask":"transmit","card":1,"apdu":"00A4"}"#,
        r#"{"id":1,"ask":"reset","card":1}"#,
        r#"{"id":1,"ask":"disconnect","card":1}"#,
    ] {
        assert_eq!(Question::parse(frame).ok().unwrap().to_json(), frame);
    }
    assert_eq!(Hex(vec![0xAB]).to_string(), "AB");
    assert!(Tell::parse(&" ".repeat(20_000)).is_err());
}

// The lines of lpac.

#[test]
fn lpac_finds_a_card_on_lines_of_json() {
    let desktop = Desktop::with(&["A", "B"]);
    desktop.set(0, State::Empty);
    let mut lines = Lines::new(desktop.clone(), None);
    let mut call = |function: &str, parameter: Value| -> Value {
        let line = json!({ "type": "apdu", "payload": { "func": function, "param": parameter } });
        let out = lines.feed(format!("{line}\n").as_bytes());
        serde_json::from_slice::<Value>(&out).unwrap()["payload"].clone()
    };
    assert_eq!(call("transmit", json!("00A40000"))["ecode"], -1, "not connected");
    assert_eq!(call("connect", json!(null)), json!({ "ecode": 0 }));
    assert_eq!(call("logic_channel_open", json!("A0000005591010"))["ecode"], 1);
    assert_eq!(desktop.sent(), ["0070000001", "01A4040007A0000005591010"]);
    assert_eq!(call("logic_channel_open", json!("A00000055910EE"))["because"], "the card answers 6A82");
    assert_eq!(desktop.sent().pop().unwrap(), "0070800100", "no channel is left open");
    assert_eq!(call("logic_channel_open", json!("A0"))["ecode"], -1);
    assert_eq!(call("transmit", json!("81E2910003BF3E00")), json!({ "ecode": 0, "data": "AB9000" }));
    assert_eq!(call("transmit", json!("FF000000"))["ecode"], -1);
    assert_eq!(call("transmit", json!("0"))["ecode"], -1);
    assert_eq!(call("logic_channel_close", json!("01"))["ecode"], 0);
    assert_eq!(call("escape", json!("01"))["ecode"], -1);
    desktop.0.borrow_mut().next = Some(Why::Removed);
    assert_eq!(call("transmit", json!("00A40000"))["because"], "played");
    assert_eq!(call("transmit", json!("00A40000"))["because"], "connect first");
    assert_eq!(call("connect", json!(null))["ecode"], 0);
    assert_eq!(call("disconnect", json!(null))["ecode"], 0);
    assert_eq!(desktop.0.borrow().released, 2);
}

#[test]
fn a_channel_on_which_nothing_could_be_selected_is_closed_and_the_first_trouble_told() {
    let open = |aid: &str, troubles: &[([u8; 2], &'static str)]| {
        let desktop = Desktop::with(&["A"]);
        desktop.0.borrow_mut().troubles = troubles.to_vec();
        let mut lines = Lines::new(desktop.clone(), None);
        lines.feed(b"{\"type\":\"apdu\",\"payload\":{\"func\":\"connect\"}}\n");
        let open =
            json!({ "type": "apdu", "payload": { "func": "logic_channel_open", "param": aid } }).to_string();
        let out: Value = serde_json::from_slice(&lines.feed(format!("{open}\n").as_bytes())).unwrap();
        (desktop.sent().pop().unwrap(), out["payload"]["because"].clone())
    };
    let (select, close) = (([0xA4, 4], "no select"), ([0x70, 0x80], "no close"));
    let closed = "0070800100".to_owned();
    assert_eq!(open("A0000005591010", &[select]), (closed.clone(), json!("no select")));
    assert_eq!(open("A0000005591010", &[select, close]), (closed.clone(), json!("no select")));
    assert_eq!(open("A00000055910EE", &[close]), (closed, json!("the card answers 6A82")));
}

#[test]
fn other_lines_are_answered_or_passed_over() {
    let desktop = Desktop::with(&["A"]);
    let mut lines = Lines::new(desktop, Some("B".to_owned()));
    assert_eq!(lines.feed(b"\n  \n{\"type\":\"progress\",\"payload\":{}}\n"), b"");
    for (line, said) in [
        (&b"nonsense\n"[..], "JSON"),
        (b"\xFF\n", "text"),
        (&[b'x'; 10_000], ""),
        (b"\n", "4096"),
        (b"{\"type\":\"apdu\",\"payload\":{\"func\":\"connect\"}}\n", "no reader"),
    ] {
        let out = String::from_utf8(lines.feed(line)).unwrap();
        assert!(out.contains(said) && (said.is_empty() == out.is_empty()), "{out}");
    }
    let http = lines.feed(b"{\"type\":\"http\",\"payload\":{\"url\":\"https://a\"}}\n");
    assert_eq!(serde_json::from_slice::<Value>(&http).unwrap()["payload"]["rcode"], 501);
    assert_eq!(lines.feed(b"{\"type\":"), b"");
    assert!(!lines.finish().is_empty());
}

// Whatever comes in.

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_frame_has_an_answer(frames in proptest::collection::vec(any_frame(), 1..20)) {
        let (desk, desktop) = (Desk::default(), Desktop::with(&["A", "B"]));
        let mut page = Page::paired(&desk, &desktop);
        for frame in frames {
            let told = page.says(&frame);
            prop_assert!(!told.is_empty());
            page.look();
        }
        drop(page);
        // Nothing is held any more.
        let mut next = Page::paired(&desk, &desktop);
        prop_assert_eq!(&next.ask(&connect("A"))["tell"], "connected");
    }

    #[test]
    fn every_line_is_survived(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let mut lines = Lines::new(Desktop::with(&["A"]), None);
        lines.feed(&bytes);
        lines.finish();
    }
}

fn any_frame() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,80}",
        (any::<u32>(), 0u32..4, proptest::collection::vec(any::<u8>(), 0..270)).prop_map(
            |(id, card, apdu)| {
                json!({ "id": id, "ask": "transmit", "card": card, "apdu": hex::encode(apdu) }).to_string()
            }
        ),
        (any::<u32>(), "[ABC]")
            .prop_map(|(id, reader)| { json!({ "id": id, "ask": "connect", "reader": reader }).to_string() }),
        (any::<u32>(), 0u32..4, "reset|disconnect|readers|escape|pair|resume").prop_map(|(id, card, ask)| {
            json!({ "id": id, "ask": ask, "card": card, "code": "1", "token": "1" }).to_string()
        }),
    ]
}

// A chip of the page for the programs of the desktop.

fn offer(id: u32) -> Value {
    json!({ "id": id, "ask": "offer", "atr": "3B8001" })
}

/// A page whose chip is in the virtual reader.
fn offering(desk: &Desk) -> Page {
    let mut page = Page::paired(desk, &Desktop::default());
    assert!(page.asks(&offer(1)).is_empty());
    assert_eq!(page.reader, [ToReader::Open]);
    assert_eq!(values(&page.session.opened(Ok(()))), [json!({ "tell": "offered", "id": 1 })]);
    page
}

#[test]
fn a_chip_of_the_page_is_used_by_the_desktop() {
    let mut page = offering(&Desk::default());
    assert!(page.session.waits_for_reader());
    assert_eq!(page.heard(&[0, 1, 1]), [json!({ "tell": "power", "number": 1 })]);
    assert!(!page.session.waits_for_reader());
    let answer = |id: u32, number: u32, bytes: &str| json!({ "id": id, "ask": "answer", "number": number, "bytes": bytes });
    assert_eq!(page.ask(&answer(2, 1, "3B00")), json!({ "tell": "passed", "id": 2 }));
    assert!(page.heard(&[0, 1, 4]).is_empty());
    assert_eq!(page.reader, [ToReader::Say(vec![0, 2, 0x3B, 0x00])]);
    assert_eq!(
        page.heard(&[0, 4, 0, 0xF2, 0, 0]),
        [json!({ "tell": "command", "number": 2, "apdu": "00F20000" })]
    );
    // Only what was asked, and once.
    assert_eq!(page.why(&answer(3, 1, "9000")), "not-asked");
    assert_eq!(page.why(&answer(4, 2, &"00".repeat(259))), "malformed");
    assert_eq!(page.ask(&answer(5, 2, "6A82")), json!({ "tell": "passed", "id": 5 }));
    assert_eq!(page.reader, [ToReader::Say(vec![0, 2, 0x6A, 0x82])]);
    assert_eq!(page.why(&answer(6, 2, "9000")), "not-asked");
    // Taken out.
    assert_eq!(page.ask(&json!({ "id": 7, "ask": "withdraw" })), json!({ "tell": "withdrawn", "id": 7 }));
    assert_eq!(page.reader, [ToReader::Close]);
    assert_eq!(page.why(&json!({ "id": 8, "ask": "withdraw" })), "not-asked");
    assert!(page.heard(&[0, 1, 4]).is_empty());
}

#[test]
fn a_virtual_reader_that_goes_gives_the_chip_back() {
    let desk = Desk::default();
    let mut page = offering(&desk);
    assert_eq!(page.heard(&[]), [json!({ "tell": "withdrawn" })]);
    assert_eq!(page.reader, [ToReader::Close]);
    // There is room again.
    assert!(page.asks(&offer(2)).is_empty());
    let no = Trouble::new(Why::NoVirtualReader, "none is there");
    let told = values(&page.session.opened(Err(no)));
    assert_eq!((&told[0]["why"], &told[0]["id"]), (&json!("no-virtual-reader"), &json!(2)));
    assert!(page.asks(&offer(3)).is_empty());
}

#[test]
fn one_chip_is_in_the_virtual_reader() {
    let desk = Desk::default();
    let mut first = offering(&desk);
    let mut second = Page::paired(&desk, &Desktop::default());
    assert_eq!(second.why(&offer(1)), "taken");
    assert_eq!(first.why(&offer(2)), "taken");
    // A page that goes takes it along.
    drop(first);
    assert!(second.asks(&offer(2)).is_empty());
    assert_eq!(second.reader, [ToReader::Open]);
}

#[test]
fn only_a_paired_page_offers_a_chip_and_only_one_with_an_answer_to_reset() {
    let desk = Desk::default();
    let mut stranger = Page::new(&desk, &Desktop::default());
    for question in [offer(1), json!({ "id": 1, "ask": "withdraw" })] {
        assert_eq!(stranger.why(&question), "not-paired");
    }
    let mut page = Page::paired(&desk, &Desktop::default());
    for atr in ["", "3B", &"3B".repeat(34), "3"] {
        let answer = page.asks(&json!({ "id": 2, "ask": "offer", "atr": atr }));
        assert_eq!(answer[0]["why"], "malformed", "{atr}");
        assert!(page.reader.is_empty());
    }
    assert_eq!(page.why(&json!({ "id": 3, "ask": "answer", "number": 1, "bytes": "9000" })), "not-asked");
}
