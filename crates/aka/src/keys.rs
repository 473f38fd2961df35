//! The keys below CK and IK: EPS (TS 33.401 Annex A), 5G (TS 33.501 Annex A) and those of
//! EAP-AKA' (TS 33.402 Annex A).
//!
//! ```text
//!  CK, IK ─► KASME ─► KNASenc, KNASint            EPS
//!              └────► KeNB ─► NH, KRRC…, KUP…
//!  CK, IK ─► KAUSF ─► KSEAF ─► KAMF ─► KNAS…      5G
//!                                └───► KgNB ─► NH, KRRC…, KUP…
//! ```

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::Rand;
use crate::kdf::{Plmn, kdf};
use crate::output::{Output, part};

/// What an algorithm key is for: the algorithm type distinguisher, the same in EPS and 5G
/// (TS 33.401 table A.7-1, TS 33.501 table A.8-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyUse {
    /// Ciphering of NAS messages: KNASenc.
    NasEnc = 1,
    /// Integrity of NAS messages: KNASint.
    NasInt = 2,
    /// Ciphering of RRC messages: KRRCenc.
    RrcEnc = 3,
    /// Integrity of RRC messages: KRRCint.
    RrcInt = 4,
    /// Ciphering of user data: KUPenc.
    UpEnc = 5,
    /// Integrity of user data: KUPint.
    UpInt = 6,
}

/// By which access a KgNB or KN3IWF is derived (TS 33.501 §A.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessType {
    /// 3GPP access: KgNB.
    ThreeGpp = 1,
    /// Any other: KN3IWF.
    NonThreeGpp = 2,
}

/// KASME of the serving network `plmn` (TS 33.401 §A.2).
#[must_use]
pub fn kasme(ck: &Output, ik: &Output, plmn: Plmn, concealed_sqn: [u8; 6]) -> Output {
    kdf(&joined(ck, ik), 0x10, &[&plmn.to_bytes(), &concealed_sqn])
}

/// KeNB for the uplink NAS COUNT of the message that set the bearers up (TS 33.401 §A.3).
#[must_use]
pub fn kenb(kasme: &Output, uplink_count: u32) -> Output {
    kdf(kasme.expose_bytes(), 0x11, &[&uplink_count.to_be_bytes()])
}

/// The next NH; `sync` is KeNB for the first, the NH before for every other (TS 33.401 §A.4).
#[must_use]
pub fn nh(kasme: &Output, sync: &Output) -> Output {
    kdf(kasme.expose_bytes(), 0x12, &[sync.expose_bytes()])
}

/// The 16 bytes for an EPS algorithm: `algorithm` is its identity, such as 2 for 128-EEA2
/// (TS 33.401 §A.7). `key` is KASME for NAS and KeNB for the rest.
#[must_use]
pub fn eps_algorithm_key(key: &Output, key_use: KeyUse, algorithm: u8) -> Output {
    algorithm_key(key, 0x15, key_use, algorithm)
}

/// KAUSF of the serving network's name (TS 33.501 §A.2; [`Plmn::serving_network_name`]).
#[must_use]
pub fn kausf(ck: &Output, ik: &Output, serving_network: &str, concealed_sqn: [u8; 6]) -> Output {
    kdf(&joined(ck, ik), 0x6A, &[serving_network.as_bytes(), &concealed_sqn])
}

/// RES* or XRES* (TS 33.501 §A.4).
#[must_use]
pub fn res_star(ck: &Output, ik: &Output, serving_network: &str, rand: &Rand, res: &Output) -> [u8; 16] {
    let derived = kdf(&joined(ck, ik), 0x6B, &[serving_network.as_bytes(), rand, res.expose_bytes()]);
    part(derived.expose_bytes(), 16)
}

/// HRES* of a RES*, HXRES* of an XRES*: what the visited network compares (TS 33.501 §A.5).
#[must_use]
pub fn hres_star(rand: &Rand, res_star: &[u8; 16]) -> [u8; 16] {
    let digest = Sha256::new().chain_update(rand).chain_update(res_star).finalize();
    part(&digest, 16)
}

/// KSEAF (TS 33.501 §A.6).
#[must_use]
pub fn kseaf(kausf: &Output, serving_network: &str) -> Output {
    kdf(kausf.expose_bytes(), 0x6C, &[serving_network.as_bytes()])
}

/// KAMF (TS 33.501 §A.7.0). Of a SUPI that is an IMSI, `supi` is its digits; `abba` is
/// `0000` in the releases that there are (§A.7.1).
#[must_use]
pub fn kamf(kseaf: &Output, supi: &str, abba: [u8; 2]) -> Output {
    kdf(kseaf.expose_bytes(), 0x6D, &[supi.as_bytes(), &abba])
}

/// The 16 bytes for a 5G algorithm: `algorithm` is its identity, such as 2 for 128-NEA2
/// (TS 33.501 §A.8). `key` is KAMF for NAS and KgNB for the rest.
#[must_use]
pub fn five_g_algorithm_key(key: &Output, key_use: KeyUse, algorithm: u8) -> Output {
    algorithm_key(key, 0x69, key_use, algorithm)
}

/// KgNB or KN3IWF for an uplink NAS COUNT (TS 33.501 §A.9).
#[must_use]
pub fn kgnb(kamf: &Output, uplink_count: u32, access: AccessType) -> Output {
    kdf(kamf.expose_bytes(), 0x6E, &[&uplink_count.to_be_bytes(), &[access as u8]])
}

/// The next NH of 5G; `sync` is KgNB for the first, the NH before for every other
/// (TS 33.501 §A.10).
#[must_use]
pub fn five_g_nh(kamf: &Output, sync: &Output) -> Output {
    kdf(kamf.expose_bytes(), 0x6F, &[sync.expose_bytes()])
}

/// CK' and IK' of EAP-AKA' for the access network's name (TS 33.402 §A.2, RFC 9048 §3.3).
#[must_use]
pub fn ck_ik_prime(ck: &Output, ik: &Output, network: &str, concealed_sqn: [u8; 6]) -> (Output, Output) {
    let derived = kdf(&joined(ck, ik), 0x20, &[network.as_bytes(), &concealed_sqn]);
    let half = |from| Output::new(&Zeroizing::new(part::<16>(derived.expose_bytes(), from))[..]);
    (half(0), half(16))
}

/// The low 128 bits of what the algorithm's identity derives.
fn algorithm_key(key: &Output, fc: u8, key_use: KeyUse, algorithm: u8) -> Output {
    let derived = kdf(key.expose_bytes(), fc, &[&[key_use as u8], &[algorithm]]);
    Output::new(&Zeroizing::new(part::<16>(derived.expose_bytes(), 16))[..])
}

fn joined(ck: &Output, ik: &Output) -> Zeroizing<Vec<u8>> {
    Zeroizing::new([ck.expose_bytes(), ik.expose_bytes()].concat())
}
