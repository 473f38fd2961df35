//! Templates, published and built, personalised: the fields are the subscriber's, and
//! nothing else has changed.

#![expect(clippy::unwrap_used, reason = "a test may fail that way")]

use std::collections::BTreeSet;

use rsp::Imsi;
use saip::build::{Authentication, Codes, Ims, OtaKeys, Subscriber, elements, package};
use saip::ef::{AccessTechnologies, Plmn};
use saip::personalise::{Error, Field, personalise, places};
use saip::{
    AlgorithmId, Command, Fcp, File, FileItem, GenericFileManagement, Package, PeHeader, PinCodes,
    ProfileElement, Secret, Service, Splitter, TemplateElement, TemplateKind, issue, template,
};
use tlv::{Tag, Tlv};
use vectors::bytes;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

const PROFILES: [&str; 6] = [
    "data/ts48/TS48v1_A.der",
    "data/ts48/TS48v3_SAIP2.1_NoBERTLV.der",
    "data/ts48/TS48v5_SAIP2.1A_NoBERTLV.der",
    "data/ts48/TS48v5_SAIP2.3_BERTLV_SUCI.der",
    "data/ts48/TS48v5_SAIP2.3_NoBERTLV.der",
    "data/ts48-v7/TS48v7_eSIM_GTP_SAIP2.3_NoBERTLV.der",
];

fn secret(text: &str) -> Secret {
    Secret::new(text.as_bytes())
}

fn plmn(digits: &str) -> Plmn {
    Plmn::from_digits(digits).unwrap()
}

fn ota(version: u8) -> OtaKeys {
    OtaKeys {
        version,
        kic: Secret::new([0xA1; 16]),
        kid: Secret::new([0xA2; 16]),
        kik: Secret::new([0xA3; 16]),
    }
}

/// Test set 1 of TS 35.207 §4.3: K and OPc.
fn milenage() -> Authentication {
    Authentication::Milenage {
        k: Secret::new(bytes("465B5CE8B199B49FAA5F0A2EE238A6BC")),
        opc: Secret::new(bytes("CD63CB71954A9F4E48A5994E37A02BAF")),
    }
}

/// A subscriber that has everything.
fn fresh() -> Subscriber {
    let imsi: Imsi = "310410987654321".parse().unwrap();
    Subscriber {
        ims: Ims::of_imsi(&imsi, 3),
        codes: Codes {
            pin1: Some(secret("2468")),
            puk1: Some(secret("13572468")),
            pin2: Some(secret("13579")),
            puk2: Some(secret("24681357")),
            adm1: Some(secret("77777777")),
        },
        msisdn: Some("+13105550199".to_owned()),
        spn: "Fresh Mobile".to_owned(),
        service_centre: Some("+13105550100".to_owned()),
        operator_plmns: vec![
            (plmn("26201"), AccessTechnologies::E_UTRAN),
            (plmn("23415"), AccessTechnologies::ALL),
        ],
        equivalent_home: vec![plmn("310411"), plmn("310412")],
        forbidden: vec![plmn("310260")],
        access_points: vec!["sm.example".to_owned()],
        ota: Some(ota(2)),
        ..Subscriber::new("8901410000000000012".parse().unwrap(), imsi, 3, milenage())
    }
}

/// A subscriber that has nothing but what it must have.
fn plain() -> Subscriber {
    Subscriber::new("8900101000000000016".parse().unwrap(), "001010000000017".parse().unwrap(), 2, milenage())
}

fn all() -> BTreeSet<Field> {
    Field::ALL.iter().copied().collect()
}

fn template_of(element: &ProfileElement) -> Option<&TemplateElement> {
    match element {
        ProfileElement::Template(element) => Some(element),
        _ => None,
    }
}

/// The data objects of an element that describe its files.
fn members(element: &[u8]) -> Vec<(Tag, Vec<u8>)> {
    let mut reader = Tlv::single(element).unwrap().reader();
    let mut all = Vec::new();
    while let Some(tlv) = reader.next().unwrap() {
        all.push((tlv.tag, tlv.raw.to_vec()));
    }
    all
}

/// What of an element a subscriber may change: tags of its members, and in these whether
/// the file may grow.
fn personal(kind: TemplateKind) -> &'static [(u8, bool)] {
    match kind {
        TemplateKind::Mf => &[(4, false)],
        TemplateKind::Usim => &[(3, false), (11, false), (13, false), (18, false), (19, true), (21, false)],
        TemplateKind::OptUsim => &[(7, false), (16, true), (17, true), (25, true), (58, true)],
        TemplateKind::Isim => &[(3, true), (4, true), (5, true)],
        _ => &[],
    }
}

/// Every byte that no field stands in is as in the template.
fn only_fields_differ(template: &[u8], made: &[u8], path: &str) {
    let (before, after) = (Splitter::split(template).unwrap(), Splitter::split(made).unwrap());
    assert_eq!(before.len(), after.len(), "{path}");
    for (before, after) in before.iter().zip(&after) {
        let element = ProfileElement::decode(before).unwrap();
        let name = element.name();
        let personal = match &element {
            ProfileElement::Template(element) => personal(element.kind),
            _ => &[],
        };
        match (&element, ProfileElement::decode(after).unwrap()) {
            (ProfileElement::Template(_), ProfileElement::Template(_)) => {
                let (before, after) = (members(before), members(after));
                let tags =
                    |members: &[(Tag, Vec<u8>)]| members.iter().map(|(tag, _)| *tag).collect::<Vec<_>>();
                assert_eq!(tags(&before), tags(&after), "{path} {name}");
                for ((tag, before), (_, after)) in before.iter().zip(&after) {
                    let own = personal.iter().find(|(number, _)| Tag::context_constructed(*number) == *tag);
                    match own {
                        None => assert_eq!(before, after, "{path} {name} {tag}"),
                        Some((_, true)) => {}
                        // The file control parameters are the same, byte for byte.
                        Some((_, false)) => {
                            let fcp = |member: &[u8]| {
                                Tlv::single(member)
                                    .unwrap()
                                    .fields()
                                    .optional(Tag(0xA1))
                                    .unwrap()
                                    .map(|tlv| tlv.raw.to_vec())
                            };
                            assert_eq!(fcp(before), fcp(after), "{path} {name} {tag}");
                        }
                    }
                }
            }
            (ProfileElement::Header(before), ProfileElement::Header(after)) => {
                let mut back = after;
                back.iccid = before.iccid;
                back.services = before.services;
                assert_eq!(*before, back, "{path}");
            }
            (ProfileElement::PinCodes(before), ProfileElement::PinCodes(after)) => {
                let facts = |codes: &PinCodes| {
                    let fact =
                        |pin: &saip::Pin| (pin.key_reference, pin.unblocking, pin.attributes, pin.retry);
                    codes.pins().iter().map(fact).collect::<Vec<_>>()
                };
                assert_eq!(facts(before), facts(&after), "{path}");
            }
            (ProfileElement::PukCodes(before), ProfileElement::PukCodes(after)) => {
                for (before, after) in before.codes.iter().zip(&after.codes) {
                    assert_eq!((before.key_reference, before.retry), (after.key_reference, after.retry));
                }
                assert_eq!(before.codes.len(), after.codes.len());
            }
            (ProfileElement::AkaParameter(own), ProfileElement::AkaParameter(other)) => {
                assert!(own.header == other.header && own.sqn_init == other.sqn_init, "{path}");
                assert_eq!((own.sqn_options, own.sqn_delta), (other.sqn_options, other.sqn_delta));
                assert_eq!(own.sqn_age_limit, other.sqn_age_limit);
                let tail = |element: &[u8]| {
                    members(element).into_iter().filter(|(tag, _)| *tag != Tag(0xA1)).collect::<Vec<_>>()
                };
                assert_eq!(tail(before), tail(after), "{path}");
            }
            // Keys are of the same length: the rest stands in the same places.
            (ProfileElement::SecurityDomain(_), ProfileElement::SecurityDomain(_)) => {
                assert_eq!(before.len(), after.len(), "{path}");
                let changed = before.iter().zip(*after).filter(|(a, b)| a != b).count();
                assert!(changed <= 3 * 16, "{path}: {changed}");
            }
            _ => assert_eq!(before, after, "{path} {name}"),
        }
    }
}

fn file(package: &Package, kind: TemplateKind, number: u8) -> Vec<u8> {
    package.file(kind, number).unwrap().unwrap()
}

#[test]
fn nothing_named_changes_nothing() {
    for path in PROFILES {
        let Some(template) = vectors::read(path) else { return };
        assert_eq!(*personalise(&template, &BTreeSet::new(), &fresh()).unwrap(), template, "{path}");
    }
    let template = package(&fresh()).unwrap();
    assert_eq!(personalise(&template, &BTreeSet::new(), &fresh()).unwrap(), template);
    // Nor does what is as it should be already.
    assert_eq!(personalise(&template, &all(), &fresh()).unwrap(), template);
}

#[test]
fn published_profiles_with_their_own_values_stay_as_they_are() {
    for path in PROFILES {
        let Some(template) = vectors::read(path) else { return };
        let read = Package::decode(&template).unwrap();
        let k = Secret::new((0..16).collect::<Vec<u8>>());
        let own = Subscriber {
            codes: Codes {
                pin1: Some(secret("0000")),
                puk1: Some(secret("11111111")),
                pin2: Some(secret("9999")),
                puk2: Some(secret("22222222")),
                adm1: Some(secret("55555555")),
            },
            ..Subscriber::new(read.iccid().unwrap(), read.imsi().unwrap(), 2, Authentication::TestXor { k })
        };
        let fields = [
            Field::Iccid,
            Field::Authentication,
            Field::Pin1,
            Field::Puk1,
            Field::Pin2,
            Field::Puk2,
            Field::Adm1,
        ];
        let made = personalise(&template, &BTreeSet::from(fields), &own).unwrap();
        assert_eq!(*made, template, "{path}");
    }
}

#[test]
fn published_profiles_have_a_place_for_everything() {
    for path in PROFILES {
        let Some(template) = vectors::read(path) else { return };
        assert_eq!(places(&template).unwrap(), all(), "{path}");
    }
    // A package that was built without them has no number, no PIN 2 …
    let template = package(&plain()).unwrap();
    let missing: Vec<Field> = all().difference(&places(&template).unwrap()).copied().collect();
    let expected = [
        Field::Msisdn,
        Field::Puk1,
        Field::Pin2,
        Field::Puk2,
        Field::Adm1,
        Field::OperatorPlmns,
        Field::EquivalentHome,
        Field::AccessPoints,
        Field::ImsIdentities,
        Field::OtaKeys,
    ];
    assert_eq!(missing, expected);
    assert!(matches!(places(&template[1..]), Err(Error::Template(_))));
}

#[test]
fn published_profiles_become_a_subscribers() {
    for path in PROFILES {
        let Some(template) = vectors::read(path) else { return };
        let fields = places(&template).unwrap();
        let subscriber = fresh();
        let made =
            personalise(&template, &fields, &subscriber).unwrap_or_else(|error| panic!("{path}: {error}"));
        only_fields_differ(&template, &made, path);
        let report = issue::validate(&made);
        assert!(report.is_valid(), "{path}: {:?}", report.findings);
        let read = Package::decode(&made).unwrap();

        let header = read.header().unwrap();
        assert_eq!(header.iccid.to_string(), "8901410000000000012");
        assert_eq!(file(&read, TemplateKind::Mf, 4), bytes("98 10 14 00 00 00 00 00 10 F2"));
        assert!(header.services.contains(Service::Milenage));
        assert!(!header.services.contains(Service::UsimTestAlgorithm));
        let own = Package::decode(&template).unwrap().header().unwrap().services;
        for service in own.iter().filter(|service| *service != Service::UsimTestAlgorithm) {
            assert!(header.services.contains(service), "{path} {}", service.name());
        }

        // TS 31.102: EF.IMSI §4.2.2, EF.ACC §4.2.15, EF.AD §4.2.18.
        assert_eq!(file(&read, TemplateKind::Usim, 3), bytes("08 39 01 14 90 78 56 34 12"));
        assert_eq!(file(&read, TemplateKind::Usim, 18), bytes("0002"));
        let old = Package::decode(&template).unwrap();
        let (before, after) = (file(&old, TemplateKind::Usim, 21), file(&read, TemplateKind::Usim, 21));
        assert_eq!((&before[..3], after[3], after.len()), (&after[..3], 3, before.len()), "{path}");
        let (before, after) = (file(&old, TemplateKind::Usim, 13), file(&read, TemplateKind::Usim, 13));
        assert_eq!(after[1..], *b"Fresh Mobile\xFF\xFF\xFF\xFF", "{path}");
        assert_eq!(before[0], after[0], "{path}");
        assert!(file(&read, TemplateKind::Usim, 19).starts_with(&bytes("130062 FFFFFF")));

        // The first record; the others are as they were.
        for (kind, number, tail, number_at, record) in [
            (TemplateKind::OptUsim, 7, 14, 0, "07 91 31 01 55 05 91 F9 FFFFFFFF FFFF"),
            (TemplateKind::Usim, 11, 15, 0, "07 91 31 01 55 05 01 F0 FFFFFFFF FFFFFF"),
        ] {
            let (before, after) = (file(&old, kind, number), file(&read, kind, number));
            assert_eq!(before.len(), after.len());
            let row =
                read.elements.iter().filter_map(template_of).find(|element| element.kind == kind).unwrap();
            let fcp = row.file(number).unwrap().fcp().unwrap();
            let length = usize::from(fcp.descriptor().unwrap().unwrap().record_length.unwrap());
            let at = length - tail + number_at;
            assert_eq!(after[at..length], bytes(record), "{path}");
            assert_eq!(before[length..], after[length..], "{path}");
            assert_eq!(before[..length - 28.min(length)], after[..length - 28.min(length)], "{path}");
        }

        let optional = |number| file(&read, TemplateKind::OptUsim, number);
        let (operators, home) = (optional(16), optional(17));
        assert!(operators.starts_with(&bytes("62F210 4000 32F451 C880 FFFFFF0000")), "{path}");
        assert!(home.starts_with(&bytes("130014 C880 FFFFFF0000")), "{path}");
        assert!(
            operators[10..].chunks(5).chain(home[5..].chunks(5)).all(|entry| entry == bytes("FFFFFF0000"))
        );
        assert!(optional(58).starts_with(&bytes("131014 132014")), "{path}");
        assert_eq!(optional(25)[..13], bytes("01 DD 0B 02 736D 07 6578616D706C65")[..13], "{path}");

        let domain = "ims.mnc410.mcc310.3gppnetwork.org";
        let uri = |text: &str| [&[0x80, text.len() as u8][..], text.as_bytes()].concat();
        let impi = file(&read, TemplateKind::Isim, 3);
        assert!(impi.starts_with(&uri(&format!("310410987654321@{domain}"))), "{path}");
        assert!(file(&read, TemplateKind::Isim, 5).starts_with(&uri(domain)), "{path}");
        let impu = file(&read, TemplateKind::Isim, 4);
        let identity = uri(&format!("sip:310410987654321@{domain}"));
        assert!(impu.starts_with(&identity), "{path}");
        // The template's further identities are nobody's any more.
        assert!(impu[identity.len()..].iter().all(|byte| *byte == 0xFF), "{path}");

        for parameter in read.aka() {
            let own = parameter.algorithm().unwrap();
            assert_eq!((own.algorithm, own.options, own.number_of_keccak), (AlgorithmId::Milenage, 0, 1));
            assert_eq!(own.key.expose_secret(), bytes("465B5CE8B199B49FAA5F0A2EE238A6BC"));
            assert_eq!(own.opc.expose_secret(), bytes("CD63CB71954A9F4E48A5994E37A02BAF"));
        }
        assert_eq!(read.aka().count(), 2);
        let mut references = Vec::new();
        for element in &read.elements {
            match element {
                ProfileElement::PinCodes(codes) => references.extend(codes.pins().iter().map(|pin| {
                    let value = pin.value.expose_secret();
                    match pin.key_reference {
                        0x01 => assert_eq!(value, b"2468\xFF\xFF\xFF\xFF"),
                        0x81 => assert_eq!(value, b"13579\xFF\xFF\xFF"),
                        0x0A => assert_eq!(value, b"77777777"),
                        _ => assert_eq!(value, b"66666666"),
                    }
                    pin.key_reference
                })),
                ProfileElement::PukCodes(codes) => {
                    let values: Vec<_> = codes.codes.iter().map(|puk| puk.value.expose_secret()).collect();
                    assert_eq!(values, [b"13572468", b"24681357"]);
                }
                ProfileElement::SecurityDomain(domain) => {
                    let own = old.elements.iter().find_map(|element| match element {
                        ProfileElement::SecurityDomain(domain) => Some(domain),
                        _ => None,
                    });
                    for (key, own) in domain.keys.iter().zip(&own.unwrap().keys) {
                        let value = key.data.expose_secret();
                        if key.version == 2 {
                            assert_eq!(value, [0xA0 + key.identifier; 16]);
                        } else {
                            assert_eq!(value, own.data.expose_secret());
                        }
                    }
                    assert_eq!(domain.keys.iter().filter(|key| key.version == 2).count(), 3);
                }
                _ => {}
            }
        }
        for reference in [0x01, 0x0A, 0x81] {
            assert!(references.contains(&reference), "{path}");
        }
    }
}

fn only(field: Field) -> BTreeSet<Field> {
    BTreeSet::from([field])
}

/// The elements of a built package after a change.
fn changed(subscriber: &Subscriber, change: impl FnOnce(&mut Vec<ProfileElement>)) -> Vec<u8> {
    let mut elements = elements(subscriber).unwrap();
    change(&mut elements);
    Package { elements }.encode().unwrap().to_vec()
}

fn element(elements: &mut [ProfileElement], kind: TemplateKind) -> &mut TemplateElement {
    let found = elements.iter_mut().find_map(|element| match element {
        ProfileElement::Template(element) if element.kind == kind => Some(element),
        _ => None,
    });
    found.unwrap()
}

#[test]
fn what_is_named_must_be_given() {
    let template = package(&fresh()).unwrap();
    let none = plain();
    let required = BTreeSet::from([Field::Iccid, Field::Imsi, Field::Authentication, Field::HomePlmn]);
    for &field in Field::ALL {
        let result = personalise(&template, &only(field), &none);
        if required.contains(&field) {
            assert!(result.is_ok(), "{field}");
        } else {
            assert_eq!(result.unwrap_err(), Error::NotGiven(field));
        }
        assert_eq!(field.is_given(&none), required.contains(&field));
        assert!(field.is_given(&fresh()));
        assert_eq!(Field::from_name(field.name()), Some(field));
    }
    assert_eq!(Field::from_name("Iccid"), None);
}

#[test]
fn what_is_named_must_have_a_place() {
    let template = package(&plain()).unwrap();
    let names = ["msisdn", "puk1", "pin2", "puk2", "adm1", "operatorPlmns", "equivalentHome", "accessPoints"];
    for name in names.into_iter().chain(["imsIdentities", "otaKeys"]) {
        let field = Field::from_name(name).unwrap();
        let error = personalise(&template, &only(field), &fresh()).unwrap_err();
        assert_eq!(error, Error::NoPlace(field));
        assert_eq!(error.to_string(), format!("{name}: the template has no place for it"));
    }
    // EF.SMSP is there without being mentioned; not, when the template says so.
    let made = personalise(&template, &only(Field::ServiceCentre), &fresh()).unwrap();
    let record = file(&Package::decode(&made).unwrap(), TemplateKind::Usim, 11);
    let expected = "FFFFFFFFFFFFFFFFFFFF FD FFFFFFFFFFFFFFFFFFFFFFFF 0791310155 0501F0FFFFFFFF FFFFFF";
    assert_eq!(record, bytes(expected));
    assert!(issue::validate(&made).findings.is_empty());
    let without = changed(&plain(), |e| element(e, TemplateKind::Usim).files.push((11, File::absent())));
    let without = personalise(&without, &only(Field::ServiceCentre), &fresh());
    assert!(matches!(without, Err(Error::Template(_))), "members out of order");
    let absent = |number: u8| {
        changed(&plain(), |e| {
            let files = &mut element(e, TemplateKind::Usim).files;
            files.retain(|(own, _)| *own != number);
            let at = files.iter().position(|(own, _)| *own > number).unwrap_or(files.len());
            files.insert(at, (number, File::absent()));
        })
    };
    for (number, field) in [(11, Field::ServiceCentre), (3, Field::Imsi), (18, Field::Imsi), (13, Field::Spn)]
    {
        let error = personalise(&absent(number), &only(field), &fresh()).unwrap_err();
        assert_eq!(error, Error::NoPlace(field), "{number}");
    }
    // No header, no ICCID; no application with a key of its own.
    let template = changed(&plain(), |e| drop(e.remove(0)));
    assert!(matches!(personalise(&template, &only(Field::Iccid), &fresh()), Err(Error::Template(_))));
    let template = changed(&plain(), |e| e.retain(|own| !matches!(own, ProfileElement::AkaParameter(_))));
    let error = personalise(&template, &only(Field::Authentication), &fresh()).unwrap_err();
    assert_eq!(error, Error::NoPlace(Field::Authentication));
    assert!(matches!(personalise(&[], &all(), &fresh()), Err(Error::Template(_))));
}

#[test]
fn values_without_a_coding_are_named() {
    let template = package(&fresh()).unwrap();
    let refused = |change: fn(&mut Subscriber)| {
        let mut subscriber = fresh();
        change(&mut subscriber);
        match personalise(&template, &all(), &subscriber).unwrap_err() {
            Error::Invalid(field, what) => (field, what),
            other => panic!("{other}"),
        }
    };
    assert_eq!(refused(|s| s.codes.pin1 = Some(secret("123"))), (Field::Pin1, "4 to 8 digits"));
    assert_eq!(refused(|s| s.codes.pin2 = Some(secret("12345x"))).0, Field::Pin2);
    assert_eq!(refused(|s| s.codes.puk2 = Some(secret("1234567"))), (Field::Puk2, "8 digits"));
    assert_eq!(refused(|s| s.codes.adm1 = Some(secret("123456789"))), (Field::Adm1, "4 to 8 bytes"));
    assert_eq!(refused(|s| s.spn = "seventeen letters".to_owned()).0, Field::Spn);
    assert_eq!(refused(|s| s.msisdn = Some("+1 310".to_owned())).0, Field::Msisdn);
    assert_eq!(refused(|s| s.service_centre = Some("+".to_owned())).0, Field::ServiceCentre);
    assert_eq!(refused(|s| s.mnc_length = 4).0, Field::Imsi);
    assert_eq!(refused(|s| s.iccid = rsp::Iccid::from_bytes([0xFF; 10])).0, Field::Iccid);
    assert_eq!(refused(|s| s.access_points = vec!["a..b".to_owned()]).0, Field::AccessPoints);
    assert_eq!(refused(|s| s.ims.as_mut().unwrap().impu.clear()).0, Field::ImsIdentities);
    assert_eq!(refused(|s| s.ota.as_mut().unwrap().version = 16).0, Field::OtaKeys);
    let key = |k: &[u8], opc: &[u8]| Authentication::Milenage { k: Secret::new(k), opc: Secret::new(opc) };
    let mut subscriber = fresh();
    for (authentication, what) in [(key(&[1; 15], &[1; 16]), "K"), (key(&[1; 16], &[]), "OPc")] {
        subscriber.authentication = authentication;
        let error = personalise(&template, &all(), &subscriber).unwrap_err();
        assert!(
            matches!(error, Error::Invalid(Field::Authentication, text) if text.contains(what)),
            "{error}"
        );
    }
}

/// A file's control parameters and body.
fn control(package: &[u8], kind: TemplateKind, number: u8) -> (Fcp, Vec<u8>) {
    let read = Package::decode(package).unwrap();
    let element = read.elements.iter().filter_map(template_of).find(|element| element.kind == kind).unwrap();
    let fcp = element.file(number).unwrap().fcp().unwrap().clone();
    (fcp, file(&read, kind, number))
}

#[test]
fn open_files_grow_and_others_do_not() {
    let Some(template) = vectors::read(PROFILES[5]) else { return };
    let long = Subscriber {
        ims: Some(Ims {
            impi: "i".repeat(200),
            impu: (0..5).map(|n| format!("sip:{}", n.to_string().repeat(90))).collect(),
            domain: "d".repeat(40),
        }),
        operator_plmns: (0..60).map(|n| (plmn(&format!("2620{n:02}")), AccessTechnologies::ALL)).collect(),
        equivalent_home: (0..15).map(|n| plmn(&format!("2621{n:02}"))).collect(),
        forbidden: (0..9).map(|n| plmn(&format!("2622{n:02}"))).collect(),
        access_points: vec!["a".repeat(63), format!("{}.{}", "b".repeat(63), "c".repeat(30)), "d".repeat(63)],
        ..fresh()
    };
    let made = personalise(&template, &all(), &long).unwrap();
    only_fields_differ(&template, &made, "long");
    assert!(issue::validate(&made).is_valid());
    for (kind, number, size) in [
        (TemplateKind::OptUsim, 16, 300),
        // The list of one network has room.
        (TemplateKind::OptUsim, 17, 250),
        (TemplateKind::OptUsim, 58, 45),
        (TemplateKind::Usim, 19, 27),
        (TemplateKind::OptUsim, 25, 1 + (2 + 64) + (2 + 64 + 31) + (2 + 64)),
        (TemplateKind::Isim, 3, 3 + 200),
        (TemplateKind::Isim, 5, 42),
        (TemplateKind::Isim, 4, 5 * 96),
    ] {
        let (fcp, body) = control(&made, kind, number);
        assert_eq!(body.len(), size, "{kind:?} {number}");
        // EF.ACL fits into its 200 bytes or is as long as it must be.
        assert_eq!(fcp.size().unwrap().map(|size| size as usize).unwrap_or(12), size, "{kind:?} {number}");
        let (old, _) = control(&template, kind, number);
        let back = Fcp {
            ef_file_size: old.ef_file_size.clone(),
            file_descriptor: old.file_descriptor.clone(),
            ..fcp
        };
        assert_eq!(back, old);
    }
    let (fcp, body) = control(&made, TemplateKind::Isim, 4);
    assert_eq!(fcp.descriptor().unwrap().unwrap().record_length, Some(96));
    for (number, record) in body.chunks(96).enumerate() {
        assert_eq!(record, [&[0x80, 94][..], b"sip:", number.to_string().repeat(90).as_bytes()].concat());
    }

    let much = |change: fn(&mut Subscriber)| {
        let mut subscriber = fresh();
        change(&mut subscriber);
        personalise(&template, &all(), &subscriber).unwrap_err()
    };
    let error = much(|s| s.ims.as_mut().unwrap().impu.push("x".repeat(253)));
    assert_eq!(error, Error::TooLong { field: Field::ImsIdentities, needed: 256, room: 255 });
    let error = much(|s| s.forbidden = vec![Plmn::from_digits("00101").unwrap(); 11_000]);
    assert_eq!(error, Error::TooLong { field: Field::ForbiddenPlmns, needed: 33_000, room: 32_767 });
    assert_eq!(error.to_string(), "forbiddenPlmns: 33000 do not fit into the template's 32767");
    // A record of 13 bytes has no room for a number, one of 27 none for a service centre.
    let short = |kind: TemplateKind, number: u8, length: u8| {
        changed(&fresh(), |e| {
            let files = &mut element(e, kind).files;
            let fcp = Fcp {
                file_descriptor: Some(vec![0x42, 0x21, 0, length].into()),
                ef_file_size: Some(vec![length].into()),
                ..Fcp::default()
            };
            files.iter_mut().find(|(own, _)| *own == number).unwrap().1 = File::new(Some(fcp), &[]);
        })
    };
    for (kind, number, room, field, needed) in [
        (TemplateKind::OptUsim, 7, 13, Field::Msisdn, 14),
        (TemplateKind::Usim, 11, 27, Field::ServiceCentre, 28),
    ] {
        let error = personalise(&short(kind, number, room), &only(field), &fresh()).unwrap_err();
        assert_eq!(error, Error::TooLong { field, needed, room: usize::from(room) });
        assert!(personalise(&short(kind, number, room + 1), &only(field), &fresh()).is_ok());
    }
}

/// SMS parameters and a number that stand in the template already are kept but for what
/// is the subscriber's.
#[test]
fn the_rest_of_a_record_stays() {
    let with = |kind: TemplateKind, number: u8, record: &[u8]| {
        changed(&fresh(), |e| {
            element(e, kind).files.iter_mut().find(|(own, _)| *own == number).unwrap().1 =
                File::new(None, record);
        })
    };
    // TS 31.102 §4.2.27: text, indicators E1 (service centre, PID, DCS and validity are
    // there), no destination, a service centre, PID 00, DCS 08, validity A7.
    let old = "48656C6C6FFFFFFFFFFF E1 FFFFFFFFFFFFFFFFFFFFFFFF 06914447580024FFFFFFFFFF 00 08 A7";
    let new = "48656C6C6FFFFFFFFFFF E1 FFFFFFFFFFFFFFFFFFFFFFFF 0791310155 0501F0 FFFFFFFF 00 08 A7";
    let template = with(
        TemplateKind::Usim,
        11,
        &bytes(&old.replace("06914447580024FFFFFFFFFF", "069144475800F4FFFFFFFFFF")),
    );
    let made = personalise(&template, &only(Field::ServiceCentre), &fresh()).unwrap();
    assert_eq!(file(&Package::decode(&made).unwrap(), TemplateKind::Usim, 11), bytes(new));
    // Validity alone is there: now the service centre as well.
    let record = format!("FFFFFFFFFFFFFFFFFFFF EF {} A7", "FF".repeat(26));
    let template = with(TemplateKind::Usim, 11, &bytes(&record));
    let made = personalise(&template, &only(Field::ServiceCentre), &fresh()).unwrap();
    let body = file(&Package::decode(&made).unwrap(), TemplateKind::Usim, 11);
    assert_eq!((body[10], body[37], &body[23..31]), (0xED, 0xA7, &bytes("0791310155 0501F0")[..]));
    // TS 31.102 §4.2.26: text, a longer number with an extension.
    let template =
        with(TemplateKind::OptUsim, 7, &bytes("4D65FFFFFFFFFFFFFFFF 0B9121436587092143658709 00 01"));
    let made = personalise(&template, &only(Field::Msisdn), &fresh()).unwrap();
    let body = file(&Package::decode(&made).unwrap(), TemplateKind::OptUsim, 7);
    assert_eq!(body, bytes("4D65FFFFFFFFFFFFFFFF 0791310155 0591F9 FFFFFFFF 00 FF"));
    // TS 31.102 §4.2.12: the condition stays, unless the file was never written.
    for (old, new) in [(0x00, 0x00), (0x02, 0x02), (0xFF, 0x01)] {
        let template = with(TemplateKind::Usim, 13, &[&[old][..], &[0xFF; 16]].concat());
        let made = personalise(&template, &only(Field::Spn), &fresh()).unwrap();
        assert_eq!(file(&Package::decode(&made).unwrap(), TemplateKind::Usim, 13)[0], new);
    }
}

#[test]
fn algorithms_change_with_what_the_header_demands() {
    let of = |package: &[u8]| {
        let read = Package::decode(package).unwrap();
        let own = read.aka().next().unwrap().algorithm().unwrap().clone();
        (own, read.header().unwrap().services, read.aka().count())
    };
    let tuak = |len: usize, iterations| Authentication::Tuak {
        k: Secret::new(vec![0xAB; len]),
        topc: Secret::new([0xCD; 32]),
        iterations,
    };
    let xor = Authentication::TestXor { k: Secret::new([7; 16]) };
    let all = [
        (milenage(), Service::Milenage, AlgorithmId::Milenage, 0, 1),
        (tuak(16, 1), Service::Tuak128, AlgorithmId::Tuak, 0, 1),
        (tuak(32, 2), Service::Tuak256, AlgorithmId::Tuak, 0, 2),
        (xor, Service::UsimTestAlgorithm, AlgorithmId::UsimTest, 2, 1),
    ];
    let every = [Service::Milenage, Service::Tuak128, Service::Tuak256, Service::UsimTestAlgorithm];
    for (old, ..) in &all {
        let template = package(&Subscriber { authentication: old.clone(), ..fresh() }).unwrap();
        for (new, service, algorithm, options, iterations) in &all {
            let subscriber = Subscriber { authentication: new.clone(), ..fresh() };
            let made = personalise(&template, &only(Field::Authentication), &subscriber).unwrap();
            // What a package built for that subscriber would be.
            assert_eq!(made, package(&subscriber).unwrap());
            let (own, services, applications) = of(&made);
            assert_eq!(
                (own.algorithm, own.options, own.number_of_keccak),
                (*algorithm, *options, *iterations)
            );
            assert!(every.iter().all(|other| services.contains(*other) == (other == service)));
            // The ISIM goes on sharing the USIM's.
            assert_eq!(applications, 2);
        }
    }
    // An operator's own constants, options and limit stay with the algorithm, and so do
    // the settings of the sequence number.
    let template = changed(&fresh(), |e| {
        let parameter = e.iter_mut().find_map(|element| match element {
            ProfileElement::AkaParameter(parameter) => Some(parameter),
            _ => None,
        });
        let parameter = parameter.unwrap();
        (parameter.sqn_options, parameter.sqn_delta, parameter.sqn_age_limit) = (3, 0x1000, 0x2000);
        parameter.sqn_init = Some(Box::new([5; 32]));
        let saip::AlgoConfiguration::Algorithm(own) = &mut parameter.configuration else { panic!() };
        own.rotation = [0x08, 0x10, 0x18, 0x20, 0x28];
        own.xoring = [0x5A; 80];
        own.options = 1;
        own.auth_counter_max = Some(1000);
        // Of no meaning to MILENAGE.
        own.number_of_keccak = 3;
    });
    let other = Authentication::Milenage { k: Secret::new([1; 16]), opc: Secret::new([2; 16]) };
    for (authentication, rotation, options) in [(other, 0x08, 1), (tuak(16, 1), 0x40, 0)] {
        let subscriber = Subscriber { authentication, ..fresh() };
        let made = personalise(&template, &only(Field::Authentication), &subscriber).unwrap();
        let read = Package::decode(&made).unwrap();
        let parameter = read.aka().next().unwrap();
        assert_eq!(
            (parameter.sqn_options, parameter.sqn_delta, parameter.sqn_age_limit),
            (3, 0x1000, 0x2000)
        );
        assert_eq!(parameter.sqn_init(), [5; 32]);
        let own = parameter.algorithm().unwrap();
        assert_eq!((own.rotation[0], own.options, own.auth_counter_max), (rotation, options, Some(1000)));
    }
    // An algorithm that nobody knows is none to replace.
    let template = changed(&fresh(), |e| {
        for element in e {
            if let ProfileElement::AkaParameter(parameter) = element
                && let saip::AlgoConfiguration::Algorithm(own) = &mut parameter.configuration
            {
                own.algorithm = AlgorithmId::Other(9);
            }
        }
    });
    let error = personalise(&template, &only(Field::Authentication), &fresh()).unwrap_err();
    assert_eq!(error, Error::NoPlace(Field::Authentication));
}

/// Commands that create an application and its files.
fn generic(identification: u16, commands: Vec<Command>) -> ProfileElement {
    let header = PeHeader::mandated(identification);
    ProfileElement::GenericFileManagement(GenericFileManagement { header, commands: vec![commands] })
}

fn created(fid: u16, descriptor: &str, size: u8) -> Command {
    Command::CreateFcp(Box::new(Fcp {
        file_descriptor: Some(bytes(descriptor).into()),
        file_id: Some(fid.to_be_bytes().to_vec().into()),
        ef_file_size: Some(vec![size].into()),
        ..Fcp::default()
    }))
}

/// A second USIM, and a number in the first, by generic file management.
fn with_generic() -> Vec<u8> {
    changed(&plain(), |e| {
        let adf = Fcp {
            file_descriptor: Some(bytes("7821").into()),
            file_id: Some(bytes("7FD5").into()),
            df_name: Some(bytes("A0000000871002FF49FF0589").into()),
            ..Fcp::default()
        };
        let second = vec![
            Command::FilePath(Vec::new()),
            Command::CreateFcp(Box::new(adf)),
            Command::FilePath(bytes("7FD5")),
            created(0x6F07, "4121", 9),
            Command::FillFileContent(bytes("08 09 10")),
            Command::FillFileContent(bytes("10 00 00 00 00 71")),
            created(0x6F78, "4121", 2),
            Command::FillFileContent(bytes("0080")),
            created(0x6F7E, "4121", 11),
            Command::FillFileContent(bytes("FF FF FF FF 42 F6 18 FF FE FF 01")),
            Command::FilePath(bytes("7FD5 5F3B")),
            created(0x6F07, "4121", 9),
        ];
        let number = vec![
            Command::FilePath(bytes("7FD0")),
            created(0x6F40, "42210018", 48),
            Command::FillFileOffset(24),
            Command::FillFileContent(b"second".to_vec()),
        ];
        let at = e.len() - 1;
        e.insert(at, generic(100, number));
        e.insert(at, generic(101, second));
    })
}

#[test]
fn files_of_generic_file_management_are_a_subscribers_too() {
    let template = with_generic();
    let fields = BTreeSet::from([Field::Iccid, Field::Imsi, Field::Msisdn]);
    let made = personalise(&template, &fields, &fresh()).unwrap();
    let lists: Vec<Vec<Command>> = Package::decode(&made)
        .unwrap()
        .elements
        .into_iter()
        .filter_map(|element| match element {
            ProfileElement::GenericFileManagement(element) => Some(element.commands.concat()),
            _ => None,
        })
        .collect();
    let [second, number] = &lists[..] else { panic!() };
    assert_eq!(second[4], Command::FillFileContent(bytes("08 39 01 14 90 78 56 34 12")));
    assert_eq!(second[5], created(0x6F78, "4121", 2));
    assert_eq!(second[6], Command::FillFileContent(bytes("0002")));
    assert_eq!(second[8], Command::FillFileContent(bytes("FF FF FF FF 42 F6 18 FF FE FF 01")));
    // A file with that identifier in another directory is another file.
    assert_eq!(second[9..], [Command::FilePath(bytes("7FD5 5F3B")), created(0x6F07, "4121", 9)]);
    let record = "FFFFFFFFFFFFFFFFFFFF 0791310155 0591F9 FFFFFFFF FFFF";
    let whole = [bytes(record), b"second".to_vec()].concat();
    assert_eq!(number[1..], [created(0x6F40, "42210018", 48), Command::FillFileContent(whole)]);
    let nothing = personalise(&made, &fields, &fresh()).unwrap();
    assert_eq!(nothing, made);
    // A link is not a place.
    let linked = changed(&plain(), |e| {
        let link = Fcp { link_path: Some(bytes("7FD06F3A").into()), ..Fcp::default() };
        let Command::CreateFcp(fcp) = created(0x6F40, "42210018", 48) else { panic!() };
        let fcp = Fcp { link_path: link.link_path, ef_file_size: None, ..*fcp };
        let at = e.len() - 1;
        e.insert(at, generic(100, vec![Command::FilePath(bytes("7FD0")), Command::CreateFcp(Box::new(fcp))]));
    });
    let error = personalise(&linked, &only(Field::Msisdn), &fresh()).unwrap_err();
    assert_eq!(error, Error::NoPlace(Field::Msisdn));
}

#[test]
fn the_usim_of_a_minimal_iot_profile_is_one() {
    // PE-IoT, PE-OPT-IoT: numbers of the members as in the module.
    let iot = |kind, number, files: Vec<(u8, File)>| {
        let header = PeHeader::mandated(u16::from(number) + 40);
        ProfileElement::Template(TemplateElement { kind, header, template: template::oid(number, 1), files })
    };
    let content = |hex: &str| File::new(None, &bytes(hex));
    let template = changed(&plain(), |e| {
        let from = e.iter().position(|element| element.name() == "mf").unwrap();
        let to = e.iter().position(|element| element.name() == "akaParameter").unwrap();
        e.drain(from..to);
        e.retain(|element| !matches!(element.name(), "gsm-access" | "df-5gs"));
        let files = vec![
            (4, content("98 00 01 01 00 00 00 00 10 F6")),
            (9, content("08 09 10 10 00 00 00 00 71")),
            (18, content("0080")),
            (19, content("FFFFFFFFFFFFFFFFFFFFFFFF")),
        ];
        let optional = vec![(6, content("01FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF")), (9, content("00F110C880"))];
        e.splice(1..1, [iot(TemplateKind::Iot, 17, files), iot(TemplateKind::OptIot, 18, optional)]);
    });
    let missing: Vec<&str> =
        all().difference(&places(&template).unwrap()).map(|field| field.name()).collect();
    let expected = ["msisdn", "pin1", "puk1", "pin2", "puk2", "adm1", "operatorPlmns", "equivalentHome"];
    assert_eq!(
        missing,
        [&expected[..], &["serviceCentre", "accessPoints", "imsIdentities", "otaKeys"]].concat()
    );
    let made = personalise(&template, &places(&template).unwrap(), &fresh()).unwrap();
    let read = Package::decode(&made).unwrap();
    assert_eq!(read.imsi(), Some(fresh().imsi));
    assert_eq!(file(&read, TemplateKind::Iot, 4), bytes("98 10 14 00 00 00 00 00 10 F2"));
    assert_eq!(file(&read, TemplateKind::Iot, 18), bytes("0002"));
    assert_eq!(file(&read, TemplateKind::Iot, 19)[..6], bytes("130062 FFFFFF"));
    assert_eq!(file(&read, TemplateKind::OptIot, 6), *b"\x01Fresh Mobile\xFF\xFF\xFF\xFF");
    assert_eq!(file(&read, TemplateKind::OptIot, 9), bytes("130014 C880"));
    let report = issue::validate(&made);
    assert!(report.is_valid(), "{:?}", report.findings);
    let error = personalise(&template, &all(), &fresh()).unwrap_err();
    assert!(matches!(error, Error::NoPlace(_)));
}

/// Keys for SCP80 of a version, AES, in the operator's domain.
#[test]
fn keys_of_another_version_or_kind_are_no_place() {
    let template = package(&fresh()).unwrap();
    for version in [1, 3] {
        let subscriber = Subscriber { ota: Some(ota(version)), ..fresh() };
        let error = personalise(&template, &only(Field::OtaKeys), &subscriber).unwrap_err();
        assert_eq!(error, Error::NoPlace(Field::OtaKeys));
    }
    // TS.48 v7: version 1 is Triple DES.
    let Some(published) = vectors::read(PROFILES[5]) else { return };
    let subscriber = Subscriber { ota: Some(ota(1)), ..fresh() };
    let error = personalise(&published, &only(Field::OtaKeys), &subscriber).unwrap_err();
    assert_eq!(error, Error::NoPlace(Field::OtaKeys));
}

/// xorshift64, seed fixed: a failure can be repeated.
fn chance(mut state: u64) -> impl FnMut(usize) -> usize {
    move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    }
}

fn any_subscriber(random: &mut impl FnMut(usize) -> usize) -> Subscriber {
    let mut digits = |len: usize| (0..len).map(|_| char::from(b'0' + random(10) as u8)).collect::<String>();
    let iccid = format!("89{}", digits(17));
    let (msisdn, centre, pin, puk) = (digits(12), digits(7), digits(4), digits(8));
    let imsi = format!("310410{}", digits(9));
    let mut text = |least: usize, most: usize| {
        let len = least + random(most - least + 1);
        (0..len).map(|_| char::from(b'a' + random(26) as u8)).collect::<String>()
    };
    let (spn, label, impi, domain) = (text(1, 16), text(1, 63), text(1, 120), text(1, 120));
    let impu = (0..3).map(|_| text(1, 200)).collect();
    let mut networks = |most: usize| {
        let count = 1 + random(most);
        (0..count).map(|_| plmn(&format!("{}", 26200 + random(100)))).collect::<Vec<_>>()
    };
    let (operator, equivalent_home, forbidden) = (networks(80), networks(20), networks(20));
    let mut key = |len: usize| Secret::new((0..len).map(|_| random(256) as u8).collect::<Vec<u8>>());
    let authentication = Authentication::Milenage { k: key(16), opc: key(16) };
    Subscriber {
        codes: Codes {
            pin1: Some(secret(&pin)),
            puk1: Some(secret(&puk)),
            pin2: Some(secret(&pin)),
            puk2: Some(secret(&puk)),
            adm1: Some(secret(&puk)),
        },
        msisdn: Some(msisdn),
        spn,
        service_centre: Some(format!("+{centre}")),
        operator_plmns: operator.into_iter().map(|plmn| (plmn, AccessTechnologies::ALL)).collect(),
        equivalent_home,
        forbidden,
        access_points: vec![label],
        ims: Some(Ims { impi, impu, domain }),
        ota: Some(OtaKeys { version: 2, kic: key(16), kid: key(16), kik: key(16) }),
        ..Subscriber::new(iccid.parse().unwrap(), imsi.parse().unwrap(), 3, authentication)
    }
}

fn some(random: &mut impl FnMut(usize) -> usize) -> BTreeSet<Field> {
    Field::ALL.iter().copied().filter(|_| random(2) == 0).collect()
}

/// Whatever is named, in whichever order: the same package, and only the fields differ.
#[test]
fn fields_do_not_get_into_each_others_way() {
    let mut random = chance(0x9E37_79B9_7F4A_7C15);
    let built = Subscriber { ota: Some(ota(2)), ..fresh() };
    let mut templates = vec![package(&built).unwrap().to_vec()];
    templates.extend(vectors::read(PROFILES[5]));
    for round in 0..60 {
        for template in &templates {
            let subscriber = any_subscriber(&mut random);
            let (one, other) = (some(&mut random), some(&mut random));
            let make = |template: &[u8], fields: &BTreeSet<Field>| {
                personalise(template, fields, &subscriber).unwrap_or_else(|error| panic!("{round}: {error}"))
            };
            let both: BTreeSet<Field> = one.union(&other).copied().collect();
            let at_once = make(template, &both);
            assert_eq!(at_once, make(&make(template, &one), &other), "{round}");
            assert_eq!(at_once, make(&make(template, &other), &one), "{round}");
            assert_eq!(at_once, make(&at_once, &both), "{round}");
            only_fields_differ(template, &at_once, "some");
            let whole = make(template, &all());
            assert!(issue::validate(&whole).is_valid(), "{round}: {:?}", issue::validate(&whole).findings);
        }
    }
}

#[test]
fn no_template_makes_it_panic() {
    let mut random = chance(0xD1B5_4A32_D192_ED03);
    let mut samples = vec![package(&fresh()).unwrap().to_vec(), with_generic()];
    samples.extend(vectors::read(PROFILES[5]));
    let subscriber = fresh();
    let mut made = 0;
    for sample in &samples {
        let elements: Vec<Vec<u8>> =
            Splitter::split(sample).unwrap().into_iter().map(<[u8]>::to_vec).collect();
        for _ in 0..300 {
            let mut elements = elements.clone();
            for _ in 0..=random(4) {
                let element = random(elements.len());
                match random(8) {
                    0 => drop(elements.remove(element)),
                    1 => elements.insert(random(elements.len()), elements[element].clone()),
                    _ => {
                        let bytes = &mut elements[element];
                        // Mostly inside, where the lengths stay right.
                        let at = random(bytes.len());
                        match random(8) {
                            0 => bytes.truncate(at.max(1)),
                            1 => bytes.insert(at, random(256) as u8),
                            _ => bytes[at] = random(256) as u8,
                        }
                    }
                }
                if elements.is_empty() {
                    break;
                }
            }
            let template = elements.concat();
            let fields = if random(2) == 0 { all() } else { some(&mut random) };
            if let Ok(package) = personalise(&template, &fields, &subscriber) {
                made += 1;
                assert!(package.len() <= template.len() + 256 * 1024);
                let read = Package::decode(&package).unwrap();
                let _ = issue::required_memory(&read);
            }
            let _ = issue::validate(&template);
        }
    }
    assert!(made > 100, "{made}");
}

/// Many applications with files as large as can be, to be filled to their ends.
#[test]
fn a_hostile_template_stays_small() {
    let file = |fid: u16| {
        let fcp = Fcp {
            file_descriptor: Some(bytes("4121").into()),
            file_id: Some(fid.to_be_bytes().to_vec().into()),
            ef_file_size: Some(bytes("7FFF").into()),
            ..Fcp::default()
        };
        Command::CreateFcp(Box::new(fcp))
    };
    let networks: Vec<Command> = (0..1000).map(|_| file(0x6F61)).collect();
    let template = changed(&fresh(), |e| {
        let at = e.len() - 1;
        e.insert(at, generic(100, [&[Command::FilePath(bytes("7FD0"))][..], &networks].concat()));
    });
    let error = personalise(&template, &only(Field::OperatorPlmns), &fresh()).unwrap_err();
    assert_eq!(error, Error::Template(saip::Error::TooLarge));
    // Nor is it worked on for long where it would not grow.
    let networks: Vec<Command> = (0..1000).map(|_| file(0x6F7B)).collect();
    let template = changed(&fresh(), |e| {
        let at = e.len() - 1;
        e.insert(at, generic(100, [&[Command::FilePath(bytes("7FD0"))][..], &networks].concat()));
    });
    let error = personalise(&template, &only(Field::ForbiddenPlmns), &fresh()).unwrap_err();
    assert_eq!(error, Error::Template(saip::Error::TooLarge));
    // And one that is larger than any file that is written into.
    let template = changed(&fresh(), |e| {
        let usim = element(e, TemplateKind::Usim);
        let fcp = Fcp { ef_file_size: Some(bytes("3FFFFFFF").into()), ..Fcp::default() };
        let imsi = usim.files.iter_mut().find(|(number, _)| *number == 3).unwrap();
        imsi.1.items.insert(0, FileItem::FileDescriptor(Box::new(fcp)));
    });
    let error = personalise(&template, &only(Field::Imsi), &fresh()).unwrap_err();
    assert_eq!(error, Error::Template(saip::Error::TooLarge));
}
