//! Who keeps the subscribers.

#[cfg(target_arch = "wasm32")]
pub(crate) mod durable;
mod memory;

pub use memory::Memory;

use crate::identity::Guti;
use crate::refusal::{Fault, Refusal};
use crate::service::{Answer, Request};
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
    /// Has the owner of `tag` carry out `request`.
    ///
    /// # Errors
    /// The store is out of order; whether the request was carried out is not known.
    async fn ask(&self, tag: Tag, request: Request) -> Result<Result<Answer, Refusal>, Fault>;

    /// Whom to ask about a temporary identity. It was given out by [`Answer::Attached`], which
    /// the store has noted before it answered; whether it still holds, its owner knows. Of one
    /// that was given out twice (by chance, one in many millions) nobody is found.
    ///
    /// # Errors
    /// The store is out of order.
    async fn guti(&self, guti: Guti) -> Result<Option<Tag>, Fault>;

    /// All subscribers, by IMSI.
    ///
    /// # Errors
    /// The store is out of order.
    async fn subscribers(&self) -> Result<Vec<SubscriberView>, Fault>;
}
