/** What `cjson` can be told to do otherwise, with lua-cjson's defaults. */

const DEPTH_MAX = 1000;

export type InvalidNumbers = 'off' | 'on' | 'null';

export class CjsonSettings {
  /** An array with many holes becomes an object, instead of an error. */
  sparseConvert = false;
  /** Largest index over items, beyond which an array has many holes; 0 = never. */
  sparseRatio = 2;
  /** Up to this index an array never has too many. */
  sparseSafe = 10;
  encodeDepthMax = DEPTH_MAX;
  decodeDepthMax = DEPTH_MAX;
  /** NaN and Infinity: refused, written as they are, or written as null. */
  encodeInvalidNumbers: InvalidNumbers = 'off';
  decodeInvalidNumbers = true;
  /** Significant digits. */
  precision = 14;
  keepBuffer = true;
}
