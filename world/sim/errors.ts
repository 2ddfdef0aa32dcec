/** Errors that look like Node's: same codes, same fields. */

const TEXTS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EBADF: 'bad file descriptor',
  EEXIST: 'file already exists',
  EIO: 'i/o error',
  EISDIR: 'illegal operation on a directory',
  ENOENT: 'no such file or directory',
  ENOSPC: 'no space left on device',
  ENOTDIR: 'not a directory',
  ENOTEMPTY: 'directory not empty',
};

export function networkError(code: string, syscall: string, where: string): NodeJS.ErrnoException {
  const error: NodeJS.ErrnoException = new Error(`${syscall} ${code} ${where}`);
  error.code = code;
  error.syscall = syscall;
  return error;
}

export function diskError(code: string, syscall: string, path: string): NodeJS.ErrnoException {
  const text = `${code}: ${TEXTS[code] ?? 'failed'}, ${syscall} '${path}'`;
  const error: NodeJS.ErrnoException = new Error(text);
  error.code = code;
  error.syscall = syscall;
  error.path = path;
  return error;
}
