// Who is signed in, for the router. Loaded when somebody wants in: visitors need none of it.
import { queryClient } from './query-client.ts';
import { type Me, meQuery } from './questions.ts';

export function whoAmI(): Promise<Me> {
  return queryClient.ensureQueryData(meQuery);
}
