//! What the bearer's resolver answers: the gateway's own address for the names of the
//! allow-list, and for all others what the policy says of them (RFC 1035, RFC 8484).
//!
//! It asks nobody. So there is nothing to poison, nothing to rebind, and no way to carry
//! something out in the names that are asked for.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use domain::base::iana::{Class, ExtendedErrorCode, Opcode, OptRcode, Rcode};
use domain::base::opt::exterr::ExtendedError;
use domain::base::{Message, MessageBuilder, Rtype, Ttl};
use domain::rdata::{A, Aaaa};
use serde::{Deserialize, Serialize};

/// Longest query in bytes: what EDNS is used with everywhere, padding included.
pub const MAX_QUERY: usize = 1232;

/// How long an answer may be remembered, in seconds: a session that ends takes its
/// addresses with it.
pub const TTL: u32 = 30;

/// The gateway's IPv4 address for every terminal: the far end of an IPv4 service over an
/// IPv6 bearer, 192.0.0.1 of the IPv4 service continuity prefix (RFC 7335, RFC 6333 §5.7).
///
/// It may be the same for all, and is right for every name that is answered: 192.0.0.0/29 is
/// routed nowhere but at the two ends of one bearer, so the packets of each terminal come out at
/// its own, and which SM is meant the gateway knows by the name, never by the address. As no
/// name leads to an address outside, there is nothing that a name could be rebound to.
const GATEWAY_V4: Ipv4Addr = Ipv4Addr::new(192, 0, 0, 1);

/// A response code, with its number (RFC 1035 §4.1.1, RFC 6891 §9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Code {
    /// 0.
    #[serde(rename = "NOERROR")]
    NoError,
    /// 1: the query is not understood.
    #[serde(rename = "FORMERR")]
    FormErr,
    /// 2: there is no way to an answer.
    #[serde(rename = "SERVFAIL")]
    ServFail,
    /// 4: nothing of this kind is done here.
    #[serde(rename = "NOTIMP")]
    NotImp,
    /// 5: the policy does not permit it.
    #[serde(rename = "REFUSED")]
    Refused,
    /// 16: another version of EDNS.
    #[serde(rename = "BADVERS")]
    BadVers,
}

impl Code {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoError => "NOERROR",
            Self::FormErr => "FORMERR",
            Self::ServFail => "SERVFAIL",
            Self::NotImp => "NOTIMP",
            Self::Refused => "REFUSED",
            Self::BadVers => "BADVERS",
        }
    }

    /// The four bits of it that stand in the header.
    const fn in_header(self) -> Rcode {
        match self {
            Self::NoError | Self::BadVers => Rcode::NOERROR,
            Self::FormErr => Rcode::FORMERR,
            Self::ServFail => Rcode::SERVFAIL,
            Self::NotImp => Rcode::NOTIMP,
            Self::Refused => Rcode::REFUSED,
        }
    }
}

/// A query that is refused whoever asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Flaw {
    /// It cannot be read.
    Malformed,
    /// It is no query but a response.
    Response,
    /// An update, a notification, or something else that is no query.
    Opcode,
    /// Not one question.
    Questions,
    /// Records where a query has none.
    Records,
    /// A class other than IN.
    Class,
    /// A transfer of a zone.
    Transfer,
    /// ANY (RFC 8482), or what is obsolete.
    Any,
    /// Another version of EDNS.
    Version,
    /// Too long.
    TooLong,
}

impl Flaw {
    /// What it is answered with.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            Self::Malformed | Self::Response | Self::Questions | Self::Records | Self::TooLong => {
                Code::FormErr
            }
            Self::Opcode => Code::NotImp,
            Self::Class | Self::Transfer | Self::Any => Code::Refused,
            Self::Version => Code::BadVers,
        }
    }

    /// In plain words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Malformed => "a query that cannot be read",
            Self::Response => "a response instead of a query",
            Self::Opcode => "a message that is no query",
            Self::Questions => "a query without exactly one question",
            Self::Records => "a query with records in it",
            Self::Class => "a class that is not IN",
            Self::Transfer => "the transfer of a zone",
            Self::Any => "a question for everything",
            Self::Version => "a version of EDNS that is not 0",
            Self::TooLong => "a query that is too long",
        }
    }
}

/// What is asked, as far as it is judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The name, as it is written, without the dot at its end.
    pub name: String,
    /// The type of record, by its number.
    pub kind: u16,
    /// What is wrong with the query.
    pub flaw: Option<Flaw>,
}

impl Asked {
    /// Reads a query; `None` for what is not even a header, and cannot be answered.
    #[must_use]
    pub fn read(query: &[u8]) -> Option<Self> {
        let message = Message::from_octets(query).ok()?;
        let question = message.first_question();
        let (name, kind) = question.map_or_else(
            || (String::new(), 0),
            |question| {
                let name = question.qname().to_string();
                (name.strip_suffix('.').unwrap_or(&name).to_owned(), question.qtype().to_int())
            },
        );
        Some(Self { name, kind, flaw: flaw(&message) })
    }

    /// A question in words: a name and `A`, `AAAA` or another type of record.
    #[must_use]
    pub fn parse(name: &str, kind: &str) -> Option<Self> {
        let rtype: Rtype = kind.to_ascii_uppercase().parse().ok()?;
        let name = name.strip_suffix('.').unwrap_or(name);
        (name.len() <= 253).then(|| Self {
            name: name.to_owned(),
            kind: rtype.to_int(),
            flaw: of_type(rtype),
        })
    }

    /// The type of record, by its name.
    #[must_use]
    pub fn kind_name(&self) -> String {
        Rtype::from_int(self.kind).to_string()
    }

    /// What the gateway's addresses are for this question.
    #[must_use]
    pub fn addresses(&self, terminal: &str) -> Vec<IpAddr> {
        match Rtype::from_int(self.kind) {
            Rtype::A => vec![GATEWAY_V4.into()],
            Rtype::AAAA => {
                terminal.parse().ok().map(|address| IpAddr::from(beside(address))).into_iter().collect()
            }
            _ => vec![],
        }
    }
}

/// The gateway in the terminal's own /64.
fn beside(terminal: Ipv6Addr) -> Ipv6Addr {
    let [a, b, c, d, ..] = terminal.segments();
    Ipv6Addr::from([a, b, c, d, 0, 0, 0, 2])
}

/// What is wrong with a query that can be answered.
fn flaw(message: &Message<&[u8]>) -> Option<Flaw> {
    let (header, counts) = (message.header(), message.header_counts());
    if message.as_slice().len() > MAX_QUERY {
        return Some(Flaw::TooLong);
    }
    if header.qr() {
        return Some(Flaw::Response);
    }
    if header.opcode() != Opcode::QUERY {
        return Some(Flaw::Opcode);
    }
    if counts.qdcount() != 1 {
        return Some(Flaw::Questions);
    }
    // IXFR has the zone's state in its authority section (RFC 1995 §3).
    if message.is_xfr() {
        return Some(Flaw::Transfer);
    }
    if counts.ancount() != 0 || counts.nscount() != 0 {
        return Some(Flaw::Records);
    }
    let Ok(question) = message.sole_question() else { return Some(Flaw::Malformed) };
    let Ok((_, _, _, additional)) = message.sections() else { return Some(Flaw::Malformed) };
    let (mut edns, mut all) = (0, 0);
    for record in additional {
        let Ok(record) = record else { return Some(Flaw::Malformed) };
        edns += usize::from(record.rtype() == Rtype::OPT);
        all += 1;
    }
    // One of EDNS, and nothing else (RFC 6891 §6.1.1).
    if edns != all {
        return Some(Flaw::Records);
    }
    if edns > 1 || (edns == 1 && message.opt().is_none()) {
        return Some(Flaw::Malformed);
    }
    if message.opt().is_some_and(|opt| opt.version() != 0) {
        return Some(Flaw::Version);
    }
    if question.qclass() != Class::IN {
        return Some(Flaw::Class);
    }
    of_type(question.qtype())
}

fn of_type(kind: Rtype) -> Option<Flaw> {
    match kind {
        Rtype::AXFR | Rtype::IXFR => Some(Flaw::Transfer),
        Rtype::ANY | Rtype::MAILA | Rtype::MAILB => Some(Flaw::Any),
        // What only stands in a message, and is of none.
        Rtype::OPT | Rtype::TSIG | Rtype::TKEY => Some(Flaw::Malformed),
        _ => None,
    }
}

/// What the resolver says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names {
    /// The response code.
    pub code: Code,
    /// The addresses; none where a name has no record of the type.
    pub addresses: Vec<IpAddr>,
}

/// The message that answers `query`. Where EDNS is spoken it says why it is no
/// (RFC 8914). `None` for what cannot be answered.
#[must_use]
pub fn answer(query: &[u8], names: &Names, because: &str) -> Option<Vec<u8>> {
    let message = Message::from_octets(query).ok()?;
    let code = names.code.in_header();
    let builder = MessageBuilder::new_vec();
    // What can't be read isn't repeated.
    let mut builder = if names.code == Code::FormErr {
        let mut builder = builder;
        let header = builder.header_mut();
        header.set_id(message.header().id());
        header.set_qr(true);
        header.set_opcode(message.header().opcode());
        header.set_rd(message.header().rd());
        header.set_rcode(code);
        builder.answer()
    } else {
        builder.start_answer(&message, code).ok()?
    };
    builder.header_mut().set_ra(true);
    if let Ok(question) = message.sole_question() {
        for address in &names.addresses {
            let (name, ttl) = (question.qname(), Ttl::from_secs(TTL));
            match address {
                IpAddr::V4(address) => builder.push((name, Class::IN, ttl, A::new(*address))),
                IpAddr::V6(address) => builder.push((name, Class::IN, ttl, Aaaa::new(*address))),
            }
            .ok()?;
        }
    }
    let mut builder = builder.additional();
    if names.code != Code::FormErr && message.opt().is_some() {
        let why = match names.code {
            Code::Refused => Some(ExtendedErrorCode::PROHIBITED),
            Code::ServFail => Some(ExtendedErrorCode::NETWORK_ERROR),
            _ => None,
        };
        let why = why.and_then(|why| ExtendedError::<Vec<u8>>::new_with_str(why, because).ok());
        builder
            .opt(|opt| {
                opt.set_udp_payload_size(MAX_QUERY as u16);
                if names.code == Code::BadVers {
                    opt.set_rcode(OptRcode::BADVERS);
                }
                why.as_ref().map_or(Ok(()), |why| opt.push(why))
            })
            .ok()?;
    }
    Some(builder.finish())
}

#[cfg(test)]
mod tests;
