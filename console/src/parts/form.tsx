// A form: what somebody enters, what is wrong with it, and what came of sending it. What is wrong with one field is said at it, and all else
// above the button, which shows that it is at work. Nothing that was entered is lost by a refusal, nor, where the form has a name, by a reload.
import { Button } from '@mantine/core';
import { type ChangeEvent, type FormEvent, type ReactNode, useEffect, useId, useRef, useState } from 'react';
import { flushSync } from 'react-dom';
import { Problem } from '../api/problem.ts';
import { hearOf } from '../api/signed-out.ts';
import { forgetEntries, keepEntries, keptEntries } from '../kept-entries.ts';
import { useWords, type Words } from '../messages/language.ts';
import { ProblemNote, problemText } from './problem-note.tsx';

type Entered = Readonly<Record<string, string>>;
type Errors = Readonly<Record<string, string>>;

interface Plan<V extends Entered, A> {
  readonly initial: V;
  /** Under which what was entered outlives a reload of the tab: of one thing that is made or decided. Passwords, codes and secrets never do. */
  readonly keptAs?: string;
  /** Where the API calls a field otherwise than the form. */
  readonly fieldOf?: Readonly<Record<string, keyof V & string>>;
  /** By field; null: nothing is wrong with it. */
  check(values: V): { readonly [F in keyof V]?: string | null };
  send(values: V): Promise<A>;
  done(answer: A, values: V): unknown;
}

export interface FieldInput {
  readonly id: string;
  readonly value: string;
  readonly error: string | undefined;
  /** Mantine says it of its other inputs by itself, of that for passwords not. */
  readonly 'aria-invalid': boolean;
  onChange(event: ChangeEvent<HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement>): void;
}

export interface FormState<V extends Entered> {
  readonly values: V;
  readonly errors: Errors;
  readonly isPending: boolean;
  /** What is not told at a field; null: nothing. */
  readonly problem: unknown;
  /** Sent, and not changed since. */
  readonly isDone: boolean;
  /** As at the beginning. */
  clear(): void;
  /** What somebody chose beside the field. */
  put(field: keyof V & string, value: string): void;
  input(field: keyof V & string): FieldInput;
  submit(event: FormEvent): void;
}

const FRESH = { errors: {}, problem: null, isPending: false, isDone: false } as const;

interface Standing {
  readonly errors: Errors;
  readonly problem: unknown;
  readonly isPending: boolean;
  readonly isDone: boolean;
}

export function useForm<V extends Entered, A>({ initial, keptAs, fieldOf = {}, check, send, done }: Plan<V, A>) {
  const t = useWords();
  const id = useId();
  const isSending = useRef(false);
  const [values, setValues] = useKeptValues(initial, keptAs);
  const [standing, setStanding] = useState<Standing>(FRESH);

  const refuse = (errors: Errors, problem: unknown) => {
    // At once, since a field that was folded away until now cannot take the focus.
    flushSync(() => setStanding({ ...FRESH, errors, problem }));
    const [first] = Object.keys(errors);
    if (first !== undefined) document.getElementById(`${id}-${first}`)?.focus();
  };
  const call = async () => {
    isSending.current = true;
    setStanding({ ...FRESH, isPending: true });
    try {
      const answer = await send(values);
      // Before it goes elsewhere: what has been taken is not to be found in the tab.
      if (keptAs !== undefined) forgetEntries(keptAs);
      await done(answer, values);
      setStanding({ ...FRESH, isDone: true });
    } catch (thrown) {
      hearOf(thrown);
      const errors = errorsAtFields(thrown, values, fieldOf, t);
      refuse(errors, Object.keys(errors).length === 0 ? thrown : null);
    } finally {
      isSending.current = false;
    }
  };
  const put = (field: string, value: string) => {
    setValues((before) => ({ ...before, [field]: value }));
    setStanding((before) => ({ ...before, isDone: false, errors: { ...before.errors, [field]: '' } }));
  };
  const state: FormState<V> = {
    values,
    ...standing,
    clear() {
      setValues(initial);
      setStanding((before) => ({ ...FRESH, isDone: before.isDone }));
    },
    put,
    input: (field) => ({
      id: `${id}-${field}`,
      value: values[field] ?? '',
      error: standing.errors[field],
      'aria-invalid': Boolean(standing.errors[field]),
      onChange: ({ currentTarget: { value } }) => put(field, value),
    }),
    submit(event) {
      event.preventDefault();
      if (isSending.current) return;
      const wrong = Object.entries(check(values)).filter((found): found is [string, string] => Boolean(found[1]));
      if (wrong.length > 0) refuse(Object.fromEntries(wrong), null);
      else void call();
    },
  };
  return state;
}

const NEVER_KEPT = /password|code|secret/i;
/** Whatever a form of some version is about is in its name. */
const ONLY_VERSION = 1;

/** As at the beginning, with what had been changed when the tab was loaded anew. Whoever leaves the form leaves it (D121). */
function useKeptValues<V extends Entered>(initial: V, keptAs: string | undefined) {
  const [began] = useState(initial);
  const [values, setValues] = useState(() => {
    const kept = keptAs === undefined ? null : keptEntries(keptAs, ONLY_VERSION);
    return { ...began, ...Object.fromEntries(Object.entries(kept ?? {}).filter(([field]) => field in began)) };
  });
  useEffect(() => {
    if (keptAs === undefined) return;
    const changed = Object.entries(values).filter(
      ([field, value]) => value !== began[field] && !NEVER_KEPT.test(field),
    );
    if (changed.length === 0) forgetEntries(keptAs);
    else keepEntries(keptAs, ONLY_VERSION, Object.fromEntries(changed));
  }, [keptAs, began, values]);
  useEffect(() => () => (keptAs === undefined ? undefined : forgetEntries(keptAs)), [keptAs]);
  return [values, setValues] as const;
}

/** Of fields that the form does not have the note tells. One of several things in a field is told at the field. */
function errorsAtFields(thrown: unknown, values: Entered, fieldOf: Readonly<Record<string, string>>, t: Words): Errors {
  if (!(thrown instanceof Problem)) return {};
  const isOnlyRefused = thrown.code === 'invalid_value' || thrown.code === 'invalid_body';
  const what = isOnlyRefused ? t('fields.refused') : problemText(thrown, t);
  const told = thrown.fields.map((field) => field.replace(/\.\d+$/, '')).map((field) => fieldOf[field] ?? field);
  return Object.fromEntries(told.filter((field) => field in values).map((field) => [field, what]));
}

interface Form<V extends Entered> {
  readonly form: FormState<V>;
  readonly submit: string;
  /** Beside the button. */
  readonly beside?: ReactNode;
  /** Takes something away. */
  readonly isGrave?: boolean;
  readonly children: ReactNode;
}

export function Form<V extends Entered>({ form, submit, beside, isGrave = false, children }: Form<V>) {
  return (
    <form noValidate onSubmit={form.submit} className="form">
      {children}
      <ProblemNote thrown={form.problem} />
      <div className="form-end">
        <Button type="submit" color={isGrave ? 'red' : 'teal'} loading={form.isPending}>
          {submit}
        </Button>
        {beside}
      </div>
    </form>
  );
}
