//! To order: one profile, or many at once.

use std::collections::BTreeMap;

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::order::ActivationCode;
use super::orders::name as orders_name;
use super::parts::{
    Badge, Failure, Field, Help, Lines, ProfileLink, Select, Tick, dated, go_on_at, profile_types, save,
    type_options,
};
use super::sheet::{Label, Labels};
use super::{context, go};
use crate::api::{NewOrders as Request, OrderResult, OrderResults, ProfilePage};
use crate::batch::table;
use crate::order::{Form, Matching, Wrong, eids, orders, unchecked};
use crate::route::{Filter, Route};
use crate::words::{Trouble, count};

/// What was ordered and what came of it.
#[derive(Clone, PartialEq)]
struct Made {
    results: Vec<OrderResult>,
    /// By ICCID, as far as they are known.
    names: BTreeMap<String, String>,
}

#[component]
pub(super) fn NewOrders(filter: Filter) -> impl IntoView {
    let client = context().client;
    let by_iccid = RwSignal::new(!filter.iccid.is_empty());
    let profile_type = RwSignal::new(filter.profile_type);
    let iccids = RwSignal::new(filter.iccid);
    let number = RwSignal::new("1".to_owned());
    let for_eids = RwSignal::new(false);
    let eid_list = RwSignal::new(String::new());
    let matching = RwSignal::new(Matching::Generated);
    let matching_id = RwSignal::new(String::new());
    let confirmation_code = RwSignal::new(String::new());
    let discovery = RwSignal::new(false);
    let smds_address = RwSignal::new(String::new());
    let release = RwSignal::new(true);
    let wrong = RwSignal::new(None::<Wrong>);
    let trouble = RwSignal::new(None::<Trouble>);
    let busy = RwSignal::new(false);
    let made = RwSignal::new(None::<Made>);

    let form = move || Form {
        by_iccid: by_iccid.get(),
        profile_type: profile_type.get(),
        iccids: iccids.get(),
        eids: if for_eids.get() { eid_list.get() } else { String::new() },
        count: number.get(),
        matching: matching.get(),
        matching_id: matching_id.get(),
        confirmation_code: confirmation_code.get(),
        discovery: discovery.get(),
        smds_address: smds_address.get(),
        release: release.get(),
    };
    let wrong_at = move |field: &'static str| {
        Signal::derive(move || wrong.get().filter(|wrong| wrong.field == field).map(|wrong| wrong.words))
    };
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        wrong.set(None);
        trouble.set(None);
        if for_eids.get_untracked() && eid_list.with_untracked(|text| text.trim().is_empty()) {
            wrong.set(Some(Wrong {
                field: "eids",
                words: "Enter the EIDs, or choose “any device”.".to_owned(),
            }));
            return;
        }
        let list = match untrack(|| orders(&form())) {
            Ok(list) => list,
            Err(first) => return wrong.set(Some(first)),
        };
        busy.set(true);
        spawn_local(async move {
            let answer = client.send_json::<OrderResults>("POST", "orders", &Request { orders: &list }).await;
            // The results do not say what the profiles are called; what was just changed comes first.
            let names = match &answer {
                Ok(_) => client.get::<ProfilePage>("profiles?limit=200").await.unwrap_or_default().profiles,
                Err(_) => Vec::new(),
            };
            let names = names.into_iter().map(|line| (line.iccid.clone(), orders_name(&line))).collect();
            busy.try_set(false);
            match answer {
                Ok(OrderResults { results }) => {
                    drop(made.try_set(Some(Made { results, names })));
                }
                Err(told) if told.passing => {
                    let next =
                        "Look at the list of orders before you try again: the server may have made some.";
                    drop(trouble.try_set(Some(Trouble { next: next.to_owned(), ..told })));
                }
                Err(told) => drop(trouble.try_set(Some(told))),
            }
        });
    };
    let types = profile_types();
    let how_many = move || {
        let form = form();
        orders(&form)
            .map_or_else(|_| String::new(), |list| format!("This makes {}.", count(list.len(), "order")))
    };
    let doubtful = move || {
        let doubtful = eids(&eid_list.get()).map_or(0, |all| unchecked(&all));
        (for_eids.get() && doubtful > 0).then(|| {
            format!(
                "The check digits of {} are wrong. Test devices have such; else look at the digits again.",
                count(doubtful, "EID")
            )
        })
    };
    let radio = move |name: &'static str,
                      words: &'static str,
                      on: Signal<bool>,
                      choose: fn(RwSignal<bool>),
                      of: RwSignal<bool>| {
        view! { <label><input type="radio" name=name prop:checked=on on:change=move |_| choose(of)/><span>{words}</span></label> }
    };
    view! {
        <Show when=move || made.with(Option::is_none)>
        <form class="form" on:submit=submit>
            <fieldset>
                <legend>"Which profile"</legend>
                <div class="choice">
                    {radio("which", "The next free one of a type", Signal::derive(move || !by_iccid.get()), |s| s.set(false), by_iccid)}
                    {radio("which", "Certain ones, by ICCID", Signal::from(by_iccid), |s| s.set(true), by_iccid)}
                </div>
                <Show
                    when=move || by_iccid.get()
                    fallback=move || view! {
                        <Select label="Profile type" id="type" value=profile_type options=type_options(types, "Choose a type") wrong=wrong_at("type")/>
                    }
                >
                    <Lines label="ICCIDs" id="iccids" rows="3" value=iccids wrong=wrong_at("iccids") help="One for each line"/>
                </Show>
            </fieldset>
            <fieldset>
                <legend>"For whom"</legend>
                <div class="choice">
                    {radio("whom", "Any device: who has the code may download", Signal::derive(move || !for_eids.get()), |s| s.set(false), for_eids)}
                    {radio("whom", "Certain devices, by EID (kitting)", Signal::from(for_eids), |s| s.set(true), for_eids)}
                </div>
                <Show when=move || for_eids.get()>
                    <Lines label="EIDs" id="eids" rows="5" value=eid_list wrong=wrong_at("eids") help="32 digits each, one for each line: an order is made for each"/>
                    {move || doubtful().map(|words| view! { <p class="note">{words}</p> })}
                </Show>
                <Show when=move || !for_eids.get() && !by_iccid.get()>
                    <Field label="How many" id="count" value=number digits=true wrong=wrong_at("count") help="Up to 80 at once"/>
                </Show>
            </fieldset>
            <fieldset>
                <legend>"How it is found"</legend>
                <div class="choice">
                    <label><input type="radio" name="matching" prop:checked=move || matching.get() == Matching::Generated on:change=move |_| matching.set(Matching::Generated)/><span>"By an activation code with a matching id that the server makes"</span></label>
                    <label><input type="radio" name="matching" prop:checked=move || matching.get() == Matching::Given on:change=move |_| matching.set(Matching::Given)/><span>"By an activation code with my own matching id"</span></label>
                    <label><input type="radio" name="matching" prop:checked=move || matching.get() == Matching::None on:change=move |_| matching.set(Matching::None)/><span>"By EID alone, without a code (default SM-DP+)"</span></label>
                </div>
                <Show
                    when=move || matching.get() == Matching::Given
                    fallback=move || view! { <Help id="matching" help="" wrong=wrong_at("matching")/> }
                >
                    <Field label="Matching id" id="matching" value=matching_id wrong=wrong_at("matching") help="Capital letters, digits and hyphens"/>
                </Show>
                <Tick label="Register a discovery event at an SM-DS" value=discovery help="Needs an EID"/>
                <Show when=move || discovery.get() fallback=move || view! { <Help id="smds" help="" wrong=wrong_at("smds")/> }>
                    <Field label="Address of the SM-DS" id="smds" value=smds_address wrong=wrong_at("smds") help="A host name; empty for the root SM-DS"/>
                </Show>
            </fieldset>
            <fieldset>
                <legend>"Release"</legend>
                <Field label="Confirmation code" id="code" value=confirmation_code help="Empty: none is asked for. Give it to the subscriber apart from the activation code; it can’t be shown again."/>
                <Tick label="Release now" value=release help="Else the order waits until you release it."/>
            </fieldset>
            {move || trouble.get().map(|trouble| view! { <Failure trouble/> })}
            <div class="bar">
                <button type="submit" class="main">{move || if busy.get() { "Ordering …" } else { "Order" }}</button>
                <span role="status">{how_many}</span>
            </div>
        </form>
        </Show>
        {move || made.get().map(|done| view! { <Results made=done again=move || made.set(None)/> })}
    }
}

#[component]
fn Results(made: Made, again: impl Fn() + Send + Sync + 'static) -> impl IntoView {
    let Made { results, names } = made;
    let heading = NodeRef::<leptos::html::P>::new();
    go_on_at(heading);
    let refused = results.iter().filter(|result| result.refused.is_some()).count();
    let good = results.len() - refused;
    let labels: Vec<Label> = results
        .iter()
        .filter(|result| result.refused.is_none())
        .filter_map(|result| {
            let iccid = result.iccid.clone()?;
            Some(Label {
                name: names.get(&iccid).cloned().unwrap_or_default(),
                iccid,
                code: result.activation_code.clone()?,
            })
        })
        .collect();
    let single = match results.as_slice() {
        [only] => only.activation_code.clone().map(|code| (code, only.state)),
        _ => None,
    };
    let many = results.len() > 1;
    let csv = {
        let results = results.clone();
        move |_| {
            let rows = results.iter().map(|result| {
                let state = result.state.map_or("", crate::state::ProfileState::name);
                let because =
                    result.refused.as_ref().map(|code| Trouble::refused(code).what).unwrap_or_default();
                vec![
                    result.iccid.clone().unwrap_or_default(),
                    state.to_owned(),
                    result.activation_code.clone().unwrap_or_default(),
                    because,
                ]
            });
            save(
                &dated("orders", "csv"),
                "text/csv",
                &table(&["iccid", "state", "activationCode", "refused"], rows),
            );
        }
    };
    let row = |result: OrderResult| {
        let iccid = result.iccid.clone().unwrap_or_default();
        let linked = iccid.clone();
        view! {
            <tr>
                <td class="state">{result.state.filter(|_| result.refused.is_none()).map(|state| view! { <Badge state/> })}
                    {result.refused.is_some().then(|| view! { <span class="badge bad">"Refused"</span> })}</td>
                <th scope="row">{if iccid.is_empty() {
                    "no profile".into_any()
                } else {
                    view! { <ProfileLink iccid=linked/> }.into_any()
                }}</th>
                <td data-label="ICCID" class="digits">{iccid}</td>
                <td data-label="Activation code">{match (result.refused, result.activation_code) {
                    (Some(code), _) => {
                        let trouble = Trouble::refused(&code);
                        view! { <p>{trouble.what}" "{trouble.next}</p><p class="codes">{trouble.codes}</p> }.into_any()
                    }
                    (None, Some(code)) => view! { <code>{code}</code> }.into_any(),
                    (None, None) => "none: found by EID".into_any(),
                }}</td>
            </tr>
        }
    };
    let (note, words) = match (good, refused) {
        (good, 0) => ("note good", format!("Made: {}.", count(good, "order"))),
        (0, 1) => ("note bad", "The order was refused; nothing was changed.".to_owned()),
        (0, _) => ("note bad", "All orders were refused; nothing was changed.".to_owned()),
        (good, refused) => (
            "note bad",
            format!("{} made, {refused} refused. The reasons are in the list.", count(good, "order")),
        ),
    };
    view! {
        <p class=note role="status" tabindex="-1" node_ref=heading>{words}</p>
        <div class="bar">
            <button type="button" class="main" on:click=move |_| again()>"Order again"</button>
            <button type="button" on:click=move |_| go(&Route::Orders(Filter::default()))>"All orders"</button>
            <button type="button" on:click=csv>"Save as CSV"</button>
        </div>
        {single.map(|(code, state)| view! { <ActivationCode code usable=state.is_some_and(crate::state::ProfileState::is_open)/> })}
        <table class="cards">
            <caption class="unseen">"Orders that were asked for"</caption>
            <thead><tr><th scope="col">"State"</th><th scope="col">"Order"</th><th scope="col">"ICCID"</th><th scope="col">"Activation code"</th></tr></thead>
            <tbody>{results.into_iter().map(row).collect_view()}</tbody>
        </table>
        {(many && !labels.is_empty()).then(|| view! { <Labels labels/> })}
    }
}
