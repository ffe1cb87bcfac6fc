// bench/evaluate.mjs
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

// src/errors.ts
var VertebraError = class extends Error {
  name = "VertebraError";
  code;
  /** The offending value, when there is one. */
  value;
  constructor(code, message, details = {}) {
    super(message, "cause" in details ? { cause: details.cause } : void 0);
    this.code = code;
    this.value = details.value;
  }
};
function unexpected(name, what, value, code = "INVALID_ARGUMENT") {
  return new VertebraError(code, `Expected ${what} for ${name} but received ${describe(value)}.`, { value });
}
function describe(value) {
  if (typeof value === "string") return JSON.stringify(value.length > 80 ? `${value.slice(0, 77)}...` : value);
  if (typeof value === "number" || typeof value === "bigint" || typeof value === "boolean" || value == null) {
    return String(value);
  }
  if (typeof value === "function") return "a function";
  if (Array.isArray(value))
    return value.length > 8 ? `an array of ${value.length}` : `[${value.map(describe).join(", ")}]`;
  if (ArrayBuffer.isView(value)) return `a ${value.constructor.name} of ${value.byteLength} bytes`;
  return typeof value === "object" ? `an object (${value.constructor?.name ?? "no prototype"})` : typeof value;
}

// src/evaluate/cells.ts
function categoryCells(table) {
  const { objects, results, imageIds, categories } = table;
  const [I, K] = [imageIds.length, categories.length];
  const order = (rows) => stableOrder(rows.category, K, stableOrder(rows.image, I, identity(rows.count)));
  return cells(table, order(objects), order(results), true);
}
function* cells({ objects, results, imageIds }, objectOrder, resultOrder, byCategory) {
  const I = imageIds.length;
  const { scores } = results;
  const keyAt = (table, order, at) => {
    if (at === order.length) return Number.POSITIVE_INFINITY;
    const row = order[at];
    return (byCategory ? table.category[row] * I : 0) + table.image[row];
  };
  const byScore = (a, b) => scores[b] - scores[a] || a - b;
  let [o, r] = [0, 0];
  let [objectKey, resultKey] = [keyAt(objects, objectOrder, 0), keyAt(results, resultOrder, 0)];
  while (objectKey !== Number.POSITIVE_INFINITY || resultKey !== Number.POSITIVE_INFINITY) {
    const key = Math.min(objectKey, resultKey);
    const [o0, r0] = [o, r];
    while (objectKey === key) objectKey = keyAt(objects, objectOrder, ++o);
    while (resultKey === key) resultKey = keyAt(results, resultOrder, ++r);
    const own = resultOrder.subarray(r0, r);
    if (own.length > 1) own.sort(byScore);
    yield { category: Math.floor(key / I), image: key % I, objects: objectOrder.subarray(o0, o), results: own };
  }
}
function identity(count) {
  return new Uint32Array(count).map((_, i) => i);
}
function stableOrder(key, keys, order) {
  const next = new Uint32Array(keys + 1);
  for (const row of order) next[key[row] + 1] = next[key[row] + 1] + 1;
  for (let k = 0; k < keys; k++) next[k + 1] = next[k + 1] + next[k];
  const sorted = new Uint32Array(order.length);
  for (const row of order) {
    const k = key[row];
    const at = next[k];
    sorted[at] = row;
    next[k] = at + 1;
  }
  return sorted;
}

// src/evaluate/coco-parameters.ts
var COCO_IOU_THRESHOLDS = Array.from(
  { length: 10 },
  (_, i) => i === 9 ? 0.95 : i * ((0.95 - 0.5) / 9) + 0.5
);
var COCO_RECALL_THRESHOLDS = Array.from(
  { length: 101 },
  (_, i) => i === 100 ? 1 : i * 0.01
);
var COCO_AREAS = {
  all: [0, 1e10],
  small: [0, 32 ** 2],
  medium: [32 ** 2, 96 ** 2],
  large: [96 ** 2, 1e10]
};
var COCO_MAX_DETECTIONS = [1, 10, 100];
var T = COCO_IOU_THRESHOLDS.length;
var R = COCO_RECALL_THRESHOLDS.length;
var A = Object.keys(COCO_AREAS).length;
var M = COCO_MAX_DETECTIONS.length;

// src/evaluate/match.ts
function iouRow({ objects: { boxes }, results }, result, objects, regions, out, start = 0) {
  const r = result * 4;
  const x = results.boxes[r];
  const y = results.boxes[r + 1];
  const width = results.boxes[r + 2];
  const height = results.boxes[r + 3];
  for (let g = 0; g < objects.length; g++) {
    const row = objects[g];
    const b = row * 4;
    const ox = boxes[b];
    const oy = boxes[b + 1];
    const objectWidth = boxes[b + 2];
    const objectHeight = boxes[b + 3];
    const w = Math.min(width + x, objectWidth + ox) - Math.max(x, ox);
    const h = Math.min(height + y, objectHeight + oy) - Math.max(y, oy);
    if (!(w > 0 && h > 0)) {
      out[start + g] = 0;
      continue;
    }
    const intersection = w * h;
    const area = width * height;
    out[start + g] = intersection / (regions?.[row] === 1 ? area : area + objectWidth * objectHeight - intersection);
  }
}
function bestMatch(ious, start, candidates, ignored, regions, taken, threshold) {
  let best = Math.min(threshold, 1 - 1e-10);
  let match = -1;
  for (let c = 0; c < candidates.length; c++) {
    const g = candidates[c];
    if (taken[g] === 1 && regions[g] !== 1) continue;
    if (match >= 0 && ignored[match] === 0 && ignored[g] === 1) break;
    const iou = ious[start + g];
    if (iou < best) continue;
    best = iou;
    match = g;
  }
  return match;
}
function countedFirst(ignored, candidates) {
  let at = 0;
  for (let pass = 0; pass < 2; pass++) {
    for (let g = 0; g < candidates.length; g++) if (ignored[g] === pass) candidates[at++] = g;
  }
}

// src/evaluate/coco-match.ts
var WRONG = 0;
var RIGHT = 1;
var IGNORED = 2;
var AREAS = Object.values(COCO_AREAS);
var MOST = Math.max(...COCO_MAX_DETECTIONS);
var LEAST_IOU = Math.min(...COCO_IOU_THRESHOLDS);
function matchCategory(table, cells2) {
  const N = cells2.reduce((sum, { results }) => sum + Math.min(results.length, MOST), 0);
  const most = cells2.reduce((count, { objects }) => Math.max(count, objects.length), 0);
  const scores = new Float64Array(N);
  const ranks = new Uint8Array(N);
  const fates = new Uint8Array(A * T * N);
  const counted = new Uint32Array(A);
  const scratch = {
    ious: new Float64Array(MOST * most),
    ignored: new Uint8Array(most),
    regions: new Uint8Array(most),
    taken: new Uint8Array(most),
    candidates: new Uint32Array(most)
  };
  let start = 0;
  for (const { objects, results } of cells2) {
    const best = results.subarray(0, MOST);
    const D = best.length;
    for (let d = 0; d < D; d++) {
      scores[start + d] = table.results.scores[best[d]];
      ranks[start + d] = d;
    }
    matchImage(objects, best);
    start += D;
  }
  return { scores, ranks, fates, objects: counted };
  function matchImage(objects, results) {
    const { ious, ignored, regions, taken } = scratch;
    const [D, G] = [results.length, objects.length];
    const candidates = scratch.candidates.subarray(0, G);
    let overlap = false;
    for (let g = 0; g < G; g++) regions[g] = table.objects.ignored[objects[g]];
    for (let d = 0; d < D; d++) iouRow(table, results[d], objects, table.objects.ignored, ious, d * G);
    for (let i = 0; i < D * G && !overlap; i++) overlap = ious[i] >= LEAST_IOU;
    for (let a = 0; a < A; a++) {
      for (let g = 0; g < G; g++) {
        const outside = !within(table.objects.areas[objects[g]], a);
        ignored[g] = regions[g] === 1 || outside ? 1 : 0;
        if (ignored[g] === 0) counted[a] = counted[a] + 1;
      }
      if (overlap) countedFirst(ignored, candidates);
      for (let t = 0; t < T; t++) {
        const row = (a * T + t) * N + start;
        const threshold = COCO_IOU_THRESHOLDS[t];
        if (overlap) taken.fill(0, 0, G);
        for (let d = 0; d < D; d++) {
          const match = overlap ? bestMatch(ious, d * G, candidates, ignored, regions, taken, threshold) : -1;
          if (match >= 0) {
            taken[match] = 1;
            fates[row + d] = ignored[match] === 1 ? IGNORED : RIGHT;
          } else {
            fates[row + d] = within(areaOf(results[d]), a) ? WRONG : IGNORED;
          }
        }
      }
    }
  }
  function areaOf(result) {
    return table.results.boxes[result * 4 + 2] * table.results.boxes[result * 4 + 3];
  }
}
function within(area, range) {
  const [low, high] = AREAS[range];
  return area >= low && area <= high;
}

// src/evaluate/coco-accumulate.ts
function createCurves(K) {
  return {
    precision: new Float64Array(T * R * K * A * M).fill(-1),
    scores: new Float64Array(T * R * K * A * M).fill(-1),
    recall: new Float64Array(T * K * A * M).fill(-1)
  };
}
function accumulate({ scores, ranks, fates, objects }, k, K, curves) {
  const N = scores.length;
  const order = new Uint32Array(N).map((_, i) => i);
  order.sort((a, b) => scores[b] - scores[a] || a - b);
  const recalls = new Float64Array(N);
  const precisions = new Float64Array(N);
  const rows = new Uint32Array(N);
  for (let m = 0; m < M; m++) {
    const maximum = COCO_MAX_DETECTIONS[m];
    let count = 0;
    for (const row of order) if (ranks[row] < maximum) rows[count++] = row;
    for (let a = 0; a < A; a++) {
      const positives = objects[a];
      if (positives === 0) continue;
      for (let t = 0; t < T; t++) {
        const first = (a * T + t) * N;
        let hits = 0;
        let misses = 0;
        for (let i = 0; i < count; i++) {
          const fate = fates[first + rows[i]];
          if (fate === RIGHT) hits++;
          else if (fate !== IGNORED) misses++;
          recalls[i] = hits / positives;
          precisions[i] = hits / (misses + hits + Number.EPSILON);
        }
        for (let i = count - 1; i > 0; i--) {
          if (precisions[i] > precisions[i - 1]) precisions[i - 1] = precisions[i];
        }
        curves.recall[((t * K + k) * A + a) * M + m] = count === 0 ? 0 : recalls[count - 1];
        for (let r = 0, i = 0; r < R; r++) {
          while (i < count && recalls[i] < COCO_RECALL_THRESHOLDS[r]) i++;
          const at = (((t * R + r) * K + k) * A + a) * M + m;
          curves.precision[at] = i < count ? precisions[i] : 0;
          curves.scores[at] = i < count ? scores[rows[i]] : 0;
        }
      }
    }
  }
}

// src/evaluate/coco-stats.ts
function summarize(curves, K, categories) {
  const ap = (a, thresholds) => {
    const mean = new Mean();
    for (const t of thresholds) {
      for (let r = 0; r < R; r++) {
        for (const k of categories) mean.add(curves.precision[(((t * R + r) * K + k) * A + a) * M + M - 1]);
      }
    }
    return mean.value();
  };
  const ar = (a, m) => {
    const mean = new Mean();
    for (let t = 0; t < T; t++) {
      for (const k of categories) mean.add(curves.recall[((t * K + k) * A + a) * M + m]);
    }
    return mean.value();
  };
  const every = Array.from({ length: T }, (_, t) => t);
  return {
    AP: ap(0, every),
    AP50: ap(0, [0]),
    AP75: ap(0, [5]),
    APs: ap(1, every),
    APm: ap(2, every),
    APl: ap(3, every),
    AR1: ar(0, 0),
    AR10: ar(0, 1),
    AR100: ar(0, 2),
    ARs: ar(1, 2),
    ARm: ar(2, 2),
    ARl: ar(3, 2)
  };
}
var Mean = class {
  #sum = 0;
  #count = 0;
  add(value) {
    if (value < 0) return;
    this.#sum += value;
    this.#count++;
  }
  value() {
    return this.#count === 0 ? -1 : this.#sum / this.#count;
  }
};

// src/evaluate/score-cut.ts
var HIGH_CUT = 0.05;
var MOST2 = Math.max(...COCO_MAX_DETECTIONS);
function scoreCutWarning(results) {
  let lowest = Number.POSITIVE_INFINITY;
  const perImage = /* @__PURE__ */ new Map();
  for (const { image_id, score } of results) {
    if (score < lowest) lowest = score;
    perImage.set(image_id, (perImage.get(image_id) ?? 0) + 1);
  }
  if (results.length === 0 || lowest <= HIGH_CUT) return void 0;
  let short = 0;
  for (const count of perImage.values()) if (count < MOST2) short++;
  if (short * 2 <= perImage.size) return void 0;
  return `The lowest score is ${Number(lowest.toPrecision(3))} and ${short} of ${perImage.size} images have fewer than ${MOST2} results: they look cut at a high score, which makes AP too low. Detect with a minimum score of 0.05 or less.`;
}

// src/evaluate/table.ts
function tableOf(groundTruth, results, { difficult = "ignore" } = {}) {
  if (difficult !== "ignore" && difficult !== "count") throw unexpected("difficult", "'ignore' or 'count'", difficult);
  const imageIds = [...new Set(groundTruth.images.map(({ id }) => id))].sort(compareIds);
  const imageRank = new Map(imageIds.map((id, rank) => [id, rank]));
  const categories = [...groundTruth.categories].sort((a, b) => a.id - b.id);
  const categoryRank = new Map(categories.map(({ id }, rank) => [id, rank]));
  return {
    imageIds,
    categories,
    objects: objectTable(groundTruth, imageRank, categoryRank, difficult === "ignore"),
    ...resultTable(results, imageRank, categoryRank)
  };
}
function objectTable({ annotations }, imageRank, categoryRank, ignoreDifficult) {
  const count = annotations.length;
  const table = {
    count,
    boxes: new Float64Array(count * 4),
    areas: new Float64Array(count),
    ignored: new Uint8Array(count),
    image: new Uint32Array(count),
    category: new Uint32Array(count)
  };
  annotations.forEach(({ id, image_id, category_id, bbox, area, iscrowd, difficult }, i) => {
    const image = imageRank.get(image_id);
    const category = categoryRank.get(category_id);
    if (image === void 0) throw wrong(`image_id of annotation ${id}`, "the id of a listed image", image_id);
    if (category === void 0) throw wrong(`category_id of annotation ${id}`, "the id of a category", category_id);
    if (!isBox(bbox)) throw wrong(`bbox of annotation ${id}`, BOX, bbox);
    if (!(area >= 0)) throw wrong(`area of annotation ${id}`, "a number of 0 or more", area);
    table.boxes.set(bbox, i * 4);
    table.areas[i] = area;
    table.ignored[i] = iscrowd === 1 || ignoreDifficult && difficult === 1 ? 1 : 0;
    table.image[i] = image;
    table.category[i] = category;
  });
  return table;
}
function resultTable(results, imageRank, categoryRank) {
  const boxes = new Float64Array(results.length * 4);
  const scores = new Float64Array(results.length);
  const image = new Uint32Array(results.length);
  const category = new Uint32Array(results.length);
  let count = 0;
  results.forEach(({ image_id, category_id, bbox, score }, i) => {
    const ofImage = imageRank.get(image_id);
    const ofCategory = categoryRank.get(category_id);
    if (ofImage === void 0) throw wrong(`image_id of result ${i}`, "the id of an annotated image", image_id);
    if (!isBox(bbox)) throw wrong(`bbox of result ${i}`, BOX, bbox);
    if (!Number.isFinite(score)) throw wrong(`score of result ${i}`, "a finite number", score);
    if (ofCategory === void 0) return;
    boxes.set(bbox, count * 4);
    scores[count] = score;
    image[count] = ofImage;
    category[count++] = ofCategory;
  });
  const table = {
    count,
    boxes: boxes.subarray(0, count * 4),
    scores: scores.subarray(0, count),
    image: image.subarray(0, count),
    category: category.subarray(0, count)
  };
  return { results: table, unknownCategories: results.length - count };
}
var BOX = "four finite numbers x, y, width, height without negative sides";
function isBox(box2) {
  return box2.length === 4 && box2.every(Number.isFinite) && box2[2] >= 0 && box2[3] >= 0;
}
function wrong(name, what, value) {
  return unexpected(name, what, value, "DATA_INVALID");
}
function compareIds(a, b) {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

// src/evaluate/coco.ts
function evaluateCoco(groundTruth, results, options = {}) {
  const table = tableOf(groundTruth, results, options);
  const K = table.categories.length;
  const curves = createCurves(K);
  const objects = new Uint32Array(K);
  const resultCounts = new Uint32Array(K);
  for (const row of table.results.category) resultCounts[row] = resultCounts[row] + 1;
  const finish = (k, cells3) => {
    const matches = matchCategory(table, cells3);
    accumulate(matches, k, K, curves);
    objects[k] = matches.objects[0];
  };
  let cells2 = [];
  for (const cell of categoryCells(table)) {
    const k = cells2[0]?.category;
    if (k !== void 0 && k !== cell.category) {
      finish(k, cells2);
      cells2 = [];
    }
    cells2.push(cell);
  }
  if (cells2[0]) finish(cells2[0].category, cells2);
  const perClass = table.categories.map(
    ({ id, name }, k) => ({
      categoryId: id,
      name,
      objects: objects[k],
      results: resultCounts[k],
      ...summarize(curves, K, [k])
    })
  );
  const every = perClass.map((_, k) => k);
  return {
    stats: summarize(curves, K, every),
    perClass,
    curves,
    warnings: warningsFor(results, table.unknownCategories)
  };
}
function warningsFor(results, unknownCategories) {
  const unknown = unknownCategories === 0 ? void 0 : `${unknownCategories} of ${results.length} results have categories that the ground truth does not have; they were left out.`;
  return [unknown, scoreCutWarning(results)].filter((warning) => warning !== void 0);
}

// src/formats/coco-read.ts
function readCocoInstances(json, origin = "COCO annotations") {
  const file = parse(json, origin);
  if (!isRecord(file)) throw wrong2(origin, "an object with images, annotations and categories", file);
  const images = list(file, "images", origin).map((entry, i) => {
    const at = `images[${i}] of ${origin}`;
    const { id, file_name, width, height } = record(entry, at);
    if (typeof file_name !== "string") throw wrong2(`file_name of ${at}`, "a string", file_name);
    return {
      id: idOf(id, `id of ${at}`),
      file_name,
      width: positive(width, `width of ${at}`),
      height: positive(height, `height of ${at}`)
    };
  });
  const categories = list(file, "categories", origin).map((entry, i) => {
    const at = `categories[${i}] of ${origin}`;
    const { id, name } = record(entry, at);
    if (typeof name !== "string") throw wrong2(`name of ${at}`, "a string", name);
    return { id: integer(id, `id of ${at}`), name };
  });
  const imageIds = unique(images, `images of ${origin}`);
  const categoryIds = unique(categories, `categories of ${origin}`);
  const annotations = list(file, "annotations", origin).map((entry, i) => {
    const at = `annotations[${i}] of ${origin}`;
    const { id, image_id, category_id, bbox, area, iscrowd, difficult } = record(entry, at);
    const box2 = boxOf(bbox, `bbox of ${at}`);
    return {
      id: idOf(id, `id of ${at}`),
      image_id: known(image_id, imageIds, `image_id of ${at}`, "the id of an image of the file"),
      category_id: known(category_id, categoryIds, `category_id of ${at}`, "the id of a category of the file"),
      bbox: box2,
      area: area === void 0 ? box2[2] * box2[3] : notNegative(area, `area of ${at}`),
      iscrowd: flag(iscrowd, `iscrowd of ${at}`),
      difficult: flag(difficult, `difficult of ${at}`)
    };
  });
  unique(annotations, `annotations of ${origin}`);
  return { images, annotations, categories };
}
function readCocoResults(json, origin = "COCO results") {
  const file = parse(json, origin);
  if (!Array.isArray(file)) throw wrong2(origin, "an array of results", file);
  return file.map((entry, i) => {
    const at = `[${i}] of ${origin}`;
    const { image_id, category_id, bbox, score } = record(entry, at);
    return {
      image_id: idOf(image_id, `image_id of ${at}`),
      category_id: integer(category_id, `category_id of ${at}`),
      bbox: boxOf(bbox, `bbox of ${at}`),
      score: finite(score, `score of ${at}`)
    };
  });
}
function parse(json, origin) {
  if (typeof json !== "string") return json;
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw new VertebraError("DATA_INVALID", `Expected JSON in ${origin} but it could not be parsed: ${cause}.`, {
      cause
    });
  }
}
function wrong2(name, what, value) {
  return unexpected(name, what, value, "DATA_INVALID");
}
function isRecord(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
function record(value, name) {
  if (!isRecord(value)) throw wrong2(name, "an object", value);
  return value;
}
function list(file, field, origin) {
  const value = file[field];
  if (!Array.isArray(value)) throw wrong2(`${field} of ${origin}`, "an array", value);
  return value;
}
function finite(value, name) {
  if (typeof value !== "number" || !Number.isFinite(value)) throw wrong2(name, "a finite number", value);
  return value;
}
function notNegative(value, name) {
  if (!(finite(value, name) >= 0)) throw wrong2(name, "a number of 0 or more", value);
  return value;
}
function positive(value, name) {
  if (!(finite(value, name) > 0)) throw wrong2(name, "a number above 0", value);
  return value;
}
function integer(value, name) {
  if (!Number.isSafeInteger(value)) throw wrong2(name, "an integer", value);
  return value;
}
function idOf(value, name) {
  if (typeof value === "string" || Number.isSafeInteger(value)) return value;
  throw wrong2(name, "an integer or a string", value);
}
function flag(value, name) {
  if (value === void 0 || value === 0 || value === false) return 0;
  if (value === 1 || value === true) return 1;
  throw wrong2(name, "0 or 1", value);
}
function boxOf(value, name) {
  if (!Array.isArray(value) || value.length !== 4 || !value.every(Number.isFinite) || value[2] < 0 || value[3] < 0) {
    throw wrong2(name, "four finite numbers x, y, width, height without negative sides", value);
  }
  return [value[0], value[1], value[2], value[3]];
}
function known(value, ids, name, what) {
  if (!ids.has(value)) throw wrong2(name, what, value);
  return value;
}
function unique(entries, name) {
  const ids = /* @__PURE__ */ new Set();
  for (const { id } of entries) {
    if (ids.has(id)) throw wrong2(`id in ${name}`, "each id once", id);
    ids.add(id);
  }
  return ids;
}

// bench/report.mjs
import { cpus, totalmem } from "node:os";
function machine() {
  const [cpu] = cpus();
  return `${cpus().length} x ${cpu?.model ?? "unknown CPU"}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`;
}

// bench/evaluate.mjs
var IMAGES = 5e3;
var CLASSES = 80;
var OBJECTS = 36e3;
var RESULTS_PER_IMAGE = 100;
var state = 1;
function random() {
  state = state + 1831565813 | 0;
  let x = Math.imul(state ^ state >>> 15, 1 | state);
  x = x + Math.imul(x ^ x >>> 7, 61 | x) ^ x;
  return ((x ^ x >>> 14) >>> 0) / 2 ** 32;
}
var below = (count) => Math.floor(random() * count);
var side = () => 5 + 300 * random() ** 3;
var box = () => [below(500), below(400), side(), side()];
function writeData(instancesFile, resultsFile) {
  const images = Array.from({ length: IMAGES }, (_, i) => ({
    id: i + 1,
    file_name: `${i}.jpg`,
    width: 640,
    height: 480
  }));
  const categories = Array.from({ length: CLASSES }, (_, k) => ({ id: k + 1 + Math.floor(k / 7), name: `class ${k}` }));
  const categoryId = () => categories[Math.floor(CLASSES * random() ** 2)]?.id ?? 1;
  const perImage = images.map(() => []);
  const annotations = Array.from({ length: OBJECTS }, (_, i) => {
    const image = below(IMAGES);
    const object = { bbox: box(), category_id: categoryId() };
    perImage[image]?.push(object);
    const [, , width = 0, height = 0] = object.bbox;
    return { id: i + 1, image_id: image + 1, ...object, area: width * height * 0.7, iscrowd: random() < 0.01 ? 1 : 0 };
  });
  const results = perImage.flatMap(
    (objects, i) => Array.from({ length: RESULTS_PER_IMAGE }, () => {
      const near = random() < 0.3 ? objects[below(objects.length)] : void 0;
      const bbox = near ? near.bbox.map((value) => Math.max(value + 12 * (random() - 0.5), 0.1)) : box();
      return { image_id: i + 1, category_id: near?.category_id ?? categoryId(), bbox, score: random() };
    })
  );
  writeFileSync(instancesFile, JSON.stringify({ images, categories, annotations }));
  writeFileSync(resultsFile, JSON.stringify(results));
}
console.log(machine());
var folder = mkdtempSync(join(tmpdir(), "evaluate-"));
try {
  const files = [join(folder, "instances.json"), join(folder, "results.json")];
  writeData(...files);
  const started = performance.now();
  const instances = readCocoInstances(readFileSync(files[0], "utf8"));
  const results = readCocoResults(readFileSync(files[1], "utf8"));
  const loaded = performance.now();
  const { stats } = evaluateCoco(instances, results);
  const ended = performance.now();
  const own = { load: (loaded - started) / 1e3, evaluate: (ended - loaded) / 1e3 };
  const gigabytes = process.resourceUsage().maxRSS / 2 ** 20;
  console.log(
    `vertebra     load ${own.load.toFixed(2)} s, evaluate ${own.evaluate.toFixed(2)} s, ${gigabytes.toFixed(2)} GB at most`
  );
  const python = process.env.PYCOCOTOOLS_PYTHON;
  if (python) {
    const script = fileURLToPath(new URL("evaluate.py", import.meta.url));
    const theirs = JSON.parse(execFileSync(python, [script, ...files], { encoding: "utf8" }));
    const difference = Object.values(stats).reduce(
      (most, value, i) => Math.max(most, Math.abs(value - theirs.stats[i])),
      0
    );
    const ratio = own.evaluate / theirs.evaluate;
    const whole = (own.load + own.evaluate) / (theirs.load + theirs.evaluate);
    console.log(`pycocotools  load ${theirs.load.toFixed(2)} s, evaluate ${theirs.evaluate.toFixed(2)} s`);
    console.log(`ratio        evaluate ${ratio.toFixed(3)}, with loading ${whole.toFixed(3)} (at most 0.5)`);
    console.log(`largest difference of the 12 figures: ${difference.toExponential(1)} (at most 1e-9)`);
  }
} finally {
  rmSync(folder, { recursive: true });
}
