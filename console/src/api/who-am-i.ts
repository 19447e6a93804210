// Who is signed in, for the router. Loaded when somebody wants in: visitors need none of it.
import type { Me } from './answers.ts';
import { queryClient } from './query-client.ts';
import { meQuery } from './questions.ts';

export function whoAmI(): Promise<Me> {
  return queryClient.ensureQueryData(meQuery);
}
