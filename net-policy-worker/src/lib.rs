//! The network: MME and home subscriber server, gateway, and the policy between them.
//!
//! It authenticates the subscriber's card ([`aka`]), decides what the subscriber may do
//! ([`policy::decide`], total and pure), and carries the one traffic of a profile without
//! a contract: ES9+ to the SM ([`gateway`]).
//!
//! What must happen once (a sequence number used, a challenge answered, a session ended)
//! is done by [`service::perform`] for one subscriber at a time, under a [`store::Store`]:
//! in memory for tests, in a Durable Object for each subscriber at the edge. The
//! [`router::Router`] speaks the HTTP API over either:
//!
//! | request | answer |
//! | --- | --- |
//! | `PUT`, `DELETE /network/subscribers/{imsi}`, `GET /network/subscribers` | the operator's: subscribers, never their keys |
//! | `POST /network/attach` | a challenge for the card: RAND and AUTN |
//! | `POST /network/attach/{attachId}/response` | the session, for RES; a new challenge, for AUTS |
//! | `GET`, `DELETE /network/sessions/{sessionId}` | the session; detach |
//! | `POST /network/sessions/{sessionId}/service` | the verdict on a call, a message or a flow |
//! | `POST /network/sessions/{sessionId}/http/{authority}/{path}` | what the SM answers |
//! | `GET /network/sessions/{sessionId}/log` | the verdicts of the session |
//! | `GET /network/health` | how it is set up |
//!
//! Refusals are `application/problem+json` with `because` in plain words and, where
//! 3GPP has one, the `cause` that a terminal would be sent.

pub mod apn;
pub mod gateway;
pub mod policy;
pub mod refusal;
pub mod router;
pub mod service;
pub mod store;
pub mod subscriber;

#[cfg(target_arch = "wasm32")]
mod worker;
