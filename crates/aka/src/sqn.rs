//! Sequence numbers (TS 33.102 Annex C): SQN = SEQ ‖ IND, and the card's array of
//! the last SEQ it accepted for each IND.

/// Entries of a card's array: IND has five bits.
pub const IND_COUNT: usize = 32;
const IND_BITS: u32 = 5;
const SQN_BITS: u32 = 48;
const SEQ_LIMIT: u64 = 1 << (SQN_BITS - IND_BITS);

/// A sequence number: 48 bits, the last five of them IND.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sqn(u64);

/// A number of more than 48 bits, or a SEQ of more than 43.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidSqn;

impl core::fmt::Display for InvalidSqn {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("a sequence number has 48 bits, 43 of them SEQ")
    }
}

impl core::error::Error for InvalidSqn {}

impl Sqn {
    /// What a subscriber starts from.
    pub const ZERO: Self = Self(0);

    /// The number of `SEQ` and `IND`; IND is taken modulo 32.
    ///
    /// # Errors
    /// A SEQ of more than 43 bits.
    pub const fn new(seq: u64, ind: u8) -> Result<Self, InvalidSqn> {
        if seq >= SEQ_LIMIT {
            return Err(InvalidSqn);
        }
        Ok(Self(seq << IND_BITS | (ind as u64 & (IND_COUNT as u64 - 1))))
    }

    /// The number of six bytes, most significant first.
    #[must_use]
    pub const fn from_bytes([a, b, c, d, e, f]: [u8; 6]) -> Self {
        Self(u64::from_be_bytes([0, 0, a, b, c, d, e, f]))
    }

    /// Six bytes, most significant first.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 6] {
        let [_, _, a, b, c, d, e, f] = self.0.to_be_bytes();
        [a, b, c, d, e, f]
    }

    /// SEQ: what grows.
    #[must_use]
    pub const fn seq(self) -> u64 {
        self.0 >> IND_BITS
    }

    /// IND: which entry of the card's array it is judged by.
    #[must_use]
    pub const fn ind(self) -> u8 {
        (self.0 & (IND_COUNT as u64 - 1)) as u8
    }

    /// What a home network uses next: SEQ + 1, IND + 1 (TS 33.102 §C.3.2). `None`
    /// when the numbers are used up.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        Self::new(self.seq().checked_add(1)?, self.ind().wrapping_add(1)).ok()
    }
}

impl TryFrom<u64> for Sqn {
    type Error = InvalidSqn;

    fn try_from(number: u64) -> Result<Self, InvalidSqn> {
        Self::new(number >> IND_BITS, (number & (IND_COUNT as u64 - 1)) as u8)
    }
}

impl From<Sqn> for u64 {
    fn from(sqn: Sqn) -> Self {
        sqn.0
    }
}

/// By what a card judges a SEQ besides its array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SqnRules {
    /// Δ (TS 33.102 §C.2.2): a SEQ more than this above the highest accepted one is
    /// refused, so that the numbers cannot be wrapped around. `None`: not checked.
    pub delta: Option<u64>,
    /// L (TS 33.102 §C.2.2): a SEQ more than this below the highest accepted one is
    /// too old. `None`: not checked.
    pub age_limit: Option<u64>,
}

impl SqnRules {
    /// The rules of a profile package: `sqnOptions` (bit 2 the wrap-around check,
    /// bit 1 the age limit), `sqnDelta` and `sqnAgeLimit`.
    #[must_use]
    pub const fn from_options(options: u8, delta: u64, age_limit: u64) -> Self {
        Self {
            delta: if options & 0x02 != 0 { Some(delta) } else { None },
            age_limit: if options & 0x01 != 0 { Some(age_limit) } else { None },
        }
    }
}

impl Default for SqnRules {
    /// A profile package's default: wrap-around checked with Δ = 2^28, no age limit.
    fn default() -> Self {
        Self::from_options(0x02, 1 << 28, 1 << 28)
    }
}

/// A card's memory of the SEQ it accepted, one for each IND.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqnArray {
    seq: [u64; IND_COUNT],
    rules: SqnRules,
}

impl SqnArray {
    /// A card that has accepted nothing yet.
    #[must_use]
    pub const fn new(rules: SqnRules) -> Self {
        Self { seq: [0; IND_COUNT], rules }
    }

    /// The array as stored, or as a profile's `sqnInit` gives it.
    ///
    /// # Errors
    /// A SEQ of more than 43 bits.
    pub fn from_values(seq: [u64; IND_COUNT], rules: SqnRules) -> Result<Self, InvalidSqn> {
        if seq.iter().any(|seq| *seq >= SEQ_LIMIT) {
            return Err(InvalidSqn);
        }
        Ok(Self { seq, rules })
    }

    /// The SEQ of every IND, to be stored.
    #[must_use]
    pub const fn values(&self) -> &[u64; IND_COUNT] {
        &self.seq
    }

    /// The rules it judges by.
    #[must_use]
    pub const fn rules(&self) -> SqnRules {
        self.rules
    }

    /// SQN_MS: the highest number accepted so far.
    #[must_use]
    pub fn highest(&self) -> Sqn {
        let (ind, seq) = (0_u8..).zip(self.seq).fold(
            (0, 0),
            |highest, next| {
                if next.1 > highest.1 { next } else { highest }
            },
        );
        Sqn(seq << IND_BITS | u64::from(ind))
    }

    /// Whether `sqn` is fresh (TS 33.102 §C.2.2).
    #[must_use]
    pub fn accepts(&self, sqn: Sqn) -> bool {
        let highest = self.highest().seq();
        let seq = sqn.seq();
        let wraps = self.rules.delta.is_some_and(|delta| seq.saturating_sub(highest) > delta);
        let aged = self.rules.age_limit.is_some_and(|limit| highest.saturating_sub(seq) > limit);
        let last = self.seq.get(usize::from(sqn.ind())).copied().unwrap_or(u64::MAX);
        !wraps && !aged && seq > last
    }

    /// Keeps `sqn` as the last accepted of its IND, if it is higher.
    pub(crate) fn keep(&mut self, sqn: Sqn) {
        if let Some(last) = self.seq.get_mut(usize::from(sqn.ind())) {
            *last = sqn.seq().max(*last);
        }
    }
}
