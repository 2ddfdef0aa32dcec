/** The checksum here against the one of zlib, and what a checksum is for. */
import * as zlib from 'node:zlib';
import t from 'tap';
import { crc32, useCrc32 } from '../../lib/persistence/crc32.js';
import { seededRandom } from '../support/random.js';

void t.test('known and random values', async (t) => {
  t.equal(crc32(Buffer.from('123456789'), 0, 9), 0xcbf43926);
  t.equal(crc32(Buffer.alloc(0), 0, 0), 0);
  const native = zlib.crc32 as typeof zlib.crc32 | undefined;
  const random = seededRandom(1);
  for (let bytes = 0; bytes < 300; bytes += 1) {
    const buf = random.bytes(bytes + 10);
    const own = crc32(buf, 3, 3 + bytes);
    if (native !== undefined) t.equal(own, native(buf.subarray(3, 3 + bytes)), `${bytes} bytes`);
    useCrc32(native);
    t.equal(crc32(buf, 3, 3 + bytes), own);
    useCrc32(undefined);
  }
});
