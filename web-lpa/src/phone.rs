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
use rsp::bpp::SegmentKind;
use rsp::{ActivationCode, Iccid, Version};
use wasm_bindgen_futures::spawn_local;

use trace::{Party, Step};
use words::{Text, text};

use crate::bench::{Bench, Fate, Passing};
use crate::model::{Model, Notice, Radio, Slot, Task};
use crate::terminal::{Terminal, refusal};
use crate::transport::chip::{ChipLink, ChipState};
use crate::transport::http::{self, HttpResponse};
use crate::transport::once;
use crate::units::size;

/// `X-Admin-Protocol` and `User-Agent` have to name the protocol's version and the LPA
/// (SGP.22 §6.5.1); a browser sets its own `User-Agent`.
const ADMIN_PROTOCOL: (&str, &str) = ("x-admin-protocol", rsp::es9::ADMIN_PROTOCOL);

/// The phone. A handle: copies are the same phone.
#[derive(Clone, Copy)]
pub(crate) struct Phone {
    model: Model,
    bench: Bench,
    inside: StoredValue<Rc<Inside>, LocalStorage>,
}

#[derive(Default)]
struct Inside {
    links: [RefCell<Option<Rc<ChipLink>>>; 2],
    reply: RefCell<Option<once::Sender<Reply>>>,
    stop: Cell<bool>,
}

impl Phone {
    pub(crate) fn new(model: Model, bench: Bench) -> Self {
        Self { model, bench, inside: StoredValue::new_local(Rc::new(Inside::default())) }
    }

    /// Starts the worker of the phone's chip; once it answers, the phone is switched on.
    pub(crate) fn start(&self, worker: &str) {
        let phone = *self;
        self.open(Slot::Phone, worker, move || {
            let task = Task::new(Text::new("Switching the phone on", "電話の電源を入れています"));
            phone.task(task, async move { phone.switch_on().await });
        });
    }

    /// Starts the worker of a device's chip; `begins` is called once it answers.
    fn open(&self, slot: Slot, worker: &str, begins: impl Fn() + 'static) {
        let state = self.model.chip(slot).state;
        state.set(ChipState::Starting);
        let opened = ChipLink::open(worker, move |now| {
            let was = state.get_untracked();
            let begin = now.answers() && !was.answers();
            state.set(now);
            if begin {
                begins();
            }
        });
        match opened {
            Ok(link) => *self.inside().links[slot as usize].borrow_mut() = Some(Rc::new(link)),
            Err(words) => state.set(ChipState::Broken(words)),
        }
    }

    /// Downloads the profile of an activation code and installs it on a device's chip.
    pub(crate) fn download(&self, slot: Slot, code: ActivationCode) {
        let phone = *self;
        let mut task = Task::new(Text::new("Adding an eSIM", "eSIM を追加しています"));
        task.download = true;
        self.task(task, async move {
            let procedure = lpa::download(code, device(), lpa::Options::default());
            let outcome = phone.drive(slot, procedure).await;
            let fed = phone.model.task.with_untracked(|task| task.as_ref().and_then(|task| task.segments));
            phone.model.end_current_step(outcome.is_ok());
            phone.refresh_lists(slot).await;
            let Outcome::Installed { metadata, notifications } = outcome? else { return Ok(None) };
            phone.model.chip(slot).notified(&notifications);
            let name = shown_name(&metadata.service_provider_name, &metadata.profile_name);
            let fed = fed.map_or_else(Text::default, |[_, segments, _, bytes]| {
                let size = size(bytes);
                text!(
                    "The chip took {size} in {segments} segments. ",
                    "チップは {size} を {segments} 個のセグメントで受け取りました。"
                )
            });
            let mut notice = Notice::good(
                text!("{name} is installed.", "{name} をインストールしました。"),
                Text::<String>::default(),
            );
            notice.advice = Text::new(
                format!("{}It is off: switch to it to use its service.", fed.en),
                format!("{}まだオフです。使うには切り替えてください。", fed.ja),
            );
            notice.switch_to = Some((slot, metadata.iccid, name));
            Ok(Some(notice))
        });
    }

    /// Switches to a profile.
    pub(crate) fn enable(&self, slot: Slot, iccid: Iccid, name: String) {
        let phone = *self;
        let task = Task::new(text!("Switching to {name}", "{name} に切り替えています"));
        self.task(task, async move {
            if slot == Slot::Phone {
                phone.model.begin_step(Step::Switch);
            }
            let switched = phone.switch(slot, lpa::enable(iccid, lpa::Options::default())).await;
            phone.model.end_current_step(false);
            switched?;
            Ok(Some(phone.after_switch(slot, &name)))
        });
    }

    /// Switches a profile off.
    pub(crate) fn disable(&self, slot: Slot, iccid: Iccid, name: String) {
        let phone = *self;
        let task = Task::new(text!("Switching {name} off", "{name} をオフにしています"));
        self.task(task, async move {
            phone.switch(slot, lpa::disable(iccid, lpa::Options::default())).await?;
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
        self.task(task, async move {
            let deleted = phone.drive(slot, lpa::delete(iccid, lpa::Options::default())).await;
            if deleted.is_ok() {
                phone.send_notifications(slot).await?;
            }
            phone.refresh_lists(slot).await;
            deleted?;
            Ok(Some(Notice::good(
                text!("{name} is deleted.", "{name} を削除しました。"),
                Text::new("Its memory is free again.", "そのメモリーはまた空きました。"),
            )))
        });
    }

    /// Gives a profile a name; an empty one gives it back its own.
    pub(crate) fn rename(&self, slot: Slot, iccid: Iccid, nickname: String) {
        let phone = *self;
        self.task(Task::new(Text::new("Renaming", "名前を変えています")), async move {
            phone.drive(slot, lpa::set_nickname(iccid, &nickname, lpa::Options::default())).await?;
            phone.refresh_lists(slot).await;
            Ok(None)
        });
    }

    /// Sends the notifications that wait.
    pub(crate) fn notify(&self, slot: Slot) {
        let phone = *self;
        self.task(Task::new(Text::new("Sending notifications", "通知を送っています")), async move {
            phone.send_notifications(slot).await?;
            Ok(None)
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

    /// Tries a service.
    pub(crate) fn try_service(&self, service: Service, to: String) {
        let phone = *self;
        self.task(Task::new(Text::new("Asking the network", "ネットワークに尋ねています")), async move {
            let what = service.attempt(&to);
            let notice = match phone.terminal().use_service(service, &to).await {
                Ok(verdict) if verdict.permitted() => Notice::good(
                    what.with(text!("The network lets it through.", "ネットワークは許可しました。")),
                    text!("{}.", "{}。", verdict.because),
                ),
                Ok(verdict) => {
                    let cause = verdict.cause.as_ref().map(ToString::to_string).unwrap_or_default();
                    Notice {
                        good: false,
                        what: what.with(text!(
                            "The network refuses: {}.",
                            "ネットワークが拒否しました: {}。",
                            verdict.because
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
                    what: what.with(text!(
                        "There is no answer: {}.",
                        "応答がありません: {}。",
                        error.because()
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

    /// Erases a chip as it left the factory, and loads the page again.
    pub(crate) fn erase_chip(&self, slot: Slot) {
        let phone = *self;
        self.task(Task::new(Text::new("Making the chip anew", "チップを作り直しています")), async move {
            let link = phone.link(slot).map_err(lost)?;
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

    /// Sends a request to somebody beyond the site and records it: `url` is what the trace
    /// shows, `path` the way there.
    pub(crate) async fn send(
        &self,
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
        let request = trace::Request { method: "POST", url, headers: &shown, body: &body };
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
        let mut answer = match http::send("POST", path, headers, Some(&body)).await {
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
        self.model.begin_step(Step::Attach);
        self.refresh_lists(Slot::Phone).await;
        self.terminal().power_on().await;
        self.model.end_current_step(false);
        self.send_notifications(Slot::Phone).await?;
        Ok(None)
    }

    /// Enables or disables, refreshes, attaches again, tells the servers.
    async fn switch(&self, slot: Slot, procedure: Procedure) -> Result<(), Failure> {
        let outcome = self.drive(slot, procedure).await;
        if let Ok(Outcome::Switched(refresh)) = &outcome {
            self.refreshed(slot, *refresh).await;
        }
        self.refresh_lists(slot).await;
        outcome?;
        self.send_notifications(slot).await
    }

    /// What a device does when the enabled profile has changed. The watch has no modem here:
    /// its chip is only started again.
    async fn refreshed(&self, slot: Slot, refresh: Refresh) {
        let step = |words: Text| self.model.in_task(|task| task.step = words.owned());
        match slot {
            Slot::Phone => {
                if refresh == Refresh::Proactive {
                    step(Text::new("The chip asks for a refresh", "チップがリフレッシュを求めています"));
                    // What can't be answered is settled by the reset.
                    let _ = self.terminal().proactive().await;
                }
                step(Text::new(
                    "Starting again with the other profile",
                    "もう一方のプロファイルで再起動しています",
                ));
                self.terminal().power_on().await;
            }
            // A chip that is gone says so at the next command.
            Slot::Watch => drop(self.reset(Slot::Watch).await),
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
                text!(
                    "{name} is on, but has no service: {}.",
                    "{name} はオンですが、圏外です: {}。",
                    error.because()
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

    async fn send_notifications(&self, slot: Slot) -> Result<(), Failure> {
        let procedure = lpa::notifications(lpa::Options::default());
        let Outcome::Notifications(reports) = self.drive(slot, procedure).await? else { return Ok(()) };
        self.model.chip(slot).notified(&reports);
        Ok(())
    }

    /// Reads profiles and chip again; what can't be read stays as it was shown.
    async fn refresh_lists(&self, slot: Slot) {
        let chip = self.model.chip(slot);
        if let Ok(Outcome::Profiles(list)) = self.drive(slot, lpa::list(lpa::Options::default())).await {
            chip.profiles.set(Some(list));
        }
        if let Ok(Outcome::Chip(info)) = self.drive(slot, lpa::chip_info(lpa::Options::default())).await {
            chip.info.set(Some(*info));
        }
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
            self.model.begin_step(step);
        }
        self.model.in_task(|task| {
            task.can_stop = progress.can_stop;
            task.step = words(&progress.step).owned();
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
            let place = format!("{}{}{}", call.address, rsp::es9::PATH, call.function.name());
            let path = format!("/network/sessions/{}/http/{place}", session.session_id);
            let url = format!("https://{place}");
            let answer = self.send(Party::Smdp, &url, &path, &[ADMIN_PROTOCOL], call.body.clone()).await;
            let answer = answer.map_err(ServerLost)?;
            // The SM-DP+ speaks JSON of its own; a problem is the network's word.
            if answer.media_type == "application/problem+json" {
                let error = refusal(answer.status, &answer.body);
                if error.is_session_gone() && !attached_anew {
                    attached_anew = true;
                    self.terminal().attach().await;
                    continue;
                }
                let because = error.because().to_owned();
                self.model.note(
                    false,
                    text!("data to {}", "データ通信 → {}", call.address),
                    Text::new(because.clone(), because),
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

/// A step of a procedure in words.
const fn words(step: &Part) -> Text {
    match step {
        Part::ReadChip => Text::new("Reading the chip", "チップを読んでいます"),
        Part::InitiateAuthentication => {
            Text::new("Asking the operator's server who it is", "事業者のサーバーに身元を尋ねています")
        }
        Part::AuthenticateServer => {
            Text::new("The chip checks the server's certificate", "チップがサーバーの証明書を確認しています")
        }
        Part::AuthenticateClient => Text::new(
            "The server checks the chip and finds the order",
            "サーバーがチップを確認し、注文を探しています",
        ),
        Part::PrepareDownload => {
            Text::new("The chip makes its one-time key", "チップがワンタイム鍵を作っています")
        }
        Part::FetchPackage => Text::new(
            "Downloading the whole package at once",
            "パッケージ全体をまとめてダウンロードしています",
        ),
        Part::Install { kind, .. } => match kind {
            SegmentKind::InitialiseSecureChannel => Text::new(
                "Opening the secure channel into the chip",
                "チップへの安全なチャネルを開いています",
            ),
            _ => Text::new(
                "The chip decrypts and installs, segment by segment",
                "チップがセグメントごとに復号し、インストールしています",
            ),
        },
        Part::Notify => Text::new("Telling the operator's server", "事業者のサーバーに知らせています"),
        Part::Cancel(_) => Text::new("Giving the session up", "セッションを取りやめています"),
    }
}
