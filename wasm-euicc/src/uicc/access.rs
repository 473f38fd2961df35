//! Access rules: EF.ARR in expanded format (ETSI TS 102 221 §9.2.7,
//! ISO 7816-4 §9.3.3).

use tlv::{Reader, Tag, Tlv};

use super::file::{AccessReference, File, Structure, Tree};
use super::select::Step;
use crate::nvm::View;

/// What is to be done with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// READ, SEARCH.
    Read,
    /// UPDATE.
    Update,
    /// DEACTIVATE FILE.
    Deactivate,
    /// ACTIVATE FILE.
    Activate,
    /// A command without an access mode bit of its own, by its instruction.
    Instruction(u8),
}

impl Access {
    /// The bit of an EF's access mode byte.
    const fn bit(self) -> Option<u8> {
        match self {
            Self::Read => Some(0x01),
            Self::Update => Some(0x02),
            Self::Deactivate => Some(0x08),
            Self::Activate => Some(0x10),
            Self::Instruction(_) => None,
        }
    }
}

/// The access conditions that a remote application meets whatever PINs say
/// (ETSI TS 102 226 §8.2.1.3.2.5). What is never allowed stays so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Domain {
    /// Every one.
    Full,
    /// Those in the bitmap: application PINs 1 to 8 and ADM 1 to 8 by the bits of
    /// a byte each from the least, ADM 9 and 10 by the two least of the third.
    Keys([u8; 3]),
    /// None; no access at all.
    None,
}

impl Domain {
    /// Reads an access domain; what is not known gives no access.
    pub(super) const fn read(bytes: &[u8]) -> Self {
        match bytes {
            [0x00, ..] => Self::Full,
            [0x02, pins, adm, more] => Self::Keys([*pins, *adm, *more]),
            _ => Self::None,
        }
    }

    pub(super) fn is_some(self) -> bool {
        self != Self::None
    }

    /// Whether the key reference is met.
    pub(super) const fn grants(self, reference: u8) -> bool {
        let (pins, adm, more) = match self {
            Self::Full => return true,
            Self::Keys([pins, adm, more]) => (pins, adm, more),
            Self::None => return false,
        };
        let (byte, bit) = match reference {
            0x01..=0x08 => (pins, reference - 0x01),
            0x0A..=0x0E => (adm, reference - 0x0A),
            0x8A..=0x8C => (adm, reference - 0x8A + 5),
            0x8D | 0x8E => (more, reference - 0x8D),
            _ => return false,
        };
        byte >> bit & 1 == 1
    }
}

/// How deep AND and OR templates may stand in each other.
const MAX_DEPTH: usize = 4;

/// Whether the access rules of a file allow an access. `directories` leads from
/// the MF to the directory that holds the file; `satisfied` tells whether the
/// PIN with a key reference has been verified.
pub(super) fn allowed<V: View + ?Sized>(
    tree: Tree<'_, V>,
    directories: &[Step],
    file: &File,
    access: Access,
    satisfied: impl Fn(u8) -> bool,
) -> bool {
    let Some(rules) = file.access.and_then(|reference| rules(tree, directories, reference)) else {
        return false;
    };
    evaluate(rules, access, &satisfied).unwrap_or(false)
}

/// The record with the rules: EF.ARR is looked for in the directory of the
/// file, then in those above it.
fn rules<'v, V: View + ?Sized>(
    tree: Tree<'v, V>,
    directories: &[Step],
    reference: AccessReference,
) -> Option<&'v [u8]> {
    let arr = directories.iter().rev().find_map(|step| tree.file(step.id, reference.arr))?;
    let elementary = arr.elementary()?;
    let Structure::LinearFixed(len) = elementary.structure else { return None };
    let index = usize::from(reference.record.checked_sub(1)?);
    tree.body(elementary).chunks_exact(usize::from(len).max(1)).nth(index)
}

/// Walks the access mode data objects, each followed by its security
/// conditions, of which one is enough.
fn evaluate(rules: &[u8], access: Access, satisfied: &impl Fn(u8) -> bool) -> Result<bool, tlv::Error> {
    const MODE: Tag = Tag(0x80);
    const HEADERS: [Tag; 5] = [Tag(0x81), Tag(0x82), Tag(0x83), Tag(0x84), Tag(0x85)];
    const PROPRIETARY_MODE: Tag = Tag(0x9C);
    /// Command header that names the instruction only.
    const INSTRUCTION: Tag = Tag(0x84);

    let mut reader = Reader::new(rules);
    let mut meant = false;
    // The rest of the record is filled with FF.
    while reader.rest().first().is_some_and(|&byte| byte != 0xFF) {
        let Some(object) = reader.next()? else { break };
        if object.tag == MODE {
            meant = access.bit().is_some_and(|bit| object.value.first().is_some_and(|mode| mode & bit != 0));
        } else if HEADERS.contains(&object.tag) {
            meant = object.tag == INSTRUCTION
                && matches!(access, Access::Instruction(ins) if object.value.contains(&ins));
        } else if object.tag == PROPRIETARY_MODE {
            meant = false;
        } else if meant && condition(&object, satisfied, 0)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn condition(object: &Tlv<'_>, satisfied: &impl Fn(u8) -> bool, depth: usize) -> Result<bool, tlv::Error> {
    const ALWAYS: Tag = Tag(0x90);
    const NEVER: Tag = Tag(0x97);
    const AUTHENTICATION: Tag = Tag(0xA4);
    const OR: Tag = Tag(0xA0);
    const AND: Tag = Tag(0xAF);
    const KEY_REFERENCE: Tag = Tag(0x83);

    match object.tag {
        ALWAYS => Ok(true),
        NEVER => Ok(false),
        AUTHENTICATION => {
            let key = object.fields().required(KEY_REFERENCE)?;
            Ok(matches!(key.value, [reference] if satisfied(*reference)))
        }
        OR | AND if depth < MAX_DEPTH => {
            let mut reader = object.reader();
            let mut any = false;
            let mut all = true;
            while let Some(inner) = reader.next()? {
                let one = condition(&inner, satisfied, depth + 1)?;
                any |= one;
                all &= one;
            }
            Ok(any && (object.tag == OR || all))
        }
        _ => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn decide(rules: &str, access: Access, verified: &[u8]) -> bool {
        evaluate(&vectors::bytes(rules), access, &|reference| verified.contains(&reference)).unwrap_or(false)
    }

    /// Default access rules of TCA "Interoperable Profile Package" §9.9.
    #[test]
    fn rules_of_the_profile_package_specification() {
        // Record 1: read always, update PIN1, other ADM1.
        let first = "8001019000 800102A406830101950108 800158A40683010A950108 FFFF";
        assert!(decide(first, Access::Read, &[]));
        assert!(!decide(first, Access::Update, &[]));
        assert!(decide(first, Access::Update, &[0x01]));
        assert!(!decide(first, Access::Deactivate, &[0x01]));
        assert!(decide(first, Access::Deactivate, &[0x0A]));
        // Record 4: update never.
        let fourth = "8001019000 80011A9700 800140A40683010A950108";
        assert!(!decide(fourth, Access::Update, &[0x01, 0x0A]));
        // Record 7: INCREASE with PIN1.
        let seventh = "800103A406830101950108 800158A40683010A950108 840132A406830101950108";
        assert!(!decide(seventh, Access::Instruction(0x32), &[0x0A]));
        assert!(decide(seventh, Access::Instruction(0x32), &[0x01]));
    }

    #[test]
    fn access_domains_grant_keys() {
        let all = [0x01, 0x08, 0x0A, 0x0E, 0x8A, 0x8E, 0x81, 0x11];
        let granted = |bytes: &[u8]| all.map(|reference| Domain::read(bytes).grants(reference));
        assert_eq!(granted(&[0x00]), [true; 8]);
        assert_eq!(granted(&[0xFF]), [false; 8]);
        assert_eq!(granted(&[]), [false; 8]);
        assert_eq!(granted(&[0x02]), [false; 8]);
        assert_eq!(granted(&[0x02, 0, 1, 0]), [false, false, true, false, false, false, false, false]);
        assert_eq!(granted(&[0x02, 0x81, 0x30, 2]), [true, true, false, true, true, true, false, false]);
    }

    /// EF.ARR records of `vectors-ef.json` (pySim's own test values).
    #[test]
    fn published_records() {
        let record = "800101a40683010a950108800106900080016097008401d4a40683010a950108";
        assert!(decide(record, Access::Read, &[0x0A]));
        assert!(!decide(record, Access::Read, &[0x01]));
        assert!(decide(record, Access::Update, &[]));
        assert!(decide(record, Access::Instruction(0xD4), &[0x0A]));
        assert!(!decide(record, Access::Instruction(0xD4), &[]));
    }

    #[test]
    fn and_or_templates_nest_but_not_without_end() {
        let or = "800101 A010 A406830101950108 A40683010A950108";
        assert!(decide(or, Access::Read, &[0x0A]));
        assert!(!decide(or, Access::Read, &[0x81]));
        let and = "800101 AF10 A406830101950108 A40683010A950108";
        assert!(!decide(and, Access::Read, &[0x0A]));
        assert!(decide(and, Access::Read, &[0x0A, 0x01]));
        assert!(!decide("800101 AF00", Access::Read, &[]));
        let deep = "800101 A00A A008 A006 A004 A002 9000";
        assert!(!decide(deep, Access::Read, &[]));
    }
}
