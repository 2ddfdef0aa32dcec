/** `dhash encode`: numbers to keys in the order of the numbers, and back. */

import { type Command, Option } from 'commander';
import { decodeText, EncodingError, type EncodingKind, encodeText } from '../lib/encoding.js';
import { ExitError, usageError } from './exit.js';

const HELP = `
One line per value: the key in hexadecimal digits, whose order is the order of the numbers. With
--quoted it is the key's bytes themselves, as redis-cli reads them between double quotes.

Examples:
  $ dhash encode --int -5 0 12          7ffffffffffffffb ...
  $ dhash encode --float 2.5 -inf
  $ dhash encode --big 123456789012345678901234567890
  $ dhash encode --int --quoted 12      "\\x80\\x00\\x00\\x00\\x00\\x00\\x00\\x0c"
  $ dhash encode --decode --int 7ffffffffffffffb
`;

interface EncodeFlags {
  readonly int?: boolean;
  readonly float?: boolean;
  readonly big?: boolean;
  readonly decode?: boolean;
  readonly quoted?: boolean;
  readonly json?: boolean;
}

interface Row {
  readonly value: string;
  readonly hex: string;
}

export function addEncodeCommand(program: Command): void {
  program
    .command('encode')
    .description('make keys of numbers that are ordered as the numbers are')
    .argument('<value...>', 'numbers; with --decode keys in hexadecimal digits')
    .addOption(new Option('--int', 'integers of 64 bits').conflicts(['float', 'big']))
    .addOption(new Option('--float', 'floating-point numbers').conflicts(['int', 'big']))
    .addOption(new Option('--big', 'integers of any size').conflicts(['int', 'float']))
    .option('--decode', 'from keys to numbers')
    .addOption(new Option('--quoted', 'print keys as redis-cli reads them').conflicts('decode'))
    .option('--json', 'print one JSON array of {value, hex}')
    // A number may be "-inf" and look like an option; what is neither is refused below.
    .allowUnknownOption()
    .addHelpText('after', HELP)
    .action((values: string[], flags: EncodeFlags, command: Command) => {
      const kind = kindOf(flags);
      const rows = values.map((value) => {
        return flags.decode === true ? decoded(kind, value) : encoded(kind, value);
      });
      command.configureOutput().writeOut?.(textOf(rows, flags));
    });
}

function kindOf({ int, float, big }: EncodeFlags): EncodingKind {
  if (int === true) return 'int';
  if (float === true) return 'float';
  if (big === true) return 'big';
  throw usageError('say what the values are: --int, --float or --big');
}

function encoded(kind: EncodingKind, value: string): Row {
  if (/^-[^0-9.i]/i.test(value)) throw usageError(`unknown option '${value}'`);
  try {
    return { value, hex: encodeText(kind, value).toString('hex') };
  } catch (error) {
    if (error instanceof EncodingError) throw usageError(error.message);
    throw error;
  }
}

/** What is no hexadecimal text was typed wrongly; what is, and encodes nothing, is a bad key. */
function decoded(kind: EncodingKind, hex: string): Row {
  if (hex.startsWith('-')) throw usageError(`unknown option '${hex}'`);
  if (!/^([0-9a-f]{2})+$/i.test(hex)) throw usageError(`not hexadecimal: ${hex}`);
  try {
    return { value: decodeText(kind, hex), hex };
  } catch (error) {
    if (error instanceof EncodingError) throw new ExitError(`${hex}: ${error.message}`);
    throw error;
  }
}

function textOf(rows: readonly Row[], flags: EncodeFlags): string {
  if (flags.json === true) return `${JSON.stringify(rows)}\n`;
  const lines = rows.map(({ value, hex }) => {
    if (flags.decode === true) return value;
    return flags.quoted === true ? quoted(hex) : hex;
  });
  return `${lines.join('\n')}\n`;
}

function quoted(hex: string): string {
  return `"${hex.replace(/../g, '\\x$&')}"`;
}
