// The chip in JavaScript: browsers and workers. Node adds files and the command line's doors
// (node.mjs). The types, with everything that is to be said of them, are in index.d.ts.
import start, { Chip, Place, exposePki } from './wasm_euicc.js';

/** What differs in Node. */
export const platform = {
  /** The module, where it is not to be fetched from beside its JavaScript. */
  module: async () => undefined,
  /** A medium in a file. */
  file: async () => {
    throw new TypeError('storage.file is for Node; in a browser use storage.opfs or storage.indexedDB');
  },
  /** Reads a published file of SGP.26 by its name. */
  sgp26: async () => {
    throw new TypeError('sgp26 is for Node; in a browser give a factory');
  },
};

let started;
/** Loads the module, once. */
const ready = () => {
  started ??= platform.module().then((bytes) => start(bytes && { module_or_path: bytes }));
  return started;
};

const WISHES = ['eid', 'seed', 'memory', 'isdrAid', 'bootstrap', 'factory'];
const OTHERS = ['sgp26', 'snapshot', 'storage', 'randomSeed'];

/** The part of the options that Rust reads, as JSON. */
function wish(options) {
  const unknown = Object.keys(options).filter((name) => ![...WISHES, ...OTHERS].includes(name));
  if (unknown.length) throw new TypeError(`there is no option ${unknown.join(', ')}`);
  const given = WISHES.filter((name) => options[name] !== undefined);
  return JSON.stringify(Object.fromEntries(given.map((name) => [name, options[name]])));
}

/** Where a chip lives, and how it is let go of. */
async function place(storage = 'memory') {
  if (storage === 'memory') return { place: Place.volatile() };
  if (typeof storage?.file === 'string') {
    const file = await platform.file(storage.file);
    return { place: Place.foreign(file), close: () => file.close() };
  }
  if (typeof storage?.opfs === 'string') return { place: await Place.opfs(storage.opfs) };
  if (typeof storage?.indexedDB === 'string') return { place: await Place.indexedDb(storage.indexedDB) };
  throw new TypeError("storage is 'memory', { file }, { opfs } or { indexedDB }");
}

const bytes = (value, name) => {
  if (!(value instanceof Uint8Array)) throw new TypeError(`${name} must be a Uint8Array`);
  return value;
};

export class Euicc {
  #chip;
  #close;
  #broken;
  #listeners = { apdu: new Set(), trace: new Set() };

  constructor(key, chip, close) {
    if (key !== Euicc.#key) throw new TypeError('a chip is made with Euicc.create()');
    this.#chip = chip;
    this.#close = close;
  }

  static #key = Symbol('Euicc.create');

  static async create(options = {}) {
    const wished = wish(options);
    const snapshot = options.snapshot && bytes(options.snapshot, 'snapshot');
    await ready();
    const sgp26 = options.sgp26 === undefined ? undefined : await platform.sgp26(options.sgp26);
    const chance = options.randomSeed === undefined ? undefined : new TextEncoder().encode(options.randomSeed);
    const there = await place(options.storage);
    let chip;
    try {
      chip = Chip.create(there.place, wished, snapshot, sgp26, chance);
      await chip.settled();
    } catch (error) {
      chip?.free();
      there.close?.();
      throw error;
    }
    return new Euicc(Euicc.#key, chip, there.close);
  }

  get #alive() {
    if (this.#broken) throw this.#broken;
    if (!this.#chip) throw new Error('the chip is closed');
    return this.#chip;
  }

  /** Does something with the chip; the answer waits until it is durable. */
  async #durably(act) {
    const answer = act();
    const written = this.#alive.settled();
    if (written) {
      try {
        await written;
      } catch (error) {
        this.#broken ??= new Error('the storage did not keep a command; make the chip anew', { cause: error });
        throw this.#broken;
      }
    }
    return answer;
  }

  #tell(type, event) {
    for (const listener of this.#listeners[type]) listener(event);
  }

  async transmit(command) {
    const chip = this.#alive;
    bytes(command, 'a command APDU');
    const began = performance.now();
    const response = await this.#durably(() => chip.transmit(command));
    this.#tell('apdu', { command, response, ms: performance.now() - began });
    return response;
  }

  transmitSync(command) {
    const chip = this.#alive;
    bytes(command, 'a command APDU');
    const began = performance.now();
    const response = chip.transmit(command);
    // What is begun goes on; but this answer would be given before it is durable.
    if (chip.settled()) throw new Error('IndexedDB cannot be waited for here: use transmit()');
    this.#tell('apdu', { command, response, ms: performance.now() - began });
    return response;
  }

  async reset() {
    const chip = this.#alive;
    return this.#durably(() => chip.reset());
  }

  resetSync() {
    const atr = this.#alive.reset();
    if (this.#alive.settled()) throw new Error('IndexedDB cannot be waited for here: use reset()');
    return atr;
  }

  async snapshot() {
    const chip = this.#alive;
    return this.#durably(() => chip.exposeSnapshot());
  }

  on(type, listener) {
    const listeners = this.#listeners[type];
    if (!listeners) throw new TypeError(`there is no event ${type}: a chip has apdu and trace`);
    // Each call is one subscription, even of the same function.
    const own = (event) => listener(event);
    listeners.add(own);
    this.#listen();
    return () => {
      listeners.delete(own);
      this.#listen();
    };
  }

  /** The chip's own trace costs nothing while nobody listens. */
  #listen() {
    const wanted = this.#listeners.trace.size > 0;
    this.#chip?.onTrace(wanted ? (text) => this.#tell('trace', { text }) : undefined);
  }

  async close() {
    const chip = this.#chip;
    if (!chip) return;
    this.#chip = undefined;
    try {
      await chip.settled();
    } finally {
      chip.free();
      this.#close?.();
    }
  }
}

export async function exposeTestPki({ seed, eid, smdpAddress = 'smdp.example' } = {}) {
  await ready();
  return exposePki(wish({ seed, eid }), smdpAddress);
}

export { ready };
