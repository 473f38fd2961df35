//! Built packages against the reader, the validator and the templates.

#![expect(clippy::unwrap_used, reason = "a test may fail that way")]

use rsp::{Iccid, Imsi};
use saip::build::{
    Authentication, Class, Codes, Concealment, HomeNetworkKey, Ims, Invalid, OtaKeys, ProtectionScheme,
    RoutingIndicator, Subscriber, SuciCalculation, elements, package,
};
use saip::ef::{self, AccessTechnologies, Plmn};
use saip::validate::{Rule, validate};
use saip::{
    AlgoConfiguration, AlgorithmId, Package, PinSource, ProfileElement, Secret, Service, Splitter,
    TemplateKind, template,
};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

fn secret(text: &str) -> Secret {
    Secret::new(text.as_bytes())
}

fn plain() -> Subscriber {
    // Test set 1 of TS 35.207 §4.3: K and OPc.
    Subscriber::new(
        "8900101000000000016".parse().unwrap(),
        "001010000000017".parse().unwrap(),
        2,
        Authentication::Milenage {
            k: Secret::new(vectors::bytes("465B5CE8B199B49FAA5F0A2EE238A6BC")),
            opc: Secret::new(vectors::bytes("CD63CB71954A9F4E48A5994E37A02BAF")),
        },
    )
}

fn full() -> Subscriber {
    let plmn = |digits: &str| Plmn::from_digits(digits).unwrap();
    let imsi: Imsi = "310410123456789".parse().unwrap();
    Subscriber {
        ims: Ims::of_imsi(&imsi, 3),
        imsi,
        mnc_length: 3,
        codes: Codes {
            pin1: Some(secret("1234")),
            puk1: Some(secret("12345678")),
            pin2: Some(secret("5678")),
            puk2: Some(secret("87654321")),
            adm1: Some(secret("55555555")),
        },
        msisdn: Some("+13105550123".to_owned()),
        spn: "Example Mobile".to_owned(),
        service_centre: Some("+13105550100".to_owned()),
        operator_plmns: (0..12)
            .map(|n| (plmn(&format!("2620{n:02}")), AccessTechnologies::E_UTRAN))
            .collect(),
        equivalent_home: vec![plmn("310411")],
        forbidden: vec![plmn("310260")],
        access_points: vec!["sm.example".to_owned()],
        ota: Some(OtaKeys {
            version: 1,
            kic: Secret::new([1; 16]),
            kid: Secret::new([2; 16]),
            kik: Secret::new([3; 16]),
        }),
        authentication: Authentication::Tuak {
            k: Secret::new([0xAB; 32]),
            topc: Secret::new([0xCD; 32]),
            iterations: 2,
        },
        ..plain()
    }
    .of_class(Class::Provisioning)
}

#[test]
fn built_packages_are_valid_and_read_back() {
    let test = Subscriber { authentication: Authentication::TestXor { k: Secret::new([7; 16]) }, ..plain() };
    for (name, subscriber) in [("plain", plain()), ("full", full()), ("test", test.of_class(Class::Test))] {
        let upp = package(&subscriber).unwrap();
        let report = validate(&upp);
        assert!(report.findings.is_empty(), "{name}: {:?}", report.findings);
        let read = Package::decode(&upp).unwrap();
        assert_eq!(read.iccid().unwrap(), subscriber.iccid);
        assert_eq!(read.imsi().unwrap(), subscriber.imsi);
        assert!(read.elements == elements(&subscriber).unwrap());
        assert_eq!(*read.encode().unwrap(), *upp);
        // The ICCID as StoreMetadata and EF.ICCID have it.
        assert_eq!(read.file(TemplateKind::Mf, 4).unwrap().unwrap(), subscriber.iccid.as_bytes());
    }
}

#[test]
fn order_is_that_of_the_test_profiles() {
    let names: Vec<&str> = elements(&full()).unwrap().iter().map(ProfileElement::name).collect();
    assert_eq!(
        names,
        [
            "header",
            "mf",
            "pukCodes",
            "pinCodes",
            "telecom",
            "usim",
            "opt-usim",
            "pinCodes",
            "akaParameter",
            "gsm-access",
            "df-5gs",
            "isim",
            "pinCodes",
            "akaParameter",
            "securityDomain",
            "rfm",
            "rfm",
            "end"
        ]
    );
    let names: Vec<&str> = elements(&plain()).unwrap().iter().map(ProfileElement::name).collect();
    assert_eq!(
        names,
        [
            "header",
            "mf",
            "pinCodes",
            "telecom",
            "usim",
            "opt-usim",
            "akaParameter",
            "gsm-access",
            "df-5gs",
            "end"
        ]
    );
}

#[test]
fn files_hold_the_subscriber() {
    let read = Package::decode(&package(&full()).unwrap()).unwrap();
    let usim = |number| read.file(TemplateKind::Usim, number).unwrap().unwrap();
    let optional = |number| read.file(TemplateKind::OptUsim, number).unwrap().unwrap();
    assert_eq!(usim(3), vectors::bytes("08 39 01 14 10 32 54 76 98"));
    assert_eq!(usim(18), [0x02, 0x00]);
    assert_eq!(usim(21), [0x00, 0x00, 0x00, 0x03]);
    assert_eq!(usim(13)[..15], *b"\x01Example Mobile");
    assert_eq!(usim(14), [0x04]);
    assert_eq!(usim(22), vectors::bytes("11F2FF00 19F1FF00"));
    assert_eq!(usim(19), vectors::bytes("130062 FFFFFFFFFFFFFFFFFF"));
    assert_eq!(usim(11)[23..31], vectors::bytes("07 91 31 01 55 05 01 F0")[..]);
    let table = usim(8);
    assert_eq!(table.len(), 17);
    for service in [2, 10, 12, 19, 20, 21, 27, 28, 33, 34, 35, 38, 42, 43, 71, 85, 122, 123, 124, 126] {
        assert!(ef::has_service(&table, service), "{service}");
    }
    assert_eq!(table.iter().map(|byte| byte.count_ones()).sum::<u32>(), 20);
    assert_eq!(optional(17), vectors::bytes("130014 C880"));
    assert_eq!(optional(15), [0xFF, 0xFF, 0xFF, 0, 0].repeat(8));
    assert_eq!(optional(16).len(), 60);
    assert_eq!(optional(16)[5..10], vectors::bytes("621200 4000")[..]);
    assert_eq!(optional(7)[10..20], vectors::bytes("07 91 31 01 55 05 21 F3 FF FF")[..]);
    assert_eq!(optional(25)[..13], *b"\x01\xDD\x0B\x02sm\x07exampl");
    let rules = usim(4);
    assert!(rules.chunks(33).zip(template::DEFAULT_ARR).all(|(record, rule)| record.starts_with(rule)));
    let isim = read.file(TemplateKind::Isim, 3).unwrap().unwrap();
    assert_eq!(isim[2..], *b"310410123456789@ims.mnc410.mcc310.3gppnetwork.org");
}

/// The public keys of 3GPP TS 33.501 §C.4.3 and §C.4.4, as keys 27 and 11.
fn concealment(calculation: SuciCalculation) -> Concealment {
    let key = |id, scheme, key| HomeNetworkKey { id, scheme, key: vectors::bytes(key) };
    Concealment {
        keys: vec![
            key(
                11,
                ProtectionScheme::ProfileB,
                "0272DA71976234CE833A6907425867B82E074D44EF907DFB4B3E21C1C2256EBCD1",
            ),
            key(
                27,
                ProtectionScheme::ProfileA,
                "5A8D38864820197C3394B92613B20B91633CBD897119273BF8E4A6F4EEC0A650",
            ),
        ],
        calculation,
        routing_indicator: Some("678".parse().unwrap()),
    }
}

/// EF.SUCI_Calc_Info as TS 31.102 §4.4.11.8 lays it out: schemes with the index of their key, keys with
/// their identifiers (as in the published value of another program, `vectors-ef.json`).
const CALCULATION_INFO: &str = "A0 04 0201 0102 A1 4B \
    80 01 0B 81 21 0272DA71976234CE833A6907425867B82E074D44EF907DFB4B3E21C1C2256EBCD1 \
    80 01 1B 81 20 5A8D38864820197C3394B92613B20B91633CBD897119273BF8E4A6F4EEC0A650";

#[test]
fn a_usim_that_conceals_has_the_keys_to_itself() {
    let subscriber = Subscriber { concealment: concealment(SuciCalculation::Usim), ..plain() };
    let upp = package(&subscriber).unwrap();
    assert!(validate(&upp).is_valid());
    let read = Package::decode(&upp).unwrap();
    assert_eq!(read.file(TemplateKind::DfSaip, 3).unwrap().unwrap(), vectors::bytes(CALCULATION_INFO));
    let hidden = read.elements.iter().find_map(|element| match element {
        ProfileElement::Template(template) if template.kind == TemplateKind::Df5gs => {
            Some(template.files.iter().any(|(number, _)| *number == 9))
        }
        _ => None,
    });
    assert_eq!(hidden, Some(false));
    let table = read.file(TemplateKind::Usim, 8).unwrap().unwrap();
    assert!(ef::has_service(&table, 124) && ef::has_service(&table, 125));
    let services = read.header().unwrap().services;
    for service in [Service::GetIdentity, Service::ProfileAX25519, Service::ProfileBP256] {
        assert!(services.iter().any(|needed| needed == service), "{service:?}");
    }
    // 678, three digits (TS 24.501 §9.11.3.4).
    assert_eq!(read.file(TemplateKind::Df5gs, 12).unwrap().unwrap(), vectors::bytes("76F8FFFF"));
}

#[test]
fn a_terminal_that_conceals_reads_the_keys() {
    let subscriber = Subscriber { concealment: concealment(SuciCalculation::Terminal), ..plain() };
    let upp = package(&subscriber).unwrap();
    assert!(validate(&upp).is_valid());
    let read = Package::decode(&upp).unwrap();
    assert_eq!(read.file(TemplateKind::Df5gs, 9).unwrap().unwrap(), vectors::bytes(CALCULATION_INFO));
    assert!(read.file(TemplateKind::DfSaip, 3).is_none());
    let table = read.file(TemplateKind::Usim, 8).unwrap().unwrap();
    assert!(ef::has_service(&table, 124) && !ef::has_service(&table, 125));
    assert!(read.header().unwrap().services.iter().all(|service| service != Service::GetIdentity));
}

#[test]
fn without_keys_the_scheme_is_null_whoever_computes() {
    let null = Concealment { keys: Vec::new(), ..concealment(SuciCalculation::Usim) };
    let read = Package::decode(&package(&Subscriber { concealment: null, ..plain() }).unwrap()).unwrap();
    assert_eq!(read.file(TemplateKind::Df5gs, 9).unwrap().unwrap(), vectors::bytes("A0020000A100"));
    assert!(read.file(TemplateKind::DfSaip, 3).is_none());
    assert!(!ef::has_service(&read.file(TemplateKind::Usim, 8).unwrap().unwrap(), 125));
}

#[test]
fn codes_and_keys_are_carried() {
    let read = Package::decode(&package(&full()).unwrap()).unwrap();
    let header = read.header().unwrap();
    assert!(header.services.contains(Service::Tuak256) && header.services.contains(Service::Isim));
    let aka: Vec<_> = read.aka().collect();
    let parameter = aka[0].algorithm().unwrap();
    assert_eq!((parameter.algorithm, parameter.number_of_keccak), (AlgorithmId::Tuak, 2));
    assert_eq!(parameter.key.expose_secret(), [0xAB; 32]);
    assert_eq!(parameter.opc.expose_secret(), [0xCD; 32]);
    assert_eq!((aka[0].sqn_delta, aka[0].sqn_init()), (1 << 28, [0; 32]));
    let AlgoConfiguration::Mapping { source, .. } = &aka[1].configuration else { panic!() };
    assert_eq!(source[..], saip::build::USIM_AID);
    let sources: Vec<&PinSource> = read
        .elements
        .iter()
        .filter_map(|element| match element {
            ProfileElement::PinCodes(codes) => Some(&codes.source),
            _ => None,
        })
        .collect();
    let [PinSource::Pins(global), PinSource::Pins(local), PinSource::SharedWith(path)] = sources[..] else {
        panic!()
    };
    assert_eq!(global[0].value.expose_secret(), b"1234\xFF\xFF\xFF\xFF");
    assert_eq!((global[0].unblocking, global[0].enabled()), (Some(1), true));
    assert_eq!((global[1].key_reference, global[1].retry.max), (0x0A, 10));
    assert_eq!((local[0].key_reference, local[0].unblocking), (0x81, Some(0x81)));
    assert_eq!(path[..], [0x7F, 0xD0]);
    // Without a PIN 1 there is one that is switched off.
    let read = Package::decode(&package(&plain()).unwrap()).unwrap();
    let ProfileElement::PinCodes(codes) = &read.elements[2] else { panic!() };
    assert!(!codes.pins()[0].enabled());
}

#[test]
fn what_has_no_coding_is_refused() {
    let refused = |change: fn(&mut Subscriber)| {
        let mut subscriber = full();
        change(&mut subscriber);
        package(&subscriber).unwrap_err().0
    };
    assert_eq!(refused(|s| s.spn = "more than sixteen".to_owned()), "SPN");
    assert_eq!(refused(|s| s.codes.pin1 = Some(Secret::new(*b"123"))), "PIN 1");
    assert_eq!(refused(|s| s.codes.pin1 = Some(Secret::new(*b"12a4"))), "PIN 1");
    assert_eq!(refused(|s| s.codes.puk1 = Some(Secret::new(*b"1234"))), "PUK");
    assert_eq!(refused(|s| s.mnc_length = 4), "length of the MNC");
    assert_eq!(refused(|s| s.msisdn = Some("+1 310".to_owned())), "MSISDN");
    assert_eq!(refused(|s| s.iccid = Iccid::from_bytes([0xAA; 10])), "ICCID");
    assert_eq!(refused(|s| s.profile_type = "x".repeat(101)), "profile type");
    assert_eq!(refused(|s| s.emergency.clear()), "emergency codes");
    assert_eq!(refused(|s| s.languages.clear()), "languages");
    assert_eq!(refused(|s| s.access_points = vec![String::new()]), "access points");
    for text in ["", "12345", "1a", "-1", "\u{663}"] {
        assert_eq!(text.parse::<RoutingIndicator>(), Err(Invalid("routing indicator")), "{text}");
    }
    let bare = |length| HomeNetworkKey { id: 1, scheme: ProtectionScheme::ProfileB, key: vec![2; length] };
    for (keys, what) in [
        (vec![bare(32)], "home network key"),
        (vec![bare(65)], "home network key"),
        (vec![bare(33); 64], "home network keys"),
    ] {
        let concealment = Concealment { keys, ..Concealment::default() };
        assert_eq!(package(&Subscriber { concealment, ..full() }).unwrap_err().0, what);
    }
    let k = |k: &[u8], opc: &[u8]| Authentication::Milenage { k: Secret::new(k), opc: Secret::new(opc) };
    let mut subscriber = plain();
    subscriber.authentication = k(&[0; 15], &[0; 16]);
    assert_eq!(package(&subscriber).unwrap_err().0, "K");
    subscriber.authentication = k(&[0; 16], &[0; 32]);
    assert_eq!(package(&subscriber).unwrap_err().0, "OPc");
}

/// Each change breaks one rule, and the validator names it.
#[test]
fn every_broken_rule_is_named() {
    type Change = fn(&mut Vec<ProfileElement>);
    fn template(elements: &mut [ProfileElement], kind: TemplateKind) -> &mut saip::TemplateElement {
        let found = elements.iter_mut().find_map(|element| match element {
            ProfileElement::Template(element) if element.kind == kind => Some(element),
            _ => None,
        });
        found.unwrap()
    }
    fn position(elements: &[ProfileElement], name: &str) -> usize {
        elements.iter().position(|element| element.name() == name).unwrap()
    }
    fn header(elements: &mut [ProfileElement]) -> &mut saip::ProfileHeader {
        let ProfileElement::Header(header) = &mut elements[0] else { panic!() };
        header
    }
    let cases: [(Rule, Change); 26] = [
        (Rule::HeaderFirst, |e| drop(e.remove(0))),
        (Rule::EndLast, |e| drop(e.pop())),
        (Rule::MfBeforeFiles, |e| drop(e.remove(1))),
        (Rule::Once, |e| e.insert(2, e[1].clone())),
        (Rule::AfterApplication, |e| {
            let (from, to) = (position(e, "opt-usim"), position(e, "usim"));
            e.swap(from, to);
        }),
        (Rule::UniqueIdentification, |e| template(e, TemplateKind::Usim).header.identification = 1),
        (Rule::Version, |e| header(e).major = 4),
        (Rule::IccidForm, |e| header(e).iccid = Iccid::from_bytes([0xFF; 10])),
        (Rule::IccidAgrees, |e| header(e).iccid = "8900101000000000024".parse().unwrap()),
        (Rule::Imsi, |e| template(e, TemplateKind::Usim).files[1].1 = saip::File::new(None, &[0xFF; 9])),
        (Rule::MandatoryFile, |e| drop(template(e, TemplateKind::Usim).files.remove(2))),
        (Rule::KnownTemplate, |e| template(e, TemplateKind::Usim).template = template::oid(5, 1)),
        (Rule::KnownTemplate, |e| template(e, TemplateKind::Usim).template = template::oid(4, 9)),
        (Rule::TemplateListed, |e| header(e).templates.clear()),
        (Rule::ServiceListed, |e| header(e).services = saip::Services::default()),
        (Rule::KnownFile, |e| template(e, TemplateKind::Usim).files.push((26, saip::File::default()))),
        (Rule::FileParameters, |e| {
            let fcp =
                saip::Fcp { file_descriptor: Some(vec![0x42, 0x21, 0, 9].into()), ..Default::default() };
            template(e, TemplateKind::Usim).files[1]
                .1
                .items
                .insert(0, saip::FileItem::FileDescriptor(Box::new(fcp)));
        }),
        (Rule::FileIdentifier, |e| {
            let fcp = saip::Fcp { file_id: Some(vec![0x6F, 0x08].into()), ..Default::default() };
            template(e, TemplateKind::Usim).files[1]
                .1
                .items
                .insert(0, saip::FileItem::FileDescriptor(Box::new(fcp)));
        }),
        (Rule::ContentGiven, |e| template(e, TemplateKind::Usim).files[1].1 = saip::File::default()),
        (Rule::ContentFits, |e| {
            template(e, TemplateKind::Usim).files[1].1 = saip::File::new(None, &[0x08; 10]);
        }),
        (Rule::PukDefined, |e| drop(e.remove(2))),
        (Rule::UniqueKeyReference, |e| {
            let ProfileElement::PukCodes(codes) = &mut e[2] else { panic!() };
            codes.codes.push(codes.codes[0].clone());
        }),
        (Rule::KeyReferenceScope, |e| {
            let ProfileElement::PinCodes(codes) = &mut e[3] else { panic!() };
            let PinSource::Pins(pins) = &mut codes.source else { panic!() };
            pins[0].key_reference = 0x81;
        }),
        (Rule::DoNotCreate, |e| template(e, TemplateKind::OptUsim).files[0].1 = saip::File::absent()),
        (Rule::KnownElement, |e| {
            let later = vectors::bytes("BF22 07 A005 8000 81012A");
            e.insert(4, ProfileElement::decode(&later).unwrap());
        }),
        (Rule::SharedApplication, |e| {
            let at = position(e, "usim");
            e.remove(at);
        }),
    ];
    for (rule, change) in cases {
        let mut elements = elements(&full()).unwrap();
        change(&mut elements);
        let report = validate(&Package { elements }.encode().unwrap());
        assert!(report.has(rule), "{rule:?}: {:?}", report.findings);
    }
    assert!(validate(&[]).has(Rule::HeaderFirst));
    assert!(validate(&[0x30, 0x00]).has(Rule::PackageForm));
    assert!(validate(&[0xA0, 0x00]).has(Rule::ElementForm));
}

/// A package of a megabyte of the smallest things must not take long or much.
#[test]
fn many_small_elements_cost_little() {
    for (piece, count) in [(&[0xA1, 0x00][..], 500_000), (&[0xAA, 7, 0xA0, 5, 0x80, 0, 0x81, 1, 9], 100_000)]
    {
        let package = piece.repeat(count);
        let mut splitter = Splitter::with_limit(package.len());
        splitter.push(&package).unwrap();
        let taken = std::iter::from_fn(|| splitter.next_element().unwrap()).count();
        assert_eq!(taken, count);
        assert_eq!(validate(&package).findings.len(), 1000);
    }
    // A file of nothing but descriptors.
    let mut element = saip::TemplateElement {
        kind: TemplateKind::Usim,
        header: saip::PeHeader::mandated(1),
        template: template::oid(4, 1),
        files: vec![(2, saip::File { items: Vec::new() })],
    };
    let descriptor = saip::FileItem::FileDescriptor(Box::default());
    element.files[0].1.items = vec![descriptor; 65];
    let bytes = ProfileElement::Template(element).encode().unwrap();
    assert!(matches!(ProfileElement::decode(&bytes), Err(saip::Error::TooLarge)));
}

#[test]
fn no_mutation_makes_anything_panic() {
    let mut samples: Vec<Vec<u8>> = vec![package(&full()).unwrap().to_vec()];
    samples.extend(vectors::read("data/ts48-v7/TS48v7_eSIM_GTP_SAIP2.3_NoBERTLV.der"));
    // xorshift64, seed fixed: a failure can be repeated.
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    for sample in &samples {
        let elements: Vec<&[u8]> = Splitter::split(sample).unwrap();
        for _ in 0..3000 {
            let mut bytes = elements[random(elements.len())].to_vec();
            for _ in 0..=random(3) {
                let at = random(bytes.len());
                match random(4) {
                    0 => bytes[at] = random(256) as u8,
                    1 => bytes[at] ^= 1 << random(8),
                    2 => bytes.truncate(at.max(1)),
                    _ => bytes.insert(at, random(256) as u8),
                }
            }
            if let Ok(element) = ProfileElement::decode(&bytes) {
                let _ = element.encode();
            }
            let _ = validate(&bytes);
        }
        for _ in 0..150 {
            let mut bytes = sample.clone();
            let at = random(bytes.len());
            bytes[at] = random(256) as u8;
            let _ = validate(&bytes);
            let mut splitter = Splitter::with_limit(20_000);
            for piece in bytes.chunks(random(300) + 1) {
                let failed = splitter.push(piece).is_err();
                if failed || !std::iter::from_fn(|| splitter.next_element().transpose()).all(|e| e.is_ok()) {
                    break;
                }
            }
        }
    }
}
