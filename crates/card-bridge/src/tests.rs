//! The bridge without PC/SC: what comes in at the door, what a page may ask, what becomes of its
//! card. The readers are played; what is expected stands in `docs/card-bridge.md`, ISO/IEC 7816-3
//! §12.2 and the format of lpac.

mod door;
mod hostile;
mod line;
mod offer;
mod page;
mod pairing;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;
use serde_json::{Value, json};

use crate::card::{Card, Readers, Trouble};
use crate::protocol::{Protocol, Reader, State, Tell, Why};
use crate::session::{Desk, Session, ToReader};

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
