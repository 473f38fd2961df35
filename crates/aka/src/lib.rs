//! Authentication and key agreement (3GPP TS 33.102), both ends of it: what a USIM
//! answers to `AUTHENTICATE`, and what a home network asks and checks.
//!
//! The algorithms are MILENAGE (TS 35.206), TUAK (TS 35.231) and the XOR test
//! algorithm (TS 34.108 §8.1.2); [`Parameters`] holds one subscriber's. The card's
//! side is [`authenticate`] and [`gsm`] over a [`SqnArray`]; the network's is
//! [`vector`] and [`resynchronised`]. Nothing here has memory or chance of its own:
//! the caller brings RAND, and stores the sequence numbers **before** it answers.
//!
//! ```
//! use aka::{Outcome, Parameters, Sqn, SqnArray, SqnRules, authenticate, vector};
//!
//! let parameters = Parameters::milenage([0x46; 16], [0xCD; 16]);
//! let challenge = vector(&parameters, Sqn::ZERO.next().unwrap(), [0x80, 0x00], [7; 16]);
//!
//! let mut array = SqnArray::new(SqnRules::default());
//! let answer = authenticate(&parameters, &mut array, &challenge.rand, &challenge.autn);
//! let Outcome::Success { res, .. } = answer else { panic!() };
//! assert!(challenge.accepts(res.expose_bytes()));
//!
//! let again = authenticate(&parameters, &mut array, &challenge.rand, &challenge.autn);
//! assert!(matches!(again, Outcome::SyncFailure { .. }));
//! ```

mod card;
mod kdf;
mod keys;
mod milenage;
mod network;
mod output;
mod parameters;
mod sqn;
mod tuak;
mod xor;

pub use card::{Gsm, Outcome, authenticate, gsm};
pub use kdf::{Plmn, kdf};
pub use keys::{
    AccessType, KeyUse, ck_ik_prime, eps_algorithm_key, five_g_algorithm_key, five_g_nh, hres_star, kamf,
    kasme, kausf, kenb, kgnb, kseaf, nh, res_star,
};
pub use milenage::{ROTATIONS, XORS, opc};
pub use network::{MacFailure, Vector, resynchronise, resynchronised, vector};
pub use output::Output;
pub use parameters::{Algorithm, InvalidParameters, Parameters};
pub use sqn::{IND_COUNT, InvalidSqn, Sqn, SqnArray, SqnRules};
pub use tuak::{MacSize, Tuak, TuakSizes, topc};

/// RAND: the network's challenge.
pub type Rand = [u8; 16];
/// AUTN: `(SQN ⊕ AK) ‖ AMF ‖ MAC-A` (TS 33.102 §6.3.2).
pub type Autn = [u8; 16];
/// AUTS: `(SQN_MS ⊕ AK*) ‖ MAC-S` (TS 33.102 §6.3.3).
pub type Auts = [u8; 14];
/// AMF: the authentication management field; its first bit is the separation bit.
pub type Amf = [u8; 2];
