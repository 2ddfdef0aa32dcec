/** Backup files on disk, read block by block: each is checked before anything is done with it. */
import { promisify } from 'node:util';
import { inflateRaw } from 'node:zlib';
import {
  type BackupFacts,
  BackupFileError,
  type BackupTotals,
  BLOCK_CHECK_BYTES,
  BLOCK_CHUNK,
  BLOCK_FACTS,
  BLOCK_HEADER_BYTES,
  BLOCK_TOTALS,
  CHUNK_FORMAT,
  checkFileHeader,
  FILE_HEADER_BYTES,
  isSound,
  readBlockHeader,
} from '../../lib/backup/backup-file.js';
import { InputFile } from '../input-file.js';

const inflate = promisify(inflateRaw);

interface Block {
  readonly kind: number;
  readonly content: Buffer;
}

export class BackupSource {
  readonly #file: InputFile;
  #at = 0;

  private constructor(file: InputFile) {
    this.#file = file;
  }

  static async open(path: string): Promise<BackupSource> {
    return new BackupSource(await InputFile.open(path));
  }

  get path(): string {
    return this.#file.path;
  }

  /** Of the whole file. */
  get bytes(): number {
    return this.#file.bytes;
  }

  /** Bytes read so far. */
  get doneBytes(): number {
    return this.#at;
  }

  /** Begins at the start: what the node said of this backup. */
  async facts(): Promise<BackupFacts> {
    this.#at = 0;
    checkFileHeader(await this.#read(Math.min(FILE_HEADER_BYTES, this.bytes)));
    const { content, kind } = await this.#block();
    if (kind !== BLOCK_FACTS)
      throw new BackupFileError('the file is damaged: its facts are missing');
    const facts = JSON.parse(content.toString()) as BackupFacts;
    if (facts.format !== CHUNK_FORMAT) {
      throw new BackupFileError(
        `written by dhash ${facts.version}, in format ${facts.format}: known is ${CHUNK_FORMAT}`,
      );
    }
    return facts;
  }

  /** Behind the facts: the chunks up to the end. Throws if the file is not whole and sound. */
  async *chunks(): AsyncGenerator<Buffer, void, void> {
    let chunks = 0;
    let bytes = 0;
    for (;;) {
      const { content, kind } = await this.#block();
      if (kind === BLOCK_CHUNK) {
        chunks += 1;
        bytes += content.length;
        yield content;
        continue;
      }
      const totals = JSON.parse(content.toString()) as BackupTotals;
      if (kind === BLOCK_TOTALS && totals.chunks === chunks && totals.bytes === bytes) break;
      throw new BackupFileError('the file is damaged: some of its blocks are missing');
    }
    if (this.#at !== this.bytes) throw new BackupFileError('something lies behind the end');
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  async #block(): Promise<Block> {
    const begin = this.#at;
    const header = await this.#read(BLOCK_HEADER_BYTES);
    const { bytes, kind, storedBytes } = readBlockHeader(header);
    const rest = await this.#read(storedBytes + BLOCK_CHECK_BYTES);
    const block = Buffer.concat([header, rest]);
    if (!isSound(block)) {
      throw new BackupFileError(`the file is damaged: a wrong checksum at byte ${begin}`);
    }
    const stored = block.subarray(BLOCK_HEADER_BYTES, BLOCK_HEADER_BYTES + storedBytes);
    const content = await inflate(stored, { maxOutputLength: Math.max(1, bytes) });
    if (content.length !== bytes) throw new BackupFileError('the file is damaged: a wrong length');
    return { kind, content };
  }

  async #read(bytes: number): Promise<Buffer> {
    if (this.bytes - this.#at < bytes) {
      throw new BackupFileError('the file is cut short: it was not written to its end');
    }
    const piece = await this.#file.read(this.#at, bytes);
    if (piece.length < bytes) throw new BackupFileError('the file has become shorter');
    this.#at += bytes;
    return piece;
  }
}
