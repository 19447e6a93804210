// Where nothing is yet: what will be here, and the one thing to do about it.
import type { ReactNode } from 'react';

interface NothingYet {
  readonly title: string;
  readonly children: ReactNode;
  readonly action?: ReactNode;
}

export function NothingYet({ title, children, action }: NothingYet) {
  return (
    <div className="nothing-yet">
      <p className="nothing-yet-title">{title}</p>
      <p className="quiet">{children}</p>
      {action}
    </div>
  );
}
