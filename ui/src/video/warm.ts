/**
 * Gets what the first live picture needs while nobody waits for it: the live line, the code of live video, the browser's decoder.
 *
 * Called by `App` once somebody is in who may watch. Fails silently but for the console: the first opening then fetches it.
 */
import { liveLine } from './liveLine';
import { hasWebCodecs, webCodecsPlays } from './support';

/** Main profile at level 4.0: nearly every camera. */
const USUAL_CODEC = 'avc1.4d0028';

/** Opens the line at once, the rest in an idle moment; returns how to call it off. */
export function warmLive(): () => void {
  const letGo = liveLine.stand();
  const callOff = whenIdle(warmDecoder);
  return () => {
    callOff();
    letGo();
  };
}

function whenIdle(run: () => void): () => void {
  // Safari has no requestIdleCallback.
  if (typeof requestIdleCallback !== 'function') {
    const timer = setTimeout(run, 1500);
    return () => clearTimeout(timer);
  }
  const handle = requestIdleCallback(run, { timeout: 4000 });
  return () => cancelIdleCallback(handle);
}

function warmDecoder(): void {
  import('./LiveView').catch((error: unknown) => console.warn('live video is fetched later', error));
  if (!hasWebCodecs()) return;
  void webCodecsPlays(USUAL_CODEC);
  // A decoder that was configured once has its process and its library loaded; the next one starts at once.
  const decoder = new VideoDecoder({ output: (frame) => frame.close(), error: () => undefined });
  try {
    decoder.configure({ codec: USUAL_CODEC, optimizeForLatency: true });
    void decoder.flush().catch(() => undefined).finally(() => decoder.state !== 'closed' && decoder.close());
  } catch {
    decoder.close();
  }
}
