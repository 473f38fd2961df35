//! One function for each door.

use rsp::DataObject as _;
use rsp::bpp::segments as cut;
use wasm_euicc::nvm::{MemoryMedium, SlotId, Store};
use wasm_euicc::profile::{Failure, Installed, Installer, set_enabled};

use crate::messages;
use crate::oracle::{Base, Watched};
use crate::readers;
use crate::server::{Order, metadata, package, session};
use crate::subject::rich_package;

/// A target: its name, and the function.
pub type Target = (&'static str, fn(&[u8]));

/// All there are.
pub const ALL: [Target; 12] = [
    ("apdu", apdu),
    ("at", at),
    ("bound", bound),
    ("bridge", crate::bridge::bridge),
    ("ccid_card", readers::ccid_card),
    ("ccid_driver", readers::ccid_driver),
    ("ccid_reader", readers::ccid_reader),
    ("elements", elements),
    ("httpsig", messages::httpsig),
    ("ota", messages::ota),
    ("segments", segments),
    ("store_data", store_data),
];

/// Pieces of at most 255 bytes, each after a byte with its length.
pub(crate) fn pieces(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    while let Some((&len, rest)) = bytes.split_first() {
        let (piece, rest) = rest.split_at(usize::from(len).min(rest.len()));
        pieces.push(piece);
        bytes = rest;
    }
    pieces
}

/// Command APDUs, each after a byte with its length; an empty one is a reset. The first byte
/// of all says what the terminal did before: bit 1 TERMINAL PROFILE, bit 2 the USIM and its
/// PIN on the basic channel, bit 3 the codes of the administrator, bit 4 a reset (no channel
/// has the ISD-R), bit 5 a chip without profiles.
pub fn apdu(bytes: &[u8]) {
    let base = Base::shared();
    let Some((&before, bytes)) = bytes.split_first() else { return };
    let mut chip = base.chip(if before & 0x10 == 0 { &base.medium } else { &base.blank });
    if before & 8 != 0 {
        chip.reset();
    }
    let said: [(u8, &[&str]); 3] = [
        (1, &["8010000002FFFF"]),
        (2, &["00A4040C10A0000000871002FFFFFFFF8900000100", "002000010831323334FFFFFFFF"]),
        (4, &["0020000A083939393939393939", "002000810835363738FFFFFFFF"]),
    ];
    for (bit, commands) in said {
        for command in commands.iter().filter(|_| before & bit != 0) {
            chip.transmit(&vectors::bytes(command));
        }
    }
    // More tell nothing new.
    for command in pieces(bytes).into_iter().take(64) {
        if command.is_empty() {
            chip.reset();
        } else {
            chip.transmit(command);
        }
    }
    chip.look();
}

/// A modem of the fuzzer's and the host's side of the line. The first byte says how far the host
/// is: bit 1 it has been started and sessions can be had, bit 2 an application is selected on
/// channel 1. Then come what the modem says to each line, after two bytes with its length; nothing
/// is silence. With bit 8 of the first byte the rest is what a host writes to the modem of ours.
///
/// Whatever it was: the host comes to an end, a response has a status word, a line written is one
/// line, and a modem that behaves from now on is understood again.
pub fn at(bytes: &[u8]) {
    let Some((&begin, bytes)) = bytes.split_first() else { return };
    if begin & 0x80 != 0 {
        let base = Base::shared();
        let mut chip = base.chip(&base.medium);
        let mut modem = at::Modem::new(|command: &[u8]| chip.transmit(command), at::Habits::default());
        modem.write(bytes);
        modem.write(b"\rATE0\r");
        assert!(modem.write(b"AT\r").ends_with(b"\r\nOK\r\n"));
        return;
    }
    let mut host = at::Host::new(at::Options::default());
    let mut good = at::Modem::new(application, at::Habits::default());
    if begin & 3 != 0 {
        host.start().unwrap();
        host_ends(&mut host, |line| good.write(line)).unwrap();
    }
    let commands = ["0070000001", "01A4040005A000000559", "81E2910003BF2D00", "01C0000000", "0070800100"];
    let said = if begin & 2 == 0 { 0 } else { 2 };
    for command in &commands[..said] {
        host.transmit(&vectors::bytes(command)).unwrap();
        host_ends(&mut host, |line| good.write(line)).unwrap();
    }
    let mut bytes = bytes;
    let mut bad = |_: &[u8]| {
        let Some((len, rest)) = bytes.split_first_chunk::<2>() else { return Vec::new() };
        let (piece, rest) = rest.split_at(usize::from(u16::from_be_bytes(*len)).min(rest.len()));
        bytes = rest;
        piece.to_vec()
    };
    if begin & 3 == 0 {
        host.start().unwrap();
        let _ = host_ends(&mut host, &mut bad);
    }
    for command in &commands[said..] {
        host.transmit(&vectors::bytes(command)).unwrap();
        let _ = host_ends(&mut host, &mut bad);
        assert!(host.open_channels().count() <= 3);
    }
    let notices: Vec<String> = std::iter::from_fn(|| host.notice()).collect();
    assert!(notices.len() <= 32);
    let mut good = at::Modem::new(application, at::Habits::default());
    host.start().unwrap();
    host_ends(&mut host, |line| good.write(line)).unwrap();
    for command in &commands[..3] {
        host.transmit(&vectors::bytes(command)).unwrap();
        assert!(host_ends(&mut host, |line| good.write(line)).is_ok());
    }
}

/// A card with whatever application.
fn application(command: &[u8]) -> Vec<u8> {
    if command[1] == 0x70 && command[2] == 0 { vec![1, 0x90, 0] } else { vec![0x90, 0] }
}

/// Drives a host to its end.
fn host_ends(host: &mut at::Host, mut other: impl FnMut(&[u8]) -> Vec<u8>) -> Result<Vec<u8>, at::Failure> {
    for _ in 0..64 {
        match host.step() {
            at::Step::Write(line) => {
                let (end, line_itself) = line.split_last().unwrap();
                assert_eq!(*end, b'\r');
                assert!(line_itself.iter().all(|byte| (0x20..0x7F).contains(byte) && *byte != b';'));
                let said = other(&line);
                host.read(&said);
            }
            at::Step::Read(_) => host.time_out(),
            at::Step::Done(done) => {
                assert!(done.as_ref().is_err() || done.as_ref().is_ok_and(|d| d.is_empty() || d.len() >= 2));
                return done;
            }
            at::Step::Rest => panic!("nothing was asked"),
        }
    }
    panic!("no end");
}

/// ES10 requests on channel 1, each after two bytes with its length. The first byte says how
/// far the session is: 1 a challenge was given, 2 the server is authenticated, 3 a package may
/// come; and (bit 8) whether the terminal has a toolkit.
pub fn store_data(bytes: &[u8]) {
    let base = Base::shared();
    let Some((&stage, mut bytes)) = bytes.split_first() else { return };
    let mut chip = base.chip(&base.medium);
    if stage & 0x80 != 0 {
        chip.transmit(&vectors::bytes("8010000002FFFF"));
    }
    match stage & 3 {
        1 => drop(crate::server::challenge(&mut chip.card)),
        2 => drop(crate::server::authenticate(&mut chip.card, &base.lab, &crate::server::tid(1))),
        3 => drop(session(&mut chip.card, &base.lab, 1)),
        _ => {}
    }
    for _ in 0..32 {
        let Some((len, rest)) = bytes.split_first_chunk::<2>() else { break };
        let len = usize::from(u16::from_be_bytes(*len)).min(rest.len());
        let (request, rest) = rest.split_at(len);
        bytes = rest;
        // What closes the channel that everything else is asked on is for the other target.
        if request.is_empty() {
            continue;
        }
        let (_, sw) = chip.store_data(request);
        assert!(
            matches!(sw, 0x9000 | 0x6A80 | 0x6A84 | 0x6A88 | 0x6985 | 0x6A86) || sw >> 8 == 0x91,
            "{sw:04X}"
        );
    }
    chip.look();
}

/// A package that the right server bound, of parts that no server would bind: the first byte
/// says which part the rest of the input takes the place of (0 ConfigureISDP, 1 StoreMetadata,
/// 2 ReplaceSessionKeys, 3 the profile elements, 4 edits of the profile elements: position,
/// position, value), the second how long segments are.
pub fn bound(bytes: &[u8]) {
    let base = Base::shared();
    let Some((&[part, segment], bytes)) = bytes.split_first_chunk::<2>() else { return };
    let mut chip = base.chip(&base.blank);
    let dialogue = session(&mut chip.card, &base.lab, 1);
    let mut order = Order::new(&dialogue, &metadata(1), &package(1));
    order.segment = usize::from(segment) * 4 + 1;
    match part % 5 {
        0 => order.configure = bytes.to_vec(),
        1 => order.metadata = bytes.to_vec(),
        2 => (order.ppk, order.replace) = (true, bytes.to_vec()),
        3 => order.package = bytes.to_vec(),
        _ => edit(&mut order.package, bytes),
    }
    // What is empty has no segments.
    if [&order.configure, &order.metadata, &order.replace, &order.package].iter().any(|part| part.is_empty())
    {
        return;
    }
    let bound = order.bind(&base.lab, &dialogue).encode();
    let mut answer = Vec::new();
    for segment in cut(&bound).unwrap() {
        let sw;
        (answer, sw) = chip.store_data(&bound[segment.bytes]);
        assert!(matches!(sw, 0x9000 | 0x6A86), "{sw:04X}");
        if !answer.is_empty() || sw != 0x9000 {
            break;
        }
    }
    // There is always a result, and it is signed.
    if !answer.is_empty() {
        crate::card::result(&answer, base.lab.pki.euicc.certificate());
    }
    chip.look();
}

fn edit(bytes: &mut [u8], edits: &[u8]) {
    for edit in edits.chunks_exact(3) {
        let at = usize::from(u16::from_be_bytes([edit[0], edit[1]])) % bytes.len();
        bytes[at] = edit[2];
    }
}

/// After PrepareDownload: STORE DATA chains of anything, each after a byte with its length
/// (times 4); with bit 1 of the first byte, a good package up to a point comes before.
pub fn segments(bytes: &[u8]) {
    let base = Base::shared();
    let Some((&[begin, edits], bytes)) = bytes.split_first_chunk::<2>() else { return };
    let mut chip = base.chip(&base.blank);
    let dialogue = session(&mut chip.card, &base.lab, 1);
    let mut order = Order::new(&dialogue, &metadata(1), &package(1));
    order.ppk = begin & 2 != 0;
    let mut bound = order.bind(&base.lab, &dialogue).encode();
    let edits = usize::from(edits % 8) * 3;
    let (changes, bytes) = bytes.split_at(edits.min(bytes.len()));
    if begin & 4 != 0 {
        edit(&mut bound, changes);
    }
    let good = if begin & 1 == 0 { Vec::new() } else { cut(&bound).unwrap_or_default() };
    for segment in good.into_iter().take(usize::from(begin >> 3)) {
        if !chip.store_data(&bound[segment.bytes]).0.is_empty() {
            break;
        }
    }
    for chain in pieces(bytes).into_iter().filter(|chain| !chain.is_empty()).take(64) {
        chip.store_data(chain);
    }
    chip.look();
}

/// The plaintext of a profile: raw with an even first byte, else edits of a package of ours.
pub fn elements(bytes: &[u8]) {
    let base = Base::shared();
    let Some((&[kind, piece], bytes)) = bytes.split_first_chunk::<2>() else { return };
    let package = match kind % 4 {
        1 => {
            let mut changed = rich_package(1, true);
            edit(&mut changed, bytes);
            changed
        }
        3 => {
            let mut changed = package(1);
            edit(&mut changed, bytes);
            changed
        }
        _ => bytes.to_vec(),
    };
    let mut medium = base.blank.clone();
    let capacity = base.made.memory as usize;
    let mut store = Store::open(&mut medium, capacity).unwrap();
    let free = wasm_euicc::nvm::View::free(&store);
    let installed = install(&mut store, &mut medium, &package, usize::from(piece) * 4 + 1);
    match installed {
        Err(failure) => {
            assert_eq!(wasm_euicc::nvm::View::free(&store), free, "memory is back");
            assert!(
                !failure.response.pe_status.is_empty()
                    || failure.response.profile_installation_aborted.is_some()
            );
            // What is told can be sent.
            failure.response.encode().unwrap();
            look(&base, &medium);
        }
        Ok(_) => {
            let mut tx = store.begin();
            set_enabled(&mut tx, Some(SlotId(1))).unwrap();
            if tx.commit(&mut medium).is_ok() {
                walk(&base, &medium);
            }
        }
    }
}

/// As a bound profile package brings it: in pieces.
fn install(
    store: &mut Store,
    medium: &mut MemoryMedium,
    elements: &[u8],
    piece: usize,
) -> Result<Installed, Box<Failure>> {
    let mut installer = Installer::new(SlotId(1));
    let mut draft = wasm_euicc::nvm::Draft::default();
    for piece in elements.chunks(piece) {
        let mut tx = store.resume(draft);
        installer.feed(&mut tx, piece)?;
        draft = tx.suspend();
    }
    let mut tx = store.resume(draft);
    let installed = installer.finish(&mut tx)?;
    tx.commit(medium).unwrap();
    Ok(installed)
}

fn look(base: &Base, medium: &MemoryMedium) {
    base.chip(medium).look();
}

/// A profile was made of it: every file under the MF and its applications is selected, read,
/// and written.
fn walk(base: &Base, medium: &MemoryMedium) {
    let mut chip: Watched<'_> = base.chip(medium);
    for command in [
        "00A40004023F00",
        "002000010831323334FFFFFFFF",
        "0020000A083939393939393939",
        "00A4040C0AA0000000871002FFFFFF",
        "00A4040C05A000000087",
        "00A4040E05A000000087",
        "80F2000000",
        "80F2000100",
        "00880081221023553CBE9637A89D218AE64DAE47BF351055F328B43577B9B94A9FFAC354DFAFB300",
        "8078000100",
    ] {
        chip.transmit(&vectors::bytes(command));
    }
    for (directory, high) in
        [("3F00", 0x2F), ("7F10", 0x6F), ("7FFF", 0x6F), ("7FFF5FC0", 0x4F), ("7FFF5F3B", 0x4F)]
    {
        for low in 0..=0xFFu8 {
            let path = directory.strip_prefix("3F00").unwrap_or(directory);
            let path = vectors::bytes(&format!("{path}{high:02X}{low:02X}"));
            let select = [&[0x00, 0xA4, 0x08, 0x0C, path.len() as u8][..], &path].concat();
            let answer = chip.transmit(&select);
            if answer[0] != 0x90 && answer[0] != 0x62 {
                continue;
            }
            for command in [
                "00B0000000",
                "00B2010400",
                "00B2000300",
                "00D600000100",
                "00DC00030100",
                "00A201040100",
                "803200000300000100",
                "80CB00800180",
                "00040000",
                "00440000",
            ] {
                chip.transmit(&vectors::bytes(command));
            }
        }
    }
    chip.look();
}
