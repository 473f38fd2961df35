//! What things are for, in a sentence, and who can read them.

use words::Text;

use crate::record::{Interface, Message, Part, Party, Step};

/// What something is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What it is for.
    pub what: Text,
    /// Who can read it, and by which key, where that is worth a word.
    pub readers: Option<Text>,
    /// Where the standard defines it.
    pub section: Option<&'static str>,
}

const fn e(section: &'static str, en: &'static str, ja: &'static str) -> Explanation {
    Explanation { what: Text::new(en, ja), readers: None, section: Some(section) }
}

const fn r(section: &'static str, en: &'static str, ja: &'static str, readers: Text) -> Explanation {
    Explanation { what: Text::new(en, ja), readers: Some(readers), section: Some(section) }
}

const PLAIN: Text = Text::new(
    "The phone can read it: it is signed where it matters, not encrypted.",
    "端末からも読めます。重要な部分は署名で守られ、暗号化はされていません。",
);
const SIGNED_BY_EUICC: Text = Text::new(
    "Everybody can read it; only the chip can sign it, with its private key (SK.EUICC).",
    "誰でも読めますが、署名できるのは秘密鍵（SK.EUICC）を持つチップだけです。",
);
const SIGNED_BY_SMDP: Text = Text::new(
    "Everybody can read it; only the SM-DP+ can sign it, with its private key.",
    "誰でも読めますが、署名できるのは秘密鍵を持つ SM-DP+ だけです。",
);
const SEALED: Text = Text::new(
    "Only the SM-DP+ and this one chip have the session keys, made from their one-time keys. Phone and network carry it and cannot read it.",
    "セッション鍵を持つのは SM-DP+ とこのチップだけです（双方の一時鍵から作られます）。端末とネットワークは運ぶだけで、読めません。",
);
const MACED: Text = Text::new(
    "Everybody can read it; who changes it is found out, because its MAC is made with a session key (S-MAC) that only SM-DP+ and chip have.",
    "誰でも読めますが、改ざんは検出されます。MAC の鍵（S-MAC）を持つのは SM-DP+ とチップだけです。",
);
const TLS: Text = Text::new(
    "TLS hides it from the network; LPA and server can read it.",
    "TLS によりネットワークからは見えません。LPA とサーバーは読めます。",
);

/// Functions by name.
static FUNCTIONS: [(&str, Explanation); 85] = [
    (
        "RESET",
        e(
            "ISO 7816-3 §6",
            "Power is switched on, or the chip starts again; it answers with what it can do.",
            "電源投入またはリセット。チップは自分の能力を ATR で答えます。",
        ),
    ),
    (
        "SELECT ISD-R",
        e(
            "SGP.22 §2.4",
            "Opens the chip's part that manages profiles (ISD-R).",
            "プロファイルを管理するチップ内のアプリ（ISD-R）を選びます。",
        ),
    ),
    (
        "SELECT ECASD",
        e(
            "SGP.22 §2.4.3",
            "Opens the chip's part that keeps its certificates and private key.",
            "証明書と秘密鍵を保管する領域（ECASD）を選びます。",
        ),
    ),
    (
        "SELECT ADF.USIM",
        e(
            "TS 31.102 §5.1",
            "Opens the subscriber application (USIM) of the profile that is on.",
            "有効なプロファイルの加入者アプリ（USIM）を選びます。",
        ),
    ),
    (
        "SELECT ADF.ISIM",
        e(
            "TS 31.103 §5.1",
            "Opens the application for IP telephony (ISIM) of the profile that is on.",
            "有効なプロファイルの IP 電話用アプリ（ISIM）を選びます。",
        ),
    ),
    (
        "SELECT",
        e(
            "TS 102 221 §11.1.1",
            "Chooses a file or an application for the commands that follow.",
            "続くコマンドの対象となるファイルやアプリを選びます。",
        ),
    ),
    (
        "STATUS",
        e(
            "TS 102 221 §11.1.2",
            "Asks which directory is selected; the phone also tells by it that it is ready.",
            "選択中のディレクトリを尋ねます。端末の準備完了の合図にもなります。",
        ),
    ),
    (
        "READ BINARY",
        e("TS 102 221 §11.1.3", "Reads a file of the profile.", "プロファイルのファイルを読みます。"),
    ),
    (
        "UPDATE BINARY",
        e("TS 102 221 §11.1.4", "Writes a file of the profile.", "プロファイルのファイルに書き込みます。"),
    ),
    (
        "READ RECORD",
        e("TS 102 221 §11.1.5", "Reads one record of a file.", "ファイルのレコードを一件読みます。"),
    ),
    (
        "UPDATE RECORD",
        e("TS 102 221 §11.1.6", "Writes one record of a file.", "ファイルのレコードを一件書き込みます。"),
    ),
    (
        "SEARCH RECORD",
        e("TS 102 221 §11.1.7", "Looks for records with a content.", "内容でレコードを探します。"),
    ),
    (
        "INCREASE",
        e(
            "TS 102 221 §11.1.8",
            "Adds to a counter of the profile.",
            "プロファイルのカウンターを増やします。",
        ),
    ),
    (
        "VERIFY PIN",
        r(
            "TS 102 221 §11.1.9",
            "Shows the chip the person's PIN.",
            "利用者の PIN をチップに示します。",
            Text::new(
                "The phone knows the PIN; it is never shown here.",
                "PIN は端末が知っていますが、ここには表示しません。",
            ),
        ),
    ),
    ("CHANGE PIN", e("TS 102 221 §11.1.10", "Replaces the PIN.", "PIN を変更します。")),
    ("DISABLE PIN", e("TS 102 221 §11.1.11", "The PIN is asked for no longer.", "PIN の要求をやめます。")),
    ("ENABLE PIN", e("TS 102 221 §11.1.12", "The PIN is asked for again.", "PIN の要求を再開します。")),
    (
        "UNBLOCK PIN",
        e(
            "TS 102 221 §11.1.13",
            "Sets a new PIN with the PUK after too many wrong ones.",
            "PUK を使って新しい PIN を設定します。",
        ),
    ),
    ("DEACTIVATE FILE", e("TS 102 221 §11.1.14", "Takes a file out of use.", "ファイルを使用停止にします。")),
    (
        "ACTIVATE FILE",
        e("TS 102 221 §11.1.15", "Brings a file back into use.", "ファイルを使用可能に戻します。"),
    ),
    (
        "AUTHENTICATE",
        r(
            "TS 31.102 §7.1",
            "The network's challenge: the chip checks that the network is real and proves that it has the subscriber's key.",
            "ネットワークからのチャレンジ。チップは相手が本物か確かめ、加入者の鍵を持つことを証明します。",
            Text::new(
                "The key (Ki) never leaves the chip; the session keys CK and IK go to the phone only and are not shown here.",
                "鍵（Ki）はチップから出ません。CK と IK は端末だけに渡され、ここには表示しません。",
            ),
        ),
    ),
    (
        "GET CHALLENGE",
        e("TS 102 221 §11.1.18", "Asks the chip for random bytes.", "チップに乱数を求めます。"),
    ),
    (
        "GET IDENTITY",
        e(
            "TS 102 221 §11.1.24",
            "Asks for the subscriber's identity in concealed form (SUCI).",
            "秘匿された加入者識別子（SUCI）を求めます。",
        ),
    ),
    (
        "GET RESPONSE",
        e(
            "TS 102 221 §12.1.1",
            "Fetches the answer that waits in the chip.",
            "チップで待っている応答を取り出します。",
        ),
    ),
    (
        "GET DATA",
        e(
            "GP Card Specification §11.3",
            "Asks the chip for one data object.",
            "チップのデータを一つ求めます。",
        ),
    ),
    (
        "MANAGE CHANNEL open",
        e(
            "TS 102 221 §11.1.17",
            "Opens a logical channel, so that the LPA and the modem do not disturb each other.",
            "論理チャネルを開きます。LPA とモデムが互いに干渉しないためです。",
        ),
    ),
    (
        "MANAGE CHANNEL close",
        e("TS 102 221 §11.1.17", "Closes a logical channel.", "論理チャネルを閉じます。"),
    ),
    (
        "TERMINAL CAPABILITY",
        e(
            "TS 102 221 §11.1.19",
            "The phone tells that it has an LPA.",
            "端末が LPA を備えていることを伝えます。",
        ),
    ),
    (
        "TERMINAL PROFILE",
        e(
            "TS 102 223 §5.2",
            "The phone tells which toolkit commands it can do.",
            "端末が対応するツールキット機能を伝えます。",
        ),
    ),
    (
        "FETCH",
        e(
            "TS 102 223 §6.2",
            "Fetches what the chip wants the phone to do, such as REFRESH after a switch.",
            "チップから端末への指示（切替後の REFRESH など）を取り出します。",
        ),
    ),
    (
        "TERMINAL RESPONSE",
        e(
            "TS 102 223 §6.8",
            "Tells the chip how its wish was carried out.",
            "指示の実行結果をチップに返します。",
        ),
    ),
    (
        "ENVELOPE",
        e(
            "TS 102 223 §7",
            "Hands the chip something that came for it: a message over the air, an event.",
            "チップ宛てのもの（無線経由のメッセージやイベント）を渡します。",
        ),
    ),
    (
        "STORE DATA",
        e("SGP.22 §5.7.2", "Carries requests of ES10 in blocks.", "ES10 の要求をブロックに分けて運びます。"),
    ),
    (
        "ES10a.GetEuiccConfiguredAddresses",
        e(
            "SGP.22 §5.7.3",
            "Which SM-DP+ and SM-DS the chip is set up for.",
            "チップに設定された SM-DP+ と SM-DS のアドレスを尋ねます。",
        ),
    ),
    (
        "ES10a.SetDefaultDpAddress",
        e(
            "SGP.22 §5.7.4",
            "Sets the SM-DP+ that is asked when there is no activation code.",
            "アクティベーションコードなしで使う既定の SM-DP+ を設定します。",
        ),
    ),
    (
        "ES10b.PrepareDownload",
        r(
            "SGP.22 §5.7.5",
            "The chip checks the SM-DP+ once more, makes a one-time key pair and signs its public half.",
            "チップは SM-DP+ を再確認し、一時鍵の組を作り、公開鍵に署名します。",
            SIGNED_BY_EUICC,
        ),
    ),
    (
        "ES10b.LoadBoundProfilePackage",
        r(
            "SGP.22 §5.7.6",
            "The sealed profile goes into the chip segment by segment; the chip decrypts and installs it.",
            "封印されたプロファイルを区切りごとにチップへ渡し、チップが復号してインストールします。",
            SEALED,
        ),
    ),
    (
        "ES10b.GetEUICCChallenge",
        e(
            "SGP.22 §5.7.7",
            "A fresh random number of the chip, which the server must sign: so no old answer can be replayed.",
            "チップの新しい乱数。サーバーがこれに署名するので、古い応答は再利用できません。",
        ),
    ),
    (
        "ES10b.GetEUICCInfo1",
        r(
            "SGP.22 §5.7.8",
            "Which version and which certificate issuers the chip knows; the server chooses its certificate by it.",
            "対応バージョンと信頼する認証局。サーバーはこれで証明書を選びます。",
            PLAIN,
        ),
    ),
    (
        "ES10b.GetEUICCInfo2",
        r(
            "SGP.22 §5.7.8",
            "All that the chip tells of itself: versions, free memory, abilities.",
            "チップ自身の情報: バージョン、空きメモリー、能力。",
            PLAIN,
        ),
    ),
    (
        "ES10b.ListNotification",
        e(
            "SGP.22 §5.7.9",
            "Which notifications for servers wait in the chip.",
            "チップに溜まっている通知の一覧。",
        ),
    ),
    (
        "ES10b.RetrieveNotificationsList",
        r(
            "SGP.22 §5.7.10",
            "Takes signed notifications out of the chip, to send them to their servers.",
            "署名済みの通知を取り出し、サーバーへ送ります。",
            SIGNED_BY_EUICC,
        ),
    ),
    (
        "ES10b.RemoveNotificationFromList",
        e(
            "SGP.22 §5.7.11",
            "The server has it: the chip may forget the notification.",
            "サーバーに届いたので、チップから通知を消します。",
        ),
    ),
    (
        "ES10b.LoadCRL",
        e(
            "SGP.22 §5.7.12",
            "Gives the chip a list of revoked certificates.",
            "失効した証明書のリストをチップに渡します。",
        ),
    ),
    (
        "ES10b.AuthenticateServer",
        r(
            "SGP.22 §5.7.13",
            "The chip checks the server's certificate and signature, and answers with its own: now each knows who the other is.",
            "チップはサーバーの証明書と署名を確かめ、自分の署名で答えます。これで相互認証が成立します。",
            SIGNED_BY_EUICC,
        ),
    ),
    (
        "ES10b.CancelSession",
        r(
            "SGP.22 §5.7.14",
            "The chip signs that this download is given up, and why.",
            "ダウンロードの中止とその理由にチップが署名します。",
            SIGNED_BY_EUICC,
        ),
    ),
    (
        "ES10b.LpaeActivation",
        e("SGP.22 §5.7.1", "Switches on an assistant inside the chip.", "チップ内蔵の LPA を有効にします。"),
    ),
    (
        "ES10c.GetProfilesInfo",
        r(
            "SGP.22 §5.7.15",
            "Which profiles are on the chip: names, icons, which one is on.",
            "チップ内のプロファイル一覧: 名前、アイコン、有効かどうか。",
            PLAIN,
        ),
    ),
    (
        "ES10c.EnableProfile",
        e(
            "SGP.22 §5.7.16",
            "Switches a profile on; the one that was on goes off.",
            "プロファイルを有効にします。それまで有効だったものは無効になります。",
        ),
    ),
    (
        "ES10c.DisableProfile",
        e("SGP.22 §5.7.17", "Switches the profile off.", "プロファイルを無効にします。"),
    ),
    (
        "ES10c.DeleteProfile",
        e(
            "SGP.22 §5.7.18",
            "Deletes a profile with all that is in it. It cannot be undone.",
            "プロファイルを中身ごと削除します。元に戻せません。",
        ),
    ),
    (
        "ES10c.eUICCMemoryReset",
        e("SGP.22 §5.7.19", "Deletes many profiles at once.", "多数のプロファイルをまとめて削除します。"),
    ),
    (
        "ES10c.GetEID",
        r(
            "SGP.22 §5.7.20",
            "The chip's number, which it keeps for life.",
            "チップに固有の番号（EID）。生涯変わりません。",
            Text::new(
                "It tells which chip this is; it is masked when a trace is shared.",
                "チップを特定できるため、共有時には伏せられます。",
            ),
        ),
    ),
    (
        "ES10c.SetNickname",
        e(
            "SGP.22 §5.7.21",
            "Gives a profile a name of the person's own.",
            "利用者が付けた名前をプロファイルに設定します。",
        ),
    ),
    (
        "ES10b.GetRAT",
        e(
            "SGP.22 §5.7.22",
            "Which operators may bring profiles that cannot be switched off or deleted.",
            "無効化や削除を禁じるプロファイルを許される事業者の表。",
        ),
    ),
    (
        "ES9+.InitiateAuthentication",
        r(
            "SGP.22 §5.6.1",
            "The LPA asks the SM-DP+ to prove who it is: the server signs the chip's challenge.",
            "LPA が SM-DP+ に身元の証明を求めます。サーバーはチップの乱数に署名します。",
            SIGNED_BY_SMDP,
        ),
    ),
    (
        "ES9+.AuthenticateClient",
        r(
            "SGP.22 §5.6.3",
            "The chip's proof goes to the SM-DP+; it finds the order and tells what profile waits.",
            "チップの証明を SM-DP+ に渡すと、注文が見つかり、プロファイルの概要が返ります。",
            TLS,
        ),
    ),
    (
        "ES9+.GetBoundProfilePackage",
        r(
            "SGP.22 §5.6.2",
            "The whole profile in one download, sealed for this one chip.",
            "プロファイル全体を一度にダウンロードします。このチップ専用に封印されています。",
            SEALED,
        ),
    ),
    (
        "ES9+.HandleNotification",
        r(
            "SGP.22 §5.6.4",
            "Tells the SM-DP+ what the chip has done: installed, switched, deleted.",
            "インストールや切替、削除などチップの行いを SM-DP+ に知らせます。",
            SIGNED_BY_EUICC,
        ),
    ),
    (
        "ES9+.CancelSession",
        r(
            "SGP.22 §5.6.5",
            "Tells the SM-DP+, with the chip's signature, that the download is given up.",
            "ダウンロードの中止をチップの署名とともに SM-DP+ に伝えます。",
            SIGNED_BY_EUICC,
        ),
    ),
    (
        "ES11.InitiateAuthentication",
        r(
            "SGP.22 §5.8.1",
            "The LPA asks the discovery server (SM-DS) to prove who it is.",
            "LPA が発見サーバー（SM-DS）に身元の証明を求めます。",
            SIGNED_BY_SMDP,
        ),
    ),
    (
        "ES11.AuthenticateClient",
        r(
            "SGP.22 §5.8.2",
            "The SM-DS tells at which SM-DP+ a profile waits for this chip.",
            "このチップ宛てのプロファイルがどの SM-DP+ にあるかを SM-DS が教えます。",
            TLS,
        ),
    ),
    (
        "ES2+.DownloadOrder",
        e(
            "SGP.22 §5.3.1",
            "The operator orders a profile at the SM-DP+.",
            "事業者が SM-DP+ にプロファイルを注文します。",
        ),
    ),
    (
        "ES2+.ConfirmOrder",
        e(
            "SGP.22 §5.3.2",
            "The operator confirms the order; the activation code is made.",
            "注文を確定し、アクティベーションコードが作られます。",
        ),
    ),
    (
        "ES2+.CancelOrder",
        e("SGP.22 §5.3.3", "The operator takes the order back.", "事業者が注文を取り消します。"),
    ),
    (
        "ES2+.ReleaseProfile",
        e(
            "SGP.22 §5.3.4",
            "From now on the profile may be fetched.",
            "プロファイルのダウンロードを許可します。",
        ),
    ),
    (
        "ES2+.HandleDownloadProgressInfo",
        e(
            "SGP.22 §5.3.5",
            "The SM-DP+ tells the operator how far a download is.",
            "SM-DP+ が進み具合を事業者に知らせます。",
        ),
    ),
    (
        "ES12.RegisterEvent",
        e(
            "SGP.22 §5.9.1",
            "The SM-DP+ leaves word at the SM-DS that a profile waits for a chip.",
            "チップ宛てのプロファイルがあることを SM-DS に登録します。",
        ),
    ),
    (
        "ES12.DeleteEvent",
        e(
            "SGP.22 §5.9.2",
            "The profile waits no longer: the SM-DS forgets the event.",
            "不要になったイベントを SM-DS から消します。",
        ),
    ),
    (
        "Attach",
        e(
            "TS 24.301 §5.5.1",
            "The phone asks the network for service, with the profile that is on; the network answers with a challenge.",
            "有効なプロファイルで接続を求め、ネットワークがチャレンジを返します。",
        ),
    ),
    (
        "Attach response",
        e(
            "TS 33.401 §6.1",
            "The chip's answer to the challenge; the network decides what this subscriber may do.",
            "チャレンジへの答え。ネットワークが利用できるサービスを決めます。",
        ),
    ),
    (
        "Session",
        e(
            "TS 23.401 §5.3.2",
            "What the network gives this phone: APN, address, services.",
            "この端末に与えられた APN、アドレス、サービス。",
        ),
    ),
    (
        "Session log",
        e(
            "TS 23.401 §5.3.2",
            "What the network has decided for this phone, and why.",
            "この端末についてのネットワークの判断とその理由。",
        ),
    ),
    (
        "Service",
        e(
            "TS 23.401 §5.3.4",
            "A call, a message or data: the network's policy decides.",
            "通話、SMS、データの可否をネットワークのポリシーが決めます。",
        ),
    ),
    (
        "Detach",
        e("TS 24.301 §5.5.2", "The phone takes leave of the network.", "端末がネットワークから離れます。"),
    ),
    (
        "Data",
        e(
            "TS 23.401 §4.7",
            "Data through the network's gateway, which lets through only what the policy allows.",
            "ゲートウェイ経由のデータ。ポリシーが許すものだけ通します。",
        ),
    ),
    ("Network", e("TS 23.401 §4", "A request to the network.", "ネットワークへの要求。")),
    (
        "PUT KEY",
        e(
            "GP Card Specification §11.8",
            "Replaces keys of a security domain.",
            "セキュリティドメインの鍵を入れ替えます。",
        ),
    ),
    (
        "INSTALL",
        e(
            "GP Card Specification §11.5",
            "Installs an application of the profile.",
            "プロファイルのアプリをインストールします。",
        ),
    ),
    (
        "DELETE",
        e(
            "GP Card Specification §11.2",
            "Deletes an application of the profile.",
            "プロファイルのアプリを削除します。",
        ),
    ),
    (
        "LOAD",
        e(
            "GP Card Specification §11.6",
            "Loads an application into the profile.",
            "プロファイルにアプリを読み込みます。",
        ),
    ),
    (
        "RETRIEVE DATA",
        e(
            "TS 102 221 §11.3.1",
            "Reads from a file of data objects.",
            "データオブジェクト形式のファイルを読みます。",
        ),
    ),
    (
        "SET DATA",
        e(
            "TS 102 221 §11.3.2",
            "Writes into a file of data objects.",
            "データオブジェクト形式のファイルに書きます。",
        ),
    ),
    ("SUSPEND UICC", e("TS 102 221 §11.1.22", "The chip may sleep.", "チップを休止させます。")),
    (
        "not an APDU",
        e(
            "ISO 7816-4 §5.1",
            "These bytes are no command: lengths do not agree.",
            "長さが合わず、コマンドとして読めません。",
        ),
    ),
];

/// What a message is for; of a function that has no sentence of its own, what its interface is.
#[must_use]
pub fn explain(message: &Message) -> Option<Explanation> {
    let find =
        |name: &str| FUNCTIONS.iter().find(|(known, _)| *known == name).map(|(_, explanation)| *explanation);
    // SELECT and STORE DATA also have names with what they are about.
    let about =
        || ["SELECT", "STORE DATA"].into_iter().find(|name| message.name.starts_with(name)).and_then(find);
    Some(find(&message.name).or_else(about).unwrap_or_else(|| interface(message.interface)))
}

/// What a segment of a bound profile package is, and who has its key; of other commands `None`.
#[must_use]
pub fn segment(part: &Part) -> Option<Explanation> {
    let command = apdu::Command::parse(&part.request).ok()?;
    if command.ins != apdu::ins::STORE_DATA || command.p2 != 0 {
        return None;
    }
    Some(match tlv::tag(command.data).ok()??.0 {
        0xBF36 => r(
            "SGP.22 §5.5.1",
            "InitialiseSecureChannel: the server's one-time public key, signed. From it and its own the chip makes the session keys.",
            "InitialiseSecureChannel: 署名された一時公開鍵。チップはこれと自分の一時鍵からセッション鍵を作ります。",
            SIGNED_BY_SMDP,
        ),
        0xA0 | 0x87 => r(
            "SGP.22 §5.5.2",
            "ConfigureISDP, or new keys for the profile (ReplaceSessionKeys): encrypted.",
            "ConfigureISDP、またはプロファイル用の鍵（ReplaceSessionKeys）。暗号化されています。",
            SEALED,
        ),
        0xA1 | 0x88 => r(
            "SGP.22 §5.5.3",
            "StoreMetadata: name, icon and rules of the profile, which the LPA compares with what was shown before.",
            "StoreMetadata: プロファイルの名前やアイコン、規則。LPA は先に示されたものと照合します。",
            MACED,
        ),
        0xA2 => r(
            "SGP.22 §5.5.4",
            "ReplaceSessionKeys: from here on the profile's own keys (PPK), by which it was sealed beforehand.",
            "ReplaceSessionKeys: 以降は、事前の封印に使ったプロファイル固有の鍵（PPK）を使います。",
            SEALED,
        ),
        0xA3 | 0x86 => r(
            "SGP.22 §5.5.5",
            "LoadProfileElements: files, keys and applications of the profile, encrypted.",
            "LoadProfileElements: プロファイルのファイル、鍵、アプリ。暗号化されています。",
            SEALED,
        ),
        _ => return None,
    })
}

/// What a step is.
#[must_use]
pub const fn step(step: Step) -> Explanation {
    match step {
        Step::Attach => e(
            "TS 33.401 §6.1",
            "The phone attaches with its provisioning profile. Network and profile prove to each other who they are; the network lets it reach the SM-DP+ and nothing else.",
            "プロビジョニングプロファイルで接続します。相互認証の後、ネットワークは SM-DP+ への通信だけを許します。",
        ),
        Step::Contact => e(
            "SGP.22 §3.0.1",
            "The LPA reaches the SM-DP+ over HTTPS and asks it to prove who it is.",
            "LPA が HTTPS で SM-DP+ に接続し、身元の証明を求めます。",
        ),
        Step::Install => r(
            "SGP.22 §3.1.3",
            "Chip and SM-DP+ authenticate each other and agree on keys; the profile comes in one download and goes into the chip segment by segment.",
            "チップと SM-DP+ が相互認証して鍵を共有し、一度にダウンロードしたプロファイルを区切りごとにチップへ入れます。",
            SEALED,
        ),
        Step::Switch => e(
            "SGP.22 §3.2.1",
            "The new profile is switched on; the phone attaches with it and all services of the contract work.",
            "新しいプロファイルを有効にして接続し直すと、契約した全サービスが使えます。",
        ),
    }
}

/// What a party is called.
#[must_use]
pub const fn party(party: Party) -> Text {
    match party {
        Party::Chip => Text::new("Chip", "チップ"),
        Party::Watch => Text::new("Watch", "腕時計"),
        Party::Card => Text::new("Card", "カード"),
        Party::Phone => Text::new("Phone", "端末"),
        Party::Network => Text::new("Network", "ネットワーク"),
        Party::Smdp => Text::new("SM-DP+", "SM-DP+"),
        Party::Smds => Text::new("SM-DS", "SM-DS"),
        Party::Operator => Text::new("Operator", "事業者"),
    }
}

/// What an interface is.
#[must_use]
pub const fn interface(interface: Interface) -> Explanation {
    match interface {
        Interface::Apdu => {
            e("ISO 7816-4", "Commands to the chip and its answers.", "チップへのコマンドと応答。")
        }
        Interface::Es10a => e(
            "SGP.22 §5.7",
            "LPA and chip: where profiles are looked for.",
            "LPA とチップの間: プロファイルの入手先。",
        ),
        Interface::Es10b => e(
            "SGP.22 §5.7",
            "LPA and chip: downloads and notifications.",
            "LPA とチップの間: ダウンロードと通知。",
        ),
        Interface::Es10c => e(
            "SGP.22 §5.7",
            "LPA and chip: what the person does with profiles.",
            "LPA とチップの間: 利用者によるプロファイル操作。",
        ),
        Interface::Es8 => r(
            "SGP.22 §5.5",
            "SM-DP+ and chip, through the phone, which cannot read it.",
            "SM-DP+ とチップの間。端末は中継するだけです。",
            SEALED,
        ),
        Interface::Es9 => {
            r("SGP.22 §5.6", "LPA and SM-DP+, over HTTPS.", "LPA と SM-DP+ の間（HTTPS）。", TLS)
        }
        Interface::Es11 => {
            r("SGP.22 §5.8", "LPA and SM-DS, over HTTPS.", "LPA と SM-DS の間（HTTPS）。", TLS)
        }
        Interface::Es2 => e("SGP.22 §5.3", "Operator and SM-DP+: orders.", "事業者と SM-DP+ の間: 注文。"),
        Interface::Es12 => e(
            "SGP.22 §5.9",
            "SM-DP+ and SM-DS: what waits for which chip.",
            "SM-DP+ と SM-DS の間: チップ宛ての知らせ。",
        ),
        Interface::Network => e(
            "TS 23.401 §4",
            "Phone and network: attach, session, services.",
            "端末とネットワークの間: 接続、セッション、サービス。",
        ),
        Interface::Http => e("RFC 9110", "Other requests over HTTP.", "その他の HTTP 通信。"),
    }
}
