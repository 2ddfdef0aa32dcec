/** Random scripts that send values through a library and back, for `differential.test.ts`. */
import type { SeededRandom } from '../support/random.js';

const EDGE_NUMBERS = [
  ...['0', '1', '-1', '0.1', '-0.5', '1.5', '127', '128', '255', '256', '32767', '32768', '65535'],
  ...['65536', '-32', '-33', '-128', '-129', '-32768', '-32769', '2147483647', '2147483648'],
  ...['-2147483648', '-2147483649', '4294967295', '4294967296', '2^53', '-2^53', '1e15', '1e-7'],
  ...['123456.789', '3.4028234663852886e38', '1e100', '1/3'],
];

function number(random: SeededRandom): string {
  if (random.chance(0.5)) return random.pick(EDGE_NUMBERS);
  return String(random.between(-100_000, 100_000) / random.pick([1, 1, 8, 1000]));
}

function bytes(random: SeededRandom): string {
  const count = random.pick([0, 1, 3, 31, 32, 40, 255, 256, 300]);
  let text = '';
  for (const byte of random.bytes(count)) text += `\\${String(byte).padStart(3, '0')}`;
  return `"${text}"`;
}

/** An expression of Lua whose table has at most one key that is no index: the order is certain. */
function value(random: SeededRandom, depth: number): string {
  const kind = random.below(depth > 3 ? 4 : 7);
  if (kind === 0) return number(random);
  if (kind === 1) return bytes(random);
  if (kind === 2) return random.pick(['true', 'false']);
  if (kind === 3) return random.pick(['cjson.null', 'nil', '{}']);
  if (kind === 4) return `{[${bytes(random)}] = ${value(random, depth + 1)}}`;
  const items = Array.from({ length: random.below(6) }, () => value(random, depth + 1));
  return `{${items.filter((item) => item !== 'nil').join(', ')}}`;
}

const BITS = ['tobit', 'bnot', 'bswap', 'tohex'];
const BITS2 = ['band', 'bor', 'bxor', 'lshift', 'rshift', 'arshift', 'rol', 'ror', 'tohex'];
const FORMATS = ['d', 'i', 'u', 'o', 'x', 'X', 'e', 'E', 'f', 'g', 'G', 's'];
const STRUCTS = ['b', 'B', 'h', 'H', 'l', 'L', 'i', 'I', 'i3', 'I5', 'i8', 'f', 'd', 'T'];

function formatCall(random: SeededRandom): string {
  const flags = random.pick(['', '', '-', '0', '+', ' ', '#', '-0', '+0']);
  const width = random.pick(['', '', '5', '12']);
  const precision = random.pick(['', '', '.0', '.2', '.10']);
  const conversion = random.pick(FORMATS);
  const integer =
    conversion === 'u' || conversion === 'x' || conversion === 'X' || conversion === 'o';
  const n = integer ? String(random.below(2 ** 31)) : number(random);
  return `return string.format('%${flags}${width}${precision}${conversion}', ${n})`;
}

function structCall(random: SeededRandom): string {
  const kinds = Array.from({ length: 1 + random.below(4) }, () => random.pick(STRUCTS));
  const format = random.pick(['<', '>', '!4', '!8<', '>!2']) + kinds.join(random.pick(['', ' ']));
  const values = kinds.map((kind) =>
    /[A-Z]/.test(kind) ? String(random.below(120)) : String(random.between(-120, 120)),
  );
  return `local s = struct.pack('${format}', ${values.join(', ')}) return {s, struct.size('${format}'), struct.unpack('${format}', s)}`;
}

function jsonText(random: SeededRandom): string {
  const text = random.pick([
    ...['[1,2,{"a":[]}]', '{"a":1,"a":2}', '"\\\\u00e9\\\\ud83d\\\\ude00"', '[1.5e3,-0,0.1]'],
    ...['  null ', '[nan]', '[0x10]', '[01]', '[+1]', 'tru', '"\\\\x"', '[[[[]]]]', '{"a"', '[1,]'],
  ]);
  if (random.chance(0.5)) return text;
  const at = random.below(text.length + 1);
  return (
    text.slice(0, at) + random.pick(['', ',', ']', '}', '"', '1', ' ', ':']) + text.slice(at + 1)
  );
}

export function randomScript(random: SeededRandom): string {
  switch (random.below(9)) {
    case 0:
      return `return cjson.encode(${value(random, 0)})`;
    case 1:
      return `return cjson.encode(cjson.decode(cjson.encode(${value(random, 0)})))`;
    case 2:
      return `return cjson.encode({cjson.decode([==[${jsonText(random).replaceAll('\\\\', '\\')}]==])})`;
    case 3:
      return `return cmsgpack.pack(${value(random, 0)}, ${value(random, 0)})`;
    case 4:
      return `return {cmsgpack.unpack(cmsgpack.pack(${value(random, 0)}))}`;
    case 5: {
      const data = `cmsgpack.pack(${value(random, 0)}, ${value(random, 0)})`;
      return random.chance(0.5)
        ? `return {cmsgpack.unpack_one(${data}, ${random.below(5)})}`
        : `return {cmsgpack.unpack_limit(${data}, ${random.below(3)}, ${random.below(3)})}`;
    }
    case 6:
      return random.chance(0.5)
        ? `return bit.${random.pick(BITS)}(${number(random)})`
        : `return bit.${random.pick(BITS2)}(${number(random)}, ${random.between(-40, 40)})`;
    case 7:
      return structCall(random);
    default:
      return formatCall(random);
  }
}
