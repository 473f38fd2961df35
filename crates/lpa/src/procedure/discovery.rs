//! Discovery (SGP.22 §3.6.2): an SM-DS is asked what waits for this chip; each event is an
//! order at an SM-DP+, or leads to the next SM-DS.

use rsp::auth::DeviceInfo;
use rsp::es9::{self, Base64, Es9Function};
use rsp::es11;
use rsp::ids::MatchingId;

use crate::card::{IsdR, Options};
use crate::checkpoint::Order;
use crate::failure::{Cause, Failure, Stage};
use crate::machine::{Interface, Io, Procedure, Step};
use crate::procedure::Outcome;
use crate::procedure::authentication::{Contact, Opened, may_stop};
use crate::procedure::download::Download;
use crate::procedure::information::{read_addresses, with_isd_r};
use crate::server::{self, Server};

/// One SM-DS may send to the next: a root, an alternative, and one to spare.
const MOST_SMDS: usize = 3;

/// As many events are taken of one SM-DS.
const MOST_EVENTS: usize = 256;

/// Something that waits for this chip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its name at the server: the matching id of the download.
    pub event_id: MatchingId,
    /// The SM-DP+, or the next SM-DS.
    pub address: String,
}

/// Asks an SM-DS what waits for this chip; `None`: the root SM-DS that the chip is
/// configured with. Ends with [`Outcome::Events`].
#[must_use]
pub fn discover(smds: Option<String>, device: DeviceInfo, options: Options) -> Procedure {
    Procedure::new(move |io| async move {
        let events = with_isd_r(&io, &options, async |isd_r| {
            let address = match smds {
                Some(address) => address,
                None => read_addresses(isd_r).await?.root_ds_address,
            };
            if address.is_empty() {
                return Err(Failure::new(Stage::Discover, Cause::NoSmds));
            }
            let server = Server { address: &address, interface: Interface::Es11 };
            let contact = Contact { io: &io, server, oid: None, matching_id: None, device: &device };
            let opened = contact.initiate(isd_r).await?;
            if !opened.is_smds() {
                return Err(Failure::new(Stage::Discover, Cause::WrongRole));
            }
            events(isd_r, &contact, &opened).await
        });
        events.await.map(Outcome::Events)
    })
}

/// Downloads the profile of an event. Where it leads to another SM-DS that one is asked,
/// and so on; when several events wait there this ends with [`Outcome::Events`] for the
/// user to choose from, when none is left with an empty list.
#[must_use]
pub fn download_event(event: Event, device: DeviceInfo, options: Options) -> Procedure {
    Procedure::new(move |io| async move {
        with_isd_r(&io, &options, async |isd_r| follow(&io, isd_r, event, &device).await).await
    })
}

async fn follow(
    io: &Io,
    isd_r: &IsdR<'_>,
    mut event: Event,
    device: &DeviceInfo,
) -> Result<Outcome, Failure> {
    for _ in 0..=MOST_SMDS {
        let smdp = Server::smdp(&event.address);
        let matching_id = Some(&event.event_id);
        let contact = Contact { io, server: smdp, oid: None, matching_id, device };
        let opened = contact.initiate(isd_r).await?;
        if !opened.is_smds() {
            let order = Order { address: event.address, matching_id: Some(event.event_id), oid: None };
            let download = Download { io, order: &order, device };
            return download.run(isd_r, Some(opened)).await;
        }
        let server = Server { interface: Interface::Es11, ..smdp };
        let mut next = events(isd_r, &Contact { server, ..contact }, &opened).await?;
        if next.len() != 1 {
            return Ok(Outcome::Events(next));
        }
        event = next.remove(0);
    }
    Err(Failure::new(Stage::Discover, Cause::TooManySmds))
}

/// The chip proves itself to the SM-DS and is told its events. With an SM-DS the chip's
/// session is over when it has proven itself: there is none to cancel.
async fn events(isd_r: &IsdR<'_>, contact: &Contact<'_>, opened: &Opened) -> Result<Vec<Event>, Failure> {
    let stage = Stage::Discover;
    let response = contact.authenticate_server(isd_r, opened).await?;
    may_stop(contact.io, Step::Discover).await?;
    let request = es9::AuthenticateClientRequest {
        transaction_id: opened.id.to_string(),
        authenticate_server_response: Base64(response.bytes().to_vec()),
    };
    let function = Es9Function::AuthenticateClient;
    let answer: es11::AuthenticateClientResponse =
        server::call(contact.io, stage, contact.server, function, &request).await?;
    let unreadable = |what: &str| Failure::new(stage, Cause::ServerData(format!("eventEntries: {what}")));
    if answer.event_entries.len() > MOST_EVENTS {
        return Err(unreadable("more than a person could choose from"));
    }
    let mut events = Vec::new();
    for entry in answer.event_entries {
        let event_id = entry.event_id.parse().map_err(|_| unreadable("eventId"))?;
        if !rsp::activation_code::is_address(&entry.rsp_server_address) {
            return Err(unreadable("rspServerAddress"));
        }
        let event = Event { event_id, address: entry.rsp_server_address };
        // A root SM-DS and an alternative one may both tell of the same.
        if !events.contains(&event) {
            events.push(event);
        }
    }
    Ok(events)
}
