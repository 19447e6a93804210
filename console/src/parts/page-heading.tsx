// The head of a page. It names the tab, and takes the focus when somebody comes from another page, so that a screen reader says where he is.
import { Title } from '@mantine/core';
import { type ReactNode, useEffect, useRef } from 'react';

let isFirstPage = true;

interface PageHeading {
  readonly title: string;
  readonly lead?: ReactNode;
  readonly actions?: ReactNode;
}

export function PageHeading({ title, lead, actions }: PageHeading) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · Tollgate`;
  }, [title]);
  useEffect(() => {
    // The first page leaves the focus at its beginning, where the skip link is.
    if (!isFirstPage && !document.activeElement?.closest('main form')) heading.current?.focus();
    isFirstPage = false;
  }, []);
  return (
    <div className="page-heading">
      <div>
        <Title order={1} ref={heading} tabIndex={-1} className="page-title">
          {title}
        </Title>
        {lead === undefined ? null : <p className="lead">{lead}</p>}
      </div>
      {actions === undefined ? null : <div className="page-actions">{actions}</div>}
    </div>
  );
}
