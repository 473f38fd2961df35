//! JSON bodies of the HTTP interfaces, with the places of their values.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};
use serde_json::value::RawValue;

use crate::der::{Decoder, Field, Kind};
use crate::es10;
use crate::node::{Node, Secrecy};
use crate::values;

/// Deepest nesting that is looked into.
const DEPTH: usize = 16;

/// Members of an object, in the order of the text.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((Key(name), value)) = map.next_entry()? {
                    members.push((name, value));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Read)
    }
}

struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Borrowed(text)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Read)
    }
}

/// Elements of an array.
struct Elements<'a>(Vec<&'a RawValue>);

impl<'de> Deserialize<'de> for Elements<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Elements<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut elements = Vec::new();
                while let Some(element) = seq.next_element()? {
                    elements.push(element);
                }
                Ok(Elements(elements))
            }
        }
        deserializer.deserialize_seq(Read)
    }
}

/// A value and where it stands in the text.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) text: &'a str,
    pub(crate) at: usize,
}

/// What a value is.
pub(crate) enum Value<'a> {
    Object(Vec<(Cow<'a, str>, Place<'a>)>),
    Array(Vec<Place<'a>>),
    Text(String),
    /// Number, true, false, null.
    Plain,
}

impl<'a> Place<'a> {
    /// A whole text; an error says where it is none.
    pub(crate) fn of(text: &'a str) -> Result<Self, serde_json::Error> {
        let raw: &RawValue = serde_json::from_str(text)?;
        Ok(Self { text: raw.get(), at: offset(text, raw.get()) })
    }

    /// One level down.
    pub(crate) fn open(self) -> Option<Value<'a>> {
        let inner = |raw: &'a RawValue| Place { text: raw.get(), at: self.at + offset(self.text, raw.get()) };
        match self.text.as_bytes().first()? {
            b'{' => {
                let Members(members) = serde_json::from_str(self.text).ok()?;
                Some(Value::Object(members.into_iter().map(|(name, raw)| (name, inner(raw))).collect()))
            }
            b'[' => {
                let Elements(elements) = serde_json::from_str(self.text).ok()?;
                Some(Value::Array(elements.into_iter().map(inner).collect()))
            }
            b'"' => serde_json::from_str(self.text).ok().map(Value::Text),
            _ => Some(Value::Plain),
        }
    }
}

/// Where a slice of a text begins in it.
fn offset(whole: &str, part: &str) -> usize {
    (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize)
}

/// Base64 in either alphabet, with or without padding.
pub(crate) fn base64(text: &str) -> Option<Vec<u8>> {
    use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
    const LAX: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    const STANDARD: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::STANDARD, LAX);
    let standard = if text.contains(['-', '_']) {
        Cow::Owned(text.replace('-', "+").replace('_', "/"))
    } else {
        Cow::Borrowed(text)
    };
    STANDARD.decode(standard.as_bytes()).ok()
}

/// How a member is read that holds more than it looks like.
enum Member {
    /// Base64 of data objects.
    Objects(&'static [Field], bool),
    /// Base64 of one value.
    Value(Kind),
    /// A value that somebody is not meant to see.
    Kept(Secrecy),
}

/// Members of all interfaces by name.
fn member(name: &str) -> Option<Member> {
    use crate::der::f;
    static SIGNED1: [Field; 1] = [f(0x30, "serverSigned1", Kind::Seq(&es10::SERVER_SIGNED1))];
    static SIGNED2: [Field; 1] = [f(0x30, "smdpSigned2", Kind::Seq(&es10::SMDP_SIGNED2))];
    static SIGNATURE: [Field; 1] = [f(0x5F37, "signature", Kind::Signature)];
    static KEY: [Field; 1] = [f(0x04, "SubjectKeyIdentifier", Kind::Hex)];
    static CERTIFICATE: [Field; 1] = [f(0x30, "Certificate", Kind::Seq(&crate::x509::CERTIFICATE))];
    Some(match name {
        "serverSigned1" => Member::Objects(&SIGNED1, false),
        "smdpSigned2" => Member::Objects(&SIGNED2, false),
        "serverSignature1" | "smdpSignature2" => Member::Objects(&SIGNATURE, false),
        "euiccCiPKIdToBeUsed" | "euiccCiPKIdentifierToBeUsed" => Member::Objects(&KEY, false),
        "serverCertificate" | "smdpCertificate" => Member::Objects(&CERTIFICATE, false),
        "euiccInfo1"
        | "euiccInfo2"
        | "authenticateServerResponse"
        | "prepareDownloadResponse"
        | "cancelSessionResponse"
        | "profileMetadata"
        | "resultData" => Member::Objects(&es10::RESPONSES, false),
        "pendingNotification" => Member::Objects(&es10::PENDING, false),
        "boundProfilePackage" => Member::Objects(&es10::REQUESTS, false),
        "euiccChallenge" => Member::Value(Kind::Hex),
        "eid" | "iccid" | "imsi" | "msisdn" | "imei" | "supi" | "suci" | "to" | "number" => {
            Member::Kept(Secrecy::Identifier)
        }
        "matchingId" | "eventId" | "activationCode" | "confirmationCode" | "sessionId" | "attachId"
        | "hashCc" | "token" | "password" | "authorization" | "pin1" | "pin2" | "puk1" | "puk2" | "adm1" => {
            Member::Kept(Secrecy::Secret)
        }
        "k" | "ki" | "key" | "op" | "opc" | "topc" | "top" | "ck" | "ik" | "kc" | "kasme" | "kausf"
        | "kseaf" | "kamf" | "privateKey" | "private_key" | "ppk" => Member::Kept(Secrecy::Key),
        _ => return None,
    })
}

/// Who is not meant to see a member with this name and text.
pub(crate) fn secrecy(name: &str, text: &str) -> Secrecy {
    let telephone =
        || text.strip_prefix('+').unwrap_or(text).bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'X'));
    match member(name) {
        // Who is called, but not which server.
        Some(Member::Kept(_)) if text.is_empty() || (matches!(name, "to" | "number") && !telephone()) => {
            Secrecy::Open
        }
        Some(Member::Kept(secrecy)) => secrecy,
        _ => Secrecy::Open,
    }
}

/// A body as a tree; of what is no JSON one node.
pub(crate) fn nodes(bytes: &[u8]) -> Vec<Node> {
    if bytes.is_empty() {
        return Vec::new();
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return vec![Node::new(
            "body",
            format!("{} bytes: {}", bytes.len(), values::hex(bytes)),
            0..bytes.len(),
        )];
    };
    match Place::of(text) {
        Ok(place) => {
            let mut decoder = Decoder::new();
            let node = tree(&mut decoder, "", "body", place, 0);
            // The members of the outermost object are the top.
            if node.children.is_empty() { vec![node] } else { node.children }
        }
        Err(error) if matches!(bytes.first(), Some(b'{' | b'[')) => {
            vec![Node::fault(format!("not JSON: {error}"), 0..bytes.len())]
        }
        Err(_) => vec![Node::new("body", values::shown(text), 0..bytes.len())],
    }
}

fn tree(decoder: &mut Decoder, above: &str, name: &str, place: Place<'_>, depth: usize) -> Node {
    let range = place.at..place.at + place.text.len();
    let named = |text: String| Node::new(name.to_owned(), text, range.clone());
    if depth > DEPTH || !decoder.room() {
        return named(format!("{} characters not shown", place.text.len()));
    }
    match place.open() {
        Some(Value::Object(members)) => {
            let mut children: Vec<Node> =
                members.iter().map(|(inner, value)| tree(decoder, name, inner, *value, depth + 1)).collect();
            if let Some(meaning) = status(&members) {
                children.push(Node::new("meaning", meaning, range.clone()).section("SGP.22 §5.2.6"));
            }
            named(String::new()).holding(children)
        }
        Some(Value::Array(elements)) => {
            let children =
                elements.iter().map(|value| tree(decoder, above, name, *value, depth + 1)).collect();
            named(if elements.is_empty() { "empty".to_owned() } else { String::new() }).holding(children)
        }
        Some(Value::Text(text)) => string(decoder, name, &text, place, named(String::new())),
        Some(Value::Plain) => named(place.text.to_owned()).secret(secrecy(name, place.text)),
        None => Node::fault("not JSON", range),
    }
}

fn string(decoder: &mut Decoder, name: &str, text: &str, place: Place<'_>, mut node: Node) -> Node {
    node.value = values::shown(text);
    let inside = match member(name) {
        None => return node,
        Some(Member::Kept(_)) => {
            node.secrecy = secrecy(name, text);
            if node.secrecy == Secrecy::Key {
                node.value = format!("{} characters", text.chars().count());
            }
            return node;
        }
        Some(Member::Objects(fields, ordered)) => base64(text).map(|bytes| {
            node.value = format!("{} bytes", bytes.len());
            decoder.objects(&bytes, 0, fields, ordered, 0)
        }),
        Some(Member::Value(kind)) => base64(text).map(|bytes| {
            let value = decoder.value(kind, "value", &bytes, 0, 0);
            node.value = value.value;
            value.children
        }),
    };
    match inside {
        Some(mut children) => {
            // Characters of base64 stand for bytes one to one where none is escaped.
            let plain = place.text.len() == text.len() + 2;
            for child in &mut children {
                stretch(
                    child,
                    place.at + 1,
                    plain.then_some(text.len()),
                    place.at..place.at + place.text.len(),
                );
            }
            node.children = children;
        }
        None => {
            node.children.push(Node::fault("not base64", node.range.clone()));
        }
    }
    node
}

/// Ranges of bytes as ranges of the base64 characters that hold them.
fn stretch(node: &mut Node, start: usize, length: Option<usize>, whole: std::ops::Range<usize>) {
    node.range = match length {
        Some(length) => {
            let from = (node.range.start * 8 / 6).min(length);
            let to = (node.range.end * 8).div_ceil(6).min(length).max(from);
            start + from..start + to
        }
        None => whole.clone(),
    };
    for child in &mut node.children {
        stretch(child, start, length, whole.clone());
    }
}

/// The meaning of the codes in an object that has both of them.
fn status(members: &[(Cow<'_, str>, Place<'_>)]) -> Option<String> {
    let text = |name: &str| {
        let (_, place) = members.iter().find(|(known, _)| known == name)?;
        match place.open()? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    };
    let (subject, reason) = (text("subjectCode")?, text("reasonCode")?);
    rsp::status::StatusCode::find(&subject, &reason).map(|code| code.meaning().to_owned())
}

/// Of an answer with a header of SGP.22 §5.2.6: whether the function failed, and its codes.
pub(crate) fn execution_status(body: &[u8]) -> Option<(bool, String)> {
    #[derive(Deserialize)]
    struct Envelope {
        header: rsp::status::ResponseHeader,
    }
    // Only a body that has one is looked at, and none that is a package.
    if body.len() > 1 << 20 {
        return None;
    }
    let envelope: Envelope = serde_json::from_slice(body).ok()?;
    let status = envelope.header.function_execution_status;
    let good = matches!(status.status.as_str(), "Executed-Success" | "Executed-WithWarning");
    let codes = match status.status_code_data {
        Some(codes) => format!("{} {}/{}", status.status, codes.subject_code, codes.reason_code),
        None => status.status,
    };
    Some((!good, values::shown(&codes)))
}
