import { signal } from "@preact/signals";
import { api, isMissing, type ServiceInfo } from "./api";

/** What the service tells of itself; undefined until it has, and with an older service what its health tells. */
export const service = signal<ServiceInfo | undefined>(undefined);

let asked: Promise<void> | undefined;

/** Asks again after this long where there was no answer, in milliseconds. */
const AGAIN = 5000;

/** Asks until there is an answer, and then no more. */
export function askService(): Promise<void> {
  asked ??= api
    .service()
    .catch(async (error) => {
      if (!isMissing(error)) throw error;
      const { version, bootstrap } = await api.health();
      return { version, bootstrap, surveys: ["ztf"], retention_seconds: 7 * 86400, limits: NO_LIMITS } as ServiceInfo;
    })
    .then(
      (info) => void (service.value = info),
      () => {
        asked = undefined;
        setTimeout(() => void askService(), AGAIN);
      },
    );
  return asked;
}

const NO_LIMITS = {
  job_nights: null,
  job_alerts: null,
  job_bytes: null,
  day_nights: null,
  day_alerts: null,
  day_bytes: null,
};
