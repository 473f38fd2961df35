//! A chip of the page for the programs of this computer: in the virtual reader of the bridge. As a task,
//! so that the phone leaves the chip alone as long as they have it.

use lpa::CardLost;
use wasm_bindgen_futures::spawn_local;
use words::Text;

use super::Phone;
use crate::model::{Notice, Radio, Slot, Task};
use crate::road::Trouble;
use crate::said;
use crate::transport::once;

/// A chip that the programs of this computer have, or are about to.
pub(super) struct Offered {
    slot: Slot,
    /// Tells who waits until it is over.
    over: once::Sender<Over>,
}

/// How an offer ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    /// The person wants the chip back.
    TakenBack,
    /// The virtual reader is gone, or the bridge.
    ReaderGone,
}

/// What the reader asks of a chip.
pub(super) enum Asked {
    /// A reset; answered by the answer to reset.
    Power,
    /// A command.
    Command(Vec<u8>),
}

impl Phone {
    /// Offers the chip of a device to the programs of this computer, until the person takes it back, the
    /// reader is gone or the bridge ends.
    pub(crate) fn offer_chip(&self, slot: Slot) {
        let phone = *self;
        let title = Text::new(
            "Offering the chip to the programs of this computer",
            "このコンピューターのプログラムにチップを提供しています",
        );
        self.task(Task { can_stop: true, ..Task::new(title) }, async move {
            let Some(bridge) = phone.inside().bridge.borrow().clone() else { return Ok(None) };
            if slot == Slot::Phone {
                // Who resets a card under a session leaves that behind in the network.
                phone.terminal().leave(Radio::Detached).await;
            }
            let there = async {
                let atr = phone.reset(slot).await.map_err(|CardLost(because)| silent(&because))?;
                bridge.offer(&atr).await
            };
            // The reader may ask before the bridge has said that it has the chip.
            let (over, end) = once::channel();
            phone.inside().offered.replace(Some(Offered { slot, over }));
            if phone.inside().stop.get() {
                phone.offer_is_over(Over::TakenBack);
            }
            let outcome = there.await;
            let mut is_taken_back = false;
            if outcome.is_ok() {
                phone.model.in_task(|task| {
                    task.title = Text::new(
                        "The programs of this computer have the chip",
                        "このコンピューターのプログラムがチップを使用しています",
                    )
                    .owned();
                });
                is_taken_back = end.await == Some(Over::TakenBack);
                if is_taken_back {
                    bridge.withdraw().await;
                }
            }
            phone.inside().offered.take();
            phone.model.chip(slot).forget();
            let anew = phone.begin_anew(slot, true).await;
            if let (Err(Trouble { what, advice, .. }), Err(failure)) = (&outcome, &anew) {
                // Why the offer failed is told as well as what came of it.
                return Ok(Some(Notice {
                    good: false,
                    codes: failure.detail(),
                    switch_to: None,
                    what: what.clone().with(failure.what()),
                    advice: advice.clone().with(failure.advice().owned()),
                }));
            }
            anew?;
            Ok(Some(match outcome {
                Err(Trouble { what, advice, .. }) => {
                    Notice { good: false, codes: Text::default(), switch_to: None, what, advice }
                }
                Ok(()) if is_taken_back => Notice::good(
                    Text::new("The phone has its chip again.", "電話がチップを再び使用しています。"),
                    Text::new("It was reset and read again.", "リセットして読み直しました。"),
                ),
                Ok(()) => Notice {
                    good: false,
                    codes: Text::default(),
                    switch_to: None,
                    what: Text::new("The virtual reader is gone.", "仮想リーダーがなくなりました。").owned(),
                    advice: Text::new(
                        "Is pcscd running? Start it, then offer the chip again. The phone has it meanwhile.",
                        "pcscd が動いているか確認し、もう一度チップを提供してください。それまでは電話が使用します。",
                    )
                    .owned(),
                },
            }))
        });
    }

    /// The reader asks for something.
    pub(super) fn asked_of_chip(&self, number: u32, asked: Asked) {
        let phone = *self;
        let slot = self.inside().offered.borrow().as_ref().map(|offered| offered.slot);
        let (Some(slot), Some(bridge)) = (slot, self.inside().bridge.borrow().clone()) else { return };
        spawn_local(async move {
            let answer = match asked {
                Asked::Power => phone.reset(slot).await,
                Asked::Command(command) => phone.transmit(slot, &command).await,
            };
            // Nothing: the bridge makes a mute card of it, or a technical problem.
            bridge.answer(number, answer.unwrap_or_default()).await;
        });
    }

    /// An offer ends, if there is one.
    pub(super) fn offer_is_over(&self, how: Over) {
        if let Some(Offered { over, .. }) = self.inside().offered.take() {
            over.send(how);
        }
    }
}

fn silent(because: &Text<String>) -> Trouble {
    Trouble::new(
        said::with(Text::new("The chip did not answer: {}.", "チップが応答しませんでした: {}。"), because),
        Text::new("Reload the page, then try again.", "ページを再読み込みして、もう一度試してください。"),
    )
}
