//! The phone: performs what the procedures ask for, one at a time, and keeps the page's
//! state in step with it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use apdu::{Command, ins};
use leptos::prelude::*;
use lpa::{
    Answer, CardLost, Effect, Failure, HttpAnswer, Outcome, Procedure, Question, Refresh, Reply, ServerCall,
    ServerLost, Step as Part,
};
use rsp::auth::DeviceInfo;
use rsp::{ActivationCode, Iccid, Version};
use wasm_bindgen_futures::spawn_local;

use crate::model::{Model, Notice, Radio, Row, Task, pretty};
use crate::terminal::{Terminal, refusal};
use crate::trace::{Ending, Party, Step, hex, size};
use crate::transport::chip::{ChipLink, ChipState};
use crate::transport::{http, once};

/// `X-Admin-Protocol` and `User-Agent` have to name the protocol's version and the LPA
/// (SGP.22 §6.5.1); a browser sets its own `User-Agent`.
const ADMIN_PROTOCOL: (&str, &str) = ("x-admin-protocol", rsp::es9::ADMIN_PROTOCOL);

/// The phone. A handle: copies are the same phone.
#[derive(Clone, Copy)]
pub(crate) struct Phone {
    model: Model,
    inside: StoredValue<Rc<Inside>, LocalStorage>,
}

struct Inside {
    link: RefCell<Option<Rc<ChipLink>>>,
    reply: RefCell<Option<once::Sender<Reply>>>,
    stop: Cell<bool>,
}

impl Phone {
    pub(crate) fn new(model: Model) -> Self {
        let inside = Inside { link: RefCell::new(None), reply: RefCell::new(None), stop: Cell::new(false) };
        Self { model, inside: StoredValue::new_local(Rc::new(inside)) }
    }

    /// Starts the chip's worker; once it answers, the phone is switched on.
    pub(crate) fn start(&self, worker: &str) {
        let phone = *self;
        let opened = ChipLink::open(worker, move |state| {
            let was = phone.model.chip_state.get_untracked();
            let begins = state.answers() && !was.answers();
            phone.model.chip_state.set(state);
            if begins {
                phone.task(Task::new("Switching the phone on"), async move { phone.switch_on().await });
            }
        });
        match opened {
            Ok(link) => *self.inside().link.borrow_mut() = Some(Rc::new(link)),
            Err(words) => self.model.chip_state.set(ChipState::Broken(words)),
        }
    }

    /// Downloads and installs the profile of an activation code.
    pub(crate) fn download(&self, code: ActivationCode) {
        let phone = *self;
        let mut task = Task::new("Adding an eSIM");
        task.download = true;
        self.task(task, async move {
            let procedure = lpa::download(code, device(), lpa::Options::default());
            let outcome = phone.drive(procedure).await;
            let good = outcome.is_ok();
            let fed = phone.model.task.with_untracked(|task| task.as_ref().and_then(|task| task.segments));
            phone.model.steps.update(|steps| steps.end_current(good));
            phone.refresh_lists().await;
            let Outcome::Installed { metadata, notifications, .. } = outcome? else { return Ok(None) };
            phone.model.notified(&notifications);
            let name = shown_name(&metadata.service_provider_name, &metadata.profile_name);
            let fed = fed.map_or_else(String::new, |[_, segments, _, bytes]| {
                format!("The chip took {} in {segments} segments. ", size(bytes))
            });
            let mut notice = Notice::good(
                format!("{name} is installed."),
                format!("{fed}It is off: switch to it to use its service."),
            );
            notice.switch_to = Some(metadata.iccid);
            Ok(Some(notice))
        });
    }

    /// Switches to a profile.
    pub(crate) fn enable(&self, iccid: Iccid, name: String) {
        let phone = *self;
        self.task(Task::new(format!("Switching to {name}")), async move {
            phone.model.steps.update(|steps| steps.begin(Step::Switch));
            let switched = phone.switch(lpa::enable(iccid, lpa::Options::default())).await;
            phone.model.steps.update(|steps| steps.end_current(false));
            switched?;
            Ok(Some(phone.after_switch(&name)))
        });
    }

    /// Switches a profile off.
    pub(crate) fn disable(&self, iccid: Iccid, name: String) {
        let phone = *self;
        self.task(Task::new(format!("Switching {name} off")), async move {
            phone.switch(lpa::disable(iccid, lpa::Options::default())).await?;
            Ok(Some(Notice::good(format!("{name} is off."), "Switch to a profile to have service again.")))
        });
    }

    /// Deletes a profile that is off.
    pub(crate) fn delete(&self, iccid: Iccid, name: String) {
        let phone = *self;
        self.task(Task::new(format!("Deleting {name}")), async move {
            let deleted = phone.drive(lpa::delete(iccid, lpa::Options::default())).await;
            phone.refresh_lists().await;
            if let Outcome::Deleted { notifications, .. } = deleted? {
                phone.model.notified(&notifications);
            }
            Ok(Some(Notice::good(format!("{name} is deleted."), "Its memory is free again.")))
        });
    }

    /// Gives a profile a name; an empty one gives it back its own.
    pub(crate) fn rename(&self, iccid: Iccid, nickname: String) {
        let phone = *self;
        self.task(Task::new("Renaming"), async move {
            phone.drive(lpa::set_nickname(iccid, &nickname, lpa::Options::default())).await?;
            phone.refresh_lists().await;
            Ok(None)
        });
    }

    /// Sends the notifications that wait.
    pub(crate) fn notify(&self) {
        let phone = *self;
        self.task(Task::new("Sending notifications"), async move {
            phone.send_notifications().await?;
            Ok(None)
        });
    }

    /// Attaches again, with the APN that is set.
    pub(crate) fn attach(&self) {
        let phone = *self;
        self.task(Task::new("Attaching"), async move {
            phone.terminal().attach().await;
            Ok(None)
        });
    }

    /// Tries a service.
    pub(crate) fn try_service(&self, kind: &'static str, to: &'static str) {
        let phone = *self;
        self.task(Task::new("Asking the network"), async move {
            let notice = match phone.terminal().use_service(kind, to).await {
                Ok(verdict) if verdict.permitted() => {
                    Notice::good(format!("The network lets you {} {to}.", verb(kind)), verdict.because)
                }
                Ok(verdict) => {
                    let cause = verdict.cause.as_ref().map(ToString::to_string).unwrap_or_default();
                    Notice {
                        good: false,
                        what: format!(
                            "The network does not let you {} {to}: {}.",
                            verb(kind),
                            verdict.because
                        ),
                        advice: "Add an eSIM with a contract and switch to it.".to_owned(),
                        codes: format!("{cause} · rule {}", verdict.rule),
                        switch_to: None,
                    }
                }
                Err(error) => Notice {
                    good: false,
                    what: format!("No answer to this: {}.", error.because()),
                    advice: "Attach again under Network, then try again.".to_owned(),
                    codes: error.codes(),
                    switch_to: None,
                },
            };
            Ok(Some(notice))
        });
    }

    /// Erases the chip as it left the factory, and loads the page again.
    pub(crate) fn erase_chip(&self) {
        let phone = *self;
        self.task(Task::new("Making the chip anew"), async move {
            let link = phone.link().map_err(lost)?;
            link.erase().await.map_err(lost)?;
            if let Some(window) = web_sys::window() {
                let _ = window.location().reload();
            }
            Ok(None)
        });
    }

    /// What the person said to the question that is open.
    pub(crate) fn answer(&self, reply: Reply) {
        self.model.question.set(None);
        if let Some(sender) = self.inside().reply.borrow_mut().take() {
            sender.send(reply);
        }
    }

    /// The person wants to stop the download.
    pub(crate) fn stop(&self) {
        self.inside().stop.set(true);
        self.model.in_task(|task| task.stopping = true);
    }

    /// Resets the chip; returns the answer to reset.
    pub(crate) async fn reset(&self) -> Result<Vec<u8>, CardLost> {
        let row = self.model.row(Party::Phone, Party::Chip, "Reset");
        self.model.on_air.set(Some((Party::Phone, Party::Chip)));
        let answer = match self.link() {
            Ok(link) => link.reset().await,
            Err(lost) => Err(lost),
        };
        self.model.on_air.set(None);
        let shown = answer.as_ref().map(|atr| hex(atr)).unwrap_or_default();
        let ending = match &answer {
            Ok(_) => Ending::Good("ATR".to_owned()),
            Err(lost) => Ending::Bad(lost.0.clone()),
        };
        let length = answer.as_ref().map_or(0, Vec::len);
        let part = crate::trace::Part { request: "reset".to_owned(), response: shown };
        row.try_update(|row| row.add((0, length), part, ending, crate::model::now()));
        answer
    }

    /// Sends a command to the chip and records it.
    pub(crate) async fn transmit(&self, row: Option<Row>, command: &[u8]) -> Result<Vec<u8>, CardLost> {
        let row = row.unwrap_or_else(|| self.model.card_row(command));
        self.model.on_air.set(Some((Party::Phone, Party::Chip)));
        let answer = match self.link() {
            Ok(link) => link.transmit(command).await,
            Err(lost) => Err(lost),
        };
        self.model.on_air.set(None);
        self.model.add_card(row, command, answer.as_deref().ok());
        answer
    }

    fn inside(&self) -> Rc<Inside> {
        self.inside.get_value()
    }

    fn link(&self) -> Result<Rc<ChipLink>, CardLost> {
        self.inside().link.borrow().clone().ok_or_else(|| CardLost("there is no chip".to_owned()))
    }

    fn terminal(&self) -> Terminal<'_> {
        Terminal::new(self, self.model)
    }

    /// Runs a task if none runs, and shows how it ended.
    fn task(self, task: Task, body: impl Future<Output = Result<Option<Notice>, Failure>> + 'static) {
        if self.model.task.with_untracked(Option::is_some) {
            return;
        }
        self.inside().stop.set(false);
        self.model.notice.set(None);
        self.model.task.set(Some(task));
        spawn_local(async move {
            let result = body.await;
            self.model.question.set(None);
            self.model.task.set(None);
            self.model.notice.set(match result {
                Ok(notice) => notice,
                Err(failure) => Some(Notice::of(&failure)),
            });
        });
    }

    async fn switch_on(&self) -> Result<Option<Notice>, Failure> {
        // What is on the chip is shown before the network has answered.
        self.model.steps.update(|steps| steps.begin(Step::Attach));
        self.refresh_lists().await;
        self.terminal().power_on().await;
        self.model.steps.update(|steps| steps.end_current(false));
        self.send_notifications().await?;
        Ok(None)
    }

    /// Enables or disables.
    async fn switch(&self, procedure: Procedure) -> Result<(), Failure> {
        let outcome = self.drive(procedure).await;
        self.refresh_lists().await;
        if let Outcome::Switched { notifications, .. } = outcome? {
            self.model.notified(&notifications);
        }
        Ok(())
    }

    /// Lets the chip change its profile, and attaches again.
    async fn change_profile(&self, refresh: Refresh) {
        if refresh == Refresh::Proactive {
            self.model.in_task(|task| task.step = "The chip asks for a refresh".to_owned());
            // What can't be answered is settled by the reset.
            let _ = self.terminal().proactive().await;
        }
        self.model.in_task(|task| task.step = "Starting again with the other profile".to_owned());
        self.terminal().power_on().await;
    }

    /// What became of the switch, by what the network now says.
    fn after_switch(&self, name: &str) -> Notice {
        self.model.radio.with_untracked(|radio| match radio {
            Radio::Attached(_) => {
                Notice::good(format!("You are now on {name}."), "The network has accepted the profile.")
            }
            Radio::NoService(error) => Notice {
                good: false,
                what: format!("{name} is on, but has no service: {}.", error.because()),
                advice: "Try to attach again under Network. Another profile can be switched on at any time."
                    .to_owned(),
                codes: error.codes(),
                switch_to: None,
            },
            Radio::NoUsim(words) | Radio::NoTrust(words) => Notice {
                good: false,
                what: format!("{name} is on, but has no service: {words}."),
                advice: "Switch to another profile, or ask the operator.".to_owned(),
                codes: String::new(),
                switch_to: None,
            },
            _ => Notice::good(format!("{name} is on."), ""),
        })
    }

    async fn send_notifications(&self) -> Result<(), Failure> {
        let Outcome::Notifications(reports) = self.drive(lpa::notifications(lpa::Options::default())).await?
        else {
            return Ok(());
        };
        self.model.notified(&reports);
        Ok(())
    }

    /// Reads profiles and chip again; what can't be read stays as it was shown.
    async fn refresh_lists(&self) {
        if let Ok(Outcome::Profiles(list)) = self.drive(lpa::list(lpa::Options::default())).await {
            self.model.profiles.set(Some(list));
        }
        if let Ok(Outcome::Chip(info)) = self.drive(lpa::chip_info(lpa::Options::default())).await {
            self.model.chip.set(Some(*info));
        }
    }

    /// Performs the effects of a procedure until it is over.
    async fn drive(&self, mut procedure: Procedure) -> Result<Outcome, Failure> {
        let mut answer = Answer::Begin;
        loop {
            answer = match procedure.resume(answer) {
                Effect::Card(command) => Answer::Card(self.transmit(None, &command).await),
                Effect::Server(call) => Answer::Server(self.call(call).await),
                Effect::Ask(question) => self.ask(question).await,
                Effect::Progress(progress) => {
                    self.show(&progress);
                    if self.inside().stop.get() { Answer::Stop } else { Answer::Continue }
                }
                // Nothing is kept yet: after a reload the same code is entered again.
                Effect::Keep(_) | Effect::Forget(_) => Answer::Continue,
                Effect::Refresh(refresh) => {
                    self.change_profile(refresh).await;
                    Answer::Continue
                }
                Effect::Done(result) => {
                    // A procedure that broke off may have left its channel open.
                    if matches!(&result, Err(Failure { cause: lpa::Cause::Misuse, .. })) {
                        self.close_channel().await;
                    }
                    return result;
                }
            };
        }
    }

    async fn close_channel(&self) {
        let close = Command::new(0x00, ins::MANAGE_CHANNEL, 0x80, 0x01).to_vec();
        let _ = self.transmit(None, &close).await;
    }

    async fn ask(&self, question: Question) -> Answer {
        let (sender, receiver) = once::channel();
        *self.inside().reply.borrow_mut() = Some(sender);
        self.model.question.set(Some(question));
        receiver.await.map_or(Answer::Stop, Answer::Reply)
    }

    fn show(&self, progress: &lpa::Progress) {
        let step = match &progress.step {
            Part::ReadChip | Part::InitiateAuthentication => Some(Step::Contact),
            Part::AuthenticateServer => Some(Step::Install),
            _ => None,
        };
        let downloading =
            self.model.task.with_untracked(|task| task.as_ref().is_some_and(|task| task.download));
        if let Some(step) = step.filter(|_| downloading) {
            self.model.steps.update(|steps| steps.begin(step));
        }
        self.model.in_task(|task| {
            task.can_stop = progress.can_stop;
            task.step = progress.step.words().en.to_owned();
            if let Part::Install { segments_done, segments, bytes_done, bytes, .. } = progress.step {
                task.segments = Some([segments_done, segments, bytes_done, bytes]);
            }
        });
    }

    /// An ES9+ call, through the bearer of the session. A session that is over is opened
    /// again, once.
    async fn call(&self, call: ServerCall) -> Result<HttpAnswer, ServerLost> {
        let mut attached_anew = false;
        loop {
            let session =
                self.terminal().session().map_err(|error| ServerLost(error.because().to_owned()))?;
            let name = call.function.name();
            let path =
                format!("/network/sessions/{}/http/{}{}", session.session_id, call.address, call.path());
            let called = format!("{}.{}", call.interface.name(), capitalised(name));
            let row = self.model.row(Party::Phone, Party::Smdp, called);
            self.model.on_air.set(Some((Party::Phone, Party::Smdp)));
            let answer = http::send("POST", &path, &[ADMIN_PROTOCOL], Some(&call.body)).await;
            self.model.on_air.set(None);
            let request = format!("POST https://{}{}\n{}", call.address, call.path(), pretty(&call.body));
            let shown =
                answer.as_ref().map(|answer| (answer.status, &answer.body[..])).map_err(String::as_str);
            self.model.add_http(row, &request, shown, call.body.len());
            let answer = answer.map_err(ServerLost)?;
            // The SM-DP+ speaks JSON of its own; a problem is the network's word.
            if answer.media_type == "application/problem+json" {
                let error = refusal(answer.status, &answer.body);
                if error.is_session_gone() && !attached_anew {
                    attached_anew = true;
                    self.terminal().attach().await;
                    continue;
                }
                self.model.note(false, format!("data to {}", call.address), error.because(), error.codes());
                // A verdict is an answer; anything else is a network that does not work.
                if answer.status == 403 {
                    return Ok(HttpAnswer { status: answer.status, body: answer.body });
                }
                return Err(ServerLost(format!("{} ({})", error.because(), error.codes())));
            }
            return Ok(HttpAnswer { status: answer.status, body: answer.body });
        }
    }
}

/// What this phone tells of itself: an LTE device with the type allocation code that the
/// GSMA keeps for tests.
fn device() -> DeviceInfo {
    let release = |number| Some(Version([number, 0, 0]));
    let mut capabilities = [None; 11];
    // GSM, UTRAN, E-UTRAN.
    (capabilities[0], capabilities[1], capabilities[5]) = (release(15), release(15), release(15));
    DeviceInfo { tac: [0x53, 0x02, 0x91, 0x00], capabilities, imei: None }
}

fn lost(lost: CardLost) -> Failure {
    Failure { stage: lpa::Stage::OpenChip, cause: lpa::Cause::CardLost(lost.0) }
}

/// The name of a profile for people.
pub(crate) fn shown_name(provider: &str, profile: &str) -> String {
    match (profile.trim(), provider.trim()) {
        ("", "") => "The profile".to_owned(),
        ("", name) | (name, _) => name.to_owned(),
    }
}

fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

fn verb(kind: &str) -> &'static str {
    match kind {
        "voice" => "call",
        "sms" => "send a message to",
        _ => "open",
    }
}
