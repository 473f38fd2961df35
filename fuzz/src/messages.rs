//! What comes from afar and says who it is from: secured packets of the operator, over the air
//! in short messages, and signed requests of LPAs.

use httpsig::{Draft, Message, Signed, Target, content_digest, signatures};
use ota::packet::{Integrity, MOST_COUNTER};
use ota::script::{Format, Outcome, Script};
use ota::sms::{Deliver, Download, Reassembly, deliver, submit};
use ota::{Command, Header, Key, KeyKind, Keyset, Response, Spi, Tar};

use crate::targets::pieces;

/// Keys of each kind, by the low three bits of a byte. Number 1 and 4 are those of the sample cards
/// that the published packets are for.
fn keys(choice: u8) -> Keyset {
    let (kind, first, len, mac_len) = match choice & 7 {
        0 => return Keyset::default(),
        1 => (KeyKind::Des, 0x30, 16, 8),
        2 => (KeyKind::Des, 0x30, 8, 8),
        3 => (KeyKind::Des, 0x30, 24, 8),
        4 => (KeyKind::Aes, 0x20, 16, 8),
        5 => (KeyKind::Aes, 0x20, 16, 4),
        6 => (KeyKind::Aes, 0x20, 24, 8),
        _ => (KeyKind::Aes, 0x20, 32, 8),
    };
    let key = |second| {
        let bytes: Vec<u8> = [first, second].into_iter().chain(2..len).collect();
        Some(Key::new(kind, &bytes, mac_len).unwrap())
    };
    Keyset { kic: key(0x01), kid: key(0x11) }
}

/// What a card gets over the air, or what comes back. The low bits of the first byte choose the
/// keys, the high ones what the rest is: a command packet; the header of a command and the user data
/// that answer it, secured or not (bit 4); a script, or what came of one; short messages, each
/// after a byte with its length.
///
/// Whatever it was: what is read is written and read again as the same; what has a checksum is
/// nothing else with one bit changed; a packet comes whole out of the messages that carry it.
pub fn ota(bytes: &[u8]) {
    let Some((&first, bytes)) = bytes.split_first() else { return };
    let keys = keys(first);
    match first >> 6 {
        0 => command(bytes, &keys),
        1 => response(bytes, &keys, first & 0x10 != 0),
        2 => script(bytes),
        _ => short_messages(bytes),
    }
}

fn command(packet: &[u8], keys: &Keyset) {
    let header = Header::peek(packet);
    let Ok(command) = Command::open(packet, keys) else { return };
    assert!(header == Ok(command.header) && command.data.len() < packet.len());
    assert!(command.counter <= MOST_COUNTER);
    let again = command.seal(keys).unwrap();
    assert!(Command::open(&again, keys).is_ok_and(|again| again == command));
    if command.header.spi.integrity == Integrity::Checksum {
        for at in 0..packet.len() {
            let mut forged = packet.to_vec();
            forged[at] ^= 1 << (at % 8);
            assert!(Command::open(&forged, keys).is_err(), "byte {at}");
        }
    }
}

fn response(bytes: &[u8], keys: &Keyset, secured: bool) {
    let Some(([spi1, spi2, kic, kid, a, b, c], user_data)) = bytes.split_first_chunk::<7>() else { return };
    let Some(mut spi) = Spi::from_bytes([*spi1, *spi2]) else { return };
    let header = |spi| Header { spi, kic: *kic, kid: *kid, tar: Tar([*a, *b, *c]) };
    let Ok(response) = Response::open(user_data, &header(spi), keys, secured) else { return };
    if !secured {
        (spi.por_integrity, spi.por_ciphered) = (Integrity::None, false);
    }
    let again = response.seal(&header(spi), keys).unwrap();
    assert!(Response::open(&again, &header(spi), keys, secured).is_ok_and(|again| again == response));
    if let Ok(tpdu) = submit(&[0x04, 0x91, 0x21, 0x43], user_data) {
        assert!(tpdu.ends_with(user_data));
    }
}

fn script(bytes: &[u8]) {
    let script = Script::decode(bytes);
    assert!(script.commands.iter().map(|command| command.len()).sum::<usize>() <= bytes.len());
    if script.fault.is_none() && !bytes.is_empty() {
        let again = Script::encode(script.format, &script.commands);
        assert_eq!(Script::decode(&again), script);
    }
    for format in [Format::Compact, Format::Definite, Format::Indefinite] {
        let Ok(outcome) = Outcome::decode(format, bytes) else { continue };
        // This form does not count them.
        if format == Format::Indefinite && outcome.executed as usize != outcome.answers.len() {
            continue;
        }
        assert_eq!(Outcome::decode(format, &outcome.encode(format)), Ok(outcome));
    }
}

fn short_messages(bytes: &[u8]) {
    let mut reassembly = Reassembly::default();
    for message in pieces(bytes) {
        let tpdu = match Download::decode(message) {
            Ok(download) => {
                assert_eq!(Download::decode(&download.encode()), Ok(download));
                download.tpdu
            }
            Err(_) => message,
        };
        let Ok(message) = Deliver::decode(tpdu) else { continue };
        assert_eq!(Deliver::decode(&message.encode([0; 7])), Ok(message.clone()));
        let most = usize::from(Reassembly::MOST_PARTS) * 255;
        assert!(!matches!(reassembly.take(message), Ok(Some(packet)) if packet.len() > most));
    }
    // The same bytes as a packet, in as many messages as it takes, behind whatever came before.
    let parts = deliver(bytes, &[0x04, 0x91, 0x21, 0x43], 7);
    if parts.len() > usize::from(Reassembly::MOST_PARTS) {
        return;
    }
    let mut reassembly = Reassembly::default();
    let mut whole = None;
    for part in parts {
        assert_eq!(whole, None);
        let part = Deliver::decode(&part.encode([0; 7])).unwrap();
        whole = reassembly.take(part).unwrap();
    }
    assert_eq!(whole.as_deref(), Some(bytes));
}

/// A signed message, a line for each field: `Signature-Input`, `Signature`, `Content-Digest`, the
/// body, and then fields with their names. The first byte says whether it is a response.
///
/// Whatever it was: what is covered stands in a line of its own for each component, and is the
/// same when it is written by us; a digest is of one body only.
pub fn httpsig(bytes: &[u8]) {
    let Some((&first, bytes)) = bytes.split_first() else { return };
    let Ok(text) = str::from_utf8(bytes) else { return };
    let mut lines = text.split('\n');
    let [input, signature, digest, body] = [(); 4].map(|()| lines.next().unwrap_or_default());
    let fields: Vec<(&str, &str)> = lines.take(64).filter_map(|line| line.split_once(": ")).collect();
    let named = |name: &str| fields.iter().find(|(found, _)| *found == name).map(|(_, value)| *value);
    let message = if first & 1 == 0 {
        let target = Target {
            method: named(":method").unwrap_or("POST"),
            scheme: named(":scheme").unwrap_or("https"),
            authority: named(":authority").unwrap_or("smdp.example"),
            path: named(":path").unwrap_or("/"),
            query: named(":query"),
        };
        Message::request(target, &fields)
    } else {
        Message::response(u16::from(first) << 1, &fields)
    };
    for signed in signatures(input, signature).into_iter().flatten() {
        covered(&signed, &message);
    }
    if content_digest(digest, body.as_bytes()).is_ok() {
        assert!(content_digest(digest, format!("{body} ").as_bytes()).is_err());
    }
    for field in [input, signature, digest, body] {
        if let Ok(bytes) = httpsig::expect_byte_sequence(field) {
            assert_eq!(httpsig::expect_byte_sequence(&httpsig::byte_sequence(&bytes)), Ok(bytes));
        }
    }
    let (authority, path) = (named(":authority").unwrap_or(digest), named(":path").unwrap_or(body));
    if let Ok(request) = httpsig::lpa::Request::new(authority, path, bytes, bytes, u64::from(first)) {
        let base = String::from_utf8(request.base().to_vec()).unwrap();
        let made = request.finish(&[7; 64]);
        let [cert, digest, input, signature] = &made;
        let fields = [(cert.0, cert.1.as_str()), (digest.0, digest.1.as_str())];
        let target = Target { method: "POST", scheme: "https", authority, path, query: None };
        let read = signatures(&input.1, &signature.1).unwrap();
        assert_eq!(read.len(), 1);
        assert_eq!(read[0].base(&Message::request(target, &fields)), Ok(base));
    }
}

fn covered(signed: &Signed, message: &Message<'_>) {
    let Ok(base) = signed.base(message) else { return };
    let components = signed.components();
    let lines: Vec<&str> = base.split('\n').collect();
    assert_eq!(lines.len(), components.len() + 1, "{base}");
    for (line, name) in lines.iter().zip(components.iter().map(String::as_str).chain(["@signature-params"])) {
        assert!(line.starts_with(&format!("\"{name}\": ")), "{line}");
    }
    // Parameters that are not known here are covered, and not written by us.
    let names: Vec<&str> = components.iter().map(String::as_str).collect();
    let draft = Draft::new(signed.label(), message, &names, signed.parameters()).unwrap();
    let base = String::from_utf8(draft.base().to_vec()).unwrap();
    let made = draft.finish(signed.signature());
    let read = signatures(&made.signature_input, &made.signature).unwrap();
    assert_eq!(read.len(), 1);
    assert_eq!((read[0].components(), read[0].parameters()), (components, signed.parameters()));
    assert_eq!((read[0].base(message), read[0].signature()), (Ok(base), signed.signature()));
}

/// Published packets: pySim, `tests/unittests/test_ota.py` (osmocom/pysim), and messages around one
/// of them; scripts of ETSI TS 102 226 §5.
pub(crate) fn packets() -> Vec<(String, Vec<u8>)> {
    let packets = [
        ("command-des", 0x01, "00201506193535b00011ae733256918d050b87c94fbfe12e4dc402f262c41cf67f2f"),
        ("command-por-checked", 0x01, "00201506093535b00011c49ac91ab8159ba5b83a54fb6385e0a5e31694f8b215fafc"),
        (
            "command-aes",
            0x04,
            "00281506192222b00011e87cceebb2d93083011ce294f93fc4d8de80da1abae8c37ca3e72ec4432e5058",
        ),
        ("command-open", 0x00, "00150d00193535b0000000000000000000a40000023f00"),
        (
            "response-des",
            0x51,
            "0619 3535 B00011 027100001c12b000118bb989492c632529326a2f4681feb37c825bc9021c9f6d0b",
        ),
        ("response-checked", 0x51, "0609 3535 B00011 027100001612b0001100000000000000b5bcd6353a421fae016132"),
        ("response-open", 0x41, "0619 3535 B00011 027100000e0ab000110000000000000001612f"),
        (
            "response-aes",
            0x54,
            "0619 2222 B00011 027100002412b00011ebc6b497e2cad7aedf36ace0e3a29b38853f0fe9ccde81913be5702b73abce1f",
        ),
        ("script-compact", 0x80, "00a4000c023f00 00a4000c022fe2 00b000000a"),
        ("script-definite", 0x80, "aa14220880f24002024f0000220800a40004023f0000"),
        ("script-indefinite", 0x80, "ae80220700a4000c023f00220700a4000c022fe2220500b000000a0000"),
        ("outcome-compact", 0x80, "02 9000 98010203"),
        ("outcome-definite", 0x80, "ab07 800101 2302 9000"),
        ("outcome-indefinite", 0x80, "af80 2302 9000 9001 02 0000"),
    ];
    let mut seeds: Vec<(String, Vec<u8>)> = packets
        .map(|(name, first, text)| (name.to_owned(), [&[first], &vectors::bytes(text)[..]].concat()))
        .into();
    let one = vectors::bytes(
        "4005812143f57ff6240512151730002502700000201506091515b00000c08f58c38860acb3a362fffe670ad13759a2a6b4c1a91116",
    );
    let envelope = Download { service_centre: Some(&[0x91, 0x21, 0x43]), tpdu: &one }.encode();
    let long: Vec<u8> = (0..=255).collect();
    let parts = deliver(&long, &vectors::bytes("05812143f5"), 7);
    let parts: Vec<Vec<u8>> = parts.iter().map(|part| part.encode([0; 7])).collect();
    for (name, messages) in [("message", vec![one]), ("envelope", vec![envelope]), ("parts", parts)] {
        let mut seed = vec![0xC0];
        for message in messages {
            seed.push(message.len() as u8);
            seed.extend(message);
        }
        seeds.push((name.to_owned(), seed));
    }
    seeds
}

/// RFC 9421 §B.2.4 and §B.3, RFC 9530 §B, and what an LPA sends.
pub(crate) fn requests() -> Vec<(String, Vec<u8>)> {
    let response = r#"sig-b24=("@status" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-ecc-p256"
sig-b24=:wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5eCdlYUEkLIj+32oiasw==:
sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:
{"message": "good dog"}
date: Tue, 20 Apr 2021 02:07:56 GMT
content-type: application/json
content-digest: sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:
content-length: 23"#;
    let request = r#"ttrp=("@path" "@query" "@method" "@authority" "client-cert");created=1618884473;keyid="test-key-ecc-p256"
ttrp=:xVMHVpawaAC/0SbHrKRs9i8I3eOs5RtTMGCWXm/9nvZzoHsIg6Mce9315T6xoklyy0yzhD9ah4JHRwMLOgmizw==:
sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:, sha-512=:YMAam51Jz/jOATT6/zvHrLVgOYTGFy1d6GJiOHTohq4yP+pgk4vf2aCsyRZOtw8MjkM7iw7yZ/WkppmM44T3qg==:
{"hello": "world"}
:authority: service.internal.example
:path: /foo
:query: param=Value&Pet=dog
client-cert: :AQID:"#;
    let lpa = r#"lpa=("@method" "@authority" "@path" "content-digest" "client-cert");created=1618884473;expires=1618884773;alg="ecdsa-p256-sha256";nonce="n";tag="t";x=?1
lpa=:BwcHBw==:, other=:AA==:
sha-256=:RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=:
{}
:authority: SMDP.example:443
:path: /gsma/rsp2/es9plus/initiateAuthentication
content-digest: sha-256=:RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=:
client-cert: :AQID:"#;
    [("response", 1_u8, response), ("request", 0, request), ("lpa", 0, lpa)]
        .map(|(name, first, text)| (name.to_owned(), [&[first], text.as_bytes()].concat()))
        .into()
}
