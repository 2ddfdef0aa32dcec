/** LATENCY GRAPH: columns of characters, four rows high, with a label below each; after Redis. */

const COLUMNS = 80;
const ROWS = 4;
const FILL = ['_', 'o', '#'] as const;
const STEPS = FILL.length * ROWS;

export interface SparklineSample {
  readonly value: number;
  /** Written downwards below the column. */
  readonly label: string;
}

export function sparkline(samples: readonly SparklineSample[]): string {
  const values = samples.map((sample) => sample.value);
  const min = Math.min(...values);
  const range = Math.max(...values) - min;
  const blocks: string[] = [];
  for (let at = 0; at < samples.length; at += COLUMNS) {
    blocks.push(block(samples.slice(at, at + COLUMNS), min, range === 0 ? 1 : range));
  }
  return blocks.join('\n');
}

export function ruler(): string {
  return '-'.repeat(COLUMNS);
}

function block(samples: readonly SparklineSample[], min: number, range: number): string {
  let text = '';
  for (let row = 0; row < ROWS; row += 1) {
    for (const { value } of samples) {
      const step = Math.min(STEPS - 1, Math.floor(((value - min) * STEPS) / range));
      text += columnCharacter(step - (ROWS - row - 1) * FILL.length);
    }
    text += '\n';
  }
  text += `${' '.repeat(samples.length)}\n`;
  const labelLength = Math.max(...samples.map((sample) => sample.label.length));
  for (let at = 0; at < labelLength; at += 1) {
    text += `${samples.map((sample) => sample.label[at] ?? ' ').join('')}\n`;
  }
  return text;
}

/** `height` is in thirds of a row, from the bottom of the row. */
function columnCharacter(height: number): string {
  if (height < 0) return ' ';
  return FILL[height] ?? '|';
}
