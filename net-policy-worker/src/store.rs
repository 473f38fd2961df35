//! Who keeps the subscribers.

#[cfg(all(target_arch = "wasm32", feature = "worker"))]
pub(crate) mod durable;
mod memory;

pub use memory::Memory;

use std::rc::Rc;

use rsp::Imsi;

use crate::gateway::audit;
use crate::identity::Guti;
use crate::policy::history::{Entry, Proposal};
use crate::policy::{Policy, Version};
use crate::refusal::{Fault, Refusal};
use crate::service::{Answer, Record, Request};
use crate::subscriber::{SubscriberView, Tag};

/// The subscribers and where they stand.
///
/// Each subscriber has one owner, which carries out one request at a time with
/// [`crate::service::perform`] and keeps the outcome before it answers. So a sequence
/// number is used once and a challenge answered once, however requests are repeated:
/// a repeated response is refused, a repeated attach is another challenge, a repeated
/// provisioning or withdrawal changes nothing more.
#[expect(async_fn_in_trait, reason = "nothing here crosses threads")]
pub trait Store {
    /// Has the owner of `tag` carry out `request`, by the current policy.
    ///
    /// # Errors
    /// The store is out of order; whether the request was carried out is not known.
    async fn ask(&self, tag: Tag, request: Request) -> Result<Result<Answer, Refusal>, Fault>;

    /// Verdicts of the subscriber of `tag`, also of one that was withdrawn; none of a stranger.
    ///
    /// # Errors
    /// The store is out of order.
    async fn audit(&self, tag: Tag, wanted: &audit::Wanted) -> Result<audit::Page, Fault>;

    /// The same of several subscribers, in their order.
    ///
    /// # Errors
    /// The store is out of order.
    async fn audits(&self, tags: &[Tag], wanted: &audit::Wanted) -> Result<Vec<audit::Page>, Fault> {
        let mut pages = Vec::with_capacity(tags.len());
        for tag in tags {
            pages.push(self.audit(*tag, wanted).await?);
        }
        Ok(pages)
    }

    /// Whom to ask about a temporary identity. It was given out by [`Answer::Attached`], which
    /// the store has noted before it answered; whether it still holds, its owner knows. Of one
    /// that was given out twice (by chance, one in many millions) nobody is found.
    ///
    /// # Errors
    /// The store is out of order.
    async fn guti(&self, guti: Guti) -> Result<Option<Tag>, Fault>;

    /// Subscribers by IMSI, from behind `after` on, `most` of them.
    ///
    /// # Errors
    /// The store is out of order.
    async fn subscribers(&self, after: &str, most: usize) -> Result<Vec<SubscriberView>, Fault>;

    /// The record of a subscriber, keys and present sequence number included
    /// ([`crate::service::Owned::exported`]); `None` when there is no such subscriber.
    ///
    /// # Errors
    /// The store is out of order.
    async fn export(&self, imsi: Imsi) -> Result<Option<Record>, Fault>;

    /// The policy that is decided by. At the edge another isolate may go on for a second with
    /// the one before.
    ///
    /// # Errors
    /// The store is out of order.
    async fn policy(&self) -> Result<Rc<Policy>, Fault>;

    /// A version of the policy; `None` when there is none, or none any more.
    ///
    /// # Errors
    /// The store is out of order.
    async fn policy_of(&self, version: Version) -> Result<Option<Rc<Policy>>, Fault>;

    /// The versions that are kept, oldest first.
    ///
    /// # Errors
    /// The store is out of order.
    async fn policies(&self) -> Result<Vec<Entry>, Fault>;

    /// Makes a document the next version. A repeat is another version, unless the proposal says
    /// what it expects: then it is refused.
    ///
    /// # Errors
    /// The store is out of order; whether the version has become one is not known.
    async fn propose(&self, proposal: Proposal) -> Result<Result<Entry, Refusal>, Fault>;
}
