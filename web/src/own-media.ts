import { createTestPicture } from "./test-picture.ts";

/**
 * Camera and microphone. Falls back to the generated picture if there are none or the page may not use them (a phone
 * without TLS), and uses it on request. Never rejects, because a call also works without a camera.
 */
export async function getOwnMedia(wantTestPicture: boolean): Promise<{ stream: MediaStream; note: string }> {
  if (wantTestPicture) return { stream: createTestPicture(), note: "test picture, as requested" };
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
