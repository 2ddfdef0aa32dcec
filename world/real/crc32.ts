/** The CRC-32 of `node:zlib`, which Node has from 20.15 and 22.2 on only; undefined before. */
import * as zlib from 'node:zlib';

export const nativeCrc32 = zlib.crc32 as typeof zlib.crc32 | undefined;
