//! What the person asks of a chip, as tasks: each runs a procedure of crate `lpa`, and says how it
//! ended.

use std::rc::Rc;

use leptos::prelude::*;
use lpa::{Checkpoint, Failure, Outcome, Procedure};
use rsp::activation_code::is_address;
use rsp::profiles::ProfileState;
use rsp::{ActivationCode, Iccid};
use trace::Step;
use words::{Text, text};

use super::cards::{Switch, Unsettled};
use super::{Phone, called, devices, isolated, shown_name};
use crate::code::scan::safe;
use crate::model::{Notice, Radio, Slot, Task};
use crate::transport::keep;
use crate::units::size;

/// An order as a code or an event names it: the SM-DP+ and the matching id.
type Wanted = (String, rsp::MatchingId);

impl Phone {
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
        self.repeatable(slot, task, move || phone.discover(slot, again.clone()), async move {
            let procedure = lpa::discover(smds, phone.device(), phone.options());
            let outcome = phone.drive(slot, procedure).await?;
            phone.learn(slot, &outcome);
            let events = phone.model.chip(slot).events;
            Ok(events.with_untracked(|events| events.as_ref().is_some_and(Vec::is_empty)).then(nothing_waits))
        });
    }

    /// Goes on with a download that was interrupted, if there is one for this chip.
    pub(super) async fn resume(&self, slot: Slot) -> Result<Option<Notice>, Failure> {
        match self.interrupted(slot).await {
            Some(checkpoint) => self.go_on_with(slot, checkpoint).await,
            None => Ok(None),
        }
    }

    /// The download of this chip that was interrupted.
    async fn interrupted(&self, slot: Slot) -> Option<Checkpoint> {
        // Where nothing can be read, nothing was kept.
        let bytes = keep::get(&self.place(slot)).await.ok()??;
        // A chip that does not tell its EID now may do so the next time.
        let eid = self.model.chip(slot).info.with_untracked(|info| info.as_ref().map(|info| info.eid))?;
        match Checkpoint::decode(&bytes) {
            // One of another chip waits until that is here again.
            Ok(checkpoint) => checkpoint.is_of(&eid).then_some(checkpoint),
            Err(_) => {
                drop(keep::remove(&self.place(slot)).await);
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
        let begun = self.card_moves(slot);
        let repeat = move || phone.install(slot, again.0.clone(), Rc::clone(&again.1));
        self.repeatable(slot, task, repeat, async move {
            let events = phone.model.chip(slot).events;
            let before = events.get_untracked();
            let notice = phone.add(slot, wanted.as_ref(), begun, procedure).await?;
            let (Some(before), Some(wanted)) = (before, wanted) else { return Ok(notice) };
            let mut others = before.clone();
            others.retain(|event| (&event.address, &event.event_id) != (&wanted.0, &wanted.1));
            if notice.is_some() {
                events.set(Some(others));
                return Ok(notice);
            }
            // It led to another SM-DS, which told of none or of several; or the person said no.
            let now = events.get_untracked().unwrap_or_default();
            if now == before {
                return Ok(None);
            }
            let nothing = now.is_empty().then(nothing_waits);
            others.retain(|event| !now.contains(event));
            events.set(Some([now, others].concat()));
            Ok(nothing)
        });
    }

    /// What [`Self::install`] does to add the profile itself; `begun`: where the card stood then.
    async fn add(
        &self,
        slot: Slot,
        wanted: Option<&Wanted>,
        begun: u64,
        procedure: Rc<dyn Fn() -> Procedure>,
    ) -> Result<Option<Notice>, Failure> {
        // What is said of an order from now on is the later word.
        match wanted {
            Some((address, matching_id)) => self.forget_order(address, Some(matching_id)).await,
            None => {
                let info = self.model.chip(slot).info.get_untracked();
                if let Some(address) = info.and_then(|info| info.addresses.default_dp_address) {
                    self.forget_order(&address, None).await;
                }
            }
        }
        self.send_cancellations_beside();
        if let Some(checkpoint) = self.interrupted(slot).await {
            let is_wanted =
                wanted.is_none_or(|(address, matching_id)| checkpoint.is_for(address, matching_id));
            let resumed = self.go_on_with(slot, checkpoint).await;
            // One that fails again is no reason not to begin with the other, but where the card is
            // gone there is nothing to begin with.
            if is_wanted || resumed.as_ref().is_err_and(Failure::is_card_lost) {
                return resumed;
            }
        }
        // What was asked for is meant for the card that was there.
        self.stays_since(slot, begun).map_err(super::lost)?;
        self.installed(slot, procedure()).await
    }

    async fn installed(&self, slot: Slot, procedure: Procedure) -> Result<Option<Notice>, Failure> {
        let outcome = self.drive(slot, procedure).await;
        let fed = self.model.task.with_untracked(|task| task.as_ref().and_then(|task| task.segments));
        self.model.end_current_step(outcome.is_ok());
        let mut is_told = true;
        if let Ok(outcome) = &outcome {
            self.learn(slot, outcome);
            if matches!(outcome, Outcome::Installed { profiles, .. } if profiles.is_empty()) {
                is_told = self.read_back(slot).await;
            }
        }
        self.refresh_lists(slot).await;
        let Outcome::Installed { metadata, .. } = outcome? else { return Ok(None) };
        devices::persist();
        let name = shown_name(&metadata.service_provider_name, &metadata.profile_name);
        let in_words = isolated(&name);
        let fed = fed.map_or_else(Text::default, |[_, segments, _, bytes]| {
            let size = size(bytes);
            text!(
                "The chip took {size} in {segments} segments.",
                "チップは {size} を {segments} 個のセグメントで受け取りました。"
            )
        });
        let off = Text::new(
            "It is off: switch to it to use its service.",
            "まだオフです。使うには切り替えてください。",
        );
        let untold = Text::new(
            "The operator’s server does not know of it yet: it is told at the next start.",
            "通信事業者のサーバーにはまだ伝わっていません。次に起動したときに伝えます。",
        );
        let mut notice = Notice::good(
            text!("{in_words} is installed.", "{in_words} をインストールしました。"),
            fed.with(off.owned()).with(if is_told { Text::default() } else { untold.owned() }),
        );
        notice.switch_to = Some((slot, metadata.iccid, name));
        Ok(Some(notice))
    }

    /// The profile was installed, and what the chip said of it afterwards was lost: the download
    /// goes on from its checkpoint, which reads the chip and tells the server. Whether it did.
    async fn read_back(&self, slot: Slot) -> bool {
        let Some(checkpoint) = self.interrupted(slot).await else { return false };
        let rest = self.drive(slot, lpa::resume(checkpoint, self.device(), self.options())).await;
        rest.is_ok_and(|rest| {
            self.learn(slot, &rest);
            !matches!(rest, Outcome::Installed { profiles, .. } if profiles.is_empty())
        })
    }

    /// Switches to a profile.
    pub(crate) fn enable(&self, slot: Slot, iccid: Iccid, name: String) {
        let phone = *self;
        let in_words = isolated(&name);
        let task = Task::new(text!("Switching to {in_words}", "{in_words} に切り替えています"));
        let again = name.clone();
        self.repeatable(slot, task, move || phone.enable(slot, iccid, again.clone()), async move {
            if slot == Slot::Phone {
                phone.model.begin_step(Step::Switch);
            }
            let eid = phone.eid(slot);
            let switched = phone.act(slot, lpa::enable(iccid, phone.options())).await;
            phone.keep_unsettled(slot, &switched, Switch { eid, iccid, name: name.clone(), on: true });
            let switched = phone.settled(slot, switched).await;
            phone.model.end_current_step(false);
            switched?;
            // With service, what could not be told before can be told now.
            if phone.model.chip(slot).waiting.with_untracked(|waiting| !waiting.is_empty()) {
                phone.send_waiting(slot).await;
            }
            Ok(Some(phone.after_switch(slot, &name)))
        });
    }

    /// A card that went away with its answer is asked what became of the switch when it is back.
    fn keep_unsettled<T>(&self, slot: Slot, switched: &Result<T, Failure>, switch: Switch) {
        if slot == Slot::Card {
            let lost = switched.as_ref().err().filter(|failure| failure.is_card_lost());
            let unsettled = lost.map(|failure| Unsettled { switch, failure: failure.clone() });
            *self.inside().unsettled.borrow_mut() = unsettled;
        }
    }

    /// Switches a profile off.
    pub(crate) fn disable(&self, slot: Slot, iccid: Iccid, name: String) {
        let phone = *self;
        let in_words = isolated(&name);
        let task = Task::new(text!("Switching {in_words} off", "{in_words} をオフにしています"));
        let again = name.clone();
        self.repeatable(slot, task, move || phone.disable(slot, iccid, again.clone()), async move {
            let eid = phone.eid(slot);
            let switched = phone.act(slot, lpa::disable(iccid, phone.options())).await;
            phone.keep_unsettled(slot, &switched, Switch { eid, iccid, name: name.clone(), on: false });
            phone.settled(slot, switched).await?;
            Ok(Some(Notice::good(
                text!("{in_words} is off.", "{in_words} はオフです。"),
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
        let in_words = isolated(&name);
        let task = Task::new(text!("Deleting {in_words}", "{in_words} を削除しています"));
        self.repeatable(slot, task, move || phone.delete(slot, iccid, name.clone()), async move {
            let outcome = match phone.act(slot, lpa::delete(iccid, phone.options())).await {
                // Only the answer was lost, or it is the second try after that.
                Err(_) if phone.is_gone(slot, iccid) => None,
                outcome => Some(outcome?),
            };
            if outcome.is_none() {
                // The chip has noted the deletion all the same.
                phone.send_waiting(slot).await;
            }
            let memory = match &outcome {
                Some(Outcome::Deleted { memory: Some(memory), .. }) => {
                    let (before, after) = (size(memory.before as usize), size(memory.after as usize));
                    text!(
                        "Free memory: {before} before, {after} now.",
                        "空きメモリー: 削除前 {before}、現在 {after}。"
                    )
                }
                _ => Text::default(),
            };
            Ok(Some(Notice::good(text!("{in_words} is deleted.", "{in_words} を削除しました。"), memory)))
        });
    }

    /// Whether the chip was read and does not have this profile.
    fn is_gone(&self, slot: Slot, iccid: Iccid) -> bool {
        self.model.chip(slot).profiles.with_untracked(|profiles| {
            profiles.as_ref().is_some_and(|list| list.iter().all(|info| info.iccid != Some(iccid)))
        })
    }

    /// Gives a profile a name; an empty one gives it back its own.
    pub(crate) fn rename(&self, slot: Slot, iccid: Iccid, nickname: String) {
        let phone = *self;
        let task = Task::new(Text::new("Renaming", "名前を変えています"));
        let again = nickname.clone();
        self.repeatable(slot, task, move || phone.rename(slot, iccid, again.clone()), async move {
            phone.act(slot, lpa::set_nickname(iccid, &nickname, phone.options())).await?;
            Ok(None)
        });
    }

    /// Sets the chip's default SM-DP+; an empty one takes it away.
    pub(crate) fn set_default_smdp(&self, slot: Slot, address: String) {
        let phone = *self;
        if !address.is_empty() && !is_address(&address) {
            return self.model.notice.set(Some(no_address(&address)));
        }
        let task = Task::new(Text::new("Setting the default server", "既定のサーバーを設定しています"));
        let again = address.clone();
        self.repeatable(slot, task, move || phone.set_default_smdp(slot, again.clone()), async move {
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
        self.repeatable(slot, task, move || phone.memory_reset(slot, what), async move {
            let reset = phone.act(slot, lpa::memory_reset(what, phone.options())).await;
            let reset = phone.settled(slot, reset).await;
            // With an answer that was lost, the enabled profile may be gone all the same.
            if reset.is_err() && slot == Slot::Phone && phone.modem_is_behind() {
                phone.terminal().power_on().await;
            }
            reset?;
            let chip = phone.model.chip(slot);
            let left = chip.profiles.get_untracked().unwrap_or_default();
            let off = left.iter().all(|info| info.state != Some(ProfileState::Enabled));
            let mut advice = Text::<String>::default();
            let mut switch_to = None;
            if off && let Some((iccid, info)) = left.iter().find_map(|info| Some((info.iccid?, info))) {
                advice = Text::new(
                    "No profile is on: switch one on to have service.",
                    "オンのプロファイルがありません。使うには、プロファイルをオンにしてください。",
                )
                .owned();
                switch_to = Some((slot, iccid, called(info)));
            }
            if chip.waiting.with_untracked(|waiting| !waiting.is_empty()) {
                advice = advice.with(
                    Text::new(
                        "A server does not know of it yet: it is told when there is service.",
                        "サーバーにはまだ伝わっていません。通信できるようになると伝えます。",
                    )
                    .owned(),
                );
            }
            let what = Text::new("The chip’s memory is reset.", "チップのメモリーをリセットしました。");
            Ok(Some(Notice { switch_to, ..Notice::good(what, advice) }))
        });
    }

    /// Whether the modem has read another profile than the one that is on.
    fn modem_is_behind(&self) -> bool {
        let on = self.model.chip(Slot::Phone).profiles.with_untracked(|profiles| {
            let on = profiles.iter().flatten().find(|info| info.state == Some(ProfileState::Enabled));
            on.and_then(|info| info.iccid)
        });
        self.model.card.with_untracked(|card| card.iccid != on.map(|iccid| iccid.to_string()))
    }

    /// Sends the notifications that wait.
    pub(crate) fn notify(&self, slot: Slot) {
        let phone = *self;
        let task = Task::new(Text::new("Sending notifications", "通知を送っています"));
        self.repeatable(slot, task, move || phone.notify(slot), async move {
            phone.send_cancellations_beside();
            phone.act(slot, lpa::notifications(phone.options())).await?;
            phone.read_waiting(slot).await;
            Ok(None)
        });
    }

    /// Sends one notification.
    pub(crate) fn send_notification(&self, slot: Slot, number: u32) {
        let phone = *self;
        let task = Task::new(Text::new("Sending a notification", "通知を送っています"));
        self.repeatable(slot, task, move || phone.send_notification(slot, number), async move {
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
        if !is_address(&address) {
            return self.model.notice.set(Some(no_address(&address)));
        }
        let task = Task::new(Text::new("Asking the server", "サーバーに尋ねています"));
        let again = address.clone();
        self.repeatable(slot, task, move || phone.check_server(slot, again.clone()), async move {
            let procedure = lpa::check_server(address.clone(), phone.device(), phone.options());
            let Outcome::Server(check) = phone.act(slot, procedure).await? else { return Ok(None) };
            let issuer = lpa::ci_words(&check.server);
            Ok(Some(Notice::good(
                text!("Chip and {address} trust each other.", "チップと {address} は互いを信頼できます。"),
                text!("Issuer: {}", "発行者: {}", issuer),
            )))
        });
    }

    /// What became of the switch, by what the network now says.
    fn after_switch(&self, slot: Slot, name: &str) -> Notice {
        let name = isolated(name);
        let bad = |what, advice: Text, codes| Notice {
            good: false,
            what,
            advice: advice.owned(),
            codes,
            switch_to: None,
        };
        let used = match slot {
            Slot::Phone => None,
            Slot::Watch => Some(Text::new(
                "The watch uses it from now on.",
                "時計はこれからこのプロファイルを使います。",
            )),
            Slot::Card => Some(Text::new(
                "The device that the card is put into uses it from now on.",
                "カードを挿入した機器は、これからこのプロファイルを使います。",
            )),
        };
        if let Some(used) = used {
            return Notice::good(text!("{name} is on.", "{name} はオンです。"), used);
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
            Radio::NoUsim(words) | Radio::NoCard(words) | Radio::NoTrust(words) => bad(
                Text::new(
                    format!("{name} is on, but has no service: {}.", words.en),
                    format!("{name} はオンですが、圏外です: {}。", words.ja),
                ),
                Text::new(
                    "Switch to another profile, or ask the operator.",
                    "別のプロファイルに切り替えるか、事業者に問い合わせてください。",
                ),
                Text::default(),
            ),
            _ => Notice::good(text!("{name} is on.", "{name} はオンです。"), Text::<String>::default()),
        })
    }
}

/// What was typed is no address of a server.
fn no_address(typed: &str) -> Notice {
    let typed = safe(typed);
    Notice {
        good: false,
        ..Notice::good(
            text!("{typed} is no address of a server.", "{typed} はサーバーのアドレスではありません。"),
            Text::new(
                "Enter a domain name, with a port if need be, without https://.",
                "https:// を付けずに、ドメイン名（必要ならポートも）を入力してください。",
            ),
        )
    }
}

/// An SM-DS knows of nothing for the chip.
fn nothing_waits() -> Notice {
    Notice::good(
        Text::new("Nothing waits for this chip.", "このチップ宛てのものはありません。"),
        Text::new(
            "Ask the operator to order a profile for its EID.",
            "事業者に、この EID 宛てのプロファイルを注文してもらってください。",
        ),
    )
}
