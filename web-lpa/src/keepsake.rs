//! A whole session in one file: what the chips hold, the messages, and what was chosen.
//!
//! ```json
//! { "format": "esim-laboratory session", "version": 1,
//!   "chips": { "phone": "<base64>", "watch": "<base64>" }, "trace": { … },
//!   "isdRAids": ["A0…"], "block": 255, "device": "53029100", "capabilities": ["15.0.0", null, …],
//!   "apn": "", "faults": [ … ] }
//! ```
//!
//! The chips' memories hold their keys. Whether a memory is one of a chip is for the chip to say.

use lpa::Options;
use rsp::Version;
use rsp::auth::DeviceInfo;
use rsp::es9::Base64;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use trace::Trace;
use words::{Text, text};

use crate::bench::fault::{Act, Fault};

const FORMAT: &str = "esim-laboratory session";
const VERSION: u32 = 1;

/// Longest file, in bytes.
pub const MAX_FILE: usize = 96 << 20;
/// Largest memory of a chip.
const MAX_CHIP: usize = 16 << 20;
const MAX_FAULTS: usize = 64;
const MAX_AIDS: usize = 16;
/// Longest APN (3GPP TS 23.003 §9.1), and longest name of a function.
const MAX_NAME: usize = 100;
/// Longest delay of a fault, in milliseconds.
const MAX_DELAY: u32 = 60_000;

/// A session. It holds secrets of chips: it is not shown.
pub struct Keepsake {
    /// The memory of the phone's chip.
    pub phone: Vec<u8>,
    /// That of the watch's.
    pub watch: Option<Vec<u8>>,
    /// The messages.
    pub trace: Trace,
    /// How chips are spoken to.
    pub options: Options,
    /// What the phone tells of itself.
    pub device: DeviceInfo,
    /// The APN.
    pub apn: String,
    /// The faults that are armed.
    pub faults: Vec<Fault>,
}

/// Why a file is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// It is longer than any session.
    TooLarge,
    /// It is no JSON, or not a session's.
    NoSession(String),
    /// It is of another version.
    Version(u32),
    /// The memory of a chip is empty or too large.
    Chip,
    /// The messages can't be read.
    Trace(Text<String>),
    /// How chips are spoken to makes no sense.
    Options,
    /// What the phone tells of itself makes no sense.
    Device,
    /// The APN makes no sense.
    Apn,
    /// The faults make no sense.
    Faults,
}

impl Wrong {
    /// In words.
    #[must_use]
    pub fn words(&self) -> Text<String> {
        let plain = |en: &str, ja: &str| Text::new(en.to_owned(), ja.to_owned());
        match self {
            Self::TooLarge => plain("The file is too large to be a session.", "ファイルが大きすぎます。"),
            Self::NoSession(why) => text!(
                "The file is no session that was saved here ({why}).",
                "ここで保存したセッションではありません ({why})。"
            ),
            Self::Version(version) => text!(
                "The session is of version {version}; this page reads version {VERSION}.",
                "セッションのバージョンは {version} です。このページが読めるのは {VERSION} です。"
            ),
            Self::Chip => plain(
                "The memory of a chip in it is empty or too large.",
                "チップのメモリーが空か、大きすぎます。",
            ),
            Self::Trace(why) => {
                plain("The messages in it can’t be read.", "含まれるメッセージを読めません。")
                    .with(why.clone())
            }
            Self::Options => plain(
                "The settings for speaking to chips in it make no sense.",
                "チップとの通信設定が正しくありません。",
            ),
            Self::Device => {
                plain("What it says of the device makes no sense.", "機器の情報が正しくありません。")
            }
            Self::Apn => plain("The APN in it makes no sense.", "APN が正しくありません。"),
            Self::Faults => plain("The faults in it make no sense.", "障害の設定が正しくありません。"),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    format: String,
    version: u32,
    chips: Chips,
    trace: Value,
    isd_r_aids: Vec<String>,
    block: usize,
    device: String,
    capabilities: Vec<Option<String>>,
    apn: String,
    faults: Vec<Fault>,
}

#[derive(Serialize, Deserialize)]
struct Chips {
    phone: Base64,
    #[serde(default)]
    watch: Option<Base64>,
}

#[derive(Deserialize)]
struct Head {
    format: String,
    version: u32,
}

impl Keepsake {
    /// The file, or nothing where it would be one that is not read back.
    #[must_use]
    pub fn write(&self) -> Option<Vec<u8>> {
        let trace = serde_json::from_str(&trace::to_json(&self.trace, false)).ok()?;
        let file = File {
            format: FORMAT.to_owned(),
            version: VERSION,
            chips: Chips { phone: Base64(self.phone.clone()), watch: self.watch.clone().map(Base64) },
            trace,
            isd_r_aids: self.options.isd_r_aids.iter().map(hex::encode_upper).collect(),
            block: self.options.block,
            device: lpa::device_digits(&self.device),
            capabilities: self
                .device
                .capabilities
                .iter()
                .map(|version| version.as_ref().map(ToString::to_string))
                .collect(),
            apn: self.apn.clone(),
            faults: self.faults.clone(),
        };
        serde_json::to_vec(&file).ok()
    }

    /// Reads a file. All of it makes sense, or none of it is taken.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(bytes: &[u8]) -> Result<Self, Wrong> {
        if bytes.len() > MAX_FILE {
            return Err(Wrong::TooLarge);
        }
        let no_session = |error: serde_json::Error| Wrong::NoSession(error.to_string());
        let head: Head = serde_json::from_slice(bytes).map_err(no_session)?;
        if head.format != FORMAT {
            return Err(Wrong::NoSession("format".to_owned()));
        }
        if head.version != VERSION {
            return Err(Wrong::Version(head.version));
        }
        let file: File = serde_json::from_slice(bytes).map_err(no_session)?;
        let chip = |memory: Base64| match memory.0.len() {
            1..=MAX_CHIP => Ok(memory.0),
            _ => Err(Wrong::Chip),
        };
        let phone = chip(file.chips.phone)?;
        let watch = file.chips.watch.map(chip).transpose()?;
        let trace = serde_json::to_vec(&file.trace).map_err(no_session)?;
        let trace = trace::import(&trace).map_err(|error| Wrong::Trace(error.text()))?;

        let aid = |text: &String| hex::decode(text).ok().filter(|aid| (5..=16).contains(&aid.len()));
        let isd_r_aids: Option<Vec<_>> = file.isd_r_aids.iter().map(aid).collect();
        let isd_r_aids =
            isd_r_aids.filter(|aids| (1..=MAX_AIDS).contains(&aids.len())).ok_or(Wrong::Options)?;
        if !(1..=255).contains(&file.block) {
            return Err(Wrong::Options);
        }
        let options = Options { isd_r_aids, block: file.block };

        let mut capabilities = [None; 11];
        if file.capabilities.len() != capabilities.len() {
            return Err(Wrong::Device);
        }
        for (capability, text) in capabilities.iter_mut().zip(&file.capabilities) {
            *capability = match text {
                Some(text) => Some(text.parse::<Version>().map_err(|_| Wrong::Device)?),
                None => None,
            };
        }
        let device = lpa::device_info(&file.device, capabilities).map_err(|_| Wrong::Device)?;
        if file.apn.len() > MAX_NAME || !file.apn.bytes().all(|c| c.is_ascii_graphic()) {
            return Err(Wrong::Apn);
        }
        // What holds messages for longer than the form allows would look like a page that hangs.
        let soon = |act: &Act| !matches!(act, Act::Delay { milliseconds } if *milliseconds > MAX_DELAY);
        let fits = |fault: &Fault| fault.function.len() <= MAX_NAME && fault.nth >= 1 && soon(&fault.act);
        if file.faults.len() > MAX_FAULTS || !file.faults.iter().all(fits) {
            return Err(Wrong::Faults);
        }
        Ok(Self { phone, watch, trace, options, device, apn: file.apn, faults: file.faults })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::ready;
    use trace::Party;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn keepsake() -> Keepsake {
        let mut trace = Trace::default();
        let ticket = trace.command(Party::Chip, &[0, 0xA4, 0, 4, 2, 0x3F, 0], 1.0);
        trace.answer(ticket, &[0x90, 0x00], 2.0);
        let mut capabilities = [None; 11];
        capabilities[5] = Some(Version([15, 0, 0]));
        Keepsake {
            phone: vec![1, 2, 3],
            watch: Some(vec![4]),
            trace,
            options: Options::default(),
            device: lpa::device_info("35029100", capabilities).unwrap(),
            apn: "internet".into(),
            faults: ready::ready().into_iter().map(|ready| ready.fault).collect(),
        }
    }

    #[test]
    fn what_was_written_is_read() {
        let written = keepsake();
        let read = Keepsake::read(&written.write().unwrap()).ok().unwrap();
        assert_eq!((read.phone, read.watch), (written.phone, written.watch));
        assert_eq!((read.options, read.device), (written.options, written.device));
        assert_eq!((read.apn, read.faults), (written.apn, written.faults));
        assert_eq!(read.trace.len(), 1);
    }

    #[test]
    fn what_is_wrong_is_told_and_nothing_is_read() {
        let whole: Value = serde_json::from_slice(&keepsake().write().unwrap()).unwrap();
        let wrong = |change: fn(&mut Value)| {
            let mut file = whole.clone();
            change(&mut file);
            Keepsake::read(&serde_json::to_vec(&file).unwrap()).err()
        };
        assert_eq!(wrong(|file| file["version"] = 2.into()), Some(Wrong::Version(2)));
        assert!(matches!(wrong(|file| file["format"] = "x".into()), Some(Wrong::NoSession(_))));
        assert_eq!(wrong(|file| file["chips"]["phone"] = "".into()), Some(Wrong::Chip));
        assert!(matches!(wrong(|file| file["chips"]["watch"] = "§".into()), Some(Wrong::NoSession(_))));
        assert!(matches!(wrong(|file| file["trace"] = 1.into()), Some(Wrong::Trace(_))));
        assert_eq!(wrong(|file| file["block"] = 0.into()), Some(Wrong::Options));
        assert_eq!(wrong(|file| file["isdRAids"] = Value::Array(vec![])), Some(Wrong::Options));
        assert_eq!(wrong(|file| file["device"] = "1".into()), Some(Wrong::Device));
        assert_eq!(wrong(|file| file["capabilities"] = Value::Array(vec![])), Some(Wrong::Device));
        assert_eq!(wrong(|file| file["apn"] = "a b".into()), Some(Wrong::Apn));
        assert_eq!(wrong(|file| file["faults"][0]["nth"] = 0.into()), Some(Wrong::Faults));
        let late = |file: &mut Value| {
            file["faults"][0] = serde_json::json!({ "act": "delay", "milliseconds": 4_000_000_000_u32,
                "function": "", "way": "request", "nth": 1, "always": true });
        };
        assert_eq!(wrong(late), Some(Wrong::Faults));
        for other in [&b""[..], b"{}", b"[]", b"null", &[0xFF; 9]] {
            assert!(matches!(Keepsake::read(other), Err(Wrong::NoSession(_))));
        }
        assert!(matches!(Keepsake::read(&vec![b' '; MAX_FILE + 1]), Err(Wrong::TooLarge)));
    }
}
