import type { XYWH } from '../boxes/boxes.ts'
import { describe } from '../errors.ts'
import {
  type DatasetAnnotation,
  type DatasetCategory,
  type DatasetImage,
  type DatasetProblem,
  type DatasetProblemKind,
  type DatasetReading,
  type OtherFields,
  problem,
} from './dataset.ts'

type Id = number | string
type Entry = Readonly<Record<string, unknown>>

/** How far a box may reach beyond its image before it is mentioned: rounding, and VOC files that count from 0. */
const BORDER = 1

/**
 * Takes the entries of any format as they come, checks them by the rules of `DatasetProblemKind`, and gives a dataset
 * whose ids are unique, whose references hold and whose boxes have an area.
 */
export class DatasetBuilder {
  readonly #images = new Map<Id, DatasetImage>()
  readonly #categories = new Map<number, DatasetCategory>()
  readonly #idOfName = new Map<string, number>()
  readonly #imageOfFile = new Map<string, Id>()
  readonly #annotations: { annotation: DatasetAnnotation; file: string }[] = []
  readonly #problems: DatasetProblem[] = []
  readonly #keepOther: boolean

  /** @param keepOther keep fields that this library does not use. */
  constructor(keepOther = true) {
    this.#keepOther = keepOther
  }

  report(
    kind: DatasetProblemKind,
    action: DatasetProblem['action'],
    file: string,
    entry: string,
    what: string,
  ): undefined {
    this.#problems.push(problem(kind, action, file, entry, what))
    return undefined
  }

  /**
   * @param value `{ id, file_name, width, height, splits, … }`
   * @param nameless the image's name where `value` has none. Default: its id.
   */
  addImage(value: unknown, file: string, index: number, nameless?: string): void {
    const entry = this.#entry(value, file, `images[${index}]`)
    const id = entry && this.#id(entry.id, file, `images[${index}]`)
    if (!entry || id === undefined) return
    const name = `image ${describe(id)}`
    if (this.#images.has(id)) {
      this.report('duplicate-id', 'dropped', file, name, 'an image of this id came before; this one is dropped')
      return
    }
    const { id: _, file_name, width, height, splits, ...other } = entry
    const isNamed = typeof file_name === 'string' && file_name !== ''
    const ownName = isNamed ? file_name : (nameless ?? String(id))
    if (!isNamed) {
      const what = `its file name is ${describe(file_name)}; ${describe(ownName)} is taken`
      this.report('bad-name', 'repaired', file, name, what)
    }
    const earlier = this.#imageOfFile.get(ownName)
    if (earlier !== undefined) {
      const what = `image ${describe(earlier)} has the same file name, ${describe(ownName)}; they are kept apart`
      this.report('duplicate-name', 'kept', file, name, what)
    }
    this.#imageOfFile.set(ownName, id)
    const sized = isSize(width) && isSize(height)
    if (!sized) {
      const size = `${describe(width)} x ${describe(height)}`
      this.report('bad-size', 'repaired', file, name, `its size is ${size}; it is taken as unknown`)
    }
    this.#images.set(id, {
      id,
      file_name: ownName,
      width: sized ? width : 0,
      height: sized ? height : 0,
      ...(isStrings(splits) ? { splits } : {}),
      ...this.#other(other),
    })
  }

  /** @param value `{ id, name, … }` */
  addCategory(value: unknown, file: string, index: number): void {
    const entry = this.#entry(value, file, `categories[${index}]`)
    if (!entry) return
    const { id, name, ...other } = entry
    if (!Number.isSafeInteger(id)) {
      this.report('bad-id', 'dropped', file, `categories[${index}]`, `its id is ${describe(id)}, no integer`)
    } else if (typeof name !== 'string' || name === '') {
      this.report('bad-name', 'dropped', file, `category ${id}`, `its name is ${describe(name)}`)
    } else if (this.#categories.has(id as number)) {
      const what = 'a category of this id came before; this one is dropped'
      this.report('duplicate-id', 'dropped', file, `category ${id}`, what)
    } else {
      const earlier = this.#idOfName.get(name)
      if (earlier !== undefined) {
        const what = `category ${earlier} has the same name, ${describe(name)}; they are kept apart`
        this.report('duplicate-name', 'kept', file, `category ${id}`, what)
      }
      this.#idOfName.set(name, id as number)
      this.#categories.set(id as number, { id: id as number, name, ...this.#other(other) })
    }
  }

  /** @param value `{ id, image_id, category_id, bbox, area, iscrowd, difficult, truncated, … }` */
  addAnnotation(value: unknown, file: string, index: number): void {
    const entry = this.#entry(value, file, `annotations[${index}]`)
    const id = entry && this.#id(entry.id, file, `annotations[${index}]`)
    if (!entry || id === undefined) return
    const { id: _, image_id, category_id, bbox, area, iscrowd, difficult, truncated, ...other } = entry
    const name = `annotation ${describe(id)}`
    if (!isBox(bbox)) {
      this.report('bad-box', 'dropped', file, name, `its box is ${describe(bbox)}; it is dropped`)
      return
    }
    const [x, y, width, height] = bbox
    if (!(width * height > 0)) {
      this.report('empty-box', 'dropped', file, name, `its box is ${width} x ${height}; it is dropped`)
      return
    }
    if (area !== undefined && !isArea(area)) {
      this.report('bad-area', 'repaired', file, name, `its area is ${describe(area)}; the box's is taken`)
    }
    const flag = (mark: string, flagged: unknown): 0 | 1 => {
      if (flagged === undefined || flagged === 0 || flagged === false) return 0
      if (flagged === 1 || flagged === true) return 1
      this.report('bad-flag', 'repaired', file, name, `${mark} is ${describe(flagged)}; it is taken as 0`)
      return 0
    }
    this.#annotations.push({
      file,
      annotation: {
        id,
        // Checked in `finish`, when all images and categories are known.
        image_id: image_id as Id,
        category_id: category_id as number,
        bbox: [x, y, width, height],
        area: isArea(area) ? area : width * height,
        iscrowd: flag('iscrowd', iscrowd),
        difficult: flag('difficult', difficult),
        truncated: flag('truncated', truncated),
        ...this.#other(other),
      },
    })
  }

  /** @param file what images without objects are listed under. */
  finish(file: string, other: OtherFields = {}): DatasetReading {
    const annotations: DatasetAnnotation[] = []
    const first = new Map<Id, DatasetAnnotation>()
    const used = new Set<Id>()
    let free = 1
    for (const { annotation } of this.#annotations) {
      if (typeof annotation.id === 'number') free = Math.max(free, annotation.id + 1)
    }
    for (const { annotation, file: from } of this.#annotations) {
      if (!this.#fits(annotation, from)) continue
      used.add(annotation.image_id)
      const earlier = first.get(annotation.id)
      if (earlier === undefined) {
        first.set(annotation.id, annotation)
        annotations.push(annotation)
        continue
      }
      const name = `annotation ${describe(annotation.id)}`
      if (repeats(annotation, earlier)) {
        this.report('duplicate-id', 'dropped', from, name, 'it repeats an annotation of this id; it is dropped')
      } else {
        this.report('duplicate-id', 'repaired', from, name, `another annotation has this id; it becomes ${free}`)
        annotations.push({ ...annotation, id: free++ })
      }
    }
    for (const { id } of this.#images.values()) {
      if (!used.has(id)) this.report('no-annotations', 'kept', file, `image ${describe(id)}`, 'it has no objects')
    }
    return {
      dataset: {
        images: [...this.#images.values()],
        annotations,
        categories: [...this.#categories.values()].sort((a, b) => a.id - b.id),
        ...this.#other(other),
      },
      problems: this.#problems,
    }
  }

  /** Whether an annotation's image and category exist and its box lies on the image. */
  #fits({ id, image_id, category_id, bbox: [x, y, width, height] }: DatasetAnnotation, file: string): boolean {
    const name = `annotation ${describe(id)}`
    const image = this.#images.get(image_id)
    if (!image) {
      this.report('unknown-image', 'dropped', file, name, `there is no image ${describe(image_id)}; it is dropped`)
      return false
    }
    if (!this.#categories.has(category_id)) {
      const what = `there is no category ${describe(category_id)}; it is dropped`
      this.report('unknown-category', 'dropped', file, name, what)
      return false
    }
    if (image.width === 0) return true
    const where = `its box ${describe([x, y, width, height])} reaches out of the ${image.width} x ${image.height} image`
    if (x >= image.width || y >= image.height || x + width <= 0 || y + height <= 0) {
      this.report('box-outside', 'dropped', file, name, `${where} wholly; it is dropped`)
      return false
    }
    const right = x + width - image.width
    const bottom = y + height - image.height
    if (Math.max(-x, -y, right, bottom) > BORDER) {
      this.report('box-beyond', 'kept', file, name, `${where}; it is kept as it is`)
    }
    return true
  }

  #entry(value: unknown, file: string, name: string): Entry | undefined {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Entry
    return this.report('unreadable', 'dropped', file, name, `it is ${describe(value)}, not an object`)
  }

  #id(value: unknown, file: string, name: string): Id | undefined {
    if (typeof value === 'string' || Number.isSafeInteger(value)) return value as Id
    return this.report('bad-id', 'dropped', file, name, `its id is ${describe(value)}, neither an integer nor a string`)
  }

  #other(other: OtherFields): { other?: OtherFields } {
    return this.#keepOther && Object.keys(other).length > 0 ? { other } : {}
  }
}

function isSize(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0
}

function isArea(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

function isBox(value: unknown): value is XYWH {
  return Array.isArray(value) && value.length === 4 && value.every(Number.isFinite) && value[2] >= 0 && value[3] >= 0
}

function repeats(a: DatasetAnnotation, b: DatasetAnnotation): boolean {
  return a.image_id === b.image_id && a.category_id === b.category_id && a.bbox.every((value, i) => value === b.bbox[i])
}
