//! The network: MME and home subscriber server, gateway, and the policy between them.
//!
//! It authenticates the subscriber's card ([`aka`]), decides what the subscriber may do
//! ([`policy::Policy::decide`], total and pure), and carries the one traffic of a profile without
//! a contract: ES9+ to the SM ([`gateway`]).
//!
//! What must happen once (a sequence number used, a challenge answered, a session ended)
//! is done by [`service::perform`] for one subscriber at a time, under a [`store::Store`]:
//! in memory for tests, in a Durable Object for each subscriber at the edge. The
//! [`router::Router`] speaks the HTTP API over either:
//!
//! | request | answer |
//! | --- | --- |
//! | `PUT`, `DELETE /network/subscribers/{imsi}` | the operator's: a subscriber, never its keys |
//! | `GET`, `POST /network/subscribers` | the operator's: a page of them; many at once, as JSON, CSV or documents of Open5GS |
//! | `GET /network/subscribers/export?keys=include` | the operator's: a page of them with their keys |
//! | `POST /network/attach` | for `imsi`, `guti` or `suci`: a challenge for the card, RAND and AUTN |
//! | `POST /network/attach/{attachId}/response` | the session, for RES or RES*; a new challenge, for AUTS |
//! | `GET`, `DELETE /network/sessions/{sessionId}` | the session; detach |
//! | `POST /network/sessions/{sessionId}/service` | the verdict on a call, a message or a flow |
//! | `POST /network/sessions/{sessionId}/http/{authority}/{path}` | what the SM answers |
//! | `GET /network/sessions/{sessionId}/log` | the verdicts of the session |
//! | `POST /network/sessions/{sessionId}/dns` | the gateway's address, for the name of an SM: as RFC 8484 has it, or JSON |
//! | `GET /network/audit?imsi=…`, `?since=…` | the operator's: every verdict of a subscriber, or of all, page by page |
//! | `GET /network/subscribers/{imsi}/usage` | what a subscriber has used |
//! | `GET`, `PUT /network/subscribers/{imsi}/sqn` | the operator's: the last sequence number used |
//! | `GET`, `PUT /network/policy`, and `/check`, `/dry-run`, `/history`, `/rollback` below it | the operator's: what is decided by |
//! | `/network/npcf-am-policy-control/v1/…`, `/network/npcf-smpolicycontrol/v1/…`, `POST /network/gx/ccr` | policy control for a core network ([`pcf`]) |
//! | `GET /network/openapi.json` | all of this, described |
//! | `GET /network/health` | how it is set up |
//!
//! Refusals are `application/problem+json` with `because` in plain words and, where
//! 3GPP has one, the `cause` that a terminal would be sent.
//!
//! In another program's tests the whole network is a router over a store in memory:
//!
//! ```
//! use http::{Request, Response};
//! use net_policy_worker::gateway::Way;
//! use net_policy_worker::policy::{Document, Policy};
//! use net_policy_worker::router::{Link, LinkFailure, Router, Tokens};
//! use net_policy_worker::store::Memory;
//!
//! /// The SM-DP+ of the same process.
//! struct Sm;
//!
//! impl Link for Sm {
//!     async fn send(&self, _: Way, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, LinkFailure> {
//!         Ok(Response::new(request.into_body()))
//!     }
//! }
//!
//! # fn now<T>(future: impl Future<Output = T>) -> T {
//! #     let mut context = std::task::Context::from_waker(std::task::Waker::noop());
//! #     match std::pin::pin!(future).poll(&mut context) {
//! #         std::task::Poll::Ready(value) => value,
//! #         std::task::Poll::Pending => unreachable!(),
//! #     }
//! # }
//! let document = Document::of_deployment("sm.provisioning", "smdp.example").unwrap();
//! let policy = Policy::compile(document, 0).unwrap();
//! let (clock, chance) = (|| 1_000, |bytes: &mut [u8]| bytes.fill(4));
//! let store = Memory::new(policy, clock, chance);
//! let tokens = Tokens { operator: Some("operator".to_owned().into()), ..Tokens::default() };
//! let router = Router::new(store, Sm, tokens);
//!
//! let request = Request::post("/network/attach").body(br#"{"imsi":"001010000000001"}"#.to_vec()).unwrap();
//! let (response, fault) = now(router.handle(request));
//! assert_eq!((response.status().as_u16(), fault), (403, None)); // EMM cause 2: nobody there yet
//! ```

pub mod apn;
pub mod gateway;
pub mod home_network;
pub mod identity;
pub mod pcf;
pub mod policy;
pub mod refusal;
pub mod router;
pub mod seal;
pub mod service;
pub mod store;
pub mod subscriber;

#[cfg(all(target_arch = "wasm32", feature = "worker"))]
mod worker;
