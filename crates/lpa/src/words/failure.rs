//! What happened and what to do, for each cause.

use apdu::StatusWord;
use rsp::codes::{
    AuthenticateErrorCode, DeleteResult, DownloadErrorCode, ErrorReason, FunctionResult, ProfileStateResult,
};
use rsp::status::StatusCodeData;
use words::{Text, text};

use super::{ci_words, refusal};
use crate::failure::{Cause, Failure, Function, Stage, printable};

const TRY_AGAIN: Text =
    Text::new("Try again. Nothing is lost.", "もう一度お試しください。失われたものはありません。");
const LOOK_AND_TRY: Text = Text::new(
    "Look at the list of profiles, then try again.",
    "プロファイル一覧を確認してから、もう一度お試しください。",
);
const SHOW_CODES: Text =
    Text::new("Show the codes below to the operator.", "下のコードを通信事業者に伝えてください。");
const SAME_ISSUER: Text = Text::new(
    "Use a server and a chip of the same certificate issuer: the chip's keys are shown under Chip.",
    "チップとサーバーは同じ認証局のものを使う必要があります。チップの鍵は「チップ」の画面で確認できます。",
);
const WRONG_SERVER: Text = Text::new(
    "Do not go on: somebody else may be answering in the server's place. Ask the operator, and show the codes below.",
    "このまま続けないでください。別のサーバーが応答している可能性があります。下のコードを添えて通信事業者に確認してください。",
);
const START_AGAIN: Text = Text::new(
    "Start again with the same code. Nothing is lost.",
    "同じコードでもう一度やり直してください。失われたものはありません。",
);
const WAIT: Text = Text::new(
    "Wait a while, then try again. Nothing is lost.",
    "しばらく待ってから、もう一度お試しください。失われたものはありません。",
);
const TOLD_LATER: Text = Text::new(
    "It is kept here and sent again when the server can be reached.",
    "内容はこの端末に保存され、サーバーに接続できるようになったら送り直します。",
);
const ORDER_CLOSED: Text = Text::new(
    "The order is closed by this. Show the codes below to the operator and ask for a new code.",
    "これで注文は終了しました。下のコードを通信事業者に伝え、新しいコードを発行してもらってください。",
);
const FREE_MEMORY: Text = Text::new(
    "Delete a profile that you do not need, then try again with the same code.",
    "不要なプロファイルを削除してから、同じコードでもう一度お試しください。",
);
const OTHER_CHIP: Text = Text::new(
    "Use another chip, or ask the operator for a profile for this one; show the codes below.",
    "別のチップを使うか、下のコードを添えて、このチップに対応したプロファイルを通信事業者に依頼してください。",
);

impl Failure {
    /// What happened, in plain words.
    #[must_use]
    pub fn what(&self) -> Text<String> {
        match &self.cause {
            Cause::CardLost(_) => text!("The chip does not answer.", "チップが応答しません。"),
            Cause::NoIsdR => text!(
                "This chip is not an eSIM chip for consumer devices.",
                "このチップは、一般消費者向け端末のeSIMチップではありません。"
            ),
            Cause::CardStatus(sw) => card_status(*sw).owned(),
            Cause::CardData(_) => {
                text!("The chip gave an answer that can't be read.", "チップの応答を読み取れません。")
            }
            Cause::ServerLost(_) if self.stage == Stage::Discover => {
                text!("The discovery server can't be reached.", "ディスカバリーサーバーに接続できません。")
            }
            Cause::ServerLost(_) => {
                text!("The operator's server can't be reached.", "通信事業者のサーバーに接続できません。")
            }
            Cause::Http { status: 403, .. } => {
                text!("The network does not let this through.", "ネットワークがこの通信を許可していません。")
            }
            Cause::Http { status: 404, .. } => text!(
                "There is no such service at this address.",
                "このアドレスには、該当するサービスがありません。"
            ),
            Cause::Http { status: 429, .. } => {
                text!("The server is asked too often.", "サーバーへの要求が多すぎます。")
            }
            Cause::Http { status, .. } if *status >= 500 => text!(
                "The server is out of order (HTTP status {status}).",
                "サーバーに障害が発生しています（HTTPステータス {status}）。"
            ),
            Cause::Http { status, .. } => text!(
                "The server answered with HTTP status {status}.",
                "サーバーがHTTPステータス {status} を返しました。"
            ),
            Cause::Unconfirmed { status } => text!(
                "The server did not confirm that it has the notification (HTTP status {status}).",
                "サーバーが通知の受領を確認しませんでした（HTTPステータス {status}）。"
            ),
            Cause::ServerRefused(data) => server_refused(data),
            Cause::Unfinished { status, .. } if status == "Expired" => text!(
                "The server ran out of time before it was done.",
                "サーバーの処理が時間内に終わりませんでした。"
            ),
            Cause::Unfinished { .. } => text!(
                "The server refused and does not say why.",
                "サーバーが要求を拒否しましたが、理由を示していません。"
            ),
            Cause::ServerData(_) => {
                text!("The server gave an answer that can't be read.", "サーバーの応答を読み取れません。")
            }
            Cause::NoCommonCi { chip, server, .. } => {
                let trusted: Vec<Text<String>> = chip.iter().map(ci_words).collect();
                let list = |names: Vec<&str>, none: &str, joint: &str| {
                    if names.is_empty() { none.to_owned() } else { names.join(joint) }
                };
                let en = list(trusted.iter().map(|t| t.en.as_str()).collect(), "no issuer", ", ");
                let ja = list(trusted.iter().map(|t| t.ja.as_str()).collect(), "（なし）", "、");
                let server = server.as_ref().map_or_else(
                    || text!("has no certificate of it", "その証明書を持っていません"),
                    |id| {
                        let Text { en, ja } = ci_words(id);
                        text!("belongs to {en}", "{ja}に属しています")
                    },
                );
                Text {
                    en: format!(
                        "Chip and server do not trust each other: the chip trusts {en}; the server {}.",
                        server.en
                    ),
                    ja: format!(
                        "チップとサーバーの認証局が異なります。チップが信頼するのは{ja}ですが、サーバーは{}。",
                        server.ja
                    ),
                }
            }
            Cause::AddressMismatch { signed } => {
                let signed = printable(signed);
                text!(
                    "The server that answered signs as “{signed}”, which is not the address that was called.",
                    "応答したサーバーは「{signed}」として署名しており、呼び出したアドレスと一致しません。"
                )
            }
            Cause::OidMismatch => text!(
                "The server is not the one that the activation code names.",
                "サーバーは、アクティベーションコードが指定するものではありません。"
            ),
            Cause::WrongRole => text!(
                "A server of another kind answers at this address.",
                "このアドレスでは、種類の異なるサーバーが応答しています。"
            ),
            Cause::NoDefaultSmdp => text!(
                "This chip has no default server to ask.",
                "このチップには既定のサーバーが設定されていません。"
            ),
            Cause::NoSmds => text!(
                "This chip has no discovery server to ask.",
                "このチップにはディスカバリーサーバーが設定されていません。"
            ),
            Cause::TooManySmds => text!(
                "The discovery servers send from one to the next without end.",
                "ディスカバリーサーバー間の転送が終わりません。"
            ),
            Cause::Authenticate(code) => authenticate(*code).0.owned(),
            Cause::Download(code) => download(*code).0.owned(),
            Cause::MetadataMismatch => text!(
                "The profile that arrived is not the one that was shown.",
                "届いたプロファイルが、表示されたものと異なります。"
            ),
            Cause::PprNotAllowed => text!(
                "This chip does not allow the rules that the profile brings.",
                "プロファイルに含まれるルールを、このチップは許可していません。"
            ),
            Cause::AlreadyInstalled => {
                text!(
                    "This profile is already on the chip.",
                    "このプロファイルはすでにチップに入っています。"
                )
            }
            Cause::Rejected if self.stage == Stage::Manage => {
                text!("Nothing was changed.", "何も変更していません。")
            }
            Cause::Rejected => text!("You refused the profile.", "プロファイルを拒否しました。"),
            Cause::Postponed => text!("The download was stopped.", "ダウンロードを中止しました。"),
            Cause::TimedOut => {
                text!("Nobody answered the question in time.", "時間内に回答がありませんでした。")
            }
            Cause::Install { reason, .. } => install(*reason).0.owned(),
            Cause::NoResult => text!(
                "The chip took the whole profile and gave no result.",
                "チップはプロファイルをすべて受け取りましたが、結果を返しませんでした。"
            ),
            Cause::OtherChip => text!(
                "The download that was interrupted is of another chip.",
                "中断したダウンロードは別のチップのものです。"
            ),
            Cause::DeletedSince => text!(
                "The profile was installed, and has been deleted since.",
                "プロファイルはインストールされましたが、その後削除されています。"
            ),
            Cause::StateChange(result) => state_change(*result).0.owned(),
            Cause::Delete(result) => delete(*result).0.owned(),
            Cause::Refused { function, code } => function_refused(*function, *code).0.owned(),
            Cause::NotChanged => text!(
                "The chip said that it was done, but nothing has changed.",
                "チップは完了したと答えましたが、変更されていません。"
            ),
            Cause::NoSuchNotification => {
                text!("This notification is not on the chip any more.", "この通知はもうチップにありません。")
            }
            Cause::Misuse => text!("The program made a mistake.", "プログラムに誤りがありました。"),
        }
    }

    /// What to do next, in plain words.
    #[must_use]
    pub fn advice(&self) -> Text {
        match &self.cause {
            Cause::CardLost(_) if matches!(self.stage, Stage::Install | Stage::Notify | Stage::ReadBack) => {
                Text::new(
                    "Check that the chip is connected, then go on: the list of profiles shows what it has.",
                    "チップが接続されているか確認してから続けてください。プロファイル一覧で状態を確認できます。",
                )
            }
            Cause::CardLost(_) => Text::new(
                "Check that the chip is connected, then try again.",
                "チップが接続されているか確認して、もう一度お試しください。",
            ),
            Cause::NoIsdR => Text::new(
                "Use a chip for consumer eSIM. Some removable chips answer under an address of their own, which can be added under Settings.",
                "一般消費者向けeSIMのチップを使ってください。独自のAIDで応答するチップの場合は、設定でAIDを追加できます。",
            ),
            Cause::CardStatus(StatusWord::NOT_ENOUGH_MEMORY) => FREE_MEMORY,
            Cause::CardStatus(_) | Cause::CardData(_) => Text::new(
                "Reset the chip and try again. If it happens again, show the codes below to the chip's maker.",
                "チップをリセットして、もう一度お試しください。繰り返す場合は、下のコードをチップの製造者に伝えてください。",
            ),
            Cause::ServerLost(_) if self.stage == Stage::Notify => Text::new(
                "The notification is kept on the chip and sent later.",
                "通知はチップに保存され、後で送信されます。",
            ),
            Cause::ServerLost(_) if self.stage == Stage::Cancel => TOLD_LATER,
            Cause::ServerLost(_) => Text::new(
                "Check that the phone has service, then try again. Nothing is lost.",
                "電波の状態を確認して、もう一度お試しください。失われたものはありません。",
            ),
            Cause::Http { status: 403, .. } => Text::new(
                "Check the server address: the network lets only the servers through that are on its list. If the address is right, ask whoever runs this network to put the server on the list of its gateway.",
                "サーバーアドレスを確認してください。このネットワークは、リストにあるサーバーへの通信だけを許可します。アドレスが正しい場合は、ゲートウェイのリストへの追加をネットワークの運用者に依頼してください。",
            ),
            Cause::Http { status: 404, .. } => {
                Text::new("Check the server address.", "サーバーアドレスを確認してください。")
            }
            Cause::Http { status, .. } if *status >= 500 || matches!(*status, 408 | 429) => WAIT,
            Cause::Unfinished { .. } => WAIT,
            Cause::Http { .. } => SHOW_CODES,
            Cause::Unconfirmed { .. } => Text::new(
                "It is kept on the chip. If the server never confirms it, you can remove it by hand.",
                "通知はチップに残っています。サーバーが確認しない場合は、手動で削除できます。",
            ),
            Cause::ServerRefused(data) => refusal::find(&data.subject_code, &data.reason_code)
                .map_or(SHOW_CODES, |refusal| refusal.advice),
            Cause::ServerData(_) => Text::new(
                "Check the server address. If it is right, show the codes below to the operator.",
                "サーバーアドレスを確認してください。正しい場合は、下のコードを通信事業者に伝えてください。",
            ),
            Cause::NoCommonCi { .. } => SAME_ISSUER,
            Cause::AddressMismatch { .. } | Cause::OidMismatch => WRONG_SERVER,
            Cause::WrongRole => Text::new(
                "Check the address: discovery servers and operators' servers have addresses of their own.",
                "アドレスを確認してください。ディスカバリーサーバーと通信事業者のサーバーではアドレスが異なります。",
            ),
            Cause::NoDefaultSmdp => Text::new(
                "Use an activation code, or set the default server's address.",
                "アクティベーションコードを使うか、既定のサーバーのアドレスを設定してください。",
            ),
            Cause::NoSmds | Cause::TooManySmds => Text::new(
                "Use an activation code, or name another discovery server.",
                "アクティベーションコードを使うか、別のディスカバリーサーバーを指定してください。",
            ),
            Cause::Authenticate(code) => authenticate(*code).1,
            Cause::Download(code) => download(*code).1,
            Cause::MetadataMismatch => ORDER_CLOSED,
            Cause::PprNotAllowed => Text::new(
                "Delete the other operational profiles if the rule forbids to switch off, or ask the operator for a profile without these rules.",
                "無効化を禁止するルールの場合は、ほかの通信用プロファイルを削除してください。または、このルールのないプロファイルを通信事業者に依頼してください。",
            ),
            Cause::AlreadyInstalled => USE_OR_DELETE,
            Cause::Rejected if self.stage == Stage::Manage => TRY_AGAIN,
            Cause::Rejected => Text::new(
                "Ask the operator for a new code if this was a mistake.",
                "間違って拒否した場合は、通信事業者に新しいコードを発行してもらってください。",
            ),
            Cause::TimedOut if self.stage == Stage::Manage => TRY_AGAIN,
            Cause::Postponed | Cause::TimedOut => START_AGAIN,
            Cause::Install { reason, .. } => install(*reason).1,
            Cause::NoResult => Text::new(
                "Go on with the download: what the chip has is looked up, and the package is fetched again if need be.",
                "ダウンロードを再開してください。チップの状態を確認し、必要ならパッケージを取得し直します。",
            ),
            Cause::OtherChip => Text::new(
                "Connect the chip that the download was begun with.",
                "ダウンロードを始めたときのチップを接続してください。",
            ),
            Cause::DeletedSince => Text::new(
                "Ask the operator for a new code if you want it back.",
                "もう一度使う場合は、通信事業者に新しいコードを発行してもらってください。",
            ),
            Cause::StateChange(result) => state_change(*result).1,
            Cause::Delete(result) => delete(*result).1,
            Cause::Refused { function, code } => function_refused(*function, *code).1,
            Cause::NotChanged => Text::new(
                "Reset the chip, look at the list of profiles, and try again if need be.",
                "チップをリセットしてプロファイル一覧を確認し、必要ならもう一度お試しください。",
            ),
            Cause::NoSuchNotification => Text::new(
                "Look at the list of notifications again.",
                "通知の一覧をもう一度確認してください。",
            ),
            Cause::Misuse => Text::new(
                "Reload the page. If it happens again, report it with the codes below.",
                "ページを再読み込みしてください。繰り返す場合は、下のコードを添えて報告してください。",
            ),
        }
    }
}

const USE_OR_DELETE: Text = Text::new(
    "Use the profile in the list, or delete it first.",
    "一覧にあるプロファイルを使うか、先に削除してください。",
);

fn server_refused(data: &StatusCodeData) -> Text<String> {
    match refusal::find(&data.subject_code, &data.reason_code) {
        Some(refusal) => refusal.what.owned(),
        None => match data.message.as_deref().map(printable).filter(|said| !said.is_empty()) {
            Some(said) => text!("The server refused: “{said}”", "サーバーが拒否しました：「{said}」"),
            None => text!(
                "The server refused, with a code that is not known.",
                "サーバーが拒否しました（理由コード不明）。"
            ),
        },
    }
}

const fn card_status(sw: StatusWord) -> Text {
    match sw {
        StatusWord::NOT_ENOUGH_MEMORY => {
            Text::new("There is not enough space on the chip.", "チップの空き容量が足りません。")
        }
        StatusWord::MEMORY_PROBLEM => {
            Text::new("The chip could not write to its memory.", "チップがメモリーに書き込めませんでした。")
        }
        StatusWord::CONDITIONS => {
            Text::new("The chip can't do this now.", "チップは今この操作を実行できません。")
        }
        StatusWord::REFERENCE_NOT_FOUND | StatusWord::FUNCTION_NOT_SUPPORTED => {
            Text::new("The chip does not know this function.", "チップはこの機能に対応していません。")
        }
        StatusWord::CHANNEL_NOT_SUPPORTED => {
            Text::new("The chip has no free channel.", "チップに空いている論理チャネルがありません。")
        }
        _ => Text::new("The chip answered with an error.", "チップがエラーを返しました。"),
    }
}

/// What and advice; `None` for a code that the standard does not name.
pub(super) const fn named_authenticate(code: AuthenticateErrorCode) -> Option<(Text, Text)> {
    Some(match code {
        AuthenticateErrorCode::INVALID_CERTIFICATE => (
            Text::new(
                "The chip does not trust this server's certificate.",
                "チップは、このサーバーの証明書を信頼していません。",
            ),
            SAME_ISSUER,
        ),
        AuthenticateErrorCode::INVALID_SIGNATURE => (
            Text::new("The server's signature is wrong.", "サーバーの署名が正しくありません。"),
            WRONG_SERVER,
        ),
        AuthenticateErrorCode::UNSUPPORTED_CURVE => (
            Text::new(
                "The chip can't do the kind of key that the server uses.",
                "サーバーが使う鍵の種類に、チップが対応していません。",
            ),
            OTHER_CHIP,
        ),
        AuthenticateErrorCode::NO_SESSION_CONTEXT => (
            Text::new("The chip has forgotten the session.", "チップがセッションの情報を失いました。"),
            START_AGAIN,
        ),
        AuthenticateErrorCode::INVALID_OID => (
            Text::new(
                "The server's certificate is not for this purpose.",
                "サーバーの証明書は、この用途のものではありません。",
            ),
            WRONG_SERVER,
        ),
        AuthenticateErrorCode::EUICC_CHALLENGE_MISMATCH => (
            Text::new(
                "The server answered to another question than the chip's.",
                "サーバーの応答が、チップの問い合わせと対応していません。",
            ),
            START_AGAIN,
        ),
        AuthenticateErrorCode::CI_PK_UNKNOWN => (
            Text::new(
                "The chip does not know the certificate issuer that the server names.",
                "サーバーが指定する認証局を、チップは知りません。",
            ),
            SAME_ISSUER,
        ),
        AuthenticateErrorCode::UNDEFINED_ERROR => (
            Text::new(
                "The chip refused the server and does not say why.",
                "チップがサーバーを拒否しました（理由は示されていません）。",
            ),
            SHOW_CODES,
        ),
        _ => return None,
    })
}

fn authenticate(code: AuthenticateErrorCode) -> (Text, Text) {
    named_authenticate(code).unwrap_or((
        Text::new(
            "The chip refused the server, with a code that is not known.",
            "チップがサーバーを拒否しました（理由コード不明）。",
        ),
        SHOW_CODES,
    ))
}

pub(super) const fn named_download(code: DownloadErrorCode) -> Option<(Text, Text)> {
    Some(match code {
        DownloadErrorCode::INVALID_CERTIFICATE => (
            Text::new(
                "The chip does not trust the certificate for this profile.",
                "チップは、このプロファイル用の証明書を信頼していません。",
            ),
            WRONG_SERVER,
        ),
        DownloadErrorCode::INVALID_SIGNATURE => (
            Text::new(
                "The server's signature under the offer is wrong.",
                "提供内容に対するサーバーの署名が正しくありません。",
            ),
            WRONG_SERVER,
        ),
        DownloadErrorCode::UNSUPPORTED_CURVE => (
            Text::new(
                "The chip can't do the kind of key that the profile needs.",
                "プロファイルに必要な鍵の種類に、チップが対応していません。",
            ),
            OTHER_CHIP,
        ),
        DownloadErrorCode::NO_SESSION_CONTEXT => (
            Text::new("The chip has forgotten the session.", "チップがセッションの情報を失いました。"),
            START_AGAIN,
        ),
        DownloadErrorCode::INVALID_TRANSACTION_ID => (
            Text::new(
                "The server's offer is of another session.",
                "サーバーの提供内容が別のセッションのものです。",
            ),
            START_AGAIN,
        ),
        DownloadErrorCode::UNDEFINED_ERROR => (
            Text::new(
                "The chip refused to prepare the download and does not say why.",
                "チップがダウンロードの準備を拒否しました（理由は示されていません）。",
            ),
            SHOW_CODES,
        ),
        _ => return None,
    })
}

fn download(code: DownloadErrorCode) -> (Text, Text) {
    named_download(code).unwrap_or((
        Text::new(
            "The chip refused to prepare the download, with a code that is not known.",
            "チップがダウンロードの準備を拒否しました（理由コード不明）。",
        ),
        SHOW_CODES,
    ))
}

pub(super) const fn named_install(reason: ErrorReason) -> Option<(Text, Text)> {
    Some(match reason {
        ErrorReason::INCORRECT_INPUT_VALUES => (
            Text::new(
                "The profile holds values that the chip does not allow.",
                "プロファイルに、チップが許可しない値が含まれています。",
            ),
            ORDER_CLOSED,
        ),
        ErrorReason::INVALID_SIGNATURE => (
            Text::new("The signature under the profile is wrong.", "プロファイルの署名が正しくありません。"),
            ORDER_CLOSED,
        ),
        ErrorReason::INVALID_TRANSACTION_ID => (
            Text::new(
                "The profile was made for another session.",
                "プロファイルは別のセッション用に作られたものです。",
            ),
            ORDER_CLOSED,
        ),
        ErrorReason::UNSUPPORTED_CRT_VALUES => (
            Text::new(
                "The chip can't do the encryption that the server wants.",
                "サーバーが求める暗号方式に、チップが対応していません。",
            ),
            ORDER_CLOSED,
        ),
        ErrorReason::UNSUPPORTED_REMOTE_OPERATION_TYPE => (
            Text::new(
                "The chip does not know what the server wants of it.",
                "サーバーが求める操作に、チップが対応していません。",
            ),
            ORDER_CLOSED,
        ),
        ErrorReason::UNSUPPORTED_PROFILE_CLASS => (
            Text::new(
                "The chip does not take profiles of this class.",
                "この種別のプロファイルに、チップが対応していません。",
            ),
            ORDER_CLOSED,
        ),
        ErrorReason::SCP03T_STRUCTURE_ERROR => (
            Text::new(
                "The profile arrived in disorder; the chip is as it was before.",
                "プロファイルの構造が壊れていました。チップは元の状態のままです。",
            ),
            ORDER_CLOSED,
        ),
        ErrorReason::SCP03T_SECURITY_ERROR => (
            Text::new(
                "The profile was damaged on its way; the chip is as it was before.",
                "プロファイルが途中で壊れました。チップは元の状態のままです。",
            ),
            ORDER_CLOSED,
        ),
        ErrorReason::ICCID_ALREADY_EXISTS_ON_EUICC => (
            Text::new(
                "This profile is already on the chip.",
                "このプロファイルはすでにチップに入っています。",
            ),
            USE_OR_DELETE,
        ),
        ErrorReason::INSUFFICIENT_MEMORY_FOR_PROFILE => (
            Text::new("There is not enough space on the chip.", "チップの空き容量が足りません。"),
            FREE_MEMORY,
        ),
        ErrorReason::INTERRUPTION => (
            Text::new(
                "The installation was interrupted; the chip is as it was before.",
                "インストールが中断されました。チップは元の状態のままです。",
            ),
            START_AGAIN,
        ),
        ErrorReason::PE_PROCESSING_ERROR => (
            Text::new(
                "The chip can't use a part of this profile.",
                "プロファイルの一部を、チップが処理できませんでした。",
            ),
            ORDER_CLOSED,
        ),
        ErrorReason::DATA_MISMATCH => (
            Text::new(
                "The profile contradicts its own description.",
                "プロファイルの内容が、その説明と一致しません。",
            ),
            ORDER_CLOSED,
        ),
        ErrorReason::TEST_PROFILE_INVALID_NAA_KEY => (
            Text::new(
                "A test profile must hold a test key, and this one does not.",
                "テストプロファイルにテスト用の鍵が含まれていません。",
            ),
            ORDER_CLOSED,
        ),
        ErrorReason::PPR_NOT_ALLOWED => (
            Text::new(
                "This chip does not allow the rules that the profile brings.",
                "プロファイルに含まれるルールを、このチップは許可していません。",
            ),
            ORDER_CLOSED,
        ),
        ErrorReason::UNKNOWN_ERROR => (
            Text::new(
                "The chip refused the profile without a reason, and is as it was before.",
                "チップがプロファイルを拒否しました（理由は示されていません）。チップは元の状態のままです。",
            ),
            ORDER_CLOSED,
        ),
        _ => return None,
    })
}

fn install(reason: ErrorReason) -> (Text, Text) {
    named_install(reason).unwrap_or((
        Text::new(
            "The chip refused the profile with a code that is not known, and is as it was before.",
            "チップがプロファイルを拒否しました（理由コード不明）。チップは元の状態のままです。",
        ),
        ORDER_CLOSED,
    ))
}

pub(super) const fn named_state_change(result: ProfileStateResult) -> Option<(Text, Text)> {
    Some(match result {
        ProfileStateResult::OK => {
            (Text::new("The chip has switched.", "チップは切り替わりました。"), LOOK_AND_TRY)
        }
        ProfileStateResult::ICCID_OR_AID_NOT_FOUND => (
            Text::new(
                "The profile is not on the chip any more.",
                "このプロファイルはもうチップにありません。",
            ),
            LOOK_AND_TRY,
        ),
        ProfileStateResult::WRONG_STATE => (
            Text::new("The profile is already in that state.", "プロファイルはすでにその状態です。"),
            LOOK_AND_TRY,
        ),
        ProfileStateResult::DISALLOWED_BY_POLICY => (
            Text::new(
                "The operator does not allow to switch this profile off.",
                "通信事業者が、このプロファイルの無効化を禁止しています。",
            ),
            Text::new(
                "Ask the operator of the profile that is on to lift the rule.",
                "使用中のプロファイルの通信事業者に、制限の解除を依頼してください。",
            ),
        ),
        ProfileStateResult::WRONG_PROFILE_REENABLING => (
            Text::new(
                "While a test profile is on, only the profile before it can follow.",
                "テストプロファイルの使用中は、その前のプロファイルにしか戻せません。",
            ),
            Text::new(
                "Switch back to the profile that was on before the test profile.",
                "テストプロファイルの前に使っていたプロファイルに切り替えてください。",
            ),
        ),
        ProfileStateResult::CAT_BUSY => (
            Text::new("The chip is busy with another task.", "チップが別の処理中です。"),
            Text::new("Wait a moment and try again.", "少し待ってから、もう一度お試しください。"),
        ),
        ProfileStateResult::UNDEFINED_ERROR => (
            Text::new(
                "The chip could not switch and does not say why.",
                "切り替えに失敗しました（理由は示されていません）。",
            ),
            LOOK_AND_TRY,
        ),
        _ => return None,
    })
}

fn state_change(result: ProfileStateResult) -> (Text, Text) {
    named_state_change(result).unwrap_or((
        Text::new(
            "The chip could not switch; its code is not known.",
            "切り替えに失敗しました（理由コード不明）。",
        ),
        LOOK_AND_TRY,
    ))
}

pub(super) const fn named_delete(result: DeleteResult) -> Option<(Text, Text)> {
    Some(match result {
        DeleteResult::OK => {
            (Text::new("The profile is deleted.", "プロファイルは削除されました。"), LOOK_AND_TRY)
        }
        DeleteResult::ICCID_OR_AID_NOT_FOUND => (
            Text::new(
                "The profile is not on the chip any more.",
                "このプロファイルはもうチップにありません。",
            ),
            LOOK_AND_TRY,
        ),
        DeleteResult::PROFILE_NOT_IN_DISABLED_STATE => (
            Text::new(
                "A profile that is switched on can't be deleted.",
                "使用中のプロファイルは削除できません。",
            ),
            Text::new("Switch to another profile first.", "先に別のプロファイルに切り替えてください。"),
        ),
        DeleteResult::DISALLOWED_BY_POLICY => (
            Text::new(
                "The operator does not allow to delete this profile.",
                "通信事業者が、このプロファイルの削除を禁止しています。",
            ),
            Text::new("Ask the operator to lift the rule.", "通信事業者に制限の解除を依頼してください。"),
        ),
        DeleteResult::UNDEFINED_ERROR => (
            Text::new(
                "The chip could not delete the profile and does not say why.",
                "削除に失敗しました（理由は示されていません）。",
            ),
            LOOK_AND_TRY,
        ),
        _ => return None,
    })
}

fn delete(result: DeleteResult) -> (Text, Text) {
    named_delete(result).unwrap_or((
        Text::new(
            "The chip could not delete the profile; its code is not known.",
            "削除に失敗しました（理由コード不明）。",
        ),
        LOOK_AND_TRY,
    ))
}

fn function_refused(function: Function, code: u8) -> (Text, Text) {
    match (function, FunctionResult(code)) {
        (Function::MemoryReset, FunctionResult::NOT_FOUND) => (
            Text::new("There is nothing on the chip to reset.", "リセットする対象がチップにありません。"),
            Text::new("Nothing needs to be done.", "特に操作は必要ありません。"),
        ),
        (Function::SetNickname, FunctionResult::NOT_FOUND) => (
            Text::new(
                "The profile is not on the chip any more.",
                "このプロファイルはもうチップにありません。",
            ),
            LOOK_AND_TRY,
        ),
        (
            Function::RemoveNotificationFromList | Function::RetrieveNotificationsList,
            FunctionResult::NOT_FOUND,
        ) => (
            Text::new("This notification is not on the chip any more.", "この通知はもうチップにありません。"),
            Text::new("Look at the list of notifications again.", "通知の一覧をもう一度確認してください。"),
        ),
        (Function::GetProfilesInfo, FunctionResult::NOT_FOUND) => (
            Text::new(
                "The chip does not understand how its profiles were asked for.",
                "チップがプロファイル一覧の要求を理解できませんでした。",
            ),
            SHOW_CODES,
        ),
        (Function::MemoryReset, FunctionResult::CAT_BUSY) => (
            Text::new("The chip is busy with another task.", "チップが別の処理中です。"),
            Text::new("Wait a moment and try again.", "少し待ってから、もう一度お試しください。"),
        ),
        (Function::GetProfilesInfo, _) => (
            Text::new("The chip can't list its profiles now.", "チップは今、プロファイル一覧を返せません。"),
            Text::new(
                "Reset the chip, then look again.",
                "チップをリセットしてから、もう一度確認してください。",
            ),
        ),
        (Function::ListNotification | Function::RetrieveNotificationsList, _) => (
            Text::new("The chip can't list its notifications.", "チップが通知の一覧を返せません。"),
            Text::new(
                "Reset the chip, then look again.",
                "チップをリセットしてから、もう一度確認してください。",
            ),
        ),
        (Function::RemoveNotificationFromList, _) => (
            Text::new("The chip could not remove the notification.", "チップが通知を削除できませんでした。"),
            TRY_AGAIN,
        ),
        (Function::SetDefaultDpAddress, _) => (
            Text::new(
                "The chip did not take the default server's address.",
                "チップが既定のサーバーのアドレスを保存できませんでした。",
            ),
            Text::new(
                "Free memory on the chip, then try again.",
                "チップの空き容量を増やしてから、もう一度お試しください。",
            ),
        ),
        (Function::SetNickname, _) => (
            Text::new("The chip did not take the name.", "チップが名前を保存できませんでした。"),
            Text::new(
                "Try a shorter name, or free memory on the chip.",
                "短い名前にするか、チップの空き容量を増やしてください。",
            ),
        ),
        (Function::MemoryReset, _) => (
            Text::new("The chip could not reset its memory.", "チップのメモリーをリセットできませんでした。"),
            LOOK_AND_TRY,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    /// Every code that the standard names has words of its own.
    fn told<T: Copy>(
        make: fn(u8) -> T,
        name: fn(T) -> Option<&'static str>,
        words: fn(T) -> Option<(Text, Text)>,
    ) {
        for value in 0..=255 {
            let code = make(value);
            let words = words(code);
            assert_eq!(words.is_some(), name(code).is_some(), "{value} {:?}", name(code));
            for text in words.into_iter().flat_map(|(what, advice)| [what, advice]) {
                assert!(text.en.ends_with('.') && text.ja.ends_with('。'), "{text:?}");
            }
        }
    }

    #[test]
    fn every_code_of_the_chip_has_words_of_its_own() {
        told(AuthenticateErrorCode, AuthenticateErrorCode::name, named_authenticate);
        told(DownloadErrorCode, DownloadErrorCode::name, named_download);
        told(ErrorReason, ErrorReason::name, named_install);
        told(ProfileStateResult, ProfileStateResult::name, named_state_change);
        told(DeleteResult, DeleteResult::name, named_delete);
    }

    #[test]
    fn issuers_are_named_on_both_sides() {
        let id = |hex: &str| rsp::CiPkId::from_bytes(&vectors::bytes(hex)).unwrap();
        let chip = vec![id("f54172bdf98a95d65cbeb88a38a1c11d800a85c3")];
        let server = Some(id("81370f5125d0b1d408d4c3b232e6d25e795bebfb"));
        let cause = Cause::NoCommonCi { chip, server, refused: None };
        let what = Failure::new(Stage::InitiateAuthentication, cause).what();
        assert!(what.en.contains("GSMA's test issuer") && what.en.contains("GSMA's issuer (live)"), "{what}");
        assert!(what.ja.contains("テスト用認証局") && what.ja.contains("（商用）"), "{}", what.ja);
    }
}
