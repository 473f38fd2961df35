//! Runs scenarios over the phone and the operator, as a person would.

use leptos::prelude::*;
use lpa::{CardLost, Question, Reply};
use rsp::{ActivationCode, Iccid};
use wasm_bindgen_futures::spawn_local;
use words::{Text, text};

use crate::bench::ready;
use crate::model::{Notice, Radio, Slot};
use crate::order::{Class, Request, Wish};
use crate::phone::Making;
use crate::said;
use crate::scenario::{Do, Observed, Run, Say, Scenario, Step};
use crate::transport::later;
use crate::ui::{Context, operator};

/// How often it is looked whether the phone is idle, in milliseconds.
const LOOK: u32 = 30;

/// The chip of scenarios.
const SLOT: Slot = Slot::Phone;

/// Whether a scenario runs.
pub(super) fn runs(context: Context) -> bool {
    context.bench.run.with(|run| run.as_ref().is_some_and(|run| !run.is_over()))
}

/// Starts a scenario, where none runs.
pub(super) fn start(context: Context, scenario: &'static Scenario) {
    let Context { model, phone, bench, .. } = context;
    if untrack(|| runs(context)) || model.task.with_untracked(Option::is_some) {
        return;
    }
    bench.run.set(Some(Run::new(scenario)));
    spawn_local(async move {
        bench.clear();
        if scenario.replaces_the_chip()
            && let Err(CardLost(because)) = phone.keep_own_chip().await
        {
            // Without it the person's chip would be lost.
            bench.run.set(None);
            model.notice.set(Some(not_begun(&because)));
            return;
        }
        let mut driver = Driver { context, ordered: None, installed: None };
        while let Some(step) = bench.run.try_update(|run| run.as_mut().and_then(Run::begin_next)).flatten() {
            let seen = driver.step(step).await;
            bench.run.update(|run| {
                if let Some(run) = run {
                    run.done(&seen);
                }
            });
        }
        bench.clear();
    });
}

fn not_begun(because: &Text<String>) -> Notice {
    Notice {
        good: false,
        what: said::with(
            Text::new("The scenario was not begun: {}.", "シナリオを開始できませんでした: {}。"),
            because,
        ),
        advice: Text::new(
            "Wait until the phone has its chip; if another tab has it, close that tab.",
            "電話にチップが入るまでお待ちください。別のタブにあるときは、そのタブを閉じてください。",
        )
        .owned(),
        codes: Text::default(),
        switch_to: None,
    }
}

/// The person wants it to stop: after the step in hand, which is broken off where it can be.
pub(super) fn stop(context: Context) {
    let Context { phone, bench, .. } = context;
    bench.run.update(|run| {
        if let Some(run) = run {
            run.stopping = true;
        }
    });
    phone.stop();
}

struct Driver {
    context: Context,
    /// The activation code, and the request that made its subscriber.
    ordered: Option<(String, Request)>,
    /// The profile that was installed, and its name.
    installed: Option<(Iccid, String)>,
}

impl Driver {
    async fn step(&mut self, step: &Step) -> Observed {
        let Context { model, .. } = self.context;
        self.idle().await;
        let count = || model.chip(SLOT).profiles.with_untracked(|list| list.as_ref().map_or(0, Vec::len));
        let before = count();
        let last =
            model.record.with_untracked(|trace| trace.messages().next_back().map_or(0, |last| last.id));
        model.notice.set(None);
        let done = self.act(step.does).await;
        self.idle().await;
        let notice = model.notice.get_untracked();
        if let Some((_, iccid, name)) = notice.as_ref().and_then(|notice| notice.switch_to.clone()) {
            self.installed = Some((iccid, name));
        }
        let (endings, resynchronised) = model.record.with_untracked(|trace| {
            let new = || trace.messages().filter(move |message| message.id > last);
            // AUTS is in a template DC (3GPP TS 31.102 §7.1.2.1).
            let auts = new().filter(|message| message.name == "AUTHENTICATE").any(|message| {
                message
                    .parts
                    .iter()
                    .filter_map(|part| part.response.as_ref())
                    .any(|response| response.first() == Some(&0xDC))
            });
            (new().map(|message| message.ending.text().to_owned()).collect(), auts)
        });
        let attached = model.radio.with_untracked(|radio| radio.session().is_some());
        let words = match (&done, &notice) {
            (Err(why), _) => why.clone(),
            (Ok(Some(said)), None) => said.clone(),
            (_, Some(notice)) if notice.codes.en.is_empty() => notice.what.clone(),
            (_, Some(notice)) => {
                notice.what.clone().with(notice.codes.clone().map(|codes| format!("({codes})")))
            }
            (Ok(None), None) => service(&model.radio.get_untracked()),
        };
        Observed {
            good: notice.as_ref().map(|notice| notice.good),
            words,
            undone: done.is_err(),
            attached,
            profiles: [before, count()],
            waiting: model.chip(SLOT).waiting.with_untracked(Vec::len),
            resynchronised,
            endings,
        }
    }

    /// Does it; with what there is to say of it, or why it can't be done.
    async fn act(&mut self, does: Do) -> Result<Option<Text<String>>, Text<String>> {
        let Context { model, phone, bench, .. } = self.context;
        let said = |text: Text| Ok(Some(text.owned()));
        match does {
            Do::NewChip(word) => {
                let making = Making::ALL.into_iter().find(|one| one.word() == word).unwrap_or(Making::Usual);
                self.task(move || phone.make_chip(SLOT, making), &[]).await;
                // What is wrong with the chip it says itself.
                match model.notice.with_untracked(|notice| notice.as_ref().is_some_and(|notice| !notice.good))
                {
                    true => Err(model.notice.with_untracked(|notice| {
                        notice.as_ref().map(|notice| notice.what.clone()).unwrap_or_default()
                    })),
                    false => Ok(None),
                }
            }
            Do::Order { confirmation, rules } => {
                let wish = Wish {
                    name: "Trial".to_owned(),
                    class: Class::Operational,
                    confirmation_code: confirmation.map(str::to_owned),
                    rules,
                    eid: None,
                };
                let ordered = operator::ordered(&wish).await.map_err(|because| {
                    said::within(
                        Text::new("The order was not made: {}.", "注文できませんでした: {}。"),
                        &because,
                    )
                })?;
                self.ordered = Some(ordered);
                said(Text::new(
                    "The operator has given an activation code.",
                    "事業者がアクティベーションコードを発行しました。",
                ))
            }
            Do::Arm(id) => {
                let Some(ready) = ready::by_id(id) else {
                    return Err(Text::new("There is no such fault.", "その障害はありません。").owned());
                };
                bench.arm(ready.fault);
                said(Text::new("Armed.", "仕掛けました。"))
            }
            Do::Clear => {
                bench.clear();
                said(Text::new("Done.", "完了しました。"))
            }
            Do::Download(says) => {
                let code = self.ordered.as_ref().and_then(|(code, _)| code.parse::<ActivationCode>().ok());
                let Some(code) = code else {
                    return Err(Text::new(
                        "There is no activation code.",
                        "アクティベーションコードがありません。",
                    )
                    .owned());
                };
                self.task(move || phone.download(SLOT, code), says).await;
                Ok(None)
            }
            Do::PowerUp(says) => {
                self.task(move || phone.power_up(SLOT), says).await;
                Ok(None)
            }
            Do::Enable | Do::Disable | Do::Delete => {
                let Some((iccid, name)) = self.installed.clone() else {
                    return Err(Text::new(
                        "No profile was installed.",
                        "プロファイルがインストールされていません。",
                    )
                    .owned());
                };
                let begin = move || match does {
                    Do::Enable => phone.enable(SLOT, iccid, name),
                    Do::Disable => phone.disable(SLOT, iccid, name),
                    _ => phone.delete(SLOT, iccid, name),
                };
                self.task(begin, &[]).await;
                Ok(None)
            }
            Do::Notify => {
                self.task(move || phone.notify(SLOT), &[]).await;
                let waiting = model.chip(SLOT).waiting.with_untracked(Vec::len);
                Ok(Some(text!(
                    "{waiting} notifications wait on the chip.",
                    "チップに残っている通知: {waiting} 件。"
                )))
            }
            Do::Attach => {
                self.task(move || phone.attach(), &[]).await;
                Ok(None)
            }
            Do::CounterBack => {
                let Some((_, mut request)) = self.ordered.clone() else {
                    return Err(Text::new("There is no subscriber.", "加入者がいません。").owned());
                };
                request.body["sqn"] = "000000000000".into();
                operator::make_subscriber(&request).await.map_err(|because| {
                    said::within(
                        Text::new(
                            "The network did not take it: {}.",
                            "ネットワークが受け付けませんでした: {}。",
                        ),
                        &because,
                    )
                })?;
                said(Text::new("The network counts from zero again.", "ネットワークは 0 から数え直します。"))
            }
        }
    }

    /// Begins a task of the phone and waits for its end. Questions are answered as the scenario
    /// says; others are the person's.
    async fn task(&self, begin: impl FnOnce(), says: &[Say]) {
        let Context { model, phone, bench, .. } = self.context;
        begin();
        let mut says = says.iter().peekable();
        while model.task.with_untracked(Option::is_some) {
            let stopping = bench.run.with_untracked(|run| run.as_ref().is_some_and(|run| run.stopping));
            let asked = model.question.with_untracked(|question| match question {
                Some(Question::Consent { .. }) => Some(true),
                Some(Question::ConfirmationCode { .. }) => Some(false),
                _ => None,
            });
            match (asked, says.peek()) {
                (Some(_), _) if stopping => phone.answer(Reply::Postpone),
                (Some(true), Some(Say::Accept)) => {
                    says.next();
                    phone.answer(Reply::Accept);
                }
                (Some(true), Some(Say::AcceptAndCut(write))) => {
                    // A chip without power says so itself.
                    let _ = phone.cut_power(SLOT, *write, false).await;
                    says.next();
                    phone.answer(Reply::Accept);
                }
                (Some(false), Some(Say::Code(code))) => {
                    phone.answer(Reply::Code((*code).to_owned()));
                    says.next();
                }
                _ => later::after(LOOK).await,
            }
        }
    }

    /// Waits until the phone does nothing, and does not begin something at once.
    async fn idle(&self) {
        let model = self.context.model;
        let mut quiet = 0;
        while quiet < 2 {
            quiet = if model.task.with_untracked(Option::is_some) { 0 } else { quiet + 1 };
            later::after(LOOK).await;
        }
    }
}

fn no_service(because: &Text<String>) -> Text<String> {
    Text::new(format!("No service: {}.", because.en), format!("圏外: {}。", because.ja))
}

/// How the phone stands with the network.
fn service(radio: &Radio) -> Text<String> {
    match radio {
        Radio::Attached(_) => Text::new("The phone is attached.", "電話はアタッチしています。").owned(),
        Radio::NoService(error) => no_service(&error.words()),
        Radio::NoUsim(words) | Radio::NoCard(words) | Radio::NoTrust(words) => no_service(words),
        Radio::Off | Radio::Searching | Radio::NoProfile | Radio::Detached => {
            Text::new("No service.", "圏外です。").owned()
        }
    }
}
