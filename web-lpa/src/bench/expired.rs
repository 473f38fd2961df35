//! A chip's certificate in a message, and one for the same key that has expired in its place.

use rsp::es9::Base64;
use serde_json::Value;
use tlv::{Tag, Tlv, Writer};

/// Member of `ES9+.AuthenticateClient` with the chip's answer (SGP.22 §6.5.2.8).
const MEMBER: &str = "authenticateServerResponse";
/// `AuthenticateServerResponse`, and in it `authenticateResponseOk` (SGP.22 §5.7.13).
const RESPONSE: Tag = Tag(0xBF38);
const OK: Tag = Tag(0xA0);

/// Certificates in a document that a laboratory makes a chip with, one for each Certificate Issuer.
#[must_use]
pub fn certificates(document: &[u8]) -> Vec<Vec<u8>> {
    let Ok(document) = serde_json::from_slice::<Value>(document) else { return Vec::new() };
    let others = document["identities"].as_array().map_or(&[][..], Vec::as_slice);
    std::iter::once(&document)
        .chain(others)
        .filter_map(|identity| serde_json::from_value::<Base64>(identity["euiccCertificate"].clone()).ok())
        .map(|certificate| certificate.0)
        .collect()
}

/// Puts the one of `expired` that is for the chip's key in the place of the chip's certificate in
/// the body of a request; `false` where there is none for it.
pub fn replace(body: &mut Vec<u8>, expired: &[Vec<u8>]) -> bool {
    let replaced = || {
        let mut json: Value = serde_json::from_slice(body).ok()?;
        let member = json.get_mut(MEMBER)?;
        let answer: Base64 = serde_json::from_value(member.clone()).ok()?;
        *member = serde_json::to_value(Base64(in_answer(&answer.0, expired)?)).ok()?;
        serde_json::to_vec(&json).ok()
    };
    let Some(replaced) = replaced() else { return false };
    *body = replaced;
    true
}

fn in_answer(answer: &[u8], expired: &[Vec<u8>]) -> Option<Vec<u8>> {
    let answer = Tlv::single_of(answer, RESPONSE).ok()?;
    let ok = Tlv::single_of(answer.value, OK).ok()?;
    let mut parts = Vec::new();
    let mut reader = ok.reader();
    let mut found = false;
    while let Some(part) = reader.next().ok()? {
        let other = (!found).then(|| of_same_key(part.raw, expired)).flatten();
        found |= other.is_some();
        parts.extend_from_slice(other.unwrap_or(part.raw));
    }
    let mut writer = Writer::new();
    writer.nested(RESPONSE, |w| {
        w.tlv(OK, &parts);
    });
    found.then(|| writer.finish())
}

fn of_same_key<'a>(certificate: &[u8], others: &'a [Vec<u8>]) -> Option<&'a [u8]> {
    let key = key(certificate)?;
    others.iter().map(Vec::as_slice).find(|other| self::key(other) == Some(key))
}

/// `subjectPublicKeyInfo` of a certificate (RFC 5280 §4.1).
fn key(certificate: &[u8]) -> Option<&[u8]> {
    let certificate = Tlv::single_of(certificate, Tag::SEQUENCE).ok()?;
    let tbs = certificate.reader().expect(Tag::SEQUENCE).ok()?;
    let mut fields = tbs.reader();
    let mut sequences = 0;
    while let Some(field) = fields.next().ok()? {
        sequences += u8::from(field.tag == Tag::SEQUENCE);
        // signature, issuer, validity, subject, and then the key.
        if sequences == 5 {
            return Some(field.raw);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    /// A certificate's outline: serial number and key tell one from another.
    fn certificate(serial: u8, key: u8) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.nested(Tag::SEQUENCE, |w| {
            w.nested(Tag::SEQUENCE, |w| {
                w.tlv(Tag(0xA0), &[2, 1, 2]).tlv(Tag(0x02), &[serial]);
                for _ in 0..4 {
                    w.tlv(Tag::SEQUENCE, &[]);
                }
                w.tlv(Tag::SEQUENCE, &[4, 1, key]);
            });
        });
        writer.finish()
    }

    fn body(euicc: &[u8], eum: &[u8]) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.nested(RESPONSE, |w| {
            w.nested(OK, |w| {
                w.tlv(Tag::SEQUENCE, &[0x80, 1, 7]).tlv(Tag(0x5F37), &[9; 64]).raw(euicc).raw(eum);
            });
        });
        serde_json::to_vec(&serde_json::json!({ "transactionId": "00", MEMBER: Base64(writer.finish()) }))
            .unwrap()
    }

    #[test]
    fn only_the_certificate_of_that_key_is_replaced() {
        let (own, eum) = (certificate(1, 1), certificate(2, 2));
        let expired = [certificate(8, 8), certificate(9, 1)];
        let mut sent = body(&own, &eum);
        assert!(replace(&mut sent, &expired));
        assert_eq!(sent, body(&expired[1], &eum));
        let mut of_another_chip = body(&certificate(1, 5), &eum);
        let before = of_another_chip.clone();
        assert!(!replace(&mut of_another_chip, &expired));
        assert_eq!(of_another_chip, before);
    }

    #[test]
    fn what_is_no_such_message_stays() {
        let expired = [certificate(9, 1)];
        for text in [
            "",
            "{}",
            "[]",
            r#"{"authenticateServerResponse":7}"#,
            r#"{"authenticateServerResponse":"vzgA"}"#,
        ] {
            let mut body = text.as_bytes().to_vec();
            assert!(!replace(&mut body, &expired), "{text}");
            assert_eq!(body, text.as_bytes());
        }
    }

    #[test]
    fn a_chips_document_has_a_certificate_for_each_issuer() {
        let document = br#"{"euiccCertificate":"AQI=","identities":[{"euiccCertificate":"Aw=="},{}]}"#;
        assert_eq!(certificates(document), [vec![1, 2], vec![3]]);
        assert_eq!(certificates(b"nothing"), Vec::<Vec<u8>>::new());
        assert_eq!(certificates(b"[]"), Vec::<Vec<u8>>::new());
    }
}
