import type { XYWH } from '../boxes/boxes.ts'
import type { StageTimes } from '../detector/stopwatch.ts'
import type { CocoEvaluation, ErrorBreakdown, Interval, OperatingPoint, VocEvaluation } from '../evaluate/index.ts'

/** What two or more models do on the same photos: everything a report shows. */
export interface Comparison {
  /** At least two; differences are to the first. */
  readonly models: readonly ComparedModel[]
  /** What they ran on, in words: a dataset's name, or a photo's. */
  readonly subject: string
  /** Absent for a photo without annotations. */
  readonly scores: ComparedScores | undefined
  /** The photos shown, those where the models differ most first. */
  readonly photos: readonly ComparedPhoto[]
  /** Size of the photo that multiply-adds were counted for, and number of photos that times were measured on. */
  readonly costs: { readonly width: number; readonly height: number; readonly photos: number }
  /** What makes the figures doubtful, in whole sentences. */
  readonly warnings: readonly string[]
}

/** One model, with what it costs. */
export interface ComparedModel {
  /** Told apart from the other models' names. */
  readonly name: string
  readonly architecture: string
  readonly precision: string
  /** Device and runtime. */
  readonly device: string
  readonly parameters: number
  readonly multiplyAdds: number
  /** Of the files. */
  readonly bytes: number
  /** Peak resident memory, in bytes, of a process that runs only this model; undefined where it could not be measured. */
  readonly memory: number | undefined
  /** Median milliseconds per photo of each stage. */
  readonly times: StageTimes
  /** Median milliseconds per photo. */
  readonly milliseconds: number
  /** Least score of its detections. */
  readonly minScore: number
}

export interface ComparedScores {
  readonly images: number
  readonly objects: number
  readonly categories: number
  /** Score from which precision, recall and F1 count, and from which boxes are drawn. */
  readonly at: number
  /** In the order of the models. */
  readonly models: readonly ModelScores[]
  /** What makes the intervals doubtful, in whole sentences. */
  readonly warnings: readonly string[]
}

/** One model's figures, and how they differ from the first model's. */
export interface ModelScores {
  readonly coco: CocoEvaluation
  readonly voc: VocEvaluation
  readonly point: OperatingPoint
  readonly errors: ErrorBreakdown
  /** Undefined for the first model. */
  readonly differences: ScoreDifferences | undefined
}

/** Confidence intervals of the differences to the first model; NaN ends where nothing could be measured. */
export interface ScoreDifferences {
  readonly figures: Readonly<Record<string, Interval>>
  /** Of AP, in the order of the category ids. */
  readonly perClass: readonly Interval[]
}

/** One photo, as every model sees it. */
export interface ComparedPhoto {
  readonly name: string
  readonly width: number
  readonly height: number
  /** Objects that are there; undefined without annotations. */
  readonly objects: readonly PhotoObject[] | undefined
  /** In the order of the models. */
  readonly views: readonly PhotoView[]
}

export interface PhotoObject {
  readonly box: XYWH
  readonly label: string
  /** Crowd or difficult: finding it is neither right nor wrong. */
  readonly ignored: boolean
}

/** What one model makes of a photo. */
export interface PhotoView {
  /** The photo with its boxes, an SVG document. */
  readonly drawing: string
  /** The boxes in words. */
  readonly detections: readonly { readonly label: string; readonly score: number }[]
  /** Objects found and wrong detections; undefined without annotations. */
  readonly counts: { readonly found: number; readonly wrong: number } | undefined
  /** A feature level over the photo, a `data:` URL; undefined when the models have no level in common. */
  readonly heatMap: { readonly level: string; readonly stride: number; readonly url: string } | undefined
}

/** The models' names told apart: by precision or device where only these differ, else by a number. */
export function distinctModelNames(
  models: readonly { readonly name: string; readonly precision: string; readonly device: string }[],
): string[] {
  const twice = (names: readonly string[]): boolean => new Set(names).size < names.length
  const names = models.map(({ name }) => name)
  return names.map((name, i) => {
    const alike = models.filter((model) => model.name === name)
    if (alike.length === 1) return name
    const marks = (['precision', 'device'] as const).filter(
      (mark) => new Set(alike.map((model) => model[mark])).size > 1,
    )
    const marked = (model: (typeof alike)[number]): string =>
      marks.length === 0 ? name : `${name} (${marks.map((mark) => model[mark]).join(', ')})`
    const own = marked(models[i] as (typeof alike)[number])
    if (!twice(alike.map(marked))) return own
    const before = models.slice(0, i + 1).filter((model) => model.name === name && marked(model) === own).length
    return before === 1 ? own : `${own} #${before}`
  })
}
