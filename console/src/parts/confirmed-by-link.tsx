// What somebody agrees to by a link of our mail, with one click more, since machines open links, too: what it is about, the button, and where it goes on.
import { type ReactNode, useState } from 'react';
import { Form, useForm } from './form.tsx';
import { PageHeading } from './page-heading.tsx';

interface ConfirmedByLink {
  readonly words: {
    readonly title: string;
    readonly lead: string;
    readonly submit: string;
    readonly done: string;
    readonly doneMore: string;
  };
  send(): Promise<unknown>;
  /** A link to the next page. */
  readonly onward: ReactNode;
}

export function ConfirmedByLink({ words, send, onward }: ConfirmedByLink) {
  const [isDone, setDone] = useState(false);
  const form = useForm({ initial: {}, check: () => ({}), send, done: () => setDone(true) });
  if (isDone) {
    return (
      <>
        <PageHeading title={words.done} lead={words.doneMore} />
        <p className="aside">{onward}</p>
      </>
    );
  }
  return (
    <>
      <PageHeading title={words.title} lead={words.lead} />
      <Form form={form} submit={words.submit}>
        {null}
      </Form>
    </>
  );
}
