//! Over-the-air management of the enabled profile: its security domains and
//! remote file management applications (ETSI TS 102 225, TS 102 226).
//!
//! ```text
//!   packet ─► TAR ─► application ─► keys of its domain ─► open ─► counter ─► script
//!                                                                 └─ one group ─┘
//! ```
//!
//! The counter and everything that the commands of one packet change become
//! durable together. Commands before one that fails stay executed
//! (ETSI TS 102 226 §5.1).

use apdu::{Channel, Class, Command, Response, StatusWord, ins};
use ota::packet::{Integrity, Por, check_counter};
use ota::script::{Format, Outcome, Script};
use ota::{Header, Key as OtaKey, KeyKind, Keyset, ResponseStatus, Tar};
use saip::{KeyObject, Reach};
use tlv::{Fields, Tag, Writer};
use zeroize::Zeroizing;

use super::access::Domain;
use super::data::{RETRIEVE_DATA, SET_DATA};
use super::select::{Occurrence, Selection};
use super::{Session, Uicc};
use crate::isdp;
use crate::nvm::{Error, Key, SlotId, SlotKey, Store, Transaction, View};
use crate::{Env, profile};

/// Number of the operator's security domain, the first of a package.
pub(crate) const OPERATORS_DOMAIN: u16 = 1;

/// TAR of a security domain that names none (ETSI TS 101 220 annex D: the
/// issuer's).
const ISSUER: [u8; 3] = [0; 3];
/// Least security of a domain that names none: a cryptographic checksum.
const SIGNED: u8 = 0x02;
/// The most data of an answer: with header, checksum and padding it fits into one
/// short message.
const MOST_ANSWER: usize = 100;
/// "Response data truncated" (ETSI TS 102 226 §5.2.1.1).
const TRUNCATED: StatusWord = StatusWord(0x62F1);

/// Writes a security domain with its keys.
pub(crate) fn put_domain(
    tx: &mut Transaction<'_>,
    slot: SlotId,
    number: u16,
    domain: &saip::SecurityDomain,
) -> Result<(), Error> {
    let default = Reach { tars: vec![ISSUER], minimum_security_level: SIGNED };
    let reach = domain.reach.as_ref().unwrap_or(&default);
    let mut record = Writer::new();
    record.tlv(Tag(0x84), domain.instance.as_bytes());
    write_reach(&mut record, reach);
    tx.put(Key::Slot(slot, SlotKey::SecurityDomain(number)), record.finish())?;
    for KeyObject { version, identifier, key_type, data, mac_length, counter } in &domain.keys {
        let (version, identifier) = (*version, *identifier);
        let mut value = vec![*key_type, *mac_length];
        value.extend_from_slice(data.expose_secret());
        tx.put(Key::Slot(slot, SlotKey::DomainKey { domain: number, version, identifier }), value)?;
        if let Some(counter) = counter {
            let last = counter_of(tx, slot, number, version).max(*counter);
            put_counter(tx, slot, number, version, last)?;
        }
    }
    Ok(())
}

/// Writes a remote file management application of a security domain.
pub(crate) fn put_rfm(
    tx: &mut Transaction<'_>,
    slot: SlotId,
    number: u16,
    domain: u16,
    rfm: &saip::Rfm,
) -> Result<(), Error> {
    let mut reach = rfm.reach.clone();
    // Without a list the TAR is in the AID (ETSI TS 101 220 §4).
    if let (true, Some(&[a, b, c])) = (reach.tars.is_empty(), rfm.instance.as_bytes().get(12..15)) {
        reach.tars.push([a, b, c]);
    }
    let mut record = Writer::new();
    record.tlv(Tag(0x84), &domain.to_be_bytes());
    write_reach(&mut record, &reach);
    record.tlv(Tag(0x82), &rfm.uicc_domain);
    if let Some(adf) = &rfm.adf {
        record.tlv(Tag(0x83), adf.aid.as_bytes()).tlv(Tag(0x85), &adf.domain);
    }
    tx.put(Key::Slot(slot, SlotKey::Rfm(number)), record.finish())
}

/// The security domain with this AID.
pub(crate) fn domain_of(view: &impl View, slot: SlotId, aid: &[u8]) -> Option<u16> {
    domains(view, slot).find_map(|(number, record)| {
        let own = Fields::new(record).required(Tag(0x84)).ok()?;
        (own.value == aid).then_some(number)
    })
}

fn write_reach(record: &mut Writer, reach: &Reach) {
    record.tlv(Tag(0x80), &[reach.minimum_security_level]).tlv(Tag(0x81), &reach.tars.concat());
}

fn domains<V: View>(view: &V, slot: SlotId) -> impl Iterator<Item = (u16, &[u8])> {
    let keys = view.keys_from(Key::Slot(slot, SlotKey::SecurityDomain(0)), slot);
    keys.into_iter().filter_map(move |key| match key {
        Key::Slot(_, SlotKey::SecurityDomain(number)) => Some((number, view.get(key)?)),
        _ => None,
    })
}

fn put_counter(
    tx: &mut Transaction<'_>,
    slot: SlotId,
    domain: u16,
    version: u8,
    counter: u64,
) -> Result<(), Error> {
    tx.put(Key::Slot(slot, SlotKey::DomainCounter { domain, version }), counter.to_be_bytes().to_vec())
}

fn counter_of(view: &impl View, slot: SlotId, domain: u16, version: u8) -> u64 {
    let value = view.get(Key::Slot(slot, SlotKey::DomainCounter { domain, version }));
    value.and_then(|value| value.try_into().ok()).map_or(0, u64::from_be_bytes)
}

/// The application that a packet is for.
struct Target {
    application: Application,
    /// Whose keys protect it.
    domain: u16,
    /// Minimum security level.
    level: u8,
}

enum Application {
    /// The security domain itself.
    Domain,
    Files {
        uicc: Domain,
        /// AID and access.
        adf: Option<(Vec<u8>, Domain)>,
    },
}

impl Target {
    fn find(view: &impl View, slot: SlotId, Tar(tar): Tar) -> Option<Self> {
        let level_for = |record| {
            let mut fields = Fields::new(record);
            let level = *fields.required(Tag(0x80)).ok()?.value.first()?;
            let tars = fields.required(Tag(0x81)).ok()?.value;
            tars.chunks(3).any(|own| own == tar).then_some(level)
        };
        for (domain, record) in domains(view, slot) {
            if let Some(level) = level_for(record) {
                let level = at_least_signed(level);
                return Some(Self { application: Application::Domain, domain, level });
            }
        }
        let keys = view.keys_from(Key::Slot(slot, SlotKey::Rfm(0)), slot);
        let records = keys.into_iter().filter(|key| matches!(key, Key::Slot(_, SlotKey::Rfm(_))));
        for record in records.filter_map(|key| view.get(key)) {
            if let Some(level) = level_for(record) {
                let mut fields = Fields::new(record);
                let domain = u16::from_be_bytes(fields.required(Tag(0x84)).ok()?.array().ok()?);
                let uicc = Domain::read(fields.required(Tag(0x82)).ok()?.value);
                let adf = match fields.optional(Tag(0x83)).ok()? {
                    Some(aid) => {
                        let access = Domain::read(fields.required(Tag(0x85)).ok()?.value);
                        Some((aid.value.to_vec(), access))
                    }
                    None => None,
                };
                return Some(Self { application: Application::Files { uicc, adf }, domain, level });
            }
        }
        None
    }
}

/// What a security domain executes, changes of keys and metadata, is never for anybody
/// who comes along.
const fn at_least_signed(level: u8) -> u8 {
    const INTEGRITY: u8 = 0x03;
    if level & INTEGRITY < SIGNED { level & !INTEGRITY | SIGNED } else { level }
}

/// The keys that a header names: identifier 1 ciphers, 2 makes checksums.
fn keyset(view: &impl View, slot: SlotId, domain: u16, header: &Header) -> Keyset {
    let key = |version, identifier| {
        let value = view.get(Key::Slot(slot, SlotKey::DomainKey { domain, version, identifier }))?;
        let [key_type, mac_len, bytes @ ..] = value else { return None };
        let kind = match key_type {
            0x80..=0x84 => KeyKind::Des,
            0x88 => KeyKind::Aes,
            _ => return None,
        };
        OtaKey::new(kind, bytes, usize::from(*mac_len))
    };
    Keyset { kic: key(header.kic_version(), 1), kid: key(header.kid_version(), 2) }
}

/// What a packet has led to.
#[derive(Default)]
pub(crate) struct Received {
    /// User data of the proof of receipt, when one is asked for.
    pub(crate) receipt: Option<Vec<u8>>,
    /// Whether it goes by an SMS-SUBMIT and not in the report of the delivery.
    pub(crate) by_submit: bool,
    /// Files that were changed.
    pub(crate) changed: Changed,
}

/// Files that were changed: paths from the MF, `7FFF` for the ADF.
#[derive(Default)]
pub(crate) struct Changed {
    /// The paths, each once.
    pub(crate) paths: Vec<Vec<u8>>,
    /// AID of the ADF.
    pub(crate) aid: Option<Vec<u8>>,
}

/// Takes a command packet for the enabled profile.
///
/// # Errors
/// When the memory fails; nothing has happened then.
pub(crate) fn receive(env: &mut dyn Env, store: &mut Store, packet: &[u8]) -> Result<Received, StatusWord> {
    let (Some(slot), Ok(header)) = (profile::enabled(store), Header::peek(packet)) else {
        // Nobody is there, or nobody could be told what is wrong.
        return Ok(Received::default());
    };
    let answer = |status, counter, data| ota::Response { tar: header.tar, counter, status, data };
    // What is said before the sender has proven itself is said in the open.
    let open = Header {
        spi: ota::Spi { por_integrity: Integrity::None, por_ciphered: false, ..header.spi },
        ..header
    };
    let target =
        Target::find(store, slot, header.tar).ok_or(ResponseStatus::TAR_UNKNOWN).and_then(|target| {
            if header.spi.reaches(target.level) { Ok(target) } else { Err(ResponseStatus::SECURITY_LEVEL) }
        });
    let keys = target
        .as_ref()
        .map_or_else(|_| Keyset::default(), |target| keyset(store, slot, target.domain, &header));
    let opened = target.and_then(|target| {
        let command = ota::Command::open(packet, &keys)?;
        // An answer that cannot be given as asked must not come after the deed.
        let trial = answer(ResponseStatus::OK, 0, Vec::new()).seal(&header, &keys);
        trial.map_err(|_| ResponseStatus::UNIDENTIFIED)?;
        Ok((target, command))
    });
    let mut changed = Changed::default();
    let (response, header, keys) = match opened {
        Err(status) => (answer(status, 0, Vec::new()), open, Keyset::default()),
        Ok((target, command)) => {
            let version = match header.spi.integrity {
                Integrity::Checksum => header.kid_version(),
                _ => header.kic_version(),
            };
            let last = counter_of(store, slot, target.domain, version);
            let response = match check_counter(header.spi.counter, command.counter, last) {
                Err(status) => answer(status, command.counter, Vec::new()),
                Ok(counter) => {
                    store.begin_group();
                    let kept = counter.map_or(Ok(()), |counter| {
                        let mut tx = store.begin();
                        put_counter(&mut tx, slot, target.domain, version, counter)?;
                        tx.commit(env.medium())
                    });
                    let result = match kept {
                        Ok(()) => Some(execute(env, store, slot, &target, &command.data, &mut changed)),
                        Err(_) => None,
                    };
                    store.end_group(env.medium())?;
                    match result {
                        Some(data) => answer(ResponseStatus::OK, command.counter, data),
                        None => answer(ResponseStatus::MEMORY, command.counter, Vec::new()),
                    }
                }
            };
            (response, header, keys)
        }
    };
    let wanted = match header.spi.por {
        Por::Never => false,
        Por::Always => true,
        Por::OnError => response.status != ResponseStatus::OK,
    };
    let receipt = if wanted { response.seal(&header, &keys).ok() } else { None };
    Ok(Received { receipt, by_submit: header.spi.por_by_submit, changed })
}

/// Executes a script; returns the data of the answer.
fn execute(
    env: &mut dyn Env,
    store: &mut Store,
    slot: SlotId,
    target: &Target,
    data: &[u8],
    changed: &mut Changed,
) -> Vec<u8> {
    let script = Script::decode(data);
    match &target.application {
        Application::Domain => {
            let mut domain = DomainSession { env, store, slot, number: target.domain, blocks: None };
            run(&script, |command, class| domain.execute(command, class))
        }
        Application::Files { uicc, adf } => {
            let mut session = Session::default();
            let mut selection = Selection::default();
            let tree = super::file::Tree::new(store, slot);
            let mut rights = Rights { uicc: *uicc, adf: None };
            if let Some((aid, domain)) = adf
                && selection.by_aid(tree, aid, Occurrence::First).is_ok()
            {
                rights.adf = Some((selection.directory(), *domain));
                changed.aid = Some(aid.clone());
            }
            session.rights = Some(rights);
            let mut uicc = Uicc { env, store, session: &mut session };
            run(&script, |command, class| {
                let response = uicc.remote(&mut selection, command, class)?;
                if let Some(path) = uicc.changed_file(&selection, command)
                    && !changed.paths.contains(&path)
                {
                    changed.paths.push(path);
                }
                Ok(response)
            })
        }
    }
}

/// What a remote application may do with files.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rights {
    uicc: Domain,
    /// Number of the ADF and access to it.
    adf: Option<(u16, Domain)>,
}

impl Rights {
    /// The access to the files on a path.
    pub(super) fn on(&self, selection: &Selection, in_application: bool) -> Domain {
        match (in_application, self.adf) {
            (false, _) => self.uicc,
            (true, Some((adf, domain))) if selection.path().get(1).is_some_and(|step| step.id == adf) => {
                domain
            }
            (true, _) => Domain::None,
        }
    }
}

/// Runs commands until one fails or the answer is full.
fn run(
    script: &Script<'_>,
    mut execute: impl FnMut(&Command<'_>, Class) -> Result<Response, StatusWord>,
) -> Vec<u8> {
    let mut outcome = Outcome { executed: 0, answers: Vec::new(), fault: script.fault };
    let mut waiting: Option<Vec<u8>> = None;
    let mut room = MOST_ANSWER;
    for bytes in &script.commands {
        outcome.executed += 1;
        let result = parse(bytes).and_then(|(command, class)| {
            if command.ins == ins::GET_RESPONSE {
                let data = waiting.take().ok_or(StatusWord::CONDITIONS)?;
                return Ok(Response::new(data, StatusWord::OK));
            }
            waiting = None;
            let response = execute(&command, class)?;
            // Data that nobody has asked for waits, as at the terminal.
            if !response.data.is_empty() && command.le.is_none() {
                let sw = StatusWord::available(response.data.len());
                waiting = Some(response.data);
                return Ok(Response::new(Vec::new(), sw));
            }
            Ok(response)
        });
        let Response { mut data, mut sw } = result.unwrap_or_else(Response::from);
        if script.format == Format::Compact {
            room = MOST_ANSWER - 3;
            outcome.answers.clear();
        }
        // Head and status word of each answer in the expanded format.
        let head = if script.format == Format::Compact { 0 } else { 5 };
        let left = room.saturating_sub(head);
        if data.len() > left {
            data.truncate(left);
            sw = TRUNCATED;
        }
        room = left.saturating_sub(data.len());
        let full = room < head;
        outcome.answers.push((data, sw.0));
        let goes_on = match sw.0 {
            0x62F1 | 0x63C0..=0x63CF => false,
            0x9000 => true,
            other => matches!(other >> 8, 0x61..=0x63 | 0x91),
        };
        if !goes_on || full {
            outcome.fault = None;
            break;
        }
    }
    // A compact answer has no room for a fault but the status word.
    if script.format == Format::Compact && outcome.fault.is_some() {
        outcome.executed += 1;
        outcome.answers = vec![(Vec::new(), StatusWord::WRONG_LENGTH.0)];
    }
    outcome.encode(script.format)
}

fn parse(bytes: &[u8]) -> Result<(Command<'_>, Class), StatusWord> {
    let command = Command::parse(bytes)?;
    let class = Class::parse(command.cla)?;
    if class.channel != Channel::BASIC {
        return Err(StatusWord::CHANNEL_NOT_SUPPORTED);
    }
    if class.chained {
        return Err(StatusWord::CLASS_NOT_SUPPORTED);
    }
    Ok((command, class))
}

impl Uicc<'_> {
    /// One command of remote file management (ETSI TS 102 226 §7). Files are not
    /// created, deleted or resized.
    fn remote(
        &mut self,
        selection: &mut Selection,
        command: &Command<'_>,
        class: Class,
    ) -> Result<Response, StatusWord> {
        const BY_AID: u8 = 0x04;
        match command.ins {
            ins::SELECT if class.proprietary => Err(StatusWord::CLASS_NOT_SUPPORTED),
            ins::SELECT if command.p1 == BY_AID => Err(StatusWord::WRONG_P1P2),
            ins::SELECT => {
                let mut to = selection.clone();
                let response = self.select(&mut to, command, &[])?;
                *selection = to;
                Ok(response)
            }
            ins::READ_BINARY
            | ins::UPDATE_BINARY
            | ins::READ_RECORD
            | ins::UPDATE_RECORD
            | ins::SEARCH_RECORD
            | ins::INCREASE
            | ins::VERIFY_PIN
            | ins::CHANGE_PIN
            | ins::DISABLE_PIN
            | ins::ENABLE_PIN
            | ins::UNBLOCK_PIN
            | ins::DEACTIVATE_FILE
            | ins::ACTIVATE_FILE
            | RETRIEVE_DATA
            | SET_DATA => self.execute(selection, command, class.proprietary),
            _ => Err(StatusWord::INS_NOT_SUPPORTED),
        }
    }

    /// The path of the file that a successful command has changed.
    fn changed_file(&self, selection: &Selection, command: &Command<'_>) -> Option<Vec<u8>> {
        let mut at = selection.clone();
        match (command.ins, command.p1, command.data) {
            (ins::UPDATE_BINARY | ins::UPDATE_RECORD | ins::INCREASE | SET_DATA, ..) => {}
            (ins::DEACTIVATE_FILE | ins::ACTIVATE_FILE, 0x00, []) => {}
            (ins::DEACTIVATE_FILE | ins::ACTIVATE_FILE, 0x00, &[high, low]) => {
                at.by_fid(self.tree(), u16::from_be_bytes([high, low])).ok()?;
            }
            (ins::DEACTIVATE_FILE | ins::ACTIVATE_FILE, p1, path) => {
                at.by_path(self.tree(), path, p1 == 0x08).ok()?;
            }
            _ => return None,
        }
        const CURRENT_ADF: u16 = 0x7FFF;
        let in_application = at.path_in_application(self.tree());
        let directories = at
            .path()
            .iter()
            .enumerate()
            .map(|(index, step)| if index == 1 && in_application { CURRENT_ADF } else { step.fid });
        Some(directories.chain(at.file).flat_map(u16::to_be_bytes).collect())
    }
}

/// The commands of a packet for a security domain.
struct DomainSession<'a> {
    env: &'a mut dyn Env,
    store: &'a mut Store,
    slot: SlotId,
    number: u16,
    /// Number of the next block of STORE DATA, and those before it.
    blocks: Option<(u8, Zeroizing<Vec<u8>>)>,
}

impl DomainSession<'_> {
    /// The most data that STORE DATA may bring in blocks: an icon and the names.
    const MOST_DATA: usize = 4096;

    fn execute(&mut self, command: &Command<'_>, class: Class) -> Result<Response, StatusWord> {
        const GET_DATA: u8 = 0xCA;
        match (command.ins, class.proprietary) {
            (ins::STORE_DATA, true) => self.store_data(command),
            (GET_DATA, _) => match (command.p1, command.p2) {
                (0x00, 0xE0) => Ok(Response::new(self.key_information(), StatusWord::OK)),
                _ => Err(StatusWord::REFERENCE_NOT_FOUND),
            },
            (ins::STORE_DATA, false) => Err(StatusWord::CLASS_NOT_SUPPORTED),
            _ => Err(StatusWord::INS_NOT_SUPPORTED),
        }
    }

    /// Key information template (GlobalPlatform §11.3.3.1).
    fn key_information(&self) -> Vec<u8> {
        let from = SlotKey::DomainKey { domain: self.number, version: 0, identifier: 0 };
        let mut template = Writer::new();
        for key in self.store.keys_from(Key::Slot(self.slot, from), self.slot) {
            let Key::Slot(_, SlotKey::DomainKey { domain, version, identifier }) = key else { break };
            if let (true, Some([key_type, _, bytes @ ..])) = (domain == self.number, self.store.get(key)) {
                template.tlv(Tag(0xC0), &[identifier, version, *key_type, bytes.len() as u8]);
            }
        }
        tlv::encode(Tag(0xE0), &template.finish())
    }

    /// GlobalPlatform §11.11: blocks of one request.
    fn store_data(&mut self, command: &Command<'_>) -> Result<Response, StatusWord> {
        const LAST: u8 = 0x80;
        const ENCRYPTED: u8 = 0x60;
        if command.p1 & ENCRYPTED != 0 {
            return Err(StatusWord::WRONG_P1P2);
        }
        let begun = self.blocks.take().filter(|_| command.p2 != 0);
        let (next, mut data) = begun.unwrap_or_default();
        if command.p2 != next {
            return Err(StatusWord::WRONG_P1P2);
        }
        if data.len() + command.data.len() > Self::MOST_DATA {
            return Err(StatusWord::NOT_ENOUGH_MEMORY);
        }
        data.extend_from_slice(command.data);
        if command.p1 & LAST == 0 {
            self.blocks = Some((next.checked_add(1).ok_or(StatusWord::WRONG_P1P2)?, data));
            return Ok(StatusWord::OK.into());
        }
        // What belongs to the profile as a whole is the operator's domain's.
        if self.number != OPERATORS_DOMAIN {
            return Err(StatusWord::CONDITIONS);
        }
        isdp::update_metadata(self.store, self.env, self.slot, &data)?;
        Ok(StatusWord::OK.into())
    }
}
