// Starts the module. A file of its own: the policy allows no script in the page.
import init from './smdp_console.js';

init().catch((error) => {
  const place = document.getElementById('console');
  const words = document.createElement('p');
  words.className = 'starting';
  words.setAttribute('role', 'alert');
  words.textContent =
    'The console could not be started. Reload the page; if that does not help, use a current ' +
    `browser with WebAssembly. (${error})`;
  place.replaceChildren(words);
});
