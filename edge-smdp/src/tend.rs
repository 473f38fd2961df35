//! What the server does without being asked: orders end, messages leave, packages
//! move under the present key. In the worker by the alarm of the object that holds
//! them.

use rsp_crypto::Provider;

use crate::environment::random;
use crate::error::{Fault, Trouble};
use crate::seal::Cipher;
use crate::service::bind;
use crate::store::{Packages, Store};
use crate::{Chance, Clock, Courier, SmDp};

/// How much of each is done in one go.
const MOST: usize = 100;

impl<P: Provider + Cipher, S: Store, C: Clock, R: Chance, O: Courier> SmDp<P, S, C, R, O> {
    /// Does what is due at this moment, as much of it as fits into one go; it is called
    /// again for the rest.
    ///
    /// # Errors
    /// The store's fault; what was done by then stays done.
    pub async fn tend(&self) -> Result<(), Fault> {
        self.end_orders().await?;
        self.reseal().await
    }

    /// Orders whose time is over end, and give up what leads to them.
    async fn end_orders(&self) -> Result<(), Fault> {
        let now = self.clock.now();
        for iccid in self.store.expired(now, MOST).await? {
            let ended = self.change(&iccid, async |change| {
                let profile = &mut change.profile;
                if profile.expires().is_some_and(|expires| expires < now) {
                    profile.fail(now, "the order has expired");
                }
                Ok(())
            });
            no_trouble(ended.await)?;
        }
        Ok(())
    }

    /// What is sealed under an older key is sealed under the present one.
    async fn reseal(&self) -> Result<(), Fault> {
        let server = &self.server;
        let (secret, cipher, key_id) = (&server.secret, &server.provider, server.secret.key_id());
        for iccid in self.store.sealed_otherwise(key_id, MOST).await? {
            let context = bind::package_context(&iccid);
            let resealed = self.change(&iccid, async |change| {
                if let Some(order) = &mut change.profile.order
                    && let Some(sealed) = &mut order.confirmation_code
                {
                    let context = bind::confirmation_context(&iccid);
                    let new = secret.reseal(cipher, random(&self.chance)?, &context, &sealed.0).await?;
                    new.into_iter().for_each(|new| sealed.0 = new);
                }
                let Packages { mut package, mut protected, .. } =
                    self.store.packages(&iccid).await?.unwrap_or_default();
                if !package.is_empty() {
                    let new = secret.reseal(cipher, random(&self.chance)?, &context, &package).await?;
                    new.into_iter().for_each(|new| package = new);
                }
                if let Some(protected) = &mut protected {
                    bind::reseal_protected(server, random(&self.chance)?, &iccid, protected).await?;
                }
                change.packages = Some(Packages { package, protected, key_id: key_id.to_owned() });
                Ok(())
            });
            no_trouble(resealed.await)?;
        }
        Ok(())
    }
}

/// What nobody asked for is refused by nobody.
fn no_trouble<T>(result: Result<T, Trouble>) -> Result<(), Fault> {
    match result {
        Ok(_) => Ok(()),
        Err(Trouble::Fault(fault)) => Err(fault),
        Err(Trouble::Refused(refusal)) => Err(Fault::new(refusal.to_string())),
        Err(Trouble::Malformed(malformed)) => Err(Fault::new(malformed.because)),
    }
}
