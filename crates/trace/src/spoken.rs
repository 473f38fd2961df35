//! Status words and status codes in every language that people read.

use apdu::StatusWord;
use words::{Text, text};

/// What status words mean (ETSI TS 102 221 §10.2, 3GPP TS 31.102 §7.3).
const WORDS: &[(u16, Text)] = &[
    (0x9000, Text::new("normal ending", "正常終了")),
    (0x9300, Text::new("toolkit busy, try again later", "ツールキットが使用中、後で再試行")),
    (0x6200, Text::new("warning, memory unchanged", "警告、メモリーの変更なし")),
    (0x6281, Text::new("returned data may be corrupted", "返されたデータが壊れている可能性あり")),
    (
        0x6282,
        Text::new(
            "end of file or record reached, or nothing found",
            "ファイルかレコードの終端、または該当なし",
        ),
    ),
    (0x6283, Text::new("selected file is deactivated", "選択したファイルは無効化されている")),
    (0x6285, Text::new("selected file is in termination state", "選択したファイルは終了状態")),
    (0x6300, Text::new("warning, memory changed", "警告、メモリーの変更あり")),
    (0x6400, Text::new("no information, memory unchanged", "情報なし、メモリーの変更なし")),
    (0x6500, Text::new("no information, memory changed", "情報なし、メモリーの変更あり")),
    (0x6581, Text::new("memory problem", "メモリーの異常")),
    (0x6700, Text::new("wrong length", "長さの誤り")),
    (0x6800, Text::new("no information", "情報なし")),
    (
        0x6881,
        Text::new("logical channel not supported or not open", "論理チャネルが未対応、または開いていない"),
    ),
    (0x6882, Text::new("secure messaging not supported", "セキュアメッセージングに未対応")),
    (0x6981, Text::new("command incompatible with the file structure", "ファイル構造に合わないコマンド")),
    (0x6982, Text::new("security status not satisfied", "セキュリティ条件を満たしていない")),
    (0x6983, Text::new("authentication or PIN method blocked", "認証または PIN がブロックされている")),
    (0x6984, Text::new("referenced data invalidated", "参照データが無効")),
    (0x6985, Text::new("conditions of use not satisfied", "使用条件を満たしていない")),
    (0x6986, Text::new("command not allowed, no EF selected", "EF が未選択のため実行できない")),
    (0x6989, Text::new("command not allowed, secure channel", "セキュアチャネルが必要なため実行できない")),
    (0x6A80, Text::new("incorrect parameters in the data field", "データフィールドのパラメーターの誤り")),
    (0x6A81, Text::new("function not supported", "未対応の機能")),
    (0x6A82, Text::new("file or application not found", "ファイルまたはアプリケーションがない")),
    (0x6A83, Text::new("record not found", "レコードがない")),
    (0x6A84, Text::new("not enough memory space", "メモリー不足")),
    (0x6A86, Text::new("incorrect parameters P1 and P2", "P1、P2 の誤り")),
    (0x6A87, Text::new("Lc inconsistent with P1 and P2", "Lc が P1、P2 と合わない")),
    (0x6A88, Text::new("referenced data not found", "参照データがない")),
    (0x6B00, Text::new("wrong parameters P1 and P2", "P1、P2 が不正")),
    (0x6D00, Text::new("instruction not supported", "未対応の命令")),
    (0x6E00, Text::new("class not supported", "未対応のクラス")),
    (0x6F00, Text::new("technical problem, no precise diagnosis", "技術的な問題、詳細不明")),
    (
        0x9850,
        Text::new("INCREASE cannot be performed, maximum value reached", "最大値に達し INCREASE できない"),
    ),
    (0x9862, Text::new("authentication error, incorrect MAC", "認証エラー、MAC の不一致")),
    (0x9863, Text::new("security session or association expired", "セキュリティセッションの期限切れ")),
    (
        0x9864,
        Text::new("authentication error, security context not supported", "認証エラー、未対応のコンテキスト"),
    ),
    (0x9865, Text::new("key freshness failure", "鍵の新しさの検証に失敗")),
    (0x9866, Text::new("authentication error, no memory space available", "認証エラー、メモリー不足")),
];

/// What status codes of a server mean (SGP.22 §5.2.6), in Japanese: subject, reason, meaning. The
/// English is [`rsp::status::StatusCode::meaning`].
const CODES: &[(&str, &str, &str)] = &[
    ("8.8.1", "3.8", "SM-DP+ のアドレスがこのサーバーのものではない"),
    ("8.8.2", "3.1", "eUICC の署名用 CI 鍵のどれにも未対応"),
    ("8.8.3", "3.1", "eUICC の SGP.22 バージョンに未対応"),
    ("8.8.4", "3.7", "eUICC が検証できる CI のサーバー証明書がない"),
    ("8.1.2", "6.1", "EUM 証明書が不正"),
    ("8.1.2", "6.3", "EUM 証明書の期限切れ"),
    ("8.1.3", "6.1", "eUICC 証明書が不正"),
    ("8.1.3", "6.3", "eUICC 証明書の期限切れ"),
    ("8.1", "6.1", "eUICC の署名、またはその中のサーバーチャレンジが不正"),
    ("8.1", "4.8", "このプロファイルには eUICC のメモリーが足りない"),
    ("8.11.1", "3.9", "CI の公開鍵が不明"),
    ("8.10.1", "3.9", "RSP セッションが不明、または終了済み"),
    ("8.2", "1.2", "プロファイルがまだ公開されていない"),
    ("8.2", "3.7", "バウンドプロファイルパッケージを再作成できない"),
    ("8.2.5", "4.3", "この eUICC または機器に適したプロファイルがない"),
    ("8.2.5", "1.2", "要求元はこの種類のプロファイルを使えない"),
    ("8.2.5", "3.7", "この種類のプロファイルの在庫がない"),
    ("8.2.5", "3.8", "プロファイルの種類が拒否された"),
    ("8.2.5", "3.9", "プロファイルの種類が不明"),
    ("8.2.6", "3.8", "Matching ID が不明、または使用済み"),
    ("8.2.6", "3.3", "Matching ID は使用中"),
    ("8.2.6", "3.10", "Matching ID がこの注文のものではない"),
    ("8.1.1", "3.8", "別の eUICC 向けの注文"),
    ("8.1.1", "2.2", "EID がない"),
    ("8.1.1", "2.1", "EID が不正"),
    ("8.1.1", "3.10", "EID がこの注文のものではない"),
    ("8.2.7", "2.2", "確認コードがない"),
    ("8.2.7", "3.8", "確認コードが違う"),
    ("8.2.7", "6.4", "確認コードを間違えた回数が上限に達した"),
    ("8.8.5", "4.10", "ダウンロード注文の期限切れ"),
    ("8.8.5", "6.4", "ダウンロードの試行回数が上限に達した"),
    ("8.8", "3.10", "SM-DP+ の OID がこのサーバーのものではない"),
    ("8.2.1", "1.2", "要求元はこのプロファイルを使えない"),
    ("8.2.1", "3.3", "プロファイルは使用中"),
    ("8.2.1", "3.5", "プロファイルの状態がこれを許さない"),
    ("8.2.1", "3.9", "プロファイルが不明"),
    ("8.2.1", "3.10", "プロファイルが要求に合わない"),
    ("1.1", "1.2", "要求元に権限がない"),
    ("1.3.1", "2.1", "要求の形式が不正"),
    ("1.3.1", "2.2", "必須の要素がない"),
    ("8.8", "4.2", "サーバーが実行できなかった"),
    ("8.1", "4.2", "eUICC がコマンドを拒否した"),
    ("8.9", "5.1", "SM-DS に接続できない"),
    ("8.9", "4.2", "SM-DS が実行できなかった"),
    ("8.9.1", "3.8", "SM-DS のアドレスが拒否された"),
    ("8.9.2", "3.1", "SM-DS が eUICC の署名用 CI 鍵のどれにも未対応"),
    ("8.9.3", "3.1", "SM-DS が eUICC の SGP.22 バージョンに未対応"),
    ("8.9.4", "3.7", "eUICC が検証できる CI の SM-DS 証明書がない"),
    ("8.9.5", "3.3", "イベントは登録済み"),
    ("8.9.5", "3.9", "イベントが不明"),
    ("1.6", "3.3", "呼び出し識別子が別の要求に使われた"),
];

/// What a status word means.
#[must_use]
pub fn meaning(sw: StatusWord) -> Text<String> {
    let tail = sw.0 & 0xFF;
    let length = if tail == 0 { 256 } else { tail };
    match sw.0 >> 8 {
        0x61 => text!("{length} bytes wait for GET RESPONSE", "GET RESPONSE で {length} バイト取得できる"),
        0x6C => text!("wrong Le, repeat with {length}", "Le の誤り、{length} で再送"),
        0x91 => text!(
            "done; a proactive command of {length} bytes waits for FETCH",
            "完了。{length} バイトのプロアクティブコマンドが FETCH を待っている"
        ),
        0x63 if tail & 0xF0 == 0xC0 => {
            let tries = tail & 15;
            text!("verification failed, {tries} tries left", "照合に失敗、残り {tries} 回")
        }
        _ => WORDS
            .iter()
            .find(|(known, _)| *known == sw.0)
            .map_or(Text::new("unknown", "不明"), |(_, words)| *words)
            .owned(),
    }
}

/// A value of a [`Node`](crate::Node) of this name in every language: what status words and status
/// codes mean is said in each, all else is the standard's and stays.
#[must_use]
pub fn spoken(name: &str, value: &str) -> Text<String> {
    let japanese = match name {
        "SW" => value
            .split_once(' ')
            .and_then(|(code, _)| Some((code, u16::from_str_radix(code, 16).ok()?)))
            .map(|(code, sw)| format!("{code} {}", meaning(StatusWord(sw)).ja)),
        "meaning" => rsp::status::StatusCode::ALL.iter().find(|(_, english)| *english == value).and_then(
            |(code, _)| {
                let same = |known: &&(&str, &str, &str)| (known.0, known.1) == (code.subject, code.reason);
                CODES.iter().find(same).map(|(_, _, japanese)| (*japanese).to_owned())
            },
        ),
        _ => None,
    };
    Text::new(value.to_owned(), japanese.unwrap_or_else(|| value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn every_code_that_is_known_is_known_in_japanese() {
        for (code, english) in rsp::status::StatusCode::ALL {
            let spoken = spoken("meaning", english);
            assert!(spoken.en == *english && !spoken.ja.is_ascii(), "{code}");
        }
        assert_eq!(CODES.len(), rsp::status::StatusCode::ALL.len());
    }

    #[test]
    fn a_status_word_is_said_in_both_languages() {
        let sw = spoken("SW", "6A82 file or application not found");
        assert_eq!(sw.ja, "6A82 ファイルまたはアプリケーションがない");
        assert_eq!(meaning(StatusWord(0x6110)).ja, "GET RESPONSE で 16 バイト取得できる");
        assert_eq!(meaning(StatusWord(0x63C2)).en, "verification failed, 2 tries left");
        assert_eq!(meaning(StatusWord(0x1234)).en, "unknown");
        for (name, value) in [("SW", "9"), ("SW", "zz top"), ("SW", ""), ("meaning", "?"), ("EID", "6A82 x")]
        {
            assert_eq!(spoken(name, value), Text::new(value.to_owned(), value.to_owned()));
        }
    }
}
