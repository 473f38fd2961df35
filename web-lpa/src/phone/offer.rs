//! A chip of the page for the programs of this computer: in the virtual reader of the bridge. As a task,
//! so that the phone leaves the chip alone as long as they have it.

use lpa::CardLost;
use wasm_bindgen_futures::spawn_local;
use words::Text;

use super::Phone;
use crate::model::{Notice, Radio, Slot, Task};
use crate::road::Trouble;
use crate::said;
use crate::transport::later;

/// How often it is looked at whether the person wants the chip back, in milliseconds.
const LOOK: u32 = 100;

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
            "The programs of this computer have the chip",
            "このコンピューターのプログラムがチップを使用しています",
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
            phone.inside().offered.set(Some(slot));
            let outcome = there.await;
            if outcome.is_ok() {
                while phone.inside().offered.get().is_some() && !phone.inside().stop.get() {
                    later::after(LOOK).await;
                }
            }
            let is_taken_back = phone.inside().offered.take().is_some();
            if outcome.is_ok() && is_taken_back {
                bridge.withdraw().await;
            }
            phone.model.chip(slot).forget();
            phone.begin_anew(slot, true).await?;
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
        let (Some(slot), Some(bridge)) = (self.inside().offered.get(), self.inside().bridge.borrow().clone())
        else {
            return;
        };
        spawn_local(async move {
            let answer = match asked {
                Asked::Power => phone.reset(slot).await,
                Asked::Command(command) => phone.transmit(slot, &command).await,
            };
            // Nothing: the bridge makes a mute card of it, or a technical problem.
            bridge.answer(number, answer.unwrap_or_default()).await;
        });
    }

    /// The virtual reader is gone.
    pub(super) fn withdrawn(&self) {
        self.inside().offered.set(None);
    }
}

fn silent(because: &Text<String>) -> Trouble {
    Trouble::new(
        said::with(Text::new("The chip did not answer: {}.", "チップが応答しませんでした: {}。"), because),
        Text::new("Reload the page, then try again.", "ページを再読み込みして、もう一度試してください。"),
    )
}
