//! Card readers: the driver under answers of a mad reader, the reader model under messages of a
//! mad host, answers to reset and blocks of a mad card.

use std::time::Duration;

use ccid::atr::{Atr, LONGEST, Protocol};
use ccid::descriptor::{Level, interfaces};
use ccid::message::Message;
use ccid::model::{Card, CardDesign, Design, Fault, Reader};
use ccid::t1::{Block, Edc};
use ccid::{Driver, Effect, Event, Options, Procedure, Step};

use crate::targets::pieces;

/// T=0 and T=1, the second with CRC: the answer of an OsEID card.
const BOTH: &str = "3BD596028071FE65014F734549445E";

/// No procedure has more effects than this, whatever the reader says in a few thousand bytes.
const MOST: usize = 1_000_000;

/// Answers what it was told, and counts.
struct Echo {
    atr: Vec<u8>,
    commands: usize,
}

impl Card for Echo {
    fn reset(&mut self) -> Vec<u8> {
        self.atr.clone()
    }

    fn transmit(&mut self, command: &[u8]) -> Vec<u8> {
        self.commands += 1;
        let data = command.get(5..).unwrap_or_default();
        data.iter().take(200).copied().chain([0x90, 0x00]).collect()
    }
}

fn echo(atr: Vec<u8>) -> Echo {
    Echo { atr, commands: 0 }
}

fn level(byte: u8) -> Level {
    Level::ALL[usize::from(byte) % Level::ALL.len()]
}

/// A driver comes to an end whatever a reader answers, and a sound reader can be used by it
/// afterwards. The first byte chooses level and protocol; then answers, each after a byte with
/// its length: 0 a time-out, FF a stall, else bytes. An answer whose first byte has bit 8 gets the
/// slot and the number that are waited for.
pub fn ccid_driver(bytes: &[u8]) {
    let Some((&kind, bytes)) = bytes.split_first() else { return };
    let design = Design::new(level(kind));
    let mut reader = Reader::with(design, echo(vectors::bytes(BOTH)), CardDesign::default());
    let protocol = if kind & 8 == 0 { Protocol::T0 } else { Protocol::T1 };
    let options = Options { protocol: Some(protocol), ..Options::default() };
    let interface = interfaces(&reader.design().configuration_descriptor()).unwrap().readers.remove(0);
    let driver = Driver::new(reader.design().identity, interface, options).unwrap();
    if kind & 16 != 0 {
        reader.drive(driver.connect(0)).unwrap();
    }
    let mut mad = Mad { bytes, last: Vec::new(), given: Vec::new() };
    mad.drive(ccid::discover());
    mad.drive(driver.notice());
    if kind & 16 == 0 {
        mad.drive(driver.connect(0));
    }
    for command in [&[0x80, 0xE2, 0, 0, 2, 1, 2, 0][..], &[0, 0xB0, 0, 0, 0], &[0, 0x20, 0, 0]] {
        if let Some(Ok(response)) = mad.drive(driver.transmit(0, command)) {
            assert!(response.len() >= 2 && response.len() <= 2 * 65_538, "{}", response.len());
        }
    }
    mad.drive(driver.escape(0, &[1]));
    // What is left of the madness may cost a try.
    let sound = (0..3).any(|_| reader.drive(driver.connect(0)).is_ok());
    assert!(sound, "the driver is lost");
    let answer = reader.drive(driver.transmit(0, &[0x80, 0xE2, 0, 0, 2, 1, 2, 0])).unwrap();
    assert_eq!(answer[..2], [1, 2]);
}

struct Mad<'a> {
    bytes: &'a [u8],
    /// The last message to the reader.
    last: Vec<u8>,
    /// What it says and has not been asked for.
    given: Vec<u8>,
}

impl Mad<'_> {
    fn drive<T: 'static>(&mut self, mut procedure: Procedure<T>) -> Option<Result<T, ccid::Error>> {
        let mut event = Event::Begin;
        for _ in 0..MOST {
            match procedure.resume(event) {
                Step::Do(effect) => event = self.perform(effect),
                Step::Done(result) => {
                    // It has words.
                    if let Err(error) = &result {
                        assert!(!error.to_string().is_empty());
                    }
                    return Some(result);
                }
            }
        }
        unreachable!("a procedure without an end")
    }

    fn perform(&mut self, effect: Effect) -> Event {
        match effect {
            Effect::BulkOut { data, .. } => {
                self.last = data;
                self.given.clear();
                Event::Sent
            }
            Effect::ControlOut { .. } => Event::Sent,
            Effect::BulkIn { length, .. } => {
                if self.given.is_empty() {
                    match self.next() {
                        Err(event) => return event,
                        Ok(bytes) => self.given = bytes,
                    }
                }
                let now = length.min(self.given.len());
                Event::Received(self.given.drain(..now).collect())
            }
            Effect::ControlIn { length, .. } => match self.next() {
                Ok(bytes) => Event::Received(bytes[..bytes.len().min(usize::from(length))].to_vec()),
                Err(event) => event,
            },
            Effect::InterruptIn { .. } => self.next().map_or_else(|event| event, Event::Received),
            _ => Event::Continue,
        }
    }

    fn next(&mut self) -> Result<Vec<u8>, Event> {
        let Some((&length, rest)) = self.bytes.split_first() else { return Err(Event::Timeout) };
        let (now, later) = rest.split_at(usize::from(length).min(rest.len()));
        self.bytes = later;
        match length {
            0 => Err(Event::Timeout),
            0xFF => Err(Event::Stall),
            _ => {
                let mut answer = now.to_vec();
                // Of the form of one that fits.
                if answer.len() >= 10 && answer[0] & 0x80 != 0 && self.last.len() >= 10 {
                    answer[1..5].copy_from_slice(&((now.len() - 10) as u32).to_le_bytes());
                    answer[5..7].copy_from_slice(&self.last[5..7]);
                }
                Ok(answer)
            }
        }
    }
}

/// The model under anything on its endpoints: it answers within the time that it says, with
/// messages of the right form, and works afterwards. The first byte chooses the level, the second
/// what goes wrong besides; then transfers, each after a byte with its length: an empty one
/// lets time pass.
pub fn ccid_reader(bytes: &[u8]) {
    let Some((&[kind, fault], bytes)) = bytes.split_first_chunk::<2>() else { return };
    let mut design = Design::new(level(kind));
    design.wants_zero_length = kind & 8 != 0;
    design.sends_zero_length = kind & 16 != 0;
    design.collects = kind & 32 != 0;
    let longest = design.reader.max_message as usize;
    let card = CardDesign { one_by_one: kind & 64 != 0, asks_ifsc: Some(fault | 1), ..CardDesign::default() };
    let mut reader = Reader::with(design, echo(vectors::bytes(BOTH)), card);
    for (bit, fault) in [
        (1, Fault::Parity(3)),
        (2, Fault::Garbled(2)),
        (4, Fault::Mute(2)),
        (8, Fault::AbortedChain),
        (16, Fault::Work(Duration::from_secs(20))),
        (32, Fault::Stale),
        (64, Fault::LostAnswer),
        (128, Fault::Overrun),
    ]
    .into_iter()
    .filter(|(bit, _)| fault & bit != 0)
    {
        let _ = bit;
        reader.fail(fault);
    }
    for transfer in pieces(bytes).into_iter().take(64) {
        reader.perform(&Effect::BulkOut { endpoint: Design::BULK_OUT, data: transfer.to_vec() });
        // To the end of what it says.
        for _ in 0..200 {
            let most = Duration::from_secs(3600);
            let event =
                reader.perform(&Effect::BulkIn { endpoint: Design::BULK_IN, length: 70_000, timeout: most });
            let Event::Received(bytes) = event else { break };
            if bytes.is_empty() {
                continue;
            }
            match Message::parse(&bytes, longest) {
                Ok(ccid::message::Start::Whole(message, length)) => {
                    assert_eq!(length, bytes.len());
                    assert!(message.kind & 0x80 != 0);
                }
                other => unreachable!("{other:?}"),
            }
        }
    }
    reader.mend();
    let device = reader.drive(ccid::discover()).unwrap();
    let driver = Driver::new(device.identity, device.readers[0].clone(), Options::default()).unwrap();
    // The other half of a message may come first.
    let sound = (0..3).any(|_| reader.drive(driver.connect(0)).is_ok());
    assert!(sound, "the reader is lost");
}

/// A card that answers anything to reset: what is read of it holds together, and at the level of
/// TPDUs the driver brings it to an end. The rest of the input is sent to it by the host as it is,
/// pieces after a byte with their lengths.
pub fn ccid_card(bytes: &[u8]) {
    let Some((&[kind, length], bytes)) = bytes.split_first_chunk::<2>() else { return };
    let (atr, rest) = bytes.split_at(usize::from(length).min(bytes.len()));
    if let Ok(read) = Atr::parse(atr) {
        assert!(read.bytes().len() <= LONGEST && atr.starts_with(read.bytes()));
        assert!(read.protocols().len() <= 2 && (1..=254).contains(&read.ifsc()));
        assert_eq!(Atr::parse(read.bytes()), Ok(read.clone()));
        assert!(read.factors().and_slower().iter().all(|slower| slower.d <= read.factors().d));
    }
    for edc in [Edc::Lrc, Edc::Crc] {
        if let Ok(block) = Block::parse(rest, edc) {
            assert_eq!(block.to_vec(edc), rest);
        }
    }
    let mut reader = Reader::with(Design::new(level(kind)), echo(atr.to_vec()), CardDesign::default());
    let device = reader.drive(ccid::discover()).unwrap();
    let driver = Driver::new(device.identity, device.readers[0].clone(), Options::default()).unwrap();
    if reader.drive(driver.connect(0)).is_err() {
        return;
    }
    for (number, piece) in pieces(rest).into_iter().take(32).enumerate() {
        let message = Message {
            kind: ccid::message::kind::XFR_BLOCK,
            slot: 0,
            // Such as no driver gives.
            sequence: 0x80 | number as u8,
            specific: [0; 3],
            data: piece.to_vec(),
        };
        reader.perform(&Effect::BulkOut { endpoint: Design::BULK_OUT, data: message.to_vec() });
    }
    // In step or not: an answer, or an error that says so; connected anew, the answer.
    let command = [0x80, 0xE2, 0, 0, 2, 1, 2, 0];
    let _ = reader.drive(driver.transmit(0, &command));
    let _ = reader.drive(driver.connect(0));
    let answer = reader.drive(driver.transmit(0, &command));
    // Nobody knows where an answer to reset ends that goes on behind its end.
    if Atr::parse(atr).is_ok_and(|read| read.bytes() == atr) {
        assert_eq!(answer.unwrap()[..2], [1, 2]);
    }
}

/// What the corpora begin with.
pub(crate) fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    let input = |name: &str, hex: &str| (name.to_owned(), vectors::bytes(hex));
    // An answer of the form of DataBlock: kind, length and numbers to be filled in, bytes 7 to 9,
    // data; with its own length before.
    let answer = |specific: &str, data: &str| {
        let bytes = vectors::bytes(&format!("80000000000000{specific}{data}"));
        [&[bytes.len() as u8][..], &bytes].concat()
    };
    let answers = |first: u8, list: &[(&str, &str)]| {
        let all = list.iter().flat_map(|(specific, data)| answer(specific, data));
        [first].into_iter().chain(all).collect::<Vec<u8>>()
    };
    match target {
        "ccid_driver" => vec![
            (
                "t0".into(),
                answers(0x10, &[("000000", ""), ("000000", "6102"), ("000000", "01029000"), ("800100", "")]),
            ),
            (
                "t1".into(),
                answers(
                    0x18,
                    &[("000000", ""), ("000000", "0020020102ABCD"), ("40FE00", ""), ("000000", "00C30103C1")],
                ),
            ),
            ("apdu".into(), answers(0x12, &[("000000", ""), ("000001", "0102"), ("000002", "9000")])),
            ("connect".into(), answers(0x00, &[("010000", ""), ("000000", BOTH), ("000000", "FF109679")])),
        ],
        "ccid_reader" => {
            let on = "0A 62000000000000010000";
            vec![
                input("apdu", &format!("0100 {on} 12 6F080000000001000000 80E20000020102 00")),
                input(
                    "chain",
                    &format!(
                        "0200 {on} 0E 6F040000000001000100 80E20000 0E 6F040000000002000200 02010200 0A 6F000000000003001000"
                    ),
                ),
                input(
                    "tpdu",
                    &format!(
                        "0000 {on} 0E 6F040000000001000000 FF119678 11 61070000000002010000 96110265 00FE00 0F 6F050000000003000000 00C101FE3E"
                    ),
                ),
                input(
                    "parameters",
                    &format!(
                        "00FF {on} 0A 6C000000000001000000 0A 6D000000000002000000 0A 72000000000003000000"
                    ),
                ),
            ]
        }
        "ccid_card" => vec![
            input(
                "uicc",
                "0017 3B9F96801FC78031A073BE21136743200718000001A5 07 00D60000020102 05 00B0000010",
            ),
            input("both", &format!("000F {BOTH} 0A 00000500A4000000B8DA")),
            input("t1", "000C 3B929581B1FE451F07454392 05 00C101FE3E 05 0020010021 04 00C000C0"),
        ],
        _ => Vec::new(),
    }
}
