//! The devices whose chips this phone serves, and what only a laboratory can do with a chip.

use leptos::prelude::*;
use lpa::{CardLost, Failure};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use words::Text;

use super::{Phone, lost};
use crate::model::{ChipModel, Notice, Slot, Task, Told, now};
use crate::said;
use crate::transport::chip::ChipState;
use crate::transport::http;
use crate::ui::preference;

/// Whether there is a watch.
const WATCH: &str = "watch";

/// Most of a chip's own words that are kept.
const MAX_TOLD: usize = 500;

/// What a chip is made as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Making {
    /// As the laboratory makes them.
    Usual,
    /// Hardly any memory is left.
    SmallMemory,
    /// Certified by an issuer that the SM-DP+ does not know.
    OtherCi,
    /// Its certificate has expired.
    Expired,
    /// Without its provisioning profile.
    NoBootstrap,
    /// Its ISD-R has another AID.
    OddAid,
}

impl Making {
    /// All of them.
    pub(crate) const ALL: [Self; 6] =
        [Self::Usual, Self::SmallMemory, Self::OtherCi, Self::Expired, Self::NoBootstrap, Self::OddAid];

    /// Its name in the laboratory's addresses.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Usual => "usual",
            Self::SmallMemory => "small-memory",
            Self::OtherCi => "other-ci",
            Self::Expired => "expired",
            Self::NoBootstrap => "no-bootstrap",
            Self::OddAid => "odd-aid",
        }
    }

    /// Its name for people.
    pub(crate) const fn name(self) -> Text {
        match self {
            Self::Usual => Text::new("As usual", "通常のチップ"),
            Self::SmallMemory => Text::new("Little memory", "メモリーの少ないチップ"),
            Self::OtherCi => Text::new("Certified by another issuer", "別の発行者が認証したチップ"),
            Self::Expired => Text::new("Expired certificate", "証明書の期限が切れたチップ"),
            Self::NoBootstrap => Text::new("Without a bootstrap profile", "ブートストラップのないチップ"),
            Self::OddAid => Text::new("ISD-R under another AID", "ISD-R の AID が異なるチップ"),
        }
    }
}

impl Phone {
    /// Starts the worker of the phone's chip, and of the watch's where there is one.
    pub(crate) fn start(&self, worker: &str) {
        worker.clone_into(&mut self.inside().worker.borrow_mut());
        self.follow_net();
        self.follow_session();
        self.look_for_own_chip();
        self.plug(Slot::Phone);
        if preference::read(WATCH).as_deref() == Some("yes") {
            self.plug(Slot::Watch);
        }
    }

    /// Puts a watch beside the phone, and shows its chip.
    pub(crate) fn add_watch(&self) {
        if self.model.chip(Slot::Watch).state.with_untracked(|state| *state == ChipState::Absent) {
            preference::write(WATCH, "yes");
            self.plug(Slot::Watch);
        }
        self.model.slot.set(Slot::Watch);
    }

    /// Takes the watch away. Its chip stays in the browser's storage, as it is.
    pub(crate) fn remove_watch(&self) {
        if self.model.task.with_untracked(Option::is_some) {
            return;
        }
        preference::write(WATCH, "no");
        self.model.slot.set(Slot::Phone);
        self.unplug(Slot::Watch);
        let chip = self.model.chip(Slot::Watch);
        chip.forget();
        chip.state.set(ChipState::Absent);
    }

    /// Powers on again a device whose chip's program has stopped.
    pub(crate) fn start_again(&self, slot: Slot) {
        self.unplug(slot);
        self.plug(slot);
    }

    fn unplug(&self, slot: Slot) {
        let link = self.inside().links[slot as usize].borrow_mut().take();
        // Who waits for it is woken by this.
        drop(link);
    }

    /// Starts the worker of a device's chip; once it answers, the device is switched on.
    fn plug(&self, slot: Slot) {
        let mut url = self.inside().worker.borrow().clone();
        let site = http::site();
        if slot == Slot::Watch {
            url.push_str(&format!("?name=watch&factory={}/lab/watch.json", site.unwrap_or_default()));
        } else if let Some(site) = site {
            url.push_str(&format!("?factory={site}/lab/chip.json"));
        }
        let phone = *self;
        self.open(slot, &url, move || {
            if phone.model.chip(slot).listening.get_untracked() {
                phone.listen(slot, true);
            }
            phone.soon(move || {
                let title = match slot {
                    Slot::Phone => Text::new("Switching the phone on", "電話の電源を入れています"),
                    Slot::Watch => Text::new("Switching the watch on", "時計の電源を入れています"),
                    Slot::Card => Text::new("Reading the card", "カードを読み取っています"),
                };
                phone.task(Task::new(title), async move { phone.begin_anew(slot, true).await });
            });
        });
    }

    /// Does something when no task runs: now, or after those that do.
    pub(super) fn soon(&self, what: impl FnOnce() + 'static) {
        self.inside().later.borrow_mut().push_back(Box::new(what));
        self.go_on();
    }

    /// Begins what waits for the end of a task.
    pub(super) fn go_on(&self) {
        while self.model.task.with_untracked(Option::is_none) {
            let next = self.inside().later.borrow_mut().pop_front();
            let Some(next) = next else { break };
            next();
        }
    }

    /// What a device does with a chip that has just got power; whether it goes on with a download
    /// that was interrupted: not with a chip that was put in the place of another.
    pub(super) async fn begin_anew(&self, slot: Slot, resumes: bool) -> Result<Option<Notice>, Failure> {
        match slot {
            Slot::Phone => self.switch_on(resumes).await,
            Slot::Watch | Slot::Card => {
                self.refresh_lists(slot).await;
                let notice = if resumes { self.resume(slot).await? } else { None };
                self.read_waiting(slot).await;
                self.send_cancellations_beside();
                Ok(notice)
            }
        }
    }

    /// Replaces a chip by a new one, as it left the factory.
    pub(crate) fn erase_chip(&self, slot: Slot) {
        let phone = *self;
        self.replace(slot, async move { phone.link(slot)?.chip()?.erase().await });
    }

    /// The same by one that is made in a certain way; in a laboratory only.
    pub(crate) fn make_chip(&self, slot: Slot, making: Making) {
        let phone = *self;
        self.replace(slot, async move {
            let path = match (slot, making) {
                (Slot::Watch, Making::Usual) => "/lab/watch.json".to_owned(),
                _ => format!("/lab/chip.json?as={}", making.word()),
            };
            let answer = http::send("GET", &path, &[], None).await;
            let answer = answer.map_err(|because| CardLost(said::words(&because)))?;
            if answer.status != 200 {
                return Err(CardLost(Text::same(format!("{path}: HTTP {}", answer.status))));
            }
            phone.link(slot)?.chip()?.make(&answer.body).await
        });
    }

    /// Puts a memory that was kept in the place of a chip's.
    pub(crate) fn restore(&self, slot: Slot, memory: Vec<u8>) {
        let phone = *self;
        self.replace(slot, async move {
            let atr = phone.link(slot)?.chip()?.restore(&memory).await?;
            if slot == Slot::Phone && phone.bench.own.with_untracked(|own| own.as_ref() == Some(&memory)) {
                phone.forget_own_chip().await;
            }
            Ok(atr)
        });
    }

    fn replace(&self, slot: Slot, how: impl Future<Output = Result<Vec<u8>, CardLost>> + 'static) {
        let phone = *self;
        self.task(Task::new(Text::new("Replacing the chip", "チップを交換しています")), async move {
            let chip = phone.model.chip(slot);
            let answered = chip.state.with_untracked(ChipState::answers);
            if let Err(CardLost(because)) = how.await {
                return Ok(Some(Notice {
                    good: false,
                    what: said::with(
                        Text::new("The chip was not replaced: {}.", "チップを交換できませんでした: {}。"),
                        &because,
                    ),
                    advice: Text::new(
                        "The chip in the device is as it was.",
                        "機器の中のチップは元のままです。",
                    )
                    .owned(),
                    codes: Text::default(),
                    switch_to: None,
                }));
            }
            chip.forget();
            preference::write(&preference::certificates(slot), "");
            // One that did not answer before is begun with when it says that it does.
            if answered { phone.begin_anew(slot, false).await } else { Ok(None) }
        });
    }

    /// Power fails at this write of the chip's memory from now, counted from 1, half of which is
    /// done where it is `torn`; 0: power lasts.
    ///
    /// # Errors
    /// When there is no chip that has power.
    pub(crate) async fn cut_power(&self, slot: Slot, write: u32, torn: bool) -> Result<(), CardLost> {
        self.link(slot)?.chip()?.cut_power(write, torn).await
    }

    /// Gives a chip its power back; the device begins anew.
    pub(crate) fn power_up(&self, slot: Slot) {
        let phone = *self;
        let title = Text::new("Switching the device on again", "機器の電源を入れ直しています");
        self.task(Task::new(title), async move {
            let record = phone.model.record;
            let ticket = record.reset(slot.party());
            let link = phone.link(slot).map_err(lost)?;
            match link.chip().map_err(lost)?.power_up().await {
                Ok(atr) => record.answer(ticket, &atr),
                Err(error) => {
                    record.fail(ticket, &error.0.en);
                    return Err(lost(error));
                }
            }
            phone.begin_anew(slot, true).await
        });
    }

    /// A chip's whole memory, keys included.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) async fn snapshot(&self, slot: Slot) -> Result<Vec<u8>, CardLost> {
        self.link(slot)?.chip()?.snapshot().await
    }

    /// Whether a chip tells its own words: which rule a request broke, which element failed.
    pub(crate) fn listen(&self, slot: Slot, on: bool) {
        self.model.chip(slot).listening.set(on);
        if let Ok(link) = self.link(slot) {
            spawn_local(async move {
                // A chip that is gone tells nothing anyway.
                if let Ok(chip) = link.chip() {
                    let _ = chip.trace(on).await;
                }
            });
        }
    }

    /// Whether requests of ES9+ are signed where the server asks for that.
    pub(crate) const fn signs(&self) -> RwSignal<bool> {
        self.signatures.on()
    }

    /// A code from the operator's hands: into the field where codes are entered.
    pub(crate) fn offer_code(&self, code: String) {
        self.model.offered.set(Some(code));
        crate::ui::show_phone();
    }
}

/// A chip's own words.
pub(super) fn told(chip: ChipModel, text: String) {
    chip.told.update(|told| {
        if told.len() >= MAX_TOLD {
            told.remove(0);
        }
        told.push(Told { at: now(), text });
    });
}

/// Asks the browser to keep what this site stores, also when space is short. Once somebody
/// has a profile here there is something to lose.
pub(super) fn persist() {
    let Some(window) = web_sys::window() else { return };
    let storage = window.navigator().storage();
    spawn_local(async move {
        // Browsers without it, and without a secure context, keep it as long as they do.
        if let Ok(asked) = storage.persist() {
            let _ = JsFuture::from(asked).await;
        }
    });
}
