//! The standard's names for what is on the wire, as far as recording needs them.

use apdu::{Class, ClassError, Command, StatusWord, ins};
use tlv::Tag;

use crate::record::{Ending, Interface, Party};

/// What a command APDU is part of.
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) interface: Interface,
    pub(crate) channel: u8,
    /// It goes on with the function before: a further block, GET RESPONSE, a further segment.
    pub(crate) continues: bool,
    /// It works on the elementary file that is selected.
    pub(crate) of_file: bool,
}

/// First bytes of the AID of every USIM (ETSI TS 101 220).
pub const USIM: [u8; 7] = [0xA0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x02];
/// First bytes of the AID of every ISIM.
pub const ISIM: [u8; 7] = [0xA0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x04];

/// The function that takes a package, whose segments come as requests of their own.
pub const LOAD: &str = "ES10b.LoadBoundProfilePackage";

/// Instructions by number (ETSI TS 102 221 §10.1.2, GlobalPlatform Card Specification §11).
pub(crate) static INSTRUCTIONS: [(u8, &str); 41] = [
    (0x04, "DEACTIVATE FILE"),
    (0x10, "TERMINAL PROFILE"),
    (0x12, "FETCH"),
    (0x14, "TERMINAL RESPONSE"),
    (0x20, "VERIFY PIN"),
    (0x24, "CHANGE PIN"),
    (0x26, "DISABLE PIN"),
    (0x28, "ENABLE PIN"),
    (0x2C, "UNBLOCK PIN"),
    (0x32, "INCREASE"),
    (0x44, "ACTIVATE FILE"),
    (0x50, "INITIALIZE UPDATE"),
    (0x70, "MANAGE CHANNEL"),
    (0x73, "MANAGE SECURE CHANNEL"),
    (0x75, "TRANSACT DATA"),
    (0x76, "SUSPEND UICC"),
    (0x78, "GET IDENTITY"),
    (0x82, "EXTERNAL AUTHENTICATE"),
    (0x84, "GET CHALLENGE"),
    (0x88, "AUTHENTICATE"),
    (0x89, "AUTHENTICATE"),
    (0xA2, "SEARCH RECORD"),
    (0xA4, "SELECT"),
    (0xAA, "TERMINAL CAPABILITY"),
    (0xB0, "READ BINARY"),
    (0xB2, "READ RECORD"),
    (0xC0, "GET RESPONSE"),
    (0xC2, "ENVELOPE"),
    (0xCA, "GET DATA"),
    (0xCB, "RETRIEVE DATA"),
    (0xD6, "UPDATE BINARY"),
    (0xD8, "PUT KEY"),
    (0xDB, "SET DATA"),
    (0xDC, "UPDATE RECORD"),
    (0xE0, "CREATE FILE"),
    (0xE2, "STORE DATA"),
    (0xE4, "DELETE"),
    (0xE6, "INSTALL"),
    (0xE8, "LOAD"),
    (0xF0, "SET STATUS"),
    (0xF2, "STATUS"),
];

/// Requests of ES10 by tag (SGP.22 §5.7), without the interface's letter.
pub(crate) static ES10: [(u32, char, &str); 22] = [
    (0xBF20, 'b', "GetEUICCInfo1"),
    (0xBF21, 'b', "PrepareDownload"),
    (0xBF22, 'b', "GetEUICCInfo2"),
    (0xBF28, 'b', "ListNotification"),
    (0xBF29, 'c', "SetNickname"),
    (0xBF2B, 'b', "RetrieveNotificationsList"),
    (0xBF2D, 'c', "GetProfilesInfo"),
    (0xBF2E, 'b', "GetEUICCChallenge"),
    (0xBF30, 'b', "RemoveNotificationFromList"),
    (0xBF31, 'c', "EnableProfile"),
    (0xBF32, 'c', "DisableProfile"),
    (0xBF33, 'c', "DeleteProfile"),
    (0xBF34, 'c', "eUICCMemoryReset"),
    (0xBF35, 'b', "LoadCRL"),
    (0xBF36, 'b', "LoadBoundProfilePackage"),
    (0xBF38, 'b', "AuthenticateServer"),
    (0xBF3C, 'a', "GetEuiccConfiguredAddresses"),
    (0xBF3E, 'c', "GetEID"),
    (0xBF3F, 'a', "SetDefaultDpAddress"),
    (0xBF41, 'b', "CancelSession"),
    (0xBF42, 'b', "LpaeActivation"),
    (0xBF43, 'b', "GetRAT"),
];

/// The logical channel that a class byte names; of a foreign class the basic one.
pub(crate) fn channel(cla: u8) -> u8 {
    match Class::parse(cla) {
        Ok(class) => class.channel.number(),
        Err(ClassError::SecureMessaging) if cla & 0x40 != 0 => (cla & 0x0F) + 4,
        Err(ClassError::SecureMessaging) => cla & 0x03,
        Err(ClassError::Unknown) => 0,
    }
}

pub(crate) fn instruction(number: u8) -> Option<&'static str> {
    INSTRUCTIONS.iter().find(|(known, _)| *known == number).map(|(_, name)| *name)
}

/// Names a command APDU.
pub(crate) fn command(bytes: &[u8]) -> Named {
    let channel = bytes.first().map_or(0, |cla| channel(*cla));
    let named = |name: &str| Named {
        name: name.to_owned(),
        interface: Interface::Apdu,
        channel,
        continues: false,
        of_file: false,
    };
    let Ok(command) = Command::parse(bytes) else { return named("not an APDU") };
    match command.ins {
        ins::STORE_DATA if command.cla & 0x80 != 0 => store_data(&command, named("STORE DATA")),
        ins::GET_RESPONSE => Named { continues: true, ..named("GET RESPONSE") },
        ins::SELECT if command.p1 == 0x04 => named(&match aid(command.data) {
            Some(name) => format!("SELECT {name}"),
            None => "SELECT by AID".to_owned(),
        }),
        ins::SELECT => named(&match file(bytes).and_then(crate::uicc::file_name) {
            Some(name) => format!("SELECT {name}"),
            None => "SELECT".to_owned(),
        }),
        ins::MANAGE_CHANNEL if command.p1 == 0x80 => named("MANAGE CHANNEL close"),
        ins::MANAGE_CHANNEL => named("MANAGE CHANNEL open"),
        other => {
            let of_file =
                matches!(other, 0xB0 | 0xB2 | 0xD6 | 0xDC | 0xA2 | 0x32 | 0x04 | 0x44 | 0xCB | 0xDB);
            match instruction(other) {
                Some(name) => Named { of_file, ..named(name) },
                None => named(&format!("INS {other:02X}")),
            }
        }
    }
}

/// What an AID is of, where this is known.
pub(crate) fn aid(aid: &[u8]) -> Option<&'static str> {
    match aid {
        [0xA0, 0x00, 0x00, 0x05, 0x59, 0x10, 0x10, .., 0x89, 0x00, 0x00, 0x02, 0x00] => Some("ECASD"),
        _ if rsp::ids::ISD_R == *aid => Some("ISD-R"),
        [0xA0, 0x00, 0x00, 0x05, 0x59, 0x10, 0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0x89, 0x00, high, low, 0x00]
            if u16::from_be_bytes([*high, *low]) >= 0x10 =>
        {
            Some("ISD-P")
        }
        _ if aid.starts_with(&USIM) => Some("ADF.USIM"),
        _ if aid.starts_with(&ISIM) => Some("ADF.ISIM"),
        _ => None,
    }
}

fn store_data(command: &Command<'_>, named: Named) -> Named {
    if command.p2 != 0 {
        return Named { continues: true, ..named };
    }
    match tlv::tag(command.data) {
        // The tags of a package's segments after the first (SGP.22 §5.5.5).
        Ok(Some(Tag(0x86 | 0x87 | 0x88 | 0xA0 | 0xA1 | 0xA2 | 0xA3))) => {
            Named { name: LOAD.to_owned(), interface: Interface::Es8, continues: true, ..named }
        }
        Ok(Some(Tag(0xBF36))) => Named { name: LOAD.to_owned(), interface: Interface::Es8, ..named },
        Ok(Some(tag)) => match ES10.iter().find(|(number, ..)| *number == tag.0) {
            Some((_, letter, name)) => Named {
                name: format!("ES10{letter}.{name}"),
                interface: match letter {
                    'a' => Interface::Es10a,
                    'c' => Interface::Es10c,
                    _ => Interface::Es10b,
                },
                ..named
            },
            None => Named { name: format!("STORE DATA {tag}"), ..named },
        },
        _ => named,
    }
}

/// The file that a command itself names: SELECT by identifier or path, or a short identifier.
pub(crate) fn file(command: &[u8]) -> Option<u16> {
    let parsed = Command::parse(command).ok()?;
    match (parsed.ins, parsed.p1, parsed.p2) {
        (ins::SELECT, 0x00 | 0x01 | 0x02 | 0x08 | 0x09, _) => {
            parsed.data.last_chunk::<2>().map(|id| u16::from_be_bytes(*id))
        }
        (ins::READ_BINARY | ins::UPDATE_BINARY, p1, _) if p1 & 0xE0 == 0x80 => crate::uicc::short(p1 & 0x1F),
        (ins::READ_RECORD | ins::UPDATE_RECORD | ins::SEARCH_RECORD, _, p2) if p2 >> 3 != 0 => {
            crate::uicc::short(p2 >> 3)
        }
        _ => None,
    }
}

/// The elementary file that is selected after a SELECT that went well.
pub(crate) fn selected(command: &[u8]) -> Option<u16> {
    let parsed = Command::parse(command).ok()?;
    let id = file(command).filter(|_| parsed.ins == ins::SELECT)?;
    // 3F, 5F, 7F: directories.
    (!matches!(id >> 8, 0x3F | 0x5F | 0x7F)).then_some(id)
}

/// How a response APDU ends a function.
pub(crate) fn ending(response: &[u8]) -> Ending {
    let Some(sw) = response.last_chunk::<2>() else { return Ending::Bad("no status word".to_owned()) };
    let sw = StatusWord(u16::from_be_bytes(*sw));
    // 62 XX and 63 XX (but 63 CX) are warnings: it was done.
    let warning = matches!(sw.0 >> 8, 0x62) || sw.0 == 0x6300;
    if sw.is_success() || sw.exact_le().is_some() || warning {
        Ending::Good(sw.to_string())
    } else {
        Ending::Bad(sw.to_string())
    }
}

/// How an HTTP answer ends a function: functional errors come with status 200 (SGP.22 §6.3).
pub(crate) fn outcome(status: u16, body: &[u8]) -> Ending {
    let text = format!("HTTP {status}");
    if !(200..400).contains(&status) {
        return Ending::Bad(text);
    }
    match crate::json::execution_status(body) {
        Some((failed, codes)) if failed => Ending::Bad(codes),
        _ => Ending::Good(text),
    }
}

/// Interface and function of an HTTP request.
pub(crate) fn call(to: Party, method: &str, url: &str) -> (Interface, String) {
    let path = path(url);
    if let Some((_, rest)) = path.split_once("/gsma/rsp2/")
        && let Some((interface, function)) = rest.split_once('/')
    {
        let interface = match (interface, to) {
            ("es9plus", Party::Smds) | ("es11", _) => Some(Interface::Es11),
            ("es9plus", _) => Some(Interface::Es9),
            ("es2plus", _) => Some(Interface::Es2),
            ("es12" | "es15", _) => Some(Interface::Es12),
            _ => None,
        };
        if let Some(interface) = interface {
            return (interface, format!("{}.{}", interface.name(), capitalised(function)));
        }
    }
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let network = match (method, segments.as_slice()) {
        (_, ["network", "attach"]) => Some("Attach"),
        (_, ["network", "attach", _, "response"]) => Some("Attach response"),
        ("DELETE", ["network", "sessions", _]) => Some("Detach"),
        (_, ["network", "sessions", _]) => Some("Session"),
        (_, ["network", "sessions", _, "log"]) => Some("Session log"),
        (_, ["network", "sessions", _, "service"]) => Some("Service"),
        (_, ["network", "sessions", _, "http", ..]) => Some("Data"),
        (_, ["network", ..]) => Some("Network"),
        _ => None,
    };
    match network {
        Some(name) => (Interface::Network, name.to_owned()),
        None => (Interface::Http, format!("{method} {path}")),
    }
}

/// The path of a URL, without its query.
pub(crate) fn path(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest.find('/').map_or("/", |at| &rest[at..]));
    rest.split(['?', '#']).next().unwrap_or(rest)
}

fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}
