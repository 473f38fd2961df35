//! The GSMA TS.48 generic test profiles, versions 1 to 7, as published: they are
//! split, every element is understood, and encodes to the bytes it came from.

use saip::{
    AlgorithmId, Command, DEFAULT_ROTATION, DEFAULT_XORING, Fcp, FileItem, FileStructure, Package,
    ProfileElement, Retry, Splitter, TemplateKind, template,
};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

/// The published packages, relative to the folder of test material.
const PROFILES: [&str; 6] = [
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

/// The same profile was published in ASN.1 value notation. What it says of files,
/// line by line, against what was read from the DER.
#[test]
fn files_are_those_of_the_value_notation() {
    let path = "data/ts48-v7/TS48v7_eSIM_GTP_SAIP2.3_NoBERTLV";
    let Some(text) = vectors::read(&format!("{path}.asn1value.txt")) else { return };
    let text = String::from_utf8(text).unwrap();
    let package = Package::decode(&vectors::read(&format!("{path}.der")).unwrap()).unwrap();
    let values: Vec<&str> = text.split(" ProfileElement ::= ").skip(1).collect();
    assert_eq!(values.len(), package.elements.len());
    let mut compared = 0;
    for (value, element) in values.iter().zip(&package.elements) {
        let (name, _) = value.split_once(" :").unwrap();
        assert_eq!(element.name(), name);
        let read = match element {
            ProfileElement::Template(element) => {
                element.files.iter().flat_map(|(_, file)| &file.items).flat_map(item_lines).collect()
            }
            ProfileElement::GenericFileManagement(element) => {
                element.commands.iter().flatten().flat_map(command_lines).collect::<Vec<_>>()
            }
            _ => continue,
        };
        let published: Vec<String> = value.lines().filter_map(line).collect();
        assert_eq!(read, published, "{name} {:?}", element.identification());
        compared += read.len();
        let identification = format!("identification {}", element.identification().unwrap());
        assert!(value.contains(&identification), "{name}");
    }
    assert!(compared > 1700, "{compared}");
}

/// `name 'HEX'H,` and `name : number,` about a file; other lines are skipped.
fn line(line: &str) -> Option<String> {
    const FIELDS: [&str; 15] = [
        "doNotCreate",
        "fileDescriptor",
        "fileID",
        "dfName",
        "lcsi",
        "securityAttributesReferenced",
        "efFileSize",
        "pinStatusTemplateDO",
        "shortEFID",
        "specialFileInformation",
        "fillPattern",
        "repeatPattern",
        "linkPath",
        "filePath",
        "maximumFileSize",
    ];
    let plain = line.replace([' ', ',', ':'], "");
    if let Some(offset) = plain.strip_prefix("fillFileOffset") {
        return Some(format!("fillFileOffset{offset}"));
    }
    let hex = plain.strip_suffix("'H")?;
    let (name, hex) = hex.split_once('\'')?;
    (FIELDS.contains(&name) || name == "fillFileContent").then(|| format!("{name}{}", hex.to_lowercase()))
}

fn item_lines(item: &FileItem) -> Vec<String> {
    match item {
        FileItem::DoNotCreate => vec!["doNotCreate".to_owned()],
        FileItem::FileDescriptor(fcp) => fcp_lines(fcp),
        FileItem::FillFileOffset(skip) => vec![format!("fillFileOffset{skip}")],
        FileItem::FillFileContent(bytes) => vec![format!("fillFileContent{}", hex::encode(bytes))],
    }
}

fn command_lines(command: &Command) -> Vec<String> {
    match command {
        Command::FilePath(path) => vec![format!("filePath{}", hex::encode(path))],
        Command::CreateFcp(fcp) => fcp_lines(fcp),
        Command::FillFileOffset(skip) => vec![format!("fillFileOffset{skip}")],
        Command::FillFileContent(bytes) => vec![format!("fillFileContent{}", hex::encode(bytes))],
    }
}

fn fcp_lines(fcp: &Fcp) -> Vec<String> {
    let info = fcp.proprietary_ef_info.as_ref();
    [
        ("fileDescriptor", fcp.file_descriptor.as_deref()),
        ("fileID", fcp.file_id.as_deref()),
        ("dfName", fcp.aid()),
        ("lcsi", Some(&fcp.lcsi[..])),
        ("securityAttributesReferenced", fcp.security_attributes_referenced.as_deref()),
        ("efFileSize", fcp.ef_file_size.as_deref()),
        ("pinStatusTemplateDO", fcp.pin_status()),
        ("shortEFID", fcp.short_ef_id.as_deref()),
        ("specialFileInformation", info.map(|info| &info.special_file_information[..])),
        ("fillPattern", fcp.fill_pattern()),
        ("repeatPattern", fcp.repeat_pattern()),
        ("linkPath", fcp.link()),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some(format!("{name}{}", hex::encode(value?))))
    .collect()
}

#[test]
fn values_are_those_published() {
    let Some(bytes) = vectors::read(PROFILES[5]) else { return };
    let package = Package::decode(&bytes).unwrap();
    let header = package.header().unwrap();
    assert_eq!((header.major, header.minor), (2, 3));
    assert_eq!(header.profile_type.as_deref(), Some("GSMA Generic eUICC Test Profile"));
    assert_eq!(header.iccid.to_string(), "89000123456789012341");
    assert_eq!(header.iccid.as_bytes()[..], vectors::bytes("98001032547698103214"));
    assert_eq!(package.file(TemplateKind::Mf, 4).unwrap().unwrap(), header.iccid.as_bytes());
    assert_eq!(
        format!("{:?}", header.services),
        r#"{"usim", "isim", "csim", "usim-test-algorithm", "get-identity", "profile-a-x25519", "profile-b-p256"}"#
    );
    let templates: Vec<String> = header.templates.iter().map(ToString::to_string).collect();
    let numbers = [1, 3, 4, 5, 7, 8, 9, 10, 11, 13, 14];
    assert_eq!(templates, numbers.map(|number| format!("2.23.143.1.2.{number}")));
    assert_eq!(package.imsi().unwrap().as_str(), "001010123456789");
    // EF.PL: a fill pattern of three bytes in a file of six.
    assert_eq!(package.file(TemplateKind::Mf, 3).unwrap().unwrap(), vectors::bytes("656EFFFFFFFF"));
    // EF.DIR: records of 33 bytes, reached by offsets.
    let dir = package.file(TemplateKind::Mf, 5).unwrap().unwrap();
    let records: Vec<&[u8]> = dir.chunks(0x21).collect();
    assert_eq!(records.len(), 4);
    assert_eq!(records[1][..22], vectors::bytes("61144F0CA0000000871004FF49FF058950044953494D"));
    assert_eq!(records[3], [0xFF; 33]);

    let [usim, isim] = package.aka().collect::<Vec<_>>()[..] else { panic!() };
    for parameter in [usim, isim] {
        let algorithm = parameter.algorithm().unwrap();
        assert_eq!((algorithm.algorithm, algorithm.options), (AlgorithmId::UsimTest, 0x02));
        assert_eq!(algorithm.key.expose_secret(), vectors::bytes("000102030405060708090A0B0C0D0E0F"));
        assert_eq!(algorithm.opc.expose_secret(), [0; 16]);
        assert_eq!((algorithm.rotation, algorithm.xoring), (DEFAULT_ROTATION, DEFAULT_XORING));
        assert_eq!((algorithm.number_of_keccak, algorithm.auth_counter_max), (1, None));
        assert_eq!((parameter.sqn_options, parameter.sqn_delta), (2, 0x1000_0000));
        assert_eq!((parameter.sqn_age_limit, parameter.sqn_init()), (0x1000_0000, [0; 32]));
    }
    let ProfileElement::PukCodes(puks) = &package.elements[2] else { panic!() };
    let found: Vec<_> = puks.codes.iter().map(|puk| (puk.key_reference, puk.retry)).collect();
    assert_eq!(found, [(0x01, Retry::PUK), (0x81, Retry::PUK)]);
    assert_eq!(puks.codes[1].value.expose_secret(), b"22222222");
    let ProfileElement::PinCodes(pins) = &package.elements[3] else { panic!() };
    let found: Vec<_> = pins
        .pins()
        .iter()
        .map(|pin| (pin.key_reference, pin.unblocking, pin.attributes, pin.retry.byte()))
        .collect();
    assert_eq!(found, [(0x01, Some(0x01), 6, 0x33), (0x0A, None, 3, 0xAA), (0x0B, None, 3, 0xAA)]);
    assert_eq!(pins.pins()[0].value.expose_secret(), b"0000\xFF\xFF\xFF\xFF");
}

#[test]
fn every_file_of_a_known_template_has_a_body() {
    for path in PROFILES {
        let Some(bytes) = vectors::read(path) else { return };
        let mut bodies = 0;
        for element in Package::decode(&bytes).unwrap().elements {
            let ProfileElement::Template(element) = element else { continue };
            for (number, file) in &element.files {
                let row = template::row(element.kind, &element.template, *number);
                let csim = matches!(element.kind, TemplateKind::Csim | TemplateKind::OptCsim);
                assert!(row.is_some() || csim, "{path} {:?} [{number}]", element.kind);
                if file.do_not_create() || file.fcp().is_some_and(|fcp| fcp.link().is_some()) {
                    continue;
                }
                if csim && file.fcp().is_none_or(|fcp| fcp.file_descriptor.is_none()) {
                    continue;
                }
                let attributes = template::resolve(row, file.fcp()).unwrap();
                if attributes.structure == FileStructure::Directory {
                    continue;
                }
                let what = format!("{path} {:?} [{number}]", element.kind);
                let body = attributes.body(row, file).unwrap_or_else(|error| panic!("{what}: {error}"));
                // Sizes of CSIM files are in templates that are not tabled here.
                assert!(csim || !body.is_empty(), "{what}");
                bodies += 1;
            }
        }
        assert!(bodies > 100, "{path}: {bodies}");
    }
}

/// The operator's security domain and the RFM applications, as the value text of
/// TS.48 v7 (value25 to value29) has them.
#[test]
fn security_domain_and_file_management_are_those_published() {
    let Some(bytes) = vectors::read("data/ts48-v7/TS48v7_eSIM_GTP_SAIP2.3_NoBERTLV.der") else { return };
    let package = Package::decode(&bytes).unwrap();
    let mut tars = Vec::new();
    for element in &package.elements {
        match element {
            ProfileElement::SecurityDomain(domain) => {
                assert_eq!(domain.instance.to_string(), "A000000151000000");
                assert_eq!(domain.privileges, [0x82, 0xDC, 0x00]);
                let reach = domain.reach.as_ref().unwrap();
                assert_eq!(reach.tars, [[0xB2, 0x01, 0x00], [0, 0, 0]]);
                assert_eq!(reach.minimum_security_level, 0x02);
                let keys: Vec<_> =
                    domain.keys.iter().map(|key| (key.version, key.identifier, key.key_type)).collect();
                let des = [(1, 1, 0x80), (1, 2, 0x80), (1, 3, 0x80)];
                let aes = [(2, 1, 0x88), (2, 2, 0x88), (2, 3, 0x88)];
                assert_eq!(keys, [des, aes].concat());
                for key in &domain.keys {
                    assert_eq!(key.data.expose_secret(), (0..16).collect::<Vec<u8>>());
                    assert_eq!((key.mac_length, key.counter), (8, None));
                }
            }
            ProfileElement::Rfm(rfm) => {
                assert_eq!((rfm.reach.minimum_security_level, &rfm.uicc_domain[..]), (0x02, &[0][..]));
                assert!(rfm.security_domain.is_none());
                let aid = rfm.adf.as_ref().map(|adf| adf.aid.to_string());
                tars.push((rfm.reach.tars[0], aid));
            }
            _ => {}
        }
    }
    let aid = |text: &str| Some(text.to_owned());
    let expected = [
        ([0xB0, 0x01, 0x20], None),
        ([0xB0, 0x01, 0x40], aid("A0000000871002FF49FF0589")),
        ([0xB0, 0x01, 0x41], aid("A0000000871004FF49FF0589")),
        ([0xB0, 0x01, 0x42], aid("A0000003431002F310FFFF89020000FF")),
    ];
    assert_eq!(tars, expected);
}
