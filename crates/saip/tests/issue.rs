//! What an SM-DP+ finds in a package before it gives it away.

#![expect(clippy::unwrap_used, reason = "a test may fail that way")]

use saip::build::{Authentication, Codes, Ims, OtaKeys, Subscriber, elements, package};
use saip::issue::{self, required_memory};
use saip::validate::{Rule, Severity};
use saip::{
    Command, Fcp, File, FileItem, GenericFileManagement, Package, PeHeader, ProfileElement, Secret, Splitter,
    TemplateElement, TemplateKind,
};
use vectors::bytes;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

fn key(byte: u8) -> Secret {
    Secret::new((0..16).map(|n| byte ^ n).collect::<Vec<u8>>())
}

fn subscriber() -> Subscriber {
    let imsi = "001010000000017".parse().unwrap();
    Subscriber {
        ims: Ims::of_imsi(&imsi, 2),
        codes: Codes { pin2: Some(Secret::new(*b"1234")), ..Codes::default() },
        ota: Some(OtaKeys { version: 1, kic: key(0x10), kid: key(0x20), kik: key(0x30) }),
        ..Subscriber::new(
            "8900101000000000016".parse().unwrap(),
            imsi,
            2,
            Authentication::Milenage { k: key(0x46), opc: key(0xCD) },
        )
    }
}

fn element(elements: &mut [ProfileElement], kind: TemplateKind) -> &mut TemplateElement {
    let found = elements.iter_mut().find_map(|element| match element {
        ProfileElement::Template(element) if element.kind == kind => Some(element),
        _ => None,
    });
    found.unwrap()
}

fn set(elements: &mut [ProfileElement], kind: TemplateKind, number: u8, content: &str) {
    let member = element(elements, kind).files.iter_mut().find(|(own, _)| *own == number).unwrap();
    member.1 = File::new(member.1.fcp().cloned(), &bytes(content));
}

type Change = fn(&mut Vec<ProfileElement>);

fn findings(change: Change) -> Vec<(Severity, Rule)> {
    let mut elements = elements(&subscriber()).unwrap();
    change(&mut elements);
    let report = issue::validate(&Package { elements }.encode().unwrap());
    report.findings.iter().map(|finding| (finding.severity, finding.rule)).collect()
}

/// The element, and commands of generic file management in its place.
fn generic(commands: Vec<Command>) -> ProfileElement {
    let header = PeHeader::mandated(99);
    ProfileElement::GenericFileManagement(GenericFileManagement { header, commands: vec![commands] })
}

fn created(fid: u16, descriptor: &str, size: u8) -> Fcp {
    Fcp {
        file_descriptor: Some(bytes(descriptor).into()),
        file_id: Some(fid.to_be_bytes().to_vec().into()),
        ef_file_size: Some(vec![size].into()),
        ..Fcp::default()
    }
}

#[test]
fn a_sound_package_has_no_findings() {
    assert_eq!(findings(|_| {}), []);
}

#[test]
fn every_broken_rule_is_named() {
    const ERROR: Severity = Severity::Error;
    const WARNING: Severity = Severity::Warning;
    let cases: [(Severity, Rule, Change); 11] = [
        (WARNING, Rule::AccessClass, |e| set(e, TemplateKind::Usim, 18, "0040")),
        // Class 10 is no access class (TS 31.102 §4.2.15).
        (WARNING, Rule::AccessClass, |e| set(e, TemplateKind::Usim, 18, "0480")),
        (WARNING, Rule::MncLength, |e| set(e, TemplateKind::Usim, 21, "00000001")),
        (ERROR, Rule::Imsi, |e| set(e, TemplateKind::Usim, 3, "FFFFFFFFFFFFFFFFFF")),
        (ERROR, Rule::IccidAgrees, |e| set(e, TemplateKind::Mf, 4, "98001010000000000116")),
        (ERROR, Rule::IccidAgrees, |e| element(e, TemplateKind::Mf).files.retain(|(number, _)| *number != 4)),
        (ERROR, Rule::Authentication, |e| {
            let at = e.iter().position(|element| element.name() == "akaParameter").unwrap();
            drop(e.remove(at));
        }),
        (WARNING, Rule::PublishedKey, |e| {
            for element in e {
                if let ProfileElement::AkaParameter(parameter) = element
                    && let saip::AlgoConfiguration::Algorithm(own) = &mut parameter.configuration
                {
                    own.key = Secret::new((0..16).collect::<Vec<u8>>());
                }
            }
        }),
        // A second USIM of another subscriber.
        (ERROR, Rule::ImsiAgrees, |e| {
            let mut other = element(e, TemplateKind::Usim).clone();
            other.header.identification = 90;
            other.files[1].1 = File::new(None, &bytes("08 09 10 10 00 00 00 00 81"));
            let at = e.len() - 1;
            e.insert(at, ProfileElement::Template(other));
        }),
        // An ICCID by other means, another one.
        (ERROR, Rule::IccidAgrees, |e| {
            let commands = vec![
                Command::CreateFcp(Box::new(created(0x2FE2, "4121", 10))),
                Command::FillFileContent(bytes("98001010000000000126")),
            ];
            e.insert(2, generic(commands));
        }),
        // A USIM by other means, without an IMSI.
        (ERROR, Rule::Imsi, |e| {
            let adf = Fcp {
                df_name: Some(bytes("A0000000871002").into()),
                ef_file_size: None,
                ..created(0x7FD5, "7821", 0)
            };
            e.insert(2, generic(vec![Command::CreateFcp(Box::new(adf))]));
        }),
    ];
    for (severity, rule, change) in cases {
        let found = findings(change);
        assert!(found.contains(&(severity, rule)), "{rule:?}: {found:?}");
    }
    let nothing = issue::validate(&[]);
    assert!(nothing.has(Rule::HeaderFirst) && nothing.has(Rule::Imsi) && nothing.has(Rule::IccidAgrees));
    assert!(issue::validate(&[0x30, 0x00]).has(Rule::PackageForm));
}

/// Classes for a few, beside that of the IMSI, are nothing to wonder about.
#[test]
fn special_access_classes_are_allowed() {
    assert_eq!(findings(|e| set(e, TemplateKind::Usim, 18, "8880")), []);
}

/// An MF and an EF.ICCID that generic file management creates are found.
#[test]
fn an_iccid_by_generic_file_management_counts() {
    let found = findings(|e| {
        let iccid = vec![
            Command::FilePath(Vec::new()),
            Command::CreateFcp(Box::new(created(0x2FE2, "4121", 10))),
            Command::FillFileContent(bytes("98 00 01 01 00 00 00 00 10 F6")),
        ];
        element(e, TemplateKind::Mf).files.retain(|(number, _)| *number != 4);
        e.insert(2, generic(iccid));
    });
    // The element for the MF has to have one all the same.
    assert_eq!(found, [(Severity::Error, Rule::MandatoryFile)]);
}

/// The published test profiles: nothing that an eUICC would refuse, keys that everybody
/// knows, and an EF.ACC that is not their IMSI's.
#[test]
fn published_profiles() {
    for path in [
        "data/ts48/TS48v3_SAIP2.1_NoBERTLV.der",
        "data/ts48/TS48v5_SAIP2.3_BERTLV_SUCI.der",
        "data/ts48-v7/TS48v7_eSIM_GTP_SAIP2.3_NoBERTLV.der",
    ] {
        let Some(package) = vectors::read(path) else { return };
        let report = issue::validate(&package);
        assert!(report.is_valid(), "{path}: {:?}", report.findings);
        assert!(report.has(Rule::PublishedKey), "{path}");
        // 0001, though no IMSI among them ends in 0.
        assert!(report.has(Rule::AccessClass), "{path}");
    }
}

/// Bodies by the sizes that the package and the templates give (TCA Annex A).
#[test]
fn memory_is_that_of_all_files() {
    let base = Package { elements: elements(&subscriber()).unwrap() };
    let with = |change: Change| {
        let mut elements = base.elements.clone();
        change(&mut elements);
        i64::from(required_memory(&Package { elements })) - i64::from(required_memory(&base))
    };
    let file = i64::from(issue::FILE_OVERHEAD);
    // EF.SMS, created by default: ten records of 176 bytes.
    let without = with(|e| {
        let files = &mut element(e, TemplateKind::Usim).files;
        let at = files.iter().position(|(number, _)| *number > 10).unwrap();
        files.insert(at, (10, File::absent()));
    });
    assert_eq!(without, -(1760 + file));
    // EF.PUCT, not created by default: five bytes, and then twenty.
    assert_eq!(with(|e| element(e, TemplateKind::OptUsim).files.push((8, File::default()))), 5 + file);
    let twenty = with(|e| {
        let fcp = Fcp { ef_file_size: Some(vec![20].into()), ..Fcp::default() };
        element(e, TemplateKind::OptUsim).files.push((8, File::new(Some(fcp), &[])));
    });
    assert_eq!(twenty, 20 + file);
    // A file of its own and a link to it.
    let two = with(|e| {
        let own = created(0x6F80, "4121", 100);
        let link =
            Fcp { link_path: Some(bytes("6F80").into()), ef_file_size: None, ..created(0x6F81, "4121", 0) };
        e.insert(2, generic(vec![Command::CreateFcp(Box::new(own)), Command::CreateFcp(Box::new(link))]));
    });
    assert_eq!(two, 100 + 2 * file);
    // No figure of a hostile package overflows.
    let most = with(|e| {
        let usim = element(e, TemplateKind::Usim);
        for (number, file) in &mut usim.files {
            if *number > 2 {
                let fcp = Fcp { ef_file_size: Some(vec![0xFF; 4].into()), ..Fcp::default() };
                file.items.retain(|item| !matches!(item, FileItem::FileDescriptor(_)));
                file.items.insert(0, FileItem::FileDescriptor(Box::new(fcp)));
            }
        }
    });
    assert_eq!(most, i64::from(u32::MAX) - i64::from(required_memory(&base)));
    let built = package(&subscriber()).unwrap();
    assert!(Package::decode(&built).unwrap() == base);
}

/// Header, end, and between them more elements that nobody knows than findings are kept.
#[test]
fn warnings_leave_room_for_errors() {
    let whole = package(&subscriber()).unwrap();
    let parts = Splitter::split(&whole).unwrap();
    let (first, last) = (parts.first().unwrap(), parts.last().unwrap());
    for unknown in [0, 1, 899, 900, 999, 1000, 5000] {
        let package = [first, &[0xAF, 0].repeat(unknown)[..], last].concat();
        let report = issue::validate(&package);
        assert!(!report.is_valid(), "{unknown}");
        assert!(report.has(Rule::Imsi) && report.has(Rule::IccidAgrees), "{unknown}");
        assert!(report.findings.len() <= 1000);
    }
}
