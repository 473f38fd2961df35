//! A card and a network that share nothing but the subscriber's parameters.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

use aka::{
    MacFailure, Outcome, Parameters, Sqn, SqnArray, SqnRules, TuakSizes, authenticate, resynchronise,
    resynchronised, vector,
};
use proptest::prelude::*;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

const AMF: [u8; 2] = [0x80, 0];

/// What parameters are made from: the parameters themselves have no `Debug`.
#[derive(Clone, Debug)]
enum Recipe {
    Milenage([u8; 16], [u8; 16]),
    Tuak { k: [u8; 32], long: bool, topc: [u8; 32], sizes: TuakSizes },
}

impl Recipe {
    fn parameters(&self) -> Parameters {
        match self {
            Self::Milenage(k, opc) => Parameters::milenage(*k, *opc),
            Self::Tuak { k, long, topc, sizes } => {
                Parameters::tuak(&k[..if *long { 32 } else { 16 }], *topc, *sizes, 1).unwrap()
            }
        }
    }
}

fn recipe() -> impl Strategy<Value = Recipe> {
    let milenage = any::<([u8; 16], [u8; 16])>().prop_map(|(k, opc)| Recipe::Milenage(k, opc));
    let tuak = any::<([u8; 32], [u8; 32], bool, bool, bool)>().prop_map(|(k, topc, long, ck, ik)| {
        let size = |long| if long { 32 } else { 16 };
        Recipe::Tuak { k, long, topc, sizes: TuakSizes { res: 8, ck: size(ck), ik: size(ik) } }
    });
    prop_oneof![milenage, tuak]
}

fn fresh_card() -> SqnArray {
    SqnArray::new(SqnRules::default())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn authenticates_once_and_recovers(
        recipe in recipe(),
        rands in prop::array::uniform3(any::<[u8; 16]>()),
        ahead in 1_u64..1 << 28,
        ind in 0_u8..32,
    ) {
        let parameters = recipe.parameters();
        let mut card = fresh_card();
        let sqn = Sqn::new(ahead, ind).unwrap();
        let challenge = vector(&parameters, sqn, AMF, rands[0]);

        let outcome = authenticate(&parameters, &mut card, &challenge.rand, &challenge.autn);
        let Outcome::Success { res, ck, ik, .. } = outcome else { panic!("refused a fresh challenge") };
        prop_assert!(challenge.accepts(res.expose_bytes()));
        prop_assert_eq!(ck.expose_bytes(), challenge.ck.expose_bytes());
        prop_assert_eq!(ik.expose_bytes(), challenge.ik.expose_bytes());
        prop_assert_eq!(card.highest(), sqn);

        // The same challenge again, as an eavesdropper would.
        let before = card.clone();
        let outcome = authenticate(&parameters, &mut card, &challenge.rand, &challenge.autn);
        let as_expected = matches!(outcome, Outcome::SyncFailure { .. });
        prop_assert!(as_expected);
        prop_assert_eq!(&card, &before);

        // A network that lost its memory starts from zero, is told, and goes on.
        let lost = vector(&parameters, Sqn::new(0, ind).unwrap(), AMF, rands[1]);
        let Outcome::SyncFailure { auts } = authenticate(&parameters, &mut card, &lost.rand, &lost.autn) else {
            panic!("an old number was accepted");
        };
        let recovered = resynchronise(&parameters, &rands[1], &auts).unwrap();
        prop_assert_eq!(recovered, sqn);
        let next = vector(&parameters, recovered.next().unwrap(), AMF, rands[2]);
        let outcome = authenticate(&parameters, &mut card, &next.rand, &next.autn);
        let as_expected = matches!(outcome, Outcome::Success { .. });
        prop_assert!(as_expected);
    }

    #[test]
    fn one_wrong_bit_of_autn_or_auts_is_a_mac_failure(
        recipe in recipe(),
        rand in any::<[u8; 16]>(),
        bit in 0_usize..128,
    ) {
        let parameters = recipe.parameters();
        let mut card = fresh_card();
        let mut autn = vector(&parameters, Sqn::new(5, 5).unwrap(), AMF, rand).autn;
        autn[bit / 8] ^= 0x80 >> (bit % 8);
        let outcome = authenticate(&parameters, &mut card, &rand, &autn);
        prop_assert!(matches!(outcome, Outcome::MacFailure));
        prop_assert_eq!(&card, &fresh_card());

        let stale = vector(&parameters, Sqn::ZERO, AMF, rand);
        let Outcome::SyncFailure { mut auts } = authenticate(&parameters, &mut card, &rand, &stale.autn) else {
            panic!("zero is never fresh");
        };
        prop_assert_eq!(resynchronise(&parameters, &rand, &auts), Ok(Sqn::ZERO));
        auts[bit / 8 % 14] ^= 0x80 >> (bit % 8);
        prop_assert_eq!(resynchronise(&parameters, &rand, &auts), Err(MacFailure));
    }

    #[test]
    fn no_number_is_accepted_twice(steps in prop::collection::vec((1_u64..200, 0_u8..32), 1..64)) {
        let parameters = Parameters::milenage([1; 16], [2; 16]);
        let mut card = fresh_card();
        let mut accepted = std::collections::HashSet::new();
        for (seq, ind) in steps {
            let sqn = Sqn::new(seq, ind).unwrap();
            let autn = vector(&parameters, sqn, AMF, [3; 16]).autn;
            let outcome = authenticate(&parameters, &mut card, &[3; 16], &autn);
            if matches!(outcome, Outcome::Success { .. }) {
                prop_assert!(accepted.insert(sqn), "{:?} twice", sqn);
            }
        }
    }
}

#[test]
fn freshness_rules() {
    let at = |seq, ind| Sqn::new(seq, ind).unwrap();
    let mut seq = [0; 32];
    seq[3] = 1000;
    seq[4] = 990;
    let array = |delta, age_limit| SqnArray::from_values(seq, SqnRules { delta, age_limit }).unwrap();
    let cases = [
        (array(None, None), at(1000, 3), false, "the same again"),
        (array(None, None), at(1001, 3), true, "the next of its own IND"),
        (array(None, None), at(991, 4), true, "lower than the highest, higher in its own IND"),
        (array(None, None), at(1, 9), true, "of an IND never used"),
        (array(None, Some(10)), at(990, 9), true, "just young enough"),
        (array(None, Some(10)), at(989, 9), false, "just too old"),
        (array(Some(100), None), at(1100, 3), true, "as far ahead as Δ allows"),
        (array(Some(100), None), at(1101, 3), false, "beyond Δ"),
        (array(None, None), at((1 << 43) - 1, 3), true, "the last number there is"),
    ];
    for (array, sqn, fresh, what) in cases {
        assert_eq!(array.accepts(sqn), fresh, "{what}");
        assert_eq!(array.highest(), at(1000, 3));
    }
}

#[test]
fn sequence_numbers() {
    let sqn = Sqn::from_bytes([0, 0, 0, 0, 0, 0x3F]);
    assert_eq!((sqn.seq(), sqn.ind()), (1, 31));
    assert_eq!(sqn.next().unwrap().to_bytes(), [0, 0, 0, 0, 0, 0x40]);
    assert_eq!(Sqn::from_bytes([0xFF; 6]).next(), None);
    assert!(Sqn::try_from(1_u64 << 48).is_err());
    assert_eq!(u64::from(Sqn::try_from(0xFFFF_FFFF_FFFF_u64).unwrap()), 0xFFFF_FFFF_FFFF);
    assert!(SqnArray::from_values([1 << 43; 32], SqnRules::default()).is_err());
    assert_eq!(SqnRules::from_options(0x03, 5, 6), SqnRules { delta: Some(5), age_limit: Some(6) });
    assert_eq!(SqnRules::from_options(0x00, 5, 6), SqnRules { delta: None, age_limit: None });
}

/// TS 33.102 §6.3.5, steps 2 to 5.
#[test]
fn a_network_takes_a_number_over_only_where_its_own_would_be_refused() {
    let parameters = Parameters::milenage([0x46; 16], [0xCD; 16]);
    let (rand, rules) = ([7; 16], SqnRules { delta: Some(1 << 28), age_limit: None });
    let number = |seq| Sqn::new(seq, 3).unwrap();
    // What a card at `seq` says to a challenge that it has accepted already.
    let auts = |seq| {
        let mut values = [0; 32];
        values[3] = seq;
        let mut card = SqnArray::from_values(values, SqnRules::default()).unwrap();
        let challenge = vector(&parameters, number(seq), AMF, rand);
        let Outcome::SyncFailure { auts } = authenticate(&parameters, &mut card, &rand, &challenge.autn)
        else {
            panic!("a number that is not fresh")
        };
        auts
    };
    let mut forged = auts(1000);
    forged[13] ^= 1;
    for (own, expected) in [
        (998, 1000),
        (1000, 1000),
        (5000, 5000),
        (999 + (1 << 28), 999 + (1 << 28)),
        // The next would be more than Δ ahead of the card's.
        (1000 + (1 << 28), 1000),
        (0, 1000),
    ] {
        let genuine = resynchronised(&parameters, &rand, &auts(1000), number(own), rules);
        assert_eq!(genuine, Ok(number(expected)), "{own}");
        let other = resynchronised(&parameters, &rand, &forged, number(own), rules);
        assert_eq!(other, if own == expected { Ok(number(own)) } else { Err(MacFailure) }, "{own}");
    }
}
