//! Subscribers from a file: chosen, looked at here, sent in pieces.

use std::sync::Arc;

use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;

use super::context;
use super::parts::{
    Failure, Lines, Loader, ProfileLink, Select, Tick, dated, go_on_at, profile_types, read, save,
    type_options,
};
use crate::api::{BatchReport, ProfileType};
use crate::batch::{Batch, Outcome, Shown, check_length, report};
use crate::client::Client;
use crate::route::{Filter, Route, escape};
use crate::words::{Trouble, bytes, count};

/// Rows that are shown before they are sent.
const LOOK: usize = 10;
/// Results that are shown; all of them can be saved.
const RESULTS: usize = 200;

/// A batch that several views look at. Wiped with the last of them.
type Held = Arc<Batch>;

/// How far sending has come.
#[derive(Clone, Default)]
struct Progress {
    /// Rows that were answered.
    outcomes: Vec<Outcome>,
    /// The first row that was not sent yet (0 is the first).
    next: usize,
    running: bool,
    trouble: Option<Trouble>,
    finished: bool,
}

#[component]
pub(super) fn Subscribers() -> impl IntoView {
    let client = context().client;
    let types = profile_types();
    let profile_type = RwSignal::new(String::new());
    let batch = RwSignal::new(None::<Held>);
    let refusal = RwSignal::new(None::<Trouble>);
    let reading = RwSignal::new(false);
    let source = RwSignal::new(String::new());
    let pasted = RwSignal::new(String::new());
    let over = RwSignal::new(false);
    let progress = RwSignal::new(Progress::default());
    let running = Memo::new(move |_| progress.with(|progress| progress.running));

    let take = move |name: String, content: Vec<u8>| {
        progress.set(Progress::default());
        let length = content.len();
        match Batch::read(content) {
            Ok(read) => {
                refusal.set(None);
                source.set(format!(
                    "{name}: {}, {}, {}",
                    read.format(),
                    bytes(length as u64),
                    count(read.len(), "subscriber")
                ));
                batch.set(Some(Arc::new(read)));
            }
            Err(words) => {
                batch.set(None);
                refusal.set(Some(Trouble::new(format!("{name} is not taken."), words)));
            }
        }
    };
    let open = move |file: web_sys::File| {
        if running.get_untracked() || reading.get_untracked() {
            return;
        }
        let length = file.size() as u64;
        if let Err(words) = check_length(length) {
            batch.set(None);
            refusal.set(Some(Trouble::new(format!("{} is not taken.", file.name()), words)));
            return;
        }
        reading.set(true);
        spawn_local(async move {
            let content = read(&file).await;
            if reading.try_set(false).is_some() {
                return;
            }
            match content {
                Ok(content) => take(file.name(), content),
                Err(trouble) => refusal.set(Some(trouble)),
            }
        });
    };
    let choose = move |event: web_sys::Event| {
        let input: Option<web_sys::HtmlInputElement> =
            event.target().and_then(|target| target.dyn_into().ok());
        if let Some(input) = input {
            if let Some(file) = input.files().and_then(|files| files.get(0)) {
                open(file);
            }
            // The same file can be chosen again after it was corrected.
            input.set_value("");
        }
    };
    let drop_file = move |event: web_sys::DragEvent| {
        event.prevent_default();
        over.set(false);
        if let Some(file) = event.data_transfer().and_then(|data| data.files()).and_then(|files| files.get(0))
        {
            open(file);
        }
    };
    let paste = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let text = pasted.get_untracked();
        // The keys in it need not stay in the page.
        pasted.set(String::new());
        take("What you pasted".to_owned(), text.into_bytes());
    };
    let clear = move || {
        batch.set(None);
        refusal.set(None);
        progress.set(Progress::default());
    };
    view! {
        <p class="help">"A table of subscribers (CSV with the names of the columns in its first line, or JSON) becomes profiles that can be ordered. The file is read in your browser first; keys and PINs are never shown."</p>
        <Show when=move || batch.with(Option::is_none)>
            <label
                class="drop"
                class:over=move || over.get()
                on:dragover=move |event: web_sys::DragEvent| { event.prevent_default(); over.set(true); }
                on:dragleave=move |_| over.set(false)
                on:drop=drop_file
            >
                <strong>{move || if reading.get() { "Reading …" } else { "Choose a file, or drop it here" }}</strong>
                <input type="file" accept=".csv,.json,.txt,text/csv,application/json" on:change=choose/>
                <span class="help">"Columns: iccid, imsi, k, opc and, as needed, msisdn, algorithm, spn, pin1, puk1, adm1 …"</span>
            </label>
            <details>
                <summary>"Paste it instead"</summary>
                <form on:submit=paste>
                    <Lines label="Subscribers" id="paste" rows="6" value=pasted help="CSV with a line of names, or JSON"/>
                    <button type="submit" disabled=move || pasted.with(|text| text.trim().is_empty())>"Look at it"</button>
                </form>
            </details>
            {move || refusal.get().map(|trouble| view! { <Failure trouble/> })}
        </Show>
        {move || batch.get().map(|held| view! {
            <Look held source=source.get_untracked() types profile_type progress client clear/>
        })}
    }
}

#[component]
fn Look(
    held: Held,
    source: String,
    types: Loader<Vec<ProfileType>>,
    profile_type: RwSignal<String>,
    progress: RwSignal<Progress>,
    client: Client,
    clear: impl Fn() + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let total = held.len();
    let faulty = held.faulty();
    let sendable = total - faulty;
    let leave_out = RwSignal::new(false);
    let wrong = RwSignal::new(None::<String>);
    let started = Memo::new(move |_| progress.with(|progress| progress.running || progress.next > 0));
    let ready = move || sendable > 0 && (faulty == 0 || leave_out.get());
    let send = {
        let held = Arc::clone(&held);
        move || {
            if profile_type.with_untracked(String::is_empty) {
                wrong.set(Some("Choose the profile type that they get.".to_owned()));
                return;
            }
            wrong.set(None);
            let held = Arc::clone(&held);
            let of_type = profile_type.get_untracked();
            progress.update(|progress| {
                progress.running = true;
                progress.trouble = None;
            });
            spawn_local(send_all(client, held, of_type, progress));
        }
    };
    let start = send.clone();
    let columns = held.columns().to_vec();
    let head = columns.iter().map(|name| view! { <th scope="col">{*name}</th> }).collect_view();
    let rows = (0..total.min(LOOK)).map(|index| {
        let cells = held.preview(index).into_iter().map(|cell| match cell {
            Shown::Text(text) => view! { <td>{text}</td> }.into_any(),
            Shown::Hidden => view! { <td class="hidden">"hidden"</td> }.into_any(),
            Shown::Nothing => view! { <td class="none">"none"</td> }.into_any(),
        });
        view! { <tr><th scope="row">{index + 1}</th>{cells.collect_view()}</tr> }
    });
    let rows = rows.collect_view();
    let faults = held
        .faults()
        .iter()
        .take(100)
        .map(|fault| view! { <li>"Row "{fault.row}": "{fault.words.clone()}</li> });
    let faults = faults.collect_view();
    let unsaid = held.faults().len().saturating_sub(100);
    view! {
        <section class="card" aria-labelledby="look-title">
            <h2 id="look-title">"What is in it"</h2>
            <p>{source}</p>
            <div class="scroll" tabindex="0" role="region" aria-label="The first rows">
                <table class="grid">
                    <caption class="unseen">"The first rows; keys and PINs are hidden"</caption>
                    <thead><tr><th scope="col">"row"</th>{head}</tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
            {(total > LOOK).then(|| view! { <p class="help">{format!("… and {} more", crate::words::digits((total - LOOK) as u64))}</p> })}
        </section>
        {(faulty > 0).then(|| view! {
            <section class="note bad" aria-labelledby="faults-title">
                <h2 id="faults-title">{format!("{} with faults", count(faulty, "row"))}</h2>
                <p>"Row 1 is the first subscriber. Correct the file and choose it again, or leave these rows out."</p>
                <ul class="faults" tabindex="0" aria-label="Faults">{faults}</ul>
                {(unsaid > 0).then(|| view! { <p>"… and "{unsaid}" more"</p> })}
                {(sendable > 0).then(|| view! { <Tick label="Leave these rows out and send the others" value=leave_out/> })}
            </section>
        })}
        <section class="card" aria-label="Send" hidden=move || started.get()>
            <Select label="Profile type" id="batch-type" value=profile_type options=type_options(types, "Choose a type") wrong help="The template of which their profiles are made"/>
            <div class="bar">
                <button type="button" class="main" disabled=move || !ready() on:click=move |_| start()>{format!("Send {}", count(sendable, "subscriber"))}</button>
                <button type="button" on:click=move |_| clear()>"Take another file"</button>
            </div>
        </section>
        <Show when=move || started.get()>
            <Sending progress total again=send.clone() clear profile_type/>
        </Show>
    }
}

/// Sends what is left, piece by piece.
async fn send_all(client: Client, held: Held, profile_type: String, progress: RwSignal<Progress>) {
    let csv_path = format!("subscribers?profileType={}", escape(&profile_type));
    while let Some(next) = progress.try_with_untracked(|progress| progress.next) {
        let Some(chunk) = held.chunk(next, &profile_type) else {
            progress.try_update(|progress| {
                progress.running = false;
                progress.finished = true;
                progress.next = held.len();
            });
            return;
        };
        let path = if chunk.media_type == "text/csv" { csv_path.as_str() } else { "subscribers" };
        let answer = client.post::<BatchReport>(path, chunk.media_type, chunk.expose_body()).await;
        progress.try_update(|progress| match answer {
            Ok(report) => {
                progress.outcomes.extend(held.outcomes(&chunk.rows, &report.results));
                progress.next = chunk.next;
            }
            Err(trouble) => {
                progress.running = false;
                progress.trouble = Some(trouble);
            }
        });
        if progress.try_with_untracked(|progress| progress.running) != Some(true) {
            return;
        }
    }
}

#[component]
fn Sending(
    progress: RwSignal<Progress>,
    total: usize,
    again: impl Fn() + Clone + Send + Sync + 'static,
    clear: impl Fn() + Copy + Send + Sync + 'static,
    profile_type: RwSignal<String>,
) -> impl IntoView {
    let of = move |status: &'static str| {
        progress.with(|progress| progress.outcomes.iter().filter(|outcome| outcome.status == status).count())
    };
    let running = move || progress.with(|progress| progress.running);
    let finished = move || progress.with(|progress| progress.finished);
    let words = move || {
        let (created, replaced, failed) = (of("created"), of("replaced"), of("failed"));
        let left_out = total - progress.with(|progress| progress.outcomes.len());
        let sum = format!("{created} created, {replaced} replaced, {failed} failed");
        match (running(), finished()) {
            (true, _) => format!("Sending … {sum}"),
            (_, true) if left_out > 0 => format!("Done: {sum}, {left_out} left out."),
            (_, true) => format!("Done: {sum}."),
            _ => format!("Stopped: {sum}."),
        }
    };
    let shown = move || {
        // What failed is what the person looks for.
        let mut list = progress.with(|progress| progress.outcomes.clone());
        list.sort_by_key(|outcome| (outcome.status != "failed", outcome.row));
        list.truncate(RESULTS);
        list
    };
    let row = |outcome: Outcome| {
        let tone = if outcome.status == "failed" { "badge bad" } else { "badge good" };
        let iccid = outcome.iccid.clone();
        view! {
            <tr>
                <td class="state"><span class=tone>{outcome.status}</span></td>
                <th scope="row">"Row "{outcome.row}</th>
                <td data-label="ICCID" class="digits">{(!iccid.is_empty()).then(|| view! { <ProfileLink iccid/> })}</td>
                <td data-label="Why">{outcome.detail}</td>
            </tr>
        }
    };
    let save_all = move |_| {
        let text = progress.with_untracked(|progress| report(&progress.outcomes));
        save(&dated("subscribers", "csv"), "text/csv", &text);
    };
    let again = StoredValue::new(again);
    let heading = NodeRef::<leptos::html::H2>::new();
    go_on_at(heading);
    view! {
        <section class="card" aria-labelledby="sent-title">
            <h2 id="sent-title" tabindex="-1" node_ref=heading>"Result"</h2>
            <progress max=total prop:value=move || progress.with(|progress| progress.next as f64) aria-label="Rows that were sent"></progress>
            <p role="status">{words}</p>
            <Show when=running><p class="help">"Stay in this view until it is done: leaving it stops the sending. What was sent stays done."</p></Show>
            {move || progress.with(|progress| progress.trouble.clone()).map(|trouble| view! {
                <Failure trouble/>
                <p>"What was sent is done. To go on with the rest:"</p>
                <button type="button" class="main" on:click=move |_| again.with_value(|again| again())>"Continue"</button>
            })}
            <div class="bar" hidden=running>
                <button type="button" on:click=save_all>"Save the result as CSV"</button>
                <a class="button" href=move || Route::Orders(Filter { profile_type: profile_type.get(), ..Filter::default() }).hash()>"See the profiles"</a>
                <a class="button" href=move || Route::NewOrder(Filter { profile_type: profile_type.get(), ..Filter::default() }).hash()>"Order some"</a>
                <button type="button" on:click=move |_| clear()>"Take another file"</button>
            </div>
            <Show when=move || !running()>
                <table class="cards">
                    <caption class="unseen">"Result of each row, what failed first"</caption>
                    <thead><tr><th scope="col">"Result"</th><th scope="col">"Row"</th><th scope="col">"Profile"</th><th scope="col">"Why"</th></tr></thead>
                    <tbody>{move || shown().into_iter().map(row).collect_view()}</tbody>
                </table>
                {move || (progress.with(|progress| progress.outcomes.len()) > RESULTS).then(|| view! { <p class="help">"Only the first "{RESULTS}" are shown; all of them are in the file that you can save."</p> })}
            </Show>
        </section>
    }
}
