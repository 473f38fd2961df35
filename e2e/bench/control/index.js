// What the runtime itself takes: a worker in bare JavaScript that keeps as much as the SM-DP+ does
// (edge-smdp/src/store/shard/tables.rs) by as many ways between objects and as many statements, and
// does nothing else. `cargo xtask bench smdp -- --soak` runs both in the same way.
import { DurableObject } from 'cloudflare:workers';

const TABLES = `
  CREATE TABLE IF NOT EXISTS profile (
    iccid TEXT PRIMARY KEY, version INTEGER NOT NULL, record TEXT NOT NULL, state TEXT NOT NULL,
    profile_type TEXT, changed INTEGER NOT NULL, eid TEXT, expires INTEGER);
  CREATE INDEX IF NOT EXISTS profile_changed ON profile (changed, iccid);
  CREATE INDEX IF NOT EXISTS profile_state ON profile (state, changed, iccid);
  CREATE INDEX IF NOT EXISTS profile_eid ON profile (eid, changed, iccid) WHERE eid IS NOT NULL;
  CREATE INDEX IF NOT EXISTS profile_expires ON profile (expires) WHERE expires IS NOT NULL;
  CREATE INDEX IF NOT EXISTS profile_matching_id ON profile (record ->> '$.id');
  CREATE INDEX IF NOT EXISTS profile_session ON profile (record ->> '$.session');
  CREATE TABLE IF NOT EXISTS package (
    iccid TEXT PRIMARY KEY, key_id TEXT NOT NULL, package BLOB, protected BLOB);
  CREATE INDEX IF NOT EXISTS package_key ON package (key_id, iccid);
  CREATE TABLE IF NOT EXISTS bound (iccid TEXT PRIMARY KEY, package BLOB NOT NULL);
  CREATE TABLE IF NOT EXISTS journal (
    number INTEGER PRIMARY KEY, at INTEGER NOT NULL, iccid TEXT NOT NULL, kind TEXT NOT NULL, event TEXT NOT NULL);
  CREATE INDEX IF NOT EXISTS journal_at ON journal (at, iccid, number);
  CREATE TABLE IF NOT EXISTS tally (name TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS matching_id (id TEXT PRIMARY KEY, iccid TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS session (
    id TEXT PRIMARY KEY, iccid TEXT, expires INTEGER NOT NULL) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS session_expires ON session (expires);`;

/** Steps of a session, as the server has them: how long the record is then, in bytes, the state
 * after it, and what else is done. */
const STEPS = {
  addProfile: { record: 600, state: 'Available' },
  downloadOrder: { record: 1500, state: 'Allocated' },
  confirmOrder: { record: 2500, state: 'Released', index: 'put' },
  authenticateClient: { record: 3000, state: 'Released', session: true },
  getBoundProfilePackage: { record: 3200, state: 'Downloaded', bound: true },
  handleNotification: { record: 3300, state: 'Installed', index: 'delete' },
};
const PACKAGE = 12 * 1024;
/** Events of the journal that an object keeps. */
const JOURNAL = 4096;
const SHARDS = 16;

const now = () => Math.floor(Date.now() / 1000);

export class StoreObject extends DurableObject {
  constructor(state, env) {
    super(state, env);
    this.sql = state.storage.sql;
    this.sql.exec(TABLES);
  }

  rows(query, ...bindings) {
    return [...this.sql.exec(query, ...bindings).raw()];
  }

  async fetch(request) {
    const [, what, name, number] = new URL(request.url).pathname.split('/');
    const body = new Uint8Array(await request.arrayBuffer());
    if (what === 'index') {
      if (name === 'put') {
        this.rows('INSERT INTO matching_id (id, iccid) VALUES (?, ?) ON CONFLICT DO NOTHING', id(number), iccid(number));
        this.rows('SELECT iccid FROM matching_id WHERE id = ?', id(number));
      } else this.rows('DELETE FROM matching_id WHERE id = ? AND iccid = ?', id(number), iccid(number));
      return new Response('done');
    }
    if (what === 'session') {
      this.rows('INSERT INTO session (id, iccid, expires) VALUES (?, ?, ?) ON CONFLICT DO NOTHING RETURNING id', transaction(number), iccid(number), now() + 604_800);
      return new Response('done');
    }
    const step = STEPS[name];
    const own = iccid(number);
    if (step.index) await this.other(`index/${step.index}`, number);
    if (step.session) await this.other('session/put', number);
    const record = JSON.stringify({ id: id(number), session: step.session ? transaction(number) : null, rest: 'x'.repeat(step.record) });
    const at = now();
    if (name === 'addProfile') {
      this.rows('SELECT state, version FROM profile WHERE iccid = ?', own);
      const [one, two] = [body, body].map(() => new Uint8Array(PACKAGE).fill(7));
      this.rows('INSERT OR REPLACE INTO package (iccid, key_id, package, protected) VALUES (?, ?, ?, ?)', own, '01234567', one, two);
      this.rows('INSERT OR REPLACE INTO profile (record, state, changed, eid, expires, iccid, version) VALUES (?, ?, ?, ?, ?, ?, 0)', record, step.state, at, null, null, own);
    } else {
      this.rows('SELECT version, record FROM profile WHERE iccid = ?', own);
      if (step.bound) this.rows('SELECT key_id, package, protected FROM package WHERE iccid = ?', own);
      this.rows('UPDATE profile SET version = version + 1, record = ?, state = ?, changed = ?, eid = ?, expires = ? WHERE iccid = ? RETURNING version', record, step.state, at, own.padEnd(32, '0'), step.state === 'Installed' ? null : at + 604_800, own);
      if (step.bound) this.rows('INSERT OR REPLACE INTO bound (iccid, package) VALUES (?, ?)', own, new Uint8Array(PACKAGE).fill(7));
      if (step.state === 'Installed') this.rows('DELETE FROM bound WHERE iccid = ?', own);
    }
    this.rows("INSERT INTO tally (name, count) VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET count = count + 1", step.state);
    const written = this.rows('INSERT INTO journal (at, iccid, kind, event) VALUES (?, ?, ?, ?) RETURNING number', at, own, step.state, 'x'.repeat(40));
    if (written[0][0] % 64 === 0) this.rows('DELETE FROM journal WHERE number <= (SELECT max(number) FROM journal) - ?', JOURNAL);
    return new Response(step.bound ? new Uint8Array(PACKAGE * 4 / 3) : 'x'.repeat(600));
  }

  async other(path, number) {
    return ask(this.env, path, number, 'x'.repeat(100));
  }
}

const iccid = (number) => `890017${String(number).padStart(14, '0')}`;
const id = (number) => `ABCDE-FGHJK-${String(number).padStart(11, '0')}`;
const transaction = (number) => String(number).padStart(32, '0');

async function ask(env, path, number, body) {
  const stub = env.STORE.getByName(`${path.split('/')[0]}-${number % SHARDS}`);
  const response = await stub.fetch(`https://store/${path}/${number}`, { method: 'POST', body });
  await response.arrayBuffer();
}

export default {
  async fetch(request, env) {
    const [, name, number] = new URL(request.url).pathname.split('/');
    const body = await request.arrayBuffer();
    if (!STEPS[name]) return new Response('{}');
    const stub = env.STORE.getByName(`profile-${number % SHARDS}`);
    console.log(JSON.stringify({ interface: 'control', function: name, status: 200, profile: iccid(number) }));
    return stub.fetch(`https://store/profile/${name}/${number}`, { method: 'POST', body });
  },
};
