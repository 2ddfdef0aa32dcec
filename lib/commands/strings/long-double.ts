/**
 * The arithmetic of INCRBYFLOAT: x87 `long double` of 64-bit mantissas, read as by `strtold` of
 * glibc and written as by Redis (`%.17Lf`, trailing zeros cut off).
 *
 *   value = mantissa * 2^exponent      |mantissa| < 2^64
 *
 * Why not doubles: 0.1 + 0.2 is 0.3 in Redis. Every step is exact in BigInt and then rounded once,
 * half to even, as the hardware does.
 */

/** Mantissa 0n: zero. An exponent of Infinity: infinity, with the mantissa's sign. */
export interface LongDouble {
  readonly mantissa: bigint;
  readonly exponent: number;
}

const MANTISSA_BITS = 64;
const EXPONENT_MIN = -16445;
const EXPONENT_MAX = 16320;
/** Powers of ten beyond which any number overflows or underflows. */
const DECIMAL_EXPONENT_MAX = 5000;
/** As long as Redis's own buffer. */
const TEXT_BYTES_MAX = 5 * 1024;
const FRACTION_DIGITS = 17;
/** So many digits are exact in a double; with a sign and a point, so many characters. */
const EXACT_DIGITS_MAX = 15;
const PLAIN_CHARS_MAX = EXACT_DIGITS_MAX + 2;
const MINUS = 45;
const POINT = 46;
const ZERO_DIGIT = 48;
const FRACTION_SCALE = 10n ** BigInt(FRACTION_DIGITS);

// No two repetitions stand side by side: hostile digits must not make these backtrack.
const DECIMAL = /^([+-]?)(?:(\d+)(?:\.(\d*))?|\.(\d+))(?:[eE]([+-]?\d+))?$/;
const HEXADECIMAL = /^([+-]?)0x([\da-f]*)(?:\.([\da-f]*))?(?:p([+-]?\d+))?$/i;
const INFINITE = /^([+-]?)inf(?:inity)?$/i;

export const ZERO: LongDouble = { mantissa: 0n, exponent: 0 };

const smallPowers = Array.from({ length: 32 }, (_, exponent) => 10n ** BigInt(exponent));
const asDouble = new Float64Array(1);
const asWords = new Uint32Array(asDouble.buffer);

function powerOfTen(exponent: number): bigint {
  return smallPowers[exponent] ?? 10n ** BigInt(exponent);
}

/** The number that a text is, or undefined: no number, or too large or too small for one. */
export function parseLongDouble(text: string): LongDouble | undefined {
  if (text.length === 0 || text.length >= TEXT_BYTES_MAX) return undefined;
  const plain = text.length <= PLAIN_CHARS_MAX ? parsePlain(text) : undefined;
  if (plain !== undefined) return plain;
  const decimal = DECIMAL.exec(text);
  if (decimal !== null) {
    const fraction = decimal[3] ?? decimal[4] ?? '';
    return fromDecimal(decimal[1]!, (decimal[2] ?? '') + fraction, fraction.length, decimal[5]);
  }
  const infinite = INFINITE.exec(text);
  if (infinite !== null) {
    return { mantissa: infinite[1] === '-' ? -1n : 1n, exponent: Number.POSITIVE_INFINITY };
  }
  const hexadecimal = HEXADECIMAL.exec(text);
  if (hexadecimal === null) return undefined;
  const fraction = hexadecimal[3] ?? '';
  const digits = hexadecimal[2]! + fraction;
  if (digits === '') return undefined;
  const mantissa = BigInt(`0x${digits}`);
  if (mantissa === 0n) return ZERO;
  const power = Math.max(-1e6, Math.min(1e6, Number(hexadecimal[4] ?? 0)));
  return checked(rounded(signed(hexadecimal[1]!, mantissa), power - 4 * fraction.length));
}

/** Digits with at most one point among them and a minus before, the way nearly all numbers are. */
function parsePlain(text: string): LongDouble | undefined {
  const negative = text.charCodeAt(0) === MINUS;
  let digits = 0;
  let point = -1;
  let mantissa = 0;
  for (let at = negative ? 1 : 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === POINT && point < 0) {
      point = at;
    } else if (code >= ZERO_DIGIT && code <= ZERO_DIGIT + 9) {
      mantissa = mantissa * 10 + code - ZERO_DIGIT;
      digits += 1;
    } else {
      return undefined;
    }
  }
  if (digits === 0 || digits > EXACT_DIGITS_MAX) return undefined;
  if (mantissa === 0) return ZERO;
  const exact = BigInt(negative ? -mantissa : mantissa);
  const fractionDigits = point < 0 ? 0 : text.length - 1 - point;
  if (fractionDigits === 0) return { mantissa: exact, exponent: 0 };
  return roundedQuotient(exact, powerOfTen(fractionDigits));
}

function fromDecimal(
  sign: string,
  digits: string,
  fractionDigits: number,
  power: string | undefined,
): LongDouble | undefined {
  const whole = BigInt(digits);
  if (whole === 0n) return ZERO;
  const exponent = Number(power ?? 0) - fractionDigits;
  const magnitude = exponent + String(whole).length;
  if (Math.abs(magnitude) > DECIMAL_EXPONENT_MAX) return undefined;
  const mantissa = signed(sign, whole);
  if (exponent >= 0) return checked(rounded(mantissa * powerOfTen(exponent), 0));
  return checked(roundedQuotient(mantissa, powerOfTen(-exponent)));
}

function signed(sign: string, mantissa: bigint): bigint {
  return sign === '-' ? -mantissa : mantissa;
}

/** strtold's ERANGE for what became zero or infinity. */
function checked(value: LongDouble): LongDouble | undefined {
  return value.mantissa === 0n || !isFiniteLongDouble(value) ? undefined : value;
}

export function isFiniteLongDouble(value: LongDouble): boolean {
  return value.exponent !== Number.POSITIVE_INFINITY;
}

/** The sum of two finite numbers. */
export function add(a: LongDouble, b: LongDouble): LongDouble {
  if (a.mantissa === 0n) return b;
  if (b.mantissa === 0n) return a;
  const exponent = Math.min(a.exponent, b.exponent);
  const x = a.mantissa << BigInt(a.exponent - exponent);
  const y = b.mantissa << BigInt(b.exponent - exponent);
  return rounded(x + y, exponent);
}

/** Up to 17 digits behind the point, without trailing zeros. */
export function formatLongDouble(value: LongDouble): string {
  const negative = value.mantissa < 0n;
  const mantissa = negative ? -value.mantissa : value.mantissa;
  if (value.exponent >= 0) {
    return (negative ? '-' : '') + String(mantissa << BigInt(value.exponent));
  }
  const scaled = shiftRounded(mantissa * FRACTION_SCALE, -value.exponent);
  const digits = String(scaled).padStart(FRACTION_DIGITS + 1, '0');
  const whole = digits.slice(0, -FRACTION_DIGITS);
  const fraction = digits.slice(-FRACTION_DIGITS).replace(/0+$/, '');
  const text = fraction === '' ? whole : `${whole}.${fraction}`;
  return negative && text !== '0' ? `-${text}` : text;
}

/** numerator / denominator in 64 bits; a sticky last bit stands for what the division leaves. */
function roundedQuotient(numerator: bigint, denominator: bigint): LongDouble {
  const negative = numerator < 0n;
  const top = negative ? -numerator : numerator;
  const shift = Math.max(0, MANTISSA_BITS + 3 - bitsOf(top) + bitsOf(denominator));
  const scaled = top << BigInt(shift);
  let quotient = (scaled / denominator) << 1n;
  if (scaled % denominator !== 0n) quotient |= 1n;
  return rounded(negative ? -quotient : quotient, -shift - 1);
}

/** mantissa * 2^exponent, rounded to what a long double holds. */
function rounded(mantissa: bigint, exponent: number): LongDouble {
  if (mantissa === 0n) return ZERO;
  const negative = mantissa < 0n;
  let magnitude = negative ? -mantissa : mantissa;
  let power = exponent;
  const drop = Math.max(bitsOf(magnitude) - MANTISSA_BITS, EXPONENT_MIN - power);
  if (drop > 0) {
    magnitude = shiftRounded(magnitude, drop);
    power += drop;
    // Rounding up may have carried into a 65th bit, which is then followed by zeros alone.
    if (bitsOf(magnitude) > MANTISSA_BITS) {
      magnitude >>= 1n;
      power += 1;
    }
  }
  if (magnitude === 0n) return ZERO;
  if (power + bitsOf(magnitude) > EXPONENT_MAX + MANTISSA_BITS) power = Number.POSITIVE_INFINITY;
  return { mantissa: negative ? -magnitude : magnitude, exponent: power };
}

/** n / 2^bits, half to even. */
function shiftRounded(n: bigint, bits: number): bigint {
  const shift = BigInt(bits);
  const kept = n >> shift;
  const rest = n - (kept << shift);
  const half = 1n << (shift - 1n);
  return rest > half || (rest === half && (kept & 1n) === 1n) ? kept + 1n : kept;
}

/** Bits of a positive number. */
function bitsOf(n: bigint): number {
  asDouble[0] = Number(n);
  const exponent = (asWords[1]! >>> 20) - 1023;
  if (exponent > 1000) {
    const hex = n.toString(16);
    return (hex.length - 1) * 4 + (32 - Math.clz32(Number.parseInt(hex[0]!, 16)));
  }
  // As a double the number may have been rounded up to the next power of two.
  return n >> BigInt(exponent) === 0n ? exponent : exponent + 1;
}
