use alloc::vec::Vec;

use crate::{Channel, Command, ins};

/// The most bytes of data that one STORE DATA block can carry.
pub const MAX_BLOCK: usize = 255;

/// Cuts one ES10 request (or one segment of a bound profile package) into
/// STORE DATA commands (SGP.22 §5.7.2, GlobalPlatform §11.11): P1 `11` for more
/// blocks and `91` for the last one, P2 the block number from 0.
///
/// `block` is the data size of one command, 1 to [`MAX_BLOCK`]; other values are
/// brought into that range. Le is sent as `00` (case 4).
pub fn store_data(channel: Channel, payload: &[u8], block: usize) -> impl Iterator<Item = Vec<u8>> + '_ {
    let block = block.clamp(1, MAX_BLOCK);
    let last = payload.len().div_ceil(block).max(1) - 1;
    (0..=last).map(move |number| {
        let start = number * block;
        let data = &payload[start..payload.len().min(start + block)];
        let p1 = if number == last { 0x91 } else { 0x11 };
        Command::new(channel.proprietary(), ins::STORE_DATA, p1, number as u8).data(data).le(256).to_vec()
    })
}
