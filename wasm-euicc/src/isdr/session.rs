//! The RSP session: each state holds the proof that the checks before it were
//! made, so that no step is reached without them (SGP.22 §3.0.1, §3.1.3).

use rsp::TransactionId;
use rsp::auth::Signature;
use rsp_crypto::software::OneTimeKey;
use rsp_crypto::{PublicKey, VerifiedServer};

use super::load::Load;

/// What of the RSP session does not survive a reset.
#[derive(Default)]
pub struct Session {
    pub(crate) state: State,
}

/// How far the session is.
#[derive(Default)]
pub(crate) enum State {
    /// None.
    #[default]
    Idle,
    /// A challenge was given out.
    Challenged([u8; 16]),
    /// The server proved who it is.
    Authenticated(Box<Authenticated>),
    /// The SM-DP+ bound itself to this eUICC; a one-time key waits for its
    /// package.
    Prepared(Box<Prepared>),
    /// The package is coming in.
    Loading(Box<Load>),
}

/// After AuthenticateServer.
#[derive(Clone)]
pub(crate) struct Authenticated {
    pub(crate) transaction_id: TransactionId,
    /// CERT.DPauth.
    pub(crate) server: VerifiedServer,
    /// The address that the server signed.
    pub(crate) server_address: String,
    /// Input of the SM-DP+'s next signature.
    pub(crate) euicc_signature1: Signature,
}

/// After PrepareDownload.
pub(crate) struct Prepared {
    pub(crate) authenticated: Authenticated,
    /// CERT.DPpb.
    pub(crate) binding: VerifiedServer,
    /// On the curve of the session, which is that of its CI.
    pub(crate) one_time_key: OneTimeKey,
    pub(crate) one_time_public_key: PublicKey,
}

impl State {
    /// The session that the server proved itself in and that is not over.
    pub(crate) fn authenticated(&self) -> Option<&Authenticated> {
        match self {
            Self::Idle | Self::Challenged(_) => None,
            Self::Authenticated(authenticated) => Some(authenticated),
            Self::Prepared(prepared) => Some(&prepared.authenticated),
            Self::Loading(load) => Some(&load.prepared().authenticated),
        }
    }

    /// What PrepareDownload made, until the package is there.
    pub(crate) fn prepared(&self) -> Option<&Prepared> {
        match self {
            Self::Idle | Self::Challenged(_) | Self::Authenticated(_) => None,
            Self::Prepared(prepared) => Some(prepared),
            Self::Loading(load) => Some(load.prepared()),
        }
    }
}
