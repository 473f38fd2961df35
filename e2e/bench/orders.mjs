// node orders.mjs FOLDER NUMBER: puts orders into the store of the SM-DP+ while nobody else has
// it open. FOLDER holds its objects (SQLite files), in all of which the server has written
// already: what an order and its entries look like is copied from there.
import { hash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

const [folder, number] = [process.argv[2], Number(process.argv[3])];
/** Objects of each kind (edge-smdp/src/store/durable.rs). */
const SHARDS = 16;
/** By how each table's rows find their object, and what in them names the profile. */
const TABLES = { profile: 'iccid', package: 'iccid', matching_id: 'id', session: 'id' };

const shard = (key) => hash('sha256', key, 'buffer')[0] % SHARDS;

/** 20 digits: 89, the number, the digit of Luhn. */
function iccid(at) {
  const digits = `890099${String(at).padStart(13, '0')}`;
  let sum = 0;
  for (let i = 0; i < 19; i += 1) {
    const digit = Number(digits[18 - i]);
    sum += i % 2 ? digit : digit > 4 ? 2 * digit - 9 : 2 * digit;
  }
  return `${digits}${(10 - (sum % 10)) % 10}`;
}

const ALPHABET = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789';
/** As the server makes them. */
function matchingId(at) {
  const bytes = hash('sha256', `matching id ${at}`, 'buffer');
  return Array.from(bytes.subarray(0, 20), (byte, i) => (i % 5 || !i ? '' : '-') + ALPHABET[byte & 31]).join('');
}
const transactionId = (at) => hash('sha256', `session ${at}`).slice(0, 32).toUpperCase();

/** For each table and shard, how to add a row. */
const adders = {};
const open = [];
for (const file of readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.sqlite'))) {
  const database = new DatabaseSync(join(folder, file));
  for (const [table, key] of Object.entries(TABLES)) {
    if (!database.prepare(`SELECT 1 FROM sqlite_master WHERE name = ?`).get(table)) continue;
    const first = table === 'profile' ? "ORDER BY state = 'Released' DESC" : '';
    const row = database.prepare(`SELECT * FROM ${table} ${first} LIMIT 1`).get();
    if (!row) continue;
    const columns = Object.keys(row);
    const insert = database.prepare(
      `INSERT INTO ${table} (${columns}) VALUES (${columns.map(() => '?')})`,
    );
    const record = row.record && JSON.parse(row.record);
    adders[`${table} ${shard(row[key])}`] = (own, profile, id) => {
      const values = { ...row, [key]: own, iccid: profile };
      if (record) {
        record.iccid = profile;
        if (record.order) record.order.matching_id = id;
        values.record = JSON.stringify(record);
      }
      for (const name of ['package', 'protected']) if (row[name]) values[name] = row[name].subarray(0, 64);
      insert.run(...columns.map((column) => values[column]));
    };
  }
  // Everything twice, in a log too, would be more than the disk has to carry.
  database.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN');
  open.push(database);
}

for (const table of Object.keys(TABLES)) {
  for (let at = 0; at < SHARDS; at += 1) {
    if (!adders[`${table} ${at}`]) throw new Error(`the server has written no ${table} in object ${at}`);
  }
}
for (let at = 0; at < number; at += 1) {
  const [profile, id, transaction] = [iccid(at), matchingId(at), transactionId(at)];
  adders[`profile ${shard(profile)}`](profile, profile, id);
  adders[`package ${shard(profile)}`](profile, profile);
  adders[`matching_id ${shard(id)}`](id, profile);
  adders[`session ${shard(transaction)}`](transaction, profile);
}
for (const database of open) {
  database.exec('COMMIT; PRAGMA journal_mode = WAL');
  database.close();
}
