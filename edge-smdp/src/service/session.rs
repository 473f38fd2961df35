//! Sessions that begin without a write.
//!
//! ```text
//!  transactionId    = time (4) ‖ chance (6) ‖ MAC(time ‖ chance) (6)
//!  serverChallenge  = MAC(transactionId ‖ CI ‖ serverAddress) (16)
//! ```
//!
//! InitiateAuthentication comes from anybody. Its answer can be checked later
//! without having been remembered: a transaction id that this server did not give
//! out, or gave out too long ago, is unknown; a challenge that belongs to another
//! session, CI or address is not the one that was signed for. The challenge cannot
//! be foretold without the secret, and differs for every session because the
//! transaction id does. The eUICC's challenge is not part of it: AuthenticateClient
//! does not bring it back, and freshness towards the eUICC is the eUICC's to check.

use rsp::{CiPkId, TransactionId};
use subtle::ConstantTimeEq;

use crate::seal::ServerSecret;

/// How far the clocks of two machines of the server may differ, in seconds.
const SKEW: u64 = 60;

/// A transaction id that this server gave out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The id.
    pub id: TransactionId,
    /// When, in seconds since 1970.
    pub at: u64,
    /// Under which of the server's secrets, 0 the present one.
    pub generation: usize,
}

/// Gives a transaction id out.
#[must_use]
pub fn give(secret: &ServerSecret, now: u64, chance: [u8; 6]) -> TransactionId {
    // Seconds in 32 bits last until 2106.
    let time = (now as u32).to_be_bytes();
    let mac = secret.session_mac(0, &[b"transaction id", &time, &chance]);
    let bytes = [&time[..], &chance, &mac[..6]].concat();
    TransactionId::from_bytes(&bytes).unwrap_or_else(|_| unreachable!("16 bytes"))
}

/// The id in hexadecimal, when this server gave it out and it is alive.
#[must_use]
pub fn recognise(secret: &ServerSecret, id: &str, now: u64, life: u64) -> Option<Given> {
    let id: TransactionId = id.parse().ok()?;
    let bytes: &[u8; 16] = id.as_bytes().try_into().ok()?;
    let (time, rest) = bytes.split_first_chunk::<4>()?;
    let (chance, tag) = rest.split_first_chunk::<6>()?;
    let at = u64::from(u32::from_be_bytes(*time));
    let alive = at <= now + SKEW && now <= at + life;
    let genuine = |generation: &usize| {
        let mac = secret.session_mac(*generation, &[b"transaction id", time, chance]);
        bool::from(mac[..6].ct_eq(tag))
    };
    let generation = (0..secret.generations()).find(genuine).filter(|_| alive)?;
    Some(Given { id, at, generation })
}

/// The challenge of a session that began under a generation of the secret.
#[must_use]
pub fn server_challenge(
    secret: &ServerSecret,
    generation: usize,
    id: &TransactionId,
    ci: &CiPkId,
    server_address: &str,
) -> [u8; 16] {
    let parts = [b"server challenge", id.as_bytes(), ci.as_bytes(), server_address.as_bytes()];
    let mac = secret.session_mac(generation, &parts);
    *mac.first_chunk().unwrap_or_else(|| unreachable!("32 bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_given_out_is_recognised() {
        let secret = ServerSecret::new([&[1; 32][..]]).unwrap();
        let id = give(&secret, 1_000_000, [1, 2, 3, 4, 5, 6]);
        let text = id.to_string();
        let seen = |id: &str, now| recognise(&secret, id, now, 600).map(|given| given.at);
        assert_eq!(seen(&text, 1_000_000), Some(1_000_000));
        assert_eq!(seen(&text.to_lowercase(), 1_000_600), Some(1_000_000));
        assert_eq!(seen(&text, 1_000_601), None);
        assert_eq!(seen(&text, 999_000), None);
        let other = ServerSecret::new([&[2; 32][..]]).unwrap();
        assert!(recognise(&other, &text, 1_000_000, 600).is_none());
        let both = ServerSecret::new([&[2; 32][..], &[1; 32][..]]).unwrap();
        assert_eq!(recognise(&both, &text, 1_000_000, 600).unwrap().generation, 1);
        for at in 0..16 {
            let mut bytes = id.as_bytes().to_vec();
            bytes[at] ^= 1;
            let changed = TransactionId::from_bytes(&bytes).unwrap().to_string();
            assert_eq!(seen(&changed, 1_000_000), None, "byte {at}");
        }
        for text in ["", "00", "xyz", &text[..30], &format!("{text}00")] {
            assert_eq!(seen(text, 1_000_000), None, "{text}");
        }
    }

    #[test]
    fn a_challenge_is_of_one_session_ci_and_address() {
        let secret = ServerSecret::new([&[1; 32][..]]).unwrap();
        let id = give(&secret, 1, [0; 6]);
        let [ci, other_ci] = [[1; 20], [2; 20]].map(|bytes| CiPkId::from_bytes(&bytes).unwrap());
        let one = server_challenge(&secret, 0, &id, &ci, "a");
        assert_eq!(one, server_challenge(&secret, 0, &id, &ci, "a"));
        assert_ne!(one, server_challenge(&secret, 0, &id, &other_ci, "a"));
        assert_ne!(one, server_challenge(&secret, 0, &id, &ci, "b"));
        assert_ne!(one, server_challenge(&secret, 0, &give(&secret, 1, [1; 6]), &ci, "a"));
    }
}
