/** Small files that are read before anything runs. */
import { readFileSync } from 'node:fs';

/** Throws an Error for people: which file, and why. */
export function readTextFile(path: string, what: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(`cannot read ${what} ${path}: ${code ?? String(error)}`);
  }
}
