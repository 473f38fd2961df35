//! The standard's names for what is on the wire.

use apdu::{Command, Response, StatusWord, ins};
use tlv::Tag;

use crate::trace::hex;

/// What a command APDU is part of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// The function's name.
    pub name: String,
    /// It goes on with the function before: a further block, GET RESPONSE, a further segment.
    pub continues: bool,
}

/// Names a command APDU.
#[must_use]
pub fn command(bytes: &[u8]) -> Described {
    let first = |name: &str| Described { name: name.to_owned(), continues: false };
    let Ok(command) = Command::parse(bytes) else { return first("not an APDU") };
    match command.ins {
        ins::STORE_DATA => store_data(&command),
        ins::GET_RESPONSE => Described { name: "GET RESPONSE".to_owned(), continues: true },
        ins::SELECT if command.p1 == 0x04 => first(match command.data {
            aid if rsp::ids::ISD_R == *aid => "SELECT ISD-R",
            aid if aid.starts_with(&USIM) => "SELECT ADF.USIM",
            _ => "SELECT by AID",
        }),
        ins::MANAGE_CHANNEL if command.p1 == 0x80 => first("MANAGE CHANNEL close"),
        ins::MANAGE_CHANNEL => first("MANAGE CHANNEL open"),
        other => INSTRUCTIONS
            .iter()
            .find(|(number, _)| *number == other)
            .map_or_else(|| first(&format!("INS {other:02X}")), |(_, name)| first(name)),
    }
}

/// First bytes of the AID of every USIM (ETSI TS 101 220).
pub const USIM: [u8; 7] = [0xA0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x02];

const INSTRUCTIONS: [(u8, &str); 12] = [
    (ins::AUTHENTICATE, "AUTHENTICATE"),
    (ins::FETCH, "FETCH"),
    (ins::READ_BINARY, "READ BINARY"),
    (ins::READ_RECORD, "READ RECORD"),
    (ins::SELECT, "SELECT"),
    (ins::STATUS, "STATUS"),
    (ins::TERMINAL_CAPABILITY, "TERMINAL CAPABILITY"),
    (ins::TERMINAL_PROFILE, "TERMINAL PROFILE"),
    (ins::TERMINAL_RESPONSE, "TERMINAL RESPONSE"),
    (ins::UPDATE_BINARY, "UPDATE BINARY"),
    (ins::VERIFY_PIN, "VERIFY PIN"),
    (ins::ENVELOPE, "ENVELOPE"),
];

/// Requests of ES10 by tag (SGP.22 §5.7).
const ES10: [(u32, &str); 21] = [
    (0xBF20, "ES10b.GetEUICCInfo1"),
    (0xBF21, "ES10b.PrepareDownload"),
    (0xBF22, "ES10b.GetEUICCInfo2"),
    (0xBF28, "ES10b.ListNotification"),
    (0xBF29, "ES10c.SetNickname"),
    (0xBF2B, "ES10b.RetrieveNotificationsList"),
    (0xBF2D, "ES10c.GetProfilesInfo"),
    (0xBF2E, "ES10b.GetEUICCChallenge"),
    (0xBF30, "ES10b.RemoveNotificationFromList"),
    (0xBF31, "ES10c.EnableProfile"),
    (0xBF32, "ES10c.DisableProfile"),
    (0xBF33, "ES10c.DeleteProfile"),
    (0xBF34, "ES10c.eUICCMemoryReset"),
    (0xBF35, "ES10b.LoadCRL"),
    (0xBF36, LOAD),
    (0xBF38, "ES10b.AuthenticateServer"),
    (0xBF3C, "ES10a.GetEuiccConfiguredAddresses"),
    (0xBF3E, "ES10c.GetEID"),
    (0xBF3F, "ES10a.SetDefaultDpAddress"),
    (0xBF41, "ES10b.CancelSession"),
    (0xBF43, "ES10b.GetRAT"),
];

/// The function that takes a package, whose segments come as requests of their own.
pub const LOAD: &str = "ES10b.LoadBoundProfilePackage";

fn store_data(command: &Command<'_>) -> Described {
    if command.p2 != 0 {
        return Described { name: "STORE DATA".to_owned(), continues: true };
    }
    match tlv::tag(command.data) {
        // The tags of a package's segments after the first (SGP.22 §5.5.5).
        Ok(Some(Tag(0x86 | 0x87 | 0x88 | 0xA0 | 0xA1 | 0xA2 | 0xA3))) => {
            Described { name: LOAD.to_owned(), continues: true }
        }
        Ok(Some(tag)) => {
            let name = ES10.iter().find(|(number, _)| *number == tag.0).map(|(_, name)| (*name).to_owned());
            Described { name: name.unwrap_or_else(|| format!("STORE DATA {:X}", tag.0)), continues: false }
        }
        _ => Described { name: "STORE DATA".to_owned(), continues: false },
    }
}

/// What the trace shows of a response: all of it, but of AUTHENTICATE not the session
/// keys, which no screen is for.
#[must_use]
pub fn response(command: &[u8], response: &[u8]) -> String {
    const SUCCESS: u8 = 0xDB;
    let authenticate = Command::parse(command).is_ok_and(|command| command.ins == ins::AUTHENTICATE);
    if let (true, [SUCCESS, length, rest @ ..]) = (authenticate, response)
        && let Some((res, keys)) = rest.split_at_checked(usize::from(*length))
    {
        let sw = keys.get(keys.len().saturating_sub(2)..).unwrap_or_default();
        return format!("{} {} (session keys not shown) {}", hex(&[SUCCESS, *length]), hex(res), hex(sw));
    }
    hex(response)
}

/// The status word of a response.
///
/// # Errors
/// The status word when it tells no success, none when the response has none.
pub fn status(response: &[u8]) -> Result<StatusWord, Option<StatusWord>> {
    match Response::parse(response) {
        Some(parsed) if parsed.sw.is_success() || parsed.sw.exact_le().is_some() => Ok(parsed.sw),
        Some(parsed) => Err(Some(parsed.sw)),
        None => Err(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(hex: &str) -> (String, bool) {
        let described = command(&hex::decode(hex.replace(' ', "")).unwrap());
        (described.name, described.continues)
    }

    #[test]
    fn commands_carry_the_standard_s_names() {
        // The wire sequence of SGP.22's LPAs.
        assert_eq!(
            named("80 AA 00 00 0A A9 08 81 00 82 01 01 83 01 07"),
            ("TERMINAL CAPABILITY".into(), false)
        );
        assert_eq!(named("00 70 00 00 01"), ("MANAGE CHANNEL open".into(), false));
        assert_eq!(named("00 70 80 01"), ("MANAGE CHANNEL close".into(), false));
        assert_eq!(
            named("01 A4 04 00 10 A0 00 00 05 59 10 10 FF FF FF FF 89 00 00 01 00 00"),
            ("SELECT ISD-R".into(), false)
        );
        assert_eq!(named("81 E2 91 00 03 BF 2E 00 00"), ("ES10b.GetEUICCChallenge".into(), false));
        assert_eq!(named("81 E2 91 01 03 BF 2E 00 00"), ("STORE DATA".into(), true));
        assert_eq!(named("81 E2 91 00 02 A1 05 00"), (LOAD.into(), true));
        assert_eq!(named("81 C0 00 00 20"), ("GET RESPONSE".into(), true));
        assert_eq!(named("80 12 00 00 0B"), ("FETCH".into(), false));
        assert_eq!(named("00 EE 00 00"), ("INS EE".into(), false));
        assert_eq!(named("00"), ("not an APDU".into(), false));
    }

    #[test]
    fn session_keys_are_not_shown() {
        let authenticate = [&[0x00, 0x88, 0x00, 0x81, 0x22][..], &[0x10; 34], &[0x00]].concat();
        let answer =
            [&[0xDB, 0x08][..], &[0xA5; 8], &[0x10], &[0xCC; 16], &[0x10], &[0x11; 16], &[0x90, 0x00]]
                .concat();
        let shown = response(&authenticate, &answer);
        assert!(shown.contains("A5 A5") && shown.ends_with("90 00"), "{shown}");
        assert!(!shown.contains("CC") && !shown.contains("11 11"), "{shown}");
        assert_eq!(response(&[0x00, 0xA4, 0x00, 0x00], &[0xCC, 0x90, 0x00]), "CC 90 00");
        assert_eq!(response(&authenticate, &[0x98, 0x62]), "98 62");
        assert_eq!(response(&authenticate, &[0xDB, 0x40, 0x90, 0x00]), "DB 40 90 00");
    }

    #[test]
    fn a_status_word_tells_success() {
        assert_eq!(status(&[0x91, 0x0B]), Ok(StatusWord(0x910B)));
        assert_eq!(status(&[0x6A, 0x82]), Err(Some(StatusWord::FILE_NOT_FOUND)));
        assert_eq!(status(&[0x6A]), Err(None));
    }
}
