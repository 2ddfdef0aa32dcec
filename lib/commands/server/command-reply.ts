/** How COMMAND INFO and COMMAND DOCS tell of a command, in Redis's types on the wire. */
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { KnownCommand } from '../known-commands.js';
import type { ArgumentDocs, CommandDocs, DocsValue, KeySpec, Search } from '../metadata-types.js';

export function replyInfo(reply: ReplyWriter, known: KnownCommand): void {
  const { about, command, children } = known;
  reply.array(10);
  reply.bulkLatin1(command.fullName);
  reply.integer(about.arity);
  replyStatusSet(reply, about.flags);
  for (const key of about.keys) reply.integer(key);
  replyStatusSet(reply, about.acl);
  reply.set(about.tips.length);
  for (const tip of about.tips) reply.bulkLatin1(tip);
  reply.set(about.keySpecs.length);
  for (const spec of about.keySpecs) replyKeySpec(reply, spec);
  // Redis's own inconsistency: a list of subcommands is an array, unless it is empty.
  if (children.length === 0) reply.set(0);
  else reply.array(children.length);
  for (const child of children) replyInfo(reply, child);
}

function replyKeySpec(reply: ReplyWriter, spec: KeySpec): void {
  reply.map(spec.notes === undefined ? 3 : 4);
  if (spec.notes !== undefined) {
    reply.bulkLatin1('notes');
    reply.bulkString(spec.notes);
  }
  reply.bulkLatin1('flags');
  replyStatusSet(reply, spec.flags);
  reply.bulkLatin1('begin_search');
  replySearch(reply, spec.begin_search);
  reply.bulkLatin1('find_keys');
  replySearch(reply, spec.find_keys);
}

function replySearch(reply: ReplyWriter, search: Search): void {
  reply.map(2);
  reply.bulkLatin1('type');
  reply.bulkLatin1(search.type);
  reply.bulkLatin1('spec');
  const fields = Object.entries(search.spec);
  reply.map(fields.length);
  for (const [name, value] of fields) {
    reply.bulkLatin1(name);
    if (typeof value === 'number') reply.integer(value);
    else reply.bulkLatin1(value);
  }
}

/** The docs of a command, those of its subcommands included. */
export function replyDocs(reply: ReplyWriter, known: KnownCommand): void {
  const { about, children } = known;
  const fields = present(about.docs);
  reply.map(fields.length + (children.length > 0 ? 1 : 0));
  for (const [name, value] of fields) replyDocsField(reply, name, value);
  if (children.length === 0) return;
  reply.bulkLatin1('subcommands');
  reply.map(children.length);
  for (const child of children) {
    reply.bulkLatin1(child.command.fullName);
    replyDocs(reply, child);
  }
}

function replyDocsField(reply: ReplyWriter, name: string, value: DocsValue): void {
  reply.bulkLatin1(name);
  if (typeof value === 'string') {
    reply.bulkString(value);
  } else if (typeof value === 'number') {
    reply.integer(value);
  } else if (name === 'arguments') {
    replyArguments(reply, value as readonly ArgumentDocs[]);
  } else if (name === 'history') {
    replyHistory(reply, value as readonly (readonly string[])[]);
  } else {
    replyStatusSet(reply, value as readonly string[]);
  }
}

function replyArguments(reply: ReplyWriter, list: readonly ArgumentDocs[]): void {
  reply.array(list.length);
  for (const argument of list) {
    const fields = present(argument);
    reply.map(fields.length);
    for (const [name, value] of fields) replyDocsField(reply, name, value);
  }
}

function replyHistory(reply: ReplyWriter, history: readonly (readonly string[])[]): void {
  reply.set(history.length);
  for (const [version, change] of history) {
    reply.array(2);
    reply.bulkLatin1(version ?? '');
    reply.bulkString(change ?? '');
  }
}

function replyStatusSet(reply: ReplyWriter, texts: readonly string[]): void {
  reply.set(texts.length);
  for (const text of texts) reply.simple(text);
}

function present(docs: CommandDocs): [name: string, value: DocsValue][] {
  return Object.entries(docs).filter(([, value]) => value !== undefined);
}
