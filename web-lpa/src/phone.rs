//! The phone: performs what the procedures ask for, one at a time, and keeps the page's
//! state in step with it.

mod devices;
mod hand;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use apdu::{Command, ins};
use leptos::prelude::*;
use lpa::{
    Answer, CardLost, Checkpoint, Effect, Failure, HttpAnswer, Outcome, Procedure, Question, Refresh, Reply,
    ServerCall, ServerLost, Step as Part,
};
use rsp::auth::DeviceInfo;
use rsp::{ActivationCode, Iccid, Version};
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use wasm_bindgen_futures::spawn_local;

use trace::{Party, Step};
use words::{Text, text};

use crate::bench::{Bench, Fate, Passing};
use crate::model::{Files, Model, Notice, Radio, Slot, Task};
use crate::network::{LogEntry, NetworkError};
use crate::terminal::{Terminal, refusal};
use crate::transport::chip::{ChipLink, ChipState};
use crate::transport::http::{self, HttpResponse};
use crate::transport::signature::Signatures;
use crate::transport::{keep, once};
use crate::units::size;

pub(crate) use devices::Making;

/// `X-Admin-Protocol` and `User-Agent` have to name the protocol's version and the LPA
/// (SGP.22 §6.5.1); a browser sets its own `User-Agent`.
const ADMIN_PROTOCOL: (&str, &str) = ("x-admin-protocol", rsp::es9::ADMIN_PROTOCOL);

/// An order as a code or an event names it: the SM-DP+ and the matching id.
type Wanted = (String, rsp::MatchingId);

/// The phone. A handle: copies are the same phone.
#[derive(Clone, Copy)]
pub(crate) struct Phone {
    model: Model,
    bench: Bench,
    signatures: Signatures,
    inside: StoredValue<Rc<Inside>, LocalStorage>,
}

#[derive(Default)]
struct Inside {
    /// Where the program of chips is.
    worker: RefCell<String>,
    links: [RefCell<Option<Rc<ChipLink>>>; 2],
    /// What is begun when no task runs.
    later: RefCell<VecDeque<Box<dyn FnOnce()>>>,
    reply: RefCell<Option<once::Sender<Reply>>>,
    /// What was tried last, to be tried again.
    again: RefCell<Option<Rc<dyn Fn()>>>,
    stop: Cell<bool>,
}

impl Phone {
    pub(crate) fn new(model: Model, bench: Bench) -> Self {
        let signatures = Signatures::new();
        Self { model, bench, signatures, inside: StoredValue::new_local(Rc::new(Inside::default())) }
    }

    /// Starts the worker of a device's chip; `begins` is called once it answers.
    fn open(&self, slot: Slot, worker: &str, begins: impl Fn() + 'static) {
        let chip = self.model.chip(slot);
        let state = chip.state;
        state.set(ChipState::Starting);
        let changed = move |now: ChipState| {
            let was = state.get_untracked();
            let begin = now.answers() && !was.answers();
            state.set(now);
            if begin {
                begins();
            }
        };
        let opened = ChipLink::open(worker, changed, move |text| devices::told(chip, text));
        match opened {
            Ok(link) => *self.inside().links[slot as usize].borrow_mut() = Some(Rc::new(link)),
            Err(words) => state.set(ChipState::Broken(words)),
        }
    }

    /// Downloads the profile of an activation code and installs it on a device's chip.
    pub(crate) fn download(&self, slot: Slot, code: ActivationCode) {
        let phone = *self;
        let wanted = (code.smdp_address.clone(), code.matching_id.clone());
        let procedure = move || lpa::download(code.clone(), phone.device(), phone.options());
        self.install(slot, Some(wanted), Rc::new(procedure));
    }

    /// Downloads what waits at the chip's default SM-DP+.
    pub(crate) fn download_default(&self, slot: Slot) {
        let phone = *self;
        let procedure = move || lpa::download_default(None, phone.device(), phone.options());
        self.install(slot, None, Rc::new(procedure));
    }

    /// Downloads the profile that an SM-DS told of.
    pub(crate) fn download_event(&self, slot: Slot, event: lpa::Event) {
        let phone = *self;
        let wanted = (event.address.clone(), event.event_id.clone());
        let procedure = move || lpa::download_event(event.clone(), phone.device(), phone.options());
        self.install(slot, Some(wanted), Rc::new(procedure));
    }

    /// Asks the SM-DS what waits for the chip: its own root SM-DS, or another one.
    pub(crate) fn discover(&self, slot: Slot, smds: Option<String>) {
        let phone = *self;
        let task = Task::new(Text::new("Looking for what waits", "届いているものを探しています"));
        let again = smds.clone();
        self.repeatable(task, move || phone.discover(slot, again.clone()), async move {
            let procedure = lpa::discover(smds, phone.device(), phone.options());
            let outcome = phone.drive(slot, procedure).await?;
            phone.learn(slot, &outcome);
            Ok(phone.model.chip(slot).events.with_untracked(|events| match events.as_deref() {
                Some([]) => Some(Notice::good(
                    Text::new("Nothing waits for this chip.", "このチップ宛てのものはありません。"),
                    Text::new(
                        "Ask the operator to order a profile for its EID.",
                        "事業者に、この EID 宛てのプロファイルを注文してもらってください。",
                    ),
                )),
                _ => None,
            }))
        });
    }

    /// Goes on with a download that was interrupted, if there is one for this chip.
    async fn resume(&self, slot: Slot) -> Result<Option<Notice>, Failure> {
        match self.interrupted(slot).await {
            Some(checkpoint) => self.go_on_with(slot, checkpoint).await,
            None => Ok(None),
        }
    }

    /// The download of this chip that was interrupted.
    async fn interrupted(&self, slot: Slot) -> Option<Checkpoint> {
        // Where nothing can be read, nothing was kept.
        let bytes = keep::get(slot).await.ok()??;
        // A chip that does not tell its EID now may do so the next time.
        let eid = self.model.chip(slot).info.with_untracked(|info| info.as_ref().map(|info| info.eid))?;
        match Checkpoint::decode(&bytes) {
            // One of another chip waits until that is here again.
            Ok(checkpoint) => checkpoint.is_of(&eid).then_some(checkpoint),
            Err(_) => {
                drop(keep::remove(slot).await);
                None
            }
        }
    }

    async fn go_on_with(&self, slot: Slot, checkpoint: Checkpoint) -> Result<Option<Notice>, Failure> {
        self.model.in_task(|task| {
            task.title =
                Text::new("Going on with the interrupted download", "中断したダウンロードを続けています")
                    .owned();
            task.download = true;
        });
        let procedure = lpa::resume(checkpoint, self.device(), self.options());
        let notice = self.installed(slot, procedure).await?;
        Ok(notice.map(|notice| Notice {
            advice: Text::new(
                "The download was interrupted; nothing was lost.",
                "ダウンロードは中断されましたが、何も失われていません。",
            )
            .owned()
            .with(notice.advice),
            ..notice
        }))
    }

    /// Installs what a procedure brings: the order that is `wanted`, where that is known. What
    /// was interrupted before comes first, since there is one checkpoint; if it is this very order,
    /// that was it.
    fn install(&self, slot: Slot, wanted: Option<Wanted>, procedure: Rc<dyn Fn() -> Procedure>) {
        let phone = *self;
        let mut task = Task::new(Text::new("Adding an eSIM", "eSIM を追加しています"));
        task.download = true;
        let again = (wanted.clone(), Rc::clone(&procedure));
        let repeat = move || phone.install(slot, again.0.clone(), Rc::clone(&again.1));
        self.repeatable(task, repeat, async move {
            if let Some(checkpoint) = phone.interrupted(slot).await {
                let is_wanted =
                    wanted.is_none_or(|(address, matching_id)| checkpoint.is_for(&address, &matching_id));
                let resumed = phone.go_on_with(slot, checkpoint).await;
                // One that fails again is no reason not to begin with the other.
                if is_wanted {
                    return resumed;
                }
            }
            phone.installed(slot, procedure()).await
        });
    }

    async fn installed(&self, slot: Slot, procedure: Procedure) -> Result<Option<Notice>, Failure> {
        let outcome = self.drive(slot, procedure).await;
        let fed = self.model.task.with_untracked(|task| task.as_ref().and_then(|task| task.segments));
        self.model.end_current_step(outcome.is_ok());
        self.refresh_lists(slot).await;
        let outcome = outcome?;
        self.learn(slot, &outcome);
        let Outcome::Installed { metadata, .. } = outcome else { return Ok(None) };
        devices::persist();
        let name = shown_name(&metadata.service_provider_name, &metadata.profile_name);
        let fed = fed.map_or_else(Text::default, |[_, segments, _, bytes]| {
            let size = size(bytes);
            text!(
                "The chip took {size} in {segments} segments.",
                "チップは {size} を {segments} 個のセグメントで受け取りました。"
            )
        });
        let mut notice = Notice::good(
            text!("{name} is installed.", "{name} をインストールしました。"),
            fed.with(
                Text::new(
                    "It is off: switch to it to use its service.",
                    "まだオフです。使うには切り替えてください。",
                )
                .owned(),
            ),
        );
        notice.switch_to = Some((slot, metadata.iccid, name));
        Ok(Some(notice))
    }

    /// Switches to a profile.
    pub(crate) fn enable(&self, slot: Slot, iccid: Iccid, name: String) {
        let phone = *self;
        let task = Task::new(text!("Switching to {name}", "{name} に切り替えています"));
        let again = name.clone();
        self.repeatable(task, move || phone.enable(slot, iccid, again.clone()), async move {
            if slot == Slot::Phone {
                phone.model.begin_step(Step::Switch);
            }
            let switched = phone.act(slot, lpa::enable(iccid, phone.options())).await;
            phone.model.end_current_step(false);
            switched?;
            // With service, what could not be told before can be told now.
            if phone.model.chip(slot).waiting.with_untracked(|waiting| !waiting.is_empty()) {
                phone.send_waiting(slot).await;
            }
            Ok(Some(phone.after_switch(slot, &name)))
        });
    }

    /// Switches a profile off.
    pub(crate) fn disable(&self, slot: Slot, iccid: Iccid, name: String) {
        let phone = *self;
        let task = Task::new(text!("Switching {name} off", "{name} をオフにしています"));
        let again = name.clone();
        self.repeatable(task, move || phone.disable(slot, iccid, again.clone()), async move {
            phone.act(slot, lpa::disable(iccid, phone.options())).await?;
            Ok(Some(Notice::good(
                text!("{name} is off.", "{name} はオフです。"),
                Text::new(
                    "Switch to a profile to have service again.",
                    "サービスを使うには、プロファイルに切り替えてください。",
                ),
            )))
        });
    }

    /// Deletes a profile that is off.
    pub(crate) fn delete(&self, slot: Slot, iccid: Iccid, name: String) {
        let phone = *self;
        let task = Task::new(text!("Deleting {name}", "{name} を削除しています"));
        let again = name.clone();
        self.repeatable(task, move || phone.delete(slot, iccid, again.clone()), async move {
            let outcome = phone.act(slot, lpa::delete(iccid, phone.options())).await?;
            let memory = match &outcome {
                Outcome::Deleted { memory: Some(memory), .. } => {
                    let (before, after) = (size(memory.before as usize), size(memory.after as usize));
                    text!(
                        "Free memory: {before} before, {after} now.",
                        "空きメモリー: 削除前 {before}、現在 {after}。"
                    )
                }
                _ => Text::default(),
            };
            Ok(Some(Notice::good(text!("{name} is deleted.", "{name} を削除しました。"), memory)))
        });
    }

    /// Gives a profile a name; an empty one gives it back its own.
    pub(crate) fn rename(&self, slot: Slot, iccid: Iccid, nickname: String) {
        let phone = *self;
        let task = Task::new(Text::new("Renaming", "名前を変えています"));
        let again = nickname.clone();
        self.repeatable(task, move || phone.rename(slot, iccid, again.clone()), async move {
            phone.act(slot, lpa::set_nickname(iccid, &nickname, phone.options())).await?;
            Ok(None)
        });
    }

    /// Sets the chip's default SM-DP+; an empty one takes it away.
    pub(crate) fn set_default_smdp(&self, slot: Slot, address: String) {
        let phone = *self;
        let task = Task::new(Text::new("Setting the default server", "既定のサーバーを設定しています"));
        let again = address.clone();
        self.repeatable(task, move || phone.set_default_smdp(slot, again.clone()), async move {
            phone.act(slot, lpa::set_default_smdp(&address, phone.options())).await?;
            Ok(Some(if address.is_empty() {
                Notice::good(
                    Text::new(
                        "The chip has no default server any more.",
                        "チップの既定のサーバーはなくなりました。",
                    ),
                    Text::<String>::default(),
                )
            } else {
                Notice::good(
                    text!("The default server is {address}.", "既定のサーバーは {address} です。"),
                    Text::<String>::default(),
                )
            }))
        });
    }

    /// Resets a chip's memory; what of it, say the bits of
    /// [`rsp::profiles::MemoryResetRequest`]. The person is asked first.
    pub(crate) fn memory_reset(&self, slot: Slot, what: u32) {
        let phone = *self;
        let task =
            Task::new(Text::new("Resetting the chip’s memory", "チップのメモリーをリセットしています"));
        self.repeatable(task, move || phone.memory_reset(slot, what), async move {
            phone.act(slot, lpa::memory_reset(what, phone.options())).await?;
            // The enabled profile may be gone.
            if slot == Slot::Phone {
                phone.terminal().power_on().await;
            }
            Ok(Some(Notice::good(
                Text::new("The chip’s memory is reset.", "チップのメモリーをリセットしました。"),
                Text::<String>::default(),
            )))
        });
    }

    /// Sends the notifications that wait.
    pub(crate) fn notify(&self, slot: Slot) {
        let phone = *self;
        let task = Task::new(Text::new("Sending notifications", "通知を送っています"));
        self.repeatable(task, move || phone.notify(slot), async move {
            phone.act(slot, lpa::notifications(phone.options())).await?;
            phone.read_waiting(slot).await;
            Ok(None)
        });
    }

    /// Sends one notification.
    pub(crate) fn send_notification(&self, slot: Slot, number: u32) {
        let phone = *self;
        let task = Task::new(Text::new("Sending a notification", "通知を送っています"));
        self.repeatable(task, move || phone.send_notification(slot, number), async move {
            phone.act(slot, lpa::send_notification(number, phone.options())).await?;
            phone.read_waiting(slot).await;
            Ok(None)
        });
    }

    /// Removes a notification that no server has; the person is asked first.
    pub(crate) fn remove_notification(&self, slot: Slot, number: u32) {
        let phone = *self;
        self.task(Task::new(Text::new("Removing a notification", "通知を削除しています")), async move {
            phone.act(slot, lpa::remove_notification(number, phone.options())).await?;
            Ok(None)
        });
    }

    /// Whether chip and server have an issuer in common, before anything is ordered.
    pub(crate) fn check_server(&self, slot: Slot, address: String) {
        let phone = *self;
        let task = Task::new(Text::new("Asking the server", "サーバーに尋ねています"));
        let again = address.clone();
        self.repeatable(task, move || phone.check_server(slot, again.clone()), async move {
            let procedure = lpa::check_server(address.clone(), phone.device(), phone.options());
            let Outcome::Server(check) = phone.act(slot, procedure).await? else { return Ok(None) };
            let issuer = lpa::ci_words(&check.server);
            Ok(Some(Notice::good(
                text!("Chip and {address} trust each other.", "チップと {address} は互いを信頼できます。"),
                text!("Issuer: {}", "発行者: {}", issuer),
            )))
        });
    }

    /// Attaches again, with the APN that is set.
    pub(crate) fn attach(&self) {
        let phone = *self;
        self.task(Task::new(Text::new("Attaching", "アタッチしています")), async move {
            phone.terminal().attach().await;
            Ok(None)
        });
    }

    /// Lets the session go. The phone attaches again when it is told to.
    pub(crate) fn detach(&self) {
        let phone = *self;
        self.task(Task::new(Text::new("Detaching", "デタッチしています")), async move {
            phone.terminal().detach().await;
            Ok(None)
        });
    }

    /// The power switch: without power there is no radio; the chips keep what they have.
    pub(crate) fn switch_power(&self, on: bool) {
        let phone = *self;
        if self.model.task.with_untracked(Option::is_some) {
            return;
        }
        self.model.power.set(on);
        if on {
            let task = Task::new(Text::new("Switching the phone on", "電話の電源を入れています"));
            self.task(task, async move { phone.switch_on(true).await });
        } else {
            let task = Task::new(Text::new("Switching the phone off", "電話の電源を切っています"));
            self.task(task, async move {
                phone.terminal().detach().await;
                phone.model.radio.set(Radio::Off);
                phone.model.card.set(crate::model::Card::default());
                phone.model.notice.set(None);
                Ok(None)
            });
        }
    }

    /// What the network has decided on the session, as it tells. The page asks, not the
    /// phone: it is no message between the parties, and stands in no trace.
    ///
    /// # Errors
    /// There is no session, or no answer that can be read.
    pub(crate) async fn network_log(&self) -> Result<Vec<LogEntry>, NetworkError> {
        let session = self.terminal().session()?;
        let path = format!("/network/sessions/{}/log", session.session_id);
        let answer = http::send("GET", &path, &[], None).await.map_err(NetworkError::Lost)?;
        if answer.status >= 400 {
            return Err(refusal(answer.status, &answer.body));
        }
        serde_json::from_slice(&answer.body).map_err(|error| NetworkError::Lost(error.to_string()))
    }

    /// Reads the files of the enabled profile: on a channel of its own, and nothing is changed.
    pub(crate) fn read_files(&self, slot: Slot, pins: Vec<(u8, ef::Pin)>, thorough: bool) {
        let phone = *self;
        let mut task = Task::new(Text::new("Reading the files", "ファイルを読み取っています"));
        task.portion = Some(0);
        task.can_stop = true;
        self.task(task, async move {
            let files = phone.model.chip(slot).files;
            files.set(Files::default());
            let mut walk = ef::Walk::new(ef::Options { pins, thorough, ..ef::Options::default() });
            let mut response = None;
            // Every file is shown at the end: a signal for each of hundreds is too much.
            let mut read = Files::default();
            let ending = loop {
                match walk.next(response.take().as_deref()) {
                    ef::Step::Send(command) => response = phone.transmit(slot, &command).await.ok(),
                    ef::Step::Pin(tries) => read.pins.push(tries),
                    ef::Step::Found(file) => {
                        let shown = file.place.shown();
                        read.found.push(Arc::new(*file));
                        let portion = (walk.progress() * 100.0) as u8;
                        phone.model.in_task(|task| {
                            task.portion = Some(portion);
                            task.step = Text::new(shown.clone(), shown);
                        });
                    }
                    ef::Step::Done(ending) => break ending,
                }
                if phone.inside().stop.get() {
                    walk.stop();
                }
            };
            read.ending = Some(ending);
            files.set(read);
            Ok(None)
        });
    }

    /// When the browser is on the net again: what waits is sent, and a phone without a network
    /// looks for it.
    pub(crate) fn follow_net(&self) {
        let phone = *self;
        let online = Closure::<dyn Fn()>::new(move || {
            if !phone.model.power.get_untracked() {
                return;
            }
            if phone
                .model
                .radio
                .with_untracked(|radio| matches!(radio, Radio::NoService(NetworkError::Lost(_))))
            {
                phone.soon(move || phone.attach());
            }
            for slot in Slot::ALL {
                if phone.model.chip(slot).waiting.with_untracked(|waiting| !waiting.is_empty()) {
                    phone.soon(move || phone.notify(slot));
                }
            }
        });
        if let Some(window) = web_sys::window() {
            let _ = window.add_event_listener_with_callback("online", online.as_ref().unchecked_ref());
        }
        // It listens as long as there is a page.
        online.forget();
    }

    /// Tries again what failed.
    pub(crate) fn try_again(&self) {
        let again = self.inside().again.borrow().clone();
        if let Some(again) = again {
            again();
        }
    }

    /// Whether there is something to try again.
    pub(crate) fn can_try_again(&self) -> bool {
        self.inside().again.borrow().is_some()
    }

    /// Tries a service.
    pub(crate) fn try_service(&self, service: Service, to: String) {
        let phone = *self;
        self.task(Task::new(Text::new("Asking the network", "ネットワークに尋ねています")), async move {
            let what = service.attempt(&to);
            let notice = match phone.terminal().use_service(service, &to).await {
                Ok(verdict) if verdict.permitted() => Notice::good(
                    what.with(text!("The network lets it through.", "ネットワークは許可しました。")),
                    verdict.words().map(|words| words + "."),
                ),
                Ok(verdict) => {
                    let cause = verdict.cause.as_ref().map(ToString::to_string).unwrap_or_default();
                    Notice {
                        good: false,
                        what: what.with(Text::new(
                            format!("The network refuses: {}.", verdict.words().en),
                            format!("ネットワークが拒否しました: {}。", verdict.words().ja),
                        )),
                        advice: Text::new(
                            "Add an eSIM with a contract and switch to it.",
                            "契約のある eSIM を追加し、それに切り替えてください。",
                        )
                        .owned(),
                        codes: format!("{cause} · rule {}", verdict.rule),
                        switch_to: None,
                    }
                }
                Err(error) => Notice {
                    good: false,
                    what: what.with(Text::new(
                        format!("There is no answer: {}.", error.words().en),
                        format!("応答がありません: {}。", error.words().ja),
                    )),
                    advice: Text::new(
                        "Attach again under Network, then try again.",
                        "「ネットワーク」でもう一度アタッチしてから、やり直してください。",
                    )
                    .owned(),
                    codes: error.codes(),
                    switch_to: None,
                },
            };
            Ok(Some(notice))
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

    /// Resets a chip; returns the answer to reset.
    pub(crate) async fn reset(&self, slot: Slot) -> Result<Vec<u8>, CardLost> {
        let record = self.model.record;
        let ticket = record.reset(slot.party());
        let answer = match self.link(slot) {
            Ok(link) => link.reset().await,
            Err(lost) => Err(lost),
        };
        match &answer {
            Ok(atr) => record.answer(ticket, atr),
            Err(lost) => record.fail(ticket, &lost.0),
        }
        answer
    }

    /// Sends a command to a chip and records it.
    pub(crate) async fn transmit(&self, slot: Slot, command: &[u8]) -> Result<Vec<u8>, CardLost> {
        let (record, card) = (self.model.record, slot.party());
        let mut command = command.to_vec();
        let fate = self.bench.pass(Passing::Command { card, apdu: &mut command }).await;
        let ticket = record.command(card, &command);
        let lost = |because: String| {
            record.note(ticket, &because);
            record.fail(ticket, &because);
            Err(CardLost(because))
        };
        match fate {
            Fate::Lost(because) => return lost(because),
            Fate::GoesOn(note) => note.iter().for_each(|note| record.note(ticket, note)),
        }
        let answer = match self.link(slot) {
            Ok(link) => link.transmit(&command).await,
            Err(lost) => Err(lost),
        };
        let mut response = match answer {
            Ok(response) => response,
            Err(lost) => {
                record.fail(ticket, &lost.0);
                return Err(lost);
            }
        };
        match self.bench.pass(Passing::Response { apdu: &mut response }).await {
            Fate::Lost(because) => return lost(because),
            Fate::GoesOn(note) => note.iter().for_each(|note| record.note(ticket, note)),
        }
        record.answer(ticket, &response);
        Ok(response)
    }

    /// Posts to somebody beyond the site and records it: `url` is what the trace shows,
    /// `path` the way there.
    pub(crate) async fn send(
        &self,
        to: Party,
        url: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<HttpResponse, String> {
        self.request("POST", to, url, path, headers, body).await
    }

    /// As [`Self::send`], by any method; an empty body is none.
    pub(crate) async fn request(
        &self,
        method: &str,
        to: Party,
        url: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<HttpResponse, String> {
        let record = self.model.record;
        let mut body = body;
        let fate = self.bench.pass(Passing::Request { to, url, body: &mut body }).await;
        let shown = [headers, &[("content-type", "application/json")]].concat();
        let request = trace::Request { method, url, headers: &shown, body: &body };
        let ticket = record.call(to, request);
        let lost = |because: String| {
            record.note(ticket, &because);
            record.fail(ticket, &because);
            Err(because)
        };
        match fate {
            Fate::Lost(because) => return lost(because),
            Fate::GoesOn(note) => note.iter().for_each(|note| record.note(ticket, note)),
        }
        let mut answer = match http::send(method, path, headers, (method == "POST").then_some(&body)).await {
            Ok(answer) => answer,
            Err(because) => {
                record.fail(ticket, &because);
                return Err(because);
            }
        };
        let reply = Passing::Reply { status: &mut answer.status, body: &mut answer.body };
        match self.bench.pass(reply).await {
            Fate::Lost(because) => return lost(because),
            Fate::GoesOn(note) => note.iter().for_each(|note| record.note(ticket, note)),
        }
        let headers = [("content-type", &answer.media_type[..])];
        record.reply(ticket, trace::Answer { status: answer.status, headers: &headers, body: &answer.body });
        Ok(answer)
    }

    fn inside(&self) -> Rc<Inside> {
        self.inside.get_value()
    }

    fn link(&self, slot: Slot) -> Result<Rc<ChipLink>, CardLost> {
        // A worker that has no chip yet, or none any more, would let everybody wait for ever.
        if !self.model.chip(slot).state.with_untracked(ChipState::can_be_replaced) {
            return Err(CardLost("the chip is not here".to_owned()));
        }
        let link = self.inside().links[slot as usize].borrow().clone();
        link.ok_or_else(|| CardLost("there is no chip".to_owned()))
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
        *self.inside().again.borrow_mut() = None;
        self.model.notice.set(None);
        self.model.failure.set(None);
        self.model.task.set(Some(task));
        spawn_local(async move {
            let result = body.await;
            self.model.question.set(None);
            self.model.failure.set(result.as_ref().err().cloned());
            self.model.task.set(None);
            self.model.notice.set(match result {
                Ok(notice) => notice,
                Err(failure) => Some(Notice::of(&failure)),
            });
            self.go_on();
        });
    }

    /// Runs a task that can be tried again when it fails.
    fn repeatable(
        self,
        task: Task,
        again: impl Fn() + 'static,
        body: impl Future<Output = Result<Option<Notice>, Failure>> + 'static,
    ) {
        if self.model.task.with_untracked(Option::is_some) {
            return;
        }
        self.task(task, body);
        *self.inside().again.borrow_mut() = Some(Rc::new(again));
    }

    async fn switch_on(&self, resumes: bool) -> Result<Option<Notice>, Failure> {
        self.model.power.set(true);
        // What is on the chip is shown before the network has answered.
        self.model.begin_step(Step::Attach);
        self.refresh_lists(Slot::Phone).await;
        self.terminal().power_on().await;
        self.model.end_current_step(false);
        let notice = if resumes { self.resume(Slot::Phone).await? } else { None };
        self.send_waiting(Slot::Phone).await;
        Ok(notice)
    }

    /// Runs a procedure and takes over what it tells of the chip, also when it fails.
    async fn act(&self, slot: Slot, procedure: Procedure) -> Result<Outcome, Failure> {
        let outcome = self.drive(slot, procedure).await;
        match &outcome {
            Ok(outcome) => self.learn(slot, outcome),
            Err(_) => self.refresh_lists(slot).await,
        }
        outcome
    }

    /// Takes over what an outcome tells of the chip.
    fn learn(&self, slot: Slot, outcome: &Outcome) {
        let chip = self.model.chip(slot);
        let (profiles, reports, waiting) = match outcome {
            Outcome::Installed { profiles, notifications, waiting, .. }
            | Outcome::Switched { profiles, notifications, waiting, .. }
            | Outcome::Deleted { profiles, notifications, waiting, .. }
            | Outcome::Reset { profiles, notifications, waiting, .. } => {
                (Some(profiles), Some(notifications), Some(waiting))
            }
            Outcome::Profiles(profiles) => (Some(profiles), None, None),
            Outcome::Notifications(reports) => (None, Some(reports), None),
            Outcome::Waiting(waiting) => (None, None, Some(waiting)),
            Outcome::Chip(info) => {
                chip.info.set(Some((**info).clone()));
                // The AID that answered is tried first from now on.
                self.model.options.update(|options| options.remember(&info.isd_r_aid));
                (None, None, None)
            }
            Outcome::Addresses(addresses) => {
                chip.info.update(|info| {
                    if let Some(info) = info {
                        info.addresses = addresses.clone();
                    }
                });
                (None, None, None)
            }
            Outcome::Events(events) => {
                chip.events.set(Some(events.clone()));
                (None, None, None)
            }
            Outcome::Server(_) => (None, None, None),
        };
        if let Some(profiles) = profiles {
            chip.profiles.set(Some(profiles.clone()));
        }
        if let Some(reports) = reports {
            chip.notified(reports);
        }
        if let Outcome::Waiting(left) = outcome {
            // What the person has removed does not wait any more.
            chip.notifications.update(|tried| {
                tried.retain(|one| {
                    one.failure.is_none() || left.iter().any(|waits| waits.seq_number == one.number)
                });
            });
        }
        if let Some(waiting) = waiting {
            // What was tried and failed waits as well.
            let failed = reports.into_iter().flatten().filter(|report| report.result.is_err());
            let mut waiting = waiting.clone();
            waiting.extend(failed.map(|report| report.metadata.clone()));
            waiting.sort_by_key(|metadata| metadata.seq_number);
            waiting.dedup_by_key(|metadata| metadata.seq_number);
            chip.waiting.set(waiting);
        }
    }

    /// What a device does when the enabled profile has changed. The watch has no modem here:
    /// its chip is only started again.
    async fn refresh(&self, slot: Slot, refresh: Refresh) -> Result<(), CardLost> {
        // Other files from now on.
        self.model.chip(slot).files.set(Files::default());
        if slot == Slot::Watch {
            return self.reset(Slot::Watch).await.map(drop);
        }
        if refresh == Refresh::Proactive {
            // What can't be answered is settled by the reset.
            let _ = self.terminal().proactive().await;
        }
        self.terminal().power_on().await;
        match self.model.chip(slot).state.with_untracked(ChipState::answers) {
            true => Ok(()),
            false => Err(CardLost("the chip is gone".to_owned())),
        }
    }

    /// What became of the switch, by what the network now says.
    fn after_switch(&self, slot: Slot, name: &str) -> Notice {
        let bad = |what, advice: Text, codes| Notice {
            good: false,
            what,
            advice: advice.owned(),
            codes,
            switch_to: None,
        };
        if slot == Slot::Watch {
            return Notice::good(
                text!("{name} is on.", "{name} はオンです。"),
                Text::new("The watch uses it from now on.", "時計はこれからこのプロファイルを使います。"),
            );
        }
        self.model.radio.with_untracked(|radio| match radio {
            Radio::Attached(_) => Notice::good(
                text!("You are now on {name}.", "{name} に切り替わりました。"),
                Text::new(
                    "The network has accepted the profile.",
                    "ネットワークがプロファイルを受け入れました。",
                ),
            ),
            Radio::NoService(error) => bad(
                Text::new(
                    format!("{name} is on, but has no service: {}.", error.words().en),
                    format!("{name} はオンですが、圏外です: {}。", error.words().ja),
                ),
                Text::new(
                    "Try to attach again under Network. Another profile can be switched on at any time.",
                    "「ネットワーク」でもう一度アタッチしてください。別のプロファイルにはいつでも切り替えられます。",
                ),
                error.codes(),
            ),
            Radio::NoUsim(words) | Radio::NoTrust(words) => bad(
                Text::new(
                    format!("{name} is on, but has no service: {}.", words.en),
                    format!("{name} はオンですが、圏外です: {}。", words.ja),
                ),
                Text::new(
                    "Switch to another profile, or ask the operator.",
                    "別のプロファイルに切り替えるか、事業者に問い合わせてください。",
                ),
                String::new(),
            ),
            _ => Notice::good(text!("{name} is on.", "{name} はオンです。"), Text::<String>::default()),
        })
    }

    /// Sends what waits since the last time; that this fails is shown in the list.
    async fn send_waiting(&self, slot: Slot) {
        let procedure = lpa::notifications(self.options());
        if let Ok(outcome) = self.drive(slot, procedure).await {
            self.learn(slot, &outcome);
        }
        self.read_waiting(slot).await;
    }

    async fn read_waiting(&self, slot: Slot) {
        if let Ok(outcome) = self.drive(slot, lpa::list_notifications(self.options())).await {
            self.learn(slot, &outcome);
        }
    }

    /// Reads profiles and chip again; what can't be read stays as it was shown.
    async fn refresh_lists(&self, slot: Slot) {
        for procedure in [lpa::list(self.options()), lpa::chip_info(self.options())] {
            if let Ok(outcome) = self.drive(slot, procedure).await {
                self.learn(slot, &outcome);
            }
        }
    }

    fn options(&self) -> lpa::Options {
        self.model.options.get_untracked()
    }

    fn device(&self) -> DeviceInfo {
        self.model.device.get_untracked()
    }

    /// Performs the effects of a procedure until it is over.
    async fn drive(&self, slot: Slot, mut procedure: Procedure) -> Result<Outcome, Failure> {
        let mut answer = Answer::Begin;
        loop {
            answer = match procedure.resume(answer) {
                Effect::Card(command) => Answer::Card(self.transmit(slot, &command).await),
                Effect::Server(call) => Answer::Server(self.call(call).await),
                Effect::Ask(question) => self.ask(question).await,
                Effect::Progress(progress) => {
                    self.show(&progress);
                    if self.inside().stop.get() { Answer::Stop } else { Answer::Continue }
                }
                Effect::Keep(checkpoint) => {
                    // Without it, an interrupted download asks the server again.
                    drop(keep::put(slot, &checkpoint.encode()).await);
                    Answer::Continue
                }
                Effect::Forget(_) => {
                    // One that stays is found out at the next start: the profile is there.
                    drop(keep::remove(slot).await);
                    Answer::Continue
                }
                Effect::Refresh(refresh) => match self.refresh(slot, refresh).await {
                    Ok(()) => Answer::Continue,
                    Err(lost) => Answer::Card(Err(lost)),
                },
                Effect::Done(result) => {
                    // A procedure that broke off may have left its channel open.
                    if matches!(&result, Err(Failure { cause: lpa::Cause::Misuse, .. })) {
                        self.close_channel(slot).await;
                    }
                    return result;
                }
            };
        }
    }

    async fn close_channel(&self, slot: Slot) {
        let close = Command::new(0x00, ins::MANAGE_CHANNEL, 0x80, 0x01).to_vec();
        let _ = self.transmit(slot, &close).await;
    }

    /// Asks the person, and waits for what is said.
    pub(crate) async fn ask(&self, question: Question) -> Answer {
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
            self.model.begin_step(step);
        }
        self.model.in_task(|task| {
            task.can_stop = progress.can_stop;
            task.step = progress.step.words().owned();
            task.part = Some(progress.step.clone());
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
            let place = format!("{}{}", call.address, call.path());
            let path = format!("/network/sessions/{}/http/{place}", session.session_id);
            let url = format!("https://{place}");
            let proof = place.strip_prefix(&call.address).unwrap_or_default();
            let proof = self.signatures.fields(&call.address, proof, &call.body).await.map_err(ServerLost)?;
            let mut headers = vec![ADMIN_PROTOCOL];
            headers.extend(proof.iter().map(|(name, value)| (*name, value.as_str())));
            let server = match call.interface {
                lpa::Interface::Es11 => Party::Smds,
                lpa::Interface::Es9Plus => Party::Smdp,
            };
            let answer = self.send(server, &url, &path, &headers, call.body.clone()).await;
            let answer = answer.map_err(ServerLost)?;
            if answer.status == 401 && proof.is_empty() && self.signatures.demanded(&call.address).await {
                continue;
            }
            // The SM-DP+ speaks JSON of its own; a problem is the network's word.
            if answer.media_type == "application/problem+json" {
                let error = refusal(answer.status, &answer.body);
                if error.is_session_gone() && !attached_anew {
                    attached_anew = true;
                    self.terminal().attach().await;
                    continue;
                }
                self.model.note(
                    false,
                    text!("data to {}", "データ通信 → {}", call.address),
                    error.words(),
                    error.codes(),
                );
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

/// What a phone uses a network for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    /// Packets: a page of the Internet.
    Data,
    /// A call.
    Voice,
    /// A short message.
    Sms,
}

impl Service {
    /// Its name in the network's interface.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Voice => "voice",
            Self::Sms => "sms",
        }
    }

    /// As the attach log has it.
    pub(crate) fn tried(self, to: &str) -> Text<String> {
        match self {
            Self::Data => text!("data to {to}", "データ通信 → {to}"),
            Self::Voice => text!("voice to {to}", "音声通話 → {to}"),
            Self::Sms => text!("sms to {to}", "SMS → {to}"),
        }
    }

    fn attempt(self, to: &str) -> Text<String> {
        match self {
            Self::Data => text!("Opening {to}.", "{to} を開きます。"),
            Self::Voice => text!("Calling {to}.", "{to} に発信します。"),
            Self::Sms => text!("Sending a message to {to}.", "{to} にメッセージを送ります。"),
        }
    }
}

/// What this phone tells of itself: an LTE device with the type allocation code that the
/// GSMA keeps for tests.
pub(crate) fn this_device() -> DeviceInfo {
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
        // The same in every language.
        ("", "") => "eSIM".to_owned(),
        ("", name) | (name, _) => name.to_owned(),
    }
}
