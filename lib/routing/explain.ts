/** DHASH EXPLAIN: where a command would run, without running it. */
import type { Args } from '../../resp/args.js';
import type { ReplyWriter } from '../../resp/reply-writer.js';
import type { Command } from '../commands/command.js';
import { unknownSubcommand, wrongArity } from '../commands/replies.js';
import { crossRange } from './cross-range.js';
import { ALL, EXEC, KEY, KEYS, LOCAL, PUBLISH, SPAN, SPLIT, WATCH } from './kinds.js';
import { keysOf, NO_OWNER, ownerOfKeys, SEVERAL } from './owned-keys.js';
import type { Router } from './router.js';

const KIND_NAMES: Readonly<Record<number, string>> = {
  [LOCAL]: 'no keys: any node',
  [KEY]: 'at the owner of its key',
  [KEYS]: 'at the one owner of its keys',
  [SPLIT]: 'key by key, at each owner; not atomic across owners',
  [SPAN]: 'at all owners, in key order',
  [ALL]: 'at every member',
  [PUBLISH]: 'at every member',
  [WATCH]: 'at the owners of its keys',
  [EXEC]: 'at the one owner of the keys of its transaction',
};

const GATHERED = 'here, with values that their owners send; not one moment of all';

/** `args` are those of the command to explain. */
export function replyExplanation(router: Router, args: Args, reply: ReplyWriter): void {
  const command = router.server.dispatcher.lookup(args);
  if (command === undefined) {
    reply.error(`ERR unknown command '${args.string(0).slice(0, 128)}', not explained`);
    return;
  }
  if (command.children !== undefined && args.count > 1) {
    reply.error(unknownSubcommand(command.name, args.string(1)));
    return;
  }
  const { arity } = command;
  if (arity > 0 ? args.count !== arity : args.count < -arity) {
    reply.error(wrongArity(command.fullName));
    return;
  }
  const members = askedMembers(router, command, args);
  const { ring, selfIndex } = router;
  reply.map(7);
  text(reply, 'command', command.fullName);
  const isGathered = router.gathers(command, args);
  text(reply, 'routing', isGathered ? GATHERED : KIND_NAMES[command.route.kind]!);
  reply.bulkLatin1('epoch');
  reply.integer(router.epoch);
  reply.bulkLatin1('keys');
  replyKeys(router, command, args, reply);
  reply.bulkLatin1('asked');
  reply.array(members.length);
  for (const index of members) reply.bulkString(ring.members[index]!.address);
  reply.bulkLatin1('hops');
  reply.integer(members.every((index) => index === selfIndex) ? 0 : 1);
  reply.bulkLatin1('refused');
  const refusal = refusalOf(router, command, args);
  if (refusal === undefined) reply.nil();
  else reply.bulkString(refusal);
}

/** For each key its name, its owner, and the other replicas, by address. */
function replyKeys(router: Router, command: Command, args: Args, reply: ReplyWriter): void {
  const { ring } = router;
  const keys = command.route.kind === LOCAL ? [] : keysOf(router.server, command, args);
  reply.array(keys.length);
  for (const { buf, from, to } of keys) {
    const owner = ring.ownerOf(buf, from, to);
    reply.map(3);
    reply.bulkLatin1('key');
    reply.bulk(buf, from, to);
    text(reply, 'owner', ring.members[owner]!.address);
    reply.bulkLatin1('replicas');
    reply.array(ring.replicaCount - 1);
    for (let n = 1; n < ring.replicaCount; n += 1) {
      reply.bulkString(ring.members[ring.replicaOf(owner, n)]!.address);
    }
  }
}

/** Who would be asked; none if it is refused. */
function askedMembers(router: Router, command: Command, args: Args): number[] {
  const { calls, ring, selfIndex, server } = router;
  const { kind } = command.route;
  if (refusalOf(router, command, args) !== undefined) return [];
  const all = ring.members.map((_, index) => index);
  if (kind === ALL || kind === PUBLISH) return all.filter((index) => router.isAlive(index));
  if (kind === SPAN) return [...new Set(all.map((index) => calls.actorFor(index)))];
  if (kind === SPLIT || kind === WATCH || router.gathers(command, args)) {
    const owners = keysOf(server, command, args).map(({ buf, from, to }) =>
      calls.actorFor(ring.ownerOf(buf, from, to)),
    );
    return [...new Set(owners)];
  }
  const owner = ownerOfKeys(server, ring, command, args);
  return owner === NO_OWNER ? [selfIndex].filter((index) => index >= 0) : [calls.actorFor(owner)];
}

/** What it would be refused with; undefined: with nothing. */
function refusalOf(router: Router, command: Command, args: Args): string | undefined {
  const { calls, ring, server } = router;
  const { kind } = command.route;
  if (kind === LOCAL || kind === EXEC) return undefined;
  const owner = ownerOfKeys(server, ring, command, args);
  const isOfOne = kind === KEY || kind === KEYS;
  if (isOfOne && owner === SEVERAL && !router.gathers(command, args))
    return crossRange(router, command, args);
  const keys = keysOf(server, command, args).map(({ buf, from, to }) =>
    ring.ownerOf(buf, from, to),
  );
  const dead = keys.find((index) => calls.actorFor(index) < 0);
  return dead === undefined ? undefined : router.clusterDown(dead);
}

function text(reply: ReplyWriter, name: string, value: string): void {
  reply.bulkLatin1(name);
  reply.bulkString(value);
}
