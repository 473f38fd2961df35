//! Who may ask: a person who sits at this machine reads a code off the bridge's terminal and
//! types it into the page. The page is then given a token that is good until the bridge ends.
//!
//! Where the allow-list says *which* pages, the code says that the person wants this one now, and
//! keeps out whatever else on the machine can claim to be a browser.

use core::time::Duration;

use rand_core::CryptoRng;
use subtle::{ConditionallySelectable as _, ConstantTimeEq as _};
use zeroize::{Zeroize as _, Zeroizing};

use crate::protocol::{Secret, Why};

/// How long a code is good.
pub const LIFETIME: Duration = Duration::from_secs(5 * 60);

/// How often a code may be wrong before it is good for nothing.
pub const TRIES: u8 = 5;

/// Digits of a code.
pub const DIGITS: usize = 8;

/// How many pages are remembered; another one takes the place of the oldest.
pub const MAX_TOKENS: usize = 16;

/// The code that is shown, and the tokens of this run.
#[derive(Default)]
pub struct Pairing {
    code: Option<Code>,
    /// Codes that were shown.
    shown: u64,
    tokens: Vec<Token>,
}

struct Code {
    digits: Zeroizing<[u8; DIGITS]>,
    made: Duration,
    wrong: u8,
}

struct Token {
    bytes: Zeroizing<[u8; 32]>,
    origin: String,
}

impl Pairing {
    /// Makes a code in place of the one before, to be shown on the terminal: `1234 5678`. `now` is
    /// any time that only goes on.
    pub fn show(&mut self, rng: &mut impl CryptoRng, now: Duration) -> Secret {
        let mut digits = Zeroizing::new([0; DIGITS]);
        for digit in digits.iter_mut() {
            // Bytes from 250 on would make the digits 0 to 5 likelier.
            let mut byte = [255];
            while byte[0] >= 250 {
                rng.fill_bytes(&mut byte);
            }
            *digit = b'0' + byte[0] % 10;
            byte.zeroize();
        }
        let mut text = String::with_capacity(DIGITS + 1);
        for (index, &digit) in digits.iter().enumerate() {
            if index == DIGITS / 2 {
                text.push(' ');
            }
            text.push(char::from(digit));
        }
        self.code = Some(Code { digits, made: now, wrong: 0 });
        self.shown += 1;
        Secret::new(text)
    }

    /// Whether there is a code that can be used.
    #[must_use]
    pub fn is_shown(&self, now: Duration) -> bool {
        self.code.as_ref().is_some_and(|code| code.is_good(now))
    }

    /// How many codes were shown: another number with each.
    #[must_use]
    pub const fn shown(&self) -> u64 {
        self.shown
    }

    /// A page of `origin` says a code. Right, it is used up, and here is the token; wrong, a try
    /// is.
    ///
    /// # Errors
    /// [`Why::WrongCode`], [`Why::NoCode`].
    pub fn pair(
        &mut self,
        said: &Secret,
        origin: &str,
        rng: &mut impl CryptoRng,
        now: Duration,
    ) -> Result<Secret, Why> {
        let code = self.code.as_mut().filter(|code| code.is_good(now)).ok_or(Why::NoCode)?;
        if !code.is(said.expose_text()) {
            code.wrong += 1;
            return Err(if code.is_good(now) { Why::WrongCode } else { Why::NoCode });
        }
        self.code = None;
        let mut bytes = Zeroizing::new([0; 32]);
        rng.fill_bytes(&mut *bytes);
        let token = Secret::new(hex::encode(*bytes));
        if self.tokens.len() == MAX_TOKENS {
            self.tokens.remove(0);
        }
        self.tokens.push(Token { bytes, origin: origin.to_owned() });
        Ok(token)
    }

    /// A page of `origin` comes again.
    ///
    /// # Errors
    /// [`Why::UnknownToken`].
    pub fn resume(&self, token: &Secret, origin: &str) -> Result<(), Why> {
        let mut said = Zeroizing::new([0; 32]);
        hex::decode_to_slice(token.expose_text(), &mut *said).map_err(|_| Why::UnknownToken)?;
        // All are compared, whichever it is.
        let mut known = subtle::Choice::from(0);
        for token in self.tokens.iter().filter(|token| token.origin == origin) {
            known |= token.bytes.ct_eq(&*said);
        }
        if bool::from(known) { Ok(()) } else { Err(Why::UnknownToken) }
    }
}

impl Code {
    fn is_good(&self, now: Duration) -> bool {
        self.wrong < TRIES && now.saturating_sub(self.made) < LIFETIME
    }

    /// In the same time however much of it is right.
    fn is(&self, said: &str) -> bool {
        let mut digits = Zeroizing::new([0; DIGITS]);
        let mut count = 0;
        for byte in said.bytes().filter(|byte| !matches!(byte, b' ' | b'-')) {
            let place = count % DIGITS;
            digits[place] = u8::conditional_select(&digits[place], &byte, u8::from(count < DIGITS).into());
            count += 1;
        }
        bool::from(digits.ct_eq(&*self.digits)) && count == DIGITS
    }
}
