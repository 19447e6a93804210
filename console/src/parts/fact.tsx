// One line of a list of facts.
import type { ReactNode } from 'react';

/** What is not known is not shown. */
export function Fact({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  if (children === null || children === undefined || children === '') return null;
  return (
    <div>
      <dt>{name}</dt>
      <dd className="said">{children}</dd>
    </div>
  );
}
