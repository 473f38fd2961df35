//! File control parameters and access rules, from examples of the standards.

use vectors::bytes;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::{Condition, Fcp, FcpError, LifeCycle, Operation, PinState, Rules, Structure};

#[test]
fn parameters_of_a_directory_and_of_files() {
    // The MF of ETSI TS 102 221's kind, from ../shared/spec/05 §3.
    let mf = bytes("621D 82027821 83023F00 A503800171 8A0105 8B032F0601 C606 900180 830101");
    let fcp = Fcp::parse(&mf).unwrap();
    assert_eq!(fcp.structure, Structure::Directory);
    assert!(fcp.shareable);
    assert_eq!(fcp.fid, Some(0x3F00));
    assert_eq!(fcp.life_cycle, LifeCycle::Activated);
    assert_eq!(fcp.pins, [PinState { reference: 1, enabled: true }]);
    assert_eq!(fcp.sfi, None);
    let imsi = bytes("6217 82024121 83026F07 8A0105 8B036F0602 80020009 880138");
    let fcp = Fcp::parse(&imsi).unwrap();
    assert_eq!((fcp.structure, fcp.size, fcp.sfi), (Structure::Transparent, Some(9), Some(7)));
    // Without the object it is the end of the identifier; an empty object takes it away.
    let sfi = |text: &str| Fcp::parse(&bytes(text)).unwrap().sfi;
    assert_eq!(sfi("620C 82024121 83026F05 80020009"), Some(5));
    assert_eq!(sfi("620E 82024121 83026F05 80020009 8800"), None);
    let records = Fcp::parse(&bytes("620F 82054221001C05 83026F3B 8002008C")).unwrap();
    assert_eq!(records.structure, Structure::LinearFixed { record_len: 28, records: 5 });
    let cyclic = Fcp::parse(&bytes("620F 82054621000305 83026F39 8002000F 8A0104")).unwrap();
    assert_eq!(cyclic.structure, Structure::Cyclic { record_len: 3, records: 5 });
}

#[test]
fn what_is_no_template_is_told() {
    assert_eq!(Fcp::parse(&[]), Err(FcpError::Descriptor));
    assert_eq!(Fcp::parse(&bytes("6200")), Err(FcpError::Descriptor));
    assert_eq!(Fcp::parse(&bytes("620482020041")), Err(FcpError::Descriptor));
    assert!(matches!(Fcp::parse(&bytes("6F")), Err(FcpError::Tlv(_))));
    assert!(matches!(Fcp::parse(&bytes("8000")), Err(FcpError::Tlv(_))));
}

/// The default records of the TCA profile package, §9.9, with what each is said to mean.
#[test]
fn default_access_rules_mean_what_is_said() {
    let words =
        |text: &str, operation| Rules::expanded(&bytes(text), false).unwrap().of(operation).words().en;
    let update = Operation::Update;
    for (record, read, updated) in [
        ("8001019000800102A406830101950108800158A40683010A950108", "always", "PIN1"),
        ("800101A40683010195010880015AA40683010A950108", "PIN1", "ADM1"),
        ("80015BA40683010A950108", "ADM1", "ADM1"),
        ("800101900080011A9700800140A40683010A950108", "always", "never"),
        ("800101A406830101950108800102A406830181950108800158A40683010A950108", "PIN1", "PIN2"),
        ("800101A40683010195010880015A9700FFFFFF", "PIN1", "never"),
    ] {
        assert_eq!(words(record, Operation::Read), read, "{record}");
        assert_eq!(words(record, update), updated, "{record}");
    }
    let increase = "800103A406830101950108800158A40683010A950108840132A406830101950108";
    assert_eq!(words(increase, Operation::Command(0x32)), "PIN1");
    assert_eq!(words(increase, Operation::Terminate), "never");
    let directory = Rules::expanded(&bytes("80015EA40683010A950108"), true).unwrap();
    assert_eq!(directory.of(Operation::CreateEf), Condition::Key(0x0A));
    assert_eq!(directory.of(Operation::DeleteChild), Condition::Never);
}

#[test]
fn one_of_and_all_of_are_told_apart() {
    let any = Rules::expanded(&bytes("800101 A010 A406830101950108 A40683010A950108"), false).unwrap();
    assert_eq!(any.of(Operation::Read).words().en, "PIN1 or ADM1");
    let all = Rules::expanded(&bytes("800101 AF10 A406830101950108 A406830181950108"), false).unwrap();
    assert_eq!(all.of(Operation::Read).words().ja, "PIN1 かつ PIN2");
    // Conditions one after another: one is enough (ETSI TS 102 221 §9.2.7).
    let list = Rules::expanded(&bytes("800101 A406830101950108 A40683010A950108"), false).unwrap();
    assert_eq!(list.of(Operation::Read).words().en, "PIN1 or ADM1");
    let compact = Rules::compact(&bytes("03FF00"), false);
    assert_eq!(compact.of(Operation::Read), Condition::Always);
    assert_eq!(compact.of(Operation::Update), Condition::Never);
}
