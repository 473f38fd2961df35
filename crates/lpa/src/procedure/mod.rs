//! One file a procedure of SGP.22 §3.

mod download;
mod information;
mod management;
mod notification;

pub use download::download;
pub use information::{ChipInfo, chip_info, list};
pub use management::{Refresh, delete, disable, enable, memory_reset, set_nickname};
pub use notification::{NotificationReport, notifications};

use rsp::Iccid;
use rsp::metadata::StoreMetadata;
use rsp::profiles::ProfileInfo;

/// How a procedure ended well.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// A profile is installed, disabled.
    Installed {
        /// What it says of itself.
        metadata: Box<StoreMetadata>,
        /// What became of the notifications.
        notifications: Vec<NotificationReport>,
    },
    /// The profiles of the chip.
    Profiles(Vec<ProfileInfo>),
    /// The chip.
    Chip(Box<ChipInfo>),
    /// A profile was enabled or disabled, or will be when the chip is refreshed.
    Switched(Refresh),
    /// A profile is deleted.
    Deleted(Iccid),
    /// Done, nothing to tell.
    Done,
    /// What became of the notifications.
    Notifications(Vec<NotificationReport>),
}
