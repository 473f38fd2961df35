//! The person's own chip, while the bench has put another one into the phone: kept in the browser
//! until it is put back, over a reload too.

use leptos::prelude::*;
use lpa::CardLost;
use wasm_bindgen_futures::spawn_local;
use words::Text;

use super::Phone;
use crate::model::Slot;
use crate::transport::chip::ChipState;
use crate::transport::keep;

/// Where its memory is kept.
pub(super) const PLACE: &str = "own chip";

impl Phone {
    /// Looks whether another chip than the person's own was left in the phone.
    pub(super) fn look_for_own_chip(&self) {
        let phone = *self;
        spawn_local(async move { phone.bench.own.set(phone.own_chip().await) });
    }

    /// The memory of the person's own chip, where another one is in the phone. What the browser
    /// keeps is the truth: another tab may have put it back.
    async fn own_chip(&self) -> Option<Vec<u8>> {
        let shown = self.bench.own.get_untracked();
        match keep::get(PLACE).await {
            Ok(Some(kept)) => Some(kept),
            Ok(None) if !self.is_durable() => shown,
            Ok(None) => None,
            Err(_) => shown,
        }
    }

    /// Whether the phone's chip outlives the page.
    fn is_durable(&self) -> bool {
        self.model.chip(Slot::Phone).state.with_untracked(|state| matches!(state, ChipState::Durable(_)))
    }

    /// Keeps the person's own chip before another one is put in its place. One that is kept
    /// already stays: what is in the phone then is not the person's. Says whether it was kept only now.
    ///
    /// # Errors
    /// When there is no chip, or the browser did not keep its memory: then none may be put in.
    pub(crate) async fn keep_own_chip(&self) -> Result<bool, CardLost> {
        let kept = self.own_chip().await;
        if kept.is_some() {
            self.bench.own.set(kept);
            return Ok(false);
        }
        let memory = self.snapshot(Slot::Phone).await?;
        // One that is gone with the page anyway is kept no longer than that.
        if keep::put(PLACE, &memory).await.is_err() && self.is_durable() {
            return Err(CardLost(
                Text::new(
                    "the browser could not keep the chip’s memory",
                    "ブラウザがチップのメモリを保存できませんでした",
                )
                .owned(),
            ));
        }
        self.bench.own.set(Some(memory));
        Ok(true)
    }

    /// Puts the person's own chip back.
    pub(crate) fn put_own_chip_back(&self) {
        let phone = *self;
        spawn_local(async move {
            let kept = phone.own_chip().await;
            phone.bench.own.set(kept.clone());
            if let Some(memory) = kept {
                phone.restore(Slot::Phone, memory);
            }
        });
    }

    /// The chip in the phone is the person's own from now on.
    pub(crate) async fn forget_own_chip(&self) {
        self.bench.own.set(None);
        // One that stays is offered again at the next start, which loses nothing.
        drop(keep::remove(PLACE).await);
    }
}
