//! What passes between the parties: recorded as the bytes on the wire, decoded when somebody
//! looks, explained, made safe to share, exported and read back.
//!
//! ```text
//!   bytes ──► Trace (Message, Part) ──► decode ──► Side { bytes, nodes }     ranges into the bytes
//!                    │
//!                    └─► Masks ──► the same with masks ──► export ──► text, JSON, HAR, pcap
//! ```
//!
//! ```
//! use trace::{Party, Trace};
//!
//! let mut trace = Trace::default();
//! let ticket = trace.command(Party::Chip, &[0x80, 0xE2, 0x91, 0x00, 0x03, 0xBF, 0x2E, 0x00], 1.0);
//! trace.answer(ticket, &[0xBF, 0x2E, 0x04, 0x80, 0x02, 0xAB, 0xCD, 0x90, 0x00], 3.0);
//! let message = trace.message(ticket.message).unwrap();
//! assert_eq!(message.name, "ES10b.GetEUICCChallenge");
//! let answer = trace::decode(message).response.unwrap();
//! assert_eq!(answer.find("euiccChallenge").unwrap().value, "ABCD");
//! ```

mod card;
mod decode;
mod der;
mod diff;
mod es10;
mod explain;
mod file;
mod json;
mod name;
mod node;
mod record;
mod redact;
mod search;
mod spoken;
mod uicc;
mod values;
mod x509;

#[cfg(test)]
mod tests;

pub use decode::{decode, decode_part, refusal};
pub use diff::{Change, Pair, diff};
pub use explain::{Explanation, explain, interface, party, segment, step};
pub use file::{
    Format, Import, ImportError, MAX_IMPORT, MAX_MESSAGE, Origin, Style, apdu_lines, curl, export, import,
    to_har, to_json, to_pcap, to_text,
};
pub use name::{ISIM, LOAD, USIM};
pub use node::{Decoded, Node, Secrecy, Side, hex_spaced, size};
pub use record::{
    Answer, Ending, Headers, Http, Interface, Judge, Limits, Message, Part, Party, Request, Step, Ticket,
    Trace,
};
pub use redact::{Level, Masks, redacted};
pub use search::Filter;
pub use spoken::{meaning, spoken};
