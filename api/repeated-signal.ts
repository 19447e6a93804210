// Whether somebody asks again, or the same request arrives twice: Ctrl-C reaches the whole process group, and npm and the
// supervisor pass it on besides. What comes within a second is the same request (D15).

const SAME_REQUEST_MS = 1_000;

/** Both monotonic. */
export function isRepeated(askedAtMs: number, nowMs: number): boolean {
  return nowMs - askedAtMs > SAME_REQUEST_MS;
}
