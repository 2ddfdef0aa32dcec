/** Writes an RDB file, as drawn in file.ts, part by part. */
import { Crc64 } from './crc64.js';
import {
  OP_AUX,
  OP_DATABASE,
  OP_END,
  OP_EXPIRY_MS,
  OP_FUNCTION,
  RDB_CHECKSUM_BYTES,
} from './file.js';
import { RdbWriter, VERSION_WRITTEN } from './writer.js';

export class RdbFileWriter {
  readonly #crc = new Crc64();

  /** The header, and notes of the writer, which Redis prints on loading. */
  begin(notes: Readonly<Record<string, string>>): Buffer[] {
    const writer = new RdbWriter();
    for (const char of `REDIS${String(VERSION_WRITTEN).padStart(4, '0')}`) {
      writer.byte(char.charCodeAt(0));
    }
    for (const [name, value] of Object.entries(notes)) {
      writer.byte(OP_AUX);
      writeWhole(writer, Buffer.from(name));
      writeWhole(writer, Buffer.from(value));
    }
    return this.#part(writer);
  }

  /** The code of a library of functions. */
  functions(code: Buffer): Buffer[] {
    const writer = new RdbWriter();
    writer.byte(OP_FUNCTION);
    writeWhole(writer, code);
    return this.#part(writer);
  }

  /** Keys that follow are in this database. */
  database(index: number): Buffer[] {
    const writer = new RdbWriter();
    writer.byte(OP_DATABASE);
    writer.length(index);
    return this.#part(writer);
  }

  /**
   * A key with the value that `value` has written, its type's number in front; it is closed by
   * this. `expiryMs` 0: it does not expire.
   */
  key(key: Buffer, expiryMs: number, value: RdbWriter): Buffer[] {
    value.close();
    const [first, ...rest] = value.chunks as [Buffer, ...Buffer[]];
    const writer = new RdbWriter();
    if (expiryMs > 0) {
      writer.byte(OP_EXPIRY_MS);
      writer.uint64(expiryMs);
    }
    writer.byte(first[0]!);
    writeWhole(writer, key);
    return [...this.#part(writer), ...this.#sum([first.subarray(1), ...rest])];
  }

  /** The end, with the checksum of all that was written. */
  end(): Buffer[] {
    const end = Buffer.alloc(1 + RDB_CHECKSUM_BYTES);
    end[0] = OP_END;
    this.#crc.update(end, 0, 1);
    this.#crc.writeTo(end, 1);
    return [end];
  }

  #part(writer: RdbWriter): Buffer[] {
    writer.close();
    return this.#sum(writer.chunks);
  }

  #sum(chunks: Buffer[]): Buffer[] {
    for (const chunk of chunks) this.#crc.update(chunk, 0, chunk.length);
    return chunks;
  }
}

function writeWhole(writer: RdbWriter, text: Buffer): void {
  if (!writer.string(text, 0, text.length)) while (!writer.more());
}
