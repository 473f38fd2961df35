//! What is set under the phone's settings: as it is entered, and as the browser keeps it.
//!
//! ```json
//! { "device": "53029100", "isdRAids": ["A0…"], "block": 255, "smds": "smds.example.com" }
//! ```

use lpa::Options;
use rsp::Version;
use rsp::auth::DeviceInfo;
use serde::{Deserialize, Serialize};
use words::{Text, text};

/// Most AIDs of an ISD-R that are tried.
const MAX_AIDS: usize = 16;
/// Longest text that is read of what was kept, in bytes.
const MAX_KEPT: usize = 4096;

/// What is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What the phone tells of itself.
    pub device: DeviceInfo,
    /// How chips are spoken to.
    pub options: Options,
    /// The SM-DS that is asked what waits for a chip; `None`: the root SM-DS that the chip is
    /// configured with (SGP.22 §3.6.2).
    pub smds: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    device: String,
    isd_r_aids: Vec<String>,
    block: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    smds: Option<String>,
}

impl Settings {
    /// Reads what was entered: TAC or IMEI, an AID on each line, the bytes of a command, the address
    /// of an SM-DS or nothing. `capabilities` are the device's own.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn entered(
        digits: &str,
        aids: &str,
        block: &str,
        smds: &str,
        capabilities: [Option<Version>; 11],
    ) -> Result<Self, Text<String>> {
        let mut isd_r_aids = Vec::new();
        for line in aids.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let aid = hex::decode(line.replace(' ', "")).ok().filter(|aid| (5..=16).contains(&aid.len()));
            let Some(aid) = aid else {
                return Err(text!(
                    "{line} is no AID: 5 to 16 bytes in hex.",
                    "{line} は AID ではありません。5〜16 バイトの 16 進数です。"
                ));
            };
            isd_r_aids.push(aid);
        }
        if isd_r_aids.is_empty() {
            return Err(text!("At least one AID is needed.", "AID が少なくとも 1 つ必要です。"));
        }
        if isd_r_aids.len() > MAX_AIDS {
            return Err(text!("At most {MAX_AIDS} AIDs are tried.", "試せる AID は {MAX_AIDS} 個までです。"));
        }
        let block = block.trim().parse().ok().filter(|block| (1..=255).contains(block));
        let Some(block) = block else {
            return Err(text!("A command holds 1 to 255 bytes.", "1 コマンドは 1〜255 バイトです。"));
        };
        let device = lpa::device_info(digits, capabilities).map_err(|error| error.words())?;
        let smds = smds.trim();
        if !smds.is_empty() && !rsp::activation_code::is_address(smds) {
            return Err(text!(
                "{smds} is no address of an SM-DS: a domain name, with a port if need be, without https://.",
                "{smds} は SM-DS のアドレスではありません。https:// を付けずに、ドメイン名（必要ならポートも）を入力してください。"
            ));
        }
        let smds = (!smds.is_empty()).then(|| smds.to_owned());
        Ok(Self { device, options: Options { isd_r_aids, block }, smds })
    }

    /// The AIDs as they are entered, one on each line.
    #[must_use]
    pub fn aids(options: &Options) -> String {
        options.isd_r_aids.iter().map(hex::encode_upper).collect::<Vec<_>>().join("\n")
    }

    /// As it is kept.
    #[must_use]
    pub fn to_keep(&self) -> String {
        let kept = Kept {
            device: lpa::device_digits(&self.device),
            isd_r_aids: self.options.isd_r_aids.iter().map(hex::encode_upper).collect(),
            block: self.options.block,
            smds: self.smds.clone(),
        };
        serde_json::to_string(&kept).unwrap_or_default()
    }

    /// What was kept; `None` where it is not what can be entered: somebody else has written it.
    #[must_use]
    pub fn kept(text: &str, capabilities: [Option<Version>; 11]) -> Option<Self> {
        if text.len() > MAX_KEPT {
            return None;
        }
        let kept: Kept = serde_json::from_str(text).ok()?;
        let (aids, block) = (kept.isd_r_aids.join("\n"), kept.block.to_string());
        Self::entered(&kept.device, &aids, &block, &kept.smds.unwrap_or_default(), capabilities).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const AIDS: &str = "A0000005591010FFFFFFFF8900000100\n A0 00 00 05 59 \n\n";
    const CAPABILITIES: [Option<Version>; 11] = [None; 11];

    fn entered(digits: &str, aids: &str, block: &str) -> Result<Settings, Text<String>> {
        Settings::entered(digits, aids, block, "", CAPABILITIES)
    }

    /// SGP.22 §4.1 and §2.6.4.1: an address is a domain name of RFC 1035.
    #[test]
    fn another_sm_ds_is_an_address_or_nothing() {
        let smds = |smds: &str| Settings::entered("53029100", AIDS, "255", smds, CAPABILITIES);
        for (typed, kept) in [
            ("", None),
            ("  ", None),
            (" smds.example.com ", Some("smds.example.com")),
            ("smds.example.com:8443", Some("smds.example.com:8443")),
        ] {
            let settings = smds(typed).unwrap();
            assert_eq!(settings.smds.as_deref(), kept, "{typed}");
            assert_eq!(Settings::kept(&settings.to_keep(), CAPABILITIES), Some(settings));
        }
        for typed in ["https://smds.example.com", "smds.example.com/x", "a b", "smds..com", "例", "-"] {
            let words = smds(typed).unwrap_err();
            assert!(words.en.starts_with(typed) && words.en.contains("SM-DS") && words.en != words.ja);
            let kept = smds("smds.example.com").unwrap().to_keep().replace("smds.example.com", typed);
            assert_eq!(Settings::kept(&kept, CAPABILITIES), None, "{typed}");
        }
        // What was kept before there was such a setting.
        let before = smds("").unwrap().to_keep();
        assert!(!before.contains("smds"));
        assert!(Settings::kept(&before, CAPABILITIES).is_some());
    }

    #[test]
    fn what_is_entered_is_kept_and_read_again() {
        // The IMEI of 3GPP TS 23.003's example of a check digit is made of the type and 14 digits.
        for digits in ["53029100", "490154203237518"] {
            let settings = entered(digits, AIDS, " 200 ").unwrap();
            assert_eq!(settings.options.isd_r_aids.len(), 2);
            assert_eq!(settings.options.block, 200);
            assert_eq!(lpa::device_digits(&settings.device), digits);
            assert_eq!(Settings::kept(&settings.to_keep(), CAPABILITIES), Some(settings.clone()));
            let again = entered(digits, &Settings::aids(&settings.options), "200");
            assert_eq!(again, Ok(settings));
        }
    }

    #[test]
    fn what_is_wrong_is_told_and_nothing_is_set() {
        let many = "A000000559\n".repeat(MAX_AIDS + 1);
        let mut told = Vec::new();
        for (digits, aids, block) in [
            ("5302910", AIDS, "255"),
            ("", AIDS, "255"),
            ("490154203237517", AIDS, "255"),
            ("53029100", "", "255"),
            ("53029100", "A0", "255"),
            ("53029100", &many, "255"),
            ("53029100", AIDS, "0"),
        ] {
            let words = entered(digits, aids, block).unwrap_err();
            assert!(words.en != words.ja && !told.contains(&words), "{words}");
            told.push(words);
        }
        for block in ["256", "-1", "", "ten", "1e2"] {
            assert!(entered("53029100", AIDS, block).is_err(), "{block}");
        }
    }

    #[test]
    fn what_somebody_else_has_kept_there_is_not_read() {
        let good = entered("53029100", AIDS, "255").unwrap().to_keep();
        for text in [
            "",
            "null",
            "{}",
            "[]",
            &good[1..],
            &good.replace("255", "256"),
            &good.replace("255", "-1"),
            &good.replace("53029100", "x"),
            &good.replace("A0000005", "<script>"),
            &format!("{good}{}", " ".repeat(MAX_KEPT)),
        ] {
            assert_eq!(Settings::kept(text, CAPABILITIES), None, "{text}");
        }
    }
}
