import type { Options } from "./options";
import fs = require("fs");
import config, { type Level, log } from "../config";

/** What a client answers. */
export interface Answer<T> extends Base {
  body: T;
  retry(times: number): Promise<T>;
}

export type Handler = (request: Request) => Promise<Answer<string>>;

export enum Status {
  Ok = 200,
  Missing = 404,
}

export abstract class Client<T> implements Disposable {
  constructor(private readonly url: string, options?: Options) {
    super(url);
  }

  @logged({ level: "info" })
  public async get<K extends keyof T>(key: K): Promise<T[K]> {
    return this.send<T[K]>("GET", key);
  }

  abstract close(): void;
}

namespace Wire {
  export function encode(text: string): Uint8Array {
    return new TextEncoder().encode(text);
  }
}

export const retry: Handler = async (request) => log(request);
declare function legacy(name: string): void;
