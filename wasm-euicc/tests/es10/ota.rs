//! Over-the-air management through ENVELOPE: packets of a sender that knows the
//! keys, and of others that do not.

use ota::script::{Format, Outcome, Script};
use ota::sms::{Download, deliver};
use ota::{Command, Header, Key, KeyKind, Keyset, Response, ResponseStatus, Spi, Tar};
use proptest::prelude::*;
use rsp::DataObject as _;
use rsp::metadata::{OperatorId, PprIds, StoreMetadata, UpdateMetadataRequest};
use rsp::profiles::ProfileInfoListResponse;
use saip::Secret;
use saip::build::{Authentication, OtaKeys, Subscriber};
use vectors::bytes;
use wasm_euicc::nvm::{Medium, MemoryMedium};

use crate::card::{Card, factory, hex, preloaded};
use crate::management::{delete, disable, enable};
use crate::power::at_every_write;
use crate::server::*;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const KIC: [u8; 16] = [0xC1; 16];
/// The halves differ: triple DES with equal ones would be DES.
const KID: [u8; 16] = [0x3D, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
/// "Cert, no ciphering, counter higher; proof of receipt always, signed".
const SIGNED: [u8; 2] = [0x12, 0x09];
/// The same, ciphered both ways.
const CIPHERED: [u8; 2] = [0x16, 0x19];
const USIM_RFM: [u8; 3] = [0xB0, 0x01, 0x40];
const MF_RFM: [u8; 3] = [0xB0, 0x01, 0x20];
const OPERATOR: [u8; 3] = [0xB2, 0x01, 0x00];

fn subscriber(number: u8) -> Subscriber {
    let imsi = format!("001010000000{number:03}").parse().unwrap();
    let authentication = Authentication::Milenage { k: Secret::new([0x46; 16]), opc: Secret::new([0; 16]) };
    let mut subscriber = Subscriber::new(iccid(number), imsi, 2, authentication);
    subscriber.spn = "Before".into();
    subscriber.service_centre = Some("+441234".into());
    subscriber.ota =
        Some(OtaKeys { version: 1, kic: Secret::new(KIC), kid: Secret::new(KID), kik: Secret::new([3; 16]) });
    subscriber
}

fn profile() -> Vec<u8> {
    saip::build::package(&subscriber(1)).unwrap().to_vec()
}

/// Replaces bytes wherever they stand.
fn replaced(package: &[u8], from: &str, to: &str) -> Vec<u8> {
    let (package, from, to) = (hex(package), hex(&bytes(from)), hex(&bytes(to)));
    assert!(package.contains(&from));
    bytes(&package.replace(&from, &to))
}

/// The operator's server.
#[derive(Clone)]
struct Sender {
    keys: Keyset,
    spi: [u8; 2],
    indication: u8,
    tar: [u8; 3],
    counter: u64,
}

impl Sender {
    fn new(kind: KeyKind, version: u8, kic: &[u8], kid: &[u8]) -> Self {
        let key = |bytes| Key::new(kind, bytes, 8).unwrap();
        let keys = Keyset { kic: Some(key(kic)), kid: Some(key(kid)) };
        let indication = version << 4 | key(kic).algorithm();
        Self { keys, spi: CIPHERED, indication, tar: USIM_RFM, counter: 0 }
    }

    fn aes() -> Self {
        Self::new(KeyKind::Aes, 1, &KIC, &KID)
    }

    fn to(mut self, tar: [u8; 3]) -> Self {
        self.tar = tar;
        self
    }

    fn header(&self) -> Header {
        let (kic, kid) = (self.indication, self.indication);
        Header { spi: Spi::from_bytes(self.spi).unwrap(), kic, kid, tar: Tar(self.tar) }
    }

    /// The packet with the next counter.
    fn packet(&mut self, data: &[u8]) -> Vec<u8> {
        self.counter += 1;
        let command = Command { header: self.header(), counter: self.counter, data: data.to_vec().into() };
        command.seal(&self.keys).unwrap()
    }

    /// What the proof of receipt says; `secured`: as SPI asked.
    fn receipt(&self, answer: &[u8], secured: bool) -> (ResponseStatus, u64, Vec<u8>) {
        let response = Response::open(answer, &self.header(), &self.keys, secured)
            .unwrap_or_else(|_| panic!("{}", hex(answer)));
        assert_eq!(response.tar, Tar(self.tar));
        (response.status, response.counter, response.data)
    }

    /// Sends a script; returns how many commands were executed and what came of
    /// the last one.
    #[track_caller]
    fn script<M: Medium>(&mut self, card: &mut Card<M>, commands: &[&str]) -> (u32, String) {
        let commands: Vec<Vec<u8>> = commands.iter().map(|command| bytes(command)).collect();
        let packet = self.packet(&Script::encode(Format::Compact, &commands));
        let (answer, _) = send(card, &packet);
        let (status, counter, data) = self.receipt(&answer, true);
        assert_eq!((status, counter), (ResponseStatus::OK, self.counter));
        let outcome = Outcome::decode(Format::Compact, &data).unwrap();
        let (data, sw) = &outcome.answers[0];
        (outcome.executed, format!("{}{sw:04X}", hex(data)))
    }

    /// Sends a script that is refused.
    #[track_caller]
    fn refused<M: Medium>(&mut self, card: &mut Card<M>, secured: bool) -> u8 {
        let packet = self.packet(&bytes("00A4000C023F00"));
        let (answer, sw) = send(card, &packet);
        assert_eq!(sw, 0x9000);
        let (status, _, data) = self.receipt(&answer, secured);
        assert!(data.is_empty());
        status.0
    }
}

fn envelopes(packet: &[u8]) -> Vec<Vec<u8>> {
    deliver(packet, &bytes("05812143F5"), 9)
        .iter()
        .map(|message| {
            let tpdu = message.encode([0x24, 0x05, 0x12, 0x15, 0x17, 0x30, 0x00]);
            Download { service_centre: Some(&[0x91, 0x44, 0x21, 0x43]), tpdu: &tpdu }.encode()
        })
        .collect()
}

/// One ENVELOPE as a terminal sends it; the answer fetched.
fn envelope<M: Medium>(card: &mut Card<M>, data: &[u8]) -> (Vec<u8>, u16) {
    let answer = card.chip.transmit(&[&[0x80, 0xC2, 0x00, 0x00, data.len() as u8], data].concat());
    let answer = match answer[..] {
        [0x61, len] => card.chip.transmit(&[0x00, 0xC0, 0x00, 0x00, len]),
        _ => answer,
    };
    let (data, sw) = answer.split_at(answer.len() - 2);
    (data.to_vec(), u16::from_be_bytes([sw[0], sw[1]]))
}

/// A packet in as many messages as it takes; the last answer.
fn send<M: Medium>(card: &mut Card<M>, packet: &[u8]) -> (Vec<u8>, u16) {
    let mut answer = (Vec::new(), 0);
    for data in envelopes(packet) {
        assert!(answer.0.is_empty());
        answer = envelope(card, &data);
    }
    answer
}

fn apdu<M: Medium>(card: &mut Card<M>, command: &str) -> String {
    hex(&card.chip.transmit(&bytes(command)))
}

/// The name of the service provider as the terminal reads it, up to its filling.
fn spn<M: Medium>(card: &mut Card<M>) -> String {
    let aid = hex(&saip::build::USIM_AID);
    assert_eq!(&apdu(card, &format!("00A4040C10{aid}")), "9000");
    assert_eq!(&apdu(card, "00A4000C026F46")[..2], "90");
    let content = card.chip.transmit(&bytes("00B0000110"));
    content.iter().map(|&byte| char::from(byte)).take_while(char::is_ascii_alphabetic).collect()
}

/// `80 D6` of EF.SPN with a name.
fn rename(name: &str) -> [String; 2] {
    let name = hex(name.as_bytes());
    ["00A4000C026F46".into(), format!("00D60001{:02X}{name}", name.len() / 2)]
}

fn made_with(lab: &Lab, metadata: &StoreMetadata, package: &[u8]) -> wasm_euicc::Factory {
    let mut made = factory(lab);
    made.preloaded.push(preloaded(metadata, package, true));
    made
}

/// A chip with one profile, enabled.
fn with(package: &[u8]) -> Card<MemoryMedium> {
    let lab = Lab::new();
    Card::made_by(&made_with(&lab, &metadata(1), package))
}

fn with_terminal(package: &[u8]) -> Card<MemoryMedium> {
    let mut card = with(package);
    assert_eq!(apdu(&mut card, "8010000005FFFFFFFFFF"), "9000");
    card
}

fn strs(list: &[String]) -> Vec<&str> {
    list.iter().map(String::as_str).collect()
}

#[test]
fn files_are_updated_with_aes_keys() {
    let mut card = with(&profile());
    let mut sender = Sender::aes();
    assert_eq!(sender.script(&mut card, &strs(&rename("After"))), (2, "9000".into()));
    assert_eq!(spn(&mut card), "Aftere");
    // By path from the MF, records, reading back; in each way of securing.
    for spi in [[0x12, 0x01], SIGNED, [0x16, 0x01], CIPHERED, [0x1E, 0x19]] {
        sender.spi = spi;
        let read = sender.script(&mut card, &["00A4080C047FFF6F07", "00B0000009"]);
        assert_eq!(read, (2, "0809101000000000109000".into()), "{spi:02X?}");
    }
    let read = sender.script(&mut card, &["00A4000C023F00", "00A4000C022FE2", "00B000000A"]);
    assert_eq!(read, (3, format!("{}9000", hex(iccid(1).as_bytes()))));
    // EF.SMSP, record 1.
    let before = sender.script(&mut card, &["00A4080C047FFF6F42", "00B2010400"]).1;
    let len = (before.len() - 4) / 2;
    let record = "AB".repeat(len);
    let update = format!("00DC0104{len:02X}{record}");
    assert_eq!(sender.script(&mut card, &["00A4080C047FFF6F42", &update]).1, "9000");
    assert_eq!(sender.script(&mut card, &["00A4080C047FFF6F42", "00B2010400"]).1, format!("{record}9000"));
    // Data that is not asked for waits; so does a failure, which ends the script.
    assert!(sender.script(&mut card, &["00A40004023F00"]).1.starts_with("61"));
    assert!(sender.script(&mut card, &["00A40004023F00", "00C0000000"]).1.starts_with("62"));
    let failed = sender.script(&mut card, &["00A4000C026FFF", "00A4000C026F46"]);
    assert_eq!(failed, (1, "6A82".into()));
    // The application for the MF's files does not reach the USIM's.
    let mut sender = Sender { counter: sender.counter, ..Sender::aes().to(MF_RFM) };
    assert_eq!(sender.script(&mut card, &["00A4000C022FE2", "00B000000A"]).0, 2);
    assert_eq!(sender.script(&mut card, &["00A4000C027FFF"]).1, "6A82");
    assert_eq!(sender.script(&mut card, &["00A4000C027FD0"]).1, "6A82");
    assert_eq!(sender.script(&mut card, &["00A4040C07A0000000871002"]).1, "6A86");
    // Nothing of it touches what the terminal has selected or verified.
    assert_eq!(sender.script(&mut card, &["00880081221000"]).1, "6700");
}

#[test]
fn files_are_updated_with_triple_des_keys() {
    let package = replaced(&profile(), "800188", "800180");
    let mut card = with(&package);
    let mut sender = Sender::new(KeyKind::Des, 1, &KIC, &KID);
    assert_eq!(sender.script(&mut card, &strs(&rename("Triple"))), (2, "9000".into()));
    assert_eq!(spn(&mut card), "Triple");
    // The keys are not for AES.
    let mut other = Sender::aes();
    other.counter = 9;
    assert_eq!(other.refused(&mut card, false), 0x05);
}

#[test]
fn the_generic_test_profile_is_updated_with_its_published_keys() {
    let Some(package) = vectors::read("data/ts48-v7/TS48v7_eSIM_GTP_SAIP2.3_NoBERTLV.der") else { return };
    let lab = Lab::new();
    let mut metadata = metadata(1);
    metadata.iccid = "89000123456789012341".parse().unwrap();
    let mut card = Card::made_by(&made_with(&lab, &metadata, &package));
    // "keyData '000102030405060708090A0B0C0D0E0F'H", versions 1 (triple DES), 2 (AES).
    let key: Vec<u8> = (0..16).collect();
    for (kind, version, name) in [(KeyKind::Des, 1, "41414141"), (KeyKind::Aes, 2, "42424242")] {
        let mut sender = Sender::new(kind, version, &key, &key);
        let update = format!("00D6000104{name}");
        let done = sender.script(&mut card, &["00A4000C026F46", &update, "00B0000104"]);
        assert_eq!(done, (3, format!("{name}9000")));
        let aid = "A0000000871002FF49FF0589";
        assert_eq!(apdu(&mut card, &format!("00A4040C0C{aid}")), "9000");
        assert_eq!(apdu(&mut card, "00A4000C026F46"), "9000");
        assert_eq!(apdu(&mut card, "00B0000104"), format!("{name}9000"));
        let mut sender = Sender { counter: sender.counter, ..sender.to(MF_RFM) };
        let done = sender.script(&mut card, &["00A4000C022FE2", "00B000000A"]);
        assert_eq!(done, (2, "980010325476981032149000".into()));
        // ISIM.
        let mut sender = Sender { counter: sender.counter, ..sender.to([0xB0, 0x01, 0x41]) };
        assert_eq!(sender.script(&mut card, &["00A4000C026F02"]).1, "9000");
        // The keys of the domain: two versions of three, by GET DATA.
        let mut sender = Sender { counter: sender.counter, ..sender.to(OPERATOR) };
        let (executed, template) = sender.script(&mut card, &["80CA00E000"]);
        assert_eq!(executed, 1);
        assert!(template.starts_with("E024C00401018010C00402018010C00403018010C00401028810"), "{template}");
    }
}

#[test]
fn a_packet_is_taken_once_and_from_its_sender_only() {
    let mut card = with(&profile());
    let mut sender = Sender::aes();
    sender.counter = 6;
    let first = sender.packet(&bytes("00A4000C023F00"));
    assert_eq!(sender.receipt(&send(&mut card, &first).0, true).0, ResponseStatus::OK);
    // Again, and an older one.
    let (status, counter, _) = sender.receipt(&send(&mut card, &first).0, true);
    assert_eq!((status, counter), (ResponseStatus::COUNTER_LOW, 7));
    sender.counter = 2;
    assert_eq!(sender.refused(&mut card, true), 0x02);
    // After loss of power too.
    let lab = Lab::new();
    let mut card = card.power_cycle(&factory(&lab));
    assert_eq!(sender.receipt(&send(&mut card, &first).0, true).0, ResponseStatus::COUNTER_LOW);
    // One higher.
    sender.spi = [0x1E, 0x19];
    sender.counter = 8;
    assert_eq!(sender.refused(&mut card, true), 0x03);
    sender.counter = 7;
    assert_eq!(sender.script(&mut card, &["00A4000C023F00"]).1, "9000");
    // Wrong keys, versions, TARs, levels.
    let mut sender = Sender { counter: 20, spi: SIGNED, ..Sender::new(KeyKind::Aes, 1, &KIC, &KIC) };
    assert_eq!(sender.refused(&mut card, false), 0x01);
    sender.spi = CIPHERED;
    assert_eq!(sender.refused(&mut card, false), 0x01);
    let mut sender = Sender { counter: 20, ..Sender::new(KeyKind::Aes, 2, &KIC, &KID) };
    assert_eq!(sender.refused(&mut card, false), 0x05);
    let mut sender = Sender { counter: 20, ..Sender::aes().to([1, 2, 3]) };
    assert_eq!(sender.refused(&mut card, false), 0x09);
    for spi in [[0x00, 0x01], [0x02, 0x01], [0x0A, 0x01], [0x06, 0x01], [0x14, 0x01]] {
        let mut sender = Sender { spi, ..Sender::aes() };
        assert_eq!(sender.refused(&mut card, false), 0x0A, "{spi:02X?}");
    }
    // Nothing of that has used a counter up.
    let mut sender = Sender { counter: 8, ..Sender::aes() };
    assert_eq!(sender.script(&mut card, &["00A4000C023F00"]).1, "9000");
    // Silence, and an answer to errors only.
    for (spi, told) in [([0x16, 0x18], 0), ([0x16, 0x1A], 0x02)] {
        sender.spi = spi;
        let packet = sender.packet(&bytes("00A4000C023F00"));
        assert_eq!(send(&mut card, &packet), (Vec::new(), 0x9000));
        let (answer, sw) = send(&mut card, &packet);
        assert_eq!((sw, answer.is_empty()), (0x9000, told == 0));
        if told != 0 {
            assert_eq!(sender.receipt(&answer, true).0.0, told);
        }
    }
    assert_eq!(spn(&mut card), "Before");
}

#[test]
fn access_domains_decide() {
    // ADM 1 only, PIN 1 only, none.
    for (domain, adm, pin) in
        [("02000100", "9000", "6982"), ("02010000", "6982", "9000"), ("FF", "6982", "6982")]
    {
        let adf = &bytes(domain);
        let mut elements = saip::build::elements(&subscriber(1)).unwrap();
        for element in &mut elements {
            let saip::ProfileElement::Rfm(rfm) = element else { continue };
            let Some(access) = &rfm.adf else { continue };
            let aid = access.aid.as_bytes();
            let inner = [
                tlv::encode(tlv::Tag(0x80), aid),
                tlv::encode(tlv::Tag(0x81), adf),
                tlv::encode(tlv::Tag(0x82), adf),
            ]
            .concat();
            let mut value: Vec<u8> = Vec::new();
            let old = rfm.raw().to_vec();
            let mut reader = tlv::Tlv::single(&old).unwrap().reader();
            while let Some(object) = reader.next().unwrap() {
                if object.tag == tlv::Tag::SEQUENCE {
                    value.extend(tlv::encode(object.tag, &inner));
                } else {
                    value.extend_from_slice(object.raw);
                }
            }
            *element = saip::ProfileElement::decode(&tlv::encode(tlv::Tag(0xA7), &value)).unwrap();
        }
        let package = saip::Package { elements }.encode().unwrap();
        let mut card = with(&package);
        let mut sender = Sender::aes();
        // EF.SPN: read always, update ADM 1. EF.PLMNwAcT: update PIN 1.
        assert_eq!(sender.script(&mut card, &["00A4000C026F46", "00D600010141"]).1, adm, "{domain}");
        assert_eq!(sender.script(&mut card, &["00A4000C026F60", "00D600000100"]).1, pin, "{domain}");
        let read = sender.script(&mut card, &["00A4000C026F46", "00B0000101"]).1;
        assert_eq!(read.ends_with("9000"), domain != "FF", "{domain}");
        // What is never allowed is not allowed to anybody: another ICCID.
        assert_eq!(sender.script(&mut card, &["00A4000C023F00", "00A4000C022FE2", "00D600000198"]).1, "6982");
    }
}

#[test]
fn long_scripts_come_in_parts_and_expanded() {
    let mut card = with(&profile());
    let mut sender = Sender::aes();
    let commands: Vec<Vec<u8>> =
        (0..20).flat_map(|_| [bytes("00A4000C026F46"), bytes("00D600010A41414141414141414141")]).collect();
    let packet = sender.packet(&Script::encode(Format::Compact, &commands));
    assert!(envelopes(&packet).len() > 3);
    let (answer, _) = send(&mut card, &packet);
    let (_, _, data) = sender.receipt(&answer, true);
    assert_eq!(hex(&data), "289000");
    assert_eq!(spn(&mut card), "AAAAAAAAAA");
    for format in [Format::Definite, Format::Indefinite] {
        let commands = ["00A4000C026F46", "00B0000103", "00A4000C026FFF", "00B0000103"].map(bytes);
        let packet = sender.packet(&Script::encode(format, &commands));
        let (_, _, data) = sender.receipt(&send(&mut card, &packet).0, true);
        let outcome = Outcome::decode(format, &data).unwrap();
        assert_eq!(outcome.executed, 3);
        let expected = [(vec![], 0x9000), (bytes("414141"), 0x9000), (vec![], 0x6A82)];
        assert_eq!(outcome.answers, expected);
    }
    // Chaining of scripts is told apart from what is unknown.
    let packet = sender.packet(&bytes("AA03830101"));
    let (_, _, data) = sender.receipt(&send(&mut card, &packet).0, true);
    assert_eq!(hex(&data), "AB06800100830102");
    // More than an answer holds is cut off, and ends the script.
    let (executed, read) =
        sender.script(&mut card, &["00A4080C067FFF5FC04F05", "00B000006E", "00A4000C023F00"]);
    assert_eq!((executed, read), (2, format!("{}62F1", "FF".repeat(97))));
}

/// The answer by a short message of its own, then the notice of changed files.
#[test]
fn the_terminal_is_asked_to_send_and_to_refresh() {
    let mut card = with_terminal(&profile());
    let mut sender = Sender { spi: [0x16, 0x39], ..Sender::aes() };
    let commands: Vec<Vec<u8>> = rename("After").iter().map(|command| bytes(command)).collect();
    let packet = sender.packet(&Script::encode(Format::Compact, &commands));
    let (answer, sw) = send(&mut card, &packet);
    assert!(answer.is_empty());
    assert_eq!(sw >> 8, 0x91);
    // Busy until that is done.
    let again = sender.packet(&[]);
    assert_eq!(send(&mut card, &again).1, 0x9300);
    let proactive = apdu(&mut card, &format!("80120000{:02X}", sw & 0xFF));
    assert!(proactive[4..].starts_with("8103011300820281838604914421438B"), "{proactive}");
    let at = proactive.find("027100").unwrap() / 2;
    let proactive = bytes(&proactive);
    assert_eq!(hex(&proactive[at - 10..at - 3]), "410005812143F5");
    let (status, _, data) = sender.receipt(&proactive[at..proactive.len() - 2], true);
    assert_eq!((status, hex(&data)), (ResponseStatus::OK, "029000".into()));
    let sw = apdu(&mut card, "801400000C810301130082028381830100");
    let refresh = "D0258103020101820281829207013F007FFF6F46AF10";
    let aid = hex(&saip::build::USIM_AID);
    assert_eq!(sw, format!("91{:02X}", (refresh.len() + aid.len()) / 2));
    let fetched = apdu(&mut card, &format!("80120000{}", &sw[2..]));
    assert_eq!(fetched[4..], format!("{}{aid}9000", &refresh[4..]));
    assert_eq!(apdu(&mut card, "801400000C810302010182028281830100"), "9000");
    assert_eq!(spn(&mut card), "Aftere");
    // A packet that changes nothing needs no notice.
    sender.spi = CIPHERED;
    assert_eq!(sender.script(&mut card, &["00A4000C026F46"]).1, "9000");
    assert_eq!(apdu(&mut card, "00A4000C023F00"), "9000");
}

#[test]
fn metadata_is_updated_and_a_rule_taken_away() {
    let lab = Lab::new();
    let mut metadata = metadata(1);
    metadata.profile_policy_rules = PprIds::PPR2;
    metadata.profile_owner = Some(OperatorId { mcc_mnc: [0x00, 0xF1, 0x10], gid1: None, gid2: None });
    let empty = Card::new(&lab).free();
    let mut card = Card::made_by(&made_with(&lab, &metadata, &profile()));
    let mut sender = Sender::aes().to(OPERATOR);
    let store = |request: &[u8]| format!("80E29100{:02X}{}", request.len(), hex(request));
    let mut request = UpdateMetadataRequest {
        service_provider_name: Some("New operator".into()),
        profile_name: Some("New name".into()),
        ..UpdateMetadataRequest::default()
    };
    assert_eq!(sender.script(&mut card, &[&store(&request.encode())]), (1, "9000".into()));
    let rules = |card: &mut Card<MemoryMedium>| {
        let answer = card.es10(&bytes("BF2D 03 5C0199"));
        match ProfileInfoListResponse::decode(&answer).unwrap() {
            ProfileInfoListResponse::Ok(list) => list[0].profile_policy_rules,
            ProfileInfoListResponse::Error(code) => panic!("{code}"),
        }
    };
    let info = &card.profiles()[0];
    assert_eq!(info.service_provider_name.as_deref(), Some("New operator"));
    assert_eq!(info.profile_name.as_deref(), Some("New name"));
    assert_eq!(rules(&mut card), PprIds::PPR2);
    assert_eq!(disable(&mut card, 1), 0);
    assert_eq!(delete(&mut card, 1), 3);
    assert_eq!(enable(&mut card, 1), 0);
    // Rules are not added, and pprUpdateControl is not set.
    request.profile_policy_rules = Some(PprIds(PprIds::PPR1.0 | PprIds::PPR2.0));
    assert_eq!(sender.script(&mut card, &[&store(&request.encode())]).1, "9000");
    assert_eq!(rules(&mut card), PprIds::PPR2);
    request.profile_policy_rules = Some(PprIds::UPDATE_CONTROL);
    assert_eq!(sender.script(&mut card, &[&store(&request.encode())]).1, "6A80");
    // Not this request; not a name; in blocks that do not count on.
    assert_eq!(sender.script(&mut card, &["80E2910003BF2500"]).1, "6A88");
    let long = tlv::encode(tlv::Tag(0xBF2A), &tlv::encode(tlv::Tag(0x91), &[b'a'; 33]));
    assert_eq!(sender.script(&mut card, &[&store(&long)]).1, "6A80");
    assert_eq!(sender.script(&mut card, &["80E2910103BF2A00"]).1, "6A86");
    assert_eq!(sender.script(&mut card, &["80F24000024F00"]).1, "6D00");
    // PPR2 goes; in two blocks.
    assert_eq!(sender.script(&mut card, &["80E2110003BF2A04", "80E291010499020700"]), (2, "9000".into()));
    assert_eq!(rules(&mut card), PprIds::default());
    assert_eq!(disable(&mut card, 1), 0);
    assert_eq!(delete(&mut card, 1), 0);
    card.forget_notifications();
    assert!(empty - card.free() < 64, "{} of {empty}", card.free());
    // No profile, nobody to answer.
    let packet = sender.packet(&[]);
    assert_eq!(send(&mut card, &packet), (Vec::new(), 0x9000));
}

#[test]
fn power_fails_during_a_packet() {
    let lab = Lab::new();
    let made = made_with(&lab, &metadata(1), &profile());
    let start = Card::made_by(&made).chip.into_env().medium;
    let mut sender = Sender::aes();
    let commands = [&rename("After")[..], &["00A4000C026F60".into(), "00D600000155".into()]].concat();
    let commands: Vec<Vec<u8>> = commands.iter().map(|command| bytes(command)).collect();
    let packet = sender.packet(&Script::encode(Format::Compact, &commands));
    at_every_write(
        &lab,
        &start,
        |card| {
            send(card, &packet);
        },
        |card| {
            let name = spn(card);
            assert_eq!(apdu(card, "00A4000C026F60"), "9000");
            let network = apdu(card, "00B0000001");
            let again = sender.receipt(&send(card, &packet).0, true).0;
            match (&name[..], &network[..2]) {
                ("Aftere", "55") => assert_eq!(again, ResponseStatus::COUNTER_LOW),
                ("Before", other) if other != "55" => assert_eq!(again, ResponseStatus::OK),
                other => panic!("{other:?}"),
            }
            assert_eq!(spn(card), "Aftere");
        },
    );
}

#[test]
fn other_envelopes_and_garbage() {
    let mut card = with(&profile());
    for (data, sw) in [
        ("D30782020181900101", 0x9000),
        ("D607990103820282 81", 0x9000),
        ("D100", 0x6A80),
        ("D1", 0x6A80),
        ("D10482028382", 0x6A80),
        // A service centre with more digits than a number has.
        (&format!("D181C5 82028381 8681BC91{} 8B00", "21".repeat(187)), 0x6A80),
        // A message of seven bit text; one that is cut off.
        ("D1 16 82028381 8B10 04 0481 2143 00 00 24051215173000 0141", 0x9000),
        ("D1 0A 82028381 8B04 40058121", 0x9000),
    ] {
        assert_eq!(envelope(&mut card, &bytes(data)), (Vec::new(), sw), "{data}");
    }
    let mut sender = Sender::aes();
    let packet = sender.packet(&bytes("00A4000C023F00"));
    for end in 0..packet.len() {
        // Nobody is told what is wrong with half a packet.
        assert_eq!(send(&mut card, &packet[..end]), (Vec::new(), 0x9000));
    }
    assert_eq!(sender.receipt(&send(&mut card, &packet).0, true).0, ResponseStatus::OK);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_envelope_gets_a_status_word(
        scripts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..90), 1..6),
        noise in proptest::collection::vec(any::<u8>(), 1..90),
        operators in any::<bool>(),
    ) {
        static MEDIUM: std::sync::OnceLock<MemoryMedium> = std::sync::OnceLock::new();
        let lab = Lab::new();
        let medium = MEDIUM.get_or_init(|| with(&profile()).chip.into_env().medium);
        let mut card = Card::on(&factory(&lab), medium.clone());
        let mut sender = Sender::aes().to(if operators { OPERATOR } else { USIM_RFM });
        for script in &scripts {
            // Well secured nonsense is answered.
            let packet = sender.packet(script);
            let (answer, sw) = send(&mut card, &packet);
            prop_assert_eq!(sw, 0x9000);
            prop_assert_eq!(sender.receipt(&answer, true).0, ResponseStatus::OK);
        }
        let (_, sw) = envelope(&mut card, &noise);
        prop_assert!(matches!(sw, 0x9000 | 0x6A80));
        send(&mut card, &noise);
        let inside = tlv::encode(tlv::Tag(0xD1), &[&bytes("82028381")[..], &tlv::encode(tlv::Tag(0x8B), &noise)].concat());
        envelope(&mut card, &inside);
        prop_assert_eq!(apdu(&mut card, "00A4000C023F00"), "9000");
    }
}
