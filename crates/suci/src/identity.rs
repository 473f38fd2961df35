//! A SUCI as it travels, and what it says without a key.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::digits;
use crate::ecies::{HomeNetworkKey, InvalidKey, Scheme, conceal};

/// Longest text that is read: a scheme output of some 250 bytes is longer than any SUPI needs.
const MAX_TEXT: usize = 600;

/// The first byte of a mobile identity that is the SUCI of an IMSI (TS 24.501 §9.11.3.4).
const NAS_IMSI: u8 = 0x01;

/// An IMSI that was concealed: it names a person, so it is zeroized on drop and not printed.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Imsi(String);

impl Imsi {
    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Imsi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Imsi(…)")
    }
}

/// Something that is no SUCI of an IMSI, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidSuci(pub &'static str);

impl fmt::Display for InvalidSuci {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl core::error::Error for InvalidSuci {}

/// Why a SUCI stays hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hidden {
    /// The home network has no such key for this scheme.
    NoSuchKey,
    /// The tag is wrong: made for another key, or changed on the way.
    Forged,
    /// What was concealed is no IMSI of the home network that is named.
    NoImsi,
}

impl fmt::Display for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSuchKey => "the home network has no key of that identifier and scheme",
            Self::Forged => "the tag is wrong: not made for this home network's key, or changed on the way",
            Self::NoImsi => "what it conceals is no IMSI",
        })
    }
}

impl core::error::Error for Hidden {}

/// The SUCI of an IMSI. SUPIs of other types (TS 23.003 §2.2B: network specific identifiers,
/// global line and cable identifiers) are not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suci {
    mcc: String,
    mnc: String,
    routing: String,
    scheme: Scheme,
    key: u8,
    /// Of the null scheme the packed digits, as in NAS.
    output: Vec<u8>,
}

impl Suci {
    /// The SUCI of `imsi`, whose network code has `mnc_len` digits: routing indicator `routing`
    /// (one to four digits), concealed for the home network's public key `home`, which has the
    /// identifier `key`. Of the null scheme, `key` is 0 and `home` is not looked at.
    ///
    /// # Errors
    /// As [`conceal`], and for what is no IMSI or routing indicator.
    pub fn of_imsi(
        imsi: &str,
        mnc_len: usize,
        routing: &str,
        scheme: Scheme,
        key: u8,
        home: &[u8],
        one_time: [u8; 32],
    ) -> Result<Self, InvalidKey> {
        let (mcc, rest) = imsi.split_at_checked(3).ok_or(InvalidKey)?;
        let (mnc, msin) = rest.split_at_checked(mnc_len).ok_or(InvalidKey)?;
        let sound = digits::are(imsi, 6, 15)
            && matches!(mnc_len, 2 | 3)
            && !msin.is_empty()
            && digits::are(routing, 1, 4)
            && (scheme == Scheme::Null) == (key == 0);
        if !sound {
            return Err(InvalidKey);
        }
        let output = conceal(scheme, home, &digits::pack(msin), one_time)?;
        let [mcc, mnc, routing] = [mcc, mnc, routing].map(ToOwned::to_owned);
        Ok(Self { mcc, mnc, routing, scheme, key, output })
    }

    /// Country and network code of the home network, in digits.
    #[must_use]
    pub fn home_network(&self) -> (&str, &str) {
        (&self.mcc, &self.mnc)
    }

    /// The routing indicator: one to four digits.
    #[must_use]
    pub fn routing(&self) -> &str {
        &self.routing
    }

    /// The protection scheme.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The home network public key identifier; 0 of the null scheme.
    #[must_use]
    pub const fn key(&self) -> u8 {
        self.key
    }

    /// The IMSI, by that of `keys` which the SUCI names.
    ///
    /// # Errors
    /// Without such a key, and for what does not open with it.
    pub fn reveal(&self, keys: &[HomeNetworkKey]) -> Result<Imsi, Hidden> {
        let msin = if self.scheme == Scheme::Null {
            digits::unpack(&self.output)
        } else {
            let named = |key: &&HomeNetworkKey| key.id() == self.key && key.scheme() == self.scheme;
            let key = keys.iter().find(named).ok_or(Hidden::NoSuchKey)?;
            digits::unpack(&key.open(&self.output).ok_or(Hidden::Forged)?)
        };
        let mut msin = msin.ok_or(Hidden::NoImsi)?;
        let imsi = Imsi([self.mcc.as_str(), &self.mnc, &msin].concat());
        let sound = !msin.is_empty() && imsi.0.len() <= 15;
        msin.zeroize();
        if sound { Ok(imsi) } else { Err(Hidden::NoImsi) }
    }

    /// Reads the mobile identity of NAS (TS 24.501 §9.11.3.4), without its length.
    ///
    /// # Errors
    /// [`InvalidSuci`] says what is wrong.
    pub fn from_nas(bytes: &[u8]) -> Result<Self, InvalidSuci> {
        let [kind, a, b, c, r1, r2, scheme, key, output @ ..] = bytes else {
            return Err(InvalidSuci("a SUCI has at least eight bytes before its scheme output"));
        };
        if *kind != NAS_IMSI {
            return Err(InvalidSuci("not the SUCI of an IMSI"));
        }
        let plmn = [a & 0x0F, a >> 4, b & 0x0F, c & 0x0F, c >> 4, b >> 4];
        let text = |halves: &[u8]| -> Option<String> {
            halves.iter().map(|half| char::from_digit((*half).into(), 10)).collect()
        };
        let (mcc, mnc) = plmn.split_at(3);
        let mnc = mnc.strip_suffix(&[0x0F]).unwrap_or(mnc);
        let routing = [r1 & 0x0F, r1 >> 4, r2 & 0x0F, r2 >> 4];
        let routing: &[u8] = {
            let used = routing.iter().take_while(|half| **half != 0x0F).count();
            let (digits, fillers) = routing.split_at(used);
            if fillers.iter().any(|half| *half != 0x0F) {
                return Err(InvalidSuci("a routing indicator has one to four digits"));
            }
            digits
        };
        let network = InvalidSuci("the home network is no country and network code");
        Self::assemble(
            text(mcc).ok_or(network)?,
            text(mnc).ok_or(network)?,
            text(routing).ok_or(InvalidSuci("a routing indicator has one to four digits"))?,
            *scheme,
            *key,
            output.to_vec(),
        )
    }

    /// The mobile identity of NAS, without its length.
    #[must_use]
    pub fn to_nas(&self) -> Vec<u8> {
        let half = |text: &str, at: usize| text.as_bytes().get(at).map_or(0x0F, |byte| byte & 0x0F);
        let mnc3 = half(&self.mnc, 2);
        let head = [
            NAS_IMSI,
            half(&self.mcc, 1) << 4 | half(&self.mcc, 0),
            mnc3 << 4 | half(&self.mcc, 2),
            half(&self.mnc, 1) << 4 | half(&self.mnc, 0),
            half(&self.routing, 1) << 4 | half(&self.routing, 0),
            half(&self.routing, 3) << 4 | half(&self.routing, 2),
            self.scheme as u8,
            self.key,
        ];
        [&head[..], &self.output].concat()
    }

    /// The rules that hold for both forms.
    fn assemble(
        mcc: String,
        mnc: String,
        routing: String,
        scheme: u8,
        key: u8,
        output: Vec<u8>,
    ) -> Result<Self, InvalidSuci> {
        if !digits::are(&mcc, 3, 3) || !digits::are(&mnc, 2, 3) {
            return Err(InvalidSuci("the home network is no country and network code"));
        }
        if !digits::are(&routing, 1, 4) {
            return Err(InvalidSuci("a routing indicator has one to four digits"));
        }
        let scheme = Scheme::from_number(scheme)
            .ok_or(InvalidSuci("a protection scheme that is neither null, profile A nor profile B"))?;
        if (scheme == Scheme::Null) != (key == 0) {
            return Err(InvalidSuci("only the null scheme has the key identifier 0, and it has no other"));
        }
        if output.is_empty() || output.len() > MAX_TEXT / 2 {
            return Err(InvalidSuci("the scheme output is empty or too long"));
        }
        Ok(Self { mcc, mnc, routing, scheme, key, output })
    }
}

impl FromStr for Suci {
    type Err = InvalidSuci;

    /// `suci-0-001-01-0000-1-1-b2e9…` (TS 29.503 §6.1.6.2, TS 29.571 §5.3.2).
    fn from_str(text: &str) -> Result<Self, InvalidSuci> {
        if text.len() > MAX_TEXT {
            return Err(InvalidSuci("too long for a SUCI"));
        }
        let mut parts = text.splitn(8, '-');
        let mut next = || parts.next().unwrap_or_default();
        if next() != "suci" {
            return Err(InvalidSuci("a SUCI begins with suci-"));
        }
        if next() != "0" {
            return Err(InvalidSuci("not the SUCI of an IMSI"));
        }
        let [mcc, mnc, routing] = [next(), next(), next()].map(ToOwned::to_owned);
        let number = |text: &str, most: usize| {
            let plain = digits::are(text, 1, most) && (text == "0" || !text.starts_with('0'));
            text.parse::<u8>().ok().filter(|_| plain)
        };
        let scheme = next();
        // A hexadecimal digit; none above 2 is known here.
        let scheme = number(scheme, 1)
            .ok_or(InvalidSuci("a protection scheme that is neither null, profile A nor profile B"))?;
        let key = number(next(), 3).ok_or(InvalidSuci("a key identifier is a number from 0 to 255"))?;
        let output = next();
        let output = if scheme == Scheme::Null as u8 {
            digits::are(output, 1, 15).then(|| digits::pack(output))
        } else {
            from_hex(output)
        };
        let output =
            output.ok_or(InvalidSuci("the scheme output is digits of the null scheme, else hexadecimal"))?;
        Self::assemble(mcc, mnc, routing, scheme, key, output)
    }
}

impl fmt::Display for Suci {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mcc, mnc, routing, scheme, key, output } = self;
        write!(f, "suci-0-{mcc}-{mnc}-{routing}-{}-{key}-", *scheme as u8)?;
        if *scheme == Scheme::Null {
            // What is not digits came over NAS and is shown as far as it is.
            return f.write_str(&digits::unpack(output).unwrap_or_default());
        }
        output.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) {
        return None;
    }
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let byte = |pair: &[u8]| Some(digit(pair.first()?)? << 4 | digit(pair.get(1)?)?);
    text.as_bytes().chunks(2).map(byte).collect()
}
