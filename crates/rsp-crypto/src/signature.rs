//! Signatures and the exact bytes they cover (SGP.22 §5.7, BSI TR-03111).
//!
//! Every function here takes data objects as they were received (tag, length and
//! value) and returns what the signature is computed over. Where the signature of
//! the peer is part of it, its tag and length are too.

pub use rsp::auth::Signature;
use tlv::{Tag, Tlv};

use crate::PublicKey;

/// The tag of every one-time public key: `5F49`.
const ONE_TIME_PUBLIC_KEY: Tag = Tag(0x5F49);

/// From the `ECDSA-Sig-Value` of a certificate (RFC 3279 §2.2.3); `None` when it
/// is none, or when a number needs more than 32 bytes.
#[must_use]
pub fn from_sig_value(der: &[u8]) -> Option<Signature> {
    let mut reader = Tlv::single_of(der, Tag::SEQUENCE).ok()?.reader();
    let mut plain = [0; 64];
    for half in plain.chunks_exact_mut(32) {
        let number = reader.expect(Tag::INTEGER).ok()?.value;
        let digits = match number {
            [0, rest @ ..] if !rest.is_empty() => rest,
            [first, ..] if *first < 0x80 => number,
            _ => return None,
        };
        half.get_mut(32usize.checked_sub(digits.len())?..)?.copy_from_slice(digits);
    }
    reader.end().ok()?;
    Some(Signature(plain))
}

/// As the `ECDSA-Sig-Value` of a certificate.
#[must_use]
pub fn to_sig_value(signature: &Signature) -> Vec<u8> {
    tlv::Writer::new()
        .nested(Tag::SEQUENCE, |sequence| {
            for half in signature.0.chunks_exact(32) {
                let start = half.iter().position(|&byte| byte != 0).unwrap_or(31);
                let digits = &half[start..];
                if digits[0] & 0x80 == 0 {
                    sequence.tlv(Tag::INTEGER, digits);
                } else {
                    sequence.tlv(Tag::INTEGER, &[&[0], digits].concat());
                }
            }
        })
        .finish()
}

/// `serverSignature1` covers `serverSigned1` (SGP.22 §5.7.13).
#[must_use]
pub fn server_signature1(server_signed1: &[u8]) -> Vec<u8> {
    server_signed1.to_vec()
}

/// `euiccSignature1` covers `euiccSigned1` (SGP.22 §5.7.13).
#[must_use]
pub fn euicc_signature1(euicc_signed1: &[u8]) -> Vec<u8> {
    euicc_signed1.to_vec()
}

/// `smdpSignature2` covers `smdpSigned2` and the data object `euiccSignature1`
/// (SGP.22 §5.7.5).
#[must_use]
pub fn smdp_signature2(smdp_signed2: &[u8], euicc_signature1: &Signature) -> Vec<u8> {
    [smdp_signed2, &euicc_signature1.to_tlv()].concat()
}

/// `euiccSignature2` covers `euiccSigned2` and the data object `smdpSignature2`
/// (SGP.22 §5.7.5).
#[must_use]
pub fn euicc_signature2(euicc_signed2: &[u8], smdp_signature2: &Signature) -> Vec<u8> {
    [euicc_signed2, &smdp_signature2.to_tlv()].concat()
}

/// `smdpSign` of `InitialiseSecureChannelRequest` covers its other components
/// and the one-time public key of the eUICC (SGP.22 §5.5.1).
///
/// `components`: the data objects in front of the signature (`82`, `80`, `A6`,
/// `5F49`), as received: `rsp::bpp::InitialiseSecureChannel::signed_bytes`.
#[must_use]
pub fn smdp_sign(components: &[u8], euicc_one_time_key: &PublicKey) -> Vec<u8> {
    let otpk = tlv::encode(ONE_TIME_PUBLIC_KEY, euicc_one_time_key.as_bytes());
    [components, &otpk].concat()
}

/// `euiccSignPIR` covers `profileInstallationResultData`, `BF27`
/// (SGP.22 §2.5.6).
#[must_use]
pub fn euicc_sign_pir(profile_installation_result_data: &[u8]) -> Vec<u8> {
    profile_installation_result_data.to_vec()
}

/// `euiccNotificationSignature` covers `tbsOtherNotification`, `BF2F`
/// (SGP.22 §4.1.5 and §5.7.10).
#[must_use]
pub fn euicc_notification_signature(tbs_other_notification: &[u8]) -> Vec<u8> {
    tbs_other_notification.to_vec()
}

/// `euiccCancelSessionSignature` covers `euiccCancelSessionSigned`
/// (SGP.22 §5.7.14).
#[must_use]
pub fn euicc_cancel_session_signature(euicc_cancel_session_signed: &[u8]) -> Vec<u8> {
    euicc_cancel_session_signed.to_vec()
}
