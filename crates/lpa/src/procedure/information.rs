//! What the chip says of itself (SGP.22 §5.7), and what it has in common with a server.

use rsp::addresses::EuiccConfiguredAddresses;
use rsp::auth::{DeviceInfo, EuiccInfo1, EuiccInfo2};
use rsp::profiles::{
    ProfileInfo, ProfileInfoListRequest, ProfileInfoListResponse, decode_eid, encode_get_eid,
};
use rsp::{CiPkId, DataObject, Eid};
use tlv::Tag;

use crate::card::{IsdR, Options};
use crate::failure::{Failure, Function, Stage};
use crate::machine::{Io, Procedure};
use crate::procedure::Outcome;
use crate::procedure::authentication::Contact;
use crate::server::Server;

/// The chip's identity and abilities.
#[derive(Clone, Debug, PartialEq)]
pub struct ChipInfo {
    /// Its identifier.
    pub eid: Eid,
    /// Versions, capabilities, free memory, CI keys; `None`: the chip does not tell them, or not so
    /// that they can be understood. Its profiles can be managed all the same.
    pub info: Option<EuiccInfo2>,
    /// Default SM-DP+ and root SM-DS; without either where the chip does not tell them.
    pub addresses: EuiccConfiguredAddresses,
    /// The AID that its ISD-R answered under: [`Options::remember`] it.
    pub isd_r_aid: Vec<u8>,
}

/// The certificate issuers of chip and server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerCheck {
    /// The server that was asked.
    pub address: String,
    /// Whether it is an SM-DS.
    pub is_smds: bool,
    /// The keys of the issuers that the chip trusts, its favourite first.
    pub chip: Vec<CiPkId>,
    /// The one that the server chose of them.
    pub server: CiPkId,
}

/// Reads EID, EUICCInfo2 and configured addresses. Fails without the EID only.
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

/// Asks a server for its identity and compares the certificate issuers, without a
/// download: nothing is changed at chip or server, and no order is named. Fails with
/// [`crate::Cause::NoCommonCi`] when there is none in common.
#[must_use]
pub fn check_server(address: String, device: DeviceInfo, options: Options) -> Procedure {
    Procedure::new(move |io| async move {
        let opened = with_isd_r(&io, &options, async |isd_r| {
            let server = Server::smdp(&address);
            let contact = Contact { io: &io, server, oid: None, matching_id: None, device: &device };
            contact.initiate(isd_r).await
        });
        let opened = opened.await?;
        let is_smds = opened.is_smds();
        let (chip, server) = (opened.chip_ci, opened.request.ci_pk_id_to_be_used);
        Ok(Outcome::Server(Box::new(ServerCheck { address, is_smds, chip, server })))
    })
}

async fn read_chip(isd_r: &IsdR<'_>) -> Result<ChipInfo, Failure> {
    Ok(ChipInfo {
        eid: read_eid(isd_r).await?,
        info: read_info2(isd_r).await?,
        addresses: match read_addresses(isd_r).await {
            Err(failure) if failure.is_card_lost() => return Err(failure),
            read => read.unwrap_or_default(),
        },
        isd_r_aid: isd_r.aid().to_vec(),
    })
}

pub(crate) async fn read_eid(isd_r: &IsdR<'_>) -> Result<Eid, Failure> {
    isd_r.read_with(Stage::ReadChip, &encode_get_eid(), decode_eid).await
}

pub(crate) async fn read_addresses(isd_r: &IsdR<'_>) -> Result<EuiccConfiguredAddresses, Failure> {
    isd_r.read(Stage::ReadChip, &tlv::encode(EuiccConfiguredAddresses::TAG, &[])).await
}

/// What the chip trusts, unsigned.
pub(crate) async fn read_info1(isd_r: &IsdR<'_>) -> Result<rsp::Raw<EuiccInfo1>, Failure> {
    isd_r.read_with(Stage::ReadChip, &tlv::encode(EuiccInfo1::TAG, &[]), rsp::Raw::decode).await
}

/// EUICCInfo2, as far as the chip can be understood: it is for people here.
pub(crate) async fn read_info2(isd_r: &IsdR<'_>) -> Result<Option<EuiccInfo2>, Failure> {
    match isd_r.read(Stage::ReadChip, &tlv::encode(EuiccInfo2::TAG, &[])).await {
        Err(failure) if failure.is_card_lost() => Err(failure),
        read => Ok(read.ok()),
    }
}

pub(crate) async fn free_memory(isd_r: &IsdR<'_>) -> Result<Option<u32>, Failure> {
    Ok(read_info2(isd_r).await?.as_ref().map(free_of))
}

pub(crate) const fn free_of(info: &EuiccInfo2) -> u32 {
    info.ext_card_resource.free_non_volatile_memory
}

/// Every data object of `ProfileInfo` that a list can carry.
const ALL_TAGS: [u32; 13] = [0x5A, 0x4F, 0x9F70, 0x90, 0x91, 0x92, 0x93, 0x94, 0x95, 0xB6, 0xB7, 0xB8, 0x99];

pub(crate) async fn read_profiles(isd_r: &IsdR<'_>) -> Result<Vec<ProfileInfo>, Failure> {
    let tags = Some(ALL_TAGS.map(Tag).to_vec());
    let request = ProfileInfoListRequest { search: None, tags }.encode();
    match isd_r.read(Stage::ReadChip, &request).await? {
        ProfileInfoListResponse::Ok(list) => Ok(list),
        ProfileInfoListResponse::Error(code) => {
            Err(Failure::refused(Stage::ReadChip, Function::GetProfilesInfo, code))
        }
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
