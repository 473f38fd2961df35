//! Faults: which messages they strike, and what they do to them. Without a page: bytes in,
//! bytes out.

use std::collections::VecDeque;

use apdu::{Command, StatusWord, ins};
use serde::{Deserialize, Serialize};
use trace::{Interface, Limits, Party, Request, Trace};
use words::Text;

use super::expired;

/// On which way a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Way {
    /// From the phone to the other party.
    Request,
    /// Back to the phone.
    Answer,
}

/// What a fault does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "act")]
pub enum Act {
    /// The message never arrives.
    Drop,
    /// The card is pulled: nothing reaches it from here on, until it is put back.
    Pull,
    /// A bit of the message is turned over on its way: of a card's data, or of the value of a
    /// JSON body.
    #[serde(rename_all = "camelCase")]
    Corrupt {
        /// The JSON member, for HTTP; the longest value when there is none.
        field: Option<String>,
        /// Counted from the end of the data or value: the last byte is 0.
        from_end: usize,
    },
    /// The card's answer is this status word, without data.
    Status {
        /// SW1 SW2.
        sw: u16,
    },
    /// The server's answer is this HTTP status, without a body.
    Http {
        /// The status.
        status: u16,
    },
    /// It comes late.
    Delay {
        /// By how much.
        milliseconds: u32,
    },
    /// The answer is the one that the same function got before.
    Replay,
    /// The card is given the command twice; its second answer counts.
    Twice,
    /// The chip's certificate is replaced by one for the same key that has expired.
    Expire,
}

/// A fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fault {
    /// The function that it strikes, in the standard's words, as the trace has it:
    /// `ES9+.GetBoundProfilePackage`; with nothing behind the point, all of that interface; empty: all.
    pub function: String,
    /// On which way.
    pub way: Way,
    /// The how many-th matching message it strikes, from 1.
    pub nth: u32,
    /// Whether it strikes all from there on.
    pub always: bool,
    /// Of a package's segments only the first block is counted and struck.
    #[serde(default)]
    pub per_segment: bool,
    /// What it does.
    #[serde(flatten)]
    pub act: Act,
}

/// A fault on the bench, and what it has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Armed {
    /// Counts up.
    pub id: u32,
    /// The fault.
    pub fault: Fault,
    /// Matching messages so far.
    pub met: u32,
    /// Messages struck.
    pub struck: u32,
}

/// What is on its way.
#[derive(Debug)]
pub enum Wire<'a> {
    /// A command APDU.
    Command(&'a mut Vec<u8>),
    /// A response APDU.
    Response(&'a mut Vec<u8>),
    /// A request's body.
    Request(&'a mut Vec<u8>),
    /// An answer's status and body.
    Reply(&'a mut u16, &'a mut Vec<u8>),
}

/// What becomes of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Why it is lost, if it is.
    pub lost: Option<Text<String>>,
    /// What was done to it.
    pub notes: Vec<Text<String>>,
    /// By how much it is late, in milliseconds.
    pub late: u32,
    /// Whether the card is given it twice.
    pub twice: bool,
}

impl Fault {
    /// Whether it is for messages of a function on a way.
    fn strikes(&self, name: &str, way: Way) -> bool {
        is_of(&self.function, name) && self.way == way
    }
}

/// Whether a function is the one that is named, or of the interface that is.
pub(super) fn is_of(wanted: &str, name: &str) -> bool {
    match wanted.strip_suffix('.') {
        Some(interface) => name.split('.').next() == Some(interface),
        None => wanted.is_empty() || wanted == name,
    }
}

/// Most answers that are kept to be given again.
const MAX_KEPT: usize = 32;

/// The faults, and what they have to know of the messages before.
#[derive(Debug)]
pub struct Faults {
    armed: Vec<Armed>,
    next: u32,
    pulled: bool,
    /// Names functions as the real trace does.
    names: Trace,
    name: [String; 2],
    first_block: [bool; 2],
    /// The last answers, by function.
    answers: VecDeque<(String, Vec<u8>)>,
    /// Certificates that have expired; `None`: nobody has asked for them yet.
    expired: Option<Vec<Vec<u8>>>,
}

impl Default for Faults {
    fn default() -> Self {
        let limits = Limits { messages: 4, bytes: 1 << 20, parts: 4 };
        Self {
            armed: Vec::new(),
            next: 1,
            pulled: false,
            names: Trace::unjudged(limits),
            name: Default::default(),
            first_block: [true; 2],
            answers: VecDeque::new(),
            expired: None,
        }
    }
}

impl Faults {
    /// Arms a fault; returns its number.
    pub fn arm(&mut self, fault: Fault) -> u32 {
        let id = self.next;
        self.next = self.next.wrapping_add(1);
        self.armed.push(Armed { id, fault, met: 0, struck: 0 });
        id
    }

    /// Whether a fault is armed that wants certificates which nobody has asked for yet.
    #[must_use]
    pub fn wants_expired(&self) -> bool {
        self.expired.is_none() && self.armed.iter().any(|armed| armed.fault.act == Act::Expire)
    }

    /// Certificates that have expired, for [`Act::Expire`].
    pub fn set_expired(&mut self, certificates: Vec<Vec<u8>>) {
        self.expired = Some(certificates);
    }

    /// Takes a fault away.
    pub fn disarm(&mut self, id: u32) {
        self.armed.retain(|armed| armed.id != id);
    }

    /// Takes all away, and puts the card back.
    pub fn clear(&mut self) {
        self.armed.clear();
        self.pulled = false;
    }

    /// The faults and what they have done.
    #[must_use]
    pub fn armed(&self) -> &[Armed] {
        &self.armed
    }

    /// Whether the card is pulled.
    #[must_use]
    pub const fn is_pulled(&self) -> bool {
        self.pulled
    }

    /// Pulls the card, or puts it back.
    pub const fn pull(&mut self, pulled: bool) {
        self.pulled = pulled;
    }

    /// The function that a message belongs to, in the trace's words: of a command or request,
    /// which is then also the name of its answer.
    pub fn name_command(&mut self, card: Party, command: &[u8]) -> String {
        let ticket = self.names.command(card, command, 0.0);
        let name = self.names.message(ticket.message).map(|message| message.name.clone());
        // The message stays open in the scratch trace until its answer closes it; a success lets
        // it go on with the blocks after it.
        self.names.answer(ticket, &[0x90, 0x00], 0.0);
        self.name[0] = name.unwrap_or_default();
        self.first_block[0] =
            Command::parse(command).is_ok_and(|command| command.ins == ins::STORE_DATA && command.p2 == 0);
        self.name[0].clone()
    }

    /// The same of an HTTP request.
    pub fn name_request(&mut self, to: Party, url: &str) -> String {
        let request = Request { method: "POST", url, headers: &[], body: &[] };
        let ticket = self.names.call(Party::Phone, to, request, 0.0);
        let found = self.names.message(ticket.message);
        let name = found.map(|message| message.name.clone()).unwrap_or_default();
        self.name[1] = match found.map(|message| message.interface) {
            Some(interface @ (Interface::Network | Interface::Http)) if !name.contains('.') => {
                format!("{}.{name}", interface.name())
            }
            _ => name,
        };
        self.first_block[1] = true;
        self.name[1].clone()
    }

    /// The function that the message on its way belongs to: of the cards', or of HTTP.
    #[must_use]
    pub fn name(&self, card: bool) -> &str {
        &self.name[usize::from(!card)]
    }

    /// A message passes: what the faults do to it.
    pub fn strike(&mut self, mut wire: Wire<'_>) -> Verdict {
        let (way, card) = match &wire {
            Wire::Command(_) => (Way::Request, true),
            Wire::Response(_) => (Way::Answer, true),
            Wire::Request(_) => (Way::Request, false),
            Wire::Reply(..) => (Way::Answer, false),
        };
        let side = usize::from(!card);
        let name = self.name[side].clone();
        let mut verdict = Verdict::default();
        let before = self.answers.iter().find(|(of, _)| *of == name).map(|(_, answer)| answer.clone());
        match &wire {
            Wire::Response(answer) => keep(&mut self.answers, &name, answer),
            Wire::Reply(_, answer) => keep(&mut self.answers, &name, answer),
            Wire::Command(_) | Wire::Request(_) => {}
        }
        for armed in &mut self.armed {
            let fault = &armed.fault;
            if !fault.strikes(&name, way) || (fault.per_segment && !self.first_block[side]) {
                continue;
            }
            armed.met = armed.met.saturating_add(1);
            if armed.met < fault.nth || (armed.met > fault.nth && !fault.always) {
                continue;
            }
            let expired = self.expired.as_deref().unwrap_or_default();
            let known = Known { before: before.as_deref(), expired };
            if act(&fault.act, &name, &mut wire, &known, &mut self.pulled, &mut verdict) {
                armed.struck = armed.struck.saturating_add(1);
            }
        }
        if self.pulled && card {
            verdict.lost = Some(PULLED.owned());
        }
        verdict
    }
}

const PULLED: Text = Text::new("the card is pulled", "カードが抜かれています");
const NO_REQUEST: Text = Text::new("the bench dropped the request of {}", "実験台が {} の要求を捨てました");
const NO_ANSWER: Text = Text::new("the bench dropped the answer of {}", "実験台が {} の応答を捨てました");
const LATE: Text = Text::new("the bench held it for {} ms", "実験台が {} ミリ秒遅らせました");
const STATUS: Text =
    Text::new("the bench answered {} in the card’s place", "実験台がカードの代わりに {} と応答しました");
const HTTP: Text = Text::new(
    "the bench answered HTTP {} in the server’s place",
    "実験台がサーバーの代わりに HTTP {} と応答しました",
);
const REPLAYED: Text =
    Text::new("the bench gave the answer of the call before", "実験台が前回の呼び出しの応答を返しました");
const TURNED: Text = Text::new("the bench turned a bit over", "実験台が 1 ビットを反転しました");
const TWICE: Text = Text::new(
    "the bench gave it to the card twice; this is the second answer",
    "実験台がカードに二度渡しました。これは二度目の応答です",
);
const EXPIRED: Text = Text::new(
    "the bench put a certificate that has expired in the place of the chip’s",
    "実験台がチップの証明書を期限切れのものに差し替えました",
);

/// All that is said of a message that was struck; `{}` stands for a name or a number.
pub(crate) const SAID: [Text; 10] =
    [PULLED, NO_REQUEST, NO_ANSWER, LATE, STATUS, HTTP, REPLAYED, TURNED, TWICE, EXPIRED];

fn about(sentence: Text, what: impl std::fmt::Display) -> Text<String> {
    let what = what.to_string();
    sentence.map(|sentence| sentence.replace("{}", &what))
}

fn keep(answers: &mut VecDeque<(String, Vec<u8>)>, name: &str, answer: &[u8]) {
    answers.retain(|(of, _)| of != name);
    answers.push_front((name.to_owned(), answer.to_vec()));
    answers.truncate(MAX_KEPT);
}

/// What of other messages and of elsewhere can be put in a message's place.
struct Known<'a> {
    /// The answer that the same function got before.
    before: Option<&'a [u8]>,
    /// Certificates that have expired.
    expired: &'a [Vec<u8>],
}

/// Does it; `false` when there was nothing to do it to.
fn act(
    act: &Act,
    name: &str,
    wire: &mut Wire<'_>,
    known: &Known<'_>,
    pulled: &mut bool,
    verdict: &mut Verdict,
) -> bool {
    match (act, wire) {
        (Act::Drop, wire) => {
            verdict.lost = Some(match wire {
                Wire::Command(_) | Wire::Request(_) => about(NO_REQUEST, name),
                _ => about(NO_ANSWER, name),
            });
        }
        (Act::Pull, _) => *pulled = true,
        (Act::Delay { milliseconds }, _) => {
            verdict.late = verdict.late.saturating_add(*milliseconds);
            verdict.notes.push(about(LATE, milliseconds));
        }
        (Act::Status { sw }, Wire::Response(response)) => {
            **response = sw.to_be_bytes().to_vec();
            verdict.notes.push(about(STATUS, StatusWord(*sw)));
        }
        (Act::Http { status }, Wire::Reply(there, body)) => {
            **there = *status;
            body.clear();
            verdict.notes.push(about(HTTP, status));
        }
        (Act::Replay, Wire::Response(answer)) => return replay(answer, known.before, verdict),
        (Act::Replay, Wire::Reply(status, body)) => {
            **status = 200;
            return replay(body, known.before, verdict);
        }
        (Act::Corrupt { from_end, .. }, Wire::Command(command)) => {
            return corrupt_command(command, *from_end) && corrupted(verdict);
        }
        (Act::Corrupt { from_end, .. }, Wire::Response(response)) => {
            let data = response.len().saturating_sub(2);
            return turn(&mut response[..data], *from_end) && corrupted(verdict);
        }
        (Act::Corrupt { field, from_end }, Wire::Request(body) | Wire::Reply(_, body)) => {
            return corrupt_json(body, field.as_deref(), *from_end) && corrupted(verdict);
        }
        (Act::Twice, Wire::Command(_)) => {
            verdict.twice = true;
            verdict.notes.push(TWICE.owned());
        }
        (Act::Expire, Wire::Request(body)) => {
            if !expired::replace(body, known.expired) {
                return false;
            }
            verdict.notes.push(EXPIRED.owned());
        }
        (Act::Status { .. } | Act::Http { .. } | Act::Replay | Act::Twice | Act::Expire, _) => return false,
    }
    true
}

fn replay(answer: &mut Vec<u8>, before: Option<&[u8]>, verdict: &mut Verdict) -> bool {
    let Some(before) = before else { return false };
    *answer = before.to_vec();
    verdict.notes.push(REPLAYED.owned());
    true
}

fn corrupted(verdict: &mut Verdict) -> bool {
    verdict.notes.push(TURNED.owned());
    true
}

/// Turns a bit of a byte over, counted from the end.
fn turn(bytes: &mut [u8], from_end: usize) -> bool {
    match bytes.iter_mut().rev().nth(from_end) {
        Some(byte) => {
            *byte ^= 0x01;
            true
        }
        None => false,
    }
}

/// A bit of a command's data.
fn corrupt_command(command: &mut [u8], from_end: usize) -> bool {
    let Ok(parsed) = Command::parse(command) else { return false };
    let Some(start) = offset(command, parsed.data) else { return false };
    let end = start + parsed.data.len();
    turn(&mut command[start..end], from_end)
}

/// Where a part of a slice stands in it.
fn offset(whole: &[u8], part: &[u8]) -> Option<usize> {
    if part.is_empty() {
        return None;
    }
    let at = (part.as_ptr() as usize).checked_sub(whole.as_ptr() as usize)?;
    (at + part.len() <= whole.len()).then_some(at)
}

/// A bit of a value in a JSON body: what is base64 or hexadecimal stays it, so that the bytes
/// behind it change and not the form.
fn corrupt_json(body: &mut Vec<u8>, field: Option<&str>, from_end: usize) -> bool {
    let Ok(mut json) = serde_json::from_slice::<serde_json::Value>(body) else {
        return turn(body, from_end);
    };
    let mut values = Vec::new();
    collect(&mut json, "", &mut values);
    let chosen = match field {
        Some(field) => values.into_iter().find(|(name, _)| name == field),
        None => values.into_iter().max_by_key(|(_, value)| value.len()),
    };
    let Some((_, value)) = chosen else { return false };
    let letters = value.trim_end_matches('=').len();
    let Some(at) = letters.checked_sub(1 + from_end) else { return false };
    let Some(old) = value.get(at..=at).and_then(|letter| letter.chars().next()) else { return false };
    // The lowest bit of the last letter of base64 may be padding, which nobody reads: a letter
    // with other high bits.
    let new = match old {
        'A'..='Z' => old.to_ascii_lowercase(),
        'a'..='z' => old.to_ascii_uppercase(),
        '0'..='8' => char::from(old as u8 + 1),
        _ => '0',
    };
    value.replace_range(at..=at, new.encode_utf8(&mut [0; 4]));
    match serde_json::to_vec(&json) {
        Ok(changed) => {
            *body = changed;
            true
        }
        Err(_) => false,
    }
}

fn collect<'a>(json: &'a mut serde_json::Value, name: &str, found: &mut Vec<(String, &'a mut String)>) {
    match json {
        serde_json::Value::String(value) => found.push((name.to_owned(), value)),
        serde_json::Value::Array(items) => items.iter_mut().for_each(|item| collect(item, name, found)),
        serde_json::Value::Object(members) => {
            members.iter_mut().for_each(|(name, value)| collect(value, name, found));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn fault(function: &str, way: Way, nth: u32, act: Act) -> Fault {
        Fault { function: function.into(), way, nth, always: false, per_segment: false, act }
    }

    const CHALLENGE: [u8; 9] = [0x81, 0xE2, 0x91, 0x00, 0x03, 0xBF, 0x2E, 0x00, 0x00];

    #[test]
    fn the_nth_is_struck_and_no_other() {
        let mut faults = Faults::default();
        faults.arm(fault("ES10b.GetEUICCChallenge", Way::Answer, 2, Act::Drop));
        for lost in [false, true, false] {
            assert_eq!(faults.name_command(Party::Chip, &CHALLENGE), "ES10b.GetEUICCChallenge");
            assert_eq!(faults.strike(Wire::Command(&mut CHALLENGE.to_vec())), Verdict::default());
            let verdict = faults.strike(Wire::Response(&mut vec![0x90, 0x00]));
            assert_eq!(verdict.lost.is_some(), lost);
        }
        assert_eq!((faults.armed()[0].met, faults.armed()[0].struck), (3, 1));
    }

    #[test]
    fn all_of_an_interface_can_be_struck() {
        let mut faults = Faults::default();
        let mut always = fault("ES9+.", Way::Request, 1, Act::Drop);
        always.always = true;
        faults.arm(always);
        for function in ["initiateAuthentication", "handleNotification"] {
            faults.name_request(Party::Smdp, &format!("https://smdp.example/gsma/rsp2/es9plus/{function}"));
            assert!(faults.strike(Wire::Request(&mut b"{}".to_vec())).lost.is_some(), "{function}");
        }
        faults.name_command(Party::Chip, &CHALLENGE);
        assert_eq!(faults.strike(Wire::Command(&mut CHALLENGE.to_vec())).lost, None);
    }

    #[test]
    fn what_is_said_of_a_fault_is_known_again_in_both_languages() {
        let function = "ES10b.GetEUICCChallenge".to_owned();
        let said = [
            PULLED.owned(),
            about(NO_REQUEST, &function),
            about(NO_ANSWER, &function),
            about(LATE, 500),
            about(STATUS, StatusWord(0x6A82)),
            about(HTTP, 503),
            REPLAYED.owned(),
            TURNED.owned(),
            TWICE.owned(),
            EXPIRED.owned(),
        ];
        assert_eq!(said.len(), SAID.len());
        for words in said {
            assert!(!words.en.contains('{') && !words.ja.contains('{'), "{words}");
            assert_eq!(crate::said::words(&words.en), words);
        }
    }

    #[test]
    fn a_pulled_card_stays_pulled() {
        let mut faults = Faults::default();
        faults.arm(fault("", Way::Request, 2, Act::Pull));
        let mut sends = || {
            faults.name_command(Party::Chip, &CHALLENGE);
            let lost = faults.strike(Wire::Command(&mut CHALLENGE.to_vec())).lost.is_some();
            (lost, faults.is_pulled())
        };
        assert_eq!([sends(), sends(), sends()], [(false, false), (true, true), (true, true)]);
        faults.pull(false);
        assert_eq!(faults.strike(Wire::Response(&mut vec![0x90, 0])).lost, None);
    }

    #[test]
    fn a_bit_of_the_data_turns_and_the_frame_stays() {
        let mut faults = Faults::default();
        faults.arm(fault("", Way::Request, 1, Act::Corrupt { field: None, from_end: 0 }));
        let mut command = CHALLENGE.to_vec();
        faults.name_command(Party::Chip, &command);
        faults.strike(Wire::Command(&mut command));
        assert_eq!(command, [0x81, 0xE2, 0x91, 0x00, 0x03, 0xBF, 0x2E, 0x01, 0x00]);

        faults.clear();
        faults.arm(fault("", Way::Answer, 1, Act::Corrupt { field: None, from_end: 1 }));
        let mut response = vec![0xBF, 0x2E, 0x90, 0x00];
        faults.strike(Wire::Response(&mut response));
        assert_eq!(response, [0xBE, 0x2E, 0x90, 0x00]);
        let mut empty = vec![0x90, 0x00];
        faults.clear();
        let id = faults.arm(fault("", Way::Answer, 1, Act::Corrupt { field: None, from_end: 0 }));
        faults.strike(Wire::Response(&mut empty));
        assert_eq!((empty, faults.armed()[0].struck, id), (vec![0x90, 0x00], 0, 3));
    }

    #[test]
    fn a_field_of_a_body_changes_and_stays_base64() {
        let mut faults = Faults::default();
        let act = Act::Corrupt { field: Some("serverSignature1".into()), from_end: 2 };
        faults.arm(fault("ES9+.InitiateAuthentication", Way::Answer, 1, act));
        faults.name_request(Party::Smdp, "https://smdp.example/gsma/rsp2/es9plus/initiateAuthentication");
        let mut body = br#"{"serverSigned1":"QUJDREVGR0g=","serverSignature1":"X0g3QUJDRA=="}"#.to_vec();
        let mut status = 200;
        let verdict = faults.strike(Wire::Reply(&mut status, &mut body));
        assert_eq!(verdict.notes.len(), 1);
        let text = String::from_utf8(body).unwrap();
        assert!(text.contains("QUJDREVGR0g="), "{text}");
        assert!(!text.contains("X0g3QUJDRA==") && text.contains("X0g3QUJdRA=="), "{text}");
    }

    #[test]
    fn a_status_word_and_an_http_status_can_be_given_in_place_of_the_answer() {
        let mut faults = Faults::default();
        faults.arm(fault("", Way::Answer, 1, Act::Status { sw: 0x6985 }));
        faults.arm(fault("", Way::Answer, 1, Act::Http { status: 503 }));
        let mut response = vec![1, 2, 3, 0x90, 0x00];
        faults.strike(Wire::Response(&mut response));
        assert_eq!(response, [0x69, 0x85]);
        let (mut status, mut body) = (200, b"{}".to_vec());
        let mut always = Faults::default();
        always.arm(fault("", Way::Answer, 1, Act::Http { status: 503 }));
        always.strike(Wire::Reply(&mut status, &mut body));
        assert_eq!((status, body.len()), (503, 0));
    }

    #[test]
    fn only_a_command_is_given_twice() {
        let mut faults = Faults::default();
        faults.arm(fault("ES10b.GetEUICCChallenge", Way::Request, 1, Act::Twice));
        faults.arm(fault("ES10b.GetEUICCChallenge", Way::Answer, 1, Act::Twice));
        faults.name_command(Party::Chip, &CHALLENGE);
        let mut command = CHALLENGE.to_vec();
        let verdict = faults.strike(Wire::Command(&mut command));
        assert!(verdict.twice && verdict.lost.is_none() && command == CHALLENGE);
        assert!(!faults.strike(Wire::Response(&mut vec![0x90, 0x00])).twice);
        assert_eq!(faults.armed().iter().map(|one| one.struck).collect::<Vec<_>>(), [1, 0]);
    }

    #[test]
    fn a_certificate_that_has_expired_is_asked_for_once_and_only_when_it_is_wanted() {
        let mut faults = Faults::default();
        assert!(!faults.wants_expired());
        faults.arm(fault("ES9+.AuthenticateClient", Way::Request, 1, Act::Expire));
        assert!(faults.wants_expired());
        faults.set_expired(Vec::new());
        assert!(!faults.wants_expired());
        faults.name_request(Party::Smdp, "https://smdp.example/gsma/rsp2/es9plus/authenticateClient");
        faults.strike(Wire::Request(&mut b"{}".to_vec()));
        assert_eq!((faults.armed()[0].met, faults.armed()[0].struck), (1, 0));
    }

    #[test]
    fn an_old_answer_comes_again() {
        let mut faults = Faults::default();
        faults.arm(fault("ES10b.GetEUICCChallenge", Way::Answer, 2, Act::Replay));
        faults.name_command(Party::Chip, &CHALLENGE);
        faults.strike(Wire::Response(&mut vec![1, 0x90, 0x00]));
        let mut second = vec![2, 0x90, 0x00];
        faults.name_command(Party::Chip, &CHALLENGE);
        faults.strike(Wire::Response(&mut second));
        assert_eq!(second, [1, 0x90, 0x00]);
    }

    #[test]
    fn a_fault_is_a_line_of_json() {
        let written = fault("ES9+.", Way::Answer, 3, Act::Http { status: 500 });
        let json = serde_json::to_string(&written).unwrap();
        assert_eq!(
            json,
            r#"{"function":"ES9+.","way":"answer","nth":3,"always":false,"perSegment":false,"act":"http","status":500}"#
        );
        assert_eq!(serde_json::from_str::<Fault>(&json).unwrap(), written);
    }
}
