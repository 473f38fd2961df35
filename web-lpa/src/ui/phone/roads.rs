//! The dialog that leads to a real card: what roads this browser has, what was found on them,
//! and what to do where one is missing.

use card_bridge::protocol::{PORT, Reader, State};
use leptos::prelude::*;
use words::{Text, text};

use super::super::digits::Entry;
use super::super::modal::Modal;
use super::super::{Context, context};
use crate::model::{Bridge, Slot};
use crate::road::{Offers, Road, Trouble};
use crate::transport::chip::ChipState;
use crate::transport::{serial, usb};

/// What this browser offers to this page.
fn offers() -> Offers {
    Offers {
        serial: serial::is_there(),
        usb: usb::is_there(),
        secure: web_sys::window().is_some_and(|window| window.is_secure_context()),
        app: is_app(),
    }
}

/// Whether the page was installed as an Isolated Web App.
fn is_app() -> bool {
    let protocol = web_sys::window().and_then(|window| window.location().protocol().ok());
    protocol.as_deref() == Some("isolated-app:")
}

#[component]
pub(in crate::ui) fn Roads(open: RwSignal<bool>) -> impl IntoView {
    let Context { model, say, .. } = context();
    // Where a card has come the dialog has done its work.
    Effect::new(move |_| {
        if model.chip(Slot::Card).state.with(ChipState::answers) {
            open.set(false);
        }
    });
    let roads = move || {
        Road::ALL
            .into_iter()
            .map(|road| {
                let way = match (road.standing(offers()), road) {
                    (Err(trouble), _) => view! { <Told trouble/> }.into_any(),
                    (Ok(()), Road::Bridge) => view! { <ByBridge/> }.into_any(),
                    (Ok(()), Road::Modem) => view! { <ByModem/> }.into_any(),
                    (Ok(()), Road::Usb) => view! { <ByUsb/> }.into_any(),
                };
                view! {
                    <section class="road" data-road=road.word()>
                        <h3>{say.of(road.name())}</h3>
                        {way}
                        {move || {
                            let trouble = model.trouble.get().filter(|(where_to, _)| *where_to == road);
                            trouble.map(|(_, trouble)| view! { <div class="wrong" role="alert"><Told trouble/></div> })
                        }}
                    </section>
                }
            })
            .collect_view()
    };
    view! {
        <Modal
            open=Signal::from(open)
            on_cancel=move || open.set(false)
            label=Text::new("Use a real card", "実物のカードを使う")
        >
            <h2>{say.of(Text::new("Use a real card", "実物のカードを使う"))}</h2>
            <p class="help">{say.of(if is_app() {
                Text::new(
                    "A removable eUICC in a reader or a modem. As an installed app this page may have any USB reader.",
                    "リーダーやモデムに入れた取り外し可能な eUICC を使います。インストールされたアプリなので、どの USB リーダーでも使えます。",
                )
            } else {
                Text::new(
                    "A removable eUICC in a reader or a modem. A page can’t claim an ordinary card reader at USB: browsers keep that class of devices from pages. These roads lead to it all the same.",
                    "リーダーやモデムに入れた取り外し可能な eUICC を使います。ブラウザーは通常の USB カードリーダーをページに渡さないため、次の方法で接続します。",
                )
            })}</p>
            {roads}
            <div class="actions">
                <button type="button" on:click=move |_| open.set(false)>{say.of(Text::new("Close", "閉じる"))}</button>
            </div>
        </Modal>
    }
}

/// What went wrong, and what to do.
#[component]
fn Told(trouble: Trouble) -> impl IntoView {
    let say = context().say;
    view! {
        <p class="trouble">
            <strong>{say.of(trouble.what)}</strong>
            " "
            {say.of(trouble.advice)}
        </p>
    }
}

#[component]
fn ByBridge() -> impl IntoView {
    let Context { model, phone, say, .. } = context();
    let port = RwSignal::new(PORT.to_string());
    let number = move || port.with(|port| port.trim().parse::<u16>().ok().filter(|port| *port != 0));
    let look = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if let Some(number) = number() {
            phone.find_bridge(number);
        }
    };
    let code = RwSignal::new(String::new());
    let pair = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        phone.pair(code.get_untracked());
        code.set(String::new());
    };
    move || {
        match model.bridge.get() {
        Bridge::Off | Bridge::Looking => view! {
            <p class="help">{say.of(Text::new(
                "The program card-bridge, run on this computer, lends its readers to this page, card by card.",
                "このコンピューターで動かす card-bridge が、リーダーのカードを一枚ずつこのページに貸し出します。",
            ))}</p>
            <form class="line" on:submit=look>
                <Entry label=Text::new("Port", "ポート") number=port size=6/>
                <button
                    type="submit"
                    disabled=move || number().is_none() || model.bridge.with(|bridge| *bridge == Bridge::Looking)
                >{say.of(Text::new("Look for the bridge", "ブリッジを探す"))}</button>
            </form>
        }
        .into_any(),
        Bridge::WantsCode => view! {
            <form class="line" on:submit=pair>
                <Entry
                    label=Text::new("Code on the bridge’s terminal", "ブリッジの端末に表示されたコード")
                    number=code
                    size=10
                    once=true
                />
                <button type="submit" disabled=move || code.with(|code| code.trim().is_empty())>
                    {say.of(Text::new("Pair", "ペアリング"))}
                </button>
                <button type="button" class="quiet" on:click=move |_| phone.leave_bridge()>
                    {say.of(Text::new("Disconnect", "切断"))}
                </button>
            </form>
        }
        .into_any(),
        Bridge::Open(readers) => view! {
            {if readers.is_empty() {
                view! { <p class="empty">{say.of(Text::new(
                    "No reader is plugged in. It shows here as soon as one is.",
                    "リーダーが接続されていません。接続するとここに表示されます。",
                ))}</p> }.into_any()
            } else {
                view! {
                    <ul class="readers" aria-label=say.of(Text::new("Readers", "リーダー"))>
                        {readers.into_iter().map(|reader| view! { <InReader reader/> }).collect_view()}
                    </ul>
                }.into_any()
            }}
            <div class="actions">
                <button type="button" class="quiet" on:click=move |_| phone.look_again()>
                    {say.of(Text::new("Look again", "もう一度探す"))}
                </button>
                <button type="button" class="quiet" on:click=move |_| phone.leave_bridge()>
                    {say.of(Text::new("Disconnect", "切断"))}
                </button>
            </div>
        }
        .into_any(),
    }
    }
}

#[component]
fn InReader(reader: Reader) -> impl IntoView {
    let Context { model, phone, say, .. } = context();
    let Reader { name, state, .. } = reader;
    let what = match state {
        State::Empty => Text::new("no card", "カードなし"),
        State::Card => Text::new("a card", "カードあり"),
        State::Mute => Text::new(
            "a card that does not answer; it may be upside down",
            "応答しないカード (裏返しの可能性)",
        ),
        State::Taken => Text::new("in use by another program or page", "別のプログラムまたはページが使用中"),
        State::Yours => Text::new("in use here", "このページで使用中"),
    };
    let label = text!("Use the card in {name}", "{name} のカードを使う");
    let place = name.clone();
    view! {
        <li data-state=format!("{state:?}").to_lowercase()>
            <span class="reader-name">{name}</span>
            <span class="help">{say.of(what)}</span>
            {(state == State::Card).then(|| view! {
                <button
                    type="button"
                    aria-label=say.of(label)
                    disabled=move || model.task.with(Option::is_some)
                    on:click=move |_| phone.take_card(place.clone())
                >{say.of(Text::new("Use", "使う"))}</button>
            })}
        </li>
    }
}

#[component]
fn ByModem() -> impl IntoView {
    let Context { model, phone, say, .. } = context();
    view! {
        <p class="help">{say.of(Text::new(
            "A USB modem passes commands on to the card in it. The browser asks which port; choose the one for AT commands.",
            "USB モデムが、中のカードにコマンドを渡します。ブラウザーの確認画面で AT コマンド用のポートを選んでください。",
        ))}</p>
        <button type="button" disabled=move || model.task.with(Option::is_some) on:click=move |_| phone.take_modem()>
            {say.of(Text::new("Choose the port", "ポートを選ぶ"))}
        </button>
    }
}

/// The readers that were chosen and can't be used, with the reason; the last one stands below as what
/// went wrong.
#[component]
fn Unfit() -> impl IntoView {
    let Context { model, say, .. } = context();
    move || {
        let last = model.trouble.get().map(|(_, trouble)| trouble);
        let mut unfit = model.unfit.get();
        // Two readers may have the same reason.
        unfit.pop_if(|(_, trouble)| last.as_ref() == Some(trouble));
        (!unfit.is_empty()).then(|| {
            let label = Text::new("Readers that can’t be used here", "ここでは使えないリーダー");
            let items = unfit.into_iter().map(|(name, trouble)| {
                view! { <li><span class="reader-name">{name}</span><Told trouble/></li> }
            });
            view! { <ul class="readers unfit" aria-label=say.of(label)>{items.collect_view()}</ul> }
        })
    }
}

#[component]
fn ByUsb() -> impl IntoView {
    let Context { model, phone, say, .. } = context();
    view! {
        <p class="help">{say.of(if is_app() {
            Text::new(
                "The browser asks which reader. Where the system’s own smart card service has it, stop that first.",
                "ブラウザーの確認画面でリーダーを選んでください。システムのスマートカードサービスが使用中の場合は、先に停止してください。",
            )
        } else {
            Text::new(
                "Works with readers of a vendor’s class. Most are of the class “smart card”, which browsers keep from pages, but not from this page installed as an Isolated Web App: the page says so when you choose one.",
                "ベンダー独自クラスのリーダーで使えます。多くのリーダーは、ブラウザーがページに渡さない「スマートカード」クラスです。その場合は選択後にお知らせします。このページを Isolated Web App としてインストールすれば使えます。",
            )
        })}</p>
        <button type="button" disabled=move || model.task.with(Option::is_some) on:click=move |_| phone.take_usb()>
            {say.of(Text::new("Choose the reader", "リーダーを選ぶ"))}
        </button>
        <Unfit/>
    }
}
