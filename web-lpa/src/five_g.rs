//! What a phone of 5G says of its subscriber, and computes of a card's answer (3GPP TS 33.501).
//!
//! A USIM that conceals by itself is asked for its SUCI (GET IDENTITY, TS 31.102 §7.5). Where the home
//! network has given no keys, the phone sends one of the null scheme, as it has to (TS 33.501 §6.12.2):
//! it says what the IMSI says. What is not built is to conceal in the phone (EF.UST: service 124 without
//! 125, and keys in EF.SUCI_Calc_Info).

/// SUCI calculation (EF.UST, TS 31.102 §4.2.8).
pub const SUCI_CALCULATION: usize = 124;
/// SUCI calculation by the USIM.
pub const SUCI_BY_USIM: usize = 125;

/// Whether a service is available, of the contents of EF.UST.
#[must_use]
pub fn has_service(table: &[u8], number: usize) -> bool {
    let Some(at) = number.checked_sub(1) else { return false };
    table.get(at / 8).is_some_and(|byte| byte >> (at % 8) & 1 == 1)
}

/// How long the mobile network code is, of the contents of EF.AD (TS 31.102 §4.2.18): 2 where the file does
/// not say it.
#[must_use]
pub fn mnc_len(administrative: &[u8]) -> usize {
    if administrative.get(3).is_some_and(|byte| byte & 0x0F == 3) { 3 } else { 2 }
}

/// The routing indicator of the contents of EF.Routing_Indicator (TS 31.102 §4.4.11.11); `0` where there
/// is none (TS 23.003 §2.2B).
#[must_use]
pub fn routing(contents: &[u8]) -> String {
    let digits: String = swapped(contents.get(..2).unwrap_or_default()).collect();
    if digits.is_empty() { "0".to_owned() } else { digits }
}

/// Whether EF.SUCI_Calc_Info (TS 31.102 §4.4.11.8) names the null scheme first, or nothing: the phone
/// then has nothing to conceal by.
#[must_use]
pub fn wants_null_scheme(info: &[u8]) -> bool {
    const SCHEMES: u8 = 0xA0;
    match info {
        [SCHEMES, length, schemes @ ..] if *length >= 2 => schemes.first() == Some(&0),
        _ => true,
    }
}

/// The SUCI of an IMSI by the null scheme, as text (TS 29.503 §6.1.6.2).
#[must_use]
pub fn null_scheme(imsi: &str, mnc_len: usize, routing: &str) -> Option<String> {
    let (mcc, rest) = imsi.split_at_checked(3)?;
    let (mnc, msin) = rest.split_at_checked(mnc_len)?;
    (!msin.is_empty()).then(|| format!("suci-0-{mcc}-{mnc}-{routing}-0-0-{msin}"))
}

/// The SUCI that a USIM has answered to GET IDENTITY, as text: `A1 LL`, and the mobile identity of
/// TS 24.501 §9.11.3.4 from its type on.
#[must_use]
pub fn concealed(answer: &[u8]) -> Option<String> {
    const OF_IMSI: u8 = 0x01;
    let identity = tlv::Tlv::single_of(answer, tlv::Tag(0xA1)).ok()?.value;
    let [OF_IMSI, a, b, c, r1, r2, scheme, key, output @ ..] = identity else { return None };
    let digit = |half: u8| char::from_digit(half.into(), 10);
    let mcc: String = [a & 0x0F, a >> 4, b & 0x0F].into_iter().map(digit).collect::<Option<_>>()?;
    let third = b >> 4;
    let mut mnc: String = [c & 0x0F, c >> 4].into_iter().map(digit).collect::<Option<_>>()?;
    if third != 0x0F {
        mnc.push(digit(third)?);
    }
    let routing = routing(&[*r1, *r2]);
    let output = if *scheme == 0 { swapped(output).collect() } else { hex::encode(output) };
    (!output.is_empty()).then(|| format!("suci-0-{mcc}-{mnc}-{routing}-{scheme}-{key}-{output}"))
}

/// Digits in half bytes, the lower one first, up to a filler.
fn swapped(bytes: &[u8]) -> impl Iterator<Item = char> {
    bytes.iter().flat_map(|byte| [byte & 0x0F, byte >> 4]).map_while(|half| char::from_digit(half.into(), 10))
}

/// What RES* is the HMAC-SHA-256 of, under CK and IK (TS 33.501 §A.4): its last 16 bytes are RES*.
#[must_use]
pub fn res_star_text(serving_network: &str, rand: &[u8], res: &[u8]) -> Vec<u8> {
    let mut text = vec![0x6B];
    for parameter in [serving_network.as_bytes(), rand, res] {
        text.extend_from_slice(parameter);
        text.extend_from_slice(&u16::try_from(parameter.len()).unwrap_or(u16::MAX).to_be_bytes());
    }
    text
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn services_are_counted_from_one() {
        let mut table = [0; 16];
        table[15] = 0x08;
        assert!(has_service(&table, SUCI_CALCULATION) && !has_service(&table, SUCI_BY_USIM));
        assert!(!has_service(&table, 0) && !has_service(&table, 129) && !has_service(&[], 1));
    }

    /// The example of TS 33.501 §C.4.3: IMSI 274012001002086, a network code of three digits, key 27.
    #[test]
    fn what_a_card_conceals_is_written_as_the_home_network_reads_it() {
        let output =
            "b2e92f836055a255837debf850b528997ce0201cb82adfe4be1f587d07d8457dcb02352410cddd9e730ef3fa87";
        let identity = [hex::decode("01722410f0ff011b").unwrap(), hex::decode(output).unwrap()].concat();
        let answer = [&[0xA1, u8::try_from(identity.len()).unwrap()], &identity[..]].concat();
        assert_eq!(concealed(&answer).unwrap(), format!("suci-0-274-012-0-1-27-{output}"));
        for broken in [&answer[..answer.len() - 1], &answer[1..], &[], &[0xA1, 1, 1], &[0xA1, 0]] {
            assert_eq!(concealed(broken), None, "{broken:02x?}");
        }
    }

    #[test]
    fn the_null_scheme_says_what_the_imsi_says() {
        assert_eq!(null_scheme("001010123456789", 2, "0").unwrap(), "suci-0-001-01-0-0-0-0123456789");
        assert_eq!(null_scheme("310410123456789", 3, "12").unwrap(), "suci-0-310-410-12-0-0-123456789");
        assert_eq!((null_scheme("00101", 2, "0"), null_scheme("é", 2, "0")), (None, None));
        // As a card answers it (TS 24.501 §9.11.3.4): half bytes swapped, a filler at the end.
        let odd = hex::decode("a10d0113001421ff000021436587f9").unwrap();
        assert_eq!(concealed(&odd).unwrap(), "suci-0-310-410-12-0-0-123456789");
        assert_eq!((mnc_len(&[0, 0, 0, 3]), mnc_len(&[0, 0, 0, 2]), mnc_len(&[0, 0])), (3, 2, 2));
        assert_eq!(
            (routing(&[0xF0, 0xFF]), routing(&[0x21, 0xF3]), routing(&[])),
            ("0".into(), "123".into(), "0".into())
        );
        assert!(wants_null_scheme(&hex::decode("a0020000a100").unwrap()) && wants_null_scheme(&[0xFF; 8]));
        assert!(!wants_null_scheme(&hex::decode("a0020101a125").unwrap()));
    }

    #[test]
    fn res_star_is_made_of_network_challenge_and_answer() {
        let text = res_star_text("5G:a", &[1, 2], &[3]);
        assert_eq!(hex::encode(text), "6b35473a610004010200020300 01".replace(' ', ""));
    }
}
