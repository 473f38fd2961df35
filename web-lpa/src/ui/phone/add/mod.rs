//! Adding an eSIM: every way a code gets in ends in one form, which shows what the code says.
//! Nothing is sent before the person has pressed its button.

mod links;
pub(in crate::ui) mod scanner;

use std::rc::Rc;

use leptos::ev::{self, SubmitEvent};
use leptos::html::{Button, Input};
use leptos::prelude::*;
use rsp::ActivationCode;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{DataTransfer, Element, EventTarget};
use words::Text;

use self::links::Links;
use self::scanner::Sight;
use super::super::modal::Modal;
use super::super::shell::View;
use super::super::{Context, context, document, icons, later};
use crate::code::parts::{Field, Parts};
use crate::code::pictures::Brought;
use crate::code::reader::Reader;
use crate::code::{Outcome, Problem, link, text};
use crate::model::Notice;
use crate::transport::chip::ChipState;

/// How a code came that was not typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    Link,
    Camera,
    Picture,
    Text,
}

/// The form's state. A handle: copies are the same form.
#[derive(Clone, Copy)]
pub(in crate::ui) struct Add {
    /// What stands in the field.
    typed: RwSignal<String>,
    /// The fields of a code in parts, and whether they are used.
    parts: RwSignal<Parts>,
    by_parts: RwSignal<bool>,
    /// A code that came otherwise: it goes before what is typed.
    arrived: RwSignal<Option<(ActivationCode, Origin)>>,
    /// Several codes to choose from.
    choice: RwSignal<Vec<ActivationCode>>,
    choice_origin: RwSignal<Origin>,
    problem: RwSignal<Option<Problem>>,
    /// The field of the parts that the problem is about.
    field: RwSignal<Option<Field>>,
    /// A picture is being read.
    reading: RwSignal<bool>,
    camera: RwSignal<bool>,
    /// Something is held over the phone.
    dropping: RwSignal<bool>,
    reader: StoredValue<Rc<Reader>, LocalStorage>,
    button: NodeRef<Button>,
    file: NodeRef<Input>,
}

impl Add {
    fn new() -> Self {
        let reader = document().body().and_then(|body| body.dataset().get("qr")).unwrap_or_default();
        Self {
            typed: RwSignal::new(String::new()),
            parts: RwSignal::new(Parts::default()),
            by_parts: RwSignal::new(false),
            arrived: RwSignal::new(None),
            choice: RwSignal::new(Vec::new()),
            choice_origin: RwSignal::new(Origin::Text),
            problem: RwSignal::new(None),
            field: RwSignal::new(None),
            reading: RwSignal::new(false),
            camera: RwSignal::new(false),
            dropping: RwSignal::new(false),
            reader: StoredValue::new_local(Rc::new(Reader::new(reader))),
            button: NodeRef::new(),
            file: NodeRef::new(),
        }
    }

    /// Nothing is known of any code.
    fn clear(self) {
        self.typed.set(String::new());
        self.parts.set(Parts::default());
        self.forget();
    }

    /// What came otherwise, and what was said of it, no longer counts.
    fn forget(self) {
        self.arrived.set(None);
        self.choice.set(Vec::new());
        self.problem.set(None);
        self.field.set(None);
    }

    /// The code there is now, and why there is none; tracked.
    fn code(self) -> Result<ActivationCode, (Option<Field>, Outcome)> {
        let wrong = |error| Outcome::Problem(Problem::Code(error));
        if let Some((code, _)) = self.arrived.get() {
            return Ok(code);
        }
        if self.by_parts.get() {
            return self.parts.with(Parts::code).map_err(|(field, error)| (Some(field), wrong(error)));
        }
        match self.typed.with(|typed| text::read(typed)) {
            Outcome::Code(code) => Ok(code),
            other => Err((None, other)),
        }
    }

    /// Takes what came of looking for a code.
    fn arrive(self, outcome: Outcome, origin: Origin) {
        self.forget();
        match outcome {
            Outcome::Code(code) => {
                self.typed.set(String::new());
                self.arrived.set(Some((code, origin)));
                self.focus();
            }
            Outcome::Choice(codes) => {
                self.choice_origin.set(origin);
                self.choice.set(codes);
            }
            Outcome::Problem(problem) => self.problem.set(Some(problem)),
        }
    }

    /// What is next is to look at the code and to press the button.
    fn focus(self) {
        let focus = move || {
            if let Some(button) = self.button.try_get_untracked().flatten() {
                let _ = button.focus();
            }
        };
        set_timeout(focus, std::time::Duration::ZERO);
    }

    /// Looks for a code in what the person has brought.
    fn bring(self, brought: Brought) {
        let origin = if matches!(brought, Brought::Text(_)) { Origin::Text } else { Origin::Picture };
        let reader = self.reader.get_value();
        self.camera.set(false);
        self.reading.set(true);
        spawn_local(async move {
            let outcome = brought.read(&reader).await;
            self.reading.set(false);
            self.arrive(outcome, origin);
        });
    }

    fn choose_file(self) {
        if let Some(file) = self.file.get_untracked() {
            file.click();
        }
    }
}

/// Adding an eSIM.
#[component]
pub(super) fn AddEsim() -> impl IntoView {
    let Context { model, phone, say, .. } = context();
    let add = Add::new();
    listen(add);
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        match untrack(|| add.code()) {
            Ok(code) => {
                add.problem.set(None);
                add.field.set(None);
                phone.download(model.slot.get_untracked(), code);
            }
            Err((field, outcome)) => {
                model.notice.set(None);
                add.field.set(field);
                match outcome {
                    Outcome::Problem(problem) => add.problem.set(Some(problem)),
                    other => add.arrive(other, Origin::Text),
                }
            }
        }
    };
    // A code stays until it has been used: the person may have to come back to it.
    Effect::new(move |_| {
        let used = |notice: &Option<Notice>| notice.as_ref().is_some_and(|notice| notice.switch_to.is_some());
        if model.notice.with(used) {
            add.clear();
        }
    });
    // The operator's view offers one; it is read as if it had been pasted.
    Effect::new(move |_| {
        if let Some(code) = model.offered.get() {
            model.offered.set(None);
            add.bring(Brought::Text(code));
        }
    });
    let busy = move || model.task.with(Option::is_some) || !model.shown_chip().state.with(ChipState::answers);
    let found = Memo::new(move |_| add.code().ok());
    let help = move || {
        if add.reading.get() {
            return Text::new("Reading the picture…", "画像を読み取っています…").owned();
        }
        match add.problem.get() {
            Some(problem) => problem.words(),
            None => Text::new(
                "Paste the code that the operator gave you, or bring its QR code: scan it, choose or paste a picture, or drop it here.",
                "事業者から受け取ったコードを貼り付けるか、QR コードを読み取ってください。画像の選択・貼り付け・ドロップもできます。",
            )
            .owned(),
        }
    };
    view! {
        <form class="add" data-testid="add" on:submit=submit>
            {move || if add.by_parts.get() { later::shown(later::Part::InParts(add)) } else { whole(add).into_any() }}
            <p id="code-help" class="help" role="status" class:wrong=move || add.problem.with(Option::is_some)>
                <bdi>{move || say.now(help())}</bdi>
            </p>
            <div class="ways" role="group" aria-label=say.of(Text::new("Other ways to enter a code", "そのほかの入力方法"))>
                <button type="button" on:click=move |_| add.camera.set(true)>
                    {icons::camera()}
                    {say.of(Text::new("Scan", "スキャン"))}
                </button>
                <button type="button" on:click=move |_| add.choose_file()>
                    {icons::picture()}
                    {say.of(Text::new("Picture", "画像"))}
                </button>
                <button
                    type="button"
                    aria-pressed=move || add.by_parts.get().to_string()
                    on:click=move |_| {
                        add.forget();
                        add.by_parts.update(|by_parts| *by_parts = !*by_parts);
                    }
                >
                    {icons::parts()}
                    {say.of(Text::new("In parts", "項目別"))}
                </button>
                <input
                    node_ref=add.file
                    type="file"
                    accept="image/*"
                    hidden
                    aria-label=say.of(Text::new("Picture of a QR code", "QR コードの画像"))
                    on:change=move |event| {
                        let input: web_sys::HtmlInputElement = event_target(&event);
                        let file = input.files().and_then(|files| files.get(0));
                        // The same file may be chosen again.
                        input.set_value("");
                        if let Some(file) = file {
                            add.bring(Brought::File(file));
                        }
                    }
                />
            </div>
            {move || choice(add)}
            {move || found.get().map(|code| says(add, &code))}
            <button node_ref=add.button type="submit" class="primary wide" disabled=busy>
                {say.of(Text::new("Add eSIM", "eSIM を追加"))}
            </button>
            <Links/>
            <div class="drop-here" class:shown=add.dropping aria-hidden="true">
                {icons::picture()}
                <strong>{say.of(Text::new("Drop it on the phone", "電話の上にドロップ"))}</strong>
                <span>{say.of(Text::new("A picture of the QR code, or the code as text", "QR コードの画像、またはコードの文字列"))}</span>
            </div>
        </form>
        <Modal
            open=Signal::derive(move || add.camera.get())
            on_cancel=move || add.camera.set(false)
            label=Text::new("Scan the QR code", "QR コードを読み取る")
        >
            {later::shown(later::Part::Scanner(Sight {
                reader: add.reader,
                found: Callback::new(move |(outcome,)| {
                    add.camera.set(false);
                    add.arrive(outcome, Origin::Camera);
                }),
                close: Callback::new(move |()| add.camera.set(false)),
                choose: Callback::new(move |()| add.choose_file()),
            }))}
        </Modal>
    }
}

/// The code in one line.
fn whole(add: Add) -> impl IntoView {
    let Context { model, say, .. } = context();
    let pasted = StoredValue::new(false);
    view! {
        <label for="code">{say.of(Text::new("Activation code", "アクティベーションコード"))}</label>
        <input
            id="code"
            name="code"
            type="text"
            autocomplete="off"
            autocapitalize="none"
            spellcheck="false"
            placeholder="LPA:1$server$token"
            aria-describedby="code-help"
            aria-invalid=move || add.problem.with(|problem| problem.as_ref().is_some_and(Problem::is_about_text)).to_string()
            prop:value=add.typed
            on:paste=move |_| pasted.set_value(true)
            on:input=move |event| {
                add.forget();
                add.typed.set(event_target_value(&event));
                // What is typed is judged when it is done; what is pasted is done.
                if pasted.get_value() {
                    pasted.set_value(false);
                    if let Err((_, outcome)) = untrack(|| add.code()) {
                        model.notice.set(None);
                        match outcome {
                            Outcome::Problem(problem) => add.problem.set(Some(problem)),
                            other => add.arrive(other, Origin::Text),
                        }
                    }
                }
            }
        />
    }
}

/// The code in parts.
pub(in crate::ui) fn parts(add: Add) -> impl IntoView {
    let say = context().say;
    let field =
        move |which: Field, label: Text, placeholder: &'static str, set: fn(&mut Parts) -> &mut String| {
            let invalid = move || (add.field.get() == Some(which)).to_string();
            view! {
                <label>
                    {say.of(label)}
                    <input
                        type="text"
                        autocomplete="off"
                        autocapitalize="none"
                        spellcheck="false"
                        placeholder=placeholder
                        aria-describedby="code-help"
                        aria-invalid=invalid
                        prop:value=move || add.parts.with(|parts| set(&mut parts.clone()).clone())
                        on:input=move |event| {
                            add.forget();
                            add.parts.update(|parts| *set(parts) = event_target_value(&event));
                        }
                    />
                </label>
            }
        };
    view! {
        <fieldset class="parts">
            <legend>{say.of(Text::new("The code’s parts", "コードの各項目"))}</legend>
            {field(
                Field::Server,
                Text::new("Server (SM-DP+ address)", "サーバー（SM-DP+ アドレス）"),
                "smdp.example.com",
                |parts| &mut parts.server,
            )}
            {field(
                Field::MatchingId,
                Text::new("Matching ID (may be empty)", "マッチング ID（空欄可）"),
                "04386-AGYFT-A74Y8-3F815",
                |parts| &mut parts.matching_id,
            )}
            {field(
                Field::Oid,
                Text::new("Server’s OID (if there is one)", "サーバーの OID（ある場合）"),
                "2.999.10",
                |parts| &mut parts.oid,
            )}
            <label class="check">
                <input
                    type="checkbox"
                    prop:checked=move || add.parts.with(|parts| parts.confirmation)
                    on:change=move |event| {
                        add.forget();
                        add.parts.update(|parts| parts.confirmation = event_target_checked(&event));
                    }
                />
                {say.of(Text::new("A confirmation code comes with it", "確認コードが必要"))}
            </label>
        </fieldset>
    }
}

/// Several codes, one of which the person takes.
fn choice(add: Add) -> Option<impl IntoView> {
    let say = context().say;
    let codes = add.choice.get();
    (!codes.is_empty()).then(|| {
        let buttons = codes.into_iter().map(|code| {
            let (server, shown) = (code.smdp_address.clone(), shown_id(&code));
            view! {
                <li>
                    <button type="button" on:click=move |_| {
                        let origin = add.choice_origin.get_untracked();
                        add.arrive(Outcome::Code(code.clone()), origin);
                    }>
                        <span class="server">{server}</span>
                        <code>{move || say.now(shown.clone())}</code>
                    </button>
                </li>
            }
        });
        view! {
            <div class="choice" role="group" aria-label=say.of(Text::new("Several codes", "複数のコード")) data-testid="code-choice">
                <p>{say.of(Text::new(
                    "There are several activation codes in it. Which one do you want?",
                    "アクティベーションコードが複数あります。どれを使いますか？",
                ))}</p>
                <ul>{buttons.collect_view()}</ul>
            </div>
        }
    })
}

/// The matching id as it may be shown.
fn shown_id(code: &ActivationCode) -> Text<String> {
    let id = code.matching_id.to_string();
    if id.is_empty() {
        return Text::new("none", "なし").owned();
    }
    let hidden = context().hidden.get();
    let shown = match id.char_indices().nth_back(4) {
        Some((at, _)) if hidden && at > 0 => format!("…{}", id.get(at..).unwrap_or_default()),
        _ => id,
    };
    Text::new(shown.clone(), shown)
}

/// What a code says, before anything is done with it.
fn says(add: Add, code: &ActivationCode) -> impl IntoView + use<> {
    let say = context().say;
    let server = code.smdp_address.clone();
    let id = shown_id(code);
    let oid = code.smdp_oid.as_ref().map(ToString::to_string);
    let confirmation = if code.confirmation_code_required {
        Text::new("will be asked for: have it ready", "入力を求められます。手元に用意してください")
    } else {
        Text::new("none announced", "不要の見込み")
    };
    let no_id = code.matching_id.to_string().is_empty();
    let origin = add.arrived.with(|arrived| arrived.as_ref().map(|(_, origin)| *origin));
    let title = match origin {
        None => Text::new("What the code says", "コードの内容"),
        Some(Origin::Link) => Text::new("A link brought this code", "リンクから受け取ったコード"),
        Some(Origin::Camera) => Text::new("The camera read this code", "カメラで読み取ったコード"),
        Some(Origin::Picture) => Text::new("The picture holds this code", "画像から読み取ったコード"),
        Some(Origin::Text) => Text::new("The text holds this code", "文字列から見つけたコード"),
    };
    view! {
        <section class="says" aria-labelledby="code-says-title" data-testid="code-says">
            <h3 id="code-says-title">{say.of(title)}</h3>
            <dl>
                <dt>{say.of(Text::new("Server", "サーバー"))}</dt>
                <dd class="digits" data-testid="code-server">{server}</dd>
                <dt>{say.of(Text::new("Matching ID", "マッチング ID"))}</dt>
                <dd class="digits">{move || say.now(id.clone())}</dd>
                {oid.map(|oid| view! {
                    <dt>{say.of(Text::new("Server’s OID", "サーバーの OID"))}</dt>
                    <dd class="digits">{oid}</dd>
                })}
                <dt>{say.of(Text::new("Confirmation code", "確認コード"))}</dt>
                <dd>{say.of(confirmation)}</dd>
            </dl>
            {no_id.then(|| view! {
                <p class="help">{say.of(Text::new(
                    "Without a matching ID the server looks for what is ordered for this chip.",
                    "マッチング ID がないので、サーバーはこのチップ宛ての注文を探します。",
                ))}</p>
            })}
            {(origin == Some(Origin::Link)).then(|| view! {
                <p class="help">{say.of(Text::new(
                    "Go on only if you expected it: anybody can make such a link.",
                    "このようなリンクは誰でも作れます。心当たりがある場合だけ続けてください。",
                ))}</p>
            })}
            <p class="help">{say.of(Text::new(
                "Nothing has been sent yet. The server is asked next; you see the profile before it is installed.",
                "まだ何も送信していません。次にサーバーへ問い合わせます。インストールの前にプロファイルを確認できます。",
            ))}</p>
            {origin.map(|_| view! {
                <button type="button" class="quiet" on:click=move |_| add.clear()>
                    {say.of(Text::new("Discard", "破棄"))}
                </button>
            })}
        </section>
    }
}

/// What reaches the form from elsewhere on the page: links, the clipboard, things dropped.
fn listen(add: Add) {
    let Context { model, view, .. } = context();
    let follow = move || {
        let Some(code) = hash().and_then(|hash| link::code_in(&hash)) else { return };
        // A code is nothing for the history, and a reload does not bring it again.
        if let Some(history) = web_sys::window().and_then(|window| window.history().ok()) {
            let _ = history.replace_state_with_url(&JsValue::NULL, "", Some("#phone"));
        }
        model.notice.set(None);
        add.camera.set(false);
        add.arrive(text::read(&code), Origin::Link);
    };
    follow();
    let pasted = move |event: web_sys::ClipboardEvent| {
        let Some(data) = event.clipboard_data().filter(|_| !event.default_prevented()) else { return };
        let target = element(event.target());
        let within = |selector: &str| within(target.as_ref(), selector);
        let elsewhere = within("input, textarea, select, dialog") && !within("form.add, .viewfinder");
        let has_file = data.files().is_some_and(|files| files.length() > 0);
        let is_ours = if has_file {
            !elsewhere
        } else {
            // In a field the browser puts text itself.
            !within("input, textarea, select, dialog")
                && (view.get_untracked() == View::Phone || within("section.phone"))
        };
        if is_ours {
            event.prevent_default();
            model.notice.set(None);
            add.bring(Brought::of(&data));
        }
    };
    let over = move |event: web_sys::DragEvent| {
        let Some(data) = event.data_transfer().filter(|_| !event.default_prevented()) else { return };
        let target = element(event.target());
        let on_phone = within(target.as_ref(), "section.phone");
        if on_phone && !takes_text(target.as_ref(), &data) {
            event.prevent_default();
            data.set_drop_effect("copy");
        } else if is_file(&data) {
            // Else the browser would leave the page for it.
            event.prevent_default();
            data.set_drop_effect("none");
        }
        add.dropping.set(on_phone);
    };
    let dropped = move |event: web_sys::DragEvent| {
        add.dropping.set(false);
        let Some(data) = event.data_transfer().filter(|_| !event.default_prevented()) else { return };
        let target = element(event.target());
        if within(target.as_ref(), "section.phone") && !takes_text(target.as_ref(), &data) {
            event.prevent_default();
            model.notice.set(None);
            add.bring(Brought::of(&data));
        } else if is_file(&data) {
            event.prevent_default();
        }
    };
    let left = move |event: web_sys::DragEvent| {
        if !within(element(event.related_target()).as_ref(), "section.phone") {
            add.dropping.set(false);
        }
    };
    let listeners = (
        window_event_listener(ev::hashchange, move |_| follow()),
        window_event_listener(ev::paste, pasted),
        window_event_listener(ev::dragover, over),
        window_event_listener(ev::drop, dropped),
        window_event_listener(ev::dragleave, left),
    );
    on_cleanup(move || {
        listeners.0.remove();
        listeners.1.remove();
        listeners.2.remove();
        listeners.3.remove();
        listeners.4.remove();
    });
}

fn hash() -> Option<String> {
    document().location()?.hash().ok()
}

fn element(target: Option<EventTarget>) -> Option<Element> {
    target?.dyn_into().ok()
}

fn within(element: Option<&Element>, selector: &str) -> bool {
    element.is_some_and(|element| element.closest(selector).ok().flatten().is_some())
}

fn is_file(data: &DataTransfer) -> bool {
    data.types().iter().any(|name| name.as_string().as_deref() == Some("Files"))
}

/// Whether what is dropped is text over a field, which the browser puts there itself.
fn takes_text(target: Option<&Element>, data: &DataTransfer) -> bool {
    !is_file(data) && within(target, "input, textarea")
}
