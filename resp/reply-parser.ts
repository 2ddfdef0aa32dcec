/** Skeleton: signatures only, filled next. */

export class ReplyError {
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
}
export class ReplyDouble {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}
export class ReplyVerbatim {
  readonly format: string;
  readonly text: Buffer;
  constructor(format: string, text: Buffer) {
    this.format = format;
    this.text = text;
  }
}
export class ReplyMap {
  readonly pairs: [Reply, Reply][] = [];
}
export class ReplySet {
  readonly items: Reply[] = [];
}
export class ReplyPush {
  readonly items: Reply[] = [];
}
/** A reply that an attribute came before. */
export class ReplyAttributed {
  readonly attributes: ReplyMap;
  readonly value: Reply;
  constructor(attributes: ReplyMap, value: Reply) {
    this.attributes = attributes;
    this.value = value;
  }
}
/** Simple strings are string, bulks Buffer, integers number or (unsafe) bigint, nulls null. */
export type Reply =
  | string | Buffer | number | bigint | boolean | null | Reply[]
  | ReplyError | ReplyDouble | ReplyVerbatim | ReplyMap | ReplySet | ReplyPush | ReplyAttributed;

export interface ReplyParserOptions {
  /** Aggregates inside aggregates. Default 64. */
  depthMax?: number;
  /** Default 512 MiB. */
  bulkBytesMax?: number;
  /** Elements of one aggregate. Default 2^31. */
  elementsMax?: number;
}

export class ReplyParser {
  constructor(_options: ReplyParserOptions = {}) {}
  /** Adds bytes, which are copied where needed. */
  feed(_bytes: Buffer): void {
    throw new Error('not yet');
  }
  /** The next whole reply, or undefined when more bytes are needed. Throws ReplyProtocolError. */
  next(): Reply | undefined {
    throw new Error('not yet');
  }
}
