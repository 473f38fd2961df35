// The worker that reads QR codes: `{id, picture, edge, glance}` goes in, an ImageBitmap whose
// longer edge is made `edge` pixels long if it is longer; `{id, texts, unreadable}` comes back,
// or `{id, failed}` in words.
import start, { read } from './qr_reader.js';

const ready = start();

function pixels(picture, edge) {
  const scale = Math.min(1, edge / Math.max(picture.width, picture.height));
  const width = Math.max(1, Math.round(picture.width * scale));
  const height = Math.max(1, Math.round(picture.height * scale));
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  context.imageSmoothingQuality = 'high';
  context.drawImage(picture, 0, 0, width, height);
  return { width, rgba: context.getImageData(0, 0, width, height).data };
}

onmessage = async ({ data: { id, picture, edge, glance } }) => {
  try {
    await ready;
    const { width, rgba } = pixels(picture, edge);
    const reading = read(width, new Uint8Array(rgba.buffer), glance);
    const { texts, unreadable } = reading ?? { texts: [], unreadable: 0 };
    reading?.free();
    postMessage({ id, texts, unreadable });
  } catch (error) {
    postMessage({ id, failed: String(error) });
  } finally {
    picture.close();
  }
};
