//! Against what others published: X9.63 and BSP vectors, and one complete
//! session built from the SGP.26 test certificates.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests, and what they share")]

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rsp_crypto::bsp::{BspError, SegmentTag};
use rsp_crypto::confirmation::ConfirmationCodeHash;
use rsp_crypto::ecka::x963_kdf;
use rsp_crypto::software::{OneTimeKey, SigningKey};
use rsp_crypto::{
    Bsp, Certificate, Curve, OneTimeKeyPair, PublicKey, SessionKeys, SharedSecret, Signature, Software,
};
use rsp_crypto::{ready, signature, software};
use serde_json::Value;
use tlv::{Reader, Tag, Tlv};
use vectors::bytes;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

type Provider = Software<ChaCha8Rng>;

fn provider() -> Provider {
    Software::new(ChaCha8Rng::seed_from_u64(22))
}

fn array<const N: usize>(text: &str) -> [u8; N] {
    bytes(text).try_into().unwrap()
}

/// RFC 4493 §4: AES-CMAC.
#[test]
fn cmac_of_rfc_4493() {
    let key = array("2b7e151628aed2a6abf7158809cf4f3c");
    let cases = [
        ("", "bb1d6929e95937287fa37d129b756746"),
        ("6bc1bee22e409f96e93d7e117393172a", "070a16b46b4d4144f79bdd9dd04a287c"),
        (
            "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411",
            "dfa66747de9ae63030ca32611497c827",
        ),
    ];
    for (message, mac) in cases {
        assert_eq!(software::cmac(&key, &bytes(message)).to_vec(), bytes(mac));
    }
}

/// NIST SP 800-38A §F.2.1: CBC-AES128, as one of several messages of different lengths.
#[test]
fn cbc_of_sp_800_38a_among_others() {
    let key = array("2b7e151628aed2a6abf7158809cf4f3c");
    let iv = array("000102030405060708090a0b0c0d0e0f");
    let plain = bytes(
        "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51
         30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710",
    );
    let cipher = bytes(
        "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2
         73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7",
    );
    let lengths = [64, 16, 48, 0, 64, 32, 16, 64, 48, 16, 64];
    let message = |length: &usize| (iv, plain[..*length].to_vec());
    let mut messages: Vec<_> = lengths.iter().map(message).collect();
    software::cbc_encrypt_each(&key, &mut messages).unwrap();
    for ((_, message), length) in messages.iter().zip(lengths) {
        assert_eq!(message[..], cipher[..length]);
    }
    let mut partial = [message(&16), (iv, vec![0; 17])];
    assert!(software::cbc_encrypt_each(&key, &mut partial).is_err());
}

/// RFC 6979 §A.2.5: P-256, SHA-256.
#[test]
fn signatures_of_rfc_6979() {
    let scalar = array("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721");
    let key = SigningKey::from_scalar(Curve::P256, &scalar).unwrap();
    let expected = "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716
                    f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8";
    let signed = key.sign(b"sample");
    assert_eq!(signed.0.to_vec(), bytes(expected));
    assert!(software::verify(&key.public_key(), b"sample", &signed));
    assert!(!software::verify(&key.public_key(), b"simple", &signed));
}

/// RFC 7027 §A.1: key agreement on brainpoolP256r1.
#[test]
fn agreement_of_rfc_7027() {
    let curve = Curve::BrainpoolP256r1;
    let party = |scalar: &str, point: &str| {
        let key = OneTimeKey::from_scalar(curve, &array(scalar)).unwrap();
        assert_eq!(key.public_key(), PublicKey::from_sec1(curve, &bytes(point)).unwrap());
        assert_eq!(*key.expose_scalar(), array(scalar));
        key
    };
    let a = party(
        "81DB1EE100150FF2EA338D708271BE38300CB54241D79950F77B063039804F1D",
        "04 44106E913F92BC02A1705D9953A8414DB95E1AAA49E81D9E85F929A8E3100BE5
            8AB4846F11CACCB73CE49CBDD120F5A900A69FD32C272223F789EF10EB089BDC",
    );
    let b = party(
        "55E40BC41E37E3E2AD25C3C6654511FFA8474A91A0032087593852D3E7D76BD3",
        "04 8D2D688C6CF93E1160AD04CC4429117DC2C41825E1E9FCA0ADDD34E6F1B39F7B
            990C57520812BE512641E47034832106BC7D3E8DD0E4C7F1136D7006547CEC6A",
    );
    let z = array("89AFC39D41D3B327814B80940B042590F96556EC91E6AE7939BCE31F3A18BF2B");
    assert_eq!(a.agree(&b.public_key()).unwrap().expose_x(), &z);
    assert_eq!(b.agree(&a.public_key()).unwrap().expose_x(), &z);
}

/// A key of brainpoolP256r1 made by OpenSSL 3.0.19 (`ecparam -genkey`), and its
/// signature over `MESSAGE` (`dgst -sha256 -sign`).
const BRAINPOOL_PEM: &str = "-----BEGIN EC PRIVATE KEY-----
MHgCAQEEIExhqL2duMsKffIwaZVVc/fcOnDoQrAXc+Nb4ieJVPzcoAsGCSskAwMC
CAEBB6FEA0IABHAU4LU8Jac/68zOJ15zlyyYphWHL3oM1ji9EndDn9JAOBfXHqYG
M0qzeOLZK4nMkE3CeMtdgKu/u4EbFBBvfZE=
-----END EC PRIVATE KEY-----
";
/// The same key by `pkcs8 -topk8 -nocrypt`.
const BRAINPOOL_PKCS8: &str =
    "308188020100301406072a8648ce3d020106092b2403030208010107046d306b02010104204c61a8bd9db8cb0a7df2
     3069955573f7dc3a70e842b01773e35be2278954fcdca144034200047014e0b53c25a73febccce275e73972c98a615
     872f7a0cd638bd1277439fd2403817d71ea606334ab378e2d92b89cc904dc278cb5d80abbfbb811b14106f7d91";
const MESSAGE: &[u8] = b"message on brainpoolP256r1";

#[test]
fn keys_and_signatures_of_openssl_on_brainpool() {
    let key = SigningKey::from_pem(BRAINPOOL_PEM).unwrap();
    let scalar = array("4c61a8bd9db8cb0a7df23069955573f7dc3a70e842b01773e35be2278954fcdc");
    assert_eq!((key.curve(), *key.expose_scalar()), (Curve::BrainpoolP256r1, scalar));
    let same = SigningKey::from_pkcs8_der(&bytes(BRAINPOOL_PKCS8)).unwrap();
    assert_eq!(same.public_key(), key.public_key());
    assert_eq!(key.expose_pkcs8_der().unwrap().to_vec(), bytes(BRAINPOOL_PKCS8));

    let theirs = signature::from_sig_value(&bytes(
        "3044022019a0f6b36a7289bcd402a38a7fdd73383ffbc7b0daf1c6ae4df4f564826e1267
             02205ef3cf1de19351dff0e3bd9d76afe048eec603888380697744a4464f8faa95a3",
    ))
    .unwrap();
    assert!(software::verify(&key.public_key(), MESSAGE, &theirs));
    assert!(!software::verify(&key.public_key(), b"another message", &theirs));
    // RFC 6979 with HMAC-SHA-256, computed apart from any library: 40 lines of integers.
    let ours = "8d1643c773ac8a1728db98804479f0a8e645e66e0bb0dce2821e1ddd6ce76496
                0c8c9316ca4e4e64125e242941cc6cce803f6472187fe2a25d91307257cb7541";
    assert_eq!(key.sign(MESSAGE).0.to_vec(), bytes(ours));
}

/// The same numbers are another key on another curve.
#[test]
fn curves_do_not_mix() {
    let provider = provider();
    let [p256, brainpool] = Curve::ALL.map(|curve| SigningKey::from_scalar(curve, &[7; 32]).unwrap());
    assert_ne!(p256.public_key(), brainpool.public_key());
    let signature = brainpool.sign(MESSAGE);
    assert!(software::verify(&brainpool.public_key(), MESSAGE, &signature));
    assert!(!software::verify(&p256.public_key(), MESSAGE, &signature));
    // The point of one curve under the name of the other.
    let point = *brainpool.public_key().as_bytes();
    let renamed = PublicKey::from_sec1(Curve::P256, &point).unwrap();
    assert!(!software::verify(&renamed, MESSAGE, &signature));
    let [own, other] = Curve::ALL.map(|curve| ready(OneTimeKeyPair::generate(&provider, curve)).unwrap());
    assert!(ready(own.agree(&provider, other.public())).unwrap().is_none());
    let renamed = PublicKey::from_sec1(Curve::P256, other.public().as_bytes()).unwrap();
    assert!(ready(own.agree(&provider, &renamed)).unwrap().is_none());
    // The order of P-256 is above that of brainpoolP256r1.
    let between = array("B000000000000000000000000000000000000000000000000000000000000000");
    assert!(SigningKey::from_scalar(Curve::P256, &between).is_some());
    assert!(SigningKey::from_scalar(Curve::BrainpoolP256r1, &between).is_none());
}

#[test]
fn zero_and_oversized_signatures_verify_nothing() {
    for curve in Curve::ALL {
        let key = SigningKey::from_scalar(curve, &[7; 32]).unwrap().public_key();
        for bytes in [[0; 64], [0xFF; 64]] {
            assert!(!software::verify(&key, b"", &Signature(bytes)));
        }
    }
}

#[test]
fn a_point_off_the_curve_agrees_on_nothing() {
    let provider = provider();
    for curve in Curve::ALL {
        let pair = ready(OneTimeKeyPair::generate(&provider, curve)).unwrap();
        assert_eq!(pair.public().curve(), curve);
        let mut point = *pair.public().as_bytes();
        point[64] ^= 1;
        let off = PublicKey::from_sec1(curve, &point).unwrap();
        assert!(ready(pair.agree(&provider, &off)).unwrap().is_none());
        assert!(!software::verify(&off, b"", &Signature([1; 64])));
        assert!(PublicKey::from_sec1(curve, &point[..64]).is_none());
        point[0] = 0x02;
        assert!(PublicKey::from_sec1(curve, &point).is_none());
    }
}

#[test]
fn x963_vectors_of_nist() {
    let Some(file) = vectors::read("vectors-x963-kdf.json") else { return };
    let json: Value = serde_json::from_slice(&file).unwrap();
    let cases = json["cases"].as_array().unwrap();
    assert!(cases.len() >= 6);
    for case in cases {
        let field = |name: &str| bytes(case[name].as_str().unwrap());
        let length = case["key_data_len"].as_u64().unwrap() as usize;
        let data = ready(x963_kdf(&provider(), &field("Z"), &field("SharedInfo"), length)).unwrap();
        assert_eq!(*data, field("key_data"));
    }
}

/// Unit tests of pySim (`BSP_Test`, and `BSP_Test_mode51`, whose values were
/// logged from an SM-DP+).
#[test]
fn session_keys_of_pysim() {
    let cases = [
        [
            "8902dca391bbb22570fe60c176076246f568b1941265dff1d729e63039658089",
            "89049032123451234512345678901335",
            "734bc93ddb10c71c5ad13d420dc08b5b",
            "d782d575b22a38334556a3d9a1e2ae6b",
            "a35addc192ae8f934e2932116c7e89e7",
        ],
        [
            "c9a993dd4879a8f7161f2085410edd4f9652f1df37be097ba96ba2ca6be528fe",
            "89049032123451234512345678901235",
            "406d507b448a699e7a36a38494debbde",
            "472f5bfadd97f21d34f3ce9b51b92751",
            "9ec07f5b36a13e12a991d66e294e6242",
        ],
    ];
    for [z, eid, mcv, enc, mac] in cases {
        let secret = SharedSecret::from_x(array(z));
        let keys =
            ready(SessionKeys::derive(&provider(), &secret, &[0x80; 8], &eid.parse().unwrap())).unwrap();
        assert_eq!(keys.expose(), [&array(mcv), &array(enc), &array(mac)]);
    }
}

/// Three segments of one channel of pySim's unit test `BSP_Test_mode51`: payload, segment.
const PYSIM: [(SegmentTag, &str, &str); 3] = [
    (SegmentTag::Command, "bf2400", "8718f6fe031e4b9cfe87c8e1e62f3fde85c49412d7722a6a2d89"),
    (
        SegmentTag::Metadata,
        "bf252d5a0a98001032547698103214910947534d415f54455354921147534d415f544553545f50524f46494c45950100",
        "8838bf252d5a0a98001032547698103214910947534d415f54455354921147534d415f544553545f50524f46494c45950100
         8a62cc9adbb5ccbc",
    ),
    (
        SegmentTag::Command,
        "bf26368010000102030405060708090a0b0c0d0e0f8110010102030405060708090a0b0c0d0e0f
         8210020102030405060708090a0b0c0d0e0f",
        "8748a14c800a001992351cd46ad2945654674369701d82b7b46567652bc8fbed234939fc57fba748015525fd6c651e9d3d13
         30652d42a0cfad950e912122af4ec5362d3c0bc535729c40",
    ),
];

fn pysim_channel() -> Bsp {
    Bsp::new(SessionKeys::new(
        array("406d507b448a699e7a36a38494debbde"),
        array("472f5bfadd97f21d34f3ce9b51b92751"),
        array("9ec07f5b36a13e12a991d66e294e6242"),
    ))
}

#[test]
fn segments_of_pysim() {
    let (mut server, mut chip) = (pysim_channel(), pysim_channel());
    for (tag, payload, segment) in PYSIM {
        assert_eq!(ready(server.seal(&provider(), tag, &bytes(payload))).unwrap(), bytes(segment));
        let (opened, plain) = ready(chip.open(&provider(), &bytes(segment))).unwrap();
        assert_eq!((opened, &*plain), (tag, &bytes(payload)));
    }
}

#[test]
fn every_bit_of_a_segment_is_protected() {
    for index in 0..PYSIM.len() {
        let good = bytes(PYSIM[index].2);
        for bit in 0..good.len() * 8 {
            let mut chip = pysim_channel();
            for (_, _, before) in &PYSIM[..index] {
                ready(chip.open(&provider(), &bytes(before))).unwrap();
            }
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let error = ready(chip.open(&provider(), &bad)).unwrap_err();
            // What no longer is a segment is malformed; anything else is not authentic.
            let expected = match Tlv::single(&bad) {
                Ok(tlv) if SegmentTag::from_tag(tlv.tag).is_some() => BspError::Security,
                _ => BspError::Structure,
            };
            assert_eq!(error, expected, "bit {bit} of segment {index}");
            // No second guess, not even the right one.
            assert_eq!(ready(chip.open(&provider(), &good)).unwrap_err(), BspError::Security);
        }
    }
}

#[test]
fn segments_out_of_order_are_not_authentic() {
    let mut chip = pysim_channel();
    assert_eq!(ready(chip.open(&provider(), &bytes(PYSIM[1].2))).unwrap_err(), BspError::Security);
    let mut chip = pysim_channel();
    ready(chip.open(&provider(), &bytes(PYSIM[0].2))).unwrap();
    assert_eq!(ready(chip.open(&provider(), &bytes(PYSIM[0].2))).unwrap_err(), BspError::Security);
}

#[test]
fn authentic_segments_with_bad_padding_are_malformed() {
    let keys = [[1; 16], [2; 16], [3; 16]];
    for plain in ["00000000000000000000000000000000", "81000000000000000000000000000000", ""] {
        let mut body = bytes(plain);
        let mut icv = [0; 16];
        icv[15] = 1;
        software::cbc_encrypt(&keys[1], &[0; 16], &mut icv).unwrap();
        software::cbc_encrypt(&keys[1], &icv, &mut body).unwrap();
        let mut segment = vec![0x86, body.len() as u8 + 8];
        segment.extend(&body);
        let mac = software::cmac(&keys[2], &[&keys[0][..], &segment].concat());
        segment.extend(&mac[..8]);
        let mut chip = Bsp::new(SessionKeys::new(keys[0], keys[1], keys[2]));
        assert_eq!(ready(chip.open(&provider(), &segment)).unwrap_err(), BspError::Structure, "{plain:?}");
    }
}

#[test]
fn segments_keep_their_size() {
    for tag in [SegmentTag::Command, SegmentTag::Metadata, SegmentTag::ProfileElements] {
        let full = vec![0x5A; tag.capacity()];
        let segment = ready(pysim_channel().seal(&provider(), tag, &full)).unwrap();
        assert_eq!(segment.len(), 1020);
        assert_eq!(*ready(pysim_channel().open(&provider(), &segment)).unwrap().1, full);
        let more = vec![0x5A; tag.capacity() + 1];
        assert_eq!(ready(pysim_channel().seal(&provider(), tag, &more)).unwrap_err(), BspError::TooLong);
        let parts = ready(pysim_channel().seal_all(&provider(), tag, &more)).unwrap();
        assert_eq!(parts.len(), 2);
    }
    let huge = tlv::encode(Tag(0x88), &[0; 2000]);
    assert_eq!(ready(pysim_channel().open(&provider(), &huge)).unwrap_err(), BspError::Structure);
}

#[test]
fn parts_are_the_segments_one_after_the_other() {
    let payload: Vec<u8> = (0..9000_u32).map(|at| (at * 7 + at / 256) as u8).collect();
    for tag in [SegmentTag::Command, SegmentTag::Metadata, SegmentTag::ProfileElements] {
        let (mut one, mut other) = (pysim_channel(), pysim_channel());
        let together = ready(one.seal_all(&provider(), tag, &payload)).unwrap();
        assert!(together.len() > 8);
        for (part, segment) in payload.chunks(tag.capacity()).zip(&together) {
            assert_eq!(ready(other.seal(&provider(), tag, part)).unwrap(), *segment);
        }
        let next = SegmentTag::Command;
        assert_eq!(ready(one.seal(&provider(), next, &[1])), ready(other.seal(&provider(), next, &[1])));
        assert!(ready(one.seal_all(&provider(), tag, &[])).unwrap().is_empty());
    }
}

struct Session {
    json: Value,
}

impl Session {
    fn read() -> Option<Self> {
        let json = serde_json::from_slice(&vectors::read("data/rsp-session/session.json")?).unwrap();
        Some(Self { json })
    }

    fn get(&self, name: &str) -> Vec<u8> {
        bytes(self.json[name].as_str().unwrap_or_else(|| panic!("{name} is not in the session")))
    }

    fn input(&self, name: &str) -> Vec<u8> {
        bytes(self.json["inputs"][name].as_str().unwrap())
    }

    fn signature(&self, name: &str) -> Signature {
        Signature::decode(&self.get(name)).unwrap()
    }
}

fn signing_key(file: &str) -> Option<SigningKey> {
    let pem = String::from_utf8(vectors::read(&format!("data/sgp26-certs/{file}"))?).unwrap();
    Some(SigningKey::from_pem(&pem).unwrap())
}

fn certificate(file: &str) -> Option<Certificate> {
    Some(Certificate::from_der(&vectors::read(&format!("data/sgp26-certs/{file}"))?).unwrap())
}

#[test]
fn signatures_of_the_session() {
    let Some(session) = Session::read() else { return };
    let Some(dp_auth) = signing_key("DPauth/SK_S_SM_DPauth_ECDSA_NIST.pem") else { return };
    let Some(dp_pb) = signing_key("DPpb/SK_S_SM_DPpb_ECDSA_NIST.pem") else { return };
    let Some(euicc) = signing_key("eUICC/SK_EUICC_ECDSA_NIST.pem") else { return };
    let Some(dp_auth_cert) = certificate("DPauth/CERT_S_SM_DPauth_ECDSA_NIST.der") else { return };
    let Some(dp_pb_cert) = certificate("DPpb/CERT_S_SM_DPpb_ECDSA_NIST.der") else { return };
    let Some(euicc_cert) = certificate("eUICC/CERT_EUICC_ECDSA_NIST.der") else { return };
    for (key, certificate) in [(&dp_auth, &dp_auth_cert), (&dp_pb, &dp_pb_cert), (&euicc, &euicc_cert)] {
        assert_eq!(certificate.public_key(), Some(&key.public_key()));
    }

    let check = |key: &SigningKey, message: Vec<u8>, expected: Signature| {
        assert_eq!(key.sign(&message), expected);
        assert!(software::verify(&key.public_key(), &message, &expected));
    };
    let get = |name: &str| session.get(name);
    let euicc_signature1 = session.signature("euiccSignature1_TLV");
    check(
        &dp_auth,
        signature::server_signature1(&get("serverSigned1")),
        session.signature("serverSignature1_TLV"),
    );
    check(&euicc, signature::euicc_signature1(&get("euiccSigned1")), euicc_signature1);
    for variant in ["", "_cc"] {
        let smdp_signature2 = session.signature(&format!("smdpSignature2_TLV{variant}"));
        let smdp_signed2 = get(&format!("smdpSigned2{variant}"));
        check(&dp_pb, signature::smdp_signature2(&smdp_signed2, &euicc_signature1), smdp_signature2);
        let euicc_signed2 = get(&format!("euiccSigned2{variant}"));
        let euicc_signature2 = session.signature(&format!("euiccSignature2_TLV{variant}"));
        check(&euicc, signature::euicc_signature2(&euicc_signed2, &smdp_signature2), euicc_signature2);
    }

    let secure_channel = get("InitialiseSecureChannelRequest");
    let components = Tlv::single_of(&secure_channel, Tag(0xBF23)).unwrap().value;
    let (components, smdp_sign) = components.split_at(components.len() - 67);
    let otpk = PublicKey::from_sec1(Curve::P256, &session.input("otPK_EUICC")).unwrap();
    let covered = signature::smdp_sign(components, &otpk);
    assert_eq!(covered, get("smdpSign_input"));
    check(&dp_pb, covered, Signature::decode(smdp_sign).unwrap());

    // The signature is the last component of these.
    for result in ["ProfileInstallationResult_ok", "ProfileInstallationResult_err"] {
        let result = get(result);
        let fields = &mut Tlv::single(&result).unwrap().fields();
        let data = fields.required(Tag(0xBF27)).unwrap();
        let sign_pir = Signature::decode(fields.required(Tag(0x5F37)).unwrap().raw).unwrap();
        check(&euicc, signature::euicc_sign_pir(data.raw), sign_pir);
    }
    let notification = get("OtherSignedNotification");
    let fields = &mut Tlv::single(&notification).unwrap().fields();
    let tbs = fields.required(Tag(0xBF2F)).unwrap();
    assert_eq!(tbs.raw, get("tbsOtherNotification"));
    let signed = Signature::decode(fields.required(Tag(0x5F37)).unwrap().raw).unwrap();
    check(&euicc, signature::euicc_notification_signature(tbs.raw), signed);

    let response = get("CancelSessionResponse");
    let ok = Tlv::single(&response).unwrap().reader().expect(Tag(0xA0)).unwrap();
    let signed = Signature::decode(ok.fields().required(Tag(0x5F37)).unwrap().raw).unwrap();
    check(&euicc, signature::euicc_cancel_session_signature(&get("euiccCancelSessionSigned")), signed);
}

#[test]
fn confirmation_code_of_the_session() {
    let Some(session) = Session::read() else { return };
    let code = session.json["inputs"]["confirmationCode"].as_str().unwrap();
    let tid = session.input("transactionId");
    let hash = ready(ConfirmationCodeHash::of(&provider(), code)).unwrap();
    assert_eq!(hash.expose_hash().to_vec(), session.get("SHA256_of_confirmationCode"));
    let hash_cc = ready(hash.hash_cc(&provider(), &tid)).unwrap();
    assert_eq!(hash_cc.to_vec(), session.get("hashCc"));
    assert!(ready(hash.confirms(&provider(), &tid, &hash_cc)).unwrap());
    assert!(!ready(hash.confirms(&provider(), &[0; 16], &hash_cc)).unwrap());
    assert!(!ready(hash.confirms(&provider(), &tid, &hash_cc[..31])).unwrap());
}

#[test]
fn keys_of_the_session() {
    let Some(session) = Session::read() else { return };
    let pair = |name: &str| {
        let scalar = session.input(&format!("otSK_{name}")).try_into().unwrap();
        let secret = OneTimeKey::from_scalar(Curve::P256, &scalar).unwrap();
        let public = PublicKey::from_sec1(Curve::P256, &session.input(&format!("otPK_{name}"))).unwrap();
        assert_eq!(secret.public_key(), public);
        OneTimeKeyPair::<Provider>::from_parts(secret, public)
    };
    let (dp, euicc) = (pair("DP"), pair("EUICC"));
    for (own, peer) in [(&dp, &euicc), (&euicc, &dp)] {
        let z = ready(own.agree(&provider(), peer.public())).unwrap().unwrap();
        assert_eq!(z.expose_x().to_vec(), session.get("ECKA_Z"));
        let eid = session.json["inputs"]["EID"].as_str().unwrap().parse().unwrap();
        let keys = ready(SessionKeys::derive(&provider(), &z, &session.input("hostId"), &eid)).unwrap();
        let expected =
            ["mcv", "senc", "smac"].map(|name| array(session.json["BSP_keys"][name].as_str().unwrap()));
        assert_eq!(keys.expose(), [&expected[0], &expected[1], &expected[2]]);
    }
}

/// Opens the package as a chip does, seals it again as a server does, and
/// compares: every segment, with session keys and with profile protection keys.
#[test]
fn packages_of_the_session() {
    let Some(session) = Session::read() else { return };
    let key = |path: &[&str]| {
        let value = path.iter().fold(&session.json, |value, name| &value[name]);
        array(value.as_str().unwrap())
    };
    let session_keys =
        SessionKeys::new(key(&["BSP_keys", "mcv"]), key(&["BSP_keys", "senc"]), key(&["BSP_keys", "smac"]));
    let ppk = SessionKeys::new(
        key(&["ppk", "initialMacChainingValue"]),
        key(&["ppk", "ppkEnc"]),
        key(&["ppk", "ppkCmac"]),
    );
    let mut profiles = Vec::new();
    for form in ["session", "ppk"] {
        let Some(package) = vectors::read(&format!("data/rsp-session/BoundProfilePackage_{form}.der")) else {
            return;
        };
        let mut parts = Tlv::single_of(&package, Tag(0xBF36)).unwrap().reader();
        assert_eq!(parts.expect(Tag(0xBF23)).unwrap().raw, session.get("InitialiseSecureChannelRequest"));
        let (mut chip, mut server) = (Bsp::new(session_keys.clone()), Bsp::new(session_keys.clone()));
        let mut payload_of = |part: Tlv<'_>| {
            let mut payload = Vec::new();
            let mut tag = None;
            let mut segments = Vec::new();
            let mut reader = part.reader();
            while let Some(segment) = reader.next().unwrap() {
                let (opened, plain) = ready(chip.open(&provider(), segment.raw)).unwrap();
                assert_eq!(*tag.get_or_insert(opened), opened);
                payload.extend_from_slice(&plain);
                segments.push(segment.raw.to_vec());
            }
            assert_eq!(ready(server.seal_all(&provider(), tag.unwrap(), &payload)).unwrap(), segments);
            if payload == session.get("ReplaceSessionKeysRequest") {
                chip.replace_session_keys(ppk.clone());
                server.replace_session_keys(ppk.clone());
            }
            (payload, segments)
        };
        assert_eq!(payload_of(parts.expect(Tag(0xA0)).unwrap()).0, session.get("ConfigureISDPRequest"));
        assert_eq!(payload_of(parts.expect(Tag(0xA1)).unwrap()).0, session.get("profileMetadata"));
        if form == "ppk" {
            assert_eq!(
                payload_of(parts.expect(Tag(0xA2)).unwrap()).0,
                session.get("ReplaceSessionKeysRequest")
            );
        }
        let (profile, segments) = payload_of(parts.expect(Tag(0xA3)).unwrap());
        parts.end().unwrap();
        let lengths: Vec<usize> = segments.iter().map(Vec::len).collect();
        let expected = &session.json[format!("segment_lengths_86_{form}")];
        assert_eq!(serde_json::to_value(lengths).unwrap(), *expected);
        assert_eq!(segments[0], session.get(&format!("first_86_segment_{form}")));
        assert_eq!(segments[segments.len() - 1], session.get(&format!("last_86_segment_{form}")));
        profiles.push(profile);
    }
    assert_eq!(profiles[0], profiles[1]);
    // A whole stream of profile elements: the header first, the end element last.
    let mut elements = Reader::new(&profiles[0]);
    let mut tags = Vec::new();
    while let Some(element) = elements.next().unwrap() {
        tags.push(element.tag.0);
    }
    assert_eq!((tags.first(), tags.last()), (Some(&0xA0), Some(&0xAA)));
    // The same test profile as published, but for elements that were taken out.
    if let Some(published) = vectors::read("data/ts48-v7/TS48v7_eSIM_GTP_SAIP2.3_NoBERTLV.der") {
        let list = |bytes: &[u8]| {
            let (mut reader, mut list) = (Reader::new(bytes), Vec::new());
            while let Some(element) = reader.next().unwrap() {
                list.push(element.raw.to_vec());
            }
            list
        };
        let (ours, theirs) = (list(&profiles[0]), list(&published));
        let shared = ours.iter().filter(|element| theirs.contains(element)).count();
        eprintln!(
            "{shared} of {} elements are those of the published profile ({})",
            ours.len(),
            theirs.len()
        );
        assert!(shared * 2 > ours.len());
    }
}
