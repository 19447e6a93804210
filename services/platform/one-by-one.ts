// Many pieces of work that have nothing to do with each other, such as one for each organization: one that fails does not hold up the others.

/** In their order. @throws the first failure, when all were tried */
export async function oneByOne<T>(all: readonly T[], work: (one: T) => Promise<unknown>): Promise<void> {
  const failures: unknown[] = [];
  for (const one of all) await work(one).catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw failures[0];
}
