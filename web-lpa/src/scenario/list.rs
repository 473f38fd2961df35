//! The scenarios.

use words::Text;

use super::{Do, Expect, Say, Scenario, Step};

const fn step(does: Do, expect: &'static [Expect], en: &'static str, ja: &'static str) -> Step {
    Step { does, expect, predicted: Text::new(en, ja) }
}

const fn quiet(does: Do) -> Step {
    Step { does, expect: &[], predicted: Text::new("", "") }
}

const NEW: Step = step(
    Do::NewChip("usual"),
    &[Expect::Attached(true)],
    "The phone attaches with the chip’s provisioning profile.",
    "電話はチップのプロビジョニングプロファイルでアタッチします。",
);

const ORDER: Step = quiet(Do::Order { confirmation: None, rules: [false; 2] });

const DOWNLOAD: Step = step(
    Do::Download(&[Say::Accept]),
    &[Expect::Good, Expect::Installed(true)],
    "Server and chip authenticate each other; the profile is installed.",
    "サーバーとチップが相互に認証し、プロファイルがインストールされます。",
);

const ENABLE: Step = step(
    Do::Enable,
    &[Expect::Good, Expect::Attached(true)],
    "The chip asks for a refresh; the phone attaches with the new profile.",
    "チップがリフレッシュを求め、電話は新しいプロファイルでアタッチします。",
);

const CLEAR: Step = quiet(Do::Clear);

const GOES_ON: Step = step(
    Do::PowerUp(&[Say::Accept]),
    &[Expect::Good, Expect::Installed(true)],
    "The phone goes on with the download; the profile is installed once.",
    "電話はダウンロードを続け、プロファイルは一つだけインストールされます。",
);

const REFUSED: &[Expect] = &[Expect::Fails, Expect::Installed(false)];

/// All of them.
pub const SCENARIOS: [Scenario; 17] = [
    Scenario {
        id: "four-steps",
        name: Text::new("The four steps", "四つの段階"),
        shows: Text::new(
            "From a new chip to service: attach with the provisioning profile, contact the server, install, switch.",
            "新しいチップから通信開始まで: プロビジョニングでのアタッチ、サーバーへの接続、インストール、切り替え。",
        ),
        steps: &[NEW, ORDER, DOWNLOAD, ENABLE],
    },
    Scenario {
        id: "confirmation-code",
        name: Text::new("Install with a confirmation code", "確認コード付きのインストール"),
        shows: Text::new(
            "The operator gives a code apart from the activation code; only its hash goes to the server.",
            "事業者がアクティベーションコードとは別にコードを渡します。サーバーにはハッシュだけが送られます。",
        ),
        steps: &[
            NEW,
            quiet(Do::Order { confirmation: Some("1234"), rules: [false; 2] }),
            step(
                Do::Download(&[Say::Accept, Say::Code("1234")]),
                &[Expect::Good, Expect::Installed(true)],
                "The code is right; the profile is installed.",
                "コードが正しく、プロファイルがインストールされます。",
            ),
        ],
    },
    Scenario {
        id: "wrong-confirmation-code",
        name: Text::new("Wrong confirmation code", "確認コードの誤り"),
        shows: Text::new(
            "The server refuses a wrong code and counts it; the right one works after it.",
            "サーバーは誤ったコードを拒否して回数を数えます。その後、正しいコードは使えます。",
        ),
        steps: &[
            NEW,
            quiet(Do::Order { confirmation: Some("1234"), rules: [false; 2] }),
            step(
                Do::Download(&[Say::Accept, Say::Code("9999"), Say::Code("1234")]),
                &[Expect::Seen("8.2.7/3.8"), Expect::Good, Expect::Installed(true)],
                "The first code is refused with 8.2.7/3.8, the second is accepted.",
                "一つ目のコードは 8.2.7/3.8 で拒否され、二つ目は受け入れられます。",
            ),
        ],
    },
    Scenario {
        id: "policy-rule",
        name: Text::new("Profile with a policy rule", "ポリシールール付きプロファイル"),
        shows: Text::new(
            "A profile with PPR1 can’t be switched off by the person; the chip enforces it.",
            "PPR1 のあるプロファイルは利用者がオフにできません。チップが守らせます。",
        ),
        steps: &[
            NEW,
            quiet(Do::Order { confirmation: None, rules: [true, false] }),
            step(
                Do::Download(&[Say::Accept]),
                &[Expect::Good, Expect::Installed(true)],
                "The person is told of the rule before; the profile is installed.",
                "事前にルールが示され、プロファイルがインストールされます。",
            ),
            ENABLE,
            step(
                Do::Disable,
                &[Expect::Fails],
                "The chip refuses: disallowedByPolicy.",
                "チップは disallowedByPolicy で拒否します。",
            ),
        ],
    },
    Scenario {
        id: "lost-package",
        name: Text::new("The package gets lost on its way", "パッケージが途中で失われる"),
        shows: Text::new(
            "The answer of GetBoundProfilePackage is lost. The phone goes on later and asks again.",
            "GetBoundProfilePackage の応答が失われます。電話は後で続きから再要求します。",
        ),
        steps: &[
            NEW,
            ORDER,
            quiet(Do::Arm("lost-package")),
            step(
                Do::Download(&[Say::Accept]),
                REFUSED,
                "The download ends without an answer; nothing is installed.",
                "応答がないままダウンロードが終わり、何もインストールされません。",
            ),
            CLEAR,
            GOES_ON,
        ],
    },
    Scenario {
        id: "card-pulled",
        name: Text::new("Card pulled in the middle of the install", "インストール途中でカードを抜く"),
        shows: Text::new(
            "The card is pulled while it takes the package. Put back, the phone goes on with the package it has kept.",
            "パッケージの受け取り中にカードが抜かれます。戻すと、保存済みのパッケージで続けます。",
        ),
        steps: &[
            NEW,
            ORDER,
            quiet(Do::Arm("pull-in-install")),
            step(
                Do::Download(&[Say::Accept]),
                REFUSED,
                "The card does not answer any more; nothing is installed.",
                "カードが応答しなくなり、何もインストールされません。",
            ),
            CLEAR,
            GOES_ON,
        ],
    },
    Scenario {
        id: "power-failure",
        name: Text::new("Power fails in the middle of the install", "インストール途中の電源断"),
        shows: Text::new(
            "Power fails at a write of the chip’s memory. When it comes back the memory is whole, and the phone goes on.",
            "チップの書き込み中に電源が切れます。復帰後もメモリーは無事で、電話は続きから再開します。",
        ),
        steps: &[
            NEW,
            ORDER,
            step(
                Do::Download(&[Say::AcceptAndCut(3)]),
                REFUSED,
                "The chip is dead from that write on; nothing is installed.",
                "その書き込み以降チップは応答せず、何もインストールされません。",
            ),
            GOES_ON,
        ],
    },
    Scenario {
        id: "server-certificate",
        name: Text::new("Server with a corrupted certificate", "壊れた証明書のサーバー"),
        shows: Text::new(
            "The chip verifies the server’s certificate under the issuer’s key and refuses.",
            "チップは発行者の鍵でサーバー証明書を検証し、拒否します。",
        ),
        steps: &[
            NEW,
            ORDER,
            quiet(Do::Arm("server-certificate")),
            step(
                Do::Download(&[Say::Accept]),
                REFUSED,
                "The chip refuses the server before it has told it anything of itself.",
                "チップは自分の情報を渡す前にサーバーを拒否します。",
            ),
            CLEAR,
            step(
                Do::Download(&[Say::Accept]),
                &[Expect::Good, Expect::Installed(true)],
                "Without the fault the same code works: nothing was lost.",
                "障害がなければ同じコードが使えます。何も失われていません。",
            ),
        ],
    },
    Scenario {
        id: "expired-certificate",
        name: Text::new("Chip with an expired certificate", "期限切れの証明書のチップ"),
        shows: Text::new(
            "The server verifies the chip’s certificate and looks at its dates; the chip has no clock to do the same.",
            "サーバーはチップの証明書とその有効期間を確かめます。チップには時計がなく、同じことはできません。",
        ),
        steps: &[
            NEW,
            ORDER,
            quiet(Do::Arm("expired-certificate")),
            step(
                Do::Download(&[Say::Accept]),
                &[Expect::Seen("8.1.3/6.3"), Expect::Fails, Expect::Installed(false)],
                "The server refuses the chip with 8.1.3/6.3; nothing is offered.",
                "サーバーは 8.1.3/6.3 でチップを拒否し、何も提示しません。",
            ),
            CLEAR,
            DOWNLOAD,
        ],
    },
    Scenario {
        id: "server-signature",
        name: Text::new("Server with a corrupted signature", "壊れた署名のサーバー"),
        shows: Text::new(
            "The certificate is right, the signature over the chip’s challenge is not: somebody else may have answered.",
            "証明書は正しくても、チップの乱数に対する署名が違います。別の誰かが応答したかもしれません。",
        ),
        steps: &[
            NEW,
            ORDER,
            quiet(Do::Arm("server-signature")),
            step(
                Do::Download(&[Say::Accept]),
                REFUSED,
                "The chip refuses: invalidSignature.",
                "チップは invalidSignature で拒否します。",
            ),
        ],
    },
    Scenario {
        id: "corrupt-segment",
        name: Text::new("A segment of the package is forged", "パッケージの一部が改ざんされる"),
        shows: Text::new(
            "The package is protected end to end: the chip notices a single wrong bit.",
            "パッケージは端から端まで保護されており、チップは 1 ビットの違いにも気づきます。",
        ),
        steps: &[
            NEW,
            ORDER,
            quiet(Do::Arm("corrupt-segment")),
            step(
                Do::Download(&[Say::Accept]),
                REFUSED,
                "The MAC is wrong: the chip breaks off and keeps nothing of it.",
                "MAC が一致せず、チップは中止して何も残しません。",
            ),
        ],
    },
    Scenario {
        id: "full-memory",
        name: Text::new("Full memory", "メモリー不足"),
        shows: Text::new(
            "The chip has room for one profile more; the one after it does not fit.",
            "チップにはあと一つ分の空きしかなく、その次のプロファイルは入りません。",
        ),
        steps: &[
            quiet(Do::NewChip("small-memory")),
            ORDER,
            DOWNLOAD,
            ORDER,
            step(
                Do::Download(&[Say::Accept]),
                REFUSED,
                "The install is refused for lack of memory; the chip is as before.",
                "メモリー不足でインストールは拒否され、チップは元のままです。",
            ),
        ],
    },
    Scenario {
        id: "other-ci",
        name: Text::new("Chip of another issuer", "別の発行者のチップ"),
        shows: Text::new(
            "Chip and server trust no issuer in common, so they can’t authenticate each other.",
            "チップとサーバーに共通の信頼する発行者がなく、相互に認証できません。",
        ),
        steps: &[
            quiet(Do::NewChip("other-ci")),
            ORDER,
            step(
                Do::Download(&[Say::Accept]),
                REFUSED,
                "The first answer of the server ends it: no common issuer.",
                "共通の発行者がないため、サーバーの最初の応答で終わります。",
            ),
        ],
    },
    Scenario {
        id: "resynchronisation",
        name: Text::new("Sequence numbers out of step", "連番 (SQN) のずれ"),
        shows: Text::new(
            "The network’s sequence number is behind the card’s. The card answers AUTS, the network takes the card’s number over.",
            "ネットワークの連番がカードより遅れています。カードは AUTS を返し、ネットワークはカードの番号に合わせます。",
        ),
        steps: &[
            NEW,
            ORDER,
            DOWNLOAD,
            ENABLE,
            step(
                Do::Attach,
                &[Expect::Attached(true)],
                "The sequence number goes up; the phone attaches.",
                "連番が進み、電話はアタッチします。",
            ),
            quiet(Do::CounterBack),
            step(
                Do::Attach,
                &[Expect::Resynchronised, Expect::Attached(true)],
                "The card refuses the old number with AUTS; after that the phone attaches.",
                "カードは古い番号を AUTS で拒否し、その後アタッチできます。",
            ),
        ],
    },
    Scenario {
        id: "aka-mac",
        name: Text::new("A network that does not know the key", "鍵を知らないネットワーク"),
        shows: Text::new(
            "The MAC in AUTN is wrong: the card recognises that the network does not share its key.",
            "AUTN の MAC が違うため、カードはそのネットワークが鍵を共有していないと見抜きます。",
        ),
        steps: &[
            NEW,
            quiet(Do::Arm("aka-mac")),
            step(
                Do::Attach,
                &[Expect::Attached(false)],
                "The card answers 98 62 (MAC failure); the phone has no service.",
                "カードは 98 62 (MAC 不一致) を返し、電話は圏外になります。",
            ),
            CLEAR,
            step(
                Do::Attach,
                &[Expect::Attached(true)],
                "The true network is accepted again.",
                "本物のネットワークは再び受け入れられます。",
            ),
        ],
    },
    Scenario {
        id: "offline-notifications",
        name: Text::new("Notifications that don’t arrive", "届かない通知"),
        shows: Text::new(
            "The chip keeps each notification until the server has confirmed it.",
            "チップは、サーバーが確認するまで通知を保持します。",
        ),
        steps: &[
            NEW,
            ORDER,
            quiet(Do::Arm("no-notifications")),
            step(
                Do::Download(&[Say::Accept]),
                &[Expect::Installed(true), Expect::Waiting(true)],
                "The profile is installed; the notification waits on the chip.",
                "プロファイルはインストールされ、通知はチップに残ります。",
            ),
            CLEAR,
            step(
                Do::Notify,
                &[Expect::Waiting(false)],
                "The server takes it; the chip removes it.",
                "サーバーが受け取り、チップは通知を消します。",
            ),
        ],
    },
    Scenario {
        id: "delete",
        name: Text::new("Delete a profile", "プロファイルの削除"),
        shows: Text::new(
            "A profile is installed and deleted; the server is told of both.",
            "プロファイルをインストールして削除します。どちらもサーバーに通知されます。",
        ),
        steps: &[
            NEW,
            ORDER,
            DOWNLOAD,
            step(
                Do::Delete,
                &[Expect::Good, Expect::Deleted, Expect::Waiting(false)],
                "The profile is gone, its memory is free again, the server has been told.",
                "プロファイルは消えてメモリーが空き、サーバーに通知されます。",
            ),
        ],
    },
];
