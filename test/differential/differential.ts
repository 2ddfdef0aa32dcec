/**
 * The differential test: random programs on a real redis-server and on dhash, until a reply
 * differs. Then the program is minimised, and the finding tells all that is needed to repeat it.
 */
import { seededRandom } from '../support/random.js';
import { findMismatch, type Mismatch } from './compare.js';
import { knownDifference } from './differences.js';
import { minimise } from './minimise.js';
import { type Program, randomProgram, showProgram } from './program.js';
import { Target, type TargetOptions } from './target.js';

export interface DifferentialOptions {
  readonly expected: TargetOptions;
  readonly actual: TargetOptions;
  readonly seed: number;
  readonly commandCount: number;
  /** Stop after this many different findings. Default 1. */
  readonly findingsMax?: number;
  /** Steps of one program. Default 100. */
  readonly programSteps?: number;
  /** Whether differences.ts counts. Default true. */
  readonly acceptKnown?: boolean;
  readonly onProgress?: (commandsDone: number, findings: number) => void;
  readonly onFinding?: (finding: Finding) => void;
}

export interface Finding {
  /** The seed of the program: alone enough to repeat it. */
  readonly seed: number;
  readonly program: Program;
  readonly mismatch: Mismatch;
  readonly signature: string;
}

export interface DifferentialResult {
  readonly commands: number;
  readonly findings: readonly Finding[];
  /** How often each known difference was met. */
  readonly known: ReadonlyMap<string, number>;
  /** Commands that Redis knows and dhash does not. */
  readonly missing: ReadonlySet<string>;
}

/** What both servers start with: a long entry is no whole node, so `~` trims alike. */
export const SERVER_ARGS = ['--stream-node-max-bytes', '0'];

const minimisingReplyMsMax = 700;

export async function runDifferential(options: DifferentialOptions): Promise<DifferentialResult> {
  const pair = new Pair(options);
  const findings: Finding[] = [];
  const seen = new Set<string>();
  const { findingsMax = 1, programSteps = 100 } = options;
  let commands = 0;
  try {
    for (let index = 0; commands < options.commandCount && findings.length < findingsMax; index++) {
      const seed = (options.seed + index) >>> 0;
      const program = randomProgram(seededRandom(seed), seed, programSteps);
      commands += program.steps.length;
      const mismatch = await pair.compare(program, seen);
      if (mismatch !== null) {
        const finding = await pair.explain(program, mismatch);
        seen.add(signatureOf(mismatch)).add(finding.signature);
        findings.push(finding);
        options.onFinding?.(finding);
      }
      options.onProgress?.(commands, findings.length);
    }
  } finally {
    await pair.close();
  }
  return { commands, findings, known: pair.known, missing: pair.missing };
}

export function showFinding(finding: Finding): string {
  const { mismatch, program } = finding;
  return [
    `difference (seed ${finding.seed}) at step ${mismatch.step + 1} of ${program.steps.length}:`,
    showProgram(program),
    `  redis: ${mismatch.expected}`,
    `  dhash: ${mismatch.actual}`,
  ].join('\n');
}

/** Both servers, and what is accepted between them. */
class Pair {
  readonly known = new Map<string, number>();
  readonly missing = new Set<string>();
  readonly #expected: Target;
  readonly #actual: Target;
  readonly #acceptKnown: boolean;

  constructor(options: DifferentialOptions) {
    this.#expected = new Target(options.expected);
    this.#actual = new Target(options.actual);
    this.#acceptKnown = options.acceptKnown ?? true;
  }

  /** The first mismatch that is neither known nor already found. */
  async compare(program: Program, seen: ReadonlySet<string>): Promise<Mismatch | null> {
    const [expected, actual] = await Promise.all([
      this.#expected.run(program),
      this.#actual.run(program),
    ]);
    const mismatch = findMismatch(program, expected, actual, (candidate) => {
      const known = this.#acceptKnown ? knownDifference(candidate) : undefined;
      if (known === undefined) return false;
      this.known.set(known.id, (this.known.get(known.id) ?? 0) + 1);
      return true;
    });
    // After a bug found before, the two hold different data: what follows tells nothing new.
    if (mismatch === null || seen.has(signatureOf(mismatch))) return null;
    return this.#isMissing(mismatch) ? null : mismatch;
  }

  /** Makes the program as short as it can be while the same command still differs. */
  async explain(program: Program, mismatch: Mismatch): Promise<Finding> {
    const wanted = signatureOf(mismatch);
    const limits = [this.#expected.replyMsMax, this.#actual.replyMsMax] as const;
    this.#expected.replyMsMax = this.#actual.replyMsMax = minimisingReplyMsMax;
    let last = mismatch;
    const short = await minimise(program, async (candidate) => {
      const found = await this.compare(candidate, new Set());
      if (found === null || signatureOf(found) !== wanted) return false;
      last = found;
      return true;
    });
    [this.#expected.replyMsMax, this.#actual.replyMsMax] = limits;
    const signature = signatureOf(last);
    return { seed: program.seed, program: short, mismatch: last, signature };
  }

  /** What is missing is listed, and not minimised again and again. */
  #isMissing(mismatch: Mismatch): boolean {
    const unknown = /^-"(ERR )?unknown (sub)?command /i;
    if (!unknown.test(mismatch.actual) || unknown.test(mismatch.expected)) return false;
    if (mismatch.args[0]?.includes(0) === true) return false;
    const words = mismatch.args.slice(0, 2).map((arg) => arg.toString('latin1').toUpperCase());
    this.missing.add(/subcommand/.test(mismatch.actual) ? words.join(' ') : words[0]!);
    return true;
  }

  async close(): Promise<void> {
    await this.#expected.close();
    await this.#actual.close();
  }
}

/** What makes two mismatches the same finding: the command, and the shape of both replies. */
export function signatureOf(mismatch: Mismatch): string {
  const words = mismatch.args.slice(0, 2).map((arg) => arg.toString('latin1').toLowerCase());
  if (mismatch.expected.startsWith('-"ERR unknown command')) return 'unknown command';
  const container =
    /^(\(contents\)|client|config|command|acl|object|memory|slowlog|latency|debug|module)$/;
  const name = container.test(words[0] ?? '') ? words.join(' ') : (words[0] ?? '');
  return `${name.slice(0, 40)}: ${shape(mismatch.expected)} / ${shape(mismatch.actual)}`;
}

function shape(text: string): string {
  if (/^\$"(int|raw|embstr)"$/.test(text)) return text;
  if (/^[-!]/.test(text)) return text.replace(/\d+/g, '#').slice(0, 60);
  return (
    text.slice(0, 1) +
    (text.includes('nil') ? 'nil' : '') +
    (text.includes('(') ? text.slice(-9) : '')
  );
}
