// What proves that somebody got a link of our mail: it stands behind the #, which browsers send nowhere, and leaves the address as soon as it is read.
// This entry of the tab's history keeps it: a reload loses nothing, and no other page of ours is told.
import { useEffect, useState } from 'react';

/** Empty: he came by no such link. */
export function useLinkProof(): string {
  const [proof] = useState(() => location.hash.slice(1) || keptProof());
  useEffect(() => history.replaceState({ ...history.state, linkProof: proof }, '', location.pathname), [proof]);
  return proof;
}

function keptProof(): string {
  const kept: unknown = history.state?.linkProof;
  return typeof kept === 'string' ? kept : '';
}
