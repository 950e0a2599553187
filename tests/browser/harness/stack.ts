/** A running `nightferry up`. */

import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { nightferry, run } from "./programs.ts";

/** The whole service in one process, over an archive, on free ports. */
export class Stack {
  private constructor(
    private readonly child: ChildProcess,
    /** Where the page is: `http://127.0.0.1:…/`. The API is beside it, below `v1/`. */
    readonly page: string,
    /** Where the broker is: `127.0.0.1:…`. */
    readonly bootstrap: string,
  ) {}

  /** Starts it and waits until it is ready. */
  static async start(archive: string, data: string, more: string[] = []): Promise<Stack> {
    const args = ["up", "--archive", archive, "--data", data, "--http", "127.0.0.1:0", "--kafka", "127.0.0.1:0"];
    const { KAFKA_BOOTSTRAP: _, ...env } = process.env;
    const child = spawn(nightferry, [...args, ...more], { env, stdio: ["ignore", "pipe", "pipe"] });
    const told = new Map<string, string>();
    let log = "";
    child.stderr.on("data", (text: Buffer) => (log = (log + text.toString()).slice(-20_000)));
    await new Promise<void>((ready, fail) => {
      child.on("error", fail);
      child.on("exit", (code) => fail(new Error(`the stack ended with ${code} before it was ready:\n${log}`)));
      createInterface({ input: child.stdout }).on("line", (line) => {
        const [name = "", value = ""] = line.trim().split(/\s+/);
        if (name === "ready;") ready();
        else told.set(name, value);
      });
    });
    child.removeAllListeners("exit");
    const of = (name: string) => {
      const value = told.get(name);
      if (!value) throw new Error(`\`nightferry up\` did not say its ${name}`);
      return value;
    };
    return new Stack(child, of("page"), of("broker"));
  }

  /** What a terminal has set where the service is not at its usual address, for commands that do not name it. */
  get terminal() {
    return { NIGHTFERRY_API: this.page.replace(/\/$/, "") };
  }

  /** Asks the API; throws unless it answers with success. */
  async ask<Answer>(path: string, init: RequestInit = {}): Promise<Answer> {
    const response = await fetch(`${this.page}v1/${path}`, init);
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as Answer;
  }

  /** Submits a request beside the page. */
  submit(request: object): Promise<JobDocument> {
    const headers = { "content-type": "application/json" };
    return this.ask("jobs", { method: "POST", headers, body: JSON.stringify(request) });
  }

  job(id: string): Promise<JobDocument> {
    return this.ask(`jobs/${id}`);
  }

  receipt(id: string): Promise<Receipt> {
    return this.ask(`jobs/${id}/receipt`);
  }

  /** Waits until a job has ended, and returns it. */
  async ended(id: string): Promise<JobDocument> {
    return waitFor(`job ${id} has ended`, async () => {
      const job = await this.job(id);
      return ["queued", "running"].includes(job.status.state) ? undefined : job;
    });
  }

  /** Waits until every night is indexed. */
  async indexed(): Promise<void> {
    const look = async () => {
      const nights = await this.ask<Night[]>("nights");
      return (nights.length > 0 && nights.every((night) => night.indexed)) || undefined;
    };
    await waitFor("all nights are indexed", look, 120);
  }

  /** Ends it. */
  async end(): Promise<void> {
    if (this.child.exitCode !== null) return;
    const gone = new Promise((done) => this.child.once("exit", done));
    this.child.kill("SIGTERM");
    const late = setTimeout(() => this.child.kill("SIGKILL"), 10_000);
    await gone;
    clearTimeout(late);
  }
}

/** Sample nights: the same arguments make the same alerts. */
export async function simulate(folder: string, nights: string[], alerts: number, more: string[] = []): Promise<string> {
  await run(nightferry, [
    "simulate",
    folder,
    "--nights",
    ...nights,
    "--alerts",
    String(alerts),
    "--seed",
    "1",
    ...more,
  ]);
  return folder;
}

/** Waits for a condition; throws with `what` when it does not come true in time. */
export async function waitFor<T>(what: string, look: () => Promise<T | undefined>, seconds = 30): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`after ${seconds} s still not: ${what}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

export interface Night {
  night: string;
  indexed: boolean;
  alerts?: number;
}

export interface Counts {
  read: number;
  kept: number;
  sent: number;
}

export interface JobDocument {
  id: string;
  name?: string | null;
  nights: string[];
  classes?: string[];
  conditions?: string;
  content?: string | string[];
  limit?: number | null;
  test?: boolean;
  pace?: object;
  status: { state: string; topic: string; counts: Counts; alerts: number };
}

export interface Receipt {
  total: Counts;
  nights: { night: string; counts: Counts }[];
  partitions: { partition: number; start: number; end: number }[];
}

export interface Estimate {
  alerts: number;
  alerts_low: number;
  alerts_high: number;
  exact: boolean;
}
