// The page: photos dropped or chosen, or the camera; boxes drawn over the picture.

import * as ort from "./node_modules/onnxruntime-web/dist/ort.wasm.bundle.min.mjs";
import { Detector } from "./detector.js";

const NAMES = {
  with_mask: "Mask",
  without_mask: "No Mask",
  incorrect_mask: "Mask worn wrong",
  unsure: "Unsure",
};
// Each with white text on it at a contrast of 4.5 or more.
const COLOURS = {
  with_mask: "#087a2e",
  without_mask: "#c8102e",
  incorrect_mask: "#8a0fa0",
  unsure: "#8a5a00",
};
const OTHER_COLOUR = "#1f5fa8";

const element = (id) => document.getElementById(id);
const canvas = element("picture");
const context = canvas.getContext("2d", { willReadFrequently: true });
let detector = null;
let stream = null;
let run = 0; // counts photos and starts of the camera: what an earlier one still finds is not shown

async function start() {
  try {
    ort.env.wasm.numThreads = globalThis.crossOriginIsolated ? navigator.hardwareConcurrency : 1;
    detector = await Detector.load("models/", ort);
    say("Ready. Choose a photo, drop one here, or start the camera.");
    element("file").disabled = element("camera").disabled = false;
    document.body.dataset.ready = "yes";
  } catch (error) {
    say(`The networks could not be loaded: ${error.message}`);
  }
}

async function showPhoto(file) {
  stopCamera();
  const mine = ++run;
  let photo = null;
  try {
    photo = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    if (mine === run) say(`${file.name} is not a photo that this browser can read.`);
  }
  if (!photo || mine !== run) return;
  draw(photo, photo.width, photo.height);
  await detectAndMark(mine);
}

async function startCamera() {
  const mine = ++run;
  let opened = null;
  try {
    opened = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480 } });
  } catch (error) {
    const reasons = {
      NotAllowedError: "The browser was not allowed to use the camera: allow it in the address bar.",
      NotFoundError: "No camera was found: connect one and try again.",
      NotReadableError: "The camera is in use by another program: close that and try again.",
    };
    const reason = reasons[error.name] ?? `The camera cannot be used (${error.name}).`;
    if (mine === run) say(reason);
    return;
  }
  if (mine !== run) {
    stop(opened);
    return;
  }
  stream = opened;
  const video = element("video");
  video.srcObject = stream;
  element("camera").textContent = "Stop the camera";
  await video.play();
  while (stream === opened) {
    draw(video, video.videoWidth, video.videoHeight);
    await detectAndMark(mine);
    await new Promise(requestAnimationFrame);
  }
}

function stopCamera() {
  if (stream) stop(stream);
  stream = null;
  element("camera").textContent = "Start the camera";
}

function stop(camera) {
  camera.getTracks().forEach((track) => track.stop());
}

function draw(source, width, height) {
  canvas.width = width;
  canvas.height = height;
  context.drawImage(source, 0, 0, width, height);
}

async function detectAndMark(mine) {
  let faces = null;
  try {
    faces = await detector.detect(context.getImageData(0, 0, canvas.width, canvas.height));
  } catch (error) {
    if (mine === run) say(`The faces could not be detected: ${error.message}`);
  }
  if (!faces || mine !== run) return;
  faces.forEach(mark);
  const counts = {};
  for (const face of faces) counts[labelOf(face)] = (counts[labelOf(face)] ?? 0) + 1;
  const parts = Object.entries(counts).map(([label, count]) => `${count} ${nameOf(label)}`);
  say(faces.length ? parts.join(", ") : "No faces found.");
  document.body.dataset.faces = JSON.stringify(faces); // for tests and other programs
}

function mark(face) {
  const [x1, y1, x2, y2] = face.box;
  const text = `${nameOf(labelOf(face))} ${(100 * face.probability).toFixed(1)} %`;
  const size = Math.max(12, Math.min(canvas.width, canvas.height) / 32);
  context.lineWidth = Math.max(2, size / 8);
  context.strokeStyle = context.fillStyle = COLOURS[labelOf(face)] ?? OTHER_COLOUR;
  context.strokeRect(x1, y1, x2 - x1, y2 - y1);
  context.font = `600 ${size}px system-ui, sans-serif`;
  const width = context.measureText(text).width + size / 2;
  const left = Math.max(0, Math.min(x1, canvas.width - width));
  const top = Math.max(0, y1 - 1.3 * size);
  context.fillRect(left, top, width, 1.3 * size);
  context.fillStyle = "#fff";
  context.fillText(text, left + size / 4, top + size);
}

const labelOf = (face) => (face.unsure ? "unsure" : face.label);
const nameOf = (label) => NAMES[label] ?? label.replaceAll("_", " ");
const say = (text) => (element("status").textContent = text);

element("file").addEventListener("change", (event) => {
  if (event.target.files.length) showPhoto(event.target.files[0]);
});
element("camera").addEventListener("click", () => (stream ? stopCamera() : startCamera()));
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  if (detector && event.dataTransfer.files.length) showPhoto(event.dataTransfer.files[0]);
});
start();
