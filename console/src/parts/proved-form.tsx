// What is done only by whoever proves anew that it is he: what will become of it, the proof, and the button.
import type { ReactNode } from 'react';
import { useMe } from '../api/questions.ts';
import { useWords } from '../messages/language.ts';
import { Form, useForm } from './form.tsx';
import { checkProof, ProofInputs, proofBody, UNPROVED } from './proof-inputs.tsx';

interface ProvedForm<A> {
  readonly submit: string;
  readonly isGrave?: boolean;
  readonly children: ReactNode;
  send(proof: ReturnType<typeof proofBody>): Promise<A>;
  done(answer: A): unknown;
}

export function ProvedForm<A>({ submit, isGrave = false, children, send, done }: ProvedForm<A>) {
  const t = useWords();
  const me = useMe();
  const form = useForm({
    initial: UNPROVED,
    check: (proof) => checkProof(proof, me, t),
    send: (proof) => send(proofBody(proof, me)),
    done,
  });
  return (
    <Form form={form} submit={submit} isGrave={isGrave}>
      {children}
      <ProofInputs input={form.input} />
    </Form>
  );
}
