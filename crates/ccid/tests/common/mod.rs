//! What the tests share: a card whose answers are easy to foretell.

#![allow(dead_code, reason = "every test file uses its part")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

use ccid::atr::Protocol;
use ccid::descriptor::{Features, Level};
use ccid::model::{Card, CardDesign, Design, Reader};
use ccid::{Connection, Driver, Error, Options, discover};

/// F=512 D=32, T=0 and T=15, classes A to C: the answer to reset of a UICC (ETSI TS 102 221).
pub(crate) const T0: &str = "3B9F96801FC78031A073BE21136743200718000001A5";
/// T=1 with IFSC 254 and LRC, made for these tests; F=512 D=16.
pub(crate) const T1: &str = "3B929581B1FE451F07454392";
/// OsEID: T=0 and T=1, the second with CRC.
pub(crate) const OSEID: &str = "3BD596028071FE65014F734549445E";

/// A card that echoes, counts and keeps.
#[derive(Clone, Debug, Default)]
pub(crate) struct Echo {
    pub(crate) atr: Vec<u8>,
    /// Commands, as they came.
    pub(crate) log: Vec<Vec<u8>>,
    pub(crate) kept: Vec<u8>,
}

impl Echo {
    pub(crate) fn new(atr: &str) -> Self {
        let bytes = vectors::bytes(atr);
        Self { atr: bytes, ..Self::default() }
    }
}

/// Data and Le of a command APDU.
fn body(command: &[u8]) -> (&[u8], usize) {
    match command {
        [_, _, _, _, 0, high, low, rest @ ..] => {
            let lc = usize::from(u16::from_be_bytes([*high, *low]));
            if rest.is_empty() { (&[], lc) } else { (&rest[..lc], 65_536) }
        }
        [_, _, _, _, le] => (&[], if *le == 0 { 256 } else { usize::from(*le) }),
        [_, _, _, _, lc, rest @ ..] => (&rest[..usize::from(*lc)], 256),
        _ => (&[], 0),
    }
}

pub(crate) fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i * 7 + i / 251) as u8).collect()
}

impl Card for Echo {
    fn reset(&mut self) -> Vec<u8> {
        self.atr.clone()
    }

    fn transmit(&mut self, command: &[u8]) -> Vec<u8> {
        self.log.push(command.to_vec());
        let (data, le) = body(command);
        let ok = [0x90, 0x00];
        match command[1] {
            // READ BINARY: as much as was asked for, of 200 bytes.
            0xB0 if le > 200 => pattern(200).into_iter().chain(ok).collect(),
            0xB0 => pattern(le).into_iter().chain(ok).collect(),
            // UPDATE BINARY.
            0xD6 => {
                self.kept = data.to_vec();
                ok.to_vec()
            }
            // Echo, backwards.
            0xE2 => data.iter().rev().copied().chain(ok).collect(),
            // As many bytes as P1 P2 say.
            0x88 => {
                let length = usize::from(u16::from_be_bytes([command[2], command[3]]));
                pattern(length).into_iter().chain(ok).collect()
            }
            // Nothing.
            0x20 => ok.to_vec(),
            _ => vec![0x6D, 0x00],
        }
    }
}

pub(crate) fn reader(design: Design, atr: &str) -> Reader<Echo> {
    Reader::with(design, Echo::new(atr), CardDesign::default())
}

/// The driver of a reader, found by its descriptors.
pub(crate) fn driver<C: Card>(reader: &mut Reader<C>, options: Options) -> Driver {
    let device = reader.drive(discover()).unwrap();
    Driver::new(device.identity, device.readers[0].clone(), options).unwrap()
}

pub(crate) fn connected<C: Card>(reader: &mut Reader<C>, options: Options) -> (Driver, Connection) {
    let driver = driver(reader, options);
    let connection = reader.drive(driver.connect(0)).unwrap();
    (driver, connection)
}

/// Every kind of reader at every level, each with a name.
pub(crate) fn designs() -> Vec<(String, Design)> {
    let mut all = Vec::new();
    for level in Level::ALL {
        all.push((format!("{level:?}"), Design::new(level)));
        let mut other = Design::new(level);
        other.sends_zero_length = true;
        other.descriptor_last = true;
        other.interface = 1;
        other.class = 0x0B;
        other.collects = true;
        other.packet = 16;
        other.reader.features = match level {
            Level::Tpdu => Features::AUTO_PARAMETERS.with(Features::AUTO_PPS).with(Features::AUTO_VOLTAGE),
            _ => other.reader.features.with(Features::AUTO_VOLTAGE),
        }
        .at(level);
        all.push((format!("{level:?}, other"), other));
    }
    let mut large = Design::new(Level::ExtendedApdu);
    large.reader.max_message = 65_554;
    large.packet = 512;
    all.push(("ExtendedApdu, large".to_owned(), large));
    all
}

pub(crate) fn transmit<C: Card>(
    reader: &mut Reader<C>,
    driver: &Driver,
    command: &str,
) -> Result<Vec<u8>, Error> {
    reader.drive(driver.transmit(0, &vectors::bytes(command)))
}

pub(crate) const fn atr_of(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::T0 => T0,
        Protocol::T1 => T1,
    }
}
