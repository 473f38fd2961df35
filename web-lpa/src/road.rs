//! The roads by which a page can reach a real card, and which of them this browser has.

use words::Text;

/// Why a road to a card does not lead there: what happened, and what the person can do about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trouble {
    /// What happened.
    pub what: Text<String>,
    /// What to do now.
    pub advice: Text<String>,
    /// Whether it is of the reader itself, or of what it has in common with its card: no other try
    /// changes it.
    pub is_lasting: bool,
}

impl Trouble {
    /// Both in words.
    #[must_use]
    pub fn new(what: impl Into<Text<String>>, advice: impl Into<Text<String>>) -> Self {
        Self { what: what.into(), advice: advice.into(), is_lasting: false }
    }

    /// The same, of the reader itself.
    #[must_use]
    pub fn lasting(self) -> Self {
        Self { is_lasting: true, ..self }
    }
}

/// A road to a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Road {
    /// A program on this computer that has its PC/SC readers.
    Bridge,
    /// A modem at a serial port.
    Modem,
    /// A reader at USB, driven by the page.
    Usb,
}

/// What a browser offers to pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offers {
    /// Web Serial.
    pub serial: bool,
    /// WebUSB.
    pub usb: bool,
    /// The page is served over HTTPS, or by this computer: only such a page gets ports and
    /// devices.
    pub secure: bool,
    /// The page is an Isolated Web App: it may have every USB reader, and reaches nothing that is not
    /// encrypted.
    pub app: bool,
}

impl Road {
    /// All of them, the one that works for most first.
    pub const ALL: [Self; 3] = [Self::Bridge, Self::Usb, Self::Modem];

    /// Its name for programs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Bridge => "bridge",
            Self::Modem => "modem",
            Self::Usb => "usb",
        }
    }

    /// Its name for people.
    #[must_use]
    pub const fn name(self) -> Text {
        match self {
            Self::Bridge => Text::new("Any card reader, by the bridge", "カードリーダー (ブリッジ経由)"),
            Self::Modem => Text::new("A modem’s card, by its serial port", "モデムのカード (シリアルポート)"),
            Self::Usb => Text::new("A USB reader, without the bridge", "USB リーダー (ブリッジなし)"),
        }
    }

    /// Whether this browser has it.
    ///
    /// # Errors
    /// It has not: why, and what to do.
    pub fn standing(self, offers: Offers) -> Result<(), Trouble> {
        match self {
            Self::Bridge if offers.app => Err(Trouble::new(
                Text::new(
                    "An installed app can’t reach programs of this computer.",
                    "インストールされたアプリは、このコンピューターのプログラムに接続できません。",
                ),
                Text::new(
                    "Use the USB reader without the bridge: this app may have any.",
                    "ブリッジなしで USB リーダーを使ってください。このアプリはどのリーダーも使えます。",
                ),
            )),
            Self::Bridge => Ok(()),
            Self::Modem if offers.serial => Ok(()),
            Self::Usb if offers.usb => Ok(()),
            Self::Modem | Self::Usb if !offers.secure => Err(Trouble::new(
                Text::new(
                    "A page that came over plain HTTP gets no devices.",
                    "HTTP で開いたページからは機器を使えません。",
                ),
                Text::new("Open this page over HTTPS.", "このページを HTTPS で開いてください。"),
            )),
            Self::Modem => Err(Trouble::new(
                Text::new(
                    "This browser gives pages no serial ports.",
                    "このブラウザーはページにシリアルポートを提供しません。",
                ),
                OTHER_BROWSER,
            )),
            Self::Usb => Err(Trouble::new(
                Text::new(
                    "This browser gives pages no USB devices.",
                    "このブラウザーはページに USB 機器を提供しません。",
                ),
                OTHER_BROWSER,
            )),
        }
    }
}

const OTHER_BROWSER: Text = Text::new(
    "Use Chrome, Edge or Opera on a computer, or the bridge.",
    "パソコンの Chrome、Edge、Opera を使うか、ブリッジを使ってください。",
);

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn the_bridge_is_always_there_and_what_is_missing_says_what_to_do() {
        for (there, secure) in [(false, false), (false, true), (true, true)] {
            for other in [false, true] {
                for road in Road::ALL {
                    let offers = match road {
                        Road::Usb => Offers { usb: there, serial: other, secure, app: false },
                        Road::Bridge | Road::Modem => {
                            Offers { serial: there, usb: other, secure, app: false }
                        }
                    };
                    let standing = road.standing(offers);
                    assert_eq!(standing.is_ok(), there || road == Road::Bridge, "{road:?} {offers:?}");
                    if let Err(trouble) = standing {
                        assert_eq!(trouble.advice.en.contains("HTTPS"), !secure, "{road:?} {offers:?}");
                        assert_eq!(trouble.advice.ja.contains("HTTPS"), !secure, "{road:?} {offers:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn an_installed_app_has_readers_and_no_bridge() {
        let offers = Offers { usb: true, serial: true, secure: true, app: true };
        assert_eq!(Road::ALL.map(|road| road.standing(offers).is_ok()), [false, true, true]);
    }
}
