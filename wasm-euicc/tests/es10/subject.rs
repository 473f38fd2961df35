//! A profile with something of everything: PINs, USIM and ISIM, files that can be
//! counted up, set, deactivated; and the codes that its owner knows.

use rsp::metadata::StoreMetadata;
use saip::build::{Authentication, Codes, Ims, OtaKeys, Subscriber};
use saip::{ProfileElement, Secret};

use crate::card::{Card, hex};
use crate::server::*;
use wasm_euicc::nvm::Medium;

/// 3GPP TS 35.208 §4.3, test set 1.
pub(crate) mod set1 {
    pub(crate) const K: &str = "465B5CE8B199B49FAA5F0A2EE238A6BC";
    pub(crate) const OPC: &str = "CD63CB71954A9F4E48A5994E37A02BAF";
    pub(crate) const RAND: &str = "23553CBE9637A89D218AE64DAE47BF35";
    /// SQN `FF9BB4D0B607` under AK, AMF `B9B9`, MAC-A.
    pub(crate) const AUTN: &str = "55F328B43577B9B94A9FFAC354DFAFB3";
}

/// EF.LND-like: cyclic, 3 records of 3 bytes; update and INCREASE under PIN 1.
const COUNTER: &str = "8204 46210003 8302 2FF4 8B03 2F0607 8001 09 A503 C20100";
/// BER-TLV of 32 bytes; read and update under PIN 1.
const OBJECTS: &str = "8202 7921 8302 2FE6 8B03 2F0605 8001 20";
/// Transparent, 2 bytes; update under PIN 1, (de)activate under ADM 1.
const SWITCHABLE: &str = "8202 4121 8302 2FE7 8B03 2F0605 8001 02";

/// The elements of the package of this subscriber.
pub(crate) fn elements(number: u8, ota: bool) -> Vec<ProfileElement> {
    let imsi = format!("001010000000{number:03}").parse().unwrap();
    let authentication = Authentication::Milenage {
        k: Secret::new(vectors::bytes(set1::K)),
        opc: Secret::new(vectors::bytes(set1::OPC)),
    };
    let mut subscriber = Subscriber::new(iccid(number), imsi, 2, authentication);
    subscriber.codes = Codes {
        pin1: Some(Secret::new(*b"1234")),
        puk1: Some(Secret::new(*b"12345678")),
        pin2: Some(Secret::new(*b"5678")),
        puk2: Some(Secret::new(*b"87654321")),
        adm1: Some(Secret::new(*b"99999999")),
    };
    subscriber.spn = "Operator".into();
    subscriber.msisdn = Some("+491701234567".into());
    subscriber.service_centre = Some("+491710760000".into());
    subscriber.ims = Ims::of_imsi(&subscriber.imsi, 2);
    subscriber.ota = ota.then(|| OtaKeys {
        version: 1,
        kic: Secret::new([0x11; 16]),
        kid: Secret::new([0x22; 16]),
        kik: Secret::new([0x33; 16]),
    });
    let mut elements = saip::build::elements(&subscriber).unwrap();
    for element in &mut elements {
        if let ProfileElement::AkaParameter(aka) = element {
            // The numbers of the test set jump further than Δ allows.
            aka.sqn_options = 0;
        }
    }
    let commands: String = [COUNTER, OBJECTS, SWITCHABLE]
        .iter()
        .map(|fcp| hex(&tlv::encode(tlv::Tag(0x62), &vectors::bytes(fcp))))
        .collect();
    let list = vectors::bytes(&format!("8000{commands}"));
    let lists = tlv::encode(tlv::Tag(0xA1), &tlv::encode(tlv::Tag::SEQUENCE, &list));
    let inside = [&vectors::bytes("A003810170")[..], &lists].concat();
    let end = elements.len() - 1;
    elements.insert(end, ProfileElement::decode(&tlv::encode(tlv::Tag(0xA1), &inside)).unwrap());
    elements
}

/// The package itself.
pub(crate) fn rich_package(number: u8, ota: bool) -> Vec<u8> {
    elements(number, ota).iter().flat_map(|element| element.encode().unwrap().to_vec()).collect()
}

/// Downloads it.
pub(crate) fn install_rich<M: Medium>(
    card: &mut Card<M>,
    lab: &Lab,
    number: u8,
    change: impl FnOnce(&mut StoreMetadata),
) {
    let mut metadata = metadata(number);
    change(&mut metadata);
    install(card, lab, &metadata, &rich_package(number, false));
}
