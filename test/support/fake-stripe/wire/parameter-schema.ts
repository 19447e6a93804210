// What is kept of a JSON schema: enough to say which parameters a request may have.

export interface ParameterSchema {
  readonly type?: 'array' | 'boolean' | 'integer' | 'number' | 'object' | 'string';
  readonly anyOf?: readonly ParameterSchema[];
  readonly enum?: readonly string[];
  readonly maxLength?: number;
  readonly items?: ParameterSchema;
  readonly properties?: Readonly<Record<string, ParameterSchema>>;
  readonly required?: readonly string[];
  /** Names are free, as in metadata. */
  readonly additionalProperties?: ParameterSchema;
}
