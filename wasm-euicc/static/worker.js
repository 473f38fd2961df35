// The chip's worker: loads the module and lets it answer the page.
import start, { serve } from './wasm_euicc.js';

await start();
await serve('/lab/chip.json');
