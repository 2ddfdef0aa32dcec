/** DEBUG PROTOCOL: one reply of each type, for the authors of client libraries. */
import type { ReplyWriter } from '../../../resp/reply-writer.js';

const UNKNOWN =
  'ERR Wrong protocol type name. Please use one of the following: string|integer|double|bignum|' +
  'null|array|set|map|attrib|push|verbatim|true|false';

export function debugProtocol(reply: ReplyWriter, type: string): void {
  switch (type) {
    case 'string':
      reply.bulkLatin1('Hello World');
      break;
    case 'integer':
      reply.integer(12345);
      break;
    case 'double':
      reply.double(3.141);
      break;
    case 'null':
      reply.nil();
      break;
    case 'array':
      reply.array(3);
      for (let i = 0; i < 3; i += 1) reply.integer(i);
      break;
    case 'set':
      reply.set(3);
      for (let i = 0; i < 3; i += 1) reply.integer(i);
      break;
    case 'map':
      reply.map(3);
      for (let i = 0; i < 3; i += 1) {
        reply.integer(i);
        reply.boolean(i === 1);
      }
      break;
    case 'bignum':
      reply.bigNumber('1234567999999999999999999999999999999');
      break;
    case 'true':
      reply.boolean(true);
      break;
    case 'false':
      reply.boolean(false);
      break;
    case 'verbatim':
      reply.verbatim('txt', 'This is a verbatim\nstring');
      break;
    case 'attrib':
      replyAttribute(reply);
      break;
    case 'push':
      replyPush(reply);
      break;
    default:
      reply.error(UNKNOWN);
  }
}

function replyAttribute(reply: ReplyWriter): void {
  if (reply.protocol === 3) {
    reply.attribute(1);
    reply.bulkLatin1('key-popularity');
    reply.array(2);
    reply.bulkLatin1('key:123');
    reply.integer(90);
  }
  reply.bulkLatin1('Some real reply following the attribute');
}

function replyPush(reply: ReplyWriter): void {
  if (reply.protocol === 2) {
    reply.error('ERR RESP2 is not supported by this command');
    return;
  }
  reply.push(2);
  reply.bulkLatin1('server-cpu-usage');
  reply.integer(42);
  reply.bulkLatin1('Some real reply following the push reply');
}
