/** The programs that the cases run: our binary, a shell, and Python with the field's Kafka and Avro libraries. */

import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The project's folder. */
export const project = resolve(dirname(fileURLToPath(import.meta.url)), "../../..");

/** The binary, with the page in it; `run` sees to that. */
export const nightferry = process.env.NIGHTFERRY ?? join(project, "target/release/nightferry");

/** A file of the folder of real nights; the case fails where it is missing. */
export function shared(path: string): string {
  const found = join(process.env.NIGHTFERRY_SHARED ?? join(project, "../shared"), path);
  if (!existsSync(found)) {
    throw new Error(
      `${found} is missing: these cases need the shared folder beside the project, or NIGHTFERRY_SHARED; ` +
        "leave them out with `tests/browser/run --grep-invert @with_shared`",
    );
  }
  return found;
}

/** A folder for a while. */
export async function scratch<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "nightferry-browser-"));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** What a program printed; throws with all of it where the program fails. */
export function run(program: string, args: string[], options: { cwd?: string; env?: object } = {}): Promise<string> {
  return new Promise((done, fail) => {
    const { cwd, env } = options;
    const settings = { cwd, env: { ...process.env, ...env }, maxBuffer: 64_000_000, timeout: 60_000 };
    execFile(program, args, settings, (error, stdout, stderr) => {
      if (error) fail(new Error(`${program} ${args.join(" ")}: ${error.message}\n${stdout}\n${stderr}`));
      else done(stdout);
    });
  });
}

/**
 * What a user types into a terminal in a folder of their own: `nightferry` and the Python of the clients are in the
 * path, and the service's address is told as the README says.
 */
export async function shell(command: string, folder: string, env: object = {}): Promise<string> {
  const bin = join(folder, ".bin");
  if (!existsSync(bin)) {
    await mkdir(bin, { recursive: true });
    await symlink(resolve(nightferry), join(bin, "nightferry"));
  }
  const path = `${bin}:${process.env.PATH}`;
  return run("bash", ["-euo", "pipefail", "-c", command], { cwd: folder, env: { PATH: path, ...env } });
}

let clients: Promise<string> | undefined;

/** The Python that has the field's clients; installed once, then kept. */
export function python(): Promise<string> {
  const folder = process.env.NIGHTFERRY_CLIENTS ?? join(homedir(), ".cache/nightferry/clients");
  clients ??= new Promise((done, fail) => {
    const script = join(project, "tests/clients/install.sh");
    const install = spawn("bash", [script, folder], { stdio: ["ignore", "inherit", "inherit"] });
    install.on("error", fail);
    install.on("exit", (code) =>
      code === 0 ? done(join(folder, "fink-12/bin/python")) : fail(new Error("the clients do not install")),
    );
  });
  return clients;
}

/** A topic as the field's Kafka and Avro libraries read it. */
export interface Told {
  messages: number;
  decoded: number;
  undecoded: string[];
  partitions: Record<string, { messages: number; end: number; dense: boolean }>;
}

/** Reads a whole topic without any of our code. */
export async function readTopic(bootstrap: string, topic: string): Promise<Told> {
  const script = join(project, "tests/clients/read_topic.py");
  return JSON.parse(await run(await python(), [script, "--bootstrap", bootstrap, "--topic", topic])) as Told;
}
