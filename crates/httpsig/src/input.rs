//! `Signature-Input` and `Signature` (RFC 9421 §4), and the base between them (§2.5).

use core::convert::Infallible;
use core::fmt;

use sfv::visitor::{DictionaryVisitor, EntryVisitor};
use sfv::{
    Dictionary, GenericBareItem, InnerList, Integer, Item, Key, KeyRef, ListEntry, ListSerializer, Parser,
    StringRef,
};

use crate::{Message, Unusable, unusable};

/// Parameters of a signature (RFC 9421 §2.3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters {
    /// When it was made, in seconds since 1970.
    pub created: Option<i64>,
    /// When it ends, in seconds since 1970.
    pub expires: Option<i64>,
    /// A name of the key.
    pub keyid: Option<String>,
    /// The algorithm by its registered name, such as `ecdsa-p256-sha256`.
    pub alg: Option<String>,
    /// Something that is used once.
    pub nonce: Option<String>,
    /// What the signature is for.
    pub tag: Option<String>,
}

impl Parameters {
    fn read(list: &InnerList) -> Result<Self, Unusable> {
        let time = |name: &str| match list.params.get(name) {
            None => Ok(None),
            Some(GenericBareItem::Integer(seconds)) => Ok(Some(i64::from(*seconds))),
            Some(_) => unusable(format!("the parameter {name} is not an integer")),
        };
        let text = |name: &str| match list.params.get(name) {
            None => Ok(None),
            Some(GenericBareItem::String(text)) => Ok(Some(text.as_str().to_owned())),
            Some(_) => unusable(format!("the parameter {name} is not a string")),
        };
        Ok(Self {
            created: time("created")?,
            expires: time("expires")?,
            keyid: text("keyid")?,
            alg: text("alg")?,
            nonce: text("nonce")?,
            tag: text("tag")?,
        })
    }

    fn write(&self, list: &mut InnerList) -> Result<(), Unusable> {
        let key = |name: &str| Key::try_from(name.to_owned()).map_err(|error| Unusable(error.to_string()));
        for (name, seconds) in [("created", self.created), ("expires", self.expires)] {
            if let Some(seconds) = seconds {
                let seconds = Integer::try_from(seconds);
                let seconds = seconds.map_err(|_| Unusable(format!("{name} is out of range")))?;
                list.params.insert(key(name)?, seconds.into());
            }
        }
        let texts = [("keyid", &self.keyid), ("alg", &self.alg), ("nonce", &self.nonce), ("tag", &self.tag)];
        for (name, text) in texts {
            if let Some(text) = text {
                let text = sfv::String::try_from(text.clone());
                let text = text.map_err(|_| Unusable(format!("{name} is not printable ASCII")))?;
                list.params.insert(key(name)?, text.into());
            }
        }
        Ok(())
    }
}

/// A signature as received, not verified yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Signed {
    label: String,
    list: InnerList,
    components: Vec<String>,
    parameters: Parameters,
    signature: Vec<u8>,
}

/// The signatures of a message, from the values of its fields `Signature-Input` and
/// `Signature`, in the order of the former.
///
/// # Errors
/// [`Unusable`] when they are not what RFC 9421 §4 says: no dictionaries, a label twice,
/// a label in one of the two only, a component twice or with parameters.
pub fn signatures(signature_input: &str, signature: &str) -> Result<Vec<Signed>, Unusable> {
    let inputs = dictionary("Signature-Input", signature_input)?;
    let mut signatures = dictionary("Signature", signature)?;
    let mut read = Vec::new();
    for (label, entry) in inputs {
        let wrong = |what: &str| Unusable(format!("{label}: {what}"));
        let ListEntry::InnerList(list) = entry else {
            return Err(wrong("Signature-Input holds no list of components"));
        };
        let components = components(&list).map_err(|error| wrong(&error.0))?;
        let parameters = Parameters::read(&list).map_err(|error| wrong(&error.0))?;
        let signature = match signatures.swap_remove(label.as_str()) {
            Some(ListEntry::Item(Item { bare_item: GenericBareItem::ByteSequence(bytes), .. })) => bytes,
            Some(_) => return Err(wrong("Signature holds no byte sequence")),
            None => return Err(wrong("this label is not in the field Signature")),
        };
        read.push(Signed { label: label.as_str().to_owned(), list, components, parameters, signature });
    }
    match signatures.keys().next() {
        Some(label) => unusable(format!("{label}: this label is not in the field Signature-Input")),
        None => Ok(read),
    }
}

fn components(list: &InnerList) -> Result<Vec<String>, Unusable> {
    let mut components = Vec::new();
    for item in &list.items {
        let GenericBareItem::String(name) = &item.bare_item else {
            return unusable("a component is not a string");
        };
        let name = name.as_str();
        if !item.params.is_empty() {
            return unusable(format!("the component \"{name}\" has parameters, which are not done here"));
        }
        if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return unusable(format!("the component \"{name}\" is not in lower case"));
        }
        if components.iter().any(|before| before == name) {
            return unusable(format!("the component \"{name}\" stands twice"));
        }
        components.push(name.to_owned());
    }
    Ok(components)
}

impl Signed {
    /// The label that it has among the message's signatures.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Names of the covered components, in the order in which they are covered.
    #[must_use]
    pub fn components(&self) -> &[String] {
        &self.components
    }

    /// Its parameters. Unknown ones are covered all the same.
    #[must_use]
    pub const fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The signature.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// What it is a signature over, in this message (RFC 9421 §2.5).
    ///
    /// # Errors
    /// [`Unusable`] names a component that the message does not have.
    pub fn base(&self, message: &Message<'_>) -> Result<String, Unusable> {
        base(&self.components, &serialised(&self.list), message)
    }
}

/// A signature to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    label: Key,
    input: String,
    base: String,
}

/// The two fields that a signature travels in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureFields {
    /// `Signature-Input`.
    pub signature_input: String,
    /// `Signature`.
    pub signature: String,
}

impl Draft {
    /// A signature over `components` of `message`.
    ///
    /// # Errors
    /// [`Unusable`] when the message lacks one of them, or the label or a parameter
    /// cannot be written.
    pub fn new(
        label: &str,
        message: &Message<'_>,
        components: &[&str],
        parameters: &Parameters,
    ) -> Result<Self, Unusable> {
        let label = Key::try_from(label.to_owned()).map_err(|error| Unusable(format!("label: {error}")))?;
        let mut list = InnerList::default();
        for name in components {
            let name = StringRef::from_str(name).map_err(|error| Unusable(format!("component: {error}")))?;
            list.items.push(Item::new(name));
        }
        parameters.write(&mut list)?;
        let names = self::components(&list)?;
        let input = serialised(&list);
        let base = base(&names, &input, message)?;
        Ok(Self { label, input, base })
    }

    /// What is to be signed.
    #[must_use]
    pub const fn base(&self) -> &[u8] {
        self.base.as_bytes()
    }

    /// With the signature: the fields to be added to the message.
    #[must_use]
    pub fn finish(self, signature: &[u8]) -> SignatureFields {
        let label = self.label.as_str();
        SignatureFields {
            signature_input: format!("{label}={}", self.input),
            signature: format!("{label}={}", crate::byte_sequence(signature)),
        }
    }
}

fn base(components: &[String], input: &str, message: &Message<'_>) -> Result<String, Unusable> {
    let mut base = String::new();
    for name in components {
        let value = message.component(name)?;
        base.push_str(&format!("\"{name}\": {value}\n"));
    }
    base.push_str(&format!("\"@signature-params\": {input}"));
    Ok(base)
}

/// An inner list in the one form that everybody writes it in (RFC 9651 §4.1.1.1).
fn serialised(list: &InnerList) -> String {
    let mut serializer = ListSerializer::new();
    {
        let mut inner = serializer.inner_list();
        for item in &list.items {
            inner.bare_item(&item.bare_item).parameters(&item.params);
        }
        inner.finish().parameters(&list.params);
    }
    serializer.finish().unwrap_or_default()
}

/// A dictionary in which no key stands twice: RFC 9651 takes the last of two, and what
/// reads only the first would see another signature.
struct Unique(Dictionary);

/// A key that stands twice.
#[derive(Debug)]
struct Twice(String);

impl fmt::Display for Twice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the label {} stands twice", self.0)
    }
}

impl core::error::Error for Twice {}

impl<'de> DictionaryVisitor<'de> for Unique {
    type Out = Dictionary;
    type Error = Twice;

    fn entry(&mut self, key: &'de KeyRef) -> Result<impl EntryVisitor<'de>, Twice> {
        if self.0.contains_key(key.as_str()) {
            return Err(Twice(key.as_str().to_owned()));
        }
        DictionaryVisitor::entry(&mut self.0, key).map_err(|never: Infallible| match never {})
    }

    fn finish(self) -> Result<Dictionary, Twice> {
        Ok(self.0)
    }
}

fn dictionary(field: &str, value: &str) -> Result<Dictionary, Unusable> {
    let parsed = Parser::new(value).parse_dictionary_with_visitor(Unique(Dictionary::new()));
    parsed.map_err(|error| Unusable(format!("{field}: {error}")))
}
