//! One file a procedure of SGP.22 §3.

mod authentication;
mod discovery;
pub(crate) mod download;
pub(crate) mod information;
mod management;
mod notification;
mod resume;

pub use discovery::{Event, discover, download_event};
pub use download::{download, download_default};
pub use information::{ChipInfo, ServerCheck, check_server, chip_info, list};
pub use management::{Refresh, delete, disable, enable, memory_reset, set_default_smdp, set_nickname};
pub use notification::{
    NotificationReport, list_notifications, notifications, remove_notification, send_notification,
};
pub use resume::resume;

use rsp::Iccid;
use rsp::addresses::EuiccConfiguredAddresses;
use rsp::codes::CancelSessionReason;
use rsp::metadata::StoreMetadata;
use rsp::notification::NotificationMetadata;
use rsp::profiles::ProfileInfo;

/// How a procedure ended well. What is read back after a change is what the chip then
/// said; a list is empty when the chip could not be asked any more.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// A profile is installed, disabled.
    Installed {
        /// What it says of itself.
        metadata: Box<StoreMetadata>,
        /// What became of the notifications that came of it.
        notifications: Vec<NotificationReport>,
        /// Notifications from before, which wait: nothing was done with them.
        waiting: Vec<NotificationMetadata>,
        /// The profiles, read back.
        profiles: Vec<ProfileInfo>,
        /// Free memory before and after, where the chip tells.
        memory: Option<MemoryChange>,
    },
    /// The profiles of the chip: asked for, or read back after a new name.
    Profiles(Vec<ProfileInfo>),
    /// The chip.
    Chip(Box<ChipInfo>),
    /// What chip and server have in common.
    Server(Box<ServerCheck>),
    /// What waits for this chip at an SM-DS; empty for nothing.
    Events(Vec<Event>),
    /// A profile is enabled or disabled, refreshed and read back.
    Switched {
        /// How the chip was refreshed; `None`: it was in that state already.
        refresh: Option<Refresh>,
        /// The profiles, read back.
        profiles: Vec<ProfileInfo>,
        /// What became of the notifications that came of it.
        notifications: Vec<NotificationReport>,
        /// Notifications from before, which wait.
        waiting: Vec<NotificationMetadata>,
    },
    /// A profile is deleted.
    Deleted {
        /// Which.
        iccid: Iccid,
        /// The profiles, read back.
        profiles: Vec<ProfileInfo>,
        /// What became of the notifications that came of it.
        notifications: Vec<NotificationReport>,
        /// Notifications from before, which wait.
        waiting: Vec<NotificationMetadata>,
        /// Free memory before and after, where the chip tells.
        memory: Option<MemoryChange>,
    },
    /// The chip's memory is reset.
    Reset {
        /// The profiles, read back.
        profiles: Vec<ProfileInfo>,
        /// The default SM-DP+ address, read back.
        default_smdp_address: Option<String>,
        /// What became of the notifications that came of it.
        notifications: Vec<NotificationReport>,
        /// Notifications from before, which wait.
        waiting: Vec<NotificationMetadata>,
        /// Free memory before and after, where the chip tells.
        memory: Option<MemoryChange>,
    },
    /// The default SM-DP+ address is set: the addresses, read back.
    Addresses(EuiccConfiguredAddresses),
    /// What became of the notifications that were to be sent.
    Notifications(Vec<NotificationReport>),
    /// The notifications on the chip, none of them sent: asked for, or what is left when
    /// one was removed.
    Waiting(Vec<NotificationMetadata>),
    /// The server knows that a session was given up, or knows nothing of it any more.
    Cancelled(CancelSessionReason),
}

/// Bytes of the chip's memory that are free (`extCardResource`, ETSI TS 102 226).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryChange {
    /// Before the change.
    pub before: u32,
    /// After it.
    pub after: u32,
}

impl MemoryChange {
    fn of(before: Option<u32>, after: Option<u32>) -> Option<Self> {
        Some(Self { before: before?, after: after? })
    }
}
