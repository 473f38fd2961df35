// Starts the page's module. A file of its own: the policy allows no script in the page.
import start from './web_lpa.js';

// An Isolated Web App makes markup and workers of trusted types only. Markup here is what the page's
// own program was compiled with; nothing that came from elsewhere becomes any. A worker's program has to
// be the app's own.
globalThis.trustedTypes?.createPolicy('default', {
  createHTML: (markup) => markup,
  createScriptURL(address) {
    const url = new URL(address, document.baseURI);
    if (url.origin !== location.origin) throw new TypeError(`${url} is not of this page`);
    return url.href;
  },
});

try {
  await start();
} catch (error) {
  // Without the module nothing of the page is there to say so.
  const words = document.createElement('p');
  words.setAttribute('role', 'alert');
  words.textContent = `The application could not be started: ${error}. ` +
    'It needs a current browser with WebAssembly; reloading the page may help.';
  document.body.append(words);
  throw error;
}
