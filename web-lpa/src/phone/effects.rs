//! Performs the effects of procedures, and takes over what their outcomes tell of the chip.

use apdu::{Command, ins};
use leptos::prelude::*;
use lpa::{Answer, CardLost, Effect, Failure, Outcome, Procedure, Question, Refresh, Reply, Step as Part};
use trace::Step;
use words::Text;

use super::Phone;
use super::offer::Over;
use crate::model::{Files, Slot};
use crate::said;
use crate::transport::chip::ChipState;
use crate::transport::{keep, later, once};
use crate::ui::preference;

/// So long a question of a download waits for the person; then the session is given up with the
/// reason timeout. SGP.22 §3.1.3 leaves the time to the LPA. It must be over before the server has
/// forgotten the session, or nobody could take the order back: at our SM-DP+ a session lives 15
/// minutes from its first call, consent and confirmation code are two questions, and the rest of
/// the time is for the calls. Five minutes are enough to look for a code that came by letter.
///
/// The other questions wait as long as the person likes: nothing outside the page waits with them.
pub(crate) const PATIENCE_MINUTES: u32 = 5;

/// Why a procedure does not go on with another card than the one it began with.
const MEANWHILE: Text = Text::new("the card was taken out meanwhile", "途中でカードが抜かれました");

impl Phone {
    /// What the person said to the question that is open.
    pub(crate) fn answer(&self, reply: Reply) {
        self.model.question.set(None);
        if let Some(sender) = self.inside().reply.borrow_mut().take() {
            sender.send(reply);
        }
    }

    /// The person wants to stop the task.
    pub(crate) fn stop(&self) {
        self.inside().stop.set(true);
        self.offer_is_over(Over::TakenBack);
        self.model.in_task(|task| task.stopping = true);
    }

    /// Runs a procedure and takes over what it tells of the chip, also when it fails.
    pub(super) async fn act(&self, slot: Slot, procedure: Procedure) -> Result<Outcome, Failure> {
        let outcome = self.drive(slot, procedure).await;
        match &outcome {
            Ok(outcome) => self.learn(slot, outcome),
            Err(_) => self.refresh_lists(slot).await,
        }
        outcome
    }

    /// Takes over what an outcome tells of the chip.
    pub(super) fn learn(&self, slot: Slot, outcome: &Outcome) {
        let chip = self.model.chip(slot);
        let (profiles, reports, waiting) = match outcome {
            // Of a chip that could not be read afterwards, what was known is kept: it has at least
            // the profile that was installed.
            Outcome::Installed { profiles, .. } if profiles.is_empty() => (None, None, None),
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
                // The most is what there was before anything was installed.
                if let Some(told) = &info.info {
                    let free = told.ext_card_resource.free_non_volatile_memory;
                    preference::most_ever_free(slot, info.eid, free);
                }
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
            Outcome::Server(_) | Outcome::Cancelled(_) => (None, None, None),
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

    /// What a device does when the enabled profile has changed. Only the phone has a modem here:
    /// other chips are only started again.
    async fn refresh(&self, slot: Slot, refresh: Refresh) -> Result<(), CardLost> {
        // Other files from now on.
        self.model.chip(slot).files.set(Files::default());
        if slot != Slot::Phone {
            return self.reset(slot).await.map(drop);
        }
        if refresh == Refresh::Proactive {
            // What can't be answered is settled by the reset.
            let _ = self.terminal().proactive().await;
        }
        self.terminal().power_on().await;
        match self.model.chip(slot).state.with_untracked(ChipState::answers) {
            true => Ok(()),
            false => Err(CardLost(said::words("the chip is gone"))),
        }
    }

    /// A change of state that failed: a chip whose answer was lost may have made it all the same, and
    /// waits for the terminal to fetch its REFRESH (ETSI TS 102 223 §6.4.7), which settles it.
    pub(super) async fn settled<T>(&self, slot: Slot, changed: Result<T, Failure>) -> Result<T, Failure> {
        if changed.is_err() && slot == Slot::Phone && matches!(self.terminal().proactive().await, Ok(true)) {
            self.terminal().power_on().await;
            self.refresh_lists(slot).await;
        }
        changed
    }

    /// Sends what waits since the last time; that this fails is shown in the list.
    pub(super) async fn send_waiting(&self, slot: Slot) {
        self.send_cancellations_beside();
        let procedure = lpa::notifications(self.options());
        if let Ok(outcome) = self.drive(slot, procedure).await {
            self.learn(slot, &outcome);
        }
        self.read_waiting(slot).await;
    }

    pub(super) async fn read_waiting(&self, slot: Slot) {
        if let Ok(outcome) = self.drive(slot, lpa::list_notifications(self.options())).await {
            self.learn(slot, &outcome);
        }
    }

    /// Reads profiles and chip again; what can't be read stays as it was shown.
    pub(super) async fn refresh_lists(&self, slot: Slot) {
        let mut unread = None;
        for procedure in [lpa::list(self.options()), lpa::chip_info(self.options())] {
            match self.drive(slot, procedure).await {
                Ok(outcome) => self.learn(slot, &outcome),
                Err(failure) => drop(unread.get_or_insert(failure)),
            }
        }
        self.model.chip(slot).unread.set(unread);
    }

    /// Performs the effects of a procedure until it is over.
    pub(super) async fn drive(&self, slot: Slot, mut procedure: Procedure) -> Result<Outcome, Failure> {
        let mut answer = Answer::Begin;
        // What it is about: the card that comes after this one is none of its business.
        let (begun, place) = (self.card_moves(slot), self.place(slot));
        let stays = || self.stays_since(slot, begun);
        loop {
            answer = match procedure.resume(answer) {
                Effect::Card(command) => Answer::Card(match stays() {
                    Ok(()) => self.transmit(slot, &command).await,
                    Err(lost) => Err(lost),
                }),
                Effect::Server(call) => Answer::Server(self.call(call).await),
                Effect::Ask(question) => {
                    self.model.asked_of.set(slot);
                    self.ask(question).await
                }
                Effect::Progress(progress) => {
                    self.show(&progress);
                    if self.inside().stop.get() { Answer::Stop } else { Answer::Continue }
                }
                Effect::Keep(checkpoint) => {
                    // Without it, an interrupted download asks the server again.
                    drop(keep::put(&place, &checkpoint.encode()).await);
                    self.forget_refusal(checkpoint.iccid()).await;
                    Answer::Continue
                }
                Effect::Forget(_) => {
                    // One that stays is found out at the next start: the profile is there.
                    drop(keep::remove(&place).await);
                    Answer::Continue
                }
                Effect::KeepCancellation(cancellation) => {
                    self.keep_cancellation(*cancellation).await;
                    Answer::Continue
                }
                Effect::ForgetCancellation(id) => {
                    self.forget_cancellation(&id).await;
                    Answer::Continue
                }
                Effect::Refresh(refresh) => {
                    let refreshed = match stays() {
                        Ok(()) => self.refresh(slot, refresh).await,
                        Err(lost) => Err(lost),
                    };
                    match refreshed {
                        Ok(()) => Answer::Continue,
                        Err(lost) => Answer::Card(Err(lost)),
                    }
                }
                Effect::Done(result) => {
                    // A procedure that broke off may have left its channel open.
                    if matches!(&result, Err(Failure { cause: lpa::Cause::Misuse, .. })) && stays().is_ok() {
                        self.close_channel(slot).await;
                    }
                    return result;
                }
            };
        }
    }

    /// Whether the card has been there since so many moves.
    pub(super) fn stays_since(&self, slot: Slot, moves: u64) -> Result<(), CardLost> {
        if self.card_moves(slot) == moves { Ok(()) } else { Err(CardLost(MEANWHILE.owned())) }
    }

    pub(super) fn card_moves(&self, slot: Slot) -> u64 {
        match slot {
            Slot::Card => self.inside().card_moves.get(),
            Slot::Phone | Slot::Watch => 0,
        }
    }

    async fn close_channel(&self, slot: Slot) {
        let close = Command::new(0x00, ins::MANAGE_CHANNEL, 0x80, 0x01).to_vec();
        let _ = self.transmit(slot, &close).await;
    }

    /// Where the checkpoint of a chip's download is kept: cards come and go.
    pub(super) fn place(&self, slot: Slot) -> String {
        let eid = self.model.chip(slot).info.with_untracked(|info| info.as_ref().map(|info| info.eid));
        match (slot, eid) {
            (Slot::Card, Some(eid)) => keep::of_card(&eid.to_string()),
            _ => slot.word().to_owned(),
        }
    }

    /// Asks the person, and waits for what is said. One who has stopped the download meanwhile is
    /// not asked any more.
    pub(crate) async fn ask(&self, question: Question) -> Answer {
        if self.inside().stop.get() {
            return Answer::Stop;
        }
        let (sender, receiver) = once::channel();
        *self.inside().reply.borrow_mut() = Some(sender);
        let is_of_download = matches!(question, Question::Consent { .. } | Question::ConfirmationCode { .. });
        self.model.question.set(Some(question));
        let said = if is_of_download {
            let time = self.inside().clock.borrow().wait(PATIENCE_MINUTES * 60_000);
            later::within(receiver, time).await
        } else {
            Some(receiver.await)
        };
        match said {
            Some(said) => said.map_or(Answer::Stop, Answer::Reply),
            None => {
                self.model.question.set(None);
                self.inside().reply.borrow_mut().take();
                Answer::Reply(Reply::Timeout)
            }
        }
    }

    /// Time passes as a test has it.
    #[cfg(test)]
    pub(crate) fn set_clock(&self, clock: later::Clock) {
        *self.inside().clock.borrow_mut() = clock;
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
}
