// Saves an application as it is written: what the API takes of it a moment after its writer pauses, one save after the other, so that it is known
// of which version each is. What cannot be taken yet is kept in his tab (D101).
import { api, told } from './api/client.ts';
import type { Application } from './api/questions.ts';
import { hearOf } from './api/signed-out.ts';
import { draftOf, type Entries, entriesOf } from './application-entries.ts';
import { forgetEntries, keepEntries } from './kept-entries.ts';

const PAUSE_MS = 600;
const PATH = '/api/v1/organizations/{orgId}/applications/{applicationId}';

export interface Standing {
  readonly isSaved: boolean;
  /** Null: nothing keeps it from being saved. */
  readonly problem: unknown;
}

export class DraftSaver {
  readonly #path: { readonly orgId: string; readonly applicationId: string };
  readonly #keptAs: string;
  readonly #saved: (application: Application) => void;
  readonly #listeners = new Set<() => void>();
  #version: number;
  /** As it is in its row. */
  #text: string;
  #entries: Entries;
  #turn: Promise<unknown> = Promise.resolve();
  /** How many saves are not over. */
  #saving = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #standing: Standing = { isSaved: true, problem: null };

  constructor({ id, orgId, version, form }: Application, keptAs: string, saved: (application: Application) => void) {
    this.#path = { orgId, applicationId: id };
    this.#keptAs = keptAs;
    this.#saved = saved;
    this.#version = version;
    this.#entries = entriesOf(form);
    this.#text = textOf(this.#entries);
  }

  readonly standing = (): Standing => this.#standing;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  entered(entries: Entries): void {
    this.#entries = entries;
    keepEntries(this.#keptAs, this.#version, entries);
    clearTimeout(this.#timer);
    // What is being saved may be another text by now: then this one is saved after it.
    if (textOf(entries) === this.#text && this.#saving === 0) {
      if (!this.#standing.isSaved) this.#stand({ isSaved: true, problem: null });
      return;
    }
    this.#stand({ ...this.#standing, isSaved: false });
    this.#timer = setTimeout(() => this.save().catch(hearOf), PAUSE_MS);
  }

  /** At once. Throws what the API refuses. */
  save(): Promise<void> {
    clearTimeout(this.#timer);
    this.#saving += 1;
    const saving = this.#turn
      .then(() => this.#save())
      .finally(() => {
        this.#saving -= 1;
      });
    this.#turn = saving.catch((problem) => this.#stand({ isSaved: false, problem }));
    return saving;
  }

  /** Nothing of it is to be written any more. */
  forget(): void {
    clearTimeout(this.#timer);
    forgetEntries(this.#keptAs);
  }

  async #save(): Promise<void> {
    const text = textOf(this.#entries);
    if (text !== this.#text) {
      const params = { path: this.#path, header: { 'If-Match': `"${this.#version}"` } };
      const saved = await told(api.PATCH(PATH, { params, body: { form: draftOf(this.#entries) } }));
      this.#version = saved.version;
      this.#text = text;
      keepEntries(this.#keptAs, this.#version, this.#entries);
      this.#saved(saved);
    }
    this.#stand({ isSaved: textOf(this.#entries) === this.#text, problem: null });
  }

  #stand(standing: Standing): void {
    this.#standing = standing;
    for (const listener of this.#listeners) listener();
  }
}

function textOf(entries: Entries): string {
  return JSON.stringify(draftOf(entries));
}
