//! One page at the bridge: a question comes in, an answer goes out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand_core::CryptoRng;

use crate::card::{Card, Readers, Trouble, wire};
use crate::offer::Offer;
use crate::pairing::Pairing;
use crate::protocol::{
    Ask, Hex, MAX_ATR, MAX_READERS, MAX_RESPONSE, Question, Reader, Secret, State, Tell, VERSION, Why,
};

/// How many cards one page may have.
pub const MAX_CARDS: usize = 4;

/// How often a page may fail to pair, or ask before it is paired, on one connection.
pub const MAX_FAILURES: u8 = 8;

/// How often one connection may be wrong about a code: it alone can't use the code up for others.
pub const MAX_WRONG: u8 = 2;

/// What all pages share: codes and tokens, and which readers somebody has.
#[derive(Clone, Default)]
pub struct Desk(Arc<Mutex<Shared>>);

#[derive(Default)]
struct Shared {
    pairing: Pairing,
    taken: BTreeSet<String>,
    /// A page has the virtual reader.
    offered: bool,
    changes: u64,
}

impl Desk {
    /// Makes a new code for the terminal; see [`Pairing::show`].
    pub fn show(&self, rng: &mut impl CryptoRng, now: Duration) -> Secret {
        self.open().pairing.show(rng, now)
    }

    /// Whether there is a code that can be used.
    #[must_use]
    pub fn is_shown(&self, now: Duration) -> bool {
        self.open().pairing.is_shown(now)
    }

    /// Changes with every reader that a page takes or gives back.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.open().changes
    }

    /// For a moment: nothing that waits for a card is done under it.
    fn open(&self) -> MutexGuard<'_, Shared> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A reader that a page has.
struct Claim {
    desk: Desk,
    reader: String,
}

impl Claim {
    fn take(desk: &Desk, reader: &str) -> Option<Self> {
        let mut shared = desk.open();
        let free = shared.taken.insert(reader.to_owned());
        shared.changes += u64::from(free);
        drop(shared);
        free.then(|| Self { desk: desk.clone(), reader: reader.to_owned() })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut shared = self.desk.open();
        shared.taken.remove(&self.reader);
        shared.changes += 1;
    }
}

/// The virtual reader, that a page has.
struct Slot(Desk);

impl Slot {
    fn take(desk: &Desk) -> Option<Self> {
        let was = std::mem::replace(&mut desk.open().offered, true);
        (!was).then(|| Self(desk.clone()))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.open().offered = false;
    }
}

/// A chip of the page, on its way into the virtual reader or in it.
struct Offered {
    /// Nobody else's meanwhile.
    _slot: Slot,
    /// The question that waits for the reader.
    opening: Option<u32>,
    offer: Offer,
}

/// Dropped in this order: the card is reset before the reader is free.
struct Held<C> {
    card: C,
    claim: Claim,
}

/// What comes of a question that is not refused.
enum Answered {
    Now(Tell),
    /// When the virtual reader is open, or is not.
    Later,
    /// The virtual reader has the answer, and may want more.
    Passed {
        id: u32,
        next: Option<Tell>,
    },
    Withdrawn {
        id: u32,
    },
}

fn nothing_offered() -> Trouble {
    Trouble::new(Why::NotAsked, "the page has no chip in the virtual reader")
}

/// One page. Dropped, its cards are reset and free.
pub struct Session<C> {
    desk: Desk,
    origin: String,
    paired: bool,
    failures: u8,
    /// How often it was wrong about which code, by [`Pairing::shown`].
    wrong: (u64, u8),
    cards: BTreeMap<u32, Held<C>>,
    last: u32,
    told: Option<Vec<Reader>>,
    offered: Option<Offered>,
}

/// What is to be done with the connection to the virtual reader.
#[derive(Debug, PartialEq, Eq)]
pub enum ToReader {
    /// It is to be opened; how that went is said to [`Session::opened`].
    Open,
    /// These bytes are for it.
    Say(Vec<u8>),
    /// It is to be closed.
    Close,
}

/// What came of a question, or of what a virtual reader said.
#[derive(Default)]
pub struct Reply {
    /// To be told, in this order.
    pub tell: Vec<Tell>,
    /// To be done with the virtual reader, in this order.
    pub reader: Vec<ToReader>,
    /// Nothing more is to be said to this page.
    pub close: bool,
}

impl<C: Card> Session<C> {
    /// A page of an origin that the door let in.
    #[must_use]
    pub fn new(desk: &Desk, origin: &str) -> Self {
        Self {
            desk: desk.clone(),
            origin: origin.to_owned(),
            paired: false,
            failures: 0,
            wrong: (0, 0),
            cards: BTreeMap::new(),
            last: 0,
            told: None,
            offered: None,
        }
    }

    /// The first thing to be told.
    #[must_use]
    pub fn welcome() -> Tell {
        Tell::Welcome {
            protocol: VERSION,
            program: concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }

    /// Whether it may ask everything.
    #[must_use]
    pub const fn is_paired(&self) -> bool {
        self.paired
    }

    /// Answers a frame.
    pub fn answer(
        &mut self,
        frame: &str,
        readers: &mut impl Readers<Card = C>,
        rng: &mut impl CryptoRng,
        now: Duration,
    ) -> Reply {
        let before = self.paired;
        let mut without_service = false;
        let (id, outcome) = match Question::parse(frame) {
            Ok(Question { id, ask }) => (Some(id), self.ask(id, ask, readers, rng, now)),
            Err(malformed) => (malformed.id, Err(Trouble::new(Why::Malformed, malformed.text))),
        };
        let mut tell = Vec::new();
        let mut to_reader = Vec::new();
        match outcome {
            Ok(Answered::Now(answer)) => tell.push(answer),
            Ok(Answered::Later) => to_reader.push(ToReader::Open),
            Ok(Answered::Passed { id, next }) => {
                tell.push(Tell::Passed { id });
                tell.extend(next);
            }
            Ok(Answered::Withdrawn { id }) => {
                tell.push(Tell::Withdrawn { id: Some(id) });
                to_reader.push(ToReader::Close);
            }
            Err(Trouble { why, text }) => {
                without_service = self.paired && why == Why::NoService;
                // Before it is paired, a page that goes on asking is not one that a person uses.
                self.failures = self.failures.saturating_add(u8::from(!self.paired));
                tell.push(Tell::Refused { id, why, text });
            }
        }
        if without_service {
            // What was lent by one that has gone, the next one does not know.
            tell.extend(self.see(Vec::new()));
        }
        if self.paired && !before {
            tell.extend(readers.list().ok().map(|seen| self.list(None, seen)));
        }
        to_reader.extend(self.for_reader());
        Reply { tell, reader: to_reader, close: self.failures >= MAX_FAILURES }
    }

    /// Whether the page has a chip in the virtual reader that waits for nothing but its next command.
    #[must_use]
    pub fn waits_for_reader(&self) -> bool {
        self.offered.as_ref().is_some_and(|offered| offered.opening.is_none() && !offered.offer.is_asked())
    }

    /// How it went to open the virtual reader.
    pub fn opened(&mut self, outcome: Result<(), Trouble>) -> Vec<Tell> {
        let Some(id) = self.offered.as_mut().and_then(|offered| offered.opening.take()) else {
            return Vec::new();
        };
        match outcome {
            Ok(()) => vec![Tell::Offered { id }],
            Err(Trouble { why, text }) => {
                self.offered = None;
                vec![Tell::Refused { id: Some(id), why, text }]
            }
        }
    }

    /// What the virtual reader said: nothing when it is gone.
    pub fn heard(&mut self, bytes: &[u8]) -> Reply {
        let Some(offered) = &mut self.offered else { return Reply::default() };
        match (bytes, offered.offer.heard(bytes)) {
            ([_, ..], Ok(tell)) => {
                Reply { tell: tell.into_iter().collect(), reader: self.for_reader(), close: false }
            }
            _ => {
                self.offered = None;
                Reply {
                    tell: vec![Tell::Withdrawn { id: None }],
                    reader: vec![ToReader::Close],
                    close: false,
                }
            }
        }
    }

    /// What the virtual reader is to be told.
    fn for_reader(&mut self) -> Vec<ToReader> {
        let Some(offered) = &mut self.offered else { return Vec::new() };
        std::iter::from_fn(|| offered.offer.out()).map(ToReader::Say).collect()
    }

    /// Readers and cards have changed, or may have: what is to be told of it.
    pub fn look(&mut self, readers: &mut impl Readers<Card = C>) -> Vec<Tell> {
        if !self.paired {
            return Vec::new();
        }
        let seen = match readers.list() {
            Ok(seen) => seen,
            // Without PC/SC there is no reader; who asks for one is told why.
            Err(trouble) if trouble.why == Why::NoService => Vec::new(),
            // Of another kind it says nothing about a card that somebody is installing on.
            Err(_) => return Vec::new(),
        };
        self.see(seen)
    }

    /// What is to be told where these are the readers.
    fn see(&mut self, seen: Vec<Reader>) -> Vec<Tell> {
        let holds = |name: &str| seen.iter().any(|seen| seen.name == name && seen.state != State::Empty);
        let gone: Vec<u32> =
            self.cards.iter().filter(|(_, held)| !holds(&held.claim.reader)).map(|(&card, _)| card).collect();
        let mut tell = Vec::new();
        for card in gone {
            self.cards.remove(&card);
            tell.push(Tell::Removed { card });
        }
        let before = self.told.take();
        let list = self.list(None, seen);
        if self.told != before {
            tell.push(list);
        }
        tell
    }

    fn ask(
        &mut self,
        id: u32,
        ask: Ask,
        readers: &mut impl Readers<Card = C>,
        rng: &mut impl CryptoRng,
        now: Duration,
    ) -> Result<Answered, Trouble> {
        let answer = match ask {
            Ask::Pair { code } => {
                // Wrong ones would count against the code that another page is to be paired with.
                if self.paired {
                    return Err(Trouble::new(Why::Malformed, "the page is paired already"));
                }
                let token = self.pair(&code, rng, now);
                let token = token.map_err(|why| {
                    Trouble::new(
                        why,
                        if why == Why::WrongCode {
                            "not the code on the bridge's terminal"
                        } else {
                            "no code can be used: press Enter in the bridge's terminal for a new one"
                        },
                    )
                })?;
                self.paired = true;
                Ok(Tell::Paired { id, token })
            }
            Ask::Resume { token } => {
                self.desk.open().pairing.resume(&token, &self.origin).map_err(|why| {
                    Trouble::new(why, "the bridge was started anew since: pair the page again")
                })?;
                self.paired = true;
                Ok(Tell::Paired { id, token })
            }
            _ if !self.paired => Err(Trouble::new(Why::NotPaired, "pair the page first")),
            Ask::Readers => {
                let seen = readers.list()?;
                Ok(self.list(Some(id), seen))
            }
            Ask::Connect { reader } => self.connect(id, &reader, readers),
            Ask::Transmit { card, apdu } => {
                let held = self.held(card)?;
                let command = wire(&apdu.0, held.card.protocol())?;
                let answer = held.card.transmit(&command);
                self.unless_gone(card, answer).map(|apdu| Tell::Response { id, apdu: Hex(apdu) })
            }
            Ask::Reset { card } => {
                let held = self.held(card)?;
                let answer = held.card.reset().map(|()| held.card.atr().to_vec());
                self.unless_gone(card, answer).map(|atr| Tell::Reset { id, atr: Hex(atr) })
            }
            Ask::Disconnect { card } => {
                self.held(card)?;
                self.cards.remove(&card);
                Ok(Tell::Disconnected { id })
            }
            Ask::Offer { atr } => return self.offer(id, atr.0).map(|()| Answered::Later),
            Ask::Answer { number, bytes } => {
                let next = self.pass(number, bytes.0)?;
                return Ok(Answered::Passed { id, next });
            }
            Ask::Withdraw => {
                self.offered.take_if(|offered| offered.opening.is_none()).ok_or_else(nothing_offered)?;
                return Ok(Answered::Withdrawn { id });
            }
        };
        answer.map(Answered::Now)
    }

    fn offer(&mut self, id: u32, atr: Vec<u8>) -> Result<(), Trouble> {
        // TS and T0 are always there (ISO/IEC 7816-3 §8.2).
        if !(2..=MAX_ATR).contains(&atr.len()) {
            return Err(Trouble::new(Why::Malformed, "an answer to reset has 2 to 33 bytes"));
        }
        let slot = Slot::take(&self.desk)
            .ok_or_else(|| Trouble::new(Why::Taken, "a chip is in the virtual reader already"))?;
        self.offered = Some(Offered { _slot: slot, opening: Some(id), offer: Offer::new(atr) });
        Ok(())
    }

    fn pass(&mut self, number: u32, bytes: Vec<u8>) -> Result<Option<Tell>, Trouble> {
        if bytes.len() > MAX_RESPONSE {
            return Err(Trouble::new(Why::Malformed, "a response is at most 258 bytes long"));
        }
        let offered = self.offered.as_mut().ok_or_else(nothing_offered)?;
        offered
            .offer
            .answered(number, bytes)
            .map_err(|_| Trouble::new(Why::NotAsked, "nothing was asked by that number, or it is answered"))
    }

    fn pair(&mut self, code: &Secret, rng: &mut impl CryptoRng, now: Duration) -> Result<Secret, Why> {
        let pairing = &mut self.desk.open().pairing;
        if self.wrong.0 != pairing.shown() {
            self.wrong = (pairing.shown(), 0);
        }
        if self.wrong.1 >= MAX_WRONG {
            return Err(Why::NoCode);
        }
        let token = pairing.pair(code, &self.origin, rng, now);
        self.wrong.1 += u8::from(token.is_err());
        token
    }

    fn connect(
        &mut self,
        id: u32,
        reader: &str,
        readers: &mut impl Readers<Card = C>,
    ) -> Result<Tell, Trouble> {
        if self.cards.len() >= MAX_CARDS {
            return Err(Trouble::new(Why::TooMany, format!("a page may have {MAX_CARDS} cards")));
        }
        // No number comes twice; that there are no more is not for this world.
        let card = self.last.checked_add(1).ok_or_else(|| Trouble::new(Why::TooMany, "no number is left"))?;
        if !readers.list()?.iter().any(|seen| seen.name == reader) {
            return Err(Trouble::new(Why::NoReader, "there is no reader of that name"));
        }
        let claim = Claim::take(&self.desk, reader)
            .ok_or_else(|| Trouble::new(Why::Taken, "another page has the card, or this one already"))?;
        let held = Held { card: readers.connect(reader)?, claim };
        let connected =
            Tell::Connected { id, card, atr: Hex(held.card.atr().to_vec()), protocol: held.card.protocol() };
        self.last = card;
        self.cards.insert(card, held);
        Ok(connected)
    }

    fn held(&mut self, card: u32) -> Result<&mut Held<C>, Trouble> {
        self.cards.get_mut(&card).ok_or_else(|| {
            Trouble::new(Why::UnknownCard, "the page has no card of that number, or has it no more")
        })
    }

    /// A card that is gone is let go of.
    fn unless_gone<T>(&mut self, card: u32, answer: Result<T, Trouble>) -> Result<T, Trouble> {
        if answer.as_ref().is_err_and(Trouble::ends_card) {
            self.cards.remove(&card);
        }
        answer
    }

    /// The list as this page sees it.
    fn list(&mut self, id: Option<u32>, mut readers: Vec<Reader>) -> Tell {
        readers.truncate(MAX_READERS);
        let shared = self.desk.open();
        for reader in readers.iter_mut().filter(|reader| matches!(reader.state, State::Card | State::Taken)) {
            if self.cards.values().any(|held| held.claim.reader == reader.name) {
                reader.state = State::Yours;
            } else if shared.taken.contains(&reader.name) {
                reader.state = State::Taken;
            }
        }
        drop(shared);
        self.told = Some(readers.clone());
        Tell::Readers { id, readers }
    }
}
