/** Backup files on disk, read block by block: each is checked before anything is done with it. */
import { type FileHandle, open } from 'node:fs/promises';
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
  checkFileHeader,
  FILE_HEADER_BYTES,
  isSound,
  readBlockHeader,
} from '../../lib/backup/backup-file.js';
import { systemCode, usageError } from '../exit.js';

const inflate = promisify(inflateRaw);
const FORMAT_VERSION = 1;

interface Block {
  readonly kind: number;
  readonly content: Buffer;
}

export class BackupSource {
  readonly path: string;
  readonly #file: FileHandle;
  /** Of the whole file. */
  readonly bytes: number;
  #at = 0;

  private constructor(path: string, file: FileHandle, bytes: number) {
    this.path = path;
    this.#file = file;
    this.bytes = bytes;
  }

  static async open(path: string): Promise<BackupSource> {
    try {
      const file = await open(path, 'r');
      return new BackupSource(path, file, (await file.stat()).size);
    } catch (error) {
      const code = systemCode(error);
      throw usageError(`${path}: ${code === 'ENOENT' ? 'no such file' : (code ?? String(error))}`);
    }
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
    if (facts.format !== FORMAT_VERSION) {
      throw new BackupFileError(
        `written by dhash ${facts.version}, in format ${facts.format}: known is ${FORMAT_VERSION}`,
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
    const piece = Buffer.allocUnsafeSlow(bytes);
    for (let have = 0; have < bytes; ) {
      const { bytesRead } = await this.#file.read(piece, have, bytes - have, this.#at + have);
      if (bytesRead === 0) throw new BackupFileError('the file has become shorter');
      have += bytesRead;
    }
    this.#at += bytes;
    return piece;
  }
}
