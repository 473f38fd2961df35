//! The bridge to card readers, and the page at its other end.

use std::time::Duration;

use card_bridge::card::{Card, Readers, Trouble};
use card_bridge::line::Lines;
use card_bridge::protocol::{Protocol, Question, Reader, Secret, State, Tell, Why};
use card_bridge::session::{Desk, MAX_FAILURES, Session};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use zeroize::Zeroizing;

const ORIGIN: &str = "http://127.0.0.1:8787";
const NOW: Duration = Duration::from_secs(1000);

/// Two readers with a card of each protocol, one without.
struct Desktop;

/// A card that says its command, and some trouble by the instruction.
struct Echo(Protocol);

impl Readers for Desktop {
    type Card = Echo;

    fn list(&mut self) -> Result<Vec<Reader>, Trouble> {
        let reader = |name: &str, state| Reader { name: name.to_owned(), state, atr: None };
        Ok(vec![reader("a", State::Card), reader("b", State::Card), reader("c", State::Empty)])
    }

    fn connect(&mut self, reader: &str) -> Result<Echo, Trouble> {
        match reader {
            "a" => Ok(Echo(Protocol::T0)),
            "b" => Ok(Echo(Protocol::T1)),
            _ => Err(Trouble::new(Why::NoCard, "no card")),
        }
    }
}

impl Card for Echo {
    fn atr(&self) -> &[u8] {
        &[0x3B, 0x00]
    }

    fn protocol(&self) -> Protocol {
        self.0
    }

    fn transmit(&mut self, wire: &[u8]) -> Result<Vec<u8>, Trouble> {
        // A header at least, and nothing that is for the reader itself.
        assert!(wire.len() >= 4 && wire[0] != 0xFF, "{wire:02X?}");
        match wire[1] {
            0x01 => Err(Trouble::new(Why::Removed, "removed")),
            0x02 => Err(Trouble::new(Why::Mute, "mute")),
            0x70 => Ok(vec![1, 0x90, 0x00]),
            _ => Ok([&wire[..wire.len().min(256)], &[0x90, 0x00]].concat()),
        }
    }

    fn reset(&mut self) -> Result<(), Trouble> {
        Ok(())
    }
}

/// What a page says to the bridge, a frame on each line. The first byte says whose side it is: bit 1,
/// the page is paired; bit 2, the lines are of another LPA on standard input; bit 4, they are what a
/// bridge says to the page.
///
/// Whatever it was: every question has one answer, with its number; a page that is not paired learns
/// nothing and is sent away; all cards are free when a page has gone; an
/// answer is read by the page as it was meant.
pub fn bridge(bytes: &[u8]) {
    let Some((&side, bytes)) = bytes.split_first() else { return };
    if side & 2 != 0 {
        let mut lines = Lines::new(Desktop, None);
        let mut out = lines.feed(bytes);
        out.extend(lines.finish());
        for line in out.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let answer: serde_json::Value = serde_json::from_slice(line).unwrap();
            assert!(answer["type"] == "apdu" || answer["type"] == "http", "{answer}");
        }
        return;
    }
    let Ok(text) = str::from_utf8(bytes) else { return };
    if side & 4 != 0 {
        text.lines().for_each(|frame| {
            if let Ok(told) = Tell::parse(frame) {
                same(&told);
            }
        });
        return;
    }
    let desk = Desk::default();
    let mut rng = ChaCha20Rng::seed_from_u64(7);
    let mut page = paired(&desk, &mut rng, side & 1 != 0);
    // More tell nothing new.
    for frame in text.lines().take(64) {
        let was = page.is_paired();
        let reply = page.answer(frame, &mut Desktop, &mut rng, NOW);
        let id = Question::parse(frame).map_or_else(|malformed| malformed.id, |question| Some(question.id));
        assert_eq!(reply.tell.first().and_then(Tell::id), id, "{frame}");
        for told in &reply.tell {
            same(told);
            assert!(was || page.is_paired() || matches!(told, Tell::Refused { .. }), "{frame}");
        }
        if reply.close {
            assert!(!page.is_paired());
            break;
        }
    }
    for _ in 0..usize::from(MAX_FAILURES) * usize::from(!page.is_paired()) {
        page.answer("", &mut Desktop, &mut rng, NOW);
    }
    assert_ne!(page.is_paired(), page.answer("", &mut Desktop, &mut rng, NOW).close);
    drop(page);
    let mut next = paired(&desk, &mut rng, true);
    for reader in ["a", "b"] {
        let ask = format!(r#"{{"id":1,"ask":"connect","reader":"{reader}"}}"#);
        let reply = next.answer(&ask, &mut Desktop, &mut rng, NOW);
        assert!(matches!(reply.tell[..], [Tell::Connected { .. }]), "{reader} is not free");
    }
}

fn paired(desk: &Desk, rng: &mut ChaCha20Rng, paired: bool) -> Session<Echo> {
    let mut page = Session::new(desk, ORIGIN);
    let code = desk.show(rng, NOW);
    if paired {
        let ask = Zeroizing::new(format!(r#"{{"id":0,"ask":"pair","code":"{}"}}"#, shown(&code)));
        page.answer(&ask, &mut Desktop, rng, NOW);
        assert!(page.is_paired());
    }
    page
}

fn shown(code: &Secret) -> &str {
    code.expose_text()
}

/// What is told is read as it was meant.
fn same(told: &Tell) {
    let frame = told.to_json();
    assert_eq!(Tell::parse(&frame).unwrap().to_json(), frame);
}

/// What pages, LPAs and bridges say.
pub(crate) fn seeds() -> Vec<(String, Vec<u8>)> {
    let page = r#"{"id":1,"ask":"readers"}
{"id":2,"ask":"connect","reader":"a"}
{"id":3,"ask":"transmit","card":1,"apdu":"00A4040410A0000005591010FFFFFFFF890000010000"}
{"id":4,"ask":"transmit","card":1,"apdu":"80F20000"}
{"id":5,"ask":"reset","card":1}
{"id":6,"ask":"connect","reader":"b"}
{"id":7,"ask":"transmit","card":2,"apdu":"0001000000"}
{"id":8,"ask":"disconnect","card":1}"#;
    let stranger = r#"{"id":1,"ask":"readers"}
{"id":2,"ask":"pair","code":"1234 5678"}
{"id":3,"ask":"resume","token":"00"}"#;
    let lpac = r#"{"type":"apdu","payload":{"func":"connect","param":null}}
{"type":"apdu","payload":{"func":"logic_channel_open","param":"A0000005591010FFFFFFFF8900000100"}}
{"type":"apdu","payload":{"func":"transmit","param":"81E2910006BF3E035C015A"}}
{"type":"apdu","payload":{"func":"logic_channel_close","param":"01"}}
{"type":"http","payload":{}}
{"type":"lpa","payload":{"code":0}}
{"type":"apdu","payload":{"func":"disconnect","param":null}}"#;
    let told = r#"{"tell":"welcome","protocol":1,"program":"card-bridge 0.1.0"}
{"tell":"readers","id":1,"readers":[{"name":"a","state":"card","atr":"3B00"},{"name":"b","state":"mute"}]}
{"tell":"connected","id":2,"card":1,"atr":"3B00","protocol":"T=0"}
{"tell":"response","id":3,"apdu":"9000"}
{"tell":"removed","card":1}
{"tell":"refused","id":4,"why":"removed","text":"gone"}"#;
    [("page", 1_u8, page), ("stranger", 0, stranger), ("lpac", 2, lpac), ("told", 4, told)]
        .map(|(name, side, text)| (name.to_owned(), [&[side], text.as_bytes()].concat()))
        .into()
}
