//! The GSMA TS.48 generic test profiles, versions 1 to 7, as published: they are
//! split, every element is understood, and encodes to the bytes it came from.

use saip::{ProfileElement, Splitter};

/// The published packages, relative to the folder of test material.
pub const PROFILES: [&str; 6] = [
    "data/ts48/TS48v1_A.der",
    "data/ts48/TS48v3_SAIP2.1_NoBERTLV.der",
    "data/ts48/TS48v5_SAIP2.1A_NoBERTLV.der",
    "data/ts48/TS48v5_SAIP2.3_BERTLV_SUCI.der",
    "data/ts48/TS48v5_SAIP2.3_NoBERTLV.der",
    "data/ts48-v7/TS48v7_eSIM_GTP_SAIP2.3_NoBERTLV.der",
];

#[test]
fn every_element_decodes_and_encodes_to_itself() {
    for path in PROFILES {
        let Some(package) = vectors::read(path) else { return };
        let elements = Splitter::split(&package).unwrap();
        assert!(elements.len() >= 25, "{path}: {}", elements.len());
        for bytes in elements {
            let element = ProfileElement::decode(bytes)
                .unwrap_or_else(|error| panic!("{path} {}: {error}", hex::encode(&bytes[..20])));
            assert!(!matches!(element, ProfileElement::Unknown { .. }), "{path}");
            assert_eq!(
                hex::encode(&*element.encode().unwrap()),
                hex::encode(bytes),
                "{path} {}",
                element.name()
            );
        }
    }
}

#[test]
fn bytewise_is_as_whole() {
    for path in PROFILES {
        let Some(package) = vectors::read(path) else { return };
        let whole = Splitter::split(&package).unwrap();
        for size in [1, 7, 255, 1008, package.len()] {
            let mut splitter = Splitter::new();
            let mut elements = Vec::new();
            for piece in package.chunks(size) {
                splitter.push(piece).unwrap();
                while let Some(element) = splitter.next_element().unwrap() {
                    elements.push(element.to_vec());
                }
            }
            splitter.finish().unwrap();
            assert_eq!(elements, whole, "{path} in pieces of {size}");
        }
    }
}

#[test]
fn profiles_are_valid() {
    for path in PROFILES {
        let Some(package) = vectors::read(path) else { return };
        let report = saip::validate::validate(&package);
        for finding in &report.findings {
            println!("{path}: {:?} {finding}", finding.severity);
        }
        assert!(report.is_valid(), "{path}");
    }
}
