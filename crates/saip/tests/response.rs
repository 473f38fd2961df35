//! `EUICCResponse` against encodings made by hand from the module.

use saip::response::{EuiccResponse, PeStatus};
use vectors::bytes;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

#[test]
fn known_encodings() {
    let ok = bytes("3007 A005 3003 800100");
    assert_eq!(EuiccResponse::ok().encode().unwrap(), ok);
    assert_eq!(EuiccResponse::decode(&ok).unwrap(), EuiccResponse::ok());
    assert!(EuiccResponse::ok().is_ok());

    // Template not supported, in element 7; aborted.
    let refused = bytes("300C A008 3006 800109 810107 8100");
    let status = PeStatus::new(PeStatus::TEMPLATE_NOT_SUPPORTED, Some(7));
    let response = EuiccResponse::aborted(status);
    assert_eq!(response.encode().unwrap(), refused);
    let read = EuiccResponse::decode(&refused).unwrap();
    assert_eq!(read, response);
    assert!(!read.is_ok());
}

#[test]
fn every_field_and_its_limits() {
    let full = EuiccResponse {
        pe_status: vec![
            PeStatus::new(PeStatus::PE_NOT_SUPPORTED, Some(0x7FFF)),
            // A status word of ISO 7816: 6A82.
            PeStatus {
                status: 0x6A82,
                identification: Some(300),
                additional_information: Some(200),
                offset: Some(0x7FFF_FFFF),
            },
        ],
        profile_installation_aborted: Some(()),
        status_message: Some("why".to_owned()),
    };
    let expected =
        bytes("3026 A01D 3007 800101 81027FFF 3012 80026A82 8102012C 820200C8 83047FFFFFFF 8100 8203 776879");
    assert_eq!(hex::encode(full.encode().unwrap()), hex::encode(&expected));
    assert_eq!(EuiccResponse::decode(&expected).unwrap(), full);

    let short = EuiccResponse { status_message: Some("x".to_owned()), ..EuiccResponse::ok() };
    assert!(short.encode().is_err());
    let long = EuiccResponse { status_message: Some("x".repeat(65)), ..EuiccResponse::ok() };
    assert!(long.encode().is_err());
    for broken in
        ["", "30", "3000", "3007 A005 3003 8001", "3007 A005 3003 800100 00", "3080 A005 3003 800100 0000"]
    {
        assert!(EuiccResponse::decode(&bytes(broken)).is_err(), "{broken}");
    }
}
