//! The frame of the page: its name, what can be chosen for all of it, and the views.
//!
//! The phone stands beside every view where there is room; on a phone's own screen it is
//! a view like the others. Which view is shown is the address's fragment, so that a link
//! leads to it and the browser's keys go back: `#trace`, `#chip`.

use leptos::ev;
use leptos::prelude::*;
use words::{Language, Text};

use super::{Context, context, document, icons, preference};

/// A part of the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum View {
    /// The phone; beside it, where there is room, how to begin.
    #[default]
    Phone,
    /// The messages between the parties.
    Trace,
    /// The chip.
    Chip,
    /// The operator: the SM-DP+'s console.
    Operator,
    /// The network.
    Network,
    /// Faults, commands by hand, scenarios.
    Bench,
}

impl View {
    /// All of them, as they stand in the navigation.
    pub(crate) const ALL: [Self; 6] =
        [Self::Phone, Self::Trace, Self::Chip, Self::Operator, Self::Network, Self::Bench];

    /// Its name in the address.
    pub(crate) const fn fragment(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Trace => "trace",
            Self::Chip => "chip",
            Self::Operator => "operator",
            Self::Network => "network",
            Self::Bench => "bench",
        }
    }

    const fn name(self) -> Text {
        match self {
            Self::Phone => Text::new("Phone", "電話"),
            Self::Trace => Text::new("Messages", "メッセージ"),
            Self::Chip => Text::new("Chip", "チップ"),
            Self::Operator => Text::new("Operator", "事業者"),
            Self::Network => Text::new("Network", "ネットワーク"),
            Self::Bench => Text::new("Bench", "実験台"),
        }
    }

    /// The view that an address's fragment names: `#trace`, or `#trace?…` with more behind it.
    fn of(fragment: &str) -> Option<Self> {
        let name = fragment.trim_start_matches('#').split(['?', '/']).next()?;
        Self::ALL.into_iter().find(|view| view.fragment() == name)
    }

    /// The one that the address names now.
    pub(super) fn now() -> Self {
        document()
            .location()
            .and_then(|location| location.hash().ok())
            .and_then(|hash| Self::of(&hash))
            .unwrap_or_default()
    }

    /// Goes there.
    pub(crate) fn go(self) {
        if let Some(location) = document().location() {
            let _ = location.set_hash(self.fragment());
        }
    }
}

/// The view that is shown, following the address.
pub(super) fn follow_address() -> RwSignal<View> {
    let view = RwSignal::new(View::now());
    let listener = window_event_listener(ev::hashchange, move |_| {
        // What stands behind the view's name is the view's own matter.
        let now = View::now();
        if view.get_untracked() != now {
            view.set(now);
        }
    });
    on_cleanup(move || listener.remove());
    view
}

#[component]
pub(super) fn Top() -> impl IntoView {
    let Context { say, .. } = context();
    view! {
        <header class="top">
            <div class="brand">
                {icons::esim()}
                <h1>{say.of(Text::new("eSIM laboratory", "eSIM ラボラトリー"))}</h1>
            </div>
            <p class="claim">{say.of(Text::new(
                "A phone, its chip, an operator’s server and a network. Each is a program of its own; they speak the GSMA’s protocols.",
                "電話、そのチップ、事業者のサーバー、そしてネットワーク。それぞれが独立したプログラムで、GSMA のプロトコルで会話します。",
            ))}</p>
            <div class="choices">
                <Hiding/>
                <Languages/>
                <Colours/>
            </div>
        </header>
    }
}

/// The views, as links: beside each other at the top, or at the bottom of a phone's screen.
#[component]
pub(super) fn Navigation() -> impl IntoView {
    let Context { say, view, bench, .. } = context();
    let waits =
        move |one: View| (one == View::Bench).then(|| bench.held.with(Vec::len)).filter(|held| *held > 0);
    let links = View::ALL.map(|one| {
        view! {
            <li>
                <a
                    href=format!("#{}", one.fragment())
                    data-view=one.fragment()
                    aria-current=move || (view.get() == one).then_some("page")
                >
                    {icons::view(one)}
                    <span>{say.of(one.name())}</span>
                    {move || waits(one).map(|held| view! { <b class="count" data-testid="held-count">{held}</b> })}
                </a>
            </li>
        }
    });
    view! {
        <nav class="views" aria-label=say.of(Text::new("Views", "表示"))>
            <ul>{links.into_iter().collect_view()}</ul>
        </nav>
    }
}

#[component]
fn Languages() -> impl IntoView {
    let Context { say, .. } = context();
    let options = Language::ALL.map(|language| {
        view! {
            <option value=language.tag() lang=language.tag() selected=move || say.language() == language>
                {language.name()}
            </option>
        }
    });
    view! {
        <select
            aria-label=say.of(Text::new("Language", "言語"))
            on:change=move |event| {
                if let Some(language) = Language::from_tag(&event_target_value(&event)) {
                    say.choose(language);
                }
            }
        >{options.into_iter().collect_view()}</select>
    }
}

/// Dark, light, or as the system has it.
#[component]
fn Colours() -> impl IntoView {
    const KEPT: &str = "colours";
    const ALL: [(&str, Text); 3] = [
        ("system", Text::new("Colours: system", "配色: システム")),
        ("light", Text::new("Colours: light", "配色: ライト")),
        ("dark", Text::new("Colours: dark", "配色: ダーク")),
    ];
    let Context { say, .. } = context();
    let known = |name: &String| ALL.iter().any(|(known, _)| known == name);
    let chosen = RwSignal::new(preference::read(KEPT).filter(known).unwrap_or_else(|| "system".to_owned()));
    Effect::new(move |_| {
        if let Some(root) = document().document_element() {
            let _ = root.set_attribute("data-colours", &chosen.get());
        }
    });
    let options = ALL.map(|(name, text)| {
        view! { <option value=name selected=move || chosen.with(|chosen| chosen == name)>{say.of(text)}</option> }
    });
    view! {
        <select
            aria-label=say.of(Text::new("Colours", "配色"))
            on:change=move |event| {
                let name = event_target_value(&event);
                preference::write(KEPT, &name);
                chosen.set(name);
            }
        >{options.into_iter().collect_view()}</select>
    }
}

/// Whether numbers that name a person or a chip are hidden: at each start they are, so that they
/// are seen only by who has just asked for them.
#[component]
fn Hiding() -> impl IntoView {
    let Context { say, hidden, .. } = context();
    view! {
        <label class="check">
            <input
                type="checkbox"
                prop:checked=hidden
                on:change=move |event| {
                    hidden.set(event_target_checked(&event));
                }
            />
            {say.of(Text::new("Hide numbers", "番号を隠す"))}
        </label>
    }
}
