//! The phone: its switch, its status, what it is doing, and its apps.

pub(super) mod add;
pub(super) mod apps;
mod device;
mod notifications;
mod profiles;
pub(super) mod questions;
pub(super) mod roads;
mod status;
mod task;
pub(super) mod untold;
mod waiting;

use leptos::prelude::*;
use rsp::metadata::{Icon, IconType, PprIds, ProfileClass};
use words::Text;

use self::add::AddEsim;
use self::device::Device;
use self::notifications::Notifications;
use self::profiles::Profiles;
use self::status::{Power, Status};
use self::task::{Doing, NoticeBox};
use self::waiting::{Housekeeping, Waiting};
use super::{Context, context, icons, later};

/// What the phone's screen shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum App {
    /// The eSIMs: the LUI.
    #[default]
    Esim,
    /// Calls.
    Dialer,
    /// Short messages.
    Messages,
    /// Pages.
    Browser,
    /// What the phone tells of itself, and how it speaks to chips.
    Settings,
}

impl App {
    const ALL: [Self; 5] = [Self::Esim, Self::Dialer, Self::Messages, Self::Browser, Self::Settings];

    const fn name(self) -> Text {
        match self {
            Self::Esim => Text::new("eSIM", "eSIM"),
            Self::Dialer => Text::new("Calls", "通話"),
            Self::Messages => Text::new("SMS", "SMS"),
            Self::Browser => Text::new("Web", "ウェブ"),
            Self::Settings => Text::new("Settings", "設定"),
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Esim => "esim",
            Self::Dialer => "dialer",
            Self::Messages => "messages",
            Self::Browser => "browser",
            Self::Settings => "settings",
        }
    }

    fn icon(self) -> AnyView {
        match self {
            Self::Esim => icons::esim().into_any(),
            Self::Dialer => icons::call().into_any(),
            Self::Messages => icons::letter().into_any(),
            Self::Browser => icons::world().into_any(),
            Self::Settings => icons::settings().into_any(),
        }
    }
}

#[component]
pub(super) fn Phone() -> impl IntoView {
    let Context { model, say, .. } = context();
    let app = RwSignal::new(App::Esim);
    view! {
        <section class="phone" aria-labelledby="phone-title">
            <div class="phone-top">
                <h2 id="phone-title">{say.of(Text::new("Phone", "電話"))}</h2>
                <Power/>
            </div>
            <Show when=move || model.power.get() fallback=Dark>
                <Status/>
                <Doing/>
                <NoticeBox/>
                <div class="app" data-app=move || app.get().word()>
                    {move || match app.get() {
                        App::Esim => view! { <Esims/> }.into_any(),
                        other => later::shown(later::Part::App(other)),
                    }}
                </div>
                <nav class="apps" aria-label=say.of(Text::new("Apps of the phone", "電話のアプリ"))>
                    {App::ALL.map(|one| view! {
                        <button
                            type="button"
                            data-app=one.word()
                            aria-current=move || (app.get() == one).then_some("true")
                            on:click=move |_| app.set(one)
                        >
                            {one.icon()}
                            <span>{say.of(one.name())}</span>
                        </button>
                    }).into_iter().collect_view()}
                </nav>
            </Show>
        </section>
    }
}

/// The screen without power.
#[component]
fn Dark() -> impl IntoView {
    let say = context().say;
    view! {
        <div class="dark" data-testid="status">
            <strong data-testid="operator">{say.of(Text::new("Off", "電源オフ"))}</strong>
            <p>{say.of(Text::new(
                "No radio, no session. The chip keeps its profiles.",
                "電波もセッションもありません。プロファイルはチップに残っています。",
            ))}</p>
        </div>
    }
}

/// The LUI.
#[component]
fn Esims() -> impl IntoView {
    view! {
        <Device/>
        <AddEsim/>
        <Waiting/>
        <Profiles/>
        <Notifications/>
        <Housekeeping/>
    }
}

/// The class of a profile in words.
pub(in crate::ui) const fn class_name(class: ProfileClass) -> Text {
    match class {
        ProfileClass::Test => Text::new("test", "テスト"),
        ProfileClass::Provisioning => Text::new("provisioning", "プロビジョニング"),
        ProfileClass::Operational => Text::new("operational", "運用"),
    }
}

/// The name of a class for programs.
const fn class_word(class: ProfileClass) -> &'static str {
    class_name(class).en
}

/// What policy rules mean for the person (SGP.22 §2.9.1).
pub(in crate::ui) fn rules(rules: PprIds) -> Vec<Text> {
    let mut words = Vec::new();
    if rules.contains(PprIds::PPR1) {
        words.push(Text::new(
            "It cannot be switched off, so no other profile can be used while it is on.",
            "オフにできません。オンの間は、ほかのプロファイルを使えません。",
        ));
    }
    if rules.contains(PprIds::PPR2) {
        words.push(Text::new("It cannot be deleted.", "削除できません。"));
    }
    words
}

/// Whether a picture begins as those of its type do (PNG §5.2; ISO/IEC 10918-1 §B.1.1.3): what is
/// something else is not handed to the browser.
fn is_what_it_says(icon: &Icon) -> bool {
    icon.data.starts_with(match icon.icon_type {
        IconType::Jpg => &[0xFF, 0xD8, 0xFF],
        IconType::Png => b"\x89PNG\r\n\x1A\n",
    })
}

/// An operator's picture, or its letter where it sent none.
fn picture(icon: Option<&Icon>, name: &str) -> AnyView {
    match icon.filter(|icon| is_what_it_says(icon)) {
        Some(icon) => {
            let media_type = match icon.icon_type {
                IconType::Jpg => "image/jpeg",
                IconType::Png => "image/png",
            };
            let source = format!("data:{media_type};base64,{}", base64(&icon.data));
            view! { <img class="profile-icon" src=source alt="" width="64" height="64"/> }.into_any()
        }
        None => {
            let letter = name.chars().next().map(|first| first.to_uppercase().to_string());
            view! { <span class="profile-icon letter" aria-hidden="true">{letter}</span> }.into_any()
        }
    }
}

/// Bytes as a `data:` address has them.
fn base64(bytes: &[u8]) -> String {
    serde_json::to_value(rsp::es9::Base64(bytes.to_vec()))
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}

/// A clause as the beginning of a sentence.
pub(super) fn sentence(words: &str) -> String {
    let mut letters = words.trim_end_matches('.').chars();
    letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default() + letters.as_str()
}
