//! Names of stages, steps and events; questions.

use rsp::bpp::SegmentKind;
use rsp::codes::CancelSessionReason;
use rsp::metadata::NotificationEvents;
use rsp::notification::NotificationMetadata;
use words::{Text, text};

use crate::failure::{Retry, Stage};
use crate::machine::{Question, Step};

impl Stage {
    /// Its name for people.
    #[must_use]
    pub const fn words(self) -> Text {
        match self {
            Self::OpenChip => Text::new("Opening the chip", "チップへの接続"),
            Self::ReadChip => Text::new("Reading the chip", "チップの読み取り"),
            Self::Resume => Text::new("Going on with a download", "中断したダウンロードの再開"),
            Self::Discover => Text::new("Looking for waiting profiles", "待機中のプロファイルの確認"),
            Self::InitiateAuthentication => Text::new("Contacting the server", "サーバーへの接続"),
            Self::AuthenticateServer => Text::new("The chip checks the server", "チップによるサーバーの確認"),
            Self::AuthenticateClient => Text::new("The server checks the chip", "サーバーによるチップの確認"),
            Self::Consent => Text::new("Your decision", "お客様の確認"),
            Self::PrepareDownload => Text::new("Preparing the download", "ダウンロードの準備"),
            Self::FetchPackage => Text::new("Downloading the profile", "プロファイルのダウンロード"),
            Self::Install => Text::new("Installing the profile", "プロファイルのインストール"),
            Self::Cancel => Text::new("Giving the session up", "セッションの取り消し"),
            Self::Notify => Text::new("Telling the server", "サーバーへの通知"),
            Self::ChangeState => Text::new("Switching the profile", "プロファイルの切り替え"),
            Self::Manage => Text::new("Changing the chip", "チップの変更"),
            Self::ReadBack => Text::new("Checking the result", "結果の確認"),
        }
    }
}

impl Retry {
    /// What it means for a person.
    #[must_use]
    pub const fn words(self) -> Text {
        match self {
            Self::Again => Text::new("Can be tried again.", "もう一度試せます。"),
            Self::AfterChange => {
                Text::new("Can be tried again after a change.", "問題を解消すれば、もう一度試せます。")
            }
            Self::Never => Text::new("Trying again does not help.", "もう一度試しても解決しません。"),
        }
    }
}

impl Step {
    /// What is being done, for people.
    #[must_use]
    pub const fn words(&self) -> Text {
        match self {
            Self::Resume => Text::new(
                "Finding out what became of the download",
                "中断したダウンロードの状態を確認しています",
            ),
            Self::Discover => {
                Text::new("Looking for profiles that wait", "待機中のプロファイルを探しています")
            }
            Self::ReadChip => Text::new("Reading the chip", "チップを読み取っています"),
            Self::InitiateAuthentication => {
                Text::new("Asking the operator's server who it is", "通信事業者のサーバーを確認しています")
            }
            Self::AuthenticateServer => Text::new(
                "The chip checks the server's certificate",
                "チップがサーバーの証明書を検証しています",
            ),
            Self::AuthenticateClient => Text::new(
                "The server checks the chip and finds the order",
                "サーバーがチップを確認し、注文を探しています",
            ),
            Self::PrepareDownload => {
                Text::new("The chip makes its one-time key", "チップが一度限りの鍵を作成しています")
            }
            Self::FetchPackage => {
                Text::new("Downloading the whole package at once", "パッケージ全体をダウンロードしています")
            }
            Self::Install { kind: SegmentKind::InitialiseSecureChannel, .. } => {
                Text::new("Opening the secure channel into the chip", "チップへの安全な通信路を開いています")
            }
            Self::Install { .. } => Text::new(
                "The chip decrypts and installs, segment by segment",
                "チップが復号しながら、少しずつインストールしています",
            ),
            Self::Notify => {
                Text::new("Telling the operator's server", "通信事業者のサーバーに知らせています")
            }
            Self::Cancel(_) => Text::new("Giving the session up", "セッションを取り消しています"),
            Self::ChangeState => Text::new("Switching the profile", "プロファイルを切り替えています"),
            Self::Refresh => Text::new(
                "The chip starts with its new profile",
                "チップが新しいプロファイルで起動しています",
            ),
            Self::Manage => Text::new("Changing the chip", "チップを変更しています"),
            Self::ReadBack => Text::new("Checking the result", "結果を確認しています"),
        }
    }
}

/// Why a session was given up, for people.
#[must_use]
pub const fn cancel_words(reason: CancelSessionReason) -> Text {
    match reason {
        CancelSessionReason::END_USER_REJECTION => Text::new("you said no", "お客様が拒否しました"),
        CancelSessionReason::POSTPONED => Text::new("put off", "延期されました"),
        CancelSessionReason::TIMEOUT => {
            Text::new("nobody answered in time", "時間内に応答がありませんでした")
        }
        CancelSessionReason::PPR_NOT_ALLOWED => {
            Text::new("the profile's rules are not allowed", "プロファイルのルールが許可されていません")
        }
        CancelSessionReason::METADATA_MISMATCH => {
            Text::new("not the profile that was shown", "表示されたプロファイルと異なります")
        }
        CancelSessionReason::LOAD_BPP_EXECUTION_ERROR => {
            Text::new("the package could not be loaded", "パッケージを読み込めませんでした")
        }
        CancelSessionReason::UNDEFINED_REASON => Text::new("another reason", "その他の理由"),
        _ => Text::new("an unknown reason", "不明な理由"),
    }
}

/// What a notification tells, for people.
#[must_use]
pub fn event_words(event: NotificationEvents) -> Text {
    if event == NotificationEvents::INSTALL {
        Text::new("Installation", "インストール")
    } else if event == NotificationEvents::ENABLE {
        Text::new("Switched on", "有効化")
    } else if event == NotificationEvents::DISABLE {
        Text::new("Switched off", "無効化")
    } else if event == NotificationEvents::DELETE {
        Text::new("Deletion", "削除")
    } else {
        Text::new("Another event", "その他のイベント")
    }
}

/// What follows when a notification is removed though no server has it: the warning
/// before the decision.
#[must_use]
pub fn removal_words(metadata: &NotificationMetadata) -> Text<String> {
    let address = crate::failure::printable(&metadata.address);
    if metadata.event == NotificationEvents::INSTALL {
        text!(
            "{address} will never learn how the installation ended. It may count the profile as not installed, and may refuse to issue it again.",
            "{address} にはインストールの結果が伝わりません。プロファイルが未インストールと扱われ、再発行を断られることがあります。"
        )
    } else if metadata.event == NotificationEvents::DELETE {
        text!(
            "{address} will never learn that the profile was deleted. It will count it as installed, and the operator may be unable to issue it again.",
            "{address} には削除したことが伝わりません。プロファイルがインストール済みと扱われ、再発行できなくなることがあります。"
        )
    } else {
        text!(
            "{address} will never learn that the profile was switched. What the operator shows of it may be wrong.",
            "{address} には切り替えたことが伝わりません。通信事業者側の表示が実際と異なることがあります。"
        )
    }
}

impl Question {
    /// What is asked, for people.
    #[must_use]
    pub fn words(&self) -> Text<String> {
        match self {
            Self::Consent { strong_consent: false, .. } => {
                text!("Install this profile?", "このプロファイルをインストールしますか？")
            }
            Self::Consent { strong_consent: true, .. } => text!(
                "Install this profile, and accept the rules that the operator sets for it?",
                "通信事業者が定めるルールに同意して、このプロファイルをインストールしますか？"
            ),
            Self::ConfirmationCode { wrong_before: false, .. } => {
                text!("Enter the confirmation code.", "確認コードを入力してください。")
            }
            Self::ConfirmationCode { wrong_before: true, tries_left: None } => text!(
                "That code was wrong. Enter the confirmation code.",
                "確認コードが正しくありません。もう一度入力してください。"
            ),
            Self::ConfirmationCode { wrong_before: true, tries_left: Some(left) } => text!(
                "That code was wrong. Enter the confirmation code; {left} more may be wrong before the order is closed.",
                "確認コードが正しくありません。もう一度入力してください。あと{left}回間違えると注文は終了します。"
            ),
            Self::MemoryReset(lost) => {
                let profiles = lost.profiles.len();
                text!(
                    "Reset the chip's memory? {profiles} profiles are deleted for good; their activation codes can't be used again.",
                    "チップのメモリーをリセットしますか？{profiles}個のプロファイルが完全に削除されます。使用済みのアクティベーションコードは再び使えません。"
                )
            }
            Self::RemoveNotification(metadata) => removal_words(metadata),
        }
    }
}
