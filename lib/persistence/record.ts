/**
 * Record: how something is now, whatever it was before; the log is a sequence of them. Reading
 * them in order gives the store at the end of each run.
 *
 *   byte 0        kind (4 bits) | slot << 4: which database, by its number when the node started
 *
 *   ENTRY         facts | varint key bytes | varint value bytes | key | value    bytes, tombstone
 *   ABSENT        varint key bytes | key                                 with all that was below it
 *   HEAD          facts | varint key bytes | key | u16 type | u16 origin of the expiry |
 *                 f64 clearedAt | f64 stamp of the expiry
 *   ELEMENT       facts | varint sub key bytes | varint value bytes | sub key | value
 *   ELEMENT_ABSENT        varint sub key bytes | sub key
 *   PATCH         facts | varint key bytes | varint bytes | f64 offset | key | bytes
 *   PIECE         u32 bytes | bytes       what the value or patch of the next record starts with
 *   CLEAR         u8 CLEAR_... | f64 stamp
 *   SWAP          16 bytes: the slot at each index of a database
 *   COLLECTED     f64 stamp: the highest of what was dropped without a tombstone, by a node alone
 *   NO_LIBRARIES                         all libraries of functions go
 *   LIBRARY       varint bytes | code    in the place of one with the same name
 *   COLLECTED_RANGE       u8 bounds that there are: 1 low, 2 high | f64 stamp |
 *                 varint low bytes | varint high bytes | low | high      collected in (low, high]
 *
 *   facts         u16 origin | u32 stamp, low | u32 stamp, high 21 bits; flags << 21 |
 *                 f64 expiry, ms since 1970, if the flags have EXPIRY               (as in a leaf)
 *
 * Numbers are little-endian, a varint has 7 bits per byte, the low ones first. An ELEMENT belongs
 * to the HEAD before it in the same block.
 */
export const KIND_ENTRY = 1;
export const KIND_ABSENT = 2;
export const KIND_HEAD_RECORD = 3;
export const KIND_ELEMENT = 4;
export const KIND_ELEMENT_ABSENT = 5;
export const KIND_PATCH = 6;
export const KIND_PIECE = 7;
export const KIND_CLEAR = 8;
export const KIND_SWAP = 9;
export const KIND_COLLECTED = 10;
export const KIND_NO_LIBRARIES = 11;
export const KIND_LIBRARY = 12;
export const KIND_COLLECTED_RANGE = 13;
export const KIND_BITS = 15;
export const SLOT_SHIFT = 4;

/** All entries go. */
export const CLEAR_ALL = 0;
/** All have gone before: the stamp is to be remembered. */
export const CLEAR_REMEMBERED = 1;
/** Entries at or below the stamp go. */
export const CLEAR_UP_TO = 2;

/** Of COLLECTED_RANGE: the bounds that there are. */
export const BOUND_LOW = 1;
export const BOUND_HIGH = 2;

/** What a record takes besides its keys and value. */
export const RECORD_BYTES_MAX = 64;
/** Longer values follow in pieces of this length. */
export const PIECE_BYTES = 128 * 1024;
