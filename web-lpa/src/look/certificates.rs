//! The certificates of a chip and of its manufacturer, as they stand in what the chip answers to a
//! server (`AuthenticateServerResponse`, SGP.22 §5.7.13). For showing only: nothing is verified.

use trace::{Limits, Message, Node, Party, Trace};

/// Most bytes that are read: an answer with two certificates is a tenth of it.
const MAX: usize = 16 << 10;

/// A certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Certificate {
    /// Whose it is: the attributes of its name.
    pub subject: String,
    /// Who has issued it.
    pub issuer: String,
    /// The serial number in the subject's name: of an eUICC its EID.
    pub eid: Option<String>,
    /// Its serial number, in hex.
    pub serial: String,
    /// From when and until when it holds.
    pub validity: [String; 2],
    /// The identifier of its key, in hex.
    pub key: String,
    /// The identifier of its issuer's key, in hex.
    pub issuer_key: String,
    /// The curve of its key.
    pub curve: String,
    /// What the key may be used for, by the policy in it.
    pub role: String,
}

/// The two certificates of a chip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificates {
    /// The chip's.
    pub euicc: Certificate,
    /// Its manufacturer's.
    pub eum: Certificate,
}

/// The bytes that a chip answered to a server, if this message is that and the chip did not refuse.
#[must_use]
pub fn answer(message: &Message) -> Option<Vec<u8>> {
    if message.name != "ES10b.AuthenticateServer" {
        return None;
    }
    let mut bytes = Vec::new();
    for response in message.parts.iter().filter_map(|part| part.response.as_ref()) {
        bytes.extend_from_slice(response.get(..response.len().saturating_sub(2))?);
    }
    (bytes.starts_with(&[0xBF, 0x38]) && bytes.len() <= MAX).then_some(bytes)
}

/// The certificates in such an answer; `None` where there are not both.
#[must_use]
pub fn read(answer: &[u8]) -> Option<Certificates> {
    if answer.len() > MAX {
        return None;
    }
    // As a message of its own, to be decoded as all others are.
    let mut trace = Trace::new(Limits { messages: 1, bytes: 2 * MAX, parts: 1 });
    let asked = [0x80, 0xE2, 0x91, 0x00, 0x03, 0xBF, 0x38, 0x00, 0x00];
    let ticket = trace.command(Party::Chip, &asked, 0.0);
    trace.answer(ticket, &[answer, &[0x90, 0x00]].concat(), 0.0);
    let decoded = trace::decode(trace.message(ticket.message)?).response?;
    let of = |name: &str| certificate(decoded.find(name)?);
    Some(Certificates { euicc: of("euiccCertificate")?, eum: of("eumCertificate")? })
}

fn certificate(node: &Node) -> Option<Certificate> {
    let subject = node.find("subject")?;
    let text = |name: &str| node.find(name).map(|node| node.value.clone()).unwrap_or_default();
    let number = subject.find("serialNumber").map(|node| node.value.clone());
    Some(Certificate {
        subject: named(subject),
        issuer: named(node.find("issuer")?),
        eid: number.filter(|number| number.len() == 32 && number.bytes().all(|digit| digit.is_ascii_digit())),
        serial: text("serialNumber"),
        validity: [text("notBefore"), text("notAfter")],
        key: text("subjectKeyIdentifier"),
        issuer_key: node
            .find("authorityKeyIdentifier")
            .and_then(|inside| inside.find("keyIdentifier"))
            .map(|node| node.value.clone())
            .unwrap_or_default(),
        curve: parenthesis(&node.find("subjectPublicKeyInfo")?.find("algorithm")?.value),
        role: parenthesis(&text("policyIdentifier")),
    })
}

/// A name without the number in it, which is shown apart.
fn named(name: &Node) -> String {
    let attributes = name.children.iter().filter(|one| !one.fault && one.name != "serialNumber");
    attributes.map(|one| format!("{}={}", one.name, one.value)).collect::<Vec<_>>().join(", ")
}

/// What stands in the last parentheses of `1.2.840.10045.3.1.7 (NIST P-256)`.
fn parenthesis(value: &str) -> String {
    match value.rsplit_once('(') {
        Some((_, name)) => name.trim_end_matches(')').to_owned(),
        None => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn answer_with(euicc: &[u8], eum: &[u8]) -> Vec<u8> {
        let mut writer = tlv::Writer::new();
        writer.nested(tlv::Tag(0xBF38), |w| {
            w.nested(tlv::Tag(0xA0), |w| {
                w.tlv(tlv::Tag::SEQUENCE, &[0x80, 1, 7]).tlv(tlv::Tag(0x5F37), &[9; 64]).raw(euicc).raw(eum);
            });
        });
        writer.finish()
    }

    // SGP.26: the certificates of the test eUICC and its manufacturer.
    #[test]
    fn the_published_chip_and_its_manufacturer() {
        let file = |name: &str| vectors::read(&format!("data/sgp26-certs/{name}.der"));
        let (Some(euicc), Some(eum)) = (file("eUICC/CERT_EUICC_ECDSA_NIST"), file("EUM/CERT_EUM_ECDSA_NIST"))
        else {
            return;
        };
        let Certificates { euicc, eum } = read(&answer_with(&euicc, &eum)).unwrap();
        assert_eq!(euicc.eid.as_deref(), Some("89049032123451234512345678901235"));
        assert_eq!((euicc.issuer.as_str(), euicc.curve.as_str()), (eum.subject.as_str(), "NIST P-256"));
        assert!(euicc.role.contains("euicc") && eum.role.contains("eum"), "{euicc:?} {eum:?}");
        assert!(!euicc.subject.contains("8904") && eum.eid.is_none(), "{euicc:?}");
        assert_eq!((eum.key.len(), &eum.key), (40, &euicc.issuer_key));
        // As long as there are four digits for the year (RFC 5280 §4.1.2.5).
        assert!(euicc.validity[0].starts_with("2024-07-16"), "{:?}", euicc.validity);
        assert!(euicc.validity[1].starts_with("7500-05-10"), "{:?}", euicc.validity);
    }

    #[test]
    fn what_is_no_answer_with_certificates_shows_none() {
        for bytes in [&[][..], &[0xBF, 0x38], &[0xBF, 0x38, 0x02, 0xA1, 0x00], &[0xFF; 300]] {
            assert_eq!(read(bytes), None);
        }
        assert_eq!(read(&answer_with(&[0x30, 0x00], &[0x30, 0x00])), None);
        assert_eq!(read(&vec![0; MAX + 1]), None);
    }
}
