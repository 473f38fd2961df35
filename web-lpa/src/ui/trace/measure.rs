//! How large something is, as it changes.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::ResizeObserver;

/// What sees a size change, as long as its component lives.
struct Watch {
    observer: ResizeObserver,
    _changed: Closure<dyn Fn()>,
}

/// Width and height of an element without its borders, in pixels; 0 before it is there.
pub(super) fn measured<E>(node: NodeRef<E>) -> Signal<(f64, f64)>
where
    E: leptos::html::ElementType + 'static,
    E::Output: JsCast + Clone + AsRef<web_sys::Element> + 'static,
{
    let size = RwSignal::new((0.0, 0.0));
    let watch = StoredValue::new_local(None::<Watch>);
    Effect::new(move |_| {
        let Some(element) = node.get() else { return };
        let element = AsRef::<web_sys::Element>::as_ref(&element).clone();
        let watched = element.clone();
        let changed = Closure::<dyn Fn()>::new(move || {
            let now = (f64::from(element.client_width()), f64::from(element.client_height()));
            if size.try_get_untracked().is_some_and(|before| before != now) {
                size.set(now);
            }
        });
        if let Ok(observer) = ResizeObserver::new(changed.as_ref().unchecked_ref()) {
            observer.observe(&watched);
            watch.set_value(Some(Watch { observer, _changed: changed }));
        }
    });
    on_cleanup(move || {
        let _ = watch.try_update_value(|watch| {
            if let Some(watch) = watch.take() {
                watch.observer.disconnect();
            }
        });
    });
    size.into()
}

/// The size of the page's letters, in pixels: the height of a line follows it.
pub(super) fn rem() -> f64 {
    let size = || {
        let window = web_sys::window()?;
        let root = window.document()?.document_element()?;
        let style = window.get_computed_style(&root).ok()??;
        style.get_property_value("font-size").ok()?.trim_end_matches("px").parse().ok()
    };
    size().filter(|size| *size > 4.0).unwrap_or(16.0)
}
