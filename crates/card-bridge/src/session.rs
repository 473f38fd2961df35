//! One page at the bridge: a question comes in, an answer goes out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand_core::CryptoRng;

use crate::card::{Card, Readers, Trouble, wire};
use crate::pairing::Pairing;
use crate::protocol::{Ask, Hex, MAX_READERS, Question, Reader, Secret, State, Tell, VERSION, Why};

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

/// Dropped in this order: the card is reset before the reader is free.
struct Held<C> {
    card: C,
    claim: Claim,
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
}

/// What came of a question.
pub struct Reply {
    /// To be told, in this order.
    pub tell: Vec<Tell>,
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
        match outcome {
            Ok(answer) => tell.push(answer),
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
        Reply { tell, close: self.failures >= MAX_FAILURES }
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
    ) -> Result<Tell, Trouble> {
        match ask {
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
        }
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
