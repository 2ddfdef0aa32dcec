/** Making and taking apart dumps in tests, by the pure part alone. */
import { Crc64 } from '../../rdb/crc64.js';
import { DumpCheck, FOOTER_BYTES } from '../../rdb/footer.js';
import { RdbError, type RdbErrorCode } from '../../rdb/rdb-error.js';
import { RdbReader } from '../../rdb/reader.js';
import type { StreamId, ValueSinks } from '../../rdb/sinks.js';
import { readValue } from '../../rdb/values.js';
import { RdbWriter } from '../../rdb/writer.js';

/** Elements as latin1 texts, in the order of the dump: `field=value`, `member:score`. */
export interface Loaded {
  readonly fault: RdbErrorCode | 'footer' | undefined;
  readonly elements: string[];
}

export function dumpOf(value: Buffer): Buffer {
  const writer = new RdbWriter();
  writer.byte(0);
  if (!writer.string(value, 0, value.length)) while (!writer.more());
  writer.finish();
  return Buffer.concat(writer.chunks);
}

/** A dump with a right footer around any body. */
export function sealed(body: Buffer, version = 10): Buffer {
  const payload = Buffer.concat([body, Buffer.alloc(10)]);
  payload.writeUInt16LE(version, body.length);
  const crc = new Crc64();
  crc.update(payload, 0, body.length + 2);
  crc.writeTo(payload, body.length + 2);
  return payload;
}

export function loadOf(payload: Buffer, stringBytesMax = 1 << 20): Loaded {
  const check = new DumpCheck(payload);
  while (!check.step());
  if (!check.ok) return { fault: 'footer', elements: [] };
  const elements: string[] = [];
  const end = payload.length - FOOTER_BYTES;
  const reader = RdbReader.over(payload, 0, end, { stringBytesMax });
  try {
    const reading = readValue(reader, reader.byte(), collecting(elements));
    while (reading.next().done !== true);
    return { fault: reader.at === end ? undefined : 'corrupt', elements };
  } catch (error) {
    if (error instanceof RdbError) return { fault: error.code, elements };
    throw error;
  }
}

function text(buf: Buffer, from: number, to: number): string {
  return buf.toString('latin1', from, to);
}

function idOf({ ms, seq }: StreamId): string {
  return `${ms}-${seq}`;
}

/** Sinks that write down whatever comes. */
export function collecting(elements: string[]): Required<ValueSinks> {
  const begin = (): void => {};
  const one = (buf: Buffer, from: number, to: number): void => {
    elements.push(text(buf, from, to));
  };
  return {
    string: { value: one },
    list: { begin, element: one },
    set: { begin, element: one },
    hash: {
      begin,
      field: (field, ffrom, fto, value, vfrom, vto, expiryMs) => {
        const until = expiryMs === 0 ? '' : ` until ${expiryMs}`;
        elements.push(`${text(field, ffrom, fto)}=${text(value, vfrom, vto)}${until}`);
      },
    },
    zset: {
      begin,
      member: (buf, from, to, score) => {
        elements.push(`${text(buf, from, to)}:${score}`);
      },
    },
    stream: {
      begin,
      entry: (id, items) => elements.push(`${idOf(id)} ${items.join(' ')}`),
      state: ({ length, lastId }) => elements.push(`length ${length} last ${idOf(lastId)}`),
      group: (name, lastId) => elements.push(`group ${name} ${idOf(lastId)}`),
      pending: (id, _ms, deliveries) => elements.push(`pending ${idOf(id)} ${deliveries}`),
      consumer: (name) => elements.push(`consumer ${name}`),
      owned: (id) => elements.push(`owned ${idOf(id)}`),
      end: () => {},
    },
  };
}
