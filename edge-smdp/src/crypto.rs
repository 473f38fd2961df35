//! The [`Provider`] over the platform's Web Crypto: a tenth of the cost of the
//! same in WebAssembly.
//!
//! Web Crypto has no CMAC and no CBC without padding. Both are made of what it
//! has: CBC with padding adds one block behind, which is cut off; the last block
//! of CBC from a zero vector over the masked message is the CMAC (RFC 4493).
//! What is a block or two is done in Rust: the way to the platform costs more.
//! It does not have brainpoolP256r1 either: keys on that curve are used in Rust.

use core::cell::RefCell;

use js_sys::{Array, ArrayBuffer, Object, Promise, Reflect, Uint8Array};
use rsp_crypto::software;
use rsp_crypto::{Curve, Fault, Provider, PublicKey, SharedSecret, Signature};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Crypto, CryptoKey, CryptoKeyPair, SubtleCrypto};
use zeroize::Zeroizing;

use crate::config::ImportKey;
use crate::environment::Chance;
use crate::seal::{self, Cipher};

/// AES keys that are kept imported: those of a package being bound, and a few of
/// others at the same time.
const KEPT_KEYS: usize = 4;
/// Up to this many bytes a block cipher or a hash runs in Rust.
const SMALL: usize = 256;

/// Web Crypto of this isolate.
pub(crate) struct WebCrypto {
    subtle: SubtleCrypto,
    aes_keys: RefCell<Vec<(Zeroizing<[u8; 16]>, CryptoKey)>>,
}

/// A private key, where its curve is done.
pub(crate) enum Key<S> {
    /// P-256: in the platform, which does not give it back.
    Platform(CryptoKey),
    /// brainpoolP256r1: in Rust.
    Software(S),
}

/// The platform's random numbers.
pub(crate) struct Entropy;

impl rand_core::TryRng for Entropy {
    type Error = getrandom::Error;

    fn try_next_u32(&mut self) -> Result<u32, getrandom::Error> {
        getrandom::u32()
    }

    fn try_next_u64(&mut self) -> Result<u64, getrandom::Error> {
        getrandom::u64()
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), getrandom::Error> {
        getrandom::fill(bytes)
    }
}

impl rand_core::TryCryptoRng for Entropy {}

impl Chance for Entropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), crate::Fault> {
        getrandom::fill(bytes).map_err(|error| crate::Fault::new(format!("no entropy: {error}")))
    }
}

impl WebCrypto {
    pub(crate) fn new() -> Result<Self, Fault> {
        let crypto: Crypto =
            Reflect::get(&js_sys::global(), &"crypto".into()).map_err(fault)?.unchecked_into();
        Ok(Self { subtle: crypto.subtle(), aes_keys: RefCell::default() })
    }

    async fn import(
        &self,
        format: &str,
        bytes: &[u8],
        algorithm: &Object,
        usage: &str,
    ) -> Result<CryptoKey, JsValue> {
        let data = Uint8Array::from(bytes);
        let usages = if usage.is_empty() { Array::new() } else { Array::of1(&usage.into()) };
        let promise =
            self.subtle.import_key_with_object(format, data.as_ref(), algorithm, false, usages.as_ref())?;
        Ok(JsFuture::from(promise).await?.unchecked_into())
    }

    async fn aes_key(&self, key: &[u8; 16]) -> Result<CryptoKey, Fault> {
        let kept = |keys: &Vec<(Zeroizing<[u8; 16]>, CryptoKey)>| {
            keys.iter().find(|(bytes, _)| **bytes == *key).map(|(_, key)| key.clone())
        };
        if let Some(key) = kept(&self.aes_keys.borrow()) {
            return Ok(key);
        }
        let data = Uint8Array::from(&key[..]);
        let usages = Array::of2(&"encrypt".into(), &"decrypt".into());
        let algorithm = object(&[("name", "AES-CBC".into())])?;
        let promise =
            self.subtle.import_key_with_object("raw", data.as_ref(), &algorithm, false, usages.as_ref());
        let imported: CryptoKey = wait(promise).await?.unchecked_into();
        let mut keys = self.aes_keys.borrow_mut();
        if keys.len() >= KEPT_KEYS {
            keys.remove(0);
        }
        keys.push((Zeroizing::new(*key), imported.clone()));
        Ok(imported)
    }

    async fn gcm_key(&self, key: &[u8; 32]) -> Result<CryptoKey, Fault> {
        let data = Uint8Array::from(&key[..]);
        let usages = Array::of2(&"encrypt".into(), &"decrypt".into());
        let algorithm = object(&[("name", "AES-GCM".into())])?;
        let promise =
            self.subtle.import_key_with_object("raw", data.as_ref(), &algorithm, false, usages.as_ref());
        Ok(wait(promise).await?.unchecked_into())
    }

    /// Whether a key of RSA, base64url of modulus and exponent, signed this by
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    pub(crate) async fn rs256(&self, n: &str, e: &str, signed: &[u8], signature: &[u8]) -> bool {
        let verified = async {
            let algorithm = object(&[("name", "RSASSA-PKCS1-v1_5".into()), ("hash", "SHA-256".into())])?;
            let jwk = object(&[("kty", "RSA".into()), ("n", n.into()), ("e", e.into())])?;
            let usages = Array::of1(&"verify".into());
            let key = self.subtle.import_key_with_object("jwk", &jwk, &algorithm, false, usages.as_ref());
            let key: CryptoKey = wait(key).await?.unchecked_into();
            let verified = self.subtle.verify_with_object_and_js_u8_array_and_js_u8_array(
                &algorithm,
                &key,
                &Uint8Array::from(signature),
                &Uint8Array::from(signed),
            );
            wait(verified).await
        };
        verified.await.is_ok_and(|verified: JsValue| verified.is_truthy())
    }

    /// AES-CBC with the padding of PKCS#7.
    async fn cbc(&self, key: &[u8; 16], iv: &[u8; 16], data: &[u8]) -> Result<Vec<u8>, Fault> {
        let key = self.aes_key(key).await?;
        let algorithm = cbc_algorithm(iv)?;
        let promise =
            self.subtle.encrypt_with_object_and_js_u8_array(&algorithm, &key, &Uint8Array::from(data));
        Ok(bytes(&wait(promise).await?))
    }
}

impl ImportKey for WebCrypto {
    async fn import_key(&self, pkcs8: &[u8]) -> Result<Option<Self::SigningKey>, Fault> {
        if let Ok(key) = self.import("pkcs8", pkcs8, &curve("ECDSA")?, "sign").await {
            return Ok(Some(Key::Platform(key)));
        }
        Ok(software::SigningKey::from_pkcs8_der(pkcs8).map(Key::Software))
    }
}

impl Cipher for WebCrypto {
    async fn gcm_seal(
        &self,
        key: &[u8; 32],
        nonce: &[u8; 12],
        context: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, Fault> {
        if plain.len() <= SMALL {
            return seal::gcm_seal(key, nonce, context, plain).ok_or_else(|| Fault("AES-GCM".into()));
        }
        let (key, algorithm) = (self.gcm_key(key).await?, gcm_algorithm(nonce, context)?);
        let sealed =
            self.subtle.encrypt_with_object_and_js_u8_array(&algorithm, &key, &Uint8Array::from(plain));
        Ok(bytes(&wait(sealed).await?))
    }

    async fn gcm_open(
        &self,
        key: &[u8; 32],
        nonce: &[u8; 12],
        context: &[u8],
        sealed: &[u8],
    ) -> Result<Option<Zeroizing<Vec<u8>>>, Fault> {
        if sealed.len() <= SMALL {
            return Ok(seal::gcm_open(key, nonce, context, sealed));
        }
        let (key, algorithm) = (self.gcm_key(key).await?, gcm_algorithm(nonce, context)?);
        let opened =
            self.subtle.decrypt_with_object_and_js_u8_array(&algorithm, &key, &Uint8Array::from(sealed));
        // A wrong tag is an OperationError.
        Ok(wait(opened).await.ok().map(|plain| Zeroizing::new(bytes(&plain))))
    }
}

impl Provider for WebCrypto {
    type SigningKey = Key<software::SigningKey>;
    type OneTimeKey = Key<software::OneTimeKey>;

    async fn sign(&self, key: &Self::SigningKey, message: &[u8]) -> Result<Signature, Fault> {
        let key = match key {
            Key::Platform(key) => key,
            Key::Software(key) => return Ok(key.sign(message)),
        };
        let algorithm = ecdsa()?;
        let promise =
            self.subtle.sign_with_object_and_js_u8_array(&algorithm, key, &Uint8Array::from(message));
        let signature = bytes(&wait(promise).await?);
        signature.try_into().map(Signature).map_err(|_| Fault("a signature of a wrong length".into()))
    }

    async fn verify(&self, key: &PublicKey, message: &[u8], signature: &Signature) -> Result<bool, Fault> {
        if key.curve() != Curve::P256 {
            return Ok(software::verify(key, message, signature));
        }
        let Ok(key) = self.import("raw", key.as_bytes(), &curve("ECDSA")?, "verify").await else {
            return Ok(false);
        };
        let promise = self.subtle.verify_with_object_and_js_u8_array_and_js_u8_array(
            &ecdsa()?,
            &key,
            &Uint8Array::from(&signature.0[..]),
            &Uint8Array::from(message),
        );
        Ok(wait(promise).await?.is_truthy())
    }

    async fn one_time_key(&self, on: Curve) -> Result<(Self::OneTimeKey, PublicKey), Fault> {
        if on != Curve::P256 {
            let key = software::OneTimeKey::try_generate(on, &mut Entropy);
            let key = key.map_err(|error| Fault(format!("no entropy: {error}")))?;
            let public = key.public_key();
            return Ok((Key::Software(key), public));
        }
        let usages = Array::of1(&"deriveBits".into());
        let promise = self.subtle.generate_key_with_object(&curve("ECDH")?, false, usages.as_ref());
        let pair: CryptoKeyPair = wait(promise).await?.unchecked_into();
        let public = self.subtle.export_key("raw", &pair.get_public_key());
        let public = PublicKey::from_sec1(on, &bytes(&wait(public).await?));
        let public = public.ok_or_else(|| Fault("a public key of a wrong form".into()))?;
        Ok((Key::Platform(pair.get_private_key()), public))
    }

    async fn agree(&self, own: &Self::OneTimeKey, peer: &PublicKey) -> Result<Option<SharedSecret>, Fault> {
        let own = match own {
            Key::Platform(own) => own,
            Key::Software(own) => return Ok(own.agree(peer)),
        };
        if peer.curve() != Curve::P256 {
            return Ok(None);
        }
        let Ok(peer) = self.import("raw", peer.as_bytes(), &curve("ECDH")?, "").await else {
            return Ok(None);
        };
        let algorithm = object(&[("name", "ECDH".into()), ("public", peer.into())])?;
        let secret = wait(self.subtle.derive_bits_with_object(&algorithm, own, 256)).await?;
        let secret = Zeroizing::new(bytes(&secret));
        let x = secret.as_slice().try_into().map_err(|_| Fault("a secret of a wrong length".into()))?;
        Ok(Some(SharedSecret::from_x(x)))
    }

    async fn sha256(&self, data: &[u8]) -> Result<[u8; 32], Fault> {
        if data.len() <= SMALL {
            return Ok(software::sha256(data));
        }
        let digest = self.subtle.digest_with_str_and_js_u8_array("SHA-256", &Uint8Array::from(data));
        let digest = bytes(&wait(digest).await?);
        digest.try_into().map_err(|_| Fault("a digest of a wrong length".into()))
    }

    async fn cbc_encrypt(&self, key: &[u8; 16], iv: &[u8; 16], data: &mut [u8]) -> Result<(), Fault> {
        if data.len() <= SMALL || !data.len().is_multiple_of(16) {
            return software::cbc_encrypt(key, iv, data);
        }
        let encrypted = self.cbc(key, iv, data).await?;
        let encrypted = encrypted.get(..data.len()).ok_or_else(|| Fault("AES-CBC: too short".into()))?;
        data.copy_from_slice(encrypted);
        Ok(())
    }

    async fn cbc_decrypt(&self, key: &[u8; 16], iv: &[u8; 16], data: &mut [u8]) -> Result<(), Fault> {
        if data.len() <= SMALL || !data.len().is_multiple_of(16) {
            return software::cbc_decrypt(key, iv, data);
        }
        // One more block that decrypts to padding: the platform insists on it.
        let mut padding = [16; 16];
        let last = data.last_chunk::<16>().ok_or_else(|| Fault("AES-CBC: empty".into()))?;
        software::cbc_encrypt(key, last, &mut padding)?;
        let input = [&*data, &padding[..]].concat();
        let (key, algorithm) = (self.aes_key(key).await?, cbc_algorithm(iv)?);
        let promise =
            self.subtle.decrypt_with_object_and_js_u8_array(&algorithm, &key, &Uint8Array::from(&input[..]));
        let decrypted = Zeroizing::new(bytes(&wait(promise).await?));
        if decrypted.len() != data.len() {
            return Err(Fault("AES-CBC: another length".into()));
        }
        data.copy_from_slice(&decrypted);
        Ok(())
    }

    async fn cmac(&self, key: &[u8; 16], data: &[u8]) -> Result<[u8; 16], Fault> {
        if data.len() <= SMALL {
            return Ok(software::cmac(key, data));
        }
        let mut l = [0; 16];
        software::cbc_encrypt(key, &[0; 16], &mut l)?;
        let whole = data.len().is_multiple_of(16);
        let mask = if whole { doubled(l) } else { doubled(doubled(l)) };
        let mut input = Vec::with_capacity(data.len() + 16);
        input.extend_from_slice(data);
        if !whole {
            input.push(0x80);
            input.resize(input.len().next_multiple_of(16), 0);
        }
        let end = input.len();
        for (byte, mask) in input.iter_mut().skip(end - 16).zip(mask) {
            *byte ^= mask;
        }
        let encrypted = self.cbc(key, &[0; 16], &input).await?;
        let last = encrypted.get(end - 16..end).and_then(|block| block.try_into().ok());
        last.ok_or_else(|| Fault("AES-CBC: too short".into()))
    }
}

/// Multiplication by x in the field of RFC 4493 §2.3.
fn doubled(block: [u8; 16]) -> [u8; 16] {
    let number = u128::from_be_bytes(block);
    let carry = if number >> 127 == 1 { 0x87 } else { 0 };
    (number << 1 ^ carry).to_be_bytes()
}

async fn wait(promise: Result<Promise, JsValue>) -> Result<JsValue, Fault> {
    JsFuture::from(promise.map_err(fault)?).await.map_err(fault)
}

fn bytes(buffer: &JsValue) -> Vec<u8> {
    Uint8Array::new(buffer.unchecked_ref::<ArrayBuffer>()).to_vec()
}

fn object(entries: &[(&str, JsValue)]) -> Result<Object, Fault> {
    let object = Object::new();
    for (name, value) in entries {
        Reflect::set(&object, &(*name).into(), value).map_err(fault)?;
    }
    Ok(object)
}

fn curve(name: &str) -> Result<Object, Fault> {
    object(&[("name", name.into()), ("namedCurve", "P-256".into())])
}

fn ecdsa() -> Result<Object, Fault> {
    object(&[("name", "ECDSA".into()), ("hash", "SHA-256".into())])
}

fn gcm_algorithm(nonce: &[u8; 12], context: &[u8]) -> Result<Object, Fault> {
    object(&[
        ("name", "AES-GCM".into()),
        ("iv", Uint8Array::from(&nonce[..]).into()),
        ("additionalData", Uint8Array::from(context).into()),
    ])
}

fn cbc_algorithm(iv: &[u8; 16]) -> Result<Object, Fault> {
    object(&[("name", "AES-CBC".into()), ("iv", Uint8Array::from(&iv[..]).into())])
}

/// The name of a platform's error; its message may quote data.
fn fault(error: JsValue) -> Fault {
    let name = Reflect::get(&error, &"name".into()).ok().and_then(|name| name.as_string());
    Fault(name.unwrap_or_else(|| "unknown".into()))
}

/// Web Crypto against the pure Rust provider, over every length at which one of
/// them takes another way.
#[cfg(feature = "self-test")]
pub(crate) mod suite {
    use rsp_crypto::software::OneTimeKey;

    use super::*;

    pub(crate) async fn run(web: &WebCrypto) -> Result<(), crate::Fault> {
        let key = *b"0123456789abcdef";
        for length in [0, 1, 15, 16, 17, 255, 256, 257, 271, 272, 273, 1000, 1008, 1020, 60_000] {
            let data: Vec<u8> = (0..length).map(|i| (i * 7 + i / 256) as u8).collect();
            same(length, "CMAC", web.cmac(&key, &data).await? == software::cmac(&key, &data))?;
            let sealed = web.gcm_seal(&[3; 32], &[4; 12], b"context", &data).await?;
            let ours = seal::gcm_seal(&[3; 32], &[4; 12], b"context", &data);
            same(length, "AES-GCM", ours.as_ref() == Some(&sealed))?;
            let opened = web.gcm_open(&[3; 32], &[4; 12], b"context", &sealed).await?;
            same(length, "AES-GCM, back", opened.is_some_and(|opened| *opened == data))?;
            let other = web.gcm_open(&[3; 32], &[4; 12], b"another", &sealed).await?;
            same(length, "AES-GCM, another context", other.is_none())?;
            same(length, "SHA-256", web.sha256(&data).await? == software::sha256(&data))?;
            let mut blocks = data.clone();
            blocks.resize(length.next_multiple_of(16), 0);
            let (mut ours, mut theirs) = (blocks.clone(), blocks.clone());
            web.cbc_encrypt(&key, &[5; 16], &mut ours).await?;
            software::cbc_encrypt(&key, &[5; 16], &mut theirs)?;
            same(length, "AES-CBC", ours == theirs)?;
            web.cbc_decrypt(&key, &[5; 16], &mut ours).await?;
            same(length, "AES-CBC, back", ours == blocks)?;
        }
        for curve in Curve::ALL {
            keys_of(web, curve).await?;
        }
        same(0, "no key", web.import_key(&[0x30, 0]).await?.is_none())
    }

    async fn keys_of(web: &WebCrypto, curve: Curve) -> Result<(), crate::Fault> {
        let scalar = OneTimeKey::from_scalar(curve, &[7; 32]).ok_or_else(|| Fault("scalar".into()))?;
        let (own, public) = web.one_time_key(curve).await?;
        let ours = web.agree(&own, &scalar.public_key()).await?;
        let theirs = scalar.agree(&public);
        let agreed = ours.zip(theirs).is_some_and(|(a, b)| a.expose_x() == b.expose_x());
        same(32, "ECDH", agreed)?;
        let mut off_curve = [7; 65];
        off_curve[0] = 4;
        let off_curve = PublicKey::from_sec1(curve, &off_curve).ok_or_else(|| Fault("form".into()))?;
        same(65, "a point off the curve", web.agree(&own, &off_curve).await?.is_none())?;
        let nothing = web.verify(&off_curve, b"m", &Signature([1; 64])).await?;
        same(65, "its signature", !nothing)?;
        for other in Curve::ALL.into_iter().filter(|other| *other != curve) {
            let (_, peer) = web.one_time_key(other).await?;
            same(65, "a point of another curve", web.agree(&own, &peer).await?.is_none())?;
        }
        let signer =
            software::SigningKey::from_scalar(curve, &[9; 32]).ok_or_else(|| Fault("scalar".into()))?;
        let signature = signer.sign(b"message");
        let good = web.verify(&signer.public_key(), b"message", &signature).await?;
        let bad = web.verify(&signer.public_key(), b"messagf", &signature).await?;
        same(64, "verification", good && !bad)?;
        let pkcs8 = signer.expose_pkcs8_der().ok_or_else(|| Fault("PKCS#8".into()))?;
        let key = web.import_key(&pkcs8).await?.ok_or_else(|| Fault("PKCS#8".into()))?;
        let signature = web.sign(&key, b"message").await?;
        same(64, "signature", software::verify(&signer.public_key(), b"message", &signature))
    }

    fn same(length: usize, what: &str, same: bool) -> Result<(), crate::Fault> {
        if same { Ok(()) } else { Err(crate::Fault::new(format!("Web Crypto: {what} of {length}"))) }
    }
}

/// The operations of a session alone: keys imported before, nothing parsed, nothing stored.
#[cfg(feature = "bench")]
pub(crate) mod bare {
    use super::*;

    /// As long as a profile package for an ordinary subscriber is.
    const PACKAGE: usize = 12 * 1024;

    /// `OPERATION/COUNT`.
    pub(crate) async fn run(asked: &str) -> Result<(), crate::Fault> {
        let (operation, count) = asked.split_once('/').unwrap_or_default();
        let count: u32 = count.parse().map_err(|_| crate::Fault::new("count"))?;
        let web = WebCrypto::new()?;
        let subtle = &web.subtle;
        let pair = async |algorithm: &Object, usages: &[&str]| {
            let usages: Array = usages.iter().copied().map(JsValue::from).collect();
            let promise = subtle.generate_key_with_object(algorithm, false, usages.as_ref());
            Ok::<CryptoKeyPair, Fault>(wait(promise).await?.unchecked_into())
        };
        let secret = async |name: &str, bytes: u32| {
            let algorithm = object(&[("name", name.into()), ("length", (8 * bytes).into())])?;
            let usages = Array::of2(&"encrypt".into(), &"decrypt".into());
            let promise = subtle.generate_key_with_object(&algorithm, false, usages.as_ref());
            Ok::<CryptoKey, Fault>(wait(promise).await?.unchecked_into())
        };
        let signer = pair(&curve("ECDSA")?, &["sign", "verify"]).await?;
        let message = Uint8Array::from(&[0x5A; 300][..]);
        let package = Uint8Array::from(&[0x5A; PACKAGE][..]);
        let iv = Uint8Array::from(&[0; 16][..]);
        match operation {
            "sign" => {
                let (algorithm, key) = (ecdsa()?, signer.get_private_key());
                for _ in 0..count {
                    wait(subtle.sign_with_object_and_js_u8_array(&algorithm, &key, &message)).await?;
                }
            }
            "verify" => {
                let (algorithm, key) = (ecdsa()?, signer.get_public_key());
                let signing =
                    subtle.sign_with_object_and_js_u8_array(&algorithm, &signer.get_private_key(), &message);
                let signature = Uint8Array::new(&wait(signing).await?);
                for _ in 0..count {
                    let promise = subtle.verify_with_object_and_js_u8_array_and_js_u8_array(
                        &algorithm, &key, &signature, &message,
                    );
                    if !wait(promise).await?.is_truthy() {
                        return Err(crate::Fault::new("verification"));
                    }
                }
            }
            "generate" => {
                let algorithm = curve("ECDH")?;
                for _ in 0..count {
                    pair(&algorithm, &["deriveBits"]).await?;
                }
            }
            "agree" => {
                let own = pair(&curve("ECDH")?, &["deriveBits"]).await?;
                let algorithm = object(&[("name", "ECDH".into()), ("public", own.get_public_key().into())])?;
                for _ in 0..count {
                    let key = own.get_private_key();
                    wait(subtle.derive_bits_with_object(&algorithm, &key, 256)).await?;
                }
            }
            // CMAC is CBC here.
            "cbc" | "cmac" => {
                let key = secret("AES-CBC", 16).await?;
                let algorithm = object(&[("name", "AES-CBC".into()), ("iv", iv.into())])?;
                for _ in 0..count {
                    wait(subtle.encrypt_with_object_and_js_u8_array(&algorithm, &key, &package)).await?;
                }
            }
            "gcm" => {
                let key = secret("AES-GCM", 32).await?;
                let algorithm = object(&[("name", "AES-GCM".into()), ("iv", iv.into())])?;
                for _ in 0..count {
                    wait(subtle.encrypt_with_object_and_js_u8_array(&algorithm, &key, &package)).await?;
                }
            }
            _ => return Err(crate::Fault::new("operation")),
        }
        Ok(())
    }
}
