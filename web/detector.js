// Finds faces in a picture and says who wears a mask, with the project's own two networks.
//
//     const detector = await Detector.load("models/", ort);
//     const faces = await detector.detect(imageData);
//     // [{box: [x1, y1, x2, y2], score, label, probability, probabilities: {...}, unsure}]
//
// The same steps as the Python version with --detector yunet --detector-size 640: YuNet once, a
// crop of each face, MobileNetV2 on all crops in one batch. Everything runs in this browser.

const STRIDES = [8, 16, 32];
const PARTS = ["cls", "obj", "bbox", "kps"];

export class Detector {
  constructor(settings, faceNetwork, maskNetwork, ort) {
    Object.assign(this, { settings, faceNetwork, maskNetwork, ort });
  }

  // Reads settings.json and both networks from a folder, which ends in "/".
  static async load(folder, ort) {
    const response = await fetch(`${folder}settings.json`);
    if (!response.ok) {
      throw new Error(`${folder} has no models: run python -m scripts.make_web`);
    }
    const settings = await response.json();
    const options = { executionProviders: ["wasm"], logSeverityLevel: 3 };
    const [faces, masks] = await Promise.all(
      [settings.face_network, settings.mask_network].map((name) =>
        ort.InferenceSession.create(`${folder}${name}`, options)),
    );
    return new Detector(settings, faces, masks, ort);
  }

  // The faces of a picture (an ImageData or {data: RGBA bytes, width, height}), best first.
  async detect(picture) {
    const found = await this.findFaces(picture);
    if (!found.length) return [];
    const rows = await this.classify(picture, found);
    return found.map(({ box, score }, index) => this.face(picture, box, score, rows[index]));
  }

  // Boxes and scores of one pass with the longer side at settings.size pixels.
  async findFaces(picture) {
    const { size, confidence, nms_overlap, box_adjustment } = this.settings;
    const factor = size / Math.max(picture.width, picture.height);
    const width = Math.max(1, Math.round(picture.width * factor));
    const height = Math.max(1, Math.round(picture.height * factor));
    const seen = resize(rgbOf(picture), width, height);
    const input = paddedPlanes(seen);
    const outputs = await this.faceNetwork.run({
      input: new this.ort.Tensor("float32", input.data, [1, 3, input.height, input.width]),
    });
    const candidates = STRIDES.flatMap((stride) =>
      facesOfGrid(PARTS.map((part) => outputs[`${part}_${stride}`].data),
        stride, input.width, confidence));
    const scale = [picture.width / width, picture.height / height];
    return suppressed(candidates, nms_overlap)
      .map(({ box, score }) => {
        const scaled = box.map((value, side) => value * scale[side % 2]);
        const sides = [scaled[2] - scaled[0], scaled[3] - scaled[1]];
        const adjusted = scaled.map((value, side) => value + box_adjustment[side] * sides[side % 2]);
        return { box: clipped(adjusted, picture), score };
      })
      .filter(({ box }) => box[0] < box[2] && box[1] < box[3]);
  }

  // Probabilities of each class for each face: one row for each box. As weigh_by_thresholds in
  // mask_detector/models/model_card.py, a class passes one half where it passed its threshold.
  async classify(picture, faces) {
    const { input_size: size, margin, odds } = this.settings;
    const batch = new Float32Array(faces.length * size * size * 3);
    const rgb = rgbOf(picture);
    faces.forEach(({ box }, index) =>
      batch.set(crop(rgb, box, size, margin).data, index * size * size * 3));
    const tensor = new this.ort.Tensor("float32", batch, [faces.length, size, size, 3]);
    const outputs = await this.maskNetwork.run({ [this.maskNetwork.inputNames[0]]: tensor });
    const values = outputs[this.maskNetwork.outputNames[0]].data;
    return faces.map((_, index) => {
      const weighed = odds.map((odd, column) => values[index * odds.length + column] * odd);
      const total = weighed.reduce((sum, value) => sum + value);
      return weighed.map((value) => value / total);
    });
  }

  face(picture, box, score, row) {
    const { classes, unsure } = this.settings;
    const [second, first] = [...row].sort((a, b) => a - b).slice(-2);
    const [left, top, right, bottom] = box.map(roundedToEven);
    const x1 = Math.min(Math.max(left, 0), picture.width - 1);
    const y1 = Math.min(Math.max(top, 0), picture.height - 1);
    return {
      box: [x1, y1, Math.min(Math.max(right, x1 + 1), picture.width),
        Math.min(Math.max(bottom, y1 + 1), picture.height)],
      score,
      label: classes[row.indexOf(first)],
      probability: first,
      probabilities: Object.fromEntries(classes.map((name, index) => [name, row[index]])),
      // As is_unsure in mask_detector/faces.py: a small lead, or less than an even chance.
      unsure: first - second < 2 * unsure || (unsure > 0 && first < 0.5),
    };
  }
}

// YuNet's output for one grid of cells, as boxes in pixels of its input. Centres are offsets from
// a cell's corner and sides are logarithms, both in units of the stride.
function facesOfGrid([classes, objects, boxes], stride, width, confidence) {
  const columns = width / stride;
  const faces = [];
  for (let cell = 0; cell < classes.length; cell++) {
    const score = Math.sqrt(unit(classes[cell]) * unit(objects[cell]));
    if (score < confidence) continue;
    const x = (cell % columns) + boxes[4 * cell];
    const y = Math.floor(cell / columns) + boxes[4 * cell + 1];
    const halfWidth = Math.exp(boxes[4 * cell + 2]) / 2;
    const halfHeight = Math.exp(boxes[4 * cell + 3]) / 2;
    const box = [x - halfWidth, y - halfHeight, x + halfWidth, y + halfHeight];
    faces.push({ box: box.map((value) => value * stride), score });
  }
  return faces;
}

// Non-maximum suppression: best first, without those that overlap a better one by more.
function suppressed(faces, overlap) {
  const kept = [];
  for (const face of faces.sort((a, b) => b.score - a.score)) {
    if (kept.every((better) => iou(better.box, face.box) <= overlap)) kept.push(face);
  }
  return kept;
}

export function iou(a, b) {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (width <= 0 || height <= 0) return 0;
  const area = ([x1, y1, x2, y2]) => (x2 - x1) * (y2 - y1);
  return (width * height) / (area(a) + area(b) - width * height);
}

// A face with its margin as a square of size x size RGB values 0..255; what lies outside the
// picture repeats its edge pixels.
function crop(rgb, [x1, y1, x2, y2], size, margin) {
  const side = Math.max(1, Math.max(x2 - x1, y2 - y1) * (1 + 2 * margin));
  const left = Math.floor((x1 + x2) / 2 - side / 2);
  const top = Math.floor((y1 + y2) / 2 - side / 2);
  const right = Math.max(left + 1, Math.ceil((x1 + x2) / 2 + side / 2));
  const bottom = Math.max(top + 1, Math.ceil((y1 + y2) / 2 + side / 2));
  const patch = { width: right - left, height: bottom - top };
  patch.data = new Uint8ClampedArray(patch.width * patch.height * 3);
  for (let y = 0; y < patch.height; y++) {
    const row = Math.min(Math.max(top + y, 0), rgb.height - 1) * rgb.width;
    for (let x = 0; x < patch.width; x++) {
      const from = 3 * (row + Math.min(Math.max(left + x, 0), rgb.width - 1));
      patch.data.set(rgb.data.subarray(from, from + 3), 3 * (y * patch.width + x));
    }
  }
  return resize(patch, size, size);
}

// Resizes RGB bytes as OpenCV does: areas are averaged where it shrinks (INTER_AREA), else
// neighbours are interpolated (INTER_LINEAR).
export function resize(rgb, width, height) {
  if (rgb.width === width && rgb.height === height) return rgb;
  const shrinks = rgb.height > height || (rgb.height === height && rgb.width > width);
  const weights = shrinks ? areaWeights : linearWeights;
  const columns = weights(rgb.width, width);
  const rows = weights(rgb.height, height);
  const between = new Float32Array(width * rgb.height * 3);
  for (let y = 0; y < rgb.height; y++) {
    for (let x = 0; x < width; x++) {
      for (const [from, weight] of columns[x]) {
        for (let c = 0; c < 3; c++) {
          between[3 * (y * width + x) + c] += weight * rgb.data[3 * (y * rgb.width + from) + c];
        }
      }
    }
  }
  const data = new Uint8ClampedArray(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let i = 0; i < 3 * width; i++) {
      let sum = 0;
      for (const [from, weight] of rows[y]) sum += weight * between[3 * from * width + i];
      data[3 * y * width + i] = sum; // rounded and clamped by the array
    }
  }
  return { data, width, height };
}

// For each new pixel along one side: the old pixels that it covers, with their shares of it.
function areaWeights(from, to) {
  const scale = from / to;
  return Array.from({ length: to }, (_, index) => {
    const start = index * scale;
    const end = Math.min(from, start + scale);
    const shares = [];
    for (let old = Math.floor(start); old < Math.min(from, Math.ceil(end - 1e-6)); old++) {
      shares.push([old, (Math.min(end, old + 1) - Math.max(start, old)) / (end - start)]);
    }
    return shares;
  });
}

function linearWeights(from, to) {
  return Array.from({ length: to }, (_, index) => {
    const centre = Math.min(Math.max((index + 0.5) * (from / to) - 0.5, 0), from - 1);
    const left = Math.floor(centre);
    const right = Math.min(left + 1, from - 1);
    return [[left, 1 - (centre - left)], [right, centre - left]];
  });
}

function rgbOf({ data, width, height }) {
  const rgb = new Uint8ClampedArray(width * height * 3);
  for (let from = 0, to = 0; from < data.length; from += 4, to += 3) {
    rgb[to] = data[from];
    rgb[to + 1] = data[from + 1];
    rgb[to + 2] = data[from + 2];
  }
  return { data: rgb, width, height };
}

// Three planes, blue first, with zeros right and below up to multiples of the coarsest stride.
function paddedPlanes({ data, width, height }) {
  const coarsest = STRIDES[STRIDES.length - 1];
  const padded = [width, height].map((side) => Math.ceil(side / coarsest) * coarsest);
  const planes = new Float32Array(3 * padded[0] * padded[1]);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < 3; c++) {
        planes[((2 - c) * padded[1] + y) * padded[0] + x] = data[3 * (y * width + x) + c];
      }
    }
  }
  return { data: planes, width: padded[0], height: padded[1] };
}

function clipped(box, { width, height }) {
  return box.map((value, side) => Math.min(Math.max(value, 0), side % 2 ? height : width));
}

const unit = (value) => Math.min(Math.max(value, 0), 1);

// Halves go to the even neighbour, as Python's round() has it.
function roundedToEven(value) {
  const whole = Math.floor(value);
  if (value - whole !== 0.5) return Math.round(value);
  return whole % 2 ? whole + 1 : whole;
}
