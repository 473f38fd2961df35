//! `cargo xtask build --iwa SITE`: the page as an Isolated Web App, into `dist-iwa/`.
//!
//! ```text
//! esim-laboratory.swbn     the page, the chip and the reader of QR codes, signed
//! update.json              where a browser finds newer ones, relative to itself
//! ```
//!
//! A page that a server hands out can't claim an ordinary card reader: browsers keep USB's class of
//! smart cards from it. One that is packed and signed may, if its manifest says so
//! (`usb-unrestricted`). Nobody serves it, so the site that it speaks with is built into it, and is
//! the only one that its policy lets it reach.
//!
//! The file is an integrity block (version `2b`, Ed25519; WICG webpackage, *Integrity Block*) before
//! a web bundle (version `b2`, draft-ietf-wpack-bundled-responses). The app's name is its key:
//! `isolated-app://ID/`, base32 of the public key and `00 01 02` (WICG isolated-web-apps, *Scheme*).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey};
use ed25519_dalek::{Signer, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha512};
use zeroize::Zeroizing;

use crate::build;
use crate::place::Place;
use crate::state::{private, random};

/// The file with everything.
const BUNDLE: &str = "esim-laboratory.swbn";

/// Where the app's manifest has to be.
const MANIFEST: &str = ".well-known/manifest.webmanifest";

/// What the app may use: without being named here, nothing.
const POWERS: [&str; 6] =
    ["camera", "clipboard-write", "cross-origin-isolated", "serial", "usb", "usb-unrestricted"];

/// Packs what lies in `dist/` for a site (`https://…`), signed with the key in a file, or with one
/// for tests that is made at the first time and stays with what is built. Returns the bundle.
pub(crate) fn pack(place: &Place, version: &str, site: &str, key: Option<&Path>) -> Result<PathBuf> {
    let site = origin(site)?;
    let key = match key {
        Some(file) => read_key(file)?,
        None => test_key(&place.scratch().join("iwa-test-key.pem"))?,
    };
    let id = bundle_id(key.verifying_key().as_bytes());
    let base = format!("isolated-app://{id}/");
    let policy = policy(&site);
    let mut responses = BTreeMap::new();
    for (name, content) in contents(&place.dist(), version, &site)? {
        let headers = headers(&name, &policy)?;
        // The page is at the root and nowhere else.
        let path = if name == "index.html" { "" } else { &name };
        responses.insert(format!("{base}{path}"), (headers, content));
    }
    let bundle = bundle(&responses);
    let target = place.root.join("dist-iwa");
    fs::create_dir_all(&target).with_context(|| format!("making {}", target.display()))?;
    let file = target.join(BUNDLE);
    fs::write(&file, [integrity_block(&bundle, &id, &key), bundle].concat())?;
    let update = json!({ "versions": [{ "version": version, "src": BUNDLE }] });
    fs::write(target.join("update.json"), serde_json::to_string_pretty(&update)?)?;
    println!("Isolated Web App: {}", file.display());
    println!("  origin  {}    (in the variable APPS of the site's worker)", base.trim_end_matches('/'));
    println!("  site    {site}");
    Ok(file)
}

/// The origin of a site. Browsers let an Isolated Web App reach nothing that is not encrypted.
fn origin(site: &str) -> Result<String> {
    let host = site.strip_prefix("https://").map(|rest| rest.trim_end_matches('/'));
    let plain = |host: &&str| {
        !host.is_empty()
            && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':'))
    };
    match host.filter(plain) {
        Some(host) => Ok(format!("https://{}", host.to_ascii_lowercase())),
        None => bail!("{site}: the site of an Isolated Web App is https:// and a host, without a path"),
    }
}

fn read_key(file: &Path) -> Result<SigningKey> {
    let pem =
        Zeroizing::new(fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?);
    SigningKey::from_pkcs8_pem(&pem)
        .ok()
        .with_context(|| format!("{} is no Ed25519 key: PKCS#8, PEM", file.display()))
}

fn test_key(file: &Path) -> Result<SigningKey> {
    if file.is_file() {
        return read_key(file);
    }
    let seed = Zeroizing::new(random::<32>()?);
    let key = SigningKey::from_bytes(&seed);
    let pem = key.to_pkcs8_pem(LineEnding::LF).ok().context("a key has no PEM")?;
    private(file, pem.as_bytes())?;
    println!("a key for tests was made: {}", file.display());
    Ok(key)
}

/// What the page may do, which is never more than a browser's own policy for such apps. It writes
/// markup and names scripts only through the policy that `www/shell/boot.js` makes.
fn policy(site: &str) -> String {
    format!(
        "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; \
         img-src 'self' data: blob:; connect-src 'self' {site}; object-src 'none'; base-uri 'none'; \
         form-action 'self'; frame-src 'none'; frame-ancestors 'self'; \
         require-trusted-types-for 'script'; trusted-types default"
    )
}

/// A response's headers but for its status.
fn headers(name: &str, policy: &str) -> Result<Vec<(&'static str, String)>> {
    let kind = match name.rsplit_once('.').map(|(_, kind)| kind) {
        Some("css") => "text/css",
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript",
        Some("png") => "image/png",
        Some("svg") => "image/svg+xml",
        Some("wasm") => "application/wasm",
        Some("webmanifest") => "application/manifest+json",
        _ => bail!("{name}: nobody has said what type a file of this kind has"),
    };
    let all = [
        ("content-security-policy", policy),
        ("content-type", kind),
        ("cross-origin-embedder-policy", "require-corp"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
    ];
    Ok(all.map(|(name, value)| (name, value.to_owned())).into())
}

/// The files of the app: the site's, but for what only a site needs, and with what only an app has.
fn contents(dist: &Path, version: &str, site: &str) -> Result<BTreeMap<String, Vec<u8>>> {
    // Installed as a whole, it needs no service worker to be there without a network.
    const SITE_ONLY: [&str; 2] = ["sw.js", "manifest.webmanifest"];
    let mut contents = BTreeMap::new();
    for (name, file) in build::files(dist)? {
        if !SITE_ONLY.contains(&name.as_str()) {
            contents.insert(name, fs::read(file)?);
        }
    }
    let page = contents.get_mut("index.html").context("dist/ holds no page")?;
    let text = String::from_utf8(std::mem::take(page)).context("the page is no text")?;
    let with_site = text
        .replace("href=\"/manifest.webmanifest\"", &format!("href=\"/{MANIFEST}\""))
        .replace("<body ", &format!("<body data-site=\"{site}\" "));
    if !with_site.contains("data-site") || !with_site.contains(MANIFEST) {
        bail!("the page has no <body> with data, or no manifest: the app would not find its site");
    }
    *page = with_site.into_bytes();
    let manifest = fs::read_to_string(dist.join("manifest.webmanifest")).context("the site's manifest")?;
    contents.insert(MANIFEST.to_owned(), manifest_of(&manifest, version)?.into_bytes());
    Ok(contents)
}

/// The app's manifest, made of the site's.
fn manifest_of(site: &str, version: &str) -> Result<String> {
    let mut manifest: Value = serde_json::from_str(site).context("the site's manifest")?;
    manifest["version"] = json!(version);
    manifest["isolated_storage"] = json!(true);
    manifest["permissions_policy"] =
        POWERS.iter().map(|power| ((*power).to_owned(), json!(["self"]))).collect();
    Ok(serde_json::to_string_pretty(&manifest)?)
}

/// The name of what is signed with a key.
fn bundle_id(public_key: &[u8; 32]) -> String {
    const ED25519: [u8; 3] = [0x00, 0x01, 0x02];
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    // 35 bytes are 56 digits of five bits: nothing is left over.
    [&public_key[..], &ED25519]
        .concat()
        .chunks(5)
        .flat_map(|five| {
            let number = five.iter().fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
            (0..8).rev().map(move |digit| (number >> (5 * digit)) & 0x1F)
        })
        .filter_map(|digit| ALPHABET.get(usize::try_from(digit).ok()?).map(|letter| char::from(*letter)))
        .collect()
}

/// Headers but for the status, and the body.
type Response = (Vec<(&'static str, String)>, Vec<u8>);

/// A web bundle of responses by their URL; all of them are answers with 200.
fn bundle(responses: &BTreeMap<String, Response>) -> Vec<u8> {
    let mut section = head(ARRAY, responses.len());
    let mut places = Vec::new();
    for (url, (headers, body)) in responses {
        let status = (":status", "200".to_owned());
        let pairs = [&status].into_iter().chain(headers);
        let fields =
            map(pairs.map(|(name, value)| (bytes(name.as_bytes()), bytes(value.as_bytes()))).collect());
        let response = array([bytes(&fields), bytes(body)]);
        places.push((text(url), array([head(UNSIGNED, section.len()), head(UNSIGNED, response.len())])));
        section.extend(response);
    }
    let index = map(places);
    let lengths =
        array([text("index"), head(UNSIGNED, index.len()), text("responses"), head(UNSIGNED, section.len())]);
    let mut bundle = array([
        bytes("🌐📦".as_bytes()),
        bytes(b"b2\0\0"),
        bytes(&lengths),
        array([index, section]),
        bytes(&[0; 8]),
    ]);
    // What comes last is how long the whole is.
    let length = bundle.len();
    bundle.truncate(length - 8);
    bundle.extend((length as u64).to_be_bytes());
    bundle
}

/// What stands before a bundle and says who signed it.
fn integrity_block(bundle: &[u8], id: &str, key: &SigningKey) -> Vec<u8> {
    let block = |signatures: Vec<u8>| {
        let attributes = map(vec![(text("webBundleId"), text(id))]);
        array([bytes("🖋📦".as_bytes()), bytes(b"2b\0\0"), attributes, signatures])
    };
    let attributes = map(vec![(text("ed25519PublicKey"), bytes(key.verifying_key().as_bytes()))]);
    let mut signed = Vec::new();
    // The block is signed as it is before there are signatures in it.
    for part in [&Sha512::digest(bundle)[..], &block(head(ARRAY, 0)), &attributes] {
        signed.extend((part.len() as u64).to_be_bytes());
        signed.extend(part);
    }
    let signature = key.sign(&signed).to_bytes();
    block(array([array([attributes, bytes(&signature)])]))
}

// CBOR (RFC 8949), as far as bundles go, in its deterministic form (§4.2.1).

/// Major types.
const UNSIGNED: u8 = 0;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;

fn head(major: u8, number: usize) -> Vec<u8> {
    let major = major << 5;
    let number = number as u64;
    match (u8::try_from(number), u16::try_from(number), u32::try_from(number)) {
        (Ok(small), ..) if small < 24 => vec![major | small],
        (Ok(one), ..) => vec![major | 24, one],
        (_, Ok(two), _) => [&[major | 25][..], &two.to_be_bytes()].concat(),
        (.., Ok(four)) => [&[major | 26][..], &four.to_be_bytes()].concat(),
        _ => [&[major | 27][..], &number.to_be_bytes()].concat(),
    }
}

fn bytes(value: &[u8]) -> Vec<u8> {
    [&head(BYTES, value.len())[..], value].concat()
}

fn text(value: &str) -> Vec<u8> {
    [&head(TEXT, value.len())[..], value.as_bytes()].concat()
}

fn array<const N: usize>(items: [Vec<u8>; N]) -> Vec<u8> {
    [head(ARRAY, N), items.concat()].concat()
}

fn map(mut pairs: Vec<(Vec<u8>, Vec<u8>)>) -> Vec<u8> {
    pairs.sort();
    let count = pairs.len();
    let pairs = pairs.into_iter().flat_map(|(key, value)| [key, value]);
    [head(MAP, count), pairs.collect::<Vec<_>>().concat()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8949, Appendix A.
    #[test]
    fn cbor_is_as_its_standard_shows_it() {
        for (number, encoded) in [
            (0, "00"),
            (23, "17"),
            (24, "1818"),
            (100, "1864"),
            (1000, "1903e8"),
            (1_000_000, "1a000f4240"),
            (1_000_000_000_000, "1b000000e8d4a51000"),
        ] {
            assert_eq!(hex::encode(head(UNSIGNED, number)), encoded);
        }
        assert_eq!(hex::encode(bytes(&[1, 2, 3, 4])), "4401020304");
        assert_eq!(hex::encode(text("水")), "63e6b0b4");
        let pairs = [("e", "E"), ("b", "B"), ("a", "A"), ("d", "D"), ("c", "C")];
        assert_eq!(
            hex::encode(map(pairs.map(|(key, value)| (text(key), text(value))).into())),
            "a56161614161626142616361436164614461656145"
        );
    }

    /// The example of the scheme's explainer (WICG isolated-web-apps, Scheme.md).
    #[test]
    fn the_name_of_an_app_is_its_key() {
        let key =
            "01 23 43 43 33 42 7A 14 42 14 a2 b6 c2 d9 f2 02 03 42 18 10 12 26 62 88 f6 a3 a5 47 14 69 00 73";
        let key: [u8; 32] = hex::decode(key.replace(' ', "")).unwrap().try_into().unwrap();
        assert_eq!(bundle_id(&key), "aerugqztij5biqquuk3mfwpsaibuegaqcitgfchwuosuofdjabzqaaic");
    }

    #[test]
    fn a_site_is_an_encrypted_origin() {
        assert_eq!(origin("https://Lab.Example:8443/").unwrap(), "https://lab.example:8443");
        for wrong in
            ["http://lab.example", "lab.example", "https://", "https://a/b", "https://a; script-src *"]
        {
            assert!(origin(wrong).is_err(), "{wrong}");
        }
    }
}
