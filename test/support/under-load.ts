// A load that lasts as long as what is tried under it, and never longer: a failed test must not load those that come after it.
const CLIENTS = 64;

/** Clients that each make a request at once after the last, until `during` is over, however it ends. */
export async function underLoad(request: () => Promise<void>, during: () => Promise<void>): Promise<void> {
  let isOver = false;
  const client = async (): Promise<void> => {
    while (!isOver) await request();
  };
  const load = Promise.all(Array.from({ length: CLIENTS }, client));
  try {
    await during();
  } finally {
    isOver = true;
    await load;
  }
}
