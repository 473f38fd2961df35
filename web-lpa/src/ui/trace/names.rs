//! Names that people read.

use trace::{Interface, Secrecy, Step};
use words::Text;

/// A step's title.
pub(super) const fn step(step: Option<Step>) -> Text {
    match step {
        Some(Step::Attach) => Text::new("Attach with the profile that is on", "オンのプロファイルでアタッチ"),
        Some(Step::Contact) => Text::new("Reach the operator’s server", "事業者のサーバーに接続"),
        Some(Step::Install) => Text::new("Authenticate and install", "認証とインストール"),
        Some(Step::Switch) => Text::new("Switch profiles", "プロファイルの切り替え"),
        None => Text::new("Besides the four steps", "四つの段階のほか"),
    }
}

/// A step's short name.
pub(super) const fn step_short(step: Step) -> Text {
    match step {
        Step::Attach => Text::new("1 Attach", "1 アタッチ"),
        Step::Contact => Text::new("2 Contact", "2 接続"),
        Step::Install => Text::new("3 Install", "3 インストール"),
        Step::Switch => Text::new("4 Switch", "4 切り替え"),
    }
}

/// The class that gives an interface its colour.
pub(super) const fn class(interface: Interface) -> &'static str {
    match interface {
        Interface::Apdu => "i-apdu",
        Interface::Es10a | Interface::Es10b | Interface::Es10c => "i-es10",
        Interface::Es8 => "i-es8",
        Interface::Es9 => "i-es9",
        Interface::Es11 | Interface::Es12 => "i-es11",
        Interface::Es2 => "i-es2",
        Interface::Network => "i-network",
        Interface::Http => "i-http",
    }
}

/// An interface's name.
pub(super) const fn interface(interface: Interface) -> Text {
    match interface {
        Interface::Network => Text::new("Network", "ネットワーク"),
        other => Text::new(other.name(), other.name()),
    }
}

/// Why a value is not for everybody; `None` when it is.
pub(super) const fn secrecy(secrecy: Secrecy) -> Option<Text> {
    match secrecy {
        Secrecy::Open => None,
        Secrecy::Sealed => Some(Text::new("sealed", "暗号化")),
        Secrecy::Identifier => Some(Text::new("identifier", "識別番号")),
        Secrecy::Secret => Some(Text::new("secret", "秘密")),
        Secrecy::Key => Some(Text::new("key, never shown", "鍵・常に非表示")),
    }
}
