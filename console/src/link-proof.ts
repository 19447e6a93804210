// What proves that somebody got a link of our mail: it stands behind the #, which browsers send nowhere, and leaves the address as soon as it is read.
import { useEffect, useState } from 'react';

/** Empty: he came by no such link. */
export function useLinkProof(): string {
  const [proof] = useState(() => location.hash.slice(1));
  useEffect(() => history.replaceState(history.state, '', location.pathname), []);
  return proof;
}
