//! What is written into a subscriber's files.

use super::places::Ef;
use super::{Error, Field, Fields};
use crate::build::Subscriber;
use crate::ef::{self, AccessTechnologies, Plmn};

/// What a file is to hold.
pub(super) enum Content {
    /// These bytes and nothing else; `FF` behind them.
    Whole(Vec<u8>),
    /// These bytes, then the pattern again and again. The file may become longer.
    List { bytes: Vec<u8>, pattern: &'static [u8] },
    /// A record each, and no other. The file may become longer and have longer records.
    Records(Vec<Vec<u8>>),
    /// The name in EF.SPN, behind the condition to display it.
    Name([u8; 16]),
    /// The number in the first record of EF.MSISDN.
    Number([u8; 12]),
    /// The service centre in the first record of EF.SMSP.
    ServiceCentre([u8; 12]),
    /// The length of the MNC in EF.AD.
    MncLength(u8),
}

/// A body to be, and how its records are cut when not as before.
pub(super) struct Body {
    pub(super) bytes: Vec<u8>,
    pub(super) record_length: Option<u8>,
}

/// More bytes than there is room for.
pub(super) struct TooLong {
    pub(super) needed: usize,
    pub(super) room: usize,
}

/// The longest transparent file: what READ BINARY reaches with an offset of 15 bits.
const LONGEST: usize = 0x7FFF;

impl Content {
    /// Whether it goes into a file of records.
    pub(super) const fn is_records(&self) -> bool {
        matches!(self, Self::Records(_) | Self::Number(_) | Self::ServiceCentre(_))
    }

    /// The file's body after, from the one before. `record_length` is not zero.
    pub(super) fn write(&self, before: &[u8], record_length: Option<u16>) -> Result<Body, TooLong> {
        let mut bytes = before.to_vec();
        let record = record_length.map_or(bytes.len(), usize::from);
        let first = |from: usize, len: usize| {
            let whole = record.min(before.len());
            from.checked_add(len).filter(|end| *end <= whole).map(|end| from..end)
        };
        match self {
            Self::Whole(content) => put(&mut bytes, content, &[0xFF])?,
            Self::List { bytes: content, pattern } => {
                if content.len() > LONGEST {
                    return Err(TooLong { needed: content.len(), room: LONGEST });
                }
                let size = bytes.len().max(content.len());
                bytes.resize(size, 0xFF);
                put(&mut bytes, content, pattern)?;
            }
            Self::Records(records) => return Self::records(records, before.len(), record),
            Self::Name(name) => {
                // `FF`, as in a file that was never written, would be a condition with
                // bits that are reserved: show the network's name too at home.
                let condition = before.first().copied().filter(|byte| *byte != 0xFF).unwrap_or(0x01);
                put(&mut bytes, &[&[condition][..], name].concat(), &[0xFF])?;
            }
            Self::Number(number) => {
                // Behind the text: number, capability configuration, extension (TS 31.102 §4.2.26).
                const TAIL: usize = 14;
                let too_long = TooLong { needed: TAIL, room: record.min(before.len()) };
                let text = record.checked_sub(TAIL).and_then(|text| first(text, TAIL));
                let Some(place) = text.and_then(|range| bytes.get_mut(range)) else { return Err(too_long) };
                for (to, from) in place.iter_mut().zip(number) {
                    *to = *from;
                }
                if let Some(extension) = place.last_mut() {
                    *extension = 0xFF;
                }
            }
            Self::ServiceCentre(number) => {
                // Behind the text: indicators, destination, service centre, protocol
                // identifier, coding scheme, validity (TS 31.102 §4.2.27).
                const TAIL: usize = 28;
                const INDICATES_SERVICE_CENTRE: u8 = 0x02;
                let too_long = TooLong { needed: TAIL, room: record.min(before.len()) };
                let text = record.checked_sub(TAIL).and_then(|text| first(text, TAIL));
                let Some([indicators, rest @ ..]) = text.and_then(|range| bytes.get_mut(range)) else {
                    return Err(too_long);
                };
                // A zero bit for what is there.
                *indicators &= !INDICATES_SERVICE_CENTRE;
                for (to, from) in rest.iter_mut().skip(12).zip(number) {
                    *to = *from;
                }
            }
            Self::MncLength(length) => {
                if let Some(byte) = bytes.get_mut(3) {
                    *byte = *length;
                }
            }
        }
        Ok(Body { bytes, record_length: None })
    }

    fn records(records: &[Vec<u8>], size: usize, length: usize) -> Result<Body, TooLong> {
        const MOST: usize = 254;
        let length = length.max(1);
        let longest = records.iter().map(Vec::len).max().unwrap_or(0);
        let new_length = u8::try_from(longest.max(length))
            .map_err(|_| TooLong { needed: longest, room: usize::from(u8::MAX) })?;
        let count = (size / length).max(records.len());
        if count > MOST {
            return Err(TooLong { needed: count, room: MOST });
        }
        let mut bytes = vec![0xFF; count * usize::from(new_length)];
        for (place, record) in bytes.chunks_mut(usize::from(new_length)).zip(records) {
            for (to, from) in place.iter_mut().zip(record) {
                *to = *from;
            }
        }
        let record_length = (usize::from(new_length) != length).then_some(new_length);
        Ok(Body { bytes, record_length })
    }
}

/// Writes the content, then the pattern to the end.
fn put(body: &mut [u8], content: &[u8], pattern: &[u8]) -> Result<(), TooLong> {
    let room = body.len();
    let (start, rest) =
        body.split_at_mut_checked(content.len()).ok_or(TooLong { needed: content.len(), room })?;
    start.copy_from_slice(content);
    for (to, from) in rest.iter_mut().zip(pattern.iter().cycle()) {
        *to = *from;
    }
    Ok(())
}

/// The contents of the files that the fields stand in.
pub(super) fn contents(fields: &Fields, subscriber: &Subscriber) -> Result<Vec<(Ef, Content)>, Error> {
    const NONE: &[u8] = &[0xFF];
    const NO_NETWORK: &[u8] = &[0xFF, 0xFF, 0xFF, 0x00, 0x00];
    let mut all = Vec::new();
    for &field in fields {
        let invalid = |what| Error::Invalid(field, what);
        let list = |bytes, pattern| Content::List { bytes, pattern };
        let networks = |list: &[Plmn]| list.iter().flat_map(Plmn::to_bytes).collect::<Vec<u8>>();
        match field {
            Field::Iccid => {
                if !subscriber.iccid.is_well_formed() {
                    return Err(invalid("18 to 20 digits"));
                }
                all.push((Ef::Iccid, Content::Whole(subscriber.iccid.as_bytes().to_vec())));
            }
            Field::Imsi => {
                let imsi = &subscriber.imsi;
                if !matches!(subscriber.mnc_length, 2 | 3) {
                    return Err(invalid("an MNC of 2 or 3 digits"));
                }
                all.push((Ef::Imsi, Content::Whole(imsi.to_ef().to_vec())));
                all.push((Ef::AccessClass, Content::Whole(ef::access_class(imsi).to_vec())));
                all.push((Ef::Administrative, Content::MncLength(subscriber.mnc_length)));
            }
            Field::ImsIdentities => {
                let ims = subscriber.ims.as_ref().ok_or(Error::NotGiven(field))?;
                let texts = [&ims.impi, &ims.domain].into_iter().chain(&ims.impu);
                if ims.impu.is_empty() || texts.into_iter().any(String::is_empty) {
                    return Err(invalid("a private and a public identity and a domain"));
                }
                all.push((Ef::Impi, list(ef::uri(&ims.impi), NONE)));
                all.push((Ef::Impu, Content::Records(ims.impu.iter().map(|text| ef::uri(text)).collect())));
                all.push((Ef::Domain, list(ef::uri(&ims.domain), NONE)));
            }
            Field::Msisdn => {
                let number = subscriber.msisdn.as_deref().ok_or(Error::NotGiven(field))?;
                let number = ef::address(number).ok_or_else(|| invalid("a number of at most 20 digits"))?;
                all.push((Ef::Msisdn, Content::Number(number)));
            }
            Field::ServiceCentre => {
                let number = subscriber.service_centre.as_deref().ok_or(Error::NotGiven(field))?;
                let number = ef::address(number).ok_or_else(|| invalid("a number of at most 20 digits"))?;
                all.push((Ef::SmsParameters, Content::ServiceCentre(number)));
            }
            Field::Spn => {
                let name = ef::alpha(&subscriber.spn, 16).and_then(|name| name.try_into().ok());
                let name =
                    name.ok_or_else(|| invalid("at most 16 characters, or 7 outside the GSM alphabet"))?;
                all.push((Ef::Spn, Content::Name(name)));
            }
            Field::HomePlmn => {
                let home = Plmn::of_imsi(&subscriber.imsi, subscriber.mnc_length)
                    .filter(|_| matches!(subscriber.mnc_length, 2 | 3))
                    .ok_or_else(|| invalid("an MNC of 2 or 3 digits"))?;
                let home = ef::plmn_selector(&[(home, AccessTechnologies::ALL)]);
                all.push((Ef::HomePlmn, list(home, NO_NETWORK)));
            }
            Field::OperatorPlmns => {
                let networks = ef::plmn_selector(&subscriber.operator_plmns);
                all.push((Ef::OperatorPlmns, list(networks, NO_NETWORK)));
            }
            Field::EquivalentHome => {
                all.push((Ef::EquivalentHome, list(networks(&subscriber.equivalent_home), NONE)));
            }
            Field::ForbiddenPlmns => {
                all.push((Ef::ForbiddenPlmns, list(networks(&subscriber.forbidden), NONE)));
            }
            Field::AccessPoints => {
                let names = ef::access_point_names(&subscriber.access_points);
                let names =
                    names.ok_or_else(|| invalid("at most 255 names of labels of 1 to 63 characters"))?;
                all.push((Ef::AccessPoints, list(names, NONE)));
            }
            Field::Authentication
            | Field::Pin1
            | Field::Puk1
            | Field::Pin2
            | Field::Puk2
            | Field::Adm1
            | Field::OtaKeys => {}
        }
    }
    Ok(all)
}
