//! Commands as people type them: hexadecimal lines, a script of them, and the fields of one.

use apdu::{Channel, Class, Command, ins, store_data};
use words::{Text, text};

/// Most commands of one script.
pub const MAX_LINES: usize = 500;

/// Most characters of one script.
pub const MAX_TEXT: usize = 1 << 20;

/// What a line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// The card is reset.
    Reset,
    /// A command APDU.
    Command(Vec<u8>),
}

/// Bytes of hexadecimal digits, with blanks, colons and commas between them as tools write them.
///
/// # Errors
/// What is wrong, in words.
pub fn bytes(text: &str) -> Result<Vec<u8>, Text<String>> {
    let digits: String =
        text.chars().filter(|c| !c.is_whitespace() && !matches!(c, ':' | ',' | '-')).collect();
    let digits = digits.strip_prefix("0x").unwrap_or(&digits);
    if let Some(other) = digits.chars().find(|c| !c.is_ascii_hexdigit()) {
        return Err(text!("“{other}” is no hexadecimal digit", "「{other}」は 16 進数字ではありません"));
    }
    hex::decode(digits)
        .map_err(|_| Text::new("half of a byte is missing", "1 バイトの半分が足りません").owned())
}

/// A script: a command in each line, `reset` for a reset. Lines of traces are understood: `> `
/// before commands; `< ` answers and `#` comments are passed over.
///
/// # Errors
/// Which line is wrong and why, in words.
pub fn script(source: &str) -> Result<Vec<Line>, Text<String>> {
    if source.len() > MAX_TEXT {
        return Err(Text::new("The script is too long.", "スクリプトが長すぎます。").owned());
    }
    let mut lines = Vec::new();
    for (index, line) in source.lines().enumerate() {
        let number = index + 1;
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() || line.starts_with('<') {
            continue;
        }
        if lines.len() == MAX_LINES {
            return Err(text!(
                "More than {MAX_LINES} commands: run them in parts.",
                "コマンドが {MAX_LINES} 個を超えています。分けて実行してください。"
            ));
        }
        let line = line.strip_prefix('>').unwrap_or(line).trim();
        if line.eq_ignore_ascii_case("reset") {
            lines.push(Line::Reset);
            continue;
        }
        let wrong = |why: Text<String>| {
            Text::new(format!("Line {number}: {}.", why.en), format!("{number} 行目: {}。", why.ja))
        };
        let command = bytes(line).map_err(wrong)?;
        if Command::parse(&command).is_err() {
            return Err(wrong(
                Text::new(
                    "this is no command APDU (CLA INS P1 P2, then Lc and data, then Le)",
                    "コマンド APDU ではありません (CLA INS P1 P2、Lc とデータ、Le の順)",
                )
                .owned(),
            ));
        }
        lines.push(Line::Command(command));
    }
    if lines.is_empty() {
        return Err(Text::new("There is no command.", "コマンドがありません。").owned());
    }
    Ok(lines)
}

/// A command of its fields, each in hexadecimal; an empty `le`: no answer is asked for.
///
/// # Errors
/// Which field is wrong, in words.
pub fn build(header: [&str; 4], data: &str, le: &str) -> Result<Vec<u8>, Text<String>> {
    let mut head = [0; 4];
    for ((byte, field), name) in head.iter_mut().zip(header).zip(["CLA", "INS", "P1", "P2"]) {
        match bytes(field)?.as_slice() {
            [one] => *byte = *one,
            _ => {
                return Err(text!("{name} is one byte", "{name} は 1 バイトです"));
            }
        }
    }
    let data = bytes(data)?;
    if data.len() > 0xFFFF {
        return Err(Text::new("the data is too long", "データが長すぎます").owned());
    }
    let [cla, ins, p1, p2] = head;
    let mut command = Command::new(cla, ins, p1, p2).data(&data);
    match bytes(le)?.as_slice() {
        [] => {}
        [0] => command = command.le(256),
        [short] => command = command.le(u32::from(*short)),
        [0, 0] => command = command.le(65_536),
        [high, low] => command = command.le(u32::from(u16::from_be_bytes([*high, *low]))),
        _ => return Err(Text::new("Le is one or two bytes", "Le は 1 または 2 バイトです").owned()),
    }
    Ok(command.to_vec())
}

/// A request to the ISD-R as STORE DATA commands, a line each.
#[must_use]
pub fn es10(channel: Channel, request: &[u8]) -> String {
    let lines: Vec<String> = store_data(channel, request, apdu::MAX_BLOCK).map(hex::encode_upper).collect();
    lines.join("\n")
}

/// The command that an answer asks for: GET RESPONSE after `61 XX`, the same with another Le
/// after `6C XX` (ISO/IEC 7816-4 §5.3.4).
#[must_use]
pub fn follow_up(command: &[u8], response: &[u8]) -> Option<Vec<u8>> {
    let [sw1, sw2] = *response.last_chunk::<2>()?;
    let command = Command::parse(command).ok()?;
    let length = if sw2 == 0 { 256 } else { u32::from(sw2) };
    match sw1 {
        0x61 => {
            let class = Class::parse(command.cla).ok()?;
            Some(Command::new(class.channel.interindustry(), ins::GET_RESPONSE, 0, 0).le(length).to_vec())
        }
        0x6C => Some(command.le(length).to_vec()),
        _ => None,
    }
}

/// Whether a command destroys what can't be had back, or may be the first part of one that does:
/// DeleteProfile, eUICCMemoryReset and NotificationSent (SGP.22 §5.7.18, §5.7.19, §5.7.11). Lengths
/// may be short or extended, and the request may be split anywhere, its tag too.
#[must_use]
pub fn destroys(command: &[u8]) -> bool {
    if command.get(1) != Some(&ins::STORE_DATA) {
        return false;
    }
    // What can't be read here may be read by a reader.
    let Ok(command) = Command::parse(command) else { return true };
    let [0xBF, rest @ ..] = command.data else { return false };
    // A tag's number may have bytes before it that add nothing.
    match rest.iter().find(|byte| **byte != 0x80) {
        Some(number) => matches!(number, 0x30 | 0x33 | 0x34),
        None => true,
    }
}

/// A script by name.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// Its name.
    pub name: Text,
    /// The script; a request of ES10 is one on channel 1, which has to be opened first.
    pub lines: &'static str,
    /// A request of ES10, whose lines are made by [`es10`].
    pub es10: bool,
}

impl Preset {
    /// The script's text.
    #[must_use]
    pub fn script(&self) -> String {
        match (self.es10, bytes(self.lines), Channel::new(1)) {
            (true, Ok(request), Some(channel)) => es10(channel, &request),
            _ => self.lines.to_owned(),
        }
    }
}

const fn plain(name: Text, lines: &'static str) -> Preset {
    Preset { name, lines, es10: false }
}

const fn request(name: &'static str, lines: &'static str) -> Preset {
    Preset { name: Text::new(name, name), lines, es10: true }
}

/// Scripts that are ready.
pub const PRESETS: [Preset; 15] = [
    plain(Text::new("Reset", "リセット"), "reset"),
    plain(Text::new("SELECT MF", "MF を選択"), "00A40004023F0000"),
    plain(Text::new("Read EF.ICCID", "EF.ICCID を読む"), "00A40004023F0000\n00A40004022FE200\n00B000000A"),
    plain(Text::new("Read EF.DIR", "EF.DIR を読む"), "00A40004023F0000\n00A40004022F0000\n00B2010400"),
    plain(Text::new("SELECT USIM", "USIM を選択"), "00A4040007A000000087100200"),
    plain(
        Text::new("Read EF.IMSI", "EF.IMSI を読む"),
        "00A4040007A000000087100200\n00A40004026F0700\n00B0000009",
    ),
    plain(
        Text::new("Open channel 1 and SELECT ISD-R", "チャネル 1 を開き ISD-R を選択"),
        "0070000001\n01A4040010A0000005591010FFFFFFFF890000010000",
    ),
    request("ES10c.GetEID", "BF3E035C015A"),
    request("ES10b.GetEUICCInfo1", "BF2000"),
    request("ES10b.GetEUICCInfo2", "BF2200"),
    request("ES10b.GetEUICCChallenge", "BF2E00"),
    request("ES10c.GetProfilesInfo", "BF2D00"),
    request("ES10b.ListNotification", "BF2800"),
    request("ES10a.GetEuiccConfiguredAddresses", "BF3C00"),
    plain(Text::new("Close channel 1", "チャネル 1 を閉じる"), "00708001"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_trace_is_a_script() {
        let source = "# begin\n> 00 A4 00 04 02 3F 00 00\n< 9000\n\nreset # now\n00:70:00:00:01";
        assert_eq!(
            script(source),
            Ok(vec![
                Line::Command(vec![0, 0xA4, 0, 4, 2, 0x3F, 0, 0]),
                Line::Reset,
                Line::Command(vec![0, 0x70, 0, 0, 1]),
            ])
        );
    }

    #[test]
    fn what_is_no_command_is_named_by_its_line() {
        for (source, word) in [
            ("", "no command"),
            ("# nothing", "no command"),
            ("00A4\n", "Line 1"),
            ("00A40004023F0000\n00G0", "Line 2: “G”"),
            ("00A40004023F0000\n0", "Line 2: half"),
        ] {
            let error = script(source).unwrap_err();
            assert!(error.en.contains(word), "{error}");
        }
        assert!(script(&"00700000\n".repeat(MAX_LINES + 1)).is_err());
        assert!(script(&" ".repeat(MAX_TEXT + 1)).is_err());
    }

    // ISO/IEC 7816-3 §12.1: the four cases.
    #[test]
    fn fields_make_the_four_cases() {
        let case = |data, le| build(["00", "A4", "00", "04"], data, le).map(hex::encode_upper);
        assert_eq!(case("", "").unwrap(), "00A40004");
        assert_eq!(case("", "00").unwrap(), "00A4000400");
        assert_eq!(case("3F00", "").unwrap(), "00A40004023F00");
        assert_eq!(case("3F 00", "0A").unwrap(), "00A40004023F000A");
        assert!(case("3F0", "").is_err());
        assert!(case("", "000000").is_err());
        assert!(build(["", "A4", "00", "04"], "", "").is_err());
    }

    #[test]
    fn what_an_answer_asks_for_follows() {
        let follow = |command: &[u8], response: &[u8]| follow_up(command, response).map(hex::encode_upper);
        assert_eq!(follow(&[0x81, 0xE2, 0x91, 0, 1, 0], &[0x61, 0x10]).as_deref(), Some("01C0000010"));
        assert_eq!(follow(&[0x00, 0xB0, 0, 0, 0], &[0x6C, 0x0A]).as_deref(), Some("00B000000A"));
        assert_eq!(follow(&[0x00, 0xB0, 0, 0, 0], &[0x90, 0x00]), None);
        assert_eq!(follow(&[], &[0x61, 0x10]), None);
    }

    #[test]
    fn what_destroys_is_found_however_it_is_written() {
        for command in [
            // DeleteProfile by ICCID, with and without Le; on channel 1; on a further channel.
            "80E291000DBF33 0A5A0A98001032547698103214",
            "81E291000DBF33 0A5A0A9800103254769810321400",
            "C0E291000DBF33 0A5A0A98001032547698103214",
            // The same with extended lengths.
            "80E2910000000DBF33 0A5A0A98001032547698103214",
            "80E2910000000DBF33 0A5A0A980010325476981032140000",
            // The first block of several, of one byte too, and of one byte with extended lengths.
            "80E2110003BF330A",
            "80E2110001BF",
            "80E2110001BF00",
            "80E21100000001BF",
            "90E2910002BF33",
            // The other two.
            "80E2910006BF3404820205E0",
            "80E29100000006BF3404820205E0",
            "80E2910006BF3003800101",
            "80E29100000006BF3003800101",
            // A number of more bytes than it needs.
            "80E2910004BF803300",
            "80E2110002BF80",
            // No command, which a reader may make one of.
            "80E2910020BF3300",
        ] {
            assert!(destroys(&bytes(command).unwrap()), "{command}");
        }
        for preset in PRESETS {
            for line in script(&preset.script()).unwrap() {
                assert!(!matches!(line, Line::Command(command) if destroys(&command)), "{}", preset.name);
            }
        }
        // Another instruction with the same data; the later block of something else.
        for command in ["00A4040002BF33", "80E29101020A33", "80E2910100", ""] {
            assert!(!destroys(&bytes(command).unwrap()), "{command}");
        }
    }

    #[test]
    fn presets_are_scripts() {
        for preset in PRESETS {
            assert!(script(&preset.script()).is_ok(), "{}", preset.name);
        }
        // SGP.22 §5.7.2: CLA, E2, 91, block number; ES10c.GetEID of §5.7.20.
        assert_eq!(PRESETS[7].script(), "81E2910006BF3E035C015A00");
    }
}
