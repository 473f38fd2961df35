//! What a profile package must not be able to do, byte by byte.

#![expect(clippy::panic, reason = "a test may fail that way")]

use saip::{
    Command, Error, Fcp, File, FileStructure, PastEnd, ProfileElement, SecurityAttributes, ShortFileId,
    Splitter,
};
use tlv::{Tag, Writer, encode};
use vectors::bytes;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

/// The file control parameters inside a command of generic file management.
fn fcp(hex: &str) -> Result<Fcp, Error> {
    let mut writer = Writer::new();
    writer.raw(&bytes("A003 810105"));
    writer.nested(Tag(0xA1), |lists| {
        lists.nested(Tag::SEQUENCE, |list| {
            list.tlv(Tag(0x62), &bytes(hex));
        });
    });
    let ProfileElement::GenericFileManagement(element) =
        ProfileElement::decode(&encode(Tag(0xA1), &writer.finish()))?
    else {
        panic!()
    };
    let Command::CreateFcp(fcp) = &element.commands[0][0] else { panic!() };
    Ok(Fcp::clone(fcp))
}

#[test]
fn file_control_parameters_are_read() {
    // EF.ARR of TS.48 v7.
    let arr = fcp("8204 4221002E 8302 2F06 8B03 2F0602 8002 02B2 8801 30 A503 C00140").unwrap();
    let descriptor = arr.descriptor().unwrap().unwrap();
    assert_eq!((descriptor.structure, descriptor.shareable), (FileStructure::LinearFixed, true));
    assert_eq!(descriptor.record_length, Some(0x2E));
    assert_eq!((arr.fid(), arr.size().unwrap(), arr.life_cycle()), (Some(0x2F06), Some(0x02B2), 5));
    assert_eq!(
        arr.security_attributes().unwrap(),
        Some(SecurityAttributes::ArrRecord { fid: 0x2F06, record: 2 })
    );
    assert_eq!(arr.short_file_id().unwrap(), ShortFileId::Sfi(6));
    assert!(arr.readable_when_deactivated() && !arr.high_update());
    assert_eq!(fcp("8800").unwrap().short_file_id().unwrap(), ShortFileId::None);
    assert_eq!(fcp("").unwrap(), Fcp::default());
    assert_eq!(fcp("8B01 05").unwrap().security_attributes().unwrap(), Some(SecurityAttributes::Record(5)));
    assert_eq!(fcp("C704 7FD06F3B").unwrap().link(), Some(&[0x7F, 0xD0, 0x6F, 0x3B][..]));
}

#[test]
fn components_of_a_later_version_are_left_out() {
    let later = fcp("8302 6F07 9F7F 01 AA 8001 09 A506 C00180 8D01 01 8E00").unwrap();
    assert_eq!((later.fid(), later.size().unwrap(), later.high_update()), (Some(0x6F07), Some(9), true));
}

#[test]
fn values_without_meaning_are_refused() {
    for (hex, why) in [
        ("8201 41", "descriptor of one byte"),
        ("8205 4221000100", "descriptor of five bytes"),
        ("8303 6F0700", "file identifier of three bytes"),
        ("8404 A0000000", "AID of four bytes"),
        ("8B04 2F060200", "access rule of four bytes"),
        ("8802 0808", "short identifier of two bytes"),
        ("C709 7FD05F3A5F3A4F3000", "path of nine bytes"),
        ("A502 C000", "empty special information"),
        ("A502 C100", "empty pattern"),
        ("8302 6F07 8202 4121", "out of order"),
        ("8302 6F07 8302 6F08", "twice"),
        ("8302 6F", "cut"),
    ] {
        assert!(fcp(hex).is_err(), "{why}");
    }
    assert!(fcp("8202 4221").unwrap().descriptor().is_err(), "records without a length");
    assert!(fcp("8204 42210000").unwrap().descriptor().is_err(), "records of no bytes");
    assert!(fcp("8204 42210100").unwrap().descriptor().is_err(), "records of 256 bytes");
    assert!(fcp("8202 0521").unwrap().descriptor().is_err(), "no such structure");
    assert!(fcp("8000").unwrap().size().is_err());
    assert!(fcp("8005 0100000000").unwrap().size().is_err());
    assert!(fcp("8B02 2F06").unwrap().security_attributes().is_err());
    for sfi in ["00", "09", "F8"] {
        assert!(fcp(&format!("8801 {sfi}")).unwrap().short_file_id().is_err(), "{sfi}");
    }
}

#[test]
fn content_stays_in_its_file() {
    use saip::FileItem::{FillFileContent, FillFileOffset};
    let file = File {
        items: vec![
            FillFileContent(vec![1, 2]),
            FillFileOffset(3),
            FillFileContent(vec![3]),
            FillFileOffset(1),
            FillFileContent(vec![4]),
        ],
    };
    let mut body = [0; 8];
    file.apply(&mut body).unwrap();
    assert_eq!(body, [1, 2, 0, 0, 0, 3, 0, 4]);
    assert_eq!(file.content_end(), 8);
    assert_eq!(file.apply(&mut body[..7]), Err(PastEnd { end: 8, size: 7 }));
    let far = File { items: vec![FillFileOffset(u16::MAX); 3] };
    assert!(!far.has_content() && far.apply(&mut body).is_ok());
}

#[test]
fn patterns_start_anew_in_every_record() {
    let mut body = [0; 8];
    saip::fill(&mut body, &[0x00, 0xFF], false, Some(4));
    assert_eq!(body, [0x00, 0xFF, 0xFF, 0xFF, 0x00, 0xFF, 0xFF, 0xFF]);
    saip::fill(&mut body, &[1, 2, 3], true, Some(4));
    assert_eq!(body, [1, 2, 3, 1, 1, 2, 3, 1]);
    saip::fill(&mut body, &[1, 2, 3], true, None);
    assert_eq!(body, [1, 2, 3, 1, 2, 3, 1, 2]);
    saip::fill(&mut body, &[], true, Some(0));
    assert_eq!(body, [0xFF; 8]);
}

#[test]
fn elements_are_bounded_and_start_as_elements() {
    let mut splitter = Splitter::with_limit(16);
    splitter.push(&[0xA1, 0x0F]).unwrap();
    assert!(matches!(splitter.next_element(), Err(Error::TooLarge)));
    assert!(matches!(splitter.next_element(), Err(Error::TooLarge)), "and again");
    let mut splitter = Splitter::with_limit(16);
    assert_eq!(splitter.push(&[0xAA; 33]), Err(Error::TooLarge));
    for head in ["30", "80", "62", "A180", "A185 00000000", "BF80808001"] {
        let mut splitter = Splitter::new();
        splitter.push(&bytes(head)).unwrap();
        assert!(splitter.next_element().is_err(), "{head}");
    }
    let mut splitter = Splitter::new();
    splitter.push(&bytes("AA07 A005 8000")).unwrap();
    assert!(splitter.next_element().unwrap().is_none());
    assert!(splitter.finish().is_err());
}

#[test]
fn elements_that_do_not_follow_their_definition() {
    for (hex, why) in [
        ("AA00", "no header"),
        ("AA05 A003 820101", "header without identification"),
        ("AA07 A005 8103 008000", "identification above 32767"),
        ("A70500", "cut"),
        ("A2 14 A003 810101 A10D A00B 3009 800101 8104 31323334", "PIN of four bytes"),
        ("A2 09 A003 810101 A102 8200", "neither PINs nor path"),
        ("A2 0A A003 810101 A103 8101 7F", "odd path"),
        ("A4 09 A003 810101 A102 A200", "no algorithm"),
        ("B3 09 A003 810101 8100 A200", "empty object identifier"),
        ("B3 12 A003 810101 8106 67810F010204 A200 A200", "cut"),
        ("B3 12 A003 810101 8106 67810F010204 A200 A300 00", "stray byte"),
        ("B3 11 A003 810101 8106 67810F010204 A200 A200", "member twice"),
        ("B3 11 A003 810101 8106 67810F010204 A300 A200", "members out of order"),
        ("B3 11 A003 810101 8106 67810F010204 A202 8500", "no such instruction"),
    ] {
        let error = ProfileElement::decode(&bytes(hex)).err().expect(why);
        let cut = error == Error::Tlv(tlv::Error::Truncated);
        assert_eq!(cut, ["cut", "stray byte"].contains(&why), "{why}: {error}");
    }
    let future = ProfileElement::decode(&bytes("BF22 07 A005 8000 81012A")).expect("a later element");
    assert_eq!((future.name(), future.identification()), ("unknown", Some(42)));
    assert!(future.header().expect("its header").mandated);
}
