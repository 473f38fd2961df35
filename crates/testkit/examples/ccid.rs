//! What an installation costs through a card reader, in simulated time, at each level of
//! exchange, over T=0 and T=1: GSMA's generic test profile into our chip, at 9600·16 baud,
//! against the characters that its blocks need on the line whatever carries them.
//!
//! `cargo xtask bench ccid`

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on says so by panicking")]

use std::time::Duration;

use base64::Engine;
use ccid::atr::{Factors, Protocol};
use ccid::descriptor::Level;
use ccid::model::{CardDesign, Design, Spent};
use lpa::{Options, Reply};
use serde_json::json;
use testkit::{Desk, T1_ATR, World, device};

/// In kHz: with F=512 and D=16, 153,600 bit/s but for rounding.
const CLOCK: u32 = 4915;
/// What the reader can at most: 9600 times 16.
const RATE: u32 = 153_600;
/// An etu of T=0 and of T=1 with the usual guard time, in etu.
const CHARACTER: u64 = 12;

fn package() -> (&'static str, Vec<u8>) {
    const TS48: &str = "data/ts48-v7/TS48v7_eSIM_GTP_SAIP2.3_NoBERTLV.der";
    match vectors::read(TS48) {
        Some(package) => ("GSMA TS.48 v7 generic test profile", package),
        None => {
            let world = World::new(0);
            ("a profile of our own (TS.48 v7 is not present)", world.operational[0].package().to_vec())
        }
    }
}

/// What one installation took.
struct Cost {
    apdus: usize,
    there: usize,
    back: usize,
    spent: Spent,
    total: Duration,
    baud: u32,
    /// STORE DATA commands that carry the bound package, and their data.
    blocks: usize,
    block_bytes: usize,
    fed: Duration,
}

fn install(level: Level, protocol: Protocol, package: &[u8]) -> Cost {
    let mut world = World::new(600);
    world.upload(&json!({
        "metadata": { "serviceProviderName": "GSMA", "profileName": "Generic test", "profileClass": "operational" },
        "package": base64::engine::general_purpose::STANDARD.encode(package),
    }));
    world.attach(None).unwrap();
    let iccid = saip::Package::decode(package).unwrap().iccid().unwrap().to_string();
    let order = world.order(&iccid, None);
    let mut design = Design::new(level);
    design.reader.default_clock = CLOCK;
    design.reader.max_data_rate = RATE;
    let atr = (protocol == Protocol::T1).then(|| T1_ATR.to_vec());
    let mut desk = Desk::new(world, design, CardDesign { atr, ..CardDesign::default() });
    let connection = desk.connect().unwrap();
    let (before, start) = (desk.reader.spent(), desk.reader.now());
    desk.apdus.clear();
    desk.times.clear();
    desk.run(lpa::download(order.code, device(), Options::default()), |_| Reply::Accept).unwrap();
    let after = desk.reader.spent();

    // From ES8+.InitialiseSecureChannel on, up to the result of the installation.
    let is_block = |command: &[u8]| command[0] & 0x80 != 0 && command[1] == 0xE2;
    let bound = desk
        .world()
        .log()
        .iter()
        .rfind(|e| e.target.ends_with("getBoundProfilePackage"))
        .and_then(|e| e.answer.clone());
    let bound: serde_json::Value = serde_json::from_slice(&bound.unwrap()).unwrap();
    let bound: rsp::es9::Base64 = serde_json::from_value(bound["boundProfilePackage"].clone()).unwrap();
    let segments = rsp::bpp::segments(&bound.0).unwrap();
    let least: usize = segments.iter().map(|segment| segment.bytes.len().div_ceil(255)).sum();
    let begin =
        desk.apdus.iter().position(|(c, _)| is_block(c) && c.get(5..7) == Some(&[0xBF, 0x36])).unwrap();
    let fed = &desk.apdus[begin..];
    let fed: Vec<&(Vec<u8>, Vec<u8>)> = fed.iter().filter(|(c, _)| is_block(c)).take(least).collect();
    let block_bytes = fed.iter().map(|(command, _)| usize::from(command[4])).sum();
    let bytes = |side: fn(&(Vec<u8>, Vec<u8>)) -> usize| desk.apdus.iter().map(side).sum();
    Cost {
        apdus: desk.apdus.len(),
        there: bytes(|(command, _)| command.len()),
        back: bytes(|(_, response)| response.len()),
        spent: Spent {
            to_card: after.to_card - before.to_card,
            from_card: after.from_card - before.from_card,
            line: after.line - before.line,
            commands: after.commands - before.commands,
            transfers: after.transfers - before.transfers,
            usb_bytes: after.usb_bytes - before.usb_bytes,
            usb: after.usb - before.usb,
        },
        total: desk.reader.now() - start,
        baud: connection.factors.rate(CLOCK),
        blocks: fed.len(),
        block_bytes,
        fed: desk.times[begin..begin + least].iter().sum(),
    }
}

fn main() {
    let (name, package) = package();
    let seconds = |time: Duration| time.as_secs_f64();
    println!("{name}, {} bytes; our chip, which takes no time of its own here\n", package.len());
    println!(
        "{:<14} {:<4} {:>7} {:>6} {:>7} {:>7} {:>8} {:>8} {:>8} {:>7} {:>7} {:>7}",
        "level",
        "",
        "baud",
        "APDUs",
        "there",
        "back",
        "to card",
        "from it",
        "line",
        "USB",
        "total",
        "package"
    );
    let mut bound = None;
    for level in Level::ALL {
        for protocol in [Protocol::T0, Protocol::T1] {
            let cost = install(level, protocol, &package);
            println!(
                "{:<14} {:<4} {:>7} {:>6} {:>7} {:>7} {:>8} {:>8} {:>6.2} s {:>5.2} s {:>5.2} s {:>5.2} s",
                format!("{level:?}"),
                format!("{protocol:?}"),
                cost.baud,
                cost.apdus,
                cost.there,
                cost.back,
                cost.spent.to_card,
                cost.spent.from_card,
                seconds(cost.spent.line),
                seconds(cost.spent.usb),
                seconds(cost.total),
                seconds(cost.fed),
            );
            bound = Some((cost.blocks, cost.block_bytes));
        }
    }
    let Some((blocks, bytes)) = bound else { return };
    let factors = Factors::from_ta1(0x95).unwrap();
    // T=0: header, procedure byte, data, status word. T=1: prologue, header with Lc and Le,
    // data, check; prologue, status word, check.
    let t0 = (blocks * 8 + bytes) as u64;
    let t1 = (blocks * (3 + 5 + 1 + 1 + 3 + 2 + 1) + bytes) as u64;
    let least = (package.len().div_ceil(255)) as u64;
    println!("\nlower bounds: characters of {CHARACTER} etu, nothing between them");
    for (what, characters) in [
        (format!("{least} blocks of 255 bytes that the bare package fills, T=0"), least * (255 + 8)),
        (format!("the {blocks} blocks of the bound package ({bytes} bytes), T=0"), t0),
        ("the same over T=1".to_owned(), t1),
    ] {
        println!("{what:<62} {characters:>6} {:>6.2} s", seconds(factors.etu(CLOCK, characters * CHARACTER)));
    }
}
