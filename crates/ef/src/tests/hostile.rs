//! Whatever a card answers: no panic, no range outside the bytes, no end that never comes.

use proptest::prelude::*;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::{
    Ending, Fcp, Hints, Node, Options, Pin, Rules, Step, Value, Walk, aka_answer, decode, entries,
    expose_decoded,
};
use apdu::StatusWord;

fn inside(nodes: &[Node], len: usize) {
    for node in nodes {
        assert!(node.range.start <= node.range.end && node.range.end <= len, "{node:?} of {len}");
        inside(&node.parts, len);
    }
}

/// Whether the bytes of a masked value can be told from what is shown.
fn shows_no_key(nodes: &[Node]) -> bool {
    nodes
        .iter()
        .all(|node| !matches!(node.value, Value::Bytes(_) | Value::Text(_)) && shows_no_key(&node.parts))
}

fn everything(bytes: &[u8]) {
    for mnc_len in [None, Some(2), Some(3), Some(9)] {
        let hints = Hints { mnc_len };
        inside(&decode(None, bytes, &hints), bytes.len());
        for (_, _, entry) in entries() {
            let nodes = decode(Some(entry), bytes, &hints);
            inside(&nodes, bytes.len());
            if entry.secret {
                assert!(shows_no_key(&nodes), "{entry:?}: {nodes:?}");
            }
            inside(&expose_decoded(Some(entry), bytes, &hints), bytes.len());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_content_is_decoded(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        everything(&bytes);
    }

    /// As files are: data objects, lengths that nearly fit, padding.
    #[test]
    fn content_that_nearly_fits_is_decoded(
        parts in proptest::collection::vec(
            (prop::sample::select(vec![0x80_u8, 0x81, 0x82, 0xA0, 0xA1, 0xA3, 0xA8, 0xC0, 0x43, 0x61, 0x4F, 0xDD, 0x08, 0xFF, 0x00]),
             0_u8..24, proptest::collection::vec(any::<u8>(), 0..24)), 0..8),
        padding in 0_usize..20,
    ) {
        let mut bytes = Vec::new();
        for (tag, len, value) in parts {
            bytes.extend([tag, len]);
            bytes.extend(value);
        }
        bytes.extend(std::iter::repeat_n(0xFF, padding));
        everything(&bytes);
    }

    #[test]
    fn any_parameters_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        let _ = Fcp::parse(&bytes);
        let wrapped = [&[0x62, bytes.len() as u8][..], &bytes].concat();
        let _ = Fcp::parse(&wrapped);
        for directory in [false, true] {
            let _ = Rules::expanded(&bytes, directory);
            let rules = Rules::compact(&bytes, directory);
            for rule in rules.0 {
                prop_assert!(rule.range.end <= bytes.len().max(8));
            }
        }
        let _ = aka_answer(&bytes, StatusWord::OK);
    }

    /// A card that answers anything: the walk ends, and within its limits.
    #[test]
    fn a_walk_over_any_card_ends(
        answers in proptest::collection::vec(answer(), 1..40),
        thorough in any::<bool>(),
    ) {
        walk_ends(&answers, thorough)?;
    }
}

/// Found by the test above: a byte at a time, and always one more.
#[test]
fn a_walk_over_a_card_that_never_finishes_an_answer_ends() {
    for thorough in [false, true] {
        walk_ends(&[vec![0x01, 0x61, 0xFF]], thorough).unwrap();
        walk_ends(&[vec![0x01, 0x02, 0x61, 0x01]], thorough).unwrap();
    }
}

/// It has every file that it is asked for, each with something in it, and answers each command in
/// many parts: nothing is wrong with any answer. What was read is there, and it says that it is
/// not all.
#[test]
fn a_card_that_always_has_one_more_file_is_left() {
    let walk = |options: Options| {
        let mut walk = Walk::new(Options { most_files: usize::MAX, most_bytes: usize::MAX, ..options });
        let (mut response, mut sent, mut files) = (None, Vec::new(), 0);
        let mut parts = 0;
        loop {
            match walk.next(response.take().as_deref()) {
                Step::Send(command) => {
                    response = Some(match command[1] {
                        // 62 0B: an EF of 64 bytes.
                        0xA4 => vec![0x61, 0x0D],
                        0xC0 if parts < 12 => {
                            const FCP: [u8; 13] = [
                                0x62, 0x0B, 0x82, 0x02, 0x41, 0x21, 0x80, 0x02, 0x00, 0x40, 0x8A, 0x01, 0x05,
                            ];
                            parts += 1;
                            vec![FCP[parts - 1], 0x61, (13 - parts) as u8]
                        }
                        0xC0 => {
                            parts = 0;
                            vec![0x05, 0x90, 0x00]
                        }
                        0xB0 => vec![0xFF, 0x90, 0x00],
                        // The channel, and its end.
                        0x70 => vec![0x01, 0x90, 0x00],
                        _ => vec![0x6D, 0x00],
                    });
                    sent.push(command);
                }
                Step::Found(_) => files += 1,
                Step::Pin(_) => {}
                Step::Done(ending) => return (ending, sent, files),
            }
        }
    };
    for most in [1, 100, 5_000] {
        let (ending, sent, files) = walk(Options { most_commands: Some(most), ..Options::default() });
        assert_eq!(ending, Ending::Limit);
        // And one that closes the channel.
        assert_eq!(sent.len(), most + 1);
        assert_eq!(sent.last().unwrap()[1..3], [0x70, 0x80]);
        assert_eq!(files > 0, most >= 100, "{files} files in {most} commands");
    }
    // As the page walks.
    for thorough in [false, true] {
        let (ending, sent, _) = walk(Options { thorough, ..Options::default() });
        let most = Options::COMMANDS[usize::from(thorough)];
        assert!(sent.len() <= most + 1, "{}", sent.len());
        assert_eq!(ending == Ending::Limit, sent.len() == most + 1);
    }
    let (ending, ..) = walk(Options { thorough: true, ..Options::default() });
    assert_eq!(ending, Ending::Limit, "a thorough walk is ended by it");
}

fn walk_ends(answers: &[Vec<u8>], thorough: bool) -> Result<(), TestCaseError> {
    let options = Options {
        pins: vec![(1, Pin::new("1234").unwrap())],
        thorough,
        most_bytes: 4096,
        most_files: 64,
        ..Options::default()
    };
    let mut walk = Walk::new(options);
    let (mut response, mut at, mut presented) = (None, 0, 0);
    let mut progress = 0.0;
    for _ in 0..200_000 {
        prop_assert!(walk.progress() >= progress && walk.progress() <= 1.0);
        progress = walk.progress();
        match walk.next(response.take()) {
            Step::Send(command) => {
                presented += usize::from(command.get(1) == Some(&0x20) && command.len() > 5);
                response = Some(&answers[at % answers.len()][..]);
                at += 1;
            }
            Step::Found(file) => {
                let _ = (file.name(), file.decoded(), file.shown_bytes(), file.place.shown());
            }
            Step::Pin(_) => {}
            Step::Done(ending) => {
                prop_assert!(presented <= 1);
                let again = matches!(walk.next(None), Step::Done(same) if same == ending);
                prop_assert!(again);
                return Ok(());
            }
        }
    }
    Err(TestCaseError::fail("no end"))
}

fn answer() -> impl Strategy<Value = Vec<u8>> {
    let sw = prop::sample::select(vec![
        0x9000_u16, 0x9000, 0x9000, 0x61FF, 0x6105, 0x6C04, 0x6283, 0x62F1, 0x6982, 0x6A82, 0x63C3, 0x63C1,
        0x6983, 0x9110, 0x6F00,
    ]);
    let fcp = prop::sample::select(vec![
        "01",
        "621682027821830200018A01058B032F0601C60690018083010A",
        "621782024121830200018A01058B032F0601800200FF880108",
        "62 12 82054221000A05 83022F00 80020032 8B022F06",
        "62 0C 82027921 83024F01 80020032",
        "61184F10A0000000871002FF49FF0589FFFFFFFF50045553494D",
        "5C03808182",
    ])
    .prop_map(vectors::bytes);
    let data = prop_oneof![fcp, proptest::collection::vec(any::<u8>(), 0..40)];
    (data, sw).prop_map(|(mut data, sw)| {
        data.extend(sw.to_be_bytes());
        data
    })
}

#[test]
fn a_card_that_is_pulled_ends_the_walk() {
    let mut walk = Walk::new(Options::default());
    assert!(matches!(walk.next(None), Step::Send(_)));
    assert!(matches!(walk.next(None), Step::Done(Ending::NoAnswer)));
    let mut walk = Walk::new(Options::default());
    assert!(matches!(walk.next(None), Step::Send(_)));
    // One status byte is no answer.
    assert!(matches!(walk.next(Some(&[0x90])), Step::Done(Ending::NoAnswer)));
}
