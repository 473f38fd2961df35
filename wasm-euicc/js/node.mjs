// The chip in Node: the same, and files to live in.
import { closeSync, existsSync, fdatasyncSync, fsyncSync, openSync, readFileSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { platform } from './index.mjs';

export { Euicc, exposeTestPki } from './index.mjs';

platform.module = () => readFile(new URL('./wasm_euicc_bg.wasm', import.meta.url));

platform.sgp26 = async (folder) => (name) => {
  const path = join(folder, name);
  return existsSync(path) ? new Uint8Array(readFileSync(path)) : undefined;
};

platform.file = async (path) => new FileMedium(path);

/** The journal in a file that only its owner may read; the native command line's is the same. */
class FileMedium {
  #path;
  #file;
  #lock;

  constructor(path) {
    this.#path = path;
    this.#lock = lock(path);
  }

  load() {
    try {
      return new Uint8Array(readFileSync(this.#path));
    } catch (error) {
      if (error.code === 'ENOENT') return new Uint8Array();
      throw this.#told(error);
    }
  }

  append(bytes) {
    try {
      this.#file ??= openSync(this.#path, 'a', 0o600);
      write(this.#file, bytes);
      fdatasyncSync(this.#file);
    } catch (error) {
      throw this.#told(error);
    }
  }

  replace(bytes) {
    try {
      const fresh = `${this.#path}.new`;
      const file = openSync(fresh, 'w', 0o600);
      try {
        write(file, bytes);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      this.#forget();
      renameSync(fresh, this.#path);
      // The new name itself must last too.
      const folder = openSync(dirname(this.#path), 'r');
      try {
        fsyncSync(folder);
      } finally {
        closeSync(folder);
      }
    } catch (error) {
      throw this.#told(error);
    }
  }

  /** The chip tells its terminal of a failure by a status word; here is why. */
  #told(error) {
    process.emitWarning(`${this.#path}: ${error.message}`, 'EuiccStorage');
    return error;
  }

  #forget() {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  close() {
    this.#forget();
    this.#lock();
  }
}

function write(file, bytes) {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
}

/**
 * Keeps a second program away: `FILE.lock` holds the number of the process that has the
 * state, as with the native command line. Returns what lets it go.
 */
function lock(state) {
  const path = `${state}.lock`;
  const inUse = (holder) =>
    new Error(
      `${state}: in use by process ${holder}: stop it, or name another file (if there is no such process, remove ${path})`,
    );
  for (let tries = 0; tries < 2; tries += 1) {
    try {
      const file = openSync(path, 'wx', 0o600);
      writeSync(file, `${process.pid}\n`);
      closeSync(file);
      const release = () => {
        process.off('exit', release);
        try {
          unlinkSync(path);
        } catch {
          // What is left of it is cleared away by the next program.
        }
      };
      process.on('exit', release);
      return release;
    } catch (error) {
      if (error.code !== 'EEXIST') {
        throw new Error(`${state}: its folder must be there and writable: ${error.message}`);
      }
      clear(path, inUse);
    }
  }
  throw inUse('another');
}

/** Removes the lock of a process that is no more. */
function clear(path, inUse) {
  const read = (name) => {
    try {
      return readFileSync(name, 'utf8');
    } catch {
      return '';
    }
  };
  const held = read(path);
  const holder = Number(held.trim());
  if (!Number.isInteger(holder) || holder <= 0 || isAlive(holder)) throw inUse(held.trim());
  // Moved, not removed: of two that see the same dead process one gets it.
  const aside = `${path}.dead-${process.pid}`;
  try {
    renameSync(path, aside);
  } catch {
    return;
  }
  const taken = read(aside);
  if (taken !== held) {
    // Another was faster, and this is its lock.
    renameSync(aside, path);
    throw inUse(taken.trim());
  }
  unlinkSync(aside);
}

function isAlive(process_) {
  try {
    process.kill(process_, 0);
    return true;
  } catch (error) {
    return error.code !== 'ESRCH';
  }
}
