/** Cameras that answer on this network (ONVIF), to be added one by one. Those known already say so. */
import { type FormEvent, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, errorText } from "@/api/client";
import type { Camera, OnvifDevice } from "@/api/types";
import { Button, DialogBox, Empty, Loading, TextField } from "@/design";
import { useCameras } from "@/state/hooks";
import "./import.css";

function hostOf(address: string): string {
  try {
    return new URL(address).host;
  } catch {
    return address; // Not an address as we know them: shown as it came.
  }
}

export function Discovery({ onClose, onFound }: { onClose: () => void; onFound: (draft: Partial<Camera>) => void }) {
  const { t } = useTranslation("cameras");
  const cameras = useCameras();
  const [found, setFound] = useState<OnvifDevice[] | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [target, setTarget] = useState("");
  const [asked, setAsked] = useState({ target: "" });
  const search = (event?: FormEvent) => {
    event?.preventDefault();
    setAsked({ target: target.trim() });
  };
  useEffect(() => {
    const stop = new AbortController();
    setFound(null);
    setError(null);
    api
      .post<OnvifDevice[] | { devices: OnvifDevice[] }>("/api/onvif/discover", asked, { signal: stop.signal })
      .then((answer) => setFound(Array.isArray(answer) ? answer : answer.devices))
      .catch((failure: unknown) => !stop.signal.aborted && setError(errorText(failure)));
    return () => stop.abort();
  }, [asked]);
  // One address may stand for many cameras (a recorder, an encoder): then only the full ONVIF address tells them apart.
  const hosts = (found ?? []).map((device) => hostOf(device.address).split(":")[0]);
  const alone = (host: string | undefined) => hosts.filter((one) => one === host).length === 1;
  const knownAddresses = new Set(cameras.map((camera) => camera.onvif_url).filter(Boolean));
  const knownHosts = new Set(cameras.flatMap((camera) => [camera.onvif_url, camera.main_url].filter(Boolean).map((url) => hostOf(url).split(":")[0])));
  const isKnown = (address: string) => {
    const host = hostOf(address).split(":")[0];
    return knownAddresses.has(address) || (alone(host) && knownHosts.has(host));
  };
  return (
    <DialogBox
      title={t("discover_title")}
      width="wide"
      isOpen
      onClose={onClose}
      foot={
        <>
          <span className="start">
            <Button icon="refresh" look="quiet" isDisabled={!found && !error} onPress={() => search()}>
              {t("search_again")}
            </Button>
          </span>
          <Button onPress={onClose}>{t("common:close")}</Button>
        </>
      }
    >
      <form className="ask-row" onSubmit={search}>
        <TextField label={t("discover_target")} value={target} onChange={setTarget} latin placeholder="10.20.0.31" />
        <Button type="submit" icon="search" isDisabled={!found && !error}>
          {t("discover_search")}
        </Button>
      </form>
      {error ? (
        <Empty title={error} />
      ) : !found ? (
        <Loading what={t("searching")} />
      ) : !found.length ? (
        <Empty title={t("nobody_answered")}>{t("nobody_answered_text")}</Empty>
      ) : (
        <ul className="found">
          {found.map((device) => (
            <li key={device.address}>
              <span>
                <strong>
                  <bdi>{device.name || device.hardware || hostOf(device.address)}</bdi>
                </strong>{" "}
                <bdi className="code muted">{hostOf(device.address)}</bdi>
              </span>
              {isKnown(device.address) && <span className="chip">{t("known")}</span>}
              <Button small icon="plus" onPress={() => onFound({ onvif_url: device.address, model: device.hardware ?? "" })}>
                {t("common:add")}
              </Button>
            </li>
          ))}
        </ul>
      )}
    </DialogBox>
  );
}
