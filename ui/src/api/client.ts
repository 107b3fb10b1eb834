/**
 * The one way to the server. Every answer is JSON unless `raw` asks otherwise; every refusal becomes an `ApiError` that
 * carries the server's code, so that a screen can say it in the reader's language (`errorText`).
 */
import i18next from "i18next";
import type { ErrorBody, FieldError } from "./types";

export class ApiError extends Error {
  readonly code: string;
  readonly status: number;
  readonly detail: Record<string, unknown>;
  readonly fields: FieldError[];

  constructor(status: number, body: ErrorBody) {
    super(body.message);
    this.name = "ApiError";
    this.status = status;
    this.code = body.error;
    this.detail = body.detail ?? {};
    this.fields = body.fields ?? [];
  }
}

/** Called when the server no longer knows the session; the app shows sign-in. */
let onSignedOut: () => void = () => undefined;
export function whenSignedOut(handler: () => void): void {
  onSignedOut = handler;
}

interface Options {
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  body?: unknown;
  /** Sent as it is (a file to import), with this content type. */
  raw?: { data: BodyInit; type: string };
  query?: Record<string, string | number | boolean | null | undefined>;
  signal?: AbortSignal;
  /** A 401 here is an answer (wrong password), not a lost session. */
  quiet401?: boolean;
}

function address(path: string, query: Options["query"]): string {
  if (!query) return path;
  const pairs = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") pairs.set(key, String(value));
  }
  const text = pairs.toString();
  return text ? `${path}?${text}` : path;
}

/** Ask, and give the whole response back; throws `ApiError` for anything that is not 2xx. */
export async function request(path: string, options: Options = {}): Promise<Response> {
  const method = options.method ?? "GET";
  const headers: Record<string, string> = { Accept: "application/json" };
  if (method !== "GET") headers["X-Manara"] = "1";
  let body: BodyInit | undefined;
  if (options.raw) {
    headers["Content-Type"] = options.raw.type;
    body = options.raw.data;
  } else if (options.body !== undefined) {
    headers["Content-Type"] = "application/json";
    body = JSON.stringify(options.body);
  }
  let response: Response;
  try {
    response = await fetch(address(path, options.query), {
      method,
      headers,
      body,
      credentials: "same-origin",
      signal: options.signal,
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(0, { error: "unreachable", message: String(error) });
  }
  if (response.ok) return response;
  let failure: ErrorBody = { error: `http_${response.status}`, message: response.statusText };
  try {
    const parsed: unknown = await response.json();
    if (parsed && typeof parsed === "object" && "error" in parsed) failure = parsed as ErrorBody;
  } catch {
    // Not JSON (a proxy's page): the status says what is known.
    failure = { error: `http_${response.status}`, message: response.statusText };
  }
  if (response.status === 401 && !options.quiet401) onSignedOut();
  throw new ApiError(response.status, failure);
}

/** Ask, and read the JSON answer (`undefined` for an empty one). */
export async function call<T>(path: string, options: Options = {}): Promise<T> {
  const response = await request(path, options);
  if (response.status === 204) return undefined as T;
  const text = await response.text();
  return (text ? JSON.parse(text) : undefined) as T;
}

export const api = {
  get: <T>(path: string, query?: Options["query"], signal?: AbortSignal) => call<T>(path, { query, signal }),
  post: <T>(path: string, body?: unknown, options: Options = {}) => call<T>(path, { ...options, method: "POST", body }),
  put: <T>(path: string, body: unknown) => call<T>(path, { method: "PUT", body }),
  patch: <T>(path: string, body: unknown) => call<T>(path, { method: "PATCH", body }),
  delete: <T>(path: string) => call<T>(path, { method: "DELETE" }),
};

/** What went wrong, in the reader's language; the server's own words when the code has no translation. */
export function errorText(error: unknown): string {
  if (error instanceof ApiError) {
    const key = `errors:${error.code}`;
    if (i18next.exists(key)) return i18next.t(key, error.detail as Record<string, string>);
    if (error.status >= 500 || !error.message) return i18next.t("errors:server", { code: error.code });
    return error.message;
  }
  return i18next.t("errors:unexpected", { message: error instanceof Error ? error.message : String(error) });
}

/** `ws://` address on this host. */
export function socketAddress(path: string, query?: Options["query"]): string {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  return `${scheme}//${location.host}${address(path, query)}`;
}
