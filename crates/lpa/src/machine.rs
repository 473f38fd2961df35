//! The machine: a procedure is straight-line code that awaits effects, and this
//! turns it into `resume(answer) -> effect`.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use ::words::Text;
use rsp::TransactionId;
use rsp::bpp::SegmentKind;
use rsp::codes::CancelSessionReason;
use rsp::es9::Es9Function;
use rsp::metadata::StoreMetadata;
use rsp::notification::NotificationMetadata;
use rsp::profiles::ProfileInfo;

use crate::cancellation::Cancellation;
use crate::checkpoint::Checkpoint;
use crate::failure::{Cause, Failure, Stage};
use crate::procedure::{Outcome, Refresh};

/// What the host is to do next.
#[derive(Debug)]
pub enum Effect {
    /// Send this command APDU to the chip; answered by [`Answer::Card`].
    Card(Vec<u8>),
    /// Call this function of a server; answered by [`Answer::Server`].
    Server(ServerCall),
    /// Ask the user; answered by [`Answer::Reply`].
    Ask(Question),
    /// Tell the user; answered by [`Answer::Continue`] or [`Answer::Stop`].
    Progress(Progress),
    /// Keep this where it outlives the program, in the place of an earlier one for the
    /// same chip; answered by [`Answer::Continue`] when it is kept. A host that can't keep
    /// it answers the same: after an interruption the server is then asked again. What was
    /// refused of the profile before is not told any more
    /// ([`crate::Cancellations::forget_profile`]).
    Keep(Box<Checkpoint>),
    /// The checkpoint of this session is not needed any more; answered by
    /// [`Answer::Continue`].
    Forget(TransactionId),
    /// Keep this where it outlives the program, beside others, in the place of an earlier one
    /// of the same session ([`crate::Cancellations`]); answered by [`Answer::Continue`]
    /// when it is kept. What is kept is sent again by [`crate::send_cancellation`] when the
    /// server can be reached, and the chip where it needs that.
    KeepCancellation(Box<Cancellation>),
    /// The cancellation of this session is not needed any more; answered by
    /// [`Answer::Continue`].
    ForgetCancellation(TransactionId),
    /// Let the chip change its profile: answer its proactive command or reset it, then
    /// bring the network back; answered by [`Answer::Continue`] when the chip can be
    /// spoken to again, with service or without, and by [`Answer::Card`] with
    /// [`CardLost`] when it can't.
    Refresh(Refresh),
    /// The procedure is over; it must not be resumed again.
    Done(Result<Outcome, Failure>),
}

/// What became of the effect.
#[derive(Clone, Debug)]
pub enum Answer {
    /// The first resumption.
    Begin,
    /// The response APDU, data and status word.
    Card(Result<Vec<u8>, CardLost>),
    /// The server's answer, whatever its status.
    Server(Result<HttpAnswer, ServerLost>),
    /// What the user said.
    Reply(Reply),
    /// Go on: told, kept, forgotten, refreshed.
    Continue,
    /// The user wants to stop: the session is cancelled while that is possible.
    Stop,
}

/// The chip did not answer: pulled, mute, or the channel to it broke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardLost(
    /// What became of it, in words.
    pub Text<String>,
);

impl CardLost {
    /// As a program says it that speaks no other language than English.
    #[must_use]
    pub fn said(what: impl Into<String>) -> Self {
        Self(Text::same(what))
    }
}

/// The server did not answer: no network, refused by the network, time-out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerLost(
    /// What became of the call, in words.
    pub Text<String>,
);

impl ServerLost {
    /// As a program says it that speaks no other language than English.
    #[must_use]
    pub fn said(what: impl Into<String>) -> Self {
        Self(Text::same(what))
    }
}

/// The interface that a call belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Interface {
    /// To an SM-DP+.
    Es9Plus,
    /// To an SM-DS.
    Es11,
}

impl Interface {
    /// The standard's name of it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Es9Plus => "ES9+",
            Self::Es11 => "ES11",
        }
    }

    /// The path of its functions: both have the same (SGP.22 §6.5.2).
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Es9Plus => rsp::es9::PATH,
            Self::Es11 => rsp::es11::PATH,
        }
    }
}

/// A call of a server: `POST https://{address}{path}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerCall {
    /// Host name, with a port where one was given.
    pub address: String,
    /// SM-DP+ or SM-DS.
    pub interface: Interface,
    /// The function.
    pub function: Es9Function,
    /// The JSON body.
    pub body: Vec<u8>,
}

impl ServerCall {
    /// The path: `/gsma/rsp2/es9plus/{function}`.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{}{}", self.interface.path(), self.function.name())
    }

    /// The standard's name of what is called, such as `ES11.authenticateClient`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}.{}", self.interface.name(), self.function.name())
    }
}

/// A server's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpAnswer {
    /// HTTP status.
    pub status: u16,
    /// The body; empty for 204.
    pub body: Vec<u8>,
}

/// What only the user can decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// Whether this profile is to be installed (SGP.22 §3.1.3 step 5).
    Consent {
        /// What the SM-DP+ says of the profile.
        metadata: Box<StoreMetadata>,
        /// Policy rules that need an explicit yes (SGP.22 §2.9.2.4).
        strong_consent: bool,
        /// Whether a confirmation code will be asked for next.
        confirmation_code_required: bool,
        /// The SM-DP+ that offers it.
        address: String,
        /// Bytes that are free on the chip, where it says so.
        free_memory: Option<u32>,
    },
    /// The confirmation code; asked for only when the server demands it.
    ConfirmationCode {
        /// Whether the code given before was wrong.
        wrong_before: bool,
        /// How often it may still be wrong, where the server says so.
        tries_left: Option<u32>,
    },
    /// Whether the chip's memory is to be reset, and what would be lost by it.
    MemoryReset(Box<Lost>),
    /// Whether a notification is to be removed though no server has it.
    RemoveNotification(Box<NotificationMetadata>),
}

/// What a memory reset takes away (SGP.22 §3.3.2, §3.3.3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// The profiles. Of test profiles only those go that were loaded in the field; a list
    /// does not tell which.
    pub profiles: Vec<ProfileInfo>,
    /// The default SM-DP+ address, when that is reset.
    pub default_smdp_address: Option<String>,
    /// Notifications that no server has yet: they stay, and tell of profiles that go.
    pub waiting: Vec<NotificationMetadata>,
}

/// What the user decided.
#[derive(Clone, PartialEq, Eq)]
pub enum Reply {
    /// Yes.
    Accept,
    /// No: the order is refused for good.
    Reject,
    /// Not now: the order stays.
    Postpone,
    /// Nobody answered in time: the order stays.
    Timeout,
    /// The confirmation code.
    Code(String),
}

impl core::fmt::Debug for Reply {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Accept => "Accept",
            Self::Reject => "Reject",
            Self::Postpone => "Postpone",
            Self::Timeout => "Timeout",
            // What the user typed is not for logs.
            Self::Code(_) => "Code(…)",
        })
    }
}

/// Where a procedure has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The step that begins or goes on.
    pub step: Step,
    /// Whether [`Answer::Stop`] still has an effect here.
    pub can_stop: bool,
}

/// The steps of the procedures: those of a download first, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Finding out what became of an interrupted download.
    Resume,
    /// Asking an SM-DS what waits for this chip.
    Discover,
    /// Opening a channel to the chip and reading what it says of itself.
    ReadChip,
    /// Asking the SM-DP+ for its identity.
    InitiateAuthentication,
    /// The chip checks the SM-DP+.
    AuthenticateServer,
    /// The SM-DP+ checks the chip and finds the order.
    AuthenticateClient,
    /// The chip makes its one-time key.
    PrepareDownload,
    /// The whole package is fetched in one download.
    FetchPackage,
    /// The package is fed to the chip.
    Install {
        /// What the segment that was just taken belongs to.
        kind: SegmentKind,
        /// Segments taken.
        segments_done: usize,
        /// Segments of the package.
        segments: usize,
        /// Bytes taken.
        bytes_done: usize,
        /// Bytes of the package.
        bytes: usize,
    },
    /// The servers are told.
    Notify,
    /// The session is given up.
    Cancel(CancelSessionReason),
    /// The chip is asked to enable or to disable a profile.
    ChangeState,
    /// The chip changes its profile.
    Refresh,
    /// The chip is asked to delete, to rename, to reset, to take an address.
    Manage,
    /// What the chip now has is read back.
    ReadBack,
}

/// A procedure that has begun or is about to.
pub struct Procedure {
    future: Pin<Box<dyn Future<Output = Result<Outcome, Failure>>>>,
    slot: Rc<RefCell<Slot>>,
}

#[derive(Default)]
struct Slot {
    effect: Option<Effect>,
    answer: Option<Answer>,
}

impl Procedure {
    pub(crate) fn new<F>(body: impl FnOnce(Io) -> F) -> Self
    where
        F: Future<Output = Result<Outcome, Failure>> + 'static,
    {
        let slot = Rc::default();
        let future = Box::pin(body(Io { slot: Rc::clone(&slot) }));
        Self { future, slot }
    }

    /// Takes the answer to the effect before ([`Answer::Begin`] the first time)
    /// and says what to do next. After [`Effect::Done`] it answers with the same
    /// kind of effect, a failure that names the misuse.
    pub fn resume(&mut self, answer: Answer) -> Effect {
        self.slot.borrow_mut().answer = Some(answer);
        let poll = self.future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        match poll {
            Poll::Ready(result) => {
                self.future = Box::pin(async { Err(Failure::misuse()) });
                Effect::Done(result)
            }
            Poll::Pending => {
                let effect = self.slot.borrow_mut().effect.take();
                effect.unwrap_or_else(|| Effect::Done(Err(Failure::misuse())))
            }
        }
    }
}

/// What a procedure's code performs its effects through.
#[derive(Clone)]
pub(crate) struct Io {
    slot: Rc<RefCell<Slot>>,
}

impl Io {
    async fn perform(&self, effect: Effect) -> Answer {
        {
            let mut slot = self.slot.borrow_mut();
            slot.answer = None;
            slot.effect = Some(effect);
        }
        poll_fn(|_| self.slot.borrow_mut().answer.take().map_or(Poll::Pending, Poll::Ready)).await
    }

    pub(crate) async fn card(&self, stage: Stage, command: Vec<u8>) -> Result<Vec<u8>, Failure> {
        match self.perform(Effect::Card(command)).await {
            Answer::Card(Ok(response)) => Ok(response),
            Answer::Card(Err(lost)) => Err(Failure::new(stage, Cause::CardLost(lost.0))),
            _ => Err(Failure::misuse()),
        }
    }

    pub(crate) async fn server(&self, stage: Stage, call: ServerCall) -> Result<HttpAnswer, Failure> {
        match self.perform(Effect::Server(call)).await {
            Answer::Server(Ok(answer)) => Ok(answer),
            Answer::Server(Err(lost)) => Err(Failure::new(stage, Cause::ServerLost(lost.0))),
            _ => Err(Failure::misuse()),
        }
    }

    pub(crate) async fn ask(&self, question: Question) -> Result<Reply, Failure> {
        match self.perform(Effect::Ask(question)).await {
            Answer::Reply(reply) => Ok(reply),
            Answer::Stop => Ok(Reply::Postpone),
            _ => Err(Failure::misuse()),
        }
    }

    /// Keeps a checkpoint.
    pub(crate) async fn keep(&self, checkpoint: Checkpoint) {
        self.perform(Effect::Keep(Box::new(checkpoint))).await;
    }

    /// Lets the checkpoint of a session go.
    pub(crate) async fn forget(&self, id: &TransactionId) {
        self.perform(Effect::Forget(id.clone())).await;
    }

    /// Keeps a cancellation.
    pub(crate) async fn keep_cancellation(&self, cancellation: Cancellation) {
        self.perform(Effect::KeepCancellation(Box::new(cancellation))).await;
    }

    /// Lets the cancellation of a session go.
    pub(crate) async fn forget_cancellation(&self, id: &TransactionId) {
        self.perform(Effect::ForgetCancellation(id.clone())).await;
    }

    /// Lets the chip change its profile.
    pub(crate) async fn refresh(&self, refresh: Refresh) -> Result<(), Failure> {
        match self.perform(Effect::Refresh(refresh)).await {
            Answer::Continue | Answer::Stop => Ok(()),
            Answer::Card(Err(lost)) => Err(Failure::new(Stage::ReadBack, Cause::CardLost(lost.0))),
            _ => Err(Failure::misuse()),
        }
    }

    /// Tells the user; `true`: the user wants to stop.
    pub(crate) async fn progress(&self, step: Step, can_stop: bool) -> bool {
        let answer = self.perform(Effect::Progress(Progress { step, can_stop })).await;
        can_stop && matches!(answer, Answer::Stop)
    }
}
