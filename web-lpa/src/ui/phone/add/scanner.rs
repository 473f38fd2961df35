//! The camera's dialog: it films while it is open, and no longer.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use leptos::ev;
use leptos::html::Video;
use leptos::prelude::*;
use wasm_bindgen_futures::spawn_local;
use words::Text;

use super::super::super::{context, document};
use crate::code::camera::{self, Camera};
use crate::code::reader::{Look, Reader};
use crate::code::{CameraProblem, Outcome, Problem, scan};

/// Between two looks, in milliseconds: several a second, and the person's battery.
const PAUSE: u32 = 120;

/// What there is to say.
#[derive(Clone, Debug, PartialEq)]
enum Seeing {
    /// The browser asks for the camera, or it starts.
    Starting,
    /// It films; there is no code yet.
    Nothing,
    /// It films a code that is no good.
    Other(Problem),
    /// It does not film.
    Failed(Problem),
}

/// What the camera is for.
#[derive(Clone, Copy)]
pub(in crate::ui) struct Sight {
    pub(super) reader: StoredValue<Rc<Reader>, LocalStorage>,
    /// Called once, with a code or several.
    pub(super) found: Callback<(Outcome,)>,
    pub(super) close: Callback<()>,
    /// Lets the person choose a picture instead.
    pub(super) choose: Callback<()>,
}

/// A camera's picture and what is seen in it.
#[component]
pub(in crate::ui) fn Scanner(sight: Sight) -> impl IntoView {
    let Sight { reader, found, close, choose } = sight;
    let say = context().say;
    let video = NodeRef::<Video>::new();
    let seeing = RwSignal::new(Seeing::Starting);
    // Which filming is the one that counts; whoever finds another number has been ended.
    let turn = Arc::new(AtomicU32::new(0));

    let begin = {
        let turn = Arc::clone(&turn);
        move || {
            let mine = turn.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
            let turn = Arc::clone(&turn);
            let ended = move || turn.load(Ordering::Relaxed) != mine;
            seeing.set(Seeing::Starting);
            let reader = reader.get_value();
            spawn_local(async move {
                let result = film(&reader, video, seeing, &ended).await;
                // Somebody else's turn, or nobody's: what is shown is not this one's.
                if ended() {
                    return;
                }
                match result {
                    Some(Ok(outcome)) => found.run((outcome,)),
                    Some(Err(problem)) => seeing.set(Seeing::Failed(problem)),
                    None => {}
                }
            });
        }
    };
    // It begins once the picture has a place.
    Effect::new({
        let begin = begin.clone();
        move |_| {
            if video.get().is_some() {
                begin();
            }
        }
    });
    // A page that is not seen has no business with the camera.
    let hides = {
        let (begin, turn) = (begin.clone(), Arc::clone(&turn));
        window_event_listener(ev::visibilitychange, move |_| {
            if document().hidden() {
                turn.fetch_add(1, Ordering::Relaxed);
                seeing.set(Seeing::Starting);
            } else if !matches!(seeing.get_untracked(), Seeing::Failed(_)) {
                begin();
            }
        })
    };
    on_cleanup(move || {
        turn.fetch_add(1, Ordering::Relaxed);
        hides.remove();
    });

    let failed = move || seeing.with(|seeing| matches!(seeing, Seeing::Failed(_)));
    let words = move || match seeing.get() {
        Seeing::Starting => Text::new("Opening the camera…", "カメラを起動しています…").owned(),
        Seeing::Nothing => {
            Text::new("Hold the QR code inside the frame.", "QR コードを枠の中に収めてください。").owned()
        }
        Seeing::Other(problem) | Seeing::Failed(problem) => problem.words(),
    };
    view! {
        <h2>{say.of(Text::new("Scan the QR code", "QR コードを読み取る"))}</h2>
        <div class="viewfinder" class:off=failed data-testid="viewfinder">
            <video node_ref=video muted autoplay playsinline
                aria-label=say.of(Text::new("What the camera sees", "カメラの映像"))
            ></video>
            <svg viewBox="0 0 100 100" aria-hidden="true" focusable="false">
                <path d="M20 34V20h14M66 20h14v14M80 66v14H66M34 80H20V66" fill="none" stroke-width="2.5" stroke-linecap="round" stroke-linejoin="round"/>
            </svg>
        </div>
        <p class="help" class:wrong=move || !matches!(seeing.get(), Seeing::Starting | Seeing::Nothing) role="status" data-testid="camera-says">
            <bdi>{move || say.now(words())}</bdi>
        </p>
        <p class="help">{say.of(Text::new(
            "The picture stays in this browser.",
            "映像がこのブラウザーの外に送られることはありません。",
        ))}</p>
        <div class="actions">
            <Show when=failed>
                <button type="button" on:click={
                    let begin = begin.clone();
                    move |_| begin()
                }>{say.of(Text::new("Try again", "もう一度試す"))}</button>
            </Show>
            <button type="button" on:click=move |_| choose.run(())>
                {say.of(Text::new("Choose a picture", "画像を選ぶ"))}
            </button>
            <button type="button" class="primary" autofocus on:click=move |_| close.run(())>
                {say.of(Text::new("Close", "閉じる"))}
            </button>
        </div>
    }
}

/// Films until a code is found or it fails; nothing where it was ended.
async fn film(
    reader: &Reader,
    video: NodeRef<Video>,
    seeing: RwSignal<Seeing>,
    ended: &impl Fn() -> bool,
) -> Option<Result<Outcome, Problem>> {
    let camera = match Camera::open().await {
        Ok(camera) => camera,
        Err(problem) => return Some(Err(Problem::Camera(problem))),
    };
    // The camera is off as soon as this is left.
    if ended() {
        return None;
    }
    let video = video.get_untracked()?;
    camera.show(&video);
    if let Err(because) = reader.prepare() {
        return Some(Err(Problem::Reader(because)));
    }
    seeing.set(Seeing::Nothing);
    loop {
        camera::pause(PAUSE).await;
        if ended() {
            return None;
        }
        if !camera.films() {
            return Some(Err(Problem::Camera(CameraProblem::Lost)));
        }
        let Some(frame) = camera::frame(&video).await else { continue };
        let read = reader.read(frame, Look::Frame).await;
        if ended() {
            return None;
        }
        let now = match read.map(|reading| scan::judge(&reading.texts, reading.unreadable)) {
            Err(because) => return Some(Err(Problem::Reader(because))),
            Ok(Outcome::Problem(Problem::NoQr | Problem::Unreadable)) => Seeing::Nothing,
            Ok(Outcome::Problem(problem)) => Seeing::Other(problem),
            Ok(outcome) => return Some(Ok(outcome)),
        };
        if seeing.with_untracked(|seeing| *seeing != now) {
            seeing.set(now);
        }
    }
}
