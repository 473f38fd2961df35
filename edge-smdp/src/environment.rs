use core::cell::{Cell, RefCell};

use rand_core::CryptoRng;

use crate::Fault;

/// What time it is.
pub trait Clock {
    /// Seconds since 1970-01-01T00:00:00Z.
    fn now(&self) -> u64;
}

/// A clock that is set by hand.
impl Clock for Cell<u64> {
    fn now(&self) -> u64 {
        self.get()
    }
}

impl<T: Clock + ?Sized> Clock for std::rc::Rc<T> {
    fn now(&self) -> u64 {
        (**self).now()
    }
}

impl<T: Clock + ?Sized> Clock for &T {
    fn now(&self) -> u64 {
        (**self).now()
    }
}

/// Randomness of cryptographic quality.
pub trait Chance {
    /// Fills `bytes`.
    ///
    /// # Errors
    /// [`Fault`] when the platform has none to give.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Fault>;
}

impl<R: CryptoRng> Chance for RefCell<R> {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Fault> {
        self.borrow_mut().fill_bytes(bytes);
        Ok(())
    }
}

/// `N` random bytes.
pub(crate) fn random<const N: usize>(chance: &impl Chance) -> Result<[u8; N], Fault> {
    let mut bytes = [0; N];
    chance.fill(&mut bytes)?;
    Ok(bytes)
}

/// The way out: to the operator's systems and to SM-DSs.
#[expect(async_fn_in_trait, reason = "single-threaded platforms; no caller needs `Send` futures")]
pub trait Courier {
    /// Sends JSON by `POST`; the status and the body of the answer, cut off where it
    /// gets long.
    ///
    /// # Errors
    /// What kept an answer from coming, in words for the log.
    async fn post(&self, letter: &Letter<'_>) -> Result<(u16, Vec<u8>), String>;

    /// Asks the network that is bound to this server; answers as [`Courier::post`].
    ///
    /// # Errors
    /// As [`Courier::post`]; also where no network is bound.
    async fn ask_network(&self, _call: &NetworkCall<'_>) -> Result<(u16, Vec<u8>), String> {
        Err("no network is bound to this server".into())
    }
}

/// A request to the network's own interface.
#[derive(Clone, Copy)]
pub struct NetworkCall<'a> {
    /// `PUT` or `DELETE`.
    pub method: &'static str,
    /// Its path.
    pub path: &'a str,
    /// The bearer token of whoever feeds it.
    pub token: &'a str,
    /// The request; a `PUT` has one, with keys.
    pub json: Option<&'a str>,
}

/// What a [`Courier`] carries.
#[derive(Clone, Copy)]
pub struct Letter<'a> {
    /// Where to.
    pub url: &'a str,
    /// A bearer token, where one is agreed on.
    pub token: Option<&'a str>,
    /// The request.
    pub json: &'a str,
}

/// No way out.
pub struct Nowhere;

impl Courier for Nowhere {
    async fn post(&self, _letter: &Letter<'_>) -> Result<(u16, Vec<u8>), String> {
        Err("this server sends nothing".into())
    }
}

impl<T: Courier + ?Sized> Courier for std::rc::Rc<T> {
    async fn post(&self, letter: &Letter<'_>) -> Result<(u16, Vec<u8>), String> {
        (**self).post(letter).await
    }

    async fn ask_network(&self, call: &NetworkCall<'_>) -> Result<(u16, Vec<u8>), String> {
        (**self).ask_network(call).await
    }
}
