/**
 * Numbers as C's printf shows them. JavaScript's `toExponential` and `toFixed` are exact, but round
 * a tie up, where C rounds it to the even digit.
 */

/** Digits behind the point that JavaScript gives at most: enough to tell a tie. */
const DIGITS_MAX = 100;

/** `printf("%.<digits>e", x)`, as digits without the point and the exponent. `x` >= 0, finite. */
export function exponential(x: number, digits: number): { digits: string; exponent: number } {
  const rounded = split(x.toExponential(digits));
  if (digits >= DIGITS_MAX) return rounded;
  const longer = x.toExponential(digits + 1);
  if (longer.charAt(longer.indexOf('e') - 1) !== '5' || Number(longer) !== x) return rounded;
  const exact = split(x.toExponential(DIGITS_MAX));
  if (!/^50*$/.test(exact.digits.slice(digits + 1))) return rounded;
  const kept = exact.digits.slice(0, digits + 1);
  return /[02468]$/.test(kept) ? { digits: kept, exponent: exact.exponent } : rounded;
}

function split(text: string): { digits: string; exponent: number } {
  const e = text.indexOf('e');
  return { digits: text.slice(0, e).replace('.', ''), exponent: Number(text.slice(e + 1)) };
}

/** `printf("%.<precision>f", x)`. `x` >= 0, finite. */
export function fixed(x: number, precision: number): string {
  if (x >= 1e21) {
    const digits = BigInt(x).toString();
    return precision === 0 ? digits : `${digits}.${'0'.repeat(precision)}`;
  }
  const rounded = x.toFixed(precision);
  const exact = x.toFixed(DIGITS_MAX);
  const point = exact.indexOf('.');
  const isTie = /^50*$/.test(exact.slice(point + 1 + precision));
  if (!isTie || !/[13579]$/.test(rounded)) return rounded;
  return exact.slice(0, precision === 0 ? point : point + 1 + precision);
}

/** `e+05`. */
export function exponentText(exponent: number): string {
  return `e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
}

/** `printf("%.<precision>g", x)`, or `%#` with all zeros. `precision` > 0; `x` finite. */
export function formatG(x: number, precision: number, keepsZeros = false): string {
  const sign = x < 0 || Object.is(x, -0) ? '-' : '';
  const { digits, exponent } = exponential(Math.abs(x), precision - 1);
  const trim = (text: string) => (keepsZeros ? text : text.replace(/\.?0*$/, ''));
  if (exponent < -4 || exponent >= precision) {
    const mantissa = trim(`${digits.charAt(0)}.${digits.slice(1)}`);
    return `${sign}${mantissa}${exponentText(exponent)}`;
  }
  if (exponent < 0) return `${sign}${trim(`0.${'0'.repeat(-exponent - 1)}${digits}`)}`;
  return `${sign}${trim(`${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`)}`;
}

/** What C prints of any number. */
export function formatNumber(x: number, precision: number): string {
  if (Number.isNaN(x)) return 'nan';
  if (!Number.isFinite(x)) return x > 0 ? 'inf' : '-inf';
  return Number.isSafeInteger(x) && Math.abs(x) < 1e14 && !Object.is(x, -0) && precision >= 14
    ? String(x)
    : formatG(x, precision);
}
