//! What is wrong with what a person typed, and what to do about it.

use rsp::activation_code::InvalidActivationCode;
use words::{Text, text};

use crate::device::InvalidDevice;

/// What is wrong with an activation code.
#[must_use]
pub const fn activation_code_words(error: InvalidActivationCode) -> Text {
    match error {
        InvalidActivationCode::Empty => {
            Text::new("There is no activation code.", "アクティベーションコードがありません。")
        }
        InvalidActivationCode::TooLong => Text::new(
            "This is longer than an activation code can be.",
            "アクティベーションコードとしては長すぎます。",
        ),
        InvalidActivationCode::Format => {
            Text::new("This is not an activation code.", "これはアクティベーションコードではありません。")
        }
        InvalidActivationCode::Link => Text::new(
            "This link carries no activation code.",
            "このリンクにはアクティベーションコードが含まれていません。",
        ),
        InvalidActivationCode::PercentEncoding => {
            Text::new("This link is cut off or damaged.", "このリンクは途中で切れているか、壊れています。")
        }
        InvalidActivationCode::Version => Text::new(
            "This activation code is of a newer kind, which is not known here.",
            "このアクティベーションコードは、対応していない新しい形式です。",
        ),
        InvalidActivationCode::AddressMissing => Text::new(
            "The activation code names no server.",
            "アクティベーションコードにサーバーのアドレスがありません。",
        ),
        InvalidActivationCode::AddressIsLink => Text::new(
            "Where the server's name should be there is a link.",
            "サーバー名の部分がリンクになっています。",
        ),
        InvalidActivationCode::Address => Text::new(
            "The activation code's server address can't exist.",
            "アクティベーションコードのサーバーアドレスが正しくありません。",
        ),
        InvalidActivationCode::MatchingId => Text::new(
            "The activation code holds a character that can't be in it.",
            "アクティベーションコードに、使えない文字が含まれています。",
        ),
        InvalidActivationCode::Oid => Text::new(
            "The server's identifier in the activation code is not one.",
            "アクティベーションコードのサーバー識別子（OID）が正しくありません。",
        ),
        InvalidActivationCode::ConfirmationFlag => Text::new(
            "The activation code's mark for the confirmation code is wrong.",
            "アクティベーションコードの、確認コードの要否を示す部分が正しくありません。",
        ),
        InvalidActivationCode::CiKeyIndicator => Text::new(
            "The activation code's mark for the certificate issuer is wrong.",
            "アクティベーションコードの、認証局を示す部分が正しくありません。",
        ),
        InvalidActivationCode::DeleteNotificationFlag => Text::new(
            "The activation code's mark for a change of device is wrong.",
            "アクティベーションコードの、機種変更に関する部分が正しくありません。",
        ),
        InvalidActivationCode::TooManyFields => Text::new(
            "The activation code has more parts than it can have.",
            "アクティベーションコードの項目が多すぎます。",
        ),
    }
}

/// What to do about it.
#[must_use]
pub const fn activation_code_advice(error: InvalidActivationCode) -> Text {
    match error {
        InvalidActivationCode::Empty => Text::new(
            "Scan or paste the code that the operator gave you.",
            "通信事業者から受け取ったコードを読み取るか、貼り付けてください。",
        ),
        InvalidActivationCode::TooLong | InvalidActivationCode::TooManyFields => Text::new(
            "Check that only the code was copied, and nothing around it.",
            "コードだけを、前後の文章を含めずにコピーしたか確認してください。",
        ),
        InvalidActivationCode::Format => Text::new(
            "It begins with LPA:1$ or 1$. Check that all of it was copied, from the first letter on.",
            "「LPA:1$」または「1$」で始まります。先頭からすべてコピーしたか確認してください。",
        ),
        InvalidActivationCode::Link => Text::new(
            "Open the link in a browser: the code may be on that page.",
            "リンクをブラウザーで開いてください。そのページにコードがあるかもしれません。",
        ),
        InvalidActivationCode::PercentEncoding => {
            Text::new("Copy the whole link again.", "リンク全体をもう一度コピーしてください。")
        }
        InvalidActivationCode::Version => Text::new(
            "Ask the operator for a code that begins with 1$.",
            "「1$」で始まるコードを通信事業者に依頼してください。",
        ),
        InvalidActivationCode::AddressMissing => Text::new(
            "The server's name stands between the first and the second $. Check that nothing is left out.",
            "サーバー名は、1つ目と2つ目の「$」の間にあります。抜けている部分がないか確認してください。",
        ),
        InvalidActivationCode::AddressIsLink => Text::new(
            "Leave https:// and everything after the name out, so that only a name like smdp.example.com stays.",
            "「https://」と名前より後ろを取り除き、smdp.example.com のような名前だけにしてください。",
        ),
        InvalidActivationCode::Address => Text::new(
            "Check the part between the first and the second $ for typing mistakes.",
            "1つ目と2つ目の「$」の間に入力ミスがないか確認してください。",
        ),
        InvalidActivationCode::MatchingId => Text::new(
            "After the second $ there may be letters, digits and hyphens only: check for typing mistakes.",
            "2つ目の「$」の後に使えるのは英数字とハイフンだけです。入力ミスがないか確認してください。",
        ),
        InvalidActivationCode::Oid => Text::new(
            "After the third $ there may be numbers with dots between them, or nothing.",
            "3つ目の「$」の後は、ピリオドで区切った数字か、空欄です。",
        ),
        InvalidActivationCode::ConfirmationFlag => Text::new(
            "After the fourth $ there may be a 1 or nothing. The confirmation code itself is asked for later.",
            "4つ目の「$」の後は「1」か空欄です。確認コード自体は後で入力します。",
        ),
        InvalidActivationCode::CiKeyIndicator => Text::new(
            "After the fifth $ there may be hexadecimal digits or nothing.",
            "5つ目の「$」の後は、16進数か空欄です。",
        ),
        InvalidActivationCode::DeleteNotificationFlag => Text::new(
            "After the sixth $ there may be a 1 or nothing.",
            "6つ目の「$」の後は、「1」か空欄です。",
        ),
    }
}

impl InvalidDevice {
    /// What is wrong with a TAC or an IMEI.
    #[must_use]
    pub fn words(self) -> Text<String> {
        match self {
            Self::Empty => text!("There is no device number.", "端末の番号がありません。"),
            Self::NotDigits => {
                text!("A TAC or an IMEI has digits only.", "TACとIMEIに使えるのは数字だけです。")
            }
            Self::Length(length) => text!(
                "A TAC has 8 digits and an IMEI 15; these are {length}. *#06# shows the IMEI.",
                "TACは8桁、IMEIは15桁ですが、入力は{length}桁です。IMEIは *#06# で表示できます。"
            ),
            Self::CheckDigit(expected) => text!(
                "There is a typing mistake in the IMEI: with these first 14 digits the last one is {expected}.",
                "IMEIに入力ミスがあります。最初の14桁が正しければ、最後の数字は{expected}です。"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn each_way_to_be_wrong_has_words_of_its_own() {
        let all = InvalidActivationCode::ALL.map(activation_code_words);
        for (at, text) in all.iter().enumerate() {
            assert!(all[..at].iter().all(|other| other.en != text.en && other.ja != text.ja), "{text:?}");
        }
    }
}
