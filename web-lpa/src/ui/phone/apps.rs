//! What a phone is for besides eSIMs: calls, messages, pages; and its settings.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use words::Text;

use super::super::digits::{Entry, shown};
use super::super::{Context, context, icons, preference};
use super::sentence;
use crate::network::Verdict;
use crate::phone::Service;
use crate::settings::Settings;

/// What the network will say to a service, as the session has it.
fn verdict(service: Service) -> Option<Verdict> {
    context().model.radio.with(|radio| {
        let services = radio.session()?.services.clone();
        Some(match service {
            Service::Data => services.data,
            Service::Voice => services.voice,
            Service::Sms => services.sms,
        })
    })
}

/// Whether a service can be tried now.
fn ready() -> bool {
    let Context { model, .. } = context();
    model.task.with(Option::is_none) && model.radio.with(|radio| radio.session().is_some())
}

/// What stands under each app: what to expect, with the rule and the cause.
#[component]
fn Expectation(service: Service) -> impl IntoView {
    let Context { say, .. } = context();
    let words = move || match verdict(service) {
        None => view! {
            <p class="help">{say.of(Text::new("There is no service.", "圏外です。"))}</p>
        }
        .into_any(),
        Some(verdict) => {
            let good = verdict.permitted();
            let words = verdict.words();
            let words = if good {
                Text::new(
                    format!("The network permits it: {}.", words.en),
                    format!("ネットワークは許可します: {}。", words.ja),
                )
            } else {
                Text::new(
                    format!("The network refuses it: {}.", words.en),
                    format!("ネットワークは拒否します: {}。", words.ja),
                )
            };
            let codes = verdict.codes();
            view! {
                <p class="expectation" class:yes=good class:no=!good>
                    {say.of(words)}" "<small>{say.of(codes)}</small>
                </p>
            }
            .into_any()
        }
    };
    view! { {words} }
}

/// A field for a telephone number.
#[component]
fn Number(name: &'static str, label: Text, number: RwSignal<String>) -> impl IntoView {
    let say = context().say;
    view! {
        <label>
            {say.of(label)}
            <input
                type="tel"
                name=name
                autocomplete="off"
                placeholder="+1 555 0100"
                prop:value=number
                on:input=move |event| number.set(event_target_value(&event))
            />
        </label>
    }
}

/// Calls.
#[component]
pub(in crate::ui) fn Dialer() -> impl IntoView {
    let Context { phone, say, .. } = context();
    let number = RwSignal::new(String::new());
    let call = move |event: SubmitEvent| {
        event.prevent_default();
        let to = number.with_untracked(|number| number.trim().to_owned());
        if !to.is_empty() {
            phone.try_service(Service::Voice, to);
        }
    };
    let key = move |key: &'static str| {
        view! {
            <button type="button" on:click=move |_| number.update(|number| {
                if number.len() < 20 {
                    number.push_str(key);
                }
            })>{key}</button>
        }
    };
    let keys = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"].map(key);
    view! {
        <section class="dialer" aria-labelledby="dialer-title">
            <h3 id="dialer-title">{say.of(Text::new("Calls", "通話"))}</h3>
            <form on:submit=call>
                <Number name="number" label=Text::new("Number", "電話番号") number/>
                <div class="pad">{keys.into_iter().collect_view()}</div>
                <div class="pad">
                    {key("+")}
                    <button
                        type="button"
                        class="quiet"
                        on:click=move |_| number.update(|number| {
                            number.pop();
                        })
                    >{say.of(Text::new("Delete digit", "1 文字消す"))}</button>
                    <button
                        type="submit"
                        class="primary"
                        disabled=move || !ready() || number.with(|number| number.trim().is_empty())
                    >{icons::call()}{say.of(Text::new("Call", "発信"))}</button>
                </div>
            </form>
            <Expectation service=Service::Voice/>
        </section>
    }
}

/// Short messages.
#[component]
pub(in crate::ui) fn Messages() -> impl IntoView {
    let Context { phone, say, .. } = context();
    let number = RwSignal::new(String::new());
    let words = RwSignal::new(String::new());
    let send = move |event: SubmitEvent| {
        event.prevent_default();
        let to = number.with_untracked(|number| number.trim().to_owned());
        if !to.is_empty() {
            phone.try_service(Service::Sms, to);
        }
    };
    let empty = move || number.with(|to| to.trim().is_empty()) || words.with(|words| words.trim().is_empty());
    view! {
        <section class="messages-app" aria-labelledby="sms-title">
            <h3 id="sms-title">{say.of(Text::new("Messages", "メッセージ"))}</h3>
            <form on:submit=send>
                <Number name="to" label=Text::new("To", "宛先") number/>
                <label>
                    {say.of(Text::new("Message", "本文"))}
                    <textarea
                        name="message"
                        rows="3"
                        maxlength="160"
                        prop:value=words
                        on:input=move |event| words.set(event_target_value(&event))
                    ></textarea>
                </label>
                <div class="actions">
                    <button type="submit" class="primary" disabled=move || !ready() || empty()>
                        {say.of(Text::new("Send", "送信"))}
                    </button>
                </div>
                <p class="help">{say.of(Text::new(
                    "The network is asked whether it lets the message through; there is nobody here who would read it.",
                    "ネットワークに送信できるかどうかを尋ねます。受け取る相手はいません。",
                ))}</p>
            </form>
            <Expectation service=Service::Sms/>
        </section>
    }
}

/// Pages.
#[component]
pub(in crate::ui) fn Browser() -> impl IntoView {
    let Context { model, phone, say, .. } = context();
    let address = RwSignal::new("https://example.com/".to_owned());
    // The page that was asked for; what the network says of it is the session's verdict.
    let asked = RwSignal::new(None::<String>);
    let open = move |event: SubmitEvent| {
        event.prevent_default();
        let to = address.with_untracked(|address| address.trim().to_owned());
        if !to.is_empty() {
            asked.set(Some(to.clone()));
            phone.try_service(Service::Data, to);
        }
    };
    let page = move || {
        let to = asked.get()?;
        if model.task.with(Option::is_some) {
            return Some(
                view! { <p class="empty">{say.of(Text::new("Loading…", "読み込み中…"))}</p> }.into_any(),
            );
        }
        // The notice says what the network said to this very address.
        let good = model.notice.with(|notice| notice.as_ref().map(|notice| notice.good));
        let verdict = verdict(Service::Data)?;
        let good = good.unwrap_or_else(|| verdict.permitted());
        let words = verdict.words();
        let codes = verdict.codes();
        Some(if good {
            view! {
                <div class="page yes">
                    <h4>{to}</h4>
                    <p>{say.of(Text::new(
                        "The network lets packets through to it. The laboratory loads nothing from the Internet.",
                        "ネットワークは通信を許可しました。このラボはインターネットから何も読み込みません。",
                    ))}</p>
                </div>
            }
            .into_any()
        } else {
            view! {
                <div class="page no" data-testid="refused-page">
                    <h4>{say.of(Text::new("This page can’t be opened", "このページを開けません"))}</h4>
                    <p class="digits">{to}</p>
                    <p>{say.of(Text::new(sentence(&words.en) + ".", words.ja + "。"))}</p>
                    <p>{say.of(Text::new(
                        "This line reaches the operators’ servers only. Add an eSIM with a contract and switch to it.",
                        "この回線で接続できるのは事業者のサーバーだけです。契約のある eSIM を追加して切り替えてください。",
                    ))}</p>
                    <small>{say.of(codes)}</small>
                </div>
            }
            .into_any()
        })
    };
    view! {
        <section class="browser" aria-labelledby="browser-title">
            <h3 id="browser-title">{say.of(Text::new("Web", "ウェブ"))}</h3>
            <form class="field" on:submit=open>
                <label>
                    {say.of(Text::new("Address", "アドレス"))}
                    <input
                        type="text"
                        name="address"
                        inputmode="url"
                        autocomplete="off"
                        autocapitalize="none"
                        spellcheck="false"
                        prop:value=address
                        on:input=move |event| address.set(event_target_value(&event))
                    />
                </label>
                <button type="submit" class="primary" disabled=move || !ready()>{say.of(Text::new("Go", "開く"))}</button>
            </form>
            {page}
            <Expectation service=Service::Data/>
        </section>
    }
}

/// What the phone tells of itself, and how it speaks to chips.
#[component]
pub(in crate::ui) fn Settings() -> impl IntoView {
    let Context { model, phone, say, .. } = context();
    let digits = RwSignal::new(lpa::device_digits(&model.device.get_untracked()));
    let aids = RwSignal::new(model.options.with_untracked(Settings::aids));
    let block = RwSignal::new(model.options.with_untracked(|options| options.block.to_string()));
    let smds = RwSignal::new(model.smds.get_untracked().unwrap_or_default());
    let wrong = RwSignal::new(None::<Text<String>>);
    let saved = RwSignal::new(false);
    let save = move |event: SubmitEvent| {
        event.prevent_default();
        saved.set(false);
        let capabilities = model.device.with_untracked(|device| device.capabilities);
        let (digits, aids, block) = (digits.get_untracked(), aids.get_untracked(), block.get_untracked());
        let smds = smds.get_untracked();
        match Settings::entered(&digits, &aids, &block, &smds, capabilities) {
            Err(words) => wrong.set(Some(words)),
            Ok(settings) => {
                preference::write(preference::SETTINGS, &settings.to_keep());
                model.device.set(settings.device);
                model.options.set(settings.options);
                model.smds.set(settings.smds);
                wrong.set(None);
                saved.set(true);
            }
        }
    };
    let attach = move |event: SubmitEvent| {
        event.prevent_default();
        phone.attach();
    };
    let said = move || match wrong.get() {
        Some(words) => say.now(words),
        None if saved.get() => {
            say.now(Text::new("Saved in this browser.", "このブラウザーに保存しました。")).to_owned()
        }
        None => String::new(),
    };
    let current = move || shown(&lpa::device_digits(&model.device.get()));
    view! {
        <section class="settings" aria-labelledby="settings-title">
            <h3 id="settings-title">{say.of(Text::new("Settings", "設定"))}</h3>
            <form class="field" on:submit=attach>
                <label>
                    "APN"
                    <input
                        type="text"
                        name="settings-apn"
                        autocomplete="off"
                        autocapitalize="none"
                        spellcheck="false"
                        placeholder=say.of(Text::new("none", "なし"))
                        prop:value=model.apn
                        on:input=move |event| model.apn.set(event_target_value(&event))
                    />
                </label>
                <button type="submit" disabled=move || model.task.with(Option::is_some)>
                    {say.of(Text::new("Attach", "アタッチ"))}
                </button>
            </form>
            <label class="check">
                <input
                    type="checkbox"
                    prop:checked=phone.signs()
                    on:change=move |event| phone.signs().set(event_target_checked(&event))
                />
                {say.of(Text::new(
                    "Prove who the LPA is where a server asks for it",
                    "サーバーが求めるとき LPA の身元を証明する",
                ))}
            </label>
            <form on:submit=save>
                <Entry
                    label=Text::new("TAC or IMEI", "TAC または IMEI")
                    number=digits
                    name="device"
                    described_by="device-help"
                />
                <p id="device-help" class="help">
                    {say.of(Text::new(
                        "8 digits: only the type is told; 15: the device itself. Told now:",
                        "8 桁なら機種だけ、15 桁なら端末そのものを伝えます。現在:",
                    ))}" "<span class="digits">{current}</span>
                </p>
                <label>
                    {say.of(Text::new("ISD-R AIDs to try, one a line", "試す ISD-R の AID（1 行に 1 つ）"))}
                    <textarea
                        name="aids"
                        rows="3"
                        spellcheck="false"
                        prop:value=aids
                        on:input=move |event| aids.set(event_target_value(&event))
                    ></textarea>
                </label>
                <label>
                    {say.of(Text::new("Bytes in one command to the chip, 1 to 255", "チップへの 1 コマンドのバイト数（1〜255）"))}
                    <input
                        type="number"
                        name="block"
                        min="1"
                        max="255"
                        prop:value=block
                        on:input=move |event| block.set(event_target_value(&event))
                    />
                </label>
                <label>
                    {say.of(Text::new("Another discovery server (SM-DS)", "別のディスカバリーサーバー（SM-DS）"))}
                    <input
                        type="text"
                        name="smds"
                        inputmode="url"
                        autocomplete="off"
                        autocapitalize="none"
                        spellcheck="false"
                        placeholder="smds.example.com"
                        aria-describedby="smds-help"
                        prop:value=smds
                        on:input=move |event| smds.set(event_target_value(&event))
                    />
                </label>
                <p id="smds-help" class="help">
                    {say.of(Text::new(
                        "Where it is asked what waits for a chip. Empty: where the chip itself says.",
                        "チップ宛てのものがあるか確認する先です。空欄ならチップに設定された先に確認します。",
                    ))}
                </p>
                <div class="actions">
                    <p class="help" role="status" class:wrong=move || wrong.with(Option::is_some)>{said}</p>
                    <button type="submit">{say.of(Text::new("Save", "保存"))}</button>
                </div>
            </form>
        </section>
    }
}
