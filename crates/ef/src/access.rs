//! Access rules in words: what of PIN and ADM an operation needs
//! (ETSI TS 102 221 §9.2, ISO 7816-4 §9.3).

use tlv::{Reader, Tag, Tlv};
use words::{Text, text};

use crate::content::hex;

/// What is done with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// READ, SEARCH.
    Read,
    /// UPDATE.
    Update,
    /// WRITE, append a record.
    Append,
    /// DEACTIVATE FILE.
    Deactivate,
    /// ACTIVATE FILE.
    Activate,
    /// TERMINATE.
    Terminate,
    /// DELETE FILE, of itself.
    Delete,
    /// DELETE FILE, of a child.
    DeleteChild,
    /// CREATE FILE, an EF.
    CreateEf,
    /// CREATE FILE, a DF.
    CreateDf,
    /// Another command, by its instruction (`32` INCREASE, `D4` RESIZE FILE).
    Command(u8),
}

impl Operation {
    /// In words.
    #[must_use]
    pub fn words(self) -> Text<String> {
        match self {
            Self::Read => Text::new("read", "読み出し").owned(),
            Self::Update => Text::new("update", "更新").owned(),
            Self::Append => Text::new("append", "追加").owned(),
            Self::Deactivate => Text::new("deactivate", "無効化").owned(),
            Self::Activate => Text::new("activate", "有効化").owned(),
            Self::Terminate => Text::new("terminate", "終了").owned(),
            Self::Delete => Text::new("delete", "削除").owned(),
            Self::DeleteChild => Text::new("delete a file in it", "中のファイルの削除").owned(),
            Self::CreateEf => Text::new("create an EF in it", "中に EF を作成").owned(),
            Self::CreateDf => Text::new("create a DF in it", "中に DF を作成").owned(),
            Self::Command(0x32) => Text::new("increase", "加算").owned(),
            Self::Command(0xD4) => Text::new("resize", "サイズ変更").owned(),
            Self::Command(ins) => text!("command {ins:02X}", "コマンド {ins:02X}"),
        }
    }
}

/// What an operation needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Nothing.
    Always,
    /// It is never possible.
    Never,
    /// A PIN or ADM key verified, by its reference.
    Key(u8),
    /// One of these.
    Any(Vec<Self>),
    /// All of these.
    All(Vec<Self>),
    /// Something that is not known here.
    Other(Vec<u8>),
}

impl Condition {
    /// In words.
    #[must_use]
    pub fn words(&self) -> Text<String> {
        match self {
            Self::Always => Text::new("always", "常に可").owned(),
            Self::Never => Text::new("never", "不可").owned(),
            Self::Key(reference) => {
                let name = key_name(*reference);
                Text { en: name.clone(), ja: name }
            }
            Self::Any(list) => joined(list, " or ", " または "),
            Self::All(list) => joined(list, " and ", " かつ "),
            Self::Other(bytes) => {
                let bytes = hex(bytes);
                text!("something else ({bytes})", "その他 ({bytes})")
            }
        }
    }
}

fn joined(list: &[Condition], en: &str, ja: &str) -> Text<String> {
    let words: Vec<Text<String>> = list.iter().map(Condition::words).collect();
    let join =
        |pick: fn(&Text<String>) -> &str, with: &str| words.iter().map(pick).collect::<Vec<_>>().join(with);
    Text { en: join(|text| &text.en, en), ja: join(|text| &text.ja, ja) }
}

/// The name of a key reference (ETSI TS 102 221 §9.5.1, table 9.3).
#[must_use]
pub fn key_name(reference: u8) -> String {
    match reference {
        0x01 => "PIN1".to_owned(),
        0x02..=0x08 => format!("PIN1 of application {reference}"),
        0x0A..=0x0E => format!("ADM{}", reference - 0x09),
        0x11 => "universal PIN".to_owned(),
        0x81 => "PIN2".to_owned(),
        0x82..=0x88 => format!("PIN2 of application {}", reference - 0x80),
        0x8A..=0x8E => format!("ADM{}", reference - 0x84),
        _ => format!("key {reference:02X}"),
    }
}

/// One rule: operations, and what they need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// For what it is.
    pub operations: Vec<Operation>,
    /// What they need.
    pub condition: Condition,
    /// Bytes of the record that it comes from.
    pub range: std::ops::Range<usize>,
}

/// The rules of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules(
    /// In the order of the card.
    pub Vec<Rule>,
);

impl Rules {
    /// What an operation needs; what no rule is about is never allowed.
    #[must_use]
    pub fn of(&self, operation: Operation) -> Condition {
        let mut found: Vec<Condition> = Vec::new();
        for rule in self.0.iter().filter(|rule| rule.operations.contains(&operation)) {
            found.push(rule.condition.clone());
        }
        match found.len() {
            0 => Condition::Never,
            1 => found.swap_remove(0),
            _ => Condition::Any(found),
        }
    }

    /// Reads a record of EF.ARR, or the value of the attributes in expanded format.
    ///
    /// # Errors
    /// When the bytes are not data objects up to their padding.
    pub fn expanded(bytes: &[u8], directory: bool) -> Result<Self, tlv::Error> {
        let mut rules: Vec<Rule> = Vec::new();
        let mut reader = Reader::new(bytes);
        while !matches!(reader.rest().first(), None | Some(0xFF | 0x00)) {
            let start = bytes.len() - reader.rest().len();
            let Some(object) = reader.next()? else { break };
            let end = start + object.raw.len();
            match (object.tag.0, object.value) {
                (0x80, [mode]) => {
                    rules.push(Rule {
                        operations: operations(*mode, directory),
                        condition: Condition::Never,
                        range: start..end,
                    });
                }
                // Command headers: bits 4 to 1 of the tag tell what of CLA INS P1 P2 is given.
                (tag @ 0x81..=0x8F, value) => {
                    let at = usize::from(tag & 0x08 != 0);
                    let operations = match value.get(at) {
                        Some(ins) if tag & 0x04 != 0 => vec![Operation::Command(*ins)],
                        _ => Vec::new(),
                    };
                    rules.push(Rule { operations, condition: Condition::Never, range: start..end });
                }
                _ => {
                    let Some(rule) = rules.last_mut() else { continue };
                    let condition = condition(object, 0);
                    rule.condition = match std::mem::replace(&mut rule.condition, Condition::Never) {
                        // The first condition of this rule.
                        Condition::Never => condition,
                        Condition::Any(mut list) => {
                            list.push(condition);
                            Condition::Any(list)
                        }
                        before => Condition::Any(vec![before, condition]),
                    };
                    rule.range.end = end;
                }
            }
        }
        Ok(Self(rules))
    }

    /// Reads attributes in compact format: a mode byte, then a condition for each of its
    /// bits from the highest (ISO 7816-4 §9.3.3).
    #[must_use]
    pub fn compact(bytes: &[u8], directory: bool) -> Self {
        let Some((&mode, conditions)) = bytes.split_first() else { return Self::default() };
        let bits = (0..7).rev().filter(|bit| mode >> bit & 1 == 1);
        let rules = bits.zip(conditions).enumerate().map(|(index, (bit, condition))| Rule {
            operations: operations(1 << bit, directory),
            condition: match condition {
                0x00 => Condition::Always,
                0xFF => Condition::Never,
                other => Condition::Other(vec![*other]),
            },
            range: index + 1..index + 2,
        });
        Self(rules.collect())
    }
}

/// The operations of a mode byte (ISO 7816-4 §9.3.2).
fn operations(mode: u8, directory: bool) -> Vec<Operation> {
    use Operation::{
        Activate, Append, CreateDf, CreateEf, Deactivate, Delete, DeleteChild, Read, Terminate, Update,
    };
    let all = if directory {
        [DeleteChild, CreateEf, CreateDf, Deactivate, Activate, Terminate, Delete]
    } else {
        [Read, Update, Append, Deactivate, Activate, Terminate, Delete]
    };
    all.into_iter()
        .enumerate()
        .filter(|(bit, _)| mode >> bit & 1 == 1)
        .map(|(_, operation)| operation)
        .collect()
}

/// A security condition data object.
fn condition(object: Tlv<'_>, depth: u8) -> Condition {
    const MAX_DEPTH: u8 = 4;
    let inner = |object: Tlv<'_>| {
        let mut reader = object.reader();
        let mut list = Vec::new();
        while let Ok(Some(part)) = reader.next() {
            list.push(condition(part, depth + 1));
        }
        list
    };
    match object.tag.0 {
        0x90 => Condition::Always,
        0x97 => Condition::Never,
        0xA4 => match object.fields().optional(Tag(0x83)) {
            Ok(Some(Tlv { value: [reference], .. })) => Condition::Key(*reference),
            _ => Condition::Other(object.raw.to_vec()),
        },
        0xA0 if depth < MAX_DEPTH => Condition::Any(inner(object)),
        0xAF if depth < MAX_DEPTH => Condition::All(inner(object)),
        _ => Condition::Other(object.raw.to_vec()),
    }
}
