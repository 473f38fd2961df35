//! What a chip says of itself: EID, EUICCInfo2, addresses (SGP.22 §4.3, §5.7.8).

use leptos::prelude::*;
use lpa::ChipInfo;
use rsp::auth::EuiccInfo2;
use rsp::metadata::PprIds;
use rsp::{CiPkId, Eid};
use words::{Text, text};

use super::super::digits::{Copy, Number};
use super::super::{Context, context, preference};
use crate::capability;
use crate::units::size;

#[component]
pub(super) fn Facts(info: ChipInfo) -> impl IntoView {
    let say = context().say;
    let ChipInfo { eid, info: told, addresses, isd_r_aid } = info;
    let default = addresses.default_dp_address.filter(|address| !address.is_empty());
    let some = |address: Option<String>| match address {
        Some(address) => view! { <span class="digits">{address}</span> }.into_any(),
        None => view! { <span>{say.of(Text::new("none", "なし"))}</span> }.into_any(),
    };
    let root = Some(addresses.root_ds_address).filter(|address| !address.is_empty());
    let aid = hex::encode_upper(&isd_r_aid);
    let aid_copied = aid.clone();
    view! {
        <dl>
            <dt>"EID"</dt>
            <dd><Number number=eid.to_string() what=Text::new("EID", "EID") groups=true testid="eid"/></dd>
            {told.clone().map(|info| view! { <Versions info eid/> })}
            <dt>{say.of(Text::new("Default SM-DP+", "既定の SM-DP+"))}</dt>
            <dd>{some(default)}</dd>
            <dt>{say.of(Text::new("Root SM-DS", "ルート SM-DS"))}</dt>
            <dd>{some(root)}</dd>
            <dt>"ISD-R AID"</dt>
            <dd><span class="number-shown"><code>{aid}</code><Copy text=aid_copied what=Text::new("ISD-R AID", "ISD-R AID")/></span></dd>
        </dl>
        {match told {
            Some(info) => view! { <More info/> }.into_any(),
            None => view! {
                <p class="help" data-testid="untold">{say.of(Text::new(
                    "This chip does not tell its versions, memory and issuers (EUICCInfo2), or in a form that this page does not know. Its profiles can be managed all the same.",
                    "このチップはバージョン、メモリー、発行者 (EUICCInfo2) を通知しないか、このページが対応していない形式で通知しています。プロファイルの管理はできます。",
                ))}</p>
            }.into_any(),
        }}
    }
}

/// What runs in it, and how much is free.
#[component]
fn Versions(info: EuiccInfo2, eid: Eid) -> impl IntoView {
    let Context { say, model, .. } = context();
    let free = info.ext_card_resource.free_non_volatile_memory;
    let most = preference::most_ever_free(model.slot.get_untracked(), eid, free);
    let version = |name: Text, version: String| {
        view! { <dt>{say.of(name)}</dt><dd>{version}</dd> }
    };
    view! {
        <dt>{say.of(Text::new("Memory", "メモリー"))}</dt>
        <dd><Memory free most/></dd>
        {version(Text::new("SGP.22 version", "SGP.22 バージョン"), info.svn.to_string())}
        {version(Text::new("Profile format", "プロファイル形式"), info.profile_version.to_string())}
        {version(Text::new("Firmware", "ファームウェア"), info.firmware_version.to_string())}
        {info.ts102241_version.map(|number| version(Text::new("Java Card", "Java Card"), number.to_string()))}
        {info.globalplatform_version.map(|number| version(Text::new("GlobalPlatform", "GlobalPlatform"), number.to_string()))}
        {info.category.map(|number| view! { <dt>{say.of(Text::new("Category", "カテゴリー"))}</dt><dd>{say.of(capability::category(number))}</dd> })}
    }
}

/// What it can do, and whom it trusts.
#[component]
fn More(info: EuiccInfo2) -> impl IntoView {
    let say = context().say;
    let keys = |list: Vec<CiPkId>| {
        let keys = list.into_iter().map(|key| {
            let (copied, words) = (key.to_string(), lpa::ci_words(&key));
            view! {
                <li>
                    <span>{say.of(words)}</span>
                    <span class="number-shown"><code>{key.to_string()}</code><Copy text=copied what=Text::new("CI key", "CI 鍵")/></span>
                </li>
            }
        });
        view! { <ul class="keys">{keys.collect_view()}</ul> }
    };
    let names = |names: Vec<Text>| {
        let names = names.into_iter().map(|name| view! { <li>{say.of(name)}</li> });
        view! { <ul class="tags">{names.collect_view()}</ul> }
    };
    let resource = info.ext_card_resource;
    let forbidden = info.forbidden_profile_policy_rules;
    let forbidden: Vec<Text> = [
        (PprIds::PPR1, Text::new("PPR1: may not be switched off", "PPR1: オフにできない")),
        (PprIds::PPR2, Text::new("PPR2: may not be deleted", "PPR2: 削除できない")),
    ]
    .into_iter()
    .filter(|(rule, _)| forbidden.contains(*rule))
    .map(|(_, words)| words)
    .collect();
    view! {
        <details class="more-facts" open>
            <summary>{say.of(Text::new("Capabilities", "機能"))}</summary>
            <dl>
                <dt>{say.of(Text::new("Card", "カード"))}</dt>
                <dd>{names(capability::uicc(info.uicc_capability).collect())}</dd>
                <dt>{say.of(Text::new("Provisioning", "プロビジョニング"))}</dt>
                <dd>{names(capability::rsp(info.rsp_capability).collect())}</dd>
                {(!forbidden.is_empty()).then(|| view! {
                    <dt>{say.of(Text::new("Rules never taken", "受け入れないルール"))}</dt>
                    <dd>{names(forbidden)}</dd>
                })}
                <dt>{say.of(Text::new("Applications", "アプリケーション数"))}</dt>
                <dd>{resource.installed_applications}</dd>
                <dt>{say.of(Text::new("Protection profile", "プロテクションプロファイル"))}</dt>
                <dd>{info.pp_version.to_string()}</dd>
                <dt>{say.of(Text::new("SAS accreditation", "SAS 認定番号"))}</dt>
                <dd class="digits">{info.sas_accreditation_number}</dd>
            </dl>
        </details>
        <details class="more-facts">
            <summary>{say.of(Text::new("Certificate issuers", "証明書の発行者"))}</summary>
            <dl>
                <dt>{say.of(Text::new("Trusted", "信頼する鍵"))}</dt>
                <dd>{keys(info.ci_pk_ids_for_verification)}</dd>
                <dt>{say.of(Text::new("Certified under", "認証された鍵"))}</dt>
                <dd>{keys(info.ci_pk_ids_for_signing)}</dd>
            </dl>
        </details>
    }
}

/// How much is free. A chip does not tell how much it has: the bar compares with the most
/// that was ever seen free on it here.
#[component]
fn Memory(free: u32, most: u32) -> impl IntoView {
    let say = context().say;
    let (now, all) = (size(free as usize), size(most as usize));
    let words = text!("{now} free, of {all} that were ever free", "空き {now}（これまでの最大 {all}）");
    view! {
        <span class="memory">
            <meter min="0" max=most.to_string() value=free.to_string() aria-label=say.of(Text::new("Free memory", "空きメモリー"))></meter>
            <span>{say.of(words)}</span>
        </span>
    }
}
