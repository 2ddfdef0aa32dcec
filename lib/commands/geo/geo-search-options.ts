/**
 * The arguments of the commands that search places:
 *
 *   GEOSEARCH key FROMMEMBER member | FROMLONLAT longitude latitude
 *     BYRADIUS radius unit | BYBOX width height unit [ASC|DESC] [COUNT count [ANY]]
 *     [WITHCOORD] [WITHDIST] [WITHHASH]              GEOSEARCHSTORE target key ... [STOREDIST]
 *   GEORADIUS key longitude latitude radius unit ... [STORE key] [STOREDIST key]
 *   GEORADIUSBYMEMBER key member radius unit ...
 *
 * Source of what is checked in which order: Redis, geo.c (`georadiusGeneric`).
 */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Collection } from '../../store/collection.js';
import { NOT_INTEGER, SYNTAX_ERROR } from '../replies.js';
import { findPlace } from './geo.js';
import { readLength, readPlace, readUnit, refuseMember } from './geo-arguments.js';
import type { PointOrder } from './geo-points.js';
import type { GeoShape } from './geo-shape.js';

/** How a command says where to look. */
export interface SearchForm {
  readonly from: 'options' | 'place' | 'member';
  /** Whether STORE and STOREDIST take the key to store at. */
  readonly takesStore: boolean;
  /** The argument that is the key to store at; 0: none, or an option. */
  readonly target: number;
  /** The argument that is the key to look at. */
  readonly source: number;
}

export class SearchOptions {
  readonly shape: GeoShape = {
    middle: { longitude: 0, latitude: 0 },
    radius: Number.NaN,
    width: 0,
    height: 0,
  };
  /** Meters in the unit that distances are told in. */
  unit = 1;
  order: PointOrder = 'none';
  /** 0: all. */
  count = 0;
  /** Any so many. */
  isAny = false;
  withDistance = false;
  withHash = false;
  withPlace = false;
  /** The argument that is the key to store at; 0: none. */
  target = 0;
  storesDistance = false;

  readonly #args: Args;
  readonly #form: SearchForm;
  readonly #zset: Collection;
  readonly #reply: ReplyWriter;
  #hasPlace = false;
  #hasMember = false;
  #hasRadius = false;
  #hasBox = false;
  #isRefused = false;

  /** Reads them; undefined if an error was replied. `zset` is open, and may be empty. */
  static read(
    args: Args,
    form: SearchForm,
    zset: Collection,
    reply: ReplyWriter,
  ): SearchOptions | undefined {
    const options = new SearchOptions(args, form, zset, reply);
    return options.#read() && options.#isComplete() ? options : undefined;
  }

  private constructor(args: Args, form: SearchForm, zset: Collection, reply: ReplyWriter) {
    this.#args = args;
    this.#form = form;
    this.#zset = zset;
    this.#reply = reply;
    this.target = form.target;
  }

  #read(): boolean {
    const { count } = this.#args;
    let at = this.#readFixed();
    while (at > 0 && at < count) {
      const next = this.#readOption(at);
      if (next === 0 && !this.#isRefused) this.#reply.error(SYNTAX_ERROR);
      at = next;
    }
    return at > 0;
  }

  /** What has its place before the options. Returns where they begin; 0 if an error was replied. */
  #readFixed(): number {
    const { from, source } = this.#form;
    const { middle } = this.shape;
    if (from === 'options') return source + 1;
    if (from === 'place') {
      if (!readPlace(this.#args, source + 1, middle, this.#reply)) return 0;
      return this.#readRadius(source + 3);
    }
    if (this.#zset.size === 0) return source + 4;
    return this.#readMember(source + 1) ? this.#readRadius(source + 2) : 0;
  }

  /** Reads the option at an argument. Returns where the next one is; 0: there is none like it. */
  #readOption(at: number): number {
    const args = this.#args;
    const left = args.count - at - 1;
    if (args.equalsIgnoreCase(at, 'WITHDIST')) this.withDistance = true;
    else if (args.equalsIgnoreCase(at, 'WITHHASH')) this.withHash = true;
    else if (args.equalsIgnoreCase(at, 'WITHCOORD')) this.withPlace = true;
    else if (args.equalsIgnoreCase(at, 'ANY')) this.isAny = true;
    else if (args.equalsIgnoreCase(at, 'ASC')) this.order = 'asc';
    else if (args.equalsIgnoreCase(at, 'DESC')) this.order = 'desc';
    else if (left >= 1 && args.equalsIgnoreCase(at, 'COUNT')) return this.#readCount(at + 1);
    else if (this.#form.from === 'options') return this.#readShapeOption(at, left);
    else if (this.#form.takesStore && left >= 1) return this.#readStore(at);
    else return 0;
    return at + 1;
  }

  #readCount(at: number): number {
    this.count = this.#args.int64(at);
    if (this.count > 0) return at + 1;
    return this.#refuse(Number.isNaN(this.count) ? NOT_INTEGER : 'ERR COUNT must be > 0');
  }

  #readStore(at: number): number {
    const storesDistance = this.#args.equalsIgnoreCase(at, 'STOREDIST');
    if (!storesDistance && !this.#args.equalsIgnoreCase(at, 'STORE')) return 0;
    this.storesDistance = storesDistance;
    this.target = at + 1;
    return at + 2;
  }

  #readShapeOption(at: number, left: number): number {
    const args = this.#args;
    if (left >= 1 && !this.#hasPlace && args.equalsIgnoreCase(at, 'FROMMEMBER')) {
      if (this.#zset.size > 0 && !this.#readMember(at + 1)) return 0;
      this.#hasMember = true;
      return at + 2;
    }
    if (left >= 2 && !this.#hasMember && args.equalsIgnoreCase(at, 'FROMLONLAT')) {
      this.#isRefused = !readPlace(args, at + 1, this.shape.middle, this.#reply);
      this.#hasPlace = true;
      return this.#isRefused ? 0 : at + 3;
    }
    if (left >= 2 && !this.#hasBox && args.equalsIgnoreCase(at, 'BYRADIUS')) {
      this.#hasRadius = true;
      return this.#readRadius(at + 1);
    }
    if (left >= 3 && !this.#hasRadius && args.equalsIgnoreCase(at, 'BYBOX')) {
      this.#hasBox = true;
      return this.#readBox(at + 1);
    }
    if (this.#form.target === 0 || !args.equalsIgnoreCase(at, 'STOREDIST')) return 0;
    this.storesDistance = true;
    return at + 1;
  }

  #readMember(at: number): boolean {
    if (findPlace(this.#zset, this.#args, at, this.shape.middle)) return true;
    refuseMember(this.#reply);
    this.#isRefused = true;
    return false;
  }

  /** Radius and unit. Returns where the next argument is; 0 if an error was replied. */
  #readRadius(at: number): number {
    const radius = readLength(this.#args, at, 'radius', this.#reply);
    if (radius < 0) return this.#refuse('ERR radius cannot be negative');
    this.shape.radius = radius;
    if (Number.isNaN(radius) || !this.#readUnit(at + 1)) return this.#refuse();
    this.shape.radius *= this.unit;
    return at + 2;
  }

  #readBox(at: number): number {
    const { shape } = this;
    shape.width = readLength(this.#args, at, 'width', this.#reply);
    if (Number.isNaN(shape.width)) return this.#refuse();
    shape.height = readLength(this.#args, at + 1, 'height', this.#reply);
    if (Number.isNaN(shape.height)) return this.#refuse();
    if (shape.width < 0 || shape.height < 0) {
      return this.#refuse('ERR height or width cannot be negative');
    }
    if (!this.#readUnit(at + 2)) return this.#refuse();
    shape.width *= this.unit;
    shape.height *= this.unit;
    return at + 3;
  }

  #readUnit(at: number): boolean {
    this.unit = readUnit(this.#args, at, this.#reply);
    return !Number.isNaN(this.unit);
  }

  /** Always 0. Without a text the error has been replied. */
  #refuse(text?: string): 0 {
    if (text !== undefined) this.#reply.error(text);
    this.#isRefused = true;
    return 0;
  }

  #isComplete(): boolean {
    const reply = this.#reply;
    const isStored = this.target > 0;
    if (isStored && (this.withDistance || this.withHash || this.withPlace)) {
      const who = this.#form.target > 0 ? 'GEOSEARCHSTORE' : 'STORE option in GEORADIUS';
      reply.error(`ERR ${who} is not compatible with WITHDIST, WITHHASH and WITHCOORD options`);
      return false;
    }
    const name = this.#args.string(0);
    if (this.#form.from === 'options') {
      if (!this.#hasMember && !this.#hasPlace) {
        reply.error(`ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for ${name}`);
        return false;
      }
      if (!this.#hasRadius && !this.#hasBox) {
        reply.error(`ERR exactly one of BYRADIUS and BYBOX can be specified for ${name}`);
        return false;
      }
    }
    if (this.isAny && this.count === 0) {
      reply.error('ERR the ANY argument requires COUNT argument');
      return false;
    }
    return true;
  }
}
