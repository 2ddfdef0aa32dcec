/**
 * Bytes that are no proper requests. Each of them ends with the server closing the connection:
 * by itself after an error, or because of the QUIT at its end. All travel in one write and are
 * short enough to be read at once, so that no reset overtakes the error. (Lines with a NUL are not
 * among them: Redis waits for ever for their end.)
 */
import type { SeededRandom } from '../support/random.js';

const quit = 'QUIT\r\n';

/** Redis reads 16 KiB at a time and gives up on a line above 64 KiB. */
const tooLong = 70_000;

const broken: readonly string[] = [
  '*1\r\n:1\r\n',
  '*1\r\nPING\r\n',
  '*1\r\n\r\n',
  '*1\r\n$-1\r\n',
  '*1\r\n$-2\r\n',
  '*1\r\n$abc\r\n',
  '*1\r\n$\r\n',
  '*1\r\n$ 4\r\nPING\r\n',
  '*1\r\n$04\r\nPING\r\n',
  '*1\r\n$+4\r\nPING\r\n',
  '*1\r\n$99999999999\r\n',
  '*1\r\n$9223372036854775808\r\n',
  '*1\r\n$536870913\r\n',
  '*abc\r\n',
  '*\r\n' + quit,
  '* 1\r\n',
  '*+1\r\n',
  '*01\r\n',
  '*2147483648\r\n',
  '*99999999999999999999\r\n',
  '*3\r\n$3\r\nSET\r\n$1\r\na\r\n:1\r\n',
  'GET "a\r\n',
  "GET 'a\r\n",
  'GET "a"b\r\n',
  'SET a \'b"\r\n',
  'GET "\\x4"a\r\n',
  `*${'1'.repeat(tooLong)}`,
  `*1\r\n$${'1'.repeat(tooLong)}`,
  'a'.repeat(tooLong),
];

/** Odd, yet served, and then QUIT. */
const odd: readonly string[] = [
  '*0\r\n',
  '*-1\r\n',
  '*-100\r\n',
  '\r\n',
  '\n\n\n',
  '   \r\n',
  '\r\n\r\nPING\r\n',
  '*1\r\n$4\r\nPINGxx',
  '*1\r\n$4\r\nPING\r\n\r\n*1\r\n$4\r\nPING\r\n',
  'PING\n',
  'PING "a b"\r\n',
  "PING 'a b'\r\n",
  "PING 'a\\'b\\n'\r\n",
  'PING "\\x41\\n\\r\\t\\b\\a\\q\\\\"\r\n',
  'PING ""\r\n',
  "PING ''\r\n",
  '"PING"\r\n',
  'PING a b c\r\n',
  '+OK\r\n',
  '$4\r\n',
  ':1\r\n',
  'GET / HTTP/1.1\r\n',
  '*1\r\n$0\r\n\r\n',
  '*2\r\n$4\r\nECHO\r\n$2\r\n\r\n\r\n',
];

/** Redis takes these two words for a browser tricked into sending commands, and hangs up. */
const forged = ['POST / HTTP/1.1\r\n', 'Host: localhost\r\n', 'host: x\r\n'];

export function randomRawBytes(random: SeededRandom): Buffer {
  const prefix = random.chance(0.3) ? 'PING\r\n' : '';
  const kind = random.float();
  if (kind < 0.5) return Buffer.from(prefix + random.pick(broken), 'latin1');
  if (kind < 0.95) return Buffer.from(prefix + random.pick(odd) + quit, 'latin1');
  return Buffer.from(prefix + random.pick(forged), 'latin1');
}
