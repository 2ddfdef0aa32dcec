/** What scripts may take of a node. */

/** Memory of one Lua machine; a script beyond it gets "not enough memory". */
export const LUA_MEMORY_BYTES_MAX = 256 * 1024 * 1024;
/** A machine that has grown beyond this is replaced after the script that made it grow. */
export const LUA_MEMORY_KEPT_BYTES_MAX = 64 * 1024 * 1024;
/** Time that a script may take of the turn that it arrives in, ms. */
export const FIRST_SLICE_MS = 4;
/** Time that it may take of each later turn, ms. */
export const SLICE_MS = 5;
/**
 * Lua cannot let go within a metamethod, an iterator or another function that C calls. A script
 * that stays there for longer than this, ms, is ended with an error.
 */
export const HELD_MS_MAX = 500;
/** Time that the code of a library may take when it is loaded, ms. */
export const FUNCTION_LOAD_MS_MAX = 500;
/** Instructions of Lua between two looks at the clock, at most. */
export const HOOK_INSTRUCTIONS_MAX = 1000;
/**
 * The same times the bytes of the machine's memory, at most: one instruction may copy a string as
 * large as half of that.
 */
export const HOOK_INSTRUCTION_BYTES_MAX = 8 * 1024 * 1024 * 1024;
/** The same, once so many instructions have taken `SLOW_LOOK_MS`: those on huge strings. */
export const HOOK_INSTRUCTIONS_MIN = 10;
export const SLOW_LOOK_MS = 1;
/** Work within one function of a library between two looks at the clock: bytes, about. */
export const WORK_BYTES = 64 * 1024;
/** What a value costs, in the same unit. */
export const VALUE_WORK_BYTES = 16;
/**
 * Bytes of a reply, of a script or of a command that it calls. What a machine holds at once is not
 * more; a reply that is tells the same again and again.
 */
export const REPLY_BYTES_MAX = 256 * 1024 * 1024;
/** Commands that a script calls between two looks at the clock. */
export const HOOK_CALLS = 16;
/** Scripts that EVAL has brought, beyond which the one unused for longest is forgotten. */
export const EVAL_SCRIPTS_MAX = 500;
/** Bytes of one script or library: compiling, which nothing can interrupt, takes 0.1 s per MiB. */
export const CODE_BYTES_MAX = 4 * 1024 * 1024;
/** Bytes of all scripts cached, those of SCRIPT LOAD included. */
export const SCRIPT_CACHE_BYTES_MAX = 64 * 1024 * 1024;
/** Bytes of the code of all libraries. */
export const LIBRARIES_BYTES_MAX = 64 * 1024 * 1024;
