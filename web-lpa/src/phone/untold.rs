//! Sessions that were given up and whose servers have not heard of it: kept until they have,
//! over a reload too, and told again while that makes sense. What a chip could not sign because it
//! was gone, it signs when it is back.

use leptos::prelude::*;
use lpa::{Answer, Cancellation, Cancellations, Effect, Failure, Outcome, Procedure};
use rsp::{Iccid, MatchingId, TransactionId};
use wasm_bindgen_futures::spawn_local;
use words::{Text, text};

use super::Phone;
use crate::model::{Notice, Radio, Slot, Task};
use crate::transport::chip::ChipState;
use crate::transport::keep;

/// Where they are kept: one list for all chips, since none is needed to tell them.
pub(super) const PLACE: &str = "cancellations";

/// After so many milliseconds they are told again while the page is open, one wait after the
/// other: all within the minutes that a server remembers a session (15 at ours). What is left
/// then is told with the next attach, the next download and the next start, at most
/// [`Cancellation::MOST_TRIES`] times in all.
const AGAIN: [u32; 3] = [15_000, 60_000, 240_000];

impl Phone {
    /// What is kept; read the first time.
    pub(super) async fn untold(&self) -> Cancellations {
        let known = self.model.untold.get_untracked();
        if let Some(known) = known {
            return known;
        }
        // Where nothing can be read, nothing was kept.
        let bytes = keep::get(PLACE).await.ok().flatten();
        let kept = bytes.and_then(|bytes| Cancellations::decode(&bytes).ok()).unwrap_or_default();
        // Somebody else may have been quicker.
        self.model.untold.update(|known| {
            known.get_or_insert(kept);
        });
        self.model.untold.get_untracked().unwrap_or_default()
    }

    /// Reads what is kept, so that it can be shown.
    pub(crate) fn read_untold(&self) {
        let phone = *self;
        spawn_local(async move { drop(phone.untold().await) });
    }

    async fn change_untold(&self, change: impl FnOnce(&mut Cancellations)) {
        self.untold().await;
        self.model.untold.update(|untold| change(untold.get_or_insert_default()));
        let bytes = self.model.untold.with_untracked(|untold| {
            untold.as_ref().filter(|untold| !untold.is_empty()).map(Cancellations::encode)
        });
        // Without a database they are kept as long as the page.
        drop(match bytes {
            Some(bytes) => keep::put(PLACE, &bytes).await,
            None => keep::remove(PLACE).await,
        });
    }

    pub(super) async fn keep_cancellation(&self, cancellation: Cancellation) {
        self.inside().is_untold.set(true);
        self.change_untold(|untold| untold.keep(cancellation, now())).await;
    }

    pub(super) async fn forget_cancellation(&self, id: &TransactionId) {
        self.inside().is_untold.set(false);
        self.change_untold(|untold| untold.forget(id)).await;
    }

    /// The person begins with this order anew: an earlier word about it is not told any more.
    pub(super) async fn forget_order(&self, address: &str, matching_id: Option<&MatchingId>) {
        if self.untold().await.iter().any(|one| one.is_for(address, matching_id)) {
            self.change_untold(|untold| untold.forget_order(address, matching_id)).await;
        }
    }

    /// The person has said yes to a profile, and it is being fetched.
    pub(super) async fn forget_refusal(&self, iccid: Iccid) {
        if self.untold().await.iter().any(Cancellation::needs_chip) {
            self.change_untold(|untold| untold.forget_profile(iccid)).await;
        }
    }

    /// The person wants no server to be told of it.
    pub(crate) fn forget_untold(&self, id: TransactionId) {
        let phone = *self;
        spawn_local(async move { phone.change_untold(|untold| untold.forget(&id)).await });
    }

    /// The device whose chip can sign what it has still to sign; of what is signed, the phone.
    pub(crate) fn signer(&self, one: &Cancellation) -> Option<Slot> {
        if !one.needs_chip() {
            return Some(Slot::Phone);
        }
        Slot::ALL.into_iter().find(|slot| {
            let chip = self.model.chip(*slot);
            chip.info.with(|info| info.as_ref().is_some_and(|info| one.needs(&info.eid)))
                && chip.state.with(ChipState::answers)
        })
    }

    /// Tells a server once more, because the person says so.
    pub(crate) fn send_cancellation(&self, id: TransactionId) {
        let phone = *self;
        let again = id.clone();
        // Which chip signs, if one has to, is looked for each time.
        self.repeatable(Slot::Phone, telling(), move || phone.send_cancellation(again.clone()), async move {
            let kept = phone.untold().await;
            let Some(one) = kept.iter().find(|one| *one.transaction_id() == id) else { return Ok(None) };
            let slot = untrack(|| phone.signer(one)).unwrap_or(Slot::Phone);
            phone.drive(slot, phone.procedure(one)).await?;
            let address = one.address();
            Ok(Some(Notice::good(
                text!("{address} knows it now.", "{address} に伝わりました。"),
                Text::<String>::default(),
            )))
        });
    }

    fn procedure(&self, one: &Cancellation) -> Procedure {
        lpa::send_cancellation(one.clone(), self.device(), self.options())
    }

    fn is_attached(&self) -> bool {
        self.model.radio.with_untracked(|radio| matches!(radio, Radio::Attached(_)))
    }

    /// Tells the servers what they have not heard of, if there is a network. That it fails is no
    /// matter of the person's: it stays kept.
    pub(super) async fn send_cancellations(&self) {
        // A try without the net reaches nobody, and counts all the same.
        let is_offline = web_sys::window().is_some_and(|window| !window.navigator().on_line());
        if !self.is_attached() || is_offline || self.inside().is_telling.replace(true) {
            return;
        }
        for cancellation in self.untold().await.iter().filter(|one| !one.needs_chip()) {
            // The person may have begun anew while the one before was told.
            if self.untold().await.iter().any(|kept| kept == cancellation) {
                drop(self.tell(self.procedure(cancellation)).await);
            }
        }
        self.inside().is_telling.set(false);
        self.catch_up_soon().await;
    }

    /// Has the chips that are here sign what they could not, when no task runs, and tells the
    /// servers. What the person was told last is told again then.
    async fn catch_up_soon(&self) {
        let kept = self.untold().await;
        let is_here = |one: &Cancellation| one.needs_chip() && untrack(|| self.signer(one)).is_some();
        if !kept.iter().any(is_here) || self.inside().catches_up.replace(true) {
            return;
        }
        let phone = *self;
        self.soon(move || {
            phone.inside().catches_up.set(false);
            let notice = phone.model.notice.get_untracked();
            phone.task(telling(), async move {
                for one in phone.untold().await.iter().filter(|one| one.needs_chip()) {
                    if let Some(slot) = untrack(|| phone.signer(one)) {
                        drop(phone.drive(slot, phone.procedure(one)).await);
                    }
                }
                Ok(notice)
            });
        });
    }

    /// The same, and nobody waits for it: a server that does not answer holds nothing up.
    pub(super) fn send_cancellations_beside(&self) {
        let phone = *self;
        spawn_local(async move { phone.send_cancellations().await });
    }

    /// Performs the effects of a procedure that needs no chip, beside a task that may run.
    async fn tell(&self, mut procedure: Procedure) -> Result<Outcome, Failure> {
        let mut answer = Answer::Begin;
        loop {
            answer = match procedure.resume(answer) {
                Effect::Server(call) => Answer::Server(self.call(call).await),
                Effect::KeepCancellation(one) => {
                    self.change_untold(|untold| untold.keep(*one, now())).await;
                    Answer::Continue
                }
                Effect::ForgetCancellation(id) => {
                    self.change_untold(|untold| untold.forget(&id)).await;
                    Answer::Continue
                }
                Effect::Done(result) => return result,
                // What it is at, and nothing else.
                _ => Answer::Continue,
            };
        }
    }

    /// What the person is told when the server has not heard how the download ended; it is told
    /// again after a while.
    pub(super) fn say_untold(&self, notice: Notice) -> Notice {
        if !self.inside().is_untold.replace(false) {
            return notice;
        }
        let phone = *self;
        spawn_local(async move {
            for pause in AGAIN {
                let wait = phone.inside().clock.borrow().wait(pause);
                wait.await;
                phone.send_cancellations().await;
                if phone.untold().await.is_empty() {
                    break;
                }
            }
        });
        let unsigned = self.model.untold.with_untracked(|untold| {
            untold.as_ref().is_some_and(|untold| untold.iter().any(Cancellation::needs_chip))
        });
        let later = match unsigned {
            true => Text::new(
                "The operator’s server does not know of it yet: the chip was gone before it could sign it. It is told when the chip is back.",
                "通信事業者のサーバーにはまだ伝わっていません。チップが署名する前に失われたためです。チップが戻ったら自動的に伝えます。",
            ),
            false => Text::new(
                "The operator’s server does not know of it yet: it is told as soon as it can be reached.",
                "通信事業者のサーバーにはまだ伝わっていません。接続できるようになったら自動的に伝えます。",
            ),
        };
        Notice { advice: notice.advice.with(later.owned()), ..notice }
    }
}

/// What the phone is doing then.
fn telling() -> Task {
    Task::new(Text::new("Telling the operator’s server", "通信事業者のサーバーに知らせています"))
}

/// Seconds since 1970.
fn now() -> u64 {
    (js_sys::Date::now() / 1000.0) as u64
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use lpa::Cause;
    use tlv::{Tag, Writer};
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::bench::Bench;
    use crate::model::Model;
    use crate::transport::later::{self, Clock};

    /// As it is kept: one that a chip has signed, for a session with this number.
    fn kept(number: u8) -> Cancellations {
        let mut w = Writer::new();
        w.nested(Tag(0xE3), |w| {
            w.unsigned(Tag(0x80), 1);
            w.nested(Tag(0xA1), |w| {
                w.tlv(Tag(0x80), b"smdp.example.com");
                w.tlv(Tag(0x81), &[number; 32]);
                w.unsigned(Tag(0x82), 1);
                w.nested(Tag(0xBF41), |w| {
                    w.nested(Tag(0xA0), |w| {
                        w.nested(Tag::SEQUENCE, |w| {
                            w.tlv(Tag(0x80), &[number; 16]);
                            w.tlv(Tag(0x81), &[0x88, 0x37, 0x0A]);
                            w.unsigned(Tag(0x82), 0);
                        });
                        w.tlv(Tag(0x5F37), &[7; 64]);
                    });
                });
            });
        });
        Cancellations::decode(&w.finish()).unwrap()
    }

    fn one(number: u8) -> Cancellation {
        kept(number).iter().next().unwrap().clone()
    }

    /// A page that has just begun.
    fn page() -> Phone {
        Phone::new(Model::new(), Bench::new())
    }

    async fn numbers(phone: &Phone) -> Vec<u8> {
        phone.untold().await.iter().map(|one| one.transaction_id().as_bytes()[0]).collect()
    }

    #[test]
    async fn what_a_server_has_not_heard_of_outlives_the_page() {
        keep::remove(PLACE).await.unwrap();
        let phone = page();
        assert!(numbers(&phone).await.is_empty());
        phone.keep_cancellation(one(1)).await;
        phone.keep_cancellation(one(2)).await;
        let again = page();
        assert_eq!(numbers(&again).await, [1, 2]);
        again.forget_cancellation(one(1).transaction_id()).await;
        assert_eq!(numbers(&page()).await, [2]);
        again.forget_cancellation(one(2).transaction_id()).await;
        assert_eq!(keep::get(PLACE).await.unwrap(), None, "nothing stays behind");
        // What can't be read is as if nothing were there.
        keep::put(PLACE, b"\xE3\x03\x80\x01\x09").await.unwrap();
        assert!(numbers(&page()).await.is_empty());
        keep::remove(PLACE).await.unwrap();
    }

    #[test]
    async fn without_a_network_no_try_is_spent() {
        keep::put(PLACE, &kept(3).encode()).await.unwrap();
        let phone = page();
        phone.send_cancellations().await;
        assert_eq!(phone.untold().await, kept(3));
        keep::remove(PLACE).await.unwrap();
    }

    #[test]
    async fn the_person_is_told_that_the_server_does_not_know_yet_and_it_is_tried_again() {
        keep::remove(PLACE).await.unwrap();
        let phone = page();
        let waits = Rc::new(RefCell::new(Vec::new()));
        let begun = Rc::clone(&waits);
        phone.set_clock(Clock::new(move |milliseconds| {
            begun.borrow_mut().push(milliseconds);
            std::future::ready(())
        }));
        let refused = Failure { stage: lpa::Stage::Consent, cause: Cause::Rejected };
        let notice = Notice::of(&refused);
        assert_eq!(phone.say_untold(notice.clone()), notice, "the server knows");
        phone.keep_cancellation(one(4)).await;
        let said = phone.say_untold(notice.clone());
        assert!(said.advice.en.contains("does not know of it yet"), "{said:?}");
        assert!(said.advice.ja.contains("まだ伝わっていません"), "{said:?}");
        assert_eq!((said.what, said.codes), (notice.what.clone(), notice.codes.clone()));
        // Said once, for the task that it is of.
        assert_eq!(phone.say_untold(notice.clone()), notice);
        for _ in 0..300 {
            if waits.borrow().len() == AGAIN.len() {
                break;
            }
            later::after(10).await;
        }
        assert_eq!(*waits.borrow(), AGAIN);
        // The person begins anew with another order, and then with this one.
        phone.forget_order("smdp.example.com", None).await;
        assert_eq!(numbers(&phone).await, [4]);
        phone.forget_cancellation(one(4).transaction_id()).await;
    }
}
