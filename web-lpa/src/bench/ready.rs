//! Faults that are ready to be armed, each with what will come of it.

use words::Text;

use super::fault::{Act, Fault, Way};

/// What can be lost by a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Nothing: trying again is enough.
    Nothing,
    /// The order is used up; the operator has to make a new one.
    Order,
    /// Service, until the next attach.
    Service,
}

impl Loss {
    /// In words.
    #[must_use]
    pub const fn words(self) -> Text {
        match self {
            Self::Nothing => Text::new("Nothing is lost.", "失われるものはありません。"),
            Self::Order => Text::new(
                "The order may be used up: the operator then has to make a new one.",
                "注文が使用済みになることがあります。その場合は事業者による再注文が必要です。",
            ),
            Self::Service => Text::new(
                "Service is lost until the phone attaches again.",
                "もう一度アタッチするまで圏外になります。",
            ),
        }
    }
}

/// A fault by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ready {
    /// Its name for programs.
    pub id: &'static str,
    /// Its name for people.
    pub name: Text,
    /// What will happen.
    pub prediction: Text,
    /// What can be lost.
    pub loss: Loss,
    /// The fault.
    pub fault: Fault,
}

fn fault(function: &str, way: Way, act: Act) -> Fault {
    Fault { function: function.to_owned(), way, nth: 1, always: false, per_segment: false, act }
}

fn corrupt(field: Option<&str>, from_end: usize) -> Act {
    Act::Corrupt { field: field.map(str::to_owned), from_end }
}

/// A segment of the package arrives with a bit turned over.
#[must_use]
pub fn corrupt_segment(segment: u32) -> Fault {
    Fault {
        nth: segment,
        per_segment: true,
        ..fault("ES10b.LoadBoundProfilePackage", Way::Request, corrupt(None, 0))
    }
}

/// The card is pulled at this command of the install.
#[must_use]
pub fn pull_in_install(command: u32) -> Fault {
    Fault { nth: command, ..fault("ES10b.LoadBoundProfilePackage", Way::Request, Act::Pull) }
}

/// The ready fault of a name.
#[must_use]
pub fn by_id(id: &str) -> Option<Ready> {
    ready().into_iter().find(|ready| ready.id == id)
}

/// All of them, in the order in which a profile meets them.
#[must_use]
#[allow(clippy::too_many_lines, reason = "a list")]
pub fn ready() -> Vec<Ready> {
    let one = |id, name, prediction, loss, fault| Ready { id, name, prediction, loss, fault };
    vec![
        one(
            "lost-request",
            Text::new("First request is lost", "最初の要求が失われる"),
            Text::new(
                "The download ends before anything was authenticated; the same code works again.",
                "認証の前にダウンロードが終わります。同じコードをもう一度使えます。",
            ),
            Loss::Nothing,
            fault("ES9+.InitiateAuthentication", Way::Request, Act::Drop),
        ),
        one(
            "server-signature",
            Text::new("Server’s signature is corrupted", "サーバーの署名が壊れる"),
            Text::new(
                "The chip verifies serverSignature1 and refuses the server: invalidSignature.",
                "チップが serverSignature1 を検証し、サーバーを拒否します (invalidSignature)。",
            ),
            Loss::Nothing,
            fault("ES9+.InitiateAuthentication", Way::Answer, corrupt(Some("serverSignature1"), 20)),
        ),
        one(
            "server-certificate",
            Text::new("Server’s certificate is corrupted", "サーバーの証明書が壊れる"),
            Text::new(
                "The certificate no longer verifies under the issuer’s key: the chip refuses with invalidCertificate.",
                "証明書が発行者の鍵で検証できなくなり、チップは invalidCertificate で拒否します。",
            ),
            Loss::Nothing,
            fault("ES9+.InitiateAuthentication", Way::Answer, corrupt(Some("serverCertificate"), 20)),
        ),
        one(
            "replayed-challenge",
            Text::new("Old server challenge is replayed", "古いサーバー応答が再送される"),
            Text::new(
                "From the second download on: the server signed another challenge than the chip’s. The chip refuses: euiccChallengeMismatch.",
                "二回目以降のダウンロードで、署名された値がチップの乱数と一致せず、チップは euiccChallengeMismatch で拒否します。",
            ),
            Loss::Nothing,
            Fault { nth: 2, ..fault("ES9+.InitiateAuthentication", Way::Answer, Act::Replay) },
        ),
        one(
            "chip-signature",
            Text::new("Chip’s answer is corrupted", "チップの応答が壊れる"),
            Text::new(
                "The SM-DP+ can’t verify what the chip signed and refuses.",
                "SM-DP+ がチップの署名や証明書を検証できず、拒否します。",
            ),
            Loss::Nothing,
            fault("ES9+.AuthenticateClient", Way::Request, corrupt(Some("authenticateServerResponse"), 20)),
        ),
        one(
            "expired-certificate",
            Text::new("Chip’s certificate has expired", "チップの証明書の期限が切れている"),
            Text::new(
                "On its way the chip’s certificate is replaced by one for the same key that has expired: the SM-DP+ refuses (8.1.3 / 6.3).",
                "送信途中で、チップの証明書が同じ鍵の期限切れのものに差し替えられ、SM-DP+ が拒否します (8.1.3 / 6.3)。",
            ),
            Loss::Nothing,
            fault("ES9+.AuthenticateClient", Way::Request, Act::Expire),
        ),
        one(
            "server-error",
            Text::new("Server answers HTTP 503", "サーバーが HTTP 503 を返す"),
            Text::new(
                "The download ends and advises to try again later; the order stays.",
                "ダウンロードは終了し、後でやり直すよう案内します。注文は残ります。",
            ),
            Loss::Nothing,
            fault("ES9+.AuthenticateClient", Way::Answer, Act::Http { status: 503 }),
        ),
        one(
            "lost-package",
            Text::new("Answer with the package is lost", "パッケージの応答が失われる"),
            Text::new(
                "The server has handed the package out, the phone has not got it. The phone keeps its place and asks for the same package when it goes on.",
                "サーバーは渡しましたが、電話には届きません。電話は位置を保存し、続行時に同じパッケージを求めます。",
            ),
            Loss::Nothing,
            fault("ES9+.GetBoundProfilePackage", Way::Answer, Act::Drop),
        ),
        one(
            "corrupt-segment",
            Text::new("A segment of the package is corrupted", "パッケージの一部が壊れる"),
            Text::new(
                "The MAC over the segment is wrong: the chip breaks the installation off, keeps nothing of the profile and tells the server.",
                "セグメントの MAC が一致せず、チップはインストールを中止し、何も残さずサーバーへ通知します。",
            ),
            Loss::Order,
            corrupt_segment(8),
        ),
        one(
            "pull-in-install",
            Text::new("Card is pulled in the middle of the install", "インストールの途中でカードが抜かれる"),
            Text::new(
                "The installation stops. Put the card back and reset: the phone goes on with the package that it has kept.",
                "インストールが止まります。カードを戻してリセットすると、保存済みのパッケージで続けます。",
            ),
            Loss::Nothing,
            pull_in_install(6),
        ),
        one(
            "lost-switch",
            Text::new("Answer to the switch is lost", "切り替えの応答が失われる"),
            Text::new(
                "The chip has switched, and the phone does not know. It asks whether a command of the chip waits, finds its REFRESH, reads the profiles again and attaches with the new one.",
                "チップは切り替えましたが、電話にはわかりません。電話はチップに確認して REFRESH を受け取り、プロファイルを読み直して、新しいプロファイルでアタッチします。",
            ),
            Loss::Nothing,
            fault("ES10c.EnableProfile", Way::Answer, Act::Drop),
        ),
        one(
            "refused-switch",
            Text::new("Chip answers 69 85 to the switch", "チップが切り替えに 69 85 を返す"),
            Text::new(
                "The phone says that the chip refuses. What is really on it sees when it asks the chip: that has switched, and its REFRESH waits.",
                "電話はチップが拒否したと表示します。その後チップに確認すると、実際には切り替わっていて REFRESH が待っていることがわかります。",
            ),
            Loss::Nothing,
            fault("ES10c.EnableProfile", Way::Answer, Act::Status { sw: 0x6985 }),
        ),
        one(
            "no-notifications",
            Text::new("No notification arrives", "通知がどれも届かない"),
            Text::new(
                "The chip keeps its notifications until a server has confirmed them. Everything else works.",
                "サーバーが確認するまで、通知はチップに残ります。ほかの動作には影響しません。",
            ),
            Loss::Nothing,
            Fault { always: true, ..fault("ES9+.HandleNotification", Way::Request, Act::Drop) },
        ),
        one(
            "aka-mac",
            Text::new("Network’s challenge is forged (AUTN)", "ネットワークの認証値が偽造される (AUTN)"),
            Text::new(
                "The MAC in AUTN is wrong: the USIM answers 98 62, and the phone refuses the network.",
                "AUTN の MAC が一致せず、USIM は 98 62 を返し、電話はそのネットワークを拒否します。",
            ),
            Loss::Service,
            fault("AUTHENTICATE", Way::Request, corrupt(None, 0)),
        ),
        one(
            "aka-sqn",
            Text::new("Network’s challenge is old (SQN)", "ネットワークの認証値が古い (SQN)"),
            Text::new(
                "The card gets the challenge twice: the second time its sequence number is an old one. The card answers AUTS, the network takes the card’s number over and challenges anew; the phone attaches.",
                "カードに同じ認証値が二度届き、二度目は連番 (SQN) が古くなります。カードは AUTS を返し、ネットワークはカードの番号に合わせて認証をやり直し、電話はアタッチします。",
            ),
            Loss::Nothing,
            fault("AUTHENTICATE", Way::Request, Act::Twice),
        ),
        one(
            "aka-res",
            Text::new("Card’s answer to the network is corrupted (RES)", "カードの認証応答が壊れる (RES)"),
            Text::new(
                "From the second attach on an old RES goes to the network, which refuses the phone.",
                "二回目以降のアタッチで古い RES が送られ、ネットワークは電話を拒否します。",
            ),
            Loss::Service,
            Fault { nth: 2, ..fault("AUTHENTICATE", Way::Answer, Act::Replay) },
        ),
        one(
            "no-network",
            Text::new("Network does not answer", "ネットワークが応答しない"),
            Text::new(
                "The phone finds no service; attaching again helps.",
                "電話は圏外になります。もう一度アタッチすれば戻ります。",
            ),
            Loss::Service,
            fault("Network.Attach", Way::Answer, Act::Drop),
        ),
        one(
            "slow-server",
            Text::new("Every answer of the server is 2 s late", "サーバーの応答がすべて 2 秒遅れる"),
            Text::new("Everything works, slowly.", "すべて動作しますが、時間がかかります。"),
            Loss::Nothing,
            Fault { always: true, ..fault("ES9+.", Way::Answer, Act::Delay { milliseconds: 2000 }) },
        ),
    ]
}

/// Functions that a fault can be for, in the words of the trace; with nothing behind the
/// point, all of an interface.
pub const FUNCTIONS: [&str; 32] = [
    "ES9+.",
    "ES9+.InitiateAuthentication",
    "ES9+.AuthenticateClient",
    "ES9+.GetBoundProfilePackage",
    "ES9+.HandleNotification",
    "ES9+.CancelSession",
    "ES11.",
    "ES11.InitiateAuthentication",
    "ES11.AuthenticateClient",
    "ES10a.GetEuiccConfiguredAddresses",
    "ES10b.",
    "ES10b.GetEUICCInfo1",
    "ES10b.GetEUICCInfo2",
    "ES10b.GetEUICCChallenge",
    "ES10b.AuthenticateServer",
    "ES10b.PrepareDownload",
    "ES10b.LoadBoundProfilePackage",
    "ES10b.CancelSession",
    "ES10b.ListNotification",
    "ES10b.RetrieveNotificationsList",
    "ES10b.RemoveNotificationFromList",
    "ES10c.",
    "ES10c.GetProfilesInfo",
    "ES10c.EnableProfile",
    "ES10c.DisableProfile",
    "ES10c.DeleteProfile",
    "AUTHENTICATE",
    "SELECT ADF.USIM",
    "Network.",
    "Network.Attach",
    "Network.Attach response",
    "Network.Service",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::fault::{Faults, Wire};
    use trace::Party;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn names_are_unique_and_functions_are_offered() {
        let all = ready();
        for (index, one) in all.iter().enumerate() {
            assert!(all[index + 1..].iter().all(|other| other.id != one.id), "{}", one.id);
            assert!(FUNCTIONS.contains(&one.fault.function.as_str()), "{}", one.fault.function);
            assert_eq!(by_id(one.id).as_ref(), Some(one));
        }
        assert_eq!(by_id("nothing"), None);
    }

    // 3GPP TS 31.102 §7.1.2: AUTHENTICATE, 3G context: 10 RAND 10 AUTN; the MAC is AUTN's end.
    #[test]
    fn the_forged_challenge_has_another_mac_and_the_same_random_number() {
        let mut faults = Faults::default();
        faults.arm(by_id("aka-mac").unwrap().fault);
        let mut command = vec![0x00, 0x88, 0x00, 0x81, 0x22, 0x10];
        command.extend([1; 16]);
        command.push(0x10);
        command.extend([2; 16]);
        command.push(0x00);
        let before = command.clone();
        faults.name_command(Party::Chip, &command);
        faults.strike(Wire::Command(&mut command));
        assert_eq!(command[..38], before[..38]);
        assert_eq!((command[38], command[39]), (3, 0));
    }

    #[test]
    fn the_networks_functions_have_these_names() {
        let mut faults = Faults::default();
        assert_eq!(faults.name_request(Party::Network, "/network/attach"), "Network.Attach");
        assert_eq!(
            faults.name_request(Party::Network, "/network/attach/7/response"),
            "Network.Attach response"
        );
    }
}
