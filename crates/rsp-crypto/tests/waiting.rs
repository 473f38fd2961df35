//! With a provider that makes its callers wait, as Web Crypto does.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests, and what they share")]

use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rsp_crypto::bsp::{BspError, SegmentTag};
use rsp_crypto::ready;
use rsp_crypto::software::{OneTimeKey, SigningKey};
use rsp_crypto::{
    Bsp, Curve, Fault, OneTimeKeyPair, Provider, PublicKey, SessionKeys, SharedSecret, Signature, Software,
};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

/// Waits once in every operation; its AES-CMAC may be out of order.
struct Slow {
    inner: Software<ChaCha8Rng>,
    has_cmac: bool,
}

async fn wait_once() {
    let mut waited = false;
    poll_fn(|context| {
        if waited {
            return Poll::Ready(());
        }
        waited = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

impl Provider for Slow {
    type SigningKey = SigningKey;
    type OneTimeKey = OneTimeKey;

    async fn sign(&self, key: &SigningKey, message: &[u8]) -> Result<Signature, Fault> {
        wait_once().await;
        self.inner.sign(key, message).await
    }

    async fn verify(&self, key: &PublicKey, message: &[u8], signature: &Signature) -> Result<bool, Fault> {
        wait_once().await;
        self.inner.verify(key, message, signature).await
    }

    async fn one_time_key(&self, curve: Curve) -> Result<(OneTimeKey, PublicKey), Fault> {
        wait_once().await;
        self.inner.one_time_key(curve).await
    }

    async fn agree(&self, own: &OneTimeKey, peer: &PublicKey) -> Result<Option<SharedSecret>, Fault> {
        wait_once().await;
        self.inner.agree(own, peer).await
    }

    async fn sha256(&self, data: &[u8]) -> Result<[u8; 32], Fault> {
        wait_once().await;
        self.inner.sha256(data).await
    }

    async fn cbc_encrypt(&self, key: &[u8; 16], iv: &[u8; 16], data: &mut [u8]) -> Result<(), Fault> {
        wait_once().await;
        self.inner.cbc_encrypt(key, iv, data).await
    }

    async fn cbc_decrypt(&self, key: &[u8; 16], iv: &[u8; 16], data: &mut [u8]) -> Result<(), Fault> {
        wait_once().await;
        self.inner.cbc_decrypt(key, iv, data).await
    }

    async fn cmac(&self, key: &[u8; 16], data: &[u8]) -> Result<[u8; 16], Fault> {
        wait_once().await;
        if self.has_cmac { self.inner.cmac(key, data).await } else { Err(Fault("no CMAC".into())) }
    }
}

fn slow() -> Slow {
    Slow { inner: Software::new(ChaCha8Rng::seed_from_u64(5)), has_cmac: true }
}

/// Polls until the future is ready, and tells how often it waited.
fn run<T>(future: impl Future<Output = T>) -> (T, usize) {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for waits in 0..10_000 {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return (output, waits);
        }
    }
    panic!("never ready");
}

#[test]
fn a_server_that_waits_and_a_chip_that_does_not() {
    let (server, chip) = (slow(), Software::new(ChaCha8Rng::seed_from_u64(6)));
    let (dp, waits) = run(OneTimeKeyPair::generate(&server, Curve::P256));
    assert_eq!(waits, 1);
    let dp = dp.unwrap();
    let euicc = ready(OneTimeKeyPair::generate(&chip, Curve::P256)).unwrap();
    let eid = "89049032123451234512345678901235".parse().unwrap();

    let z = run(dp.agree(&server, euicc.public())).0.unwrap().unwrap();
    let keys = run(SessionKeys::derive(&server, &z, b"host", &eid)).0.unwrap();
    let z = ready(euicc.agree(&chip, dp.public())).unwrap().unwrap();
    let chip_keys = ready(SessionKeys::derive(&chip, &z, b"host", &eid)).unwrap();
    assert_eq!(keys.expose(), chip_keys.expose());

    let profile: Vec<u8> = (0..5000).map(|n| (n % 251) as u8).collect();
    let mut sealing = Bsp::new(keys);
    let (segments, waits) = run(sealing.seal_all(&server, SegmentTag::ProfileElements, &profile));
    assert_eq!(waits, 3 * 5, "ICV, encryption and MAC of five segments");
    let mut opening = Bsp::new(chip_keys);
    let mut received = Vec::new();
    for segment in segments.unwrap() {
        received.extend_from_slice(&ready(opening.open(&chip, &segment)).unwrap().1);
    }
    assert_eq!(received, profile);
}

#[test]
fn a_dropped_or_failed_step_closes_the_channel() {
    let keys = SessionKeys::new([1; 16], [2; 16], [3; 16]);
    for waits in 1..3 {
        let mut bsp = Bsp::new(keys.clone());
        {
            let provider = slow();
            let mut sealing = Box::pin(bsp.seal(&provider, SegmentTag::Command, b"BF24"));
            let mut context = Context::from_waker(Waker::noop());
            for _ in 0..waits {
                assert!(sealing.as_mut().poll(&mut context).is_pending());
            }
        }
        let after = run(bsp.seal(&slow(), SegmentTag::Command, b"BF24")).0;
        assert_eq!(after, Err(BspError::Security), "no segment out of step");
    }
    let broken = Slow { has_cmac: false, ..slow() };
    let mut bsp = Bsp::new(keys);
    let failed = run(bsp.seal(&broken, SegmentTag::Command, b"BF24")).0;
    assert_eq!(failed, Err(BspError::Fault(Fault("no CMAC".into()))));
    assert_eq!(run(bsp.seal(&slow(), SegmentTag::Command, b"BF24")).0, Err(BspError::Security));
}

#[test]
fn a_payload_that_is_too_long_changes_nothing() {
    let keys = SessionKeys::new([1; 16], [2; 16], [3; 16]);
    let (mut bsp, mut fresh) = (Bsp::new(keys.clone()), Bsp::new(keys));
    let long = run(bsp.seal(&slow(), SegmentTag::Metadata, &[0; 1009])).0;
    assert_eq!(long, Err(BspError::TooLong));
    let segment = run(bsp.seal(&slow(), SegmentTag::Metadata, b"BF25")).0.unwrap();
    assert_eq!(run(fresh.seal(&slow(), SegmentTag::Metadata, b"BF25")).0.unwrap(), segment);
}
