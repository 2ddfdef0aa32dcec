/** Requests as clients and members send them: an array of bulk strings. */

const STAR = 0x2a;
const DOLLAR = 0x24;
const ZERO = 0x30;
const CR = 0x0d;
const LF = 0x0a;
const CRLF_BYTES = 2;

/** The bytes of one request. Strings are taken as UTF-8. */
export function encodeRequest(words: readonly (string | Buffer)[]): Buffer {
  let bytes = headBytes(words.length);
  for (let i = 0; i < words.length; i += 1) {
    const length = byteLength(words[i]!);
    bytes += headBytes(length) + length + CRLF_BYTES;
  }
  const request = Buffer.allocUnsafe(bytes);
  let at = writeHead(request, 0, STAR, words.length);
  for (let i = 0; i < words.length; i += 1) {
    const word = words[i]!;
    const length = byteLength(word);
    at = writeHead(request, at, DOLLAR, length);
    if (typeof word === 'string') request.write(word, at);
    else request.set(word, at);
    at = writeEnd(request, at + length);
  }
  return request;
}

function byteLength(word: string | Buffer): number {
  return typeof word === 'string' ? Buffer.byteLength(word) : word.length;
}

/** Bytes of `*` or `$`, a number and the end of the line. */
function headBytes(number: number): number {
  let bytes = 1 + CRLF_BYTES;
  for (let rest = number; ; rest = Math.floor(rest / 10)) {
    bytes++;
    if (rest < 10) return bytes;
  }
}

function writeHead(request: Buffer, at: number, mark: number, number: number): number {
  const end = at + headBytes(number) - CRLF_BYTES;
  request[at] = mark;
  let rest = number;
  for (let digit = end - 1; digit > at; digit--) {
    request[digit] = ZERO + (rest % 10);
    rest = Math.floor(rest / 10);
  }
  return writeEnd(request, end);
}

function writeEnd(request: Buffer, at: number): number {
  request[at] = CR;
  request[at + 1] = LF;
  return at + CRLF_BYTES;
}
