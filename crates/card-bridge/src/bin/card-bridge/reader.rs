//! PC/SC behind the bridge's traits.

use std::ffi::CString;
use std::time::Duration;

use card_bridge::card::{Card, Readers, Trouble};
use card_bridge::protocol::{Hex, MAX_READERS, Protocol, Reader, State, Why};
use pcsc::{Attribute, Context, Disposition, Error, Protocols, ReaderState, Scope, ShareMode};

/// How long a change may go unnoticed where PC/SC does not tell of it: not every one tells of
/// readers that come and go.
const PAUSE: Duration = Duration::from_secs(1);

/// The readers of this machine. PC/SC is found again after it was not there.
#[derive(Default)]
pub(crate) struct Desktop {
    context: Option<Context>,
    /// The service has gone since [`Self::lost`] was last asked.
    lost: bool,
    /// What [`Self::wait`] knows already.
    known: Vec<ReaderState>,
}

impl Desktop {
    /// Waits until readers or cards may have changed, not much longer than a second. Whether they
    /// have.
    pub(crate) fn wait(&mut self) -> bool {
        let changed = self.changed();
        match self.kept(changed) {
            Ok(changed) => changed,
            Err(_) => {
                std::thread::sleep(PAUSE);
                !std::mem::take(&mut self.known).is_empty()
            }
        }
    }

    fn changed(&mut self) -> Result<bool, Error> {
        let names = self.names()?;
        if !names.iter().map(CString::as_c_str).eq(self.known.iter().map(ReaderState::name)) {
            self.known = unknown(names);
            if !self.known.is_empty() {
                self.look(Duration::ZERO)?;
            }
            return Ok(true);
        }
        if self.known.is_empty() {
            std::thread::sleep(PAUSE);
            return Ok(false);
        }
        match self.look(PAUSE) {
            Err(Error::Timeout) => Ok(false),
            looked => looked.map(|()| true),
        }
    }

    /// Whether the service that it spoke with has gone since it was last asked.
    pub(crate) fn lost(&mut self) -> bool {
        std::mem::take(&mut self.lost)
    }

    /// A context whose service has gone is of no use when there is another one, and pcsc-lite calls
    /// it valid all the same: it is what calls say that shows it.
    fn kept<T>(&mut self, result: Result<T, Error>) -> Result<T, Error> {
        if result.as_ref().is_err_and(|error| is_without_service(*error)) {
            self.lost |= self.context.take().is_some();
        }
        result
    }

    fn look(&mut self, wait: Duration) -> Result<(), Error> {
        let Some(context) = &self.context else { return Err(Error::NoService) };
        context.get_status_change(wait, &mut self.known)?;
        self.known.iter_mut().for_each(ReaderState::sync_current_state);
        Ok(())
    }

    fn names(&mut self) -> Result<Vec<CString>, Error> {
        let mut names = match self.context()?.list_readers_owned() {
            Ok(names) => names,
            Err(Error::NoReadersAvailable) => Vec::new(),
            Err(error) => return Err(error),
        };
        names.truncate(MAX_READERS);
        Ok(names)
    }

    fn context(&mut self) -> Result<&Context, Error> {
        // One that has lost its service comes to nothing any more.
        if self.context.as_ref().is_some_and(|context| context.is_valid().is_err()) {
            self.context = None;
        }
        match &mut self.context {
            Some(context) => Ok(context),
            none => Ok(none.insert(Context::establish(Scope::User)?)),
        }
    }

    fn seen(&mut self) -> Result<Vec<Reader>, Error> {
        let mut states = unknown(self.names()?);
        if states.is_empty() {
            return Ok(Vec::new());
        }
        // One that was unplugged since makes the call fail for all.
        self.context()?.get_status_change(Duration::ZERO, &mut states)?;
        Ok(states
            .iter()
            .map(|state| {
                let flags = state.event_state();
                let atr = Some(Hex(state.atr().to_vec())).filter(|atr| !atr.0.is_empty());
                let now = if !flags.contains(pcsc::State::PRESENT) {
                    State::Empty
                } else if flags.intersects(pcsc::State::EXCLUSIVE | pcsc::State::INUSE) {
                    State::Taken
                } else if flags.contains(pcsc::State::MUTE) {
                    State::Mute
                } else {
                    State::Card
                };
                let name = state.name().to_string_lossy().into_owned();
                Reader { name, state: now, atr: atr.filter(|_| now != State::Empty) }
            })
            .collect())
    }
}

fn unknown(names: Vec<CString>) -> Vec<ReaderState> {
    names.into_iter().map(|name| ReaderState::new(name, pcsc::State::UNAWARE)).collect()
}

impl Readers for Desktop {
    type Card = InReader;

    fn list(&mut self) -> Result<Vec<Reader>, Trouble> {
        let seen = match self.seen() {
            // Between the list and the look at it.
            Err(Error::UnknownReader | Error::Timeout) => self.seen(),
            seen => seen,
        };
        self.kept(seen).map_err(trouble)
    }

    fn connect(&mut self, reader: &str) -> Result<InReader, Trouble> {
        let name = CString::new(reader).map_err(|_| trouble(Error::UnknownReader))?;
        // Exclusive: no other program comes between two commands of an installation, however long
        // the server takes in between. A transaction (SCardBeginTransaction) would add nothing to
        // that, and Windows resets a card that nothing is sent to for five seconds under one.
        let card =
            self.context().and_then(|context| context.connect(&name, ShareMode::Exclusive, Protocols::ANY));
        InReader::of(self.kept(card).map_err(trouble)?)
    }
}

/// A card that nobody else has. It is reset when it is let go of, so that nobody finds its
/// channels open and its PINs verified.
pub(crate) struct InReader {
    card: Option<pcsc::Card>,
    atr: Vec<u8>,
    protocol: Protocol,
}

impl InReader {
    fn of(card: pcsc::Card) -> Result<Self, Trouble> {
        let mut found = Self { card: Some(card), atr: Vec::new(), protocol: Protocol::T0 };
        found.look()?;
        Ok(found)
    }

    /// What the card said at its reset, and what is spoken with it.
    fn look(&mut self) -> Result<(), Trouble> {
        let card = self.card()?;
        let (names, atr) =
            (card.status2_owned().map_err(trouble)?, card.get_attribute_owned(Attribute::AtrString));
        self.protocol = match names.protocol2() {
            Some(pcsc::Protocol::T0) => Protocol::T0,
            Some(pcsc::Protocol::T1) => Protocol::T1,
            _ => return Err(Trouble::new(Why::Failed, "neither T=0 nor T=1 is spoken with the card")),
        };
        self.atr = if names.atr().is_empty() { atr.unwrap_or_default() } else { names.atr().to_vec() };
        Ok(())
    }

    /// A reader that has lost its card may say anything: pcsc-lite calls it a transaction that was
    /// not begun.
    fn because(&self, error: Error) -> Trouble {
        match self.card.as_ref().map(|card| card.status2_owned()) {
            None => trouble(Error::RemovedCard),
            Some(Err(lost)) => trouble(lost),
            Some(Ok(_)) => trouble(error),
        }
    }

    fn card(&mut self) -> Result<&mut pcsc::Card, Trouble> {
        self.card.as_mut().ok_or_else(|| trouble(Error::RemovedCard))
    }
}

impl Card for InReader {
    fn atr(&self) -> &[u8] {
        &self.atr
    }

    fn protocol(&self) -> Protocol {
        self.protocol
    }

    fn transmit(&mut self, wire: &[u8]) -> Result<Vec<u8>, Trouble> {
        let mut buffer = [0; pcsc::MAX_BUFFER_SIZE];
        match self.card()?.transmit(wire, &mut buffer) {
            Ok(response) if response.len() >= 2 => Ok(response.to_vec()),
            Ok(_) => Err(Trouble::new(Why::Mute, "the card's answer has no status word")),
            Err(error) => Err(self.because(error)),
        }
    }

    fn reset(&mut self) -> Result<(), Trouble> {
        let card = self.card()?;
        let reset = card.reconnect(ShareMode::Exclusive, Protocols::ANY, Disposition::ResetCard);
        reset.map_err(|error| self.because(error))?;
        self.look()
    }
}

impl Drop for InReader {
    fn drop(&mut self) {
        if let Some(card) = self.card.take()
            && let Err((card, _)) = card.disconnect(Disposition::ResetCard)
        {
            // What is left is to forget the handle; a card that is gone needs no reset.
            drop(card);
        }
    }
}

/// Whether it says that PC/SC itself is not there, or not the one any more that was spoken with.
const fn is_without_service(error: Error) -> bool {
    matches!(error, Error::NoService | Error::ServiceStopped | Error::InvalidHandle | Error::CommError)
}

/// PC/SC's errors, sorted by what a page can do about them.
fn trouble(error: Error) -> Trouble {
    let (why, text) = match error {
        _ if is_without_service(error) => (
            Why::NoService,
            "PC/SC is not running (Linux: install and start pcscd; Windows: the service Smart Card)",
        ),
        Error::UnknownReader | Error::ReaderUnavailable | Error::NoReadersAvailable => {
            (Why::NoReader, "the reader is gone")
        }
        Error::NoSmartcard => (Why::NoCard, "there is no card in the reader"),
        Error::RemovedCard => (Why::Removed, "the card was taken out"),
        // It is not this program that has reset an exclusive card.
        Error::ResetCard => (Why::Removed, "the card lost its power"),
        Error::UnpoweredCard | Error::UnresponsiveCard | Error::CommDataLost | Error::NotTransacted => {
            (Why::Mute, "the card does not answer")
        }
        Error::SharingViolation => {
            (Why::Taken, "another program has the card; close it (GnuPG: `gpgconf --kill scdaemon`)")
        }
        _ => return Trouble::new(Why::Failed, format!("PC/SC: {error}")),
    };
    Trouble::new(why, text)
}
