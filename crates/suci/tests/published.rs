//! TS 33.501 Annex C.4, worked SUCIs of other programs, and what a stranger sends.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

use suci::{Hidden, HomeNetworkKey, Scheme, Suci, conceal, home_network_public_key};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

fn hex<const N: usize>(text: &str) -> [u8; N] {
    vectors::bytes(text).try_into().unwrap()
}

fn text(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A worked example: identifier `plain`, concealed.
struct Example {
    scheme: Scheme,
    private: &'static str,
    public: &'static str,
    one_time: &'static str,
    plain: &'static str,
    output: &'static str,
}

/// TS 33.501 §C.4.3.1 and §C.4.4.1.
const EXAMPLES: &[Example] = &[
    Example {
        scheme: Scheme::ProfileA,
        private: "c53c22208b61860b06c62e5406a7b330c2b577aa5558981510d128247d38bd1d",
        public: "5a8d38864820197c3394b92613b20b91633cbd897119273bf8e4a6f4eec0a650",
        one_time: "c80949f13ebe61af4ebdbd293ea4f942696b9e815d7e8f0096bbf6ed7de62256",
        plain: "00012080f6",
        output: "b2e92f836055a255837debf850b528997ce0201cb82adfe4be1f587d07d8457dcb02352410cddd9e730ef3fa87",
    },
    Example {
        scheme: Scheme::ProfileB,
        private: "f1ab1074477ebcc7f554ea1c5fc368b1616730155e0041ac447d6301975fecda",
        public: "0272da71976234ce833a6907425867b82e074d44ef907dfb4b3e21c1c2256ebcd1",
        one_time: "99798858a1dc6a2c68637149a4b1dbfd1fdff5addd62a2142f06699ed7602529",
        plain: "00012080f6",
        output: "039aab8376597021e855679a9778ea0b67396e68c66df32c0f41e9acca2da9b9d146a33fc2716ac7dae96aa30a4d",
    },
];

fn key(example: &Example) -> HomeNetworkKey {
    HomeNetworkKey::new(27, example.scheme, hex(example.private)).unwrap()
}

fn suci(example: &Example) -> Suci {
    format!("suci-0-274-012-0-{}-27-{}", example.scheme as u8, example.output).parse().unwrap()
}

#[test]
fn annex_c_4() {
    for example in EXAMPLES {
        let key = key(example);
        assert_eq!(text(key.public()), example.public);
        let plain = vectors::bytes(example.plain);
        let output = conceal(example.scheme, key.public(), &plain, hex(example.one_time)).unwrap();
        assert_eq!(text(&output), example.output);
        let imsi = suci(example).reveal(&[key]).unwrap();
        assert_eq!(imsi.as_str(), "274012001002086");
    }
}

/// The uncompressed point of TS 33.501 §C.4.4.1 is the same key.
#[test]
fn a_point_may_come_uncompressed_to_who_conceals() {
    let example = &EXAMPLES[1];
    let uncompressed = "0472da71976234ce833a6907425867b82e074d44ef907dfb4b3e21c1c2256ebcd15a7ded52fcbb097a4ed250e036c7b9c8c7004c4eedc4f068cd7bf8d3f900e3b4";
    let output = conceal(
        example.scheme,
        &vectors::bytes(uncompressed),
        &vectors::bytes(example.plain),
        hex(example.one_time),
    );
    assert_eq!(text(&output.unwrap()), example.output);
    let as_stored = home_network_public_key(example.scheme, &vectors::bytes(uncompressed)).unwrap();
    assert_eq!(text(&as_stored), example.public);
}

#[test]
fn public_keys_are_those_of_their_scheme() {
    for example in EXAMPLES {
        let public = vectors::bytes(example.public);
        assert_eq!(home_network_public_key(example.scheme, &public).unwrap(), public);
        assert!(home_network_public_key(Scheme::Null, &public).is_err());
        for other in EXAMPLES.iter().filter(|other| other.scheme != example.scheme) {
            assert!(home_network_public_key(other.scheme, &public).is_err());
        }
    }
}

/// Another MSIN under the keys of Annex C.4.4, as UERANSIM's tests give it.
#[test]
fn another_identifier() {
    let example = &EXAMPLES[1];
    let output =
        conceal(example.scheme, key(example).public(), &vectors::bytes("0000000010"), hex(example.one_time));
    assert_eq!(
        text(&output.unwrap()),
        "039aab8376597021e855679a9778ea0b67396e68c66df32c0f41e9acca2da9b9d146a21f4297e43b1f2f7cff7936"
    );
}

#[test]
fn the_null_scheme_hides_nothing() {
    let suci: Suci = "suci-0-001-01-0000-0-0-0123456789".parse().unwrap();
    assert_eq!(suci.reveal(&[]).unwrap().as_str(), "001010123456789");
    assert_eq!(text(&suci.to_nas()), "0100f1100000000010325476".to_owned() + "98");
    assert_eq!(suci.routing(), "0000");
    assert_eq!(Suci::from_nas(&suci.to_nas()).unwrap(), suci);
    let odd: Suci = "suci-0-310-410-12-0-0-123456789".parse().unwrap();
    assert_eq!(text(&odd.to_nas()), "0113001421ff000021436587f9");
    assert_eq!(Suci::from_nas(&odd.to_nas()).unwrap().to_string(), "suci-0-310-410-12-0-0-123456789");
    let own = Suci::of_imsi("310410123456789", 3, "12", Scheme::Null, 0, &[], [0; 32]).unwrap();
    assert_eq!(own, odd);
}

#[test]
fn every_changed_bit_is_noticed() {
    for example in EXAMPLES {
        let keys = [key(example)];
        let nas = suci(example).to_nas();
        for at in 8..nas.len() {
            for bit in 0..8 {
                let mut changed = nas.clone();
                changed[at] ^= 1 << bit;
                let revealed = Suci::from_nas(&changed).unwrap().reveal(&keys);
                // The top bit of a u-coordinate is not looked at (RFC 7748 §5), but it is in SharedInfo.
                assert_eq!(revealed, Err(Hidden::Forged), "byte {at} bit {bit}");
            }
        }
        for len in 8..nas.len() {
            if let Ok(short) = Suci::from_nas(&nas[..len]) {
                assert_eq!(short.reveal(&keys), Err(Hidden::Forged), "{len} bytes");
            }
        }
    }
}

#[test]
fn keys_go_by_identifier_and_scheme() {
    let keys = [key(&EXAMPLES[0]), key(&EXAMPLES[1])];
    for example in EXAMPLES {
        assert!(suci(example).reveal(&keys).is_ok());
        let other = format!("suci-0-274-012-0-{}-28-{}", example.scheme as u8, example.output);
        assert_eq!(other.parse::<Suci>().unwrap().reveal(&keys), Err(Hidden::NoSuchKey));
        assert_eq!(suci(example).reveal(&[]), Err(Hidden::NoSuchKey));
    }
    let other = HomeNetworkKey::new(27, Scheme::ProfileA, [9; 32]).unwrap();
    assert_eq!(suci(&EXAMPLES[0]).reveal(&[other]), Err(Hidden::Forged));
    assert!(HomeNetworkKey::new(1, Scheme::Null, [9; 32]).is_err());
    assert!(HomeNetworkKey::new(1, Scheme::ProfileB, [0; 32]).is_err());
    assert!(HomeNetworkKey::new(1, Scheme::ProfileB, [0xFF; 32]).is_err());
}

/// Points of small order on Curve25519: everybody would have the same secret.
#[test]
fn small_orders_are_no_keys() {
    let small = [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    ];
    let keys = [key(&EXAMPLES[0])];
    for point in small {
        assert!(conceal(Scheme::ProfileA, &vectors::bytes(point), &[1], [7; 32]).is_err(), "{point}");
        assert!(home_network_public_key(Scheme::ProfileA, &vectors::bytes(point)).is_err(), "{point}");
        let suci: Suci = format!("suci-0-001-01-0-1-27-{point}0000000000{}", "00".repeat(8)).parse().unwrap();
        assert_eq!(suci.reveal(&keys), Err(Hidden::Forged), "{point}");
    }
    for point in ["", "02", "05", &"00".repeat(33), &("02".to_owned() + &"ff".repeat(32))] {
        assert!(conceal(Scheme::ProfileB, &vectors::bytes(point), &[1], [7; 32]).is_err(), "{point}");
        assert!(home_network_public_key(Scheme::ProfileB, &vectors::bytes(point)).is_err(), "{point}");
    }
}

#[test]
fn what_is_no_suci() {
    let long = "0".repeat(700);
    for text in [
        "",
        "suci",
        "imsi-001010123456789",
        "suci-1-001-01-0000-0-0-0123456789",
        "suci-0-01-01-0000-0-0-0123456789",
        "suci-0-001-1-0000-0-0-0123456789",
        "suci-0-001-0001-0000-0-0-0123456789",
        "suci-0-001-01--0-0-0123456789",
        "suci-0-001-01-00000-0-0-0123456789",
        "suci-0-001-01-00x0-0-0-0123456789",
        "suci-0-001-01-0000-3-1-00",
        "suci-0-001-01-0000-c-1-00",
        "suci-0-001-01-0000-0-1-0123456789",
        "suci-0-001-01-0000-1-0-00",
        "suci-0-001-01-0000-1-256-00",
        "suci-0-001-01-0000-1-01-00",
        "suci-0-001-01-0000-1-+1-00",
        "suci-0-001-01-0000-1-1-",
        "suci-0-001-01-0000-1-1-0",
        "suci-0-001-01-0000-1-1-zz",
        "suci-0-001-01-0000-1-1-é0",
        "suci-0-001-01-0000-0-0-",
        "suci-0-001-01-0000-0-0-01234-56789",
        "suci-0-001-01-0000-0-0-0123456789012345",
        &format!("suci-0-001-01-0000-1-1-{long}"),
    ] {
        assert!(text.parse::<Suci>().is_err(), "{text}");
    }
    // Eleven digits behind five would be an IMSI of sixteen.
    let suci: Suci = "suci-0-001-01-0-0-0-01234567890".parse().unwrap();
    assert_eq!(suci.reveal(&[]), Err(Hidden::NoImsi));
    for nas in ["", "01", "0200f110000000001032547698", "01a0f110000000001032547698", "0100f110f0f0000010"] {
        assert!(Suci::from_nas(&vectors::bytes(nas)).is_err(), "{nas}");
    }
    let letters = Suci::from_nas(&vectors::bytes("0100f1100000000010a2")).unwrap();
    assert_eq!(letters.reveal(&[]), Err(Hidden::NoImsi));
}

mod any {
    use proptest::prelude::*;
    use suci::{HomeNetworkKey, Scheme, Suci};

    proptest! {
        #[test]
        fn nothing_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "(suci-0-[0-9-]{0,30})?.{0,80}") {
            let keys = [HomeNetworkKey::new(1, Scheme::ProfileA, [3; 32]).unwrap()];
            if let Ok(suci) = Suci::from_nas(&bytes) {
                prop_assert_eq!(suci.to_nas(), bytes);
                let _ = (suci.reveal(&keys), suci.to_string());
            }
            if let Ok(suci) = text.parse::<Suci>() {
                let _ = suci.reveal(&keys);
            }
        }

        #[test]
        fn what_is_concealed_is_revealed(
            imsi in "[0-9]{6,15}", mnc_len in 2_usize..=3, routing in "[0-9]{1,4}",
            profile_b in any::<bool>(), private in any::<[u8; 32]>(), one_time in any::<[u8; 32]>(),
        ) {
            let scheme = if profile_b { Scheme::ProfileB } else { Scheme::ProfileA };
            let home = HomeNetworkKey::new(9, scheme, private).unwrap();
            let made = Suci::of_imsi(&imsi, mnc_len, &routing, scheme, 9, home.public(), one_time);
            prop_assume!(imsi.len() > 3 + mnc_len);
            let made = made.unwrap();
            let read = Suci::from_nas(&made.to_nas()).unwrap();
            prop_assert_eq!(&read, &made);
            prop_assert_eq!(&read.to_string().parse::<Suci>().unwrap(), &made);
            let keys = [home];
            let revealed = read.reveal(&keys).unwrap();
            prop_assert_eq!(revealed.as_str(), imsi);
        }
    }
}
