/** redis-parser 3 comes without types. */

declare module 'redis-parser' {
  interface ParserOptions {
    returnReply(reply: unknown): void;
    returnError(error: Error): void;
    returnFatalError(error: Error): void;
    returnBuffers?: boolean;
    stringNumbers?: boolean;
  }

  class RedisParser {
    constructor(options: ParserOptions);
    execute(bytes: Buffer): void;
    setReturnBuffers(returnBuffers: boolean): void;
  }

  export = RedisParser;
}
