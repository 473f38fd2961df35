//! Who lives in a medium already: such a chip needs no factory.

use rsp::Eid;

use crate::isdr::configuration::Configuration;
use crate::isdr::keys;
use crate::nvm::{Error, Medium, Store, View as _};
use crate::{Env, Euicc, Options};

/// The EID of the chip that was made in a medium; `None` when none was.
///
/// # Errors
/// When the medium cannot be read, or holds something else.
pub fn resident(medium: &mut dyn Medium) -> Result<Option<Eid>, Error> {
    let store = Store::open(medium, usize::MAX)?;
    Ok(store.get(keys::EID).and_then(|eid| Eid::from_bytes(eid.try_into().ok()?).ok()))
}

/// Powers up the chip that was made in the medium of `env`, as it was made. In an empty
/// medium it is one without an identity, as [`Euicc::new`] makes it.
///
/// # Errors
/// As [`resident`], and when the medium cannot be written.
pub fn power_up<E: Env>(mut env: E) -> Result<Euicc<E>, Error> {
    let stored = Store::open(env.medium(), usize::MAX)?;
    let options = Configuration::load(&stored).map_or_else(Options::default, |made| Options {
        memory: made.memory as usize,
        isdr_aid: made.isdr_aid.as_bytes().to_vec(),
        svn: made.svn.0,
        ..Options::default()
    });
    Euicc::new(env, options)
}
