//! The walk: reads all files of a card that it may read, on a logical channel of its own.
//!
//! It selects and reads, and changes nothing; a PIN is presented only when it is given,
//! once, and not when it would be the last try. The channel is closed at the end.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use apdu::{Channel, Command, Response, StatusWord, ins};
use tlv::{Reader, Tag};
use words::{Text, text};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::access::{Condition, Operation, Rules};
use crate::content::{Node, hex};
use crate::decode::{self, Hints};
use crate::fcp::{Fcp, FcpError, LifeCycle, Security, Structure};
use crate::table::{self, Application, Entry, Kind};

/// How to walk.
pub struct Options {
    /// A channel that is open and free, on which to walk and which stays open; `None`:
    /// the walk opens one of its own and closes it.
    pub channel: Option<Channel>,
    /// PINs to present, by key reference; each is presented once at most, where a
    /// directory says that it is enabled.
    pub pins: Vec<(u8, Pin)>,
    /// Present a PIN even when one try is left.
    pub last_try: bool,
    /// Try every identifier of the usual ranges, not only the files that are known.
    pub thorough: bool,
    /// Bytes to read at most, all files together.
    pub most_bytes: usize,
    /// Files to find at most.
    pub most_files: usize,
    /// Commands to send at most, all files together: a card whose every answer is short and
    /// well-formed, and that always has one more, is left at last. `None`: as many as any card
    /// needs that there is, [`Options::COMMANDS`].
    pub most_commands: Option<usize>,
}

impl Options {
    /// Commands of a walk over the files that are known, and of a thorough one. A full USIM with
    /// ISIM and phone book takes some hundreds, or with a record in every command a few thousand;
    /// a thorough walk asks for some 500 identifiers in each of at most some dozens of directories.
    pub const COMMANDS: [usize; 2] = [16_384, 65_536];
}

impl Default for Options {
    fn default() -> Self {
        Self {
            channel: None,
            pins: Vec::new(),
            last_try: false,
            thorough: false,
            most_bytes: 512 * 1024,
            most_files: 2048,
            most_commands: None,
        }
    }
}

/// A PIN as it is presented: digits, then `FF` to eight bytes. Zeroized on drop.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Pin([u8; 8]);

impl Pin {
    /// A PIN of 4 to 8 digits; `None` for anything else.
    #[must_use]
    pub fn new(digits: &str) -> Option<Self> {
        let fits = (4..=8).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        fits.then(|| {
            let mut value = [0xFF; 8];
            value[..digits.len()].copy_from_slice(digits.as_bytes());
            Self(value)
        })
    }
}

/// Where a file is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// AID of the application; `None`: below the MF.
    pub aid: Option<Vec<u8>>,
    /// File identifiers below the ADF or the MF; empty: that directory itself.
    pub path: Vec<u16>,
}

impl Place {
    /// The MF.
    pub const MF: Self = Self { aid: None, path: Vec::new() };

    /// What kind of application it is in.
    #[must_use]
    pub fn application(&self) -> Application {
        self.aid.as_deref().map_or(Application::Uicc, Application::of)
    }

    /// The identifiers from the start, as people write them: `3F00/7F10/6F3A`, or
    /// `ADF.USIM/5FC0/4F07`.
    #[must_use]
    pub fn shown(&self) -> String {
        let start = match self.application() {
            Application::Uicc => "3F00",
            application => application.adf_name(),
        };
        self.path.iter().fold(start.to_owned(), |shown, fid| format!("{shown}/{fid:04X}"))
    }

    /// The directory that it is in; `None` for the MF and an ADF.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        let (_, above) = self.path.split_last()?;
        Some(Self { aid: self.aid.clone(), path: above.to_vec() })
    }

    fn child(&self, fid: u16) -> Self {
        Self { aid: self.aid.clone(), path: [&self.path[..], &[fid]].concat() }
    }
}

/// A file of the card.
pub struct File {
    /// Where it is.
    pub place: Place,
    /// What is known of it; `None`: a file that no standard here names.
    pub entry: Option<&'static Entry>,
    /// What the card says of it.
    pub fcp: Result<Fcp, FcpError>,
    /// The answer to SELECT as it came.
    pub fcp_bytes: Vec<u8>,
    /// Who may do what; `None`: it says nothing, or its EF.ARR could not be read.
    pub rules: Option<Rules>,
    /// What stands in it, or why that is not known; `None`: a directory.
    pub body: Option<Result<Body, Unread>>,
    hints: Hints,
}

impl File {
    /// Its name (`EF.IMSI`), or its identifier when it has none here.
    #[must_use]
    pub fn name(&self) -> String {
        match (self.entry, self.place.path.last()) {
            (Some(entry), _) => entry.name.to_owned(),
            (None, Some(fid)) => format!("{fid:04X}"),
            (None, None) => self.place.application().adf_name().to_owned(),
        }
    }

    /// What stands in it, for each record (or data object) a tree; a transparent file has
    /// one. Keys are masked. Empty when it was not read.
    #[must_use]
    pub fn decoded(&self) -> Vec<Vec<Node>> {
        self.units().iter().map(|unit| decode::decode(self.entry, unit, &self.hints)).collect()
    }

    /// As [`File::decoded`], with the keys.
    #[must_use]
    pub fn expose_decoded(&self) -> Vec<Vec<Node>> {
        self.units().iter().map(|unit| decode::expose_decoded(self.entry, unit, &self.hints)).collect()
    }

    /// The bytes of each record as hexadecimal digits, keys as `··`.
    #[must_use]
    pub fn shown_bytes(&self) -> Vec<String> {
        let secret = self.entry.is_some_and(|entry| entry.secret);
        let shown = |unit: &Zeroizing<Vec<u8>>| {
            if !secret {
                return hex(unit);
            }
            // Only what is understood and no key.
            let mut open = Vec::new();
            for node in decode::decode(self.entry, unit, &self.hints) {
                node.shown(&mut open);
            }
            let byte = |(at, byte): (usize, &u8)| {
                if open.iter().any(|range| range.contains(&at)) { hex(&[*byte]) } else { "··".to_owned() }
            };
            unit.iter().enumerate().map(byte).collect()
        };
        self.units().iter().map(shown).collect()
    }

    fn units(&self) -> &[Zeroizing<Vec<u8>>] {
        match &self.body {
            Some(Ok(body)) => &body.units,
            _ => &[],
        }
    }
}

/// The content of a file. Zeroized on drop: some files hold keys.
pub struct Body {
    units: Vec<Zeroizing<Vec<u8>>>,
}

impl Body {
    /// How many records or data objects; 1 for a transparent file.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.units.len()
    }

    /// All bytes, one after another.
    #[must_use]
    pub fn len(&self) -> usize {
        self.units.iter().map(|unit| unit.len()).sum()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes of a record, from 0, keys among them.
    #[must_use]
    pub fn expose_bytes(&self, index: usize) -> Option<&[u8]> {
        self.units.get(index).map(|unit| &unit[..])
    }
}

/// Why the content of a file is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unread {
    /// The card refuses; what its rules ask for, where they are known.
    Refused {
        /// The status word.
        sw: StatusWord,
        /// What READ needs.
        needs: Option<Condition>,
    },
    /// The file is deactivated.
    Deactivated,
    /// It is larger than what is to be read: its size in bytes.
    TooLarge(u32),
    /// The card's answers do not fit to what it says of the file.
    Malformed,
}

impl Unread {
    /// In words.
    #[must_use]
    pub fn words(&self) -> Text<String> {
        match self {
            Self::Refused { sw: StatusWord::SECURITY_STATUS, needs: Some(needs) } => {
                let Text { en, ja } = needs.words();
                if *needs == Condition::Never {
                    Text::new("can never be read", "読み出しは許可されていません").owned()
                } else {
                    text!("needs {en}", "{ja} が必要です")
                }
            }
            Self::Refused { sw, .. } => {
                let what = refusal(*sw);
                what.map(|what| format!("{what} ({sw})"))
            }
            Self::Deactivated => Text::new("is deactivated", "無効化されています").owned(),
            Self::TooLarge(size) => text!("too large to read: {size} bytes", "大きすぎます: {size} バイト"),
            Self::Malformed => {
                Text::new("the card's answers do not fit to each other", "カードの応答が互いに一致しません")
                    .owned()
            }
        }
    }
}

fn refusal(sw: StatusWord) -> Text<String> {
    let fixed = match sw {
        StatusWord::SECURITY_STATUS => {
            Text::new("a PIN or key has not been verified", "PIN または鍵が未照合です")
        }
        StatusWord::BLOCKED => Text::new("the PIN is blocked", "PIN がブロックされています"),
        StatusWord::DATA_INVALIDATED => Text::new("is deactivated", "無効化されています"),
        StatusWord::CONDITIONS => Text::new("not possible now", "現在は実行できません"),
        StatusWord::FILE_STRUCTURE => {
            Text::new("built in another way than it says", "ファイル構造が異なります")
        }
        StatusWord::RECORD_NOT_FOUND => Text::new("there is no such record", "レコードがありません"),
        StatusWord::INS_NOT_SUPPORTED
        | StatusWord::CLASS_NOT_SUPPORTED
        | StatusWord::FUNCTION_NOT_SUPPORTED => {
            Text::new("the card cannot do this", "カードが対応していません")
        }
        StatusWord::FILE_NOT_FOUND => Text::new("not found", "見つかりません"),
        _ => Text::new("the card refuses", "カードが拒否しました"),
    };
    fixed.owned()
}

/// A PIN and its counter, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinTries {
    /// The directory that tells of it.
    pub place: Place,
    /// Key reference ([`crate::key_name`]).
    pub reference: u8,
    /// Whether it is asked for.
    pub enabled: bool,
    /// Tries left, 0 when it is blocked; `None`: the card does not tell.
    pub left: Option<u8>,
    /// What became of the PIN that was given; `None`: none was.
    pub verification: Option<Verification>,
}

/// What became of a PIN that was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verification {
    /// It is right.
    Verified,
    /// It is wrong; it is not presented again.
    Wrong,
    /// It was not presented: the card does not ask for it.
    NotNeeded,
    /// It was not presented: it is blocked, one try is left, or it is not known how many.
    NotTried,
    /// The card does not take it for another reason.
    Refused(StatusWord),
}

/// What the host is to do next.
pub enum Step {
    /// Send this command APDU and give its response to [`Walk::next`].
    Send(Vec<u8>),
    /// A PIN and how many tries are left; go on with [`Walk::next`] and `None`.
    Pin(PinTries),
    /// A file; directories come before what is in them. Go on with [`Walk::next`] and `None`.
    Found(Box<File>),
    /// The walk is over.
    Done(Ending),
}

/// How a walk ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// All that is known has been looked for.
    Complete,
    /// [`Walk::stop`].
    Stopped,
    /// There is more than what was to be read.
    Limit,
    /// The card gives no channel.
    NoChannel(StatusWord),
    /// The card has no MF.
    NoMf(StatusWord),
    /// The card did not answer. The channel may still be open.
    NoAnswer,
}

/// Reads all files. It is a machine without I/O: it says what to send.
pub struct Walk {
    task: std::pin::Pin<Box<dyn Future<Output = Ending>>>,
    door: Door,
    ended: Option<Ending>,
}

impl Walk {
    /// A walk that has not begun.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let door = Door::default();
        let usual = Options::COMMANDS[usize::from(options.thorough)];
        let walker = Walker {
            door: door.clone(),
            commands: Cell::new(options.most_commands.unwrap_or(usual)),
            options,
            channel: Channel::BASIC,
            arr: BTreeMap::new(),
            asked: Vec::new(),
            bytes: 0,
            files: 0,
            hints: Hints::default(),
        };
        Self { task: Box::pin(walker.run()), door, ended: None }
    }

    /// Goes on. `response`: the answer to the command of the last [`Step::Send`], data and
    /// status word; `None` after any other step and at the start. `None` after a command
    /// means that the card did not answer.
    pub fn next(&mut self, response: Option<&[u8]>) -> Step {
        if let Some(ending) = self.ended {
            return Step::Done(ending);
        }
        self.door.slot.borrow_mut().answer = Some(response.map(<[u8]>::to_vec));
        match self.task.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(ending) => {
                self.ended = Some(ending);
                Step::Done(ending)
            }
            Poll::Pending => match self.door.slot.borrow_mut().step.take() {
                Some(step) => step,
                // It waits for nothing but the door.
                None => Step::Done(Ending::NoAnswer),
            },
        }
    }

    /// Ends the walk at the next step; its channel is still closed.
    pub fn stop(&self) {
        self.door.stop.set(true);
    }

    /// How much of the walk is behind, 0 to 1; never less than before.
    #[must_use]
    pub fn progress(&self) -> f32 {
        if self.ended == Some(Ending::Complete) { 1.0 } else { self.door.progress.get() }
    }
}

/// Where the walk and its host meet.
#[derive(Clone, Default)]
struct Door {
    slot: Rc<RefCell<Slot>>,
    stop: Rc<Cell<bool>>,
    progress: Rc<Cell<f32>>,
}

#[derive(Default)]
struct Slot {
    step: Option<Step>,
    answer: Option<Option<Vec<u8>>>,
}

impl Door {
    /// Hands a step out and waits for what the host says.
    async fn hand(&self, step: Step) -> Option<Vec<u8>> {
        {
            let mut slot = self.slot.borrow_mut();
            slot.step = Some(step);
            slot.answer = None;
        }
        poll_fn(|_| match self.slot.borrow_mut().answer.take() {
            Some(answer) => Poll::Ready(answer),
            None => Poll::Pending,
        })
        .await
    }
}

/// Why the straight line ends early.
enum Break {
    Lost,
    Stopped,
    Limit,
}

impl From<Break> for Ending {
    fn from(end: Break) -> Self {
        match end {
            Break::Lost => Self::NoAnswer,
            Break::Stopped => Self::Stopped,
            Break::Limit => Self::Limit,
        }
    }
}

struct Walker {
    door: Door,
    /// How many more may be sent.
    commands: Cell<usize>,
    options: Options,
    channel: Channel,
    /// Records of every EF.ARR that was read.
    arr: BTreeMap<Place, Vec<Vec<u8>>>,
    /// PINs that were asked for: global ones without the application.
    asked: Vec<(Option<Vec<u8>>, u8)>,
    bytes: usize,
    files: usize,
    hints: Hints,
}

/// Data of one answer, joined from its parts.
const MOST_ANSWER: usize = 0x1_0000;
/// Parts of one answer. A card that hands out a byte at a time and always has one more
/// would be asked for ever.
const MOST_PARTS: usize = 1_024;
/// READ BINARY counts to here.
const MOST_OFFSET: u32 = 0x8000;
/// Bytes asked for in one command.
const BLOCK: usize = 255;
const MOST_APPLICATIONS: usize = 16;
const MOST_OBJECTS: usize = 64;
/// Directories in each other.
const MOST_DEPTH: usize = 3;

impl Walker {
    async fn run(mut self) -> Ending {
        let own = match self.options.channel {
            Some(channel) => {
                self.channel = channel;
                None
            }
            None => match self.open().await {
                Ok(Ok(channel)) => {
                    self.channel = channel;
                    Some(channel)
                }
                Ok(Err(sw)) => return Ending::NoChannel(sw),
                Err(end) => return end.into(),
            },
        };
        let ending = match self.all().await {
            Ok(ending) => ending,
            Err(end) => end.into(),
        };
        if let Some(channel) = own
            && ending != Ending::NoAnswer
        {
            let close = Command::new(0x00, ins::MANAGE_CHANNEL, 0x80, channel.number());
            self.door.hand(Step::Send(close.to_vec())).await;
        }
        ending
    }

    async fn open(&self) -> Result<Result<Channel, StatusWord>, Break> {
        let open = Command::new(0x00, ins::MANAGE_CHANNEL, 0x00, 0x00).le(1);
        let answer = self.exchange(Channel::BASIC, &open).await?;
        let channel = answer.data.first().and_then(|number| Channel::new(*number));
        Ok(channel.filter(|channel| *channel != Channel::BASIC && answer.sw.is_success()).ok_or(answer.sw))
    }

    async fn all(&mut self) -> Result<Ending, Break> {
        let mf = Place::MF;
        let answer = self.select(&mf).await?;
        if !found(answer.sw) {
            return Ok(Ending::NoMf(answer.sw));
        }
        let mut applications = Vec::new();
        self.directory(mf, table::MF, answer, &mut applications).await?;
        let count = applications.len();
        for (index, aid) in applications.into_iter().enumerate() {
            let adf = Place { aid: Some(aid), path: Vec::new() };
            let answer = self.select(&adf).await?;
            self.hints = Hints::default();
            if found(answer.sw) {
                let entry = table::adf(adf.application());
                self.directory(adf, entry, answer, &mut Vec::new()).await?;
            }
            self.reached(0.3 + 0.7 * (index + 1) as f32 / count as f32);
        }
        Ok(Ending::Complete)
    }

    fn reached(&self, part: f32) {
        self.door.progress.set(self.door.progress.get().max(part.min(1.0)));
    }

    /// A directory that was just selected, and all that is in it.
    async fn directory(
        &mut self,
        top: Place,
        entry: Option<&'static Entry>,
        answer: Response,
        applications: &mut Vec<Vec<u8>>,
    ) -> Result<(), Break> {
        let mut waiting = vec![(top, entry, answer)];
        let (mut done, mut known) = (0_usize, 1_usize);
        while let Some((place, entry, answer)) = waiting.pop() {
            let fcp = Fcp::parse(&answer.data);
            // Its access rules first: it is under them itself.
            let arr = place.child(if place == Place::MF { 0x2F06 } else { 0x6F06 });
            let arr_entry =
                table::find(arr.application(), &place.path, arr.path.last().copied().unwrap_or(0));
            let arr_file = self.file(arr.clone(), arr_entry).await?;
            let rules = self.rules(&place, &fcp);
            self.emit(place.clone(), entry, fcp.clone(), answer.data, rules, None).await?;
            if let Ok(fcp) = &fcp {
                self.pins(&place, fcp).await?;
            }
            if let Some(mut file) = arr_file {
                file.rules = self.rules(&file.place, &file.fcp);
                self.found(file).await?;
            }
            let rows = table::rows(place.application(), &place.path);
            let mut candidates: Vec<(u16, Option<&'static Entry>)> = Vec::new();
            for row in rows {
                if row.fid != arr.path.last().copied().unwrap_or(0) && row.fid == row.last {
                    candidates.push((row.fid, Some(row)));
                }
            }
            if self.options.thorough {
                for fid in ranges(&place) {
                    let known = candidates.iter().any(|(own, _)| *own == fid);
                    if !known && arr.path.last() != Some(&fid) {
                        candidates.push((fid, table::find(place.application(), &place.path, fid)));
                    }
                }
            }
            known += candidates.len();
            let mut directories = Vec::new();
            let mut index = 0;
            while let Some((fid, entry)) = candidates.get(index).copied() {
                index += 1;
                done += 1;
                let share = done as f32 / known as f32;
                if place.aid.is_none() {
                    self.reached(0.3 * share);
                }
                let child = place.child(fid);
                if entry.is_some_and(|entry| entry.kind == Kind::Directory) {
                    directories.push((child, entry));
                    continue;
                }
                let Some(file) = self.file(child.clone(), entry).await? else { continue };
                if matches!(&file.fcp, Ok(fcp) if fcp.structure == Structure::Directory) {
                    directories.push((child, entry));
                    continue;
                }
                for (fid, entry) in self.leads(&file, applications) {
                    if !candidates.iter().any(|(own, _)| *own == fid) {
                        candidates.push((fid, entry));
                    }
                }
                self.found(file).await?;
            }
            // In the order of the table: the last that is pushed comes first.
            for (child, entry) in directories.into_iter().rev() {
                let depth = child.path.len();
                let answer = self.select(&child).await?;
                if found(answer.sw) && depth <= MOST_DEPTH {
                    waiting.push((child, entry, answer));
                }
            }
        }
        Ok(())
    }

    /// What a file tells of others: applications, files of the phone book, pictures.
    fn leads(&mut self, file: &File, applications: &mut Vec<Vec<u8>>) -> Vec<(u16, Option<&'static Entry>)> {
        let mut files = Vec::new();
        let place = &file.place;
        let above = place.path.split_last().map_or(&[][..], |(_, above)| above);
        let units = file.units();
        match file.entry.map(|entry| entry.name) {
            Some("EF.DIR") if place.aid.is_none() => {
                for aid in units.iter().filter_map(|unit| decode::aid_in(unit)) {
                    if applications.len() < MOST_APPLICATIONS && !applications.contains(&aid) {
                        applications.push(aid);
                    }
                }
            }
            Some("EF.PBR") => {
                for (tag, fid) in units.iter().flat_map(|unit| decode::phonebook(unit)) {
                    let entry = decode::phonebook_file(tag)
                        .and_then(|name| table::named(place.application(), above, name));
                    files.push((fid, entry));
                }
            }
            Some("EF.IMG") => {
                for fid in units.iter().flat_map(|unit| decode::images(unit)) {
                    files.push((fid, table::named(place.application(), above, "EF.IIDF")));
                }
            }
            Some("EF.AD") => {
                self.hints.mnc_len = units.first().and_then(|unit| unit.get(3)).map(|byte| byte & 0x0F);
            }
            _ => {}
        }
        files
    }

    /// Selects a file and reads it; `None`: it is not there.
    async fn file(&mut self, place: Place, entry: Option<&'static Entry>) -> Result<Option<File>, Break> {
        let answer = self.select(&place).await?;
        if !found(answer.sw) {
            return Ok(None);
        }
        let fcp = Fcp::parse(&answer.data);
        let rules = self.rules(&place, &fcp);
        let body = match &fcp {
            Ok(fcp) if fcp.structure == Structure::Directory => None,
            Ok(fcp) if fcp.life_cycle == LifeCycle::Deactivated => {
                // Some files may be read even so (special file information).
                Some(match self.read(fcp).await? {
                    Ok(units) => Ok(Body { units }),
                    Err(_) => Err(Unread::Deactivated),
                })
            }
            Ok(fcp) => Some(match self.read(fcp).await? {
                Ok(units) => Ok(Body { units }),
                Err(Unread::Refused { sw, .. }) => {
                    Err(Unread::Refused { sw, needs: rules.as_ref().map(|rules| rules.of(Operation::Read)) })
                }
                Err(why) => Err(why),
            }),
            Err(_) => Some(Err(Unread::Malformed)),
        };
        if let (Some(Ok(body)), Some(0x2F06 | 0x6F06)) = (&body, place.path.last()) {
            self.arr.insert(place.clone(), body.units.iter().map(|unit| unit.to_vec()).collect());
        }
        Ok(Some(File { place, entry, fcp, fcp_bytes: answer.data, rules, body, hints: self.hints }))
    }

    /// The rules that the parameters lead to.
    fn rules(&self, place: &Place, fcp: &Result<Fcp, FcpError>) -> Option<Rules> {
        let fcp = fcp.as_ref().ok()?;
        let directory = fcp.structure == Structure::Directory;
        let (arr, record) = match &fcp.security {
            Security::None => return None,
            Security::Compact(bytes) => return Some(Rules::compact(bytes, directory)),
            Security::Expanded(bytes) => return Rules::expanded(bytes, directory).ok(),
            Security::Referenced { arr, record } => (*arr, *record),
            Security::Implied { record } => {
                let below_mf = place.aid.is_none() && place.path.len() <= 1;
                (if below_mf { 0x2F06 } else { 0x6F06 }, *record)
            }
        };
        // In the directory of the file, else above it, at last in the MF.
        let mut at = Some(place.clone());
        let mut records = None;
        while let Some(directory) = at.filter(|_| records.is_none()) {
            records = self.arr.get(&directory.child(arr));
            at = directory.parent();
        }
        let records = records.or_else(|| self.arr.get(&Place::MF.child(arr)))?;
        let record = records.get(usize::from(record.checked_sub(1)?))?;
        Rules::expanded(record, directory).ok()
    }

    async fn emit(
        &mut self,
        place: Place,
        entry: Option<&'static Entry>,
        fcp: Result<Fcp, FcpError>,
        fcp_bytes: Vec<u8>,
        rules: Option<Rules>,
        body: Option<Result<Body, Unread>>,
    ) -> Result<(), Break> {
        self.found(File { place, entry, fcp, fcp_bytes, rules, body, hints: self.hints }).await
    }

    async fn found(&mut self, file: File) -> Result<(), Break> {
        self.files += 1;
        if self.files > self.options.most_files {
            return Err(Break::Limit);
        }
        self.door.hand(Step::Found(Box::new(file))).await;
        Ok(())
    }

    /// Tells of the PINs of a directory, and presents the ones that were given.
    async fn pins(&mut self, place: &Place, fcp: &Fcp) -> Result<(), Break> {
        const LOCAL: u8 = 0x80;
        for pin in &fcp.pins {
            let owner = place.aid.clone().filter(|_| pin.reference & LOCAL != 0);
            let key = (owner, pin.reference);
            if self.asked.contains(&key) {
                continue;
            }
            self.asked.push(key);
            // Without data it is a question (ETSI TS 102 221 §11.1.9): no try is lost.
            let question = Command::new(0x00, ins::VERIFY_PIN, 0x00, pin.reference);
            let answer = self.exchange(self.channel, &question).await?;
            let mut left = tries(answer.sw);
            let given = self.options.pins.iter().position(|(reference, _)| *reference == pin.reference);
            let verification = match given {
                None => None,
                Some(_) if !pin.enabled || answer.sw.is_success() => Some(Verification::NotNeeded),
                Some(index) => {
                    // Given once, presented once, whatever comes.
                    let (_, value) = self.options.pins.swap_remove(index);
                    let fewest = if self.options.last_try { 1 } else { 2 };
                    if left.is_some_and(|left| left >= fewest) {
                        let verify = Command::new(0x00, ins::VERIFY_PIN, 0x00, pin.reference).data(&value.0);
                        let answer = self.exchange(self.channel, &verify).await?;
                        left = tries(answer.sw).or_else(|| left.filter(|_| !answer.sw.is_success()));
                        Some(match answer.sw {
                            sw if sw.is_success() => Verification::Verified,
                            sw if tries(sw).is_some() => Verification::Wrong,
                            sw => Verification::Refused(sw),
                        })
                    } else {
                        Some(Verification::NotTried)
                    }
                }
            };
            let tries = PinTries {
                place: place.clone(),
                reference: pin.reference,
                enabled: pin.enabled,
                left,
                verification,
            };
            self.door.hand(Step::Pin(tries)).await;
        }
        Ok(())
    }

    async fn select(&self, place: &Place) -> Result<Response, Break> {
        const WITH_FCP: u8 = 0x04;
        let path: Vec<u8> = place.path.iter().flat_map(|fid| fid.to_be_bytes()).collect();
        let (p1, data) = match (&place.aid, place.path.is_empty()) {
            (None, true) => (0x00, vec![0x3F, 0x00]),
            (None, false) => (0x08, path),
            (Some(aid), true) => (0x04, aid.clone()),
            // The application that is selected on this channel.
            (Some(_), false) => (0x08, [&[0x7F, 0xFF][..], &path].concat()),
        };
        let select = Command::new(0x00, ins::SELECT, p1, WITH_FCP).data(&data).le(256);
        self.exchange(self.channel, &select).await
    }

    /// The content of the file that is selected.
    async fn read(&mut self, fcp: &Fcp) -> Result<Result<Vec<Zeroizing<Vec<u8>>>, Unread>, Break> {
        match fcp.structure {
            Structure::Directory => Ok(Err(Unread::Malformed)),
            Structure::Transparent => {
                let size = fcp.size.unwrap_or(0);
                if size > MOST_OFFSET {
                    return Ok(Err(Unread::TooLarge(size)));
                }
                Ok(self.transparent(size as usize).await?.map(|body| vec![body]))
            }
            Structure::LinearFixed { record_len, records } | Structure::Cyclic { record_len, records } => {
                let size = fcp.size.unwrap_or(0);
                let count = match (records, record_len) {
                    (0, 0) => 0,
                    (0, len) => (size / u32::from(len)).min(254) as u8,
                    (count, _) => count,
                };
                self.records(record_len, count).await
            }
            Structure::BerTlv => self.objects().await,
        }
    }

    fn count(&mut self, bytes: usize) -> Result<(), Break> {
        self.bytes += bytes;
        if self.bytes > self.options.most_bytes { Err(Break::Limit) } else { Ok(()) }
    }

    async fn transparent(&mut self, size: usize) -> Result<Result<Zeroizing<Vec<u8>>, Unread>, Break> {
        // Its size is known: no copy of a key stays behind where it grew.
        let mut body = Zeroizing::new(Vec::with_capacity(size));
        while body.len() < size {
            let [high, low] = (body.len() as u16).to_be_bytes();
            let block = (size - body.len()).min(BLOCK);
            let read = Command::new(0x00, ins::READ_BINARY, high, low).le(block as u32);
            let mut answer = self.exchange(self.channel, &read).await?;
            let ended = answer.data.is_empty() || answer.data.len() > block;
            if !found(answer.sw) {
                return Ok(Err(Unread::Refused { sw: answer.sw, needs: None }));
            }
            if ended {
                return Ok(Err(Unread::Malformed));
            }
            self.count(answer.data.len())?;
            body.extend_from_slice(&answer.data);
            answer.data.zeroize();
        }
        Ok(Ok(body))
    }

    async fn records(
        &mut self,
        len: u16,
        count: u8,
    ) -> Result<Result<Vec<Zeroizing<Vec<u8>>>, Unread>, Break> {
        const ABSOLUTE: u8 = 0x04;
        let mut records = Vec::new();
        for number in 1..=count {
            let read =
                Command::new(0x00, ins::READ_RECORD, number, ABSOLUTE).le(u32::from(len).clamp(1, 256));
            let answer = self.exchange(self.channel, &read).await?;
            if answer.sw == StatusWord::RECORD_NOT_FOUND && number > 1 {
                break;
            }
            if !found(answer.sw) {
                return Ok(Err(Unread::Refused { sw: answer.sw, needs: None }));
            }
            self.count(answer.data.len().max(1))?;
            records.push(Zeroizing::new(answer.data));
        }
        Ok(Ok(records))
    }

    /// RETRIEVE DATA: the list of tags, then each object (ETSI TS 102 221 §11.3.1).
    async fn objects(&mut self) -> Result<Result<Vec<Zeroizing<Vec<u8>>>, Unread>, Break> {
        const TAG_LIST: u8 = 0x5C;
        let list = match self.object(&[TAG_LIST]).await? {
            Ok(list) => list,
            Err(sw) => return Ok(Err(Unread::Refused { sw, needs: None })),
        };
        let mut objects = Vec::new();
        let Ok(Some(outer)) = Reader::new(&list).next() else {
            return Ok(if list.is_empty() { Ok(objects) } else { Err(Unread::Malformed) });
        };
        let mut tags = outer.value;
        while let Ok(Some(tag)) = tlv::tag(tags) {
            let (own, rest) = tags.split_at(tag.encoded_len().min(tags.len()));
            tags = rest;
            if objects.len() == MOST_OBJECTS {
                return Err(Break::Limit);
            }
            if outer.tag == Tag(u32::from(TAG_LIST))
                && let Ok(object) = self.object(own).await?
            {
                objects.push(object);
            }
        }
        Ok(Ok(objects))
    }

    async fn object(&mut self, tag: &[u8]) -> Result<Result<Zeroizing<Vec<u8>>, StatusWord>, Break> {
        const RETRIEVE_DATA: u8 = 0xCB;
        const FIRST: u8 = 0x80;
        const NEXT: u8 = 0x00;
        const MORE: StatusWord = StatusWord(0x62F1);
        let mut object = Zeroizing::new(Vec::new());
        let mut command = Command::new(0x80, RETRIEVE_DATA, 0x00, FIRST).data(tag).le(256);
        loop {
            let answer = self.exchange(self.channel, &command).await?;
            if !found(answer.sw) {
                return Ok(Err(answer.sw));
            }
            self.count(answer.data.len().max(1))?;
            object.extend_from_slice(&answer.data);
            if answer.sw != MORE {
                return Ok(Ok(object));
            }
            command = Command::new(0x80, RETRIEVE_DATA, 0x00, NEXT).le(256);
        }
    }

    /// One command with all that follows from it: the exact Le, the rest of the response.
    async fn exchange(&self, channel: Channel, command: &Command<'_>) -> Result<Response, Break> {
        if self.door.stop.get() {
            return Err(Break::Stopped);
        }
        let proprietary = command.cla & 0x80 != 0;
        let class = if proprietary { channel.proprietary() } else { channel.interindustry() };
        let mut command = Command { cla: class, ..*command };
        let mut repeated = false;
        let mut data = Vec::new();
        let mut parts = 0;
        loop {
            let left = self.commands.get().checked_sub(1).ok_or(Break::Limit)?;
            self.commands.set(left);
            let sent = self.door.hand(Step::Send(command.to_vec())).await;
            let answer = sent.as_deref().and_then(Response::parse).ok_or(Break::Lost)?;
            if let (Some(exact), false) = (answer.sw.exact_le(), repeated) {
                repeated = true;
                command = command.le(exact as u32);
                continue;
            }
            data.extend_from_slice(&answer.data);
            let more = answer.sw.response_available().filter(|_| data.len() < MOST_ANSWER);
            let Some(available) = more else {
                data.truncate(MOST_ANSWER);
                return Ok(Response::new(data, answer.sw));
            };
            // Nothing came though it was announced: it would be announced for ever.
            if command.ins == ins::GET_RESPONSE && answer.data.is_empty() {
                return Ok(Response::new(data, answer.sw));
            }
            parts += 1;
            if parts > MOST_PARTS {
                return Err(Break::Limit);
            }
            repeated = false;
            command = Command::new(channel.interindustry(), ins::GET_RESPONSE, 0, 0).le(available as u32);
        }
    }
}

/// Whether a status word says that it was done, perhaps with a warning.
const fn found(sw: StatusWord) -> bool {
    sw.is_success() || sw.0 >> 8 == 0x62
}

/// Tries left of a PIN.
const fn tries(sw: StatusWord) -> Option<u8> {
    if sw.0 & 0xFFF0 == 0x63C0 {
        Some((sw.0 & 0x0F) as u8)
    } else if sw.0 == StatusWord::BLOCKED.0 {
        Some(0)
    } else {
        None
    }
}

/// The identifiers that files in a directory usually have (ETSI TS 102 221 §8.6, 3GPP TS 31.101).
fn ranges(place: &Place) -> Vec<u16> {
    let lists: &[std::ops::RangeInclusive<u16>] = match (place.aid.is_none(), place.path.as_slice()) {
        (true, []) => &[0x2F00..=0x2FFF, 0x7F00..=0x7FFE],
        (false, []) => &[0x6F00..=0x6FFF, 0x5F00..=0x5FFF, 0x7F00..=0x7FFE],
        (_, [0x7F00..=0x7FFF]) => &[0x6F00..=0x6FFF, 0x5F00..=0x5FFF],
        _ => &[0x4F00..=0x4FFF, 0x6F00..=0x6FFF],
    };
    lists.iter().cloned().flatten().collect()
}
