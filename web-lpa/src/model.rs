//! What the page shows: plain state in signals, changed by `phone` and `terminal` only.

use leptos::prelude::*;
use lpa::{ChipInfo, Failure, Question};
use rsp::profiles::ProfileInfo;

use crate::describe;
use crate::network::{NetworkError, Session};
use crate::trace::{Ending, Exchange, Part, Party, Step};
use crate::transport::chip::ChipState;

/// Most rows of the trace; the oldest go first.
const MAX_ROWS: usize = 500;
/// Most lines of the attach log.
const MAX_LOG: usize = 100;
/// Most notifications shown.
const MAX_NOTIFICATIONS: usize = 30;

/// A row of the trace.
pub(crate) type Row = RwSignal<Exchange>;

/// Everything the page shows.
#[derive(Clone, Copy)]
pub(crate) struct Model {
    /// Whether there is a chip.
    pub(crate) chip_state: RwSignal<ChipState>,
    /// What the chip says of itself.
    pub(crate) chip: RwSignal<Option<ChipInfo>>,
    /// The profiles; `None` before they were read.
    pub(crate) profiles: RwSignal<Option<Vec<ProfileInfo>>>,
    /// What the modem knows of the enabled profile.
    pub(crate) card: RwSignal<Card>,
    /// The modem's standing with the network.
    pub(crate) radio: RwSignal<Radio>,
    /// The APN the phone asks for; empty: none.
    pub(crate) apn: RwSignal<String>,
    /// What happened at the network, oldest first.
    pub(crate) log: RwSignal<Vec<LogLine>>,
    /// Notifications, newest first.
    pub(crate) notifications: RwSignal<Vec<Notification>>,
    /// What the phone is doing.
    pub(crate) task: RwSignal<Option<Task>>,
    /// What the person is asked.
    pub(crate) question: RwSignal<Option<Question>>,
    /// How the last task ended.
    pub(crate) notice: RwSignal<Option<Notice>>,
    /// The trace, oldest first.
    pub(crate) rows: RwSignal<Vec<Row>>,
    /// The four steps.
    pub(crate) steps: RwSignal<Steps>,
    /// Between whom something is on its way.
    pub(crate) on_air: RwSignal<Option<(Party, Party)>>,
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
    NoUsim(String),
    /// Attached.
    Attached(Box<Session>),
    /// The network says no, or does not answer.
    NoService(NetworkError),
    /// The chip refused the network, or could not answer. In words.
    NoTrust(String),
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
    pub(crate) what: String,
    /// What came of it, and why.
    pub(crate) outcome: String,
    /// Codes and rule.
    pub(crate) codes: String,
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
    pub(crate) title: String,
    /// The step in hand, in words.
    pub(crate) step: String,
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
    pub(crate) fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            step: String::new(),
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
    pub(crate) what: String,
    /// What to do next.
    pub(crate) advice: String,
    /// The codes, where there are any.
    pub(crate) codes: String,
    /// The profile that can be switched on now.
    pub(crate) switch_to: Option<rsp::Iccid>,
}

impl Notice {
    /// Good news.
    pub(crate) fn good(what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { good: true, what: what.into(), advice: advice.into(), codes: String::new(), switch_to: None }
    }

    /// A failure of a procedure.
    pub(crate) fn of(failure: &Failure) -> Self {
        // What the person decided is no alarm.
        let decided = matches!(failure.cause, lpa::Cause::Postponed | lpa::Cause::Rejected);
        Self {
            good: decided,
            what: failure.what().en,
            advice: failure.advice().en.to_owned(),
            codes: failure.codes(),
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
            chip_state: RwSignal::new(ChipState::Starting),
            chip: RwSignal::new(None),
            profiles: RwSignal::new(None),
            card: RwSignal::new(Card::default()),
            radio: RwSignal::new(Radio::Off),
            apn: RwSignal::new(String::new()),
            log: RwSignal::new(Vec::new()),
            notifications: RwSignal::new(Vec::new()),
            task: RwSignal::new(None),
            question: RwSignal::new(None),
            notice: RwSignal::new(None),
            rows: RwSignal::new(Vec::new()),
            steps: RwSignal::new(Steps::default()),
            on_air: RwSignal::new(None),
        }
    }

    /// Begins a row of the trace.
    pub(crate) fn row(&self, from: Party, to: Party, name: impl Into<String>) -> Row {
        let step = self.steps.with_untracked(|steps| steps.current);
        let mut row = None;
        self.rows.update(|rows| {
            let id = rows.last().map_or(1, |last| last.with_untracked(|last| last.id).wrapping_add(1));
            let new = RwSignal::new(Exchange::begin(id, from, to, name.into(), step, now()));
            if rows.len() >= MAX_ROWS {
                rows.remove(0).dispose();
            }
            rows.push(new);
            row = Some(new);
        });
        row.unwrap_or_else(|| RwSignal::new(Exchange::begin(0, from, to, String::new(), step, now())))
    }

    /// The row that a command to the chip belongs to: a new one, or the one before.
    pub(crate) fn card_row(&self, command: &[u8]) -> Row {
        let described = describe::command(command);
        let last = self.rows.with_untracked(|rows| rows.last().copied());
        match last.filter(|last| described.continues && last.with_untracked(|last| last.to == Party::Chip)) {
            Some(last) => last,
            None => self.row(Party::Phone, Party::Chip, described.name),
        }
    }

    /// Adds an exchange with the chip to its row.
    pub(crate) fn add_card(&self, row: Row, command: &[u8], response: Option<&[u8]>) {
        let answer = response.unwrap_or_default();
        let ending = match describe::status(answer) {
            Ok(sw) => Ending::Good(sw.to_string()),
            Err(Some(sw)) => Ending::Bad(sw.to_string()),
            Err(None) => Ending::Bad("no answer".to_owned()),
        };
        let part =
            Part { request: crate::trace::hex(command), response: describe::response(command, answer) };
        row.try_update(|row| row.add((command.len(), answer.len()), part, ending, now()));
    }

    /// Adds an HTTP exchange to its row.
    pub(crate) fn add_http(&self, row: Row, request: &str, answer: Result<(u16, &[u8]), &str>, sent: usize) {
        let (received, response, ending) = match answer {
            Ok((status, body)) => {
                let text = format!("HTTP {status}\n{}", pretty(body));
                let told = format!("HTTP {status}");
                let ending = if status < 400 { Ending::Good(told) } else { Ending::Bad(told) };
                (body.len(), text, ending)
            }
            Err(words) => (0, words.to_owned(), Ending::Bad("no answer".to_owned())),
        };
        let part = Part { request: request.to_owned(), response };
        row.try_update(|row| row.add((sent, received), part, ending, now()));
    }

    /// Adds a line to the attach log.
    pub(crate) fn note(
        &self,
        good: bool,
        what: impl Into<String>,
        outcome: impl Into<String>,
        codes: impl Into<String>,
    ) {
        self.log.update(|log| {
            let id = log.last().map_or(1, |last| last.id.wrapping_add(1));
            if log.len() >= MAX_LOG {
                log.remove(0);
            }
            log.push(LogLine { id, good, what: what.into(), outcome: outcome.into(), codes: codes.into() });
        });
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

    /// Changes the task in hand.
    pub(crate) fn in_task(&self, change: impl FnOnce(&mut Task)) {
        self.task.update(|task| {
            if let Some(task) = task {
                change(task);
            }
        });
    }
}

/// A body for people: JSON is indented, anything else stays as it is.
pub(crate) fn pretty(body: &[u8]) -> String {
    serde_json::from_slice::<serde_json::Value>(body)
        .and_then(|value| serde_json::to_string_pretty(&value))
        .unwrap_or_else(|_| String::from_utf8_lossy(body).into_owned())
}

/// Milliseconds since the page was opened.
pub(crate) fn now() -> f64 {
    web_sys::window().and_then(|window| window.performance()).map_or(0.0, |performance| performance.now())
}
