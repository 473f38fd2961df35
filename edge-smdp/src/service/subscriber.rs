//! Subscribers as the operator's systems know them, for the profile that is made for
//! them.

use saip::Secret;
use saip::build::{
    self, Authentication, Codes, Concealment, HomeNetworkKey, Ims, ProtectionScheme, SuciCalculation,
};
use saip::ef::{AccessTechnologies, Plmn};
use zeroize::Zeroizing;

use crate::error::Malformed;
use crate::wire::subscriber::{self as wire, Subscriber};

/// How many networks, access points … one list may hold.
const MAX_LIST: usize = 100;

/// Opens what came wrapped under a transport key: its id, and the bytes.
pub(crate) type Unwrap<'a> = &'a dyn Fn(&str, &[u8]) -> Result<Zeroizing<Vec<u8>>, Malformed>;

/// A subscriber's data, checked one by one.
pub(crate) fn read(subscriber: &Subscriber, unwrap: Unwrap<'_>) -> Result<build::Subscriber, Malformed> {
    let secrets = Secrets { transport_key: subscriber.transport_key.as_deref(), unwrap };
    let iccid = subscriber.iccid.parse().map_err(|_| wrong("iccid", "18 to 20 digits"))?;
    let imsi: rsp::Imsi = subscriber.imsi.parse().map_err(|_| wrong("imsi", "6 to 15 digits"))?;
    let mnc_length = subscriber.mnc_length.unwrap_or(2);
    if !matches!(mnc_length, 2 | 3) {
        return Err(wrong("mncLength", "2 or 3"));
    }
    let mut made = build::Subscriber::new(iccid, imsi, mnc_length, authentication(subscriber, &secrets)?);
    for (what, number) in [("msisdn", &subscriber.msisdn), ("serviceCentre", &subscriber.service_centre)] {
        if number.as_deref().is_some_and(|number| !is_number(number)) {
            return Err(wrong(what, "1 to 20 digits, a plus sign in front if it is international"));
        }
    }
    if subscriber.spn.as_deref().is_some_and(|spn| spn.contains(char::is_control)) {
        return Err(wrong("spn", "no control characters"));
    }
    made.msisdn.clone_from(&subscriber.msisdn);
    made.spn = subscriber.spn.clone().unwrap_or_default();
    made.codes = Codes {
        pin1: secrets.code(subscriber.pin1.as_deref(), "pin1")?,
        puk1: secrets.code(subscriber.puk1.as_deref(), "puk1")?,
        pin2: secrets.code(subscriber.pin2.as_deref(), "pin2")?,
        puk2: secrets.code(subscriber.puk2.as_deref(), "puk2")?,
        adm1: secrets.code(subscriber.adm1.as_deref(), "adm1")?,
    };
    made.service_centre.clone_from(&subscriber.service_centre);
    let operator = plmns(&subscriber.operator_plmns, "operatorPlmns")?;
    made.operator_plmns = operator.into_iter().map(|plmn| (plmn, AccessTechnologies::ALL)).collect();
    made.equivalent_home = plmns(&subscriber.equivalent_home_plmns, "equivalentHomePlmns")?;
    made.forbidden = plmns(&subscriber.forbidden_plmns, "forbiddenPlmns")?;
    if subscriber.access_points.len() > MAX_LIST {
        return Err(wrong("accessPoints", "at most 100"));
    }
    made.access_points.clone_from(&subscriber.access_points);
    if subscriber.ims {
        let ims = Ims::of_imsi(&made.imsi, mnc_length);
        made.ims = Some(ims.ok_or_else(|| wrong("imsi", "longer than MCC and MNC"))?);
    }
    made.concealment = concealment(subscriber)?;
    Ok(made)
}

/// How the identity is concealed in 5G: every key is one of its scheme, and known by one identifier.
fn concealment(subscriber: &Subscriber) -> Result<Concealment, Malformed> {
    /// More no home network has in use at once.
    const MOST: usize = 16;
    if subscriber.home_network_keys.len() > MOST {
        return Err(wrong("homeNetworkKeys", "at most 16"));
    }
    let mut keys: Vec<HomeNetworkKey> = Vec::new();
    for given in &subscriber.home_network_keys {
        if keys.iter().any(|key| key.id == given.id) {
            return Err(wrong("homeNetworkKeys", "each id once"));
        }
        let (scheme, of, what) = match given.profile {
            wire::ProtectionProfile::A => (
                ProtectionScheme::ProfileA,
                suci::Scheme::ProfileA,
                "32 bytes of Curve25519 in hexadecimal digits",
            ),
            wire::ProtectionProfile::B => {
                (ProtectionScheme::ProfileB, suci::Scheme::ProfileB, "a point of P-256 in hexadecimal digits")
            }
        };
        let bytes = hex::decode(&given.key).map_err(|_| wrong("homeNetworkKeys", what))?;
        let key = suci::home_network_public_key(of, &bytes).map_err(|_| wrong("homeNetworkKeys", what))?;
        keys.push(HomeNetworkKey { id: given.id, scheme, key });
    }
    let routing_indicator = subscriber.routing_indicator.as_deref().map(str::parse).transpose();
    let routing_indicator = routing_indicator.map_err(|_| wrong("routingIndicator", "1 to 4 digits"))?;
    let calculation = match subscriber.suci_calculation {
        None | Some(wire::SuciCalculation::Usim) => SuciCalculation::Usim,
        Some(wire::SuciCalculation::Terminal) => SuciCalculation::Terminal,
    };
    Ok(Concealment { keys, calculation, routing_indicator })
}

fn authentication(subscriber: &Subscriber, secrets: &Secrets<'_>) -> Result<Authentication, Malformed> {
    let k = secrets.key(&subscriber.k, "k")?;
    let opc = subscriber.opc.as_deref().map(|opc| secrets.key(opc, "opc")).transpose()?;
    let op = subscriber.op.as_deref().map(|op| secrets.key(op, "op")).transpose()?;
    if opc.is_some() && op.is_some() {
        return Err(wrong("op", "not beside opc"));
    }
    let algorithm = subscriber.algorithm.as_deref().unwrap_or("milenage").to_ascii_lowercase();
    let iterations = subscriber.iterations.unwrap_or(1);
    if iterations == 0 {
        return Err(wrong("iterations", "1 to 255"));
    }
    match algorithm.as_str() {
        "milenage" => {
            let opc = match (opc, op) {
                (Some(opc), _) => opc,
                (None, Some(op)) => {
                    let k = k.expose_array().ok_or_else(|| wrong("k", "16 bytes"))?;
                    let op = op.expose_array().ok_or_else(|| wrong("op", "16 bytes"))?;
                    Secret::new(*Zeroizing::new(aka::opc(*k, *op)))
                }
                (None, None) => return Err(wrong("opc", "opc or op")),
            };
            Ok(Authentication::Milenage { k, opc })
        }
        "tuak" => {
            let topc = match (opc, op) {
                (Some(topc), _) => topc,
                (None, Some(top)) => {
                    let top = top.expose_array().ok_or_else(|| wrong("op", "32 bytes"))?;
                    if !matches!(k.len(), 16 | 32) {
                        return Err(wrong("k", "16 or 32 bytes"));
                    }
                    let topc = aka::topc(k.expose_secret(), *top, iterations);
                    Secret::new(*Zeroizing::new(topc))
                }
                (None, None) => return Err(wrong("opc", "opc or op")),
            };
            Ok(Authentication::Tuak { k, topc, iterations })
        }
        "testxor" if opc.is_none() && op.is_none() => Ok(Authentication::TestXor { k }),
        "testxor" => Err(wrong("opc", "none with testXor")),
        _ => Err(wrong("algorithm", "milenage, tuak or testXor")),
    }
}

/// Secrets as they come: plain, or wrapped under a transport key.
struct Secrets<'a> {
    transport_key: Option<&'a str>,
    unwrap: Unwrap<'a>,
}

impl Secrets<'_> {
    fn key(&self, text: &str, what: &str) -> Result<Secret, Malformed> {
        let bytes = hex::decode(text).map(Zeroizing::new).map_err(|_| wrong(what, "hexadecimal digits"))?;
        match self.transport_key {
            None => Ok(Secret::new(&bytes[..])),
            Some(id) => self.opened(id, &bytes, what),
        }
    }

    fn code(&self, text: Option<&str>, what: &str) -> Result<Option<Secret>, Malformed> {
        let Some(text) = text else { return Ok(None) };
        let Some(id) = self.transport_key else { return Ok(Some(Secret::new(text.as_bytes()))) };
        let bytes = hex::decode(text).map_err(|_| wrong(what, "hexadecimal digits, wrapped"))?;
        self.opened(id, &bytes, what).map(Some)
    }

    fn opened(&self, id: &str, wrapped: &[u8], what: &str) -> Result<Secret, Malformed> {
        let opened = (self.unwrap)(id, wrapped);
        let opened = opened.map_err(|malformed| wrong(what, &malformed.because))?;
        Ok(Secret::new(&opened[..]))
    }
}

fn plmns(digits: &[String], what: &str) -> Result<Vec<Plmn>, Malformed> {
    if digits.len() > MAX_LIST {
        return Err(wrong(what, "at most 100"));
    }
    let plmn = |digits: &String| Plmn::from_digits(digits).ok_or_else(|| wrong(what, "5 or 6 digits each"));
    digits.iter().map(plmn).collect()
}

/// Whether it is a number as subscribers and service centres have (ITU-T E.164, and shorter or
/// longer ones inside a network).
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    (1..=20).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit())
}

/// Says what is expected; never what came.
fn wrong(what: &str, expected: &str) -> Malformed {
    Malformed::new(&format!("subscriber.{what}"), expected)
}
