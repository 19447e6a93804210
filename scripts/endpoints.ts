// Where an installation is reached, as `npm start` tells it to its own parts and to people.

/** What endpoints.json holds, for whoever wants to drive this installation. */
export interface Endpoints {
  readonly api: string;
  readonly apiBaseUrl: string;
  readonly demoProvider: string;
  readonly demoMeter: string;
  /** The fake one. */
  readonly stripe: string;
  /** As the read-only role. */
  readonly postgresUrl: string;
  readonly redisUrl: string | null;
  readonly temporalAddress: string;
  readonly temporalNamespace: string;
  /** Null where the server is not ours. */
  readonly temporalUi: string | null;
  /** Its metrics, and the page on which people sign in to read workflows. */
  readonly worker: string;
  /** The page of all mails that were sent. */
  readonly inbox: string;
  readonly adminToken: string;
  readonly customerKey: string;
  readonly models: readonly string[];
}
