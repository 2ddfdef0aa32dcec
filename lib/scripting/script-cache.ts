/**
 * Scripts by their SHA1, compiled when they are first run.
 *
 * Scripts that SCRIPT LOAD brought stay until SCRIPT FLUSH; of those that EVAL brought, the one
 * unused for longest goes when there are `EVAL_SCRIPTS_MAX` (as in Redis 7.4). All together they
 * hold at most `SCRIPT_CACHE_BYTES_MAX`.
 */
import { createHash } from 'node:crypto';
import type { Engine } from './engine.js';
import { EVAL_SCRIPTS_MAX, SCRIPT_CACHE_BYTES_MAX } from './limits.js';
import { REGISTRY } from './lua.js';
import { readScript } from './shebang.js';

/** What a script costs besides its text, about, bytes. */
const OVERHEAD_BYTES = 200;

const CHUNK_NAME = '@user_script';

export interface Script {
  readonly sha1: string;
  /** One character per byte. */
  readonly text: string;
  readonly body: string;
  /** Flags of shebang.ts. */
  readonly flags: number;
  /** Came with SCRIPT LOAD. */
  isLoaded: boolean;
  /** Where it is compiled. */
  engine: Engine;
  ref: number;
}

export class ScriptCache {
  readonly #bySha1 = new Map<string, Script>();
  /** Scripts of EVAL, the one unused for longest first. */
  readonly #evaluated = new Map<string, Script>();
  #bytes = 0;

  get size(): number {
    return this.#bySha1.size;
  }

  /** Bytes that scripts take, about. */
  get bytes(): number {
    return this.#bytes;
  }

  bySha1(sha1: string, engine: Engine): Script | undefined {
    const script = this.#bySha1.get(sha1.toLowerCase());
    if (script === undefined) return undefined;
    return this.#used(script, engine);
  }

  /** Flags of shebang.ts; 0: it is not known. */
  flagsOf(sha1: string): number {
    return this.#bySha1.get(sha1.toLowerCase())?.flags ?? 0;
  }

  has(sha1: string): boolean {
    return this.#bySha1.has(sha1.toLowerCase());
  }

  /** Those that came with SCRIPT LOAD. */
  *loaded(): Generator<Script> {
    for (const script of this.#bySha1.values()) if (script.isLoaded) yield script;
  }

  hasLoaded(sha1: string): boolean {
    return this.#bySha1.get(sha1)?.isLoaded === true;
  }

  textOf(sha1: string): Buffer | undefined {
    const script = this.#bySha1.get(sha1);
    return script && Buffer.from(script.text, 'latin1');
  }

  /** The script of this text, compiled; a text is what is wrong with it. */
  ofText(text: string, engine: Engine, isLoaded: boolean): Script | string {
    const evaluated = this.#evaluated.get(text);
    if (evaluated !== undefined && !isLoaded) return this.#used(evaluated, engine);
    const sha1 = createHash('sha1').update(text, 'latin1').digest('hex');
    const known = this.#bySha1.get(sha1);
    if (known !== undefined) {
      if (isLoaded) this.#keep(known);
      return this.#used(known, engine);
    }
    const read = readScript(text);
    if (typeof read === 'string') return read;
    const bytes = text.length + OVERHEAD_BYTES;
    if (!this.#makeRoom(bytes)) {
      return 'ERR too many scripts are loaded: SCRIPT FLUSH makes room, not applied';
    }
    const ref = engine.compile(read.body, CHUNK_NAME);
    if (typeof ref === 'string') return `ERR Error compiling script (new function): ${ref}`;
    const script: Script = { sha1, text, ...read, isLoaded, engine, ref };
    this.#bySha1.set(sha1, script);
    this.#bytes += bytes;
    if (!isLoaded) this.#remember(script);
    return script;
  }

  flush(): void {
    for (const script of this.#bySha1.values()) release(script);
    this.#bySha1.clear();
    this.#evaluated.clear();
    this.#bytes = 0;
  }

  #used(script: Script, engine: Engine): Script {
    if (script.engine !== engine) {
      const ref = engine.compile(script.body, CHUNK_NAME);
      if (typeof ref === 'string') throw new Error(`a script compiles no longer: ${ref}`);
      script.engine = engine;
      script.ref = ref;
    }
    if (!script.isLoaded && this.#evaluated.size > EVAL_SCRIPTS_MAX / 2) this.#remember(script);
    return script;
  }

  /** The script was used just now. */
  #remember(script: Script): void {
    this.#evaluated.delete(script.text);
    this.#evaluated.set(script.text, script);
    if (this.#evaluated.size > EVAL_SCRIPTS_MAX) this.#evictOldest();
  }

  #keep(script: Script): void {
    script.isLoaded = true;
    this.#evaluated.delete(script.text);
  }

  #makeRoom(bytes: number): boolean {
    while (this.#bytes + bytes > SCRIPT_CACHE_BYTES_MAX && this.#evaluated.size > 0) {
      this.#evictOldest();
    }
    return this.#bytes + bytes <= SCRIPT_CACHE_BYTES_MAX;
  }

  #evictOldest(): void {
    for (const [text, script] of this.#evaluated) {
      this.#evaluated.delete(text);
      this.#bySha1.delete(script.sha1);
      this.#bytes -= text.length + OVERHEAD_BYTES;
      release(script);
      return;
    }
  }
}

function release({ engine, ref }: Script): void {
  if (engine.lua.machine.broken) return;
  engine.lua.c.luaL_unref(engine.lua.main, REGISTRY, ref);
}
