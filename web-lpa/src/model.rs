//! What the page shows: plain state in signals, changed by `phone` and `terminal` only.

use std::sync::Arc;

use card_bridge::protocol::Reader;
use leptos::prelude::*;
use lpa::{Cancellations, ChipInfo, Failure, Question};
use rsp::auth::DeviceInfo;
use rsp::notification::NotificationMetadata;
use rsp::profiles::ProfileInfo;
use trace::{Party, Step};
use words::Text;

use crate::network::{Access, NetworkError, Session};
use crate::record::Record;
use crate::road::{Road, Trouble};
use crate::transport::card::Gone;
use crate::transport::chip::ChipState;

/// Most lines of the attach log.
const MAX_LOG: usize = 100;
/// Most notifications shown.
const MAX_NOTIFICATIONS: usize = 30;

/// Whose chip it is: the phone's LPA serves its own and that of a second device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Slot {
    /// The phone's own.
    #[default]
    Phone,
    /// The watch's, which has no LPA and no network of its own.
    Watch,
    /// A real card, in a reader or a modem.
    Card,
}

impl Slot {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Phone, Self::Watch, Self::Card];

    /// The party that its chip is in the trace.
    pub(crate) const fn party(self) -> Party {
        match self {
            Self::Phone => Party::Chip,
            Self::Watch => Party::Watch,
            Self::Card => Party::Card,
        }
    }

    /// Its name for programs: of its chip's memory, in addresses.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Watch => "watch",
            Self::Card => "card",
        }
    }

    /// Its device's name for people.
    pub(crate) const fn name(self) -> Text {
        match self {
            Self::Phone => Text::new("This phone", "この電話"),
            Self::Watch => Text::new("The watch", "時計"),
            Self::Card => Text::new("The card", "カード"),
        }
    }
}

/// A chip and what is known of it.
#[derive(Clone, Copy)]
pub(crate) struct ChipModel {
    /// Whether there is a chip.
    pub(crate) state: RwSignal<ChipState>,
    /// What the chip says of itself.
    pub(crate) info: RwSignal<Option<ChipInfo>>,
    /// The profiles; `None` before they were read.
    pub(crate) profiles: RwSignal<Option<Vec<ProfileInfo>>>,
    /// Why it could not be read the last time.
    pub(crate) unread: RwSignal<Option<Failure>>,
    /// Notifications that were sent or tried, newest first.
    pub(crate) notifications: RwSignal<Vec<Notification>>,
    /// Notifications that wait on the chip.
    pub(crate) waiting: RwSignal<Vec<NotificationMetadata>>,
    /// What waits for it at an SM-DS, as that said last; `None` before it was asked.
    pub(crate) events: RwSignal<Option<Vec<lpa::Event>>>,
    /// The files of the enabled profile, as they were read.
    pub(crate) files: RwSignal<Files>,
    /// Whether the chip tells its own words.
    pub(crate) listening: RwSignal<bool>,
    /// The chip's own words, newest last.
    pub(crate) told: RwSignal<Vec<Told>>,
    /// Since when it is this chip, in milliseconds since the page was opened.
    pub(crate) since: RwSignal<f64>,
}

/// What was read of a card's files.
#[derive(Clone, Default)]
pub(crate) struct Files {
    /// The files, directories before what is in them.
    pub(crate) found: Vec<Arc<ef::File>>,
    /// The PINs and their counters.
    pub(crate) pins: Vec<ef::PinTries>,
    /// How reading ended; `None`: it has not.
    pub(crate) ending: Option<ef::Ending>,
}

/// Something that a chip says of itself: which rule a request broke, which element failed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Told {
    /// Milliseconds since the page was opened.
    pub(crate) at: f64,
    /// In the chip's own words.
    pub(crate) text: String,
}

impl ChipModel {
    fn new(state: ChipState) -> Self {
        Self {
            state: RwSignal::new(state),
            info: RwSignal::new(None),
            profiles: RwSignal::new(None),
            unread: RwSignal::new(None),
            notifications: RwSignal::new(Vec::new()),
            waiting: RwSignal::new(Vec::new()),
            events: RwSignal::new(None),
            files: RwSignal::new(Files::default()),
            listening: RwSignal::new(false),
            told: RwSignal::new(Vec::new()),
            since: RwSignal::new(0.0),
        }
    }

    /// What is known of it is not so any more: there is another chip.
    pub(crate) fn forget(&self) {
        self.info.set(None);
        self.profiles.set(None);
        self.unread.set(None);
        self.notifications.set(Vec::new());
        self.waiting.set(Vec::new());
        self.events.set(None);
        self.files.set(Files::default());
        self.told.set(Vec::new());
        self.since.set(now());
    }

    /// What stands in the place of what has not been read: why it could not be, where it was tried.
    pub(crate) fn nothing_read(&self) -> Text<String> {
        let failure = self.unread.get();
        match failure.filter(|_| self.state.with(ChipState::answers)) {
            Some(failure) => failure.what().with(failure.advice().owned()),
            None => self.state.with(ChipState::nothing_read).owned(),
        }
    }

    /// Takes over what became of notifications.
    pub(crate) fn notified(&self, reports: &[lpa::NotificationReport]) {
        self.notifications.update(|list| {
            for report in reports {
                let new = Notification {
                    number: report.metadata.seq_number,
                    event: report.metadata.event.name().unwrap_or("event"),
                    iccid: report.metadata.iccid.map(|iccid| iccid.to_string()),
                    address: report.metadata.address.clone(),
                    failure: report.result.clone().err(),
                };
                list.retain(|old| old.number != new.number);
                list.insert(0, new);
            }
            list.truncate(MAX_NOTIFICATIONS);
        });
    }
}

/// Everything the page shows.
#[derive(Clone, Copy)]
pub(crate) struct Model {
    own: ChipModel,
    watch: ChipModel,
    real: ChipModel,
    /// How far the way to the readers of the desktop is.
    pub(crate) bridge: RwSignal<Bridge>,
    /// Why the last try to reach a real card failed, and on which road.
    pub(crate) trouble: RwSignal<Option<(Road, Trouble)>>,
    /// The USB readers that were chosen and can't be used, by their names, and why.
    pub(crate) unfit: RwSignal<Vec<(String, Trouble)>>,
    /// Why a card that was put back could not be used.
    pub(crate) unusable: RwSignal<Option<Trouble>>,
    /// How the way to the card that is out was lost.
    pub(crate) gone: RwSignal<Gone>,
    /// Which device's chip the phone's screen manages.
    pub(crate) slot: RwSignal<Slot>,
    /// What the modem knows of the enabled profile.
    pub(crate) card: RwSignal<Card>,
    /// The modem's standing with the network.
    pub(crate) radio: RwSignal<Radio>,
    /// By which access the phone attaches.
    pub(crate) access: RwSignal<Access>,
    /// The temporary identity that the network gave last in 5G, and the IMSI it stands for.
    pub(crate) guti: RwSignal<Option<(String, String)>>,
    /// The APN the phone asks for; empty: none.
    pub(crate) apn: RwSignal<String>,
    /// What happened at the network, oldest first.
    pub(crate) log: RwSignal<Vec<LogLine>>,
    /// How chips are spoken to.
    pub(crate) options: RwSignal<lpa::Options>,
    /// What the phone tells of itself.
    pub(crate) device: RwSignal<DeviceInfo>,
    /// The SM-DS that is asked what waits, in the place of the chip's own root SM-DS.
    pub(crate) smds: RwSignal<Option<String>>,
    /// What the phone is doing.
    pub(crate) task: RwSignal<Option<Task>>,
    /// What the person is asked.
    pub(crate) question: RwSignal<Option<Question>>,
    /// Whose chip the question is about.
    pub(crate) asked_of: RwSignal<Slot>,
    /// How the last task ended.
    pub(crate) notice: RwSignal<Option<Notice>>,
    /// The failure that the notice tells of.
    pub(crate) failure: RwSignal<Option<Failure>>,
    /// The sessions that were given up and whose servers have not heard of it; `None` until they
    /// were read.
    pub(crate) untold: RwSignal<Option<Cancellations>>,
    /// The phone's power switch.
    pub(crate) power: RwSignal<bool>,
    /// The messages between the parties.
    pub(crate) record: Record,
    /// The four steps.
    pub(crate) steps: RwSignal<Steps>,
    /// An activation code from the operator's view, for the field where codes are entered.
    pub(crate) offered: RwSignal<Option<String>>,
}

/// How far the way to the readers of the desktop is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Bridge {
    /// Nobody has looked for it.
    #[default]
    Off,
    /// It is looked for.
    Looking,
    /// It is there and wants the code that its terminal shows.
    WantsCode,
    /// The page is let in; the readers and what is in them.
    Open(Vec<Reader>),
}

/// What the modem has read from the enabled profile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Card {
    /// Answer to reset.
    pub(crate) atr: Vec<u8>,
    /// EF.ICCID.
    pub(crate) iccid: Option<String>,
    /// EF.IMSI.
    pub(crate) imsi: Option<String>,
    /// EF.SPN.
    pub(crate) operator: Option<String>,
    /// The AID of the USIM.
    pub(crate) usim: Vec<u8>,
    /// EF.UST.
    pub(crate) services: Vec<u8>,
    /// EF.AD.
    pub(crate) administrative: Vec<u8>,
}

/// The modem's standing with the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Radio {
    /// The chip is not ready.
    Off,
    /// Reading the chip or attaching.
    Searching,
    /// No profile is on.
    NoProfile,
    /// The profile can't be read. In words.
    NoUsim(Text<String>),
    /// The chip does not answer: why.
    NoCard(Text<String>),
    /// Attached.
    Attached(Box<Session>),
    /// The person has let the session go.
    Detached,
    /// The network says no, or does not answer.
    NoService(NetworkError),
    /// The chip refused the network, or could not answer. In words.
    NoTrust(Text<String>),
}

impl Radio {
    /// The session, when there is one.
    pub(crate) const fn session(&self) -> Option<&Session> {
        match self {
            Self::Attached(session) => Some(session),
            _ => None,
        }
    }
}

/// A line of the attach log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogLine {
    /// Counts up.
    pub(crate) id: u32,
    /// Whether the network said yes.
    pub(crate) good: bool,
    /// What was asked.
    pub(crate) what: Text<String>,
    /// What came of it, and why.
    pub(crate) outcome: Text<String>,
    /// Codes and rule.
    pub(crate) codes: Text<String>,
}

/// A notification and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Notification {
    /// Sequence number.
    pub(crate) number: u32,
    /// The event.
    pub(crate) event: &'static str,
    /// The profile.
    pub(crate) iccid: Option<String>,
    /// For whom it is.
    pub(crate) address: String,
    /// Delivered, or why not.
    pub(crate) failure: Option<Failure>,
}

/// What the phone is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Task {
    /// In words.
    pub(crate) title: Text<String>,
    /// The step in hand, in words.
    pub(crate) step: Text<String>,
    /// The step in hand.
    pub(crate) part: Option<lpa::Step>,
    /// How much is done, in percent, where that is known otherwise than in segments.
    pub(crate) portion: Option<u8>,
    /// Segments done and all, bytes done and all.
    pub(crate) segments: Option<[usize; 4]>,
    /// It is a download: it can be stopped and has steps.
    pub(crate) download: bool,
    /// Stopping still has an effect.
    pub(crate) can_stop: bool,
    /// The person wants to stop.
    pub(crate) stopping: bool,
}

impl Task {
    /// A task that begins.
    pub(crate) fn new(title: impl Into<Text<String>>) -> Self {
        Self {
            title: title.into(),
            step: Text::default(),
            part: None,
            portion: None,
            segments: None,
            download: false,
            can_stop: false,
            stopping: false,
        }
    }
}

/// How a task ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    /// Well or badly.
    pub(crate) good: bool,
    /// What happened.
    pub(crate) what: Text<String>,
    /// What to do next.
    pub(crate) advice: Text<String>,
    /// The codes, where there are any.
    pub(crate) codes: Text<String>,
    /// The profile that can be switched on now, with its name and whose chip it is on.
    pub(crate) switch_to: Option<(Slot, rsp::Iccid, String)>,
}

impl Notice {
    /// Good news.
    pub(crate) fn good(what: impl Into<Text<String>>, advice: impl Into<Text<String>>) -> Self {
        Self { good: true, what: what.into(), advice: advice.into(), codes: Text::default(), switch_to: None }
    }

    /// A failure of a procedure.
    pub(crate) fn of(failure: &Failure) -> Self {
        Self {
            // What the person decided is no alarm.
            good: failure.is_decision(),
            what: failure.what(),
            advice: failure.advice().owned(),
            codes: failure.detail(),
            switch_to: None,
        }
    }
}

/// How far one of the four steps is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum StepState {
    /// Not begun.
    #[default]
    Ahead,
    /// In hand.
    Now,
    /// Done.
    Done,
    /// Failed.
    Failed,
}

/// The four steps: where each stands, and which one messages belong to now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Steps {
    states: [StepState; 4],
    current: Option<Step>,
}

impl Steps {
    /// Where a step stands.
    pub(crate) const fn state(&self, step: Step) -> StepState {
        self.states[step as usize]
    }

    /// A step begins: the one in hand is done, those after it are ahead again.
    pub(crate) fn begin(&mut self, step: Step) {
        if let Some(current) = self.current.filter(|current| *current != step) {
            self.end(current, true);
        }
        self.states[step as usize..].fill(StepState::Ahead);
        self.states[step as usize] = StepState::Now;
        self.current = Some(step);
    }

    /// A step has ended.
    pub(crate) fn end(&mut self, step: Step, good: bool) {
        if self.states[step as usize] == StepState::Now {
            self.states[step as usize] = if good { StepState::Done } else { StepState::Failed };
        }
        if self.current == Some(step) {
            self.current = None;
        }
    }

    /// Whatever step is in hand has ended.
    pub(crate) fn end_current(&mut self, good: bool) {
        if let Some(step) = self.current {
            self.end(step, good);
        }
    }
}

impl Model {
    pub(crate) fn new() -> Self {
        Self {
            own: ChipModel::new(ChipState::Starting),
            watch: ChipModel::new(ChipState::Absent),
            real: ChipModel::new(ChipState::Absent),
            bridge: RwSignal::new(Bridge::default()),
            unfit: RwSignal::new(Vec::new()),
            unusable: RwSignal::new(None),
            gone: RwSignal::new(Gone::default()),
            trouble: RwSignal::new(None),
            slot: RwSignal::new(Slot::Phone),
            card: RwSignal::new(Card::default()),
            radio: RwSignal::new(Radio::Off),
            access: RwSignal::new(Access::default()),
            guti: RwSignal::new(None),
            apn: RwSignal::new(String::new()),
            smds: RwSignal::new(None),
            log: RwSignal::new(Vec::new()),
            options: RwSignal::new(lpa::Options::default()),
            device: RwSignal::new(crate::phone::this_device()),
            task: RwSignal::new(None),
            question: RwSignal::new(None),
            asked_of: RwSignal::new(Slot::Phone),
            notice: RwSignal::new(None),
            failure: RwSignal::new(None),
            untold: RwSignal::new(None),
            power: RwSignal::new(true),
            record: Record::new(),
            steps: RwSignal::new(Steps::default()),
            offered: RwSignal::new(None),
        }
    }

    /// A device's chip.
    pub(crate) const fn chip(&self, slot: Slot) -> ChipModel {
        match slot {
            Slot::Phone => self.own,
            Slot::Watch => self.watch,
            Slot::Card => self.real,
        }
    }

    /// The chip that the phone's screen manages; tracked.
    pub(crate) fn shown_chip(&self) -> ChipModel {
        self.chip(self.slot.get())
    }

    /// A step begins.
    pub(crate) fn begin_step(&self, step: Step) {
        self.steps.update(|steps| steps.begin(step));
        self.record.set_step(Some(step));
    }

    /// A step has ended, if it is the one in hand.
    pub(crate) fn end_step(&self, step: Step, good: bool) {
        self.steps.update(|steps| steps.end(step, good));
        self.record.set_step(self.steps.with_untracked(|steps| steps.current));
    }

    /// Whatever step is in hand has ended.
    pub(crate) fn end_current_step(&self, good: bool) {
        self.steps.update(|steps| steps.end_current(good));
        self.record.set_step(None);
    }

    /// Adds a line to the attach log.
    pub(crate) fn note(
        &self,
        good: bool,
        what: impl Into<Text<String>>,
        outcome: impl Into<Text<String>>,
        codes: impl Into<Text<String>>,
    ) {
        self.log.update(|log| {
            let id = log.last().map_or(1, |last| last.id.wrapping_add(1));
            if log.len() >= MAX_LOG {
                log.remove(0);
            }
            log.push(LogLine { id, good, what: what.into(), outcome: outcome.into(), codes: codes.into() });
        });
    }

    /// Changes the task in hand.
    pub(crate) fn in_task(&self, change: impl FnOnce(&mut Task)) {
        self.task.update(|task| {
            if let Some(task) = task {
                change(task);
            }
        });
    }
}

/// Milliseconds since the page was opened.
pub(crate) fn now() -> f64 {
    web_sys::window().and_then(|window| window.performance()).map_or(0.0, |performance| performance.now())
}
