//! Certificates and revocation lists as they stand in variables: PEM, or DER in base64.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Longest text that is read, in characters.
const MAX_TEXT: usize = 256 * 1024;

/// The DER of each: blocks of PEM, whatever stands around them, else base64 separated by
/// commas or white space. An empty text is an empty list.
///
/// # Errors
/// In words, which of them is not readable.
pub(crate) fn ders(text: &str) -> Result<Vec<Vec<u8>>, String> {
    if text.len() > MAX_TEXT {
        return Err(format!("at most {MAX_TEXT} characters"));
    }
    if !text.contains("-----BEGIN ") {
        let words = text.split(|c: char| c == ',' || c.is_whitespace()).filter(|word| !word.is_empty());
        let decode = |(index, word): (usize, &str)| {
            base64(word).ok_or_else(|| format!("number {}: neither PEM nor base64", index + 1))
        };
        return words.enumerate().map(decode).collect();
    }
    let mut found = Vec::new();
    for block in text.split("-----BEGIN ").skip(1) {
        let at = found.len() + 1;
        let wrong = || format!("number {at}: PEM that does not end, or holds no base64");
        let (label, rest) = block.split_once("-----").ok_or_else(wrong)?;
        let (body, _) = rest.split_once(&format!("-----END {label}-----")).ok_or_else(wrong)?;
        let body: String = body.chars().filter(|c| !c.is_whitespace()).collect();
        found.push(base64(&body).filter(|der| !der.is_empty()).ok_or_else(wrong)?);
    }
    Ok(found)
}

/// With or without padding.
fn base64(text: &str) -> Option<Vec<u8>> {
    const LAX: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    GeneralPurpose::new(&alphabet::STANDARD, LAX).decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_in_both_forms() {
        assert_eq!(ders("").unwrap(), Vec::<Vec<u8>>::new());
        assert_eq!(ders(" AQ==, Ag\nAw== ").unwrap(), [[1], [2], [3]]);
        let pem = "subject=x\n-----BEGIN CERTIFICATE-----\nAQ\n==\n-----END CERTIFICATE-----\n\
                   -----BEGIN X509 CRL-----\r\nAgM=\r\n-----END X509 CRL-----\r\n";
        assert_eq!(ders(pem).unwrap(), [vec![1], vec![2, 3]]);
        for wrong in [
            "!",
            "AQ==, ?",
            "-----BEGIN X-----\nAQ==",
            "-----BEGIN X-----\n!\n-----END X-----",
            "-----BEGIN ",
        ] {
            assert!(ders(wrong).is_err(), "{wrong}");
        }
    }
}
