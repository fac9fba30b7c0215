/**
 * A moving picture and a quiet tone, for machines without camera and microphone. It has a hue of its own, a clock, and
 * a bar that sweeps once in two seconds, so that a frozen picture is visible at once.
 *
 * @param framesPerSecond 10 costs about a quarter of a core a page on a small machine
 */
export function createTestPicture(framesPerSecond = 10): MediaStream {
  const [width, height] = [320, 180];
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("this browser draws no canvas");
  const hue = Math.floor(Math.random() * 360);
  const startedAt = performance.now();
  let frame = 0;

  const draw = () => {
    frame += 1;
    context.fillStyle = `hsl(${hue} 45% 18%)`;
    context.fillRect(0, 0, width, height);
    context.fillStyle = `hsl(${hue} 80% 60%)`;
    const sweep = (((performance.now() - startedAt) % 2_000) / 2_000) * width;
    context.fillRect(sweep - 14, 0, 14, height);
    context.fillStyle = "#fff";
    context.font = "700 34px sans-serif";
    context.fillText(new Date().toISOString().slice(11, 21), 24, 96);
    context.font = "14px sans-serif";
    context.fillText(`test picture · frame ${frame}`, 26, 124);
  };
  draw();
  // A timer instead of requestAnimationFrame, because a window in the background must keep sending.
  const timer = setInterval(() => {
    if (stream.active) draw();
    else clearInterval(timer);
  }, 1000 / framesPerSecond);

  const stream = canvas.captureStream(framesPerSecond);
  const audio = new AudioContext();
  const gain = new GainNode(audio, { gain: 0.02 });
  const tone = new OscillatorNode(audio, { frequency: 220 + hue });
  const destination = audio.createMediaStreamDestination();
  tone.connect(gain).connect(destination);
  tone.start();
  for (const track of destination.stream.getAudioTracks()) stream.addTrack(track);
  return stream;
}
