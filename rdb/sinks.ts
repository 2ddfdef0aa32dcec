/**
 * What takes the elements of a value that is read, one interface for each type: bytes as (buf,
 * from, to), which stay as they are. What has no sink is refused by name.
 *
 * `begin`: `isPacked` says that Redis kept it in its smallest encoding.
 */
export interface StringSink {
  value(buf: Buffer, from: number, to: number): void;
}

/** Of lists and sets. */
export interface ElementSink {
  begin(isPacked: boolean): void;
  element(buf: Buffer, from: number, to: number): void;
}

export interface HashSink {
  begin(isPacked: boolean): void;
  /** `expiryMs`: when it expires, since 1970; 0: never. */
  field(
    field: Buffer,
    ffrom: number,
    fto: number,
    value: Buffer,
    vfrom: number,
    vto: number,
    expiryMs: number,
  ): void;
}

export interface ZsetSink {
  begin(isPacked: boolean): void;
  /** The score is never NaN. */
  member(member: Buffer, from: number, to: number, score: number): void;
}

/** An identifier of a stream's entry: two unsigned integers of 64 bits. */
export interface StreamId {
  readonly ms: bigint;
  readonly seq: bigint;
}

/** What a stream says of itself, behind its entries. */
export interface StreamState {
  readonly length: number;
  readonly lastId: StreamId;
  /** Undefined before Redis 7.0. */
  readonly maxDeletedId: StreamId | undefined;
  readonly entriesAdded: bigint | undefined;
}

export interface StreamSink {
  begin(): void;
  /** Fields and values in turn. */
  entry(id: StreamId, items: readonly Buffer[]): void;
  state(state: StreamState): void;
  /** `entriesRead` undefined: not known. What follows is of this group, until the next. */
  group(name: Buffer, lastId: StreamId, entriesRead: bigint | undefined): void;
  /** An entry that was delivered and not acknowledged; a consumer names it afterwards. */
  pending(id: StreamId, deliveredMs: bigint, deliveries: number): void;
  consumer(name: Buffer, seenMs: bigint, activeMs: bigint | undefined): void;
  /** One of the entries that are pending, of the last consumer. */
  owned(id: StreamId): void;
  /** That was all. */
  end(): void;
}

export interface ValueSinks {
  readonly string?: StringSink;
  readonly list?: ElementSink;
  readonly set?: ElementSink;
  readonly hash?: HashSink;
  readonly zset?: ZsetSink;
  readonly stream?: StreamSink;
}
