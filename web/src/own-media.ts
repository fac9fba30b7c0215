import { createTestPicture } from "./test-picture.ts";

/**
 * Camera and microphone; the generated picture where there are none, where the page may not use them (a phone without
 * TLS), or where it was asked for. Never rejects: a call without a camera is a call.
 */
export async function getOwnMedia(wantTestPicture: boolean): Promise<{ stream: MediaStream; note: string }> {
  if (wantTestPicture) return { stream: createTestPicture(), note: "test picture, as asked for" };
  if (navigator.mediaDevices === undefined)
    return { stream: createTestPicture(), note: "test picture: a camera needs HTTPS here" };
  try {
    const stream = await navigator.mediaDevices.getUserMedia({
      video: { width: { ideal: 640 }, height: { ideal: 360 }, frameRate: { ideal: 15 } },
      audio: { echoCancellation: true },
    });
    return { stream, note: "camera and microphone" };
  } catch (error) {
    return { stream: createTestPicture(), note: `test picture: no camera (${(error as Error).name})` };
  }
}
