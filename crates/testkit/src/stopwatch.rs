//! How long something took.

use std::time::{Duration, Instant};

/// Runs since it was started. In a browser, where std knows no clock, it stands.
#[derive(Clone, Copy)]
pub(crate) struct Stopwatch(Option<Instant>);

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self(cfg!(not(target_arch = "wasm32")).then(Instant::now))
    }

    pub(crate) fn elapsed(self) -> Duration {
        self.0.map_or(Duration::ZERO, |start| start.elapsed())
    }
}
