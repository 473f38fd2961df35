//! Pictures and text from files, the clipboard, and what is dropped on the phone.

use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, DataTransfer, File, ImageBitmap};

use super::reader::{Look, Reader};
use super::{Outcome, Problem, scan, size, text};

/// What a person has brought.
pub(crate) enum Brought {
    /// A file, which should be a picture.
    File(File),
    /// Text.
    Text(String),
    /// Neither, and why.
    Problem(Problem),
}

impl Brought {
    /// Of a clipboard or of something dropped: a file before text. To be called while the
    /// event is handled: it is empty afterwards.
    pub(crate) fn of(data: &DataTransfer) -> Self {
        let of_type = |name: &str| data.get_data(name).ok().filter(|text| !text.trim().is_empty());
        if let Some(file) = data.files().and_then(|files| files.get(0)) {
            return Self::File(file);
        }
        let link = of_type("text/uri-list");
        match (of_type("text/plain"), of_type("text/html")) {
            // What is dragged out of a page as a picture has its address for text.
            (Some(_), Some(html)) if link.is_some() && html.contains("<img") => {
                Self::Problem(Problem::OnlyAnAddress)
            }
            (Some(text), _) => Self::Text(text),
            (None, _) => link.map_or(Self::Problem(Problem::Nothing), Self::Text),
        }
    }

    /// Looks for a code in it.
    pub(crate) async fn read(self, reader: &Reader) -> Outcome {
        match self {
            Self::File(file) => picture(reader, &file).await,
            Self::Text(text) => text::read(&text),
            Self::Problem(problem) => Outcome::Problem(problem),
        }
    }
}

/// Looks for a code in a picture.
pub(crate) async fn picture(reader: &Reader, file: &Blob) -> Outcome {
    match open(file).await {
        Ok(picture) => match reader.read(picture, Look::Picture).await {
            Ok(reading) => scan::judge(&reading.texts, reading.unreadable),
            Err(because) => Outcome::Problem(Problem::Reader(because)),
        },
        Err(problem) => Outcome::Problem(problem),
    }
}

/// Opens a picture; one that says it is too large is not handed to the browser at all.
async fn open(file: &Blob) -> Result<ImageBitmap, Problem> {
    if file.size() > size::MAX_FILE {
        return Err(Problem::TooLarge);
    }
    let head = file.slice_with_i32_and_i32(0, size::HEAD).map_err(|_| Problem::NotAPicture)?;
    let head = JsFuture::from(head.array_buffer()).await.map_err(|_| Problem::NotAPicture)?;
    let head = js_sys::Uint8Array::new(&head).to_vec();
    if size::of(&head).is_some_and(size::is_too_large) {
        return Err(Problem::TooLarge);
    }
    let window = web_sys::window().ok_or(Problem::NotAPicture)?;
    let opening = window.create_image_bitmap_with_blob(file).map_err(|_| Problem::NotAPicture)?;
    JsFuture::from(opening).await.and_then(JsCast::dyn_into).map_err(|_| Problem::NotAPicture)
}
