//! The device that the LPA runs on, as it is told to servers (SGP.22 §4.2).

use core::fmt;

use rsp::Version;
use rsp::auth::DeviceInfo;

/// Why text is neither a TAC nor an IMEI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidDevice {
    /// Nothing was given.
    Empty,
    /// There is something else than digits.
    NotDigits,
    /// Neither 8 digits nor 15: this many.
    Length(usize),
    /// The last of the 15 digits does not check the others: this one would.
    CheckDigit(u8),
}

impl fmt::Display for InvalidDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words().en.as_str())
    }
}

impl core::error::Error for InvalidDevice {}

/// Reads 8 digits (the type allocation code) or 15 (the whole IMEI); spaces, hyphens and
/// slashes between them are dropped. `capabilities` are kept as given.
///
/// The TAC is sent as the first four bytes of the IMEI, low nibble first; the IMEI's last
/// byte holds the check digit in its high nibble and `F` in the low one.
///
/// # Errors
/// [`InvalidDevice`].
pub fn device_info(digits: &str, capabilities: [Option<Version>; 11]) -> Result<DeviceInfo, InvalidDevice> {
    let text: String = digits.chars().filter(|c| !c.is_whitespace() && !matches!(c, '-' | '/')).collect();
    if text.is_empty() {
        return Err(InvalidDevice::Empty);
    }
    // Full-width digits of Japanese keyboards are digits too.
    let digit = |c: char| {
        let c = if ('０'..='９').contains(&c) { char::from_u32(c as u32 - 0xFEE0).unwrap_or(c) } else { c };
        c.to_digit(10).and_then(|digit| u8::try_from(digit).ok())
    };
    let digits: Vec<u8> = text.chars().map(digit).collect::<Option<_>>().ok_or(InvalidDevice::NotDigits)?;
    let tac = |digits: &[u8]| core::array::from_fn(|i| digits[2 * i + 1] << 4 | digits[2 * i]);
    match digits.len() {
        8 => Ok(DeviceInfo { tac: tac(&digits), capabilities, imei: None }),
        15 => {
            let expected = check_digit(&digits[..14]);
            if digits[14] != expected {
                return Err(InvalidDevice::CheckDigit(expected));
            }
            let imei = core::array::from_fn(|i| match i {
                7 => digits[14] << 4 | 0xF,
                _ => digits[2 * i + 1] << 4 | digits[2 * i],
            });
            Ok(DeviceInfo { tac: tac(&digits), capabilities, imei: Some(imei) })
        }
        length => Err(InvalidDevice::Length(length)),
    }
}

/// The digits that a server is told, as a person reads them: TAC or IMEI.
#[must_use]
pub fn device_digits(device: &DeviceInfo) -> String {
    let nibbles = |bytes: &[u8]| -> Vec<u8> { bytes.iter().flat_map(|b| [b & 0xF, b >> 4]).collect() };
    let nibbles = match &device.imei {
        // The filler stands before the check digit.
        Some(imei) => [nibbles(&imei[..7]), vec![imei[7] >> 4]].concat(),
        None => nibbles(&device.tac),
    };
    nibbles.iter().map(|nibble| format!("{nibble:X}")).collect()
}

/// 3GPP TS 23.003 Annex B.
fn check_digit(digits: &[u8]) -> u8 {
    let sum: u8 = digits
        .iter()
        .enumerate()
        .map(|(i, &digit)| if i % 2 == 1 { digit * 2 / 10 + digit * 2 % 10 } else { digit })
        .sum();
    (10 - sum % 10) % 10
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn the_imei_is_coded_as_on_the_wire() {
        // 356938035643809 is 3GPP's and AOSP's example.
        let device = device_info("35-693803-564380-9", [None; 11]).unwrap();
        assert_eq!(device.imei, Some([0x53, 0x96, 0x83, 0x30, 0x65, 0x34, 0x08, 0x9F]));
        assert_eq!(device.tac, [0x53, 0x96, 0x83, 0x30]);
        assert_eq!(device_digits(&device), "356938035643809");
        let tac = device_info("３５６９ ３８０３", [None; 11]).unwrap();
        assert_eq!((tac.tac, tac.imei), ([0x53, 0x96, 0x83, 0x30], None));
        assert_eq!(device_digits(&tac), "35693803");
    }

    #[test]
    fn each_way_to_be_wrong_is_told() {
        for (text, expected) in [
            (" ", InvalidDevice::Empty),
            ("35A93803", InvalidDevice::NotDigits),
            ("3569380", InvalidDevice::Length(7)),
            ("3569380356438091", InvalidDevice::Length(16)),
            ("356938035643808", InvalidDevice::CheckDigit(9)),
        ] {
            assert_eq!(device_info(text, [None; 11]), Err(expected), "{text}");
        }
    }
}
