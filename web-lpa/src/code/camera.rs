//! The camera: opened for one dialog, stopped with it.

use std::time::Duration;

use js_sys::{JSON, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    HtmlVideoElement, ImageBitmap, MediaDevices, MediaStream, MediaStreamConstraints, MediaStreamTrack,
};

use super::CameraProblem;
use crate::transport::chip::words;
use crate::transport::once;

/// A camera that is on; it is off when this is dropped.
pub(crate) struct Camera(MediaStream);

impl Drop for Camera {
    fn drop(&mut self) {
        for track in tracks(&self.0) {
            track.stop();
        }
    }
}

impl Camera {
    /// Asks for one, on a phone for the one at the back. The browser asks the person.
    pub(crate) async fn open() -> Result<Self, CameraProblem> {
        /// More pixels make it slower, not better: a code fills the frame.
        const WANTED: &str = r#"{"audio": false, "video": {
            "facingMode": {"ideal": "environment"}, "width": {"ideal": 1280}, "height": {"ideal": 720}
        }}"#;
        let wanted: MediaStreamConstraints =
            JSON::parse(WANTED).map_err(|error| problem(&error))?.unchecked_into();
        let asked = devices()?.get_user_media_with_constraints(&wanted).map_err(|error| problem(&error))?;
        let stream =
            JsFuture::from(asked).await.and_then(JsCast::dyn_into).map_err(|error| problem(&error))?;
        Ok(Self(stream))
    }

    /// Shows it.
    pub(crate) fn show(&self, video: &HtmlVideoElement) {
        video.set_src_object(Some(&self.0));
        // `autoplay` starts it too; where it may not play, the frame stays dark.
        if let Ok(playing) = video.play() {
            let ignored = async move { drop(JsFuture::from(playing).await) };
            wasm_bindgen_futures::spawn_local(ignored);
        }
    }

    /// Whether it still films: it may have been pulled out, or been taken away.
    pub(crate) fn films(&self) -> bool {
        tracks(&self.0).iter().any(|track| track.ready_state() == web_sys::MediaStreamTrackState::Live)
    }
}

/// What is seen now; nothing before the first frame.
pub(crate) async fn frame(video: &HtmlVideoElement) -> Option<ImageBitmap> {
    if video.ready_state() < web_sys::HtmlMediaElement::HAVE_CURRENT_DATA || video.video_width() == 0 {
        return None;
    }
    let taken = web_sys::window()?.create_image_bitmap_with_html_video_element(video).ok()?;
    JsFuture::from(taken).await.ok()?.dyn_into().ok()
}

fn tracks(stream: &MediaStream) -> Vec<MediaStreamTrack> {
    stream.get_tracks().iter().map(JsCast::unchecked_into).collect()
}

/// Where browsers keep cameras; pages without https do not see it.
fn devices() -> Result<MediaDevices, CameraProblem> {
    let window = web_sys::window().ok_or(CameraProblem::Missing)?;
    if !window.is_secure_context() {
        return Err(CameraProblem::Insecure);
    }
    window.navigator().media_devices().map_err(|_| CameraProblem::Missing)
}

fn problem(error: &JsValue) -> CameraProblem {
    let name = Reflect::get(error, &"name".into()).ok().and_then(|name| name.as_string());
    CameraProblem::of(&name.unwrap_or_default(), &words(error))
}

/// Waits, in milliseconds.
pub(crate) async fn pause(milliseconds: u32) {
    let (sender, receiver) = once::channel();
    let awake = move || sender.send(());
    leptos::prelude::set_timeout(awake, Duration::from_millis(u64::from(milliseconds)));
    receiver.await;
}
