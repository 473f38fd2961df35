//! A card, whichever road it is reached by.

use std::rc::Rc;

use lpa::CardLost;

use super::bridge::BridgeCard;
use super::chip::ChipLink;
use super::serial::ModemCard;
use super::usb::UsbCard;

/// The way to a card: APDUs in, APDUs out, one at a time.
#[derive(Clone)]
pub(crate) enum CardChannel {
    /// The chip in the page, in its worker.
    Worker(Rc<ChipLink>),
    /// A card in a PC/SC reader of the desktop, by the bridge.
    Bridge(Rc<BridgeCard>),
    /// A card in a modem at a serial port.
    Modem(Rc<ModemCard>),
    /// A card in a USB reader that the page drives.
    Usb(Rc<UsbCard>),
}

impl CardChannel {
    /// Sends a command APDU; returns the response APDU as the card gave it, `61 XX` included.
    ///
    /// # Errors
    /// When there is no answer. Whether the card has executed the command is not known then.
    pub(crate) async fn transmit(&self, apdu: &[u8]) -> Result<Vec<u8>, CardLost> {
        match self {
            Self::Worker(chip) => chip.transmit(apdu).await,
            Self::Bridge(card) => card.transmit(apdu).await,
            Self::Modem(card) => card.transmit(apdu).await,
            Self::Usb(card) => card.transmit(apdu).await,
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
            Self::Bridge(card) => card.reset().await,
            Self::Modem(card) => card.reset().await,
            Self::Usb(card) => card.reset().await,
        }
    }

    /// Gives the card back to whom it was lent from.
    pub(crate) async fn close(&self) {
        match self {
            Self::Worker(_) => {}
            Self::Bridge(card) => card.close().await,
            Self::Modem(card) => card.close().await,
            Self::Usb(card) => card.close().await,
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
            Self::Bridge(_) | Self::Modem(_) | Self::Usb(_) => {
                Err(CardLost("a real card can’t do that".to_owned()))
            }
        }
    }
}
