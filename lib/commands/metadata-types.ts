/** What COMMAND, COMMAND DOCS and ACL CAT tell of a command; metadata.ts holds the table. */

/** Where keys stand, as Redis describes it since 7.0. */
export interface KeySpec {
  readonly notes?: string;
  readonly flags: readonly string[];
  readonly begin_search: Search;
  readonly find_keys: Search;
}

export interface Search {
  readonly type: string;
  readonly spec: Readonly<Record<string, string | number>>;
}

export interface ArgumentDocs {
  readonly name: string;
  readonly type: string;
  readonly [field: string]: DocsValue;
}

export type DocsValue =
  | string
  | number
  | readonly string[]
  | readonly ArgumentDocs[]
  | readonly (readonly string[])[]
  | undefined;

/** COMMAND DOCS: fields in the order in which they are told. */
export type CommandDocs = Readonly<Record<string, DocsValue>>;

export interface CommandMetadata {
  readonly arity: number;
  readonly flags: readonly string[];
  /** First, last, step. */
  readonly keys: readonly number[];
  /** ACL categories, with `@`. */
  readonly acl: readonly string[];
  readonly tips: readonly string[];
  readonly keySpecs: readonly KeySpec[];
  readonly docs: CommandDocs;
  /** By full name: `config|get`. */
  readonly subcommands?: Metadata;
}

export interface Metadata {
  readonly [name: string]: CommandMetadata;
}
