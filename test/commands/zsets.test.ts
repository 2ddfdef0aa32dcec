/** Sorted sets. Replies are those of redis-server 7.0.15, where it has the command. */
import t from 'tap';
import { TYPE_SET } from '../../lib/types/types.js';
import { ReplyDouble } from '../../resp/reply-parser.js';
import { LocalNode, localClient } from '../support/local.js';
import { NOT_FLOAT, NOT_INTEGER, OK, SYNTAX, testRows } from './rows.js';

const WRONG_TYPE = '-WRONGTYPE Operation against a key holding the wrong kind of value';
const BAD_SCORES = '-ERR min or max is not a float';
const BAD_MEMBERS = '-ERR min or max not valid string range item';
const NAN = '-ERR resulting score is not a number (NaN)';
const NX_XX = '-ERR XX and NX options at the same time are not compatible';
const GT_LT_NX = '-ERR GT, LT, and/or NX options at the same time are not compatible';

testRows('scores', [
  [
    'ZADD, ZSCORE, ZMSCORE, ZCARD',
    ['ZADD z 1 a 2.5 b', 2],
    ['ZADD z 3 a 1 c', 1],
    ['ZSCORE z a', '3'],
    ['ZSCORE z x', null],
    ['ZSCORE x a', null],
    ['ZMSCORE z b x c', ['2.5', null, '1']],
    ['ZMSCORE x a', [null]],
    ['ZCARD z', 3],
    ['ZCARD x', 0],
    ['ZADD z 1', "-ERR wrong number of arguments for 'zadd' command"],
    ['ZADD z 1 a 2', SYNTAX],
    ['ZADD z NX 1', SYNTAX],
    ['ZADD z x a', NOT_FLOAT],
    ['ZADD z nan a', NOT_FLOAT],
    ['ZADD z 5 d x e', NOT_FLOAT],
    ['ZSCORE z d', null],
  ],
  [
    'scores as %.17g',
    ['ZADD z 0.1 a 1e20 b -inf c +inf d 1e-5 e -0 f 123456789012 g', 7],
    [
      'ZRANGE z 0 -1 WITHSCORES',
      ['c', '-inf', 'f', '0', 'e', '1.0000000000000001e-05', 'a', '0.10000000000000001'].concat([
        'g',
        '123456789012',
        'b',
        '1e+20',
        'd',
        'inf',
      ]),
    ],
  ],
  [
    'the order of scores, then of members',
    ['ZADD z 1 b 1 a -1 c -2 d 1 ab -0.5 e 0 f', 7],
    ['ZRANGE z 0 -1', ['d', 'c', 'e', 'f', 'a', 'ab', 'b']],
    ['ZADD z -3 b', 0],
    ['ZRANGE z 0 1', ['b', 'd']],
  ],
  [
    'NX, XX, CH',
    ['ZADD z NX 1 a', 1],
    ['ZADD z NX 2 a 2 b', 1],
    ['ZADD z XX 5 a 5 c', 0],
    ['ZADD z XX CH 6 a 2 b', 1],
    ['ZADD z CH 7 a 7 d', 2],
    ['ZRANGE z 0 -1 WITHSCORES', ['b', '2', 'a', '7', 'd', '7']],
    ['ZADD z NX XX 1 a', NX_XX],
    ['ZADD x XX 1 a', 0],
    ['EXISTS x', 0],
  ],
  [
    'GT, LT',
    ['ZADD z 5 a', 1],
    ['ZADD z GT CH 4 a', 0],
    ['ZADD z GT CH 6 a', 1],
    ['ZADD z LT CH 7 a', 0],
    ['ZADD z LT CH 5 a', 1],
    ['ZADD z GT 1 b', 1],
    ['ZADD z XX GT 1 c', 0],
    ['ZADD z GT LT 1 a', GT_LT_NX],
    ['ZADD z GT NX 1 a', GT_LT_NX],
    ['ZADD z LT NX 1 a', GT_LT_NX],
  ],
  [
    'INCR and ZINCRBY',
    ['ZADD z INCR 1.5 a', '1.5'],
    ['ZADD z INCR 1.5 a', '3'],
    ['ZADD z NX INCR 1 a', null],
    ['ZADD z XX INCR 1 b', null],
    ['ZADD z GT INCR -1 a', null],
    ['ZADD z INCR 0 a', '3'],
    ['ZADD z INCR 1 a 2 b', '-ERR INCR option supports a single increment-element pair'],
    ['ZINCRBY z -3 a', '0'],
    ['ZINCRBY z 2 b', '2'],
    ['ZINCRBY z inf b', 'inf'],
    ['ZINCRBY z -inf b', NAN],
    ['ZSCORE z b', 'inf'],
    ['ZINCRBY z x b', NOT_FLOAT],
  ],
  [
    'ZREM removes the key with the last member',
    ['ZADD z 1 a 2 b', 2],
    ['ZREM z a x a', 1],
    ['ZREM z b', 1],
    ['EXISTS z', 0],
    ['ZREM z b', 0],
  ],
  [
    'wrong types',
    ['SET s 1', OK],
    ...['ZADD s 1 a', 'ZINCRBY s 1 a', 'ZREM s a', 'ZCARD s', 'ZSCORE s a', 'ZRANK s a'].map(
      (command) => [command, WRONG_TYPE] as const,
    ),
    ...['ZRANGE s 0 1', 'ZCOUNT s 0 1', 'ZLEXCOUNT s - +', 'ZPOPMIN s', 'ZMPOP 1 s MIN'].map(
      (command) => [command, WRONG_TYPE] as const,
    ),
    ['ZRANGESTORE d s 0 1', WRONG_TYPE],
    ['ZREMRANGEBYRANK s 0 1', WRONG_TYPE],
    ['ZRANDMEMBER s', WRONG_TYPE],
    ['ZSCAN s 0', WRONG_TYPE],
    ['ZADD z 1 a', 1],
    ['HGET z a', WRONG_TYPE],
    ['GET z', WRONG_TYPE],
    ['TYPE z', 'zset'],
  ],
  [
    'members too long for a tree',
    [['ZADD', 'z', '1', 'x'.repeat(65_528)], 1],
    [
      ['ZADD', 'z', '1', 'x'.repeat(65_529)],
      '-ERR field or member is too long: at most 65528 bytes, not applied',
    ],
    [['ZSCORE', 'z', 'x'.repeat(65_537)], null],
    [['ZRANGE', 'z', '0', '-1'], ['x'.repeat(65_528)]],
  ],
]);

testRows('ranks and counts', [
  [
    'ZRANK and ZREVRANK, with the score as in 7.2',
    ['ZADD z 1 a 2 b 3 c', 3],
    ['ZRANK z a', 0],
    ['ZREVRANK z a', 2],
    ['ZRANK z x', null],
    ['ZRANK x a', null],
    ['ZRANK z b WITHSCORE', [1, '2']],
    ['ZREVRANK z c withscore', [0, '3']],
    ['ZRANK z x WITHSCORE', null],
    ['ZRANK z b foo', SYNTAX],
    ['ZRANK z b WITHSCORE x', "-ERR wrong number of arguments for 'zrank' command"],
  ],
  [
    'ZCOUNT and ZLEXCOUNT',
    ['ZADD z 1 a 2 b 2 c 3 d', 4],
    ['ZCOUNT z -inf +inf', 4],
    ['ZCOUNT z 2 2', 2],
    ['ZCOUNT z (1 (3', 2],
    ['ZCOUNT z (2 2', 0],
    ['ZCOUNT z 3 1', 0],
    ['ZCOUNT z x 1', BAD_SCORES],
    ['ZCOUNT x 0 1', 0],
    ['ZLEXCOUNT z - +', 4],
    ['ZLEXCOUNT z [b (d', 2],
    ['ZLEXCOUNT z b d', BAD_MEMBERS],
  ],
]);

testRows('ranges', [
  [
    'ZRANGE by rank',
    ['ZADD z 1 a 2 b 3 c', 3],
    ['ZRANGE z 0 -1', ['a', 'b', 'c']],
    ['ZRANGE z 0 1 LIMIT 1 -1', ['a', 'b']],
    ['ZRANGE z -2 10', ['b', 'c']],
    ['ZRANGE z 5 10', []],
    ['ZRANGE z 2 1', []],
    ['ZRANGE z -100 0', ['a']],
    ['ZRANGE z 0 1 REV WITHSCORES', ['c', '3', 'b', '2']],
    ['ZREVRANGE z -1 -1', ['a']],
    ['ZREVRANGE z 0 1', ['c', 'b']],
    ['ZRANGE x 0 -1', []],
    ['ZRANGE z a 1', NOT_INTEGER],
    [
      'ZRANGE z 0 1 LIMIT 0 1',
      '-ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX',
    ],
    ['ZRANGE z 0 1 foo', SYNTAX],
    ['ZREVRANGE z 0 1 REV', SYNTAX],
  ],
  [
    'by score',
    ['ZADD z 1 a 2 b 2 c 3 d', 4],
    ['ZRANGE z 2 3 BYSCORE', ['b', 'c', 'd']],
    ['ZRANGE z (2 +inf BYSCORE WITHSCORES', ['d', '3']],
    ['ZRANGE z 3 1 BYSCORE REV LIMIT 1 2', ['c', 'b']],
    ['ZRANGE z 1 3 BYSCORE LIMIT 1 -1', ['b', 'c', 'd']],
    ['ZRANGE z 1 3 BYSCORE LIMIT -1 2', []],
    ['ZRANGE z 1 3 BYSCORE LIMIT 0 0', []],
    ['ZRANGEBYSCORE z -inf (2', ['a']],
    ['ZRANGEBYSCORE z 1 2 WITHSCORES LIMIT 1 1', ['b', '2']],
    ['ZREVRANGEBYSCORE z 2 1', ['c', 'b', 'a']],
    ['ZRANGEBYSCORE z 1 x', BAD_SCORES],
    ['ZRANGEBYSCORE z 1 2 LIMIT 1', SYNTAX],
    ['ZRANGE z 1 2 BYSCORE LIMIT 1 x', NOT_INTEGER],
    ['ZRANGE z 1 2 BYSCORE BYLEX', SYNTAX],
  ],
  [
    'by member',
    ['ZADD z 0 a 0 b 0 bb 0 c', 4],
    ['ZRANGE z - + BYLEX', ['a', 'b', 'bb', 'c']],
    ['ZRANGE z [b (c BYLEX', ['b', 'bb']],
    ['ZRANGE z + [b BYLEX REV LIMIT 1 1', ['bb']],
    ['ZRANGEBYLEX z (a [bb', ['b', 'bb']],
    ['ZREVRANGEBYLEX z + - LIMIT 0 2', ['c', 'bb']],
    ['ZRANGEBYLEX z + -', []],
    ['ZRANGEBYLEX z a b', BAD_MEMBERS],
    [
      'ZRANGE z - + BYLEX WITHSCORES',
      '-ERR syntax error, WITHSCORES not supported in combination with BYLEX',
    ],
  ],
  [
    'by member whatever the scores are',
    ['ZADD z 3 a 2 b 1 c', 3],
    ['ZRANGEBYLEX z [b +', ['b', 'c']],
  ],
  [
    'ZRANGESTORE',
    ['ZADD z 1 a 2 b 3 c', 3],
    ['SET d x', OK],
    ['ZRANGESTORE d z 0 1', 2],
    ['ZRANGE d 0 -1 WITHSCORES', ['a', '1', 'b', '2']],
    ['ZRANGESTORE d z 0 0 REV', 1],
    ['ZRANGE d 0 -1 WITHSCORES', ['c', '3']],
    ['ZRANGESTORE z z (1 +inf BYSCORE LIMIT 1 1', 1],
    ['ZRANGE z 0 -1', ['c']],
    ['ZRANGESTORE d z - + BYLEX', 1],
    ['ZRANGE d 0 -1 WITHSCORES', ['c', '3']],
    ['ZRANGESTORE d x 0 -1', 0],
    ['EXISTS d', 0],
    ['ZRANGESTORE d z 0 1 WITHSCORES', SYNTAX],
  ],
  [
    'ZREMRANGEBYRANK, ZREMRANGEBYSCORE, ZREMRANGEBYLEX',
    ['ZADD z 1 a 2 b 3 c 4 d 5 e', 5],
    ['ZREMRANGEBYRANK z 1 -4', 1],
    ['ZREMRANGEBYSCORE z (4 9', 1],
    ['ZRANGE z 0 -1', ['a', 'c', 'd']],
    ['ZREMRANGEBYLEX z (c +', 1],
    ['ZREMRANGEBYSCORE z -inf +inf', 2],
    ['EXISTS z', 0],
    ['ZREMRANGEBYRANK z 0 -1', 0],
    ['ZREMRANGEBYRANK z 0 x', NOT_INTEGER],
    ['ZREMRANGEBYSCORE z 0 x', BAD_SCORES],
    ['ZREMRANGEBYLEX z 0 x', BAD_MEMBERS],
  ],
]);

testRows('pops and picks', [
  [
    'ZPOPMIN, ZPOPMAX',
    ['ZADD z 1 a 2 b 3 c 4 d', 4],
    ['ZPOPMIN z', ['a', '1']],
    ['ZPOPMAX z 2', ['d', '4', 'c', '3']],
    ['ZPOPMIN z 0', []],
    ['ZPOPMIN z 10', ['b', '2']],
    ['EXISTS z', 0],
    ['ZPOPMIN z', []],
    ['ZPOPMIN z -1', '-ERR value is out of range, must be positive'],
    ['ZPOPMIN z x', '-ERR value is out of range, must be positive'],
    ['ZPOPMIN z 1 2', SYNTAX],
  ],
  [
    'ZMPOP',
    ['ZADD z 1 a 2 b 3 c', 3],
    ['ZMPOP 2 x z MIN', ['z', [['a', '1']]]],
    [
      'ZMPOP 2 x z MAX COUNT 5',
      [
        'z',
        [
          ['c', '3'],
          ['b', '2'],
        ],
      ],
    ],
    ['ZMPOP 2 x z MIN', null],
    ['ZMPOP 0 z MIN', '-ERR numkeys should be greater than 0'],
    ['ZMPOP 1 z', "-ERR wrong number of arguments for 'zmpop' command"],
    ['ZMPOP 1 z FOO', SYNTAX],
    ['ZMPOP 1 z MIN COUNT 0', '-ERR count should be greater than 0'],
    ['ZMPOP 1 z MIN COUNT 1 COUNT 1', SYNTAX],
  ],
  [
    'ZRANDMEMBER and ZSCAN',
    ['ZADD z 1 a', 1],
    ['ZRANDMEMBER z', 'a'],
    ['ZRANDMEMBER x', null],
    ['ZRANDMEMBER z 5 WITHSCORES', ['a', '1']],
    ['ZRANDMEMBER z 4611686018427387903 WITHSCORES', ['a', '1']],
    ['ZRANDMEMBER z 4611686018427387904 WITHSCORES', '-ERR value is out of range'],
    ['ZRANDMEMBER z -4611686018427387904 WITHSCORES', '-ERR value is out of range'],
    ['ZRANDMEMBER z -2', ['a', 'a']],
    ['ZRANDMEMBER z 0', []],
    ['ZRANDMEMBER z 1 foo', SYNTAX],
    ['ZSCAN z 0', ['0', ['a', '1']]],
    ['ZSCAN z 0 MATCH b*', ['0', []]],
    ['ZSCAN x 0', ['0', []]],
  ],
]);

testRows('combinations', [
  [
    'ZUNION and ZUNIONSTORE',
    ['ZADD a 1 x 2 y', 2],
    ['ZADD b 10 y 20 z', 2],
    ['ZUNION 2 a b WITHSCORES', ['x', '1', 'y', '12', 'z', '20']],
    ['ZUNION 2 a b', ['x', 'y', 'z']],
    ['ZUNION 2 a none WITHSCORES', ['x', '1', 'y', '2']],
    ['ZUNION 2 a b WEIGHTS 2 0.5 WITHSCORES', ['x', '2', 'y', '9', 'z', '10']],
    ['ZUNION 2 a b AGGREGATE MIN WITHSCORES', ['x', '1', 'y', '2', 'z', '20']],
    ['ZUNION 2 a b AGGREGATE MAX WITHSCORES', ['x', '1', 'y', '10', 'z', '20']],
    ['ZUNION 2 a a WITHSCORES', ['x', '2', 'y', '4']],
    ['ZUNIONSTORE d 2 a b', 3],
    ['ZRANGE d 0 -1 WITHSCORES', ['x', '1', 'y', '12', 'z', '20']],
    ['ZUNIONSTORE a 2 a b WEIGHTS 1 0', 3],
    ['ZRANGE a 0 -1 WITHSCORES', ['z', '0', 'x', '1', 'y', '2']],
    ['ZUNIONSTORE d 1 none', 0],
    ['EXISTS d', 0],
  ],
  [
    'infinities',
    ['ZADD a inf x', 1],
    ['ZADD b -inf x', 1],
    ['ZUNION 2 a b WITHSCORES', ['x', '0']],
    ['ZUNION 1 a WEIGHTS 0 WITHSCORES', ['x', '0']],
    ['ZINTER 2 a b AGGREGATE MAX WITHSCORES', ['x', 'inf']],
  ],
  [
    'ZINTER, ZINTERSTORE, ZINTERCARD',
    ['ZADD a 1 w 2 x 3 y', 3],
    ['ZADD b 10 x 20 y 30 z', 3],
    ['ZINTER 2 a b WITHSCORES', ['x', '12', 'y', '23']],
    ['ZINTER 2 a b WEIGHTS 1 -1 WITHSCORES', ['y', '-17', 'x', '-8']],
    ['ZINTER 2 a none', []],
    ['ZINTERSTORE d 2 a b AGGREGATE MIN', 2],
    ['ZRANGE d 0 -1 WITHSCORES', ['x', '2', 'y', '3']],
    ['ZINTERCARD 2 a b', 2],
    ['ZINTERCARD 2 a b LIMIT 1', 1],
    ['ZINTERCARD 2 a b LIMIT 0', 2],
    ['ZINTERCARD 2 a b LIMIT -1', "-ERR LIMIT can't be negative"],
    ['ZINTERCARD 2 a b WITHSCORES', SYNTAX],
  ],
  [
    'ZDIFF and ZDIFFSTORE',
    ['ZADD a 1 w 2 x 3 y', 3],
    ['ZADD b 10 x', 1],
    ['ZDIFF 2 a b WITHSCORES', ['w', '1', 'y', '3']],
    ['ZDIFF 2 a a', []],
    ['ZDIFF 2 none a', []],
    ['ZDIFF 2 a b WEIGHTS 1 2', SYNTAX],
    ['ZDIFFSTORE d 2 a b', 2],
    ['ZRANGE d 0 -1', ['w', 'y']],
  ],
  [
    'wrong arguments',
    ['SET s 1', OK],
    ['ZADD a 1 x', 1],
    ['ZUNION 0 a', "-ERR at least 1 input key is needed for 'zunion' command"],
    ['ZUNIONSTORE d 0 a', "-ERR at least 1 input key is needed for 'zunionstore' command"],
    ['ZUNION x a', NOT_INTEGER],
    ['ZUNION 2 a', SYNTAX],
    ['ZUNION 2 a s', WRONG_TYPE],
    ['ZUNION 1 s foo', WRONG_TYPE],
    ['ZUNION 1 a foo', SYNTAX],
    ['ZUNION 2 a a WEIGHTS 1', SYNTAX],
    ['ZUNION 1 a WEIGHTS x', '-ERR weight value is not a float'],
    ['ZUNION 1 a AGGREGATE foo', SYNTAX],
    ['ZUNIONSTORE d 1 a WITHSCORES', SYNTAX],
  ],
]);

testRows(
  'encodings',
  [
    ['few', ['ZADD z 1 a 2 b', 2], ['OBJECT ENCODING z', 'listpack']],
    [
      'many, and never back',
      ['ZADD z 1 a 2 b 3 c 4 d', 4],
      ['OBJECT ENCODING z', 'skiplist'],
      ['ZREM z a b c', 3],
      ['OBJECT ENCODING z', 'skiplist'],
      ['ZRANGESTORE d z 0 -1', 1],
      ['OBJECT ENCODING d', 'listpack'],
    ],
    [
      'a long member',
      [['ZADD', 'z', '1', 'x'.repeat(65)], 1],
      ['OBJECT ENCODING z', 'skiplist'],
      ['COPY z d', 1],
      ['OBJECT ENCODING d', 'skiplist'],
    ],
  ],
  (settings) => {
    settings.zsetMaxListpackEntries = 3;
  },
);

t.test('RESP3: scores are doubles, and members with scores are pairs', async (t) => {
  const client = await localClient();
  const double = (value: number): ReplyDouble => new ReplyDouble(value);
  client.send('HELLO', '3');
  client.send('ZADD', 'z', '1', 'a', '2.5', 'b', 'inf', 'c');
  t.same(client.send('ZSCORE', 'z', 'b'), double(2.5));
  t.same(client.send('ZRANGE', 'z', '0', '1', 'WITHSCORES'), [
    ['a', double(1)],
    ['b', double(2.5)],
  ]);
  t.same(client.send('ZRANK', 'z', 'b', 'WITHSCORE'), [1, double(2.5)]);
  t.same(client.send('ZRANDMEMBER', 'z', '3', 'WITHSCORES'), [
    ['a', double(1)],
    ['b', double(2.5)],
    ['c', double(Infinity)],
  ]);
  t.same(client.send('ZPOPMIN', 'z'), ['a', double(1)]);
  t.same(client.send('ZPOPMIN', 'z', '1'), [['b', double(2.5)]]);
  t.same(client.send('ZSCAN', 'z', '0'), ['0', ['c', 'inf']]);
});

t.test('the members of a set count with a score of 1', async (t) => {
  const local = await new LocalNode().start();
  const client = local.client();
  const set = local.node.store.databases[0]!.collection();
  const key = Buffer.from('s');
  set.openToWrite(key, 0, 1, TYPE_SET);
  for (const member of ['a', 'b']) set.put(Buffer.from(member), 0, 1, Buffer.alloc(0), 0, 0);
  client.send('ZADD', 'z', '5', 'b', '7', 'c');
  t.same(client.send('ZUNION', '2', 's', 'z', 'WITHSCORES'), ['a', '1', 'b', '6', 'c', '7']);
  t.same(client.send('ZINTER', '2', 's', 'z', 'WEIGHTS', '3', '1', 'WITHSCORES'), ['b', '8']);
  t.same(client.send('ZDIFF', '2', 's', 'z', 'WITHSCORES'), ['a', '1']);
  t.equal(client.send('ZINTERCARD', '2', 'z', 's'), 1);
});
