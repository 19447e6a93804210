// What was read of the API and is still good. What refused us is not asked again; what was away is, twice.
import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';
import { Problem } from './problem.ts';
import { hearOf, onSignedOut } from './signed-out.ts';

const RETRIES = 2;

export const queryClient = new QueryClient({
  queryCache: new QueryCache({ onError: (thrown, query) => query.meta?.asksWhoWeAre === true || hearOf(thrown) }),
  mutationCache: new MutationCache({ onError: hearOf }),
  defaultOptions: {
    queries: { staleTime: 10_000, retry: (failures, thrown) => failures < RETRIES && isAway(thrown) },
  },
});

onSignedOut(() => queryClient.clear());

function isAway(thrown: unknown): boolean {
  return thrown instanceof Problem && (thrown.status === 0 || thrown.status >= 500);
}
