// What the runtime itself takes: a worker in bare JavaScript that keeps as much as the network does
// (net-policy-worker/src/store/durable.rs) by as many ways between objects and as many statements, writes
// as many lines to its log, and does nothing else. `cargo xtask bench policy` runs both in the same way.
import { DurableObject } from 'cloudflare:workers';

/** How long what is kept and told is, in bytes. */
const RECORD = 400;
const LINE = 2200;
const VERDICT = 300;
const SESSION = 1200;
/** Verdicts that an object keeps (net-policy-worker/src/gateway/audit.rs), and after how many those before go. */
const KEPT = 512;
const SURPLUS = 64;
/** Verdicts of a session that it keeps (net-policy-worker/src/service/line.rs). */
const LOGGED = 64;
const TEMPORARY = `
  CREATE TABLE IF NOT EXISTS temporary (
    tmsi TEXT PRIMARY KEY, owner TEXT NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID`;

class Table extends DurableObject {
  rows(query, ...bindings) {
    return [...this.ctx.storage.sql.exec(query, ...bindings).raw()];
  }
}

export class SubscriberObject extends Table {
  async fetch(request) {
    const [, what] = new URL(request.url).pathname.split('/');
    if (what === 'packet') return this.packet(await request.arrayBuffer());
    await request.text();
    if (what === 'provision') {
      this.rows(`CREATE TABLE IF NOT EXISTS subscriber (
        id INTEGER PRIMARY KEY CHECK (id = 1), imsi TEXT NOT NULL, record TEXT NOT NULL, line TEXT NOT NULL)`);
      this.rows('INSERT OR REPLACE INTO subscriber (id, imsi, record, line) VALUES (1, ?, ?, ?)', 'x'.repeat(15), 'x'.repeat(RECORD), 'x'.repeat(LINE));
      return new Response('done');
    }
    this.change(what === 'respond');
    return new Response('x'.repeat(what === 'respond' ? SESSION : 200));
  }

  /** What is remembered is not read again; a verdict stands in two places. */
  change(isVerdict) {
    if (!this.line) {
      this.rows("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", 'subscriber');
      [[this.imsi, , this.line]] = this.rows('SELECT imsi, record, line FROM subscriber');
      this.rows('CREATE TABLE IF NOT EXISTS verdicts (number INTEGER PRIMARY KEY AUTOINCREMENT, verdict TEXT NOT NULL)');
      this.rows('CREATE TABLE IF NOT EXISTS log (place INTEGER PRIMARY KEY, entry TEXT NOT NULL)');
      this.count = 0;
    }
    this.rows('UPDATE subscriber SET line = ?', this.line);
    if (!isVerdict) return;
    this.count += 1;
    const verdict = JSON.stringify({ imsi: this.imsi, rest: 'x'.repeat(VERDICT) });
    this.rows('INSERT OR REPLACE INTO log (place, entry) VALUES (?, ?)', this.count % LOGGED, verdict);
    console.log(verdict);
    this.rows('INSERT INTO verdicts (verdict) VALUES (?) RETURNING number', verdict);
    if (this.count % SURPLUS === 0) {
      this.rows('DELETE FROM verdicts WHERE number <= (SELECT MAX(number) FROM verdicts) - ?', KEPT);
    }
  }

  async packet(body) {
    this.change(true);
    const answer = await this.env.SMDP.fetch('https://sm/gsma', { method: 'POST', body });
    const bytes = await answer.arrayBuffer();
    this.change(false);
    return new Response(bytes, { headers: { 'content-type': 'application/json' } });
  }
}

export class TemporaryObject extends Table {
  async fetch(request) {
    const [, what] = new URL(request.url).pathname.split('/');
    const [tmsi, owner] = (await request.text()).split(' ');
    this.rows(TEMPORARY);
    this.rows('CREATE INDEX IF NOT EXISTS by_end ON temporary (expires)');
    if (what === 'enter') {
      this.rows('DELETE FROM temporary WHERE expires <= ?', Date.now());
      this.rows('INSERT INTO temporary (tmsi, owner, expires) VALUES (?, ?, ?) ON CONFLICT DO NOTHING', tmsi, owner, Date.now() + 1e9);
    } else this.rows('DELETE FROM temporary WHERE tmsi = ? AND owner = ?', tmsi, owner);
    return new Response('');
  }
}

export class DirectoryObject extends Table {}
export class PolicyObject extends Table {}

async function ask(namespace, name, path, body) {
  const response = await namespace.getByName(name).fetch(`https://object/${path}`, { method: 'POST', body });
  return response.text();
}

const json = (value) => new Response(JSON.stringify(value), { headers: { 'content-type': 'application/json' } });
const chance = (length) => Array.from(crypto.getRandomValues(new Uint8Array(length)), (byte) => byte.toString(16).padStart(2, '0')).join('');

export default {
  async fetch(request, env) {
    const [, , kind, id, action] = new URL(request.url).pathname.split('/');
    if (kind === 'health') return json({});
    if (kind === 'sessions') {
      const init = { method: 'POST', body: await request.arrayBuffer() };
      return env.SUBSCRIBER.getByName(id.split('.')[0]).fetch('https://object/packet', init);
    }
    const body = await request.text();
    if (kind === 'subscribers') {
      const written = request.method === 'PUT' ? [{ imsi: id }] : request.method === 'POST' ? JSON.parse(body) : [];
      for (const { imsi } of written) await ask(env.SUBSCRIBER, imsi, 'provision', body.slice(0, RECORD));
      return request.method === 'DELETE' ? new Response(null, { status: 204 }) : json([]);
    }
    if (kind === 'attach' && !action) {
      const { imsi } = JSON.parse(body);
      await ask(env.SUBSCRIBER, imsi, 'ask', body);
      return json({ attachId: `${imsi}.${'x'.repeat(300)}`, rand: chance(16), autn: chance(16) });
    }
    const [imsi] = id.split('.');
    const session = await ask(env.SUBSCRIBER, imsi, 'respond', body);
    const [tmsi, before] = [chance(4), chance(4)];
    await Promise.all([
      ask(env.TEMPORARY, tmsi.slice(0, 2), 'enter', `${tmsi} ${imsi}`),
      ask(env.TEMPORARY, before.slice(0, 2), 'strike', `${before} ${imsi}`),
    ]);
    return json({ sessionId: `${imsi}.${chance(16)}`, rest: session });
  },
};
