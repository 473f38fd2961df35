//! The certificates of a chip and of its manufacturer, as the chip has shown them to a server.

use leptos::prelude::*;
use words::Text;

use super::super::digits::{Copy, Number};
use super::super::{Context, context, preference};
use crate::look::certificates::{Certificate, answer, read};
use crate::model::Slot;

#[component]
pub(super) fn Certificates(slot_shown: Slot) -> impl IntoView {
    let Context { model, say, .. } = context();
    let slot = slot_shown;
    let chip = model.chip(slot);
    let seen = Memo::new(move |_| {
        // What a chip shows it shows in a task.
        model.task.track();
        let since = chip.since.get();
        let now = model.record.with_untracked(|trace| {
            let own = |message: &&trace::Message| message.to == slot.party() && message.at >= since;
            trace.messages().rev().filter(own).find_map(answer)
        });
        let kept = preference::certificates(slot);
        match now {
            Some(now) => {
                preference::write(&kept, &hex::encode(&now));
                Some(now)
            }
            None => hex::decode(preference::read(&kept)?).ok(),
        }
    });
    let shown = move || {
        let certificates = seen.with(|seen| seen.as_deref().and_then(read));
        // Of another chip, or of this one under another issuer, they are not this chip's.
        let certificates = certificates.filter(|certificates| {
            chip.info.with(|info| {
                info.as_ref().is_some_and(|info| {
                    let issuers = info.info.iter().flat_map(|told| &told.ci_pk_ids_for_signing);
                    certificates.euicc.eid.as_deref() == Some(info.eid.to_string().as_str())
                        && issuers
                            .into_iter()
                            .any(|key| key.to_string().eq_ignore_ascii_case(&certificates.eum.issuer_key))
                })
            })
        });
        match certificates {
            Some(certificates) => view! {
                <div class="certificates">
                <One what=Text::new("Of the eUICC", "eUICC の証明書") certificate=certificates.euicc testid="euicc-certificate"/>
                <One what=Text::new("Of its manufacturer (EUM)", "製造者 (EUM) の証明書") certificate=certificates.eum testid="eum-certificate"/>
                </div>
            }
            .into_any(),
            None => view! {
                <p class="help">{say.of(Text::new(
                    "A chip shows its certificates to servers only, when it answers AuthenticateServer. This one has not done so here: begin to add an eSIM, and they stand here.",
                    "チップが証明書を見せるのはサーバーだけで、AuthenticateServer の応答に含まれます。このチップはまだ見せていません。eSIM の追加を始めると、ここに表示されます。",
                ))}</p>
            }
            .into_any(),
        }
    };
    view! {
        <details class="more-facts" data-testid="certificates">
            <summary>{say.of(Text::new("Certificates of the chip", "チップの証明書"))}</summary>
            {shown}
        </details>
    }
}

#[component]
fn One(what: Text, certificate: Certificate, testid: &'static str) -> impl IntoView {
    let say = context().say;
    let Certificate { subject, issuer, eid, serial, validity, key, issuer_key, curve, role } = certificate;
    let [from, until] = validity;
    let coded = |name: Text, code: String| {
        let copied = code.clone();
        view! {
            <dt>{say.of(name)}</dt>
            <dd><span class="number-shown"><code>{code}</code><Copy text=copied what=name/></span></dd>
        }
    };
    let plain = |name: Text, value: String| {
        view! { <dt>{say.of(name)}</dt><dd class="digits">{value}</dd> }
    };
    view! {
        <section>
        <h3>{say.of(what)}</h3>
        <dl data-testid=testid>
            {plain(Text::new("Subject", "主体者"), subject)}
            {eid.map(|eid| view! {
                <dt>"EID"</dt>
                <dd><Number number=eid what=Text::new("EID", "EID") groups=true/></dd>
            })}
            {plain(Text::new("Issuer", "発行者"), issuer)}
            {plain(Text::new("Valid from", "有効期間の開始"), from)}
            {plain(Text::new("Valid until", "有効期間の終了"), until)}
            {plain(Text::new("Role", "役割"), role)}
            {plain(Text::new("Curve", "曲線"), curve)}
            {coded(Text::new("Key identifier", "鍵識別子"), key)}
            {coded(Text::new("Issuer’s key", "発行者の鍵"), issuer_key)}
            {coded(Text::new("Serial number", "シリアル番号"), serial)}
        </dl>
        </section>
    }
}
