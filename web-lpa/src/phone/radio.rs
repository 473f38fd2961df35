//! The phone on the network: power, attach, services.

use leptos::prelude::*;
use lpa::Failure;
use trace::Step;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use words::{Text, text};

use super::Phone;
use crate::model::{Notice, Radio, Slot, Task, now};
use crate::network::NetworkError;
use crate::transport::chip::ChipState;

/// How long it is waited before a server is told again, at first and at most, in milliseconds.
const FIRST_PAUSE: f64 = 60_000.0;
const LAST_PAUSE: f64 = 16.0 * FIRST_PAUSE;

impl Phone {
    /// Attaches again, with the APN that is set.
    pub(crate) fn attach(&self) {
        let phone = *self;
        self.task(Task::new(Text::new("Attaching", "アタッチしています")), async move {
            phone.terminal().attach().await;
            phone.send_cancellations_beside();
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
                phone.terminal().leave(Radio::Detached).await;
                phone.model.radio.set(Radio::Off);
                phone.model.card.set(crate::model::Card::default());
                phone.model.notice.set(None);
                Ok(None)
            });
        }
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
            } else {
                phone.send_cancellations_beside();
            }
            for slot in Slot::ALL {
                let chip = phone.model.chip(slot);
                let waits = chip.waiting.with_untracked(|waiting| !waiting.is_empty());
                if waits && chip.state.with_untracked(ChipState::answers) {
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

    /// Sends again what no server has been told of: a server may be away while the browser is on the net. With
    /// growing pauses; at once when somebody comes back to the page.
    pub(super) fn tell_again(&self, comes_back: bool) {
        let waits = Slot::ALL.into_iter().filter(|slot| {
            let chip = self.model.chip(*slot);
            chip.waiting.with_untracked(|waiting| !waiting.is_empty())
                && chip.state.with_untracked(ChipState::answers)
        });
        let waits: Vec<Slot> = waits.collect();
        let again = &self.inside().tells_again;
        if waits.is_empty() {
            return again.set(None);
        }
        let (due, pause) = again.get().unwrap_or_else(|| (now() + FIRST_PAUSE, FIRST_PAUSE));
        if !self.may_look() || !(comes_back || now() >= due) {
            return again.set(Some((due, pause)));
        }
        let next = (2.0 * pause).min(LAST_PAUSE);
        again.set(Some((now() + next, next)));
        for slot in waits {
            let phone = *self;
            self.soon(move || {
                // Beside what the phone says now: nobody has asked for it.
                phone.aside(
                    Task::new(Text::new("Sending notifications", "通知を送っています")),
                    async move {
                        phone.send_waiting(slot).await;
                        || {}
                    },
                );
            });
        }
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
                Ok(verdict) => Notice {
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
                    codes: verdict.codes(),
                    switch_to: None,
                },
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

    pub(super) async fn switch_on(&self, resumes: bool) -> Result<Option<Notice>, Failure> {
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
