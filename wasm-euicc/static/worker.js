// A chip's worker: loads the module and lets it answer the page. Which chip it is, and what a
// new one is made with, stands in its own address: worker.js?name=watch&factory=/lab/watch.json
import start, { serve } from './wasm_euicc.js';

// A module that stops in the middle of something asynchronous would leave the page waiting.
addEventListener('unhandledrejection', (event) => {
  postMessage({ state: 'broken', because: String(event.reason?.message ?? event.reason) });
});

const asked = new URL(import.meta.url).searchParams;
await start();
await serve(asked.get('name') ?? '', asked.get('factory') ?? '/lab/chip.json');
