/** `printf("%.<precision>g", x)` of C, for a finite number. */
export function formatG(x: number, precision: number): string {
  if (Object.is(x, -0)) return '-0';
  const scientific = x.toExponential(precision - 1);
  const e = scientific.indexOf('e');
  const exponent = Number(scientific.slice(e + 1));
  if (exponent >= -4 && exponent < precision) return withoutZeros(x.toPrecision(precision));
  const digits = String(Math.abs(exponent)).padStart(2, '0');
  return `${withoutZeros(scientific.slice(0, e))}e${exponent < 0 ? '-' : '+'}${digits}`;
}

/** What C prints of any number. */
export function formatNumber(x: number, precision: number): string {
  if (Number.isNaN(x)) return 'nan';
  if (!Number.isFinite(x)) return x > 0 ? 'inf' : '-inf';
  return Number.isSafeInteger(x) && Math.abs(x) < 1e14 && !Object.is(x, -0) && precision >= 14
    ? String(x)
    : formatG(x, precision);
}

function withoutZeros(digits: string): string {
  return digits.includes('.') ? digits.replace(/\.?0+$/, '') : digits;
}
