// Which part of a gateway's memory a change of the configuration makes old.
import type { ApiKeyCache } from '../services/api-keys/api-key-cache.ts';
import type { ChangeListener } from '../services/api-keys/change-feed.ts';
import type { Incarnation } from '../services/incarnations/incarnation.ts';
import type { LeaseBook } from '../services/leases/lease-book.ts';
import type { Routing } from './routing.ts';

interface Listening {
  readonly apiKeys: ApiKeyCache;
  readonly leases: LeaseBook;
  readonly routing: Routing;
  readonly incarnation: Incarnation;
}

export function listenerFor({ apiKeys, leases, routing, incarnation }: Listening): ChangeListener {
  return {
    changed(kind: string, id: string) {
      if (kind === 'grant') leases.creditArrived(id);
      // What was leased under the old caps goes back, so that the new ones bind from the next request on.
      else if (kind === 'recall' || kind === 'cap') leases.recalled(id);
      else if (kind === 'clock') incarnation.renewNow();
      else {
        if (kind === 'routing') routing.changed();
        apiKeys.forget(kind, id);
      }
    },
    upToDate: () => apiKeys.confirm(),
    reconnected: () => {
      apiKeys.suspectAll();
      routing.changed();
      incarnation.renewNow();
    },
  };
}
