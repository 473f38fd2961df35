//! Scenarios: what is done, step by step, and what is predicted to come of it. Data only; who
//! does it is elsewhere.

mod list;

use words::{Text, text};

pub use list::SCENARIOS;

/// What somebody says to a question of a download. A question that a scenario has no answer
/// for is the person's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Say {
    /// Yes.
    Accept,
    /// Yes, and power fails at this write of the chip's memory from then on.
    AcceptAndCut(u32),
    /// A confirmation code.
    Code(&'static str),
}

/// What is done in a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Do {
    /// A new chip in the phone, made in a way that has this name.
    NewChip(&'static str),
    /// The operator makes a profile and orders it.
    Order {
        /// The confirmation code.
        confirmation: Option<&'static str>,
        /// PPR1, PPR2.
        rules: [bool; 2],
    },
    /// A ready fault is armed.
    Arm(&'static str),
    /// All faults go, and the card is put back.
    Clear,
    /// The ordered profile is downloaded.
    Download(&'static [Say]),
    /// The phone is switched off and on; it goes on with what was interrupted.
    PowerUp(&'static [Say]),
    /// The downloaded profile is switched on.
    Enable,
    /// It is switched off.
    Disable,
    /// It is deleted.
    Delete,
    /// Notifications are sent.
    Notify,
    /// The phone attaches.
    Attach,
    /// The network's sequence number of the ordered subscriber falls back to zero.
    CounterBack,
}

impl Do {
    /// In words.
    #[must_use]
    pub fn words(self) -> Text<String> {
        match self {
            Self::NewChip("usual") => {
                Text::new("Put a new chip into the phone", "電話に新しいチップを入れる").owned()
            }
            Self::NewChip(word) => {
                text!("Put a new chip into the phone ({word})", "電話に新しいチップを入れる ({word})")
            }
            Self::Order { confirmation: Some(code), .. } => text!(
                "Order a profile with the confirmation code {code}",
                "確認コード {code} のプロファイルを注文する"
            ),
            Self::Order { rules: [false, false], .. } => {
                Text::new("Order a profile", "プロファイルを注文する").owned()
            }
            Self::Order { .. } => {
                Text::new("Order a profile with a policy rule", "ポリシールール付きのプロファイルを注文する")
                    .owned()
            }
            Self::Arm(id) => {
                let name = crate::bench::ready::by_id(id).map(|ready| ready.name).unwrap_or_default();
                Text::new(format!("Arm the fault: {}", name.en), format!("障害を仕掛ける: {}", name.ja))
            }
            Self::Clear => {
                Text::new("Take all faults away, put the card back", "障害をすべて外し、カードを戻す").owned()
            }
            Self::Download(says) if says.iter().any(|say| matches!(say, Say::AcceptAndCut(_))) => Text::new(
                "Download it; power fails while the chip writes",
                "ダウンロードする。チップの書き込み中に電源が切れる",
            )
            .owned(),
            Self::Download(_) => Text::new("Download it", "ダウンロードする").owned(),
            Self::PowerUp(_) => {
                Text::new("Switch the phone off and on: it goes on", "電話の電源を入れ直す。続きから再開する")
                    .owned()
            }
            Self::Enable => Text::new("Switch to the profile", "そのプロファイルに切り替える").owned(),
            Self::Disable => Text::new("Switch it off", "オフにする").owned(),
            Self::Delete => Text::new("Delete it", "削除する").owned(),
            Self::Notify => Text::new("Send the notifications", "通知を送る").owned(),
            Self::Attach => Text::new("Attach again", "もう一度アタッチする").owned(),
            Self::CounterBack => {
                Text::new("The network loses its sequence number", "ネットワークが連番 (SQN) を失う").owned()
            }
        }
    }
}

/// What has to be seen after a step. Of several all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// The phone says that it went well.
    Good,
    /// The phone says that it failed.
    Fails,
    /// A profile more is on the chip, or no more than before.
    Installed(bool),
    /// A profile less is on the chip.
    Deleted,
    /// The phone is attached, or is not.
    Attached(bool),
    /// Notifications wait on the chip, or none does.
    Waiting(bool),
    /// The card asked the network to take its sequence number over.
    Resynchronised,
    /// A message ended with this.
    Seen(&'static str),
}

/// A step.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// What is done.
    pub does: Do,
    /// What has to be seen after it.
    pub expect: &'static [Expect],
    /// The same in words; empty where there is nothing to predict.
    pub predicted: Text,
}

/// A scenario.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Its name in addresses.
    pub id: &'static str,
    /// Its name for people.
    pub name: Text,
    /// What it shows.
    pub shows: Text,
    /// The steps.
    pub steps: &'static [Step],
}

impl Scenario {
    /// The one of a name.
    #[must_use]
    pub fn by_id(id: &str) -> Option<&'static Self> {
        SCENARIOS.iter().find(|scenario| scenario.id == id)
    }

    /// Whether it puts another chip into the phone.
    #[must_use]
    pub fn replaces_the_chip(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.does, Do::NewChip(_)))
    }
}

/// What was seen after a step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// Whether the phone said that it went well, where it said something.
    pub good: Option<bool>,
    /// What it said, or why the step could not be done.
    pub words: Text<String>,
    /// The step could not even be tried.
    pub undone: bool,
    /// Whether the phone is attached.
    pub attached: bool,
    /// Profiles before and after.
    pub profiles: [usize; 2],
    /// Notifications that wait.
    pub waiting: usize,
    /// Whether a card answered AUTHENTICATE with AUTS.
    pub resynchronised: bool,
    /// How messages ended.
    pub endings: Vec<String>,
}

/// Whether all that was predicted was seen.
#[must_use]
pub fn as_predicted(expect: &[Expect], seen: &Observed) -> bool {
    let [before, after] = seen.profiles;
    !seen.undone
        && expect.iter().all(|expect| match expect {
            Expect::Good => seen.good != Some(false),
            Expect::Fails => seen.good == Some(false),
            Expect::Installed(more) => (after > before) == *more,
            Expect::Deleted => after < before,
            Expect::Attached(attached) => seen.attached == *attached,
            Expect::Waiting(some) => (seen.waiting > 0) == *some,
            Expect::Resynchronised => seen.resynchronised,
            Expect::Seen(text) => seen.endings.iter().any(|ending| ending.contains(text)),
        })
}

/// How a step of a run stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Not begun.
    Ahead,
    /// In hand.
    Now,
    /// Done: as predicted, and what was seen.
    Done(bool, Text<String>),
    /// Left out, as the person stopped or a step before could not be done.
    LeftOut,
}

/// A scenario that runs or has run.
#[derive(Clone, Debug)]
pub struct Run {
    /// Which one.
    pub scenario: &'static Scenario,
    /// Its steps.
    pub states: Vec<State>,
    /// The person wants to stop.
    pub stopping: bool,
}

impl Run {
    /// A run that begins.
    #[must_use]
    pub fn new(scenario: &'static Scenario) -> Self {
        Self { scenario, states: vec![State::Ahead; scenario.steps.len()], stopping: false }
    }

    /// The step that is to be done next; it is in hand from now on.
    pub fn begin_next(&mut self) -> Option<&'static Step> {
        let at = self.states.iter().position(|state| *state == State::Ahead)?;
        if self.stopping {
            self.leave_out();
            return None;
        }
        self.states[at] = State::Now;
        self.scenario.steps.get(at)
    }

    /// The step in hand is over. Where it could not even be tried, those after it make no sense.
    pub fn done(&mut self, seen: &Observed) {
        let Some(at) = self.states.iter().position(|state| *state == State::Now) else { return };
        let expect = self.scenario.steps.get(at).map_or(&[][..], |step| step.expect);
        self.states[at] = State::Done(as_predicted(expect, seen), seen.words.clone());
        if seen.undone {
            self.leave_out();
        }
    }

    fn leave_out(&mut self) {
        for state in &mut self.states {
            if *state == State::Ahead {
                *state = State::LeftOut;
            }
        }
    }

    /// Whether it is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.states.iter().all(|state| matches!(state, State::Done(..) | State::LeftOut))
    }

    /// Steps that are done, and of them those that went as predicted.
    #[must_use]
    pub fn count(&self) -> [usize; 2] {
        let done = self.states.iter().filter(|state| matches!(state, State::Done(..))).count();
        let good = self.states.iter().filter(|state| matches!(state, State::Done(true, _))).count();
        [done, good]
    }

    /// How it ended, in words.
    #[must_use]
    pub fn verdict(&self) -> Text<String> {
        let [done, good] = self.count();
        let all = self.states.len();
        match (done == all, done - good) {
            (true, 0) => {
                text!("All {all} steps went as predicted.", "{all} 個の手順すべてが予測どおりでした。")
            }
            (true, wrong) => text!(
                "{wrong} of {all} steps went otherwise than predicted.",
                "{all} 個の手順のうち {wrong} 個が予測と異なりました。"
            ),
            (false, wrong) => text!(
                "Stopped after {done} of {all} steps; {wrong} went otherwise than predicted.",
                "{all} 個のうち {done} 個で終了しました。予測と異なったもの: {wrong} 個。"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn every_scenario_can_be_named_and_its_faults_exist() {
        for (index, scenario) in SCENARIOS.iter().enumerate() {
            assert!(SCENARIOS[index + 1..].iter().all(|other| other.id != scenario.id), "{}", scenario.id);
            assert!(scenario.id.bytes().all(|c| c.is_ascii_lowercase() || c == b'-'));
            assert_eq!(Scenario::by_id(scenario.id).map(|found| found.id), Some(scenario.id));
            assert!(!scenario.name.ja.is_empty() && !scenario.shows.ja.is_empty());
            for step in scenario.steps {
                if let Do::Arm(id) = step.does {
                    assert!(crate::bench::ready::by_id(id).is_some(), "{id}");
                }
                assert_eq!(step.expect.is_empty(), step.predicted.en.is_empty(), "{}", scenario.id);
                assert!(!step.does.words().ja.is_empty());
            }
        }
    }

    #[test]
    fn a_run_ends_with_what_was_seen() {
        let scenario = Scenario::by_id("delete").unwrap();
        let mut run = Run::new(scenario);
        while let Some(step) = run.begin_next() {
            let deleted = step.expect.contains(&Expect::Deleted);
            let installed = step.expect.contains(&Expect::Installed(true));
            run.done(&Observed {
                good: Some(true),
                attached: true,
                profiles: if deleted { [2, 1] } else { [1, 1 + usize::from(installed)] },
                ..Observed::default()
            });
        }
        assert!(run.is_over());
        assert_eq!(run.count(), [scenario.steps.len(); 2]);
    }

    #[test]
    fn what_can_not_be_tried_ends_it() {
        let mut run = Run::new(&SCENARIOS[0]);
        run.begin_next();
        run.done(&Observed { undone: true, ..Observed::default() });
        assert!(run.begin_next().is_none() && run.is_over());
        assert_eq!(run.count(), [1, 0]);
        let mut stopped = Run::new(&SCENARIOS[0]);
        stopped.stopping = true;
        assert!(stopped.begin_next().is_none() && stopped.is_over());
    }

    #[test]
    fn each_expectation_can_fail() {
        let seen =
            Observed { good: Some(false), endings: vec!["Failed 8.2.7/3.8".into()], ..Observed::default() };
        for (expect, holds) in [
            (Expect::Good, false),
            (Expect::Fails, true),
            (Expect::Installed(true), false),
            (Expect::Installed(false), true),
            (Expect::Deleted, false),
            (Expect::Attached(false), true),
            (Expect::Waiting(true), false),
            (Expect::Resynchronised, false),
            (Expect::Seen("8.2.7/3.8"), true),
            (Expect::Seen("8.1"), false),
        ] {
            assert_eq!(as_predicted(&[expect], &seen), holds, "{expect:?}");
        }
    }
}
