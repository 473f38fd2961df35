//! What other programs say: chips, the network, the bench speak English, and what they say is
//! known here in every language. What is not known (the words of a browser) stays as it is.

use words::Text;

/// Sentences and clauses; `{}` stands for anything, which is looked up as well.
const KNOWN: &[Text] = &[
    // The chip's worker, `wasm-euicc/src/wasm`.
    Text::new("in files (OPFS)", "ファイル、OPFS"),
    Text::new("in a database (IndexedDB)", "データベース、IndexedDB"),
    Text::new("this browser keeps no files here: {}", "このブラウザーはここにファイルを保存しません: {}"),
    Text::new("the browser did not keep a change: {}", "ブラウザーが変更を保存しませんでした: {}"),
    Text::new("the chip has no power", "チップに電源が入っていません"),
    Text::new("power failed in the middle of a write", "書き込みの途中で電源が落ちました"),
    Text::new("the chip’s program has stopped", "チップのプログラムが停止しました"),
    Text::new("the memory holds no chip that can be started", "メモリーに起動できるチップがありません"),
    Text::new("this is no chip’s memory: {}", "チップのメモリーではありません: {}"),
    Text::new("no chip can be made so: {}", "この内容ではチップを作れません: {}"),
    Text::new("it is longer than {} bytes", "{} バイトを超えています"),
    Text::new(
        "the new chip’s identity can’t be fetched from {}: {}",
        "新しいチップの識別情報を {} から取得できません: {}",
    ),
    Text::new("not enough memory", "メモリーが足りません"),
    Text::new("the medium failed", "記憶媒体に障害があります"),
    Text::new("the medium does not hold the memory of a chip", "記憶媒体にチップのメモリーがありません"),
    Text::new("memory format {} is not supported", "メモリー形式 {} には対応していません"),
    Text::new("the memory of the chip is damaged", "チップのメモリーが壊れています"),
    // The page's way to it.
    Text::new("its program can’t be loaded", "プログラムを読み込めません"),
    Text::new("its program broke off: {}", "プログラムが異常終了しました: {}"),
    Text::new("the chip's program stopped", "チップのプログラムが停止しました"),
    Text::new("the chip is not here", "チップがここにありません"),
    Text::new("there is no chip", "チップがありません"),
    Text::new("the chip is gone", "チップがなくなりました"),
    Text::new("the chip answered “{}”", "チップの応答は「{}」でした"),
    Text::new(
        "the network's challenge is not 16 and 16 bytes",
        "ネットワークのチャレンジが 16 バイトずつではありません",
    ),
    // The way to the network.
    Text::new("there is no window", "ウィンドウがありません"),
    Text::new("the phone has no service", "圏外です"),
    Text::new(
        "chip and network do not agree on a sequence number",
        "チップとネットワークのシーケンス番号が一致しません",
    ),
    Text::new("the network's answer can't be read: {}", "ネットワークの応答を読めません: {}"),
    Text::new("the network answered with HTTP status {}", "ネットワークの応答は HTTP ステータス {} でした"),
    // What browsers say when there is no way: Chromium, Firefox, Safari.
    Text::new("Failed to fetch", "接続できません"),
    Text::new("NetworkError when attempting to fetch resource.", "接続できません"),
    Text::new("Load failed", "接続できません"),
    Text::new("signal timed out", "時間内に応答がありませんでした"),
    Text::new("The operation timed out.", "時間内に応答がありませんでした"),
    // The network, `net-policy-worker/src`.
    Text::new("this network has no subscriber of that IMSI", "この IMSI の加入者はいません"),
    Text::new(
        "the card's answer is wrong: it is not the subscriber's",
        "カードの応答が違います。加入者のものではありません",
    ),
    Text::new(
        "the card does not know this network: their K or OPc differ",
        "カードはこのネットワークを認証できません。K または OPc が異なります",
    ),
    Text::new(
        "the card's sequence number was taken over once already, and it is not content",
        "シーケンス番号は一度合わせましたが、カードが受け入れません",
    ),
    Text::new(
        "the resynchronisation is not of the subscriber's card",
        "再同期の応答が加入者のカードのものではありません",
    ),
    Text::new(
        "the sequence numbers of this subscriber are used up",
        "この加入者のシーケンス番号を使い切りました",
    ),
    Text::new(
        "no such attach is waiting: an attach id works once, and for one minute",
        "待機中のアタッチがありません。アタッチ ID は一度だけ、1 分間有効です",
    ),
    Text::new("this session has ended: {}", "このセッションは終了しました: {}"),
    Text::new("there is no such session", "そのセッションはありません"),
    Text::new("there is no attach or session of that id", "その ID のアタッチやセッションはありません"),
    Text::new("the SM cannot be reached", "SM に接続できません"),
    Text::new("the SM does not answer in time", "SM が時間内に応答しません"),
    Text::new("the SM's answer is too long", "SM の応答が長すぎます"),
    Text::new("the gateway refuses {}", "ゲートウェイが拒否しました: {}"),
    Text::new("the gateway takes at most 256 KiB", "ゲートウェイが通すのは 256 KiB までです"),
    Text::new("too many bytes", "サイズが大きすぎます"),
    Text::new(
        "permitted, but there is no route from this laboratory: its gateway leads to the SM only",
        "許可されていますが、このラボからの経路がありません。ゲートウェイの先は SM だけです",
    ),
    Text::new("the body is not as long as it is declared to be", "本文の長さが宣言と異なります"),
    Text::new("an address with user information", "ユーザー情報を含むアドレス"),
    Text::new("an address with encoded characters", "エンコードされた文字を含むアドレス"),
    Text::new("an address literal instead of a name", "名前ではなく IP アドレス"),
    Text::new(
        "an address that is not host or host:port in ASCII",
        "ASCII の host または host:port ではないアドレス",
    ),
    Text::new("a port of the SM that is not its own", "SM のものではないポート"),
    Text::new("a path with encoded characters", "エンコードされた文字を含むパス"),
    Text::new("a path with a query: ES9+ has none", "クエリーを含むパス（ES9+ にはありません）"),
    Text::new("a path with other than letters, digits and /-_.", "英数字と /-_. 以外を含むパス"),
    Text::new("a path with an empty or a dot segment", "空またはドットの部分を含むパス"),
    Text::new("a path of the SM that is not listed", "リストにない SM のパス"),
    Text::new(
        "a method that is not listed: ES9+ has POST only",
        "リストにないメソッド（ES9+ は POST だけです）",
    ),
    Text::new("an address that is not of the public Internet", "公開インターネットのものではないアドレス"),
    Text::new("a body whose end can be read in two ways", "終わりが二通りに読める本文"),
    Text::new("a compressed body", "圧縮された本文"),
    Text::new("headers about a connection that is not the SM's", "SM への接続のものではないヘッダー"),
    Text::new("a header that makes another request of it", "別の要求に変えるヘッダー"),
    Text::new("a header that is there twice", "重複したヘッダー"),
    Text::new("headers of more than 16 KiB", "16 KiB を超えるヘッダー"),
    Text::new(
        "the SM redirects; redirects are not followed",
        "SM が転送を求めましたが、転送先には従いません",
    ),
    Text::new(
        "the SM's answer is compressed, which it was not asked for",
        "SM の応答が、要求していないのに圧縮されています",
    ),
    Text::new("a query that cannot be read", "読み取れない問い合わせ"),
    Text::new("a response instead of a query", "問い合わせではなく応答"),
    Text::new("a message that is no query", "問い合わせではないメッセージ"),
    Text::new("a query without exactly one question", "質問がちょうど一つではない問い合わせ"),
    Text::new("a query with records in it", "レコードを含む問い合わせ"),
    Text::new("a class that is not IN", "IN ではないクラス"),
    Text::new("the transfer of a zone", "ゾーン転送"),
    Text::new("a question for everything", "すべてを求める質問"),
    Text::new("a version of EDNS that is not 0", "0 ではない EDNS のバージョン"),
    Text::new("a query that is too long", "長すぎる問い合わせ"),
    Text::new("the limit of {} requests a minute is reached", "1 分あたり {} 件の上限に達しました"),
    Text::new(
        "the limit of {} questions a minute is reached",
        "1 分あたり {} 件の問い合わせの上限に達しました",
    ),
    Text::new("more questions", "さらに多くの問い合わせ"),
    Text::new("the limit of {} bytes a session is reached", "1 セッションあたり {} バイトの上限に達しました"),
    Text::new("the limit of {} bytes a day is reached", "1 日あたり {} バイトの上限に達しました"),
    Text::new("{} requests wait for their answers already", "すでに {} 件の要求が応答を待っています"),
    Text::new("the subscriber attached again", "加入者が別のところでアタッチしました"),
    Text::new("its time is up", "時間切れです"),
    // What its log says that it was asked.
    Text::new("attach", "アタッチ"),
    Text::new("voice {}", "音声通話 {}"),
    Text::new("sms {}", "SMS {}"),
    Text::new("data {}", "データ通信 {}"),
    Text::new("DNS {}", "名前解決 {}"),
    // What the bench did; the faults' own words are theirs (`bench/fault.rs`).
    Text::new("edited by hand", "手動で編集しました"),
    Text::new("dropped by hand", "手動で捨てました"),
];

/// What was said, in every language.
#[must_use]
pub fn words(said: &str) -> Text<String> {
    Text::new(said.to_owned(), japanese(said, DEEP).unwrap_or_else(|| said.to_owned()))
}

/// A sentence with what was said in the place of its `{}`.
#[must_use]
pub fn within(sentence: Text, said: &str) -> Text<String> {
    with(sentence, &words(said))
}

/// The same with something that is in every language already.
#[must_use]
pub fn with(sentence: Text, what: &Text<String>) -> Text<String> {
    Text::new(sentence.en.replacen("{}", &what.en, 1), sentence.ja.replacen("{}", &what.ja, 1))
}

/// Several things that were said, as the bench puts its notes together.
#[must_use]
pub fn notes(said: &str) -> Text<String> {
    Text::new(said.to_owned(), said.split("; ").map(|one| words(one).ja).collect::<Vec<_>>().join("；"))
}

/// Clauses in clauses.
const DEEP: usize = 4;

fn japanese(said: &str, deep: usize) -> Option<String> {
    let all = KNOWN.iter().chain(&crate::bench::fault::SAID);
    // What is said as a whole goes before what begins so.
    let exact = all.clone().find(|known| known.en == said);
    if let Some(known) = exact {
        return Some(known.ja.to_owned());
    }
    let (known, found) =
        all.filter(|_| deep > 0).find_map(|known| Some((known, captured(known.en, said)?)))?;
    let mut parts = known.ja.split("{}");
    let mut japanese = parts.next().unwrap_or_default().to_owned();
    for (part, found) in parts.zip(found) {
        japanese.push_str(&self::japanese(found, deep - 1).unwrap_or_else(|| found.to_owned()));
        japanese.push_str(part);
    }
    Some(japanese)
}

/// What stands for each `{}` of a sentence, if that is the sentence.
fn captured<'a>(sentence: &str, said: &'a str) -> Option<Vec<&'a str>> {
    let mut fixed = sentence.split("{}");
    let mut rest = said.strip_prefix(fixed.next()?)?;
    let mut found = Vec::new();
    let mut fixed = fixed.peekable();
    while let Some(next) = fixed.next() {
        let at = if fixed.peek().is_none() {
            // The last one ends it.
            rest.strip_suffix(next)?.len()
        } else {
            rest.find(next)?
        };
        found.push(&rest[..at]);
        rest = &rest[at + next.len()..];
    }
    (rest.is_empty() && !found.is_empty()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn what_is_known_is_said_in_japanese_and_the_rest_stays() {
        for (said, japanese) in [
            ("the chip is not here", "チップがここにありません"),
            ("memory format 9 is not supported", "メモリー形式 9 には対応していません"),
            (
                "this is no chip’s memory: it is longer than 65536 bytes",
                "チップのメモリーではありません: 65536 バイトを超えています",
            ),
            (
                "the new chip’s identity can’t be fetched from /lab/chip.json: Failed to fetch",
                "新しいチップの識別情報を /lab/chip.json から取得できません: 接続できません",
            ),
            ("voice +15550100", "音声通話 +15550100"),
            ("the chip is not here at all", "the chip is not here at all"),
            ("A browser's own words: {}", "A browser's own words: {}"),
            ("", ""),
        ] {
            let words = words(said);
            assert_eq!((words.en.as_str(), words.ja.as_str()), (said, japanese));
        }
    }

    #[test]
    fn notes_of_the_bench_are_said_one_by_one() {
        assert_eq!(notes("edited by hand; something else").ja, "手動で編集しました；something else");
    }

    #[test]
    fn a_sentence_takes_what_was_said_in_its_language() {
        let sentence = Text::new("It does not answer: {}.", "応答しません: {}。");
        let words = within(sentence, "the chip is gone");
        assert_eq!(words.en, "It does not answer: the chip is gone.");
        assert_eq!(words.ja, "応答しません: チップがなくなりました。");
        // What was said is not a sentence of ours.
        assert_eq!(within(sentence, "{} {}").en, "It does not answer: {} {}.");
    }

    #[test]
    fn every_sentence_says_the_same_things_in_both_languages() {
        for (at, known) in KNOWN.iter().enumerate() {
            assert_eq!(known.en.matches("{}").count(), known.ja.matches("{}").count(), "{known}");
            assert!(KNOWN[..at].iter().all(|other| other.en != known.en), "twice: {known}");
            assert_ne!(known.en, known.ja);
        }
    }

    #[test]
    fn what_is_said_in_itself_ends() {
        let deep = "the gateway refuses ".repeat(2_000);
        assert!(words(&deep).ja.contains("the gateway refuses"));
        assert!(words("{}{}{}").ja == "{}{}{}");
    }
}
