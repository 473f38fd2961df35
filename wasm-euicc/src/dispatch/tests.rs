use proptest::prelude::*;

use crate::bench::{Bench, hex};
use crate::{Options, RefreshMode};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

// For all unit tests of the chip: where it lives on a page.
#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_dedicated_worker);

const ISDR: &str = "A0000005591010FFFFFFFF8900000100";
const FCI: &str = "6F1F 8410 A0000005591010FFFFFFFF8900000100 A5049F6501FF E005 8203020202";
const CHANNEL_CLOSED: &str = "6881";

fn spaced(text: &str) -> String {
    text.split_whitespace().collect()
}

#[test]
fn answer_to_reset_is_that_of_an_euicc() {
    let mut bench = Bench::empty();
    let atr = bench.chip.reset();
    assert_eq!(hex(&atr), "3B9F9680 3F87 82 8031E073FE211F57454375313013 6502".replace(' ', ""));
    // Check byte: all bytes after TS cancel out (ISO 7816-3 §8.2.5).
    assert_eq!(atr[1..].iter().fold(0, |sum, byte| sum ^ byte), 0);
    // TB3, the first TB after a TD that names T=15 (TS 102 221 §6.3.3).
    assert_eq!(atr[6] & 0x82, 0x82);
}

#[test]
fn bytes_that_are_no_command() {
    let mut bench = Bench::empty();
    for (command, sw) in [
        ("", "6700"),
        ("00A4", "6700"),
        ("00A40000023F", "6700"),
        ("A1A40000023F00", "6E00"),
        ("20A40000023F00", "6E00"),
        ("FFA40000023F00", "6E00"),
        // Secure messaging.
        ("04A40000023F00", "6882"),
        ("0CA40000023F00", "6882"),
        // Unknown instructions, instructions of the other class.
        ("00EE0000", "6D00"),
        ("80EE0000", "6D00"),
        ("80B0000000", "6E00"),
        ("00F2000000", "6E00"),
        ("80E2910001AA", "6D00"),
    ] {
        assert_eq!(bench.raw(command), sw, "{command}");
    }
}

#[test]
fn channels_open_lowest_first_and_close() {
    let mut bench = Bench::empty();
    for number in 1..20 {
        assert_eq!(bench.raw("0070000001"), format!("{number:02X}9000"));
    }
    assert_eq!(bench.raw("0070000001"), "6A81");
    assert_eq!(bench.raw("00708005"), "9000");
    assert_eq!(bench.raw("00708005"), CHANNEL_CLOSED);
    // Channel 5 is class 41.
    assert_eq!(bench.raw("41A4000C023F00"), CHANNEL_CLOSED);
    // Without Le the number waits; Le 00 is as good as 01, another Le is not.
    assert_eq!(bench.raw("00700000"), "6101");
    assert_eq!(bench.raw("00C0000001"), "059000");
    assert_eq!(bench.raw("41A4000C023F00"), "9000");
    assert_eq!(bench.raw("00708005"), "9000");
    assert_eq!(bench.raw("0070000002"), "6C01");
    assert_eq!(bench.raw("0070000000"), "059000");
    // The basic channel stays, unknown ones are not there.
    assert_eq!(bench.raw("00708000"), "6A86");
    assert_eq!(bench.raw("00708014"), "6A86");
    assert_eq!(bench.raw("00700005"), "6A86");
    bench.chip.reset();
    assert_eq!(bench.raw("01A4000C023F00"), CHANNEL_CLOSED);
}

#[test]
fn the_isd_r_answers_with_and_without_le() {
    let mut bench = Bench::empty();
    assert_eq!(bench.raw("0070000001"), "019000");
    // Case 4 without Le: 61 XX, GET RESPONSE with either class.
    for class in ["01", "81"] {
        assert_eq!(bench.raw(&format!("01A4040010{ISDR}")), "6121");
        assert_eq!(bench.raw(&format!("{class}C0000021")), spaced(&format!("{FCI} 9000")));
        // It is gone now.
        assert_eq!(bench.raw(&format!("{class}C0000021")), "6985");
    }
    // With Le 00: at once. With a shorter Le: the rest waits.
    assert_eq!(bench.raw(&format!("01A4040010{ISDR}00")), spaced(&format!("{FCI} 9000")));
    assert_eq!(bench.raw(&format!("01A4040010{ISDR}02")), "6F1F611F");
    assert_eq!(bench.raw("01C0000001"), "84611E");
    assert_eq!(bench.raw("01C000001F"), "6C1E");
    assert!(bench.raw("01C000001E").ends_with("9000"));
    // Another command on the channel drops what waits; on another channel not.
    assert_eq!(bench.raw(&format!("01A4040010{ISDR}")), "6121");
    assert_eq!(bench.raw("00A4000C023F00"), "9000");
    assert!(bench.raw("01C0000000").ends_with("9000"));
    assert_eq!(bench.raw(&format!("01A4040010{ISDR}")), "6121");
    assert_eq!(bench.raw(&format!("01A4040C10{ISDR}")), "9000");
    assert_eq!(bench.raw("01C0000000"), "6985");
    // Cut off at the right; too short to mean it; another occurrence.
    assert_eq!(bench.raw("01A4040C0BA0000005591010FFFFFFFF"), "9000");
    assert_eq!(bench.raw("01A4040C05A000000559"), "6A82");
    assert_eq!(bench.raw(&format!("01A4040E10{ISDR}")), "6A82");
    // The ECASD is there but talks to nobody.
    assert!(bench.raw("01A4040010A0000005591010FFFFFFFF890000020000").ends_with("9000"));
    assert_eq!(bench.raw("81E2910003BF3E00"), "6D00");
}

#[test]
fn a_channel_opened_from_the_isd_r_is_not_the_isd_r() {
    let mut bench = Bench::empty();
    assert_eq!(bench.raw("0070000001"), "019000");
    assert_eq!(bench.raw(&format!("01A4040C10{ISDR}")), "9000");
    assert_eq!(bench.raw("0170000001"), "029000");
    assert_eq!(bench.raw("82E2910003BF7E00"), "6D00");
    assert_eq!(bench.raw("81E2910003BF7E00"), "6A88");
    // A file selected on the channel turns it to the profile.
    assert_eq!(bench.raw("01A4000C023F00"), "9000");
    assert_eq!(bench.raw("81E2910003BF7E00"), "6D00");
}

#[test]
fn the_isd_r_has_the_aid_it_was_made_with() {
    let aid = vectors::bytes("A06573746B6D65FFFF4953442D522030");
    let env = crate::bench::BenchEnv::new(crate::nvm::MemoryMedium::new());
    let options = Options { isdr_aid: aid.clone(), ..Options::default() };
    let mut chip = crate::Euicc::new(env, options).unwrap();
    let select = |aid: &[u8]| [&[0x00, 0xA4, 0x04, 0x0C, aid.len() as u8], aid].concat();
    assert_eq!(hex(&chip.transmit(&select(&aid))), "9000");
    assert_eq!(hex(&chip.transmit(&select(&rsp::ids::ISD_R))), "6A82");
    // The shortest AID there is, and only whole.
    let aid = vectors::bytes("A000000559");
    let env = crate::bench::BenchEnv::new(crate::nvm::MemoryMedium::new());
    let mut chip = crate::Euicc::new(env, Options { isdr_aid: aid.clone(), ..Options::default() }).unwrap();
    assert_eq!(hex(&chip.transmit(&select(&aid))), "9000");
    assert_eq!(hex(&chip.transmit(&select(&aid[..4]))), "6A82");
}

#[test]
fn store_data_blocks_are_counted() {
    let mut bench = Bench::empty();
    bench.ok(&format!("00A4040C10{ISDR}"));
    // Unknown request.
    assert_eq!(bench.raw("80E2910003BF7E00"), "6A88");
    // In blocks.
    assert_eq!(bench.raw("80E2110001BF"), "9000");
    assert_eq!(bench.raw("80E21101017E"), "9000");
    assert_eq!(bench.raw("80E291020100"), "6A88");
    // A block is missing; the chain is given up.
    assert_eq!(bench.raw("80E2110001BF"), "9000");
    assert_eq!(bench.raw("80E291020100"), "6A86");
    assert_eq!(bench.raw("80E291010100"), "6A86");
    // Block 0 begins anew.
    assert_eq!(bench.raw("80E2110001BF"), "9000");
    assert_eq!(bench.raw("80E2910003BF7E00"), "6A88");
    // Wrong parameters and class; not a data object.
    assert_eq!(bench.raw("80E2000003BF7E00"), "6A86");
    assert_eq!(bench.raw("00E2910003BF7E00"), "6E00");
    assert_eq!(bench.raw("80E2910001BF"), "6A80");
    // Other instructions are not for the ISD-R.
    assert_eq!(bench.raw("00B0000000"), "6D00");
    // 256 blocks and no more.
    let block = "AA".repeat(255);
    for number in 0..=255 {
        assert_eq!(bench.raw(&format!("80E211{number:02X}FF{block}")), "9000");
    }
    assert_eq!(bench.raw(&format!("80E21100FF{block}")), "9000");
}

#[test]
fn chained_commands_are_one_command() {
    let mut bench = Bench::empty();
    bench.ok(&format!("00A4040C10{ISDR}"));
    assert_eq!(bench.raw("90E2910001BF"), "9000");
    assert_eq!(bench.raw("80E29100027E00"), "6A88");
    // Another command breaks the chain.
    assert_eq!(bench.raw("90E2910001BF"), "9000");
    assert_eq!(bench.raw("00A4000C023F00"), "9000");
    // The parts are bounded.
    let part = "AA".repeat(255);
    let mut last = String::new();
    for _ in 0..300 {
        last = bench.raw(&format!("10A40400FF{part}"));
        if last != "9000" {
            break;
        }
    }
    assert_eq!(last, "6700");
}

#[test]
fn extended_lengths_are_taken() {
    let mut bench = Bench::empty();
    assert_eq!(bench.raw("00A40000 00 0002 3F00 0000").len() % 2, 0);
    assert!(bench.raw("00A40004 00 0002 3F00 0000").ends_with("9000"));
}

#[test]
fn terminal_capability_is_understood() {
    let mut bench = Bench::empty();
    assert_eq!(bench.raw("80AA00000AA9088100820101830107"), "9000");
    assert_eq!(bench.raw("80AA000002A900"), "9000");
    assert_eq!(bench.raw("80AA000001A9"), "6A80");
    assert_eq!(bench.raw("80AA010002A900"), "6A86");
    assert_eq!(bench.raw("00AA000002A900"), "6D00");
}

/// REFRESH as in ETSI TS 102 223: announced, fetched, answered.
#[test]
fn a_refresh_is_announced_fetched_and_answered() {
    let mut bench = Bench::empty();
    bench.chip.cat.refresh_with(RefreshMode::UiccReset);
    // Nobody hears it before TERMINAL PROFILE.
    assert_eq!(bench.raw("00A4000C023F00"), "9000");
    assert_eq!(bench.raw("8012000000"), "6985");
    assert_eq!(bench.raw("8010000002FFFF"), "910B");
    // On any command and channel; response data first.
    assert_eq!(bench.raw("00A4000C023F00"), "910B");
    assert_eq!(bench.raw("0070000001"), "01910B");
    let fcp = bench.raw("00A40004023F00");
    assert!(fcp.starts_with("61"));
    assert!(bench.raw("00C0000000").ends_with("910B"));
    assert_eq!(bench.raw("8012000005"), "6C0B");
    assert_eq!(bench.raw("811200000B"), "6881");
    assert_eq!(bench.raw("801200000B"), "D009810301010482028182".to_owned() + "9000");
    assert!(bench.chip.cat.is_busy());
    assert_eq!(bench.raw("00A4000C023F00"), "9000");
    assert_eq!(bench.raw("801200000B"), "6985");
    // An answer to something else, then the right one.
    assert_eq!(bench.raw("801400000C810302010482028281830100"), "6A80");
    assert_eq!(bench.raw("8014000009 810301010482028281"), "6A80");
    assert_eq!(bench.raw("801400000C810301010482028281830100"), "9000");
    assert!(!bench.chip.cat.is_busy());
    assert_eq!(bench.raw("801400000C810301010482028281830100"), "6985");
    // The bit of comprehension does not matter; numbers count on.
    bench.chip.cat.refresh_with(RefreshMode::ProfileStateChange);
    assert_eq!(bench.raw("801200000B"), "D009810302010982028182".to_owned() + "9000");
    assert_eq!(bench.raw("801400000C010302010902028281030100"), "9000");
}

/// `91 XX` tells lengths up to 255; what is longer is not asked for.
#[test]
fn a_proactive_command_that_no_status_word_can_tell_of_is_not_made() {
    let mut bench = Bench::empty();
    bench.raw("8010000002FFFF");
    assert_eq!(bench.chip.cat.command(0x13, 0, 0x83, &[0; 244]), None);
    assert!(!bench.chip.cat.is_busy());
    assert_eq!(bench.raw("00A4000C023F00"), "9000");
    assert_eq!(bench.chip.cat.command(0x13, 0, 0x83, &[0; 243]), Some(1));
    assert_eq!(bench.raw("00A4000C023F00"), "91FF");
}

/// What came in parts for one application is not finished by another.
#[test]
fn blocks_and_chains_end_with_a_selection() {
    let mut bench = Bench::empty();
    bench.ok(&format!("00A4040C10{ISDR}"));
    assert_eq!(bench.raw("80E2110001BF"), "9000");
    bench.ok(&format!("00A4040C10{ISDR}"));
    assert_eq!(bench.raw("80E29101022E00"), "6A86");
    assert_eq!(bench.raw("80E2110001BF"), "9000");
    // A selection that fails changes nothing.
    assert_eq!(bench.raw("00A4040C05A000000099"), "6A82");
    assert_eq!(bench.raw("80E29101027E00"), "6A88");
}

/// Class A0 leaves what is selected alone until one of its commands is carried out.
#[test]
fn a_command_of_class_a0_that_fails_deselects_nothing() {
    let mut bench = Bench::empty();
    bench.ok(&format!("00A4040C10{ISDR}"));
    for fails in ["A0A40000026FFF", "A0EE000000", "A0B0000001", "A0A4000001FF"] {
        let answer = bench.raw(fails);
        assert!(["94", "6D", "67", "6B"].contains(&&answer[..2]), "{fails}: {answer}");
        assert_eq!(bench.raw("80E2910003BF7E00"), "6A88", "{fails}");
    }
    // But a chain that it comes into is broken.
    assert_eq!(bench.raw("90E2910001BF"), "9000");
    bench.raw("A0EE000000");
    assert_eq!(bench.raw("80E29100022E00"), "6A88");
    let announced = bench.raw("A0A40000023F00");
    assert!(announced.starts_with("9F"));
    assert_eq!(bench.raw("80E2910003BF7E00"), "6D00");
    // GET RESPONSE with another length: it is said, and nothing is lost.
    bench.raw("A0A40000023F00");
    let wrong = bench.raw("A0C00000FF");
    assert_eq!(wrong, format!("67{}", &announced[2..]));
    assert!(bench.raw(&format!("A0C00000{}", &announced[2..])).ends_with("9000"));
}

#[test]
fn envelopes_are_taken_and_change_nothing() {
    let mut bench = Bench::empty();
    assert_eq!(bench.raw("80C2000003D30100"), "9000");
    assert_eq!(bench.raw("80C20000"), "6A86");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// As below, with a profile and its application open, and with the numbers
    /// and keys of real files among the bytes.
    #[test]
    fn any_command_to_a_profile_gets_a_status_word(commands in proptest::collection::vec((
        proptest::sample::select(vec![0x00u8, 0x80]),
        proptest::sample::select(vec![
            0xA4u8, 0xF2, 0xB0, 0xD6, 0xB2, 0xDC, 0xA2, 0x32, 0x20, 0x24, 0x26, 0x28, 0x2C, 0x04, 0x44, 0x88,
            0x84, 0x78, 0xCB, 0xDB,
        ]),
        prop_oneof![
            any::<[u8; 2]>(),
            (0u8..10, 0u8..8).prop_map(|(p1, p2)| [p1, p2]),
            (0u8..4, proptest::sample::select(vec![0x01u8, 0x0A, 0x81, 0x80])).prop_map(|(p1, p2)| [p1, p2]),
        ],
        prop_oneof![
            Just(Vec::new()),
            Just(vec![0x00]),
            (0u16..0x100).prop_map(|low| vec![0x02, 0x6F, low as u8]),
            proptest::sample::select(vec![0x3F00u16, 0x7F10, 0x7FFF, 0x5FC0, 0x2F00, 0x2F06])
                .prop_map(|fid| vec![0x02, (fid >> 8) as u8, fid as u8]),
            proptest::collection::vec(any::<u8>(), 1..24)
                .prop_map(|data| [&[data.len() as u8][..], &data].concat()),
        ],
    ), 1..80)) {
        let (medium, aid) = crate::profile::tests::built();
        let mut bench = Bench::on(medium.clone());
        bench.ok(&format!("00A4040C10{aid}"));
        for (cla, ins, p, body) in commands {
            let answer = bench.chip.transmit(&[&[cla, ins, p[0], p[1]][..], &body].concat());
            prop_assert!(answer.len() >= 2);
        }
        // What it kept can be opened again.
        let mut again = Bench::on(bench.chip.into_env().medium);
        prop_assert!(again.sw("00A40004023F00") == "9000");
    }

    /// Any bytes get a status word, and the chip goes on.
    #[test]
    fn any_bytes_get_a_status_word(commands in proptest::collection::vec(
        prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..40),
            (
                proptest::sample::select(vec![0x00u8, 0x80, 0x01, 0x81, 0x40, 0xC0, 0x10, 0x90]),
                proptest::sample::select(vec![
                    0xA4u8, 0xF2, 0xB0, 0xD6, 0xB2, 0xDC, 0xA2, 0x32, 0x20, 0x24, 0x26, 0x28, 0x2C, 0x04, 0x44,
                    0x88, 0x84, 0x70, 0xAA, 0x10, 0xC2, 0x12, 0x14, 0xC0, 0xE2, 0xCB, 0xDB,
                ]),
                any::<[u8; 2]>(),
                proptest::collection::vec(any::<u8>(), 0..20),
            ).prop_map(|(cla, ins, p, body)| [&[cla, ins, p[0], p[1]][..], &body].concat()),
        ], 1..60)) {
        let mut bench = Bench::empty();
        for command in commands {
            let answer = bench.chip.transmit(&command);
            prop_assert!(answer.len() >= 2);
            let sw1 = answer[answer.len() - 2];
            prop_assert!((0x61..=0x6F).contains(&sw1) || (0x90..=0x9F).contains(&sw1));
        }
        prop_assert_eq!(bench.raw("00A4000C023F00").len(), 4);
    }
}
