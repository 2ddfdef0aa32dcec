/**
 * What DUMP and RESTORE need of a type that is a collection: one row in dump-types.ts.
 */
import type { ValueSinks } from '../../rdb/sinks.js';
import type { RdbWriter } from '../../rdb/writer.js';
import type { Collection } from '../store/collection.js';

export interface DumpType {
  /** As `Collection.open...` takes it: a TYPE_... number with the flags of radix/head.ts. */
  readonly type: number;
  /**
   * Writes the type's number of rdb/value-types.ts and the value. It yields between elements, and
   * after a yield the collection has been opened anew; what `write` has read before stays as it is.
   */
  write(writer: RdbWriter, collection: Collection): Generator<void, void, void>;
  /**
   * What puts elements into a collection that is open and empty, and throws an RdbError at what no
   * collection of this type holds, such as an element twice. The collection is opened anew between
   * elements.
   */
  sinks(collection: Collection): ValueSinks;
}
