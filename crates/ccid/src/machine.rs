//! The machine: a procedure of the driver is straight-line code that awaits what USB does,
//! and this turns it into `resume(event) -> step`.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::future::{Future, poll_fn};
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;

use crate::driver::Report;
use crate::error::{Error, Pipe};

/// What the transport is to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// A control transfer from the device; answered by [`Event::Received`].
    ControlIn {
        /// The request.
        setup: Setup,
        /// The most bytes that may come.
        length: u16,
    },
    /// A control transfer to the device; answered by [`Event::Sent`].
    ControlOut {
        /// The request.
        setup: Setup,
        /// What is sent with it.
        data: Vec<u8>,
    },
    /// A bulk transfer to the device, of no bytes for a zero-length packet; answered by
    /// [`Event::Sent`].
    BulkOut {
        /// The endpoint's address.
        endpoint: u8,
        /// The bytes.
        data: Vec<u8>,
    },
    /// A bulk transfer from the device; answered by [`Event::Received`], with fewer bytes
    /// where the device sent fewer, or by [`Event::Timeout`].
    ///
    /// A transfer that cannot be called back (WebUSB) is kept when it is late, and what it
    /// brings after all is the answer to the next effect of this kind.
    BulkIn {
        /// The endpoint's address; the uppermost bit is the direction.
        endpoint: u8,
        /// The bytes asked for: a multiple of the endpoint's packet size.
        length: usize,
        /// How long the answer may take.
        timeout: Duration,
    },
    /// A transfer from the interrupt endpoint, which takes until something happens; answered
    /// by [`Event::Received`].
    InterruptIn {
        /// The endpoint's address.
        endpoint: u8,
        /// The most bytes that may come.
        length: usize,
    },
    /// The halt of an endpoint is to be cleared; answered by [`Event::Continue`].
    ClearHalt {
        /// The endpoint's address.
        endpoint: u8,
    },
    /// Time is to pass; answered by [`Event::Continue`].
    Wait(Duration),
    /// Something worth knowing happened; answered by [`Event::Continue`].
    Report(Report),
}

/// The eight bytes before a control transfer, as WebUSB takes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setup {
    /// Who defines the request.
    pub kind: RequestKind,
    /// Whom it is for.
    pub recipient: Recipient,
    /// `bRequest`.
    pub request: u8,
    /// `wValue`.
    pub value: u16,
    /// `wIndex`.
    pub index: u16,
}

/// Who defines a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestKind {
    /// USB itself.
    Standard,
    /// The class: CCID.
    Class,
}

/// Whom a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// The device.
    Device,
    /// The interface whose number is the index.
    Interface,
}

/// What became of the effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The first resumption.
    Begin,
    /// The bytes were sent.
    Sent,
    /// These bytes came.
    Received(Vec<u8>),
    /// The endpoint stalled.
    Stall,
    /// Nothing came in time.
    Timeout,
    /// The reader is not there any more.
    Unplugged,
    /// Go on: waited, cleared, told.
    Continue,
    /// The person gives up, in the place of any of the others: a command that the card works
    /// on is aborted.
    Cancel,
}

/// What a resumption comes to.
#[derive(Debug)]
pub enum Step<T> {
    /// Do this, and resume with what became of it.
    Do(Effect),
    /// The procedure is over; it must not be resumed again.
    Done(Result<T, Error>),
}

/// A procedure that has begun or is about to.
pub struct Procedure<T> {
    future: Pin<Box<dyn Future<Output = Result<T, Error>>>>,
    mailbox: Rc<RefCell<Mailbox>>,
}

#[derive(Default)]
struct Mailbox {
    effect: Option<Effect>,
    event: Option<Event>,
}

impl<T: 'static> Procedure<T> {
    pub(crate) fn new<F>(body: impl FnOnce(Io) -> F) -> Self
    where
        F: Future<Output = Result<T, Error>> + 'static,
    {
        let mailbox = Rc::default();
        let future = Box::pin(body(Io { mailbox: Rc::clone(&mailbox) }));
        Self { future, mailbox }
    }

    /// Takes what became of the effect before ([`Event::Begin`] the first time) and says what
    /// to do next. After [`Step::Done`] it answers with [`Error::Misuse`].
    pub fn resume(&mut self, event: Event) -> Step<T> {
        self.mailbox.borrow_mut().event = Some(event);
        let poll = self.future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        match poll {
            Poll::Ready(result) => {
                self.future = Box::pin(async { Err(Error::Misuse) });
                Step::Done(result)
            }
            Poll::Pending => {
                let effect = self.mailbox.borrow_mut().effect.take();
                effect.map_or(Step::Done(Err(Error::Misuse)), Step::Do)
            }
        }
    }
}

impl<T> core::fmt::Debug for Procedure<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Procedure").finish_non_exhaustive()
    }
}

/// What came of a transfer into the host.
pub(crate) enum Incoming {
    /// Bytes, maybe none.
    Bytes(Vec<u8>),
    /// Nothing in time.
    Timeout,
}

/// What a procedure's code performs its effects through.
#[derive(Clone)]
pub(crate) struct Io {
    mailbox: Rc<RefCell<Mailbox>>,
}

impl Io {
    async fn perform(&self, effect: Effect) -> Event {
        {
            let mut mailbox = self.mailbox.borrow_mut();
            mailbox.event = None;
            mailbox.effect = Some(effect);
        }
        poll_fn(|_| self.mailbox.borrow_mut().event.take().map_or(Poll::Pending, Poll::Ready)).await
    }

    async fn incoming(&self, pipe: Pipe, effect: Effect) -> Result<Incoming, Error> {
        match self.perform(effect).await {
            Event::Received(bytes) => Ok(Incoming::Bytes(bytes)),
            Event::Timeout => Ok(Incoming::Timeout),
            event => Err(failed(pipe, &event)),
        }
    }

    pub(crate) async fn control_in(&self, setup: Setup, length: u16) -> Result<Vec<u8>, Error> {
        match self.incoming(Pipe::Control, Effect::ControlIn { setup, length }).await? {
            Incoming::Bytes(mut bytes) => {
                bytes.truncate(usize::from(length));
                Ok(bytes)
            }
            Incoming::Timeout => Err(Error::Timeout),
        }
    }

    pub(crate) async fn control_out(&self, setup: Setup) -> Result<(), Error> {
        match self.perform(Effect::ControlOut { setup, data: Vec::new() }).await {
            Event::Sent | Event::Continue => Ok(()),
            Event::Timeout => Err(Error::Timeout),
            event => Err(failed(Pipe::Control, &event)),
        }
    }

    pub(crate) async fn bulk_out(&self, endpoint: u8, data: Vec<u8>) -> Result<(), Error> {
        match self.perform(Effect::BulkOut { endpoint, data }).await {
            Event::Sent | Event::Continue => Ok(()),
            Event::Timeout => Err(Error::Timeout),
            Event::Stall => {
                self.clear_halt(endpoint).await?;
                Err(Error::Stall(Pipe::BulkOut))
            }
            event => Err(failed(Pipe::BulkOut, &event)),
        }
    }

    pub(crate) async fn bulk_in(
        &self,
        endpoint: u8,
        length: usize,
        timeout: Duration,
    ) -> Result<Incoming, Error> {
        match self.perform(Effect::BulkIn { endpoint, length, timeout }).await {
            Event::Received(bytes) => Ok(Incoming::Bytes(bytes)),
            Event::Timeout => Ok(Incoming::Timeout),
            Event::Stall => {
                self.clear_halt(endpoint).await?;
                Err(Error::Stall(Pipe::BulkIn))
            }
            event => Err(failed(Pipe::BulkIn, &event)),
        }
    }

    pub(crate) async fn interrupt_in(&self, endpoint: u8, length: usize) -> Result<Vec<u8>, Error> {
        match self.incoming(Pipe::Interrupt, Effect::InterruptIn { endpoint, length }).await {
            Ok(Incoming::Bytes(bytes)) => Ok(bytes),
            // Nothing happened.
            Ok(Incoming::Timeout) => Ok(Vec::new()),
            Err(Error::Stall(pipe)) => {
                self.clear_halt(endpoint).await?;
                Err(Error::Stall(pipe))
            }
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn wait(&self, time: Duration) -> Result<(), Error> {
        self.plain(Effect::Wait(time)).await
    }

    pub(crate) async fn report(&self, report: Report) -> Result<(), Error> {
        self.plain(Effect::Report(report)).await
    }

    async fn clear_halt(&self, endpoint: u8) -> Result<(), Error> {
        self.plain(Effect::ClearHalt { endpoint }).await
    }

    async fn plain(&self, effect: Effect) -> Result<(), Error> {
        match self.perform(effect).await {
            Event::Continue | Event::Sent | Event::Timeout | Event::Stall => Ok(()),
            event => Err(failed(Pipe::Control, &event)),
        }
    }
}

/// What an event means that is no answer to a transfer.
const fn failed(pipe: Pipe, event: &Event) -> Error {
    match event {
        Event::Stall => Error::Stall(pipe),
        Event::Unplugged => Error::Unplugged,
        Event::Cancel => Error::Cancelled,
        _ => Error::Misuse,
    }
}

/// The value of a future that waits for nothing.
pub(crate) fn ready<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = core::pin::pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}
