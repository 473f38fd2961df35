//! What the chip says of itself and of its profiles.

use rsp::DataObject;
use rsp::addresses::EuiccConfiguredAddresses;
use rsp::auth::EuiccInfo2;
use rsp::ids::Eid;
use rsp::profiles::{
    ProfileInfo, ProfileInfoListRequest, ProfileInfoListResponse, decode_eid, encode_get_eid,
};
use tlv::Tag;

use crate::card::{IsdR, Options};
use crate::failure::{Cause, Failure, Stage};
use crate::machine::{Io, Procedure};
use crate::procedure::Outcome;

/// The chip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChipInfo {
    /// Its number.
    pub eid: Eid,
    /// Versions, capabilities, free memory, CI keys.
    pub info: EuiccInfo2,
    /// Default SM-DP+ and root SM-DS.
    pub addresses: EuiccConfiguredAddresses,
}

/// Reads EID, EUICCInfo2 and configured addresses.
#[must_use]
pub fn chip_info(options: Options) -> Procedure {
    Procedure::new(|io| async move {
        let info = with_isd_r(&io, &options, async |isd_r| read_chip(isd_r).await).await?;
        Ok(Outcome::Chip(Box::new(info)))
    })
}

/// Lists the profiles with all their metadata.
#[must_use]
pub fn list(options: Options) -> Procedure {
    Procedure::new(|io| async move {
        with_isd_r(&io, &options, async |isd_r| read_profiles(isd_r).await).await.map(Outcome::Profiles)
    })
}

async fn read_chip(isd_r: &IsdR<'_>) -> Result<ChipInfo, Failure> {
    let stage = Stage::ReadChip;
    let empty = |tag| tlv::encode(tag, &[]);
    Ok(ChipInfo {
        eid: isd_r.read_with(stage, &encode_get_eid(), decode_eid).await?,
        info: isd_r.read(stage, &empty(EuiccInfo2::TAG)).await?,
        addresses: isd_r.read(stage, &empty(EuiccConfiguredAddresses::TAG)).await?,
    })
}

/// Every data object of `ProfileInfo` that a list can carry.
const ALL_TAGS: [u32; 13] = [0x5A, 0x4F, 0x9F70, 0x90, 0x91, 0x92, 0x93, 0x94, 0x95, 0xB6, 0xB7, 0xB8, 0x99];

pub(crate) async fn read_profiles(isd_r: &IsdR<'_>) -> Result<Vec<ProfileInfo>, Failure> {
    let tags = Some(ALL_TAGS.map(Tag).to_vec());
    let request = ProfileInfoListRequest { search: None, tags }.encode();
    match isd_r.read(Stage::ReadChip, &request).await? {
        ProfileInfoListResponse::Ok(list) => Ok(list),
        ProfileInfoListResponse::Error(code) => Err(Failure::new(Stage::ReadChip, Cause::Refused(code))),
    }
}

/// Runs `body` on an open ISD-R and closes the channel whatever comes.
pub(crate) async fn with_isd_r<T>(
    io: &Io,
    options: &Options,
    body: impl AsyncFnOnce(&IsdR<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let isd_r = IsdR::open(io, options).await?;
    let result = body(&isd_r).await;
    isd_r.close().await;
    result
}
