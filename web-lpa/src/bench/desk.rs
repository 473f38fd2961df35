//! The bench in the page: the faults that are armed, what is held, and what passes.

use std::collections::HashMap;

use leptos::prelude::*;
use lpa::CardLost;
use trace::{Message, Party};
use words::Text;

use super::expired;
use super::fault::{Armed, Fault, Faults, Way, Wire, is_of};
use super::hold::{Decision, Held, Stop, What};
use super::line::Line;
use crate::model::Model;
use crate::scenario::Run;
use crate::transport::card::CardChannel;
use crate::transport::{http, later, once};

/// Where a laboratory makes chips whose certificate has expired.
const EXPIRED: &str = "/lab/chip.json?as=expired";

/// A message at a point of its way.
pub(crate) enum Passing<'a> {
    /// A command APDU on its way to a card.
    Command { card: Party, apdu: &'a mut Vec<u8> },
    /// Its response on the way back.
    Response { apdu: &'a mut Vec<u8> },
    /// An HTTP request on its way to a server or the network.
    Request { to: Party, url: &'a str, body: &'a mut Vec<u8> },
    /// Its answer on the way back: others may have been asked meanwhile.
    Reply { to: Party, url: &'a str, status: &'a mut u16, body: &'a mut Vec<u8> },
}

impl Passing<'_> {
    const fn way(&self) -> Way {
        match self {
            Self::Command { .. } | Self::Request { .. } => Way::Request,
            Self::Response { .. } | Self::Reply { .. } => Way::Answer,
        }
    }

    const fn is_card(&self) -> bool {
        matches!(self, Self::Command { .. } | Self::Response { .. })
    }

    const fn bytes(&mut self) -> &mut Vec<u8> {
        match self {
            Self::Command { apdu, .. } | Self::Response { apdu } => apdu,
            Self::Request { body, .. } | Self::Reply { body, .. } => body,
        }
    }
}

/// What becomes of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It goes on; with what was done to it.
    GoesOn(Option<String>),
    /// It is lost, and why.
    Lost(String),
}

/// A command by hand and what came of it.
#[derive(Clone, Debug)]
pub(crate) struct Ran {
    /// Counts up.
    pub(crate) id: u32,
    /// What was sent.
    pub(crate) line: Line,
    /// The answer, or why there is none.
    pub(crate) answer: Result<Vec<u8>, String>,
    /// The message of the trace that it is part of.
    pub(crate) message: Option<Message>,
}

/// What the response on its way belongs to: a card is asked one thing at a time.
struct Before {
    card: Party,
    command: Vec<u8>,
}

/// The bench. A handle: copies are the same bench.
#[derive(Clone, Copy)]
pub(crate) struct Bench {
    faults: StoredValue<Faults>,
    before: StoredValue<Before>,
    /// Whether the card is given the command on its way twice.
    twice: StoredValue<bool>,
    decisions: StoredValue<HashMap<u32, once::Sender<Decision>>, LocalStorage>,
    next: StoredValue<u32>,
    /// What ends the waits that faults have made.
    waits: StoredValue<HashMap<u32, once::Sender<()>>, LocalStorage>,
    /// Whether nothing comes late any more: the person wants the task in hand to stop.
    hurries: StoredValue<bool>,
    /// What the person has begun to write in the place of messages that wait.
    drafts: StoredValue<HashMap<u32, String>>,
    /// The faults as they are shown.
    pub(crate) armed: RwSignal<Vec<Armed>>,
    /// Whether the card is pulled.
    pub(crate) pulled: RwSignal<bool>,
    /// What the phone said after a fault had struck, by the fault's number.
    pub(crate) observed: RwSignal<Vec<(u32, Text<String>)>>,
    /// Where messages are held.
    pub(crate) stops: RwSignal<Vec<Stop>>,
    /// The messages that wait for a person.
    pub(crate) held: RwSignal<Vec<Held>>,
    /// Commands by hand, newest last.
    pub(crate) ran: RwSignal<Vec<Ran>>,
    /// The scenario that runs, or ran last.
    pub(crate) run: RwSignal<Option<Run>>,
    /// A chip's memory that was kept by hand, or before another kind of chip was put in.
    pub(crate) earlier: RwSignal<Option<Vec<u8>>>,
    /// The memory of the person's own chip, while the one in the phone is one that a scenario or
    /// the bench put there.
    pub(crate) own: RwSignal<Option<Vec<u8>>>,
}

/// Most commands by hand that are shown.
const MAX_RAN: usize = 200;

impl Bench {
    pub(crate) fn new() -> Self {
        let before = Before { card: Party::Chip, command: Vec::new() };
        Self {
            faults: StoredValue::new(Faults::default()),
            before: StoredValue::new(before),
            twice: StoredValue::new(false),
            decisions: StoredValue::new_local(HashMap::new()),
            next: StoredValue::new(0),
            waits: StoredValue::new_local(HashMap::new()),
            hurries: StoredValue::new(false),
            drafts: StoredValue::new(HashMap::new()),
            armed: RwSignal::new(Vec::new()),
            pulled: RwSignal::new(false),
            observed: RwSignal::new(Vec::new()),
            stops: RwSignal::new(Vec::new()),
            held: RwSignal::new(Vec::new()),
            ran: RwSignal::new(Vec::new()),
            run: RwSignal::new(None),
            earlier: RwSignal::new(None),
            own: RwSignal::new(None),
        }
    }

    /// Arms a fault; returns its number.
    pub(crate) fn arm(&self, fault: Fault) -> u32 {
        self.change(|faults| faults.arm(fault))
    }

    /// Takes a fault away.
    pub(crate) fn disarm(&self, id: u32) {
        self.change(|faults| faults.disarm(id));
    }

    /// Takes all away, and puts the card back.
    pub(crate) fn clear(&self) {
        self.change(Faults::clear);
        self.observed.set(Vec::new());
    }

    /// Pulls the card, or puts it back.
    pub(crate) fn pull(&self, pulled: bool) {
        self.change(|faults| faults.pull(pulled));
    }

    /// Holds messages of a function from now on.
    pub(crate) fn stop_at(&self, function: String, way: Way) {
        let id = self.number();
        self.stops.update(|stops| {
            if !stops.iter().any(|stop| stop.function == function && stop.way == way) {
                stops.push(Stop { id, function, way });
            }
        });
    }

    /// What the person has begun to write in a message's place.
    pub(crate) fn draft(&self, id: u32) -> Option<String> {
        self.drafts.with_value(|drafts| drafts.get(&id).cloned())
    }

    /// Keeps it, also when the view is left.
    pub(crate) fn set_draft(&self, id: u32, text: String) {
        self.drafts.update_value(|drafts| drop(drafts.insert(id, text)));
    }

    /// Lets a message that waits go, as it was decided.
    pub(crate) fn decide(&self, id: u32, decision: Decision) {
        self.held.update(|held| held.retain(|one| one.id != id));
        self.drafts.update_value(|drafts| drop(drafts.remove(&id)));
        let sender = self.decisions.try_update_value(|decisions| decisions.remove(&id)).flatten();
        if let Some(sender) = sender {
            sender.send(decision);
        }
    }

    /// A command by hand has been answered.
    pub(crate) fn ran(&self, line: Line, answer: Result<Vec<u8>, String>, message: Option<Message>) {
        let id = self.number();
        self.ran.update(|ran| {
            if ran.len() >= MAX_RAN {
                ran.remove(0);
            }
            ran.push(Ran { id, line, answer, message });
        });
    }

    /// Notes for each fault what the phone said when the task was over in which it struck. Who stops
    /// a task does not wait for what comes late.
    pub(crate) fn observe(&self, model: Model) {
        let bench = *self;
        Effect::new(move |_| {
            let stopping = model.task.with(|task| task.as_ref().is_some_and(|task| task.stopping));
            bench.hurries.set_value(stopping);
            if stopping {
                let waits = bench.waits.try_update_value(std::mem::take).unwrap_or_default();
                waits.into_values().for_each(|wait| wait.send(()));
            }
        });
        let struck_before = StoredValue::new(HashMap::<u32, u32>::new());
        Effect::new(move |was_busy: Option<bool>| {
            let busy = model.task.with(Option::is_some);
            if was_busy == Some(true) && !busy {
                let said = model.notice.with_untracked(|notice| match notice {
                    Some(notice) => notice.what.clone(),
                    None => Text::new("Nothing was reported.", "報告はありませんでした。").owned(),
                });
                bench.armed.with_untracked(|armed| {
                    for one in armed {
                        let before =
                            struck_before.with_value(|before| before.get(&one.id).copied().unwrap_or(0));
                        if one.struck > before {
                            bench.observed.update(|observed| {
                                observed.retain(|(id, _)| *id != one.id);
                                observed.push((one.id, said.clone()));
                            });
                        }
                    }
                    struck_before.set_value(armed.iter().map(|one| (one.id, one.struck)).collect());
                });
            }
            busy
        });
    }

    /// Gives a card the command that has passed.
    ///
    /// # Errors
    /// When the card is gone.
    pub(crate) async fn carry(&self, link: &CardChannel, command: &[u8]) -> Result<Vec<u8>, CardLost> {
        if self.twice.get_value() {
            self.twice.set_value(false);
            link.transmit(command).await?;
        }
        link.transmit(command).await
    }

    /// A message passes.
    pub(crate) async fn pass(&self, mut passing: Passing<'_>) -> Fate {
        if matches!(passing, Passing::Request { .. }) && self.faults.read_value().wants_expired() {
            // Outside a laboratory there are none, and the fault has nothing to strike with.
            let made = http::send("GET", EXPIRED, &[], None).await.ok().filter(|made| made.status == 200);
            let certificates = made.map_or_else(Vec::new, |made| expired::certificates(&made.body));
            self.change(|faults| faults.set_expired(certificates));
        }
        let (verdict, name) = self.change(|faults| {
            let card = passing.is_card();
            let verdict = match &mut passing {
                Passing::Command { card, apdu } => {
                    faults.name_command(*card, apdu);
                    faults.strike(Wire::Command(apdu))
                }
                Passing::Response { apdu } => faults.strike(Wire::Response(apdu)),
                Passing::Request { to, url, body } => {
                    faults.name_request(*to, url);
                    faults.strike(Wire::Request(body))
                }
                Passing::Reply { to, url, status, body } => {
                    faults.name_request(*to, url);
                    faults.strike(Wire::Reply(status, body))
                }
            };
            (verdict, faults.name(card).to_owned())
        });
        if matches!(passing, Passing::Command { .. }) {
            self.twice.set_value(verdict.twice);
        }
        if verdict.late > 0 {
            self.wait(verdict.late).await;
        }
        if let Some(because) = verdict.lost {
            return Fate::Lost(because.en);
        }
        let mut notes: Vec<String> = verdict.notes.into_iter().map(|note| note.en).collect();
        self.remember(&passing);
        let way = passing.way();
        let stops = self
            .stops
            .with_untracked(|stops| stops.iter().any(|stop| stop.way == way && is_of(&stop.function, &name)));
        if stops {
            match self.hold(&mut passing, name).await {
                Decision::AsItIs => {}
                Decision::Edited(bytes) => {
                    *passing.bytes() = bytes;
                    self.remember(&passing);
                    notes.push("edited by hand".to_owned());
                }
                Decision::Drop => return Fate::Lost("dropped by hand".to_owned()),
            }
        }
        Fate::GoesOn((!notes.is_empty()).then(|| notes.join("; ")))
    }

    /// Waits for some milliseconds, or until the person stops the task.
    async fn wait(&self, milliseconds: u32) {
        if self.hurries.get_value() {
            return;
        }
        let (sender, stopped) = once::channel();
        let id = self.number();
        self.waits.update_value(|waits| drop(waits.insert(id, sender)));
        later::within(stopped, later::after(milliseconds)).await;
        self.waits.update_value(|waits| drop(waits.remove(&id)));
    }

    /// What a response will belong to.
    fn remember(&self, passing: &Passing<'_>) {
        if let Passing::Command { card, apdu } = passing {
            self.before.update_value(|before| {
                before.card = *card;
                before.command.clone_from(apdu);
            });
        }
    }

    async fn hold(&self, passing: &mut Passing<'_>, name: String) -> Decision {
        let what = self.before.with_value(|before| match passing {
            Passing::Command { card, .. } => What::Command { card: *card },
            Passing::Response { .. } => What::Response { card: before.card, command: before.command.clone() },
            Passing::Request { to, url, .. } => What::Request { to: *to, url: (*url).to_owned() },
            Passing::Reply { to, url, status, .. } => {
                What::Reply { to: *to, url: (*url).to_owned(), status: **status }
            }
        });
        let (sender, receiver) = once::channel();
        let id = self.number();
        self.decisions.update_value(|decisions| drop(decisions.insert(id, sender)));
        let bytes = passing.bytes().clone();
        self.held.update(|held| held.push(Held { id, name, what, bytes }));
        receiver.await.unwrap_or(Decision::AsItIs)
    }

    fn number(&self) -> u32 {
        self.next.update_value(|next| *next = next.wrapping_add(1));
        self.next.get_value()
    }

    fn change<T>(&self, change: impl FnOnce(&mut Faults) -> T) -> T {
        let mut faults = self.faults.write_value();
        let result = change(&mut faults);
        let (armed, pulled) = (faults.armed().to_vec(), faults.is_pulled());
        drop(faults);
        // Only what is seen to change is drawn again.
        if self.armed.with_untracked(|shown| *shown != armed) {
            self.armed.set(armed);
        }
        if self.pulled.get_untracked() != pulled {
            self.pulled.set(pulled);
        }
        result
    }
}
