/** DUMP and RESTORE of hashes whose fields expire: the forms of Redis 7.4, byte by byte. */
import t, { type Test } from 'tap';
import { sealed } from '../rdb/dumps.js';
import { rdbString } from '../rdb/old-formats.js';
import { type LocalClient, localClient } from '../support/local.js';
import { Scene } from '../support/scene.js';

const FIRST_MS = 4_000_000_000_000;
const FIELDS = ['a', 'b', 'c'] as const;

function time(ms: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(ms));
  return bytes;
}

function length64(length: number): Buffer {
  const bytes = Buffer.alloc(9, 0x81);
  bytes.writeBigUInt64BE(BigInt(length), 1);
  return bytes;
}

/** A listpack of one-byte texts, small integers and times. */
function listpack(...parts: (string | number)[]): Buffer {
  const elements = parts.map((part) => {
    if (typeof part === 'string') return Buffer.from([0x81, part.charCodeAt(0), 2]);
    if (part < 128) return Buffer.from([part, 1]);
    return Buffer.concat([Buffer.from([0xf4]), time(part), Buffer.from([9])]);
  });
  const body = Buffer.concat([...elements, Buffer.from([0xff])]);
  const head = Buffer.alloc(6);
  head.writeUInt32LE(6 + body.length, 0);
  head.writeUInt16LE(parts.length, 4);
  return Buffer.concat([head, body]);
}

const text = (value: string): Buffer => rdbString(Buffer.from(value));

/** `a` = x until FIRST_MS, `b` = y for ever, `c` = z until 5 ms after that. */
const packed = listpack('a', 'x', FIRST_MS, 'c', 'z', FIRST_MS + 5, 'b', 'y', 0);
const [a, b, c] = [
  Buffer.concat([text('a'), text('x')]),
  Buffer.concat([text('b'), text('y')]),
  Buffer.concat([text('c'), text('z')]),
];
const [one, zero, six] = [Buffer.from([1]), Buffer.from([0]), Buffer.from([6])];
const count = Buffer.from([3]);
const forms = {
  22: [count, length64(FIRST_MS), a, zero, b, length64(FIRST_MS + 5), c],
  23: [rdbString(packed)],
  24: [time(FIRST_MS), count, one, a, zero, b, six, c],
  25: [time(FIRST_MS), rdbString(packed)],
} as const;

function dumpOfForm(type: keyof typeof forms): Buffer {
  return sealed(Buffer.concat([Buffer.from([type]), ...forms[type]]), 12);
}

function checkFields(t: Test, client: LocalClient): void {
  t.same(client.send('HGETALL', 'h'), ['a', 'x', 'b', 'y', 'c', 'z']);
  const times = client.send('HPEXPIRETIME', 'h', 'FIELDS', '3', ...FIELDS);
  t.same(times, [FIRST_MS, -1, FIRST_MS + 5]);
}

for (const type of [22, 23, 24, 25] as const) {
  t.test(`RESTORE of type ${type}`, async (t) => {
    const client = await localClient();
    t.equal(client.send('RESTORE', 'h', '0', dumpOfForm(type)), 'OK');
    checkFields(t, client);
    t.equal(client.send('OBJECT', 'ENCODING', 'h'), 'listpackex');
    t.equal(client.send('DUMP', 'h'), dumpOfForm(25).toString('latin1'));
    client.send('CONFIG', 'SET', 'hash-max-listpack-entries', '2');
    t.equal(client.send('RESTORE', 'h', '0', dumpOfForm(type), 'REPLACE'), 'OK');
    checkFields(t, client);
    t.equal(client.send('OBJECT', 'ENCODING', 'h'), 'hashtable');
    t.equal(client.send('DUMP', 'h'), dumpOfForm(24).toString('latin1'));
    client.send('HPERSIST', 'h', 'FIELDS', '2', 'a', 'c');
    t.equal(client.text('DUMP', 'h')[0], '\x04', 'which 7.0 reads too');
  });
}

t.test('fields whose time has come before', async (t) => {
  const client = await localClient();
  const gone = sealed(Buffer.concat([Buffer.from([24]), time(5), Buffer.from([1]), one, a]), 12);
  const some = Buffer.concat([Buffer.from([24]), time(5), Buffer.from([2]), one, a, zero, b]);
  client.send('SET', 'h', '1');
  t.equal(client.send('RESTORE', 'h', '0', gone, 'REPLACE'), 'OK');
  t.equal(client.send('EXISTS', 'h'), 0);
  t.equal(client.send('RESTORE', 'h', '0', sealed(some, 12)), 'OK');
  t.same(client.send('HGETALL', 'h'), ['b', 'y']);
});

const MANY = 10_000;
const name = (i: number): string => `f${String(i).padStart(6, '0')}`;

/** A hash of MANY fields, of which all but each tenth expire at once. */
function filled(): Promise<Scene> {
  return Scene.filled((writer) => {
    for (let from = 0; from < MANY; from += 100) {
      const fields = Array.from({ length: 100 }, (_, i) => name(from + i));
      writer.send('HSET', 'h', ...fields.flatMap((field) => [field, 'x']));
      const timed = fields.filter((_, i) => i % 10 !== 0);
      writer.send('HPEXPIRE', 'h', '1000000', 'FIELDS', String(timed.length), ...timed);
    }
  });
}

for (const command of ['HLEN h', 'HGETALL h', 'HNTH h 1', 'COPY h g', 'DUMP h', 'DBSIZE']) {
  t.test(`${command}, when many fields of it have expired, takes turns`, async (t) => {
    const scene = await filled();
    const { local, reader } = scene;
    local.node.server.activeExpire = false;
    local.world.advance(1_000_000);
    reader.post(...command.split(' '));
    const { turns } = scene.awaitReply();
    t.ok(turns > 10, `${turns} turns`);
    t.equal(local.node.store.expiredElements, (MANY * 9) / 10);
    t.equal(scene.writer.send('HLEN', 'h'), MANY / 10);
    scene.checkStore(t);
    scene.checkMemory(t);
  });
}

t.test('fields expire in the middle of a long command', async (t) => {
  const scene = await filled();
  const { local, reader, writer } = scene;
  reader.post('COPY', 'h', 'g');
  const { reply } = scene.awaitReply((turn) => {
    if (turn === 5) local.world.advance(1_000_000);
  });
  t.equal(reply, 1);
  t.equal(writer.send('HLEN', 'g'), MANY / 10);
  scene.checkStore(t);
  scene.checkMemory(t);
});

t.test('a hash whose fields all expire at once goes at once', async (t) => {
  const scene = await filled();
  const { local, reader } = scene;
  for (let i = 0; i < MANY; i += 10) {
    scene.writer.send('HPEXPIRE', 'h', '900000', 'FIELDS', '1', name(i));
  }
  local.node.server.activeExpire = false;
  local.world.advance(1_000_000);
  reader.post('HLEN', 'h');
  const { reply, turns } = scene.awaitReply();
  t.equal(reply, 0);
  t.ok(turns < 3, `${turns} turns`);
  scene.checkMemory(t);
});
