// A load that lasts as long as what is tried under it, and never longer: a failed test must not load those that come after it.

/** So many clients, each of which makes a request at once after the last, until `during` is over, however it ends. */
export async function underLoad(
  clients: number,
  request: (client: number) => Promise<void>,
  during: () => Promise<void>,
): Promise<void> {
  let isOver = false;
  const work = async (_: unknown, client: number): Promise<void> => {
    while (!isOver) await request(client);
  };
  const load = Promise.all(Array.from({ length: clients }, work));
  try {
    await during();
  } finally {
    isOver = true;
    await load;
  }
}
