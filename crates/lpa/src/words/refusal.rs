//! What a server's refusal means for a person: the status codes of SGP.22 §5.2.6 that
//! an LPA can meet, each with its remedy.

use rsp::status::StatusCode;
use words::Text;

use crate::failure::Retry;

/// A status code in words.
pub(crate) struct Refusal {
    code: StatusCode,
    /// What can be done about it.
    pub(crate) retry: Retry,
    /// What happened.
    pub(crate) what: Text,
    /// What to do.
    pub(crate) advice: Text,
}

const fn refusal(code: StatusCode, retry: Retry, what: Text, advice: Text) -> Refusal {
    Refusal { code, retry, what, advice }
}

/// The words for a code, where it is known.
pub(crate) fn find(subject: &str, reason: &str) -> Option<&'static Refusal> {
    REFUSALS.iter().find(|refusal| refusal.code.subject == subject && refusal.code.reason == reason)
}

const SHOW_CODES: Text =
    Text::new("Show the codes below to the operator.", "下のコードを通信事業者に伝えてください。");
const ASK_NEW_CODE: Text = Text::new(
    "Ask the operator for a new activation code.",
    "通信事業者に新しいアクティベーションコードを発行してもらってください。",
);
const CHIP_NOT_ACCEPTED: Text = Text::new(
    "Ask the operator whether it serves this kind of chip, and show the codes below.",
    "このチップに対応しているか、下のコードを添えて通信事業者に確認してください。",
);
const COMPARE_ISSUERS: Text = Text::new(
    "Use a server and a chip of the same certificate issuer: the chip's keys are shown under Chip.",
    "チップとサーバーは同じ認証局のものを使う必要があります。チップの鍵は「チップ」の画面で確認できます。",
);
const START_AGAIN: Text = Text::new(
    "Start again with the same code. Nothing is lost.",
    "同じコードでもう一度やり直してください。失われたものはありません。",
);
const OPERATOR_SIDE: Text = Text::new(
    "This is between the operator's own systems. Show the codes below to the operator.",
    "通信事業者のシステム間の問題です。下のコードを通信事業者に伝えてください。",
);

const REFUSALS: &[Refusal] = &[
    // ES9+.InitiateAuthentication.
    refusal(
        StatusCode::SMDP_ADDRESS_REFUSED,
        Retry::AfterChange,
        Text::new(
            "The server that answered does not go by the address of the code.",
            "応答したサーバーは、コードに書かれたアドレスのサーバーではありません。",
        ),
        Text::new(
            "Check the server address in the activation code.",
            "アクティベーションコードのサーバーアドレスを確認してください。",
        ),
    ),
    refusal(
        StatusCode::CI_KEYS_UNSUPPORTED,
        Retry::Never,
        Text::new(
            "The server does not accept the certificate issuer of this chip.",
            "サーバーは、このチップの認証局を受け入れていません。",
        ),
        COMPARE_ISSUERS,
    ),
    refusal(
        StatusCode::SVN_UNSUPPORTED,
        Retry::Never,
        Text::new(
            "The server does not speak the version of the standard that this chip speaks.",
            "サーバーは、このチップが対応する規格のバージョンに対応していません。",
        ),
        CHIP_NOT_ACCEPTED,
    ),
    refusal(
        StatusCode::NO_CERTIFICATE_FOR_CI,
        Retry::Never,
        Text::new(
            "The server has no certificate that this chip would trust.",
            "サーバーは、このチップが信頼できる証明書を持っていません。",
        ),
        COMPARE_ISSUERS,
    ),
    // ES9+.AuthenticateClient.
    refusal(
        StatusCode::EUM_CERTIFICATE_INVALID,
        Retry::Never,
        Text::new(
            "The server does not accept the certificate of the chip's maker.",
            "サーバーは、チップ製造者の証明書を受け入れませんでした。",
        ),
        CHIP_NOT_ACCEPTED,
    ),
    refusal(
        StatusCode::EUM_CERTIFICATE_EXPIRED,
        Retry::Never,
        Text::new(
            "The certificate of the chip's maker has expired.",
            "チップ製造者の証明書の有効期限が切れています。",
        ),
        Text::new(
            "Another chip is needed: ask its maker, and show the codes below.",
            "別のチップが必要です。下のコードを添えてチップの製造者に問い合わせてください。",
        ),
    ),
    refusal(
        StatusCode::EUICC_CERTIFICATE_INVALID,
        Retry::Never,
        Text::new(
            "The server does not accept the chip's certificate.",
            "サーバーは、チップの証明書を受け入れませんでした。",
        ),
        CHIP_NOT_ACCEPTED,
    ),
    refusal(
        StatusCode::EUICC_CERTIFICATE_EXPIRED,
        Retry::Never,
        Text::new("The chip's certificate has expired.", "チップの証明書の有効期限が切れています。"),
        Text::new(
            "Another chip is needed: ask its maker, and show the codes below.",
            "別のチップが必要です。下のコードを添えてチップの製造者に問い合わせてください。",
        ),
    ),
    refusal(
        StatusCode::EUICC_SIGNATURE_INVALID,
        Retry::Again,
        Text::new(
            "The server could not verify the chip's signature.",
            "サーバーは、チップの署名を検証できませんでした。",
        ),
        Text::new(
            "Start again with the same code. If it happens again, show the codes below to the operator.",
            "同じコードでもう一度やり直してください。繰り返す場合は、下のコードを通信事業者に伝えてください。",
        ),
    ),
    refusal(
        StatusCode::EUICC_INSUFFICIENT_MEMORY,
        Retry::AfterChange,
        Text::new("There is not enough space on the chip.", "チップの空き容量が足りません。"),
        Text::new(
            "Delete a profile that you do not need, then try again with the same code.",
            "不要なプロファイルを削除してから、同じコードでもう一度お試しください。",
        ),
    ),
    refusal(
        StatusCode::CI_PK_UNKNOWN,
        Retry::Never,
        Text::new(
            "The server does not know the certificate issuer of this chip.",
            "サーバーは、このチップの認証局を知りません。",
        ),
        COMPARE_ISSUERS,
    ),
    refusal(
        StatusCode::TRANSACTION_ID_UNKNOWN,
        Retry::Again,
        Text::new("The session with the server is over.", "サーバーとのセッションが終了していました。"),
        Text::new(
            "It took too long. Start again with the same code; nothing is lost.",
            "時間がかかりすぎました。同じコードでもう一度やり直してください。失われたものはありません。",
        ),
    ),
    refusal(
        StatusCode::PROFILE_NOT_RELEASED,
        Retry::AfterChange,
        Text::new(
            "The operator has not released this profile yet.",
            "通信事業者がまだこのプロファイルを使えるようにしていません。",
        ),
        Text::new(
            "Wait until the operator has released the profile, then try again with the same code.",
            "準備ができるまで待ってから、同じコードでもう一度お試しください。",
        ),
    ),
    refusal(
        StatusCode::BPP_REBINDING_REFUSED,
        Retry::Never,
        Text::new(
            "The server has handed this profile out before and does not do it a second time.",
            "サーバーはこのプロファイルをすでに一度渡しており、再び渡すことはできません。",
        ),
        Text::new(
            "If it is not in the list of profiles, it can't be fetched any more with this code: show the codes below to the operator, who can issue it again.",
            "プロファイル一覧にない場合、このコードではもう取得できません。下のコードを通信事業者に伝え、再発行を依頼してください。",
        ),
    ),
    refusal(
        StatusCode::NO_ELIGIBLE_PROFILE,
        Retry::Never,
        Text::new(
            "The operator has no profile for this device and chip.",
            "この端末とチップで使えるプロファイルがありません。",
        ),
        Text::new(
            "Ask the operator whether your device is supported: it was told the device's TAC and the chip's EID.",
            "端末が対応しているか通信事業者に確認してください。サーバーには端末のTACとチップのEIDが伝えられています。",
        ),
    ),
    refusal(
        StatusCode::MATCHING_ID_REFUSED,
        Retry::Never,
        Text::new(
            "The operator does not know this activation code, or it has been used up.",
            "このアクティベーションコードは存在しないか、すでに使用されています。",
        ),
        Text::new(
            "Check the activation code for typing mistakes. A code that was used once can't be used again: ask the operator for a new one.",
            "コードに入力ミスがないか確認してください。一度使ったコードは再び使えません。通信事業者に新しいコードを発行してもらってください。",
        ),
    ),
    refusal(
        StatusCode::EID_MISMATCH,
        Retry::Never,
        Text::new(
            "This profile is reserved for another chip.",
            "このプロファイルは別のチップ用に予約されています。",
        ),
        Text::new(
            "Ask the operator to issue the profile for this chip: its EID is shown under Chip.",
            "「チップ」の画面に表示されるEIDを通信事業者に伝え、このチップ用に発行してもらってください。",
        ),
    ),
    refusal(
        StatusCode::ORDER_EXPIRED,
        Retry::Never,
        Text::new("The activation code has expired.", "アクティベーションコードの有効期限が切れています。"),
        ASK_NEW_CODE,
    ),
    refusal(
        StatusCode::DOWNLOAD_TRIES_EXCEEDED,
        Retry::Never,
        Text::new(
            "This profile was tried too often; the order is closed.",
            "ダウンロードの試行回数が上限を超えたため、注文は終了しました。",
        ),
        ASK_NEW_CODE,
    ),
    // ES9+.GetBoundProfilePackage.
    refusal(
        StatusCode::CONFIRMATION_CODE_MISSING,
        Retry::AfterChange,
        Text::new("The operator asks for a confirmation code.", "通信事業者が確認コードを求めています。"),
        Text::new(
            "Try again, and enter the confirmation code that the operator gave you.",
            "もう一度やり直し、通信事業者から受け取った確認コードを入力してください。",
        ),
    ),
    refusal(
        StatusCode::CONFIRMATION_CODE_REFUSED,
        Retry::AfterChange,
        Text::new("The confirmation code is wrong.", "確認コードが正しくありません。"),
        Text::new(
            "Enter the confirmation code that the operator gave you. After some wrong ones the order is closed.",
            "通信事業者から受け取った確認コードを入力してください。間違いが続くと注文は終了します。",
        ),
    ),
    refusal(
        StatusCode::CONFIRMATION_CODE_TRIES_EXCEEDED,
        Retry::Never,
        Text::new(
            "The confirmation code was wrong too often; the order is closed.",
            "確認コードの間違いが上限を超えたため、注文は終了しました。",
        ),
        Text::new(
            "Ask the operator for a new activation code and its confirmation code.",
            "通信事業者に新しいアクティベーションコードと確認コードを発行してもらってください。",
        ),
    ),
    // ES9+.CancelSession.
    refusal(
        StatusCode::SMDP_OID_INVALID_ASSOCIATION,
        Retry::Never,
        Text::new(
            "The chip signed for another server than this one.",
            "チップが署名した相手は、このサーバーではありません。",
        ),
        SHOW_CODES,
    ),
    // Any function.
    refusal(
        StatusCode::EUICC_REFUSED,
        Retry::Never,
        Text::new(
            "The server ended the session because the chip had refused it.",
            "チップが拒否したため、サーバーはセッションを終了しました。",
        ),
        SHOW_CODES,
    ),
    refusal(
        StatusCode::EXECUTION_ERROR,
        Retry::Again,
        Text::new(
            "The operator's server has a trouble of its own.",
            "通信事業者のサーバーに障害が発生しています。",
        ),
        Text::new(
            "Wait a while, then try again with the same code. Nothing is lost.",
            "しばらく待ってから、同じコードでもう一度お試しください。失われたものはありません。",
        ),
    ),
    refusal(
        StatusCode::PROTOCOL_FORMAT_INVALID,
        Retry::Never,
        Text::new(
            "The server could not read what this LPA sent.",
            "サーバーは、このLPAが送った内容を読み取れませんでした。",
        ),
        Text::new(
            "This LPA and this server do not understand each other: report it with the codes below.",
            "このLPAとサーバーの間で通信形式が合っていません。下のコードを添えて報告してください。",
        ),
    ),
    refusal(
        StatusCode::MANDATORY_ELEMENT_MISSING,
        Retry::Never,
        Text::new(
            "The server misses something in what this LPA sent.",
            "このLPAが送った内容に、サーバーが必要とする項目がありませんでした。",
        ),
        Text::new(
            "This LPA and this server do not understand each other: report it with the codes below.",
            "このLPAとサーバーの間で通信形式が合っていません。下のコードを添えて報告してください。",
        ),
    ),
    refusal(
        StatusCode::FUNCTION_REQUESTER_NOT_ALLOWED,
        Retry::Never,
        Text::new("The server does not serve this LPA.", "サーバーは、このLPAからの利用を認めていません。"),
        SHOW_CODES,
    ),
    refusal(
        StatusCode::FUNCTION_CALL_IN_USE,
        Retry::Again,
        Text::new(
            "The server took the request for another one.",
            "サーバーが要求を別のものと取り違えました。",
        ),
        START_AGAIN,
    ),
    // ES11: the SM-DS's counterparts.
    refusal(
        StatusCode::SMDS_INACCESSIBLE,
        Retry::Again,
        Text::new(
            "The next discovery server can't be reached.",
            "次のディスカバリーサーバーに接続できません。",
        ),
        Text::new(
            "Try again later, or use an activation code.",
            "後でもう一度試すか、アクティベーションコードを使ってください。",
        ),
    ),
    refusal(
        StatusCode::SMDS_EXECUTION_ERROR,
        Retry::Again,
        Text::new(
            "The discovery server has a trouble of its own.",
            "ディスカバリーサーバーに障害が発生しています。",
        ),
        Text::new(
            "Try again later, or use an activation code.",
            "後でもう一度試すか、アクティベーションコードを使ってください。",
        ),
    ),
    refusal(
        StatusCode::SMDS_ADDRESS_REFUSED,
        Retry::AfterChange,
        Text::new(
            "The discovery server that answered does not go by the address that was called.",
            "応答したディスカバリーサーバーは、呼び出したアドレスのサーバーではありません。",
        ),
        Text::new(
            "Check the address of the discovery server.",
            "ディスカバリーサーバーのアドレスを確認してください。",
        ),
    ),
    refusal(
        StatusCode::SMDS_CI_KEYS_UNSUPPORTED,
        Retry::Never,
        Text::new(
            "The discovery server does not accept the certificate issuer of this chip.",
            "ディスカバリーサーバーは、このチップの認証局を受け入れていません。",
        ),
        COMPARE_ISSUERS,
    ),
    refusal(
        StatusCode::SMDS_SVN_UNSUPPORTED,
        Retry::Never,
        Text::new(
            "The discovery server does not speak the version of the standard that this chip speaks.",
            "ディスカバリーサーバーは、このチップが対応する規格のバージョンに対応していません。",
        ),
        Text::new("Use an activation code instead.", "代わりにアクティベーションコードを使ってください。"),
    ),
    refusal(
        StatusCode::SMDS_NO_CERTIFICATE_FOR_CI,
        Retry::Never,
        Text::new(
            "The discovery server has no certificate that this chip would trust.",
            "ディスカバリーサーバーは、このチップが信頼できる証明書を持っていません。",
        ),
        COMPARE_ISSUERS,
    ),
    refusal(
        StatusCode::SMDS_EVENT_IN_USE,
        Retry::Never,
        Text::new("This event is registered already.", "このイベントはすでに登録されています。"),
        OPERATOR_SIDE,
    ),
    refusal(
        StatusCode::SMDS_EVENT_UNKNOWN,
        Retry::AfterChange,
        Text::new(
            "What was waiting here is not there any more.",
            "待機していたプロファイルの知らせは、もうありません。",
        ),
        Text::new("Look again for profiles that wait.", "待機中のプロファイルをもう一度確認してください。"),
    ),
    // ES2+ and ES12, which an LPA does not call: told honestly if a server answers so.
    refusal(
        StatusCode::PROFILE_TYPE_NOT_ALLOWED,
        Retry::Never,
        Text::new(
            "The operator may not use this type of profile.",
            "通信事業者はこの種類のプロファイルを利用できません。",
        ),
        OPERATOR_SIDE,
    ),
    refusal(
        StatusCode::PROFILE_TYPE_UNAVAILABLE,
        Retry::AfterChange,
        Text::new(
            "The operator has run out of profiles of this type.",
            "この種類のプロファイルの在庫がなくなりました。",
        ),
        Text::new("Ask the operator to provide more.", "通信事業者に補充を依頼してください。"),
    ),
    refusal(
        StatusCode::PROFILE_TYPE_REFUSED,
        Retry::Never,
        Text::new(
            "The server refuses this type of profile.",
            "サーバーはこの種類のプロファイルを拒否しました。",
        ),
        OPERATOR_SIDE,
    ),
    refusal(
        StatusCode::PROFILE_TYPE_UNKNOWN,
        Retry::Never,
        Text::new(
            "The server does not know this type of profile.",
            "サーバーはこの種類のプロファイルを知りません。",
        ),
        OPERATOR_SIDE,
    ),
    refusal(
        StatusCode::MATCHING_ID_IN_USE,
        Retry::Never,
        Text::new(
            "This activation code belongs to another order.",
            "このアクティベーションコードは別の注文で使われています。",
        ),
        ASK_NEW_CODE,
    ),
    refusal(
        StatusCode::MATCHING_ID_INVALID_ASSOCIATION,
        Retry::Never,
        Text::new(
            "This activation code is not the one of this order.",
            "このアクティベーションコードは、この注文のものではありません。",
        ),
        ASK_NEW_CODE,
    ),
    refusal(
        StatusCode::EID_MISSING,
        Retry::Never,
        Text::new("The order does not say for which chip it is.", "注文に対象のチップが指定されていません。"),
        Text::new(
            "Tell the operator the EID of this chip: it is shown under Chip.",
            "「チップ」の画面に表示されるEIDを通信事業者に伝えてください。",
        ),
    ),
    refusal(
        StatusCode::EID_INVALID,
        Retry::Never,
        Text::new("The order names a chip that can't exist.", "注文に指定されたEIDが正しくありません。"),
        Text::new(
            "Tell the operator the EID of this chip: it is shown under Chip.",
            "「チップ」の画面に表示されるEIDを通信事業者に伝えてください。",
        ),
    ),
    refusal(
        StatusCode::EID_INVALID_ASSOCIATION,
        Retry::Never,
        Text::new("The order is for another chip.", "この注文は別のチップ用です。"),
        Text::new(
            "Tell the operator the EID of this chip: it is shown under Chip.",
            "「チップ」の画面に表示されるEIDを通信事業者に伝えてください。",
        ),
    ),
    refusal(
        StatusCode::ICCID_NOT_ALLOWED,
        Retry::Never,
        Text::new("The operator may not use this profile.", "通信事業者はこのプロファイルを利用できません。"),
        OPERATOR_SIDE,
    ),
    refusal(
        StatusCode::ICCID_IN_USE,
        Retry::Never,
        Text::new("This profile is in use already.", "このプロファイルはすでに使われています。"),
        OPERATOR_SIDE,
    ),
    refusal(
        StatusCode::ICCID_INVALID_TRANSITION,
        Retry::Never,
        Text::new(
            "The profile's state at the server does not allow this.",
            "サーバー上のプロファイルの状態では、この操作はできません。",
        ),
        OPERATOR_SIDE,
    ),
    refusal(
        StatusCode::ICCID_UNKNOWN,
        Retry::Never,
        Text::new("The server does not know this profile.", "サーバーはこのプロファイルを知りません。"),
        SHOW_CODES,
    ),
    refusal(
        StatusCode::ICCID_INVALID_ASSOCIATION,
        Retry::Never,
        Text::new(
            "The profile does not match what was asked for.",
            "プロファイルが要求の内容と一致しません。",
        ),
        SHOW_CODES,
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn every_status_code_has_words_of_its_own() {
        for (code, meaning) in StatusCode::ALL {
            let found = find(code.subject, code.reason);
            assert!(found.is_some(), "{}/{} {meaning}", code.subject, code.reason);
        }
        for (at, refusal) in REFUSALS.iter().enumerate() {
            let same = |other: &&Refusal| other.code == refusal.code || other.what.ja == refusal.what.ja;
            assert_eq!(REFUSALS[..at].iter().filter(same).count(), 0, "{}", refusal.code);
            for text in [refusal.what, refusal.advice] {
                assert!(text.en.ends_with('.') && text.ja.ends_with('。'), "{text:?}");
            }
        }
    }
}
