/** Classes of bytes in Lua's patterns, over ASCII, whatever the locale. Source: lstrlib.c of Lua 5.1.5. */

export function isDigit(byte: number): boolean {
  return byte >= 48 && byte <= 57;
}

/** `%a`, `%d` and so on, over ASCII; an upper-case letter means all others. */
export function isInClass(byte: number, letter: number): boolean {
  const lower = letter | 0x20;
  let isIn: boolean;
  switch (String.fromCharCode(lower)) {
    case 'a':
      isIn = isLetter(byte);
      break;
    case 'c':
      isIn = byte < 32 || byte === 127;
      break;
    case 'd':
      isIn = isDigit(byte);
      break;
    case 'l':
      isIn = byte >= 97 && byte <= 122;
      break;
    case 'p':
      isIn = byte > 32 && byte < 127 && !isLetter(byte) && !isDigit(byte);
      break;
    case 's':
      isIn = byte === 32 || (byte >= 9 && byte <= 13);
      break;
    case 'u':
      isIn = byte >= 65 && byte <= 90;
      break;
    case 'w':
      isIn = isLetter(byte) || isDigit(byte);
      break;
    case 'x':
      isIn = isDigit(byte) || ((byte | 0x20) >= 97 && (byte | 0x20) <= 102);
      break;
    case 'z':
      isIn = byte === 0;
      break;
    default:
      return letter === byte;
  }
  if (lower < 97 || lower > 122) return letter === byte;
  return letter === lower ? isIn : !isIn;
}

function isLetter(byte: number): boolean {
  const lower = byte | 0x20;
  return lower >= 97 && lower <= 122;
}
