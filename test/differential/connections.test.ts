/**
 * What several connections of one server receive, from a real redis-server and from dhash.
 * A push that a client causes itself may come before its reply from Redis 7.0; from 7.2, and here,
 * it follows it. So replies and pushes are compared apart.
 */
import t, { type Test } from 'tap';
import { seededRandom, seedOfRun } from '../support/random.js';
import { type ServerProcess, startDhash, startRedis } from '../support/server-process.js';
import { randomBlockingScript } from './blocking-programs.js';
import { randomScript } from './connection-programs.js';
import { runScript } from './connections.js';
import { streamScripts } from './stream-scripts.js';

const seed = seedOfRun(1);
const stepCount = 150;

t.setTimeout(120_000);

const scripts: Readonly<Record<string, string>> = {
  ...streamScripts,
  'subscribe mode of RESP2': `
    a: SUBSCRIBE x y x
    b: PUBLISH x hello
    b: PUBLISH nobody hello
    a: PING
    a: PING text
    a: GET k
    a: CONFIG GET databases
    a: HELLO 3
    a: EXEC
    a: SUBSCRIBE
    a: PSUBSCRIBE x* z*
    b: PUBLISH x twice
    b: PUBLISH xy both
    a: SSUBSCRIBE s
    b: SPUBLISH s shard
    b: SPUBLISH x none
    b: PUBLISH s none
    a: UNSUBSCRIBE z
    a: UNSUBSCRIBE x
    a: UNSUBSCRIBE
    a: UNSUBSCRIBE
    a: PUNSUBSCRIBE x*
    a: PUNSUBSCRIBE
    a: PUNSUBSCRIBE
    a: GET k
    a: SUNSUBSCRIBE
    a: SUNSUBSCRIBE
    a: GET k
    b: PUBLISH x gone`,
  'pushes of RESP3': `
    a: HELLO 2
    a: CLIENT SETNAME me
    b: PING
    a: SUBSCRIBE before
    a: RESET
    a: HELLO 2
    c: HELLO 3 SETNAME you; SUBSCRIBE x y
    c: GET k
    b: PUBLISH x hello
    c: PUBLISH x own
    c: PUBLISH x one; PUBLISH y two; GET k
    c: PSUBSCRIBE *; SSUBSCRIBE s
    b: PUBLISH y pattern
    b: SPUBLISH s shard
    c: UNSUBSCRIBE x
    c: UNSUBSCRIBE; PUNSUBSCRIBE; SUNSUBSCRIBE; SUNSUBSCRIBE
    b: PUBLISH x gone`,
  'a subscriber changes the protocol': `
    a: HELLO 3; SUBSCRIBE x
    b: PUBLISH x three
    a: HELLO 2
    a: GET k
    b: PUBLISH x two
    a: UNSUBSCRIBE
    a: GET k`,
  'messages of a transaction': `
    a: SUBSCRIBE x
    c: HELLO 3; SUBSCRIBE x
    b: MULTI
    b: PUBLISH x one
    b: SET k 1
    b: PUBLISH x two
    b: EXEC
    b: MULTI
    b: PUBLISH x three
    b: DISCARD`,
  'SUBSCRIBE in a transaction': `
    a: MULTI
    a: SUBSCRIBE x
    a: SSUBSCRIBE y
    a: EXEC
    b: PUBLISH x hi`,
  'RESET and QUIT': `
    a: SUBSCRIBE x; PSUBSCRIBE y; SSUBSCRIBE z
    a: RESET
    a: GET k
    b: PUBLISH x 1
    b: PUBSUB CHANNELS
    b: PUBSUB NUMPAT
    b: PUBSUB SHARDCHANNELS
    c: SUBSCRIBE x
    c closes
    b: PUBLISH x 1
    b: PUBSUB NUMSUB x`,
  PUBSUB: `
    a: SUBSCRIBE one
    b: SUBSCRIBE one
    b: SSUBSCRIBE shard
    b: PSUBSCRIBE p* q*
    a: PSUBSCRIBE p*
    c: PUBSUB CHANNELS
    c: PUBSUB CHANNELS o*
    c: PUBSUB CHANNELS x*
    c: PUBSUB CHANNELS a b
    c: PUBSUB NUMSUB
    c: PUBSUB NUMSUB one two one
    c: PUBSUB NUMPAT
    c: PUBSUB NUMPAT x
    c: PUBSUB SHARDCHANNELS
    c: PUBSUB SHARDCHANNELS x*
    c: PUBSUB SHARDNUMSUB shard one
    c: PUBSUB
    c: PUBSUB NOSUCH
    c: PUBLISH
    c: PUBLISH one
    c: SUBSCRIBE
    c: PUBSUB HELP`,
  'CLIENT REPLY': `
    a: HELLO 3
    a: CLIENT REPLY OFF; SUBSCRIBE x; PUBLISH x own; SUBSCRIBE; CLIENT REPLY ON
    a: CLIENT REPLY SKIP; SUBSCRIBE y; GET k`,
  'keyspace events of strings': `
    c: CONFIG SET notify-keyspace-events KEAnm
    a: PSUBSCRIBE __key*__:*
    b: SET k 1; SET k 2; SET k 3 EX 100; SET k 4 KEEPTTL; SET k 5 XX GET; SET k 5 NX
    b: SETNX n 1; SETNX n 1; SETEX e 100 1; PSETEX p 10000 1
    b: GETSET g 1; GETSET g 2; GETDEL g; GETDEL g
    b: GETEX k PERSIST; GETEX k PERSIST; GETEX k EX 100; GETEX k PXAT 1; GETEX k
    b: MSET a 1 b 2; MSETNX a 1 c 2; MSETNX c 1 d 2
    b: APPEND ap x; APPEND ap y; SETRANGE sr 3 x; SETRANGE sr 0 abc; SETRANGE sr 0 ""
    b: INCR i; DECR i; INCRBY i 5; DECRBY i 2; INCRBYFLOAT i 0.5; INCRBYFLOAT f 1
    b: STRLEN none; GETRANGE none 0 1; LCS none none2; MGET none a
    b: SETBIT bits 7 1; SETBIT bits 7 1; SETBIT bits 90 0; SETBIT bits 90 0; GETBIT none 1
    b: BITFIELD bf SET u8 0 1 SET u8 8 2; BITFIELD bf SET u8 0 1; BITFIELD bf GET u8 0
    b: BITFIELD none GET u8 0; BITFIELD_RO none GET u8 0; BITCOUNT none; BITPOS none 1
    b: BITFIELD bf OVERFLOW FAIL INCRBY u8 0 255; BITFIELD bf INCRBY u8 100 0
    b: BITOP NOT dest bits; BITOP AND dest none none; BITOP AND dest none none
    c: CONFIG SET notify-keyspace-events ""`,
  'keyspace events of keys': `
    c: CONFIG SET notify-keyspace-events KEAnm
    a: PSUBSCRIBE __key*__:*
    b: SET k 1; EXPIRE k 100; EXPIRE k 10 NX; PERSIST k; PERSIST k; EXPIRE k -1; EXPIRE k 100
    b: SET k 1; PEXPIREAT k 1; TTL k; PTTL k; EXPIRETIME k; TYPE k; EXISTS k k; TOUCH k
    b: OBJECT ENCODING k; OBJECT FREQ k; OBJECT IDLETIME k; DUMP k; MEMORY USAGE k; RANDOMKEY
    b: SET a 1; SET b 2; DEL a b none; SET a 1; UNLINK a; UNLINK a
    b: SET a 1; RENAME a b; SET a 1; RENAME a b; RENAME b b; RENAME none b; RENAMENX b c
    b: SET a 1; RENAMENX a c; RENAMENX c c
    b: COPY c d; COPY c d; COPY c d REPLACE; COPY c d DB 1; COPY none d; COPY c d DB 1 REPLACE
    b: MOVE c 2; MOVE c 2; MOVE a 2
    b: SELECT 2; MOVE c 0; SELECT 0; SWAPDB 0 1; SWAPDB 0 1
    b: SET e 1 PX 20
    e expires
    b: SET e 1 PX 20
    e expires
    b: SET e 2; GET e; FLUSHDB; FLUSHALL; DBSIZE
    c: CONFIG SET notify-keyspace-events ""`,
  'keyspace events in a transaction, and of some classes': `
    c: CONFIG SET notify-keyspace-events Eg
    a: PSUBSCRIBE __key*__:*
    b: SET k 1; EXPIRE k 10; DEL k
    c: CONFIG SET notify-keyspace-events K$
    b: SET k 1; EXPIRE k 10; DEL k
    c: CONFIG SET notify-keyspace-events A
    b: SET k 1; EXPIRE k 10; DEL k
    c: CONFIG SET notify-keyspace-events AKE
    b: MULTI
    b: SET k 1
    b: PUBLISH __keyspace@0__:fake x
    b: DEL k
    b: EXEC
    c: CONFIG SET notify-keyspace-events ""`,
  'keyspace events of hashes': `
    c: CONFIG SET notify-keyspace-events KEAnm
    a: PSUBSCRIBE __key*__:*
    b: HSET h f 1; HSET h f 1 g 2; HSETNX h f 1; HSETNX h n 1; HMSET h m 1; HINCRBY h f 2
    b: HINCRBYFLOAT h f 0.5; HINCRBY h text x; HSET h f x; HINCRBY h f 1
    b: HGET h f; HGET none f; HGETALL none; HLEN none; HSCAN none 0; HRANDFIELD none
    b: HMGET none a; HSTRLEN none f; HEXISTS none f; HKEYS none; HVALS none; HDEL none f
    b: HDEL h f none; HDEL h none; HDEL h g n m
    b: HSET h f 1; RENAME h i; HSET h f 1; RENAME h i; COPY i j; COPY i j REPLACE; MOVE j 1
    b: RENAMENX i h; COPY h s DB 2; SET i 1; HSET i f 1; COPY h i REPLACE; SET h 1; RENAME i h
    b: EXPIRE h 100; PERSIST h; OBJECT ENCODING h; TYPE h; DEL h
    b: HSET e f 1; PEXPIRE e 20
    e expires
    b: HSET u f 1; UNLINK u; HSET d f 1; EXPIRE d -1; HSET x f 1; FLUSHALL
    c: CONFIG SET notify-keyspace-events Eh
    b: HSET h f 1; HDEL h f
    c: CONFIG SET notify-keyspace-events ""`,
  'tracking: hashes': `
    a: HELLO 3; CLIENT TRACKING ON
    a: HGET h f; HGETALL h
    b: HSET h f 1
    a: HMGET h f g
    b: HSETNX h f 2; HSETNX h g 2
    a: HLEN h
    b: HDEL h none; HDEL h g
    a: HRANDFIELD h
    b: HDEL h f
    a: HSCAN h 0
    b: HSET i f 1; RENAME i h
    a: HVALS h; GET i
    b: COPY h i; EXPIRE h 100`,
  'tracking: RESP2 has no pushes': `
    a: CLIENT TRACKING ON; CLIENT INFO
    a: GET k
    b: SET k 1
    a: SUBSCRIBE x
    b: SET k 2
    a: HELLO 3
    a: UNSUBSCRIBE
    a: HELLO 3; GET k
    b: SET k 3
    a: GET k; CLIENT TRACKING OFF; CLIENT TRACKING ON BCAST; HELLO 2
    b: SET k 4`,
  'tracking: NOLOOP does not hide what expires': `
    a: HELLO 3; CLIENT TRACKING ON NOLOOP
    a: SET k 1 PX 60; GET k
    65 ms pass
    a: GET k
    c: HELLO 3; CLIENT TRACKING ON NOLOOP BCAST
    c: SET k 1 PX 60
    65 ms pass
    c: GET k
    c: SET k 1 PX 60
    65 ms pass
    c: SET k 2
    c: SET k 1 PXAT 1; EXPIRE k -1
    c: SET k 1 PXAT 1; GET k; SET k 2; SET k 1 PXAT 1; APPEND k x`,
  'CLIENT INFO': `
    a: CLIENT INFO
    a: HELLO 3; SUBSCRIBE x y; PSUBSCRIBE p; SSUBSCRIBE s; CLIENT INFO
    a: UNSUBSCRIBE; PUNSUBSCRIBE; SUNSUBSCRIBE; CLIENT INFO
    a: CLIENT TRACKING ON; SUBSCRIBE x; CLIENT INFO
    a: CLIENT TRACKING OFF; CLIENT TRACKING ON BCAST; CLIENT INFO; RESET; CLIENT INFO
    b: CLIENT TRACKING ON REDIRECT $b; CLIENT NO-EVICT ON; CLIENT SETNAME me; SELECT 2
    b: WATCH k; CLIENT INFO
    a: SELECT 2; SET k 1
    b: CLIENT INFO
    r: PING
    c: CLIENT TRACKING ON REDIRECT $r
    c: GET k
    r closes
    a: SET k 2; SELECT 0; SET k 2
    c: CLIENT INFO
    c: CLIENT TRACKING ON; CLIENT INFO`,
  'tracking: the default mode': `
    a: HELLO 3
    a: CLIENT TRACKING ON
    a: CLIENT TRACKINGINFO; CLIENT GETREDIR
    a: GET k; MGET x y; EXISTS z; STRLEN s; TTL t; GETRANGE r 0 1; TYPE u
    b: SET k 1; SET k 2
    b: MSET x 1 z 2 s 3 r 4
    b: SET t 1 EX 100; SET u 1
    a: GET k
    a: SET k own
    a: GET k; SET k own
    a: GET k
    b: EXPIRE k 100
    a: GET k
    b: PERSIST k
    a: GET k
    b: APPEND k x; DEL k
    a: GET k
    b: SELECT 3; SET k other
    a: GET k
    b: SELECT 0; SET q 1; RENAME q k
    a: GET k; GET q
    b: COPY k q
    a: GET k; GET q
    b: MOVE k 5
    a: GET q; GET k
    b: FLUSHDB
    a: GET q
    b: FLUSHALL
    b: SET q 1
    a: SETNX new 1; INCR new; GETSET new 5
    b: SET new 2
    a: CLIENT TRACKING OFF
    a: GET q; CLIENT TRACKINGINFO
    b: SET q 5`,
  'tracking: expiry': `
    a: HELLO 3; CLIENT TRACKING ON
    b: SET k 1 PX 250
    a: GET k
    k expires
    a: GET k
    b: SET k 1 PX 250
    a: GET k
    k expires`,
  'tracking: transactions': `
    a: HELLO 3; CLIENT TRACKING ON
    a: MULTI
    a: GET k
    a: MGET x y
    a: EXEC
    b: MULTI
    b: SET k 1
    b: SET x 1
    b: SET k 2
    b: EXEC
    b: SET y 1`,
  'tracking: NOLOOP': `
    a: HELLO 3; CLIENT TRACKING ON NOLOOP; CLIENT TRACKINGINFO
    a: GET k
    a: SET k own
    b: SET k other
    a: GET k
    b: SET k other`,
  'tracking: OPTIN': `
    a: HELLO 3; CLIENT TRACKING ON OPTIN; CLIENT TRACKINGINFO
    a: GET k
    b: SET k 1
    a: CLIENT CACHING YES; CLIENT TRACKINGINFO; GET k; GET x
    b: SET k 1
    b: SET x 1
    a: CLIENT CACHING YES; MULTI
    a: GET k
    a: GET x
    a: EXEC
    b: SET k 1; SET x 1
    a: CLIENT CACHING NO; CLIENT CACHING WHAT`,
  'tracking: OPTOUT': `
    a: HELLO 3; CLIENT TRACKING ON OPTOUT; CLIENT TRACKINGINFO
    a: GET k
    b: SET k 1
    a: CLIENT CACHING NO; CLIENT TRACKINGINFO; GET k; GET x
    b: SET k 1
    b: SET x 1
    a: CLIENT CACHING YES`,
  'tracking: BCAST': `
    a: HELLO 3; CLIENT TRACKING ON BCAST PREFIX user: PREFIX obj:; CLIENT TRACKINGINFO
    c: HELLO 3; CLIENT TRACKING ON BCAST NOLOOP
    b: SET user:1 x
    b: MSET obj:1 x obj:2 y other z
    c: SET user:1 own
    b: SET e 1 PX 20
    e expires
    b: DEL user:1 obj:1
    b: FLUSHDB
    a: CLIENT TRACKING ON BCAST PREFIX more:; CLIENT TRACKINGINFO
    b: SET more:1 x
    a: CLIENT TRACKING OFF
    b: SET more:1 y`,
  'tracking: REDIRECT to a subscriber of RESP2': `
    r: SUBSCRIBE __redis__:invalidate
    a: CLIENT TRACKING ON REDIRECT $r
    a: GET k; MGET x y
    b: SET k 1
    b: SET x 1
    a: SET y own
    a: GET k
    b: FLUSHALL
    a: GET k
    r: UNSUBSCRIBE
    b: SET k 2
    a: CLIENT TRACKING OFF
    a: CLIENT TRACKING ON REDIRECT $r BCAST
    r: SUBSCRIBE elsewhere
    b: MSET k 1 x 2`,
  'tracking: REDIRECT to a client of RESP3, which goes': `
    r: HELLO 3
    a: HELLO 3; CLIENT TRACKING ON REDIRECT $r
    a: GET k
    b: SET k 1
    a: GET k; GET x
    r closes
    b: SET k 1
    b: SET x 1
    a: CLIENT TRACKING ON REDIRECT $a
    a: GET k
    b: SET k 1`,
  'tracking: what is refused': `
    a: CLIENT TRACKING
    a: CLIENT TRACKING MAYBE
    a: CLIENT TRACKING ON PREFIX a
    a: CLIENT TRACKING ON PREFIX
    a: CLIENT TRACKING ON OPTIN OPTOUT
    a: CLIENT TRACKING ON BCAST OPTIN
    a: CLIENT TRACKING ON REDIRECT 99999
    a: CLIENT TRACKING ON REDIRECT x
    a: CLIENT TRACKING ON REDIRECT $a REDIRECT $a
    a: CLIENT TRACKING ON BCAST PREFIX a PREFIX ab
    a: CLIENT TRACKING ON BCAST PREFIX foo
    a: CLIENT TRACKING ON BCAST PREFIX fo
    a: CLIENT TRACKING ON BCAST PREFIX foo
    a: CLIENT TRACKING ON
    a: CLIENT CACHING YES
    a: CLIENT CACHING X
    a: CLIENT TRACKING OFF
    a: CLIENT CACHING YES
    a: CLIENT TRACKING ON OPTIN
    a: CLIENT TRACKING ON OPTOUT
    a: CLIENT CACHING NO
    a: CLIENT GETREDIR
    a: CLIENT TRACKING OFF NONSENSE
    a: RESET
    a: CLIENT GETREDIR`,
  WAIT: `
    a: WAIT 0 0
    a: WAIT -1 0
    a: WAIT x 0; WAIT 0 x; WAIT 0 -1; WAIT 1
    a waits: WAIT 1 500
    a resumes
    a waits: WAIT 1 0
    b: CLIENT UNBLOCK $a
    a waits: WAIT 1 0
    b: CLIENT UNBLOCK $a ERROR
    b: CLIENT UNBLOCK $a; CLIENT UNBLOCK x; CLIENT UNBLOCK 1 WHAT; CLIENT UNBLOCK
    a: MULTI
    a: WAIT 3 1000
    a: EXEC`,
  'BZPOPMIN, BZPOPMAX and BZMPOP': `
    w: ZADD z 1 a 2.5 b 3 c
    a: BZPOPMIN x z 0; BZPOPMAX z x 0; BZMPOP 0 2 x z MAX COUNT 5; EXISTS z
    a waits: BZPOPMIN x y 0
    b waits: BZPOPMAX y 0
    c waits: BZMPOP 0 2 y x MIN COUNT 2
    w: ZADD y 1 a 2 b 3 c 4 d 5 e; ZRANGE y 0 -1
    w: DEL y
    a waits: BZPOPMIN y x 0
    w: SET y 1; LPUSH x 1; DEL x; ZINCRBY x 7 m
    a waits: BZPOPMIN k 0
    b waits: BZPOPMIN k 0
    w: MULTI; ZADD k 1 a; ZADD k 2 b 3 c; EXEC; ZRANGE k 0 -1
    a waits: BZMPOP 0 1 d MAX
    w: ZUNIONSTORE d 1 k; EXISTS d
    a waits: BZPOPMAX d 0
    w: GEOADD g 1 1 p; GEOSEARCHSTORE d g FROMLONLAT 1 1 BYRADIUS 1 km; EXISTS d
    a waits: BZPOPMIN d 0
    w: ZRANGESTORE d k 0 -1; COPY k d; RENAME k d
    a waits: BZPOPMIN nothing 0.1
    a resumes
    a waits: BZMPOP 0.1 1 nothing MIN
    a resumes
    a waits: BZPOPMIN nothing 0
    w: CLIENT UNBLOCK $a
    a: MULTI; BZPOPMIN nothing 0; BZMPOP 0 1 nothing MAX; EXEC
    a: BZPOPMIN y 0; BZPOPMIN z -1; BZPOPMIN z x; BZPOPMIN z
    a: BZMPOP 0 0 z MIN; BZMPOP 0 1 z; BZMPOP 0 1 z FOO; BZMPOP x 1 z MIN; BZMPOP -1 1 z MIN
    a: BZMPOP 0 1 z MIN COUNT 0; BZMPOP 0 1 z MIN COUNT 1 COUNT 1; BZMPOP 0 2 y z MIN`,
  'BLPOP, BRPOP and BLMPOP': `
    w: RPUSH l 1 2 3 4 5 6
    a: BLPOP x l 0; BRPOP l x 0; BLMPOP 0 2 x l RIGHT COUNT 2; BLMPOP 0 1 l LEFT; EXISTS l
    a waits: BLPOP x y 0
    b waits: BRPOP y 0
    c waits: BLMPOP 0 2 y x LEFT COUNT 2
    w: RPUSH y 1 2 3 4 5; LRANGE y 0 -1
    w: DEL y
    a waits: BLPOP x y 0
    b waits: BLPOP y x 0
    w: MULTI; RPUSH y 1; RPUSH x 2; RPUSH y 3; LPUSH x 4; EXEC; LRANGE x 0 -1; LRANGE y 0 -1
    w: DEL x y
    a waits: BLMPOP 0 2 x y RIGHT COUNT 10
    w: EVAL redis.call('LPUSH','x',1);redis.call('LPUSH','x',2);return{redis.call('LLEN','x')} 0
    a waits: BLPOP x 0
    w: MULTI; RPUSH x 1; DEL x; EXEC
    w: SET x text; ZADD y 1 a; DEL x; SADD x 1; LPUSH x 1; DEL x y; RPUSH x 1
    a waits: BLPOP x nothing 9221000000000000
    w: LPUSH x 1
    a waits: BLPOP nothing 0.1
    a resumes
    a waits: BLMPOP 0.1 1 nothing LEFT
    a resumes
    a waits: BRPOP nothing 0
    w: CLIENT UNBLOCK $a
    a waits: BRPOP nothing 0
    w: CLIENT UNBLOCK $a ERROR
    w: CLIENT UNBLOCK $a
    a: MULTI; BLPOP nothing 0; BRPOP nothing 1; BLMPOP 0 1 nothing LEFT; EXEC
    w: SET s 1; LPUSH l 1
    a: BLPOP s l 0; BLPOP nothing s l 0; BLPOP l s 0; BLMPOP 0 1 s LEFT; BRPOP s 0
    a: BLPOP l -1; BLPOP l x; BLPOP l; BLPOP; BLPOP l nan; BLPOP l ""; BLPOP l 1e-5000
    a: BLMPOP 0 0 l LEFT; BLMPOP 0 1 l; BLMPOP 0 1 l FOO; BLMPOP x 1 l LEFT; BLMPOP -1 1 l LEFT
    a: BLMPOP 0 1 l LEFT COUNT 0; BLMPOP 0 1 l LEFT COUNT 1 COUNT 1; BLMPOP 0 2 l LEFT
    a: EVAL return{redis.call('BLMPOP',0,1,'nothing','LEFT')} 0; BLMPOP 0 9223372036854775807 l LEFT
    a: EVAL return{redis.pcall('BLPOP','nothing',0)} 0; EVAL return{redis.pcall('BLMOVE',1,2,3,4,5)} 0`,
  'BLMOVE and BRPOPLPUSH': `
    w: RPUSH l 1 2 3
    a: BLMOVE l m LEFT RIGHT 0; BRPOPLPUSH l m 0; BLMOVE l l LEFT RIGHT 0; LRANGE m 0 -1
    a waits: BLMOVE x y LEFT RIGHT 0
    b waits: BLMOVE y z RIGHT LEFT 0
    c waits: BRPOPLPUSH z x 0
    d waits: BLPOP x 0
    w: RPUSH x 1 2; LRANGE x 0 -1; LRANGE y 0 -1; LRANGE z 0 -1
    a waits: BLMOVE k k LEFT RIGHT 0
    b waits: BRPOPLPUSH k k 0
    c waits: BLPOP k 0
    w: RPUSH k 1 2 3; LRANGE k 0 -1
    w: SET s text
    a waits: BLMOVE nothing s LEFT LEFT 0
    b waits: BLPOP nothing 0
    w: RPUSH nothing 1; LRANGE nothing 0 -1; GET s
    a: BLMOVE s l LEFT LEFT 0; BLMOVE l s LEFT LEFT 0; LRANGE l 0 -1; BRPOPLPUSH s s 0
    a waits: BLMOVE nothing k LEFT LEFT 0.1
    a resumes
    a waits: BRPOPLPUSH nothing k 0.1
    a resumes
    a waits: BRPOPLPUSH nothing k 0
    w: CLIENT UNBLOCK $a TIMEOUT
    a: MULTI; BLMOVE nothing k LEFT LEFT 0; BRPOPLPUSH nothing k 0; EXEC
    a: BLMOVE l k UP LEFT 0; BLMOVE l k LEFT DOWN 0; BLMOVE l k LEFT LEFT x; BLMOVE l k LEFT LEFT -1
    a: BLMOVE l k LEFT; BRPOPLPUSH l k -0.1; BRPOPLPUSH l k x; BRPOPLPUSH l k; BLMOVE s k x y z`,
  'what makes a list that is waited for': `
    c: CONFIG SET notify-keyspace-events KEA
    e: PSUBSCRIBE __key*__:*
    w: RPUSH l 3 1 2
    a tries: BLPOP k 0
    w: RENAME l k; DEL k
    w: RPUSH l 3 1 2
    a tries: BLPOP k 0
    w: COPY l k; COPY l k; DEL k
    a tries: BLPOP k 0
    w: SET k text; RENAMENX l k; RENAME l k; DEL k
    w: RPUSH l 3 1 2
    a tries: BLPOP k 0
    w: SET k text; COPY l k; COPY l k REPLACE; DEL k
    a tries: BRPOP k 0
    w: LMOVE l k LEFT LEFT; EXISTS k; RPOPLPUSH l k; RPUSH l 1 2; DEL k
    a tries: BLPOP k 0
    w: SELECT 1; RPUSH k 7; MOVE k 0; RPUSH k 8; SELECT 0
    a tries: BLPOP k 0
    w: SWAPDB 0 1; SWAPDB 0 1
    a tries: BLPOP k 0
    w: ZADD k 1 a; SWAPDB 0 1; RPUSH k 1 2; SWAPDB 0 1
    w: FLUSHALL; ZADD z 1 a; RPUSH l 1; SADD s 1
    a tries: BZPOPMIN k 0
    b tries: BLPOP k 0
    w: SUNIONSTORE k s; ZUNIONSTORE k 1 z; DEL k
    w: ZUNIONSTORE k 1 z; ZADD z 1 a; ZRANGESTORE k z 0 -1; LPUSH k 1
    w: FLUSHALL; RPUSH l 3 1 2
    a tries: BLPOP k 0
    w: SET k text; SORT l STORE k; SORT l BY nosort STORE k; DEL k
    w: SORT l DESC STORE k; LRANGE k 0 -1; SORT nothing STORE k; SORT nothing STORE k
    c: CONFIG SET notify-keyspace-events ""`,
  'SORT: what it tells of': `
    c: CONFIG SET notify-keyspace-events KEAnm
    e: PSUBSCRIBE __key*__:*
    a: HELLO 3; CLIENT TRACKING ON
    w: RPUSH l 3 1 2; MSET w_1 9 w_2 5; HSET h_3 f 1
    a: SORT_RO l BY w_* GET # GET h_*->f; SORT_RO none; SORT l BY w_*
    w: SET w_1 3; LPUSH l 7
    w: SORT l BY w_* LIMIT 0 2 STORE d; SORT l STORE d; SORT none STORE d; SORT none STORE d
    w: MULTI; SORT l STORE l; SORT l DESC; EXEC
    w: SET s 1; SORT s; SORT l BY s_*->f ALPHA
    c: CONFIG SET notify-keyspace-events ""`,
};

let redis: ServerProcess;
let dhash: ServerProcess;

t.before(async () => {
  [redis, dhash] = await Promise.all([
    startRedis(),
    startDhash({ args: ['--enable-debug-command', 'yes'] }),
  ]);
});

t.teardown(() => Promise.all([redis.stop(), dhash.stop()]));

for (const protocol of [2, 3] as const) {
  for (const [name, script] of Object.entries(scripts)) {
    t.test(`RESP${protocol}: ${name}`, (t) => compare(t, script, protocol));
  }
  const random = { 'at random': randomScript, 'waiting at random': randomBlockingScript };
  for (const [name, make] of Object.entries(random)) {
    t.test(`RESP${protocol}: ${name} (seed ${seed})`, async (t) => {
      const script = make(seededRandom(seed), stepCount);
      await compare(t, script, protocol);
      if (!t.passing()) t.comment(script);
    });
  }
}

async function compare(t: Test, script: string, protocol: 2 | 3): Promise<void> {
  const expected = await runScript(redis.port, script, protocol);
  const actual = await runScript(dhash.port, script, protocol);
  t.strictSame(actual, expected);
}
