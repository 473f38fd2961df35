//! What was done, for people.

use rsp::metadata::StoreMetadata;
use words::{Text, text};

use crate::failure::printable;
use crate::procedure::{NotificationReport, Outcome, Refresh};
use crate::words::cancel_words;

impl Outcome {
    /// What was done, in plain words.
    #[must_use]
    pub fn words(&self) -> Text<String> {
        match self {
            Self::Installed { metadata, .. } => {
                let Text { en, ja } = name_of(metadata);
                Text {
                    en: format!("{en} is installed. It is off: switch to it to use its service."),
                    ja: format!("{ja}をインストールしました。まだ無効です。利用するには切り替えてください。"),
                }
            }
            Self::Profiles(list) => {
                let count = list.len();
                text!("Profiles on the chip: {count}.", "チップにあるプロファイルは{count}個です。")
            }
            Self::Chip(_) => text!("The chip is read.", "チップを読み取りました。"),
            Self::Server(_) => text!(
                "Chip and server trust the same certificate issuer.",
                "チップとサーバーは同じ認証局を信頼しています。"
            ),
            Self::Events(events) if events.is_empty() => {
                text!("No profile waits for this chip.", "このチップを待っているプロファイルはありません。")
            }
            Self::Events(events) => {
                let count = events.len();
                text!(
                    "Profiles that wait for this chip: {count}.",
                    "このチップを待っているプロファイルが{count}個あります。"
                )
            }
            Self::Switched { refresh: None, .. } => {
                text!("The profile was in that state already.", "プロファイルはすでにその状態でした。")
            }
            Self::Switched { refresh: Some(Refresh::Proactive | Refresh::Reset), .. } => {
                text!("The chip has switched.", "チップが切り替わりました。")
            }
            Self::Deleted { .. } => text!("The profile is deleted.", "プロファイルを削除しました。"),
            Self::Reset { .. } => {
                text!("The chip's memory is reset.", "チップのメモリーをリセットしました。")
            }
            Self::Addresses(addresses) => match &addresses.default_dp_address {
                Some(address) => {
                    let address = printable(address);
                    text!("The default server is {address}.", "既定のサーバーを {address} に設定しました。")
                }
                None => text!("There is no default server now.", "既定のサーバーの設定を削除しました。"),
            },
            Self::Notifications(reports) => notified(reports),
            Self::Waiting(list) => {
                let count = list.len();
                text!("Notifications that wait: {count}.", "未送信の通知は{count}件です。")
            }
            Self::Cancelled(reason) => {
                let Text { en, ja } = cancel_words(*reason);
                Text {
                    en: format!("The operator's server knows that the download was given up: {en}."),
                    ja: format!("ダウンロードの取り消しを通信事業者のサーバーに伝えました（{ja}）。"),
                }
            }
        }
    }
}

fn notified(reports: &[NotificationReport]) -> Text<String> {
    let sent = reports.iter().filter(|report| report.result.is_ok()).count();
    match reports.len() - sent {
        0 => text!("Notifications sent: {sent}.", "通知を{sent}件送信しました。"),
        kept => text!(
            "Notifications sent: {sent}; kept for later: {kept}.",
            "通知を{sent}件送信し、{kept}件は後で送るため保存しています。"
        ),
    }
}

/// The profile's name, else its provider's.
fn name_of(metadata: &StoreMetadata) -> Text<String> {
    let names = [&metadata.profile_name, &metadata.service_provider_name];
    match names.map(|name| printable(name.trim())).into_iter().find(|name| !name.is_empty()) {
        Some(name) => Text { en: name.clone(), ja: name },
        None => text!("The profile", "プロファイル"),
    }
}
