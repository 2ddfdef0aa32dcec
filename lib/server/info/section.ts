/** What INFO is made of: sections of named values. */
import type { Server } from '../server.js';

export type InfoLine = readonly [name: string, value: string | number];

export interface InfoSection {
  /** As INFO takes it, lower case. */
  readonly name: string;
  readonly title: string;
  /** Shown by INFO without arguments. */
  readonly isDefault: boolean;
  readonly lines: (server: Server) => readonly InfoLine[];
}

/** Bytes for people, as Redis's `bytesToHuman`. */
export function humanBytes(bytes: number): string {
  const units = ['K', 'M', 'G', 'T', 'P'];
  if (bytes < 1024) return `${Math.floor(bytes)}B`;
  let value = bytes / 1024;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value.toFixed(2)}${units[unit]}`;
}

/** A part of a whole, in per cent with two decimals and a `%`. */
export function percentage(part: number, whole: number): string {
  return `${(whole === 0 ? 0 : (part * 100) / whole).toFixed(2)}%`;
}

export function ratio(part: number, whole: number): string {
  return (whole === 0 ? 0 : part / whole).toFixed(2);
}
