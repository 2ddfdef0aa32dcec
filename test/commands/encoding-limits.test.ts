/** OBJECT ENCODING after CONFIG SET of other limits: Redis converts a value when it is written, and never before. */
import { OK, type Row, type Step, testRows } from './rows.js';

function encoding(key: string, expected: string): Step {
  return [`OBJECT ENCODING ${key}`, expected];
}

function limit(name: string, value: number): Step {
  return [`CONFIG SET ${name} ${value}`, OK];
}

const rows: readonly Row[] = [
  [
    'a hash: by the number of its fields',
    limit('hash-max-listpack-entries', 8),
    ['HSET h a 1 b 2 c 3 d 4', 4],
    limit('hash-max-listpack-entries', 2),
    encoding('h', 'listpack'),
    ['HSCAN h 0 COUNT 1 NOVALUES', ['0', ['a', 'b', 'c', 'd']]],
    ['HDEL h d', 1],
    ['COPY h copied', 1],
    encoding('copied', 'listpack'),
    encoding('h', 'listpack'),
    ['HSET h a 5', 0],
    encoding('h', 'hashtable'),
    limit('hash-max-listpack-entries', 8),
    encoding('h', 'hashtable'),
  ],
  [
    'a hash: by the length of its values',
    ['HSET h a 12345', 1],
    limit('hash-max-listpack-value', 4),
    encoding('h', 'listpack'),
    ['HSET h b 12345', 1],
    encoding('h', 'hashtable'),
    limit('hash-max-listpack-value', 64),
  ],
  [
    'an intset',
    ['SADD s 1 2 3 4', 4],
    limit('set-max-intset-entries', 2),
    encoding('s', 'intset'),
    ['SREM s 4', 1],
    encoding('s', 'intset'),
    ['SADD s 5', 1],
    encoding('s', 'hashtable'),
    limit('set-max-intset-entries', 512),
  ],
  [
    'a set',
    ['SADD s a b c d', 4],
    limit('set-max-listpack-entries', 2),
    encoding('s', 'listpack'),
    ['SADD s e', 1],
    encoding('s', 'hashtable'),
    limit('set-max-listpack-entries', 128),
  ],
  [
    'a sorted set',
    ['ZADD z 1 a 2 b 3 c', 3],
    limit('zset-max-listpack-entries', 2),
    encoding('z', 'listpack'),
    ['ZADD z 9 a', 0],
    encoding('z', 'listpack'),
    ['ZADD z 9 d', 1],
    encoding('z', 'skiplist'),
    limit('zset-max-listpack-entries', 128),
  ],
  [
    'a list: the limit is that of its last write, lower or higher',
    ['RPUSH l a b c d', 4],
    ['RPUSH m a b c d', 4],
    limit('list-max-listpack-size', 2),
    encoding('l', 'listpack'),
    encoding('m', 'listpack'),
    ['RPUSH l e', 5],
    encoding('l', 'quicklist'),
    limit('list-max-listpack-size', 8),
    encoding('l', 'quicklist'),
    encoding('m', 'listpack'),
    ['LTRIM l 0 1', OK],
    encoding('l', 'listpack'),
    limit('list-max-listpack-size', -2),
  ],
];

testRows('limits that are changed', rows);
