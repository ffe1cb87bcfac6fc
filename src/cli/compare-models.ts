import { type ComparedModel, distinctModelNames } from '../compare/comparison.ts'
import { measureTimes } from '../compare/times.ts'
import type { Detector } from '../detector/detector.ts'
import type { PrecisionChoice } from '../detector/precision.ts'
import { unexpected } from '../errors.ts'
import type { ImageInput } from '../images/index.node.ts'
import { loadDetector } from '../load/node.ts'
import { openModel } from '../models/load.ts'
import { locateModel } from '../models/locate.node.ts'
import { summarizeModel } from '../models/summary.ts'
import { throwIfAborted } from '../progress.ts'
import type { DeviceChoice } from '../runtime/runtime.ts'
import { measureMemory } from './measure-memory.ts'
import { progressBar } from './progress-bar.ts'

/** The most colours that a reader can tell apart in one chart. */
const MOST_MODELS = 6

/** One model of a comparison, as it was asked for. */
export interface WantedModel {
  readonly model: string
  readonly device: DeviceChoice
  readonly precision: PrecisionChoice
  readonly threads?: number
}

/** One model of a comparison, loaded. */
export interface Contender extends WantedModel {
  readonly name: string
  readonly detector: Detector<ImageInput>
}

/**
 * Models, devices and precisions side by side; what is given once is for all.
 * @throws VertebraError `INVALID_ARGUMENT` when their numbers do not agree, or they are not two to six.
 */
export function sideBySide(
  models: readonly string[],
  devices: readonly DeviceChoice[],
  precisions: readonly PrecisionChoice[],
  threads?: number,
): WantedModel[] {
  const count = Math.max(models.length, devices.length, precisions.length)
  for (const [option, { length }] of Object.entries({ models, device: devices, precision: precisions })) {
    if (length !== count && length !== 1) throw unexpected(`--${option}`, `1 or ${count}, as of the others,`, length)
  }
  if (count < 2 || count > MOST_MODELS) {
    const expected = `two to ${MOST_MODELS} models, or one and several --device or --precision,`
    throw unexpected('--models', expected, count)
  }
  return Array.from({ length: count }, (_, i) => ({
    model: models[models.length === 1 ? 0 : i] ?? '',
    device: devices[devices.length === 1 ? 0 : i] ?? 'auto',
    precision: precisions[precisions.length === 1 ? 0 : i] ?? 'auto',
    ...(threads === undefined ? {} : { threads }),
  }))
}

/** Loads all models. Their order is kept; the caller disposes of the detectors. */
export async function loadContenders(wanted: readonly WantedModel[], signal: AbortSignal): Promise<Contender[]> {
  const bar = progressBar('steps')
  const detectors: Detector<ImageInput>[] = []
  try {
    for (const own of wanted) detectors.push(await loadDetector(own.model, { ...own, signal, onProgress: bar.update }))
  } catch (error) {
    for (const detector of detectors) await detector.dispose()
    throw error
  } finally {
    bar.clear()
  }
  const facts = detectors.map(({ manifest, device, precision }) => ({
    name: manifest.name,
    precision,
    device: device.device,
  }))
  const names = distinctModelNames(facts)
  return wanted.map((own, i) => ({
    ...own,
    name: names[i] ?? own.model,
    detector: detectors[i] as Detector<ImageInput>,
  }))
}

/**
 * What the models cost on some photos.
 * @param size of the photo that multiply-adds are counted for.
 */
export async function measureModels(
  contenders: readonly Contender[],
  photos: readonly string[],
  size: { readonly width: number; readonly height: number },
  minScore: number | undefined,
  signal: AbortSignal,
): Promise<ComparedModel[]> {
  const bar = progressBar('photos')
  const detectors = contenders.map(({ detector }) => detector)
  const measured = await measureTimes(detectors, photos, { signal, onProgress: bar.update }).finally(() => bar.clear())
  const models: ComparedModel[] = []
  const steps = progressBar('models')
  for (const [i, contender] of contenders.entries()) {
    steps.update({ phase: 'memory', done: i, total: contenders.length, item: contender.name })
    const { manifest, device, precision, runtime } = contender.detector
    const { graphs } = await summarizeModel(
      await openModel(await locateModel(contender.model), { signal }),
      size.width,
      size.height,
    )
    const sum = (read: (graph: (typeof graphs)[number]) => number): number =>
      graphs.reduce((all, graph) => all + read(graph), 0)
    const memory = await measureMemory(photos.slice(0, 3), contender, signal)
    throwIfAborted(signal)
    models.push({
      name: contender.name,
      architecture: manifest.architecture,
      precision,
      device: `${device.device}, ${runtime}`,
      parameters: sum((graph) => graph.parameters),
      multiplyAdds: sum((graph) => graph.multiplyAdds),
      bytes: sum((graph) => graph.bytes),
      memory,
      ...(measured[i] as (typeof measured)[number]),
      minScore: minScore ?? manifest.head.scoreThreshold,
    })
  }
  steps.clear()
  return models
}
