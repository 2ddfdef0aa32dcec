/** Reading what may not all be there yet, as generators: they yield until it is. */
import type { RdbReader } from './reader.js';

/** Yields nothing; ends when everything has been read. */
export type Reading = Generator<void, void, void>;

/** A length or count. */
export function* readLength(reader: RdbReader): Generator<void, number, void> {
  let length = reader.length();
  while (length < 0) {
    yield;
    length = reader.length();
  }
  return length;
}
