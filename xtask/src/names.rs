//! Shorter names between a module and its JavaScript: wasm-bindgen makes each of what the function
//! is and of a hash (`__wbg_addEventListener_65bc6dcaeba0c9f1`), in both files. Nothing looks at
//! them but these two, and a hash is what no compression makes smaller.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};

/// Section ids, and the kinds of imports (WebAssembly Core 2.0 §5.5).
const IMPORTS: u8 = 2;
const MAGIC: &[u8] = b"\0asm\x01\0\0\0";

/// Gives what a module imports from its JavaScript short names, in both of them.
///
/// # Errors
/// When the module cannot be read, or the JavaScript has not every name once.
pub(crate) fn shorten(module: &[u8], script: &str) -> Result<(Vec<u8>, String)> {
    let mut rest = module.strip_prefix(MAGIC).context("not a WebAssembly module")?;
    let mut made = MAGIC.to_vec();
    let mut names = BTreeMap::new();
    while !rest.is_empty() {
        let id = byte(&mut rest)?;
        let length = number(&mut rest)?;
        let section = take(&mut rest, length)?;
        let section = match id {
            IMPORTS => imports(section, &mut names)?,
            _ => section.to_vec(),
        };
        made.push(id);
        write(&mut made, section.len());
        made.extend_from_slice(&section);
    }
    Ok((made, renamed(script, &names)?))
}

/// The section of imports with short names in it.
fn imports(mut section: &[u8], names: &mut BTreeMap<String, String>) -> Result<Vec<u8>> {
    let mut made = Vec::new();
    let count = number(&mut section)?;
    write(&mut made, count);
    for _ in 0..count {
        let module = text(&mut section)?;
        let name = text(&mut section)?;
        let is_long = module.ends_with("_bg.js") && name.starts_with("__w");
        let name = match is_long {
            true => {
                let next = names.len();
                names.entry(name.to_owned()).or_insert_with(|| short(next)).as_str()
            }
            false => name,
        };
        for part in [module, name] {
            write(&mut made, part.len());
            made.extend_from_slice(part.as_bytes());
        }
        let kind = take_description(&mut section)?;
        made.extend_from_slice(kind);
    }
    match section.is_empty() {
        true => Ok(made),
        false => bail!("the imports are longer than they say"),
    }
}

/// What is imported: a function's type, a table, a memory, a global, a tag.
fn take_description<'a>(section: &mut &'a [u8]) -> Result<&'a [u8]> {
    let start = *section;
    match byte(section)? {
        0 => drop(number(section)?),
        3 => drop(take(section, 2)?),
        4 => {
            byte(section)?;
            number(section)?;
        }
        kind @ (1 | 2) => {
            if kind == 1 {
                byte(section)?;
            }
            let has_most = number(section)? & 1 == 1;
            number(section)?;
            if has_most {
                number(section)?;
            }
        }
        kind => bail!("an import of kind {kind}"),
    }
    Ok(&start[..start.len() - section.len()])
}

/// `$a`, `$b`, … `$z`, `$A`, … `$aa`: no name of wasm-bindgen's.
fn short(mut number: usize) -> String {
    const LETTERS: &[u8; 52] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let mut name = String::from("$");
    loop {
        name.push(char::from(LETTERS[number % LETTERS.len()]));
        number /= LETTERS.len();
        if number == 0 {
            return name;
        }
        number -= 1;
    }
}

/// A script with other names in it.
fn renamed(script: &str, names: &BTreeMap<String, String>) -> Result<String> {
    let is_of_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '$';
    let mut made = String::with_capacity(script.len());
    let mut seen = BTreeMap::new();
    let mut rest = script;
    while let Some(at) = rest.find(is_of_name) {
        let (before, word) = rest.split_at(at);
        let end = word.find(|letter| !is_of_name(letter)).unwrap_or(word.len());
        let (word, after) = word.split_at(end);
        made.push_str(before);
        match names.get(word) {
            Some(short) => {
                *seen.entry(word).or_insert(0) += 1;
                made.push_str(short);
            }
            None => made.push_str(word),
        }
        rest = after;
    }
    made.push_str(rest);
    match names.keys().find(|name| seen.get(name.as_str()) != Some(&1)) {
        Some(name) => bail!("the JavaScript does not have {name} once"),
        None => Ok(made),
    }
}

fn byte(rest: &mut &[u8]) -> Result<u8> {
    take(rest, 1).map(|bytes| bytes[0])
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8]> {
    let (bytes, after) = rest.split_at_checked(length).context("the module is cut off")?;
    *rest = after;
    Ok(bytes)
}

fn text<'a>(rest: &mut &'a [u8]) -> Result<&'a str> {
    let length = number(rest)?;
    Ok(std::str::from_utf8(take(rest, length)?)?)
}

/// LEB128, without a sign.
fn number(rest: &mut &[u8]) -> Result<usize> {
    let mut value = 0;
    for shift in (0..35).step_by(7) {
        let byte = byte(rest)?;
        value |= usize::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    bail!("a number without an end")
}

fn write(made: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        made.push((value & 0x7F) as u8 | 0x80);
        value >>= 7;
    }
    made.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sections of a module.
    fn module(sections: &[(u8, &[u8])]) -> Vec<u8> {
        let mut made = MAGIC.to_vec();
        for (id, section) in sections {
            made.push(*id);
            write(&mut made, section.len());
            made.extend_from_slice(section);
        }
        made
    }

    fn import(module: &str, name: &str, description: &[u8]) -> Vec<u8> {
        let mut made = Vec::new();
        for part in [module, name] {
            write(&mut made, part.len());
            made.extend_from_slice(part.as_bytes());
        }
        made.extend_from_slice(description);
        made
    }

    #[test]
    fn names_are_short_on_both_sides_and_nothing_else_is_touched() {
        let of = |first: &str, second: &str| {
            let list = [
                vec![4],
                import("./page_bg.js", first, &[0, 0x80, 0x01]),
                import("./__wasm_split.js", "__wbg_other_00", &[0, 1]),
                import("./page_bg.js", second, &[0, 2]),
                import("env", "memory", &[2, 1, 1, 0x80, 0x02]),
            ];
            module(&[(1, &[0; 200]), (2, &list.concat()), (0, b"\x04name")])
        };
        let script = "({__wbg_log_0123456789abcdef:function(){},__wbg_log_0123456789abcdef0:1,\
                      __wbindgen_cast_0000000000000001:()=>x.__wbg_ptr})";
        let (made, said) =
            shorten(&of("__wbg_log_0123456789abcdef", "__wbindgen_cast_0000000000000001"), script).unwrap();
        assert_eq!(made, of("$a", "$b"));
        assert_eq!(said, "({$a:function(){},__wbg_log_0123456789abcdef0:1,$b:()=>x.__wbg_ptr})");
    }

    #[test]
    fn a_name_that_the_script_does_not_have_once_is_no_name() {
        let list = [vec![1], import("./page_bg.js", "__wbg_a_1", &[0, 0])].concat();
        let module = module(&[(2, &list)]);
        for script in ["", "__wbg_a_1 __wbg_a_1", "__wbg_a_12"] {
            assert!(shorten(&module, script).is_err(), "{script}");
        }
        for length in 0..module.len() {
            let cut = shorten(&module[..length], "__wbg_a_1");
            // At the end of the head a module without sections is whole, but has no such name.
            assert!(cut.is_err() || length == MAGIC.len(), "{length}");
        }
    }

    #[test]
    fn every_short_name_is_another() {
        let names: std::collections::BTreeSet<_> = (0..10_000).map(short).collect();
        assert_eq!(names.len(), 10_000);
    }
}
