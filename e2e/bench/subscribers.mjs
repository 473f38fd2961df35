// node subscribers.mjs FOLDER FROM TO: puts subscribers into what the network keeps while nobody else has it
// open. FOLDER holds its objects (SQLite files, in a folder for each class), in which the network has written
// already: what an entry looks like is copied from there.
//
// Of a subscriber nobody calls on there is its entry in the directory, its temporary identity, and the
// name of its object's file in the folder. The file is empty: with contents it has 20 kB, and no other
// object ever opens it.
import { hash } from 'node:crypto';
import { closeSync, openSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

const [folder, from, to] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];

const imsi = (at) => `00101${String(at).padStart(10, '0')}`;

/** Says now and then how far it is. */
function told(what, at) {
  const done = at + 1 - from;
  if (done % 100_000 === 0 && to - from > 100_000) console.error(`  ${what}: ${done} of ${to - from}`);
}

/** The databases of a class of objects, open for much to be written. */
function databases(name) {
  const own = join(folder, name);
  return readdirSync(own).filter((file) => file.endsWith('.sqlite')).flatMap((file) => {
    const database = new DatabaseSync(join(own, file));
    const tables = database.prepare("SELECT count(*) AS count FROM sqlite_master WHERE type = 'table'").get();
    if (!tables.count) return [];
    database.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN');
    return [database];
  });
}

function close(all) {
  for (const database of all) {
    database.exec('COMMIT; PRAGMA journal_mode = WAL');
    database.close();
  }
}

const directory = databases('DirectoryObject');
const has = (database, table) => database.prepare('SELECT 1 FROM sqlite_master WHERE name = ?').get(table);
const list = directory.find((database) => has(database, 'directory'));
const view = JSON.parse(list.prepare('SELECT view FROM directory LIMIT 1').get().view);
const enter = list.prepare('INSERT INTO directory (imsi, view) VALUES (?, ?)');
for (let at = from; at < to; at += 1) {
  enter.run(imsi(at), JSON.stringify({ ...view, imsi: imsi(at) }));
  told('directory', at);
}
close(directory);

const temporary = databases('TemporaryObject');
const shards = {};
for (const database of temporary) {
  const row = has(database, 'temporary') && database.prepare('SELECT * FROM temporary LIMIT 1').get();
  if (!row) continue;
  const insert = database.prepare('INSERT OR IGNORE INTO temporary (tmsi, owner, expires) VALUES (?, ?, ?)');
  shards[row.tmsi.slice(0, 2)] = (tmsi, owner) => insert.run(tmsi, owner, row.expires);
}
// Not each of the 256 objects that keep them has been written to, where few have attached before: the others
// keep more then.
if (!Object.keys(shards).length) throw new Error('nobody has a temporary identity yet');
for (let at = from; at < to; at += 1) {
  let tmsi;
  let tried = 0;
  do tmsi = hash('sha256', `temporary ${at} ${tried++}`).slice(0, 8);
  while (!shards[tmsi.slice(0, 2)]);
  shards[tmsi.slice(0, 2)](tmsi, hash('sha256', `owner ${at}`).slice(0, 16));
  told('temporary identities', at);
}
close(temporary);

for (let at = from; at < to; at += 1) {
  closeSync(openSync(join(folder, 'SubscriberObject', `${hash('sha256', `subscriber ${at}`)}.sqlite`), 'wx'));
  told('files', at);
}
