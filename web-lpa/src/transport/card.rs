//! A card, whichever road it is reached by.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use lpa::CardLost;
use words::Text;

use super::chip::ChipLink;

/// How the way to a card was lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Gone {
    /// The card was taken out of a reader, which is still there.
    #[default]
    Card,
    /// The reader was unplugged.
    Reader,
    /// The desktop has the reader no more: it was unplugged, or the smart card service has ended.
    ReaderOfBridge,
    /// The bridge has ended, or was left.
    Bridge,
    /// The modem was unplugged.
    Modem,
    /// The modem says that there is no card in it.
    CardOfModem,
}

impl Gone {
    /// What has happened, and what brings the card back; where it was is `place`.
    pub(crate) fn words(self, place: &Text<String>) -> (Text, Text<String>) {
        let (en, ja) = (&place.en, &place.ja);
        match self {
            Self::Card => (
                Text::new("The card is out.", "カードが抜かれています。"),
                Text::new(
                    format!("Put it back into {en}: a download that had got as far as its package goes on by itself."),
                    format!("{ja} に挿し直すと、パッケージの取得まで進んでいたダウンロードは自動的に再開します。"),
                ),
            ),
            Self::Reader => (
                Text::new("The reader is unplugged.", "リーダーが取り外されています。"),
                Text::new(
                    format!("Plug {en} in again, with the card in it: a download that had got as far as its package goes on by itself."),
                    format!("カードを入れたまま {ja} を接続し直すと、パッケージの取得まで進んでいたダウンロードは自動的に再開します。"),
                ),
            ),
            Self::ReaderOfBridge => (
                Text::new("The reader is gone.", "リーダーがなくなりました。"),
                Text::new(
                    format!("Plug {en} in again, with the card in it, or start the smart card service again (Linux: pcscd): a download that had got as far as its package goes on by itself."),
                    format!("カードを入れたまま {ja} を接続し直すか、スマートカードサービス (Linux では pcscd) を起動し直すと、パッケージの取得まで進んでいたダウンロードは自動的に再開します。"),
                ),
            ),
            Self::Bridge => (
                Text::new("The bridge to the reader is gone.", "リーダーへのブリッジが切れています。"),
                Text::new(
                    format!("Start card-bridge again, connect to it under “Use a real card” and use the card in {en}: a download that had got as far as its package goes on then."),
                    format!("card-bridge を起動し直し、「実物のカードを使う」から接続して {ja} のカードを選ぶと、パッケージの取得まで進んでいたダウンロードを再開します。"),
                ),
            ),
            Self::Modem => (
                Text::new("The modem is gone.", "モデムが取り外されています。"),
                Text::new(
                    "Plug it in again and choose its port under “Use a real card”: a download that had got as far as its package goes on then.",
                    "接続し直し、「実物のカードを使う」からポートを選ぶと、パッケージの取得まで進んでいたダウンロードを再開します。",
                )
                .owned(),
            ),
            Self::CardOfModem => (
                Text::new("There is no card in the modem.", "モデムにカードが入っていません。"),
                Text::new(
                    "Put it in and choose the modem’s port again under “Use a real card”: a download that had got as far as its package goes on then.",
                    "カードを入れ、「実物のカードを使う」からモデムのポートを選び直すと、パッケージの取得まで進んでいたダウンロードを再開します。",
                )
                .owned(),
            ),
        }
    }
}

/// Something that comes later, from behind a [`RealCard`].
pub(crate) type Later<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// A card that is not a program of this page. Behind a pointer, so that the machines of the roads
/// come with the dialog that leads to them (`ui/later.rs`).
pub(crate) trait RealCard {
    /// As [`CardChannel::transmit`].
    fn transmit<'a>(&'a self, apdu: &'a [u8]) -> Later<'a, Result<Vec<u8>, CardLost>>;

    /// As [`CardChannel::reset`].
    fn reset(&self) -> Later<'_, Result<Vec<u8>, CardLost>>;

    /// As [`CardChannel::close`].
    fn close(&self) -> Later<'_, ()>;
}

/// The way to a card: APDUs in, APDUs out, one at a time.
#[derive(Clone)]
pub(crate) enum CardChannel {
    /// The chip in the page, in its worker.
    Worker(Rc<ChipLink>),
    /// A real one: by the bridge, in a USB reader, in a modem.
    Real(Rc<dyn RealCard>),
}

impl CardChannel {
    /// Sends a command APDU; returns the response APDU as the card gave it, `61 XX` included.
    ///
    /// # Errors
    /// When there is no answer. Whether the card has executed the command is not known then.
    pub(crate) async fn transmit(&self, apdu: &[u8]) -> Result<Vec<u8>, CardLost> {
        match self {
            Self::Worker(chip) => chip.transmit(apdu).await,
            Self::Real(card) => card.transmit(apdu).await,
        }
    }

    /// Resets the card, as far as the road can; returns the answer to reset, empty where the road
    /// does not tell it.
    ///
    /// # Errors
    /// When the card does not answer.
    pub(crate) async fn reset(&self) -> Result<Vec<u8>, CardLost> {
        match self {
            Self::Worker(chip) => chip.reset().await,
            Self::Real(card) => card.reset().await,
        }
    }

    /// Gives the card back to whom it was lent from.
    pub(crate) async fn close(&self) {
        match self {
            Self::Worker(_) => {}
            Self::Real(card) => card.close().await,
        }
    }

    /// The chip in the page, which can do what no card can: keep a copy of itself, lose power at
    /// a write, be made anew.
    ///
    /// # Errors
    /// When it is a real card.
    pub(crate) fn chip(&self) -> Result<&ChipLink, CardLost> {
        match self {
            Self::Worker(chip) => Ok(chip),
            Self::Real(_) => {
                Err(CardLost(Text::new("a real card can’t do that", "実物のカードではできません").owned()))
            }
        }
    }
}
