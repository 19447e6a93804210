// What a bench makes many of: sixteen at once, until all are made.
const AT_ONCE = 16;

/** In their order. */
export async function inParallel<T>(count: number, make: (at: number) => Promise<T>): Promise<T[]> {
  const made: T[] = [];
  let next = 0;
  const worker = async () => {
    for (let at = next++; at < count; at = next++) made[at] = await make(at);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return made;
}
