// Starts the page's module. A file of its own: the policy allows no script in the page.
import start from './web_lpa.js';

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
