// The journal of a chip in IndexedDB, where the browser has no files of its own. Rust keeps
// the bytes; what is written goes behind it into the database, and the chip's answer waits
// until it is there.

const STORE = 'journal';

/** How long a page that is loaded again may take to let go, in milliseconds. */
const PATIENCE = 1200;

/** A request's result. */
const result = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/** Holds a name for this tab or worker alone; the result lets it go. */
async function hold(name, elsewhere) {
  const locks = globalThis.navigator?.locks;
  if (!locks) throw new Error('this browser cannot keep two tabs apart (Web Locks)');
  const late = elsewhere ? undefined : AbortSignal.timeout(PATIENCE);
  const told = elsewhere && setTimeout(elsewhere, PATIENCE);
  try {
    return await new Promise((resolve, reject) => {
      const held = () => new Promise((release) => resolve(release));
      locks.request(`euicc-${name}`, late ? { signal: late } : {}, held).catch(reject);
    });
  } catch (error) {
    if (late?.aborted) throw new Error(`another tab or worker has the chip ${name}`);
    throw error;
  } finally {
    clearTimeout(told);
  }
}

export class Database {
  #db;
  #release;
  #failed;
  #writing = 0;
  #last;
  #open = new Set();

  /**
   * Opens the database; waits while another tab has it, after telling `elsewhere`. Without
   * `elsewhere` that is an error.
   */
  static async open(name, elsewhere) {
    if (!globalThis.indexedDB) throw new Error('this browser has no IndexedDB here');
    const database = new Database();
    database.#release = await hold(name, elsewhere);
    try {
      const request = indexedDB.open(`euicc-${name}`, 1);
      request.onupgradeneeded = () => request.result.createObjectStore(STORE, { autoIncrement: true });
      database.#db = await result(request);
    } catch (error) {
      database.#release();
      throw error;
    }
    database.#db.onclose = () => {
      database.#failed ??= new Error('the browser closed the database');
    };
    return database;
  }

  /** Everything that was written. */
  async load() {
    const records = await result(this.#db.transaction(STORE).objectStore(STORE).getAll());
    const bytes = new Uint8Array(records.reduce((length, record) => length + record.length, 0));
    let at = 0;
    for (const record of records) {
      bytes.set(record, at);
      at += record.length;
    }
    return bytes;
  }

  /** Begins to write: at the end, or in the place of everything. Throws when it cannot. */
  write(bytes, instead) {
    if (this.#failed) throw this.#failed;
    // Not a view: its whole memory would be cloned.
    const own = bytes.slice();
    this.#transaction((store) => {
      if (instead) store.clear();
      store.add(own);
    });
  }

  #transaction(change) {
    const transaction = this.#db.transaction(STORE, 'readwrite', { durability: 'strict' });
    this.#writing += 1;
    this.#open.add(transaction);
    this.#last = new Promise((resolve) => {
      transaction.oncomplete = () => {
        this.#open.delete(transaction);
        resolve();
      };
      transaction.onabort = () => {
        this.#open.delete(transaction);
        this.#failed ??= transaction.error ?? new Error('the browser aborted a write');
        // What follows would follow a gap; those that wait begin when this one is over.
        const rest = [...this.#open];
        this.#open.clear();
        for (const other of rest) other.abort();
        resolve();
      };
    }).finally(() => {
      this.#writing -= 1;
    });
    change(transaction.objectStore(STORE));
  }

  /** What to wait for until everything that was written is durable; rejected when it is not. */
  settled() {
    if (this.#failed) return Promise.reject(this.#failed);
    if (this.#writing === 0) return undefined;
    return this.#last.then(() => {
      if (this.#failed) throw this.#failed;
    });
  }

  close() {
    this.#db.close();
    this.#release();
  }
}
