//! What a package requires against what an eUICC says of itself.

use crate::{Service, Services};

impl Service {
    /// Its bit in `UICCCapability` (TCA module PEDefinitions; part of EUICCInfo2,
    /// SGP.22 §5.7.8).
    #[must_use]
    pub const fn capability(self) -> u8 {
        match self {
            Self::Contactless => 0,
            Self::Usim => 1,
            Self::Isim => 2,
            Self::Csim => 3,
            Self::Milenage => 4,
            Self::Cave => 5,
            Self::Tuak128 => 6,
            Self::Tuak256 => 7,
            Self::UsimTestAlgorithm => 8,
            // 9 is reserved.
            Self::GbaUsim => 10,
            Self::GbaIsim => 11,
            Self::Mbms => 12,
            Self::Eap => 13,
            Self::JavaCard => 14,
            Self::Multos => 15,
            Self::MultipleUsim => 16,
            Self::MultipleIsim => 17,
            Self::MultipleCsim => 18,
            Self::BerTlv => 19,
            Self::DfLink => 20,
            Self::CatTp => 21,
            Self::GetIdentity => 22,
            Self::ProfileAX25519 => 23,
            Self::ProfileBP256 => 24,
            Self::SuciCalculatorApi => 25,
            Self::DnsResolution => 26,
            Self::Scp11ac => 27,
            Self::Scp11cAuthorizationMechanism => 28,
            Self::S16Mode => 29,
            Self::Eaka => 30,
        }
    }
}

/// The services that a profile requires and an eUICC is known not to have.
/// `uicc_capability` is the `BIT STRING`, bit 0 most significant.
///
/// Up to SGP.22 v2.2 bit 8 was reserved and the list ended with bit 18: such an eUICC
/// may well have BER-TLV files or the test algorithm and cannot say so. So a missing
/// bit of the later ones counts only where another of them is set; otherwise it is
/// left to the eUICC to refuse. Services that the definition does not know have no
/// bit and are never missing here, see [`Services::unknown`].
#[must_use]
pub fn missing_capabilities(services: Services, uicc_capability: u32) -> Vec<Service> {
    const fn bit(number: u8) -> u32 {
        0x8000_0000 >> number
    }
    const LATER: u32 = bit(8) | (bit(18) - 1);
    let knows_later = uicc_capability & LATER != 0;
    services
        .iter()
        .filter(|service| {
            let bit = bit(service.capability());
            uicc_capability & bit == 0 && (knows_later || bit & LATER == 0)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn services(list: &[Service]) -> Services {
        list.iter().copied().fold(Services::default(), Services::with)
    }

    /// Names and bits of the published module, where it is at hand.
    #[test]
    fn bits_are_those_of_the_module() {
        let Some(module) = vectors::read("sgp22-asn1/PE_Definitions-3.3.1.asn") else { return };
        let module = String::from_utf8(module).unwrap();
        let list = module.split_once("UICCCapability ::= BIT STRING {").unwrap().1.split_once('}').unwrap().0;
        let bits: Vec<(String, u8)> = list
            .lines()
            .filter_map(|line| {
                let (name, rest) = line.trim().split_once('(')?;
                let plain = |name: &str| name.replace('-', "").to_lowercase();
                Some((plain(name), rest.split_once(')')?.0.parse().ok()?))
            })
            .collect();
        assert_eq!(bits.len(), 32);
        for &service in Service::ALL {
            let (name, _) = bits.iter().find(|(_, bit)| *bit == service.capability()).unwrap();
            // `akaMilenage`, `usimSupport`, `eapClient`, `gbaAuthenUsim` …
            let own = service.name().replace('-', "").to_lowercase();
            let mut bare = name.clone();
            for word in ["authen", "filesupport", "support", "client"] {
                bare = bare.replace(word, "");
            }
            let bare = bare.strip_prefix("aka").unwrap_or(&bare);
            assert!(bare == own || bare == format!("{own}usim"), "{name} {own}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let needed = services(&[Service::Usim, Service::Isim, Service::Tuak256, Service::JavaCard]);
        // USIM, ISIM, MILENAGE.
        let missing = missing_capabilities(needed, 0b0110_1000 << 24);
        assert_eq!(missing, [Service::JavaCard, Service::Tuak256]);
        assert!(missing_capabilities(needed, 0b0110_0001_0000_0010 << 16).is_empty());
        assert!(missing_capabilities(Services::default(), 0).is_empty());
    }

    #[test]
    fn an_older_euicc_cannot_say_everything() {
        let needed = services(&[Service::Usim, Service::BerTlv, Service::UsimTestAlgorithm]);
        let usim = 0x4000_0000;
        assert!(missing_capabilities(needed, usim).is_empty());
        let with_links = usim | 0x8000_0000 >> 20;
        assert_eq!(missing_capabilities(needed, with_links), [Service::UsimTestAlgorithm, Service::BerTlv]);
    }
}
