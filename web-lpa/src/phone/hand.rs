//! What the bench asks of the phone: commands by hand, and a whole session in the place of this
//! one. As tasks, so that nothing interleaves with a procedure.

use leptos::prelude::*;
use lpa::CardLost;
use words::Text;

use super::Phone;
use crate::bench::line::{Line, destroys, follow_up};
use crate::keepsake::Keepsake;
use crate::model::{Notice, Slot, Task};
use crate::said;
use crate::transport::chip::ChipState;

/// Most commands that one line may lead to: a card that always has more would never let go.
const MAX_FOLLOWING: usize = 300;

impl Phone {
    /// Sends commands to a chip, one after the other, until one has no answer; where wanted, also
    /// those that `61 XX` and `6C XX` ask for.
    pub(crate) fn by_hand(&self, slot: Slot, lines: Vec<Line>, follow: bool) {
        let phone = *self;
        let task = Task::new(Text::new("Sending commands by hand", "手動のコマンドを送信しています"));
        self.task(task, async move {
            let destroys = |line: &Line| matches!(line, Line::Command(command) if destroys(command));
            if slot == Slot::Card && lines.iter().any(destroys) {
                return Ok(Some(refused(
                    Text::new(
                        "Profiles of a real card are not deleted by hand.",
                        "実物のカードのプロファイルは、手動のコマンドでは削除できません。",
                    )
                    .owned(),
                    Text::new(
                        "Delete or reset on the phone’s screen, which names what will be lost. Nothing was sent.",
                        "電話の画面で削除またはリセットしてください。失われるものを確認できます。何も送信していません。",
                    ),
                )));
            }
            for line in lines {
                let mut next = Some(line);
                let mut following = 0;
                while let Some(line) = next.take() {
                    let answer = match &line {
                        Line::Reset => phone.reset(slot).await,
                        Line::Command(command) => phone.transmit(slot, command).await,
                    };
                    let answer = answer.map_err(|CardLost(because)| because);
                    if let (Line::Command(command), Ok(response), true) = (&line, &answer, follow)
                        && following < MAX_FOLLOWING
                    {
                        following += 1;
                        next = follow_up(command, response).map(Line::Command);
                    }
                    let lost = answer.as_ref().err().cloned();
                    let message =
                        phone.model.record.with_untracked(|trace| trace.messages().next_back().cloned());
                    phone.bench.ran(line, answer.map_err(|because| because.en), message);
                    if let Some(because) = lost {
                        return Ok(Some(refused(
                            said::with(
                                Text::new("The chip did not answer: {}.", "チップが応答しませんでした: {}。"),
                                &because,
                            ),
                            Text::new(
                                "What came after it was not sent.",
                                "以降のコマンドは送信していません。",
                            ),
                        )));
                    }
                }
            }
            Ok(None)
        });
    }

    /// Puts a session in the place of this one: all of it, or nothing.
    pub(crate) fn load(&self, session: Keepsake) {
        let phone = *self;
        let title = Text::new("Opening the session", "セッションを開いています");
        // Its faults may have the phone wait for its chips and for the network.
        let task = Task { can_stop: true, ..Task::new(title) };
        self.task(task, async move {
            let Keepsake { phone: own, watch, trace, options, device, apn, faults } = session;
            const AS_BEFORE: Text = Text::new("Everything is as it was.", "すべて元のままです。");
            let there = phone.model.chip(Slot::Watch).state.with_untracked(ChipState::answers);
            if watch.is_some() && !there {
                return Ok(Some(refused(
                    Text::new(
                        "The session has a watch, and here is none.",
                        "このセッションには時計がありますが、ここにはありません。",
                    )
                    .owned(),
                    Text::new(
                        "Add the watch, then open the file again. Everything is as it was.",
                        "時計を追加してから、もう一度ファイルを開いてください。すべて元のままです。",
                    ),
                )));
            }
            let before = phone.snapshot(Slot::Phone).await.ok();
            // What is in the phone is the person's own, unless one is kept already. A phone without a
            // chip that answers has none to lose.
            let kept = if before.is_some() { phone.keep_own_chip().await } else { Ok(false) };
            if let Err(CardLost(because)) = &kept {
                return Ok(Some(refused(
                    said::with(
                        Text::new("The session was not opened: {}.", "セッションを開けませんでした: {}。"),
                        because,
                    ),
                    AS_BEFORE,
                )));
            }
            // Nothing has taken its place.
            let is_mine_again = async || {
                if matches!(kept, Ok(true)) {
                    phone.forget_own_chip().await;
                }
            };
            if phone.inside().stop.get() {
                is_mine_again().await;
                return Ok(Some(refused(
                    Text::new("The session was not opened.", "セッションを開きませんでした。").owned(),
                    AS_BEFORE,
                )));
            }
            let put = async |slot: Slot, memory: &[u8]| phone.link(slot)?.chip()?.restore(memory).await;
            if let Err(CardLost(because)) = put(Slot::Phone, &own).await {
                is_mine_again().await;
                return Ok(Some(refused(
                    said::with(
                        Text::new(
                            "The memory of the phone’s chip in it is none: {}.",
                            "電話のチップのメモリーとして読めません: {}。",
                        ),
                        &because,
                    ),
                    AS_BEFORE,
                )));
            }
            if let Some(watch) = &watch
                && let Err(CardLost(because)) = put(Slot::Watch, watch).await
            {
                if let Some(before) = before {
                    // It was a chip's a moment ago.
                    let _ = put(Slot::Phone, &before).await;
                    is_mine_again().await;
                }
                phone.begin_anew(Slot::Phone, false).await?;
                return Ok(Some(refused(
                    said::with(
                        Text::new(
                            "The memory of the watch’s chip in it is none: {}.",
                            "時計のチップのメモリーとして読めません: {}。",
                        ),
                        &because,
                    ),
                    AS_BEFORE,
                )));
            }
            phone.model.options.set(options);
            phone.model.device.set(device);
            phone.model.apn.set(apn);
            phone.bench.clear();
            for fault in faults {
                phone.bench.arm(fault);
            }
            phone.model.record.replace(trace);
            phone.model.chip(Slot::Phone).forget();
            phone.begin_anew(Slot::Phone, false).await?;
            if watch.is_some() {
                phone.model.chip(Slot::Watch).forget();
                phone.begin_anew(Slot::Watch, false).await?;
            }
            Ok(Some(Notice::good(
                Text::new("The session is open.", "セッションを開きました。"),
                Text::new(
                    "Servers and network are as they are now; the chips are as they were then.",
                    "サーバーとネットワークは現在のまま、チップは保存時の状態です。",
                ),
            )))
        });
    }
}

fn refused(what: Text<String>, advice: Text) -> Notice {
    Notice { good: false, what, advice: advice.owned(), codes: Text::default(), switch_to: None }
}
