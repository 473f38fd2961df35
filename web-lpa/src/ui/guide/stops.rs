//! What the tour says.

use trace::Step;
use words::Text;

use crate::ui::shell::View;

/// A stop of the tour.
pub(super) struct Stop {
    pub(super) title: Text,
    /// What is there to be seen.
    pub(super) see: Text,
    /// What to press.
    pub(super) press: Text,
    /// What that means.
    pub(super) means: Text,
    /// What on the page it speaks of, as a selector.
    pub(super) at: &'static str,
    /// The view that it happens in.
    pub(super) view: View,
    /// The step that is done when the stop is.
    pub(super) step: Option<Step>,
}

pub(super) const STOPS: [Stop; 6] = [
    Stop {
        title: Text::new("Four parties", "四つの当事者"),
        see: Text::new(
            "The chip (an eUICC), the phone with its assistant (LPA), the network, and the operator’s server (SM-DP+). Each is a program of its own; a line lights up when something is on its way between two of them.",
            "チップ (eUICC)、アシスタント (LPA) のある電話、ネットワーク、事業者のサーバー (SM-DP+)。それぞれ独立したプログラムで、メッセージが行き来すると間の線が光ります。",
        ),
        press: Text::new("Nothing yet.", "まだ何もしません。"),
        means: Text::new(
            "They speak the GSMA’s protocols (SGP.22) to each other: the same bytes as a real phone, a real chip and a commercial server.",
            "互いに GSMA のプロトコル (SGP.22) で話します。実物の電話、チップ、商用サーバーと同じバイト列です。",
        ),
        at: ".parties",
        view: View::Phone,
        step: None,
    },
    Stop {
        title: Text::new("1 · Attach with the provisioning profile", "1 · 開通用プロファイルでアタッチ"),
        see: Text::new(
            "The phone is attached, and yet data, voice and SMS are refused: “not yet under contract”.",
            "電話はアタッチしていますが、データ、音声、SMS は「まだ契約がありません」と拒否されています。",
        ),
        press: Text::new(
            "Try “Open a page” or a call: the network says why not.",
            "ページを開くか発信してみてください。ネットワークが理由を示します。",
        ),
        means: Text::new(
            "Chip and network have proven to each other that they share a key, which never left the chip. The network knows this profile is only for getting another one: whatever APN is asked for, it gives the one that leads to the SM-DP+ alone.",
            "チップとネットワークは、チップの外に出ることのない共有鍵を持つことを互いに証明しました。ネットワークは、このプロファイルが別のプロファイルを得るためだけのものと知っており、どの APN を求められても SM-DP+ だけに通じる APN を与えます。",
        ),
        at: ".phone .status",
        view: View::Phone,
        step: Some(Step::Attach),
    },
    Stop {
        title: Text::new("Get an activation code", "アクティベーションコードを手に入れる"),
        see: Text::new(
            "In the view Operator stands the operator’s side: subscribers, orders, their codes.",
            "「事業者」の表示は事業者側です。加入者、注文、そのコードが並びます。",
        ),
        press: Text::new(
            "Order a profile there and use its code in the phone. Or paste a code that you were given.",
            "そこでプロファイルを注文し、コードを電話で使ってください。手元のコードを貼り付けてもかまいません。",
        ),
        means: Text::new(
            "The operator has told the SM-DP+ of a subscriber. The server makes the profile and keeps it encrypted; the code only says where it waits.",
            "事業者が加入者を SM-DP+ に登録しました。サーバーはプロファイルを作って暗号化して保管します。コードは、それがどこで待っているかを示すだけです。",
        ),
        at: "nav.views a[data-view=\"operator\"]",
        view: View::Operator,
        step: None,
    },
    Stop {
        title: Text::new("2 and 3 · Download and install", "2 と 3 · ダウンロードとインストール"),
        see: Text::new(
            "Before anything is installed you are shown whose profile it is. Then the whole package comes in one download, and the chip takes it segment by segment.",
            "インストールの前に、だれのプロファイルかが表示されます。その後パッケージ全体が一度にダウンロードされ、チップがセグメントごとに受け取ります。",
        ),
        press: Text::new(
            "Enter the code, look at the profile, install.",
            "コードを入力し、プロファイルを確認してインストールします。",
        ),
        means: Text::new(
            "Chip and server check each other’s certificates and agree on keys that the phone never sees: what passes through the phone cannot be read there. It is bound to this one chip.",
            "チップとサーバーは互いの証明書を確認し、電話には決して見えない鍵を共有します。電話を通る内容はそこでは読めません。パッケージはこのチップだけのものです。",
        ),
        at: ".phone .add",
        view: View::Phone,
        step: Some(Step::Install),
    },
    Stop {
        title: Text::new("4 · Switch", "4 · 切り替え"),
        see: Text::new(
            "The new profile is in the list, off.",
            "新しいプロファイルがオフの状態で一覧にあります。",
        ),
        press: Text::new("Switch it on.", "オンに切り替えてください。"),
        means: Text::new(
            "The chip changes its profile and asks for a refresh; the phone starts again and attaches as the new subscriber. Now the contract decides: data, voice and SMS work. The server is told, by a message that the chip has signed.",
            "チップがプロファイルを切り替えてリフレッシュを求め、電話は再起動して新しい加入者としてアタッチします。今度は契約が判断し、データ、音声、SMS が使えます。サーバーには、チップが署名したメッセージで知らされます。",
        ),
        at: ".phone .profiles",
        view: View::Phone,
        step: Some(Step::Switch),
    },
    Stop {
        title: Text::new("Look inside, and break it", "中を見て、壊してみる"),
        see: Text::new(
            "Every message is in the view Messages: its bytes, its fields by the standard’s names, the clause that describes it.",
            "すべてのメッセージが「メッセージ」にあります。バイト列、規格の名前による項目、それを定める節まで。",
        ),
        press: Text::new(
            "In the view Bench, start a scenario: pull the card in the middle of an install, lose an answer, cut the power.",
            "「実験台」でシナリオを始めてください。インストール中にカードを抜く、応答を失う、電源を切る。",
        ),
        means: Text::new(
            "What a tester needs a rack of equipment for happens here at the press of a button, and nothing is lost: that is what the protocol promises.",
            "通常は機材の並ぶ試験室が必要なことが、ここではボタン一つで起こせます。そして何も失われません。それがプロトコルの約束です。",
        ),
        at: "nav.views a[data-view=\"bench\"]",
        view: View::Bench,
        step: None,
    },
];

/// What is secret, who knows it, and what it is for.
pub(super) const SECRETS: [(Text, Text, Text); 6] = [
    (
        Text::new("K (Ki) and OPc of a profile", "プロファイルの K (Ki) と OPc"),
        Text::new("chip, operator’s systems, network", "チップ、事業者のシステム、ネットワーク"),
        Text::new("to prove to each other who they are (AKA)", "互いの身元を証明するため (AKA)"),
    ),
    (
        Text::new("Private key of the eUICC", "eUICC の秘密鍵"),
        Text::new("chip only", "チップだけ"),
        Text::new("signs what the chip says", "チップの発言に署名する"),
    ),
    (
        Text::new("Private keys of the SM-DP+ (DPauth, DPpb)", "SM-DP+ の秘密鍵 (DPauth、DPpb)"),
        Text::new("server only", "サーバーだけ"),
        Text::new(
            "sign what the server says, and the profile’s binding",
            "サーバーの発言とプロファイルの紐付けに署名する",
        ),
    ),
    (
        Text::new("One-time keys of a download", "ダウンロードごとのワンタイム鍵"),
        Text::new("each side its own", "それぞれ自分の分だけ"),
        Text::new("from both of them come the session keys", "両者からセッション鍵が作られる"),
    ),
    (
        Text::new("Session keys (BSP), and the PPK where there is one", "セッション鍵 (BSP)、あれば PPK"),
        Text::new("chip and server", "チップとサーバー"),
        Text::new("seal the profile on its way", "運ばれるプロファイルを封じる"),
    ),
    (
        Text::new("CK and IK", "CK と IK"),
        Text::new("chip, modem, network", "チップ、モデム、ネットワーク"),
        Text::new(
            "protect the radio; the trace never shows them",
            "無線を保護する。トレースには決して表示しない",
        ),
    ),
];
