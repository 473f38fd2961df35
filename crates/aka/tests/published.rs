//! Published vectors: MILENAGE (TS 35.207 and TS 35.208), TUAK (TS 35.232 and
//! TS 35.233). The specifications have none for the XOR test algorithm and the derived keys:
//! those here are of other programs (named beside them) and RFC 9048, or were computed by an
//! independent implementation.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

use aka::{
    AccessType, Algorithm, KeyUse, MacSize, Outcome, Output, Parameters, Plmn, ROTATIONS, Sqn, SqnArray,
    SqnRules, Tuak, TuakSizes, XORS, authenticate, ck_ik_prime, eps_algorithm_key, five_g_algorithm_key,
    five_g_nh, gsm, hres_star, kamf, kasme, kausf, kenb, kgnb, kseaf, nh, opc, res_star, resynchronise, topc,
    vector,
};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

fn hex<const N: usize>(text: &str) -> [u8; N] {
    vectors::bytes(text).try_into().unwrap()
}

fn sqn(text: &str) -> Sqn {
    Sqn::from_bytes(hex(text))
}

fn is(output: &Output, text: &str) {
    assert_eq!(output.expose_bytes(), vectors::bytes(text));
}

struct Milenage {
    set: u8,
    k: &'static str,
    rand: &'static str,
    sqn: &'static str,
    amf: &'static str,
    op: &'static str,
    opc: &'static str,
    f1: &'static str,
    f1_star: &'static str,
    f2: &'static str,
    f3: &'static str,
    f4: &'static str,
    f5: &'static str,
    f5_star: &'static str,
}

/// TS 35.207 §4 to §8 and TS 35.208 §4.3: test sets 1 to 6 and 19.
const MILENAGE: &[Milenage] = &[
    Milenage {
        set: 1,
        k: "465b5ce8b199b49faa5f0a2ee238a6bc",
        rand: "23553cbe9637a89d218ae64dae47bf35",
        sqn: "ff9bb4d0b607",
        amf: "b9b9",
        op: "cdc202d5123e20f62b6d676ac72cb318",
        opc: "cd63cb71954a9f4e48a5994e37a02baf",
        f1: "4a9ffac354dfafb3",
        f1_star: "01cfaf9ec4e871e9",
        f2: "a54211d5e3ba50bf",
        f3: "b40ba9a3c58b2a05bbf0d987b21bf8cb",
        f4: "f769bcd751044604127672711c6d3441",
        f5: "aa689c648370",
        f5_star: "451e8beca43b",
    },
    Milenage {
        set: 2,
        k: "0396eb317b6d1c36f19c1c84cd6ffd16",
        rand: "c00d603103dcee52c4478119494202e8",
        sqn: "fd8eef40df7d",
        amf: "af17",
        op: "ff53bade17df5d4e793073ce9d7579fa",
        opc: "53c15671c60a4b731c55b4a441c0bde2",
        f1: "5df5b31807e258b0",
        f1_star: "a8c016e51ef4a343",
        f2: "d3a628ed988620f0",
        f3: "58c433ff7a7082acd424220f2b67c556",
        f4: "21a8c1f929702adb3e738488b9f5c5da",
        f5: "c47783995f72",
        f5_star: "30f1197061c1",
    },
    Milenage {
        set: 3,
        k: "fec86ba6eb707ed08905757b1bb44b8f",
        rand: "9f7c8d021accf4db213ccff0c7f71a6a",
        sqn: "9d0277595ffc",
        amf: "725c",
        op: "dbc59adcb6f9a0ef735477b7fadf8374",
        opc: "1006020f0a478bf6b699f15c062e42b3",
        f1: "9cabc3e99baf7281",
        f1_star: "95814ba2b3044324",
        f2: "8011c48c0c214ed2",
        f3: "5dbdbb2954e8f3cde665b046179a5098",
        f4: "59a92d3b476a0443487055cf88b2307b",
        f5: "33484dc2136b",
        f5_star: "deacdd848cc6",
    },
    Milenage {
        set: 4,
        k: "9e5944aea94b81165c82fbf9f32db751",
        rand: "ce83dbc54ac0274a157c17f80d017bd6",
        sqn: "0b604a81eca8",
        amf: "9e09",
        op: "223014c5806694c007ca1eeef57f004f",
        opc: "a64a507ae1a2a98bb88eb4210135dc87",
        f1: "74a58220cba84c49",
        f1_star: "ac2cc74a96871837",
        f2: "f365cd683cd92e96",
        f3: "e203edb3971574f5a94b0d61b816345d",
        f4: "0c4524adeac041c4dd830d20854fc46b",
        f5: "f0b9c08ad02e",
        f5_star: "6085a86c6f63",
    },
    Milenage {
        set: 5,
        k: "4ab1deb05ca6ceb051fc98e77d026a84",
        rand: "74b0cd6031a1c8339b2b6ce2b8c4a186",
        sqn: "e880a1b580b6",
        amf: "9f07",
        op: "2d16c5cd1fdf6b22383584e3bef2a8d8",
        opc: "dcf07cbd51855290b92a07a9891e523e",
        f1: "49e785dd12626ef2",
        f1_star: "9e85790336bb3fa2",
        f2: "5860fc1bce351e7e",
        f3: "7657766b373d1c2138f307e3de9242f9",
        f4: "1c42e960d89b8fa99f2744e0708ccb53",
        f5: "31e11a609118",
        f5_star: "fe2555e54aa9",
    },
    Milenage {
        set: 6,
        k: "6c38a116ac280c454f59332ee35c8c4f",
        rand: "ee6466bc96202c5a557abbeff8babf63",
        sqn: "414b98222181",
        amf: "4464",
        op: "1ba00a1a7c6700ac8c3ff3e96ad08725",
        opc: "3803ef5363b947c6aaa225e58fae3934",
        f1: "078adfb488241a57",
        f1_star: "80246b8d0186bcf1",
        f2: "16c8233f05a0ac28",
        f3: "3f8c7587fe8e4b233af676aede30ba3b",
        f4: "a7466cc1e6b2a1337d49d3b66e95d7b4",
        f5: "45b0f69ab06c",
        f5_star: "1f53cd2b1113",
    },
    Milenage {
        set: 19,
        k: "5122250214c33e723a5dd523fc145fc0",
        rand: "81e92b6c0ee0e12ebceba8d92a99dfa5",
        sqn: "16f3b3f70fc2",
        amf: "c3ab",
        op: "c9e8763286b5b9ffbdf56e1297d0887b",
        opc: "981d464c7c52eb6e5036234984ad0bcf",
        f1: "2a5c23d15ee351d5",
        f1_star: "62dae3853f3af9d2",
        f2: "28d7b0f2a2ec3de5",
        f3: "5349fbe098649f948f5d2e973a81c00f",
        f4: "9744871ad32bf9bbd1dd5ce54e3e2e5a",
        f5: "ada15aeb7bb8",
        f5_star: "d461bc15475d",
    },
];

#[test]
fn milenage_sets() {
    for set in MILENAGE {
        println!("set {}", set.set);
        let (k, rand, amf) = (hex(set.k), hex(set.rand), hex(set.amf));
        assert_eq!(opc(k, hex(set.op)), hex(set.opc));
        let parameters = Parameters::milenage(k, hex(set.opc));
        assert_eq!(parameters.algorithm(), Algorithm::Milenage);
        assert_eq!(parameters.f1(&rand, sqn(set.sqn), amf), hex(set.f1));
        assert_eq!(parameters.f1_star(&rand, sqn(set.sqn), amf), hex(set.f1_star));
        is(&parameters.f2(&rand), set.f2);
        is(&parameters.f3(&rand), set.f3);
        is(&parameters.f4(&rand), set.f4);
        assert_eq!(parameters.f5(&rand), hex(set.f5));
        assert_eq!(parameters.f5_star(&rand), hex(set.f5_star));
        let challenge = vector(&parameters, sqn(set.sqn), amf, rand);
        let mut concealed: [u8; 6] = hex(set.sqn);
        concealed.iter_mut().zip(hex::<6>(set.f5)).for_each(|(sqn, ak)| *sqn ^= ak);
        assert_eq!(challenge.autn.to_vec(), [&concealed[..], &amf, &hex::<8>(set.f1)].concat());
        assert!(challenge.accepts(&hex::<8>(set.f2)));
    }
}

#[test]
fn own_constants_change_what_they_should() {
    let set = &MILENAGE[0];
    let rand = hex(set.rand);
    let plain = Parameters::milenage(hex(set.k), hex(set.opc));
    // r4 moves f4 alone; c5 moves f5* alone (TS 35.206 §4.1).
    let mut rotations = ROTATIONS;
    rotations[3] = 72;
    let mut xors = XORS;
    xors[4] = [0x55; 16];
    let own = Parameters::milenage_with(hex(set.k), hex(set.opc), rotations, xors);
    let amf = hex(set.amf);
    assert_eq!(own.f1(&rand, sqn(set.sqn), amf), plain.f1(&rand, sqn(set.sqn), amf));
    is(&own.f2(&rand), set.f2);
    is(&own.f3(&rand), set.f3);
    assert_ne!(own.f4(&rand).expose_bytes(), plain.f4(&rand).expose_bytes());
    assert_eq!(own.f5(&rand), hex(set.f5));
    assert_ne!(own.f5_star(&rand), plain.f5_star(&rand));
}

struct TuakSet {
    set: u8,
    iterations: u8,
    k: &'static str,
    rand: &'static str,
    sqn: &'static str,
    amf: &'static str,
    top: &'static str,
    topc: &'static str,
    mac: MacSize,
    sizes: TuakSizes,
    f1: &'static str,
    f1_star: &'static str,
    f2: &'static str,
    f3: &'static str,
    f4: &'static str,
    f5: &'static str,
    f5_star: &'static str,
}

/// TS 35.232 §4 and TS 35.233: test sets 1 to 6.
const TUAK: &[TuakSet] = &[
    TuakSet {
        set: 1,
        iterations: 1,
        k: "abababababababababababababababab",
        rand: "42424242424242424242424242424242",
        sqn: "111111111111",
        amf: "ffff",
        top: "5555555555555555555555555555555555555555555555555555555555555555",
        topc: "bd04d9530e87513c5d837ac2ad954623a8e2330c115305a73eb45d1f40cccbff",
        mac: MacSize::Bits64,
        sizes: TuakSizes { res: 4, ck: 16, ik: 16 },
        f1: "f9a54e6aeaa8618d",
        f1_star: "e94b4dc6c7297df3",
        f2: "657acd64",
        f3: "d71a1e5c6caffe986a26f783e5c78be1",
        f4: "be849fa2564f869aecee6f62d4337e72",
        f5: "719f1e9b9054",
        f5_star: "e7af6b3d0e38",
    },
    TuakSet {
        set: 2,
        iterations: 1,
        k: "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0efeeedecebeae9e8e7e6e5e4e3e2e1e0",
        rand: "0123456789abcdef0123456789abcdef",
        sqn: "0123456789ab",
        amf: "abcd",
        top: "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
        topc: "305425427e18c503c8a4b294ea72c95d0c36c6c6b29d0c65de5974d5977f8524",
        mac: MacSize::Bits128,
        sizes: TuakSizes { res: 8, ck: 16, ik: 16 },
        f1: "c0b8c2d4148ec7aa5f1d78a97e4d1d58",
        f1_star: "ef81af7290f7842c6ceafa537fa0745b",
        f2: "e9d749dc4eea0035",
        f3: "a4cb6f6529ab17f8337f27baa8234d47",
        f4: "2274155ccf4199d5e2abcbf621907f90",
        f5: "480a9345cc1e",
        f5_star: "f84eb338848c",
    },
    TuakSet {
        set: 3,
        iterations: 1,
        k: "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0efeeedecebeae9e8e7e6e5e4e3e2e1e0",
        rand: "0123456789abcdef0123456789abcdef",
        sqn: "0123456789ab",
        amf: "abcd",
        top: "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
        topc: "305425427e18c503c8a4b294ea72c95d0c36c6c6b29d0c65de5974d5977f8524",
        mac: MacSize::Bits256,
        sizes: TuakSizes { res: 8, ck: 16, ik: 32 },
        f1: "d97b75a1776065271b1e212bc3b1bf173f438b21e6c64a55a96c372e085e5cc5",
        f1_star: "427bbf07c6e3a86c54f8c5216499f3909a6fd4a164c9fe235b1550258111b821",
        f2: "07021c73e7635c7d",
        f3: "4d59ac796834eb85d11fa148a5058c3c",
        f4: "126d47500136fdc5ddfd14f19ebf16749ce4b6435323fbb5715a3a796a6082bd",
        f5: "1d6622c4e59a",
        f5_star: "f84eb338848c",
    },
    TuakSet {
        set: 4,
        iterations: 1,
        k: "b8da837a50652d6ac7c97da14f6acc61",
        rand: "6887e55425a966bd86c9661a5fa72be8",
        sqn: "0dea2ee2c5af",
        amf: "df1e",
        top: "0952be13556c32ebc58195d9dd930493e12a9003669988ffde5fa1f0fe35cc01",
        topc: "2bc16eb657a68e1f446f08f57c0efb1d493527a2e652ce281eb6ca0e4487760a",
        mac: MacSize::Bits128,
        sizes: TuakSizes { res: 16, ck: 16, ik: 16 },
        f1: "749214087958dd8f58bfcdf869d8ae3f",
        f1_star: "619e865afe80e382aee13063f9dfb56d",
        f2: "4041ce438e3e38e8aa96562eed83ac43",
        f3: "3e3bc01bea0cd914c4c2c83ce2d92757",
        f4: "666a8e6f577b1aa77b7fd53cebb8a3d6",
        f5: "1f880d005119",
        f5_star: "45e617d77fe5",
    },
    TuakSet {
        set: 5,
        iterations: 1,
        k: "1574ca56881d05c189c82880f789c9cd4244955f4426aa2b69c29f15770e5aa5",
        rand: "c570aac68cde651fb1e3088322498bef",
        sqn: "c89bb71f3a41",
        amf: "297d",
        top: "e59f6eb10ea406813f4991b0b9e02f181edf4c7e17b480f66d34da35ee88c95e",
        topc: "3c6052e41532a28a47aa3cbb89f223e8f3aaa976aecd48bc3e7d6165a55eff62",
        mac: MacSize::Bits64,
        sizes: TuakSizes { res: 32, ck: 32, ik: 16 },
        f1: "d7340dad02b4cb01",
        f1_star: "c6021e2e66accb15",
        f2: "84d89b41db1867ffd4c7ba1d82163f4d526a20fbae5418fbb526940b1eeb905c",
        f3: "d419676afe5ab58c1d8bee0d43523a4d2f52ef0b31a4676a0c334427a988fe65",
        f4: "205533e505661b61d05cc0eac87818f4",
        f5: "d7b3d2d4980a",
        f5_star: "ca9655264986",
    },
    TuakSet {
        set: 6,
        iterations: 2,
        k: "1574ca56881d05c189c82880f789c9cd4244955f4426aa2b69c29f15770e5aa5",
        rand: "c570aac68cde651fb1e3088322498bef",
        sqn: "c89bb71f3a41",
        amf: "297d",
        top: "e59f6eb10ea406813f4991b0b9e02f181edf4c7e17b480f66d34da35ee88c95e",
        topc: "b04a66f26c62fcd6c82de22a179ab65506ecf47f56245cd149966cfa9cec7a51",
        mac: MacSize::Bits256,
        sizes: TuakSizes { res: 32, ck: 32, ik: 32 },
        f1: "90d2289ed1ca1c3dbc2247bb480d431ac71d2e4a7677f6e997cfddb0cbad88b7",
        f1_star: "427355dbac30e825063aba61b556e87583abac638e3ab01c4c884ad9d458dc2f",
        f2: "d67e6e64590d22eecba7324afa4af4460c93f01b24506d6e12047d789a94c867",
        f3: "ede57edfc57cdffe1aae75066a1b7479bbc3837438e88d37a801cccc9f972b89",
        f4: "48ed9299126e5057402fe01f9201cf25249f9c5c0ed2afcf084755daff1d3999",
        f5: "6aae8d18c448",
        f5_star: "8c5f33b61f4e",
    },
];

#[test]
fn tuak_sets() {
    for set in TUAK {
        println!("set {}", set.set);
        let (k, rand, amf) = (vectors::bytes(set.k), hex(set.rand), hex(set.amf));
        assert_eq!(topc(&k, hex(set.top), set.iterations), hex(set.topc));
        let tuak = Tuak::new(&k, hex(set.topc), set.sizes, set.iterations);
        is(&tuak.f1(&rand, sqn(set.sqn), amf, set.mac), set.f1);
        is(&tuak.f1_star(&rand, sqn(set.sqn), amf, set.mac), set.f1_star);
        let parameters = Parameters::tuak(&k, hex(set.topc), set.sizes, set.iterations).unwrap();
        is(&parameters.f2(&rand), set.f2);
        is(&parameters.f3(&rand), set.f3);
        is(&parameters.f4(&rand), set.f4);
        assert_eq!(parameters.f5(&rand), hex(set.f5));
        assert_eq!(parameters.f5_star(&rand), hex(set.f5_star));
        if set.mac == MacSize::Bits64 {
            assert_eq!(parameters.f1(&rand, sqn(set.sqn), amf), hex(set.f1));
            assert_eq!(parameters.f1_star(&rand, sqn(set.sqn), amf), hex(set.f1_star));
        }
    }
}

/// Computed by TS 34.108 §8.1.2 (no published vector).
#[test]
fn xor_test_algorithm() {
    let rand = hex("00112233445566778899aabbccddeeff");
    let parameters = Parameters::xor(hex("000102030405060708090a0b0c0d0e0f"), 16).unwrap();
    let challenge = vector(&parameters, sqn("000000000020"), [0x80, 0], rand);
    assert_eq!(challenge.autn, hex("3040506070a08000001020304070e070"));
    is(&challenge.xres, "00102030405060708090a0b0c0d0e0f0");
    is(&challenge.ck, "102030405060708090a0b0c0d0e0f000");
    is(&challenge.ik, "2030405060708090a0b0c0d0e0f00010");
    let short = Parameters::xor(hex("000102030405060708090a0b0c0d0e0f"), 4).unwrap();
    is(&short.f2(&rand), "00102030");

    // Test equipment sends any number; only AMF FFFF asks for a resynchronisation.
    let mut array = SqnArray::new(SqnRules::default());
    for _ in 0..2 {
        let outcome = authenticate(&parameters, &mut array, &rand, &challenge.autn);
        assert!(matches!(outcome, Outcome::Success { .. }));
    }
    let forced = vector(&parameters, sqn("000000000040"), [0xFF, 0xFF], rand);
    let Outcome::SyncFailure { auts } = authenticate(&parameters, &mut array, &rand, &forced.autn) else {
        panic!("a success");
    };
    assert_eq!(resynchronise(&parameters, &rand, &auts), Ok(sqn("000000000020")));
}

/// Subscriber of MILENAGE set 1, with what an independent implementation computed.
fn subscriber() -> Parameters {
    Parameters::milenage(hex(MILENAGE[0].k), hex(MILENAGE[0].opc))
}

#[test]
fn worked_authentication() {
    let rand = hex(MILENAGE[0].rand);
    let challenge = vector(&subscriber(), sqn("000000000021"), [0x80, 0], rand);
    assert_eq!(challenge.autn, hex("aa689c648351800041ed662ae8c74ecd"));

    let mut array = SqnArray::new(SqnRules::default());
    let Outcome::Success { res, ck, ik, kc } =
        authenticate(&subscriber(), &mut array, &rand, &challenge.autn)
    else {
        panic!("a failure");
    };
    is(&res, MILENAGE[0].f2);
    is(&ck, MILENAGE[0].f3);
    is(&ik, MILENAGE[0].f4);
    assert_eq!(kc, hex("eae4be823af9a08b"));
    assert_eq!(array.values()[1], 1);

    let gsm = gsm(&subscriber(), &rand);
    assert_eq!((gsm.sres, gsm.kc), (hex("46f8416a"), hex("eae4be823af9a08b")));
}

#[test]
fn worked_resynchronisation() {
    let rand = hex(MILENAGE[0].rand);
    for (highest, expected) in
        [("000000000001", "451e8beca43a21de542dbdfb7453"), ("000000000040", "451e8beca47b7c4adabf45e76f4b")]
    {
        // A card that stands at this number and has just used the challenge's.
        let highest = sqn(highest);
        let mut seq = [0; 32];
        seq[usize::from(highest.ind())] = highest.seq();
        seq[1] = seq[1].max(1);
        let rules = SqnRules { delta: None, age_limit: None };
        let mut array = SqnArray::from_values(seq, rules).unwrap();
        let autn = vector(&subscriber(), sqn("000000000021"), [0x80, 0], rand).autn;
        let Outcome::SyncFailure { auts } = authenticate(&subscriber(), &mut array, &rand, &autn) else {
            panic!("a stale number was accepted");
        };
        if highest.seq() > 0 {
            assert_eq!(auts, hex(expected));
        }
        assert_eq!(resynchronise(&subscriber(), &rand, &hex(expected)), Ok(highest));
    }
}

#[test]
fn derived_keys() {
    let (rand, serving) = (hex(MILENAGE[0].rand), "5G:mnc001.mcc001.3gppnetwork.org");
    let challenge = vector(&subscriber(), sqn("000000000021"), [0x80, 0], rand);
    let (ck, ik, concealed) = (&challenge.ck, &challenge.ik, challenge.concealed_sqn());
    let plmn = Plmn::parse("00101").unwrap();
    assert_eq!(plmn.to_bytes(), hex("00f110"));
    assert_eq!(Plmn::parse("310410").unwrap().to_bytes(), [0x13, 0x00, 0x14]);
    assert_eq!([Plmn::parse("0010"), Plmn::parse("00a01"), Plmn::parse("0010111")], [None; 3]);
    is(&kasme(ck, ik, plmn, concealed), "c58f1a43f3f598dc44c9963276e01a8cd807a89dac42cb2c2e54c62b2cdc26a6");
    let kausf = kausf(ck, ik, serving, concealed);
    is(&kausf, "ccb55e48b61ac444be076b45a3ed97123fc85d3cbf94f686ab8987fc9176532e");
    is(&kseaf(&kausf, serving), "4a528907c38be2b6f36b19212b687948c2d2fe66dc1f4701aec154bb45a2949c");
    assert_eq!(res_star(ck, ik, serving, &rand, &challenge.xres), hex("f236a7417272bfb2d66d4d670733b527"));
}

fn output(text: &str) -> Output {
    Output::new(&vectors::bytes(text))
}

#[test]
fn networks_have_names() {
    let name = |digits| Plmn::parse(digits).unwrap().serving_network_name();
    assert_eq!(name("00101"), "5G:mnc001.mcc001.3gppnetwork.org");
    assert_eq!(name("310410"), "5G:mnc410.mcc310.3gppnetwork.org");
    assert_eq!(Plmn::parse("26207").unwrap().codes(), ("262".to_owned(), "07".to_owned()));
    assert_eq!(Plmn::parse("310012").unwrap().codes(), ("310".to_owned(), "012".to_owned()));
}

/// KASME, uplink NAS COUNT, KeNB: the test vectors of OpenAirInterface (`test_secu_kenb`).
#[test]
fn kenb_of_another_program() {
    for (kasme, count, expected) in [
        (
            "238e457e0f758badbca8d34bb2612c10428d426757cb5553b2b184fa64bfc549",
            0xDB1A_3569,
            "8eb1bf0083bd79281ef7034bf677e9ec529f196e15287514a2d122acf713b8e8",
        ),
        (
            "fa77e41f693c2a6e71455cb8687e6e6058ef91e2f5abd1bd3c496179481f308c",
            0x0000_0012,
            "0afe81266de52b8c8f1c3f4fe799be883f364b018e7368c41f14dd6d050e13e1",
        ),
        (
            "70d7071aa016a087f9d888ad51f3a83e2c83443ab27843b35bd1b4923615091c",
            0xAABB_CCDD,
            "158781a2fdf2ce53abfa186d22eb751decb8273471dc792b5016c9016947d1ae",
        ),
    ] {
        is(&kenb(&output(kasme), count), expected);
    }
}

/// KASME, algorithm, the last halves of KNASenc and KNASint: the test vectors of
/// OpenAirInterface (`test_secu_knas`).
#[test]
fn nas_keys_of_another_program() {
    let first = "70d7071aa016a087f9d888ad51f3a83e2c83443ab27843b35bd1b4923615091c";
    let second = "9ea141da4b24cdebc8f5fb3f61a0511216681f121199b23ebcfacc75b358be43";
    for (kasme, algorithm, enc, int) in [
        (first, 0, "63cb5bdd7fc21a38120637b2a9e5cd39", "df204187c61edd3aaa70f3b7d8b59e8b"),
        (first, 1, "9e59ed7564879150f6bb0daef5932e89", "ae172a3267343479caa826034a90a250"),
        (first, 2, "1cf7897f31d6270c19c4836070fe11f0", "1a4329fd23fd3a93c9d2d92d853ec9db"),
        (second, 1, "a824b9d699abe15f86f3346c25343a33", "f92ccd799141857b77b6901741e486b2"),
        (second, 2, "0c4dfb9f559dcbb71d5120db2cac66a6", "524bed1ed1601218d2772e55ddfad959"),
    ] {
        let kasme = output(kasme);
        is(&eps_algorithm_key(&kasme, KeyUse::NasEnc, algorithm), enc);
        is(&eps_algorithm_key(&kasme, KeyUse::NasInt, algorithm), int);
    }
}

/// The chain from CK and IK down to KgNB that `5g/keys` of github.com/frankurcrazy/helloworld
/// gives for the test algorithm; HXRES*, the NAS keys and NH under it were computed by an
/// independent implementation.
#[test]
fn five_g_keys_of_another_program() {
    let k = hex("000102030405060708090a0b0c0d0e0f");
    let challenge = vector(&Parameters::xor(k, 16).unwrap(), sqn("0000000000ff"), [0x90, 0x01], [0; 16]);
    is(&challenge.ck, "0102030405060708090a0b0c0d0e0f00");
    is(&challenge.ik, "02030405060708090a0b0c0d0e0f0001");
    let name = Plmn::parse("00101").unwrap().serving_network_name();
    let kausf = challenge.kausf(&name);
    is(&kausf, "20de4eb2b75c8dac301ad52773e2e37bd7b4b0c2fdb1c3751b98dd0df846aed5");
    let kseaf = kseaf(&kausf, &name);
    is(&kseaf, "d2bbc63b0c141247341c0fca3dc3bffdc6bfc1813489342de8487e7e4dc3728b");
    let kamf = kamf(&kseaf, "001010123456789", [0, 0]);
    is(&kamf, "7e9f97707cef48318df182a7f9e7ba838a6fb36ab83a7d1baf2610b97a5b9dcf");
    let kgnb = kgnb(&kamf, 0, AccessType::ThreeGpp);
    is(&kgnb, "617c2f3db714a5a10597591a25feb21a159ea7796109292b0b2ca579d9002b0c");
    let xres_star = challenge.xres_star(&name);
    assert_eq!(xres_star, hex("157248ef1b852f19c3e6a5e5bedb675c"));
    assert_eq!(hres_star(&[0; 16], &xres_star), hex("d089ab7e7b8b5ae8577fbad36c7e1217"));
    is(&five_g_algorithm_key(&kamf, KeyUse::NasEnc, 2), "1c3a9de3b2c556a000e18df333ec8cbb");
    is(&five_g_algorithm_key(&kamf, KeyUse::NasInt, 2), "425df2ab2139ed36baf2c30a641f94f9");
    is(&five_g_nh(&kamf, &kgnb), "9d0cc1b779988300eec09233069f1a9b27ef15747454ce7f7ec5255372678b5e");
    is(&nh(&kamf, &kgnb), "3781009acd5423a4bfdc1cdfa098986f6ced1782f043fb8b997240706ffd4469");
}

/// RFC 9048 Appendix C, case 1.
#[test]
fn eap_aka_prime() {
    let (ck, ik) = (output("5349fbe098649f948f5d2e973a81c00f"), output("9744871ad32bf9bbd1dd5ce54e3e2e5a"));
    let (ck, ik) = ck_ik_prime(&ck, &ik, "WLAN", hex("bb52e91c747a"));
    is(&ck, "0093962d0dd84aa5684b045c9edffa04");
    is(&ik, "ccfc230ca74fcc96c0a5d61164f5a76c");
}
