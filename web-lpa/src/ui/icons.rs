//! Line drawings, 24 by 24.

use leptos::prelude::*;

use super::shell::View;
use trace::Party;

/// The drawing of a party.
pub(super) fn party(party: Party) -> impl IntoView {
    let path = match party {
        Party::Chip => "M8 8h8v8H8zM5 5h14v14H5zM9 2v3M15 2v3M9 19v3M15 19v3M2 9h3M2 15h3M19 9h3M19 15h3",
        Party::Phone => "M8 2h8a2 2 0 0 1 2 2v16a2 2 0 0 1-2 2H8a2 2 0 0 1-2-2V4a2 2 0 0 1 2-2zM10.5 18.5h3",
        Party::Network => {
            "M12 11v11M8 22h8M12 11a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3zM8.5 13a5 5 0 0 1 0-7M15.5 13a5 5 0 0 0 0-7M5.7 15.8a9 9 0 0 1 0-12.6M18.3 15.8a9 9 0 0 0 0-12.6"
        }
        Party::Card => "M3 5h18v14H3zM6 9h5v6H6zM6 12h5M14 9h4M14 15h4",
        Party::Watch => "M8 7h8v10H8zM9.5 7l.5-4h4l.5 4M9.5 17l.5 4h4l.5-4M12 10v2.2l1.4.8",
        Party::Smdp | Party::Smds | Party::Operator => {
            "M4 3h16v7H4zM4 14h16v7H4zM7.5 6.5h.01M7.5 17.5h.01M12 6.5h5M12 17.5h5"
        }
    };
    drawing(path)
}

/// The drawing of a view.
pub(super) fn view(view: View) -> impl IntoView {
    match view {
        View::Phone => party(Party::Phone).into_any(),
        View::Chip => party(Party::Chip).into_any(),
        View::Network => party(Party::Network).into_any(),
        View::Operator => party(Party::Smdp).into_any(),
        View::Trace => {
            drawing("M4 6h11M12 3l3 3-3 3M20 13H9M12 10l-3 3 3 3M4 20h11M12 17l3 3-3 3").into_any()
        }
        View::Bench => {
            drawing("M9 3h6M10 3v6l-5 9a2 2 0 0 0 2 3h10a2 2 0 0 0 2-3l-5-9V3M7.5 14h9").into_any()
        }
    }
}

/// The mark of the site.
pub(super) fn esim() -> impl IntoView {
    drawing("M6 2h9l4 4v16H6zM9.5 10h6v7h-6zM12.5 10v7M9.5 13.5h6")
}

/// A camera.
pub(super) fn camera() -> impl IntoView {
    drawing("M4 7h3l2-3h6l2 3h3v13H4zM12 17a4 4 0 1 0 0-8 4 4 0 0 0 0 8z")
}

/// A picture.
pub(super) fn picture() -> impl IntoView {
    drawing("M4 4h16v16H4zM4 16l5-5 4 4 2.5-2.5L20 17M15.5 9h.01")
}

/// Lines to fill in.
pub(super) fn parts() -> impl IntoView {
    drawing("M4 4h16v4H4zM4 10h16v4H4zM4 16h16v4H4z")
}

/// Two sheets.
pub(super) fn copy() -> impl IntoView {
    drawing("M9 9h11v11H9zM15 9V4H4v11h5")
}

/// A tick.
pub(super) fn done() -> impl IntoView {
    drawing("M5 12.5l4.5 4.5L19 7.5")
}

/// The power switch.
pub(super) fn power() -> impl IntoView {
    drawing("M12 3v9M7 6.3a8 8 0 1 0 10 0")
}

/// A receiver.
pub(super) fn call() -> impl IntoView {
    drawing("M6 3h4l1.5 5L9 10a12 12 0 0 0 5 5l2-2.5 5 1.5v4a2 2 0 0 1-2 2A16 16 0 0 1 4 5a2 2 0 0 1 2-2z")
}

/// A letter.
pub(super) fn letter() -> impl IntoView {
    drawing("M4 4h16v12H9l-5 4zM8 8.5h8M8 12h5")
}

/// The world.
pub(super) fn world() -> impl IntoView {
    drawing("M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM3 12h18M12 3c5 5 5 13 0 18M12 3c-5 5-5 13 0 18")
}

/// Sliders.
pub(super) fn settings() -> impl IntoView {
    drawing("M4 7h9M17 7h3M15 5v4M4 12h3M11 12h9M9 10v4M4 17h9M17 17h3M15 15v4")
}

fn drawing(path: &'static str) -> impl IntoView {
    view! {
        <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
            <path d=path fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round"/>
        </svg>
    }
}
