//! Encodings from ITU-T X.690 (§8.1, §8.3, §11.2) and from the golden samples
//! of the SGP.22 module (`CancelSessionRequest`, `ListNotificationRequest`).

use crate::{Error, Fields, Reader, Tag, Tlv, Writer, encode, head, tag};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

#[test]
fn lengths_take_the_shortest_form() {
    assert_eq!(encode(Tag(0x04), &[0; 127])[..2], [0x04, 0x7F]);
    assert_eq!(encode(Tag(0x04), &[0; 128])[..3], [0x04, 0x81, 0x80]);
    assert_eq!(encode(Tag(0xBF36), &[0; 256])[..5], [0xBF, 0x36, 0x82, 0x01, 0x00]);
    assert_eq!(encode(Tag(0xBF36), &[0; 65536])[..6], [0xBF, 0x36, 0x83, 0x01, 0x00, 0x00]);
}

#[test]
fn integers_are_two_s_complement() {
    let integer = |n| Writer::new().unsigned(Tag::INTEGER, n).finish();
    assert_eq!(integer(0), [2, 1, 0]);
    assert_eq!(integer(127), [2, 1, 0x7F]);
    assert_eq!(integer(128), [2, 2, 0, 0x80]);
    assert_eq!(integer(256), [2, 2, 1, 0]);
    assert_eq!(integer(u32::MAX), [2, 5, 0, 0xFF, 0xFF, 0xFF, 0xFF]);
    for n in [0, 1, 127, 128, 255, 256, 0x7FFF_FFFF, u32::MAX] {
        assert_eq!(Tlv::single(&integer(n)).unwrap().unsigned(), Ok(n));
    }
    let negative = Tlv::single(&[2, 1, 0x80]).unwrap();
    assert_eq!(negative.unsigned(), Err(Error::Value(Tag::INTEGER)));
    assert_eq!(Tlv::single(&[2, 0]).unwrap().unsigned(), Err(Error::Value(Tag::INTEGER)));
}

#[test]
fn named_bits_drop_trailing_zeros() {
    // notificationInstall(0), notificationEnable(1), notificationDelete(3)
    let bits = |b| Writer::new().bits(Tag(0x81), b).finish();
    assert_eq!(bits(0x8000_0000), [0x81, 2, 7, 0x80]);
    assert_eq!(bits(0x4000_0000), [0x81, 2, 6, 0x40]);
    assert_eq!(bits(0x1000_0000), [0x81, 2, 4, 0x10]);
    assert_eq!(bits(0), [0x81, 1, 0]);
    assert_eq!(bits(0x0100_8000), [0x81, 4, 7, 0x01, 0x00, 0x80][..]);
    // A form some servers send, with the trailing zeros kept.
    assert_eq!(Tlv::single(&[0x81, 2, 4, 0x80]).unwrap().bits(), Ok(0x8000_0000));
    assert_eq!(Tlv::single(&[0x81, 2, 9, 0x80]).unwrap().bits(), Err(Error::Value(Tag(0x81))));
}

#[test]
fn unknown_components_are_skipped_in_order() {
    let bytes = [0x80, 1, 1, 0x9F, 0x70, 1, 2, 0x82, 1, 3];
    let mut fields = Fields::new(&bytes);
    assert_eq!(fields.required(Tag(0x80)).unwrap().value, [1]);
    assert_eq!(fields.optional(Tag(0x81)).unwrap(), None);
    assert_eq!(fields.required(Tag(0x82)).unwrap().value, [3]);
    assert_eq!(fields.required(Tag(0x80)), Err(Error::Missing(Tag(0x80))));
}

#[test]
fn what_is_not_a_data_object_is_refused() {
    assert_eq!(head(&[0x30, 0x80]), Err(Error::Length));
    assert_eq!(head(&[0x30, 0x85, 0, 0, 0, 0, 1]), Err(Error::Length));
    assert_eq!(head(&[0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF]), Err(Error::Length));
    assert_eq!(head(&[0x9F, 0x80, 0x80, 0x01]), Err(Error::TagTooLong));
    assert_eq!(head(&[0xBF]), Ok(None));
    assert_eq!(tag(&[0x9F, 0x80, 0x80]), Err(Error::TagTooLong));
    assert_eq!(tag(&[0x9F, 0x80]), Ok(None));
    assert_eq!(tag(&[0x9F, 0x70, 0x90]), Ok(Some(Tag(0x9F70))));
    assert_eq!(head(&[0x30, 0x82, 0x01]), Ok(None));
    assert_eq!(Reader::new(&[0x80, 2, 0]).next(), Err(Error::Truncated));
    assert_eq!(Tlv::single(&[0x80, 0, 0]), Err(Error::Trailing));
    let found = Tlv::single_of(&[0x80, 0], Tag(0x81));
    assert_eq!(found, Err(Error::Unexpected { expected: Tag(0x81), found: Tag(0x80) }));
}

#[test]
fn raw_is_what_was_received() {
    let lax = [0x04, 0x81, 0x01, 0xAA];
    assert_eq!(Tlv::single(&lax).unwrap().raw, lax);
    assert_eq!(Tlv::single(&lax).unwrap().value, [0xAA]);
}

#[test]
fn tags_of_every_width() {
    assert_eq!(Tag::context(24), Tag(0x98));
    assert_eq!(Tag::context(112), Tag(0x9F70));
    assert_eq!(Tag::context_constructed(54), Tag(0xBF36));
    assert_eq!(Tag::context(200), Tag(0x9F_81_48));
    assert!(Tag(0xBF36).is_constructed() && Tag(0x30).is_constructed() && Tag(0xE3).is_constructed());
    assert!(!Tag(0x5F37).is_constructed() && !Tag(0x9F70).is_constructed());
}

#[test]
fn no_byte_string_makes_the_reader_panic() {
    for a in 0..=255u8 {
        for b in 0..=255u8 {
            for tail in [&[][..], &[0xFF; 5], &[0; 3]] {
                let bytes = [&[a, b][..], tail].concat();
                let mut reader = Reader::new(&bytes);
                while let Ok(Some(tlv)) = reader.next() {
                    let _ = (tlv.bits(), tlv.unsigned(), tlv.boolean(), tlv.text());
                }
            }
        }
    }
}
