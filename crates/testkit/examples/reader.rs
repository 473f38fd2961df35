//! A USB card reader with our chip in it, for tests of drivers in other processes: one transfer in
//! JSON a line in, what became of it a line out.
//!
//! ```text
//! reader FACTORY LEVEL CLASS [FACTORY]   /lab/chip.json; tpdu, short or extended; bInterfaceClass in
//!                                        decimal; what the other card is made of
//!
//! {"id":1,"do":"controlIn","type":"standard","recipient":"device","request":6,"value":256,"index":0,"length":18}
//! {"id":2,"do":"out","endpoint":1,"data":"65000000000000000000"}
//! {"id":3,"do":"in","endpoint":2,"length":512}
//! {"id":4,"do":"clearHalt","endpoint":2}
//! {"id":5,"do":"unplug"}          also plug, remove, insert, insertMute: a card that does not answer, and
//!                                 insertOther: the other card, with the one that was in it kept for the next time
//! {"id":6,"do":"stalls"}          takes no more commands for the card, until a card is put in
//!
//! {"id":1,"data":"12010002…"}     or {"id":1,"sent":true}, {"id":1,"stall":true},
//!                                 {"id":1,"nothing":true} (yet), {"id":1,"gone":true}
//! ```

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a program for tests that cannot go on says so by panicking"
)]

use std::fs::{self, File};
use std::io::{self, BufRead as _, Read as _, Write as _};
use std::time::Duration;

use ccid::descriptor::Level;
use ccid::model::{Card, CardDesign, Design, Fault, Reader};
use ccid::{Effect, Event, Recipient, RequestKind, Setup};
use serde_json::{Value, json};
use wasm_euicc::nvm::{Medium, MemoryMedium};
use wasm_euicc::{Env, Euicc, Factory};

/// How long a transfer is waited for, in the reader's own time: longer than any extension.
const PATIENCE: Duration = Duration::from_secs(60);

struct World {
    chance: File,
    memory: MemoryMedium,
}

impl Env for World {
    fn fill_random(&mut self, bytes: &mut [u8]) {
        self.chance.read_exact(bytes).unwrap();
    }

    fn medium(&mut self) -> &mut dyn Medium {
        &mut self.memory
    }
}

struct Chip(Euicc<World>);

impl Card for Chip {
    fn reset(&mut self) -> Vec<u8> {
        self.0.reset()
    }

    fn transmit(&mut self, command: &[u8]) -> Vec<u8> {
        self.0.transmit(command)
    }
}

/// A card that is made of this file.
fn chip(factory: &str) -> Chip {
    let factory = Factory::from_json(&fs::read(factory).unwrap()).unwrap();
    let world = World { chance: File::open("/dev/urandom").unwrap(), memory: MemoryMedium::new() };
    Chip(factory.manufacture(world).unwrap())
}

/// `PC_to_RDR_XfrBlock` (CCID Rev 1.1 §6.1.4).
const XFR_BLOCK: u8 = 0x6F;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [factory, level, class, other @ ..] = &arguments[..] else {
        panic!("reader FACTORY LEVEL CLASS [FACTORY]")
    };
    let chip = chip(factory);
    let mut spare = other.first().map(|factory| self::chip(factory));
    let mut design = Design::new(match level.as_str() {
        "tpdu" => Level::Tpdu,
        "short" => Level::ShortApdu,
        "extended" => Level::ExtendedApdu,
        other => panic!("no level: {other}"),
    });
    design.class = class.parse().unwrap();
    let mut reader = Reader::with(design, chip, CardDesign::default());
    let (mut out_of_it, mut stalls) = (None, false);
    let mut output = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let asked: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let number = |name: &str| asked[name].as_u64().unwrap_or_default();
        let data = || hex::decode(asked["data"].as_str().unwrap_or_default()).unwrap();
        let setup = || Setup {
            kind: if asked["type"] == "class" { RequestKind::Class } else { RequestKind::Standard },
            recipient: if asked["recipient"] == "interface" {
                Recipient::Interface
            } else {
                Recipient::Device
            },
            request: number("request") as u8,
            value: number("value") as u16,
            index: number("index") as u16,
        };
        let (endpoint, length) = (number("endpoint") as u8, number("length") as usize);
        let effect = match asked["do"].as_str().unwrap() {
            "controlIn" => Effect::ControlIn { setup: setup(), length: length as u16 },
            "controlOut" => Effect::ControlOut { setup: setup(), data: data() },
            "out" => Effect::BulkOut { endpoint, data: data() },
            "in" if endpoint | 0x80 == Design::INTERRUPT => {
                Effect::InterruptIn { endpoint: endpoint | 0x80, length }
            }
            "in" => Effect::BulkIn { endpoint: endpoint | 0x80, length, timeout: PATIENCE },
            "clearHalt" => Effect::ClearHalt { endpoint },
            other => {
                match other {
                    "unplug" => reader.unplug(),
                    "plug" => reader.plug(),
                    "remove" => out_of_it = reader.remove(0),
                    "stalls" => stalls = true,
                    "insert" | "insertMute" | "insertOther" => {
                        reader.mend();
                        stalls = false;
                        if asked["do"] == "insertOther" {
                            std::mem::swap(&mut out_of_it, &mut spare);
                        }
                        reader.insert(0, out_of_it.take().unwrap(), CardDesign::default());
                        if asked["do"] == "insertMute" {
                            reader.fail(Fault::Mute(u32::MAX));
                        }
                    }
                    other => panic!("not a transfer: {other}"),
                }
                Effect::Wait(Duration::ZERO)
            }
        };
        let event = match &effect {
            Effect::BulkOut { data, .. } if stalls && data.first() == Some(&XFR_BLOCK) => Event::Stall,
            effect => reader.perform(effect),
        };
        let became = match event {
            Event::Received(bytes) => json!({"id": asked["id"], "data": hex::encode_upper(bytes)}),
            Event::Stall => json!({"id": asked["id"], "stall": true}),
            Event::Timeout => json!({"id": asked["id"], "nothing": true}),
            Event::Unplugged => json!({"id": asked["id"], "gone": true}),
            _ => json!({"id": asked["id"], "sent": true}),
        };
        writeln!(output, "{became}").unwrap();
        output.flush().unwrap();
    }
}
