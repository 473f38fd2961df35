//! Cases of ISO 7816-4 §5.1, class bytes of §5.4.1 and ETSI TS 102 221 §10.1.1,
//! STORE DATA of SGP.22 §5.7.2.

use std::string::ToString as _;
use std::vec;
use std::vec::Vec;

use crate::{Channel, Class, ClassError, Command, CommandError, Response, StatusWord, store_data};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

#[test]
fn the_four_cases_short_and_extended() {
    let header = [0x00, 0xA4, 0x04, 0x00];
    let parse = |body: &[u8]| {
        let bytes = [&header[..], body].concat();
        Command::parse(&bytes).map(|c| (c.data.to_vec(), c.le))
    };
    assert_eq!(parse(&[]), Ok((vec![], None)));
    assert_eq!(parse(&[0x00]), Ok((vec![], Some(256))));
    assert_eq!(parse(&[0x10]), Ok((vec![], Some(16))));
    assert_eq!(parse(&[2, 1, 2]), Ok((vec![1, 2], None)));
    assert_eq!(parse(&[2, 1, 2, 0]), Ok((vec![1, 2], Some(256))));
    assert_eq!(parse(&[0, 0, 0]), Ok((vec![], Some(65536))));
    assert_eq!(parse(&[0, 0, 2, 1, 2]), Ok((vec![1, 2], None)));
    assert_eq!(parse(&[0, 0, 2, 1, 2, 1, 0]), Ok((vec![1, 2], Some(256))));
    assert_eq!(parse(&[3, 1, 2]), Err(CommandError::Length));
    assert_eq!(parse(&[1, 1, 2, 3]), Err(CommandError::Length));
    assert_eq!(parse(&[0, 0]), Err(CommandError::Length));
    assert_eq!(parse(&[0, 0, 0, 1]), Err(CommandError::Length));
    assert_eq!(Command::parse(&header[..3]), Err(CommandError::Header));
}

#[test]
fn what_is_built_is_what_is_parsed() {
    let data = vec![7; 300];
    for (len, le) in [(0, None), (0, Some(1)), (0, Some(256)), (1, None), (255, Some(256)), (256, None)] {
        let command = Command { le, ..Command::new(0x80, 0xE2, 0x91, 0).data(&data[..len]) };
        assert_eq!(Command::parse(&command.to_vec()), Ok(command));
    }
    let long = Command::new(0, 0xB0, 0, 0).le(65536).to_vec();
    assert_eq!(long, [0, 0xB0, 0, 0, 0, 0, 0]);
}

#[test]
fn class_bytes_name_twenty_channels() {
    for number in 0..20 {
        let channel = Channel::new(number).unwrap();
        for (cla, proprietary) in [(channel.interindustry(), false), (channel.proprietary(), true)] {
            assert_eq!(Class::parse(cla), Ok(Class { channel, proprietary, chained: false }));
            let chained = Class { channel, proprietary, chained: true };
            assert_eq!(Class::parse(cla | 0x10), Ok(chained));
        }
    }
    assert_eq!(Channel::new(20), None);
    assert_eq!(Channel::new(1).unwrap().proprietary(), 0x81);
    assert_eq!(Channel::new(4).unwrap().interindustry(), 0x40);
    assert_eq!(Channel::new(19).unwrap().proprietary(), 0xCF);
    assert_eq!(Class::parse(0xA0), Err(ClassError::Unknown));
    assert_eq!(Class::parse(0x20), Err(ClassError::Unknown));
    assert_eq!(Class::parse(0xFF), Err(ClassError::Unknown));
    assert_eq!(Class::parse(0x0C), Err(ClassError::SecureMessaging));
    assert_eq!(Class::parse(0x84), Err(ClassError::SecureMessaging));
    assert_eq!(Class::parse(0x60), Err(ClassError::SecureMessaging));
}

#[test]
fn a_request_is_cut_into_numbered_blocks() {
    let channel = Channel::new(1).unwrap();
    let payload: Vec<u8> = (0..=255).chain(0..=255).collect();
    let blocks: Vec<_> = store_data(channel, &payload, 255).collect();
    assert_eq!(blocks.len(), 3);
    assert_eq!(blocks[0][..5], [0x81, 0xE2, 0x11, 0x00, 0xFF]);
    assert_eq!(blocks[1][..5], [0x81, 0xE2, 0x11, 0x01, 0xFF]);
    assert_eq!(blocks[2], [0x81, 0xE2, 0x91, 0x02, 0x02, 254, 255, 0x00]);
    let joined: Vec<u8> = blocks.iter().flat_map(|b| Command::parse(b).unwrap().data.to_vec()).collect();
    assert_eq!(joined, payload);
    assert_eq!(store_data(channel, &[1], 0).count(), 1);
    assert_eq!(store_data(channel, &payload[..255], 255).count(), 1);
}

#[test]
fn status_words_tell_lengths() {
    assert_eq!(StatusWord(0x6100).response_available(), Some(256));
    assert_eq!(StatusWord(0x6135).response_available(), Some(0x35));
    assert_eq!(StatusWord(0x6C09).exact_le(), Some(9));
    assert_eq!(StatusWord(0x910B).proactive_len(), Some(11));
    assert_eq!(StatusWord::OK.response_available(), None);
    assert_eq!(StatusWord::available(300), StatusWord(0x6100));
    assert_eq!(StatusWord::tries_left(3), StatusWord(0x63C3));
    assert_eq!(StatusWord::OK.to_string(), "9000");
    let response = Response::parse(&[1, 2, 0x90, 0]).unwrap();
    assert_eq!((response.data.len(), response.sw), (2, StatusWord::OK));
    assert_eq!(response.to_vec(), [1, 2, 0x90, 0]);
    assert_eq!(Response::parse(&[0x90]), None);
}
