/**
 * Scripts for `runScript`: who waits for streams, and what is told of them; as far as Redis 7.0 does
 * what 7.2 does. The rest is in test/commands/stream-consumers.test.ts.
 */
export const streamScripts: Readonly<Record<string, string>> = {
  'XREAD BLOCK': `
    w: XADD s 1-1 a 1
    a: XREAD BLOCK 0 STREAMS s 0; XREAD COUNT 1 BLOCK 0 STREAMS s x 0-0 0
    a waits: XREAD BLOCK 0 STREAMS s $
    b waits: XREAD BLOCK 0 COUNT 1 STREAMS x s 0 1-1
    c waits: XREAD BLOCK 0 STREAMS y s 0 9-9
    w: XADD s 2-1 b 2
    w: XADD y 1-1 y 1
    a waits: XREAD BLOCK 0 STREAMS s $
    b waits: XREAD BLOCK 0 STREAMS s 2-1
    w: MULTI; XADD s 3-1 c 3; XADD s 3-2 c 4; XDEL s 3-1; EXEC
    a waits: XREAD BLOCK 0 STREAMS k 0
    w: SET k 1; DEL k; LPUSH k 1; DEL k; XADD k 5-5 k 5
    a waits: XREAD BLOCK 0 STREAMS d $
    w: RENAME k d
    a waits: XREAD BLOCK 0 STREAMS d $
    b waits: XREAD BLOCK 0 STREAMS d 8-8
    w: DEL d; XADD d 1-1 too low
    w: XADD d 6-1 high enough
    w: XADD d 9-1 for b
    a waits: XREAD BLOCK 100 STREAMS d $
    a resumes
    a waits: XREAD BLOCK 0 STREAMS d $
    w: CLIENT UNBLOCK $a
    a waits: XREAD BLOCK 0 STREAMS d $
    w: CLIENT UNBLOCK $a ERROR
    a: MULTI; XREAD BLOCK 0 STREAMS d $; XREAD BLOCK 100 STREAMS d 0; EXEC
    a: EVAL "return redis.pcall('xread','BLOCK','0','STREAMS','d','$').err" 0
    a: EVAL "return redis.call('xread','STREAMS','d','0')" 0
    a: XREAD BLOCK -1 STREAMS d $; XREAD BLOCK x STREAMS d $; XREAD BLOCK 1.5 STREAMS d $
    w: SET s x
    a: XREAD BLOCK 0 STREAMS d s $ $`,
  'XREADGROUP BLOCK': `
    w: XGROUP CREATE s g $ MKSTREAM; XGROUP CREATE s h 0
    a waits: XREADGROUP GROUP g alice BLOCK 0 STREAMS s >
    b waits: XREADGROUP GROUP g bob BLOCK 0 COUNT 1 STREAMS s >
    c waits: XREADGROUP GROUP h carol BLOCK 0 NOACK STREAMS s >
    w: XADD s 1-1 a 1
    w: XADD s 2-1 b 2
    w: XPENDING s g
    w: XINFO GROUPS s
    a: XREADGROUP GROUP g alice BLOCK 0 STREAMS s 0
    a waits: XREADGROUP GROUP g alice BLOCK 0 STREAMS s >
    w: XREADGROUP GROUP h carol STREAMS s >
    b waits: XREADGROUP GROUP h bob BLOCK 0 STREAMS s >
    w: MULTI; XADD s 3-1 c 3; XADD s 3-2 c 4; EXEC
    c waits: XREAD BLOCK 0 STREAMS s $
    w: XGROUP DESTROY s none
    w: XADD s 4-1 d 4
    w: XGROUP DESTROY s g; FLUSHALL
    w: XGROUP CREATE s g $ MKSTREAM; XGROUP CREATE t g $ MKSTREAM
    w: XGROUP CREATECONSUMER s g alice; XGROUP CREATECONSUMER t g alice
    w: XGROUP CREATECONSUMER s g bob; XGROUP CREATECONSUMER t g bob
    a waits: XREADGROUP GROUP g alice BLOCK 0 STREAMS s t > >
    b waits: XREADGROUP GROUP g bob BLOCK 0 STREAMS t s > >
    w: XADD t 1-1 t 1
    w: XADD s 1-1 s 1
    a waits: XREADGROUP GROUP g alice BLOCK 100 STREAMS s t > >
    a resumes
    a: MULTI; XREADGROUP GROUP g alice BLOCK 0 STREAMS s >; EXEC
    a: XREADGROUP GROUP g alice BLOCK 0 STREAMS none >; XREADGROUP GROUP x a BLOCK 0 STREAMS s >
    w: XINFO GROUPS t; XPENDING s g; XPENDING t g`,
  'events of streams': `
    w: CONFIG SET notify-keyspace-events KEA
    a: PSUBSCRIBE *
    w: XADD s 1-1 a 1; XADD s 2-1 a 1; XADD s 3-1 a 1; XADD s NOMKSTREAM 4-1 a 1
    w: XADD none NOMKSTREAM 1-1 a 1; XADD s MAXLEN 2 5-1 a 1; XADD s MAXLEN 10 6-1 a 1
    w: XTRIM s MAXLEN 10; XTRIM s MAXLEN 2; XTRIM s MINID 1; XDEL s 1-1; XDEL s 6-1 6-1
    w: XSETID s 9-9; XSETID s 1-1; XLEN s; XRANGE s - +
    w: XGROUP CREATE s g 0; XGROUP CREATE s g 0; XGROUP CREATE n g 0 MKSTREAM
    w: XGROUP SETID s g 0; XGROUP CREATECONSUMER s g alice; XGROUP CREATECONSUMER s g alice
    w: XREADGROUP GROUP g bob STREAMS s >; XREADGROUP GROUP g bob STREAMS s >
    w: XREADGROUP GROUP g carol STREAMS s >; XREADGROUP GROUP g carol STREAMS s 0
    w: XGROUP CREATECONSUMER s g emil; XCLAIM s g dave 0 5-1; XCLAIM s g emil 0 7-7; XAUTOCLAIM s g fred 0 0; XACK s g 5-1 5-1
    w: XGROUP DELCONSUMER s g bob; XGROUP DELCONSUMER s g none; XGROUP DESTROY s g
    w: XGROUP DESTROY s g; XADD s 10-1 a 1; XTRIM s MAXLEN 0; XTRIM s MAXLEN 0
    w: COPY s t; RENAME s u; DEL t u n; XLEN u`,
};
